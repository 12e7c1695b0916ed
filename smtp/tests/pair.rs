//! Client and server machines joined without sockets, by links that cut what they carry anywhere: whatever the extensions,
//! the envelope and the message, both sides agree on what happened, and the message arrives octet for octet.

use bytes::BytesMut;
use mail46_smtp::client::{self, Envelope, Outcome, Stage};
use mail46_smtp::server::{self, Dialect, InClear, Offer};
use mail46_smtp::{Body, Command, EnhancedCode, Mailbox, Reply};
use mail46_wire::Step;
use proptest::prelude::*;

/// One session to be played.
#[derive(Clone, Debug)]
struct Session {
    offer: Offer,
    dialect: Dialect,
    size_known: bool,
    blind_chunk: u64,
    auth: bool,
    messages: Vec<Message>,
    /// Octets that a link carries at a time, in turn.
    cuts: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Message {
    /// What becomes of each recipient.
    recipients: Vec<Fate>,
    body: Body,
    octets: Vec<u8>,
    /// The verdict on the message.
    taken: bool,
    /// Octets that the application gives at a time.
    piece: usize,
    mail: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Taken,
    Refused,
}

impl Message {
    fn is_for_somebody(&self) -> bool {
        self.mail == Fate::Taken && self.recipients.contains(&Fate::Taken)
    }
}

/// What the server has got: recipients and message.
type Got = (Vec<String>, Vec<u8>);

struct Server {
    machine: server::Connection,
    input: BytesMut,
    recipients: Vec<String>,
    data: Vec<u8>,
    got: Vec<Got>,
    verdicts: Vec<bool>,
    handshake: bool,
    closed: bool,
}

fn code(code: u16) -> Reply {
    Reply::new(code, EnhancedCode::new(2, 0, 0), "so it is")
}

/// The server's rule is in the address: `no` is refused.
fn by_name(mailbox: Option<&Mailbox>) -> Reply {
    let no = mailbox.is_some_and(|mailbox| mailbox.local_part.as_bytes().starts_with(b"no"));
    code(if no { 550 } else { 250 })
}

impl Server {
    fn new(session: &Session) -> Self {
        let mut config = server::Config::new("mx.example".parse().unwrap());
        config.offer = session.offer;
        config.dialect = session.dialect;
        config.mechanisms = vec!["PLAIN".into()];
        config.auth = InClear::Taken;
        let mut machine = server::Connection::new(config.into());
        machine.greet().unwrap();
        let verdicts = session.messages.iter().filter(|message| message.is_for_somebody());
        let verdicts = verdicts.map(|message| message.taken).collect();
        Self {
            machine,
            input: BytesMut::new(),
            recipients: Vec::new(),
            data: Vec::new(),
            got: Vec::new(),
            verdicts,
            handshake: false,
            closed: false,
        }
    }

    fn go_on(&mut self) {
        use server::Event;
        while !self.closed {
            match self.machine.next(&mut self.input).expect("this client does nothing wrong") {
                Step::WantsInput => return,
                Step::Paused => return assert!(self.handshake, "paused"),
                Step::Event(Event::Command { command, .. }) => self.command(&command),
                Step::Event(Event::Auth(request)) => match request.initial_response {
                    Some(_) => self.machine.reply(&code(235)).unwrap(),
                    None => self.machine.challenge(b"").unwrap(),
                },
                Step::Event(Event::AuthResponse(_)) => self.machine.reply(&code(235)).unwrap(),
                Step::Event(Event::Data(data)) => self.data.extend_from_slice(&data),
                Step::Event(Event::ChunkEnd { .. }) => self.machine.reply(&code(250)).unwrap(),
                Step::Event(Event::DataEnd(end)) => {
                    assert_eq!(end.fault, None, "this message is well");
                    assert_eq!(end.received, self.data.len() as u64);
                    let taken = self.verdicts.remove(0);
                    for n in 0..end.replies {
                        // In LMTP every second recipient is over its quota.
                        self.machine.reply(&code(if taken && n % 2 == 0 { 250 } else { 452 })).unwrap();
                    }
                    if taken {
                        self.got.push((std::mem::take(&mut self.recipients), std::mem::take(&mut self.data)));
                    }
                }
                Step::Event(Event::Refused { reply, .. }) => self.machine.reply(&reply).unwrap(),
                Step::Event(Event::Closed) => self.closed = true,
                other => panic!("{other:?}"),
            }
        }
    }

