//! JSON without its secrets, be it cut off somewhere.

use crate::redact;

/// The text without the values of members that are secrets by their name, and without strings that have no name around them;
/// `None` for what is no JSON up to where it ends, and for a lone value.
pub(super) fn redacted(text: &str) -> Option<String> {
    let mut redactor = Redactor {
        rest: text,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        hidden: None,
    };
    while let Some(first) = redactor.rest.chars().next() {
        redactor.step(first)?;
    }
    Some(redactor.out)
}

/// An object or an array that is not closed yet.
struct Open {
    is_object: bool,
    state: State,
    /// The member whose value comes next is a secret.
    secret: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A name, in an object.
    Name,
    Colon,
    Value,
    /// A comma, or the end.
    After,
}

struct Redactor<'a> {
    rest: &'a str,
    out: String,
    open: Vec<Open>,
    /// What is shown no more until so few are open again.
    hidden: Option<usize>,
}

const REDACTED: &str = "\"REDACTED\"";

impl Redactor<'_> {
    fn step(&mut self, first: char) -> Option<()> {
        match first {
            ' ' | '\t' | '\r' | '\n' => self.take(1, true),
            '{' | '[' => self.begin(first == '{')?,
            '}' | ']' => self.end(first == '}')?,
            ',' => {
                let open = self.open.last_mut().filter(|open| open.state == State::After)?;
                open.state = if open.is_object { State::Name } else { State::Value };
                self.take(1, true);
            }
            ':' => {
                let open = self.open.last_mut().filter(|open| open.state == State::Colon)?;
                open.state = State::Value;
                self.take(1, true);
            }
            '"' => self.string()?,
            _ => self.word()?,
        }
        Some(())
    }

    /// Goes on by `length` bytes.
    fn take(&mut self, length: usize, shown: bool) {
        let (taken, rest) = self.rest.split_at(length);
        if shown && self.hidden.is_none() {
            self.out.push_str(taken);
        }
        self.rest = rest;
    }

    /// Notes that a value comes here; whether it is shown.
    fn value(&mut self, is_string: bool) -> Option<bool> {
        let is_named = !is_string || self.open.iter().any(|open| open.is_object);
        let Some(open) = self.open.last_mut() else { return Some(true) };
        if open.state != State::Value {
            return None;
        }
        open.state = State::After;
        let shown = !std::mem::take(&mut open.secret) && is_named;
        if !shown && self.hidden.is_none() {
            self.out.push_str(REDACTED);
        }
        Some(shown)
    }

    fn begin(&mut self, is_object: bool) -> Option<()> {
        if self.open.is_empty() && !self.out.trim().is_empty() {
            return None; // one document is enough
        }
        let shown = self.value(false)?;
        if !shown && self.hidden.is_none() {
            self.hidden = Some(self.open.len());
        }
        let state = if is_object { State::Name } else { State::Value };
        self.open.push(Open { is_object, state, secret: false });
        self.take(1, true);
        Some(())
    }

    fn end(&mut self, is_object: bool) -> Option<()> {
        let open = self.open.pop()?;
        if open.is_object != is_object || open.state == State::Colon {
            return None;
        }
        self.take(1, true);
        if self.hidden.is_some_and(|until| self.open.len() <= until) {
            self.hidden = None;
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let length = end.map_or(self.rest.len(), |(at, _)| at + 1);
        let (text, is_cut) = (&self.rest[..length], end.is_none());
        if text.contains(|character: char| character < ' ') {
            return None;
        }
        match self.open.last_mut() {
            Some(open) if open.state == State::Name => {
                if is_cut {
                    self.take(length, false);
                    return Some(());
                }
                let name: String = serde_json::from_str(text).ok()?;
                open.secret = redact::is_secret_name(&name);
                open.state = State::Colon;
                self.take(length, true);
            }
            None => return None,
            Some(_) => {
                let shown = self.value(true)?;
                self.take(length, shown);
            }
        }
        Some(())
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<()> {
        let ends =
            |character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character));
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        let is_cut = length == self.rest.len();
        let begins_one = ["true", "false", "null"].iter().any(|known| known.starts_with(word))
            || word
                .chars()
                .all(|character| character.is_ascii_digit() || "+-.eE".contains(character));
        if word.is_empty()
            || self.open.is_empty()
            || !(serde_json::from_str::<serde_json::Value>(word).is_ok() || (is_cut && begins_one))
        {
            return None;
        }
        let shown = self.value(false)?;
        self.take(length, shown);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_members_are_hidden_wherever_they_are() {
        for (text, expected) in [
            (
                r#"{"access_token":"hunter2","expires_in":3600}"#,
                r#"{"access_token":"REDACTED","expires_in":3600}"#,
            ),
            (
                r#"[{"a":{"Password" : "hun\"ter2", "b":1}}]"#,
                r#"[{"a":{"Password" : "REDACTED", "b":1}}]"#,
            ),
            (
                r#"{"secrets":[{"x":"hunter2"},["hunter2"]],"b":[true,null]}"#,
                r#"{"secrets":"REDACTED","b":[true,null]}"#,
            ),
            (r#"{"client_secret":12345,"n":-1.5e3}"#, r#"{"client_secret":"REDACTED","n":-1.5e3}"#),
            (r#"{"pass\u0077ord":"hunter2"}"#, r#"{"pass\u0077ord":"REDACTED"}"#),
            (
                r#"["hunter2",[7,"hunter2"],{"a":["x"]}]"#,
                r#"["REDACTED",[7,"REDACTED"],{"a":["x"]}]"#,
            ),
            ("{}", "{}"),
            ("", ""),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_shows_nothing_more() {
        let text = r#"{"id":7,"token":"hunter2 \" hunter2","t":{"password":["hunter2",{"x":"hunter2"}]},"on":true}"#;
        for length in 0..=text.len() {
            let shown = redacted(&text[..length]);
            let shown = shown.unwrap_or_else(|| panic!("{}", &text[..length]));
            assert!(!shown.contains("hunter2"), "{length}: {shown}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_shown() {
        for text in [
            "hunter2",
            "\"hunter2\"",
            "42",
            "{hunter2}",
            "{\"a\" \"hunter2\"}",
            "{\"a\":1 \"hunter2\"}",
            "{\"a\":hunter2}",
            "{\"a\":1}hunter2",
            "{\"a\":1}{\"b\":\"hunter2\"}",
            "[1}",
            "{\"a\":1]",
            "{\"a\n\":1}",
            "]",
        ] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }
}
