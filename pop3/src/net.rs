//! Drivers for tokio: a [`Client`], and [`serve`] for a [`Service`] of yours over its [`Maildrop`]s.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and [`server`](crate::server).

mod client;
mod server;
mod session;

#[cfg(feature = "tls")]
pub use client::TlsSettings;
pub use client::{Client, ClientError, Message, Tls};
pub use server::{ServeError, Server, Shutdown, serve, serve_connection};
pub use session::{Maildrop, Peer, Service};
