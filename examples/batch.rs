//! A batch of requests with a progress bar: users are created ten at a time, with a pause between the batches.
//!
//! ```text
//! cargo run --example batch
//! ```
//!
//! The server refuses two of them, and breaks off in the midst of the answer to another: the others are created, and each result is where
//! its request was. Without a terminal there is no bar.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use midil_http::{BatchProgress, HttpClient, Response};
use midil_http_test::fault_server::{Cut, FaultServer, Received, Reply};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct NewUser {
    name: String,
}

#[derive(Deserialize)]
struct User {
    id: usize,
}

const USERS: usize = 45;
const BATCH: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = FaultServer::respond_with(answer);
    let http = midil_http::client(server.url())?.build()?;
    let users: Vec<_> =
        (0..USERS).map(|number| NewUser { name: format!("user {number}") }).collect();

    let begun = Instant::now();
    let mut most = 0;
    let results = create(&http, &users, &mut most).await;
    let took = begun.elapsed();

    let created = results.iter().filter(|result| result.is_ok()).count();
    println!("{created} of {} users in {took:.0?}", results.len());
    for (user, result) in users.iter().zip(&results) {
        if let Err(error) = result {
            println!("{}: {error}", user.name);
        }
    }

    let in_place = |(number, result): (usize, &Result<User, midil_http::Error>)| match result {
        Ok(user) => user.id == number,
        Err(error) => error.is_status() == (number % 20 == 7),
    };
    for (claim, holds) in [
        ("there is a result for each user", results.len() == USERS),
        ("each is where its request was", results.iter().enumerate().all(in_place)),
        ("two were refused, and one was cut off", created == USERS - 3),
        ("there were ten in flight at most", most == BATCH),
        ("there were four pauses between five batches", took >= 4 * PAUSE),
    ] {
        if !holds {
            return Err(format!("this should hold, and did not: {claim}").into());
        }
    }
    Ok(())
}

/// Creates them all, and notes how many were in flight at most. A failure among the results is that of its user alone.
async fn create(
    http: &HttpClient,
    users: &[NewUser],
    most: &mut usize,
) -> Vec<Result<User, midil_http::Error>> {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("[{wide_bar}] {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let requests = users.iter().map(|user| http.post("/users").json(user).raise_for_status());
    let results = http
        .batch(requests)
        .batch_size(BATCH)
        .pause(PAUSE)
        .on_progress(|progress| {
            show(&bar, progress);
            *most = progress.in_flight().max(*most);
        })
        .map(|response: Response| async { response.json::<User>().await })
        .await;
    bar.finish_and_clear();
    results
}

/// Called whenever a request begins, and whenever one is over: it must be quick.
fn show(bar: &ProgressBar, progress: BatchProgress) {
    if let Some(total) = progress.total() {
        bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
    }
    bar.set_position(u64::try_from(progress.done()).unwrap_or(u64::MAX));
    bar.set_message(format!("{} in flight, {} failed", progress.in_flight(), progress.failed()));
}

/// The server: the id of a user is the number in the name.
fn answer(request: &Received) -> Reply {
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let number: String = body.chars().filter(char::is_ascii_digit).collect();
    let user = Reply::ok(format!("{{\"id\":{number}}}"));
    match number.parse::<u32>() {
        Ok(number) if number % 20 == 7 => Reply::status(422),
        Ok(40) => user.cut_body_after(3, Cut::Close),
        _ => user,
    }
}
