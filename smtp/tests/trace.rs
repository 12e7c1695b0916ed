//! Trace fields: written, read back, cut anywhere, and against hostile octets.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use mail46_smtp::{
    LocalPart, Mailbox, ReversePath,
    trace::{
        DateTime, Family, Greeting, Keyword, Protocol, Received, ReceivedCounter, ReturnPath, Stamp,
        StampError, Trace, TraceReader, Used, Zone,
    },
};
use proptest::prelude::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn date() -> DateTime {
    DateTime::from_unix(1_257_393_668, Zone::Offset { minutes: 480 }).unwrap()
}

fn stamp() -> Stamp {
    Stamp::new("mx.example".parse().unwrap(), date())
}

fn text(stamp: &Stamp) -> String {
    String::from_utf8(stamp.to_bytes().to_vec()).unwrap()
}

/// No control but the line ends, each followed by white space or nothing; no line over 998; none empty.
fn assert_clean(field: &[u8]) {
    let body = field.strip_suffix(b"\r\n").unwrap();
    let mut lines = body.split(|octet| *octet == b'\n').peekable();
    let mut is_first = true;
    while let Some(line) = lines.next() {
        let line = if lines.peek().is_some() { line.strip_suffix(b"\r").unwrap() } else { line };
        assert!(line.len() <= 998, "{}", line.len());
        assert!(!line.iter().any(|octet| matches!(octet, 0..=8 | 10..=31 | 127)), "{}", field.escape_ascii());
        assert!(is_first || line.starts_with(b"\t"), "{}", field.escape_ascii());
        assert!(!line.trim_ascii().is_empty(), "RFC 5322 s 3.2.2: no line of white space alone");
        is_first = false;
    }
}

