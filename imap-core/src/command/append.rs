//! APPEND and REPLACE: messages that come in.

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::date::DateTime;
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::Parameter;
use crate::grammar::sequence::{Numbering, SeqNumber, SeqRange, SequenceSet};
use crate::grammar::string::{AString, IString, LiteralForm};
use crate::grammar::value::Value;
use crate::writer::Writer;

/// `append = "APPEND" SP mailbox 1*append-message` (RFC 4466 s 3, RFC 3502)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct Append<B = Bytes> {
    /// Where to.
    pub mailbox: Mailbox<B>,
    /// The first message.
    pub message: AppendMessage<B>,
    /// Others (RFC 3502).
    pub more: Vec<AppendMessage<B>>,
}

/// ```text
/// append-message = append-opts SP append-data
/// append-opts    = [SP flag-list] [SP date-time] *(SP append-ext)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 4466 s 3")]
pub struct AppendMessage<B = Bytes> {
    /// The flags it is to have.
    pub flags: Option<FlagList<B>>,
    /// Its internal date.
    pub date: Option<DateTime>,
    /// What extensions that are not known here say of it.
    pub extensions: Vec<Parameter<B>>,
    /// Itself.
    pub data: AppendData<B>,
}

/// `append-data`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendData<B = Bytes> {
    /// `literal / literal8`: a message. (A quoted string is written as a literal.)
    Message(IString<B>),
    /// `"UTF8" SP "(" literal8 ")"` (RFC 6855): a message with UTF-8 in its header.
    Utf8(IString<B>),
    /// `"CATENATE" SP "(" cat-part *(SP cat-part) ")"` (RFC 4469): a message made of parts.
    Catenate(Vec<CatenatePart<B>>),
}

/// `cat-part`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatenatePart<B = Bytes> {
    /// `"TEXT" SP literal`
    Text(IString<B>),
    /// `"UTF8" SP "(" literal8 ")"` (RFC 6855).
    Utf8(IString<B>),
    /// `"URL" SP astring`: of what is on the server.
    Url(AString<B>),
}

impl<'a, B: Keep<'a>> Append<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let mailbox = Mailbox::parse(c)?;
        let message = AppendMessage::parse(c)?;
        let mut more = Vec::new();
        while c.peek() == Some(b' ') && !matches!(c.rest(), [b' '] | [b' ', b'\r', ..]) {
            more.push(AppendMessage::parse(c)?);
        }
        Ok(Self { mailbox, message, more })
    }
}

impl<'a, B: Keep<'a>> AppendMessage<B> {
    fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let mut message =
            Self { flags: None, date: None, extensions: Vec::new(), data: AppendData::Catenate(Vec::new()) };
        if c.peek() == Some(b'(') {
            message.flags = Some(FlagList::read(c, Place::Plain)?);
            c.sp()?;
        }
        if c.peek() == Some(b'"') {
            message.date = Some(DateTime::read(c)?);
            c.sp()?;
        }
        loop {
            if matches!(c.rest(), [b'{', ..] | [b'~', b'{', ..]) {
                message.data = AppendData::Message(IString::parse_literal(c)?);
                return Ok(message);
            }
            let name = c.word(class::ATOM, "a literal")?;
            if name.eq_ignore_ascii_case(b"UTF8") {
                message.data = AppendData::Utf8(utf8(c)?);
                return Ok(message);
            }
            c.sp()?;
            if name.eq_ignore_ascii_case(b"CATENATE") {
                message.data = AppendData::Catenate(parts(c)?);
                return Ok(message);
            }
            let value = Some(Value::read(c)?);
            message
                .extensions
                .push(Parameter { name: crate::grammar::string::Atom::of_checked(c.keep(name)), value });
            c.sp()?;
        }
    }
}

/// Whether the octets so far end with the announcement of a literal that has not come.
fn is_cut<'a, B: Keep<'a>>(c: &Cursor<'a, B>, literal: &IString<B>) -> bool {
    matches!(literal, IString::Streamed(..)) && c.rest().is_empty()
}

/// `SP "(" literal8 ")"`, behind `UTF8`.
fn utf8<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<IString<B>> {
    c.sp()?;
    c.open("a literal8")?;
    if c.peek() != Some(b'~') {
        return Err(c.fault("a literal8"));
    }
    let literal = IString::parse_literal(c)?;
    if is_cut(c, &literal) || c.close()? { Ok(literal) } else { Err(c.fault("')'")) }
}

