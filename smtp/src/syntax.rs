use std::fmt;

use crate::{
    command::Verb,
    reply::{EnhancedCode, Reply},
};

/// Why a line is no command: small, copied freely, allocates nothing.
///
/// [`reply`](Self::reply) is what a server says to it, [`rfc`](Self::rfc) the section that the line broke.
///
/// ```
/// use mail46_smtp::{Command, Fault, Rules};
///
/// let error = Command::parse(b"MAIL FROM:<a..b@example.com>", &Rules::default()).unwrap_err();
/// assert_eq!((error.fault, error.at), (Fault::LocalPartDot, 13));
/// assert_eq!(error.reply().as_bytes(), b"501 5.1.7 Bad local part in the sender address\r\n");
/// assert_eq!(error.rfc(), "RFC 5321 s 4.1.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub fault: Fault,
    /// The offset in the line of the octet that showed it.
    pub at: usize,
    /// The command it was, as far as that was read.
    pub verb: Verb,
}

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// No verb: an empty line, or one that begins with something else.
    Verb,
    /// An argument where the command has none (RFC 5321 s 4.1.1).
    UnexpectedArgument,
    /// No argument where the command has one.
    MissingArgument,
    /// An argument that is not of the command's form.
    Argument,
    /// A space missing, or one too many.
    Space,
    /// No `FROM:` behind MAIL, no `TO:` behind RCPT.
    Preposition,
    /// No `<` before the path or no `>` behind it.
    AngleBracket,
    /// An octet behind the `>` that is no space.
    AfterPath,
    /// A path of more than 256 octets (RFC 5321 s 4.5.3.1.3).
    PathTooLong,
    /// A source route that is none (RFC 5321 s 4.1.2, `A-d-l`).
    SourceRoute,
    /// `<>` as a recipient.
    NullForwardPath,
    /// No `@`, and not `<Postmaster>`.
    NoAtSign,
    /// No local part.
    LocalPartEmpty,
    /// A local part of more than 64 octets (RFC 5321 s 4.5.3.1.1).
    LocalPartTooLong,
    /// A dot at either end of the local part, or two in a row.
    LocalPartDot,
    /// An octet that the local part may not hold in this form.
    LocalPartCharacter,
    /// A quoted local part without its end.
    LocalPartQuote,
    /// No domain name and no address literal.
    Host,
    /// A domain of more than 255 octets (RFC 5321 s 4.5.3.1.2), or a label of more than 63.
    HostTooLong,
    /// In brackets, but no address of either family (RFC 5321 s 4.1.3).
    Literal,
    /// An IPv6 address in brackets without the tag `IPv6:`.
    UntaggedLiteral,
    /// A literal with a tag that is not registered: none but `IPv6` is.
    UnregisteredTag,
    /// Octets above 127 in a place, or at a time, that is ASCII (RFC 6531 s 3.5).
    NonAscii,
    /// Octets above 127 that are not UTF-8.
    Utf8,
    /// Not `keyword` or `keyword=value`.
    Parameter,
    /// A parameter given twice.
    ParameterTwice,
    /// A parameter of the other command: RET behind RCPT, NOTIFY behind MAIL.
    ParameterElsewhere,
    /// A parameter without the value it must have.
    ParameterNoValue,
    /// A parameter whose value is not of its form, or that has one and may not.
    ParameterValue,
    /// Two parameters that exclude each other: HOLDFOR and HOLDUNTIL.
    ParameterConflict,
    /// More unknown parameters than any client has a reason for.
    TooManyParameters,
    /// A chunk size that is no number, or over 2^64 - 1: what follows cannot be told from commands.
    ChunkSize,
    /// Not a mechanism name of RFC 4422 s 3.1.
    Mechanism,
    /// Neither base64 nor `=` (RFC 4954 s 4).
    InitialResponse,
}

impl SyntaxError {
    /// What a server answers (RFC 5321 s 4.2.2, 4.2.4; RFC 5248). The text holds nothing of the line.
    pub fn reply(&self) -> Reply {
        let (code, enhanced, text) = self.answer();
        Reply::new(code, enhanced, text)
    }

    /// Whether octets may follow that are no commands, so that the session must end: a BDAT whose size is unknown
    /// (RFC 3030 s 2: the chunk follows the command at once).
    pub fn ends_session(&self) -> bool {
        self.verb == Verb::Bdat
    }

