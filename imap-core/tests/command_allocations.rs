//! What a server reads most costs no allocation, or one; what a client writes into a buffer that it has costs none.

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use mail46_imap_core::{Command, Literals, Mode, Profile, Side, Writer};

#[test]
fn commands_and_what_they_allocate() {
    let mode = Mode { literals: Literals::Plus, ..Mode::new(Profile::Strict) };
    // (command, allocations at most)
    for (text, most) in [
        ("A1 NOOP\r\n", 0),
        ("A1 LOGIN \"user@example.com\" \"correct horse\"\r\n", 0),
        ("A1 LOGIN {4+}\r\nuser {3+}\r\na b\r\n", 0),
        ("A1 SELECT \"INBOX/Projects/2024\"\r\n", 0),
        ("A1 STATUS INBOX (MESSAGES UIDNEXT UNSEEN)\r\n", 0),
        ("A1 LIST \"\" \"*\"\r\n", 0),
        ("A1 UID STORE 4827313,4827315:4827320 +FLAGS.SILENT (\\Seen \\Deleted)\r\n", 0),
        ("A1 UID COPY 1:*,7 Sent\r\n", 0),
        ("A1 UID FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[HEADER.FIELDS (DATE FROM)])\r\n", 0),
        ("A1 APPEND box (\\Seen) {3+}\r\nabc\r\n", 0),
        ("A1 UID SEARCH UNDELETED SINCE 1-Feb-2024 OR FROM \"smith\" SUBJECT \"x y\" NOT LARGER 9\r\n", 1),
        ("A1 UID SEARCH RETURN (ALL) UNSEEN\r\n", 2),
    ] {
        let shared = Bytes::from_static(text.as_bytes());
        let read = measure(|| drop(Command::parse(text.as_bytes(), &mode).unwrap()));
        assert!(read.count_total <= most, "{text}: {} allocations", read.count_total);
        let read = measure(|| drop(Command::parse_shared(&shared, &[], &mode).unwrap()));
        assert!(read.count_total <= most, "{text}, shared: {} allocations", read.count_total);
        let command = Command::parse(text.as_bytes(), &mode).unwrap();
        let mut out = BytesMut::with_capacity(1024);
        let write = measure(|| command.write(&mut Writer::new(&mut out, Side::Client, &mode)));
        assert_eq!(write.count_total, 0, "{text}: {} allocations to write it", write.count_total);
        assert_eq!(out, text);
    }
}
