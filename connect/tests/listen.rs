//! Listening on both families, over loopback sockets.
#![cfg(feature = "net")]

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use mail46_connect::Listener;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connects to the port over both families and tells which peers were seen.
async fn peers(listener: &Listener, port: u16) -> Vec<IpAddr> {
    let mut seen = Vec::new();
    for ip in ["127.0.0.1", "::1"] {
        let to = SocketAddr::new(ip.parse().unwrap(), port);
        let client = TcpStream::connect(to).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        assert_eq!((accepted.peer, accepted.local), (client.local_addr().unwrap(), to));
        assert_eq!(
            listener.local_addrs()[accepted.socket].is_ipv4(),
            to.is_ipv4(),
            "the socket of its family"
        );
        seen.push(accepted.peer.ip());
    }
    seen
}

#[tokio::test]
async fn all_of_both_families_on_one_port() {
    let listener = Listener::bind(["*:0"]).await.unwrap();
    let [v6, v4] = listener.local_addrs()[..] else { panic!("two sockets") };
    assert_eq!(
        (v6.to_string(), v4.to_string()),
        (format!("[::]:{}", v4.port()), format!("0.0.0.0:{}", v6.port()))
    );
    assert_eq!(listener.name(1), Some("*:0"));
    assert!(listener.not_bound().is_empty());
    let want: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    assert_eq!(peers(&listener, v6.port()).await, want, "an IPv4 peer is an Ipv4Addr");
}

#[tokio::test]
async fn an_ipv6_socket_is_for_ipv6_alone() {
    let listener = Listener::bind(["[::]:0"]).await.unwrap();
    let port = listener.local_addrs()[0].port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    // So that the other family has its own on the same port.
    assert!(Listener::bind([format!("0.0.0.0:{port}")]).await.is_ok());
}

#[tokio::test]
async fn places_that_overlap_are_bound_once() {
    let first = Listener::bind(["*:0"]).await.unwrap();
    let port = first.local_addrs()[0].port();
    drop(first);
    let places =
        [format!("*:{port}"), format!("[::]:{port}"), format!("0.0.0.0:{port}"), "127.0.0.1:0".into()];
    let listener = Listener::bind(&places).await.unwrap();
    assert_eq!(listener.local_addrs().len(), 3);
    let again = Listener::bind(["[::ffff:127.0.0.1]:0"]).await.unwrap();
    assert_eq!(again.local_addrs()[0].ip(), IpAddr::from([127, 0, 0, 1]), "mapped is IPv4");
}

#[tokio::test]
async fn a_name_is_all_its_addresses() {
    let listener = Listener::bind(["localhost:0"]).await.unwrap();
    assert!(listener.local_addrs().iter().all(|address| address.ip().is_loopback()));
    assert!(!listener.local_addrs().is_empty());
}

#[tokio::test]
async fn what_cannot_be_bound_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).await.unwrap();
    let port = taken.port();
    let rows: Vec<(String, &str, &str)> = vec![
        (format!("127.0.0.1:{port}"), "in use", "taken"),
        (format!("*:{port}"), "(0.0.0.0:", "one family of two is taken: named by its address"),
        ("192.0.2.1:0".into(), "192.0.2.1:0: ", "not an address of this host"),
        ("[2001:db8::1]:0".into(), "[2001:db8::1]:0: ", "not an address of this host"),
        ("no-such-name.invalid:0".into(), "no-such-name.invalid:0: ", "no address"),
        ("127.0.0.1".into(), "no :port", "no port"),
        ("127.0.0.1:smtp".into(), "port", "no number"),
        ("127.0.0.1:65536".into(), "port", "too large"),
        ("127.0.0.1:+25".into(), "port", "a sign"),
        ("::1:25".into(), "brackets", "is 25 a port?"),
        ("[nonsense]:25".into(), "not an IPv6 address", "no address"),
        (":25".into(), "* is all", "nothing"),
    ];
    for (place, says, shows) in rows {
        let error = Listener::bind(["127.0.0.1:0", &place]).await.unwrap_err();
        assert_eq!(error.not_bound.len(), 1, "{shows}: {error}");
        assert!(error.to_string().contains(says), "{shows}: {error}");
        let available = Listener::bind_available(["127.0.0.1:0", &place]).await;
        assert_eq!(available.not_bound()[0].place, place);
        assert!(!available.local_addrs().is_empty(), "the rest is bound");
    }
    drop(holder);
}

#[tokio::test]
async fn nobody_starves() {
    let listener = Listener::bind(["127.0.0.1:0", "[::1]:0"]).await.unwrap();
    let [v4, v6] = listener.local_addrs()[..] else { panic!("two sockets") };
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(TcpStream::connect(v4).await.unwrap());
    }
    clients.push(TcpStream::connect(v6).await.unwrap());
    tokio::time::sleep(Duration::from_millis(20)).await;
    let first_two = [listener.accept().await.unwrap().socket, listener.accept().await.unwrap().socket];
    assert!(first_two.contains(&1), "four of IPv4 do not come before the one of IPv6: {first_two:?}");
}

#[tokio::test]
async fn nothing_to_listen_on_is_an_error_not_a_hang() {
    let none: [&str; 0] = [];
    let listener = Listener::bind(none).await.unwrap();
    assert!(listener.accept().await.is_err());
}

/// systemd hands over what it bound as descriptors from 3 on: a child of this test is the service.
#[test]
fn sockets_of_systemd() {
    if std::env::var_os("CONNECT_TEST_SERVICE").is_some() {
        return service();
    }
    // A dual-stack socket, as systemd makes it for ListenStream=25: its IPv4 peers are mapped.
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    socket.set_only_v6(false).unwrap();
    socket.bind(&"[::]:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(8).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    // What it gets as standard input is passed on as descriptor 3 by the shell, which becomes the service.
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=smtp; \
         exec '{}' --exact sockets_of_systemd --nocapture",
        exe.display()
    );
    let mut command = std::process::Command::new("/bin/sh");
    command.arg("-c").arg(script).env("CONNECT_TEST_SERVICE", "1");
    command.stdin(std::os::fd::OwnedFd::from(socket.try_clone().unwrap()));
    let mut child = command.spawn().unwrap();
    let _v4 = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let _v6 = std::net::TcpStream::connect(("::1", port)).unwrap();
    assert!(child.wait().unwrap().success());
}

fn service() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = Listener::from_systemd().unwrap().expect("a socket was handed over");
        assert_eq!((listener.local_addrs().len(), listener.name(0)), (1, Some("smtp")));
        let mut peers = Vec::new();
        for _ in 0..2 {
            let accepted = listener.accept().await.unwrap();
            assert_eq!(accepted.peer.is_ipv4(), accepted.local.is_ipv4());
            peers.push(accepted.peer.ip().to_string());
        }
        peers.sort();
        assert_eq!(peers, ["127.0.0.1", "::1"], "mapped is IPv4");
        assert!(Listener::from_systemd().unwrap().is_none(), "handed over once");
    });
}
