//! Networks.
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
mod family;
mod memory;
mod nat64;
mod networks;
mod race;
mod sort;

pub use client_key::ClientKey;
pub use family::{Family, FamilyPolicy};
pub use memory::Memory;
pub use nat64::{IPV4ONLY_NAME, Pref64};
pub use networks::{Network, NetworkError, Networks, Pattern};
pub use race::{
    ADDRESSES, ATTEMPT_DELAY, Action, Attempt, AttemptId, Config, Failure, Ignored, Log, Lookup, LookupError,
    MAX_ATTEMPT_DELAY, MIN_ATTEMPT_DELAY, Mode, Nat64, Outcome, RESOLUTION_DELAY, Race, Target,
};
pub use sort::{Destination, History, PolicyTable, Source};
