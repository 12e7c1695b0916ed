//! The two reports played again: mail for each of their domains, from senders of each kind, by DNS.
//!
//! The zones hold documentation addresses. What is one of them is connected to our own server of the same family, which
//! stands for the host: the way is real, the network is not.

use std::net::{IpAddr, SocketAddr};

use mail46_resolve::{Destination, FamilyPolicy, Hickory, Policy, Resolver, Rules, Validation, unseeded};
use mail46_smtp::{
    Mailbox, ReversePath,
    client::{Config, Envelope, Outcome},
    net::{Client, Tls},
};

use crate::{Exit, Stop, desk::Inbox, dns, way};

/// Who sends.
const SENDERS: [(&str, FamilyPolicy); 3] = [
    ("dual-stack", FamilyPolicy::PreferIpv6),
    ("IPv4-only", FamilyPolicy::OnlyIpv4),
    ("IPv6-only", FamilyPolicy::OnlyIpv6),
];

/// What must become of a message: the address that takes it, or the class of the failure.
type Expected = Result<&'static str, &'static str>;

/// For each domain, what must become of it from each of the [`SENDERS`], and at an RFC 2821 sender.
const EXPECTED: [(&str, &str, [Expected; 3]); 5] = [
    (
        "v6home.test",
        "dual-stack, MX with A and AAAA",
        [Ok("2001:db8:5403:3000::d"), Ok("192.0.2.13"), Ok("2001:db8:5403:3000::d")],
    ),
    (
        "doesnotwork.test",
        "AAAA alone, no MX",
        [Ok("2001:db8:d::7e1a"), Err("family"), Ok("2001:db8:d::7e1a")],
    ),
    (
        "nebezi.test",
        "AAAA alone, MX to itself",
        [Ok("2001:db8:d::7e1b"), Err("family"), Ok("2001:db8:d::7e1b")],
    ),
    (
        "relayed.test",
        "IPv6 server, IPv4 relay behind it",
        [Ok("2001:db8::1"), Ok("192.0.2.1"), Ok("2001:db8::1")],
    ),
    ("nomail.test", "null MX", [Err("null-mx"), Err("null-mx"), Err("null-mx")]),
];

/// Sends to each domain as each sender, and says which way each message took and why. `servers`: ours, one a family.
///
/// Stops with an error if one took another way than RFC 5321 asks for.
pub async fn play(servers: &[SocketAddr], inbox: &Inbox) -> Result<usize, Stop> {
    let dns = dns::start().await?;
    println!(
        "\n== DNS at {} with the zones of the two reports; mail by MX, or by what there is instead",
        dns.address
    );
    let hickory =
        Hickory::with_servers([dns.address], Validation::Off).map_err(Stop::because(Exit::OsError, "DNS"))?;
    let resolver = Resolver::new(hickory);
    let mut arrived = 0;
    for (domain, what, expected) in EXPECTED {
        println!("   {domain}: {what}");
        let to = Destination::parse(domain).map_err(Stop::because(Exit::Data, domain))?;
        let facts = resolver.facts(&to, unseeded()).await;
        for ((sender, family), expected) in SENDERS.iter().zip(expected) {
            let policy = Policy { family: *family, ..Policy::default() };
            let (way, why) = match facts.route(&policy, unseeded()) {
                Ok(route) => match route.attempts().next() {
                    Some((host, address)) => {
                        deliver(domain, address, servers, inbox).await?;
                        arrived += 1;
                        let tier = route.tiers.first().map_or(0, |tier| tier.preference);
                        let why = format!(
                            "{} at {address} (preference {tier}, {} in all)",
                            host.name,
                            route.reach.as_str()
                        );
                        (Ok(address), why)
                    }
                    None => (Err("no-address"), "nothing to try".to_owned()),
                },
                Err(failure) => (Err(failure.class_name()), format!("{} {failure}", failure.enhanced_code())),
            };
            println!("      {sender:10} → {why}");
            if way.map(|address| address.to_string()).as_deref() != expected.as_ref().copied() {
                return Err(Stop::new(
                    Exit::Protocol,
                    format!("{domain} as {sender}: expected {expected:?}"),
                ));
            }
        }
        let older = Policy { rules: Rules::Rfc2821, ..Policy::default() };
        let older = facts.route(&older, unseeded());
        let older = older.map_or_else(|failure| format!("bounces: {failure}"), |_| "delivers too".to_owned());
        println!("      RFC 2821   → {older}");
    }
    for address in ["2001:db8:5403:3000::d", "192.0.2.13"] {
        let address: IpAddr = address.parse().map_err(Stop::because(Exit::Data, address))?;
        let reverse = resolver.reverse(address).await;
        let name = reverse.name().map_or("nobody", |name| name.as_str());
        println!("   {address} is {name}, confirmed forward: {}", reverse.result);
        if name != "us1.v6home.test" {
            return Err(Stop::new(Exit::Protocol, format!("{address} should be us1.v6home.test")));
        }
    }
    Ok(arrived)
}

async fn deliver(domain: &str, address: IpAddr, servers: &[SocketAddr], inbox: &Inbox) -> Result<(), Stop> {
    let server = servers.iter().find(|server| server.is_ipv6() == address.is_ipv6());
    let server = server.ok_or_else(|| Stop::new(Exit::OsError, "no server of this family"))?;
    let socket = way::connect(*server).await?;
    let failed = || Stop::because(Exit::Unavailable, format!("{domain} at {address}"));
    let config = Config::new(way::own_host(&socket)?);
    let mut client = Client::open(socket, config, Tls::None).await.map_err(failed())?;
    let to: Mailbox = format!("postmaster@{domain}").parse().map_err(Stop::because(Exit::Data, domain))?;
    let text = format!("From: <>\r\nSubject: to {domain} by {address}\r\n\r\nhello\r\n").into_bytes();
    let envelope = Envelope::new(ReversePath::Null, [to.clone()]).with_size(text.len() as u64);
    let sent = client.send(&envelope, &mut &text[..]).await;
    let outcomes = sent.map_err(Stop::because(Exit::Unavailable, format!("{domain} at {address}")))?;
    client.quit().await.map_err(failed())?;
    let accepted = outcomes.iter().all(Outcome::is_accepted);
    match inbox.0.lock().ok().and_then(|mut inbox| inbox.pop()) {
        Some((recipients, arrived)) if accepted && recipients == [to.to_string()] && arrived == text => {
            Ok(())
        }
        _ => Err(Stop::new(Exit::Protocol, format!("mail to {to} did not arrive as it was sent"))),
    }
}