/// `"(" cat-part *(SP cat-part) ")"`
fn parts<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<CatenatePart<B>>> {
    let mut parts = Vec::new();
    c.open("parts")?;
    loop {
        let start = c.at();
        let name = c.word(class::ATOM, "TEXT, UTF8 or URL")?;
        let (part, cut) = match name {
            _ if name.eq_ignore_ascii_case(b"TEXT") => {
                c.sp()?;
                let literal = IString::parse_literal(c)?;
                let cut = is_cut(c, &literal);
                (CatenatePart::Text(literal), cut)
            }
            _ if name.eq_ignore_ascii_case(b"UTF8") => {
                let literal = utf8(c)?;
                let cut = is_cut(c, &literal);
                (CatenatePart::Utf8(literal), cut)
            }
            _ if name.eq_ignore_ascii_case(b"URL") => {
                c.sp()?;
                (CatenatePart::Url(AString::parse(c)?), false)
            }
            _ => {
                c.back_to(start);
                return Err(c.fault("TEXT, UTF8 or URL"));
            }
        };
        parts.push(part);
        if cut || c.close()? {
            return Ok(parts);
        }
        c.sp()?;
    }
}

impl<B: AsRef<[u8]>> Append<B> {
    /// All messages, in their order.
    pub fn messages(&self) -> impl Iterator<Item = &AppendMessage<B>> {
        std::iter::once(&self.message).chain(&self.more)
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        for message in self.messages() {
            out.sp();
            message.write(out);
        }
    }
}

impl<B: AsRef<[u8]>> AppendMessage<B> {
    /// The literals it is made of, in their order.
    pub fn literals(&self) -> impl Iterator<Item = &IString<B>> {
        let (whole, parts): (_, &[CatenatePart<B>]) = match &self.data {
            AppendData::Message(literal) | AppendData::Utf8(literal) => (Some(literal), &[]),
            AppendData::Catenate(parts) => (None, parts),
        };
        whole.into_iter().chain(parts.iter().filter_map(|part| match part {
            CatenatePart::Text(literal) | CatenatePart::Utf8(literal) => Some(literal),
            CatenatePart::Url(_) => None,
        }))
    }

    fn write(&self, out: &mut Writer<'_>) {
        if let Some(flags) = &self.flags {
            flags.write(out);
            out.sp();
        }
        if let Some(date) = self.date {
            date.write(out);
            out.sp();
        }
        for extension in &self.extensions {
            extension.write(out);
            out.sp();
        }
        match &self.data {
            AppendData::Message(literal) => write_literal(literal, out),
            AppendData::Utf8(literal) => write_utf8(literal, out),
            AppendData::Catenate(parts) => {
                out.put(b"CATENATE ");
                out.list(parts, |part, out| match part {
                    CatenatePart::Text(literal) => {
                        out.put(b"TEXT ");
                        write_literal(literal, out);
                    }
                    CatenatePart::Utf8(literal) => write_utf8(literal, out),
                    CatenatePart::Url(url) => {
                        out.put(b"URL ");
                        url.write(out);
                    }
                });
            }
        }
    }
}

fn write_literal<B: AsRef<[u8]>>(literal: &IString<B>, out: &mut Writer<'_>) {
    match literal {
        IString::Quoted(quoted) => out.literal(LiteralForm::NonSynchronizing, &quoted.octets()),
        _ => literal.write(out),
    }
}

fn write_utf8<B: AsRef<[u8]>>(literal: &IString<B>, out: &mut Writer<'_>) {
    out.put(b"UTF8 (");
    // RFC 6855 s 4: a literal8 and no other.
    let binary = |form: LiteralForm| match form {
        LiteralForm::Synchronizing => LiteralForm::Literal8,
        LiteralForm::NonSynchronizing => LiteralForm::Literal8NonSynchronizing,
        binary => binary,
    };
    match literal {
        IString::Quoted(quoted) => out.literal(LiteralForm::Literal8NonSynchronizing, &quoted.octets()),
        IString::Literal(form, octets) => out.literal(binary(*form), octets.as_ref()),
        IString::Streamed(form, size) => out.streamed(binary(*form), *size),
    }
    out.octet(b')');
}

/// `replace = "REPLACE" SP seq-number SP mailbox append-message` (RFC 8508)
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 8508 s 5")]
pub struct Replace<B = Bytes> {
    /// What the number is.
    pub numbering: Numbering,
    /// Which message is to go.
    pub number: SeqNumber,
    /// Where the new one is to be.
    pub mailbox: Mailbox<B>,
    /// The new one.
    pub message: AppendMessage<B>,
}

impl<'a, B: Keep<'a>> Replace<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>, numbering: Numbering) -> Result<Self> {
        c.sp()?;
        let start = c.at();
        let set = SequenceSet::<B>::read(c)?;
        let mut ranges = set.ranges();
        let (Some(SeqRange::One(number)), None, false) = (ranges.next(), ranges.next(), set.has_saved())
        else {
            c.back_to(start);
            return Err(c.fault("one number"));
        };
        c.sp()?;
        let mailbox = Mailbox::parse(c)?;
        Ok(Self { numbering, number, mailbox, message: AppendMessage::parse(c)? })
    }
}

impl<B: AsRef<[u8]>> Replace<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        match self.number {
            SeqNumber::Number(number) => out.number(number.get().into()),
            SeqNumber::Largest => out.octet(b'*'),
        }
        out.sp();
        self.mailbox.write(out);
        out.sp();
        self.message.write(out);
    }
}
