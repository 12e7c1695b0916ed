//! The client machine, against servers that keep to the protocol and servers that do not.

use bytes::BytesMut;
use mail46_pop3::client::{Config, Connection, Error, Event, InClear, Misuse, PeerMisbehaved};
use mail46_pop3::{CapabilityKind, Command, MessageNumber, ResponseCode, Verb};
use mail46_wire::{BareNewline, Step};
use proptest::prelude::*;

const OFFERS: &str = "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN SCRAM-SHA-256\r\nSTLS\r\nPIPELINING\r\n.\r\n";
const PLAIN: &str = "+OK\r\nTOP\r\nUIDL\r\n.\r\n";

fn number(n: u32) -> MessageNumber {
    MessageNumber::new(n).unwrap()
}

/// A client that has read the greeting and these capabilities.
fn ready(config: Config, greeting: &str, capabilities: &str) -> Connection {
    let mut client = Connection::new(config);
    let mut input = BytesMut::from(greeting);
    assert!(matches!(client.next(&mut input), Ok(Step::WantsInput)));
    assert_eq!(client.output().split(), "CAPA\r\n");
    input.extend_from_slice(capabilities.as_bytes());
    assert!(matches!(client.next(&mut input), Ok(Step::Event(Event::Ready))));
    client
}

/// One that is logged in.
fn logged_in(config: Config, capabilities: &str) -> Connection {
    let mut config = config;
    config.passwords = InClear::Taken;
    let mut client = ready(config, "+OK ready\r\n", capabilities);
    client.log_in("u", &"p".into()).unwrap();
    let mut input = BytesMut::from("+OK\r\n");
    let _ = client.next(&mut input).unwrap();
    input.extend_from_slice(b"+OK\r\n");
    let step = client.next(&mut input).unwrap();
    if matches!(step, Step::WantsInput) {
        input.extend_from_slice(capabilities.as_bytes());
        assert!(matches!(client.next(&mut input), Ok(Step::Event(Event::Authenticated(_)))));
    }
    client.output().clear();
    client
}

/// Everything that is told, up to what ends it.
fn told(client: &mut Connection, pieces: &[&[u8]]) -> (Vec<String>, Option<Error>) {
    let (mut input, mut all, mut data) = (BytesMut::new(), Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let step = match client.next(&mut input) {
                Ok(step) => step,
                Err(error) => return (all, Some(error)),
            };
            match step {
                Step::Event(Event::Data(part)) => data.extend_from_slice(&part),
                Step::Event(event) => {
                    if let Event::MessageEnd { .. } = event {
                        all.push(format!("{:?}", String::from_utf8_lossy(&std::mem::take(&mut data))));
                    }
                    let closed = matches!(event, Event::Closed(_));
                    all.push(format!("{event:?}"));
                    if closed {
                        return (all, None);
                    }
                }
                Step::WantsInput | Step::Paused => break,
            }
        }
    }
    (all, None)
}

fn fault(client: &mut Connection, said: &str) -> Option<PeerMisbehaved> {
    match told(client, &[said.as_bytes()]).1 {
        Some(Error::Peer(fault)) => Some(fault),
        Some(error) => panic!("{error}"),
        None => None,
    }
}

