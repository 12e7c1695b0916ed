use bytes::Bytes;
use mail46_wire::{DotFault, LineError};
use zeroize::Zeroizing;

use crate::{DropListing, Reply, ScanListing, UidListing, Verb};

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server greeted, and said what it can do or that it does not know CAPA. Comes again behind TLS. A verb is owed.
    Ready,
    /// The server does not want us.
    Unwelcome(Reply),
    /// The server agreed to TLS: do the handshake, then say [`tls_established`](super::Connection::tls_established).
    TlsReady,
    /// The server refused STLS. Whether to go on is the caller's policy.
    TlsRefused(Reply),
    /// The server's challenge in AUTH, decoded. A response, or giving up, is owed.
    Challenge(Zeroizing<Vec<u8>>),
    /// The maildrop is open, and the capabilities are read anew. What a mechanism has to check of the server must have been
    /// checked before.
    Authenticated(Reply),
    /// The log-in failed; the response code may say why.
    AuthRefused(Reply),
    /// STAT.
    Stat(DropListing),
    /// A line of LIST, or the answer to `LIST msg`.
    Scan(ScanListing),
    /// A line of UIDL, or the answer to `UIDL msg`.
    UniqueId(UidListing),
    /// A line of another listing: LANG's.
    Line(Bytes),
    /// A listing is complete.
    ListingEnd(Verb),
    /// A message begins: `+OK` to RETR or TOP.
    MessageBegin(Reply),
    /// A part of the message, without the dots of transparency.
    Data(Bytes),
    /// The message is complete, which nothing but this says.
    MessageEnd {
        /// Its octets.
        octets: u64,
    },
    /// The reply to another command, or a refusal.
    Reply {
        /// To which.
        to: Verb,
        /// The reply.
        reply: Reply,
    },
    /// The server answered QUIT. With `-ERR` some messages were not removed (RFC 1939 s 6).
    Closed(Reply),
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
    /// What came is no line, or one without end.
    #[error("bad line: {0}")]
    BadLine(LineError),
    /// The line is no reply.
    #[error("not a reply")]
    NotAReply,
    /// A reply that nothing asked for: injected by somebody, or replies and commands are out of step.
    #[error("a reply to no command")]
    UnsolicitedReply,
    /// Octets in the clear behind the reply to STLS.
    #[error("octets in the clear behind the reply to STLS")]
    PlaintextAfterStls,
    /// A line of a listing, or the answer to STAT, that cannot be read, or whose numbers do not fit.
    #[error("a bad listing in the reply to {0:?}")]
    BadListing(Verb),
    /// A listing of more lines than the limit.
    #[error("a listing of more than {0} lines")]
    TooManyLines(usize),
    /// A message over the limit.
    #[error("a message of more than {0} octets")]
    MessageTooBig(u64),
    /// A message that [`Config::bare_newline`](super::Config::bare_newline) refuses.
    #[error("{0}")]
    BadMessage(DotFault),
    /// More challenges than the limit.
    #[error("too many challenges")]
    TooManyChallenges,
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
    /// A name or password that is not ASCII, to a server without `UTF8 USER` (RFC 6856 s 2.2).
    #[error("the server takes no names and passwords in UTF-8")]
    NeedsUtf8,
    /// APOP without a proper timestamp in the greeting.
    #[error("the server gave no timestamp for APOP")]
    NoTimestamp,
    /// What no line can carry: a name or password that is empty, with CR, LF or NUL, or refused by SASLprep; a command of more
    /// than 255 octets (RFC 2449 s 4).
    #[error("a command that no line can carry")]
    Unwritable,
}
