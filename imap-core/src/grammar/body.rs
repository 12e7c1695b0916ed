//! How a message is made of parts, read by the server.

use std::fmt;
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::envelope::{Envelope, pass_envelope};
use crate::grammar::string::{IString, NString, pass_nstring, pass_string};
use crate::mode::{CHECKED, Quirk};
use crate::writer::{Side, Writer};

mod write;

/// Parts in parts at most. Dovecot sends up to 100.
const DEPTH_MAX: u16 = 100;

/// `BODYSTRUCTURE` and `BODY`: the parts of a message, in the order in which they are sent, each before those in it.
///
/// ```text
/// body            = "(" (body-type-1part / body-type-mpart) ")"
/// body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
/// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
/// body-type-basic = media-basic SP body-fields
/// body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
/// body-type-text  = media-text SP body-fields SP body-fld-lines
/// body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
/// body-ext-1part  = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
/// body-ext-mpart  = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
/// ```
///
/// One flat list: nothing recurses, whatever is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyStructure<B: AsRef<[u8]> = Bytes> {
    parts: Vec<Part<B>>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<B: AsRef<[u8]> = Bytes> {
    /// What it is.
    pub content: Content<B>,
    /// The media subtype.
    pub subtype: IString<B>,
    /// What BODYSTRUCTURE says and BODY does not.
    pub extension: BodyExtension<B>,
    /// The part it is in, by its place in the list; of the first one, none.
    parent: Option<u32>,
    /// Which it is of those in its parent, from 1 on.
    ordinal: u32,
    /// How deep it is.
    depth: u16,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content<B: AsRef<[u8]> = Bytes> {
    /// Parts: those that follow and have this one for a parent.
    Multipart,
    /// Anything else.
    Single {
        /// The media type. Empty in what the grammar has no word for and was let pass: a multipart without parts, whose subtype
        /// is there, and `()`. It is written so too, as a string that says nothing: `1*body` (RFC 9051 s 9) cannot be none, and a
        /// part made up would be asked for.
        media_type: IString<B>,
        /// What every part but a multipart has.
        fields: BodyFields<B>,
        /// What some media types have beside.
        beside: Beside<B>,
    },
}

/// What a media type has beside the fields of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beside<B: AsRef<[u8]> = Bytes> {
    /// Nothing.
    Nothing,
    /// Of text, its lines.
    Lines(u64),
    /// Of `message/rfc822` and `message/global`: the envelope, and the lines. The next part is its body.
    Message(EnvelopeText<B>, u64),
}

/// `body-fields`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "five fields, by position")]
pub struct BodyFields<B: AsRef<[u8]> = Bytes> {
    /// Of the Content-Type.
    pub parameters: Parameters<B>,
    /// Content-ID.
    pub id: NString<B>,
    /// Content-Description.
    pub description: NString<B>,
    /// Content-Transfer-Encoding.
    pub encoding: IString<B>,
    /// How long it is, as it is encoded.
    pub octets: u64,
}

/// `body-ext-1part`, `body-ext-mpart`: as many of its fields, in this order, as were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyExtension<B: AsRef<[u8]> = Bytes> {
    /// None.
    #[default]
    None,
    /// Some.
    Some {
        /// `body-fld-md5`, of a part that is no multipart.
        md5: NString<B>,
        /// Of a multipart: the parameters of its Content-Type.
        parameters: Parameters<B>,
        /// Content-Disposition.
        disposition: Option<Disposition<B>>,
        /// Content-Language.
        languages: Option<Languages<B>>,
        /// Content-Location.
        location: Option<NString<B>>,
        /// `*(SP body-extension)`, of a grammar to come: the text.
        rest: B,
    },
}

/// `"(" string SP body-fld-param ")" / nil`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the grammar's own")]
pub enum Disposition<B: AsRef<[u8]> = Bytes> {
    /// `NIL`
    Nil,
    /// With its parameters.
    Is(IString<B>, Parameters<B>),
}

/// `"(" string SP string *(SP string SP string) ")" / nil`: the text, read when it is asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Parameters<B = Bytes>(B);

/// `nstring / "(" string *(SP string) ")"`: the text, read when it is asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Languages<B = Bytes>(B);

/// An envelope's text, read when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeText<B = Bytes>(B);

impl<B: AsRef<[u8]>> BodyStructure<B> {
    /// All parts, each before those in it. There is always one.
    pub fn parts(&self) -> &[Part<B>] {
        &self.parts
    }

