//! Parameters of MAIL and RCPT: their values, what is refused, and that what is added is what is read.

use mail46_smtp::{
    Body, By, ByMode, ByTrace, Command, DateTime, Fault, Notify, Orcpt, Param, ParamError, ParamKind, Params,
    Ret, Rrvs, RrvsAction, Rules, Utf8, XText,
};
use proptest::prelude::*;

fn mail(params: &str) -> Result<String, Fault> {
    read(&format!("MAIL FROM:<a@example.com> {params}"), Utf8::Refuse)
}

fn rcpt(params: &str) -> Result<String, Fault> {
    read(&format!("RCPT TO:<a@example.com> {params}"), Utf8::Accept)
}

/// The typed values as `Debug` shows them, or the fault.
fn read(line: &str, utf8: Utf8) -> Result<String, Fault> {
    let parsed =
        Command::parse(line.as_bytes(), &Rules::default().utf8(utf8)).map_err(|error| error.fault)?;
    let (Command::Mail { params, .. } | Command::Rcpt { params, .. }) = parsed.command else { panic!() };
    let typed: Vec<String> = params.iter().map(|param| format!("{param:?}")).collect();
    assert_eq!(typed.len(), params.as_bytes().split(|octet| *octet == b' ').count(), "nothing is lost");
    Ok(typed.join(" "))
}

