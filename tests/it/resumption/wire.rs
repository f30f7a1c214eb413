//! Downloads over real sockets that break at random places: what is read is the resource, or there is an error.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt, stream};
use midil_http::{HttpClient, ReqwestTransport, Transport};
use midil_http_test::fault_server::{Cut, FaultServer, Received, Reply};

use super::{Bytes, Error, HELLO, ManualRuntime, SECOND, TAG};
use crate::support::whole::{at_once, on_the_wire, until};

const CASES: u64 = 1_000;
/// How many resumptions a call may have, so that an honest server comes to an end at last.
const ATTEMPTS: u32 = 40;

/// All backends that there are.
fn transports() -> Vec<(&'static str, Arc<dyn Transport>)> {
    vec![
        ("reqwest", Arc::new(ReqwestTransport::try_new().unwrap())),
        #[cfg(feature = "hyper")]
        ("hyper", Arc::new(midil_http::HyperTransport::try_new().unwrap())),
        #[cfg(feature = "isahc")]
        ("isahc", Arc::new(midil_http::IsahcTransport::try_new().unwrap())),
    ]
}

fn client(transport: Arc<dyn Transport>, server: &FaultServer) -> HttpClient {
    HttpClient::builder(transport)
        .base_url(server.url())
        .runtime(ManualRuntime::new())
        .retry(at_once().max_attempts(ATTEMPTS).no_budget().build().unwrap())
        .build()
        .unwrap()
}

/// Numbers at random, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new(case: u64, turn: u64) -> Self {
        Self((case << 32) | turn)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap();
        usize::try_from(self.next() % limit).unwrap()
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }
}

/// The resource of a case, as it is when it has changed so often: every change changes nearly every byte, and its length.
fn resource(case: u64, version: u64) -> Vec<u8> {
    let mut dice = Dice::new(case, 1_000_000 + version);
    let length = dice.below(60_000);
    std::iter::repeat_with(|| dice.next().to_le_bytes()).flatten().take(length).collect()
}

fn tag(version: u64) -> String {
    format!("\"v{version}\"")
}

/// A server of the resources of all cases, which breaks off where the dice fall; in every other case, it lies as well.
struct Server {
    /// How many requests came for a case, and how often it has changed.
    turns: Mutex<HashMap<u64, (u64, u64)>>,
}

impl Server {
    fn start() -> FaultServer {
        let server = Self { turns: Mutex::default() };
        FaultServer::respond_with(move |request| server.answer(request)).keep_requests(0)
    }

    fn answer(&self, request: &Received) -> Reply {
        let case = request.target().trim_start_matches('/').parse().unwrap();
        let mut turns = self.turns.lock().unwrap();
        let (turn, version) = turns.entry(case).or_default();
        *turn += 1;
        let mut dice = Dice::new(case, *turn);
        let wanted = request.header("range").map(|range| {
            let start = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
            start.unwrap().parse::<usize>().unwrap()
        });
        // The beginning is true.
        let lies = is_lying(case) && wanted.is_some();
        if lies && dice.one_in(4) {
            *version += 1;
        }
        let version = *version;
        drop(turns);
        match dice.below(12) {
            0 => return Reply::status(503).body("busy"),
            1 => return Reply::reset_before_head(),
            _ => {}
        }
        let whole = resource(case, version);
        let holds = request.header("if-range") == Some(&tag(version)) || (lies && dice.one_in(3));
        let reply = match wanted {
            Some(start) if holds && !dice.one_in(10) => {
                let mut range = start..whole.len();
                if lies && dice.one_in(4) {
                    range.start = (start + dice.below(3)).saturating_sub(1);
                    range.end = range.end.saturating_sub(dice.below(2));
                }
                part(&whole, range, &mut dice, lies)
            }
            _ => (Reply::status(200), whole.clone()),
        };
        let (reply, body) = reply;
        let tagged = match dice.below(10) {
            0 if lies => reply,
            1 if lies => reply.header("etag", format!("W/{}", tag(version))),
            _ => reply.header("etag", tag(version)),
        };
        broken(tagged, &body, &mut dice)
    }
}

fn is_lying(case: u64) -> bool {
    case % 2 == 1
}

