use std::fmt;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use crate::text::slice_of;

/// The timestamp of a greeting, which APOP digests (RFC 1939 s 7): `<` … `@` … `>`.
///
/// It "MUST conform to RFC-822 msg-id" (RFC 2449 s 3), and is checked: a server that could choose any octets could choose
/// such as make MD5 collide, and learn the password from it, an octet a session.
///
/// ```
/// use mail46_pop3::{Digest, Timestamp};
/// let greeting = b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
/// let timestamp = Timestamp::find(greeting).expect("one");
/// assert_eq!(Digest::new(&timestamp, b"tanstaaf").to_string(), "c4c9334bac560ecc979e58001b3e22fb"); // RFC 1939 s 7
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp<B = Bytes>(B);

impl<'a> Timestamp<&'a [u8]> {
    /// Checks and borrows a timestamp with its angle brackets.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let inner = octets.strip_prefix(b"<")?.strip_suffix(b">")?;
        let mut sides = inner.split(|octet| *octet == b'@');
        // RFC 822's msg-id has quoted strings too, which no server sends here.
        let part = |side: &[u8]| {
            !side.is_empty() && side.iter().all(|c| c.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(c))
        };
        let fits = part(sides.next()?) && part(sides.next()?) && sides.next().is_none();
        fits.then_some(Self(octets))
    }

    /// The timestamp in a greeting.
    pub fn find(greeting: &'a [u8]) -> Option<Self> {
        let start = memchr::memchr(b'<', greeting)?;
        let rest = greeting.get(start..)?;
        let end = memchr::memchr(b'>', rest)?;
        Self::parse(rest.get(..=end)?)
    }

    /// The same with its text kept in `frame`, of which it must be a part, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Timestamp {
        Timestamp(slice_of(frame, self.0))
    }
}

impl<B: AsRef<[u8]>> Timestamp<B> {
    /// With its angle brackets.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// A copy that borrows nothing.
    pub fn to_owned(&self) -> Timestamp {
        Timestamp(Bytes::copy_from_slice(self.as_bytes()))
    }
}

/// The digest of APOP. Equality takes the same time wherever two differ, and `Debug` shows nothing: who has it can guess
/// passwords at leisure.
#[derive(Clone, Copy)]
pub struct Digest([u8; 16]);

impl Digest {
    /// MD5 over the timestamp and the shared secret.
    pub fn new<B: AsRef<[u8]>>(timestamp: &Timestamp<B>, secret: &[u8]) -> Self {
        let mut text =
            Zeroizing::new(Vec::with_capacity(timestamp.as_bytes().len().saturating_add(secret.len())));
        text.extend_from_slice(timestamp.as_bytes());
        text.extend_from_slice(secret);
        Self(Md5::digest(&text[..]).into())
    }

    /// RFC 1939 s 7: 32 hexadecimal digits, "using lower-case ASCII characters".
    pub(crate) fn parse(hex: &[u8]) -> Option<Self> {
        let mut octets = [0; 16];
        if hex.len() != 32 {
            return None;
        }
        for (octet, pair) in octets.iter_mut().zip(hex.chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit.wrapping_sub(b'0'),
                    b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
                    _ => return None,
                };
                *octet = *octet << 4 | value;
            }
        }
        Some(Self(octets))
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |differ, (one, two)| differ | (one ^ two)) == 0
    }
}

impl Eq for Digest {}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_msg_id_is_digested() {
        let rows: &[(&[u8], bool, &str)] = &[
            (b"ready <1896.697170952@dbc.mtview.ca.us>", true, "RFC 1939 s 7"),
            (b"<a@b> x", true, "text behind it"),
            (b"ready", false, "none"),
            (b"<ab>", false, "no @"),
            (b"<a@b@c>", false, "two"),
            (b"<@b>", false, "nothing on one side"),
            (b"<a@>", false, "nothing on the other"),
            (b"<a@\x80\xfe>", false, "octets that help MD5 to collide"),
            (b"<a b@c>", false, "a space"),
            (b"<a@b", false, "no end"),
            (b"<<a@b>", false, "two beginnings"),
        ];
        for (greeting, found, shows) in rows {
            assert_eq!(Timestamp::find(greeting).is_some(), *found, "{shows}");
        }
    }
}
