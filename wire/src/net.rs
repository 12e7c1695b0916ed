//! The socket's side: a plain-or-TLS stream and the loop that drives a [`Connection`] over it.
//!
//! ```text
//!             ┌── drive: what happened? ──► machine.next(input) ──► Event: to the application
//!             │                                  │ WantsInput
//!             │        writes output AND reads ◄─┘   (two full pipes would else wait for each other)
//!             └──────────────┘ until the deadline, which octets push on and drops do not
//! ```
//!
//! - Replies to a pipelined group leave in one write: output is written when the machine wants input, not before.
//! - A call that is dropped in the middle (`select!`, a timeout) loses nothing: what was read is in the input.
//! - A peer that sends an octet now and then, or does not read, is cut off: see [`Pace`].
//! - TLS starts only with nothing left in the input ([`TlsError::PlaintextAfterStartTls`]); when its handshake fails
//!   the stream is of no more use. Nothing falls back to clear text.

use std::{
    future::{Future, poll_fn},
    io,
    num::NonZeroU32,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{Connection, Step};

mod clock;
mod policy;
mod serve;
#[cfg(feature = "tls")]
mod tls;

use clock::Clock;
pub use policy::Tls;
#[cfg(feature = "tls")]
pub use policy::TlsSettings;
pub use serve::{Accepting, FrontEnd, Peer, Shutdown, ShutdownSignal, accept_all};
#[cfg(feature = "tls")]
pub use tls::TlsError;

/// Asked of the peer in one read.
const READ: usize = 16 * 1024;
/// Input that is read ahead at most while output is written.
const INPUT_MAX: usize = 64 * 1024;
/// Octets that [`Stream::close`] throws away at most.
const LINGER_MAX: usize = 1024 * 1024;

/// What is asked of a peer's speed.
///
/// Each wait has a deadline: the state's own timeout ([`Connection::timeout`]) from its start, not from the last
/// octet. Octets that move, in either direction, push it on by the time they may take at `min_rate`, never to more
/// than one timeout from now. So one octet a minute wins 2 ms a minute; a peer that keeps to the rate is never cut
/// off. For bulk data ([`Phase::Bulk`](crate::Phase)) all waits share the account, so that a dripper who makes an
/// event of each octet gains nothing.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// Octets a second. Default 500, as Postfix asks (`smtpd_min_data_rate`).
    pub min_rate: NonZeroU32,
    /// For a TLS handshake. Default 60 s.
    pub handshake: Duration,
    /// For the end: what is still to be sent, and the peer's own end. Default 5 s.
    pub close: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            min_rate: NonZeroU32::MIN.saturating_add(499),
            handshake: Duration::from_secs(60),
            close: Duration::from_secs(5),
        }
    }
}

/// Why driving came to an end. `E` is the machine's own error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError<E: std::error::Error> {
    /// The machine ended the session. What it still has to say is in its output: [`Stream::flush`] sends it.
    #[error(transparent)]
    Protocol(E),
    /// The socket.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The peer closed. Whether it may at this point is for the caller to say: the octets that came are in the input.
    #[error("the peer closed the connection")]
    Closed,
    /// The peer let its time pass.
    #[error("{0}")]
    Timeout(Timeout),
    /// The machine waits for the application, which asked for an event instead.
    #[error("an event was asked for while the machine waits for an answer")]
    Paused,
}

/// What the peer did not do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// It did not send, or too slowly.
    #[error("the peer sent nothing in time")]
    Input,
    /// It did not read what was sent, or too slowly.
    #[error("the peer did not take what was sent in time")]
    Output,
}

/// A connection to a peer, plain or TLS, with the input that the machines read from.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_wire::{Connection, LineError, LineReader, Step, net::Stream};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// /// Gives each line to the application, which may answer with one.
/// struct Lines { reader: LineReader, output: BytesMut }
///
/// impl Connection for Lines {
///     type Event = bytes::Bytes;
///     type Error = LineError;
///     fn next(&mut self, input: &mut BytesMut) -> Result<Step<bytes::Bytes>, LineError> {
///         Ok(self.reader.next(input).transpose()?.map_or(Step::WantsInput, Step::Event))
///     }
///     fn output(&mut self) -> &mut BytesMut {
///         &mut self.output
///     }
///     fn timeout(&self) -> std::time::Duration {
///         std::time::Duration::from_secs(300)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, mut far) = tokio::io::duplex(64); // as well a TcpStream
/// let mut stream = Stream::new(near);
/// let mut lines = Lines { reader: LineReader::new(512), output: BytesMut::from("+OK\r\n") };
/// far.write_all(b"QUIT\r\n").await?;
/// assert_eq!(stream.drive(&mut lines).await?, "QUIT");
/// stream.flush(&mut lines).await?;
/// let mut greeting = [0; 5];
/// far.read_exact(&mut greeting).await?;
/// assert_eq!(&greeting, b"+OK\r\n");
/// # Ok(())
/// # }
/// ```
pub struct Stream<T = TcpStream> {
    io: Io<T>,
    input: BytesMut,
    pace: Pace,
    clock: Clock,
    /// The peer has said that no more comes.
    ended: bool,
    /// Something was given to the layer below that it may still keep.
    unflushed: bool,
    /// Whether keys of TLS 1.2 may be exported, too.
    #[cfg(feature = "tls")]
    exports: bool,
}