#[test]
fn fields_written() {
    let bob: Mailbox = "bob@example.org".parse().unwrap();
    let alice: Mailbox = "alice@example.org".parse().unwrap();
    let umlaut: Mailbox = "bob@b\u{fc}cher.example".parse().unwrap();
    let unicode: Mailbox = "b\u{fc}b@example.org".parse().unwrap();
    let tail = "\r\n\tThu, 5 Nov 2009 12:01:08 +0800\r\n";
    let rows: Vec<(Stamp, &str, &str)> = vec![
        (stamp(), "Received: by mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n", "the least"),
        (
            stamp()
                .from_peer(b"client.example", ip("2001:DB8:0::25"))
                .peer_name("rdns.example".parse().unwrap())
                .with(Protocol::Esmtps)
                .id("4ABC")
                .unwrap()
                .recipients([&bob])
                .tls("TLSv1.3", "TLS13_AES_256_GCM_SHA384"),
            "Received: from client.example (rdns.example [IPv6:2001:db8::25])\r\n\tby mx.example with ESMTPS id 4ABC for <bob@example.org>\r\n\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3); Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "all of it",
        ),
        (
            stamp().from_peer(b"[192.0.2.1]", ip("::ffff:192.0.2.1")).with(Protocol::Esmtp),
            "Received: from [192.0.2.1] ([192.0.2.1]) by mx.example with ESMTP;\u{1}",
            "an IPv4-mapped peer is IPv4",
        ),
        (
            stamp().from_peer(b"[ipv6:2001:DB8::1]", ip("2001:db8::1")),
            "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) by mx.example;\u{1}",
            "a literal is written by RFC 5952",
        ),
        (
            stamp().from_peer(b"my_pc", ip("fe80::1")),
            "Received: from my_pc ([IPv6:fe80::1]) by mx.example;\u{1}",
            "no scope; an underscore",
        ),
        (
            stamp().from_peer(b"a) by evil (\\", ip("192.0.2.1")),
            "Received: from [192.0.2.1] ([192.0.2.1]) (greeted as a\\) by evil \\(\\\\)\r\n\tby mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "a greeting that would be a clause",
        ),
        (
            stamp().from_peer(b"x\r\n.\r\nEvil: 1\0\x7f", ip("192.0.2.1")),
            "Received: from [192.0.2.1] ([192.0.2.1]) (greeted as x . Evil: 1??)\r\n\tby mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "a greeting that would be a line",
        ),
        (
            stamp().from_peer(b"[8::u;v]", ip("2001:db8::1")),
            "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) (greeted as [8::u;v])\r\n\tby mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "a general literal that would be the end of the clause",
        ),
        (
            stamp().from_peer(b"", ip("192.0.2.1")),
            "Received: from [192.0.2.1] ([192.0.2.1]) (greeted as) by mx.example;\u{1}",
            "no greeting at all",
        ),
        (
            stamp().recipients([&bob, &alice]).with(Protocol::Lmtp),
            "Received: by mx.example with LMTP; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "two recipients: no for (RFC 5321 s 7.2)",
        ),
        (
            stamp().recipients([]),
            "Received: by mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "no recipient: no for",
        ),
        (
            stamp().recipients([&umlaut]).with(Protocol::Esmtp),
            "Received: by mx.example with ESMTP for <bob@xn--bcher-kva.example>;\u{1}",
            "A-labels without SMTPUTF8 (RFC 6531 s 3.7.3)",
        ),
        (
            stamp().recipients([&umlaut]).with(Protocol::Utf8Smtp),
            "Received: by mx.example with UTF8SMTP for <bob@b\u{fc}cher.example>;\u{1}",
            "U-labels with it",
        ),
        (
            stamp().from_peer(b"xn--bcher-kva.example", ip("192.0.2.1")).with(Protocol::Utf8Smtps),
            "Received: from b\u{fc}cher.example ([192.0.2.1]) by mx.example with UTF8SMTPS;\u{1}",
            "U-labels of what came as A-labels",
        ),
        (
            stamp().recipients([&unicode]).with(Protocol::Esmtp),
            "Received: by mx.example with ESMTP; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "a local part in UTF-8 is left out without SMTPUTF8",
        ),
        (
            stamp().recipients([&unicode]).with(Protocol::Utf8Lmtp),
            "Received: by mx.example with UTF8LMTP for <b\u{fc}b@example.org>;\u{1}",
            "and written with it",
        ),
        (
            stamp().software("mail46 (test)").via("TCP").unwrap().id("<1.a@mx.example>").unwrap(),
            "Received: by mx.example (mail46 \\(test\\)) via TCP id <1.a@mx.example>;\u{1}",
            "software, via, msg-id",
        ),
        (
            stamp().tls("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
            "Received: by mx.example\r\n\t(using TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256);\u{1}",
            "a cipher name that the tls clause cannot hold (RFC 8314 s 4.3)",
        ),
        (
            stamp().with(Protocol::Other("Microsoft SMTP Server".into())),
            "Received: by mx.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n",
            "a protocol that is no atom is not written",
        ),
    ];
    for (stamp, want, shows) in rows {
        let field = text(&stamp);
        assert_clean(field.as_bytes());
        // The date stays on the line if it fits on it.
        let same = want.replace('\u{1}', &tail.replace("\r\n\tThu", " Thu"));
        let fits = same.lines().all(|line| line.len() < 78);
        assert_eq!(field, if fits { same } else { want.replace('\u{1}', tail) }, "{shows}");
        assert!(field.lines().all(|line| line.chars().count() <= 78), "{shows}: {field}");
    }
}

#[test]
fn what_has_no_place_in_a_field() {
    for id in
        ["", "a b", "a\r\nb", "a;b", "(a)", "<a>", "<a@b", "<a@b@c>", "<a..b@c>", "\u{e9}", &"x".repeat(256)]
    {
        assert_eq!(stamp().id(id).err(), Some(StampError::Id), "{id:?}");
    }
    for link in ["", "a b", "TCP;", "a\n"] {
        assert_eq!(stamp().via(link).err(), Some(StampError::Link), "{link:?}");
    }
}

#[test]
fn the_protocol_of_a_session() {
    use Greeting::*;
    // (greeting, tls, auth, smtputf8, keyword)
    let rows = [
        (Helo, false, false, false, "SMTP"),
        (Helo, true, true, true, "SMTP"),
        (Ehlo, false, false, false, "ESMTP"),
        (Ehlo, false, true, false, "ESMTPA"),
        (Ehlo, true, false, false, "ESMTPS"),
        (Ehlo, true, true, false, "ESMTPSA"),
        (Lhlo, false, false, false, "LMTP"),
        (Lhlo, false, true, false, "LMTPA"),
        (Lhlo, true, false, false, "LMTPS"),
        (Lhlo, true, true, false, "LMTPSA"),
        (Ehlo, false, false, true, "UTF8SMTP"),
        (Ehlo, false, true, true, "UTF8SMTPA"),
        (Ehlo, true, false, true, "UTF8SMTPS"),
        (Ehlo, true, true, true, "UTF8SMTPSA"),
        (Lhlo, false, false, true, "UTF8LMTP"),
        (Lhlo, false, true, true, "UTF8LMTPA"),
        (Lhlo, true, false, true, "UTF8LMTPS"),
        (Lhlo, true, true, true, "UTF8LMTPSA"),
    ];
    for (greeting, tls, auth, smtputf8, keyword) in rows {
        let protocol = Protocol::of(greeting, Used { tls, auth, smtputf8 });
        assert_eq!(protocol.as_str(), keyword);
        assert_eq!(Protocol::parse(keyword.to_lowercase().as_bytes()).to_owned(), protocol, "{keyword}");
        let extended = greeting != Helo;
        let told = (protocol.is_tls(), protocol.is_authenticated(), protocol.is_utf8(), protocol.is_lmtp());
        assert_eq!(
            told,
            (tls && extended, auth && extended, smtputf8 && extended, greeting == Lhlo),
            "{keyword}"
        );
    }
    // Exim's spelling, and keywords that no registry has.
    assert_eq!(Protocol::parse(b"utf8esmtpsa"), Protocol::Utf8Smtpsa);
    assert_eq!(Protocol::parse(b"utf8esmtpsax"), Protocol::Other(&b"utf8esmtpsax"[..]));
    for (text, tls) in
        [("smtps", true), ("local-esmtps", true), ("local-esmtp", false), ("asmtp", false), ("HTTPS", true)]
    {
        let protocol = Protocol::parse(text.as_bytes());
        assert_eq!((protocol, protocol.is_tls()), (Protocol::Other(text.as_bytes()), tls));
    }
}

#[test]
fn dates_read() {
    let rows: &[(&str, Option<&str>, &str)] = &[
        ("Thu, 5 Nov 2009 12:01:08 +0800", Some("Thu, 5 Nov 2009 12:01:08 +0800"), "as it should be"),
        ("Thu, 05 Nov 2009 12:01 +0800", Some("Thu, 5 Nov 2009 12:01:00 +0800"), "no seconds"),
        ("5 Nov 2009 12:01:08 -0000", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "no day name, zone unknown"),
        ("Mon, 5 Nov 2009 12:01:08 +0000", Some("Thu, 5 Nov 2009 12:01:08 +0000"), "a wrong day name"),
        (
            "thu,5 NOV 2009 12:01:08 +0800 (PHT)",
            Some("Thu, 5 Nov 2009 12:01:08 +0800"),
            "case, no space, comment",
        ),
        ("5 Nov 09 12:01:08 PST", Some("Thu, 5 Nov 2009 12:01:08 -0800"), "RFC 5322 s 4.3: 00 to 49"),
        ("5 Nov 50 12:01:08 EDT", Some("Sun, 5 Nov 1950 12:01:08 -0400"), "50 to 99"),
        ("5 Nov 109 12:01:08 UT", Some("Thu, 5 Nov 2009 12:01:08 +0000"), "three digits"),
        ("5 Nov 2009 12:01:08 Z", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "military: unknown"),
        ("5 Nov 2009 12:01:08 PHT", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "a name nobody knows"),
        ("5 Nov 2009 12:01:08", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "no zone"),
        ("5 Nov 2009 12:01:08 +05:30", Some("Thu, 5 Nov 2009 12:01:08 +0530"), "a colon in the zone"),
        ("5 Nov 2009 12:01:08 -0330", Some("Thu, 5 Nov 2009 12:01:08 -0330"), "half an hour west"),
        ("5 Nov 2009 12:01:08 +0870", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "70 minutes are no zone"),
        ("Thu Nov  5 12:01:08 2009", Some("Thu, 5 Nov 2009 12:01:08 -0000"), "asctime"),
        ("Thu Nov  5 12:01:08 CST 2009", Some("Thu, 5 Nov 2009 12:01:08 -0600"), "date(1)"),
        (
            "(a) Thu (b), 5\r\n Nov (c(d)) 2009 12:01:08 (e) +0800",
            Some("Thu, 5 Nov 2009 12:01:08 +0800"),
            "CFWS",
        ),
        ("31 Dec 2016 23:59:60 +0000", Some("Sat, 31 Dec 2016 23:59:60 +0000"), "a leap second"),
        (
            "29 Feb 2000 0:00:00 +0000",
            Some("Tue, 29 Feb 2000 00:00:00 +0000"),
            "a leap day, an hour of one digit",
        ),
        ("29 Feb 1900 00:00:00 +0000", None, "no leap day"),
        ("31 Apr 2009 00:00:00 +0000", None, "30 days hath November's friend"),
        ("0 Nov 2009 00:00:00 +0000", None, "day 0"),
        ("5 Nov 2009 24:00:00 +0000", None, "hour 24"),
        ("5 Nov 2009 23:60:00 +0000", None, "minute 60"),
        ("5 Nov 2009 23:59:61 +0000", None, "second 61"),
        ("5 Nov 2009 23:59:00:00 +0000", None, "four parts"),
        ("5 Nov 20090 23:59:00 +0000", None, "year 20090"),
        ("5 Nov 1899 23:59:00 +0000", None, "RFC 5322 s 3.3: 1900 or later"),
        ("5 Foo 2009 23:59:00 +0000", None, "no month"),
        ("", None, "nothing"),
        ("Thu,", None, "a day name alone"),
    ];
    for (text, want, shows) in rows {
        let got = DateTime::parse(text.as_bytes());
        assert_eq!(got.map(|date| date.to_string()).as_deref(), *want, "{shows}");
        if let Some(date) = got.filter(|date| date.time().2 < 60) {
            assert_eq!(DateTime::from_unix(date.to_unix(), date.zone()), Some(date), "{shows}");
        }
    }
    assert_eq!(date().to_unix(), 1_257_393_668);
    assert_eq!(DateTime::from_unix(0, Zone::Unknown).unwrap().to_string(), "Thu, 1 Jan 1970 00:00:00 -0000");
    assert_eq!(DateTime::from_unix(i64::MAX, Zone::Unknown), None);
    assert_eq!(DateTime::from_unix(i64::MIN, Zone::Offset { minutes: -1 }), None);
    assert_eq!(DateTime::from_unix(0, Zone::Offset { minutes: 6000 }), None);
    assert_eq!(DateTime::from_unix(253_402_300_800, Zone::Unknown), None, "year 10000");
}

#[test]
fn return_paths() {
    let rows: &[(&str, Option<&str>, &str)] = &[
        ("Return-Path: <alice@example.com>\r\n", Some("<alice@example.com>"), "as it should be"),
        ("Return-Path: <>\r\n", Some("<>"), "a report's own"),
        ("return-path :<>", Some("<>"), "obsolete space"),
        (
            "<alice@[IPv6:2001:DB8::1]>",
            Some("<alice@[IPv6:2001:db8::1]>"),
            "a literal, without the field's name",
        ),
        ("Return-Path:\r\n <alice@example.com>\r\n", Some("<alice@example.com>"), "folded"),
        ("Return-Path: (a) <alice@example.com> (b (c))\r\n", Some("<alice@example.com>"), "comments"),
        ("Return-Path: < alice@example.com >", Some("<alice@example.com>"), "spaces"),
        ("Return-Path: < >", Some("<>"), "obs-angle-addr, empty"),
        ("Return-Path: alice@example.com", Some("<alice@example.com>"), "no angle brackets"),
        (
            "Return-Path: <@a.example,@b.example:alice@example.com>",
            Some("<alice@example.com>"),
            "a source route",
        ),
        ("Return-Path: <\"a >(b\"@example.com>", Some("<\"a >(b\"@example.com>"), "a quoted local part"),
        ("Return-Path: <MAILER-DAEMON>", None, "no domain"),
        ("Return-Path:", None, "nothing"),
        ("Return-Path: <alice@example.com> <bob@example.com>", None, "two"),
        ("Return-Path: <alice@example.com", None, "not closed"),
        ("Return-Path: <a\r\nb@example.com>", None, "a line in it"),
    ];
    for (field, want, shows) in rows {
        let got = ReturnPath::parse(field.as_bytes());
        assert_eq!(got.as_ref().map(|path| path.path().to_string()).as_deref(), *want, "{shows}");
        if let Some(path) = got {
            let written = path.to_owned().to_bytes().unwrap();
            assert_clean(&written);
            assert_eq!(ReturnPath::parse(&written).unwrap(), path, "{shows}");
        }
    }
    let umlaut = ReturnPath::new(ReversePath::Mailbox("a@b\u{fc}cher.example".parse().unwrap()));
    assert_eq!(umlaut.to_bytes().unwrap(), "Return-Path: <a@xn--bcher-kva.example>\r\n");
    assert_eq!(umlaut.to_bytes_utf8(), "Return-Path: <a@b\u{fc}cher.example>\r\n");
    let utf8 = ReturnPath::new(ReversePath::Mailbox("\u{e9}@example.com".parse().unwrap()));
    assert_eq!(utf8.to_bytes(), None);
    assert_eq!(utf8.to_bytes_utf8(), "Return-Path: <\u{e9}@example.com>\r\n");
}

fn read(pieces: &[&[u8]]) -> (Trace, usize, bool) {
    let (mut reader, mut counter) = (TraceReader::new(), ReceivedCounter::new());
    for piece in pieces {
        reader.push(piece);
        counter.push(piece);
    }
    let done = reader.is_done();
    (reader.finish(), counter.count(), done)
}

#[test]
fn the_hops_of_a_message_whole_by_octet_and_cut_at_each_index() {
    let message = b"Return-Path: <alice@example.com>\r\n\
        RECEIVED: from c.example ([IPv6:2001:db8::c])\r\n\tby d.example with LMTP id 3;\r\n\tThu, 5 Nov 2009 12:01:08 +0800\r\n\
        Received : from b.example ([192.0.2.2]) by c.example; Thu, 5 Nov 2009 12:01:07 +0800\n\
        X-Received: from x.example ([192.0.2.9]) by y.example; Thu, 5 Nov 2009 12:01:07 +0800\r\n\
        Subject: a\r\n Received: from z.example ([192.0.2.8]) by z.example\r\n\
        no colon\r\n Received: from z\r\n\
        \rReceived: from z\r\n\
        Received:from a.example (localhost [127.0.0.1]) by b.example; Thu, 5 Nov 2009 12:01:06 +0800\r\n\
        Received-SPF: pass\r\n\
        \r\nReceived: from body.example by body.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n\r\n";
    let want = read(&[message]);
    let (trace, count, done) = &want;
    assert_eq!((*count, trace.received, *done), (3, 3, true));
    let names: Vec<&[u8]> = trace.hops.iter().map(|hop| &hop.from.as_ref().unwrap()[..]).collect();
    assert_eq!(names, [&b"a.example"[..], b"b.example", b"c.example"]);
    let families: Vec<_> = trace.hops.iter().map(|hop| hop.family().unwrap()).collect();
    assert_eq!(families, [Family::Ipv4, Family::Ipv4, Family::Ipv6]);
    assert!(trace.hops[0].is_loopback() && !trace.hops[1].is_loopback());
    assert_eq!(trace.return_path.as_deref(), Some(&b"<alice@example.com>"[..]));
    let octets: Vec<&[u8]> = message.chunks(1).collect();
    assert_eq!(read(&octets), want, "octet by octet");
    for cut in 0..message.len() {
        let (first, second) = message.split_at(cut);
        assert_eq!(read(&[first, second]), want, "cut at {cut}");
    }
    // A header that ends with the input is one too.
    assert_eq!(read(&[b"Received: from a by b"]).0.received, 1);
    assert_eq!(read(&[b"Received: from a by b\r\n"]).1, 1);
    assert_eq!(read(&[b"\r\nReceived: from a by b\r\n"]).1, 0, "no header");
    assert_eq!(read(&[b""]), (Trace::default(), 0, false));
}

#[test]
fn a_hundred_hops_are_a_loop() {
    let field = b"Received: from a.example ([192.0.2.1]) by b.example; Thu, 5 Nov 2009 12:01:08 +0800\r\n";
    let mut counter = ReceivedCounter::new();
    for hop in 1..=100 {
        assert!(!counter.is_loop(), "before hop {hop}");
        counter.push(field);
    }
    assert!(counter.is_loop());
    let mut reader = TraceReader::new();
    (0..1000).for_each(|_| reader.push(field));
    let trace = reader.finish();
    assert!(trace.is_loop());
    assert_eq!((trace.received, trace.hops.len()), (1000, 256), "memory has an end");
}

/// A long run of each thing that could nest, repeat or never end: linear time, and nothing is found that is not there.
#[test]
fn hostile_octets_cost_linear_time() {
    // 64 KiB take a test build some 20 ms; a quadratic scan takes it half a minute.
    const SIZE: usize = 1 << 16;
    let units: &[&[u8]] = &[
        b"(",
        b")",
        b"()",
        b"((a)",
        b"\\",
        b"(\\",
        b"\\(",
        b"\"",
        b"\"\\",
        b"\\\"",
        b"\"(",
        b"<",
        b"<;",
        b"<\"",
        b"<\";",
        b"<(",
        b"[",
        b"[[]",
        b"from ",
        b"from(",
        b"for <",
        b"by\t",
        b"with a ",
        b"with (TLS",
        b";",
        b"; Thu,",
        b"\0",
        b"\r\n",
        b"\r\n ",
        b"x",
        b"1.",
        b"::",
        b"[1.2.3.4] ",
        b"([::1])",
        b"HELO ",
        b"(HELO)",
        b",",
        b"@",
        b"\xff",
        b"\xc3\xa9 ",
    ];
    for unit in units {
        for head in [&b"Received: from x ("[..], b"Received: from x by y; "] {
            let mut field = head.to_vec();
            field.extend(unit.iter().copied().cycle().take(SIZE));
            let start = Instant::now();
            let received = Received::parse(&field);
            let hop = received.hop();
            let _ = (received.date_text(), received.comments().count(), ReturnPath::parse(&field).is_some());
            // A quadratic scan of a megabyte takes minutes; a linear one milliseconds, slow as a test build may be.
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{} {:?}",
                unit.escape_ascii(),
                start.elapsed()
            );
            assert!(received.clauses().len() <= 32);
            assert_eq!(received.raw(), &field[..]);
            drop(hop);
        }
    }
    // 100 000 comments in each other, closed.
    let nested =
        [b"from a.example ".to_vec(), vec![b'('; 100_000], vec![b')'; 100_000], b" by b.example".to_vec()]
            .concat();
    assert_eq!(Received::parse(&nested).by().unwrap().name(), b"b.example");
    // A line of a megabyte.
    let start = Instant::now();
    let field = [b"from a.example ([192.0.2.1]) by b.example ".to_vec(), b"(<\"\\".repeat(1 << 18)].concat();
    assert_eq!(Received::parse(&field).from_ip(), Some(ip("192.0.2.1")));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // A field of a megabyte in a header: only its start is kept.
    let mut reader = TraceReader::new();
    reader.push(b"Received: from a.example ([192.0.2.1]) by b.example (");
    (0..1024).for_each(|_| reader.push(&[b'x'; 1024]));
    reader.push(b"\r\n\r\n");
    assert_eq!(reader.finish().hops[0].family(), Some(Family::Ipv4));
}

