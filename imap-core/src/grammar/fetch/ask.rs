use std::fmt;
use std::num::NonZeroU64;

use bytes::{Bytes, BytesMut};

use super::item_name;
use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::section::Section;
use crate::grammar::string::Atom;
use crate::mode::{CHECKED, Mode};
use crate::writer::{Side, Writer};

/// `"ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"`: the text, read when it is asked.
///
/// ```
/// use mail46_imap_core::{FetchAttribute, FetchAttributes, Mode, Profile};
///
/// let mode = Mode::new(Profile::Strict);
/// let asked = FetchAttributes::parse(b"(UID BODY.PEEK[TEXT]<0.2048>)", &mode)?;
/// let asked: Vec<_> = asked.iter().collect();
/// assert_eq!(asked[0], FetchAttribute::Uid);
/// assert!(matches!(&asked[1], FetchAttribute::Section { peek: true, partial: Some(part), .. } if part.count.get() == 2048));
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FetchAttributes<B = Bytes> {
    /// Without parentheses.
    text: B,
    is_list: bool,
}

/// What stands for several attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 s 6.4.5 has three")]
pub enum FetchMacro {
    /// `(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)`
    All,
    /// `(FLAGS INTERNALDATE RFC822.SIZE)`
    Fast,
    /// `(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)`
    Full,
}

