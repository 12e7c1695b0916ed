//! Listening on both families, each by a socket of its own.

use mail46_connect::Listener;
use tokio::net::TcpListener;

use crate::{Exit, Stop, say};

/// Binds every address that `address` stands for: `127.0.0.1:0`, `[::1]:2525`, or `localhost:2525` for both families.
/// IPv6 sockets take IPv6 alone, so that no IPv4 client comes in disguise.
pub async fn bind(address: &str) -> Result<Vec<TcpListener>, Stop> {
    let listener = Listener::bind([address]).await.map_err(Stop::because(
        Exit::OsError,
        format!("cannot listen on {address} (ADDRESS:PORT, as [::1]:2525)"),
    ))?;
    for missing in listener.not_bound() {
        say::err(format_args!("not listening: {missing}"));
    }
    Ok(listener.into_sockets())
}

/// Binds all of these and prints `listening ADDR` for each socket.
pub async fn bind_all(addresses: &[String]) -> Result<Vec<TcpListener>, Stop> {
    let mut all = Vec::new();
    for address in addresses {
        for listener in bind(address).await? {
            let local = listener.local_addr().map_err(Stop::because(Exit::OsError, address))?;
            say::out(format_args!("listening {local}"));
            all.push(listener);
        }
    }
    Ok(all)
}

/// A runtime of so many threads; without a number, of one for each two processors.
pub fn runtime(threads: Option<usize>) -> std::io::Result<tokio::runtime::Runtime> {
    let half = || std::thread::available_parallelism().map_or(1, |processors| processors.get() / 2);
    let threads = threads.unwrap_or_else(half).max(1);
    // One thread alone hands nothing over to another, which costs more than many a mail does.
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
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
