//! What was recorded, read back.

use midil_http::OtelMetrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

/// Metrics, and where they go.
pub(super) struct Recorded {
    pub(super) metrics: OtelMetrics,
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// A point to be: attributes, number of measurements, and sum.
pub(super) type Expected<'a> = (Vec<(&'a str, &'a str)>, u64, f64);

/// One point of a metric: its attributes by name, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) attributes: Vec<(String, String)>,
    /// A sum: of what was added, or of all measurements.
    pub(super) sum: f64,
    /// How many measurements a histogram has.
    pub(super) count: u64,
}

impl Recorded {
    pub(super) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let metrics = OtelMetrics::builder().meter(&provider.meter("test")).build();
        Self { metrics, provider, exporter }
    }

    /// All until now.
    fn export(&self) -> ResourceMetrics {
        self.provider.force_flush().unwrap();
        self.exporter.get_finished_metrics().unwrap().pop().expect("something was recorded")
    }

    /// The names of all metrics that have something to show, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let export = self.export();
        let metrics = export.scope_metrics().flat_map(|scope| scope.metrics());
        let mut names: Vec<_> = metrics
            .filter(|metric| !points(metric).is_empty())
            .map(|metric| metric.name().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The kind, the unit and the buckets of a metric.
    pub(super) fn shape(&self, name: &str) -> (&'static str, String, Vec<f64>) {
        let export = self.export();
        let metric = find(&export, name);
        let (kind, bounds) = match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                ("histogram", histogram.data_points().next().map(|point| point.bounds().collect()))
            }
            AggregatedMetrics::I64(MetricData::Sum(sum)) if !sum.is_monotonic() => {
                ("updowncounter", None)
            }
            _ => ("another", None),
        };
        (kind, metric.unit().to_owned(), bounds.unwrap_or_default())
    }

    /// The points of a metric, in the order of their attributes.
    pub(super) fn points(&self, name: &str) -> Vec<Point> {
        points(find(&self.export(), name))
    }

    /// Asserts that a metric has these points: attributes, number of measurements, and sum.
    #[track_caller]
    pub(super) fn assert(&self, name: &str, expected: &[Expected<'_>]) {
        let mut expected: Vec<Point> = expected
            .iter()
            .map(|(attributes, count, sum)| {
                let owned =
                    |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
                let mut attributes: Vec<_> = attributes.iter().map(owned).collect();
                attributes.sort();
                Point { attributes, sum: *sum, count: *count }
            })
            .collect();
        expected.sort_by(|one, other| one.attributes.cmp(&other.attributes));
        let found = self.points(name);
        assert_eq!(found, expected, "{name}");
    }

    /// Asserts that nothing is in flight.
    #[track_caller]
    pub(super) fn assert_idle(&self) {
        for name in ["http.client.active_requests", "midil.client.active_calls"] {
            for point in self.points(name) {
                assert_eq!(point.sum, 0.0, "{name} {point:?}");
            }
        }
    }
}

fn find<'a>(export: &'a ResourceMetrics, name: &str) -> &'a Metric {
    let mut metrics = export.scope_metrics().flat_map(|scope| scope.metrics());
    metrics.find(|metric| metric.name() == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn points(metric: &Metric) -> Vec<Point> {
    let mut points: Vec<Point> = match metric.data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
            .data_points()
            .map(|point| self::point(point.attributes(), rounded(point.sum()), point.count()))
            .collect(),
        AggregatedMetrics::U64(MetricData::Histogram(histogram)) => histogram
            .data_points()
            .map(|point| self::point(point.attributes(), whole(point.sum()), point.count()))
            .collect(),
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| self::point(point.attributes(), whole(point.value()), 0))
            .collect(),
        AggregatedMetrics::I64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| {
                let value = i32::try_from(point.value()).expect("it is small");
                self::point(point.attributes(), f64::from(value), 0)
            })
            .collect(),
        AggregatedMetrics::U64(MetricData::Gauge(gauge)) => gauge
            .data_points()
            .map(|point| self::point(point.attributes(), whole(point.value()), 0))
            .collect(),
        AggregatedMetrics::F64(MetricData::Gauge(gauge)) => gauge
            .data_points()
            .map(|point| self::point(point.attributes(), rounded(point.value()), 0))
            .collect(),
        other => panic!("{} is of a kind that nobody expects: {other:?}", metric.name()),
    };
    points.sort_by(|one, other| one.attributes.cmp(&other.attributes));
    points
}

fn point<'a>(attributes: impl Iterator<Item = &'a KeyValue>, sum: f64, count: u64) -> Point {
    let text = |pair: &KeyValue| (pair.key.to_string(), pair.value.to_string());
    let mut attributes: Vec<_> = attributes.map(text).collect();
    attributes.sort();
    Point { attributes, sum, count }
}

fn whole(value: u64) -> f64 {
    f64::from(u32::try_from(value).expect("it is small"))
}

/// To microseconds, for sums of binary fractions.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
