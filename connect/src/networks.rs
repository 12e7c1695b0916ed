use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// A network of either family: an address without host bits, and the length of its prefix.
///
/// `[::ffff:192.0.2.0]/120` is `192.0.2.0/24`: an IPv4-mapped network is the IPv4 one, as a mapped peer is the
/// IPv4 peer.
///
/// ```
/// use mail46_connect::Network;
/// let network: Network = "[2001:DB8::]/32".parse()?;
/// assert!(network.contains("2001:db8:1::25".parse().unwrap()));
/// assert_eq!(network.to_string(), "[2001:db8::]/32");
/// let refused = "[2001:db8::25]/32".parse::<Network>().unwrap_err();
/// assert_eq!(refused.to_string(), "[2001:db8::25]/32 has host bits: [2001:db8::]/32 is meant");
/// # Ok::<(), mail46_connect::NetworkError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// Never IPv4-mapped, no bit set behind `length`.
    address: IpAddr,
    length: u8,
}

/// A set of networks as Postfix writes them (`mynetworks`): patterns split by commas or white space, of which the
/// first that matches decides, and `!` in front of an exception.
///
/// ```
/// use mail46_connect::Networks;
/// let ours: Networks = "127.0.0.0/8, !192.0.2.66, 192.0.2.0/24 [::1]/128 [ipv6:2001:db8:4::/48]".parse()?;
/// assert!(ours.contains("192.0.2.1".parse().unwrap()));
/// assert!(ours.contains("::ffff:192.0.2.1".parse().unwrap())); // a mapped peer is the IPv4 peer
/// assert!(!ours.contains("192.0.2.66".parse().unwrap()));
/// assert_eq!(ours.to_string(), "127.0.0.0/8, !192.0.2.66/32, 192.0.2.0/24, [::1]/128, [2001:db8:4::]/48");
/// # Ok::<(), mail46_connect::NetworkError>(())
/// ```
///
/// Beside `[2001:db8::]/32` and `[2001:db8::/32]`, which Postfix takes, three forms seen in the field are read:
/// the tag of an address literal (`[ipv6:2001:db8::]/32`, `[ipv6:2001:db8::/32]`), no brackets (`2001:db8::/32`),
/// and a lone address. Postfix's names of files and tables are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Networks {
    patterns: Vec<Pattern>,
}

/// One item of [`Networks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // in, or out
pub enum Pattern {
    /// Peers in here belong to the set.
    Include(Network),
    /// Peers in here do not, whatever comes behind.
    Exclude(Network),
}

/// Why a text is no network. Each names the item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Neither an IPv4 nor an IPv6 address stands before the slash.
    #[error("{item:?} is not a network: no address of either family")]
    Address {
        /// The text.
        item: String,
    },
    /// A bracket without its fellow.
    #[error("{item:?} is not a network: unbalanced brackets")]
    Brackets {
        /// The text.
        item: String,
    },
    /// The length of the prefix is not a decimal number of at most 32 (IPv4) or 128 (IPv6).
    #[error("{item:?} is not a network: the prefix must be a number of 0 to {longest}")]
    Prefix {
        /// The text.
        item: String,
        /// The longest prefix of this family.
        longest: u8,
    },
    /// Bits are set behind the prefix, so that it is open which of two was meant: the network or the one address.
    #[error("{item} has host bits: {meant} is meant")]
    HostBits {
        /// The text.
        item: String,
        /// The network around that address.
        meant: Network,
    },
}

impl Networks {
    /// The set in which nobody is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this address, or for an IPv4-mapped one its IPv4 address, is in the set.
    pub fn contains(&self, peer: IpAddr) -> bool {
        matches!(self.decides(peer), Some(Pattern::Include(_)))
    }

    /// The first pattern that this address is in.
    pub fn decides(&self, peer: IpAddr) -> Option<Pattern> {
        let peer = peer.to_canonical();
        self.patterns.iter().copied().find(|pattern| pattern.network().contains(peer))
    }

    /// The patterns in their order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        text.split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|item| !item.is_empty())
            .map(|item| match item.strip_prefix('!') {
                Some(network) => network.parse().map(Pattern::Exclude),
                None => item.parse().map(Pattern::Include),
            })
            .collect()
    }
}

