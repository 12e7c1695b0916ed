use mail46_wire::net::{DriveError, Timeout};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Client, ClientError, Notice, ended};
use crate::client::{CommandId, Event};

/// IDLE (RFC 2177): the server says what changes as it happens. It is renewed when its time is over.
pub struct Idle<'c, T = tokio::net::TcpStream> {
    client: &'c mut Client<T>,
    id: CommandId,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// Begins IDLE. To end it, say [`Idle::done`].
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not.
    pub async fn idle(&mut self) -> Result<Idle<'_, T>, ClientError> {
        let id = self.machine.machine_mut().idle().map_err(DriveError::Protocol)?;
        loop {
            match self.event().await? {
                Event::Idling(idling) if idling == id => return Ok(Idle { client: self, id }),
                Event::Completed(completed) if completed.id == id => {
                    // An OK to IDLE before DONE is none.
                    ended(completed)?;
                    return Err(DriveError::Paused.into());
                }
                other => self.aside(other),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Idle<'_, T> {
    /// What happens next. May be dropped in the middle without a loss.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn next(&mut self) -> Result<Notice, ClientError> {
        loop {
            if let Some(notice) = self.client.notices.pop_front() {
                return Ok(notice);
            }
            match self.client.stream.drive(&mut self.client.machine).await {
                Ok(Event::Completed(completed)) if completed.id == self.id => {
                    // The server has ended it by itself.
                    ended(completed)?;
                    self.id = self.client.machine.machine_mut().idle().map_err(DriveError::Protocol)?;
                }
                Ok(event) => self.client.aside(event),
                // RFC 9051 s 6.3.13: "at least every 29 minutes". What ends the old one is passed over.
                Err(DriveError::Timeout(Timeout::Input)) if self.client.machine().is_idling() => {
                    self.id = self.client.machine.machine_mut().renew_idle().map_err(DriveError::Protocol)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The mailbox, as it is now.
    pub fn view(&self) -> Option<&crate::client::MailboxView> {
        self.client.view()
    }

    /// Ends it: DONE.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn done(self) -> Result<(), ClientError> {
        self.client.machine.machine_mut().done().map_err(DriveError::Protocol)?;
        self.client.complete(self.id, drop).await.map(drop)
    }
}

impl<T> std::fmt::Debug for Idle<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle").field("id", &self.id).finish_non_exhaustive()
    }
}
