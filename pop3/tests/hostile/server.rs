//! A server that misbehaves by plan: an ordinary POP3 dialogue with STLS and AUTH over a maildrop of one message, in which a row of the
//! table replaces what is said at one point. It keeps a record of what the client said in the clear and inside TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// No client may be made to take more than this before it gives up.
pub(crate) const FLOOD: usize = 64 << 20;
/// And no connection lasts longer than this.
const LONGEST: Duration = Duration::from_secs(40);

/// The one message of the maildrop.
pub(crate) const MESSAGE: &str = "Subject: hostile\r\n\r\nover both families\r\n";

/// The points of the dialogue at which a row may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Capa,
    Stls,
    /// Instead of the server's part of the handshake.
    Handshake,
    CapaInTls,
    User,
    Pass,
    Auth,
    /// The client's second line of an AUTH exchange, and the third.
    AuthAnswer,
    AuthAnswerAgain,
    List,
    Uidl,
    Retr,
    Dele,
    Quit,
}

/// What the server does there.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Say(Vec<u8>),
    SayAndClose(Vec<u8>),
    /// Says the reply and goes silent: it reads on, and counts what comes.
    SayAndWait(Vec<u8>),
    /// A beginning, then the same octets without end.
    Endless(Vec<u8>, Vec<u8>),
    /// A beginning, then lines without end that are all different: `{number}` in this one is replaced.
    Counting(&'static str),
    /// The octets of a line without end, one at a time.
    Drip(u8),
    /// A SCRAM server-first-message made of the client's nonce: this with `{nonce}` replaced, in base64 behind `+ `.
    Scram(&'static str),
    Close,
}

/// Which certificate the server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    WrongName,
    Expired,
    SelfSigned,
    /// Of an authority that nobody trusts.
    Stranger,
}

/// The authority that the client trusts, and a TLS configuration for each certificate.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (pem, issuer) = Self::new_issuer();
        Self { pem, issuer }
    }

    fn new_issuer() -> (String, rcgen::Issuer<'static, rcgen::KeyPair>) {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "hostile test authority");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), rcgen::Issuer::new(params, key))
    }

    pub(crate) fn config(&self, which: Certificate) -> Arc<ServerConfig> {
        let names: &[&str] = match which {
            Certificate::WrongName => &["elsewhere.example"],
            _ => &["localhost", "127.0.0.1", "::1"],
        };
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        if which == Certificate::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let stranger = Self::new_issuer().1;
        let certificate = match which {
            Certificate::Stranger => params.signed_by(&key, &stranger),
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![certificate.unwrap().der().clone()];
        Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
    }
}

/// What the client did.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// Everything that came in the clear (a TLS handshake aside), and inside TLS.
    pub(crate) clear: Vec<u8>,
    pub(crate) inside: Vec<u8>,
    /// Commands after a reply behind which the server keeps silent.
    pub(crate) after_silence: Vec<Vec<u8>>,
    pub(crate) connections: usize,
    pub(crate) handshakes: usize,
    /// Octets that the client took of an endless reply.
    pub(crate) flooded: usize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Listens on a free port of the address; each connection gets the same treatment.
    pub(crate) fn start(
        address: IpAddr,
        config: Arc<ServerConfig>,
        capa: &str,
        in_tls: &str,
        plan: &[(Stage, Act)],
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stopped) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let shared = (seen.clone(), stopped.clone());
        let texts = (capa.to_owned(), in_tls.to_owned());
        let plan = plan.to_vec();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if shared.1.load(Ordering::Relaxed) {
                    return;
                }
                shared.0.lock().unwrap().connections += 1;
                let (config, plan, texts, shared) =
                    (config.clone(), plan.clone(), texts.clone(), shared.clone());
                thread::spawn(move || {
                    let mut peer = Peer::new(socket, config, plan, shared.0, shared.1);
                    let _ended_by_the_client = peer.serve(&texts.0, &texts.1);
                });
            }
        });
        Self { address, seen, stopped }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _wakes_accept = TcpStream::connect(self.address);
    }
}

/// What the client told that it must not have told: a password outside TLS, a log-in where none may be, a command behind a silence.
pub(crate) fn leaks(seen: &Seen, user: &str, password: &str, never: bool) -> Vec<String> {
    let has = |place: &[u8], what: &[u8]| place.windows(what.len()).any(|window| window == what);
    let forms = [
        password.to_owned(),
        base64(password.as_bytes()),
        base64(format!("\0{user}\0{password}").as_bytes()),
    ];
    let log_ins: [&[u8]; 4] = [b"AUTH ", b"USER ", b"PASS ", b"APOP "];
    let mut faults = Vec::new();
    if forms.iter().any(|form| has(&seen.clear, form.as_bytes())) {
        faults.push("the password went out in the clear".to_owned());
    }
    if log_ins.iter().any(|word| has(&seen.clear, word)) {
        faults.push("a log-in in the clear".to_owned());
    }
    if never && log_ins.iter().any(|word| has(&seen.inside, word)) {
        faults.push("a log-in inside TLS that proved nothing".to_owned());
    }
    let commands: [&[u8]; 9] =
        [b"CAPA", b"AUTH", b"USER", b"PASS", b"APOP", b"LIST", b"UIDL", b"RETR", b"DELE"];
    let went_on =
        |line: &&Vec<u8>| commands.iter().any(|command| line.to_ascii_uppercase().starts_with(command));
    if let Some(line) = seen.after_silence.iter().find(went_on) {
        faults.push(format!("went on without a reply: {}", line.escape_ascii()));
    }
    faults
}

