//! What no real server will do: silence, wrong ids, answers to other questions, a first packet lost, half answers.

#![cfg(feature = "hickory")]

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hickory_resolver::proto::{
    op::{Message, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, MX, NS, SOA},
    },
};
use mail46_resolve::{Destination, Dns, Hickory, Outcome, Policy, Resolver, Trouble, TrustedAd, Validation};
use mail46_wire::Domain;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

/// A server whose ways are the first label of a name. Its tasks end with the runtime of the test.
async fn chaos(ip: IpAddr) -> SocketAddr {
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind((ip, 0)).await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            break (Arc::new(udp), tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(HashSet::new()));
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = udp.recv_from(&mut buffer).await {
            let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
            let replies = replies(&query, &seen, false);
            let udp = Arc::clone(&udp);
            tokio::spawn(async move {
                for (wait, reply) in replies {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    let _ = udp.send_to(&reply.to_vec().unwrap(), peer).await;
                }
            });
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let Ok(length) = stream.read_u16().await else { return };
                let mut buffer = vec![0; length.into()];
                if stream.read_exact(&mut buffer).await.is_err() {
                    return;
                }
                let Ok(query) = Message::from_vec(&buffer) else { return };
                for (_, reply) in replies(&query, &Arc::default(), true) {
                    let reply = reply.to_vec().unwrap();
                    let _ = stream.write_u16(u16::try_from(reply.len()).unwrap()).await;
                    let _ = stream.write_all(&reply).await;
                }
            });
        }
    });
    address
}

/// What goes back, and after how many milliseconds each.
fn replies(query: &Message, seen: &Arc<Mutex<HashSet<Query>>>, tcp: bool) -> Vec<(u64, Message)> {
    let question = query.queries[0].clone();
    let (name, kind) = (question.name().clone(), question.query_type());
    let way = String::from_utf8_lossy(name.iter().next().unwrap_or_default()).to_ascii_lowercase();
    let mut reply = Message::response(query.id, query.op_code);
    reply.metadata.recursion_available = true;
    reply.add_query(question.clone());
    let good = |reply: &Message, name: &Name| {
        let mut reply = reply.clone();
        match kind {
            RecordType::MX => {
                reply.add_answer(Record::from_rdata(name.clone(), 60, RData::MX(MX::new(10, name.clone()))))
            }
            RecordType::A => reply.add_answer(Record::from_rdata(
                name.clone(),
                60,
                RData::A(A(Ipv4Addr::new(192, 0, 2, 1))),
            )),
            RecordType::AAAA => reply.add_answer(Record::from_rdata(
                name.clone(),
                60,
                RData::AAAA(AAAA("2001:db8::1".parse().unwrap())),
            )),
            _ => {
                let soa = SOA::new(Name::root(), Name::root(), 1, 60, 60, 60, 60);
                reply.add_authority(Record::from_rdata(Name::root(), 60, RData::SOA(soa)))
            }
        };
        reply
    };
    let cname = |reply: &Message, target: &str| {
        let mut reply = reply.clone();
        let target = Name::from_ascii(target).unwrap();
        reply.add_answer(Record::from_rdata(name.clone(), 60, RData::CNAME(CNAME(target))));
        reply
    };
    let code = |code| {
        let mut reply = reply.clone();
        reply.metadata.response_code = code;
        reply
    };
    let mx_is_good = |bad: Vec<(u64, Message)>| match kind {
        RecordType::MX => vec![(0, good(&reply, &name))],
        _ => bad,
    };
    match way.as_str() {
        "silent" => vec![],
        "deafaaaa" if kind == RecordType::AAAA => vec![],
        "wrongid" => {
            let mut forged = good(&reply, &name);
            forged.metadata.id = query.id.wrapping_add(1);
            for answer in &mut forged.answers {
                if kind == RecordType::A {
                    answer.data = RData::A(A(Ipv4Addr::new(192, 0, 2, 66)));
                }
            }
            vec![(0, forged), (60, good(&reply, &name))]
        }
        "otherquestion" => {
            let mut forged = Message::response(query.id, query.op_code);
            let other = Name::from_ascii("other.chaos.").unwrap();
            forged.add_query(Query::query(other.clone(), kind));
            vec![(0, good(&forged, &other)), (60, good(&reply, &name))]
        }
        "firstlost" if seen.lock().unwrap().insert(question) => vec![],
        "servfail" => vec![(0, code(ResponseCode::ServFail))],
        "refused" => vec![(0, code(ResponseCode::Refused))],
        "notimp" => vec![(0, code(ResponseCode::NotImp))],
        "formerr" => vec![(0, code(ResponseCode::FormErr))],
        "noedns" if query.edns.is_some() => vec![(0, code(ResponseCode::FormErr))],
        "hosttimeout" => mx_is_good(vec![]),
        "hostservfail" => mx_is_good(vec![(0, code(ResponseCode::ServFail))]),
        "truncated" if !tcp => {
            let mut reply = reply.clone();
            reply.metadata.truncation = true;
            vec![(0, reply)]
        }
        "truncatednotcp" if tcp => vec![],
        "truncatednotcp" => {
            let mut reply = reply.clone();
            reply.metadata.truncation = true;
            vec![(0, reply)]
        }
        "nosoa" => vec![(0, reply.clone())],
        "referral" => {
            let mut reply = reply.clone();
            let ns = NS(Name::from_ascii("ns.elsewhere.").unwrap());
            reply.add_authority(Record::from_rdata(name, 60, RData::NS(ns)));
            vec![(0, reply)]
        }
        "circle" => vec![(0, cname(&reply, "circle2.chaos."))],
        "circle2" => vec![(0, cname(&reply, "circle.chaos."))],
        "halfchain" => vec![(0, cname(&reply, "halfchain2.chaos."))],
        "halfchain2" => vec![(0, cname(&reply, "good.chaos."))],
        "authentic" => {
            let mut reply = good(&reply, &name);
            reply.metadata.authentic_data = query.authentic_data;
            vec![(0, reply)]
        }
        _ => vec![(0, good(&reply, &name))],
    }
}

