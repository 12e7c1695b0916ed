//! MTA-STS (RFC 8461): the record, the policy, which hosts it allows, and when to fetch it anew.
//!
//! ```text
//!  _mta-sts TXT ─► Record::find ─┐
//!                                ├─► next(…) ─► UseCached | Fetch ─► Fetch::get ─► Policy::parse ─► Cached
//!  Cached (kept by the caller) ──┘                                                     │
//!  MX host ────────────────────────────────────────────────────────► Policy::allows ◄──┘
//! ```

use std::{future::Future, time::Duration};

use mail46_wire::{Domain, NameError};

use crate::{Answer, record};

/// Octets of a policy at most ("a suggested maximum policy size is 64 kilobytes", RFC 8461 s 3.3).
pub const POLICY_MAX: usize = 64 * 1024;
/// Seconds that a policy may live at most (RFC 8461 s 3.2).
const MAX_AGE_MAX: u64 = 31_557_600;
/// "A suggested refresh frequency is once per day" (RFC 8461 s 3.3).
const REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// After a failed fetch, "a period of five minutes or longer per version ID" (RFC 8461 s 3.3).
const RETRY: Duration = Duration::from_secs(5 * 60);

/// The TXT record at `_mta-sts` (RFC 8461 s 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Record {
    /// 1 to 32 letters and digits, another one for each version of the policy.
    pub id: Box<str>,
}

/// What a policy asks for (RFC 8461 s 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 8461 s 3.2
pub enum Mode {
    /// Hosts that do not fit get no mail.
    Enforce,
    /// They do, and a report is sent where TLSRPT asks for it.
    Testing,
    /// As though there were no policy.
    None,
}

/// A policy (RFC 8461 s 3.2).
///
/// ```
/// use std::time::Duration;
/// use mail46_resolve::sts::{Mode, Policy};
///
/// let policy = Policy::parse(
///     b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n",
/// )?;
/// assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, Duration::from_secs(604_800)));
/// assert!(policy.matches(&"mx1.example.net".parse()?));
/// assert!(!policy.matches(&"a.mx1.example.net".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What happens to a host that does not fit.
    pub mode: Mode,
    /// How long it holds, from the time it was fetched.
    pub max_age: Duration,
    /// The hosts that mail may go to.
    pub mx: Vec<Pattern>,
}

/// A host, or all hosts right below a name (RFC 8461 s 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 8461 s 3.2
pub enum Pattern {
    /// This name.
    Host(Domain),
    /// `*.` and this name: one label more, any.
    Below(Domain),
}

/// Why a text is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Longer than [`POLICY_MAX`].
    #[error("policy of more than 64 kilobytes")]
    TooLong,
    /// Not `name: value`.
    #[error("line {line} is no field")]
    Field {
        /// From one.
        line: usize,
    },
    /// Not `STSv1`, or not there.
    #[error("no version STSv1")]
    Version,
    /// None of the three, or not there.
    #[error("no mode")]
    Mode,
    /// Not a number of seconds, or not there.
    #[error("no max_age")]
    MaxAge,
    /// Not a host, with or without `*.` in front; or none at all.
    #[error("no mx")]
    Mx,
}

impl Record {
    /// The record among all TXT records at `_mta-sts`: `None` unless exactly one of them is of this version, and whole.
    pub fn find(records: &[Vec<u8>]) -> Option<Self> {
        let text = record::only(records, b"v=STSv1;")?;
        let mut id = None;
        for (name, value) in record::fields(text)? {
            match name {
                "id" => {
                    // sts-id = %s"id=" 1*32(ALPHA / DIGIT)
                    let fits =
                        (1..=32).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_alphanumeric());
                    if !fits {
                        return None;
                    }
                    // RFC 8461 s 3.2: "If any non-repeated field … is duplicated, all entries except for the first SHALL be ignored."
                    id.get_or_insert_with(|| Self { id: value.into() });
                }
                name if record::is_extension(name, value) => {}
                _ => return None,
            }
        }
        id
    }

    /// Where the record of a domain is.
    ///
    /// # Errors
    /// [`NameError::TooLong`].
    pub fn name(domain: &Domain) -> Result<Domain, NameError> {
        let name = format!("_mta-sts.{}", domain.to_ascii());
        Domain::parse_with_underscores(name.as_bytes()).map(|name| name.to_owned())
    }
}

