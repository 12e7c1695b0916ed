use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Octets that must not be seen: a password, a token, a key, or a message that carries one.
///
/// They are overwritten on drop, `Debug` shows nothing of them (not even how many), there is no `Clone`, and `==`
/// takes the same time wherever two of the same length differ.
///
/// ```
/// use mail46_sasl::Secret;
/// let password = Secret::from("tanstaaftanstaaf");
/// assert_eq!(format!("{password:?}"), "Secret(..)");
/// assert_eq!(password.expose(), b"tanstaaftanstaaf");
/// assert_eq!(password, Secret::from("tanstaaftanstaaf"));
/// ```
#[derive(Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The octets themselves: for the one place that writes or checks them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A second one with the same octets; a word to look for in a review, which `clone` is not.
    pub fn duplicate(&self) -> Self {
        Self::from(self.expose())
    }

    /// The parts joined, with one allocation, so that no outgrown buffer stays behind unwiped.
    pub(crate) fn concat(parts: &[&[u8]]) -> Self {
        let mut all = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            all.extend_from_slice(part);
        }
        Self(Zeroizing::new(all))
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<&[u8]> for Secret {
    fn from(octets: &[u8]) -> Self {
        Self::from(octets.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Secret {
    fn from(octets: &[u8; N]) -> Self {
        Self::from(octets.to_vec())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}
