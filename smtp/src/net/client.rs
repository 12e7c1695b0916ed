use std::io;

use bytes::BytesMut;
use mail46_sasl::ChannelBinding;
#[cfg(feature = "tls")]
use mail46_wire::net::TlsSettings;
use mail46_wire::net::{DriveError, Pace, Stream, Tls};
use mail46_wire::{Phase, Step};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

#[cfg(feature = "tls")]
use crate::ExtensionKind;
use crate::client::{Config, Connection, Envelope, Error, Event, Outcome, Unable};
use crate::{Command, Extensions, Reply};

/// Octets of a message that are read at a time, and that may wait to be written.
const BLOCK: usize = 64 * 1024;

/// An SMTP or LMTP client on a connection.
///
/// ```no_run
/// use mail46_smtp::client::{Config, Envelope};
/// use mail46_smtp::net::{Client, Tls};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = tokio::net::TcpStream::connect("[2001:db8::25]:25").await?;
/// let mut client = Client::open(socket, Config::new("client.example".parse()?), Tls::None).await?;
/// let message = b"Subject: hello\r\n\r\nover IPv6\r\n";
/// let from: mail46_smtp::Mailbox = "a@example.org".parse()?;
/// let envelope = Envelope::new(from, ["b@example.net".parse()?])
///     .with_size(u64::try_from(message.len())?);
/// for outcome in client.send(&envelope, &mut &message[..]).await? {
///     println!("{outcome:?}");
/// }
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Client<T = tokio::net::TcpStream> {
    stream: Stream<T>,
    machine: Connection,
    observer: Option<Observer>,
}

/// Sees what goes over the wire, in whole lines, with secrets and messages left out.
pub type Observer = Box<dyn FnMut(Direction, &[u8]) + Send>;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum Direction {
    /// We.
    Sent,
    /// The server.
    Received,
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
    /// TLS is required and the server does not offer STARTTLS: it cannot, or somebody took the word away.
    #[error("TLS is required and the server does not offer STARTTLS")]
    NoTls,
    /// TLS is required and the server refused STARTTLS.
    #[error("TLS is required and the server refused STARTTLS: {0}")]
    TlsRefused(Reply),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// The server refused the credentials.
    #[error("authentication refused: {0}")]
    AuthRefused(Reply),
    /// The server's part of the SASL exchange is wrong; it may be an impostor.
    #[error("authentication: {0}")]
    Sasl(mail46_sasl::Error),
    /// The server ended the session.
    #[error("the server ended the session: {0}")]
    Closed(Reply),
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The server cannot be given it; nothing was sent.
    #[error(transparent)]
    Unable(#[from] Unable),
    /// The message could not be read; the connection is given up, for what was begun cannot be taken back.
    #[error("reading the message: {0}")]
    Message(io::Error),
    /// The message itself cannot be sent (a bare CR or LF, or not the size that was said); the connection is given up.
    #[error("{0}")]
    Invalid(crate::client::Misuse),
    /// The connection failed. What became of each recipient stands beside the cause.
    #[error("{cause}")]
    Lost {
        /// One for each recipient.
        outcomes: Vec<Outcome>,
        /// Why.
        cause: Box<ClientError>,
    },
}

/// The machine with somebody who looks on.
struct Observed<'a> {
    machine: &'a mut Connection,
    observer: &'a mut Option<Observer>,
}

impl mail46_wire::Connection for Observed<'_> {
    type Event = Event;
    type Error = Error;

    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        let Some(observer) = self.observer.as_mut() else { return self.machine.next(input) };
        let (before, written) = (input.clone(), self.machine.output().len());
        let secret = self.machine.is_authenticating();
        let step = self.machine.next(input);
        let taken = before.len().saturating_sub(input.len());
        if let Some(taken) = before.get(..taken).filter(|taken| !taken.is_empty()) {
            observer(Direction::Received, taken);
        }
        if let Some(new) = self.machine.output().get(written..).filter(|new| !new.is_empty()) {
            tell(observer, new, secret);
        }
        step
    }

    fn output(&mut self) -> &mut BytesMut {
        self.machine.output()
    }

    fn timeout(&self) -> std::time::Duration {
        self.machine.timeout()
    }

    fn output_limit(&self) -> usize {
        self.machine.output_limit()
    }

    fn phase(&self) -> Phase {
        mail46_wire::Connection::phase(self.machine)
    }
}

