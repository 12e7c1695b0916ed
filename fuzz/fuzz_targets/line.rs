//! `LineReader`: however the input is cut the answers are the same, no line holds CR, LF or NUL, none is over the limit.
#![no_main]
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mail46_wire::LineReader;

fn read(limit: usize, pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, String>> {
    let (mut lines, mut input, mut out) = (LineReader::new(limit), BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(line) = lines.next(&mut input) {
            out.push(line.map(|line| line.to_vec()).map_err(|fault| fault.to_string()));
        }
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let [limit, cut, rest @ ..] = data else { return };
    let limit = usize::from(*limit).max(2);
    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let whole = read(limit, &[rest]);
    assert_eq!(whole, read(limit, &[first, second]));
    let octets: Vec<&[u8]> = rest.chunks(1).collect();
    assert_eq!(whole, read(limit, &octets));
    for line in whole.into_iter().flatten() {
        assert!(line.len() + 2 <= limit && !line.iter().any(|octet| b"\r\n\0".contains(octet)));
    }
});
