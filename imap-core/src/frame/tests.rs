use proptest::prelude::*;

use super::*;

/// What comes out, data joined, as text to compare: `F:` a frame, `A:` an announcement, `B:` a literal that is streamed, `D:` its
/// octets, `R:` a refusal.
fn cuts(
    mut framer: Framer,
    decide: fn(&mut Framer, &mut BytesMut, Announcement),
    octets: &[u8],
    at: &[usize],
) -> Vec<String> {
    let (mut input, mut out, mut from) = (BytesMut::new(), Vec::new(), 0);
    let mut data = Vec::new();
    for &to in at.iter().chain([&octets.len()]) {
        input.extend_from_slice(&octets[from..to]);
        from = to;
        while let Some(cut) = framer.next(&mut input) {
            out.push(match cut {
                Ok(Cut::Frame(frame)) => format!(
                    "F:{}{}",
                    frame.octets().escape_ascii(),
                    match frame.streamed() {
                        [] => String::new(),
                        streamed => format!(" {streamed:?}"),
                    }
                ),
                Ok(Cut::Announced(announcement)) => {
                    let head = framer.head(&input).escape_ascii().to_string();
                    decide(&mut framer, &mut input, announcement);
                    format!("A:{} {head}", announcement.size)
                }
                Ok(Cut::Begin(announcement)) => {
                    format!("B:{} {}", announcement.size, framer.head(&input).escape_ascii())
                }
                Ok(Cut::Data(piece)) => {
                    data.extend_from_slice(&piece);
                    continue;
                }
                Ok(Cut::DataEnd) => format!("D:{}", std::mem::take(&mut data).escape_ascii()),
                Err(refused) => format!("R:{refused}: {}", refused.start.escape_ascii()),
            });
        }
    }
    out
}

fn gather(framer: &mut Framer, input: &mut BytesMut, _: Announcement) {
    let _ = framer.gather(input);
}

fn stream(framer: &mut Framer, input: &mut BytesMut, _: Announcement) {
    let _ = framer.stream(input);
}

fn refuse(framer: &mut Framer, input: &mut BytesMut, _: Announcement) {
    framer.refuse(input);
}

const SMALL: FrameLimits = FrameLimits { line: 40, literal: 8, frame: 60, streamed: 1000 };

type Decide = fn(&mut Framer, &mut BytesMut, Announcement);

fn check(new: fn(FrameLimits) -> Framer, decide: Decide, octets: &str, want: &[&str], shows: &str) {
    let octets = octets.as_bytes();
    assert_eq!(cuts(new(SMALL), decide, octets, &[]), want, "{shows}, whole");
    let each: Vec<usize> = (1..octets.len()).collect();
    assert_eq!(cuts(new(SMALL), decide, octets, &each), want, "{shows}, octet by octet");
    for cut in each {
        assert_eq!(cuts(new(SMALL), decide, octets, &[cut]), want, "{shows}, cut at {cut}");
    }
}

