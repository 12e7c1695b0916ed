use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::Flag;

fn set(text: &str) -> NumberSet {
    crate::SequenceSet::parse(text.as_bytes()).unwrap().resolve(1).unwrap()
}

fn list(text: &str) -> FlagList {
    FlagList::of(text.split_whitespace().map(|word| Flag::parse(word.as_bytes()).unwrap()))
}

/// A mailbox with these UIDs; 0 is one that is not known.
fn with(uids: &[u32]) -> MailboxView {
    let mut mailbox = MailboxView::new();
    mailbox.exists(uids.len() as u32);
    for (index, uid) in uids.iter().enumerate().filter(|(_, uid)| **uid > 0) {
        mailbox.fetched::<Bytes>(index as u32 + 1, Some(*uid), None, None);
    }
    mailbox
}

#[test]
fn what_changes_is_told() {
    let mut mailbox = with(&[504, 505, 0, 508]);
    let seen = list("\\Seen");
    let told = |sequence, uid, before: Option<&str>, after: &str| Change::Message {
        sequence,
        uid,
        flags: Some(FlagChange { before: before.map(list), after: list(after) }),
    };
    assert_eq!(mailbox.fetched(1, None, Some(&seen), Some(7)), told(1, Some(504), None, "\\Seen"));
    assert_eq!(mailbox.fetched(1, None, Some(&seen), Some(7)), Change::Nothing, "known already");
    assert_eq!(mailbox.fetched(1, None, Some(&list("\\SEEN")), None), Change::Nothing, "case is nothing");
    let both = list("$Junk \\seen");
    let change = mailbox.fetched(1, None, Some(&both), Some(8));
    assert_eq!(change, told(1, Some(504), Some("\\Seen"), "$Junk \\seen"));
    let Change::Message { flags: Some(flags), .. } = change else { panic!() };
    assert_eq!((flags.added(), flags.removed()), (list("$Junk"), FlagList::EMPTY));
    assert_eq!(
        mailbox.fetched(3, Some(507), None::<&FlagList>, None),
        Change::Message { sequence: 3, uid: Some(507), flags: None }
    );
    assert_eq!(mailbox.exists(6), Change::Arrived { before: 4, exists: 6 });
    assert_eq!(mailbox.exists(6), Change::Nothing);
    assert_eq!(mailbox.expunged(2), Change::Expunged { sequence: 2, uid: Some(505) });
    assert_eq!((mailbox.sequence(507), mailbox.modseq(1), mailbox.len()), (Some(2), Some(8), 5));
    assert_eq!(mailbox.unknown(), set("4:5"));
    assert_eq!(mailbox.uids(), set("504,507:508"));
}

#[test]
fn the_example_of_rfc_7162_s_3_2_10_2() {
    let uids = [501, 504, 505, 507, 508, 509, 510, 512, 513, 514, 625];
    let (mut by_uid, mut by_number) = (with(&uids), with(&uids));
    assert_eq!(
        by_uid.vanished(set("505,507,510,625")),
        Change::Vanished { uids: set("505,507,510,625"), count: 4 }
    );
    for sequence in [3, 3, 5, 8] {
        assert!(matches!(by_number.expunged(sequence), Change::Expunged { .. }));
    }
    assert_eq!(by_uid.uids(), by_number.uids());
    assert_eq!(by_uid.vanished(set("504,508")), Change::Vanished { uids: set("504,508"), count: 2 });
    assert_eq!(by_uid.len(), 5);
}

#[test]
fn uids_that_are_not_known_vanish_too() {
    let mut mailbox = with(&[10, 0, 0, 20, 0, 0]);
    mailbox.vanished(set("12"));
    assert_eq!((mailbox.len(), mailbox.sequence(20)), (5, Some(3)), "one in the gap");
    mailbox.vanished(set("11:19"));
    assert_eq!((mailbox.len(), mailbox.sequence(20)), (4, Some(2)), "no more than there are");
    mailbox.vanished(set("1:9,15,25"));
    assert_eq!(mailbox.len(), 3, "nothing fits before 10 and between 10 and 20; one behind 20");
    mailbox.vanished(set("1:4294967295"));
    assert!(mailbox.is_empty());
}

