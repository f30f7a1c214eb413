//! [`AttributeSets`]: the attributes of calls, made once for all that are alike.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use midil_http_core::{Ended, Target};
use opentelemetry::{KeyValue, Value};

/// So many sets are kept: as many as an SDK keeps of an instrument, unless it is told otherwise. The others are made anew
/// each time.
const MOST: usize = 2000;

/// The sets of attributes that were wanted so far, and the methods that may stand in them.
pub(super) struct AttributeSets {
    /// By the hashes of their keys. A hash that another key has already is counted up.
    sets: RwLock<HashMap<u64, Arc<Set>, RandomState>>,
    hasher: RandomState,
    known_methods: Vec<Arc<str>>,
}

struct Set {
    key: OwnedKey,
    attributes: Vec<KeyValue>,
}

/// What a set of attributes is made of.
#[derive(Hash, PartialEq, Eq, Clone, Copy)]
pub(super) struct Key<'a> {
    /// `None` where the server alone is of interest.
    request: Option<Request<'a>>,
    address: &'a str,
    port: u16,
    status: Option<u16>,
    version: Option<&'static str>,
    error: Option<&'a str>,
}

#[derive(Hash, PartialEq, Eq, Clone, Copy)]
struct Request<'a> {
    method: &'a str,
    scheme: &'static str,
    template: Option<&'a str>,
}

impl<'a> Key<'a> {
    /// Method, server, scheme and template.
    pub(super) fn target(target: &Target<'a>) -> Self {
        let (method, scheme) = (target.method().as_str(), target.scheme());
        let request = Request { method, scheme, template: target.url_template() };
        Self { request: Some(request), ..Self::server(target) }
    }

    /// The server alone.
    pub(super) fn server(target: &Target<'a>) -> Self {
        let (address, port) = (target.address(), target.port());
        Self { request: None, address, port, status: None, version: None, error: None }
    }

    /// And what it came to.
    pub(super) fn ended(self, ended: &'a Ended<'a>) -> Self {
        let (status, version) = (ended.status(), ended.protocol_version());
        let status = status.map(|status| status.as_u16());
        Self { status, version, error: ended.error_type(), ..self }
    }

    /// And the error that it failed with.
    pub(super) fn failed(self, error: &'a str) -> Self {
        Self { error: Some(error), ..self }
    }
}

/// Method, scheme and template.
type OwnedRequest = (Box<str>, &'static str, Option<Box<str>>);

/// A [`Key`] to keep.
struct OwnedKey {
    request: Option<OwnedRequest>,
    address: Box<str>,
    port: u16,
    status: Option<u16>,
    version: Option<&'static str>,
    error: Option<Box<str>>,
}

impl OwnedKey {
    fn of(key: &Key<'_>) -> Self {
        let Key { request, address, port, status, version, error } = *key;
        Self {
            request: request.map(|Request { method, scheme, template }| {
                (method.into(), scheme, template.map(Into::into))
            }),
            address: address.into(),
            port,
            status,
            version,
            error: error.map(Into::into),
        }
    }

    fn get(&self) -> Key<'_> {
        let Self { request, address, port, status, version, error } = self;
        Key {
            request: request.as_ref().map(|(method, scheme, template)| Request {
                method,
                scheme,
                template: template.as_deref(),
            }),
            address,
            port: *port,
            status: *status,
            version: *version,
            error: error.as_deref(),
        }
    }
}

impl AttributeSets {
    pub(super) fn new(known_methods: Vec<Arc<str>>) -> Self {
        Self { sets: RwLock::default(), hasher: RandomState::default(), known_methods }
    }

    /// Hands the attributes of `key` to `record`.
    pub(super) fn with(&self, key: &Key<'_>, record: impl FnOnce(&[KeyValue])) {
        let key = Key { request: key.request.map(|request| self.known(request)), ..*key };
        // An SDK is foreign code: it runs without the lock.
        match self.find(&key).or_else(|| self.keep(&key)) {
            Some(set) => record(&set.attributes),
            None => record(&attributes(&key)),
        }
    }

