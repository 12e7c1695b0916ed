//! The connector over loopback sockets of both families, with answers that come when the test wants them.
#![cfg(feature = "net")]

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mail46_connect::{
    Answer, Config, Connected, Dial, Endpoint, Failure, Family, FamilyPolicy, Listener, LookupError, Memory,
    Mode, Options, Outcome, Resolver, connect, connect_any, connect_with,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Answers each question when its time has come; `None` is never.
#[derive(Default)]
struct Answers(HashMap<(String, Family), Option<(u64, Result<Vec<IpAddr>, LookupError>)>>);

impl Answers {
    fn with(mut self, name: &str, family: Family, millis: u64, ips: &[&str]) -> Self {
        let ips = ips.iter().map(|ip| ip.parse().unwrap()).collect();
        self.0.insert((name.into(), family), Some((millis, Ok(ips))));
        self
    }

    fn never(mut self, name: &str, family: Family) -> Self {
        self.0.insert((name.into(), family), None);
        self
    }

    fn options(self) -> Options {
        Options::new().resolver(Arc::new(self))
    }
}

impl Resolver for Answers {
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
        let answer = self.0.get(&(name.to_owned(), family)).cloned();
        Box::pin(async move {
            match answer {
                None => Err(LookupError::NxDomain),
                Some(None) => std::future::pending().await,
                Some(Some((millis, answer))) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    answer
                }
            }
        })
    }
}

/// Listens on loopback: `46`, `4` or `6`; the other family's port refuses.
async fn server(families: &str) -> (Listener, u16) {
    loop {
        let both = Listener::bind(["127.0.0.1:0"]).await.unwrap();
        let port = both.local_addrs()[0].port();
        drop(both);
        let places: Vec<String> = families
            .chars()
            .map(|family| if family == '4' { format!("127.0.0.1:{port}") } else { format!("[::1]:{port}") })
            .collect();
        if let Ok(listener) = Listener::bind(places).await {
            return (listener, port);
        }
    }
}

fn loopback(v6_after: u64, v4_after: u64) -> Answers {
    Answers::default().with("mail.test", Family::V6, v6_after, &["::1"]).with(
        "mail.test",
        Family::V4,
        v4_after,
        &["127.0.0.1"],
    )
}

/// Success is a greeting.
async fn greeting(dial: Dial) -> io::Result<TcpStream> {
    let mut stream = dial.tcp().await?;
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).await?;
    if &greeting == b"220 " { Ok(stream) } else { Err(io::Error::other("not welcome")) }
}

#[tokio::test]
async fn literals_of_both_families() {
    let (listener, port) = server("46").await;
    for (host, family) in [
        ("127.0.0.1", Family::V4),
        ("::1", Family::V6),
        ("[::1]", Family::V6),
        ("::ffff:127.0.0.1", Family::V4),
    ] {
        let connected = connect(host, port, &Options::new()).await.unwrap();
        assert_eq!((connected.family(), connected.log.lookups.len()), (family, 0), "{host}");
        assert_eq!(connected.stream.peer_addr().unwrap(), connected.address);
        assert_eq!(listener.accept().await.unwrap().peer, connected.stream.local_addr().unwrap());
        assert!(connected.stream.nodelay().unwrap());
    }
}

#[tokio::test]
async fn late_answers() {
    let (_listener, port) = server("46").await;
    // The delay is ten times the RFC's, so that a busy machine does not decide; on the RFC's see tests/race.rs.
    let config = Config::new().resolution_delay(Duration::from_millis(500));
    // (AAAA after, A after, family, at least ms)
    let rows = [
        (0, 0, Family::V6, 0),
        (100, 0, Family::V6, 100),
        (5000, 0, Family::V4, 500),
        (0, 5000, Family::V6, 0),
    ];
    for (v6_after, v4_after, family, least) in rows {
        let options = loopback(v6_after, v4_after).options().config(config.clone());
        let started = Instant::now();
        let connected = connect("mail.test", port, &options).await.unwrap();
        let took = started.elapsed().as_millis();
        let log = &connected.log;
        assert_eq!(connected.family(), family, "AAAA after {v6_after}, A after {v4_after}:\n{log}");
        assert!((least..4000).contains(&took), "{took} ms for {v6_after}/{v4_after}:\n{log}");
    }
    let never =
        Answers::default().with("mail.test", Family::V4, 0, &["127.0.0.1"]).never("mail.test", Family::V6);
    assert_eq!(connect("mail.test", port, &never.options()).await.unwrap().family(), Family::V4);
}