    fn command(&mut self, command: &Command) {
        let machine = &mut self.machine;
        match command {
            Command::Ehlo(_) | Command::Lhlo(_) => machine.accept_ehlo(),
            Command::Mail { from, .. } => {
                self.recipients.clear();
                self.data.clear();
                machine.reply(&by_name(from.mailbox()))
            }
            Command::Rcpt { to, .. } => {
                let reply = by_name(to.mailbox());
                if reply.is_positive() {
                    self.recipients.push(to.to_string());
                }
                machine.reply(&reply)
            }
            Command::Data => machine.accept_data(),
            Command::Bdat { .. } => machine.accept_chunk(),
            Command::StartTls => {
                self.handshake = true;
                machine.accept_tls(&self.input)
            }
            Command::Quit => machine.reply(&code(221)),
            _ => machine.reply(&code(250)),
        }
        .unwrap();
    }
}

/// Carries some octets over. Whether there were any.
fn carry(from: &mut BytesMut, to: &mut BytesMut, most: usize) -> bool {
    let n = from.len().min(most);
    to.unsplit(from.split_to(n));
    n > 0
}

fn envelope(session: &Session, message: &Message) -> Envelope {
    let name = |fate: Fate, n: usize| match fate {
        Fate::Taken => format!("yes{n}@d.example"),
        Fate::Refused => format!("no{n}@[IPv6:2001:db8::{n}]"),
    };
    let recipients = message.recipients.iter().enumerate().map(|(n, fate)| name(*fate, n).parse().unwrap());
    let from: Mailbox = name(message.mail, 0).parse().unwrap();
    let mut envelope = Envelope::new(from, recipients).with_body(message.body);
    if session.size_known {
        envelope.size = Some(message.octets.len() as u64);
    }
    envelope
}

/// What each side makes of the session: outcomes a message, and what the server got.
fn play(session: &Session) -> (Vec<Vec<Outcome>>, Vec<Got>) {
    let mut server = Server::new(session);
    let mut config = client::Config::new("client.example".parse().unwrap());
    config.dialect = session.dialect;
    config.blind_chunk = session.blind_chunk;
    let mut client = client::Connection::new(config);
    let (mut input, mut done) = (BytesMut::new(), Vec::new());
    let mut next = session.messages.iter();
    let mut current: Option<&Message> = None;
    // `None`: it is not wanted yet.
    let mut gave: Option<usize> = None;
    let (mut authenticated, mut over) = (!session.auth, false);
    let mut cuts = session.cuts.iter().copied().cycle();
    let mut still = 0;
    while !(over && server.closed) {
        let cut = cuts.next().unwrap();
        let mut moved = carry(client.output(), &mut server.input, cut);
        if let (Some(message), Some(given)) = (current, gave) {
            // A piece of the message at each turn.
            let rest = &message.octets[given..];
            let part = &rest[..message.piece.min(rest.len())];
            client.data(part).unwrap();
            gave = Some(given + part.len());
            if given + part.len() == message.octets.len() {
                client.finish_data().unwrap();
                gave = None;
            }
            moved = true;
        }
        server.go_on();
        moved |= carry(server.machine.output(), &mut input, cut);
        match client.next(&mut input).expect("this server does nothing wrong") {
            Step::WantsInput | Step::Paused => {}
            Step::Event(event) => {
                moved = true;
                match event {
                    client::Event::TlsReady => {
                        // Both have nothing left of the clear.
                        assert!(client.output().is_empty() && input.is_empty() && server.input.is_empty());
                        server.machine.tls_established().unwrap();
                        server.handshake = false;
                        client.tls_established().unwrap();
                    }
                    client::Event::SendData => gave = Some(0),
                    client::Event::Closed(reply) => {
                        assert_eq!(reply.code(), 221);
                        over = true;
                    }
                    event => {
                        match event {
                            client::Event::Authenticated(_) => authenticated = true,
                            client::Event::Done(outcomes) => done.push(outcomes),
                            client::Event::Ready => {}
                            other => panic!("{other:?}"),
                        }
                        (current, gave) = (None, None);
                        if !client.is_tls() && client.offers(mail46_smtp::ExtensionKind::StartTls) {
                            client.start_tls().unwrap();
                        } else if !authenticated {
                            client.auth("PLAIN", Some(b"\0user\0secret")).unwrap();
                        } else if let Some(message) = next.next() {
                            client.mail(&envelope(session, message)).unwrap();
                            current = Some(message);
                        } else {
                            client.quit().unwrap();
                        }
                    }
                }
            }
        }
        still = if moved { 0 } else { still + 1 };
        assert!(still < 4, "both wait for each other: {client:?}\n{:?}", server.machine);
    }
    (done, server.got)
}

/// Checks a session against what must come of it.
fn agree(session: &Session) {
    let (outcomes, got) = play(session);
    assert_eq!(outcomes.len(), session.messages.len());
    let mut got = got.into_iter();
    for (message, outcomes) in session.messages.iter().zip(outcomes) {
        assert_eq!(outcomes.len(), message.recipients.len());
        let mut nth = 0;
        for (fate, outcome) in message.recipients.iter().zip(&outcomes) {
            let want = match (message.mail, fate) {
                (Fate::Refused, _) => Some(Stage::Mail),
                (_, Fate::Refused) => Some(Stage::Rcpt),
                _ => {
                    let over_quota = session.dialect == Dialect::Lmtp && nth % 2 == 1;
                    nth += 1;
                    (!message.taken || over_quota).then_some(Stage::Message)
                }
            };
            match (want, outcome) {
                (None, Outcome::Accepted(_)) => {}
                (Some(want), Outcome::Refused { at, .. }) => assert_eq!(*at, want),
                other => panic!("{other:?}"),
            }
        }
        if message.is_for_somebody() && message.taken {
            let (recipients, octets) =
                got.next().expect("what the client holds for delivered the server has");
            assert_eq!(recipients.len(), nth);
            let mut want = message.octets.clone();
            // RFC 5321 s 4.1.1.4: DATA ends a last line that has no end.
            if octets != want && !want.ends_with(b"\r\n") {
                want.extend_from_slice(b"\r\n");
            }
            assert_eq!(octets.escape_ascii().to_string(), want.escape_ascii().to_string());
        }
    }
    assert!(got.next().is_none(), "and nothing else");
}

fn offers() -> impl Strategy<Value = Offer> {
    let one = |offer: Offer| prop_oneof![Just(Offer::NONE), Just(offer)];
    (one(Offer::PIPELINING), one(Offer::CHUNKING), one(Offer::STARTTLS), any::<bool>()).prop_map(
        |(pipelining, chunking, tls, binary)| {
            let all = pipelining | chunking | tls | Offer::EIGHT_BIT_MIME | Offer::ENHANCED_STATUS_CODES;
            if binary { all | Offer::BINARY_MIME } else { all }
        },
    )
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![3 => Just(Fate::Taken), 1 => Just(Fate::Refused)]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("."),
        Just(".."),
        Just(""),
        Just("QUIT"),
        Just("a long line of some words"),
        Just("\u{e9}")
    ];
    (proptest::collection::vec(line, 0..12), any::<bool>()).prop_map(|(lines, ended)| {
        let mut text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        if !ended {
            text.push_str("no end");
        }
        text.into_bytes()
    })
}

