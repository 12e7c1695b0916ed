//! Destination address selection, RFC 6724 section 6.

use std::{
    cmp::{Ordering, Reverse},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use crate::{Family, FamilyPolicy, networks::Network};

/// An address to connect to, with what decides on its place.
///
/// ```
/// use mail46_connect::{Destination, Source};
/// let plain = Destination::from("[2001:db8::1]:25".parse::<std::net::SocketAddr>().unwrap());
/// let known = plain.with_source(Source::Address("2001:db8::25".parse().unwrap()));
/// # let _ = known;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Where to; an IPv4-mapped address counts as the IPv4 one.
    pub address: SocketAddr,
    /// Where from.
    pub source: Source,
    /// What the kernel knows of that source and of the way out.
    pub facts: Facts,
    /// What is remembered of it.
    pub history: History,
}

/// The address that a connection would come from: `Source(D)` of RFC 6724.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Nobody asked. The rules that need it leave the order as it is.
    #[default]
    Unknown,
    /// This one.
    Address(IpAddr),
    /// There is none: no route, or no address of this family.
    Unreachable,
}

/// What only the kernel knows, for rules 3, 4 and 7 of RFC 6724 s 6. The default is: nothing special.
///
/// [`connect`](crate::connect()) fills it in from `/proc/net/if_inet6` and `/sys/class/net` on Linux, for IPv6 sources.
/// Elsewhere, and for IPv4, it stays at its default, and the three rules leave the order as it is.
///
/// ```
/// use mail46_connect::{Destination, Facts, Lifetime, Source};
/// let mut facts = Facts::default();
/// facts.lifetime = Lifetime::Deprecated;
/// let plain = Destination::from("[2001:db8::1]:25".parse::<std::net::SocketAddr>().unwrap());
/// let known = plain.with_source(Source::Address("2001:db8::25".parse().unwrap())).with_facts(facts);
/// # let _ = known;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Facts {
    /// Of the source address.
    pub lifetime: Lifetime,
    /// Of the source address.
    pub mobility: Mobility,
    /// Of the way to the destination.
    pub transport: Transport,
}

/// Whether an address may still be used for new connections (RFC 4862 s 5.5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifetime {
    /// It may.
    #[default]
    Preferred,
    /// It should not, if there is another.
    Deprecated,
}

/// What an address is to a mobile node (RFC 6275 s 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mobility {
    /// Nothing: the node is none, or nobody said.
    #[default]
    None,
    /// Where the node is at present, away from home.
    CareOf,
    /// Where it is always reached.
    Home,
    /// Both: the node is at home.
    HomeAndCareOf,
}

/// How packets leave for a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// As they are.
    #[default]
    Native,
    /// Inside packets of the other family or of another network: 6in4, 6rd, ISATAP, configured tunnels.
    Encapsulated,
}

/// What is remembered of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum History {
    /// Nothing, or nothing bad.
    #[default]
    Clean,
    /// It failed lately: as good as unreachable (rule 1), tried last.
    FailedLately,
}

/// The policy table of RFC 6724 s 2.1: prefixes with precedence and label, of which the longest that matches counts.
///
/// ```
/// use mail46_connect::{FamilyPolicy, PolicyTable};
/// // RFC 6724 s 10.6: our own site's unique local addresses before global ones.
/// let table = PolicyTable::new(FamilyPolicy::PreferIpv6).with_row("[fd11:1111:1111::]/48".parse()?, 45, 14);
/// # let _ = table;
/// # Ok::<(), mail46_connect::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTable {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    prefix: u128,
    length: u8,
    precedence: u8,
    label: u8,
}

