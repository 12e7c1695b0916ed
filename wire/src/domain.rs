use std::{fmt, hash};

use bytes::Bytes;

use crate::literal::LiteralError;

mod prefix;

/// Octets of a domain name at most (RFC 5321 s 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;
/// Octets of a label at most (RFC 1035 s 2.3.4).
const LABEL_MAX: usize = 63;

/// A domain name as mail writes it: dot-separated labels, without a final dot (RFC 5321 s 4.1.2).
///
/// Kept as it was written; compared and hashed without regard to case (RFC 5321 s 2.4). `B` is where the text is
/// kept: a slice of the line it was parsed from, or [`Bytes`].
///
/// ```
/// use mail46_wire::Domain;
///
/// let domain = Domain::parse(b"Mail.Example")?;
/// assert_eq!(domain, Domain::parse(b"mail.example")?);
///
/// // A-label on the wire, U-label for people (RFC 5890).
/// let domain = Domain::from_unicode("bücher.example")?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// assert_eq!(domain.to_unicode(), "bücher.example");
/// # Ok::<(), mail46_wire::NameError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Domain<B = Bytes>(B);

/// Why something is no domain name and no address literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing there.
    #[error("empty host name")]
    Empty,
    /// More than 255 octets (RFC 5321 s 4.5.3.1.2).
    #[error("domain name of more than 255 octets")]
    TooLong,
    /// Two dots in a row, or one at either end.
    #[error("empty label at octet {at}")]
    EmptyLabel {
        /// Where.
        at: usize,
    },
    /// A label of more than 63 octets (RFC 1035 s 2.3.4).
    #[error("label of more than 63 octets at octet {at}")]
    LabelTooLong {
        /// Where the label begins.
        at: usize,
    },
    /// A hyphen at the start or end of a label.
    #[error("label begins or ends with a hyphen at octet {at}")]
    Hyphen {
        /// Where the hyphen is.
        at: usize,
    },
    /// An octet that no label may hold.
    #[error("octet not allowed in a host name at {at}")]
    Character {
        /// Where.
        at: usize,
    },
    /// Not a name that IDNA knows (RFC 5891).
    #[error("not a valid internationalized domain name")]
    Idna,
    /// In brackets, but no address.
    #[error("bad address literal: {0}")]
    Literal(LiteralError),
}

/// What a parse takes beside letters, digits and inner hyphens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Underscore,
    Utf8,
}

impl<'a> Domain<&'a [u8]> {
    /// Parses `sub-domain *("." sub-domain)`: letters, digits and inner hyphens.
    ///
    /// # Errors
    /// [`NameError`] with the place of the first fault.
    pub fn parse(octets: &'a [u8]) -> Result<Self, NameError> {
        check(octets, Beside::Nothing).map(|()| Self(octets))
    }

    /// Reads the domain that begins at `at` in a line, in one pass: up to the first octet that no name holds.
    ///
    /// `None` for what [`parse`](Self::parse) would refuse at that length, and for what is in doubt: names of more than 63
    /// octets or with `--`, and short lines. It is there for speed, and says no more than that.
    #[inline]
    pub fn parse_at(line: &'a [u8], at: usize) -> Option<Self> {
        let end = prefix::end(line, at)?;
        line.get(at..end).map(Self)
    }

    /// The same as [`parse`](Self::parse), and U-labels in UTF-8 (RFC 6531 s 3.3). The text is kept as it was written.
    ///
    /// # Errors
    /// [`NameError`]; [`NameError::Idna`] for what has no A-label form.
    pub fn parse_utf8(octets: &'a [u8]) -> Result<Self, NameError> {
        if octets.is_ascii() {
            return Self::parse(octets);
        }
        check(octets, Beside::Utf8)?;
        let text = std::str::from_utf8(octets).map_err(|_| NameError::Idna)?;
        to_ascii(text).map(|_| Self(octets))
    }

