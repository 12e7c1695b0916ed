//! MTA-STS policies, MTA-STS and TLSRPT records: whatever the octets say, no panic; what is taken is within its bounds,
//! is written as it was meant, and does not depend on its line ends.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail46_resolve::{
    sts::{self, Mode, Pattern, Policy},
    tlsrpt,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(policy) = Policy::parse(data) {
        assert!(policy.mode == Mode::None || !policy.mx.is_empty());
        assert!(policy.max_age.as_secs() <= 31_557_600);
        assert_eq!(Policy::parse(policy.write().as_bytes()), Ok(policy.clone()));
        for pattern in &policy.mx {
            match pattern {
                Pattern::Host(name) => assert!(policy.matches(name)),
                Pattern::Below(name) => {
                    let host = format!("x.{name}");
                    if let Ok(host) = host.parse() {
                        assert!(policy.matches(&host));
                    }
                }
            }
        }
        let crlf: Vec<u8> =
            String::from_utf8_lossy(data).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        if crlf.len() <= sts::POLICY_MAX {
            assert_eq!(Policy::parse(&crlf), Ok(policy));
        }
    }
    let records: Vec<Vec<u8>> = data.split(|octet| *octet == 0).map(<[u8]>::to_vec).collect();
    if let Some(record) = sts::Record::find(&records) {
        assert!((1..=32).contains(&record.id.len()));
        let again = format!("v=STSv1; id={};", record.id).into_bytes();
        assert_eq!(sts::Record::find(&[again]), Some(record));
    }
    if let Some(record) = tlsrpt::Record::find(&records) {
        let uris: Vec<String> = record.reports.iter().map(ToString::to_string).collect();
        if !uris.is_empty() {
            let again = format!("v=TLSRPTv1; rua={}", uris.join(",")).into_bytes();
            assert_eq!(tlsrpt::Record::find(&[again]), Some(record));
        }
    }
});
