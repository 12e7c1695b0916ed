//! Commands that carry secrets.

use std::fmt;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::string::{AString, Atom};
use crate::writer::Writer;

/// An astring that is not shown: a password.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAString<B = Bytes>(AString<B>);

impl SecretAString {
    /// Of a password.
    pub fn of(secret: &[u8]) -> Self {
        Self(AString::of(secret))
    }
}

impl<B: AsRef<[u8]>> SecretAString<B> {
    /// The password, for whoever checks it.
    pub fn expose(&self) -> &AString<B> {
        &self.0
    }
}

impl<B> fmt::Debug for SecretAString<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAString(…)")
    }
}

/// Base64 that is not shown: an initial response.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretOctets<B = Bytes>(B);

impl SecretOctets {
    /// Of base64. `None` if it is none; an empty response is `=`.
    pub fn of(base64: impl Into<Bytes>) -> Option<Self> {
        let base64 = base64.into();
        is_initial_response(&base64).then_some(Self(base64))
    }
}

impl<B: AsRef<[u8]>> SecretOctets<B> {
    /// The base64; `=` is an empty response.
    pub fn expose(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<B> fmt::Debug for SecretOctets<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretOctets(…)")
    }
}

/// `initial-resp = (base64 / "=")`, where base64 is not empty.
fn is_initial_response(octets: &[u8]) -> bool {
    if octets == b"=" {
        return true;
    }
    let digits = octets.strip_suffix(b"==").or_else(|| octets.strip_suffix(b"=")).unwrap_or(octets);
    let is_digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
    !octets.is_empty() && octets.len().is_multiple_of(4) && digits.iter().all(is_digit)
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)`, its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Authenticate<B = Bytes> {
    /// The SASL mechanism.
    pub mechanism: Atom<B>,
    /// Its initial response, in base64.
    pub initial: Option<SecretOctets<B>>,
}

impl<'a, B: Keep<'a>> Authenticate<B> {
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.sp()?;
        let mechanism = Atom::parse(c)?;
        if c.at_end() {
            return Ok(Self { mechanism, initial: None });
        }
        c.secret();
        c.sp()?;
        let rest = c.rest();
        let base64 = rest.strip_suffix(b"\r\n").unwrap_or(rest);
        if !is_initial_response(base64) {
            return Err(c.fault("base64"));
        }
        Ok(Self { mechanism, initial: Some(SecretOctets(c.take_kept(base64.len()))) })
    }
}

impl<B: AsRef<[u8]>> Authenticate<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.mechanism.write(out);
        if let Some(initial) = &self.initial {
            out.sp();
            out.put(initial.expose());
        }
    }
}

/// `login = "LOGIN" SP userid SP password`
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9051 s 9")]
pub struct Login<B = Bytes> {
    /// Who.
    pub user: AString<B>,
    /// The password.
    pub password: SecretAString<B>,
}

impl<'a, B: Keep<'a>> Login<B> {
    #[inline]
    pub(super) fn parse(c: &mut Cursor<'a, B>) -> Result<Self> {
        c.secret();
        c.sp()?;
        let user = AString::parse(c)?;
        c.sp()?;
        Ok(Self { user, password: SecretAString(AString::parse(c)?) })
    }
}

impl<B: AsRef<[u8]>> Login<B> {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.user.write(out);
        out.sp();
        self.password.0.write(out);
    }
}
