//! Routes from answers in memory, and whole resolutions beside the same look-ups by hickory-resolver alone.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use hickory_resolver::{
    Resolver as Raw, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::{
        op::Message,
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, AAAA, MX},
        },
    },
};
use mail46_resolve::{
    Answer, Cached, Destination, Dns, Facts, Hickory, Limits, Mx, Policy, Resolver, Target, Validation,
    seeded,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    gate::{
        Figure::{Cost, Rate},
        hold,
    },
    harness::{Case, Unit, table, time},
};

pub fn run() {
    for exchangers in ANSWERS {
        pure(exchangers);
    }
    cached();
    uncached();
}

/// Whether the targets hold.
pub fn gate() -> bool {
    let rate = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    let cost = |time: Duration, raw: Duration| time.as_secs_f64() / raw.as_secs_f64();
    let mut all = true;
    // The last is 800 addresses, some 100,000 routes a second on a quiet machine: half of that is asked for.
    for (answers, least) in ANSWERS.into_iter().zip([1e6, 1e5, 5e4]) {
        all &= hold(|| pure(answers), |best| vec![Rate(answers.title, rate(answers.runs(), best[0]), least)]);
    }
    all &= hold(cached, |best| {
        vec![
            Rate("whole resolutions over hickory's cache", rate(CACHED, best[1]), 5e4),
            Rate("whole resolutions over Cached", rate(CACHED, best[2]), 5e4),
            Cost(
                "a resolution over Cached, to five look-ups in hickory's cache",
                cost(best[2], best[0]),
                1.1,
            ),
        ]
    });
    all &= hold(uncached, |best| {
        vec![Cost("a resolution over the wire, to five look-ups by hickory", cost(best[1], best[0]), 1.1)]
    });
    all
}

/// So many exchangers, and so many addresses of each family for each.
#[derive(Clone, Copy)]
struct Answers {
    title: &'static str,
    exchangers: usize,
    each: usize,
}

const ANSWERS: [Answers; 3] = [
    Answers { title: "routes from answers in memory, 2 MX, A and AAAA each", exchangers: 2, each: 1 },
    Answers { title: "routes from answers in memory, 20 MX, 40 addresses in all", exchangers: 20, each: 1 },
    Answers { title: "routes from answers in memory, 20 MX, 40 addresses each", exchangers: 20, each: 20 },
];

impl Answers {
    fn runs(self) -> usize {
        20_000 / self.exchangers / self.each
    }
}

/// `Facts::route` alone.
fn pure(answers: Answers) -> Vec<Duration> {
    let policy = Policy { limits: Limits::NONE, ..Policy::default() };
    let facts = facts(answers.exchangers, answers.each);
    let mut random = seeded(1);
    let case = Case::new("mail46 Facts::route", || {
        time(|| {
            for _ in 0..answers.runs() {
                black_box(facts.route(black_box(&policy), &mut random).unwrap());
            }
        })
    });
    table(answers.title, Unit::Items(answers.runs()), 101, vec![case])
}

/// So many exchangers, half of them of one preference, with `each` addresses of each family.
fn facts(exchangers: usize, each: usize) -> Facts {
    let hour = Duration::from_secs(3600);
    let name = |i: usize| format!("mx{i}.example");
    let mx: Vec<Mx> = (0..exchangers)
        .map(|i| Mx { preference: (i / 2 * 10) as u16, exchange: Target::from_text(&name(i)) })
        .collect();
    let mut facts = Facts::new("example".parse().unwrap(), Answer::records(mx, hour), exchangers, seeded(1));
    for i in 0..exchangers {
        let octet = |n: usize| (n & 0xff) as u8;
        let v4: Vec<Ipv4Addr> = (0..each).map(|n| Ipv4Addr::new(198, 51, octet(i), octet(n))).collect();
        let v6: Vec<Ipv6Addr> =
            (0..each).map(|n| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, i as u16, n as u16)).collect();
        facts.answer(&name(i), Answer::records(v4, hour), Answer::records(v6, hour));
    }
    facts
}

/// Resolutions in a round.
const CACHED: usize = 500;

