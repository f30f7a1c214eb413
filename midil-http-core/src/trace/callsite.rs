//! Spans whose fields are known only when a client is built: those of the headers that it records.
//!
//! `tracing`'s macros need every field's name when they are compiled. What they expand to is a callsite, and those that are
//! made here are the same thing, made later. One is never freed, for a subscriber may keep it: there is one for each set of
//! headers that the process records, however many clients do.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use http::HeaderName;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing_core::callsite::{Callsite, DefaultCallsite, Identifier, register};
use tracing_core::field::FieldSet;
use tracing_core::subscriber::Interest;
use tracing_core::{Kind, Level, Metadata, dispatcher};

/// A header that is recorded, and the field that it is recorded as.
pub(crate) type HeaderField = (HeaderName, &'static str);

/// A callsite of spans with more fields than the macro's.
#[derive(Debug, Default)]
pub(crate) struct SpanCallsite {
    metadata: OnceLock<Metadata<'static>>,
    interest: AtomicU8,
}

const NEVER: u8 = 1;
const ALWAYS: u8 = 2;

/// What is recorded of headers, and the callsites of the spans for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Headers {
    pub(crate) request: &'static [HeaderField],
    pub(crate) response: &'static [HeaderField],
    pub(super) call: &'static SpanCallsite,
    pub(super) exchange: &'static SpanCallsite,
}

/// A name and a target of a span.
pub(super) type Named = (&'static str, &'static str);

/// What there is to record these headers with; the same for the same headers.
pub(super) fn headers(
    request: &[HeaderName],
    response: &[HeaderName],
    base: &[&'static str],
    [call, exchange]: [Named; 2],
) -> Headers {
    static KNOWN: Mutex<Vec<Headers>> = Mutex::new(Vec::new());
    let is = |fields: &[HeaderField], names: &[HeaderName]| {
        fields.iter().map(|(name, _)| name).eq(names)
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(headers) =
        known.iter().find(|one| is(one.request, request) && is(one.response, response))
    {
        return *headers;
    }
    let fields = |kind: &str, names: &[HeaderName]| -> &'static [HeaderField] {
        let field = |name: &HeaderName| {
            let field: &'static str = format!("http.{kind}.header.{name}").leak();
            (name.clone(), field)
        };
        names.iter().map(field).collect::<Vec<_>>().leak()
    };
    let (request, response) = (fields("request", request), fields("response", response));
    let more = request.iter().chain(response).map(|(_, field)| *field);
    let names = base.iter().copied().chain(more.filter(|field| !base.contains(field)));
    let names: &'static [&'static str] = names.collect::<Vec<_>>().leak();
    let headers = Headers {
        request,
        response,
        call: SpanCallsite::make(call, names),
        exchange: SpanCallsite::make(exchange, names),
    };
    known.push(headers);
    headers
}

impl SpanCallsite {
    fn make((name, target): Named, fields: &'static [&'static str]) -> &'static Self {
        let callsite: &'static Self = Box::leak(Box::default());
        callsite.metadata.get_or_init(|| {
            let fields = FieldSet::new(fields, Identifier(callsite));
            Metadata::new(
                name,
                target,
                Level::INFO,
                None,
                None,
                Some(module_path!()),
                fields,
                Kind::SPAN,
            )
        });
        // From now on it is told who is interested.
        register(callsite);
        callsite
    }

    /// The metadata, if somebody wants such a span.
    pub(super) fn wanted(&'static self) -> Option<&'static Metadata<'static>> {
        let metadata = self.metadata.get()?;
        if Level::INFO > STATIC_MAX_LEVEL || Level::INFO > LevelFilter::current() {
            return None;
        }
        let is_wanted = match self.interest.load(Ordering::Relaxed) {
            NEVER => false,
            ALWAYS => true,
            _ => dispatcher::get_default(|dispatch| dispatch.enabled(metadata)),
        };
        is_wanted.then_some(metadata)
    }
}

impl Callsite for SpanCallsite {
    fn set_interest(&self, interest: Interest) {
        let interest = match () {
            () if interest.is_never() => NEVER,
            () if interest.is_always() => ALWAYS,
            () => 0,
        };
        self.interest.store(interest, Ordering::Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.get().unwrap_or(&EMPTY)
    }
}

/// What a callsite has before it is handed to anybody.
static EMPTY: Metadata<'static> = {
    static NOBODY: DefaultCallsite = DefaultCallsite::new(&EMPTY);
    let fields = FieldSet::new(&[], Identifier(&NOBODY));
    Metadata::new("HTTP", "midil_http", Level::INFO, None, None, None, fields, Kind::SPAN)
};
