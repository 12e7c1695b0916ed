use std::{fmt, net::IpAddr};

/// IPv4 or IPv6. Prints as `4` and `6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum Family {
    /// IPv4: A records.
    V4,
    /// IPv6: AAAA records.
    V6,
}

/// Which families may be used, and which comes first where RFC 6724 leaves the choice.
///
/// ```
/// use mail46_connect::{Family, FamilyPolicy};
/// assert_eq!(FamilyPolicy::default(), FamilyPolicy::PreferIpv6);
/// assert!(FamilyPolicy::PreferIpv4.allows(Family::V6));
/// assert!(!FamilyPolicy::OnlyIpv4.allows(Family::V6));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // two families, alone or one before the other
pub enum FamilyPolicy {
    /// Both; IPv6 first. This is RFC 6724 with its default table.
    #[default]
    PreferIpv6,
    /// Both; IPv4 first. This is RFC 6724 with the table of its section 10.3.
    PreferIpv4,
    /// IPv6 alone.
    OnlyIpv6,
    /// IPv4 alone.
    OnlyIpv4,
}

impl Family {
    /// The family of this address; an IPv4-mapped one is IPv4.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "4",
            Self::V6 => "6",
        })
    }
}

impl FamilyPolicy {
    /// Whether connections of this family may be made.
    pub fn allows(self, family: Family) -> bool {
        match self {
            Self::PreferIpv6 | Self::PreferIpv4 => true,
            Self::OnlyIpv6 => family == Family::V6,
            Self::OnlyIpv4 => family == Family::V4,
        }
    }

    /// The family that comes first.
    pub fn preferred(self) -> Family {
        match self {
            Self::PreferIpv6 | Self::OnlyIpv6 => Family::V6,
            Self::PreferIpv4 | Self::OnlyIpv4 => Family::V4,
        }
    }
}
