//! IMAP responses: framing, FETCH, BODYSTRUCTURE, and writing them, beside imap-codec and imap-proto.

use std::hint::black_box;

use bytes::BytesMut;
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use mail46_imap_core::{Cut, FrameLimits, Framer, Mode, Profile, Response, Side, Writer};

use crate::harness::{Case, Unit, table, time};

/// 10,000 answers to `FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)`, about 504 octets each.
fn fetches() -> Vec<String> {
    (1..=10_000)
        .map(|number: u32| {
            format!(
                "* {number} FETCH (UID {} FLAGS (\\Seen \\Answered $Forwarded) INTERNALDATE \"17-Jul-2024 02:44:25 -0700\" \
                 RFC822.SIZE {} ENVELOPE (\"Wed, 17 Jul 2024 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" \
                 ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) \
                 ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) ((NIL NIL \"imap\" \"cac.example.edu\")) \
                 ((NIL NIL \"minutes\" \"cnri.example.va.us\")(\"John Klensin\" NIL \"KLENSIN\" \"mit.example.edu\")) NIL NIL \
                 \"<B27397-{number:07}@cac.example.edu>\"))\r\n",
                number + 40_000,
                number * 37 + 4_000,
            )
        })
        .collect()
}

/// 15 leaves, five deep.
fn structure() -> String {
    let text = r#"("TEXT" "PLAIN" ("CHARSET" "UTF-8" "FORMAT" "flowed") NIL NIL "QUOTED-PRINTABLE" 2048 57 NIL NIL NIL NIL)"#;
    let image = r#"("IMAGE" "PNG" ("NAME" "figure-1.png") "<part1.06090408@example.com>" NIL "BASE64" 40960 NIL ("INLINE" ("FILENAME" "figure-1.png" "SIZE" "30000")) NIL NIL)"#;
    let mut body = format!(r#"({text}{text}{image} "ALTERNATIVE" ("BOUNDARY" "----=_Part_0") NIL NIL NIL)"#);
    for depth in 1..5 {
        body =
            format!(r#"({body}{text}{image}{text} "MIXED" ("BOUNDARY" "----=_Part_{depth}") NIL NIL NIL)"#);
    }
    format!("* 1 FETCH (BODYSTRUCTURE {body})\r\n")
}

const ROUNDS: usize = 15;

pub fn run() {
    let mode = Mode::new(Profile::Liberal);
    let fetches = fetches();
    let stream: String = fetches.concat();
    let octets = Unit::Octets(stream.len());
    println!("FETCH of {} octets", stream.len() / fetches.len());

    table(
        "framing alone",
        octets,
        ROUNDS,
        vec![Case::new("mail46-imap-core", || {
            let mut input = BytesMut::from(stream.as_bytes());
            let mut framer = Framer::responses(FrameLimits::client());
            time(|| {
                while let Some(Ok(Cut::Frame(frame))) = framer.next(&mut input) {
                    black_box(frame);
                }
            })
        })],
    );

    table(
        "FETCH (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
        octets,
        ROUNDS,
        vec![
            Case::new("mail46-imap-core", || {
                time(|| {
                    for fetch in &fetches {
                        black_box(Response::parse(fetch.as_bytes(), &mode).expect("a response"));
                    }
                })
            }),
            Case::new("mail46-imap-core, framed and shared", || {
                let mut input = BytesMut::from(stream.as_bytes());
                let mut framer = Framer::responses(FrameLimits::client());
                time(|| {
                    while let Some(Ok(Cut::Frame(frame))) = framer.next(&mut input) {
                        black_box(Response::parse_frame(&frame, &mode).expect("a response"));
                    }
                })
            }),
            Case::new("imap-codec", || {
                let codec = ResponseCodec::new();
                time(|| {
                    for fetch in &fetches {
                        black_box(codec.decode(fetch.as_bytes()).expect("a response"));
                    }
                })
            }),
            Case::new("imap-proto", || {
                time(|| {
                    for fetch in &fetches {
                        black_box(imap_proto::Response::parse(fetch.as_bytes()).expect("a response"));
                    }
                })
            }),
        ],
    );

    let structure = structure();
    println!("BODYSTRUCTURE of {} octets", structure.len());
    const TIMES: usize = 2_000;
    table(
        "BODYSTRUCTURE of 15 leaves",
        Unit::Octets(structure.len() * TIMES),
        ROUNDS,
        vec![
            Case::new("mail46-imap-core", || {
                time(|| {
                    for _ in 0..TIMES {
                        black_box(
                            Response::parse(black_box(structure.as_bytes()), &mode).expect("a response"),
                        );
                    }
                })
            }),
            Case::new("imap-codec", || {
                let codec = ResponseCodec::new();
                time(|| {
                    for _ in 0..TIMES {
                        black_box(codec.decode(black_box(structure.as_bytes())).expect("a response"));
                    }
                })
            }),
            Case::new("imap-proto", || {
                time(|| {
                    for _ in 0..TIMES {
                        black_box(
                            imap_proto::Response::parse(black_box(structure.as_bytes())).expect("a response"),
                        );
                    }
                })
            }),
        ],
    );

    let ours: Vec<_> =
        fetches.iter().map(|fetch| Response::parse(fetch.as_bytes(), &mode).expect("a response")).collect();
    let codec = ResponseCodec::new();
    let theirs: Vec<_> =
        fetches.iter().map(|fetch| codec.decode(fetch.as_bytes()).expect("a response").1).collect();
    table(
        "writing FETCH",
        octets,
        ROUNDS,
        vec![
            Case::new("mail46-imap-core", || {
                let mut out = BytesMut::with_capacity(4096);
                time(|| {
                    for response in &ours {
                        out.clear();
                        response.write(&mut Writer::new(&mut out, Side::Server, &mode));
                        black_box(&out);
                    }
                })
            }),
            Case::new("imap-codec", || {
                time(|| {
                    for response in &theirs {
                        black_box(codec.encode(response).dump());
                    }
                })
            }),
        ],
    );

    let count = |work: &mut dyn FnMut()| allocation_counter::measure(work).count_total;
    let fetch = fetches[0].as_bytes();
    println!("allocations: FETCH, BODYSTRUCTURE, writing FETCH");
    println!(
        "  mail46-imap-core {} {} {}",
        count(&mut || drop(black_box(Response::parse(fetch, &mode)))),
        count(&mut || drop(black_box(Response::parse(structure.as_bytes(), &mode)))),
        {
            let mut out = BytesMut::with_capacity(4096);
            count(&mut || {
                ours[0].write(&mut Writer::new(&mut out, Side::Server, &mode));
            })
        }
    );
    println!(
        "  imap-codec       {} {} {}",
        count(&mut || drop(black_box(codec.decode(fetch)))),
        count(&mut || drop(black_box(codec.decode(structure.as_bytes())))),
        count(&mut || drop(black_box(codec.encode(&theirs[0]).dump()))),
    );
    println!(
        "  imap-proto       {} {}",
        count(&mut || drop(black_box(imap_proto::Response::parse(fetch)))),
        count(&mut || drop(black_box(imap_proto::Response::parse(structure.as_bytes())))),
    );
    println!("octets of a Response<&[u8]>: {}", size_of::<Response<&[u8]>>());
}

/// `fetch`, `structure`, `imap-codec:fetch` and so on, `times` times: for callgrind.
pub fn once(case: &str, times: usize) -> bool {
    let mode = Mode::new(Profile::Liberal);
    let (fetch, structure) = (fetches().swap_remove(0), structure());
    let octets = if case.ends_with("structure") { structure.as_bytes() } else { fetch.as_bytes() };
    let codec = ResponseCodec::new();
    let ours = Response::parse(octets, &mode).expect("a response");
    let mut out = BytesMut::new();
    for _ in 0..times {
        match case {
            "fetch" | "structure" => drop(black_box(Response::parse(black_box(octets), &mode))),
            "write-fetch" | "write-structure" => {
                out.clear();
                ours.write(&mut Writer::new(&mut out, Side::Server, &mode));
            }
            "imap-codec:fetch" | "imap-codec:structure" => drop(black_box(codec.decode(black_box(octets)))),
            "imap-proto:fetch" | "imap-proto:structure" => {
                drop(black_box(imap_proto::Response::parse(black_box(octets))));
            }
            _ => return false,
        }
    }
    true
}