    /// The part a part is in.
    pub fn parent(&self, part: &Part<B>) -> Option<&Part<B>> {
        self.parts.get(usize::try_from(part.parent?).ok()?)
    }

    /// The numbers by which a part is asked for, `BODY[1.2]` (RFC 9051 s 6.4.5.1): none for a multipart that is a message.
    pub fn section(&self, part: &Part<B>) -> Vec<NonZeroU32> {
        let mut numbers = Vec::new();
        let mut at = Some(part);
        while let Some(part) = at {
            let parent = self.parent(part);
            // A message has no number beside the part it is: a multipart in it has its parts numbered by the message.
            let is_message = parent.is_none_or(|parent| parent.is_message());
            if !(is_message && part.is_multipart()) {
                numbers.extend(NonZeroU32::new(part.ordinal));
            }
            at = parent;
        }
        numbers.reverse();
        numbers
    }
}

impl<B: AsRef<[u8]>> Part<B> {
    /// Whether it is made of parts.
    pub fn is_multipart(&self) -> bool {
        matches!(self.content, Content::Multipart)
    }

    /// Whether it is a message whose body is the next part.
    pub fn is_message(&self) -> bool {
        matches!(self.content, Content::Single { beside: Beside::Message(..), .. })
    }

    /// How deep it is: 0 for the message itself.
    pub fn depth(&self) -> u16 {
        self.depth
    }
}

impl<B: AsRef<[u8]>> BodyStructure<B> {
    /// Of a part that holds no other.
    pub fn single(
        media_type: IString<B>,
        subtype: IString<B>,
        fields: BodyFields<B>,
        lines: Option<u64>,
        extension: BodyExtension<B>,
    ) -> Self {
        let beside = lines.map_or(Beside::Nothing, Beside::Lines);
        let content = Content::Single { media_type, fields, beside };
        Self { parts: vec![Part { content, subtype, extension, parent: None, ordinal: 1, depth: 0 }] }
    }

    /// Of a message in a message. `media_type` and `subtype` must say so: `MESSAGE` and `RFC822` or `GLOBAL`.
    pub fn message(
        (media_type, subtype): (IString<B>, IString<B>),
        fields: BodyFields<B>,
        envelope: EnvelopeText<B>,
        body: Self,
        lines: u64,
        extension: BodyExtension<B>,
    ) -> Self {
        let content = Content::Single { media_type, fields, beside: Beside::Message(envelope, lines) };
        let mut all =
            Self { parts: vec![Part { content, subtype, extension, parent: None, ordinal: 1, depth: 0 }] };
        all.take_in(body, 1);
        all
    }

    /// Of parts. `None` if there is not one.
    pub fn multipart(
        parts: impl IntoIterator<Item = Self>,
        subtype: IString<B>,
        extension: BodyExtension<B>,
    ) -> Option<Self> {
        let content = Content::Multipart;
        let mut all =
            Self { parts: vec![Part { content, subtype, extension, parent: None, ordinal: 1, depth: 0 }] };
        for (ordinal, part) in (1..).zip(parts) {
            all.take_in(part, ordinal);
        }
        (all.parts.len() > 1).then_some(all)
    }

    fn take_in(&mut self, body: Self, ordinal: u32) {
        let base = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        self.parts.extend(body.parts.into_iter().map(|part| Part {
            ordinal: if part.parent.is_none() { ordinal } else { part.ordinal },
            parent: Some(part.parent.map_or(0, |parent| parent.saturating_add(base))),
            depth: part.depth.saturating_add(1),
            ..part
        }));
    }

    /// Without what only BODYSTRUCTURE says (RFC 9051 s 7.5.2: BODY must not).
    #[must_use]
    pub fn without_extension(mut self) -> Self {
        for part in &mut self.parts {
            part.extension = BodyExtension::None;
        }
        self
    }
}

