//! Words that a command or reply carries: validated once, kept where they were read.

use std::{fmt, num::NonZeroU32};

pub(crate) use mail46_wire::text::{TextError, printable, slice_of};
use mail46_wire::text::{as_is, same};
use mail46_wire::{secret_traits, text_traits, text_type};

fn is_line(octets: &[u8]) -> bool {
    !octets.iter().any(|octet| b"\r\n\0".contains(octet))
}

/// RFC 2449 s 3: `VCHAR`.
fn is_word(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(u8::is_ascii_graphic)
}

/// RFC 4647 s 2.1: `(1*8ALPHA *("-" 1*8alphanum)) / "*"`.
fn is_language_range(octets: &[u8]) -> bool {
    let mut subtags = octets.split(|octet| *octet == b'-');
    let primary = subtags.next().unwrap_or_default();
    let fits = |subtag: &[u8]| matches!(subtag.len(), 1..=8) && subtag.iter().all(u8::is_ascii_alphanumeric);
    octets == b"*" || fits(primary) && primary.iter().all(u8::is_ascii_alphabetic) && subtags.all(fits)
}

text_type! {
    /// A user name: the rest of the line behind `USER ` or, for APOP, up to the digest. Spaces in it are its own; octets over
    /// 127 are UTF-8 for servers that say `UTF8 USER` (RFC 6856 s 2.2).
    Name, |octets| !octets.is_empty() && is_line(octets), "a name of at least one octet without CR, LF and NUL"
}
text_traits!(Name, same, as_is);

text_type! {
    /// A command's or a capability's name (RFC 2449 s 3), compared without regard to case.
    Keyword, is_word, "a word of printable ASCII"
}
text_traits!(Keyword, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The name of a SASL mechanism (RFC 4422 s 3.1: 1 to 20 upper-case letters, digits, hyphens, underscores), compared
    /// without regard to case.
    Mechanism,
    |octets| matches!(octets.len(), 1..=20) && octets.iter().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(c)),
    "the name of a SASL mechanism"
}
text_traits!(Mechanism, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// A language tag, a range of them, or `*` (RFC 6856 s 3.2), compared without regard to case (RFC 5646 s 2.1.1).
    LanguageRange,
    is_language_range,
    "a language tag or *"
}
text_traits!(LanguageRange, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The rest of a line: whatever a peer wrote there.
    Text, is_line, "a text without CR, LF and NUL"
}
text_traits!(Text, same, as_is);

text_type! {
    /// A message's unique-id: 1 to 70 octets from `!` to `~` (RFC 1939 s 7). It outlives the session; two messages that are the
    /// same may bear the same one. It is text from a peer: no file name.
    ///
    /// ```
    /// use mail46_pop3::UniqueId;
    /// assert_eq!(UniqueId::parse(b"whqtswO00WBw418f9t5JxYwZ")?.as_bytes().len(), 24);
    /// assert!(UniqueId::parse(b"two words").is_err());
    /// # Ok::<(), mail46_pop3::TextError>(())
    /// ```
    UniqueId,
    |octets| matches!(octets.len(), 1..=70) && octets.iter().all(u8::is_ascii_graphic),
    "a unique-id: 1 to 70 printable ASCII octets"
}
text_traits!(UniqueId, same, as_is);

text_type! {
    /// The argument of PASS: everything behind the first space (RFC 1939 s 7). `Debug` shows nothing of it.
    Password, |octets| !octets.is_empty() && is_line(octets), "a password of at least one octet without CR, LF and NUL"
}

text_type! {
    /// The initial response of AUTH as it is written: base64, or `=` for an empty one (RFC 5034 s 4). `Debug` shows nothing of
    /// it.
    InitialResponse,
    |octets| octets == b"=" || !octets.is_empty() && mail46_wire::base64::decode(octets).is_ok(),
    "base64"
}

secret_traits!(Password);
secret_traits!(InitialResponse);

/// A message's number: good for one session, and only there (RFC 1939 s 5). There is no message 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The first one.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// A number, unless it is 0.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// `1*DIGIT`. What does not fit is an error and never another number.
    ///
    /// # Errors
    /// [`TextError`]
    pub fn parse(digits: &[u8]) -> Result<Self, TextError> {
        const WANTED: TextError = TextError::new("a message number");
        u32::try_from(number(digits).ok_or(WANTED)?).ok().and_then(Self::new).ok_or(WANTED)
    }

    /// As an integer.
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// Of the message at `index` of a list, counted from 0.
    pub fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(Self::new)
    }

    /// Where it stands in a list, counted from 0.
    pub fn index(self) -> usize {
        usize::try_from(self.get()).unwrap_or(usize::MAX).saturating_sub(1)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `1*DIGIT` that fits 64 bits.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |all, digit| {
        let digit = digit.is_ascii_digit().then(|| digit.wrapping_sub(b'0'))?;
        all.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Splits at the first space: the word before it, and what is behind it if there is one.
pub(crate) fn word(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b' ', line) {
        Some(at) => {
            let (word, rest) = line.split_at(at);
            (word, rest.get(1..))
        }
        None => (line, None),
    }
}
