use std::num::NonZeroU32;

use super::*;
use crate::grammar::date::DateTime;
use crate::grammar::flag::{Flag, FlagList};
use crate::grammar::parameter::OneOrMore;
use crate::grammar::search::{SearchKey, SearchKeys};
use crate::grammar::sequence::SeqNumber;
use crate::grammar::string::{IString, LiteralForm};
use crate::mode::{Literals, Profile, Quirk, Quirks};
use crate::writer::{Mark, Pause, Side};
use bytes::BytesMut;
use proptest::prelude::*;

fn of(text: &str) -> Result<Command> {
    Command::parse_shared(&Bytes::copy_from_slice(text.as_bytes()), &[], &Mode::new(Profile::Strict))
}

fn written(command: &Command, literals: Literals) -> (String, Vec<Mark>) {
    let mode = Mode { literals, ..Mode::new(Profile::Strict) };
    let mut out = BytesMut::new();
    let mut writer = Writer::new(&mut out, Side::Client, &mode);
    command.write(&mut writer);
    let marks = writer.finish();
    (String::from_utf8_lossy(&out).into_owned(), marks)
}

#[test]
fn what_is_wrong_and_where() {
    // (command, offset, what it shows)
    for (text, at, shows) in [
        ("", 0, "nothing"),
        ("\r\n", 0, "an empty line"),
        ("a", 1, "a tag alone"),
        ("a\r\n", 1, "and its CRLF"),
        (" NOOP", 0, "no tag"),
        ("+ NOOP", 0, "a tag has no +"),
        ("a+b NOOP", 1, "nor inside"),
        ("a  NOOP", 2, "two spaces"),
        ("a NOOP ", 6, "a space behind"),
        ("a NOOP x", 6, "an argument to a command without"),
        ("a (NOOP)", 2, "no command"),
        ("a NO\u{e9}P", 4, "no ASCII"),
        ("a LOGIN", 7, "no user"),
        ("a LOGIN u", 9, "no password"),
        ("a LOGIN u p x", 11, "three arguments"),
        ("a LOGIN \"u p", 12, "an open quote"),
        ("a LOGIN {3}\r\nab", 13, "a short literal"),
        ("a LOGIN {3}", 10, "no CRLF behind the announcement"),
        ("a LOGIN {x}\r\nab", 9, "no number"),
        ("a AUTHENTICATE", 14, "no mechanism"),
        ("a AUTHENTICATE PLAIN ab", 21, "no base64"),
        ("a AUTHENTICATE PLAIN abcd=", 21, "nor this"),
        ("a SELECT", 8, "no mailbox"),
        ("a SELECT (x)", 9, "a list for a mailbox"),
        ("a SELECT x ()", 12, "no parameter"),
        ("a SELECT x (QRESYNC (0 1))", 21, "UIDVALIDITY is over 0"),
        ("a SELECT x (QRESYNC (1 0))", 23, "so is a mod-sequence"),
        ("a SELECT x (QRESYNC (1 1 1:*))", 25, "no * in known UIDs"),
        ("a SELECT x (QRESYNC (1 1 1 (1 $)))", 30, "nor $"),
        ("a SELECT x (QRESYNC)", 19, "no parameters of QRESYNC"),
        ("a CREATE x (USE \\Sent)", 16, "uses are a list"),
        ("a FETCH 1", 9, "nothing to fetch"),
        ("a FETCH 0 FLAGS", 8, "no message"),
        ("a FETCH 1 (FLAGS", 16, "no end"),
        ("a FETCH 1 FLAGS (CHANGEDSINCE x)", 30, "no number"),
        ("a STORE 1 FLAGS", 15, "no flags"),
        ("a STORE 1 FLAG (\\Seen)", 10, "no FLAGS"),
        ("a STORE 1 FLAGS (\\Recent)", 17, "no client sets it"),
        ("a STORE 1 *FLAGS ()", 10, "no such action"),
        ("a STORE 1 (UNCHANGEDSINCE) FLAGS ()", 25, "no number"),
        ("a COPY 1", 8, "no mailbox"),
        ("a COPY x y", 7, "no set"),
        ("a APPEND x", 10, "no message"),
        ("a APPEND x \"abc\"", 11, "a quoted string is no message"),
        ("a APPEND x (\\Seen)", 18, "no literal"),
        ("a APPEND x CATENATE ()", 21, "no part"),
        ("a APPEND x CATENATE (FOO {1}\r\nx)", 21, "no part"),
        ("a APPEND x UTF8 ({1}\r\nx)", 17, "a literal8 and no other"),
        ("a APPEND x {1}\r\nx ", 17, "a space behind"),
        ("a REPLACE 1,2 x {1}\r\nx", 10, "one number"),
        ("a REPLACE $ x {1}\r\nx", 10, "one number"),
        ("a SEARCH", 8, "no key"),
        ("a SEARCH RETURN () ", 19, "no key"),
        ("a SEARCH CHARSET UTF-8", 22, "no key"),
        ("a SORT (DATE) UTF-8", 19, "no key"),
        ("a SORT DATE UTF-8 ALL", 7, "criteria are a list"),
        ("a THREAD REFERENCES UTF-8", 25, "no key"),
        ("a ESEARCH IN () ALL", 14, "no mailboxes"),
        ("a ESEARCH IN (foo) ALL", 14, "no such mailboxes"),
        ("a LIST \"\"", 9, "no pattern"),
        ("a LIST (RECURSIVEMATCH) \"\" *", 7, "RFC 9051 s 9: not alone"),
        ("a LIST (REMOTE RECURSIVEMATCH) \"\" *", 7, "RFC 9051 s 9: nor with REMOTE"),
        ("a LIST \"\" ()", 11, "no pattern"),
        ("a LIST \"\" * RETURN", 11, "no options"),
        ("a STATUS x", 10, "nothing to tell"),
        ("a STATUS x ()", 12, "nothing to tell"),
        ("a ENABLE", 8, "nothing to enable"),
        ("a COMPRESS", 10, "no algorithm"),
        ("a SETQUOTA x (STORAGE)", 21, "no limit"),
        ("a SETQUOTA x (STORAGE -1)", 22, "no number"),
        ("a SETACL x y", 12, "no rights"),
        ("a SETMETADATA x ()", 17, "nothing to set"),
        ("a SETMETADATA x (\"/a*b\" NIL)", 17, "no wildcards"),
        ("a GETMETADATA (DEPTH 2) x /a", 21, "0, 1 or infinity"),
        ("a ID", 4, "no parameters"),
        ("a ID (\"a\")", 9, "no value"),
        ("a ID (NIL \"a\")", 9, "a field has a name"),
        ("a NOTIFY", 8, "SET or NONE"),
        ("a NOTIFY SET", 12, "no group"),
        ("a NOTIFY SET (foo NONE)", 14, "no such mailboxes"),
        ("a NOTIFY SET (inboxes ())", 23, "no events"),
        ("a GENURLAUTH x", 14, "no mechanism"),
        ("a CANCELUPDATE", 14, "no tag"),
        ("a CANCELUPDATE x", 15, "RFC 5267 s 6: quoted"),
        ("a UID", 5, ""),
        ("a XYZZY (", 9, "an open list"),
        ("a XYZZY \"\r\nb NOOP", 9, "a line in a string"),
        ("a NOOP\r\nb NOOP\r\n", 6, "two commands"),
        ("a NOOP\n", 6, "a bare LF"),
        ("a SELECT x\0", 10, "NUL"),
    ] {
        match of(text) {
            Err(error) => assert_eq!(error.at(), at, "{text:?}: {shows}: {error}"),
            Ok(command) => assert!(shows.is_empty(), "{text:?}: {shows}: {command:?}"),
        }
    }
}

