use std::time::Duration;

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use mail46_wire::{Connection, Phase, Step};

/// Octets that are made of the peer's in one go: what a bomb can put into memory.
const INFLATED: usize = 16 * 1024;
/// Room that the compressor is given at a time.
const DEFLATED: usize = 4 * 1024;

/// A machine whose octets go over the wire as they are or, from [`compress`](Self::compress) on, by DEFLATE (RFC 4978).
///
/// Its driver need not know: it is a [`Connection`] like the machine itself, which sits above TLS.
#[derive(Debug)]
pub(crate) struct Layered<C> {
    machine: C,
    layer: Option<Box<Layer>>,
}

/// The peer's octets are no DEFLATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what came is not compressed by DEFLATE")]
pub(crate) struct NotDeflate;

struct Layer {
    inflate: Decompress,
    deflate: Compress,
    /// What the machine reads.
    input: BytesMut,
    /// What the driver writes.
    output: BytesMut,
    /// The last piece filled its room: there may be more of it, though nothing more has come.
    is_full: bool,
}

impl<C> Layered<C> {
    /// The machine as it is.
    pub(crate) fn new(machine: C) -> Self {
        Self { machine, layer: None }
    }

    /// The machine.
    pub(crate) fn machine(&self) -> &C {
        &self.machine
    }

    /// The machine, for its verbs.
    pub(crate) fn machine_mut(&mut self) -> &mut C {
        &mut self.machine
    }
}

impl<C: Connection> Layered<C> {
    /// From here on all is compressed, in both directions; what the machine still had to say goes before.
    pub(crate) fn compress(&mut self) {
        let output = std::mem::take(self.machine.output());
        // RFC 4978 s 4: raw, without the header of zlib.
        let (inflate, deflate) = (Decompress::new(false), Compress::new(Compression::default(), false));
        self.layer =
            Some(Box::new(Layer { inflate, deflate, input: BytesMut::new(), output, is_full: false }));
    }
}

impl Layer {
    /// Some of `input` inflated; whether there was any.
    fn inflate(&mut self, input: &mut BytesMut) -> Result<bool, NotDeflate> {
        let start = self.input.len();
        self.input.resize(start.saturating_add(INFLATED), 0);
        let (read, made) = (self.inflate.total_in(), self.inflate.total_out());
        let room = self.input.get_mut(start..).unwrap_or_default();
        let status = self.inflate.decompress(input, room, FlushDecompress::None);
        let made = since(self.inflate.total_out(), made);
        self.is_full = made == INFLATED;
        self.input.truncate(start.saturating_add(made));
        let read = since(self.inflate.total_in(), read);
        input.advance(read.min(input.len()));
        match status {
            // Nothing held back, nothing come.
            Err(_) | Ok(Status::BufError) if made == 0 && read == 0 && input.is_empty() => Ok(false),
            // The stream lasts as long as the connection.
            Err(_) | Ok(Status::StreamEnd) if made == 0 => Err(NotDeflate),
            _ => Ok(made > 0 || (read > 0 && !input.is_empty())),
        }
    }

    /// All of `plain` deflated, up to where the peer can read all of it.
    fn deflate(&mut self, plain: &mut BytesMut) {
        loop {
            let start = self.output.len();
            self.output.resize(start.saturating_add(DEFLATED), 0);
            let (read, made) = (self.deflate.total_in(), self.deflate.total_out());
            let room = self.output.get_mut(start..).unwrap_or_default();
            // A compressor that is never told to end has no error.
            let _ = self.deflate.compress(plain, room, FlushCompress::Sync);
            let made = since(self.deflate.total_out(), made);
            self.output.truncate(start.saturating_add(made));
            plain.advance(since(self.deflate.total_in(), read).min(plain.len()));
            if plain.is_empty() && made < DEFLATED {
                return;
            }
        }
    }
}

fn since(now: u64, before: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").field("input", &self.input.len()).finish_non_exhaustive()
    }
}

impl<C: Connection<Error: From<NotDeflate>>> Connection for Layered<C> {
    type Event = C::Event;
    type Error = C::Error;

    fn next(&mut self, input: &mut BytesMut) -> Result<Step<C::Event>, C::Error> {
        let Some(layer) = &mut self.layer else { return self.machine.next(input) };
        loop {
            match self.machine.next(&mut layer.input)? {
                Step::WantsInput if !input.is_empty() || layer.is_full => {
                    if !layer.inflate(input)? {
                        return Ok(Step::WantsInput);
                    }
                }
                step => return Ok(step),
            }
        }
    }

    fn output(&mut self) -> &mut BytesMut {
        let plain = self.machine.output();
        let Some(layer) = &mut self.layer else { return plain };
        if !plain.is_empty() {
            layer.deflate(plain);
        }
        &mut layer.output
    }

