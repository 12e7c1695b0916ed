use std::collections::HashSet;

use bytes::Bytes;
use mail46_sasl::{ChannelBinding, Secret};
#[cfg(feature = "tls")]
use mail46_wire::net::TlsSettings;
use mail46_wire::net::{DriveError, Pace, Stream, Tls};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::client::{Config, Connection, Error, Event, PeerMisbehaved};
use crate::{
    Capabilities, Command, DropListing, MessageNumber, Reply, ScanListing, UidListing, UniqueId, Verb,
};

/// A POP3 client on a connection.
///
/// ```no_run
/// use mail46_pop3::{client::Config, net::{Client, Tls}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let tls = Tls::None;
/// let socket = tokio::net::TcpStream::connect("[2001:db8::110]:995").await?;
/// let mut client = Client::open(socket, Config::default(), tls).await?; // Tls::Implicit(…)
/// client.log_in("mrose", &"tanstaaf".into()).await?;
/// for (number, unique_id) in client.unique_ids().await? {
///     let mut message = client.retrieve(number).await?;
///     while let Some(part) = message.next().await? {
///         println!("{unique_id}: {} octets", part.len());
///     }
///     client.delete(number).await?;
/// }
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Client<T = tokio::net::TcpStream> {
    stream: Stream<T>,
    machine: Connection,
}

