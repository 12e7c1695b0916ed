//! The addresses of one host, in the order of trying.

use std::net::{IpAddr, SocketAddr};

use super::{
    config::{Config, Nat64},
    log::Ignored,
};
use crate::{
    Family, Pref64,
    sort::{Destination, Facts, PolicyTable, Source},
};

/// Addresses of one family and host that are tried at most; the rest of an answer is left out.
pub const ADDRESSES: usize = 32;

#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    list: Vec<Candidate>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// The record that it came in: A or AAAA.
    record: Family,
    /// What is sorted. HEv3 s 8.2: behind a NAT64 this is the IPv4 address.
    destination: Destination,
    /// What is connected to.
    pub(super) target: SocketAddr,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// IPv4 without a route, while it is asked how the network translates.
    AwaitsPref64,
    Attempted,
}

/// What [`Candidates::add`] did with an address.
pub(super) enum Added {
    Candidate,
    /// It waits: the prefixes must be asked for.
    NeedsPref64,
    Ignored(Ignored),
}

/// What is known of the network's prefixes.
#[derive(Clone, Debug)]
pub(super) enum Prefixes {
    Off,
    /// Not asked, or not answered.
    Unknown,
    Known(Vec<Pref64>),
}

impl Prefixes {
    pub(super) fn new(nat64: &Nat64) -> Self {
        match nat64 {
            Nat64::Off => Self::Off,
            Nat64::Discover => Self::Unknown,
            Nat64::Known(prefixes) => Self::Known(prefixes.clone()),
        }
    }
}

impl Candidates {
    /// Takes in an address of an answer.
    pub(super) fn add(
        &mut self,
        record: Family,
        given: Destination,
        config: &Config,
        prefixes: &Prefixes,
        tried: &dyn Fn(SocketAddr) -> bool,
    ) -> Added {
        let given = canonical(given);
        if let Some(why) = unusable(given.address) {
            return Added::Ignored(why);
        }
        if self.list.iter().filter(|candidate| candidate.record == record).count() >= ADDRESSES {
            return Added::Ignored(Ignored::TooMany);
        }
        let plain = Candidate { record, destination: given, target: given.address, state: State::Ready };
        match given.address.ip() {
            IpAddr::V4(_) => {
                let allowed = config.policy.allows(Family::V4);
                // HEv3 s 8.3: "when there is no IPv4 route that applies for that address".
                let unreachable = !allowed || given.source == Source::Unreachable;
                let translate = unreachable && config.policy.allows(Family::V6);
                match prefixes {
                    Prefixes::Unknown if translate => {
                        self.insert(Candidate { state: State::AwaitsPref64, ..plain }, tried);
                        return Added::NeedsPref64;
                    }
                    Prefixes::Known(prefixes) if translate => {
                        // RFC 7050 s 3: "using all discovered Pref64::/n prefixes in the received order".
                        let mut targets = translations(given.address, prefixes).peekable();
                        if targets.peek().is_some() {
                            for target in targets {
                                self.insert(translated(record, given, target), tried);
                            }
                            return Added::Candidate;
                        }
                    }
                    _ => {}
                }
                if !allowed {
                    return Added::Ignored(Ignored::Family);
                }
                self.insert(plain, tried);
            }
            IpAddr::V6(_) if !config.policy.allows(Family::V6) => return Added::Ignored(Ignored::Family),
            IpAddr::V6(ip) => {
                // HEv3 s 8.2: what a DNS64 made of an IPv4 address is sorted as that address.
                let hidden = match prefixes {
                    Prefixes::Known(prefixes) => prefixes.iter().find_map(|prefix| prefix.extract(ip)),
                    _ => None,
                };
                let candidate = hidden.map_or(plain, |v4| {
                    let v4 = Destination { address: (v4, given.address.port()).into(), ..given };
                    translated(record, v4, given.address)
                });
                self.insert(candidate, tried);
            }
        }
        Added::Candidate
    }

    /// Forgets what came in this record and was not tried: a new answer replaces the old one (RFC 8305 s 6).
    pub(super) fn replace(&mut self, record: Family) {
        self.list.retain(|candidate| candidate.record != record || candidate.state == State::Attempted);
    }

