//! The client's side: one session as a machine, and the view of a mailbox.

mod mailbox;

pub use mailbox::{Change, FlagChange, Mailbox, OutOfStep};
