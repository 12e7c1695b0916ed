//! The Date field (RFC 5322 s 3.3, 4.3), for SENTBEFORE and its like, and for SORT.

use crate::grammar::date::Date;

/// What a Date field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The day as it is written, whatever the zone (RFC 9051 s 6.4.4: "disregarding time and timezone").
    pub(crate) day: Date,
    /// Seconds since 1970, by the zone (RFC 5256 s 2.2).
    pub(crate) seconds: i64,
}

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// The date in a field's value; `None` if there is none. A time that is missing or wrong is 00:00:00, a zone that is
/// unknown is +0000 (RFC 5256 s 2.2, RFC 5322 s 4.3).
pub(crate) fn parse(value: &[u8]) -> Option<Sent> {
    let text = without_comments(value);
    let mut words = text
        .split(|octet| octet.is_ascii_whitespace() || *octet == b',')
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_some_and(|word| word.first().is_some_and(u8::is_ascii_alphabetic)) {
        words.next(); // the day's name
    }
    let day = number(words.next()?)?;
    let name = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| month[..] == name)?;
    let month = u8::try_from(month).ok()?.saturating_add(1);
    let written = words.next()?;
    let year = match (number(written)?, written.len()) {
        // RFC 5322 s 4.3: two digits.
        (year, ..=2) if year < 50 => year.saturating_add(2000),
        (year, ..=3) => year.saturating_add(1900),
        (year, _) => year,
    };
    let day = Date::new(u16::try_from(year).ok()?, month, u8::try_from(day).ok()?)?;
    let clock = words.next().unwrap_or_default();
    let mut parts = clock.split(|octet| *octet == b':').map(|part| number(part).unwrap_or(0));
    let mut part =
        |most: u32| i64::from(Some(parts.next().unwrap_or(0)).filter(|part| *part <= most).unwrap_or(0));
    let (hour, minute, second) = (part(23), part(59), part(60));
    let time = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    let zone = zone(words.next().unwrap_or_default());
    let seconds = day.days_since_epoch().saturating_mul(86_400).saturating_add(time).saturating_sub(zone);
    Some(Sent { day, seconds })
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()))?
        .parse()
        .ok()
}

/// Seconds east of Greenwich.
fn zone(text: &[u8]) -> i64 {
    let hours = |hours: i64| hours.saturating_mul(3600);
    match text {
        [sign @ (b'+' | b'-'), digits @ ..] if digits.len() == 4 => {
            let number = i64::from(number(digits).unwrap_or(0));
            let seconds = hours(number / 100).saturating_add((number % 100).saturating_mul(60));
            if *sign == b'-' { 0i64.saturating_sub(seconds) } else { seconds }
        }
        // RFC 5322 s 4.3: the zones that have a meaning.
        b"EDT" => hours(-4),
        b"EST" | b"CDT" => hours(-5),
        b"CST" | b"MDT" => hours(-6),
        b"MST" | b"PDT" => hours(-7),
        b"PST" => hours(-8),
        _ => 0,
    }
}

fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut depth = 0usize;
    let mut text = Vec::with_capacity(value.len());
    for octet in value {
        match octet {
            b'(' => depth = depth.saturating_add(1),
            b')' => {
                depth = depth.saturating_sub(1);
                text.push(b' ');
            }
            octet if depth == 0 => text.push(*octet),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_they_are_written() {
        // (text, seconds, day of the month as written, what it shows)
        let rows = [
            ("Thu, 1 Jan 1970 00:00:00 +0000", Some((0, 1)), "the beginning"),
            (
                "Mon, 7 Feb 1994 21:52:25 -0800 (PST)",
                Some((760_686_745, 7)),
                "RFC 3501 s 7.4.2; the day is as written",
            ),
            (
                "7 Feb 94 21:52 PST",
                Some((760_686_720, 7)),
                "RFC 5322 s 4.3: two digits, a named zone, no seconds",
            ),
            ("1 jan 2000", Some((946_684_800, 1)), "no time at all"),
            ("31 Feb 2020 00:00:00 +0000", None, "no such day"),
            ("Fri, 1 Jan 2100 25:61:61 XYZ", Some((4_102_444_800, 1)), "no such time: midnight"),
            ("", None, "nothing"),
            ("tomorrow", None, "no date"),
        ];
        for (text, want, shows) in rows {
            let sent = parse(text.as_bytes());
            assert_eq!(sent.map(|sent| (sent.seconds, sent.day.day())), want, "{shows}");
        }
    }
}
