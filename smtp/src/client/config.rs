use std::time::Duration;

use mail46_wire::{BareNewline, Host};

use crate::server::Dialect;

/// How a client's connection behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who we say we are in EHLO: our name, or our address where we have none (RFC 5321 s 4.1.4).
    pub host: Host,
    /// SMTP or LMTP. Default: SMTP.
    pub dialect: Dialect,
    /// What a bare CR or LF in our own message does. Default: it is a misuse, and nothing of it is sent.
    pub bare_newline: BareNewline,
    /// Octets of a message that may go out in the same flight as its envelope, with CHUNKING and PIPELINING: one round
    /// trip a message, against so many octets sent in vain when every recipient is refused. 0: never.
    /// Default: 262,144.
    pub blind_chunk: u64,
    /// Challenges of one AUTH exchange before it is given up. Default: 10.
    pub challenges: u32,
    /// How long we wait.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults of a client called `host`.
    pub fn new(host: Host) -> Self {
        Self {
            host,
            dialect: Dialect::Smtp,
            bare_newline: BareNewline::Reject,
            blind_chunk: 262_144,
            challenges: 10,
            timeouts: Timeouts::default(),
        }
    }
}

/// How long a client waits for each answer (RFC 5321 s 4.5.3.2, whose figures are the defaults).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the greeting. Default: 5 minutes (s 4.5.3.2.1).
    pub greeting: Duration,
    /// For the reply to MAIL. Default: 5 minutes (s 4.5.3.2.2).
    pub mail: Duration,
    /// For the reply to RCPT. Default: 5 minutes (s 4.5.3.2.3).
    pub rcpt: Duration,
    /// For 354 after DATA. Default: 2 minutes (s 4.5.3.2.4).
    pub data_initiation: Duration,
    /// For the server to take a part of the message. Default: 3 minutes (s 4.5.3.2.5).
    pub data_block: Duration,
    /// For the reply to the message. Default: 10 minutes (s 4.5.3.2.6): giving up sooner delivers twice.
    pub data_termination: Duration,
    /// For every other reply. Default: 5 minutes.
    pub other: Duration,
}

impl Timeouts {
    /// The same time for every reply: for tests, and for who cannot wait.
    pub fn set_all(&mut self, time: Duration) {
        *self = Self {
            greeting: time,
            mail: time,
            rcpt: time,
            data_initiation: time,
            data_block: time,
            data_termination: time,
            other: time,
        };
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n.saturating_mul(60));
        Self {
            greeting: minutes(5),
            mail: minutes(5),
            rcpt: minutes(5),
            data_initiation: minutes(2),
            data_block: minutes(3),
            data_termination: minutes(10),
            other: minutes(5),
        }
    }
}