#[test]
fn a_secret_is_not_shown() {
    for text in ["a LOGIN u swordfish", "a AUTHENTICATE PLAIN c3dvcmRmaXNo", "a LOGIN u {9}\r\nswordfish"] {
        let shown = format!("{:?}", of(text).unwrap());
        assert!(!shown.contains("swordfish") && !shown.contains("c3dvcmRmaXNo"), "{shown}");
    }
    for text in [
        "a LOGIN u swordfish x",
        "a LOGIN u \"swordfish",
        "a AUTHENTICATE PLAIN swordfish",
        "a LOGIN swordfish",
    ] {
        let shown = of(text).unwrap_err().to_string();
        assert!(!shown.contains("swordfish"), "{shown}");
    }
}

#[test]
fn the_head_of_an_append_is_read_before_its_octets_come() {
    let mode = Mode::new(Profile::Strict);
    // (head, messages, size of the last literal, what it shows)
    for (head, messages, size, shows) in [
        ("a APPEND box {310}\r\n", 1, 310, "the shortest"),
        (
            "a APPEND {3}\r\nbox (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {0}\r\n",
            1,
            0,
            "an inline literal before it",
        ),
        ("a APPEND box ~{5+}\r\n", 1, 5, "a literal8"),
        ("a APPEND box UTF8 (~{5}\r\n", 1, 5, "in UTF8"),
        ("a APPEND box CATENATE (URL \"/x\" TEXT {5}\r\n", 1, 5, "a part"),
        ("a APPEND box CATENATE (UTF8 (~{7}\r\n", 1, 7, "a part in UTF8"),
        ("a APPEND box {1}\r\nx (\\Seen) {2}\r\n", 2, 2, "a second message"),
    ] {
        let command = Command::parse_head(head.as_bytes(), &[], &mode).unwrap().unwrap();
        let CommandBody::Append(append) = command.body else { panic!("{shows}") };
        assert_eq!(append.messages().count(), messages, "{shows}");
        let last = append.messages().last().unwrap().literals().last().unwrap();
        assert!(matches!(last, IString::Streamed(_, announced) if *announced == size), "{shows}: {last:?}");
    }
    let head = b"a UID REPLACE 7 box {3}\r\n";
    assert!(matches!(Command::parse_head(head, &[], &mode).unwrap().unwrap().body, CommandBody::Replace(_)));
    // Two that were streamed: the first is not there any more.
    let head = b"a APPEND box {100000}\r\n (\\Seen) {5}\r\n";
    let command = Command::parse_head(head, &[23], &mode).unwrap().unwrap();
    let CommandBody::Append(append) = command.body else { panic!() };
    assert_eq!(append.messages().count(), 2);
    assert_eq!(Command::parse_head(b"a LOGIN {3}\r\n", &[], &mode).unwrap(), None);
    for wrong in ["a APPEND box x {3}\r\n", "a APPEND {3}\r\n", "a APPEND box CATENATE ({3}\r\n"] {
        assert!(Command::parse_head(wrong.as_bytes(), &[], &mode).is_err(), "{wrong:?}");
    }
    // The whole of it, with its octets elsewhere, is not over where its head is.
    let whole = Bytes::from_static(b"a APPEND box CATENATE (TEXT {5}\r\n)\r\n");
    assert!(Command::parse_shared(&whole, &[33], &mode).is_ok());
    let open = Bytes::from_static(b"a APPEND box CATENATE (TEXT {5}\r\n\r\n");
    assert!(Command::parse_shared(&open, &[33], &mode).is_err());
}

