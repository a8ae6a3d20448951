//! The addresses of a recogniser, and which is next (T1, 5).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;

use crate::config::AsrKind;
use crate::engine::Tick;

/// Addresses beyond it are a mistake: each is tried before a caller is told that nobody hears them.
const ADDRESSES_MAX: usize = 8;

/// An address that was away is tried after the others for so long, ms: a caller need not wait for
/// the same connection that others waited for in vain, and who comes back is soon used again.
const AWAY_MS: u64 = 5_000;

/// A list of addresses. `a,b`: each new connection takes the next; `*a,b`: the first that is there.
#[derive(Debug)]
pub(super) struct Addresses {
    urls: Vec<Url>,
    ordered: bool,
    next: AtomicUsize,
    /// For each, until when it is tried last; 0 = it was there when it was last asked.
    away_until: Mutex<Vec<Tick>>,
}

impl Addresses {
    /// # Errors
    /// What is wrong with the list, and what to write.
    pub(super) fn new(kind: AsrKind, list: &str) -> Result<Self, String> {
        let list = list.trim();
        let (ordered, list) = match list.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, list),
        };
        let written = list.split(',').map(str::trim).filter(|address| !address.is_empty());
        let urls: Vec<Url> = written.map(|address| url(kind, address)).collect::<Result<_, _>>()?;
        if urls.is_empty() {
            return Err(format!("names no address; write for example {}", example(kind)));
        }
        if urls.len() > ADDRESSES_MAX {
            return Err(format!("has more than {ADDRESSES_MAX} addresses"));
        }
        let away_until = Mutex::new(vec![Tick(0); urls.len()]);
        Ok(Self { urls, ordered, next: AtomicUsize::new(0), away_until })
    }

    /// All of them, as `http` or `https`.
    pub(super) fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// Which to try for one more connection, in order: those that were away last, and `avoid` after
    /// them. A single one is tried twice.
    pub(super) fn order(&self, now: Tick, avoid: Option<usize>) -> Vec<usize> {
        let count = self.urls.len();
        let first = if self.ordered { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) };
        let mut order: Vec<usize> = (0..count).map(|step| (first % count + step) % count).collect();
        let away_until = self.away_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_away = |index: &usize| away_until.get(*index).is_some_and(|until| now.0 < until.0);
        order.sort_by_key(|index| (Some(*index) == avoid, is_away(index)));
        if count == 1 {
            order.push(0);
        }
        order
    }

    /// Notes that it could not be reached.
    pub(super) fn note_away(&self, index: usize, now: Tick) {
        self.note(index, now.plus_ms(AWAY_MS));
    }

    /// Notes that it was reached.
    pub(super) fn note_there(&self, index: usize) {
        self.note(index, Tick(0));
    }

    /// True if each of them was away when it was last asked, however long ago.
    pub(super) fn are_all_away(&self) -> bool {
        let away_until = self.away_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        away_until.iter().all(|until| *until > Tick(0))
    }

    fn note(&self, index: usize, until: Tick) {
        let mut away = self.away_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(slot) = away.get_mut(index) {
            *slot = until;
        }
    }
}

/// An address as it is written → as it is asked: over HTTP, which a WebSocket begins with.
fn url(kind: AsrKind, address: &str) -> Result<Url, String> {
    let whole = match (address.contains("://"), kind) {
        (true, _) => address.to_owned(),
        (false, AsrKind::Asrproxy) => format!("ws://{address}/asr"),
        (false, AsrKind::Vosk) => format!("ws://{address}/"),
        (false, AsrKind::Openai) => format!("http://{address}/v1"),
    };
    let fault = || format!("is no address we can ask; write for example {}", example(kind));
    let (scheme, rest) = whole.split_once("://").ok_or_else(fault)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return Err(fault()),
    };
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| fault())?;
    if url.has_host() { Ok(url) } else { Err(fault()) }
}

fn example(kind: AsrKind) -> &'static str {
    match kind {
        AsrKind::Asrproxy => "127.0.0.1:7400 or ws://127.0.0.1:7400/asr",
        AsrKind::Vosk => "ws://127.0.0.1:2700",
        AsrKind::Openai => "https://api.openai.com/v1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &str) -> Addresses {
        Addresses::new(AsrKind::Asrproxy, list).unwrap()
    }

    fn first(addresses: &Addresses) -> usize {
        addresses.order(Tick(0), None)[0]
    }

    #[test]
    fn a_host_and_port_are_enough_i25() {
        let urls = addresses("h:1, wss://h2/x?k=1 ,http://h3:3").urls().to_vec();
        let written: Vec<_> = urls.iter().map(Url::as_str).collect();
        assert_eq!(written, ["http://h:1/asr", "https://h2/x?k=1", "http://h3:3/"]);
    }

    #[test]
    fn what_is_no_address_is_said_with_an_example() {
        for list in ["", "*", " , ", "ftp://h/", "ws://", "file:///etc/passwd", "h:99999", "ws://["]
        {
            let fault = Addresses::new(AsrKind::Asrproxy, list).unwrap_err();
            assert!(fault.contains("ws://127.0.0.1:7400/asr"), "{list}: {fault}");
        }
        let many = ["h:1"; ADDRESSES_MAX + 1].join(",");
        assert!(Addresses::new(AsrKind::Asrproxy, &many).unwrap_err().contains("more than 8"));
    }

    #[test]
    fn a_list_is_taken_in_turn_and_with_a_star_in_order() {
        let turns = addresses("a:1,b:1,c:1");
        let firsts: Vec<_> = (0..4).map(|_| first(&turns)).collect();
        assert_eq!(firsts, [0, 1, 2, 0]);
        let ordered = addresses("*a:1,b:1");
        assert_eq!((first(&ordered), first(&ordered)), (0, 0));
    }

    #[test]
    fn who_was_away_is_tried_last_for_a_while() {
        let list = addresses("*a:1,b:1,c:1");
        list.note_away(0, Tick(100));
        assert_eq!(list.order(Tick(100), None), [1, 2, 0]);
        assert_eq!(list.order(Tick(100 + AWAY_MS), None), [0, 1, 2]);
        list.note_there(0);
        assert_eq!(list.order(Tick(100), None), [0, 1, 2]);
        assert_eq!(list.order(Tick(100), Some(0)), [1, 2, 0]);
        assert_eq!(addresses("a:1").order(Tick(0), Some(0)), [0, 0]);
    }

    #[test]
    fn all_are_away_until_one_is_there_again_however_long_that_takes() {
        let list = addresses("a:1,b:1");
        list.note_away(0, Tick(100));
        assert!(!list.are_all_away());
        list.note_away(1, Tick(100));
        assert!(list.are_all_away());
        list.note_there(0);
        assert!(!list.are_all_away());
    }
}
