//! The server's side: one session as a machine.

mod config;
mod connection;
mod event;
mod maildrop;
mod order;
mod top;
mod verbs;

pub use config::{Config, InClear, Limits, Offer, Timeouts};
pub use connection::Connection;
pub use event::{AuthRequest, Error, Event, LogIn, Message, Misuse, Part, PeerMisbehaved, Retrieve, Utf8};
pub use order::Phase;
