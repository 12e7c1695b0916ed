//! The examples of RFCs: each response is read by the strict grammar and printed back the same.
//!
//! `transcripts/rfcNNNN.txt` has a heading for each example, with its section, and the lines of client and server.

use bytes::{Bytes, BytesMut};
use mail46_imap_core::{Cut, FrameLimits, Framer, Mode, Profile, Response, Side, Writer};

fn files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("transcripts")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

/// What the server sends in an example, all of it.
fn examples(text: &str) -> impl Iterator<Item = (&str, Vec<u8>)> {
    text.split("# ").filter(|example| !example.is_empty()).map(|example| {
        let (section, lines) = example.split_once('\n').expect("a heading");
        let said = lines.lines().filter_map(|line| line.strip_prefix("S: "));
        (section, said.flat_map(|line| [line.as_bytes(), b"\r\n"]).flatten().copied().collect())
    })
}

fn written<B: AsRef<[u8]>>(response: &Response<B>, mode: &Mode) -> BytesMut {
    let mut out = BytesMut::new();
    response.write(&mut Writer::new(&mut out, Side::Server, mode));
    out
}

/// Each frame of what was sent in pieces of `size` octets.
fn frames(sent: &[u8], size: usize) -> Vec<Bytes> {
    let mut framer = Framer::responses(FrameLimits::client());
    let (mut input, mut frames) = (BytesMut::new(), Vec::new());
    for piece in sent.chunks(size) {
        input.extend_from_slice(piece);
        while let Some(cut) = framer.next(&mut input) {
            let Ok(Cut::Frame(frame)) = cut else { panic!("{cut:?}") };
            frames.push(frame.octets().clone());
        }
    }
    assert!(input.is_empty(), "left: {}", input.escape_ascii());
    frames
}

#[test]
fn examples_are_read_and_printed_back_the_same() {
    let strict = Mode { rev2: true, ..Mode::new(Profile::Strict) };
    let mut count = 0;
    for (name, text) in files().iter().filter(|(name, _)| name.starts_with("rfc")) {
        for (section, sent) in examples(text) {
            let whole = frames(&sent, usize::MAX);
            assert_eq!(whole, frames(&sent, 1), "{name} {section}, octet by octet");
            for frame in whole {
                let response = Response::parse(&frame, &strict)
                    .unwrap_or_else(|why| panic!("{name} {section}: {why} in {}", frame.escape_ascii()));
                assert_eq!(written(&response, &strict), frame, "{name} {section}");
                let shared = Response::parse_shared(&frame, &strict).expect("the same octets");
                assert_eq!(written(&shared, &strict), frame, "{name} {section}, shared");
                // Half of a frame is no frame.
                for end in 1..frame.len().min(400) - 2 {
                    let cut = [&frame[..end], b"\r\n"].concat();
                    drop(Response::parse(&cut, &strict));
                    drop(Response::parse(&frame[end..], &strict));
                }
                count += 1;
            }
        }
    }
    assert!(count > 1_700, "{count} responses");
}

#[test]
fn what_rfcs_have_wrong_is_let_pass() {
    let strict = Mode { rev2: true, ..Mode::new(Profile::Strict) };
    let liberal = Mode { rev2: true, ..Mode::new(Profile::Liberal) };
    let (_, text) = files().into_iter().find(|(name, _)| name == "errata.txt").expect("errata");
    for (_, sent) in examples(&text) {
        for frame in frames(&sent, usize::MAX) {
            let line = frame.escape_ascii();
            assert!(Response::parse(&frame, &strict).is_err(), "{line}");
            let (response, deviations) = Response::parse_noting(&frame, &liberal).expect("it is let pass");
            assert!(!deviations.is_empty(), "{line}");
            let out = written(&response, &liberal);
            assert_eq!(
                written(&Response::parse(&out, &liberal).expect("what was written"), &liberal),
                out,
                "{line}"
            );
        }
    }
}
