//! Dates: of SEARCH, and of INTERNALDATE and APPEND.

use std::fmt;

use crate::cursor::{Cursor, Keep, Result};
use crate::mode::Quirk;
use crate::writer::Writer;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// ```text
/// date       = date-text / DQUOTE date-text DQUOTE
/// date-text  = date-day "-" date-month "-" date-year
/// date-day   = 1*2DIGIT
/// date-year  = 4DIGIT
/// ```
///
/// A day that there is; compared by the calendar, written in the form that it was read in.
///
/// ```
/// use mail46_imap_core::Date;
///
/// let date = Date::new(1994, 2, 1).unwrap();
/// assert_eq!(date.to_string(), "1-Feb-1994");
/// assert_eq!(Date::parse(b"\"01-feb-1994\"")?, date);
/// assert!(Date::new(2023, 2, 29).is_none());
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
    form: Form,
}

/// How a date was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bare,
    BareTwoDigits,
    Quoted,
    QuotedTwoDigits,
}

impl Date {
    /// `None` if there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        is_day(year, month, day).then_some(Self { year, month, day, form: Form::Bare })
    }

    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &[u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read)
    }

    pub(crate) fn read<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self> {
        let text = c.rest();
        let (is_quoted, text) = match text.split_first() {
            Some((b'"', text)) => (true, text),
            _ => (false, text),
        };
        let Some((day, text)) = digits_of(text, 2).or_else(|| digits_of(text, 1)) else {
            return Err(c.fault("a date"));
        };
        let read = c.rest().len().saturating_sub(text.len()).saturating_sub(usize::from(is_quoted));
        let two_digits = read == 2;
        let read = || {
            let (month, text) = month(text.strip_prefix(b"-")?)?;
            let (year, text) = digits_of(text.strip_prefix(b"-")?, 4)?;
            let text = if is_quoted { text.strip_prefix(b"\"")? } else { text };
            Some((year, month, text.len()))
        };
        let Some((year, month, left)) = read() else { return Err(c.fault("a date")) };
        let form = match (is_quoted, two_digits) {
            (false, false) => Form::Bare,
            // Ten to thirty-one have two digits anyhow.
            (false, true) if day < 10 => Form::BareTwoDigits,
            (false, true) => Form::Bare,
            (true, true) if day < 10 => Form::QuotedTwoDigits,
            (true, _) => Form::Quoted,
        };
        let day = u8::try_from(day).unwrap_or(0);
        if !is_day(year, month, day) {
            return Err(c.fault("a day of the calendar"));
        }
        c.take(c.rest().len().saturating_sub(left));
        Ok(Self { year, month, day, form })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01.
    pub fn days_since_epoch(self) -> i64 {
        days_since_epoch(self.year, self.month, self.day)
    }

    pub(crate) fn write(self, out: &mut Writer<'_>) {
        let is_quoted = matches!(self.form, Form::Quoted | Form::QuotedTwoDigits);
        if is_quoted {
            out.put(b"\"");
        }
        if self.day >= 10 || matches!(self.form, Form::BareTwoDigits | Form::QuotedTwoDigits) {
            out.put(&[digit(u16::from(self.day) / 10)]);
        }
        out.put(&[digit(u16::from(self.day) % 10), b'-']);
        out.put(month_name(self.month));
        out.put(b"-");
        out.put(&four(self.year));
        if is_quoted {
            out.put(b"\"");
        }
    }

    fn key(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }
}

impl PartialEq for Date {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Date {}

impl PartialOrd for Date {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Date {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for Date {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = std::str::from_utf8(month_name(self.month)).unwrap_or_default();
        write!(f, "{}-{month}-{:04}", self.day, self.year)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Date({self})")
    }
}

/// ```text
/// date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
/// date-day-fixed = (SP DIGIT) / 2DIGIT
/// time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
/// zone           = ("+" / "-") 4DIGIT
/// ```
///
/// ```
/// use mail46_imap_core::DateTime;
///
/// let date = DateTime::parse(b"\"17-Jul-1996 02:44:25 -0700\"")?;
/// assert_eq!(date.to_unix(), 837_596_665);
/// assert_eq!(DateTime::from_unix(837_596_665, -420), Some(date));
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Hours and minutes, as they are written.
    zone: u16,
    is_west: bool,
    is_padded_with_zero: bool,
}

impl DateTime {
    /// A moment, by seconds since 1970-01-01 00:00:00 UTC, as a clock shows it that many minutes east of Greenwich.
    /// `None` if its year has not four digits, or the offset is a day or more.
    pub fn from_unix(seconds: i64, east: i16) -> Option<Self> {
        let minutes = east.unsigned_abs();
        if minutes >= 1440 {
            return None;
        }
        let local = seconds.checked_add(i64::from(east).checked_mul(60)?)?;
        let (days, of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil(days)?;
        Some(Self {
            year,
            month,
            day,
            hour: u8::try_from(of_day / 3600).ok()?,
            minute: u8::try_from(of_day / 60 % 60).ok()?,
            second: u8::try_from(of_day % 60).ok()?,
            zone: (minutes / 60).checked_mul(100)?.checked_add(minutes % 60)?,
            is_west: east < 0,
            is_padded_with_zero: false,
        })
    }

    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &[u8]) -> Result<Self> {
        Cursor::whole(octets, Self::read)
    }