/// Why a client's session failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection broke, stood still, or the server broke the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError<Error>),
    /// The server does not want us.
    #[error("the server refuses the session: {0}")]
    Unwelcome(Reply),
    /// TLS is required and the server does not offer STLS: it cannot, or somebody took the word away.
    #[error("TLS is required and the server does not offer STLS")]
    NoTls,
    /// TLS is required and the server refused STLS.
    #[error("TLS is required and the server refused STLS: {0}")]
    TlsRefused(Reply),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// The server refused the credentials, or the maildrop; [`Reply::code`] may say which.
    #[error("log-in refused: {0}")]
    AuthRefused(Reply),
    /// The server's part of the SASL exchange is wrong; it may be an impostor.
    #[error("authentication: {0}")]
    Sasl(mail46_sasl::Error),
    /// The server refused a command.
    #[error("{} refused: {reply}", to.name())]
    Refused {
        /// Which.
        to: Verb,
        /// In these words.
        reply: Reply,
    },
    /// The server answered QUIT with `-ERR`: not all that was marked is removed (RFC 1939 s 6).
    #[error("messages may not be removed: {0}")]
    NotRemoved(Reply),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// Opens a session on a connection: TLS by policy, the greeting, the capabilities.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open(transport: T, config: Config, tls: Tls) -> Result<Self, ClientError> {
        // A handshake is awaited like a reply.
        let mut pace = Pace::default();
        pace.handshake = pace.handshake.min(config.timeouts.reply);
        let stream = Stream::with_pace(transport, pace);
        let mut client = Self { stream, machine: Connection::new(config) };
        client.implicit_tls(&tls).await?;
        client.ready().await?;
        client.start_tls(&tls).await?;
        Ok(client)
    }

    /// What the server said last that it can do; `None` if it does not know CAPA.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.machine.capabilities()
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.machine.is_tls()
    }

    /// Whether APOP may be tried.
    pub fn takes_apop(&self) -> bool {
        self.machine.timestamp().is_some()
    }

    /// What SASL can bind to: `tls-exporter` first where TLS has it, `tls-server-end-point`.
    pub fn channel_bindings(&self) -> Vec<ChannelBinding> {
        #[cfg(feature = "tls")]
        return ChannelBinding::of(
            self.stream.tls_exporter(),
            self.stream.tls_server_end_point().map(AsRef::as_ref),
        );
        #[cfg(not(feature = "tls"))]
        return Vec::new();
    }

    /// Logs in by USER and PASS.
    ///
    /// # Errors
    /// [`ClientError::AuthRefused`] if the server says no; a misuse outside TLS unless the configuration allows it.
    pub async fn log_in(&mut self, user: &str, password: &Secret) -> Result<Reply, ClientError> {
        self.machine.log_in(user, password).map_err(DriveError::Protocol)?;
        self.authenticated().await
    }

    /// Logs in by APOP.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in), and if the greeting had no proper timestamp.
    pub async fn apop(&mut self, user: &str, secret: &Secret) -> Result<Reply, ClientError> {
        self.machine.apop(user, secret).map_err(DriveError::Protocol)?;
        self.authenticated().await
    }

    async fn authenticated(&mut self) -> Result<Reply, ClientError> {
        match self.event().await? {
            Event::Authenticated(reply) => Ok(reply),
            Event::AuthRefused(reply) => Err(ClientError::AuthRefused(reply)),
            other => Err(unexpected(other)),
        }
    }

    /// Authenticates by SASL.
    ///
    /// # Errors
    /// [`ClientError::AuthRefused`] if the server says no; [`ClientError::Sasl`] if it does not prove itself.
    pub async fn authenticate(
        &mut self,
        mut exchange: mail46_sasl::client::Exchange,
    ) -> Result<Reply, ClientError> {
        let initial = exchange.initial();
        let initial = initial.as_ref().map(Secret::expose);
        self.machine.auth(exchange.name(), initial).map_err(DriveError::Protocol)?;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => match exchange.step(&challenge) {
                    Ok(response) => self.machine.respond(response.expose()).map_err(DriveError::Protocol)?,
                    Err(error) => {
                        self.machine.cancel_auth().map_err(DriveError::Protocol)?;
                        // What it says to that changes nothing.
                        self.event().await?;
                        return Err(ClientError::Sasl(error));
                    }
                },
                Event::Authenticated(reply) => {
                    exchange.succeed().map_err(ClientError::Sasl)?;
                    return Ok(reply);
                }
                Event::AuthRefused(reply) => return Err(ClientError::AuthRefused(reply)),
                other => return Err(unexpected(other)),
            }
        }
    }

    /// STAT.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stat(&mut self) -> Result<DropListing, ClientError> {
        self.send(&Command::Stat)?;
        match self.event().await? {
            Event::Stat(listing) => Ok(listing),
            other => Err(unexpected(other)),
        }
    }

    /// LIST: the messages and their sizes.
    ///
    /// # Errors
    /// [`ClientError`]; a listing that names a message twice is one.
    pub async fn list(&mut self) -> Result<Vec<ScanListing>, ClientError> {
        self.send(&Command::List(None))?;
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        loop {
            match self.event().await? {
                Event::Scan(scan) if seen.insert(scan.message) => all.push(scan),
                Event::Scan(_) => return Err(bad_listing(Verb::List)),
                Event::ListingEnd(_) => return Ok(all),
                other => return Err(unexpected(other)),
            }
        }
    }

    /// UIDL: the messages and their unique-ids.
    ///
    /// # Errors
    /// [`ClientError`]; a listing that names a message twice is one. A unique-id may come twice.
    pub async fn unique_ids(&mut self) -> Result<Vec<(MessageNumber, UniqueId)>, ClientError> {
        self.send(&Command::Uidl(None))?;
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        loop {
            match self.event().await? {
                Event::UniqueId(UidListing { message, unique_id }) if seen.insert(message) => {
                    all.push((message, unique_id));
                }
                Event::UniqueId(_) => return Err(bad_listing(Verb::Uidl)),
                Event::ListingEnd(_) => return Ok(all),
                other => return Err(unexpected(other)),
            }
        }
    }

    /// RETR: the message as a stream, which must be read to its end before anything else.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not have it.
    pub async fn retrieve(&mut self, message: MessageNumber) -> Result<Message<'_, T>, ClientError> {
        self.send(&Command::Retr(message))?;
        self.message().await
    }

    /// TOP: the header and so many lines of the body.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn top(&mut self, message: MessageNumber, lines: u64) -> Result<Message<'_, T>, ClientError> {
        self.send(&Command::Top { message, lines })?;
        self.message().await
    }

    /// Asks for messages that [`message`](Self::message) then gives one by one, in this order: with PIPELINING without waiting in
    /// between.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn request(&mut self, messages: &[MessageNumber]) -> Result<(), ClientError> {
        messages.iter().try_for_each(|message| self.send(&Command::Retr(*message)))
    }

    /// The next message that was asked for.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not have it: the others come all the same.
    pub async fn message(&mut self) -> Result<Message<'_, T>, ClientError> {
        match self.event().await? {
            Event::MessageBegin(reply) => Ok(Message { client: self, reply, octets: None }),
            other => Err(unexpected(other)),
        }
    }

    /// DELE: marks a message. QUIT removes what is marked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete(&mut self, message: MessageNumber) -> Result<(), ClientError> {
        self.delete_all(&[message]).await
    }

    /// DELE for each of these, with PIPELINING in one flight.
    ///
    /// # Errors
    /// The first refusal; the others were asked for all the same.
    pub async fn delete_all(&mut self, messages: &[MessageNumber]) -> Result<(), ClientError> {
        for message in messages {
            self.send(&Command::Dele(*message))?;
        }
        let mut result = Ok(());
        for _ in messages {
            match self.event().await? {
                Event::Reply { reply, .. } if reply.is_ok() => {}
                Event::Reply { to, reply } => result = result.and(Err(ClientError::Refused { to, reply })),
                other => return Err(unexpected(other)),
            }
        }
        result
    }

    /// Sends a command that is answered by one line: NOOP, RSET, UTF8, LANG with a range, ….
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server says no.
    pub async fn command(&mut self, command: &Command) -> Result<Reply, ClientError> {
        self.send(command)?;
        match self.event().await? {
            Event::Reply { reply, .. } if reply.is_ok() => Ok(reply),
            other => Err(unexpected(other)),
        }
    }

    /// Says QUIT, waits for its reply, and closes. Only with `Ok` is what was marked removed.
    ///
    /// # Errors
    /// [`ClientError::NotRemoved`] if the server says so.
    pub async fn quit(mut self) -> Result<Reply, ClientError> {
        self.machine.quit().map_err(DriveError::Protocol)?;
        let reply = match self.event().await? {
            Event::Closed(reply) => reply,
            other => return Err(unexpected(other)),
        };
        self.stream.close().await.ok();
        if reply.is_ok() { Ok(reply) } else { Err(ClientError::NotRemoved(reply)) }
    }

    fn send(&mut self, command: &Command) -> Result<(), ClientError> {
        Ok(self.machine.send(command).map_err(DriveError::Protocol)?)
    }

    async fn event(&mut self) -> Result<Event, ClientError> {
        Ok(self.stream.drive(&mut self.machine).await?)
    }

    async fn ready(&mut self) -> Result<(), ClientError> {
        match self.event().await? {
            Event::Ready => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    #[cfg(feature = "tls")]
    async fn implicit_tls(&mut self, tls: &Tls) -> Result<(), ClientError> {
        if let Tls::Implicit(settings) = tls {
            self.handshake(settings).await?;
            self.machine.set_implicit_tls();
        }
        Ok(())
    }

    #[cfg(feature = "tls")]
    async fn start_tls(&mut self, tls: &Tls) -> Result<(), ClientError> {
        let (settings, required) = match tls {
            Tls::Required(settings) => (settings, true),
            Tls::Opportunistic(settings) => (settings, false),
            Tls::None | Tls::Implicit(_) => return Ok(()),
        };
        if !self.machine.offers(crate::CapabilityKind::Stls) {
            return if required { Err(ClientError::NoTls) } else { Ok(()) };
        }
        self.machine.stls().map_err(DriveError::Protocol)?;
        match self.event().await? {
            Event::TlsReady => {}
            Event::TlsRefused(_) if !required => return Ok(()),
            Event::TlsRefused(reply) => return Err(ClientError::TlsRefused(reply)),
            other => return Err(unexpected(other)),
        }
        self.handshake(settings).await?;
        self.machine.tls_established().map_err(DriveError::Protocol)?;
        self.ready().await
    }

    #[cfg(feature = "tls")]
    async fn handshake(&mut self, settings: &TlsSettings) -> Result<(), ClientError> {
        let config = std::sync::Arc::clone(&settings.config);
        self.stream.connect_tls(config, settings.name.clone()).await.map_err(ClientError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    async fn implicit_tls(&mut self, _: &Tls) -> Result<(), ClientError> {
        Ok(())
    }

    #[cfg(not(feature = "tls"))]
    async fn start_tls(&mut self, _: &Tls) -> Result<(), ClientError> {
        Ok(())
    }
}

impl<T> std::fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// A message on its way. It is whole only when [`next`](Self::next) has said `None`: a connection that ends before is an error.
pub struct Message<'c, T = tokio::net::TcpStream> {
    client: &'c mut Client<T>,
    reply: Reply,
    octets: Option<u64>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Message<'_, T> {
    /// The first line of the answer.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The next part of it; `None` at its end.
    ///
    /// # Errors
    /// [`ClientError`]: the message will not be whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        if self.octets.is_some() {
            return Ok(None);
        }
        match self.client.event().await? {
            Event::Data(data) => Ok(Some(data)),
            Event::MessageEnd { octets } => {
                self.octets = Some(octets);
                Ok(None)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Its octets, once it is whole.
    pub fn octets(&self) -> Option<u64> {
        self.octets
    }
}

impl<T> std::fmt::Debug for Message<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("reply", &self.reply).finish_non_exhaustive()
    }
}

fn bad_listing(verb: Verb) -> ClientError {
    ClientError::Drive(DriveError::Protocol(Error::Peer(PeerMisbehaved::BadListing(verb))))
}

fn unexpected(event: Event) -> ClientError {
    match event {
        Event::Unwelcome(reply) => ClientError::Unwelcome(reply),
        Event::Reply { to, reply } => ClientError::Refused { to, reply },
        // The machine tells nothing else that was not asked for.
        _ => ClientError::Drive(DriveError::Protocol(Error::Peer(PeerMisbehaved::UnsolicitedReply))),
    }
}