#[test]
fn a_session_with_pipelining() {
    let mut client = logged_in(Config::default(), OFFERS);
    client.send::<&[u8]>(&Command::Stat).unwrap();
    client.send::<&[u8]>(&Command::Uidl(None)).unwrap();
    client.send::<&[u8]>(&Command::List(Some(number(2)))).unwrap();
    client.retr(number(1)).unwrap();
    client.send::<&[u8]>(&Command::Dele(number(1))).unwrap();
    client.send::<&[u8]>(&Command::Dele(number(9))).unwrap();
    client.quit().unwrap();
    assert_eq!(
        client.output().split(),
        "STAT\r\nUIDL\r\nLIST 2\r\nRETR 1\r\nDELE 1\r\nDELE 9\r\nQUIT\r\n",
        "one flight"
    );
    let said = b"+OK 2 320\r\n+OK\r\n1 a\r\n2 .b\r\n.\r\n+OK 2 200\r\n+OK\r\n..x\r\n.\r\n+OK\r\n-ERR no\r\n+OK bye\r\n";
    let whole = told(&mut client, &[said]);
    let want = [
        "Stat(DropListing { messages: 2, octets: 320 })",
        "UniqueId(UidListing { message: MessageNumber(1), unique_id: UniqueId(\"a\") })",
        "UniqueId(UidListing { message: MessageNumber(2), unique_id: UniqueId(\".b\") })",
        "ListingEnd(Uidl)",
        "Scan(ScanListing { message: MessageNumber(2), octets: 200, extra: None })",
        "MessageBegin(Reply(\"+OK\"))",
        "\".x\\r\\n\"",
        "MessageEnd { octets: 4 }",
        "Reply { to: Dele, reply: Reply(\"+OK\") }",
        "Reply { to: Dele, reply: Reply(\"-ERR no\") }",
        "Closed(Reply(\"+OK bye\"))",
    ];
    assert_eq!(whole, (want.map(str::to_owned).to_vec(), None));
    for cut in 0..said.len() {
        let mut client = logged_in(Config::default(), OFFERS);
        for command in [
            Command::Stat,
            Command::Uidl(None),
            Command::List(Some(number(2))),
            Command::Retr(number(1)),
            Command::Dele(number(1)),
            Command::Dele(number(9)),
        ] {
            client.send::<&[u8]>(&command).unwrap();
        }
        client.quit().unwrap();
        let (one, two) = said.split_at(cut);
        assert_eq!(told(&mut client, &[one, two]), whole, "cut at {cut}");
    }
}

#[test]
fn without_pipelining_one_command_at_a_time() {
    let mut client = logged_in(Config::default(), PLAIN);
    client.send::<&[u8]>(&Command::Noop).unwrap();
    client.retr(number(1)).unwrap();
    client.quit().unwrap();
    assert_eq!(client.output().split(), "NOOP\r\n");
    told(&mut client, &[b"+OK\r\n"]);
    assert_eq!(client.output().split(), "RETR 1\r\n");
    told(&mut client, &[b"+OK\r\nx\r\n"]);
    assert!(client.output().is_empty(), "inside the message");
    told(&mut client, &[b".\r\n"]);
    assert_eq!(client.output().split(), "QUIT\r\n");
}

#[test]
fn the_window_is_kept() {
    let mut config = Config::default();
    config.window = 3;
    let mut client = logged_in(config, OFFERS);
    for n in 1..=5 {
        client.send::<&[u8]>(&Command::Dele(number(n))).unwrap();
    }
    assert_eq!(client.output().split(), "DELE 1\r\nDELE 2\r\nDELE 3\r\n");
    told(&mut client, &[b"+OK\r\n"]);
    assert_eq!((client.output().split(), client.outstanding()), (BytesMut::from("DELE 4\r\n"), 4));
}

#[test]
fn a_refused_user_keeps_the_password() {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    let mut client = ready(config.clone(), "+OK\r\n", PLAIN);
    client.log_in("u", &"secret".into()).unwrap();
    assert_eq!(client.output().split(), "USER u\r\n");
    let (all, _) = told(&mut client, &[b"-ERR no such user\r\n"]);
    assert_eq!(all, ["AuthRefused(Reply(\"-ERR no such user\"))"]);
    assert!(client.output().is_empty(), "PASS is not sent");
    // With PIPELINING it was sent, and its refusal says nothing new.
    let mut client = ready(config.clone(), "+OK\r\n", OFFERS);
    client.log_in("u", &"secret".into()).unwrap();
    assert_eq!(told(&mut client, &[b"-ERR no\r\n-ERR no\r\n"]).0.len(), 1);
    let mut client = ready(config, "+OK\r\n", OFFERS);
    client.log_in("u", &"secret".into()).unwrap();
    assert_eq!(
        fault(&mut client, "-ERR no\r\n+OK\r\n"),
        Some(PeerMisbehaved::UnsolicitedReply),
        "in after all?"
    );
}