enum Socket {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

struct Peer {
    socket: Option<Socket>,
    input: Vec<u8>,
    config: Arc<ServerConfig>,
    plan: Vec<(Stage, Act)>,
    seen: Arc<Mutex<Seen>>,
    stopped: Arc<AtomicBool>,
    began: Instant,
    inside: bool,
}

impl Peer {
    fn new(
        socket: TcpStream,
        config: Arc<ServerConfig>,
        plan: Vec<(Stage, Act)>,
        seen: Arc<Mutex<Seen>>,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        // So that a thread whose test is over ends.
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        socket.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        socket.set_nodelay(true).unwrap();
        let socket = Some(Socket::Clear(socket));
        Self { socket, input: Vec::new(), config, plan, seen, stopped, began: Instant::now(), inside: false }
    }

    fn serve(&mut self, capa: &str, in_tls: &str) -> io::Result<()> {
        self.act(Stage::Greeting, b"+OK hostile.example <1896.697170952@hostile.example>\r\n")?;
        loop {
            let line = self.line()?;
            let word = line.split(|&octet| octet == b' ').next().unwrap_or_default();
            match word.to_ascii_uppercase().as_slice() {
                b"CAPA" if self.inside => self.act(Stage::CapaInTls, in_tls.as_bytes())?,
                b"CAPA" => self.act(Stage::Capa, capa.as_bytes())?,
                b"STLS" => {
                    let began = self.act(Stage::Stls, b"+OK begin TLS\r\n")?;
                    if began {
                        self.start_tls()?;
                    }
                    continue;
                }
                b"USER" => self.act(Stage::User, b"+OK\r\n")?,
                b"PASS" => self.act(Stage::Pass, b"+OK welcome\r\n")?,
                b"AUTH" => self.auth(&line)?,
                b"LIST" => {
                    self.act(Stage::List, format!("+OK\r\n1 {}\r\n.\r\n", MESSAGE.len()).as_bytes())?
                }
                b"UIDL" => self.act(Stage::Uidl, b"+OK\r\n1 one\r\n.\r\n")?,
                b"RETR" => self.act(Stage::Retr, format!("+OK\r\n{MESSAGE}.\r\n").as_bytes())?,
                b"DELE" => self.act(Stage::Dele, b"+OK\r\n")?,
                b"QUIT" => {
                    self.act(Stage::Quit, b"+OK bye\r\n")?;
                    return Ok(());
                }
                b"NOOP" | b"RSET" => self.say(b"+OK\r\n")?,
                _ => self.say(b"-ERR what?\r\n")?,
            };
        }
    }

    fn say(&mut self, octets: &[u8]) -> io::Result<bool> {
        self.write(octets)?;
        Ok(octets.starts_with(b"+OK"))
    }

    /// The exchange of AUTH as the plan has it; without one, PLAIN and LOGIN succeed.
    fn auth(&mut self, line: &[u8]) -> io::Result<bool> {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut words = text.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let mut answer = words.next().map(|initial| initial.as_bytes().to_vec());
        let usual: &[&str] = match (mechanism.as_str(), &answer) {
            ("LOGIN", None) => &["+ VXNlcm5hbWU6\r\n", "+ UGFzc3dvcmQ6\r\n"],
            ("LOGIN", Some(_)) => &["+ UGFzc3dvcmQ6\r\n"],
            (_, None) => &["+ \r\n"],
            (_, Some(_)) => &[],
        };
        for round in 0.. {
            let stage =
                [Stage::Auth, Stage::AuthAnswer].get(round).copied().unwrap_or(Stage::AuthAnswerAgain);
            let usual = usual.get(round).unwrap_or(&"+OK welcome\r\n").as_bytes();
            let says = match self.plan(stage) {
                Some(Act::Scram(template)) => {
                    if answer.is_none() {
                        self.write(b"+ \r\n")?;
                        answer = Some(self.line()?);
                    }
                    let first = unbase64(&answer.take().unwrap_or_default());
                    let first = String::from_utf8_lossy(&first).into_owned();
                    let nonce = first.split(',').find_map(|part| part.strip_prefix("r=")).unwrap_or_default();
                    format!("+ {}\r\n", base64(template.replace("{nonce}", nonce).as_bytes())).into_bytes()
                }
                Some(Act::Say(text)) => text,
                _ => usual.to_vec(),
            };
            self.act(stage, &says)?;
            if !says.starts_with(b"+ ") {
                break;
            }
            if self.line()? == b"*" {
                // RFC 5034 s 4: a cancelled exchange is answered -ERR.
                self.write(b"-ERR cancelled\r\n")?;
                break;
            }
        }
        Ok(true)
    }

