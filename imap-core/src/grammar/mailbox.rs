//! Names of mailboxes, and patterns of them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::string::{AString, IString, Quoted};
use crate::grammar::utf7::{self, Utf7Error, Utf7Fault};
use crate::mode::Mode;
use crate::writer::{Writer, is_each};

/// `mailbox = "INBOX" / astring`.
///
/// Equal only if it was said the same way; [`is_inbox`](Self::is_inbox) and [`octets`](Self::octets) tell what was said.
///
/// ```
/// use mail46_imap_core::{Mailbox, Mode, Profile};
///
/// let rev1 = Mode::new(Profile::Strict);
/// let utf8 = Mode { utf8: true, ..rev1.clone() };
/// let sent = Mailbox::new("Gesendete Entwürfe", &rev1);
/// assert_eq!(&*sent.octets(), b"Gesendete Entw&APw-rfe");
/// assert_eq!(sent.name(&rev1).unwrap(), "Gesendete Entwürfe");
/// assert_eq!(&*Mailbox::new("Entwürfe", &utf8).octets(), "Entwürfe".as_bytes());
/// assert!(Mailbox::new("iNbOx", &rev1).is_inbox());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox<B = Bytes>(AString<B>);

impl Mailbox {
    /// Of a name as people see it: in modified UTF-7, unless this connection has UTF-8.
    pub fn new(name: &str, mode: &Mode) -> Self {
        if name.eq_ignore_ascii_case("INBOX") {
            return Self(AString::Atom(Bytes::from_static(b"INBOX")));
        }
        if mode.takes_utf8() && !name.is_ascii() {
            // Quoted, as RFC 6855 s 3 has it; the writer makes a literal of it where that must be.
            return Self(match Quoted::new(name.as_bytes()) {
                Some(quoted) => AString::String(IString::Quoted(quoted)),
                None => AString::of(name.as_bytes()),
            });
        }
        let name = if mode.takes_utf8() { Cow::Borrowed(name) } else { utf7::encode(name) };
        Self(AString::of(name.as_bytes()))
    }

    /// Of the octets of a name, as a server sent them.
    pub fn of(octets: &[u8]) -> Self {
        Self(AString::of(octets))
    }
}

impl<'a, B: Keep<'a>> Mailbox<B> {
    #[inline]
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        AString::parse(c).map(Self)
    }
}

impl<B: AsRef<[u8]>> Mailbox<B> {
    /// Whether it is INBOX: "All case variants of INBOX (e.g., "iNbOx") MUST be interpreted as INBOX" (RFC 9051 s 9).
    pub fn is_inbox(&self) -> bool {
        self.octets().eq_ignore_ascii_case(b"INBOX")
    }

    /// The octets of the name.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        self.0.octets()
    }

    /// How it was said.
    pub fn as_astring(&self) -> &AString<B> {
        &self.0
    }

    /// The name for people, if it is rightly encoded: what a server asks of the argument of CREATE.
    ///
    /// # Errors
    /// [`Utf7Error`]
    pub fn name(&self, mode: &Mode) -> Result<Cow<'_, str>, Utf7Error> {
        if !mode.takes_utf8() {
            return text(self.octets(), utf7::decode);
        }
        text(self.octets(), |octets| match std::str::from_utf8(octets) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => Err(Utf7Error { at: error.valid_up_to(), fault: Utf7Fault::Octet }),
        })
    }

    /// The name for people, whatever it is: see [`utf7::decode_liberal`].
    pub fn shown(&self, mode: &Mode) -> String {
        let octets = self.octets();
        if mode.takes_utf8() {
            return String::from_utf8_lossy(&octets).into_owned();
        }
        utf7::decode_liberal(&octets).0.into_owned()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        self.0.write(out);
    }
}

/// What `read` makes of octets, borrowed where it can be.
fn text(
    octets: Cow<'_, [u8]>,
    read: impl FnOnce(&[u8]) -> Result<Cow<'_, str>, Utf7Error>,
) -> Result<Cow<'_, str>, Utf7Error> {
    match octets {
        Cow::Borrowed(octets) => read(octets),
        Cow::Owned(octets) => read(&octets).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// ```text
/// list-mailbox = 1*list-char / string
/// list-char    = ATOM-CHAR / list-wildcards / resp-specials
/// ```
///
/// ```
/// use mail46_imap_core::ListMailbox;
///
/// let pattern = ListMailbox::of(b"a/%");
/// assert!(pattern.matches(b"a/b", Some(b'/')) && !pattern.matches(b"a/b/c", Some(b'/')));
/// assert!(ListMailbox::of(b"inbox*").matches(b"INBOX/Sent", Some(b'/')));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListMailbox<B = Bytes>(Pattern<B>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pattern<B> {
    Bare(B),
    String(IString<B>),
}

