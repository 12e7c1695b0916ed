use std::{fmt, net::SocketAddr, time::Instant};

use crate::Family;

/// All that happened in a race: what was looked up, what was tried, what was left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log<E> {
    /// When the race began.
    pub started: Instant,
    /// When it ended, if it did.
    pub ended: Option<Instant>,
    /// The look-ups, in the order of asking.
    pub lookups: Vec<Lookup>,
    /// The attempts, in the order of starting.
    pub attempts: Vec<Attempt<E>>,
    /// Addresses that were not candidates, and why.
    pub ignored: Vec<(SocketAddr, Ignored)>,
}

/// One look-up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lookup {
    /// The host, by its place in the list of targets; `None` for the name that shows NAT64 prefixes.
    pub host: Option<usize>,
    /// Its A (IPv4) or AAAA (IPv6) records.
    pub family: Family,
    /// When it was asked.
    pub started: Instant,
    /// When the answer came, if it did.
    pub ended: Option<Instant>,
    /// How many addresses came, or why none; of the last answer, if it came more than once.
    pub answer: Option<Result<usize, LookupError>>,
}

/// One attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt<E> {
    /// The host, by its place in the list of targets.
    pub host: usize,
    /// Where to.
    pub address: SocketAddr,
    /// When it was started.
    pub started: Instant,
    /// When it first made progress, such as the end of the TCP handshake.
    pub progressed: Option<Instant>,
    /// When it ended, if it did.
    pub ended: Option<Instant>,
    /// How it stands.
    pub outcome: Outcome<E>,
}

/// How an attempt stands, or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<E> {
    /// Not ended yet.
    Running,
    /// It won.
    Succeeded,
    /// It failed, in the caller's words.
    Failed(E),
    /// It took longer than one attempt may.
    TimedOut,
    /// Another won, or all took too long.
    Cancelled,
}

/// Why a look-up gave no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The name does not exist.
    #[error("no such name")]
    NxDomain,
    /// The name exists, without an address of this family.
    #[error("no address")]
    NoData,
    /// It is not known, and may be later: timeout, SERVFAIL, REFUSED, a broken answer.
    #[error("{0}")]
    Temporary(String),
}

/// Why an address was no candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// The policy does not allow its family.
    #[error("not of the family asked for")]
    Family,
    /// Unspecified, multicast or broadcast: nobody can be there.
    #[error("no unicast address")]
    NotUnicast,
    /// Link-local IPv6 that does not say on which link.
    #[error("link-local without a zone")]
    NoZone,
    /// More than [`ADDRESSES`](super::ADDRESSES) of its family.
    #[error("too many addresses")]
    TooMany,
}

/// Why a race had no winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No host has an address.
    #[error("no address")]
    NoAddress,
    /// No address is known, as a look-up failed: there may be some later.
    #[error("look-up failed")]
    Lookup,
    /// There are addresses, but none that may be tried.
    #[error("no usable address")]
    NoUsableAddress,
    /// Every attempt failed.
    #[error("all attempts failed")]
    AllFailed,
    /// The deadline over all came first.
    #[error("timed out")]
    Deadline,
}

impl<E> Log<E> {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, ended: None, lookups: Vec::new(), attempts: Vec::new(), ignored: Vec::new() }
    }
}

/// A line for each event, with milliseconds from the start of the race.
impl<E: fmt::Display> fmt::Display for Log<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |at: Instant| at.saturating_duration_since(self.started).as_secs_f64() * 1e3;
        for lookup in &self.lookups {
            let record = match lookup.family {
                Family::V4 => "A",
                Family::V6 if lookup.host.is_none() => "AAAA (NAT64)",
                Family::V6 => "AAAA",
            };
            write!(f, "{:9.1} ms  look up {record}: ", millis(lookup.started))?;
            match (&lookup.answer, lookup.ended) {
                (Some(Ok(count)), Some(ended)) => writeln!(f, "{count} at {:.1} ms", millis(ended))?,
                (Some(Err(error)), Some(ended)) => writeln!(f, "{error} at {:.1} ms", millis(ended))?,
                _ => writeln!(f, "not answered")?,
            }
        }
        for attempt in &self.attempts {
            write!(f, "{:9.1} ms  try {}: {}", millis(attempt.started), attempt.address, attempt.outcome)?;
            match attempt.ended {
                Some(ended) => writeln!(f, " at {:.1} ms", millis(ended))?,
                None => writeln!(f)?,
            }
        }
        for (address, why) in &self.ignored {
            writeln!(f, "              leave {}: {why}", address.ip())?;
        }
        Ok(())
    }
}

impl<E: fmt::Display> fmt::Display for Outcome<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Succeeded => f.write_str("connected"),
            Self::Failed(why) => why.fmt(f),
            Self::TimedOut => f.write_str("timed out"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}
