//! Command lines: what is accepted, what by a quirk, what is refused and by which answer; and that what was read is
//! written so that it reads the same.

use bytes::{Bytes, BytesMut};
use mail46_smtp::{Command, Fault, Quirks, Rules, Utf8, Verb};
use mail46_wire::LineReader;
use proptest::prelude::*;

fn read(line: &[u8], quirks: Quirks) -> Result<(Command, Quirks), Fault> {
    let frame = Bytes::copy_from_slice(line);
    let parsed = Command::parse(&frame, &Rules::new(quirks)).map_err(|error| error.fault)?;
    Ok((parsed.command.in_frame(&frame), parsed.tolerated))
}

fn written(command: &Command) -> Vec<u8> {
    let mut output = BytesMut::new();
    command.write(&mut output);
    output.to_vec()
}

/// What a row wants: accepted, by exactly these quirks, or refused.
enum Want {
    A,
    Q(Quirks),
    R(Fault),
}
use Want::{A, Q, R};

#[test]
#[rustfmt::skip]
fn the_probe_of_the_notes() {
    // Appendix A of the notes on what servers and clients meet; (line, want, reason)
    let rows: &[(&[u8], Want, &str)] = &[
        (b"EHLO [ipv6:::1]", A, "the tag in any case"),
        (b"EHLO [IPv6:::ffff:192.0.2.1]", A, "a mapped address is an address"),
        (b"EHLO [IPv6:2001:db8:1:2:3:4:5:6:7]", R(Fault::Literal), "nine groups"),
        (b"EHLO [256.1.1.1]", R(Fault::Literal), "over 255"),
        (b"EHLO my_host", Q(Quirks::UNDERSCORE_HOST), "underscore"),
        (b"EHLO xn--bcher-kva.example", A, "an A-label"),
        (b"EHLO example.com ", Q(Quirks::TRAILING_SPACE), "5321 s 4.1.1: SHOULD tolerate"),
        (b"EHLO [2001:db8::1]", Q(Quirks::UNTAGGED_IPV6_LITERAL), "no tag"),
        (b"EHLO [192.0.2.1] my laptop", Q(Quirks::TEXT_AFTER_HOST), "5321 s 4.1.1.1"),
        ("EHLO b\u{fc}cher.example".as_bytes(), R(Fault::NonAscii), "6531 s 3.7.1: ASCII"),
        (b"EHLO", R(Fault::MissingArgument), "no host"),
        (b"EHLO  example.com", Q(Quirks::DOUBLED_SPACE), "two spaces"),
        (b"MAIL FROM:<>", A, "the null path"),
        (b"MAIL FROM:<>>>>>", R(Fault::AfterPath), "no null path"),
        (b"MAIL FROM: <a@example.com>", Q(Quirks::SPACE_AFTER_COLON), "a space behind the colon"),
        (b"MAIL FROM:a@example.com", Q(Quirks::MISSING_ANGLE_BRACKETS), "no brackets"),
        (b"MAIL FROM:a@example.com SIZE=1", Q(Quirks::MISSING_ANGLE_BRACKETS), "no brackets, a parameter"),
        (b"MAIL  FROM:<a@example.com>", Q(Quirks::DOUBLED_SPACE), "two spaces"),
        (b"MAIL FROM:<a@example.com>\n", R(Fault::AfterPath), "a bare LF is never tolerated"),
        (b"MAIL FROM:<a@[192.0.2.1]>", A, "an IPv4 literal"),
        (b"MAIL FROM:<a@[IPv6:2001:db8::1]>", A, "an IPv6 literal"),
        (b"MAIL FROM:<a@[x-tag:hello]>", R(Fault::UnregisteredTag), "a tag that is not registered"),
        (br#"MAIL FROM:<"a b"@example.com>"#, A, "quoted"),
        (br#"MAIL FROM:<"a>b"@example.com>"#, A, "quoted >"),
        (br#"MAIL FROM:<""@example.com>"#, A, "quoted nothing"),
        (b"MAIL FROM:<@r1,@r2:a@example.com>", A, "a source route"),
        (b"MAIL FROM:<a..b@example.com>", R(Fault::LocalPartDot), "two dots"),
        (b"MAIL FROM:<a.@example.com>", R(Fault::LocalPartDot), "a dot last"),
        (b"MAIL FROM:<a,b@example.com>", R(Fault::LocalPartCharacter), "a comma"),
        (b"MAIL FROM:<a@b@c>", R(Fault::Host), "two @"),
        (b"MAIL FROM:<a@-example.com>", R(Fault::Host), "a hyphen first"),
        (b"MAIL FROM:<a@>", R(Fault::Host), "no domain"),
        ("MAIL FROM:<\u{fc}@example.com>".as_bytes(), R(Fault::NonAscii), "UTF-8 without SMTPUTF8"),
        (b"MAIL FROM:<\xff@example.com>", R(Fault::Utf8), "not UTF-8"),
        (b"MAIL FROM:<a\0b@example.com>", R(Fault::LocalPartCharacter), "NUL"),
        (b"MAIL FROM:<a\rb@example.com>", R(Fault::LocalPartCharacter), "CR"),
        (b"MA\rIL FROM:<a@example.com>", R(Fault::Verb), "CR in the verb"),
        (b"MAIL FROM:<a@example.com> SIZE=99999999999999999999", A, "1870 s 4: 20 digits, so 552 and not 501"),
        (b"MAIL FROM:<a@example.com> SIZE=100000000000000000000", R(Fault::ParameterValue), "21 digits"),
        (b"MAIL FROM:<a@example.com> SIZE=1 SIZE=2", R(Fault::ParameterTwice), "twice"),
        (b"MAIL FROM:<a@example.com> size=1 SIZE=1", R(Fault::ParameterTwice), "twice in two cases"),
        (b"MAIL FROM:<a@example.com> X-UNKNOWN=1", A, "kept, and the server answers 555"),
        (b"MAIL FROM:<a@example.com> X=1 x=2", R(Fault::ParameterTwice), "unknown, twice"),
        (b"MAIL FROM:<a@example.com>SIZE=1", R(Fault::AfterPath), "no space"),
        (b"MAIL FROM:<a@example.com>  SIZE=1", Q(Quirks::DOUBLED_SPACE), "two spaces"),
        (b"MAIL FROM:<a@example.com> ", Q(Quirks::TRAILING_SPACE), "a space last"),
        (b"MAIL FROM:<a@example.com> SIZE=1 ", Q(Quirks::TRAILING_SPACE), "a space behind a parameter"),
        (b"MAIL FROM:<a@example.com> SIZE=1\t", Q(Quirks::TRAILING_SPACE), "a tab"),
        (b"MAIL FROM:<a@example.com> SIZE=1\r ", R(Fault::Parameter), "trimming stops at a CR"),
        (b"RCPT TO:<Postmaster>", A, "5321 s 4.1.1.3"),
        (b"rcpt to:<POSTMASTER>", A, "in any case"),
        (b"RCPT TO:<>", R(Fault::NullForwardPath), "nobody"),
        (b"RCPT TO:<a>", R(Fault::NoAtSign), "no domain"),
        (b"RCPT TO:<a@example.com> NOTIFY=NEVER,SUCCESS", R(Fault::ParameterValue), "NEVER is alone"),
        (b"RCPT TO:<a@example.com> NOTIFY=SUCCESS,NEVER", R(Fault::ParameterValue), "NEVER is alone"),
        (b"DATA foo", R(Fault::UnexpectedArgument), "5321 s 4.1.1"),
        (b"STARTTLS foo", R(Fault::UnexpectedArgument), "3207 s 4"),
        (b"STARTTLS ", R(Fault::UnexpectedArgument), "no quirk touches STARTTLS"),
        (b"STARTTLS\t", R(Fault::Verb), "no quirk touches STARTTLS"),
        (b"QUIT now", R(Fault::UnexpectedArgument), "5321 s 4.1.1"),
        (b"QUIT ", Q(Quirks::TRAILING_SPACE), "a space last"),
        (b"RSET x", R(Fault::UnexpectedArgument), "5321 s 4.1.1"),
        (b"BDAT 10 LAST", A, "3030 s 2"),
        (b"bdat 0 last", A, "an empty last chunk"),
        (b"BDAT 18446744073709551615", A, "2^64 - 1"),
        (b"BDAT 18446744073709551616", R(Fault::ChunkSize), "2^64"),
        (b"BDAT -1", R(Fault::ChunkSize), "a sign"),
        (b"BDAT +1", R(Fault::ChunkSize), "a sign"),
        (b"BDAT", R(Fault::MissingArgument), "no size"),
        (b"BDAT 10 FIRST", R(Fault::Argument), "only LAST"),
        (b"AUTH PLAIN =", A, "4954 s 4: an empty response"),
        (b"AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9eHl6", A, "any mechanism"),
        (b"AUTH X-FOO", A, "its name is kept"),
        (b"AUTH", R(Fault::MissingArgument), "no mechanism"),
        (b"AUTH PLAIN a", R(Fault::InitialResponse), "no base64"),
        (b"AUTH PLAIN ====", R(Fault::InitialResponse), "no base64"),
        (b"AUTH PL@IN", R(Fault::Mechanism), "4422 s 3.1"),
        (b"AUTH ABCDEFGHIJKLMNOPQRSTU", R(Fault::Mechanism), "4422 s 3.1: 20 characters"),
        (b"NOOP", A, "nothing"),
        (b"NOOP hello", A, "one word"),
        (br#"NOOP "hello world""#, A, "a quoted string"),
        (b"NOOP hello world", Q(Quirks::FREE_TEXT), "two words"),
        (b"HELP MAIL", A, "one word"),
        (b"HELP MAIL FROM", Q(Quirks::FREE_TEXT), "two words"),
        (b"VRFY alice", A, "a word"),
        (b"VRFY alice@example.com", A, "3.5.1: a mailbox"),
        (b"VRFY alice SMTPUTF8", A, "6531 s 3.7.4.2"),
        (b"VRFY Alice B", Q(Quirks::FREE_TEXT), "a name"),
        (b"VRFY <alice@example.com>", Q(Quirks::FREE_TEXT), "in brackets"),
        (b"VRFY", R(Fault::MissingArgument), "nobody"),
        (b"EXPN list", A, "a list"),
        (b"ETRN example.com", A, "1985 s 5"),
        (b"ETRN @example.com", A, "1985 s 5.3"),
        (b"ETRN #uucp", A, "1985 s 5.3"),
        (b"ETRN", R(Fault::MissingArgument), "no node"),
        (b"ETRN a b", R(Fault::Argument), "two"),
        (b"ATRN", A, "2645"),
        (b"ATRN example.com,example.org", A, "2645"),
        (b"ATRN example.com,", R(Fault::Argument), "an empty one"),
        (b"BURL imap://imap.example.com/x;urlauth=y LAST", A, "4468 s 3"),
        (b"BURL nourl LAST", R(Fault::Argument), "no scheme"),
        (b"XCLIENT ADDR=IPV6:2001:db8::1 NAME=[UNAVAILABLE]", A, "of Postfix"),
        (b"XCLIENT ADDR", R(Fault::Argument), "no value"),
        (b"XFORWARD NAME=mail.example.com HELO=a+20b", A, "of Postfix, in xtext"),
        (b"XFORWARD NAME=a+2", R(Fault::Argument), "bad xtext"),
        (b"LHLO example.com", A, "2033 s 4.1"),
        (b"HELO example.com", A, "5321 s 4.1.1.1"),
        (b"FOO bar baz", A, "unknown: kept, and answered with 500"),
        (b"STARTTLSX", A, "unknown"),
        (b"MAILFROM:<a@example.com>", R(Fault::Verb), "no verb"),
        (b"MAIL", R(Fault::MissingArgument), "no path"),
        (b"MAIL TO:<a@example.com>", R(Fault::Preposition), "of RCPT"),
        (b"MAIL FROM:<a@example.com", R(Fault::AngleBracket), "no closing bracket"),
        (b"", R(Fault::Verb), "nothing"),
        (b" QUIT", R(Fault::Verb), "a space first"),
        (b"\x16\x03\x01\x02", R(Fault::Verb), "a TLS handshake"),
        (b"GET / HTTP/1.1", A, "unknown: a lost browser gets its 500"),
    ];
    for (line, want, reason) in rows {
        let text = line.escape_ascii();
        let strict = read(line, Quirks::none());
        let all = read(line, Quirks::submission());
        match want {
            A => {
                let (command, tolerated) = strict.unwrap_or_else(|fault| panic!("{text}: {reason}: {fault:?}"));
                assert!(tolerated.is_empty());
                assert_eq!(all.unwrap(), (command, tolerated), "{text}: no quirk needed");
            }
            Q(quirk) => {
                assert!(strict.is_err(), "{text}: {reason}");
                let (command, tolerated) = all.unwrap_or_else(|fault| panic!("{text}: {reason}: {fault:?}"));
                assert_eq!(tolerated, *quirk, "{text}: {reason}");
                assert_eq!(read(line, *quirk).unwrap(), (command, tolerated), "{text}: this one is enough");
                assert!(read(line, Quirks::submission().without(*quirk)).is_err(), "{text}: and no other");
            }
            R(fault) => {
                assert_eq!(strict.as_ref().err(), Some(fault), "{text}: {reason}");
                assert!(all.is_err(), "{text}: no quirk helps: {all:?}");
            }
        }
        // What was read by whatever quirk is written by the grammar, and reads the same.
        if let Ok((command, _)) = read(line, Quirks::submission()) {
            let output = written(&command);
            let again = output.strip_suffix(b"\r\n").unwrap();
            assert!(!again.iter().any(|octet| b"\r\n\0".contains(octet)), "{text}");
            let quirks = Quirks::FREE_TEXT.with(Quirks::UNDERSCORE_HOST);
            assert_eq!(read(again, quirks).map(|(command, _)| command), Ok(command), "{text} written");
        }
    }
}

#[test]
fn profiles() {
    assert_eq!(Quirks::none().names().count(), 0);
    assert_eq!(Quirks::submission().names().count(), 8);
    let strict = [Quirks::MISSING_ANGLE_BRACKETS, Quirks::UNTAGGED_IPV6_LITERAL];
    for quirk in Quirks::submission().iter() {
        assert_eq!(Quirks::mx().contains(quirk), !strict.contains(&quirk), "{quirk}");
        assert_eq!(Quirks::from_name(&quirk.to_string()), Some(quirk));
    }
}

#[test]
fn what_a_refusal_is_answered_with() {
    let rows: &[(&[u8], &str)] = &[
        (b"", "500 5.5.2 "),
        (b"QUIT now", "501 5.5.4 "),
        (b"MAIL FROM:<a..b@example.com>", "501 5.1.7 "),
        (b"RCPT TO:<a..b@example.com>", "501 5.1.3 "),
        (b"RCPT TO:<a@example.com> RET=FULL", "555 5.5.4 "), // RFC 5321 s 4.1.1.11
        (b"MAIL FROM:<a@example.com> SIZE=x", "501 5.5.4 "),
        (b"AUTH PL@IN", "504 5.5.4 "),   // RFC 4954 s 4
        (b"AUTH PLAIN a", "501 5.5.2 "), // RFC 4954 s 4
        (b"EHLO [1.2.3]", "501 5.5.4 "),
    ];
    for (line, reply) in rows {
        let error = Command::parse(line, &Rules::default()).unwrap_err();
        let got = error.reply();
        assert!(got.as_bytes().starts_with(reply.as_bytes()), "{}: {got}", line.escape_ascii());
        assert_eq!(error.ends_session(), error.verb == Verb::Bdat);
    }
    assert!(Command::parse(b"BDAT x", &Rules::default()).unwrap_err().ends_session());
}

#[test]
fn a_password_is_never_printed() {
    let (command, _) = read(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==", Quirks::none()).unwrap();
    assert!(!format!("{command:?}").contains("AGFsaWNl"));
}

#[test]
fn nothing_that_is_accepted_can_be_another_command_later() {
    let frame = Bytes::from_static(b"MAIL FROM:<a@example.com> SIZE=1");
    let (command, _) = {
        let parsed = Command::parse(&frame, &Rules::default()).unwrap();
        (parsed.command.in_frame(&frame), parsed.tolerated)
    };
    let Command::Mail { params, .. } = &command else { panic!() };
    // Kept in the frame, not copied out of it.
    assert!(frame.as_ptr_range().contains(&params.as_bytes().as_ptr()));
}

/// Lines near to the grammar.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("MAIL FROM:<"),
        Just("RCPT TO:<"),
        Just("EHLO "),
        Just("mail from:"),
        Just("BDAT "),
        Just("AUTH PLAIN "),
        Just("VRFY "),
        Just("NOOP "),
        Just("QUIT"),
        Just("DATA"),
        Just("STARTTLS"),
        Just("ETRN "),
        Just("XCLIENT "),
        Just("alice"),
        Just("a.b"),
        Just("\"q \\\" q\""),
        Just("@"),
        Just("example.com"),
        Just("[192.0.2.1]"),
        Just("[IPv6:2001:db8::1]"),
        Just(">"),
        Just(" "),
        Just("  "),
        Just("SIZE=1"),
        Just("BODY=8BITMIME"),
        Just("BODY=7bit"),
        Just("NOTIFY=SUCCESS,DELAY"),
        Just("NOTIFY=NEVER"),
        Just("ORCPT=rfc822;bob@example.org"),
        Just("ORCPT=utf-8;\\x{FC}@example.com"),
        Just("RET=FULL"),
        Just("ENVID=a+2Bb"),
        Just("X-Y"),
        Just("X=1"),
        Just("AUTH=<>"),
        Just("BY=1;R"),
        Just("SMTPUTF8"),
        Just("\u{fc}"),
        Just("."),
        Just("-"),
        Just("_"),
        Just("="),
        Just("HOLDFOR=1"),
        Just("MT-PRIORITY=-9"),
        Just("RRVS=2014-04-03T23:01:00Z;C"),
        Just("\r"),
        Just("\n"),
        Just("\0"),
        Just(":"),
        Just(","),
        Just(";"),
        Just("LAST"),
        Just("<>"),
        Just("Postmaster"),
        Just("@r1:"),
    ];
    let piece = prop_oneof![
        12 => word.prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_first_line_is_what_the_reader_cuts(
        lines in proptest::collection::vec((lines(), prop_oneof![
            8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\0\r\n"), 1 => Just(""),
        ]), 0..4),
        submission in any::<bool>(),
    ) {
        let rules = Rules::new(if submission { Quirks::submission() } else { Quirks::none() });
        let whole = lines.iter().map(|(line, end)| [line, end.as_bytes()].concat()).collect::<Vec<_>>().concat();
        let (mut octets, mut input) = (&whole[..], BytesMut::from(&whole[..]));
        let mut reader = LineReader::new(1 << 20);
        while let Some(Ok(line)) = reader.next(&mut input) {
            prop_assert_eq!(Command::parse_first(&mut octets, &rules), Some(Command::parse(&line, &rules)));
            prop_assert_eq!(octets, &input[..]);
        }
        let left = octets;
        prop_assert_eq!(Command::parse_first(&mut octets, &rules), None);
        prop_assert_eq!(octets, left);
    }

    #[test]
    fn what_is_read_is_written_and_reads_the_same(line in lines(), accept in any::<bool>(), bits in any::<bool>()) {
        let utf8 = if accept { Utf8::Accept } else { Utf8::Refuse };
        let quirks = if bits { Quirks::submission() } else { Quirks::none() };
        let rules = Rules::new(quirks).utf8(utf8);
        match Command::parse(&line, &rules) {
            Err(error) => {
                prop_assert!(error.at <= line.len());
                prop_assert!(!error.reply().is_positive());
            }
            Ok(parsed) => {
                let mut output = BytesMut::new();
                parsed.command.write(&mut output);
                let body = output.strip_suffix(b"\r\n").unwrap();
                prop_assert!(!body.iter().any(|octet| b"\r\n\0".contains(octet)), "{:?}", output);
                let lenient = Quirks::FREE_TEXT.with(Quirks::UNDERSCORE_HOST);
                let again = Command::parse(body, &Rules::new(lenient).utf8(utf8));
                prop_assert_eq!(again.map(|again| again.command), Ok(parsed.command.clone()), "{:?}", output);
                if parsed.tolerated.is_empty() {
                    prop_assert!(Command::parse(body, &Rules::default().utf8(utf8)).is_ok(), "{:?}", output);
                }
            }
        }
    }
}
