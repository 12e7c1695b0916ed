//! A server machine with an application that answers by rule, and the log of what happened, for tables of dialogues.

#![allow(dead_code)] // each test file uses its part

use std::sync::Arc;

use bytes::BytesMut;
use mail46_smtp::server::{Config, Connection, DataEnd, Error, Event};
use mail46_smtp::{Command, EnhancedCode, Reply, ReplyReader};
use mail46_wire::Step;

/// One session: the machine, what the client said, what came of it.
pub(crate) struct Talk {
    pub(crate) machine: Connection,
    pub(crate) input: BytesMut,
    log: Vec<String>,
    /// The message as far as it has come.
    data: Vec<u8>,
    over: bool,
}

pub(crate) fn config() -> Config {
    Config::new("mx.example".parse().unwrap())
}

pub(crate) fn reply(code: u16, text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(2, 0, 0), text)
}

impl Talk {
    /// A session that is greeted.
    pub(crate) fn new(config: Config) -> Self {
        let mut machine = Connection::new(Arc::new(config));
        machine.greet().unwrap();
        machine.output().clear();
        Self { machine, input: BytesMut::new(), log: Vec::new(), data: Vec::new(), over: false }
    }

    /// Hands octets over and answers all that they bring.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        if self.over {
            return;
        }
        self.input.extend_from_slice(octets);
        loop {
            let step = self.machine.next(&mut self.input);
            self.note_replies();
            match step {
                Ok(Step::Event(Event::Closed)) => return self.end("closed".into()),
                Ok(Step::Event(event)) => {
                    if let Err(error) = self.answer(event) {
                        return self.end(format!("error: {error}"));
                    }
                    self.note_replies();
                }
                Ok(Step::WantsInput) => return,
                Ok(Step::Paused) => panic!("paused, and nothing to answer: {:?}", self.log),
                Err(error) => return self.end(format!("error: {error}")),
            }
        }
    }

    fn end(&mut self, how: String) {
        self.note_replies();
        self.log.push(how);
        self.over = true;
    }

    fn note_replies(&mut self) {
        let mut output = self.machine.output().split();
        let mut replies = ReplyReader::default();
        while let Some(reply) = replies.next(&mut output) {
            let reply = reply.expect("well-formed replies only");
            let enhanced = reply.enhanced().map_or(String::new(), |enhanced| format!("/{enhanced}"));
            self.log.push(format!("{}{enhanced}", reply.code().value()));
        }
        assert!(output.is_empty(), "half a reply: {output:?}");
    }

    fn note_data(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.log.push(format!("<{}>", data.escape_ascii()));
    }

    /// The rules: a local part that begins with `no` is refused, one that begins with `later` for now.
    fn answer(&mut self, event: Event) -> Result<(), Error> {
        let machine = &mut self.machine;
        let by_name = |name: &[u8]| match name {
            [b'n', b'o', ..] => Reply::new(550, EnhancedCode::new(5, 1, 1), "no"),
            [b'l', b'a', b't', b'e', b'r', ..] => Reply::new(450, EnhancedCode::new(4, 2, 1), "later"),
            _ => reply(250, "ok"),
        };
        match event {
            Event::Command { command, .. } => match command {
                Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => machine.accept_ehlo(),
                Command::Mail { from, .. } => {
                    let name = from.mailbox().map(|mailbox| mailbox.local_part.as_bytes());
                    machine.reply(&by_name(name.unwrap_or_default()))
                }
                Command::Rcpt { to, .. } => {
                    let name = to.mailbox().map(|mailbox| mailbox.local_part.as_bytes());
                    machine.reply(&by_name(name.unwrap_or_default()))
                }
                Command::Data => machine.accept_data(),
                // A chunk of 13 octets has bad luck.
                Command::Bdat { size: 13, .. } => machine.reply(&reply(452, "disk full")),
                Command::Bdat { .. } => machine.accept_chunk(),
                Command::StartTls => {
                    machine.accept_tls(&self.input)?;
                    machine.tls_established()
                }
                Command::Quit => machine.reply(&reply(221, "bye")),
                Command::Vrfy(_) => machine.reply(&reply(252, "who knows")),
                _ => machine.reply(&reply(250, "ok")),
            },
            Event::Auth(request) => match request.initial_response {
                None => machine.challenge(b""),
                Some(response) => Self::auth(machine, &response),
            },
            Event::AuthResponse(response) => Self::auth(machine, &response),
            Event::Data(data) => {
                assert!(!data.is_empty(), "an event of nothing");
                self.data.extend_from_slice(&data);
                Ok(())
            }
            Event::ChunkEnd { received } => {
                assert_eq!(received, self.data.len() as u64);
                machine.reply(&reply(250, "chunk"))
            }
            Event::DataEnd(end) => {
                self.note_data();
                self.end_of_data(&end)
            }
            Event::Refused { reply, .. } => {
                // A success is not possible, and says so without harm.
                let success = Reply::new(250, None, "ok");
                assert!(machine.reply(&success).is_err());
                machine.reply(&reply)
            }
            other => panic!("{other:?}"),
        }
    }

    fn end_of_data(&mut self, end: &DataEnd) -> Result<(), Error> {
        if let Some((_, refusal)) = &end.fault {
            assert!(self.machine.reply(&reply(250, "ok")).is_err(), "a refused message cannot be accepted");
            for _ in 0..end.replies {
                self.machine.reply(refusal)?;
            }
            return Ok(());
        }
        for _ in 0..end.replies {
            self.machine.reply(&reply(250, "queued"))?;
        }
        Ok(())
    }

    /// `more` is challenged again, `ok` is let in, nothing else is.
    fn auth(machine: &mut Connection, response: &[u8]) -> Result<(), Error> {
        match response {
            b"more" => machine.challenge(b"and?"),
            b"ok" => machine.reply(&Reply::new(235, EnhancedCode::new(2, 7, 0), "welcome")),
            _ => machine.reply(&Reply::new(535, EnhancedCode::new(5, 7, 8), "no")),
        }
    }

    /// Codes of replies, messages in `<>`, and how it ended, in the order in which they happened.
    pub(crate) fn log(&self) -> String {
        let mut log = self.log.clone();
        if !self.data.is_empty() {
            log.push(format!("<{}", self.data.escape_ascii()));
        }
        log.join(" ")
    }
}

/// The log of a session that hands `octets` over in the pieces that `cuts` makes.
pub(crate) fn talk(config: &Config, octets: &[u8], cuts: &[usize]) -> String {
    let mut session = Talk::new(config.clone());
    let mut from = 0;
    for &to in cuts.iter().chain([&octets.len()]) {
        session.say(&octets[from..to]);
        from = to;
    }
    session.log()
}
