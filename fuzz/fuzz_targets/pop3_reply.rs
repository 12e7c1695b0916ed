//! POP3 replies, listings and capabilities: nothing is dropped, what is read is written back.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_pop3::{Capabilities, Capability, DropListing, Reply, ScanListing, Timestamp, UidListing};

fn body(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut output = BytesMut::new();
    write(&mut output);
    output.strip_suffix(b"\r\n").expect("CRLF").to_vec()
}

fuzz_target!(|line: &[u8]| {
    if let Some(reply) = Reply::parse(line) {
        assert_eq!(body(|output| reply.write(output)), line);
        let all = [reply.code_text().unwrap_or_default(), reply.text()].concat();
        assert!(all.len() <= line.len() && reply.code().is_some() == reply.code_text().is_some());
        let again = Reply::new(reply.status(), reply.code(), &String::from_utf8_lossy(reply.text()));
        let written = body(|output| again.write(output));
        assert!(written.len() <= 510 && Reply::parse(&written).is_some());
    }
    if let Ok(capability) = Capability::parse(line) {
        assert_eq!(body(|output| capability.write(output)), line);
    }
    if let Some(scan) = ScanListing::parse(line) {
        assert_eq!(ScanListing::parse(&body(|output| scan.write(output))), Some(scan));
    }
    if let Some(uid) = UidListing::parse(line) {
        assert_eq!(UidListing::parse(&body(|output| uid.write(output))), Some(uid));
    }
    if let Some(stat) = DropListing::parse(line) {
        assert_eq!(DropListing::parse(stat.to_string().as_bytes()), Some(stat));
    }
    if let Some(timestamp) = Timestamp::find(line) {
        assert!(timestamp.as_bytes().is_ascii() && Timestamp::parse(timestamp.as_bytes()).is_some());
    }
    if let Ok(all) = Capabilities::parse(line.split(|octet| *octet == b'\n')) {
        let _ = (all.mechanisms().count(), all.login_delay(), all.expire(), all.implementation());
    }
});
