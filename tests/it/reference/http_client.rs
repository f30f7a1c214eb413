//! A client, its requests and what they may have.

use std::time::Duration;

use midil_http::{CognitoClientCredentialsAuthenticator, ReqwestTransport};
use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::{Value, json};

use super::json as reply;
use crate::support::whole::on_the_wire;

#[test]
fn http_client() {
    on_the_wire(async {
        let token = json!({"access_token": "abc", "token_type": "Bearer", "expires_in": 3600});
        let pool = FaultServer::always(reply(&token));
        let api = FaultServer::always(reply(&json!([{"id": 1}])));

        let credentials =
            CognitoClientCredentialsAuthenticator::builder(ReqwestTransport::try_new().unwrap())
                .token_url(format!("{}/oauth2/token", pool.url())) // or .domain("….amazoncognito.com")
                .client_id("your-client-id")
                .client_secret("your-client-secret")
                .build()
                .unwrap();
        let http = midil_http::client(api.url()).unwrap().auth(credentials).build().unwrap();
        let response =
            http.get("/users").query(&[("limit", 10), ("offset", 0)]).send().await.unwrap();

        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Value>().await.unwrap(), json!([{"id": 1}]));
        let sent = &api.requests()[0];
        assert_eq!((sent.method(), sent.target()), ("GET", "/users?limit=10&offset=0"));
        assert_eq!(sent.header("authorization"), Some("Bearer abc"));
        let asked = pool.requests();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].method(), asked[0].target()), ("POST", "/oauth2/token"));
    });
}

#[test]
fn basic_usage() {
    on_the_wire(async {
        let server = FaultServer::always(reply(&json!({"name": "John"})));
        let http = midil_http::client(server.url()).unwrap().build().unwrap();

        let user: Value = http.get("/users/123").send().await.unwrap().json().await.unwrap();
        assert_eq!(user["name"], "John");
        let john = [("name", "John Doe"), ("email", "john@example.com")];
        http.post("/users").form(&john).send().await.unwrap();
        let smith = json!({"name": "John Smith", "email": "john.smith@example.com"});
        http.put("/users/123").json(&smith).send().await.unwrap();
        http.delete("/users/123").send().await.unwrap();
        http.get("/protected-resource")
            .header("X-Custom-Header", "custom-value")
            .send()
            .await
            .unwrap();

        let sent = server.requests();
        let heads: Vec<_> =
            sent.iter().map(|request| (request.method(), request.target())).collect();
        assert_eq!(
            heads,
            [
                ("GET", "/users/123"),
                ("POST", "/users"),
                ("PUT", "/users/123"),
                ("DELETE", "/users/123"),
                ("GET", "/protected-resource"),
            ]
        );
        assert_eq!(sent[1].header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(sent[1].body(), b"name=John+Doe&email=john%40example.com");
        assert_eq!(sent[2].header("content-type"), Some("application/json"));
        assert_eq!(serde_json::from_slice::<Value>(sent[2].body()).unwrap(), smith);
        assert_eq!(sent[4].header("x-custom-header"), Some("custom-value"));
    });
}

/// All of them at once, but for the body, of which a request has one: a form with a file, a form, or JSON.
#[test]
fn request_parameters() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::status(201));
        let http = midil_http::client(server.url()).unwrap().build().unwrap();
        let request = || {
            http.post("/api/data")
                .query(&[("filter", "active")])
                .header("X-Version", "1.0")
                .cookie("session", "abc123")
                .timeout(Duration::from_secs(30))
        };

        request().form(&[("key", "value")]).send().await.unwrap();
        request().json(&json!({"name": "John"})).send().await.unwrap();
        #[cfg(feature = "multipart")]
        {
            use midil_http::{Form, Part};

            use crate::support::whole::TempFile;

            let file = TempFile::new(b"of the file");
            let upload = Part::file(&file).await.unwrap();
            let form = Form::new().text("key", "value").part("upload", upload);
            request().multipart(form).send().await.unwrap();
            let sent = server.requests().pop().unwrap();
            assert!(sent.header("content-type").unwrap().starts_with("multipart/form-data;"));
            let body = String::from_utf8(sent.body().to_vec()).unwrap();
            assert!(body.contains("name=\"key\"\r\n") && body.contains("\r\n\r\nof the file\r\n"));
        }

        let sent = server.requests();
        assert_eq!(sent[0].body(), b"key=value");
        assert_eq!(sent[1].body(), br#"{"name":"John"}"#);
        for sent in sent {
            assert_eq!((sent.method(), sent.target()), ("POST", "/api/data?filter=active"));
            assert_eq!(sent.header("x-version"), Some("1.0"));
            assert_eq!(sent.header("cookie"), Some("session=abc123"));
        }
    });
}
