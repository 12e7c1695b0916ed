//! Which mechanism a client takes.

use crate::{Binding, ChannelBinding, Mechanism};

/// Chooses the best mechanism that a server offers and a client can serve.
///
/// ```
/// use mail46_sasl::{Credential, Layer, Mechanism, Selector};
/// let selector = Selector::new(Layer::Tls, &[Credential::Password]);
/// let choice = selector.select(["PLAIN", "LOGIN", "SCRAM-SHA-256"])?;
/// assert_eq!(choice.mechanism, Mechanism::ScramSha256);
/// // In the clear a password is not sent in the clear:
/// let selector = Selector::new(Layer::Clear, &[Credential::Password]);
/// assert!(selector.select(["PLAIN", "LOGIN"]).is_err());
/// # Ok::<(), mail46_sasl::Unselectable>(())
/// ```
#[derive(Clone, Debug)]
pub struct Selector {
    layer: Layer,
    credentials: Vec<Credential>,
    channel_bindings: Vec<ChannelBinding>,
    only: Option<Mechanism>,
    clear_text: ClearText,
}

/// What is under the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum Layer {
    /// Nothing: everybody on the way listens.
    Clear,
    /// TLS, with the server's certificate verified.
    Tls,
}

/// What a client can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password.
    Password,
    /// A bearer token.
    Token,
    /// The client certificate that TLS has used.
    Certificate,
    /// Nothing, and that is meant.
    Anonymous,
}

/// Whether what can be used again may be sent without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum ClearText {
    /// No.
    InsideTlsOnly,
    /// PLAIN and LOGIN may. Tokens never: RFC 7628 s 3 says MUST.
    PasswordsAllowed,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// What a SCRAM is to say about channel binding.
    pub binding: Binding,
}

/// No mechanism fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unselectable {
    /// The server offers none that fits what the client has.
    #[error("the server offers no mechanism that fits")]
    Nothing,
    /// One would fit, but it would show the password in the clear.
    #[error("the server offers only mechanisms that need TLS")]
    NeedsTls,
}

impl Selector {
    /// A selector for this layer and these credentials.
    pub fn new(layer: Layer, credentials: &[Credential]) -> Self {
        Self {
            layer,
            credentials: credentials.to_vec(),
            channel_bindings: Vec::new(),
            only: None,
            clear_text: ClearText::InsideTlsOnly,
        }
    }

    /// With channel binding data that TLS has given. The first is used: `tls-exporter` if there is one.
    #[must_use]
    pub fn with_channel_bindings(mut self, bindings: &[ChannelBinding]) -> Self {
        self.channel_bindings = bindings.to_vec();
        self
    }

    /// No other mechanism than this.
    #[must_use]
    pub fn only(mut self, mechanism: Mechanism) -> Self {
        self.only = Some(mechanism);
        self
    }

    /// Whether passwords may go in the clear.
    #[must_use]
    pub fn with_clear_text(mut self, clear_text: ClearText) -> Self {
        self.clear_text = clear_text;
        self
    }

    /// Chooses among the names that the server offers; names that are unknown here are passed over.
    ///
    /// # Errors
    /// [`Unselectable`] if none will do.
    pub fn select<'a>(&self, offered: impl IntoIterator<Item = &'a str>) -> Result<Choice, Unselectable> {
        let offered: Vec<&str> = offered.into_iter().collect();
        let binding = self.channel_bindings.first().filter(|_| self.layer == Layer::Tls);
        let fitting = Mechanism::ALL.into_iter().filter(|mechanism| {
            offered.iter().any(|name| name.parse() == Ok(*mechanism))
                && self.only.is_none_or(|only| only == *mechanism)
                && self.credentials.contains(&credential(*mechanism))
                && (binding.is_some() || !mechanism.binds_channel())
        });
        let mut needs_tls = false;
        for mechanism in fitting {
            if !self.may_use(mechanism) {
                needs_tls = true;
                continue;
            }
            // RFC 5802 s 6: "y" only if no -PLUS was seen at all; a server that binds fails a client that says so.
            let plus = || offered.iter().any(|name| name.to_ascii_uppercase().ends_with("-PLUS"));
            let binding = match binding {
                Some(binding) if mechanism.binds_channel() => Binding::Bound(binding.clone()),
                Some(_) if mechanism.scram_hash().is_some() && !plus() => Binding::NotOffered,
                _ => Binding::Unsupported,
            };
            return Ok(Choice { mechanism, binding });
        }
        Err(if needs_tls { Unselectable::NeedsTls } else { Unselectable::Nothing })
    }

    fn may_use(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            _ if self.layer == Layer::Tls => true,
            Mechanism::Plain | Mechanism::Login => self.clear_text == ClearText::PasswordsAllowed,
            Mechanism::External => false,
            _ => !mechanism.reveals_secret(),
        }
    }
}

fn credential(mechanism: Mechanism) -> Credential {
    match mechanism {
        Mechanism::External => Credential::Certificate,
        Mechanism::OAuthBearer | Mechanism::XOAuth2 => Credential::Token,
        Mechanism::Anonymous => Credential::Anonymous,
        _ => Credential::Password,
    }
}
