use bytes::{Buf, BufMut, Bytes, BytesMut};

mod scan;
#[cfg(test)]
mod tests;

use scan::{Dot, copy_to_hit, first_hit};

/// A removed dot makes a new [`DotEvent::Data`] when this many octets stand before it; else what is around it is copied.
const ENOUGH: usize = 4096;

/// What becomes of a CR or an LF that is not part of a CRLF. None of the three ever ends a line, let alone a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a fourth way would be a way to smuggle
pub enum BareNewline {
    /// The message is refused, as RFC 5321 s 2.3.8 lets us. So is one with a NUL, which RFC 5322 s 4 and RFC 2045
    /// s 2.7, 2.8 forbid and at which C programs stop reading.
    #[default]
    Reject,
    /// Each becomes a CRLF. A NUL passes: RFC 5321 s 4.5.2, "all characters are to be delivered".
    Normalize,
    /// Left as it is (when read; [`DotEncoder`] writes no bare newline, and takes it as [`Normalize`](Self::Normalize)).
    Allow,
}

/// Why a text was refused. `at` is an offset in the text, stuffed dots not counted: that many octets came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DotFault {
    /// A CR without its LF (RFC 5321 s 2.3.8).
    #[error("bare CR at octet {at} of the message")]
    BareCr {
        /// Where.
        at: u64,
    },
    /// An LF without its CR (RFC 5321 s 2.3.8).
    #[error("bare LF at octet {at} of the message")]
    BareLf {
        /// Where.
        at: u64,
    },
    /// A NUL (RFC 5322 s 4).
    #[error("NUL at octet {at} of the message")]
    Nul {
        /// Where.
        at: u64,
    },
    /// A line over the limit (RFC 5321 s 4.5.3.1.6).
    #[error("line of more than {limit} octets, the first over it at octet {at} of the message")]
    LineTooLong {
        /// The first octet over the limit.
        at: u64,
        /// The limit, CRLF included.
        limit: usize,
    },
}

/// What a [`DotDecoder`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there is text, and there is its end
pub enum DotEvent {
    /// The next part of the text, dots removed.
    Data(Bytes),
    /// The end of the text, at its true end; an error if the text was refused, the first of its faults.
    End(Result<(), DotFault>),
}

/// Takes the dots off a text (RFC 5321 s 4.5.2, RFC 1939 s 3) as it comes in, and finds its end.
///
/// Only CRLF, dot, CRLF ends it, or dot, CRLF at its start (RFC 5321 s 4.1.1.4); the CRLF before the dot is the
/// text's own. A refused text is read to that end all the same and not handed out from its first fault on: the
/// rest can so never be taken for commands. Nothing is gathered: data is split off the input, at most two octets
/// (a dot and a CR) wait there for the next read. Behind the end the input is left alone.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_wire::{BareNewline, DotDecoder, DotEvent};
///
/// let mut dots = DotDecoder::new(BareNewline::Reject);
/// let mut input = BytesMut::from(&b"Subject: x\r\n\r\n..hidden\r\n.\r\nQUIT\r\n"[..]);
/// let Some(DotEvent::Data(text)) = dots.next(&mut input) else { panic!() };
/// assert_eq!(text, "Subject: x\r\n\r\n.hidden\r\n");
/// assert_eq!(dots.next(&mut input), Some(DotEvent::End(Ok(()))));
/// assert_eq!(dots.next(&mut input), None);
/// assert_eq!(&input[..], b"QUIT\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct DotDecoder {
    bare: BareNewline,
    place: Place,
    /// Octets handed out.
    at: u64,
    fault: Option<DotFault>,
    lines: Option<Lines>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind a CRLF, or at the start.
    LineStart,
    /// Anywhere else.
    Inside,
    /// Behind a CR that waits for its LF (the encoder's; the decoder leaves that CR in the input).
    Cr,
    /// Behind the end (the decoder's).
    Ended,
}

/// Why a look at the input came to an end.
enum Stop {
    Input,
    End,
    Fault(fn(u64) -> DotFault),
}

impl DotDecoder {
    /// A decoder at the start of a text.
    pub fn new(bare: BareNewline) -> Self {
        Self { bare, place: Place::LineStart, at: 0, fault: None, lines: None }
    }

