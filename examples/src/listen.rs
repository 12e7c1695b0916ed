//! Listening on both families, each by a socket of its own.

use mail46_connect::Listener;
use tokio::net::TcpListener;

use crate::{Exit, Stop};

/// Binds every address that `address` stands for: `127.0.0.1:0`, `[::1]:2525`, or `localhost:2525` for both families.
/// IPv6 sockets take IPv6 alone, so that no IPv4 client comes in disguise.
pub async fn bind(address: &str) -> Result<Vec<TcpListener>, Stop> {
    let listener = Listener::bind([address]).await.map_err(Stop::because(
        Exit::OsError,
        format!("cannot listen on {address} (ADDRESS:PORT, as [::1]:2525)"),
    ))?;
    for missing in listener.not_bound() {
        crate::say::err(format_args!("not listening: {missing}"));
    }
    Ok(listener.into_sockets())
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
