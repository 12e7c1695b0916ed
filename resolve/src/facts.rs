use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mail46_wire::{Domain, Host};

use crate::{Answer, Class, Failure, Mx, Outcome, Reach, Target, random::shuffle_ties};

/// Where mail is to go, as somebody wrote it: a domain, or an address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Destination(pub Host);

impl Destination {
    /// Parses a domain of a mail address: A-labels or U-labels (IDNA by UTS 46), or an address literal.
    ///
    /// One final dot is taken off, for people who are used to DNS. No search list and no guess is ever made (RFC 5321
    /// s 5.1). Four numbers are no domain but an address without its brackets (RFC 5321 s 4.1.3).
    ///
    /// # Errors
    /// A [`Failure`] of [`Class::BadLiteral`] or [`Class::InvalidName`].
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.starts_with('[') {
            let host: Result<Host, _> = text.parse();
            return host.map(Self).map_err(|_| Failure::new(Class::BadLiteral, text, Reach::None));
        }
        let invalid = || Failure::new(Class::InvalidName, text, Reach::None);
        let name = text.strip_suffix('.').unwrap_or(text);
        let domain = Domain::from_unicode(name).map_err(|_| invalid())?;
        if domain.as_str().parse::<Ipv4Addr>().is_ok() {
            return Err(invalid());
        }
        Ok(Self(Host::Domain(domain)))
    }
}

/// All that DNS said about where the mail of a domain goes.
///
/// Gathered once, by a driver or by hand, and then judged as often as one likes: by our own policy, as a sender of one
/// family would see it, by the rules of an older RFC. It holds both families always.
///
/// ```
/// use std::time::Duration;
/// use mail46_resolve::{Answer, Facts, Mx, Policy, Target};
///
/// let hour = Duration::from_secs(3600);
/// let mx = [
///     Mx { preference: 20, exchange: Target::from_text("relay.example.") },
///     Mx { preference: 10, exchange: Target::from_text("v6.example.") },
/// ];
/// let mut facts = Facts::new("home.example".parse()?, Answer::records(mx, hour), 20, || 4);
/// facts.answer("v6.example", Answer::no_data(hour), Answer::records(["2001:db8::1".parse()?], hour));
/// facts.answer("relay.example", Answer::records(["192.0.2.1".parse()?], hour), Answer::no_data(hour));
///
/// let route = facts.route(&Policy::default(), || 4)?;
/// let order: Vec<_> = route.attempts().map(|(host, address)| format!("{} {address}", host.name)).collect();
/// assert_eq!(order, ["v6.example 2001:db8::1", "relay.example 192.0.2.1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Facts {
    pub(crate) domain: Host,
    /// `None` for an address literal.
    pub(crate) mx: Option<Answer<Mx>>,
    /// Of the MX records, or the domain itself; sorted by preference, each name once.
    pub(crate) exchangers: Vec<Exchanger>,
}

#[derive(Clone, Debug)]
pub(crate) struct Exchanger {
    pub(crate) preference: u16,
    pub(crate) target: Target,
    /// What its name says at first sight.
    pub(crate) kind: Kind,
    pub(crate) host: Option<Addresses>,
}

/// What can be said of a target without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    NotAHostName,
    AddressText,
    Localhost,
    SingleLabel,
    Underscore,
    Plain,
}

/// Both address answers of one host.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) a: Answer<Ipv4Addr>,
    pub(crate) aaaa: Answer<Ipv6Addr>,
}

impl Facts {
    /// A domain and the answer to its MX question. At most `lookups` of the exchangers will be asked for, best
    /// preference first, at random among equals.
    ///
    /// `random` gives 64 random bits a call.
    pub fn new(domain: Domain, mx: Answer<Mx>, lookups: usize, random: impl FnMut() -> u64) -> Self {
        let mut exchangers = match &mx.outcome {
            Outcome::Records(records) => exchangers(records),
            // RFC 5321 s 5.1: only an empty list makes the domain its own exchanger, with preference 0.
            Outcome::NoData => vec![Exchanger::new(0, Target::Name(domain.clone()))],
            Outcome::NxDomain | Outcome::Failed(_) => Vec::new(),
        };
        if exchangers.len() > lookups {
            shuffle_ties(&mut exchangers, |exchanger| exchanger.preference, random);
            let mut left = lookups;
            for exchanger in exchangers.iter_mut().filter(|exchanger| exchanger.kind.is_asked()) {
                if left == 0 {
                    exchanger.host = None;
                } else {
                    left = left.saturating_sub(1);
                    exchanger.host = Some(Addresses::unasked());
                }
            }
        } else {
            for exchanger in exchangers.iter_mut().filter(|exchanger| exchanger.kind.is_asked()) {
                exchanger.host = Some(Addresses::unasked());
            }
        }
        Self { domain: Host::Domain(domain), mx: Some(mx), exchangers }
    }

    /// An address literal: there is nothing to ask (RFC 5321 s 4.1.3).
    pub fn literal(host: Host) -> Self {
        Self { domain: host, mx: None, exchangers: Vec::new() }
    }

