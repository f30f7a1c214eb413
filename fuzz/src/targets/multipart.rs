//! Forms. For each part: a byte of what it has; then its name, its file name where it has one, and its content, each with a
//! byte of its length before it.
//!
//! What is written is read by a decoder after the HTML Standard and RFC 7578, and by `multer` where the two agree on what a
//! name may be.

use futures_util::stream;
use midil_http_core::{Body, Error, Form, Part};

use super::input::{Input, now};

#[derive(Debug, PartialEq, Eq, Clone)]
struct Field {
    name: String,
    file_name: Option<String>,
    kind: Option<String>,
    content: Vec<u8>,
}

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let (mut form, mut fields, mut knows_length) = (Form::new(), Vec::new(), true);
    while !input.is_over() && fields.len() < 8 {
        let flags = input.byte();
        let name = input.text();
        let file_name = (flags & 1 != 0).then(|| input.text());
        let content = input.counted().to_vec();
        let mut part = if flags & 2 == 0 {
            Part::bytes(content.clone())
        } else {
            knows_length = false;
            let pieces: Vec<_> = content.chunks(3).map(<[u8]>::to_vec).collect();
            Part::stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
        };
        if let Some(name) = &file_name {
            part = part.file_name(name);
        }
        let kind = (flags & 4 != 0).then(|| "text/x-fuzz; a=\"b\"".to_owned());
        if let Some(kind) = &kind {
            part = part.mime(&**kind);
        }
        form = form.part(&name, part);
        fields.push(Field { name, file_name, kind, content });
    }
    let boundary = multer::parse_boundary(form.content_type()).unwrap();
    let body = match Body::try_from(form) {
        Ok(body) => body,
        Err(error) => {
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            let has_nul = |text: &str| text.contains('\0');
            let refused = |field: &Field| {
                has_nul(&field.name) || field.file_name.as_deref().is_some_and(has_nul)
            };
            assert!(fields.iter().any(refused), "{error}");
            return;
        }
    };
    let length = body.length();
    let written = now(body.collect(u64::MAX)).unwrap();
    assert_eq!(length.is_some(), knows_length);
    assert!(length.is_none_or(|length| usize::try_from(length) == Ok(written.len())));

    let expected: Vec<_> = fields.iter().map(escaped).collect();
    let mut found = decode(&boundary, &written);
    for (found, field) in found.iter_mut().zip(&fields) {
        // What a file without a type is given is what its name's ending says: any type will do here.
        if field.kind.is_none() && field.file_name.is_some() {
            assert!(found.kind.take().is_some_and(|kind| kind.contains('/')));
        }
    }
    assert_eq!(found, expected);
    if fields
        .iter()
        .all(|field| is_plain(&field.name) && field.file_name.iter().all(|name| is_plain(name)))
    {
        assert_eq!(by_multer(&boundary, written), expected);
    }
}

/// The field as it is on the wire: `multipart/form-data encoding algorithm` of the HTML Standard.
fn escaped(field: &Field) -> Field {
    let name = field.name.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let escape = |name: &str| name.replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
    Field {
        name: escape(&name),
        file_name: field.file_name.as_deref().map(escape),
        ..field.clone()
    }
}

/// Whether `multer` reads it as it is meant: it takes backslashes for escapes, which the HTML Standard does not have, looks for
/// `filename` within names, and refuses control characters.
fn is_plain(name: &str) -> bool {
    let odd = |c: char| c == '\\' || (c.is_ascii_control() && !"\r\n".contains(c));
    !name.contains(odd) && !name.contains("name")
}

/// The parts between the boundaries.
fn decode(boundary: &str, mut rest: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut delimiter = format!("--{boundary}").into_bytes();
    loop {
        rest = rest.strip_prefix(&*delimiter).expect("a boundary");
        if rest == b"--\r\n" {
            return fields;
        }
        rest = rest.strip_prefix(b"\r\n").expect("a line break");
        if !delimiter.starts_with(b"\r\n") {
            delimiter.splice(..0, *b"\r\n");
        }
        let (mut disposition, mut kind) = (None, None);
        loop {
            let line = &rest[..find(rest, b"\r\n")];
            rest = &rest[line.len() + 2..];
            let line = std::str::from_utf8(line).expect("UTF-8");
            match line.split_once(": ") {
                Some(("Content-Disposition", value)) => disposition = Some(value),
                Some(("Content-Type", value)) => kind = Some(value.to_owned()),
                None if line.is_empty() => break,
                _ => panic!("what is {line:?}?"),
            }
        }
        let names = disposition.and_then(|value| value.strip_prefix("form-data; name=\""));
        let names: Vec<_> = names.expect("a name").split('"').collect();
        let (name, file_name) = match names[..] {
            [name, ""] => (name, None),
            [name, "; filename=", file_name, ""] => (name, Some(file_name.to_owned())),
            _ => panic!("what is {disposition:?}?"),
        };
        let content = rest[..find(rest, &delimiter)].to_vec();
        rest = &rest[content.len()..];
        fields.push(Field { name: name.to_owned(), file_name, kind, content });
    }
}

fn find(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len()).position(|window| window == what).expect("it is there")
}

fn by_multer(boundary: &str, written: bytes::Bytes) -> Vec<Field> {
    let stream = stream::iter([Ok::<_, std::io::Error>(written)]);
    let mut multipart = multer::Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    now(async {
        while let Some(field) = multipart.next_field().await.unwrap() {
            let name = field.name().unwrap().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let kind = field.headers().get("content-type").map(|kind| kind.to_str().unwrap());
            let kind = kind.filter(|kind| kind.starts_with("text/x-fuzz")).map(str::to_owned);
            let content = field.bytes().await.unwrap().to_vec();
            fields.push(Field { name, file_name, kind, content });
        }
    });
    fields
}
