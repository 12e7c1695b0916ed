use proptest::{prelude::*, sample::Index};

use super::*;
use BareNewline::*;

/// What came out, joined; the verdict if the end was found; what was left behind it.
type Answer = (Vec<u8>, Option<Result<(), DotFault>>, Vec<u8>);

fn decode(mut dots: DotDecoder, octets: &[u8], cuts: &[usize]) -> Answer {
    let (mut input, mut text, mut end, mut from) = (BytesMut::new(), Vec::new(), None, 0);
    for &to in cuts.iter().chain([&octets.len()]) {
        input.extend_from_slice(&octets[from..to]);
        from = to;
        while let Some(event) = dots.next(&mut input) {
            match event {
                DotEvent::Data(data) => {
                    assert!(!data.is_empty() && end.is_none());
                    text.extend_from_slice(&data);
                }
                DotEvent::End(verdict) => assert_eq!(end.replace(verdict), None),
            }
        }
        assert_eq!(dots.octets(), text.len() as u64);
        assert!(end.is_some() || input.len() <= 2, "gathers {input:?}");
    }
    (text, end, input.to_vec())
}

fn encode(bare: BareNewline, text: &[u8], cuts: &[usize]) -> Result<Vec<u8>, (DotFault, Vec<u8>)> {
    let (mut dots, mut output, mut from) = (DotEncoder::new(bare), BytesMut::new(), 0);
    for &to in cuts.iter().chain([&text.len()]) {
        if let Err(fault) = dots.encode(&text[from..to], &mut output) {
            assert_eq!(dots.encode(b"x", &mut output), Err(fault), "a refused text stays refused");
            assert_eq!(dots.finish(&mut output), Err(fault));
            return Err((fault, output.to_vec()));
        }
        from = to;
    }
    match dots.finish(&mut output) {
        Ok(()) => Ok(output.to_vec()),
        Err(fault) => Err((fault, output.to_vec())),
    }
}

/// No cut, each single cut, all cuts.
fn each_cut(length: usize) -> impl Iterator<Item = Vec<usize>> {
    std::iter::once(vec![]).chain((0..=length).map(|cut| vec![cut])).chain([(1..length).collect()])
}

/// Octet by octet from RFC 5321 s 4.5.2, with nothing clever in it.
fn oracle(bare: BareNewline, octets: &[u8]) -> Answer {
    let (mut text, mut fault, mut line_start, mut at) = (Vec::new(), None, true, 0);
    loop {
        let mut rest = &octets[at..];
        if line_start && rest.starts_with(b".\r\n") {
            return (text, Some(fault.map_or(Ok(()), Err)), rest[3..].to_vec());
        }
        if rest.is_empty() || rest == b"\r" || line_start && b".\r\n".starts_with(rest) {
            return (text, None, rest.to_vec());
        }
        if line_start && rest[0] == b'.' {
            at += 1;
            rest = &octets[at..];
            if rest.is_empty() || rest == b"\r" {
                return (text, None, rest.to_vec());
            }
        }
        line_start = rest.starts_with(b"\r\n");
        at += if line_start { 2 } else { 1 };
        let here = text.len() as u64;
        let new = match rest[0] {
            b'\r' if line_start => None,
            b'\r' => Some(DotFault::BareCr { at: here }),
            b'\n' => Some(DotFault::BareLf { at: here }),
            0 => Some(DotFault::Nul { at: here }),
            _ => None,
        };
        match (bare, new) {
            _ if fault.is_some() => {}
            (Reject, Some(new)) => fault = Some(new),
            (Normalize, Some(DotFault::BareCr { .. } | DotFault::BareLf { .. })) => text.extend(b"\r\n"),
            _ => text.extend(&rest[..if line_start { 2 } else { 1 }]),
        }
    }
}

const CR: fn(u64) -> Result<(), DotFault> = |at| Err(DotFault::BareCr { at });
const LF: fn(u64) -> Result<(), DotFault> = |at| Err(DotFault::BareLf { at });
const NUL: fn(u64) -> Result<(), DotFault> = |at| Err(DotFault::Nul { at });

