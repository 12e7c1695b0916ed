use std::borrow::Cow;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::mode::Quirk;
use crate::writer::{Writer, is_each};

/// What a client calls its command, and the server its answer: `1*<any ASTRING-CHAR except "+">`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag<B = Bytes>(B);

/// `1*ATOM-CHAR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Atom<B = Bytes>(B);

/// What stands between double quotes, as it was sent: `*QUOTED-CHAR`, `\"` and `\\` with their backslashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quoted<B = Bytes>(B);

/// Text for people: `1*TEXT-CHAR`, up to the end of the line; may be empty where there is none.
///
/// It is read as it came, and what it may not hold is written as `?`: CR, LF and NUL, and what is not ASCII before UTF-8 is enabled
/// ("Non-ASCII text can only be returned after ENABLE IMAP4rev2 command", RFC 9051 s 9; RFC 6855 s 3). A text has no other form, as a string
/// has the literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text<B = Bytes>(B);

/// `string = quoted / literal`, and `literal8`.
///
/// Equal only if it was said the same way; compare [`octets`](Self::octets) for what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum IString<B = Bytes> {
    /// `"…"`
    Quoted(Quoted<B>),
    /// `{n}…`
    Literal(LiteralForm, B),
    /// A literal of so many octets, which are handed over in pieces and are not here.
    Streamed(LiteralForm, u64),
}

/// `astring = 1*ASTRING-CHAR / string`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum AString<B = Bytes> {
    /// As it is.
    Atom(B),
    /// As a string.
    String(IString<B>),
}

/// `nstring = string / nil`. `NIL` is not `""`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum NString<B = Bytes> {
    /// `NIL`
    Nil,
    /// As a string.
    String(IString<B>),
}

/// How a literal is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum LiteralForm {
    /// `{n}`: a client waits for the server's `+` before it sends the octets; a server does not wait.
    Synchronizing,
    /// `{n+}`: a client sends the octets at once (RFC 7888).
    NonSynchronizing,
    /// `~{n}`: the octets may hold NUL (RFC 3516).
    Literal8,
    /// `~{n+}`
    Literal8NonSynchronizing,
}

impl LiteralForm {
    /// Whether the sender waits, if it is a client.
    pub const fn is_synchronizing(self) -> bool {
        matches!(self, Self::Synchronizing | Self::Literal8)
    }

    /// Whether NUL is allowed.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Literal8 | Self::Literal8NonSynchronizing)
    }
}

macro_rules! kept {
    ($name:ident, $what:literal, $check:expr) => {
        impl $name {
            /// From octets of one's own.
            ///
            #[doc = concat!("`None` if they are no ", $what, ".")]
            pub fn new(octets: impl Into<Bytes>) -> Option<Self> {
                let octets = octets.into();
                let check: fn(&[u8]) -> bool = $check;
                check(&octets).then_some(Self(octets))
            }
        }

        impl<B: AsRef<[u8]>> $name<B> {
            /// As it was sent.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_ref()
            }

            #[allow(dead_code, reason = "not each of these types needs it yet")]
            pub(crate) fn of_checked(octets: B) -> Self {
                Self(octets)
            }
        }
    };
}

kept!(Tag, "tag", |octets| !octets.is_empty() && is_each(octets, class::TAG));
kept!(Atom, "atom", |octets| !octets.is_empty() && is_each(octets, class::ATOM));
kept!(Text, "text", |octets| is_each(octets, class::TEXT | class::EIGHT_BIT));

impl<'a, B: Keep<'a>> Tag<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.word(class::TAG, "a tag").map(|tag| Self(c.keep(tag)))
    }
}

impl<B: AsRef<[u8]>> Tag<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.as_bytes());
    }
}

impl<'a, B: Keep<'a>> Atom<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.word(class::ATOM, "an atom").map(|atom| Self(c.keep(atom)))
    }
}

impl<B: AsRef<[u8]>> Atom<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.as_bytes());
    }
}

impl<'a, B: Keep<'a>> Text<B> {
    /// `text`, which the end of the line ends; maybe none.
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let rest = c.rest();
        let line = rest.strip_suffix(b"\r\n").unwrap_or(rest);
        check_text(c, line)?;
        Ok(Self(c.take_kept(line.len())))
    }
}

