//! Replies to EHLO of real servers: typed, and nothing dropped.

use mail46_smtp::{Body, DateTime, Extension, ExtensionKind as Kind, Extensions, LimitsParam, Reply, Words};

/// A dialogue's reply as it stands in a text: lines without CRLF.
fn offered(text: &str) -> Extensions {
    let frame: String = text.lines().map(|line| format!("{line}\r\n")).collect();
    let reply = Reply::parse(frame.as_bytes()).unwrap().to_owned();
    let offered = Extensions::from_reply(reply).unwrap();
    assert_eq!(offered.reply().as_bytes(), frame.as_bytes(), "lossless");
    offered
}

/// From a talk on deploying dual-stack mail: Exchange 2007 over IPv6.
const EXCHANGE: &str = "250-ws1.hughesnet.org Hello [2001:418:5403:3000::d]
250-SIZE
250-PIPELINING
250-DSN
250-ENHANCEDSTATUSCODES
250-STARTTLS
250-AUTH NTLM
250-8BITMIME
250-BINARYMIME
250 CHUNKING";

/// From the same: Postfix over IPv6.
const POSTFIX: &str = "250-us1.v6home.org
250-PIPELINING
250-SIZE 10240000
250-VRFY
250-ETRN
250-STARTTLS
250-AUTH PLAIN LOGIN
250-AUTH=PLAIN LOGIN
250-ENHANCEDSTATUSCODES
250-8BITMIME
250 DSN";

/// From a talk on mail to an IPv6-only domain: Sendmail, which answered HELO in the form of EHLO.
const SENDMAIL: &str = "250-smtp2.ms.mff.cuni.cz Hello vm.oskarcz.net [IPv6:2a01:430:d:0:2cc:9eff:fe24:7e1a], pleased to meet you
250 ENHANCEDSTATUSCODES";

#[test]
fn the_servers_of_the_reports() {
    let exchange = offered(EXCHANGE);
    assert_eq!(exchange.domain(), b"ws1.hughesnet.org");
    assert_eq!(exchange.greeting(), b"Hello [2001:418:5403:3000::d]");
    assert_eq!((exchange.size(), exchange.get(Kind::Size)), (None, Some(Extension::Size(None))));
    assert_eq!(exchange.mechanisms().collect::<Vec<_>>(), [b"NTLM"]);
    for kind in [Kind::Chunking, Kind::BinaryMime, Kind::EightBitMime, Kind::StartTls, Kind::Dsn] {
        assert!(exchange.has(kind), "{kind:?}");
    }
    assert!(!exchange.has(Kind::SmtpUtf8) && !exchange.has(Kind::Unknown));
    assert_eq!(exchange.iter().count(), 9);

    let postfix = offered(POSTFIX);
    assert_eq!(postfix.size(), Some(10_240_000));
    assert_eq!(postfix.mechanisms().collect::<Vec<_>>(), [&b"PLAIN"[..], b"LOGIN"], "AUTH= is merged");
    assert!(postfix.has_mechanism("login") && !postfix.has_mechanism("NTLM"));
    assert_eq!(postfix.get(Kind::LegacyAuth), Some(Extension::LegacyAuth(Words::new(b"PLAIN LOGIN"))));
    assert_eq!(postfix.greeting(), b"");
    assert_eq!(postfix.iter().count(), 10);

    assert!(offered(SENDMAIL).has(Kind::EnhancedStatusCodes));
}

