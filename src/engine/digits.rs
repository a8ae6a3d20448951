//! Pressed keys: collected, then decided (E77, R11).

use smol_str::SmolStr;

use super::call::Robot;
use super::command::Command;
use super::explain::Explain;
use super::row::ResponseType;
use super::state::{Digits, Phase};
use super::time::Now;
use super::written::Cause;

/// Digits wait this long for the next one, ms (E77).
const INTER_DIGIT_MS: u64 = 3_000;

impl Robot {
    /// E77, R11.
    pub(super) fn dtmf(&mut self, appid: Option<SmolStr>, keys: &str, play_time_ms: i64, now: Now) {
        if self.state.phase != Phase::Talking || !self.state.running {
            return;
        }
        // What is pressed into a web request answers nothing.
        let is_current = self.state.request.is_none()
            && appid.as_ref().is_none_or(|appid| *appid == self.state.appid);
        if !is_current {
            let cause = Cause::digits(self, appid, keys.into(), (now.wall, play_time_ms));
            self.no_answer(cause, ResponseType::None, now);
            return;
        }
        for key in keys.chars() {
            if self.state.phase == Phase::Talking && !self.node().filter.dtmf.contains(key) {
                self.key(key, play_time_ms, now);
                self.run_on(now);
            }
        }
    }

    fn key(&mut self, key: char, play_time_ms: i64, now: Now) {
        if self.state.collecting.is_some() {
            return self.collect_key(key, play_time_ms, now);
        }
        let due = now.tick.plus_ms(INTER_DIGIT_MS);
        if self.state.digits.is_none() && !self.forbids_break(play_time_ms) {
            self.commands.push_back(Command::StopAudio { appid: self.state.appid.clone() });
        }
        let appid = self.state.appid.clone();
        let digits = self.state.digits.get_or_insert_with(|| Digits {
            keys: String::new(),
            appid,
            start: now.wall,
            play_time_ms,
            due,
        });
        digits.due = due;
        let ends = key == '#';
        if !ends || digits.keys.is_empty() {
            digits.keys.push(key);
        }
        let pressed = digits.keys.len();
        if ends || pressed >= self.position(now).longest_dtmf() {
            self.decide_digits(now);
        }
    }

    pub(super) fn decide_digits(&mut self, now: Now) {
        let Some(digits) = self.state.digits.take() else { return };
        let mut explain = Explain::new(self.explain);
        let choice = self.position(now).dtmf(&digits.keys, &mut explain);
        self.tell(explain);
        self.set_own("last_digits", &digits.keys);
        self.state.intent.responded();
        let at = (digits.start, digits.play_time_ms);
        let cause = Cause::digits(self, Some(digits.appid), digits.keys.into(), at);
        match choice {
            Some(choice) => self.answer(cause, choice, now),
            None => self.mismatch(cause, now),
        }
        self.run_on(now);
    }
}
