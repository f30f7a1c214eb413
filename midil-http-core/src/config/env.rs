//! Settings from the environment: durations are seconds, an empty variable is unset, a bad one is an error.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use super::closest::closest;
use super::leaf::{Leaf, Rule};
use super::origins::Origins;
use super::section::{Section, Visitor};
use super::settings::Settings;
use crate::{BuildError, Error};

/// The prefix of variables that other software has, too: `HTTP_PROXY`, and in CGI every header of a request.
const SHARED: &str = "HTTP";

/// The value of a variable.
type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<String>, Error>;

/// Takes from `lookup` what `explicit` does not set.
pub(super) fn fill(explicit: Settings, lookup: Lookup<'_>) -> Result<Settings, Error> {
    read(explicit, SHARED, lookup).map(|(settings, _)| settings)
}

/// The same from variables whose names begin with `prefix`; one that is not known is an error, but for the shared prefix.
pub(super) fn fill_from(
    explicit: Settings,
    prefix: &str,
    variables: &[(OsString, OsString)],
) -> Result<Settings, Error> {
    check_prefix(prefix)?;
    let lookup = |name: &str| -> Result<Option<String>, Error> {
        match variables.iter().find(|(variable, _)| is_named(variable, name)) {
            None => Ok(None),
            Some((_, value)) => value.clone().into_string().map(Some).map_err(|_| {
                BuildError::new(name, "is not valid UTF-8: set it anew or unset it").into()
            }),
        }
    };
    let (settings, known) = read(explicit, prefix, &lookup)?;
    if prefix != SHARED {
        let start = format!("{prefix}_");
        for (name, value) in variables {
            let mut name = name.to_string_lossy();
            if cfg!(windows) {
                name.to_mut().make_ascii_uppercase();
            }
            if name.starts_with(&start) && !known.contains(&*name) && !value.is_empty() {
                let hint = closest(&name, known.iter().map(String::as_str)).map_or_else(
                    || {
                        format!(
                            "unset it, or rename it if it is something else's than the client's: \
                             {start}… is for the settings of HttpConfig alone"
                        )
                    },
                    |near| format!("did you mean {near}?"),
                );
                return Err(BuildError::new(name, format!("is no setting: {hint}")).into());
            }
        }
    }
    Ok(settings)
}

/// Whether a variable has that name: on Windows, its case does not matter.
fn is_named(variable: &OsStr, name: &str) -> bool {
    if cfg!(windows) { variable.eq_ignore_ascii_case(name) } else { variable == name }
}

fn check_prefix(prefix: &str) -> Result<(), BuildError> {
    let sound = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if prefix.is_empty() || prefix.ends_with('_') || !prefix.bytes().all(sound) {
        let name = format!("the prefix {prefix:?} of variables");
        let problem =
            "cannot be: give capitals, digits and _, none at the end, such as ORDERS_HTTP";
        return Err(BuildError::new(name, problem));
    }
    Ok(())
}

/// The settings, and the names of all variables there are.
fn read(
    explicit: Settings,
    prefix: &str,
    lookup: Lookup<'_>,
) -> Result<(Settings, BTreeSet<String>), Error> {
    let mut set = Names { path: prefix.to_owned(), names: BTreeSet::new() };
    explicit.clone().visit(&mut set)?;
    let mut found = Settings::default();
    let mut reader = Reader {
        path: prefix.to_owned(),
        lookup,
        explicit: &set.names,
        known: BTreeSet::new(),
        first: None,
        place: String::new(),
        origins: Origins::default(),
    };
    found.visit(&mut reader)?;
    let Reader { known, first, origins, .. } = reader;
    found.origins = origins;
    if let Some(name) = first
        && prefix == SHARED
        && lookup("REQUEST_METHOD")?.is_some()
    {
        let problem = "may come from a header of the request that is being served, for \
                       REQUEST_METHOD says that this is CGI: use a prefix of your own";
        return Err(BuildError::new(name, problem).into());
    }
    Ok((explicit.over(found), known))
}

/// The variable of a setting.
fn variable(path: &str, key: &str) -> String {
    format!("{path}_{}", key.to_ascii_uppercase())
}

/// Notes the variables of what is set, by all their names.
struct Names {
    path: String,
    names: BTreeSet<String>,
}

impl Visitor for Names {
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        _: Rule<T>,
    ) -> Result<(), Error> {
        // Which type the environment asks for says whether the rest of it belongs to the type that is set.
        if slot.is_some() && key != "type" {
            self.names.insert(variable(&self.path, key));
        }
        Ok(())
    }

    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error> {
        let path = variable(&self.path, key);
        let outer = std::mem::replace(&mut self.path, path);
        section.visit(self)?;
        self.path = outer;
        Ok(())
    }
}

struct Reader<'a> {
    path: String,
    lookup: Lookup<'a>,
    /// Variables that are not looked at.
    explicit: &'a BTreeSet<String>,
    known: BTreeSet<String>,
    /// The first variable that was set.
    first: Option<String>,
    /// The path of the table that is read, as files have it.
    place: String,
    origins: Origins,
}

impl Reader<'_> {
    /// The value of a variable, unless that is empty.
    fn value(&mut self, name: &str) -> Result<Option<String>, Error> {
        let value = (self.lookup)(name)?.filter(|value| !value.trim().is_empty());
        if value.is_some() {
            self.first.get_or_insert_with(|| name.to_owned());
        }
        Ok(value)
    }
}

impl Visitor for Reader<'_> {
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        rule: Rule<T>,
    ) -> Result<(), Error> {
        let name = variable(&self.path, key);
        let file = format!("{name}_FILE");
        // A short name and the name in its table can be the same variable.
        let is_new = self.known.insert(name.clone());
        if T::IS_SECRET {
            self.known.insert(file.clone());
        }
        if !is_new || self.explicit.contains(&name) {
            return Ok(());
        }
        let wrong = |name: &str, problem: String| Err(BuildError::new(name, problem).into());
        let value = self.value(&name)?;
        let path = if T::IS_SECRET { self.value(&file)? } else { None };
        let origin = if path.is_some() { file.clone() } else { name.clone() };
        let value = match (value, path) {
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => {
                return wrong(&file, format!("is set beside {name}: set one of the two"));
            }
            (None, Some(path)) => T::from_file(path.trim()),
            (Some(text), None) => {
                let text = if T::IS_SECRET { text.as_str() } else { text.trim() };
                let value = T::from_text(text).filter(|value| (rule.problem)(value).is_none());
                if value.is_none() {
                    let shown = T::shown_text(text);
                    return wrong(&name, format!("is {shown}: give {}", rule.allowed));
                }
                value
            }
        };
        if slot.is_some() {
            let problem = "is set by its short name as well: set one of the two variables";
            return wrong(&name, problem.to_owned());
        }
        if let Some(value) = &value {
            self.origins.note(&format!("{}{key}", self.place), origin, value.to_node());
        }
        *slot = value;
        Ok(())
    }

    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error> {
        let (path, place) = (variable(&self.path, key), format!("{}{key}.", self.place));
        let outer_path = std::mem::replace(&mut self.path, path);
        let outer_place = std::mem::replace(&mut self.place, place);
        section.visit(self)?;
        self.path = outer_path;
        self.place = outer_place;
        Ok(())
    }
}
