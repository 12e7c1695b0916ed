//! Drivers for tokio: a client, and a server for a mail store of yours.
//!
//! Everything that knows a socket is here; what is said on it is decided by the machines in [`client`](crate::client)
//! and its like for servers.

#[allow(dead_code, reason = "the drivers that use it are growing")]
mod deflate;
