//! TCP connections to our HTTP port, few and short: strangers can't hold what we need (N13, N21).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Probes and scrapers are a handful; more wait to be accepted.
pub(super) const CONNECTIONS_MAX: usize = 64;

/// A scraper that keeps its connection comes back each 15 to 60 s and may open a new one.
pub(super) const CONNECTION_LIFETIME: Duration = Duration::from_secs(60);

/// Accepts connections while fewer than [`CONNECTIONS_MAX`] are open.
pub(super) struct LimitedListener {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

/// A connection that fails once it is older than [`CONNECTION_LIFETIME`].
pub(super) struct LimitedStream {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl LimitedListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.expect("the semaphore is never closed");
        // axum's own accept waits out a shortage of file descriptors and never fails.
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let end = Box::pin(tokio::time::sleep(CONNECTION_LIFETIME));
        (LimitedStream { stream, end, _place: place }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl LimitedStream {
    /// The stream, while it may live.
    fn alive(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive(context)?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn one_connection_more_waits_until_another_ends() {
        let mut listener = LimitedListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = Listener::local_addr(&listener).unwrap();
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let client = TcpStream::connect(address).await.unwrap();
            open.push((client, listener.accept().await));
        }
        let _waiting = TcpStream::connect(address).await.unwrap();
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, listener.accept()).await.is_err());
        open.pop();
        assert!(tokio::time::timeout(Duration::from_secs(5), listener.accept()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_does_not_stay() {
        let mut listener = LimitedListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut client =
            TcpStream::connect(Listener::local_addr(&listener).unwrap()).await.unwrap();
        let (mut stream, _) = listener.accept().await;
        let mut byte = [0];
        client.write_all(b"G").await.unwrap();
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
        let late = stream.read(&mut byte).await.unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(stream.write_all(b"x").await.is_err());
    }
}
