//! The client's side: one session as a machine, and what to fetch when mail stays on the server.

mod config;
mod connection;
mod event;
mod seen;
mod verbs;

pub use config::{Config, InClear, Limits, Timeouts};
pub use connection::Connection;
pub use event::{Error, Event, Misuse, PeerMisbehaved};
pub use seen::{Keep, Plan, Seen, StateError};
