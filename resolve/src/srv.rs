//! Where a mail client finds its servers: SRV records (RFC 2782, RFC 6186, RFC 8314 s 5.1).

use std::fmt;

use mail46_wire::Domain;

use crate::{Answer, Srv, Trouble, UnknownWord, random::below};

/// What a client is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 6186 s 3
pub enum Protocol {
    /// To hand mail in (RFC 6409).
    Submission,
    /// To read it where it lies.
    Imap,
    /// To fetch it.
    Pop3,
}

/// How a connection gets its TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 8314 s 3
pub enum Tls {
    /// From the first octet: `_submissions`, `_imaps`, `_pop3s`.
    Implicit,
    /// By STARTTLS or STLS: `_submission`, `_imap`, `_pop3`.
    StartTls,
}

/// What a domain says about one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 2782, "Usage rules"
pub enum Discovery {
    /// Here, in the order of trying: implicit TLS first (RFC 8314 s 3).
    Offered(Vec<Endpoint>),
    /// `.`: "the service is decidedly not available at this domain".
    NotOffered,
    /// The domain says nothing: ask the user.
    Unknown,
    /// DNS gave no answer for now, and nothing else was found.
    Failed(Trouble),
}

/// A server of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name, which the certificate must have (RFC 7817).
    pub host: Domain,
    /// Its port.
    pub port: u16,
    /// How TLS begins.
    pub tls: Tls,
    /// As in the record: between IMAP and POP3, the lower one is what the domain prefers (RFC 6186 s 3.4).
    pub priority: u16,
    /// Why one may believe it.
    pub trust: Trust,
}

/// Whether an endpoint may be used without asking the user (RFC 6186 s 6, RFC 8314 s 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 8314 s 5.1: (a), (b), else
pub enum Trust {
    /// DNSSEC vouches for the record.
    Secure,
    /// The host is in the domain that was asked for.
    InDomain,
    /// Neither: "the MUA SHOULD verify with the user".
    AskUser,
}

impl Protocol {
    /// Where its records are: `_imaps._tcp.example.com`.
    ///
    /// # Errors
    /// [`NameError::TooLong`](mail46_wire::NameError::TooLong).
    pub fn name(self, tls: Tls, domain: &Domain) -> Result<Domain, mail46_wire::NameError> {
        let label = match (self, tls) {
            (Self::Submission, Tls::Implicit) => "_submissions",
            (Self::Submission, Tls::StartTls) => "_submission",
            (Self::Imap, Tls::Implicit) => "_imaps",
            (Self::Imap, Tls::StartTls) => "_imap",
            (Self::Pop3, Tls::Implicit) => "_pop3s",
            (Self::Pop3, Tls::StartTls) => "_pop3",
        };
        let name = format!("{label}._tcp.{domain}");
        Domain::parse_with_underscores(name.as_bytes()).map(|name| name.to_owned())
    }
}

impl std::str::FromStr for Protocol {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Ok(match text {
            "submission" => Self::Submission,
            "imap" => Self::Imap,
            "pop3" => Self::Pop3,
            _ => return Err(UnknownWord("submission, imap, pop3")),
        })
    }
}

impl Discovery {
    /// What the answers to both questions of a protocol come to.
    ///
    /// `random` gives 64 random bits a call.
    pub fn new(
        domain: &Domain,
        implicit: &Answer<Srv>,
        start_tls: &Answer<Srv>,
        mut random: impl FnMut() -> u64,
    ) -> Self {
        let mut endpoints = Vec::new();
        let mut not_offered = false;
        for (answer, tls) in [(implicit, Tls::Implicit), (start_tls, Tls::StartTls)] {
            let records = answer.as_records();
            // RFC 2782: "If there is precisely one SRV RR, and its Target is "."". Among others it is no host, and is left out.
            not_offered |= !records.is_empty() && records.iter().all(|record| record.target.name().is_none());
            for record in order(records, &mut random) {
                let Some(host) = record.target.name() else { continue };
                let trust = if answer.is_secure() {
                    Trust::Secure
                } else if is_in(host, domain) {
                    Trust::InDomain
                } else {
                    Trust::AskUser
                };
                let host = host.clone();
                endpoints.push(Endpoint { host, port: record.port, tls, priority: record.priority, trust });
            }
        }
        let trouble = implicit.trouble().or_else(|| start_tls.trouble());
        match trouble {
            _ if !endpoints.is_empty() => Self::Offered(endpoints),
            Some(trouble) => Self::Failed(trouble),
            None if not_offered => Self::NotOffered,
            None => Self::Unknown,
        }
    }

    /// A short word: `offered`, `not-offered`, `unknown`, `temp-dns`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Offered(_) => "offered",
            Self::NotOffered => "not-offered",
            Self::Unknown => "unknown",
            Self::Failed(_) => "temp-dns",
        }
    }

    /// The servers, in the order of trying.
    pub fn endpoints(&self) -> &[Endpoint] {
        match self {
            Self::Offered(endpoints) => endpoints,
            Self::NotOffered | Self::Unknown | Self::Failed(_) => &[],
        }
    }

    /// The best priority, to choose between IMAP and POP3 (RFC 6186 s 3.4).
    pub fn priority(&self) -> Option<u16> {
        self.endpoints().iter().map(|endpoint| endpoint.priority).min()
    }
}

