use super::*;
use crate::grammar::check::written;
use crate::mode::{Mode, Profile};

fn rewritten(text: &str, profile: Profile) -> Result<String> {
    let (mode, strict) = (Mode::new(profile), Mode::new(Profile::Strict));
    let mut c = Cursor::borrowed(text.as_bytes(), &mode);
    let body = BodyStructure::read(&mut c)?;
    c.end()?;
    let out = written(|out| body.write(out));
    // What is written is the same, by the strict grammar, but for fields that it must have.
    if let Ok(same) = BodyStructure::read(&mut Cursor::borrowed(out.as_bytes(), &strict)) {
        assert_eq!(written(|out| same.write(out)), out);
        assert_eq!(same.parts().len(), body.parts().len());
    }
    Ok(out)
}

#[test]
fn bodies_both_ways() {
    let nils = "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL";
    let text = r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)"#;
    // (what it is, what it shows)
    let rows: &[(String, &str)] = &[
        (text.into(), "RFC 9051 s 7.5.2: a simple text message"),
        (
            r#"(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")"#.into(),
            "RFC 9051 s 7.5.2: two parts",
        ),
        (
            r#"("IMAGE" "PNG" NIL "<a@b>" {3}
abc "BASE64" 9 "md5" ("inline" ("filename" "a.png")) ("en" "de") "http://x" (1 "x" (NIL 2)) NIL)"#.replace('\n', "\r\n"),
            "all of the extension data, of grammars to come too",
        ),
        (format!(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 99 ({nils}) {text} 7 NIL NIL "en")"#), "a message"),
        (
            format!(r#"(("MESSAGE" "GLOBAL" NIL NIL NIL "7BIT" 99 ({nils}) (({text}{text} "ALTERNATIVE" ("A" "b") NIL NIL NIL){text} "MIXED") 7){text} "MIXED" ("BOUNDARY" "x") ("attachment" NIL) NIL)"#),
            "multiparts in a message in a multipart",
        ),
        (r#"("MESSAGE" "DELIVERY-STATUS" NIL NIL NIL "7BIT" 99)"#.into(), "a message that is none"),
    ];
    for (body, shows) in rows {
        for profile in [Profile::Strict, Profile::Liberal] {
            assert_eq!(rewritten(body, profile).as_deref(), Ok(&body[..]), "{shows}");
        }
    }
}

#[test]
fn what_real_servers_send() {
    // (sent, written, what it shows)
    let rows: &[(&str, &str, &str)] = &[
        (
            r#"("text" "plain" NIL NIL NIL "7BIT" 2 -1 NIL NIL NIL)"#,
            r#"("text" "plain" NIL NIL NIL "7BIT" 2 0 NIL NIL NIL)"#,
            "Exchange, Dovecot: -1 lines",
        ),
        (
            r#"(("text" "plain" ("charset" "utf-8") NIL NIL "base64" 1 1 NIL NIL NIL NIL) "alternative" ("boundary" NIL) NIL NIL)"#,
            r#"(("text" "plain" ("charset" "utf-8") NIL NIL "base64" 1 1 NIL NIL NIL NIL) "alternative" ("boundary" "") NIL NIL)"#,
            "Mail.ru: NIL for a value",
        ),
        (
            r#"(NIL "alternative" ("boundary" "x") NIL NIL)"#,
            r#"("" "alternative" ("boundary" "x") NIL NIL "" 0 NIL NIL NIL)"#,
            "Gmail: a multipart without parts",
        ),
        (
            r#"("text" "plain" () NIL NIL NIL 2 1)"#,
            r#"("text" "plain" NIL NIL NIL "" 2 1)"#,
            "no parameter, and no encoding",
        ),
        (
            r#"("text" "plain" NIL NIL NIL "7BIT" 2)"#,
            r#"("text" "plain" NIL NIL NIL "7BIT" 2)"#,
            "a text without lines",
        ),
        (
            r#"("message" "rfc822" NIL NIL NIL "7BIT" 2 NIL ("attachment" ("filename" "a")) NIL)"#,
            r#"("message" "rfc822" NIL NIL NIL "7BIT" 2 NIL ("attachment" ("filename" "a")) NIL)"#,
            "Yandex, Gmail: a message without its envelope",
        ),
        (
            r#"("text" "plain" NIL NIL NIL "7BIT" 2 1 NIL ("attachment") NIL)"#,
            r#"("text" "plain" NIL NIL NIL "7BIT" 2 1 NIL ("attachment" NIL) NIL)"#,
            "a disposition without parameters",
        ),
        (
            r#"("message" "rfc822"  NIL NIL NIL "7BIT" 787 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) () 0 NIL NIL NIL)"#,
            r#"("message" "rfc822" NIL NIL NIL "7BIT" 787 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("" "" NIL NIL NIL "" 0) 0 NIL NIL NIL)"#,
            "Domino: a message whose body is ()",
        ),
    ];
    for (sent, want, shows) in rows {
        assert_eq!(rewritten(sent, Profile::Liberal).as_deref(), Ok(*want), "{shows}");
        assert!(rewritten(sent, Profile::Strict).is_err(), "{shows}");
    }
}

#[test]
fn broken_bodies_are_refused() {
    for broken in [
        "",
        "NIL",
        "()",
        "(",
        r#"("TEXT""#,
        r#"("TEXT" "PLAIN")"#,
        r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" x 1)"#,
        r#"("A" "B" NIL NIL NIL "7BIT" 1 NIL NIL NIL NIL "x""#, // it ends in the extension data
        r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#,
        r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 (NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) 1)"#,
    ] {
        assert!(rewritten(broken, Profile::Liberal).is_err(), "{broken}");
    }
}

