use std::{fmt, time::Duration};

use mail46_wire::Domain;

/// What DNS said to one question: a name and a type.
///
/// The four outcomes are apart because mail needs them apart: no records of this type ([`Outcome::NoData`]) makes an
/// implicit MX, no such name ([`Outcome::NxDomain`]) is a bounce, and a failure is neither, but a reason to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What came back.
    pub outcome: Outcome<T>,
    /// Whether DNSSEC vouches for all of it, the aliases on the way included.
    pub security: Security,
    /// Where the name led, if it is an alias (CNAME or DNAME).
    pub alias: Option<Alias>,
    /// How long it may be kept: the lowest TTL of what it is made of (RFC 2308 s 5 for the negative ones). Zero: not
    /// at all.
    pub ttl: Duration,
}

/// Records, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 2308 s 1 and 7: there are no more
pub enum Outcome<T> {
    /// At least one record.
    Records(Vec<T>),
    /// The name is there, with no record of this type (RFC 2308 s 2.2).
    NoData,
    /// There is no such name (RFC 2308 s 2.1).
    NxDomain,
    /// No answer to rely on.
    Failed(Trouble),
}

/// What DNSSEC says of an answer that is not bogus (RFC 4035 s 4.3; bogus is [`Trouble::Bogus`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 4035 s 4.3
pub enum Security {
    /// Validated from a trust anchor down.
    Secure,
    /// Proven to have no signatures above it, or a name without a trust anchor.
    Insecure,
    /// Nobody looked.
    Unchecked,
}

/// Why there is no answer. Each is temporary: mail is queued (RFC 5321 s 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// RCODE 2. A validating resolver says so of bogus answers too.
    ServFail,
    /// RCODE 5.
    Refused,
    /// RCODE 4.
    NotImp,
    /// RCODE 1.
    FormErr,
    /// Another RCODE.
    Rcode(u16),
    /// No answer in time.
    Timeout,
    /// Cut short over UDP, and no TCP.
    Truncated,
    /// Signatures that do not fit (RFC 4035 s 4.3).
    Bogus,
    /// Aliases that lead in a circle, or too far.
    AliasLoop,
    /// A server that knows others to ask and was not asked to (RFC 2308 s 2.2).
    Referral,
    /// No server to be reached, or not a DNS message.
    Network,
}

/// Where an alias leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name at the end of the chain.
    pub canonical: Domain,
    /// What DNSSEC says of the first link alone (RFC 7672 s 2.2.2 asks).
    pub initial: Security,
}

/// The name that a record points to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a name is one of the three
pub enum Target {
    /// `.`: no service here (RFC 7505 s 3, RFC 2782).
    Root,
    /// A host name; underscores are letters here.
    Name(Domain),
    /// A DNS name that no host can have, in its text form.
    Unusable(Box<str>),
}

impl Target {
    /// The target that this text form of a DNS name stands for; a final dot is taken off.
    ///
    /// ```
    /// use mail46_resolve::Target;
    /// assert_eq!(Target::from_text("."), Target::Root);
    /// assert!(matches!(Target::from_text("mx_1.example."), Target::Name(_)));
    /// assert!(matches!(Target::from_text("not\\032a.host."), Target::Unusable(_)));
    /// ```
    pub fn from_text(text: &str) -> Self {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Self::Root;
        }
        match Domain::parse_with_underscores(name.as_bytes()) {
            Ok(domain) => Self::Name(domain.to_owned()),
            Err(_) => Self::Unusable(name.into()),
        }
    }

    /// The name, if it is one.
    pub fn name(&self) -> Option<&Domain> {
        match self {
            Self::Name(name) => Some(name),
            Self::Root | Self::Unusable(_) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("."),
            Self::Name(name) => name.fmt(f),
            Self::Unusable(text) => f.write_str(text),
        }
    }
}

/// An MX record (RFC 1035 s 3.3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Mx {
    /// Lower is better.
    pub preference: u16,
    /// The host that takes mail.
    pub exchange: Target,
}

/// A SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Srv {
    /// Lower is better.
    pub priority: u16,
    /// Share of the choices among equals.
    pub weight: u16,
    /// Where the service listens.
    pub port: u16,
    /// The host that has the service.
    pub target: Target,
}

/// A TLSA record (RFC 6698 s 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Tlsa {
    /// Certificate usage: 2 is DANE-TA, 3 is DANE-EE (RFC 7218).
    pub usage: u8,
    /// 0: the whole certificate; 1: its public key.
    pub selector: u8,
    /// 0: the octets themselves; 1: SHA-256; 2: SHA-512.
    pub matching: u8,
    /// The certificate association data.
    pub data: Vec<u8>,
}

impl<T> Answer<T> {
    /// Records as they would come without DNSSEC, to be kept for `ttl`. No records at all are no data.
    pub fn records(records: impl Into<Vec<T>>, ttl: Duration) -> Self {
        let records = records.into();
        let outcome = if records.is_empty() { Outcome::NoData } else { Outcome::Records(records) };
        Self { outcome, security: Security::Unchecked, alias: None, ttl }
    }

    /// [`Outcome::NoData`].
    pub fn no_data(ttl: Duration) -> Self {
        Self { outcome: Outcome::NoData, security: Security::Unchecked, alias: None, ttl }
    }

    /// [`Outcome::NxDomain`].
    pub fn nx_domain(ttl: Duration) -> Self {
        Self { outcome: Outcome::NxDomain, security: Security::Unchecked, alias: None, ttl }
    }

    /// [`Outcome::Failed`], kept by nobody.
    pub fn failed(trouble: Trouble) -> Self {
        Self {
            outcome: Outcome::Failed(trouble),
            security: Security::Unchecked,
            alias: None,
            ttl: Duration::ZERO,
        }
    }

    /// The same with this verdict of DNSSEC, also for the first link if it is an alias.
    #[must_use]
    pub fn with_security(mut self, security: Security) -> Self {
        self.security = security;
        if let Some(alias) = &mut self.alias {
            alias.initial = security;
        }
        self
    }

    /// The same, found by way of an alias that leads to `canonical`.
    #[must_use]
    pub fn by_alias(mut self, canonical: Domain) -> Self {
        self.alias = Some(Alias { canonical, initial: self.security });
        self
    }

    /// The records; none unless there are some.
    pub fn as_records(&self) -> &[T] {
        match &self.outcome {
            Outcome::Records(records) => records,
            _ => &[],
        }
    }

    /// Why there is no answer.
    pub fn trouble(&self) -> Option<Trouble> {
        match self.outcome {
            Outcome::Failed(trouble) => Some(trouble),
            _ => None,
        }
    }

    /// Whether DNSSEC vouches for it.
    pub fn is_secure(&self) -> bool {
        self.security == Security::Secure
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServFail => "SERVFAIL",
            Self::Refused => "REFUSED",
            Self::NotImp => "NOTIMP",
            Self::FormErr => "FORMERR",
            Self::Rcode(code) => return write!(f, "RCODE {code}"),
            Self::Timeout => "timeout",
            Self::Truncated => "truncated answer",
            Self::Bogus => "bogus signatures",
            Self::AliasLoop => "alias loop",
            Self::Referral => "referral",
            Self::Network => "no DNS server reached",
        })
    }
}
