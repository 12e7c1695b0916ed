use mail46_wire::{BareNewline, Host};

use super::Config;
use crate::server::Dialect;
use crate::{Body, ExtensionKind, Extensions, ForwardPath, Mailbox, Param, Params, ReversePath};

/// Whom a message is from and to, and what it needs of a server.
///
/// ```
/// use mail46_smtp::{Mailbox, client::Envelope};
/// let from: Mailbox = "alice@example.org".parse()?;
/// let envelope = Envelope::new(from, ["bob@[IPv6:2001:db8::1]".parse()?]).with_size(1_000);
/// assert_eq!(envelope.recipients.len(), 1);
/// # Ok::<(), mail46_smtp::AddressError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope {
    /// Where failures are told; [`ReversePath::Null`] for a report.
    pub from: ReversePath,
    /// Parameters of MAIL but SIZE, BODY and SMTPUTF8, which the client sees to itself.
    pub params: Params,
    /// To whom.
    pub recipients: Vec<Recipient>,
    /// Octets of the message, line ends as CRLF, if known. Told as SIZE; and BDAT needs it.
    pub size: Option<u64>,
    /// What the message holds. Default: [`Body::SevenBit`].
    pub body: Body,
    /// The header holds UTF-8 (RFC 6532), so that SMTPUTF8 is needed whatever the addresses are.
    pub utf8_header: bool,
}

/// One recipient.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recipient {
    /// Who.
    pub to: ForwardPath,
    /// Parameters of RCPT.
    pub params: Params,
}

impl From<Mailbox> for Recipient {
    fn from(mailbox: Mailbox) -> Self {
        Self { to: ForwardPath::Mailbox(mailbox), params: Params::default() }
    }
}

/// Why a server cannot be given a message. Told before a single octet of it is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unable {
    /// The session is not at a point where MAIL may be sent.
    #[error("the session is not ready for a message")]
    NotReady,
    /// There is nobody to send to.
    #[error("no recipients")]
    NoRecipients,
    /// RFC 1870 s 4: over the size the server declared.
    #[error("the message has {size} octets and the server takes {limit}")]
    TooBig {
        /// Of the message.
        size: u64,
        /// Of the server.
        limit: u64,
    },
    /// RFC 6152: 8-bit text and no 8BITMIME.
    #[error("the message is 8-bit and the server does not offer 8BITMIME")]
    EightBit,
    /// RFC 3030: binary and no BINARYMIME with CHUNKING.
    #[error("the message is binary and the server does not offer BINARYMIME")]
    Binary,
    /// RFC 6531: an address or a header needs SMTPUTF8.
    #[error("the message needs SMTPUTF8 and the server does not offer it")]
    SmtpUtf8,
    /// A parameter that may not be dropped in silence, of an extension that is not offered.
    #[error("the message needs {keyword} and the server does not offer it")]
    Parameter {
        /// The extension's EHLO keyword.
        keyword: &'static str,
    },
    /// RFC 9422 RCPTMAX: split the recipients.
    #[error("the server takes {limit} recipients a message")]
    TooManyRecipients {
        /// So many at most.
        limit: u64,
    },
    /// RFC 9422 RCPTDOMAINMAX: split the recipients by domain.
    #[error("the server takes recipients of {limit} domains a message")]
    TooManyDomains {
        /// So many at most.
        limit: u64,
    },
    /// RFC 9422 MAILMAX: open another connection.
    #[error("the server takes {limit} messages a connection")]
    TooManyMessages {
        /// So many at most.
        limit: u64,
    },
}

impl Envelope {
    /// A message from `from` to these mailboxes.
    pub fn new(from: impl Into<ReversePath>, recipients: impl IntoIterator<Item = Mailbox>) -> Self {
        Self {
            from: from.into(),
            params: Params::default(),
            recipients: recipients.into_iter().map(Recipient::from).collect(),
            size: None,
            body: Body::SevenBit,
            utf8_header: false,
        }
    }

