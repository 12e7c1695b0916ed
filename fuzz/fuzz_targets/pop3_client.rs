//! The POP3 client: whatever a server says there is no panic and no more told than it said; the cut changes at most whether the
//! last answer before something unsolicited is told.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_pop3::{
    Command, MessageNumber,
    client::{Config, Connection, Event, InClear},
};
use mail46_wire::Step;

#[derive(Clone, Copy, PartialEq)]
enum Begins {
    /// Before the greeting.
    Unknown,
    /// With all commands sent in one flight.
    LoggedIn,
}

/// The messages that were told to be whole, and whether the session ended in a fault.
fn run(begins: Begins, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut config = Config::default();
    config.passwords = InClear::Taken;
    config.limits.entries = 50;
    config.limits.message = 2_000;
    let mut client = Connection::new(config);
    let (mut input, mut whole, mut part) = (BytesMut::new(), Vec::new(), Vec::new());
    let capabilities = &b"+OK\r\nPIPELINING\r\n.\r\n"[..];
    let start = [&b"+OK\r\n"[..], capabilities, b"+OK\r\n+OK\r\n", capabilities];
    let start = if begins == Begins::LoggedIn { &start[..] } else { &[] };
    for piece in start.iter().chain(pieces) {
        input.extend_from_slice(piece);
        loop {
            let event = match client.next(&mut input) {
                Err(_) => return (whole, true),
                Ok(Step::Event(event)) => event,
                Ok(Step::WantsInput | Step::Paused) => break,
            };
            match event {
                Event::Ready => client.log_in("u", &"p".into()).expect("ready"),
                Event::Authenticated(_) => {
                    let first = MessageNumber::FIRST;
                    for command in [
                        Command::Uidl(None),
                        Command::List(None),
                        Command::Stat,
                        Command::Retr(first),
                        Command::Retr(first),
                    ] {
                        client.send::<Bytes>(&command).expect("logged in");
                    }
                    client.quit().expect("logged in");
                }
                Event::MessageBegin(_) => part.clear(),
                Event::Data(data) => part.extend_from_slice(&data),
                Event::MessageEnd { octets } => {
                    assert_eq!(octets, part.len() as u64);
                    whole.push(std::mem::take(&mut part));
                }
                Event::Closed(_) => return (whole, false),
                _ => {}
            }
        }
    }
    (whole, false)
}

fuzz_target!(|data: &[u8]| {
    let [cut, rest @ ..] = data else { return };
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let (whole, fault) = run(Begins::LoggedIn, &[rest]);
    for pieces in [vec![first, second], rest.chunks(1).collect()] {
        let (told, again) = run(Begins::LoggedIn, &pieces);
        assert!(told.len() >= whole.len() && told.len() <= whole.len() + 1 && told[..whole.len()] == whole);
        assert!(fault || !again);
    }
    assert!(whole.iter().map(Vec::len).sum::<usize>() <= rest.len());
    // A server that answers in turns.
    run(Begins::Unknown, &rest.split_inclusive(|octet| *octet == b'\n').collect::<Vec<_>>());
});
