//! A real Asterisk: on free ports of 127.0.0.1, in a temporary folder.
//!
//! ```text
//! let robot = Addresses { fastagi, audiosocket };                 // where the daemon listens
//! let dialplan = format!("{}\n[in]\nexten => 4000,1,Goto(telephonist,loan,1)\n", shipped(&robot));
//! let setup = Setup { dialplan, people: vec![("operator", agent.address())] };
//! let Some(asterisk) = Asterisk::start(&setup) else { return };     // SKIPPED, and said so
//! caller.call(asterisk.sip(), "4000").await;
//! ```
//!
//! Calls from anywhere come into context `in`. `people` can be called by `Dial(PJSIP/<name>)`. Start it
//! before any call is up: it blocks.

use std::fmt::Write as _;
use std::fs::{File, read_to_string, write};
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// Exit code of `tests/asterisk/get` when it can't be had.
const UNAVAILABLE: i32 = 69;

/// Seconds until `get` is ended, which has limits of its own that are shorter.
const GET_SECONDS: u32 = 420;

/// Seconds until a command of Asterisk's command line is ended.
const COMMAND_SECONDS: u32 = 10;

/// How often it is asked whether it is up, and how long waited between: 20 s. It takes half a second.
const LOOKS_MAX: usize = 400;
const LOOK: Duration = Duration::from_millis(50);

/// How often another port is tried when somebody else took the free one first.
const PORT_ATTEMPTS: usize = 5;

/// Ports for sound, two for each call. The windows of several Asterisks may overlap: a port that is
/// taken is passed over.
const RTP_PORTS: u16 = 400;

/// Lines of the log that a failed test shows.
const LOG_LINES_SHOWN: usize = 60;

/// What an Asterisk is to be like.
pub(crate) struct Setup {
    /// The whole of extensions.conf.
    pub(crate) dialplan: String,
    /// Who can be called, and where.
    pub(crate) people: Vec<(&'static str, SocketAddr)>,
}

/// Where the robot listens.
pub(crate) struct Addresses {
    pub(crate) fastagi: SocketAddr,
    pub(crate) audiosocket: SocketAddr,
}

/// The shipped dialplan, with a robot that listens here.
pub(crate) fn shipped(robot: &Addresses) -> String {
    include_str!("../../dialplan/asterisk/telephonist.conf")
        .replace("127.0.0.1:4573", &robot.fastagi.to_string())
        .replace("127.0.0.1:9092", &robot.audiosocket.to_string())
}

/// A running Asterisk, ended on drop.
pub(crate) struct Asterisk {
    // Before its folder.
    child: Child,
    folder: TempDir,
    program: PathBuf,
    sip: SocketAddr,
}

impl Asterisk {
    /// Starts one; `None` where it can't be had, which is said, and fails if `REQUIRE_ASTERISK` is 1.
    /// One that can be had and does not start fails the test.
    pub(crate) fn start(setup: &Setup) -> Option<Self> {
        let program = match get() {
            Ok(program) => program,
            Err(why) => {
                skipped(&why);
                return None;
            }
        };
        let mut complaints = String::new();
        for _ in 0..PORT_ATTEMPTS {
            match Self::start_on_a_port(&program, setup) {
                Ok(asterisk) => return Some(asterisk),
                Err(complaint) => complaints.push_str(&complaint),
            }
        }
        panic!("Asterisk does not start:\n{complaints}");
    }

    /// Where it takes calls.
    pub(crate) fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// What a command of its command line says: `core show channels`.
    pub(crate) async fn command(&self, command: &str) -> String {
        let command = remote(&self.program, self.folder.path(), command);
        let output = spawn_blocking(move || run(command)).await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// All it has logged: what the dialplan did, warnings, errors.
    pub(crate) fn log(&self) -> String {
        log(self.folder.path())
    }

    /// A folder of the test's own on the same machine, gone with this Asterisk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start_on_a_port(program: &Path, setup: &Setup) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let sip = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        configure(folder.path(), program, sip, setup);
        let console = File::create(folder.path().join("console")).unwrap();
        let child = Command::new(program)
            .arg("-f")
            .arg("-C")
            .arg(folder.path().join("etc/asterisk.conf"))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let mut asterisk = Self { child, folder, program: program.to_owned(), sip };
        asterisk.wait_until_up()?;
        Ok(asterisk)
    }

    #[expect(clippy::disallowed_methods, reason = "a start is waited for before any call is up")]
    fn wait_until_up(&mut self) -> Result<(), String> {
        for _ in 0..LOOKS_MAX {
            if self.child.try_wait().unwrap().is_some() {
                return Err(self.complaint("it ended"));
            }
            let asked = run(remote(&self.program, self.folder.path(), "core waitfullybooted"));
            if String::from_utf8_lossy(&asked.stdout).contains("fully booted") {
                // It runs without a port that somebody else has, and only logs it.
                return match self.log().contains("Address already in use") {
                    true => Err(self.complaint("its port was taken")),
                    false => Ok(()),
                };
            }
            thread::sleep(LOOK);
        }
        Err(self.complaint("it is not up in time"))
    }

