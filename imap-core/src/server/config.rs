use std::time::Duration;

use crate::Extension;

/// How a server's connections behave. One value is shared by all of them.
///
/// ```
/// use mail46_imap_core::server::{Config, Offer};
/// let mut config = Config::new("IMAP server ready");
/// config.starttls = Offer::Yes;
/// config.mechanisms = vec!["SCRAM-SHA-256".into(), "PLAIN".into()];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the greeting says to people.
    pub greeting: String,
    /// STARTTLS. Default: not offered.
    pub starttls: Offer,
    /// LOGIN, where passwords may go. Default: offered.
    pub login: Offer,
    /// SASL mechanisms, best first. Default: none.
    pub mechanisms: Vec<String>,
    /// Whether LOGIN and AUTHENTICATE are announced and taken outside TLS. Default: they are not (RFC 9051 s 11.1).
    pub in_clear: InClear,
    /// COMPRESS=DEFLATE (RFC 4978). Default: not offered.
    pub compress: Offer,
    /// What is offered besides, behind log-in: what the application keeps. Default: what the machine keeps alone.
    pub extensions: Vec<Extension>,
    /// More of it that is no bare name (`THREAD=REFERENCES`, `QUOTA=RES-STORAGE`). Default: none.
    pub other_capabilities: Vec<String>,
    /// Octets of a message at most: APPENDLIMIT (RFC 7889). Default: 64 MiB.
    pub append_limit: u32,
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
            starttls: Offer::No,
            login: Offer::Yes,
            mechanisms: Vec::new(),
            in_clear: InClear::Refused,
            compress: Offer::No,
            extensions: vec![
                Extension::Imap4Rev1,
                Extension::Enable,
                Extension::Idle,
                Extension::LiteralMinus,
            ],
            other_capabilities: Vec::new(),
            append_limit: 64 * 1024 * 1024,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// Offers all that a [store](crate::store) can keep by its trait, as [`memory`](crate::memory) does.
    pub fn offer_all_of_memory(&mut self) {
        self.extensions = vec![
            Extension::Imap4Rev1,
            Extension::Imap4Rev2,
            Extension::LiteralPlus,
            Extension::Id,
            Extension::Enable,
            Extension::Idle,
            Extension::Namespace,
            Extension::Children,
            Extension::Unselect,
            Extension::UidPlus,
            Extension::Move,
            Extension::CondStore,
            Extension::Qresync,
            Extension::Esearch,
            Extension::SearchRes,
            Extension::Within,
            Extension::Sort,
            Extension::SortDisplay,
            Extension::ListExtended,
            Extension::ListStatus,
            Extension::SpecialUse,
            Extension::CreateSpecialUse,
            Extension::Binary,
            Extension::Catenate,
            Extension::MultiAppend,
            Extension::StatusSize,
            Extension::ObjectId,
            Extension::SaveDate,
            Extension::Preview,
            Extension::Replace,
            Extension::Partial,
            Extension::UidOnly,
            Extension::Utf8Accept,
            Extension::Quota,
            Extension::Metadata,
        ];
        self.other_capabilities =
            ["THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "QUOTA=RES-STORAGE", "QUOTA=RES-MAILBOX"]
                .map(str::to_owned)
                .to_vec();
    }

    /// Whether this is offered.
    pub(crate) fn offers(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
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
    /// Octets of a command's lines before log-in. Default: 8,192 (Dovecot's `LOGIN_MAX_INBUF_SIZE` is of that size).
    pub line_before_log_in: usize,
    /// Octets of a literal before log-in, and of all of a command's: a name and a password. Default: 1,024.
    pub literal_before_log_in: usize,
    /// Octets of a command's lines. Default: 65,536 (Dovecot's `imap_max_line_length`).
    pub line: usize,
    /// Octets of a literal that is no message. Default: 65,536.
    pub literal: usize,
    /// Octets of a command, lines and literals together. Default: 262,144.
    pub command: usize,
    /// Octets of a line of an AUTHENTICATE exchange. Default: 12,288 (RFC 4954 s 4, whose reasons hold here).
    pub auth_line: usize,
    /// Messages of one APPEND. Default: 1,000.
    pub appended: usize,
    /// Refused commands before the session ends, as long as nobody has logged in. Default: 3 (Dovecot's number).
    pub errors_before_log_in: u32,
    /// The same behind log-in. Default: 20 (Dovecot's number).
    pub errors: u32,
    /// Failed log-ins before the session ends. Default: 3.
    pub log_ins: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_before_log_in: 8_192,
            literal_before_log_in: 1_024,
            line: 65_536,
            literal: 65_536,
            command: 262_144,
            auth_line: 12_288,
            appended: 1_000,
            errors_before_log_in: 3,
            errors: 20,
            log_ins: 3,
        }
    }
}

/// How long a server waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// Before log-in. Default: 3 minutes (Dovecot's).
    pub log_in: Duration,
    /// The autologout timer. Default: 30 minutes (RFC 9051 s 5.4: "at least 30 minutes").
    pub autologout: Duration,
    /// For the client to send or take a part of a message. Default: 5 minutes (Dovecot's `CLIENT_OUTPUT_TIMEOUT`).
    pub message_block: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            log_in: Duration::from_secs(180),
            autologout: Duration::from_secs(1_800),
            message_block: Duration::from_secs(300),
        }
    }
}
