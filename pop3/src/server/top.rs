/// Counts the lines of TOP (RFC 1939 s 7): the header, the empty line, and `lines` of the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopLines {
    place: Place,
    /// Lines of the body that are still wanted.
    left: u64,
    /// Octets on the present line, of which only none or some matters.
    begun: bool,
    cr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Body,
}

impl TopLines {
    pub(super) fn new(lines: u64) -> Self {
        Self { place: Place::Header, left: lines, begun: false, cr: false }
    }

    /// How many octets of the next part belong to the top. Less than all of them: it is complete.
    ///
    /// A line ends where [`DotEncoder`](mail46_wire::DotEncoder) ends it: at CRLF, and at a bare CR or LF.
    pub(super) fn take(&mut self, text: &[u8]) -> usize {
        let mut from: usize = 0;
        loop {
            if self.is_complete() && !self.cr {
                return from;
            }
            let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) else { return from };
            if self.cr {
                self.cr = false;
                if rest.starts_with(b"\n") {
                    from = from.saturating_add(1);
                }
                continue;
            }
            let Some(at) = memchr::memchr2(b'\r', b'\n', rest) else {
                self.begun = true;
                return text.len();
            };
            self.cr = rest.get(at) == Some(&b'\r');
            self.line(self.begun || at > 0);
            from = from.saturating_add(at).saturating_add(1);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::Body && self.left == 0
    }

    fn line(&mut self, filled: bool) {
        match self.place {
            Place::Header if !filled => self.place = Place::Body,
            Place::Header => {}
            Place::Body => self.left = self.left.saturating_sub(1),
        }
        self.begun = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(lines: u64, parts: &[&[u8]]) -> Vec<u8> {
        let (mut counter, mut out) = (TopLines::new(lines), Vec::new());
        for part in parts {
            let taken = counter.take(part);
            out.extend_from_slice(&part[..taken]);
            if taken < part.len() {
                break;
            }
        }
        out
    }

    #[test]
    fn whole_and_cut_at_each_index() {
        let rows: &[(&[u8], u64, &[u8], &str)] = &[
            (b"A: b\r\n\r\none\r\ntwo\r\n", 0, b"A: b\r\n\r\n", "the header and the empty line"),
            (b"A: b\r\n\r\none\r\ntwo\r\n", 1, b"A: b\r\n\r\none\r\n", "one line"),
            (b"A: b\r\n\r\none\r\ntwo\r\n", 9, b"A: b\r\n\r\none\r\ntwo\r\n", "more than there are"),
            (b"A: b\r\n\r\n\r\n\r\nx\r\n", 2, b"A: b\r\n\r\n\r\n\r\n", "empty lines count"),
            (b"A: b\r\n", 3, b"A: b\r\n", "no body at all"),
            (b"\r\nx\r\ny\r\n", 1, b"\r\nx\r\n", "no header"),
            (b"A: b\n\none\ntwo\n", 1, b"A: b\n\none\n", "stored with LF"),
            (b"A: b\r\n\r\none\r\ntwo", 2, b"A: b\r\n\r\none\r\ntwo", "no last line end"),
        ];
        for (text, lines, want, shows) in rows {
            assert_eq!(top(*lines, &[text]), *want, "{shows}, whole");
            for cut in 0..=text.len() {
                let (one, two) = text.split_at(cut);
                assert_eq!(top(*lines, &[one, two]), *want, "{shows}, cut at {cut}");
            }
            let octets: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(top(*lines, &octets), *want, "{shows}, octet by octet");
        }
    }
}
