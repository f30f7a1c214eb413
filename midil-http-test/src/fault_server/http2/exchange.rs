//! One stream: a request and its reply.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Request;

use super::Site;
use super::encode;
use super::frame;
use super::reply::{Fault, Http2Reply, Place, Upload};
use super::wire::Wire;
use crate::fault_server::cut::Cut;
use crate::fault_server::gate::Gate;
use crate::fault_server::peer::End;
use crate::fault_server::script::Stage;

/// A stream that nothing more is to be said on: dropped before its connection ends, it would be reset.
pub(super) type Leftover = (SendResponse<Bytes>, RecvStream);

/// Nothing more can be done: the client reset the stream, or the script panicked.
struct Over;

impl From<h2::Error> for Over {
    fn from(_: h2::Error) -> Self {
        Self
    }
}

pub(super) struct Exchange {
    id: u32,
    head_only: bool,
    awaits_continue: bool,
    begun: Begun,
    respond: SendResponse<Bytes>,
    body: RecvStream,
    wire: Wire,
}

/// A request that is on record, until its exchange is over or given up.
struct Begun {
    index: usize,
    site: Arc<Site>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.site.record.request_ended(self.index);
    }
}

impl Exchange {
    /// Puts the request on record.
    pub(super) fn begin(
        connection: usize,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
        wire: &Wire,
        site: &Arc<Site>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let mut received = encode::received(connection, &head);
        #[cfg(feature = "tls")]
        {
            received = received.over(wire.handshake().map(Arc::new));
        }
        if body.is_end_stream() {
            received.complete(Vec::new());
        }
        let index = site.record.request_begun(received);
        let expect = head.headers.get(http::header::EXPECT);
        Self {
            id: respond.stream_id().as_u32(),
            head_only: head.method == http::Method::HEAD,
            awaits_continue: expect.is_some_and(|value| value == "100-continue"),
            begun: Begun { index, site: Arc::clone(site) },
            respond,
            body,
            wire: wire.clone(),
        }
    }

    /// Answers; returns the stream if it is to be left as it is.
    pub(super) async fn run(mut self) -> Option<Leftover> {
        let left = self.answer().await.unwrap_or(false);
        self.wire.forget(self.id);
        left.then_some((self.respond, self.body))
    }

    /// Returns whether the stream is to be left as it is.
    async fn answer(&mut self) -> Result<bool, Over> {
        let reply = self.reply().await?;
        for interim in &reply.interim {
            self.respond.send_informational(encode::head(interim.status, &interim.headers))?;
        }
        if let Some(gate) = &reply.hold {
            self.hold(gate).await?;
        }
        if let Some(reason) = reply.go_away {
            self.put(&frame::go_away(self.id, reason));
            self.wire.drain();
        }
        if let Some((Place::BeforeHead, fault)) = reply.fault {
            return self.break_before_head(fault).await;
        }

        let body = if self.sends_body(&reply) { Arc::clone(&reply.body) } else { Arc::default() };
        let whole = reply.fault.is_none();
        let has_trailers = reply.trailers.iter().next().is_some() && self.sends_body(&reply);
        let ends_at_head = whole && !has_trailers && body.is_empty();
        let head = encode::reply_head(&reply, self.sends_body(&reply));
        let mut stream = self.respond.send_response(head, ends_at_head)?;

        let end = match reply.fault {
            Some((Place::Body(count), _)) => count.min(body.len()),
            _ => body.len(),
        };
        let mut sent = 0;
        if let Some((count, gate)) = &reply.hold_body {
            let count = (*count).min(end);
            send(&mut stream, &body[..count], false).await?;
            sent = count;
            hold_body(&mut stream, gate).await?;
        }
        if !ends_at_head {
            send(&mut stream, &body[sent..end], whole && !has_trailers).await?;
        }
        if let Some((_, fault)) = reply.fault {
            return self.break_body(&mut stream, &reply, end, fault).await;
        }
        if has_trailers {
            stream.send_trailers(encode::fields(&reply.trailers))?;
        }
        poll_fn(|cx| self.poll_ended(cx, &mut stream)).await;
        match reply.upload {
            Upload::ReadFirst => {}
            Upload::ReadAfter => self.read_body().await?,
            Upload::NeverRead => return Ok(!self.body.is_end_stream()),
            Upload::ResetAfter if self.body.is_end_stream() => {}
            Upload::ResetAfter => stream.send_reset(Reason::NO_ERROR),
        }
        Ok(false)
    }

    /// The reply of the script. Reads the body of the request first, unless the reply is early.
    async fn reply(&mut self) -> Result<Http2Reply, Over> {
        let early = self.ask(Stage::Head)?;
        if early.as_ref().is_none_or(|reply| reply.upload == Upload::ReadFirst) {
            if self.awaits_continue && !self.body.is_end_stream() {
                self.respond.send_informational(encode::status(100))?;
            }
            self.read_body().await?;
        }
        match early {
            Some(reply) => Ok(reply),
            None => self.ask(Stage::Whole)?.ok_or(Over),
        }
    }

