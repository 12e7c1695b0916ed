use std::{
    collections::{HashMap, HashSet},
    fmt,
    future::{Future, ready},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use mail46_wire::Domain;

use crate::{Alias, Answer, Dns, Mx, Security, Srv, Target, Tlsa, Trouble};

/// Answers from a text, without a network: for tests, and for domains that one routes by hand.
///
/// A line is `NAME TYPE DATA`; names are absolute and without a final dot. `NAME TYPE !SERVFAIL` (or `!REFUSED`,
/// `!NOTIMP`, `!FORMERR`, `!TIMEOUT`, `!TRUNCATED`, `!BOGUS`, `!NETWORK`) makes that question fail, `SECURE NAME` signs all
/// at and below a name. A word that begins with `;` begins a comment. What is not there does not exist.
///
/// ```
/// use mail46_resolve::Zone;
/// let zone: Zone = "
///     home.example      MX    10 mx.home.example ; one exchanger
///     mx.home.example   AAAA  2001:db8::1
///     mx.home.example   A     !SERVFAIL
///     SECURE home.example
/// ".parse()?;
/// # Ok::<(), mail46_resolve::ZoneError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// By lower-case name and type.
    sets: HashMap<(String, &'static str), Vec<Data>>,
    /// Every name that there is, the empty ones above others included.
    names: HashSet<String>,
    secure: Vec<String>,
}

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
#[non_exhaustive]
pub struct ZoneError {
    /// From one.
    pub line: usize,
    /// The line.
    pub text: String,
}

#[derive(Clone, Debug)]
enum Data {
    Mx(Mx),
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Srv(Srv),
    Tlsa(Tlsa),
    Txt(Vec<u8>),
    Ptr(Target),
    Cname(Domain),
    Fails(Trouble),
}

/// What the records of a zone are kept for.
const TTL: Duration = Duration::from_secs(3600);
/// What no records are kept for.
const NEGATIVE_TTL: Duration = Duration::from_secs(300);
/// Links of an alias chain that are followed.
const ALIASES_MAX: usize = 16;

impl std::str::FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let mut zone = Self::default();
        for (line, text) in (1_usize..).zip(text.lines()) {
            let fields: Vec<&str> =
                text.split_ascii_whitespace().take_while(|field| !field.starts_with(';')).collect();
            let known = match fields.as_slice() {
                [] => Some(()),
                ["SECURE", name] => {
                    zone.secure.push(name.trim_start_matches('.').to_ascii_lowercase());
                    Some(())
                }
                [name, kind, data @ ..] => zone.add(name, kind, data),
                _ => None,
            };
            known.ok_or_else(|| ZoneError { line, text: text.trim().to_owned() })?;
        }
        Ok(zone)
    }
}

impl Zone {
    fn add(&mut self, name: &str, kind: &str, fields: &[&str]) -> Option<()> {
        let kind = *["MX", "A", "AAAA", "SRV", "TLSA", "TXT", "PTR", "CNAME"].iter().find(|k| **k == kind)?;
        let data = match (kind, fields) {
            (_, [fault]) if fault.starts_with('!') => Data::Fails(trouble(fault)?),
            ("MX", [preference, host]) => {
                Data::Mx(Mx { preference: preference.parse().ok()?, exchange: Target::from_text(host) })
            }
            ("A", [ip]) => Data::A(ip.parse().ok()?),
            ("AAAA", [ip]) => Data::Aaaa(ip.parse().ok()?),
            ("SRV", [priority, weight, port, host]) => Data::Srv(Srv {
                priority: priority.parse().ok()?,
                weight: weight.parse().ok()?,
                port: port.parse().ok()?,
                target: Target::from_text(host),
            }),
            ("TLSA", [usage, selector, matching, data]) => Data::Tlsa(Tlsa {
                usage: usage.parse().ok()?,
                selector: selector.parse().ok()?,
                matching: matching.parse().ok()?,
                data: hex(data)?,
            }),
            ("TXT", words) => Data::Txt(words.join(" ").into_bytes()),
            ("PTR", [host]) => Data::Ptr(Target::from_text(host)),
            ("CNAME", [host]) => Data::Cname(Target::from_text(host).name()?.clone()),
            _ => return None,
        };
        let mut name = name.to_ascii_lowercase();
        self.sets.entry((name.clone(), kind)).or_default().push(data);
        while self.names.insert(name.clone()) {
            match name.split_once('.') {
                Some((_, above)) => name = above.to_owned(),
                None => break,
            }
        }
        Some(())
    }

