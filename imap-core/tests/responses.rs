//! Responses of RFCs' examples, and what becomes of them when octets are changed, lost or doubled.

use bytes::{Bytes, BytesMut};
use mail46_imap_core::{Cut, FrameLimits, Framer, Item, Mode, Profile, Response, Side, Untagged, Writer};
use proptest::prelude::*;
use std::sync::LazyLock;

static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let texts = std::fs::read_dir(folder)
        .expect("transcripts")
        .map(|entry| std::fs::read_to_string(entry.expect("a file").path()).expect("text"));
    let lines = texts.flat_map(|text| {
        text.lines()
            .filter_map(|line| line.strip_prefix("S: "))
            .map(|line| format!("{line}\r\n").into_bytes())
            .collect::<Vec<_>>()
    });
    lines.collect()
});

fn written<B: AsRef<[u8]>>(response: &Response<B>, mode: &Mode) -> BytesMut {
    let mut out = BytesMut::new();
    response.write(&mut Writer::new(&mut out, Side::Server, mode));
    out
}

#[derive(Clone, Debug)]
enum Change {
    Put(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Double(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..300;
    let octet = prop_oneof![
        Just(b'('),
        Just(b')'),
        Just(b'"'),
        Just(b'\\'),
        Just(b' '),
        Just(b'{'),
        Just(b'}'),
        Just(b'['),
        Just(b']'),
        Just(b'0'),
        Just(b'\r'),
        Just(b'\n'),
        any::<u8>(),
    ];
    prop_oneof![
        (at.clone(), octet.clone()).prop_map(|(at, octet)| Change::Put(at, octet)),
        (at.clone(), octet).prop_map(|(at, octet)| Change::Insert(at, octet)),
        at.clone().prop_map(Change::Remove),
        (at, 1usize..20).prop_map(|(at, length)| Change::Double(at, length)),
    ]
}

fn changed(mut line: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = line.len().max(1);
        match *change {
            Change::Put(at, octet) if !line.is_empty() => line[at % length] = octet,
            Change::Insert(at, octet) => line.insert(at % length, octet),
            Change::Remove(at) if !line.is_empty() => drop(line.remove(at % length)),
            Change::Double(at, count) => {
                let from = at % length;
                let piece = line[from.min(line.len())..(from + count).min(line.len())].to_vec();
                line.splice(from..from, piece);
            }
            _ => {}
        }
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_the_strict_profile_reads_writes_back(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(change(), 0..4),
        utf8: bool,
    ) {
        let line = changed(which.get(&LINES[..]).clone(), &changes);
        let strict = Mode { utf8, ..Mode::new(Profile::Strict) };
        let liberal = Mode { utf8, ..Mode::new(Profile::Liberal) };
        if let Ok(response) = Response::parse(&line, &strict) {
            let out = written(&response, &strict);
            let again = Response::parse(&out, &strict);
            prop_assert_eq!(again.as_ref(), Ok(&response), "{}", out.escape_ascii());
            prop_assert!(Response::parse(&line, &liberal).is_ok(), "{}", line.escape_ascii());
        }
        if let Ok((response, deviations)) = Response::parse_noting(&line, &liberal) {
            prop_assert!(deviations.iter().all(|deviation| deviation.at <= line.len()));
            let shared = Response::parse_shared(&Bytes::copy_from_slice(&line), &liberal);
            prop_assert_eq!(shared.map(|shared| written(&shared, &liberal)), Ok(written(&response, &liberal)));
        }
    }
}

#[test]
fn many_small_literals_cost_what_they_weigh() {
    // D11: one response of 5,000 literals, in pieces of 256 octets.
    let mut sent = b"* 1 FETCH (UID 1".to_vec();
    for _ in 0..5_000 {
        sent.extend_from_slice(b" BODY[1] {3}\r\n)\r\n");
    }
    sent.extend_from_slice(b")\r\n");
    let (mut framer, mut input) = (Framer::responses(FrameLimits::client()), BytesMut::new());
    let mut frame = None;
    for piece in sent.chunks(256) {
        input.extend_from_slice(piece);
        if let Some(Ok(Cut::Frame(whole))) = framer.next(&mut input) {
            frame = Some(whole);
        }
    }
    let (response, _) =
        Response::parse_frame(&frame.expect("a frame"), &Mode::new(Profile::Liberal)).expect("a response");
    let Response::Untagged(Untagged::Fetch(fetch)) = response else { panic!("{response:?}") };
    assert_eq!(fetch.items.len(), 5_001);
    assert!(matches!(fetch.items.last(), Some(Item::Section { .. })));
}

#[test]
fn bombs_are_errors() {
    let liberal = Mode::new(Profile::Liberal);
    let deep = "(".repeat(200_000);
    for start in [
        "* 1 FETCH (BODYSTRUCTURE ",
        "* 1 FETCH (XYZZY ",
        "* THREAD ",
        "* LIST () \"/\" a (x ",
        "* NAMESPACE ",
        "* ID ",
        "* ESEARCH ALL ",
    ] {
        let bomb = format!("{start}{deep}\r\n");
        assert!(Response::parse(bomb.as_bytes(), &liberal).is_err(), "{start}");
    }
    // A literal that is said to be huge is not waited for in memory.
    for size in ["4294967295", "9223372036854775807", "99999999999999999999999"] {
        let bomb = format!("* 1 FETCH (BODY[] {{{size}}}\r\nabc)\r\n");
        assert!(Response::parse(bomb.as_bytes(), &liberal).is_err(), "{size}");
    }
}
