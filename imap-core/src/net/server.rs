use std::{future::Future, io, sync::Arc};

use mail46_sasl::{
    ChannelBinding, Decoy, Nonce, Secret,
    server::{Answer, Exchange, Identity, Question, Step as SaslStep},
};
use mail46_wire::net::{
    Accepting, DriveError, FrontEnd, Pace, Peer, Shutdown, ShutdownSignal, Stream, accept_all,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use super::deflate::{Layered, NotDeflate};
use crate::server::{AuthRequest, Config, Connection, Error, Event, LogIn, Offer, PeerMisbehaved, Reply};
use crate::store::{Account, Refusal};

mod answer;
mod append;
mod fetch;
mod list;
mod mailboxes;
mod messages;
mod search;
mod select;

use select::Selected;

/// What a server needs to know: who may in, and where a user's mail is.
pub trait Service: Send + Sync + 'static {
    /// A user's mail.
    type Account: Account;

    /// What log-ins need to know: whether a password fits, what keys a user has, whose a token is. Default: nobody is known.
    fn question(&self, peer: &Peer, question: &Question) -> impl Future<Output = Answer> + Send {
        let _ = (peer, question);
        async { Answer::Reject }
    }

    /// Opens a user's mail.
    fn open(
        &self,
        peer: &Peer,
        identity: &Identity,
    ) -> impl Future<Output = Result<Self::Account, Refusal>> + Send;

    /// What ID answers (RFC 2971), in pairs of field and value. Default: nothing.
    fn id(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }
}

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
    /// TLS from the first octet on (RFC 8314 s 3.2: imaps), instead of STARTTLS.
    pub implicit_tls: bool,
    /// Whether a front end says who the client is, ahead of TLS and the greeting. Only on ports that nobody else can
    /// reach. Default: nobody does.
    pub front_end: FrontEnd,
    /// Connections at a time; more of them wait. Default: 10,000.
    pub connections: usize,
    /// What unknown SCRAM users get, so that they cannot be told from known ones. Give it the salt length and the
    /// iterations of your own users, and a secret that outlives a restart. Default: 16 octets, 4,096 iterations
    /// (RFC 7677 s 4), a random secret.
    pub decoy: Arc<Decoy>,
    /// Our name in the challenges of CRAM-MD5. Default: `imap.invalid`.
    pub host: String,
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
            connections: 10_000,
            decoy: Arc::new(decoy),
            host: "imap.invalid".to_owned(),
        })
    }

    fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
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
    let server = Arc::new(server.ready());
    let session = move |stream: Stream, peer, signal| {
        let (server, service) = (Arc::clone(&server), Arc::clone(&service));
        async move {
            // How a session ended changes nothing: what was done is done.
            let _ = run(stream, peer, &*service, &server, signal).await;
        }
    };
    accept_all(listeners, accepting, shutdown, Arc::new(session)).await
}

/// Why a connection ended without LOGOUT.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The connection broke, stood still, or the client broke the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError<Error>),
    /// A message could not be read to its end; the client was told no end either.
    #[error("reading a message: {0}")]
    Store(io::Error),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// TLS was asked for, and there is no certificate.
    #[error("TLS without a certificate")]
    NoTls,
    /// The system has no randomness for log-ins.
    #[error("no randomness: {0}")]
    Random(io::Error),
}

impl From<Error> for ServeError {
    fn from(error: Error) -> Self {
        Self::Drive(DriveError::Protocol(error))
    }
}

impl From<NotDeflate> for Error {
    fn from(_: NotDeflate) -> Self {
        Self::Peer(PeerMisbehaved::NotDeflate)
    }
}

type Result<T, E = ServeError> = std::result::Result<T, E>;

/// Runs one session on a connection that is accepted already, until LOGOUT, a fault, or `shutdown`.
///
/// # Errors
/// [`ServeError`].
pub async fn serve_connection<T>(
    stream: Stream<T>,
    peer: Peer,
    service: &impl Service,
    server: &Server,
    shutdown: &Shutdown,
) -> Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    run(stream, peer, service, &server.ready(), shutdown.signal()).await
}

