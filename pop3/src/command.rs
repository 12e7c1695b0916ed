use bytes::{BufMut, Bytes, BytesMut};

use crate::text::{number, word};
use crate::{
    Digest, InitialResponse, Keyword, LanguageRange, Mechanism, MessageNumber, Name, Password, Text,
};

/// A command, without its CRLF.
///
/// ```
/// use bytes::BytesMut;
/// use mail46_pop3::{Command, SyntaxError};
///
/// let command = Command::parse(b"top 1 10")?;
/// let mut output = BytesMut::new();
/// command.write(&mut output);
/// assert_eq!(output, "TOP 1 10\r\n");
/// assert_eq!(Command::parse(b"DELE 4294967297"), Err(SyntaxError::MessageNumber)); // which is not 1
/// # Ok::<(), SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<B: AsRef<[u8]> = Bytes> {
    /// `USER name` (RFC 1939 s 7).
    User(Name<B>),
    /// `PASS string` (RFC 1939 s 7); spaces are part of it.
    Pass(Password<B>),
    /// `APOP name digest` (RFC 1939 s 7).
    Apop {
        /// The user.
        name: Name<B>,
        /// MD5 of the greeting's timestamp and the secret.
        digest: Digest,
    },
    /// `AUTH mechanism [initial-response]` (RFC 5034 s 4).
    Auth {
        /// The SASL mechanism.
        mechanism: Mechanism<B>,
        /// What the client begins with.
        initial_response: Option<InitialResponse<B>>,
    },
    /// `STLS` (RFC 2595 s 4).
    Stls,
    /// `CAPA` (RFC 2449 s 5).
    Capa,
    /// `STAT` (RFC 1939 s 5).
    Stat,
    /// `LIST [msg]` (RFC 1939 s 5).
    List(Option<MessageNumber>),
    /// `UIDL [msg]` (RFC 1939 s 7).
    Uidl(Option<MessageNumber>),
    /// `RETR msg` (RFC 1939 s 5).
    Retr(MessageNumber),
    /// `TOP msg n` (RFC 1939 s 7).
    Top {
        /// Which message.
        message: MessageNumber,
        /// How many lines of the body.
        lines: u64,
    },
    /// `DELE msg` (RFC 1939 s 5).
    Dele(MessageNumber),
    /// `NOOP` (RFC 1939 s 5).
    Noop,
    /// `RSET` (RFC 1939 s 5).
    Rset,
    /// `QUIT` (RFC 1939 s 4, 6).
    Quit,
    /// `UTF8` (RFC 6856 s 2.1).
    Utf8,
    /// `LANG [range]` (RFC 6856 s 3.2).
    Lang(Option<LanguageRange<B>>),
    /// Any other one.
    Other {
        /// Its name.
        keyword: Keyword<B>,
        /// What follows the space, if there is one.
        arguments: Option<Text<B>>,
    },
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// No name of a command.
    #[error("no command")]
    NoKeyword,
    /// The command needs an argument.
    #[error("argument missing")]
    MissingArgument,
    /// The command takes none, or fewer.
    #[error("unexpected argument")]
    UnexpectedArgument,
    /// 0, over 32 bits, or no number.
    #[error("not a message number")]
    MessageNumber,
    /// Over 64 bits, or no number.
    #[error("not a number of lines")]
    Lines,
    /// APOP without 32 hexadecimal digits in lower case.
    #[error("not a digest")]
    Digest,
    /// No name of a SASL mechanism.
    #[error("not the name of a mechanism")]
    Mechanism,
    /// RFC 5034 s 4: "MUST reject (and not ignore) any character not explicitly allowed".
    #[error("not base64")]
    Base64,
    /// LANG with something else than a language range.
    #[error("not a language range")]
    Language,
}

/// The name of a command alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the RFCs' words
#[non_exhaustive]
pub enum Verb {
    User,
    Pass,
    Apop,
    Auth,
    Stls,
    Capa,
    Stat,
    List,
    Uidl,
    Retr,
    Top,
    Dele,
    Noop,
    Rset,
    Quit,
    Utf8,
    Lang,
    Other,
}

