//! What holds in every race, over random worlds.

mod sim;

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use mail46_connect::{
    Action, Attempt, Config, Destination, Failure, Family, FamilyPolicy, LookupError, Mode, Nat64, Outcome,
    Race, Source, Target,
};
use proptest::prelude::*;
use sim::{Does, Ran, World, run};

const DELAY: Duration = Duration::from_millis(250);

fn any_destination() -> impl Strategy<Value = Destination> {
    let ip = prop_oneof![
        (1_u8..12).prop_map(|n| std::net::IpAddr::from([192, 0, 2, n])),
        (1_u16..12).prop_map(|n| std::net::IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])),
        (1_u8..4).prop_map(|n| std::net::IpAddr::from([
            0x64,
            0xff9b,
            0,
            0,
            0,
            0,
            0xc000,
            0x200 + u16::from(n)
        ])),
    ];
    let source = prop_oneof![Just(Source::Unknown), Just(Source::Unreachable)];
    (ip, source)
        .prop_map(|(ip, source)| Destination::from(std::net::SocketAddr::new(ip, 25)).with_source(source))
}

/// An answer holds addresses of its family.
fn any_answer(family: Family) -> impl Strategy<Value = Result<Vec<Destination>, LookupError>> {
    prop_oneof![
        4 => prop::collection::vec(any_destination(), 0..6).prop_map(move |list| {
            Ok(list.into_iter().filter(|it| Family::of(it.address.ip()) == family).collect())
        }),
        1 => Just(Err(LookupError::NxDomain)),
        1 => Just(Err(LookupError::Temporary("SERVFAIL".into()))),
    ]
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::LookUp),
        prop::collection::vec(any_destination(), 0..8).prop_map(Target::Addresses),
    ]
}

fn any_config() -> impl Strategy<Value = Config> {
    let policy = prop::sample::select(vec![
        FamilyPolicy::PreferIpv6,
        FamilyPolicy::PreferIpv4,
        FamilyPolicy::OnlyIpv6,
        FamilyPolicy::OnlyIpv4,
    ]);
    let mode = prop::sample::select(vec![Mode::Race, Mode::RaceWithinHost, Mode::Sequential]);
    let nat64 = prop::sample::select(vec![
        Nat64::Off,
        Nat64::Discover,
        Nat64::Known(vec![mail46_connect::Pref64::WELL_KNOWN]),
    ]);
    let timeout = prop::option::of((1_u64..3000).prop_map(Duration::from_millis));
    (policy, mode, nat64, timeout, 1_usize..4).prop_map(|(policy, mode, nat64, timeout, count)| {
        Config::new()
            .policy(policy)
            .mode(mode)
            .nat64(nat64)
            .attempt_timeout(timeout)
            .deadline(None)
            .first_family_count(NonZeroUsize::new(count).unwrap())
    })
}

/// A world in which everything that is asked ends: each look-up is answered, each attempt succeeds or fails.
fn any_world(hosts: usize) -> impl Strategy<Value = World> {
    let answers: Vec<_> = (0..hosts)
        .flat_map(|host| [(host, Family::V4), (host, Family::V6)])
        .map(|(host, family)| {
            (0_u64..1000, any_answer(family), any_answer(family), prop::option::of(0_u64..1000)).prop_map(
                move |(at, answer, second, again)| {
                    let first = (at, host, family, answer);
                    let second = again.map(|later| (at + later, host, family, second));
                    [Some(first), second].into_iter().flatten().collect::<Vec<_>>()
                },
            )
        })
        .collect();
    let does = (any::<bool>(), 0_u64..800, prop::option::of(0_u64..300));
    let hosts = prop::collection::vec(does, 40);
    let pref64 = (0_u64..200, any::<bool>());
    (answers, hosts, pref64).prop_map(|(answers, hosts, (pref64_at, found))| {
        let mut world = World { answers: answers.concat(), ..World::default() };
        world.pref64 =
            Some((pref64_at, if found { vec!["64:ff9b::c000:aa".parse().unwrap()] } else { vec![] }));
        let v4 = (1..14).map(|n| format!("192.0.2.{n}"));
        let v6 = (1..14).map(|n| format!("2001:db8::{n:x}"));
        let translated = (1..14).map(|n| format!("64:ff9b::c000:2{n:02x}"));
        for (ip, (good, after, progress)) in v4.chain(v6).chain(translated).zip(hosts) {
            let mut does = vec![(after, if good { Does::Succeed } else { Does::Fail })];
            does.extend(progress.filter(|at| *at < after).map(|at| (at, Does::Progress)));
            does.sort_by_key(|it| it.0);
            world.hosts.push((sim::address(&ip), does));
        }
        world
    })
}

fn any_race() -> impl Strategy<Value = (Vec<Target>, Config, World)> {
    (prop::collection::vec(any_target(), 0..4), any_config())
        .prop_flat_map(|(targets, config)| (Just(targets.clone()), Just(config), any_world(targets.len())))
}

fn failed(attempt: &Attempt<&str>) -> bool {
    matches!(attempt.outcome, Outcome::Failed(_) | Outcome::TimedOut)
}