    /// The same, which refuses lines of more than `limit` octets, CRLF included and a stuffed dot not
    /// (RFC 5321 s 4.5.3.1.6: 1000). A limit under 2 is taken as 2.
    #[must_use]
    pub fn with_line_limit(mut self, limit: usize) -> Self {
        self.lines = Some(Lines { limit: limit.max(2), length: 0 });
        self
    }

    /// The next part of the text, or its end; `None` until there are more octets, and behind the end.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<DotEvent> {
        while self.place != Place::Ended {
            let waiting = input.len();
            if let Some(event) = self.look(input) {
                return Some(event);
            }
            if input.len() == waiting {
                return None;
            }
        }
        None
    }

    /// Whether a fault was found: what still comes up to the end is thrown away.
    pub fn is_refused(&self) -> bool {
        self.fault.is_some()
    }

    /// Octets of the text handed out up to now.
    pub fn octets(&self) -> u64 {
        self.at
    }

    /// One look from the start of the input to its end, the text's end, a fault, or enough octets for an event.
    fn look(&mut self, input: &mut BytesMut) -> Option<DotEvent> {
        let bare = if self.fault.is_some() { BareNewline::Allow } else { self.bare };
        // Used from the first octet on that must go or come in; until then the text is what the input is.
        let mut copy: Option<BytesMut> = None;
        let mut at: usize = 0;
        let mut kept = None;
        let stop = loop {
            let rest = input.get(at..).unwrap_or_default();
            if self.place == Place::LineStart {
                match rest {
                    [] | [b'.'] | [b'.', b'\r'] => break Stop::Input,
                    [b'.', b'\r', b'\n', ..] => break Stop::End,
                    [b'.', ..] => {
                        self.place = Place::Inside;
                        let dot = at;
                        at = at.saturating_add(1);
                        if copy.is_none() && self.fault.is_none() {
                            if dot == 0 || dot >= ENOUGH {
                                kept = Some(dot);
                                break Stop::Input;
                            }
                            copy = Some(copy_of(input, dot));
                        }
                        continue;
                    }
                    _ => self.place = Place::Inside,
                }
            }
            // Here an octet is looked at by itself; whatever is before it is settled.
            let found: Option<fn(u64) -> DotFault> = match rest {
                [] | [b'\r'] => break Stop::Input,
                [b'\r', b'\n', ..] => {
                    if let Some(copy) = &mut copy {
                        copy.put_slice(b"\r\n");
                    }
                    at = at.saturating_add(2);
                    self.place = Place::LineStart;
                    continue;
                }
                [b'\r', ..] => Some(|at| DotFault::BareCr { at }),
                [b'\n', ..] => Some(|at| DotFault::BareLf { at }),
                [0, ..] if bare == BareNewline::Reject => Some(|at| DotFault::Nul { at }),
                _ => None,
            };
            match (found, bare, &mut copy) {
                (Some(fault), BareNewline::Reject, _) => break Stop::Fault(fault),
                (Some(_), BareNewline::Normalize, copy) => {
                    copy.get_or_insert_with(|| copy_of(input, at)).put_slice(b"\r\n");
                }
                (_, _, Some(copy)) => copy.extend(rest.first()),
                _ => {}
            }
            let from = at.saturating_add(1);
            at = match &mut copy {
                Some(copy) => copy_to_hit(input, from, Dot::Removed, copy),
                None => first_hit(input, from),
            };
            // A settled octet before `from` is not looked at again.
            if at > from {
                match (at.checked_sub(2).and_then(|cr| input.get(cr)), input.get(at.saturating_sub(1))) {
                    (Some(b'\r'), Some(b'\n')) => self.place = Place::LineStart,
                    (_, Some(b'\r')) => {
                        at = at.saturating_sub(1);
                        if let Some(copy) = &mut copy {
                            copy.truncate(copy.len().saturating_sub(1));
                        }
                    }
                    _ => {}
                }
            }
        };
        let text = match copy {
            _ if self.fault.is_some() => {
                input.advance(at);
                BytesMut::new()
            }
            Some(copy) => {
                input.advance(at);
                copy
            }
            None => {
                let mut text = input.split_to(at);
                text.truncate(kept.unwrap_or(at));
                text
            }
        };
        self.hand_out(text, stop, input)
    }

    fn hand_out(&mut self, text: BytesMut, stop: Stop, input: &mut BytesMut) -> Option<DotEvent> {
        let mut text = text;
        if let Some(lines) = &mut self.lines
            && let Some(over) = lines.first_over(&text, self.bare)
        {
            text.truncate(over);
            let at = self.at.saturating_add(over as u64);
            self.fault = Some(DotFault::LineTooLong { at, limit: lines.limit });
        }
        self.at = self.at.saturating_add(text.len() as u64);
        if let (Stop::Fault(fault), None) = (&stop, self.fault) {
            self.fault = Some(fault(self.at));
            input.advance(1);
        }
        if !text.is_empty() {
            return Some(DotEvent::Data(text.freeze())); // the end, if it is there, stays in the input for the next call
        }
        if matches!(stop, Stop::End) {
            input.advance(3);
            self.place = Place::Ended;
            return Some(DotEvent::End(self.fault.map_or(Ok(()), Err)));
        }
        None
    }
}

