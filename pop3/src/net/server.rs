use std::{io, sync::Arc};

use mail46_sasl::{
    ChannelBinding, Decoy, Nonce, Secret, Strings, saslprep,
    server::{Answer, Exchange, Identity, Question, Step as SaslStep},
};
use mail46_wire::net::{
    Accepting, DriveError, FrontEnd, Pace, Peer, Shutdown, ShutdownSignal, Stream, accept_all,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use super::session::is_sendable;
use super::{Maildrop, Service};
use crate::server::{AuthRequest, Config, Connection, Error, Event, LogIn, Offer, Part, Retrieve};
use crate::{Digest, Reply, ResponseCode, Timestamp};

/// Output that may wait while a message is read.
const BLOCK: usize = 64 * 1024;

/// How a server runs its connections.
#[derive(Clone)]
#[non_exhaustive]
pub struct Server {
    /// The rules of the dialogue.
    pub config: Arc<Config>,
    /// Minimum rates for the octets of a message.
    pub pace: Pace,
    /// Our certificate and key. STLS is offered only if the configuration offers it *and* this is there.
    #[cfg(feature = "tls")]
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS from the first octet on (RFC 8314 s 3.2: pop3s), instead of STLS.
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
    /// The host in the timestamp that makes APOP possible; it wants passwords that can be read. Default: no APOP.
    pub apop: Option<String>,
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
            apop: None,
        })
    }
}

/// Accepts on all of `listeners` (one for each family, at least) and runs a session for `service` on each connection,
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
    let server = server.clone();
    let session = move |stream: Stream, peer, signal| {
        let (server, service) = (server.clone(), Arc::clone(&service));
        async move {
            // How a session ended changes nothing: without QUIT all mail stays.
            let _ = run(stream, peer, &*service, &server, signal).await;
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
    /// A message could not be read to its end; the client was told no end either.
    #[error("reading a message: {0}")]
    Maildrop(io::Error),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// The system has no randomness for log-ins.
    #[error("no randomness: {0}")]
    Random(io::Error),
}

/// Runs one session on a connection that is accepted already, until QUIT, a fault, or `shutdown`.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_connection<T>(
    stream: Stream<T>,
    peer: Peer,
    service: &impl Service,
    server: &Server,
    shutdown: &Shutdown,
) -> Result<(), ServeError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    run(stream, peer, service, server, shutdown.signal()).await
}

async fn run<T, S>(
    stream: Stream<T>,
    peer: Peer,
    service: &S,
    server: &Server,
    signal: ShutdownSignal,
) -> Result<(), ServeError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    S: Service,
{
    let mut config = Arc::clone(&server.config);
    if config.stls == Offer::Yes && (server.implicit_tls || !has_tls(server)) {
        Arc::make_mut(&mut config).stls = Offer::No;
    }
    let machine = Connection::new(config);
    let mut driver =
        Driver { stream, machine, service, server, peer, signal, maildrop: None, timestamp: None };
    let ended = driver.session().await;
    // The lock goes back before the peer is waited for.
    driver.maildrop = None;
    if ended.is_ok() {
        // A peer that is slow to close is no fault of ours.
        driver.stream.close().await.ok();
    }
    ended
}

#[cfg(feature = "tls")]
fn has_tls(server: &Server) -> bool {
    server.tls.is_some()
}

#[cfg(not(feature = "tls"))]
fn has_tls(_: &Server) -> bool {
    false
}

