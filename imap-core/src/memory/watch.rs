use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::lock;
use super::mailbox::Shared;

/// Who waits for a mailbox to change.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: HashMap<u64, Waker>,
}

impl Watch {
    /// Something happened.
    pub(super) fn wake(&self) {
        let woken = std::mem::take(&mut lock(&self.0).wakers);
        woken.into_values().for_each(Waker::wake);
    }

    fn add(&self, waker: &Waker, id: Option<u64>) -> u64 {
        let mut waiting = lock(&self.0);
        let id = id.unwrap_or_else(|| {
            waiting.next = waiting.next.wrapping_add(1);
            waiting.next
        });
        waiting.wakers.insert(id, waker.clone());
        id
    }

    fn remove(&self, id: u64) {
        lock(&self.0).wakers.remove(&id);
    }
}

/// Ready when the mailbox is beyond a modification sequence.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) mailbox: Arc<Shared>,
    pub(super) modseq: u64,
    pub(super) id: Option<u64>,
}

impl Future for Changed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // First to be woken, then to look: what happens between the two is not missed.
        let id = self.mailbox.watch.add(context.waker(), self.id);
        self.id = Some(id);
        if self.mailbox.modseq() > self.modseq { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.mailbox.watch.remove(id);
        }
    }
}
