//! Where the mail of a domain goes, over IPv4 and IPv6 alike, and what else DNS knows about mail.
//!
//! ```text
//!  Destination ──► Dns ────────────► Facts ────────────► Route ──────────► attempts()
//!  a domain, or    MX; A and AAAA    what DNS said,      tiers of hosts    host and address,
//!  [an address]    of each host      both families       or a Failure      in order
//!                    ▲                  ▲                   ▲
//!        Hickory, TrustedAd, Zone    by hand, too       Policy, random
//! ```
//!
//! Selection is a pure function: [`Facts::route`] takes the answers, a [`Policy`] and a source of random numbers, and gives
//! a [`Route`] or a [`Failure`]. It knows no socket, no clock and no state. The same facts can be judged by several
//! policies: as a sender with one address family, as one of RFC 2821.
//!
//! ```
//! use mail46_resolve::{Class, Destination, FamilyPolicy, Policy, Resolver, Rules, Zone, seeded};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! // A domain with an IPv6 address and nothing else.
//! let zone: Zone = "v6.example AAAA 2001:db8::25".parse()?;
//! let facts = Resolver::new(zone).facts(&Destination::parse("v6.example")?, seeded(1)).await;
//!
//! let route = facts.route(&Policy::default(), seeded(1))?;
//! assert_eq!(route.attempts().next().unwrap().1, "2001:db8::25".parse::<std::net::IpAddr>()?);
//!
//! let v4 = Policy { family: FamilyPolicy::OnlyIpv4, ..Policy::default() };
//! assert_eq!(facts.route(&v4, seeded(1)).unwrap_err().class, Class::Family); // try again, elsewhere
//! let old = Policy { rules: Rules::Rfc2821, ..Policy::default() };
//! assert_eq!(facts.route(&old, seeded(1)).unwrap_err().class, Class::NoAddress); // bounced in 2001
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What holds
//! - No host is tried before all of a better preference; hosts of a tier stand in random order, each equally often first.
//! - Each address stands once. Inside a host the families take turns, from the preferred one, each in the order of DNS.
//! - Limits never take the last address of a family; of five, two are left to each family that there is.
//! - A failed question is never "no": not no MX, not no address. One unanswered host is enough to try again later.
//! - Mail never goes to ourselves, nor to an exchanger no better than ourselves, whichever of our addresses tells.
//! - Whatever DNS or a policy file says, nothing here panics or grows without a bound.
//!
//! # RFCs
//! | RFC | what | where |
//! |---|---|---|
//! | 5321 s 5.1, 5.2 | locating the target host | [`Facts::route`] |
//! | 2821 s 5, 974 | as older senders did | [`Rules`] |
//! | 7505 | null MX | [`Class::NullMx`] |
//! | 2181 s 10.3 | an exchanger that is an alias: used, and noted | [`Note::Alias`] |
//! | 2308 | NXDOMAIN, no data, failures; how long they are kept | [`Outcome`], [`Cached`] |
//! | 3463, 7504 | codes for a bounce or a reply | [`Failure`] |
//! | 2782, 6186, 8314 s 5.1 | servers for mail clients | [`srv`] |
//! | 6698, 7671, 7672 | DANE for SMTP | [`dane`] |
//! | 8461 | MTA-STS | [`sts`] |
//! | 8460 s 3 | TLSRPT's record | [`tlsrpt`] |
//! | 8601 s 3 | reverse names, confirmed | [`iprev`] |
//! | 5890, 5891 | U-labels in, A-labels to DNS | [`Destination`] |
//!
//! # Tolerances
//! Each is in use on the Internet, and each has a test: an exchanger that is an alias (RFC 2181 s 10.3 forbids it), one with
//! an underscore or of a single label, `.` beside other MX records or with a preference above 0 (RFC 7505 s 3), one final
//! dot of a domain that a person typed, empty lines at the end of an MTA-STS policy.
//!
//! # Features
//! All are on by default; without them nothing but the pure core is left.
//!
//! | feature | what |
//! |---|---|
//! | `net` | [`Resolver`] (many questions at a time, under one deadline) and [`Cached`], over any [`Dns`] |
//! | `hickory` | [`Hickory`] with DNSSEC in process, and [`TrustedAd`], which believes the AD bit of a resolver |
//! | `tls` | [`dane::DaneVerifier`] for rustls; the application chooses the crypto provider |
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

mod answer;
#[cfg(feature = "net")]
mod cache;
pub mod dane;
mod dns;
mod facts;
mod failure;
pub mod iprev;
mod mx;
#[cfg(feature = "net")]
mod net;
mod random;
mod record;
mod route;
mod sender;
pub mod srv;
pub mod sts;
pub mod tlsrpt;
mod zone;

pub use answer::{Alias, Answer, Mx, Outcome, Security, Srv, Target, Tlsa, Trouble};
#[cfg(feature = "net")]
pub use cache::Cached;
pub use dane::Dane;
pub use dns::Dns;
#[cfg(feature = "hickory")]
pub use dns::{Hickory, HickoryError, TrustedAd, Validation};
pub use facts::{Destination, Facts};
pub use failure::{Class, Failure};
pub use mx::{FamilyPolicy, Limits, Own, Policy, Reach, Rules, SpecialAddresses, UnknownWord};
#[cfg(feature = "net")]
pub use net::Resolver;
pub use random::{seeded, unseeded};
pub use route::{Dropped, Note, Reason, Route, RouteHost, Source, Tier};
pub use sender::{Refusal, SenderCheck};
pub use zone::{Zone, ZoneError, reverse_name};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
