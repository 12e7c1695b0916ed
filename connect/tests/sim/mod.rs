//! A network and a resolver that exist on paper, with a clock that jumps to the next event.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use mail46_connect::{
    Action, AttemptId, Config, Destination, Failure, Family, Log, LookupError, Outcome, Race, Source, Target,
};

/// What will happen, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// When which answer comes.
    pub answers: Vec<(u64, usize, Family, Result<Vec<Destination>, LookupError>)>,
    /// When the NAT64 prefixes come, once asked.
    pub pref64: Option<(u64, Vec<Ipv6Addr>)>,
    /// What an attempt at this address does, counted from its start; nothing if it is not here.
    pub hosts: Vec<(SocketAddr, Vec<(u64, Does)>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Progress,
    Succeed,
    Fail,
}

#[derive(Clone, Debug)]
enum Event {
    Answer(usize, Family, Result<Vec<Destination>, LookupError>),
    Pref64(Vec<Ipv6Addr>),
    Attempt(AttemptId, Does),
}

pub struct Ran {
    pub start: Instant,
    pub log: Log<&'static str>,
    pub end: Result<SocketAddr, Failure>,
    pub lookups: Vec<(usize, Family)>,
}

/// Runs a race to its end; `None` if it waits for what will never come.
pub fn run(targets: Vec<Target>, config: Config, world: &World) -> Option<Ran> {
    let start = Instant::now();
    let at = |millis: u64| start + Duration::from_millis(millis);
    let mut now = start;
    let mut race: Race<&str> = Race::new(targets, config, now);
    let mut events: Vec<(Instant, Event)> = Vec::new();
    let mut lookups = Vec::new();
    let mut cancelled = Vec::new();
    loop {
        while let Some(action) = race.poll(now) {
            match action {
                Action::LookUp { host, family } => {
                    lookups.push((host, family));
                    let answers = world.answers.iter().filter(|it| (it.1, it.2) == (host, family));
                    events.extend(answers.map(|it| (at(it.0), Event::Answer(host, family, it.3.clone()))));
                }
                Action::LookUpPref64 => {
                    let answer = world.pref64.clone();
                    events.extend(
                        answer.map(|(millis, it)| (now + Duration::from_millis(millis), Event::Pref64(it))),
                    );
                }
                Action::Start { id, address, .. } => {
                    let host = world.hosts.iter().find(|host| host.0 == address);
                    let does = host.into_iter().flat_map(|host| &host.1);
                    events.extend(does.map(|(after, does)| {
                        (now + Duration::from_millis(*after), Event::Attempt(id, *does))
                    }));
                }
                Action::Cancel { id } => cancelled.push(id),
                Action::Succeed { id } => {
                    assert_eq!(race.poll(now), None, "the last action is the last");
                    let log = race.into_log();
                    let won: Vec<_> =
                        log.attempts.iter().filter(|it| it.outcome == Outcome::Succeeded).collect();
                    assert_eq!(won.len(), 1);
                    let end = Ok(won[0].address);
                    assert!(!cancelled.contains(&id));
                    return Some(Ran { start, end, log, lookups });
                }
                Action::Fail(failure) => {
                    assert_eq!(race.poll(now), None, "the last action is the last");
                    return Some(Ran { start, end: Err(failure), log: race.into_log(), lookups });
                }
                _ => unreachable!(),
            }
        }
        let timeout = race.poll_timeout();
        assert!(timeout.is_none_or(|timeout| timeout > now), "to poll again now would turn in a circle");
        let next = events.iter().map(|event| event.0).chain(timeout).min()?;
        now = next.max(now);
        if let Some(due) = events.iter().position(|event| event.0 <= now) {
            match events.remove(due).1 {
                Event::Answer(host, family, answer) => race.answered(host, family, answer, now),
                Event::Pref64(answer) => race.pref64_answered(Ok(answer), now),
                // Results of what was cancelled come in all the same.
                Event::Attempt(id, Does::Progress) => race.progressed(id, now),
                Event::Attempt(id, Does::Succeed) => race.succeeded(id, now),
                Event::Attempt(id, Does::Fail) => race.failed(id, "refused", now),
            }
        }
    }
}