/// MX, and A and AAAA of two exchangers, all of them in the cache.
fn cached() -> Vec<Duration> {
    let (runtime, server) = (runtime(), server());
    let raw = raw(server);
    let hickory = Resolver::new(Hickory::with_servers([server], Validation::Off).unwrap());
    let cached = Resolver::new(Cached::new(hickory.dns().clone(), 1000));
    let to = Destination::parse("domain.example").unwrap();
    let warm = async || {
        by_hand(&raw, "domain.example.").await;
        route(&hickory, &to).await;
        route(&cached, &to).await;
    };
    runtime.block_on(warm());
    let cases = vec![
        Case::new("hickory-resolver, five look-ups", || {
            time(|| {
                runtime.block_on(async {
                    for _ in 0..CACHED {
                        black_box(by_hand(&raw, "domain.example.").await);
                    }
                })
            })
        }),
        Case::new("mail46 Resolver over Hickory", || {
            time(|| {
                runtime.block_on(async {
                    for _ in 0..CACHED {
                        black_box(route(&hickory, &to).await);
                    }
                })
            })
        }),
        Case::new("mail46 Resolver over Cached", || {
            time(|| {
                runtime.block_on(async {
                    for _ in 0..CACHED {
                        black_box(route(&cached, &to).await);
                    }
                })
            })
        }),
    ];
    table("routes: a whole resolution, cached", Unit::Items(CACHED), 51, cases)
}

/// The same of a new domain each time, over UDP to a server in this process.
fn uncached() -> Vec<Duration> {
    let (runtime, server) = (runtime(), server());
    let raw = raw(server);
    let hickory = Resolver::new(Hickory::with_servers([server], Validation::Off).unwrap());
    let runs = 100;
    let mut next = {
        let number = std::cell::Cell::new(0);
        move || {
            number.set(number.get() + 1);
            format!("d{}.example.", number.get())
        }
    };
    let next = std::cell::RefCell::new(&mut next);
    let cases = vec![
        Case::new("hickory-resolver, five look-ups", || {
            time(|| {
                runtime.block_on(async {
                    for _ in 0..runs {
                        let name = (next.borrow_mut())();
                        black_box(by_hand(&raw, &name).await);
                    }
                })
            })
        }),
        Case::new("mail46 Resolver over Hickory", || {
            time(|| {
                runtime.block_on(async {
                    for _ in 0..runs {
                        let name = (next.borrow_mut())();
                        black_box(route(&hickory, &Destination::parse(&name).unwrap()).await);
                    }
                })
            })
        }),
    ];
    table("routes: a whole resolution over the wire", Unit::Items(runs), 31, cases)
}

async fn route<D: Dns>(resolver: &Resolver<D>, to: &Destination) -> usize {
    resolver.route(to, &Policy::default(), seeded(1)).await.unwrap().attempts().count()
}

/// What a program does that has hickory and nothing else: no order, no failure told apart.
async fn by_hand(raw: &TokioResolver, domain: &str) -> usize {
    let mx = raw.lookup(domain, RecordType::MX).await.unwrap();
    let targets: Vec<Name> = mx
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::MX(mx) => Some(mx.exchange.clone()),
            _ => None,
        })
        .collect();
    let [first, second] = targets.as_slice() else { panic!("two") };
    let (a, b, c, d) = tokio::join!(
        raw.lookup(first.clone(), RecordType::A),
        raw.lookup(first.clone(), RecordType::AAAA),
        raw.lookup(second.clone(), RecordType::A),
        raw.lookup(second.clone(), RecordType::AAAA),
    );
    [a, b, c, d].iter().map(|lookup| lookup.as_ref().unwrap().answers().len()).sum()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn raw(server: SocketAddr) -> TokioResolver {
    let mut connection = ConnectionConfig::udp();
    connection.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![connection]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = Raw::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder.build().unwrap()
}

/// A server in a thread: two exchangers for each domain, both families for each of them.
fn server() -> SocketAddr {
    let socket = UdpSocket::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), 0)).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
            let question = query.queries[0].clone();
            let name = question.name().clone();
            let mut reply = Message::response(query.id, query.op_code);
            reply.metadata.recursion_available = true;
            let mut add = |rdata| {
                reply.add_answer(Record::from_rdata(name.clone(), 86_400, rdata));
            };
            match question.query_type() {
                RecordType::MX => {
                    let host = |label: &str| Name::from_ascii(label).unwrap().append_domain(&name).unwrap();
                    add(RData::MX(MX::new(10, host("mx1"))));
                    add(RData::MX(MX::new(20, host("mx2"))));
                }
                RecordType::A => add(RData::A(A(Ipv4Addr::new(192, 0, 2, 1)))),
                _ => add(RData::AAAA(AAAA(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)))),
            }
            reply.add_query(question);
            let _ = socket.send_to(&reply.to_vec().unwrap(), peer);
        }
    });
    address
}
