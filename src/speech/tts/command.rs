//! Voices that are programs on this machine: the text is their standard input, a WAV file their output
//! (I20).

use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;

use smol_str::SmolStr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OwnedSemaphorePermit;

use crate::speech::SpeechError;

/// So many programs speak at once: each keeps a core busy, and a machine has calls to serve besides.
pub(super) const PROGRAMS_MAX: usize = 2;

/// What a program complains of is kept up to this length, bytes; the rest is read and forgotten.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;

/// Of its output so much is read at a time, bytes: a quarter of a second at 16 kHz.
const PIECE_BYTES: usize = 8 << 10;

/// A program that speaks. Killed when dropped.
pub(super) struct Program {
    child: Child,
    stdout: ChildStdout,
    /// Hands over the text and hears what it complains of: both while it speaks, or it would stop.
    beside: Pin<Box<dyn Future<Output = String> + Send>>,
    complaint: Option<String>,
    _permit: OwnedSemaphorePermit,
}

impl Program {
    /// Starts it. The text is nothing but its input; no shell has a part in it (N10).
    ///
    /// # Errors
    /// It is not there, or can't be run.
    pub(super) fn start(
        command: &[String],
        (voice, text): (&str, &SmolStr),
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, SpeechError> {
        let (program, arguments) = command.split_first().ok_or_else(|| absent(""))?;
        let mut child = Command::new(program)
            .args(arguments.iter().map(|argument| argument.replace("{voice}", voice)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => absent(program),
                _ => SpeechError::Away(format!("{program} can't be run: {error}")),
            })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(SpeechError::Away(format!("{program} has no pipes")));
        };
        // A line is all that some programs read, and each of several would be a file of its own.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let beside = Box::pin(async move {
            let feed = async move {
                // Who has heard enough closes the pipe; what it says then is what counts.
                drop(stdin.write_all(text.as_bytes()).await);
                drop(stdin.write_all(b"\n").await);
            };
            tokio::join!(feed, complaint(stderr)).1
        });
        Ok(Self { child, stdout, beside, complaint: None, _permit: permit })
    }

    /// The next bytes of its output; `None` at the end.
    ///
    /// # Errors
    /// It ends with a fault; the last line it wrote says which.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, SpeechError> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            tokio::select! {
                biased;
                read = self.stdout.read_buf(&mut piece) => match read {
                    Ok(0) => break,
                    Ok(_) => return Ok(Some(piece)),
                    Err(error) => return Err(SpeechError::Answer(error.to_string())),
                },
                line = &mut self.beside, if self.complaint.is_none() => self.complaint = Some(line),
            }
        }
        let status = self.child.wait().await.map_err(|e| SpeechError::Answer(e.to_string()))?;
        if status.success() {
            return Ok(None);
        }
        if self.complaint.is_none() {
            self.complaint = Some(self.beside.as_mut().await);
        }
        let complaint = self.complaint.as_deref().unwrap_or_default();
        Err(SpeechError::Answer(format!("the voice's program ends with {status}: {complaint}")))
    }
}

/// Why a program can't be used, if it is not where programs are.
pub(super) fn fault(command: &[String]) -> Option<String> {
    let program = command.first().map_or("", String::as_str);
    if is_there(program) { None } else { Some(absent(program).to_string()) }
}

fn is_there(program: &str) -> bool {
    let can_be_run = |path: &Path| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return can_be_run(Path::new(program));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "where the system looks for programs is no setting of ours"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| can_be_run(&folder.join(program)))
}

fn absent(program: &str) -> SpeechError {
    SpeechError::Away(match program {
        "espeak-ng" => "espeak-ng is not installed: apt-get install espeak-ng, or set \
                        [speech.tts.default]"
            .into(),
        other => format!("{other} is not on PATH: install it, or set [speech.tts.default]"),
    })
}

/// The last line of what a program complains of.
async fn complaint(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 1_024];
    while let Ok(read) = stderr.read(&mut piece).await
        && read > 0
    {
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        let surplus = kept.len().saturating_sub(COMPLAINT_BYTES_MAX);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let line =
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
