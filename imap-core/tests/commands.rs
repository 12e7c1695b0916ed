//! The commands of the RFCs' examples: each is read whole and in pieces, and written back octet for octet.

mod common;

use bytes::{Bytes, BytesMut};
use mail46_imap_core::{
    Command, CommandBody, Cut, FrameLimits, Framer, Literals, Mode, Profile, Side, Writer,
};

fn mode() -> Mode {
    // Literals are written as they came.
    Mode { literals: Literals::Plus, ..Mode::new(Profile::Strict) }
}

fn written(command: &Command<impl AsRef<[u8]>>) -> Bytes {
    let mut out = BytesMut::new();
    let mode = mode();
    command.write(&mut Writer::new(&mut out, Side::Client, &mode));
    out.freeze()
}

/// What a server makes of octets that come in the pieces that `cuts` makes.
fn framed(octets: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut framer = Framer::commands(FrameLimits { literal: 65_536, ..FrameLimits::server() });
    let (mut input, mut frames, mut from) = (BytesMut::new(), Vec::new(), 0);
    for to in cuts.iter().copied().chain([octets.len()]) {
        input.extend_from_slice(&octets[from..to]);
        from = to;
        while let Some(cut) = framer.next(&mut input) {
            match cut.unwrap() {
                Cut::Frame(frame) => frames.push(frame.octets().clone()),
                Cut::Announced(_) => framer.gather(&mut input).unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }
    frames
}

#[test]
fn each_example_is_read_and_written_back() {
    let (mut known, mut refused) = (0, Vec::new());
    for said in common::transcript("commands.txt") {
        let text = said.octets.escape_ascii();
        let mode = mode();
        let read = Command::parse(&said.octets, &mode);
        if said.who == 'X' {
            assert!(read.is_err(), "{}: {text}", said.at);
            continue;
        }
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                refused.push(format!("{}: {text}: {error}", said.at));
                continue;
            }
        };
        // Keywords may be in any case; what is written is in upper case and not read otherwise.
        let again = written(&read);
        assert!(again.eq_ignore_ascii_case(&said.octets), "{}: {text}: {}", said.at, again.escape_ascii());
        let shared = Bytes::from(said.octets.clone());
        let owned = Command::parse_shared(&shared, &[], &mode).unwrap();
        assert_eq!(written(&owned), again, "{}", said.at);
        assert_eq!(written(&Command::parse_shared(&again, &[], &mode).unwrap()), again, "{}", said.at);
        known += usize::from(!matches!(read.body, CommandBody::Other(..)));
        for frames in (0..said.octets.len()).map(|cut| framed(&said.octets, &[cut])) {
            assert_eq!(frames, [&shared], "{}", said.at);
        }
        let each: Vec<usize> = (1..said.octets.len()).collect();
        assert_eq!(framed(&said.octets, &each), [&shared], "{}", said.at);
        for cut in 0..said.octets.len().saturating_sub(2) {
            // What is cut off is another command, or none; it does no harm.
            let _ = Command::parse(&said.octets[..cut], &mode);
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(known > 400, "{known}");
}
