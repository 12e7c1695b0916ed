//! What the example programs share: how they end, how they listen, TLS from files or made up, messages from files.

pub mod account;
pub mod auth;
pub mod desk;
pub mod dialogue;
pub mod dns;
pub mod dump;
pub mod exit;
pub mod https;
pub mod imap;
pub mod letterbox;
pub mod letters;
pub mod listen;
pub mod lock;
pub mod mailbox;
pub mod maildir;
pub mod message;
pub mod mirror;
pub mod outcome;
pub mod progress;
pub mod readback;
pub mod reading;
pub mod removal;
pub mod reports;
pub mod say;
pub mod spool;
pub mod tls;
pub mod way;

pub use exit::{Exit, Stop};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
