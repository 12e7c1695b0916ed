//! The transcripts: what clients and servers say in the RFCs' own examples.
//!
//! ```text
//! # RFC 9051 s 6.2.3          a heading
//! C: a001 LOGIN SMITH SESAME  a line of a client's; its CRLF is not written
//! S: a001 OK done             a line of a server's
//! X: a001 FETCH               a line that the RFC has and its grammar has not
//! ```
//!
//! A line that announces a literal goes on in the lines behind it, of the same letter, as many as the literal says.

use std::path::Path;

/// One command or response with what the literals in it say, and where it stands.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) who: char,
    pub(crate) octets: Vec<u8>,
    pub(crate) at: String,
}

/// All that is said in `tests/transcripts/NAME`.
pub(crate) fn transcript(name: &str) -> Vec<Said> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut heading = String::new();
    let mut all: Vec<Said> = Vec::new();
    // Octets that are left of a literal, behind which the line goes on.
    let mut left: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some(of) = line.strip_prefix('#') {
            heading = of.trim().to_owned();
            continue;
        }
        let Some((who, line)) = line.split_once(':').filter(|(who, _)| who.len() == 1) else {
            assert!(line.is_empty(), "{name}:{}: {line:?}", number + 1);
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        let mut said = match left {
            None => {
                let at = format!("{name}:{} ({heading})", number + 1);
                Said { who: who.chars().next().unwrap(), octets: Vec::new(), at }
            }
            Some(_) => all.pop().unwrap(),
        };
        said.octets.extend_from_slice(line.as_bytes());
        said.octets.extend_from_slice(b"\r\n");
        let octets = left.unwrap_or(0);
        // Behind a literal its line goes on, and may announce another.
        left = match octets.checked_sub(line.len() + 2) {
            Some(octets) if left.is_some() => Some(octets),
            _ => announced(&line[octets.min(line.len())..]),
        };
        all.push(said);
    }
    assert!(left.is_none(), "{name}: a literal without its end");
    all
}

fn announced(line: &str) -> Option<usize> {
    let (_, size) = line.strip_suffix('}')?.rsplit_once('{')?;
    size.strip_suffix('+').unwrap_or(size).parse().ok()
}
