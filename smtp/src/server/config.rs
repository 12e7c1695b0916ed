use std::time::Duration;

use mail46_wire::{BareNewline, Host};

use super::{Offer, offer};
use crate::Quirks;

/// How a server's connections behave. One value is shared by all of them.
///
/// ```
/// use mail46_smtp::server::{Config, Offer};
/// let mut config = Config::new("mail.example".parse()?);
/// config.offer = config.offer | Offer::STARTTLS;
/// config.mechanisms = vec!["SCRAM-SHA-256".into(), "PLAIN".into()];
/// # Ok::<(), mail46_wire::NameError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who we are: the name in the greeting and in the reply to EHLO.
    pub host: Host,
    /// SMTP or LMTP. Default: SMTP.
    pub dialect: Dialect,
    /// The extensions that EHLO announces. Default: [`Offer::USUAL`].
    pub offer: Offer,
    /// SASL mechanisms, best first, that AUTH announces; none: no AUTH. Default: none.
    pub mechanisms: Vec<String>,
    /// Whether AUTH is announced and taken outside TLS. Default: it is not (RFC 4954 s 4).
    pub auth: InClear,
    /// Who may send mail. Default: anyone, as an MX must.
    pub mail: MailFrom,
    /// Whether mail is taken outside TLS. Default: it is (RFC 3207 s 4: a public MX must not refuse it).
    pub clear_text: InClear,
    /// The message size in octets that SIZE announces; 0: announced without a limit (RFC 1870 s 4).
    /// Default: 52,428,800.
    pub message_size: u64,
    /// Seconds that HOLDFOR may ask for, when [`Offer::FUTURE_RELEASE`] is offered. Default: 604,800.
    pub future_release: u64,
    /// Which departures from the grammar are taken. Default: [`Quirks::mx`].
    pub quirks: Quirks,
    /// What a bare CR or LF in a message does. It never ends one. Default: the message is refused, whether it comes by DATA
    /// or by BDAT. Only DATA can be mended: BDAT has said its size, and is refused under `Normalize`, too.
    pub bare_newline: BareNewline,
    /// What a peer can make grow.
    pub limits: Limits,
    /// How long we wait.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults of an MX called `host`.
    pub fn new(host: Host) -> Self {
        Self {
            host,
            dialect: Dialect::Smtp,
            offer: Offer::USUAL,
            mechanisms: Vec::new(),
            auth: InClear::Refused,
            mail: MailFrom::Anyone,
            clear_text: InClear::Taken,
            message_size: 52_428_800,
            future_release: 604_800,
            quirks: Quirks::mx(),
            bare_newline: BareNewline::Reject,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// Octets of a command line at most, CRLF included (RFC 5321 s 4.5.3.1.4 and each extension's increment).
    pub(super) fn command_line(&self) -> usize {
        offer::command_line(self.offer, self.mechanisms.len()).max(self.limits.command_line)
    }
}

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum Dialect {
    /// RFC 5321.
    Smtp,
    /// RFC 2033: LHLO, and a reply for each recipient at the end of the data.
    Lmtp,
}

/// What becomes of something that should not go over the wire in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum InClear {
    /// Only inside TLS.
    Refused,
    /// Outside TLS too.
    Taken,
}

/// Who may give MAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // a choice of two
pub enum MailFrom {
    /// Anyone: an MX.
    Anyone,
    /// Only who is authenticated: submission (RFC 6409 s 4.3). Others get `530 5.7.0`.
    Authenticated,
}

/// What a peer can make grow, and how far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a command line, CRLF included; never taken as less than RFC 5321 s 4.5.3.1.4 and the extensions offered
    /// ask for. Default: that minimum.
    pub command_line: usize,
    /// Octets of a line of an AUTH exchange, CRLF included. Default: 12,288 (RFC 4954 s 4).
    pub auth_line: usize,
    /// Octets of a line of text, CRLF included, after which a message is refused. RFC 5321 s 4.5.3.1.6 asks for 1,000 at
    /// least; lines are streamed and not held, so that this is policy and not memory. Default: 1,048,576.
    pub text_line: usize,
    /// Recipients of a transaction. Default: 1,000 (RFC 5321 s 4.5.3.1.8 asks for 100 at least).
    pub recipients: usize,
    /// Refused commands and failed AUTHs before 421. Default: 20 (Postfix's `smtpd_hard_error_limit`).
    pub errors: u32,
    /// Octets of a refused message that are read to find its end, before the session ends; a refused chunk over it ends the
    /// session at once. Default: 1 GiB.
    pub swallow: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 512,
            auth_line: 12_288,
            text_line: 1_048_576,
            recipients: 1_000,
            errors: 20,
            swallow: 1 << 30,
        }
    }
}

/// How long a server waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a command. Default: 5 minutes (RFC 5321 s 4.5.3.2.7).
    pub command: Duration,
    /// For a part of a message. Default: 3 minutes (RFC 5321 s 4.5.3.2.5).
    pub data_block: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { command: Duration::from_secs(300), data_block: Duration::from_secs(180) }
    }
}
