//! Sockets to listen on, of both families.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Some TCP sockets that are listened on together.
///
/// A place is written `*:25` (every address of both families), `[::]:25`, `192.0.2.1:25`, `[fe80::1%eth0]:25`, or
/// `mail.example:465` (every address of that name). Each address gets its own socket; those of IPv6 are for IPv6
/// alone (IPV6_V6ONLY), whatever the system's default is. Port 0 is any free port, and the same one for all
/// addresses of a place.
///
/// ```
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use mail46_connect::{Accepted, Listener};
///
/// let listener = Listener::bind(["*:0", "127.0.0.1:0"]).await?;
/// for missing in listener.not_bound() {
///     eprintln!("{missing}"); // a family that this host does not have
/// }
/// let Accepted { stream, peer, local, .. } = listener.accept().await?;
/// println!("{} came to port {}", peer.ip(), local.port()); // an IPv4 peer is an Ipv4Addr
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<Bound>,
    not_bound: Vec<NotBound>,
    /// Where the next [`accept`](Self::accept) begins to look, so that no socket starves another.
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Bound {
    listener: TcpListener,
    name: String,
}

/// A connection that came in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The connection.
    pub stream: TcpStream,
    /// Who came; an IPv4-mapped address is the IPv4 one. A link-local one has its zone.
    pub peer: SocketAddr,
    /// Where to; likewise.
    pub local: SocketAddr,
    /// Which socket it came to, by its place in [`Listener::local_addrs`].
    pub socket: usize,
}

/// An address that could not be listened on.
#[derive(Debug)]
#[non_exhaustive]
pub struct NotBound {
    /// The place as it was given.
    pub place: String,
    /// The address, if it came to one.
    pub address: Option<SocketAddr>,
    /// Why.
    pub error: io::Error,
}

/// Not all could be bound; nothing is listened on.
#[derive(Debug)]
pub struct BindError {
    /// What could not, and why.
    pub not_bound: Vec<NotBound>,
}

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 1024;

/// How often another port is tried, when the one that was free for one address is taken for the other.
const PORTS_TRIED: usize = 16;

impl Listener {
    /// Binds all places, or none.
    ///
    /// A family or an address that the host does not have is left out of a `*` or a name, as long as another address
    /// of it is there; [`not_bound`](Self::not_bound) tells.
    ///
    /// # Errors
    /// [`BindError`] with each address that could not be bound and why.
    pub async fn bind<S: AsRef<str>>(places: impl IntoIterator<Item = S>) -> Result<Self, BindError> {
        let (listener, tolerable) = Self::bind_each(places).await;
        if tolerable { Ok(listener) } else { Err(BindError { not_bound: listener.not_bound }) }
    }

    /// Binds what can be bound; [`not_bound`](Self::not_bound) tells the rest.
    pub async fn bind_available<S: AsRef<str>>(places: impl IntoIterator<Item = S>) -> Self {
        Self::bind_each(places).await.0
    }

    /// The sockets that systemd handed over (`LISTEN_FDS`), each by its name (`LISTEN_FDNAMES`); `None` without.
    ///
    /// To be called once, before there are threads.
    ///
    /// # Errors
    /// If one of them is not a TCP socket.
    pub fn from_systemd() -> io::Result<Option<Self>> {
        // The environment first: the hand-over takes the variables away.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut handed = listenfd::ListenFd::from_env();
        let mut sockets = Vec::new();
        for at in 0..handed.len() {
            let Some(listener) = handed.take_tcp_listener(at)? else { continue };
            listener.set_nonblocking(true)?;
            let name = names.next().unwrap_or_default().to_owned();
            sockets.push(Bound { listener: TcpListener::from_std(listener)?, name });
        }
        let listener = Self { sockets, not_bound: Vec::new(), turn: AtomicUsize::new(0) };
        Ok((handed.len() > 0).then_some(listener))
    }

