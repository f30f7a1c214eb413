//! [`OtelMetricsBuilder`].

use std::fmt;
use std::sync::Arc;

use opentelemetry::metrics::Meter;
use opentelemetry::{InstrumentationScope, global};

use super::attributes::AttributeSets;
use super::instruments::Instruments;
use super::{Inner, OtelMetrics};

/// The conventions that names and attributes are of.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.42.0";

/// Methods that the conventions know.
const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

/// Builds [`OtelMetrics`].
///
/// # Examples
///
/// ```
/// use midil_http_otel::OtelMetrics;
/// use opentelemetry::metrics::MeterProvider;
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
///
/// let provider = SdkMeterProvider::builder().build(); // with the reader and exporter of your choice
/// let metrics = OtelMetrics::builder()
///     .meter(&provider.meter("my-service"))
///     .known_methods(["GET", "POST", "PURGE"])
///     .build();
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct OtelMetricsBuilder {
    meter: Option<Meter>,
    known_methods: Vec<Arc<str>>,
}

impl OtelMetricsBuilder {
    pub(super) fn new() -> Self {
        Self { meter: None, known_methods: METHODS.map(Into::into).to_vec() }
    }

    /// What makes the instruments: a meter of the global meter provider by default, whose scope is `midil-http`.
    pub fn meter(mut self, meter: &Meter) -> Self {
        self.meter = Some(meter.clone());
        self
    }

    /// Which methods are shown as they are, in the place of those of the conventions: all others are `_OTHER`, for a metric must
    /// not have as many values as somebody makes up. Methods are case-sensitive.
    pub fn known_methods<M: AsRef<str>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.known_methods = methods.into_iter().map(|method| method.as_ref().into()).collect();
        self
    }

    /// Makes the instruments.
    #[must_use]
    pub fn build(self) -> OtelMetrics {
        let meter = self.meter.unwrap_or_else(|| {
            let scope = InstrumentationScope::builder("midil-http")
                .with_version(env!("CARGO_PKG_VERSION"))
                .with_schema_url(SCHEMA);
            global::meter_with_scope(scope.build())
        });
        let instruments = Instruments::new(&meter);
        let attributes = AttributeSets::new(self.known_methods);
        OtelMetrics(Arc::new(Inner { instruments, attributes }))
    }
}

impl fmt::Debug for OtelMetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtelMetricsBuilder")
            .field("has_meter", &self.meter.is_some())
            .field("known_methods", &self.known_methods)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_that_of_the_conventions_which_tests_go_by() {
        assert_eq!(SCHEMA, opentelemetry_semantic_conventions::SCHEMA_URL);
    }
}
