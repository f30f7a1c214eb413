//! Whether a response says where it ends: curl takes a connection that breaks inside the head for its end.

use http::{HeaderName, StatusCode, Version, header};

/// Whether nothing tells an empty body from a head that was cut; where there may be a body at all.
pub(crate) fn is_unframed<B>(response: &http::Response<B>) -> bool {
    let has_length = || {
        let length =
            response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        // Where the head was cut the last value may be short of itself.
        length.is_some_and(|length| length.trim().parse::<u64>().is_ok())
    };
    let is_framed = || has_length() || names(response, &header::TRANSFER_ENCODING, "chunked");
    let ends_with_its_connection = || names(response, &header::CONNECTION, "close");
    response.version() == Version::HTTP_11 && !is_framed() && !ends_with_its_connection()
}

/// Whether the server goes on to another head, which never came.
pub(crate) fn is_interim<B>(response: &http::Response<B>) -> bool {
    let status = response.status();
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Whether there is no body, whatever the headers say.
pub(crate) fn has_no_body<B>(response: &http::Response<B>) -> bool {
    [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status())
}

/// Whether a body that is as long as it says is over, and nothing can follow.
pub(crate) fn ends_with_its_length<B>(response: &http::Response<B>) -> bool {
    response.version() <= Version::HTTP_11
        && !response.headers().contains_key(header::TRANSFER_ENCODING)
}

/// Whether `word` is in the list that the headers called `name` are.
fn names<B>(response: &http::Response<B>, name: &HeaderName, word: &str) -> bool {
    let values = response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> http::Response<()> {
        let builder = http::Response::builder().status(status);
        let builder =
            headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).unwrap()
    }

    #[test]
    fn a_response_is_unframed_when_nothing_says_where_it_ends() {
        assert!(is_unframed(&response(200, &[("x", "y")])));
        for headers in [
            [("connection", "keep-alive")],
            [("content-length", "")],
            [("transfer-encoding", "chun")],
        ] {
            assert!(is_unframed(&response(200, &headers)), "{headers:?}");
        }
        for headers in [
            [("content-length", "5")],
            [("transfer-encoding", "chunked")],
            [("connection", "x, Close")],
        ] {
            assert!(!is_unframed(&response(200, &headers)), "{headers:?}");
        }
        assert!(has_no_body(&response(204, &[])));
        assert!(has_no_body(&response(304, &[])));
        let mut old = response(200, &[]);
        *old.version_mut() = Version::HTTP_10;
        assert!(!is_unframed(&old));
    }

    #[test]
    fn an_interim_response_is_no_answer() {
        assert!(is_interim(&response(103, &[])));
        assert!(!is_interim(&response(101, &[])));
        assert!(!is_interim(&response(200, &[])));
    }
}