impl<'a, B: Keep<'a>> BodyStructure<B> {
    /// With its parentheses.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut parts: Vec<Part<B>> = Vec::with_capacity((c.rest().len() / 128).clamp(1, 32));
        let mut parent: Option<u32> = None;
        let (mut ordinal, mut depth) = (1, 0_u16);
        loop {
            // A part begins.
            c.open("a body")?;
            if depth >= DEPTH_MAX {
                return Err(c.fault("parts that are not so deep"));
            }
            let index = u32::try_from(parts.len()).map_err(|_| c.fault("fewer parts"))?;
            let is_open = if c.peek() == Some(b'(') {
                let subtype = IString::Quoted(crate::Quoted::of_checked(c.keep(b"")));
                let (content, extension) = (Content::Multipart, BodyExtension::None);
                parts.push(Part { content, subtype, extension, parent, ordinal, depth });
                true
            } else {
                let (content, subtype, extension) = match c.peek() {
                    Some(b')') if depth > 0 => read_nothing(c)?,
                    _ => read_single(c)?,
                };
                let is_open = matches!(content, Content::Single { beside: Beside::Message(..), .. });
                parts.push(Part { content, subtype, extension, parent, ordinal, depth });
                is_open
            };
            if is_open {
                (parent, ordinal, depth) = (Some(index), 1, depth.saturating_add(1));
                continue;
            }
            // Parts end, as far as they do here.
            loop {
                let Some(open) = parent else { return Ok(Self { parts }) };
                let Some(part) = usize::try_from(open).ok().and_then(|open| parts.get_mut(open)) else {
                    return Err(c.fault("a body"));
                };
                if part.is_multipart() && next_in_multipart(c)? {
                    ordinal = ordinal.saturating_add(1);
                    break;
                }
                end_of(part, c)?;
                (parent, ordinal, depth) = (part.parent, part.ordinal, part.depth);
            }
        }
    }
}

/// Whether another part follows.
#[inline]
fn next_in_multipart<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<bool> {
    if let [b' ', b'(', ..] = c.rest() {
        c.deviation(Quirk::SpaceInParentheses, "no space between parts")?;
        c.eat(b' ');
    }
    Ok(c.peek() == Some(b'('))
}

/// What stands behind the parts in a part.
fn end_of<'a, B: Keep<'a>>(part: &mut Part<B>, c: &mut Cursor<'a, B>) -> Result<()> {
    if let Content::Single { beside: Beside::Message(_, lines), .. } = &mut part.content {
        if c.peek() == Some(b')') {
            c.deviation(Quirk::MissingField, "SP and the lines")?;
        } else {
            c.sp()?;
            *lines = c.number64()?;
        }
        part.extension = read_extension(c, false)?;
        return Ok(());
    }
    if c.peek() == Some(b')') {
        c.deviation(Quirk::MissingField, "SP and a media subtype")?;
    } else {
        c.sp()?;
        part.subtype = IString::parse(c)?;
    }
    part.extension = read_extension(c, true)?;
    Ok(())
}

type Single<B> = (Content<B>, IString<B>, BodyExtension<B>);

/// A part that begins with a string. If it is a message, what stands behind its body is not read yet.
fn read_single<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Single<B>> {
    if c.eat_nil() {
        // A multipart without parts, from Gmail.
        c.deviation(Quirk::MissingField, "a media type")?;
        c.sp()?;
        let subtype = IString::parse(c)?;
        return read_empty_multipart(c, subtype);
    }
    let media_type = IString::parse(c)?;
    if let [b' ', b'(' | b'N' | b'n', ..] = c.rest() {
        // A multipart without parts whose subtype comes first (Exchange, for a message without a body).
        c.deviation(Quirk::MissingField, "SP and a media subtype")?;
        return read_empty_multipart(c, media_type);
    }
    c.sp()?;
    let subtype = IString::parse(c)?;
    c.sp()?;
    let parameters = Parameters::read(c)?;
    c.sp()?;
    let id = NString::parse(c)?;
    c.sp()?;
    let description = NString::parse(c)?;
    c.sp()?;
    let encoding = IString::parse(c)?;
    c.sp()?;
    let octets = number_or_nil(c)?;
    let fields = BodyFields { parameters, id, description, encoding, octets };
    let beside = read_beside(c, &media_type, &subtype)?;
    let extension = match beside {
        Beside::Message(..) => BodyExtension::None,
        _ => read_extension(c, false)?,
    };
    Ok((Content::Single { media_type, fields, beside }, subtype, extension))
}

/// `()`: the body of a message that the server did not look into (Domino).
#[cold]
fn read_nothing<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Single<B>> {
    c.deviation(Quirk::MissingField, "a body")?;
    let subtype = IString::Quoted(crate::Quoted::of_checked(c.keep(b"")));
    read_empty_multipart(c, subtype)
}

/// A multipart without parts, which the grammar cannot say: a part without a media type.
fn read_empty_multipart<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, subtype: IString<B>) -> Result<Single<B>> {
    let nothing = || IString::Quoted(crate::Quoted::of_checked(c.keep(b"")));
    let (media_type, encoding) = (nothing(), nothing());
    let (mut parameters, mut extension) = (Parameters(c.keep(b"")), read_extension(c, true)?);
    if let BodyExtension::Some { parameters: its, .. } = &mut extension {
        std::mem::swap(&mut parameters, its);
    }
    let fields = BodyFields { parameters, id: NString::Nil, description: NString::Nil, encoding, octets: 0 };
    Ok((Content::Single { media_type, fields, beside: Beside::Nothing }, subtype, extension))
}