/// Tells what we say, but no secret: of AUTH its name, of a response nothing.
fn tell(observer: &mut Observer, text: &[u8], secret: bool) {
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let mut words = line.splitn(3, |octet| *octet == b' ');
        match (words.next(), words.next(), words.next()) {
            (Some(b"AUTH"), Some(name), Some(_)) => {
                observer(Direction::Sent, &[b"AUTH ", name, b" ****\r\n"].concat());
            }
            (Some(b"AUTH"), ..) => observer(Direction::Sent, line),
            _ if secret && line != b"*\r\n" => observer(Direction::Sent, b"****\r\n"),
            _ => observer(Direction::Sent, line),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// Opens a session on a connection: TLS by policy, the greeting, EHLO.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open(transport: T, config: Config, tls: Tls) -> Result<Self, ClientError> {
        Self::open_observed(transport, config, tls, None).await
    }

    /// The same with somebody who looks on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open_observed(
        transport: T,
        config: Config,
        tls: Tls,
        observer: Option<Observer>,
    ) -> Result<Self, ClientError> {
        // No step of the server's waits longer than any of its replies may.
        let mut pace = Pace::default();
        pace.handshake = pace.handshake.min(config.timeouts.other);
        let mut client =
            Self { stream: Stream::with_pace(transport, pace), machine: Connection::new(config), observer };
        client.implicit_tls(&tls).await?;
        client.ready().await?;
        client.start_tls(&tls).await?;
        Ok(client)
    }

    /// What the server offers; `None` after HELO.
    pub fn extensions(&self) -> Option<&Extensions> {
        self.machine.extensions()
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.machine.is_tls()
    }

    /// TLS version and cipher, if TLS is on.
    pub fn tls_description(&self) -> Option<String> {
        #[cfg(feature = "tls")]
        return self.stream.tls_description();
        #[cfg(not(feature = "tls"))]
        return None;
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

    /// Authenticates.
    ///
    /// # Errors
    /// [`ClientError::AuthRefused`] if the server says no; [`ClientError::Sasl`] if it does not prove itself.
    pub async fn authenticate(
        &mut self,
        mut exchange: mail46_sasl::client::Exchange,
    ) -> Result<Reply, ClientError> {
        let initial = exchange.initial();
        let started = self.machine.auth(exchange.name(), initial.as_ref().map(mail46_sasl::Secret::expose));
        self.told(started, true)?;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => match exchange.step(&challenge) {
                    Ok(response) => {
                        let said = self.machine.respond(response.expose());
                        self.told(said, true)?;
                    }
                    Err(error) => {
                        let said = self.machine.cancel_auth();
                        self.told(said, true)?;
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

    /// Sends one message: its octets with CRLF line ends, unstuffed.
    ///
    /// # Errors
    /// [`SendError`]; after all but [`SendError::Unable`] the connection is of no more use.
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        message: &mut (impl AsyncRead + Unpin),
    ) -> Result<Vec<Outcome>, SendError> {
        let written = self.machine.output().len();
        self.machine.mail(envelope)?;
        self.tell_from(written, false);
        loop {
            match self.event().await {
                Ok(Event::SendData) => {
                    if let Some(outcomes) = self.send_data(message).await? {
                        return Ok(outcomes);
                    }
                }
                Ok(Event::Done(outcomes)) => return Ok(outcomes),
                Ok(other) => return Err(self.lost(unexpected(other))),
                Err(cause) => return Err(self.lost(cause)),
            }
        }
    }

    /// Gives the message. `Some`: the server ended it early.
    async fn send_data(
        &mut self,
        message: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Vec<Outcome>>, SendError> {
        let mut block = vec![0; BLOCK];
        let mut sent = 0usize;
        loop {
            let n = message.read(&mut block).await.map_err(SendError::Message)?;
            let Some(text) = block.get(..n).filter(|text| !text.is_empty()) else { break };
            self.machine.data(text).map_err(invalid)?;
            sent = sent.saturating_add(n);
            let mut machine = Observed { machine: &mut self.machine, observer: &mut self.observer };
            match self.stream.flush_above(&mut machine, BLOCK).await {
                Ok(None) => {}
                // The server has said its last word on this message already.
                Ok(Some(Event::Done(outcomes))) => return Ok(Some(outcomes)),
                Ok(Some(other)) => return Err(self.lost(unexpected(other))),
                Err(error) => return Err(self.lost(error.into())),
            }
        }
        if let Some(observer) = &mut self.observer {
            observer(Direction::Sent, format!("<{sent} octets>\r\n").as_bytes());
        }
        self.machine.finish_data().map_err(invalid)?;
        Ok(None)
    }

    /// Sends a command that has no method of its own: NOOP, RSET, VRFY, ….
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn command(&mut self, command: &Command) -> Result<Reply, ClientError> {
        let said = self.machine.send(command);
        self.told(said, false)?;
        match self.event().await? {
            Event::Reply { reply, .. } => Ok(reply),
            other => Err(unexpected(other)),
        }
    }

    /// Says QUIT, waits for its reply, and closes.
    ///
    /// # Errors
    /// [`ClientError`]; whatever was accepted before stays accepted.
    pub async fn quit(mut self) -> Result<Reply, ClientError> {
        let said = self.machine.quit();
        self.told(said, false)?;
        let reply = match self.event().await? {
            Event::Closed(reply) => reply,
            other => return Err(unexpected(other)),
        };
        self.stream.close().await.ok();
        Ok(reply)
    }

    async fn event(&mut self) -> Result<Event, ClientError> {
        let mut machine = Observed { machine: &mut self.machine, observer: &mut self.observer };
        Ok(self.stream.drive(&mut machine).await?)
    }

    /// A verb was called: tells what it wrote.
    fn told(&mut self, said: Result<(), Error>, secret: bool) -> Result<(), ClientError> {
        said.map_err(DriveError::Protocol)?;
        self.tell_from(0, secret);
        Ok(())
    }

    fn tell_from(&mut self, written: usize, secret: bool) {
        if let (Some(observer), Some(new)) = (self.observer.as_mut(), self.machine.output().get(written..)) {
            tell(observer, new, secret);
        }
    }

    fn lost(&mut self, cause: ClientError) -> SendError {
        SendError::Lost {
            outcomes: self.machine.connection_lost().unwrap_or_default(),
            cause: Box::new(cause),
        }
    }

    async fn ready(&mut self) -> Result<(), ClientError> {
        match self.event().await? {
            Event::Ready => Ok(()),
            Event::Unwelcome(reply) => {
                // RFC 5321 s 3.1: QUIT is what is left to say; whether it is heard matters to nobody.
                if self.machine.quit().is_ok() {
                    self.event().await.ok();
                }
                Err(ClientError::Unwelcome(reply))
            }
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
        if !self.machine.offers(ExtensionKind::StartTls) {
            return if required { Err(ClientError::NoTls) } else { Ok(()) };
        }
        let said = self.machine.start_tls();
        self.told(said, false)?;
        match self.event().await? {
            Event::TlsReady => {}
            Event::TlsRefused(_) if !required => return Ok(()),
            Event::TlsRefused(reply) => return Err(ClientError::TlsRefused(reply)),
            other => return Err(unexpected(other)),
        }
        self.handshake(settings).await?;
        self.machine.tls_established().map_err(DriveError::Protocol)?;
        self.tell_from(0, false);
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

fn invalid(error: Error) -> SendError {
    match error {
        Error::Misuse(misuse) => SendError::Invalid(misuse),
        error => SendError::Lost {
            outcomes: Vec::new(),
            cause: Box::new(ClientError::Drive(DriveError::Protocol(error))),
        },
    }
}

fn unexpected(event: Event) -> ClientError {
    match event {
        Event::Closed(reply) => ClientError::Closed(reply),
        Event::Unwelcome(reply) => ClientError::Unwelcome(reply),
        // The machine tells nothing else that was not asked for.
        _ => ClientError::Drive(DriveError::Protocol(Error::Peer(
            crate::client::PeerMisbehaved::UnsolicitedReply,
        ))),
    }
}
