//! The connector with hickory's resolver, against a name server of a few lines, over UDP of both families.
#![cfg(feature = "hickory")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mail46_connect::{
    Config, Failure, Family, HickoryResolver, Listener, LookupError, Options, Resolver, connect,
};
use tokio::net::UdpSocket;

/// Answers by the first label: `dual`, `v4only`, `late` (no AAAA for ever), `broken` (AAAA is SERVFAIL); the rest
/// does not exist.
async fn name_server(socket: UdpSocket) {
    let mut query = [0; 512];
    loop {
        let (length, peer) = socket.recv_from(&mut query).await.unwrap();
        let query = &query[..length];
        let label = query[13..13 + usize::from(query[12])].to_ascii_lowercase();
        let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
        let is_aaaa = query[end - 3] == 28;
        let data: Option<&[u8]> = match (&label[..], is_aaaa) {
            (b"late", true) => continue,
            (b"dual", true) => Some(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            (b"dual" | b"v4only" | b"late" | b"broken", false) => Some(&[127, 0, 0, 1]),
            _ => None,
        };
        let rcode = match &label[..] {
            b"broken" if is_aaaa => 2,
            b"dual" | b"v4only" | b"broken" | b"late" => 0,
            _ => 3,
        };
        let mut reply = query[..2].to_vec();
        reply.extend([0x85, 0x80 | rcode, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
        reply.extend(&query[12..end]);
        if let Some(data) = data {
            reply.extend([0xc0, 12, 0, if is_aaaa { 28 } else { 1 }, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            reply.extend(data);
        }
        socket.send_to(&reply, peer).await.unwrap();
    }
}

#[tokio::test]
async fn names_over_a_name_server_of_either_family() {
    let listener = Listener::bind(["*:0"]).await.unwrap();
    let port = listener.local_addrs()[0].port();
    for server in ["127.0.0.1:0", "[::1]:0"] {
        let socket = UdpSocket::bind(server.parse::<SocketAddr>().unwrap()).await.unwrap();
        let resolver = HickoryResolver::from_server(socket.local_addr().unwrap()).unwrap();
        let serving = tokio::spawn(name_server(socket));
        let config = Config::new().deadline(Some(Duration::from_secs(20)));
        let options = Options::new().resolver(Arc::new(resolver.clone())).config(config);
        for (name, family) in [
            ("dual.test", Family::V6),
            ("v4only.test", Family::V4),
            ("late.test", Family::V4),
            ("broken.test", Family::V4),
        ] {
            let connected = connect(name, port, &options).await.unwrap();
            assert_eq!(connected.family(), family, "{name} by {server}:\n{}", connected.log);
        }
        assert_eq!(connect("none.test", port, &options).await.unwrap_err().failure, Failure::NoAddress);
        assert_eq!(resolver.look_up("none.test", Family::V4).await, Err(LookupError::NxDomain));
        assert_eq!(resolver.look_up("v4only.test", Family::V6).await, Err(LookupError::NoData));
        let broken = resolver.look_up("broken.test", Family::V6).await;
        assert!(matches!(broken, Err(LookupError::Temporary(_))), "{broken:?}");
        serving.abort();
    }
}

/// A server that accepts and never speaks, and one that never answers an AAAA question.
#[tokio::test]
async fn tasks_are_the_resolvers_and_end_with_it() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let listener = Listener::bind(["*:0"]).await.unwrap();
    let port = listener.local_addrs()[0].port();
    for server in ["127.0.0.1:0", "[::1]:0"] {
        let socket = UdpSocket::bind(server.parse::<SocketAddr>().unwrap()).await.unwrap();
        let address = socket.local_addr().unwrap();
        // In a runtime of its own, so that what lives in this one is the connector's and the resolver's.
        let stop = Arc::new(tokio::sync::Notify::new());
        let (stopped, std_socket) = (Arc::clone(&stop), socket.into_std().unwrap());
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let socket = UdpSocket::from_std(std_socket).unwrap();
                tokio::select! { () = name_server(socket) => {}, () = stopped.notified() => {} }
            });
        });
        let options = |resolver: &HickoryResolver| Options::new().resolver(Arc::new(resolver.clone()));
        for dropped in ["before the answer", "in the race", "won"] {
            let resolver = HickoryResolver::from_server(address).unwrap();
            // A call that is given up leaves no more behind than one that is not, however often that is.
            for round in 0..20 {
                let options = options(&resolver);
                match dropped {
                    // Nothing is ever asked twice: the cache would answer.
                    "before the answer" => {
                        let config = Config::new().policy(mail46_connect::FamilyPolicy::OnlyIpv6);
                        let options = options.config(config);
                        let call = connect("late.test", port, &options).await_for(20);
                        assert!(call.await.is_none(), "{server} {round}");
                    }
                    "in the race" => {
                        let silent = async |dial: mail46_connect::Dial| {
                            let _stream = dial.tcp().await?;
                            std::future::pending::<std::io::Result<()>>().await
                        };
                        let race = mail46_connect::connect_with("dual.test", port, &options, silent);
                        assert!(race.await_for(20).await.is_none());
                    }
                    _ => drop(connect("dual.test", port, &options).await.unwrap()),
                }
                let alive = metrics.num_alive_tasks();
                assert!(
                    alive <= 2,
                    "{server}, {dropped}, round {round}: {alive} tasks, one a transport at most"
                );
            }
            drop(resolver);
            for _ in 0..1000 {
                if metrics.num_alive_tasks() == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(metrics.num_alive_tasks(), 0, "{server}, {dropped}: after the resolver");
        }
        stop.notify_one();
        serving.join().unwrap();
    }
}

trait AwaitFor: Future + Sized {
    async fn await_for(self, millis: u64) -> Option<Self::Output> {
        tokio::time::timeout(Duration::from_millis(millis), self).await.ok()
    }
}

impl<F: Future> AwaitFor for F {}
