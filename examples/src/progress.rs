//! How far `fetch-pop3` is.

use std::io::{IsTerminal, Write};

/// A bar on a terminal, and nothing elsewhere.
#[derive(Debug)]
pub struct Progress<'a> {
    name: &'a str,
    shown: bool,
    all: usize,
    done: usize,
    octets: usize,
}

impl<'a> Progress<'a> {
    /// Before the first of `all` messages.
    pub fn new(name: &'a str, all: usize) -> Self {
        Self { name, shown: std::io::stderr().is_terminal() && all > 0, all, done: 0, octets: 0 }
    }

    /// So many octets more.
    pub fn octets(&mut self, octets: usize) {
        let before = self.octets >> 20;
        self.octets += octets;
        if self.octets >> 20 > before {
            self.show();
        }
    }

    /// A message is done.
    pub fn message(&mut self) {
        self.done += 1;
        self.show();
    }

    fn show(&self) {
        if self.shown {
            let filled = self.done * 30 / self.all;
            eprint!(
                "\r{} [{:30}] {}/{} {} KiB",
                self.name,
                "#".repeat(filled),
                self.done,
                self.all,
                self.octets >> 10
            );
            std::io::stderr().flush().ok();
        }
    }

    /// Leaves the line.
    pub fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
