//! The client's side of an exchange.

use std::fmt;

use crate::{
    Binding, Choice, Error, Limit, MESSAGE_LIMIT, Mechanism, Misuse, Nonce, ScramHash, Secret, anonymous,
    cram_md5, external, login, oauth, plain, scram::ScramClient,
};

/// One authentication, from the client's side.
///
/// The protocol asks for the [`initial`](Self::initial) response, gives each challenge to [`step`](Self::step) and
/// sends what it gets back, and calls [`succeed`](Self::succeed) when the server says that it has worked. All octets
/// are bare: base64 and the `=` for an empty initial response belong to the protocol.
///
/// ```
/// use mail46_sasl::{Secret, client::Exchange};
/// let mut exchange = Exchange::cram_md5("tim", &Secret::from("tanstaaftanstaaf"))?;
/// assert_eq!(exchange.name(), "CRAM-MD5");
/// assert!(exchange.initial().is_none()); // the server speaks first
/// let response = exchange.step(b"<1896.697170952@postoffice.reston.mci.net>")?;
/// assert_eq!(response.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890"); // RFC 2195
/// exchange.succeed()?;
/// # Ok::<(), mail46_sasl::Error>(())
/// ```
pub struct Exchange {
    mechanism: Mechanism,
    machine: Box<dyn Machine>,
    limit: usize,
    life: Life,
}

/// How `LOGIN` begins. The draft has the server speak first; some servers take the user name with the command, and
/// some take it for something else, so that only a caller who knows the server should save the round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum LoginStart {
    /// Wait for the prompt.
    ServerFirst,
    /// The user name is the initial response.
    UserName,
}

/// What a client logs in with, whichever mechanism it comes to; each takes what it needs.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)] // to be filled in; a new field would have to be seen
pub struct Credentials<'a> {
    /// Whom to act as; empty: oneself.
    pub authzid: &'a str,
    /// The user name. ANONYMOUS sends it as trace information.
    pub user: &'a str,
    /// The password, or the token.
    pub secret: &'a Secret,
    /// Host and port connected to, for OAUTHBEARER.
    pub server: Option<(&'a str, u16)>,
}

impl Exchange {
    /// The exchange of what a [`Selector`](crate::Selector) has chosen.
    ///
    /// OAUTHBEARER names the user as `authzid` if there is no other: servers want one (RFC 7628 s 3.1).
    ///
    /// # Errors
    /// [`Misuse`]: as that mechanism's own constructor.
    pub fn begin(choice: Choice, credentials: &Credentials<'_>, nonce: &Nonce) -> Result<Self, Misuse> {
        let Credentials { authzid, user, secret, server } = *credentials;
        let named = if authzid.is_empty() { user } else { authzid };
        match choice.mechanism {
            Mechanism::External => Self::external(authzid),
            Mechanism::OAuthBearer => Self::oauthbearer(named, secret, server),
            Mechanism::XOAuth2 => Self::xoauth2(named, secret),
            Mechanism::CramMd5 => Self::cram_md5(user, secret),
            Mechanism::Plain => Self::plain(authzid, user, secret),
            Mechanism::Login => Self::login(user, secret, LoginStart::ServerFirst),
            Mechanism::Anonymous => Self::anonymous(user),
            Mechanism::ScramSha256Plus | Mechanism::ScramSha256 => {
                Self::scram(ScramHash::Sha256, authzid, user, secret, choice.binding, nonce)
            }
            Mechanism::ScramSha1Plus | Mechanism::ScramSha1 => {
                Self::scram(ScramHash::Sha1, authzid, user, secret, choice.binding, nonce)
            }
        }
    }

