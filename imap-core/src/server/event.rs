use std::borrow::Cow;

use bytes::Bytes;
use mail46_sasl::Secret;
use zeroize::Zeroizing;

use super::Verb;
use crate::{Command, DateTime, FlagList, Mailbox, Numbering, SequenceSet};

/// What happened. What the protocol alone can answer is answered, and is no event; each event says which verb it wants.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// LOGIN. Answer with [`log_in`](super::Connection::log_in), or a refusal by [`complete`](super::Connection::complete).
    LogIn(LogIn),
    /// AUTHENTICATE. Answer with [`challenge`](super::Connection::challenge), or as [`LogIn`](Self::LogIn).
    Authenticate(AuthRequest),
    /// The client's answer to a challenge, decoded. Answer as [`Authenticate`](Self::Authenticate).
    AuthResponse(Zeroizing<Vec<u8>>),
    /// The client gave its authentication up, or sent what is no base64. It is answered already.
    AuthCancelled,
    /// STARTTLS. Answer with [`accept_tls`](super::Connection::accept_tls) or a refusal.
    StartTls,
    /// COMPRESS DEFLATE. Answer with [`accept_compress`](super::Connection::accept_compress) or a refusal.
    Compress,
    /// A command. Untagged responses may follow; [`complete`](super::Connection::complete) ends it.
    Command(Box<Request>),
    /// APPEND or REPLACE, with its first message. Answer with [`accept_message`](super::Connection::accept_message), or a
    /// refusal, upon which none of its octets is seen.
    Append(Box<AppendRequest>),
    /// Another message of the same APPEND (RFC 3502). Answer likewise.
    NextMessage(Box<IncomingMessage>),
    /// A part of a message that is made of parts (RFC 4469), of so many octets. Answer likewise.
    CatenateText(u64),
    /// A part of a message that is to be found there (RFC 4469 s 3). Answer likewise.
    CatenateUrl(Bytes),
    /// Octets of the present message.
    Data(Bytes),
    /// The present message is whole.
    MessageEnd,
    /// All messages are whole. Answer with [`complete`](super::Connection::complete).
    AppendEnd,
    /// IDLE. Answer with [`accept_idle`](super::Connection::accept_idle) or a refusal.
    Idle,
    /// The client said DONE. Answer with [`complete`](super::Connection::complete).
    IdleDone,
    /// The session is over: write the output and close.
    Closed,
}

/// A command and what it is called.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// Which it is.
    pub verb: Verb,
    /// What it says, and what the client calls it: search results name it.
    pub command: Command,
}

/// LOGIN's arguments.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogIn {
    /// Who.
    pub user: Vec<u8>,
    /// The password.
    pub password: Secret,
}

/// AUTHENTICATE's arguments.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthRequest {
    /// The mechanism, which the configuration offers.
    pub mechanism: Bytes,
    /// The initial response, decoded; an empty one is not none.
    pub initial_response: Option<Zeroizing<Vec<u8>>>,
}

/// APPEND or REPLACE.
#[derive(Debug)]
#[non_exhaustive]
pub struct AppendRequest {
    /// Where to.
    pub mailbox: Mailbox,
    /// The message that goes for it, for REPLACE (RFC 8508).
    pub replaces: Option<Replaced>,
    /// The first message.
    pub message: IncomingMessage,
}

/// What REPLACE replaces.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs)] // RFC 8508 s 4
pub struct Replaced {
    /// One number.
    pub message: SequenceSet,
    /// Of what kind.
    pub numbering: Numbering,
}

/// What is said of a message ahead of its octets.
#[derive(Debug)]
#[non_exhaustive]
pub struct IncomingMessage {
    /// Its flags.
    pub flags: FlagList,
    /// Its internal date.
    pub date: Option<DateTime>,
    /// How many octets; `None` if it is made of parts (RFC 4469).
    pub size: Option<u64>,
}

/// A tagged response: OK, NO or BAD, with a response code and text.
///
/// ```
/// use mail46_imap_core::server::Reply;
/// let reply = Reply::no("no such mailbox").with_code("NONEXISTENT");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(super) status: &'static str,
    pub(super) code: Option<Cow<'static, str>>,
    pub(super) text: Cow<'static, str>,
}

impl Reply {
    /// OK: it is done.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "OK", code: None, text: text.into() }
    }

    /// NO: it cannot be done.
    pub fn no(text: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "NO", code: None, text: text.into() }
    }

    /// BAD: it should not have been asked (RFC 9051 s 7.1.3).
    pub fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self { status: "BAD", code: None, text: text.into() }
    }

    /// The same with a response code, without its brackets.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Whether it says OK.
    pub fn is_ok(&self) -> bool {
        self.status == "OK"
    }
}

/// What ends a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol in a way that cannot be answered.
    #[error(transparent)]
    Peer(#[from] PeerMisbehaved),
    /// The application did.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// What a peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// Octets in clear text came behind STARTTLS (RFC 9051 s 6.2.1).
    #[error("octets in clear text behind STARTTLS")]
    PlaintextAfterStartTls,
    /// What should be compressed is no DEFLATE.
    #[error("octets that are not compressed behind COMPRESS")]
    NotDeflate,
}

/// What the application did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// This verb does not answer that event.
    #[error("a verb that does not answer the present event")]
    WrongVerb,
    /// A success that has a verb of its own.
    #[error("a success that has a verb of its own")]
    OwnVerb,
    /// This response must not be sent now (RFC 9051 s 7.5.1, RFC 7162 s 3.2.10).
    #[error("a response that must not be sent now")]
    NotNow,
    /// More or fewer octets than were announced.
    #[error("other than the announced number of octets")]
    Octets,
}