    /// The same with the message's size in octets.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// The same with what the message holds.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Whether SMTPUTF8 is needed: a UTF-8 header, or a local part that has no ASCII form. A domain alone does not need
    /// it: it goes as A-labels (RFC 6531 s 3.2).
    fn needs_utf8(&self) -> bool {
        let utf8 = |mailbox: &Mailbox| !mailbox.local_part.as_bytes().is_ascii();
        let from = matches!(&self.from, ReversePath::Mailbox(mailbox) if utf8(mailbox));
        let to = self
            .recipients
            .iter()
            .any(|one| matches!(&one.to, ForwardPath::Mailbox(mailbox) if utf8(mailbox)));
        self.utf8_header || from || to
    }

    /// Decides what is sent, or why nothing can be. `sent`: messages already sent on this connection.
    pub(super) fn plan(
        &self,
        server: Option<&Extensions>,
        config: &Config,
        sent: u64,
        tls: bool,
    ) -> Result<Plan, Unable> {
        if self.recipients.is_empty() {
            return Err(Unable::NoRecipients);
        }
        self.check_limits(server, sent)?;
        let utf8 = self.needs_utf8();
        if utf8 && !has(server, ExtensionKind::SmtpUtf8) {
            return Err(Unable::SmtpUtf8);
        }
        let mut mail = Params::default();
        if let Some(size) = self.size {
            match server.and_then(Extensions::size) {
                Some(limit) if size > limit => return Err(Unable::TooBig { size, limit }),
                _ if has(server, ExtensionKind::Size) => push(&mut mail, Param::Size(size))?,
                _ => {}
            }
        }
        match self.body {
            Body::EightBitMime if !has(server, ExtensionKind::EightBitMime) => return Err(Unable::EightBit),
            Body::BinaryMime
                if !(has(server, ExtensionKind::BinaryMime) && has(server, ExtensionKind::Chunking)) =>
            {
                return Err(Unable::Binary);
            }
            Body::EightBitMime | Body::BinaryMime => push(&mut mail, Param::Body(self.body))?,
            // RFC 6531 s 3.6: SMTPUTF8 goes with 8BITMIME.
            _ if utf8 && has(server, ExtensionKind::EightBitMime) => {
                push(&mut mail, Param::Body(Body::EightBitMime))?
            }
            _ => {}
        }
        if utf8 {
            push(&mut mail, Param::SmtpUtf8)?;
        }
        for param in self.params.iter() {
            if offered(server, tls, &param)? {
                push(&mut mail, param)?;
            }
        }
        let mut rcpt = Vec::with_capacity(self.recipients.len());
        for recipient in &self.recipients {
            let mut params = Params::default();
            for param in recipient.params.iter() {
                if offered(server, tls, &param)? {
                    push(&mut params, param)?;
                }
            }
            rcpt.push((to_wire_forward(&recipient.to, utf8), params));
        }
        // Line ends that are mended change the size that was promised: only DATA can do that.
        let mends = config.bare_newline == BareNewline::Normalize;
        let binary = self.body == Body::BinaryMime;
        let chunked = binary || has(server, ExtensionKind::Chunking) && self.size.is_some() && !mends;
        let transfer = match self.size {
            _ if !chunked => Transfer::Data,
            None => Transfer::Chunks,
            // RFC 2033 s 4.3: BDAT LAST without recipients is not answered in LMTP, so that it is never sent blindly.
            Some(size) => Transfer::Chunk {
                size,
                blind: has(server, ExtensionKind::Pipelining)
                    && size <= config.blind_chunk
                    && config.dialect == Dialect::Smtp,
            },
        };
        Ok(Plan { from: to_wire_reverse(&self.from, utf8), mail, rcpt, transfer, binary })
    }

    /// RFC 9422 s 4.
    fn check_limits(&self, server: Option<&Extensions>, sent: u64) -> Result<(), Unable> {
        let Some(limits) = server.and_then(Extensions::limits) else { return Ok(()) };
        let count = u64::try_from(self.recipients.len()).unwrap_or(u64::MAX);
        if let Some(limit) = limits.mail_max().filter(|limit| sent >= *limit) {
            return Err(Unable::TooManyMessages { limit });
        }
        if let Some(limit) = limits.rcpt_max().filter(|limit| count > *limit) {
            return Err(Unable::TooManyRecipients { limit });
        }
        if let Some(limit) = limits.rcpt_domain_max() {
            let domains: std::collections::HashSet<_> = self
                .recipients
                .iter()
                .map(|one| match &one.to {
                    ForwardPath::Mailbox(mailbox) => Some(&mailbox.host),
                    _ => None,
                })
                .collect();
            if u64::try_from(domains.len()).unwrap_or(u64::MAX) > limit {
                return Err(Unable::TooManyDomains { limit });
            }
        }
        Ok(())
    }
}

