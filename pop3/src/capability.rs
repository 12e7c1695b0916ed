use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::text::{number, printable, slice_of, word};
use crate::{Keyword, TextError};

/// The capabilities that have a meaning here (RFC 2449 s 6, RFC 2595 s 4, RFC 3206 s 6, RFC 6856 s 2, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CapabilityKind {
    /// `TOP`.
    Top,
    /// `USER`: USER and PASS.
    User,
    /// `SASL` with mechanisms: AUTH.
    Sasl,
    /// `RESP-CODES`: what stands in brackets is a response code.
    RespCodes,
    /// `LOGIN-DELAY seconds [USER]`.
    LoginDelay,
    /// `PIPELINING`.
    Pipelining,
    /// `EXPIRE days|NEVER [USER]`.
    Expire,
    /// `UIDL`.
    Uidl,
    /// `IMPLEMENTATION text`.
    Implementation,
    /// `STLS`.
    Stls,
    /// `AUTH-RESP-CODE`.
    AuthRespCode,
    /// `UTF8 [USER]`.
    Utf8,
    /// `LANG`.
    Lang,
}

impl CapabilityKind {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Top, "TOP"),
        (Self::User, "USER"),
        (Self::Sasl, "SASL"),
        (Self::RespCodes, "RESP-CODES"),
        (Self::LoginDelay, "LOGIN-DELAY"),
        (Self::Pipelining, "PIPELINING"),
        (Self::Expire, "EXPIRE"),
        (Self::Uidl, "UIDL"),
        (Self::Implementation, "IMPLEMENTATION"),
        (Self::Stls, "STLS"),
        (Self::AuthRespCode, "AUTH-RESP-CODE"),
        (Self::Utf8, "UTF8"),
        (Self::Lang, "LANG"),
    ];

    /// Its tag.
    pub fn tag(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, tag)| tag)
    }
}

/// Whether a value is the user's own or holds for all of them (RFC 2449 s 6.5, 6.7: `USER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum Scope {
    /// As it stands.
    Fixed,
    /// It may be another after the log-in: read it again then.
    PerUser,
}

/// `LOGIN-DELAY` (RFC 2449 s 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 2449 s 6.5
pub struct LoginDelay {
    /// Between two log-ins at least.
    pub seconds: u32,
    /// Whose value this is.
    pub scope: Scope,
}

/// `EXPIRE` (RFC 2449 s 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 2449 s 6.7
pub struct Expire {
    /// Days that messages stay at least; `None`: `NEVER`, they are not deleted. 0: they must not be left there.
    pub days: Option<u32>,
    /// Whose value this is.
    pub scope: Scope,
}

/// One line of the answer to CAPA, kept as it came: `capa-tag *(SP param)` (RFC 2449 s 3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capability<B = Bytes>(B);

impl<'a> Capability<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`TextError`] if it does not begin with a tag.
    pub fn parse(line: &'a [u8]) -> Result<Self, TextError> {
        Keyword::parse(word(line).0)?;
        crate::Text::parse(line)?;
        Ok(Self(line))
    }

    /// The same with its text kept in `frame`.
    pub fn in_frame(&self, frame: &Bytes) -> Capability {
        Capability(slice_of(frame, self.0))
    }
}

impl<B: AsRef<[u8]>> Capability<B> {
    /// The whole line.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// The tag, as it was written.
    pub fn tag(&self) -> &[u8] {
        word(self.as_bytes()).0
    }

    /// Which one, if it has a meaning here. RFC 2449 s 5: "CAPA response tags are case-insensitive".
    pub fn kind(&self) -> Option<CapabilityKind> {
        let tag = self.tag();
        let found = CapabilityKind::ALL.iter().find(|(_, name)| tag.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(kind, _)| *kind)
    }

    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = &[u8]> {
        let params = word(self.as_bytes()).1.unwrap_or_default();
        params.split(|octet| *octet == b' ').filter(|param| !param.is_empty())
    }

    /// Writes it with its CRLF.
    pub fn write(&self, output: &mut BytesMut) {
        output.put_slice(self.as_bytes());
        output.put_slice(b"\r\n");
    }
}

impl<B: AsRef<[u8]>> fmt::Debug for Capability<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capability({:?})", printable(self.as_bytes()))
    }
}

/// What a server can do, in its order, with what nobody knows kept.
///
/// ```
/// use mail46_pop3::{Capabilities, CapabilityKind};
/// let capabilities = Capabilities::parse(b"TOP\r\nsasl PLAIN SCRAM-SHA-256\r\nEXPIRE 60 USER\r\nX-NEW 1\r\n".split(|c| *c == b'\n'))?;
/// assert!(capabilities.has(CapabilityKind::Top));
/// assert_eq!(capabilities.mechanisms().count(), 2);
/// assert_eq!(capabilities.expire().and_then(|expire| expire.days), Some(60));
/// # Ok::<(), mail46_pop3::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// From lines with or without their ends; empty ones are passed over.
    ///
    /// # Errors
    /// [`TextError`]
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TextError> {
        let lines = lines.into_iter().map(|line| line.trim_ascii_end()).filter(|line| !line.is_empty());
        let all: Result<_, _> = lines
            .map(|line| Capability::parse(line).map(|c| Capability(Bytes::copy_from_slice(c.as_bytes()))))
            .collect();
        Ok(Self(all?))
    }

    pub(crate) fn push(&mut self, capability: Capability) {
        self.0.push(capability);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }

    /// The first of a kind.
    pub fn get(&self, kind: CapabilityKind) -> Option<&Capability> {
        self.0.iter().find(|capability| capability.kind() == Some(kind))
    }

    /// Whether there is one of this kind.
    pub fn has(&self, kind: CapabilityKind) -> bool {
        self.get(kind).is_some()
    }

    /// The names of the SASL mechanisms (RFC 2449 s 6.3).
    pub fn mechanisms(&self) -> impl Iterator<Item = &str> {
        let sasl = self.get(CapabilityKind::Sasl).into_iter();
        sasl.flat_map(Capability::params).filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// How long to wait between two log-ins (RFC 2449 s 6.5).
    pub fn login_delay(&self) -> Option<LoginDelay> {
        let capability = self.get(CapabilityKind::LoginDelay)?;
        let seconds = u32::try_from(number(capability.params().next()?)?).ok()?;
        Some(LoginDelay { seconds, scope: scope(capability.params().nth(1)) })
    }

    /// How long messages stay (RFC 2449 s 6.7).
    pub fn expire(&self) -> Option<Expire> {
        let capability = self.get(CapabilityKind::Expire)?;
        let days = match capability.params().next()? {
            never if never.eq_ignore_ascii_case(b"NEVER") => None,
            days => Some(u32::try_from(number(days)?).ok()?),
        };
        Some(Expire { days, scope: scope(capability.params().nth(1)) })
    }

    /// What the server is called (RFC 2449 s 6.9).
    pub fn implementation(&self) -> Option<&[u8]> {
        word(self.get(CapabilityKind::Implementation)?.as_bytes()).1
    }

    /// Whether user names and passwords may be UTF-8 (RFC 6856 s 2.2).
    pub fn takes_utf8_users(&self) -> bool {
        let utf8 = self.get(CapabilityKind::Utf8);
        utf8.is_some_and(|utf8| utf8.params().any(|param| param.eq_ignore_ascii_case(b"USER")))
    }
}

fn scope(param: Option<&[u8]>) -> Scope {
    match param {
        Some(param) if param.eq_ignore_ascii_case(b"USER") => Scope::PerUser,
        _ => Scope::Fixed,
    }
}
