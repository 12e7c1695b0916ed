use super::*;
use crate::grammar::check::written;
use crate::mode::{Mode, Profile};

fn read<'a>(text: &'a [u8], mode: &'a Mode) -> Result<(Fetch<&'a [u8]>, bool)> {
    let mut c = Cursor::borrowed(text, mode);
    let fetch = Fetch::read(NonZeroU32::MIN, &mut c)?;
    c.end()?;
    Ok((fetch, c.into_deviations().is_empty()))
}

fn rewritten(text: &str, profile: Profile) -> Result<String> {
    let mode = Mode::new(profile);
    let (fetch, is_clean) = read(text.as_bytes(), &mode)?;
    assert!(is_clean || profile == Profile::Liberal);
    Ok(written(|out| fetch.write(out)))
}

#[test]
fn items_both_ways() {
    for item in [
        "UID 4294967295",
        "FLAGS ()",
        r"FLAGS (\Seen \Recent $Junk)",
        r#"INTERNALDATE " 7-Jul-1996 02:44:25 -0700""#,
        "RFC822.SIZE 9223372036854775807", // D8: over 4 GiB
        r#"BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#,
        r#"BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL NIL NIL)"#,
        "BODY[] NIL",
        r#"BODY[] """#,
        "BODY[]<0> {3}\r\na\r\n",
        "BODY[1.2.HEADER.FIELDS (From \"To\")]<9> {0}\r\n",
        "BINARY[1.2] ~{3}\r\n\0)(",
        "BINARY[]<7> NIL",
        "BINARY.SIZE[1] 7",
        "RFC822 {5}\r\n* OK\n",
        "RFC822.HEADER NIL",
        r#"RFC822.TEXT "a""#,
        "MODSEQ (12121231777)", // D12
        "EMAILID (M6d99ac3275bb4e)",
        "THREADID (T64b478a75b7ea9)",
        "THREADID NIL",
        r#"PREVIEW "a \"b\"""#,
        "PREVIEW NIL",
        r#"SAVEDATE "12-Sep-2023 13:39:01 -0400""#,
        "SAVEDATE NIL",
        "X-GM-MSGID 18446744073709551615",
        "X-GM-THRID 1",
        r#"X-GM-LABELS (\Inbox \Sent Important "Muy Importante")"#,
        "X-GM-LABELS ()",
        r#"XYZZY (a "))" ({2}
)) b))"#
            .replace('\n', "\r\n")
            .as_str(),
        "ANNOTATION (/comment (value.priv \"My comment\" value.shared NIL))",
        "XBODY[1.(]<7> x",
    ] {
        let text = format!("({item} UID 1)");
        for profile in [Profile::Strict, Profile::Liberal] {
            assert_eq!(rewritten(&text, profile).as_deref(), Ok(&text[..]), "{item}");
        }
    }
}

#[test]
fn a_broken_item_is_lost_alone() {
    for item in [
        "UID 0",
        "FLAGS x",
        "INTERNALDATE NIL", // D3
        "INTERNALDATE \"x\"",
        "RFC822.SIZE x",
        "ENVELOPE (NIL (((\")\" {3}\r\n)))))) NIL)",
        "BODYSTRUCTURE ((\"a\")(b))",
        "BODY[MIME] {3}\r\n)))",
        "MODSEQ 4",
        "EMAILID ()",
        "EMAILID (a=b)",
        "X-GM-MSGID 18446744073709551616",
    ] {
        let text = format!("({item} UID 7)");
        assert!(rewritten(&text, Profile::Strict).is_err(), "{item}");
        let mode = Mode::new(Profile::Liberal);
        let (fetch, is_clean) = read(text.as_bytes(), &mode).unwrap();
        assert!(!is_clean);
        let [Item::Invalid(invalid), Item::Uid(uid)] = &fetch.items[..] else { panic!("{fetch:?}") };
        assert_eq!(uid.get(), 7);
        assert!(
            item.starts_with(&*String::from_utf8_lossy(invalid.name))
                && item.ends_with(&*String::from_utf8_lossy(invalid.value))
        );
        assert!(invalid.why.at() > 3, "{:?}", invalid.why);
    }
}

