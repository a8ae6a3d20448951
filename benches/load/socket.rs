//! The event socket of the switch: the daemon's two connections, and the loop that serves them.

use std::error::Error;
use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep_until;

use crate::switch::Switch;

/// The daemon's connections: events go out on one, commands come in on the other (S3).
pub(crate) struct Socket {
    events: Connection,
    commands: Connection,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Socket {
    /// Lets the daemon in, which has opened the first of its two connections.
    pub(crate) async fn accept(
        first: TcpStream,
        listener: &TcpListener,
    ) -> Result<Self, Box<dyn Error>> {
        let mut events = Connection::accept(first).await?;
        let subscription = events.read().await?;
        if !subscription.starts_with("event plain ") {
            return Err(format!("the daemon begins with {subscription:?}").into());
        }
        events.write(ACCEPTED).await?;
        let commands = Connection::accept(listener.accept().await?.0).await?;
        Ok(Self { events, commands })
    }

    /// Serves the daemon until this moment.
    ///
    /// # Errors
    /// If the daemon leaves: it must not, whatever the load.
    pub(crate) async fn serve(&mut self, switch: &mut Switch, until: Instant) -> io::Result<()> {
        loop {
            let wake = switch.next_step().min(until);
            tokio::select! {
                command = self.commands.read() => {
                    let answer = switch.command(&command?, now());
                    self.commands.write(&answer).await?;
                }
                ping = self.events.read() => {
                    let answer = switch.command(&ping?, now());
                    self.events.write(&answer).await?;
                }
                () = sleep_until(wake.into()) => {
                    if now() >= until {
                        return Ok(());
                    }
                    switch.step(now());
                }
            }
            self.events.stream.write_all(&switch.out).await?;
            switch.out.clear();
        }
    }
}

/// What is said to a subscription and to the password.
const ACCEPTED: &str = "Content-Type: command/reply\nReply-Text: +OK accepted\n\n";

impl Connection {
    async fn accept(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, input: Vec::new() };
        connection.write("Content-Type: auth/request\n\n").await?;
        connection.read().await?;
        connection.write(ACCEPTED).await?;
        Ok(connection)
    }

    /// The next command. Cancel safe.
    async fn read(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\n\n") {
                let command = self.input.drain(..end + 2).collect();
                return String::from_utf8(command).map_err(io::Error::other);
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::Error::other("the daemon has closed its connection"));
            }
        }
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is there to read the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
