use bytes::{Buf, Bytes, BytesMut};

use crate::scan::line_break;

/// Cuts lines that end in CRLF off a buffer, and nothing else off it.
///
/// A bare CR, a bare LF and a NUL are faults, never separators (RFC 5321 s 2.3.8): told at the octet that shows
/// them, once, after which everything up to and including the next CRLF is thrown away unread. The rest of a
/// refused line can so never be taken for a command. The same holds for a line over the limit. However the input
/// is cut, the answers are the same, and no octet is searched twice.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_wire::{LineError, LineReader};
///
/// let mut lines = LineReader::new(512);
/// let mut input = BytesMut::from(&b"NOOP\r\nRSET\nQUIT\r\nNOOP\r\n"[..]);
/// assert_eq!(lines.next(&mut input).unwrap().unwrap(), "NOOP");
/// assert_eq!(lines.next(&mut input).unwrap(), Err(LineError::BareLf { at: 4 }));
/// assert_eq!(lines.next(&mut input).unwrap().unwrap(), "NOOP"); // QUIT was on the refused line
/// ```
#[derive(Clone, Debug)]
pub struct LineReader {
    /// Octets of a line at most, CRLF included.
    limit: usize,
    /// Octets at the start of the input that hold no line end.
    scanned: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// A fault was told; the rest of its line is thrown away.
    Skipping,
}

/// Why a line was refused. `at` is the offset of the offending octet in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line has no CRLF within the limit.
    #[error("line of more than {limit} octets")]
    TooLong {
        /// The limit it broke, CRLF included.
        limit: usize,
    },
    /// A CR without its LF (RFC 5321 s 2.3.8).
    #[error("bare CR at octet {at}")]
    BareCr {
        /// Where.
        at: usize,
    },
    /// An LF without its CR (RFC 5321 s 2.3.8).
    #[error("bare LF at octet {at}")]
    BareLf {
        /// Where.
        at: usize,
    },
    /// A NUL, which C programs take for the end of a string.
    #[error("NUL at octet {at}")]
    Nul {
        /// Where.
        at: usize,
    },
}