#[tokio::test]
async fn refused_by_one_family() {
    for (listens, family) in [("4", Family::V4), ("6", Family::V6)] {
        let (_listener, port) = server(listens).await;
        for policy in [FamilyPolicy::PreferIpv6, FamilyPolicy::PreferIpv4] {
            let config = Config::new().attempt_delay(Duration::from_secs(2)).policy(policy);
            let options = loopback(0, 0).options().config(config);
            let started = Instant::now();
            let connected = connect("mail.test", port, &options).await.unwrap();
            assert_eq!(connected.family(), family);
            assert!(started.elapsed() < Duration::from_millis(1500), "nobody waits for the delay");
            let first = &connected.log.attempts[0];
            assert_eq!(Family::of(first.address.ip()), policy.preferred());
            if policy.preferred() != family {
                assert!(
                    matches!(&first.outcome, Outcome::Failed(why) if why.kind() == io::ErrorKind::ConnectionRefused)
                );
            }
        }
    }
}

#[tokio::test]
async fn all_dead_fails_at_once_and_tells_why() {
    let (listener, port) = server("46").await;
    drop(listener);
    let started = Instant::now();
    let config = Config::new().attempt_delay(Duration::from_secs(2));
    let error = connect("mail.test", port, &loopback(0, 0).options().config(config)).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert_eq!((error.failure, error.log.attempts.len()), (Failure::AllFailed, 2));
    let text = error.to_string();
    assert!(
        text.contains(&format!("[::1]:{port} ")) && text.contains(&format!("127.0.0.1:{port} ")),
        "{text}"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
    let error = connect("other.test", port, &loopback(0, 0).options()).await.unwrap_err();
    assert_eq!((error.failure, error.to_string()), (Failure::NoAddress, "no address".into()));
}

#[tokio::test]
async fn who_accepts_and_never_speaks_loses() {
    for (mute, speaks) in [(Family::V6, Family::V4), (Family::V4, Family::V6)] {
        let (listener, port) = server("46").await;
        let policy = if mute == Family::V6 { FamilyPolicy::PreferIpv6 } else { FamilyPolicy::PreferIpv4 };
        let options = loopback(0, 0).options().policy(policy);
        let client = connect_with("mail.test", port, &options, greeting);
        let serve = async {
            let mut silent = None;
            loop {
                let mut accepted = listener.accept().await.unwrap();
                if Family::of(accepted.peer.ip()) == speaks {
                    accepted.stream.write_all(b"220 mail.test\r\n").await.unwrap();
                    return (accepted.stream, silent);
                }
                silent = Some(accepted.stream);
            }
        };
        let (connected, (_kept, silent)) = tokio::join!(client, serve);
        let connected = connected.unwrap();
        assert_eq!(connected.family(), speaks, "{}", connected.log);
        let [loser, winner] = &connected.log.attempts[..] else { panic!("{}", connected.log) };
        assert!(loser.progressed.is_some() && matches!(loser.outcome, Outcome::Cancelled));
        assert!(winner.started - loser.started >= Duration::from_millis(250), "the delay");
        // Its socket is closed: the other side reads the end.
        assert_eq!(silent.unwrap().read(&mut [0; 8]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn nothing_is_left_behind_when_it_is_dropped() {
    let (listener, port) = server("46").await;
    let options = loopback(0, 0).never("slow.test", Family::V6).never("slow.test", Family::V4).options();
    let held = Arc::new(());
    {
        let race = connect_with("mail.test", port, &options, |dial: Dial| {
            let held = Arc::clone(&held);
            async move {
                let stream = dial.tcp().await?;
                std::future::pending::<()>().await;
                drop(held);
                Ok::<_, io::Error>(stream)
            }
        });
        assert!(tokio::time::timeout(Duration::from_millis(800), race).await.is_err());
    }
    assert_eq!(Arc::strong_count(&held), 1, "the attempts are gone");
    for _ in 0..2 {
        let mut accepted = listener.accept().await.unwrap().stream;
        assert_eq!(accepted.read(&mut [0; 8]).await.unwrap(), 0, "and their sockets closed");
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(20), connect("slow.test", port, &options)).await.is_err()
    );
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0, "no task was ever spawned");
}

#[tokio::test]
async fn the_local_address_is_of_its_family() {
    let (listener, port) = server("46").await;
    let options = loopback(0, 0).options().local_address("127.0.0.2".parse().unwrap());
    for (policy, peer) in [(FamilyPolicy::PreferIpv4, "127.0.0.2"), (FamilyPolicy::PreferIpv6, "::1")] {
        let connected = connect("mail.test", port, &options.clone().policy(policy)).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().peer.ip(), peer.parse::<IpAddr>().unwrap());
        drop(connected);
    }
    // An address that this host has not: no attempt can be made with it.
    let foreign = options.local_address("2001:db8::1".parse().unwrap()).policy(FamilyPolicy::OnlyIpv6);
    assert_eq!(connect("mail.test", port, &foreign).await.unwrap_err().failure, Failure::AllFailed);
}

#[tokio::test]
async fn what_failed_lately_is_tried_last() {
    let (_listener, port) = server("4").await;
    let memory = Arc::new(Mutex::new(Memory::default()));
    let options = loopback(0, 0).options().memory(Arc::clone(&memory));
    let first = |connected: &Connected<TcpStream>| Family::of(connected.log.attempts[0].address.ip());
    assert_eq!(first(&connect("mail.test", port, &options).await.unwrap()), Family::V6);
    assert_eq!(
        first(&connect("mail.test", port, &options).await.unwrap()),
        Family::V4,
        "IPv6 refused before"
    );
    assert_eq!(memory.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn exchangers_in_their_order_one_at_a_time() {
    let (listener, port) = server("46").await;
    let (dead, dead_port) = server("46").await;
    drop(dead);
    let hosts = [
        Endpoint::new("mx1.test", dead_port)
            .with_addresses(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]),
        Endpoint::new("mail.test", port),
    ];
    let options = loopback(0, 0).options().config(Config::relay());
    let serve = async {
        let mut accepted = listener.accept().await.unwrap();
        accepted.stream.write_all(b"220 mail.test\r\n").await.unwrap();
        accepted
    };
    let (connected, _kept) = tokio::join!(connect_any(&hosts, &options, greeting), serve);
    let connected = connected.unwrap();
    assert_eq!((connected.host, connected.family()), (1, Family::V6));
    let order: Vec<SocketAddr> = connected.log.attempts.iter().map(|attempt| attempt.address).collect();
    let want = [format!("[::1]:{dead_port}"), format!("127.0.0.1:{dead_port}"), format!("[::1]:{port}")];
    assert_eq!(order, want.map(|address| address.parse().unwrap()));
}

#[tokio::test]
async fn an_attempt_takes_no_longer_than_it_may() {
    let (listener, port) = server("6").await;
    let config = Config::new().mode(Mode::Sequential).attempt_timeout(Some(Duration::from_millis(100)));
    let options = loopback(0, 0).options().config(config);
    let started = Instant::now();
    let error = connect_with("mail.test", port, &options, greeting).await.unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert!(matches!(error.log.attempts[0].outcome, Outcome::TimedOut), "{}", error.log);
    drop(listener);
}

#[tokio::test]
async fn the_systems_resolver() {
    let (_listener, port) = server("46").await;
    let connected = connect("localhost", port, &Options::new()).await.unwrap();
    assert!(connected.address.ip().is_loopback());
    let error = connect("no-such-name.invalid", port, &Options::new()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NoAddress | Failure::Lookup), "{error}");
}

/// As the documentation of `connect_with` has it.
struct Greeted(Option<TcpStream>);

impl Drop for Greeted {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            let _ = stream.try_write(b"QUIT\r\n");
        }
    }
}