/// What goes over the wire for an envelope.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) from: ReversePath,
    pub(super) mail: Params,
    pub(super) rcpt: Vec<(ForwardPath, Params)>,
    pub(super) transfer: Transfer,
    pub(super) binary: bool,
}

/// How the message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// DATA.
    Data,
    /// One `BDAT size LAST`, in the envelope's own flight if `blind`.
    Chunk { size: u64, blind: bool },
    /// A BDAT for each piece that the application gives: the size is not known.
    Chunks,
}

fn push(params: &mut Params, param: Param<'_>) -> Result<(), Unable> {
    // What was parsed or built as a parameter can be written; twice the same cannot.
    params.push(param).map_err(|_| Unable::Parameter { keyword: "each parameter once" })
}

fn has(server: Option<&Extensions>, extension: ExtensionKind) -> bool {
    server.is_some_and(|server| server.has(extension))
}

/// Whether a parameter may be sent; `Ok(false)` drops it, where the RFC lets a client do so.
fn offered(server: Option<&Extensions>, tls: bool, param: &Param<'_>) -> Result<bool, Unable> {
    let has = |extension| has(server, extension);
    let needed = |extension, keyword: &'static str| {
        if has(extension) { Ok(true) } else { Err(Unable::Parameter { keyword }) }
    };
    match param {
        // The client sees to these itself.
        Param::Size(_) | Param::Body(_) | Param::SmtpUtf8 => Ok(false),
        // RFC 3461 s 5.2.2: a relay to a server without DSN leaves them out, and the sender reports "relayed".
        Param::Ret(_) | Param::EnvId(_) | Param::Notify(_) | Param::Orcpt(_) => Ok(has(ExtensionKind::Dsn)),
        // RFC 4954 s 5: said only to servers that offer AUTH.
        Param::Auth(_) => Ok(has(ExtensionKind::Auth)),
        // RFC 6710 s 4.1: priorities are dropped where they are not known.
        Param::MtPriority(_) => Ok(has(ExtensionKind::MtPriority)),
        Param::By(_) => needed(ExtensionKind::DeliverBy, "DELIVERBY"),
        Param::HoldFor(_) | Param::HoldUntil(_) => needed(ExtensionKind::FutureRelease, "FUTURERELEASE"),
        // RFC 8689 s 4.2.1: never to a server that does not promise the same, nor in the clear, where anybody can promise.
        Param::RequireTls if !tls => Err(Unable::Parameter { keyword: "REQUIRETLS" }),
        Param::RequireTls => needed(ExtensionKind::RequireTls, "REQUIRETLS"),
        Param::Rrvs(_) => needed(ExtensionKind::Rrvs, "RRVS"),
        _ => Ok(true),
    }
}

/// A-labels where SMTPUTF8 is not in force (RFC 6531 s 3.2).
fn to_wire(mailbox: &Mailbox, utf8: bool) -> Mailbox {
    let mut mailbox = mailbox.clone();
    if let Host::Domain(domain) = &mailbox.host
        && !utf8
        && !domain.is_ascii()
    {
        mailbox.host = Host::Domain(domain.to_ascii());
    }
    mailbox
}

fn to_wire_forward(path: &ForwardPath, utf8: bool) -> ForwardPath {
    match path {
        ForwardPath::Mailbox(mailbox) => ForwardPath::Mailbox(to_wire(mailbox, utf8)),
        other => other.clone(),
    }
}

fn to_wire_reverse(path: &ReversePath, utf8: bool) -> ReversePath {
    match path {
        ReversePath::Mailbox(mailbox) => ReversePath::Mailbox(to_wire(mailbox, utf8)),
        other => other.clone(),
    }
}