struct Driver<'s, T, S: Service> {
    stream: Stream<T>,
    machine: Connection,
    service: &'s S,
    server: &'s Server,
    peer: Peer,
    signal: ShutdownSignal,
    maildrop: Option<S::Maildrop>,
    timestamp: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Close,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Driver<'_, T, S> {
    async fn session(&mut self) -> Result<(), ServeError> {
        if self.server.implicit_tls {
            self.handshake().await?;
            self.machine.set_implicit_tls();
        }
        self.timestamp = match &self.server.apop {
            Some(host) => {
                let unique = Nonce::from_random(&random().map_err(ServeError::Random)?);
                let text = format!("<{}@{host}>", alphanumeric(unique.as_str()));
                Timestamp::parse(text.as_bytes()).map(|timestamp| timestamp.to_owned())
            }
            None => None,
        };
        self.machine.greet(self.timestamp.as_ref()).map_err(DriveError::Protocol)?;
        loop {
            let event = self.event().await?;
            if self.take(event).await? == Next::Close {
                return Ok(self.stream.flush(&mut self.machine).await?);
            }
        }
    }

    /// What comes next; the end of the session, if the server is to finish.
    async fn event(&mut self) -> Result<Event, ServeError> {
        tokio::select! {
            biased;
            // First, or a client that always has a next command ready would never hear of it.
            () = self.signal.wait() => {
                self.machine.shut_down(&Reply::err(Some(ResponseCode::SysTemp), "shutting down"));
                Ok(self.stream.drive(&mut self.machine).await?)
            }
            event = self.stream.drive(&mut self.machine) => Ok(event?),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), ServeError> {
        Ok(self.machine.reply(reply).map_err(DriveError::Protocol)?)
    }

    async fn take(&mut self, event: Event) -> Result<Next, ServeError> {
        match event {
            Event::LogIn(log_in) => self.log_in(log_in).await?,
            Event::Auth(request) => self.auth(request).await?,
            Event::Stls => {
                self.machine.accept_tls(self.stream.input()).map_err(DriveError::Protocol)?;
                self.stream.flush(&mut self.machine).await?;
                self.handshake().await?;
                self.machine.tls_established().map_err(DriveError::Protocol)?;
            }
            Event::Retrieve(retrieve) => self.retrieve(retrieve).await?,
            Event::Lang(Some(range)) => {
                let reply = self.service.lang(&range).await;
                self.reply(&reply)?;
            }
            Event::Lang(None) => {
                let languages = self.service.languages();
                self.machine.list_languages(&languages).map_err(DriveError::Protocol)?;
            }
            Event::Update(deleted) => {
                let committed = match &mut self.maildrop {
                    Some(maildrop) if !deleted.is_empty() => maildrop.commit(&deleted).await,
                    _ => Ok(()),
                };
                // RFC 1939 s 6: the lock is released whether messages could be removed or not, and before the answer, so that
                // who has it can log in again.
                self.maildrop = None;
                self.reply(&match committed {
                    Ok(()) => Reply::ok("bye"),
                    Err(_) => Reply::err(Some(ResponseCode::SysTemp), "deleted messages not removed"),
                })?;
            }
            Event::Command(command) => {
                let reply = self.service.command(&command).await;
                self.reply(&reply)?;
            }
            Event::Closed => return Ok(Next::Close),
            // Only inside `auth`, which sees to them.
            Event::AuthResponse(_) | Event::AuthCancelled => {}
        }
        Ok(Next::GoOn)
    }

    #[cfg(feature = "tls")]
    async fn handshake(&mut self) -> Result<(), ServeError> {
        let Some(tls) = self.server.tls.clone() else { return Err(ServeError::Maildrop(no_tls())) };
        self.stream.accept_tls(tls).await.map_err(ServeError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    async fn handshake(&mut self) -> Result<(), ServeError> {
        Err(ServeError::Maildrop(no_tls()))
    }

    async fn retrieve(&mut self, retrieve: Retrieve) -> Result<(), ServeError> {
        let Retrieve { message, part, utf8, .. } = retrieve;
        let Some(maildrop) = &mut self.maildrop else {
            return self.reply(&Reply::err(Some(ResponseCode::SysPerm), "no maildrop"));
        };
        if !is_sendable(maildrop, message, utf8, part).await {
            return self.reply(&Reply::err(Some(ResponseCode::Utf8), "this message needs UTF-8 mode"));
        }
        // The first part before the answer: what cannot be read at all is refused.
        let Ok(mut text) = maildrop.read(message, 0).await else {
            return self.reply(&Reply::err(Some(ResponseCode::SysTemp), "the message cannot be read"));
        };
        let said = if part == Part::All { "message follows" } else { "top of message follows" };
        self.machine.accept_message(said).map_err(DriveError::Protocol)?;
        let mut at = 0u64;
        while !text.is_empty() {
            at = at.saturating_add(text.len() as u64);
            if !self.machine.data(&text).map_err(DriveError::Protocol)? {
                break;
            }
            if self.machine.output().len() > BLOCK {
                // Nothing is asked of the machine, which waits for the message's end.
                self.stream.flush(&mut self.machine).await?;
            }
            text = match maildrop.read(message, at).await {
                Ok(text) => text,
                Err(error) => {
                    self.machine.abort();
                    return Err(ServeError::Maildrop(error));
                }
            };
        }
        Ok(self.machine.finish_data().map_err(DriveError::Protocol)?)
    }

    async fn log_in(&mut self, log_in: LogIn) -> Result<(), ServeError> {
        match log_in {
            LogIn::Password { user, password } => {
                let (exchange, step) = Exchange::presented(user.as_bytes(), password);
                self.exchange(exchange, Ok(step)).await
            }
            LogIn::Apop { user, digest } => {
                let Ok(user) = std::str::from_utf8(user.as_bytes()).map(str::to_owned) else {
                    return self.reply(&denied());
                };
                // RFC 6856 s 2.2: names are prepared by SASLprep.
                let Ok(user) = saslprep(&user, Strings::Query) else {
                    return self.reply(&denied());
                };
                let user = user.to_string();
                let answer =
                    self.service.question(&self.peer, &Question::SharedSecret { user: user.clone() }).await;
                // RFC 6856 s 2.2: the password is a stored string.
                let secret = match &answer {
                    Answer::Password(secret) => std::str::from_utf8(secret.expose()).ok(),
                    _ => None,
                };
                let secret = secret.and_then(|secret| saslprep(secret, Strings::Stored).ok());
                match (secret, &self.timestamp) {
                    (Some(secret), Some(timestamp))
                        if Digest::new(timestamp, secret.as_bytes()) == digest =>
                    {
                        self.open(Identity { authcid: user, authzid: None }).await
                    }
                    _ => self.reply(&denied()),
                }
            }
        }
    }

    async fn auth(&mut self, request: AuthRequest) -> Result<(), ServeError> {
        let AuthRequest { mechanism, initial_response } = request;
        let Some(mut exchange) = self.mechanism(mechanism.as_bytes())? else {
            return self.reply(&Reply::err(None, "mechanism not implemented"));
        };
        let step = exchange.start(initial_response.as_deref().map(Vec::as_slice));
        self.exchange(exchange, step).await
    }

    async fn exchange(
        &mut self,
        mut exchange: Exchange,
        mut step: Result<SaslStep, mail46_sasl::Misuse>,
    ) -> Result<(), ServeError> {
        loop {
            step = match step {
                Ok(SaslStep::Question(question)) => {
                    let answer = self.service.question(&self.peer, &question).await;
                    exchange.answer(answer)
                }
                Ok(SaslStep::Challenge(challenge)) => {
                    self.machine.challenge(&challenge).map_err(DriveError::Protocol)?;
                    match self.event().await? {
                        Event::AuthResponse(response) => exchange.step(&response),
                        // Cancelled, and answered; or the session is over, which is told again.
                        _ => return Ok(()),
                    }
                }
                Ok(SaslStep::Done(identity)) => return self.open(identity).await,
                // Nothing tells a wrong password from an unknown user (RFC 3206 s 5).
                Ok(SaslStep::Failed(_)) => return self.reply(&denied()),
                // An answer that does not fit the question: ours to mend, and nobody's way in.
                Err(_) => {
                    return self.reply(&Reply::err(Some(ResponseCode::SysPerm), "authentication failed"));
                }
            };
        }
    }

    async fn open(&mut self, identity: Identity) -> Result<(), ServeError> {
        let mut maildrop = match self.service.open(&self.peer, &identity).await {
            Ok(maildrop) => maildrop,
            Err(refusal) => return self.reply(&refusal),
        };
        match maildrop.list().await {
            Ok(messages) => {
                let text = format!("maildrop has {} messages", messages.len());
                self.machine.open(messages, &text).map_err(DriveError::Protocol)?;
                self.machine.announce(maildrop.expire(), maildrop.login_delay());
                self.maildrop = Some(maildrop);
                Ok(())
            }
            Err(_) => self.reply(&Reply::err(Some(ResponseCode::SysTemp), "the maildrop cannot be read")),
        }
    }

    fn mechanism(&self, name: &[u8]) -> Result<Option<Exchange>, ServeError> {
        let Some(mechanism) = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()) else {
            return Ok(None);
        };
        // RFC 5802 s 6: "y" of a client is a downgrade only if -PLUS was offered.
        let offered = &self.server.config.mechanisms;
        let plus = offered.iter().any(|name| name.to_ascii_uppercase().ends_with("-PLUS"));
        let bindings = if plus { self.bindings() } else { Vec::new() };
        let nonce = Nonce::from_random(&random::<18>().map_err(ServeError::Random)?);
        let host = self.server.apop.as_deref().unwrap_or("pop3.invalid");
        let exchange = Exchange::begin(mechanism, &nonce, host, &bindings, Arc::clone(&self.server.decoy));
        Ok(exchange.ok())
    }

    #[cfg(feature = "tls")]
    fn bindings(&self) -> Vec<ChannelBinding> {
        ChannelBinding::of(self.stream.tls_exporter(), None)
    }

    #[cfg(not(feature = "tls"))]
    fn bindings(&self) -> Vec<ChannelBinding> {
        Vec::new()
    }
}

/// The reply to a log-in that failed (RFC 3206 s 5): the same for a wrong password and an unknown user.
fn denied() -> Reply {
    Reply::err(Some(ResponseCode::Auth), "authentication failed")
}

fn no_tls() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "implicit TLS without a certificate")
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(octets)
}

fn alphanumeric(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}
