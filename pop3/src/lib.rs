//! POP3 over IPv4 and IPv6 alike.
//!
//! ```text
//!    net::Client ─► client::Connection ─► Command ──── CRLF ────► Command ─► server::Connection ─► net::Service, net::Maildrop
//!     a stream            a machine       Reply  ◄── CRLF, dots ── Reply          a machine           yours: who, and what mail
//! ```
//!
//! | piece | what it does |
//! |---|---|
//! | [`Command`], [`Reply`], [`Capabilities`], [`ScanListing`], [`UidListing`] | the lines, both ways, nothing dropped |
//! | [`server::Connection`], [`client::Connection`] | what may come next: machines, octets in, events out, octets out |
//! | [`client::Seen`] | what to fetch when mail stays on the server |
//! | `net::Client`, `net::serve` | drivers for tokio, with TLS by policy |
//!
//! # What holds
//!
//! - **Only QUIT removes mail** (RFC 1939 s 6). A lost connection, a timeout, a shutdown remove nothing.
//! - **Message numbers are fixed** for the session and are never another number: 0 and 4294967297 are errors.
//! - **Messages are streamed**, both ways; a message is whole only when its end was seen: a connection that ends before is an
//!   error and never a message.
//! - **Nothing in the clear survives STLS**: octets behind it end the session, on either side, and the capabilities are asked anew.
//! - **No password outside TLS** unless the configuration says so, on either side; a client that requires TLS cannot be talked down.
//! - **Whatever a peer can make grow has a limit**: lines, listings, capabilities, messages, challenges, errors, log-ins.
//!
//! # An example
//!
//! ```
//! use mail46_pop3::{Reply, ResponseCode};
//! let reply = Reply::parse(b"-ERR [IN-USE] another session has it").expect("a reply");
//! assert_eq!(reply.code(), Some(ResponseCode::InUse));
//! ```
//!
//! The machines' own pages have a dialogue each.
//!
//! # Texts
//!
//! | RFC | what of it |
//! |---|---|
//! | 1939 | all; the server's APOP where passwords can be read |
//! | 2449 | CAPA, response codes, PIPELINING, EXPIRE and LOGIN-DELAY as data |
//! | 2595, 8314 | STLS; TLS from the first octet on |
//! | 3206 | `[SYS/TEMP]`, `[SYS/PERM]`, `[AUTH]` |
//! | 5034 | AUTH, with the mechanisms of mail46-sasl |
//! | 6856 | UTF8; LANG, whose texts are the application's |
//!
//! Tolerances of the client, each with a test: a challenge `+` without its space, which RFC 5034 s 4 asks for; reply lines of up to
//! 8,192 octets instead of 512; bare newlines in a message stay as they are (they never end it); a number behind a scan listing.
//!
//! # Features
//!
//! `net`: the tokio drivers. `tls`: TLS in them by rustls; the application brings the configuration, and with it the crypto
//! provider. Both are default; without them this crate knows no socket and no clock.
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

mod apop;
mod capability;
pub mod client;
mod command;
#[cfg(feature = "net")]
pub mod net;
mod reply;
pub mod server;
mod text;

pub use apop::{Digest, Timestamp};
pub use capability::{Capabilities, Capability, CapabilityKind, Expire, LoginDelay, Scope};
pub use command::{Command, SyntaxError, Verb};
pub use mail46_wire::text::TextError;
pub use reply::{DropListing, Reply, ResponseCode, ScanListing, Status, UidListing};
pub use text::{
    InitialResponse, Keyword, LanguageRange, Mechanism, MessageNumber, Name, Password, Text, UniqueId,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