impl FromIterator<Pattern> for Networks {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self { patterns: patterns.into_iter().collect() }
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        networks.into_iter().map(Pattern::Include).collect()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for pattern in &self.patterns {
            write!(f, "{comma}{pattern}")?;
            comma = ", ";
        }
        Ok(())
    }
}

impl Pattern {
    /// The network without its sense.
    pub fn network(&self) -> Network {
        match self {
            Self::Include(network) | Self::Exclude(network) => *network,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Include(network) => network.fmt(f),
            Self::Exclude(network) => write!(f, "!{network}"),
        }
    }
}

impl Network {
    /// The network of this address and prefix.
    ///
    /// # Errors
    /// [`NetworkError::Prefix`] if the prefix is too long, [`NetworkError::HostBits`] if a bit is set behind it.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, NetworkError> {
        let item = || match address {
            IpAddr::V4(ip) => format!("{ip}/{length}"),
            IpAddr::V6(ip) => format!("[{ip}]/{length}"),
        };
        let longest = longest(address);
        if length > longest {
            return Err(NetworkError::Prefix { item: item(), longest });
        }
        let meant = Self::around(address, length);
        // Compared as they were given: a mapped network of fewer than 96 bits has host bits, too.
        if bits(meant.address) != bits(address) {
            return Err(NetworkError::HostBits { item: item(), meant });
        }
        Ok(meant)
    }

    /// The network of this length that the address is in. A prefix that is too long is taken as the longest.
    pub fn around(address: IpAddr, length: u8) -> Self {
        let length = length.min(longest(address));
        let kept = match address {
            IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & mask(length.saturating_add(96)) as u32).into()),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & mask(length)).into()),
        };
        match (kept, kept.to_canonical()) {
            (IpAddr::V6(_), canonical @ IpAddr::V4(_)) if length >= 96 => {
                Self { address: canonical, length: length.saturating_sub(96) }
            }
            _ => Self { address: kept, length },
        }
    }

    /// The network that holds one address.
    pub fn host(address: IpAddr) -> Self {
        Self::around(address, u8::MAX)
    }

    /// Whether this address, or for an IPv4-mapped one its IPv4 address, is in the network.
    pub fn contains(&self, peer: IpAddr) -> bool {
        match (self.address, peer.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(peer)) => {
                (network.to_bits() ^ peer.to_bits()) & mask(self.length.saturating_add(96)) as u32 == 0
            }
            (IpAddr::V6(network), IpAddr::V6(peer)) => {
                (network.to_bits() ^ peer.to_bits()) & mask(self.length) == 0
            }
            _ => false,
        }
    }

    /// The first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub fn length(&self) -> u8 {
        self.length
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// `address ["/" length]`, the address or the whole of it in brackets, `IPv6:` behind the bracket.
    fn from_str(item: &str) -> Result<Self, NetworkError> {
        let owned = || item.to_owned();
        let brackets = || NetworkError::Brackets { item: owned() };
        let (address, length) = match item.strip_prefix('[') {
            // `[address]/length`, `[address/length]`, `[address]`
            Some(inside) => {
                let (inside, behind) = inside.split_once(']').ok_or_else(brackets)?;
                let inside = match inside.get(..5) {
                    Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inside.get(5..).unwrap_or_default(),
                    _ => inside,
                };
                match (inside.split_once('/'), behind.strip_prefix('/')) {
                    (None, Some(length)) => (inside, Some(length)),
                    (Some((address, length)), None) if behind.is_empty() => (address, Some(length)),
                    (None, None) if behind.is_empty() => (inside, None),
                    _ => return Err(brackets()),
                }
            }
            None if item.contains(']') => return Err(brackets()),
            None => match item.split_once('/') {
                Some((address, length)) => (address, Some(length)),
                None => (item, None),
            },
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address { item: owned() })?;
        let Some(length) = length else { return Ok(Self::host(address)) };
        let longest = longest(address);
        let prefix = || NetworkError::Prefix { item: owned(), longest };
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(prefix());
        }
        let length = length.parse().map_err(|_| prefix())?;
        Self::new(address, length).map_err(|error| match error {
            NetworkError::HostBits { meant, .. } => NetworkError::HostBits { item: owned(), meant },
            _ => prefix(),
        })
    }
}

