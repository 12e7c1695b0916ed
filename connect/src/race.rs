//! The race itself, RFC 8305 sections 3 to 6, with what HEv3 (draft-ietf-happy-happyeyeballs-v3) changes for TCP.

mod candidates;
mod config;
mod log;

use std::{
    collections::VecDeque,
    net::{Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

pub use candidates::ADDRESSES;
use candidates::{Added, Candidates, Prefixes, State};
pub use config::{
    ATTEMPT_DELAY, Config, MAX_ATTEMPT_DELAY, MIN_ATTEMPT_DELAY, Mode, Nat64, RESOLUTION_DELAY,
};
pub use log::{Attempt, Failure, Ignored, Log, Lookup, LookupError, Outcome};

use crate::{
    Family, Pref64,
    sort::{Destination, PolicyTable},
};

/// A race of connection attempts: no socket, no clock, no resolver inside.
///
/// The caller tells what happens ([`answered`](Self::answered), [`progressed`](Self::progressed),
/// [`succeeded`](Self::succeeded), [`failed`](Self::failed)), then takes what is to be done from
/// [`poll`](Self::poll) until it is `None`, and comes back with the next event, or at
/// [`poll_timeout`](Self::poll_timeout). The last action is always [`Action::Succeed`] or [`Action::Fail`].
///
/// `E` is the caller's word for why an attempt failed; it is kept in the [`Log`].
///
/// ```
/// use std::time::{Duration, Instant};
/// use mail46_connect::{Action, Config, Family, Race, Target};
///
/// let start = Instant::now();
/// let at = |millis| start + Duration::from_millis(millis);
/// let mut race: Race<&str> = Race::new([Target::LookUp], Config::new(), start);
/// assert_eq!(race.poll(at(0)), Some(Action::LookUp { host: 0, family: Family::V6 }));
/// assert_eq!(race.poll(at(0)), Some(Action::LookUp { host: 0, family: Family::V4 }));
///
/// // A comes first: AAAA has 50 ms more.
/// let v4: std::net::SocketAddr = "192.0.2.1:25".parse().unwrap();
/// race.answered(0, Family::V4, Ok(vec![v4.into()]), at(10));
/// assert_eq!((race.poll(at(10)), race.poll_timeout()), (None, Some(at(60))));
///
/// let v6: std::net::SocketAddr = "[2001:db8::1]:25".parse().unwrap();
/// race.answered(0, Family::V6, Ok(vec![v6.into()]), at(40));
/// let Some(Action::Start { id: first, address, .. }) = race.poll(at(40)) else { panic!() };
/// assert_eq!(address, v6);
///
/// // No word from it for 250 ms: IPv4 starts beside it, and wins.
/// assert_eq!((race.poll(at(40)), race.poll_timeout()), (None, Some(at(290))));
/// let Some(Action::Start { id: second, .. }) = race.poll(at(290)) else { panic!() };
/// race.succeeded(second, at(300));
/// assert_eq!(race.poll(at(300)), Some(Action::Cancel { id: first }));
/// assert_eq!(race.poll(at(300)), Some(Action::Succeed { id: second }));
/// ```
#[derive(Clone, Debug)]
pub struct Race<E> {
    config: Config,
    table: PolicyTable,
    hosts: Vec<Host>,
    prefixes: Prefixes,
    /// The place in the log of the look-up for NAT64 prefixes, once asked.
    pref64_lookup: Option<usize>,
    /// When an attempt may start beside those that run; `None` is at once.
    next_at: Option<Instant>,
    actions: VecDeque<Action>,
    log: Log<E>,
}

/// A host to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// By a name, to be looked up.
    LookUp,
    /// By addresses that are known, in the order in which DNS gave them.
    Addresses(Vec<Destination>),
}

/// Names an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(usize);

/// What the caller is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Ask for the A (IPv4) or AAAA (IPv6) records, and tell [`Race::answered`].
    LookUp {
        /// The place in the list of targets.
        host: usize,
        /// Which records.
        family: Family,
    },
    /// Ask for the AAAA records of [`IPV4ONLY_NAME`](crate::IPV4ONLY_NAME), and tell [`Race::pref64_answered`].
    LookUpPref64,
    /// Connect, and tell [`Race::succeeded`] or [`Race::failed`].
    Start {
        /// The name of the attempt.
        id: AttemptId,
        /// The place in the list of targets.
        host: usize,
        /// Where to.
        address: SocketAddr,
    },
    /// Drop this attempt.
    Cancel {
        /// Which.
        id: AttemptId,
    },
    /// The last action: this attempt has won.
    Succeed {
        /// Which.
        id: AttemptId,
    },
    /// The last action: nobody wins.
    Fail(Failure),
}

