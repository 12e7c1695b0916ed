//! The lines that nearly every session is made of, read in one pass.
//!
//! A line is taken here only if it is beyond doubt what the grammar in `command.rs` and `param.rs` makes of it; for
//! everything else the answer is `None`, and they are asked. Only they refuse and only they tolerate. A test holds
//! both against each other.

use mail46_wire::{Domain, Host};

use crate::{
    address::{ATEXT, CLASS, DOT, ForwardPath, LOCAL_PART_MAX, LocalPart, Mailbox, PATH_MAX, ReversePath},
    command::{Command, Parsed},
    param::Params,
    quirks::Quirks,
};

/// Octets as a number with their letters in upper case, where `fold` has 0xdf; 0xff keeps an octet as it is.
macro_rules! word {
    ($type:ident, $octets:expr, $fold:expr) => {
        $type::from_be_bytes($octets) & const { $type::from_be_bytes(*$fold) }
    };
}

const fn upper(octets: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*octets)
}

const MAIL: u32 = upper(b"MAIL");
const RCPT: u32 = upper(b"RCPT");
const EHLO: u32 = upper(b"EHLO");
const HELO: u32 = upper(b"HELO");
const LHLO: u32 = upper(b"LHLO");
const DATA: u32 = upper(b"DATA");
const QUIT: u32 = upper(b"QUIT");
const RSET: u32 = upper(b"RSET");
const SIZE: u32 = upper(b"SIZE");
const BODY: u32 = upper(b"BODY");
const NOTI: u32 = upper(b"NOTI");
const ORCP: u32 = upper(b"ORCP");

/// A command, if `ends` says yes to what stands behind it.
///
/// The value is built where the caller wants it, once: a copy of it would cost as much as the rest.
#[inline(always)]
pub(crate) fn parse<'a>(octets: &'a [u8], mut ends: impl FnMut(&'a [u8]) -> bool) -> Option<Parsed<'a>> {
    let read = |command| Some(Parsed { command, tolerated: Quirks::none() });
    let (verb, rest) = octets.split_first_chunk::<4>()?;
    match word!(u32, *verb, b"\xdf\xdf\xdf\xdf") {
        MAIL => {
            let (mailbox, params, rest) = mail(octets, rest)?;
            if !ends(rest) {
                return None;
            }
            read(Command::Mail { from: ReversePath::Mailbox(mailbox), params })
        }
        RCPT => {
            let (mailbox, params, rest) = rcpt(octets, rest)?;
            if !ends(rest) {
                return None;
            }
            read(Command::Rcpt { to: ForwardPath::Mailbox(mailbox), params })
        }
        greeting @ (EHLO | HELO | LHLO) => {
            if rest.first() != Some(&b' ') {
                return None;
            }
            let domain = Domain::parse_at(octets, 5)?;
            if !ends(rest.get(domain.as_bytes().len().wrapping_add(1)..)?) {
                return None;
            }
            let host = Host::Domain(domain);
            read(match greeting {
                EHLO => Command::Ehlo(host),
                HELO => Command::Helo(host),
                _ => Command::Lhlo(host),
            })
        }
        DATA if ends(rest) => read(Command::Data),
        QUIT if ends(rest) => read(Command::Quit),
        RSET if ends(rest) => read(Command::Rset),
        _ => None,
    }
}

/// A command without argument and its CRLF, taken off the front.
#[inline(always)]
pub(crate) fn parse_bare<'a>(octets: &mut &'a [u8]) -> Option<Parsed<'a>> {
    let (verb, rest) = octets.split_first_chunk::<4>()?;
    let rest = rest.strip_prefix(b"\r\n")?;
    let command = match word!(u32, *verb, b"\xdf\xdf\xdf\xdf") {
        DATA => Command::Data,
        QUIT => Command::Quit,
        RSET => Command::Rset,
        _ => return None,
    };
    *octets = rest;
    Some(Parsed { command, tolerated: Quirks::none() })
}

