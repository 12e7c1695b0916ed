use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

/// RFC 8461 s 3.1.
#[test]
fn records() {
    let rows: &[(&[&str], Option<&str>, &str)] = &[
        (&["v=STSv1; id=20160831085700Z;"], Some("20160831085700Z"), "the example"),
        (&["v=STSv1;id=1"], Some("1"), "no blanks, no last semicolon"),
        (&["v=STSv1;\tid=1 ; "], Some("1"), "tabs and blanks"),
        (&["v=STSv1; ext=x/y; id=1"], Some("1"), "order is not significant, unknown fields are passed over"),
        (&["v=STSv1; id=1; id=2"], Some("1"), "twice: the first"),
        (&["v=spf1 -all", "v=STSv1; id=1"], Some("1"), "others are discarded"),
        (&["v=STSv12; id=1"], None, "another version"),
        (&["id=1; v=STSv1;"], None, "MUST begin with the version"),
        (&["V=STSv1; id=1"], None, "%s: case matters"),
        (&["v=STSv1; ID=1"], None, "id is required, in lower case"),
        (&["v=STSv1;"], None, "id is required"),
        (&["v=STSv1; id="], None, "an empty id"),
        (&["v=STSv1; id=a-b"], None, "letters and digits only"),
        (&["v=STSv1; id=123456789012345678901234567890123"], None, "33 octets"),
        (&["v=STSv1; id=12345678901234567890123456789012"], Some("12345678901234567890123456789012"), "32"),
        (&["v=STSv1; id=1; x"], None, "syntactically invalid"),
        (&["v=STSv1; id=1", "v=STSv1; id=1"], None, "two"),
        (&["v=STSv1; id=\u{fc}"], None, "MUST be US-ASCII"),
        (&[], None, "none"),
    ];
    for (texts, want, why) in rows {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        assert_eq!(Record::find(&texts).map(|record| record.id), want.map(Into::into), "{why}");
    }
}

/// RFC 8461 s 3.2.
#[test]
fn policies() {
    use PolicyError::*;
    let good = "version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 86400\r\n";
    let rows: &[(&str, Option<PolicyError>, &str)] = &[
        (good, None, "CRLF"),
        ("version: STSv1\nmode: testing\nmx: a.example\nmax_age: 0", None, "LF, and none at the end"),
        ("max_age:1\nmx:*.a.example\nmode:\t enforce  \nversion:STSv1", None, "any order, blanks or none"),
        ("version: STSv1\nmode: none\nmax_age: 86400\n", None, "no mx with mode none"),
        ("version: STSv1\nmode: none\nmax_age: 86400\n\r\n\n", None, "tolerated: empty lines at the end"),
        (
            "version: STSv1\nmode: none\nmax_age: 1\nnew_field: caf\u{e9} au lait\n",
            None,
            "unknown fields, UTF-8",
        ),
        ("version: STSv1\nmode: none\nmode: bad\nmax_age: 1\nmax_age: x\n", None, "twice: the first"),
        ("version: STSv1\n\nmode: none\nmax_age: 1\n", Some(Field { line: 2 }), "an empty line inside"),
        ("", Some(Field { line: 1 }), "empty"),
        ("<html>", Some(Field { line: 1 }), "a web page"),
        ("mode: none\nmax_age: 1\n", Some(Version), "no version"),
        ("version: STSv2\nmode: none\nmax_age: 1\n", Some(Version), "another"),
        ("Version: STSv1\nmode: none\nmax_age: 1\n", Some(Version), "%s: case matters"),
        ("version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n", Some(Mode), "case of the mode"),
        ("version: STSv1\nmx: a.example\nmax_age: 1\n", Some(Mode), "no mode"),
        ("version: STSv1\nmode: enforce\nmx: a.example\n", Some(MaxAge), "no max_age"),
        ("version: STSv1\nmode: none\nmax_age: -1\n", Some(MaxAge), "negative"),
        ("version: STSv1\nmode: none\nmax_age: 12345678901\n", Some(MaxAge), "eleven digits"),
        ("version: STSv1\nmode: enforce\nmax_age: 1\n", Some(Mx), "no mx"),
        ("version: STSv1\nmode: enforce\nmx: mx*.a.example\nmax_age: 1\n", Some(Mx), "a wildcard in a label"),
        ("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", Some(Mx), "a wildcard alone"),
        ("version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 1\n", Some(Mx), "a wildcard inside"),
        ("version: STSv1\nmode: enforce\nmx: b\u{fc}cher.example\nmax_age: 1\n", Some(Mx), "a U-label"),
        ("version: STSv1\nmode: none\nmax_age: 1\nx:\n", Some(Field { line: 4 }), "an empty value"),
        ("version: STSv1\nmode: none\nmax_age: 1\nx: a\rb\n", Some(Field { line: 4 }), "a bare CR"),
    ];
    for (text, want, why) in rows {
        assert_eq!(Policy::parse(text.as_bytes()).err(), *want, "{why}");
        if let Ok(policy) = Policy::parse(text.as_bytes()) {
            assert_eq!(Policy::parse(policy.write().as_bytes()).as_ref(), Ok(&policy), "{why}");
        }
    }
    let long = format!("version: STSv1\nmode: none\nmax_age: 9999999999\nx: {}\n", "y".repeat(1000));
    assert_eq!(Policy::parse(long.as_bytes()).unwrap().max_age.as_secs(), MAX_AGE_MAX);
    assert_eq!(Policy::parse(&vec![b'x'; POLICY_MAX + 1]), Err(TooLong));
}