#[test]
fn capabilities_are_read_again() {
    let mut client = ready(Config::default(), "+OK <1@b>\r\n", OFFERS);
    assert!(client.offers(CapabilityKind::Stls) && client.timestamp().is_some());
    client.stls().unwrap();
    let mut input = BytesMut::from("+OK\r\n");
    client.output().clear();
    assert!(matches!(client.next(&mut input), Ok(Step::Event(Event::TlsReady))));
    assert!(matches!(client.next(&mut input), Ok(Step::Paused)));
    client.tls_established().unwrap();
    assert!(client.capabilities().is_none() && client.timestamp().is_none(), "RFC 2595 s 4");
    assert_eq!(client.output().split(), "CAPA\r\n");
    assert_eq!(told(&mut client, &[b"-ERR\r\n"]).0, ["Ready"]);
    assert!(client.is_tls() && !client.offers(CapabilityKind::Stls));
    assert_eq!(client.stls(), Err(Error::Misuse(Misuse::WrongVerb)));
}

#[test]
fn no_password_in_the_clear() {
    let mut client = ready(Config::default(), "+OK ready\r\n", OFFERS);
    assert_eq!(client.log_in("u", &"secret".into()), Err(Error::Misuse(Misuse::NeedsTls)));
    for mechanism in ["PLAIN", "login", "XOAUTH2"] {
        assert_eq!(
            client.auth(mechanism, Some(b"\0u\0secret")),
            Err(Error::Misuse(Misuse::NeedsTls)),
            "{mechanism}"
        );
    }
    assert_eq!(client.apop("u", &"secret".into()), Err(Error::Misuse(Misuse::NoTimestamp)));
    assert!(client.output().is_empty());
    client.auth("SCRAM-SHA-256", None).unwrap();
    assert_eq!(client.output().split(), "AUTH SCRAM-SHA-256\r\n");

    client = ready(Config::default(), "+OK ready <a@\u{fe}>\r\n", OFFERS);
    assert_eq!(client.apop("u", &"secret".into()), Err(Error::Misuse(Misuse::NoTimestamp)), "no msg-id");
    client = ready(Config::default(), "+OK ready\r\n", OFFERS);
    client.set_implicit_tls();
    for (user, password) in [("u\r\nDELE 1", "p"), ("u", "p\r\nDELE 1"), ("u", "p\0"), ("", "p"), ("u", "")] {
        assert_eq!(client.log_in(user, &password.into()), Err(Error::Misuse(Misuse::Unwritable)), "{user:?}");
    }
}

#[test]
fn long_initial_responses_wait_for_the_challenge() {
    let mut client = ready(Config::default(), "+OK\r\n", PLAIN);
    client.set_implicit_tls();
    let token = vec![b't'; 300];
    client.auth("XOAUTH2", Some(&token)).unwrap();
    assert_eq!(client.output().split(), "AUTH XOAUTH2\r\n", "RFC 5034 s 4: 255 octets");
    assert_eq!(told(&mut client, &[b"+ \r\n"]).0, Vec::<String>::new());
    assert_eq!(client.output().split().len(), 402);
    let (all, _) = told(&mut client, &[b"-ERR [SYS/TEMP] later\r\n"]);
    assert_eq!(all, ["AuthRefused(Reply(\"-ERR [SYS/TEMP] later\"))"]);
    // An empty one is =, and a "+" without its space is an empty challenge too.
    client.auth("EXTERNAL", Some(b"")).unwrap();
    assert_eq!(client.output().split(), "AUTH EXTERNAL =\r\n");
    assert_eq!(told(&mut client, &[b"+\r\n"]).0, ["Challenge(Zeroizing { .. })"]);
    client.cancel_auth().unwrap();
    assert_eq!(client.output().split(), "*\r\n");
    assert_eq!(told(&mut client, &[b"-ERR\r\n"]).0.len(), 1);
    client.auth("PLAIN", None).unwrap();
    client.output().clear();
    told(&mut client, &[b"+ =AAA\r\n"]);
    assert_eq!(client.output().split(), "*\r\n", "RFC 5034 s 4: what is no base64 cancels");
}

