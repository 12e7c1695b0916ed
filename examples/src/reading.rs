//! Files of mail, read by threads that may wait: a message in large blocks, the next one while the last is sent.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// Octets that are read at a time.
pub const BLOCK: usize = 256 * 1024;

/// A file that is read from some place on.
#[derive(Debug)]
pub struct Reading {
    at: u64,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Block(JoinHandle<io::Result<(File, Bytes)>>),
    End,
}

impl Reading {
    /// Opens the file, and reads what is there from here on.
    pub fn begin(path: PathBuf, from: u64) -> Self {
        let first = move || {
            let mut file = File::open(path)?;
            if from > 0 {
                file.seek(SeekFrom::Start(from))?;
            }
            block(file)
        };
        Self { at: from, next: Next::Block(spawn_blocking(first)) }
    }

    /// Where the next block is in the file.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next block; empty at the end. The one behind it is read meanwhile.
    pub async fn next(&mut self) -> io::Result<Bytes> {
        let Next::Block(reading) = std::mem::replace(&mut self.next, Next::End) else {
            return Ok(Bytes::new());
        };
        let (file, text) = reading.await.map_err(io::Error::other)??;
        // A block that is not full is the last.
        if text.len() == BLOCK {
            self.next = Next::Block(spawn_blocking(move || block(file)));
        }
        self.at += text.len() as u64;
        Ok(text)
    }
}

fn block(mut file: File) -> io::Result<(File, Bytes)> {
    // What is small costs no more room than it has octets.
    let left = file.metadata()?.len().saturating_sub(file.stream_position()?);
    let room = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
    let mut text = Vec::with_capacity(room);
    Read::by_ref(&mut file).take(BLOCK as u64).read_to_end(&mut text)?;
    Ok((file, text.into()))
}

/// Octets of the file as RETR sends it: each bare CR or LF becomes two, and the last line has an end (RFC 1939 s 11).
pub fn octets_on_the_wire(mut file: impl Read) -> io::Result<u64> {
    let (mut octets, mut last, mut block) = (0, b'\n', vec![0; BLOCK]);
    loop {
        let read = file.read(&mut block)?;
        let text = &block[..read];
        let (Some(first), Some(end)) = (text.first(), text.last()) else { break };
        let count = |octet| memchr::memchr_iter(octet, text).count();
        let pairs =
            memchr::memmem::find_iter(text, b"\r\n").count() + usize::from((last, *first) == (b'\r', b'\n'));
        // Each CR and each LF is a line's end, but both together are one.
        octets += (read + count(b'\r') + count(b'\n')) as u64;
        octets -= 2 * pairs as u64;
        last = *end;
    }
    Ok(octets + if matches!(last, b'\r' | b'\n') { 0 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use mail46_wire::{BareNewline, DotEncoder};

    #[test]
    fn sizes_are_what_is_sent() {
        for text in ["", "a\r\nb\r\n", "a\nb\n", "a", "a\r", "a\rb", "\r\r\n\n", "a\r\n\r", "\n", "\r\r"] {
            let (mut encoder, mut output) = (DotEncoder::new(BareNewline::Normalize), BytesMut::new());
            encoder.encode(text.as_bytes(), &mut output).unwrap();
            encoder.finish(&mut output).unwrap();
            let want = output.len() as u64 - 3;
            assert_eq!(octets_on_the_wire(text.as_bytes()).unwrap(), want, "{text:?}");
            for cut in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(octets_on_the_wire(one.chain(two)).unwrap(), want, "{text:?} cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_read_to_its_end_from_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("message");
        for octets in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let text: Vec<u8> = (0..=255).cycle().take(octets).collect();
            std::fs::write(&path, &text).unwrap();
            for from in [0, octets / 2, octets] {
                let (mut reading, mut got) = (Reading::begin(path.clone(), from as u64), Vec::new());
                loop {
                    assert_eq!(reading.at(), (from + got.len()) as u64);
                    let part = reading.next().await.unwrap();
                    if part.is_empty() {
                        break;
                    }
                    got.extend_from_slice(&part);
                }
                assert!(got == text[from..], "{octets} octets from {from}");
                assert!(reading.next().await.unwrap().is_empty(), "and stays there");
            }
        }
        assert!(Reading::begin(dir.path().join("none"), 0).next().await.is_err());
    }
}