    /// What was asked for.
    pub fn domain(&self) -> &Host {
        &self.domain
    }

    /// The answer about MX; `None` for an address literal.
    pub fn mx(&self) -> Option<&Answer<Mx>> {
        self.mx.as_ref()
    }

    /// The names whose addresses are wanted, best preference first.
    pub fn wanted(&self) -> impl Iterator<Item = &Domain> {
        self.exchangers.iter().filter(|exchanger| exchanger.host.is_some()).filter_map(|e| e.target.name())
    }

    /// Takes down what DNS said about `name`, which is one of the [`wanted`](Self::wanted); another name is passed
    /// over. A name that is never answered counts as timed out.
    pub fn answer(&mut self, name: &str, a: Answer<Ipv4Addr>, aaaa: Answer<Ipv6Addr>) {
        let asked = |exchanger: &&mut Exchanger| {
            exchanger.host.is_some()
                && exchanger.target.name().is_some_and(|target| target.as_str().eq_ignore_ascii_case(name))
        };
        if let Some(exchanger) = self.exchangers.iter_mut().find(asked) {
            exchanger.host = Some(Addresses { a, aaaa });
        }
    }

    /// The same for all of the [`wanted`](Self::wanted), in their order.
    pub fn answer_all(&mut self, answers: impl IntoIterator<Item = (Answer<Ipv4Addr>, Answer<Ipv6Addr>)>) {
        let hosts = self.exchangers.iter_mut().filter_map(|exchanger| exchanger.host.as_mut());
        for (host, (a, aaaa)) in hosts.zip(answers) {
            *host = Addresses { a, aaaa };
        }
    }

    /// The two answers about `name`.
    pub fn addresses(&self, name: &str) -> Option<(&Answer<Ipv4Addr>, &Answer<Ipv6Addr>)> {
        let exchanger = self
            .exchangers
            .iter()
            .find(|e| e.target.name().is_some_and(|target| target.as_str().eq_ignore_ascii_case(name)))?;
        exchanger.host.as_ref().map(|host| (&host.a, &host.aaaa))
    }

    /// The shortest time for which all of it may be kept.
    pub fn ttl(&self) -> std::time::Duration {
        let hosts = self.exchangers.iter().filter_map(|exchanger| exchanger.host.as_ref());
        let answers = hosts.flat_map(|host| [host.a.ttl, host.aaaa.ttl]);
        self.mx.iter().map(|mx| mx.ttl).chain(answers).min().unwrap_or_default()
    }
}

impl Exchanger {
    fn new(preference: u16, target: Target) -> Self {
        let kind = Kind::of(&target);
        Self { preference, target, kind, host: None }
    }
}

impl Addresses {
    fn unasked() -> Self {
        Self { a: Answer::failed(crate::Trouble::Timeout), aaaa: Answer::failed(crate::Trouble::Timeout) }
    }

    /// How many addresses DNS gave, fit for use or not.
    pub(crate) fn count(&self) -> usize {
        self.a.as_records().len().saturating_add(self.aaaa.as_records().len())
    }

    /// Every address that DNS gave, fit for use or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.a.as_records().iter().map(|ip| IpAddr::V4(*ip));
        v4.chain(self.aaaa.as_records().iter().map(|ip| IpAddr::V6(*ip)))
    }

    /// The name that one of the answers came by.
    pub(crate) fn alias(&self) -> Option<&crate::Alias> {
        self.aaaa.alias.as_ref().or(self.a.alias.as_ref())
    }
}

impl Kind {
    fn of(target: &Target) -> Self {
        let name = match target {
            Target::Root => return Self::Root,
            Target::Unusable(text) if text.parse::<IpAddr>().is_ok() => return Self::AddressText,
            Target::Unusable(_) => return Self::NotAHostName,
            Target::Name(name) => name.as_str(),
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.eq_ignore_ascii_case("localhost") {
            Self::Localhost
        } else if last.bytes().all(|octet| octet.is_ascii_digit()) {
            // RFC 1123 s 2.1: the highest label is alphabetic at least in part, so that it is never an address.
            Self::AddressText
        } else if last.len() == name.len() {
            Self::SingleLabel
        } else if name.contains('_') {
            Self::Underscore
        } else {
            Self::Plain
        }
    }

    fn is_asked(self) -> bool {
        matches!(self, Self::SingleLabel | Self::Underscore | Self::Plain)
    }
}

/// Sorted by preference, each name once with the best preference it has.
fn exchangers(records: &[Mx]) -> Vec<Exchanger> {
    let mut sorted: Vec<&Mx> = records.iter().collect();
    sorted.sort_by_key(|mx| mx.preference);
    let mut seen = std::collections::HashSet::new();
    let mut exchangers = Vec::with_capacity(sorted.len());
    for mx in sorted {
        if seen.insert(mx.exchange.to_string().to_ascii_lowercase()) {
            exchangers.push(Exchanger::new(mx.preference, mx.exchange.clone()));
        }
    }
    exchangers
}
