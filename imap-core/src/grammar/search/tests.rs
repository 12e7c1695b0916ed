use super::*;
use crate::grammar::check::written;
use proptest::prelude::*;

#[test]
fn keys_of_each_kind_come_back() {
    for text in [
        "ALL",
        "1,3:5,*",
        "$",
        "UID $",
        "UID 1:*",
        "UNDELETED UNSEEN UNANSWERED UNDRAFT UNFLAGGED",
        "ANSWERED DELETED DRAFT FLAGGED NEW OLD RECENT SEEN",
        "BCC a BODY \"b c\" CC {3}\r\nd e FROM \"Smith\" SUBJECT \"\" TEXT x TO y@z",
        "BEFORE 1-Feb-1994 ON 01-Feb-1994 SINCE \"1-Feb-1994\" SENTBEFORE 1-Feb-1994 SENTON 1-Feb-1994 SENTSINCE 1-Feb-1994",
        "HEADER Message-ID <a@b>",
        "HEADER X \"\"",
        "KEYWORD $Junk UNKEYWORD $NotJunk",
        "LARGER 9223372036854775807 SMALLER 0",
        "OLDER 259200 YOUNGER 1",
        "MODSEQ 620162338",
        "MODSEQ \"/flags/\\\\draft\" all 620162338",
        "MODSEQ \"/flags/x\" priv 0 MODSEQ \"/flags/x\" shared 0",
        "EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9",
        "SAVEDBEFORE 1-Feb-1994 SAVEDON 1-Feb-1994 SAVEDSINCE 1-Feb-1994 SAVEDATESUPPORTED",
        "FILTER on-the-road",
        "UIDAFTER 25000 UIDBEFORE 25001",
        "X-GM-RAW \"has:attachment in:unread\" X-GM-MSGID 1278455344230334865 X-GM-THRID 1 X-GM-LABELS \\Inbox X-GM-LABELS (a \"b\")",
        "FUZZY (SUBJECT \"IMAP break\") FUZZY FROM x",
        "NOT SEEN",
        "NOT NOT SEEN",
        "OR SEEN DRAFT",
        "OR OR SEEN DRAFT OR NEW OLD",
        "(SEEN)",
        "((SEEN))",
        "(SEEN DRAFT) (NEW (OLD))",
        "NOT (OR (SEEN DRAFT) (NOT NEW)) ALL",
        "OR (1) NOT (2 3)",
    ] {
        let keys = SearchKeys::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(written(|out| keys.write(out)), text);
        let lower = text.to_ascii_lowercase();
        assert_eq!(
            SearchKeys::parse(lower.as_bytes()).unwrap().as_slice().len(),
            keys.as_slice().len(),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_and_where() {
    // (keys, at, what it shows)
    for (text, at, shows) in [
        ("", 0, "no key"),
        (" ALL", 0, "a space in front"),
        ("XYZZY", 0, "an unknown key"),
        ("ALL XYZZY", 4, "the second"),
        ("ALL  SEEN", 4, "two spaces"),
        ("ALL ", 3, "a space behind"),
        ("NOT", 3, "nothing to negate"),
        ("NOT ", 4, "nor here"),
        ("OR SEEN", 7, "one operand"),
        ("(SEEN", 5, "no end"),
        ("SEEN)", 4, "an end too many"),
        ("()", 1, "an empty list"),
        ("(NOT)", 4, "nothing inside"),
        ("(OR SEEN)", 8, "one inside"),
        ("FROM", 4, "no string"),
        ("FROM (", 5, "a list for a string"),
        ("BEFORE 32-Jan-1994", 7, "no day"),
        ("LARGER -1", 7, "a sign"),
        ("LARGER 9223372036854775808", 7, "64 bits"),
        ("YOUNGER 0", 8, "nz-number"),
        ("KEYWORD \\Seen", 8, "a system flag is no keyword"),
        ("UID 0", 4, "no UID"),
        ("MODSEQ \"/flags/x\" some 1", 18, "an unknown type"),
        ("HEADER X", 8, "no content"),
        ("TEXT {5}\r\nab", 10, "a short literal"),
        ("SEENX", 0, "longer than a key"),
    ] {
        assert_eq!(SearchKeys::parse(text.as_bytes()).unwrap_err().at(), at, "{text:?}: {shows}");
    }
}

#[test]
fn deep_ones_are_refused_without_being_followed() {
    for (bomb, shows) in [
        ("(".repeat(100_000), "parentheses"),
        ("NOT ".repeat(100_000), "NOT"),
        ("OR ".repeat(100_000), "OR"),
        ("OR ALL ".repeat(100_000), "a chain of OR has no end"),
        ("(NOT ".repeat(50_000), "both"),
    ] {
        assert!(SearchKeys::parse(bomb.as_bytes()).is_err(), "{shows}");
    }
    // D7: nine NOTs, and seven parentheses.
    let nots = format!("{}SEEN", "NOT ".repeat(1000));
    assert!(SearchKeys::parse(nots.as_bytes()).unwrap().negated().is_none(), "one more");
    let lists = format!("{}SEEN{}", "(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    let keys = SearchKeys::parse(lists.as_bytes()).unwrap();
    assert_eq!(written(|out| keys.write(out)), lists);
    let chain = format!("{}ALL", "OR SUBJECT x ".repeat(900));
    let keys = SearchKeys::parse(chain.as_bytes()).unwrap();
    assert!(keys.matches(|key| *key == SearchKey::All));
}

#[test]
fn keys_are_built_and_say_what_was_meant() {
    let one = |key: SearchKey| SearchKeys::of(key).unwrap();
    let seen_or_draft = one(SearchKey::Seen).or(one(SearchKey::Draft)).unwrap();
    let both = one(SearchKey::Flagged).and(one(SearchKey::Larger(9)));
    assert_eq!(written(|out| seen_or_draft.write(out)), "OR SEEN DRAFT");
    let all = seen_or_draft.clone().and(both.clone().negated().unwrap());
    assert_eq!(written(|out| all.write(out)), "OR SEEN DRAFT NOT (FLAGGED LARGER 9)");
    let either = both.or(seen_or_draft).unwrap().fuzzy().unwrap();
    assert_eq!(written(|out| either.write(out)), "FUZZY OR (FLAGGED LARGER 9) OR SEEN DRAFT");
    assert!(SearchKeys::of(SearchKey::<Bytes>::Not).is_none());
    // D10: what a key says cannot end it.
    let evil = one(SearchKey::Subject(AString::of(b"x\" ALL\r\nA2 LOGOUT")));
    assert_eq!(written(|out| evil.write(out)), "SUBJECT {17}\r\nx\" ALL\r\nA2 LOGOUT");
}

fn keys() -> impl Strategy<Value = SearchKeys> {
    let leaf = prop_oneof![
        Just(SearchKey::All),
        Just(SearchKey::Seen),
        (1u32..100).prop_map(|n| SearchKey::Younger(NonZeroU32::new(n).unwrap())),
        any::<u32>().prop_map(|n| SearchKey::Larger(n.into())),
        "\\PC{0,6}|[a-z\r\n\"]{0,5}".prop_map(|text| SearchKey::From(AString::of(text.as_bytes()))),
    ];
    let leaf = leaf.prop_map(|key| SearchKeys::of(key).unwrap());
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|keys| keys.negated().unwrap()),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| one.or(other).unwrap()),
            (inner.clone(), inner).prop_map(|(one, other)| one.and(other)),
        ]
    })
}