impl ListMailbox {
    /// Of the octets of a pattern: encoded as names are, wildcards as they are.
    pub fn of(octets: &[u8]) -> Self {
        // RFC 9051 s 4.5: NIL is a name here; quoted, nobody takes it for another thing.
        let is_bare =
            !octets.is_empty() && is_each(octets, class::LIST) && !octets.eq_ignore_ascii_case(b"NIL");
        Self(if is_bare {
            Pattern::Bare(Bytes::copy_from_slice(octets))
        } else {
            match Quoted::new(octets) {
                Some(quoted) => Pattern::String(IString::Quoted(quoted)),
                None => Pattern::String(IString::of(octets)),
            }
        })
    }
}

impl<'a, B: Keep<'a>> ListMailbox<B> {
    pub(crate) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        match c.peek() {
            Some(b'"' | b'{') => IString::parse(c).map(|string| Self(Pattern::String(string))),
            _ => {
                let word = c.word(class::LIST, "a mailbox with wildcards")?;
                Ok(Self(Pattern::Bare(c.keep(word))))
            }
        }
    }
}

impl<B: AsRef<[u8]>> ListMailbox<B> {
    /// The octets of the pattern.
    pub fn octets(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Pattern::Bare(octets) => Cow::Borrowed(octets.as_ref()),
            Pattern::String(string) => string.octets(),
        }
    }

    /// Whether it matches the octets of a name: `*` any octets, `%` any but the hierarchy delimiter (RFC 9051 s
    /// 6.3.9); INBOX in any case. The work is the product of both lengths at most, whatever the pattern.
    pub fn matches(&self, name: &[u8], delimiter: Option<u8>) -> bool {
        matches(&self.octets(), name, delimiter)
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        match &self.0 {
            Pattern::Bare(octets) => out.put(octets.as_ref()),
            Pattern::String(string) => string.write(out),
        }
    }
}

