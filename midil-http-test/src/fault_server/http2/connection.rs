//! One connection: from its fate to its end.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, Connection, SendResponse};
use http::Request;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Site;
use super::exchange::{Exchange, Leftover};
use super::wire::Wire;
use crate::fault_server::on_connect::OnConnect;
use crate::fault_server::peer::End;

/// Serves connection number `connection`.
pub(super) async fn serve(connection: usize, socket: TcpStream, site: Arc<Site>) {
    let closed = Closed(Arc::clone(&site));
    // Frames go out together, there is nothing to coalesce.
    let _ = socket.set_nodelay(true);
    let wire = Wire::new(socket);
    let end = match site.script.fate(connection) {
        OnConnect::Serve => converse(connection, &wire, &site).await,
        OnConnect::Close => End::Linger,
        OnConnect::Reset => End::Reset,
        OnConnect::Stall => End::Stall,
    };
    finish(&wire, end).await;
    // The socket first.
    drop(wire);
    drop(closed);
}

/// Says that a connection is closed, also where the server ends it.
struct Closed(Arc<Site>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.record.connection_closed();
    }
}

async fn converse(connection: usize, wire: &Wire, site: &Arc<Site>) -> End {
    #[cfg(feature = "tls")]
    if let Some(tls) = &site.tls
        && let Err(end) = encrypt(wire, tls).await
    {
        site.record.handshake_failed();
        return end;
    }
    let mut builder = Builder::new();
    if let Some(limit) = site.max_concurrent_streams() {
        builder.max_concurrent_streams(limit);
    }
    // What is no HTTP/2 has its GOAWAY by now.
    let Ok(protocol) = builder.handshake(wire.clone()).await else { return End::Linger };
    let mut conversation = Conversation {
        connection,
        protocol,
        streams: JoinSet::new(),
        leftovers: Vec::new(),
        wire,
        site,
    };
    poll_fn(|cx| conversation.poll(cx)).await
}

#[cfg(feature = "tls")]
async fn encrypt(wire: &Wire, tls: &crate::fault_server::tls::Acceptor) -> Result<(), End> {
    if let Some((bytes, end)) = tls.instead() {
        // The client is to say hello first.
        poll_fn(|cx| wire.with_socket(|socket| socket.poll_read_ready(cx)))
            .await
            .and_then(|()| wire.put(bytes))
            .map_err(|_| End::Vanish)?;
        return Err(end);
    }
    let session = tls.session().map_err(|_| End::Linger)?;
    wire.encrypt(session).await.map_err(|_| End::Linger)
}

struct Conversation<'a> {
    connection: usize,
    protocol: Connection<Wire, Bytes>,
    streams: JoinSet<Option<Leftover>>,
    /// Streams that are neither answered nor reset.
    leftovers: Vec<Leftover>,
    wire: &'a Wire,
    site: &'a Arc<Site>,
}

impl Conversation<'_> {
    /// Ready with how the connection is to end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let accepted = self.protocol.poll_accept(cx);
            for reason in self.wire.take_resets() {
                self.site.record.stream_reset(reason);
            }
            match self.wire.poll_end(cx) {
                Poll::Ready(Ok(end)) => return Poll::Ready(end),
                // Nobody is there to be told.
                Poll::Ready(Err(_)) => return Poll::Ready(End::Vanish),
                Poll::Pending => {}
            }
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(End::Close),
                Poll::Pending if self.poll_streams(cx) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn begin(&mut self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        if self.wire.is_draining() {
            // Beyond what the GOAWAY took, as the client learns or knows.
            self.leftovers.push((respond, request.into_body()));
            return;
        }
        let exchange = Exchange::begin(self.connection, request, respond, self.wire, self.site);
        self.streams.spawn(exchange.run());
    }

    /// Clears away streams that are over; returns whether the connection is to be looked at again.
    fn poll_streams(&mut self, cx: &mut Context<'_>) -> bool {
        match self.streams.poll_join_next(cx) {
            Poll::Ready(Some(over)) => {
                self.leftovers.extend(over.ok().flatten());
                true
            }
            Poll::Ready(None) if self.wire.is_draining() => {
                self.wire.end(End::Linger);
                true
            }
            Poll::Ready(None) | Poll::Pending => false,
        }
    }
}

/// Ends the connection as `end` says; the socket is closed by who drops it.
async fn finish(wire: &Wire, end: End) {
    // The client may be gone: then there is nothing left to end.
    let _ = match end {
        End::Reset => {
            wire.with_socket(|socket| SockRef::from(socket).set_linger(Some(Duration::ZERO)))
        }
        End::Close | End::Linger => {
            wire.say_farewell();
            linger(wire).await
        }
        End::Vanish => linger(wire).await,
        // A reply of HTTP/2 knows no next request, and its streams stand still by themselves.
        End::Stall | End::StandStill | End::AtNextRequest => {
            poll_fn(|cx| wire.poll_swallow(cx)).await
        }
    };
}

/// Closes the sending half, so that what was sent is not lost to a reset, and waits for the client.
async fn linger(wire: &Wire) -> io::Result<()> {
    poll_fn(|cx| wire.poll_out(cx)).await?;
    wire.with_socket(|socket| SockRef::from(socket).shutdown(std::net::Shutdown::Write))?;
    poll_fn(|cx| wire.poll_swallow(cx)).await
}