#[test]
fn a_mailbox_is_taken_up_again() {
    let mut mailbox = with(&[1, 2, 3, 7, 9]);
    mailbox.uid_validity_is(NonZeroU32::MIN);
    // RFC 7162 s 3.2.5.1: what a SELECT with QRESYNC tells.
    let mut mailbox = mailbox.resumed();
    assert_eq!(mailbox.uid_validity_is(NonZeroU32::MIN), Change::Nothing);
    assert_eq!(mailbox.exists(5), Change::Nothing);
    assert_eq!(mailbox.vanished_earlier(set("2:6")), Change::VanishedEarlier { uids: set("2:6"), count: 2 });
    assert!(matches!(mailbox.fetched(2, Some(7), Some(&list("\\Seen")), Some(9)), Change::Message { .. }));
    assert!(matches!(mailbox.fetched(4, Some(11), Some(&list("")), Some(9)), Change::Message { .. }));
    assert_eq!(mailbox.selected(), Change::Arrived { before: 4, exists: 5 }, "one that was not told of");
    assert_eq!((mailbox.uids(), mailbox.len()), (set("1,7,9,11"), 5));
    assert_eq!(mailbox.flags(2), Some(&list("\\Seen")));
    assert_eq!(
        mailbox.vanished_earlier(set("1:20")).clone(),
        Change::VanishedEarlier { uids: set("1:20"), count: 0 }
    );
    assert_eq!(mailbox.len(), 5, "RFC 7162 s 3.2.10.1: no number changes");
    let mut other = mailbox.clone().resumed();
    other.exists(2);
    assert_eq!(
        other.selected(),
        Change::OutOfStep(OutOfStep::Remembered { remembered: 4 + 1, exists: 2 }),
        "some are gone and it was not told"
    );
    assert!(other.uids().is_empty() && other.len() == 2);
    let mut void = mailbox.resumed();
    void.exists(3);
    let now = NonZeroU32::new(2).unwrap();
    assert_eq!(void.uid_validity_is(now), Change::UidValidity { before: NonZeroU32::MIN, now });
    assert!(void.uids().is_empty() && void.len() == 3);
}

#[test]
fn what_cannot_be_is_told() {
    use OutOfStep::*;
    let none = None::<&FlagList>;
    let mut mailbox = with(&[5, 6, 9]);
    assert_eq!(mailbox.expunged(4), Change::OutOfStep(NoSuchMessage(4)));
    assert_eq!(mailbox.expunged(0), Change::OutOfStep(NoSuchMessage(0)));
    assert_eq!(mailbox.fetched(9, None, none, None), Change::OutOfStep(NoSuchMessage(9)));
    assert_eq!(mailbox.exists(2), Change::OutOfStep(FewerExist { before: 3, exists: 2 }));
    for (uids, sequence, uid) in [([5, 6, 9], 2, 7), ([5, 0, 9], 2, 9), ([5, 0, 9], 2, 5)] {
        let mut mailbox = with(&uids);
        assert_eq!(
            mailbox.fetched(sequence, Some(uid), none, None),
            Change::OutOfStep(Uid { sequence, uid })
        );
        assert!(mailbox.uids().is_empty() && mailbox.len() == 3, "nothing is believed any more");
    }
    let mut known = with(&[5, 6]);
    assert_eq!(known.uid_fetched(7, none, None), Change::OutOfStep(NoSuchUid(7)));
    assert_eq!(known.exists(u32::MAX), Change::Arrived { before: 2, exists: u32::MAX });
    assert!(known.footprint() < 200, "{}", known.footprint());
}

#[test]
fn sets_of_flags_do_not_pile_up() {
    let mut mailbox = with(&[1, 2]);
    for nth in 0..10_000 {
        mailbox.fetched(1, None, Some(&list(&format!("k{nth}"))), None);
    }
    assert!(mailbox.footprint() < 10_000, "{}", mailbox.footprint());
    assert_eq!(mailbox.flags(1), Some(&list("k9999")));
    assert_eq!(mailbox.flags(2), None);
}

proptest! {
    /// Flags come out as they went in, however many sets there are.
    #[test]
    fn flags_are_kept(tells in proptest::collection::vec((1u32..20, 0u32..400), 1..400)) {
        let mut mailbox = MailboxView::new();
        mailbox.exists(20);
        let mut naive = vec![None; 21];
        for (sequence, word) in tells {
            let flags = list(&format!("k{word} \\Seen"));
            mailbox.fetched(sequence, None, Some(&flags), None);
            naive[sequence as usize] = Some(flags);
        }
        for sequence in 1..=20_u32 {
            prop_assert_eq!(mailbox.flags(sequence), naive[sequence as usize].as_ref());
        }
    }
}
