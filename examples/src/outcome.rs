//! What became of a message, in words and as exit codes.

use mail46_smtp::{
    Mailbox,
    client::{Outcome, Stage},
    net::{ClientError, Direction, Observer},
};
use mail46_wire::net::DriveError;

use crate::{Exit, Stop, say};

/// Prints the dialogue on stderr.
pub fn observer() -> Observer {
    Box::new(|direction, text| {
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            let arrow = if direction == Direction::Sent { "C:" } else { "S:" };
            say::err(format_args!("{arrow} {}", line.trim_ascii_end().escape_ascii()));
        }
    })
}

/// Tells what became of each recipient.
pub fn report(to: &[&Mailbox], outcomes: &[Outcome]) {
    for (to, outcome) in to.iter().zip(outcomes) {
        let what = match outcome {
            Outcome::Accepted(reply) => format!("accepted: {reply}"),
            Outcome::Refused { at, reply } => format!("refused at {at:?}: {reply}"),
            Outcome::Ambiguous => {
                "unknown: the connection ended before the last reply; it may be delivered".to_owned()
            }
            _ => "not delivered: the connection ended".to_owned(),
        };
        say::out(format_args!("{to}: {what}"));
    }
}

/// The exit code that an outcome asks for.
pub fn code(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Accepted(_) => Exit::Ok,
        Outcome::Refused { reply, .. } if reply.is_transient() => Exit::Temporary,
        Outcome::Refused { reply, .. } if reply.code() == 530 || reply.code() == 535 => Exit::Denied,
        Outcome::Refused { at: Stage::Rcpt, reply }
            if reply.code() == 550 || reply.code() == 551 || reply.code() == 553 =>
        {
            Exit::NoUser
        }
        Outcome::Refused { .. } => Exit::Unavailable,
        _ => Exit::Temporary,
    }
}

/// The exit code that a failed session asks for.
pub fn failed(error: ClientError) -> Stop {
    let exit = match &error {
        ClientError::AuthRefused(reply) if !reply.is_transient() => Exit::Denied,
        ClientError::AuthRefused(_) => Exit::Temporary,
        ClientError::Unwelcome(reply) | ClientError::Closed(reply) | ClientError::TlsRefused(reply)
            if reply.is_transient() =>
        {
            Exit::Temporary
        }
        ClientError::Drive(DriveError::Protocol(_)) | ClientError::Sasl(_) => Exit::Protocol,
        ClientError::Drive(_) => Exit::Temporary,
        _ => Exit::Unavailable,
    };
    Stop::new(exit, error)
}
