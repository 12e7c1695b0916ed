//! Dot-stuffed text, both ways, beside memcpy and smtp-proto's `DataReceiver` (which checks no newline).

use std::hint::black_box;

use bytes::BytesMut;
use mail46_wire::{BareNewline, DotDecoder, DotEncoder, DotEvent};

use crate::harness::{Case, Unit, table, time};

/// As much as a read brings.
const READ: usize = 16 * 1024;
const BODY: usize = 1 << 20;

pub fn run() {
    for (name, text) in [
        ("base64, 76 columns", base64()),
        ("prose, 0.1 % dot lines", prose(1000)),
        ("prose, 5 % dot lines", prose(20)),
    ] {
        let mut wire = BytesMut::new();
        let mut dots = DotEncoder::new(BareNewline::Reject);
        dots.encode(&text, &mut wire).unwrap();
        dots.finish(&mut wire).unwrap();
        agree(&text, &wire);
        let cases = vec![
            Case::new("memcpy", || {
                let mut out = Vec::with_capacity(wire.len());
                out.extend_from_slice(&wire);
                out.clear();
                time(|| {
                    for piece in wire.chunks(READ) {
                        out.extend_from_slice(black_box(piece));
                    }
                    black_box(&out);
                })
            }),
            Case::new("smtp-proto 0.2.5 DataReceiver", || {
                let mut out = warm(wire.len());
                time(|| smtp_proto_into(&wire, &mut out))
            }),
            Case::new("mail46 decode, Reject", || decode(&wire, || DotDecoder::new(BareNewline::Reject))),
            Case::new("mail46 decode, Reject, lines <= 1000", || {
                decode(&wire, || DotDecoder::new(BareNewline::Reject).with_line_limit(1000))
            }),
            Case::new("mail46 decode, Allow", || decode(&wire, || DotDecoder::new(BareNewline::Allow))),
            Case::new("mail46 encode, Reject", || {
                let mut out = BytesMut::from(warm(wire.len() + 1024).as_slice());
                out.resize(wire.len() + 1024, 0);
                out.clear();
                time(|| {
                    let mut dots = DotEncoder::new(BareNewline::Reject);
                    for piece in text.chunks(READ) {
                        dots.encode(black_box(piece), &mut out).unwrap();
                    }
                    dots.finish(&mut out).unwrap();
                    black_box(&out);
                })
            }),
        ];
        table(&format!("data: {name}"), Unit::Octets(wire.len()), 201, cases);
    }
}

/// A buffer whose pages are there already.
fn warm(length: usize) -> Vec<u8> {
    let mut out = vec![1; length];
    out.clear();
    out
}

fn smtp_proto_into(wire: &[u8], out: &mut Vec<u8>) {
    let mut receiver = smtp_proto::request::receiver::DataReceiver::new();
    for piece in wire.chunks(READ) {
        if receiver.ingest(&mut black_box(piece).iter(), out) {
            break;
        }
    }
    black_box(&out);
}

/// The reads are in their buffers before the clock starts, as a socket would have left them.
fn decode(wire: &[u8], decoder: impl Fn() -> DotDecoder) -> std::time::Duration {
    let reads: Vec<BytesMut> = wire.chunks(READ).map(BytesMut::from).collect();
    let mut dots = decoder();
    let mut ended = false;
    let taken = time(|| {
        let mut left = BytesMut::new();
        for mut read in reads {
            if !left.is_empty() {
                left.extend_from_slice(&read);
                read = left;
            }
            while let Some(event) = dots.next(&mut read) {
                ended |= matches!(black_box(event), DotEvent::End(Ok(())));
            }
            left = read;
        }
    });
    assert!(ended);
    taken
}

/// Before anything is measured: all do the same work.
fn agree(text: &[u8], wire: &[u8]) {
    let mut out = Vec::new();
    smtp_proto_into(wire, &mut out);
    assert!(out == text, "smtp-proto");
    let (mut dots, mut input, mut out) =
        (DotDecoder::new(BareNewline::Reject), BytesMut::from(wire), Vec::new());
    while let Some(DotEvent::Data(data)) = dots.next(&mut input) {
        out.extend_from_slice(&data);
    }
    assert!(out == text, "mail46");
}

fn base64() -> Vec<u8> {
    let mut random = Random(1);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::with_capacity(BODY + 80);
    while text.len() < BODY {
        text.extend((0..76).map(|_| alphabet[random.below(64)]));
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// Lines of 0 to 78 octets, one in `dots` of which begins with a dot.
fn prose(dots: usize) -> Vec<u8> {
    let mut random = Random(2);
    let mut text = b"Subject: prose\r\n\r\n".to_vec();
    while text.len() < BODY {
        if random.below(dots) == 0 {
            text.push(b'.');
        }
        let length = random.below(78);
        text.extend((0..length).map(|at| b"etaoin shrdlu. "[random.below(if at == 0 { 13 } else { 15 })]));
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// xorshift64: the same bodies in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
