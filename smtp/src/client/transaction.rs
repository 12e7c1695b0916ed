//! One envelope on its way: which lines are still to be sent, and what each recipient got.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::envelope::{Plan, Transfer};
use super::event::{Error, Misuse, Outcome, Stage};
use crate::{Chunk, Command, Reply};

/// Whose reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Rset,
    Mail,
    /// Of the recipient with this number.
    Rcpt(usize),
    Data,
    /// A chunk that is not the last.
    Chunk,
    /// The reply to the whole message: in LMTP, of the recipient with this number.
    Message(Option<usize>),
}

#[derive(Debug)]
pub(super) struct Transaction {
    /// What is still to be sent, in order: without PIPELINING one at a time.
    script: VecDeque<(Bytes, Step)>,
    results: Vec<Option<Outcome>>,
    refused_mail: Option<Reply>,
    pub(super) transfer: Transfer,
    pub(super) binary: bool,
    /// How far the message is.
    pub(super) content: Content,
    /// The text given until now ends in a CR.
    after_cr: bool,
}

/// How far the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The server has not taken DATA or no recipient yet.
    NotYet,
    /// The application is to give it. `left`: what the chunk still needs.
    Wanted { left: Option<u64>, begun: bool },
    /// It was given whole, or will not be.
    Over,
    /// The server refused a chunk of it: what the application still gives is thrown away.
    Cut,
}

impl Transaction {
    /// The lines of an envelope, behind a RSET if the last transaction left one to be cleared.
    pub(super) fn new(plan: &Plan, reset: bool) -> Self {
        let mut script = VecDeque::with_capacity(plan.rcpt.len().saturating_add(3));
        let mut push = |command: &Command, step| {
            let mut line = BytesMut::new();
            command.write(&mut line);
            script.push_back((line.freeze(), step));
        };
        if reset {
            push(&Command::Rset, Step::Rset);
        }
        push(&Command::Mail { from: plan.from.clone(), params: plan.mail.clone() }, Step::Mail);
        for (index, (to, params)) in plan.rcpt.iter().enumerate() {
            push(&Command::Rcpt { to: to.clone(), params: params.clone() }, Step::Rcpt(index));
        }
        match plan.transfer {
            Transfer::Data => push(&Command::Data, Step::Data),
            Transfer::Chunk { size, blind: true } => {
                push(&Command::Bdat { size, chunk: Chunk::Last }, Step::Message(None));
            }
            Transfer::Chunk { blind: false, .. } | Transfer::Chunks => {}
        }
        Self {
            script,
            results: vec![None; plan.rcpt.len()],
            refused_mail: None,
            transfer: plan.transfer,
            binary: plan.binary,
            content: Content::NotYet,
            after_cr: false,
        }
    }

    /// Refuses text with a CR or LF that stands alone.
    pub(super) fn check_newlines(&mut self, text: &[u8]) -> Result<(), Error> {
        let mut after_cr = self.after_cr;
        for octet in text {
            if after_cr != (*octet == b'\n') {
                return Err(Error::Misuse(Misuse::BareNewline));
            }
            after_cr = *octet == b'\r';
        }
        self.after_cr = after_cr;
        Ok(())
    }

    /// Whether checked text ended in the middle of a line end.
    pub(super) fn ends_in_cr(&self) -> bool {
        self.after_cr
    }

    /// A chunk to be sent when its turn comes.
    pub(super) fn add(&mut self, chunk: BytesMut, step: Step) {
        self.script.push_back((chunk.freeze(), step));
    }

    /// The next line to send and whose reply it brings.
    pub(super) fn next_line(&mut self) -> Option<(Bytes, Step)> {
        self.script.pop_front()
    }

    /// Whether everything of the envelope is sent.
    pub(super) fn is_sent(&self) -> bool {
        self.script.is_empty()
    }

    /// MAIL was refused: what was not sent yet need not be.
    pub(super) fn refuse_mail(&mut self, reply: Reply) {
        self.script.clear();
        self.refused_mail = Some(reply);
    }

    pub(super) fn answer_rcpt(&mut self, index: usize, reply: Reply) {
        let outcome = match &self.refused_mail {
            Some(refusal) => Outcome::Refused { at: Stage::Mail, reply: refusal.clone() },
            // It awaits the message's reply; until then it would be lost with the connection.
            None if reply.code().is_completion() => Outcome::Lost,
            None => Outcome::Refused { at: Stage::Rcpt, reply },
        };
        if let Some(slot) = self.results.get_mut(index) {
            *slot = Some(outcome);
        }
    }

    /// Whether all RCPT were sent, but neither DATA nor a chunk.
    pub(super) fn is_before_data(&self) -> bool {
        self.script.front().is_none_or(|(_, step)| *step == Step::Data)
    }

    /// Nobody is left to send to: what was not sent yet need not be.
    pub(super) fn abandon(&mut self) {
        self.script.clear();
    }

    /// The recipients that RCPT accepted, in their order.
    pub(super) fn accepted(&self) -> impl Iterator<Item = usize> {
        self.results
            .iter()
            .enumerate()
            .filter(|(_, outcome)| matches!(outcome, Some(Outcome::Lost)))
            .map(|(index, _)| index)
    }

    pub(super) fn has_accepted(&self) -> bool {
        self.accepted().next().is_some()
    }

    /// DATA was refused.
    pub(super) fn refuse_data(&mut self, reply: &Reply) {
        self.settle(|| Outcome::Refused { at: Stage::Data, reply: reply.clone() });
    }

    /// The reply to the message: for one recipient in LMTP, else for all that were accepted.
    pub(super) fn answer_message(&mut self, index: Option<usize>, reply: &Reply) {
        let outcome = || {
            if reply.code().is_completion() {
                Outcome::Accepted(reply.clone())
            } else {
                Outcome::Refused { at: Stage::Message, reply: reply.clone() }
            }
        };
        match index {
            None => self.settle(outcome),
            Some(index) => {
                if let Some(slot) = self.results.get_mut(index) {
                    *slot = Some(outcome());
                }
            }
        }
    }

    /// The session ended: what is not settled is lost, or ambiguous if the message was sent whole.
    pub(super) fn lose(&mut self, whole: bool) {
        self.settle(|| if whole { Outcome::Ambiguous } else { Outcome::Lost });
    }

    fn settle(&mut self, outcome: impl Fn() -> Outcome) {
        for slot in &mut self.results {
            if matches!(slot, Some(Outcome::Lost)) {
                *slot = Some(outcome());
            }
        }
    }

    /// One outcome for each recipient; `rest` for those that nothing was said of.
    pub(super) fn into_outcomes(self, rest: &Outcome) -> Vec<Outcome> {
        let rest = match self.refused_mail {
            Some(reply) => Outcome::Refused { at: Stage::Mail, reply },
            None => rest.clone(),
        };
        self.results.into_iter().map(|slot| slot.unwrap_or_else(|| rest.clone())).collect()
    }
}
