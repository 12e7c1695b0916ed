//! The client machine: what it writes, what it tells, and what it makes of servers that do wrong.
//!
//! A row is a script of steps: what the server says, what the client does, and what must have come out. The server's octets
//! are handed over whole, octet by octet, and cut at each index of a step, with one outcome.

use std::fmt::Write;

use bytes::BytesMut;
use mail46_smtp::client::{
    Config, Connection, Envelope, Error, Event, Misuse, Outcome, PeerMisbehaved, Unable,
};
use mail46_smtp::server::Dialect;
use mail46_smtp::{Body, Command, Mailbox, Param};
use mail46_wire::{BareNewline, Step};

fn config() -> Config {
    Config::new("client.example".parse().unwrap())
}

fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap()
}

fn to(recipients: &[&str]) -> Envelope {
    Envelope::new(mailbox("a@b.example"), recipients.iter().map(|text| mailbox(text)))
}

/// A client and what it told.
struct Talk {
    machine: Connection,
    input: BytesMut,
    log: String,
    over: bool,
    message: &'static [u8],
}

/// How a step's octets come.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    Each,
    At(usize),
}

impl Talk {
    fn new(config: Config) -> Self {
        let machine = Connection::new(config);
        Self { machine, input: BytesMut::new(), log: String::new(), over: false, message: b"hi\r\n" }
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        write!(self.log, " {what}").unwrap();
    }

