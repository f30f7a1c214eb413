//! One item for each document with code.

/// It shows a client under tower, too.
#[cfg(feature = "tower")]
#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../docs/guide/first-call.md")]
struct FirstCall;

#[doc = include_str!("../docs/guide/auth.md")]
struct Auth;

#[doc = include_str!("../docs/guide/retry.md")]
struct Retry;

#[doc = include_str!("../docs/guide/transports.md")]
struct Transports;

#[doc = include_str!("../docs/guide/testing.md")]
struct Testing;

#[doc = include_str!("../docs/guide/configuration.md")]
struct Configuration;

#[doc = include_str!("../docs/guide/batches-and-pages.md")]
struct BatchesAndPages;

#[doc = include_str!("../docs/guide/life-cycle.md")]
struct LifeCycle;

#[doc = include_str!("../docs/guide/observability.md")]
struct Observability;

#[doc = include_str!("../docs/guide/operations.md")]
struct Operations;

#[doc = include_str!("../docs/guide/recipes.md")]
struct Recipes;

#[doc = include_str!("../docs/coming-from/reqwest.md")]
struct FromReqwest;

#[doc = include_str!("../docs/coming-from/reqwest-middleware.md")]
struct FromReqwestMiddleware;

#[doc = include_str!("../docs/coming-from/python.md")]
struct FromPython;
