use std::{future::Future, io};

use bytes::Bytes;
use mail46_sasl::server::{Answer, Identity, Question};
use mail46_wire::net::Peer;

use crate::server::{Message, Part, Utf8};
use crate::{Command, Expire, LanguageRange, LoginDelay, MessageNumber, Reply};

/// What a server needs to know: who may in, and where a user's mail is.
pub trait Service: Send + Sync + 'static {
    /// A user's mail while a session has it.
    type Maildrop: Maildrop;

    /// What log-ins need to know: whether a password fits, what keys a user has, whose a token is. APOP asks for the shared
    /// secret. Default: nobody is known.
    fn question(&self, peer: &Peer, question: &Question) -> impl Future<Output = Answer> + Send {
        let _ = (peer, question);
        async { Answer::Reject }
    }

    /// Opens and locks a user's maildrop (RFC 1939 s 4: "an exclusive-access lock"). `Err`: the refusal, with `[IN-USE]` if
    /// another session has it, `[LOGIN-DELAY]`, `[SYS/TEMP]` or `[SYS/PERM]`.
    fn open(
        &self,
        peer: &Peer,
        identity: &Identity,
    ) -> impl Future<Output = Result<Self::Maildrop, Reply>> + Send;

    /// LANG with a range, if [`Config::lang`](crate::server::Config::lang) offers it. Default: refused.
    fn lang(&self, range: &LanguageRange) -> impl Future<Output = Reply> + Send {
        let _ = range;
        async { Reply::err(None, "no such language") }
    }

    /// The languages that LANG lists, each with its name in itself.
    fn languages(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    /// A command that is not one of POP3's. Default: refused.
    fn command(&self, command: &Command) -> impl Future<Output = Reply> + Send {
        let _ = command;
        async { Reply::err(None, "unknown command") }
    }
}

/// A user's mail, locked for one session. Dropping it gives the lock back; whatever was not committed stays.
pub trait Maildrop: Send {
    /// The messages, in an order that gives them their numbers. Sizes count each line end as two octets (RFC 1939 s 11).
    fn list(&mut self) -> impl Future<Output = io::Result<Vec<Message>>> + Send;

    /// Octets of a message as it is stored, from this offset on: as many as are at hand, none at its end.
    fn read(&mut self, message: MessageNumber, from: u64) -> impl Future<Output = io::Result<Bytes>> + Send;

    /// Whether the message cannot be sent outside UTF-8 mode (RFC 6856 s 2.1). Default: it can.
    fn needs_utf8(&mut self, message: MessageNumber) -> impl Future<Output = bool> + Send {
        let _ = message;
        async { false }
    }

    /// How long this user's messages stay (RFC 2449 s 6.7). Default: as configured.
    fn expire(&self) -> Option<Expire> {
        None
    }

    /// How long this user has to wait between two log-ins (RFC 2449 s 6.5). Default: as configured.
    fn login_delay(&self) -> Option<LoginDelay> {
        None
    }

    /// Removes these messages, all or none, for the client said QUIT (RFC 1939 s 6).
    fn commit(&mut self, deleted: &[MessageNumber]) -> impl Future<Output = io::Result<()>> + Send;
}

/// Whether a message may be sent now.
pub(super) async fn is_sendable(
    maildrop: &mut impl Maildrop,
    message: MessageNumber,
    utf8: Utf8,
    _: Part,
) -> bool {
    utf8 == Utf8::On || !maildrop.needs_utf8(message).await
}
