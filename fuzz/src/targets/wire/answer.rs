//! What bytes are as an answer over HTTP/1.1: read by the letter of RFC 9112, by a parser that shares nothing with hyper.

/// What came.
pub(super) enum Answer {
    /// A response by the letter, which is complete.
    Whole {
        status: u16,
        body: Vec<u8>,
        /// How many bytes follow it.
        extra: usize,
        /// Whether it says that nothing more comes over this connection.
        is_last: bool,
        /// Whether it says itself where it ends.
        is_framed: bool,
        /// Whether its body came in chunks.
        is_chunked: bool,
    },
    /// One that begins by the letter, and is not complete; or whose framing the RFC says is an error.
    Broken {
        /// Whether its head is not complete.
        in_head: bool,
    },
    /// Something else, which a client may forgive or not.
    Odd,
}

/// What the bytes are, after which the connection `closes` or stays open; to a HEAD, or else to a GET.
pub(super) fn of(bytes: &[u8], closes: bool, is_head: bool) -> Answer {
    let mut rest = bytes;
    loop {
        let (status, headers, after) = match head(rest) {
            Read::Done((status, headers), after) => (status, headers, after),
            Read::Short => return Answer::Broken { in_head: true },
            Read::Odd => return Answer::Odd,
        };
        match status {
            // Switched to something else, to which nobody asked for.
            101 => return Answer::Odd,
            100..=199 => rest = after,
            _ => return body(status, &headers, after, closes, is_head),
        }
    }
}

enum Read<'a, T> {
    Done(T, &'a [u8]),
    Short,
    Odd,
}

type Head = (u16, Vec<(String, Vec<u8>)>);

fn head(bytes: &[u8]) -> Read<'_, Head> {
    let (status_line, mut rest) = match line_of(bytes) {
        Read::Done(line, rest) => (line, rest),
        // Whether what is there could have been a head does not matter: it has no end.
        Read::Short => return Read::Short,
        Read::Odd => return Read::Odd,
    };
    let Some(after) = status_line.strip_prefix(b"HTTP/1.1 ") else { return Read::Odd };
    let is_status =
        after.len() >= 4 && after[..3].iter().all(u8::is_ascii_digit) && after[3] == b' ';
    if !is_status || !(b'1'..=b'9').contains(&after[0]) || !after[4..].iter().all(is_text) {
        return Read::Odd;
    }
    let status = after[..3].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let mut headers = Vec::new();
    loop {
        let (header, after) = match line_of(rest) {
            Read::Done(header, after) => (header, after),
            Read::Short => return Read::Short,
            Read::Odd => return Read::Odd,
        };
        rest = after;
        if header.is_empty() {
            break;
        }
        let Some(colon) = header.iter().position(|byte| *byte == b':') else { return Read::Odd };
        let (name, value) = (&header[..colon], header[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(is_token) || !value.iter().all(is_text) {
            return Read::Odd;
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        headers.push((name, value.to_vec()));
        // More than that is more than a client need take.
        if headers.len() > 90 {
            return Read::Odd;
        }
    }
    Read::Done((status, headers), rest)
}

/// A line that ends in CRLF, and has neither CR nor LF but there.
fn line_of(bytes: &[u8]) -> Read<'_, &[u8]> {
    match bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        None => Read::Short,
        Some(at) if bytes[at..].starts_with(b"\r\n") => Read::Done(&bytes[..at], &bytes[at + 2..]),
        Some(at) if bytes[at..] == *b"\r" => Read::Short,
        Some(_) => Read::Odd,
    }
}

fn body(
    status: u16,
    headers: &[(String, Vec<u8>)],
    rest: &[u8],
    closes: bool,
    is_head: bool,
) -> Answer {
    let values = |name: &str| -> Vec<&[u8]> {
        headers.iter().filter(|(of, _)| of == name).map(|(_, value)| &**value).collect()
    };
    let options = values("connection");
    let mut options = options.iter().flat_map(|options| options.split(|byte| *byte == b','));
    let is_last = options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
    let (codings, lengths) = (values("transfer-encoding"), values("content-length"));
    let length = match lengths[..] {
        [] => None,
        [one] if !one.is_empty() && one.len() < 18 && one.iter().all(u8::is_ascii_digit) => {
            let add = |sum: usize, digit: &u8| sum * 10 + usize::from(digit - b'0');
            Some(one.iter().fold(0, add))
        }
        _ => return Answer::Odd,
    };
    let is_chunked = !codings.is_empty();
    let is_framed = is_last || is_chunked || length.is_some();
    let whole = |body: &[u8], extra| {
        let body = body.to_vec();
        Answer::Whole { status, body, extra, is_last, is_framed, is_chunked }
    };
    if is_head || matches!(status, 204 | 304) {
        let is_plain = codings.is_empty() && (is_head || status == 304 || length.is_none());
        return if is_plain { whole(b"", rest.len()) } else { Answer::Odd };
    }
    match (&codings[..], length) {
        ([], Some(length)) if rest.len() >= length => whole(&rest[..length], rest.len() - length),
        ([], Some(_)) => Answer::Broken { in_head: false },
        ([], None) if closes => whole(rest, 0),
        ([], None) => Answer::Broken { in_head: false },
        ([coding], None) if coding.eq_ignore_ascii_case(b"chunked") => match chunked(rest) {
            Read::Done(body, after) => whole(&body, after.len()),
            Read::Short => Answer::Broken { in_head: false },
            Read::Odd => Answer::Odd,
        },
        _ => Answer::Odd,
    }
}

fn chunked(mut rest: &[u8]) -> Read<'_, Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = match line_of(rest) {
            Read::Done(size, after) => {
                rest = after;
                size
            }
            Read::Short => return Read::Short,
            Read::Odd => return Read::Odd,
        };
        let is_plain = (1..=8).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit);
        let size = std::str::from_utf8(size).ok().filter(|_| is_plain);
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
            return Read::Odd;
        };
        if size == 0 {
            break;
        }
        if rest.len() < size + 2 {
            // It may end where something else than a line break begins.
            let has_line_break = rest.len() <= size || rest[size] == b'\r';
            return if has_line_break { Read::Short } else { Read::Odd };
        }
        body.extend_from_slice(&rest[..size]);
        match rest[size..].strip_prefix(b"\r\n") {
            Some(after) => rest = after,
            None => return Read::Odd,
        }
    }
    // Trailers are read by rules of their own.
    match line_of(rest) {
        Read::Done([], after) => Read::Done(body, after),
        Read::Short if rest.is_empty() || rest == b"\r" => Read::Short,
        _ => Read::Odd,
    }
}

/// Of a field's value, but obs-text, about which parsers may differ.
const fn is_text(byte: &u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

const fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
        )
        || matches!(byte, b'`' | b'|' | b'~')
}