impl Verb {
    /// All that have a name.
    pub(crate) const ALL: [(Self, &'static str); 17] = [
        (Self::Retr, "RETR"),
        (Self::Dele, "DELE"),
        (Self::Top, "TOP"),
        (Self::Uidl, "UIDL"),
        (Self::List, "LIST"),
        (Self::Stat, "STAT"),
        (Self::User, "USER"),
        (Self::Pass, "PASS"),
        (Self::Capa, "CAPA"),
        (Self::Auth, "AUTH"),
        (Self::Stls, "STLS"),
        (Self::Apop, "APOP"),
        (Self::Noop, "NOOP"),
        (Self::Rset, "RSET"),
        (Self::Quit, "QUIT"),
        (Self::Utf8, "UTF8"),
        (Self::Lang, "LANG"),
    ];

    /// In upper case; empty for [`Verb::Other`].
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(verb, _)| *verb == self).map_or("", |(_, name)| name)
    }
}

impl<'a> Command<&'a [u8]> {
    /// `keyword *(SP param)` (RFC 2449 s 3). Names of commands are read without regard to case (RFC 1939 s 3).
    ///
    /// # Errors
    /// [`SyntaxError`].
    pub fn parse(line: &'a [u8]) -> Result<Self, SyntaxError> {
        let (keyword, rest) = word(line);
        let known = Verb::ALL.iter().find(|(_, name)| keyword.eq_ignore_ascii_case(name.as_bytes()));
        let Some((verb, _)) = known else {
            let keyword = Keyword::parse(keyword).map_err(|_| SyntaxError::NoKeyword)?;
            let arguments = rest.map(Text::parse).transpose().map_err(|_| SyntaxError::UnexpectedArgument)?;
            return Ok(Self::Other { keyword, arguments });
        };
        let needed = || rest.filter(|rest| !rest.is_empty()).ok_or(SyntaxError::MissingArgument);
        let message = |digits| MessageNumber::parse(digits).map_err(|_| SyntaxError::MessageNumber);
        let bare = |command| if rest.is_some() { Err(SyntaxError::UnexpectedArgument) } else { Ok(command) };
        match verb {
            Verb::User => Ok(Self::User(Name::parse(needed()?).map_err(|_| SyntaxError::MissingArgument)?)),
            Verb::Pass => {
                Ok(Self::Pass(Password::parse(needed()?).map_err(|_| SyntaxError::MissingArgument)?))
            }
            Verb::Apop => {
                // A name may hold spaces, a digest does not.
                let rest = needed()?;
                let at = memchr::memrchr(b' ', rest).ok_or(SyntaxError::MissingArgument)?;
                let (name, digest) = rest.split_at(at);
                let digest = digest.get(1..).and_then(Digest::parse).ok_or(SyntaxError::Digest)?;
                Ok(Self::Apop { name: Name::parse(name).map_err(|_| SyntaxError::MissingArgument)?, digest })
            }
            Verb::Auth => {
                let (name, response) = word(needed()?);
                Ok(Self::Auth {
                    mechanism: Mechanism::parse(name).map_err(|_| SyntaxError::Mechanism)?,
                    initial_response: response
                        .map(InitialResponse::parse)
                        .transpose()
                        .map_err(|_| SyntaxError::Base64)?,
                })
            }
            Verb::List => Ok(Self::List(rest.map(message).transpose()?)),
            Verb::Uidl => Ok(Self::Uidl(rest.map(message).transpose()?)),
            Verb::Retr => Ok(Self::Retr(message(needed()?)?)),
            Verb::Dele => Ok(Self::Dele(message(needed()?)?)),
            Verb::Top => {
                let (digits, lines) = word(needed()?);
                let lines = lines.ok_or(SyntaxError::MissingArgument)?;
                Ok(Self::Top { message: message(digits)?, lines: number(lines).ok_or(SyntaxError::Lines)? })
            }
            Verb::Lang => {
                let range = rest.map(LanguageRange::parse).transpose().map_err(|_| SyntaxError::Language)?;
                Ok(Self::Lang(range))
            }
            Verb::Stls => bare(Self::Stls),
            Verb::Capa => bare(Self::Capa),
            Verb::Stat => bare(Self::Stat),
            Verb::Noop => bare(Self::Noop),
            Verb::Rset => bare(Self::Rset),
            Verb::Quit => bare(Self::Quit),
            Verb::Utf8 => bare(Self::Utf8),
            Verb::Other => Err(SyntaxError::NoKeyword),
        }
    }

