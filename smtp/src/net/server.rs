use std::{io, sync::Arc};

use bytes::Bytes;
use mail46_sasl::{
    ChannelBinding, Decoy, Nonce, Secret,
    server::{Exchange, Failure, Step as SaslStep},
};
use mail46_wire::net::{
    Accepting, DriveError, FrontEnd, Pace, Peer, Shutdown, ShutdownSignal, Stream, accept_all,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use super::incoming::{Incoming, Link};
use super::session::code;
use super::{Delivery, Hello, Message, Service, Session};
use crate::server::{self, AuthRequest, Config, Connection, Error, Event};
use crate::{Command, Reply};

/// How a server runs its connections.
#[derive(Clone)]
#[non_exhaustive]
pub struct Server {
    /// The rules of the dialogue.
    pub config: Arc<Config>,
    /// Minimum rates for the octets of a message.
    pub pace: Pace,
    /// Our certificate and key. STARTTLS is offered only if the configuration offers it *and* this is there.
    #[cfg(feature = "tls")]
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS from the first octet on (RFC 8314 s 3.3: submissions), instead of STARTTLS.
    pub implicit_tls: bool,
    /// Whether a front end says who the client is, ahead of TLS and the greeting. Only on ports that nobody else can
    /// reach. Default: nobody does.
    pub front_end: FrontEnd,
    /// Connections at a time; more of them wait. Default: 1,000.
    pub connections: usize,
    /// What unknown SCRAM users get, so that they cannot be told from known ones. Give it the salt length and the
    /// iterations of your own users, and a secret that outlives a restart. Default: 16 octets, 4,096 iterations
    /// (RFC 7677 s 4), a random secret.
    pub decoy: Arc<Decoy>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Server {
    /// A server with these rules and no TLS.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new(config: Config) -> io::Result<Self> {
        let secret = Secret::from(&random::<32>()?);
        let decoy = Decoy::new(secret, 16, 4_096).map_err(io::Error::other)?;
        Ok(Self {
            config: Arc::new(config),
            pace: Pace::default(),
            #[cfg(feature = "tls")]
            tls: None,
            implicit_tls: false,
            front_end: FrontEnd::None,
            connections: 1_000,
            decoy: Arc::new(decoy),
        })
    }
}

impl Server {
    /// Takes STARTTLS off the offer where it cannot be had: once, and not for each connection.
    fn settle(&mut self) {
        let offered = self.config.offer.has(server::Offer::STARTTLS);
        if offered && (self.implicit_tls || !self.has_tls()) {
            let config = Arc::make_mut(&mut self.config);
            config.offer = config.offer.without(server::Offer::STARTTLS);
        }
    }

    #[cfg(feature = "tls")]
    fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn has_tls(&self) -> bool {
        false
    }
}

/// Accepts on all of `listeners` (one for each family, at least) and runs a session of `service` on each connection,
/// until `shutdown`; returns when the last connection is over.
///
/// # Errors
/// If a task of its own panics. What goes wrong on one connection ends that one alone.
pub async fn serve(
    listeners: impl IntoIterator<Item = TcpListener>,
    server: &Server,
    service: Arc<impl Service>,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let accepting =
        Accepting { connections: server.connections, pace: server.pace, front_end: server.front_end };
    let mut server = server.clone();
    server.settle();
    let session = move |stream: Stream, peer: Peer, signal| {
        let (server, session) = (server.clone(), service.session(&peer));
        async move {
            // How a session ended is the session's own to know: it was told of each step.
            let _ = run(stream, session, &server, signal).await;
        }
    };
    accept_all(listeners, accepting, shutdown, Arc::new(session)).await
}

/// Why a connection ended without QUIT.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The connection broke, stood still, or the client broke the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError<Error>),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// TLS from the first octet on is asked for, and there is no certificate to do it with.
    #[error("no certificate for TLS")]
    NoCertificate,
    /// The system has no randomness for AUTH.
    #[error("no randomness: {0}")]
    Random(io::Error),
}

/// Runs one session on a connection that is accepted already, until QUIT, a fault, or `shutdown`.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_connection<T, S>(
    stream: Stream<T>,
    session: S,
    server: &Server,
    shutdown: &Shutdown,
) -> Result<(), ServeError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    S: Session,
{
    let mut server = server.clone();
    server.settle();
    run(stream, session, &server, shutdown.signal()).await
}

