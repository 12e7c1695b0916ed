//! The server's side: one session as a machine.

mod config;
mod connection;
mod event;
mod order;
mod top;

pub use config::{Config, InClear, Limits, Offer, Timeouts};
pub use connection::Connection;
pub use event::{AuthRequest, Error, Event, LogIn, Message, Misuse, Part, PeerMisbehaved, Retrieve, Utf8};
pub use order::Phase;