/// What the flat list says, read by recursion.
fn slow(keys: &mut std::slice::Iter<'_, SearchKey>, leaf: &dyn Fn(&SearchKey) -> bool) -> bool {
    match keys.next().unwrap() {
        SearchKey::Not => !slow(keys, leaf),
        SearchKey::Fuzzy => slow(keys, leaf),
        SearchKey::Or => slow(keys, leaf) | slow(keys, leaf),
        SearchKey::List(count) => (0..*count).fold(true, |all, _| all & slow(keys, leaf)),
        key => leaf(key),
    }
}

proptest! {
    #[test]
    fn written_keys_are_read_the_same_and_match_the_same(keys in keys(), seen: bool, size: u32) {
        let text = written(|out| keys.write(out));
        let read = SearchKeys::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&written(|out| read.write(out)), &text);
        prop_assert_eq!(read.as_slice().len(), keys.as_slice().len());
        let leaf = |key: &SearchKey| match key {
            SearchKey::All => true,
            SearchKey::Seen => seen,
            SearchKey::Larger(than) => u64::from(size) > *than,
            _ => false,
        };
        let mut rest = keys.as_slice().iter();
        let mut all = true;
        while rest.len() > 0 {
            all &= slow(&mut rest, &leaf);
        }
        prop_assert_eq!(keys.matches(leaf), all);
    }

    #[test]
    fn any_words_are_keys_or_an_error(text in "((NOT|OR|SEEN|\\(|\\)|FROM|a|1) ?){0,12}") {
        if let Ok(keys) = SearchKeys::parse(text.as_bytes()) {
            prop_assert_eq!(written(|out| keys.write(out)), text);
        }
    }
}
