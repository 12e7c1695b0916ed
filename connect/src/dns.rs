//! Who answers the connector's questions: the system, hickory, or whom the caller brings.

use std::{future::Future, net::IpAddr, pin::Pin};

use crate::{Family, LookupError};

/// The answer of a [`Resolver`], to come. Dropping it gives up the question.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, LookupError>> + Send + 'a>>;

/// Someone who knows the addresses of names: A and AAAA apart, so that neither waits for the other.
///
/// ```
/// use mail46_connect::{Answer, Family, LookupError, Resolver};
///
/// struct Hosts;
/// impl Resolver for Hosts {
///     fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
///         Box::pin(async move {
///             match (name, family) {
///                 ("mail.example", Family::V6) => Ok(vec!["2001:db8::25".parse().unwrap()]),
///                 ("mail.example", Family::V4) => Err(LookupError::NoData),
///                 _ => Err(LookupError::NxDomain),
///             }
///         })
///     }
/// }
/// ```
pub trait Resolver: Send + Sync {
    /// Asks for the A (IPv4) or AAAA (IPv6) records of a name: a host name in A-labels.
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a>;
}

/// The system's resolver: `getaddrinfo`, once for each family, so that an AAAA question without an answer holds
/// nobody up.
///
/// It cannot be interrupted: when the answer is dropped, its thread of tokio's blocking pool still waits for the
/// system's own timeout.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
        let name = name.to_owned();
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || getaddrinfo(&name, family));
            asked.await.map_err(|error| LookupError::Temporary(error.to_string()))?
        })
    }
}

fn getaddrinfo(name: &str, family: Family) -> Result<Vec<IpAddr>, LookupError> {
    use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};
    let address = match family {
        Family::V4 => AddrFamily::Inet,
        Family::V6 => AddrFamily::Inet6,
    };
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: address.into(),
        ..AddrInfoHints::default()
    };
    let answers =
        dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(|error| match error.kind() {
            LookupErrorKind::NoName => LookupError::NxDomain,
            LookupErrorKind::NoData | LookupErrorKind::Family => LookupError::NoData,
            _ => LookupError::Temporary(std::io::Error::from(error).to_string()),
        })?;
    Ok(answers.flatten().map(|answer| answer.sockaddr.ip()).collect())
}

/// A link-local address with its zone, `fe80::1%eth0`; no name is looked up for it.
pub(crate) fn with_zone(text: &str) -> Option<std::net::SocketAddrV6> {
    let (address, _) = text.split_once('%')?;
    let address: std::net::Ipv6Addr = address.parse().ok()?;
    let answers = dns_lookup::getaddrinfo(Some(text), None, None).ok()?;
    answers.flatten().find_map(|answer| match answer.sockaddr {
        std::net::SocketAddr::V6(v6) if *v6.ip() == address => Some(v6),
        _ => None,
    })
}

/// hickory-resolver, which asks DNS itself and can be interrupted.
///
/// Names are asked as they are: no search list is tried.
#[cfg(feature = "hickory")]
#[derive(Clone)]
pub struct HickoryResolver(pub hickory_resolver::TokioResolver);

#[cfg(feature = "hickory")]
impl HickoryResolver {
    /// With the name servers of the system.
    ///
    /// # Errors
    /// If the system's configuration cannot be read.
    pub fn from_system() -> std::io::Result<Self> {
        let built = hickory_resolver::TokioResolver::builder_tokio().and_then(|builder| builder.build());
        built.map(Self).map_err(std::io::Error::other)
    }

    /// With one name server.
    ///
    /// # Errors
    /// If hickory cannot be set up.
    pub fn from_server(server: std::net::SocketAddr) -> std::io::Result<Self> {
        use hickory_resolver::{
            TokioResolver,
            config::{ConnectionConfig, NameServerConfig, ResolverConfig},
            net::runtime::TokioRuntimeProvider,
        };
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        let server = NameServerConfig::new(server.ip(), true, connections);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let built = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build();
        built.map(Self).map_err(std::io::Error::other)
    }
}

#[cfg(feature = "hickory")]
impl Resolver for HickoryResolver {
    fn look_up<'a>(&'a self, name: &'a str, family: Family) -> Answer<'a> {
        use hickory_resolver::{
            net::NetError,
            proto::rr::{Name, RData, RecordType},
        };
        let kind = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        Box::pin(async move {
            let mut name =
                Name::from_ascii(name).map_err(|error| LookupError::Temporary(error.to_string()))?;
            name.set_fqdn(true);
            match self.0.lookup(name, kind).await {
                // An alias is answered with its records; only those of the kind count.
                Ok(lookup) => Ok(lookup
                    .answers()
                    .iter()
                    .filter_map(|record| match (&record.data, family) {
                        (RData::A(a), Family::V4) => Some(IpAddr::V4(a.0)),
                        (RData::AAAA(aaaa), Family::V6) => Some(IpAddr::V6(aaaa.0)),
                        _ => None,
                    })
                    .collect()),
                Err(error) if error.is_nx_domain() => Err(LookupError::NxDomain),
                Err(error) if error.is_no_records_found() => Err(LookupError::NoData),
                Err(NetError::Timeout) => Err(LookupError::Temporary("no answer".into())),
                Err(error) => Err(LookupError::Temporary(error.to_string())),
            }
        })
    }
}

#[cfg(feature = "hickory")]
impl std::fmt::Debug for HickoryResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HickoryResolver")
    }
}