/// `6a` is 2001:db8::a, `4a` is 192.0.2.10, all on port 25; anything else is an address as it is.
pub fn address(name: &str) -> SocketAddr {
    let ip = match (name.split_at(1), name.len()) {
        (("6", n), 2) => format!("2001:db8::{n}").parse().unwrap(),
        (("4", n), 2) => IpAddr::from([192, 0, 2, u8::from_str_radix(n, 16).unwrap()]),
        _ => name.parse().unwrap(),
    };
    SocketAddr::new(ip, 25)
}

pub fn name(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V6(ip) if ip.segments()[..7] == [0x2001, 0xdb8, 0, 0, 0, 0, 0] => {
            format!("6{:x}", ip.segments()[7])
        }
        IpAddr::V4(ip) if ip.octets()[..3] == [192, 0, 2] => format!("4{:x}", ip.octets()[3]),
        ip => ip.to_string(),
    }
}

/// `6a,6b<-`: names; with `<-` there is no route.
pub fn destinations(list: &str) -> Vec<Destination> {
    let one = |text: &str| match text.strip_suffix("<-") {
        Some(text) => Destination::from(address(text)).with_source(Source::Unreachable),
        None => address(text).into(),
    };
    list.split(',').filter(|text| !text.is_empty()).map(one).collect()
}

/// `6@0=6a,6b 4@10=nodata; 1:4@20=4c`: at 0 ms AAAA with two addresses, at 10 ms no A; at 20 ms A of host 1.
pub fn dns(text: &str) -> World {
    let mut world = World::default();
    for word in text.split_whitespace() {
        let (question, answer) = word.split_once('=').unwrap();
        let (host, question) = question.split_once(':').unwrap_or(("0", question));
        let (family, millis) = question.split_once('@').unwrap();
        let family = if family == "6" { Family::V6 } else { Family::V4 };
        let answer = match answer {
            "nx" => Err(LookupError::NxDomain),
            "nodata" => Err(LookupError::NoData),
            "servfail" => Err(LookupError::Temporary("SERVFAIL".into())),
            list => Ok(destinations(list)),
        };
        world.answers.push((millis.parse().unwrap(), host.parse().unwrap(), family, answer));
    }
    world
}

impl World {
    /// `6a:ok@3 6b:rst@1 4a:tcp@3,ok@20`: what attempts do; who is not named is a black hole.
    pub fn net(mut self, text: &str) -> Self {
        for word in text.split_whitespace() {
            let (host, does) = word.rsplit_once(':').unwrap();
            let does = does.split(',').map(|one| {
                let (does, after) = one.split_once('@').unwrap();
                let does = match does {
                    "ok" => Does::Succeed,
                    "rst" => Does::Fail,
                    "tcp" => Does::Progress,
                    other => panic!("{other}"),
                };
                (after.parse().unwrap(), does)
            });
            self.hosts.push((address(host), does.collect()));
        }
        self
    }
}

/// `0:6a 250:4a 4a@253`: what was started when, and who won when; or why nobody did.
pub fn told(ran: Option<Ran>) -> String {
    let Some(ran) = ran else { return "waits for ever".into() };
    let millis = |at: Instant| (at - ran.start).as_millis();
    let mut words: Vec<String> =
        ran.log.attempts.iter().map(|it| format!("{}:{}", millis(it.started), name(it.address))).collect();
    let ended = millis(ran.log.ended.unwrap());
    words.push(match ran.end {
        Ok(winner) => format!("{}@{ended}", name(winner)),
        Err(failure) => format!("{failure:?}@{ended}"),
    });
    words.join(" ")
}