    /// The attributes of `key`, for what is rare.
    pub(super) fn make(&self, key: &Key<'_>) -> Vec<KeyValue> {
        attributes(&Key { request: key.request.map(|request| self.known(request)), ..*key })
    }

    /// The request, with a method that is known: there are as many others as somebody makes up.
    fn known<'a>(&self, request: Request<'a>) -> Request<'a> {
        let known = self.known_methods.iter().any(|known| **known == *request.method);
        if known { request } else { Request { method: "_OTHER", ..request } }
    }

    fn find(&self, key: &Key<'_>) -> Option<Arc<Set>> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        place(&sets, key, self.hasher.hash_one(key)).ok()
    }

    #[cold]
    fn keep(&self, key: &Key<'_>) -> Option<Arc<Set>> {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        match place(&sets, key, self.hasher.hash_one(key)) {
            Ok(set) => Some(set),
            Err(_) if sets.len() >= MOST => None,
            Err(place) => {
                let set = Set { key: OwnedKey::of(key), attributes: attributes(key) };
                let set = Arc::new(set);
                sets.insert(place, Arc::clone(&set));
                Some(set)
            }
        }
    }
}

/// The set of a key, or the place where it belongs.
fn place(
    sets: &HashMap<u64, Arc<Set>, RandomState>,
    key: &Key<'_>,
    mut hash: u64,
) -> Result<Arc<Set>, u64> {
    while let Some(set) = sets.get(&hash) {
        if set.key.get() == *key {
            return Ok(Arc::clone(set));
        }
        hash = hash.wrapping_add(1);
    }
    Err(hash)
}

/// In the order of their names: an SDK finds them without sorting.
fn attributes(key: &Key<'_>) -> Vec<KeyValue> {
    let Key { request, address, port, status, version, error } = *key;
    let text = |name, value: &str| KeyValue::new(name, Value::from(value.to_owned()));
    let number = |name, value| KeyValue::new(name, i64::from(value));
    let all = [
        error.map(|error| text("error.type", error)),
        request.map(|request| text("http.request.method", request.method)),
        status.map(|status| number("http.response.status_code", status)),
        version.map(|version| KeyValue::new("network.protocol.version", version)),
        Some(text("server.address", address)),
        Some(number("server.port", port)),
        request.map(|request| KeyValue::new("url.scheme", request.scheme)),
        request.and_then(|request| Some(text("url.template", request.template?))),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use midil_http_core::Request;

    use super::*;

    #[test]
    fn no_more_than_so_many_sets_are_kept_and_the_others_are_right_all_the_same() {
        let sets = AttributeSets::new(vec!["GET".into()]);
        for number in 0..MOST + 500 {
            let request = Request::get(&format!("https://host{number}.test/")).expect("a URL");
            let target = Target::of(request.head());
            for _ in 0..2 {
                sets.with(&Key::server(&target), |attributes| {
                    let address = KeyValue::new("server.address", format!("host{number}.test"));
                    assert_eq!(attributes, [address, KeyValue::new("server.port", 443)]);
                });
            }
        }
        assert_eq!(sets.sets.read().expect("nobody panicked").len(), MOST);
    }

    #[test]
    fn keys_that_share_a_hash_do_not_share_a_set() {
        let sets = AttributeSets::new(Vec::new());
        let (one, other) = (Request::get("https://one.test/"), Request::get("https://other.test/"));
        let (one, other) = (one.expect("a URL"), other.expect("a URL"));
        let (one, other) = (Target::of(one.head()), Target::of(other.head()));
        let (one, other) = (Key::server(&one), Key::server(&other));
        sets.with(&one, |_| {});
        let mut map = sets.sets.write().expect("nobody panicked");
        let set = map.drain().next().expect("there is one").1;
        map.insert(7, set);
        assert!(place(&map, &one, 7).is_ok());
        assert_eq!(place(&map, &other, 7).err(), Some(8));
    }
}
