//! What real servers sent, and the examples of RFCs: each frame is found, 99 in 100 are read, each that is read writes back.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use mail46_imap_core::{Cut, FrameLimits, Framer, Mode, Profile, Response, Side, Writer};

struct Record {
    name: String,
    octets: Vec<u8>,
}

/// `None` without the data, which is not part of this repository.
fn records() -> Option<Vec<Record>> {
    let folder =
        std::env::var_os("MAIL46_DATA").map_or_else(|| PathBuf::from("../../shared/data"), PathBuf::from);
    let all = std::fs::read(folder.join("imap-responses.bin")).ok()?;
    let (mut rest, mut records) = (&all[..], Vec::new());
    let piece = |rest: &mut &[u8]| {
        let (length, behind) = rest.split_first_chunk::<4>().expect("a length");
        let (piece, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        *rest = behind;
        piece.to_vec()
    };
    while !rest.is_empty() {
        let name = String::from_utf8(piece(&mut rest)).expect("a name");
        let octets = piece(&mut rest);
        rest = &rest[1..];
        records.push(Record { name, octets });
    }
    Some(records)
}

#[test]
fn each_frame_is_found_and_read_and_written_back() {
    let Some(records) = records() else { return println!("skipped: no data") };
    let mode = Mode { utf8: true, ..Mode::new(Profile::Liberal) };
    let (mut refused, mut changed, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for Record { name, octets } in &records {
        let mut framer = Framer::responses(FrameLimits { literal: 1 << 20, ..FrameLimits::client() });
        let mut input = BytesMut::from(&octets[..]);
        let Some(Ok(Cut::Frame(frame))) = framer.next(&mut input) else {
            // A literal that is in no record.
            assert!(octets.ends_with(b"}\r\n"), "{name}: no frame in {}", octets.escape_ascii());
            parts.push(format!("{name}: its literal is not there"));
            continue;
        };
        assert!(input.is_empty(), "{name}: {} is left", input.escape_ascii());
        assert_eq!(frame.octets(), octets, "{name}");
        let response = match Response::parse_frame(&frame, &mode) {
            Ok((response, _)) => response,
            Err(_) if is_part(name, octets).is_some() => {
                parts.push(format!("{name}: {}", is_part(name, octets).unwrap_or_default()));
                continue;
            }
            Err(why) => {
                refused.push(format!("{name}: {why}: {}", octets[..octets.len().min(200)].escape_ascii()));
                continue;
            }
        };
        let mut out = BytesMut::new();
        response.write(&mut Writer::new(&mut out, Side::Server, &mode));
        let again = match Response::parse_shared(&Bytes::copy_from_slice(&out), &mode) {
            Ok(again) => again,
            Err(why) => panic!("{name}: {why}: {}", out.escape_ascii()),
        };
        if again != response {
            // What was let pass is written as the grammar has it: a fixed point from there on.
            let mut twice = BytesMut::new();
            again.write(&mut Writer::new(&mut twice, Side::Server, &mode));
            assert_eq!(out, twice, "{name}");
            changed.push(format!("{name}: {}\n    {}", octets.escape_ascii(), out.escape_ascii()));
        }
    }
    let count = records.len();
    println!(
        "{count} responses: {} not read, {} written another way, {} no response",
        refused.len(),
        changed.len(),
        parts.len()
    );
    if std::env::var_os("SHOW").is_some() {
        println!("{}\n----\n{}\n----\n{}", refused.join("\n"), changed.join("\n"), parts.join("\n"));
    }
    assert!(refused.len() * 100 <= count - parts.len(), "{}", refused.join("\n"));
    assert!(parts.len() * 25 <= count, "{}", parts.join("\n"));
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// Why a record is no response: RFCs fold lines for print, and leave out what is long.
fn is_part(name: &str, octets: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(octets);
    let line = text.trim_end();
    let depth = line.matches('(').count().saturating_sub(line.matches(')').count());
    Some(match () {
        () if line.contains("...") => "something is left out",
        () if line.contains("<===") => "a remark stands behind it",
        () if line.ends_with('\\') || line.ends_with(':') => "folded for print",
        () if line.matches('"').count() % 2 == 1 => "folded for print, in a string",
        () if depth > 0 && line.starts_with("* ") => "folded for print, in parentheses",
        () if line.ends_with(" UID ALL") || line == ")" => "folded for print, at a space",
        () if line.starts_with("* NAMESPACE") && line.ends_with(")") => "folded for print, at a space",
        () if name == "mailkit/gmail/headers.1+unsolicited-info#0" => "its literal is shorter than it says",
        () => return None,
    })
}
