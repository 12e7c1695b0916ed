//! Drivers for tokio: a [`Client`], and [`serve`] for a [`Session`] of yours.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and [`server`](crate::server).

mod client;
mod incoming;
mod server;
mod session;

pub use client::{Client, ClientError, Direction, Observer, SendError};
#[cfg(feature = "tls")]
pub use mail46_wire::net::TlsSettings;
pub use mail46_wire::net::{FrontEnd, Peer, Shutdown, Tls};
pub use server::{ServeError, Server, serve, serve_connection};
pub use session::{Delivery, Hello, Message, MessageError, Service, Session};