    /// The same as [`parse`](Self::parse) with underscores as letters: no host name, but hosts say so in EHLO.
    ///
    /// # Errors
    /// [`NameError`] with the place of the first fault.
    pub fn parse_with_underscores(octets: &'a [u8]) -> Result<Self, NameError> {
        check(octets, Beside::Underscore).map(|()| Self(octets))
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Domain {
        Domain(slice_of(frame, self.0))
    }
}

impl Domain {
    /// The A-label form of a name that people wrote (RFC 5891 s 4, by UTS 46).
    ///
    /// # Errors
    /// [`NameError`]; [`NameError::Idna`] for what has no A-label form.
    pub fn from_unicode(text: &str) -> Result<Self, NameError> {
        if text.is_ascii() {
            return Domain::parse(text.as_bytes()).map(|domain| domain.to_owned());
        }
        to_ascii(text)
    }
}

impl<B: AsRef<[u8]>> Domain<B> {
    /// The octets as they were written.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        // Only `check`ed text is ever kept, and that is ASCII or valid UTF-8.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether it can go on a wire without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.as_bytes().is_ascii()
    }

    /// The form for DNS and for peers without SMTPUTF8: A-labels.
    pub fn to_ascii(&self) -> Domain {
        if self.is_ascii() {
            return self.to_owned();
        }
        // Parsed text has an A-label form: `parse_utf8` made sure.
        to_ascii(self.as_str()).unwrap_or_else(|_| self.to_owned())
    }

    /// The form for people: U-labels where a label has one.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(self.as_str()).0
    }

    /// The labels from left to right.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('.')
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Domain {
        Domain(Bytes::copy_from_slice(self.as_bytes()))
    }
}

impl std::str::FromStr for Domain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Domain::parse(text.as_bytes()).map(|domain| domain.to_owned())
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Domain<C>> for Domain<B> {
    fn eq(&self, other: &Domain<C>) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl<B: AsRef<[u8]>> Eq for Domain<B> {}

impl<B: AsRef<[u8]>> hash::Hash for Domain<B> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        for octet in self.as_bytes() {
            state.write_u8(octet.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Domain<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Domain<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({:?})", self.as_str())
    }
}

/// The part of `frame` that `part` is; a copy if it is not a part of it.
pub(crate) fn slice_of(frame: &Bytes, part: &[u8]) -> Bytes {
    let inside =
        frame.as_ptr_range().contains(&part.as_ptr()) && part.as_ptr_range().end <= frame.as_ptr_range().end;
    if inside { frame.slice_ref(part) } else { Bytes::copy_from_slice(part) }
}

fn to_ascii(text: &str) -> Result<Domain, NameError> {
    let ascii =
        idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::STD3).map_err(|_| NameError::Idna)?;
    Domain::parse(ascii.as_bytes()).map(|domain| domain.to_owned())
}

const LETTER: u8 = 1;
const HYPHEN: u8 = 2;
const DOT: u8 = 3;
const UNDERSCORE: u8 = 4;
const HIGH: u8 = 5;

/// What each octet is in a domain name; 0 is nothing that belongs there.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    loop {
        #[allow(clippy::indexing_slicing)] // a u8 into 256, at compile time
        {
            table[octet as usize] = match octet {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => LETTER,
                b'-' => HYPHEN,
                b'.' => DOT,
                b'_' => UNDERSCORE,
                0x80.. => HIGH,
                _ => 0,
            };
        }
        if octet == 255 {
            break;
        }
        octet = octet.wrapping_add(1);
    }
    table
};

#[inline]
fn class(octet: u8) -> u8 {
    CLASS.get(usize::from(octet)).copied().unwrap_or(0)
}

