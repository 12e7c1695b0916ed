//! What FETCH asks for, and what it answers.

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result, SyntaxError};
use crate::grammar::body::BodyStructure;
use crate::grammar::class;
use crate::grammar::date::DateTime;
use crate::grammar::envelope::Envelope;
use crate::grammar::flag::{FlagList, Place};
use crate::grammar::section::Section;
use crate::grammar::string::{AString, IString, NString, pass_astring};
use crate::mode::Quirk;
use crate::writer::Writer;

mod ask;
pub use ask::{FetchAttribute, FetchAttributes, FetchMacro, Partial};

/// `message-data = nz-number SP "FETCH" SP msg-att`, and `uniqueid SP "UIDFETCH" SP msg-att` (RFC 9586 s 3.3): what is said of
/// one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch<B: AsRef<[u8]> = Bytes> {
    /// Its sequence number; in a UIDFETCH response its UID.
    pub number: NonZeroU32,
    /// What is said, in its order.
    pub items: Vec<Item<B>>,
}

/// ```text
/// msg-att         = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
/// msg-att-dynamic = "FLAGS" SP "(" [flag-fetch *(SP flag-fetch)] ")"
/// msg-att-static  = "ENVELOPE" SP envelope / "INTERNALDATE" SP date-time / "RFC822.SIZE" SP number64 /
///                   "BODY" ["STRUCTURE"] SP body / "BODY" section ["<" number ">"] SP nstring /
///                   "BINARY" section-binary SP (nstring / literal8) / "BINARY.SIZE" section-binary SP number /
///                   "UID" SP uniqueid
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<B: AsRef<[u8]> = Bytes> {
    /// `UID`
    Uid(NonZeroU32),
    /// `FLAGS`
    Flags(FlagList<B>),
    /// `INTERNALDATE`
    InternalDate(DateTime),
    /// `RFC822.SIZE`
    Size(u64),
    /// `ENVELOPE`
    Envelope(Box<Envelope<B>>),
    /// `BODY`: without what is in `BODYSTRUCTURE` alone
    Body(BodyStructure<B>),
    /// `BODYSTRUCTURE`
    BodyStructure(BodyStructure<B>),
    /// `BODY[…]`
    Section {
        /// Of what.
        section: Section<B>,
        /// Where in it the octets begin, if they were asked for in part.
        origin: Option<u64>,
        /// The octets.
        data: NString<B>,
    },
    /// `BINARY[…]`: without its transfer encoding (RFC 3516, RFC 9051 s 6.4.5)
    Binary {
        /// Of what.
        section: Section<B>,
        /// Where in it the octets begin, if they were asked for in part.
        origin: Option<u64>,
        /// The octets.
        data: NString<B>,
    },
    /// `BINARY.SIZE[…]`
    BinarySize(Section<B>, u64),
    /// `RFC822` (RFC 3501): the message
    Rfc822(NString<B>),
    /// `RFC822.HEADER` (RFC 3501)
    Rfc822Header(NString<B>),
    /// `RFC822.TEXT` (RFC 3501)
    Rfc822Text(NString<B>),
    /// `MODSEQ` (RFC 7162 s 3.1.4.2)
    ModSeq(u64),
    /// `EMAILID` (RFC 8474 s 5.1)
    EmailId(ObjectId<B>),
    /// `THREADID` (RFC 8474 s 5.2)
    ThreadId(Option<ObjectId<B>>),
    /// `PREVIEW` (RFC 8970)
    Preview(NString<B>),
    /// `SAVEDATE` (RFC 8514)
    SaveDate(Option<DateTime>),
    /// `X-GM-MSGID` (X-GM-EXT-1)
    GmailMessageId(u64),
    /// `X-GM-THRID` (X-GM-EXT-1)
    GmailThreadId(u64),
    /// `X-GM-LABELS` (X-GM-EXT-1)
    GmailLabels(Labels<B>),
    /// What is not known: its name with what stands in brackets behind it, and its value, as they came
    Other {
        /// The name.
        name: B,
        /// The value.
        value: B,
    },
    /// What is known, and cannot be read
    Invalid(Box<Invalid<B>>),
}