/// A message `a`, a false end, then a command in the next message's clothes, then the true end and one more command.
/// None may end it early; under `Reject` each is refused, at the true end; the command behind that is never lost.
#[test]
fn false_ends_end_nothing() {
    // (false end, verdict under Reject, text under Normalize, what it shows)
    let rows: &[(&[u8], Result<(), DotFault>, &[u8], &str)] = &[
        (b"\n.\n", LF(1), b"\r\n.\r\n", "Unix: RFC 5321 s 4.1.1.4 names it"),
        (b"\n.\r\n", LF(1), b"\r\n.\r\n", "LF before the dot"),
        (b"\n.\r", LF(1), b"\r\n.\r\n", "LF, dot, CR"),
        (b"\r.\r", CR(1), b"\r\n.\r\n", "old Macintosh"),
        (b"\r.\n", CR(1), b"\r\n.\r\n", "CR, dot, LF"),
        (b"\r.\r\n", CR(1), b"\r\n.\r\n", "CR before the dot"),
        (b"\r\n.\n", LF(3), b"\r\n\r\n", "LF behind the dot"),
        (b"\r\n.\r", CR(3), b"\r\n\r\n", "CR behind the dot"),
        (b"\r\n.\r\r\n", CR(3), b"\r\n\r\n\r\n", "CR CRLF behind the dot: some relays leak it"),
        (b"\r\r\n.\r\r\n", CR(1), b"\r\n\r\n\r\n\r\n", "CR CRLF on both sides"),
        (b"\r\r\n.\r", CR(1), b"\r\n\r\n\r\n", "CR CRLF before, CR behind"),
        (b"\r\r\n.\n", CR(1), b"\r\n\r\n\r\n", "CR CRLF before, LF behind"),
        (b"\n\r.\r\n", LF(1), b"\r\n\r\n.\r\n", "LF CR before"),
        (b"\n\r.\n\r", LF(1), b"\r\n\r\n.\r\n\r\n", "LF CR on both sides"),
        (b"\r\n.\n\r", LF(3), b"\r\n\r\n\r\n", "LF CR behind"),
        (b"\r\n.\n\r\n", LF(3), b"\r\n\r\n\r\n", "LF CRLF behind"),
        (b"\n\n.\n\n", LF(1), b"\r\n\r\n.\r\n\r\n", "two LFs on both sides"),
        (b"\r\r.\r\r", CR(1), b"\r\n\r\n.\r\n\r\n", "two CRs on both sides"),
        (b"\n\r\n\r.\r\n", LF(1), b"\r\n\r\n\r\n.\r\n", "a CRLF too far away"),
        (b"\r\0\n.\r\n", CR(1), b"\r\n\0\r\n.\r\n", "NUL in the first CRLF"),
        (b"\r\n.\r\0\n", CR(3), b"\r\n\r\n\0\r\n", "NUL in the second CRLF"),
        (b"\r\n\0.\r\n", NUL(3), b"\r\n\0.\r\n", "NUL before the dot"),
        (b"\r\n.\0\r\n", NUL(3), b"\r\n\0\r\n", "NUL behind the dot: C reads a lone dot"),
        (b"\0\r\n.\0\r\n", NUL(1), b"\0\r\n\0\r\n", "NULs on both sides"),
        (b"\r\n\n.\r\n", LF(3), b"\r\n\r\n.\r\n", "LF at the start of a line, then the dot"),
        (b"\r\n..\r\n", Ok(()), b"\r\n.\r\n", "a stuffed dot is a dot"),
        (b"\r\n. \r\n", Ok(()), b"\r\n \r\n", "a dot and a space: RFC 5321 s 4.5.2 takes the dot off"),
        (b"\r\n .\r\n", Ok(()), b"\r\n .\r\n", "a space and a dot"),
        (b"\r\n.\x85\r\n", Ok(()), b"\r\n\x85\r\n", "NEL is no newline"),
        (b"\r\n\xe2\x80\xa8.\xe2\x80\xa8\r\n", Ok(()), b"\r\n\xe2\x80\xa8.\xe2\x80\xa8\r\n", "nor is U+2028"),
        (b"\x0b.\x0c\r\n", Ok(()), b"\x0b.\x0c\r\n", "nor are VT and FF"),
    ];
    for (false_end, verdict, normal, shows) in rows {
        let octets = [b"a", *false_end, b"MAIL FROM:<evil@example.com>\r\nx\r\n.\r\nQUIT\r\n"].concat();
        let tail = b"MAIL FROM:<evil@example.com>\r\nx\r\n";
        for cuts in each_cut(octets.len()) {
            let (text, end, left) = decode(DotDecoder::new(Reject), &octets, &cuts);
            assert_eq!((end, &left[..]), (Some(*verdict), &b"QUIT\r\n"[..]), "{shows}, {cuts:?}");
            if let Err(DotFault::BareCr { at } | DotFault::BareLf { at } | DotFault::Nul { at }) = verdict {
                assert_eq!(text.len() as u64, *at, "{shows}: nothing behind the fault");
            }
            let (text, end, left) = decode(DotDecoder::new(Normalize), &octets, &cuts);
            assert_eq!((end, &left[..]), (Some(Ok(())), &b"QUIT\r\n"[..]), "{shows}, {cuts:?}");
            assert_eq!(text, [b"a", *normal, tail].concat(), "{shows}, {cuts:?}");
            let (text, end, left) = decode(DotDecoder::new(Allow), &octets, &cuts);
            assert_eq!((end, &left[..]), (Some(Ok(())), &b"QUIT\r\n"[..]), "{shows}, {cuts:?}");
            assert_eq!(text, oracle(Allow, &octets).0, "{shows}, {cuts:?}");
        }
    }
}