    fn ask(&self, stage: Stage) -> Result<Option<Http2Reply>, Over> {
        let Begun { index, site } = &self.begun;
        let reply = site.script.reply(stage, *index, || site.record.request(*index));
        reply.map(|reply| reply.map(std::borrow::Cow::into_owned)).map_err(|message| {
            site.record.script_panicked(message);
            self.wire.end(End::Close);
            Over
        })
    }

    async fn read_body(&mut self) -> Result<(), Over> {
        if self.body.is_end_stream() {
            return Ok(());
        }
        let Begun { index, site } = &self.begun;
        while let Some(data) = self.body.data().await {
            let data = data?;
            site.record.body_arrived(*index, &data);
            self.body.flow_control().release_capacity(data.len())?;
        }
        let trailers = self.body.trailers().await?;
        let trailers = trailers.as_ref().map(encode::pairs).unwrap_or_default();
        site.record.body_completed(*index, trailers);
        Ok(())
    }

    /// RFC 9110 section 6.4.1.
    fn sends_body(&self, reply: &Http2Reply) -> bool {
        !self.head_only && !matches!(reply.status, 204 | 304)
    }

    async fn break_before_head(&mut self, fault: Fault) -> Result<bool, Over> {
        match fault {
            Fault::Reset(reason) => self.respond.send_reset(reason.into()),
            Fault::Unprocessed(reason) => {
                // Streams of clients are odd: two before is the one before.
                self.put(&frame::go_away(self.id.saturating_sub(2), reason));
                self.wire.drain();
                return Ok(true);
            }
            Fault::Garbage => {
                self.put(&frame::garbage(self.id));
                return Ok(true);
            }
            Fault::Cut(Cut::Stall) => {
                poll_fn(|cx| self.respond.poll_reset(cx)).await?;
            }
            Fault::Cut(cut) => return Ok(self.cut(cut)),
        }
        Ok(false)
    }

    /// After the head and `count` bytes of the body.
    async fn break_body(
        &mut self,
        stream: &mut SendStream<Bytes>,
        reply: &Http2Reply,
        count: usize,
        fault: Fault,
    ) -> Result<bool, Over> {
        // A reset, and an end of the connection, would overtake what is not sent.
        let data = u64::try_from(count).unwrap_or(u64::MAX);
        let interim = reply.interim.len();
        poll_fn(|cx| {
            if stream.poll_reset(cx).is_ready() {
                return Poll::Ready(());
            }
            self.wire.poll_sent(cx, self.id, |sent| sent.heads > interim && sent.data >= data)
        })
        .await;
        match fault {
            Fault::Reset(reason) => stream.send_reset(reason.into()),
            Fault::Cut(Cut::Stall) => {
                poll_fn(|cx| stream.poll_reset(cx)).await?;
            }
            Fault::Cut(cut) => return Ok(self.cut(cut)),
            // Of the place before the head alone.
            Fault::Unprocessed(_) | Fault::Garbage => {}
        }
        Ok(false)
    }

    /// Ends the connection.
    fn cut(&self, cut: Cut) -> bool {
        self.wire.end(match cut {
            Cut::Close => End::Linger,
            Cut::Truncate => End::Vanish,
            Cut::Reset => End::Reset,
            Cut::Stall => End::Stall,
        });
        true
    }

    fn put(&self, frame: &[u8]) {
        // An encryption that fails ends the connection at the next frame of the protocol.
        let _ = self.wire.put(frame);
    }

    /// Waits for `gate`, or fails when the client resets the stream.
    async fn hold(&mut self, gate: &Gate) -> Result<(), Over> {
        poll_fn(|cx| match gate.poll_open(cx) {
            Poll::Ready(()) => Poll::Ready(Ok(())),
            Poll::Pending => self.respond.poll_reset(cx).map(|_| Err(Over)),
        })
        .await
    }

    fn poll_ended(&self, cx: &mut Context<'_>, stream: &mut SendStream<Bytes>) -> Poll<()> {
        if stream.poll_reset(cx).is_ready() {
            return Poll::Ready(());
        }
        self.wire.poll_sent(cx, self.id, |sent| sent.end)
    }
}

async fn hold_body(stream: &mut SendStream<Bytes>, gate: &Gate) -> Result<(), Over> {
    poll_fn(|cx| match gate.poll_open(cx) {
        Poll::Ready(()) => Poll::Ready(Ok(())),
        Poll::Pending => stream.poll_reset(cx).map(|_| Err(Over)),
    })
    .await
}

/// Sends all of `bytes` at the pace of the client's windows.
async fn send(stream: &mut SendStream<Bytes>, bytes: &[u8], end: bool) -> Result<(), Over> {
    let mut left = Bytes::copy_from_slice(bytes);
    while !left.is_empty() {
        stream.reserve_capacity(left.len());
        let capacity = poll_fn(|cx| stream.poll_capacity(cx)).await.ok_or(Over)??;
        let piece = left.split_to(capacity.min(left.len()));
        stream.send_data(piece, end && left.is_empty())?;
    }
    if bytes.is_empty() && end {
        stream.send_data(Bytes::new(), true)?;
    }
    Ok(())
}
