//! OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner: the same token, another envelope.

use bytes::Bytes;

use crate::{
    Error, Misuse, Peer, Secret, client,
    scram::message::{Flag, Gs2Header, write_saslname},
    server::{self, Answer, Failure, PresentedToken, Question, Turn},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OAuthBearer,
    XOAuth2,
}

/// What a server tells of a refused token (RFC 7628 s 3.2.2).
///
/// ```
/// use mail46_sasl::OAuthError;
/// let error = OAuthError::new("invalid_token").with_scope("mail");
/// assert_eq!(error.to_json(), r#"{"status":"invalid_token","scope":"mail"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuthError {
    /// An error code of the OAuth Extensions Error Registry; XOAUTH2 has an HTTP status here, such as `401`.
    pub status: String,
    /// A scope that a token must have.
    pub scope: Option<String>,
    /// Where the OpenID configuration of the user's provider is.
    pub openid_configuration: Option<String>,
}

impl OAuthError {
    /// An error of this status and nothing else.
    pub fn new(status: &str) -> Self {
        Self { status: status.to_owned(), scope: None, openid_configuration: None }
    }

    /// With the scope that a token must have.
    #[must_use]
    pub fn with_scope(mut self, scope: &str) -> Self {
        self.scope = Some(scope.to_owned());
        self
    }

    /// With the URL of the OpenID configuration.
    #[must_use]
    pub fn with_openid_configuration(mut self, url: &str) -> Self {
        self.openid_configuration = Some(url.to_owned());
        self
    }

    /// The JSON object of the error challenge.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        let fields = [
            ("status", Some(&self.status)),
            ("scope", self.scope.as_ref()),
            ("openid-configuration", self.openid_configuration.as_ref()),
        ];
        for (key, value) in fields {
            let Some(value) = value else { continue };
            if json.len() > 1 {
                json.push(',');
            }
            write_json_string(&mut json, key);
            json.push(':');
            write_json_string(&mut json, value);
        }
        json.push('}');
        json
    }
}

fn write_json_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
}

pub(crate) struct OAuthClient {
    dialect: Dialect,
    message: Option<Secret>,
    error: Option<Vec<u8>>,
}

impl OAuthClient {
    /// `client-resp = gs2-header kvsep *kvpair kvsep`
    pub(crate) fn bearer(authzid: &str, token: &Secret, server: Option<(&str, u16)>) -> Result<Self, Misuse> {
        check_token(token)?;
        let mut front = String::from("n,");
        if !authzid.is_empty() {
            check_name(authzid)?;
            front.push_str("a=");
            front.push_str(&write_saslname(authzid));
        }
        front.push_str(",\x01");
        if let Some((host, port)) = server {
            if host.is_empty() || !host.bytes().all(|octet| octet.is_ascii_graphic()) {
                return Err(Misuse::Octet);
            }
            front.push_str(&format!("host={host}\x01port={port}\x01"));
        }
        let message = Secret::concat(&[front.as_bytes(), b"auth=Bearer ", token.expose(), b"\x01\x01"]);
        Ok(Self { dialect: Dialect::OAuthBearer, message: Some(message), error: None })
    }

    /// `"user=" user ^A "auth=Bearer " token ^A ^A`
    pub(crate) fn xoauth2(user: &str, token: &Secret) -> Result<Self, Misuse> {
        check_token(token)?;
        if user.is_empty() {
            return Err(Misuse::Empty);
        }
        check_name(user)?;
        let message =
            Secret::concat(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.expose(), b"\x01\x01"]);
        Ok(Self { dialect: Dialect::XOAuth2, message: Some(message), error: None })
    }
}

impl client::Machine for OAuthClient {
    fn initial(&self) -> Option<Secret> {
        self.message.as_ref().map(Secret::duplicate)
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        if self.error.is_some() {
            return Err(Error::Peer(Peer::UnexpectedChallenge));
        }
        match self.message.take() {
            Some(message) if challenge.is_empty() => Ok(message),
            _ => {
                // RFC 7628 s 3.2.3: "The client MUST then send … a single %x01". XOAUTH2 wants an empty line. To send
                // nothing here leaves both sides waiting.
                self.error = Some(challenge.to_vec());
                Ok(match self.dialect {
                    Dialect::OAuthBearer => Secret::from(b"\x01"),
                    Dialect::XOAuth2 => Secret::default(),
                })
            }
        }
    }

    fn succeed(&mut self) -> Result<(), Error> {
        if self.error.is_none() { Ok(()) } else { Err(Error::Peer(Peer::SuccessAfterError)) }
    }

    fn server_error(&self) -> Option<&[u8]> {
        self.error.as_deref()
    }
}

