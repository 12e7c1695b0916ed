//! The tokio drivers over sockets of both families, our client against our server; and raw clients and servers that do
//! what ours never would.

#![cfg(feature = "tls")]

use std::{net::IpAddr, net::SocketAddr, sync::Arc, sync::Mutex, time::Duration};

use mail46_sasl::{
    Binding, Nonce, ScramHash, ScramKeys, Secret,
    client::Exchange,
    client::LoginStart,
    server::{Answer, Identity, Question},
};
use mail46_smtp::client::{self, Envelope, Outcome};
use mail46_smtp::net::{
    Client, ClientError, Delivery, Message, MessageError, Peer, SendError, ServeError, Server, Session,
    Shutdown, Tls, TlsSettings, serve, serve_connection,
};
use mail46_smtp::server::{Config, Dialect, Offer};
use mail46_smtp::{Body, Command, EnhancedCode, ForwardPath, Params, Reply, ReversePath};
use mail46_wire::net::{Pace, Stream};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const BOTH: [&str; 2] = ["127.0.0.1", "::1"];

/// What the sessions have seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// How a session takes messages.
#[derive(Clone, Copy, PartialEq)]
enum Taste {
    All,
    /// The second recipient is over its quota.
    Each,
    /// Refuses without reading a word.
    NoneUnread,
    /// Accepts without reading a word.
    AllUnread,
}

struct Mailbox {
    seen: Seen,
    taste: Taste,
}

fn code(code: u16, text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(2, 0, 0), text)
}

impl Session for Mailbox {
    async fn tls(&mut self, description: &str) {
        assert!(description.starts_with("TLSv1.3 "), "{description}");
        self.seen.note("tls");
    }

    async fn question(&mut self, question: &Question) -> Answer {
        let secret = || Secret::from("secret");
        match question {
            Question::Password(presented) if presented.user == "user" => Answer::Password(secret()),
            Question::SharedSecret { user } if user == "user" => Answer::Password(secret()),
            Question::ScramKeys { user, hash } if user == "user" => Answer::ScramKeys(keys(*hash)),
            Question::Token(token)
                if token.token.as_ref().is_some_and(|token| token.expose() == b"secret") =>
            {
                Answer::Owner("user".into())
            }
            Question::Certificate { .. } | Question::Anonymous { .. } => Answer::Owner("user".into()),
            _ => Answer::Reject,
        }
    }

    async fn authenticated(&mut self, identity: Identity) {
        self.seen.note(format!("hello {}", identity.acts_as()));
    }

    async fn mail(&mut self, _: ReversePath, _: Params) -> Result<Reply, Reply> {
        Ok(code(250, "ok"))
    }

    async fn rcpt(&mut self, to: ForwardPath, _: Params) -> Result<Reply, Reply> {
        if to.to_string().contains("no@") { Err(code(550, "no")) } else { Ok(code(250, "ok")) }
    }

    async fn data(&mut self, message: &mut Message<'_>) -> Result<Delivery, Reply> {
        match self.taste {
            Taste::NoneUnread => return Err(code(554, "no")),
            Taste::AllUnread => return Ok(code(250, "unread").into()),
            Taste::All | Taste::Each => {}
        }
        let mut octets = Vec::new();
        loop {
            match message.next().await {
                Ok(Some(part)) => octets.extend_from_slice(&part),
                Ok(None) => break,
                Err(error) => {
                    self.seen.note(format!("{error:?}"));
                    return Err(error.into());
                }
            }
        }
        self.seen.note(format!(
            "<{} {}>",
            octets.len(),
            octets.get(..20.min(octets.len())).unwrap().escape_ascii()
        ));
        Ok(match self.taste {
            Taste::Each => Delivery::Each(vec![code(250, "first"), code(452, "second")]),
            _ => code(250, "taken").into(),
        })
    }

    async fn reset(&mut self) {
        self.seen.note("reset");
    }
}

fn keys(hash: ScramHash) -> ScramKeys {
    ScramKeys::derive(hash, &Secret::from("secret"), b"salt", 4096).unwrap()
}

fn tls() -> (Arc<ServerConfig>, TlsSettings) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (
        Arc::new(server),
        TlsSettings { config: Arc::new(client), name: ServerName::try_from("localhost").unwrap() },
    )
}

