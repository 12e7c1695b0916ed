//! The SMTP server machine under any octets, cut anywhere, with an application that calls any verb: it never panics, tells
//! the same however the input is cut, holds no more than a line, never answers more often than it is told to, and says
//! nothing behind `Closed`.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_smtp::server::{Config, Connection, Dialect, Event, InClear, MailFrom, Offer};
use mail46_smtp::{Reply, ReplyReader};
use mail46_wire::{BareNewline, Step};

fn config(flags: u8) -> Config {
    let mut config = Config::new("mx.example".parse().unwrap());
    config.offer = config.offer
        | Offer::BINARY_MIME
        | Offer::DSN
        | Offer::BURL
        | Offer::XCLIENT
        | Offer::STARTTLS
        | Offer::FUTURE_RELEASE;
    config.mechanisms = vec!["PLAIN".into(), "X".into()];
    config.auth = InClear::Taken;
    config.limits.recipients = 3;
    if flags & 1 != 0 {
        config.dialect = Dialect::Lmtp;
    }
    if flags & 2 != 0 {
        config.message_size = 40;
        config.limits.swallow = 60;
        config.limits.text_line = 16;
        config.limits.auth_line = 40;
        config.limits.errors = 4;
    }
    if flags & 4 != 0 {
        config.mail = MailFrom::Authenticated;
    }
    if flags & 8 != 0 {
        config.bare_newline = BareNewline::Normalize;
    }
    if flags & 64 != 0 {
        config.bare_newline = BareNewline::Allow;
    }
    config
}

/// What came of it: events, replies, message.
#[derive(Debug, Default, PartialEq)]
struct Log {
    events: Vec<String>,
    data: Vec<u8>,
    output: Vec<u8>,
}

fn run(flags: u8, verbs: &[u8], pieces: &[&[u8]], tls: bool) -> Log {
    let config = config(flags);
    let lmtp = config.dialect == Dialect::Lmtp;
    let held = 12_288.max(config.limits.command_line) + 8_192;
    let mut machine = Connection::new(config.into());
    let (mut input, mut log, mut called, mut asked) = (BytesMut::new(), Log::default(), 0usize, 0usize);
    machine.greet().unwrap();
    called += 1;
    'pieces: for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match machine.next(&mut input) {
                Ok(Step::WantsInput) => {
                    assert!(input.len() <= held, "{} octets are held", input.len());
                    break;
                }
                Ok(Step::Paused) => panic!("it waits for an answer that was given"),
                Err(error) => {
                    log.events.push(format!("error {error}"));
                    break 'pieces;
                }
                Ok(Step::Event(Event::Data(data))) => {
                    assert!(!data.is_empty());
                    assert!(machine.reply(&Reply::new(250, None, "")).is_err());
                    log.data.extend_from_slice(&data);
                }
                Ok(Step::Event(Event::Closed)) => {
                    log.events.push("closed".into());
                    let before = machine.output().len();
                    assert!(machine.reply(&Reply::new(250, None, "")).is_err());
                    machine.shut_down(&Reply::new(421, None, ""));
                    assert_eq!(machine.output().len(), before, "nothing is said behind it");
                    let mut more = BytesMut::from("NOOP\r\n");
                    assert!(matches!(machine.next(&mut more), Ok(Step::Event(Event::Closed))));
                    break 'pieces;
                }
                Ok(Step::Event(event)) => {
                    let verb = verbs.get(asked % verbs.len().max(1)).copied().unwrap_or(0);
                    asked += 1;
                    log.events.push(format!("{event:?} {:?}", machine.phase()));
                    let mut owed = 1;
                    if let Event::DataEnd(end) = &event {
                        owed = end.replies;
                        assert!(lmtp || owed == 1);
                    }
                    for _ in 0..owed {
                        called += answer(&mut machine, &input, &event, verb, tls);
                    }
                }
            }
        }
    }
    let mut output = machine.output().split();
    log.output = output.to_vec();
    let (mut replies, mut count) = (ReplyReader::default(), 0usize);
    while let Some(reply) = replies.next(&mut output) {
        reply.expect("replies that a client can read");
        count += 1;
    }
    assert!(output.is_empty());
    // LMTP's refusal of a last chunk goes to each recipient, of whom there are three at most.
    assert!(count <= called * if lmtp { 3 } else { 1 }, "{count} replies for {called} verbs");
    log
}

/// Tries the verb that the fuzzer wants, then one that fits. How many were taken.
fn answer(machine: &mut Connection, input: &BytesMut, event: &Event, verb: u8, tls: bool) -> usize {
    let code = match verb >> 4 {
        0..6 => 250,
        6 | 7 => 550,
        8 => 421,
        9 => 354,
        10 => 334,
        11 => 451,
        _ => 235,
    };
    let wanted = match verb & 15 {
        0 | 1 => machine.accept_ehlo(),
        2 => machine.accept_data(),
        3 | 4 => machine.accept_chunk(),
        5 if tls => machine.accept_tls(input).and_then(|()| machine.tls_established()),
        6 => machine.challenge(b"what?"),
        7 if verb >> 4 == 15 => {
            machine.shut_down(&Reply::new(421, None, "bye"));
            return 1;
        }
        8 => machine.greet(),
        _ => machine.reply(&Reply::new(code, None, "as it is")),
    };
    if wanted.is_ok() {
        return 1;
    }
    let fits = match event {
        Event::Refused { reply, .. } => machine.reply(reply),
        _ => machine.reply(&Reply::new(500, None, "no")),
    };
    // A STARTTLS that was answered by an error of the peer is over.
    usize::from(fits.is_ok())
}

fuzz_target!(|data: &[u8]| {
    let [flags, cut, verbs, rest @ ..] = data else { return };
    let (verbs, octets) = rest.split_at(usize::from(*verbs % 16).min(rest.len()));
    if flags & 16 != 0 {
        // Whether octets follow STARTTLS is a matter of when they come: no comparison.
        run(*flags, verbs, &[octets], true);
        return;
    }
    let whole = run(*flags, verbs, &[octets], false);
    let (first, second) = octets.split_at(usize::from(*cut).min(octets.len()));
    assert_eq!(whole, run(*flags, verbs, &[first, second], false));
    let each: Vec<&[u8]> = octets.chunks(1).collect();
    assert_eq!(whole, run(*flags, verbs, &each, false));
});