const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

fn name(way: &str) -> Domain {
    format!("{way}.chaos").parse().unwrap()
}

/// The same of each resolver, over both families.
async fn each(dns: &impl Dns, who: &str) {
    let good: Ipv4Addr = "192.0.2.1".parse().unwrap();
    for way in ["good", "wrongid", "otherquestion", "firstlost", "truncated", "halfchain"] {
        assert_eq!(dns.a(&name(way)).await.as_records(), [good], "{way} by {who}");
    }
    for (way, want) in [
        ("servfail", Trouble::ServFail),
        ("refused", Trouble::Refused),
        ("notimp", Trouble::NotImp),
        ("formerr", Trouble::FormErr),
        ("referral", Trouble::Referral),
        ("circle", Trouble::AliasLoop),
        ("truncatednotcp", Trouble::Truncated),
    ] {
        let mx = dns.mx(&name(way)).await;
        assert_eq!(mx.trouble(), Some(want), "{way} by {who}: {mx:?}");
    }
    // RFC 2308 s 2.2, type 3: no data, and not to be kept (s 5).
    let none = dns.mx(&name("nosoa")).await;
    assert_eq!((none.outcome, none.ttl), (Outcome::NoData, Duration::ZERO), "{who}");
    assert_eq!(dns.a(&name("halfchain")).await.alias.unwrap().canonical, name("good"), "{who}");
}

#[tokio::test]
async fn hickory_among_chaos() {
    for ip in LOOPBACKS {
        let dns = Hickory::with_servers([chaos(ip).await], Validation::Off).unwrap();
        each(&dns, &format!("hickory at {ip}")).await;
        assert!(!dns.a(&name("authentic")).await.is_secure(), "hickory says nothing of the AD bit");
    }
}

#[tokio::test]
async fn the_stub_among_chaos() {
    for ip in LOOPBACKS {
        let mut dns = TrustedAd::new([chaos(ip).await]);
        dns.timeout = Duration::from_millis(400);
        each(&dns, &format!("the stub at {ip}")).await;
        assert_eq!(dns.a(&name("noedns")).await.as_records().len(), 1, "RFC 6891 s 7");
        assert_eq!(dns.a(&name("silent")).await.trouble(), Some(Trouble::Timeout));
        assert!(dns.a(&name("authentic")).await.is_secure());
        assert!(!dns.a(&name("good")).await.is_secure());
    }
    // Nobody there, and then somebody.
    let closed = {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.local_addr().unwrap()
    };
    assert!(TrustedAd::new([closed]).a(&name("good")).await.trouble().is_some());
    let dns = TrustedAd::new([closed, chaos(LOOPBACKS[1]).await]);
    assert_eq!(dns.a(&name("good")).await.as_records().len(), 1);
}

/// The deadline is over the whole, and what came before it is used.
#[tokio::test]
async fn the_deadline() {
    for ip in LOOPBACKS {
        let mut resolver = Resolver::new(Hickory::with_servers([chaos(ip).await], Validation::Off).unwrap());
        resolver.deadline = Duration::from_millis(700);
        let rows = [
            ("good", "2001:db8::1 192.0.2.1"),
            ("silent", "temp-dns"),
            ("hosttimeout", "temp-dns"),
            ("hostservfail", "temp-dns"),
            ("deafaaaa", "192.0.2.1 incomplete"),
            ("servfail", "temp-dns"),
            ("nosoa", "no-address"),
            ("referral", "temp-dns"),
            ("circle", "temp-dns"),
            ("truncatednotcp", "temp-dns"),
        ];
        for (way, want) in rows {
            let began = Instant::now();
            let to = Destination::parse(&format!("{way}.chaos")).unwrap();
            let got = match resolver.route(&to, &Policy::default(), || 0).await {
                Ok(route) => {
                    let attempts: Vec<String> = route.attempts().map(|(_, ip)| ip.to_string()).collect();
                    format!("{}{}", attempts.join(" "), if route.incomplete { " incomplete" } else { "" })
                }
                Err(failure) => failure.class_name().to_owned(),
            };
            assert_eq!(got, want, "{way} at {ip}");
            assert!(began.elapsed() < Duration::from_millis(1500), "{way} took {:?}", began.elapsed());
        }
    }
}