#[test]
fn parts_know_their_numbers() {
    let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
    let nils = "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL";
    let message = |body: &str| format!(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 ({nils}) {body} 1)"#);
    // RFC 9051 s 6.4.5.1 has this tree.
    let four = format!(
        r#"({text}{text}{}({text}{}"#,
        message(&format!(r#"({text}{text} "MIXED")"#)),
        message(&format!(r#"({text}({text}{text} "ALTERNATIVE") "MIXED")"#))
    );
    let body = format!(r#"{four} "MIXED") "MIXED")"#);
    let mode = Mode::new(Profile::Strict);
    let body = BodyStructure::read(&mut Cursor::borrowed(body.as_bytes(), &mode)).unwrap();
    let numbers = |body: &BodyStructure<&[u8]>| -> Vec<String> {
        let text =
            |numbers: Vec<NonZeroU32>| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        body.parts().iter().map(|part| text(body.section(part))).collect()
    };
    let want = [
        "", "1", "2", "3", "3", "3.1", "3.2", "4", "4.1", "4.2", "4.2", "4.2.1", "4.2.2", "4.2.2.1",
        "4.2.2.2",
    ];
    assert_eq!(numbers(&body), want, "a multipart that is the body of a message goes by the message's");
    // D6: four parts are 1, 2, 3 and 4.
    let flat = format!(r#"({} "MIXED")"#, text.repeat(4));
    let flat = BodyStructure::read(&mut Cursor::borrowed(flat.as_bytes(), &mode)).unwrap();
    assert_eq!(numbers(&flat), ["", "1", "2", "3", "4"]);
    let one = BodyStructure::read(&mut Cursor::borrowed(text.as_bytes(), &mode)).unwrap();
    assert_eq!(numbers(&one), ["1"]);
}

#[test]
fn depth_is_bounded_and_nothing_recurses() {
    let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
    // D7: what is really sent is read.
    let nested = |depth: usize| format!("{}{text}{}", "(".repeat(depth), r#" "MIXED")"#.repeat(depth));
    assert_eq!(rewritten(&nested(99), Profile::Strict).as_deref(), Ok(&nested(99)[..]));
    // D5: bombs are an error, and no stack overflow.
    for bomb in [nested(100), "(".repeat(1_000_000), nested(100_000)] {
        assert!(rewritten(&bomb, Profile::Liberal).is_err());
    }
    let nils = "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL";
    let start = format!(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 ({nils}) "#);
    assert!(rewritten(&start.repeat(10_000), Profile::Liberal).is_err());
    let extension = format!(r#"("IMAGE" "PNG" NIL NIL NIL "7BIT" 1 NIL NIL NIL NIL {}"#, "(".repeat(100_000));
    assert!(rewritten(&extension, Profile::Liberal).is_err());
}

#[test]
fn a_body_is_built_of_parts() {
    let text = |text: &str| IString::of(text.as_bytes());
    let fields = || BodyFields {
        parameters: Parameters::of([(&b"CHARSET"[..], &b"utf-8"[..])]),
        id: NString::Nil,
        description: NString::Nil,
        encoding: text("7BIT"),
        octets: 3,
    };
    let leaf = || BodyStructure::single(text("TEXT"), text("PLAIN"), fields(), Some(1), BodyExtension::None);
    let inner = BodyStructure::multipart([leaf(), leaf()], text("ALTERNATIVE"), BodyExtension::None).unwrap();
    let envelope = EnvelopeText::of(&Envelope::new());
    let kind = (text("MESSAGE"), text("RFC822"));
    let message = BodyStructure::message(kind, fields(), envelope, inner, 9, BodyExtension::None);
    let body = BodyStructure::multipart([message, leaf()], text("MIXED"), BodyExtension::None).unwrap();
    let out = written(|out| body.write(out));
    let mode = Mode::new(Profile::Strict);
    let frame = Bytes::from(out);
    assert_eq!(BodyStructure::read(&mut Cursor::shared(&frame, &mode)).unwrap(), body);
    assert_eq!(body.section(&body.parts()[4]), [NonZeroU32::MIN, NonZeroU32::new(2).unwrap()]);
    assert!(BodyStructure::<Bytes>::multipart([], text("MIXED"), BodyExtension::None).is_none());
}
