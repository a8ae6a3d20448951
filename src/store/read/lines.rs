//! A file of JSON lines, each a message as Redis gets it (I3).

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;

use super::gather::Gather;
use super::{Read, ReadError, Wanted};

/// A longer line is no row: all columns together have 13,000 characters.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Lines read in one go.
const LINES_MAX: usize = 2_000;

pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    gather: Gather,
    ended: bool,
}

impl Lines {
    pub(super) fn open(path: PathBuf, wanted: Wanted) -> Result<Self, ReadError> {
        match File::open(&path) {
            Ok(file) => {
                let (file, gather) = (BufReader::new(file), Gather::new(wanted));
                Ok(Self { path, file, gather, ended: false })
            }
            Err(source) => Err(fault(&path, source)),
        }
    }

    pub(super) fn next(&mut self) -> Result<Read, ReadError> {
        if self.ended {
            return Ok(Read::End);
        }
        let mut line = Vec::new();
        for _ in 0..LINES_MAX {
            line.clear();
            let read = (&mut self.file).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if read.map_err(|source| fault(&self.path, source))? == 0 {
                self.ended = true;
                return Ok(Read::Calls(self.gather.all()));
            }
            if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX {
                let skipped = self.file.skip_until(b'\n');
                skipped.map_err(|source| fault(&self.path, source))?;
                self.gather.refuse("the line is longer than any row");
            } else if !line.trim_ascii().is_empty() {
                self.gather.take(line.trim_ascii());
            }
        }
        Ok(Read::Calls(self.gather.ready()))
    }

    pub(super) fn unreadable(&self) -> (u64, Option<&str>) {
        self.gather.unreadable()
    }
}

fn fault(path: &std::path::Path, source: std::io::Error) -> ReadError {
    ReadError::File { file: path.display().to_string(), source }
}
