//! Commands on their way: which may go together, which response is whose, and what waits in the middle of one.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use mail46_sasl::client::Exchange;

use super::CommandId;
use crate::command::CommandBody;
use crate::{Extension, Mark, Numbering, Pause, Tag, Untagged};

/// A command, as far as the machine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Acl,
    Append,
    Authenticate,
    Capability,
    Compress,
    Copy,
    Enable,
    Expunge,
    Fetch,
    Id,
    Idle,
    List,
    Login,
    Logout,
    Metadata,
    Move,
    Namespace,
    Quota,
    Search,
    Select,
    Sort,
    StartTls,
    Status,
    Store,
    Thread,
    Unauthenticate,
    Unselect,
    Other,
}

/// What RFC 9051 s 5.5 asks of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) kind: Kind,
    /// By which numbers it names messages, if it does.
    pub(super) numbering: Option<Numbering>,
    /// Its arguments hold message sequence numbers.
    pub(super) has_sequence_numbers: bool,
}

impl Traits {
    pub(super) const fn of(kind: Kind) -> Self {
        Self { kind, numbering: None, has_sequence_numbers: false }
    }

    /// Whether nothing else may be on its way with it: it changes what octets mean, or how we write.
    fn is_alone(self) -> bool {
        matches!(
            self.kind,
            Kind::Authenticate
                | Kind::Compress
                | Kind::Enable
                | Kind::Idle
                | Kind::Login
                | Kind::Logout
                | Kind::StartTls
                | Kind::Unauthenticate
        )
    }

    /// Whether no EXPUNGE may come while it is in progress: "FETCH, STORE, or SEARCH", and not with UID.
    fn keeps_numbers(self) -> bool {
        // RFC 5256 s 3 says so of SORT and THREAD too.
        matches!(self.kind, Kind::Fetch | Kind::Store | Kind::Search | Kind::Sort | Kind::Thread)
            && self.numbering != Some(Numbering::Uid)
    }

    /// Whether it may begin while those are in progress.
    pub(super) fn may_follow(self, others: impl Iterator<Item = Self> + Clone) -> bool {
        let mut each = others.clone();
        if others.clone().any(Self::is_alone) || (self.is_alone() && each.next().is_some()) {
            return false;
        }
        // RFC 9051 s 5.5: "if the client sends any command other than FETCH, STORE, or SEARCH, it MUST wait for the completion
        // result response before sending a command with message sequence numbers", and the same behind a UID command.
        !self.has_sequence_numbers || { others }.all(Self::keeps_numbers)
    }
}

/// One that is not begun.
pub(super) struct Waiting {
    pub(super) id: CommandId,
    pub(super) traits: Traits,
    pub(super) body: Box<CommandBody>,
    /// Said by the machine itself.
    pub(super) own: bool,
}

impl std::fmt::Debug for Waiting {
    /// Without its arguments: one may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("id", &self.id).field("traits", &self.traits).finish_non_exhaustive()
    }
}

/// One that is begun and not completed.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: CommandId,
    pub(super) tag: Tag,
    pub(super) kind: Kind,
    pub(super) traits: Traits,
    pub(super) enables: Vec<Extension>,
    pub(super) own: bool,
}

impl Flight {
    pub(super) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    /// Whether a response is an answer to it.
    pub(super) fn awaits(&self, response: &Untagged) -> bool {
        super::answers::is_answer(self, response)
    }
}

/// A command that is written up to somewhere.
pub(super) struct Partial {
    pub(super) id: CommandId,
    /// What is not written, and where in it to stop.
    rest: BytesMut,
    marks: VecDeque<Mark>,
    /// How much of `rest` was written: marks count from its start.
    written: usize,
    halt: Halt,
    /// Completed, while octets of it are still owed.
    forsaken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    No,
    /// For "+".
    Wait,
    /// For so many octets from the application.
    Data(u64),
}

/// How far a command was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    All,
    /// A continuation is awaited.
    Waits,
    /// The application is to hand over so many octets.
    Wants(u64),
}

impl Partial {
    pub(super) fn new(id: CommandId, text: BytesMut, marks: Vec<Mark>) -> Self {
        Self { id, rest: text, marks: marks.into(), written: 0, halt: Halt::No, forsaken: false }
    }

