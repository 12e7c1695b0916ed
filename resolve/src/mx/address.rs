use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{FamilyPolicy, Outcome, Policy, Reason, SpecialAddresses, Trouble, facts::Addresses};

/// Whether mail can go to this address when DNS or a literal says so.
pub(super) fn is_usable(ip: IpAddr, special: SpecialAddresses) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_usable(special),
        IpAddr::V6(ip) => ip.is_usable(special),
    }
}

/// An address of one family.
trait Address: Copy + Into<IpAddr> {
    fn is_usable(self, special: SpecialAddresses) -> bool;
    /// As 128 bits, an IPv4 address as the mapped one: no mapped one is ever usable.
    fn bits(self) -> u128;
}

impl Address for Ipv4Addr {
    fn is_usable(self, special: SpecialAddresses) -> bool {
        let [first, ..] = self.octets();
        // Nearly all; none of the special ones below is there.
        if matches!(first, 1..=126 | 128..=168 | 170..=223) {
            return true;
        }
        if self.is_loopback() {
            return special == SpecialAddresses::LoopbackKept;
        }
        // RFC 6890 s 2.2.2: 0.0.0.0/8 is "this host on this network".
        let this_network = first == 0;
        !(this_network || self.is_multicast() || self.is_broadcast() || self.is_link_local())
    }

    fn bits(self) -> u128 {
        self.to_ipv6_mapped().to_bits()
    }
}

impl Address for Ipv6Addr {
    fn is_usable(self, special: SpecialAddresses) -> bool {
        // RFC 4291 s 2.4: none of the special ones is in 2000::/3, and nearly all others are.
        if self.to_bits() >> 125 == 1 {
            return true;
        }
        if self.is_loopback() {
            return special == SpecialAddresses::LoopbackKept;
        }
        // A link-local address is for use on a single link (RFC 4291 s 2.5.6), and DNS cannot say which; a mapped one is
        // an IPv4 node's address (s 2.5.5.2), to be had by its A record.
        !(self.is_unspecified()
            || self.is_multicast()
            || self.is_unicast_link_local()
            || self.to_ipv4_mapped().is_some())
    }

    fn bits(self) -> u128 {
        self.to_bits()
    }
}

/// What one host has for a policy.
pub(super) struct Pick {
    /// In the order of trying, without those that another host has.
    pub(super) addresses: Vec<IpAddr>,
    /// Another host before has one of its addresses.
    pub(super) seen: bool,
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
    pub(super) fn new(answers: &Addresses, policy: &Policy, knows: (bool, bool), seen: &mut Seen) -> Self {
        let (use_v4, use_v6) = match policy.family {
            FamilyPolicy::PreferIpv6 | FamilyPolicy::PreferIpv4 => (true, true),
            FamilyPolicy::OnlyIpv6 => (false, true),
            FamilyPolicy::OnlyIpv4 => (true, false),
        };
        let (knows_v4, knows_v6) = knows;
        let (v4, v6) = (answers.a.as_records(), answers.aaaa.as_records());
        let mut pick = Self {
            addresses: Vec::with_capacity(v4.len().saturating_add(v6.len())),
            seen: false,
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
        let mut v4 = if knows_v4 { v4 } else { &[] }.iter();
        let mut v6 = if knows_v6 { v6 } else { &[] }.iter();
        let special = policy.special;
        if matches!(policy.family, FamilyPolicy::PreferIpv4 | FamilyPolicy::OnlyIpv4) {
            pick.next(&mut v4, special, use_v4, seen);
        }
        while pick.next(&mut v6, special, use_v6, seen) && pick.next(&mut v4, special, use_v4, seen) {}
        // One of them has run dry; the rest is the other's.
        while pick.next(&mut v6, special, use_v6, seen) {}
        while pick.next(&mut v4, special, use_v4, seen) {}
        let unsigned = |has_records: bool, secure: bool| has_records && !secure;
        pick.secure = !unsigned(!answers.a.as_records().is_empty(), answers.a.is_secure())
            && !unsigned(!answers.aaaa.as_records().is_empty(), answers.aaaa.is_secure());
        pick
    }

    fn trouble(&mut self, trouble: Option<Trouble>, in_use: bool) {
        self.trouble = self.trouble.or(trouble);
        if in_use {
            self.trouble_in_use = self.trouble_in_use.or(trouble);
        }
    }

    /// Takes the next usable one; `false` if there is none.
    #[inline(always)] // a tenth of the time of a long list
    fn next<A: Address>(
        &mut self,
        ips: &mut std::slice::Iter<'_, A>,
        special: SpecialAddresses,
        in_use: bool,
        seen: &mut Seen,
    ) -> bool {
        for ip in ips {
            if !ip.is_usable(special) {
                self.unusable.push((*ip).into());
                continue;
            }
            if !in_use {
                self.other_family = true;
            } else if seen.insert(ip.bits()) {
                self.addresses.push((*ip).into());
            } else {
                self.seen = true;
            }
            return true;
        }
        false
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
    all: Vec<u128>,
    /// Places in `all`, from one; none is zero. An open table of a power of two, at most a quarter full; empty while all
    /// are few.
    slots: Vec<u32>,
    keys: (u64, u64),
}

/// Up to here it is faster to look at each than to hash.
const FEW: usize = 16;

impl Seen {
    /// For `most` addresses at most. `key` is a random number: nobody can choose addresses that all fall into one place.
    pub(super) fn new(most: usize, key: u64) -> Self {
        let slots = if most > FEW { most.saturating_mul(4).next_power_of_two() } else { 0 };
        let keys = (key, key.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15);
        Self { all: Vec::with_capacity(most), slots: vec![0; slots], keys }
    }

    /// Whether it was not there before.
    #[inline(always)] // a tenth of the time of a long list
    fn insert(&mut self, bits: u128) -> bool {
        if self.slots.is_empty() {
            let new = !self.all.contains(&bits);
            if new {
                self.all.push(bits);
            }
            return new;
        }
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.hash(bits) as usize;
        for _ in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(at & mask) else { break };
            let Some(place) = (*slot as usize).checked_sub(1) else {
                self.all.push(bits);
                *slot = u32::try_from(self.all.len()).unwrap_or(0);
                break;
            };
            if self.all.get(place) == Some(&bits) {
                return false;
            }
            at = at.wrapping_add(1);
        }
        true
    }

    /// A folded multiplication of both halves, each under its key.
    fn hash(&self, bits: u128) -> u64 {
        let low = bits as u64 ^ self.keys.0;
        let high = (bits >> 64) as u64 ^ self.keys.1;
        let wide = u128::from(low).wrapping_mul(u128::from(high));
        wide as u64 ^ (wide >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::seeded;

    #[test]
    fn each_address_once_however_many() {
        let mut random = seeded(46);
        for most in [0, 1, 16, 17, 100, 5000] {
            for key in [0, 1, u64::MAX, random()] {
                let (mut seen, mut oracle) = (Seen::new(most, key), HashSet::new());
                for _ in 0..most {
                    // From a small range, so that there are doubles.
                    let n = random() % most as u64;
                    let bits = if n & 1 == 0 {
                        Ipv4Addr::from_bits(0xc000_0200 + n as u32).bits()
                    } else {
                        (0x2001_0db8 << 96) | u128::from(n << 40)
                    };
                    assert_eq!(seen.insert(bits), oracle.insert(bits), "{bits:x} of {most}");
                }
            }
        }
    }
}