    fn server(&mut self, octets: &str, cut: Cut) {
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

    fn hear(&mut self, octets: &[u8]) {
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

    fn take(&mut self, event: Event) {
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
fn describe(outcomes: &[Outcome]) -> String {
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
enum Do {
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
use Do::*;

fn run(setup: fn(&mut Config), script: &[Do], cut: Cut) -> String {
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

type Row = (fn(&mut Config), &'static [Do], &'static str, &'static str);

fn check(rows: &[Row]) {
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

fn smtp(_: &mut Config) {}

fn lmtp(config: &mut Config) {
    config.dialect = Dialect::Lmtp;
}

const HI: Do = S("220 mx.example\r\n");
const EHLO: Do = W("EHLO client.example\r\n");
const FULL: Do = S("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 CHUNKING\r\n");
const PIPE: Do = S("250-mx.example\r\n250 PIPELINING\r\n");
const BARE: Do = S("250 mx.example\r\n");

fn one(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example"])).unwrap();
}

fn two(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example", "e@f.example"])).unwrap();
}

fn sized(machine: &mut Connection) {
    machine.mail(&to(&["c@d.example", "e@f.example"]).with_size(4)).unwrap();
}

#[test]
fn transactions() {
    check(&[
        (
            smtp,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                W(
                    "MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nBDAT 4 LAST\r\nhi\r\n",
                ),
                S("250 ok\r\n250 ok\r\n550 no\r\n250 queued\r\n"),
            ],
            "ready send done +,Rcpt550",
            "PIPELINING and CHUNKING: one flight (RFC 2920 s 3.1, RFC 3030 s 4.2)",
        ),
        (
            |config| config.blind_chunk = 3,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                W("MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n"),
                S("250 ok\r\n250 ok\r\n550 no\r\n"),
                W("BDAT 4 LAST\r\nhi\r\n"),
                S("250 queued\r\n"),
            ],
            "ready send done +,Rcpt550",
            "a message that is too long to be sent in vain",
        ),
        (
            |config| config.blind_chunk = 0,
            &[HI, EHLO, FULL, C(sized), Flush, S("250 ok\r\n550 no\r\n551 no\r\n"), W("")],
            "ready done Rcpt550,Rcpt551",
            "and is not, then",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n"),
                S("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
                W("hi\r\n.\r\n"),
                S("250 queued\r\n"),
                C(|machine| machine.quit().unwrap()),
                W("QUIT\r\n"),
                S("221 bye\r\n"),
            ],
            "ready send done +,+ closed 221",
            "DATA",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                BARE,
                C(two),
                W("MAIL FROM:<a@b.example>\r\n"),
                S("250 ok\r\n"),
                W("RCPT TO:<c@d.example>\r\n"),
                S("251 will forward\r\n"),
                W("RCPT TO:<e@f.example>\r\n"),
                S("452 later\r\n"),
                W("DATA\r\n"),
                S("354\r\n"),
                W("hi\r\n.\r\n"),
                S("554 no\r\n"),
            ],
            "ready send done Message554,Rcpt452",
            "without PIPELINING a line at a time",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                BARE,
                C(two),
                Flush,
                S("250 ok\r\n"),
                Flush,
                S("550 no\r\n"),
                Flush,
                S("550 no\r\n"),
                W(""),
            ],
            "ready done Rcpt550,Rcpt550",
            "without PIPELINING no DATA for nobody",
        ),
        (
            smtp,
            &[HI, EHLO, BARE, C(two), Flush, S("450 no\r\n"), W("")],
            "ready done Mail450,Mail450",
            "without PIPELINING nothing behind a refused MAIL",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 a\r\n550 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("554 none\r\n"),
            ],
            "ready done Rcpt550,Rcpt550",
            "RFC 2920 s 3.1, 4: 354 for nobody, a lone dot",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 a\r\n550 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("250 ok\r\n"),
            ],
            "ready done Rcpt550,Rcpt550",
            "and whatever it says to that, nobody was accepted",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("550 no\r\n250 ok\r\n503 b\r\n354 go\r\n"),
                W(".\r\n"),
                S("250 ok\r\n"),
            ],
            "ready done Mail550,Mail550",
            "MAIL refused, and a server that goes on all the same",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n250 ok\r\n550 b\r\n451 later\r\n"), W("")],
            "ready done Data451,Rcpt550",
            "DATA refused",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 ok\r\n550 b\r\n451 later\r\n"),
                C(one),
                W("RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready done Data451,Rcpt550",
            "what was left is cleared before the next",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                FULL,
                C(sized),
                Flush,
                S("250 ok\r\n250 ok\r\n250 ok\r\n552 too big\r\n"),
                C(one),
                W("RSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
                S("250\r\n250\r\n250\r\n354\r\n"),
                W("hi\r\n.\r\n"),
                S("250 ok\r\n"),
                C(one),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready send done Message552,Message552 send done +",
            "RFC 3030 s 2: RSET behind a failed chunk; none behind a success",
        ),
        (
            lmtp,
            &[
                HI,
                W("LHLO client.example\r\n"),
                FULL,
                C(sized),
                W("MAIL FROM:<a@b.example> SIZE=4\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n"),
                S("250 ok\r\n250 ok\r\n250 ok\r\n"),
                W("BDAT 4 LAST\r\nhi\r\n"),
                S("250 ok\r\n452 full\r\n"),
            ],
            "ready send done +,Message452",
            "RFC 2033 s 4.3: a reply for each",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"),
                W("hi\r\n.\r\n"),
                S("250 ok\r\n"),
            ],
            "ready send done Rcpt550,+",
            "RFC 2033 s 4.2: and none for the refused",
        ),
        (
            lmtp,
            &[HI, Flush, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n550 ok\r\n503 no\r\n")],
            "ready done Rcpt550,Rcpt550",
            "RFC 2033 s 4.2: 503",
        ),
        (
            lmtp,
            &[HI, Flush, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n550 ok\r\n354 go\r\n")],
            "ready error: a 354 reply to Data",
            "RFC 2033 s 4.2: it must not, for no reply would ever follow the dot",
        ),
    ]);
}

#[test]
fn openings() {
    check(&[
        (
            smtp,
            &[S("554 no\r\n"), C(|machine| machine.quit().unwrap()), W("QUIT\r\n"), S("221 bye\r\n")],
            "unwelcome 554 closed 221",
            "RFC 5321 s 3.1",
        ),
        (smtp, &[S("421 busy\r\n")], "closed 421", "busy"),
        (
            smtp,
            &[HI, EHLO, S("502 what\r\n"), W("HELO client.example\r\n"), BARE],
            "ready",
            "RFC 5321 s 3.2: HELO",
        ),
        (smtp, &[HI, EHLO, S("502 what\r\n"), Flush, S("550 go away\r\n")], "unwelcome 550", "neither"),
        (smtp, &[HI, EHLO, S("450 later\r\n")], "unwelcome 450", "a 4yz is no lack of EHLO"),
        (
            lmtp,
            &[HI, W("LHLO client.example\r\n"), S("500 what\r\n"), W("")],
            "unwelcome 500",
            "LMTP has nothing to fall back to",
        ),
        (smtp, &[S("220-mx.example\r\n220-  \r\n220 ready\r\n"), EHLO], "", "a greeting of many lines"),
        (smtp, &[S("354 what\r\n")], "error: a 354 reply to Ehlo", "no greeting"),
        (smtp, &[S("SSH-2.0-OpenSSH\r\n")], "error: bad reply: no reply code at octet 0", "another protocol"),
        (
            smtp,
            &[S("220-mx.example\r\n250 ok\r\n")],
            "error: bad reply: another code in the same reply at octet 17",
            "RFC 5321 s 4.2.1: mixed codes",
        ),
    ]);
}

#[test]
fn tls() {
    fn start(machine: &mut Connection) {
        machine.start_tls().unwrap();
    }
    const OFFER: Do = S("250-mx.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    const START: Do = W("STARTTLS\r\n");
    check(&[
        (
            smtp,
            &[HI, EHLO, OFFER, C(start), START, S("220 go\r\n"), EHLO, PIPE],
            "ready handshake ready",
            "EHLO anew (RFC 3207 s 4.2)",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(start),
                START,
                S("454 no\r\n"),
                W(""),
                C(one),
                W("MAIL FROM:<a@b.example>\r\n"),
            ],
            "ready no tls 454",
            "refused; the caller goes on or not",
        ),
        (smtp, &[HI, EHLO, OFFER, C(start), START, S("502 no\r\n")], "ready no tls 502", "in other words"),
    ]);
    for behind in ["250 injected\r\n", "2", "\r", "421 bye\r\n", "\u{16}"] {
        let mut talk = Talk::new(config());
        talk.hear(b"220 mx\r\n");
        talk.hear(b"250-mx\r\n250 STARTTLS\r\n");
        talk.machine.start_tls().unwrap();
        talk.hear(format!("220 go\r\n{behind}").as_bytes());
        let want = "ready error: octets in the clear behind the reply to STARTTLS";
        assert_eq!(talk.log.trim(), want, "RFC 3207 s 6: {behind:?}");
    }
    // What was said in the clear is forgotten.
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n");
    talk.machine.start_tls().unwrap();
    talk.hear(b"220 go\r\n");
    assert!(talk.machine.extensions().is_none() && talk.machine.is_tls());
    assert!(
        matches!(talk.machine.mail(&to(&["c@d.example"])), Err(Unable::NotReady)),
        "before EHLO is answered"
    );
    talk.hear(b"250-mx\r\n250 STARTTLS\r\n");
    assert!(talk.machine.start_tls().is_err(), "once");
    let utf8 = Envelope::new(mailbox("ä@b.example"), [mailbox("c@d.example")]);
    assert!(matches!(talk.machine.mail(&utf8), Err(Unable::SmtpUtf8)));
}

#[test]
fn auth() {
    const OFFER: Do = S("250-mx.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n");
    fn plain(machine: &mut Connection) {
        machine.auth("PLAIN", Some(b"\0u\0p")).unwrap();
    }
    fn login(machine: &mut Connection) {
        machine.auth("LOGIN", None).unwrap();
    }
    fn respond(machine: &mut Connection) {
        machine.respond(b"u").unwrap();
    }
    check(&[
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(plain),
                W("AUTH PLAIN AHUAcA==\r\n"),
                S("235 ok\r\n"),
                W(""),
                C(one),
                W("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"),
            ],
            "ready authenticated",
            "no EHLO behind AUTH, and the extensions stay",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("EXTERNAL", Some(b"")).unwrap()),
                W("AUTH EXTERNAL =\r\n"),
                S("235 ok\r\n"),
            ],
            "ready authenticated",
            "RFC 4954 s 4: an empty initial response",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                W("AUTH LOGIN\r\n"),
                S("334 VXNlcm5hbWU6\r\n"),
                C(respond),
                W("dQ==\r\n"),
                S("334 \r\n"),
                C(|m| m.respond(b"").unwrap()),
                W("\r\n"),
                S("535 no\r\n"),
            ],
            "ready challenge <Username:> challenge <> auth refused 535",
            "two challenges; the empty response is an empty line",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                Flush,
                S("334\r\n"),
                C(|m| m.cancel_auth().unwrap()),
                W("*\r\n"),
                S("501 cancelled\r\n"),
            ],
            "ready challenge <> auth refused 501",
            "given up",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 not base64!\r\n"), W("*\r\n"), S("501 no\r\n")],
            "ready auth refused 501",
            "RFC 4954 s 4: what is no base64",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 not base64!\r\n"), W("*\r\n"), S("334 \r\n")],
            "ready error: a 334 reply to Auth",
            "a challenge behind `*` has no end",
        ),
        (
            smtp,
            &[HI, EHLO, OFFER, C(login), Flush, S("334 x=\r\n"), W("*\r\n"), S("235 ok\r\n")],
            "ready error: a 235 reply to Auth",
            "nor is anybody let in who gave up",
        ),
        (
            |config| config.challenges = 2,
            &[
                HI,
                EHLO,
                OFFER,
                C(login),
                Flush,
                S("334 \r\n"),
                C(respond),
                Flush,
                S("334 \r\n"),
                C(respond),
                Flush,
                S("334 \r\n"),
                W("*\r\n"),
                S("500 no\r\n"),
            ],
            "ready challenge <> challenge <> auth refused 500",
            "challenges without end",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("PLAIN", Some(&[b'x'; 400])).unwrap()),
                W("AUTH PLAIN\r\n"),
                S("334 \r\n"),
                C(|_| {}),
                Flush,
                S("235 ok\r\n"),
            ],
            "ready authenticated",
            "RFC 4954 s 4: too long for the line, held for the challenge",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(|m| m.auth("PLAIN", Some(&[b'x'; 400])).unwrap()),
                Flush,
                S("334 eA==\r\n"),
                W("*\r\n"),
                S("501 no\r\n"),
            ],
            "ready auth refused 501",
            "a challenge that is not the empty one does not get it",
        ),
        (smtp, &[HI, EHLO, OFFER, C(plain), Flush, S("421 bye\r\n")], "ready closed 421", "421"),
        (
            smtp,
            &[
                HI,
                EHLO,
                OFFER,
                C(plain),
                Flush,
                S("535 no\r\n"),
                C(plain),
                W("AUTH PLAIN AHUAcA==\r\n"),
                S("235 ok\r\n"),
            ],
            "ready auth refused 535 authenticated",
            "again",
        ),
    ]);
    let mut machine = Connection::new(config());
    for name in ["", "PL AIN", "PLAIN\r\nQUIT", "A-NAME-OF-MORE-THAN-TWENTY"] {
        assert!(machine.auth(name, None).is_err(), "no mechanism: {name:?}");
    }
}

