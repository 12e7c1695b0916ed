//! Flags of messages and lists of them.

use std::fmt;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::mode::Quirk;
use crate::writer::Writer;

/// ```text
/// flag           = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
/// flag-fetch     = flag / "\Recent"
/// flag-perm      = flag / "\*"
/// flag-keyword   = atom
/// flag-extension = "\" atom
/// ```
///
/// Keywords are equal if they are written the same way; [`is`](Self::is) compares them in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flag<B = Bytes> {
    /// `\Answered`: it has been answered.
    Answered,
    /// `\Flagged`: for special attention.
    Flagged,
    /// `\Deleted`: to be removed by EXPUNGE.
    Deleted,
    /// `\Seen`: it has been read.
    Seen,
    /// `\Draft`: not completed.
    Draft,
    /// `\Recent`: new to this session (RFC 3501 s 2.3.2). No client may set it.
    Recent,
    /// `\*`: new keywords may be made, in PERMANENTFLAGS alone (RFC 9051 s 7.1).
    Any,
    /// Another word behind `\`, which is not part of it here.
    Extension(FlagWord<B>),
    /// A keyword.
    Keyword(FlagWord<B>),
}

/// The word of a keyword or of an extension flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlagWord<B = Bytes>(B);

impl<B: AsRef<[u8]>> FlagWord<B> {
    /// Its octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for FlagWord<B> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// In which list a flag stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// STORE, APPEND, the FLAGS response: `flag`.
    Plain,
    /// FETCH: `flag-fetch`.
    Fetch,
    /// PERMANENTFLAGS: `flag-perm`.
    Permanent,
}

impl<'a> Flag<&'a [u8]> {
    /// Checks and borrows one flag.
    ///
    /// ```
    /// use mail46_imap_core::Flag;
    ///
    /// assert_eq!(Flag::parse(br"\seen")?, Flag::Seen);
    /// assert_eq!(Flag::parse(b"$Forwarded")?.to_string(), "$Forwarded");
    /// assert!(Flag::parse(b"a b").is_err());
    /// # Ok::<(), mail46_imap_core::SyntaxError>(())
    /// ```
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        Cursor::whole(octets, |c| {
            let length = scan(c, Place::Permanent)?;
            Ok(Self::of(c.take(length)))
        })
    }

    /// Of the octets of a flag.
    fn of(octets: &'a [u8]) -> Self {
        let Some((b'\\', word)) = octets.split_first() else { return Self::Keyword(FlagWord(octets)) };
        match word.first().map(u8::to_ascii_lowercase) {
            Some(b's') if word.eq_ignore_ascii_case(b"Seen") => Self::Seen,
            Some(b'a') if word.eq_ignore_ascii_case(b"Answered") => Self::Answered,
            Some(b'f') if word.eq_ignore_ascii_case(b"Flagged") => Self::Flagged,
            Some(b'd') if word.eq_ignore_ascii_case(b"Deleted") => Self::Deleted,
            Some(b'd') if word.eq_ignore_ascii_case(b"Draft") => Self::Draft,
            Some(b'r') if word.eq_ignore_ascii_case(b"Recent") => Self::Recent,
            Some(b'*') if word.len() == 1 => Self::Any,
            _ => Self::Extension(FlagWord(word)),
        }
    }
}

impl Flag {
    /// A keyword of the application's. `None` if it is no atom.
    pub fn keyword(word: &str) -> Option<Self> {
        let is_atom = !word.is_empty() && word.bytes().all(|octet| class::is(octet, class::ATOM));
        is_atom.then(|| Self::Keyword(FlagWord(Bytes::copy_from_slice(word.as_bytes()))))
    }
}

impl<B: AsRef<[u8]>> Flag<B> {
    fn parts(&self) -> (bool, &[u8]) {
        match self {
            Self::Answered => (true, b"Answered"),
            Self::Flagged => (true, b"Flagged"),
            Self::Deleted => (true, b"Deleted"),
            Self::Seen => (true, b"Seen"),
            Self::Draft => (true, b"Draft"),
            Self::Recent => (true, b"Recent"),
            Self::Any => (true, b"*"),
            Self::Extension(word) => (true, word.as_bytes()),
            Self::Keyword(word) => (false, word.as_bytes()),
        }
    }

    /// Whether it is that flag, in any case: "Unless otherwise noted, all alphabetic characters are case insensitive"
    /// (RFC 9051 s 9).
    pub fn is<C: AsRef<[u8]>>(&self, other: &Flag<C>) -> bool {
        let ((one, word), (other, its)) = (self.parts(), other.parts());
        one == other && word.eq_ignore_ascii_case(its)
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        let (is_system, word) = self.parts();
        if is_system {
            out.push(b'\\');
        }
        out.extend_from_slice(word);
    }
}