/// `sub-domain = Let-dig [Ldh-str]`, in one pass.
fn check(octets: &[u8], beside: Beside) -> Result<(), NameError> {
    if octets.is_empty() {
        return Err(NameError::Empty);
    }
    if octets.len() > DOMAIN_MAX {
        return Err(NameError::TooLong);
    }
    let mut start = 0; // of the present label
    let mut last = DOT; // class of the octet before
    for (at, octet) in octets.iter().enumerate() {
        let class = class(*octet);
        match class {
            LETTER => {}
            HYPHEN if last == DOT => return Err(NameError::Hyphen { at }),
            HYPHEN => {}
            DOT => {
                end_of_label(start, at, last)?;
                start = at.saturating_add(1);
            }
            UNDERSCORE if beside == Beside::Underscore => {}
            HIGH if beside == Beside::Utf8 => {}
            _ => return Err(NameError::Character { at }),
        }
        last = class;
    }
    end_of_label(start, octets.len(), last)
}

fn end_of_label(start: usize, end: usize, last: u8) -> Result<(), NameError> {
    if start == end {
        return Err(NameError::EmptyLabel { at: start });
    }
    if last == HYPHEN {
        return Err(NameError::Hyphen { at: end.saturating_sub(1) });
    }
    if end.saturating_sub(start) > LABEL_MAX {
        return Err(NameError::LabelTooLong { at: start });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_faults() {
        use NameError::*;
        let label63 = "a".repeat(63);
        let long = [label63.as_str(); 4].join("."); // 255 octets
        let rows: &[(&str, Option<NameError>)] = &[
            ("example.com", None),
            ("a", None),
            ("3com.com", None),
            ("xn--bcher-kva.example", None),
            ("a--b.example", None),
            ("127.0.0.1", None), // RFC 5321 s 4.1.2: digits are letters here
            (&long, None),
            ("", Some(Empty)),
            (".", Some(EmptyLabel { at: 0 })),
            ("a..b", Some(EmptyLabel { at: 2 })),
            ("a.", Some(EmptyLabel { at: 2 })),
            (".a", Some(EmptyLabel { at: 0 })),
            ("-a.b", Some(Hyphen { at: 0 })),
            ("a-.b", Some(Hyphen { at: 1 })),
            ("a.b-", Some(Hyphen { at: 3 })),
            ("a_b.c", Some(Character { at: 1 })),
            ("a b", Some(Character { at: 1 })),
            ("b\u{fc}cher.example", Some(Character { at: 1 })),
        ];
        for (text, want) in rows {
            assert_eq!(Domain::parse(text.as_bytes()).err(), *want, "{text}");
        }
        let over = format!("{long}a");
        assert_eq!(Domain::parse(over.as_bytes()).err(), Some(TooLong));
        let label64 = format!("x.{}", "a".repeat(64));
        assert_eq!(Domain::parse(label64.as_bytes()).err(), Some(LabelTooLong { at: 2 }));
    }

    #[test]
    fn underscores_and_u_labels_only_where_asked_for() {
        assert!(Domain::parse_with_underscores(b"my_host.example").is_ok());
        let domain = Domain::parse_utf8("B\u{fc}cher.example".as_bytes()).unwrap();
        assert_eq!(domain.as_str(), "B\u{fc}cher.example");
        assert_eq!(domain.to_ascii().as_str(), "xn--bcher-kva.example");
        assert_eq!(Domain::parse_utf8(b"b\xfccher.example").err(), Some(NameError::Idna));
        // U+2024 maps to a dot, the zero-width joiner to nothing: neither may make labels out of the blue.
        assert!(Domain::from_unicode("a\u{200d}.example").is_err());
        assert_eq!(Domain::from_unicode("B\u{dc}CHER.Example").unwrap().as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn a_slice_of_another_buffer_is_copied() {
        let frame = Bytes::from_static(b"mail.example");
        assert_eq!(Domain::parse(&frame[..4]).unwrap().in_frame(&frame).as_str(), "mail");
        assert_eq!(Domain::parse(b"other").unwrap().in_frame(&frame).as_str(), "other");
    }
}
