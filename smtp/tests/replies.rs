//! Replies: whole, octet by octet and cut at each index; what is refused; and what a server writes.

use bytes::BytesMut;
use mail46_smtp::{EnhancedCode, Reply, ReplyError, ReplyReader};
use proptest::prelude::*;

type Answer = Result<Vec<u8>, ReplyError>;

/// Everything that comes out, with the input handed over in the pieces that `cuts` makes.
fn read(octets: &[u8], cuts: &[usize], limits: (usize, usize)) -> Vec<Answer> {
    let mut replies = ReplyReader::with_limits(limits.0, limits.1);
    let (mut input, mut out, mut from) = (BytesMut::new(), Vec::new(), 0);
    for &to in cuts.iter().chain([&octets.len()]) {
        input.extend_from_slice(&octets[from..to]);
        from = to;
        while let Some(reply) = replies.next(&mut input) {
            let failed = reply.is_err();
            out.push(reply.map(|reply| reply.as_bytes().to_vec()));
            if failed {
                return out;
            }
        }
    }
    out
}

fn ok(reply: &[u8]) -> Answer {
    Ok(reply.to_vec())
}

#[test]
fn cases_whole_by_octet_and_cut_at_each_index() {
    use ReplyError::*;
    let limits = (ReplyReader::LINE_LIMIT, ReplyReader::LIMIT);
    // (input, answers, limits, what it shows)
    let rows: &[(&[u8], &[Answer], (usize, usize), &str)] = &[
        (b"250 Ok\r\n", &[ok(b"250 Ok\r\n")], limits, "one line"),
        (b"250\r\n", &[ok(b"250\r\n")], limits, "no text and no space (s 4.2: [ SP textstring ])"),
        (b"250 \r\n", &[ok(b"250 \r\n")], limits, "a space and no text"),
        (b"334\r\n", &[ok(b"334\r\n")], limits, "334 of Yandex"),
        (b"334 \r\n", &[ok(b"334 \r\n")], limits, "334 with its space"),
        (b"250-a\r\n250 b\r\n", &[ok(b"250-a\r\n250 b\r\n")], limits, "two lines"),
        (b"250-a\r\n250\r\n", &[ok(b"250-a\r\n250\r\n")], limits, "the last without text"),
        (b"250-\r\n250 b\r\n", &[ok(b"250-\r\n250 b\r\n")], limits, "the first without text"),
        (b"250 a\r\n354 b\r\n", &[ok(b"250 a\r\n"), ok(b"354 b\r\n")], limits, "two replies in one read"),
        (b"250 \xfc\r\n", &[ok(b"250 \xfc\r\n")], limits, "not UTF-8"),
        (b"571 no\r\n", &[ok(b"571 no\r\n")], limits, "a second digit over 5"),
        (b"250-mx_under\r\n250 x\r\n", &[ok(b"250-mx_under\r\n250 x\r\n")], limits, "a name that is none"),
        (b"250-a\r\n251 b\r\n", &[Err(MixedCodes { at: 9 })], limits, "mixed codes (s 4.2.1)"),
        (b"250-a\r\n550 b\r\n", &[Err(MixedCodes { at: 7 })], limits, "a refusal inside a success"),
        (b"250 a\nb\r\n", &[Err(LineEnd { at: 5 })], limits, "a bare LF"),
        (b"250 a\rb\r\n", &[Err(LineEnd { at: 5 })], limits, "a bare CR"),
        (b"250 a\r\r\n", &[Err(LineEnd { at: 5 })], limits, "CR CR LF"),
        (b"250 a\0b\r\n", &[Err(LineEnd { at: 5 })], limits, "NUL"),
        (b"250 a\n", &[Err(LineEnd { at: 5 })], limits, "LF alone"),
        (b"25\r\n", &[Err(Code { at: 0 })], limits, "two digits"),
        (b"2500 a\r\n", &[Err(Separator { at: 3 })], limits, "four digits"),
        (b"250_a\r\n", &[Err(Separator { at: 3 })], limits, "neither space nor hyphen"),
        (b"199 a\r\n", &[Err(Code { at: 0 })], limits, "1yz is no SMTP"),
        (b"600 a\r\n", &[Err(Code { at: 0 })], limits, "6yz is nothing"),
        (b"\r\n", &[Err(Code { at: 0 })], limits, "an empty line"),
        (b"+OK\r\n", &[Err(Code { at: 0 })], limits, "a POP3 server"),
        (b"250-a\r\n\r\n", &[Err(Code { at: 7 })], limits, "an empty line inside"),
        (b"250 ab\r\n", &[ok(b"250 ab\r\n")], (8, 8), "exactly both limits"),
        (b"250 abc\r\n", &[Err(LineTooLong { limit: 8 })], (8, 80), "a line one over"),
        (b"250 abcdefghijk", &[Err(LineTooLong { limit: 8 })], (8, 80), "a line without an end"),
        (b"250-a\r\n250-b\r\n250-c\r\n", &[Err(TooLong { limit: 20 })], (10, 20), "a reply without an end"),
        (b"250-a\r\n250 bcdefghijk\r\n", &[Err(TooLong { limit: 20 })], (90, 20), "a reply over the limit"),
    ];
    for (octets, want, limits, shows) in rows {
        assert_eq!(&read(octets, &[], *limits)[..], *want, "{shows}, whole");
        let each: Vec<usize> = (1..octets.len()).collect();
        assert_eq!(&read(octets, &each, *limits)[..], *want, "{shows}, octet by octet");
        for cut in each {
            assert_eq!(&read(octets, &[cut], *limits)[..], *want, "{shows}, cut at {cut}");
        }
    }
}

