//! The `Link` header, as [RFC 8288, appendix B.2] reads it.
//!
//! [RFC 8288, appendix B.2]: https://www.rfc-editor.org/rfc/rfc8288#appendix-B.2

/// One link of a `Link` header: where it leads, and how it is related to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The URI reference between `<` and `>`, as it was written.
    pub(super) target: String,
    /// The names in lower case and the values of its parameters, as they were written.
    parameters: Vec<(String, Option<String>)>,
}

impl Link {
    /// The first parameter of that name; what follows of the same name does not count (section 3).
    fn parameter(&self, name: &str) -> Option<&str> {
        let (_, value) = self.parameters.iter().find(|(of, _)| of == name)?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// Whether it has this relation type among its own. They are compared without regard to case (section 2.1).
    pub(super) fn has_relation(&self, relation: &str) -> bool {
        let relations = self.parameter("rel").unwrap_or_default();
        relations.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(relation))
    }

    /// What the link is a link of, when that is not the page that it came with (section 3.2).
    pub(super) fn anchor(&self) -> Option<&str> {
        self.parameter("anchor")
    }
}

/// The links of one field value, up to where it cannot be read any more: the position of that comes along.
///
/// A list may have empty elements ([RFC 9110, section 5.6.1]).
///
/// [RFC 9110, section 5.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1
pub(super) fn parse(value: &str) -> (Vec<Link>, Option<usize>) {
    let mut links = Vec::new();
    let mut rest = Rest(value);
    loop {
        rest.skip(|character| is_space(character) || character == ',');
        if rest.0.is_empty() {
            return (links, None);
        }
        match link(&mut rest) {
            Some(link) => links.push(link),
            None => return (links, Some(value.len() - rest.0.len())),
        }
    }
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Goes past this character, when it is the next.
    fn take(&mut self, character: char) -> bool {
        match self.0.strip_prefix(character) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(what);
    }

    /// What comes before the first character of these, or the end.
    fn until(&mut self, stop: impl Fn(char) -> bool) -> &'a str {
        let (before, rest) = self.0.split_at(self.0.find(stop).unwrap_or(self.0.len()));
        self.0 = rest;
        before
    }
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn link(rest: &mut Rest<'_>) -> Option<Link> {
    if !rest.take('<') {
        return None;
    }
    let start = rest.0;
    let target = rest.until(|character| character == '>').to_owned();
    if !rest.take('>') {
        rest.0 = start;
        return None;
    }
    let mut parameters = Vec::new();
    loop {
        rest.skip(is_space);
        if rest.0.is_empty() || rest.0.starts_with(',') {
            return Some(Link { target, parameters });
        }
        if !rest.take(';') {
            return None;
        }
        if let Some(parameter) = parameter(rest)? {
            parameters.push(parameter);
        }
    }
}

/// One parameter; an empty one between two semicolons is none. `None` when its quotes have no end.
#[allow(clippy::option_option, reason = "an unreadable parameter is not an absent one")]
fn parameter(rest: &mut Rest<'_>) -> Option<Option<(String, Option<String>)>> {
    rest.skip(is_space);
    let name = rest.until(|character| is_space(character) || "=;,".contains(character));
    let name = name.to_ascii_lowercase();
    rest.skip(is_space);
    if !rest.take('=') {
        return Some((!name.is_empty()).then_some((name, None)));
    }
    rest.skip(is_space);
    let value = if rest.0.starts_with('"') {
        quoted(rest)?
    } else {
        rest.until(|character| is_space(character) || ";,".contains(character)).to_owned()
    };
    Some((!name.is_empty()).then_some((name, Some(value))))
}

/// A quoted string, without its quotes and backslashes; `None` when it has no end.
fn quoted(rest: &mut Rest<'_>) -> Option<String> {
    let mut value = String::new();
    let mut characters = rest.0.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                rest.0 = rest.0.get(at + 1..)?;
                return Some(value);
            }
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests;