/// A mailbox, parameters and what stands behind them.
type Argument<'a> = (Mailbox<&'a [u8]>, Params<&'a [u8]>, &'a [u8]);

#[inline(always)]
fn mail<'a>(line: &'a [u8], rest: &'a [u8]) -> Option<Argument<'a>> {
    let from = rest.first_chunk::<8>()?;
    // The eighth octet is of the path.
    const FROM: u64 = u64::from_be_bytes(*b" FROM:<\0");
    if word!(u64, *from, b"\xff\xdf\xdf\xdf\xdf\xff\xff\x00") != FROM {
        return None;
    }
    let (mailbox, rest) = mailbox(line, rest.get(7..)?)?;
    let (params, rest) = params(rest, mail_param)?;
    Some((mailbox, params, rest))
}

#[inline(always)]
fn rcpt<'a>(line: &'a [u8], rest: &'a [u8]) -> Option<Argument<'a>> {
    let to = rest.first_chunk::<8>()?;
    const TO: u64 = u64::from_be_bytes(*b" TO:<\0\0\0");
    if word!(u64, *to, b"\xff\xdf\xdf\xff\xff\x00\x00\x00") != TO {
        return None;
    }
    let (mailbox, rest) = mailbox(line, rest.get(5..)?)?;
    let (params, rest) = params(rest, rcpt_param)?;
    Some((mailbox, params, rest))
}

/// `Dot-string "@" Domain ">"` at the start of `rest`, which is the end of `line`, and what stands behind it.
#[inline(always)]
fn mailbox<'a>(line: &'a [u8], rest: &'a [u8]) -> Option<(Mailbox<&'a [u8]>, &'a [u8])> {
    let mut last = DOT;
    let mut at: usize = 0;
    for octet in rest {
        let class = CLASS.get(usize::from(*octet)).copied().unwrap_or(0);
        if class != ATEXT && (class != DOT || last == DOT) {
            break;
        }
        last = class;
        at = at.wrapping_add(1);
    }
    if last != ATEXT || at > LOCAL_PART_MAX {
        return None;
    }
    let (local_part, rest) = rest.split_at_checked(at)?;
    let rest = rest.strip_prefix(b"@")?;
    let domain = Domain::parse_at(line, line.len().checked_sub(rest.len())?)?;
    let length = domain.as_bytes().len();
    let rest = rest.get(length..)?.strip_prefix(b">")?;
    // "<", "@" and ">" count too.
    if at.wrapping_add(length).wrapping_add(3) > PATH_MAX {
        return None;
    }
    Some((Mailbox { local_part: LocalPart::from_checked(local_part), host: Host::Domain(domain) }, rest))
}

/// `*(SP esmtp-param)`, and what stands behind them: `param` reads one off the front and gives its bit and the rest.
#[inline(always)]
fn params<'a>(
    text: &'a [u8],
    param: fn(&'a [u8]) -> Option<(u8, &'a [u8])>,
) -> Option<(Params<&'a [u8]>, &'a [u8])> {
    let Some((b' ', words)) = text.split_first() else {
        return Some((Params::from_checked(b""), text));
    };
    let mut rest = words;
    let mut seen = 0;
    loop {
        let (bit, behind) = param(rest)?;
        // Twice is for the others to refuse.
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        match behind.split_first() {
            Some((b' ', behind)) => rest = behind,
            _ => {
                let length = words.len().checked_sub(behind.len())?;
                return Some((Params::from_checked(words.get(..length)?), behind));
            }
        }
    }
}

