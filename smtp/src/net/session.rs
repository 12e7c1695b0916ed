use std::{future::Future, pin::Pin};

use bytes::Bytes;
use mail46_sasl::server::{Answer, Identity, Question};
use mail46_wire::{Host, net::Peer};

use crate::server::{DataFault, Dialect};
use crate::{Command, EnhancedCode, ForwardPath, Params, Reply, ReversePath};

/// Makes a [`Session`] for each connection.
pub trait Service: Send + Sync + 'static {
    /// What answers on one connection.
    type Session: Session;

    /// A new connection.
    fn session(&self, peer: &Peer) -> Self::Session;
}

impl<F, S> Service for F
where
    F: Fn(&Peer) -> S + Send + Sync + 'static,
    S: Session,
{
    type Session = S;

    fn session(&self, peer: &Peer) -> S {
        self(peer)
    }
}

/// How a client introduced itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hello {
    /// The name or address it gave. Nothing vouches for it (RFC 5321 s 4.1.4).
    pub host: Host,
    /// EHLO and LHLO know extensions, HELO does not.
    pub extended: bool,
    /// SMTP or LMTP.
    pub dialect: Dialect,
}

/// A server's part in one session, in the protocol's words. Whatever a method refuses with is the reply that is sent.
///
/// The order of commands, the limits, TLS and the data's end are seen to before a method is called. Every method but
/// those of the mail transaction has a default.
pub trait Session: Send {
    /// The connection is there. `Err`: a 554 or 421 instead of the greeting.
    fn greeting(&mut self) -> impl Future<Output = Result<(), Reply>> + Send {
        async { Ok(()) }
    }

    /// EHLO, HELO or LHLO. Its name alone is no reason to refuse (RFC 5321 s 4.1.4).
    fn ehlo(&mut self, hello: &Hello) -> impl Future<Output = Result<(), Reply>> + Send {
        let _ = hello;
        async { Ok(()) }
    }

    /// TLS is on; all that was said before is forgotten (RFC 3207 s 4.2). `description`: version and cipher, for trace
    /// headers.
    fn tls(&mut self, description: &str) -> impl Future<Output = ()> + Send {
        let _ = description;
        async {}
    }

    /// What AUTH needs to know: whether a password fits, what keys a user has, whose a token is.
    /// Default: nobody is known.
    fn question(&mut self, question: &Question) -> impl Future<Output = Answer> + Send {
        let _ = question;
        async { Answer::Reject }
    }

    /// AUTH succeeded.
    fn authenticated(&mut self, identity: Identity) -> impl Future<Output = ()> + Send {
        let _ = identity;
        async {}
    }

    /// MAIL begins a transaction.
    fn mail(
        &mut self,
        from: ReversePath,
        params: Params,
    ) -> impl Future<Output = Result<Reply, Reply>> + Send;

    /// RCPT names one recipient.
    fn rcpt(&mut self, to: ForwardPath, params: Params) -> impl Future<Output = Result<Reply, Reply>> + Send;

    /// The message, as a stream. With `Ok` the server takes responsibility for it (RFC 5321 s 6.1): it must be safe by
    /// then. What is not read of it is thrown away. After an error of [`Message::next`] nothing that is returned counts,
    /// and nothing of the message may be kept.
    fn data(&mut self, message: &mut Message<'_>) -> impl Future<Output = Result<Delivery, Reply>> + Send;

    /// The transaction is dropped: RSET, a new EHLO, TLS, or a connection that ended. It may be called twice for the same
    /// transaction, and where none was begun; the second time must change nothing.
    fn reset(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// VRFY, EXPN, HELP, ETRN, XCLIENT and the like. Default: 252, 214, 250 or 502.
    ///
    /// BURL comes here, too: a success to `BURL … LAST` says that the message was fetched and is safe. [`Message`] is one
    /// stream of octets that come over this connection, so that the driver refuses BDAT behind a BURL with 503 and ends a
    /// chunked message at a BURL. RFC 4468 s 3 lets a client mix them where both are offered: offer BURL here
    /// only without CHUNKING. The machine ([`server::Connection`](crate::server::Connection)) takes both in any order.
    fn command(&mut self, command: &Command) -> impl Future<Output = Reply> + Send {
        let reply = match command {
            // RFC 5321 s 3.5.3: a server that does not tell says 252.
            Command::Vrfy(..) => code(252, (2, 5, 0), "cannot VRFY user, but will take the message and try"),
            Command::Help(..) => code(214, (2, 0, 0), "RFC 5321"),
            Command::Noop(..) => code(250, (2, 0, 0), "ok"),
            _ => code(502, (5, 5, 1), "command not implemented"),
        };
        async { reply }
    }
}

/// What became of a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// The same for all recipients.
    All(Reply),
    /// LMTP: for each accepted recipient, in their order (RFC 2033 s 4.2). In SMTP the first that is no success counts, since
    /// there a message is taken for all or for none.
    Each(Vec<Reply>),
}

impl From<Reply> for Delivery {
    fn from(reply: Reply) -> Self {
        Self::All(reply)
    }
}

/// The message of a transaction while it comes in by DATA or BDAT.
pub struct Message<'a> {
    pub(super) source: &'a mut (dyn Source + Send),
}

impl Message<'_> {
    /// The next part of it, unstuffed; `None` at its end.
    ///
    /// # Errors
    /// [`MessageError`]: the message will not be whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, MessageError> {
        self.source.next().await
    }
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// Where a [`Message`] comes from, whatever the transport is.
pub(super) trait Source {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Result<Option<Bytes>, MessageError>> + Send + '_>>;
}

/// Why a message did not come whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It cannot be accepted; the reply is sent by the driver.
    #[error("{0}")]
    Refused(DataFault),
    /// The client gave it up between two chunks.
    #[error("given up by the client")]
    Aborted,
    /// The connection ended, or stood still too long.
    #[error("the connection ended inside the message")]
    Lost,
}

impl From<MessageError> for Reply {
    /// So that `?` works in [`Session::data`].
    fn from(error: MessageError) -> Self {
        code(451, (4, 3, 0), &error.to_string())
    }
}

pub(super) fn code(code: u16, (class, subject, detail): (u8, u16, u16), text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(class, subject, detail), text)
}