/// An item that cannot be read, as it came. It alone is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid<B = Bytes> {
    /// Its name.
    pub name: B,
    /// Its value.
    pub value: B,
    /// Where it is wrong.
    pub why: SyntaxError,
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` (RFC 8474 s 7)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectId<B = Bytes>(B);

/// `"(" [astring *(SP astring)] ")"`, flags among them (X-GM-LABELS): the text, read when it is asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Labels<B = Bytes>(B);

impl<B: AsRef<[u8]>> Fetch<B> {
    /// Of items.
    pub fn new(number: NonZeroU32, items: Vec<Item<B>>) -> Self {
        Self { number, items }
    }

    /// The UID, if it is said.
    pub fn uid(&self) -> Option<NonZeroU32> {
        self.items.iter().find_map(|item| match item {
            Item::Uid(uid) => Some(*uid),
            _ => None,
        })
    }

    /// The flags, if they are said.
    pub fn flags(&self) -> Option<&FlagList<B>> {
        self.items.iter().find_map(|item| match item {
            Item::Flags(flags) => Some(flags),
            _ => None,
        })
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.list(&self.items, |item, out| item.write(out));
    }
}

impl<'a, B: Keep<'a>> Fetch<B> {
    /// `msg-att`; a frame that ends behind a streamed literal ends the list.
    pub(crate) fn read(number: NonZeroU32, c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("items")?;
        let mut items = Vec::with_capacity(if c.rest().len() > 64 { 6 } else { 2 });
        if c.close()? {
            c.deviation(Quirk::EmptyList, "an item")?;
            return Ok(Self { number, items });
        }
        let mut is_wrapped = false;
        loop {
            if c.peek() == Some(b'(') && !is_wrapped {
                c.deviation(Quirk::ExtraParentheses, "an item")?;
                c.open("items")?;
                is_wrapped = true;
            }
            items.push(Item::read(c)?);
            if is_wrapped && c.close()? {
                is_wrapped = false;
            }
            if !is_wrapped && (c.eat(b')') || c.close()?) || c.is_cut() {
                return Ok(Self { number, items });
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> Item<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        let name = item_name(c)?;
        let value = c.at();
        match Self::read_known(name, c) {
            Ok(Some(item)) => Ok(item),
            Ok(None) => {
                c.back_to(value);
                Self::read_other(from, c)
            }
            Err(why) => Self::read_broken(why, from, value, c),
        }
    }

    #[inline]
    fn read_known(name: &'a [u8], c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        let Some(first) = name.first().map(u8::to_ascii_uppercase) else { return Ok(None) };
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        Ok(Some(match (name.len(), first) {
            (3, b'U') if is(b"UID") => {
                c.sp()?;
                Self::Uid(c.nz_number()?)
            }
            (5, b'F') if is(b"FLAGS") => {
                c.sp()?;
                Self::Flags(FlagList::read(c, Place::Fetch)?)
            }
            (8, b'E') if is(b"ENVELOPE") => {
                c.sp()?;
                Self::Envelope(Box::new(Envelope::read(c)?))
            }
            (11, b'R') if is(b"RFC822.SIZE") => {
                c.sp()?;
                Self::Size(c.number64()?)
            }
            (12, b'I') if is(b"INTERNALDATE") => {
                c.sp()?;
                Self::InternalDate(DateTime::read(c)?)
            }
            (4, b'B') if is(b"BODY") => {
                if c.peek() == Some(b'[') {
                    let section = Section::read(c)?;
                    let origin = read_origin(c)?;
                    c.sp()?;
                    Self::Section { section, origin, data: read_data(c)? }
                } else {
                    c.sp()?;
                    Self::Body(BodyStructure::read(c)?)
                }
            }
            (13, b'B') if is(b"BODYSTRUCTURE") => {
                c.sp()?;
                Self::BodyStructure(BodyStructure::read(c)?)
            }
            (6, b'B') if is(b"BINARY") && c.peek() == Some(b'[') => {
                let section = Section::read_binary(c)?;
                let origin = read_origin(c)?;
                c.sp()?;
                Self::Binary { section, origin, data: NString::parse_or_literal8(c)? }
            }
            (11, b'B') if is(b"BINARY.SIZE") && c.peek() == Some(b'[') => {
                let section = Section::read_binary(c)?;
                c.sp()?;
                Self::BinarySize(section, c.number64()?)
            }
            (6, b'R') if is(b"RFC822") => {
                c.sp()?;
                Self::Rfc822(read_data(c)?)
            }
            (13, b'R') if is(b"RFC822.HEADER") => {
                c.sp()?;
                Self::Rfc822Header(read_data(c)?)
            }
            (11, b'R') if is(b"RFC822.TEXT") => {
                c.sp()?;
                Self::Rfc822Text(read_data(c)?)
            }
            (6, b'M') if is(b"MODSEQ") => {
                c.sp()?;
                c.open("'('")?;
                let modseq = c.mod_sequence()?;
                close(c)?;
                Self::ModSeq(modseq)
            }
            (7, b'E') if is(b"EMAILID") => {
                c.sp()?;
                Self::EmailId(ObjectId::read_in_parentheses(c)?)
            }
            (8, b'T') if is(b"THREADID") => {
                c.sp()?;
                Self::ThreadId(if c.eat_nil() { None } else { Some(ObjectId::read_in_parentheses(c)?) })
            }
            (7, b'P') if is(b"PREVIEW") => {
                c.sp()?;
                Self::Preview(NString::parse(c)?)
            }
            (8, b'S') if is(b"SAVEDATE") => {
                c.sp()?;
                Self::SaveDate(if c.eat_nil() { None } else { Some(DateTime::read(c)?) })
            }
            (10, b'X') if is(b"X-GM-MSGID") => {
                c.sp()?;
                Self::GmailMessageId(c.gmail_number()?)
            }
            (10, b'X') if is(b"X-GM-THRID") => {
                c.sp()?;
                Self::GmailThreadId(c.gmail_number()?)
            }
            (11, b'X') if is(b"X-GM-LABELS") => {
                c.sp()?;
                Self::GmailLabels(Labels::read(c)?)
            }
            _ => return Ok(None),
        }))
    }

    #[cold]
    fn read_other(from: usize, c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.peek() == Some(b'[') {
            pass_brackets(c)?;
        }
        let name = c.keep(c.since(from));
        c.sp()?;
        let value = c.at();
        c.pass_value()?;
        if c.at() == value {
            return Err(c.fault("a value"));
        }
        Ok(Self::Other { name, value: c.keep(c.since(value)) })
    }

    #[cold]
    fn read_broken(why: SyntaxError, from: usize, value: usize, c: &mut Cursor<'a, B>) -> Result<Self> {
        c.back_to(value);
        if !c.mode().tolerates(Quirk::BrokenItem) {
            return Err(why);
        }
        if c.peek() == Some(b'[') {
            pass_brackets(c)?;
        }
        let name = c.since(from);
        if !c.eat(b' ') {
            return Err(why);
        }
        let value = c.at();
        if c.pass_value().is_err() {
            return Err(why);
        }
        c.back_to_noting(Quirk::BrokenItem, value, why.expected())?;
        c.pass_value()?;
        Ok(Self::Invalid(Box::new(Invalid { name: c.keep(name), value: c.keep(c.since(value)), why })))
    }
}

/// The name of an item, up to a space or a bracket.
#[inline]
fn item_name<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<&'a [u8]> {
    let rest = c.rest();
    let end = rest.iter().position(|octet| !class::is(*octet, class::ATOM) || *octet == b'[');
    match c.take(end.unwrap_or(rest.len())) {
        [] => Err(c.fault("an item")),
        name => Ok(name),
    }
}

/// `[…]` and what may stand behind it up to a space, whatever they hold.
fn pass_brackets<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    match memchr::memchr(b']', c.rest()) {
        Some(at) => {
            c.take(at.saturating_add(1));
            let rest = c.rest();
            let end = rest.iter().position(|octet| matches!(octet, b' ' | b')' | b'\r'));
            c.take(end.unwrap_or(rest.len()));
            Ok(())
        }
        None => Err(c.fault("']'")),
    }
}

/// `["<" number ">"]`
fn read_origin<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Option<u64>> {
    if !c.eat(b'<') {
        return Ok(None);
    }
    let origin = c.number64()?;
    c.expect(b'>', "'>'")?;
    Ok(Some(origin))
}

/// `nstring`, the octets of a message.
#[inline]
fn read_data<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<NString<B>> {
    NString::parse(c)
}

fn close<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    if c.close()? { Ok(()) } else { Err(c.fault("')'")) }
}

impl<'a, B: Keep<'a>> Cursor<'a, B> {
    /// `mod-sequence-value`: 1 to 2^63 - 1 (RFC 7162 s 7).
    pub(crate) fn mod_sequence(&mut self) -> Result<u64> {
        let at = self.at();
        match self.number64()? {
            0 if self.since(at) == b"0" => {
                self.back_to_noting(Quirk::Zero, at, "a number over 0")?;
                self.number64()
            }
            number => Ok(number),
        }
    }

    /// X-GM-MSGID and X-GM-THRID: 64 bits.
    fn gmail_number(&mut self) -> Result<u64> {
        let digits = self.word(class::DIGIT, "a number")?;
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| self.fault("a number of 64 bits"))
    }
}

impl<B: AsRef<[u8]>> ObjectId<B> {
    /// As it came.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'(');
        out.put(self.as_bytes());
        out.octet(b')');
    }
}

impl ObjectId {
    /// `None` for what is none.
    pub fn new(octets: impl Into<Bytes>) -> Option<Self> {
        let octets = octets.into();
        ((1..=255).contains(&octets.len()) && octets.iter().all(|octet| is_object(*octet)))
            .then_some(Self(octets))
    }
}

fn is_object(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-')
}

impl<'a, B: Keep<'a>> ObjectId<B> {
    /// `"(" objectid ")"`
    pub(crate) fn read_in_parentheses(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("'('")?;
        let id = Self::read(c)?;
        close(c)?;
        Ok(id)
    }

    /// Alone.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let rest = c.rest();
        let end = rest.iter().position(|octet| !is_object(*octet)).unwrap_or(rest.len());
        if !(1..=255).contains(&end) {
            return Err(c.fault("an object ID"));
        }
        Ok(Self(c.take_kept(end)))
    }
}

impl<'a, B: Keep<'a>> Labels<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.open("labels")?;
        let from = c.at();
        if c.close()? {
            return Ok(Self(c.keep(b"")));
        }
        loop {
            if c.eat(b'\\') {
                c.word(class::ATOM, "a label")?;
            } else {
                pass_astring(c)?;
            }
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> Labels<B> {
    /// Each; a label of Gmail's own begins with a backslash and is an atom.
    pub fn iter(&self) -> impl Iterator<Item = AString<&[u8]>> {
        let mut c = Cursor::checked(self.0.as_ref());
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            if c.peek() != Some(b'\\') {
                return AString::parse(&mut c).ok();
            }
            let from = c.at();
            c.take(1);
            c.span(class::ATOM);
            Some(AString::Atom(c.since(from)))
        })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.list(self.iter(), |label, out| label.write(out));
    }
}

impl Labels {
    /// Of labels; one that begins with a backslash must be of Gmail's own.
    pub fn of<'l>(labels: impl IntoIterator<Item = &'l [u8]>) -> Self {
        let mut text = Vec::new();
        for label in labels {
            if !text.is_empty() {
                text.push(b' ');
            }
            match label.split_first() {
                Some((b'\\', word)) if crate::writer::is_each(word, class::ATOM) => {
                    text.extend_from_slice(label)
                }
                _ => match AString::of(label) {
                    AString::Atom(octets) => text.extend_from_slice(&octets),
                    AString::String(IString::Quoted(quoted)) => {
                        text.push(b'"');
                        text.extend_from_slice(quoted.as_bytes());
                        text.push(b'"');
                    }
                    AString::String(_) => {
                        text.extend_from_slice(format!("{{{}}}\r\n", label.len()).as_bytes());
                        text.extend_from_slice(label);
                    }
                },
            }
        }
        Self(text.into())
    }
}

impl<B: AsRef<[u8]>> Item<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Uid(uid) => {
                out.put(b"UID ");
                out.number(uid.get().into());
            }
            Self::Flags(flags) => {
                out.put(b"FLAGS ");
                flags.write(out);
            }
            Self::InternalDate(date) => {
                out.put(b"INTERNALDATE ");
                date.write(out);
            }
            Self::Size(size) => {
                out.put(b"RFC822.SIZE ");
                out.number(*size);
            }
            Self::Envelope(envelope) => {
                out.put(b"ENVELOPE ");
                envelope.write(out);
            }
            Self::Body(body) => {
                out.put(b"BODY ");
                body.write(out);
            }
            Self::BodyStructure(body) => {
                out.put(b"BODYSTRUCTURE ");
                body.write(out);
            }
            Self::Section { section, origin, data } => write_section(b"BODY", section, *origin, data, out),
            Self::Binary { section, origin, data } => write_section(b"BINARY", section, *origin, data, out),
            Self::BinarySize(section, size) => {
                out.put(b"BINARY.SIZE");
                section.write(out);
                out.sp();
                out.number(*size);
            }
            Self::Rfc822(data) => write_named(b"RFC822 ", data, out),
            Self::Rfc822Header(data) => write_named(b"RFC822.HEADER ", data, out),
            Self::Rfc822Text(data) => write_named(b"RFC822.TEXT ", data, out),
            Self::ModSeq(modseq) => {
                // D12: RFC 7162 s 7 has parentheses.
                out.put(b"MODSEQ (");
                out.number((*modseq).max(1));
                out.octet(b')');
            }
            Self::EmailId(id) => {
                out.put(b"EMAILID ");
                id.write(out);
            }
            Self::ThreadId(id) => {
                out.put(b"THREADID ");
                match id {
                    Some(id) => id.write(out),
                    None => out.put(b"NIL"),
                }
            }
            Self::Preview(text) => write_named(b"PREVIEW ", text, out),
            Self::SaveDate(date) => {
                out.put(b"SAVEDATE ");
                match date {
                    Some(date) => date.write(out),
                    None => out.put(b"NIL"),
                }
            }
            Self::GmailMessageId(id) => {
                out.put(b"X-GM-MSGID ");
                out.number(*id);
            }
            Self::GmailThreadId(id) => {
                out.put(b"X-GM-THRID ");
                out.number(*id);
            }
            Self::GmailLabels(labels) => {
                out.put(b"X-GM-LABELS ");
                labels.write(out);
            }
            Self::Other { name, value } => write_raw(name.as_ref(), value.as_ref(), out),
            Self::Invalid(invalid) => write_raw(invalid.name.as_ref(), invalid.value.as_ref(), out),
        }
    }
}

fn write_section<B: AsRef<[u8]>>(
    name: &[u8],
    section: &Section<B>,
    origin: Option<u64>,
    data: &NString<B>,
    out: &mut Writer<'_>,
) {
    out.put(name);
    section.write(out);
    if let Some(origin) = origin {
        out.octet(b'<');
        out.number(origin);
        out.octet(b'>');
    }
    out.sp();
    data.write(out);
}

fn write_named<B: AsRef<[u8]>>(name: &[u8], data: &NString<B>, out: &mut Writer<'_>) {
    out.put(name);
    data.write(out);
}

fn write_raw(name: &[u8], value: &[u8], out: &mut Writer<'_>) {
    out.put(name);
    out.sp();
    out.raw(value);
}

impl<B: AsRef<[u8]>> fmt::Debug for ObjectId<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Labels<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
