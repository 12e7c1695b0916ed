use std::{
    collections::HashSet,
    hash::{BuildHasher, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{FamilyPolicy, Outcome, Policy, Reason, SpecialAddresses, Trouble, facts::Addresses};

/// Whether mail can go to this address when DNS or a literal says so.
pub(super) fn is_usable(ip: IpAddr, special: SpecialAddresses) -> bool {
    if ip.is_loopback() {
        return special == SpecialAddresses::LoopbackKept;
    }
    match ip {
        IpAddr::V4(ip) => is_usable_v4(ip),
        IpAddr::V6(ip) => is_usable_v6(ip),
    }
}

fn is_usable_v4(ip: Ipv4Addr) -> bool {
    // RFC 6890 s 2.2.2: 0.0.0.0/8 is "this host on this network".
    let this_network = ip.octets().first() == Some(&0);
    !(this_network || ip.is_multicast() || ip.is_broadcast() || ip.is_link_local())
}

fn is_usable_v6(ip: Ipv6Addr) -> bool {
    // A link-local address is for use on a single link (RFC 4291 s 2.5.6), and DNS cannot say which; a mapped one is an
    // IPv4 node's address (s 2.5.5.2), to be had by its A record.
    !(ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some())
}

/// What one host has for a policy.
pub(super) struct Pick {
    /// In the order of trying.
    pub(super) addresses: Vec<IpAddr>,
    /// That no mail can go to.
    pub(super) unusable: Vec<IpAddr>,
    /// A family that we would use was not answered.
    pub(super) trouble_in_use: Option<Trouble>,
    /// Any family was not answered.
    trouble: Option<Trouble>,
    other_family: bool,
    not_found: bool,
    /// DNSSEC vouches for every address.
    pub(super) secure: bool,
}

impl Pick {
    /// `knows`: whether the rules know A, and whether they know AAAA.
    pub(super) fn new(answers: &Addresses, policy: &Policy, knows: (bool, bool)) -> Self {
        let (use_v4, use_v6) = match policy.family {
            FamilyPolicy::PreferIpv6 | FamilyPolicy::PreferIpv4 => (true, true),
            FamilyPolicy::OnlyIpv6 => (false, true),
            FamilyPolicy::OnlyIpv4 => (true, false),
        };
        let (knows_v4, knows_v6) = knows;
        let (v4, v6) = (answers.a.as_records(), answers.aaaa.as_records());
        let mut pick = Self {
            addresses: Vec::with_capacity(v4.len().saturating_add(v6.len())),
            unusable: Vec::new(),
            trouble_in_use: None,
            trouble: None,
            other_family: false,
            not_found: matches!(answers.a.outcome, Outcome::NxDomain)
                && matches!(answers.aaaa.outcome, Outcome::NxDomain | Outcome::NoData),
            secure: false,
        };
        if knows_v4 {
            pick.trouble(answers.a.trouble(), use_v4);
        }
        if knows_v6 {
            pick.trouble(answers.aaaa.trouble(), use_v6);
        }
        // RFC 5321 s 5.1: "MUST try them in the order presented", which is kept inside a family; the families take turns,
        // so that a dead one costs one attempt and not four.
        let mut v4 = v4.iter().filter(|_| knows_v4).map(|ip| IpAddr::V4(*ip));
        let mut v6 = v6.iter().filter(|_| knows_v6).map(|ip| IpAddr::V6(*ip));
        let ipv6_first = matches!(policy.family, FamilyPolicy::PreferIpv6 | FamilyPolicy::OnlyIpv6);
        let mut turn = ipv6_first;
        loop {
            let next =
                if turn { pick.next_usable(&mut v6, policy) } else { pick.next_usable(&mut v4, policy) };
            let Some(ip) = next else { break };
            pick.put(ip, if turn { use_v6 } else { use_v4 });
            turn = !turn;
        }
        // One of them has run dry; the rest is the other's.
        while let Some(ip) = pick.next_usable(&mut v6, policy) {
            pick.put(ip, use_v6);
        }
        while let Some(ip) = pick.next_usable(&mut v4, policy) {
            pick.put(ip, use_v4);
        }
        let unsigned = |has_records: bool, secure: bool| has_records && !secure;
        pick.secure = !pick.addresses.is_empty()
            && !unsigned(!answers.a.as_records().is_empty(), answers.a.is_secure())
            && !unsigned(!answers.aaaa.as_records().is_empty(), answers.aaaa.is_secure());
        pick
    }

    fn trouble(&mut self, trouble: Option<Trouble>, in_use: bool) {
        self.trouble = self.trouble.or(trouble);
        if in_use {
            self.trouble_in_use = self.trouble_in_use.or(trouble);
        }
    }

    fn next_usable(&mut self, ips: &mut impl Iterator<Item = IpAddr>, policy: &Policy) -> Option<IpAddr> {
        for ip in ips {
            if is_usable(ip, policy.special) {
                return Some(ip);
            }
            self.unusable.push(ip);
        }
        None
    }

    fn put(&mut self, ip: IpAddr, in_use: bool) {
        if in_use {
            self.addresses.push(ip);
        } else {
            self.other_family = true;
        }
    }

    /// Why there is no address.
    pub(super) fn reason(&self) -> Reason {
        match (self.trouble, self.unusable.first()) {
            // The family that was not answered may be the one that we need, or tell that we need another.
            (Some(trouble), _) if !self.other_family || self.trouble_in_use.is_some() => {
                Reason::Unanswered(trouble)
            }
            _ if self.other_family => Reason::OtherFamily,
            (_, Some(ip)) => Reason::UnusableAddress(*ip),
            _ if self.not_found => Reason::NotFound,
            _ => Reason::NoAddress,
        }
    }
}

/// The addresses that a route has already.
pub(super) struct Seen {
    few: Vec<IpAddr>,
    /// As 128 bits, an IPv4 address as the mapped one: no mapped one ever gets here.
    many: HashSet<u128, Keyed>,
}

/// Up to here it is faster to look at each than to hash.
const FEW: usize = 16;

impl Seen {
    /// `key` is a random number: nobody can choose addresses that all fall into one place.
    pub(super) fn new(key: u64) -> Self {
        Self { few: Vec::new(), many: HashSet::with_hasher(Keyed(key | 1)) }
    }

    /// Leaves only what was not there before, and only once.
    pub(super) fn retain_new(&mut self, ips: &mut Vec<IpAddr>) {
        if !self.many.is_empty() {
            self.many.reserve(ips.len());
        }
        ips.retain(|ip| self.insert(*ip));
    }

    fn insert(&mut self, ip: IpAddr) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(bits(ip));
        }
        if self.few.contains(&ip) {
            return false;
        }
        self.few.push(ip);
        if self.few.len() > FEW {
            self.many.extend(self.few.drain(..).map(bits));
        }
        true
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// A folded multiplication with a key.
#[derive(Clone, Copy)]
struct Keyed(u64);

struct Folded {
    key: u64,
    state: u64,
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { key: self.0, state: self.0.rotate_left(32) }
    }
}

impl Hasher for Folded {
    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u128(u128::from(*octet));
        }
    }

    fn write_u128(&mut self, value: u128) {
        for half in [value as u64, (value >> 64) as u64] {
            let wide = u128::from(half ^ self.state).wrapping_mul(u128::from(self.key));
            self.state = (wide as u64) ^ ((wide >> 64) as u64) ^ self.key.rotate_left(17);
        }
    }

    fn finish(&self) -> u64 {
        self.state
    }
}
