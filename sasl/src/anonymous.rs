//! ANONYMOUS (RFC 4505).

use crate::{
    Misuse, Secret,
    client::OneMessage,
    prep,
    server::{self, Answer, Failure, Question, Turn},
};

/// `token = 1*255TCHAR`: characters, not octets.
const TRACE_LIMIT: usize = 255;

/// `message = [ email / token ]`
pub(crate) fn client(trace: &str) -> Result<OneMessage, Misuse> {
    if trace.chars().count() > TRACE_LIMIT {
        return Err(Misuse::Length);
    }
    prep::trace(trace).map_err(Misuse::from)?;
    Ok(OneMessage::new(Secret::from(trace)))
}

pub(crate) struct AnonymousServer;

impl server::Machine for AnonymousServer {
    fn respond(&mut self, response: &[u8]) -> Turn {
        let trace = std::str::from_utf8(response).ok();
        match trace.filter(|trace| trace.chars().count() <= TRACE_LIMIT && prep::trace(trace).is_ok()) {
            Some(trace) => Turn::Question(Question::Anonymous { trace: trace.to_owned() }),
            None => Turn::Failed(Failure::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<Turn, Misuse> {
        match answer {
            Answer::Owner(account) if !account.is_empty() => Ok(Turn::authenticated(account, None)),
            Answer::Reject => Ok(Turn::Failed(Failure::Credentials)),
            _ => Err(Misuse::Answer),
        }
    }
}