#[test]
fn the_last_word_of_a_server_at_any_step() {
    check(&[
        (smtp, &[HI, EHLO, S("421 bye\r\n")], "closed 421", "at EHLO"),
        (
            smtp,
            &[HI, EHLO, PIPE, S("421 idle\r\n"), C(|m| assert!(m.quit().is_err()))],
            "ready closed 421",
            "unasked (RFC 5321 s 3.8)",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("421 bye\r\n")],
            "ready done Mail421,Mail421 closed 421",
            "at MAIL",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n421 bye\r\n")],
            "ready done Rcpt550,Rcpt421 closed 421",
            "at RCPT",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, S("250 ok\r\n550 no\r\n250 ok\r\n421 bye\r\n")],
            "ready done Rcpt550,Data421 closed 421",
            "at DATA",
        ),
        (
            smtp,
            &[
                HI,
                EHLO,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n550 no\r\n250 ok\r\n354\r\n"),
                Flush,
                S("421 bye\r\n"),
            ],
            "ready send done Rcpt550,Message421 closed 421",
            "behind the dot",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 no\r\n250 ok\r\n354\r\n"),
                Flush,
                S("250 ok\r\n421 bye\r\n"),
            ],
            "ready send done +,Message421 closed 421",
            "between two replies of LMTP",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(|m| m.quit().unwrap()), Flush, S("421 bye\r\n")],
            "ready closed 421",
            "at QUIT",
        ),
    ]);
}

