use std::net::IpAddr;

use mail46_wire::Domain;

/// How a sender turns answers into a route.
///
/// The default is a dual-stack sender of today that prefers IPv6 and knows no name or address of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Policy {
    /// Which families it has, and which of them comes first in a host.
    pub family: FamilyPolicy,
    /// By which RFC it goes.
    pub rules: Rules,
    /// Who it is itself, so that mail does not loop.
    pub own: Own,
    /// How many hosts and addresses it tries at most.
    pub limits: Limits,
    /// What it does about addresses that no mail can go to.
    pub special: SpecialAddresses,
}

/// Which address families a sender uses, and which comes first inside a host. A worse tier is never lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // two families
pub enum FamilyPolicy {
    /// Both, IPv6 first.
    #[default]
    PreferIpv6,
    /// Both, IPv4 first.
    PreferIpv4,
    /// IPv6 alone.
    OnlyIpv6,
    /// IPv4 alone.
    OnlyIpv4,
}

/// By which RFC a sender finds a host: for a checker that tells what older senders make of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rules {
    /// RFC 5321 s 5, with null MX (RFC 7505). What a sender should do.
    #[default]
    Rfc5321,
    /// RFC 2821 s 5: a domain without MX is reached by its A records alone, and `MX 0 .` is a host that is not found.
    Rfc2821,
    /// RFC 974: A records alone, everywhere; equals in the order of the answer; no null MX.
    Rfc974,
}

/// Names and addresses of this host "by which it might be known in mail transactions" (RFC 5321 s 5.1), those outside
/// a NAT included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Own {
    /// Host names.
    pub names: Vec<Domain>,
    /// Addresses of both families, whichever are used for sending.
    pub addresses: Vec<IpAddr>,
}

/// How many hosts and addresses a route has at most. What is cut off never leaves a family without any, and of a
/// limit of five at least two go to each family that there is.
///
/// RFC 5321 s 5.1: there "MAY be a configurable limit"; "in any case, the SMTP client SHOULD try at least two".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Limits {
    /// Hosts at most. Default: 20.
    pub hosts: usize,
    /// Addresses at most, over all hosts. Default: 100.
    pub addresses: usize,
}

/// What is done about loopback, unspecified, multicast and link-local addresses and IPv4-mapped IPv6 ones in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // two ways
pub enum SpecialAddresses {
    /// Never used.
    #[default]
    Dropped,
    /// Loopback is used: for a laboratory on one machine. The others are not.
    LoopbackKept,
}

/// A word that is none of the known ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of {0}")]
pub struct UnknownWord(pub(crate) &'static str);

impl std::str::FromStr for FamilyPolicy {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Ok(match text {
            "dual6" => Self::PreferIpv6,
            "dual4" => Self::PreferIpv4,
            "v6" => Self::OnlyIpv6,
            "v4" => Self::OnlyIpv4,
            _ => return Err(UnknownWord("dual6, dual4, v6, v4")),
        })
    }
}

impl std::str::FromStr for Rules {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Ok(match text {
            "5321" => Self::Rfc5321,
            "2821" => Self::Rfc2821,
            "974" => Self::Rfc974,
            _ => return Err(UnknownWord("5321, 2821, 974")),
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { hosts: 20, addresses: 100 }
    }
}

impl Limits {
    /// No limit.
    pub const NONE: Self = Self { hosts: usize::MAX, addresses: usize::MAX };
}

impl Own {
    /// Whether this is one of our addresses; an IPv4-mapped one is the IPv4 one.
    pub fn has_address(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.addresses.iter().any(|own| own.to_canonical() == ip)
    }

    /// Whether this is one of our names.
    pub fn has_name(&self, name: &Domain) -> bool {
        self.names.iter().any(|own| own == name)
    }
}
