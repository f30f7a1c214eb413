//! Spans as they were exported, printed as a tree.

use std::fmt;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// All spans.
pub(crate) struct Tree(Vec<SpanData>);

/// What is shown of attributes: those that tell one line from another.
const SHOWN: [&str; 8] = [
    "http.response.status_code",
    "http.request.resend_count",
    "error.type",
    "url.full",
    "attempt",
    "delay",
    "replayable",
    "generation",
];

impl Tree {
    pub(crate) fn new(spans: Vec<SpanData>) -> Self {
        Self(spans)
    }

    fn roots(&self) -> Vec<&SpanData> {
        self.0.iter().filter(|span| span.parent_span_id == SpanId::INVALID).collect()
    }

    fn children(&self, of: &SpanData) -> Vec<&SpanData> {
        let id = of.span_context.span_id();
        self.0.iter().filter(|span| span.parent_span_id == id).collect()
    }

    /// Whether everything is in one trace, which begins with the span of that name.
    pub(crate) fn is_one_trace_below(&self, name: &str) -> bool {
        let roots = self.roots();
        let trace = |span: &SpanData| span.span_context.trace_id();
        matches!(roots.as_slice(), [root] if root.name == name && self.0.iter().all(|span| trace(span) == trace(root)))
    }

    /// Status and id of the spans of exchanges with the API, in their order.
    pub(crate) fn exchanges(&self) -> Vec<(String, String)> {
        let mut spans: Vec<_> = self
            .0
            .iter()
            .filter(|span| span.span_kind == SpanKind::Client && span.name == "GET")
            .collect();
        spans.sort_by_key(|span| span.start_time);
        let told = spans.iter().map(|span| {
            let status = attribute(&span.attributes, "http.response.status_code");
            (status.unwrap_or_default(), span.span_context.span_id().to_string())
        });
        told.collect()
    }

    fn line(&self, span: &SpanData, began: SystemTime, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match span.span_kind {
            SpanKind::Client => "client",
            _ => "internal",
        };
        let error = if matches!(span.status, Status::Error { .. }) { " ERROR" } else { "" };
        let took = since(span.end_time, span.start_time);
        write!(f, "{} {} ({kind}{error}, ", span.span_context.span_id(), span.name)?;
        write!(
            f,
            "at {} ms for {} ms)",
            since(span.start_time, began).as_millis(),
            took.as_millis()
        )?;
        attributes(&span.attributes, f)
    }

    fn below(
        &self,
        span: &SpanData,
        began: SystemTime,
        indent: &str,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let children = self.children(span);
        let mut lines: Vec<(SystemTime, Line<'_>)> =
            children.into_iter().map(|child| (child.start_time, Line::Span(child))).collect();
        let events = span.events.events.iter();
        lines.extend(
            events.map(|event| (event.timestamp, Line::Event(&event.name, &event.attributes))),
        );
        lines.sort_by_key(|(at, _)| *at);
        let count = lines.len();
        for (number, (_, line)) in lines.into_iter().enumerate() {
            let (branch, further) =
                if number + 1 == count { ("└─", "   ") } else { ("├─", "│  ") };
            write!(f, "\n{indent}{branch} ")?;
            match line {
                Line::Span(child) => {
                    self.line(child, began, f)?;
                    self.below(child, began, &format!("{indent}{further}"), f)?;
                }
                Line::Event(name, values) => {
                    write!(f, "· {name}")?;
                    attributes(values, f)?;
                }
            }
        }
        Ok(())
    }
}

enum Line<'a> {
    Span(&'a SpanData),
    Event(&'a str, &'a [KeyValue]),
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for root in self.roots() {
            self.line(root, root.start_time, f)?;
            self.below(root, root.start_time, "", f)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key.as_str() == name)?;
    Some(match &found.value {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    })
}

fn attributes(attributes: &[KeyValue], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for name in SHOWN {
        if let Some(value) = attribute(attributes, name) {
            write!(f, " {}={value}", name.rsplit('.').next().unwrap_or(name))?;
        }
    }
    Ok(())
}

fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}
