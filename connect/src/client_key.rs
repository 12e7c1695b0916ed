use std::{fmt, net::IpAddr};

use crate::Network;

/// The key under which one client is counted: for limits, reputation, greylisting.
///
/// An IPv4 client is its address. An IPv6 client has a whole /64 to take addresses from (RFC 4291 s 2.5.4), so that
/// a count by address counts nothing. An IPv4-mapped address is the IPv4 client.
///
/// ```
/// use mail46_connect::ClientKey;
/// let key = |ip: &str| ClientKey::of(ip.parse().unwrap());
/// assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
/// assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
/// assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
/// assert_eq!(key("2001:db8::1").to_string(), "[2001:db8::]/64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(Network);

impl ClientKey {
    /// By /32 for IPv4 and by /64 for IPv6.
    pub fn of(peer: IpAddr) -> Self {
        Self::with_prefixes(peer, 32, 64)
    }

    /// By prefixes of these lengths: 24 and 56 count neighbours together, too.
    pub fn with_prefixes(peer: IpAddr, v4: u8, v6: u8) -> Self {
        let peer = peer.to_canonical();
        Self(Network::around(peer, if peer.is_ipv4() { v4 } else { v6 }))
    }

    /// The network that is one client.
    pub fn network(&self) -> Network {
        self.0
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_and_the_whole_net() {
        let rows: &[(&str, u8, u8, &str)] = &[
            ("192.0.2.1", 32, 64, "192.0.2.1/32"),
            ("192.0.2.1", 24, 56, "192.0.2.0/24"),
            ("::ffff:192.0.2.1", 24, 56, "192.0.2.0/24"),
            ("2001:db8:0:12ff::1", 24, 56, "[2001:db8:0:1200::]/56"),
            ("2001:db8::1", 32, 200, "[2001:db8::1]/128"),
        ];
        for (peer, v4, v6, want) in rows {
            assert_eq!(ClientKey::with_prefixes(peer.parse().unwrap(), *v4, *v6).to_string(), *want);
        }
    }
}
