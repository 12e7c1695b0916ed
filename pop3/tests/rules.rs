//! Rules of the RFCs that bind one side alone, a row each.

use std::sync::Arc;

use bytes::BytesMut;
use mail46_pop3::client::{self, Misuse, PeerMisbehaved};
use mail46_pop3::server::{self, Connection, Event, InClear, Message, Offer};
use mail46_pop3::{Command, Digest, Expire, LanguageRange, LoginDelay, MessageNumber, Scope, Timestamp};
use mail46_wire::Step;

const TIMESTAMP: &[u8] = b"<1896.697170952@dbc.mtview.ca.us>";

/// What a server says to this, once it has greeted.
fn said(config: server::Config, input: &str) -> String {
    let mut server = Connection::new(Arc::new(config));
    server.greet(Some(&Timestamp::parse(TIMESTAMP).unwrap().to_owned())).unwrap();
    let mut input = BytesMut::from(input);
    while let Step::Event(event) = server.next(&mut input).unwrap() {
        match event {
            Event::LogIn(_) => {
                let message = Message { octets: 1, unique_id: "a".parse().unwrap() };
                server.open(vec![message], "in").unwrap();
            }
            Event::Lang(_) => server.reply(&mail46_pop3::Reply::ok("en yes")).unwrap(),
            Event::Closed => break,
            other => panic!("{other:?}"),
        }
    }
    String::from_utf8(server.output().to_vec()).unwrap()
}

fn open_config() -> server::Config {
    let mut config = server::Config::new("ready");
    config.in_clear = InClear::Taken;
    config
}

