use bytes::Bytes;
use futures_util::{FutureExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Form, Part};
use crate::{Body, Error};

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

fn boundary(form: &Form) -> String {
    multer::parse_boundary(form.content_type()).expect("a boundary")
}

/// What is sent, with the boundary `B`.
fn written(form: Form) -> String {
    let boundary = boundary(&form);
    let body = Body::try_from(form).unwrap();
    let text = now(body.collect(u64::MAX)).unwrap();
    String::from_utf8(text.to_vec()).unwrap().replace(&boundary, "B")
}

fn pieces(
    parts: &[&'static str],
) -> impl futures_core::Stream<Item = Result<&'static str, std::io::Error>> + use<> {
    stream::iter(parts.iter().map(|part| Ok(*part)).collect::<Vec<_>>())
}

#[test]
fn a_form_is_written_to_the_byte() {
    let mut headers = http::HeaderMap::new();
    headers.append("x-tag", http::HeaderValue::from_static("1"));
    headers.append("x-tag", http::HeaderValue::from_static("2"));
    let form = Form::new()
        .text("a", "1\n2\r\n")
        .text("a", "")
        .part("f", Part::text("x").file_name("notes.TXT"))
        .part("f", Part::bytes(&b"\x01"[..]).file_name("unknown"))
        .part("j", Part::text("{}").mime("application/json"))
        .part(
            "g",
            Part::stream(pieces(&["ab", "c"])).file_name("").mime("image/png").headers(&headers),
        );
    let expected = "--B\r\n\
        Content-Disposition: form-data; name=\"a\"\r\n\r\n1\n2\r\n\r\n--B\r\n\
        Content-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--B\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"notes.TXT\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--B\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"unknown\"\r\nContent-Type: application/octet-stream\r\n\r\n\x01\r\n--B\r\n\
        Content-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\n\
        Content-Disposition: form-data; name=\"g\"; filename=\"\"\r\nContent-Type: image/png\r\nx-tag: 1\r\nx-tag: 2\r\n\r\nabc\r\n--B--\r\n";
    assert_eq!(written(form), expected);
}

#[test]
fn a_form_without_parts_is_one() {
    assert_eq!(written(Form::new()), "--B--\r\n");
}

#[test]
fn boundaries_differ_and_need_no_quotes() {
    let all: std::collections::BTreeSet<_> = (0..1000).map(|_| boundary(&Form::new())).collect();
    assert_eq!(all.len(), 1000);
    let sound = |text: &String| {
        text.len() == 38 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    assert!(all.iter().all(sound), "{:?}", all.first());
}

#[test]
fn a_form_is_what_its_parts_are() {
    let replayable = || Body::replayable(Some(2), || pieces(&["ab"]));
    let unknown = || Body::replayable(None, || pieces(&["ab"]));
    let large = || Bytes::from(vec![b'x'; 100_000]);
    for (what, part, known, again) in [
        ("text", Part::text("ab"), true, true),
        ("bytes", Part::bytes(large()), true, true),
        ("nothing", Part::body(Body::empty()), true, true),
        ("a factory", Part::body(replayable()), true, true),
        ("a factory of unknown length", Part::body(unknown()), false, true),
        ("a stream", Part::stream(pieces(&["ab"])), false, false),
        ("a stream of some length", Part::stream_with_length(pieces(&["ab"]), 2), true, false),
    ] {
        let body =
            Body::try_from(Form::new().text("t", "x").part("p", part).text("u", "y")).unwrap();
        assert_eq!((body.length().is_some(), body.try_clone().is_some()), (known, again), "{what}");
        let length = body.length();
        let copy = body.try_clone();
        let sent = now(body.collect(u64::MAX)).unwrap();
        assert!(length.is_none_or(|length| usize::try_from(length) == Ok(sent.len())), "{what}");
        assert!(copy.is_none_or(|copy| now(copy.collect(u64::MAX)).unwrap() == sent), "{what}");
    }
}

#[test]
fn a_stream_that_fails_or_has_another_length_is_a_body_error() {
    let failing = stream::iter([Ok("ab"), Err(std::io::Error::other("unplugged"))]);
    for (part, cause) in [
        (Part::stream(failing), "unplugged"),
        (
            Part::stream_with_length(pieces(&["ab"]), 3),
            "the body was announced with 3 bytes and has 2",
        ),
        (
            Part::stream_with_length(pieces(&["ab"]), 1),
            "the body was announced with 1 bytes and has 2",
        ),
    ] {
        let body = Body::try_from(Form::new().part("p", part).text("u", "y")).unwrap();
        let error = now(body.collect(u64::MAX)).unwrap_err();
        assert!(matches!(error, Error::Body(_)));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.starts_with(cause), "{source}");
    }
}

