//! RFC 5321 s 5.1 and 5.2: DNS answers in, a route or a typed failure out.
//!
//! In the order of the section: what the MX answer means, which exchangers are left when our own are taken out
//! (`loops`), which addresses mail can go to (`address`), the order in a tier and in a host, and the limits (`limits`).

mod address;
mod limits;
mod loops;
mod policy;
mod reach;

use std::net::IpAddr;

use mail46_wire::Host;

use self::{
    address::{Pick, Seen},
    loops::Cut,
};
pub use self::{
    policy::{FamilyPolicy, Limits, Own, Policy, Rules, SpecialAddresses, UnknownWord},
    reach::Reach,
};
use crate::{
    Class, Dropped, Facts, Failure, Note, Outcome, Reason, Route, RouteHost, Source, Target, Tier, Trouble,
    facts::{Addresses, Exchanger, Kind},
    random::shuffle,
};

impl Facts {
    /// The route that `policy` makes of these answers.
    ///
    /// `random` gives 64 random bits a call; the same numbers give the same route.
    ///
    /// # Errors
    /// A [`Failure`] with its class: whether to return the mail or to try again, and words for the bounce.
    pub fn route(&self, policy: &Policy, mut random: impl FnMut() -> u64) -> Result<Route, Failure> {
        let Some(mx) = &self.mx else {
            return literal(&self.domain, policy);
        };
        let reach = self.reach(policy.special);
        let failure = |class| {
            let mut failure = Failure::new(class, &self.domain, reach);
            failure.mx_secure = mx.is_secure();
            failure
        };
        let source = match mx.outcome {
            // RFC 5321 s 5.1: "If a non-existent domain error is returned, this situation MUST be reported".
            Outcome::NxDomain => return Err(failure(Class::NxDomain)),
            // "If a temporary error is returned, the message MUST be queued", never an implicit MX.
            Outcome::Failed(trouble) => return Err(failure(Class::TempDns(trouble))),
            Outcome::NoData => Source::Implicit,
            Outcome::Records(_) => Source::Mx,
        };
        // RFC 7505 s 3: a single MX with "."; there is nobody else to ask then, whatever its preference.
        let null = source == Source::Mx && self.exchangers.iter().all(|e| e.kind == Kind::Root);
        if null && policy.rules == Rules::Rfc5321 {
            return Err(failure(Class::NullMx));
        }

        let cut = loops::cut(&self.exchangers, &policy.own);
        let mut work = Work::new(policy, source, &self.exchangers, random());
        let better =
            self.exchangers.iter().take_while(|exchanger| cut.is_better(exchanger.preference)).count();
        let (candidates, behind) =
            self.exchangers.split_at_checked(better).unwrap_or((&self.exchangers, &[]));
        for tier in candidates.chunk_by(|one, other| one.preference == other.preference) {
            work.tier(tier, &mut random);
        }
        work.behind(behind, &policy.own, cut);
        let limited = limits::apply(&mut work.tiers, policy.limits, &mut work.dropped);
        if work.tiers.is_empty() {
            let class =
                work.failure_class(!behind.is_empty() && candidates.iter().all(|e| e.kind == Kind::Root));
            return Err(Failure { dropped: work.dropped, ..failure(class) });
        }
        Ok(Route {
            domain: self.domain.clone(),
            source,
            canonical: mx.alias.as_ref().map(|alias| alias.canonical.clone()),
            tiers: work.tiers,
            dropped: work.dropped,
            incomplete: work.trouble.is_some(),
            limited: limited || work.limited,
            reach,
            mx_secure: mx.is_secure(),
        })
    }
}

/// RFC 5321 s 4.1.3: an address literal needs no DNS.
fn literal(host: &Host, policy: &Policy) -> Result<Route, Failure> {
    let bad = || Failure::new(Class::BadLiteral, host, Reach::None);
    let Host::Literal(literal) = host else { return Err(bad()) };
    let ip = literal.ip().ok_or_else(bad)?;
    if policy.own.has_address(ip) {
        return Err(Failure::new(Class::Loop, host, Reach::of_address(ip)));
    }
    if !address::is_usable(ip, policy.special) {
        return Err(bad());
    }
    let reach = Reach::of_address(ip);
    if !policy.takes(ip) || policy.rules == Rules::Rfc974 && ip.is_ipv6() {
        return Err(Failure::new(Class::Family, host, reach));
    }
    let host = RouteHost {
        name: host.clone(),
        addresses: vec![ip],
        secure: false,
        alias: None,
        dane: None,
        notes: Vec::new(),
    };
    Ok(Route {
        domain: host.name.clone(),
        source: Source::Literal,
        canonical: None,
        tiers: vec![Tier { preference: 0, hosts: vec![host] }],
        dropped: Vec::new(),
        incomplete: false,
        limited: false,
        reach,
        mx_secure: false,
    })
}

/// A route in the making.
struct Work<'a> {
    policy: &'a Policy,
    source: Source,
    /// Whether these rules know A, and whether they know AAAA, for such a source.
    knows: (bool, bool),
    seen: Seen,
    tiers: Vec<Tier>,
    dropped: Vec<Dropped>,
    /// Of a question that could have given more; the first.
    trouble: Option<Trouble>,
    other_family: bool,
    limited: bool,
}

