//! What `trace` prints of each message of a dialogue.

use std::io::Write;

use mail46_smtp::SyntaxError;
use serde_json::json;

use crate::{Exit, Stop};

/// One line of output.
#[derive(Debug, Default)]
pub struct Line {
    /// Where it begins.
    pub offset: usize,
    /// Written back; if it cannot be read, as it came.
    pub message: Vec<u8>,
    /// What was tolerated.
    pub quirks: Vec<String>,
    /// Octets of the message text behind DATA or BDAT.
    pub size: Option<u64>,
    /// What is wrong.
    pub fault: Option<Fault>,
}

/// What is wrong.
#[derive(Debug)]
pub struct Fault {
    /// In words.
    pub what: String,
    /// What to answer; nothing: the connection is to be closed.
    pub reply: Option<String>,
    /// The section that was broken.
    pub rfc: &'static str,
}

impl Fault {
    /// A fault, with the reply to it if there is one.
    pub fn new(what: impl ToString, reply: &str, rfc: &'static str) -> Option<Self> {
        let reply = (!reply.is_empty()).then(|| reply.to_owned());
        Some(Self { what: what.to_string(), reply, rfc })
    }

    /// A line that is no command.
    pub fn syntax(error: &SyntaxError) -> Option<Self> {
        Self::new(error, &error.reply().to_string(), error.rfc())
    }
}

/// Prints the lines: for people, or as JSON.
pub fn print(lines: &[Line], json: bool) -> Result<Exit, Stop> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in lines {
        let verdict = match (&line.fault, line.quirks.is_empty()) {
            (Some(_), _) => "error",
            (None, false) => "kept",
            (None, true) => "ok",
        };
        let message = line.message.escape_ascii().to_string();
        let written = if json {
            let fault = line.fault.as_ref();
            let object = json!({
                "verdict": verdict, "offset": line.offset, "message": message, "quirks": line.quirks, "size": line.size,
                "fault": fault.map(|fault| &fault.what), "reply": fault.and_then(|fault| fault.reply.as_ref()),
                "rfc": fault.map(|fault| fault.rfc),
            });
            writeln!(out, "{object}")
        } else {
            let size = line.size.map(|size| format!(" <{size} octets>")).unwrap_or_default();
            let quirks =
                if line.quirks.is_empty() { String::new() } else { format!(" [{}]", line.quirks.join(" ")) };
            let fault = line.fault.as_ref().map(|fault| {
                format!(
                    ": {}: {} ({})",
                    fault.what,
                    fault.reply.as_deref().unwrap_or("close the connection"),
                    fault.rfc
                )
            });
            writeln!(
                out,
                "{verdict:5} {:7} {message}{size}{quirks}{}",
                line.offset,
                fault.unwrap_or_default()
            )
        };
        written.map_err(Stop::because(Exit::CantCreate, "stdout"))?;
    }
    out.flush().map_err(Stop::because(Exit::CantCreate, "stdout"))?;
    Ok(if lines.iter().any(|line| line.fault.is_some()) { Exit::Data } else { Exit::Ok })
}

/// The rest of the line that begins at `offset`, with its CRLF.
pub fn raw_line(octets: &[u8], offset: usize) -> Vec<u8> {
    let rest = octets.get(offset..).unwrap_or_default();
    let end = rest.windows(2).position(|pair| pair == b"\r\n").map_or(rest.len(), |at| at + 2);
    rest[..end].to_vec()
}
