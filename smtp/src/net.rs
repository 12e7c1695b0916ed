//! Drivers for tokio: a [`Client`], and [`serve`] for a [`Session`] of yours.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and [`server`](crate::server).

mod client;
mod incoming;
mod server;
mod session;

#[cfg(feature = "tls")]
pub use client::TlsSettings;
pub use client::{Client, ClientError, Direction, Observer, SendError, Tls};
pub use server::{FrontEnd, ServeError, Server, Shutdown, serve, serve_connection};
pub use session::{Delivery, Hello, Message, MessageError, Peer, Service, Session};
