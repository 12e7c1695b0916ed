//! Commands, replies, listings and capabilities, both ways.

use bytes::{Bytes, BytesMut};
use mail46_pop3::{
    Capabilities, Capability, CapabilityKind, Command, DropListing, Expire, LoginDelay, MessageNumber, Reply,
    ResponseCode, ScanListing, Scope, Status, SyntaxError, UidListing, Verb,
};
use proptest::prelude::*;

fn written(command: &Command<&[u8]>) -> Vec<u8> {
    let mut output = BytesMut::new();
    command.write(&mut output);
    output.to_vec()
}

#[test]
fn commands_that_are_read_and_written() {
    let long = [b"USER ".to_vec(), vec![b'x'; 300]].concat();
    // (line, as it is written, what it shows)
    let rows: &[(&[u8], &[u8], &str)] = &[
        (b"USER mrose", b"USER mrose", "RFC 1939 s 7"),
        (b"user mrose", b"USER mrose", "RFC 1939 s 3: keywords are case-insensitive"),
        (b"USER two words", b"USER two words", "spaces in a name"),
        (b"USER \xc3\xa9", b"USER \xc3\xa9", "RFC 6856 s 2.2"),
        (b"PASS  tan staaf ", b"PASS  tan staaf ", "RFC 1939 s 7: spaces are part of it"),
        (
            b"APOP mrose c4c9334bac560ecc979e58001b3e22fb",
            b"APOP mrose c4c9334bac560ecc979e58001b3e22fb",
            "RFC 1939 s 7",
        ),
        (b"AUTH PLAIN", b"AUTH PLAIN", "RFC 5034 s 4"),
        (b"AUTH PLAIN =", b"AUTH PLAIN =", "RFC 5034 s 4: an empty initial response"),
        (b"AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=", b"AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=", "RFC 5034 s 6"),
        (b"STLS", b"STLS", "RFC 2595 s 4"),
        (b"CAPA", b"CAPA", "RFC 2449 s 5"),
        (b"STAT", b"STAT", "RFC 1939 s 5"),
        (b"LIST", b"LIST", "RFC 1939 s 5"),
        (b"LIST 2", b"LIST 2", "RFC 1939 s 5"),
        (b"UIDL", b"UIDL", "RFC 1939 s 7"),
        (b"UIDL 4294967295", b"UIDL 4294967295", "the greatest number"),
        (b"RETR 1", b"RETR 1", "RFC 1939 s 5"),
        (b"TOP 1 0", b"TOP 1 0", "RFC 1939 s 7: a non-negative number of lines"),
        (b"TOP 1 18446744073709551615", b"TOP 1 18446744073709551615", "64 bits"),
        (b"DELE 007", b"DELE 7", "zeros before it change nothing"),
        (b"NOOP", b"NOOP", "RFC 1939 s 5"),
        (b"RSET", b"RSET", "RFC 1939 s 5"),
        (b"QUIT", b"QUIT", "RFC 1939 s 4"),
        (b"UTF8", b"UTF8", "RFC 6856 s 2.1"),
        (b"LANG", b"LANG", "RFC 6856 s 3.2"),
        (b"LANG *", b"LANG *", "RFC 6856 s 3.2"),
        (b"LANG en-boont", b"LANG en-boont", "RFC 6856 s 3.3"),
        (b"XTND XMIT 1", b"XTND XMIT 1", "unknown ones are kept"),
        (b"XTND ", b"XTND ", "as they are"),
        (&long, &long, "length is the line reader's matter"),
    ];
    for (line, want, shows) in rows {
        let command = Command::parse(line).unwrap_or_else(|error| panic!("{shows}: {error}"));
        assert_eq!(written(&command), [want, &b"\r\n"[..]].concat(), "{shows}");
        let frame = Bytes::copy_from_slice(line);
        let owned = Command::parse(&frame).unwrap().in_frame(&frame);
        let mut output = BytesMut::new();
        owned.write(&mut output);
        assert_eq!(Command::parse(output.strip_suffix(b"\r\n").unwrap()), Ok(command), "{shows}: again");
    }
}

