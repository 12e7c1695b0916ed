//! An authoritative DNS server inside the process, with zones after the two reports that mail46 exists for.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_server::{
    Server,
    net::runtime::TokioRuntimeProvider,
    proto::{rr::Name, serialize::txt::Parser},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneType},
};
use tokio::net::{TcpListener, UdpSocket};

use crate::{Exit, Stop};

/// Each zone with its text, in BIND's form.
pub const ZONES: &[(&str, &str)] = &[
    // The dual-stack site, with PTR records for both families.
    (
        "v6home.test.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 15 3600 600 86400 60\n\
         @ 60 IN NS ns1.v6home.test.\n@ 60 IN MX 1 us1.v6home.test.\n\
         us1 60 IN AAAA 2001:db8:5403:3000::d\nus1 60 IN A 192.0.2.13\n\
         ns1 60 IN A 192.0.2.2\nns1 60 IN AAAA 2001:db8:5403::2\n",
    ),
    (
        "0.0.0.3.3.0.4.5.8.b.d.0.1.0.0.2.ip6.arpa.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 15 3600 600 86400 60\n\
         d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 60 IN PTR us1.v6home.test.\n",
    ),
    (
        "2.0.192.in-addr.arpa.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 15 3600 600 86400 60\n13 60 IN PTR us1.v6home.test.\n",
    ),
    // IPv6 alone and no MX: big providers said "No MX record".
    (
        "doesnotwork.test.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 1 3600 600 86400 60\n@ 60 IN AAAA 2001:db8:d::7e1a\n",
    ),
    // Then an MX to itself: they said "no data".
    (
        "nebezi.test.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 2 3600 600 86400 60\n\
         @ 60 IN MX 0 nebezi.test.\n@ 60 IN AAAA 2001:db8:d::7e1b\n",
    ),
    // An IPv6-only server, and a relay of lower preference for those who have IPv4 alone.
    (
        "relayed.test.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 1 3600 600 86400 60\n\
         @ 60 IN MX 10 v6onlyserver\n@ 60 IN MX 20 relayserver\n\
         v6onlyserver 60 IN AAAA 2001:db8::1\nrelayserver 60 IN A 192.0.2.1\n",
    ),
    // RFC 7505: takes no mail, and says so.
    (
        "nomail.test.",
        "@ 60 IN SOA ns1.v6home.test. it.v6home.test. 1 3600 600 86400 60\n\
         @ 60 IN MX 0 .\n@ 60 IN A 192.0.2.99\n@ 60 IN AAAA 2001:db8::99\n",
    ),
];

/// A running server: it answers as long as this is kept.
pub struct Authoritative {
    /// Where it answers, over UDP and TCP.
    pub address: SocketAddr,
    _server: Server<Catalog>,
}

impl std::fmt::Debug for Authoritative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authoritative").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Starts a server for [`ZONES`] on `[::1]` and a free port.
pub async fn start() -> Result<Authoritative, Stop> {
    start_with(ZONES).await
}

/// The same for other zones.
pub async fn start_with(zones: &[(&str, &str)]) -> Result<Authoritative, Stop> {
    let mut catalog = Catalog::new();
    for (origin, text) in zones {
        let failed = |error: String| Stop::new(Exit::OsError, format!("zone {origin}: {error}"));
        let origin: Name = origin.parse().map_err(|error| failed(format!("{error}")))?;
        let parsed = Parser::new(*text, None, Some(origin)).parse();
        let (origin, records) = parsed.map_err(|error| failed(error.to_string()))?;
        let (zone, axfr) = (ZoneType::Primary, AxfrPolicy::Deny);
        let handler = InMemoryZoneHandler::<TokioRuntimeProvider>::new(origin.clone(), records, zone, axfr)
            .map_err(failed)?;
        catalog.upsert(origin.into(), vec![Arc::new(handler)]);
    }
    let failed = || Stop::because(Exit::OsError, "DNS server");
    let socket = UdpSocket::bind("[::1]:0").await.map_err(failed())?;
    let address = socket.local_addr().map_err(failed())?;
    let listener = TcpListener::bind(address).await.map_err(failed())?;
    let mut server = Server::new(catalog);
    server.register_socket(socket);
    server.register_listener(listener, Duration::from_secs(5), 32);
    Ok(Authoritative { address, _server: server })
}
