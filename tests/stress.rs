//! Many calls at once, on many threads, to servers that break, and callers that lose interest at any moment: each call ends, each
//! response is the one to its request, and all places are free afterwards.
//!
//! A program of its own, for it wants the processors.
#![cfg(feature = "reqwest")]

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use midil_http::{
    Body, Error, HttpClient, Protocol, ReqwestTransport, Response, Transport, TransportSettings,
};
use midil_http_test::fault_server::{
    Cut, FaultServer, Gate, Http2Reply, Http2Server, Received, Reply, Script,
};

use tokio::task::JoinSet;

type Make = fn(&TransportSettings) -> Result<Arc<dyn Transport>, Error>;

/// One entry for each.
///
/// Where reqwest's connections end while requests are given to them, one of some thousands may be lost, in the channel to the
/// connection's task (ARCHITECTURE.md, "The pool over hyper is ours"): the client's `timeout` ends it. Over HTTP/2 it may be all
/// that were given to the one connection.
const BACKENDS: &[(&str, Make)] = &[
    ("reqwest", |settings| Ok(Arc::new(ReqwestTransport::from_settings(settings)?))),
    #[cfg(feature = "hyper")]
    ("hyper", |settings| Ok(Arc::new(midil_http::HyperTransport::from_settings(settings)?))),
    #[cfg(feature = "isahc")]
    ("isahc", |settings| Ok(Arc::new(midil_http::IsahcTransport::from_settings(settings)?))),
];

/// Over HTTP/1.1 and over HTTP/2, for each backend.
const CALLS: usize = 3_500;
const AT_A_TIME: usize = 32;
const PLACES: usize = 12;
/// For whom a server has lost: none of the servers needs as long.
const PATIENCE: Duration = Duration::from_secs(8);

/// Whoever got this got what was meant for nobody.
const STOLEN: &[u8] = b"HTTP/1.1 200 OK\r\nx-id: stolen\r\ncontent-length: 6\r\n\r\nstolen";

