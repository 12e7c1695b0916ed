use std::num::NonZeroU64;

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::{Continuation, FrameFault, Mode, Response, Status, StatusResponse, SyntaxError, Untagged};

/// A command that was said to a [`Connection`](super::Connection), in the order of saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(super) NonZeroU64);

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server greeted, and what it can do is known. Comes again behind TLS. With PREAUTH somebody is logged in already.
    Ready,
    /// The server does not want us: BYE.
    Unwelcome(StatusResponse),
    /// The server agreed to STARTTLS: do the handshake, then say [`tls_established`](super::Connection::tls_established).
    TlsReady,
    /// The server refused STARTTLS. Whether to go on is the caller's policy.
    TlsRefused(Completed),
    /// The server agreed to COMPRESS: from here on both sides compress; put the layer in, then say
    /// [`compression_established`](super::Connection::compression_established).
    CompressionReady,
    /// Somebody is logged in, the mechanism has checked what it has to check of the server, and the capabilities are known anew.
    Authenticated(Completed),
    /// The log-in failed.
    AuthRefused {
        /// In these words.
        completed: Completed,
        /// It was we who gave it up: the server's part was wrong.
        fault: Option<mail46_sasl::Error>,
    },
    /// The server agreed to IDLE, and will say what changes.
    Idling(CommandId),
    /// So many octets of a literal are [wanted](super::Connection::data) of the application: the server has said "+", or need not.
    Proceed {
        /// Of which command.
        id: CommandId,
        /// How many.
        octets: u64,
    },
    /// A response without a tag.
    Untagged {
        /// The command that it answers, if it answers one; else the server says it by itself.
        to: Option<CommandId>,
        /// What it says. A literal that was [handed over](Self::DataBegin) before is not in it.
        response: Box<Untagged>,
    },
    /// A long literal of a response begins: a message. Its octets follow, then the response itself.
    DataBegin(DataBegin),
    /// Octets of it, as they came.
    Data(Bytes),
    /// All of them have come.
    DataEnd,
    /// A command is over.
    Completed(Completed),
    /// A response that cannot be understood. The session goes on.
    Unintelligible(Unintelligible),
    /// A continuation request that nothing asked for. The session goes on.
    StrayContinuation(Continuation),
}

/// The end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completed {
    /// Which.
    pub id: CommandId,
    /// OK, NO or BAD, with code and text.
    pub status: StatusResponse,
    /// Whether all of it was sent before the server answered.
    pub sent: Sent,
}

impl Completed {
    /// Whether it succeeded: an OK to half a command is no success.
    pub fn is_ok(&self) -> bool {
        self.status.status == Status::Ok && self.sent == Sent::Whole
    }
}

/// How much of a command had been sent when the server answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum Sent {
    /// All of it.
    Whole,
    /// Up to a literal.
    Partly,
}

/// The response that a long literal is in, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataBegin {
    /// Octets that follow.
    pub size: u64,
    /// What came before: a FETCH whose last item the literal belongs to, if it is one.
    pub so_far: Option<Box<Untagged>>,
}

impl DataBegin {
    pub(super) fn of(head: &[u8], size: u64, mode: &Mode) -> Self {
        let head = Bytes::copy_from_slice(head);
        let streamed = [head.len()];
        let so_far = match Response::read(&mut Cursor::shared(&head, mode).with_streamed(&streamed)) {
            Ok(Response::Untagged(untagged)) => Some(Box::new(untagged)),
            _ => None,
        };
        Self { size, so_far }
    }
}

/// A response that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unintelligible {
    /// As it came; of one that is too long its beginning.
    pub octets: Bytes,
    /// Why.
    pub why: Why,
}

/// Why a response was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It is not of the grammar.
    #[error(transparent)]
    Syntax(SyntaxError),
    /// It is over a limit.
    #[error(transparent)]
    Frame(FrameFault),
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server did what no session survives. Close at once.
    #[error(transparent)]
    Peer(Peer),
    /// The server says that the log-in has worked, and has not proved what its mechanism asks: it may be an impostor. Close at once.
    #[error("authentication: {0}")]
    Sasl(mail46_sasl::Error),
    /// The application called a verb that does not fit. A fault of the program, never of the peer.
    #[error(transparent)]
    Misuse(Misuse),
}

/// What a server did that no session survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Peer {
    /// What came first is no greeting.
    #[error("not an IMAP server")]
    NotImap,
    /// PREAUTH outside TLS, which [`Config::preauth`](super::Config::preauth) forbids.
    #[error("the server opens the session as already logged in, and outside TLS anybody can say that")]
    PreauthInTheClear,
    /// Octets in the clear behind the answer to STARTTLS.
    #[error("octets in the clear behind the answer to STARTTLS")]
    PlaintextAfterStartTls,
    /// An answer to a command that was not said.
    #[error("an answer to a command that was not sent")]
    UnknownTag,
    /// The answer to a command cannot be read: it would never end.
    #[error("the answer to a command cannot be read")]
    Unreadable,
    /// A log-in that succeeds before all of it was said.
    #[error("success before the log-in was complete")]
    EarlySuccess,
    /// More challenges than [`Config::challenges`](super::Config::challenges), or one behind "*".
    #[error("too many challenges")]
    TooManyChallenges,
    /// More octets than the limit without the end of a command.
    #[error("more than {0} octets and no end of a command")]
    TooMuch(u64),
    /// A literal over the limit.
    #[error("a literal of {0} octets")]
    LiteralTooBig(u64),
    /// What came is not compressed as was agreed.
    #[error("what came is not compressed by DEFLATE")]
    NotCompressed,
    /// The connection ended, and the session has not.
    #[error("the server closed the connection in the middle of the session")]
    Closed,
}

/// Which verb did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Not in this state.
    #[error("this verb does not fit the present state")]
    WrongVerb,
    /// The command has a verb of its own.
    #[error("this command has a verb of its own")]
    OwnVerb,
    /// A password outside TLS, which [`Config::passwords`](super::Config::passwords) forbids.
    #[error("a password is not sent without TLS")]
    NeedsTls,
    /// LOGIN although the server says LOGINDISABLED (RFC 9051 s 6.2.3).
    #[error("the server has forbidden LOGIN")]
    LoginDisabled,
    /// More octets than were announced.
    #[error("more octets than the literal has")]
    TooMuchData,
    /// No literal is awaited.
    #[error("no literal is awaited")]
    NoLiteral,
}
