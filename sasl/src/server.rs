//! The server's side of an exchange.

use std::{fmt, mem, sync::Arc};

use bytes::Bytes;

use crate::{
    ChannelBinding, Decoy, FirstSpeaker, MESSAGE_LIMIT, Mechanism, Misuse, Nonce, OAuthError, ScramHash,
    ScramKeys, Secret, Strings, anonymous, cram_md5, external, login, oauth, plain, saslprep,
    scram::ScramServer,
};

/// One authentication, from the server's side.
///
/// Every verb gives the next [`Step`]. Look-ups are questions that the application answers when it has found out,
/// so that nothing here calls back or waits. Additional data with success is a last challenge whose answer is empty
/// (RFC 4422 s 5, item 2b), since SMTP, POP3 and IMAP cannot carry it with their replies.
///
/// ```
/// use mail46_sasl::{Secret, server::{Answer, Exchange, Question, Step}};
/// let mut exchange = Exchange::plain();
/// let Step::Question(Question::Password(presented)) = exchange.start(Some(b"\0tim\0tanstaaftanstaaf"))? else {
///     panic!("PLAIN asks for the password")
/// };
/// assert_eq!(presented.user, "tim");
/// let stored = Secret::from("tanstaaftanstaaf"); // looked up
/// let Step::Done(identity) = exchange.answer(Answer::Password(stored))? else { panic!("it fits") };
/// assert_eq!(identity.acts_as(), "tim");
/// # Ok::<(), mail46_sasl::Misuse>(())
/// ```
pub struct Exchange {
    mechanism: Mechanism,
    machine: Box<dyn Machine>,
    limit: usize,
    phase: Phase,
}

/// What the protocol or the application has to do next.
#[must_use = "the client waits"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // a fifth would break each driver, and should
pub enum Step {
    /// Send this challenge, which may be empty, and give the client's response to [`Exchange::step`].
    Challenge(Bytes),
    /// The application owes an [`Exchange::answer`].
    Question(Question),
    /// It has worked, and this is who it is: send the protocol's success.
    Done(Identity),
    /// It has not: send the protocol's failure.
    Failed(Failure),
}

/// Who the client is, and who it acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // protocols have log-ins of their own that end in one
pub struct Identity {
    /// The authentication identity: whose secret was used.
    pub authcid: String,
    /// The authorization identity, if the client named another: the application has allowed it.
    pub authzid: Option<String>,
}

impl Identity {
    /// Whose rights the session has.
    pub fn acts_as(&self) -> &str {
        self.authzid.as_deref().unwrap_or(&self.authcid)
    }
}

/// What only the application knows. All names are prepared by SASLprep as query strings.
#[derive(Debug)]
#[non_exhaustive]
pub enum Question {
    /// Is this the user's password? [`Answer::Password`] or [`Answer::ScramKeys`] with what is stored, or
    /// [`Answer::Accept`] after a check of the application's own; [`Answer::Reject`].
    Password(Presented),
    /// What is the secret shared with this user (CRAM-MD5)? [`Answer::Password`] or [`Answer::Reject`].
    SharedSecret {
        /// The user.
        user: String,
    },
    /// What are this user's keys? [`Answer::ScramKeys`], or [`Answer::Reject`], upon which the exchange goes on
    /// with the [`Decoy`] and fails as a wrong password does.
    ScramKeys {
        /// The user.
        user: String,
        /// The hash of the keys wanted.
        hash: ScramHash,
    },
    /// Whose token is this? [`Answer::Owner`]; [`Answer::Accept`] if it is the named user's; [`Answer::TokenError`]
    /// or [`Answer::Reject`].
    Token(PresentedToken),
    /// Whom does the client certificate of this connection name (EXTERNAL)? [`Answer::Owner`] or
    /// [`Answer::Reject`].
    Certificate {
        /// Whom the client wishes to act as, if not as the certificate's subject.
        authzid: Option<String>,
    },
    /// As whom do anonymous users act? [`Answer::Owner`] or [`Answer::Reject`].
    Anonymous {
        /// What the client says of itself; nothing vouches for it.
        trace: String,
    },
    /// May this user, who has proved who it is, act as another? [`Answer::Accept`] or [`Answer::Reject`].
    Authorize(Identity),
}

/// A user name and the password presented with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Presented {
    /// The user whose password it should be, prepared.
    pub user: String,
    /// The password as it came. A hash of a prepared password wants [`saslprep`] first.
    pub password: Secret,
}

