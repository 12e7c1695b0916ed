//! Printing that cannot fail: whoever stops reading (`| head`) does not stop a program in the middle of a message, as `println!`
//! would by its panic.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// A line on stdout.
pub fn out(line: impl Display) {
    let _unread = writeln!(stdout(), "{line}");
}

/// A line on stderr.
pub fn err(line: impl Display) {
    let _unread = writeln!(stderr(), "{line}");
}

/// Octets on stdout, as they are.
pub fn octets(octets: &[u8]) {
    let _unread = stdout().write_all(octets);
}
