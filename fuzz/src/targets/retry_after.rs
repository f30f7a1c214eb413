//! `Retry-After` and dates. Two lines: `Retry-After`, and `Date` where there is a second one.
//!
//! The oracle reads them by the grammar of RFC 9110, sections 5.6.7 and 10.2.3, and counts days one by one. A strategy must
//! not retry earlier than asked.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use midil_http_core::{
    Attempt, BoxFuture, Outcome, Request, RetryDecision, RetryStrategy, Runtime, retry_after,
};
use midil_retry::DefaultRetryStrategy;

use super::input::Input;

/// In January 2027.
const NOW: Duration = Duration::from_secs(1_800_000_000);

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let Some(asked) = input.header() else { return };
    let date = if input.is_over() { None } else { input.header() };

    let mut headers = HeaderMap::new();
    let expected = wait(&asked, date.as_ref());
    headers.insert(header::RETRY_AFTER, asked);
    headers.extend(date.map(|date| (header::DATE, date)));
    let found = retry_after(&headers, || SystemTime::UNIX_EPOCH + NOW);
    assert_eq!(found, expected, "{headers:?}");

    is_obeyed(headers);
}

/// Whether the strategy waits for as long as it was asked to, and gives up where that is too long.
fn is_obeyed(headers: HeaderMap) {
    let (strategy, request) = &*STRATEGY;
    let (mut parts, ()) = http::Response::new(()).into_parts();
    (parts.status, parts.headers) = (StatusCode::SERVICE_UNAVAILABLE, headers);
    let attempt = Attempt::new(request.head(), Outcome::Response(&parts)).on(&Standing);
    let asked = attempt.retry_after().unwrap_or_default();
    match strategy.decide(&attempt) {
        RetryDecision::Retry { after } => assert!(after >= asked, "{after:?} {asked:?}"),
        RetryDecision::GiveUp { .. } => assert!(asked > Duration::from_secs(54), "{asked:?}"),
        other => panic!("a 503 is not accepted: {other:?}"),
    }
}

static STRATEGY: LazyLock<(DefaultRetryStrategy, Request)> = LazyLock::new(|| {
    let strategy = DefaultRetryStrategy::builder().no_budget().build().unwrap();
    (strategy, Request::get("https://api.test/").unwrap())
});

/// A runtime whose time stands still.
struct Standing;

impl Runtime for Standing {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn spawn(&self, _: BoxFuture<'static, ()>) {}
}

fn wait(asked: &HeaderValue, date: Option<&HeaderValue>) -> Option<Duration> {
    let text =
        |value: &HeaderValue| Some(value.to_str().ok()?.trim_matches([' ', '\t']).to_owned());
    let asked = text(asked)?;
    if !asked.is_empty() && asked.chars().all(|digit| digit.is_ascii_digit()) {
        let add = |sum: u64, digit: char| {
            sum.saturating_mul(10).saturating_add(u64::from(digit) - u64::from('0'))
        };
        return Some(Duration::from_secs(asked.chars().fold(0, add)));
    }
    let until = seconds_of(&asked)?;
    let from = date.and_then(text).and_then(|date| seconds_of(&date)).unwrap_or(NOW.as_secs());
    Some(Duration::from_secs(until.saturating_sub(from)))
}

const DAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Since 1970, of a date in one of the three forms whose weekday is right.
///
/// As the parser in use, this knows no leap seconds, takes years of two digits for those from 1970 to 2069, and whatever
/// character is between such a year and the time.
fn seconds_of(date: &str) -> Option<u64> {
    let mut date = date.to_owned();
    let old_form = date.split_once(", ").is_some_and(|(weekday, _)| DAYS.contains(&weekday));
    let after_year = date.find(", ").filter(|_| old_form && date.is_ascii()).map(|at| at + 11);
    if let Some(at) = after_year.filter(|at| *at < date.len()) {
        date.replace_range(at..=at, " ");
    }
    let words: Vec<&str> = date.split(' ').collect();
    let (weekday, day, month, year, time) = match words[..] {
        [weekday, day, month, year, time, "GMT"] => {
            let weekday = DAYS.iter().position(|day| weekday == format!("{},", &day[..3]))?;
            (weekday, number(day, 2)?, month, number(year, 4)?, time)
        }
        [weekday, date, time, "GMT"] => {
            let weekday = DAYS.iter().position(|day| weekday == format!("{day},"))?;
            let [day, month, year] = date.split('-').collect::<Vec<_>>()[..] else { return None };
            let year = number(year, 2)?;
            let year = if year < 70 { year + 2000 } else { year + 1900 };
            (weekday, number(day, 2)?, month, year, time)
        }
        [weekday, month, day, time, year] => {
            (short(weekday)?, number(day, 2)?, month, number(year, 4)?, time)
        }
        [weekday, month, "", day, time, year] => {
            (short(weekday)?, number(day, 1)?, month, number(year, 4)?, time)
        }
        _ => return None,
    };
    let [hours, minutes, seconds] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let (hours, minutes, seconds) = (number(hours, 2)?, number(minutes, 2)?, number(seconds, 2)?);
    let month = MONTHS.iter().position(|known| *known == month)?;
    if year < 1970 || day < 1 || day > length(month, year) || hours > 23 {
        return None;
    }
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let years = (1970..year).map(|year| (0..12).map(|month| length(month, year)).sum::<u64>());
    let months = (0..month).map(|month| length(month, year));
    let days = years.sum::<u64>() + months.sum::<u64>() + day - 1;
    let is_right = usize::try_from(days % 7) == Ok(weekday);
    is_right.then_some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

fn short(weekday: &str) -> Option<usize> {
    DAYS.iter().position(|day| weekday == &day[..3])
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

fn length(month: usize, year: u64) -> u64 {
    match month {
        1 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}