impl<'a, B: Keep<'a>> Flag<B> {
    /// A `flag-keyword` alone, as in SEARCH KEYWORD.
    pub(crate) fn read_keyword(c: &mut Cursor<'a, B>) -> Result<FlagWord<B>> {
        if c.peek() == Some(b'\\') {
            return Err(c.fault("a keyword"));
        }
        let length = scan(c, Place::Plain)?;
        Ok(FlagWord(c.take_kept(length)))
    }
}

impl<B: AsRef<[u8]>> FlagWord<B> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(self.as_bytes());
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Flag<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_system, word) = self.parts();
        write!(f, "{}{}", if is_system { "\\" } else { "" }, word.escape_ascii())
    }
}

/// How long the flag at the cursor is.
#[inline(always)]
fn scan<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, place: Place) -> Result<usize> {
    let rest = c.rest();
    let start = usize::from(rest.first() == Some(&b'\\'));
    let word = rest.get(start..).unwrap_or_default();
    let length = word.iter().position(|octet| !class::is(*octet, class::ATOM)).unwrap_or(word.len());
    let length = length.wrapping_add(start);
    // Behind the flag.
    match rest.get(length) {
        None | Some(b' ' | b')' | b'\r') if length > start => {
            if start == 1
                && place == Place::Plain
                && rest.get(1..length).is_some_and(|word| word.eq_ignore_ascii_case(b"Recent"))
            {
                c.deviation(Quirk::FlagSpecials, "a flag that is not \\Recent")?;
            }
            Ok(length)
        }
        _ => odd(c, place),
    }
}

/// `\*`, and what Gmail, Zoho and GreenMail have in flags.
#[cold]
fn odd<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>, place: Place) -> Result<usize> {
    let rest = c.rest();
    let end = rest.iter().position(|octet| matches!(octet, b' ' | b'(' | b')' | b'"' | 0..=31 | 127));
    let length = end.unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    if word == b"\\*" && place == Place::Permanent {
        return Ok(length);
    }
    let is_behind = matches!(rest.get(length), None | Some(b' ' | b')' | b'\r'));
    if matches!(word, b"" | b"\\") || !is_behind || word.iter().any(|octet| matches!(octet, b'{' | 128..)) {
        return Err(c.fault("a flag"));
    }
    c.deviation(Quirk::FlagSpecials, "a flag")?;
    Ok(length)
}

/// `flag-list = "(" [flag *(SP flag)] ")"`, or the same without parentheses: the text of the flags.
///
/// It is kept as it came and read when it is asked: a list costs no allocation.
///
/// ```
/// use mail46_imap_core::{Flag, FlagList};
///
/// let flags = FlagList::of([Flag::Seen, Flag::keyword("$Forwarded").unwrap()]);
/// assert_eq!(flags.to_string(), r"\Seen $Forwarded");
/// assert!(flags.has(&Flag::<&[u8]>::Seen));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlagList<B = Bytes>(B);

impl FlagList {
    /// Of flags.
    pub fn of<B: AsRef<[u8]>>(flags: impl IntoIterator<Item = Flag<B>>) -> Self {
        let mut text = Vec::new();
        for flag in flags {
            if !text.is_empty() {
                text.push(b' ');
            }
            flag.write_to(&mut text);
        }
        Self(Bytes::from(text))
    }

    /// No flag.
    pub const EMPTY: Self = Self(Bytes::new());
}

impl<'a, B: Keep<'a>> FlagList<B> {
    /// With its parentheses.
    #[inline]
    pub(crate) fn read(c: &mut Cursor<'a, B>, place: Place) -> Result<Self> {
        c.open("a list of flags")?;
        let from = c.at();
        if c.close()? {
            return Ok(Self(c.keep(b"")));
        }
        loop {
            let length = scan(c, place)?;
            c.take(length);
            let text = c.since(from);
            if c.close()? {
                return Ok(Self(c.keep(text)));
            }
            c.sp()?;
        }
    }

    /// `flag *(SP flag)`, up to the end of the line.
    pub(crate) fn read_bare(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        loop {
            let length = scan(c, Place::Plain)?;
            c.take(length);
            if !c.eat(b' ') {
                return Ok(Self(c.keep(c.since(from))));
            }
        }
    }
}