#[tokio::test]
async fn a_loser_that_was_greeted_may_leave_with_a_word() {
    let (listener, port) = server("46").await;
    let attempt = async |dial: Dial| {
        let mut stream = dial.tcp().await?;
        stream.read_exact(&mut [0; 4]).await?;
        let mut greeted = Greeted(Some(stream));
        let stream = greeted.0.as_mut().unwrap();
        stream.write_all(b"EHLO client.test\r\n").await?;
        stream.read_exact(&mut [0; 4]).await?;
        Ok::<_, io::Error>(greeted.0.take().unwrap())
    };
    let options = loopback(0, 0).options();
    let client = connect_with("mail.test", port, &options, attempt);
    let serve = async {
        let mut kept = Vec::new();
        loop {
            let mut accepted = listener.accept().await.unwrap();
            accepted.stream.write_all(b"220 ").await.unwrap();
            let is_v4 = accepted.peer.ip().is_ipv4();
            if is_v4 {
                accepted.stream.write_all(b"250 ").await.unwrap();
            }
            kept.push(accepted.stream);
            if is_v4 {
                return kept;
            }
        }
    };
    let (connected, mut kept) = tokio::join!(client, serve);
    let connected = connected.unwrap();
    assert_eq!(connected.family(), Family::V4);
    let mut said = String::new();
    kept[0].read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "EHLO client.test\r\nQUIT\r\n", "the loser");
    drop(connected);
    said.clear();
    kept[1].read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "EHLO client.test\r\n", "the winner's stream is the caller's");
}

