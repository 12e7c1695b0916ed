//! STARTTLS and implicit TLS on both sides, over 127.0.0.1 and `[::1]`, and what must not get through.
#![cfg(feature = "tls")]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use mail46_wire::{
    Connection, LineError, LineReader, Step,
    net::{DriveError, Stream, TlsError},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    time::Instant,
};

const FAMILIES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

struct Toy {
    reader: LineReader,
    output: BytesMut,
}

fn toy(output: &str) -> Toy {
    Toy { reader: LineReader::new(512), output: BytesMut::from(output) }
}

impl Connection for Toy {
    type Event = Bytes;
    type Error = LineError;
    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Bytes>, LineError> {
        Ok(self.reader.next(input).transpose()?.map_or(Step::WantsInput, Step::Event))
    }
    fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }
    fn timeout(&self) -> Duration {
        Duration::from_secs(300)
    }
}

async fn pair(ip: IpAddr) -> (Stream, Stream) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (Stream::new(near.unwrap()), Stream::new(far.unwrap().0))
}

#[derive(Clone, Copy, PartialEq)]
enum MasterSecret {
    Extended,
    Any,
}

struct Configs {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    stranger: Arc<ClientConfig>,
}

fn configs(version: &'static rustls::SupportedProtocolVersion, secret: MasterSecret) -> Configs {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(default_provider());
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = |roots| {
        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(Arc::new(roots))
            .with_no_client_auth();
        client.require_ems = secret == MasterSecret::Extended;
        Arc::new(client)
    };
    server.require_ems = secret == MasterSecret::Extended;
    let (client, stranger) = (client(roots), client(RootCertStore::empty()));
    Configs { server: Arc::new(server), client, stranger }
}

#[tokio::test]
async fn starttls_with_a_name_and_with_an_address() {
    use MasterSecret::*;
    for ip in FAMILIES {
        for (version, secret, name) in [
            (&TLS13, Any, ServerName::IpAddress(ip.into())),
            (&TLS12, Extended, "localhost".try_into().unwrap()),
        ] {
            let configs = configs(version, secret);
            let (mut client, mut server) = pair(ip).await;
            let serve = async {
                let mut machine = toy("220 ready\r\n");
                assert_eq!(server.drive(&mut machine).await.unwrap(), "STARTTLS");
                machine.output.extend_from_slice(b"220 go\r\n");
                server.flush(&mut machine).await.unwrap();
                server.accept_tls(configs.server.clone()).await.unwrap();
                assert_eq!(server.drive(&mut machine).await.unwrap(), "EHLO");
                machine.output.extend_from_slice(&b"250 ok\r\n".repeat(20_000));
                assert!(matches!(server.drive(&mut machine).await, Err(DriveError::Closed)));
                let again = server.accept_tls(configs.server.clone()).await;
                assert!(matches!(again, Err(TlsError::AlreadyTls)));
                server
            };
            let ask = async {
                let mut machine = toy("");
                assert_eq!(client.drive(&mut machine).await.unwrap(), "220 ready");
                machine.output.extend_from_slice(b"STARTTLS\r\n");
                assert_eq!(client.drive(&mut machine).await.unwrap(), "220 go");
                client.connect_tls(configs.client.clone(), name.clone()).await.unwrap();
                machine.output.extend_from_slice(b"EHLO\r\n");
                for _ in 0..20_000 {
                    assert_eq!(client.drive(&mut machine).await.unwrap(), "250 ok");
                }
                let facts =
                    (client.tls_exporter(), client.tls_version(), client.tls_cipher(), client.is_tls());
                assert_eq!(client.tls_server_end_point(), client.peer_certificates().first());
                assert_eq!(client.peer_certificates().len(), 1);
                drop(client);
                facts
            };
            let (server, (exporter, version, cipher, is_tls)) = tokio::join!(serve, ask);
            assert!(is_tls && exporter.is_some());
            assert_eq!(server.tls_exporter(), exporter, "the same at both ends");
            assert_eq!((server.tls_version(), server.tls_cipher()), (version, cipher.clone()));
            let want = if name == "localhost".try_into().unwrap() { "TLSv1.2" } else { "TLSv1.3" };
            assert_eq!(version, Some(want));
            assert!(cipher.unwrap().starts_with(if want == "TLSv1.3" { "TLS_AES_" } else { "TLS_ECDHE_" }));
            assert_eq!(server.tls_server_name(), (want == "TLSv1.2").then_some("localhost"));
            assert!(server.peer_certificates().is_empty() && server.tls_server_end_point().is_none());
        }
    }
}

