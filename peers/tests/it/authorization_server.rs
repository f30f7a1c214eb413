//! Client credentials against an authorization server that we did not write.

use std::time::Duration;

use futures_util::future::join_all;
use midil_http::{
    AuthErrorKind, AuthNProvider, ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder,
    Error, HttpClient, ReqwestTransport,
};
use midil_http_peers::AuthorizationServer;
use midil_http_test::ManualRuntime;
use serde_json::{Value, json};

/// Every character that a careless encoding would break.
const ODD_ID: &str = r#"a:b c/%&+"'"#;
const ODD_SECRET: &str = r#"p+q%zz%41 :/&"'=?#~\"#;

fn server() -> AuthorizationServer {
    AuthorizationServer::start(&json!({
        "ttl": 600,
        "clients": [
            { "client_id": "plain", "client_secret": "hunter2" },
            { "client_id": ODD_ID, "client_secret": ODD_SECRET },
            { "client_id": "brief", "client_secret": "hunter2", "ttl": 2 },
            { "client_id": "reader", "client_secret": "hunter2", "scope": "read" },
            {
                "client_id": ODD_ID.replace('a', "posts "),
                "client_secret": ODD_SECRET,
                "token_endpoint_auth_method": "client_secret_post",
            },
        ],
    }))
}

/// A client of the server's API whose clock stands still, and its credentials.
struct Service {
    server: AuthorizationServer,
    runtime: ManualRuntime,
    transport: ReqwestTransport,
}

impl Service {
    fn start() -> Self {
        let runtime = ManualRuntime::new();
        tokio::spawn(runtime.run_tasks());
        let transport = ReqwestTransport::try_new().expect("reqwest works here");
        Self { server: server(), runtime, transport }
    }

    fn credentials(&self, id: &str, secret: &str) -> ClientCredentialsBuilder {
        ClientCredentials::builder(self.transport.clone())
            .token_url(self.server.token_url())
            .client_id(id)
            .client_secret(secret)
            .runtime(self.runtime.clone())
    }

    fn client(&self, credentials: &ClientCredentials) -> HttpClient {
        HttpClient::builder(self.transport.clone())
            .base_url(self.server.api_url())
            .auth(credentials.clone())
            .runtime(self.runtime.clone())
            .build()
            .expect("a good client")
    }

    /// How token requests ended.
    async fn stats(&self) -> Value {
        let client = HttpClient::builder(self.transport.clone()).build().expect("a good client");
        client
            .get(self.server.stats_url())
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON")
    }

    async fn revoke(&self, token: &str) {
        let client = HttpClient::builder(self.transport.clone()).build().expect("a good client");
        let form = [("token", token), ("client_id", "plain"), ("client_secret", "hunter2")];
        let response =
            client.post(self.server.revocation_url()).form(&form).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
    }
}

async fn call(client: &HttpClient) -> Value {
    let response = client.get("").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.attempts(), 1);
    response.json().await.expect("JSON")
}

#[tokio::test]
async fn a_token_is_issued_and_the_api_takes_it() {
    let service = Service::start();
    let credentials = service.credentials("plain", "hunter2").scope("read write").build().unwrap();
    let client = service.client(&credentials);
    let answers = join_all((0..100).map(|_| call(&client))).await;
    for answer in answers {
        assert_eq!(
            (&answer["client_id"], &answer["scope"]),
            (&json!("plain"), &json!("read write"))
        );
    }
    assert_eq!(service.stats().await["issued"], 1);
    let status = credentials.status();
    assert_eq!(status.expires_in, Some(Duration::from_secs(600)));
}

#[tokio::test]
async fn ids_and_secrets_of_any_characters_arrive_as_they_are() {
    let service = Service::start();
    let posting = ODD_ID.replace('a', "posts ");
    for (id, method) in
        [(ODD_ID, ClientAuthMethod::Basic), (posting.as_str(), ClientAuthMethod::Post)]
    {
        let credentials = service.credentials(id, ODD_SECRET).auth_method(method).build().unwrap();
        assert_eq!(call(&service.client(&credentials)).await["client_id"], json!(id));
    }
}

#[tokio::test]
async fn the_audience_of_a_token_can_be_named() {
    let service = Service::start();
    let api = service.server.api_url();
    let credentials = service.credentials("plain", "hunter2").resource(api).build().unwrap();
    assert_eq!(call(&service.client(&credentials)).await["audience"], json!(api));
    let elsewhere = service
        .credentials("plain", "hunter2")
        .resource("https://elsewhere.test/")
        .build()
        .unwrap();
    let error = elsewhere.warm_up().await.unwrap_err();
    assert_eq!((error.kind(), error.error()), (AuthErrorKind::Rejected, Some("invalid_target")));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_asked_for_once() {
    for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
        let service = Service::start();
        let credentials =
            service.credentials("plain", "hunter3").auth_method(method).build().unwrap();
        let client = service.client(&credentials);
        for _ in 0..10 {
            let Err(Error::Auth(error)) = client.get("").send().await else { panic!("no error") };
            assert_eq!(error.kind(), AuthErrorKind::Rejected);
            assert_eq!(error.status().unwrap(), 401);
            assert_eq!(error.error(), Some("invalid_client"));
            assert_eq!(error.error_description(), Some("client authentication failed"));
        }
        assert_eq!(service.stats().await, json!({ "issued": 0, "invalid_client": 1 }));
    }
}

#[tokio::test]
async fn a_scope_that_the_client_may_not_have_is_refused() {
    let service = Service::start();
    let credentials = service.credentials("reader", "hunter2").scope("write").build().unwrap();
    let error = credentials.warm_up().await.unwrap_err();
    assert_eq!((error.kind(), error.error()), (AuthErrorKind::Rejected, Some("invalid_scope")));
    assert!(error.to_string().contains("check scope, audience and resource"), "{error}");
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced() {
    let service = Service::start();
    let credentials = service.credentials("plain", "hunter2").build().unwrap();
    let client = service.client(&credentials);
    call(&client).await;
    for revoked in 1..=3 {
        let token = credentials.get_token().await.unwrap();
        service.revoke(token.access_token().expose()).await;
        // All of them are turned away, and healed by one fetch.
        join_all((0..20).map(|_| call(&client))).await;
        assert_eq!(service.stats().await["issued"], 1 + revoked);
    }
}

/// The server's clock runs, ours stands still: the token is dead before we think so.
#[tokio::test]
async fn a_token_that_expired_early_is_replaced() {
    let service = Service::start();
    let credentials = service.credentials("brief", "hunter2").build().unwrap();
    let client = service.client(&credentials);
    let issued = || async { service.stats().await["issued"].as_u64().unwrap() };
    call(&client).await;
    assert_eq!(issued().await, 1);
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while issued().await == 1 {
        call(&client).await; // a 200 each time, whatever happens to the token
        assert!(std::time::Instant::now() < limit, "the server's tokens never expire");
    }
}

/// Our clock runs: what has expired is never sent, so the server has nothing to reject.
#[tokio::test]
async fn an_expired_token_is_not_sent() {
    let service = Service::start();
    let credentials = service.credentials("plain", "hunter2").build().unwrap();
    let client = service.client(&credentials);
    for fetches in 1..=5 {
        call(&client).await;
        assert_eq!(credentials.status().generation, fetches);
        service.runtime.advance(Duration::from_secs(600));
    }
    assert_eq!(service.stats().await["issued"], 5);
}