#[test]
#[rustfmt::skip]
fn values() {
    use Fault::{NonAscii, Parameter, ParameterConflict, ParameterElsewhere, ParameterNoValue, ParameterTwice, ParameterValue};
    let _ = NonAscii;
    // (parameters of MAIL, typed or refused, section)
    let rows: &[(&str, Result<&str, Fault>, &str)] = &[
        ("SIZE=0", Ok("Size(0)"), "1870 s 4"),
        ("SIZE=18446744073709551615", Ok("Size(18446744073709551615)"), "1870 s 4"),
        ("SIZE=18446744073709551616", Ok("Size(18446744073709551615)"), "over every limit: 552, not 501"),
        ("SIZE=", Err(Parameter), "5321 s 4.1.2: esmtp-value is not empty"),
        ("SIZE", Err(ParameterNoValue), "1870 s 5"),
        ("SIZE=-1", Err(ParameterValue), "1870 s 4"),
        ("SIZE=1k", Err(ParameterValue), "1870 s 4"),
        ("BODY=7bit", Ok("Body(SevenBit)"), "6152 s 2"),
        ("body=8BITMIME", Ok("Body(EightBitMime)"), "6152 s 2"),
        ("BODY=BinaryMime", Ok("Body(BinaryMime)"), "3030 s 3"),
        ("BODY=8BIT", Err(ParameterValue), "6152 s 2"),
        ("SMTPUTF8", Ok("SmtpUtf8"), "6531 s 3.4"),
        ("SMTPUTF8=yes", Err(ParameterValue), "6531 s 3.1"),
        ("RET=full", Ok("Ret(Full)"), "3461 s 4.3: any case"),
        ("RET=HDRS", Ok("Ret(Hdrs)"), "3461 s 4.3"),
        ("RET=NONE", Err(ParameterValue), "3461 s 4.3"),
        ("RET=FULL RET=FULL", Err(ParameterTwice), "3461 s 4.5"),
        ("ENVID=QQ314159", Ok("EnvId(XText(\"QQ314159\"))"), "3461 s 4.4"),
        ("ENVID=a+20b", Ok("EnvId(XText(\"a+20b\"))"), "3461 s 4"),
        ("ENVID=a+2", Err(ParameterValue), "3461 s 4: hexchar"),
        ("ENVID=a+2b", Err(ParameterValue), "3461 s 4: upper case"),
        ("ENVID=a+0D+0Ab", Err(ParameterValue), "3461 s 4.4: printable, or a report has a line more"),
        ("AUTH=<>", Ok("Auth(Submitter(XText(\"<>\")))"), "4954 s 5"),
        ("AUTH=alice@example.com", Ok("Auth(Submitter(XText(\"alice@example.com\")))"), "4954 s 5"),
        ("AUTH=e+3Dmc2@example.com", Ok("Auth(Submitter(XText(\"e+3Dmc2@example.com\")))"), "4954 s 5"),
        ("AUTH=alice", Err(ParameterValue), "4954 s 8: a mailbox or <>"),
        ("AUTH=a+0D+0A@example.com", Err(ParameterValue), "4954 s 8: a mailbox"),
        ("BY=120;R", Ok("By(By { seconds: 120, mode: Return, trace: Off })"), "2852 s 4"),
        ("BY=-1;NT", Ok("By(By { seconds: -1, mode: Notify, trace: On })"), "2852 s 4"),
        ("BY=+999999999;n", Ok("By(By { seconds: 999999999, mode: Notify, trace: Off })"), "2852 s 4"),
        ("BY=0;R", Err(ParameterValue), "2852 s 4: zero is not allowed with R"),
        ("BY=-1;R", Err(ParameterValue), "2852 s 4: negative is not allowed with R"),
        ("BY=1000000000;R", Err(ParameterValue), "2852 s 4: nine digits"),
        ("BY=1", Err(ParameterValue), "2852 s 4: a mode"),
        ("BY=1;RX", Err(ParameterValue), "2852 s 4"),
        ("MT-PRIORITY=-9", Ok("MtPriority(-9)"), "6710 s 7"),
        ("MT-PRIORITY=0", Ok("MtPriority(0)"), "6710 s 7"),
        ("MT-PRIORITY=-0", Err(ParameterValue), "6710 s 7: NZDIGIT"),
        ("MT-PRIORITY=+1", Err(ParameterValue), "6710 s 7"),
        ("MT-PRIORITY=10", Err(ParameterValue), "6710 s 7"),
        ("HOLDFOR=1", Ok("HoldFor(1)"), "4865 s 4"),
        ("HOLDFOR=0", Err(ParameterValue), "4865 s 4: 1-999999999"),
        ("HOLDFOR=1000000000", Err(ParameterValue), "4865 s 4: 1-999999999"),
        ("HOLDUNTIL=2026-12-24T18:00:00Z", Ok("HoldUntil(DateTime(2026-12-24T18:00:00Z))"), "4865 s 4"),
        ("HOLDUNTIL=2026-12-24T18:00:00+01:00", Err(ParameterValue), "4865 s 4: UTC"),
        ("HOLDUNTIL=2026-13-24T18:00:00Z", Err(ParameterValue), "3339 s 5.6"),
        ("HOLDFOR=1 HOLDUNTIL=2026-12-24T18:00:00Z", Err(ParameterConflict), "4865 s 4: one of them"),
        ("REQUIRETLS", Ok("RequireTls"), "8689 s 2"),
        ("REQUIRETLS=1", Err(ParameterValue), "8689 s 2: no value"),
        ("NOTIFY=NEVER", Err(ParameterElsewhere), "3461 s 4.1: of RCPT"),
        ("X-Y=1 Z", Ok("Unknown { keyword: [88, 45, 89], value: Some([49]) } Unknown { keyword: [90], value: None }"), "kept"),
        ("-X=1", Err(Parameter), "5321 s 4.1.2: esmtp-keyword"),
        ("X_Y=1", Err(Parameter), "5321 s 4.1.2: esmtp-keyword"),
        ("=1", Err(Parameter), "5321 s 4.1.2: esmtp-keyword"),
        ("X=a=b", Err(Parameter), "5321 s 4.1.2: no = in a value"),
        ("X=\u{fc}", Err(Parameter), "5321 s 4.1.2: ASCII"),
        ("X=a\x7f", Err(Parameter), "5321 s 4.1.2: no control octet"),
    ];
    for (params, want, section) in rows {
        assert_eq!(mail(params), want.map(str::to_owned), "{params}: RFC {section}");
    }
    let rows: &[(&str, Result<&str, Fault>, &str)] = &[
        ("NOTIFY=NEVER", Ok("Notify(Notify(NEVER))"), "3461 s 4.1"),
        ("NOTIFY=delay,SUCCESS", Ok("Notify(Notify(SUCCESS,DELAY))"), "3461 s 4.1"),
        ("NOTIFY=NEVER,DELAY", Err(ParameterValue), "3461 s 4.1"),
        ("NOTIFY=SUCCESS,", Err(ParameterValue), "3461 s 4.1"),
        ("NOTIFY=ALWAYS", Err(ParameterValue), "3461 s 4.1"),
        ("ORCPT=rfc822;a+2Bb@example.com", Ok("Orcpt(Orcpt(\"rfc822;a+2Bb@example.com\"))"), "3461 s 4.2"),
        ("ORCPT=x400;a", Ok("Orcpt(Orcpt(\"x400;a\"))"), "3461 s 4.2: any atom"),
        ("ORCPT=rfc822", Err(ParameterValue), "3461 s 4.2: a semicolon"),
        ("ORCPT=;a@example.com", Err(ParameterValue), "3461 s 4.2: a type"),
        ("ORCPT=rfc822;a+0A", Err(ParameterValue), "3461 s 4.2: printable"),
        ("ORCPT=rfc822;ji+C5+99+C3+AD@example.com", Ok("Orcpt(Orcpt(\"rfc822;ji+C5+99+C3+AD@example.com\"))"), "Postfix 3.7"),
        ("ORCPT=rfc822;+F0+9F+93+A7@example.com", Ok("Orcpt(Orcpt(\"rfc822;+F0+9F+93+A7@example.com\"))"), "four octets"),
        ("ORCPT=rfc822;+E2+82+AC", Ok("Orcpt(Orcpt(\"rfc822;+E2+82+AC\"))"), "three octets, last"),
        ("ORCPT=rfc822;+E2+82", Err(ParameterValue), "3461 s 4.2: cut off"),
        ("ORCPT=rfc822;+C0+AF", Err(ParameterValue), "3461 s 4.2: an overlong form"),
        ("ORCPT=rfc822;ji+C5@example.com", Err(ParameterValue), "3461 s 4.2: no UTF-8"),
        ("ORCPT=rfc822;a+C2+85", Err(ParameterValue), "3461 s 4.2: a control, of UTF-8"),
        ("ORCPT=rfc822;\u{fc}@example.com", Err(ParameterValue), "3461 s 4.2: ASCII"),
        ("ORCPT=utf-8;\u{fc}@example.com", Ok("Orcpt(Orcpt(\"utf-8;\u{fc}@example.com\"))"), "6533 s 3"),
        (r"ORCPT=UTF-8;\x{FC}@example.com", Ok(r#"Orcpt(Orcpt("UTF-8;\\x{FC}@example.com"))"#), "6533 s 3"),
        (r"ORCPT=utf-8;a\x{2B}b@example.com", Ok(r#"Orcpt(Orcpt("utf-8;a\\x{2B}b@example.com"))"#), "6533 s 3"),
        (r"ORCPT=utf-8;\x{fc}@example.com", Err(ParameterValue), "6533 s 3: upper case, as HEXPOINT spells it"),
        (r"ORCPT=utf-8;\x{41}@example.com", Err(ParameterValue), "6533 s 3: A needs no escape"),
        (r"ORCPT=utf-8;\x{D800}@example.com", Err(ParameterValue), "6533 s 3: a surrogate"),
        (r"ORCPT=utf-8;\x{110000}@example.com", Err(ParameterValue), "6533 s 3: over U+10FFFF"),
        (r"ORCPT=utf-8;\x{0A}@example.com", Err(ParameterValue), "a line end would get into the report"),
        (r"ORCPT=utf-8;\x{FC@example.com", Err(ParameterValue), "6533 s 3: no brace"),
        ("ORCPT=utf-8;a+b@example.com", Err(ParameterValue), "6533 s 3: + is encoded"),
        ("RRVS=2014-04-03T23:01:00Z", Ok("Rrvs(Rrvs { since: DateTime(2014-04-03T23:01:00Z), action: None })"), "7293 s 5.1"),
        ("RRVS=2014-04-03T23:01:00-08:00;C", Ok("Rrvs(Rrvs { since: DateTime(2014-04-03T23:01:00-08:00), action: Some(Continue) })"), "7293 s 5.1"),
        ("RRVS=2014-04-03T23:01:00Z;X", Err(ParameterValue), "7293 s 5.1"),
        ("RRVS=2014-04-03", Err(ParameterValue), "7293 s 5.1: date-time"),
        ("SIZE=1", Err(ParameterElsewhere), "1870 s 5: of MAIL"),
    ];
    for (params, want, section) in rows {
        assert_eq!(rcpt(params), want.map(str::to_owned), "{params}: RFC {section}");
    }
}

#[test]
fn many_unknown_parameters_are_refused() {
    let params = |count: usize| (0..count).map(|nth| format!("X{nth}")).collect::<Vec<_>>().join(" ");
    assert!(mail(&params(32)).is_ok());
    assert_eq!(mail(&params(33)), Err(Fault::TooManyParameters));
}

#[test]
fn accessors() {
    let line = b"MAIL FROM:<a@example.com> SIZE=5 BODY=7BIT RET=HDRS ENVID=x AUTH=e+3Dmc2@example.com BY=1;N MT-PRIORITY=3 \
HOLDFOR=9 REQUIRETLS SMTPUTF8 X=1";
    let parsed = Command::parse(line, &Rules::default()).unwrap();
    let Command::Mail { params, .. } = parsed.command else { panic!() };
    assert_eq!(
        (params.size(), params.body(), params.ret()),
        (Some(5), Some(Body::SevenBit), Some(Ret::Hdrs))
    );
    assert_eq!(&*params.envid().unwrap().decode(), b"x");
    assert_eq!(params.auth().unwrap().mailbox().unwrap().to_string(), "e=mc2@example.com");
    let by = By { seconds: 1, mode: ByMode::Notify, trace: ByTrace::Off };
    assert_eq!((params.by(), params.mt_priority(), params.hold_for()), (Some(by), Some(3), Some(9)));
    assert!(params.require_tls() && params.smtputf8() && params.hold_until().is_none());
    assert_eq!(params.unknown().collect::<Vec<_>>(), [(&b"X"[..], Some(&b"1"[..]))]);
    assert!(params.has(ParamKind::Unknown) && ParamKind::HoldFor.extension() == "FUTURERELEASE");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let unknown = |keyword: &'static [u8], value: Option<&'static [u8]>| Param::Unknown { keyword, value };
    let rows = [
        (unknown(b"X\r\nDATA", None), "a line end in the keyword"),
        (unknown(b"X", Some(b"a\r\nDATA")), "a line end in the value"),
        (unknown(b"X", Some(b"a b")), "a space"),
        (unknown(b"X", Some(b"")), "an empty value"),
        (unknown(b"X", Some(b"a=b")), "an ="),
        (unknown(b"", None), "an empty keyword"),
        (unknown(b"SIZE", Some(b"1")), "a known one in disguise"),
        (Param::MtPriority(10), "over 9"),
        (Param::HoldFor(0), "under 1"),
        (Param::By(By { seconds: 0, mode: ByMode::Return, trace: ByTrace::Off }), "0 with R"),
        (Param::By(By { seconds: i32::MIN, mode: ByMode::Notify, trace: ByTrace::Off }), "ten digits"),
    ];
    for (param, reason) in rows {
        assert_eq!(Params::new().with(param), Err(ParamError::Value), "{reason}");
    }
    let size = Params::new().with(Param::Size(1)).unwrap();
    assert_eq!(size.clone().with(Param::Size(2)), Err(ParamError::Twice));
    let time = DateTime::parse(b"2026-12-24T18:00:00Z").unwrap();
    let hold = Params::new().with(Param::HoldFor(1)).unwrap();
    assert_eq!(hold.with(Param::HoldUntil(time)), Err(ParamError::Conflict));
}

#[test]
fn orcpt_of_an_address() {
    for (address, want) in [
        ("bob@example.org", "rfc822;bob@example.org"),
        ("a+b=c@example.org", "rfc822;a+2Bb+3Dc@example.org"),
        ("\"a b\"@example.org", "rfc822;\"a+20b\"@example.org"),
        ("\u{fc}+\\@example.org", r"utf-8;\x{FC}\x{2B}\x{5C}@example.org"),
        ("\u{1f4e7}@example.org", r"utf-8;\x{1F4E7}@example.org"),
    ] {
        let text = Orcpt::encode(address);
        assert_eq!(text, want);
        let orcpt = Orcpt::parse(text.as_bytes()).unwrap();
        assert_eq!(&*orcpt.address(), address.as_bytes());
        assert!(Params::new().with(Param::Orcpt(orcpt)).is_ok());
    }
}

#[test]
fn dates_of_rfc_3339() {
    // (text, seconds since 1970); the first four are of s 5.8
    let rows: &[(&str, Option<i64>)] = &[
        ("1985-04-12T23:20:50.52Z", Some(482_196_050)),
        ("1996-12-19T16:39:57-08:00", Some(851_042_397)),
        ("1990-12-31T23:59:60Z", Some(662_688_000)),
        ("1937-01-01T12:00:27.87+00:20", Some(-1_041_337_173)),
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2000-02-29T00:00:00Z", Some(951_782_400)),
        ("0000-01-01T00:00:00Z", Some(-62_167_219_200)),
        ("1900-02-29T00:00:00Z", None),
        ("2026-04-31T00:00:00Z", None),
        ("2026-00-01T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T00:60:00Z", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01T00:00:00.Z", None),
        ("2026-01-01 00:00:00Z", None),
        ("2026-01-01T00:00:00+24:00", None),
        ("2026-01-01T00:00:00Zx", None),
        ("+026-01-01T00:00:00Z", None),
        ("", None),
    ];
    for (text, want) in rows {
        assert_eq!(DateTime::parse(text.as_bytes()).map(|time| time.unix_seconds()), *want, "{text}");
    }
}

/// Parameters of MAIL and RCPT that can be written.
fn param() -> impl Strategy<Value = Param<'static>> {
    let time = DateTime::parse(b"2026-12-24T18:00:00Z").unwrap();
    prop_oneof![
        any::<u64>().prop_map(Param::Size),
        prop_oneof![Just(Body::SevenBit), Just(Body::EightBitMime), Just(Body::BinaryMime)]
            .prop_map(Param::Body),
        Just(Param::SmtpUtf8),
        prop_oneof![Just(Ret::Full), Just(Ret::Hdrs)].prop_map(Param::Ret),
        Just(Param::EnvId(XText::parse(b"a+2Bb").unwrap())),
        (0u8..8).prop_map(|bits| {
            let all = [Notify::SUCCESS, Notify::FAILURE, Notify::DELAY];
            let wanted = all.into_iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
            Param::Notify(wanted.fold(Notify::NEVER, |sum, (_, notify)| sum.with(notify)))
        }),
        Just(Param::Orcpt(Orcpt::parse(b"rfc822;bob@example.org").unwrap())),
        (1i32..999_999_999, any::<bool>()).prop_map(|(seconds, back)| Param::By(By {
            seconds: if back { seconds } else { -seconds },
            mode: if back { ByMode::Return } else { ByMode::Notify },
            trace: if back { ByTrace::On } else { ByTrace::Off },
        })),
        (-9i8..10).prop_map(Param::MtPriority),
        (1u32..1_000_000_000).prop_map(Param::HoldFor),
        Just(Param::HoldUntil(time)),
        Just(Param::RequireTls),
        Just(Param::Rrvs(Rrvs { since: time, action: Some(RrvsAction::Reject) })),
        Just(Param::Unknown { keyword: b"X-Y", value: Some(b"z") }),
    ]
}

proptest! {
    #[test]
    fn what_is_added_is_what_is_read(wanted in proptest::collection::vec(param(), 0..6)) {
        let mut params = Params::new();
        let mut added = Vec::new();
        for param in wanted {
            if params.push(param).is_ok() {
                added.push(param);
            } else {
                prop_assert!(!added.is_empty());
            }
        }
        prop_assert_eq!(params.iter().collect::<Vec<_>>(), added.clone());
        for param in added {
            prop_assert_eq!(params.get(param.kind()), Some(param));
        }
    }

    #[test]
    fn xtext_of_anything(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
        let text = XText::encode(&octets);
        prop_assert!(XText::parse(text.as_bytes()).is_ok());
        prop_assert_eq!(&*text.decode(), &octets[..]);
    }

    #[test]
    fn orcpt_of_anything_printable(address in "[^\\p{Cc}]{1,20}") {
        let text = Orcpt::encode(&address);
        let orcpt = Orcpt::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&*orcpt.address(), address.as_bytes());
        prop_assert!(orcpt.is_ascii());
    }
}
