//! Where a message goes: to one server that was named, or for each domain to its mail exchangers.

use std::net::SocketAddr;

use mail46_resolve::{Destination, FamilyPolicy, Hickory, Policy, Resolver, Validation, unseeded};
use mail46_smtp::{Host, Mailbox};
use tokio::net::{TcpStream, lookup_host};

use crate::{Exit, Stop};

/// One server, or the exchangers of one domain, and who is to be reached there.
#[derive(Debug)]
pub struct Way {
    /// Which of the recipients, by their numbers.
    pub recipients: Vec<usize>,
    /// What to try, in this order: where, and the name that the certificate must bear.
    pub stops: Vec<(SocketAddr, String)>,
}

/// `HOST:PORT`, with an IPv6 address in brackets.
pub fn host_port(text: &str) -> Result<(String, u16), Stop> {
    let form =
        || Stop::new(Exit::Usage, format!("{text}: give HOST:PORT, as mx.example:25 or [2001:db8::25]:25"));
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    let port = port.parse().map_err(|_| form())?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains(':') || host.is_empty() {
        return Err(form());
    }
    Ok((bare.unwrap_or(host).to_owned(), port))
}

/// All by one server.
pub async fn via(server: &str, count: usize, family: FamilyPolicy) -> Result<Way, Stop> {
    let (host, port) = host_port(server)?;
    let found: Vec<SocketAddr> =
        lookup_host((host.as_str(), port)).await.map_err(Stop::because(Exit::NoHost, &host))?.collect();
    let of = |v6: bool| found.iter().copied().filter(move |address| address.is_ipv6() == v6);
    let order: Vec<SocketAddr> = match family {
        FamilyPolicy::PreferIpv6 => of(true).chain(of(false)).collect(),
        FamilyPolicy::PreferIpv4 => of(false).chain(of(true)).collect(),
        FamilyPolicy::OnlyIpv6 => of(true).collect(),
        FamilyPolicy::OnlyIpv4 => of(false).collect(),
    };
    if order.is_empty() {
        return Err(Stop::new(Exit::NoHost, format!("{host} has no address of this family")));
    }
    let stops = order.into_iter().map(|address| (address, host.clone())).collect();
    Ok(Way { recipients: (0..count).collect(), stops })
}

/// Each domain by its own exchangers (RFC 5321 s 5.1). A domain without a way is told and does not stop the others.
pub async fn by_mx(
    recipients: &[Mailbox],
    family: FamilyPolicy,
    resolver: Option<SocketAddr>,
    port: u16,
) -> Result<Vec<Result<Way, (Vec<usize>, Stop)>>, Stop> {
    let dns = match resolver {
        Some(server) => Hickory::with_servers([server], Validation::Off),
        None => Hickory::system(Validation::Off),
    };
    let resolver = Resolver::new(dns.map_err(Stop::because(Exit::OsError, "DNS"))?);
    let policy = Policy { family, ..Policy::default() };
    let mut groups: Vec<(&Host, Vec<usize>)> = Vec::new();
    for (number, recipient) in recipients.iter().enumerate() {
        match groups.iter_mut().find(|(host, _)| **host == recipient.host) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((&recipient.host, vec![number])),
        }
    }
    let mut ways = Vec::new();
    for (host, numbers) in groups {
        let routed = match Destination::parse(&host.to_string()) {
            Ok(destination) => resolver.route(&destination, &policy, unseeded()).await,
            Err(failure) => Err(failure),
        };
        ways.push(match routed {
            Ok(route) => {
                let stops =
                    route.attempts().map(|(host, ip)| (SocketAddr::new(ip, port), host.name.to_string()));
                Ok(Way { recipients: numbers, stops: stops.collect() })
            }
            Err(failure) => {
                let exit = if failure.is_permanent() { Exit::NoHost } else { Exit::Temporary };
                Err((numbers, Stop::new(exit, format!("{host}: {} {failure}", failure.enhanced_code()))))
            }
        });
    }
    Ok(ways)
}

/// Connects to one address; IPv4 or IPv6, each within 30 seconds.
pub async fn connect(address: SocketAddr) -> Result<TcpStream, Stop> {
    let connected =
        tokio::time::timeout(std::time::Duration::from_secs(30), TcpStream::connect(address)).await;
    let socket = connected
        .map_err(|_| Stop::new(Exit::Unavailable, format!("{address}: no answer in 30 seconds")))?
        .map_err(Stop::because(Exit::Unavailable, address))?;
    socket.set_nodelay(true).map_err(Stop::because(Exit::OsError, address))?;
    Ok(socket)
}

/// Our address on this connection, as EHLO wants it from who has no name (RFC 5321 s 4.1.4).
pub fn own_host(socket: &TcpStream) -> Result<Host, Stop> {
    let local = socket.local_addr().map_err(Stop::because(Exit::OsError, "our address"))?;
    Ok(Host::Literal(mail46_smtp::AddressLiteral::from(local.ip())))
}
