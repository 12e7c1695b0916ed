//! The race: events in any order and at any time. Never two attempts inside the delay unless one failed, no address
//! twice, never a circle, nothing behind the last action; and it ends when all that was asked has ended.
#![no_main]
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use libfuzzer_sys::fuzz_target;
use mail46_connect::{
    Action, AttemptId, Config, Destination, Family, FamilyPolicy, LookupError, Mode, Nat64, Outcome, Pref64,
    Race, Source, Target,
};

struct Octets<'a>(std::slice::Iter<'a, u8>);

impl Octets<'_> {
    fn next(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    fn destination(&mut self) -> Option<Destination> {
        let octet = self.next()?;
        let n = u16::from(octet & 0xf);
        let ip = match octet >> 4 & 3 {
            0 => format!("192.0.2.{n}"),
            1 => format!("2001:db8::{n:x}"),
            2 => format!("64:ff9b::c000:2{n:02x}"),
            _ => format!("::ffff:192.0.2.{n}"),
        };
        let source = if octet & 0x80 == 0 { Source::Unknown } else { Source::Unreachable };
        Some(Destination::from(SocketAddr::new(ip.parse().expect("an address"), 25)).with_source(source))
    }

    fn destinations(&mut self) -> Vec<Destination> {
        let count = self.next().unwrap_or(0) % 8;
        (0..count).map_while(|_| self.destination()).collect()
    }
}

fuzz_target!(|data: &[u8]| {
    let mut octets = Octets(data.iter());
    let Some(how) = octets.next() else { return };
    use FamilyPolicy::{OnlyIpv4, OnlyIpv6, PreferIpv4, PreferIpv6};
    let policy = [PreferIpv6, PreferIpv4, OnlyIpv6, OnlyIpv4][usize::from(how & 3)];
    let mode = [Mode::Race, Mode::RaceWithinHost, Mode::Sequential][usize::from(how >> 2 & 3) % 3];
    let nat64 = match how >> 4 & 3 {
        0 => Nat64::Off,
        1 => Nat64::Known(vec![Pref64::WELL_KNOWN]),
        _ => Nat64::Discover,
    };
    let timeout = (how & 0x40 != 0).then_some(Duration::from_millis(700));
    let config = Config::new().policy(policy).mode(mode).nat64(nat64).attempt_timeout(timeout).deadline(None);
    let target = |octets: &mut Octets| match octets.next() {
        Some(0..0x80) | None => Target::LookUp,
        _ => Target::Addresses(octets.destinations()),
    };
    let targets = [target(&mut octets), target(&mut octets)];
    let mut now = Instant::now();
    let mut race: Race<()> = Race::new(targets, config, now);
    let (mut asked, mut pref64, mut ids, mut last) = (Vec::new(), false, Vec::<AttemptId>::new(), None);
    let mut polled = |race: &mut Race<()>, now, asked: &mut Vec<_>, pref64: &mut bool, ids: &mut Vec<_>| {
        while let Some(action) = race.poll(now) {
            assert_eq!(last, None, "nothing behind the last action");
            match action {
                Action::LookUp { host, family } => asked.push((host, family)),
                Action::LookUpPref64 => *pref64 = true,
                Action::Start { id, .. } => ids.push(id),
                Action::Succeed { .. } | Action::Fail(_) => last = Some(action),
                _ => {}
            }
        }
        assert!(race.poll_timeout().is_none_or(|at| at > now), "a circle");
        last.is_some()
    };
    while let Some(event) = octets.next() {
        polled(&mut race, now, &mut asked, &mut pref64, &mut ids);
        let id = ids.get(usize::from(event >> 4)).copied();
        match (event & 7, id) {
            (0 | 1, _) => now += Duration::from_millis(u64::from(event) * 3),
            (2, _) => now = race.poll_timeout().unwrap_or(now),
            (3, _) => {
                if let Some((host, family)) = asked.get(usize::from(event >> 4)).copied() {
                    race.answered(host, family, Ok(octets.destinations()), now);
                }
            }
            (4, Some(id)) => race.progressed(id, now),
            (5, Some(id)) => race.failed(id, (), now),
            (6, Some(id)) if event & 8 != 0 => race.succeeded(id, now),
            (7, _) if pref64 => race.pref64_answered(Ok(vec!["64:ff9b::c000:aa".parse().expect("v6")]), now),
            _ => {}
        }
    }
    // All that was asked ends now, badly: so does the race.
    for turn in 0.. {
        assert!(turn < 1000, "it does not end");
        if polled(&mut race, now, &mut asked, &mut pref64, &mut ids) {
            break;
        }
        for (host, family) in &asked {
            let again = race
                .log()
                .lookups
                .iter()
                .any(|it| it.host == Some(*host) && it.family == *family && it.answer.is_some());
            if !again {
                race.answered(*host, *family, Err(LookupError::NxDomain), now);
            }
        }
        if pref64 {
            race.pref64_answered(Err(LookupError::NoData), now);
        }
        for id in &ids {
            race.failed(*id, (), now);
        }
        now = race.poll_timeout().unwrap_or(now).max(now);
    }
    let log = race.into_log();
    for (at, attempt) in log.attempts.iter().enumerate() {
        assert!(attempt.ended.is_some());
        assert!(match policy {
            OnlyIpv6 => Family::of(attempt.address.ip()) == Family::V6,
            OnlyIpv4 => Family::of(attempt.address.ip()) == Family::V4,
            _ => true,
        });
        for later in &log.attempts[at + 1..] {
            assert_ne!(attempt.address, later.address, "twice");
        }
        if let Some(next) = log.attempts.get(at + 1) {
            let between = attempt.started..=next.started;
            let failed = log.attempts.iter().any(|it| {
                matches!(it.outcome, Outcome::Failed(()) | Outcome::TimedOut)
                    && it.ended.is_some_and(|ended| between.contains(&ended))
            });
            assert!(
                failed || next.started - attempt.started >= Duration::from_millis(250),
                "inside the delay"
            );
        }
    }
});