/// A server on a port of its own.
struct Host {
    address: SocketAddr,
    seen: Seen,
    shutdown: Arc<Shutdown>,
    running: JoinHandle<std::io::Result<()>>,
}

impl Host {
    async fn start(ip: &str, taste: Taste, setup: impl FnOnce(&mut Config)) -> (Self, TlsSettings) {
        Self::start_with(ip, taste, setup, |_| {}).await
    }

    async fn start_with(
        ip: &str,
        taste: Taste,
        setup: impl FnOnce(&mut Config),
        more: impl FnOnce(&mut Server),
    ) -> (Self, TlsSettings) {
        let ip: IpAddr = ip.parse().unwrap();
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::new("mx.example".parse().unwrap());
        config.offer = config.offer | Offer::STARTTLS | Offer::BINARY_MIME;
        setup(&mut config);
        let mut server = Server::new(config).unwrap();
        let (certificate, settings) = tls();
        server.tls = Some(certificate);
        more(&mut server);
        let (seen, shutdown) = (Seen::default(), Arc::new(Shutdown::new()));
        let (seen_by_all, until) = (seen.clone(), Arc::clone(&shutdown));
        let running = tokio::spawn(async move {
            let service = move |peer: &Peer| {
                assert_eq!(peer.remote.ip(), ip, "whom the session is told of");
                Mailbox { seen: seen_by_all.clone(), taste }
            };
            serve([listener], &server, Arc::new(service), &until).await
        });
        (Self { address, seen, shutdown, running }, settings)
    }

    async fn client(&self, tls: Tls) -> Client {
        self.try_client(tls).await.unwrap()
    }

    async fn try_client(&self, tls: Tls) -> Result<Client, ClientError> {
        let socket = TcpStream::connect(self.address).await.unwrap();
        Client::open(socket, client_config(), tls).await
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.running.await.unwrap().unwrap();
    }
}

fn client_config() -> client::Config {
    client::Config::new("client.example".parse().unwrap())
}

fn envelope(message: &[u8]) -> Envelope {
    let to = ["one@d.example", "no@d.example", "two@d.example"].map(|to| to.parse().unwrap());
    Envelope::new("a@b.example".parse::<mail46_smtp::Mailbox>().unwrap(), to).with_size(message.len() as u64)
}

fn codes(outcomes: &[Outcome]) -> Vec<u16> {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Accepted(reply) | Outcome::Refused { reply, .. } => reply.code().value(),
        Outcome::Ambiguous => 1,
        _ => 0,
    };
    outcomes.iter().map(code).collect()
}

#[tokio::test]
async fn messages_of_all_sizes_plain_starttls_implicit() {
    for ip in BOTH {
        for way in 0..3 {
            let implicit = |server: &mut Server| server.implicit_tls = way == 2;
            let (host, settings) =
                Host::start_with(ip, Taste::Each, |config| config.dialect = Dialect::Lmtp, implicit).await;
            let tls = match way {
                0 => Tls::None,
                1 => Tls::Required(settings),
                _ => Tls::Implicit(settings),
            };
            let socket = TcpStream::connect(host.address).await.unwrap();
            let mut config = client_config();
            config.dialect = Dialect::Lmtp;
            let mut client = Client::open(socket, config, tls).await.unwrap();
            assert_eq!(client.is_tls(), way > 0);
            for size in [0, 1_000, 400_000] {
                let message = b"0123456789\r\n..\r\n.\r\n\r\n".repeat(size / 21);
                for sized in [true, false] {
                    let mut envelope = envelope(&message);
                    envelope.size = envelope.size.filter(|_| sized);
                    let outcomes = client.send(&envelope, &mut &message[..]).await.unwrap();
                    assert_eq!(codes(&outcomes), [250, 550, 452], "LMTP: to each its own");
                    let seen = host.seen.take().pop().unwrap();
                    assert!(seen.starts_with(&format!("<{} ", message.len())), "{seen}");
                }
            }
            client.quit().await.unwrap();
            host.stop().await;
        }
    }
}

