//! What a service is advised to do.

use midil_http::{DefaultRetryStrategy, Error, Event, HttpClient, Observer};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};
use serde_json::{Value, json};

use super::{SECOND, json as reply, logged, on_time, without_waiting};
use crate::support::whole::{on_the_wire, until, until_left};
use crate::support::{Log, SECRET};

#[test]
fn resource_management() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("fine"));
        // A client that goes out of scope takes its connections along…
        {
            let http = midil_http::client(server.url()).unwrap().build().unwrap();
            http.get("/data").send().await.unwrap().text().await.unwrap();
            assert_eq!(server.open_connections(), 1);
        }
        until_left(&server).await;

        // …and one that is closed lets its calls come to their end before.
        let gate = Gate::new();
        let slow = FaultServer::always(Reply::ok("late").hold(&gate));
        let http = midil_http::client(slow.url()).unwrap().build().unwrap();
        let call = async { http.get("/data").send().await?.text().await };
        let close = async {
            until(|| slow.request_count() == 1).await;
            let closing = http.close();
            let refused = async {
                until(|| http.is_closed()).await;
                let refused = http.get("/data").send().await;
                gate.open();
                refused
            };
            tokio::join!(closing, refused)
        };
        let (text, (report, refused)) = tokio::join!(call, close);
        assert_eq!(text.unwrap(), "late");
        assert!(matches!(refused, Err(Error::Closed)));
        assert!(report.is_clean() && report.finished() == 1, "{report:?}");
        until_left(&slow).await;
        assert_eq!(slow.request_count(), 1);
    });
}

/// Notes when calls begin, are retried and end, and what they come to.
fn observing(log: &Log) -> impl Observer + use<> {
    let log = log.clone();
    move |event: &Event<'_>| match event {
        Event::CallStarted(call) => log.note(call.target.method()),
        Event::RetryScheduled(retry) => log.note(format!("attempt {} again", retry.attempt)),
        Event::CallEnded(call) => log.note(format!(
            "{} in {:?}, {} attempts: {}",
            call.target.method(),
            call.elapsed,
            call.attempts,
            call.ended.error_type().unwrap_or("success")
        )),
        _ => {}
    }
}

#[test]
fn monitoring_and_observability() {
    on_the_wire(async {
        let server = FaultServer::sequence([Reply::status(503), Reply::ok("fine")]);
        let time = ManualRuntime::new();
        let seen = Log::default();
        let http = on_time(&server, &time)
            .retry(DefaultRetryStrategy::default())
            .observer(observing(&seen))
            .build()
            .unwrap();
        let call = http.get("/users").query(&[("key", SECRET)]).send();
        let (response, log) = logged(without_waiting(&time, call)).await;
        drop(response.unwrap());
        // One span for the call, whatever it took: where it begins, and where it ends.
        let lines = |end: &str| {
            let of_call = |line: &&str| line.contains("HTTP{") && line.contains(end);
            log.lines().filter(of_call).collect::<Vec<_>>()
        };
        assert_eq!(lines("midil_http: new").len(), 1, "{log}");
        let ended = lines("midil_http: close");
        assert_eq!(ended.len(), 1, "{log}");
        for field in [
            "http.request.method=\"GET\"",
            "server.address=\"127.0.0.1\"",
            "http.response.status_code=200",
            "http.request.resend_count=1",
        ] {
            assert!(ended[0].contains(field), "{field} in {}", ended[0]);
        }
        assert!(!log.contains(SECRET), "{log}");
        // The same for metrics, and the time it took.
        let ended = format!("GET in {:?}, 2 attempts: success", time.elapsed());
        assert_eq!(seen.lines(), ["GET", "attempt 1 again", &*ended]);

        let nobody = FaultServer::refusing();
        let seen = Log::default();
        let http = midil_http::client(nobody.url())
            .unwrap()
            .observer(observing(&seen))
            .runtime(ManualRuntime::new())
            .build()
            .unwrap();
        let (outcome, log) = logged(http.get("/users").no_retry().send()).await;
        assert!(outcome.is_err());
        let failed = log.lines().find(|line| line.contains("HTTP{") && line.contains("close"));
        assert!(failed.is_some_and(|line| line.contains("error.type=")), "{log}");
        assert_eq!(seen.lines(), ["GET", "GET in 0ns, 1 attempts: Transport"]);
    });
}

#[test]
fn error_handling_strategy() {
    /// Errors of the server and of the network were retried when this returns; those of the client are not.
    async fn robust_api_call(http: &HttpClient, url: &str) -> Result<Value, Error> {
        http.get(url).send().await?.error_for_status().await?.json().await
    }

    on_the_wire(async {
        let time = ManualRuntime::new();
        let strategy = DefaultRetryStrategy::builder()
            .max_attempts(3)
            .base_delay(4 * SECOND)
            .multiplier(2.0)
            .max_delay(10 * SECOND)
            .jitter(false)
            .build()
            .unwrap();
        let outcome = async |server: &FaultServer| {
            let http = on_time(server, &time).retry(strategy.clone()).build().unwrap();
            without_waiting(&time, robust_api_call(&http, "/")).await
        };

        let flaky = FaultServer::sequence([
            Reply::status(500),
            Reply::reset_before_head(),
            reply(&json!({"a": 1})),
        ]);
        assert_eq!(outcome(&flaky).await.unwrap(), json!({"a": 1}));
        assert_eq!(time.elapsed(), 12 * SECOND); // 4 s and 8 s
        let ours = FaultServer::always(Reply::status(400).body("which one?"));
        match outcome(&ours).await {
            Err(Error::Status(error)) => assert_eq!(error.text(), "which one?"),
            other => panic!("{other:?}"),
        }
        assert_eq!(ours.request_count(), 1);
        let down = FaultServer::always(Reply::status(503));
        assert!(matches!(outcome(&down).await, Err(Error::RetryExhausted(_))));
        assert_eq!(down.request_count(), 3);
    });
}
