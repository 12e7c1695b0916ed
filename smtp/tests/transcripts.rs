//! The dialogues of the RFCs, word for word, in `transcripts/`: both machines are tested on each.
//!
//! A file's first line names the section; `C: ` and `S: ` lines are what goes over the wire, `C* n` are n octets, `TLS` is a
//! handshake. The server machine gets the client's octets, and answered with the replies of the file writes the server's;
//! the client machine gets the server's, and writes the client's, to the octet.
//!
//! Differences, each with its reason: 354 and STARTTLS's 220 are the server machine's own words, so that their codes are
//! compared; a file may be `server only` or `client only`, with the reason in its head.

use std::{collections::VecDeque, fs, path::Path};

use bytes::{Bytes, BytesMut};
use mail46_smtp::client::{self, Envelope};
use mail46_smtp::server::{self, Dialect, InClear, Offer};
use mail46_smtp::{Chunk, Command, Reply, Rules};
use mail46_wire::{Step, base64};

struct Transcript {
    name: String,
    head: Vec<String>,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
enum Line {
    /// The client says this line.
    Client(String),
    /// Or so many octets.
    Octets(usize),
    /// The server's reply, all its lines.
    Server(Reply),
    Tls,
}

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 24, "the files are there: {}", files.len());
    files.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Transcript {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let (mut head, mut lines, mut reply) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(note) = line.strip_prefix("# ") {
            head.push(note.to_owned());
        } else if let Some(said) = line.strip_prefix("C: ") {
            lines.push(Line::Client(said.to_owned()));
        } else if let Some(octets) = line.strip_prefix("C* ") {
            lines.push(Line::Octets(octets.parse().unwrap()));
        } else if let Some(said) = line.strip_prefix("S: ") {
            reply.extend_from_slice(format!("{said}\r\n").as_bytes());
            if said.as_bytes().get(3) != Some(&b'-') {
                let frame = Bytes::from(std::mem::take(&mut reply));
                lines.push(Line::Server(Reply::parse(&frame).unwrap().in_frame(&frame)));
            }
        } else {
            assert_eq!(line, "TLS", "{name}");
            lines.push(Line::Tls);
        }
    }
    assert!(head[0].starts_with("RFC ") && reply.is_empty(), "{name} names its section");
    Transcript { name, head, lines }
}

impl Transcript {
    fn is(&self, note: &str) -> bool {
        self.head.iter().any(|line| line.starts_with(note))
    }

    fn is_lmtp(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, Line::Client(said) if said.starts_with("LHLO")))
    }

    fn dialect(&self) -> Dialect {
        if self.is_lmtp() { Dialect::Lmtp } else { Dialect::Smtp }
    }

    /// What the client says, as octets.
    fn client_octets(&self) -> Vec<u8> {
        self.lines.iter().flat_map(Line::said).collect()
    }

    /// Every mechanism that the server names.
    fn mechanisms(&self) -> Vec<String> {
        let mut names = Vec::new();
        for line in &self.lines {
            let Line::Server(reply) = line else { continue };
            for line in reply.lines() {
                let line = String::from_utf8_lossy(line);
                names.extend(
                    line.strip_prefix("AUTH ")
                        .into_iter()
                        .flat_map(|names| names.split(' '))
                        .map(String::from),
                );
            }
        }
        names
    }
}

impl Line {
    fn said(&self) -> Vec<u8> {
        match self {
            Self::Client(said) => format!("{said}\r\n").into_bytes(),
            Self::Octets(octets) => vec![b'x'; *octets],
            Self::Server(_) | Self::Tls => Vec::new(),
        }
    }
}

#[test]
fn the_server_machine_speaks_them() {
    let mut played = 0;
    for transcript in transcripts() {
        if !transcript.is("client only") {
            serve(&transcript);
            played += 1;
        }
    }
    assert!(played >= 23, "{played}");
}

fn serve(transcript: &Transcript) {
    let name = &transcript.name;
    let mut config = server::Config::new("mx.example".parse().unwrap());
    config.dialect = transcript.dialect();
    config.mechanisms = transcript.mechanisms();
    config.auth = InClear::Taken;
    config.offer = config.offer | Offer::STARTTLS | Offer::DSN | Offer::BINARY_MIME;
    let mut machine = server::Connection::new(config.into());
    let mut input = BytesMut::new();
    for line in &transcript.lines {
        match line {
            Line::Tls => machine.tls_established().unwrap_or_else(|error| panic!("{name}: {error}")),
            Line::Client(_) | Line::Octets(_) => input.extend_from_slice(&line.said()),
            Line::Server(reply) => {
                let own = answer(&mut machine, &mut input, reply, name);
                let written = machine.output().split();
                if own {
                    assert_eq!(written.get(..3), reply.as_bytes().get(..3), "{name}");
                } else {
                    assert_eq!(written, reply.as_bytes(), "{name}");
                }
            }
        }
    }
    let left = machine.next(&mut input).unwrap();
    assert!(input.is_empty(), "{name}: everything was understood");
    assert!(matches!(left, Step::WantsInput | Step::Event(server::Event::Closed)), "{name}: {left:?}");
}

