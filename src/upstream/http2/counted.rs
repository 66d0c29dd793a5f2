//! A link's socket that counts what is heard and what is said on it, and that hears to the end.
use super::super::socket::Socket;
use std::cell::Cell;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

/// The socket, the bytes that came by it since somebody last asked, and those that it ever took.
///
/// An upstream that leaves may close while we are still talking: what we say then fails at once, while
/// its last words, such as which streams it has not looked at (RFC 9113 §6.8), still wait to be read. So
/// what can no longer be said is dropped in silence, and the link ends when there is nothing more to hear.
pub(super) struct Counted {
    socket: Socket,
    heard: Rc<Cell<u64>>,
    said: Rc<Cell<u64>>,
    /// The socket takes nothing any more.
    is_mute: bool,
}

impl Counted {
    pub(super) fn new(socket: Socket, heard: &Rc<Cell<u64>>, said: &Rc<Cell<u64>>) -> Self {
        Self { socket, heard: Rc::clone(heard), said: Rc::clone(said), is_mute: false }
    }

    /// What `write` makes of these many bytes: all of them are dropped once the socket takes no more.
    fn poll_say(
        &mut self,
        bytes: usize,
        write: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_mute {
            match ready!(write(Pin::new(&mut self.socket))) {
                Ok(written) => {
                    self.said.set(self.said.get() + written as u64);
                    return Poll::Ready(Ok(written));
                }
                Err(_) => self.is_mute = true,
            }
        }
        Poll::Ready(Ok(bytes))
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.heard.set(self.heard.get() + (buf.filled().len() - before) as u64);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_say(bytes.len(), |it| it.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|it| it.len()).sum();
        self.poll_say(bytes, |it| it.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_mute && ready!(Pin::new(&mut self.socket).poll_flush(cx)).is_err() {
            self.is_mute = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
