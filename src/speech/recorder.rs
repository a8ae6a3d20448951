//! Recordings: the caller left, the robot right, 16 bit at `media::RATE`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Component, Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::meter;
use crate::engine::Wall;
use crate::media;

/// More recordings at once than this are a leak: a machine's default limit is 1,024 open files, and
/// calls need theirs.
const FILES_MAX: usize = 512;

/// So many files of one name are told apart by `-2`, `-3`…; who has more has a name that says nothing.
const NAMESAKES_MAX: usize = 1_000;

/// Longest recording, samples of each side: a day. A line that was not put down fills no disk, and a WAV
/// file holds not much more.
const SAMPLES_MAX: u32 = 24 * 3_600 * media::RATE;

/// Longest value in a file name, signs; most file systems take names of 255 bytes.
const VALUE_CHARS_MAX: usize = 64;

/// What calls tell the recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToRecorder {
    /// A recording begins.
    Begin {
        /// Its number; no two at the same time have the same.
        id: u64,
        /// Absolute, and below the folder of recordings ([`file_name`]). If there is such a file, the
        /// name gets `-2`, `-3`….
        file: PathBuf,
    },
    /// More of it, about a second.
    Samples {
        /// Which.
        id: u64,
        /// Left (caller) and right (robot) in turn.
        interleaved: Box<[i16]>,
    },
    /// It is over.
    End {
        /// Which.
        id: u64,
    },
}

/// Writes recordings until all senders are gone. Blocks on the disk: it wants a thread of its own.
///
/// A file is whole after each `Samples`, so that a crash leaves what was said before. A recording that
/// can't be written ends there with a warning; others go on.
pub fn run(mut receiver: mpsc::Receiver<ToRecorder>) {
    let mut recordings = Recordings::default();
    while let Some(told) = receiver.blocking_recv() {
        recordings.take(told);
    }
    recordings.end_all();
}

/// A recording's file below the folder of recordings, `.wav` included; `None` if the template makes no
/// name below it.
///
/// `%Y`, `%m`, `%d`, `%H`, `%M`, `%S` are the local time of `wall`, `%%` is a `%`, `${name}` is what
/// `variable` says. A value's signs that are none of `[A-Za-z0-9._+-]` become `_` (N10), and so does a
/// dot at its beginning: it can't lead elsewhere.
pub fn file_name(
    template: &str,
    wall: Wall,
    variable: impl Fn(&str) -> SmolStr,
) -> Option<PathBuf> {
    // `YYYY-MM-DD HH:MM:SS`.
    let local = wall.to_local();
    let time = |from: usize, to: usize| local.get(from..to).unwrap_or_default();
    let mut name = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find(['%', '$']) {
        let (before, special) = rest.split_at(at);
        name.push_str(before);
        let (put, length) = match special.as_bytes() {
            [b'%', b'Y', ..] => (time(0, 4).to_owned(), 2),
            [b'%', b'm', ..] => (time(5, 7).to_owned(), 2),
            [b'%', b'd', ..] => (time(8, 10).to_owned(), 2),
            [b'%', b'H', ..] => (time(11, 13).to_owned(), 2),
            [b'%', b'M', ..] => (time(14, 16).to_owned(), 2),
            [b'%', b'S', ..] => (time(17, 19).to_owned(), 2),
            [b'%', b'%', ..] => ("%".to_owned(), 2),
            [b'$', b'{', ..] if special.contains('}') => {
                let end = special.find('}')?;
                (safe(&variable(special.get(2..end)?)), end + 1)
            }
            _ => (special.get(..1)?.to_owned(), 1),
        };
        name.push_str(&put);
        rest = special.get(length..)?;
    }
    name.push_str(rest);
    let path = Path::new(&name);
    let below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let named = below && path.file_name().is_some() && !name.ends_with('/');
    named.then(|| PathBuf::from(format!("{name}.wav")))
}

