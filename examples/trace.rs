//! Reads the octets of one side of a dialogue and says of each message whether it is right, and why not.

use std::{io::Read, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use mail46_examples::{Exit, Stop, dialogue, exit};
use mail46_imap_core::Profile;

#[path = "trace/imap.rs"]
mod imap;
#[path = "trace/smtp.rs"]
mod smtp;

/// Reads octets on stdin; prints a line for each message: ok, kept (understood by a named quirk) or error, the octet it begins
/// at, the message written back, and for an error what to answer and the RFC's section. Exit code 65 if there was an error.
#[derive(Parser)]
struct Flags {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Subcommand)]
enum Protocol {
    /// SMTP, submission and LMTP.
    Smtp {
        /// Whose octets they are.
        side: Side,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// IMAP4rev1 and IMAP4rev2.
    Imap {
        /// Whose octets they are.
        side: Side,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// How much straying is let pass.
        #[arg(long, default_value = "liberal")]
        profile: Strictness,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    Client,
    Server,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strictness {
    /// None.
    Strict,
    /// All that is named.
    Liberal,
}

fn main() -> ExitCode {
    let protocol = match exit::flags::<Flags>() {
        Ok(flags) => flags.protocol,
        Err(code) => return code,
    };
    let mut octets = Vec::new();
    let read =
        std::io::stdin().lock().read_to_end(&mut octets).map_err(Stop::because(Exit::NoInput, "stdin"));
    exit::finish("trace", read.and_then(|_| run(&protocol, &octets)))
}

fn run(protocol: &Protocol, octets: &[u8]) -> Result<Exit, Stop> {
    let (lines, json) = match protocol {
        Protocol::Smtp { side: Side::Client, json } => (smtp::commands(octets), json),
        Protocol::Smtp { side: Side::Server, json } => (smtp::replies(octets), json),
        Protocol::Imap { side, json, profile } => {
            let profile = match profile {
                Strictness::Strict => Profile::Strict,
                Strictness::Liberal => Profile::Liberal,
            };
            let lines = match side {
                Side::Client => imap::commands(octets, profile),
                Side::Server => imap::responses(octets, profile),
            };
            (lines, json)
        }
    };
    dialogue::print(&lines, *json)
}