#[test]
fn what_real_servers_send() {
    // (sent, written, what it shows)
    for (sent, want, shows) in [
        ("(UID 1 )", "(UID 1)", "QQ: a space before )"),
        ("( UID 1)", "(UID 1)", "a space behind ("),
        ("(UID 1  FLAGS ())", "(UID 1 FLAGS ())", "DavMail: two spaces"),
        ("(UID 1 MODSEQ (0))", "(UID 1 MODSEQ (1))", "a MODSEQ of 0"),
        ("(UID 1 MODSEQ (-23))", "(UID 1 MODSEQ (1))", "Zoho: a negative MODSEQ"),
        ("()", "()", "nothing"),
        ("(FLAGS (\\Seen)UID 1)", "(FLAGS (\\Seen) UID 1)", "no space behind )"),
    ] {
        assert_eq!(rewritten(sent, Profile::Liberal).as_deref(), Ok(want), "{shows}");
        assert!(rewritten(sent, Profile::Strict).is_err(), "{shows}");
    }
}

#[test]
fn what_is_no_fetch() {
    for broken in [
        "",
        "UID 1",
        "(UID)",
        "(UID 1",
        "(UID 1))",
        "(BODY[",
        "(BODY[] {4}\r\nabc)",
        "(XYZZY)",
        "(XYZZY ((a)",
        "(\"UID\" 1)",
    ] {
        for profile in [Profile::Strict, Profile::Liberal] {
            assert!(rewritten(broken, profile).is_err(), "{broken}");
        }
    }
}

#[test]
fn a_streamed_body_leaves_its_response_whole() {
    let mode = Mode::new(Profile::Strict);
    let head = b"(UID 3 BODY[] {10485760}\r\n";
    let mut c = Cursor::borrowed(head, &mode).with_streamed(&[26]);
    let begun = Fetch::read(NonZeroU32::MIN, &mut c).unwrap();
    assert_eq!(begun.uid().unwrap().get(), 3);
    let Some(Item::Section { data: NString::String(IString::Streamed(_, size)), .. }) = begun.items.last()
    else {
        panic!()
    };
    assert_eq!(*size, 10_485_760);
    let all = b"(UID 3 BODY[] {10485760}\r\n RFC822.SIZE 10485760)";
    let mut c = Cursor::borrowed(all, &mode).with_streamed(&[26]);
    let fetch = Fetch::read(NonZeroU32::MIN, &mut c).unwrap();
    assert_eq!(fetch.items[..2], begun.items);
    assert_eq!(fetch.items[2], Item::Size(10_485_760));
    // Where only octets at hand will do, it is an error of that item.
    let envelope = b"(ENVELOPE (NIL {70000}\r\n NIL NIL NIL NIL NIL NIL NIL NIL) UID 1)";
    let mut c = Cursor::borrowed(envelope, &mode).with_streamed(&[24]);
    assert!(Fetch::read(NonZeroU32::MIN, &mut c).is_err());
}

#[test]
fn what_is_asked_for_both_ways() {
    let rows: &[(&str, Result<&str, usize>)] = &[
        ("ALL", Ok("ALL")),
        ("fast", Ok("fast")),
        ("FLAGS", Ok("FLAGS")),
        ("(FLAGS)", Ok("(FLAGS)")),
        (
            "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)",
            Ok("(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)"),
        ),
        (
            "(RFC822 RFC822.HEADER RFC822.TEXT MODSEQ EMAILID THREADID SAVEDATE)",
            Ok("(RFC822 RFC822.HEADER RFC822.TEXT MODSEQ EMAILID THREADID SAVEDATE)"),
        ),
        (
            "(PREVIEW PREVIEW (LAZY) X-GM-MSGID X-GM-THRID X-GM-LABELS)",
            Ok("(PREVIEW PREVIEW (LAZY) X-GM-MSGID X-GM-THRID X-GM-LABELS)"),
        ),
        ("body.peek[header.fields (from)]<0.10>", Ok("BODY.PEEK[header.fields (from)]<0.10>")),
        (
            "(BINARY[1] BINARY.PEEK[]<1.2> BINARY.SIZE[1.2] XYZZY)",
            Ok("(BINARY[1] BINARY.PEEK[]<1.2> BINARY.SIZE[1.2] XYZZY)"),
        ),
        ("()", Err(1)),
        ("", Err(0)),
        ("BODY[]<0.0>", Err(9)),
        ("BODY[]<0>", Err(8)),
        ("XYZZY[1]", Err(0)),
        ("BINARY[TEXT]", Err(7)),
        ("(FLAGS", Err(6)),
    ];
    let mode = Mode::new(Profile::Strict);
    for (text, want) in rows {
        let got = FetchAttributes::parse(text.as_bytes(), &mode).map_err(|error| error.at());
        assert_eq!(got.map(|asked| written(|out| asked.write(out))), want.map(str::to_owned), "{text}");
    }
    let all = FetchAttributes::from(FetchMacro::Full);
    assert_eq!(all.iter().count(), 5);
    assert_eq!(FetchAttributes::of(all.iter()).unwrap().iter().count(), 5);
}