#[test]
fn a_streamed_literal_is_announced_and_left_out() {
    let message = AppendMessage {
        flags: Some(FlagList::of([Flag::<Bytes>::Seen])),
        date: None,
        extensions: Vec::new(),
        data: AppendData::Message(IString::Streamed(LiteralForm::NonSynchronizing, 10_000)),
    };
    let append = Append { mailbox: Mailbox::of(b"box"), message, more: Vec::new() };
    let command = Command { tag: Tag::new("a").unwrap(), body: CommandBody::Append(append) };
    let (text, marks) = written(&command, Literals::Minus);
    assert_eq!(text, "a APPEND box (\\Seen) {10000}\r\n\r\n");
    assert_eq!(marks, [Mark { at: 30, pause: Pause::Wait }, Mark { at: 30, pause: Pause::Streamed(10_000) }]);
    let (text, marks) = written(&command, Literals::Plus);
    assert_eq!(text, "a APPEND box (\\Seen) {10000+}\r\n\r\n");
    assert_eq!(marks, [Mark { at: 31, pause: Pause::Streamed(10_000) }]);
}

/// D10: what the application hands in cannot be a command of its own.
#[test]
fn nothing_that_is_handed_in_ends_a_command() {
    let evil = b"b\" (\\Seen) {3+}\r\nabc\r\nz NOOP";
    let text = |octets: &[u8]| AString::of(octets);
    let one = SequenceSet::one(NonZeroU32::MIN);
    for body in [
        CommandBody::Delete(Mailbox::of(evil)),
        CommandBody::Delete(Mailbox::new(std::str::from_utf8(evil).unwrap(), &Mode::new(Profile::Strict))),
        CommandBody::Lsub(Mailbox::of(evil), ListMailbox::of(evil)),
        CommandBody::Login(Login { user: text(evil), password: SecretAString::of(evil) }),
        CommandBody::Copy { numbering: Numbering::Uid, set: one, mailbox: Mailbox::of(evil) },
        CommandBody::GetQuota(text(evil)),
        CommandBody::SetAcl(Box::new(SetAcl {
            mailbox: Mailbox::of(evil),
            identifier: text(evil),
            mod_rights: text(evil),
        })),
        CommandBody::Id(Id::of([("name", Some(std::str::from_utf8(evil).unwrap()))]).unwrap()),
        CommandBody::Search(Search {
            numbering: Numbering::Uid,
            returns: None,
            charset: None,
            keys: SearchKeys::of(SearchKey::Header(text(evil), text(evil))).unwrap(),
        }),
        // A type whose variants anyone can make.
        CommandBody::GetQuota(AString::Atom(Bytes::from_static(evil))),
    ] {
        let command = Command { tag: Tag::new("a").unwrap(), body };
        let (text, _) = written(&command, Literals::Plus);
        let mode = Mode::new(Profile::Strict);
        let read = Command::parse(text.as_bytes(), &mode).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(read.body.name(), command.body.name());
        assert_eq!(written(&of(&text).unwrap(), Literals::Plus).0, text);
        let mut framer = crate::Framer::commands(crate::FrameLimits::server());
        let mut input = BytesMut::from(&*text);
        loop {
            match framer.next(&mut input).unwrap().unwrap() {
                crate::Cut::Announced(_) => framer.gather(&mut input).unwrap(),
                crate::Cut::Frame(frame) => break assert_eq!(frame.octets(), text.as_bytes()),
                other => panic!("{other:?}"),
            }
        }
        assert!(input.is_empty(), "one command: {text}");
    }
    for name in ["a b", "", "a\r\n", "+", "é", "a(b"] {
        assert!(
            Tag::new(name.to_owned()).is_none() && (name == "+" || Atom::new(name.to_owned()).is_none()),
            "{name:?}"
        );
    }
}

