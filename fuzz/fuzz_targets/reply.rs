//! `ReplyReader` and `Extensions`: however the input is cut the answers are the same, within the limits; a reply's
//! lines are all of it; what it offers is written so that it reads the same.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_smtp::{Extension, Extensions, Reply, ReplyError, ReplyReader};

fn read(limits: (usize, usize), pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, ReplyError>> {
    let mut replies = ReplyReader::with_limits(limits.0, limits.1);
    let (mut input, mut out) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(reply) = replies.next(&mut input) {
            let failed = reply.is_err();
            out.push(reply.map(|reply| reply.as_bytes().to_vec()));
            if failed {
                return out;
            }
        }
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let [line_limit, limit, cut, rest @ ..] = data else { return };
    let limits = (usize::from(*line_limit).max(5), (usize::from(*limit) * 2).max(5));
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let whole = read(limits, &[rest]);
    assert_eq!(whole, read(limits, &[first, second]));
    let octets: Vec<&[u8]> = rest.chunks(1).collect();
    assert_eq!(whole, read(limits, &octets));
    for frame in whole.into_iter().flatten() {
        assert!(frame.len() <= limits.1);
        let reply = Reply::parse(&frame).expect("a reply that was cut is one");
        assert_eq!(reply.raw_lines().map(|line| line.len() + 5).sum::<usize>() + spaces(&frame), frame.len());
        assert_eq!(reply.lines().count(), reply.raw_lines().count());
        let Some(offered) = Extensions::from_reply(reply) else { continue };
        for extension in offered.iter() {
            assert!(offered.has(extension.kind()) || matches!(extension, Extension::Unknown { .. }));
        }
        for name in offered.mechanisms() {
            assert!(
                std::str::from_utf8(name).is_err()
                    || offered.has_mechanism(std::str::from_utf8(name).unwrap())
            );
        }
    }
});

/// Each line is three digits, a separator where there is one, the text, CR and LF.
fn spaces(frame: &[u8]) -> usize {
    frame.split_inclusive(|octet| *octet == b'\n').map(|line| usize::from(line.len() > 5)).sum()
}