#[tokio::test]
async fn every_mechanism() {
    const ALL: [&str; 10] = [
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256-PLUS",
        "OAUTHBEARER",
        "XOAUTH2",
        "EXTERNAL",
        "ANONYMOUS",
    ];
    for ip in BOTH {
        let (host, settings) =
            Host::start(ip, Taste::All, |config| config.mechanisms = ALL.map(String::from).to_vec()).await;
        for name in ALL {
            for password in ["secret", "wrong"] {
                let mut client = host.client(Tls::Required(settings.clone())).await;
                assert!(client.extensions().unwrap().has_mechanism(name));
                let (nonce, secret) = (Nonce::from_random(&[7; 18]), Secret::from(password));
                let binding = client.channel_bindings().into_iter().next().unwrap();
                let exchange = match name {
                    "PLAIN" => Exchange::plain("", "user", &secret),
                    "LOGIN" => Exchange::login("user", &secret, LoginStart::ServerFirst),
                    "CRAM-MD5" => Exchange::cram_md5("user", &secret),
                    "SCRAM-SHA-1" => Exchange::scram_sha1("", "user", &secret, Binding::Unsupported, &nonce),
                    "SCRAM-SHA-256" => {
                        Exchange::scram_sha256("", "user", &secret, Binding::Unsupported, &nonce)
                    }
                    "SCRAM-SHA-256-PLUS" => {
                        Exchange::scram_sha256("", "user", &secret, Binding::Bound(binding), &nonce)
                    }
                    "OAUTHBEARER" => Exchange::oauthbearer("", &secret, None),
                    "XOAUTH2" => Exchange::xoauth2("user", &secret),
                    "EXTERNAL" => Exchange::external(""),
                    _ => Exchange::anonymous(""),
                };
                let done = client.authenticate(exchange.unwrap()).await;
                let open = password == "secret" || name == "EXTERNAL" || name == "ANONYMOUS";
                match done {
                    Ok(reply) => assert!(open && reply.code() == 235, "{name}"),
                    Err(ClientError::AuthRefused(reply)) => {
                        assert!(!open && reply.code() == 535, "{name} {reply}")
                    }
                    Err(error) => panic!("{name}: {error}"),
                }
                assert_eq!(host.seen.take().contains(&"hello user".to_owned()), open, "{name}");
                client.command(&Command::Noop(None)).await.unwrap();
                client.quit().await.unwrap();
            }
        }
        host.stop().await;
    }
}

#[tokio::test]
async fn sessions_that_do_not_read() {
    let message = b"0123456789abcdef\r\n".repeat(50_000);
    for ip in BOTH {
        for (taste, want) in [(Taste::NoneUnread, [554, 550, 554]), (Taste::AllUnread, [250, 550, 250])] {
            for offer in [Offer::NONE, Offer::PIPELINING | Offer::CHUNKING] {
                let (host, _) = Host::start(ip, taste, |config| config.offer = offer).await;
                let mut client = host.client(Tls::None).await;
                for _ in 0..2 {
                    let outcomes = client.send(&envelope(&message), &mut &message[..]).await.unwrap();
                    assert_eq!(
                        codes(&outcomes),
                        want,
                        "the message is read to its end, and the session goes on"
                    );
                }
                client.quit().await.unwrap();
                host.stop().await;
            }
        }
    }
}

/// Says this, and reads to the end.
async fn raw(address: SocketAddr, said: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(said).await.unwrap();
    let mut heard = String::new();
    socket.read_to_string(&mut heard).await.unwrap();
    heard
}

