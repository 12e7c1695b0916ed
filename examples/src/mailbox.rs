//! Reaching a POP3 server, logging in there, and what its refusals mean.

use std::{path::PathBuf, time::Duration};

use mail46_connect::{Failure, Options, connect};
use mail46_pop3::{
    CapabilityKind, Command, Reply,
    ResponseCode::{InUse, LoginDelay, SysTemp},
    client::{Config, Error, InClear, Misuse},
    net::{Client, ClientError, Tls, TlsSettings},
};
use mail46_sasl::{ClearText, Credential, Layer, Nonce, Secret, Selector, client};
use mail46_wire::net::DriveError;

use crate::{Exit, Stop, account::Account, tls};

/// How a server is reached: flags of a program.
#[derive(Debug, clap::Args)]
pub struct Reach {
    /// A file with the password on its first line; else it is asked from the variable POP3_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Trusts the certificates in this file instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Sends passwords without TLS too, if the server has none.
    #[arg(long)]
    pub without_tls: bool,
    /// Messages that a maildrop may have at most; a list of them is held in memory.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub most: usize,
    /// Seconds to wait for each reply at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
}

impl Reach {
    /// The password: from its file or the variable.
    pub fn password(&self) -> Result<Secret, Stop> {
        let text = match &self.password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file);
                text.map_err(Stop::because(Exit::NoInput, format!("--password-file {}", file.display())))?
            }
            None => std::env::var("POP3_PASSWORD").unwrap_or_default(),
        };
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Secret::from(line)),
            _ => Err(Stop::new(
                Exit::Usage,
                "no password: give --password-file FILE, or the variable POP3_PASSWORD",
            )),
        }
    }

    /// Connects over whichever family works, and to TLS as the URL and the flags say. `name` is for messages.
    pub async fn open(&self, account: &Account, name: &str) -> Result<Client, Stop> {
        let options = Options::new();
        let connected = connect(&account.host, account.port, &options).await.map_err(|error| {
            let exit = match error.failure {
                Failure::NoAddress | Failure::NoUsableAddress => Exit::NoHost,
                _ => Exit::Unavailable,
            };
            Stop::new(exit, format!("{name}: {error}"))
        })?;
        let settings =
            TlsSettings { config: tls::client(self.ca.as_deref())?, name: tls::server_name(&account.host)? };
        let policy = match (account.implicit, self.without_tls) {
            (true, _) => Tls::Implicit(settings),
            (false, false) => Tls::Required(settings),
            (false, true) => Tls::Opportunistic(settings),
        };
        let mut config = Config::default();
        config.passwords = if self.without_tls { InClear::Taken } else { InClear::Refused };
        config.limits.entries = self.most;
        config.timeouts.reply = Duration::from_secs(self.timeout);
        config.timeouts.message_block = Duration::from_secs(self.timeout);
        Client::open(connected.stream, config, policy).await.map_err(|error| {
            let hint = match &error {
                ClientError::NoTls => "; --without-tls goes on without",
                ClientError::Tls(_) if self.ca.is_none() => "; --ca FILE trusts another authority",
                _ => "",
            };
            let Stop(exit, text) = failed(error);
            Stop::new(exit, format!("{name}: {text}{hint}"))
        })
    }

    /// By the best mechanism that the server offers, or by USER and PASS.
    pub async fn log_in(
        &self,
        client: &mut Client,
        account: &Account,
        password: &Secret,
    ) -> Result<(), Stop> {
        // RFC 6856 s 2.1: before the log-in; without it, mail with a UTF-8 header is kept back.
        if client.capabilities().is_some_and(|capabilities| capabilities.has(CapabilityKind::Utf8)) {
            match client.command(&Command::Utf8).await {
                Ok(_) | Err(ClientError::Refused { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let layer = if client.is_tls() { Layer::Tls } else { Layer::Clear };
        let clear = if self.without_tls { ClearText::PasswordsAllowed } else { ClearText::InsideTlsOnly };
        let selector = Selector::new(layer, &[Credential::Password])
            .with_channel_bindings(&client.channel_bindings())
            .with_clear_text(clear);
        let offered = client.capabilities().filter(|capabilities| capabilities.has(CapabilityKind::Sasl));
        match offered.and_then(|offered| selector.select(offered.mechanisms()).ok()) {
            Some(choice) => {
                let mut random = [0; 18];
                getrandom::fill(&mut random).map_err(Stop::because(Exit::OsError, "randomness"))?;
                let credentials =
                    client::Credentials { authzid: "", user: &account.user, secret: password, server: None };
                let exchange = client::Exchange::begin(choice, &credentials, &Nonce::from_random(&random));
                client.authenticate(exchange.map_err(Stop::because(Exit::Usage, "the password"))?).await
            }
            None => client.log_in(&account.user, password).await,
        }
        .map(drop)
        .map_err(failed)
    }
}

/// The exit code that a failed session asks for, and what to do.
pub fn failed(error: ClientError) -> Stop {
    let exit = match &error {
        ClientError::AuthRefused(reply)
        | ClientError::Unwelcome(reply)
        | ClientError::TlsRefused(reply)
        | ClientError::Refused { reply, .. }
            if is_temporary(reply) =>
        {
            Exit::Temporary
        }
        ClientError::AuthRefused(_) => {
            return Stop::new(Exit::Denied, format!("{error}; check the user and the password"));
        }
        ClientError::Drive(DriveError::Protocol(Error::Misuse(Misuse::NeedsTls | Misuse::Unwritable))) => {
            Exit::Denied
        }
        ClientError::Drive(DriveError::Protocol(_)) | ClientError::Sasl(_) => Exit::Protocol,
        ClientError::Drive(_) | ClientError::NotRemoved(_) => Exit::Temporary,
        _ => Exit::Unavailable,
    };
    Stop::new(exit, error)
}

fn is_temporary(reply: &Reply) -> bool {
    matches!(reply.code(), Some(InUse | LoginDelay | SysTemp))
}
