//! Mail as IMAP tells it: its parts and where they are, its header's fields, what a search compares.
//!
//! A message is looked at once, as it streams by ([`Scanner`]); what is kept of it ([`Structure`]) are its headers, and where
//! each part's octets are. With that ENVELOPE, BODYSTRUCTURE and BODY[…] are answered without the message at hand.

pub(crate) mod address;
pub(crate) mod date;
pub(crate) mod decode;
pub(crate) mod field;
pub(crate) mod ids;
pub(crate) mod media;
mod scan;
pub(crate) mod section;
mod structure;
pub(crate) mod subject;
pub(crate) mod thread;
pub(crate) mod told;

pub use scan::Scanner;
pub use section::Piece;
pub use structure::{Kind, Part, Structure};

#[cfg(test)]
mod tests;