enum Io<T> {
    Plain(T),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::TlsStream<T>>),
    /// A handshake failed or was given up.
    #[cfg(feature = "tls")]
    Broken,
}

/// What one turn is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Octets, or the end of them.
    Input,
    /// That octets leave.
    Output,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// A stream over a connected socket, plain as yet.
    pub fn new(io: T) -> Self {
        Self::with_pace(io, Pace::default())
    }

    /// The same with another [`Pace`].
    pub fn with_pace(io: T, pace: Pace) -> Self {
        Self {
            io: Io::Plain(io),
            input: BytesMut::new(),
            pace,
            clock: Clock::new(pace.min_rate),
            ended: false,
            unflushed: false,
            #[cfg(feature = "tls")]
            exports: false,
        }
    }

    /// What has come in and no machine has used yet: to be shown to the verb that starts TLS, and to be looked at
    /// when the peer has closed.
    pub fn input(&self) -> &BytesMut {
        &self.input
    }

    /// The next event. Until it comes output is written and input is read.
    ///
    /// # Errors
    /// [`DriveError`]. Octets that came before the peer closed are still made events of, and output is still written.
    pub async fn drive<C: Connection>(&mut self, machine: &mut C) -> Result<C::Event, DriveError<C::Error>> {
        let limit = machine.output_limit();
        if machine.output().len() > limit {
            self.push(machine, limit).await?;
        }
        loop {
            match machine.next(&mut self.input).map_err(DriveError::Protocol)? {
                Step::Event(event) => {
                    self.clock.stop();
                    return Ok(event);
                }
                Step::Paused => return Err(DriveError::Paused),
                Step::WantsInput if self.ended && machine.output().is_empty() && !self.unflushed => {
                    return Err(DriveError::Closed);
                }
                Step::WantsInput => self.turn(machine, Want::Input).await?,
            }
        }
    }

    /// The next event if it can be told from the octets at hand; waits for nothing.
    ///
    /// # Errors
    /// [`DriveError::Protocol`].
    pub fn ready<C: Connection>(
        &mut self,
        machine: &mut C,
    ) -> Result<Option<C::Event>, DriveError<C::Error>> {
        Ok(machine.next(&mut self.input).map_err(DriveError::Protocol)?.event())
    }

    /// Writes all output. Nothing is read behind its last octet: what follows may be a TLS handshake. A client with much
    /// to send takes [`flush_above`](Self::flush_above), which goes on reading without end.
    ///
    /// # Errors
    /// [`DriveError`].
    pub async fn flush<C: Connection>(&mut self, machine: &mut C) -> Result<(), DriveError<C::Error>> {
        self.push(machine, 0).await
    }

    /// For who sends much: writes until no more than `most` octets of output wait, and gives back `None`; or an event
    /// that came meanwhile, such as a refusal in the middle of the text.
    ///
    /// # Errors
    /// [`DriveError`].
    pub async fn flush_above<C: Connection>(
        &mut self,
        machine: &mut C,
        most: usize,
    ) -> Result<Option<C::Event>, DriveError<C::Error>> {
        loop {
            if let Some(event) = self.ready(machine)? {
                self.clock.stop();
                return Ok(Some(event));
            }
            if machine.output().len() <= most {
                self.clock.stop();
                return Ok(None);
            }
            self.turn(machine, Want::Output).await?;
        }
    }

    /// Says the end (TLS: close_notify) and waits a little for the peer's, so that what it has not read yet is not
    /// torn from it by a reset. What is still in the machine's output is not sent: [`flush`](Self::flush) before.
    ///
    /// # Errors
    /// What the socket says, or [`io::ErrorKind::TimedOut`]. The connection is over all the same.
    pub async fn close(mut self) -> io::Result<()> {
        let deadline = clock::after(Instant::now(), self.pace.close);
        let farewell = async {
            self.shutdown().await?;
            let mut thrown_away: usize = 0;
            while !self.ended && thrown_away < LINGER_MAX {
                self.input.clear();
                let read = poll_fn(|context| self.poll_read(context)).await.unwrap_or(0);
                thrown_away = thrown_away.saturating_add(read);
                self.ended |= read == 0;
            }
            Ok(())
        };
        timeout_at(deadline, farewell).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn push<C: Connection>(
        &mut self,
        machine: &mut C,
        most: usize,
    ) -> Result<(), DriveError<C::Error>> {
        while machine.output().len() > most || (most == 0 && self.unflushed) {
            self.turn(machine, Want::Output).await?;
        }
        self.clock.stop();
        Ok(())
    }

    /// Waits until something moved.
    async fn turn<C: Connection>(&mut self, machine: &mut C, want: Want) -> Result<(), DriveError<C::Error>> {
        let timeout = machine.timeout();
        let deadline = self.clock.run(Instant::now(), timeout, machine.phase());
        let turn = poll_fn(|context| self.poll_turn(context, machine.output(), want));
        match timeout_at(deadline, turn).await {
            Ok(moved) => {
                self.clock.moved(moved?);
                Ok(())
            }
            Err(_) if machine.output().is_empty() && !self.unflushed => {
                Err(DriveError::Timeout(Timeout::Input))
            }
            Err(_) => Err(DriveError::Timeout(Timeout::Output)),
        }
    }

    /// Writes what the peer takes, then reads what is there; ready with the octets that moved, which may be none when
    /// the peer has ended or the layer below has let go of all.
    fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        output: &mut BytesMut,
        want: Want,
    ) -> Poll<io::Result<usize>> {
        let mut moved: usize = 0;
        let mut fault = None;
        let waited = self.unflushed || !output.is_empty();
        while !output.is_empty() {
            match self.poll_write(context, output) {
                Poll::Ready(Ok(0)) => fault = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    moved = moved.saturating_add(written);
                    self.unflushed = true;
                    continue;
                }
                Poll::Ready(Err(error)) => fault = Some(error),
                Poll::Pending => {}
            }
            break;
        }
        if output.is_empty() && self.unflushed {
            match self.poll_flush(context) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => fault = Some(error),
                Poll::Pending => {}
            }
        }
        let all_left = output.is_empty() && !self.unflushed;
        let reads = match want {
            Want::Input => !self.ended,
            // Not behind the last octet of output, see `flush`; and not without end.
            Want::Output => !all_left && !self.ended && self.input.len() < INPUT_MAX,
        };
        let read = if reads { self.poll_read(context) } else { Poll::Pending };
        match (read, fault) {
            // Who is not read from any more may have said why before.
            (Poll::Ready(Ok(read)), _) if read > 0 => Poll::Ready(Ok(moved.saturating_add(read))),
            (_, Some(error)) => Poll::Ready(Err(error)),
            (Poll::Ready(Err(error)), None) => Poll::Ready(Err(error)),
            (Poll::Ready(Ok(_)), None) => {
                self.ended = true;
                Poll::Ready(Ok(moved))
            }
            (Poll::Pending, None) if moved > 0 || (waited && all_left) => Poll::Ready(Ok(moved)),
            (Poll::Pending, None) => Poll::Pending,
        }
    }

    /// 0 is the end of the stream, with TLS also if its close_notify is missing: the three protocols all tell by
    /// themselves whether they are whole.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(READ);
        let input = &mut self.input;
        let read = match &mut self.io {
            Io::Plain(io) => pin!(io.read_buf(input)).poll(context),
            #[cfg(feature = "tls")]
            Io::Tls(io) => pin!(io.read_buf(input)).poll(context),
            #[cfg(feature = "tls")]
            Io::Broken => Poll::Ready(Err(broken())),
        };
        match read {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
            // Who waits with nothing in hand holds no buffer: of ten thousand connections most do.
            Poll::Pending if self.input.is_empty() => {
                self.input = BytesMut::new();
                Poll::Pending
            }
            read => read,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, output: &mut BytesMut) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => pin!(io.write_buf(output)).poll(context),
            #[cfg(feature = "tls")]
            Io::Tls(io) => pin!(io.write_buf(output)).poll(context),
            #[cfg(feature = "tls")]
            Io::Broken => Poll::Ready(Err(broken())),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => pin!(io.flush()).poll(context),
            #[cfg(feature = "tls")]
            Io::Tls(io) => pin!(io.flush()).poll(context),
            #[cfg(feature = "tls")]
            Io::Broken => Poll::Ready(Err(broken())),
        }
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        match &mut self.io {
            Io::Plain(io) => io.shutdown().await,
            #[cfg(feature = "tls")]
            Io::Tls(io) => io.shutdown().await,
            #[cfg(feature = "tls")]
            Io::Broken => Err(broken()),
        }
    }

    /// The socket below, for its addresses and options; `None` after a failed handshake.
    pub fn get_ref(&self) -> Option<&T> {
        match &self.io {
            Io::Plain(io) => Some(io),
            #[cfg(feature = "tls")]
            Io::Tls(io) => Some(io.get_ref().0),
            #[cfg(feature = "tls")]
            Io::Broken => None,
        }
    }
}

impl<T> std::fmt::Debug for Stream<T> {
    /// Without the input, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let io = match &self.io {
            Io::Plain(_) => "plain",
            #[cfg(feature = "tls")]
            Io::Tls(_) => "TLS",
            #[cfg(feature = "tls")]
            Io::Broken => "broken",
        };
        f.debug_struct("Stream").field("io", &io).field("input", &self.input.len()).finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the TLS handshake failed")
}
