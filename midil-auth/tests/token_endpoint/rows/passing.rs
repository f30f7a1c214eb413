//! What may pass by itself: the way to the endpoint, and how busy it is.

use midil_http_core::{AuthErrorKind, Error, Sent, TransportErrorKind};
use midil_http_test::{ManualRuntime, Reply};

use AuthErrorKind::Unavailable;

use super::{BACKOFFS, ONE, Range, Row, busy, error, fine, token, transport};
use crate::bodies::{broken, endless, stalled};
use crate::{FINE, SECOND};

const DOWN: &str = "the token endpoint cannot be reached: check token_url and the way to it";
const FAILED: &str = "the token endpoint failed";
const LIMITS: &str = "the token endpoint limits how often it is asked";

pub(super) fn rows() -> Vec<Row> {
    on_the_way().into_iter().chain(busy_ones()).collect()
}

fn on_the_way() -> Vec<Row> {
    use Sent::{Maybe, No};
    use TransportErrorKind::{Connect, Dns, Protocol, Reset, Tls};
    let late = "there was no token within fetch_timeout (10.0s): is its authority up?";
    let halfway = |runtime: &ManualRuntime| {
        vec![transport(Connect, No), fine().delayed(9 * SECOND, runtime.clone())]
    };
    vec![
        error(
            "down: connection refused",
            |_| vec![transport(Connect, No)],
            BACKOFFS,
            Unavailable,
            DOWN,
        ),
        token("down, then fine", |_| vec![transport(Connect, No), fine()], ONE),
        error("no such host (DNS)", |_| vec![transport(Dns, No)], BACKOFFS, Unavailable, DOWN),
        error("certificate or TLS", |_| vec![transport(Tls, No)], &[], Unavailable, DOWN),
        error(
            "reset before the head",
            |_| vec![transport(Reset, Maybe)],
            BACKOFFS,
            Unavailable,
            DOWN,
        ),
        token("reset before the head, then fine", |_| vec![transport(Reset, Maybe), fine()], ONE),
        error(
            "bytes that are no HTTP",
            |_| vec![transport(Protocol, Maybe)],
            BACKOFFS,
            Unavailable,
            DOWN,
        ),
        error(
            "a transport that fails in its own way",
            |_| vec![Reply::error(|| Error::custom("it failed"))],
            &[],
            Unavailable,
            DOWN,
        ),
        token(
            "slow: answers after 9 s",
            |runtime| vec![fine().delayed(9 * SECOND, runtime.clone())],
            &[],
        )
        .took(9000, 9000),
        token("down, then slow: 9 s", halfway, ONE).took(9000, 9200),
        error("slow: never answers", |_| vec![Reply::pending()], &[], Unavailable, late)
            .took(10_000, 10_000),
        error(
            "slow: 4 s for each refusal",
            |runtime| vec![transport(Connect, No).delayed(4 * SECOND, runtime.clone())],
            &[(4000, 4200), (4000, 4400)],
            Unavailable,
            late,
        )
        .took(10_000, 10_000),
        error(
            "body that never ends, and never comes",
            |_| vec![Reply::ok().body(stalled())],
            &[],
            Unavailable,
            late,
        )
        .took(10_000, 10_000),
        token(
            "truncated body, twice, then fine",
            |_| vec![Reply::ok().body(broken(FINE)), Reply::ok().body(broken(FINE)), fine()],
            BACKOFFS,
        ),
        error(
            "truncated body, always",
            |_| vec![Reply::ok().body(broken(FINE))],
            BACKOFFS,
            Unavailable,
            DOWN,
        ),
    ]
}

fn busy_ones() -> Vec<Row> {
    let two: &[Range] = &[(2000, 2200)];
    let late = "the token endpoint did not take the request in time";
    vec![
        token("429, `Retry-After: 2`, then fine", |_| vec![busy(429, "2"), fine()], two),
        token(
            "429, `Retry-After: 2`, truncated body, then fine",
            |_| vec![busy(429, "2").body(broken("{")), fine()],
            two,
        ),
        token("429 without `Retry-After`, then fine", |_| vec![Reply::status(429), fine()], ONE),
        error(
            "429, `Retry-After: 2`, always",
            |_| vec![busy(429, "2")],
            &[(2000, 2200), (2000, 2200)],
            Unavailable,
            LIMITS,
        )
        .status(429)
        .pause(2),
        error("429, `Retry-After: 20`", |_| vec![busy(429, "20")], &[], Unavailable, LIMITS)
            .status(429)
            .pause(20),
        error(
            "429, `Retry-After: 999999999`",
            |_| vec![busy(429, "999999999")],
            &[],
            Unavailable,
            LIMITS,
        )
        .status(429)
        .pause(300),
        error(
            "429, `Retry-After: 20` and a code",
            |_| vec![busy(429, "20").body(r#"{"error":"slow_down"}"#)],
            &[],
            Unavailable,
            LIMITS,
        )
        .status(429)
        .oauth("slow_down", None)
        .pause(20),
        error(
            "429, `Retry-After: 20`, huge body",
            |_| vec![busy(429, "20").body(endless())],
            &[],
            Unavailable,
            LIMITS,
        )
        .status(429)
        .pause(20),
        token(
            "503, `Retry-After:` date 3 s ahead, then fine",
            |_| vec![busy(503, "Thu, 01 Jan 2026 00:00:03 GMT"), fine()],
            &[(3000, 3300)],
        ),
        error(
            "503, `Retry-After:` date 40 s after `Date`, clock skewed",
            |_| {
                vec![
                    busy(503, "Fri, 01 Jan 2027 00:00:40 GMT")
                        .header("date", "Fri, 01 Jan 2027 00:00:00 GMT"),
                ]
            },
            &[],
            Unavailable,
            FAILED,
        )
        .status(503)
        .pause(40),
        token("503, `Retry-After: soon`, then fine", |_| vec![busy(503, "soon"), fine()], ONE),
        token("500, then fine", |_| vec![Reply::status(500), fine()], ONE),
        error("500, always", |_| vec![Reply::status(500)], BACKOFFS, Unavailable, FAILED)
            .status(500),
        error(
            "502, an HTML page, always",
            |_| vec![Reply::status(502).body("<html>k3y</html>")],
            BACKOFFS,
            Unavailable,
            FAILED,
        )
        .status(502),
        error("501", |_| vec![Reply::status(501)], &[], Unavailable, FAILED).status(501),
        error("505", |_| vec![Reply::status(505)], &[], Unavailable, FAILED).status(505),
        token("408, then fine", |_| vec![Reply::status(408), fine()], ONE),
        error("408, always", |_| vec![Reply::status(408)], BACKOFFS, Unavailable, late).status(408),
        error("425, always", |_| vec![Reply::status(425)], BACKOFFS, Unavailable, late).status(425),
    ]
}