#[test]
fn clauses_in_the_order_they_stand_in() {
    let received =
        Received::parse(b"from a by b by c (x) with ESMTP id 1 id 2; Thu, 5 Nov 2009 12:01:08 +0800");
    let clauses: Vec<_> = received.clauses().iter().map(|clause| (clause.keyword, clause.value)).collect();
    use Keyword::*;
    let want: [(_, &[u8]); 6] =
        [(From, b"a"), (By, b"b"), (By, b"c"), (With, b"ESMTP"), (Id, b"1"), (Id, b"2")];
    assert_eq!(clauses, want);
    assert_eq!(
        (received.by().unwrap().name(), received.id()),
        (&b"b"[..], Some(&b"1"[..])),
        "the first counts"
    );
    assert_eq!(received.clauses()[2].text, b"c (x)");
}

fn peers() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn protocols() -> impl Strategy<Value = Protocol> {
    let greetings = prop_oneof![Just(Greeting::Helo), Just(Greeting::Ehlo), Just(Greeting::Lhlo)];
    (greetings, any::<[bool; 3]>())
        .prop_map(|(greeting, [tls, auth, smtputf8])| Protocol::of(greeting, Used { tls, auth, smtputf8 }))
}

fn dates() -> impl Strategy<Value = DateTime> {
    let zones =
        prop_oneof![Just(Zone::Unknown), (-5999i16..=5999).prop_map(|minutes| Zone::Offset { minutes })];
    (-2_200_000_000i64..=253_000_000_000, zones)
        .prop_filter_map("a year from 1900", |(at, zone)| DateTime::from_unix(at, zone))
}

