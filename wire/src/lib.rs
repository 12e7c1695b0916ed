//! What SMTP, POP3 and IMAP share between the socket and their first own octet.
//!
//! Each protocol crate of mail46 is a pure machine: octets in, events out, octets out. The pieces that more than
//! one of them needs are here, and nothing else:
//!
//! ```text
//!   socket ── net::Stream ──► input: BytesMut ──► LineReader / DotDecoder ──► the protocol's machine ──► Step<Event>
//!                  ▲                                                                 │
//!                  └────────────────────── output: BytesMut ◄────────────────────────┘
//! ```
//!
//! | piece | what it does | RFC |
//! |---|---|---|
//! | [`Step`] | the three answers of a connection: an event, wants input, paused | – |
//! | [`LineReader`] | lines that end in CRLF and nothing else, under a limit | 5321 s 2.3.8, 4.5.3.1 |
//! | [`DotDecoder`], [`DotEncoder`] | texts that end in a dot, both ways, as streams | 5321 s 4.5.2; 1939 s 3 |
//! | [`Domain`], [`AddressLiteral`], [`Host`] | where mail lives, by name or by address of either family | 5321 s 4.1.2, 4.1.3; 5890; 5952 |
//!
//! ```
//! use bytes::BytesMut;
//! use mail46_wire::{Host, LineReader};
//!
//! let mut input = BytesMut::from(&b"EHLO [IPv6:2001:DB8::1]\r\nMAIL"[..]);
//! let mut lines = LineReader::new(512);
//! let line = lines.next(&mut input).expect("a whole line").expect("a clean one");
//! let host = Host::parse(&line[5..])?;
//! assert_eq!(host.to_string(), "[IPv6:2001:db8::1]"); // RFC 5952 out, whatever came in
//! assert_eq!(lines.next(&mut input), None); // "MAIL" waits for its CRLF
//! # Ok::<(), mail46_wire::NameError>(())
//! ```
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod domain;
mod dot;
mod host;
mod line;
mod literal;
mod step;

pub use domain::{Domain, NameError};
pub use dot::{BareNewline, DotDecoder, DotEncoder, DotEvent, DotFault};
pub use host::Host;
pub use line::{LineError, LineReader};
pub use literal::{AddressLiteral, LiteralError};
pub use step::Step;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
