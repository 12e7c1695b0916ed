use std::{borrow::Cow, net::IpAddr};

use bytes::{BufMut, Bytes, BytesMut};
use mail46_wire::Domain;

use crate::{
    param::Params,
    text::{Text, TextError, as_is, same, text_traits, text_type},
    xtext::XText,
};

/// What VRFY or EXPN asks for (RFC 5321 s 4.1.1.6, RFC 6531 s 3.7.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // the grammar has two parts
pub struct Query<B = Bytes>
where
    B: AsRef<[u8]>,
{
    /// A user, a mailbox, a list.
    pub text: Text<B>,
    /// Nothing, or SMTPUTF8: replies may be in UTF-8.
    pub params: Params<B>,
}

impl Query<&[u8]> {
    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Query {
        Query { text: self.text.in_frame(frame), params: self.params.in_frame(frame) }
    }
}

/// Whose mail ETRN wants sent (RFC 1985 s 5.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the grammar has three
pub enum Node<B = Bytes>
where
    B: AsRef<[u8]>,
{
    /// `ETRN example.com`: of that host.
    Host(Domain<B>),
    /// `ETRN @example.com`: of everything that ends in that domain.
    Subdomains(Domain<B>),
    /// `ETRN #uucp`: of a queue by its local name.
    Queue(Text<B>),
}

impl<'a> Node<&'a [u8]> {
    /// Parses the argument of ETRN.
    ///
    /// # Errors
    /// [`TextError`] if it is none.
    pub fn parse(octets: &'a [u8]) -> Result<Self, TextError> {
        const WANTED: TextError = TextError::new("a node name");
        match octets.split_first() {
            Some((b'@', name)) => Domain::parse(name).map(Self::Subdomains).map_err(|_| WANTED),
            Some((b'#', name)) => Text::parse(name).map(Self::Queue),
            _ => Domain::parse(octets).map(Self::Host).map_err(|_| WANTED),
        }
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Node {
        match self {
            Self::Host(domain) => Node::Host(domain.in_frame(frame)),
            Self::Subdomains(domain) => Node::Subdomains(domain.in_frame(frame)),
            Self::Queue(name) => Node::Queue(name.in_frame(frame)),
        }
    }
}

impl<B: AsRef<[u8]>> Node<B> {
    pub(crate) fn write(&self, out: &mut BytesMut) {
        let (option, name): (&[u8], &[u8]) = match self {
            Self::Host(domain) => (b"", domain.as_bytes()),
            Self::Subdomains(domain) => (b"@", domain.as_bytes()),
            Self::Queue(name) => (b"#", name.as_bytes()),
        };
        out.put_slice(option);
        out.put_slice(name);
    }
}

text_type! {
    /// The domains of ATRN: `domain *("," domain)` (RFC 2645 s 5.2.1).
    Domains, are_domains, "domains with commas between them"
}
text_traits!(Domains, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

impl<B: AsRef<[u8]>> Domains<B> {
    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = Domain<&[u8]>> {
        self.as_bytes().split(|octet| *octet == b',').filter_map(|name| Domain::parse(name).ok())
    }
}

fn are_domains(octets: &[u8]) -> bool {
    octets.split(|octet| *octet == b',').all(|name| Domain::parse(name).is_ok())
}

text_type! {
    /// What XCLIENT or XFORWARD tells: `1*( SP attribute-name "=" attribute-value )`, values in xtext.
    ///
    /// ```
    /// use mail46_smtp::Attributes;
    ///
    /// let told = Attributes::parse(b"NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PORT=25")?;
    /// assert_eq!(told.get("name"), None);
    /// assert_eq!(told.addr(), Some("2001:db8::1".parse().unwrap()));
    /// assert_eq!(told.get("port").as_deref(), Some(&b"25"[..]));
    /// # Ok::<(), mail46_smtp::TextError>(())
    /// ```
    Attributes, are_attributes, "attributes of XCLIENT or XFORWARD"
}
text_traits!(Attributes, same, as_is);

impl<B: AsRef<[u8]>> Attributes<B> {
    /// Names and values, in their order and as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], XText<&[u8]>)> {
        self.as_bytes().split(|octet| *octet == b' ').filter_map(attribute)
    }

    /// The value of that name, in any case; `None` too if it says that it is not there (`[UNAVAILABLE]`) or cannot be
    /// known now (`[TEMPUNAVAIL]`).
    pub fn get(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let value = self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))?.1;
        let absent = [&b"[UNAVAILABLE]"[..], b"[TEMPUNAVAIL]"];
        if absent.iter().any(|word| value.as_bytes().eq_ignore_ascii_case(word)) {
            return None;
        }
        // `value` is borrowed from `self`; `decode` from the copy of the reference in it.
        Some(Cow::Owned(value.decode().into_owned()))
    }

    /// ADDR: an IPv4 address, or an IPv6 one behind `IPV6:`.
    pub fn addr(&self) -> Option<IpAddr> {
        let value = self.get("ADDR")?;
        let text = match value.split_at_checked(5) {
            Some((tag, text)) if tag.eq_ignore_ascii_case(b"IPV6:") => text,
            _ => &value,
        };
        let ip: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
        // A mapped peer is the IPv4 peer.
        Some(ip.to_canonical())
    }
}

fn attribute(word: &[u8]) -> Option<(&[u8], XText<&[u8]>)> {
    let equals = memchr::memchr(b'=', word)?;
    let (name, value) = word.split_at_checked(equals)?;
    let well = !name.is_empty() && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
    let value = XText::parse(value.get(1..)?).ok()?;
    well.then_some((name, value))
}

fn are_attributes(octets: &[u8]) -> bool {
    octets.split(|octet| *octet == b' ').all(|word| attribute(word).is_some())
}
