use std::time::Duration;

use mail46_wire::BareNewline;

pub use crate::server::InClear;

/// How a client's connection behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whether a password may be sent outside TLS. Default: it may not (RFC 8314 s 4.1), and asking for it is a misuse.
    pub passwords: InClear,
    /// What a bare CR or LF in a message does; it never ends one. Default: it stays as it is, for mail that was stored so is to
    /// be fetched all the same.
    pub bare_newline: BareNewline,
    /// Commands on their way at a time, if the server says PIPELINING. Default: 100 (mpop's number).
    pub window: usize,
    /// Challenges of one AUTH exchange before it is given up. Default: 10.
    pub challenges: u32,
    /// What a server can make grow.
    pub limits: Limits,
    /// How long we wait.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            passwords: InClear::Refused,
            bare_newline: BareNewline::Allow,
            window: 100,
            challenges: 10,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// What a server can make grow, and how far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a line that is not a message's, CRLF included. Default: 8,192 (RFC 2449 s 4 allows 512; servers stray).
    pub line: usize,
    /// Octets of a challenge in AUTH, CRLF included. Default: 16,384.
    pub challenge: usize,
    /// Capabilities. Default: 100.
    pub capabilities: usize,
    /// Lines of a listing. Default: 1,000,000.
    pub entries: usize,
    /// Octets of a message. They are streamed and not held. Default: 1 GiB.
    pub message: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 8_192, challenge: 16_384, capabilities: 100, entries: 1_000_000, message: 1 << 30 }
    }
}

/// How long a client waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a reply. Default: 5 minutes.
    pub reply: Duration,
    /// For a part of a message. Default: 3 minutes.
    pub message_block: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { reply: Duration::from_secs(300), message_block: Duration::from_secs(180) }
    }
}
