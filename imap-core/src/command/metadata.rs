//! GETMETADATA and SETMETADATA (RFC 5464).

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::mailbox::Mailbox;
use crate::grammar::parameter::{OneOrMore, Parameter, list, many};
use crate::grammar::string::{AString, NString};
use crate::writer::Writer;

/// `entry = astring`: a path, without wildcards.
fn entry<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<AString<B>> {
    let start = c.at();
    let entry = AString::parse(c)?;
    // RFC 5464 s 5: "MUST NOT contain "*" or "%"".
    if entry.octets().iter().any(|octet| matches!(octet, b'*' | b'%')) {
        c.back_to(start);
        return Err(c.fault("an entry without wildcards"));
    }
    Ok(entry)
}

/// `"(" entry *(SP entry) ")"`
pub(crate) fn entries<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<AString<B>>> {
    many(c, entry)
}

/// `entry-value = entry SP (nstring / literal8)`
fn entry_value<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<(AString<B>, NString<B>)> {
    let entry = entry(c)?;
    c.sp()?;
    Ok((entry, NString::parse_or_literal8(c)?))
}

/// `getmetadata-option`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataOption<B = Bytes> {
    /// `MAXSIZE`: leave out values of more octets.
    MaxSize(u32),
    /// `DEPTH`: entries below those named too.
    Depth(MetadataDepth),
    /// Another.
    Other(Parameter<B>),
}

/// `"0" / "1" / "infinity"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5464 s 4.2.2")]
pub enum MetadataDepth {
    /// None.
    Zero,
    /// One level.
    One,
    /// All.
    Infinity,
}

/// ```text
/// getmetadata         = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
/// getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
/// entries             = entry / "(" entry *(SP entry) ")"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5464 s 5")]
pub struct GetMetadata<B = Bytes> {
    /// Where the options stand; before the mailbox, if there are none.
    pub place: OptionsPlace,
    /// The options.
    pub options: Vec<MetadataOption<B>>,
    /// The mailbox; the empty one is the server.
    pub mailbox: Mailbox<B>,
    /// Which entries.
    pub entries: OneOrMore<AString<B>>,
}

/// RFC 5464 says one thing in s 5 and another in the examples of s 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "before or behind")]
pub enum OptionsPlace {
    /// As the ABNF has it.
    BeforeMailbox,
    /// As the examples have it.
    BehindMailbox,
}

impl<'a, B: Keep<'a>> GetMetadata<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mut place = OptionsPlace::BeforeMailbox;
        let mut found = Vec::new();
        if c.peek() == Some(b'(') {
            found = options(c)?;
            c.sp()?;
        }
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        // Entries begin with a slash, options with a letter.
        if found.is_empty()
            && c.peek() == Some(b'(')
            && c.peek_at(1).is_some_and(|octet| octet.is_ascii_alphabetic())
        {
            place = OptionsPlace::BehindMailbox;
            found = options(c)?;
            c.sp()?;
        }
        Ok(Self { place, options: found, mailbox, entries: OneOrMore::parse(c, entry)? })
    }
}

fn options<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Vec<MetadataOption<B>>> {
    list(c, |c, name| {
        if name.eq_ignore_ascii_case(b"MAXSIZE") {
            c.sp()?;
            return c.number().map(MetadataOption::MaxSize);
        }
        if name.eq_ignore_ascii_case(b"DEPTH") {
            c.sp()?;
            return match () {
                () if c.eat(b'0') => Ok(MetadataDepth::Zero),
                () if c.eat(b'1') => Ok(MetadataDepth::One),
                () if c.eat_keyword(b"infinity") => Ok(MetadataDepth::Infinity),
                () => Err(c.fault("0, 1 or infinity")),
            }
            .map(MetadataOption::Depth);
        }
        Parameter::read(c, name).map(MetadataOption::Other)
    })
}

impl<B: AsRef<[u8]>> GetMetadata<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let options = |out: &mut Writer<'_>| {
            out.list(&self.options, |option, out| match option {
                MetadataOption::MaxSize(size) => {
                    out.put(b"MAXSIZE ");
                    out.number((*size).into());
                }
                MetadataOption::Depth(depth) => out.put(match depth {
                    MetadataDepth::Zero => b"DEPTH 0",
                    MetadataDepth::One => b"DEPTH 1",
                    MetadataDepth::Infinity => b"DEPTH infinity",
                }),
                MetadataOption::Other(parameter) => parameter.write(out),
            });
            out.sp();
        };
        if !self.options.is_empty() && self.place == OptionsPlace::BeforeMailbox {
            options(out);
        }
        self.mailbox.write(out);
        out.sp();
        if !self.options.is_empty() && self.place == OptionsPlace::BehindMailbox {
            options(out);
        }
        self.entries.write(out, AString::write);
    }
}

/// ```text
/// setmetadata  = "SETMETADATA" SP mailbox SP entry-values
/// entry-values = "(" entry-value *(SP entry-value) ")"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 5464 s 5")]
pub struct SetMetadata<B = Bytes> {
    /// The mailbox; the empty one is the server.
    pub mailbox: Mailbox<B>,
    /// What to set; `NIL` takes an entry away.
    pub values: Vec<(AString<B>, NString<B>)>,
}

impl<'a, B: Keep<'a>> SetMetadata<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        let mailbox = Mailbox::parse(c)?;
        c.sp()?;
        Ok(Self { mailbox, values: many(c, entry_value)? })
    }
}

impl<B: AsRef<[u8]>> SetMetadata<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.mailbox.write(out);
        out.sp();
        write_values(&self.values, out);
    }
}

fn write_values<B: AsRef<[u8]>>(values: &[(AString<B>, NString<B>)], out: &mut Writer<'_>) {
    out.list(values, |(entry, value), out| {
        entry.write(out);
        out.sp();
        value.write(out);
    });
}
