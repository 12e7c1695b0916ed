use zeroize::Zeroizing;

use crate::{Reply, ReplyError, Verb};

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server greeted and took EHLO or HELO: the extensions are known. A verb is owed.
    Ready,
    /// The server does not want us: its greeting, or its reply to HELO, is a refusal. Only QUIT is of use.
    Unwelcome(Reply),
    /// The server agreed to TLS: do the handshake, then say [`tls_established`](super::Connection::tls_established).
    TlsReady,
    /// The server refused STARTTLS. Whether to go on is the caller's policy (RFC 3207 s 6).
    TlsRefused(Reply),
    /// The server's challenge in AUTH, decoded. A response, or giving up, is owed.
    Challenge(Zeroizing<Vec<u8>>),
    /// AUTH succeeded. What a mechanism has to check of the server must have been checked before.
    Authenticated(Reply),
    /// AUTH failed.
    AuthRefused(Reply),
    /// The server takes the message now: give it by [`data`](super::Connection::data) and
    /// [`finish_data`](super::Connection::finish_data).
    SendData,
    /// The transaction is over: one outcome for each recipient, in their order.
    Done(Vec<Outcome>),
    /// The reply to another command.
    Reply {
        /// To which.
        to: Verb,
        /// The reply.
        reply: Reply,
    },
    /// The server ends the session: it said 421 (RFC 5321 s 3.8), or answered QUIT.
    Closed(Reply),
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server took the message for it, and with it the responsibility (RFC 5321 s 6.1).
    Accepted(Reply),
    /// The server said no; whether for now or for ever is the reply's first digit.
    Refused {
        /// At which step.
        at: Stage,
        /// In these words.
        reply: Reply,
    },
    /// The connection ended between our final dot and the reply: perhaps delivered, perhaps not (RFC 1047). Trying again may
    /// deliver twice, not trying may lose.
    Ambiguous,
    /// The connection ended before the message was sent whole: not delivered.
    Lost,
}

impl Outcome {
    /// Whether the server took it.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// The steps at which a recipient can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// MAIL: the sender.
    Mail,
    /// RCPT: this recipient.
    Rcpt,
    /// DATA: before the message.
    Data,
    /// Behind the message.
    Message,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server did what no session survives. Close at once.
    #[error(transparent)]
    Peer(PeerMisbehaved),
    /// The application called a verb that does not fit. A fault of the program, never of the peer.
    #[error(transparent)]
    Misuse(Misuse),
}

/// What a server did that no session survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// What came is no reply, or one without end.
    #[error("bad reply: {0}")]
    BadReply(ReplyError),
    /// A reply that nothing asked for: injected by somebody, or replies and commands are out of step.
    #[error("a reply to no command")]
    UnsolicitedReply,
    /// Octets in the clear behind the reply to STARTTLS (RFC 3207 s 6).
    #[error("octets in the clear behind the reply to STARTTLS")]
    PlaintextAfterStartTls,
    /// A reply whose first digit does not fit its command, as 354 to MAIL.
    #[error("a {code} reply to {to:?}")]
    WrongReply {
        /// The command.
        to: Verb,
        /// The code.
        code: u16,
    },
    /// The message was accepted before it was sent.
    #[error("the message was answered before its end")]
    EarlyReply,
}

/// Which verb did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Not in this state.
    #[error("this verb does not fit the present state")]
    WrongVerb,
    /// The command has a verb of its own: `mail`, `start_tls`, `auth`, `quit`.
    #[error("this command has a verb of its own")]
    OwnVerb,
    /// More or fewer octets than [`Envelope::size`](super::Envelope::size) promised to BDAT.
    #[error("the message is not as long as was promised")]
    SizeBroken,
    /// The message holds a bare CR or LF, which must not be sent (RFC 5321 s 2.3.8).
    #[error("bare CR or LF in the message")]
    BareNewline,
}
