use std::{fmt, str::FromStr};

use crate::scram::ScramHash;

/// The mechanisms that both sides speak, strongest first within a kind of credential.
///
/// ```
/// use mail46_sasl::Mechanism;
/// let mechanism: Mechanism = "scram-sha-256".parse()?; // protocols compare the names without regard to case
/// assert_eq!(mechanism.name(), "SCRAM-SHA-256");
/// # Ok::<(), mail46_sasl::UnknownMechanism>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// `EXTERNAL` (RFC 4422 appendix A): what the channel has proved, a client certificate.
    External,
    /// `OAUTHBEARER` (RFC 7628).
    OAuthBearer,
    /// `XOAUTH2`, which preceded it.
    XOAuth2,
    /// `SCRAM-SHA-256-PLUS` (RFC 7677).
    ScramSha256Plus,
    /// `SCRAM-SHA-256` (RFC 7677).
    ScramSha256,
    /// `SCRAM-SHA-1-PLUS` (RFC 5802).
    ScramSha1Plus,
    /// `SCRAM-SHA-1` (RFC 5802).
    ScramSha1,
    /// `CRAM-MD5` (RFC 2195).
    CramMd5,
    /// `PLAIN` (RFC 4616).
    Plain,
    /// `LOGIN` (draft-murchison-sasl-login).
    Login,
    /// `ANONYMOUS` (RFC 4505).
    Anonymous,
}

/// Which side speaks first (RFC 4422 s 5, item 2a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the RFC's third, "variable", is DIGEST-MD5's
pub enum FirstSpeaker {
    /// An initial response may be sent; without one the first challenge is empty.
    Client,
    /// An initial response is an error.
    Server,
}

/// A name that is none of [`Mechanism::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown SASL mechanism")]
pub struct UnknownMechanism;

impl Mechanism {
    /// All of them, in the order in which [`Selector`](crate::Selector) tries them.
    pub const ALL: [Self; 11] = [
        Self::External,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::ScramSha1Plus,
        Self::ScramSha1,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::Anonymous,
    ];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::External => "EXTERNAL",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::CramMd5 => "CRAM-MD5",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// Which side speaks first. `LOGIN` is a server-first mechanism, but see [`LoginStart`](crate::client::LoginStart).
    pub const fn first_speaker(self) -> FirstSpeaker {
        match self {
            Self::CramMd5 | Self::Login => FirstSpeaker::Server,
            _ => FirstSpeaker::Client,
        }
    }

    /// Whether the server, and who listens, gets something that can be used again: a password or a token.
    ///
    /// Such a mechanism must not be offered or used outside TLS (RFC 4616 s 5, RFC 7628 s 3).
    pub const fn reveals_secret(self) -> bool {
        matches!(self, Self::Plain | Self::Login | Self::OAuthBearer | Self::XOAuth2)
    }

    /// The hash, if it is a SCRAM.
    pub const fn scram_hash(self) -> Option<ScramHash> {
        match self {
            Self::ScramSha256Plus | Self::ScramSha256 => Some(ScramHash::Sha256),
            Self::ScramSha1Plus | Self::ScramSha1 => Some(ScramHash::Sha1),
            _ => None,
        }
    }

    /// Whether it is bound to the channel: a `-PLUS`.
    pub const fn binds_channel(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }
}

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Self, UnknownMechanism> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or(UnknownMechanism)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
