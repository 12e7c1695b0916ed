use std::collections::VecDeque;

use mail46_sasl::{ChannelBinding, Secret, client::Exchange};
#[cfg(feature = "tls")]
use mail46_wire::net::TlsSettings;
use mail46_wire::net::{DriveError, Stream, Tls};
use tokio::io::{AsyncRead, AsyncWrite};

use super::deflate::{Layered, NotDeflate};
use crate::client::{
    Change, CommandId, Completed, Config, Connection, Error, Event, MailboxView, Peer, Unintelligible,
};
use crate::command::CommandBody;
use crate::{Capabilities, Extension, Status, StatusResponse, Untagged};

mod fetch;
mod idle;
mod verbs;

pub use fetch::{Fetched, Fetches};
pub use idle::Idle;
pub use verbs::{Append, AppendId, Close, Select};

/// Notices that are kept for who does not take them.
const NOTICES: usize = 1024;

/// An IMAP client on a connection.
///
/// ```no_run
/// use mail46_imap_core::{Numbering, client::Config, net::{Client, Fetched, Select, Tls}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let tls = Tls::None;
/// let socket = tokio::net::TcpStream::connect("[2001:db8::143]:993").await?;
/// let mut client = Client::open(socket, Config::default(), tls).await?; // Tls::Implicit(…)
/// client.login("mrose", &"tanstaaf".into()).await?;
/// client.select("INBOX", &Select::read_only()).await?;
/// let mut messages = client.fetch(Numbering::Uid, &"1:*".parse()?, &"(UID FLAGS ENVELOPE)".parse()?).await?;
/// while let Some(fetched) = messages.next().await? {
///     if let Fetched::Message(message) = fetched {
///         println!("{:?} {:?}", message.uid(), message.flags());
///     }
/// }
/// client.logout().await?;
/// # Ok(())
/// # }
/// ```
pub struct Client<T = tokio::net::TcpStream> {
    stream: Stream<T>,
    machine: Layered<Connection>,
    view: Option<MailboxView>,
    notices: VecDeque<Notice>,
}

/// What a server said that nobody asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The selected mailbox has changed.
    Changed(Change),
    /// Something else: an alert, BYE, the status of another mailbox.
    Said(Box<Untagged>),
    /// Something that cannot be understood.
    Unintelligible(Unintelligible),
    /// So many notices were dropped before the next, because nobody took them. The view of the mailbox has all that was in them.
    Missed(u64),
}

/// Why a client's session failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection broke, stood still, or the server broke the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError<Error>),
    /// The server does not want us.
    #[error("the server refuses the session: {}", said(.0))]
    Unwelcome(Box<StatusResponse>),
    /// TLS is required and the server does not offer STARTTLS: it cannot, or somebody took the word away.
    #[error("TLS is required and the server does not offer STARTTLS")]
    NoTls,
    /// TLS is required and the server refused STARTTLS.
    #[error("TLS is required and the server refused STARTTLS: {}", said(.0))]
    TlsRefused(Box<StatusResponse>),
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error("TLS handshake: {0}")]
    Tls(mail46_wire::net::TlsError),
    /// The server refused the credentials.
    #[error("log-in refused: {}", said(.0))]
    AuthRefused(Box<StatusResponse>),
    /// The server's part of the SASL exchange is wrong; it may be an impostor.
    #[error("authentication: {0}")]
    Sasl(mail46_sasl::Error),
    /// The server refused a command.
    #[error("refused: {}", said(.0))]
    Refused(Box<StatusResponse>),
    /// The server answered before all of the command was said.
    #[error("answered before all of it was sent: {}", said(.0))]
    CutShort(Box<StatusResponse>),
    /// What was to be sent cannot be read, or is not as long as was said.
    #[error("what was to be sent: {0}")]
    Source(std::io::Error),
}

impl From<NotDeflate> for Error {
    fn from(_: NotDeflate) -> Self {
        Self::Peer(Peer::NotCompressed)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// Opens a session on a connection: TLS by policy, the greeting, the capabilities.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open(transport: T, config: Config, tls: Tls) -> Result<Self, ClientError> {
        let machine = Layered::new(Connection::new(config));
        let mut client =
            Self { stream: Stream::new(transport), machine, view: None, notices: VecDeque::new() };
        client.implicit_tls(&tls).await?;
        client.ready().await?;
        client.start_tls(&tls).await?;
        Ok(client)
    }