    #[inline]
    pub(crate) fn read<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self> {
        if let Some((text, _)) = c.rest().split_first_chunk::<28>()
            && let Some(date) = Self::of_fixed(text)
        {
            c.take(28);
            return Ok(date);
        }
        Self::read_odd(c)
    }

    /// One digit for a day, and no zone or a short one.
    #[cold]
    fn read_odd<'a, B: Keep<'a>>(c: &mut Cursor<'a, B>) -> Result<Self> {
        let text = c.rest();
        let inner = text.strip_prefix(b"\"").unwrap_or_default();
        let Some(end) = inner.iter().position(|octet| *octet == b'"').filter(|end| *end <= 27) else {
            return Err(c.fault("a date and time"));
        };
        let inner = inner.get(..end).unwrap_or_default();
        // A day with one digit, and a year with more spaces than one behind it, are put right; then it must fit.
        let mut fixed = [b'"'; 28];
        let mut put = fixed.iter_mut().skip(1);
        let mut push = |octet| put.next().map(|place| *place = octet);
        let day = inner.iter().take_while(|octet| octet.is_ascii_digit()).count();
        if day == 1 {
            push(b' ');
        }
        let mut last = 0;
        for octet in inner {
            if !(*octet == b' ' && last == b' ') {
                push(*octet);
            }
            last = *octet;
        }
        if inner.len() < 24 {
            " +0000".bytes().for_each(|octet| {
                push(octet);
            });
        }
        match Self::of_fixed(&fixed) {
            Some(date) => {
                c.deviation(Quirk::DateForm, "a date and time")?;
                c.take(end.saturating_add(2));
                Ok(date)
            }
            None => Err(c.fault("a date and time")),
        }
    }

    #[inline]
    fn of_fixed(text: &[u8; 28]) -> Option<Self> {
        let two = |tens: u8, ones: u8| {
            let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
            (tens <= 9 && ones <= 9).then(|| tens.wrapping_mul(10).wrapping_add(ones))
        };
        let [
            b'"',
            d1,
            d2,
            b'-',
            m1,
            m2,
            m3,
            b'-',
            y1,
            y2,
            y3,
            y4,
            b' ',
            h1,
            h2,
            b':',
            n1,
            n2,
            b':',
            s1,
            s2,
            b' ',
            sign @ (b'+' | b'-'),
            z1,
            z2,
            z3,
            z4,
            b'"',
        ] = *text
        else {
            return None;
        };
        let day = if d1 == b' ' { two(b'0', d2)? } else { two(d1, d2)? };
        let (month, _) = month(&[m1, m2, m3])?;
        let year = u16::from(two(y1, y2)?).wrapping_mul(100).wrapping_add(u16::from(two(y3, y4)?));
        let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
        let (zone_hours, zone_minutes) = (two(z1, z2)?, two(z3, z4)?);
        // RFC 5322 s 3.3: a leap second is 60; hours and minutes of a zone are hours and minutes.
        if !is_day(year, month, day) || hour > 23 || minute > 59 || second > 60 || zone_minutes > 59 {
            return None;
        }
        Some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            zone: u16::from(zone_hours).wrapping_mul(100).wrapping_add(u16::from(zone_minutes)),
            is_west: sign == b'-',
            is_padded_with_zero: d1 == b'0',
        })
    }

    /// The day, as it is written.
    pub fn date(self) -> Date {
        Date { year: self.year, month: self.month, day: self.day, form: Form::Bare }
    }

    /// Hour, minute and second, as they are written.
    pub fn time(self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// Minutes east of Greenwich.
    pub fn east(self) -> i16 {
        let minutes = (self.zone / 100).saturating_mul(60).saturating_add(self.zone % 100);
        let minutes = i16::try_from(minutes).unwrap_or(i16::MAX);
        if self.is_west { minutes.saturating_neg() } else { minutes }
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub fn to_unix(self) -> i64 {
        let (hour, minute, second) = (i64::from(self.hour), i64::from(self.minute), i64::from(self.second));
        let of_day =
            hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
        let days = days_since_epoch(self.year, self.month, self.day).saturating_mul(86_400);
        days.saturating_add(of_day).saturating_sub(i64::from(self.east()).saturating_mul(60))
    }

    fn to_fixed(self) -> [u8; 28] {
        let [y1, y2, y3, y4] = four(self.year);
        let [z1, z2, z3, z4] = four(self.zone);
        let two = |value: u8| [digit(u16::from(value) / 10), digit(u16::from(value) % 10)];
        let ([d1, d2], [h1, h2]) = (two(self.day), two(self.hour));
        let ([n1, n2], [s1, s2]) = (two(self.minute), two(self.second));
        let d1 = if d1 == b'0' && !self.is_padded_with_zero { b' ' } else { d1 };
        let [m1, m2, m3] = *month_name(self.month);
        let sign = if self.is_west { b'-' } else { b'+' };
        [
            b'"', d1, d2, b'-', m1, m2, m3, b'-', y1, y2, y3, y4, b' ', h1, h2, b':', n1, n2, b':', s1, s2,
            b' ', sign, z1, z2, z3, z4, b'"',
        ]
    }

    pub(crate) fn write(self, out: &mut Writer<'_>) {
        out.put(&self.to_fixed());
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_fixed()).unwrap_or_default().trim_matches('"'))
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({self})")
    }
}