fn matches(pattern: &[u8], name: &[u8], delimiter: Option<u8>) -> bool {
    // INBOX, alone or as the first level.
    let inbox = match name.split_at_checked(5) {
        Some((head, rest))
            if head.eq_ignore_ascii_case(b"INBOX")
                && rest.first().is_none_or(|octet| Some(*octet) == delimiter) =>
        {
            5
        }
        _ => 0,
    };
    // reached[i]: the first i octets of the pattern match what of the name was read.
    let mut reached = vec![false; pattern.len().saturating_add(1)];
    let is_wild = |octet: &u8| matches!(octet, b'*' | b'%');
    let close = |reached: &mut [bool]| {
        // A wildcard may match nothing.
        let mut before = false;
        for (at, slot) in reached.iter_mut().enumerate() {
            let wild = at.checked_sub(1).and_then(|at| pattern.get(at)).is_some_and(is_wild);
            *slot |= wild && before;
            before = *slot;
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    close(&mut reached);
    for (index, octet) in name.iter().enumerate() {
        let mut before = false;
        for (at, slot) in reached.iter_mut().enumerate() {
            let here = *slot;
            *slot = match at.checked_sub(1).and_then(|at| pattern.get(at)) {
                None => false,
                Some(b'*') => here || before,
                Some(b'%') => (here || before) && Some(*octet) != delimiter,
                Some(plain) if index < inbox => before && plain.eq_ignore_ascii_case(octet),
                Some(plain) => before && plain == octet,
            };
            before = here;
        }
        close(&mut reached);
        if !reached.contains(&true) {
            return false;
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::Profile;
    use proptest::prelude::*;

    #[test]
    fn names_are_said_as_the_connection_has_it() {
        let rev1 = Mode::new(Profile::Strict);
        let rev2 = Mode { rev2: true, ..rev1.clone() };
        // (name, rev1, rev2, what it shows)
        for (name, one, two, shows) in [
            ("inbox", "INBOX", "INBOX", "INBOX is one"),
            ("INBOX/x", "INBOX/x", "INBOX/x", "a level below"),
            ("NIL", "\"NIL\"", "\"NIL\"", "a mailbox called NIL"),
            ("", "\"\"", "\"\"", "nothing"),
            ("a b", "\"a b\"", "\"a b\"", "a space"),
            ("a]b", "a]b", "a]b", "resp-specials may stand in an astring"),
            ("a&b", "a&-b", "a&b", "RFC 9051 appendix A.1: & is itself"),
            ("é\"\\", r#""&AOk-\"\\""#, r#""é\"\\""#, "quoted"),
            ("a\r\nb NOOP", "\"a&AA0ACg-b NOOP\"", "{9}\r\na\r\nb NOOP", "no line end of its own"),
        ] {
            for (mode, want) in [(&rev1, one), (&rev2, two)] {
                let mailbox = Mailbox::new(name, mode);
                let mut out = bytes::BytesMut::new();
                mailbox.write(&mut Writer::new(&mut out, crate::writer::Side::Client, mode));
                assert_eq!(std::str::from_utf8(&out).unwrap(), want, "{shows}");
                let mut c = Cursor::borrowed(&out, mode);
                let read = Mailbox::parse(&mut c).unwrap();
                assert!(c.rest().is_empty(), "{shows}");
                let same = if mailbox.is_inbox() { "INBOX" } else { name };
                assert_eq!(read.name(mode).unwrap(), same, "{shows}");
                assert_eq!(read.shown(mode), same, "{shows}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_utf7_is_shown_and_not_taken() {
        let mode = Mode::new(Profile::Liberal);
        let yandex = Mailbox::of(b"&BBAEMQQyACYEMwQ0BDU-");
        assert!(yandex.name(&mode).is_err());
        assert_eq!(yandex.shown(&mode), "Абв&где");
    }

    #[test]
    fn patterns() {
        // (pattern, name, matches, what it shows)
        for (pattern, name, want, shows) in [
            ("*", "a/b/c", true, "all of it"),
            ("%", "a/b", false, "one level"),
            ("%", "a", true, "one level"),
            ("", "", true, "nothing"),
            ("", "a", false, "nothing"),
            ("a*c", "a/b/c", true, "in the middle"),
            ("a%c", "a/b/c", false, "not over a delimiter"),
            ("%/%", "a/b", true, "two levels"),
            ("%/%", "a/b/c", false, "no three"),
            ("*%", "a/b", true, "one after the other"),
            ("%*", "a/b", true, "the other way round"),
            ("A", "a", false, "names have a case"),
            ("inbox", "INBOX", true, "INBOX has none"),
            ("iN%", "INBOX", true, "nor a part of it"),
            ("inbox/a", "INBOX/a", true, "nor as the first level"),
            ("inbox/a", "INBOX/A", false, "below it there is one"),
            ("inboxes", "INBOXES", false, "another name"),
            ("a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false, "no"),
        ] {
            assert_eq!(
                ListMailbox::of(pattern.as_bytes()).matches(name.as_bytes(), Some(b'/')),
                want,
                "{shows}"
            );
        }
        assert!(ListMailbox::of(b"%").matches(b"a/b", None), "a flat namespace");
    }

    #[test]
    fn a_pattern_of_wildcards_takes_no_time() {
        let pattern = "*a%".repeat(300);
        let name = "a/".repeat(1000);
        assert!(!ListMailbox::of(pattern.as_bytes()).matches(name.as_bytes(), Some(b'/')));
    }

    #[test]
    fn patterns_are_written_as_they_came() {
        let mode = Mode::new(Profile::Strict);
        for text in ["*", "%", "a.%", "\"\"", "\"a b*\"", "{2}\r\na*", "a]", "NIL"] {
            let read = ListMailbox::parse(&mut Cursor::borrowed(text.as_bytes(), &mode)).unwrap();
            assert_eq!(written(|out| read.write(out)), text);
        }
        for text in ["", "(", " ", "é*", "\"a"] {
            assert!(ListMailbox::parse(&mut Cursor::borrowed(text.as_bytes(), &mode)).is_err(), "{text:?}");
        }
        assert_eq!(written(|out| ListMailbox::of(b"a\r\nb").write(out)), "{4}\r\na\r\nb");
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_a_slow_reader_says(pattern in "[ab/%*]{0,7}", name in "[ab/]{0,8}") {
            fn slow(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, _) => name.is_empty(),
                    (Some((b'*', p)), Some((_, n))) => slow(p, name) || slow(pattern, n),
                    (Some((b'%', p)), Some((o, n))) => slow(p, name) || *o != b'/' && slow(pattern, n),
                    (Some((b'*' | b'%', p)), None) => slow(p, name),
                    (Some((x, p)), Some((o, n))) => x == o && slow(p, n),
                    _ => false,
                }
            }
            let want = slow(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(ListMailbox::of(pattern.as_bytes()).matches(name.as_bytes(), Some(b'/')), want);
        }
    }
}
