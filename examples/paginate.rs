//! All users of a service, page by page, which never has more than one page in memory.
//!
//! ```text
//! cargo run --example paginate
//! ```
//!
//! The server breaks down in the midst of it. What was had is kept, with the place to go on at, as a program would that is
//! started again.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;
use midil_http::{HttpClient, PageCursor, PageItems, PageToken};
use midil_http_test::fault_server::{FaultServer, Received, Reply};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    id: usize,
}

const USERS: usize = 1000;
const PAGE: usize = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = users();
    let http = midil_http::client(server.url())?.build()?;
    let mut ids = Vec::new();

    let mut first = list(&http, None);
    let error = read(&mut first, &mut ids).await.err().ok_or("the server should break down")?;
    let had = ids.len();
    println!("{had} users, and then: {error}");

    let kept = serde_json::to_string(&first.cursor())?;
    println!("to go on at: {kept}");

    let mut rest = list(&http, serde_json::from_str(&kept)?);
    read(&mut rest, &mut ids).await?;
    println!("{} users in {} requests", ids.len(), server.request_count());

    for (claim, holds) in [
        ("it broke down after ten pages", had == 10 * PAGE),
        ("no user is missing and none is twice", ids.iter().copied().eq(0..USERS)),
        (
            "each page was asked for once, but for that of the failure",
            server.request_count() == USERS / PAGE + 1,
        ),
        ("there is nothing to go on with", rest.cursor().is_none()),
    ] {
        if !holds {
            return Err(format!("this should hold, and did not: {claim}").into());
        }
    }
    Ok(())
}

/// The users from the first, or from where somebody stopped.
fn list(http: &HttpClient, from: Option<PageCursor>) -> PageItems<User> {
    let users = http
        .paginate(http.get("/users").query(&[("limit", PAGE)]).no_retry())
        .by(PageToken::at("/next").with_query("after"))
        .items_at("/users");
    match from {
        Some(cursor) => users.resume(cursor).items(),
        None => users.items(),
    }
}

/// Reads them to the end, or to an error: what was read is in `ids`.
async fn read(users: &mut PageItems<User>, ids: &mut Vec<usize>) -> Result<(), midil_http::Error> {
    while let Some(user) = users.try_next().await? {
        ids.push(user.id);
    }
    Ok(())
}

/// The server: it names the last user of each page, and breaks down once.
fn users() -> FaultServer {
    let is_broken = AtomicBool::new(true);
    FaultServer::respond_with(move |request: &Received| {
        let after = request.target().rsplit_once("after=").map(|(_, after)| after.parse::<usize>());
        let start = match after {
            None => 0,
            Some(Ok(after)) if after < USERS => after + 1,
            Some(_) => return Reply::status(400),
        };
        if start == 10 * PAGE && is_broken.swap(false, Ordering::Relaxed) {
            return Reply::status(500);
        }
        let end = (start + PAGE).min(USERS);
        let users: Vec<_> = (start..end).map(|id| serde_json::json!({ "id": id })).collect();
        let next = (end < USERS).then_some(end - 1);
        Reply::ok(serde_json::json!({ "users": users, "next": next }).to_string())
    })
}
