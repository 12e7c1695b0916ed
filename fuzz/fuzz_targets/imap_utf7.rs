//! Modified UTF-7: one form for each name, both ways; any octets can be shown.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::utf7;

fuzz_target!(|octets: &[u8]| {
    match utf7::decode(octets) {
        Ok(text) => {
            assert_eq!(utf7::encode(&text).as_bytes(), octets);
            assert_eq!(utf7::decode_liberal(octets), (text, None));
        }
        Err(fault) => {
            assert!(fault.at <= octets.len());
            assert_eq!(utf7::decode_liberal(octets).1, Some(fault));
        }
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        let encoded = utf7::encode(text);
        assert!(encoded.bytes().all(|octet| matches!(octet, b' '..=b'~')));
        assert_eq!(utf7::decode(encoded.as_bytes()).expect("what was encoded"), text);
    }
});
