use std::fmt;

use bytes::Bytes;

use crate::{AddressLiteral, Domain, NameError};

/// Where mail lives or comes from: a domain name or an address in brackets (RFC 5321 s 4.1.2, `Domain /
/// address-literal`).
///
/// ```
/// use mail46_wire::Host;
/// assert!(matches!(Host::parse(b"mail.example")?, Host::Domain(_)));
/// assert!(matches!(Host::parse(b"[192.0.2.1]")?, Host::Literal(_)));
/// # Ok::<(), mail46_wire::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has two
pub enum Host<B: AsRef<[u8]> = Bytes> {
    /// By name.
    Domain(Domain<B>),
    /// By address.
    Literal(AddressLiteral<B>),
}

impl<'a> Host<&'a [u8]> {
    /// Parses either form; names are ASCII.
    ///
    /// # Errors
    /// As [`Domain::parse`] and [`AddressLiteral::parse`].
    pub fn parse(octets: &'a [u8]) -> Result<Self, NameError> {
        if octets.first() == Some(&b'[') {
            AddressLiteral::parse(octets).map(Self::Literal)
        } else {
            Domain::parse(octets).map(Self::Domain)
        }
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Host {
        match self {
            Self::Domain(domain) => Host::Domain(domain.in_frame(frame)),
            Self::Literal(literal) => Host::Literal(literal.in_frame(frame)),
        }
    }
}

impl<B: AsRef<[u8]>> Host<B> {
    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Host {
        match self {
            Self::Domain(domain) => Host::Domain(domain.to_owned()),
            Self::Literal(literal) => Host::Literal(literal.to_owned()),
        }
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Host<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(literal) => literal.fmt(f),
        }
    }
}

impl std::str::FromStr for Host {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Host::parse(text.as_bytes()).map(|host| host.to_owned())
    }
}