/// A bearer token and what came with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct PresentedToken {
    /// The user named: the authorization identity of OAUTHBEARER, the user of XOAUTH2.
    pub user: Option<String>,
    /// The token. `None`: the client asks what is needed (RFC 7628 s 4.3), so that only [`Answer::TokenError`] or
    /// [`Answer::Reject`] fit.
    pub token: Option<Secret>,
    /// The host that the client says it connected to; RFC 7628 s 3.2 wants it compared with what the server knows.
    pub host: Option<String>,
    /// The port likewise.
    pub port: Option<u16>,
}

/// What the application found out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Yes.
    Accept,
    /// No, or no such user.
    Reject,
    /// The user's stored password.
    Password(Secret),
    /// The user's stored SCRAM keys.
    ScramKeys(ScramKeys),
    /// Who the token, the certificate or the anonymous user is.
    Owner(String),
    /// No, and what the client can do about it.
    TokenError(OAuthError),
}

/// Why an exchange failed. What the client is told of it is the protocol's choice, and should be little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A message longer than the limit (SMTP: 500 5.5.6).
    #[error("a message over the limit")]
    TooLong,
    /// A message that is not of the mechanism's grammar.
    #[error("a message that does not follow the grammar")]
    Malformed,
    /// An initial response to a mechanism in which the server speaks first (SMTP: 501 5.7.0).
    #[error("an initial response where the server speaks first")]
    InitialResponse,
    /// A mandatory extension of SCRAM (`m=`).
    #[error("a mandatory extension")]
    MandatoryExtension,
    /// A name that SASLprep forbids or leaves nothing of.
    #[error("a name that SASLprep forbids")]
    Preparation,
    /// Wrong, unknown or refused: no difference is made.
    #[error("wrong credentials")]
    Credentials,
    /// Authenticated, but not allowed to act as the identity asked for.
    #[error("not allowed to act as the identity asked for")]
    Unauthorized,
    /// The client bound to another channel: someone sits between.
    #[error("channel bindings do not match")]
    BindingMismatch,
    /// The client believes that we offer no channel binding, though we do: someone took `-PLUS` off the list.
    #[error("the client was not shown our channel binding")]
    Downgrade,
    /// The client wants a channel binding that we do not have, or none with a `-PLUS`.
    #[error("unsupported channel binding")]
    BindingUnsupported,
    /// The client cancelled the exchange (`*`; SMTP: 501).
    #[error("cancelled by the client")]
    Cancelled,
}

impl Exchange {
    /// `PLAIN`.
    pub fn plain() -> Self {
        Self::of(Mechanism::Plain, plain::PlainServer::default())
    }

    /// `LOGIN`.
    pub fn login() -> Self {
        Self::of(Mechanism::Login, login::LoginServer::default())
    }

    /// `CRAM-MD5` with the challenge `<unique@host>`, which must never repeat.
    ///
    /// # Errors
    /// [`Misuse::Challenge`] if it is not of that form.
    pub fn cram_md5(challenge: &str) -> Result<Self, Misuse> {
        Ok(Self::of(Mechanism::CramMd5, cram_md5::CramServer::new(challenge)?))
    }

    /// A SCRAM. `bindings` are those of the connection; they are empty exactly if no `-PLUS` name was offered. One
    /// `Arc<Decoy>` serves all connections.
    ///
    /// # Errors
    /// [`Misuse`]: a mechanism that is no SCRAM, a `-PLUS` without bindings.
    pub fn scram(
        mechanism: Mechanism,
        bindings: &[ChannelBinding],
        nonce: &Nonce,
        decoy: impl Into<Arc<Decoy>>,
    ) -> Result<Self, Misuse> {
        Ok(Self::of(mechanism, ScramServer::new(mechanism, bindings, nonce, decoy.into())?))
    }

    /// `OAUTHBEARER`.
    pub fn oauthbearer() -> Self {
        Self::of(Mechanism::OAuthBearer, oauth::OAuthServer::new(oauth::Dialect::OAuthBearer))
    }

    /// `XOAUTH2`.
    pub fn xoauth2() -> Self {
        Self::of(Mechanism::XOAuth2, oauth::OAuthServer::new(oauth::Dialect::XOAuth2))
    }

    /// `EXTERNAL`: only on a connection with a client certificate.
    pub fn external() -> Self {
        Self::of(Mechanism::External, external::ExternalServer::default())
    }

    /// `ANONYMOUS`.
    pub fn anonymous() -> Self {
        Self::of(Mechanism::Anonymous, anonymous::AnonymousServer)
    }

