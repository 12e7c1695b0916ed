use std::fmt;

use super::lex::Lexer;

/// The date-time of a trace field (RFC 5322 s 3.3): plain numbers, no clock.
///
/// Always a real date of the years 1900 to 9999. Written with seconds, day name and numeric zone, whatever it was
/// parsed from (RFC 5321 s 4.4 forbids the obsolete forms).
///
/// ```
/// use mail46_smtp::trace::{DateTime, Zone};
/// let date = DateTime::from_unix(1_257_393_668, Zone::Offset { minutes: 480 }).unwrap();
/// assert_eq!(date.to_string(), "Thu, 5 Nov 2009 12:01:08 +0800");
/// assert_eq!(DateTime::parse(b"5 Nov 09 04:01:08 GMT").unwrap().to_unix(), date.to_unix());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    zone: Zone,
}

/// Where the clock of a [`DateTime`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // RFC 5322 s 3.3 has two
pub enum Zone {
    /// East of Universal Time by so many minutes; west if negative. `+0800` is 480.
    Offset {
        /// Minutes, from -5999 to 5999 (`4DIGIT`).
        minutes: i16,
    },
    /// `-0000`: Universal Time, and nothing known of the local one.
    Unknown,
}

impl Zone {
    fn minutes(self) -> i64 {
        match self {
            Self::Offset { minutes } => i64::from(minutes),
            Self::Unknown => 0,
        }
    }
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_OF_DAY: i64 = 86_400;

impl DateTime {
    /// The date and time of day as the zone's clock shows it; `None` if there is no such (RFC 5322 s 3.3). The
    /// second may be 60.
    pub fn new(date: (u16, u8, u8), time: (u8, u8, u8), zone: Zone) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        let zone_ok = match zone {
            Zone::Offset { minutes } => (-5999..=5999).contains(&minutes),
            Zone::Unknown => true,
        };
        let ok = (1900..=9999).contains(&year)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60
            && zone_ok;
        ok.then_some(Self { year, month, day, hour, minute, second, zone })
    }

    /// The same from seconds since 1970-01-01 00:00:00 UTC; `None` outside the years 1900 to 9999.
    pub fn from_unix(seconds: i64, zone: Zone) -> Option<Self> {
        let local = seconds.checked_add(zone.minutes().checked_mul(60)?)?;
        let (year, month, day) = civil(local.div_euclid(SECONDS_OF_DAY))?;
        let of_day = local.rem_euclid(SECONDS_OF_DAY);
        let time = (u8_of(of_day / 3600)?, u8_of(of_day / 60 % 60)?, u8_of(of_day % 60)?);
        Self::new((year, month, day), time, zone)
    }

    /// Seconds since 1970-01-01 00:00:00 UTC. A second 60 is the first of the next minute, as POSIX counts.
    pub fn to_unix(&self) -> i64 {
        let (hour, minute, second) = self.time();
        let of_day = i64::from(hour)
            .saturating_mul(60)
            .saturating_add(i64::from(minute))
            .saturating_sub(self.zone.minutes());
        self.day_number()
            .saturating_mul(SECONDS_OF_DAY)
            .saturating_add(of_day.saturating_mul(60))
            .saturating_add(i64::from(second))
    }

    /// Parses what stands behind the `;` of a `Received` field, with the strays of real ones: no or a wrong day
    /// name, no seconds, years of two and three digits, zones by name, no zone, comments anywhere, month before day.
    ///
    /// A zone whose meaning is not known is [`Zone::Unknown`], military letters included (RFC 5322 s 4.3). `None` if
    /// it is no date.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut words = Lexer::new(text)
            .words()
            .flat_map(|word| word.split(|octet| *octet == b','))
            .filter(|w| !w.is_empty());
        let mut word = words.next()?;
        if name_index(&DAYS, word).is_some() {
            word = words.next()?;
        }
        // `Thu Nov  5 12:01:08 2009`: as C's asctime, which some old programs write.
        let (month, day, asctime) = match name_index(&MONTHS, word) {
            Some(month) => (month, number(words.next()?, 2)?, true),
            None => (name_index(&MONTHS, words.next()?)?, number(word, 2)?, false),
        };
        let mut word = words.next()?;
        let mut year = None;
        if !asctime || !word.contains(&b':') {
            year = Some(year_of(word)?);
            word = words.next()?;
        }
        let time = time_of_day(word)?;
        let mut zone = words.next();
        if year.is_none() {
            // The zone, if any, comes before or behind the year.
            let (first, second) = (zone?, words.next());
            (year, zone) = match (year_of(first), second) {
                (Some(year), second) => (Some(year), second),
                (None, Some(second)) => (Some(year_of(second)?), Some(first)),
                (None, None) => return None,
            };
        }
        let month = u8::try_from(month).ok()?.checked_add(1)?;
        Self::new((year?, month, u8::try_from(day).ok()?), time, zone.map_or(Zone::Unknown, zone_of))
    }

    /// Year, month from 1, day from 1.
    pub fn date(&self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Hour, minute, second.
    pub fn time(&self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// The zone.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Days since 1970-01-01 in local time (days_from_civil of the proleptic Gregorian calendar).
    fn day_number(&self) -> i64 {
        let month = i64::from(self.month);
        let (year, month) = if month <= 2 {
            (i64::from(self.year).saturating_sub(1), month.saturating_add(9))
        } else {
            (i64::from(self.year), month.saturating_sub(3))
        };
        // March is month 0, so that the leap day is the last day of a year.
        let of_year = (month.saturating_mul(153).saturating_add(2) / 5)
            .saturating_add(i64::from(self.day))
            .saturating_sub(1);
        year.saturating_mul(365)
            .saturating_add(year / 4)
            .saturating_sub(year / 100)
            .saturating_add(year / 400)
            .saturating_add(of_year)
            .saturating_sub(719_468)
    }

    /// `Mon` to `Sun`.
    pub fn day_name(&self) -> &'static str {
        // 1970-01-01 was a Thursday.
        let index = self.day_number().saturating_add(3).rem_euclid(7);
        usize::try_from(index).ok().and_then(|index| DAYS.get(index)).copied().unwrap_or_default()
    }
}

