use bytes::Bytes;
use mail46_wire::{DotFault, LineError};
use zeroize::Zeroizing;

use crate::{Chunk, Command, Quirks, Reply, SyntaxError};

/// What happened. Each event but [`Data`](Self::Data) and [`Closed`](Self::Closed) wants a verb of the
/// [`Connection`](super::Connection) before it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A command that may come now.
    ///
    /// Answer with [`reply`](super::Connection::reply), or with what its success needs:
    /// [`accept_ehlo`](super::Connection::accept_ehlo), [`accept_data`](super::Connection::accept_data),
    /// [`accept_chunk`](super::Connection::accept_chunk), [`accept_tls`](super::Connection::accept_tls).
    Command {
        /// The command.
        command: Command,
        /// The departures from the grammar that were taken to understand it.
        tolerated: Quirks,
    },
    /// AUTH. Answer with [`challenge`](super::Connection::challenge) or [`reply`](super::Connection::reply).
    Auth(AuthRequest),
    /// The client's answer to a challenge, decoded. Answer as for [`Auth`](Self::Auth).
    AuthResponse(Zeroizing<Vec<u8>>),
    /// A part of the message, without the dots of transparency. Nothing to answer: call `next` when it is stored.
    Data(Bytes),
    /// A chunk of BDAT that is not the last has come whole. Answer with [`reply`](super::Connection::reply).
    ChunkEnd {
        /// Octets of the message until now.
        received: u64,
    },
    /// The message has come whole. Answer with [`reply`](super::Connection::reply), as often as it says.
    DataEnd(DataEnd),
    /// The protocol itself refuses something. Answer with this reply by [`reply`](super::Connection::reply), or with a better
    /// one that is no success.
    Refused {
        /// What the RFC answers.
        reply: Reply,
        /// Why.
        fault: Fault,
    },
    /// The session is over: write the output and close.
    Closed,
}

/// What AUTH asked for.
pub struct AuthRequest {
    /// The mechanism's name, as it was sent; one of [`Config::mechanisms`](super::Config::mechanisms).
    pub mechanism: Bytes,
    /// The initial response, decoded; an empty one (`=`) is not the same as none (RFC 4954 s 4).
    pub initial_response: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for AuthRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthRequest").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataEnd {
    /// Octets of the message.
    pub received: u64,
    /// How many replies are owed: 1, or in LMTP one for each accepted recipient, in their order (RFC 2033 s 4.2).
    pub replies: usize,
    /// Why the message cannot be accepted, if so, and the reply that says it. A success is then a misuse.
    pub fault: Option<(DataFault, Reply)>,
}

/// Why a message cannot be accepted. It was read to its true end all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataFault {
    /// Not in Internet message format.
    #[error("{0}")]
    Dot(DotFault),
    /// Over [`Config::message_size`](super::Config::message_size) (RFC 1870 s 6.4).
    #[error("message of more than {limit} octets")]
    TooBig {
        /// The limit.
        limit: u64,
    },
}

/// Why the protocol refuses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The line is no command.
    #[error("{0}")]
    Syntax(SyntaxError),
    /// The line is no line.
    #[error("{0}")]
    Line(LineError),
    /// Not now (RFC 5321 s 4.1.4).
    #[error("command out of sequence")]
    OutOfSequence,
    /// Not here: an extension that is not offered, or a command that does not exist.
    #[error("command not offered")]
    NotOffered,
    /// A parameter of an extension that is not offered (RFC 5321 s 4.1.1.11).
    #[error("parameter not offered")]
    Parameter,
    /// SIZE= over the limit (RFC 1870 s 6.1).
    #[error("declared size over the limit")]
    TooBig,
    /// Too many recipients (RFC 5321 s 4.5.3.1.8).
    #[error("too many recipients")]
    TooManyRecipients,
    /// Only inside TLS.
    #[error("needs TLS")]
    NeedsTls,
    /// Only for the authenticated.
    #[error("needs authentication")]
    NeedsAuth,
    /// The client gave up its authentication, or sent what is no base64 (RFC 4954 s 4).
    #[error("authentication given up")]
    AuthCancelled,
    /// What a chunk of BDAT holds cannot be accepted, and with it the message.
    #[error("{0}")]
    Message(DataFault),
    /// Too many faults: the reply is 421 and ends the session.
    #[error("too many errors")]
    TooManyErrors,
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
    /// Octets in the clear behind STARTTLS, which somebody may have put there (RFC 3207 s 4.2, 6).
    #[error("octets in the clear behind STARTTLS")]
    PlaintextAfterStartTls,
    /// More octets of a refused message than [`Limits::swallow`](super::Limits::swallow).
    #[error("refused message without end")]
    Endless,
}

/// Which verb did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The verb does not answer what was asked.
    #[error("this verb does not answer the present event")]
    WrongVerb,
    /// A success where only a refusal is possible.
    #[error("a success where only a refusal is possible")]
    SuccessAfterFault,
}

/// What the connection owes or awaits an answer to.
#[derive(Debug)]
pub(super) enum Pending {
    /// The greeting.
    Greeting,
    Command(crate::Verb, Chunked),
    /// A reply that must be a refusal; then on, or the end. It is written so often: LMTP has one to each recipient.
    Refusal {
        then: Then,
        replies: usize,
    },
    AuthResponse,
    ChunkEnd,
    DataEnd {
        replies: usize,
        faulty: bool,
    },
    /// 220 to STARTTLS is written; the handshake is the driver's.
    Handshake,
}

/// The chunk that the pending command brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    No,
    /// BDAT: it follows.
    Yes {
        size: u64,
        chunk: Chunk,
    },
    /// BURL: it is fetched.
    Elsewhere(Chunk),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    Close,
}
