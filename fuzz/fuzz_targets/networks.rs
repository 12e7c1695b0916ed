//! `Networks`: what is read is written and read again the same; whoever is in a network has its first bits.
#![no_main]
use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use mail46_connect::{ClientKey, NetworkError, Networks, Pattern};

fuzz_target!(|data: &[u8]| {
    let Some((peer, text)) = data.split_at_checked(16) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let peer = IpAddr::from(<[u8; 16]>::try_from(peer).expect("sixteen"));
    match text.parse::<Networks>() {
        Ok(set) => {
            assert_eq!(set.to_string().parse::<Networks>().as_ref(), Ok(&set));
            for pattern in set.patterns() {
                let network = pattern.network();
                assert!(network.contains(network.address()));
                assert_eq!(network.address(), network.address().to_canonical());
                // A bit of the prefix changed is outside, one behind it inside.
                if let IpAddr::V6(first) = network.address() {
                    for bit in 0..128_u8 {
                        let other = IpAddr::V6((first.to_bits() ^ (1 << (127 - bit))).into());
                        let mapped = other.to_canonical().is_ipv4();
                        assert_eq!(network.contains(other), bit >= network.length() && !mapped);
                    }
                }
            }
            let decides = set.patterns().iter().find(|pattern| pattern.network().contains(peer));
            assert_eq!(set.contains(peer), matches!(decides, Some(Pattern::Include(_))));
            assert_eq!(set.contains(peer), set.contains(peer.to_canonical()));
        }
        Err(NetworkError::HostBits { meant, .. }) => assert_eq!(meant.to_string().parse(), Ok(meant)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(ClientKey::of(peer).network().contains(peer));
});