#[test]
fn replies_that_nothing_asked_for() {
    const UNASKED: &str = "a reply to no command";
    for (script, shows) in [
        (&[S("220 mx\r\n250-mx\r\n250 PIPELINING\r\n")][..], "EHLO's reply with the greeting"),
        (&[HI, EHLO, S("250 mx\r\n250 ok\r\n")], "one more behind EHLO's"),
        (
            &[HI, EHLO, PIPE, C(one), Flush, S("250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n")],
            "the message's with 354",
        ),
        (&[HI, EHLO, BARE, C(one), Flush, S("250 ok\r\n250 ok\r\n")], "RCPT's with MAIL's, not pipelined"),
    ] {
        let log = run(smtp, script, Cut::Whole);
        assert!(log.ends_with(UNASKED), "{shows}: {log}");
    }
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250 mx\r\n");
    talk.hear(b"250 ok\r\n");
    assert!(talk.log.ends_with(UNASKED), "while nothing is awaited: {}", talk.log);

    // A message is not delivered before it is sent.
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    talk.machine.mail(&to(&["c@d.example"]).with_size(4)).unwrap();
    assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
    talk.machine.data(b"hi").unwrap();
    talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n250 queued\r\n");
    let error = talk.machine.next(&mut talk.input).unwrap_err();
    assert!(matches!(error, Error::Peer(PeerMisbehaved::EarlyReply)));
    assert_eq!(describe(&talk.machine.connection_lost().unwrap()), "-");
}

