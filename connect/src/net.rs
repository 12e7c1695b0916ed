//! The race over tokio's sockets.

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Sleep, sleep_until},
};

use crate::{
    Action, Answer, AttemptId, Destination, Failure, Family, IPV4ONLY_NAME, Log, LookupError, Outcome, Race,
    Source, Target, dns::with_zone,
};

mod kernel;
mod options;

use kernel::Kernel;
pub use options::Options;
use options::Sockets;

/// Connects by TCP: Happy Eyeballs over all addresses of a host.
///
/// The host is a name in A-labels, or an address of either family, in brackets or not, with a zone or not. When the
/// future is dropped, before the look-up answers, in the middle of the race or after it, all sockets are closed and no task is
/// left behind: there never was one. What the resolver keeps for its next question is the resolver's: see
/// [`SystemResolver`](crate::SystemResolver) and `HickoryResolver`.
///
/// ```
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use mail46_connect::{Options, connect};
///
/// let connected = connect("mail.example", 25, &Options::new()).await?;
/// println!("family={}\n{}", connected.family(), connected.log);
/// let stream: tokio::net::TcpStream = connected.stream;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectError`], with the log of what was tried.
pub async fn connect(host: &str, port: u16, options: &Options) -> Result<Connected<TcpStream>, ConnectError> {
    connect_with(host, port, options, async |dial: Dial| dial.tcp().await).await
}

/// Connects by what the caller takes for a connection: the first attempt whose future is `Ok` wins.
///
/// A server that accepts and never speaks loses when the attempt waits for its greeting. What the future does behind
/// [`Dial::tcp`] has somewhat longer before the next attempt starts (HEv3 s 6.1).
///
/// ```
/// # async fn f() -> Result<(), mail46_connect::ConnectError> {
/// use mail46_connect::{Dial, Options, connect_with};
///
/// let connected = connect_with("imap.example", 143, &Options::new(), async |dial: Dial| {
///     let stream = dial.tcp().await?;
///     let mut greeting = [0; 4];
///     stream.readable().await?;
///     match stream.try_read(&mut greeting)? {
///         4 if &greeting == b"* OK" => Ok(stream),
///         _ => Err(std::io::Error::other("no greeting")),
///     }
/// }).await?;
/// # Ok(()) }
/// ```
///
/// The futures of the losers are dropped, wherever they are, and their sockets closed with them. What is owed to a server by
/// then is the caller's, as only he knows the protocol: RFC 5321 s 4.1.1.10 wants QUIT of who was greeted. A guard around
/// the stream can say it on its way out, as the send buffer of a new connection is empty, and `try_write` never waits:
///
/// ```
/// use mail46_connect::Dial;
/// use tokio::{io::AsyncReadExt, net::TcpStream};
///
/// struct Greeted(Option<TcpStream>);
///
/// impl Drop for Greeted {
///     fn drop(&mut self) {
///         if let Some(stream) = &self.0 {
///             let _ = stream.try_write(b"QUIT\r\n");
///         }
///     }
/// }
///
/// async fn attempt(dial: Dial) -> std::io::Result<TcpStream> {
///     let mut stream = dial.tcp().await?;
///     let mut code = [0; 3];
///     stream.read_exact(&mut code).await?; // dropped here: who has not spoken yet is owed nothing
///     let mut greeted = Greeted(Some(stream));
///     // … STARTTLS, EHLO: dropped here, the server reads QUIT
///     greeted.0.take().ok_or_else(|| std::io::ErrorKind::NotConnected.into()) // the winner's is kept
/// }
/// # let _ = attempt;
/// ```
///
/// # Errors
/// [`ConnectError`], with the log of what was tried.
pub async fn connect_with<T, F, Fut>(
    host: &str,
    port: u16,
    options: &Options,
    attempt: F,
) -> Result<Connected<T>, ConnectError>
where
    F: FnMut(Dial) -> Fut,
    Fut: Future<Output = io::Result<T>>,
{
    connect_any(&[Endpoint::new(host, port)], options, attempt).await
}