    fn ask<T>(&self, name: &str, kind: &'static str, take: impl Fn(&Data) -> Option<T>) -> Answer<T> {
        let mut name = name.to_ascii_lowercase();
        let mut security = self.security(&name);
        let mut alias: Option<Alias> = None;
        for _ in 0..ALIASES_MAX {
            if let Some(set) = self.sets.get(&(name.clone(), kind)) {
                if let Some(Data::Fails(trouble)) = set.iter().find(|data| matches!(data, Data::Fails(_))) {
                    return Answer::failed(*trouble);
                }
                let records: Vec<T> = set.iter().filter_map(&take).collect();
                return Answer { security, alias, ..Answer::records(records, TTL) };
            }
            let Some([Data::Cname(next)]) = self.sets.get(&(name.clone(), "CNAME")).map(Vec::as_slice) else {
                let answer = if self.names.contains(&name) {
                    Answer::no_data(NEGATIVE_TTL)
                } else {
                    Answer::nx_domain(NEGATIVE_TTL)
                };
                return Answer { security, alias, ..answer };
            };
            let initial = alias.map_or(security, |alias| alias.initial);
            alias = Some(Alias { canonical: next.clone(), initial });
            name = next.as_str().to_ascii_lowercase();
            // RFC 7672 s 2.1.3: one insecure link makes all that follows insecure.
            if self.security(&name) != Security::Secure {
                security = Security::Insecure;
            }
        }
        Answer::failed(Trouble::AliasLoop)
    }

    fn security(&self, name: &str) -> Security {
        let below = |zone: &&String| {
            name.strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if self.secure.iter().any(|zone| below(&zone)) { Security::Secure } else { Security::Insecure }
    }
}

impl Dns for Zone {
    fn mx(&self, name: &Domain) -> impl Future<Output = Answer<Mx>> + Send {
        let take = |data: &Data| if let Data::Mx(mx) = data { Some(mx.clone()) } else { None };
        ready(self.ask(name.as_str(), "MX", take))
    }

    fn a(&self, name: &Domain) -> impl Future<Output = Answer<Ipv4Addr>> + Send {
        ready(self.ask(name.as_str(), "A", |data| if let Data::A(ip) = data { Some(*ip) } else { None }))
    }

    fn aaaa(&self, name: &Domain) -> impl Future<Output = Answer<Ipv6Addr>> + Send {
        ready(self.ask(
            name.as_str(),
            "AAAA",
            |data| if let Data::Aaaa(ip) = data { Some(*ip) } else { None },
        ))
    }

    fn srv(&self, name: &Domain) -> impl Future<Output = Answer<Srv>> + Send {
        let take = |data: &Data| if let Data::Srv(srv) = data { Some(srv.clone()) } else { None };
        ready(self.ask(name.as_str(), "SRV", take))
    }

    fn tlsa(&self, name: &Domain) -> impl Future<Output = Answer<Tlsa>> + Send {
        let take = |data: &Data| if let Data::Tlsa(tlsa) = data { Some(tlsa.clone()) } else { None };
        ready(self.ask(name.as_str(), "TLSA", take))
    }

    fn txt(&self, name: &Domain) -> impl Future<Output = Answer<Vec<u8>>> + Send {
        let take = |data: &Data| if let Data::Txt(text) = data { Some(text.clone()) } else { None };
        ready(self.ask(name.as_str(), "TXT", take))
    }

    fn ptr(&self, address: IpAddr) -> impl Future<Output = Answer<Target>> + Send {
        let take = |data: &Data| if let Data::Ptr(target) = data { Some(target.clone()) } else { None };
        ready(self.ask(&reverse_name(address), "PTR", take))
    }
}

/// The name that the PTR record of an address is at (RFC 1035 s 3.5, RFC 3596 s 2.5); a mapped address is the IPv4 one.
///
/// ```
/// use mail46_resolve::reverse_name;
/// assert_eq!(reverse_name("::ffff:192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa");
/// assert!(reverse_name("2001:db8::1".parse().unwrap()).ends_with("8.b.d.0.1.0.0.2.ip6.arpa"));
/// ```
pub fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            use fmt::Write as _;
            let mut name = String::with_capacity(72);
            for octet in ip.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", octet & 0xf, octet >> 4);
            }
            name.push_str("ip6.arpa");
            name
        }
    }
}

fn trouble(fault: &str) -> Option<Trouble> {
    Some(match fault {
        "!SERVFAIL" => Trouble::ServFail,
        "!REFUSED" => Trouble::Refused,
        "!NOTIMP" => Trouble::NotImp,
        "!FORMERR" => Trouble::FormErr,
        "!TIMEOUT" => Trouble::Timeout,
        "!TRUNCATED" => Trouble::Truncated,
        "!BOGUS" => Trouble::Bogus,
        "!NETWORK" => Trouble::Network,
        _ => return None,
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from((high << 4) | low).ok(),
            _ => None,
        })
        .collect()
}
