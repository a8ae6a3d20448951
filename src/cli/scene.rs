//! A conversation on a terminal: who says what, what matched and why.

use std::fmt::Write as _;

use crate::engine::{Classify, InputType, Method, ResponseType, Row};
use crate::switch::simulated::{Act, Deed, Happened, Moment};

/// Renders moments as lines of text, with colours if the reader can see them.
pub(super) struct Scene {
    colours: bool,
}

const ROBOT: &str = "36";
const CALLER: &str = "33";
const FAINT: &str = "2";
const WARNING: &str = "31";

impl Scene {
    pub(super) fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// The lines a moment is told with; empty if there is nothing to tell.
    pub(super) fn tell(&self, moment: &Moment) -> String {
        let at = format!("{:>6.1}s ", seconds(moment.at_ms));
        let blank = " ".repeat(at.len());
        match &moment.what {
            Happened::Caller(act) => self.act(&at, act),
            Happened::Robot(deed) => self.deed(&at, deed),
            Happened::Row(row) => self.row(&blank, row),
            Happened::Classify(row) => self.classify(row),
            Happened::Explain(lines) => {
                let shown: String =
                    lines.iter().map(|line| format!("{blank}  ? {line}\n")).collect();
                self.paint(FAINT, &shown)
            }
            Happened::Warn(warning) => self.paint(WARNING, &format!("{blank}! {warning}\n")),
        }
    }

    fn act(&self, at: &str, act: &Act) -> String {
        let told = match act {
            Act::Says { text, .. } => format!("“{text}”"),
            Act::Partial(text) => format!("“{text} …"),
            Act::Noise(ms) => format!("(a noise, {:.1} s)", seconds(*ms)),
            Act::Digits(keys) => format!("presses {keys}"),
            Act::Waits(ms) => format!("(says nothing for {:.1} s)", seconds(*ms)),
            Act::Answers(answer) => format!("(the service answers {})", answer.body),
            Act::ServiceFails(error) => format!("(the service fails: {error})"),
            Act::HangsUp => "hangs up".into(),
            Act::Broken => "(the action is broken from outside)".into(),
            Act::RecognitionFails(error) => format!("(the recogniser fails: {error})"),
            Act::AudioLasts(_) | Act::AudioFails | Act::TransferFails => return String::new(),
        };
        format!("{at}{} {told}\n", self.paint(CALLER, "caller"))
    }

    fn deed(&self, at: &str, deed: &Deed) -> String {
        let told = match deed {
            Deed::Play { text, .. } if text.is_empty() => return String::new(),
            Deed::Play { text, .. } => text.to_string(),
            Deed::Resume => "(goes on where it was cut)".into(),
            Deed::Stop => "(falls silent)".into(),
            Deed::Application { app, argument } => format!("({app} {argument})"),
            Deed::Asks { url, .. } => format!("(asks {url})"),
            Deed::Tells(url) => format!("(tells {url})"),
            Deed::Transfer(extension) => format!("transfers the call to {extension}"),
            Deed::Hangup => "hangs up".into(),
        };
        format!("{at}{}  {told}\n", self.paint(ROBOT, "robot"))
    }

    /// What was matched, and what it leads to.
    fn row(&self, blank: &str, row: &Row) -> String {
        let by = match row.matching_method {
            Method::Full => format!("“{}”", row.matching_keyword),
            Method::Regex => format!("/{}/ on “{}”", row.matching_condition, row.matching_keyword),
            Method::Any => "any".into(),
            Method::Boot => "begin".into(),
            Method::Flowid => "jump".into(),
            Method::LargeModel => "model".into(),
            Method::Mismatch => match row.input_type {
                InputType::Error => format!("error: {}", row.response_description),
                InputType::Destroy => format!("end: {}", row.input_args),
                _ => String::new(),
            },
        };
        let mut told = format!("{blank}{} ", row.current_flowid);
        if row.input_type == InputType::Complete {
            write!(told, "{} ", row.input_args).expect("writing to memory can't fail");
        }
        let edge = if row.condition_id.is_empty() {
            String::new()
        } else {
            format!(" [{} {:+}]", row.condition_id, row.condition_weight)
        };
        let target = if row.response_id.is_empty() {
            String::new()
        } else {
            format!(" {} {}", row.response_id, row.response_description)
        };
        let count =
            if row.repetition > 1 { format!(" ×{}", row.repetition) } else { String::new() };
        let label = if row.potential.is_empty() {
            String::new()
        } else {
            format!(" ⟨{}⟩", row.potential)
        };
        let answer = answer_word(row.response_type);
        if row.input_type == InputType::Destroy {
            return self.paint(FAINT, &format!("{told}{by}{label}\n"));
        }
        let why = format!("{by}{edge}");
        if !why.is_empty() {
            told.push_str(&why);
            told.push(' ');
        }
        let answer = format!("{answer}{target}");
        writeln!(told, "→ {}{count}{label}", answer.trim()).expect("writing to memory can't fail");
        self.paint(FAINT, &told)
    }

    fn classify(&self, row: &Classify) -> String {
        let counted: Vec<String> = row
            .to_json()
            .into_iter()
            .skip(1)
            .filter(|(_, value)| *value != 0 && *value != "")
            .map(|(name, value)| format!("{name} {}", value.to_string().trim_matches('"')))
            .collect();
        self.paint(FAINT, &format!("\n         {}\n", counted.join(" · ")))
    }

    pub(super) fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn answer_word(kind: ResponseType) -> &'static str {
    match kind {
        ResponseType::None => "no answer",
        ResponseType::Flow | ResponseType::SwitchFlow => "",
        ResponseType::Kb => "knowledge",
        ResponseType::Mismatch => "mismatch",
        ResponseType::Timeout => "no input",
        ResponseType::GlobalFlow => "global",
        ResponseType::BrotherFlow => "source",
        ResponseType::NoiseRule => "noise",
        ResponseType::DisableBreak => "not to be interrupted",
        ResponseType::Hangup => "hang up",
        ResponseType::LargeModel => "model",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a call is far shorter than 2^52 ms")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
