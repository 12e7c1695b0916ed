//! The SMTP client machine under any server, cut anywhere, with an application that calls any verb: it never panics, tells
//! the same however the input of a turn is cut, holds no more than a reply, gives one outcome for each recipient, and none
//! is accepted before the message was given whole.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_smtp::client::{Config, Connection, Envelope, Event, Outcome};
use mail46_smtp::server::Dialect;
use mail46_smtp::{Body, Command, Mailbox};
use mail46_wire::{BareNewline, Step};

fn config(flags: u8) -> Config {
    let mut config = Config::new("client.example".parse().unwrap());
    if flags & 1 != 0 {
        config.dialect = Dialect::Lmtp;
    }
    if flags & 2 != 0 {
        config.bare_newline = BareNewline::Normalize;
    }
    if flags & 4 != 0 {
        config.blind_chunk = 0;
    }
    config.challenges = 3;
    config
}

/// A client, and what the application knows of its transaction.
struct Client {
    machine: Connection,
    input: BytesMut,
    events: Vec<String>,
    written: Vec<u8>,
    recipients: Option<usize>,
    /// The message was given whole.
    whole: bool,
    over: bool,
}

impl Client {
    fn hear(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        while !self.over {
            let step = self.machine.next(&mut self.input);
            match step {
                Ok(Step::WantsInput | Step::Paused) => {
                    self.written.extend_from_slice(&self.machine.output().split());
                    assert!(self.input.len() <= 64 * 1024);
                    return;
                }
                Err(error) => {
                    self.events.push(format!("error {error}"));
                    self.over = true;
                }
                Ok(Step::Event(Event::Done(outcomes))) => self.outcomes(&outcomes),
                Ok(Step::Event(event)) => {
                    self.over |= matches!(event, Event::Closed(_));
                    self.events.push(format!("{event:?}"));
                }
            }
        }
    }

    fn outcomes(&mut self, outcomes: &[Outcome]) {
        assert_eq!(Some(outcomes.len()), self.recipients.take(), "one for each");
        let accepted = outcomes.iter().any(Outcome::is_accepted);
        assert!(self.whole || !accepted, "accepted before it was sent");
        self.events.push(format!("{outcomes:?}"));
    }

    fn act(&mut self, verb: u8) {
        let machine = &mut self.machine;
        let done = match verb & 15 {
            0..4 => {
                let to = usize::from(verb >> 6) + 1;
                let to_all = (0..to).map(|n| format!("r{n}@d.example").parse::<Mailbox>().unwrap());
                let mut envelope = Envelope::new("a@b.example".parse::<Mailbox>().unwrap(), to_all);
                envelope.size = (verb & 1 != 0).then_some(4);
                if verb & 2 != 0 {
                    envelope.body = Body::BinaryMime;
                }
                if machine.mail(&envelope).is_ok() {
                    assert_eq!(self.recipients.replace(to), None);
                    self.whole = false;
                }
                return;
            }
            4 | 5 => machine.data(b"hi\r\n"),
            6 => machine.data(b".\n"),
            7 | 8 => machine.finish_data().inspect(|()| self.whole = true),
            9 => machine.start_tls(),
            10 => machine.tls_established(),
            11 => machine.auth("PLAIN", Some(if verb & 128 != 0 { &[0; 600] } else { b"\0u\0p" })),
            12 => machine.respond(b"x"),
            13 => machine.cancel_auth(),
            14 => machine.send(if verb & 128 != 0 { &Command::Rset } else { &Command::Noop(None) }),
            _ => machine.quit(),
        };
        let _ = done;
    }
}

/// Turns: an octet of `verbs` after each piece of the server's.
fn run(flags: u8, verbs: &[u8], turns: &[&[u8]], cut: usize) -> (Vec<String>, Vec<u8>) {
    let mut client = Client {
        machine: Connection::new(config(flags)),
        input: BytesMut::new(),
        events: Vec::new(),
        written: Vec::new(),
        recipients: None,
        whole: false,
        over: false,
    };
    for (n, turn) in turns.iter().enumerate() {
        for piece in turn.chunks(cut) {
            client.hear(piece);
        }
        if client.over {
            break;
        }
        for verb in verbs.iter().skip(n * 3).take(3) {
            client.act(*verb);
            client.hear(b"");
        }
    }
    if let Some(outcomes) = client.machine.connection_lost() {
        client.outcomes(&outcomes);
    }
    assert_eq!(client.recipients, None, "every transaction has its outcomes");
    client.written.extend_from_slice(&client.machine.output().split());
    (client.events, client.written)
}

fuzz_target!(|data: &[u8]| {
    let [flags, cut, verbs, rest @ ..] = data else { return };
    let (verbs, octets) = rest.split_at(usize::from(*verbs % 32).min(rest.len()));
    let turns: Vec<&[u8]> = octets.split(|octet| *octet == 0xff).collect();
    let whole = run(*flags, verbs, &turns, usize::MAX);
    let pieces = run(*flags, verbs, &turns, usize::from(*cut).max(1));
    // A reply too many is an error at once if it is there, and later if it comes later.
    let unasked = |events: &[String]| events.iter().any(|event| event.starts_with("error"));
    if !unasked(&whole.0) && !unasked(&pieces.0) {
        assert_eq!(whole, pieces);
    }
    assert!(!unasked(&pieces.0) || unasked(&whole.0), "{pieces:?}\n{whole:?}");
});
