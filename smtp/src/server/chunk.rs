//! BDAT: a chunk's octets on their way to the application, or to nowhere (RFC 3030 s 2).

use bytes::{Bytes, BytesMut};
use mail46_wire::{BareNewline, DotFault, Step};

use super::connection::{Incoming, Refusal, data_fault, len};
use super::event::{Pending, Then};
use super::{Connection, DataFault, Dialect, Error, Event, Fault, Phase};
use crate::Chunk;

impl Connection {
    /// A chunk of which `left` octets are still to come.
    pub(super) fn chunk(&mut self, left: u64, chunk: Chunk, input: &mut BytesMut) -> Step<Event> {
        let mut left = left;
        while left > 0 {
            let mut n = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            // A CR whose LF is still to come in this chunk waits for it, so that a message refused for it does not hold it.
            if len(n) < left && n > 0 && input.get(n.saturating_sub(1)) == Some(&b'\r') && self.checks_lines()
            {
                n = n.saturating_sub(1);
            }
            if n == 0 {
                return Step::WantsInput;
            }
            let data = input.split_to(n).freeze();
            left = left.saturating_sub(len(n));
            self.incoming = Incoming::Chunk { left, chunk };
            let data = self.take_chunk(data, left == 0 && chunk == Chunk::Last);
            if !data.is_empty() {
                return Step::Event(Event::Data(data));
            }
        }
        match (chunk, self.transaction.fault) {
            (Chunk::Last, fault) => self.end_of_data(fault),
            (Chunk::More, Some(fault)) => {
                self.incoming = Incoming::Command;
                self.phase = Phase::Broken;
                self.refuse(data_fault(&fault), Fault::Message(fault))
            }
            (Chunk::More, None) => {
                self.incoming = Incoming::Command;
                self.pending = Some(Pending::ChunkEnd);
                Step::Event(Event::ChunkEnd { received: self.transaction.received })
            }
        }
    }

    /// RFC 3030 s 2: text by BDAT has CRLF line ends, too; only BINARYMIME (s 3) is free of them. What is let through here
    /// somebody else may send on by DATA, where it would be an end.
    fn checks_lines(&self) -> bool {
        !self.transaction.binary && self.config.bare_newline != BareNewline::Allow
    }

    /// Counts octets of a chunk, and cuts them off at a CR or LF that stands alone.
    fn take_chunk(&mut self, mut data: Bytes, is_end: bool) -> Bytes {
        if self.transaction.fault.is_some() {
            return Bytes::new();
        }
        if self.checks_lines()
            && let Some((at, fault)) = first_bare(&data, self.transaction.after_cr, is_end)
        {
            let at_in_message = self.transaction.received.saturating_add(len(at));
            // A CR at the end of the chunk before this one is a part of what was handed out already.
            let is_before = at == 0 && self.transaction.after_cr;
            self.transaction.fault =
                Some(DataFault::Dot(fault(at_in_message.saturating_sub(is_before.into()))));
            data.truncate(at);
        }
        self.transaction.after_cr = data.last() == Some(&b'\r');
        self.transaction.received = self.transaction.received.saturating_add(len(data.len()));
        data
    }

    /// Whether a refused chunk of this size may be read to its end; counts it.
    pub(super) fn may_swallow(&mut self, size: u64) -> bool {
        self.transaction.swallowed = self.transaction.swallowed.saturating_add(size);
        self.transaction.swallowed <= self.config.limits.swallow
    }

