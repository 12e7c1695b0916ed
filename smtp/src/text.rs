//! Words that a command or reply carries: validated once, kept where they were read.

use std::{borrow::Cow, fmt, hash};

use bytes::Bytes;

/// A word that cannot stand where it was to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {wanted}")]
pub struct TextError {
    wanted: &'static str,
}

impl TextError {
    pub(crate) const fn new(wanted: &'static str) -> Self {
        Self { wanted }
    }
}

/// The part of `frame` that `part` is; a copy if it is not a part of it.
pub(crate) fn slice_of(frame: &Bytes, part: &[u8]) -> Bytes {
    let inside =
        frame.as_ptr_range().contains(&part.as_ptr()) && part.as_ptr_range().end <= frame.as_ptr_range().end;
    if inside { frame.slice_ref(part) } else { Bytes::copy_from_slice(part) }
}

/// A validated text: what `Domain` is in wire, for the words of SMTP.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<B = Bytes>(B);

        impl<'a> $name<&'a [u8]> {
            /// Checks and borrows.
            ///
            /// # Errors
            #[doc = concat!("[`TextError`](crate::TextError) if it is not ", $wanted, ".")]
            pub fn parse(octets: &'a [u8]) -> Result<Self, $crate::text::TextError> {
                let check: fn(&[u8]) -> bool = $check;
                if check(octets) { Ok(Self(octets)) } else { Err($crate::text::TextError::new($wanted)) }
            }

            /// The same with its text kept in `frame`, of which it must be a part, without a copy.
            pub fn in_frame(&self, frame: &Bytes) -> $name {
                $name($crate::text::slice_of(frame, self.0))
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

            /// The same, borrowed.
            pub fn borrow(&self) -> $name<&[u8]> {
                $name(self.as_bytes())
            }
        }

        impl<B: AsRef<[u8]>> AsRef<[u8]> for $name<B> {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $name::parse(text.as_bytes()).map(|text| text.to_owned())
            }
        }
    };
}

/// Comparison, hashing and printing: as written, or without regard to case.
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

        impl<B: AsRef<[u8]>> std::fmt::Display for $name<B> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::text::printable(self.as_bytes()))
            }
        }

        impl<B: AsRef<[u8]>> std::fmt::Debug for $name<B> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), $crate::text::printable(self.as_bytes()))
            }
        }
    };
}

pub(crate) use {text_traits, text_type};

pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one == other
}

pub(crate) const fn as_is(octet: &u8) -> u8 {
    *octet
}

/// Octets for a person: UTF-8 as it is, everything else escaped.
pub(crate) fn printable(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(octets.escape_ascii().to_string()),
    }
}

text_type! {
    /// The free argument of a command: no control octets, no space at either end, not empty.
    Text, is_text, "text without control octets"
}
text_traits!(Text, same, as_is);

text_type! {
    /// The verb of a command that is not known here: letters, digits, `-` and `_`. Compared without regard to case.
    Keyword, is_keyword, "a keyword"
}
text_traits!(Keyword, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The name of a SASL mechanism (RFC 4422 s 3.1). Compared without regard to case.
    Mechanism, is_mechanism, "a mechanism name"
}
text_traits!(Mechanism, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// The initial response of AUTH: base64, or `=` for an empty one (RFC 4954 s 4). It may hold a password, so that
    /// it is never printed.
    InitialResponse, is_initial_response, "base64"
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<InitialResponse<C>> for InitialResponse<B> {
    fn eq(&self, other: &InitialResponse<C>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<B: AsRef<[u8]>> Eq for InitialResponse<B> {}

impl<B: AsRef<[u8]>> hash::Hash for InitialResponse<B> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl<B> fmt::Debug for InitialResponse<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialResponse(..)")
    }
}

fn is_text(octets: &[u8]) -> bool {
    octets.first().is_some_and(|octet| *octet != b' ')
        && octets.last().is_some_and(|octet| *octet != b' ')
        && octets.iter().all(|octet| !octet.is_ascii_control())
}

fn is_keyword(octets: &[u8]) -> bool {
    !octets.is_empty()
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// `sasl-mech = 1*20mech-char`
fn is_mechanism(octets: &[u8]) -> bool {
    octets.len() <= 20 && is_keyword(octets)
}

/// `initial-response = base64 / "="`, where `base64 = base64-terminal / ( 1*(4base64-char) [base64-terminal] )`
fn is_initial_response(octets: &[u8]) -> bool {
    if octets == b"=" {
        return true;
    }
    let padding = octets.iter().rev().take_while(|octet| **octet == b'=').count();
    let body = octets.get(..octets.len().saturating_sub(padding)).unwrap_or_default();
    !body.is_empty()
        && octets.len().is_multiple_of(4)
        && padding <= 2
        && body.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/'))
}