#[test]
fn lines_that_are_no_commands() {
    use SyntaxError::*;
    let rows: &[(&[u8], SyntaxError, &str)] = &[
        (b"", NoKeyword, "the empty line"),
        (b" STAT", NoKeyword, "a space first"),
        (b"\x80\x81", NoKeyword, "not printable"),
        (b"STAT\tx", NoKeyword, "a tab is no space"),
        (b"USER", MissingArgument, "no name"),
        (b"USER ", MissingArgument, "an empty name"),
        (b"PASS", MissingArgument, "no password"),
        (b"PASS ", MissingArgument, "an empty password"),
        (b"RETR", MissingArgument, "no number"),
        (b"TOP 1", MissingArgument, "no lines"),
        (b"DELE 0", MessageNumber, "there is no message 0"),
        (b"DELE 4294967296", MessageNumber, "which is not 0"),
        (b"DELE 4294967297", MessageNumber, "which is not 1"),
        (b"RETR 18446744073709551617", MessageNumber, "nor is this"),
        (b"RETR -1", MessageNumber, "no sign"),
        (b"RETR +1", MessageNumber, "no sign"),
        (b"RETR 1 ", MessageNumber, "a space behind it"),
        (b"RETR 1 2", MessageNumber, "one argument too many"),
        (b"LIST ", MessageNumber, "an empty argument"),
        (b"TOP 1 -1", Lines, "RFC 1939 s 7: non-negative"),
        (b"TOP 1 18446744073709551616", Lines, "over 64 bits"),
        (b"TOP 0 1", MessageNumber, "message 0"),
        (b"STLS arg", UnexpectedArgument, "RFC 2595 s 4: no arguments"),
        (b"QUIT ", UnexpectedArgument, "a space is one already"),
        (b"UTF8 USER", UnexpectedArgument, "RFC 6856 s 2.1: no parameters"),
        (b"APOP mrose", MissingArgument, "no digest"),
        (b"APOP mrose C4C9334BAC560ECC979E58001B3E22FB", Digest, "RFC 1939 s 7: lower case"),
        (b"APOP mrose c4c9334bac560ecc979e58001b3e22f", Digest, "31 digits"),
        (b"AUTH", MissingArgument, "no mechanism"),
        (b"AUTH P/AIN", Mechanism, "no mechanism's name"),
        (b"AUTH PLAIN =AAA", Base64, "RFC 5034 s 4"),
        (b"AUTH PLAIN AAA=BBB", Base64, "RFC 5034 s 4"),
        (b"AUTH PLAIN AAAA AAAA", Base64, "two responses"),
        (b"AUTH PLAIN ", Base64, "an empty one is ="),
        (b"LANG fran\xc3\xa7ais", Language, "no tag"),
    ];
    for (line, want, shows) in rows {
        assert_eq!(Command::parse(line), Err(*want), "{shows}");
    }
}