/// The codes of a dialogue, one a reply.
fn digest(heard: &str) -> String {
    let last = heard.lines().filter(|line| line.as_bytes().get(3) != Some(&b'-'));
    last.map(|line| &line[..3]).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn chunks_and_what_comes_between_them() {
    const TO: &str = "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n";
    // (said, codes, what the session saw, what it shows)
    let rows = [
        (
            "BDAT 5\r\nhelloNOOP\r\nFROB\r\nVRFY x\r\nBDAT 6 LAST\r\n worldQUIT\r\n",
            "250 250 500 502 250 221",
            vec!["<11 hello world>"],
            "what changes nothing leaves the message whole",
        ),
        (
            "BDAT 5\r\nhelloRSET\r\nBDAT 6 LAST\r\n worldQUIT\r\n",
            "250 250 503 221",
            vec!["Aborted", "reset", "reset"],
            "RSET gives it up",
        ),
        (
            "BDAT 5\r\nhelloEHLO d.example\r\nBDAT 6 LAST\r\n worldQUIT\r\n",
            "250 250 503 221",
            vec!["Aborted", "reset", "reset"],
            "so does EHLO",
        ),
        (
            "BDAT 5\r\na\nb\ncBDAT 2 LAST\r\nhiRSET\r\nQUIT\r\n",
            "554 503 250 221",
            vec!["Aborted", "reset", "reset"],
            "bare LF in a chunk",
        ),
        (
            "DATA\r\na\nb\r\n.\r\nQUIT\r\n",
            "354 554 221",
            vec!["Refused(Dot(BareLf { at: 1 }))", "reset"],
            "and in DATA",
        ),
    ];
    for ip in BOTH {
        let (host, _) = Host::start(ip, Taste::All, |config| config.message_size = 1_000).await;
        for (said, codes, seen, shows) in &rows {
            let heard = raw(host.address, format!("{TO}{said}").as_bytes()).await;
            assert_eq!(digest(&heard), format!("220 250 250 250 {codes}"), "{shows}");
            assert_eq!(host.seen.take(), *seen, "{shows}");
        }
        host.stop().await;
    }
}

#[tokio::test]
async fn octets_behind_starttls_and_quit() {
    for ip in BOTH {
        let (host, _) = Host::start(ip, Taste::All, |_| {}).await;
        for behind in ["NOOP\r\n", "N"] {
            let heard = raw(host.address, format!("EHLO c.example\r\nSTARTTLS\r\n{behind}").as_bytes()).await;
            assert!(!heard.contains("220 2.0.0"), "RFC 3207 s 6: {heard}");
        }
        let heard = raw(host.address, b"QUIT\r\nNOOP\r\nMAIL FROM:<>").await;
        assert_eq!(digest(&heard), "220 221");
        host.stop().await;
    }
}

#[tokio::test]
async fn a_shut_down_between_commands_and_inside_a_message() {
    for ip in BOTH {
        let (host, _) = Host::start(ip, Taste::All, |_| {}).await;
        let mut idle = TcpStream::connect(host.address).await.unwrap();
        let mut busy = TcpStream::connect(host.address).await.unwrap();
        busy.write_all(b"EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nhalf")
            .await
            .unwrap();
        let (mut heard, mut octet) = (String::new(), [0]);
        while !heard.ends_with("\r\n354 end with <CRLF>.<CRLF>\r\n") {
            busy.read_exact(&mut octet).await.unwrap();
            heard.push(char::from(octet[0]));
        }
        let mut greeting = [0; 10];
        idle.read_exact(&mut greeting).await.unwrap();
        host.shutdown.begin();
        let mut rest = String::new();
        idle.read_to_string(&mut rest).await.unwrap();
        assert!(rest.ends_with("\r\n421 4.3.2 mx.example shutting down\r\n"), "at once: {rest}");
        busy.write_all(b" and half\r\n.\r\nMAIL FROM:<>\r\n").await.unwrap();
        let mut rest = String::new();
        busy.read_to_string(&mut rest).await.unwrap();
        assert_eq!(digest(&rest), "250 421", "the message is taken first: {rest}");
        assert_eq!(host.seen.take(), ["<15 half and half\\r\\n>"]);
        assert!(TcpStream::connect(host.address).await.is_err(), "nobody is let in any more");
        host.stop().await;
    }
}

#[tokio::test]
async fn connections_wait_for_a_slot_whatever_their_family() {
    let mut listeners = Vec::new();
    for ip in BOTH {
        listeners.push(TcpListener::bind((ip.parse::<IpAddr>().unwrap(), 0)).await.unwrap());
    }
    let addresses: Vec<SocketAddr> =
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let mut server = Server::new(Config::new("mx.example".parse().unwrap())).unwrap();
    server.connections = 1;
    let until = Arc::new(Shutdown::new());
    let shutdown = Arc::clone(&until);
    let running = tokio::spawn(async move {
        let service = |_: &Peer| Mailbox { seen: Seen::default(), taste: Taste::All };
        serve(listeners, &server, Arc::new(service), &until).await
    });
    for address in addresses.iter().chain(addresses.iter().rev()) {
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut greeting = [0; 4];
        first.read_exact(&mut greeting).await.unwrap();
        let mut others = Vec::new();
        for address in &addresses {
            let mut other = TcpStream::connect(address).await.unwrap();
            let early =
                tokio::time::timeout(Duration::from_millis(30), other.read_exact(&mut greeting)).await;
            assert!(early.is_err(), "one at a time");
            others.push(other);
        }
        drop(first);
        for mut other in others {
            other.write_all(b"QUIT\r\n").await.unwrap();
            let mut heard = String::new();
            other.read_to_string(&mut heard).await.unwrap();
            assert_eq!(digest(&heard), "220 221", "each has its turn");
        }
    }
    shutdown.begin();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn implicit_tls_without_a_certificate_serves_nobody() {
    let mut server = Server::new(Config::new("mx.example".parse().unwrap())).unwrap();
    server.implicit_tls = true;
    let (near, mut far) = duplex(1_000);
    let session = Mailbox { seen: Seen::default(), taste: Taste::All };
    let ended = serve_connection(Stream::new(near), session, &server, &Shutdown::new()).await;
    assert!(matches!(ended, Err(ServeError::NoCertificate)), "{ended:?}");
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert!(heard.is_empty(), "no word in the clear, which the session would take for secret");
}

#[tokio::test(start_paused = true)]
async fn who_stands_still_or_drips_is_cut_off() {
    for said in ["EHLO c.example\r\n", "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"]
    {
        for drips in [false, true] {
            let server = Server::new(Config::new("mx.example".parse().unwrap())).unwrap();
            let (near, far) = duplex(10_000);
            let seen = Seen::default();
            let session = Mailbox { seen: seen.clone(), taste: Taste::All };
            let (mut reader, mut writer) = tokio::io::split(far);
            let dripper = tokio::spawn(async move {
                writer.write_all(said.as_bytes()).await.unwrap();
                while drips && writer.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                }
                writer
            });
            let begun = tokio::time::Instant::now();
            let stream = Stream::with_pace(near, Pace::default());
            let ended = serve_connection(stream, session, &server, &Shutdown::new()).await;
            let Err(ServeError::Drive(_)) = ended else { panic!("{ended:?}") };
            assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
            let mut heard = String::new();
            reader.read_to_string(&mut heard).await.unwrap();
            assert!(heard.ends_with("\r\n421 4.4.2 mx.example timeout\r\n"), "RFC 5321 s 3.8: {heard}");
            if said.contains("DATA") {
                assert_eq!(
                    seen.take(),
                    [format!("{:?}", MessageError::Lost), "reset".into()],
                    "nothing is kept"
                );
            }
            dripper.abort();
        }
    }
}

/// A server that plays a script: waits for a line that begins so, and says this.
async fn script(ip: &str, steps: &'static [(&'static str, &'static str)]) -> SocketAddr {
    let listener = TcpListener::bind((ip.parse::<IpAddr>().unwrap(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        for (wanted, said) in steps {
            let mut block = [0; 4096];
            while !heard.contains(wanted) {
                let n = socket.read(&mut block).await.unwrap();
                heard.push_str(std::str::from_utf8(&block[..n]).unwrap());
                assert!(n > 0, "{heard:?} has no {wanted:?}");
            }
            let at = heard.find(wanted).unwrap() + wanted.len();
            heard = heard.split_off(at);
            socket.write_all(said.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn what_a_broken_connection_leaves() {
    const OPEN: (&str, &str) = ("", "220 mx\r\n");
    const EHLO: (&str, &str) = ("EHLO client.example\r\n", "250-mx\r\n250 PIPELINING\r\n");
    let rows: &[(&'static [(&str, &str)], &[u16], &str)] = &[
        (&[OPEN, EHLO, ("MAIL", "")], &[0, 0, 0], "before any reply"),
        (
            &[OPEN, EHLO, ("DATA\r\n", "250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 go\r\n"), ("hi", "")],
            &[0, 550, 0],
            "inside the message, perhaps",
        ),
        (
            &[OPEN, EHLO, ("DATA\r\n", "250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 go\r\n"), ("\r\n.\r\n", "")],
            &[1, 550, 1],
            "RFC 1047: behind the dot",
        ),
    ];
    for ip in BOTH {
        for (steps, want, shows) in rows {
            let address = script(ip, steps).await;
            let mut client =
                Client::open(TcpStream::connect(address).await.unwrap(), client_config(), Tls::None)
                    .await
                    .unwrap();
            let message = b"hi\r\n";
            let Err(SendError::Lost { outcomes, .. }) =
                client.send(&envelope(message), &mut &message[..]).await
            else {
                panic!("{shows}");
            };
            if shows.contains("perhaps") {
                assert_eq!(outcomes.get(1).map(|one| codes(std::slice::from_ref(one))), Some(vec![550]));
                continue; // whether the dot has left is the kernel's to know
            }
            assert_eq!(codes(&outcomes), *want, "{shows}");
        }
    }
}

#[tokio::test]
async fn tls_is_a_policy_that_no_server_talks_down() {
    let (_, settings) = tls();
    const OPEN: (&str, &str) = ("", "220 mx\r\n");
    for ip in BOTH {
        let open = |address| {
            let settings = settings.clone();
            async move {
                Client::open(
                    TcpStream::connect(address).await.unwrap(),
                    client_config(),
                    Tls::Required(settings),
                )
                .await
            }
        };
        let address = script(ip, &[OPEN, ("EHLO", "250 mx\r\n"), ("\0", "")]).await;
        assert!(matches!(open(address).await, Err(ClientError::NoTls)), "the word taken away");
        let address = script(
            ip,
            &[OPEN, ("EHLO", "250-mx\r\n250 STARTTLS\r\n"), ("STARTTLS\r\n", "454 no\r\n"), ("\0", "")],
        )
        .await;
        assert!(matches!(open(address).await, Err(ClientError::TlsRefused(_))));
        let address = script(
            ip,
            &[
                OPEN,
                ("EHLO", "250-mx\r\n250 STARTTLS\r\n"),
                ("STARTTLS\r\n", "220 go\r\n250 ok\r\n"),
                ("\0", ""),
            ],
        )
        .await;
        assert!(matches!(open(address).await, Err(ClientError::Drive(_))), "octets behind the 220");
        let address = script(
            ip,
            &[
                OPEN,
                ("EHLO", "250-mx\r\n250 STARTTLS\r\n"),
                ("STARTTLS\r\n", "220 go\r\n"),
                ("", "no TLS here\r\n"),
                ("\0", ""),
            ],
        )
        .await;
        assert!(
            matches!(open(address).await, Err(ClientError::Tls(_) | ClientError::Drive(_))),
            "no handshake"
        );
        let address = script(
            ip,
            &[
                OPEN,
                ("EHLO", "250-mx\r\n250 STARTTLS\r\n"),
                ("STARTTLS\r\n", "454 no\r\n"),
                ("QUIT", "221 bye\r\n"),
            ],
        )
        .await;
        let socket = TcpStream::connect(address).await.unwrap();
        let client =
            Client::open(socket, client_config(), Tls::Opportunistic(settings.clone())).await.unwrap();
        assert!(!client.is_tls(), "opportunistic: refused, and goes on");
        client.quit().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_hears_a_secret() {
    let (host, settings) =
        Host::start("::1", Taste::All, |config| config.mechanisms = vec!["PLAIN".into(), "LOGIN".into()])
            .await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    for first in [true, false] {
        let ear = Arc::clone(&heard);
        let socket = TcpStream::connect(host.address).await.unwrap();
        let observer = Box::new(move |_, octets: &[u8]| ear.lock().unwrap().extend_from_slice(octets));
        let opened =
            Client::open_observed(socket, client_config(), Tls::Required(settings.clone()), Some(observer))
                .await;
        let mut client = opened.unwrap();
        let secret = Secret::from("secret");
        let exchange = if first {
            Exchange::plain("", "user", &secret)
        } else {
            Exchange::login("user", &secret, LoginStart::ServerFirst)
        };
        client.authenticate(exchange.unwrap()).await.unwrap();
        let message = b"the message\r\n";
        client.send(&envelope(message).with_body(Body::SevenBit), &mut &message[..]).await.unwrap();
        client.quit().await.unwrap();
    }
    let heard = String::from_utf8(std::mem::take(&mut heard.lock().unwrap())).unwrap();
    for secret in ["AHVzZXIAc2VjcmV0", "c2VjcmV0", "dXNlcg==", "the message"] {
        assert!(!heard.contains(secret), "{heard}");
    }
    assert!(
        heard.contains("AUTH PLAIN ****") && heard.contains("235 ") && heard.contains("<13 octets>"),
        "{heard}"
    );
    host.stop().await;
}