    fn plan(&self, stage: Stage) -> Option<Act> {
        self.plan.iter().find(|(at, _)| *at == stage).map(|(_, act)| act.clone())
    }

    /// Says what the plan has for this point, or the usual; whether it was a reply that leads on.
    fn act(&mut self, stage: Stage, usual: &[u8]) -> io::Result<bool> {
        match self.plan(stage).unwrap_or_else(|| Act::Say(usual.to_vec())) {
            Act::Say(text) => self.say(&text),
            Act::SayAndClose(text) => {
                self.write(&text)?;
                Err(self.close())
            }
            Act::SayAndWait(text) => {
                self.write(&text)?;
                if stage == Stage::Stls {
                    self.start_tls()?;
                }
                Err(self.wait())
            }
            Act::Endless(first, again) => {
                self.write(&first)?;
                let piece = again.repeat((64 << 10) / again.len().max(1) + 1);
                loop {
                    self.write(&piece)?;
                    let mut seen = self.seen.lock().unwrap();
                    seen.flooded += piece.len();
                    if seen.flooded > FLOOD {
                        drop(seen);
                        return Err(self.close());
                    }
                }
            }
            Act::Counting(line) => {
                self.write(b"+OK\r\n")?;
                for block in 0.. {
                    let text: String = (1..=1000)
                        .map(|number| line.replace("{number}", &(block * 1000 + number).to_string()))
                        .collect();
                    self.write(text.as_bytes())?;
                    self.seen.lock().unwrap().flooded += text.len();
                }
                Err(self.close())
            }
            Act::Drip(octet) => {
                let first = self.began;
                while first.elapsed() < LONGEST && !self.stopped.load(Ordering::Relaxed) {
                    self.write(&[octet])?;
                    thread::sleep(Duration::from_millis(50));
                }
                Err(self.close())
            }
            Act::Scram(_) => {
                self.write(usual)?;
                Ok(true)
            }
            Act::Close => Err(self.close()),
        }
    }

    fn start_tls(&mut self) -> io::Result<()> {
        if let Some(act) = self.plan(Stage::Handshake) {
            return match act {
                // Its closing must not be a reset, which could overtake what was said.
                Act::SayAndClose(text) | Act::Say(text) | Act::SayAndWait(text) => {
                    self.write(&text)?;
                    Err(self.wait())
                }
                _ => Err(self.wait()),
            };
        }
        let Some(Socket::Clear(mut socket)) = self.socket.take() else {
            return Err(ErrorKind::NotConnected.into());
        };
        let mut tls = ServerConnection::new(self.config.clone()).map_err(io::Error::other)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        self.seen.lock().unwrap().handshakes += 1;
        self.inside = true;
        self.socket = Some(Socket::Tls(Box::new(StreamOwned::new(tls, socket))));
        Ok(())
    }

    /// Reads on without a word, and keeps the commands that come all the same.
    fn wait(&mut self) -> io::Error {
        loop {
            match self.line() {
                Ok(line) => self.seen.lock().unwrap().after_silence.push(line),
                Err(error) => return error,
            }
        }
    }

    fn close(&mut self) -> io::Error {
        self.socket = None;
        ErrorKind::ConnectionAborted.into()
    }

    /// The next line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.input.iter().position(|&octet| octet == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=at).collect();
                while matches!(line.last(), Some(b'\r' | b'\n')) {
                    line.pop();
                }
                return Ok(line);
            }
            if self.began.elapsed() > LONGEST || self.stopped.load(Ordering::Relaxed) {
                return Err(ErrorKind::TimedOut.into());
            }
            let mut piece = [0; 16 << 10];
            let read = match &mut self.socket {
                Some(Socket::Clear(socket)) => socket.read(&mut piece),
                Some(Socket::Tls(socket)) => socket.read(&mut piece),
                None => return Err(ErrorKind::NotConnected.into()),
            };
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(octets) => {
                    let came = &piece[..octets];
                    let mut seen = self.seen.lock().unwrap();
                    if self.inside {
                        seen.inside.extend(came)
                    } else {
                        seen.clear.extend(came)
                    }
                    self.input.extend(came);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.socket {
            Some(Socket::Clear(socket)) => socket.write_all(octets),
            Some(Socket::Tls(socket)) => socket.write_all(octets).and_then(|()| socket.flush()),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Independent of the crates under test, as is the whole server.
pub(crate) fn base64(octets: &[u8]) -> String {
    let mut text = String::new();
    for three in octets.chunks(3) {
        let number = three.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = ALPHABET[(number >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn unbase64(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().filter_map(|octet| ALPHABET.iter().position(|digit| digit == octet));
    let (mut number, mut bits, mut octets) = (0u32, 0, Vec::new());
    for digit in digits {
        number = number << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push((number >> bits) as u8);
        }
    }
    octets
}
