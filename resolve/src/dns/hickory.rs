use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        dnssec::{Proof, TrustAnchors},
        op::ResponseCode,
        rr::{Name, Record, RecordType},
    },
};
use mail46_wire::Domain;

use super::{
    Dns,
    take::{self, ALIASES_MAX, Taken, absolute, domain, negative, seconds},
};
use crate::{Alias, Answer, Mx, Outcome, Security, Srv, Target, Tlsa, Trouble};

/// hickory-resolver, asked in the way that mail needs.
///
/// It keeps answers as long as their TTL says, negative ones too (RFC 2308). `/etc/hosts` and the search list are
/// never looked at.
#[derive(Clone)]
pub struct Hickory {
    resolver: TokioResolver,
    validating: bool,
}

/// Who checks signatures.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Validation {
    /// Nobody: no answer is secure, and there is no DANE.
    #[default]
    Off,
    /// This process, from the root keys that hickory brings along.
    RootAnchors,
    /// This process, from these keys.
    Anchors(Arc<TrustAnchors>),
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HickoryError {
    /// The configuration of the system cannot be read, or names no server.
    #[error("no DNS configuration: {0}")]
    Configuration(#[source] NetError),
    /// The file of trust anchors cannot be read.
    #[error("no trust anchors: {0}")]
    Anchors(String),
}

impl Validation {
    /// This process, from the DNSKEY records in this file.
    ///
    /// # Errors
    /// [`HickoryError::Anchors`].
    pub fn from_file(path: &Path) -> Result<Self, HickoryError> {
        let anchors =
            TrustAnchors::from_file(path).map_err(|error| HickoryError::Anchors(error.to_string()))?;
        if anchors.is_empty() {
            return Err(HickoryError::Anchors(format!("{} holds no DNSKEY record", path.display())));
        }
        Ok(Self::Anchors(Arc::new(anchors)))
    }
}

impl Hickory {
    /// The servers that the system names.
    ///
    /// # Errors
    /// [`HickoryError`].
    pub fn system(validation: Validation) -> Result<Self, HickoryError> {
        let (config, options) =
            hickory_resolver::system_conf::read_system_conf().map_err(HickoryError::Configuration)?;
        // RFC 5321 s 5.1: no inference of names; the search list of the system is left behind here.
        let (_, _, servers) = config.into_parts();
        Self::build(servers, options, validation)
    }

    /// These servers, over UDP, and TCP where an answer is cut short.
    ///
    /// # Errors
    /// [`HickoryError`].
    pub fn with_servers(
        servers: impl IntoIterator<Item = SocketAddr>,
        validation: Validation,
    ) -> Result<Self, HickoryError> {
        let server = |address: SocketAddr| {
            let connection = |mut connection: ConnectionConfig| {
                connection.port = address.port();
                connection
            };
            NameServerConfig::new(
                address.ip(),
                true,
                vec![connection(ConnectionConfig::udp()), connection(ConnectionConfig::tcp())],
            )
        };
        let servers = servers.into_iter().map(server).collect();
        Self::build(servers, ResolverOpts::default(), validation)
    }

    fn build(
        servers: Vec<NameServerConfig>,
        mut options: ResolverOpts,
        validation: Validation,
    ) -> Result<Self, HickoryError> {
        options.use_hosts_file = ResolveHosts::Never;
        options.edns0 = true;
        options.preserve_intermediates = true; // the aliases, each with its proof
        options.attempts = options.attempts.max(2);
        options.timeout = options.timeout.min(Duration::from_secs(3));
        options.validate = false;
        options.trust_anchor = None;
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let validating = !matches!(validation, Validation::Off);
        options.validate = validating;
        *builder.options_mut() = options;
        if let Validation::Anchors(anchors) = validation {
            // Not by `ResolverOpts::trust_anchor`: the stub resolver only takes that as a switch.
            builder = builder.with_trust_anchor(anchors);
        }
        let resolver = builder.build().map_err(HickoryError::Configuration)?;
        Ok(Self { resolver, validating })
    }

    async fn ask<T: Taken>(&self, name: &Domain) -> Answer<T> {
        let Ok(name) = absolute(name.as_str()) else { return Answer::failed(Trouble::Network) };
        let mut answer = self.once(name.clone()).await;
        // hickory gives up on a chain of aliases without a word: no data, and no SOA. A server may say that without
        // a chain as well (RFC 2308 s 2.2, type 3), so it is asked what it knows.
        if matches!(answer.outcome, Outcome::NoData) && answer.ttl.is_zero() {
            return self.follow(name, answer).await;
        }
        // And it loses the links when it has the end of a chain already. Their proofs are wanted (RFC 7672 s 2.1.3).
        let links_lost = answer.alias.as_ref().is_some_and(|alias| alias.initial == Security::Unchecked);
        if self.validating && links_lost {
            let Ok(links) = self.links(name).await else { return Answer::failed(Trouble::AliasLoop) };
            let all = links.iter().all(|(_, security)| *security == Security::Secure);
            if !all {
                answer.security = Security::Insecure;
            }
            if let (Some(alias), Some((_, initial))) = (&mut answer.alias, links.first()) {
                alias.initial = *initial;
            }
        }
        answer
    }

    async fn follow<T: Taken>(&self, name: Name, answer: Answer<T>) -> Answer<T> {
        let Ok(links) = self.links(name).await else { return Answer::failed(Trouble::AliasLoop) };
        let (Some((last, _)), Some((_, initial))) = (links.last(), links.first()) else { return answer };
        let mut answer = self.once(last.clone()).await;
        if links.iter().any(|(_, security)| *security != Security::Secure) {
            answer.security = if self.validating { Security::Insecure } else { Security::Unchecked };
        }
        answer.alias = domain(last).map(|canonical| Alias { canonical, initial: *initial });
        answer
    }

    /// The names that an alias leads to, one question each, and what DNSSEC says of each link; an error for a circle.
    async fn links(&self, first: Name) -> Result<Vec<(Name, Security)>, Trouble> {
        let mut links: Vec<(Name, Security)> = Vec::new();
        loop {
            let from = links.last().map_or(&first, |(name, _)| name).clone();
            let answer = self.once::<Name>(from).await;
            let [next] = answer.as_records() else { return Ok(links) };
            let again = *next == first || links.iter().any(|(name, _)| name == next);
            if again || links.len() >= ALIASES_MAX {
                return Err(Trouble::AliasLoop);
            }
            links.push((next.clone(), answer.security));
        }
    }

    async fn once<T: Taken>(&self, name: Name) -> Answer<T> {
        match self.resolver.lookup(name.clone(), T::KIND).await {
            Ok(lookup) => self.records(&lookup, &name),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => self.none(&none),
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                let ttl = response.negative_ttl().unwrap_or(0);
                let answer = match proof {
                    Proof::Bogus | Proof::Indeterminate => return Answer::failed(Trouble::Bogus),
                    _ => negative(response.response_code, seconds(ttl)),
                };
                answer.with_security(security(proof))
            }
            Err(error) => Answer::failed(trouble(&error)),
        }
    }

    fn records<T: Taken>(&self, lookup: &Lookup, name: &Name) -> Answer<T> {
        let code = lookup.message().response_code;
        if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
            return Answer::failed(take::rcode(code));
        }
        let answers = lookup.answers();
        let records: Vec<T> = answers.iter().filter_map(|record| T::take(&record.data)).collect();
        let ttl = lookup.valid_until().saturating_duration_since(Instant::now());
        let mut answer =
            if records.is_empty() { negative(code, Duration::ZERO) } else { Answer::records(records, ttl) };
        // Only records of the type that was asked for and the aliases on the way: the list holds RRSIGs too, whose own
        // proof says nothing, and a second one is always indeterminate.
        let of_interest =
            |record: &&Record| record.record_type() == T::KIND || record.record_type() == RecordType::CNAME;
        if self.validating {
            let secure = answers.iter().filter(of_interest).all(|record| record.proof == Proof::Secure);
            answer.security = if secure { Security::Secure } else { Security::Insecure };
        }
        if T::KIND != RecordType::CNAME {
            let owner =
                answers.iter().find(|record| record.record_type() == T::KIND).map(|record| &record.name);
            let owner = owner.filter(|owner| *owner != name).and_then(domain);
            let lost = |canonical| Alias { canonical, initial: Security::Unchecked };
            answer.alias = self.alias(answers, name).or_else(|| owner.map(lost));
        }
        answer
    }

    fn alias(&self, answers: &[Record], name: &Name) -> Option<Alias> {
        let chain = take::chain(answers, name)?;
        let initial =
            chain.initial.map(|proof| if self.validating { security(proof) } else { Security::Unchecked })?;
        Some(Alias { canonical: domain(&chain.last)?, initial })
    }

    fn none<T>(&self, none: &NoRecords) -> Answer<T> {
        // RFC 2308 s 2.2: NS records without a SOA are a referral, and no word about the name at all.
        if none.soa.is_none() && none.ns.is_some() {
            return Answer::failed(Trouble::Referral);
        }
        // RFC 2308 s 5: the lesser of the SOA's own TTL and its MINIMUM. hickory leaves it out when it validates.
        let from_soa = none.soa.as_ref().map(|soa| soa.ttl.min(soa.data.minimum));
        let ttl = seconds(none.negative_ttl.or(from_soa).unwrap_or(0));
        let answer = negative(none.response_code, ttl);
        if !self.validating {
            return answer;
        }
        let authorities = none.authorities.as_deref().unwrap_or_default();
        let proofs = || authorities.iter().filter(|record| record.record_type() != RecordType::RRSIG);
        let secure = proofs().next().is_some() && proofs().all(|record| record.proof == Proof::Secure);
        answer.with_security(if secure { Security::Secure } else { Security::Insecure })
    }
}

