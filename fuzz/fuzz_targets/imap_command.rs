//! IMAP commands: what is read is written back and read the same, framed as one command, and no secret is shown.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::{
    Command, CommandBody, Cut, FrameLimits, Framer, Literals, Mode, Profile, Side, Writer,
};

fn written(command: &Command<impl AsRef<[u8]>>, mode: &Mode) -> Bytes {
    let mut out = BytesMut::new();
    command.write(&mut Writer::new(&mut out, Side::Client, mode));
    out.freeze()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (flags, octets) = input;
    let profile = if flags & 1 == 0 { Profile::Strict } else { Profile::Liberal };
    let mode = Mode { utf8: flags & 2 != 0, literals: Literals::Plus, ..Mode::new(profile) };
    let strict = Mode { utf8: mode.utf8, literals: Literals::Plus, ..Mode::new(Profile::Strict) };
    let shared = Bytes::copy_from_slice(octets);
    let read = Command::parse(octets, &mode);
    let owned = Command::parse_shared(&shared, &[], &mode);
    assert_eq!(read.is_ok(), owned.is_ok());
    // The head of an APPEND, up to a literal that would come here.
    let _ = Command::parse_head(octets, &[], &mode);
    let _ = Command::tag_of(octets);
    let (Ok(read), Ok(owned)) = (read, owned) else { return };
    let text = written(&read, &mode);
    assert_eq!(text, written(&owned, &mode));
    if profile == Profile::Strict {
        let again = Command::parse_shared(&text, &[], &strict).expect("what is written is strict");
        assert_eq!(written(&again, &mode), text);
        assert_eq!(again.body.name(), read.body.name());
        let mut framer = Framer::commands(FrameLimits {
            line: 1 << 24,
            literal: 1 << 24,
            frame: 1 << 25,
            ..FrameLimits::server()
        });
        let mut stream = BytesMut::from(&text[..]);
        loop {
            match framer.next(&mut stream).expect("a frame").expect("within limits") {
                Cut::Announced(_) => framer.gather(&mut stream).expect("within limits"),
                Cut::Frame(frame) => break assert_eq!(frame.octets(), &text),
                other => panic!("{other:?}"),
            }
        }
        assert!(stream.is_empty());
    }
    if let CommandBody::Login(login) = &owned.body {
        assert!(format!("{:?}", login.password) == "SecretAString(…)");
    }
});
