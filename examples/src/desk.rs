//! A server's part in the demo: takes mail from one user, for anybody.

use std::sync::{Arc, Mutex};

use mail46_sasl::server::{Answer, Question};
use mail46_smtp::{
    EnhancedCode, ForwardPath, Params, Reply, ReversePath,
    net::{Delivery, Message, Session},
};

use crate::auth::OneUser;

/// What has arrived: recipients and octets of each message.
#[derive(Debug, Default)]
pub struct Inbox(pub Mutex<Vec<(Vec<String>, Vec<u8>)>>);

/// One session of a server that puts what it takes into an [`Inbox`].
#[derive(Debug)]
pub struct Desk {
    /// Where it goes.
    pub inbox: Arc<Inbox>,
    /// Who may send.
    pub user: OneUser,
    /// The present recipients.
    pub to: Vec<String>,
}

impl Session for Desk {
    async fn question(&mut self, question: &Question) -> Answer {
        self.user.answer(question)
    }

    async fn mail(&mut self, _: ReversePath, _: Params) -> Result<Reply, Reply> {
        self.to.clear();
        Ok(Reply::new(250, EnhancedCode::new(2, 1, 0), "ok"))
    }

    async fn rcpt(&mut self, to: ForwardPath, _: Params) -> Result<Reply, Reply> {
        self.to.extend(to.mailbox().map(ToString::to_string));
        Ok(Reply::new(250, EnhancedCode::new(2, 1, 5), "ok"))
    }

    async fn data(&mut self, message: &mut Message<'_>) -> Result<Delivery, Reply> {
        let mut text = Vec::new();
        while let Some(part) = message.next().await? {
            text.extend_from_slice(&part);
        }
        if let Ok(mut inbox) = self.inbox.0.lock() {
            inbox.push((self.to.clone(), text));
        }
        Ok(Reply::new(250, EnhancedCode::new(2, 0, 0), "taken").into())
    }
}