/// The records in the order of trying: by priority, and among equals by the weighted choice of RFC 2782.
///
/// `random` gives 64 random bits a call.
pub fn order(records: &[Srv], mut random: impl FnMut() -> u64) -> Vec<&Srv> {
    let mut left: Vec<&Srv> = records.iter().collect();
    // "all those with weight 0 are placed at the beginning of the list"
    left.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let tie = left.iter().take_while(|record| record.priority == first.priority);
        let sum: usize = tie.map(|record| usize::from(record.weight)).sum();
        // "choose a uniform random number between 0 and the sum computed (inclusive)"
        let chosen = below(sum.saturating_add(1), &mut random);
        let mut running = 0_usize;
        let at = left.iter().position(|record| {
            running = running.saturating_add(record.weight.into());
            running >= chosen
        });
        ordered.push(left.remove(at.unwrap_or(0)));
    }
    ordered
}

fn is_in(host: &Domain, domain: &Domain) -> bool {
    let (host, domain) = (host.as_bytes(), domain.as_bytes());
    host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at)).is_some_and(
        |(front, end)| end.eq_ignore_ascii_case(domain) && (front.is_empty() || front.ends_with(b".")),
    )
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Implicit => "implicit",
            Self::StartTls => "starttls",
        })
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure",
            Self::InDomain => "in-domain",
            Self::AskUser => "ask-user",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Security, Target};

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 993, target: Target::from_text(target) }
    }

    fn answer(records: Vec<Srv>) -> Answer<Srv> {
        Answer::records(records, Duration::from_secs(60))
    }

    fn domain() -> Domain {
        "example.com".parse().unwrap()
    }

    /// RFC 2782, "The format of the SRV RR".
    #[test]
    fn priorities_are_strict_and_weights_a_share() {
        let records = [srv(1, 0, "c."), srv(0, 1, "a."), srv(0, 3, "b."), srv(1, 0, "d.")];
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state.rotate_left(29)
        };
        let mut b_first = 0;
        for _ in 0..5000 {
            let order = order(&records, &mut random);
            assert_eq!(order.iter().map(|record| record.priority).collect::<Vec<_>>(), [0, 0, 1, 1]);
            b_first += usize::from(order[0].weight == 3);
        }
        // A number of 0 to 4: 0 and 1 are a's, 2 to 4 are b's.
        assert!((2800..3200).contains(&b_first), "{b_first} of 5000");
    }

    #[test]
    fn weight_zero_has_a_very_small_chance() {
        let records = [srv(0, 0, "a."), srv(0, 999, "b.")];
        let first = |random: u64| order(&records, || random)[0].weight;
        assert_eq!(first(0), 0); // the one chance of a thousand
        assert_eq!(first(u64::MAX / 1000 * 2), 999);
        assert_eq!(first(u64::MAX), 999);
        assert!(order(&[], || 0).is_empty());
    }

    #[test]
    fn what_a_domain_offers() {
        let none = Answer::nx_domain(Duration::ZERO);
        let dot = answer(vec![srv(0, 0, ".")]);
        let imaps = answer(vec![srv(10, 1, "imap.example.com."), srv(10, 0, ".")]);
        let imap = answer(vec![srv(0, 1, "mail.provider.net.")]);
        let failed = Answer::failed(Trouble::ServFail);
        let new = |implicit: &Answer<Srv>, start_tls: &Answer<Srv>| {
            Discovery::new(&domain(), implicit, start_tls, || 0)
        };

        // RFC 6186 s 3.4: "." for one label, and the other one in use.
        let Discovery::Offered(endpoints) = new(&imaps, &dot) else { panic!() };
        assert_eq!(endpoints.len(), 1);
        assert_eq!((endpoints[0].tls, endpoints[0].trust), (Tls::Implicit, Trust::InDomain));
        // RFC 8314 s 3: implicit TLS first, whatever the priority.
        let both = new(&imaps, &imap);
        let Discovery::Offered(endpoints) = &both else { panic!() };
        assert_eq!(
            endpoints.iter().map(|endpoint| endpoint.tls).collect::<Vec<_>>(),
            [Tls::Implicit, Tls::StartTls]
        );
        assert_eq!(endpoints[1].trust, Trust::AskUser);
        assert_eq!(both.priority(), Some(0));
        assert_eq!(new(&dot, &dot), Discovery::NotOffered);
        assert_eq!(new(&dot, &none), Discovery::NotOffered);
        assert_eq!(new(&none, &none), Discovery::Unknown);
        assert_eq!(new(&none, &failed), Discovery::Failed(Trouble::ServFail));
        assert_eq!(new(&failed, &dot), Discovery::Failed(Trouble::ServFail));
        let secure = imap.with_security(Security::Secure);
        let Discovery::Offered(endpoints) = new(&failed, &secure) else { panic!() };
        assert_eq!(endpoints[0].trust, Trust::Secure);
    }

    #[test]
    fn in_a_domain_or_only_like_it() {
        for (host, want) in [
            ("example.com", true),
            ("imap.Example.COM", true),
            ("badexample.com", false),
            ("example.com.net", false),
            ("com", false),
        ] {
            assert_eq!(is_in(&host.parse().unwrap(), &domain()), want, "{host}");
        }
    }

    #[test]
    fn labels() {
        let name = |protocol: Protocol, tls| protocol.name(tls, &domain()).unwrap().to_string();
        assert_eq!(name(Protocol::Submission, Tls::Implicit), "_submissions._tcp.example.com");
        assert_eq!(name(Protocol::Submission, Tls::StartTls), "_submission._tcp.example.com");
        assert_eq!(name(Protocol::Imap, Tls::Implicit), "_imaps._tcp.example.com");
        assert_eq!(name(Protocol::Imap, Tls::StartTls), "_imap._tcp.example.com");
        assert_eq!(name(Protocol::Pop3, Tls::Implicit), "_pop3s._tcp.example.com");
        assert_eq!(name(Protocol::Pop3, Tls::StartTls), "_pop3._tcp.example.com");
    }
}
