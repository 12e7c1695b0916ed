//! What a text type has.
#![allow(unreachable_pub, dead_code)] // the types are made for other crates

use bytes::Bytes;
use mail46_wire::text::printable;
use mail46_wire::{secret_traits, text_traits, text_type};

text_type! {
    /// Of any case.
    Word, |octets| octets.iter().all(u8::is_ascii_graphic), "a word"
}
text_traits!(Word, <[u8]>::eq_ignore_ascii_case, u8::to_ascii_lowercase);

text_type! {
    /// Not to be seen.
    Key, |octets| !octets.is_empty(), "a key"
}
secret_traits!(Key);

#[test]
fn what_a_text_type_has() {
    let frame = Bytes::from_static(b"one Two");
    let two = Word::parse(&frame[4..]).unwrap();
    let kept = two.in_frame(&frame);
    assert_eq!(kept.as_bytes().as_ptr(), frame[4..].as_ptr(), "without a copy");
    assert!(kept == Word::parse(b"tWO").unwrap() && kept != Word::parse(b"twoo").unwrap());
    let hash = |word: &str| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&word.parse::<Word>().unwrap(), &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    assert_eq!(hash("Two"), hash("twO"), "equal, so hashed alike");
    assert_eq!((kept.to_string(), format!("{kept:?}")), ("Two".into(), "Word(\"Two\")".into()));
    assert!(Word::parse(b"a b").is_err());
    let key = Key::parse(b"tanstaaf").unwrap();
    assert_eq!(format!("{key:?}"), "Key(..)");
    assert!(key == Key::parse(b"tanstaaf").unwrap().to_owned());
    assert_eq!(printable(b"a\x1b[31m"), "a\\x1b[31m", "nothing that moves a terminal's cursor");
}