#[tokio::test]
async fn each_connection_has_its_own_channel_binding_and_tls_1_2_only_with_ems() {
    let mut seen = Vec::new();
    for (version, secret) in
        [(&TLS13, MasterSecret::Any), (&TLS13, MasterSecret::Any), (&TLS12, MasterSecret::Any)]
    {
        let configs = configs(version, secret);
        let (mut client, mut server) = pair(FAMILIES[1]).await;
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, connected) =
            tokio::join!(server.accept_tls(configs.server), client.connect_tls(configs.client, name));
        accepted.unwrap();
        connected.unwrap();
        seen.push(client.tls_exporter());
    }
    assert!(seen[0].is_some() && seen[1].is_some() && seen[0] != seen[1]);
    assert_eq!(seen[2], None, "RFC 9266 s 2: not unique without the extended master secret");
}

#[tokio::test]
async fn octets_behind_starttls_are_refused_at_both_sides() {
    let configs = configs(&TLS13, MasterSecret::Any);
    for ip in FAMILIES {
        for injected in ["NOOP\r\n", "N", "\r", "\u{16}\u{3}\u{1}"] {
            let (client, mut server) = pair(ip).await;
            let mut client = client;
            let mut machine = toy(&format!("STARTTLS\r\n{injected}"));
            client.flush(&mut machine).await.unwrap();
            assert_eq!(server.drive(&mut toy("")).await.unwrap(), "STARTTLS");
            let refused = server.accept_tls(configs.server.clone()).await;
            assert!(matches!(refused, Err(TlsError::PlaintextAfterStartTls)), "{injected:?}");

            let mut machine = toy(&format!("220 go\r\n{injected}"));
            server.flush(&mut machine).await.unwrap();
            assert_eq!(client.drive(&mut toy("")).await.unwrap(), "220 go");
            let name = ServerName::try_from("localhost").unwrap();
            let refused = client.connect_tls(configs.client.clone(), name).await;
            assert!(matches!(refused, Err(TlsError::PlaintextAfterStartTls)), "{injected:?}");
        }
    }
}

/// Octets that come when the check is over meet the TLS engine.
#[tokio::test]
async fn a_failed_handshake_leaves_nothing_to_talk_on() {
    let configs = configs(&TLS13, MasterSecret::Any);
    for ip in FAMILIES {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let mut far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = Stream::new(listener.accept().await.unwrap().0);
        far.write_all(b"MAIL FROM:<a@example.com>\r\n").await.unwrap();
        assert!(matches!(server.accept_tls(configs.server.clone()).await, Err(TlsError::Handshake(_))));
        let mut machine = toy("250 in clear text\r\n");
        assert!(matches!(server.drive(&mut machine).await, Err(DriveError::Io(_))));
        assert!(matches!(server.flush(&mut machine).await, Err(DriveError::Io(_))));
        assert!(matches!(server.accept_tls(configs.server.clone()).await, Err(TlsError::Handshake(_))));
        assert!(server.get_ref().is_none() && !server.is_tls());
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.ok();
        assert!(!all.windows(3).any(|window| window == b"250"), "nothing in clear text");

        let (mut client, mut server) = pair(ip).await;
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, connected) = tokio::join!(
            server.accept_tls(configs.server.clone()),
            client.connect_tls(configs.stranger.clone(), name)
        );
        assert!(accepted.is_err(), "the client's alert came");
        assert!(matches!(connected, Err(TlsError::Handshake(_))), "a certificate that nobody vouches for");
        assert!(client.flush(&mut toy("AUTH PLAIN secret\r\n")).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_deadline() {
    let configs = configs(&TLS13, MasterSecret::Any);
    let (near, _far) = duplex(4096);
    let (mut server, start) = (Stream::new(near), Instant::now());
    assert!(matches!(server.accept_tls(configs.server).await, Err(TlsError::Timeout)));
    assert_eq!(start.elapsed().as_secs(), 60);
    assert!(matches!(server.drive(&mut toy("")).await, Err(DriveError::Io(_))));
}