/// The first `length` octets of the input, with room for all others.
fn copy_of(input: &[u8], length: usize) -> BytesMut {
    let room = input.len().saturating_add(input.len() / 16).saturating_add(scan::BLOCK);
    let mut copy = BytesMut::with_capacity(room);
    copy.extend_from_slice(input.get(..length).unwrap_or_default());
    copy
}

/// The limit on a line (RFC 5321 s 4.5.3.1.6).
#[derive(Clone, Copy, Debug)]
struct Lines {
    limit: usize,
    /// Octets of the present line so far.
    length: usize,
}

impl Lines {
    /// The first octet of `text` over the limit. A CRLF is never cut in two, so that a CR at the end is a bare one.
    ///
    /// Looks for the last line end that is near enough, not for each: about one search for a limit's worth of octets.
    /// Where each LF has its CR it is enough to know that one is among the last octets: they are then looked at again,
    /// as if the next line began with them.
    fn first_over(&mut self, text: &[u8], bare: BareNewline) -> Option<usize> {
        /// Most lines are shorter.
        const SAMPLE: usize = 128;
        let samples = bare != BareNewline::Allow && self.limit > const { 2 * SAMPLE };
        let mut start: usize = 0;
        loop {
            let rest = text.get(start..)?;
            let room = self.limit.saturating_sub(2).saturating_sub(self.length);
            let near = rest.get(..room.saturating_add(2)).unwrap_or(rest);
            if samples
                && near.len() < rest.len()
                && let Some((before, sample)) = near.split_last_chunk::<SAMPLE>()
                && !before.is_empty()
                && sample.iter().fold(false, |any, octet| any | (*octet == b'\n'))
            {
                start = start.saturating_add(before.len());
                self.length = 0;
                continue;
            }
            let line_end = memchr::memrchr_iter(b'\n', near)
                .find(|lf| lf.checked_sub(1).and_then(|cr| near.get(cr)) == Some(&b'\r'));
            if let Some(lf) = line_end {
                start = start.saturating_add(lf).saturating_add(1);
                self.length = 0;
            } else if rest.len() > room {
                return Some(start.saturating_add(room));
            } else {
                self.length = self.length.saturating_add(rest.len());
                return None;
            }
        }
    }
}

/// Writes a text with its dots stuffed (RFC 5321 s 4.5.2, RFC 1939 s 3), as it comes.
///
/// Never writes a bare CR or LF (RFC 5321 s 2.3.8), never an empty line of its own (s 4.1.1.4). At most twice as
/// many octets go out as came in, and three or five at the end.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_wire::{BareNewline, DotEncoder};
///
/// let (mut dots, mut output) = (DotEncoder::new(BareNewline::Reject), BytesMut::new());
/// dots.encode(b"Subject: x\r", &mut output)?;
/// dots.encode(b"\n\r\n.hidden", &mut output)?;
/// dots.finish(&mut output)?;
/// assert_eq!(output, "Subject: x\r\n\r\n..hidden\r\n.\r\n");
/// # Ok::<(), mail46_wire::DotFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct DotEncoder {
    bare: BareNewline,
    place: Place,
    /// Octets taken in.
    at: u64,
    fault: Option<DotFault>,
}