    /// `PLAIN`. An empty `authzid` means to act as oneself.
    ///
    /// # Errors
    /// [`Misuse`]: an empty user or password, NUL in one of them, a password that is not UTF-8.
    pub fn plain(authzid: &str, user: &str, password: &Secret) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::Plain, plain::client(authzid, user, password)?))
    }

    /// `LOGIN`. Answers the first two challenges, whatever their prompts say.
    ///
    /// # Errors
    /// [`Misuse`]: an empty user or password, NUL, CR or LF in one of them.
    pub fn login(user: &str, password: &Secret, start: LoginStart) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::Login, login::LoginClient::new(user, password, start)?))
    }

    /// `CRAM-MD5`.
    ///
    /// # Errors
    /// [`Misuse`]: an empty user or password.
    pub fn cram_md5(user: &str, password: &Secret) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::CramMd5, cram_md5::CramClient::new(user, password)?))
    }

    /// `SCRAM-SHA-1`, or `SCRAM-SHA-1-PLUS` when `binding` is [`Binding::Bound`].
    ///
    /// # Errors
    /// [`Misuse`]: a name or password that SASLprep forbids or leaves nothing of.
    pub fn scram_sha1(
        authzid: &str,
        user: &str,
        password: &Secret,
        binding: Binding,
        nonce: &Nonce,
    ) -> Result<Self, Misuse> {
        Self::scram(ScramHash::Sha1, authzid, user, password, binding, nonce)
    }

    /// `SCRAM-SHA-256`, or `SCRAM-SHA-256-PLUS` when `binding` is [`Binding::Bound`].
    ///
    /// # Errors
    /// [`Misuse`]: a name or password that SASLprep forbids or leaves nothing of.
    pub fn scram_sha256(
        authzid: &str,
        user: &str,
        password: &Secret,
        binding: Binding,
        nonce: &Nonce,
    ) -> Result<Self, Misuse> {
        Self::scram(ScramHash::Sha256, authzid, user, password, binding, nonce)
    }

    fn scram(
        hash: ScramHash,
        authzid: &str,
        user: &str,
        password: &Secret,
        binding: Binding,
        nonce: &Nonce,
    ) -> Result<Self, Misuse> {
        let mechanism = match (hash, &binding) {
            (ScramHash::Sha1, Binding::Bound(_)) => Mechanism::ScramSha1Plus,
            (ScramHash::Sha1, _) => Mechanism::ScramSha1,
            (ScramHash::Sha256, Binding::Bound(_)) => Mechanism::ScramSha256Plus,
            (ScramHash::Sha256, _) => Mechanism::ScramSha256,
        };
        Ok(Self::of(mechanism, ScramClient::new(hash, authzid, user, password, &binding, nonce)?))
    }

    /// `OAUTHBEARER`. `server` is the host and port that the client connected to.
    ///
    /// # Errors
    /// [`Misuse`]: a token that is not a bearer token (RFC 6750 s 2.1), a control character in a name.
    pub fn oauthbearer(authzid: &str, token: &Secret, server: Option<(&str, u16)>) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::OAuthBearer, oauth::OAuthClient::bearer(authzid, token, server)?))
    }

    /// `XOAUTH2`.
    ///
    /// # Errors
    /// [`Misuse`]: as [`Self::oauthbearer`], or an empty user.
    pub fn xoauth2(user: &str, token: &Secret) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::XOAuth2, oauth::OAuthClient::xoauth2(user, token)?))
    }

    /// `EXTERNAL`. An empty `authzid` means to act as what the channel has proved.
    ///
    /// # Errors
    /// [`Misuse`]: NUL in the name.
    pub fn external(authzid: &str) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::External, external::client(authzid)?))
    }

    /// `ANONYMOUS`, with trace information or none.
    ///
    /// # Errors
    /// [`Misuse`]: over 255 characters, or some that the profile forbids (RFC 4505 s 3).
    pub fn anonymous(trace: &str) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::Anonymous, anonymous::client(trace)?))
    }

    fn of(mechanism: Mechanism, machine: impl Machine + 'static) -> Self {
        Self { mechanism, machine: Box::new(machine), limit: MESSAGE_LIMIT, life: Life::Running }
    }

    /// The same with another limit for a challenge than [`MESSAGE_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, octets: usize) -> Self {
        self.limit = octets;
        self
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The mechanism's name, for the command.
    pub fn name(&self) -> &'static str {
        self.mechanism.name()
    }

    /// The initial response. `None`: there is none, the server speaks first; an empty one is something else.
    ///
    /// It may go with the command if the protocol allows it and the line is not too long. If it does not go, the
    /// server's empty challenge is answered with it by [`step`](Self::step), also when a server overlooked it.
    pub fn initial(&self) -> Option<Secret> {
        (self.life == Life::Running).then(|| self.machine.initial()).flatten()
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// After an error the exchange is over and can only be cancelled (`*`). The one exception to that is not an
    /// error: a refused token is answered first, see [`server_error`](Self::server_error).
    pub fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        self.running()?;
        let answered = if challenge.len() > self.limit {
            Err(Limit::Message(self.limit).into())
        } else {
            self.machine.step(challenge)
        };
        if answered.is_err() {
            self.life = Life::Over;
        }
        answered
    }

    /// The server says that it has worked.
    ///
    /// # Errors
    /// [`Error::Peer`] if it cannot have: SCRAM without the server's signature, no secret asked for yet, a token
    /// refused before. Then the session must not be used.
    pub fn succeed(&mut self) -> Result<(), Error> {
        self.running()?;
        self.life = Life::Over;
        self.machine.succeed()
    }

    /// What the server said about a refused token: JSON (RFC 7628 s 3.2.2), at most as long as a challenge may be.
    ///
    /// [`step`](Self::step) has answered that challenge as the mechanism wants it; the failure itself follows as the
    /// protocol's reply.
    pub fn server_error(&self) -> Option<&[u8]> {
        self.machine.server_error()
    }

    fn running(&self) -> Result<(), Misuse> {
        if self.life == Life::Running { Ok(()) } else { Err(Misuse::Turn) }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Over,
}

/// One mechanism at the client.
pub(crate) trait Machine: Send + Sync {
    fn initial(&self) -> Option<Secret>;
    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error>;
    fn succeed(&mut self) -> Result<(), Error>;
    fn server_error(&self) -> Option<&[u8]> {
        None
    }
}

/// `PLAIN`, `EXTERNAL` and `ANONYMOUS`: the client says one thing, and says it once.
pub(crate) struct OneMessage(Option<Secret>);

impl OneMessage {
    pub(crate) fn new(message: Secret) -> Self {
        Self(Some(message))
    }
}

impl Machine for OneMessage {
    fn initial(&self) -> Option<Secret> {
        self.0.as_ref().map(Secret::duplicate)
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        let message = self.0.take().filter(|_| challenge.is_empty());
        message.ok_or(Error::Peer(crate::Peer::UnexpectedChallenge))
    }

    fn succeed(&mut self) -> Result<(), Error> {
        Ok(()) // nothing that the server could have proved
    }
}
