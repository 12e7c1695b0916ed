//! `Response`: what the strict profile reads it writes back to an equal one; what the liberal one lets pass becomes strict, and
//! stays as it is from then on; shared or borrowed is the same.
#![no_main]
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mail46_imap_core::{Mode, Profile, Response, Side, Writer};

fn written<B: AsRef<[u8]>>(response: &Response<B>, mode: &Mode) -> Bytes {
    let mut out = BytesMut::new();
    response.write(&mut Writer::new(&mut out, Side::Server, mode));
    out.freeze()
}

fuzz_target!(|data: &[u8]| {
    let [how, octets @ ..] = data else { return };
    // A frame ends with its line: without one, `{0}` at its end is no literal yet, and becomes one when it is written with its CRLF.
    if octets.ends_with(b"}") {
        return;
    }
    let utf8 = how & 1 == 1;
    let strict = Mode { utf8, ..Mode::new(Profile::Strict) };
    let liberal = Mode { utf8, ..Mode::new(Profile::Liberal) };
    if let Ok(response) = Response::parse(octets, &strict) {
        let out = written(&response, &strict);
        let again = Response::parse(&out, &strict).expect("it was written strictly");
        assert_eq!(again, response, "{}", octets.escape_ascii());
        assert!(Response::parse(octets, &liberal).is_ok(), "liberal lets pass what strict does");
    }
    let Ok((response, deviations)) = Response::parse_noting(octets, &liberal) else { return };
    let shared = Response::parse_shared(&Bytes::copy_from_slice(octets), &liberal).expect("the same octets");
    let out = written(&response, &liberal);
    assert_eq!(out, written(&shared, &liberal));
    assert!(deviations.iter().all(|deviation| deviation.at <= octets.len()));
    if let Ok(again) = Response::parse(&out, &liberal) {
        let once_more = written(&again, &liberal);
        if let Ok(third) = Response::parse(&once_more, &liberal) {
            assert_eq!(written(&third, &liberal), once_more, "a fixed point");
        }
    }
});
