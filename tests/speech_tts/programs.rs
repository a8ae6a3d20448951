//! Voices that are programs (I20, N10).

use std::fs;
use std::path::Path;
use std::time::Duration;

use telephonist::config::{Tts, TtsKind};
use telephonist::script::VoiceSettings;
use tokio::task::JoinSet;

use crate::fake::{program, samples, wav};
use crate::{config, fetch, mouth, service, text, text_by};

/// A voice that is this script; it finds its audio in `said.wav` beside it.
fn voice(folder: &Path, script: &str) -> Tts {
    fs::write(folder.join("said.wav"), wav(&samples(4_000))).unwrap();
    Tts { command: program(folder, script), ..Tts::default() }
}

#[tokio::test]
async fn a_text_is_only_ever_the_programs_input_n10() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        r#"printf '%s\n' "$@" > "$here/arguments"; cat > "$here/text"; cat "$here/said.wav""#;
    let mouth = mouth(&config(folder.path(), voice(folder.path(), script)));
    let planted = folder.path().join("planted");
    let touch =
        format!("$(touch {0}) `touch {0}`; touch {0} | touch {0}\n--help", planted.display());
    for hostile in [touch.as_str(), "-o /etc/passwd", "'\"\\ %s {voice}", &"я".repeat(4_096)] {
        let fetched = fetch(&mouth, &text(hostile)).await;
        assert_eq!(fetched.samples(), samples(4_000));
        let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert_eq!(arguments, "--voice=en\n-\n", "{hostile}");
        let given = fs::read_to_string(folder.path().join("text")).unwrap();
        assert_eq!(given, format!("{}\n", hostile.replace('\n', " ")));
    }
    assert!(!planted.exists());
    let voice = VoiceSettings { voice: "ru+f3".into(), ..VoiceSettings::default() };
    fetch(&mouth, &text_by("hello", voice)).await.samples();
    let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
    assert_eq!(arguments, "--voice=ru+f3\n-\n");
}

#[tokio::test]
async fn a_program_that_fails_says_why() {
    for (script, error) in [
        ("cat > /dev/null; echo first >&2; echo 'no such voice' >&2; exit 3", "no such voice"),
        ("exit 1", "it does not say why"),
        ("cat > /dev/null", "there is no audio in it"),
        ("cat > /dev/null; echo this is no audio", "neither WAV nor MP3"),
        ("yes no | head -c 999999 >&2; exit 1", ": no"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mouth = mouth(&config(folder.path(), voice(folder.path(), script)));
        let said = fetch(&mouth, &text("hello")).await.error();
        assert!(
            said.starts_with("the voice default: ") && said.contains(error),
            "{script}: {said}"
        );
    }
}

#[tokio::test]
async fn a_program_is_killed_when_nobody_waits_or_it_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let late =
        Tts { timeout_ms: 300, ..voice(folder.path(), "echo $$ > \"$here/pid\"; exec sleep 1000") };
    let patient = Tts { timeout_ms: 60_000, ..late.clone() };
    for tts in [late, patient] {
        let mouth = mouth(&config(folder.path(), tts.clone()));
        let wanted = text("hello");
        let mut fetching = Box::pin(fetch(&mouth, &wanted));
        let pid_file = folder.path().join("pid");
        let pid = loop {
            let written = fs::read_to_string(&pid_file).unwrap_or_default();
            if written.ends_with('\n') {
                break written.trim().to_owned();
            }
            tokio::select! {
                _ = &mut fetching => {}
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        };
        if tts.timeout_ms == 300 {
            assert_eq!(fetching.await.error(), "the voice default: no audio within 300 ms");
        } else {
            assert!(is_running(&pid));
            drop(fetching);
        }
        let mut looks = 0;
        while is_running(&pid) {
            looks += 1;
            assert!(looks < 1_000, "process {pid} is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fs::remove_file(pid_file).unwrap();
    }
}

/// False for what is dead and only waits to be noticed.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn an_absent_program_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let fault = |command: &[&str]| {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        mouth(&config(folder.path(), Tts { command, ..Tts::default() })).fault()
    };
    assert_eq!(fault(&["sh", "-c"]), None);
    assert_eq!(fault(&["/bin/sh"]), None);
    let absent = fault(&["no-such-voice", "--stdin"]).unwrap();
    assert!(
        absent.contains("no-such-voice") && absent.contains("[speech.tts.default]"),
        "{absent}"
    );
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    assert!(fault(&[plain.to_str().unwrap()]).is_some(), "it can't be run");
    let other = service(TtsKind::Http, "http://127.0.0.1:1/");
    assert_eq!(mouth(&config(folder.path(), other)).fault(), None);
    let mut none = config(folder.path(), Tts::default());
    none.speech.tts.clear();
    assert!(mouth(&none).fault().unwrap().contains("[speech.tts.default]"));
}

#[tokio::test]
async fn espeak_ng_speaks_where_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let mouth = mouth(&config(folder.path(), Tts::default()));
    let fetched = fetch(&mouth, &text("Good morning")).await;
    if let Some(fault) = mouth.fault() {
        assert_eq!(fetched.error(), format!("the voice default: {fault}"));
        println!("SKIPPED: {fault}");
        return;
    }
    let samples = fetched.samples();
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
    assert!((4_000..24_000).contains(&samples.len()), "{} samples", samples.len());
    assert!(loud > 500, "{loud} loud samples");
}

#[tokio::test]
async fn few_programs_run_at_once_however_many_texts_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"cat > /dev/null; echo begins >> "$here/log"; sleep 0.02; echo ends >> "$here/log"
cat "$here/said.wav""#;
    let mouth = mouth(&config(folder.path(), voice(folder.path(), script)));
    let mut fetching: JoinSet<_> = (0..7)
        .map(|number| {
            let mouth = mouth.clone();
            async move { fetch(&mouth, &text(&format!("Text {number}"))).await.samples() }
        })
        .collect();
    while let Some(fetched) = fetching.join_next().await {
        assert_eq!(fetched.unwrap(), samples(4_000));
    }
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let running = log.lines().scan(0, |running, line| {
        *running += if line == "begins" { 1 } else { -1 };
        Some(*running)
    });
    assert_eq!((log.lines().count(), running.max()), (14, Some(2)), "{log}");
}