/// A range of the resource, as it is answered.
fn part(whole: &[u8], range: Range<usize>, dice: &mut Dice, lies: bool) -> (Reply, Vec<u8>) {
    let length = whole.len();
    let Some(body) = whole.get(range.clone()).filter(|body| !body.is_empty()) else {
        return (
            Reply::status(416).header("content-range", format!("bytes */{length}")),
            Vec::new(),
        );
    };
    let complete = match dice.below(8) {
        0 => "*".to_owned(),
        1 if lies => (length + 1).to_string(),
        _ => length.to_string(),
    };
    let end = (range.end - 1).saturating_sub(usize::from(lies && dice.one_in(8)));
    let said = format!("bytes {}-{end}/{complete}", range.start);
    (Reply::status(206).header("content-range", said), body.to_vec())
}

/// Sends that body, or the beginning of it.
fn broken(reply: Reply, body: &[u8], dice: &mut Dice) -> Reply {
    let reply = if dice.one_in(2) {
        reply.body(body)
    } else {
        let size = 1 + dice.below(20_000);
        reply.chunked(body.chunks(size))
    };
    if dice.one_in(2) {
        return reply;
    }
    let cut = if dice.one_in(2) { Cut::Reset } else { Cut::Close };
    reply.cut_body_after(dice.below(body.len() + 1), cut)
}

/// What came of a case.
enum Came {
    Whole,
    Failed(Error),
}

async fn download(client: &HttpClient, case: u64) -> Came {
    let mut response = match client.get(format!("/{case}")).resumable(true).send().await {
        Ok(response) => response,
        Err(error) => return Came::Failed(error),
    };
    assert_eq!(response.headers()["etag"], tag(0), "case {case}");
    let (mut read, expected) = (Vec::new(), resource(case, 0));
    let outcome = response.read_to_end(&mut read).await;
    assert!(expected.starts_with(&read), "case {case}: what was handed on is something else");
    match outcome {
        Ok(()) => {
            assert_eq!(read.len(), expected.len(), "case {case}: it is short, and nobody said so");
            Came::Whole
        }
        Err(error) => Came::Failed(error),
    }
}

#[test]
fn what_is_read_is_the_resource_or_there_is_an_error() {
    for (name, transport) in transports() {
        on_the_wire(async {
            let server = Server::start();
            let client = client(transport, &server);
            let cases = stream::iter(0..CASES).map(|case| {
                let client = &client;
                async move { (case, download(client, case).await) }
            });
            let outcomes: Vec<_> = cases.buffer_unordered(16).collect().await;
            let mut whole = [0, 0];
            for (case, outcome) in outcomes {
                match outcome {
                    Came::Whole => whole[usize::from(is_lying(case))] += 1,
                    Came::Failed(error) => {
                        assert!(
                            is_lying(case),
                            "{name}, case {case}: {error}, from an honest server"
                        );
                    }
                }
            }
            // With lies, too: some are found out, and some are told too late to matter.
            assert_eq!(whole[0], CASES / 2, "{name}");
            assert!((CASES / 20..CASES / 2).contains(&whole[1]), "{name}: {}", whole[1]);
            assert!(server.request_count() > 2_000, "{name}: {}", server.request_count());
        });
    }
}

#[test]
fn a_stall_over_a_real_socket_is_resumed() {
    for (name, transport) in transports() {
        on_the_wire(async {
            let server = FaultServer::sequence([
                Reply::ok(HELLO).header("etag", TAG).stall_body_after(5),
                Reply::status(206)
                    .header("etag", TAG)
                    .header("content-range", "bytes 5-11/12")
                    .body(", world"),
            ]);
            let runtime = ManualRuntime::new();
            let client = HttpClient::builder(transport)
                .base_url(server.url())
                .runtime(runtime.clone())
                .timeout(SECOND)
                .retry(at_once().build().unwrap())
                .build()
                .unwrap();
            let mut response = client.get("/").resumable(true).send().await.unwrap();
            let mut read = Vec::new();
            while read.len() < 5 {
                read.extend(response.chunk().await.unwrap().unwrap_or_else(Bytes::new));
            }
            let mut rest = Box::pin(response.text());
            assert!(rest.as_mut().now_or_never().is_none(), "{name}: it stalls");
            runtime.advance(SECOND);
            assert_eq!(rest.await.unwrap(), ", world", "{name}");
            assert_eq!(server.requests()[1].header("range"), Some("bytes=5-"), "{name}");
            // What stalled was dropped, and its connection closed.
            until(|| server.open_connections() <= 1).await;
        });
    }
}
