//! A client machine, a script of what the server says and the client does, and the log of what it told.

#![allow(dead_code)] // each test file uses its part

use std::fmt::Write;

use bytes::BytesMut;
use mail46_smtp::Mailbox;
use mail46_smtp::client::{Config, Connection, Envelope, Event, Outcome};
use mail46_smtp::server::Dialect;
use mail46_wire::Step;

pub(crate) fn config() -> Config {
    Config::new("client.example".parse().unwrap())
}

pub(crate) fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap()
}

pub(crate) fn to(recipients: &[&str]) -> Envelope {
    Envelope::new(mailbox("a@b.example"), recipients.iter().map(|text| mailbox(text)))
}

/// A client and what it told.
pub(crate) struct Talk {
    pub(crate) machine: Connection,
    pub(crate) input: BytesMut,
    pub(crate) log: String,
    pub(crate) over: bool,
    pub(crate) message: &'static [u8],
}

/// How a step's octets come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    Each,
    At(usize),
}

impl Talk {
    pub(crate) fn new(config: Config) -> Self {
        let machine = Connection::new(config);
        Self { machine, input: BytesMut::new(), log: String::new(), over: false, message: b"hi\r\n" }
    }

    pub(crate) fn note(&mut self, what: impl std::fmt::Display) {
        write!(self.log, " {what}").unwrap();
    }

    pub(crate) fn server(&mut self, octets: &str, cut: Cut) {
        let octets = octets.as_bytes();
        match cut {
            Cut::Whole => self.hear(octets),
            Cut::Each => octets.chunks(1).for_each(|octet| self.hear(octet)),
            Cut::At(at) => {
                let (first, second) = octets.split_at(at.min(octets.len()));
                self.hear(first);
                self.hear(second);
            }
        }
    }

    pub(crate) fn hear(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        while !self.over {
            match self.machine.next(&mut self.input) {
                Ok(Step::Event(event)) => self.take(event),
                Ok(Step::WantsInput | Step::Paused) => return,
                Err(error) => {
                    self.note(format_args!("error: {error}"));
                    self.over = true;
                }
            }
        }
    }

    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Ready => self.note("ready"),
            Event::Unwelcome(reply) => self.note(format_args!("unwelcome {}", reply.code().value())),
            Event::TlsReady => {
                self.note("handshake");
                self.machine.tls_established().unwrap();
            }
            Event::TlsRefused(reply) => self.note(format_args!("no tls {}", reply.code().value())),
            Event::Challenge(octets) => self.note(format_args!("challenge <{}>", octets.escape_ascii())),
            Event::Authenticated(_) => self.note("authenticated"),
            Event::AuthRefused(reply) => self.note(format_args!("auth refused {}", reply.code().value())),
            Event::SendData => {
                self.note("send");
                self.machine.data(self.message).unwrap();
                self.machine.finish_data().unwrap();
            }
            Event::Done(outcomes) => {
                let outcomes = describe(&outcomes);
                self.note(format_args!("done {outcomes}"));
            }
            Event::Reply { to, reply } => self.note(format_args!("{to} {}", reply.code().value())),
            Event::Closed(reply) => {
                self.note(format_args!("closed {}", reply.code().value()));
                self.over = true;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// `+` accepted, `?` ambiguous, `-` lost, else the step and the code of the refusal.
pub(crate) fn describe(outcomes: &[Outcome]) -> String {
    let one = |outcome: &Outcome| match outcome {
        Outcome::Accepted(_) => "+".into(),
        Outcome::Ambiguous => "?".into(),
        Outcome::Lost => "-".into(),
        Outcome::Refused { at, reply } => format!("{at:?}{}", reply.code().value()),
        other => panic!("{other:?}"),
    };
    outcomes.iter().map(one).collect::<Vec<String>>().join(",")
}

/// What happens in a row, in order.
pub(crate) enum Do {
    /// The server says this.
    S(&'static str),
    /// The client does this.
    C(fn(&mut Connection)),
    /// So much stands in the output, to the octet; it is written then.
    W(&'static str),
    /// What is in the output is written, and nobody looks at it.
    Flush,
    /// The connection breaks.
    Break,
}
pub(crate) use Do::*;

pub(crate) fn run(setup: fn(&mut Config), script: &[Do], cut: Cut) -> String {
    let mut config = config();
    setup(&mut config);
    let mut talk = Talk::new(config);
    for step in script {
        match step {
            S(octets) => talk.server(octets, cut),
            C(act) => {
                act(&mut talk.machine);
                talk.hear(b"");
            }
            W(want) => {
                let output = talk.machine.output().split();
                assert_eq!(output.escape_ascii().to_string(), want.as_bytes().escape_ascii().to_string());
            }
            Flush => talk.machine.output().clear(),
            Break => {
                if let Some(outcomes) = talk.machine.connection_lost() {
                    let outcomes = describe(&outcomes);
                    talk.note(format_args!("lost {outcomes}"));
                }
            }
        }
    }
    talk.log.trim().to_owned()
}

pub(crate) type Row = (fn(&mut Config), &'static [Do], &'static str, &'static str);

pub(crate) fn check(rows: &[Row]) {
    let mut wrong = String::new();
    for (setup, script, want, shows) in rows {
        let whole = run(*setup, script, Cut::Whole);
        if whole != *want {
            wrong += &format!("\n{shows}\n  want {want}\n  got  {whole}");
            continue;
        }
        let cuts =
            script.iter().map(|step| if let S(octets) = step { octets.len() } else { 0 }).max().unwrap_or(0);
        for cut in [Cut::Whole, Cut::Each].into_iter().chain((1..cuts).map(Cut::At)) {
            assert_eq!(&run(*setup, script, cut), want, "{shows}, {cut:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

pub(crate) fn smtp(_: &mut Config) {}

pub(crate) fn lmtp(config: &mut Config) {
    config.dialect = Dialect::Lmtp;
}

pub(crate) const HI: Do = S("220 mx.example\r\n");
pub(crate) const EHLO: Do = W("EHLO client.example\r\n");
pub(crate) const FULL: Do = S("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 CHUNKING\r\n");
pub(crate) const PIPE: Do = S("250-mx.example\r\n250 PIPELINING\r\n");
pub(crate) const BARE: Do = S("250 mx.example\r\n");

pub(crate) fn one(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example"])).unwrap();
}

pub(crate) fn two(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example", "e@f.example"])).unwrap();
}

pub(crate) fn sized(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example", "e@f.example"]).with_size(4)).unwrap();
}
