//! One file a topic: its type with its ABNF, `parse`, `write`, and known-answer tests.
//!
//! How the types are made, so that a response costs few allocations and nothing recurses:
//!
//! - A type is generic over where its octets are kept: `B` is `&[u8]` or `Bytes` (`cursor::Keep`).
//! - `parse` leaves the cursor behind what it read; `write` is strict, whatever was let pass when it was read.
//! - A list that is seldom looked into (flags, addresses, parameters, the parts of a section) is kept as its checked text,
//!   and iterated from there: one `B`, no `Vec`. `parse` has then walked it once by the same rules.
//! - A tree is a flat pre-order `Vec` with counts.

pub(crate) mod body;
pub(crate) mod capability;
#[cfg(test)]
pub(crate) mod check;
pub(crate) mod class;
pub(crate) mod code;
pub(crate) mod date;
pub(crate) mod envelope;
pub(crate) mod esearch;
pub(crate) mod fetch;
pub(crate) mod flag;
pub(crate) mod keyword;
pub(crate) mod list;
pub(crate) mod mailbox;
pub(crate) mod numbers;
pub(crate) mod parameter;
pub(crate) mod search;
pub(crate) mod section;
pub(crate) mod sequence;
pub(crate) mod sort;
pub(crate) mod status;
pub(crate) mod string;
pub(crate) mod thread;
pub mod utf7;
pub(crate) mod value;
