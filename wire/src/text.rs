//! Words that a command or reply carries: validated once, kept where they were read.
//!
//! ```
//! use mail46_wire::text::{TextError, as_is, same};
//! use mail46_wire::{text_traits, text_type};
//!
//! text_type! {
//!     /// A name without spaces.
//!     Name, |octets| !octets.is_empty() && !octets.contains(&b' '), "a name"
//! }
//! text_traits!(Name, same, as_is);
//!
//! assert_eq!(Name::parse(b"mrose")?.to_string(), "mrose");
//! assert_eq!(Name::parse(b"m rose").unwrap_err().to_string(), "not a name");
//! # Ok::<(), TextError>(())
//! ```

use std::borrow::Cow;

#[doc(hidden)]
pub use bytes::Bytes;

/// A word that cannot stand where it was to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {wanted}")]
pub struct TextError {
    wanted: &'static str,
}

impl TextError {
    /// What was wanted, with its article: "a name".
    pub const fn new(wanted: &'static str) -> Self {
        Self { wanted }
    }
}

/// The part of `frame` that `part` is; a copy if it is not a part of it.
#[inline]
pub fn slice_of(frame: &Bytes, part: &[u8]) -> Bytes {
    crate::domain::slice_of(frame, part)
}

/// Octets of a peer as they may be shown: UTF-8 without control characters, or escaped.
pub fn printable(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(octets.escape_ascii().to_string()),
    }
}

/// Compares as written.
#[inline]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one == other
}

/// The octet itself.
#[inline]
pub const fn as_is(octet: &u8) -> u8 {
    *octet
}

/// A type of validated octets, `Name<B = Bytes>`: `parse` checks and borrows, `in_frame` keeps it in the frame it was read from,
/// without a copy. It has no `Debug`: [`text_traits`](crate::text_traits) gives it one, or [`secret_traits`](crate::secret_traits).
#[macro_export]
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<B = $crate::text::Bytes>(B);

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
            pub fn in_frame(&self, frame: &$crate::text::Bytes) -> $name {
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
                $name($crate::text::Bytes::copy_from_slice(self.as_bytes()))
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

/// Comparison, hashing and printing for a [`text_type`](crate::text_type): `same` and `as_is` as written, or
/// `<[u8]>::eq_ignore_ascii_case` and `u8::to_ascii_lowercase`.
#[macro_export]
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

/// Comparison and hashing for a [`text_type`](crate::text_type) that may hold a password: `Debug` shows nothing of it.
#[macro_export]
macro_rules! secret_traits {
    ($name:ident) => {
        impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<$name<C>> for $name<B> {
            fn eq(&self, other: &$name<C>) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl<B: AsRef<[u8]>> Eq for $name<B> {}

        impl<B: AsRef<[u8]>> std::hash::Hash for $name<B> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        impl<B> std::fmt::Debug for $name<B> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