#[derive(Clone, Debug)]
struct Host {
    candidates: Candidates,
    /// Places in the log of the look-ups for A and AAAA, if asked.
    lookups: [Option<usize>; 2],
    /// When the first address came: the resolution delay counts from here.
    first_answer: Option<Instant>,
}

impl<E> Race<E> {
    /// A race to these hosts, in their order. In a list of several, each is known by its place.
    pub fn new(targets: impl IntoIterator<Item = Target>, config: Config, now: Instant) -> Self {
        let mut race = Self {
            table: config.table.clone().unwrap_or_else(|| PolicyTable::new(config.policy)),
            prefixes: Prefixes::new(&config.nat64),
            config,
            hosts: Vec::new(),
            pref64_lookup: None,
            next_at: None,
            actions: VecDeque::new(),
            log: Log::new(now),
        };
        for target in targets {
            let host = race.hosts.len();
            let mut lookups = [None; 2];
            if target == Target::LookUp {
                // RFC 8305 s 3: "with the AAAA query made first and immediately followed by the A query".
                for family in [Family::V6, Family::V4] {
                    if !race.config.asks(family) {
                        continue;
                    }
                    race.actions.push_back(Action::LookUp { host, family });
                    let asked = race.log_lookup(Some(host), family, now);
                    if let Some(place) = lookups.get_mut(index(family)) {
                        *place = Some(asked);
                    }
                }
            }
            race.hosts.push(Host { candidates: Candidates::default(), lookups, first_answer: None });
            if let Target::Addresses(addresses) = target {
                for address in addresses {
                    race.add(host, Family::of(address.address.ip()), address, now);
                }
            }
        }
        race
    }

    /// The answer to a look-up. When it comes again it replaces the last one: addresses that are gone are not tried
    /// any more, attempts that run go on (RFC 8305 s 6).
    pub fn answered(
        &mut self,
        host: usize,
        family: Family,
        answer: Result<Vec<Destination>, LookupError>,
        now: Instant,
    ) {
        if self.is_finished() {
            return;
        }
        let Some(known) = self.hosts.get_mut(host) else { return };
        let Some(Some(place)) = known.lookups.get(index(family)).copied() else { return };
        known.candidates.replace(family);
        let (count, addresses) = match answer {
            // An empty answer says that there is none.
            Ok(addresses) if addresses.is_empty() => (Err(LookupError::NoData), addresses),
            Ok(addresses) => (Ok(addresses.len()), addresses),
            Err(error) => (Err(error), Vec::new()),
        };
        self.log_answer(place, count, now);
        for address in addresses {
            self.add(host, family, address, now);
        }
    }

    /// The answer to the look-up of NAT64 prefixes: the addresses of [`IPV4ONLY_NAME`](crate::IPV4ONLY_NAME).
    pub fn pref64_answered(&mut self, answer: Result<Vec<Ipv6Addr>, LookupError>, now: Instant) {
        let Some(place) = self.pref64_lookup.filter(|_| !self.is_finished()) else { return };
        let prefixes = answer.as_deref().map(Pref64::discover).unwrap_or_default();
        self.log_answer(place, answer.map(|addresses| addresses.len()), now);
        self.prefixes = if prefixes.is_empty() { Prefixes::Off } else { Prefixes::Known(prefixes) };
        for host in 0..self.hosts.len() {
            let waiting = self.hosts.get_mut(host).map(|host| host.candidates.take_waiting());
            for (record, address) in waiting.unwrap_or_default() {
                self.add(host, record, address, now);
            }
        }
    }

    /// An attempt has made progress, as the end of the TCP handshake when success is more: the next one waits for
    /// it somewhat longer (HEv3 s 6.1).
    pub fn progressed(&mut self, id: AttemptId, now: Instant) {
        let Some(attempt) = running(&mut self.log, id) else { return };
        // What the first step took is taken for a round trip; TLS and a greeting take about two.
        let first = *attempt.progressed.get_or_insert(now);
        let so_far = first.saturating_duration_since(attempt.started).saturating_mul(2);
        let longer = later(now, self.config.attempt_delay.max(so_far));
        let newest = self.log.attempts.last().map(|attempt| attempt.started);
        let bound = newest.map_or(longer, |newest| later(newest, MAX_ATTEMPT_DELAY));
        // `None` stays: nothing holds back the one that a failure calls for.
        self.next_at = self.next_at.map(|at| at.max(longer.min(bound)));
    }