    /// The exchange of any mechanism, on one connection: what a server does that has offered `mechanism`. `host` stands in the
    /// challenge of `CRAM-MD5`; `bindings` as for [`scram`](Self::scram).
    ///
    /// # Errors
    /// [`Misuse`]: a `-PLUS` without bindings, a host that no challenge can have.
    pub fn begin(
        mechanism: Mechanism,
        nonce: &Nonce,
        host: &str,
        bindings: &[ChannelBinding],
        decoy: impl Into<Arc<Decoy>>,
    ) -> Result<Self, Misuse> {
        Ok(match mechanism {
            Mechanism::Plain => Self::plain(),
            Mechanism::Login => Self::login(),
            Mechanism::XOAuth2 => Self::xoauth2(),
            Mechanism::OAuthBearer => Self::oauthbearer(),
            Mechanism::External => Self::external(),
            Mechanism::Anonymous => Self::anonymous(),
            Mechanism::CramMd5 => {
                let unique: String = nonce.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
                Self::cram_md5(&format!("<{unique}@{host}>"))?
            }
            scram => Self::scram(scram, bindings, nonce, decoy)?,
        })
    }

    /// The log-ins that protocols had before SASL (IMAP's LOGIN, POP3's USER and PASS): the same question about a
    /// name and password that came another way.
    pub fn presented(user: &[u8], password: Secret) -> (Self, Step) {
        let mut machine = plain::PlainServer::default();
        let turn = machine.present(user, password);
        let mut exchange = Self::of(Mechanism::Plain, machine);
        let step = exchange.take(turn);
        (exchange, step)
    }

    fn of(mechanism: Mechanism, machine: impl Machine + 'static) -> Self {
        Self { mechanism, machine: Box::new(machine), limit: MESSAGE_LIMIT, phase: Phase::Start }
    }

    /// The same with another limit for a response than [`MESSAGE_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, octets: usize) -> Self {
        self.limit = octets;
        self
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Begins, with the initial response if the client sent one; an empty one is not none.
    ///
    /// # Errors
    /// [`Misuse::Turn`] if it has begun.
    pub fn start(&mut self, initial: Option<&[u8]>) -> Result<Step, Misuse> {
        if !matches!(self.phase, Phase::Start) {
            return Err(Misuse::Turn);
        }
        let turn = match (initial, self.mechanism.first_speaker()) {
            (Some(response), _) if response.len() > self.limit => Turn::Failed(Failure::TooLong),
            (Some(response), FirstSpeaker::Client) => self.machine.respond(response),
            (Some(response), FirstSpeaker::Server) => self.machine.initial(response),
            // RFC 4422 s 5, item 2a: without an initial response the first challenge is empty.
            (None, _) => Turn::Challenge(self.machine.prompt()),
        };
        Ok(self.take(turn))
    }

    /// The client's response to a challenge.
    ///
    /// # Errors
    /// [`Misuse::Turn`] if there was no challenge.
    pub fn step(&mut self, response: &[u8]) -> Result<Step, Misuse> {
        let turn = match mem::replace(&mut self.phase, Phase::Over) {
            Phase::Response | Phase::Confirm(_) if response.len() > self.limit => {
                Turn::Failed(Failure::TooLong)
            }
            Phase::Response => self.machine.respond(response),
            // RFC 4422 s 5, item 2b: "the response to this challenge is an empty response".
            Phase::Confirm(identity) if response.is_empty() => return Ok(Step::Done(identity)),
            Phase::Confirm(_) => Turn::Failed(Failure::Malformed),
            other => {
                self.phase = other;
                return Err(Misuse::Turn);
            }
        };
        Ok(self.take(turn))
    }

    /// The application's answer to the question.
    ///
    /// # Errors
    /// [`Misuse::Turn`] if there was no question, [`Misuse::Answer`] if the answer does not fit it.
    pub fn answer(&mut self, answer: Answer) -> Result<Step, Misuse> {
        match mem::replace(&mut self.phase, Phase::Over) {
            Phase::Answer => match self.machine.answer(answer) {
                Ok(turn) => Ok(self.take(turn)),
                Err(misuse) => {
                    self.phase = Phase::Answer;
                    Err(misuse)
                }
            },
            Phase::Authorize(identity) => match answer {
                Answer::Accept => Ok(self.conclude(identity)),
                Answer::Reject => Ok(Step::Failed(Failure::Unauthorized)),
                _ => {
                    self.phase = Phase::Authorize(identity);
                    Err(Misuse::Answer)
                }
            },
            other => {
                self.phase = other;
                Err(Misuse::Turn)
            }
        }
    }

