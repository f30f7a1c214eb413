//! What is said when the requests were not those that were expected.

use std::fmt::{self, Write};

use super::script::{ExchangeState, Expected, Rule, Script};

/// What `verify` says; `None` when all is well.
pub(super) fn mismatch(script: &Script) -> Option<String> {
    let is_unexpected = |state: &ExchangeState| matches!(state, ExchangeState::Unexpected);
    let content = script.rules().all(Rule::is_content)
        && !script.exchanges().iter().any(|record| is_unexpected(&record.state));
    (!content).then(|| {
        format!("the requests were not those that the mock transport expects\n{}", lists(script))
    })
}

/// The error of a request that nothing is said for.
pub(super) fn unexpected(script: &Script, number: usize) -> UnexpectedRequest {
    let request = &script.exchanges()[number].request;
    UnexpectedRequest(format!("the mock transport has no reply to {request}\n{}", lists(script)))
}

/// Its `Debug` is its `Display`: lines must stay lines where a test unwraps the error.
pub(super) struct UnexpectedRequest(String);

impl std::error::Error for UnexpectedRequest {}

impl fmt::Display for UnexpectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UnexpectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn lists(script: &Script) -> String {
    let mut text = String::from("\nexpected:\n");
    for rule in script.rules() {
        let _ = writeln!(text, "  {} {}", mark(!rule.is_content(), '✓'), expected(rule));
    }
    if script.rules().next().is_none() {
        text.push_str("    nothing: add replies with `reply`, `on` or `when`\n");
    }
    text.push_str("came:\n");
    let with_query = script.rules().any(|rule| rule.matcher.names_query());
    for (index, record) in script.exchanges().iter().enumerate() {
        let (method, url) = (record.request.method(), record.request.shown_url(with_query));
        let (bad, became) = match &record.state {
            ExchangeState::InFlight => (false, "not answered yet"),
            ExchangeState::Answered(outcome) => (false, outcome.as_str()),
            ExchangeState::Unexpected => (true, "unexpected"),
            ExchangeState::Dropped => (false, "given up by the caller"),
        };
        let _ = write!(text, "  {} {}. {method} {url}: {became}", mark(bad, ' '), index + 1);
        if let Some(rule) = record.rule {
            let _ = write!(text, ", as {}", script.rule(rule).matcher);
        }
        text.push('\n');
    }
    if script.exchanges().is_empty() {
        text.push_str("    nothing\n");
    }
    text
}

const fn mark(bad: bool, good: char) -> char {
    if bad { '✗' } else { good }
}

fn expected(rule: &Rule) -> String {
    let wanted = match rule.expected() {
        Expected::Exactly(times) => counted(times),
        Expected::AtLeast(0) => "any number of times".into(),
        Expected::AtLeast(times) => format!("at least {}", counted(times)),
    };
    let hint = if rule.lacks_reply() { " (it has no reply: add one)" } else { "" };
    format!("{}: {wanted}, came {}{hint}", rule.matcher, counted(rule.came))
}

fn counted(times: usize) -> String {
    match times {
        1 => "once".into(),
        _ => format!("{times} times"),
    }
}
