//! What Linux knows of its own IPv6 addresses and their devices, for rules 3, 4 and 7 of RFC 6724 s 6.

use std::{
    fs,
    net::{Ipv6Addr, SocketAddrV6},
    path::Path,
};

use crate::{Facts, Lifetime, Mobility, Transport};

/// The addresses of this host as they are now; none where the system is not Linux.
pub(super) struct Kernel {
    addresses: Vec<Address>,
}

/// A line of `/proc/net/if_inet6`.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    ip: Ipv6Addr,
    index: u32,
    flags: u32,
    device: String,
}

// linux/if_addr.h
const IFA_F_HOMEADDRESS: u32 = 0x10;
const IFA_F_DEPRECATED: u32 = 0x20;

/// linux/if_arp.h: devices that put packets into other packets: ipip, ip6tnl, sit (6in4, 6rd, ISATAP), GRE over either.
const TUNNELS: [u32; 5] = [768, 769, 776, 778, 823];

impl Kernel {
    pub(super) fn ask() -> Self {
        let text = if cfg!(target_os = "linux") {
            fs::read_to_string("/proc/net/if_inet6")
        } else {
            Ok(String::new())
        };
        Self { addresses: text.unwrap_or_default().lines().filter_map(Address::parse).collect() }
    }

    /// What it says of connections from this address.
    pub(super) fn facts(&self, from: SocketAddrV6) -> Facts {
        self.facts_by(from, |device| {
            // A device's name is one component, by the kernel's own rule; who knows what it says in a container.
            if device.contains('/') || device.starts_with('.') {
                return None;
            }
            fs::read_to_string(Path::new("/sys/class/net").join(device).join("type"))
                .ok()?
                .trim()
                .parse()
                .ok()
        })
    }

    fn facts_by(&self, from: SocketAddrV6, kind: impl Fn(&str) -> Option<u32>) -> Facts {
        let mut facts = Facts::default();
        // A link-local address may be on several links.
        let is_it = |address: &&Address| {
            address.ip == *from.ip() && (from.scope_id() == 0 || from.scope_id() == address.index)
        };
        let Some(address) = self.addresses.iter().find(is_it) else { return facts };
        if address.flags & IFA_F_DEPRECATED != 0 {
            facts.lifetime = Lifetime::Deprecated;
        }
        // The kernel marks home addresses, and of the others does not say which is a care-of address: with a home
        // address about, each that is not one is (RFC 6275 s 3.2).
        if address.flags & IFA_F_HOMEADDRESS != 0 {
            facts.mobility = Mobility::Home;
        } else if self.addresses.iter().any(|address| address.flags & IFA_F_HOMEADDRESS != 0) {
            facts.mobility = Mobility::CareOf;
        }
        if kind(&address.device).is_some_and(|kind| TUNNELS.contains(&kind)) {
            facts.transport = Transport::Encapsulated;
        }
        facts
    }
}

impl Address {
    /// `20010db8000000000000000000000002 02 40 00 80 eth0`: address, index, prefix length, scope, flags, device; the
    /// numbers in hexadecimal.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let mut number = |digits| words.next().filter(|word| word.len() <= digits).map(str::to_owned);
        let ip = u128::from_str_radix(&number(32)?, 16).ok()?;
        let index = u32::from_str_radix(&number(8)?, 16).ok()?;
        let (_length, _scope) = (number(2)?, number(2)?);
        let flags = u32::from_str_radix(&number(8)?, 16).ok()?;
        let device = words.next()?.to_owned();
        Some(Self { ip: ip.into(), index, flags, device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says() {
        let text = "\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 02 40 00 80     eth0
20010db8000000000000000000000099 02 40 00 a0     eth0
20010db8000300000000000000000001 02 40 00 90     eth0
20010db8000a00000000000000000002 1f 40 00 80  he-ipv6
fe80000000000000000000000000000f 02 40 20 a0     eth0
fe80000000000000000000000000000f 103 40 20 80     eth1
not a line
2001 02
";
        let kernel = Kernel { addresses: text.lines().filter_map(Address::parse).collect() };
        assert_eq!(kernel.addresses.len(), 7);
        let kind = |device: &str| Some(if device == "he-ipv6" { 776 } else { 1 });
        let (deprecated, encapsulated) = (Lifetime::Deprecated, Transport::Encapsulated);
        let (preferred, native) = (Lifetime::Preferred, Transport::Native);
        for (from, index, lifetime, mobility, transport, shows) in [
            ("2001:db8::2", 0, preferred, Mobility::CareOf, native, "a plain address beside a home one"),
            ("2001:db8::99", 0, deprecated, Mobility::CareOf, native, "flag 0x20"),
            ("2001:db8:3::1", 0, preferred, Mobility::Home, native, "flag 0x10"),
            ("2001:db8:a::2", 0, preferred, Mobility::CareOf, encapsulated, "a sit device"),
            ("fe80::f", 2, deprecated, Mobility::CareOf, native, "this link's"),
            ("fe80::f", 0x103, preferred, Mobility::CareOf, native, "that link's"),
            ("2001:db8::77", 0, preferred, Mobility::None, native, "not ours"),
        ] {
            let facts = kernel.facts_by(SocketAddrV6::new(from.parse().unwrap(), 0, 0, index), kind);
            assert_eq!(
                (facts.lifetime, facts.mobility, facts.transport),
                (lifetime, mobility, transport),
                "{shows}"
            );
        }
        let none = Kernel { addresses: text.lines().take(3).filter_map(Address::parse).collect() };
        let facts = none.facts_by(SocketAddrV6::new("2001:db8::2".parse().unwrap(), 0, 0, 0), |_| None);
        assert_eq!(facts, Facts::default(), "no home address, so that nothing is care-of");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_host() {
        let kernel = Kernel::ask();
        if kernel.addresses.iter().any(|address| address.ip.is_loopback()) {
            let facts = kernel.facts(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0));
            assert_eq!((facts.lifetime, facts.transport), (Lifetime::Preferred, Transport::Native));
        }
    }
}
