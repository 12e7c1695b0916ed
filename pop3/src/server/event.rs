use bytes::Bytes;
use mail46_sasl::Secret;
use zeroize::Zeroizing;

use crate::{Command, Digest, LanguageRange, MessageNumber, Name, UniqueId};

/// What happened. Each event but [`AuthCancelled`](Self::AuthCancelled) and [`Closed`](Self::Closed) wants a verb of the
/// [`Connection`](super::Connection) before it goes on. What the protocol alone can answer is answered, and is no event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Somebody wants in. Answer with [`open`](super::Connection::open) or a refusal by [`reply`](super::Connection::reply).
    LogIn(LogIn),
    /// AUTH. Answer with [`challenge`](super::Connection::challenge), or as [`LogIn`](Self::LogIn).
    Auth(AuthRequest),
    /// The client's answer to a challenge, decoded. Answer as [`Auth`](Self::Auth).
    AuthResponse(Zeroizing<Vec<u8>>),
    /// The client gave its authentication up, or sent what is no base64 (RFC 5034 s 4). It is answered already.
    AuthCancelled,
    /// STLS. Answer with [`accept_tls`](super::Connection::accept_tls) or a refusal.
    Stls,
    /// RETR or TOP. Answer with [`accept_message`](super::Connection::accept_message) or a refusal.
    Retrieve(Retrieve),
    /// LANG. Answer with [`reply`](super::Connection::reply), or [`list_languages`](super::Connection::list_languages) where no
    /// range is given.
    Lang(Option<LanguageRange>),
    /// QUIT in the TRANSACTION state: the UPDATE state (RFC 1939 s 6). These messages are to be removed, all or none, and no
    /// others; then [`reply`](super::Connection::reply). Comes also when there are none.
    Update(Vec<MessageNumber>),
    /// A command that is not one of ours. Answer with [`reply`](super::Connection::reply).
    Command(Command),
    /// The session is over: write the output and close. Without [`Update`](Self::Update) before it nothing is removed.
    Closed,
}

/// A log-in other than by AUTH.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogIn {
    /// USER and PASS.
    Password {
        /// The user.
        user: Name,
        /// What came behind PASS.
        password: Secret,
    },
    /// APOP: equal to [`Digest::new`] over the timestamp of the greeting and the user's secret?
    Apop {
        /// The user.
        user: Name,
        /// What the client made.
        digest: Digest,
    },
}

/// What AUTH asked for.
pub struct AuthRequest {
    /// The mechanism's name, as it was sent; one of [`Config::mechanisms`](super::Config::mechanisms).
    pub mechanism: crate::Mechanism,
    /// The initial response, decoded; an empty one (`=`) is not the same as none (RFC 5034 s 4).
    pub initial_response: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for AuthRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthRequest").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retrieve {
    /// Which message; it exists and is not marked as deleted.
    pub message: MessageNumber,
    /// All of it, or its top.
    pub part: Part,
    /// In which mode. RFC 6856 s 2.1: outside UTF-8 mode a message that needs it is refused with `[UTF8]`, or a surrogate sent.
    pub utf8: Utf8,
}

/// How much of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RETR and TOP
pub enum Part {
    /// RETR.
    All,
    /// TOP: the header, the empty line, and so many lines of the body. The machine counts.
    Top(u64),
}

/// Whether UTF-8 mode is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum Utf8 {
    /// It is.
    On,
    /// It is not.
    #[default]
    Off,
}

/// One message of a maildrop, as it is when the maildrop is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // RFC 1939 s 5, 7
pub struct Message {
    /// Its octets, each line end counted as two (RFC 1939 s 11).
    pub octets: u64,
    /// What it is called in all sessions.
    pub unique_id: UniqueId<Bytes>,
}

/// Why a session ends without QUIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer did what no session survives.
    #[error(transparent)]
    Peer(PeerMisbehaved),
    /// The application called a verb that does not fit. A fault of the program, never of the peer.
    #[error(transparent)]
    Misuse(Misuse),
}

/// What a client did that no session survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// Octets in the clear behind STLS, which somebody may have put there.
    #[error("octets in the clear behind STLS")]
    PlaintextAfterStls,
}

/// Which verb did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The verb does not answer what was asked.
    #[error("this verb does not answer the present event")]
    WrongVerb,
    /// A success that has a verb of its own.
    #[error("a success that has a verb of its own")]
    OwnVerb,
    /// More messages than have numbers.
    #[error("more messages than have numbers")]
    TooManyMessages,
}