impl LineReader {
    /// A reader of lines of at most `limit` octets, CRLF included. A limit under 2 is taken as 2.
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(2), scanned: 0, state: State::Reading }
    }

    /// Changes the limit, from the present line on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(2);
    }

    /// The next line without its CRLF, split off `input` without a copy; `None` until there is a whole one.
    ///
    /// # Errors
    /// [`LineError`], once for each faulty line; the reader goes on behind that line's CRLF.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<Bytes, LineError>> {
        if self.state == State::Skipping {
            self.skip(input)?;
        }
        let window = input.get(..input.len().min(self.limit))?;
        let from = self.scanned.min(window.len());
        let Some(at) = line_break(window, from) else {
            return self.incomplete(window.len(), input);
        };
        let after = at.saturating_add(1);
        let fault = match (window.get(at)?, window.get(after)) {
            (b'\r', Some(b'\n')) => {
                self.scanned = 0;
                let mut line = input.split_to(after.saturating_add(1));
                line.truncate(at);
                return Some(Ok(line.freeze()));
            }
            // The CR is the last octet there is yet, or the last there may be.
            (b'\r', None) if after < self.limit => return self.incomplete(at, input),
            (b'\r', None) => LineError::TooLong { limit: self.limit },
            (b'\r', Some(_)) => LineError::BareCr { at },
            (b'\n', _) => LineError::BareLf { at },
            _ => LineError::Nul { at },
        };
        // The CR of an over-long line may be the first half of its CRLF: it is left for `skip`.
        input.advance(if matches!(fault, LineError::TooLong { .. }) { at } else { after });
        Some(self.refuse(fault))
    }

    /// Throws the rest of a refused line away, as far as it has come. Whether `input` now begins with a line of its own.
    pub fn skip_refused(&mut self, input: &mut BytesMut) -> bool {
        self.state == State::Reading || self.skip(input).is_some()
    }

    /// Whether a part of a line, or the rest of a refused one, is still awaited.
    pub fn is_inside_line(&self, input: &BytesMut) -> bool {
        self.state == State::Skipping || !input.is_empty()
    }

    fn incomplete(&mut self, scanned: usize, input: &mut BytesMut) -> Option<Result<Bytes, LineError>> {
        if scanned >= self.limit {
            input.advance(scanned.min(input.len()));
            return Some(self.refuse(LineError::TooLong { limit: self.limit }));
        }
        self.scanned = scanned;
        None
    }

    fn refuse(&mut self, fault: LineError) -> Result<Bytes, LineError> {
        self.scanned = 0;
        self.state = State::Skipping;
        Err(fault)
    }

    /// Throws octets away up to and including the next CRLF; `None` if that has not come yet.
    fn skip(&mut self, input: &mut BytesMut) -> Option<()> {
        while let Some(cr) = memchr::memchr(b'\r', input) {
            match input.get(cr.saturating_add(1)) {
                Some(b'\n') => {
                    input.advance(cr.saturating_add(2));
                    self.state = State::Reading;
                    return Some(());
                }
                Some(_) => input.advance(cr.saturating_add(1)),
                None => {
                    input.advance(cr);
                    return None;
                }
            }
        }
        input.clear();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that comes out, with the input handed over in the pieces that `cuts` makes.
    fn read(limit: usize, octets: &[u8], cuts: &[usize]) -> Vec<Result<Vec<u8>, LineError>> {
        let mut lines = LineReader::new(limit);
        let (mut input, mut out, mut from) = (BytesMut::new(), Vec::new(), 0);
        for &to in cuts.iter().chain([&octets.len()]) {
            input.extend_from_slice(&octets[from..to]);
            from = to;
            while let Some(line) = lines.next(&mut input) {
                out.push(line.map(|line| line.to_vec()));
            }
        }
        out
    }

    fn ok(line: &str) -> Result<Vec<u8>, LineError> {
        Ok(line.as_bytes().to_vec())
    }

    #[test]
    fn cases_whole_by_octet_and_cut_at_each_index() {
        use LineError::*;
        // (limit, input, answers, what it shows)
        let rows: &[(usize, &[u8], &[Result<Vec<u8>, LineError>], &str)] = &[
            (8, b"ab\r\ncd\r\n", &[ok("ab"), ok("cd")], "two lines"),
            (8, b"\r\n", &[ok("")], "the empty line"),
            (8, b"abcdef\r\n", &[ok("abcdef")], "exactly the limit"),
            (8, b"abcdefg\r\nok\r\n", &[Err(TooLong { limit: 8 }), ok("ok")], "one over, CR in the window"),
            (8, b"abcdefgh\r\nok\r\n", &[Err(TooLong { limit: 8 }), ok("ok")], "two over"),
            (8, b"abcdefghNOOP\r\nok\r\n", &[Err(TooLong { limit: 8 }), ok("ok")], "the rest is no command"),
            (8, b"a\nb\r\nok\r\n", &[Err(BareLf { at: 1 }), ok("ok")], "bare LF"),
            (8, b"a\rb\r\nok\r\n", &[Err(BareCr { at: 1 }), ok("ok")], "bare CR"),
            (8, b"a\r\r\nok\r\n", &[Err(BareCr { at: 1 }), ok("ok")], "CR CR LF"),
            (8, b"a\0b\r\nok\r\n", &[Err(Nul { at: 1 }), ok("ok")], "NUL"),
            (8, b"\nab\r\nok\r\n", &[Err(BareLf { at: 0 }), ok("ok")], "LF first"),
            (8, b"a\nb\nc\rd\0\r\nok\r\n", &[Err(BareLf { at: 1 }), ok("ok")], "one fault a line"),
            (
                8,
                b"abcdefgh\n.\n\rx\r\r\nok\r\n",
                &[Err(TooLong { limit: 8 }), ok("ok")],
                "faults while skipping",
            ),
        ];
        for (limit, octets, want, shows) in rows {
            assert_eq!(&read(*limit, octets, &[])[..], *want, "{shows}, whole");
            let each: Vec<usize> = (1..octets.len()).collect();
            assert_eq!(&read(*limit, octets, &each)[..], *want, "{shows}, octet by octet");
            for cut in each {
                assert_eq!(&read(*limit, octets, &[cut])[..], *want, "{shows}, cut at {cut}");
            }
        }
    }

    #[test]
    fn the_rest_of_a_refused_line_can_be_thrown_away_alone() {
        let mut lines = LineReader::new(512);
        let mut input = BytesMut::from("a\nb\r");
        assert!(lines.skip_refused(&mut input), "nothing was refused yet");
        assert_eq!(lines.next(&mut input), Some(Err(LineError::BareLf { at: 1 })));
        assert!(!lines.skip_refused(&mut input), "its end has not come");
        input.extend_from_slice(b"\nNOOP\r\n");
        assert!(lines.skip_refused(&mut input));
        assert_eq!(input, "NOOP\r\n");
        assert_eq!(lines.next(&mut input).unwrap().unwrap(), "NOOP");
    }

    proptest! {
        #[test]
        fn a_cut_changes_nothing(
            limit in 2usize..20,
            octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a'), Just(0)], 0..60),
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= octets.len()).collect();
            cuts.sort_unstable();
            let whole = read(limit, &octets, &[]);
            prop_assert_eq!(&whole, &read(limit, &octets, &cuts));
            for line in whole.into_iter().flatten() {
                prop_assert!(line.len() + 2 <= limit && !line.iter().any(|octet| b"\r\n\0".contains(octet)));
            }
        }
    }
}
