//! SCRAM (RFC 5802, RFC 7677): the hash, the bounds, and its four chapters.

mod client;
mod keys;
pub(crate) mod message;
mod server;

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

pub(crate) use client::ScramClient;
pub use keys::{Decoy, ScramKeys};
pub(crate) use server::ScramServer;

use crate::{Misuse, Secret};

/// The iteration counts that either side goes along with.
///
/// RFC 7677 s 4: "SHOULD be at least 4096". The upper end is ours: about a second of work, where an unbounded count
/// is a "computational denial-of-service attack" (RFC 5802 s 9).
pub const ITERATIONS: RangeInclusive<u32> = 4_096..=1_000_000;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScramHash {
    /// SHA-1 (RFC 5802).
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
}

impl ScramHash {
    /// Octets of a hash, and so of every key.
    pub const fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }

    /// `H(str)`.
    pub(crate) fn hash(self, octets: &[u8]) -> Secret {
        match self {
            Self::Sha1 => wiped(Sha1::digest(octets).as_mut_slice()),
            Self::Sha256 => wiped(Sha256::digest(octets).as_mut_slice()),
        }
    }

    /// `HMAC(key, str)`, with `str` in parts.
    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Secret {
        fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Secret {
            // An HMAC key of any length will do (RFC 2104 s 2), so that the error of new_from_slice does not happen;
            // an empty result would fit nothing.
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Secret::default() };
            for part in parts {
                mac.update(part);
            }
            wiped(mac.finalize().into_bytes().as_mut_slice())
        }
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
        }
    }

    /// `Hi(str, salt, i)`, which is PBKDF2 (RFC 5802 s 2.2). The caller has checked `iterations`.
    pub(crate) fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Secret {
        let mut salted = Secret::from(vec![0; self.octets()]);
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, salted.expose_mut()),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, salted.expose_mut()),
        }
        salted
    }
}

/// Moves a result off the stack.
fn wiped(octets: &mut [u8]) -> Secret {
    let secret = Secret::from(&*octets);
    octets.zeroize();
    secret
}

/// A nonce: what makes one exchange unlike every other.
///
/// The caller brings the randomness; no two exchanges may have the same (RFC 5802 s 5.1).
///
/// ```
/// use mail46_sasl::Nonce;
/// let random = [0x5a; 18]; // from the operating system
/// assert_eq!(Nonce::from_random(&random).as_str(), "WlpaWlpaWlpaWlpaWlpaWlpa");
/// assert!(Nonce::new("with,comma,is,not,printable").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// 144 random bits, written in base64.
    pub fn from_random(random: &[u8; 18]) -> Self {
        Self(STANDARD.encode(random))
    }

    /// A nonce as it is to be sent.
    ///
    /// # Errors
    /// [`Misuse::Nonce`] if it is not 16 to 256 octets of `printable` (RFC 5802 s 7).
    pub fn new(text: &str) -> Result<Self, Misuse> {
        let fits = (16..=256).contains(&text.len()) && message::is_printable(text.as_bytes());
        fits.then(|| Self(text.to_owned())).ok_or(Misuse::Nonce)
    }

    /// The nonce as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