#[test]
fn enhanced_codes() {
    let code = |class, subject, detail| Some(EnhancedCode::new(class, subject, detail));
    let rows: &[(&[u8], Option<EnhancedCode>, &[&[u8]], &str)] = &[
        (b"250 2.1.5 Ok\r\n", code(2, 1, 5), &[b"Ok"], "the usual"),
        (
            b"550 5.7.509 Access denied\r\n",
            code(5, 7, 509),
            &[b"Access denied"],
            "three digits, as Microsoft has",
        ),
        (b"250 2.0.0\r\n", code(2, 0, 0), &[b""], "no text"),
        (b"550-5.1.1 a\r\n550 5.1.1 b\r\n", code(5, 1, 1), &[b"a", b"b"], "on each line (2034 s 4)"),
        (b"550-5.1.1 a\r\n550 b\r\n", code(5, 1, 1), &[b"a", b"b"], "on the first alone"),
        (b"550-5.1.1 a\r\n550 5.1.2 b\r\n", code(5, 1, 1), &[b"a", b"5.1.2 b"], "another is kept as text"),
        (b"250 5.1.1 Ok\r\n", None, &[b"5.1.1 Ok"], "the class is not that of the code (2034 s 4)"),
        (b"354 3.0.0 Go\r\n", None, &[b"3.0.0 Go"], "3yz has none"),
        (b"250 2.1 Ok\r\n", None, &[b"2.1 Ok"], "two numbers"),
        (b"250 2.1.5.1 Ok\r\n", None, &[b"2.1.5.1 Ok"], "four numbers"),
        (b"250 2.1.5Ok\r\n", None, &[b"2.1.5Ok"], "no space behind it"),
        (b"250 2.1.1234 Ok\r\n", None, &[b"2.1.1234 Ok"], "four digits"),
        (b"250 2..5 Ok\r\n", None, &[b"2..5 Ok"], "no digit"),
        (b"220 2.example.com ESMTP\r\n", None, &[b"2.example.com ESMTP"], "a name"),
    ];
    for (frame, enhanced, lines, shows) in rows {
        let reply = Reply::parse(frame).unwrap();
        assert_eq!(reply.enhanced(), *enhanced, "{shows}");
        assert_eq!(reply.lines().collect::<Vec<_>>(), *lines, "{shows}");
        assert_eq!(reply.as_bytes(), *frame, "{shows}: lossless");
    }
}

