//! What servers of all protocols do before and around a session: accept on both families, and come to an end.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use super::{Pace, Stream};
use crate::{Origin, ProxyProtocol};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// The client's address and port; an IPv4-mapped address as the IPv4 address it is.
    pub remote: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

impl Peer {
    /// A peer, with mapped addresses unmapped.
    pub fn new(remote: SocketAddr, local: SocketAddr) -> Self {
        let unmap = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self { remote: unmap(remote), local: unmap(local) }
    }
}

/// What stands between us and the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrontEnd {
    /// Nothing that says who they are.
    None,
    /// A load balancer that sends the PROXY protocol's header, version 1 or 2, on each connection.
    ProxyProtocol,
}

/// Tells a server to finish: it accepts nobody any more, and each session ends between two commands.
#[derive(Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Not yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Now.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// What a session listens to.
    pub fn signal(&self) -> ShutdownSignal {
        ShutdownSignal(self.0.subscribe())
    }
}

/// A session's end of a [`Shutdown`].
#[derive(Clone, Debug)]
pub struct ShutdownSignal(watch::Receiver<bool>);

impl ShutdownSignal {
    /// Waits until the server is to finish. May be dropped and called again.
    pub async fn wait(&mut self) {
        // A sender that is gone can no longer shut anything down.
        if self.0.wait_for(|begun| *begun).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// How connections are accepted.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)] // to be filled in by the protocols' servers
pub struct Accepting {
    /// Connections at a time, over all listeners; more of them wait.
    pub connections: usize,
    /// Minimum rates.
    pub pace: Pace,
    /// Whether a front end speaks first.
    pub front_end: FrontEnd,
}

/// Accepts on all of `listeners` (one for each family, at least) and runs `session` on each connection, until
/// `shutdown`; returns when the last session is over.
///
/// # Errors
/// If a task of its own panics. What goes wrong on one connection ends that one alone.
pub async fn accept_all<F, Fut>(
    listeners: impl IntoIterator<Item = TcpListener>,
    accepting: Accepting,
    shutdown: &Shutdown,
    session: Arc<F>,
) -> io::Result<()>
where
    F: Fn(Stream<TcpStream>, Peer, ShutdownSignal) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(accepting.connections));
    let mut running = JoinSet::new();
    for listener in listeners {
        let (slots, session) = (Arc::clone(&slots), Arc::clone(&session));
        running.spawn(accept_on(listener, accepting, slots, shutdown.signal(), session));
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn accept_on<F, Fut>(
    listener: TcpListener,
    accepting: Accepting,
    slots: Arc<Semaphore>,
    mut signal: ShutdownSignal,
    session: Arc<F>,
) where
    F: Fn(Stream<TcpStream>, Peer, ShutdownSignal) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = signal.wait() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Ok((socket, remote, slot)) = accepted else {
            // Out of descriptors, or the peer is gone already: neither is the end of the listener.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Replies are small and complete: to hold them back only costs time.
        let _ = socket.set_nodelay(true);
        let Ok(local) = socket.local_addr() else { continue };
        let (session, signal) = (Arc::clone(&session), signal.clone());
        sessions.spawn(async move {
            let mut stream = Stream::with_pace(socket, accepting.pace);
            let mut peer = Peer::new(remote, local);
            if accepting.front_end == FrontEnd::ProxyProtocol {
                match stream.drive(&mut ProxyProtocol::default()).await {
                    Ok(Origin::Proxied { client, server }) => peer = Peer::new(client, server),
                    Ok(Origin::Local) => {}
                    Err(_) => return,
                }
            }
            session(stream, peer, signal).await;
            drop(slot);
        });
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The slot comes second: an idle listener that kept one would starve the other family.
    let (socket, remote) = listener.accept().await?;
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    Ok((socket, remote, slot))
}
