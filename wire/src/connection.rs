use std::time::Duration;

use bytes::BytesMut;

use crate::Step;

/// A protocol machine as its driver sees it: octets in, events out, octets out; no I/O, no clock.
///
/// The server and client machines of mail46's protocol crates implement it; `net::Stream` drives it.
pub trait Connection {
    /// What happens on this connection.
    type Event;
    /// What ends the session.
    type Error: std::error::Error;

    /// Goes on with what came in, and takes off `input` what it has used.
    ///
    /// # Errors
    /// What ends the session. What the protocol can answer is an event.
    fn next(&mut self, input: &mut BytesMut) -> Result<Step<Self::Event>, Self::Error>;

    /// What is to be written; the driver takes off what it has written.
    fn output(&mut self) -> &mut BytesMut;

    /// How long the present state may wait for the peer.
    fn timeout(&self) -> Duration;

    /// Octets of output that may wait before the peer is listened to no more: who sends commands and reads no reply
    /// would else fill the memory. A client, whose output is its own doing, says `usize::MAX`: of two sides that both
    /// stop listening, neither would ever go on (RFC 2920 s 3.1).
    fn output_limit(&self) -> usize {
        64 * 1024
    }

    /// What the present state waits for: it decides when the driver's clock starts anew.
    fn phase(&self) -> Phase {
        Phase::Dialogue
    }
}

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // a driver has these two clocks
pub enum Phase {
    /// Commands and replies: each event has its own deadline.
    Dialogue,
    /// The text of a message, in either direction: its many events share one deadline, which only octets push on.
    Bulk,
}
