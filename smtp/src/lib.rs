//! SMTP, submission and LMTP: commands, replies and extensions as typed values, and both sides of the dialogue as
//! machines without I/O.
//!
//! ```text
//!              client::Connection                               server::Connection
//!   mail(envelope) ─► MAIL RCPT … BDAT ──────── octets ───────► Event::Command ─► reply, accept_data, …
//!   Event::Done    ◄─ one Outcome a recipient ◄─ replies ◄───── Event::Data, Event::DataEnd ─► reply
//!
//!          codec: Command, Reply, Extensions, Mailbox, Params (both directions, nothing lost)
//!          trace: Received and Return-Path            net: drivers for tokio, TLS by rustls
//! ```
//!
//! # The contract
//!
//! - **Octets in, events out, octets out.** `next(&mut input)` gives an event, wants input, or is paused until the
//!   application has answered the last event by a verb. `output()` is what the driver writes. No I/O, no clock.
//! - **The machines keep to the RFCs, the application decides policy.** What may come when, what is too long, too much
//!   or not offered is refused by the machine with the reply that the RFC has for it. Who may relay is yours.
//! - **Only CRLF.CRLF ends a message**, whatever is set. A message that is refused is read to its true end first.
//! - **STARTTLS forgets everything**, and an octet in the clear behind it ends the session, on either side.
//! - **A message is never gathered.** Its parts are split off the input and handed on.
//! - **Strict grammar, named departures**: see [`Quirks`]. What was tolerated is told with the command.
//!
//! # Example: what a line says
//!
//! ```
//! use mail46_smtp::{Command, Host, ReversePath, Rules};
//!
//! let parsed = Command::parse(b"MAIL FROM:<alice@[IPv6:2001:db8::1]> SIZE=1000", &Rules::default())?;
//! let Command::Mail { from: ReversePath::Mailbox(sender), params } = parsed.command else { panic!() };
//! assert!(matches!(sender.host, Host::Literal(_)));
//! assert_eq!(params.size(), Some(1000));
//! # Ok::<(), mail46_smtp::SyntaxError>(())
//! ```
//!
//! The machines: [`client::Connection`] and [`server::Connection`]. On tokio: `net::Client` and `net::serve`.
//!
//! # RFCs
//!
//! | what | where |
//! |---|---|
//! | SMTP; submission; LMTP | RFC 5321; 6409; 2033 |
//! | PIPELINING; CHUNKING and BINARYMIME; 8BITMIME; SIZE | RFC 2920; 3030; 6152; 1870 |
//! | SMTPUTF8 | RFC 6531, 6533 |
//! | STARTTLS, implicit TLS; REQUIRETLS | RFC 3207, 8314; 8689 |
//! | AUTH, by [`mail46_sasl`] | RFC 4954 |
//! | DSN; enhanced status codes | RFC 3461; 2034, 3463, 5248 |
//! | DELIVERBY; FUTURERELEASE; MT-PRIORITY; RRVS; LIMITS | RFC 2852; 4865; 6710; 7293; 9422 |
//! | ETRN; ATRN; BURL | RFC 1985; 2645; 4468 |
//! | XCLIENT, XFORWARD; the PROXY protocol | Postfix; HAProxy ([`mail46_wire::ProxyProtocol`]) |
//! | `Received`, `Return-Path`, `with` keywords, loops | RFC 5321 s 4.4, 6.3; 3848; 6531 s 4.3 |
//!
//! # Features
//!
//! `net`: the drivers for tokio. `tls`: TLS in them. Both are default. Without them the crate knows no socket, no
//! clock and no runtime. There is no feature for an extension of SMTP.
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

mod address;
mod argument;
pub mod client;
mod command;
mod datetime;
mod extension;
mod hot;
#[cfg(feature = "net")]
pub mod net;
mod param;
mod quirks;
mod reply;
pub mod server;
mod syntax;
mod text;
pub mod trace;
mod value;
mod xtext;

pub use address::{AddressError, ForwardPath, LocalPart, Mailbox, ReversePath};
pub use argument::{Attributes, Domains, Node, Query};
pub use command::{Chunk, Command, Parsed, Verb};
pub use datetime::DateTime;
pub use extension::{Extension, ExtensionKind, Extensions, ExtensionsBuilder, LimitsParam, Words};
pub use mail46_wire::text::TextError;
pub use mail46_wire::{AddressLiteral, Domain, Host};
pub use param::{Param, ParamError, ParamKind, Params};
pub use quirks::{Quirks, Rules, Utf8};
pub use reply::{EnhancedCode, Reply, ReplyCode, ReplyError, ReplyReader, Severity};
pub use syntax::{Fault, SyntaxError};
pub use text::{InitialResponse, Keyword, Mechanism, Text};
pub use value::{Body, By, ByMode, ByTrace, Notify, Ret, Rrvs, RrvsAction, Submitter};
pub use xtext::{Orcpt, XText};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
