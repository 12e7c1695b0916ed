//! Destination address selection: the examples of RFC 6724 s 10, and what a connector adds.

use std::net::{IpAddr, SocketAddr};

use mail46_connect::{
    Destination, Facts, FamilyPolicy, History, Lifetime, Mobility, PolicyTable, Source, Transport,
};
use proptest::prelude::*;

fn to(ip: &str) -> Destination {
    SocketAddr::new(ip.parse().unwrap(), 25).into()
}

/// `2001:db8::1<2001:db8::2!home`: to the first from the second, which is a home address; `<-` is unreachable, none is
/// unknown.
fn row(text: &str) -> Destination {
    let mut words = text.split('!');
    let mut facts = Facts::default();
    let plain = sourced(words.next().unwrap());
    for word in words {
        match word {
            "deprecated" => facts.lifetime = Lifetime::Deprecated,
            "home" => facts.mobility = Mobility::Home,
            "care-of" => facts.mobility = Mobility::CareOf,
            "at-home" => facts.mobility = Mobility::HomeAndCareOf,
            "tunnel" => facts.transport = Transport::Encapsulated,
            other => panic!("{other}"),
        }
    }
    plain.with_facts(facts)
}

fn sourced(text: &str) -> Destination {
    match text.split_once('<') {
        None => to(text),
        Some((ip, "-")) => to(ip).with_source(Source::Unreachable),
        Some((ip, from)) => to(ip).with_source(Source::Address(from.parse().unwrap())),
    }
}

