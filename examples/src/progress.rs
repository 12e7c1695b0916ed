//! How far `fetch-pop3` is.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// A bar is drawn so often at most.
const EVERY: Duration = Duration::from_millis(100);

/// A bar on a terminal, and nothing elsewhere. Dropping it leaves its line.
#[derive(Debug)]
pub struct Progress<'a> {
    name: &'a str,
    shown: bool,
    messages: usize,
    all_messages: usize,
    octets: u64,
    all_octets: u64,
    drawn: Instant,
}

impl<'a> Progress<'a> {
    /// Before the first of so many messages, which have so many octets.
    pub fn new(name: &'a str, all_messages: usize, all_octets: u64) -> Self {
        let shown = std::io::stderr().is_terminal() && all_messages > 0;
        let progress =
            Self { name, shown, messages: 0, all_messages, octets: 0, all_octets, drawn: Instant::now() };
        progress.draw();
        progress
    }

    /// So many octets more.
    pub fn octets(&mut self, octets: usize) {
        self.octets += octets as u64;
        self.draw_now_and_then();
    }

    /// A message is done.
    pub fn message(&mut self) {
        self.messages += 1;
        self.draw_now_and_then();
    }

    fn draw_now_and_then(&mut self) {
        if self.drawn.elapsed() >= EVERY {
            self.drawn = Instant::now();
            self.draw();
        }
    }

    fn draw(&self) {
        if self.shown {
            let _unseen = write!(
                std::io::stderr(),
                "\r{} [{:20}] {}/{} messages, {} KiB",
                self.name,
                "#".repeat(filled(self.octets, self.all_octets)),
                self.messages,
                self.all_messages,
                self.octets >> 10
            );
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.draw();
        if self.shown {
            let _unseen = writeln!(std::io::stderr());
        }
    }
}

/// Of twenty. Who promised less than what came has a full bar.
fn filled(octets: u64, all: u64) -> usize {
    let part = u128::from(octets) * 20 / u128::from(all.max(1));
    usize::try_from(part).unwrap_or(20).min(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        for (octets, all, want) in [
            (0, 100, 0),
            (49, 100, 9),
            (100, 100, 20),
            (200, 100, 20),
            (0, 0, 0),
            (5, 0, 20),
            (u64::MAX, u64::MAX, 20),
        ] {
            assert_eq!(filled(octets, all), want, "{octets} of {all}");
        }
    }
}
