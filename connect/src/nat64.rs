//! IPv4 addresses inside IPv6 ones, for networks that have no IPv4: RFC 6052, found by RFC 7050.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The name whose AAAA records show the prefixes of the network's translator (RFC 7050 s 2.2).
pub const IPV4ONLY_NAME: &str = "ipv4only.arpa";

/// The addresses of that name; RFC 7050 s 2.2.
const WELL_KNOWN_ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];

/// The reserved octet "u" of RFC 6052 s 2.2, bits 64 to 71.
const U: usize = 8;

/// The prefix under which a network's translator (NAT64) presents IPv4 addresses.
///
/// ```
/// use mail46_connect::Pref64;
/// let prefix = Pref64::new("2001:db8:122:344::".parse().unwrap(), 64).unwrap();
/// let address = prefix.embed("192.0.2.33".parse().unwrap()).unwrap();
/// assert_eq!(address.to_string(), "2001:db8:122:344:c0:2:2100:0"); // RFC 6052 s 2.4
/// assert_eq!(prefix.extract(address), "192.0.2.33".parse().ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pref64 {
    prefix: Ipv6Addr,
    length: u8,
}

impl Pref64 {
    /// `64:ff9b::/96`, RFC 6052 s 2.1.
    pub const WELL_KNOWN: Self = Self { prefix: Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), length: 96 };

    /// A network's own prefix; `None` unless the length is 32, 40, 48, 56, 64 or 96, no bit is set behind it, and
    /// bits 64 to 71 are zero (RFC 6052 s 2.2).
    pub fn new(prefix: Ipv6Addr, length: u8) -> Option<Self> {
        let octets = positions(length)?;
        let behind = 128_u32.saturating_sub(u32::from(length));
        let clean = prefix.to_bits().trailing_zeros() >= behind && prefix.octets()[U] == 0;
        (clean && !octets.contains(&U)).then_some(Self { prefix, length })
    }

    /// The prefixes that these addresses of [`IPV4ONLY_NAME`] show, each once, in their order (RFC 7050 s 3).
    pub fn discover(answers: &[Ipv6Addr]) -> Vec<Self> {
        let mut found = Vec::new();
        for answer in answers {
            let prefix = WELL_KNOWN_ADDRESSES.iter().find_map(|known| Self::around(*answer, *known));
            if let Some(prefix) = prefix.filter(|prefix| !found.contains(prefix)) {
                found.push(prefix);
            }
        }
        found
    }

    /// The IPv6 address that stands for this one; `None` if none may.
    pub fn embed(&self, address: Ipv4Addr) -> Option<Ipv6Addr> {
        // HEv3 s 8.3: what is meant for this host or this link stays there.
        let local = address.octets()[0] == 0
            || address.is_loopback()
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_multicast();
        // RFC 6052 s 3.1: the Well-Known Prefix is for global addresses only.
        if local || (*self == Self::WELL_KNOWN && address.is_private()) {
            return None;
        }
        let mut octets = self.prefix.octets();
        for (position, octet) in positions(self.length)?.into_iter().zip(address.octets()) {
            *octets.get_mut(position)? = octet;
        }
        Some(octets.into())
    }

    /// The IPv4 address that this one stands for, if it is under the prefix. Suffix bits are ignored (s 2.2).
    pub fn extract(&self, address: Ipv6Addr) -> Option<Ipv4Addr> {
        let behind = 128_u32.saturating_sub(u32::from(self.length));
        let ours = (address.to_bits() ^ self.prefix.to_bits()).checked_shr(behind).unwrap_or(0) == 0;
        if ours && address.octets()[U] == 0 { read(address, positions(self.length)?) } else { None }
    }

    /// The prefix, its last bits zero.
    pub fn prefix(&self) -> Ipv6Addr {
        self.prefix
    }

    /// Its length in bits.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The prefix in front of `known`, if that value stands in `answer` once, and where RFC 6052 has it.
    fn around(answer: Ipv6Addr, known: Ipv4Addr) -> Option<Self> {
        // RFC 7050 s 3: checked on octet boundaries to be there only once. The address may be cut by "u".
        let contiguous = answer.octets().windows(4).filter(|octets| *octets == known.octets()).count();
        let mut lengths = [32, 40, 48, 56, 64, 96]
            .into_iter()
            .filter(|length| positions(*length).and_then(|octets| read(answer, octets)) == Some(known));
        let length = lengths.next().filter(|_| lengths.next().is_none())?;
        let is_cut = matches!(length, 40 | 48 | 56);
        if contiguous != usize::from(!is_cut) {
            return None;
        }
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(length))).unwrap_or(0);
        Self::new((answer.to_bits() & mask).into(), length).filter(|_| answer.octets()[U] == 0)
    }
}

/// Where the four octets are: RFC 6052 s 2.2, figure 1.
fn positions(length: u8) -> Option<[usize; 4]> {
    Some(match length {
        32 => [4, 5, 6, 7],
        40 => [5, 6, 7, 9],
        48 => [6, 7, 9, 10],
        56 => [7, 9, 10, 11],
        64 => [9, 10, 11, 12],
        96 => [12, 13, 14, 15],
        _ => return None,
    })
}