    /// Waits for the next connection to any of the sockets, none of which starves another.
    ///
    /// Connections that are gone before they are accepted are passed over.
    ///
    /// # Errors
    /// When the system lacks something, such as file descriptors: after a pause, so that a loop does not spin. Without
    /// any socket at once.
    pub async fn accept(&self) -> io::Result<Accepted> {
        if self.sockets.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "no socket to listen on"));
        }
        loop {
            let (socket, accepted) = self.next().await;
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(local) = stream.local_addr() else { continue };
                    return Ok(Accepted { stream, peer: canonical(peer), local: canonical(local), socket });
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    return Err(error);
                }
            }
        }
    }

    /// The addresses that are listened on.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let addresses = self.sockets.iter().filter_map(|socket| socket.listener.local_addr().ok());
        addresses.map(canonical).collect()
    }

    /// The sockets themselves, for a server that accepts by itself: in the order of [`local_addrs`](Self::local_addrs).
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets.into_iter().map(|socket| socket.listener).collect()
    }

    /// The place that a socket was given by, or systemd's name of it.
    pub fn name(&self, socket: usize) -> Option<&str> {
        self.sockets.get(socket).map(|socket| socket.name.as_str())
    }

    /// What could not be bound, and why.
    pub fn not_bound(&self) -> &[NotBound] {
        &self.not_bound
    }

    async fn next(&self) -> (usize, io::Result<(TcpStream, SocketAddr)>) {
        poll_fn(|cx| {
            let first = self.turn.load(Ordering::Relaxed);
            for step in 0..self.sockets.len() {
                let at = first.wrapping_add(step).checked_rem(self.sockets.len()).unwrap_or(0);
                let Some(socket) = self.sockets.get(at) else { continue };
                if let Poll::Ready(accepted) = socket.listener.poll_accept(cx) {
                    self.turn.store(at.wrapping_add(1), Ordering::Relaxed);
                    return Poll::Ready((at, accepted));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// All that can be bound, and whether what cannot is only what the host does not have.
    async fn bind_each<S: AsRef<str>>(places: impl IntoIterator<Item = S>) -> (Self, bool) {
        let mut listener = Self { sockets: Vec::new(), not_bound: Vec::new(), turn: AtomicUsize::new(0) };
        let mut tolerable = true;
        for place in places {
            let place = place.as_ref();
            let not_bound = |address, error| NotBound { place: place.to_owned(), address, error };
            let mut addresses = match addresses(place).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    listener.not_bound.push(not_bound(None, error));
                    tolerable = false;
                    continue;
                }
            };
            // `*:25` and `[::]:25` are one socket of IPv6.
            let bound_already = listener.local_addrs();
            let asked = addresses.len();
            addresses.retain(|address| address.port() == 0 || !bound_already.contains(address));
            let had = addresses.len() < asked;
            let (bound, failed) = bind_all(&addresses);
            let lacking = failed.iter().all(|(_, error)| is_lacking(error));
            tolerable &= lacking && (had || !bound.is_empty() || addresses.is_empty());
            listener
                .not_bound
                .extend(failed.into_iter().map(|(address, error)| not_bound(Some(address), error)));
            listener
                .sockets
                .extend(bound.into_iter().map(|listener| Bound { listener, name: place.to_owned() }));
        }
        (listener, tolerable)
    }
}

/// Binds the addresses of one place; those of port 0 to one port.
fn bind_all(addresses: &[SocketAddr]) -> (Vec<TcpListener>, Vec<(SocketAddr, io::Error)>) {
    let mut tried = 0;
    loop {
        let (mut bound, mut failed) = (Vec::new(), Vec::new());
        let mut port = None;
        for address in addresses {
            let mut wanted = *address;
            if wanted.port() == 0 {
                wanted.set_port(port.unwrap_or(0));
            }
            match bind(wanted) {
                Ok(listener) => {
                    port = port.or_else(|| listener.local_addr().ok().map(|local| local.port()));
                    bound.push(listener);
                }
                Err(error) => failed.push((*address, error)),
            }
        }
        let another = |(address, error): &(SocketAddr, io::Error)| {
            address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse
        };
        tried = usize::saturating_add(tried, 1);
        if tried == PORTS_TRIED || !failed.iter().any(another) {
            return (bound, failed);
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of a server that was stopped do not keep the next one from its port. Windows means another thing.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The addresses of a place, IPv6 first, each once.
async fn addresses(place: &str) -> io::Result<Vec<SocketAddr>> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let (host, port) = place.rsplit_once(':').ok_or_else(|| invalid("no :port"))?;
    let port: u16 = match port.bytes().all(|octet| octet.is_ascii_digit()) {
        true => port.parse().map_err(|_| invalid("the port is not a number of 0 to 65535"))?,
        false => return Err(invalid("the port is not a number of 0 to 65535")),
    };
    if host == "*" {
        let both: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, port)).into());
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(inside) => inside,
        None if host.contains([':', '[', ']']) => {
            return Err(invalid("an IPv6 address without its brackets"));
        }
        None if host.is_empty() => return Err(invalid("no address; * is all")),
        None => host,
    };
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![canonical(SocketAddr::new(ip, port))]);
    }
    if bracketed.is_some() {
        let v6 = crate::dns::with_zone(host).ok_or_else(|| invalid("not an IPv6 address in the brackets"))?;
        return Ok(vec![std::net::SocketAddrV6::new(*v6.ip(), port, 0, v6.scope_id()).into()]);
    }
    let mut found: Vec<SocketAddr> = Vec::new();
    for address in tokio::net::lookup_host((host, port)).await? {
        let address = canonical(address);
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found.sort_by_key(SocketAddr::is_ipv4);
    if found.is_empty() {
        Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    } else {
        Ok(found)
    }
}

/// The host does not have this family or address.
fn is_lacking(error: &io::Error) -> bool {
    const NO_SUCH_FAMILY: [i32; 3] = [97, 47, 10047]; // EAFNOSUPPORT of Linux, of BSD, of Windows
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| NO_SUCH_FAMILY.contains(&code))
}

/// The connection was gone, or its network; the socket is well.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, PermissionDenied, TimedOut,
    };
    // accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code".
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | PermissionDenied
            | TimedOut
    )
}

fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

impl fmt::Display for NotBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) if address.to_string() != self.place => {
                write!(f, "{} ({address}): {}", self.place, self.error)
            }
            _ => write!(f, "{}: {}", self.place, self.error),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lead = "cannot listen on ";
        for not_bound in &self.not_bound {
            write!(f, "{lead}{not_bound}")?;
            lead = "; ";
        }
        Ok(())
    }
}

impl std::error::Error for BindError {}
