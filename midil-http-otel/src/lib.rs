#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod metrics;
mod trace_context;

pub use metrics::{OtelMetrics, OtelMetricsBuilder};
pub use trace_context::TraceContext;
