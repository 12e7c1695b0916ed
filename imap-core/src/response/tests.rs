use bytes::BytesMut;

use super::*;
use crate::mode::Profile;
use crate::writer::Side;

fn rewritten(text: &str, mode: &Mode) -> Result<String> {
    let (response, deviations) = Response::parse_noting(text.as_bytes(), mode)?;
    assert!(mode.quirks != crate::Quirks::NONE || deviations.is_empty());
    let mut out = BytesMut::new();
    response.write(&mut Writer::new(&mut out, Side::Server, mode));
    // The same when its octets are shared.
    let shared = Response::parse_shared(&Bytes::copy_from_slice(text.as_bytes()), mode).unwrap();
    let mut again = BytesMut::new();
    shared.write(&mut Writer::new(&mut again, Side::Server, mode));
    assert_eq!(out, again);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn responses_both_ways() {
    let mode = Mode::new(Profile::Strict);
    for line in [
        "* OK IMAP4rev2 server ready",
        "* PREAUTH IMAP4rev2 server logged in as Smith",
        "* BYE Autologout; idle for too long",
        "* NO Disk is 98% full {100}",
        "* BAD [ALERT] ",
        "* OK ", // RFC 9051 s 9: the text may be missing
        "* OK [HIGHESTMODSEQ 1] ",
        "a]b-1 OK [READ-WRITE] done",
        "A1 NO [XYZZY foo \"]\" bar] x", // D8
        "A1 BAD {5}",
        "+ ",
        "+ idling",
        "+ YDMGCSqGSIb3EgECAgIBAAD/////6jcyG4GE3KkTzBeBiVHeceP2CWY0SR0fAQAgAAQEBAQ=",
        "* CAPABILITY STARTTLS AUTH=GSSAPI IMAP4rev2",
        "* ENABLED",
        "* ENABLED CONDSTORE X-GOOD-IDEA",
        r"* FLAGS (\Answered \Flagged)",
        r#"* LIST (\Noselect) "/" ~/Mail/foo"#,
        r#"* LSUB () "." #news.comp.mail.misc"#,
        r#"* XLIST (\HasNoChildren \Inbox) "/" Inbox"#,
        "* STATUS blurdybloop (MESSAGES 231 SIZE 44292)", // D8
        "* SEARCH",
        "* SEARCH 2 3 6 (MODSEQ 917162500)",
        "* SORT 2 3 6",
        r#"* ESEARCH (TAG "h") UID COUNT 5 ALL 1:10"#, // D8
        "* THREAD (166)(167)(168)(169)(172)(170)(171)(173)(174 (175)(176 178))",
        "* THREAD",
        "* 23 EXISTS",
        "* 0 RECENT",
        "* 44 EXPUNGE",
        "* VANISHED (EARLIER) 41,43:116",
        "* VANISHED 300:310",
        r"* 23 FETCH (FLAGS (\Seen) RFC822.SIZE 44827)",
        "* 25996 UIDFETCH (FLAGS () MODSEQ (4))", // D8
        r#"* ID ("name" "Cyrus" "version" NIL)"#,
        "* ID NIL",
        "* ID ()",
        r##"* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) NIL (("Public/" NIL))"##,
        r#"* QUOTA "" (STORAGE 10 512 MESSAGE 1 2)"#,
        "* QUOTAROOT INBOX \"\"",
        "* QUOTAROOT comp.mail.mime",
        "* ACL INBOX Fred rwipsldexta -wetd w", // D8
        "* LISTRIGHTS ~/Mail/saved smith la r s w i",
        "* MYRIGHTS INBOX rwiptsldaex",
        r#"* METADATA "" (/shared/comment "Shared comment" /private/comment NIL)"#,
        "* METADATA INBOX /shared/comment /private/comment",
        "* METADATA \"\" (/shared/x ~{2}\r\n\0))",
        "* LANGUAGE (EN DE i-default)",
        r#"* COMPARATOR i;ascii-casemap (en;ascii-casemap i;octet)"#,
        "* COMPARATOR i;octet",
        r#"* GENURLAUTH "imap://joe@example.com/INBOX/;uid=20/;section=1.2""#,
        "* URLFETCH \"imap://joe@example.com/INBOX\" {2}\r\nab \"x\" NIL",
        "* XYZZY {3}\r\n\r\n) \"x", // D8: kept raw
        "* 12 XYZZY (a b)",
    ] {
        let line = format!("{line}\r\n");
        assert_eq!(rewritten(&line, &mode).as_ref(), Ok(&line));
        assert_eq!(rewritten(&line, &Mode::new(Profile::Liberal)).as_ref(), Ok(&line), "liberal");
    }
}

#[test]
fn what_real_servers_send() {
    let (strict, liberal) = (Mode::new(Profile::Strict), Mode::new(Profile::Liberal));
    let mut shown = crate::Quirks::NONE;
    // (sent, written, which quirk it is, what it shows)
    for (sent, want, quirk, shows) in [
        (
            "* STATUS INBOX (UNSEEN 0) ",
            "* STATUS INBOX (UNSEEN 0)",
            Quirk::TrailingSpace,
            "Exchange, Office 365",
        ),
        ("* CAPABILITY IMAP4rev1 ", "* CAPABILITY IMAP4rev1", Quirk::TrailingSpace, "Courier, Zimbra"),
        ("* SEARCH 1 2 ", "* SEARCH 1 2", Quirk::TrailingSpace, "Courier"),
        ("* SEARCH ", "* SEARCH", Quirk::TrailingSpace, "Exchange"),
        (r#"* ID ("name" "GImap") "#, r#"* ID ("name" "GImap")"#, Quirk::TrailingSpace, "ID"),
        ("* OK [HIGHESTMODSEQ 1]", "* OK [HIGHESTMODSEQ 1] ", Quirk::MissingText, "Gmail"),
        ("a1 OK", "a1 OK ", Quirk::MissingText, "a bare OK"),
        ("* BYE", "* BYE ", Quirk::MissingText, "a bare BYE"),
        ("* OK [ALERT]\u{e9}x", "* OK [ALERT] ?x", Quirk::MissingText, "D4"),
        ("+", "+ ", Quirk::BareContinuation, "public-inbox and others"),
        ("+OK", "+ OK", Quirk::BareContinuation, "no space"),
        ("[COPYUID 55 31 6] moved", "* OK [COPYUID 55 31 6] moved", Quirk::MissingStatus, "Exchange of old"),
        (
            "* [COPYUID 55 31 6] moved",
            "* OK [COPYUID 55 31 6] moved",
            Quirk::MissingStatus,
            "the same with *",
        ),
        ("* CAPABILITY STARTTLS", "* CAPABILITY STARTTLS", Quirk::NoRevision, "no IMAP4rev1"),
        ("* 1 FETCH (INTERNALDATE NIL)", "* 1 FETCH (INTERNALDATE NIL)", Quirk::BrokenItem, "D3"),
        (
            "* 1 FETCH (ENVELOPE (NIL \"caf\u{e9}\" NIL NIL NIL NIL NIL NIL NIL NIL))",
            "* 1 FETCH (ENVELOPE (NIL {5}\r\ncaf\u{e9} NIL NIL NIL NIL NIL NIL NIL NIL))",
            Quirk::EightBit,
            "Proton Bridge",
        ),
        ("* FLAGS (\\Seen \\*)", "* FLAGS (\\Seen \\*)", Quirk::FlagSpecials, "GreenMail, Zoho"),
        ("* OK [CAPABILITY IMAP4rev1", "* OK [CAPABILITY IMAP4rev1", Quirk::BrokenItem, "no closing bracket"),
        ("* LANGUAGE ()", "* LANGUAGE ()", Quirk::EmptyList, "an empty list"),
        (
            r#"* NAMESPACE (("" "/") ("a" "/")) NIL NIL"#,
            r#"* NAMESPACE (("" "/")("a" "/")) NIL NIL"#,
            Quirk::SpaceInParentheses,
            "a space between namespaces",
        ),
        (
            r#"* 2 FETCH (UID 14935 (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)) BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL))"#,
            r#"* 2 FETCH (UID 14935 ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL))"#,
            Quirk::ExtraParentheses,
            "Domino",
        ),
        ("* 2 FETCH ((UID 1))", "* 2 FETCH (UID 1)", Quirk::ExtraParentheses, "all of them in two"),
        ("* LIST () \"/\" {1+}\r\na", "* LIST () \"/\" {1}\r\na", Quirk::ServerLiteralPlus, "RFC 7888 s 8"),
        (
            "* 1 FETCH (XYZZY {3+}\r\n+}x)",
            "* 1 FETCH (XYZZY {3}\r\n+}x)",
            Quirk::ServerLiteralPlus,
            "in an item kept raw",
        ),
        (
            "* XYZZY {6+}\r\n{9+}\r\n {2}\r\nab",
            "* XYZZY {6}\r\n{9+}\r\n {2}\r\nab",
            Quirk::ServerLiteralPlus,
            "in a response kept raw, where one looks like one",
        ),
        ("* 4294967296 EXISTS", "* 4294967295 EXISTS", Quirk::HugeNumber, "over 32 bits"),
        (
            "* STATUS INBOX (UIDNEXT 4294967296)",
            "* STATUS INBOX (UIDNEXT 4294967295)",
            Quirk::HugeNumber,
            "over 32 bits, and not 0",
        ),
        (
            "* 1 FETCH (RFC822.SIZE 18446744073709551615)",
            "* 1 FETCH (RFC822.SIZE 9223372036854775807)",
            Quirk::HugeNumber,
            "-1 said as 64 bits",
        ),
        (
            "* STATUS INBOX (UIDNEXT 0 UNSEEN 0)",
            "* STATUS INBOX (UNSEEN 0)",
            Quirk::Zero,
            "no number over 0 is left out",
        ),
        ("* OK [UIDVALIDITY 0] x", "* OK x", Quirk::Zero, "163.com: no number over 0, no code"),
        ("* OK [COPYUID 0 1 2] x", "* OK x", Quirk::Zero, "the same"),
        ("* 1 FETCH (MODSEQ (0))", "* 1 FETCH (MODSEQ (1))", Quirk::Zero, "Zoho: the least there is"),
        ("* STATUS INBOX (MESSAGES -1)", "* STATUS INBOX (MESSAGES 0)", Quirk::NegativeNumber, "no count"),
        ("* OK a\rb\0", "* OK a?b?", Quirk::ControlCharacter, "a text has no other form"),
        (
            "* LIST () \"/\" \"a\rb\"",
            "* LIST () \"/\" {3}\r\na\rb",
            Quirk::ControlCharacter,
            "a string has: a literal",
        ),
        (r#"* LIST () "/" "a\b""#, r#"* LIST () "/" "a\\b""#, Quirk::StrayBackslash, "a path of Windows"),
        (
            "* 1 FETCH (PREVIEW abc)",
            "* 1 FETCH (PREVIEW \"abc\")",
            Quirk::UnquotedString,
            "an atom for a string",
        ),
        (
            "* 1 FETCH (INTERNALDATE \"1-Jan-2024 01:02:03 +0000\")",
            "* 1 FETCH (INTERNALDATE \" 1-Jan-2024 01:02:03 +0000\")",
            Quirk::DateForm,
            "a day of one digit",
        ),
        ("* LIST  () \"/\" a", "* LIST () \"/\" a", Quirk::DoubleSpace, "DavMail"),
        ("* LIST ()\"/\" a", "* LIST () \"/\" a", Quirk::MissingSpace, "nothing it could be taken for"),
        (
            "* 1 FETCH (BODY (\"text\" \"plain\" (\"charset\" NIL) NIL NIL \"7bit\" 1 1))",
            "* 1 FETCH (BODY (\"text\" \"plain\" (\"charset\" \"\") NIL NIL \"7bit\" 1 1))",
            Quirk::NilString,
            "Mail.ru",
        ),
        (
            "* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL))",
            "* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))",
            Quirk::MissingField,
            "no message ID",
        ),
    ] {
        let (sent, want) = (format!("{sent}\r\n"), format!("{want}\r\n"));
        assert_eq!(rewritten(&sent, &liberal).as_ref(), Ok(&want), "{shows}");
        assert!(rewritten(&sent, &strict).is_err(), "{shows}");
        let (_, deviations) = Response::parse_noting(sent.as_bytes(), &liberal).unwrap();
        assert_eq!(deviations[0].quirk, quirk, "{shows}");
        let without = Mode { quirks: liberal.quirks.without(quirk), ..liberal.clone() };
        // Without it the response is refused, or what is broken in it is lost alone.
        if let Ok((_, deviations)) = Response::parse_noting(sent.as_bytes(), &without) {
            assert_eq!(deviations[0].quirk, Quirk::BrokenItem, "{shows}");
            assert_ne!(quirk, Quirk::BrokenItem, "{shows}");
        }
        shown = shown.with(quirk);
    }
    for quirk in Quirk::ALL {
        assert!(shown.has(*quirk), "{quirk:?} has no row");
    }
}

#[test]
fn what_is_no_response() {
    let liberal = Mode::new(Profile::Liberal);
    for broken in [
        "",
        "*",
        "* ",
        "A1",
        "A1 ",
        "A1 YES x",
        "A1 PREAUTH x",
        "* 0 FETCH (UID 1)",
        "* 0 EXPUNGE",
        "* 4294967297 EXPUNGE x",
        "* 1 EXISTS x",
        "* FLAGS",
        "* LIST x",
        "* VANISHED (EARLIER)",
        "* VANISHED *x",
        "* ESEARCH (TAG",
        "* (",
        "* \"x\" y",
        "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)",
        "* XYZZY a\r\n* BYE x",
        "* XYZZY \"a{3}\r\nabc",
        "* 1 FETCH (BODY[] {99}\r\nabc)",
        "* XYZZY a\n* BYE x",
        "* 1 FETCH (XYZZY (a\r\n* BYE x))",
        "* 1 FETCH (XYZZY \"a\r\n* BYE x\")",
        "* 1 FETCH (ENVELOPE (\r\n* BYE x))",
        "* 1 FETCH UID 1",
        "\u{e9} OK x",
        "* METADATA INBOX",
        "* URLFETCH \"a\"",
    ] {
        assert!(rewritten(&format!("{broken}\r\n"), &liberal).is_err(), "{broken}");
    }
}

#[test]
fn a_frame_with_a_streamed_literal_is_read_twice() {
    use crate::{Cut, FrameLimits, Framer};
    let mode = Mode::new(Profile::Liberal);
    let limits = FrameLimits { literal: 4, ..FrameLimits::client() };
    let mut framer = Framer::responses(limits);
    let mut input = BytesMut::from("* 7 FETCH (UID 9 BODY[] {10}\r\n)))))\r\n((( FLAGS (\\Seen))\r\n");
    assert!(matches!(framer.next(&mut input), Some(Ok(Cut::Begin(_)))));
    let head = framer.head(&input).to_vec();
    let streamed = [head.len()];
    let Response::Untagged(Untagged::Fetch(begun)) = Response::parse_head(&head, &streamed, &mode).unwrap()
    else {
        panic!()
    };
    assert_eq!((begun.number.get(), begun.items.len()), (7, 2));
    assert!(matches!(framer.next(&mut input), Some(Ok(Cut::Data(data))) if data == ")))))\r\n((("));
    assert_eq!(framer.next(&mut input), Some(Ok(Cut::DataEnd)));
    let Some(Ok(Cut::Frame(frame))) = framer.next(&mut input) else { panic!() };
    let (Response::Untagged(Untagged::Fetch(fetch)), _) = Response::parse_frame(&frame, &mode).unwrap()
    else {
        panic!()
    };
    assert_eq!(fetch.items.len(), 3);
    let mut out = BytesMut::new();
    let all = Response::Untagged(Untagged::Fetch(fetch));
    let strict = Mode::new(Profile::Strict);
    let mut writer = Writer::new(&mut out, Side::Server, &strict);
    all.write(&mut writer);
    assert_eq!(writer.finish(), [crate::Mark { at: 30, pause: crate::Pause::Streamed(10) }]);
    assert_eq!(out, "* 7 FETCH (UID 9 BODY[] {10}\r\n FLAGS (\\Seen))\r\n");
}