#[test]
fn a_refusal_in_the_middle_of_the_message_ends_the_session() {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250 PIPELINING\r\n");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
    talk.machine.data(b"half").unwrap();
    talk.hear(b"552 enough\r\n");
    assert_eq!(
        talk.log.trim(),
        "ready done Message552 closed 552",
        "what follows cannot be told from commands"
    );
    assert!(talk.machine.data(b"x").is_err() && talk.machine.mail(&to(&["c@d.example"])).is_err());
}

#[test]
fn what_a_lost_connection_leaves() {
    const OK3: Do = S("250 ok\r\n250 ok\r\n550 no\r\n");
    check(&[
        (smtp, &[HI, EHLO, PIPE, Break], "ready", "no transaction, nothing lost"),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, Break],
            "ready lost -,-",
            "before any reply, and nothing of the message sent",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, Break],
            "ready lost -,Rcpt550",
            "what was refused stays refused",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("354\r\n"), Break],
            "ready send lost -,Rcpt550",
            "the dot has not left",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("354\r\n"), Flush, Break],
            "ready send lost ?,Rcpt550",
            "RFC 1047: it has",
        ),
        (smtp, &[HI, EHLO, FULL, C(sized), Break], "ready send lost -,-", "one flight, not sent"),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, Break],
            "ready send lost ?,?",
            "one flight, sent whole, and not one reply",
        ),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, S("250 ok\r\n550 no\r\n"), Break],
            "ready send lost Rcpt550,?",
            "or some",
        ),
        (
            smtp,
            &[HI, EHLO, FULL, C(sized), Flush, S("550 ok\r\n"), Break],
            "ready send lost Mail550,Mail550",
            "or MAIL refused",
        ),
        (
            lmtp,
            &[
                HI,
                Flush,
                PIPE,
                C(two),
                Flush,
                S("250 ok\r\n250 ok\r\n250 ok\r\n354\r\n"),
                Flush,
                S("452 full\r\n"),
                Break,
            ],
            "ready send lost Message452,?",
            "LMTP, between two replies",
        ),
        (
            smtp,
            &[HI, EHLO, PIPE, C(two), Flush, OK3, S("451 no\r\n"), Break],
            "ready done Data451,Rcpt550",
            "over already",
        ),
    ]);
}

