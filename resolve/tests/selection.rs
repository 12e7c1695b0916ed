//! What holds for every answer and every policy.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use mail46_resolve::{
    Answer, Facts, FamilyPolicy, Limits, Mx, Own, Policy, Reason, Rules, Target, Trouble, seeded,
};
use mail46_wire::Domain;
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Addresses from a small range, so that hosts share some; a few that no mail can go to.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        9 => (0..24_u8).prop_map(|last| Ipv4Addr::new(192, 0, 2, last)),
        1 => Just(Ipv4Addr::LOCALHOST),
    ]
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    prop_oneof![
        9 => (0..24_u16).prop_map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)),
        1 => Just("fe80::1".parse().unwrap()),
    ]
}

fn answer<T: std::fmt::Debug + Clone>(
    records: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = Answer<T>> {
    prop_oneof![
        8 => records.prop_map(|records| Answer::records(records, HOUR)),
        1 => Just(Answer::no_data(HOUR)),
        1 => Just(Answer::failed(Trouble::ServFail)),
    ]
}

type Host = (u16, Answer<Ipv4Addr>, Answer<Ipv6Addr>);

fn hosts() -> impl Strategy<Value = Vec<Host>> {
    let addresses = |some| proptest::collection::vec(some, 0..6);
    proptest::collection::vec(
        (0..4_u16, answer(addresses(v4())), answer(proptest::collection::vec(v6(), 0..6))),
        1..9,
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let family = prop_oneof![
        Just(FamilyPolicy::PreferIpv6),
        Just(FamilyPolicy::PreferIpv4),
        Just(FamilyPolicy::OnlyIpv6),
        Just(FamilyPolicy::OnlyIpv4),
    ];
    let rules = prop_oneof![4 => Just(Rules::Rfc5321), 1 => Just(Rules::Rfc2821), 1 => Just(Rules::Rfc974)];
    let limits = (1..12_usize, 1..20_usize).prop_map(|(hosts, addresses)| Limits { hosts, addresses });
    let limits = prop_oneof![Just(Limits::NONE), limits];
    let own = proptest::option::of(0..9_usize)
        .prop_map(|host| Own { names: host.map(name).into_iter().collect(), addresses: Vec::new() });
    (family, rules, limits, own).prop_map(|(family, rules, limits, own)| Policy {
        family,
        rules,
        limits,
        own,
        ..Policy::default()
    })
}

fn name(host: usize) -> Domain {
    format!("h{host}.example").parse().unwrap()
}

fn facts(hosts: &[Host], seed: u64) -> Facts {
    let mx: Vec<Mx> = hosts
        .iter()
        .enumerate()
        .map(|(i, host)| Mx { preference: host.0, exchange: Target::Name(name(i)) })
        .collect();
    let mut facts = Facts::new("example".parse().unwrap(), Answer::records(mx, HOUR), 50, seeded(seed));
    for (i, (_, a, aaaa)) in hosts.iter().enumerate() {
        facts.answer(name(i).as_str(), a.clone(), aaaa.clone());
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No host is ever behind one of a worse preference, each is in the tier of its own preference, and none twice.
    #[test]
    fn tiers_are_strict(hosts in hosts(), policy in policy(), seed: u64) {
        let Ok(route) = facts(&hosts, seed).route(&policy, seeded(seed)) else { return Ok(()) };
        let preferences: Vec<u16> = route.tiers.iter().map(|tier| tier.preference).collect();
        prop_assert!(preferences.windows(2).all(|pair| pair[0] < pair[1]));
        let mut seen = HashSet::new();
        for tier in &route.tiers {
            prop_assert!(!tier.hosts.is_empty());
            for host in &tier.hosts {
                prop_assert!(!host.addresses.is_empty());
                prop_assert!(seen.insert(host.name.to_string()));
                let i: usize = host.name.to_string()[1..].split('.').next().unwrap().parse().unwrap();
                prop_assert_eq!(hosts[i].0, tier.preference);
            }
        }
        // And each exchanger that is not there is accounted for, once.
        let dropped: HashSet<String> = route.dropped.iter().map(|dropped| dropped.target.to_string()).collect();
        prop_assert_eq!(dropped.len(), route.dropped.len());
        prop_assert_eq!(seen.len() + dropped.len(), hosts.len());
        prop_assert!(seen.is_disjoint(&dropped));
    }

    /// Without limits every usable address of a wanted family stands exactly once, with its best host.
    #[test]
    fn every_address_once(hosts in hosts(), policy in policy(), seed: u64) {
        let policy = Policy { limits: Limits::NONE, ..policy };
        let Ok(route) = facts(&hosts, seed).route(&policy, seeded(seed)) else { return Ok(()) };
        let own = policy.own.names.first().and_then(|own| hosts.iter().enumerate().find(|(i, _)| name(*i) == *own));
        let cut = own.map_or(u16::MAX, |(_, host)| host.0);
        let mut want: HashSet<IpAddr> = HashSet::new();
        for (preference, a, aaaa) in &hosts {
            if *preference < cut {
                if policy.family != FamilyPolicy::OnlyIpv6 {
                    want.extend(a.as_records().iter().filter(|ip| !ip.is_loopback()).map(|ip| IpAddr::V4(*ip)));
                }
                if policy.family != FamilyPolicy::OnlyIpv4 && policy.rules != Rules::Rfc974 {
                    let usable = aaaa.as_records().iter().filter(|ip| !ip.is_unicast_link_local());
                    want.extend(usable.map(|ip| IpAddr::V6(*ip)));
                }
            }
        }
        let got: Vec<IpAddr> = route.attempts().map(|(_, ip)| ip).collect();
        prop_assert_eq!(got.len(), want.len());
        prop_assert_eq!(got.into_iter().collect::<HashSet<_>>(), want);
    }

    /// A limit is never passed, never cuts more than it must, keeps the order, and leaves both families what is theirs.
    #[test]
    fn limits_keep_both_families(hosts in hosts(), policy in policy(), limit in 1..12_usize, seed: u64) {
        let facts = facts(&hosts, seed);
        let all = Policy { limits: Limits::NONE, ..policy.clone() };
        let few = Policy { limits: Limits { addresses: limit, hosts: usize::MAX }, ..policy };
        let (Ok(all), Ok(few)) = (facts.route(&all, seeded(seed)), facts.route(&few, seeded(seed))) else {
            return Ok(());
        };
        let all: Vec<IpAddr> = all.attempts().map(|(_, ip)| ip).collect();
        let limited = few.limited;
        let few: Vec<IpAddr> = few.attempts().map(|(_, ip)| ip).collect();
        prop_assert_eq!(few.len(), all.len().min(limit));
        prop_assert_eq!(limited, all.len() > limit);
        let mut rest = all.iter();
        prop_assert!(few.iter().all(|ip| rest.any(|other| other == ip)), "{few:?} of {all:?}");
        for v6 in [false, true] {
            let of = |ips: &[IpAddr]| ips.iter().filter(|ip| ip.is_ipv6() == v6).count();
            let share = if limit == 1 { 0 } else { (limit * 2 / 5).max(1).min(limit / 2) };
            prop_assert!(of(&few) >= of(&all).min(share.min(limit / 5 * 2).max(usize::from(limit > 1))));
        }
    }

    /// A limit of hosts leaves a family that there is.
    #[test]
    fn limits_of_hosts_keep_both_families(hosts in hosts(), limit in 2..9_usize, seed: u64) {
        let facts = facts(&hosts, seed);
        let all = Policy { limits: Limits::NONE, ..Policy::default() };
        let few = Policy { limits: Limits { hosts: limit, addresses: usize::MAX }, ..Policy::default() };
        let (Ok(all), Ok(few)) = (facts.route(&all, seeded(seed)), facts.route(&few, seeded(seed))) else {
            return Ok(());
        };
        prop_assert_eq!(few.hosts().count(), all.hosts().count().min(limit));
        for v6 in [false, true] {
            let has = |route: &mail46_resolve::Route| route.attempts().any(|(_, ip)| ip.is_ipv6() == v6);
            prop_assert_eq!(has(&all), has(&few));
        }
    }

    /// Inside a host the families take turns, from the preferred one, each in the order of its answer.
    #[test]
    fn families_take_turns(hosts in hosts(), seed: u64, v4_first: bool) {
        let family = if v4_first { FamilyPolicy::PreferIpv4 } else { FamilyPolicy::PreferIpv6 };
        let policy = Policy { family, limits: Limits::NONE, ..Policy::default() };
        let Ok(route) = facts(&hosts[..1], seed).route(&policy, seeded(seed)) else { return Ok(()) };
        let order: Vec<IpAddr> = route.attempts().map(|(_, ip)| ip).collect();
        let v6 = order.iter().filter(|ip| ip.is_ipv6()).count();
        // Duplicates are taken out afterwards, so that only those without are exact.
        let (a, aaaa) = (hosts[0].1.as_records(), hosts[0].2.as_records());
        if order.len() == a.len() + aaaa.len() {
            for (i, ip) in order.iter().enumerate().take(2 * v6.min(order.len() - v6)) {
                prop_assert_eq!(ip.is_ipv6(), (i % 2 == 0) != v4_first);
            }
        }
        let given: Vec<IpAddr> = a.iter().map(|ip| IpAddr::V4(*ip)).collect();
        let mut given = given.iter();
        prop_assert!(order.iter().filter(|ip| ip.is_ipv4()).all(|ip| given.any(|other| other == ip)));
    }

    /// The rule against loops: whoever has one of our addresses, and all no better, are out.
    #[test]
    fn never_to_ourselves(hosts in hosts(), own in v4(), seed: u64) {
        let own = Own { addresses: vec![IpAddr::V4(own)], ..Own::default() };
        let policy = Policy { own: own.clone(), family: FamilyPolicy::OnlyIpv6, ..Policy::default() };
        let cut = hosts.iter().filter(|host| host.1.as_records().iter().any(|ip| own.has_address((*ip).into())));
        let cut = cut.map(|host| host.0).min().unwrap_or(u16::MAX);
        match facts(&hosts, seed).route(&policy, seeded(seed)) {
            Ok(route) => prop_assert!(route.tiers.iter().all(|tier| tier.preference < cut)),
            Err(failure) => {
                let ours = |reason| matches!(reason, Reason::Ourselves | Reason::NotBetterThanOurselves);
                let right = failure.dropped.iter().all(|one| (one.preference >= cut) == ours(one.reason));
                prop_assert!(right);
            }
        }
    }

    /// The same numbers, the same route.
    #[test]
    fn the_same_numbers_the_same_route(hosts in hosts(), policy in policy(), seed: u64) {
        let facts = facts(&hosts, seed);
        prop_assert_eq!(facts.route(&policy, seeded(seed)), facts.route(&policy, seeded(seed)));
    }
}

/// RFC 5321 s 5.1: "MUST randomize them": each of the hosts of a tier is as often the first, and as often the second.
#[test]
fn every_host_equally_often_first() {
    for count in [2_usize, 3, 5] {
        let host = |i: usize| {
            let a = Answer::records([Ipv4Addr::new(192, 0, 2, u8::try_from(i).unwrap())], HOUR);
            (10, a, Answer::no_data(HOUR))
        };
        let facts = facts(&(0..count).map(host).collect::<Vec<_>>(), 1);
        let mut random = seeded(20);
        let rounds = 6000;
        for place in 0..count {
            let mut times: HashMap<String, usize> = HashMap::new();
            for _ in 0..rounds {
                let route = facts.route(&Policy::default(), &mut random).unwrap();
                *times.entry(route.hosts().nth(place).unwrap().name.to_string()).or_default() += 1;
            }
            let expected = rounds / count;
            assert_eq!(times.len(), count);
            for (host, times) in times {
                // Five standard deviations of a fair choice.
                let spread = 5.0 * (rounds as f64 / count as f64).sqrt();
                let off = (times as f64 - expected as f64).abs();
                assert!(off < spread, "{host} stood {times} times at {place} of {count}, not {expected}");
            }
        }
    }
}

/// RFC 974 had no random order, and its senders keep that of the answer.
#[test]
fn rfc_974_takes_equals_as_they_come() {
    let host = |i: u8| (10, Answer::records([Ipv4Addr::new(192, 0, 2, i)], HOUR), Answer::no_data(HOUR));
    let facts = facts(&[host(1), host(2), host(3)], 1);
    let policy = Policy { rules: Rules::Rfc974, ..Policy::default() };
    let mut random = seeded(3);
    for _ in 0..50 {
        let route = facts.route(&policy, &mut random).unwrap();
        let order: Vec<String> = route.attempts().map(|(_, ip)| ip.to_string()).collect();
        assert_eq!(order, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    }
}

/// A DNS message holds thousands of MX records; whoever is asked for is chosen by preference, and at random among equals.
#[test]
fn a_limit_of_names_to_look_up() {
    let mx: Vec<Mx> = (0..3000_usize)
        .map(|i| Mx { preference: if i < 3 { 1 } else { 2 }, exchange: Target::Name(name(i)) })
        .collect();
    let mut random = seeded(9);
    let mut asked = HashSet::new();
    for _ in 0..200 {
        let facts = Facts::new("example".parse().unwrap(), Answer::records(mx.clone(), HOUR), 5, &mut random);
        let wanted: Vec<String> = facts.wanted().map(ToString::to_string).collect();
        assert_eq!(wanted.len(), 5);
        let best =
            wanted.iter().filter(|name| ["h0.example", "h1.example", "h2.example"].contains(&name.as_str()));
        assert_eq!(best.count(), 3);
        asked.extend(wanted);
    }
    assert!(asked.len() > 300, "always the same ones: {}", asked.len());
}
