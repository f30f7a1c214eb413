//! Durations: numbers of seconds; in files, text with a unit as well.

use std::time::Duration;

use super::Leaf;
use crate::config::node::Node;

impl Leaf for Duration {
    const IN_FILES: &'static str = ", or text such as \"1.5s\" or \"500ms\"";

    fn from_text(text: &str) -> Option<Self> {
        Self::try_from_secs_f64(text.parse().ok()?).ok()
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node {
            Node::Text(text) => with_unit(text),
            Node::Whole(seconds) => u64::try_from(*seconds).ok().map(Self::from_secs),
            _ => Self::try_from_secs_f64(node.number()?).ok(),
        }
    }

    /// A number where that says it exactly, and text elsewhere.
    fn to_node(&self) -> Node {
        if self.subsec_nanos() == 0 && i64::try_from(self.as_secs()).is_ok() {
            Node::Whole(self.as_secs().into())
        } else if Self::try_from_secs_f64(self.as_secs_f64()) == Ok(*self) {
            Node::Number(self.as_secs_f64())
        } else {
            Node::text(format!("{}.{:09}s", self.as_secs(), self.subsec_nanos()))
        }
    }

    fn shown(node: &Node) -> String {
        match node {
            Node::Whole(_) | Node::Number(_) => format!("{node}s"),
            _ => node.to_string(),
        }
    }
}

/// `1.5s`: a decimal number and a unit, exactly, down to the nanosecond.
fn with_unit(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(end);
    let nanos: u128 = match unit.trim_start() {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if part.is_empty() || part.len() > 18 || part.contains('.') {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let whole = whole.parse::<u128>().ok()?.checked_mul(nanos)?;
    let total = whole.checked_add(part.parse::<u128>().ok()?.checked_mul(nanos)? / scale)?;
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(total % 1_000_000_000).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_with_a_unit_is_exact() {
        for (text, nanos) in [
            ("1.5s", 1_500_000_000),
            ("500ms", 500_000_000),
            ("500 ms", 500_000_000),
            ("1us", 1_000),
            ("7ns", 7),
            ("0.1s", 100_000_000),
            ("2m", 120_000_000_000),
            ("2min", 120_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(with_unit(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        assert_eq!(with_unit("24h"), Some(Duration::from_secs(86_400)));
        for text in ["", "s", "5", "1.s", ".5s", "1.2.3s", "-1s", "1e3s", "1 day", "٣s", "1s "] {
            assert_eq!(with_unit(text), None, "{text}");
        }
        assert_eq!(with_unit("99999999999999999999999999999999999999h"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds: u64, nanos in 0..1_000_000_000_u32) {
            let duration = Duration::new(seconds, nanos);
            prop_assert_eq!(Duration::from_node(&duration.to_node()), Some(duration));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = with_unit(&text);
        }
    }
}
