//! Credentials: fetched, kept fresh, put beside other headers, and of a scheme of one's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, ClientCredentials, RequestHead,
    ReqwestTransport, async_trait,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::json;

use super::{SECOND, json as reply};
use crate::support::values;
use crate::support::whole::{of, on_the_wire};

#[test]
fn automatic_token_management() {
    on_the_wire(async {
        let issued = AtomicU32::new(0);
        let authority = FaultServer::respond_with(move |_| {
            let number = issued.fetch_add(1, Ordering::Relaxed) + 1;
            reply(&json!({"access_token": format!("t{number}"), "expires_in": 3600}))
        });
        let api = FaultServer::always(Reply::ok("fine"));
        let time = ManualRuntime::new();
        let credentials = ClientCredentials::builder(ReqwestTransport::try_new().unwrap())
            .token_url(format!("{}/token", authority.url()))
            .client_id("id")
            .client_secret("secret")
            .runtime(time.clone())
            .build()
            .unwrap();
        let http = of(&api).auth(credentials).runtime(time.clone()).build().unwrap();
        let calls = async {
            http.get("/protected").send().await.unwrap();
            http.get("/protected").send().await.unwrap();
            time.advance(3600 * SECOND); // the token has expired
            http.get("/protected").send().await.unwrap();
        };
        tokio::select! {
            () = calls => {}
            () = time.run_tasks() => unreachable!("it never completes"),
        }

        let sent = api.requests();
        let tokens: Vec<_> =
            sent.iter().map(|request| request.header("authorization").unwrap()).collect();
        assert_eq!(tokens, ["Bearer t1", "Bearer t1", "Bearer t2"]);
        assert_eq!(authority.request_count(), 2);
    });
}

/// Its own headers, beside those of the client and of the request.
struct Authorizer;

#[async_trait]
impl AuthNProvider for Authorizer {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new("abc"))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let json = HeaderValue::from_static("application/json");
        Ok(AuthNHeaders::from_token(&self.get_token().await?)?.with(CONTENT_TYPE, json))
    }
}

#[test]
fn header_resolution() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("fine"));
        let base = [("x-client-version", "1.0"), ("authorization", "base")];
        let http = base
            .iter()
            .fold(of(&server), |client, (name, value)| client.header(*name, *value))
            .auth(Authorizer)
            .build()
            .unwrap();

        http.get("/data").header("X-Request-ID", "req_123").send().await.unwrap();
        http.post("/data").body(r#"{"a":1}"#).send().await.unwrap();
        http.post("/data").form(&[("a", 1)]).send().await.unwrap();
        http.get("/data")
            .header("X-Client-Version", "2.0")
            .header("Authorization", "own")
            .send()
            .await
            .unwrap();

        let sent = server.requests();
        assert_eq!(sent[0].header("x-client-version"), Some("1.0"));
        assert_eq!(sent[0].header("authorization"), Some("Bearer abc"));
        assert_eq!(sent[0].header("x-request-id"), Some("req_123"));
        // A provider's Content-Type is for a body that has none.
        assert_eq!(sent[0].header("content-type"), None);
        assert_eq!(sent[1].header("content-type"), Some("application/json"));
        assert_eq!(sent[2].header("content-type"), Some("application/x-www-form-urlencoded"));
        // The request's own win, and are alone.
        let own = |name| sent[3].headers_named(name).collect::<Vec<_>>();
        assert_eq!(own("x-client-version"), ["2.0"]);
        assert_eq!(own("authorization"), ["own"]);
    });
}

struct CustomAuthProvider {
    api_key: String,
}

#[async_trait]
impl AuthNProvider for CustomAuthProvider {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new(self.api_key.clone())
            .with_token_type("ApiKey")
            .with_expires_in(Duration::from_secs(86_400))
            .with_issued_at(SystemTime::now()))
    }

    // `get_headers` makes `Authorization` of the token, unless it is written.
}

#[test]
fn custom_authentication() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("fine"));
        let auth = CustomAuthProvider { api_key: "your-api-key".to_owned() };
        let http = midil_http::client(server.url()).unwrap().auth(auth).build().unwrap();
        http.get("/").send().await.unwrap();
        assert_eq!(server.requests()[0].header("authorization"), Some("ApiKey your-api-key"));

        // What a provider emits is marked sensitive, by whomever it was written.
        let head = RequestHead::new(http::Method::GET, "http://localhost/".parse().unwrap());
        let provider = CustomAuthProvider { api_key: "k".to_owned() };
        let headers = provider.get_headers(&head).await.unwrap();
        let emitted: http::HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(values(&emitted, "authorization"), ["ApiKey k"]);
        assert!(emitted[AUTHORIZATION].is_sensitive());
    });
}
