use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::Bytes;

use crate::{NameError, domain::slice_of};

/// An address in brackets (RFC 5321 s 4.1.3): `[192.0.2.1]`, `[IPv6:2001:db8::1]`, or `[tag:content]`.
///
/// The tag is taken in any case, the IPv6 address in any text form of RFC 4291 s 2.2 but without a zone; it is
/// written by RFC 5952. `[IPv6:::ffff:192.0.2.1]` stays what it says: an IPv6 literal.
///
/// ```
/// use mail46_wire::AddressLiteral;
/// let literal = AddressLiteral::parse(b"[ipv6:2001:DB8:0:0:0:0:0:1]")?;
/// assert_eq!(literal.to_string(), "[IPv6:2001:db8::1]");
/// assert_eq!(literal.ip(), Some("2001:db8::1".parse().unwrap()));
/// # Ok::<(), mail46_wire::NameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has three
pub enum AddressLiteral<B = Bytes> {
    /// `[192.0.2.1]`.
    V4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`.
    V6(Ipv6Addr),
    /// `[tag:content]`. No tag but `IPv6` is registered, so that mail may not use one; the form is here to be seen.
    General {
        /// `Standardized-tag`, an `Ldh-str`.
        tag: B,
        /// `1*dcontent`.
        content: B,
    },
}

/// What is wrong with an address literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiteralError {
    /// No `[` in front or no `]` behind.
    #[error("not in brackets")]
    Brackets,
    /// Neither an IPv4 address nor `tag:`.
    #[error("not an IPv4 address")]
    V4,
    /// Behind `IPv6:`, but no IPv6 address.
    #[error("not an IPv6 address")]
    V6,
    /// An IPv6 address without its tag (RFC 5321 s 4.1.3 wants `IPv6:`).
    #[error("IPv6 address without the tag IPv6:")]
    Untagged,
    /// Not an `Ldh-str` before the colon, or an octet that `dcontent` does not have behind it.
    #[error("bad tag or content")]
    General,
}

impl<'a> AddressLiteral<&'a [u8]> {
    /// Parses a literal with its brackets.
    ///
    /// # Errors
    /// [`NameError::Literal`] with the reason.
    pub fn parse(octets: &'a [u8]) -> Result<Self, NameError> {
        let inner = octets
            .strip_prefix(b"[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .ok_or(NameError::Literal(LiteralError::Brackets))?;
        inner_literal(inner).map_err(NameError::Literal)
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> AddressLiteral {
        match *self {
            Self::V4(ip) => AddressLiteral::V4(ip),
            Self::V6(ip) => AddressLiteral::V6(ip),
            Self::General { tag, content } => {
                AddressLiteral::General { tag: slice_of(frame, tag), content: slice_of(frame, content) }
            }
        }
    }
}

impl<B: AsRef<[u8]>> AddressLiteral<B> {
    /// The address, if it is one of the two families.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
            Self::General { .. } => None,
        }
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> AddressLiteral {
        match self {
            Self::V4(ip) => AddressLiteral::V4(*ip),
            Self::V6(ip) => AddressLiteral::V6(*ip),
            Self::General { tag, content } => AddressLiteral::General {
                tag: Bytes::copy_from_slice(tag.as_ref()),
                content: Bytes::copy_from_slice(content.as_ref()),
            },
        }
    }
}

impl From<IpAddr> for AddressLiteral {
    /// The literal that names this address; an IPv4-mapped IPv6 address is the IPv4 one.
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip),
        }
    }
}

impl<B: AsRef<[u8]>> fmt::Display for AddressLiteral<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => write!(f, "[{ip}]"),
            // std writes IPv6 addresses by RFC 5952.
            Self::V6(ip) => write!(f, "[IPv6:{ip}]"),
            Self::General { tag, content } => {
                write!(f, "[{}:{}]", tag.as_ref().escape_ascii(), Ascii(content.as_ref()))
            }
        }
    }
}

/// Printable ASCII as it is: `dcontent` holds nothing else.
struct Ascii<'a>(&'a [u8]);

impl fmt::Display for Ascii<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.0).unwrap_or_default())
    }
}

/// `IPv4-address-literal / IPv6-address-literal / General-address-literal`.
fn inner_literal(inner: &[u8]) -> Result<AddressLiteral<&[u8]>, LiteralError> {
    let Some(colon) = memchr::memchr(b':', inner) else {
        return v4(inner).map(AddressLiteral::V4).ok_or(LiteralError::V4);
    };
    let (tag, content) = inner.split_at_checked(colon).ok_or(LiteralError::General)?;
    let content = content.strip_prefix(b":").unwrap_or(content);
    if tag.eq_ignore_ascii_case(b"IPv6") {
        return v6(content).map(AddressLiteral::V6).ok_or(LiteralError::V6);
    }
    if v6(inner).is_some() {
        return Err(LiteralError::Untagged);
    }
    // Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig; dcontent = %d33-90 / %d94-126
    let ldh = tag.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
        && tag.last().is_some_and(u8::is_ascii_alphanumeric);
    let dcontent = !content.is_empty() && content.iter().all(|octet| matches!(octet, 33..=90 | 94..=126));
    if ldh && dcontent { Ok(AddressLiteral::General { tag, content }) } else { Err(LiteralError::General) }
}

/// `Snum 3("." Snum)`, where `Snum` is one to three digits and decimal (leading zeros included).
fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = text.split(|octet| *octet == b'.').map(|digits| {
        if digits.is_empty() || digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse::<u8>().ok()
    });
    let octets = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// Every text form of RFC 4291 s 2.2; std takes those and no zone.
fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use LiteralError::*;

    #[test]
    fn literals_of_both_families() {
        let rows: &[(&str, Result<&str, LiteralError>)] = &[
            ("[192.0.2.1]", Ok("[192.0.2.1]")),
            ("[192.0.002.001]", Ok("[192.0.2.1]")), // Snum = 1*3DIGIT
            ("[IPv6:2001:db8::1]", Ok("[IPv6:2001:db8::1]")),
            ("[ipv6:::1]", Ok("[IPv6:::1]")),
            ("[IPV6:::]", Ok("[IPv6:::]")),
            ("[IPv6:2001:0db8:0000:0000:0000:0000:0000:000d]", Ok("[IPv6:2001:db8::d]")),
            ("[IPv6:1:2:3:4:5:6:7::]", Ok("[IPv6:1:2:3:4:5:6:7:0]")), // RFC 5952 s 4.2.2
            ("[IPv6:::ffff:192.0.2.1]", Ok("[IPv6:::ffff:192.0.2.1]")),
            ("[IPv6:1:2:3:4:5:6:192.0.2.1]", Ok("[IPv6:1:2:3:4:5:6:c000:201]")),
            ("[x-tag:hello]", Ok("[x-tag:hello]")),
            ("[192.0.2.1", Err(Brackets)),
            ("192.0.2.1]", Err(Brackets)),
            ("[]", Err(V4)),
            ("[256.1.1.1]", Err(V4)),
            ("[1.2.3]", Err(V4)),
            ("[1.2.3.4.5]", Err(V4)),
            ("[1.2.3.0004]", Err(V4)),
            ("[IPv6:1:2:3:4:5:6:7:8:9]", Err(V6)),
            ("[IPv6:1::2::3]", Err(V6)),
            ("[IPv6:fe80::1%eth0]", Err(V6)),
            ("[IPv6:]", Err(V6)),
            ("[IPv6: ::1]", Err(V6)),
            ("[IPv6:12345::]", Err(V6)),
            ("[2001:db8::1]", Err(Untagged)),
            ("[-:x]", Err(General)),
            ("[a-:x]", Err(General)),
            ("[a:]", Err(General)),
            ("[a:b\\c]", Err(General)),
        ];
        for (text, want) in rows {
            let got = AddressLiteral::parse(text.as_bytes()).map(|literal| literal.to_string());
            assert_eq!(got, want.map(str::to_owned).map_err(NameError::Literal), "{text}");
        }
    }

    #[test]
    fn a_mapped_peer_is_the_ipv4_peer() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(AddressLiteral::from(mapped).to_string(), "[192.0.2.1]");
    }
}
