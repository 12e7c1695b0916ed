//! RFC 8305 and HEv3 on simulated time. The words are those of `sim`: who starts when, who wins when.

mod sim;

use std::{num::NonZeroUsize, time::Duration};

use mail46_connect::{
    Action, Config, Family, FamilyPolicy, History, Ignored, LookupError, MAX_ATTEMPT_DELAY,
    MIN_ATTEMPT_DELAY, Mode, Nat64, Outcome, Pref64, Race, Target,
};
use sim::{World, destinations, dns, run, told};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A race to one name.
fn race(config: Config, answers: &str, net: &str) -> String {
    told(run(vec![Target::LookUp], config, &dns(answers).net(net)))
}

/// A race to hosts whose addresses are known: `6a,4a 6b`.
fn race_to(config: Config, hosts: &str, net: &str) -> String {
    let hosts = hosts.split(' ').map(|list| Target::Addresses(destinations(list))).collect();
    told(run(hosts, config, &World::default().net(net)))
}

#[test]
fn answers_and_the_resolution_delay() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("6@5=6a 4@5=4a", "6a:ok@3", "5:6a 6a@8", "both at once"),
        ("6@5=6a 4@400=4a", "6a:ok@3", "5:6a 6a@8", "AAAA first: nobody waits for A"),
        ("4@0=4a 6@40=6a", "6a:ok@3 4a:ok@3", "40:6a 6a@43", "AAAA late by 40 ms: IPv6"),
        ("4@0=4a 6@50=6a", "6a:ok@3 4a:ok@3", "50:6a 6a@53", "in the last moment"),
        ("4@0=4a 6@400=6a", "6a:ok@3 4a:ok@3", "50:4a 4a@53", "AAAA late by 400 ms: IPv4 at 50 ms"),
        ("4@0=4a", "4a:ok@3", "50:4a 4a@53", "AAAA never: IPv4 at 50 ms"),
        ("4@7=4a 6@9=nodata", "4a:ok@3", "9:4a 4a@12", "no AAAA: at once"),
        ("4@7=4a 6@9=nx", "4a:ok@3", "9:4a 4a@12", "an error is an answer (HEv3 s 4.2)"),
        ("4@7=4a 6@9=servfail", "4a:ok@3", "9:4a 4a@12", "an error is an answer"),
        ("4@0=nodata 6@90=6a", "6a:ok@3", "90:6a 6a@93", "only AAAA"),
        ("4@0=nodata 6@20=nodata", "", "NoAddress@20", "neither"),
        ("4@0=nx 6@0=nx", "", "NoAddress@0", "no such name"),
        ("4@0=servfail 6@20=nodata", "", "Lookup@20", "a temporary failure is no proof that there is none"),
        ("4@0=nodata 6@20=servfail", "", "Lookup@20", "the same for AAAA"),
        ("6@0=6a 4@9=servfail", "6a:rst@1", "0:6a AllFailed@9", "ends when the last answer is here"),
        ("4@9=", "", "Deadline@30000", "AAAA never, and no A"),
        ("", "", "Deadline@30000", "no answer at all"),
    ];
    for (answers, net, want, shows) in rows {
        assert_eq!(race(Config::new(), answers, net), *want, "{shows}: {answers}; {net}");
    }
}

#[test]
fn the_other_way_round_for_ipv4_first() {
    let config = || Config::new().policy(FamilyPolicy::PreferIpv4);
    let rows: &[(&str, &str, &str, &str)] = &[
        ("6@0=6a 4@40=4a", "6a:ok@3 4a:ok@3", "40:4a 4a@43", "A late by 40 ms"),
        ("6@0=6a 4@400=4a", "6a:ok@3", "50:6a 6a@53", "A late by 400 ms"),
        ("6@0=6a,6b 4@0=4a,4b", "", "0:4a 250:6a 500:4b 750:6b Deadline@30000", "interleaved"),
    ];
    for (answers, net, want, shows) in rows {
        assert_eq!(race(config(), answers, net), *want, "{shows}");
    }
}