#[inline]
fn mail_param(text: &[u8]) -> Option<(u8, &[u8])> {
    let (keyword, rest) = text.split_first_chunk::<4>()?;
    let rest = rest.strip_prefix(b"=")?;
    match word!(u32, *keyword, b"\xdf\xdf\xdf\xdf") {
        SIZE => {
            let mut digits: usize = 0;
            for octet in rest {
                if !octet.is_ascii_digit() {
                    break;
                }
                digits = digits.wrapping_add(1);
            }
            // size-value ::= 1*20DIGIT
            matches!(digits, 1..=20).then_some((1, rest.get(digits..)?))
        }
        BODY => {
            const EIGHT: u64 = u64::from_be_bytes(*b"8BITMIME");
            const SEVEN: u32 = u32::from_be_bytes(*b"7BIT");
            if let Some((value, rest)) = rest.split_first_chunk::<8>()
                && word!(u64, *value, b"\xff\xdf\xdf\xdf\xdf\xdf\xdf\xdf") == EIGHT
            {
                return Some((2, rest));
            }
            let (value, rest) = rest.split_first_chunk::<4>()?;
            (word!(u32, *value, b"\xff\xdf\xdf\xdf") == SEVEN).then_some((2, rest))
        }
        _ => None,
    }
}

#[inline]
fn rcpt_param(text: &[u8]) -> Option<(u8, &[u8])> {
    let (keyword, rest) = text.split_first_chunk::<4>()?;
    match word!(u32, *keyword, b"\xdf\xdf\xdf\xdf") {
        NOTI => {
            const FY: u32 = u32::from_be_bytes(*b"FY=\0");
            let fy = rest.first_chunk::<4>()?;
            if word!(u32, *fy, b"\xdf\xdf\xff\x00") != FY {
                return None;
            }
            let mut rest = rest.get(3..)?;
            if let Some((value, behind)) = rest.split_first_chunk::<5>()
                && value.eq_ignore_ascii_case(b"NEVER")
            {
                return Some((1, behind));
            }
            loop {
                rest = notify(rest)?;
                match rest.split_first() {
                    Some((b',', behind)) => rest = behind,
                    _ => return Some((1, rest)),
                }
            }
        }
        ORCP => {
            const T_RFC: u64 = u64::from_be_bytes(*b"T=RFC822");
            let (value, rest) = rest.split_first_chunk::<8>()?;
            if word!(u64, *value, b"\xdf\xff\xdf\xdf\xdf\xff\xff\xff") != T_RFC {
                return None;
            }
            let rest = rest.strip_prefix(b";")?;
            let mut length: usize = 0;
            for octet in rest {
                // xchar, and no hexchar
                if !matches!(octet, b'!'..=b'~') || matches!(octet, b'+' | b'=') {
                    break;
                }
                length = length.wrapping_add(1);
            }
            Some((2, rest.get(length..)?))
        }
        _ => None,
    }
}