/// Connects to one of several hosts, such as the exchangers of one preference, in their order and in the
/// [`Mode`](crate::Mode) of the options: a relay's is [`Config::relay`](crate::Config::relay).
///
/// # Errors
/// [`ConnectError`], with the log of what was tried.
pub async fn connect_any<T, F, Fut>(
    hosts: &[Endpoint],
    options: &Options,
    attempt: F,
) -> Result<Connected<T>, ConnectError>
where
    F: FnMut(Dial) -> Fut,
    Fut: Future<Output = io::Result<T>>,
{
    let now = now();
    let config = match options.config.default_route {
        None => options.config.clone().default_route(options.sockets.default_route()),
        Some(_) => options.config.clone(),
    };
    let targets = hosts.iter().map(|host| match host.known() {
        Some(addresses) => Target::Addresses(options.destinations(addresses, host.port, now)),
        None => Target::LookUp,
    });
    let mut driver = Driver {
        race: Race::new(targets.collect::<Vec<_>>(), config, now),
        hosts,
        options,
        attempt,
        lookups: Vec::new(),
        attempts: Vec::new(),
        winner: None,
        sleep: None,
    };
    let end = poll_fn(|cx| driver.poll(cx)).await;
    let log = driver.race.into_log();
    options.remember(&log, now_after(now));
    match end {
        Ok((attempt, stream)) => {
            let (address, host) = (attempt.0, attempt.1);
            Ok(Connected { stream, address, host, log })
        }
        Err(failure) => Err(ConnectError { failure, log }),
    }
}

/// A host to connect to.
///
/// ```
/// use mail46_connect::Endpoint;
/// let by_name = Endpoint::new("mx1.example", 25);
/// let known = Endpoint::new("mx2.example", 25).with_addresses(vec!["2001:db8::25".parse().unwrap()]);
/// # let _ = (by_name, known);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    addresses: Option<Vec<IpAddr>>,
}

/// A connection, and how it came to be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<T> {
    /// What the winner's future gave.
    pub stream: T,
    /// Where it is connected to.
    pub address: SocketAddr,
    /// The host, by its place in the list.
    pub host: usize,
    /// All that was looked up and tried.
    pub log: Log<io::Error>,
}

/// Nobody could be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{failure}{}", tried(log))]
#[non_exhaustive]
pub struct ConnectError {
    /// Why.
    pub failure: Failure,
    /// All that was looked up and tried.
    pub log: Log<io::Error>,
}

/// One attempt, for the future that makes it.
#[derive(Clone, Debug)]
pub struct Dial {
    address: SocketAddr,
    host: usize,
    sockets: Arc<Sockets>,
    progress: Arc<AtomicBool>,
}

impl Dial {
    /// Connects by TCP, with the options of the race, and tells it of the progress.
    ///
    /// # Errors
    /// As the system has them.
    pub async fn tcp(&self) -> io::Result<TcpStream> {
        let stream = self.sockets.tcp(self.address)?.connect(self.address).await?;
        self.progress();
        Ok(stream)
    }

    /// Tells the race that this attempt got further: the next one waits for it somewhat longer.
    pub fn progress(&self) {
        self.progress.store(true, Ordering::Relaxed);
    }

    /// Where to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The host, by its place in the list.
    pub fn host(&self) -> usize {
        self.host
    }
}

impl<T> Connected<T> {
    /// The family of the connection.
    pub fn family(&self) -> Family {
        Family::of(self.address.ip())
    }
}

impl Endpoint {
    /// A name in A-labels, or an address.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, addresses: None }
    }

    /// The same with its addresses known: nothing is looked up.
    #[must_use]
    pub fn with_addresses(self, addresses: Vec<IpAddr>) -> Self {
        Self { addresses: Some(addresses), ..self }
    }

    /// The addresses, if they are known without asking.
    fn known(&self) -> Option<Vec<SocketAddr>> {
        if let Some(addresses) = &self.addresses {
            return Some(addresses.iter().map(|ip| SocketAddr::new(*ip, self.port)).collect());
        }
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let literal = match bare.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, self.port),
            Err(_) => SocketAddr::V6(with_zone(bare)?),
        };
        Some(vec![literal])
    }
}

impl From<ConnectError> for io::Error {
    /// The kind is that of the last attempt that failed.
    fn from(error: ConnectError) -> Self {
        let last = error.log.attempts.iter().rev().find_map(|attempt| match &attempt.outcome {
            Outcome::Failed(why) => Some(why.kind()),
            Outcome::TimedOut => Some(io::ErrorKind::TimedOut),
            _ => None,
        });
        let kind = match error.failure {
            Failure::Deadline => io::ErrorKind::TimedOut,
            Failure::AllFailed => last.unwrap_or(io::ErrorKind::Other),
            _ => io::ErrorKind::NotFound,
        };
        Self::new(kind, error)
    }
}