    /// The client cancelled (`*`): the exchange is over.
    pub fn cancel(&mut self) -> Step {
        self.take(Turn::Failed(Failure::Cancelled))
    }

    fn take(&mut self, turn: Turn) -> Step {
        match turn {
            Turn::Challenge(challenge) => {
                self.phase = Phase::Response;
                Step::Challenge(challenge)
            }
            Turn::Question(question) => {
                self.phase = Phase::Answer;
                Step::Question(question)
            }
            Turn::Authenticated(identity) => self.authorize(identity),
            Turn::Failed(failure) => {
                self.phase = Phase::Over;
                Step::Failed(failure)
            }
        }
    }

    /// RFC 4422 s 3.4.1: an empty authorization identity is none. One that is another's is asked for before any
    /// success data goes out.
    fn authorize(&mut self, identity: Identity) -> Step {
        match &identity.authzid {
            Some(authzid) if *authzid != identity.authcid => {
                self.phase = Phase::Authorize(identity.clone());
                Step::Question(Question::Authorize(identity))
            }
            _ => self.conclude(Identity { authzid: None, ..identity }),
        }
    }

    fn conclude(&mut self, identity: Identity) -> Step {
        match self.machine.success_data() {
            Some(data) => {
                self.phase = Phase::Confirm(identity);
                Step::Challenge(data)
            }
            None => {
                self.phase = Phase::Over;
                Step::Done(identity)
            }
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

enum Phase {
    Start,
    Response,
    Answer,
    Authorize(Identity),
    /// The success data is out.
    Confirm(Identity),
    Over,
}

/// One mechanism at the server.
pub(crate) trait Machine: Send + Sync {
    /// The first challenge, if there was no initial response.
    fn prompt(&mut self) -> Bytes {
        Bytes::new()
    }

    /// An initial response, where the server speaks first.
    fn initial(&mut self, _response: &[u8]) -> Turn {
        // RFC 4954 s 4: "the server MUST reject".
        Turn::Failed(Failure::InitialResponse)
    }

    fn respond(&mut self, response: &[u8]) -> Turn;

    /// An answer that does not fit must leave everything as it was.
    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse>;

    /// Data that goes with success.
    fn success_data(&mut self) -> Option<Bytes> {
        None
    }
}

pub(crate) enum Turn {
    Challenge(Bytes),
    Question(Question),
    Authenticated(Identity),
    Failed(Failure),
}

impl Turn {
    pub(crate) fn authenticated(authcid: String, authzid: Option<String>) -> Self {
        Self::Authenticated(Identity { authcid, authzid })
    }
}

impl Presented {
    /// Checks an answer to [`Question::Password`].
    pub(crate) fn verify(&self, answer: Answer) -> Result<bool, Misuse> {
        match answer {
            Answer::Accept => Ok(true),
            Answer::Reject => Ok(false),
            Answer::Password(stored) => Ok(same_password(&self.password, &stored)),
            Answer::ScramKeys(keys) => Ok(keys.verify_password(&self.password)),
            Answer::Owner(_) | Answer::TokenError(_) => Err(Misuse::Answer),
        }
    }
}

/// A user name as it is looked up: prepared as a query string.
pub(crate) fn prepared(name: &str) -> Result<String, Failure> {
    saslprep(name, Strings::Query).map(|name| name.to_string()).map_err(|_| Failure::Preparation)
}

/// A name of octets: UTF-8 without NUL, and prepared.
pub(crate) fn prepared_octets(name: &[u8]) -> Result<String, Failure> {
    prepared(std::str::from_utf8(name).map_err(|_| Failure::Malformed)?)
}

/// An authorization identity: none if empty (RFC 4422 s 3.4.1), else prepared; RFC 4954 s 4: "If preparation … fails
/// or results in an empty string (unless it was transmitted as the empty string), the server MUST fail".
pub(crate) fn prepared_authzid(name: &str) -> Result<Option<String>, Failure> {
    if name.is_empty() { Ok(None) } else { prepared(name).map(Some) }
}

/// RFC 4616 s 2: both are prepared; "if preparation fails or results in an empty string, verification SHALL fail".
///
/// The stored one is let have unassigned code points too: it is at hand in the clear and goes through no hash, and
/// Unicode has grown since 3.2.
fn same_password(presented: &Secret, stored: &Secret) -> bool {
    let prepare = |password: &Secret| saslprep(password.as_str()?, Strings::Query).ok();
    match (prepare(presented), prepare(stored)) {
        (Some(presented), Some(stored)) => Secret::from(presented.as_str()) == Secret::from(stored.as_str()),
        _ => false,
    }
}
