//! A client over a real connection to a server that answers with whatever bytes: over each backend in turn.
//!
//! A byte of flags (1: the server closes after its answer, 2: it sends it in pieces, 4: the request is a HEAD, 8: what follows a
//! whole response, and the end of the connection, come when the client has had that response), and the answer.
//! The [oracle](answer) says what the answer is, so all backends must agree about what is
//! a response, and what is none. Then the client calls once more, and must get the answer to that call, over
//! the same connection where nothing but a whole response came over it, or over another one.

mod answer;

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use http::Method;
use midil_http_core::{Error, HttpClient, ProxySettings, Redirect, Response, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_isahc::IsahcTransport;
use midil_http_reqwest::ReqwestTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::time::timeout;

use self::answer::Answer;

/// What the second call gets over a connection of its own, and over the first one.
const FRESH: &str = "fresh";
const REUSED: &str = "again";

/// How long a server that has more to say says nothing before it breaks off, and how long a client waits for one.
const STALL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
/// However busy the machine, a call that takes longer hangs.
const HANG: Duration = Duration::from_secs(90);

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
    );
}

#[derive(Debug, Clone, Copy)]
enum Backend {
    Hyper,
    Reqwest,
    Isahc,
}

impl Backend {
    const ALL: [Self; 3] = [Self::Hyper, Self::Reqwest, Self::Isahc];

    /// curl takes a head that is cut for one that is whole. What comes of that is in the README of midil-http-isahc: a response
    /// is empty that frames nothing, and a response that ends with its connection is none when it has no body.
    const fn is_curl(self) -> bool {
        matches!(self, Self::Isahc)
    }

    /// curl looks at a kept connection when it was not used for a second, and otherwise takes what waits there for the next
    /// answer: the README of midil-http-isahc says so, too.
    const fn looks_for_input(self) -> bool {
        !self.is_curl()
    }

    fn transport(self) -> Arc<dyn Transport> {
        // isahc has threads, and is the same for all inputs.
        static ISAHC: LazyLock<IsahcTransport> = LazyLock::new(|| {
            IsahcTransport::builder().proxy(ProxySettings::Disabled).build().unwrap()
        });
        match self {
            Self::Hyper => {
                Arc::new(HyperTransport::builder().proxy(ProxySettings::Disabled).build().unwrap())
            }
            Self::Reqwest => Arc::new(
                ReqwestTransport::builder().proxy(ProxySettings::Disabled).build().unwrap(),
            ),
            Self::Isahc => Arc::new(ISAHC.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Flags(u8);

impl Flags {
    const fn closes(self) -> bool {
        self.0 & 1 != 0
    }

    const fn in_pieces(self) -> bool {
        self.0 & 2 != 0
    }

    const fn is_head(self) -> bool {
        self.0 & 4 != 0
    }

    const fn is_late(self) -> bool {
        self.0 & 8 != 0
    }
}

pub(super) fn check(data: &[u8]) {
    let Some((&flags, bytes)) = data.split_first() else { return };
    let flags = Flags(flags);
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            for backend in Backend::ALL {
                let began = Instant::now();
                exchange(backend, flags, bytes).await;
                assert!(began.elapsed() < HANG, "it hung over {backend:?}");
            }
        });
    });
}

async fn exchange(backend: Backend, flags: Flags, bytes: &[u8]) {
    let shown = format!("over {backend:?}, {flags:?}: {:?}", lossy(bytes));
    let expected = answer::of(bytes, flags.closes(), flags.is_head());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (wrote, written) = oneshot::channel();
    let (had, done) = oneshot::channel();
    let (ends, ended) = oneshot::channel();
    let extra = if let Answer::Whole { extra, .. } = expected { extra } else { 0 };
    // Whether the client knows where the response ends without anything that follows.
    let ends_itself = matches!(answer::of(bytes, false, flags.is_head()), Answer::Whole { .. });
    let is_late = flags.is_late() && ends_itself && (extra == 0 || backend.looks_for_input());
    let (at_once, late) = bytes.split_at(bytes.len() - if is_late { extra } else { 0 });
    let answer = Sent {
        in_pieces: flags.in_pieces(),
        bytes: at_once.to_vec(),
        closes: flags.closes() && !is_late,
        is_late,
        stalls: !matches!(expected, Answer::Whole { .. }),
        wrote,
        done,
        _ends: ends,
    };
    let server = tokio::spawn(serve(listener, answer));
    let client = client(backend, address);

    let method = if flags.is_head() { Method::HEAD } else { Method::GET };
    let first = client.request(method, "/first").decompress(false).send().await;
    let first = match first {
        Ok(response) => read(response).await,
        Err(error) => Err(error),
    };
    judge(backend, &expected, &first, bytes, flags, &shown);

    // All of the answer is there, or on its way into a connection that is closed.
    let _: Result<(), ()> = had.send(());
    let connection = written.await.unwrap();
    if let Some(connection) = connection.filter(|_| flags.closes() || !late.is_empty()) {
        say_more(connection, late, flags.closes());
        // This one learns of it by its runtime; the others must look, before they use it again.
        if let Backend::Reqwest = backend {
            let _: Result<(), RecvError> = ended.await;
        }
    }
    let second = client.get("/second").send().await;
    let second = match second {
        Ok(response) => read(response).await,
        Err(error) => Err(error),
    };
    match second {
        Ok((200, body)) if body == FRESH.as_bytes() => {}
        Ok((200, body)) if body == REUSED.as_bytes() => {
            let is_clean = match &expected {
                // curl drops what came along with the end of chunks, and goes on.
                Answer::Whole { extra, is_last, is_chunked, .. } => {
                    (*extra == 0 || (backend.is_curl() && *is_chunked)) && !is_last
                }
                Answer::Broken { .. } => false,
                Answer::Odd => true,
            };
            assert!(is_clean && !flags.closes(), "reused {shown}");
        }
        other => panic!("{shown}, then {other:?}"),
    }
    drop(client);
    server.abort();
}