#[test]
fn responses_whole_by_octet_and_cut_at_each_index() {
    // (octets, cuts, what it shows)
    let rows: &[(&str, &[&str], &str)] = &[
        ("* OK\r\na OK x\r\n", &[r"F:* OK\r\n", r"F:a OK x\r\n"], "lines"),
        ("* 1 FETCH (B {3}\r\na\r\n)\r\n", &[r"F:* 1 FETCH (B {3}\r\na\r\n)\r\n"], "a literal of a line end"),
        ("* A {0}\r\n {2}\r\nab\r\n", &[r"F:* A {0}\r\n {2}\r\nab\r\n"], "{0}, and two literals"),
        ("A1 NO quota {100}\r\n* OK\r\n", &[r"F:A1 NO quota {100}\r\n", r"F:* OK\r\n"], "D1: text, tagged"),
        ("* ok x {100}\r\n* OK\r\n", &[r"F:* ok x {100}\r\n", r"F:* OK\r\n"], "text, untagged"),
        ("* PREAUTH {1}\r\n* BYE {1}\r\n", &[r"F:* PREAUTH {1}\r\n", r"F:* BYE {1}\r\n"], "text, the others"),
        ("+ say {3}\r\n* OK\r\n", &[r"F:+ say {3}\r\n", r"F:* OK\r\n"], "text of a continuation"),
        ("* OKAY {1}\r\nx\r\n", &[r"F:* OKAY {1}\r\nx\r\n"], "a response that only begins like OK"),
        ("* L \"a{5}\r\n* OK\r\n", &[r#"F:* L \"a{5}\r\n"#, r"F:* OK\r\n"], "in quotes"),
        (r#"* L "\" {5}"#, &[], "waits"),
        (
            "* L \"\\\" {5}\r\n* OK\r\n",
            &[r#"F:* L \"\\\" {5}\r\n"#, r"F:* OK\r\n"],
            "behind an escaped quote",
        ),
        ("* L \"a\" {1}\r\nx\r\n", &[r#"F:* L \"a\" {1}\r\nx\r\n"#], "behind quotes"),
        ("* F (\\Seen) {1}\r\nx\r\n", &[r"F:* F (\\Seen) {1}\r\nx\r\n"], "a backslash outside of quotes"),
        ("* L {1}x\r\n* OK\r\n", &[r"F:* L {1}x\r\n", r"F:* OK\r\n"], "not at the end"),
        (
            "* L {-1}\r\n* L {}\r\n* L {1 }\r\n",
            &[r"F:* L {-1}\r\n", r"F:* L {}\r\n", r"F:* L {1 }\r\n"],
            "no number",
        ),
        ("* L {1}\n* OK\r\n", &[r"F:* L {1}\n* OK\r\n"], "a bare LF ends nothing and announces nothing"),
        ("* L ~{1}\r\n\0\r\n", &[r"F:* L ~{1}\r\n\x00\r\n"], "literal8"),
        (
            "* L {9}\r\n123456789 {10}\r\n1234567890)\r\n* OK\r\n",
            &[
                r"B:9 * L {9}\r\n",
                "D:123456789",
                r"B:10 * L {9}\r\n {10}\r\n",
                "D:1234567890",
                r"F:* L {9}\r\n {10}\r\n)\r\n [9, 16]",
                r"F:* OK\r\n",
            ],
            "streamed, twice",
        ),
        (
            "* L {3}\r\nabc {9}\r\n123456789\r\n",
            &[r"B:9 * L {3}\r\nabc {9}\r\n", "D:123456789", r"F:* L {3}\r\nabc {9}\r\n\r\n [18]"],
            "gathered, then streamed",
        ),
        (
            "* 456789 123456789 123456789 123456789 {2}\r\na\n\r\n* OK\r\n",
            &["R:lines of more than 40 octets: * 456789 123456789 123456789 123456789 {", r"F:* OK\r\n"],
            "the literal of an over-long line is skipped with it",
        ),
        (
            "* 456789 123456789 123456789 123456789 \"{2}\r\n* OK\r\n",
            &["R:lines of more than 40 octets: * 456789 123456789 123456789 123456789 \\\"", r"F:* OK\r\n"],
            "and one in its quotes is none",
        ),
        (
            "a 456789 123456789 123456789 123456789 x{2}\r\n* OK\r\n",
            &["R:lines of more than 40 octets: a 456789 123456789 123456789 123456789 x", r"F:* OK\r\n"],
            "nor one in its text",
        ),
        (
            "* {2}\r\nab 123456789 123456789 123456789 12345678\r\n* OK\r\n",
            &[r"R:lines of more than 40 octets: * {2}\r\nab 123456789 123456789 123456789 ", r"F:* OK\r\n"],
            "the lines of a frame count together",
        ),
        (
            "* L {1001}\r\n",
            &[r"R:literal of 1001 octets, which are more than 1000: * L {1001}\r\n"],
            "too long to be streamed",
        ),
        (
            "* L {99999999999999999999999}\r\n",
            &[
                r"R:literal of 18446744073709551615 octets, which are more than 1000: * L {99999999999999999999999}\r\n",
            ],
            "a number that does not fit",
        ),
    ];
    for (octets, want, shows) in rows {
        check(Framer::responses, refuse, octets, want, shows);
    }
}

#[test]
fn commands_whole_by_octet_and_cut_at_each_index() {
    // (decision, octets, cuts, what it shows)
    let rows: &[(Decide, &str, &[&str], &str)] = &[
        (gather, "a NOOP\r\nb NOOP\r\n", &[r"F:a NOOP\r\n", r"F:b NOOP\r\n"], "lines"),
        (
            gather,
            "a LOGIN {2}\r\nme {1+}\r\nx\r\nb\r\n",
            &[
                r"A:2 a LOGIN {2}\r\n",
                r"A:1 a LOGIN {2}\r\nme {1+}\r\n",
                r"F:a LOGIN {2}\r\nme {1+}\r\nx\r\n",
                r"F:b\r\n",
            ],
            "gathered",
        ),
        (
            refuse,
            "a LOGIN {9}\r\nb NOOP\r\n",
            &[r"A:9 a LOGIN {9}\r\n", r"F:b NOOP\r\n"],
            "a refused synchronizing literal is not waited for",
        ),
        (
            refuse,
            "a L {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n",
            &[r"A:8 a L {8+}\r\n", r"F:c NOOP\r\n"],
            "a refused non-synchronizing one is swallowed with the rest of its command",
        ),
        (
            refuse,
            "a L {2+}\r\nxx {2+}\r\nyy {3}\r\nc NOOP\r\n",
            &[r"A:2 a L {2+}\r\n", r"F:c NOOP\r\n"],
            "and what follows it",
        ),
        (
            gather,
            "a L {9+}\r\n123456789\r\nc NOOP\r\n",
            &[r"A:9 a L {9+}\r\n", r"F:c NOOP\r\n"],
            "over the limit: refused",
        ),
        (
            gather,
            "a 3456789 123456789 {8}\r\n12345678 {8}\r\n12345678{8}\r\n12345678 {8}\r\nc NOOP\r\n",
            &[
                r"A:8 a 3456789 123456789 {8}\r\n",
                r"A:8 a 3456789 123456789 {8}\r\n12345678 {8}\r\n",
                r"A:8 a 3456789 123456789 {8}\r\n12345678 {8}\r\n12345678{8}\r\n",
                "R:lines of more than 40 octets: a 3456789 123456789 {8}\\r\\n12345678 {8}\\r\\n1",
                r"F:c NOOP\r\n",
            ],
            "many small ones are bounded too",
        ),
        (
            stream,
            "a APPEND b {9}\r\n123456789\r\nc NOOP\r\n",
            &[r"A:9 a APPEND b {9}\r\n", "D:123456789", r"F:a APPEND b {9}\r\n\r\n [16]", r"F:c NOOP\r\n"],
            "streamed",
        ),
        (stream, "a A {0+}\r\n\r\n", &[r"A:0 a A {0+}\r\n", "D:", r"F:a A {0+}\r\n\r\n [10]"], "{0}"),
        (
            stream,
            "a A {1001}\r\nc NOOP\r\n",
            &[r"A:1001 a A {1001}\r\n", r"F:c NOOP\r\n"],
            "too long: refused",
        ),
        (
            gather,
            "a 3456789 123456789 123456789 123456789 {5+}\r\nb X\r\n\r\nc NOOP\r\n",
            &["R:lines of more than 40 octets: a 3456789 123456789 123456789 123456789 ", r"F:c NOOP\r\n"],
            "the literal of an over-long line is no command",
        ),
        (
            gather,
            "a 3456789 123456789 123456789 12345678\r\r\nc\r\n",
            &["R:lines of more than 40 octets: a 3456789 123456789 123456789 12345678\\r\\r", r"F:c\r\n"],
            "one over",
        ),
        (
            gather,
            "a 3456789 123456789 123456789 12345678\r\nc\r\n",
            &["F:a 3456789 123456789 123456789 12345678\\r\\n", r"F:c\r\n"],
            "exactly the limit",
        ),
    ];
    for (decide, octets, want, shows) in rows {
        check(Framer::commands, *decide, octets, want, shows);
    }
}

#[test]
fn an_expected_line_is_one_line() {
    let mut framer = Framer::commands(SMALL);
    framer.expect_line();
    let out = cuts(framer, refuse, b"c2VjcmV0 {5}\r\na X {5}\r\n", &[]);
    assert_eq!(out, [r"F:c2VjcmV0 {5}\r\n", r"A:5 a X {5}\r\n"]);
}

#[test]
fn a_frame_is_no_copy() {
    let mut input = BytesMut::from("* 1 FETCH (B {3}\r\na\r\n)\r\n* OK");
    let start = input.as_ptr();
    let Some(Ok(Cut::Frame(frame))) = Framer::responses(SMALL).next(&mut input) else { panic!() };
    assert_eq!(frame.octets().as_ptr(), start);
}

#[test]
fn memory_does_not_grow_with_what_is_refused() {
    let mut framer = Framer::commands(SMALL);
    let mut input = BytesMut::new();
    let mut refusals = 0;
    for _ in 0..10_000 {
        input.extend_from_slice(b"\"0123456789");
        refusals += std::iter::from_fn(|| framer.next(&mut input)).count();
        assert!(input.len() <= ANNOUNCEMENT_MAX, "{}", input.len());
    }
    assert_eq!(refusals, 1);
}

proptest! {
    #[test]
    fn a_cut_changes_nothing(
        words in proptest::collection::vec(prop_oneof![
            Just("* "), Just("a "), Just("OK "), Just("{3}\r\n"), Just("{2+}\r\n"), Just("~{9}\r\n"), Just("\r\n"), Just("\""),
            Just("\\"), Just("abc"), Just("\n"), Just("\r"), Just("{1001}\r\n"), Just("123456789 123456789"), Just("{0}\r\n"),
        ], 0..30),
        at in proptest::collection::vec(0usize..200, 0..6),
        side: bool,
        how in 0usize..3,
    ) {
        let octets = words.concat().into_bytes();
        let mut at: Vec<usize> = at.into_iter().filter(|at| *at <= octets.len()).collect();
        at.sort_unstable();
        let new = if side { Framer::commands } else { Framer::responses };
        let decide: Decide = [gather as Decide, stream, refuse][how];
        let whole = cuts(new(SMALL), decide, &octets, &[]);
        prop_assert_eq!(&whole, &cuts(new(SMALL), decide, &octets, &at));
        let each: Vec<usize> = (1..octets.len()).collect();
        prop_assert_eq!(&whole, &cuts(new(SMALL), decide, &octets, &each));
    }
}
