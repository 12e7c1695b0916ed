//! Both drivers over sockets of both families.
#![cfg(feature = "tls")]

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use mail46_pop3::{
    Command, MessageNumber, Reply, ResponseCode,
    client::{self, InClear},
    net::{Client, ClientError, Maildrop, Peer, Server, Service, Shutdown, Tls, TlsSettings, serve},
    server::{Config, Message, Offer},
};
use mail46_sasl::{
    Binding, Nonce, Secret,
    server::{Answer, Identity, Question},
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// mrose's mail, in memory.
#[derive(Clone, Default)]
struct Mailbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    mail: Mutex<Vec<Bytes>>,
    locked: AtomicBool,
    read: AtomicU64,
    broken: AtomicBool,
}

struct Locked(Arc<Shared>, Vec<Bytes>);

impl Mailbox {
    fn with(mail: &[&[u8]]) -> Self {
        let all = Self::default();
        *all.0.mail.lock().unwrap() = mail.iter().map(|text| Bytes::copy_from_slice(text)).collect();
        all
    }

    fn left(&self) -> usize {
        self.0.mail.lock().unwrap().len()
    }
}

impl Service for Mailbox {
    type Maildrop = Locked;

    async fn question(&self, _: &Peer, question: &Question) -> Answer {
        let keys = |hash| mail46_sasl::ScramKeys::derive(hash, &"tanstaaf".into(), &[1; 16], 4096).unwrap();
        match question {
            Question::Password(presented) if presented.user == "mrose" => Answer::Password("tanstaaf".into()),
            Question::SharedSecret { user } if user == "mrose" => Answer::Password("tanstaaf".into()),
            Question::ScramKeys { user, hash } if user == "mrose" => Answer::ScramKeys(keys(*hash)),
            _ => Answer::Reject,
        }
    }

    async fn open(&self, _: &Peer, _: &Identity) -> Result<Locked, Reply> {
        if self.0.locked.swap(true, Ordering::SeqCst) {
            return Err(Reply::err(Some(ResponseCode::InUse), "another session has it"));
        }
        Ok(Locked(Arc::clone(&self.0), self.0.mail.lock().unwrap().clone()))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::SeqCst);
    }
}

impl Maildrop for Locked {
    async fn list(&mut self) -> io::Result<Vec<Message>> {
        let message = |(index, text): (usize, &Bytes)| Message {
            octets: text.len() as u64,
            unique_id: format!("id{index}").parse().unwrap(),
        };
        Ok(self.1.iter().enumerate().map(message).collect())
    }

    async fn read(&mut self, message: MessageNumber, from: u64) -> io::Result<Bytes> {
        let text = &self.1[message.index()];
        let from = usize::try_from(from).unwrap();
        if from > 0 && self.0.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        let part = text.slice(from..text.len().min(from + 10_000));
        self.0.read.fetch_add(part.len() as u64, Ordering::SeqCst);
        Ok(part)
    }

    async fn commit(&mut self, deleted: &[MessageNumber]) -> io::Result<()> {
        if self.0.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        let mut mail = self.0.mail.lock().unwrap();
        for number in deleted.iter().rev() {
            mail.remove(number.index());
        }
        Ok(())
    }
}

