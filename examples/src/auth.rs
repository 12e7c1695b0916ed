//! Credentials from a flag, and the best exchange that a server offers for them.

use mail46_sasl::{
    ChannelBinding, ClearText, Credential, Layer, Mechanism, Nonce, ScramKeys, Secret, Selector, client,
    server::{Answer, Question},
};
use mail46_smtp::Extensions;

use crate::{Exit, Stop};

/// A user, a password or token, and the mechanism if one was named.
pub struct Credentials {
    user: String,
    secret: Secret,
    only: Option<Mechanism>,
}

impl Credentials {
    /// From `USER:PASSWORD[:MECHANISM]`. A password may hold colons; what follows the last is a mechanism if it is the name
    /// of one.
    pub fn parse(flag: &str) -> Result<Self, Stop> {
        let form = || Stop::new(Exit::Usage, "--auth USER:PASSWORD[:MECHANISM]");
        let (user, rest) = flag.split_once(':').ok_or_else(form)?;
        let named = rest
            .rsplit_once(':')
            .and_then(|(password, name)| Some((password, name.to_uppercase().parse().ok()?)));
        let (password, only) = named.map_or((rest, None), |(password, only)| (password, Some(only)));
        Ok(Self { user: user.to_owned(), secret: Secret::from(password), only })
    }

    /// The exchange for the best mechanism offered.
    pub fn exchange(
        &self,
        server: Option<&Extensions>,
        tls: bool,
        bindings: &[ChannelBinding],
        clear_text: bool,
    ) -> Result<client::Exchange, Stop> {
        let names: Vec<&str> = server
            .iter()
            .flat_map(|server| server.mechanisms())
            .filter_map(|name| std::str::from_utf8(name).ok())
            .collect();
        self.exchange_of(&names, tls, bindings, clear_text)
    }

    /// The same from the mechanisms' names.
    pub fn exchange_of(
        &self,
        names: &[&str],
        tls: bool,
        bindings: &[ChannelBinding],
        clear_text: bool,
    ) -> Result<client::Exchange, Stop> {
        let token = matches!(self.only, Some(Mechanism::XOAuth2 | Mechanism::OAuthBearer));
        let credential = if token { Credential::Token } else { Credential::Password };
        let mut selector = Selector::new(
            if tls { Layer::Tls } else { Layer::Clear },
            &[credential, Credential::Certificate],
        )
        .with_channel_bindings(bindings);
        if clear_text {
            selector = selector.with_clear_text(ClearText::PasswordsAllowed);
        }
        if let Some(only) = self.only {
            selector = selector.only(only);
        }
        let choice = selector
            .select(names.iter().copied())
            .map_err(Stop::because(Exit::Unavailable, "authentication"))?;
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(Stop::because(Exit::OsError, "randomness"))?;
        let nonce = Nonce::from_random(&random);
        let credentials =
            client::Credentials { authzid: "", user: &self.user, secret: &self.secret, server: None };
        client::Exchange::begin(choice, &credentials, &nonce).map_err(Stop::because(Exit::Usage, "--auth"))
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What [`OneUser`] can answer, best first.
pub const MECHANISMS: [&str; 9] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "OAUTHBEARER",
    "XOAUTH2",
];

/// The one user that an example's server knows.
#[derive(Clone)]
pub struct OneUser {
    name: String,
    password: String,
    salt: [u8; 16],
}

impl OneUser {
    /// From `USER:PASSWORD`.
    pub fn parse(flag: &str) -> Result<Self, Stop> {
        let (name, password) =
            flag.split_once(':').ok_or_else(|| Stop::new(Exit::Usage, "--auth USER:PASSWORD"))?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(Stop::because(Exit::OsError, "randomness"))?;
        Ok(Self { name: name.to_owned(), password: password.to_owned(), salt })
    }

    /// What SASL asks, for each mechanism. The password is the token too, for want of somebody who gives tokens out.
    pub fn answer(&self, question: &Question) -> Answer {
        let secret = || Secret::from(self.password.as_str());
        match question {
            Question::Password(presented) if presented.user == self.name => Answer::Password(secret()),
            Question::SharedSecret { user } if *user == self.name => Answer::Password(secret()),
            Question::ScramKeys { user, hash } if *user == self.name => {
                ScramKeys::derive(*hash, &secret(), &self.salt, 4_096)
                    .map_or(Answer::Reject, Answer::ScramKeys)
            }
            Question::Token(presented) => match (&presented.user, &presented.token) {
                (user, Some(token))
                    if user.as_ref().is_none_or(|user| *user == self.name) && *token == secret() =>
                {
                    Answer::Owner(self.name.clone())
                }
                _ => Answer::Reject,
            },
            _ => Answer::Reject,
        }
    }
}

impl std::fmt::Debug for OneUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneUser").field("name", &self.name).finish_non_exhaustive()
    }
}