#[test]
fn attempts() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("6a,4a", "6a:ok@249 4a:ok@3", "0:6a 6a@249", "slow, but in time"),
        ("6a,4a", "6a:ok@300 4a:ok@30", "0:6a 250:4a 4a@280", "slow: IPv4 beside it"),
        ("6a,4a", "6a:ok@260 4a:ok@30", "0:6a 250:4a 6a@260", "the delay starts the next, it ends nobody"),
        ("6a,4a", "6a:rst@1 4a:ok@3", "0:6a 1:4a 4a@4", "RST: the next at once"),
        ("6a,4a", "4a:ok@3", "0:6a 250:4a 4a@253", "a black hole"),
        ("6a,6b,4a", "4a:ok@3", "0:6a 250:4a 4a@253", "two black holes cost as much as one"),
        ("4a,6a,6b,4b,6c", "6c:ok@3", "0:6a 250:4a 500:6b 750:4b 1000:6c 6c@1003", "all by turns"),
        ("6a,4a,4b", "4a:rst@1 4b:ok@3", "0:6a 250:4a 251:4b 4b@254", "a black hole, then RST"),
        ("6a,4a,6b", "6a:rst@260 6b:ok@3", "0:6a 250:4a 260:6b 6b@263", "an old one fails: the next at once"),
        ("6a,4a,6b", "6a:rst@260 4a:rst@10 6b:ok@3", "0:6a 250:4a 260:6b 6b@263", "two fail: one starts"),
        ("6a,4a", "6a:rst@1 4a:rst@1", "0:6a 1:4a AllFailed@2", "both dead: fails at once"),
        ("6a,4a", "6a:rst@400 4a:rst@10", "0:6a 250:4a AllFailed@400", "ends with the last"),
        ("6a,6a,4a,6a", "4a:ok@3", "0:6a 250:4a 4a@253", "no address twice"),
        ("6a,::ffff:192.0.2.10,4a", "4a:ok@3", "0:6a 250:4a 4a@253", "nor in two forms"),
        ("6a<-,4a", "4a:ok@3", "0:4a 4a@3", "RFC 6724 rule 1: no route is last"),
        ("6a<-,4a,4b", "4b:ok@3", "0:4a 250:4b 4b@253", "and costs no turn"),
        ("", "", "NoAddress@0", "nothing given"),
        (
            "::,0.0.0.0,ff02::1,224.0.0.1,255.255.255.255,fe80::1",
            "",
            "NoUsableAddress@0",
            "nobody can be there",
        ),
    ];
    for (hosts, net, want, shows) in rows {
        assert_eq!(race_to(Config::new(), hosts, net), *want, "{shows}: {hosts}; {net}");
    }
}

#[test]
fn late_answers_are_woven_in() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("4@0=4a,4b 6@100=6a", "6a:ok@3", "50:4a 300:6a 6a@303", "IPv6 comes next"),
        ("6@0=6a,6b,6c 4@100=4a", "4a:ok@3", "0:6a 250:4a 4a@253", "HEv3 s 7: IPv4 before more of IPv6"),
        ("4@0=4a 6@100=6a", "4a:rst@10 6a:ok@3", "50:4a 100:6a 6a@103", "all had failed: at once"),
        ("4@0=4a 6@400=6a", "6a:ok@3", "50:4a 400:6a 6a@403", "the delay is over: at once"),
        ("6@0=6a 6@100=6b 4@0=nodata", "6b:ok@3", "0:6a 250:6b 6b@253", "a second answer adds"),
        ("6@0=6a,6b 6@100=6c 4@0=nodata", "6c:ok@3", "0:6a 250:6c 6c@253", "and takes away what is gone"),
        ("6@0=6a 6@100=nx 4@0=nodata", "6a:ok@200", "0:6a 6a@200", "but not what runs"),
    ];
    for (answers, net, want, shows) in rows {
        assert_eq!(race(Config::new(), answers, net), *want, "{shows}: {answers}; {net}");
    }
}