async fn run<T, S>(
    stream: Stream<T>,
    session: S,
    server: &Server,
    signal: ShutdownSignal,
) -> Result<(), ServeError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    S: Session,
{
    let machine = Connection::new(Arc::clone(&server.config));
    let mut driver = Driver { link: Link { stream, machine, early: None }, session, server };
    let ended = driver.session(signal).await;
    if driver.link.machine.phase().is_in_transaction() {
        driver.session.reset().await;
    }
    if matches!(ended, Err(ServeError::Drive(DriveError::Timeout(mail46_wire::net::Timeout::Input)))) {
        // RFC 5321 s 3.8: a session that stood still ends with 421.
        let Driver { link, .. } = &mut driver;
        link.machine.shut_down(&code(421, (4, 4, 2), &format!("{} timeout", server.config.host)));
        link.stream.flush(&mut link.machine).await.ok();
    }
    if ended.is_ok() {
        // A peer that is slow to close is no fault of ours.
        driver.link.stream.close().await.ok();
    }
    ended
}

struct Driver<'s, T, S> {
    link: Link<T>,
    session: S,
    server: &'s Server,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Session> Driver<'_, T, S> {
    async fn session(&mut self, mut signal: ShutdownSignal) -> Result<(), ServeError> {
        if self.server.implicit_tls {
            self.handshake().await?;
            self.link.machine.set_implicit_tls();
        }
        match self.session.greeting().await {
            Ok(()) => self.link.machine.greet().map_err(DriveError::Protocol)?,
            Err(refusal) => self.link.reply(&refusal)?,
        }
        loop {
            let event = tokio::select! {
                biased;
                // First, or a client that always has a next command ready would never hear of it.
                () = signal.wait() => {
                    // RFC 5321 s 3.8: said between two commands, so that nothing is half done.
                    let text = format!("{} shutting down", self.server.config.host);
                    self.link.machine.shut_down(&code(421, (4, 3, 2), &text));
                    self.link.event().await?
                }
                event = self.link.event() => event?,
            };
            if self.take(event).await? == Next::Close {
                return Ok(self.link.stream.flush(&mut self.link.machine).await?);
            }
        }
    }

    async fn take(&mut self, event: Event) -> Result<Next, ServeError> {
        match event {
            Event::Command { command, .. } => self.command(command).await?,
            Event::Auth(request) => self.auth(request).await?,
            Event::Refused { reply, .. } => self.link.reply(&reply)?,
            Event::Closed => return Ok(Next::Close),
            // Only inside `data` and `auth`, which see to them.
            Event::Data(_) | Event::DataEnd(_) | Event::ChunkEnd { .. } | Event::AuthResponse(_) => {}
        }
        Ok(Next::GoOn)
    }

    async fn command(&mut self, command: Command) -> Result<(), ServeError> {
        let dialect = self.server.config.dialect;
        let reply = match command {
            Command::Ehlo(host) | Command::Lhlo(host) => {
                return self.hello(Hello { host, extended: true, dialect }).await;
            }
            Command::Helo(host) => return self.hello(Hello { host, extended: false, dialect }).await,
            Command::Mail { from, params } => self.session.mail(from, params).await.unwrap_or_else(|no| no),
            Command::Rcpt { to, params } => self.session.rcpt(to, params).await.unwrap_or_else(|no| no),
            Command::Data => {
                self.link.machine.accept_data().map_err(DriveError::Protocol)?;
                return self.data().await;
            }
            // A message was given up between two of its chunks; the rest of it is not a message.
            Command::Bdat { .. } if self.link.machine.phase() == server::Phase::Chunks => {
                code(503, (5, 5, 1), "the chunks before this one are gone")
            }
            Command::Bdat { .. } => {
                self.link.machine.accept_chunk().map_err(DriveError::Protocol)?;
                return self.data().await;
            }
            Command::StartTls => return self.start_tls().await,
            Command::Rset => {
                self.session.reset().await;
                code(250, (2, 0, 0), "ok")
            }
            Command::Quit => code(221, (2, 0, 0), "bye"),
            other => self.session.command(&other).await,
        };
        self.link.reply(&reply)
    }

    async fn hello(&mut self, hello: Hello) -> Result<(), ServeError> {
        match self.session.ehlo(&hello).await {
            Ok(()) => {
                // RFC 5321 s 4.1.4: EHLO clears what was begun.
                if self.link.machine.phase().is_in_transaction() {
                    self.session.reset().await;
                }
                self.link.machine.accept_ehlo().map_err(DriveError::Protocol)?;
                Ok(())
            }
            Err(refusal) => self.link.reply(&refusal),
        }
    }

    async fn start_tls(&mut self) -> Result<(), ServeError> {
        self.link.machine.accept_tls(self.link.stream.input()).map_err(DriveError::Protocol)?;
        self.link.stream.flush(&mut self.link.machine).await?;
        self.handshake().await?;
        self.link.machine.tls_established().map_err(DriveError::Protocol)?;
        self.session.reset().await;
        Ok(())
    }

    #[cfg(feature = "tls")]
    async fn handshake(&mut self) -> Result<(), ServeError> {
        let tls = self.server.tls.clone().ok_or(ServeError::NoCertificate)?;
        self.link.stream.accept_tls(tls).await.map_err(ServeError::Tls)?;
        let description = self.link.stream.tls_description().unwrap_or_default();
        self.session.tls(&description).await;
        Ok(())
    }

    #[cfg(not(feature = "tls"))]
    async fn handshake(&mut self) -> Result<(), ServeError> {
        Err(ServeError::NoCertificate)
    }

    /// From the first octet of the message to the reply behind its last.
    async fn data(&mut self) -> Result<(), ServeError> {
        let mut incoming = Incoming::new(&mut self.link);
        let verdict = self.session.data(&mut Message { source: &mut incoming }).await;
        let Some(end) = incoming.finish(&verdict).await? else {
            // Given up between chunks: the command that did it is answered next.
            self.session.reset().await;
            return Ok(());
        };
        if let Some((_, refusal)) = end.fault {
            for _ in 0..end.replies {
                self.link.reply(&refusal)?;
            }
            self.session.reset().await;
            return Ok(());
        }
        let replies = match verdict {
            Ok(Delivery::All(reply)) | Err(reply) => vec![reply; end.replies],
            Ok(Delivery::Each(replies)) if self.server.config.dialect == server::Dialect::Lmtp => replies,
            Ok(Delivery::Each(replies)) => replies
                .into_iter()
                .reduce(|all, one| if all.code().is_completion() { one } else { all })
                .into_iter()
                .collect(),
        };
        let missing = || code(451, (4, 3, 0), "no word on this recipient");
        let mut replies = replies.into_iter();
        for _ in 0..end.replies {
            self.link.reply(&replies.next().unwrap_or_else(missing))?;
        }
        Ok(())
    }

    async fn auth(&mut self, request: AuthRequest) -> Result<(), ServeError> {
        let AuthRequest { mechanism, initial_response } = request;
        let Some(mut exchange) = self.exchange(&mechanism)? else {
            return self.link.reply(&code(504, (5, 5, 4), "mechanism not implemented"));
        };
        let mut step = exchange.start(initial_response.as_deref().map(Vec::as_slice));
        loop {
            let reply = match step {
                Ok(SaslStep::Question(question)) => {
                    let answer = self.session.question(&question).await;
                    step = exchange.answer(answer);
                    continue;
                }
                Ok(SaslStep::Challenge(challenge)) => {
                    self.link.machine.challenge(&challenge).map_err(DriveError::Protocol)?;
                    match self.link.event().await? {
                        Event::AuthResponse(response) => {
                            step = exchange.step(&response);
                            continue;
                        }
                        // Cancelled, or no base64, or too long: the machine knows what to say.
                        Event::Refused { reply, .. } => {
                            let _ = exchange.cancel();
                            reply
                        }
                        other => {
                            self.link.early = Some(other);
                            return Ok(());
                        }
                    }
                }
                Ok(SaslStep::Done(identity)) => {
                    self.session.authenticated(identity).await;
                    code(235, (2, 7, 0), "authentication succeeded")
                }
                Ok(SaslStep::Failed(failure)) => auth_failure(failure),
                // An answer that does not fit the question: ours to mend, and nobody's way in.
                Err(_) => code(454, (4, 7, 0), "temporary authentication failure"),
            };
            return self.link.reply(&reply);
        }
    }

    fn exchange(&self, name: &Bytes) -> Result<Option<Exchange>, ServeError> {
        let Some(mechanism) = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()) else {
            return Ok(None);
        };
        // RFC 5802 s 6: "y" of a client is a downgrade only if -PLUS was offered.
        let config = &self.server.config;
        let plus = config.mechanisms.iter().any(|name| name.to_ascii_uppercase().ends_with("-PLUS"));
        let bindings = if plus { self.bindings() } else { Vec::new() };
        let nonce = Nonce::from_random(&random::<18>().map_err(ServeError::Random)?);
        let host = config.host.to_string();
        let exchange = Exchange::begin(mechanism, &nonce, &host, &bindings, Arc::clone(&self.server.decoy));
        Ok(exchange.ok())
    }

    #[cfg(feature = "tls")]
    fn bindings(&self) -> Vec<ChannelBinding> {
        ChannelBinding::of(self.link.stream.tls_exporter(), None)
    }

    #[cfg(not(feature = "tls"))]
    fn bindings(&self) -> Vec<ChannelBinding> {
        Vec::new()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Close,
}

fn auth_failure(failure: Failure) -> Reply {
    match failure {
        Failure::TooLong => code(500, (5, 5, 6), "authentication exchange line is too long"),
        Failure::Malformed | Failure::MandatoryExtension => code(501, (5, 5, 2), "malformed response"),
        // RFC 4954 s 4.
        Failure::InitialResponse => code(501, (5, 7, 0), "this mechanism takes no initial response"),
        Failure::Cancelled => code(501, (5, 7, 0), "authentication cancelled"),
        // Nothing tells a wrong password from an unknown user.
        _ => code(535, (5, 7, 8), "authentication credentials invalid"),
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(octets)
}