/// As Postfix reads it: IPv6 in brackets, the length always.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(ip) => write!(f, "{ip}/{}", self.length),
            // std writes IPv6 addresses by RFC 5952.
            IpAddr::V6(ip) => write!(f, "[{ip}]/{}", self.length),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn longest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address as a number of 128 bits, an IPv4 address as its mapped one.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => Ipv6Addr::to_bits(ip),
    }
}

/// As many ones as `length`, then zeros. For IPv4 the lower half of 96 more.
fn mask(length: u8) -> u128 {
    128_u32
        .checked_sub(u32::from(length))
        .map_or(u128::MAX, |zeros| u128::MAX.checked_shl(zeros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the parser answers, as text: the network, or the kind of the error.
    fn answer(item: &str) -> String {
        match item.parse::<Network>() {
            Ok(network) => network.to_string(),
            Err(NetworkError::HostBits { meant, .. }) => format!("host bits, meant {meant}"),
            Err(NetworkError::Prefix { longest, .. }) => format!("prefix 0 to {longest}"),
            Err(NetworkError::Brackets { .. }) => "brackets".into(),
            Err(NetworkError::Address { .. }) => "address".into(),
        }
    }

    #[test]
    fn networks_one_by_one() {
        let rows: &[(&str, &str, &str)] = &[
            ("127.0.0.0/8", "127.0.0.0/8", "Postfix's default"),
            ("[::1]/128", "[::1]/128", "Postfix's default"),
            ("[2001:db8::]/32", "[2001:db8::]/32", "length behind the bracket"),
            ("[2001:db8::/32]", "[2001:db8::]/32", "length in the bracket, which Postfix takes too"),
            ("[ipv6:2001:418:5403:3000::/64]", "[2001:418:5403:3000::]/64", "a report's form"),
            ("[ipv6:2001:418:5403:3000::]/64", "[2001:418:5403:3000::]/64", "the same, length behind"),
            ("[ipv6:::1/128]", "[::1]/128", "a report's form"),
            ("[IPv6:::1]", "[::1]/128", "the tag in any case, a lone address"),
            ("2001:db8::/32", "[2001:db8::]/32", "no brackets"),
            ("::1", "[::1]/128", "a lone address"),
            ("192.0.2.1", "192.0.2.1/32", "a lone address"),
            ("[192.0.2.0]/24", "192.0.2.0/24", "IPv4 in brackets"),
            ("[192.0.2.0/24]", "192.0.2.0/24", "IPv4 in brackets"),
            ("0.0.0.0/0", "0.0.0.0/0", "all of IPv4"),
            ("[::]/0", "[::]/0", "all of IPv6"),
            ("[::ffff:192.0.2.0]/120", "192.0.2.0/24", "mapped is IPv4"),
            ("[::ffff:0:0]/96", "0.0.0.0/0", "all mapped is all of IPv4"),
            ("[::]/80", "[::]/80", "wider than the mapped ones"),
            ("[::ffff:192.0.2.1]/120", "host bits, meant 192.0.2.0/24", "host bits, mapped"),
            (
                "[::ffff:192.0.2.0]/90",
                "host bits, meant [::ffc0:0:0]/90",
                "host bits, wider than the mapped ones",
            ),
            ("192.0.2.1/24", "host bits, meant 192.0.2.0/24", "host bits"),
            ("[2001:db8::1]/32", "host bits, meant [2001:db8::]/32", "host bits"),
            ("[ipv6:2001:db8::1/64]", "host bits, meant [2001:db8::]/64", "host bits"),
            ("10.0.0.0/33", "prefix 0 to 32", "too long for IPv4"),
            ("[::]/129", "prefix 0 to 128", "too long for IPv6"),
            ("[::]/300", "prefix 0 to 128", "more than an octet"),
            ("[::]/", "prefix 0 to 128", "none"),
            ("[::]/+8", "prefix 0 to 128", "a sign"),
            ("10.0.0.0/255.0.0.0", "prefix 0 to 32", "a mask is no length"),
            ("10.0.0.0/8/8", "prefix 0 to 32", "two"),
            ("[::/0]/0", "brackets", "two lengths"),
            ("[::/0", "brackets", "never closed"),
            ("::]/0", "brackets", "never opened"),
            ("[::]0", "brackets", "no slash"),
            ("[::] ", "brackets", "something behind"),
            ("[]", "address", "nothing"),
            ("[ipv6:]/0", "address", "a tag and nothing"),
            ("10/8", "address", "a short form"),
            ("010.0.0.0/8", "address", "octal or decimal?"),
            ("[fe80::1%eth0]", "address", "a zone is of this host alone"),
            ("/etc/postfix/networks", "address", "a file of Postfix"),
            ("cidr:/etc/networks", "address", "a table of Postfix"),
            ("localhost", "address", "a name"),
            ("", "address", "nothing"),
        ];
        for (item, want, shows) in rows {
            assert_eq!(&answer(item), want, "{item}: {shows}");
        }
    }

    #[test]
    fn the_first_pattern_that_matches_decides() {
        let set: Networks =
            "!192.0.2.66,192.0.2.0/24\t!192.0.2.1\n[2001:db8::]/32 , ![2001:db8::1]".parse().unwrap();
        let rows: &[(&str, bool, &str)] = &[
            ("192.0.2.2", true, "in the network"),
            ("192.0.2.66", false, "an exception in front"),
            ("192.0.2.1", true, "an exception behind is too late"),
            ("::ffff:192.0.2.2", true, "mapped"),
            ("::ffff:192.0.2.66", false, "mapped, an exception"),
            ("2001:db8::1", true, "an exception behind is too late"),
            ("2001:db9::1", false, "no pattern"),
            ("::192.0.2.2", false, "an IPv4-compatible address is none of IPv4"),
        ];
        for (peer, want, shows) in rows {
            assert_eq!(set.contains(peer.parse().unwrap()), *want, "{peer}: {shows}");
        }
    }

    #[test]
    fn families_do_not_mix() {
        let all_v6: Networks = "[::]/0".parse().unwrap();
        let all_v4: Networks = "0.0.0.0/0".parse().unwrap();
        for (peer, in_v4) in [("192.0.2.1", true), ("::ffff:192.0.2.1", true), ("2001:db8::1", false)] {
            let peer = peer.parse().unwrap();
            assert_eq!((all_v4.contains(peer), all_v6.contains(peer)), (in_v4, !in_v4), "{peer}");
        }
    }

    #[test]
    fn an_error_names_its_item() {
        for (text, item) in [("::1 10.0.0.1/8", "10.0.0.1/8"), ("!x", "x"), ("10.0.0.1,! ::1", "\"\"")] {
            let error = text.parse::<Networks>().unwrap_err().to_string();
            assert!(error.contains(item), "{text}: {error}");
        }
        assert_eq!(" , ".parse::<Networks>(), Ok(Networks::new()));
    }

    fn any_ip() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
            any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
            any::<u32>().prop_map(|bits| IpAddr::V6(std::net::Ipv4Addr::from(bits).to_ipv6_mapped())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(ip in any_ip(), length in 0_u8..=130) {
            let network = Network::around(ip, length);
            // A mapped address is one of IPv4, and of no network wider than the mapped ones.
            prop_assert!(network.contains(ip) || network.address().is_ipv6() && ip.to_canonical().is_ipv4());
            prop_assert!(network.contains(network.address()));
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            prop_assert_eq!(Network::new(network.address(), network.length()), Ok(network));
        }

        #[test]
        fn in_a_network_are_those_with_its_first_bits(ip in any_ip(), other in any_ip(), length in 0_u8..=128) {
            // Said once more, bit by bit.
            let text = |ip: IpAddr| match ip.to_canonical() {
                IpAddr::V4(ip) => format!("4{:032b}", ip.to_bits()),
                IpAddr::V6(ip) => format!("6{:0128b}", ip.to_bits()),
            };
            let network = Network::around(ip, length);
            let prefix = usize::from(network.length()) + 1;
            let want = text(network.address()).get(..prefix) == text(other).get(..prefix);
            prop_assert_eq!(network.contains(other), want);
        }

        #[test]
        fn any_text_is_answered(text in "[0-9a-fA-F:./\\[\\]!, v]{0,40}") {
            if let Ok(set) = text.parse::<Networks>() {
                prop_assert_eq!(set.to_string().parse::<Networks>(), Ok(set));
            }
        }
    }
}
