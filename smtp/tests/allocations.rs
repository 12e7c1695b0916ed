//! An accepted command allocates nothing, and neither does a reply nor what it offers.

use std::hint::black_box;

use mail46_smtp::{Command, ExtensionKind, Extensions, Quirks, Reply, Rules, Utf8};

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn commands() {
    let lines = [
        "MAIL FROM:<alice@example.com> SIZE=123456 BODY=8BITMIME",
        "MAIL FROM:<alice@example.com> RET=HDRS ENVID=a+2Bb AUTH=e+3Dmc2@example.com BY=1;N MT-PRIORITY=3 HOLDFOR=1 X=1",
        "MAIL FROM:<\"a b\"@[IPv6:2001:db8::1]> AUTH=<> SMTPUTF8",
        "MAIL FROM:<@r1,@r2:a@example.com>",
        "MAIL FROM: <a@example.com>  SIZE=1 ",
        "RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2B@example.org",
        "RCPT TO:<\u{fc}ber@example.org> ORCPT=utf-8;\\x{FC}ber@example.org RRVS=2014-04-03T23:01:00Z;C",
        "EHLO mail-ed1-x52f.google.com",
        "EHLO [IPv6:2001:db8::1]",
        "EHLO my_host",
        "BDAT 1000 LAST",
        "AUTH PLAIN AGFsaWNlAHNlY3JldA==",
        "VRFY Alice B",
        "ETRN @example.com",
        "XCLIENT NAME=mail.example.com ADDR=IPV6:2001:db8::1",
        "NOOP",
        "FOO bar",
        "QUIT",
    ];
    let rules = Rules::new(Quirks::submission()).utf8(Utf8::Accept);
    for line in lines {
        let count = allocations(|| {
            assert!(black_box(Command::parse(line.as_bytes(), &rules)).is_ok(), "{line}");
        });
        assert_eq!(count, 0, "{line}");
        let framed = format!("{line}\r\n");
        let count = allocations(|| {
            let first = Command::parse_first(&mut black_box(framed.as_bytes()), &rules);
            assert!(black_box(first).is_some_and(|first| first.is_ok()), "{line}");
        });
        assert_eq!(count, 0, "{line}, CRLF and all");
    }
    // The count is one.
    assert!(allocations(|| drop(black_box(Box::new(1)))) > 0);
}

#[test]
fn replies() {
    let frame = b"250-mx.example.org at your service\r\n250-SIZE 35882577\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n";
    let count = allocations(|| {
        let offered = Extensions::from_reply(Reply::parse(frame).unwrap()).unwrap();
        assert!(
            offered.has(ExtensionKind::SmtpUtf8)
                && offered.size().is_some()
                && offered.has_mechanism("LOGIN")
        );
        assert_eq!(offered.iter().count(), 3);
    });
    assert_eq!(count, 0);
}
