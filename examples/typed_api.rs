//! A typed client of one API, its errors, its pages and its test: `cargo run --example typed_api`, and `cargo test`.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use futures_util::{Stream, TryStreamExt};
use midil_http::{Error, HttpClient, PageToken};
use midil_http_test::fault_server::{FaultServer, Reply};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Serialize, Deserialize)]
struct User {
    name: String,
}

#[derive(Debug, thiserror::Error)]
enum UsersError {
    #[error("there is no such user")]
    NotFound,
    #[error("it was refused: {title}")]
    Refused { title: String },
    #[error("the users cannot be reached")]
    Failed(#[source] Error),
}

impl From<Error> for UsersError {
    fn from(error: Error) -> Self {
        let Error::Status(answer) = &error else { return Self::Failed(error) };
        let problem: Value = serde_json::from_slice(answer.body()).unwrap_or_default(); // RFC 9457
        match (answer.status().as_u16(), problem["title"].as_str()) {
            (404, _) => Self::NotFound,
            (_, Some(title)) => Self::Refused { title: title.to_owned() },
            _ => Self::Failed(error),
        }
    }
}

struct Users(HttpClient);

impl Users {
    async fn get(&self, id: u64) -> Result<User, UsersError> {
        Ok(self.0.get(format!("/users/{id}")).raise_for_status().send().await?.json().await?)
    }

    async fn add(&self, user: &User) -> Result<User, UsersError> {
        Ok(self.0.post("/users").json(user).raise_for_status().send().await?.json().await?)
    }

    fn all(&self) -> impl Stream<Item = Result<User, UsersError>> + use<> {
        let pages = self.0.paginate(self.0.get("/users")).items_at("/users");
        pages.by(PageToken::at("/next").with_query("after")).items().map_err(UsersError::from)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = FaultServer::respond_with(|request| match (request.method(), request.target()) {
        ("GET", "/users") => Reply::ok(r#"{"users": [{"name": "Ada"}], "next": "Ada"}"#),
        ("GET", "/users?after=Ada") => Reply::ok(r#"{"users": [{"name": "Alan"}]}"#),
        ("POST", "/users") => Reply::status(409).body(r#"{"title": "there already"}"#),
        _ => Reply::status(404),
    });
    let users = Users(midil_http::client(server.url())?.build()?);
    let all: Vec<_> = users.all().try_collect().await?;
    let outcomes = format!("{} {:?} {:?}", all.len(), users.add(&all[0]).await, users.get(7).await);
    println!("{outcomes}");
    let expected = r#"2 Err(Refused { title: "there already" }) Err(NotFound)"#;
    if outcomes == expected { Ok(()) } else { Err("there should be other outcomes".into()) }
}

#[tokio::test]
async fn a_missing_user_is_told_from_a_missing_service() -> Result<(), Error> {
    use midil_http_test::{MockTransport, Reply};
    let mock = MockTransport::sequence([404, 503].map(Reply::status));
    let users = Users(HttpClient::builder(mock).base_url("https://api.test").build()?);
    assert!(matches!(users.get(7).await, Err(UsersError::NotFound)));
    assert!(matches!(users.get(7).await, Err(UsersError::Failed(Error::Status(_)))));
    Ok(())
}
