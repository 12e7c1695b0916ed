//! To come.
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
#[cfg(feature = "hickory")]
mod stub;
pub mod tlsrpt;
mod zone;

pub use answer::{Alias, Answer, Mx, Outcome, Security, Srv, Target, Tlsa, Trouble};
pub use dane::Dane;
pub use dns::Dns;
#[cfg(feature = "hickory")]
pub use dns::{Hickory, HickoryError, Validation};
pub use facts::{Destination, Facts};
pub use failure::{Class, Failure};
pub use mx::{FamilyPolicy, Limits, Own, Policy, Reach, Rules, SpecialAddresses, UnknownWord};
#[cfg(feature = "net")]
pub use net::Resolver;
pub use random::{seeded, unseeded};
pub use route::{Dropped, Note, Reason, Route, RouteHost, Source, Tier};
pub use sender::{Refusal, SenderCheck};
#[cfg(feature = "hickory")]
pub use stub::TrustedAd;
pub use zone::{Zone, ZoneError, reverse_name};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