/// Threads of the system's look-ups.
fn lookup_threads() -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let name = |thread: io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.ok()?.path().join("comm")).ok()
    };
    threads.filter_map(name).filter(|name| name.starts_with("mail46-lookup")).count()
}

#[tokio::test]
async fn no_task_with_the_systems_resolver_whenever_it_is_dropped() {
    let (listener, port) = server("46").await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let options = Options::new();
    // Before the look-up answers: polled once.
    for host in ["localhost", "no-such-name.invalid"] {
        let mut call = Box::pin(connect(host, port, &options));
        std::future::poll_fn(|cx| {
            let _ = call.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
        drop(call);
        assert_eq!(metrics.num_alive_tasks(), 0, "{host}: before the answer");
    }
    // In the middle of the race: somebody who accepts and never speaks.
    let race = connect_with("localhost", port, &options, greeting);
    assert!(tokio::time::timeout(Duration::from_millis(600), race).await.is_err());
    assert_eq!(metrics.num_alive_tasks(), 0, "in the race");
    // After it is won.
    let connected = connect("localhost", port, &options).await.unwrap();
    assert_eq!(metrics.num_alive_tasks(), 0, "won");
    drop(connected);
    assert_eq!(metrics.num_alive_tasks(), 0, "and dropped");
    drop(listener);
    // The threads go when the system has answered.
    let began = Instant::now();
    while lookup_threads() > 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "{} threads", lookup_threads());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn futures_may_move_between_threads() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let (_listener, port) = server("46").await;
    let options = loopback(0, 0).options();
    let connected = is_send(connect("mail.test", port, &options)).await.unwrap();
    drop(connected);
    drop(is_send(connect_with("mail.test", port, &options, greeting)));
}
