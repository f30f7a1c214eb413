#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod trace_context;

pub use trace_context::TraceContext;
