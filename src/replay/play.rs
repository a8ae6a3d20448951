//! A recording and a robot side by side, row by row.

use std::collections::HashSet;
use std::sync::Arc;

use smol_str::SmolStr;

use super::compare::{INPUT, Kinds, UNKNOWN, compare};
use super::feed::Feed;
use super::names;
use super::recording::Recording;
use super::verdict::{Answer, Sureness, Turn, Unknown, Verdict};
use crate::engine::{InputType, Recorded, Robot};
use crate::script::{NodeAction, Script};

/// The new version of a script, ready for recorded calls. Calls share it.
#[derive(Debug)]
pub struct Replay {
    pub(super) script: Arc<Script>,
    pub(super) event_after_hangup: bool,
    pub(super) variables: Vec<(SmolStr, SmolStr)>,
    pub(super) web_answer: String,
    /// Prompts whose end makes the call jump (E66).
    pub(super) jumping: HashSet<SmolStr>,
    /// Variables that branches compare.
    pub(super) branch_fields: Vec<SmolStr>,
    /// When global nodes stop being matched, ms: rows tell the time to the second.
    time_limits_ms: Vec<u64>,
    /// A label rule asks how long the call was: rows tell that to the second.
    labels_by_time: bool,
}

/// How far the time of a row may be from the time of its input, ms: rows have seconds.
const ROW_TIME_MS: u64 = 1_000;

impl Replay {
    /// Holds calls with this script. `event_after_hangup` is `robot.event_after_hangup` of the
    /// configuration the calls were recorded with (E76).
    #[must_use]
    pub fn new(script: Arc<Script>, event_after_hangup: bool) -> Self {
        let jumps = script.prompts.iter().filter(|prompt| prompt.switchflow.is_some());
        let limits = script.nodes.iter().filter_map(|node| node.global.as_ref()?.time_limit_ms);
        let mut tests = script.rules.iter().flat_map(|rule| rule.all.iter().chain(&rule.any));
        let labels_by_time = tests.any(|test| test.field == "talk_time");
        Self {
            event_after_hangup,
            variables: names::variables(&script),
            web_answer: names::web_answer(&script),
            branch_fields: names::branch_fields(&script),
            jumping: jumps.map(|prompt| prompt.id.clone()).collect(),
            time_limits_ms: limits.collect(),
            labels_by_time,
            script,
        }
    }

    /// The script.
    #[must_use]
    pub fn script(&self) -> &Arc<Script> {
        &self.script
    }

    /// Holds one recorded call.
    #[must_use]
    pub fn call(&self, recording: &Recording) -> Verdict {
        self.watch(recording, |_, _| {})
    }

    /// The same; `seen` is given each recorded row and the new script's that is beside it, as long as
    /// both are surely about the same input.
    pub fn watch(&self, recording: &Recording, mut seen: impl FnMut(usize, &Recorded)) -> Verdict {
        let mut verdict = Verdict::of(recording);
        let unknown = |row, why: &str| Some(Unknown { row, why: why.to_owned() });
        if recording.is_external() {
            verdict.unknown = unknown(0, "a service decided this call, no script did");
            return verdict;
        }
        let Some(first) = recording.rows.first().filter(|row| row.is(InputType::Create)) else {
            let fault = super::Fault::NoBeginning.to_string();
            verdict.unknown = unknown(0, &fault);
            return verdict;
        };
        let mut walk = Walk {
            feed: Feed::new(self, recording, first),
            replay: self,
            verdict,
            news: Vec::with_capacity(recording.rows.len()),
            assumes: None,
        };
        walk.run(&mut seen);
        walk.finish(recording)
    }

    /// The variables that branches compare and whose values nobody knows now.
    pub(super) fn unknown_fields(&self, robot: &Robot) -> Vec<SmolStr> {
        let fields = self.branch_fields.iter();
        fields.filter(|field| names::is_unknown(field, robot)).cloned().collect()
    }

    /// What keeps a difference of these rows from being sure, if anything does.
    fn doubt(&self, old: &Recorded, new: &Recorded, feed: &Feed<'_>) -> Option<&'static str> {
        let elapsed = feed.elapsed_ms();
        let near = |limit: &u64| limit.abs_diff(elapsed) <= ROW_TIME_MS;
        let node = self.script.node_id(&new.current_flowid).map(|id| self.script.node(id));
        let branches = node.filter(|node| node.action == NodeAction::Branch);
        if feed.doubt().is_some() {
            return feed.doubt();
        }
        if InputType::of_number(old.input_type).is_none() {
            return Some("the kind of input is none that is known");
        }
        if branches.is_some_and(|node| feed.is_unknown_branch(node)) {
            return Some("the branch asks for a variable that rows don't tell");
        }
        if [&new.input_args, &new.response_args, &new.matching_condition]
            .iter()
            .any(|text| text.contains(UNKNOWN))
        {
            return Some("it depends on a variable that rows don't tell");
        }
        if old.input_args.chars().nth(INPUT - 1).is_some() {
            return Some("the end of what was said is cut off in the row");
        }
        if self.time_limits_ms.iter().any(near) {
            return Some("a global node's time limit is too close to tell");
        }
        let is_end = old.is(InputType::Destroy) && self.labels_by_time;
        is_end.then_some("a label rule asks for talk_time, and rows tell it to the second")
    }
}

struct Walk<'a> {
    feed: Feed<'a>,
    replay: &'a Replay,
    verdict: Verdict,
    /// The new script's rows, as far as they were compared, and how they differ.
    news: Vec<(Option<Recorded>, Kinds)>,
    /// The row from which on the caller is assumed to have said the same to other words.
    assumes: Option<usize>,
}