#[test]
fn texts_and_their_ends() {
    // (octets, text, what is left, what it shows)
    let rows: &[(&[u8], &[u8], &[u8], &str)] = &[
        (b".\r\n", b"", b"", "no mail data: the CRLF was DATA's own"),
        (b".\r\n.\r\n", b"", b".\r\n", "the second end is not ours"),
        (b"\r\n.\r\n", b"\r\n", b"", "an empty line"),
        (b"..x\r\n.\r\n", b".x\r\n", b"", "stuffed on the first line"),
        (b"..\r\n.\r\n", b".\r\n", b"", "the line of one dot"),
        (b"...\r\n.\r\n", b"..\r\n", b"", "only the first dot goes"),
        (b".x\r\n.\r\n", b"x\r\n", b"", "an unstuffed dot goes, too (RFC 5321 s 4.5.2)"),
        (b"a.b\r\n.\r\n", b"a.b\r\n", b"", "a dot inside stays"),
        (
            b"a\r\n.\r\nQUIT\r\n",
            b"a\r\n",
            b"QUIT\r\n",
            "the last CRLF is the text's; the rest is the machine's",
        ),
        (b"\xff\x80\x7f\x01\r\n.\r\n", b"\xff\x80\x7f\x01\r\n", b"", "every octet but NUL"),
    ];
    for (octets, text, left, shows) in rows {
        for bare in [Reject, Normalize, Allow] {
            for cuts in each_cut(octets.len()) {
                let want = (text.to_vec(), Some(Ok(())), left.to_vec());
                assert_eq!(decode(DotDecoder::new(bare), octets, &cuts), want, "{shows}, {bare:?}, {cuts:?}");
            }
        }
    }
    for octets in [&b""[..], b".", b".\r", b"a\r\n.\r", b"a\r\n.", b"a\r\n"] {
        assert_eq!(decode(DotDecoder::new(Reject), octets, &[]).1, None, "no end yet: {octets:?}");
    }
}

#[test]
fn the_end_is_found_across_any_block_and_any_cut() {
    // Each length puts the end, a dot and a bare LF elsewhere in the blocks that `first_hit` looks at.
    for length in 440..1100 {
        let line = vec![b'a'; length];
        let octets = [&line, &b"\r\n.\r\nQ"[..]].concat();
        let text = [&line, &b"\r\n"[..]].concat();
        for cuts in [vec![], vec![length + 1], vec![length + 2], vec![length + 3], vec![length + 4]] {
            let want = (text.clone(), Some(Ok(())), b"Q".to_vec());
            assert_eq!(decode(DotDecoder::new(Reject), &octets, &cuts), want);
        }
        for (place, fault) in
            [(&b"\n"[..], LF(length as u64)), (b"\r", CR(length as u64)), (b"\0", NUL(length as u64))]
        {
            let octets = [&line, place, &line, b"\r\n.\r\nQ"].concat();
            let want = (line.clone(), Some(fault), b"Q".to_vec());
            assert_eq!(decode(DotDecoder::new(Reject), &octets, &[]), want);
        }
        let octets = [&line, &b"\r\n..b\r\n"[..], &line, b"\r\n..\r\n.\r\nQ"].concat();
        let text = [&line, &b"\r\n.b\r\n"[..], &line, b"\r\n.\r\n"].concat();
        assert_eq!(
            decode(DotDecoder::new(Reject), &octets, &[]),
            (text.clone(), Some(Ok(())), b"Q".to_vec())
        );
        assert_eq!(encode(Reject, &text, &[]).unwrap(), octets[..octets.len() - 1]);
    }
}