fn read_beside<'a, B: Keep<'a>>(
    c: &mut Cursor<'a, B>,
    media_type: &IString<B>,
    subtype: &IString<B>,
) -> Result<Beside<B>> {
    let is = |string: &IString<B>, word: &[u8]| match string {
        IString::Quoted(quoted) => quoted.as_bytes().eq_ignore_ascii_case(word),
        IString::Literal(_, octets) => octets.as_ref().eq_ignore_ascii_case(word),
        IString::Streamed(..) => false,
    };
    if is(media_type, b"TEXT") {
        return match c.rest() {
            [b' ', b'0'..=b'9' | b'-', ..] => {
                c.eat(b' ');
                Ok(Beside::Lines(c.number64()?))
            }
            [b' ', b'N' | b'n', ..] if c.mode().tolerates(Quirk::NilString) && nil_is_lines(c) => {
                c.eat(b' ');
                c.deviation(Quirk::NilString, "the lines")?;
                c.eat_nil();
                Ok(Beside::Lines(0))
            }
            _ => c.deviation(Quirk::MissingField, "SP and the lines").map(|()| Beside::Nothing),
        };
    }
    if !is(media_type, b"MESSAGE") || !(is(subtype, b"RFC822") || is(subtype, b"GLOBAL")) {
        return Ok(Beside::Nothing);
    }
    if let [b' ', b'(', ..] = c.rest() {
        c.eat(b' ');
        let from = c.at();
        pass_envelope(c)?;
        let envelope = EnvelopeText(c.keep(c.since(from)));
        c.sp()?;
        return Ok(Beside::Message(envelope, 0));
    }
    c.deviation(Quirk::MissingField, "SP and an envelope")?;
    // Lines alone, from servers that did not look into the message.
    if let [b' ', b'0'..=b'9', ..] = c.rest() {
        c.eat(b' ');
        return Ok(Beside::Lines(c.number64()?));
    }
    Ok(Beside::Nothing)
}

/// Whether the NIL behind this space stands for the lines: an MD5 does not stand before another NIL or string and four fields.
fn nil_is_lines<'a, B: Keep<'a>>(c: &Cursor<'a, B>) -> bool {
    matches!(c.rest(), [b' ', _, _, _, b' ', b'"' | b'N' | b'n', ..]) && {
        let rest = c.rest();
        let end = memchr::memchr(b')', rest).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|fields| fields.iter().filter(|octet| **octet == b' ').count() > 4)
    }
}

fn number_or_nil<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<u64> {
    if c.eat_nil() {
        return c.deviation(Quirk::NilString, "a number").map(|()| 0);
    }
    c.number64()
}

/// `[SP body-ext-1part]` or `[SP body-ext-mpart]`, and the closing parenthesis.
fn read_extension<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, multipart: bool) -> Result<BodyExtension<B>> {
    if c.close()? {
        return Ok(BodyExtension::None);
    }
    c.sp()?;
    let (mut md5, mut parameters) = (NString::Nil, Parameters(c.keep(b"")));
    if multipart {
        parameters = Parameters::read(c)?;
    } else {
        md5 = NString::parse(c)?;
    }
    let (mut disposition, mut languages, mut location, mut rest) = (None, None, None, c.keep(b""));
    'fields: {
        if c.close()? {
            break 'fields;
        }
        c.sp()?;
        disposition = Some(Disposition::read(c)?);
        if c.close()? {
            break 'fields;
        }
        c.sp()?;
        languages = Some(Languages::read(c)?);
        if c.close()? {
            break 'fields;
        }
        c.sp()?;
        location = Some(NString::parse(c)?);
        if c.close()? {
            break 'fields;
        }
        let from = c.at();
        loop {
            c.sp()?;
            let value = c.at();
            c.pass_value()?;
            if c.at() == value {
                return Err(c.fault("a value"));
            }
            let passed = c.since(from);
            if c.close()? {
                rest = c.keep(passed);
                break 'fields;
            }
        }
    }
    Ok(BodyExtension::Some { md5, parameters, disposition, languages, location, rest })
}

