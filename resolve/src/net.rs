//! Questions in the right order, many at a time, under one deadline.

use std::{future::Future, net::IpAddr, time::Duration};

use futures_util::future::{join, join_all};
use mail46_wire::{Domain, Host, NameError};
use tokio::time::{Instant, timeout_at};

use crate::{
    Answer, Class, Dane, Destination, Dns, Facts, Failure, Policy, Route, SenderCheck, Trouble, dane,
    iprev::{self, Confirmed, Reverse},
    srv::{Discovery, Protocol, Tls},
    sts, tlsrpt,
};

/// Asks a [`Dns`] what mail has to know.
///
/// A question that is not answered before the deadline counts as timed out: what came in time still makes a route,
/// marked as incomplete.
#[derive(Clone, Debug)]
pub struct Resolver<D> {
    dns: D,
    /// For all questions of one call together. Default: 15 seconds.
    pub deadline: Duration,
    /// Names of exchangers whose addresses are asked for at most. Default: 40. (A DNS message can hold thousands.)
    pub lookups: usize,
}

impl<D: Dns> Resolver<D> {
    /// With the default deadline and limit.
    pub fn new(dns: D) -> Self {
        Self { dns, deadline: Duration::from_secs(15), lookups: 40 }
    }

    /// The resolver that it asks.
    pub fn dns(&self) -> &D {
        &self.dns
    }

    /// All that DNS says about where the mail of a domain goes: MX, and then A and AAAA of every exchanger, all at once.
    ///
    /// `random` gives 64 random bits a call.
    pub async fn facts(&self, to: &Destination, random: impl FnMut() -> u64) -> Facts {
        self.facts_by(to, self.until(), random).await
    }

    /// The route of a domain under a policy.
    ///
    /// # Errors
    /// A [`Failure`] with its class.
    pub async fn route(
        &self,
        to: &Destination,
        policy: &Policy,
        mut random: impl FnMut() -> u64,
    ) -> Result<Route, Failure> {
        self.facts(to, &mut random).await.route(policy, random)
    }

    /// Asks for the TLSA records of every host of a route that may have some, and notes what DANE asks of it (RFC 7672).
    ///
    /// # Errors
    /// A [`Failure`] of [`Class::TempDane`] when no host is left to connect to.
    pub async fn dane(&self, route: &mut Route, port: u16) -> Result<(), Failure> {
        let until = self.until();
        let verdicts = join_all(route.hosts().map(|host| self.dane_of(host, route, port, until))).await;
        let hosts = route.tiers.iter_mut().flat_map(|tier| &mut tier.hosts);
        for (host, verdict) in hosts.zip(verdicts) {
            host.dane = Some(verdict);
        }
        if route.attempts().next().is_none() {
            let mut failure = Failure::new(Class::TempDane, &route.domain, route.reach);
            failure.mx_secure = route.mx_secure;
            return Err(failure);
        }
        Ok(())
    }

    /// Where a domain offers a protocol to mail clients (RFC 6186, RFC 8314 s 5.1).
    ///
    /// # Errors
    /// A [`NameError`] for a domain too long to have such records.
    pub async fn discover(
        &self,
        domain: &Domain,
        protocol: Protocol,
        random: impl FnMut() -> u64,
    ) -> Result<Discovery, NameError> {
        let until = self.until();
        let (implicit, start_tls) =
            (protocol.name(Tls::Implicit, domain)?, protocol.name(Tls::StartTls, domain)?);
        let (implicit, start_tls) =
            join(within(until, self.dns.srv(&implicit)), within(until, self.dns.srv(&start_tls))).await;
        Ok(Discovery::new(domain, &implicit, &start_tls, random))
    }

    /// The names of an address, and whether they have it (RFC 8601 s 3).
    pub async fn reverse(&self, address: IpAddr) -> Reverse {
        let until = self.until();
        let ptr = within(until, self.dns.ptr(address)).await;
        let confirm = async |name: &Domain| match address.to_canonical() {
            IpAddr::V4(_) => Confirmed::new(address, &within(until, self.dns.a(name)).await),
            IpAddr::V6(_) => Confirmed::new(address, &within(until, self.dns.aaaa(name)).await),
        };
        let confirmed = join_all(iprev::names(&ptr).map(confirm)).await;
        Reverse::new(address, &ptr, confirmed)
    }

    /// Whether mail can be returned to a domain: the check of a server at MAIL FROM.
    pub async fn check_sender(&self, from: &Destination, random: impl FnMut() -> u64) -> SenderCheck {
        SenderCheck::new(&self.route(from, &Policy::default(), random).await)
    }

    /// The answer about the MTA-STS record of a domain, for [`sts::Record::find`] and [`sts::next`].
    ///
    /// # Errors
    /// A [`NameError`] for a domain too long to have one.
    pub async fn sts_record(&self, domain: &Domain) -> Result<Answer<Vec<u8>>, NameError> {
        let name = sts::Record::name(domain)?;
        Ok(within(self.until(), self.dns.txt(&name)).await)
    }

    /// The answer about the TLSRPT record of a domain, for [`tlsrpt::Record::find`].
    ///
    /// # Errors
    /// A [`NameError`] for a domain too long to have one.
    pub async fn tlsrpt_record(&self, domain: &Domain) -> Result<Answer<Vec<u8>>, NameError> {
        let name = tlsrpt::Record::name(domain)?;
        Ok(within(self.until(), self.dns.txt(&name)).await)
    }

    async fn dane_of(&self, host: &crate::RouteHost, route: &Route, port: u16, until: Instant) -> Dane {
        for base in dane::bases(host) {
            let Ok(name) = dane::tlsa_name(base, port) else { continue };
            let answer = within(until, self.dns.tlsa(&name)).await;
            match Dane::judge(&answer, base, route) {
                Dane::None => {}
                // The first candidate with a secure record set is the base; a failure ends the search (s 2.1.2).
                verdict => return verdict,
            }
        }
        Dane::None
    }

    async fn facts_by(&self, to: &Destination, until: Instant, random: impl FnMut() -> u64) -> Facts {
        let domain = match &to.0 {
            Host::Domain(domain) => domain,
            Host::Literal(_) => return Facts::literal(to.0.clone()),
        };
        let mx = within(until, self.dns.mx(domain)).await;
        let mut facts = Facts::new(domain.clone(), mx, self.lookups, random);
        let answers = join_all(facts.wanted().map(|name| self.addresses(name, until))).await;
        facts.answer_all(answers);
        facts
    }

    /// A and AAAA of one host: two questions, so that the trouble of one never hides behind the other.
    async fn addresses(
        &self,
        name: &Domain,
        until: Instant,
    ) -> (Answer<std::net::Ipv4Addr>, Answer<std::net::Ipv6Addr>) {
        join(within(until, self.dns.a(name)), within(until, self.dns.aaaa(name))).await
    }

    pub(crate) fn until(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.deadline).unwrap_or(now)
    }
}

pub(crate) async fn within<T>(until: Instant, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
    timeout_at(until, answer).await.unwrap_or_else(|_| Answer::failed(Trouble::Timeout))
}
