//! The client of these tests.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::fault_server::Http2Server;

/// Runs a test; one that would hang fails instead.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await.unwrap() };
    runtime.block_on(limited)
}

/// One connection. It closes when it is dropped and no stream is left.
#[derive(Clone)]
pub(super) struct Client(SendRequest<Bytes>);

/// A response to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) head: Response<()>,
    pub(super) body: String,
    pub(super) trailers: Option<HeaderMap>,
}

impl Client {
    pub(super) async fn connect(server: &Http2Server) -> Self {
        Self::over(TcpStream::connect(server.address()).await.unwrap()).await.unwrap()
    }

    pub(super) async fn over(
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, h2::Error> {
        let (client, connection) = h2::client::handshake(io).await?;
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// Sends a request; the stream is that of its body, if it has one.
    pub(super) async fn send(
        &self,
        request: Request<()>,
        has_body: bool,
    ) -> Result<(h2::client::ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.0.clone().ready().await?.send_request(request, !has_body)
    }

    pub(super) async fn get(&self) -> Result<Whole, h2::Error> {
        let (response, _) = self.send(get(), false).await?;
        whole(response.await?).await
    }

    /// Uploads `body`.
    pub(super) async fn put(&self, body: &'static str) -> Result<Whole, h2::Error> {
        let request = Request::put("http://here/up").body(()).unwrap();
        let (response, mut stream) = self.send(request, true).await?;
        stream.send_data(Bytes::from_static(body.as_bytes()), true)?;
        whole(response.await?).await
    }
}

pub(super) fn get() -> Request<()> {
    Request::get("http://here/a?b=c").header("x-a", "1").body(()).unwrap()
}

pub(super) async fn whole(response: Response<RecvStream>) -> Result<Whole, h2::Error> {
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    read(&mut stream, &mut body).await?;
    let trailers = stream.trailers().await?;
    let body = String::from_utf8(body).unwrap();
    Ok(Whole { head: Response::from_parts(head, ()), body, trailers })
}

/// Reads into `body` up to the end, or an error.
pub(super) async fn read(stream: &mut RecvStream, body: &mut Vec<u8>) -> Result<(), h2::Error> {
    while let Some(data) = stream.data().await {
        let data = data?;
        body.extend_from_slice(&data);
        stream.flow_control().release_capacity(data.len())?;
    }
    Ok(())
}
