use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use tokio::time::Instant;

use crate::Phase;

/// The deadline of the present wait, by the rule of [`Pace`](super::Pace).
#[derive(Debug)]
pub(super) struct Clock {
    min_rate: NonZeroU32,
    /// Of the wait that goes on; it outlives a dropped call, so that dropping wins the peer no time.
    deadline: Option<Instant>,
    phase: Phase,
    /// What the last wait for bulk data left over for the next one.
    left: Option<Duration>,
}

impl Clock {
    pub(super) fn new(min_rate: NonZeroU32) -> Self {
        Self { min_rate, deadline: None, phase: Phase::Dialogue, left: None }
    }

    /// Starts a wait, or goes on with it.
    pub(super) fn run(&mut self, now: Instant, timeout: Duration, phase: Phase) -> Instant {
        let latest = after(now, timeout);
        if phase != self.phase {
            self.left = None;
            self.deadline = None;
            self.phase = phase;
        }
        let left = self.left.take();
        let deadline = self.deadline.or_else(|| left.map(|left| after(now, left)));
        *self.deadline.insert(deadline.map_or(latest, |deadline| deadline.min(latest)))
    }

    /// Octets moved: they push the deadline on by the time they may take; `run` sees to it that it is not too far.
    pub(super) fn moved(&mut self, octets: usize) {
        let nanos = (octets as u64).saturating_mul(1_000_000_000) / NonZeroU64::from(self.min_rate);
        self.deadline = self.deadline.map(|deadline| after(deadline, Duration::from_nanos(nanos)));
    }

    /// What was waited for is there.
    pub(super) fn stop(&mut self) {
        let deadline = self.deadline.take();
        if self.phase == Phase::Bulk
            && let Some(deadline) = deadline
        {
            self.left = Some(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// A time that `Instant` cannot hold is as good as never.
pub(super) fn after(from: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(86_400 * 365);
    from.checked_add(time).or_else(|| from.checked_add(NEVER)).unwrap_or(from)
}
