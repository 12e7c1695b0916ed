use std::time::Duration;

use crate::{Expire, LoginDelay};

/// How a server's connections behave. One value is shared by all of them.
///
/// ```
/// use mail46_pop3::server::{Config, Offer};
/// let mut config = Config::new("POP3 server ready");
/// config.stls = Offer::Yes;
/// config.mechanisms = vec!["SCRAM-SHA-256".into(), "PLAIN".into()];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the greeting says behind `+OK`.
    pub greeting: String,
    /// STLS. Default: not offered.
    pub stls: Offer,
    /// USER and PASS, where passwords may go. Default: offered.
    pub user: Offer,
    /// SASL mechanisms, best first; none: no AUTH. Default: none.
    pub mechanisms: Vec<String>,
    /// Whether USER, PASS, AUTH and APOP are announced and taken outside TLS. Default: they are not (RFC 8314 s 4.1, RFC 5034 s 4,
    /// RFC 2595 s 2.2).
    pub in_clear: InClear,
    /// UTF8 (RFC 6856 s 2). Default: offered. [`Retrieve::utf8`](super::Retrieve) tells in which mode a message is asked for.
    pub utf8: Offer,
    /// LANG (RFC 6856 s 3), which the application answers. Default: not offered.
    pub lang: Offer,
    /// EXPIRE, if it is announced. The smallest of all users' if it differs (RFC 2449 s 6.7); after the log-in
    /// [`announce`](super::Connection::announce) has the user's own.
    pub expire: Option<Expire>,
    /// LOGIN-DELAY, if it is announced; the application keeps to it. The largest of all users' if it differs (RFC 2449 s 6.5).
    pub login_delay: Option<LoginDelay>,
    /// IMPLEMENTATION, if it is announced.
    pub implementation: Option<String>,
    /// What a peer can make grow.
    pub limits: Limits,
    /// How long we wait.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults, with this greeting.
    pub fn new(greeting: &str) -> Self {
        Self {
            greeting: greeting.to_owned(),
            stls: Offer::No,
            user: Offer::Yes,
            mechanisms: Vec::new(),
            in_clear: InClear::Refused,
            utf8: Offer::Yes,
            lang: Offer::No,
            expire: None,
            login_delay: None,
            implementation: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Whether something is announced and taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum Offer {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// What becomes of passwords that come in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum InClear {
    /// Only inside TLS.
    Refused,
    /// Outside TLS too.
    Taken,
}

/// What a peer can make grow, and how far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a command, CRLF included; never taken as less than 255. Default: 255 (RFC 2449 s 4).
    pub command_line: usize,
    /// Octets of a line of an AUTH exchange, CRLF included. Default: 12,288 (RFC 4954 s 4, whose reasons hold here).
    pub auth_line: usize,
    /// Refused commands before the session ends. Default: 20 (Dovecot's number after log-in).
    pub errors: u32,
    /// Failed log-ins before the session ends. Default: 3.
    pub log_ins: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { command_line: 255, auth_line: 12_288, errors: 20, log_ins: 3 }
    }
}

/// How long a server waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// The autologout timer. Default: 10 minutes (RFC 1939 s 3: "at least 10 minutes' duration").
    pub autologout: Duration,
    /// For the client to take a part of a message. Default: 3 minutes.
    pub message_block: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { autologout: Duration::from_secs(600), message_block: Duration::from_secs(180) }
    }
}