fn read(address: Ipv6Addr, positions: [usize; 4]) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let [a, b, c, d] = positions.map(|position| octets.get(position).copied());
    Some(Ipv4Addr::new(a?, b?, c?, d?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pref64(text: &str) -> Option<Pref64> {
        let (prefix, length) = text.split_once('/').unwrap();
        Pref64::new(prefix.parse().unwrap(), length.parse().unwrap())
    }

    #[test]
    fn table_1_and_2_of_rfc_6052() {
        let rows: &[(&str, &str)] = &[
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
        ];
        let v4 = Ipv4Addr::new(192, 0, 2, 33);
        for (prefix, want) in rows {
            let (prefix, want): (_, Ipv6Addr) = (pref64(prefix).unwrap(), want.parse().unwrap());
            assert_eq!((prefix.embed(v4), prefix.extract(want)), (Some(want), Some(v4)), "{prefix:?}");
        }
    }

    #[test]
    fn no_prefix_and_no_embedding() {
        for (prefix, why) in [
            ("2001:db8::/33", "not one of the six lengths"),
            ("2001:db8::/128", "not one of the six lengths"),
            ("2001:db8:1::/32", "a bit behind the prefix"),
            ("2001:db8:0:0:ff00::/96", "bits 64 to 71"),
        ] {
            assert_eq!(pref64(prefix), None, "{prefix}: {why}");
        }
        let own = pref64("2001:db8::/96").unwrap();
        for (v4, by_own, by_well_known, why) in [
            ("192.0.2.1", true, true, "global"),
            ("10.0.0.1", true, false, "RFC 6052 s 3.1"),
            ("127.0.0.1", false, false, "this host"),
            ("169.254.1.1", false, false, "this link"),
            ("0.0.0.0", false, false, "this network"),
            ("255.255.255.255", false, false, "broadcast"),
        ] {
            let v4 = v4.parse().unwrap();
            let got = (own.embed(v4).is_some(), Pref64::WELL_KNOWN.embed(v4).is_some());
            assert_eq!(got, (by_own, by_well_known), "{v4}: {why}");
        }
        assert_eq!(own.extract("2001:db8:1::c000:201".parse().unwrap()), None, "another prefix");
        let with_u = "2001:db8:1c0:2:ff21::".parse().unwrap();
        assert_eq!(pref64("2001:db8:100::/40").unwrap().extract(with_u), None, "u is not zero");
    }

    #[test]
    fn discovery() {
        let rows: &[(&[&str], &[&str], &str)] = &[
            (
                &["64:ff9b::192.0.0.170", "64:ff9b::192.0.0.171"],
                &["64:ff9b::/96"],
                "the Well-Known Prefix, once",
            ),
            (
                &["2001:db8:43::192.0.0.170", "2001:db8:42::192.0.0.171", "64:ff9b::192.0.0.170"],
                &["2001:db8:43::/96", "2001:db8:42::/96", "64:ff9b::/96"],
                "RFC 7050 s 3.4: three, in their order",
            ),
            (&["2001:db8:c000:aa::"], &["2001:db8::/32"], "32"),
            (&["2001:db8:1c0:0:aa::"], &["2001:db8:100::/40"], "40, cut by u"),
            (&["2001:db8:122:c000:0:aa00::"], &["2001:db8:122::/48"], "48, cut by u"),
            (&["2001:db8:122:3c0:0:aa::"], &["2001:db8:122:300::/56"], "56, cut by u"),
            (&["2001:db8:122:344:c0:0:aa00::"], &["2001:db8:122:344::/64"], "64"),
            (&["2001:db8::"], &[], "a hijacker's answer"),
            (&["2001:db8:c000:aa::c000:aa"], &[], "the value twice: which?"),
            (
                &["2001:c000:aa:c000:aa:0:c000:ab"],
                &["2001:c000:aa:c000:aa::/96"],
                "one value twice, but the other one once",
            ),
            (&["2001:c000:aa::"], &[], "not where RFC 6052 has it"),
            (&["2001:db8:0:0:100:0:c000:aa"], &[], "u is not zero"),
            (&[], &[], "no translator"),
        ];
        for (answers, want, shows) in rows {
            let answers: Vec<Ipv6Addr> = answers.iter().map(|ip| ip.parse().unwrap()).collect();
            let want: Vec<Pref64> = want.iter().map(|prefix| pref64(prefix).unwrap()).collect();
            assert_eq!(Pref64::discover(&answers), want, "{shows}");
        }
    }

    proptest! {
        #[test]
        fn what_is_embedded_is_extracted(prefix: u128, v4: u32, at in 0_usize..6) {
            let length = [32_u8, 40, 48, 56, 64, 96][at];
            let u = 0xff_u128 << 56;
            let prefix = prefix & !u & (u128::MAX << (128 - length));
            let prefix = Pref64::new(prefix.into(), length).unwrap();
            if let Some(address) = prefix.embed(v4.into()) {
                prop_assert_eq!(prefix.extract(address), Some(v4.into()));
                prop_assert_eq!(address.octets()[U], 0);
            }
        }
    }
}
