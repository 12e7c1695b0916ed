//! Listening on both families, each by a socket of its own.

use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::{Exit, Stop};

/// Binds every address that `address` stands for: `127.0.0.1:0`, `[::1]:2525`, or `localhost:2525` for both families.
/// IPv6 sockets take IPv6 alone (`IPV6_V6ONLY`), so that no IPv4 client comes in disguise.
pub async fn bind(address: &str) -> Result<Vec<TcpListener>, Stop> {
    let addresses = tokio::net::lookup_host(address).await.map_err(Stop::because(
        Exit::Usage,
        format_args!("--listen {address}: give ADDRESS:PORT, as [::1]:2525"),
    ))?;
    addresses
        .map(|address| {
            one(address).map_err(Stop::because(Exit::OsError, format!("cannot listen on {address}")))
        })
        .collect()
}

fn one(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

/// Waits for SIGINT or SIGTERM.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}
