//! The client's side: one session as a machine, and the view of a mailbox.

mod answers;
mod config;
mod connection;
mod event;
mod flight;
mod pipelining;
mod verbs;
mod view;
mod words;

pub use config::{Config, InClear, InitialResponse, Limits, Timeouts};
pub use connection::{Connection, State};
pub use event::{CommandId, Completed, DataBegin, Error, Event, Misuse, Peer, Sent, Unintelligible, Why};
pub use view::{Change, FlagChange, MailboxView, OutOfStep};
