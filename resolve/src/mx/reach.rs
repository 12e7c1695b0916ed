use std::{fmt, net::IpAddr};

use crate::{
    Facts, Outcome, SpecialAddresses,
    facts::{Addresses, Kind},
    mx::address,
};

/// Over which address families a domain is reached, over all its hosts and whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // two families, and doubt
pub enum Reach {
    /// Both.
    Dual,
    /// IPv4 alone.
    V4Only,
    /// IPv6 alone.
    V6Only,
    /// Neither: no mail gets there.
    None,
    /// A question that decides it was not answered.
    Unknown,
}

/// Of one family.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    Yes,
    No,
    Unknown,
}

impl Facts {
    /// Over which families the domain is reached.
    pub fn reach(&self, special: SpecialAddresses) -> Reach {
        let Some(mx) = &self.mx else {
            return match &self.domain {
                mail46_wire::Host::Literal(literal) => literal.ip().map_or(Reach::None, Reach::of_address),
                mail46_wire::Host::Domain(_) => Reach::Unknown,
            };
        };
        if mx.trouble().is_some() {
            return Reach::Unknown;
        }
        let (mut v4, mut v6) = (Has::No, Has::No);
        for exchanger in &self.exchangers {
            match &exchanger.host {
                Some(host) => {
                    v4 = v4.or(has_v4(host, special));
                    v6 = v6.or(has_v6(host, special));
                }
                // Beyond the limit of look-ups, or not a name to be looked up.
                None if matches!(exchanger.kind, Kind::SingleLabel | Kind::Underscore | Kind::Plain) => {
                    v4 = v4.or(Has::Unknown);
                    v6 = v6.or(Has::Unknown);
                }
                None => {}
            }
        }
        match (v4, v6) {
            (Has::Yes, Has::Yes) => Reach::Dual,
            (Has::Yes, Has::No) => Reach::V4Only,
            (Has::No, Has::Yes) => Reach::V6Only,
            (Has::No, Has::No) => Reach::None,
            (Has::Unknown, _) | (_, Has::Unknown) => Reach::Unknown,
        }
    }
}

impl Reach {
    /// The short word: `dual`, `v4-only`, `v6-only`, `none`, `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::V4Only => "v4-only",
            Self::V6Only => "v6-only",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn of_address(ip: IpAddr) -> Self {
        match ip {
            _ if !address::is_usable(ip, SpecialAddresses::LoopbackKept) => Self::None,
            IpAddr::V4(_) => Self::V4Only,
            IpAddr::V6(_) => Self::V6Only,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Has {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }

    fn of<T: Copy + Into<IpAddr>>(outcome: &Outcome<T>, special: SpecialAddresses) -> Self {
        match outcome {
            Outcome::Records(ips) if ips.iter().any(|ip| address::is_usable((*ip).into(), special)) => {
                Self::Yes
            }
            Outcome::Records(_) | Outcome::NoData | Outcome::NxDomain => Self::No,
            Outcome::Failed(_) => Self::Unknown,
        }
    }
}

fn has_v4(host: &Addresses, special: SpecialAddresses) -> Has {
    Has::of(&host.a.outcome, special)
}

fn has_v6(host: &Addresses, special: SpecialAddresses) -> Has {
    Has::of(&host.aaaa.outcome, special)
}