#[test]
fn values_that_can_be_configured() {
    let two = NonZeroUsize::new(2).unwrap();
    let rows: Vec<(Config, &str, &str, &str, &str)> = vec![
        (
            Config::new().first_family_count(two),
            "6a,6b,6c,4a,4b",
            "",
            "0:6a 250:6b 500:4a 750:6c 1000:4b Deadline@30000",
            "First Address Family Count",
        ),
        (Config::new().attempt_delay(millis(500)), "6a,4a", "4a:ok@3", "0:6a 500:4a 4a@503", "Attempt Delay"),
        (Config::new().attempt_delay(millis(1)), "6a,4a", "4a:ok@3", "0:6a 100:4a 4a@103", "its minimum"),
        (
            Config::new().attempt_delay(millis(60_000)),
            "6a,4a",
            "4a:ok@3",
            "0:6a 2000:4a 4a@2003",
            "its maximum",
        ),
        (Config::new().deadline(Some(millis(300))), "6a,4a", "", "0:6a 250:4a Deadline@300", "the deadline"),
        (
            Config::new().deadline(None).attempt_timeout(Some(millis(1000))),
            "6a,4a",
            "",
            "0:6a 250:4a AllFailed@1250",
            "a timeout for each",
        ),
        (
            Config::new().attempt_timeout(Some(millis(100))),
            "6a,4a",
            "4a:ok@3",
            "0:6a 100:4a 4a@103",
            "its end is a failure: the next at once",
        ),
        (
            Config::new().policy(FamilyPolicy::OnlyIpv6).nat64(Nat64::Off),
            "4a,6a",
            "4a:ok@3",
            "0:6a Deadline@30000",
            "",
        ),
        (Config::new().policy(FamilyPolicy::OnlyIpv4), "4a,6a", "6a:ok@3", "0:4a Deadline@30000", ""),
        (
            Config::new().policy(FamilyPolicy::OnlyIpv4),
            "6a",
            "6a:ok@3",
            "NoUsableAddress@0",
            "the other family",
        ),
    ];
    for (config, hosts, net, want, shows) in rows {
        assert_eq!(race_to(config, hosts, net), want, "{shows}: {hosts}; {net}");
    }
    assert_eq!((MIN_ATTEMPT_DELAY, MAX_ATTEMPT_DELAY), (millis(100), millis(2000)));
}

#[test]
fn only_what_is_of_use_is_asked() {
    let known = Nat64::Known(vec![Pref64::WELL_KNOWN]);
    let rows = [
        (Config::new(), vec![(0, Family::V6), (0, Family::V4)]), // RFC 8305 s 3: AAAA first
        (Config::new().policy(FamilyPolicy::PreferIpv4), vec![(0, Family::V6), (0, Family::V4)]),
        (Config::new().policy(FamilyPolicy::OnlyIpv6), vec![(0, Family::V6)]),
        (Config::new().policy(FamilyPolicy::OnlyIpv4), vec![(0, Family::V4)]),
        // HEv3 s 8.1: with a prefix A is asked always
        (Config::new().policy(FamilyPolicy::OnlyIpv6).nat64(known), vec![(0, Family::V6), (0, Family::V4)]),
    ];
    for (config, want) in rows {
        let ran = run(vec![Target::LookUp], config.clone(), &dns("")).unwrap();
        assert_eq!(ran.lookups, want, "{config:?}");
    }
}

#[test]
fn one_default_route_needs_no_wait_for_the_other_family() {
    let v4_only = Config::new().default_route(Some(Family::V4));
    assert_eq!(race(v4_only, "4@0=4a", "4a:ok@3"), "0:4a 4a@3");
    let v6_only = Config::new().policy(FamilyPolicy::PreferIpv4).default_route(Some(Family::V6));
    assert_eq!(race(v6_only, "6@0=6a", "6a:ok@3"), "0:6a 6a@3");
    let forbidden = Config::new().policy(FamilyPolicy::OnlyIpv6).default_route(Some(Family::V4));
    assert_eq!(race(forbidden, "6@10=6a", "6a:ok@3"), "10:6a 6a@13");
}

