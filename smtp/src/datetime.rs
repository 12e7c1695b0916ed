use std::{fmt, str::FromStr};

use crate::text::printable;

/// `date-time` of RFC 3339 s 5.6, kept as it was sent: `2014-04-03T23:01:00Z`, `2014-04-03T23:01:00.5+02:00`.
///
/// ```
/// use mail46_smtp::DateTime;
///
/// let time = DateTime::parse(b"1970-01-02T01:00:00+01:00").expect("a date-time");
/// assert_eq!(time.unix_seconds(), 86_400);
/// assert!(DateTime::parse(b"2026-02-29T00:00:00Z").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime<'a> {
    text: &'a [u8],
    unix_seconds: i64,
    offset_minutes: i16,
}

impl<'a> DateTime<'a> {
    /// Checks and borrows.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut rest = text;
        let year = digits(&mut rest, 4)?;
        octet(&mut rest, b"-")?;
        let month = digits(&mut rest, 2)?;
        octet(&mut rest, b"-")?;
        let day = digits(&mut rest, 2)?;
        octet(&mut rest, b"Tt")?;
        let hour = digits(&mut rest, 2)?;
        octet(&mut rest, b":")?;
        let minute = digits(&mut rest, 2)?;
        octet(&mut rest, b":")?;
        let second = digits(&mut rest, 2)?;
        if rest.first() == Some(&b'.') {
            let fraction = rest.get(1..)?.iter().take_while(|octet| octet.is_ascii_digit()).count();
            rest = rest.get(fraction.saturating_add(1)..).filter(|_| fraction > 0)?;
        }
        let offset_minutes = offset(rest)?;
        // time-second = 00-58, 00-59, 00-60 by the leap second rules
        let valid = (1..=12).contains(&month)
            && (1..=days_of(year, month)).contains(&day)
            && hour <= 23
            && minute <= 59
            && second <= 60;
        if !valid {
            return None;
        }
        let seconds = days_since_1970(year, month, day)
            .saturating_mul(86_400)
            .saturating_add(i64::from(hour).saturating_mul(3600))
            .saturating_add(i64::from(minute).saturating_mul(60))
            .saturating_add(i64::from(second))
            .saturating_sub(i64::from(offset_minutes).saturating_mul(60));
        Some(Self { text, unix_seconds: seconds, offset_minutes })
    }

    /// As it was sent.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// Seconds since 1970-01-01T00:00:00Z, fractions dropped.
    pub fn unix_seconds(&self) -> i64 {
        self.unix_seconds
    }

    /// Whether it is given in UTC: `Z` or `+00:00`.
    pub fn is_utc(&self) -> bool {
        self.offset_minutes == 0
    }
}

impl fmt::Display for DateTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.text))
    }
}

impl fmt::Debug for DateTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({self})")
    }
}

fn digits(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (digits, behind) = rest.split_at_checked(count)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    *rest = behind;
    u32::from_str(std::str::from_utf8(digits).ok()?).ok()
}

fn octet(rest: &mut &[u8], wanted: &[u8]) -> Option<()> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    wanted.contains(first).then_some(())
}

/// `time-offset = "Z" / ("+" / "-") time-hour ":" time-minute`, in minutes
fn offset(text: &[u8]) -> Option<i16> {
    if matches!(text, b"Z" | b"z") {
        return Some(0);
    }
    let (sign, mut rest) = text.split_first()?;
    let hour = digits(&mut rest, 2)?;
    octet(&mut rest, b":")?;
    let minute = digits(&mut rest, 2)?;
    if !rest.is_empty() || hour > 23 || minute > 59 {
        return None;
    }
    let minutes = i16::try_from(hour.saturating_mul(60).saturating_add(minute)).ok()?;
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(minutes.saturating_neg()),
        _ => None,
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// By the proleptic Gregorian calendar.
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let before = i64::from(year).saturating_sub(1);
    let leaps = |years: i64| {
        years.div_euclid(4).saturating_sub(years.div_euclid(100)).saturating_add(years.div_euclid(400))
    };
    let years = i64::from(year)
        .saturating_sub(1970)
        .saturating_mul(365)
        .saturating_add(leaps(before))
        .saturating_sub(leaps(1969));
    let months: u32 = (1..month).map(|month| days_of(year, month)).sum();
    years.saturating_add(i64::from(months)).saturating_add(i64::from(day)).saturating_sub(1)
}