impl Policy {
    /// Parses the body of `/.well-known/mta-sts.txt`.
    ///
    /// Fields in any order, each line ended by LF or CRLF (or the end), unknown ones passed over, of a field that stands
    /// twice the first. A `max_age` above the maximum is the maximum. Beyond the grammar: empty lines at the end, which
    /// published policies have.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(body: &[u8]) -> Result<Self, PolicyError> {
        if body.len() > POLICY_MAX {
            return Err(PolicyError::TooLong);
        }
        let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
        let end = body.iter().rposition(|c| !matches!(c, b'\r' | b'\n')).map_or(0, |at| at.saturating_add(1));
        let lines = body.get(..end).unwrap_or_default().split(|c| *c == b'\n');
        for (line, text) in (1_usize..).zip(lines) {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let (name, value) = field(text).ok_or(PolicyError::Field { line })?;
            match name {
                "version" => {
                    version.get_or_insert(value == "STSv1");
                }
                "mode" => {
                    mode.get_or_insert_with(|| Mode::parse(value));
                }
                "max_age" => {
                    max_age.get_or_insert_with(|| seconds(value));
                }
                "mx" => mx.push(Pattern::parse(value).ok_or(PolicyError::Mx)?),
                _ => {}
            }
        }
        if version != Some(true) {
            return Err(PolicyError::Version);
        }
        let mode = mode.flatten().ok_or(PolicyError::Mode)?;
        let max_age = max_age.flatten().ok_or(PolicyError::MaxAge)?;
        // "required at least once, except when mode is "none""
        if mx.is_empty() && mode != Mode::None {
            return Err(PolicyError::Mx);
        }
        Ok(Self { mode, max_age, mx })
    }

    /// Whether the name of an MX record fits one of the patterns (RFC 8461 s 4.1).
    pub fn matches(&self, host: &Domain) -> bool {
        self.mx.iter().any(|pattern| pattern.matches(host))
    }

    /// Whether mail may be tried at this host: it fits, or nothing is enforced. With [`Mode::Enforce`] the certificate must
    /// fit as well (RFC 8461 s 4.2), and a host that does not is passed over as if it were unreachable (s 8.4).
    pub fn allows(&self, host: &Domain) -> bool {
        self.mode != Mode::Enforce || self.matches(host)
    }

    /// The text of the policy.
    pub fn write(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("version: STSv1\r\nmode: {}\r\n", self.mode.as_str());
        for pattern in &self.mx {
            let _ = match pattern {
                Pattern::Host(name) => write!(text, "mx: {name}\r\n"),
                Pattern::Below(name) => write!(text, "mx: *.{name}\r\n"),
            };
        }
        let _ = write!(text, "max_age: {}\r\n", self.max_age.as_secs());
        text
    }
}

impl Mode {
    /// `enforce`, `testing`, `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Enforce, Self::Testing, Self::None].into_iter().find(|mode| mode.as_str() == text)
    }
}

impl Pattern {
    /// `sts-policy-mx-value = ["*."] Domain`, in A-labels.
    fn parse(text: &str) -> Option<Self> {
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let name = Domain::parse(name.as_bytes()).ok()?.to_owned();
        Some(if below { Self::Below(name) } else { Self::Host(name) })
    }

    fn matches(&self, host: &Domain) -> bool {
        match self {
            Self::Host(name) => name == host,
            Self::Below(name) => host
                .as_str()
                .split_once('.')
                .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(name.as_str())),
        }
    }
}

/// A policy as a sender keeps it. Times are since any fixed point, such as the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Cached {
    /// The policy.
    pub policy: Policy,
    /// The `id` of the record when it was fetched.
    pub id: Box<str>,
    /// When it was fetched.
    pub fetched: Duration,
}

/// A fetch that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct FailedFetch {
    /// The `id` of the record at that time.
    pub id: Box<str>,
    /// When.
    pub at: Duration,
}

/// What to do about the policy of a domain before sending to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 8461 s 3.3 and 5.1
pub enum Next {
    /// There is none.
    NoPolicy,
    /// The one in the cache holds.
    UseCached,
    /// The one in the cache holds; fetch it anew when there is time, so that it does not run out.
    UseCachedAndRefresh,
    /// Fetch it. If that fails, the one in the cache holds if it is not [expired](Cached::is_expired), else there is none.
    Fetch,
}

impl Cached {
    /// Whether its `max_age` is over.
    pub fn is_expired(&self, now: Duration) -> bool {
        now.saturating_sub(self.fetched) >= self.policy.max_age
    }
}