/// Goes on until this reply can be given. Whether the words were the machine's own.
fn answer(machine: &mut server::Connection, input: &mut BytesMut, reply: &Reply, name: &str) -> bool {
    loop {
        match machine.next(input).unwrap_or_else(|error| panic!("{name}: {error}")) {
            // The greeting, and the second reply of LMTP, answer no new event.
            Step::Paused => {}
            Step::Event(server::Event::Data(_)) => continue,
            Step::Event(server::Event::Command { command: Command::Bdat { .. }, .. }) => {
                machine.accept_chunk().unwrap();
                continue;
            }
            Step::Event(server::Event::Command { command: Command::Data, .. }) if reply.code() == 354 => {
                machine.accept_data().unwrap();
                return true;
            }
            Step::Event(server::Event::Command { command: Command::StartTls, .. }) => {
                machine.accept_tls(input).unwrap();
                return true;
            }
            Step::Event(server::Event::Refused { reply: own, .. }) => {
                assert_eq!(own.code(), reply.code(), "{name}: refused with another code");
            }
            Step::Event(_) if reply.code() == 334 => {
                let challenge = base64::decode(reply.raw_lines().next().unwrap()).unwrap();
                machine.challenge(&challenge).unwrap();
                return false;
            }
            Step::Event(_) => {}
            other => panic!("{name}: {other:?} where {reply} is due"),
        }
        machine.reply(reply).unwrap_or_else(|error| panic!("{name}: {error} for {reply}"));
        return false;
    }
}

#[test]
fn the_client_machine_speaks_them() {
    let mut played = 0;
    for transcript in transcripts() {
        if !transcript.is("server only") {
            play(&transcript);
            played += 1;
        }
    }
    assert!(played >= 22, "{played}");
}

/// What the client does next, as its lines in the file tell.
#[derive(Debug)]
enum Act {
    StartTls,
    Auth(String, Option<Vec<u8>>),
    Respond(Vec<u8>),
    Send(Command),
    Mail(Envelope),
    /// Pieces of the message.
    Message(Vec<Vec<u8>>),
    Quit,
}

fn acts(transcript: &Transcript) -> VecDeque<Act> {
    let mut acts = VecDeque::new();
    let mut lines =
        transcript.lines.iter().filter(|line| !matches!(line, Line::Server(_) | Line::Tls)).peekable();
    let mut envelope: Option<Envelope> = None;
    let mut in_auth = false;
    let size =
        transcript.head.iter().find_map(|line| line.strip_prefix("size ")).map(|size| size.parse().unwrap());
    while let Some(line) = lines.next() {
        let Line::Client(said) = line else { panic!("octets outside a message") };
        let Ok(parsed) = Command::parse(said.as_bytes(), &Rules::default()) else {
            assert!(in_auth, "{}: {said}", transcript.name);
            acts.push_back(Act::Respond(base64::decode(said.as_bytes()).unwrap().to_vec()));
            continue;
        };
        let frame = Bytes::copy_from_slice(said.as_bytes());
        let parsed = Command::parse(&frame, &Rules::default())
            .map(|again| again.command.in_frame(&frame))
            .unwrap_or_else(|_| panic!("{parsed:?}"));
        match parsed {
            Command::Unknown { .. } if in_auth => {
                acts.push_back(Act::Respond(base64::decode(said.as_bytes()).unwrap().to_vec()));
            }
            Command::Ehlo(_) | Command::Lhlo(_) => {} // the machine's own
            Command::StartTls => acts.push_back(Act::StartTls),
            Command::Auth { mechanism, initial_response } => {
                in_auth = true;
                let initial = initial_response.map(|text| match text.as_bytes() {
                    b"=" => Vec::new(),
                    text => base64::decode(text).unwrap().to_vec(),
                });
                acts.push_back(Act::Auth(String::from_utf8(mechanism.as_bytes().to_vec()).unwrap(), initial));
            }
            Command::Mail { from, params } => {
                let mut begun = Envelope::new(from, []);
                begun.body = params.body().unwrap_or(mail46_smtp::Body::SevenBit);
                begun.size = size;
                begun.params = params;
                envelope = Some(begun);
            }
            Command::Rcpt { to, params } => {
                let mut recipient =
                    client::Recipient::from("x@y.example".parse::<mail46_smtp::Mailbox>().unwrap());
                recipient.to = to;
                recipient.params = params;
                envelope.as_mut().unwrap().recipients.push(recipient);
            }
            Command::Data => {
                acts.push_back(Act::Mail(envelope.take().unwrap()));
                let mut message = Vec::new();
                // A DATA that is refused has no message behind it.
                while let Some(Line::Client(said)) =
                    lines.next_if(|line| !matches!(line, Line::Client(said) if said == "QUIT"))
                {
                    if said == "." {
                        break;
                    }
                    message.extend_from_slice(said.strip_prefix('.').unwrap_or(said).as_bytes());
                    message.extend_from_slice(b"\r\n");
                }
                acts.push_back(Act::Message(vec![message]));
            }
            Command::Bdat { size, chunk } => {
                let mut octets = Vec::new();
                while octets.len() as u64 != size {
                    octets.extend_from_slice(&lines.next().unwrap().said());
                }
                if let Some(mut envelope) = envelope.take() {
                    envelope.size = (chunk == Chunk::Last).then_some(size);
                    acts.push_back(Act::Mail(envelope));
                    acts.push_back(Act::Message(Vec::new()));
                }
                let Some(Act::Message(pieces)) = acts.back_mut() else { panic!("a chunk of nothing") };
                pieces.push(octets);
            }
            Command::Quit => acts.push_back(Act::Quit),
            other => acts.push_back(Act::Send(other)),
        }
    }
    acts
}