/// ```text
/// fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / "UID" /
///             "BODY" section [partial] / "BODY.PEEK" section [partial] /
///             "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchAttribute<B: AsRef<[u8]> = Bytes> {
    /// `UID`
    Uid,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Size,
    /// `ENVELOPE`
    Envelope,
    /// `BODY`
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `BODY[…]`
    Section {
        /// `BODY.PEEK[…]`: without setting `\Seen`.
        peek: bool,
        /// Of what.
        section: Section<B>,
        /// A piece of it.
        partial: Option<Partial>,
    },
    /// `BINARY[…]`
    Binary {
        /// `BINARY.PEEK[…]`: without setting `\Seen`.
        peek: bool,
        /// Of what.
        section: Section<B>,
        /// A piece of it.
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[…]`
    BinarySize(Section<B>),
    /// `RFC822` (RFC 3501)
    Rfc822,
    /// `RFC822.HEADER` (RFC 3501)
    Rfc822Header,
    /// `RFC822.TEXT` (RFC 3501)
    Rfc822Text,
    /// `MODSEQ` (RFC 7162)
    ModSeq,
    /// `EMAILID` (RFC 8474)
    EmailId,
    /// `THREADID` (RFC 8474)
    ThreadId,
    /// `PREVIEW` (RFC 8970)
    Preview {
        /// `PREVIEW (LAZY)`: only if it is at hand.
        lazy: bool,
    },
    /// `SAVEDATE` (RFC 8514)
    SaveDate,
    /// `X-GM-MSGID`
    GmailMessageId,
    /// `X-GM-THRID`
    GmailThreadId,
    /// `X-GM-LABELS`
    GmailLabels,
    /// What is not known.
    Other(Atom<B>),
}

/// `"<" number64 "." nz-number64 ">"`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Partial {
    /// The first octet, from 0 on.
    pub offset: u64,
    /// How many at most.
    pub count: NonZeroU64,
}

impl<'a> FetchAttributes<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8], mode: &'a Mode) -> Result<Self> {
        let mut c = Cursor::borrowed(octets, mode);
        let attributes = Self::read(&mut c)?;
        c.end()?;
        Ok(attributes)
    }
}

impl FetchAttributes {
    /// Of attributes, in parentheses. `None` if there is none.
    pub fn of<B: AsRef<[u8]>>(attributes: impl IntoIterator<Item = FetchAttribute<B>>) -> Option<Self> {
        let mut text = BytesMut::new();
        let mut out = Writer::new(&mut text, Side::Server, &CHECKED);
        out.spaced(attributes, |attribute, out| attribute.write(out));
        (!text.is_empty()).then(|| Self { text: text.freeze(), is_list: true })
    }
}

impl From<FetchMacro> for FetchAttributes {
    fn from(name: FetchMacro) -> Self {
        let text: &[u8] = match name {
            FetchMacro::All => b"ALL",
            FetchMacro::Fast => b"FAST",
            FetchMacro::Full => b"FULL",
        };
        Self { text: Bytes::from_static(text), is_list: false }
    }
}

impl<'a, B: Keep<'a>> FetchAttributes<B> {
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let is_list = c.peek() == Some(b'(');
        if !is_list {
            let from = c.at();
            if !c.eat_macro() {
                FetchAttribute::read(c)?;
            }
            return Ok(Self { text: c.keep(c.since(from)), is_list });
        }
        c.open("attributes")?;
        let from = c.at();
        loop {
            FetchAttribute::read(c)?;
            let text = c.since(from);
            if c.close()? {
                return Ok(Self { text: c.keep(text), is_list });
            }
            c.sp()?;
        }
    }
}

impl<'a, B: Keep<'a>> Cursor<'a, B> {
    fn eat_macro(&mut self) -> bool {
        let is_alone =
            |octet: Option<u8>| !octet.is_some_and(|octet| octet.is_ascii_alphanumeric() || octet == b'.');
        (is_alone(self.peek_at(3)) && self.eat_keyword(b"ALL"))
            || (is_alone(self.peek_at(4)) && (self.eat_keyword(b"FAST") || self.eat_keyword(b"FULL")))
    }
}

impl<B: AsRef<[u8]>> FetchAttributes<B> {
    /// Which macro it is, if it is one.
    pub fn as_macro(&self) -> Option<FetchMacro> {
        let text = self.text.as_ref();
        [(&b"ALL"[..], FetchMacro::All), (b"FAST", FetchMacro::Fast), (b"FULL", FetchMacro::Full)]
            .into_iter()
            .find(|(word, _)| !self.is_list && text.eq_ignore_ascii_case(word))
            .map(|(_, name)| name)
    }

    /// Each attribute, in its order; what a macro stands for.
    pub fn iter(&self) -> impl Iterator<Item = FetchAttribute<&[u8]>> {
        let text: &[u8] = match self.as_macro() {
            Some(FetchMacro::All) => b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
            Some(FetchMacro::Fast) => b"FLAGS INTERNALDATE RFC822.SIZE",
            Some(FetchMacro::Full) => b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
            None => self.text.as_ref(),
        };
        let mut c = Cursor::checked(text);
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            if c.rest().is_empty() { None } else { FetchAttribute::<&[u8]>::read(&mut c).ok() }
        })
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        if self.is_list {
            out.list(self.iter(), |attribute, out| attribute.write(out));
        } else if self.as_macro().is_some() {
            out.put(self.text.as_ref());
        } else {
            self.iter().for_each(|attribute| attribute.write(out));
        }
    }
}

impl<'a, B: Keep<'a>> FetchAttribute<B> {
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        let name = item_name(c)?;
        let first = name.first().map_or(0, u8::to_ascii_uppercase);
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        let in_brackets = c.peek() == Some(b'[');
        Ok(match (name.len(), first) {
            (3, b'U') if is(b"UID") => Self::Uid,
            (5, b'F') if is(b"FLAGS") => Self::Flags,
            (8, b'E') if is(b"ENVELOPE") => Self::Envelope,
            (11, b'R') if is(b"RFC822.SIZE") => Self::Size,
            (12, b'I') if is(b"INTERNALDATE") => Self::InternalDate,
            (4 | 9, b'B') if in_brackets && (is(b"BODY") || is(b"BODY.PEEK")) => {
                let section = Section::read(c)?;
                Self::Section { peek: name.len() > 4, section, partial: Partial::read(c)? }
            }
            (4, b'B') if is(b"BODY") => Self::Body,
            (13, b'B') if is(b"BODYSTRUCTURE") => Self::BodyStructure,
            (6 | 11, b'B') if in_brackets && (is(b"BINARY") || is(b"BINARY.PEEK")) => {
                let section = Section::read_binary(c)?;
                Self::Binary { peek: name.len() > 6, section, partial: Partial::read(c)? }
            }
            (11, b'B') if in_brackets && is(b"BINARY.SIZE") => Self::BinarySize(Section::read_binary(c)?),
            (6, b'R') if is(b"RFC822") => Self::Rfc822,
            (13, b'R') if is(b"RFC822.HEADER") => Self::Rfc822Header,
            (11, b'R') if is(b"RFC822.TEXT") => Self::Rfc822Text,
            (6, b'M') if is(b"MODSEQ") => Self::ModSeq,
            (7, b'E') if is(b"EMAILID") => Self::EmailId,
            (8, b'T') if is(b"THREADID") => Self::ThreadId,
            (7, b'P') if is(b"PREVIEW") => Self::Preview { lazy: c.eat_keyword(b" (LAZY)") },
            (8, b'S') if is(b"SAVEDATE") => Self::SaveDate,
            (10, b'X') if is(b"X-GM-MSGID") => Self::GmailMessageId,
            (10, b'X') if is(b"X-GM-THRID") => Self::GmailThreadId,
            (11, b'X') if is(b"X-GM-LABELS") => Self::GmailLabels,
            _ if in_brackets => {
                c.back_to(from);
                return Err(c.fault("an attribute"));
            }
            _ => Self::Other(Atom::of_checked(c.keep(name))),
        })
    }
}

impl Partial {
    fn read<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Option<Self>> {
        if !c.eat(b'<') {
            return Ok(None);
        }
        let offset = c.number64()?;
        c.expect(b'.', "'.'")?;
        let at = c.at();
        let Some(count) = NonZeroU64::new(c.number64()?) else {
            c.back_to(at);
            return Err(c.fault("a number over 0"));
        };
        c.expect(b'>', "'>'")?;
        Ok(Some(Self { offset, count }))
    }

    fn write(part: Option<Self>, out: &mut Writer<'_>) {
        let Some(Self { offset, count }) = part else { return };
        out.octet(b'<');
        out.number(offset);
        out.octet(b'.');
        out.number(count.get());
        out.octet(b'>');
    }
}

impl<B: AsRef<[u8]>> FetchAttribute<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(match self {
            Self::Uid => b"UID",
            Self::Flags => b"FLAGS",
            Self::InternalDate => b"INTERNALDATE",
            Self::Size => b"RFC822.SIZE",
            Self::Envelope => b"ENVELOPE",
            Self::Body => b"BODY",
            Self::BodyStructure => b"BODYSTRUCTURE",
            Self::Rfc822 => b"RFC822",
            Self::Rfc822Header => b"RFC822.HEADER",
            Self::Rfc822Text => b"RFC822.TEXT",
            Self::ModSeq => b"MODSEQ",
            Self::EmailId => b"EMAILID",
            Self::ThreadId => b"THREADID",
            Self::Preview { lazy: false } => b"PREVIEW",
            Self::Preview { lazy: true } => b"PREVIEW (LAZY)",
            Self::SaveDate => b"SAVEDATE",
            Self::GmailMessageId => b"X-GM-MSGID",
            Self::GmailThreadId => b"X-GM-THRID",
            Self::GmailLabels => b"X-GM-LABELS",
            Self::Other(name) => name.as_bytes(),
            Self::BinarySize(section) => {
                out.put(b"BINARY.SIZE");
                return section.write(out);
            }
            Self::Section { peek, section, partial } => {
                out.put(if *peek { b"BODY.PEEK" } else { b"BODY" });
                section.write(out);
                return Partial::write(*partial, out);
            }
            Self::Binary { peek, section, partial } => {
                out.put(if *peek { b"BINARY.PEEK" } else { b"BINARY" });
                section.write(out);
                return Partial::write(*partial, out);
            }
        });
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for FetchAttributes<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
