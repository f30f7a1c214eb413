//! What a second stack makes of core's types.

mod faults;
mod support;
mod traps;
