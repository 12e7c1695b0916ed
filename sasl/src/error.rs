//! What ends an exchange at the client, and what a caller of either side may do wrong.

use crate::Unprepared;

/// Why a client's exchange cannot go on, sorted by whose fault it is.
///
/// The protocol cancels the exchange (`*` in SMTP, POP3 and IMAP) unless it has ended already. No message holds a
/// secret, or an octet of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server broke the mechanism, or is not the one that knows the password.
    #[error("the server's fault: {0}")]
    Peer(#[from] Peer),
    /// The server said no in the mechanism's own words (`e=` of SCRAM).
    #[error("the server refused: {0}")]
    Refused(ServerError),
    /// Something is larger than we let a peer make it, or smaller.
    #[error("over a limit: {0}")]
    Limit(#[from] Limit),
    /// The caller's fault; reading the code finds and mends it.
    #[error("misuse: {0}")]
    Misuse(#[from] Misuse),
}

/// What a server did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Peer {
    /// A challenge where the mechanism has none.
    #[error("a challenge that the mechanism does not have")]
    UnexpectedChallenge,
    /// A challenge that is not of the mechanism's grammar.
    #[error("a challenge that does not follow the grammar")]
    Malformed,
    /// A nonce that does not begin with ours, or adds nothing to it.
    #[error("a nonce that does not extend ours")]
    Nonce,
    /// A mandatory extension (`m=`): RFC 5802 s 5.1 wants failure.
    #[error("a mandatory extension")]
    MandatoryExtension,
    /// The server's signature is wrong: it does not know the password's keys.
    #[error("a wrong server signature")]
    Signature,
    /// Success before the mechanism was through: a server that has not proved to know what it must.
    #[error("success before the exchange was complete")]
    EarlySuccess,
    /// Success after the server had said in the mechanism's own words that there is none.
    #[error("success after an error challenge")]
    SuccessAfterError,
}

/// A limit that a peer's message passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// A message of more octets than this.
    #[error("a message of more than {0} octets")]
    Message(usize),
    /// One attribute of a SCRAM message that is longer than this.
    #[error("an attribute of more than {0} octets")]
    Attribute(usize),
    /// Fewer iterations than RFC 7677 s 4 wants: the password could be guessed from the exchange.
    #[error("too few iterations")]
    FewIterations,
    /// More iterations than we are willing to count (RFC 5802 s 9, "computational denial-of-service attack").
    #[error("too many iterations")]
    ManyIterations,
}

/// What a caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A nonce that is too short, too long, or not printable ASCII without comma.
    #[error("a nonce must be 16 to 256 printable ASCII octets without comma")]
    Nonce,
    /// A name or password that is empty, also after preparation.
    #[error("an empty name or password")]
    Empty,
    /// An octet that the mechanism cannot carry there.
    #[error("an octet that the mechanism cannot carry")]
    Octet,
    /// Text that is not UTF-8, or that SASLprep forbids.
    #[error("text that SASLprep forbids")]
    Preparation,
    /// A CRAM-MD5 challenge that is no `msg-id`.
    #[error("a challenge that is not <unique@host>")]
    Challenge,
    /// An iteration count outside 4,096 to 1,000,000.
    #[error("an iteration count outside 4096..=1000000")]
    Iterations,
    /// An empty or over-long salt, or a key of the wrong length.
    #[error("a salt or key of the wrong length")]
    Length,
    /// The mechanism is not of the family that this constructor makes.
    #[error("the mechanism is not one of those made here")]
    Mechanism,
    /// A `-PLUS` mechanism without channel binding data, or the data without the mechanism.
    #[error("channel binding data missing")]
    Binding,
    /// Not the turn of this verb: the exchange waits for something else or is over.
    #[error("not the turn of this verb")]
    Turn,
    /// An answer that does not fit the question; the question stands.
    #[error("an answer that does not fit the question")]
    Answer,
}

impl From<Unprepared> for Misuse {
    fn from(unprepared: Unprepared) -> Self {
        match unprepared {
            Unprepared::Empty => Self::Empty,
            _ => Self::Preparation,
        }
    }
}

/// `server-error-value` of RFC 5802 s 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// `invalid-encoding`.
    #[error("invalid-encoding")]
    InvalidEncoding,
    /// `extensions-not-supported`.
    #[error("extensions-not-supported")]
    ExtensionsNotSupported,
    /// `invalid-proof`: a wrong password.
    #[error("invalid-proof")]
    InvalidProof,
    /// `channel-bindings-dont-match`: someone sits between.
    #[error("channel-bindings-dont-match")]
    ChannelBindingsDontMatch,
    /// `server-does-support-channel-binding`: someone took the `-PLUS` names off the server's list.
    #[error("server-does-support-channel-binding")]
    ServerDoesSupportChannelBinding,
    /// `channel-binding-not-supported`.
    #[error("channel-binding-not-supported")]
    ChannelBindingNotSupported,
    /// `unsupported-channel-binding-type`.
    #[error("unsupported-channel-binding-type")]
    UnsupportedChannelBindingType,
    /// `unknown-user`.
    #[error("unknown-user")]
    UnknownUser,
    /// `invalid-username-encoding`.
    #[error("invalid-username-encoding")]
    InvalidUsernameEncoding,
    /// `no-resources`.
    #[error("no-resources")]
    NoResources,
    /// `other-error`, and every value that the RFC does not have: "Unrecognized errors should be treated as
    /// other-error".
    #[error("other-error")]
    OtherError,
}

impl ServerError {
    pub(crate) fn parse(value: &[u8]) -> Self {
        match value {
            b"invalid-encoding" => Self::InvalidEncoding,
            b"extensions-not-supported" => Self::ExtensionsNotSupported,
            b"invalid-proof" => Self::InvalidProof,
            b"channel-bindings-dont-match" => Self::ChannelBindingsDontMatch,
            b"server-does-support-channel-binding" => Self::ServerDoesSupportChannelBinding,
            b"channel-binding-not-supported" => Self::ChannelBindingNotSupported,
            b"unsupported-channel-binding-type" => Self::UnsupportedChannelBindingType,
            b"unknown-user" => Self::UnknownUser,
            b"invalid-username-encoding" => Self::InvalidUsernameEncoding,
            b"no-resources" => Self::NoResources,
            _ => Self::OtherError,
        }
    }
}