fn play(transcript: &Transcript) {
    let name = &transcript.name;
    let own = transcript.lines.iter().find_map(|line| match line {
        Line::Client(said) => said.split_once(' ').map(|(_, host)| host.to_owned()),
        _ => None,
    });
    let mut config = client::Config::new(own.unwrap().parse().unwrap());
    config.dialect = transcript.dialect();
    let mut machine = client::Connection::new(config);
    let (mut input, mut written) = (BytesMut::new(), BytesMut::new());
    let mut acts = acts(transcript);
    let mut replies = transcript.lines.iter().filter_map(|line| match line {
        Line::Server(reply) => Some(reply),
        _ => None,
    });
    loop {
        let step = machine.next(&mut input).unwrap_or_else(|error| panic!("{name}: {error}"));
        written.unsplit(machine.output().split());
        match step {
            Step::WantsInput => {
                let Some(reply) = replies.next() else { break };
                input.extend_from_slice(reply.as_bytes());
            }
            Step::Paused => panic!("{name}: paused behind {}", written.escape_ascii()),
            Step::Event(client::Event::Closed(_)) => break,
            Step::Event(client::Event::TlsReady) => machine.tls_established().unwrap(),
            Step::Event(client::Event::Done(outcomes)) => {
                // A message that was not wanted is not sent.
                if matches!(acts.front(), Some(Act::Message(_))) {
                    assert!(!outcomes.iter().any(client::Outcome::is_accepted), "{name}");
                    acts.pop_front();
                }
                act(&mut machine, &mut acts);
            }
            Step::Event(event) => {
                assert!(!matches!(event, client::Event::Unwelcome(_)), "{name}: {event:?}");
                act(&mut machine, &mut acts);
            }
        }
        written.unsplit(machine.output().split());
        if acts.is_empty() && replies.len_hint() == 0 {
            break;
        }
    }
    assert!(acts.is_empty() && replies.next().is_none(), "{name}: {acts:?} is left");
    assert_eq!(
        written.escape_ascii().to_string(),
        transcript.client_octets().escape_ascii().to_string(),
        "{name}"
    );
}

trait LenHint {
    fn len_hint(&self) -> usize;
}

impl<I: Iterator + Clone> LenHint for I {
    fn len_hint(&self) -> usize {
        self.clone().count()
    }
}

fn act(machine: &mut client::Connection, acts: &mut VecDeque<Act>) {
    match acts.pop_front() {
        None => {}
        Some(Act::StartTls) => machine.start_tls().unwrap(),
        Some(Act::Auth(mechanism, initial)) => machine.auth(&mechanism, initial.as_deref()).unwrap(),
        Some(Act::Respond(response)) => machine.respond(&response).unwrap(),
        Some(Act::Send(command)) => machine.send(&command).unwrap(),
        Some(Act::Mail(envelope)) => machine.mail(&envelope).unwrap(),
        Some(Act::Message(pieces)) => {
            for piece in pieces {
                machine.data(&piece).unwrap();
            }
            machine.finish_data().unwrap();
        }
        Some(Act::Quit) => machine.quit().unwrap(),
    }
}