/// SplitMix64: what happens to a call follows from its number.
fn random(number: usize, salt: u64) -> u64 {
    let number = u64::try_from(number).expect("64 bits");
    let mut z = (number << 8 | salt).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick(number: usize, salt: u64, of: u64) -> u64 {
    random(number, salt) % of
}

/// What the answer to a call is to say.
fn answer(id: &str) -> String {
    format!("<{id}>").repeat(1 + id.len() * 20)
}

fn id(request: &Received) -> (String, usize) {
    let id = request.target().trim_start_matches('/').to_owned();
    let number = id.parse().unwrap_or_default();
    (id, number)
}

fn http1(request: &Received) -> Reply {
    let (id, number) = id(request);
    let text = answer(&id);
    let reply = |body: &str| Reply::ok(body).header("x-id", id.clone());
    let pieces = || [&text[..text.len() / 2], &text[text.len() / 2..]];
    let length = u64::try_from(text.len()).expect("64 bits");
    match pick(number, 1, 20) {
        0 => Reply::close_before_head(),
        1 => Reply::reset_before_head(),
        2 => Reply::garbage(),
        3 => reply(&text).cut_head_after(20, Cut::Close),
        4 => reply(&text).cut_body_after(3, Cut::Close),
        5 => reply(&text).cut_body_after(3, Cut::Reset),
        6 => reply("").chunked(pieces()).cut_body_after(5, Cut::Reset),
        7 => reply(&(text.clone() + &String::from_utf8_lossy(STOLEN))).content_length(length),
        8 => reply(&text).close_silently(),
        9 => reply(&text).half_close(),
        10 => reply(&text).close_at_next_request(),
        11 => reply(&text).close(),
        12 => Reply::stall(),
        13 => reply(&text).stall_body_after(3),
        14 => reply(&text).interim(103, [("link", "</a>")]).interim(103, [("link", "</b>")]),
        15 => reply(&text).http10().keep_alive(),
        _ if number % 2 == 0 => reply("").chunked(pieces()),
        _ => reply(&text),
    }
}

/// Whether its server falls silent.
fn stalls_over_http1(number: usize) -> bool {
    [12, 13].contains(&pick(number, 1, 20))
}

fn http2(request: &Received) -> Http2Reply {
    const CANCEL: u32 = 8;
    let (id, number) = id(request);
    let text = answer(&id);
    let reply = || Http2Reply::ok(text.clone()).header("x-id", id.clone());
    match pick(number, 1, 40) {
        0 => Http2Reply::refused(),
        1 => Http2Reply::reset_before_head(CANCEL),
        2 => reply().reset_body_after(3, CANCEL),
        3 => Http2Reply::unprocessed(0),
        4 => reply().go_away(0),
        5 => Http2Reply::cut_before_head(Cut::Close),
        6 => Http2Reply::cut_before_head(Cut::Reset),
        7 => reply().cut_body_after(3, Cut::Close),
        8 => reply().cut_body_after(3, Cut::Reset),
        9 => Http2Reply::stall(),
        10 => reply().stall_body_after(3),
        11 => reply().interim(103, [("link", "</a>")]),
        _ => reply(),
    }
}

fn stalls_over_http2(number: usize) -> bool {
    [9, 10].contains(&pick(number, 1, 40))
}

/// Polls `future` at most `polls` times, one right after the other: then it is dropped, wherever it is.
async fn at_most<F: Future>(polls: Option<u64>, future: F) -> Option<F::Output> {
    let Some(mut left) = polls else { return Some(future.await) };
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// What became of the calls.
#[derive(Default, Debug)]
struct Tally {
    whole: AtomicUsize,
    failed: AtomicUsize,
    timed_out: AtomicUsize,
    dropped: AtomicUsize,
}

async fn read(mut response: Response, number: usize) -> Result<bool, Error> {
    let id = number.to_string();
    assert_eq!(response.headers().get("x-id").map(|id| id.as_bytes()), Some(id.as_bytes()));
    match pick(number, 3, 6) {
        0 => Ok(false),
        1 => {
            if let Some(chunk) = response.chunk().await? {
                assert!(answer(&id).as_bytes().starts_with(&chunk), "{chunk:?} to {id}");
            }
            Ok(false)
        }
        _ => {
            assert_eq!(response.text().await?, answer(&id));
            Ok(true)
        }
    }
}

async fn call(http: HttpClient, tally: Arc<Tally>, number: usize, stalls: fn(usize) -> bool) {
    let path = format!("/{number}");
    let request = match pick(number, 2, 4) {
        0 => http.post(&path).body("hello"),
        1 => {
            let pieces = stream::iter(["he", "llo"].map(Ok::<_, io::Error>));
            http.post(&path).body(Body::stream(pieces))
        }
        2 => http.put(&path).body("hello"),
        _ => http.get(&path),
    };
    let exchange = async {
        let response = request.send().await?;
        if pick(number, 4, 3) == 0 {
            // The body is read by another task, which goes with this one.
            let mut reader = JoinSet::new();
            reader.spawn(read(response, number));
            return reader.join_next().await.expect("there is one").expect("no panic");
        }
        read(response, number).await
    };
    // A server may say nothing; and some lose interest in one that would speak.
    let patience = match pick(number, 5, 6) {
        0 => Some(pick(number, 6, 40)),
        _ if stalls(number) => Some(300),
        _ => None,
    };
    let exchange = at_most(patience, exchange);
    let counted = match exchange.await {
        Some(Ok(true)) => &tally.whole,
        Some(Ok(false)) | None => &tally.dropped,
        Some(Err(Error::Timeout(_))) => &tally.timed_out,
        Some(Err(_)) => &tally.failed,
    };
    counted.fetch_add(1, Ordering::Relaxed);
}

/// Makes the calls, and checks that each ended.
async fn stress(
    transport: Arc<dyn Transport>,
    url: String,
    stalls: fn(usize) -> bool,
    row: &str,
    lost_at_once: usize,
) {
    let http = HttpClient::builder(transport).base_url(url).timeout(PATIENCE);
    let http = http.build().expect("a good client");
    let tally = Arc::new(Tally::default());
    stream::iter(0..CALLS)
        .map(|number| tokio::spawn(call(http.clone(), Arc::clone(&tally), number, stalls)))
        .for_each_concurrent(AT_A_TIME, |call| async move { call.await.expect("no panic") })
        .await;
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let (whole, failed) = (count(&tally.whole), count(&tally.failed));
    let timed_out = count(&tally.timed_out);
    assert_eq!(whole + failed + timed_out + count(&tally.dropped), CALLS, "{row}");
    let may_be_lost = if row == "reqwest" { lost_at_once + 4 } else { 0 };
    assert!(timed_out <= may_be_lost, "{row}: {tally:?}");
    assert!(whole > CALLS / 5 && failed > CALLS / 50, "{row}: {tally:?}");
}

/// Nobody has kept a place: as many exchanges as there are places for are in flight at once.
async fn all_places_are_free(transport: Arc<dyn Transport>) {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hello").hold(&gate));
    let http = HttpClient::builder(transport).base_url(server.url()).build().expect("good");
    let calls: Vec<_> = (0..PLACES).map(|_| tokio::spawn(http.get("/").send())).collect();
    tokio::task::block_in_place(|| server.wait_for_requests(PLACES));
    gate.open();
    for call in calls {
        call.await.expect("no panic").expect("an answer").bytes().await.expect("whole");
    }
}

fn settings(protocol: Protocol) -> TransportSettings {
    let mut settings = TransportSettings::default();
    settings.max_connections = PLACES;
    settings.protocol = protocol;
    settings
}

fn on_threads(row: &str, test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let ended = tokio::time::timeout(Duration::from_secs(60), test).await;
        ended.unwrap_or_else(|_| panic!("{row}: it hangs"));
    });
}

#[test]
fn each_call_ends_and_each_response_is_the_one_to_its_request() {
    for (name, make) in BACKENDS {
        on_threads(name, async {
            let server = FaultServer::start(Script::respond_with(http1)).keep_requests(0);
            let transport = make(&settings(Protocol::Http1)).expect("good settings");
            stress(Arc::clone(&transport), server.url(), stalls_over_http1, name, 0).await;
            all_places_are_free(transport).await;
        });
    }
}

#[test]
fn each_call_over_http2_ends_and_each_response_is_the_one_to_its_request() {
    for (name, make) in BACKENDS {
        on_threads(name, async {
            let server = Http2Server::start(Script::respond_with(http2)).keep_requests(0);
            let transport = make(&settings(Protocol::Http2PriorKnowledge)).expect("good settings");
            stress(Arc::clone(&transport), server.url(), stalls_over_http2, name, PLACES).await;
        });
    }
}
