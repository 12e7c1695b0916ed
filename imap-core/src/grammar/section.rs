//! Which part of a message, and what of it.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};

use crate::cursor::{Cursor, Keep, Result};

use crate::grammar::string::{AString, pass_astring};
use crate::mode::{Mode, Profile};
use crate::writer::{Side, Writer};

/// ```text
/// section         = "[" [section-spec] "]"
/// section-spec    = section-msgtext / (section-part ["." section-text])
/// section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
/// section-part    = nz-number *("." nz-number)
/// section-text    = section-msgtext / "MIME"
/// header-list     = "(" header-fld-name *(SP header-fld-name) ")"
/// ```
///
/// It is its text, without the brackets.
///
/// ```
/// use mail46_imap_core::{Section, SectionText};
///
/// let section = Section::parse(b"1.2.HEADER.FIELDS (From To)")?;
/// assert_eq!(section.part().map(|number| number.get()).collect::<Vec<_>>(), [1, 2]);
/// let SectionText::HeaderFields(names) = section.text() else { unreachable!() };
/// assert_eq!(names.iter().collect::<Vec<_>>(), [&b"From"[..], b"To"]);
/// assert!(Section::parse(b"MIME").is_err()); // of which part?
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Section<B = Bytes>(B);

/// What of a part or of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionText<'a> {
    /// All of it; of a part that is no message, its body.
    Whole,
    /// `HEADER`: the header of a message.
    Header,
    /// `HEADER.FIELDS`: those fields of it.
    HeaderFields(HeaderList<'a>),
    /// `HEADER.FIELDS.NOT`: all but those.
    HeaderFieldsNot(HeaderList<'a>),
    /// `TEXT`: a message without its header.
    Text,
    /// `MIME`: the header of a part.
    Mime,
}

/// Names of header fields, in their parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderList<'a>(&'a [u8]);

impl<'a> HeaderList<'a> {
    /// Each, as it was sent.
    pub fn iter(self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.strings().map(|name| match name {
            AString::Atom(octets) => Cow::Borrowed(octets),
            other => Cow::Owned(other.octets().into_owned()),
        })
    }

    fn strings(self) -> impl Iterator<Item = AString<&'a [u8]>> {
        let mut c = Cursor::checked(self.0);
        c.eat(b'(');
        std::iter::from_fn(move || {
            while c.eat(b' ') {}
            // The end is no error: that would cost an allocation.
            if matches!(c.peek(), None | Some(b')')) { None } else { AString::parse(&mut c).ok() }
        })
    }
}

impl fmt::Debug for HeaderList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl<'a> Section<&'a [u8]> {
    /// Checks and borrows, without brackets.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read_spec)
    }
}

impl Section {
    /// All of the message.
    pub const WHOLE: Self = Self(Bytes::new());

    /// A part, or what of it: of the message itself where `part` is empty. `None` for [`SectionText::Mime`] of no part.
    pub fn of(part: &[NonZeroU32], text: SectionText<'_>) -> Option<Self> {
        let word: &[u8] = match text {
            SectionText::Whole => b"",
            SectionText::Header => b"HEADER",
            SectionText::HeaderFields(_) => b"HEADER.FIELDS ",
            SectionText::HeaderFieldsNot(_) => b"HEADER.FIELDS.NOT ",
            SectionText::Text => b"TEXT",
            SectionText::Mime if part.is_empty() => return None,
            SectionText::Mime => b"MIME",
        };
        let mut octets = Vec::new();
        for number in part {
            if !octets.is_empty() {
                octets.push(b'.');
            }
            octets.extend_from_slice(number.to_string().as_bytes());
        }
        if !octets.is_empty() && !word.is_empty() {
            octets.push(b'.');
        }
        octets.extend_from_slice(word);
        if let SectionText::HeaderFields(list) | SectionText::HeaderFieldsNot(list) = text {
            octets.extend_from_slice(list.0);
        }
        Some(Self(octets.into()))
    }

    /// `HEADER.FIELDS` with these names. `None` without a name.
    pub fn header_fields(part: &[NonZeroU32], names: &[&str]) -> Option<Self> {
        static STRICT: Mode = Mode::new(Profile::Strict);
        let mut list = BytesMut::new();
        let mut writer = Writer::new(&mut list, Side::Server, &STRICT);
        writer.list(names, |name, out| out.astring(name.as_bytes()));
        (!names.is_empty()).then(|| Self::of(part, SectionText::HeaderFields(HeaderList(&list)))).flatten()
    }
}

impl<'a, B: Keep<'a>> Section<B> {
    /// With its brackets.
    #[inline]
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.expect(b'[', "'['")?;
        if c.eat(b']') {
            return Ok(Self(c.keep(b"")));
        }
        let section = Self::read_spec(c)?;
        c.expect(b']', "']'")?;
        Ok(section)
    }

    /// `section-binary = "[" [section-part] "]"`
    pub(crate) fn read_binary(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.expect(b'[', "'['")?;
        let from = c.at();
        if c.peek() != Some(b']') {
            read_part(c)?;
        }
        let section = Self(c.keep(c.since(from)));
        c.expect(b']', "']'")?;
        Ok(section)
    }

    fn read_spec(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        let has_part = c.peek().is_some_and(|octet| octet.is_ascii_digit());
        if has_part {
            read_part(c)?;
            if !c.eat(b'.') {
                return Ok(Self(c.keep(c.since(from))));
            }
        }
        let at = c.at();
        let word = c.span_text();
        let takes_names = match word.len() {
            4 if word.eq_ignore_ascii_case(b"TEXT") => false,
            4 if has_part && word.eq_ignore_ascii_case(b"MIME") => false,
            6 if word.eq_ignore_ascii_case(b"HEADER") => false,
            13 if word.eq_ignore_ascii_case(b"HEADER.FIELDS") => true,
            17 if word.eq_ignore_ascii_case(b"HEADER.FIELDS.NOT") => true,
            _ => {
                c.back_to(at);
                return Err(c.fault("HEADER, HEADER.FIELDS, TEXT or MIME"));
            }
        };
        if takes_names {
            c.sp()?;
            c.open("a list of names")?;
            loop {
                pass_astring(c)?;
                if c.close()? {
                    break;
                }
                c.sp()?;
            }
        }
        Ok(Self(c.keep(c.since(from))))
    }
}

