use proptest::prelude::*;

use super::*;

fn links(value: &str) -> Vec<Link> {
    let (links, problem) = parse(value);
    assert_eq!(problem, None, "{value}");
    links
}

fn next(value: &str) -> Vec<String> {
    let links = links(value).into_iter();
    links.filter(|link| link.has_relation("next")).map(|link| link.target).collect()
}

/// The examples of RFC 8288, section 3.5.
#[test]
fn the_examples_of_the_rfc() {
    let first =
        links(r#"<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter""#);
    assert_eq!(first[0].target, "http://example.com/TheBook/chapter2");
    assert!(first[0].has_relation("previous") && !first[0].has_relation("prev"));
    assert_eq!(first[0].parameter("title"), Some("previous chapter"));

    let copyright = links(r##"</>; rel="http://example.net/foo""##);
    assert!(copyright[0].target == "/" && copyright[0].has_relation("HTTP://example.net/foo"));

    let anchored = links(r##"</terms>; rel="copyright"; anchor="#foo""##);
    assert_eq!(anchored[0].anchor(), Some("#foo"));

    let two = links(
        "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, \
         </TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
    );
    assert_eq!(two.len(), 2);
    assert!(two[1].target == "/TheBook/chapter4" && two[1].has_relation("next"));
    assert_eq!(two[0].parameter("title*"), Some("UTF-8'de'letztes%20Kapitel"));

    let several = links(r#"<http://example.org/>; rel="start http://example.net/relation/other""#);
    assert!(several[0].has_relation("start"));
    assert!(several[0].has_relation("http://example.net/relation/other"));

    let same = r#"<https://example.org/>; rel="start", <https://example.org/index>; rel="index""#;
    assert_eq!(links(same).len(), 2);
}

#[test]
fn what_servers_write() {
    for (value, target) in [
        (
            r#"<https://a.test/x?page=2>; rel="next", <https://a.test/x?page=9>; rel="last""#,
            "https://a.test/x?page=2",
        ),
        ("<?page=2>;rel=next", "?page=2"),
        ("<?page=2> ; REL = Next ;", "?page=2"),
        (r#"<?page=2>; rel="last NEXT""#, "?page=2"),
        (r#"<?page=1>; rel=prev, , <?page=3>; x; rel="next","#, "?page=3"),
        // Commas and semicolons in a target and in quotes are themselves.
        (r#"<?ids=1,2;3>; title="a, b; c \" <d>"; rel=next"#, "?ids=1,2;3"),
        ("<>; rel=next", ""),
    ] {
        assert_eq!(next(value), [target], "{value}");
    }
}

#[test]
fn what_is_no_next_page() {
    for value in [
        "",
        " , ",
        "<?page=2>; rel=prev",
        "<?page=2>; rel=nextish",
        "<?page=2>; rev=next",
        "<?page=2>; title=next",
        "<?page=2>",
        // Only the first of several counts.
        "<?page=2>; rel=prev; rel=next",
    ] {
        assert_eq!(next(value), Vec::<String>::new(), "{value}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place_and_what_came_before() {
    for (value, position, before) in [
        ("?page=2; rel=next", 0, 0),
        ("<?page=2; rel=next", 1, 0),
        ("<?page=2> rel=next", 10, 0),
        ("<a>; rel=x, b; rel=next", 12, 1),
        ("<a>; rel=\"next", 9, 0),
        ("<a>; rel=\"next\\", 9, 0),
        ("<a>; rel=\"next\"x, <b>; rel=x", 15, 0),
    ] {
        let (links, problem) = parse(value);
        assert_eq!((problem, links.len()), (Some(position), before), "{value}");
    }
}

/// A link, and how it may be written.
fn written(target: &str, parameters: &[(String, String)]) -> String {
    let quote = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let all = parameters.iter().map(|(name, value)| format!("; {name}=\"{}\"", quote(value)));
    format!("<{target}>{}", all.collect::<String>())
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(value in "\\PC*") {
        let (_, problem) = parse(&value);
        prop_assert!(problem.is_none_or(|at| value.is_char_boundary(at)));
    }

    #[test]
    fn nothing_like_links_makes_it_panic(value in "[<>;,=\"\\\\ relnxtä]{0,40}") {
        parse(&value);
    }

    #[test]
    fn what_is_written_is_read(
        written_links in prop::collection::vec(
            ("[^<>\\p{C}]{0,20}", prop::collection::vec(("[a-z*]{1,8}", "\\PC{0,12}"), 0..4)),
            0..5,
        ),
        comma in prop::sample::select(vec![",", ", ", " , ,"]),
    ) {
        let all: Vec<_> = written_links.iter().map(|(target, parameters)| written(target, parameters)).collect();
        let (read, problem) = parse(&all.join(comma));
        prop_assert_eq!(problem, None);
        let read: Vec<_> = read
            .into_iter()
            .map(|link| {
                let parameters = link.parameters.into_iter();
                (link.target, parameters.map(|(name, value)| (name, value.unwrap_or_default())).collect::<Vec<_>>())
            })
            .collect();
        prop_assert_eq!(read, written_links);
    }
}
