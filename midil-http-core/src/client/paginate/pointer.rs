//! Where things are in a page's JSON, as [RFC 6901] points at them.
//!
//! [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901

use serde_json::Value;

use crate::{BuildError, DecodeError, Error};

/// What `pointer` leads to in `value`, if anything.
pub(super) fn find<'a>(value: &'a Value, pointer: &str) -> Result<Option<&'a Value>, BuildError> {
    check(pointer)?;
    Ok(value.pointer(pointer))
}

/// Whether it is a pointer at all.
pub(super) fn check(pointer: &str) -> Result<(), BuildError> {
    let problem = if !(pointer.is_empty() || pointer.starts_with('/')) {
        format!(
            "is none: begin it with a slash, as in \"/{}\", or give \"\" for all of the JSON",
            pointer.escape_debug()
        )
    } else if pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
        // It would lead to nothing, which may look like the last page.
        "is none: write ~0 for a ~ in a name, and ~1 for a /".to_owned()
    } else {
        return Ok(());
    };
    Err(BuildError::new(format!("the JSON pointer \"{}\"", pointer.escape_debug()), problem))
}

/// Where the items of a page are.
#[derive(Debug, Default)]
pub(super) struct ItemsAt {
    pub(super) pointer: String,
    /// Whether a page without them is one with none.
    pub(super) optional: bool,
}

impl ItemsAt {
    /// The items of a page; `None` when it has none.
    pub(super) fn find<'a>(&self, page: &'a Value) -> Result<Option<&'a [Value]>, Error> {
        match find(page, &self.pointer)? {
            Some(Value::Array(items)) => Ok(Some(items)),
            other if self.is_none(page, other) => Ok(None),
            _ => Err(self.wrong()),
        }
    }

    /// The same, out of the page.
    pub(super) fn take(&self, page: &mut Value) -> Result<Vec<Value>, Error> {
        check(&self.pointer)?;
        match page.pointer_mut(&self.pointer).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            other if self.is_none(page, other.as_ref()) => Ok(Vec::new()),
            _ => Err(self.wrong()),
        }
    }

    /// Whether what is there says that there are none: `null`, nothing at all in an empty body, or nothing where that is fine.
    fn is_none(&self, page: &Value, found: Option<&Value>) -> bool {
        match found {
            Some(found) => found.is_null(),
            None => self.optional || page.is_null(),
        }
    }

    fn wrong(&self) -> Error {
        let place = if self.pointer.is_empty() {
            "it is no array: say by `items_at` where in it the items are".to_owned()
        } else {
            format!(
                "there is no array at {}: correct `items_at`, or call `absent_items_are_empty` if pages without items leave it out",
                self.pointer.escape_debug()
            )
        };
        DecodeError::new("JSON with items", place).into()
    }
}