    fn timeout(&self) -> Duration {
        self.machine.timeout()
    }

    fn output_limit(&self) -> usize {
        self.machine.output_limit()
    }

    fn phase(&self) -> Phase {
        self.machine.phase()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mail46_wire::{LineError, LineReader};
    use proptest::prelude::*;

    use super::*;

    /// Gives each line to who asks, and says what it is told to.
    struct Lines(LineReader, BytesMut);

    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Fault {
        #[error(transparent)]
        Line(#[from] LineError),
        #[error(transparent)]
        Deflate(#[from] NotDeflate),
    }

    impl Connection for Lines {
        type Event = Bytes;
        type Error = Fault;

        fn next(&mut self, input: &mut BytesMut) -> Result<Step<Bytes>, Fault> {
            Ok(self.0.next(input).transpose()?.map_or(Step::WantsInput, Step::Event))
        }

        fn output(&mut self) -> &mut BytesMut {
            &mut self.1
        }

        fn timeout(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn lines() -> Layered<Lines> {
        Layered::new(Lines(LineReader::new(100_000), BytesMut::new()))
    }

    /// All that is told of these pieces.
    fn told(to: &mut Layered<Lines>, pieces: &[&[u8]]) -> Result<Vec<Bytes>, Fault> {
        let (mut input, mut told) = (BytesMut::new(), Vec::new());
        for piece in pieces {
            input.extend_from_slice(piece);
            while let Step::Event(line) = to.next(&mut input)? {
                told.push(line);
            }
        }
        Ok(told)
    }

    #[test]
    fn what_was_said_before_goes_as_it_is() {
        let (mut one, mut other) = (lines(), lines());
        one.machine_mut().output().extend_from_slice(b"c OK DEFLATE active\r\n");
        one.compress();
        one.machine_mut().output().extend_from_slice(b"* 1 EXISTS\r\n");
        let octets = one.output().split();
        assert!(octets.starts_with(b"c OK DEFLATE active\r\n") && !octets.ends_with(b"EXISTS\r\n"));
        let mut input = octets;
        assert_eq!(other.next(&mut input).unwrap(), Step::Event(Bytes::from("c OK DEFLATE active")));
        other.compress();
        assert_eq!(other.next(&mut input).unwrap(), Step::Event(Bytes::from("* 1 EXISTS")));
        assert_eq!(other.next(&mut input).unwrap(), Step::WantsInput);
        assert!(one.output().is_empty(), "nothing to say, nothing said");
    }

    #[test]
    fn a_bomb_is_taken_in_small_parts() {
        let (mut one, mut other) = (lines(), lines());
        one.compress();
        one.machine_mut().output().resize(10_000_000, b'x');
        let bomb = one.output().split();
        assert!(bomb.len() < 20_000, "{}", bomb.len());
        other.compress();
        assert_eq!(told(&mut other, &[&bomb]), Err(Fault::Line(LineError::TooLong { limit: 100_000 })));
        assert!(other.layer.unwrap().input.capacity() < 300_000);
    }

    #[test]
    fn what_the_inflater_holds_back_is_not_waited_for() {
        let (mut one, mut other) = (lines(), lines());
        one.compress();
        other.compress();
        for _ in 0..5_000 {
            one.machine_mut().output().extend_from_slice(b"all of it in one short piece\r\n");
        }
        let octets = one.output().split();
        assert_eq!(told(&mut other, &[&octets]).unwrap().len(), 5_000);
    }

    #[test]
    fn what_is_no_deflate_ends_it() {
        for wrong in [&b"\x07\xff\xff"[..], b"\x03\x00more", b"\x00\x01\x00\xfe\xfe"] {
            let mut other = lines();
            other.compress();
            assert_eq!(
                told(&mut other, &[wrong]),
                Err(Fault::Deflate(NotDeflate)),
                "{}",
                wrong.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn lines_come_through_however_they_are_cut(
            all in proptest::collection::vec("[ -~]{0,300}", 1..20),
            flushes in 1usize..5,
            cut in 1usize..50,
        ) {
            let (mut one, mut other) = (lines(), lines());
            one.compress();
            other.compress();
            let mut octets = BytesMut::new();
            for (nth, line) in all.iter().enumerate() {
                one.machine_mut().output().extend_from_slice(format!("{line}\r\n").as_bytes());
                if nth % flushes == 0 {
                    octets.extend_from_slice(&one.output().split());
                }
            }
            octets.extend_from_slice(&one.output().split());
            let pieces: Vec<&[u8]> = octets.chunks(cut).collect();
            prop_assert_eq!(told(&mut other, &pieces).unwrap(), all);
        }
    }
}