    /// Reads a refused chunk to its end, and says so there: RFC 3030 s 2, "MUST accept and discard the associated message
    /// data before sending the appropriate 5XX or 4XX code".
    pub(super) fn swallow(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        let Incoming::Swallow { left, refusal } = &mut self.incoming else { return Ok(Step::WantsInput) };
        let gone = input.split_to(usize::try_from(*left).unwrap_or(usize::MAX).min(input.len()));
        *left = left.saturating_sub(len(gone.len()));
        if *left > 0 {
            return Ok(Step::WantsInput);
        }
        let Refusal { reply, fault, chunk } = refusal.clone();
        self.incoming = Incoming::Command;
        let replies = self.refuse_chunk(chunk);
        match fault {
            // RFC 2033 s 4.3: without a recipient BDAT LAST returns no reply at all in LMTP.
            _ if replies == 0 => self.command(input),
            Some(fault) => {
                let event = self.refuse(reply, fault);
                if let Some(Pending::Refusal { then: Then::GoOn, replies: owed }) = &mut self.pending {
                    *owed = replies;
                }
                Ok(event)
            }
            None => {
                for _ in 0..replies {
                    self.write(&reply);
                }
                self.command(input)
            }
        }
    }

    /// A chunk is refused: what becomes of the transaction, and how many replies say so.
    pub(super) fn refuse_chunk(&mut self, chunk: Chunk) -> usize {
        if !self.phase.is_in_transaction() {
            return 1;
        }
        if chunk == Chunk::More {
            self.phase = Phase::Broken;
            return 1;
        }
        // Failed or not, LAST ends the transaction. RFC 2033 s 4.3: to each recipient in LMTP.
        let replies = match self.config.dialect {
            Dialect::Smtp => 1,
            Dialect::Lmtp => self.transaction.recipients,
        };
        self.reset();
        replies
    }
}

type ToFault = fn(u64) -> DotFault;

/// The first CR or LF of `text` that stands alone, or NUL. `after_cr`: what came before ends in a CR, whose fault is told at 0.
fn first_bare(text: &[u8], after_cr: bool, is_end: bool) -> Option<(usize, ToFault)> {
    let bare_cr: ToFault = |at| DotFault::BareCr { at };
    let mut cr = after_cr.then_some(0);
    // Where an LF must stand now.
    let mut wanted = after_cr.then_some(0);
    for at in memchr::memchr3_iter(b'\r', b'\n', 0, text) {
        match (wanted.take(), text.get(at)) {
            (Some(here), Some(b'\n')) if here == at => continue,
            (Some(_), _) => return cr.map(|cr| (cr, bare_cr)),
            (None, Some(b'\n')) => return Some((at, |at| DotFault::BareLf { at })),
            (None, Some(b'\r')) => {
                cr = Some(at);
                wanted = Some(at.saturating_add(1));
            }
            (None, _) => return Some((at, |at| DotFault::Nul { at })),
        }
    }
    match wanted {
        Some(here) if here < text.len() || is_end => cr.map(|cr| (cr, bare_cr)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_alone() {
        use DotFault::*;
        let rows: &[(&[u8], bool, bool, Option<DotFault>, &str)] = &[
            (b"a\r\nb\r\n", false, true, None, "lines"),
            (b"", true, false, None, "nothing yet behind a CR"),
            (b"", true, true, Some(BareCr { at: 0 }), "and nothing ever"),
            (b"\nb", true, true, None, "its LF came in the next part"),
            (b"b\n", true, true, Some(BareCr { at: 0 }), "or did not"),
            (b"a\r", false, false, None, "may still be right"),
            (b"a\r", false, true, Some(BareCr { at: 1 }), "and cannot"),
            (b"a\rb\nc", false, false, Some(BareCr { at: 1 }), "the first of two"),
            (b"a\r\r\n", false, false, Some(BareCr { at: 1 }), "CR CR LF"),
            (b"a\nb", false, false, Some(BareLf { at: 1 }), "LF"),
            (b"\r\n\n", false, false, Some(BareLf { at: 2 }), "CR LF LF"),
            (b"a\r\n\0", false, false, Some(Nul { at: 3 }), "NUL"),
        ];
        for (text, after_cr, is_end, want, shows) in rows {
            let got = first_bare(text, *after_cr, *is_end);
            assert_eq!(got.map(|(at, fault)| fault(at as u64)), *want, "{shows}");
        }
    }
}