    fn complaint(&self, what: &str) -> String {
        let console = read_to_string(self.folder.path().join("console")).unwrap_or_default();
        format!("{what}:\n{console}\n{}\n", last_lines(&self.log()))
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("Asterisk's log ends so:\n{}", last_lines(&self.log()));
        }
        // Nothing of it outlives its folder, so that it need not be asked, which takes two seconds.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Where the program is; an error is why there is none.
fn get() -> Result<PathBuf, String> {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5"]).arg(GET_SECONDS.to_string());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/asterisk/get"));
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).trim().into()),
        Some(UNAVAILABLE) => Err(said),
        code => panic!("tests/asterisk/get ended with {code:?}: {said}"),
    }
}

/// Says that a test was not done for want of an Asterisk.
#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn skipped(why: &str) {
    let is_required = std::env::var("REQUIRE_ASTERISK").is_ok_and(|value| value == "1");
    assert!(!is_required, "no Asterisk: {why}");
    // Past the test runner, which keeps what tests that pass print.
    std::io::stderr().write_all(format!("SKIPPED: asterisk ({why})\n").as_bytes()).unwrap();
}

fn remote(program: &Path, folder: &Path, command: &str) -> Command {
    let mut asked = Command::new("timeout");
    asked.args(["--foreground", "--kill-after=1"]).arg(COMMAND_SECONDS.to_string()).arg(program);
    asked.arg("-C").arg(folder.join("etc/asterisk.conf")).arg("-rx").arg(command);
    asked
}

/// Runs a command that ends itself, with pipes of its own.
fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn log(folder: &Path) -> String {
    let bytes = std::fs::read(folder.join("log/full")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

/// Writes its configuration below the folder.
fn configure(folder: &Path, program: &Path, sip: SocketAddr, setup: &Setup) {
    for name in ["etc", "lib", "spool", "run", "log", "cache", "agi-bin"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    let rtp_start = 10_000 + sip.port() % 50 * RTP_PORTS;
    let rtp_end = rtp_start + RTP_PORTS - 1;
    let files = [
        ("asterisk.conf", options(folder, &program.with_file_name("root"))),
        ("modules.conf", include_str!("../asterisk/modules.conf").to_owned()),
        ("logger.conf", LOGGER.to_owned()),
        ("rtp.conf", format!("[general]\nrtpstart = {rtp_start}\nrtpend = {rtp_end}\n")),
        ("pjsip.conf", endpoints(sip, &setup.people)),
        ("extensions.conf", setup.dialplan.clone()),
        ("indications.conf", INDICATIONS.to_owned()),
    ];
    for (name, text) in files {
        write(folder.join("etc").join(name), text).unwrap();
    }
    for name in EMPTY {
        write(folder.join("etc").join(name), "").unwrap();
    }
}

/// Files it warns about if they are missing.
const EMPTY: [&str; 13] = [
    "acl.conf",
    "ccss.conf",
    "cdr.conf",
    "cel.conf",
    "cli_permissions.conf",
    "codecs.conf",
    "dnsmgr.conf",
    "dsp.conf",
    "features.conf",
    "manager.conf",
    "pjproject.conf",
    "geolocation.conf",
    "udptl.conf",
];

const LOGGER: &str = "[general]\ndateformat = %T.%3q\n\
                      [logfiles]\nfull => notice,warning,error,verbose(3),dtmf\n";

const INDICATIONS: &str = "[general]\ncountry = us\n[us]\ndescription = US\nringcadence = 2000,4000\n\
                           dial = 350+440\nbusy = 480+620/500,0/500\nring = 440+480/2000,0/4000\n\
                           congestion = 480+620/250,0/250\n";

fn options(folder: &Path, root: &Path) -> String {
    let (folder, root) = (folder.display(), root.display());
    let libraries = std::env::consts::ARCH;
    format!(
        "[directories]\n\
         astetcdir => {folder}/etc\n\
         astmoddir => {root}/usr/lib/{libraries}-linux-gnu/asterisk/modules\n\
         astvarlibdir => {folder}/lib\n\
         astdbdir => {folder}/lib\n\
         astkeydir => {folder}/lib\n\
         astdatadir => {root}/usr/share/asterisk\n\
         astagidir => {folder}/agi-bin\n\
         astspooldir => {folder}/spool\n\
         astrundir => {folder}/run\n\
         astlogdir => {folder}/log\n\
         astcachedir => {folder}/cache\n\
         astsbindir => {root}/usr/sbin\n\
         [options]\n\
         verbose = 3\n\
         nocolor = yes\n\
         dontwarn = yes\n\
         defaultlanguage = en\n\
         hideconnect = yes\n"
    )
}

/// Calls come from anybody; each of these people can be called. Sound stays on 127.0.0.1 only if both
/// lines of an endpoint say so.
fn endpoints(sip: SocketAddr, people: &[(&str, SocketAddr)]) -> String {
    let endpoint = "type = endpoint\ncontext = in\ndisallow = all\nallow = ulaw\ndirect_media = no\n\
                    media_address = 127.0.0.1\nbind_rtp_to_media_address = yes\n\
                    dtmf_mode = rfc4733\n";
    let mut text =
        format!("[udp]\ntype = transport\nprotocol = udp\nbind = {sip}\n[anonymous]\n{endpoint}");
    for (name, address) in people {
        write!(
            text,
            "[{name}]\n{endpoint}aors = {name}\n\
             [{name}]\ntype = aor\ncontact = sip:{name}@{address}\nqualify_frequency = 0\n"
        )
        .unwrap();
    }
    text
}