#[test]
fn a_liberal_server_lets_pass_what_it_names() {
    let mode = Mode { quirks: Quirks::NONE.with(Quirk::TrailingSpace), ..Mode::new(Profile::Strict) };
    for text in [
        "a NOOP \r\n",
        "a SEARCH ALL \r\n",
        "a LOGIN u p \r\n",
        "a APPEND x {1}\r\nx \r\n",
        "a URLFETCH x \r\n",
    ] {
        assert!(Command::parse(text.as_bytes(), &mode).is_ok(), "{text:?}");
        assert!(of(text).is_err(), "{text:?}");
    }
}

#[test]
fn sizes_stay_small() {
    assert!(size_of::<CommandBody<&[u8]>>() <= 136, "{}", size_of::<CommandBody<&[u8]>>());
    assert!(size_of::<SearchKey<&[u8]>>() <= 64, "{}", size_of::<SearchKey<&[u8]>>());
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-zA-Z0-9/.]{1,8}".prop_map(String::into_bytes),
        "\\PC{0,8}".prop_map(String::into_bytes),
        proptest::collection::vec(1u8.., 0..6),
        Just(b"NIL".to_vec()),
    ]
}

fn astring() -> impl Strategy<Value = AString> {
    octets().prop_map(|octets| AString::of(&octets))
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    octets().prop_map(|octets| Mailbox::of(&octets))
}