fn digit(value: u16) -> u8 {
    b'0'.wrapping_add((value % 10) as u8)
}

fn four(value: u16) -> [u8; 4] {
    [digit(value / 1000), digit(value / 100), digit(value / 10), digit(value)]
}

fn month_name(month: u8) -> &'static [u8; 3] {
    MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or(b"Jan")
}

/// A number of exactly that many digits, and what stands behind it.
fn digits_of(text: &[u8], count: usize) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let value = digits.iter().try_fold(0_u16, |value, octet| {
        octet.is_ascii_digit().then(|| value.wrapping_mul(10).wrapping_add(u16::from(octet & 15)))
    })?;
    Some((value, rest))
}

#[inline]
fn month(text: &[u8]) -> Option<(u8, &[u8])> {
    let (name, rest) = text.split_first_chunk::<3>()?;
    let month = match name.map(|octet| octet | 0x20) {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return None,
    };
    Some((month, rest))
}

fn is_day(year: u16, month: u8, day: u8) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    year <= 9999 && (1..=last).contains(&day)
}

/// Days since 1970-01-01 in the Gregorian calendar, years counted from March.
fn days_since_epoch(year: u16, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year).saturating_sub(i64::from(month <= 2));
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = month.saturating_add(9).rem_euclid(12);
    let of_year = from_march.saturating_mul(153).saturating_add(2) / 5;
    let leaps = (of_era / 4).saturating_sub(of_era / 100);
    era.saturating_mul(146_097)
        .saturating_add(of_era.saturating_mul(365))
        .saturating_add(leaps)
        .saturating_add(of_year)
        .saturating_add(day)
        .saturating_sub(719_469)
}

