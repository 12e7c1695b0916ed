//! A server's machine on its stream, and the message that comes in on it.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use mail46_wire::net::{DriveError, Stream};
use tokio::io::{AsyncRead, AsyncWrite};

use super::session::{Source, code};
use super::{Delivery, MessageError, ServeError};
use crate::server::{Connection, DataEnd, Error, Event, Phase};
use crate::{Command, Reply, Verb};

/// The machine on its stream.
pub(super) struct Link<T> {
    pub(super) stream: Stream<T>,
    pub(super) machine: Connection,
    /// A command that ended a chunked message early and is still to be answered.
    pub(super) early: Option<Event>,
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Link<T> {
    pub(super) async fn event(&mut self) -> Result<Event, DriveError<Error>> {
        if let Some(event) = self.early.take() {
            return Ok(event);
        }
        if self.machine.must_flush() {
            self.stream.flush(&mut self.machine).await?;
        }
        self.stream.drive(&mut self.machine).await
    }

    pub(super) fn reply(&mut self, reply: &Reply) -> Result<(), ServeError> {
        Ok(self.machine.reply(reply).map_err(DriveError::Protocol)?)
    }
}

/// The message of one transaction, over all its chunks.
pub(super) struct Incoming<'l, T> {
    link: &'l mut Link<T>,
    state: State,
}

enum State {
    Running,
    Ended(DataEnd),
    Aborted,
    Broken(DriveError<Error>),
}

impl<'l, T: AsyncRead + AsyncWrite + Unpin + Send> Incoming<'l, T> {
    pub(super) fn new(link: &'l mut Link<T>) -> Self {
        Self { link, state: State::Running }
    }

    async fn part(&mut self) -> Result<Option<Bytes>, MessageError> {
        loop {
            match &self.state {
                State::Running => {}
                State::Ended(DataEnd { fault: Some((fault, _)), .. }) => {
                    return Err(MessageError::Refused(*fault));
                }
                State::Ended(_) => return Ok(None),
                State::Aborted => return Err(MessageError::Aborted),
                State::Broken(_) => return Err(MessageError::Lost),
            }
            match self.link.event().await {
                Ok(Event::Data(data)) => return Ok(Some(data)),
                Ok(event) => self.between(event),
                Err(error) => self.state = State::Broken(error),
            }
        }
    }

    /// What comes between two parts: a chunk's end and the next BDAT, the end of it all, or something else.
    fn between(&mut self, event: Event) {
        let machine = &mut self.link.machine;
        let done = match event {
            Event::DataEnd(end) => {
                self.state = State::Ended(end);
                return;
            }
            Event::ChunkEnd { received } => {
                machine.reply(&code(250, (2, 0, 0), &format!("{received} octets received")))
            }
            Event::Command { command, .. } if command.verb() == Verb::Bdat => machine.accept_chunk(),
            // What changes nothing is answered, and the message goes on.
            Event::Command { command: Command::Noop(_), .. } => machine.reply(&code(250, (2, 0, 0), "ok")),
            Event::Command { command: Command::Vrfy(_) | Command::Expn(_) | Command::Help(_), .. } => {
                machine.reply(&code(502, (5, 5, 1), "not between two chunks"))
            }
            Event::Refused { reply, .. } if machine.phase() == Phase::Chunks => machine.reply(&reply),
            // RSET, QUIT, or a chunk that is refused: the message ends here, and this is answered after it.
            other => {
                self.link.early = Some(other);
                self.state = State::Aborted;
                return;
            }
        };
        if let Err(error) = done {
            self.state = State::Broken(DriveError::Protocol(error));
        }
    }

    /// Throws away what the session did not read. `None`: the client gave the message up.
    pub(super) async fn finish(
        mut self,
        verdict: &Result<Delivery, Reply>,
    ) -> Result<Option<DataEnd>, ServeError> {
        loop {
            match self.state {
                State::Running => {}
                State::Ended(end) => return Ok(Some(end)),
                State::Aborted => return Ok(None),
                State::Broken(error) => return Err(error.into()),
            }
            match self.link.event().await? {
                Event::Data(_) => {}
                Event::ChunkEnd { .. } if verdict.is_err() => {
                    // RFC 3030 s 2: the chunk itself is refused, and with it the transaction.
                    if let Err(refusal) = verdict {
                        self.link.reply(refusal)?;
                    }
                    return Ok(None);
                }
                event => self.between(event),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Source for Incoming<'_, T> {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Result<Option<Bytes>, MessageError>> + Send + '_>> {
        Box::pin(self.part())
    }
}