/// A server that offers these lines, and is asked for this envelope: an error, or what goes out first.
#[test]
fn what_a_server_cannot_do_is_known_before_mail() {
    fn param(param: Param<'static>) -> impl Fn() -> Envelope {
        move || {
            let mut envelope = to(&["c@d.example"]);
            envelope.params.push(param).unwrap();
            envelope
        }
    }
    let utf8 = || Envelope::new(mailbox("ä@b.example"), [mailbox("c@d.example")]);
    let idn = || to(&["c@bücher.example"]);
    let rows: &[(&str, &dyn Fn() -> Envelope, Result<&str, &str>, &str)] = &[
        (
            "SIZE 10",
            &|| to(&["c@d.example"]).with_size(11),
            Err("the message has 11 octets and the server takes 10"),
            "RFC 1870 s 4",
        ),
        ("SIZE 10", &|| to(&["c@d.example"]).with_size(10), Ok("MAIL FROM:<a@b.example> SIZE=10"), "it fits"),
        (
            "SIZE",
            &|| to(&["c@d.example"]).with_size(11),
            Ok("MAIL FROM:<a@b.example> SIZE=11"),
            "no limit is told",
        ),
        (
            "SIZE 0",
            &|| to(&["c@d.example"]).with_size(11),
            Ok("MAIL FROM:<a@b.example> SIZE=11"),
            "RFC 1870 s 4: 0 is none",
        ),
        ("HELP", &|| to(&["c@d.example"]).with_size(11), Ok("MAIL FROM:<a@b.example>"), "no SIZE at all"),
        (
            "HELP",
            &|| to(&["c@d.example"]).with_body(Body::EightBitMime),
            Err("the message is 8-bit and the server does not offer 8BITMIME"),
            "RFC 6152",
        ),
        (
            "8BITMIME",
            &|| to(&["c@d.example"]).with_body(Body::EightBitMime),
            Ok("MAIL FROM:<a@b.example> BODY=8BITMIME"),
            "",
        ),
        (
            "BINARYMIME",
            &|| to(&["c@d.example"]).with_body(Body::BinaryMime),
            Err("the message is binary and the server does not offer BINARYMIME"),
            "RFC 3030 s 3 (3): only with CHUNKING",
        ),
        (
            "BINARYMIME\r\n250 CHUNKING",
            &|| to(&["c@d.example"]).with_body(Body::BinaryMime),
            Ok("MAIL FROM:<a@b.example> BODY=BINARYMIME"),
            "",
        ),
        (
            "8BITMIME",
            &utf8,
            Err("the message needs SMTPUTF8 and the server does not offer it"),
            "RFC 6531 s 3.1",
        ),
        ("8BITMIME\r\n250 SMTPUTF8", &utf8, Ok("MAIL FROM:<ä@b.example> BODY=8BITMIME SMTPUTF8"), ""),
        ("HELP", &idn, Ok("MAIL FROM:<a@b.example>"), "a domain alone goes as A-labels (RFC 6531 s 3.2)"),
        (
            "LIMITS RCPTMAX=1",
            &|| to(&["c@d.example", "e@d.example"]),
            Err("the server takes 1 recipients a message"),
            "RFC 9422 s 4.2",
        ),
        (
            "LIMITS RCPTDOMAINMAX=1",
            &|| to(&["c@d.example", "e@f.example"]),
            Err("the server takes recipients of 1 domains a message"),
            "s 4.3",
        ),
        (
            "LIMITS RCPTDOMAINMAX=1",
            &|| to(&["c@d.example", "e@D.EXAMPLE"]),
            Ok("MAIL FROM:<a@b.example>"),
            "one domain in two spellings",
        ),
        (
            "LIMITS MAILMAX=0",
            &|| to(&["c@d.example"]),
            Ok("MAIL FROM:<a@b.example>"),
            "RFC 9422 s 3: 0 is no limit value",
        ),
        (
            "HELP",
            &param(Param::RequireTls),
            Err("the message needs REQUIRETLS and the server does not offer it"),
            "RFC 8689 s 4.2.1",
        ),
        (
            "REQUIRETLS",
            &param(Param::RequireTls),
            Err("the message needs REQUIRETLS and the server does not offer it"),
            "and never in the clear, whoever says so there",
        ),
        (
            "HELP",
            &param(Param::HoldFor(10)),
            Err("the message needs FUTURERELEASE and the server does not offer it"),
            "RFC 4865",
        ),
        (
            "HELP",
            &param(Param::Ret(mail46_smtp::Ret::Hdrs)),
            Ok("MAIL FROM:<a@b.example>"),
            "RFC 3461 s 5.2.2: left out",
        ),
        ("DSN", &param(Param::Ret(mail46_smtp::Ret::Hdrs)), Ok("MAIL FROM:<a@b.example> RET=HDRS"), ""),
        ("HELP", &|| to(&[]), Err("no recipients"), ""),
    ];
    for (offer, envelope, want, shows) in rows {
        let mut talk = Talk::new(config());
        talk.hear(b"220 mx\r\n");
        let offer = offer.replace("250 ", "250-");
        let offer = match offer.rsplit_once("250-") {
            Some((before, last)) => format!("{before}250 {last}"),
            None => format!("\0{offer}"),
        };
        let offer = match offer.strip_prefix('\0') {
            Some(one) => format!("250-mx\r\n250 {one}\r\n"),
            None => format!("250-mx\r\n250-{offer}\r\n"),
        };
        talk.hear(offer.as_bytes());
        assert_eq!(talk.log.trim(), "ready", "{offer}");
        talk.machine.output().clear();
        let got = talk.machine.mail(&envelope()).map_err(|unable| unable.to_string());
        match (got, want) {
            (Err(got), Err(want)) => {
                assert_eq!(got, *want, "{shows}");
                assert!(talk.machine.output().is_empty(), "nothing is sent: {shows}");
            }
            (Ok(()), Ok(want)) => {
                let output = talk.machine.output().split();
                let first = output[..].split(|octet| *octet == b'\r').next().unwrap_or_default();
                assert_eq!(first, want.as_bytes(), "{shows}");
            }
            (got, want) => panic!("{shows}: {got:?}, not {want:?}"),
        }
    }
}