#[test]
fn hostile_greetings_and_capabilities() {
    let start = |said: &str| fault(&mut Connection::new(Config::default()), said);
    use PeerMisbehaved::*;
    assert!(
        matches!(start(&format!("+OK {}", "x".repeat(9000))), Some(BadLine(_))),
        "a greeting without end"
    );
    assert_eq!(start("* OK IMAP4rev1\r\n"), Some(NotAReply));
    assert_eq!(start("220 mx.example ESMTP\r\n"), Some(NotAReply));
    assert!(matches!(start("+OK ready\n"), Some(BadLine(_))), "a bare LF");
    assert_eq!(start("+OK ready\r\n+OK\r\n.\r\n"), Some(UnsolicitedReply), "an answer before its command");
    let (all, _) = told(&mut Connection::new(Config::default()), &[b"-ERR [SYS/TEMP] no\r\n"]);
    assert_eq!(all, ["Unwelcome(Reply(\"-ERR [SYS/TEMP] no\"))"]);

    let capa = |said: &str| {
        let mut client = Connection::new(Config::default());
        told(&mut client, &[b"+OK\r\n"]);
        fault(&mut client, said)
    };
    assert_eq!(
        capa(&format!("+OK\r\n{}", "X\r\n".repeat(200))),
        Some(TooManyLines(100)),
        "capabilities without end"
    );
    assert!(matches!(capa(&format!("+OK\r\n{}", "X".repeat(10_000))), Some(BadLine(_))), "one without end");
    assert_eq!(capa("+OK\r\nTOP\r\n.\r\n+OK\r\n"), Some(UnsolicitedReply), "and more");
}

#[test]
fn hostile_stls() {
    for said in ["+OK\r\nX", "+OK\r\n+OK CAPA\r\n.\r\n", "+OK\r\n\r\n", "+OK\r\n+"] {
        let mut client = ready(Config::default(), "+OK\r\n", OFFERS);
        client.stls().unwrap();
        assert_eq!(fault(&mut client, said), Some(PeerMisbehaved::PlaintextAfterStls), "{said:?}");
    }
    let mut client = ready(Config::default(), "+OK\r\n", OFFERS);
    client.stls().unwrap();
    assert_eq!(client.send::<&[u8]>(&Command::Noop), Err(Error::Misuse(Misuse::WrongVerb)), "RFC 2595 s 4");
    assert_eq!(told(&mut client, &[b"-ERR no\r\n"]).0, ["TlsRefused(Reply(\"-ERR no\"))"]);
    assert!(!client.is_tls());
}