#[test]
fn what_no_part_can_have_is_an_error_that_repeats_no_value() {
    let secret = "hunter2";
    for (part, problem) in [
        (
            Part::text("").mime(format!("text/{secret}\r\nx: y")),
            "the value of header content-type is invalid",
        ),
        (
            Part::text("").mime(format!("text/{secret}\0")),
            "the value of header content-type is invalid",
        ),
        (Part::text("").mime(secret), "the type of a form's part is no MIME type"),
        (
            Part::text("").mime(format!("text/ {secret}")),
            "the type of a form's part is no MIME type",
        ),
        (Part::text("").mime(""), "the type of a form's part is no MIME type"),
        (Part::text("").header("x-a", format!("{secret}\n")), "the value of header x-a is invalid"),
        (Part::text("").header("x\r\n", secret), "a header's name is invalid"),
        (
            Part::text("").header("Content-Disposition", secret),
            "header content-disposition of a form's part is made of",
        ),
        (
            Part::text("").mime("").header("x-b", "\n").mime("text/plain"),
            "the type of a form's part is no MIME type",
        ),
        (
            Part::text("").file_name(format!("{secret}\0")),
            "the file name of a form's part holds NUL",
        ),
    ] {
        let error = Body::try_from(Form::new().part("p", part)).unwrap_err();
        assert!(matches!(error, Error::Build(_)));
        let text = format!("{error} {error:?}");
        assert!(text.starts_with(problem) && !text.contains(secret), "{text}");
    }
}

#[test]
fn formatting_shows_no_content_and_no_name() {
    let part = || Part::text("hunter2").file_name("hunter2.txt").header("x-key", "hunter2");
    let shown = format!("{:?} {:?}", part(), Form::new().part("hunter2", part()));
    assert!(!shown.contains("hunter2") && shown.contains("x-key"), "{shown}");
}

/// Name, file name and content of each part, as `multer` understands them.
fn decoded(form: Form) -> Vec<(String, Option<String>, Bytes)> {
    let boundary = boundary(&form);
    let body = Body::try_from(form).unwrap();
    let sent = now(body.collect(u64::MAX)).unwrap();
    // In small pieces, as they may come from a socket.
    let pieces: Vec<_> = sent
        .chunks(7)
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    let mut parts = multer::Multipart::new(stream::iter(pieces), boundary);
    let mut all = Vec::new();
    while let Some(field) = now(parts.next_field()).unwrap() {
        let name = field.name().unwrap().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        all.push((name, file_name, now(field.bytes()).unwrap()));
    }
    all
}

/// What the HTML Standard makes of a name, told in another way than the code does.
fn escaped(name: &str, crlf: bool) -> String {
    let name = if crlf {
        name.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
    } else {
        name.to_owned()
    };
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// Any text that a decoder of headers takes: no control characters but line breaks, which are escaped. `\` is left out, for
/// decoders differ on it: browsers, and we, write it as it is.
fn odd_name() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        4 => any::<char>(),
        2 => prop::sample::select(vec!['"', '\r', '\n', ';', '=', '%', '\'', ' ', '-', '\u{fc}', '\u{1f600}']),
    ];
    vec(
        odd.prop_filter("unknown to decoders", |c| {
            *c != '\\' && (!c.is_ascii_control() || "\r\n".contains(*c))
        }),
        0..12,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        parts in vec((odd_name(), prop::option::of(odd_name()), vec(any::<u8>(), 0..200), any::<bool>()), 0..6)
    ) {
        let mut form = Form::new();
        let mut expected = Vec::new();
        for (name, file_name, content, streamed) in parts {
            expected.push((
                escaped(&name, true),
                file_name.as_deref().map(|name| escaped(name, false)),
                Bytes::from(content.clone()),
            ));
            let mut part = if streamed {
                let chunks: Vec<_> = content.chunks(13).map(<[u8]>::to_vec).map(Ok::<_, std::io::Error>).collect();
                Part::stream(stream::iter(chunks))
            } else {
                Part::bytes(content)
            };
            if let Some(file_name) = file_name {
                part = part.file_name(file_name);
            }
            form = form.part(name, part);
        }
        prop_assert_eq!(decoded(form), expected);
    }
}