#[test]
fn the_limit_on_a_line() {
    let long = |at| Some(Err(DotFault::LineTooLong { at, limit: 8 }));
    // (octets, verdict, octets handed out, what it shows)
    let rows: &[(BareNewline, &[u8], Option<Result<(), DotFault>>, usize, &str)] = &[
        (Reject, b"abcdef\r\n.\r\n", Some(Ok(())), 8, "exactly the limit"),
        (Reject, b"..bcdef\r\n.\r\n", Some(Ok(())), 8, "the stuffed dot is not counted"),
        (Reject, b"abcdefg\r\n.\r\n", long(6), 6, "one over"),
        (Reject, b"...bcdefg\r\n.\r\n", long(6), 6, "one over behind a stuffed dot"),
        (Reject, b"ab\r\nabcdef\r\nabcdefg\r\nab\r\n.\r\n", long(18), 18, "the third line"),
        (Reject, b"abcdef\rg\r\n.\r\n", Some(CR(6)), 6, "a bare CR where the CRLF should be"),
        (Reject, b"abcdefgh\n\r\n.\r\n", long(6), 6, "the first fault is told"),
        (Allow, b"abc\ndef\r\n.\r\n", long(6), 6, "a bare LF ends no line"),
        (Allow, b"abcdef\rg\r\n.\r\n", long(6), 6, "a bare CR is an octet like others"),
        (Allow, b"abcde\r\r\n.\r\n", Some(Ok(())), 8, "so that it may be the last"),
        (Normalize, b"abcdef\nabcdef\rab\r\n.\r\n", Some(Ok(())), 20, "newlines that became CRLF end lines"),
        (Normalize, b"abcdefg\n.\r\n\r\n.\r\n", long(6), 6, "one over before such a one"),
    ];
    for (bare, octets, verdict, handed_out, shows) in rows {
        for cuts in each_cut(octets.len()) {
            let got = decode(DotDecoder::new(*bare).with_line_limit(8), octets, &cuts);
            assert_eq!((got.1, got.0.len(), got.2), (*verdict, *handed_out, vec![]), "{shows}, {cuts:?}");
        }
    }
}

#[test]
fn writing() {
    // (text, wire, what it shows)
    let rows: &[(&[u8], &[u8], &str)] = &[
        (b"", b".\r\n", "the empty text"),
        (b"a", b"a\r\n.\r\n", "a CRLF is added where none was"),
        (b"a\r\n", b"a\r\n.\r\n", "and none where one was"),
        (b"a\r\n\r\n", b"a\r\n\r\n.\r\n", "an empty line of the text's own"),
        (b".", b"..\r\n.\r\n", "a dot at the very start"),
        (b".\r\n", b"..\r\n.\r\n", "the line of one dot"),
        (b"..\r\n.", b"...\r\n..\r\n.\r\n", "a dot for each line"),
        (b"a.\r\n .\r\n", b"a.\r\n .\r\n.\r\n", "not for others"),
    ];
    for (text, wire, shows) in rows {
        for bare in [Reject, Normalize, Allow] {
            for cuts in each_cut(text.len()) {
                assert_eq!(encode(bare, text, &cuts).as_deref(), Ok(*wire), "{shows}, {bare:?}, {cuts:?}");
            }
        }
    }
    // (text, fault under Reject, wire under Normalize)
    let rows: &[(&[u8], Result<(), DotFault>, &[u8])] = &[
        (b"a\n.\nb", LF(1), b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r.\rb", CR(1), b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\r\n.", CR(1), b"a\r\n\r\n..\r\n.\r\n"),
        (b"a\n\r\n.\r", LF(1), b"a\r\n\r\n..\r\n.\r\n"),
        (b"a\r", CR(1), b"a\r\n.\r\n"),
        (b"\n", LF(0), b"\r\n.\r\n"),
        (b".\r.", CR(1), b"..\r\n..\r\n.\r\n"),
        (b"a\r\n.\0\r\n", NUL(4), b"a\r\n..\0\r\n.\r\n"),
    ];
    for (text, fault, wire) in rows {
        for cuts in each_cut(text.len()) {
            assert_eq!(encode(Normalize, text, &cuts).as_deref(), Ok(*wire), "{text:?}, {cuts:?}");
            assert_eq!(encode(Allow, text, &cuts).as_deref(), Ok(*wire), "{text:?}, {cuts:?}");
            let (found, written) = encode(Reject, text, &cuts).unwrap_err();
            assert_eq!(Err(found), *fault, "{text:?}, {cuts:?}");
            assert_no_bare_newline(&written);
            assert!(!written.ends_with(b"\r\n.\r\n"), "a refused text has no end");
        }
    }
    let (mut dots, mut output) = (DotEncoder::new(Reject), BytesMut::new());
    dots.encode(b"a", &mut output).unwrap();
    dots.finish(&mut output).unwrap();
    dots.encode(b".", &mut output).unwrap();
    dots.finish(&mut output).unwrap();
    assert_eq!(output, "a\r\n.\r\n..\r\n.\r\n", "an encoder that has finished begins anew");
}