#[test]
fn apop_is_no_way_in_without_tls() {
    // RFC 2595 s 2.2: an operational mode that "refuses authentication" until there is TLS; APOP shows no password, but all mail.
    let refused = said(server::Config::new("ready"), "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
    assert_eq!(refused, "+OK ready\r\n-ERR command not offered\r\n");
    let taken = said(open_config(), "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
    assert_eq!(taken, "+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n+OK in\r\n");
    let mut server = Connection::new(Arc::new(server::Config::new("ready")));
    server.set_implicit_tls();
    server.greet(Some(&Timestamp::parse(TIMESTAMP).unwrap().to_owned())).unwrap();
    assert!(server.output().ends_with(b"mtview.ca.us>\r\n"), "inside TLS it is one");
}

#[test]
fn only_a_timestamp_is_in_angle_brackets() {
    // RFC 2449 s 3: gchar is "excluding "<""; else a client would take it for an offer of APOP.
    let mut server = Connection::new(Arc::new(server::Config::new("ready <a@b> now")));
    server.greet(None).unwrap();
    assert_eq!(server.output().split(), "+OK ready  a@b  now\r\n");
}

#[test]
fn values_that_differ_by_user_are_exact_after_the_log_in() {
    let mut config = open_config();
    config.expire = Some(Expire { days: Some(5), scope: Scope::PerUser });
    config.login_delay = Some(LoginDelay { seconds: 900, scope: Scope::PerUser });
    let before = said(config.clone(), "CAPA\r\n");
    assert!(before.contains("\r\nLOGIN-DELAY 900 USER\r\nEXPIRE 5 USER\r\n"), "{before}");
    // RFC 2449 s 6.5, 6.7: "followed by USER in AUTHENTICATION state".
    let after = said(config.clone(), "USER a\r\nPASS b\r\nCAPA\r\n");
    assert!(after.contains("\r\nLOGIN-DELAY 900\r\nEXPIRE 5\r\n"), "{after}");

    // "The server SHOULD announce the more accurate value in TRANSACTION state."
    let mut server = Connection::new(Arc::new(config));
    server.greet(None).unwrap();
    let mut input = BytesMut::from("USER a\r\nPASS b\r\nCAPA\r\n");
    assert!(matches!(server.next(&mut input).unwrap(), Step::Event(Event::LogIn(_))));
    server.open(Vec::new(), "in").unwrap();
    server.announce(
        Some(Expire { days: None, scope: Scope::Fixed }),
        Some(LoginDelay { seconds: 60, scope: Scope::Fixed }),
    );
    assert!(matches!(server.next(&mut input).unwrap(), Step::WantsInput));
    let own = String::from_utf8(server.output().to_vec()).unwrap();
    assert!(own.contains("\r\nLOGIN-DELAY 60\r\nEXPIRE NEVER\r\n"), "{own}");
}

#[test]
fn a_capability_fits_its_line() {
    // RFC 2449 s 5: "Each capability line is limited to 512 octets (including the CRLF)."
    let mut config = open_config();
    config.implementation = Some("ünïcode ".repeat(100));
    config.mechanisms = (0..60).map(|n| format!("X-MECHANISM-{n}")).collect();
    let said = said(config, "CAPA\r\n");
    let longest = said.split_inclusive('\n').map(str::len).max();
    assert!((500..=512).contains(&longest.unwrap()), "{longest:?}");
    let sasl = said.lines().find_map(|line| line.strip_prefix("SASL ")).unwrap();
    assert!(sasl.split(' ').enumerate().all(|(n, name)| name == format!("X-MECHANISM-{n}")), "{sasl}");
}

#[test]
fn a_language_range_begins_with_letters() {
    // RFC 6856 s 3.2: a basic language range: RFC 4647 s 2.1: (1*8ALPHA *("-" 1*8alphanum)) / "*".
    let rows = [
        ("en", true),
        ("es-419", true),
        ("*", true),
        ("1a", false),
        ("a1", false),
        ("*-CH", false),
        ("en-", false),
    ];
    for (range, fits) in rows {
        assert_eq!(LanguageRange::parse(range.as_bytes()).is_ok(), fits, "{range}");
        let mut config = open_config();
        config.lang = Offer::Yes;
        assert_eq!(said(config, &format!("LANG {range}\r\n")).contains("+OK en yes"), fits, "{range}");
    }
}

/// A client that has read a greeting and these capabilities, outside TLS.
fn ready(capabilities: &str) -> client::Connection {
    let mut config = client::Config::default();
    config.passwords = InClear::Taken;
    let mut client = client::Connection::new(config);
    let mut input = BytesMut::from("+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n");
    assert!(matches!(client.next(&mut input), Ok(Step::WantsInput)));
    input.extend_from_slice(capabilities.as_bytes());
    assert!(matches!(client.next(&mut input), Ok(Step::Event(client::Event::Ready))));
    client.output().clear();
    client
}

const ASCII: &str = "+OK\r\nUSER\r\nPIPELINING\r\nUTF8\r\nSTLS\r\n.\r\n";
const UTF8: &str = "+OK\r\nUSER\r\nPIPELINING\r\nUTF8 USER\r\nSTLS\r\n.\r\n";

#[test]
fn names_are_utf8_only_for_who_takes_them() {
    // RFC 6856 s 2.2: "Clients MUST NOT use UTF-8 characters when authenticating if the server did not include the USER argument".
    for (user, password) in [("jörg", "p"), ("u", "pässword")] {
        let refused = Err(client::Error::Misuse(Misuse::NeedsUtf8));
        for offers in [ASCII, "-ERR what?\r\n"] {
            assert_eq!(ready(offers).log_in(user, &password.into()), refused, "{user}, {offers:?}");
            assert_eq!(ready(offers).apop(user, &password.into()), refused, "{user}, {offers:?}");
        }
        let mut client = ready(UTF8);
        client.log_in(user, &password.into()).unwrap();
        assert_eq!(client.output().split(), format!("USER {user}\r\nPASS {password}\r\n"));
    }
}

#[test]
fn apop_digests_what_saslprep_makes() {
    // RFC 6856 s 2.2: "MUST apply SASLprep": NFKC makes "ª" an "a", and the soft hyphen is nothing (RFC 4013 s 3).
    let mut client = ready(UTF8);
    client.apop("\u{aa}\u{ad}lice", &"tan\u{ad}staaf".into()).unwrap();
    let digest = Digest::new(&Timestamp::parse(TIMESTAMP).unwrap(), b"tanstaaf");
    assert_eq!(client.output().split(), format!("APOP alice {digest}\r\n"));
    assert_eq!(
        ready(UTF8).apop("a", &"\u{7}".into()),
        Err(client::Error::Misuse(Misuse::Unwritable)),
        "RFC 4013 s 2.3: a control character"
    );
}

#[test]
fn no_stls_behind_utf8() {
    // RFC 6856 s 2.1: "Clients MUST NOT issue the "STLS" command after issuing UTF8".
    let mut client = ready(UTF8);
    client.send(&Command::<BytesMut>::Utf8).unwrap();
    let mut input = BytesMut::from("+OK\r\n");
    assert!(matches!(client.next(&mut input), Ok(Step::Event(client::Event::Reply { .. }))));
    assert_eq!(client.stls(), Err(client::Error::Misuse(Misuse::WrongVerb)));
    assert!(ready(UTF8).stls().is_ok());
}

#[test]
fn a_command_fits_its_line() {
    // RFC 2449 s 4: "255 octets, including the terminating CRLF".
    let just = "x".repeat(248);
    let over = "x".repeat(249);
    assert!(ready(UTF8).log_in(&just, &just.as_str().into()).is_ok());
    for (user, password) in [(&over, &just), (&just, &over)] {
        let mut client = ready(UTF8);
        let refused = client.log_in(user, &password.as_str().into());
        assert_eq!(refused, Err(client::Error::Misuse(Misuse::Unwritable)));
        assert!(client.output().is_empty(), "not the half of a log-in either");
    }
    assert!(ready(UTF8).apop(&"x".repeat(215), &"p".into()).is_ok());
    assert_eq!(
        ready(UTF8).apop(&"x".repeat(216), &"p".into()),
        Err(client::Error::Misuse(Misuse::Unwritable))
    );
    let line = format!("XYZ {}", "x".repeat(250));
    for (length, fits) in [(253, true), (254, false)] {
        let command = Command::parse(&line.as_bytes()[..length]).unwrap();
        assert_eq!(ready(UTF8).send(&command).is_ok(), fits, "{length} octets and CRLF");
    }
}

#[test]
fn one_line_answers_are_of_the_message_asked_for() {
    let three = MessageNumber::new(3).unwrap();
    let rows = [
        (Command::<BytesMut>::List(Some(three)), "+OK 3 120\r\n", true, "RFC 1939 s 5"),
        (Command::List(Some(three)), "+OK 2 120\r\n", false, "another one's size"),
        (Command::Uidl(Some(three)), "+OK 3 id\r\n", true, "RFC 1939 s 7"),
        (Command::Uidl(Some(three)), "+OK 4 id\r\n", false, "another one's unique-id"),
    ];
    for (command, answer, fits, shows) in rows {
        let mut client = ready("-ERR what?\r\n");
        client.log_in("u", &"p".into()).unwrap();
        let mut input = BytesMut::from("+OK\r\n");
        assert!(matches!(client.next(&mut input), Ok(Step::WantsInput)));
        input.extend_from_slice(b"+OK\r\n");
        assert!(matches!(client.next(&mut input), Ok(Step::Event(client::Event::Authenticated(_)))));
        client.send(&command).unwrap();
        input.extend_from_slice(answer.as_bytes());
        match client.next(&mut input) {
            Ok(Step::Event(client::Event::Scan(_) | client::Event::UniqueId(_))) => assert!(fits, "{shows}"),
            Err(client::Error::Peer(PeerMisbehaved::BadListing(_))) => assert!(!fits, "{shows}"),
            other => panic!("{other:?}: {shows}"),
        }
    }
}
