//! Untagged responses, and the one that is told in pieces.

use std::num::NonZeroU32;

use super::connection::Pending;
use super::{Connection, Error, Misuse, State};
use crate::{NumberSet, Side, Writer};

/// Whether a FETCH response is in the middle of being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Nothing,
    /// Between its parentheses.
    Items {
        first: bool,
    },
    /// In a literal of which so many octets are still to come.
    Literal {
        left: u64,
    },
}

impl Connection {
    /// Whether an untagged response may be sent: to a command, or while the client idles.
    fn may_tell(&self) -> Result<(), Error> {
        let answers = matches!(
            self.pending,
            Some(Pending::Command | Pending::AppendEnd | Pending::IdleDone | Pending::LogIn | Pending::Auth)
        );
        if self.telling == Telling::Nothing && (answers || self.is_idling()) && self.state != State::Logout {
            Ok(())
        } else {
            Err(Error::Misuse(Misuse::NotNow))
        }
    }

    /// Whether messages may be told as gone now (RFC 9051 s 7.5.1).
    pub fn may_expunge(&self) -> bool {
        self.may_tell().is_ok()
            && self.state == State::Selected
            && (self.is_idling() || self.verb.is_some_and(super::Verb::lets_expunge))
    }

    /// An untagged response, written by the grammar: `*`, a space, what `write` says, CRLF.
    pub(crate) fn tell(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), Error> {
        self.may_tell()?;
        let (mode, output) = self.mode_and_output();
        let mut out = Writer::new(output, Side::Server, mode);
        out.put(b"* ");
        write(&mut out);
        out.crlf();
        Ok(())
    }

    /// `* n EXISTS`
    ///
    /// # Errors
    /// [`Misuse::NotNow`] without a mailbox, or in the middle of something else.
    pub fn exists(&mut self, count: u32) -> Result<(), Error> {
        self.numbered(count, b" EXISTS")
    }

    /// `* n RECENT`, which IMAP4rev2 has no more (RFC 9051 appendix E).
    ///
    /// # Errors
    /// As [`exists`](Self::exists).
    pub fn recent(&mut self, count: u32) -> Result<(), Error> {
        if self.mode.rev2 { Ok(()) } else { self.numbered(count, b" RECENT") }
    }

    fn numbered(&mut self, number: u32, what: &[u8]) -> Result<(), Error> {
        self.tell(|out| {
            out.number(number.into());
            out.put(what);
        })
    }

    /// `* n EXPUNGE`
    ///
    /// # Errors
    /// [`Misuse::NotNow`] while messages may not go, or where [`vanished`](Self::vanished) says so (RFC 7162 s 3.2.10).
    pub fn expunge(&mut self, number: NonZeroU32) -> Result<(), Error> {
        if !self.may_expunge() || self.mode.qresync || self.mode.uidonly {
            return Err(Error::Misuse(Misuse::NotNow));
        }
        self.numbered(number.get(), b" EXPUNGE")
    }

    /// `* VANISHED uids`
    ///
    /// # Errors
    /// [`Misuse::NotNow`] while messages may not go, or before QRESYNC or UIDONLY is enabled.
    pub fn vanished(&mut self, uids: &NumberSet) -> Result<(), Error> {
        if !self.may_expunge() || !(self.mode.qresync || self.mode.uidonly) {
            return Err(Error::Misuse(Misuse::NotNow));
        }
        if uids.is_empty() {
            return Ok(());
        }
        self.tell(|out| {
            out.put(b"VANISHED ");
            out.put(uids.to_string().as_bytes());
        })
    }

    /// `* VANISHED (EARLIER) uids`: what went before (RFC 7162 s 3.2.5.2, 3.2.6).
    ///
    /// # Errors
    /// [`Misuse::NotNow`] before QRESYNC is enabled.
    pub fn vanished_earlier(&mut self, uids: &NumberSet) -> Result<(), Error> {
        if !self.mode.qresync {
            return Err(Error::Misuse(Misuse::NotNow));
        }
        if uids.is_empty() {
            return Ok(());
        }
        self.tell(|out| {
            out.put(b"VANISHED (EARLIER) ");
            out.put(uids.to_string().as_bytes());
        })
    }

    /// Begins `* n FETCH (`, or `* uid UIDFETCH (` where UIDONLY is on (RFC 9586 s 3.3): the number is that.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] without a mailbox, or in the middle of something else.
    pub fn begin_fetch(&mut self, number: NonZeroU32) -> Result<(), Error> {
        self.may_tell()?;
        let (mode, output) = self.mode_and_output();
        let mut out = Writer::new(output, Side::Server, mode);
        out.put(b"* ");
        out.number(number.get().into());
        out.put(if mode.uidonly { b" UIDFETCH (" } else { b" FETCH (" });
        self.telling = Telling::Items { first: true };
        Ok(())
    }

    /// An item of it.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] outside of a FETCH response.
    pub fn fetch_item<B: AsRef<[u8]>>(&mut self, item: &crate::Item<B>) -> Result<(), Error> {
        self.item(|out| item.write(out))
    }

    pub(crate) fn item(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), Error> {
        let Telling::Items { first } = self.telling else { return Err(Error::Misuse(Misuse::NotNow)) };
        self.telling = Telling::Items { first: false };
        let (mode, output) = self.mode_and_output();
        let mut out = Writer::new(output, Side::Server, mode);
        if !first {
            out.sp();
        }
        write(&mut out);
        Ok(())
    }

    /// An item whose value is a literal of so many octets, which follow by [`fetch_data`](Self::fetch_data).
    ///
    /// # Errors
    /// [`Misuse::NotNow`] outside of a FETCH response.
    pub(crate) fn fetch_literal(
        &mut self,
        size: u64,
        is_binary: bool,
        name: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Error> {
        self.item(|out| {
            name(out);
            out.put(if is_binary { b" ~{" } else { b" {" });
            out.number(size);
            out.put(b"}\r\n");
        })?;
        self.telling =
            if size == 0 { Telling::Items { first: false } } else { Telling::Literal { left: size } };
        Ok(())
    }

    /// Octets of the present literal. Write the output before the next ones, or it gathers.
    ///
    /// # Errors
    /// [`Misuse::Octets`] for more of them than were announced.
    pub fn fetch_data(&mut self, octets: &[u8]) -> Result<(), Error> {
        let Telling::Literal { left } = self.telling else { return Err(Error::Misuse(Misuse::NotNow)) };
        let left = left.checked_sub(octets.len() as u64).ok_or(Misuse::Octets)?;
        self.output.extend_from_slice(octets);
        self.telling = if left == 0 { Telling::Items { first: false } } else { Telling::Literal { left } };
        Ok(())
    }

    /// Ends the FETCH response.
    ///
    /// # Errors
    /// [`Misuse::Octets`] in the middle of a literal.
    pub fn end_fetch(&mut self) -> Result<(), Error> {
        match self.telling {
            Telling::Items { .. } => {
                self.telling = Telling::Nothing;
                self.say(&[b")"]);
                Ok(())
            }
            Telling::Literal { .. } => Err(Error::Misuse(Misuse::Octets)),
            Telling::Nothing => Err(Error::Misuse(Misuse::NotNow)),
        }
    }

    /// What is being told cannot be told to its end: the session ends, so that nobody takes a part for the whole.
    pub fn abort(&mut self) {
        self.close();
    }
}
