//! What counts as a wait, and how long it is.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn asked(value: &'static str, date: Option<&'static str>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
    if let Some(date) = date {
        headers.insert(header::DATE, HeaderValue::from_static(date));
    }
    // Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
    retry_after(&headers, || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
}

#[test]
fn seconds() {
    assert_eq!(asked("120", None), Some(Duration::from_secs(120)));
    assert_eq!(asked("0", None), Some(Duration::ZERO));
    assert_eq!(asked(" 7 ", None), Some(Duration::from_secs(7)));
    assert_eq!(asked("99999999999999999999999999", None), Some(Duration::from_secs(u64::MAX)));
}

#[test]
fn the_three_forms_of_a_date() {
    for date in [
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994",
    ] {
        assert_eq!(asked(date, None), Some(Duration::from_secs(60)), "{date}");
    }
}

#[test]
fn a_skewed_clock_cancels_out() {
    let skewed = asked("Sun, 06 Nov 2044 08:49:42 GMT", Some("Sun, 06 Nov 2044 08:49:37 GMT"));
    assert_eq!(skewed, Some(Duration::from_secs(5)));
    let bad_date = asked("Sun, 06 Nov 1994 08:50:37 GMT", Some("yesterday"));
    assert_eq!(
        bad_date,
        Some(Duration::from_secs(60)),
        "a Date that is no date is as good as none"
    );
}

#[test]
fn the_past_is_now() {
    assert_eq!(asked("Sun, 06 Nov 1994 08:49:36 GMT", None), Some(Duration::ZERO));
}

#[test]
fn garbage_is_absent() {
    for garbage in
        ["", " ", "-1", "+1", "1.5", "1e3", "soon", "0x10", "1, 2", "Sun, 99 Nov 1994 08:49:37 GMT"]
    {
        assert_eq!(asked(garbage, None), None, "{garbage:?}");
    }
}

/// The last second that all three forms can tell: two digits of a year reach from 1970 to 2069.
const LAST: u64 = 3_155_759_999;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A date in each of its forms, made of the preferred one.
fn forms(seconds: u64) -> [String; 3] {
    let preferred = httpdate::fmt_http_date(at(seconds));
    let words: Vec<&str> = preferred.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [weekday, day, month, year, time, _] = words[..] else { panic!("{preferred}") };
    let long = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let long = long.into_iter().find(|name| name.starts_with(weekday)).expect("a day of the week");
    let obsolete = format!("{long}, {day}-{month}-{} {time} GMT", &year[2..]);
    let padded = day.trim_start_matches('0');
    let asctime = format!("{weekday} {month} {padded:>2} {time} {year}");
    [preferred, obsolete, asctime]
}

fn wait(value: &str, date: Option<&str>, now: u64) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, value.parse().expect("a valid value"));
    if let Some(date) = date {
        headers.insert(header::DATE, date.parse().expect("a valid value"));
    }
    retry_after(&headers, || at(now))
}

proptest! {
    #[test]
    fn digits_are_seconds_however_many(number: u64, zeros in 0..30_usize, more in "[0-9]{21,40}") {
        let text = format!("{}{number}", "0".repeat(zeros));
        prop_assert_eq!(wait(&text, None, 0), Some(Duration::from_secs(number)));
        let huge = format!("1{more}");
        prop_assert_eq!(wait(&huge, None, 0), Some(Duration::from_secs(u64::MAX)));
    }

    /// Nine combinations of forms, and clocks that are off by up to a hundred years.
    #[test]
    fn the_wait_is_the_time_between_the_dates_in_whatever_form(
        sent in 0..=LAST,
        due in 0..=LAST,
        now in 0..=LAST,
    ) {
        let asked = Duration::from_secs(due.saturating_sub(sent));
        for due in forms(due) {
            for sent in forms(sent) {
                prop_assert_eq!(wait(&due, Some(&sent), now), Some(asked), "{} {}", due, sent);
            }
        }
    }

    #[test]
    fn without_a_date_our_own_clock_counts(due in 0..=LAST, now in 0..=LAST) {
        let asked = Duration::from_secs(due.saturating_sub(now));
        for due in forms(due) {
            prop_assert_eq!(wait(&due, None, now), Some(asked), "{}", due);
            prop_assert_eq!(wait(&due, Some("no date"), now), Some(asked), "{}", due);
        }
    }

    #[test]
    fn what_is_neither_digits_nor_a_date_is_absent(text in "[ -~]{0,40}") {
        let value = text.trim();
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let known = digits || httpdate::parse_http_date(value).is_ok();
        prop_assert_eq!(wait(&text, None, 0).is_some(), known);
    }

    #[test]
    fn a_number_with_anything_before_or_behind_it_is_absent(
        number: u64,
        before in "[-+.eEx,;a-zA-Z]{0,3}",
        behind in "[-+.eEx,;a-zA-Z]{1,3}",
    ) {
        prop_assert_eq!(wait(&format!("{before}{number}{behind}"), None, 0), None);
    }

    /// Bytes that are no text, too.
    #[test]
    fn no_value_is_a_panic(value: Vec<u8>, date: Vec<u8>) {
        let mut headers = HeaderMap::new();
        for (name, bytes) in [(header::RETRY_AFTER, value), (header::DATE, date)] {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert(name, value);
            }
        }
        let _any = retry_after(&headers, || at(0));
    }
}

#[test]
fn the_first_of_several_counts() {
    let mut headers = HeaderMap::new();
    for value in ["3", "9"] {
        headers.append(header::RETRY_AFTER, HeaderValue::from_static(value));
    }
    assert_eq!(retry_after(&headers, || at(0)), Some(Duration::from_secs(3)));
}
