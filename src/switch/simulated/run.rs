//! Plays a rehearsal against a script and finds the first difference.

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::SmolStr;

use super::caller::Act;
use super::player::{Deed, Happened, Moment, Player};
use super::rehearsal::{Rehearsal, Step};
use crate::engine::{Call, Classify, Field, Now, ResponseType, Robot, Row, Tick, Wall};
use crate::script::Script;

/// Times in a rehearsal are right if they are this near, ms: half of the last digit written.
const NEAR_MS: u64 = 50;

/// Virtual time begins here: 2024-01-01 00:00:00 UTC.
pub(crate) const BEGIN: Now =
    Now { tick: Tick(0), wall: Wall { unix_ms: 1_704_067_200_000, offset_s: 0 } };

/// Where a call did not go as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Difference {
    /// The line of the rehearsal, from 1.
    pub line: usize,
    /// What was written and what happened.
    pub message: String,
}

/// Plays a rehearsal.
///
/// # Errors
/// The first difference.
pub fn rehearse(script: &Arc<Script>, rehearsal: &Rehearsal) -> Result<(), Difference> {
    let call = Call {
        callid: "00000000-0000-4000-8000-000000000001".into(),
        variables: rehearsal.variables.clone(),
        event_after_hangup: true,
        explain: false,
    };
    let robot = Robot::new(call, Arc::clone(script), BEGIN);
    let player = Player::new(robot, BEGIN, &rehearsal.from_the_start);
    let mut stage =
        Stage { player, deeds: VecDeque::new(), rows: Vec::new(), classify: None, base_ms: 0 };
    stage.collect();
    let mut last_line = 1;
    for (line, step) in &rehearsal.steps {
        last_line = *line;
        stage.step(step).map_err(|message| Difference { line: *line, message })?;
    }
    stage.nothing_unwritten().map_err(|message| Difference { line: last_line, message })
}

struct Stage {
    player: Player,
    /// What the robot did and the file has not named yet.
    deeds: VecDeque<(u64, Deed)>,
    rows: Vec<Row>,
    classify: Option<Classify>,
    /// When the last pause began or the last act ended, since the call began, ms.
    base_ms: u64,
}

impl Stage {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Act(act) => {
                self.nothing_unwritten()?;
                if self.player.has_ended() {
                    return Err("the call has ended by then".into());
                }
                self.act(act);
                Ok(())
            }
            Step::Expect { at_ms, deed } => {
                if self.deeds.is_empty() {
                    self.catch_up();
                }
                self.expect(*at_ms, deed)
            }
            Step::Row { of, holds } => self.holds(of, holds).or_else(|_| {
                self.catch_up();
                self.holds(of, holds)
            }),
        }
    }

    /// What follows a pause happens during it; what follows an act happens after it.
    fn act(&mut self, act: &Act) {
        match act {
            // A timer that is due when the pause ends waits for the next line: it goes off if that
            // line tells of it, and the caller is first if that line is the caller's.
            Act::Waits(for_ms) => {
                self.base_ms = self.player.elapsed_ms();
                self.player.pass(*for_ms);
            }
            _ => {
                self.player.act(act);
                self.base_ms = self.player.elapsed_ms();
            }
        }
        self.collect();
    }

    fn catch_up(&mut self) {
        self.player.catch_up();
        self.collect();
    }

    fn holds(&self, of: &str, holds: &[(SmolStr, SmolStr)]) -> Result<(), String> {
        if of == "classify" { self.classify_holds(holds) } else { self.row_holds(of, holds) }
    }

    fn collect(&mut self) {
        while let Some(Moment { at_ms, what }) = self.player.next_moment() {
            match what {
                Happened::Robot(deed) => self.deeds.push_back((at_ms, deed)),
                Happened::Row(row) => self.rows.push(*row),
                Happened::Classify(row) => self.classify = Some(*row),
                Happened::Caller(_) | Happened::Explain(_) | Happened::Warn(_) => {}
            }
        }
    }

    fn nothing_unwritten(&self) -> Result<(), String> {
        match self.deeds.front() {
            Some(deed) => Err(format!("the robot does what is not written: {}", self.tell(deed))),
            None => Ok(()),
        }
    }

    fn expect(&mut self, at_ms: Option<u64>, written: &[SmolStr]) -> Result<(), String> {
        let Some(done) = self.deeds.pop_front() else {
            return Err(format!("the robot does nothing; written is: {}", written.join(" ")));
        };
        let told = self.tell(&done);
        let (when_ms, deed) = &done;
        if !is_as_written(deed, written) {
            return Err(format!("the robot does: {told}; written is: {}", written.join(" ")));
        }
        let since_ms = when_ms.saturating_sub(self.base_ms);
        match at_ms {
            Some(at_ms) if since_ms.abs_diff(at_ms) > NEAR_MS => {
                Err(format!("the robot does it at another time: {told}"))
            }
            _ => Ok(()),
        }
    }

    fn row_holds(&self, of: &str, holds: &[(SmolStr, SmolStr)]) -> Result<(), String> {
        let is_meant = |row: &&Row| of == "row" || row.response_id == of;
        let Some(row) = self.rows.iter().rev().find(is_meant) else {
            return Err(format!("no row answers with {of}"));
        };
        let mut fields: Vec<(&str, Field<'_>)> = row.fields().into();
        fields.push(("label", Field::Text(self.player.conversation().decider().label())));
        hold(&fields, &ROW_NAMES, holds)
    }

    fn classify_holds(&self, holds: &[(SmolStr, SmolStr)]) -> Result<(), String> {
        let row =
            self.classify.as_ref().ok_or("the call has not ended, so nothing is classified")?;
        hold(&row.fields(), &CLASSIFY_NAMES, holds)
    }

    fn tell(&self, (at_ms, deed): &(u64, Deed)) -> String {
        let tenths = at_ms.saturating_sub(self.base_ms).div_euclid(100);
        format!("{}.{}s {}", tenths / 10, tenths % 10, told(deed))
    }
}

