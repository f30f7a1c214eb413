//! The guide's metrics are those that there are, and its queries ask for them by the names that Prometheus has.

use std::collections::BTreeSet;
use std::fs;

use super::root;

/// Where instruments are made.
const SOURCE: &str = "midil-http-otel/src/metrics/instruments.rs";

/// An instrument, by what its maker says of it.
#[derive(Debug)]
struct Instrument {
    name: String,
    kind: Kind,
    /// Its unit is seconds.
    seconds: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Histogram,
    Counter,
    UpDownCounter,
    Gauge,
}

impl Instrument {
    /// Its names in Prometheus, as [OpenTelemetry's translation] has them.
    ///
    /// [OpenTelemetry's translation]: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    fn in_prometheus(&self) -> Vec<String> {
        let unit = if self.seconds { "_seconds" } else { "" };
        let name = format!("{}{unit}", self.name.replace('.', "_"));
        match self.kind {
            Kind::Histogram => {
                ["bucket", "count", "sum"].map(|part| format!("{name}_{part}")).to_vec()
            }
            Kind::Counter => vec![format!("{name}_total")],
            Kind::UpDownCounter => vec![name],
            // A gauge of the unit 1 is a ratio there.
            Kind::Gauge if self.seconds => vec![name],
            Kind::Gauge => vec![format!("{name}_ratio")],
        }
    }
}

fn instruments() -> Vec<Instrument> {
    let source = fs::read_to_string(root().join(SOURCE)).unwrap();
    let (fields, making) = source.split_once("fn new(").expect("where they are made");
    let quoted = making.split('"').skip(1).step_by(2);
    let names = quoted.filter(|text| text.starts_with("midil.") || text.starts_with("http.client"));
    let kinds = fields.lines().filter_map(|line| {
        let (_, kind) = line.trim().strip_prefix("pub(super) ")?.split_once(": ")?;
        [
            ("Histogram", Kind::Histogram),
            ("Counter", Kind::Counter),
            ("UpDownCounter", Kind::UpDownCounter),
            ("Gauge", Kind::Gauge),
        ]
        .into_iter()
        .find(|(name, _)| kind.starts_with(&format!("{name}<")))
        .map(|(_, kind)| kind)
    });
    let (names, kinds) = (Vec::from_iter(names), Vec::from_iter(kinds));
    assert_eq!(names.len(), kinds.len(), "each field is made, in the order of the fields");
    let seconds = |name: &str| name.ends_with(".duration") || name.ends_with(".age");
    let make = |(name, kind): (&str, Kind)| Instrument {
        name: name.to_owned(),
        kind,
        seconds: seconds(name),
    };
    names.into_iter().zip(kinds).map(make).collect()
}

#[test]
fn the_guide_has_every_instrument() {
    let pages = ["docs/guide/observability.md", "midil-http-otel/README.md"];
    for page in pages {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let rows: String = text.lines().filter(|line| line.starts_with("| `")).collect();
        for Instrument { name, .. } in instruments() {
            assert!(rows.contains(&format!("`{name}`")), "{page} has no row of {name}");
        }
    }
}

#[test]
fn the_guides_queries_ask_for_what_there_is() {
    let page = fs::read_to_string(root().join("docs/guide/operations.md")).unwrap();
    let known: BTreeSet<String> =
        instruments().iter().flat_map(Instrument::in_prometheus).collect();
    let queries = page.split("```promql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut asked = BTreeSet::new();
    for word in queries.flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '_'))) {
        let is_label = ["midil_give_up_", "midil_limit_", "midil_circuit_", "midil_token_"];
        if word.starts_with("midil_") && !is_label.iter().any(|start| word.starts_with(start)) {
            assert!(known.contains(word), "there is no {word} among {known:?}");
            asked.insert(word);
        }
    }
    assert!(asked.len() > 5, "{asked:?} is all that was found");
}
