//! What only shows when all is together: types that nobody named, and settings that do not go together.

use super::section::Section;
use super::settings::{Settings, name};
use super::write::{check, keys};
use super::{AuthKind, BackoffKind, BreakerKind, RedirectsKind, RetryKind};
use crate::{BuildError, Error};

/// Names the types that were left open, and checks everything.
pub(super) fn resolve(mut settings: Settings) -> Result<Settings, Error> {
    check(&settings)?;
    retry(&settings)?;
    breaker(&mut settings)?;
    let redirects = settings.redirects.kind.unwrap_or(RedirectsKind::Allowed);
    fits("redirects", redirects.name(), redirects.settings(), &settings.redirects)?;
    auth(&settings)?;
    let rate = &settings.limits.rate_limit;
    if keys(rate).is_empty() {
        return Ok(settings);
    }
    for (key, is_set) in [("calls", rate.calls.is_some()), ("per", rate.per.is_some())] {
        if !is_set {
            let problem = "is not set: a rate limit needs calls and per, such as 50 and 1 s";
            return Err(BuildError::new(format!("limits.rate_limit.{key}"), problem).into());
        }
    }
    Ok(settings)
}

fn retry(settings: &Settings) -> Result<(), BuildError> {
    let retry = &settings.retry;
    let kind = retry.kind.unwrap_or(RetryKind::Default);
    fits("retry", kind.name(), kind.settings(), retry)?;
    let Some(backoff) = retry.backoff.kind else {
        // What every growing backoff has.
        for (key, is_set) in
            [("jitter", retry.backoff.jitter.is_some()), ("delay", retry.backoff.delay.is_some())]
        {
            if is_set {
                let problem = format!(
                    "is set, but there is no retry.backoff.type: give {}",
                    BackoffKind::ALLOWED
                );
                return Err(BuildError::new(format!("retry.backoff.{key}"), problem));
            }
        }
        return Ok(());
    };
    if retry.jitter.is_some() {
        let problem = format!(
            "is set, but retry.backoff.type is \"{}\", which says it: leave one of the two out",
            backoff.name()
        );
        return Err(BuildError::new("retry_jitter", problem));
    }
    fits("retry.backoff", backoff.name(), backoff.settings(), &retry.backoff)
}

fn breaker(settings: &mut Settings) -> Result<(), BuildError> {
    let breaker = &mut settings.breaker;
    if breaker.kind.is_none() && breaker.failure_threshold.is_some() {
        breaker.kind = Some(BreakerKind::Consecutive);
    }
    if let Some(kind) = breaker.kind {
        return fits("breaker", kind.name(), kind.settings(), breaker);
    }
    match keys(breaker).first() {
        None => Ok(()),
        Some(key) => {
            let path = format!("breaker.{key}");
            let problem = format!(
                "is set, but there is no circuit breaker: set breaker_threshold \
                 (HTTP_BREAKER_THRESHOLD) or breaker.type ({}), too, or give neither",
                BreakerKind::ALLOWED
            );
            Err(BuildError::new(name(&path), problem))
        }
    }
}

fn auth(settings: &Settings) -> Result<(), BuildError> {
    let auth = &settings.auth;
    let Some(kind) = auth.kind else {
        return match keys(auth).first() {
            None => Ok(()),
            Some(key) => {
                let problem = format!("is not set, but auth.{key} is: give {}", AuthKind::ALLOWED);
                Err(BuildError::new("auth.type", problem))
            }
        };
    };
    fits("auth", kind.name(), kind.settings(), auth)?;
    if kind == AuthKind::Cognito && auth.domain.is_none() && auth.token_url.is_none() {
        let problem = "is not set: give the user pool's domain, or token_url";
        return Err(BuildError::new("auth.domain", problem));
    }
    if auth.domain.is_some() && auth.token_url.is_some() {
        let problem = "is set beside token_url: give one of the two";
        return Err(BuildError::new("auth.domain", problem));
    }
    Ok(())
}

/// That a section has what its type needs, and nothing that its type does not have.
fn fits<S: Section>(
    path: &str,
    kind: &str,
    [needs, takes]: [&[&str]; 2],
    section: &S,
) -> Result<(), BuildError> {
    let given = keys(section);
    let known = |key: &str| key == "type" || needs.contains(&key) || takes.contains(&key);
    if let Some(key) = given.iter().find(|key| !known(key)) {
        let path_of_key = format!("{path}.{key}");
        let has: Vec<_> = needs.iter().chain(takes).copied().collect();
        let problem = if has.is_empty() {
            format!("is set, but {path}.type is \"{kind}\": leave one of the two out")
        } else {
            format!("is set, but {path}.type is \"{kind}\", which has {}", has.join(", "))
        };
        return Err(BuildError::new(name(&path_of_key), problem));
    }
    match needs.iter().find(|key| !given.iter().any(|given| given == *key)) {
        None => Ok(()),
        Some(key) => {
            let problem = format!("is not set: {path}.type \"{kind}\" needs it");
            Err(BuildError::new(format!("{path}.{key}"), problem))
        }
    }
}
