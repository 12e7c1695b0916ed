//! What the IMAP programs share: which server, how it is reached, and who logs in.

use std::path::PathBuf;

use clap::Args;
use mail46_connect::{Options, connect};
use mail46_imap_core::{
    client::{Config, InClear},
    net::{Client, ClientError, Tls, TlsSettings},
};
use mail46_sasl::{ClearText, Credential, Layer, Nonce, Secret, Selector, client};

use crate::{Exit, Stop, tls};

/// The flags that say where to.
#[derive(Args, Clone, Debug)]
pub struct Where {
    /// imaps://USER@HOST for TLS from the first octet on, imap://USER@HOST for STARTTLS; a :PORT and a /MAILBOX (else INBOX) may
    /// follow.
    #[arg(value_name = "URL")]
    pub url: Url,
    /// A file with the password on its first line; else it is asked from the variable IMAP_PASSWORD.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Trusts the certificates in this file instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Sends passwords without TLS too, if the server has none.
    #[arg(long)]
    without_tls: bool,
    /// Compresses what goes over the wire, if the server can (RFC 4978).
    #[arg(long)]
    compress: bool,
}

/// A mailbox as a URL (RFC 5092).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The user.
    pub user: String,
    /// A name, or an address of either family without brackets.
    pub host: String,
    /// The port: 993, 143 or what is given.
    pub port: u16,
    /// TLS from the first octet on.
    pub implicit: bool,
    /// The mailbox.
    pub mailbox: String,
}

impl std::str::FromStr for Url {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let form =
            || "give imaps://USER@HOST[:PORT][/MAILBOX] or imap://USER@HOST[:PORT][/MAILBOX]".to_owned();
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        let implicit = match scheme {
            "imaps" => true,
            "imap" => false,
            _ => return Err(form()),
        };
        let (place, mailbox) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = place.rsplit_once('@').ok_or_else(form)?;
        let bracket = place.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match place[bracket..].rfind(':') {
            Some(colon) => {
                (&place[..bracket + colon], place[bracket + colon + 1..].parse().map_err(|_| form())?)
            }
            None => (place, if implicit { 993 } else { 143 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let (user, mailbox) = (percent(user).ok_or_else(form)?, percent(mailbox).ok_or_else(form)?);
        if user.is_empty() || host.is_empty() {
            return Err(form());
        }
        let mailbox = if mailbox.is_empty() { "INBOX".to_owned() } else { mailbox };
        Ok(Self { user, host: host.to_owned(), port, implicit, mailbox })
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bracketed = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{}@{bracketed}:{}/{}", self.user, self.port, self.mailbox)
    }
}

/// RFC 3986 s 2.1.
fn percent(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        octets.push(u8::from_str_radix(digits, 16).ok()?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).ok()
}

impl Where {
    /// Connects over whichever family answers first (RFC 8305), and logs in.
    pub async fn open(&self) -> Result<Client, Stop> {
        let options = Options::new();
        let connected = connect(&self.url.host, self.url.port, &options);
        let connected = connected.await.map_err(Stop::because(Exit::Unavailable, &self.url.host))?;
        let name = tls::server_name(&self.url.host)?;
        let settings = TlsSettings { config: tls::client(self.ca.as_deref())?, name };
        let policy = match (self.url.implicit, self.without_tls) {
            (true, _) => Tls::Implicit(settings),
            (false, false) => Tls::Required(settings),
            (false, true) => Tls::Opportunistic(settings),
        };
        let mut config = Config::default();
        config.passwords = if self.without_tls { InClear::Taken } else { InClear::Refused };
        let mut client = Client::open(connected.stream, config, policy).await.map_err(failed)?;
        self.log_in(&mut client).await?;
        if self.compress && client.capabilities().is_some_and(|can| can.compresses()) {
            client.compress().await.map_err(failed)?;
        }
        Ok(client)
    }

    fn password(&self) -> Result<Secret, Stop> {
        let text = match &self.password_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(Stop::because(Exit::NoInput, format!("--password-file {}", file.display())))?,
            None => std::env::var("IMAP_PASSWORD").map_err(|_| {
                Stop::new(Exit::Usage, "give --password-file FILE, or the variable IMAP_PASSWORD")
            })?,
        };
        Ok(Secret::from(text.lines().next().unwrap_or_default()))
    }

    /// By the best mechanism that the server offers, or by LOGIN.
    async fn log_in(&self, client: &mut Client) -> Result<(), Stop> {
        let password = self.password()?;
        let layer = if client.is_tls() { Layer::Tls } else { Layer::Clear };
        let clear = if self.without_tls { ClearText::PasswordsAllowed } else { ClearText::InsideTlsOnly };
        let selector = Selector::new(layer, &[Credential::Password])
            .with_channel_bindings(&client.channel_bindings())
            .with_clear_text(clear);
        let offered = client.capabilities().map(|can| can.auth().map(str::to_owned).collect::<Vec<_>>());
        let names = offered.unwrap_or_default();
        match selector.select(names.iter().map(String::as_str)) {
            Ok(choice) => {
                let mut random = [0; 18];
                getrandom::fill(&mut random).map_err(Stop::because(Exit::OsError, "randomness"))?;
                let credentials = client::Credentials {
                    authzid: "",
                    user: &self.url.user,
                    secret: &password,
                    server: None,
                };
                let exchange = client::Exchange::begin(choice, &credentials, &Nonce::from_random(&random));
                client.authenticate(exchange.map_err(Stop::because(Exit::Usage, "password"))?).await
            }
            Err(_) => client.login(&self.url.user, &password).await,
        }
        .map_err(failed)
    }
}

/// How a program ends that could not go on.
pub fn failed(error: ClientError) -> Stop {
    let exit = match &error {
        ClientError::AuthRefused(_) => Exit::Denied,
        ClientError::Drive(_) | ClientError::Sasl(_) => Exit::Protocol,
        _ => Exit::Unavailable,
    };
    Stop::new(exit, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let rows = [
            ("imaps://u@imap.example", Some(("u", "imap.example", 993, true, "INBOX"))),
            ("imap://u@imap.example/", Some(("u", "imap.example", 143, false, "INBOX"))),
            ("imap://u%40d@[2001:db8::1]:1143/a/b%20c", Some(("u@d", "2001:db8::1", 1143, false, "a/b c"))),
            ("imaps://u@d.example@[::1]", Some(("u@d.example", "::1", 993, true, "INBOX"))),
            ("imaps://u@127.0.0.1:1/%C3%A9", Some(("u", "127.0.0.1", 1, true, "é"))),
            ("pop3://u@h", None),
            ("imap://h", None),
            ("imap://@h", None),
            ("imap://u@", None),
            ("imap://u@h:65536", None),
            ("imap://u@h/%4", None),
            ("imap://u@h/%zz", None),
            ("imap://u@h/%ff", None),
        ];
        for (url, want) in rows {
            let url_ = url.parse::<Url>().ok();
            let got =
                url_.as_ref().map(|it| (&it.user[..], &it.host[..], it.port, it.implicit, &it.mailbox[..]));
            assert_eq!(got, want, "{url}");
        }
    }
}
