//! Trace fields: any octets are a `Received` field; no greeting gets out of a written one; a message gives the same
//! trace however it is cut; what is read and written again reads the same.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail46_smtp::trace::{
    DateTime, Keyword, Protocol, Received, ReceivedCounter, ReturnPath, Stamp, Trace, TraceReader, Zone,
};

fn read(pieces: &[&[u8]]) -> (Trace, usize) {
    let (mut reader, mut counter) = (TraceReader::new(), ReceivedCounter::new());
    for piece in pieces {
        reader.push(piece);
        counter.push(piece);
    }
    (reader.finish(), counter.count())
}

fn is_part_of(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty()
        || whole.as_ptr_range().contains(&part.as_ptr())
            && part.as_ptr_range().end <= whole.as_ptr_range().end
}

fuzz_target!(|data: &[u8]| {
    let [cut, rest @ ..] = data else { return };

    let received = Received::parse(rest);
    assert!(received.raw() == rest && received.clauses().len() <= 32);
    assert!(
        received
            .clauses()
            .iter()
            .all(|clause| is_part_of(clause.text, rest) && is_part_of(clause.value, rest))
    );
    for end in received.from().into_iter().chain(received.by()) {
        let found = end.addresses();
        assert!(found.len() <= 16 && found.iter().all(|found| found.ip == found.ip.to_canonical()));
        assert!(end.ip().is_none_or(|ip| found.iter().any(|found| found.ip == ip)));
    }
    let hop = received.hop();
    assert!(hop.family().is_none() || hop.from_ip.is_some() || hop.by_ip.is_some());
    assert_eq!(hop.tls, received.tls().is_some());
    if let Some(date) = received.date() {
        assert_eq!(DateTime::parse(date.to_string().as_bytes()), Some(date));
    }

    let (first, second) = rest.split_at(usize::from(*cut).min(rest.len()));
    let whole = read(&[rest]);
    assert_eq!(whole, read(&[first, second]));
    assert_eq!(whole, read(&rest.chunks(1).collect::<Vec<_>>()));
    assert_eq!(whole.0.received, whole.1);

    let protocol = if cut % 2 == 0 { Protocol::Esmtp } else { Protocol::Utf8Smtp };
    let peer = "2001:db8::1".parse().expect("an address");
    let date = DateTime::from_unix(1_257_393_668, Zone::Unknown).expect("a date");
    let field = Stamp::new("mx.example".parse().expect("a name"), date)
        .from_peer(rest, peer)
        .with(protocol)
        .to_bytes();
    let lines = field.strip_suffix(b"\r\n").expect("a line end");
    assert!(lines.split(|octet| *octet == b'\n').skip(1).all(|line| line.starts_with(b"\t")));
    assert!(field.split(|octet| *octet == b'\n').all(|line| line.len() <= 998));
    assert!(!String::from_utf8_lossy(lines).replace("\r\n\t", " ").chars().any(|c| c.is_ascii_control()));
    let again = Received::parse(&field);
    let keywords: Vec<_> = again.clauses().iter().map(|clause| clause.keyword).collect();
    assert_eq!(keywords, [Keyword::From, Keyword::By, Keyword::With]);
    assert_eq!((again.from_ip(), again.date()), (Some(peer), Some(date)));

    if let Some(path) = ReturnPath::parse(rest) {
        // U-labels are written as IDNA has them (TMŐ as tmő): the text is settled after one round.
        let written = path.to_owned().to_bytes_utf8();
        let again = ReturnPath::parse(&written).expect("what was written");
        assert_eq!(again.to_owned().to_bytes_utf8(), written);
        assert!(!path.path().is_ascii() || again.path() == path.path());
    }
});
