//! The bulkhead against a model of it.

mod model;