/// `nz-number *("." nz-number)`, as far as numbers go.
fn read_part<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<()> {
    loop {
        c.nz_number()?;
        if c.peek() != Some(b'.') || !c.peek_at(1).is_some_and(|octet| octet.is_ascii_digit()) {
            return Ok(());
        }
        c.eat(b'.');
    }
}

impl<'a, B: Keep<'a>> Cursor<'a, B> {
    /// Letters and dots.
    fn span_text(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|octet| !octet.is_ascii_alphabetic() && *octet != b'.');
        self.take(end.unwrap_or(rest.len()))
    }
}

impl<B: AsRef<[u8]>> Section<B> {
    /// As it came, without brackets.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Of which part: none for the message itself.
    pub fn part(&self) -> impl Iterator<Item = NonZeroU32> {
        let (part, _) = self.split();
        part.split(|octet| *octet == b'.').filter_map(|number| std::str::from_utf8(number).ok()?.parse().ok())
    }

    /// What of it.
    pub fn text(&self) -> SectionText<'_> {
        let (_, text) = self.split();
        let word = text.split(|octet| *octet == b' ').next().unwrap_or_default();
        let names = HeaderList(memchr::memchr(b'(', text).and_then(|at| text.get(at..)).unwrap_or_default());
        match word.len() {
            4 if word.eq_ignore_ascii_case(b"MIME") => SectionText::Mime,
            4 => SectionText::Text,
            6 => SectionText::Header,
            13 => SectionText::HeaderFields(names),
            17 => SectionText::HeaderFieldsNot(names),
            _ => SectionText::Whole,
        }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let octets = self.as_bytes();
        let end =
            octets.iter().position(|octet| !matches!(octet, b'0'..=b'9' | b'.')).unwrap_or(octets.len());
        octets.split_at_checked(end).unwrap_or_default()
    }

    /// With its brackets.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.octet(b'[');
        match self.text() {
            SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names) => {
                let octets = self.as_bytes();
                let end = octets.len().saturating_sub(names.0.len());
                out.put(octets.get(..end).unwrap_or_default().trim_ascii_end());
                out.sp();
                out.list(names.strings(), |name, out| name.write(out));
            }
            _ => out.put(self.as_bytes()),
        }
        out.octet(b']');
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Section<C>> for Section<B> {
    /// In any case: names of header fields have none, nor keywords.
    fn eq(&self, other: &Section<C>) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl<B: AsRef<[u8]>> Eq for Section<B> {}

impl<B: AsRef<[u8]>> fmt::Debug for Section<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section[{}]", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;

    #[test]
    fn sections_both_ways() {
        // (octets, what is written, or where it is wrong, what it shows)
        let rows: &[(&str, Result<&str, usize>, &str)] = &[
            ("", Ok("[]"), "all"),
            ("1", Ok("[1]"), "a part"),
            ("1.2.3", Ok("[1.2.3]"), "a part of a part"),
            ("HEADER", Ok("[HEADER]"), "the header"),
            ("header", Ok("[header]"), "in any case"),
            ("1.HEADER", Ok("[1.HEADER]"), "the header of a message in it"),
            ("4.1.MIME", Ok("[4.1.MIME]"), "the header of a part"),
            ("TEXT", Ok("[TEXT]"), "the text"),
            ("HEADER.FIELDS (A B)", Ok("[HEADER.FIELDS (A B)]"), "fields"),
            ("HEADER.FIELDS.NOT (\"A\")", Ok("[HEADER.FIELDS.NOT (\"A\")]"), "all but fields"),
            ("3.HEADER.FIELDS ({1}\r\nA)", Ok("[3.HEADER.FIELDS ({1}\r\nA)]"), "a name in a literal"),
            ("MIME", Err(0), "MIME of the message"),
            ("0", Err(0), "no part"),
            ("1.0", Err(2), "no part"),
            ("1.", Err(2), "nothing behind the dot"),
            ("1..2", Err(2), "an empty number"),
            ("HEADERS", Err(0), "no such word"),
            ("HEADER.FIELDS", Err(13), "no names"),
            ("HEADER.FIELDS ()", Err(15), "no names"),
            ("4294967296", Err(0), "no number"),
        ];
        for (octets, want, shows) in rows {
            let mode = Mode::new(Profile::Strict);
            let bracketed = format!("[{octets}]");
            let mut c = Cursor::borrowed(bracketed.as_bytes(), &mode);
            let got = Section::read(&mut c).map_err(|error| error.at() - 1);
            assert_eq!(
                got.map(|section| written(|out| section.write(out))),
                want.map(str::to_owned),
                "{shows}"
            );
        }
        let one = NonZeroU32::MIN;
        assert_eq!(
            Section::header_fields(&[one], &["a b", "C"]).unwrap().as_bytes(),
            b"1.HEADER.FIELDS (\"a b\" C)"
        );
        assert_eq!(Section::of(&[], SectionText::Mime), None);
        assert_eq!(
            Section::of(&[one, one], SectionText::Mime).unwrap(),
            Section::parse(b"1.1.mime").unwrap()
        );
    }
}