pub(crate) struct OAuthServer {
    dialect: Dialect,
    named: Option<String>,
    token: TokenSent,
    refused: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenSent {
    Yes,
    No,
}

impl OAuthServer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, named: None, token: TokenSent::No, refused: false }
    }

    fn parse(&mut self, message: &[u8]) -> Result<PresentedToken, Failure> {
        let (user, mut presented) = match self.dialect {
            Dialect::OAuthBearer => {
                let (header, rest) = Gs2Header::parse(message).map_err(|_| Failure::Malformed)?;
                if matches!(header.flag, Flag::Bound(_)) {
                    return Err(Failure::BindingUnsupported); // RFC 7628 s 3.1 defines none
                }
                let pairs = rest.strip_prefix(b"\x01").ok_or(Failure::Malformed)?;
                (header.authzid.map(std::borrow::Cow::into_owned), pairs_of(pairs)?)
            }
            Dialect::XOAuth2 => {
                let mut pairs = pairs_of(message)?;
                (Some(pairs.user.take().filter(|user| !user.is_empty()).ok_or(Failure::Malformed)?), pairs)
            }
        };
        presented.user = user.map(|user| server::prepared(&user)).transpose()?;
        Ok(presented)
    }
}

impl server::Machine for OAuthServer {
    fn respond(&mut self, response: &[u8]) -> Turn {
        if self.refused {
            // The dummy response to the error challenge, whatever it is.
            return Turn::Failed(Failure::Credentials);
        }
        match self.parse(response) {
            Ok(presented) => {
                self.named.clone_from(&presented.user);
                self.token = if presented.token.is_some() { TokenSent::Yes } else { TokenSent::No };
                Turn::Question(Question::Token(presented))
            }
            Err(failure) => Turn::Failed(failure),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        match (answer, &self.named, self.token) {
            (Answer::Owner(owner), _, TokenSent::Yes) if !owner.is_empty() => {
                Ok(Turn::authenticated(owner, self.named.take()))
            }
            (Answer::Accept, Some(user), TokenSent::Yes) => Ok(Turn::authenticated(user.clone(), None)),
            (Answer::TokenError(error), ..) => Ok(self.refuse(&error)),
            (Answer::Reject, ..) => Ok(self.refuse(&OAuthError::new(match self.dialect {
                Dialect::OAuthBearer => "invalid_token", // RFC 6750 s 3.1
                Dialect::XOAuth2 => "401",
            }))),
            _ => Err(Misuse::Answer),
        }
    }
}

impl OAuthServer {
    fn refuse(&mut self, error: &OAuthError) -> Turn {
        self.refused = true;
        Turn::Challenge(Bytes::from(error.to_json()))
    }
}

/// `*kvpair kvsep`, where `kvpair = key "=" value kvsep`, `key = 1*(ALPHA)` and
/// `value = *(VCHAR / SP / HTAB / CR / LF )`.
fn pairs_of(message: &[u8]) -> Result<PresentedToken, Failure> {
    let mut found = PresentedToken { user: None, token: None, host: None, port: None };
    let mut auth = None;
    let pairs = message.strip_suffix(b"\x01\x01").ok_or(Failure::Malformed)?;
    for pair in pairs.split(|octet| *octet == 1) {
        let pair = std::str::from_utf8(pair).map_err(|_| Failure::Malformed)?;
        let (key, value) = pair.split_once('=').ok_or(Failure::Malformed)?;
        if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphabetic()) {
            return Err(Failure::Malformed);
        }
        // XOAUTH2 has the user here, and users are UTF-8.
        if value.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
            return Err(Failure::Malformed);
        }
        // One of each: two readers of a message with two must not see two users.
        let doubled = match key {
            "user" => found.user.replace(value.to_owned()).is_some(),
            "auth" => auth.replace(value).is_some(),
            "host" => found.host.replace(value.to_owned()).is_some(),
            "port" => found.port.replace(port(value)?).is_some(),
            _ => false, // RFC 7628 s 3.1: "Unknown key/value pairs MUST be ignored"
        };
        if doubled {
            return Err(Failure::Malformed);
        }
    }
    found.token = match auth.ok_or(Failure::Malformed)? {
        "" => None,
        auth => {
            let (scheme, token) = auth.split_once(' ').ok_or(Failure::Malformed)?;
            let token = Secret::from(token.trim_start_matches(' '));
            // RFC 7628 s 4: the scheme is compared without regard to case.
            if !scheme.eq_ignore_ascii_case("Bearer") || check_token(&token).is_err() {
                return Err(Failure::Malformed);
            }
            Some(token)
        }
    };
    Ok(found)
}

/// "a decimal positive integer string without leading zeros"
fn port(value: &str) -> Result<u16, Failure> {
    let positive = value.bytes().all(|octet| octet.is_ascii_digit()) && !value.starts_with('0');
    positive.then(|| value.parse().ok()).flatten().ok_or(Failure::Malformed)
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 s 2.1).
fn check_token(token: &Secret) -> Result<(), Misuse> {
    let octets = token.expose();
    let padding = octets.iter().rev().take_while(|octet| **octet == b'=').count();
    let body = octets.get(..octets.len().saturating_sub(padding)).unwrap_or_default();
    if body.is_empty() {
        return Err(Misuse::Empty);
    }
    let b64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(octet);
    if body.iter().all(b64) { Ok(()) } else { Err(Misuse::Octet) }
}

fn check_name(name: &str) -> Result<(), Misuse> {
    if name.chars().any(char::is_control) { Err(Misuse::Octet) } else { Ok(()) }
}
