//! What APPEND and REPLACE say between their literals, read as it comes.

use bytes::Bytes;

use super::{AppendRequest, IncomingMessage, Replaced, Verb};
use crate::cursor::{Cursor, Result};
use crate::grammar::flag::Place;
use crate::{AString, Announcement, DateTime, FlagList, Mailbox, Mode, Numbering, SequenceSet};

/// ```text
/// append          = "APPEND" SP mailbox 1*append-message
/// append-message  = [SP flag-list] [SP date-time] SP append-data
/// append-data     = literal / literal8 / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
/// cat-part        = "TEXT" SP literal / "URL" SP astring
/// replace         = "REPLACE" SP seq-number SP mailbox append-message
/// ```
///
/// RFC 9051 s 9, RFC 3502 s 6.3.11, RFC 4469 s 5, RFC 6855 s 4, RFC 8508 s 4.
#[derive(Debug)]
pub(super) struct AppendReader {
    verb: Verb,
    /// Up to where the text is read.
    at: usize,
    expects: Expects,
    target: Option<(Mailbox, Option<Replaced>)>,
    messages: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    Target,
    Message,
    /// Behind a literal that is a message; inside `UTF8 (` maybe.
    MessageEnd {
        in_utf8: bool,
    },
    Part,
    /// Behind a part.
    PartEnd,
    /// A literal that was announced is coming.
    Literal {
        in_utf8: bool,
        in_catenate: bool,
    },
}

/// What the text tells next.
#[derive(Debug)]
pub(super) enum Found {
    /// A message; `size` is that of the announced literal.
    Request(Box<AppendRequest>),
    /// The announced literal is a part of the text.
    Gather,
    /// A part: the announced literal, of so many octets.
    Text(u64),
    /// A part.
    Url(Bytes),
    /// A message of parts is whole.
    MessageEnd,
    /// The command is whole.
    End,
}

impl AppendReader {
    /// Behind the command's name.
    pub(super) fn new(verb: Verb, at: usize) -> Self {
        Self { verb, at, expects: Expects::Target, target: None, messages: 0 }
    }

    /// The announced literal's octets have all come.
    pub(super) fn literal_is_whole(&mut self) {
        self.expects = match self.expects {
            Expects::Literal { in_catenate: true, .. } => Expects::PartEnd,
            Expects::Literal { in_utf8, .. } => Expects::MessageEnd { in_utf8 },
            other => other,
        };
    }

    pub(super) fn is_catenating(&self) -> bool {
        matches!(self.expects, Expects::Part | Expects::PartEnd | Expects::Literal { in_catenate: true, .. })
    }

    /// Reads on. `text` is the command so far, without the octets of literals that were handed over; an announced literal
    /// is at its end.
    pub(super) fn next(
        &mut self,
        text: &Bytes,
        announced: Option<Announcement>,
        mode: &Mode,
    ) -> Result<Found> {
        let mut c = Cursor::shared(text, mode);
        c.take(self.at);
        let is_literal = |c: &Cursor<'_, Bytes>| {
            let rest = c.rest();
            announced.is_some()
                && (rest.starts_with(b"{") || rest.starts_with(b"~{"))
                && memchr::memchr(b'\n', rest) == rest.len().checked_sub(1)
        };
        loop {
            match self.expects {
                Expects::Target => {
                    let start = c.at();
                    c.sp()?;
                    let replaces = match self.verb {
                        Verb::Append => None,
                        verb => {
                            let message = SequenceSet::read(&mut c)?;
                            c.sp()?;
                            let numbering =
                                if verb == Verb::UidReplace { Numbering::Uid } else { Numbering::Sequence };
                            Some(Replaced { message, numbering })
                        }
                    };
                    if is_literal(&c) {
                        self.at = start;
                        return Ok(Found::Gather);
                    }
                    self.target = Some((Mailbox::parse(&mut c)?, replaces));
                    self.expects = Expects::Message;
                    self.at = c.at();
                }
                Expects::Message => {
                    let mut message = IncomingMessage { flags: FlagList::EMPTY, date: None, size: None };
                    c.sp()?;
                    if c.peek() == Some(b'(') {
                        message.flags = FlagList::read(&mut c, Place::Plain)?;
                        c.sp()?;
                    }
                    if c.peek() == Some(b'"') {
                        message.date = Some(DateTime::read(&mut c)?);
                        c.sp()?;
                    }
                    if c.eat_keyword(b"CATENATE") {
                        c.sp()?;
                        c.open("parts")?;
                        self.expects = Expects::Part;
                    } else {
                        // RFC 6855 s 4: a message with UTF-8 headers, where that was enabled.
                        let in_utf8 = mode.takes_utf8() && c.eat_keyword(b"UTF8");
                        if in_utf8 {
                            c.sp()?;
                            c.open("a literal8")?;
                        }
                        if !is_literal(&c) {
                            return Err(c.fault("a literal"));
                        }
                        message.size = announced.map(|announcement| announcement.size);
                        self.expects = Expects::Literal { in_utf8, in_catenate: false };
                        c.take(c.rest().len());
                    }
                    self.at = c.at();
                    self.messages = self.messages.saturating_add(1);
                    let (mailbox, replaces) = match self.target.take() {
                        Some(target) => target,
                        None => (Mailbox::of(b"INBOX"), None), // told already
                    };
                    return Ok(Found::Request(Box::new(AppendRequest { mailbox, replaces, message })));
                }
                Expects::Part => {
                    let start = c.at();
                    if c.eat_keyword(b"TEXT") {
                        c.sp()?;
                        if !is_literal(&c) {
                            return Err(c.fault("a literal"));
                        }
                        c.take(c.rest().len());
                        self.at = c.at();
                        self.expects = Expects::Literal { in_utf8: false, in_catenate: true };
                        return Ok(Found::Text(announced.map_or(0, |announcement| announcement.size)));
                    }
                    if !c.eat_keyword(b"URL") {
                        return Err(c.fault("TEXT or URL"));
                    }
                    c.sp()?;
                    if is_literal(&c) {
                        self.at = start;
                        return Ok(Found::Gather);
                    }
                    let url = AString::<Bytes>::parse(&mut c)?;
                    self.at = c.at();
                    self.expects = Expects::PartEnd;
                    return Ok(Found::Url(Bytes::copy_from_slice(&url.octets())));
                }
                Expects::PartEnd => {
                    if c.close()? {
                        self.at = c.at();
                        self.expects = Expects::MessageEnd { in_utf8: false };
                        return Ok(Found::MessageEnd);
                    }
                    c.sp()?;
                    self.at = c.at();
                    self.expects = Expects::Part;
                }
                Expects::MessageEnd { in_utf8 } => {
                    if in_utf8 {
                        if !c.close()? {
                            return Err(c.fault("')'"));
                        }
                        self.at = c.at();
                        self.expects = Expects::MessageEnd { in_utf8: false };
                    }
                    // RFC 8508 s 4: one message.
                    if c.rest() == b"\r\n" || self.verb != Verb::Append {
                        c.end()?;
                        return Ok(Found::End);
                    }
                    self.expects = Expects::Message;
                }
                Expects::Literal { .. } => return Err(c.fault("the octets of a literal")),
            }
        }
    }
}
