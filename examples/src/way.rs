//! Where a message goes: to one server that was named, or for each domain to its mail exchangers.

use std::{future::Future, io, net::SocketAddr};

use mail46_connect::{Attempt, Config, Dial, Endpoint, Failure, Options, Outcome, connect_any};
use mail46_resolve::{Destination, FamilyPolicy, Hickory, Policy, Resolver, RouteHost, Validation, unseeded};
use mail46_smtp::{Host, Mailbox};
use tokio::net::TcpStream;

use crate::{Exit, Stop};

/// One server, or the exchangers of one domain, and who is to be reached there.
#[derive(Debug)]
pub struct Way {
    /// Which of the recipients, by their numbers.
    pub recipients: Vec<usize>,
    /// The hosts to try, in this order.
    pub hosts: Vec<Endpoint>,
    /// The names that their certificates must bear.
    pub names: Vec<String>,
    /// How they are tried: one after the other for a domain (RFC 5321 s 5.1), raced for a server that was named (RFC 8305).
    pub options: Options,
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
pub fn via(server: &str, count: usize, family: FamilyPolicy) -> Result<Way, Stop> {
    let (host, port) = host_port(server)?;
    let options = Options::new().config(Config::new().policy(dialing(family)));
    Ok(Way {
        recipients: (0..count).collect(),
        hosts: vec![Endpoint::new(&host, port)],
        names: vec![host],
        options,
    })
}

/// The same policy in the words of the crate that connects: neither knows the other.
fn dialing(family: FamilyPolicy) -> mail46_connect::FamilyPolicy {
    match family {
        FamilyPolicy::PreferIpv6 => mail46_connect::FamilyPolicy::PreferIpv6,
        FamilyPolicy::PreferIpv4 => mail46_connect::FamilyPolicy::PreferIpv4,
        FamilyPolicy::OnlyIpv6 => mail46_connect::FamilyPolicy::OnlyIpv6,
        FamilyPolicy::OnlyIpv4 => mail46_connect::FamilyPolicy::OnlyIpv4,
    }
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
                let name = |host: &RouteHost| host.name.to_string();
                let endpoint = |host: &RouteHost| {
                    Endpoint::new(&name(host), port).with_addresses(host.addresses.clone())
                };
                Ok(Way {
                    recipients: numbers,
                    hosts: route.hosts().map(endpoint).collect(),
                    names: route.hosts().map(name).collect(),
                    options: Options::new().config(Config::relay().policy(dialing(family))),
                })
            }
            Err(failure) => {
                let exit = if failure.is_permanent() { Exit::NoHost } else { Exit::Temporary };
                Err((numbers, Stop::new(exit, format!("{host}: {} {failure}", failure.enhanced_code()))))
            }
        });
    }
    Ok(ways)
}

impl Way {
    /// The first session that `open` makes of a connection; what failed is told to `tell`.
    pub async fn first<T, F, Fut>(&self, open: F, tell: impl Fn(&str)) -> Result<T, Stop>
    where
        F: Fn(TcpStream, String) -> Fut,
        Fut: Future<Output = Result<T, Stop>>,
    {
        let open = &open;
        let attempt = |dial: Dial| {
            let name = self.names.get(dial.host()).cloned().unwrap_or_default();
            async move { open(dial.tcp().await?, name).await.map_err(io::Error::other) }
        };
        let error = match connect_any(&self.hosts, &self.options, attempt).await {
            Ok(connected) => return Ok(connected.stream),
            Err(error) => error,
        };
        tell(error.log.to_string().trim_end());
        let hosts = self.names.join(", ");
        Err(match error.failure {
            Failure::NoAddress | Failure::NoUsableAddress => {
                Stop::new(Exit::NoHost, format!("{hosts}: {}", error.failure))
            }
            _ => error
                .log
                .attempts
                .iter()
                .rev()
                .find_map(stopped)
                .unwrap_or_else(|| Stop::new(Exit::Temporary, format!("{hosts}: {}", error.failure))),
        })
    }
}

/// What an attempt ended with.
fn stopped(attempt: &Attempt<io::Error>) -> Option<Stop> {
    match &attempt.outcome {
        Outcome::Failed(error) => {
            let session = error.get_ref().and_then(|inner| inner.downcast_ref::<Stop>());
            Some(
                session
                    .cloned()
                    .unwrap_or_else(|| Stop::new(Exit::Unavailable, format!("{}: {error}", attempt.address))),
            )
        }
        Outcome::TimedOut => {
            Some(Stop::new(Exit::Unavailable, format!("{}: no answer in time", attempt.address)))
        }
        _ => None,
    }
}

/// Connects to one address.
pub async fn connect(address: SocketAddr) -> Result<TcpStream, Stop> {
    let options = Options::new();
    let connected = mail46_connect::connect(&address.ip().to_string(), address.port(), &options).await;
    Ok(connected.map_err(Stop::because(Exit::Unavailable, address))?.stream)
}

/// Our address on this connection, as EHLO wants it from who has no name (RFC 5321 s 4.1.4).
pub fn own_host(socket: &TcpStream) -> Result<Host, Stop> {
    let local = socket.local_addr().map_err(Stop::because(Exit::OsError, "our address"))?;
    Ok(Host::Literal(mail46_smtp::AddressLiteral::from(local.ip())))
}