/// Whether the first call came to what the oracle says.
fn judge(
    backend: Backend,
    expected: &Answer,
    first: &Result<(u16, Vec<u8>), Error>,
    bytes: &[u8],
    flags: Flags,
    shown: &str,
) {
    match (expected, first) {
        (Answer::Whole { status, body, .. }, Ok((found, read))) => {
            assert_eq!(found, status, "{shown}");
            assert_eq!(lossy(read), lossy(body), "{shown}");
        }
        (Answer::Whole { body, is_framed: false, .. }, Err(Error::Transport(_)))
            if backend.is_curl() && body.is_empty() && !flags.is_head() => {}
        (Answer::Whole { .. }, Err(error)) => panic!("{shown}: {error:?}"),
        (Answer::Broken { in_head: true }, Ok((status, read)))
            if backend.is_curl()
                && read.is_empty()
                && (is_bodiless(*status, flags) || may_frame(bytes)) => {}
        (Answer::Broken { .. }, Ok((status, read))) => {
            panic!("taken for a {status} of {:?} {shown}", lossy(read));
        }
        (Answer::Odd, Ok((_, read))) => {
            // Whatever it is taken for, nothing is made up, and no more is read than is announced.
            let mut sent = bytes.iter();
            assert!(read.iter().all(|byte| sent.any(|sent| sent == byte)), "{shown}");
            assert!(!flags.is_head() || read.is_empty(), "{shown}");
        }
        (_, Err(error)) => {
            let fits = matches!(error, Error::Transport(_) | Error::Limit(_));
            assert!(fits, "{shown}: {error:?}");
        }
    }
}

/// Whether a response has no body, whatever its head says.
const fn is_bodiless(status: u16, flags: Flags) -> bool {
    flags.is_head() || matches!(status, 101 | 204 | 304)
}

/// Whether there is something that says where a response ends.
fn may_frame(bytes: &[u8]) -> bool {
    let text = lossy(bytes).to_ascii_lowercase();
    ["content-length:", "connection:", "transfer-encoding:"].iter().any(|name| text.contains(name))
}

fn client(backend: Backend, address: SocketAddr) -> HttpClient {
    HttpClient::builder(backend.transport())
        .base_url(format!("http://{address}"))
        .redirect(Redirect::none())
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

async fn read(response: Response) -> Result<(u16, Vec<u8>), Error> {
    let status = response.status().as_u16();
    Ok((status, response.bytes().await?.to_vec()))
}

/// What the server sends over the first connection.
struct Sent {
    bytes: Vec<u8>,
    in_pieces: bool,
    closes: bool,
    /// Whether something follows when the client has had that.
    is_late: bool,
    /// Whether the client waits for more, or may do so.
    stalls: bool,
    /// Tells when all is sent, and lends the connection for what is late.
    wrote: oneshot::Sender<Option<std::net::TcpStream>>,
    /// Tells when the client has what it wants.
    done: oneshot::Receiver<()>,
    /// Dropped when the client has closed the connection.
    _ends: oneshot::Sender<()>,
}

/// Sends what is late while nothing else runs: no task has learned of it when the next call is made.
fn say_more(mut connection: std::net::TcpStream, late: &[u8], closes: bool) {
    // The client may have closed it, after a response that is the last.
    let _: io::Result<()> = connection.write_all(late);
    if closes {
        let _: io::Result<()> = connection.shutdown(Shutdown::Write);
    }
}

/// Answers the first connection with the bytes, and all others as a server should.
async fn serve(listener: TcpListener, sent: Sent) {
    let (first, _) = listener.accept().await.unwrap();
    let answer = tokio::spawn(answer(first, sent));
    while let Ok((mut other, _)) = listener.accept().await {
        other.set_zero_linger().unwrap();
        if is_asked(&mut other).await {
            respond(&mut other, FRESH).await;
        }
    }
    answer.abort();
}

async fn answer(stream: TcpStream, sent: Sent) {
    let connection = stream.into_std().unwrap();
    let same = sent.is_late.then(|| connection.try_clone().unwrap());
    let mut stream = TcpStream::from_std(connection).unwrap();
    // What is left over is reset, so that no port stays taken.
    stream.set_zero_linger().unwrap();
    stream.set_nodelay(true).unwrap();
    assert!(is_asked(&mut stream).await, "it was not asked");
    let size = if sent.in_pieces { sent.bytes.len() / 3 + 1 } else { usize::MAX };
    for piece in sent.bytes.chunks(size) {
        // A client that has seen enough may be gone.
        if stream.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    if sent.closes {
        let _: io::Result<()> = stream.shutdown().await;
    }
    let _: Result<(), Option<std::net::TcpStream>> = sent.wrote.send(same);
    let breaks_off = async {
        let waits = !sent.closes && sent.stalls;
        if !waits || timeout(STALL, sent.done).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        asked = is_asked(&mut stream) => if asked {
            respond(&mut stream, REUSED).await;
        },
        () = breaks_off => return,
    }
    // The client has had what it wants of this connection when it closes it.
    let _: io::Result<usize> = stream.read(&mut [0; 64]).await;
}

/// Whether the head of a request came.
async fn is_asked(stream: &mut TcpStream) -> bool {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    true
}

async fn respond(stream: &mut TcpStream, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _: io::Result<()> = stream.write_all(head.as_bytes()).await;
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
