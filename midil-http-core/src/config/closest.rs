//! [`closest`]: what somebody may have meant.

/// The name that takes the fewest changes, if those are few.
pub(super) fn closest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes so much, and the cost is a product of lengths.
    if given.len() > 64 {
        return None;
    }
    let allowed = (given.chars().count() / 3).clamp(1, 3);
    let near = names.map(|name| (distance(given, name), name));
    near.filter(|(changes, _)| *changes <= allowed).min().map(|(_, name)| name)
}

/// How many letters are to be changed, put in, left out or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let [a, b]: [Vec<char>; 2] = [a.chars().collect(), b.chars().collect()];
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant_if_it_is_near() {
        let names =
            || ["timeout", "total_timeout", "type", "client_id", "client_secret"].into_iter();
        for (given, meant) in [
            ("timeuot", Some("timeout")),
            ("timout", Some("timeout")),
            ("timeouts", Some("timeout")),
            ("client_idd", Some("client_id")),
            ("typ", Some("type")),
            ("secret", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(given, names()), meant, "{given}");
        }
        assert_eq!(closest(&"timeout".repeat(1000), names()), None);
    }
}
