//! PLAIN (RFC 4616).

use crate::{
    Misuse, Secret,
    client::OneMessage,
    server::{self, Answer, Failure, Presented, Question, Turn},
};

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd`
pub(crate) fn client(authzid: &str, user: &str, password: &Secret) -> Result<OneMessage, Misuse> {
    if user.is_empty() || password.is_empty() {
        return Err(Misuse::Empty);
    }
    let parts = [authzid.as_bytes(), user.as_bytes(), password.expose()];
    if parts.iter().any(|part| part.contains(&0)) {
        return Err(Misuse::Octet);
    }
    // RFC 4616 s 2: all three are UTF-8.
    password.as_str().ok_or(Misuse::Preparation)?;
    let [authzid, user, password] = parts;
    Ok(OneMessage::new(Secret::concat(&[authzid, b"\0", user, b"\0", password])))
}

#[derive(Default)]
pub(crate) struct PlainServer {
    authzid: Option<String>,
    user: String,
    password: Secret,
}

impl PlainServer {
    fn parse(&mut self, message: &[u8]) -> Result<Question, Failure> {
        let mut parts = message.split(|octet| *octet == 0);
        let (Some(authzid), Some(user), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Failure::Malformed); // exactly two NULs
        };
        let text = std::str::from_utf8;
        if user.is_empty() || password.is_empty() || text(password).is_err() {
            return Err(Failure::Malformed);
        }
        self.authzid = server::prepared_authzid(text(authzid).map_err(|_| Failure::Malformed)?)?;
        self.question(user, Secret::from(password))
    }

    fn question(&mut self, user: &[u8], password: Secret) -> Result<Question, Failure> {
        self.user = server::prepared_octets(user)?;
        self.password = password.duplicate();
        Ok(Question::Password(Presented { user: self.user.clone(), password }))
    }

    /// A name and password from elsewhere.
    pub(crate) fn present(&mut self, user: &[u8], password: Secret) -> Turn {
        if password.is_empty() {
            return Turn::Failed(Failure::Credentials);
        }
        self.question(user, password).map_or_else(Turn::Failed, Turn::Question)
    }
}

impl server::Machine for PlainServer {
    fn respond(&mut self, response: &[u8]) -> Turn {
        self.parse(response).map_or_else(Turn::Failed, Turn::Question)
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        let presented =
            Presented { user: std::mem::take(&mut self.user), password: self.password.duplicate() };
        let verified = presented.verify(answer);
        self.user = presented.user;
        Ok(if verified? {
            self.password = Secret::default();
            Turn::authenticated(std::mem::take(&mut self.user), self.authzid.take())
        } else {
            Turn::Failed(Failure::Credentials)
        })
    }
}