#[test]
fn every_keyword_reads_and_writes_the_same() {
    let until = DateTime::parse(b"2026-12-24T18:00:00Z").unwrap();
    let rows: &[(&str, Extension<'_>)] = &[
        ("SIZE", Extension::Size(None)),
        ("SIZE 0", Extension::Size(Some(0))),
        ("SIZE 35882577", Extension::Size(Some(35_882_577))),
        ("PIPELINING", Extension::Pipelining),
        ("CHUNKING", Extension::Chunking),
        ("BINARYMIME", Extension::BinaryMime),
        ("8BITMIME", Extension::EightBitMime),
        ("SMTPUTF8", Extension::SmtpUtf8),
        ("DSN", Extension::Dsn),
        ("ENHANCEDSTATUSCODES", Extension::EnhancedStatusCodes),
        ("STARTTLS", Extension::StartTls),
        (
            "AUTH PLAIN SCRAM-SHA-256-PLUS X-FOO",
            Extension::Auth(Words::new(b"PLAIN SCRAM-SHA-256-PLUS X-FOO")),
        ),
        ("AUTH", Extension::Auth(Words::new(b""))),
        ("AUTH=LOGIN", Extension::LegacyAuth(Words::new(b"LOGIN"))),
        ("ETRN", Extension::Etrn),
        ("VRFY", Extension::Vrfy),
        ("EXPN", Extension::Expn),
        ("HELP", Extension::Help),
        ("DELIVERBY", Extension::DeliverBy(None)),
        ("DELIVERBY 240", Extension::DeliverBy(Some(240))),
        ("MT-PRIORITY", Extension::MtPriority(None)),
        ("MT-PRIORITY MIXER", Extension::MtPriority(Some(b"MIXER"))),
        ("FUTURERELEASE 3600 2026-12-24T18:00:00Z", Extension::FutureRelease { interval: 3600, until }),
        ("REQUIRETLS", Extension::RequireTls),
        ("RRVS", Extension::Rrvs),
        ("LIMITS RCPTMAX=100 MAILMAX=5", Extension::Limits(LimitsParam::new(b"RCPTMAX=100 MAILMAX=5"))),
        ("NO-SOLICITING net.example:ADV", Extension::NoSoliciting(Words::new(b"net.example:ADV"))),
        ("CONPERM", Extension::ConPerm),
        ("MTRK", Extension::Mtrk),
        ("ATRN", Extension::Atrn),
        ("BURL imap", Extension::Burl(Words::new(b"imap"))),
        ("XCLIENT NAME ADDR", Extension::XClient(Words::new(b"NAME ADDR"))),
        ("XFORWARD NAME ADDR", Extension::XForward(Words::new(b"NAME ADDR"))),
        ("XVERP", Extension::XVerp),
        ("X-NEW a b", Extension::Unknown { keyword: b"X-NEW", params: b"a b" }),
        ("SIZE many", Extension::Unknown { keyword: b"SIZE", params: b"many" }),
        ("SIZEX", Extension::Unknown { keyword: b"SIZEX", params: b"" }),
        ("PIPELINING now", Extension::Unknown { keyword: b"PIPELINING", params: b"now" }),
        ("FUTURERELEASE 3600", Extension::Unknown { keyword: b"FUTURERELEASE", params: b"3600" }),
        ("D", Extension::Unknown { keyword: b"D", params: b"" }),
    ];
    let mut builder = Extensions::builder(&"mx.example.org".parse().unwrap()).greeting("hello");
    for (line, extension) in rows {
        assert_eq!(Extension::parse(line.as_bytes()), *extension, "{line}");
        let lower = line.to_ascii_lowercase();
        let kind = Extension::parse(lower.as_bytes()).kind();
        // A lower-case "t" and "z" are RFC 3339 too.
        assert_eq!(kind, extension.kind(), "{lower}");
        builder = builder.offer(extension);
    }
    let built = builder.build();
    let mut want = vec!["250-mx.example.org hello".to_owned()];
    want.extend(rows.iter().map(|(line, _)| format!("250-{line}")));
    let last = want.pop().unwrap().replacen('-', " ", 1);
    want.push(last);
    let frame: String = want.iter().map(|line| format!("{line}\r\n")).collect();
    assert_eq!(built.reply().as_bytes(), frame.as_bytes());
    assert!(built.iter().eq(rows.iter().map(|(_, extension)| *extension)), "nothing dropped, in order");
    for (_, extension) in rows {
        assert!(built.has(extension.kind()));
    }
}

#[test]
fn limits_of_rfc_9422() {
    let limits = LimitsParam::new(b"MAILMAX=10 rcptmax=100 RCPTDOMAINMAX=0 NEW X=y");
    assert_eq!((limits.mail_max(), limits.rcpt_max()), (Some(10), Some(100)));
    assert_eq!(limits.rcpt_domain_max(), None, "s 4.3: 0 not allowed");
    assert_eq!(limits.iter().count(), 5);
    assert_eq!(LimitsParam::new(b"RCPTMAX=1000000").rcpt_max(), None, "s 4.2: six digits");
}

#[test]
fn a_refusal_offers_nothing() {
    assert!(Extensions::from_reply(Reply::parse(b"550 no\r\n").unwrap()).is_none());
    let bare = Extensions::from_reply(Reply::parse(b"250 mx.example.org\r\n").unwrap()).unwrap();
    assert_eq!((bare.iter().count(), bare.domain()), (0, &b"mx.example.org"[..]));
    assert_eq!(Body::EightBitMime.as_str(), "8BITMIME");
}
