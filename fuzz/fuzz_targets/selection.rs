//! Selection of exchangers and of SRV targets from a zone of any shape: tiers are strict, each address stands once, limits
//! and families hold, nothing goes to ourselves, and a route and a failure each say what they must.
#![no_main]
use std::{
    collections::HashSet,
    future::Future,
    net::IpAddr,
    pin::pin,
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use mail46_resolve::{
    Dns, Facts, FamilyPolicy, Limits, Own, Policy, Reach, Rules, SpecialAddresses, Zone, seeded, srv,
};
use mail46_wire::Domain;

/// A zone answers at once.
fn now<T>(answer: impl Future<Output = T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => unreachable!(),
    }
}

/// A zone written by numbers, so that most of it is valid; hosts and addresses come from a small range.
fn zone(data: &[u8]) -> String {
    let mut text = String::new();
    for line in data.chunks_exact(3) {
        let [kind, name, value] = [line[0], line[1] % 12, line[2]];
        let name = if kind & 0x80 == 0 { "d.example".to_owned() } else { format!("h{name}.example") };
        let host = match value % 16 {
            12 => ".".to_owned(),
            13 => "localhost".to_owned(),
            14 => "192.0.2.1".to_owned(),
            15 => "h_1.example".to_owned(),
            host => format!("h{host}.example"),
        };
        text += &match kind & 7 {
            0 | 1 => format!("{name} MX {} {host}\n", value >> 6),
            2 => format!("{name} A 192.0.2.{}\n", value % 40),
            3 => format!("{name} AAAA 2001:db8::{:x}\n", value % 40),
            4 => format!("{name} AAAA fe80::{value:x}\n"),
            5 => format!("{name} {} !SERVFAIL\n", ["A", "AAAA", "MX"][usize::from(value % 3)]),
            6 if host != "." => format!("{name} CNAME {host}\n"),
            _ => format!("{name} SRV {} {} 25 {host}\n", value >> 6, value & 0x3f),
        };
    }
    text
}

fuzz_target!(|data: &[u8]| {
    // Any text at all: no panic.
    let _ = std::str::from_utf8(data).map(|text| text.parse::<Zone>().is_ok());
    let [family, rules, hosts, addresses, own, seed, lines @ ..] = data else { return };
    let zone: Zone = zone(lines).parse().unwrap();
    let domain: Domain = "d.example".parse().unwrap();
    let policy = Policy {
        family: [
            FamilyPolicy::PreferIpv6,
            FamilyPolicy::PreferIpv4,
            FamilyPolicy::OnlyIpv6,
            FamilyPolicy::OnlyIpv4,
        ][usize::from(family % 4)],
        rules: [Rules::Rfc5321, Rules::Rfc2821, Rules::Rfc974][usize::from(rules % 3)],
        limits: Limits { hosts: usize::from(*hosts), addresses: usize::from(*addresses) },
        own: Own {
            names: vec![format!("h{}.example", own % 24).parse().unwrap()],
            addresses: vec![IpAddr::from([192, 0, 2, *own])],
        },
        special: SpecialAddresses::Dropped,
    };
    let mut random = seeded(u64::from(*seed));
    let mut facts = Facts::new(domain.clone(), now(zone.mx(&domain)), 8, &mut random);
    let wanted: Vec<Domain> = facts.wanted().cloned().collect();
    assert!(wanted.len() <= 8);
    facts.answer_all(wanted.iter().map(|name| (now(zone.a(name)), now(zone.aaaa(name)))));

    match facts.route(&policy, &mut random) {
        Ok(route) => {
            let attempts: Vec<IpAddr> = route.attempts().map(|(_, address)| address).collect();
            assert!(!attempts.is_empty() && attempts.len() <= policy.limits.addresses.max(1));
            assert_eq!(attempts.iter().collect::<HashSet<_>>().len(), attempts.len());
            assert!(route.tiers.windows(2).all(|pair| pair[0].preference < pair[1].preference));
            assert!(route.hosts().count() <= policy.limits.hosts.max(1));
            assert!(route.hosts().all(|host| !host.addresses.is_empty()));
            for address in attempts {
                assert!(!policy.own.has_address(address));
                match (policy.family, policy.rules) {
                    (FamilyPolicy::OnlyIpv6, _) => assert!(address.is_ipv6()),
                    (FamilyPolicy::OnlyIpv4, _) | (_, Rules::Rfc974) => assert!(address.is_ipv4()),
                    _ => {}
                }
            }
            assert_ne!(route.reach, Reach::None);
            assert!(!route.to_string().is_empty());
        }
        Err(failure) => {
            assert_eq!(failure.is_permanent(), failure.enhanced_code().starts_with('5'));
            assert!(!failure.to_string().is_empty());
        }
    }

    let answer = now(zone.srv(&domain));
    let records = answer.as_records();
    let order = srv::order(records, &mut random);
    assert_eq!(order.len(), records.len());
    assert!(order.windows(2).all(|pair| pair[0].priority <= pair[1].priority));
});
