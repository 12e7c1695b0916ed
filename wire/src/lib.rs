//! What SMTP, POP3 and IMAP share between the socket and their first own octet.
//!
//! Each protocol crate of mail46 is a pure machine: octets in, events out, octets out. The pieces that more than
//! one of them needs are here, and nothing else:
//!
//! ```text
//!   socket ── net::Stream ──► input: BytesMut ──► LineReader / DotDecoder ──► the protocol's machine ──► Step<Event>
//!    plain or TLS  ▲                                                                 │
//!                  └────────────────────── output: BytesMut ◄──── DotEncoder ◄───────┘
//! ```
//!
//! | piece | what it does | RFC |
//! |---|---|---|
//! | [`Connection`], [`Step`] | the shape of each machine, and its three answers: an event, wants input, paused | – |
//! | [`LineReader`] | lines that end in CRLF and nothing else, under a limit | 5321 s 2.3.8, 4.5.3.1 |
//! | [`DotDecoder`], [`DotEncoder`] | texts that end in a lone dot, both ways, as streams | 5321 s 4.5.2; 1939 s 3 |
//! | [`base64`] | strict, for SASL exchanges | 4648 s 3, 4 |
//! | [`text`] | validated words, kept where they were read | – |
//! | [`Domain`], [`AddressLiteral`], [`Host`] | where mail lives, by name or by address of either family | 5321 s 4.1.2, 4.1.3; 5890; 5952 |
//! | [`ProxyProtocol`] | who the client of a load balancer is, ahead of everything else | HAProxy's PROXY protocol, 1 and 2 |
//! | `net::Stream` | the plain-or-TLS stream and its drive loop, with deadlines | 3207; 8314; 9266; 5929 |
//!
//! # What holds
//!
//! - **Only CRLF ends a line.** A bare CR, a bare LF and a NUL are faults, told once; what follows them on their line
//!   or in their text is never taken for a command.
//! - **However the input is cut, the answers are the same.** No octet is searched twice, and none is copied to be
//!   looked at: lines and texts are split off the input.
//! - **Nothing a peer sends grows without bound**: a line has a limit, a text is handed on as it comes.
//! - **Time is the driver's**, and absolute: drops of octets buy none.
//!
//! # Features
//!
//! `net`: the tokio stream. `tls`: TLS on it by rustls; the application brings the configuration, and with it the
//! crypto provider. Both are default; without them this crate knows no socket and no clock.
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

pub mod base64;
mod connection;
mod domain;
mod dot;
mod host;
mod line;
mod literal;
#[cfg(feature = "net")]
pub mod net;
mod proxy;
pub mod scan;
mod step;
pub mod text;

pub use connection::{Connection, Phase};
pub use domain::{Domain, NameError};
pub use dot::{BareNewline, DotDecoder, DotEncoder, DotEvent, DotFault};
pub use host::Host;
pub use line::{LineError, LineReader};
pub use literal::{AddressLiteral, LiteralError};
pub use proxy::{Origin, ProxyError, ProxyProtocol};
pub use step::Step;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