fn safe(value: &str) -> String {
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || "._+-".contains(sign);
    let signs = value.chars().take(VALUE_CHARS_MAX).enumerate();
    signs.map(|(at, c)| if allowed(c) && !(at == 0 && c == '.') { c } else { '_' }).collect()
}

type Writer = WavWriter<BufWriter<File>>;

/// The recordings that are being written.
#[derive(Default)]
struct Recordings {
    open: BTreeMap<u64, (PathBuf, Writer)>,
}

impl Recordings {
    fn take(&mut self, told: ToRecorder) {
        match told {
            ToRecorder::Begin { id, file } => self.begin(id, &file),
            ToRecorder::Samples { id, interleaved } => self.write(id, &interleaved),
            ToRecorder::End { id } => self.end(id),
        }
    }

    fn begin(&mut self, id: u64, file: &Path) {
        self.end(id);
        if self.open.len() >= FILES_MAX {
            tracing::warn!(file = %file.display(), open = FILES_MAX, "not recorded: too many files are open");
            meter::unrecorded();
            return;
        }
        match create(file) {
            Ok(created) => drop(self.open.insert(id, created)),
            Err(error) => lost(file, &error),
        }
    }

    fn write(&mut self, id: u64, interleaved: &[i16]) {
        let Some((file, writer)) = self.open.get_mut(&id) else { return };
        // The header is written anew each time: a crash leaves a file that can be played.
        if let Err(error) = append(writer, interleaved) {
            lost(file, &error);
            self.open.remove(&id);
        }
    }

    fn end(&mut self, id: u64) {
        if let Some((file, writer)) = self.open.remove(&id)
            && let Err(error) = writer.finalize()
        {
            lost(&file, &error);
        }
    }

    fn end_all(&mut self) {
        for (_, (file, writer)) in std::mem::take(&mut self.open) {
            if let Err(error) = writer.finalize() {
                lost(&file, &error);
            }
        }
    }
}

/// Half a pair at the end, which nobody sends, is left out: the sides would change places.
fn append(writer: &mut Writer, interleaved: &[i16]) -> Result<(), hound::Error> {
    if writer.duration() > SAMPLES_MAX {
        return Err(io::Error::other("it is longer than a day").into());
    }
    for pair in interleaved.chunks_exact(2) {
        pair.iter().try_for_each(|sample| writer.write_sample(*sample))?;
    }
    writer.flush()
}

fn lost(file: &Path, error: &hound::Error) {
    tracing::warn!(file = %file.display(), %error, "a recording ends here");
    meter::unrecorded();
}

/// A new file of this name, or of the first that is free.
fn create(file: &Path) -> Result<(PathBuf, Writer), hound::Error> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    for number in 1..=NAMESAKES_MAX {
        let path = numbered(file, number);
        match File::create_new(&path) {
            Ok(created) => {
                let mut writer = WavWriter::new(BufWriter::new(created), WAV)?;
                writer.flush()?;
                return Ok((path, writer));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other(format!("{NAMESAKES_MAX} files have this name")).into())
}

fn numbered(file: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}.wav"));
    file.with_file_name(name)
}