#[test]
fn secrets_have_no_debug() {
    for line in ["PASS hunter2", "AUTH PLAIN aHVudGVyMg==", "APOP a c4c9334bac560ecc979e58001b3e22fb"] {
        let shown = format!("{:?}", Command::parse(line.as_bytes()).unwrap());
        for secret in ["hunter2", "aHVu", "c4c9"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn replies() {
    use ResponseCode::*;
    type Row<'a> = (&'a [u8], Status, Option<ResponseCode<'a>>, &'a [u8], &'a str);
    let rows: &[Row<'_>] = &[
        (b"+OK", Status::Ok, None, b"", "nothing more"),
        (b"+OK ", Status::Ok, None, b"", "a space"),
        (b"+OK 2 320", Status::Ok, None, b"2 320", "RFC 1939 s 5"),
        (
            b"-ERR [IN-USE] Do you have another POP session running?",
            Status::Err,
            Some(InUse),
            b"Do you have another POP session running?",
            "RFC 2449 s 8.1.2",
        ),
        (
            b"-ERR [LOGIN-DELAY] minimum time",
            Status::Err,
            Some(LoginDelay),
            b"minimum time",
            "RFC 2449 s 8.1.1",
        ),
        (b"-ERR [sys/temp] x", Status::Err, Some(SysTemp), b"x", "RFC 3206 s 4: case is not significant"),
        (b"-ERR [SYS/PERM/disk]x", Status::Err, Some(SysPerm), b"x", "levels that nobody knows; no space"),
        (b"-ERR [SYS/FOO] x", Status::Err, Some(Sys), b"x", "another second level"),
        (b"-ERR [AUTH]", Status::Err, Some(Auth), b"", "RFC 3206 s 5"),
        (b"-ERR [UTF8] x", Status::Err, Some(Utf8), b"x", "RFC 6856 s 5"),
        (b"-ERR [X-Y/z] x", Status::Err, Some(Other(b"X-Y/z")), b"x", "kept"),
        (b"-ERR [IN-USE", Status::Err, None, b"[IN-USE", "no end"),
        (b"-ERR []", Status::Err, None, b"[]", "empty"),
        (b"-ERR [a b] c", Status::Err, None, b"[a b] c", "a space in it"),
        (b"-ERR [a//b] c", Status::Err, None, b"[a//b] c", "an empty level"),
    ];
    for (line, status, code, text, shows) in rows {
        let reply = Reply::parse(line).unwrap_or_else(|| panic!("{shows}"));
        assert_eq!((reply.status(), reply.code(), reply.text()), (*status, *code, *text), "{shows}");
        let mut output = BytesMut::new();
        reply.write(&mut output);
        assert_eq!(output, [line, &b"\r\n"[..]].concat()[..], "{shows}: written as it came");
    }
    for line in ["", "OK", "+ok", "-err", "+OKAY", "+", "+ =", "-ERRx", "* OK", "220 x", "+OK\tx"] {
        assert!(Reply::parse(line.as_bytes()).is_none(), "{line} is no reply");
    }
}

#[test]
fn replies_of_our_own_fit_their_line() {
    let reply = Reply::err(Some(ResponseCode::InUse), &format!("a\r\n+OK\0{}", "é".repeat(400)));
    let mut output = BytesMut::new();
    reply.write(&mut output);
    assert!(output.len() <= 512 && output.starts_with(b"-ERR [IN-USE] a  +OK "));
    assert!(std::str::from_utf8(&output).is_ok(), "no character is cut in two");
    assert_eq!(Reply::ok("[x] y").code(), None, "a text is no response code");
}

#[test]
fn listings() {
    let rows: &[(&[u8], Option<(u32, u64)>, &str)] = &[
        (b"1 120", Some((1, 120)), "RFC 1939 s 5"),
        (b"1 120 extra", Some((1, 120)), "against its advice"),
        (b"1 18446744073709551615", Some((1, u64::MAX)), "64 bits"),
        (b"1 18446744073709551616", None, "one more"),
        (b"0 1", None, "message 0"),
        (b"4294967297 1", None, "which is not 1"),
        (b"1 -1", None, "negative"),
        (b"1", None, "no size"),
        (b"1  1", None, "two spaces"),
        (b"a b", None, "no numbers"),
    ];
    for (line, want, shows) in rows {
        let scan = ScanListing::parse(line);
        assert_eq!(scan.as_ref().map(|scan| (scan.message.get(), scan.octets)), *want, "{shows}");
        if let Some(scan) = scan {
            let mut output = BytesMut::new();
            scan.write(&mut output);
            assert_eq!(output.strip_suffix(b"\r\n"), Some(*line), "{shows}");
        }
    }
    let longest = "x".repeat(70);
    let rows = [
        ("1 whqtswO00WBw418f9t5JxYwZ".to_owned(), true, "RFC 1939 s 7"),
        (format!("1 {longest}"), true, "70 octets"),
        (format!("1 {longest}x"), false, "71"),
        ("1 ".to_owned(), false, "none"),
        ("1 a b".to_owned(), false, "RFC 1939 s 7: no information follows"),
        ("1 ../../etc/passwd".to_owned(), true, "text, and no file name"),
        ("1 a\tb".to_owned(), false, "a control character"),
    ];
    for (line, fits, shows) in rows {
        assert_eq!(UidListing::parse(line.as_bytes()).is_some(), fits, "{shows}");
    }
    assert_eq!(DropListing::parse(b"2 320"), Some(DropListing { messages: 2, octets: 320 }));
    assert_eq!(DropListing::parse(b"4294967296 1"), None);
    assert_eq!(DropListing::parse(b"2"), None);
}

#[test]
fn capabilities_of_rfc_2449_s_5() {
    let text = "TOP\r\nUSER\r\nSASL CRAM-MD5 KERBEROS_V4\r\nRESP-CODES\r\nLOGIN-DELAY 900 USER\r\nPIPELINING\r\nEXPIRE 60\r\n\
                UIDL\r\nIMPLEMENTATION Shlemazle-Plotz-v302\r\nX-FOO  bar\r\nUTF8 USER\r\n";
    let all = Capabilities::parse(text.as_bytes().split(|octet| *octet == b'\n')).unwrap();
    let mut output = BytesMut::new();
    all.iter().for_each(|capability| capability.write(&mut output));
    assert_eq!(output, text, "nothing is dropped");
    assert_eq!(all.mechanisms().collect::<Vec<_>>(), ["CRAM-MD5", "KERBEROS_V4"]);
    assert_eq!(all.login_delay(), Some(LoginDelay { seconds: 900, scope: Scope::PerUser }));
    assert_eq!(all.expire(), Some(Expire { days: Some(60), scope: Scope::Fixed }));
    assert_eq!(all.implementation(), Some(&b"Shlemazle-Plotz-v302"[..]));
    assert!(all.has(CapabilityKind::Pipelining) && !all.has(CapabilityKind::Stls) && all.takes_utf8_users());
    let never = Capabilities::parse([&b"expire never user"[..]]).unwrap();
    assert_eq!(never.expire(), Some(Expire { days: None, scope: Scope::PerUser }), "case-insensitive");
    let wrong = Capabilities::parse([&b"EXPIRE 4294967296"[..], b"LOGIN-DELAY -1"]).unwrap();
    assert_eq!((wrong.expire(), wrong.login_delay()), (None, None), "numbers that do not fit");
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let verbs = prop::sample::select(vec![
        "USER", "PASS", "APOP", "AUTH", "STLS", "LIST", "UIDL", "RETR", "TOP", "DELE", "LANG", "XYZ", "+OK",
        "-ERR", "",
    ]);
    let words = prop::collection::vec(
        prop_oneof!["[0-9]{1,20}", "[!-~]{1,8}", "[A-Za-z0-9+/]{4}={0,2}", "\\[[A-Z/]{1,9}\\]", "\\PC{0,4}"],
        0..4,
    );
    (verbs, words).prop_map(|(verb, words)| [vec![verb.to_owned()], words].concat().join(" ").into_bytes())
}

proptest! {
    #[test]
    fn what_is_read_is_written_back(line in prop_oneof![line(), prop::collection::vec(any::<u8>(), 0..60)]) {
        if let Ok(command) = Command::parse(&line) {
            let output = written(&command);
            let body = output.strip_suffix(b"\r\n").unwrap();
            if command.verb() != Verb::Other {
                prop_assert!(!body.iter().any(|octet| b"\r\n\0".contains(octet)));
            }
            prop_assert_eq!(Command::parse(body), Ok(command));
        }
        let body = |write: &dyn Fn(&mut BytesMut)| {
            let mut output = BytesMut::new();
            write(&mut output);
            output.truncate(output.len() - 2);
            output.to_vec()
        };
        if let Some(reply) = Reply::parse(&line) {
            prop_assert_eq!(&body(&|output| reply.write(output)), &line);
        }
        if let Ok(capability) = Capability::parse(&line) {
            prop_assert_eq!(&body(&|output| capability.write(output)), &line);
        }
        if let Some(scan) = ScanListing::parse(&line) {
            let again = body(&|output| scan.write(output));
            prop_assert_eq!(ScanListing::parse(&again), Some(scan));
        }
        if let Some(uid) = UidListing::parse(&line) {
            let again = body(&|output| uid.write(output));
            prop_assert_eq!(UidListing::parse(&again), Some(uid));
        }
    }

    #[test]
    fn our_replies_are_replies(text in "\\PC*", code in "\\PC{0,8}", ok in any::<bool>()) {
        let status = if ok { Status::Ok } else { Status::Err };
        let code = ResponseCode::Other(code.as_bytes());
        for code in [None, Some(code)] {
            let mut output = BytesMut::new();
            Reply::new(status, code, &text).write(&mut output);
            prop_assert!(output.len() <= 512);
            let line = output.strip_suffix(b"\r\n").unwrap();
            prop_assert_eq!(Reply::parse(line).map(|reply| reply.status()), Some(status));
        }
    }

    #[test]
    fn numbers_never_wrap(number in any::<u128>()) {
        let digits = number.to_string();
        let want = u32::try_from(number).ok().filter(|number| *number > 0);
        prop_assert_eq!(MessageNumber::parse(digits.as_bytes()).ok().map(MessageNumber::get), want);
    }
}
