//! After a 101: bytes both ways between the caller's socket and the upstream's (RFC 9110 §7.8).
use super::watch::OnExpiry;
use super::watch::Watch;
use bytes::Bytes;
use std::any::Any;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadBuf;

/// The far end of a tunnel.
pub trait TunnelEnd: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> TunnelEnd for T {}

/// What a handler leaves behind with a 101: the upstream's socket, and what it had already sent.
///
/// The one `dyn` of the data plane: made once per upgrade, not per request.
pub struct Tunnel {
    pub upstream: Box<dyn TunnelEnd>,
    pub read_ahead: Bytes,
    /// Closed when nothing went either way for this long.
    pub idle: Duration,
    /// What is to be let go of when the tunnel ends.
    pub holds: Box<dyn Any>,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tunnel")
    }
}

/// Copies until both sides have ended, one fails, or nothing moves for the idle time.
pub(super) async fn run<S: TunnelEnd>(
    tunnel: Tunnel,
    mut caller: S,
    read_ahead: Bytes,
    watch: &Watch,
) -> io::Result<()> {
    watch.begin(None);
    watch.arm(tunnel.idle, OnExpiry::Cut);
    let mut upstream = Moving { end: tunnel.upstream, watch, idle: tunnel.idle };
    let mut copy = pin!(async {
        caller.write_all(&tunnel.read_ahead).await?;
        upstream.write_all(&read_ahead).await?;
        tokio::io::copy_bidirectional(&mut caller, &mut upstream).await.map(drop)
    });
    std::future::poll_fn(|cx| {
        if watch.poll_expired(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        copy.as_mut().poll(cx)
    })
    .await
}

/// Puts the idle deadline off whenever bytes move.
struct Moving<'w> {
    end: Box<dyn TunnelEnd>,
    watch: &'w Watch,
    idle: Duration,
}

impl Moving<'_> {
    fn moved(&self, bytes: usize) {
        if bytes > 0 {
            self.watch.arm(self.idle, OnExpiry::Cut);
        }
    }
}

impl AsyncRead for Moving<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.end).poll_read(cx, buf);
        self.moved(buf.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Moving<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.end).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.moved(written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_shutdown(cx)
    }
}