fn atom() -> impl Strategy<Value = Atom> {
    "[A-Z][A-Z0-9-]{0,8}".prop_map(|text| Atom::new(text).unwrap())
}

fn set() -> impl Strategy<Value = SequenceSet> {
    "([1-9][0-9]{0,3}|\\*)(:[1-9])?(,[1-9]:\\*)?|\\$".prop_map(|text| {
        let set = SequenceSet::parse(text.as_bytes()).unwrap();
        if set.has_saved() { SequenceSet::SAVED } else { SequenceSet::from_ranges(set.ranges()).unwrap() }
    })
}

fn flags() -> impl Strategy<Value = FlagList> {
    let flag = prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Deleted),
        "[$A-Za-z][a-z]{0,5}".prop_map(|word| Flag::keyword(&word).unwrap()),
    ];
    proptest::collection::vec(flag, 0..4).prop_map(FlagList::of)
}

fn numbering() -> impl Strategy<Value = Numbering> {
    prop_oneof![Just(Numbering::Sequence), Just(Numbering::Uid)]
}

fn message() -> impl Strategy<Value = AppendMessage> {
    let literal = || {
        let form = prop_oneof![Just(LiteralForm::Synchronizing), Just(LiteralForm::NonSynchronizing)];
        (form, octets()).prop_map(|(form, octets)| IString::Literal(form, Bytes::from(octets)))
    };
    let binary = octets().prop_map(|octets| IString::Literal(LiteralForm::Literal8, Bytes::from(octets)));
    let part = prop_oneof![literal().prop_map(CatenatePart::Text), astring().prop_map(CatenatePart::Url)];
    let data = prop_oneof![
        literal().prop_map(AppendData::Message),
        binary.prop_map(AppendData::Utf8),
        proptest::collection::vec(part, 1..4).prop_map(AppendData::Catenate),
    ];
    let date =
        proptest::option::of((0..4_000_000_000_i64).prop_map(|at| DateTime::from_unix(at, 60).unwrap()));
    (proptest::option::of(flags()), date, data).prop_map(|(flags, date, data)| AppendMessage {
        flags,
        date,
        extensions: Vec::new(),
        data,
    })
}

