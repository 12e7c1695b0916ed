//! `DotDecoder`, `DotEncoder`: a cut changes nothing, only CRLF.CRLF ends, what is written is clean and reads back.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_wire::{BareNewline, DotDecoder, DotEncoder, DotEvent, DotFault};

type Answer = (Vec<u8>, Option<Result<(), DotFault>>);

fn decode(mut dots: DotDecoder, pieces: &[&[u8]]) -> (Answer, Vec<u8>) {
    let (mut input, mut text, mut end) = (BytesMut::new(), Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = dots.next(&mut input) {
            match event {
                DotEvent::Data(data) => text.extend_from_slice(&data),
                DotEvent::End(verdict) => assert!(end.replace(verdict).is_none()),
            }
        }
        assert!(end.is_some() || input.len() <= 2);
    }
    ((text, end), input.to_vec())
}

fn encode(bare: BareNewline, pieces: &[&[u8]]) -> Result<Vec<u8>, DotFault> {
    let (mut dots, mut wire) = (DotEncoder::new(bare), BytesMut::new());
    let result = pieces
        .iter()
        .try_for_each(|piece| dots.encode(piece, &mut wire))
        .and_then(|()| dots.finish(&mut wire));
    for (at, octet) in wire.iter().enumerate() {
        assert!(*octet != b'\r' || wire.get(at + 1) == Some(&b'\n'));
        assert!(*octet != b'\n' || at > 0 && wire[at - 1] == b'\r');
    }
    result.map(|()| wire.to_vec())
}

fuzz_target!(|data: &[u8]| {
    let [choice, limit, cut, rest @ ..] = data else { return };
    let bare = [BareNewline::Reject, BareNewline::Normalize, BareNewline::Allow][usize::from(*choice) % 3];
    let decoder = || {
        let dots = DotDecoder::new(bare);
        if *limit == 0 { dots } else { dots.with_line_limit(usize::from(*limit) * 5) }
    };
    let (first, second) = rest.split_at((usize::from(*cut) * 4).min(rest.len()));
    let octets: Vec<&[u8]> = rest.chunks(1).collect();

    let (whole, left) = decode(decoder(), &[rest]);
    assert_eq!(whole, decode(decoder(), &[first, second]).0);
    assert_eq!(whole, decode(decoder(), &octets).0);
    // The end is where CRLF.CRLF is, and nowhere else.
    let framed = [b"\r\n", rest].concat();
    let end = framed.windows(5).position(|window| window == b"\r\n.\r\n");
    assert_eq!(whole.1.is_some(), end.is_some());
    if let Some(end) = end {
        assert_eq!(left, rest[end + 3..]);
    }

    let wire = encode(bare, &[rest]);
    assert_eq!(wire, encode(bare, &[first, second]));
    assert_eq!(wire, encode(bare, &octets));
    if let Ok(wire) = wire {
        let reader = if bare == BareNewline::Reject { bare } else { BareNewline::Normalize };
        let ((back, end), left) = decode(DotDecoder::new(reader), &[&wire]);
        assert!(end == Some(Ok(())) && left.is_empty());
        if bare == BareNewline::Reject {
            let mut text = rest.to_vec();
            if !text.is_empty() && !text.ends_with(b"\r\n") {
                text.extend_from_slice(b"\r\n");
            }
            assert_eq!(back, text);
        }
    }
});