impl PolicyTable {
    /// The default table; for a policy that puts IPv4 first, the one of RFC 6724 s 10.3.
    pub fn new(policy: FamilyPolicy) -> Self {
        let mapped = match policy.preferred() {
            Family::V6 => 35,
            Family::V4 => 100,
        };
        let row = |prefix: [u16; 8], length, precedence, label| Row {
            prefix: Ipv6Addr::from(prefix).to_bits(),
            length,
            precedence,
            label,
        };
        // RFC 6724 s 2.1
        let rows = vec![
            row([0, 0, 0, 0, 0, 0, 0, 1], 128, 50, 0),         // ::1/128
            row([0; 8], 0, 40, 1),                             // ::/0
            row([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, mapped, 4), // ::ffff:0:0/96
            row([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, 30, 2),     // 6to4
            row([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, 5, 5),      // Teredo
            row([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, 3, 13),      // unique local
            row([0; 8], 96, 1, 3),                             // IPv4-compatible
            row([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, 1, 11),     // site-local
            row([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, 1, 12),     // 6bone
        ];
        Self { rows }
    }

    /// The table with a row more, or with this prefix's row changed. An IPv4 network stands for its mapped one.
    #[must_use]
    pub fn with_row(mut self, network: Network, precedence: u8, label: u8) -> Self {
        let (prefix, length) = match network.address() {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped().to_bits(), network.length().saturating_add(96)),
            IpAddr::V6(ip) => (ip.to_bits(), network.length()),
        };
        self.rows.retain(|row| (row.prefix, row.length) != (prefix, length));
        self.rows.push(Row { prefix, length, precedence, label });
        self
    }

    /// Sorts by RFC 6724 s 6, the best first; equals keep their order.
    ///
    /// All ten rules in their order; 3, 4 and 7 go by the [`Facts`] of each. Rule 9 is kept to IPv6 and to the first 64 bits: for IPv4 it
    /// would undo the order in which DNS spreads load.
    pub fn sort(&self, destinations: &mut [Destination]) {
        self.sort_by(destinations, |destination| destination);
    }

    /// Sorts anything that holds a destination.
    pub(crate) fn sort_by<T>(&self, items: &mut [T], destination: impl Fn(&T) -> &Destination) {
        // By insertion: the lists are short, and rules 4 and 9 are no total order: a source without mobility beside home
        // and care-of ones, or a table that gives both families the same precedence.
        for end in 1..items.len() {
            for at in (1..=end).rev() {
                let pair = at.checked_sub(1).and_then(|before| items.get(before..=at));
                let Some([before, this]) = pair else { break };
                if self.compare(destination(before), destination(this)) != Ordering::Greater {
                    break;
                }
                items.swap(at.saturating_sub(1), at);
            }
        }
    }

    /// `Less` if `a` is to be tried first.
    fn compare(&self, a: &Destination, b: &Destination) -> Ordering {
        let (x, y) = (self.properties(a), self.properties(b));
        (x.unusable.cmp(&y.unusable)) // rule 1
            .then(x.scope_mismatch.cmp(&y.scope_mismatch)) // rule 2
            .then(is_deprecated(a).cmp(&is_deprecated(b))) // rule 3
            .then_with(|| home(a.facts.mobility, b.facts.mobility)) // rule 4
            .then(x.label_mismatch.cmp(&y.label_mismatch)) // rule 5
            .then(Reverse(x.precedence).cmp(&Reverse(y.precedence))) // rule 6
            .then(is_encapsulated(a).cmp(&is_encapsulated(b))) // rule 7
            .then(x.scope.cmp(&y.scope)) // rule 8
            .then_with(|| match (x.common_prefix, y.common_prefix) {
                (Some(x), Some(y)) => Reverse(x).cmp(&Reverse(y)), // rule 9
                _ => Ordering::Equal,                              // rule 10
            })
    }

    fn properties(&self, destination: &Destination) -> Properties {
        let address = destination.address.ip().to_canonical();
        let (mut precedence, mut label) = self.look_up(address);
        let source = match destination.source {
            Source::Address(source) => Some(source.to_canonical()),
            Source::Unknown | Source::Unreachable => None,
        };
        // RFC 6724 s 2.1, 10.6: a row for the unique local addresses of our own site, unless the table has its own.
        let own_site = source.is_some_and(|source| same_site(source, address));
        if own_site && (precedence, label) == (3, 13) {
            (precedence, label) = (45, 14);
        }
        let source_label = source.map(|source| if own_site { label } else { self.look_up(source).1 });
        Properties {
            unusable: destination.is_unusable(),
            scope_mismatch: source.is_some_and(|source| scope(source) != scope(address)),
            label_mismatch: source_label.is_some_and(|source| source != label),
            precedence,
            scope: scope(address),
            common_prefix: match (source, address) {
                (Some(IpAddr::V6(source)), IpAddr::V6(address)) => Some(common_prefix(source, address)),
                _ => None,
            },
        }
    }

    /// Precedence and label of the longest prefix that matches.
    fn look_up(&self, address: IpAddr) -> (u8, u8) {
        let bits = match address {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(), // RFC 6724 s 3.2
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let matching = self.rows.iter().filter(|row| {
            let behind = 128_u32.saturating_sub(u32::from(row.length));
            (bits ^ row.prefix).checked_shr(behind).unwrap_or(0) == 0
        });
        matching.max_by_key(|row| row.length).map_or((40, 1), |row| (row.precedence, row.label))
    }
}

impl Default for PolicyTable {
    fn default() -> Self {
        Self::new(FamilyPolicy::default())
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self { address, source: Source::Unknown, facts: Facts::default(), history: History::Clean }
    }
}

impl Destination {
    /// The same with its source address told.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same with what the kernel knows.
    #[must_use]
    pub fn with_facts(self, facts: Facts) -> Self {
        Self { facts, ..self }
    }

    /// The same with its history told.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// Known to be of no use at present (rule 1).
    pub(crate) fn is_unusable(&self) -> bool {
        self.source == Source::Unreachable || self.history == History::FailedLately
    }
}

struct Properties {
    unusable: bool,
    scope_mismatch: bool,
    label_mismatch: bool,
    precedence: u8,
    scope: u8,
    common_prefix: Option<u32>,
}

/// RFC 6724 s 6, rule 3.
fn is_deprecated(destination: &Destination) -> bool {
    destination.facts.lifetime == Lifetime::Deprecated
}

/// RFC 6724 s 6, rule 7.
fn is_encapsulated(destination: &Destination) -> bool {
    destination.facts.transport == Transport::Encapsulated
}

/// RFC 6724 s 6, rule 4: at home before all others; just home before just care-of. Who is neither keeps its place beside
/// these two.
fn home(a: Mobility, b: Mobility) -> Ordering {
    let both = |it| it == Mobility::HomeAndCareOf;
    match (a, b) {
        (Mobility::Home, Mobility::CareOf) => Ordering::Less,
        (Mobility::CareOf, Mobility::Home) => Ordering::Greater,
        _ => both(b).cmp(&both(a)),
    }
}

/// RFC 6724 s 3.1 to 3.4, in the scope values of RFC 4291 s 2.7.
fn scope(address: IpAddr) -> u8 {
    const LINK_LOCAL: u8 = 0x2;
    const SITE_LOCAL: u8 = 0x5;
    const GLOBAL: u8 = 0xe;
    match address {
        // RFC 6724 s 3.2: private addresses are global.
        IpAddr::V4(ip) if ip.is_link_local() || ip.is_loopback() => LINK_LOCAL,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(ip) if ip.is_multicast() => (ip.segments()[0] & 0xf) as u8,
        IpAddr::V6(ip) if ip.is_unicast_link_local() || ip.is_loopback() => LINK_LOCAL,
        IpAddr::V6(ip) if ip.segments()[0] & 0xffc0 == 0xfec0 => SITE_LOCAL,
        IpAddr::V6(_) => GLOBAL,
    }
}

/// `CommonPrefixLen(S, D)`, RFC 6724 s 2.2, with 64 for the length of S's prefix.
fn common_prefix(source: Ipv6Addr, address: Ipv6Addr) -> u32 {
    (source.to_bits() ^ address.to_bits()).leading_zeros().min(64)
}

/// Both unique local (RFC 4193 s 3.1), of the same 48 bits.
fn same_site(a: IpAddr, b: IpAddr) -> bool {
    matches!((a, b), (IpAddr::V6(a), IpAddr::V6(b))
        if a.is_unique_local() && (a.to_bits() ^ b.to_bits()) >> 80 == 0)
}