#[test]
fn mailmax_counts_messages() {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(b"250-mx\r\n250 LIMITS MAILMAX=1\r\n");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    talk.hear(b"450 no\r\n");
    let error = talk.machine.mail(&to(&["c@d.example"])).unwrap_err();
    assert!(matches!(error, Unable::TooManyMessages { limit: 1 }), "RFC 9422 s 4.1: {error}");
}

#[test]
fn replies_without_end_are_cut_off() {
    for line in [&b"220-x\r\n"[..], b"220-", b"x"] {
        let mut machine = Connection::new(config());
        let mut input = BytesMut::new();
        let mut heard = 0;
        let error = loop {
            for _ in 0..100 {
                input.extend_from_slice(line);
            }
            heard += 100 * line.len();
            match machine.next(&mut input) {
                Ok(Step::WantsInput) => assert!(heard < 1 << 20, "no end to {line:?}"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Peer(PeerMisbehaved::BadReply(_))), "{error}");
    }
}

#[test]
fn our_own_message_is_checked() {
    fn sending(config: Config, size: Option<u64>) -> Connection {
        let mut talk = Talk::new(config);
        talk.hear(b"220 mx\r\n");
        talk.hear(b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
        let mut envelope = to(&["c@d.example"]);
        envelope.size = size;
        talk.machine.mail(&envelope).unwrap();
        if size.is_none() {
            talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n354 go\r\n");
        }
        assert!(matches!(talk.machine.next(&mut talk.input), Ok(Step::Event(Event::SendData))));
        talk.machine
    }
    for bad in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"\n"] {
        let mut machine = sending(config(), None);
        assert!(matches!(machine.data(bad), Err(Error::Misuse(Misuse::BareNewline))), "DATA {bad:?}");
        let mut machine = sending(config(), Some(bad.len() as u64));
        assert!(matches!(machine.data(bad), Err(Error::Misuse(Misuse::BareNewline))), "BDAT {bad:?}");
    }
    let mut machine = sending(config(), Some(4));
    assert!(matches!(machine.data(b"hello"), Err(Error::Misuse(Misuse::SizeBroken))), "more than was said");
    machine.data(b"hi").unwrap();
    assert!(matches!(machine.finish_data(), Err(Error::Misuse(Misuse::SizeBroken))), "less");
    let mut machine = sending(config(), Some(3));
    machine.data(b"hi\r").unwrap();
    assert!(matches!(machine.finish_data(), Err(Error::Misuse(Misuse::BareNewline))), "half a line end");
    let mut normal = config();
    normal.bare_newline = BareNewline::Normalize;
    let mut machine = sending(normal, None);
    machine.output().clear();
    machine.data(b".a\nb").unwrap();
    machine.finish_data().unwrap();
    assert_eq!(machine.output().split(), "..a\r\nb\r\n.\r\n");
}

fn binary(offers: &[u8]) -> Talk {
    let mut talk = Talk::new(config());
    talk.hear(b"220 mx\r\n");
    talk.hear(offers);
    talk.machine.mail(&to(&["c@d.example"]).with_body(Body::BinaryMime)).unwrap();
    talk.machine.output().clear();
    talk.input.extend_from_slice(b"250 ok\r\n");
    while !matches!(talk.machine.next(&mut talk.input).unwrap(), Step::Event(Event::SendData)) {
        talk.machine.output().clear();
        talk.input.extend_from_slice(b"250 ok\r\n");
    }
    talk
}

#[test]
fn a_message_of_unknown_size_goes_chunk_by_chunk() {
    const ALL: &[u8] = b"250-mx\r\n250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING\r\n";
    let mut talk = binary(ALL);
    talk.machine.data(b"\0\n").unwrap();
    talk.machine.data(b"").unwrap();
    talk.machine.data(b"\r").unwrap();
    talk.machine.finish_data().unwrap();
    assert_eq!(talk.machine.output().split(), "BDAT 2\r\n\0\nBDAT 1\r\n\rBDAT 0 LAST\r\n");
    talk.hear(b"250 ok\r\n250 ok\r\n250 queued\r\n");
    assert_eq!(talk.log.trim(), "ready done +");

    // A chunk is refused while others are on their way, and the application does not know yet.
    let mut talk = binary(ALL);
    talk.machine.data(b"a").unwrap();
    talk.machine.data(b"b").unwrap();
    talk.machine.output().clear();
    talk.hear(b"452 full\r\n");
    talk.machine.data(b"c").unwrap();
    talk.machine.finish_data().unwrap();
    assert!(talk.machine.output().is_empty(), "RFC 3030 s 2: no more segments");
    talk.hear(b"503 no\r\n");
    assert_eq!(talk.log.trim(), "ready done Message452");
    talk.machine.mail(&to(&["c@d.example"])).unwrap();
    assert!(talk.machine.output().starts_with(b"RSET\r\n"));

    // Without PIPELINING each chunk waits for the reply to the one before.
    let mut talk = binary(b"250-mx\r\n250-BINARYMIME\r\n250 CHUNKING\r\n");
    talk.machine.data(b"a").unwrap();
    talk.machine.data(b"b").unwrap();
    talk.machine.finish_data().unwrap();
    assert_eq!(talk.machine.output().split(), "BDAT 1\r\na");
    talk.hear(b"250 ok\r\n");
    assert_eq!(talk.machine.output().split(), "BDAT 1\r\nb");
    talk.hear(b"250 ok\r\n");
    assert_eq!(talk.machine.output().split(), "BDAT 0 LAST\r\n");
    talk.hear(b"250 queued\r\n");
    assert_eq!(talk.log.trim(), "ready done +");
}

#[test]
fn verbs_that_do_not_fit_are_misuse() {
    let mut machine = Connection::new(config());
    assert!(machine.quit().is_err(), "RFC 5321 s 3.1: not before the greeting");
    assert!(machine.send(&Command::Noop(None)).is_err() && machine.auth("PLAIN", None).is_err());
    assert!(machine.start_tls().is_err() && machine.tls_established().is_err());
    assert!(machine.data(b"").is_err() && machine.finish_data().is_err());
    assert!(machine.respond(b"").is_err() && machine.cancel_auth().is_err());
    assert!(machine.output().is_empty());
    check(&[(
        smtp,
        &[
            HI,
            EHLO,
            PIPE,
            C(|m| assert!(m.send(&Command::Quit).is_err() && m.send(&Command::Data).is_err())),
            C(|m| m.send(&Command::Rset).unwrap()),
            C(|m| m.send(&Command::Noop(None)).unwrap()),
            C(|m| assert!(m.send(&Command::Rset).is_err(), "RFC 2920 s 3.1: NOOP ends a group")),
            C(|m| assert!(m.quit().is_err(), "and so for QUIT")),
            W("RSET\r\nNOOP\r\n"),
            S("250 ok\r\n250 ok\r\n"),
            C(|m| m.send(&Command::Help(None)).unwrap()),
            Flush,
            S("214 no\r\n"),
            C(one),
            C(|m| assert!(m.quit().is_err() && m.send(&Command::Rset).is_err() && m.start_tls().is_err())),
        ],
        "ready RSET 250 NOOP 250 HELP 214",
        "in order",
    )]);
}
