//! IMAP commands: read and written, beside imap-codec.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use mail46_imap_core::{Command, Literals, Mode, Profile, Side, Writer};

use crate::harness::{Case, Unit, table, time};

/// What clients say most.
const COMMANDS: [(&str, &[u8]); 6] = [
    ("LOGIN", b"A0001 LOGIN \"user@example.com\" \"correct horse\"\r\n"),
    ("SELECT", b"A0002 SELECT \"INBOX/Projects/2024\"\r\n"),
    ("UID STORE", b"A0003 UID STORE 4827313,4827315:4827320 +FLAGS.SILENT (\\Seen \\Deleted)\r\n"),
    (
        "UID FETCH",
        b"A0004 UID FETCH 4827313:4828442 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (DATE FROM \
          SUBJECT TO CC)])\r\n",
    ),
    (
        "UID SEARCH",
        b"A0005 UID SEARCH CHARSET UTF-8 UNDELETED SINCE 1-Feb-2024 OR FROM \"smith\" SUBJECT \"minutes of the meeting\" NOT \
          LARGER 100000\r\n",
    ),
    ("NOOP", b"A0006 NOOP\r\n"),
];

const TIMES: usize = 10_000;
const ROUNDS: usize = 15;

pub fn run() {
    let mode = Mode { literals: Literals::Plus, ..Mode::new(Profile::Strict) };
    for (name, octets) in COMMANDS {
        let shared = Bytes::from_static(octets);
        let codec = CommandCodec::default();
        table(
            &format!("read {name}, {} octets", octets.len()),
            Unit::Items(TIMES),
            ROUNDS,
            vec![
                Case::new("mail46-imap-core", || {
                    time(|| {
                        (0..TIMES)
                            .for_each(|_| drop(black_box(Command::parse(black_box(octets), &mode).unwrap())))
                    })
                }),
                Case::new("mail46-imap-core, shared", || {
                    time(|| {
                        (0..TIMES).for_each(|_| {
                            drop(black_box(Command::parse_shared(black_box(&shared), &[], &mode).unwrap()))
                        });
                    })
                }),
                Case::new("imap-codec", || {
                    time(|| {
                        (0..TIMES).for_each(|_| drop(black_box(codec.decode(black_box(octets)).unwrap())))
                    })
                }),
            ],
        );
        let ours = Command::parse(octets, &mode).unwrap();
        let (_, theirs) = codec.decode(octets).unwrap();
        let mut out = BytesMut::with_capacity(1024);
        table(
            &format!("write {name}"),
            Unit::Items(TIMES),
            ROUNDS,
            vec![
                Case::new("mail46-imap-core", || {
                    time(|| {
                        (0..TIMES).for_each(|_| {
                            out.clear();
                            let mut writer = Writer::new(&mut out, Side::Client, &mode);
                            black_box(&ours).write(&mut writer);
                            black_box(writer.finish());
                        });
                    })
                }),
                Case::new("imap-codec", || {
                    time(|| (0..TIMES).for_each(|_| drop(black_box(codec.encode(black_box(&theirs)).dump()))))
                }),
            ],
        );
    }
}
