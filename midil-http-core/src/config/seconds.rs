//! Durations as numbers of seconds, for serialised settings and the environment.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Keeps a number as it came, so that [`parse`] can refuse it together with the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seconds(pub(super) f64);

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl Seconds {
    /// The duration; the error says what is wrong with the number.
    pub(super) fn duration(self) -> Result<Duration, String> {
        Duration::try_from_secs_f64(self.0).map_err(|_| {
            format!("is {}s: give a finite number of seconds that is not negative", self.0)
        })
    }
}

pub(super) fn serialize<S: Serializer>(
    value: &Option<Seconds>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(seconds) => serializer.serialize_some(&seconds.0),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Seconds>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(Seconds))
}