impl Dns for Hickory {
    async fn mx(&self, name: &Domain) -> Answer<Mx> {
        self.ask(name).await
    }

    async fn a(&self, name: &Domain) -> Answer<Ipv4Addr> {
        self.ask(name).await
    }

    async fn aaaa(&self, name: &Domain) -> Answer<Ipv6Addr> {
        self.ask(name).await
    }

    async fn srv(&self, name: &Domain) -> Answer<Srv> {
        self.ask(name).await
    }

    async fn tlsa(&self, name: &Domain) -> Answer<Tlsa> {
        self.ask(name).await
    }

    async fn txt(&self, name: &Domain) -> Answer<Vec<u8>> {
        self.ask(name).await
    }

    async fn ptr(&self, address: IpAddr) -> Answer<Target> {
        self.once(Name::from(address.to_canonical())).await
    }
}

impl fmt::Debug for Hickory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hickory").field("validating", &self.validating).finish_non_exhaustive()
    }
}

fn security(proof: Proof) -> Security {
    if proof == Proof::Secure { Security::Secure } else { Security::Insecure }
}

fn trouble(error: &NetError) -> Trouble {
    match error {
        NetError::Timeout => Trouble::Timeout,
        NetError::Truncated => Trouble::Truncated,
        NetError::Dns(DnsError::DnssecBogus) => Trouble::Bogus,
        NetError::Dns(DnsError::ResponseCode(code)) => take::rcode(*code),
        _ => Trouble::Network,
    }
}