/// Short names of columns.
const ROW_NAMES: [(&str, &str); 15] = [
    ("method", "matching_method"),
    ("keyword", "matching_keyword"),
    ("condition", "matching_condition"),
    ("id", "condition_id"),
    ("weight", "condition_weight"),
    ("type", "response_type"),
    ("description", "response_description"),
    ("action", "response_action"),
    ("text", "response_text"),
    ("input", "input_type"),
    ("args", "input_args"),
    ("duration", "input_duration"),
    ("play_time", "input_play_time"),
    ("flow", "current_flowid"),
    ("nlp", "input_nlp_args"),
];

const CLASSIFY_NAMES: [(&str, &str); 9] = [
    ("positive", "positive_respond_count"),
    ("passive", "passive_respond_count"),
    ("intentional", "intentional_count"),
    ("unintentional", "unintentional_count"),
    ("respond", "respond_count"),
    ("kb", "trigger_kb"),
    ("global", "trigger_global_flow"),
    ("robot_hung_up", "proactively_hangup"),
    ("label", "label_result"),
];

fn hold(
    fields: &[(&str, Field<'_>)],
    short: &[(&str, &str)],
    holds: &[(SmolStr, SmolStr)],
) -> Result<(), String> {
    for (name, wanted) in holds {
        let column =
            short.iter().find(|(short, _)| short == name).map_or(name.as_str(), |pair| pair.1);
        let Some((_, field)) = fields.iter().find(|(field, _)| *field == column) else {
            return Err(format!("there is no column {name}"));
        };
        let found = match field {
            Field::Text(text) => (*text).to_owned(),
            Field::Int(number) => number.to_string(),
            Field::Time(wall) => wall.to_local().to_string(),
        };
        if found != wanted.as_str() {
            return Err(format!("{name} is \"{found}\"; written is \"{wanted}\""));
        }
    }
    Ok(())
}

/// The word for an answer that is not the way on.
fn kind_word(kind: ResponseType) -> Option<&'static str> {
    match kind {
        ResponseType::Mismatch => Some("mismatch"),
        ResponseType::Timeout => Some("timeout"),
        _ => None,
    }
}

fn is_as_written(deed: &Deed, written: &[SmolStr]) -> bool {
    let words: Vec<&str> = written.iter().map(SmolStr::as_str).collect();
    match (deed, &words[..]) {
        (Deed::Play { id, kind, text }, ["play", wanted, rest @ ..]) => {
            let kind = kind_word(*kind);
            let (said, words): (Vec<&str>, Vec<&str>) =
                rest.iter().partition(|word| !["mismatch", "timeout"].contains(*word));
            id == wanted
                && words.first().copied() == kind
                && said.iter().all(|said| text.contains(said))
        }
        (Deed::Resume, ["resume"]) | (Deed::Stop, ["stop"]) | (Deed::Hangup, ["hangup"]) => true,
        (Deed::Asks { kind, url }, ["asks", wanted, rest @ ..]) => {
            kind.as_str() == *wanted && rest.first().is_none_or(|wanted| url == wanted)
        }
        (Deed::Tells(url), ["tells", wanted]) => url == wanted,
        (Deed::Transfer(extension), ["transfer", wanted]) => extension == wanted,
        (Deed::Application { app, argument }, ["application", name, rest @ ..]) => {
            app == name && rest.first().is_none_or(|wanted| argument == wanted)
        }
        _ => false,
    }
}

fn told(deed: &Deed) -> String {
    match deed {
        Deed::Play { id, kind, text } => {
            let kind = kind_word(*kind).map(|word| format!(" {word}")).unwrap_or_default();
            format!("play {id}{kind} \"{text}\"")
        }
        Deed::Resume => "resume".into(),
        Deed::Stop => "stop".into(),
        Deed::Application { app, argument } => format!("application {app} \"{argument}\""),
        Deed::Asks { kind, url } => format!("asks {} \"{url}\"", kind.as_str()),
        Deed::Tells(url) => format!("tells \"{url}\""),
        Deed::Transfer(extension) => format!("transfer {extension}"),
        Deed::Hangup => "hangup".into(),
    }
}
