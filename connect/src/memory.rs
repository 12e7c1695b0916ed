use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{Destination, sort::History};

/// What failed lately, by address: those are tried last.
///
/// Bounded: when it is full, the address that failed longest ago is forgotten. Decaying: with each half-life the
/// failures of an address count half, and at none it is clean; so a host that recovers is found again, and all who
/// remember come to the same order in the end (HEv3 s 5.3). A success forgets at once.
///
/// It belongs to one network: who moves to another shall [`clear`](Self::clear) it (RFC 8305 s 4).
///
/// ```
/// use std::time::{Duration, Instant};
/// use mail46_connect::{History, Memory};
///
/// let (now, ip) = (Instant::now(), "2001:db8::1".parse().unwrap());
/// let mut memory = Memory::new(1000, Duration::from_secs(300));
/// memory.failed(ip, now);
/// assert_eq!(memory.history(ip, now), History::FailedLately);
/// assert_eq!(memory.history(ip, now + Duration::from_secs(300)), History::Clean);
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    failures: HashMap<IpAddr, Failures>,
    capacity: usize,
    half_life: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Failures beyond these do not count: an address is clean again after at most five half-lives.
const COUNTED: u32 = 16;

impl Memory {
    /// An empty one for this many addresses (at least one).
    pub fn new(capacity: usize, half_life: Duration) -> Self {
        Self { failures: HashMap::new(), capacity: capacity.max(1), half_life }
    }

    /// An attempt at this address failed.
    pub fn failed(&mut self, address: IpAddr, now: Instant) {
        let address = address.to_canonical();
        let count = self.count(address, now).saturating_add(1).min(COUNTED);
        if !self.failures.contains_key(&address) && self.failures.len() >= self.capacity {
            self.make_room(now);
        }
        self.failures.insert(address, Failures { count, last: now });
    }

    /// An attempt at this address succeeded.
    pub fn succeeded(&mut self, address: IpAddr) {
        self.failures.remove(&address.to_canonical());
    }

    /// What is remembered of this address.
    pub fn history(&self, address: IpAddr, now: Instant) -> History {
        if self.count(address.to_canonical(), now) > 0 { History::FailedLately } else { History::Clean }
    }

    /// Writes what is remembered into destinations.
    pub fn mark(&self, destinations: &mut [Destination], now: Instant) {
        for destination in destinations {
            destination.history = self.history(destination.address.ip(), now);
        }
    }

    /// How many addresses are remembered.
    pub fn len(&self) -> usize {
        self.failures.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }

    /// Forgets all, as after a change of the network.
    pub fn clear(&mut self) {
        self.failures.clear();
    }

    fn count(&self, address: IpAddr, now: Instant) -> u32 {
        self.failures.get(&address).map_or(0, |failures| failures.at(now, self.half_life))
    }

    fn make_room(&mut self, now: Instant) {
        let half_life = self.half_life;
        self.failures.retain(|_, failures| failures.at(now, half_life) > 0);
        if self.failures.len() >= self.capacity {
            let oldest = self.failures.iter().min_by_key(|(_, failures)| failures.last).map(|(ip, _)| *ip);
            oldest.map(|ip| self.failures.remove(&ip));
        }
    }
}

impl Default for Memory {
    /// 4096 addresses, and five minutes.
    fn default() -> Self {
        Self::new(4096, Duration::from_secs(300))
    }
}

impl Failures {
    fn at(&self, now: Instant, half_life: Duration) -> u32 {
        let age = now.saturating_duration_since(self.last).as_nanos();
        let half_lives = age.checked_div(half_life.as_nanos()).unwrap_or(u128::MAX);
        u32::try_from(half_lives).ok().and_then(|n| self.count.checked_shr(n)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_LIFE: Duration = Duration::from_secs(100);

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn decays_by_halves() {
        // (failures at once, half-lives until clean)
        for (failures, until_clean) in [(1, 1), (2, 2), (3, 2), (4, 3), (16, 5), (1000, 5)] {
            let (mut memory, start) = (Memory::new(8, HALF_LIFE), Instant::now());
            for _ in 0..failures {
                memory.failed(ip(1), start);
            }
            let just_before = start + HALF_LIFE * until_clean - Duration::from_nanos(1);
            assert_eq!(memory.history(ip(1), just_before), History::FailedLately, "{failures}");
            assert_eq!(memory.history(ip(1), start + HALF_LIFE * until_clean), History::Clean, "{failures}");
        }
    }

    #[test]
    fn success_forgets_and_mapped_is_ipv4() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        memory.failed(mapped, now);
        assert_eq!(memory.history("192.0.2.1".parse().unwrap(), now), History::FailedLately);
        memory.succeeded("192.0.2.1".parse().unwrap());
        assert_eq!(memory.history(mapped, now), History::Clean);
        assert!(memory.is_empty());
    }

    #[test]
    fn bounded_and_the_oldest_goes() {
        let (mut memory, start) = (Memory::new(3, HALF_LIFE), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..10 {
            memory.failed(ip(n), at(n.into()));
            assert!(memory.len() <= 3);
        }
        let known =
            |memory: &Memory, now| (0..10).filter(|n| memory.history(ip(*n), now) != History::Clean).count();
        assert_eq!(known(&memory, at(10)), 3);
        assert_eq!(memory.history(ip(9), at(10)), History::FailedLately);
        memory.failed(ip(9), at(11)); // known already: nobody goes
        assert_eq!(known(&memory, at(11)), 3);
        memory.failed(ip(77), at(1000)); // the others are clean by now and go first
        assert_eq!((memory.len(), known(&memory, at(1000))), (1, 0));
    }

    #[test]
    fn without_a_half_life_nothing_is_remembered() {
        let (mut memory, now) = (Memory::new(3, Duration::ZERO), Instant::now());
        memory.failed(ip(1), now);
        assert_eq!(memory.history(ip(1), now), History::Clean);
    }
}
