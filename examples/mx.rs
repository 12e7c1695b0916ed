//! Where the mail of a domain goes, and what else DNS says about it.
//!
//! `cargo run --example mx -- [OPTIONS] DOMAIN…`, or `mx ptr ADDR`, `mx srv DOMAIN imap|pop3|submission`,
//! `mx sts DOMAIN` (fetches the policy), `mx tlsrpt DOMAIN`, `mx sender DOMAIN`. Exit: 0, 68 (permanent) or 75 (temporary,
//! if anything was).

#[path = "mx/beside.rs"]
mod beside;

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use mail46_connect::HickoryResolver;
use mail46_examples::{https::Https, say};
use mail46_resolve::{
    Destination, Failure, FamilyPolicy, Hickory, Limits, Own, Policy, Resolver, Rules, Validation, seeded,
    sts, tlsrpt, unseeded,
};
use mail46_wire::{Domain, Host};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about = "Where the mail of a domain goes", version)]
struct Options {
    /// Ask this server instead of the system's.
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    /// The address families of the sender: dual6, dual4, v6, v4.
    #[arg(long, default_value = "dual6")]
    policy: FamilyPolicy,
    /// The RFC that the sender goes by: 5321, 2821, 974.
    #[arg(long, default_value = "5321")]
    rules: Rules,
    /// A name or address of the sender itself.
    #[arg(long = "self", value_name = "NAME|ADDR")]
    own: Vec<String>,
    /// Addresses to try at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    limit: Option<u16>,
    /// Validate DNSSEC, and look for TLSA records.
    #[arg(long)]
    dnssec: bool,
    /// DNSKEY records to trust instead of the root's.
    #[arg(long, value_name = "FILE", requires = "dnssec")]
    anchor: Option<PathBuf>,
    /// The same order of equals each time.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Seconds for all questions about a domain.
    #[arg(long, value_name = "S", default_value = "15")]
    timeout: f64,
    /// Certificates to trust for an MTA-STS policy, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Fetch an MTA-STS policy from this port, in a laboratory.
    #[arg(long, value_name = "N", default_value = "443")]
    https_port: u16,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Domains, or a sub-command and what it is about.
    #[arg(required = true, value_name = "DOMAIN")]
    words: Vec<String>,
}

/// How it went, by sysexits.
const OK: u8 = 0;
const NO_HOST: u8 = 68;
const TEMP_FAIL: u8 = 75;

/// As JSON, for people, and for the shell.
type Told = (Value, String, u8);
type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(&Options::parse()).await.map_or_else(
        |error| {
            say::err(format_args!("mx: {error}"));
            ExitCode::from(64)
        },
        ExitCode::from,
    )
}