#[test]
fn hostile_listings() {
    use PeerMisbehaved::*;
    let mut config = Config::default();
    config.limits.entries = 1000;
    // (command, answer, fault, what it shows)
    let rows: &[(Command<&[u8]>, String, PeerMisbehaved, &str)] = &[
        (Command::Stat, "+OK 4294967296 1\r\n".into(), BadListing(Verb::Stat), "2^32 messages"),
        (Command::Stat, "+OK 1 18446744073709551616\r\n".into(), BadListing(Verb::Stat), "2^64 octets"),
        (Command::Stat, "+OK -1 -1\r\n".into(), BadListing(Verb::Stat), "negative"),
        (Command::Stat, "+OK many\r\n".into(), BadListing(Verb::Stat), "garbage"),
        (Command::List(None), "+OK\r\n0 1\r\n".into(), BadListing(Verb::List), "message 0"),
        (Command::List(None), "+OK\r\n4294967297 1\r\n".into(), BadListing(Verb::List), "2^32 + 1"),
        (Command::List(None), "+OK\r\n1 -1\r\n".into(), BadListing(Verb::List), "negative"),
        (Command::List(None), "+OK\r\ngarbage\r\n".into(), BadListing(Verb::List), "garbage"),
        (
            Command::List(None),
            format!("+OK\r\n{}", "1 1\r\n".repeat(2000)),
            TooManyLines(1000),
            "without end",
        ),
        (
            Command::Uidl(None),
            format!("+OK\r\n{}", "1 a\r\n".repeat(2000)),
            TooManyLines(1000),
            "without end",
        ),
        (Command::Uidl(None), format!("+OK\r\n1 {}\r\n", "a".repeat(71)), BadListing(Verb::Uidl), "too long"),
        (Command::Uidl(None), "+OK\r\n1 a\tb\r\n".into(), BadListing(Verb::Uidl), "a control character"),
        (Command::Uidl(Some(number(1))), "+OK 1\r\n".into(), BadListing(Verb::Uidl), "none"),
        (Command::Noop, "+OK\r\n+OK\r\n".into(), UnsolicitedReply, "one answer too many"),
        (Command::Noop, "+OKAY\r\n".into(), NotAReply, "no reply"),
        (Command::Noop, "+ \r\n".into(), NotAReply, "a challenge out of place"),
    ];
    for (command, answer, want, shows) in rows {
        let mut client = logged_in(config.clone(), PLAIN);
        client.send(command).unwrap();
        assert_eq!(fault(&mut client, answer), Some(*want), "{shows}");
    }
}

#[test]
fn hostile_messages() {
    let mut config = Config::default();
    config.limits.message = 100_000;
    let asked = |config: &Config| {
        let mut client = logged_in(config.clone(), PLAIN);
        client.retr(number(1)).unwrap();
        client
    };
    // Without end, in lines or in one line.
    for line in ["x\r\n", "x"] {
        let mut client = asked(&config);
        told(&mut client, &[b"+OK\r\n"]);
        let part = line.repeat(10_000);
        let ended = (0..1000).find_map(|_| fault(&mut client, &part));
        assert_eq!(ended, Some(PeerMisbehaved::MessageTooBig(100_000)), "{line:?}");
    }
    // What looks like an end and is none.
    for near in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r\r\n", "\r\r\n.x\r\n", ".\r\n"] {
        let mut client = asked(&config);
        let (all, error) = told(&mut client, &[format!("+OK\r\na{near}b").as_bytes()]);
        assert_eq!((all.len(), error), (1, None), "{near:?}: only the beginning is told");
    }
    // More behind it: the end is not told, for who knows what this message is.
    let (all, error) = told(&mut asked(&config), &[b"+OK\r\nx\r\n.\r\n+OK\r\n"]);
    assert_eq!((all.len(), error), (1, Some(Error::Peer(PeerMisbehaved::UnsolicitedReply))));
    // A server that stops in the middle: nothing says that it is whole.
    for cut in
        ["+OK\r\n", "+OK\r\nhalf a mess", "+OK\r\nall but the dot\r\n", "+OK\r\nx\r\n.", "+OK\r\nx\r\n.\r"]
    {
        let (all, error) = told(&mut asked(&config), &[cut.as_bytes()]);
        assert_eq!((all, error), (vec!["MessageBegin(Reply(\"+OK\"))".to_owned()], None), "{cut:?}");
    }
    // Bare newlines: as they are by default, or refused.
    let (all, _) = told(&mut asked(&config), &[b"+OK\r\na\nb\rc\0\r\n.\r\n"]);
    assert_eq!(all[1], format!("{:?}", "a\nb\rc\0\r\n"));
    config.bare_newline = BareNewline::Reject;
    assert!(matches!(
        fault(&mut asked(&config), "+OK\r\na\nb\r\n.\r\n"),
        Some(PeerMisbehaved::BadMessage(_))
    ));
}