#[test]
fn success_that_is_more_than_tcp() {
    let rows: &[(&str, &str, &str)] = &[
        ("6a:tcp@3 4a:tcp@3,ok@6", "0:6a 253:4a 4a@259", "accepts and never speaks: loses"),
        ("6a:tcp@100,ok@320 4a:ok@3", "0:6a 6a@320", "is on its way: IPv4 waits longer"),
        ("6a:tcp@240,tcp@480,ok@700 4a:ok@3", "0:6a 6a@700", "each step extends"),
        ("6a:tcp@240,tcp@700 4a:ok@3", "0:6a 1180:4a 4a@1183", "240 twice behind the last step"),
        ("6a:tcp@200,tcp@601,tcp@1500 4a:ok@3", "0:6a 600:4a 4a@603", "stops to make progress"),
        ("6a:tcp@3,rst@9 4a:ok@3", "0:6a 9:4a 4a@12", "fails behind its progress: the next at once"),
    ];
    for (net, want, shows) in rows {
        assert_eq!(race_to(Config::new(), "6a,4a", net), *want, "{shows}: {net}");
    }
    // A server that says a word each 200 ms for ever holds the next one back for the maximal delay, not longer.
    let drip = (1..50).map(|n| format!("tcp@{}", n * 200)).collect::<Vec<_>>().join(",");
    assert_eq!(race_to(Config::new(), "6a,4a", &format!("6a:{drip} 4a:ok@3")), "0:6a 2000:4a 4a@2003");
}

#[test]
fn several_hosts() {
    let rows: &[(Mode, &str, &str, &str, &str)] = &[
        (
            Mode::Race,
            "6a,4a 6b",
            "",
            "0:6a 250:4a 500:6b Deadline@30000",
            "as one list, the first host's first",
        ),
        (Mode::RaceWithinHost, "6a,4a 6b", "", "0:6a 250:4a Deadline@30000", "the second waits for the end"),
        (
            Mode::RaceWithinHost,
            "6a,4a 6b,4b",
            "6a:rst@400 4a:rst@1 4b:ok@3",
            "0:6a 250:4a 400:6b 650:4b 4b@653",
            "and has its turn then",
        ),
        (Mode::Sequential, "6a,4a 6b", "", "0:6a Deadline@30000", "one at a time"),
        (
            Mode::Sequential,
            "4a,6a,6c 6b,4b",
            "6a:rst@900 4a:rst@5 6c:rst@5 6b:ok@7",
            "0:6a 900:4a 905:6c 910:6b 6b@917",
            "families by turns inside a host, hosts in order",
        ),
        (Mode::Sequential, "6a 6a,4a", "6a:rst@1 4a:ok@1", "0:6a 1:4a 4a@2", "an address of two hosts once"),
        (Mode::Race, "  6a", "6a:ok@1", "0:6a 6a@1", "hosts without an address"),
    ];
    for (mode, hosts, net, want, shows) in rows {
        assert_eq!(race_to(Config::new().mode(*mode), hosts, net), *want, "{shows}: {hosts}; {net}");
    }
    assert_eq!(
        race_to(Config::relay(), "6a,4a 6b", "6b:ok@9"),
        "0:6a 30000:4a 60000:6b 6b@60009",
        "a relay: thirty seconds each"
    );
}

#[test]
fn several_names() {
    let run = |mode, answers: &str, net: &str| {
        told(run(vec![Target::LookUp, Target::LookUp], Config::new().mode(mode), &dns(answers).net(net)))
    };
    let rows: &[(Mode, &str, &str, &str, &str)] = &[
        (
            Mode::Race,
            "0:6@0=6a 0:4@0=4a 1:6@0=6b 1:4@0=4b",
            "4b:ok@1",
            "0:6a 250:4a 500:6b 750:4b 4b@751",
            "",
        ),
        (
            Mode::Sequential,
            "0:6@90=6a 0:4@90=nx 1:6@0=6b 1:4@0=nx",
            "6b:ok@1",
            "0:6b 6b@1",
            "nobody waits for a name",
        ),
        (
            Mode::RaceWithinHost,
            "0:4@0=4a 0:6@400=6a 1:6@0=6b 1:4@0=nx",
            "6a:ok@1",
            "0:6b 250:4a 500:6a 6a@501",
            "the first host's turn comes with its answer, the delay kept",
        ),
        (
            Mode::Sequential,
            "0:6@0=nx 0:4@0=nx 1:6@0=6a 1:4@0=servfail",
            "6a:rst@1",
            "0:6a AllFailed@1",
            "all answers are in",
        ),
        (
            Mode::Race,
            "0:6@0=6a 1:6@0=6a 0:4@0=nx 1:4@0=nx",
            "6a:rst@1",
            "0:6a AllFailed@1",
            "an address once",
        ),
    ];
    for (mode, answers, net, want, shows) in rows {
        assert_eq!(run(*mode, answers, net), *want, "{shows}: {answers}; {net}");
    }
}

