use std::{num::NonZeroUsize, time::Duration};

use crate::{Family, FamilyPolicy, Pref64, sort::PolicyTable};

/// The wait for the preferred family's answer once the other's is here (RFC 8305 s 3, 8).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// The wait for an attempt before the next one starts beside it (RFC 8305 s 5, 8).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The shortest such wait (RFC 8305 s 5, 8).
pub const MIN_ATTEMPT_DELAY: Duration = Duration::from_millis(100);
/// The longest such wait (RFC 8305 s 5, 8).
pub const MAX_ATTEMPT_DELAY: Duration = Duration::from_secs(2);

/// The configurable values of RFC 8305 s 8, and ours.
///
/// ```
/// use std::time::Duration;
/// use mail46_connect::{Config, FamilyPolicy, Mode};
/// let interactive = Config::new().policy(FamilyPolicy::PreferIpv4).deadline(Some(Duration::from_secs(10)));
/// let relay = Config::relay(); // one attempt at a time, 30 seconds each
/// # let _ = (interactive, relay);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) policy: FamilyPolicy,
    pub(crate) table: Option<PolicyTable>,
    pub(crate) mode: Mode,
    pub(crate) resolution_delay: Duration,
    pub(crate) attempt_delay: Duration,
    pub(crate) first_family_count: NonZeroUsize,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) default_route: Option<Family>,
    pub(crate) nat64: Nat64,
}

/// How many attempts may run at once.
///
/// Racing is made for people who wait. A mail relay has a queue, and each attempt that it drops is a session the
/// other side counts, logs or greylists; so it goes one by one (RFC 5321 s 5.1: hosts in order, addresses in order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// All addresses race, those of the first host started first.
    #[default]
    Race,
    /// The addresses of one host race; the next host's turn comes when all of them have failed.
    RaceWithinHost,
    /// One attempt at a time.
    Sequential,
}

/// What to do about an IPv4 address on a network without IPv4 (RFC 8305 s 7, HEv3 s 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nat64 {
    /// Nothing.
    Off,
    /// When an IPv4 address turns out to have no route, ask DNS for the network's prefixes.
    #[default]
    Discover,
    /// The network has these prefixes.
    Known(Vec<Pref64>),
}

impl Config {
    /// The RFC's values, IPv6 preferred, 30 seconds for all.
    pub fn new() -> Self {
        Self {
            policy: FamilyPolicy::PreferIpv6,
            table: None,
            mode: Mode::Race,
            resolution_delay: RESOLUTION_DELAY,
            attempt_delay: ATTEMPT_DELAY,
            first_family_count: NonZeroUsize::MIN,
            attempt_timeout: None,
            deadline: Some(Duration::from_secs(30)),
            default_route: None,
            nat64: Nat64::Discover,
        }
    }

    /// For a mail relay: one attempt at a time, each 30 seconds at most, no deadline over all.
    pub fn relay() -> Self {
        Self {
            mode: Mode::Sequential,
            attempt_timeout: Some(Duration::from_secs(30)),
            deadline: None,
            ..Self::new()
        }
    }

    /// Which families, and which first.
    #[must_use]
    pub fn policy(self, policy: FamilyPolicy) -> Self {
        Self { policy, ..self }
    }

    /// A policy table of one's own for the sort, in place of the policy's.
    #[must_use]
    pub fn table(self, table: PolicyTable) -> Self {
        Self { table: Some(table), ..self }
    }

    /// How many at once.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// [`RESOLUTION_DELAY`], or another.
    #[must_use]
    pub fn resolution_delay(self, resolution_delay: Duration) -> Self {
        Self { resolution_delay, ..self }
    }

    /// [`ATTEMPT_DELAY`], or another between [`MIN_ATTEMPT_DELAY`] and [`MAX_ATTEMPT_DELAY`]: what is outside is
    /// taken as the bound.
    #[must_use]
    pub fn attempt_delay(self, delay: Duration) -> Self {
        // RFC 8305 s 5: "MUST have a lower bound", against congestion collapse.
        Self { attempt_delay: delay.clamp(MIN_ATTEMPT_DELAY, MAX_ATTEMPT_DELAY), ..self }
    }

    /// First Address Family Count: how many of the first family before one of the other; 1, or 2 to favour it more.
    #[must_use]
    pub fn first_family_count(self, first_family_count: NonZeroUsize) -> Self {
        Self { first_family_count, ..self }
    }

    /// How long one attempt may take. Its end counts as a failure.
    #[must_use]
    pub fn attempt_timeout(self, attempt_timeout: Option<Duration>) -> Self {
        Self { attempt_timeout, ..self }
    }

    /// How long all may take together, look-ups included.
    #[must_use]
    pub fn deadline(self, deadline: Option<Duration>) -> Self {
        Self { deadline, ..self }
    }

    /// The one family with a default route, if there is only one: its answer is not waited past (HEv3 s 4.2).
    #[must_use]
    pub fn default_route(self, default_route: Option<Family>) -> Self {
        Self { default_route, ..self }
    }

    /// What to do about IPv4 addresses without IPv4.
    #[must_use]
    pub fn nat64(self, nat64: Nat64) -> Self {
        Self { nat64, ..self }
    }

    /// The family whose answer is waited for.
    pub(crate) fn preferred(&self) -> Family {
        let routed = self.default_route.filter(|family| self.policy.allows(*family));
        routed.unwrap_or_else(|| self.policy.preferred())
    }

    /// Whether the record of this family is of use.
    pub(crate) fn asks(&self, family: Family) -> bool {
        // HEv3 s 8.1: with a known prefix A is asked always, to synthesize from.
        let synthesizes = matches!(self.nat64, Nat64::Known(_)) && self.policy.allows(Family::V6);
        self.policy.allows(family) || (family == Family::V4 && synthesizes)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
