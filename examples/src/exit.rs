//! How a program ends: one line on stderr that says what to do, and a code of sysexits(3).

use std::fmt;

/// The exit codes of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// The flags are wrong.
    Usage = 64,
    /// The message or another input is not as it must be.
    Data = 65,
    /// A file that cannot be read.
    NoInput = 66,
    /// The recipient does not exist.
    NoUser = 67,
    /// The host does not exist.
    NoHost = 68,
    /// The server refuses, or nobody is there.
    Unavailable = 69,
    /// The operating system refuses something.
    OsError = 71,
    /// A file that cannot be written.
    CantCreate = 73,
    /// Not now; trying again later may work.
    Temporary = 75,
    /// The other side does not keep to the protocol.
    Protocol = 76,
    /// The credentials are refused.
    Denied = 77,
}

/// Why a program stops: a code and what to say.
#[derive(Clone, Debug)]
pub struct Stop(pub Exit, pub String);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Stop {}

impl Stop {
    /// Stops with this code and text.
    pub fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self(exit, text.to_string())
    }

    /// For `map_err`: stops with this code and `what: error`.
    pub fn because<E: fmt::Display>(exit: Exit, what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self(exit, format!("{what}: {error}"))
    }
}

/// The flags; help goes to stdout and is no error, wrong ones are 64.
pub fn flags<F: clap::Parser>() -> Result<F, std::process::ExitCode> {
    F::try_parse().map_err(|error| {
        // Nobody is left to be told that stderr is closed.
        let _ = error.print();
        std::process::ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { 0 })
    })
}

/// Ends the program: says why in one line, if it has to.
pub fn finish(program: &str, end: Result<Exit, Stop>) -> std::process::ExitCode {
    let exit = match end {
        Ok(exit) => exit,
        Err(Stop(exit, text)) => {
            complain(program, &text);
            exit
        }
    };
    std::process::ExitCode::from(exit as u8)
}

/// Says why something failed, in one line, whatever the other side put into it.
pub fn complain(program: &str, text: &str) {
    let line: String = text
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect();
    crate::say::err(format_args!("{program}: {line}"));
}