#[test]
fn hostile_challenges() {
    let mut client = ready(Config::default(), "+OK\r\n", PLAIN);
    client.set_implicit_tls();
    client.auth("LOGIN", None).unwrap();
    let mut ended = None;
    for _ in 0..20 {
        ended = fault(&mut client, "+ AAAA\r\n");
        if ended.is_some() {
            break;
        }
        client.respond(b"x").unwrap();
    }
    assert_eq!(ended, Some(PeerMisbehaved::TooManyChallenges), "a loop");

    let mut client = ready(Config::default(), "+OK\r\n", PLAIN);
    client.auth("SCRAM-SHA-256", None).unwrap();
    let bomb = ["+ ", &"A".repeat(20_000)].concat();
    assert!(matches!(fault(&mut client, &bomb), Some(PeerMisbehaved::BadLine(_))), "a challenge without end");

    let mut client = ready(Config::default(), "+OK\r\n", PLAIN);
    client.auth("SCRAM-SHA-256", None).unwrap();
    assert_eq!(
        fault(&mut client, "+ AAAA\r\n+OK\r\n"),
        Some(PeerMisbehaved::UnsolicitedReply),
        "success before the response"
    );
}

#[test]
fn quit_may_fail() {
    let mut client = logged_in(Config::default(), PLAIN);
    client.quit().unwrap();
    let mut input = BytesMut::from("-ERR [SYS/TEMP] some deleted messages not removed\r\n");
    let Ok(Step::Event(Event::Closed(reply))) = client.next(&mut input) else { panic!() };
    assert_eq!((reply.is_ok(), reply.code()), (false, Some(ResponseCode::SysTemp)), "RFC 1939 s 6");
}

/// 20 MB in small pieces: octets are looked at once, so that this is a matter of a moment.
#[test]
fn many_small_pieces() {
    let mut client = logged_in(Config::default(), PLAIN);
    client.retr(number(1)).unwrap();
    let mut input = BytesMut::from("+OK\r\n");
    let started = std::time::Instant::now();
    let piece = [&[b'x'; 2046][..], b"\r\n"].concat();
    let mut got = 0;
    for _ in 0..10_000 {
        input.extend_from_slice(&piece);
        while let Step::Event(event) = client.next(&mut input).unwrap() {
            if let Event::Data(data) = event {
                got += data.len();
            }
        }
    }
    assert_eq!(got, 20_480_000);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn any_answer_cut_anywhere_is_told_the_same(
        octets in prop::collection::vec(prop::sample::select(vec![b'+', b'O', b'K', b' ', b'\r', b'\n', b'.', b'1', b'-', b'x', 0]), 0..60),
        cuts in prop::collection::vec(0usize..80, 0..5),
    ) {
        let asked = || {
            let mut client = logged_in(Config::default(), OFFERS);
            for command in [Command::Uidl(None), Command::Retr(number(1)), Command::Stat, Command::Retr(number(2))] {
                client.send::<&[u8]>(&command).unwrap();
            }
            client
        };
        let said = [&b"+OK\r\n1 a\r\n"[..], &octets, b"\r\n.\r\n+OK\r\n", &octets].concat();
        let whole = told(&mut asked(), &[&said]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(said.len())).collect();
        cuts.sort_unstable();
        let (mut from, mut pieces) = (0, Vec::new());
        for cut in cuts {
            pieces.push(&said[from..cut]);
            from = cut;
        }
        pieces.push(&said[from..]);
        let cut = told(&mut asked(), &pieces);
        prop_assert_eq!(whole.1, cut.1);
        // What is unsolicited is seen at once if it is there at once, and then the last answer is not told.
        let least = whole.0.len().min(cut.0.len());
        prop_assert!(cut.0.len() - least <= 2 && whole.0.len() - least == 0, "{:?} {:?}", whole, cut);
        prop_assert_eq!(&whole.0[..least], &cut.0[..least]);
    }
}
