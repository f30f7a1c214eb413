//! [`Section`]: settings that belong together, each named once; all else is done by [`Visitor`]s of them.

use super::leaf::{Leaf, Rule};
use crate::Error;

/// A table of settings, any of which may be unset.
pub(crate) trait Section: Clone + Default + PartialEq {
    /// Shows `visitor` every setting.
    fn visit<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), Error>;

    /// What is set here, and what `lower` sets beside it.
    fn over(self, lower: Self) -> Self;
}

/// Looks at settings, and may set them.
pub(crate) trait Visitor: Sized {
    /// A setting.
    fn leaf<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        rule: Rule<T>,
    ) -> Result<(), Error>;

    /// The same setting by its short name, at the top level.
    fn alias<T: Leaf>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
        rule: Rule<T>,
    ) -> Result<(), Error> {
        self.leaf(key, slot, rule)
    }

    /// A table in the table.
    fn section<S: Section>(&mut self, key: &'static str, section: &mut S) -> Result<(), Error>;
}

/// Declares a section: a struct of options, setters, [`Section`].
///
/// A setting is `name: how Type, rule;`. `how` says what its setter takes: the type (`plain`), what converts into it
/// (`into`), one more of a list (`each`), or one more pair (`pairs`). What is named `kind` is `type` in files and
/// variables.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $name:ident by $merge:ident {
            $( $(#[$field_doc:meta])* $field:ident : $how:ident $type:ty, $rule:expr; )*
        }
        $( sections { $( $(#[$section_doc:meta])* $section:ident : $section_type:ty; )* } )?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: Option<$type>, )*
            $($( $(#[$section_doc])* pub $section: $section_type, )*)?
            pub(crate) cut: $crate::config::section::Cut,
        }

        impl $name {
            /// Begins with nothing set.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $( $crate::config::section::setter!($how $field $type, $(#[$field_doc])*); )*

            $($(
                $(#[$section_doc])*
                #[must_use]
                pub fn $section(mut self, settings: $section_type) -> Self {
                    self.$section = $crate::config::section::Section::over(settings, self.$section);
                    self
                }
            )*)?
        }

        impl $crate::config::section::Section for $name {
            fn visit<V: $crate::config::section::Visitor>(
                &mut self,
                visitor: &mut V,
            ) -> Result<(), $crate::Error> {
                $( visitor.leaf($crate::config::section::key!($field), &mut self.$field, $rule)?; )*
                $($( visitor.section(stringify!($section), &mut self.$section)?; )*)?
                Ok(())
            }

            fn over(mut self, lower: Self) -> Self {
                if self.cut.0 {
                    return self;
                }
                if $crate::config::section::$merge!(self, lower) {
                    self.cut.0 = true;
                    return self;
                }
                Self {
                    $( $field: self.$field.or(lower.$field), )*
                    $($( $section: self.$section.over(lower.$section), )*)?
                    cut: lower.cut,
                }
            }
        }
    };
}

macro_rules! setter {
    (plain $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, value: $type) -> Self {
            self.$field = Some(value);
            self
        }
    };
    (into $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, value: impl Into<$type>) -> Self {
            self.$field = Some(value.into());
            self
        }
    };
    (each $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field<I>(mut self, values: I) -> Self
        where
            I: IntoIterator<Item: Into<<$type as IntoIterator>::Item>>,
        {
            self.$field = Some(values.into_iter().map(Into::into).collect());
            self
        }
    };
    (pairs $field:ident $type:ty, $(#[$doc:meta])*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $field<K, V>(mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Self
        where
            K: Into<String>,
            V: Into<String>,
        {
            let pairs = pairs.into_iter().map(|(key, value)| (key.into(), value.into()));
            self.$field = Some(pairs.collect());
            self
        }
    };
}

/// The name of a setting in files.
macro_rules! key {
    (kind) => {
        "type"
    };
    ($field:ident) => {
        stringify!($field)
    };
}

/// Whether a section takes nothing from below, because a layer that was between had another type: so that three layers are
/// the same in either grouping. It is no part of what is set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cut(pub(crate) bool);

impl PartialEq for Cut {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Each setting for itself: nothing is left out.
macro_rules! deep {
    ($upper:ident, $lower:ident) => {
        false
    };
}

/// Settings of one type do not mix with those of another; `none` has none of either. Whether the lower are left out.
macro_rules! tagged {
    ($upper:ident, $lower:ident) => {
        match ($upper.kind, $lower.kind) {
            (Some(upper), _) if upper.name() == "none" => true,
            (_, Some(lower)) if lower.name() == "none" => $upper != Self::default(),
            (Some(upper), Some(lower)) => upper != lower,
            _ => false,
        }
    };
}

/// The same, where there is no `none`.
macro_rules! tagged_without_none {
    ($upper:ident, $lower:ident) => {
        matches!(($upper.kind, $lower.kind), (Some(upper), Some(lower)) if upper != lower)
    };
}

/// Declares a setting that is one of several words.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident, $allowed:literal => {
            $( $(#[$variant_doc:meta])* $variant:ident = $word:literal; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )*
        }

        impl $name {
            pub(crate) const ALLOWED: &'static str = $allowed;

            /// As files and variables have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )*
                }
            }
        }

        impl $crate::config::leaf::Leaf for $name {
            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $( $word => Some(Self::$variant), )*
                    _ => None,
                }
            }

            fn from_node(node: &$crate::config::node::Node) -> Option<Self> {
                match node {
                    $crate::config::node::Node::Text(text) => Self::from_text(text),
                    _ => None,
                }
            }

            fn to_node(&self) -> $crate::config::node::Node {
                $crate::config::node::Node::text(self.name())
            }
        }
    };
}

/// Declares the types that a section can have: what each needs, and what it may have.
macro_rules! kinds {
    (
        $(#[$doc:meta])*
        $name:ident, $allowed:literal => {
            $(
                $(#[$variant_doc:meta])*
                $variant:ident = $word:literal: [$($needs:literal),*] [$($takes:literal),*];
            )*
        }
    ) => {
        $crate::config::section::words! {
            $(#[$doc])*
            $name, $allowed => {
                $(
                    $(#[$variant_doc])*
                    #[doc = ""]
                    #[doc = $crate::config::section::sentence!([$($needs),*] [$($takes),*])]
                    $variant = $word;
                )*
            }
        }

        impl $name {
            /// What it cannot be without, and what it may have.
            pub(crate) const fn settings(self) -> [&'static [&'static str]; 2] {
                match self {
                    $( Self::$variant => [&[$($needs),*], &[$($takes),*]], )*
                }
            }
        }
    };
}

/// What the docs of a type say of its settings.
macro_rules! sentence {
    ([] []) => {
        "It has no settings."
    };
    ([] [$first:literal $(, $takes:literal)*]) => {
        concat!("It may have `", $first, "`" $(, ", `", $takes, "`")*, ".")
    };
    ([$first:literal $(, $needs:literal)*] []) => {
        concat!("It needs `", $first, "`" $(, ", `", $needs, "`")*, ".")
    };
    ([$($needs:literal),+] [$($takes:literal),+]) => {
        concat!(
            $crate::config::section::sentence!([$($needs),+] []),
            " ",
            $crate::config::section::sentence!([] [$($takes),+])
        )
    };
}

pub(super) use {deep, key, kinds, section, sentence, setter, tagged, tagged_without_none, words};