impl Server {
    /// STARTTLS is offered where it can be done.
    fn ready(&self) -> Self {
        let mut this = self.clone();
        if this.config.starttls == Offer::Yes && (this.implicit_tls || !this.has_tls()) {
            Arc::make_mut(&mut this.config).starttls = Offer::No;
        }
        this
    }
}

async fn run<T, S>(
    stream: Stream<T>,
    peer: Peer,
    service: &S,
    server: &Server,
    signal: ShutdownSignal,
) -> Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    S: Service,
{
    let machine = Layered::new(Connection::new(Arc::clone(&server.config)));
    let mut session = Session { stream, machine, service, server, peer, account: None, selected: None };
    let ended = session.session(signal).await;
    // The mailbox goes back before the peer is waited for.
    (session.selected, session.account) = (None, None);
    if ended.is_ok() {
        // A peer that is slow to close is no fault of ours.
        session.stream.close().await.ok();
    }
    ended
}

/// One connection.
struct Session<'s, T, S: Service> {
    stream: Stream<T>,
    machine: Layered<Connection>,
    service: &'s S,
    server: &'s Server,
    peer: Peer,
    account: Option<S::Account>,
    selected: Option<Box<Selected<<S::Account as Account>::Mailbox>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Close,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send, S: Service> Session<'_, T, S> {
    async fn session(&mut self, mut signal: ShutdownSignal) -> Result<()> {
        if self.server.implicit_tls {
            self.handshake().await?;
            self.says().set_implicit_tls();
        }
        self.says().greet()?;
        loop {
            let idling = self.machine.machine().is_idling();
            let event = tokio::select! {
                biased;
                event = self.stream.drive(&mut self.machine) => event,
                () = changed(self.selected.as_deref(), idling) => {
                    Box::pin(self.tell_changes()).await?;
                    continue;
                }
                () = signal.wait() => {
                    self.says().reject("shutting down");
                    self.stream.drive(&mut self.machine).await
                }
            };
            let event = match event {
                Ok(event) => event,
                Err(DriveError::Timeout(mail46_wire::net::Timeout::Input)) => {
                    // RFC 9051 s 5.4, 7.1.5: why, before the end.
                    self.says().expire();
                    self.stream.flush(&mut self.machine).await?;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            // Boxed: what commands need is held only while one runs.
            if Box::pin(self.take(event)).await? == Next::Close {
                return Ok(self.stream.flush(&mut self.machine).await?);
            }
        }
    }

    fn says(&mut self) -> &mut Connection {
        self.machine.machine_mut()
    }

    fn reply(&mut self, reply: Reply) -> Result<()> {
        Ok(self.says().complete(reply)?)
    }

    async fn take(&mut self, event: Event) -> Result<Next> {
        match event {
            Event::LogIn(LogIn { user, password, .. }) => {
                let (exchange, step) = Exchange::presented(&user, password);
                self.exchange(exchange, Ok(step)).await?;
            }
            Event::Authenticate(request) => self.authenticate(request).await?,
            Event::StartTls => {
                let input = self.stream.input();
                self.machine.machine_mut().accept_tls(input)?;
                self.stream.flush(&mut self.machine).await?;
                self.handshake().await?;
                self.says().tls_established()?;
            }
            Event::Compress => {
                self.says().accept_compress()?;
                self.machine.compress();
            }
            Event::Command(request) => self.command(*request).await?,
            Event::Append(request) => self.append(*request).await?,
            Event::Idle => {
                self.says().accept_idle()?;
                // What happened before is told at once: nothing is lost between the last command and this one.
                self.tell_changes().await?;
            }
            Event::IdleDone => {
                self.tell_changes().await?;
                self.reply(Reply::ok("idled"))?;
            }
            Event::Closed => return Ok(Next::Close),
            // Only inside `exchange` and `append`, which see to them.
            _ => {}
        }
        Ok(Next::GoOn)
    }

    #[cfg(feature = "tls")]
    async fn handshake(&mut self) -> Result<()> {
        let Some(tls) = self.server.tls.clone() else { return Err(ServeError::NoTls) };
        self.stream.accept_tls(tls).await.map_err(ServeError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    async fn handshake(&mut self) -> Result<()> {
        Err(ServeError::NoTls)
    }

    async fn authenticate(&mut self, request: AuthRequest) -> Result<()> {
        let mechanism = std::str::from_utf8(&request.mechanism).ok().and_then(|name| name.parse().ok());
        let Some(mechanism) = mechanism else { return self.reply(Reply::no("mechanism not implemented")) };
        // RFC 5802 s 6: "y" of a client is a downgrade only if -PLUS was offered.
        let offered = &self.server.config.mechanisms;
        let plus = offered.iter().any(|name| name.to_ascii_uppercase().ends_with("-PLUS"));
        let bindings = if plus { self.bindings() } else { Vec::new() };
        let nonce = Nonce::from_random(&random::<18>().map_err(ServeError::Random)?);
        let decoy = Arc::clone(&self.server.decoy);
        let Ok(mut exchange) = Exchange::begin(mechanism, &nonce, &self.server.host, &bindings, decoy) else {
            return self.reply(Reply::no("mechanism not implemented"));
        };
        let step = exchange.start(request.initial_response.as_deref().map(Vec::as_slice));
        self.exchange(exchange, step).await
    }

    async fn exchange(
        &mut self,
        mut exchange: Exchange,
        mut step: std::result::Result<SaslStep, mail46_sasl::Misuse>,
    ) -> Result<()> {
        loop {
            step = match step {
                Ok(SaslStep::Question(question)) => {
                    let answer = self.service.question(&self.peer, &question).await;
                    exchange.answer(answer)
                }
                Ok(SaslStep::Challenge(challenge)) => {
                    self.says().challenge(&challenge)?;
                    match self.stream.drive(&mut self.machine).await? {
                        Event::AuthResponse(response) => exchange.step(&response),
                        // Cancelled, and answered; or the session is over, which is told again.
                        _ => return Ok(()),
                    }
                }
                Ok(SaslStep::Done(identity)) => return self.open(identity).await,
                // Nothing tells a wrong password from an unknown user (RFC 5530 s 3).
                Ok(SaslStep::Failed(_)) => return self.reply(denied()),
                // An answer that does not fit the question: ours to mend, and nobody's way in.
                Err(_) => return self.reply(denied()),
            };
        }
    }

    async fn open(&mut self, identity: Identity) -> Result<()> {
        match self.service.open(&self.peer, &identity).await {
            Ok(account) => {
                self.account = Some(account);
                Ok(self.says().log_in("logged in")?)
            }
            Err(refusal) => self.reply(answer::refused(&refusal)),
        }
    }

    #[cfg(feature = "tls")]
    fn bindings(&self) -> Vec<ChannelBinding> {
        ChannelBinding::of(self.stream.tls_exporter(), None)
    }

    #[cfg(not(feature = "tls"))]
    fn bindings(&self) -> Vec<ChannelBinding> {
        Vec::new()
    }

    /// Writes what gathers while a long answer is told.
    async fn relieve(&mut self) -> Result<()> {
        if self.says().output().len() >= BLOCK {
            // Nothing is asked of the machine, which waits for the answer's end.
            self.stream.flush(&mut self.machine).await?;
        }
        Ok(())
    }
}

/// Output that may wait while more of it is read from the store.
const BLOCK: usize = 32 * 1024;

/// Waits for the selected mailbox to change, where the client wants to know at once.
async fn changed<M: crate::store::Mailbox>(selected: Option<&Selected<M>>, idling: bool) {
    match selected {
        Some(selected) if idling => selected.mailbox.changed(selected.modseq).await,
        _ => std::future::pending().await,
    }
}

/// The same for a wrong password and an unknown user (RFC 5530 s 3).
fn denied() -> Reply {
    Reply::no("authentication failed").with_code("AUTHENTICATIONFAILED")
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(octets)
}