/// `notify-list-element`, and what stands behind it.
#[inline]
fn notify(text: &[u8]) -> Option<&[u8]> {
    const SUCCESS: u64 = u64::from_be_bytes(*b"SUCCESS\0");
    const FAILURE: u64 = u64::from_be_bytes(*b"FAILURE\0");
    // The last word of a line has no eighth octet.
    let Some(word) = text.first_chunk::<8>() else {
        return [&b"SUCCESS"[..], b"FAILURE", b"DELAY"].into_iter().find_map(|known| {
            let (word, rest) = text.split_at_checked(known.len())?;
            word.eq_ignore_ascii_case(known).then_some(rest)
        });
    };
    match word!(u64, *word, b"\xdf\xdf\xdf\xdf\xdf\xdf\xdf\x00") {
        SUCCESS | FAILURE => text.get(7..),
        _ => {
            let (word, rest) = text.split_first_chunk::<5>()?;
            word.eq_ignore_ascii_case(b"DELAY").then_some(rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rules, Utf8, command::parsed};

    /// What is taken here is what the grammar makes of it, by whatever rules.
    fn agrees(line: &[u8]) -> bool {
        let framed = [line, b"\r\nQUIT\r\n"].concat();
        let mut rest = &framed[..];
        let first = (!line.iter().any(|octet| b"\r\n\0".contains(octet))).then(|| {
            let first = Command::parse_first(&mut rest, &Rules::default()).unwrap();
            assert_eq!(rest, b"QUIT\r\n", "{}", line.escape_ascii());
            first
        });
        if let Some(first) = &first {
            assert_eq!(first, &parsed(line, &Rules::default()), "{}", line.escape_ascii());
        }
        let Some(hot) = parse(line, <[u8]>::is_empty) else { return false };
        assert!(first.is_some());
        for rules in [Rules::default(), Rules::new(Quirks::submission()).utf8(Utf8::Accept)] {
            assert_eq!(parsed(line, &rules).as_ref(), Ok(&hot), "{}", line.escape_ascii());
        }
        true
    }

    const LINES: [&[u8]; 15] = [
        b"MAIL FROM:<alice@example.com>",
        b"mail from:<a.b@c-d.example> size=1 body=7bit",
        b"MAIL FROM:<alice@example.com> SIZE=123456 BODY=8BITMIME",
        b"MAIL FROM:<alice@example.com> BODY=8BITMIME SIZE=1",
        b"RCPT TO:<bob@example.org>",
        b"RCPT TO:<bob@example.org> NOTIFY=NEVER",
        b"RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;bob@example.org",
        b"RCPT TO:<bob@example.org> ORCPT=rfc822;bob NOTIFY=DELAY,SUCCESS",
        b"EHLO mail-ed1-x52f.google.com",
        b"helo host.a-b.example",
        b"LHLO mail.example.org",
        b"QUIT",
        b"DATA",
        b"RSET",
        b"rcpt to:<b@e> notify=failure",
    ];

    #[test]
    fn the_usual_lines_are_taken() {
        for line in LINES {
            assert!(agrees(line), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_line_one_octet_away_is_read_alike_or_left_to_the_grammar() {
        for line in LINES {
            for at in 0..=line.len() {
                for octet in 0..=255 {
                    let mut other = line.to_vec();
                    other.insert(at, octet);
                    agrees(&other);
                    other.remove(at);
                    if at < line.len() {
                        other[at] = octet;
                        agrees(&other);
                        other.remove(at);
                        agrees(&other);
                    }
                }
                agrees(&line[..at]);
            }
        }
    }

    #[test]
    fn limits_and_doubles_are_left_to_the_grammar() {
        let local = "l".repeat(65);
        let name = ["d".repeat(63).as_str(); 4].join(".");
        for line in [
            format!("MAIL FROM:<{local}@example.com>"),
            format!("MAIL FROM:<a@{name}>"),
            format!("RCPT TO:<a@{}>", &name[..253]),
            format!("RCPT TO:<a@{}d.example>", &name[..63]),
            "MAIL FROM:<a@example.com> SIZE=1 SIZE=2".to_owned(),
            "MAIL FROM:<a@example.com> SIZE=123456789012345678901".to_owned(),
            "RCPT TO:<a@example.com> NOTIFY=DELAY NOTIFY=DELAY".to_owned(),
            "RCPT TO:<a@example.com> ORCPT=rfc822;a ORCPT=rfc822;a".to_owned(),
        ] {
            assert!(!agrees(line.as_bytes()), "{line}");
            assert!(parsed(line.as_bytes(), &Rules::default()).is_err(), "{line}");
        }
        assert!(agrees(format!("RCPT TO:<a@{}>", &name[..63]).as_bytes()));
        assert!(agrees(format!("RCPT TO:<{}@example.com>", &local[..64]).as_bytes()));
        // In doubt, and well.
        for name in [&name[..252], "xn--bcher-kva.example"] {
            let line = format!("RCPT TO:<a@{name}>");
            assert!(!agrees(line.as_bytes()) && parsed(line.as_bytes(), &Rules::default()).is_ok(), "{line}");
        }
    }
}