    /// Takes out the addresses that waited for the prefixes.
    pub(super) fn take_waiting(&mut self) -> Vec<(Family, Destination)> {
        let waits = |candidate: &Candidate| candidate.state == State::AwaitsPref64;
        let waiting = self.list.iter().filter(|candidate| waits(candidate));
        let waiting = waiting.map(|candidate| (candidate.record, candidate.destination)).collect();
        self.list.retain(|candidate| !waits(candidate));
        waiting
    }

    /// Whether an address is left to try.
    pub(super) fn any(&self, state: State) -> bool {
        self.list.iter().any(|candidate| candidate.state == state)
    }

    /// Takes out an address that is tried for another host.
    pub(super) fn remove(&mut self, target: SocketAddr) {
        self.list.retain(|candidate| candidate.target != target || candidate.state == State::Attempted);
    }

    /// The next address to try, now tried.
    ///
    /// HEv3 s 7: an address that comes late gets the place that it would have had; so the whole list is sorted, what
    /// was tried included.
    pub(super) fn take_next(&mut self, config: &Config, table: &PolicyTable) -> Option<SocketAddr> {
        let mut sorted: Vec<Candidate> =
            self.list.iter().filter(|candidate| candidate.state != State::AwaitsPref64).copied().collect();
        table.sort_by(&mut sorted, |candidate| &candidate.destination);
        let count = config.first_family_count.get();
        // What is known to be of no use waits behind all others and costs them no turn.
        let (usable, unusable): (Vec<_>, Vec<_>) =
            sorted.into_iter().partition(|candidate| !candidate.destination.is_unusable());
        let mut order = interleave(usable, count).into_iter().chain(interleave(unusable, count));
        let next = order.find(|candidate| candidate.state == State::Ready)?.target;
        if let Some(taken) = self.list.iter_mut().find(|candidate| candidate.target == next) {
            taken.state = State::Attempted;
        }
        Some(next)
    }

    /// No address twice, and the way without a translator where both are there.
    fn insert(&mut self, new: Candidate, tried: &dyn Fn(SocketAddr) -> bool) {
        let same = |old: &Candidate| {
            old.target == new.target
                || (old.destination.address == new.destination.address
                    && old.target.is_ipv4() != new.target.is_ipv4())
        };
        if tried(new.target) {
            return;
        }
        match self.list.iter_mut().find(|old| same(old)) {
            Some(old) if old.state != State::Attempted && new.target.is_ipv4() && old.target.is_ipv6() => {
                *old = new
            }
            Some(_) => {}
            None => self.list.push(new),
        }
    }
}

/// RFC 8305 s 4: `count` of the first family, then the other and the first by turns.
fn interleave(sorted: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let Some(first) = sorted.first().map(Candidate::family) else { return sorted };
    let (first, other): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|candidate| candidate.family() == first);
    let (mut first, mut other) = (first.into_iter(), other.into_iter());
    let mut order: Vec<Candidate> = first.by_ref().take(count.saturating_sub(1)).collect();
    loop {
        let before = order.len();
        order.extend(first.next().into_iter().chain(other.next()));
        if order.len() == before {
            return order;
        }
    }
}

impl Candidate {
    fn family(&self) -> Family {
        Family::of(self.destination.address.ip())
    }
}

fn translated(record: Family, v4: Destination, target: SocketAddr) -> Candidate {
    // Sorted as IPv4; of an IPv4 source nothing is known.
    let destination = v4.with_source(Source::Unknown).with_facts(Facts::default());
    Candidate { record, destination, target, state: State::Ready }
}

fn translations(address: SocketAddr, prefixes: &[Pref64]) -> impl Iterator<Item = SocketAddr> {
    let v4 = match address.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    };
    let embedded = prefixes.iter().filter_map(move |prefix| prefix.embed(v4?));
    embedded.map(move |ip| SocketAddr::new(ip.into(), address.port()))
}

/// An IPv4-mapped address is the IPv4 address.
fn canonical(given: Destination) -> Destination {
    match given.address.ip().to_canonical() {
        IpAddr::V4(ip) => Destination { address: (ip, given.address.port()).into(), ..given },
        IpAddr::V6(_) => given,
    }
}

fn unusable(address: SocketAddr) -> Option<Ignored> {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_broadcast() => Some(Ignored::NotUnicast),
        _ if address.ip().is_unspecified() || address.ip().is_multicast() => Some(Ignored::NotUnicast),
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => Some(Ignored::NoZone),
        _ => None,
    }
}
