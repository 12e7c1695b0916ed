//! Logging in at a POP3 server, and what its refusals mean.

use mail46_pop3::{
    CapabilityKind, Reply,
    ResponseCode::{InUse, LoginDelay, SysTemp},
    client::{Error, Misuse},
    net::{Client, ClientError},
};
use mail46_sasl::{ClearText, Credential, Layer, Nonce, Secret, Selector, client};
use mail46_wire::net::DriveError;

use crate::{Exit, Stop, account::Account};

/// By the best mechanism that the server offers, or by USER and PASS.
pub async fn log_in(
    client: &mut Client,
    account: &Account,
    password: &Secret,
    without_tls: bool,
) -> Result<(), Stop> {
    let layer = if client.is_tls() { Layer::Tls } else { Layer::Clear };
    let clear = if without_tls { ClearText::PasswordsAllowed } else { ClearText::InsideTlsOnly };
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
