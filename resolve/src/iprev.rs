//! The name of a peer by its address, and back: PTR with forward confirmation ("iprev", RFC 8601 s 3).

use std::{fmt, net::IpAddr};

use mail46_wire::Domain;

use crate::{Answer, Outcome, Target};

/// Names of one address that are looked up at most: "a limit of 10" (RFC 8601 s 3).
pub const NAMES_MAX: usize = 10;

/// What came of it (RFC 8601 s 2.7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 8601 s 2.7.3
pub enum Iprev {
    /// One of the names has the address.
    Pass,
    /// There are names, and none has it.
    Fail,
    /// DNS gave no answer for now.
    TempError,
    /// There is no name.
    PermError,
}

/// The names of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reverse {
    /// The address; never an IPv4-mapped one.
    pub address: IpAddr,
    /// What came of it.
    pub result: Iprev,
    /// The names that PTR records give, and whether each has the address.
    pub names: Vec<(Domain, Confirmed)>,
}

/// Whether a name has the address that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // three answers
pub enum Confirmed {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// DNS gave no answer for now, or it was one name too many.
    Unknown,
}

/// The names to look up for a PTR answer: A for an IPv4 address, AAAA for an IPv6 one.
pub fn names(ptr: &Answer<Target>) -> impl Iterator<Item = &Domain> {
    ptr.as_records().iter().filter_map(Target::name).take(NAMES_MAX)
}

impl Confirmed {
    /// What the answer for a name says about an address of that family.
    pub fn new<T: Copy + Into<IpAddr>>(address: IpAddr, answer: &Answer<T>) -> Self {
        match &answer.outcome {
            Outcome::Records(ips) if ips.iter().any(|ip| (*ip).into() == address.to_canonical()) => Self::Yes,
            Outcome::Records(_) | Outcome::NoData | Outcome::NxDomain => Self::No,
            Outcome::Failed(_) => Self::Unknown,
        }
    }
}

impl Reverse {
    /// What a PTR answer and the answers for its [`names`] come to.
    pub fn new(
        address: IpAddr,
        ptr: &Answer<Target>,
        confirmed: impl IntoIterator<Item = Confirmed>,
    ) -> Self {
        let names: Vec<(Domain, Confirmed)> = names(ptr).cloned().zip(confirmed).collect();
        let any = |wanted| names.iter().any(|(_, confirmed)| *confirmed == wanted);
        let result = match ptr.outcome {
            Outcome::Failed(_) => Iprev::TempError,
            _ if any(Confirmed::Yes) => Iprev::Pass,
            _ if any(Confirmed::Unknown) => Iprev::TempError,
            Outcome::Records(_) => Iprev::Fail,
            Outcome::NoData | Outcome::NxDomain => Iprev::PermError,
        };
        Self { address: address.to_canonical(), result, names }
    }

    /// The name to write down for the peer: the first that is confirmed.
    pub fn name(&self) -> Option<&Domain> {
        self.names.iter().find(|(_, confirmed)| *confirmed == Confirmed::Yes).map(|(name, _)| name)
    }
}

impl fmt::Display for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Iprev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        })
    }
}
