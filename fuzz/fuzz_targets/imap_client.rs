//! The IMAP client: whatever a server says there is no panic, and neither more told nor more held than it said; cuts change nothing.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::{
    Command, FrameLimits, Mode, Profile,
    client::{Config, Connection, Event, InClear, MailboxView},
};
use mail46_wire::Step;

/// Everything that is told and said, and whether the session ended in a fault.
fn run(pieces: &[&[u8]]) -> (Vec<String>, BytesMut, bool) {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    config.limits.frame = FrameLimits { line: 2_000, literal: 32, frame: 3_000, streamed: 5_000 };
    let mut client = Connection::new(config);
    let (mut input, mut told) = (BytesMut::new(), Vec::<String>::new());
    let (mut view, mut literal) = (MailboxView::new(), None);
    let start =
        [&b"* OK [CAPABILITY IMAP4rev1 IDLE ENABLE] hi\r\n"[..], b"A1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"];
    for piece in start.iter().chain(pieces) {
        input.extend_from_slice(piece);
        loop {
            let event = match client.next(&mut input) {
                Err(_) => return (told, client.output().split(), true),
                Ok(Step::Event(event)) => event,
                Ok(Step::WantsInput | Step::Paused) => break,
            };
            match &event {
                Event::Ready => drop(client.login("u", &"p".into()).expect("ready")),
                Event::Authenticated(_) => {
                    let mode = Mode::new(Profile::Strict);
                    for text in ["SELECT b", "UID FETCH 1:* BODY[]", "APPEND b {3}\r\nabc", "UID SEARCH ALL"]
                    {
                        let line = Bytes::from(format!("X {text}\r\n"));
                        let command = Command::parse_shared(&line, &[], &mode).expect("a command").body;
                        client.send(command).expect("logged in");
                    }
                    client.idle().expect("logged in");
                }
                Event::Untagged { response, .. } => {
                    view.update(response);
                    assert!(view.footprint() < 100_000);
                }
                Event::DataBegin(begin) => literal = Some((begin.size, 0)),
                Event::Data(data) => {
                    let (size, had) = literal.as_mut().expect("a literal has begun");
                    *had += data.len() as u64;
                    assert!(*had <= *size);
                    continue;
                }
                Event::DataEnd => {
                    let (size, had) = literal.take().expect("a literal has begun");
                    assert_eq!(size, had, "whole or not at all");
                }
                _ => {}
            }
            told.push(format!("{event:?}"));
        }
        assert!(input.len() <= 5_000, "what cannot be used yet is bounded");
    }
    (told, client.output().split(), false)
}

fuzz_target!(|data: &[u8]| {
    let [cut, rest @ ..] = data else { return };
    if rest.len() > 4_000 {
        return;
    }
    let whole = run(&[rest]);
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    for pieces in [vec![first, second], rest.chunks(1).collect()] {
        assert_eq!(run(&pieces), whole);
    }
});
