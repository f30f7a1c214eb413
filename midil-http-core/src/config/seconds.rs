//! Durations as numbers of seconds, for serialised settings and the environment.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// A duration that code gave, or a number that is kept as it came, to be refused with the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Seconds {
    Exact(Duration),
    Number(f64),
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self::Exact(duration)
    }
}

impl Seconds {
    /// The duration; the error says what is wrong with the number.
    pub(super) fn duration(self) -> Result<Duration, String> {
        match self {
            Self::Exact(duration) => Ok(duration),
            Self::Number(number) => Duration::try_from_secs_f64(number).map_err(|_| {
                format!("is {number}s: give a finite number of seconds that is not negative")
            }),
        }
    }
}

pub(super) fn serialize<S: Serializer>(
    value: &Option<Seconds>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(Seconds::Number(number)) => serializer.serialize_some(number),
        Some(Seconds::Exact(duration)) => serializer.serialize_some(&duration.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Seconds>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(Seconds::Number))
}