impl DotEncoder {
    /// An encoder at the start of a text.
    pub fn new(bare: BareNewline) -> Self {
        Self { bare, place: Place::LineStart, at: 0, fault: None }
    }

    /// Writes the next part of the text. A CR at its end is kept back until it is known what follows.
    ///
    /// # Errors
    /// [`DotFault`] under [`BareNewline::Reject`], and the same for all that is asked later: with no way to take back
    /// what is on the wire, what is left is to close the connection. Nothing of the fault is written.
    pub fn encode(&mut self, text: &[u8], output: &mut BytesMut) -> Result<(), DotFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        output.reserve(text.len().saturating_add(scan::BLOCK));
        let mut at: usize = 0;
        while let Some(rest @ [octet, ..]) = text.get(at..) {
            match self.place {
                Place::Cr if *octet == b'\n' => {
                    output.put_slice(b"\r\n");
                    self.place = Place::LineStart;
                    at = at.saturating_add(1);
                    continue;
                }
                Place::Cr => {
                    self.newline(at, output, |at| DotFault::BareCr { at: at.saturating_sub(1) })?;
                    self.place = Place::LineStart;
                    continue;
                }
                Place::LineStart if *octet == b'.' => output.put_u8(b'.'),
                _ => {}
            }
            self.place = Place::Inside;
            match rest {
                [b'\r'] => {
                    self.place = Place::Cr;
                    at = at.saturating_add(1);
                    continue;
                }
                [b'\r', b'\n', ..] => {
                    output.put_slice(b"\r\n");
                    self.place = Place::LineStart;
                    at = at.saturating_add(2);
                    continue;
                }
                [b'\r' | b'\n', ..] => {
                    let fault: fn(u64) -> DotFault = match octet {
                        b'\r' => |at| DotFault::BareCr { at },
                        _ => |at| DotFault::BareLf { at },
                    };
                    self.newline(at, output, fault)?;
                    self.place = Place::LineStart;
                    at = at.saturating_add(1);
                    continue;
                }
                [0, ..] if self.bare == BareNewline::Reject => {
                    return Err(self.refuse(at, |at| DotFault::Nul { at }));
                }
                _ => output.put_u8(*octet),
            }
            let from = at.saturating_add(1);
            at = copy_to_hit(text, from, Dot::Doubled, output);
            if at > from {
                match text.get(at.saturating_sub(1)) {
                    Some(b'\n') => self.place = Place::LineStart, // `copy_to_hit` saw to its CR
                    Some(b'\r') => {
                        at = at.saturating_sub(1);
                        output.truncate(output.len().saturating_sub(1));
                    }
                    _ => {}
                }
            }
        }
        self.at = self.at.saturating_add(text.len() as u64);
        Ok(())
    }

    /// Writes the end: `.CRLF`, and a CRLF before it only if the text did not end in one (RFC 5321 s 4.1.1.4).
    /// After that the encoder is at the start of another text.
    ///
    /// # Errors
    /// [`DotFault`] if the text was refused, or ends in a CR under [`BareNewline::Reject`]: no end is written.
    pub fn finish(&mut self, output: &mut BytesMut) -> Result<(), DotFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.place {
            Place::Cr if self.bare == BareNewline::Reject => {
                return Err(self.refuse(0, |at| DotFault::BareCr { at: at.saturating_sub(1) }));
            }
            Place::Cr | Place::Inside => output.put_slice(b"\r\n.\r\n"),
            Place::LineStart | Place::Ended => output.put_slice(b".\r\n"),
        }
        *self = Self::new(self.bare);
        Ok(())
    }

    /// What a bare CR or LF at `at` becomes.
    fn newline(
        &mut self,
        at: usize,
        output: &mut BytesMut,
        fault: fn(u64) -> DotFault,
    ) -> Result<(), DotFault> {
        if self.bare == BareNewline::Reject {
            return Err(self.refuse(at, fault));
        }
        output.put_slice(b"\r\n");
        Ok(())
    }

    fn refuse(&mut self, at: usize, fault: fn(u64) -> DotFault) -> DotFault {
        *self.fault.insert(fault(self.at.saturating_add(at as u64)))
    }
}