fn rules_are_kept(ran: &Ran, mode: Mode) -> Result<(), TestCaseError> {
    let attempts = &ran.log.attempts;
    let started = |at: usize| attempts[at].started;
    for next in 1..attempts.len() {
        // RFC 8305 s 5: never two inside the delay unless one failed in between.
        let window = started(next - 1)..=started(next);
        let one_failed =
            attempts.iter().any(|it| failed(it) && it.ended.is_some_and(|at| window.contains(&at)));
        prop_assert!(started(next) - started(next - 1) >= DELAY || one_failed, "{}", ran.log);
    }
    let overlap =
        |a: &Attempt<&str>, b: &Attempt<&str>| b.started < a.ended.unwrap() && a.started < b.ended.unwrap();
    for (at, attempt) in attempts.iter().enumerate() {
        for other in &attempts[at + 1..] {
            prop_assert_ne!(attempt.address, other.address, "no address twice");
            match mode {
                Mode::Sequential => prop_assert!(!overlap(attempt, other), "one at a time: {}", ran.log),
                Mode::RaceWithinHost if other.host > attempt.host => {
                    prop_assert!(!overlap(attempt, other), "the next host waits: {}", ran.log);
                }
                _ => {}
            }
        }
        prop_assert!(attempt.ended.is_some(), "nothing is left behind");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_race((targets, config, world) in any_race()) {
        let policy = format!("{config:?}");
        let mode = [Mode::Race, Mode::RaceWithinHost, Mode::Sequential]
            .into_iter()
            .find(|mode| config.clone().mode(*mode) == config)
            .unwrap();
        // It ends, whatever the order, when all that was asked has ended; `run` gives `None` if it hangs.
        let ran = run(targets.clone(), config, &world);
        prop_assert!(ran.is_some(), "hangs");
        let ran = ran.unwrap();
        rules_are_kept(&ran, mode)?;
        if ran.end.is_err() {
            prop_assert!(ran.log.attempts.iter().all(failed), "fails only when all have failed");
            prop_assert!(ran.log.lookups.iter().all(|it| it.answer.is_some() || it.host.is_none()), "and all answers are in");
            prop_assert_ne!(ran.end, Err(Failure::Deadline));
            prop_assert_eq!(ran.end == Err(Failure::AllFailed), !ran.log.attempts.is_empty());
        }
        for attempt in &ran.log.attempts {
            let v4 = attempt.address.is_ipv4();
            let forbidden = if v4 { "OnlyIpv6" } else { "OnlyIpv4" };
            prop_assert!(!policy.contains(forbidden));
        }
    }

    #[test]
    fn given_addresses_are_all_tried_once(list in prop::collection::vec(any_destination(), 0..24)) {
        let config = Config::new().nat64(Nat64::Off);
        let refuse = list.iter().map(|it| (it.address, vec![(1, Does::Fail)])).collect();
        let world = World { hosts: refuse, ..World::default() };
        let ran = run(vec![Target::Addresses(list.clone())], config, &world).unwrap();
        let tried: HashSet<_> = ran.log.attempts.iter().map(|it| it.address).collect();
        prop_assert_eq!(tried, list.iter().map(|it| it.address).collect::<HashSet<_>>());
        // Families by turns while both last, the usable before the others.
        let usable = |address| list.iter().find(|it| it.address == address).unwrap().source == Source::Unknown;
        for group in [true, false] {
            let order: Vec<bool> = ran.log.attempts.iter().map(|it| it.address)
                .filter(|address| usable(*address) == group).map(|address| address.is_ipv4()).collect();
            let fewer = order.iter().filter(|v4| **v4).count().min(order.iter().filter(|v4| !**v4).count());
            prop_assert!(order.iter().take(2 * fewer).collect::<Vec<_>>().chunks(2).all(|two| two[0] != two[1]));
        }
        let first_bad = ran.log.attempts.iter().position(|it| !usable(it.address)).unwrap_or(ran.log.attempts.len());
        prop_assert!(ran.log.attempts[first_bad..].iter().all(|it| !usable(it.address)));
    }

    /// Whatever is told, in whatever order, of whatever id and host: no panic, and never a circle.
    #[test]
    fn nonsense_does_no_harm(calls in prop::collection::vec((0_u8..8, 0_usize..4, any_destination(), 0_u64..400), 0..60)) {
        let mut now = Instant::now();
        let config = Config::new();
        let mut race: Race<&str> = Race::new([Target::LookUp, Target::LookUp], config, now);
        let mut ids = Vec::new();
        let mut last = None;
        for (call, at, destination, millis) in calls {
            let id = ids.get(at).copied();
            match call {
                0 => race.answered(at, Family::of(destination.address.ip()), Ok(vec![destination]), now),
                1 => race.answered(at, Family::V4, Err(LookupError::NoData), now),
                2 => race.pref64_answered(Ok(vec!["64:ff9b::c000:aa".parse().unwrap()]), now),
                3 => id.into_iter().for_each(|id| race.progressed(id, now)),
                4 => id.into_iter().for_each(|id| race.failed(id, "", now)),
                5 if millis == 7 => id.into_iter().for_each(|id| race.succeeded(id, now)),
                6 => {
                    while let Some(action) = race.poll(now) {
                        prop_assert_eq!(last, None, "nothing behind the last action");
                        match action {
                            Action::Start { id, .. } => ids.push(id),
                            Action::Succeed { .. } | Action::Fail(_) => last = Some(action),
                            _ => {}
                        }
                    }
                    prop_assert!(race.poll_timeout().is_none_or(|at| at > now));
                }
                _ => now += Duration::from_millis(millis),
            }
        }
    }
}