#[test]
fn what_a_server_writes() {
    let none: Option<EnhancedCode> = None;
    let e = EnhancedCode::new;
    let rows: &[(u16, Option<EnhancedCode>, &str, &str, &str)] = &[
        (250, Some(e(2, 1, 0)), "Ok", "250 2.1.0 Ok\r\n", "the usual"),
        (250, none, "a\nb\nc", "250-a\r\n250-b\r\n250 c\r\n", "three lines"),
        (550, Some(e(5, 7, 1)), "a\nb", "550-5.7.1 a\r\n550 5.7.1 b\r\n", "the enhanced code on each"),
        (450, Some(e(5, 7, 1)), "x", "450 4.7.1 x\r\n", "the class follows the code (2034 s 4)"),
        (354, Some(e(2, 0, 0)), "Go", "354 Go\r\n", "3yz has none"),
        (250, none, "", "250\r\n", "no text, no space"),
        (250, Some(e(2, 0, 0)), "", "250 2.0.0\r\n", "no text"),
        (250, none, "\n", "250-\r\n250\r\n", "two empty lines"),
        (250, none, "a\r\n250 b\0c\x1b[31m", "250-a\r\n250 250 b c [31m\r\n", "no control octet gets out"),
        (250, none, "gr\u{fc}n", "250 gr\u{fc}n\r\n", "UTF-8 is left"),
        (9, none, "x", "554 x\r\n", "a mistake never says yes"),
    ];
    for (code, enhanced, text, want, shows) in rows {
        let reply = Reply::new(*code, *enhanced, text);
        assert_eq!(reply.as_bytes(), want.as_bytes(), "{shows}");
        let again = Reply::parse(reply.as_bytes()).unwrap();
        assert_eq!((again.code(), again.enhanced()), (reply.code(), reply.enhanced()), "{shows}");
    }
    let long = Reply::new(250, none, &"\u{fc}".repeat(600));
    assert!(
        long.as_bytes().len() <= 512 && std::str::from_utf8(long.as_bytes()).is_ok(),
        "RFC 5321 s 4.5.3.1.5"
    );
}

#[test]
fn a_reply_for_a_person() {
    let reply = Reply::parse(b"550-5.1.1 gr\xfcn\r\n550 5.1.1 \x1b[31m\r\n").unwrap();
    assert_eq!(reply.text(), "gr\\xfcn\n\\x1b[31m");
    assert_eq!(reply.to_string(), "550 5.1.1 gr\\xfcn \\x1b[31m");
}

const PIECES: &[&[u8]] =
    &[b"250-", b"250 ", b"250", b"\r\n", b"\r\n", b"\r", b"\n", b"a", b"550-", b"2.0.0 ", b"\0", b"\xfc"];

proptest! {
    #[test]
    fn a_cut_changes_nothing(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..16),
        cuts in proptest::collection::vec(0usize..80, 0..6),
        limits in (5usize..40, 5usize..60),
    ) {
        let octets = pieces.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= octets.len()).collect();
        cuts.sort_unstable();
        let whole = read(&octets, &[], limits);
        prop_assert_eq!(&whole, &read(&octets, &cuts, limits));
        for frame in whole.into_iter().flatten() {
            prop_assert!(frame.len() <= limits.1);
            prop_assert!(Reply::parse(&frame).is_ok());
        }
    }

    #[test]
    fn what_is_written_is_read(code in 200u16..600, enhanced in proptest::option::of((any::<u8>(), 0u16..1200, 0u16..1200)), text in ".{0,40}(\n.{0,40}){0,3}") {
        let enhanced = enhanced.map(|(class, subject, detail)| EnhancedCode::new(class, subject, detail));
        let reply = Reply::new(code, enhanced, &text);
        let again = Reply::parse(reply.as_bytes()).unwrap();
        prop_assert_eq!(again.code().value(), code);
        prop_assert_eq!(again.enhanced(), reply.enhanced());
        prop_assert_eq!(again.lines().count(), text.split('\n').count());
    }
}