/// The rule for caches of RFC 8461 s 3.3 and 5.1, without a clock: what is in the cache, what the TXT record says now, and
/// the last fetch that failed.
///
/// An answer without a record, or none at all, never takes away a policy that still holds: who can cut a sender off from
/// DNS must not be able to switch the policy off.
pub fn next(
    cached: Option<&Cached>,
    record: &Answer<Vec<u8>>,
    failed: Option<&FailedFetch>,
    now: Duration,
) -> Next {
    let cached = cached.filter(|cached| !cached.is_expired(now));
    let record = Record::find(record.as_records());
    let held_back = |record: &Record| {
        failed.is_some_and(|failed| failed.id == record.id && now.saturating_sub(failed.at) < RETRY)
    };
    match (cached, record) {
        (None, None) => Next::NoPolicy,
        (Some(_), None) => Next::UseCached,
        (None, Some(record)) if held_back(&record) => Next::NoPolicy,
        (Some(_), Some(record)) if held_back(&record) => Next::UseCached,
        (Some(cached), Some(record)) if cached.id == record.id => {
            if now.saturating_sub(cached.fetched) >= REFRESH {
                Next::UseCachedAndRefresh
            } else {
                Next::UseCached
            }
        }
        (_, Some(_)) => Next::Fetch,
    }
}

/// The host that serves the policy of a domain: `mta-sts.` before it, in the certificate as well (RFC 8461 s 3.3).
///
/// # Errors
/// [`NameError::TooLong`].
pub fn policy_host(domain: &Domain) -> Result<Domain, NameError> {
    let name = format!("mta-sts.{}", domain.to_ascii());
    Domain::parse(name.as_bytes()).map(|name| name.to_owned())
}

/// An HTTPS client, chosen by the application, for one fixed question: `GET /.well-known/mta-sts.txt`.
///
/// It must check the certificate for `host`, must follow no redirect and use no HTTP cache, and should give up after a
/// minute and after [`POLICY_MAX`] octets (RFC 8461 s 3.3).
pub trait Fetch {
    /// Why nothing came back.
    type Error: std::fmt::Display;

    /// Gets the file from `https://{host}/.well-known/mta-sts.txt`.
    fn get(&self, host: &Domain) -> impl Future<Output = Result<Response, Self::Error>> + Send;
}

/// What an HTTPS server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The body, [`POLICY_MAX`] octets at most.
    pub body: Vec<u8>,
}

/// Why a policy could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The client says why.
    #[error("policy not fetched: {0}")]
    Client(String),
    /// Not 200 (RFC 8461 s 3.3).
    #[error("policy not fetched: HTTP status {0}")]
    Status(u16),
    /// Not `text/plain` (RFC 8461 s 3.2).
    #[error("policy of media type {0:?}")]
    MediaType(String),
    /// Not a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The domain is too long to have a policy host.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Fetches the policy of a domain.
///
/// # Errors
/// [`FetchError`].
pub async fn fetch<F: Fetch>(client: &F, domain: &Domain) -> Result<Policy, FetchError> {
    let host = policy_host(domain)?;
    let response = client.get(&host).await.map_err(|error| FetchError::Client(error.to_string()))?;
    response.policy()
}

impl Response {
    /// The policy in it.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn policy(&self) -> Result<Policy, FetchError> {
        // "Policies fetched via HTTPS are only valid if the HTTP response code is 200 (OK)."
        if self.status != 200 {
            return Err(FetchError::Status(self.status));
        }
        let media_type = self.content_type.as_deref().unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("text/plain") {
            return Err(FetchError::MediaType(media_type.escape_default().to_string()));
        }
        Ok(Policy::parse(&self.body)?)
    }
}

/// `name ":" *WSP value *WSP`.
fn field(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let (name, value) = text.split_once(':')?;
    let value = value.trim_matches([' ', '\t']);
    // sts-policy-ext-value: no control characters, and not empty.
    let fits = record::is_name(name) && !value.is_empty() && !value.chars().any(char::is_control);
    fits.then_some((name, value))
}

/// `1*10(DIGIT)`.
fn seconds(text: &str) -> Option<Duration> {
    let fits = (1..=10).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    let seconds: u64 = text.parse().ok().filter(|_| fits)?;
    Some(Duration::from_secs(seconds.min(MAX_AGE_MAX)))
}

#[cfg(test)]
#[path = "sts/tests.rs"]
mod tests;
