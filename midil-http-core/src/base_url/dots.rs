//! Whether a path climbs out of where it starts, however its server reads it.

/// Whether some reading of `path` leads above where it starts.
///
/// `%2e` is a dot to every URL parser. Beyond that servers differ: `%2f`, `%5c` and backslashes are slashes to some; some
/// decode more than once (`%252e`, `%%32%65`); some merge slashes; some drop what follows a semicolon. So this counts how deep
/// the path is at the least, over all of these readings.
pub(super) fn climbs_out(path: &str) -> bool {
    let mut depth = 0_usize;
    for segment in path.split(['/', '\\']) {
        let reached = if segment.contains('%') {
            inside(depth, &decode(segment))
        } else {
            step(depth, segment.as_bytes())
        };
        match reached {
            Some(reached) => depth = reached,
            None => return true,
        }
    }
    false
}

/// How deep it is after one name; `None` when that is above the start.
fn step(depth: usize, name: &[u8]) -> Option<usize> {
    let end = name.iter().position(|byte| *byte == b';').unwrap_or(name.len());
    match &name[..end] {
        b"" | b"." => Some(depth),
        b".." => depth.checked_sub(1),
        _ => Some(depth + 1),
    }
}

/// The same after a segment that was encoded: its slashes, or some of them, may be taken for parts of names.
fn inside(depth: usize, segment: &[u8]) -> Option<usize> {
    let (mut reached, mut after_name, mut after_semicolon) = (depth, false, false);
    for name in segment.split(|byte| matches!(byte, b'/' | b'\\')) {
        let next = step(reached, name)?;
        let is_name = next > reached;
        // Names in a row may be one; what follows a semicolon may be dropped, slashes and names among it.
        if !(is_name && (after_name || after_semicolon)) {
            reached = next;
        }
        after_name = is_name || (after_name && next == reached);
        after_semicolon |= name.contains(&b';');
    }
    Some(reached.min(depth + 1))
}

/// Decodes all percent-encoded bytes, and what comes of them, until there are none.
fn decode(segment: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(segment.len());
    for byte in segment.bytes() {
        decoded.push(byte);
        while let [.., b'%', high, low] = decoded[..]
            && let Some(byte) = hex(high, low)
        {
            decoded.truncate(decoded.len() - 3);
            decoded.push(byte);
        }
    }
    decoded
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_server_reads_as_dots_climbs_out() {
        for path in [
            "..",
            "/../x",
            "/a/../../x",
            "/%2e%2E/x",
            "/%252e%252e/x",
            // Decoded twice, these are dots, too.
            "/%25%32%65%25%32%65/x",
            "/%%32%65%%32%65/x",
            "/a%2f..%2f..%2fx",
            "/a%5c..%5c..%5cx",
            // Where slashes are not decoded, or not all of them, there is but one name before the dots.
            "/a%2fb/%252e%252e/%252e%252e/x",
            "/a%252fb%2f..%2f../x",
            // Where slashes are merged.
            "/a//%252e%252e/%252e%252e/x",
            "/a%2f%2f..%2f../x",
            // Names in a row may be one, with a dot or nothing between them, too.
            "/a%2f%2fb%2f..%2f../x",
            "/a%2f.%2fb%2f..%2f../x",
            "/..;a=b/x",
            "/%2e.%3b/x",
            // Where that is dropped before slashes are decoded, or between two rounds of it.
            "/;%2fa/%252e%252e/x",
            "/%2f;%252fa/%252e%252e/x",
            "/;%252fa%2f..",
        ] {
            assert!(climbs_out(path), "{path}");
        }
    }

    #[test]
    fn names_and_dots_that_stay_do_not() {
        for path in [
            "",
            "/",
            "/a/..",
            "/a/../b",
            "/a//b",
            "/...",
            "/a..b/..c",
            "/a%2fb",
            "/a%2fb/../c",
            "/a%2f..%2fb",
            "/.%2fa/..",
            "/100%",
            "/%zz/%2",
            "/a;b=../c",
            "/%E2%82%AC",
        ] {
            assert!(!climbs_out(path), "{path}");
        }
    }

    #[test]
    fn a_long_path_takes_no_longer_than_its_length() {
        let nested = format!("/{}2e", "%25".repeat(100_000));
        assert!(!climbs_out(&nested));
        assert_eq!(decode(&format!("%{}2e", "25".repeat(100_000))), b".");
    }
}