#[test]
fn ipv4_literals_and_names_on_a_network_with_nat64() {
    let wkp = vec!["64:ff9b::192.0.0.170".parse().unwrap(), "64:ff9b::192.0.0.171".parse().unwrap()];
    let two = vec!["2001:db8:64::192.0.0.170".parse().unwrap(), wkp[0]];
    let v6only = || Config::new().policy(FamilyPolicy::OnlyIpv6);
    let known = |config: Config| config.nat64(Nat64::Known(vec![Pref64::WELL_KNOWN]));
    let literal = |config, list: &str, pref64: Option<(u64, Vec<_>)>, net: &str| {
        let world = World { pref64, ..World::default() }.net(net);
        told(run(vec![Target::Addresses(destinations(list))], config, &world))
    };
    let rows: Vec<(Config, &str, Option<(u64, Vec<_>)>, &str, &str)> = vec![
        (
            Config::new(),
            "4a<-",
            Some((20, wkp.clone())),
            "20:64:ff9b::c000:20a 64:ff9b::c000:20a@21",
            "discovered",
        ),
        (v6only(), "4a", Some((20, wkp.clone())), "20:64:ff9b::c000:20a 64:ff9b::c000:20a@21", "IPv6 only"),
        (known(v6only()), "4a", None, "0:64:ff9b::c000:20a 64:ff9b::c000:20a@1", "known"),
        (Config::new(), "4a", Some((20, wkp.clone())), "0:4a 4a@1", "there is a route: IPv4 as it is"),
        (Config::new(), "4a<-", Some((20, vec![])), "20:4a 4a@21", "no translator: IPv4 all the same"),
        (v6only(), "4a", Some((20, vec![])), "NoUsableAddress@20", "no translator, and IPv4 is not allowed"),
        (
            Config::new().policy(FamilyPolicy::OnlyIpv4),
            "4a<-",
            Some((20, wkp.clone())),
            "0:4a 4a@1",
            "IPv4 alone is not for IPv6 in disguise",
        ),
        (v6only().nat64(Nat64::Off), "4a", Some((20, wkp.clone())), "NoUsableAddress@0", "off"),
        (Config::new(), "4a<-", None, "Deadline@30000", "the prefixes never come"),
        (
            Config::new(),
            "4a<-",
            Some((20, two)),
            "20:2001:db8:64::c000:20a 270:64:ff9b::c000:20a 64:ff9b::c000:20a@271",
            "RFC 7050 s 3: all prefixes, in their order",
        ),
        (
            known(Config::new()),
            "10.0.0.1<-",
            None,
            "0:10.0.0.1 10.0.0.1@1",
            "RFC 6052 s 3.1: not a private one",
        ),
        (known(v6only()), "127.0.0.1", None, "NoUsableAddress@0", "nor this host"),
        (
            Config::new(),
            "6a,4a<-",
            Some((20, wkp)),
            "0:6a 250:64:ff9b::c000:20a 64:ff9b::c000:20a@251",
            "woven in",
        ),
    ];
    let net = "64:ff9b::c000:20a:ok@1 4a:ok@1 10.0.0.1:ok@1";
    for (config, list, pref64, want, shows) in rows {
        assert_eq!(literal(config, list, pref64, net), want, "{shows}");
    }
    // HEv3 s 8.2: what a DNS64 made is IPv4, and comes behind what is IPv6 indeed; with A it is the same address.
    let answers = "6@0=64:ff9b::c000:20a,6a 4@0=4a";
    assert_eq!(
        race(known(Config::new()), answers, "4a:ok@1"),
        "0:6a 250:4a 4a@251",
        "with a route IPv4 needs no translator"
    );
    assert_eq!(
        race(Config::new(), answers, "6a:ok@1"),
        "0:64:ff9b::c000:20a 250:4a 500:6a 6a@501",
        "without a known prefix it is an IPv6 address like any other"
    );
}

#[test]
fn what_failed_lately_comes_last() {
    let mut list = destinations("6a,6b,4a");
    list[0].history = History::FailedLately;
    let ran = run(vec![Target::Addresses(list)], Config::new(), &World::default());
    assert_eq!(told(ran), "0:6b 250:4a 500:6a Deadline@30000");
}

