use std::time::Duration;

use crate::{FrameLimits, Profile};

/// How a client's connection behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How much straying of the server is let pass. Default: [`Profile::Liberal`].
    pub profile: Profile,
    /// Whether a password may be sent outside TLS. Default: it may not (RFC 8314 s 4.1), and asking for it is a misuse.
    pub passwords: InClear,
    /// Whether a session that the server opens by PREAUTH outside TLS is taken: STARTTLS is impossible there, and anybody
    /// between can say it (RFC 9051 s 11.3). Default: it is not.
    pub preauth: InClear,
    /// Whether an initial response goes with AUTHENTICATE where the server says SASL-IR. Default: it does.
    pub initial_response: InitialResponse,
    /// Challenges of one AUTHENTICATE before it is given up. Default: 10.
    pub challenges: u32,
    /// Commands begun and not completed at a time. Default: 32.
    pub window: usize,
    /// What a server can make grow.
    pub limits: Limits,
    /// How long we wait.
    pub timeouts: Timeouts,
}

/// Whether something that needs TLS is taken without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum InClear {
    /// It is refused.
    #[default]
    Refused,
    /// It is taken: for a server on the same machine, or in tests.
    Taken,
}

/// Whether AUTHENTICATE carries the initial response (RFC 4959).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // there are two
pub enum InitialResponse {
    /// Where the server offers it.
    #[default]
    WhereOffered,
    /// Never: some servers offer it and answer BAD (163.com).
    Never,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: Profile::Liberal,
            passwords: InClear::Refused,
            preauth: InClear::Refused,
            initial_response: InitialResponse::WhereOffered,
            challenges: 10,
            window: 32,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// What a server can make grow, and how far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Of a response before the log-in. Default: lines of 64 KiB, literals of 4 KiB, none streamed.
    pub frame_before_login: FrameLimits,
    /// Of a response. Default: [`FrameLimits::client`].
    pub frame: FrameLimits,
    /// Octets from one completion of a command to the next before the log-in. Default: 1 MiB.
    pub before_login: u64,
    /// The same behind it, without the octets of streamed literals. Default: 1 GiB.
    pub responses: u64,
    /// Octets of a streamed literal: a message. Default: 1 GiB.
    pub literal: u64,
    /// Octets of all streamed literals from one completion to the next: what one FETCH may bring. Default: 1 TiB.
    pub literals: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let frame_before_login = FrameLimits { line: 65_536, literal: 4_096, frame: 131_072, streamed: 0 };
        Self {
            frame_before_login,
            frame: FrameLimits::client(),
            before_login: 1 << 20,
            responses: 1 << 30,
            literal: 1 << 30,
            literals: 1 << 40,
        }
    }
}

/// How long a client waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a response. Default: 5 minutes.
    pub response: Duration,
    /// For a part of a literal. Default: 3 minutes.
    pub literal: Duration,
    /// For the whole of an IDLE, before it is renewed. Default: 29 minutes: clients "are advised to terminate IDLE and reissue it
    /// at least every 29 minutes to avoid being logged off" (RFC 9051 s 6.3.13).
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60_u64.saturating_mul(minutes));
        Self { response: minutes(5), literal: minutes(3), idle: minutes(29) }
    }
}
