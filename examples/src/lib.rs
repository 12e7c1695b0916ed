//! What the example programs share: how they end, how they listen, TLS from files or made up, messages from files.

pub mod auth;
pub mod dial;
pub mod dialogue;
pub mod dump;
pub mod exit;
pub mod letters;
pub mod listen;
pub mod message;
pub mod tls;

pub use exit::{Exit, Stop};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