#[test]
fn the_log_tells_it_all() {
    let world = dns("4@0=4a,224.0.0.1 6@10=6a").net("6a:rst@1 4a:ok@300");
    let config = Config::new().attempt_timeout(Some(millis(5000)));
    let ran = run(vec![Target::LookUp], config, &world).unwrap();
    let text = ran.log.to_string();
    let want = "      0.0 ms  look up AAAA: 1 at 10.0 ms
      0.0 ms  look up A: 2 at 0.0 ms
     10.0 ms  try [2001:db8::a]:25: refused at 11.0 ms
     11.0 ms  try 192.0.2.10:25: connected at 311.0 ms
              leave 224.0.0.1: no unicast address
";
    assert_eq!(text, want);
    assert_eq!(ran.log.ignored, [(sim::address("224.0.0.1"), Ignored::NotUnicast)]);

    let ran = run(vec![Target::LookUp], Config::new(), &dns("4@0=4a 6@400=nx").net("4a:ok@900")).unwrap();
    assert_eq!(ran.log.lookups[0].answer, Some(Err(LookupError::NxDomain)));
    assert_eq!(ran.log.attempts[0].outcome, Outcome::Succeeded);
    let ran = run(vec![Target::LookUp], Config::new(), &dns("6@0=6a 4@0=4a").net("4a:ok@1")).unwrap();
    let ended = ran.log.attempts[0].ended.unwrap() - ran.start;
    assert_eq!((&ran.log.attempts[0].outcome, ended), (&Outcome::Cancelled, millis(251)));
}

#[test]
fn a_flood_of_addresses_is_cut_and_keeps_both_families() {
    let flood: Vec<String> = (0..200).map(|n| format!("2001:db8:1::{n:x}")).collect();
    let answers = format!("6@0={} 4@0=4a,4b", flood.join(","));
    let ran = run(
        vec![Target::LookUp],
        Config::new().deadline(None).attempt_timeout(Some(millis(1))),
        &dns(&answers),
    );
    let log = ran.unwrap().log;
    assert_eq!(log.attempts.len(), mail46_connect::ADDRESSES + 2);
    assert!(log.attempts[1].address.is_ipv4() && log.attempts[3].address.is_ipv4());
    assert_eq!(log.ignored.len(), 200 - mail46_connect::ADDRESSES);
}

#[test]
fn an_address_of_two_hosts_is_tried_once_by_whatever_way() {
    // Found by fuzzing: the second host had the address behind the translator, then as it is.
    let world =
        dns("0:4@0=4a 0:6@0=nx 1:6@0=64:ff9b::c000:20a 1:4@9=4a").net("4a:rst@1 64:ff9b::c000:20a:rst@1");
    let config = Config::new().policy(FamilyPolicy::PreferIpv4).nat64(Nat64::Known(vec![Pref64::WELL_KNOWN]));
    let ran = told(run(vec![Target::LookUp, Target::LookUp], config, &world));
    assert_eq!(ran, "0:4a 9:64:ff9b::c000:20a AllFailed@10");
}

#[test]
fn a_failure_calls_for_the_next_whoever_makes_progress_then() {
    for failure_first in [true, false] {
        let start = std::time::Instant::now();
        let target = Target::Addresses(destinations("6a,4a,6b"));
        let mut race: Race<&str> = Race::new([target], Config::new(), start);
        let started = |race: &mut Race<&str>, at: u64| match race.poll(start + millis(at)) {
            Some(Action::Start { id, .. }) => Some(id),
            other => panic!("{at}: {other:?}"),
        };
        let (first, second) = (started(&mut race, 0).unwrap(), started(&mut race, 250).unwrap());
        let now = start + millis(300);
        if failure_first {
            race.failed(first, "refused", now);
        }
        race.progressed(second, now);
        if !failure_first {
            race.failed(first, "refused", now);
        }
        assert_eq!(race.poll_timeout(), Some(start), "failure first: {failure_first}");
        assert!(started(&mut race, 300).is_some());
        // And the one after it has its delay again.
        assert!(race.poll(now + millis(1)).is_none());
    }
}