fn mailboxes() -> impl Strategy<Value = Mailbox> {
    ("[a-z0-9 ()<>;\"\\\\@.]{1,20}", "[a-z0-9]{1,20}(\\.[a-z]{1,30}){0,4}").prop_filter_map(
        "a local part",
        |(local, domain)| {
            let local = LocalPart::from_content(local.as_bytes()).ok()?;
            Some(Mailbox::new(local, domain.parse().ok()?))
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        greeting in "[a-z0-9]{1,40}(\\.[a-z0-9]{1,50}){0,3}",
        by in "[a-z]{1,40}(\\.[a-z]{1,50}){0,3}",
        name in proptest::option::of("[a-z]{1,40}(\\.[a-z]{1,50}){0,3}"),
        ip in peers(),
        with in protocols(),
        id in "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,60}",
        mailbox in mailboxes(),
        date in dates(),
    ) {
        let mut stamp = Stamp::new(by.parse().unwrap(), date).from_peer(greeting.as_bytes(), ip).with(with.clone());
        stamp = stamp.id(&id).unwrap().recipients([&mailbox]).tls("TLSv1.3", "TLS_AES_128_GCM_SHA256");
        if let Some(name) = &name {
            stamp = stamp.peer_name(name.parse().unwrap());
        }
        let field = stamp.to_bytes();
        assert_clean(&field);
        let received = Received::parse(&field);
        prop_assert_eq!(received.from().unwrap().name(), greeting.as_bytes());
        prop_assert_eq!(received.by().unwrap().name(), by.as_bytes());
        prop_assert_eq!(received.from_ip(), Some(ip.to_canonical()));
        prop_assert_eq!(received.protocol().unwrap().to_owned(), with);
        prop_assert_eq!(received.id(), Some(id.as_bytes()));
        let recipient = mailbox.to_string();
        prop_assert_eq!(received.recipient(), Some(recipient.as_bytes()));
        prop_assert_eq!(received.date(), Some(date));
        let tls = received.tls().unwrap();
        prop_assert_eq!((tls.version, tls.cipher), (Some(&b"TLSv1.3"[..]), Some(&b"TLS_AES_128_GCM_SHA256"[..])));
    }

    #[test]
    fn no_greeting_gets_out_of_its_place(
        greeting in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'('), Just(b')'), Just(b'\\'), Just(b'\n'), Just(b'"')], 0..400),
        software in any::<String>(),
        tls in any::<(String, String)>(),
        with in protocols(),
    ) {
        let field = stamp()
            .from_peer(&greeting, "2001:db8::1".parse().unwrap())
            .software(&software)
            .tls(&tls.0, &tls.1)
            .with(with.clone())
            .to_bytes();
        assert_clean(&field);
        let received = Received::parse(&field);
        let keywords: Vec<_> = received.clauses().iter().map(|clause| clause.keyword).filter(|keyword| *keyword != Keyword::Tls).collect();
        prop_assert_eq!(keywords, [Keyword::From, Keyword::By, Keyword::With]);
        prop_assert_eq!(received.from_ip(), Some("2001:db8::1".parse().unwrap()));
        prop_assert_eq!(received.by().unwrap().name(), b"mx.example");
        prop_assert_eq!(received.date(), Some(date()));
        prop_assert!(with.is_utf8() || field.is_ascii());
    }

    #[test]
    fn any_octets_are_a_field(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let received = Received::parse(&octets);
        let _ = (received.hop(), received.tls(), received.recipient(), received.date());
        prop_assert_eq!(received.raw(), &octets[..]);
    }
}
