//! Drivers for tokio: a [`Client`], and [`serve`] for a [`Service`] of yours over its [`Maildrop`]s.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and [`server`](crate::server).

mod client;
mod server;
mod session;

pub use client::{Client, ClientError, Message};
#[cfg(feature = "tls")]
pub use mail46_wire::net::TlsSettings;
pub use mail46_wire::net::{FrontEnd, Peer, Shutdown, Tls};
pub use server::{ServeError, Server, serve, serve_connection};
pub use session::{Maildrop, Service};