/// The day that many days after 1970-01-01; `None` if its year has not four digits.
fn civil(days: i64) -> Option<(u16, u8, u8)> {
    // The year is never further off than one from a year of 365.2425 days.
    let guess = days.saturating_mul(10_000).div_euclid(3_652_425).saturating_add(1970);
    let year = (guess.saturating_sub(1)..=guess.saturating_add(1)).rev().find_map(|year| {
        let year = u16::try_from(year).ok().filter(|year| *year <= 9999)?;
        (days_since_epoch(year, 1, 1) <= days).then_some(year)
    })?;
    let month = (1..=12_u8).rev().find(|month| days_since_epoch(year, *month, 1) <= days)?;
    let day = days.checked_sub(days_since_epoch(year, month, 1))?.checked_add(1)?;
    let day = u8::try_from(day).ok()?;
    is_day(year, month, day).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};
    use proptest::prelude::*;

    #[test]
    fn dates_keep_their_form_and_are_compared_by_the_calendar() {
        for text in ["1-Feb-1994", "01-Feb-1994", "\"1-Feb-1994\"", "\"01-Feb-1994\""] {
            let date = Date::parse(text.as_bytes()).unwrap();
            assert_eq!((date.year(), date.month(), date.day()), (1994, 2, 1));
            assert_eq!(date, Date::new(1994, 2, 1).unwrap());
            assert_eq!(written(|out| date.write(out)), text);
        }
        assert_eq!(written(|out| Date::parse(b"\"31-dec-9999\"").unwrap().write(out)), "\"31-Dec-9999\"");
        assert!(
            Date::new(1994, 2, 1) < Date::new(1994, 2, 2) && Date::new(1993, 12, 31) < Date::new(1994, 1, 1)
        );
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "1",
            "1-",
            "1-Feb",
            "1-Feb-",
            "1-Feb-94",
            "1-Feb-19945",
            "0-Feb-1994",
            "32-Jan-1994",
            "29-Feb-2023",
            "31-Apr-2024",
            "1-Foo-1994",
            "1 Feb 1994",
            "\"1-Feb-1994",
            "1-Feb-1994\"",
            "001-Feb-1994",
            "-1-Feb-1994",
            " 1-Feb-1994",
            "1-02-1994",
        ] {
            assert!(Date::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Date::parse(b"29-Feb-2000").is_ok() && Date::parse(b"29-Feb-1900").is_err());
    }

    #[test]
    fn moments() {
        // (text, seconds, minutes east, what it shows)
        for (text, unix, east, shows) in [
            ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420, "RFC 9051 s 7.5.2"),
            (" 1-Jan-1970 00:00:00 +0000", 0, 0, "the epoch; the day is padded"),
            ("01-Jan-1970 00:00:00 +0000", 0, 0, "or has two digits"),
            ("31-Dec-1969 23:59:59 +0000", -1, 0, "before it"),
            ("29-Feb-2024 23:59:60 +0530", 1_709_231_400, 330, "a leap second, an Indian zone"),
            (" 1-Jan-0001 00:00:00 -0000", -62_135_596_800, 0, "-0000 is kept"),
            ("31-Dec-9999 23:59:59 +9959", 253_402_300_799 - 99 * 3600 - 59 * 60, 99 * 60 + 59, "4DIGIT"),
        ] {
            let quoted = format!("\"{text}\"");
            let date = DateTime::parse(quoted.as_bytes()).unwrap();
            assert_eq!((date.to_unix(), date.east()), (unix, east), "{shows}");
            assert_eq!(written(|out| date.write(out)), quoted, "{shows}");
            assert_eq!(date.to_string(), text.trim_matches('"'), "{shows}");
        }
    }

    #[test]
    fn other_forms_are_read_where_they_are_let_pass() {
        let (strict, liberal) = (Mode::new(Profile::Strict), Mode::new(Profile::Liberal));
        // (text, what is written of it, what it shows)
        for (text, want, shows) in [
            ("\"1-Jan-2024 01:02:03 +0000\"", Some("\" 1-Jan-2024 01:02:03 +0000\""), "a day of one digit"),
            ("\"17-Jul-1996 02:44:25\"", Some("\"17-Jul-1996 02:44:25 +0000\""), "no zone"),
            ("\"17-Jul-1996  02:44:25 +0000\"", Some("\"17-Jul-1996 02:44:25 +0000\""), "two spaces"),
            ("\"31-Feb-2024 01:02:03 +0000\"", None, "no such day"),
            ("\"17-Jul-1996 24:00:00 +0000\"", None, "no such hour"),
            ("\"17-Jul-1996 02:60:00 +0000\"", None, "no such minute"),
            ("\"17-Jul-1996 02:44:25 +0060\"", None, "no such zone"),
            ("\"17-Jul-1996 02:44:25 0000\"", None, "no sign"),
            ("17-Jul-1996 02:44:25 +0000", None, "no quotes"),
            ("\"17-Jul-1996 02:44:25 +0000", None, "no end"),
            ("\"\"", None, "nothing"),
            ("NIL", None, "NIL is for others to read"),
        ] {
            assert!(DateTime::read(&mut Cursor::borrowed(text.as_bytes(), &strict)).is_err(), "{shows}");
            let mut c = Cursor::borrowed(text.as_bytes(), &liberal);
            let read = DateTime::read(&mut c);
            let is_whole = c.at_end();
            assert_eq!(read.ok().map(|date| written(|out| date.write(out))).as_deref(), want, "{shows}");
            assert!(want.is_none() || is_whole, "{shows}");
        }
    }

    proptest! {
        #[test]
        fn a_moment_comes_back(unix in -62_135_596_800_i64..253_402_300_000, east in -1439_i16..1440) {
            if let Some(date) = DateTime::from_unix(unix, east) {
                prop_assert_eq!(date.to_unix(), unix);
                prop_assert_eq!(date.east(), east);
                let text = format!("\"{date}\"");
                prop_assert_eq!(DateTime::parse(text.as_bytes()).unwrap(), date);
            }
        }
    }
}
