//! How mail gets a connection, over IPv6 and IPv4 alike; and how it takes one.
//!
//! ```text
//!   names or addresses ──► Race ──► look up AAAA, A ──► sort, interleave ──► start, cancel ──► one wins, and a Log
//!                           ▲  RFC 8305   RFC 6724 (PolicyTable)                                     │
//!                           └──── answers, progress, results, the time ◄── connect(), or your driver ┘
//! ```
//!
//! | piece | what it does | RFC |
//! |---|---|---|
//! | [`Race`] | Happy Eyeballs without I/O: events and the time in, actions out | 8305; 6555; HEv3 draft 3 to 8 |
//! | [`PolicyTable`] | sorts destination addresses | 6724 s 2.1, 6, 10 |
//! | [`Pref64`] | IPv4 addresses on a network without IPv4 | 6052; 7050 |
//! | [`Memory`] | what failed lately, bounded and decaying | 8305 s 4 |
//! | [`Networks`], [`Network`] | sets of networks as Postfix writes them | 4291 s 2.3; 5952 |
//! | [`ClientKey`] | one key for one client: IPv4 by address, IPv6 by /64 | 4291 s 2.5.4 |
//! | [`connect`], [`connect_with`], [`connect_any`] | the race over tokio's sockets | – |
//! | [`Listener`] | all addresses of both families, each its own socket; or systemd's | 3493 s 5.3 |
//!
//! # The contract of the race
//!
//! - AAAA and A are asked together. The preferred family's answer is waited for 50 ms at most, and not at all when
//!   it alone is known to have no default route.
//! - Addresses are sorted by RFC 6724, families by turns. Answers that come late get the place they would have had.
//! - One attempt at a time is started: the next one 250 ms behind the last (100 ms to 2 s can be set), longer when
//!   the last makes progress, at once when any has failed. No address is tried twice.
//! - Success is the caller's word: TCP, TLS, a greeting. The others are cancelled then.
//! - It ends: with a winner, when all that was asked and tried has failed, or at the deadline. The [`Log`] tells each
//!   look-up and attempt with its times and its end.
//! - For relays ([`Config::relay`]) there is one attempt at a time, host by host.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use mail46_connect::{Action, Config, Race, Target};
//!
//! let now = Instant::now();
//! let [v6, v4] = ["[2001:db8::25]:25", "192.0.2.25:25"].map(|it| it.parse::<std::net::SocketAddr>().unwrap());
//! let mut race: Race<&str> = Race::new([Target::Addresses(vec![v4.into(), v6.into()])], Config::new(), now);
//! let Some(Action::Start { id, address, .. }) = race.poll(now) else { panic!() };
//! assert_eq!(address, v6); // RFC 6724
//! race.failed(id, "connection refused", now + Duration::from_millis(3));
//! let Some(Action::Start { address, .. }) = race.poll(now + Duration::from_millis(3)) else { panic!() };
//! assert_eq!(address, v4); // at once
//! ```
//!
//! # Features
//!
//! `net` (default): tokio, the system's resolver, the listener. `hickory`: a resolver that asks DNS itself.
//! `default-features = false` leaves the pure part, without tokio or sockets.
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

mod client_key;
#[cfg(feature = "net")]
mod dns;
mod family;
#[cfg(feature = "net")]
mod listen;
mod memory;
mod nat64;
#[cfg(feature = "net")]
mod net;
mod networks;
mod race;
mod sort;

pub use client_key::ClientKey;
#[cfg(feature = "hickory")]
pub use dns::HickoryResolver;
#[cfg(feature = "net")]
pub use dns::{Answer, Resolver, SystemResolver};
pub use family::{Family, FamilyPolicy};
#[cfg(feature = "net")]
pub use listen::{Accepted, BindError, Listener, NotBound};
pub use memory::Memory;
pub use nat64::{IPV4ONLY_NAME, Pref64};
#[cfg(feature = "net")]
pub use net::{ConnectError, Connected, Dial, Endpoint, Options, connect, connect_any, connect_with};
pub use networks::{Network, NetworkError, Networks, Pattern};
pub use race::{
    ADDRESSES, ATTEMPT_DELAY, Action, Attempt, AttemptId, Config, Failure, Ignored, Log, Lookup, LookupError,
    MAX_ATTEMPT_DELAY, MIN_ATTEMPT_DELAY, Mode, Nat64, Outcome, RESOLUTION_DELAY, Race, Target,
};
pub use sort::{Destination, Facts, History, Lifetime, Mobility, PolicyTable, Source, Transport};

#[cfg(all(doctest, feature = "net"))]
#[doc = include_str!("../README.md")]
struct Readme;
