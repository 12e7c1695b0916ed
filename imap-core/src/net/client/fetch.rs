use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Client, ClientError, ended};
use crate::client::{CommandId, Event, MailboxView};
use crate::{Fetch, StatusResponse, Untagged};

/// The answers to a FETCH, one after the other. They must be read to the end before anything else is said.
pub struct Fetches<'c, T = tokio::net::TcpStream> {
    pub(super) client: &'c mut Client<T>,
    pub(super) id: CommandId,
    pub(super) end: Option<StatusResponse>,
}

/// What FETCH tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fetched {
    /// A long literal begins: the one that the last item of what has come so far is about. Its octets follow.
    Begin {
        /// The message, as far as it was told; `None` if the literal is in the middle of an item.
        so_far: Option<Fetch>,
        /// How many octets.
        size: u64,
    },
    /// Octets of it.
    Data(Bytes),
    /// All of it has come. The rest of the message follows.
    End,
    /// A message is told, except for the octets that were [handed over](Self::Begin) before.
    Message(Fetch),
    /// Messages are gone since (RFC 7162).
    Vanished(crate::NumberSet),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Fetches<'_, T> {
    /// The next; `None` at the end, which only an OK of the server's makes.
    ///
    /// # Errors
    /// [`ClientError`]: what has come may not be all.
    pub async fn next(&mut self) -> Result<Option<Fetched>, ClientError> {
        if self.end.is_some() {
            return Ok(None);
        }
        loop {
            return Ok(Some(match self.client.event().await? {
                Event::DataBegin(begin) => {
                    let so_far = match begin.so_far.map(|so_far| *so_far) {
                        Some(Untagged::Fetch(fetch) | Untagged::UidFetch(fetch)) => Some(fetch),
                        _ => None,
                    };
                    Fetched::Begin { so_far, size: begin.size }
                }
                Event::Data(data) => Fetched::Data(data),
                Event::DataEnd => Fetched::End,
                Event::Untagged { to, response } if to == Some(self.id) => {
                    self.client.note(&response);
                    match *response {
                        Untagged::Fetch(fetch) | Untagged::UidFetch(fetch) => Fetched::Message(fetch),
                        Untagged::Vanished { uids, .. } => match uids.resolve(u32::MAX) {
                            Some(uids) => Fetched::Vanished(uids),
                            None => continue,
                        },
                        _ => continue,
                    }
                }
                Event::Completed(completed) if completed.id == self.id => {
                    self.end = Some(ended(completed)?);
                    return Ok(None);
                }
                other => {
                    self.client.aside(other);
                    continue;
                }
            }));
        }
    }

    /// The mailbox, as it is now.
    pub fn view(&self) -> Option<&MailboxView> {
        self.client.view()
    }

    /// What the server said at its end.
    pub fn end(&self) -> Option<&StatusResponse> {
        self.end.as_ref()
    }
}

impl<T> std::fmt::Debug for Fetches<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetches").field("id", &self.id).finish_non_exhaustive()
    }
}