impl<B: AsRef<[u8]>> Text<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.text(self.as_bytes());
    }
}

/// That `octets`, which come next, are text.
#[inline]
fn check_text<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, octets: &[u8]) -> Result<()> {
    if is_each(octets, class::TEXT) {
        return Ok(());
    }
    if !is_each(octets, class::TEXT | class::EIGHT_BIT) {
        c.deviation(Quirk::ControlCharacter, "text")?;
    }
    check_eight_bit(c, octets)
}

/// That octets over 127 are allowed, and UTF-8.
fn check_eight_bit<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, octets: &[u8]) -> Result<()> {
    if octets.is_ascii() || c.mode().takes_utf8() && std::str::from_utf8(octets).is_ok() {
        return Ok(());
    }
    c.deviation(Quirk::EightBit, if c.mode().takes_utf8() { "UTF-8" } else { "ASCII" })
}

impl<'a, B: Keep<'a>> Quoted<B> {
    /// `DQUOTE *QUOTED-CHAR DQUOTE`
    #[inline]
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.expect(b'"', "a quoted string")?;
        quoted_rest(c).map(|inside| Self(c.keep(inside)))
    }
}

/// What is inside the quotes; the first is passed already.
#[inline]
pub(crate) fn quoted_rest<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<&'a [u8]> {
    let inside = c.take(class::plain_prefix(c.rest()));
    if c.eat(b'"') {
        return Ok(inside);
    }
    quoted_odd(c, c.at().saturating_sub(inside.len()))
}

/// The same, with anything but plain ASCII in it.
#[inline(never)]
fn quoted_odd<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, from: usize) -> Result<&'a [u8]> {
    loop {
        c.span(class::QUOTED | class::EIGHT_BIT);
        match (c.peek(), c.peek_at(1)) {
            (Some(b'"'), _) => {
                let inside = c.since(from);
                c.eat(b'"');
                return check_eight_bit(c, inside).map(|()| inside);
            }
            (Some(b'\\'), Some(b'"' | b'\\')) => drop(c.take(2)),
            (Some(b'\\'), Some(_)) => {
                c.deviation(Quirk::StrayBackslash, "'\"' or '\\' behind a backslash")?;
                c.take(1);
            }
            (Some(b'\r'), Some(b'\n')) if c.rest().len() == 2 => return Err(c.fault("a closing quote")),
            (Some(_), Some(_)) => {
                c.deviation(Quirk::ControlCharacter, "a character of a quoted string")?;
                c.take(1);
            }
            _ => return Err(c.fault("a closing quote")),
        }
    }
}

impl<B> Quoted<B> {
    /// Of what was read as the inside of a quoted string.
    pub(crate) const fn of_checked(inside: B) -> Self {
        Self(inside)
    }
}

impl<B: AsRef<[u8]>> Quoted<B> {
    /// As it was sent, backslashes included.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// What it says: without the backslashes that the grammar asks for.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        unescaped(self.as_bytes())
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let raw = self.as_bytes();
        if is_each(raw, class::QUOTED) {
            out.octet(b'"');
            out.put(raw);
            return out.octet(b'"');
        }
        let octets = self.octets();
        if out.is_quotable(&octets) {
            out.quote(&octets);
        } else {
            // What was let pass inside quotes, a literal may say.
            out.literal(LiteralForm::NonSynchronizing, &octets);
        }
    }
}

impl Quoted {
    /// These octets, with backslashes where they belong. `None` for what only a literal can say.
    pub fn new(octets: &[u8]) -> Option<Self> {
        if !is_each(octets, class::TEXT | class::EIGHT_BIT) || std::str::from_utf8(octets).is_err() {
            return None;
        }
        let escaped = octets.iter().flat_map(|octet| {
            let backslash = b"\"\\".contains(octet).then_some(b'\\');
            backslash.into_iter().chain([*octet])
        });
        Some(Self(escaped.collect()))
    }
}

/// Without the backslashes of `\"` and `\\`.
pub(crate) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied().peekable();
    while let Some(octet) = rest.next() {
        match (octet, rest.peek()) {
            (b'\\', Some(b'"' | b'\\')) => octets.extend(rest.next()),
            _ => octets.push(octet),
        }
    }
    Cow::Owned(octets)
}

