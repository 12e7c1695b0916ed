use std::{fmt, net::IpAddr};

use mail46_wire::{Domain, Host};

use crate::{Alias, Dane, Reach, Target, Trouble};

/// The way that mail for a domain takes: tiers of hosts, best first.
///
/// No tier is tried before all of the one before it, each address stands once, and every host has at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Where to, as it was asked for.
    pub domain: Host,
    /// How the hosts were found.
    pub source: Source,
    /// The canonical name of the domain, if it is an alias (RFC 5321 s 5.1; a reference identifier in RFC 7672 s
    /// 3.2.2).
    pub canonical: Option<Domain>,
    /// By preference, best first.
    pub tiers: Vec<Tier>,
    /// Exchangers that are of no use, and why.
    pub dropped: Vec<Dropped>,
    /// A look-up failed that might have given more hosts or addresses.
    pub incomplete: bool,
    /// A limit cut hosts or addresses off.
    pub limited: bool,
    /// Over which families the domain is reached by anybody, whatever our own policy.
    pub reach: Reach,
    /// Whether DNSSEC vouches for the MX records (or, for an implicit MX, that there are none).
    pub mx_secure: bool,
}

/// How the hosts of a route were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 5321 s 5.1
pub enum Source {
    /// By MX records.
    Mx,
    /// No MX records: the domain itself, with preference 0.
    Implicit,
    /// An address literal.
    Literal,
}

/// Hosts of one preference, in random order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Tier {
    /// Lower is better.
    pub preference: u16,
    /// In the order of trying.
    pub hosts: Vec<RouteHost>,
}

/// One host of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteHost {
    /// Its name as the MX record has it: what MTA-STS matches, and SNI says without DANE.
    pub name: Host,
    /// In the order of trying.
    pub addresses: Vec<IpAddr>,
    /// Whether DNSSEC vouches for its addresses, any alias included.
    pub secure: bool,
    /// The name it really has, if the MX record points to an alias.
    pub alias: Option<Alias>,
    /// What DANE asks of a connection; `None` until TLSA records were looked for.
    pub dane: Option<Dane>,
    /// What a postmaster should know.
    pub notes: Vec<Note>,
}

/// What is odd about a host that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The MX record points to an alias, which it must not (RFC 2181 s 10.3, RFC 5321 s 5.1).
    Alias(Domain),
    /// A name of one label.
    SingleLabel,
    /// A name with an underscore, which no host name has (RFC 1123 s 2.1).
    Underscore,
    /// One family was not answered.
    Unanswered(Trouble),
    /// An address that no mail can go to.
    AddressDropped(IpAddr),
}

/// An exchanger that is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Dropped {
    /// Its preference.
    pub preference: u16,
    /// What the MX record points to.
    pub target: Target,
    /// Why.
    pub reason: Reason,
}

/// Why an exchanger is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// `.`, which means no exchanger (RFC 7505 s 3).
    Root,
    /// Not a host name.
    NotAHostName,
    /// An IP address in place of a name (RFC 5321 s 5.1: "MUST contain a domain name").
    AddressText,
    /// `localhost`, or below it (RFC 6761 s 6.3).
    Localhost,
    /// No such name.
    NotFound,
    /// A name without an address.
    NoAddress,
    /// Addresses, but none that mail can go to, like this one.
    UnusableAddress(IpAddr),
    /// Only addresses of a family that we do not use.
    OtherFamily,
    /// Only addresses that another host before it has.
    SameAddresses,
    /// DNS did not answer.
    Unanswered(Trouble),
    /// Beyond the limit of names to look up.
    NotLookedUp,
    /// Beyond the limit of hosts or addresses to try.
    Limit,
    /// One of our own names or addresses (RFC 5321 s 5.1).
    Ourselves,
    /// No better than ourselves (RFC 5321 s 5.1).
    NotBetterThanOurselves,
    /// Its TLSA records cannot be had (RFC 7672 s 2.1.2).
    Dane,
}

impl Route {
    /// All hosts, in the order of trying.
    pub fn hosts(&self) -> impl Iterator<Item = &RouteHost> {
        self.tiers.iter().flat_map(|tier| &tier.hosts)
    }

    /// All attempts in the order of trying: first every address of the best tier, host by host. A host whose TLSA records
    /// cannot be had is passed over (RFC 7672 s 2.1.2: "MUST treat that server as unreachable").
    pub fn attempts(&self) -> impl Iterator<Item = (&RouteHost, IpAddr)> {
        let hosts = self.hosts().filter(|host| !matches!(host.dane, Some(Dane::TempFail(_))));
        hosts.flat_map(|host| host.addresses.iter().map(move |address| (host, *address)))
    }
}

/// A plan for people, a line for each tier, host and exchanger of no use.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::Mx => "MX",
            Source::Implicit => "no MX, the domain itself",
            Source::Literal => "address literal",
        };
        write!(f, "{}: {source}; reach {}", self.domain, self.reach)?;
        f.write_str(if self.mx_secure { "; secure" } else { "" })?;
        f.write_str(if self.incomplete { "; incomplete" } else { "" })?;
        f.write_str(if self.limited { "; limited" } else { "" })?;
        for tier in &self.tiers {
            for host in &tier.hosts {
                write!(f, "\n  {:5} {host}", tier.preference)?;
            }
        }
        for dropped in &self.dropped {
            write!(f, "\n  {:5} {} is not used: {}", dropped.preference, dropped.target, dropped.reason)?;
        }
        Ok(())
    }
}

impl fmt::Display for RouteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for address in &self.addresses {
            write!(f, " {address}")?;
        }
        if let Some(dane) = self.dane.as_ref().filter(|dane| **dane != Dane::None) {
            write!(f, "; DANE {}", dane.as_str())?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alias(canonical) => write!(f, "alias of {canonical}"),
            Self::SingleLabel => f.write_str("single label"),
            Self::Underscore => f.write_str("underscore in a host name"),
            Self::Unanswered(trouble) => write!(f, "one family unanswered: {trouble}"),
            Self::AddressDropped(address) => write!(f, "address {address} dropped"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "null MX beside others",
            Self::NotAHostName => "not a host name",
            Self::AddressText => "an address in place of a name",
            Self::Localhost => "localhost",
            Self::NotFound => "does not exist",
            Self::NoAddress => "has no address",
            Self::UnusableAddress(address) => return write!(f, "no mail can go to {address}"),
            Self::OtherFamily => "only of the other address family",
            Self::SameAddresses => "same addresses as a host before",
            Self::Unanswered(trouble) => return write!(f, "no answer: {trouble}"),
            Self::NotLookedUp => "beyond the limit of names",
            Self::Limit => "beyond the limit",
            Self::Ourselves => "ourselves",
            Self::NotBetterThanOurselves => "no better than ourselves",
            Self::Dane => "TLSA records not answered",
        })
    }
}
