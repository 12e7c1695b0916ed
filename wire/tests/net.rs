//! `net::Stream` with a toy line protocol, over 127.0.0.1 and `[::1]`; what is about time runs on a clock of its own.
#![cfg(feature = "net")]

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use mail46_wire::{
    Connection, LineError, LineReader, Phase, Step,
    net::{DriveError, Pace, Stream, Timeout},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

const FAMILIES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
const MINUTES5: Duration = Duration::from_secs(300);

/// An event is a line; in bulk, whatever there is.
struct Toy {
    reader: LineReader,
    output: BytesMut,
    phase: Phase,
    timeout: Duration,
    paused: bool,
    output_limit: usize,
}

impl Toy {
    fn new(output: impl AsRef<[u8]>) -> Self {
        Self {
            reader: LineReader::new(512),
            output: BytesMut::from(output.as_ref()),
            phase: Phase::Dialogue,
            timeout: MINUTES5,
            paused: false,
            output_limit: 64 * 1024,
        }
    }
}

impl Connection for Toy {
    type Event = Bytes;
    type Error = LineError;

    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Bytes>, LineError> {
        if self.paused {
            return Ok(Step::Paused);
        }
        if self.phase == Phase::Bulk {
            return Ok(if input.is_empty() { Step::WantsInput } else { Step::Event(input.split().freeze()) });
        }
        Ok(self.reader.next(input).transpose()?.map_or(Step::WantsInput, Step::Event))
    }

    fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn output_limit(&self) -> usize {
        self.output_limit
    }

    fn phase(&self) -> Phase {
        self.phase
    }
}

async fn pair(ip: IpAddr) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// Both sides first have 8 MiB to say, and listen to the end of what the other says. The server listens only when most
/// of it is gone, the client always.
#[tokio::test]
async fn two_full_pipes_do_not_wait_for_each_other() {
    async fn talk(socket: TcpStream, line: &[u8], count: usize, output_limit: usize) {
        let (mut stream, mut toy) =
            (Stream::new(socket), Toy { output_limit, ..Toy::new(line.repeat(count)) });
        for _ in 0..count {
            stream.drive(&mut toy).await.unwrap();
        }
        stream.flush(&mut toy).await.unwrap();
        assert!(toy.output.is_empty());
    }
    let line = [&[b'x'; 510][..], b"\r\n"].concat();
    for ip in FAMILIES {
        let (near, far) = pair(ip).await;
        let both = async {
            tokio::join!(talk(near, &line, 16_384, usize::MAX), talk(far, &line, 16_384, 64 * 1024))
        };
        timeout(Duration::from_secs(60), both).await.expect("no deadlock");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dripper_is_cut_off_and_a_slow_peer_is_not() {
    // (phase, octets, each so many seconds, is cut off, what it shows)
    let rows: &[(Phase, usize, u64, bool, &str)] = &[
        (Phase::Dialogue, 0, 60, true, "silence"),
        (Phase::Dialogue, 1, 60, true, "an octet a minute of one line"),
        (Phase::Bulk, 1, 60, true, "an octet a minute, each of them an event"),
        (Phase::Bulk, 400, 1, true, "400 B/s"),
        (Phase::Bulk, 600, 1, false, "600 B/s"),
        (Phase::Bulk, 60_000, 120, false, "500 B/s in bursts"),
    ];
    for (phase, octets, seconds, cut_off, shows) in rows {
        let (near, mut far) = duplex(1 << 20);
        let (mut stream, mut toy) = (Stream::new(near), Toy { phase: *phase, ..Toy::new("") });
        let drip = tokio::spawn(async move {
            for _ in 0..7200 / seconds {
                if far.write_all(&vec![b'x'; *octets]).await.is_err() {
                    break;
                }
                sleep(Duration::from_secs(*seconds)).await;
            }
            far.write_all(b"\r\n").await.ok();
        });
        let start = Instant::now();
        let end = loop {
            match stream.drive(&mut toy).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        if *cut_off {
            assert!(matches!(end, DriveError::Timeout(Timeout::Input)), "{shows}: {end}");
            // 400 B/s win 0.8 s a second: the 300 s last for 1500.
            let most = if *octets == 400 { 1501 } else { 302 };
            assert!(start.elapsed().as_secs() >= 300 && start.elapsed().as_secs() <= most, "{shows}");
        } else {
            assert!(matches!(end, DriveError::Closed), "{shows}: {end}");
            assert!(start.elapsed().as_secs() >= 7200, "{shows}");
        }
        drip.abort();
    }
}

/// `select!` in the application drops a call again and again: no line is lost, and no time is won.
#[tokio::test(start_paused = true)]
async fn a_dropped_call_loses_nothing_and_wins_nothing() {
    let (near, mut far) = duplex(1 << 16);
    let (mut stream, mut toy) = (Stream::new(near), Toy::new(""));
    for octet in b"NOO" {
        far.write_all(&[*octet]).await.unwrap();
        assert!(timeout(Duration::from_secs(1), stream.drive(&mut toy)).await.is_err());
    }
    assert_eq!(&stream.input()[..], b"NOO");
    far.write_all(b"P\r\n").await.unwrap();
    assert_eq!(stream.drive(&mut toy).await.unwrap(), "NOOP");

    let start = Instant::now();
    while timeout(Duration::from_secs(7), stream.drive(&mut toy)).await.is_err() {}
    assert!((300..308).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_cut_off() {
    let (near, _far) = duplex(64);
    let (mut stream, mut toy) = (Stream::new(near), Toy::new(vec![b'x'; 10_000]));
    let error = stream.drive(&mut toy).await.unwrap_err();
    assert!(matches!(error, DriveError::Timeout(Timeout::Output)), "{error}");
    let error = stream.flush(&mut toy).await.unwrap_err();
    assert!(matches!(error, DriveError::Timeout(Timeout::Output)), "{error}");
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_over_tcp() {
    for ip in FAMILIES {
        let (near, _far) = pair(ip).await;
        let (mut stream, mut toy) = (Stream::new(near), Toy::new(vec![b'x'; 32 << 20]));
        toy.timeout = Duration::from_millis(300);
        let error = stream.flush(&mut toy).await.unwrap_err();
        assert!(matches!(error, DriveError::Timeout(Timeout::Output)), "{error}");
    }
}

/// Commands without end, no reply read: what waits here stays within a bound.
#[tokio::test(start_paused = true)]
async fn a_peer_that_only_sends_does_not_fill_the_memory() {
    let (near, mut far) = duplex(4096);
    let flood = tokio::spawn(async move { while far.write_all(&b"NOOP\r\n".repeat(100)).await.is_ok() {} });
    let (mut stream, mut toy) = (Stream::new(near), Toy::new(""));
    let end = loop {
        match stream.drive(&mut toy).await {
            Ok(_) => toy.output.extend_from_slice(&[b'y'; 100]),
            Err(error) => break error,
        }
        assert!(toy.output.len() <= 64 * 1024 + 100 && stream.input().len() <= 128 * 1024);
    };
    assert!(matches!(end, DriveError::Timeout(Timeout::Output)), "{end}");
    flood.abort();
}

/// Counts what reaches the socket.
struct Counting<T> {
    io: T,
    writes: Vec<usize>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Counting<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counting<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.push(octets.len());
        Pin::new(&mut self.io).poll_write(cx, octets)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn replies_to_a_group_leave_in_one_write() {
    let (io, mut far) = duplex(4096);
    let (mut stream, mut toy) = (Stream::new(Counting { io, writes: vec![] }), Toy::new(""));
    far.write_all(b"MAIL\r\nRCPT\r\nRCPT\r\nDA").await.unwrap();
    for _ in 0..3 {
        stream.drive(&mut toy).await.unwrap();
        toy.output.extend_from_slice(b"250 ok\r\n");
    }
    assert!(stream.get_ref().unwrap().writes.is_empty(), "nothing leaves while commands are at hand");
    assert!(timeout(Duration::from_secs(1), stream.drive(&mut toy)).await.is_err());
    assert_eq!(stream.get_ref().unwrap().writes, [24]);
}

#[tokio::test]
async fn half_a_close_and_half_a_line() {
    for ip in FAMILIES {
        let (near, mut far) = pair(ip).await;
        let (mut stream, mut toy) = (Stream::new(near), Toy::new(""));
        far.write_all(b"QUIT\r\nNO").await.unwrap();
        far.shutdown().await.unwrap();
        assert_eq!(stream.drive(&mut toy).await.unwrap(), "QUIT");
        toy.output.extend_from_slice(&b"221 bye\r\n".repeat(100_000));
        let reads = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.map(|_| all.len())
        });
        assert!(matches!(stream.drive(&mut toy).await, Err(DriveError::Closed)));
        assert!(toy.output.is_empty(), "what was owed was sent before");
        assert_eq!(&stream.input()[..], b"NO", "the caller sees that a line was cut");
        assert!(
            matches!(stream.drive(&mut toy).await, Err(DriveError::Closed)),
            "and no other answer comes later"
        );
        stream.close().await.unwrap();
        assert_eq!(reads.await.unwrap().unwrap(), 900_000);
    }
}

/// The same where the pipe is narrow: the end of the input comes long before the output has left.
#[tokio::test(start_paused = true)]
async fn what_is_owed_is_sent_before_the_end_is_told() {
    let (near, far) = duplex(64);
    let (mut reads, mut writes) = tokio::io::split(far);
    let (mut stream, mut toy) = (Stream::new(near), Toy::new(vec![b'x'; 10_000]));
    writes.shutdown().await.unwrap();
    let reader = tokio::spawn(async move {
        let mut all = Vec::new();
        reads.read_to_end(&mut all).await.map(|_| all.len())
    });
    assert!(matches!(stream.drive(&mut toy).await, Err(DriveError::Closed)));
    assert!(toy.output.is_empty());
    drop(stream);
    assert_eq!(reader.await.unwrap().unwrap(), 10_000);
}

#[tokio::test]
async fn an_early_refusal_is_seen_while_sending() {
    for ip in FAMILIES {
        let (near, mut far) = pair(ip).await;
        let mut stream = Stream::new(near);
        let mut toy = Toy::new("");
        far.write_all(b"552 too big\r\n").await.unwrap(); // and reads nothing
        let mut sent = 0;
        let reply = loop {
            toy.output.extend_from_slice(&[b'x'; 64 * 1024]);
            sent += 1;
            if let Some(reply) = stream.flush_above(&mut toy, 64 * 1024).await.unwrap() {
                break reply;
            }
            assert!(sent < 1000);
        };
        assert_eq!(reply, "552 too big");
        drop(far);
    }
}

/// A peer that still sends when we close would lose our last reply to a reset if we did not listen on for a while.
#[tokio::test]
async fn the_last_reply_survives_the_close() {
    for ip in FAMILIES {
        let (near, mut far) = pair(ip).await;
        let mut pace = Pace::default();
        pace.close = Duration::from_millis(300);
        let (mut stream, mut toy) = (Stream::with_pace(near, pace), Toy::new("421 too many errors\r\n"));
        far.write_all(&vec![b'x'; 100_000]).await.unwrap();
        stream.flush(&mut toy).await.unwrap();
        let (closed, read) = tokio::join!(stream.close(), async {
            sleep(Duration::from_millis(50)).await;
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.map(|_| all)
        });
        assert_eq!(read.unwrap(), b"421 too many errors\r\n");
        drop((closed, far));
    }
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_ever() {
    let (near, _far) = duplex(64);
    let start = Instant::now();
    let mut pace = Pace::default();
    pace.close = Duration::from_secs(3);
    let closed = Stream::with_pace(near, pace).close().await;
    assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn faults_are_told_apart() {
    let (near, mut far) = duplex(64);
    let (mut stream, mut toy) = (Stream::new(near), Toy::new(""));
    far.write_all(b"a\nb\r\n").await.unwrap();
    assert!(matches!(stream.drive(&mut toy).await, Err(DriveError::Protocol(LineError::BareLf { at: 1 }))));
    toy.paused = true;
    assert!(matches!(stream.drive(&mut toy).await, Err(DriveError::Paused)));
    toy.paused = false;
    drop(far);
    assert!(matches!(stream.drive(&mut toy).await, Err(DriveError::Closed)));
    toy.output.extend_from_slice(b"x");
    assert!(matches!(stream.flush(&mut toy).await, Err(DriveError::Io(_))));
}
