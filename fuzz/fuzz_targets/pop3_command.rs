//! POP3 commands: what is read is written back the same, no secret is shown, no number is another one.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_pop3::{Command, Verb};

fuzz_target!(|line: &[u8]| {
    let Ok(command) = Command::parse(line) else { return };
    let mut output = BytesMut::new();
    command.write(&mut output);
    let body = output.strip_suffix(b"\r\n").expect("CRLF");
    assert_eq!(Command::parse(body).as_ref(), Ok(&command));
    assert!(!body.iter().any(|octet| b"\r\n\0".contains(octet)));
    let frame = Bytes::copy_from_slice(line);
    let owned = Command::parse(&frame).expect("again").in_frame(&frame);
    let mut second = BytesMut::new();
    owned.write(&mut second);
    assert_eq!(output, second);
    if let Command::Pass(password) = &command {
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
    if let Command::Dele(number) = command {
        let digits = std::str::from_utf8(&line["DELE ".len()..]).expect("digits");
        assert_eq!(digits.trim_start_matches('0'), number.to_string());
    }
    if command.verb() == Verb::Other {
        assert_eq!(body, line);
    }
});