    /// An attempt has succeeded, in the caller's meaning of it: the race is over.
    pub fn succeeded(&mut self, id: AttemptId, now: Instant) {
        if self.is_finished() {
            return;
        }
        let Some(attempt) = running(&mut self.log, id) else { return };
        attempt.outcome = Outcome::Succeeded;
        attempt.ended = Some(now);
        self.finish(Action::Succeed { id }, now);
    }

    /// An attempt has failed: the next one starts at once.
    pub fn failed(&mut self, id: AttemptId, why: E, now: Instant) {
        let Some(attempt) = running(&mut self.log, id) else { return };
        attempt.outcome = Outcome::Failed(why);
        attempt.ended = Some(now);
        self.next_at = None;
    }

    /// The next thing to do; `None` until something happens, or it is [`poll_timeout`](Self::poll_timeout).
    pub fn poll(&mut self, now: Instant) -> Option<Action> {
        if self.actions.is_empty() && !self.is_finished() {
            self.advance(now);
        }
        self.actions.pop_front()
    }

    /// When to poll again if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_finished() {
            return None;
        }
        let deadline = self.config.deadline.map(|after| later(self.log.started, after));
        let attempts = self
            .config
            .attempt_timeout
            .and_then(|after| self.running().map(|(_, attempt)| later(attempt.started, after)).min());
        [deadline, attempts, self.next_start()].into_iter().flatten().min()
    }

    /// Whether it is over. What is told afterwards changes nothing.
    pub fn is_finished(&self) -> bool {
        self.log.ended.is_some()
    }

    /// What happened so far.
    pub fn log(&self) -> &Log<E> {
        &self.log
    }

    /// What happened.
    pub fn into_log(self) -> Log<E> {
        self.log
    }

    /// All that time, and what was told since, makes due.
    fn advance(&mut self, now: Instant) {
        if self.config.deadline.is_some_and(|after| now >= later(self.log.started, after)) {
            return self.finish(Action::Fail(Failure::Deadline), now);
        }
        if let Some(after) = self.config.attempt_timeout {
            for (at, attempt) in self.log.attempts.iter_mut().enumerate() {
                if matches!(attempt.outcome, Outcome::Running) && now >= later(attempt.started, after) {
                    attempt.outcome = Outcome::TimedOut;
                    attempt.ended = Some(now);
                    self.actions.push_back(Action::Cancel { id: AttemptId(at) });
                    self.next_at = None;
                }
            }
        }
        if let Some((host, address)) = self.take_next(now) {
            let id = AttemptId(self.log.attempts.len());
            self.log.attempts.push(Attempt {
                host,
                address,
                started: now,
                progressed: None,
                ended: None,
                outcome: Outcome::Running,
            });
            self.next_at = Some(later(now, self.config.attempt_delay));
            self.actions.push_back(Action::Start { id, host, address });
        } else if self.running().next().is_none() && !self.awaits_anything() {
            let failure = self.failure();
            self.finish(Action::Fail(failure), now);
        }
    }

    /// When the next attempt may start, as far as is known.
    fn next_start(&self) -> Option<Instant> {
        let is_running = self.running().next().is_some();
        if is_running && self.config.mode == Mode::Sequential {
            return None;
        }
        let ready = self.hosts_in_turn().filter_map(|(_, host)| self.ready_at(host)).min();
        if is_running { ready.max(ready.and(self.next_at)) } else { ready }
    }

    /// The next address, if it may start now.
    fn take_next(&mut self, now: Instant) -> Option<(usize, SocketAddr)> {
        if self.next_start().is_none_or(|at| now < at) {
            return None;
        }
        let is_ready = |host: &Host| self.ready_at(host).is_some_and(|at| now >= at);
        let (host, _) = self.hosts_in_turn().find(|(_, host)| is_ready(host))?;
        let address = self.hosts.get_mut(host)?.candidates.take_next(&self.config, &self.table)?;
        for other in &mut self.hosts {
            other.candidates.remove(address);
        }
        Some((host, address))
    }

    /// The hosts, as far as the mode lets them have a turn.
    fn hosts_in_turn(&self) -> impl Iterator<Item = (usize, &Host)> {
        let busy = match self.config.mode {
            Mode::RaceWithinHost => self.running().map(|(_, attempt)| attempt.host).min(),
            Mode::Race | Mode::Sequential => None,
        };
        self.hosts.iter().enumerate().take_while(move |(host, _)| busy.is_none_or(|busy| *host <= busy))
    }

    /// When this host's next address may be tried, as far as answers go; `None` if there is none.
    fn ready_at(&self, host: &Host) -> Option<Instant> {
        if !host.candidates.any(State::Ready) {
            return None;
        }
        let first = host.first_answer?;
        let preferred = host.lookups.get(index(self.config.preferred())).copied().flatten();
        // RFC 8305 s 3, HEv3 s 4.2: positive or negative, the preferred family has answered; or the delay is over.
        let awaited = preferred.is_some_and(|place| self.is_pending(place));
        Some(if awaited { later(first, self.config.resolution_delay) } else { first })
    }

    fn add(&mut self, host: usize, record: Family, address: Destination, now: Instant) {
        // Tried for another host already: once is enough.
        let tried = |target| self.log.attempts.iter().any(|attempt| attempt.address == target);
        let Some(known) = self.hosts.get_mut(host) else { return };
        match known.candidates.add(record, address, &self.config, &self.prefixes, &tried) {
            Added::Candidate => {}
            Added::Ignored(why) => return self.log.ignored.push((address.address, why)),
            Added::NeedsPref64 if self.pref64_lookup.is_none() => {
                self.actions.push_back(Action::LookUpPref64);
                self.pref64_lookup = Some(self.log_lookup(None, Family::V6, now));
            }
            Added::NeedsPref64 => {}
        }
        if let Some(known) = self.hosts.get_mut(host) {
            known.first_answer = known.first_answer.or(Some(now));
        }
    }

    fn finish(&mut self, last: Action, now: Instant) {
        for (at, attempt) in self.log.attempts.iter_mut().enumerate() {
            if matches!(attempt.outcome, Outcome::Running) {
                attempt.outcome = Outcome::Cancelled;
                attempt.ended = Some(now);
                self.actions.push_back(Action::Cancel { id: AttemptId(at) });
            }
        }
        self.actions.push_back(last);
        self.log.ended = Some(now);
    }

    fn failure(&self) -> Failure {
        let temporary = |lookup: &Lookup| matches!(lookup.answer, Some(Err(LookupError::Temporary(_))));
        if !self.log.attempts.is_empty() {
            Failure::AllFailed
        } else if !self.log.ignored.is_empty() {
            Failure::NoUsableAddress
        } else if self.log.lookups.iter().any(temporary) {
            Failure::Lookup
        } else {
            Failure::NoAddress
        }
    }

    fn running(&self) -> impl Iterator<Item = (AttemptId, &Attempt<E>)> {
        let attempts = self.log.attempts.iter().enumerate();
        attempts
            .filter(|(_, attempt)| matches!(attempt.outcome, Outcome::Running))
            .map(|(at, attempt)| (AttemptId(at), attempt))
    }

    /// Whether an answer is still to come, or an address's turn.
    fn awaits_anything(&self) -> bool {
        let pending = |place: &Option<usize>| place.is_some_and(|place| self.is_pending(place));
        self.hosts.iter().any(|host| {
            host.candidates.any(State::Ready)
                || host.candidates.any(State::AwaitsPref64)
                || host.lookups.iter().any(pending)
        })
    }

    fn is_pending(&self, place: usize) -> bool {
        self.log.lookups.get(place).is_some_and(|lookup| lookup.answer.is_none())
    }

    fn log_lookup(&mut self, host: Option<usize>, family: Family, now: Instant) -> usize {
        let place = self.log.lookups.len();
        self.log.lookups.push(Lookup { host, family, started: now, ended: None, answer: None });
        place
    }

    fn log_answer(&mut self, place: usize, answer: Result<usize, LookupError>, now: Instant) {
        if let Some(lookup) = self.log.lookups.get_mut(place) {
            lookup.ended = Some(now);
            lookup.answer = Some(answer);
        }
    }
}

fn running<E>(log: &mut Log<E>, id: AttemptId) -> Option<&mut Attempt<E>> {
    log.attempts.get_mut(id.0).filter(|attempt| matches!(attempt.outcome, Outcome::Running))
}

fn index(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}

/// A time so far away that it cannot be told is thirty years away.
fn later(from: Instant, after: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    from.checked_add(after.min(FAR)).unwrap_or(from)
}
