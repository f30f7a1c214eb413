//! Parts of a call: middleware around it, headers on it.

use http::Response;
use http::header::{HeaderName, HeaderValue};
use midil_http_core::{Body, Error, HttpClient, HttpClientBuilder, Next, Request};

use super::meter::Meter;
use super::{Cost, SLACK, Series};
use crate::BoxError;

pub(super) const ATTEMPT_MIDDLEWARE: Series = Series {
    title: "middleware around each attempt, which does nothing",
    from: 0,
    each: Cost { allocations: 1, bytes: 600, instructions: 700 },
    slack: SLACK,
};

pub(super) const CALL_MIDDLEWARE: Series = Series {
    title: "middleware around the call, which does nothing",
    // Without any there is no box around the way of a call.
    from: 1,
    each: Cost { allocations: 1, bytes: 600, instructions: 850 },
    slack: SLACK,
};

pub(super) const HEADERS: Series = Series {
    title: "headers on the request",
    from: 0,
    each: Cost { allocations: 0, bytes: 500, instructions: 1_000 },
    // The two maps of headers, the caller's and the attempt's, double when they are full; the first header makes the first.
    slack: Cost { allocations: 10, bytes: 1_500, instructions: 2_000 },
};

/// Calls that are counted.
const CALLS: u64 = 200;

pub(super) async fn measure(meter: &mut Meter) -> Result<(), BoxError> {
    for count in [0, 1, 2, 4, 8, 16] {
        let client = (0..count).fold(builder(), |client, _| client.attempt_middleware(pass));
        let client = client.build()?;
        meter.measure(&ATTEMPT_MIDDLEWARE, (count, true), (CALLS, 1), || get(&client)).await?;
    }
    for count in [0, 1, 2, 4, 8, 16] {
        let client = (0..count).fold(builder(), |client, _| client.middleware(pass));
        let client = client.build()?;
        meter.measure(&CALL_MIDDLEWARE, (count, true), (CALLS, 1), || get(&client)).await?;
    }
    let client = builder().build()?;
    for count in [0, 1, 2, 4, 8, 16, 32, 64] {
        let names = (0..count).map(|number| format!("x-header-{number}").parse());
        let names = names.collect::<Result<Vec<HeaderName>, _>>()?;
        let call = async || {
            let value = HeaderValue::from_static("value");
            let request = names
                .iter()
                .fold(client.get("/"), |request, name| request.header(name, value.clone()));
            request.send().await?.bytes().await?;
            Ok(())
        };
        meter.measure(&HEADERS, (count, true), (CALLS, 1), call).await?;
    }
    Ok(())
}

async fn get(client: &HttpClient) -> Result<(), BoxError> {
    client.get("/").send().await?.bytes().await?;
    Ok(())
}

async fn pass(request: Request, next: Next<'_>) -> Result<Response<Body>, Error> {
    next.run(request).await
}

fn builder() -> HttpClientBuilder {
    HttpClient::builder(super::answer).base_url("http://localhost/")
}