impl fmt::Display for DateTime {
    /// `day-name "," SP day SP month SP year SP time-of-day SP zone`, single spaces (RFC 5322 s 3.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS.get(usize::from(self.month).saturating_sub(1)).copied().unwrap_or_default();
        let Self { year, day, hour, minute, second, .. } = self;
        write!(f, "{}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} ", self.day_name())?;
        match self.zone {
            Zone::Unknown => f.write_str("-0000"),
            Zone::Offset { minutes } => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                write!(f, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(day: i64) -> Option<(u16, u8, u8)> {
    // RFC 3339 app. B counts the same way backwards; eras of 400 years from 1 March of year 0.
    let day = day.checked_add(719_468)?;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let leap_days = (of_era / 1460).checked_sub(of_era / 36_524)?.checked_add(of_era / 146_096)?;
    let year_of_era = of_era.checked_sub(leap_days)? / 365;
    let before =
        year_of_era.checked_mul(365)?.checked_add(year_of_era / 4)?.checked_sub(year_of_era / 100)?;
    let of_year = of_era.checked_sub(before)?;
    let march = of_year.checked_mul(5)?.checked_add(2)? / 153;
    let day = of_year.checked_sub(march.checked_mul(153)?.checked_add(2)? / 5)?.checked_add(1)?;
    let (month, next) = if march < 10 { (march.checked_add(3)?, 0) } else { (march.checked_sub(9)?, 1) };
    let year = era.checked_mul(400)?.checked_add(year_of_era)?.checked_add(next)?;
    Some((u16::try_from(year).ok()?, u8_of(month)?, u8_of(day)?))
}

fn u8_of(number: i64) -> Option<u8> {
    u8::try_from(number).ok()
}

/// The index of a name by its first three letters, in any case (`Sept`, `November`).
fn name_index(names: &[&str], word: &[u8]) -> Option<usize> {
    let head = word.get(..3)?;
    if !word.iter().all(|octet| octet.is_ascii_alphabetic() || *octet == b'.') {
        return None;
    }
    names.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(head))
}

fn number(digits: &[u8], max: usize) -> Option<u16> {
    if digits.is_empty() || digits.len() > max || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn year_of(word: &[u8]) -> Option<u16> {
    let year = number(word, 4)?;
    match word.len() {
        // RFC 5322 s 4.3
        2 if year < 50 => year.checked_add(2000),
        2 | 3 => year.checked_add(1900),
        4 => Some(year),
        _ => None,
    }
}

fn time_of_day(word: &[u8]) -> Option<(u8, u8, u8)> {
    let mut parts = word.split(|octet| *octet == b':');
    let mut part = || parts.next().map(|digits| number(digits, 2).and_then(|part| u8::try_from(part).ok()));
    let (hour, minute, second) = (part()??, part()??, part().unwrap_or(Some(0))?);
    parts.next().is_none().then_some((hour, minute, second))
}

/// `( "+" / "-" ) 4DIGIT / obs-zone`, and `+08:00`.
fn zone_of(word: &[u8]) -> Zone {
    numeric_zone(word).or_else(|| named_zone(word)).unwrap_or(Zone::Unknown)
}

fn numeric_zone(word: &[u8]) -> Option<Zone> {
    let (sign, digits) = match word.split_first()? {
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(b":").unwrap_or(minutes);
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2).filter(|_| minutes.len() == 2)?);
    if minutes > 59 {
        return None;
    }
    let offset = i16::try_from(hours.checked_mul(60)?.checked_add(minutes)?).ok()?.checked_mul(sign)?;
    // RFC 5322 s 3.3: -0000 tells nothing of the local time.
    Some(if offset == 0 && sign < 0 { Zone::Unknown } else { Zone::Offset { minutes: offset } })
}

/// RFC 5322 s 4.3; and `UTC`, which everyone means by it.
fn named_zone(word: &[u8]) -> Option<Zone> {
    let rows: &[(&str, i16)] = &[
        ("UT", 0),
        ("GMT", 0),
        ("UTC", 0),
        ("EDT", -4),
        ("EST", -5),
        ("CDT", -5),
        ("CST", -6),
        ("MDT", -6),
        ("MST", -7),
        ("PDT", -7),
        ("PST", -8),
    ];
    let (_, hours) = rows.iter().find(|row| row.0.as_bytes().eq_ignore_ascii_case(word))?;
    Some(Zone::Offset { minutes: hours.saturating_mul(60) })
}