    /// The section that the line broke.
    pub fn rfc(&self) -> &'static str {
        use Fault::*;
        match self.fault {
            Verb | UnexpectedArgument => "RFC 5321 s 4.1.1",
            PathTooLong => "RFC 5321 s 4.5.3.1.3",
            LocalPartTooLong => "RFC 5321 s 4.5.3.1.1",
            HostTooLong => "RFC 5321 s 4.5.3.1.2",
            Literal | UntaggedLiteral | UnregisteredTag => "RFC 5321 s 4.1.3",
            NonAscii => "RFC 6531 s 3.5",
            Utf8 => "RFC 6531 s 3.3",
            ParameterTwice => "RFC 3461 s 4.5",
            ParameterElsewhere => "RFC 5321 s 4.1.1.11",
            ParameterConflict => "RFC 4865 s 4",
            ChunkSize => "RFC 3030 s 2",
            Mechanism => "RFC 4422 s 3.1",
            InitialResponse => "RFC 4954 s 4",
            Argument | MissingArgument | Space => self.verb.rfc(),
            _ => "RFC 5321 s 4.1.2",
        }
    }

    fn answer(&self) -> (u16, EnhancedCode, &'static str) {
        use Fault::*;
        let sender = self.verb == crate::command::Verb::Mail;
        let path = self.verb == crate::command::Verb::Rcpt || sender;
        // RFC 3463 s 3.2: X.1.3 bad destination mailbox address syntax, X.1.7 the same of the sender's.
        let address = EnhancedCode::new(5, 1, if sender { 7 } else { 3 });
        let system = if path { address } else { EnhancedCode::new(5, 5, 4) };
        let syntax = EnhancedCode::new(5, 5, 2);
        let argument = EnhancedCode::new(5, 5, 4);
        match self.fault {
            Verb => (500, syntax, "Command not recognized"),
            UnexpectedArgument => (501, argument, "This command takes no argument"),
            MissingArgument => (501, argument, "Argument missing"),
            Argument => (501, argument, "Bad argument"),
            Space => (501, syntax, "Space missing or one too many"),
            Preposition if sender => (501, syntax, "MAIL wants FROM:<address>"),
            Preposition => (501, syntax, "RCPT wants TO:<address>"),
            AngleBracket => (501, address, "Address not in angle brackets"),
            AfterPath => (501, syntax, "Space missing behind the address"),
            PathTooLong => (501, address, "Path too long"),
            SourceRoute => (501, address, "Bad source route"),
            NullForwardPath => (501, address, "A recipient cannot be empty"),
            NoAtSign => (501, address, "Address without a domain"),
            LocalPartEmpty | LocalPartDot | LocalPartCharacter | LocalPartQuote if sender => {
                (501, address, "Bad local part in the sender address")
            }
            LocalPartEmpty | LocalPartDot | LocalPartCharacter | LocalPartQuote => {
                (501, address, "Bad local part in the recipient address")
            }
            LocalPartTooLong => (501, address, "Local part too long"),
            Host => (501, system, "Bad domain name"),
            HostTooLong => (501, system, "Domain name too long"),
            Literal => (501, system, "Bad address literal"),
            UntaggedLiteral => (501, system, "IPv6 address literal without IPv6:"),
            UnregisteredTag => (501, system, "Address literal of an unknown kind"),
            // RFC 6531 s 3.5: 550 for MAIL, 553 for RCPT, X.6.7 with both.
            NonAscii if sender => (550, EnhancedCode::new(5, 6, 7), "Non-ASCII address not permitted"),
            NonAscii if path => (553, EnhancedCode::new(5, 6, 7), "Non-ASCII address not permitted"),
            NonAscii => (501, argument, "Non-ASCII argument not permitted"),
            Utf8 => (501, syntax, "Not UTF-8"),
            Parameter => (501, argument, "Bad parameter"),
            ParameterTwice => (501, argument, "Parameter given twice"),
            // RFC 5321 s 4.1.1.11
            ParameterElsewhere => (555, argument, "Parameter of another command"),
            ParameterNoValue => (501, argument, "Parameter without its value"),
            ParameterValue => (501, argument, "Bad parameter value"),
            ParameterConflict => (501, argument, "Parameters exclude each other"),
            TooManyParameters => (555, argument, "Too many parameters"),
            ChunkSize => (501, argument, "Bad chunk size"),
            // RFC 4954 s 4: 504 for a mechanism the server does not have, and it has none of that name.
            Mechanism => (504, argument, "Unrecognized authentication mechanism"),
            InitialResponse => (501, syntax, "Initial response is not base64"),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, _, text) = self.answer();
        write!(f, "{text} (at octet {} of {}, {})", self.at, self.verb, self.rfc())
    }
}

impl std::error::Error for SyntaxError {}