/// RFC 8461 s 4.1.
#[test]
fn hosts() {
    let text = b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 1\n";
    let policy = Policy::parse(text).unwrap();
    for (host, want) in [
        ("mail.example.com", true),
        ("MAIL.Example.Com", true),
        ("a.mail.example.com", false),
        ("example.com", false),
        ("mx.example.net", true),
        ("example.net", false),
        ("a.b.example.net", false),
        ("mxexample.net", false),
    ] {
        assert_eq!(policy.matches(&domain(host)), want, "{host}");
        assert_eq!(policy.allows(&domain(host)), want, "{host}");
        let testing = Policy { mode: Mode::Testing, ..policy.clone() };
        assert!(testing.allows(&domain(host)), "s 5: in testing mode messages may be delivered");
    }
}

/// RFC 8461 s 3.3 and 5.1.
#[test]
fn the_rule_for_caches() {
    let policy =
        Policy { mode: Mode::Enforce, max_age: 10 * DAY, mx: vec![Pattern::Host(domain("a.example"))] };
    let cached = Cached { policy, id: "1".into(), fetched: 100 * DAY };
    let record = |id: &str| Answer::records([format!("v=STSv1; id={id};").into_bytes()], DAY);
    let none = Answer::nx_domain(DAY);
    let trouble = Answer::failed(crate::Trouble::Timeout);
    let failed = |id: &str, at| FailedFetch { id: id.into(), at };
    let minute = Duration::from_secs(60);
    let now = 100 * DAY + minute;
    let rows: &[(Option<&Cached>, &Answer<Vec<u8>>, Option<FailedFetch>, Duration, Next, &str)] = &[
        (None, &none, None, now, Next::NoPolicy, "no record, nothing kept"),
        (None, &trouble, None, now, Next::NoPolicy, "no answer, nothing kept"),
        (None, &record("1"), None, now, Next::Fetch, "a record, nothing kept"),
        (Some(&cached), &record("1"), None, now, Next::UseCached, "the same id"),
        (Some(&cached), &record("2"), None, now, Next::Fetch, "another id"),
        (Some(&cached), &none, None, now, Next::UseCached, "the record is gone, the policy holds"),
        (Some(&cached), &trouble, None, now, Next::UseCached, "no answer, the policy holds"),
        (Some(&cached), &record("1"), None, 101 * DAY, Next::UseCachedAndRefresh, "a day old"),
        (Some(&cached), &record("1"), None, 110 * DAY, Next::Fetch, "run out"),
        (Some(&cached), &none, None, 110 * DAY, Next::NoPolicy, "run out, no record"),
        (None, &record("1"), Some(failed("1", now - minute)), now, Next::NoPolicy, "five minutes per id"),
        (None, &record("1"), Some(failed("1", now - 5 * minute)), now, Next::Fetch, "five minutes are over"),
        (None, &record("2"), Some(failed("1", now - minute)), now, Next::Fetch, "another id is another try"),
        (
            Some(&cached),
            &record("2"),
            Some(failed("2", now)),
            now,
            Next::UseCached,
            "held back, the old one holds",
        ),
    ];
    for (cached, record, failed, now, want, why) in rows {
        assert_eq!(next(*cached, record, failed.as_ref(), *now), *want, "{why}");
    }
    assert!(!cached.is_expired(Duration::ZERO), "a clock that was set back");
}

/// RFC 8461 s 3.2 and 3.3.
#[test]
fn responses() {
    let body = b"version: STSv1\nmode: none\nmax_age: 1\n".to_vec();
    let response = |status, content_type: Option<&str>| Response {
        status,
        content_type: content_type.map(str::to_owned),
        body: body.clone(),
    };
    assert!(response(200, Some("text/plain")).policy().is_ok());
    assert!(response(200, Some("Text/Plain; charset=utf-8; x=y")).policy().is_ok());
    assert_eq!(response(301, Some("text/plain")).policy(), Err(FetchError::Status(301)));
    assert!(matches!(response(200, Some("text/html")).policy(), Err(FetchError::MediaType(_))));
    assert!(matches!(response(200, None).policy(), Err(FetchError::MediaType(_))));
    let page = Response { body: b"<html>".to_vec(), ..response(200, Some("text/plain")) };
    assert_eq!(page.policy(), Err(FetchError::Policy(PolicyError::Field { line: 1 })));
}

/// A client of the application's own.
struct Server(Response);

impl Fetch for Server {
    type Error = String;

    async fn get(&self, host: &Domain) -> Result<Response, String> {
        if host.as_str() == "mta-sts.example.com" { Ok(self.0.clone()) } else { Err(format!("{host}?")) }
    }
}

#[test]
fn fetching() {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    let body = b"version: STSv1\nmode: none\nmax_age: 1\n".to_vec();
    let server = Server(Response { status: 200, content_type: Some("text/plain".into()), body });
    let poll = |name: &str| match pin!(fetch(&server, &domain(name)))
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(policy) => policy,
        Poll::Pending => panic!("the server answers at once"),
    };
    assert_eq!(poll("example.com").unwrap().mode, Mode::None);
    assert_eq!(poll("example.net"), Err(FetchError::Client("mta-sts.example.net?".into())));
    assert_eq!(
        policy_host(&Domain::from_unicode("b\u{fc}cher.example").unwrap()).unwrap().as_str(),
        "mta-sts.xn--bcher-kva.example"
    );
}