/// A certificate for localhost and both loopback addresses, and who trusts it.
fn tls() -> (Arc<rustls::ServerConfig>, Arc<rustls::ClientConfig>) {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// A server on this address, and its port.
async fn start(ip: IpAddr, mail: &Mailbox, change: impl FnOnce(&mut Server)) -> (u16, Arc<Shutdown>) {
    let mut config = Config::new("ready");
    config.in_clear = InClear::Taken;
    config.stls = Offer::Yes;
    config.mechanisms = vec!["SCRAM-SHA-256-PLUS".into(), "SCRAM-SHA-256".into(), "PLAIN".into()];
    let mut server = Server::new(config).unwrap();
    change(&mut server);
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (service, shutdown) = (Arc::new(mail.clone()), Arc::new(Shutdown::new()));
    let signal = Arc::clone(&shutdown);
    tokio::spawn(async move { serve([listener], &server, service, &signal).await });
    (port, shutdown)
}

fn in_clear() -> client::Config {
    let mut config = client::Config::default();
    config.passwords = InClear::Taken;
    config
}

async fn connect(ip: IpAddr, port: u16) -> Client {
    let socket = TcpStream::connect((ip, port)).await.unwrap();
    let mut client = Client::open(socket, in_clear(), Tls::None).await.unwrap();
    client.log_in("mrose", &"tanstaaf".into()).await.unwrap();
    client
}

async fn fetch(client: &mut Client, number: u32) -> Result<Vec<u8>, ClientError> {
    let mut message = client.retrieve(MessageNumber::new(number).unwrap()).await?;
    let mut text = Vec::new();
    while let Some(part) = message.next().await? {
        text.extend_from_slice(&part);
    }
    assert_eq!(message.octets(), Some(text.len() as u64));
    Ok(text)
}

const ONE: &[u8] = b"Subject: 1\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n";
const TWO: &[u8] = b"Subject: 2\r\n\r\nx\r\n";

#[tokio::test]
async fn sessions_over_both_families() {
    for ip in LOOPBACKS {
        let big = [&b"Subject: big\r\n\r\n"[..], &b".line of mail\r\n".repeat(200_000)].concat();
        let mail = Mailbox::with(&[ONE, TWO, &big]);
        let (port, _shutdown) = start(ip, &mail, |_| {}).await;
        let mut client = connect(ip, port).await;
        let stat = client.stat().await.unwrap();
        assert_eq!((stat.messages, stat.octets), (3, (ONE.len() + TWO.len() + big.len()) as u64));
        assert_eq!(client.list().await.unwrap().len(), 3);
        let ids = client.unique_ids().await.unwrap();
        assert_eq!(ids.iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>(), ["id0", "id1", "id2"]);
        assert_eq!(fetch(&mut client, 1).await.unwrap(), ONE);
        assert!(fetch(&mut client, 3).await.unwrap() == big, "3 MB");
        assert!(matches!(fetch(&mut client, 4).await, Err(ClientError::Refused { .. })));
        let mut top = client.top(MessageNumber::FIRST, 1).await.unwrap();
        assert_eq!(top.next().await.unwrap().unwrap(), "Subject: 1\r\n\r\n.dot\r\n");
        assert_eq!(top.next().await.unwrap(), None);
        // In one flight.
        let both = [MessageNumber::new(2).unwrap(), MessageNumber::new(1).unwrap()];
        client.request(&both).unwrap();
        for want in [TWO, ONE] {
            let mut message = client.message().await.unwrap();
            let mut text = Vec::new();
            while let Some(part) = message.next().await.unwrap() {
                text.extend_from_slice(&part);
            }
            assert_eq!(text, want);
        }
        client.delete_all(&both).await.unwrap();
        client.command(&Command::Noop).await.unwrap();
        assert_eq!(mail.left(), 3, "not before QUIT");
        client.quit().await.unwrap();
        assert_eq!(mail.left(), 1);
    }
}

#[tokio::test]
async fn without_quit_nothing_is_removed_and_the_lock_goes_back() {
    for ip in LOOPBACKS {
        let mail = Mailbox::with(&[ONE, TWO]);
        let (port, _shutdown) = start(ip, &mail, |_| {}).await;
        let mut client = connect(ip, port).await;
        client.delete(MessageNumber::FIRST).await.unwrap();
        let socket = TcpStream::connect((ip, port)).await.unwrap();
        let mut second = Client::open(socket, in_clear(), Tls::None).await.unwrap();
        match second.log_in("mrose", &"tanstaaf".into()).await {
            Err(ClientError::AuthRefused(reply)) => assert_eq!(reply.code(), Some(ResponseCode::InUse)),
            other => panic!("{other:?}"),
        }
        drop(client);
        while mail.0.locked.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(mail.left(), 2, "RFC 1939 s 6");
        second.log_in("mrose", &"tanstaaf".into()).await.unwrap();
        assert_eq!(second.stat().await.unwrap().messages, 2);
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_told() {
    for ip in LOOPBACKS {
        let mail = Mailbox::with(&[ONE, TWO]);
        let (port, _shutdown) = start(ip, &mail, |_| {}).await;
        let mut client = connect(ip, port).await;
        client.delete(MessageNumber::FIRST).await.unwrap();
        mail.0.broken.store(true, Ordering::SeqCst);
        assert!(matches!(client.quit().await, Err(ClientError::NotRemoved(_))));
        assert_eq!(mail.left(), 2);
    }
}

#[tokio::test]
async fn a_message_that_breaks_off_is_an_error_and_none() {
    for ip in LOOPBACKS {
        let big = b"line of mail\r\n".repeat(10_000);
        let mail = Mailbox::with(&[&big]);
        mail.0.broken.store(true, Ordering::SeqCst);
        let (port, _shutdown) = start(ip, &mail, |_| {}).await;
        let mut client = connect(ip, port).await;
        client.delete(MessageNumber::FIRST).await.unwrap();
        client.command(&Command::Rset).await.unwrap();
        assert!(matches!(fetch(&mut client, 1).await, Err(ClientError::Drive(_))));
    }
}

#[tokio::test]
async fn tls_by_every_policy() {
    for ip in LOOPBACKS {
        let (server_tls, client_tls) = tls();
        let mail = Mailbox::with(&[ONE]);
        let name = ServerName::from(ip);
        let settings = TlsSettings { config: Arc::clone(&client_tls), name };
        let wrong =
            TlsSettings { config: client_tls, name: ServerName::try_from("elsewhere.example").unwrap() };
        let (with, _one) = start(ip, &mail, |server| server.tls = Some(Arc::clone(&server_tls))).await;
        let (without, _two) = start(ip, &mail, |_| {}).await;
        let (implicit, _three) = start(ip, &mail, |server| {
            server.tls = Some(Arc::clone(&server_tls));
            server.implicit_tls = true;
        })
        .await;
        // (port, policy, whether TLS is on or there is no session, what it shows)
        let rows = [
            (with, Tls::None, Some(false), "not asked for"),
            (with, Tls::Opportunistic(settings.clone()), Some(true), "offered"),
            (with, Tls::Required(settings.clone()), Some(true), "offered"),
            (with, Tls::Required(wrong.clone()), None, "another's certificate"),
            (with, Tls::Opportunistic(wrong.clone()), None, "nothing falls back"),
            (without, Tls::Opportunistic(settings.clone()), Some(false), "not offered"),
            (without, Tls::Required(settings.clone()), None, "not offered, and required"),
            (implicit, Tls::Implicit(settings.clone()), Some(true), "from the first octet on"),
            (implicit, Tls::Implicit(wrong), None, "another's certificate"),
        ];
        for (port, policy, want, shows) in rows {
            let socket = TcpStream::connect((ip, port)).await.unwrap();
            let opened = Client::open(socket, in_clear(), policy).await;
            assert_eq!(opened.as_ref().ok().map(Client::is_tls), want, "{ip} {shows}");
            if let Ok(mut client) = opened {
                client.log_in("mrose", &"tanstaaf".into()).await.unwrap();
                assert_eq!(fetch(&mut client, 1).await.unwrap(), ONE, "{shows}");
                client.quit().await.unwrap();
            }
        }
        // SCRAM, bound to the connection.
        let socket = TcpStream::connect((ip, with)).await.unwrap();
        let mut client =
            Client::open(socket, client::Config::default(), Tls::Required(settings)).await.unwrap();
        let binding = client.channel_bindings().into_iter().next().unwrap();
        let exchange = mail46_sasl::client::Exchange::scram_sha256(
            "",
            "mrose",
            &Secret::from("tanstaaf"),
            Binding::Bound(binding),
            &Nonce::from_random(&[7; 18]),
        );
        client.authenticate(exchange.unwrap()).await.unwrap();
        assert_eq!(client.stat().await.unwrap().messages, 1);
    }
}

#[tokio::test]
async fn log_ins() {
    for ip in LOOPBACKS {
        let mail = Mailbox::with(&[ONE]);
        let (port, _shutdown) = start(ip, &mail, |server| server.apop = Some("pop3.example".into())).await;
        let open = async || {
            let socket = TcpStream::connect((ip, port)).await.unwrap();
            Client::open(socket, in_clear(), Tls::None).await.unwrap()
        };
        let mut client = open().await;
        assert!(client.takes_apop());
        assert!(matches!(client.apop("mrose", &"wrong".into()).await, Err(ClientError::AuthRefused(_))));
        assert!(matches!(client.apop("nobody", &"tanstaaf".into()).await, Err(ClientError::AuthRefused(_))));
        client.apop("mrose", &"tanstaaf".into()).await.unwrap();
        client.quit().await.unwrap();
        let mut client = open().await;
        for (user, password) in [("mrose", "wrong"), ("nobody", "tanstaaf")] {
            match client.log_in(user, &password.into()).await {
                Err(ClientError::AuthRefused(reply)) => {
                    assert_eq!(reply.to_string(), "-ERR [AUTH] authentication failed", "nothing tells which");
                }
                other => panic!("{other:?}"),
            }
        }
        let plain = mail46_sasl::client::Exchange::plain("", "mrose", &"tanstaaf".into()).unwrap();
        client.authenticate(plain).await.unwrap();
        client.quit().await.unwrap();
        // A third failure ends the session.
        let mut client = open().await;
        for _ in 0..3 {
            client.log_in("mrose", &"wrong".into()).await.unwrap_err();
        }
        assert!(matches!(client.log_in("mrose", &"tanstaaf".into()).await, Err(ClientError::Drive(_))));
    }
}

#[tokio::test]
async fn plaintext_behind_stls_ends_the_session() {
    for ip in LOOPBACKS {
        let (server_tls, _) = tls();
        let mail = Mailbox::with(&[ONE]);
        let (port, _shutdown) = start(ip, &mail, |server| server.tls = Some(server_tls)).await;
        let mut socket = TcpStream::connect((ip, port)).await.unwrap();
        socket.write_all(b"STLS\r\nUSER mrose\r\n").await.unwrap();
        let mut said = Vec::new();
        let _ = socket.read_to_end(&mut said).await;
        assert_eq!(String::from_utf8(said).unwrap(), "+OK ready\r\n", "no +OK to STLS, nothing more");
    }
}

#[tokio::test]
async fn autologout_removes_nothing() {
    for ip in LOOPBACKS {
        let mail = Mailbox::with(&[ONE]);
        let short = |server: &mut Server| {
            Arc::make_mut(&mut server.config).timeouts.autologout = Duration::from_millis(300);
        };
        let (port, _shutdown) = start(ip, &mail, short).await;
        let mut client = connect(ip, port).await;
        client.delete(MessageNumber::FIRST).await.unwrap();
        while mail.0.locked.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(client.quit().await.is_err());
        assert_eq!(mail.left(), 1, "RFC 1939 s 3: no UPDATE");
    }
}

#[tokio::test]
async fn shutdown_removes_nothing() {
    for ip in LOOPBACKS {
        let mail = Mailbox::with(&[ONE]);
        let (port, shutdown) = start(ip, &mail, |_| {}).await;
        let mut client = connect(ip, port).await;
        client.delete(MessageNumber::FIRST).await.unwrap();
        shutdown.begin();
        assert!(client.quit().await.is_err());
        assert_eq!(mail.left(), 1);
    }
}

/// A client that asks for much and reads nothing holds back the maildrop, and so costs no memory.
#[tokio::test]
async fn who_does_not_read_is_not_sent_to() {
    for ip in LOOPBACKS {
        let big = Bytes::from(b"line of mail\r\n".repeat(4_000_000));
        let mail = Mailbox::default();
        mail.0.mail.lock().unwrap().push(big.clone());
        let (port, _shutdown) = start(ip, &mail, |_| {}).await;
        let mut socket = TcpStream::connect((ip, port)).await.unwrap();
        socket.write_all(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\n").await.unwrap();
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let read = mail.0.read.load(Ordering::SeqCst);
            if read == before && read > 0 {
                break;
            }
            before = read;
        }
        assert!(before < big.len() as u64 / 2, "{before} octets of {} were read", big.len());
    }
}

#[tokio::test]
async fn a_shutdown_is_heard_in_the_middle_of_everything() {
    for ip in LOOPBACKS {
        // In an AUTH exchange, and by a client that always has a next command ready.
        for (said, flood) in [("AUTH PLAIN\r\n", ""), ("USER mrose\r\nPASS tanstaaf\r\n", "RETR 1\r\n")] {
            let (port, shutdown) = start(ip, &Mailbox::with(&[ONE]), |_| {}).await;
            let (mut answers, mut commands) = TcpStream::connect((ip, port)).await.unwrap().into_split();
            commands.write_all(said.as_bytes()).await.unwrap();
            tokio::spawn(async move {
                let block = flood.repeat(1000);
                while !block.is_empty() && commands.write_all(block.as_bytes()).await.is_ok() {}
                std::future::pending::<()>().await;
            });
            let begun = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                shutdown.begin();
            };
            let mut rest = Vec::new();
            let ended = async {
                // A reset is an end as well: not all of the flood was read.
                while let Ok(1..) = answers.read_buf(&mut rest).await {
                    let kept = rest.len().saturating_sub(100);
                    rest.drain(..kept);
                }
            };
            let both = async { tokio::join!(begun, ended) };
            tokio::time::timeout(Duration::from_secs(10), both).await.expect("an end");
            // Behind a flood the last word may be lost in the reset.
            let said = rest.ends_with(b"-ERR [SYS/TEMP] shutting down\r\n");
            assert!(said || !flood.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
        }
    }
}