/// Whether the walk goes on.
#[derive(PartialEq, Eq)]
enum Step {
    On,
    Stop,
}

impl Walk<'_> {
    fn run(&mut self, seen: &mut impl FnMut(usize, &Recorded)) {
        let rows = self.feed.rows();
        for (at, old) in rows.iter().enumerate() {
            self.feed.reach(at);
            while self.feed.next_is_new_notice(old) {
                if self.feed.doubt().is_none() {
                    self.count(at, Kinds::NO_ROW);
                }
                self.feed.take();
            }
            let step = match self.feed.take() {
                Some(new) => {
                    let kinds = compare(old, &new);
                    if self.assumes.is_none() && !kinds.any_of(Kinds::NO_ROW) {
                        seen(at, &new);
                    }
                    self.row(at, old, new, kinds)
                }
                None => self.no_row(at, old),
            };
            if step == Step::Stop {
                return;
            }
            self.verdict.compared = at + 1;
        }
    }

    fn row(&mut self, at: usize, old: &Recorded, new: Recorded, kinds: Kinds) -> Step {
        if kinds.is_empty() {
            self.note_end(&new);
            self.news.push((Some(new), kinds));
            self.feed.settled();
            return Step::On;
        }
        let doubt = self.replay.doubt(old, &new, &self.feed).filter(|_| kinds.is_change());
        if let Some(why) = doubt {
            self.verdict.unknown = Some(Unknown { row: at, why: why.to_owned() });
            return Step::Stop;
        }
        if !kinds.is_change() && !self.verdict.kinds.is_change() {
            self.feed.drifts();
        }
        self.count(at, kinds);
        self.note_end(&new);
        let is_last = new.is(InputType::Destroy);
        let same_action = old.response_action == new.response_action;
        let heard = Kinds::WORDS.and(Kinds::ARGUMENT);
        let says_same = same_action && !kinds.any_of(heard);
        let answers_same = !kinds.any_of(Kinds::ANSWER);
        let lost = kinds.any_of(Kinds::NO_ROW);
        self.news.push((Some(new), kinds));
        self.feed.settled();
        if is_last || (says_same && !lost) {
            return Step::On;
        }
        if answers_same && !lost {
            self.assumes = self.assumes.or(Some(at));
            return Step::On;
        }
        self.part(at);
        Step::Stop
    }

    /// The new script has no row for this input.
    fn no_row(&mut self, at: usize, old: &Recorded) -> Step {
        if let Some(why) = self.feed.doubt() {
            self.verdict.unknown = Some(Unknown { row: at, why: why.to_owned() });
            return Step::Stop;
        }
        let kind = if old.is(InputType::Destroy) { Kinds::END } else { Kinds::NO_ROW };
        self.count(at, kind);
        self.news.push((None, kind));
        if old.is(InputType::Notify) {
            return Step::On;
        }
        self.part(at);
        Step::Stop
    }

    fn count(&mut self, at: usize, kinds: Kinds) {
        if self.assumes.is_some() {
            self.verdict.later = self.verdict.later.and(kinds);
            return;
        }
        self.verdict.kinds = self.verdict.kinds.and(kinds);
        if kinds.is_change() {
            self.verdict.first.get_or_insert(at);
        }
    }

    /// The robot says something else. If that is how it leaves the call, the end is known.
    fn part(&mut self, at: usize) {
        self.verdict.diverged = Some(at);
        let Some(end) = self.feed.leave() else { return };
        let Some(last) = self.feed.rows().last().filter(|row| row.is(InputType::Destroy)) else {
            return;
        };
        let kinds = Kinds::default()
            .and(if last.input_args == end.input_args { Kinds::default() } else { Kinds::END })
            .and(if last.potential == end.potential { Kinds::default() } else { Kinds::LABEL });
        self.count(at, kinds);
        self.note_end(&end);
    }

    fn note_end(&mut self, new: &Recorded) {
        if new.is(InputType::Destroy) {
            self.verdict.label[1] = Some(new.potential.clone());
            self.verdict.end[1] = Some(new.input_args.clone());
        }
    }

    fn finish(self, recording: &Recording) -> Verdict {
        let Self { mut verdict, news, assumes, .. } = self;
        let is_open = verdict.diverged.is_none() && verdict.unknown.is_none();
        if let Some(fault) = recording.fault.filter(|_| is_open) {
            let row = recording.rows.len();
            verdict.unknown = Some(Unknown { row, why: fault.to_string() });
        }
        if verdict.kinds.is_change() || verdict.unknown.is_some() {
            verdict.turns = turns(recording, &news, assumes);
        }
        verdict
    }
}

fn turns(
    recording: &Recording,
    news: &[(Option<Recorded>, Kinds)],
    assumes: Option<usize>,
) -> Vec<Turn> {
    let began = recording.began().unwrap_or_default();
    let turn = |(at, old): (usize, &Recorded)| {
        let new = news.get(at);
        let sureness = match (new, assumes) {
            (None, _) => Sureness::Unknown,
            (Some(_), Some(from)) if at > from => Sureness::OtherWords,
            (Some(_), _) => Sureness::Sure,
        };
        Turn {
            at_s: old.createtime.map_or(0, |time| time - began),
            input_type: old.input_type,
            input: old.input_args.clone(),
            node: old.current_flowid.clone(),
            old: Answer::from(old),
            new: new.and_then(|(row, _)| row.as_ref()).map(Answer::from),
            kinds: new.map(|(_, kinds)| *kinds).unwrap_or_default(),
            sureness,
        }
    };
    recording.rows.iter().enumerate().map(turn).collect()
}