impl<B: AsRef<[u8]>> FlagList<B> {
    /// Each flag, in its order.
    pub fn iter(&self) -> impl Iterator<Item = Flag<&[u8]>> {
        self.0.as_ref().split(|octet| *octet == b' ').filter(|word| !word.is_empty()).map(Flag::of)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    /// Whether it is one of them.
    pub fn has<C: AsRef<[u8]>>(&self, flag: &Flag<C>) -> bool {
        self.iter().any(|one| one.is(flag))
    }

    /// With its parentheses.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.put(b"(");
        self.write_bare(out);
        out.put(b")");
    }

    pub(crate) fn write_bare(&self, out: &mut Writer<'_>) {
        let text = self.0.as_ref();
        // Strict out: one space between two.
        if !text.windows(2).any(|pair| pair == b"  ") {
            return out.put(text);
        }
        for (index, word) in text.split(|octet| *octet == b' ').filter(|word| !word.is_empty()).enumerate() {
            if index > 0 {
                out.put(b" ");
            }
            out.put(word);
        }
    }
}

impl<B: AsRef<[u8]>> fmt::Display for FlagList<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_ref().escape_ascii().to_string().replace("\\\\", "\\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    fn list(text: &str, place: Place, profile: Profile) -> Result<String> {
        let mode = Mode::new(profile);
        let mut c = Cursor::borrowed(text.as_bytes(), &mode);
        let list = FlagList::read(&mut c, place)?;
        c.end()?;
        Ok(written(|out| list.write(out)))
    }

    #[test]
    fn lists_and_where_each_flag_may_stand() {
        use Place::*;
        // (list, place, written strict, written liberal, what it shows)
        let ok = |text| Ok::<_, usize>(text);
        for (text, place, strict, liberal, shows) in [
            ("()", Plain, ok("()"), "()", "none"),
            (r"(\Seen)", Plain, ok(r"(\Seen)"), r"(\Seen)", "one"),
            (
                r"(\seen \XFoo $Junk a:b-c)",
                Plain,
                ok(r"(\seen \XFoo $Junk a:b-c)"),
                r"(\seen \XFoo $Junk a:b-c)",
                "as written",
            ),
            (r"(\Recent)", Fetch, ok(r"(\Recent)"), r"(\Recent)", "flag-fetch"),
            (r"(\Recent)", Plain, Err(1), r"(\Recent)", "no flag to store"),
            (r"(\*)", Permanent, ok(r"(\*)"), r"(\*)", "flag-perm"),
            (r"(\Seen \*)", Plain, Err(7), r"(\Seen \*)", "Zoho and GreenMail: * FLAGS (\\Seen \\*)"),
            (r"([Gmail]/x)", Permanent, Err(1), r"([Gmail]/x)", "Gmail: ] is no atom"),
            (r"(\Seen  \Draft)", Plain, Err(7), r"(\Seen \Draft)", "two spaces"),
            (r"(\Seen )", Plain, Err(6), r"(\Seen)", "Surgemail"),
            (r"( \Seen)", Plain, Err(1), r"(\Seen)", "a space in front"),
        ] {
            let got = list(text, place, Profile::Strict).map_err(|error| error.at());
            assert_eq!(got.as_deref(), strict.as_ref().map(|text| *text), "{text}: {shows}");
            assert_eq!(list(text, place, Profile::Liberal).as_deref(), Ok(liberal), "{text}: {shows}");
        }
    }

    #[test]
    fn what_is_no_list_of_flags() {
        for (text, at, shows) in [
            ("", 0, "nothing"),
            (r"\Seen", 0, "no parenthesis"),
            (r"(\Seen", 6, "no end"),
            ("(\\ )", 1, "a backslash alone"),
            ("(a\"b)", 1, "a quote"),
            ("({3}\r\nabc)", 1, "a literal"),
            ("(a(b))", 1, "a list in it"),
            ("(caf\u{e9})", 1, "no ASCII"),
            ("(a\u{1})", 1, "a control character"),
        ] {
            for profile in [Profile::Strict, Profile::Liberal] {
                assert_eq!(list(text, Place::Plain, profile).unwrap_err().at(), at, "{text:?}: {shows}");
            }
        }
    }

    #[test]
    fn flags_are_equal_in_any_case() {
        assert!(FlagList::of([Flag::<Bytes>::Seen]).has(&Flag::parse(br"\sEEN").unwrap()));
        assert!(!Flag::parse(b"Seen").unwrap().is(&Flag::<&[u8]>::Seen), "a keyword is no system flag");
        assert!(Flag::keyword("$junk").unwrap().is(&Flag::parse(b"$Junk").unwrap()));
        for wrong in ["", "a b", "\\Seen", "a]", "é", "a\r\nb"] {
            assert!(Flag::keyword(wrong).is_none(), "{wrong:?}");
        }
    }
}