impl<'a> Work<'a> {
    fn new(policy: &'a Policy, source: Source, exchangers: &[Exchanger], key: u64) -> Self {
        let knows = match (policy.rules, source) {
            (Rules::Rfc5321, _) => (true, true),
            // RFC 2821 s 5: "but an A RR is found, the A RR is treated as if it was associated with an implicit MX".
            (Rules::Rfc2821, Source::Implicit) => (true, false),
            (Rules::Rfc2821, _) => (true, true),
            // RFC 974 is older than IPv6.
            (Rules::Rfc974, _) => (true, false),
        };
        let addresses =
            exchangers.iter().filter_map(|exchanger| exchanger.host.as_ref()).map(Addresses::count);
        Self {
            policy,
            source,
            knows,
            seen: Seen::new(addresses.sum(), key),
            tiers: Vec::with_capacity(exchangers.len().min(4)),
            dropped: Vec::new(),
            trouble: None,
            other_family: false,
            limited: false,
        }
    }

    /// Exchangers of one preference. RFC 5321 s 5.1: "the sender-SMTP MUST randomize them".
    fn tier(&mut self, exchangers: &[Exchanger], random: &mut impl FnMut() -> u64) {
        let Some(preference) = exchangers.first().map(|exchanger| exchanger.preference) else { return };
        let mut hosts = Vec::with_capacity(exchangers.len());
        if let [only] = exchangers {
            hosts.extend(self.host(only));
        } else {
            let mut order: Vec<&Exchanger> = exchangers.iter().collect();
            // RFC 974 had no such rule: its sender takes equals as they come.
            if self.policy.rules != Rules::Rfc974 {
                shuffle(&mut order, random);
            }
            for exchanger in order {
                if let Some(host) = self.host(exchanger) {
                    hosts.push(host);
                }
            }
        }
        if !hosts.is_empty() {
            self.tiers.push(Tier { preference, hosts });
        }
    }

    fn host(&mut self, exchanger: &Exchanger) -> Option<RouteHost> {
        match self.usable(exchanger) {
            Ok(host) => Some(host),
            Err(reason) => {
                match reason {
                    Reason::Unanswered(trouble) => self.trouble = self.trouble.or(Some(trouble)),
                    Reason::OtherFamily => self.other_family = true,
                    Reason::NotLookedUp => self.limited = true,
                    _ => {}
                }
                self.drop(exchanger, reason);
                None
            }
        }
    }

    fn drop(&mut self, exchanger: &Exchanger, reason: Reason) {
        self.dropped.push(Dropped {
            preference: exchanger.preference,
            target: exchanger.target.clone(),
            reason,
        });
    }

    fn usable(&mut self, exchanger: &Exchanger) -> Result<RouteHost, Reason> {
        let name = match &exchanger.target {
            Target::Name(name) => name,
            Target::Root => return Err(Reason::Root),
            Target::Unusable(_) if exchanger.kind == Kind::AddressText => return Err(Reason::AddressText),
            Target::Unusable(_) => return Err(Reason::NotAHostName),
        };
        match exchanger.kind {
            Kind::AddressText => return Err(Reason::AddressText),
            Kind::Localhost => return Err(Reason::Localhost),
            _ => {}
        }
        let answers = exchanger.host.as_ref().ok_or(Reason::NotLookedUp)?;
        let pick = Pick::new(answers, self.policy, self.knows, &mut self.seen);
        if pick.addresses.is_empty() && !pick.seen {
            return Err(pick.reason());
        }
        // Not for a family that we would not use: what is unknown there is no loss.
        if let Some(trouble) = pick.trouble_in_use {
            self.trouble = self.trouble.or(Some(trouble));
        }
        if pick.addresses.is_empty() {
            return Err(Reason::SameAddresses);
        }
        let mut notes = Vec::new();
        let alias = answers.alias().cloned();
        match exchanger.kind {
            Kind::SingleLabel => notes.push(Note::SingleLabel),
            Kind::Underscore => notes.push(Note::Underscore),
            _ => {}
        }
        // RFC 2181 s 10.3: an MX must not name an alias; everybody follows it all the same. A domain without MX may be one.
        if let (Source::Mx, Some(alias)) = (self.source, &alias) {
            notes.push(Note::Alias(alias.canonical.clone()));
        }
        notes.extend(pick.trouble_in_use.map(Note::Unanswered));
        notes.extend(pick.unusable.into_iter().map(Note::AddressDropped));
        Ok(RouteHost {
            name: Host::Domain(name.clone()),
            addresses: pick.addresses,
            secure: pick.secure,
            alias,
            dane: None,
            notes,
        })
    }

    /// What the rule against loops discards.
    fn behind(&mut self, exchangers: &[Exchanger], own: &Own, cut: Cut) {
        for exchanger in exchangers {
            let ours = cut.is_at(exchanger.preference) && loops::is_ourselves(exchanger, own);
            self.drop(exchanger, if ours { Reason::Ourselves } else { Reason::NotBetterThanOurselves });
        }
    }

    /// Of a route without hosts.
    fn failure_class(&self, only_ourselves_left: bool) -> Class {
        match (self.trouble, self.source) {
            _ if only_ourselves_left => Class::Loop,
            // One soft error is enough to wait: that host may be the usable one.
            (Some(trouble), _) => Class::TempDns(trouble),
            _ if self.other_family => Class::Family,
            (None, Source::Mx) => Class::NoUsableMx,
            (None, Source::Implicit | Source::Literal) => Class::NoAddress,
        }
    }
}

impl Policy {
    /// Whether an address of this family may be used at all.
    fn takes(&self, ip: IpAddr) -> bool {
        match self.family {
            FamilyPolicy::PreferIpv6 | FamilyPolicy::PreferIpv4 => true,
            FamilyPolicy::OnlyIpv6 => ip.is_ipv6(),
            FamilyPolicy::OnlyIpv4 => ip.is_ipv4(),
        }
    }
}
