//! Cookie tests.
