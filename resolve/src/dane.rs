//! DANE for SMTP (RFC 7672): which TLSA records speak for a host, and what they ask of a connection to it.

#[cfg(feature = "tls")]
mod net;

use mail46_wire::{Domain, Host, NameError};

#[cfg(feature = "tls")]
pub use self::net::{DaneMismatch, DaneVerifier};

use crate::{Answer, Outcome, Route, RouteHost, Security, Tlsa, Trouble};

/// What the TLSA records of a host ask of a connection (the four actions of RFC 7672 s 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 7672 s 2.2
pub enum Dane {
    /// TLS, and a certificate that fits one of these records. Else the next host.
    Required(Box<Pins>),
    /// TLS, whatever the certificate: there are secure records, but none that anybody could use.
    Unusable,
    /// Nothing: no secure records. TLS where offered.
    None,
    /// The records cannot be had: the host must not be used for now.
    TempFail(Trouble),
}

/// Records to authenticate a server by, and the names that its certificate may have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pins {
    /// The TLSA base domain: what SNI says.
    pub base: Domain,
    /// The reference identifiers for DANE-TA, the base first (RFC 7672 s 3.2.2).
    pub references: Vec<Domain>,
    /// The usable records, the weaker digests left out where there are stronger ones (RFC 7671 s 9).
    pub records: Vec<Tlsa>,
}

/// DANE-TA: the trust anchor (RFC 7218).
pub(crate) const DANE_TA: u8 = 2;
/// DANE-EE: the certificate of the server itself.
pub(crate) const DANE_EE: u8 = 3;

impl Dane {
    /// A short word: `required`, `unusable`, `none`, `tempfail`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Required(_) => "required",
            Self::Unusable => "unusable",
            Self::None => "none",
            Self::TempFail(_) => "tempfail",
        }
    }

    /// What this answer about TLSA, at `base`, asks of a host of `route`; [`Dane::None`] sends one to the next base.
    pub fn judge(answer: &Answer<Tlsa>, base: &Domain, route: &Route) -> Self {
        let records = match &answer.outcome {
            Outcome::Failed(trouble) => return Self::TempFail(*trouble),
            Outcome::Records(records) if answer.security == Security::Secure => records,
            // "An "insecure" TLSA RRset or DNSSEC-authenticated denial of existence".
            Outcome::Records(_) | Outcome::NoData | Outcome::NxDomain => return Self::None,
        };
        let records = usable(records);
        if records.is_empty() {
            return Self::Unusable;
        }
        Self::Required(Box::new(Pins { base: base.clone(), references: references(base, route), records }))
    }
}

/// The TLSA base domains to try for a host, in order (RFC 7672 s 2.2.2); none when DANE does not apply.
pub fn bases(host: &RouteHost) -> Vec<&Domain> {
    // "When the original next-hop destination is an address literal …, DANE TLS does not apply."
    let Host::Domain(name) = &host.name else { return Vec::new() };
    match &host.alias {
        // "Secure CNAME": the expanded name, and, failing that, the initial one.
        Some(alias) if host.secure => vec![&alias.canonical, name],
        // "Insecure CNAME": only when the first link is secure.
        Some(alias) if alias.initial == Security::Secure => vec![name],
        None if host.secure => vec![name],
        // "If … insecure, the SMTP client SHOULD NOT proceed to search for any associated TLSA records."
        _ => Vec::new(),
    }
}

/// Where the records for a base and a port are: `_25._tcp.mx.example` (RFC 6698 s 3, RFC 7672 s 2.2.3).
///
/// # Errors
/// [`NameError::TooLong`].
pub fn tlsa_name(base: &Domain, port: u16) -> Result<Domain, NameError> {
    let name = format!("_{port}._tcp.{base}");
    Domain::parse_with_underscores(name.as_bytes()).map(|domain| domain.to_owned())
}

/// RFC 7672 s 3.2.2.
fn references(base: &Domain, route: &Route) -> Vec<Domain> {
    let mut names = vec![base.clone()];
    // "When the client MTA is employing DANE TLS security despite "insecure" MX redirection, the MX hostname is the only
    // reference identifier." Without MX records the host is the domain itself.
    if route.mx_secure || route.source != crate::Source::Mx {
        let domain = match &route.domain {
            Host::Domain(domain) => Some(domain),
            Host::Literal(_) => None,
        };
        let expanded = route.canonical.as_ref().filter(|_| route.mx_secure);
        for name in domain.into_iter().chain(expanded) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// The records that can be used, by usage, selector and strongest digest.
fn usable(records: &[Tlsa]) -> Vec<Tlsa> {
    let known = records.iter().filter(|record| is_usable(record));
    // RFC 7671 s 9: "for each usage and selector, … only any usable records with a matching type of Full(0) and the usable
    // records whose digest algorithm is considered by the client to be the strongest".
    let stronger = |record: &&Tlsa| {
        record.matching == 1
            && records.iter().any(|other| {
                is_usable(other)
                    && (other.usage, other.selector, other.matching) == (record.usage, record.selector, 2)
            })
    };
    known.filter(|record| !stronger(record)).cloned().collect()
}

/// RFC 7672 s 3.1.3: PKIX-TA(0) and PKIX-EE(1) MAY be treated as unusable. RFC 7671 s 9: so is a digest of a wrong length.
fn is_usable(record: &Tlsa) -> bool {
    let length = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, DANE_TA | DANE_EE) && record.selector <= 1 && length
}
