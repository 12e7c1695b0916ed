//! Trace fields: `Received` and `Return-Path` (RFC 5321 s 4.4), written strictly and read as they are.
//!
//! ```text
//!   Stamp ──to_bytes──► "Received: from a (… [IPv6:2001:db8::a]) by b with ESMTPS id 1; date CRLF" ──► Received::parse
//!                                                                                                       │
//!   a message ──push──► TraceReader ──finish──► Trace { hops in the order of travel, … } ◄── Hop ◄──────┘
//!   a message ──push──► ReceivedCounter ──► is it a loop? (RFC 5321 s 6.3)
//! ```
//!
//! A program that asks which hops went over IPv6:
//!
//! ```
//! use mail46_smtp::trace::{Family, TraceReader};
//! let mut reader = TraceReader::new();
//! reader.push(b"Received: from mx.example (2001:db8:3000::d) by ws1.example (2001:db8:3000::b)\r\n \
//!     with Microsoft SMTP Server (TLS) id 8.1.393.1; Thu, 5 Nov 2009 12:01:08 +0800\r\n\r\n");
//! for hop in reader.finish().hops {
//!     assert_eq!(hop.family(), Some(Family::Ipv6));
//!     assert!(hop.tls);
//! }
//! ```
//!
//! # What is read though it should not be written
//! The tag `IPv6:` left out, addresses without brackets, zones (`%eth0`), clauses in any order, repeated or missing,
//! words that belong to no clause, parentheses and quotes that nothing closes, obsolete and foreign dates, LF as the
//! end of a line. None of it decides anything but what a field says.

mod date_time;
mod endpoint;
mod header;
mod lex;
mod protocol;
mod received;
mod return_path;
mod stamp;

pub use date_time::{DateTime, Zone};
pub use endpoint::{Endpoint, Form, FoundAddress, Place};
pub use header::{Hop, LOOP_THRESHOLD, ReceivedCounter, Trace, TraceReader};
pub use protocol::{Greeting, Protocol, Used};
pub use received::{Clause, Family, Keyword, Received, TlsInfo};
pub use return_path::ReturnPath;
pub use stamp::{Stamp, StampError};