    /// The same with its texts kept in `frame`, of which they must be parts, without a copy.
    pub fn in_frame(&self, frame: &Bytes) -> Command {
        match self {
            Self::User(name) => Command::User(name.in_frame(frame)),
            Self::Pass(password) => Command::Pass(password.in_frame(frame)),
            Self::Apop { name, digest } => Command::Apop { name: name.in_frame(frame), digest: *digest },
            Self::Auth { mechanism, initial_response } => Command::Auth {
                mechanism: mechanism.in_frame(frame),
                initial_response: initial_response.as_ref().map(|response| response.in_frame(frame)),
            },
            Self::Stls => Command::Stls,
            Self::Capa => Command::Capa,
            Self::Stat => Command::Stat,
            Self::List(message) => Command::List(*message),
            Self::Uidl(message) => Command::Uidl(*message),
            Self::Retr(message) => Command::Retr(*message),
            Self::Top { message, lines } => Command::Top { message: *message, lines: *lines },
            Self::Dele(message) => Command::Dele(*message),
            Self::Noop => Command::Noop,
            Self::Rset => Command::Rset,
            Self::Quit => Command::Quit,
            Self::Utf8 => Command::Utf8,
            Self::Lang(range) => Command::Lang(range.as_ref().map(|range| range.in_frame(frame))),
            Self::Other { keyword, arguments } => Command::Other {
                keyword: keyword.in_frame(frame),
                arguments: arguments.as_ref().map(|arguments| arguments.in_frame(frame)),
            },
        }
    }
}

impl<B: AsRef<[u8]>> Command<B> {
    /// Its name.
    pub fn verb(&self) -> Verb {
        match self {
            Self::User(_) => Verb::User,
            Self::Pass(_) => Verb::Pass,
            Self::Apop { .. } => Verb::Apop,
            Self::Auth { .. } => Verb::Auth,
            Self::Stls => Verb::Stls,
            Self::Capa => Verb::Capa,
            Self::Stat => Verb::Stat,
            Self::List(_) => Verb::List,
            Self::Uidl(_) => Verb::Uidl,
            Self::Retr(_) => Verb::Retr,
            Self::Top { .. } => Verb::Top,
            Self::Dele(_) => Verb::Dele,
            Self::Noop => Verb::Noop,
            Self::Rset => Verb::Rset,
            Self::Quit => Verb::Quit,
            Self::Utf8 => Verb::Utf8,
            Self::Lang(_) => Verb::Lang,
            Self::Other { .. } => Verb::Other,
        }
    }

    /// Writes it with its CRLF.
    pub fn write(&self, output: &mut BytesMut) {
        match self {
            Self::Other { keyword, .. } => output.put_slice(keyword.as_bytes()),
            known => output.put_slice(known.verb().name().as_bytes()),
        }
        let mut argument = |octets: &[u8]| {
            output.put_u8(b' ');
            output.put_slice(octets);
        };
        match self {
            Self::User(name) => argument(name.as_bytes()),
            Self::Pass(password) => argument(password.as_bytes()),
            Self::Apop { name, digest } => {
                argument(name.as_bytes());
                argument(digest.to_string().as_bytes());
            }
            Self::Auth { mechanism, initial_response } => {
                argument(mechanism.as_bytes());
                if let Some(response) = initial_response {
                    argument(response.as_bytes());
                }
            }
            Self::List(Some(message))
            | Self::Uidl(Some(message))
            | Self::Retr(message)
            | Self::Dele(message) => {
                argument(message.to_string().as_bytes());
            }
            Self::Top { message, lines } => argument(format!("{message} {lines}").as_bytes()),
            Self::Lang(Some(range)) => argument(range.as_bytes()),
            Self::Other { arguments: Some(arguments), .. } => argument(arguments.as_bytes()),
            _ => {}
        }
        output.put_slice(b"\r\n");
    }
}
