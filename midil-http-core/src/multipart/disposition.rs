//! `Content-Disposition` of a part: its name and the name of its file.

use std::borrow::Cow;

use crate::BuildError;

/// Writes the header.
///
/// Line breaks of the name, not of the file name, are made CRLF; of both, CR, LF and `"` are then escaped as `%0D`, `%0A` and
/// `%22`, and nothing else is: the HTML Standard has it so.
pub(super) fn write(
    head: &mut Vec<u8>,
    name: &str,
    file_name: Option<&str>,
) -> Result<(), BuildError> {
    head.extend_from_slice(b"Content-Disposition: form-data; name=\"");
    escape(head, &crlf(name), "the name of a form's part")?;
    if let Some(file_name) = file_name {
        head.extend_from_slice(b"\"; filename=\"");
        escape(head, file_name, "the file name of a form's part")?;
    }
    head.extend_from_slice(b"\"\r\n");
    Ok(())
}

fn escape(head: &mut Vec<u8>, text: &str, what: &str) -> Result<(), BuildError> {
    for byte in text.bytes() {
        match byte {
            b'\n' => head.extend_from_slice(b"%0A"),
            b'\r' => head.extend_from_slice(b"%0D"),
            b'"' => head.extend_from_slice(b"%22"),
            0 => return Err(BuildError::new(what, "holds NUL: give it another name")),
            other => head.push(other),
        }
    }
    Ok(())
}

/// Each CR without LF and each LF without CR becomes CRLF.
fn crlf(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\n']) {
        return text.into();
    }
    let mut whole = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '\r' => {
                chars.next_if_eq(&'\n');
                whole.push_str("\r\n");
            }
            '\n' => whole.push_str("\r\n"),
            other => whole.push(other),
        }
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, file_name: Option<&str>) -> String {
        let mut head = Vec::new();
        write(&mut head, name, file_name).unwrap();
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn names_are_escaped_as_the_html_standard_has_it() {
        for (name, escaped) in [
            ("a", "a"),
            ("", ""),
            ("a\"b", "a%22b"),
            ("a\nb", "a%0D%0Ab"),
            ("a\rb", "a%0D%0Ab"),
            ("a\r\nb", "a%0D%0Ab"),
            ("\r\r\n\n", "%0D%0A%0D%0A%0D%0A"),
            ("%22\\;='", "%22\\;='"),
            ("\u{fc}\u{1f600}", "\u{fc}\u{1f600}"),
        ] {
            let header = format!("Content-Disposition: form-data; name=\"{escaped}\"\r\n");
            assert_eq!(written(name, None), header);
        }
    }

    #[test]
    fn line_breaks_of_file_names_are_escaped_as_they_are() {
        let header =
            "Content-Disposition: form-data; name=\"f\"; filename=\"a%0Ab%0Dc%0D%0A%22.txt\"\r\n";
        assert_eq!(written("f", Some("a\nb\rc\r\n\".txt")), header);
    }

    #[test]
    fn nul_is_refused_and_not_repeated() {
        for (name, file_name) in [("secret\0", None), ("a", Some("secret\0"))] {
            let error = write(&mut Vec::new(), name, file_name).unwrap_err().to_string();
            assert!(error.contains("holds NUL") && !error.contains("secret"), "{error}");
        }
    }
}