    /// What the server said last that it can do.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.machine.machine().capabilities()
    }

    /// Whether the server can do that.
    pub fn offers(&self, extension: Extension) -> bool {
        self.machine.machine().offers(extension)
    }

    /// What is not to be believed of what the server offers.
    pub fn distrust(&mut self, extension: Extension) {
        self.machine.machine_mut().distrust(extension);
    }

    /// The machine below, to be asked.
    pub fn machine(&self) -> &Connection {
        self.machine.machine()
    }

    /// Whether the session runs inside TLS.
    pub fn is_tls(&self) -> bool {
        self.machine.machine().is_tls()
    }

    /// What SASL can bind to: `tls-exporter` first where TLS has it, `tls-server-end-point`.
    pub fn channel_bindings(&self) -> Vec<ChannelBinding> {
        #[cfg(feature = "tls")]
        return bindings(&self.stream);
        #[cfg(not(feature = "tls"))]
        return Vec::new();
    }

    /// The selected mailbox.
    pub fn view(&self) -> Option<&MailboxView> {
        self.view.as_ref()
    }

    /// What the server said by itself since it was asked last.
    pub fn notices(&mut self) -> impl Iterator<Item = Notice> + '_ {
        self.notices.drain(..)
    }

    /// Logs in by LOGIN.
    ///
    /// # Errors
    /// [`ClientError::AuthRefused`] if the server says no; a misuse outside TLS unless the configuration allows it, and where the
    /// server says LOGINDISABLED.
    pub async fn login(&mut self, user: &str, password: &Secret) -> Result<(), ClientError> {
        self.machine.machine_mut().login(user, password).map_err(DriveError::Protocol)?;
        self.authenticated().await
    }

    /// Logs in by SASL.
    ///
    /// # Errors
    /// [`ClientError::AuthRefused`] if the server says no; [`ClientError::Sasl`] if it does not prove itself.
    pub async fn authenticate(&mut self, exchange: Exchange) -> Result<(), ClientError> {
        self.machine.machine_mut().authenticate(exchange).map_err(DriveError::Protocol)?;
        self.authenticated().await
    }

    async fn authenticated(&mut self) -> Result<(), ClientError> {
        loop {
            match self.event().await? {
                Event::Authenticated(_) => return Ok(()),
                Event::AuthRefused { fault: Some(fault), .. } => return Err(ClientError::Sasl(fault)),
                Event::AuthRefused { completed, .. } => {
                    return Err(ClientError::AuthRefused(Box::new(completed.status)));
                }
                other => self.aside(other),
            }
        }
    }

    /// Compresses from here on (RFC 4978).
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not.
    pub async fn compress(&mut self) -> Result<(), ClientError> {
        self.machine.machine_mut().compress().map_err(DriveError::Protocol)?;
        loop {
            match self.event().await? {
                Event::CompressionReady => break,
                Event::Completed(completed) => return Err(refused(completed)),
                other => self.aside(other),
            }
        }
        self.machine.compress();
        Ok(self.machine.machine_mut().compression_established().map_err(DriveError::Protocol)?)
    }

    /// Says any command, and waits for its end: what it is answered, and what the server says to its end.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server says NO or BAD.
    pub async fn command(
        &mut self,
        command: CommandBody,
    ) -> Result<(Vec<Untagged>, StatusResponse), ClientError> {
        let id = self.send(command)?;
        let mut answers = Vec::new();
        let end = self.complete(id, |answer| answers.push(answer)).await?;
        Ok((answers, end))
    }

    /// LOGOUT, and the end of the connection.
    ///
    /// # Errors
    /// [`ClientError`]: the server may not have heard it.
    pub async fn logout(mut self) -> Result<(), ClientError> {
        let id = self.machine.machine_mut().logout().map_err(DriveError::Protocol)?;
        self.complete(id, drop).await?;
        self.stream.close().await.ok();
        Ok(())
    }

    fn send(&mut self, command: CommandBody) -> Result<CommandId, ClientError> {
        Ok(self.machine.machine_mut().send(command).map_err(DriveError::Protocol)?)
    }

    /// Waits for the end of a command; each of its answers is told.
    async fn complete(
        &mut self,
        id: CommandId,
        mut answer: impl FnMut(Untagged),
    ) -> Result<StatusResponse, ClientError> {
        loop {
            match self.event().await? {
                Event::Completed(completed) if completed.id == id => return ended(completed),
                Event::Untagged { to, response } if to == Some(id) => {
                    self.note(&response);
                    answer(*response);
                }
                other => self.aside(other),
            }
        }
    }

    async fn event(&mut self) -> Result<Event, ClientError> {
        Ok(self.stream.drive(&mut self.machine).await?)
    }

    /// What happens beside what is waited for.
    fn aside(&mut self, event: Event) {
        match event {
            Event::Untagged { response, .. } if !self.note(&response) => self.notice(Notice::Said(response)),
            Event::Unintelligible(what) => self.notice(Notice::Unintelligible(what)),
            // What the view knows now; the octets of a literal that nobody waits for; the ends of commands that were given up.
            _ => {}
        }
    }

    /// Tells the view of the mailbox; whether it knows what is said.
    fn note(&mut self, response: &Untagged) -> bool {
        let Some(view) = &mut self.view else { return false };
        match view.update(response) {
            Some(Change::Nothing) => true,
            Some(change) => {
                self.notice(Notice::Changed(change));
                true
            }
            None => false,
        }
    }

    fn notice(&mut self, notice: Notice) {
        if self.notices.len() >= NOTICES {
            self.notices.pop_front();
            match self.notices.front_mut() {
                Some(Notice::Missed(missed)) => *missed = missed.saturating_add(1),
                _ => {
                    self.notices.pop_front();
                    self.notices.push_front(Notice::Missed(2));
                }
            }
        }
        self.notices.push_back(notice);
    }

    async fn ready(&mut self) -> Result<(), ClientError> {
        loop {
            match self.event().await? {
                Event::Ready => return Ok(()),
                Event::Unwelcome(greeting) => return Err(ClientError::Unwelcome(Box::new(greeting))),
                other => self.aside(other),
            }
        }
    }

    #[cfg(feature = "tls")]
    async fn implicit_tls(&mut self, tls: &Tls) -> Result<(), ClientError> {
        if let Tls::Implicit(settings) = tls {
            self.handshake(settings).await?;
            self.machine.machine_mut().set_implicit_tls();
        }
        Ok(())
    }

    #[cfg(feature = "tls")]
    async fn start_tls(&mut self, tls: &Tls) -> Result<(), ClientError> {
        let (settings, required) = match tls {
            Tls::Required(settings) => (settings, true),
            Tls::Opportunistic(settings) => (settings, false),
            Tls::None | Tls::Implicit(_) => return Ok(()),
        };
        if !self.offers(Extension::StartTls) {
            return if required { Err(ClientError::NoTls) } else { Ok(()) };
        }
        if let Err(error) = self.machine.machine_mut().starttls() {
            // PREAUTH, which was taken although it came in the clear.
            return if required { Err(DriveError::Protocol(error).into()) } else { Ok(()) };
        }
        loop {
            match self.event().await? {
                Event::TlsReady => break,
                Event::TlsRefused(_) if !required => return Ok(()),
                Event::TlsRefused(completed) => {
                    return Err(ClientError::TlsRefused(Box::new(completed.status)));
                }
                // What is said in the clear is nobody's word.
                _ => {}
            }
        }
        self.notices.clear();
        self.handshake(settings).await?;
        self.machine.machine_mut().tls_established().map_err(DriveError::Protocol)?;
        self.ready().await
    }

    #[cfg(feature = "tls")]
    async fn handshake(&mut self, settings: &TlsSettings) -> Result<(), ClientError> {
        let config = std::sync::Arc::clone(&settings.config);
        self.stream.connect_tls(config, settings.name.clone()).await.map_err(ClientError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    async fn implicit_tls(&mut self, _: &Tls) -> Result<(), ClientError> {
        Ok(())
    }

    #[cfg(not(feature = "tls"))]
    async fn start_tls(&mut self, _: &Tls) -> Result<(), ClientError> {
        Ok(())
    }
}

impl<T> std::fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// What a server says, in one line.
fn said(status: &StatusResponse) -> String {
    let code = status.code.as_ref().map(|code| format!("[{}] ", code.name())).unwrap_or_default();
    format!("{:?} {code}{}", status.status, status.text.as_bytes().escape_ascii())
}

fn ended(completed: Completed) -> Result<StatusResponse, ClientError> {
    if completed.is_ok() { Ok(completed.status) } else { Err(refused(completed)) }
}

fn refused(completed: Completed) -> ClientError {
    let response = Box::new(completed.status);
    match response.status {
        Status::Ok => ClientError::CutShort(response),
        _ => ClientError::Refused(response),
    }
}

/// What a stream's TLS has to bind to.
#[cfg(feature = "tls")]
fn bindings<T: AsyncRead + AsyncWrite + Unpin>(stream: &Stream<T>) -> Vec<ChannelBinding> {
    let exporter = stream.tls_exporter().map(|material| ChannelBinding::tls_exporter(&material));
    let certificate = stream.tls_server_end_point();
    let end_point = certificate.and_then(|der| ChannelBinding::tls_server_end_point(der).ok());
    exporter.into_iter().chain(end_point).collect()
}
