//! The server's side of a session.

mod append;
mod config;
mod connection;
mod event;
mod fetch;
mod order;
mod verbs;

pub use config::{Config, InClear, Limits, Offer, Timeouts};
pub use connection::Connection;
pub use event::{
    AppendRequest, AuthRequest, Error, Event, IncomingMessage, LogIn, Misuse, PeerMisbehaved, Replaced,
    Reply, Request,
};
pub use order::{State, Verb};
pub use verbs::Selection;
