//! The client's side of a session, as a machine without I/O.
//!
//! It opens the session by itself (EHLO, and HELO where that is refused), sends a whole envelope in one flight where
//! the server takes it, and tells one [`Outcome`] for each recipient. See [`Connection`] for an example.

mod config;
mod connection;
mod envelope;
mod event;
mod transaction;
mod verbs;

pub use config::{Config, Timeouts};
pub use connection::Connection;
pub use envelope::{Envelope, Recipient, Unable};
pub use event::{Error, Event, Misuse, Outcome, PeerMisbehaved, Stage};