impl<'a, B: Keep<'a>> IString<B> {
    /// `string`
    #[inline]
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat(b'"') {
            return quoted_rest(c).map(|inside| Self::Quoted(Quoted(c.keep(inside))));
        }
        Self::parse_other(c)
    }

    /// What does not begin with a quote.
    #[inline(never)]
    fn parse_other(c: &mut Cursor<'a, B>) -> Result<Self> {
        match c.peek() {
            Some(b'{') => Self::parse_literal(c),
            _ if c.eat_nil() => {
                c.deviation(Quirk::NilString, "a string")?;
                Ok(Self::Quoted(Quoted(c.keep(b""))))
            }
            Some(octet) if class::is(octet, class::ATOM) && octet != b'~' => {
                c.deviation(Quirk::UnquotedString, "a string")?;
                let word = c.span(class::ASTRING);
                Ok(Self::Quoted(Quoted(c.keep(word))))
            }
            _ => Err(c.fault("a string")),
        }
    }

    /// `literal / literal8`, in any form.
    pub(crate) fn parse_literal(c: &mut Cursor<'a, B>) -> Result<Self> {
        let (form, size) = announcement(c)?;
        if c.is_streamed() {
            return Ok(Self::Streamed(form, size));
        }
        match usize::try_from(size).ok().filter(|size| *size <= c.rest().len()) {
            Some(size) => Ok(Self::Literal(form, c.take_kept(size))),
            None => Err(c.fault("the octets of a literal")),
        }
    }
}

/// `["~"] "{" number64 ["+"] "}" CRLF`
fn announcement<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<(LiteralForm, u64)> {
    let binary = c.eat(b'~');
    c.expect(b'{', "a literal")?;
    let Some(size) = c.number_alone()? else { return Err(c.fault("a number")) };
    if c.peek() == Some(b'+') {
        c.literal_plus()?;
    }
    let form = match (binary, c.eat(b'+')) {
        (false, false) => LiteralForm::Synchronizing,
        (false, true) => LiteralForm::NonSynchronizing,
        (true, false) => LiteralForm::Literal8,
        (true, true) => LiteralForm::Literal8NonSynchronizing,
    };
    if !c.eat_keyword(b"}\r\n") {
        return Err(c.fault("'}' and CRLF"));
    }
    Ok((form, size))
}

impl<'a> IString<&'a [u8]> {
    /// `string`, borrowed whatever the cursor keeps.
    pub(crate) fn parse_borrowed<B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        let form = IString::parse(c).map(|string| match string {
            IString::Quoted(_) => None,
            IString::Literal(form, octets) => Some((form, octets.as_ref().len())),
            IString::Streamed(form, _) => Some((form, 0)),
        })?;
        let read = c.since(from);
        Ok(match form {
            Some((form, length)) => {
                Self::Literal(form, read.get(read.len().saturating_sub(length)..).unwrap_or_default())
            }
            None => Self::Quoted(Quoted(
                read.strip_prefix(b"\"").and_then(|read| read.strip_suffix(b"\"")).unwrap_or(read),
            )),
        })
    }
}

impl IString {
    /// In the form that fits: quoted, or a literal.
    pub fn of(octets: &[u8]) -> Self {
        match Quoted::new(octets) {
            Some(quoted) if octets.is_ascii() && octets.len() <= 1024 => Self::Quoted(quoted),
            _ => Self::Literal(LiteralForm::NonSynchronizing, Bytes::copy_from_slice(octets)),
        }
    }
}

impl<B: AsRef<[u8]>> IString<B> {
    /// What it says; nothing for a [streamed](Self::Streamed) one.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Quoted(quoted) => quoted.octets(),
            Self::Literal(_, octets) => Cow::Borrowed(octets.as_ref()),
            Self::Streamed(..) => Cow::Borrowed(b""),
        }
    }

    /// Writes it as it was sent, as far as the writer's mode allows.
    pub fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Quoted(quoted) => quoted.write(out),
            Self::Literal(form, octets) => out.literal(*form, octets.as_ref()),
            Self::Streamed(form, size) => out.streamed(*form, *size),
        }
    }
}