const WAV: WavSpec = WavSpec {
    channels: 2,
    sample_rate: media::RATE,
    bits_per_sample: 16,
    sample_format: SampleFormat::Int,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01 08:09:10 somewhere.
    const WALL: Wall = Wall { unix_ms: 1_704_067_750_000, offset_s: 8 * 3_600 };

    fn named(template: &str) -> Option<String> {
        let variable = |name: &str| match name {
            "callid" => "0d1f-7".into(),
            "up" => "..".into(),
            "far" => "/../../etc/passwd".into(),
            "who" => "王 +49(30)".into(),
            "long" => "x".repeat(10_000).into(),
            _ => SmolStr::default(),
        };
        file_name(template, WALL, variable).map(|path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_name_is_made_of_times_and_values() {
        for (template, name) in [
            ("%Y-%m-%d/${callid}", "2024-01-01/0d1f-7.wav"),
            ("%H.%M.%S", "08.09.10.wav"),
            ("100%% %q $x ${open", "100% %q $x ${open.wav"),
            ("${nothing}x", "x.wav"),
        ] {
            assert_eq!(named(template).as_deref(), Some(name), "{template}");
        }
    }

    #[test]
    fn no_value_leads_out_of_the_folder_n10() {
        assert_eq!(named("a/${up}").as_deref(), Some("a/_..wav"));
        assert_eq!(named("${far}").as_deref(), Some("_.._.._etc_passwd.wav"));
        assert_eq!(named("${who}").as_deref(), Some("__+49_30_.wav"));
        assert!(named("${long}").unwrap().len() < 100);
        for template in ["", "/etc/x", "../x", "a/../x", "${nothing}", "a/", "a/${nothing}"] {
            assert_eq!(named(template), None, "{template}");
        }
    }

    fn second(of: i16) -> Box<[i16]> {
        [of, -of].repeat(8_000).into()
    }

    fn read(path: &Path) -> Vec<i16> {
        let reader = hound::WavReader::open(path).unwrap();
        assert_eq!(reader.spec(), WAV);
        reader.into_samples().map(Result::unwrap).collect()
    }

    #[test]
    fn a_crash_leaves_a_file_that_can_be_played() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("day/call.wav");
        let mut recordings = Recordings::default();
        recordings.take(ToRecorder::Begin { id: 1, file: file.clone() });
        assert_eq!(read(&file).len(), 0);
        recordings.take(ToRecorder::Samples { id: 1, interleaved: second(1) });
        recordings.take(ToRecorder::Samples { id: 1, interleaved: second(2) });
        // As a crash does, it tidies nothing up.
        std::mem::forget(recordings);
        let samples = read(&file);
        assert_eq!(samples.len(), 32_000);
        assert_eq!((samples[0], samples[1]), (1, -1), "caller left, robot right");
        assert_eq!((samples[31_998], samples[31_999]), (2, -2));
    }

    #[test]
    fn recordings_go_side_by_side_and_files_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.b.wav");
        fs::write(&file, "somebody's").unwrap();
        let (sender, receiver) = mpsc::channel(16);
        let tell = |told| sender.try_send(told).unwrap();
        for id in [1, 2] {
            tell(ToRecorder::Begin { id, file: file.clone() });
        }
        tell(ToRecorder::Begin { id: 3, file: "/proc/none/x.wav".into() });
        for id in [2, 1, 3, 4] {
            let of = i16::try_from(id).unwrap();
            tell(ToRecorder::Samples { id, interleaved: second(of) });
        }
        tell(ToRecorder::End { id: 1 });
        tell(ToRecorder::Samples { id: 1, interleaved: second(9) });
        drop(sender);
        run(receiver);
        assert_eq!(fs::read(&file).unwrap(), b"somebody's");
        for (name, of) in [("a.b-2.wav", 1), ("a.b-3.wav", 2)] {
            let samples = read(&folder.path().join(name));
            assert_eq!((samples.len(), samples[0]), (16_000, of), "{name}");
        }
    }

    #[test]
    fn a_full_disk_ends_that_recording_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut recordings = Recordings::default();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let writer = WavWriter::new(BufWriter::new(full), WAV).unwrap();
        recordings.open.insert(1, ("/dev/full".into(), writer));
        recordings.take(ToRecorder::Begin { id: 2, file: folder.path().join("2.wav") });
        for id in [1, 2] {
            recordings.take(ToRecorder::Samples { id, interleaved: second(3) });
        }
        assert_eq!(recordings.open.keys().copied().collect::<Vec<_>>(), [2]);
        assert_eq!(read(&folder.path().join("2.wav")).len(), 16_000);
    }

    #[test]
    fn the_number_of_open_files_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut recordings = Recordings::default();
        for id in 0..FILES_MAX as u64 + 5 {
            recordings.begin(id, &folder.path().join(format!("{id}.wav")));
        }
        assert_eq!(recordings.open.len(), FILES_MAX);
    }
}
