use super::{Answer, Resolver};
use crate::{Family, LookupError};
use std::net::IpAddr;

/// hickory-resolver, which asks DNS itself and can be interrupted.
///
/// Names are asked as they are: no search list is tried, and no `/etc/hosts`.
///
/// It runs its sockets in tasks of tokio, one for each name server and transport in use. They belong to this object and
/// its clones, not to a call of [`connect`](crate::connect()): a call that is dropped leaves no question behind, and the
/// tasks wait for the next call. When the last clone is dropped they are ended.
#[derive(Clone)]
pub struct HickoryResolver(pub hickory_resolver::TokioResolver);

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

impl std::fmt::Debug for HickoryResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HickoryResolver")
    }
}