impl<'a, B: Keep<'a>> Disposition<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat_nil() {
            return Ok(Self::Nil);
        }
        if c.peek() == Some(b'"') {
            c.deviation(Quirk::MissingField, "'(' or NIL")?;
            return Ok(Self::Is(IString::parse(c)?, Parameters(c.keep(b""))));
        }
        c.open("a disposition")?;
        let disposition = IString::parse(c)?;
        let parameters = if c.peek() == Some(b')') {
            c.deviation(Quirk::MissingField, "SP and parameters")?;
            Parameters(c.keep(b""))
        } else {
            c.sp()?;
            Parameters::read(c)?
        };
        if c.close()? { Ok(Self::Is(disposition, parameters)) } else { Err(c.fault("')'")) }
    }
}

impl<'a, B: Keep<'a>> Parameters<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        if c.eat_nil() {
            return Ok(Self(c.keep(b"")));
        }
        c.open("parameters")?;
        let from = c.at();
        if c.close()? {
            c.deviation(Quirk::EmptyList, "a parameter")?;
            return Ok(Self(c.keep(b"")));
        }
        loop {
            pass_string(c)?;
            if c.peek() == Some(b')') {
                c.deviation(Quirk::MissingField, "SP and a value")?;
            } else {
                c.sp()?;
                pass_string(c)?;
            }
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> Languages<B> {
    fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        if c.peek() != Some(b'(') {
            pass_nstring(c)?;
            return Ok(Self(c.keep(c.since(from))));
        }
        c.open("languages")?;
        if c.close()? {
            c.deviation(Quirk::EmptyList, "a language")?;
            return Ok(Self(c.keep(b"NIL")));
        }
        loop {
            pass_string(c)?;
            if c.close()? {
                return Ok(Self(c.keep(c.since(from))));
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> Parameters<B> {
    /// Each with its value, in its order.
    pub fn iter(&self) -> impl Iterator<Item = (IString<&[u8]>, IString<&[u8]>)> {
        let mut c = Cursor::checked(self.0.as_ref());
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            let name = IString::parse(&mut c).ok()?;
            while c.eat(b' ') {}
            let value = IString::parse(&mut c).unwrap_or(IString::Quoted(crate::Quoted::of_checked(b"")));
            Some((name, value))
        })
    }

    /// The value of the first of that name, in any case.
    pub fn get(&self, name: &str) -> Option<IString<&[u8]>> {
        self.iter()
            .find(|(its, _)| its.octets().eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}

impl Parameters {
    /// Of names and values.
    pub fn of<'p>(parameters: impl IntoIterator<Item = (&'p [u8], &'p [u8])>) -> Self {
        let mut text = BytesMut::new();
        let mut out = Writer::new(&mut text, Side::Server, &CHECKED);
        out.spaced(parameters, |(name, value), out| {
            out.string(name);
            out.sp();
            out.string(value);
        });
        Self(text.freeze())
    }
}

impl<B: AsRef<[u8]>> Languages<B> {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = IString<&[u8]>> {
        let mut c = Cursor::checked(self.0.as_ref());
        if c.eat_nil() {
            c.take(usize::MAX);
        }
        std::iter::from_fn(move || {
            while c.eat(b' ') || c.eat(b'(') {}
            IString::parse(&mut c).ok()
        })
    }
}

impl Languages {
    /// Of tags.
    pub fn of<'t>(tags: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut text = BytesMut::new();
        Writer::new(&mut text, Side::Server, &CHECKED).list(tags, |tag, out| out.string(tag));
        Self(if text.len() > 2 { text.freeze() } else { Bytes::from_static(b"NIL") })
    }
}

impl<B: AsRef<[u8]>> EnvelopeText<B> {
    /// Read.
    pub fn get(&self) -> Envelope<&[u8]> {
        Envelope::read(&mut Cursor::checked(self.0.as_ref())).unwrap_or_else(|_| Envelope::nothing())
    }
}

impl EnvelopeText {
    /// Of an envelope.
    pub fn of<B: AsRef<[u8]>>(envelope: &Envelope<B>) -> Self {
        let mut text = BytesMut::new();
        envelope.write(&mut Writer::new(&mut text, Side::Server, &CHECKED));
        Self(text.freeze())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Parameters<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.0.as_ref().escape_ascii())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Languages<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_ref().escape_ascii())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for EnvelopeText<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_ref().escape_ascii())
    }
}

impl<B: AsRef<[u8]> + fmt::Debug> fmt::Debug for BodyStructure<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.parts).finish()
    }
}

#[cfg(test)]
mod tests;