impl<'a, B: Keep<'a>> AString<B> {
    /// `astring`
    #[inline]
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        match c.peek() {
            Some(b'"' | b'{') => IString::parse(c).map(Self::String),
            Some(octet) if class::is(octet, class::ASTRING) => {
                let atom = c.span(class::ASTRING);
                if c.peek().is_some_and(|octet| class::is(octet, class::EIGHT_BIT)) {
                    return Self::parse_eight_bit(c, atom.len());
                }
                Ok(Self::Atom(c.keep(atom)))
            }
            Some(octet) if class::is(octet, class::EIGHT_BIT) => Self::parse_eight_bit(c, 0),
            _ => Err(c.fault("an atom or a string")),
        }
    }

    #[cold]
    fn parse_eight_bit(c: &mut Cursor<'a, B>, before: usize) -> Result<Self> {
        c.deviation(Quirk::EightBit, "ASCII")?;
        let from = c.at().saturating_sub(before);
        c.span(class::ASTRING | class::EIGHT_BIT);
        Ok(Self::String(IString::Quoted(Quoted(c.keep(c.since(from))))))
    }
}

impl AString {
    /// In the form that fits: an atom, quoted, or a literal.
    pub fn of(octets: &[u8]) -> Self {
        let atom =
            !octets.is_empty() && is_each(octets, class::ASTRING) && !octets.eq_ignore_ascii_case(b"NIL");
        if atom { Self::Atom(Bytes::copy_from_slice(octets)) } else { Self::String(IString::of(octets)) }
    }
}

impl<B: AsRef<[u8]>> AString<B> {
    /// What it says.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Atom(octets) => Cow::Borrowed(octets.as_ref()),
            Self::String(string) => string.octets(),
        }
    }

    /// Writes it as it was sent, as far as the writer's mode allows.
    pub fn write(&self, out: &mut Writer<'_>) {
        match self {
            // Anyone can make one of any octets: what is no atom is said as a string.
            Self::Atom(octets) => match octets.as_ref() {
                [] => out.put(b"\"\""),
                // A label of Gmail's may begin with a backslash.
                atom if is_each(atom.strip_prefix(b"\\").unwrap_or(atom), class::ASTRING) => out.put(atom),
                octets => out.string(octets),
            },
            Self::String(string) => string.write(out),
        }
    }
}

impl<'a, B: Keep<'a>> NString<B> {
    /// `nstring`
    #[inline]
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat(b'"') {
            return quoted_rest(c).map(|inside| Self::String(IString::Quoted(Quoted(c.keep(inside)))));
        }
        if c.eat_nil() { Ok(Self::Nil) } else { IString::parse_other(c).map(Self::String) }
    }

    /// `nstring / literal8`
    pub(crate) fn parse_or_literal8(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.peek() == Some(b'~') { IString::parse_literal(c).map(Self::String) } else { Self::parse(c) }
    }
}

/// Reads an `nstring` whose octets are in the frame, and keeps nothing of it.
#[inline]
pub(crate) fn pass_nstring<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    if c.eat(b'"') {
        return quoted_rest(c).map(drop);
    }
    if c.eat_nil() { Ok(()) } else { pass_other(c) }
}

/// Reads a `string` whose octets are in the frame, and keeps nothing of it.
#[inline]
pub(crate) fn pass_string<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    if c.eat(b'"') { quoted_rest(c).map(drop) } else { pass_other(c) }
}

#[inline(never)]
fn pass_other<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    match IString::parse_other(c)? {
        IString::Streamed(..) => Err(c.fault("a shorter literal")),
        _ => Ok(()),
    }
}

/// Reads an `astring` whose octets are in the frame, and keeps nothing of it.
pub(crate) fn pass_astring<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    match AString::parse(c)? {
        AString::String(IString::Streamed(..)) => Err(c.fault("a shorter literal")),
        _ => Ok(()),
    }
}

impl NString {
    /// In the form that fits; `NIL` for `None`.
    pub fn of(octets: Option<&[u8]>) -> Self {
        octets.map_or(Self::Nil, |octets| Self::String(IString::of(octets)))
    }
}

impl<B: AsRef<[u8]>> NString<B> {
    /// What it says; `None` for `NIL`.
    pub fn octets(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Nil => None,
            Self::String(string) => Some(string.octets()),
        }
    }

    /// Writes it as it was sent, as far as the writer's mode allows.
    pub fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Nil => out.put(b"NIL"),
            Self::String(string) => string.write(out),
        }
    }
}

#[cfg(test)]
mod tests;