    /// Writes as much as may go.
    pub(super) fn write(&mut self, output: &mut BytesMut) -> Progress {
        loop {
            match self.halt {
                Halt::Wait => return Progress::Waits,
                Halt::Data(left) if left > 0 => return Progress::Wants(left),
                Halt::Data(_) | Halt::No => self.halt = Halt::No,
            }
            let Some(mark) = self.marks.pop_front() else {
                output.extend_from_slice(&self.rest);
                self.rest.clear();
                return Progress::All;
            };
            let count = mark.at.saturating_sub(self.written).min(self.rest.len());
            output.extend_from_slice(self.rest.get(..count).unwrap_or_default());
            self.rest.advance(count);
            self.written = mark.at;
            self.halt = match mark.pause {
                // Nobody says "+" to a command that is completed.
                Pause::Wait if self.forsaken => {
                    self.rest.clear();
                    return Progress::All;
                }
                Pause::Wait => Halt::Wait,
                Pause::Streamed(size) => Halt::Data(size),
            };
        }
    }

    /// Whether a continuation is awaited.
    pub(super) fn waits(&self) -> bool {
        self.halt == Halt::Wait
    }

    /// The continuation has come.
    pub(super) fn go_on(&mut self) {
        self.halt = Halt::No;
    }

    /// Octets that the application is to hand over.
    pub(super) fn wants(&self) -> u64 {
        match self.halt {
            Halt::Data(left) => left,
            _ => 0,
        }
    }

    /// Some of them were.
    pub(super) fn handed_over(&mut self, octets: u64) {
        if let Halt::Data(left) = &mut self.halt {
            *left = left.saturating_sub(octets);
        }
    }

    /// Whether the server reads what comes as a part of this command, whatever it has said: a literal is announced, and it does
    /// not wait, or its "+" has come.
    pub(super) fn is_owed(&self) -> bool {
        matches!(self.halt, Halt::Data(left) if left > 0)
    }

    /// The command is completed; only what is owed is still written.
    pub(super) fn forsake(&mut self) {
        self.forsaken = true;
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partial").field("id", &self.id).field("halt", &self.halt).finish_non_exhaustive()
    }
}

/// An AUTHENTICATE that is going on.
pub(super) struct Sasl {
    pub(super) exchange: Exchange,
    pub(super) challenges: u32,
    pub(super) cancelled: bool,
    pub(super) fault: Option<mail46_sasl::Error>,
}

impl std::fmt::Debug for Sasl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sasl").field("mechanism", &self.exchange.mechanism()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_may_go_together() {
        use Kind::*;
        let of = |kind, numbering, has_sequence_numbers| Traits { kind, numbering, has_sequence_numbers };
        let by_number = |kind| of(kind, Some(Numbering::Sequence), true);
        let by_uid = |kind| of(kind, Some(Numbering::Uid), false);
        let plain = |kind| of(kind, None, false);
        let (fetch, store, copy) = (by_number(Fetch), by_number(Store), by_number(Copy));
        let search = of(Search, Some(Numbering::Sequence), true);
        let (noop, expunge, idle) = (plain(Other), plain(Expunge), plain(Idle));
        // What is on its way, what is next, whether it may go, and what that shows.
        let rows: &[(&[Traits], Traits, bool, &str)] = &[
            (&[fetch, store], search, true, "RFC 9051 s 5.5: FETCH + STORE + SEARCH + NOOP"),
            (&[fetch, store, search], noop, true, "the same"),
            (&[store], copy, true, "STORE + COPY + EXPUNGE"),
            (&[store, copy], expunge, true, "the same"),
            (&[fetch, noop], store, false, "FETCH + NOOP + STORE is invalid"),
            (&[store, copy], fetch, false, "STORE + COPY + FETCH is invalid"),
            (&[copy], copy, false, "COPY + COPY is invalid"),
            (&[by_uid(Search)], by_uid(Search), true, "UID SEARCH + UID SEARCH without numbers"),
            (&[by_uid(Search)], of(Search, Some(Numbering::Uid), true), false, "and with"),
            (&[by_uid(Fetch)], fetch, false, "a UID command may bring EXPUNGE"),
            (&[by_uid(Fetch), by_uid(Store)], by_uid(Copy), true, "by UID all may"),
            (&[plain(Select)], by_uid(Fetch), true, "by UID behind SELECT"),
            (&[plain(Select)], fetch, false, "by number behind SELECT"),
            (&[idle], noop, false, "RFC 2177: IDLE is a command that is not over"),
            (&[noop], idle, false, "and begins alone"),
            (&[plain(StartTls)], noop, false, "RFC 9051 s 6.2.1: no further commands"),
            (&[plain(Compress)], noop, false, "RFC 4978 s 3: no further commands"),
            (&[plain(Authenticate)], noop, false, "responses would be commands"),
            (&[noop], plain(Logout), false, "what is asked for is waited for"),
            (&[plain(Enable)], plain(Select), false, "what we write depends on it"),
            (&[], copy, true, "alone all may"),
        ];
        for (flight, next, may, shows) in rows {
            assert_eq!(next.may_follow(flight.iter().copied()), *may, "{shows}");
        }
    }
}