/// An octet a read, twenty lines of 64 KiB: time that grows with the square would be minutes.
#[test]
fn a_dripper_costs_linear_time() {
    let line = [&vec![b'a'; 1 << 16][..], b"\r\n"].concat();
    let (mut dots, mut input, mut octets) = (DotDecoder::new(Reject), BytesMut::new(), 0);
    for octet in line.iter().cycle().take(20 * line.len()).chain(b".\r\n") {
        input.extend_from_slice(&[*octet]);
        while let Some(DotEvent::Data(data)) = dots.next(&mut input) {
            octets += data.len();
        }
    }
    assert_eq!(octets, 20 * line.len());
}

fn assert_no_bare_newline(wire: &[u8]) {
    for (at, octet) in wire.iter().enumerate() {
        let bare = match octet {
            b'\r' => wire.get(at + 1) != Some(&b'\n'),
            b'\n' => at.checked_sub(1).and_then(|before| wire.get(before)) != Some(&b'\r'),
            _ => false,
        };
        assert!(!bare, "bare newline at {at} of {:?}", wire.escape_ascii().to_string());
    }
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(b"\r\n".to_vec()),
        3 => Just(b"\r\n.".to_vec()),
        2 => Just(b".".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\0".to_vec()),
        1 => Just(b"\r\n.\r\n".to_vec()),
        4 => (1usize..90).prop_map(|length| vec![b'a'; length]),
        1 => (400usize..1200).prop_map(|length| vec![b'a'; length]),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 0..8)
}

fn at(cuts: &[Index], length: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).collect();
    cuts.sort_unstable();
    cuts
}

fn policy() -> impl Strategy<Value = BareNewline> {
    prop_oneof![Just(Reject), Just(Normalize), Just(Allow)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn reads_as_the_oracle_does_however_cut(octets in texts(), cuts in cuts(), bare in policy()) {
        let got = decode(DotDecoder::new(bare), &octets, &at(&cuts, octets.len()));
        let want = oracle(bare, &octets);
        prop_assert_eq!((&got.0, got.1), (&want.0, want.1));
        prop_assert!(got.1.is_none() || got.2 == want.2);
        if bare != Allow {
            let text = got.0.strip_suffix(b"\r").unwrap_or(&got.0);
            assert_no_bare_newline(text);
        }
    }

    #[test]
    fn a_line_limit_changes_only_lines_over_it(octets in texts(), cuts in cuts(), bare in policy(), limit in 2usize..1100) {
        let free = decode(DotDecoder::new(bare), &octets, &[]);
        let limited = decode(DotDecoder::new(bare).with_line_limit(limit), &octets, &at(&cuts, octets.len()));
        prop_assert_eq!(free.1.is_some(), limited.1.is_some());
        // Where the first line that is over the limit goes over it, by the plain definition.
        let mut start = 0;
        let over = loop {
            let Some(length) = free.0[start..].windows(2).position(|pair| pair == b"\r\n") else {
                break (free.0.len() - start > limit - 2).then_some(start + limit - 2);
            };
            if length > limit - 2 { break Some(start + limit - 2); }
            start += length + 2;
        };
        prop_assert_eq!(&limited.0[..], &free.0[..over.unwrap_or(free.0.len())]);
        if let (Some(verdict), Some(over)) = (limited.1, over) {
            prop_assert_eq!(verdict, Err(DotFault::LineTooLong { at: over as u64, limit }));
        }
    }

    #[test]
    fn what_is_written_is_read_back(text in texts(), cuts in cuts(), more_cuts in cuts(), bare in policy()) {
        match encode(bare, &text, &at(&cuts, text.len())) {
            Ok(wire) => {
                assert_no_bare_newline(&wire);
                prop_assert!(wire.len() <= 2 * text.len() + 5);
                let reader = if bare == Reject { Reject } else { Normalize };
                let (back, end, left) = decode(DotDecoder::new(reader), &wire, &at(&more_cuts, wire.len()));
                prop_assert_eq!((end, left.len()), (Some(Ok(())), 0));
                if bare == Reject {
                    let whole = text.is_empty() || text.ends_with(b"\r\n");
                    let want = if whole { text } else { [&text[..], b"\r\n"].concat() };
                    prop_assert_eq!(back, want);
                }
            }
            Err((_, written)) => {
                prop_assert_eq!(bare, Reject);
                assert_no_bare_newline(&written);
            }
        }
    }
}
