//! The server's side of a session, as a machine without I/O.
//!
//! Feed it octets with [`Connection::next`], answer each event with a verb, write what is in
//! [`Connection::output`]. See [`Connection`] for an example.

mod check;
mod chunk;
mod config;
mod connection;
mod event;
mod offer;
mod order;
mod verbs;

pub use config::{Config, Dialect, InClear, Limits, MailFrom, Timeouts};
pub use connection::Connection;
pub use event::{AuthRequest, DataEnd, DataFault, Error, Event, Fault, Misuse, PeerMisbehaved};
pub use offer::Offer;
pub use order::Phase;
