//! Words that a command or reply carries: validated once, kept where they were read.

use std::{borrow::Cow, fmt, num::NonZeroU32};

use bytes::Bytes;

/// A word that cannot stand where it was to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {wanted}")]
pub struct TextError {
    wanted: &'static str,
}

/// The part of `frame` that `part` is; a copy if it is not a part of it.
pub(crate) fn slice_of(frame: &Bytes, part: &[u8]) -> Bytes {
    let inside =
        frame.as_ptr_range().contains(&part.as_ptr()) && part.as_ptr_range().end <= frame.as_ptr_range().end;
    if inside { frame.slice_ref(part) } else { Bytes::copy_from_slice(part) }
}

/// Octets of a peer as they may be shown: UTF-8 without control characters, or escaped.
pub(crate) fn printable(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(octets.escape_ascii().to_string()),
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<B = Bytes>(B);

        impl<'a> $name<&'a [u8]> {
            /// Checks and borrows.
            ///
            /// # Errors
            #[doc = concat!("[`TextError`] if it is not ", $wanted, ".")]
            pub fn parse(octets: &'a [u8]) -> Result<Self, TextError> {
                let check: fn(&[u8]) -> bool = $check;
                if check(octets) { Ok(Self(octets)) } else { Err(TextError { wanted: $wanted }) }
            }

            /// The same with its text kept in `frame`, of which it must be a part, without a copy.
            pub fn in_frame(&self, frame: &Bytes) -> $name {
                $name(slice_of(frame, self.0))
            }
        }

        impl<B: AsRef<[u8]>> $name<B> {
            /// The octets as they were written.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_ref()
            }

            /// A copy that borrows nothing.
            pub fn to_owned(&self) -> $name {
                $name(Bytes::copy_from_slice(self.as_bytes()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $name::parse(text.as_bytes()).map(|text| text.to_owned())
            }
        }
    };
}

/// Comparison and printing: as written, or without regard to case.
macro_rules! text_traits {
    ($name:ident, $eq:expr, $fold:expr) => {
        impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<$name<C>> for $name<B> {
            fn eq(&self, other: &$name<C>) -> bool {
                $eq(self.as_bytes(), other.as_bytes())
            }
        }

        impl<B: AsRef<[u8]>> Eq for $name<B> {}

        impl<B: AsRef<[u8]>> std::hash::Hash for $name<B> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                for octet in self.as_bytes() {
                    state.write_u8($fold(octet));
                }
                state.write_u8(0xff);
            }
        }

        impl<B: AsRef<[u8]>> fmt::Display for $name<B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&printable(self.as_bytes()))
            }
        }

        impl<B: AsRef<[u8]>> fmt::Debug for $name<B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), printable(self.as_bytes()))
            }
        }
    };
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one == other
}

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
text_traits!(Name, same, |octet: &u8| *octet);

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
text_traits!(Text, same, |octet: &u8| *octet);

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
text_traits!(UniqueId, same, |octet: &u8| *octet);

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

macro_rules! secret_traits {
    ($name:ident) => {
        impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<$name<C>> for $name<B> {
            fn eq(&self, other: &$name<C>) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl<B: AsRef<[u8]>> Eq for $name<B> {}

        impl<B> fmt::Debug for $name<B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
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
        const WANTED: TextError = TextError { wanted: "a message number" };
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
