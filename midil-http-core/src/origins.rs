//! [`Origins`]: those that a client may call, or may tell who it is.

use url::{Position, Url};

use crate::origin::Origin;

/// Origins in their order, so that it takes a few steps to find one among thousands.
#[derive(Default)]
pub(crate) struct Origins(Box<[Origin]>);

impl Origins {
    /// Whether one of them is that of `url`. Userinfo makes it another.
    pub(crate) fn has(&self, url: &Url) -> bool {
        // As `Origin::is_of` compares.
        let origin = &url[..Position::BeforePath];
        self.0.binary_search_by(|known| known.as_str().cmp(origin)).is_ok()
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        let mut origins: Box<[Origin]> = origins.into_iter().collect();
        origins.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        Self(origins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_many_is_found_and_nothing_beside_them() {
        let origin = |number| format!("https://{number}.example.com");
        let parse = |text: String| Origin::parse("allow_origin", &text).unwrap();
        // Out of order, and one of them twice.
        let origins: Origins = (0..1000).rev().chain([7]).map(origin).map(parse).collect();
        let has = |text: &str| origins.has(&Url::parse(text).unwrap());
        for number in 0..1000 {
            assert!(has(&(origin(number) + "/path?query#fragment")), "{number}");
        }
        for other in [
            "https://1000.example.com/",
            "http://7.example.com/",
            "https://7.example.com:8443/",
            "https://user@7.example.com/",
            "https://7.example.com.evil.test/",
            "https://7.example.co/",
        ] {
            assert!(!has(other), "{other}");
        }
        assert!(!Origins::default().has(&Url::parse("https://7.example.com/").unwrap()));
    }
}