fn sorted(table: &PolicyTable, list: &str) -> String {
    let mut list: Vec<Destination> = list.split(' ').map(row).collect();
    table.sort(&mut list);
    list.iter().map(|it| it.address.ip().to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn rfc_6724_section_10() {
    let default = PolicyTable::default();
    let v4_first = PolicyTable::new(FamilyPolicy::PreferIpv4);
    let row = |table: &PolicyTable, network: &str, precedence, label| {
        table.clone().with_row(network.parse().unwrap(), precedence, label)
    };
    let global_first = row(&default, "[fe80::]/10", 33, 1);
    let sites = row(&row(&default, "[2001:db8:1aaa::]/48", 43, 6), "[2001:db8:1bbb::]/48", 43, 6);
    let ula = row(&default, "[fd11:1111:1111::]/48", 45, 14);
    let six_to_four = row(&default, "[2002:c633:6401::]/48", 45, 14);
    let rows: &[(&PolicyTable, &str, &str, &str)] = &[
        // 10.2
        (
            &default,
            "198.51.100.121<169.254.13.78 2001:db8:1::1<2001:db8:1::2",
            "2001:db8:1::1 198.51.100.121",
            "10.2, matching scope",
        ),
        (
            &default,
            "2001:db8:1::1<fe80::1 198.51.100.121<198.51.100.117",
            "198.51.100.121 2001:db8:1::1",
            "10.2, matching scope",
        ),
        (
            &default,
            "10.1.2.3<10.1.2.4 2001:db8:1::1<2001:db8:1::2",
            "2001:db8:1::1 10.1.2.3",
            "10.2, higher precedence",
        ),
        (
            &default,
            "2001:db8:1::1<2001:db8:1::2 fe80::1<fe80::2",
            "fe80::1 2001:db8:1::1",
            "10.2, smaller scope",
        ),
        (
            &default,
            "2001:db8:1::1<2001:db8:3::1!home fe80::1<fe80::2!care-of",
            "2001:db8:1::1 fe80::1",
            "10.2, home address",
        ),
        (
            &default,
            "fe80::1<fe80::2!care-of 2001:db8:1::1<2001:db8:3::1!home",
            "2001:db8:1::1 fe80::1",
            "10.2, home address, the other way round",
        ),
        (
            &default,
            "2001:db8:1::1<2001:db8:1::2 fe80::1<fe80::2!deprecated",
            "2001:db8:1::1 fe80::1",
            "10.2, deprecated addresses",
        ),
        (
            &default,
            "fe80::1<fe80::2!deprecated 2001:db8:1::1<2001:db8:1::2",
            "2001:db8:1::1 fe80::1",
            "10.2, deprecated addresses, the other way round",
        ),
        (
            &default,
            "2001:db8:3ffe::1<2001:db8:3f44::2 2001:db8:1::1<2001:db8:1::2",
            "2001:db8:1::1 2001:db8:3ffe::1",
            "10.2, longest matching prefix",
        ),
        (
            &default,
            "2001:db8:1::1<2002:c633:6401::2 2002:c633:6401::1<2002:c633:6401::2",
            "2002:c633:6401::1 2001:db8:1::1",
            "10.2, matching label",
        ),
        (
            &default,
            "2002:c633:6401::1<2002:c633:6401::2 2001:db8:1::1<2001:db8:1::2",
            "2001:db8:1::1 2002:c633:6401::1",
            "10.2, higher precedence",
        ),
        // 10.3
        (
            &v4_first,
            "198.51.100.121<169.254.13.78 2001:db8::1<2001:db8::2",
            "2001:db8::1 198.51.100.121",
            "10.3, unchanged: matching scope",
        ),
        (
            &v4_first,
            "2001:db8::1<fe80::1 198.51.100.121<198.51.100.117",
            "198.51.100.121 2001:db8::1",
            "10.3, unchanged: matching scope",
        ),
        (
            &v4_first,
            "2001:db8::1<2001:db8::2 10.1.2.3<10.1.2.4",
            "10.1.2.3 2001:db8::1",
            "10.3, higher precedence",
        ),
        // 10.4
        (
            &global_first,
            "fe80::1<fe80::2 2001:db8::1<2001:db8::2",
            "2001:db8::1 fe80::1",
            "10.4, higher precedence",
        ),
        // 10.5
        (
            &default,
            "2001:db8:1bbb::b<2001:db8:1aaa::a 2001:db8:70bb::b<2001:db8:70aa::a",
            "2001:db8:70bb::b 2001:db8:1bbb::b",
            "10.5, longest matching prefix",
        ),
        (
            &sites,
            "2001:db8:70bb::b<2001:db8:70aa::a 2001:db8:1bbb::b<2001:db8:1aaa::a",
            "2001:db8:1bbb::b 2001:db8:70bb::b",
            "10.5, a row for the site",
        ),
        // 10.6
        (
            &default,
            "fd22:2222:2222:2::2<fd11:1111:1111:1::1 2001:db8:2::2<2001:db8:1::1",
            "2001:db8:2::2 fd22:2222:2222:2::2",
            "10.6, a foreign site's unique local address",
        ),
        (
            &ula,
            "fd22:2222:2222:2::2<fd11:1111:1111:1::1 2001:db8:2::2<2001:db8:1::1",
            "2001:db8:2::2 fd22:2222:2222:2::2",
            "10.6, unchanged",
        ),
        (
            &ula,
            "2001:db8:2::2<2001:db8:1::1 fd11:1111:1111:2::2<fd11:1111:1111:1::1",
            "fd11:1111:1111:2::2 2001:db8:2::2",
            "10.6, our own site's",
        ),
        // 10.7
        (
            &default,
            "2002:c633:6401:2::2<2002:c633:6401:1::1 2001:db8:2::2<2001:db8:1::1",
            "2001:db8:2::2 2002:c633:6401:2::2",
            "10.7, by default",
        ),
        (
            &six_to_four,
            "2001:db8:2::2<2001:db8:1::1 2002:c633:6401:2::2<2002:c633:6401:1::1",
            "2002:c633:6401:2::2 2001:db8:2::2",
            "10.7, a row for the site",
        ),
    ];
    for (table, list, want, shows) in rows {
        assert_eq!(sorted(table, list), *want, "{shows}");
    }
}

/// Each rule against all that come after it: the first of a row is better by this rule, and worse by each later one that the
/// row can hold; both orders are tried.
#[test]
fn each_rule_in_its_order() {
    let default = PolicyTable::default();
    let rows: &[(u8, &str, &str)] = &[
        (1, "192.0.2.1<169.254.0.2!deprecated!tunnel", "2001:db8::1<-"),
        (2, "192.0.2.1<192.0.2.2!deprecated!tunnel", "2001:db8::1<fe80::2"),
        (3, "192.0.2.1<192.0.2.2!care-of", "2001:db8::1<2001:db8::2!deprecated!home"),
        (3, "192.0.2.1<192.0.2.2!tunnel", "2001:db8::1<2001:db8::2!deprecated"),
        (4, "192.0.2.1<192.0.2.2!home", "2001:db8::1<2001:db8::2!care-of"),
        (4, "192.0.2.1<192.0.2.2!at-home", "2001:db8::1<2001:db8::2!home"),
        (4, "192.0.2.1<192.0.2.2!at-home", "2001:db8::1<2001:db8::2"),
        (4, "2001:db8::1<2002::2!home", "2001:db8::2<2001:db8::3!care-of"),
        (5, "192.0.2.1<192.0.2.2!tunnel", "2001:db8::1<2002:c000:201::2"),
        (6, "2001:db8::1<2001:db8::2!tunnel", "192.0.2.1<192.0.2.2"),
        (7, "2001:db8:1::1<2001:db8:ffff::2", "2001:db8:2::1<2001:db8:2::2!tunnel"),
        (7, "2001:db8:1::1<2001:db8:1::2", "fe80::1<fe80::2!tunnel"),
        (8, "fe80::1<fe80:8000::2", "2001:db8:1::1<2001:db8:1::2"),
        (9, "2001:db8:1::1<2001:db8:1::2", "2001:db8:2::1<2001:db8:3::2"),
    ];
    for (rule, better, worse) in rows {
        let first = row(better).address.ip().to_string();
        for list in [format!("{better} {worse}"), format!("{worse} {better}")] {
            let order = sorted(&default, &list);
            assert_eq!(order.split(' ').next().unwrap(), first, "rule {rule}: {list}");
        }
    }
    // Rule 10: what no rule tells apart keeps its place. Of mobility, nobody is said to be worse than nothing known.
    for pair in [
        ["2001:db8::9<2001:db8::2", "2001:db8::1<2001:db8::2"],
        ["2001:db8::9<2001:db8::2!home", "2001:db8::1<2001:db8::2!home"],
        ["2001:db8::9<2001:db8::2", "2001:db8::1<2001:db8::2!home"],
        ["2001:db8::9<2001:db8::2!care-of", "2001:db8::1<2001:db8::2"],
        ["2001:db8::9<2001:db8::2!tunnel", "2001:db8::1<2001:db8::2!tunnel"],
    ] {
        for list in [pair.join(" "), [pair[1], pair[0]].join(" ")] {
            let as_given: Vec<String> = list.split(' ').map(|it| row(it).address.ip().to_string()).collect();
            assert_eq!(sorted(&default, &list), as_given.join(" "), "rule 10: {list}");
        }
    }
}

#[test]
fn beyond_the_examples() {
    let default = PolicyTable::default();
    let rows: &[(&str, &str, &str)] = &[
        ("192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1", "nobody asked for sources: precedence decides"),
        ("2001:db8::1<- 192.0.2.1<192.0.2.2", "192.0.2.1 2001:db8::1", "rule 1: no route"),
        ("2001:db8::1<- 192.0.2.1<-", "2001:db8::1 192.0.2.1", "no route for either"),
        ("192.0.2.9<192.0.2.8 192.0.2.1<192.0.2.8", "192.0.2.9 192.0.2.1", "rule 9 leaves the order of IPv4"),
        ("2001:db8::9<2001:db8::8 2001:db8::1<2001:db8::8", "2001:db8::9 2001:db8::1", "nor beyond 64 bits"),
        ("127.0.0.1<127.0.0.1 ::1<::1", "::1 127.0.0.1", "loopback"),
        (
            "2001:db8::1<fd00::2 192.0.2.1<192.0.2.2",
            "192.0.2.1 2001:db8::1",
            "rule 5: IPv6 of a lab without a way out",
        ),
        (
            "192.0.2.1<192.0.2.2 fd00::1<fd00::2",
            "fd00::1 192.0.2.1",
            "s 2.1, 10.6: our own site, without a row",
        ),
        ("fd00::1<fd01::2 192.0.2.1<192.0.2.2", "192.0.2.1 fd00::1", "another site"),
        ("::ffff:192.0.2.1 2001:db8::1", "2001:db8::1 ::ffff:192.0.2.1", "mapped is IPv4"),
    ];
    for (list, want, shows) in rows {
        assert_eq!(sorted(&default, list), *want, "{shows}");
    }
}

#[test]
fn what_failed_lately_is_last() {
    let mut list =
        [to("2001:db8::1").with_history(History::FailedLately), to("2001:db8::2"), to("192.0.2.1")];
    PolicyTable::default().sort(&mut list);
    let order = list.map(|it| it.address.ip().to_string());
    assert_eq!(order, ["2001:db8::2", "192.0.2.1", "2001:db8::1"]);
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    let v6 =
        |prefix: u128| any::<u16>().prop_map(move |low| IpAddr::V6((prefix << 112 | u128::from(low)).into()));
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
        v6(0x2001),
        v6(0x2002),
        v6(0xfd00),
        v6(0xfe80),
        v6(0),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (0..16_u8).prop_map(|bits| {
        let mut facts = Facts::default();
        facts.lifetime = if bits & 8 == 0 { Lifetime::Preferred } else { Lifetime::Deprecated };
        facts.transport = if bits & 4 == 0 { Transport::Native } else { Transport::Encapsulated };
        let all = [Mobility::None, Mobility::CareOf, Mobility::Home, Mobility::HomeAndCareOf];
        facts.mobility = all[usize::from(bits & 3)];
        facts
    })
}

proptest! {
    #[test]
    fn sorting_is_a_stable_permutation(
        list in prop::collection::vec((any_ip(), prop::option::of(any_ip()), any_facts()), 0..20), v4: bool,
    ) {
        let table = PolicyTable::new(if v4 { FamilyPolicy::PreferIpv4 } else { FamilyPolicy::PreferIpv6 });
        let numbered = list.iter().enumerate().map(|(port, (ip, source, facts))| {
            let source = source.map_or(Source::Unknown, Source::Address);
            Destination::from(SocketAddr::new(*ip, port as u16)).with_source(source).with_facts(*facts)
        });
        let mut once: Vec<Destination> = numbered.collect();
        table.sort(&mut once);
        let mut ports: Vec<u16> = once.iter().map(|it| it.address.port()).collect();
        let mut twice = once.clone();
        table.sort(&mut twice);
        prop_assert_eq!(&twice, &once, "sorted stays sorted");
        ports.sort_unstable();
        prop_assert!(ports.into_iter().eq(0..list.len() as u16), "none lost, none twice");
    }
}