fn body() -> impl Strategy<Value = CommandBody> {
    let name = mailbox;
    let pattern = || {
        octets()
            .prop_filter("kept in one form", |octets| octets.is_ascii())
            .prop_map(|octets| ListMailbox::of(&octets))
    };
    let search =
        (numbering(), astring(), proptest::option::of(astring())).prop_map(|(numbering, text, charset)| {
            Search { numbering, returns: None, charset, keys: SearchKeys::of(SearchKey::Text(text)).unwrap() }
        });
    let store = (numbering(), set(), flags(), any::<bool>()).prop_map(|(numbering, set, flags, add)| Store {
        numbering,
        set,
        modifiers: if add { vec![StoreModifier::UnchangedSince(7)] } else { Vec::new() },
        action: if add { StoreAction::Add } else { StoreAction::Replace },
        silence: if add { Silence::Silent } else { Silence::Answer },
        attribute: StoreAttribute::Flags(flags),
    });
    let list = (name(), proptest::collection::vec(pattern(), 1..3)).prop_map(|(reference, patterns)| List {
        select: Some(vec![ListSelect::Subscribed, ListSelect::RecursiveMatch]),
        reference,
        patterns: OneOrMore::More(patterns),
        returns: Some(vec![ListReturn::Children]),
    });
    let first = prop_oneof![
        Just(CommandBody::Noop),
        Just(CommandBody::Idle),
        (astring(), octets()).prop_map(|(user, password)| {
            CommandBody::Login(Login { user, password: SecretAString::of(&password) })
        }),
        (atom(), "([a-zA-Z0-9+/]{4}){1,3}").prop_map(|(mechanism, initial)| {
            CommandBody::Authenticate(Authenticate { mechanism, initial: SecretOctets::of(initial) })
        }),
        name().prop_map(CommandBody::Delete),
        (name(), name()).prop_map(|(from, to)| CommandBody::Rename(from, to, None)),
        name().prop_map(|mailbox| CommandBody::Select(Select {
            mailbox,
            parameters: vec![SelectParameter::CondStore]
        })),
        (name(), flags()).prop_map(|(mailbox, uses)| {
            CommandBody::Create(Create { mailbox, parameters: vec![CreateParameter::Use(uses)] })
        }),
        (name(), pattern()).prop_map(|(reference, pattern)| CommandBody::Lsub(reference, pattern)),
        list.prop_map(CommandBody::List),
        (name(), astring()).prop_map(|(mailbox, who)| CommandBody::ListRights(mailbox, who)),
    ];
    let second = prop_oneof![
        proptest::collection::vec(astring(), 0..3).prop_map(CommandBody::Language),
        proptest::collection::vec((astring(), atom()), 1..3).prop_map(CommandBody::GenUrlAuth),
        (name(), proptest::collection::vec(atom(), 0..3)).prop_map(|key| CommandBody::ResetKey(Some(key))),
        (numbering(), set(), name()).prop_map(|(numbering, set, mailbox)| CommandBody::Move {
            numbering,
            set,
            mailbox
        }),
        set().prop_map(|set| CommandBody::Expunge(Some(set))),
        store.prop_map(CommandBody::Store),
        search.prop_map(CommandBody::Search),
        (name(), message(), proptest::collection::vec(message(), 0..2))
            .prop_map(|(mailbox, message, more)| { CommandBody::Append(Append { mailbox, message, more }) }),
        (numbering(), name(), message()).prop_map(|(numbering, mailbox, message)| {
            CommandBody::Replace(Box::new(Replace {
                numbering,
                number: SeqNumber::Largest,
                mailbox,
                message,
            }))
        }),
        atom()
            .prop_map(|name| CommandBody::Other(Atom::new([b"X", name.as_bytes()].concat()).unwrap(), None)),
    ];
    prop_oneof![first, second]
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(body in body(), plus: bool) {
        let literals = if plus { Literals::Plus } else { Literals::Synchronizing };
        let command = Command { tag: Tag::new("a1").unwrap(), body };
        let mode = Mode { literals, ..Mode::new(Profile::Strict) };
        let mut out = BytesMut::new();
        command.write(&mut Writer::new(&mut out, Side::Client, &mode));
        let shared = out.freeze();
        let read = Command::parse_shared(&shared, &[], &mode).unwrap_or_else(|error| panic!("{shared:?}: {error}"));
        let mut again = BytesMut::new();
        read.write(&mut Writer::new(&mut again, Side::Client, &mode));
        prop_assert_eq!(&again.freeze(), &shared);
        if plus {
            prop_assert_eq!(&read, &command);
        }
        let borrowed = Command::parse(&shared, &mode).unwrap();
        prop_assert_eq!(borrowed.body.name(), command.body.name());
    }

    #[test]
    fn any_octets_are_a_command_or_an_error(text in "a (UID |)(FETCH|STORE|APPEND|SEARCH|LIST|SELECT|NOTIFY|XYZZY)( |\\(|\\)|[0-9a-z*:\\\\\"{}~]){0,24}") {
        let mode = Mode::new(Profile::Strict);
        if let Ok(command) = Command::parse(text.as_bytes(), &mode) {
            let mut out = BytesMut::new();
            command.write(&mut Writer::new(&mut out, Side::Client, &mode));
            prop_assert!(Command::parse(&out, &mode).is_ok(), "{:?}", out);
        }
    }
}