async fn run(options: &Options) -> Result<u8> {
    let validation = match &options.anchor {
        Some(file) => Validation::from_file(file)?,
        None if options.dnssec => Validation::RootAnchors,
        None => Validation::Off,
    };
    let dns = match options.resolver {
        Some(server) => Hickory::with_servers([server], validation)?,
        None => Hickory::system(validation)?,
    };
    let mut resolver = Resolver::new(dns);
    resolver.deadline = Duration::try_from_secs_f64(options.timeout)?;
    let mut random: Box<dyn FnMut() -> u64> = match options.seed {
        Some(seed) => Box::new(seeded(seed)),
        None => Box::new(unseeded()),
    };
    let mut own = Own::default();
    for word in &options.own {
        match word.parse() {
            Ok(address) => own.addresses.push(address),
            Err(_) => own.names.push(Domain::from_unicode(word)?),
        }
    }
    let mut policy = Policy { family: options.policy, rules: options.rules, own, ..Policy::default() };
    if let Some(limit) = options.limit {
        policy.limits = Limits { addresses: limit.into(), ..policy.limits };
    }
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    let mut worst = OK;
    let mut tell = |(json, text, exit): Told| {
        say::out(if options.json { json.to_string() } else { text });
        worst = worst.max(exit);
    };
    match words.as_slice() {
        ["ptr", address] => tell(beside::ptr(&resolver, address).await?),
        ["srv", domain, protocol] => tell(beside::srv(&resolver, domain, protocol, &mut random).await?),
        ["sender", domain] => tell(beside::sender(&resolver, domain, &mut random).await),
        ["sts", domain] => tell(beside::sts(&resolver, domain, &https(options)?).await?),
        ["tlsrpt", domain] => {
            let answer = resolver.tlsrpt_record(&Domain::from_unicode(domain)?).await?;
            let record = tlsrpt::Record::find(answer.as_records()).map(
                |record| json!({ "rua": record.reports.iter().map(ToString::to_string).collect::<Vec<_>>() }),
            );
            tell(beside::record_of(domain, "TLSRPT", &answer, record));
        }
        domains => {
            for domain in domains {
                tell(route(&resolver, &policy, domain, &mut random).await.unwrap_or_else(|failure| {
                    let json = json!({
                        "domain": domain, "outcome": failure.class_name(), "permanent": failure.is_permanent(),
                        "status": failure.enhanced_code(), "incomplete": false, "reach": failure.reach.as_str(),
                        "mx_secure": failure.mx_secure, "tiers": [], "attempts": [],
                    });
                    let mut text = format!("{domain}: {} {failure}", failure.enhanced_code());
                    for one in &failure.dropped {
                        text += &format!("\n  {:5} {} is not used: {}", one.preference, one.target, one.reason);
                    }
                    (json, text, if failure.is_permanent() { NO_HOST } else { TEMP_FAIL })
                }));
            }
        }
    }
    Ok(worst)
}

fn https(options: &Options) -> Result<Https> {
    let mut connector = mail46_connect::Options::new();
    if let Some(server) = options.resolver {
        connector = connector.resolver(Arc::new(HickoryResolver::from_server(server)?));
    }
    let mut https = Https::new(connector, options.ca.as_deref())?;
    https.port = options.https_port;
    https.patience = https.patience.min(Duration::try_from_secs_f64(options.timeout)?);
    Ok(https)
}

async fn route(
    resolver: &Resolver<Hickory>,
    policy: &Policy,
    name: &str,
    random: &mut impl FnMut() -> u64,
) -> std::result::Result<Told, Failure> {
    let to = Destination::parse(name)?;
    let facts = resolver.facts(&to, &mut *random).await;
    let mut route = facts.route(policy, &mut *random)?;
    resolver.dane(&mut route, 25).await?;
    let mut tiers = Vec::new();
    for tier in &route.tiers {
        let hosts = tier.hosts.iter().map(|host| {
            let notes: Vec<String> = host.notes.iter().map(ToString::to_string).collect();
            let dane = host.dane.as_ref().map_or("none", |dane| dane.as_str());
            json!({ "name": host.name.to_string(), "addresses": host.addresses, "secure": host.secure,
                    "dane": dane, "note": notes.join("; ") })
        });
        tiers.push(json!({ "preference": tier.preference, "hosts": hosts.collect::<Vec<_>>() }));
    }
    let json = json!({
        "domain": name, "outcome": "route", "permanent": false, "status": "2.0.0",
        "incomplete": route.incomplete, "reach": route.reach.as_str(), "mx_secure": route.mx_secure,
        "tiers": tiers, "attempts": route.attempts().map(|(_, address)| address).collect::<Vec<_>>(),
    });
    let older = facts.route(&Policy { rules: Rules::Rfc2821, ..policy.clone() }, random);
    let older = older.map_or_else(|failure| failure.to_string(), |_| "a route as well".to_owned());
    let sts = match &to.0 {
        Host::Domain(domain) => resolver.sts_record(domain).await.ok(),
        Host::Literal(_) => None,
    };
    let sts = sts.and_then(|answer| sts::Record::find(answer.as_records())).map(|record| record.id);
    let sts = sts.as_deref().unwrap_or("none");
    Ok((json, format!("{route}\n  MTA-STS {sts}; an RFC 2821 sender sees: {older}"), OK))
}
