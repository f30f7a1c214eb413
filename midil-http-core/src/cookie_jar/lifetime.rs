//! When a cookie expires: `Max-Age` and `Expires`.
//!
//! Read here and not by the cookie crate, which takes an empty `Max-Age` for 292 billion years and knows four forms of a
//! date where [RFC 6265, section 5.1.1] has an algorithm that reads many more. A date that is not read makes a cookie that
//! was to be deleted one that stays.
//!
//! [RFC 6265, section 5.1.1]: https://www.rfc-editor.org/rfc/rfc6265#section-5.1.1

use std::time::{Duration, SystemTime};

/// The longest that a cookie lives: 400 days, as RFC 6265bis has it.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// When the cookie of a `Set-Cookie` line expires; `None` when it lives as long as the session. What has expired is long
/// past.
pub(super) fn expires(line: &str, now: SystemTime) -> Option<SystemTime> {
    let max_age = attributes(line, "max-age").filter_map(seconds).last();
    let at = match max_age {
        Some(Duration::ZERO) => SystemTime::UNIX_EPOCH,
        Some(age) => now.checked_add(age.min(LONGEST))?,
        None => attributes(line, "expires").filter_map(date).last()?,
    };
    now.checked_add(LONGEST).map(|latest| at.min(latest))
}

/// The values of an attribute. The last that makes sense counts.
fn attributes<'a>(line: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    line.split(';')
        .skip(1)
        .filter_map(|attribute| attribute.split_once('='))
        .filter(move |(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A `Max-Age`: digits; with a minus before them they are past.
fn seconds(value: &str) -> Option<Duration> {
    let (past, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = if past { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    Some(Duration::from_secs(seconds))
}

/// A date by RFC 6265, section 5.1.1: its parts in any order, anything between them.
fn date(text: &str) -> Option<SystemTime> {
    let is_delimiter =
        |byte: &u8| matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e);
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.as_bytes().split(|byte| is_delimiter(byte)).filter(|part| !part.is_empty()) {
        if time.is_none() && time_of_day(token).is_some() {
            time = time_of_day(token);
        } else if day.is_none() && number(token, 1..=2).is_some() {
            day = number(token, 1..=2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() {
            year = number(token, 2..=4);
        }
    }
    let (time, day, month) = (time?, day?, month?);
    let year = match year? {
        short @ 70..=99 => short + 1900,
        short @ 0..=69 => short + 2000,
        year => year,
    };
    if year < 1601 || day < 1 || day > days_in(month, year) {
        return None;
    }
    let days = days_since_1970(year, month, day);
    // What was before 1970 has expired as much as what was then.
    let seconds = u64::try_from(days * 86_400 + time).unwrap_or_default();
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// So many digits, and nothing or anything but a digit behind them.
fn number(token: &[u8], length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !length.contains(&digits) {
        return None;
    }
    std::str::from_utf8(&token[..digits]).ok()?.parse().ok()
}

/// `hh:mm:ss`, as seconds.
fn time_of_day(token: &[u8]) -> Option<i64> {
    let mut fields = token.splitn(3, |byte| *byte == b':');
    let mut field = |limit: i64, whole: bool| {
        let field = fields.next()?;
        let value = number(field, 1..=2)?;
        let clean = !whole || field.iter().all(u8::is_ascii_digit);
        (clean && value < limit).then_some(value)
    };
    let (hours, minutes, seconds) = (field(24, true)?, field(60, true)?, field(60, false)?);
    Some(hours * 3600 + minutes * 60 + seconds)
}

/// 1 for January: the first three letters tell.
fn month_of(token: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let start = token.get(..3)?;
    (1..).zip(MONTHS).find(|(_, month)| start.eq_ignore_ascii_case(month)).map(|(number, _)| number)
}

const fn days_in(month: i64, year: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days of the Gregorian calendar, counted in years that begin in March, so that the leap day is the last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<u64> {
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        date(text).map(|time| since(time).as_secs())
    }

    #[test]
    fn the_dates_of_real_servers_are_read() {
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "Wed, 21-Oct-2015 07:28:00 GMT",
            "21 Oct 2015 7:28:00",
            "Wed Oct 21 2015 07:28:00 GMT+0000 (UTC)",
            "wed, 21 OCTOBER 2015 07:28:00 utc",
            "2015 Oct 21 07:28:00",
            "07:28:00 21 oct 2015",
            "21/Oct/2015-07:28:00.123",
        ] {
            assert_eq!(at(text), Some(1_445_412_480), "{text}");
        }
        assert_eq!(at("Thu, 1 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(at("Thu, 01-Jan-70 00:00:10 GMT"), Some(10));
        assert_eq!(at("Mon, 01 Jan 1601 00:00:00 GMT"), Some(0));
        assert_eq!(at("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(at("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
        assert_eq!(at("1 Jan 69 00:00:00"), at("1 Jan 2069 00:00:00"));
    }

    /// A whole calendar against another implementation.
    #[test]
    fn they_are_those_of_httpdate() {
        for day in 0..60_000_u64 {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + day % 86_400);
            assert_eq!(date(&httpdate::fmt_http_date(time)), Some(time));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "tomorrow",
            "Wed, 32 Oct 2015 07:28:00 GMT",
            "30 Feb 2015 07:28:00",
            "29 Feb 2100 07:28:00",
            "0 Oct 2015 07:28:00",
            "21 Oct 1600 07:28:00",
            "21 Oct 2015 24:00:00",
            "21 Oct 2015 07:60:00",
            "21 Oct 2015 07:28:60",
            "21 Oct 2015 07:28",
            "21 Oct 20155 07:28:00",
            "21 Oct 2015",
            "Oct 2015 07:28:00",
            "21 2015 07:28:00",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn max_age_is_stronger_than_expires() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let from_now = |seconds| Some(now + Duration::from_secs(seconds));
        let past = Some(SystemTime::UNIX_EPOCH);
        for (attributes, expected) in [
            ("", None),
            ("; Max-Age=60", from_now(60)),
            ("; max-age = 60 ", from_now(60)),
            ("; Max-Age=0", past),
            ("; Max-Age=-1", past),
            ("; Max-Age=-99999999999999999999999", past),
            ("; Max-Age=99999999999999999999999", from_now(LONGEST.as_secs())),
            ("; Max-Age=60; Expires=Thu, 1 Jan 1970 00:00:00 GMT", from_now(60)),
            ("; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=0", past),
            ("; Expires=Thu, 1 Jan 1970 00:00:00 GMT", past),
            ("; Expires=Fri, 31 Dec 9999 23:59:59 GMT", from_now(LONGEST.as_secs())),
            ("; Max-Age=60; Max-Age=70", from_now(70)),
            // What makes no sense is ignored.
            ("; Max-Age=", None),
            ("; Max-Age", None),
            ("; Max-Age=+60", None),
            ("; Max-Age=1.5", None),
            ("; Max-Age=-", None),
            ("; Max-Age=60; Max-Age=x", from_now(60)),
            ("; Expires=soon", None),
        ] {
            assert_eq!(expires(&format!("a=b{attributes}"), now), expected, "{attributes}");
        }
        assert_eq!(expires("max-age=60", now), None); // the name of the cookie
    }
}
