//! A message from a file or stdin, as SMTP wants it: every line ends in CRLF, and its size is known.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use mail46_smtp::Body;

use crate::{Exit, Stop};

/// A message that is ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// Its octets, from the start.
    pub file: File,
    /// How many there are.
    pub size: u64,
    /// Whether it holds octets over 127.
    pub body: Body,
    /// Whether those are in the header too (RFC 6532), so that SMTPUTF8 is needed.
    pub utf8_header: bool,
}

impl Prepared {
    /// The file, from its start.
    pub fn rewound(&mut self) -> Result<File, Stop> {
        let because = || Stop::because(Exit::OsError, "temporary file");
        self.file.seek(SeekFrom::Start(0)).map_err(because())?;
        self.file.try_clone().map_err(because())
    }
}

/// Reads `file`, or stdin without one, into a temporary file (gone when it is closed). A lone LF becomes CRLF, as every Unix
/// text needs; a CR that stands alone in it is an error, since no server may be sent one (RFC 5321 s 2.3.8).
pub fn prepare(file: Option<&Path>) -> Result<Prepared, Stop> {
    let name = file.map_or_else(|| "stdin".to_owned(), |file| file.display().to_string());
    let mut input: Box<dyn Read> = match file {
        Some(file) => Box::new(File::open(file).map_err(Stop::because(Exit::NoInput, &name))?),
        None => Box::new(std::io::stdin().lock()),
    };
    let spool = tempfile::tempfile().map_err(Stop::because(Exit::CantCreate, "temporary file"))?;
    let mut scan = Scan {
        out: BufWriter::new(spool),
        size: 0,
        high: false,
        high_header: false,
        header: true,
        last: b'\n',
        line: 0,
        at: 0,
    };
    let mut block = vec![0; 1 << 16];
    loop {
        let n = input.read(&mut block).map_err(Stop::because(Exit::NoInput, &name))?;
        if n == 0 {
            break;
        }
        scan.take(&block[..n]).map_err(|stop| Stop(stop.0, format!("{name}: {}", stop.1)))?;
    }
    scan.finish().map_err(|stop| Stop(stop.0, format!("{name}: {}", stop.1)))
}

struct Scan {
    out: BufWriter<File>,
    size: u64,
    high: bool,
    high_header: bool,
    header: bool,
    last: u8,
    line: u64,
    at: u64,
}

impl Scan {
    fn take(&mut self, text: &[u8]) -> Result<(), Stop> {
        for piece in text.split_inclusive(|octet| *octet == b'\n') {
            self.piece(piece)?;
        }
        Ok(())
    }

    /// A line, or what a read made of it.
    fn piece(&mut self, piece: &[u8]) -> Result<(), Stop> {
        let (text, ended) = match piece {
            [text @ .., b'\r', b'\n'] => (text, true),
            [text @ .., b'\n'] => (text, true),
            text => (text, false),
        };
        // A CR at the end of a read may be followed by its LF; anywhere else it stands alone.
        let held = self.last == b'\r';
        if held && piece != b"\n"
            || text.split_last().is_some_and(|(_, before)| before.contains(&b'\r'))
            || ended && text.ends_with(b"\r")
        {
            return Err(Stop::new(Exit::Data, format!("bare CR in line {}", self.line + 1)));
        }
        self.last = piece.last().copied().unwrap_or(self.last);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.is_ascii() {
            self.high = true;
            self.high_header |= self.header;
        }
        self.at += text.len() as u64;
        self.write(text)?;
        if ended {
            self.write(b"\r\n")?;
            self.header &= self.at > 0;
            self.line += 1;
            self.at = 0;
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Stop> {
        self.size += text.len() as u64;
        self.out.write_all(text).map_err(Stop::because(Exit::CantCreate, "temporary file"))
    }

    fn finish(mut self) -> Result<Prepared, Stop> {
        if self.last == b'\r' {
            return Err(Stop::new(Exit::Data, "bare CR at the end"));
        }
        if self.last != b'\n' {
            self.write(b"\r\n")?;
        }
        let mut file = self.out.into_inner().map_err(|error| Stop::new(Exit::CantCreate, error.error()))?;
        file.seek(SeekFrom::Start(0)).map_err(Stop::because(Exit::CantCreate, "temporary file"))?;
        let body = if self.high { Body::EightBitMime } else { Body::SevenBit };
        Ok(Prepared { file, size: self.size, body, utf8_header: self.high_header })
    }
}

/// The whole of a message, for tests.
pub fn contents(prepared: &Prepared) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    BufReader::new(&prepared.file).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &[u8]) -> Result<(Vec<u8>, Body, bool), Exit> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text).expect("written");
        let prepared = prepare(Some(file.path())).map_err(|stop| stop.0)?;
        let octets = contents(&prepared).expect("read");
        assert_eq!(octets.len() as u64, prepared.size);
        Ok((octets, prepared.body, prepared.utf8_header))
    }

    #[test]
    fn lines_end_in_crlf_whatever_came_in() {
        let rows: &[(&[u8], &[u8])] = &[
            (b"a: b\n\nc\n", b"a: b\r\n\r\nc\r\n"),
            (b"a: b\r\n\r\nc\r\n", b"a: b\r\n\r\nc\r\n"),
            (b"a: b\n\nc", b"a: b\r\n\r\nc\r\n"),
            (b"", b""),
            (b"\n.\n", b"\r\n.\r\n"),
        ];
        for (text, want) in rows {
            assert_eq!(prepared(text), Ok((want.to_vec(), Body::SevenBit, false)), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn bare_cr_is_bad_data_and_high_octets_are_seen_where_they_are() {
        for text in [&b"a\rb\n"[..], b"a\r\r\n", b"a\r", b"\ra\n"] {
            assert_eq!(prepared(text), Err(Exit::Data), "{}", text.escape_ascii());
        }
        let body = "a: b\n\n\u{fc}\n".as_bytes();
        assert_eq!(prepared(body).map(|(_, body, header)| (body, header)), Ok((Body::EightBitMime, false)));
        let header = "a: \u{fc}\n\nb\n".as_bytes();
        assert_eq!(prepared(header).map(|(_, body, header)| (body, header)), Ok((Body::EightBitMime, true)));
    }

    #[test]
    fn a_line_end_across_two_reads() {
        let mut text = vec![b'a'; (1 << 16) - 1];
        text.extend_from_slice(b"\r\nb\r\n");
        assert_eq!(prepared(&text).map(|(octets, ..)| octets), Ok(text));
    }
}