/// What a race needs from outside.
struct Driver<'a, F, Fut, T> {
    race: Race<io::Error>,
    hosts: &'a [Endpoint],
    options: &'a Options,
    attempt: F,
    lookups: Vec<(Question, Answer<'a>)>,
    attempts: Vec<Running<Fut>>,
    winner: Option<(AttemptId, (SocketAddr, usize), T)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Question {
    Host(usize, Family),
    Pref64,
}

struct Running<Fut> {
    id: AttemptId,
    place: (SocketAddr, usize),
    progress: Arc<AtomicBool>,
    future: Pin<Box<Fut>>,
}

type End<T> = Result<((SocketAddr, usize), T), Failure>;

impl<F, Fut, T> Driver<'_, F, Fut, T>
where
    F: FnMut(Dial) -> Fut,
    Fut: Future<Output = io::Result<T>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End<T>> {
        loop {
            if let Some(end) = self.act() {
                return Poll::Ready(end);
            }
            let now = now();
            if self.poll_lookups(cx, now) | self.poll_attempts(cx, now) {
                continue;
            }
            match self.race.poll_timeout() {
                None => self.sleep = None,
                Some(at) => {
                    let at = tokio::time::Instant::from_std(at);
                    let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
                    if sleep.deadline() != at {
                        sleep.as_mut().reset(at);
                    }
                    if sleep.as_mut().poll(cx).is_ready() {
                        continue;
                    }
                }
            }
            return Poll::Pending;
        }
    }

    /// Does all that the race wants done now.
    fn act(&mut self) -> Option<End<T>> {
        while let Some(action) = self.race.poll(now()) {
            match action {
                Action::LookUp { host, family } => {
                    if let Some(endpoint) = self.hosts.get(host) {
                        let answer = self.options.resolver.look_up(&endpoint.host, family);
                        self.lookups.push((Question::Host(host, family), answer));
                    }
                }
                Action::LookUpPref64 => {
                    let answer = self.options.resolver.look_up(IPV4ONLY_NAME, Family::V6);
                    self.lookups.push((Question::Pref64, answer));
                }
                Action::Start { id, host, address } => {
                    let progress = Arc::new(AtomicBool::new(false));
                    let (sockets, progress_too) = (Arc::clone(&self.options.sockets), Arc::clone(&progress));
                    let future = (self.attempt)(Dial { address, host, sockets, progress: progress_too });
                    let future = Box::pin(future);
                    self.attempts.push(Running { id, place: (address, host), progress, future });
                }
                Action::Cancel { id } => self.attempts.retain(|running| running.id != id),
                Action::Succeed { id } => {
                    let (_, place, stream) = self.winner.take().filter(|(winner, ..)| *winner == id)?;
                    return Some(Ok((place, stream)));
                }
                Action::Fail(failure) => return Some(Err(failure)),
            }
        }
        None
    }

    /// Whether one was answered.
    fn poll_lookups(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let before = self.lookups.len();
        let mut answered = Vec::new();
        self.lookups.retain_mut(|(question, answer)| match answer.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                answered.push((*question, answer));
                false
            }
        });
        for (question, answer) in answered {
            match question {
                Question::Host(host, family) => {
                    let port = self.hosts.get(host).map_or(0, |host| host.port);
                    let answer = answer.map(|ips| {
                        let addresses = ips.into_iter().filter(|ip| ip.is_ipv4() == (family == Family::V4));
                        let addresses = addresses.map(|ip| SocketAddr::new(ip, port)).collect();
                        self.options.destinations(addresses, port, now)
                    });
                    self.race.answered(host, family, answer, now);
                }
                Question::Pref64 => {
                    let v6 = |ip: IpAddr| if let IpAddr::V6(ip) = ip { Some(ip) } else { None };
                    let answer = answer.map(|ips| ips.into_iter().filter_map(v6).collect());
                    self.race.pref64_answered(answer, now);
                }
            }
        }
        self.lookups.len() < before
    }

    /// Whether one ended, or got further.
    fn poll_attempts(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut changed = false;
        let (race, winner) = (&mut self.race, &mut self.winner);
        self.attempts.retain_mut(|running| {
            if race.is_finished() {
                return true;
            }
            let polled = running.future.as_mut().poll(cx);
            if running.progress.swap(false, Ordering::Relaxed) {
                race.progressed(running.id, now);
                changed = true;
            }
            match polled {
                Poll::Pending => return true,
                Poll::Ready(Ok(stream)) => {
                    race.succeeded(running.id, now);
                    *winner = Some((running.id, running.place, stream));
                }
                Poll::Ready(Err(error)) => race.failed(running.id, error, now),
            }
            changed = true;
            false
        });
        changed
    }
}

/// tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn now_after(start: Instant) -> Instant {
    now().max(start)
}