fn messages(binary: bool) -> impl Strategy<Value = Message> {
    let octets = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(0), any::<u8>()];
    let content = if binary {
        proptest::collection::vec(octets, 0..200).prop_map(|octets| (octets, Body::BinaryMime)).boxed()
    } else {
        text().prop_map(|text| (text, Body::EightBitMime)).boxed()
    };
    (
        proptest::collection::vec(fates(), 1..5),
        content,
        prop_oneof![4 => Just(true), 1 => Just(false)],
        1usize..70,
        prop_oneof![8 => Just(Fate::Taken), 1 => Just(Fate::Refused)],
    )
        .prop_map(|(recipients, (octets, body), taken, piece, mail)| Message {
            recipients,
            body,
            octets,
            taken,
            piece,
            mail,
        })
}

fn sessions() -> impl Strategy<Value = Session> {
    (offers(), any::<bool>(), any::<bool>(), any::<bool>()).prop_flat_map(
        |(offer, lmtp, size_known, auth)| {
            let binary = offer.has(Offer::CHUNKING) && offer.has(Offer::BINARY_MIME);
            (
                proptest::collection::vec(messages(binary), 1..4),
                prop_oneof![Just(0u64), Just(40), Just(100_000)],
                proptest::collection::vec(1usize..80, 1..6),
            )
                .prop_map(move |(messages, blind_chunk, cuts)| Session {
                    offer,
                    dialect: if lmtp { Dialect::Lmtp } else { Dialect::Smtp },
                    size_known,
                    blind_chunk,
                    auth,
                    messages,
                    cuts,
                })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_sides_agree(session in sessions()) {
        agree(&session);
    }
}

#[test]
fn every_extension_with_every_cut() {
    let message = Message {
        recipients: vec![Fate::Taken, Fate::Refused, Fate::Taken],
        body: Body::EightBitMime,
        octets: b"Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\n".to_vec(),
        taken: true,
        piece: 7,
        mail: Fate::Taken,
    };
    for bits in 0..16u32 {
        let pick = |bit: u32, offer| if bits & bit != 0 { offer } else { Offer::NONE };
        for dialect in [Dialect::Smtp, Dialect::Lmtp] {
            for cut in 1..80 {
                agree(&Session {
                    offer: Offer::EIGHT_BIT_MIME
                        | pick(1, Offer::PIPELINING)
                        | pick(2, Offer::CHUNKING)
                        | pick(4, Offer::STARTTLS),
                    dialect,
                    size_known: bits & 8 != 0,
                    blind_chunk: 100_000,
                    auth: bits & 4 != 0,
                    messages: vec![message.clone(), message.clone()],
                    cuts: vec![cut],
                });
            }
        }
    }
}
