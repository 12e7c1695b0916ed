//! Drivers for tokio: a [`Client`], and a server for a mail store of yours.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and its like for servers.

mod client;
mod deflate;

pub use client::{Append, AppendId, Client, ClientError, Close, Fetched, Fetches, Idle, Notice, Select};
pub use mail46_wire::net::Tls;
#[cfg(feature = "tls")]
pub use mail46_wire::net::TlsSettings;