/// `; [2001:db8::1]:25 connection refused, 192.0.2.1:25 timed out`
fn tried(log: &Log<io::Error>) -> String {
    let lookups = log.lookups.iter().filter_map(|lookup| match (&lookup.answer, log.attempts.is_empty()) {
        (Some(Err(error @ LookupError::Temporary(_))), true) => Some(error.to_string()),
        _ => None,
    });
    let attempts = log.attempts.iter().map(|attempt| format!("{} {}", attempt.address, attempt.outcome));
    let all: Vec<String> = lookups.chain(attempts).collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

impl Options {
    /// Addresses with what decides on their order: sources, what the kernel knows of them, the history.
    fn destinations(&self, addresses: Vec<SocketAddr>, port: u16, now: Instant) -> Vec<Destination> {
        let mut kernel = None;
        let mut destinations: Vec<Destination> = addresses
            .into_iter()
            .map(|mut address| {
                address.set_port(port);
                let local = self.sockets.local(address);
                let destination = Destination::from(address).with_source(match local {
                    Ok(local) => Source::Address(local.ip()),
                    Err(unknown) => unknown,
                });
                match local {
                    Ok(SocketAddr::V6(from)) => {
                        destination.with_facts(kernel.get_or_insert_with(Kernel::ask).facts(from))
                    }
                    _ => destination,
                }
            })
            .collect();
        if let Some(memory) = self.lock_memory() {
            memory.mark(&mut destinations, now);
        }
        destinations
    }

    /// Puts what a race showed into the memory.
    fn remember(&self, log: &Log<io::Error>, now: Instant) {
        let Some(mut memory) = self.lock_memory() else { return };
        for attempt in &log.attempts {
            let ip = attempt.address.ip();
            let ran = attempt.ended.unwrap_or(now).saturating_duration_since(attempt.started);
            match &attempt.outcome {
                Outcome::Succeeded => memory.succeeded(ip),
                Outcome::Failed(why) if !is_ours(why) => memory.failed(ip, now),
                Outcome::TimedOut => memory.failed(ip, now),
                // Overtaken without a word: most likely a black hole.
                Outcome::Cancelled if attempt.progressed.is_none() && ran >= self.config.attempt_delay => {
                    memory.failed(ip, now);
                }
                _ => {}
            }
        }
    }
}

/// Failures of this host, which say nothing of the other.
fn is_ours(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrInUse, AddrNotAvailable, NetworkDown, NetworkUnreachable, OutOfMemory, Unsupported,
    };
    matches!(
        error.kind(),
        NetworkUnreachable | NetworkDown | AddrNotAvailable | AddrInUse | OutOfMemory | Unsupported
    )
}

impl Sockets {
    /// A socket to connect to this address with.
    fn tcp(&self, to: SocketAddr) -> io::Result<TcpSocket> {
        let socket = self.socket(to, Type::STREAM, Protocol::TCP)?;
        socket.set_tcp_nodelay(self.nodelay)?;
        if let Some(idle) = self.keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))?;
        }
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size)?;
        }
        if let Some(size) = self.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if self.user_timeout.is_some() {
            socket.set_tcp_user_timeout(self.user_timeout)?;
        }
        if let Some(prepare) = &self.prepare {
            prepare.0(&socket, to)?;
        }
        Ok(TcpSocket::from_std_stream(socket.into()))
    }

    /// The address that a connection would come from: a UDP socket knows, and sends nothing (RFC 6724 s 8).
    fn local(&self, to: SocketAddr) -> Result<SocketAddr, Source> {
        let local = || {
            let socket = self.socket(to, Type::DGRAM, Protocol::UDP)?;
            socket.connect(&to.into())?;
            socket.local_addr()
        };
        match local().map(|local| local.as_socket()) {
            Ok(Some(local)) => Ok(local),
            Ok(None) => Err(Source::Unknown),
            Err(error) if matches!(error.raw_os_error(), Some(TOO_MANY_FILES | TOO_MANY_FILES_OF_ALL)) => {
                Err(Source::Unknown)
            }
            Err(_) => Err(Source::Unreachable),
        }
    }

    /// The family with a default route, if only one has one.
    fn default_route(&self) -> Option<Family> {
        // The addresses of a.root-servers.net, which are far away from everybody. Nothing is sent.
        let v4 = SocketAddr::from(([198, 41, 0, 4], 53));
        let v6 = SocketAddr::from(([0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30], 53));
        let reaches = |to| self.local(to).is_ok_and(|from| !from.ip().is_loopback());
        match (reaches(v4), reaches(v6)) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            _ => None,
        }
    }

    /// A socket of the family of `to`, on its device and with its local address.
    fn socket(&self, to: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(to), kind, Some(protocol))?;
        socket.set_nonblocking(true)?;
        let (local, device) = match Family::of(to.ip()) {
            Family::V4 => (self.local_v4.map(IpAddr::V4), &self.device_v4),
            Family::V6 => (self.local_v6.map(IpAddr::V6), &self.device_v6),
        };
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if let Some(device) = device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        if device.is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no socket option for the device"));
        }
        if let Some(local) = local {
            socket.bind(&SocketAddr::new(local, 0).into())?;
        }
        Ok(socket)
    }
}

/// ENFILE and EMFILE: nothing is known of the route then.
const TOO_MANY_FILES_OF_ALL: i32 = 23;
const TOO_MANY_FILES: i32 = 24;
