//! Drivers for tokio: a [`Client`], and a server for a mail store of yours.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and its like for servers.

mod client;
mod deflate;
mod server;

pub use client::{Append, AppendId, Client, ClientError, Close, Fetched, Fetches, Idle, Notice, Select};
#[cfg(feature = "tls")]
pub use mail46_wire::net::TlsSettings;
pub use mail46_wire::net::{FrontEnd, Peer, Shutdown, Tls};
pub use server::{ServeError, Server, Service, serve, serve_connection};

/// Seconds since 1970 by the system's clock; for [`Memory`](crate::memory::Memory).
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
