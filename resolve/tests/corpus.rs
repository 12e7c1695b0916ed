//! Every rule of selection as a case of its own: `corpus/cases.txt` over `corpus/zone.txt`.

#![cfg(feature = "net")]

use std::collections::BTreeSet;

use mail46_resolve::{
    Destination, Facts, Failure, FamilyPolicy, Limits, Policy, Resolver, Route, Rules, Source,
    SpecialAddresses, Zone, seeded,
};

const ZONE: &str = include_str!("corpus/zone.txt");
const CASES: &str = include_str!("corpus/cases.txt");

#[tokio::test]
async fn the_corpus() {
    let resolver = Resolver::new(ZONE.parse::<Zone>().unwrap());
    let mut failed = Vec::new();
    let mut ids = BTreeSet::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with(';')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [id, domain, options, want, why] = columns.as_slice() else { panic!("five columns: {line}") };
        assert!(ids.insert(*id), "{id} stands twice");
        let policy = policy(options);
        // Whatever the random numbers, the outcome is the same but for the order in a tier.
        for seed in [0, 1, 7] {
            let mut random = seeded(seed);
            let route = match Destination::parse(domain) {
                Ok(to) => {
                    let facts: Facts = resolver.facts(&to, &mut random).await;
                    facts.route(&policy, random)
                }
                Err(failure) => Err(failure),
            };
            let got = match want.strip_prefix("* ") {
                Some(_) => shape(&route),
                None => text(&route),
            };
            if got != *want {
                failed.push(format!("{id} {domain} {options}\n  want {want}\n  got  {got}\n  {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ids.len() >= 120, "{} cases", ids.len());
}

fn policy(options: &str) -> Policy {
    let mut policy = Policy { limits: Limits::NONE, ..Policy::default() };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=').unwrap_or((option, "")) {
            ("v4", _) => policy.family = FamilyPolicy::OnlyIpv4,
            ("v6", _) => policy.family = FamilyPolicy::OnlyIpv6,
            ("dual4", _) => policy.family = FamilyPolicy::PreferIpv4,
            ("2821", _) => policy.rules = Rules::Rfc2821,
            ("974", _) => policy.rules = Rules::Rfc974,
            ("loopback", _) => policy.special = SpecialAddresses::LoopbackKept,
            ("limit", n) => policy.limits.addresses = n.parse().unwrap(),
            ("hosts", n) => policy.limits.hosts = n.parse().unwrap(),
            ("self", own) => match own.parse() {
                Ok(address) => policy.own.addresses.push(address),
                Err(_) => policy.own.names.push(own.parse().unwrap()),
            },
            _ => panic!("unknown option {option}"),
        }
    }
    policy
}

fn text(route: &Result<Route, Failure>) -> String {
    let route = match route {
        Ok(route) => route,
        Err(failure) => {
            assert_eq!(failure.is_permanent(), failure.enhanced_code().starts_with('5'));
            assert!(!failure.to_string().is_empty());
            return format!("{} {} {}", failure.class_name(), failure.enhanced_code(), failure.reach);
        }
    };
    let tiers: Vec<String> = route
        .tiers
        .iter()
        .map(|tier| {
            let mut hosts: Vec<String> = tier
                .hosts
                .iter()
                .map(|host| {
                    let addresses: Vec<_> = host.addresses.iter().map(ToString::to_string).collect();
                    let notes: String = host.notes.iter().map(|note| format!("[{note}]")).collect();
                    format!("{}={}{notes}", host.name, addresses.join(","))
                })
                .collect();
            hosts.sort();
            format!("{} {}", tier.preference, hosts.join(" "))
        })
        .collect();
    let source = match route.source {
        Source::Mx => "",
        Source::Implicit => "implicit ",
        Source::Literal => "literal ",
    };
    format!("{source}{} ; {}{}", tiers.join(" / "), route.reach, marks(route))
}

/// Of a route whose hosts depend on the random numbers: preference, and how many addresses of each family.
fn shape(route: &Result<Route, Failure>) -> String {
    let route = route.as_ref().unwrap();
    let tiers: Vec<String> = route
        .tiers
        .iter()
        .map(|tier| {
            let of = |v6: bool| {
                tier.hosts.iter().flat_map(|host| &host.addresses).filter(|ip| ip.is_ipv6() == v6).count()
            };
            format!("{} {} {}", tier.preference, of(true), of(false))
        })
        .collect();
    format!("* {} ; {}{}", tiers.join(" / "), route.reach, marks(route))
}

fn marks(route: &Route) -> String {
    let incomplete = if route.incomplete { " incomplete" } else { "" };
    let limited = if route.limited { " limited" } else { "" };
    format!("{incomplete}{limited}")
}
