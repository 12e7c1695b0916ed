//! The dialogues of RFC 9051 s 8 and RFC 3501 s 8, from the client's side: it says what the RFC's client says, under other tags.
//!
//! `C: ` and `S: ` are the lines of client and server; `T: ` is where the client asks for the capabilities by itself, which the
//! RFCs do not show, and what it is told; behind the answer to STARTTLS the handshake too.

use bytes::BytesMut;
use mail46_imap_core::client::{Config, Connection, Event, InClear, State};
use mail46_imap_core::{Capabilities, Command, CommandBody, Extension, Mode, Profile, Side, Writer};
use mail46_sasl::{Binding, Nonce, Secret, client::Exchange};
use mail46_wire::Step;

/// A command under this tag, as we write it; or a line that is none, as it is.
fn canonical(line: &[u8], tag: &[u8]) -> Vec<u8> {
    let mode = Mode::new(Profile::Strict);
    let Ok(mut command) = Command::parse(line, &mode) else { return line.to_vec() };
    command.tag = Command::tag_of(tag).unwrap();
    let mut out = BytesMut::new();
    command.write(&mut Writer::new(&mut out, Side::Client, &mode));
    out.to_vec()
}

fn say(client: &mut Connection, line: &[u8]) {
    let mode = Mode::new(Profile::Strict);
    match Command::parse_shared(&bytes::Bytes::copy_from_slice(line), &[], &mode).unwrap().body {
        CommandBody::StartTls => client.starttls().unwrap(),
        CommandBody::Authenticate(_) => {
            let nonce = Nonce::new("rOprNGfwEbeRWgbNEkqO").unwrap(); // RFC 7677 s 3
            let password = Secret::from("pencil");
            client.authenticate(
                Exchange::scram_sha256("", "user", &password, Binding::Unsupported, &nonce).unwrap(),
            )
        }
        .unwrap(),
        CommandBody::Login(login) => {
            let password = Secret::from(login.password.expose().octets().to_vec());
            client.login(std::str::from_utf8(&login.user.octets()).unwrap(), &password).unwrap()
        }
        CommandBody::Enable(list) => {
            let told = Capabilities::from(&list);
            let extensions: Vec<_> = Extension::ALL.iter().copied().filter(|one| told.lists(*one)).collect();
            client.enable(&extensions).unwrap()
        }
        CommandBody::Logout => client.logout().unwrap(),
        other => client.send(other).unwrap(),
    };
}

/// Says the whole dialogue, with what the server says in pieces of `size` octets: how many events there were.
fn run(dialogue: &str, size: usize) -> usize {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    let mut client = Connection::new(config);
    let (mut input, mut events) = (BytesMut::new(), 0);
    // The RFC's tag and ours.
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut hear = |client: &mut Connection, input: &mut BytesMut, octets: &[u8]| {
        for piece in octets.chunks(size) {
            input.extend_from_slice(piece);
            while let Step::Event(event) = client.next(input).unwrap() {
                assert!(
                    !matches!(event, Event::Unintelligible(_) | Event::StrayContinuation(_)),
                    "{event:?}"
                );
                events += 1;
            }
        }
    };
    for line in dialogue.lines().filter(|line| !line.starts_with('#')) {
        let (who, text) = line.split_at(3);
        let octets = format!("{text}\r\n").into_bytes();
        match who {
            "S: " => {
                let (tag, rest) = text.split_once(' ').unwrap_or((text, ""));
                let octets = match tags.iter().find(|(theirs, _)| theirs == tag) {
                    Some((_, ours)) => format!("{ours} {rest}\r\n").into_bytes(),
                    None => octets,
                };
                hear(&mut client, &mut input, &octets);
            }
            "T: " => {
                if client.state() == State::NotAuthenticated
                    && !client.is_tls()
                    && client.offers(Extension::StartTls)
                {
                    client.tls_established().unwrap();
                }
                let said = String::from_utf8(client.output().split().to_vec()).unwrap();
                let tag = said.strip_suffix(" CAPABILITY\r\n").unwrap_or_else(|| panic!("{said:?}"));
                let answer = format!("* CAPABILITY {text}\r\n{tag} OK\r\n");
                hear(&mut client, &mut input, answer.as_bytes());
            }
            _ => {
                if Command::parse(&octets, &Mode::new(Profile::Strict)).is_ok() {
                    say(&mut client, &octets);
                }
                let said = client.output().split();
                assert_eq!(said, canonical(&octets, &said), "{line}");
                let word =
                    |octets: &[u8]| String::from_utf8_lossy(octets).split(' ').next().unwrap().to_owned();
                tags.push((word(&octets), word(&said)));
            }
        }
    }
    assert_eq!(client.state(), State::Logout);
    assert!(input.is_empty());
    events
}

#[test]
fn the_dialogues_of_the_rfcs() {
    for (dialogue, events) in
        [(include_str!("dialogues/rfc9051.txt"), 21), (include_str!("dialogues/rfc3501.txt"), 18)]
    {
        assert_eq!(run(dialogue, usize::MAX), events);
        assert_eq!(run(dialogue, 1), events, "octet by octet");
    }
}
