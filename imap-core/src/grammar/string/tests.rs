use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::mode::{Mode, Profile};
use crate::writer::Side;

fn mode(profile: Profile, utf8: bool) -> Mode {
    Mode { utf8, ..Mode::new(profile) }
}

fn written(mode: &Mode, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out, Side::Server, mode));
    out.to_vec()
}

#[test]
fn nstrings() {
    let (strict, utf8, liberal) =
        (mode(Profile::Strict, false), mode(Profile::Strict, true), mode(Profile::Liberal, false));
    /// What is said, and what is left unread.
    type Want<'a> = Option<(Option<&'a [u8]>, usize)>;
    // (octets, strict, strict with UTF-8, liberal, what it shows)
    let rows: &[(&[u8], Want<'_>, Want<'_>, Want<'_>, &str)] = &[
        (b"\"\"", Some((Some(b""), 0)), Some((Some(b""), 0)), Some((Some(b""), 0)), "empty is not NIL"),
        (b"NIL", Some((None, 0)), Some((None, 0)), Some((None, 0)), "NIL"),
        (b"nil)", Some((None, 1)), Some((None, 1)), Some((None, 1)), "in any case"),
        (
            b"\"NIL\"",
            Some((Some(b"NIL"), 0)),
            Some((Some(b"NIL"), 0)),
            Some((Some(b"NIL"), 0)),
            "a string of NIL",
        ),
        (
            b"{3}\r\nNIL",
            Some((Some(b"NIL"), 0)),
            Some((Some(b"NIL"), 0)),
            Some((Some(b"NIL"), 0)),
            "the same",
        ),
        (b"NILS", None, None, Some((Some(b"NILS"), 0)), "an atom is no string"),
        (
            br#""a\"b\\c""#,
            Some((Some(br#"a"b\c"#), 0)),
            Some((Some(br#"a"b\c"#), 0)),
            Some((Some(br#"a"b\c"#), 0)),
            "specials",
        ),
        (br#""a\nb""#, None, None, Some((Some(br"a\nb"), 0)), "a stray backslash stays"),
        (
            b"\"a{5}b\"",
            Some((Some(b"a{5}b"), 0)),
            Some((Some(b"a{5}b"), 0)),
            Some((Some(b"a{5}b"), 0)),
            "no literal",
        ),
        (b"\"\xc3\xa9\"", None, Some((Some(b"\xc3\xa9"), 0)), Some((Some(b"\xc3\xa9"), 0)), "UTF-8"),
        (b"\"\xe9\"", None, None, Some((Some(b"\xe9"), 0)), "Latin-1"),
        (b"\"a\0b\"", None, None, Some((Some(b"a\0b"), 0)), "NUL"),
        (b"\"a\r\n", None, None, None, "no closing quote"),
        (b"\"a\\", None, None, None, "no closing quote"),
        (
            b"{2}\r\n\r\n)",
            Some((Some(b"\r\n"), 1)),
            Some((Some(b"\r\n"), 1)),
            Some((Some(b"\r\n"), 1)),
            "a literal",
        ),
        (b"{0}\r\n)", Some((Some(b""), 1)), Some((Some(b""), 1)), Some((Some(b""), 1)), "an empty one"),
        (b"{3}\r\nab", None, None, None, "octets are missing"),
        (b"{3}ab", None, None, None, "no CRLF"),
        (b"{-1}\r\n", None, None, None, "no number"),
        (b"{}\r\n", None, None, None, "no number"),
        (b"{18446744073709551617}\r\na", None, None, None, "it is not 1"),
        (b"~{1}\r\na", None, None, None, "literal8 is no nstring"),
        (b"(", None, None, None, "neither"),
        (b"", None, None, None, "nothing"),
    ];
    for (octets, want_strict, want_utf8, want_liberal, shows) in rows {
        for (mode, want) in [(&strict, want_strict), (&utf8, want_utf8), (&liberal, want_liberal)] {
            let mut c = Cursor::borrowed(octets, mode);
            let got = NString::parse(&mut c).ok();
            let said = got.as_ref().map(|got| (got.octets(), c.rest().len()));
            let want = want.map(|(octets, left)| (octets.map(Cow::Borrowed), left));
            assert_eq!(said, want, "{shows}: {} {mode:?}", octets.escape_ascii());
            // What was written says the same, by the strict grammar.
            let Some(got) = got else { continue };
            let again = written(&strict, |out| got.write(out));
            let again =
                NString::parse(&mut Cursor::borrowed(&again, &strict)).expect("it was written strictly");
            assert_eq!(again.octets(), got.octets(), "{shows}");
        }
    }
}

#[test]
fn a_shared_string_is_a_slice_of_its_frame() {
    let frame = Bytes::from_static(b"{3}\r\nabc \"def\"");
    let mode = mode(Profile::Strict, false);
    let mut c = Cursor::shared(&frame, &mode);
    let Ok(IString::Literal(LiteralForm::Synchronizing, abc)) = IString::parse(&mut c) else { panic!() };
    assert_eq!(abc.as_ptr(), frame[5..].as_ptr());
    c.sp().unwrap();
    assert_eq!(IString::parse(&mut c).unwrap(), IString::of(b"def"));
}

#[test]
fn a_streamed_literal_has_a_size_and_no_octets() {
    let mode = mode(Profile::Strict, false);
    let octets = b"{10485760}\r\n \"x\"";
    let mut c = Cursor::borrowed(octets, &mode).with_streamed(&[12]);
    let string = NString::parse(&mut c).unwrap();
    assert_eq!(string, NString::String(IString::Streamed(LiteralForm::Synchronizing, 10_485_760)));
    assert_eq!(c.rest(), b" \"x\"");
    assert_eq!(written(&mode, |out| string.write(out)), b"{10485760}\r\n");
}

#[test]
fn tags_and_atoms() {
    // (octets, tag, atom, what it shows)
    let rows: &[(&[u8], &[u8], &[u8], &str)] = &[
        (b"a1 OK", b"a1", b"a1", "plain"),
        (b"a]b ", b"a]b", b"a", "] is in a tag and in no atom"),
        (b"a+b ", b"a", b"a+b", "+ is in an atom and in no tag"),
        (b"+ ok", b"", b"+", "+ is no tag"),
        (b"* OK", b"", b"", "* is no tag"),
        (b"a\x7f", b"a", b"a", "DEL"),
        (b"\xc3\xa9", b"", b"", "8 bits"),
    ];
    let mode = mode(Profile::Liberal, false);
    for (octets, tag, atom, shows) in rows {
        let got = Tag::parse(&mut Cursor::borrowed(octets, &mode)).ok();
        assert_eq!(got.as_ref().map_or(&b""[..], |tag| tag.as_bytes()), *tag, "{shows}");
        let got = Atom::parse(&mut Cursor::borrowed(octets, &mode)).ok();
        assert_eq!(got.as_ref().map_or(&b""[..], |atom| atom.as_bytes()), *atom, "{shows}");
        assert_eq!(Tag::new(octets.to_vec()).is_some(), !octets.is_empty() && octets.len() == tag.len());
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(octets in proptest::collection::vec(any::<u8>(), 0..40), utf8: bool) {
        let mode = mode(Profile::Strict, utf8);
        let octets: Vec<u8> = octets.into_iter().filter(|octet| *octet != 0).collect();
        let string = AString::of(&octets);
        let out = written(&mode, |out| string.write(out));
        let mut c = Cursor::borrowed(&out, &mode);
        let again = AString::parse(&mut c).unwrap();
        prop_assert_eq!(&again.octets()[..], &octets[..]);
        prop_assert!(c.rest().is_empty());
        let out_again = written(&mode, |out| again.write(out));
        prop_assert_eq!(out, out_again);
    }
}
