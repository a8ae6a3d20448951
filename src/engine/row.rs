//! What is written down: the rows of `conversation` and `classify` (E90, E81).

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::time::Wall;

/// Gives an enum its published number and back.
macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $number:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_meta])* $variant = $number),+ }

        impl $name {
            /// The number in the column.
            #[must_use]
            pub fn number(self) -> i64 { self as i64 }

            /// The variant of a number in the column; `None` for a number that is not published.
            #[must_use]
            pub fn of_number(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

numbered! {
    /// Column `input_type`.
    InputType {
        /// The caller said something.
        Text = 0,
        /// The caller pressed keys.
        Dtmf = 1,
        /// The action ended.
        Complete = 2,
        /// The call began.
        Create = 10,
        /// The call ended. The matched system spells it DESTORY.
        Destroy = 11,
        /// A jump that no input caused.
        Flowid = 20,
        /// Something in the script or around it failed.
        Error = 30,
        /// A notification went out.
        Notify = 40,
    }
}

numbered! {
    /// Column `matching_method`.
    Method {
        /// Nothing matched.
        Mismatch = 0,
        /// The first row of a call.
        Boot = 1,
        /// A keyword that is a regular expression.
        Regex = 2,
        /// A keyword that is contained literally.
        Full = 3,
        /// The keyword `any`.
        Any = 4,
        /// A jump.
        Flowid = 5,
        /// A language model's choice.
        LargeModel = 6,
    }
}

numbered! {
    /// Column `response_type`.
    ResponseType {
        /// No answer.
        None = 0,
        /// A node by an own edge.
        Flow = 1,
        /// A prompt of the knowledge base.
        Kb = 2,
        /// The mismatch prompt.
        Mismatch = 3,
        /// A jump to another node.
        SwitchFlow = 4,
        /// The no-input prompt.
        Timeout = 5,
        /// A global node.
        GlobalFlow = 6,
        /// An edge of a source node.
        BrotherFlow = 7,
        /// Dropped as noise.
        NoiseRule = 8,
        /// Said while interruption was forbidden.
        DisableBreak = 9,
        /// The engine hung up, for want of a way on.
        Hangup = 10,
        /// A language model's answer.
        LargeModel = 11,
    }
}

/// One row of `conversation`: an input and its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The row's number within its call, from 0; orders the rows and makes `event_id`.
    pub event_no: u32,
    /// When the row was made.
    pub createtime: Wall,
    /// The call.
    pub callid: SmolStr,
    /// The action the input belongs to; empty for CREATE.
    pub current_appid: SmolStr,
    /// How many actions were started before this row (E17).
    pub sequence: u32,
    /// The node in force when the input came.
    pub current_flowid: SmolStr,
    /// What kind of input.
    pub input_type: InputType,
    /// The raw input: text with its prefix letters, digits, COMPLETE's argument.
    pub input_args: SmolStr,
    /// The answer of the NLP service, as it came.
    pub input_nlp_args: SmolStr,
    /// When the caller began to speak; for other inputs when they came.
    pub input_start_time: Wall,
    /// How long the caller spoke, ms.
    pub input_duration: i64,
    /// How long the audio had been playing, ms (E91).
    pub input_play_time: i64,
    /// How the answer was found.
    pub matching_method: Method,
    /// The pattern as the script has it, if a pattern matched.
    pub matching_condition: SmolStr,
    /// The id of the condition that matched.
    pub condition_id: SmolStr,
    /// Its weight.
    pub condition_weight: i64,
    /// The word that matched (E43).
    pub matching_keyword: SmolStr,
    /// What kind of answer.
    pub response_type: ResponseType,
    /// The node's `description` or the prompt's `name`.
    pub response_description: SmolStr,
    /// The node or prompt that answers.
    pub response_id: SmolStr,
    /// Its action.
    pub response_action: SmolStr,
    /// The action's argument, variables expanded.
    pub response_args: SmolStr,
    /// What the robot says.
    pub response_text: SmolStr,
    /// How often this answer was given, this time included (E60 to E62).
    pub repetition: u32,
    /// The intent mark of what answered, as written (E80).
    pub potential: SmolStr,
    /// The recording this input is in.
    pub record: SmolStr,
    /// What the caller heard of the action this input ended, ms (T10); our own column.
    pub heard_ms: Option<i64>,
    /// The same in words; our own column.
    pub heard_text: Option<SmolStr>,
    /// What was tried before this answer, in one line, if somebody wants it; our own column.
    pub why: Option<SmolStr>,
}

/// One value of a row, as the sinks need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// A text column.
    Text(&'a str),
    /// A number column.
    Int(i64),
    /// A time column.
    Time(Wall),
}

impl Field<'_> {
    /// The value as JSON; times as local `YYYY-MM-DD HH:MM:SS`.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Int(number) => number.into(),
            Self::Time(wall) => wall.to_local().as_str().into(),
        }
    }
}

impl Row {
    /// The id that makes re-sending idempotent: the call id and the row's number (I6).
    #[must_use]
    pub fn event_id(&self) -> String {
        format!("{}-{}", self.callid, self.event_no)
    }

    /// The published columns in their published order (E90).
    #[must_use]
    pub fn fields(&self) -> [(&'static str, Field<'_>); 25] {
        use Field::{Int, Text, Time};
        [
            ("createtime", Time(self.createtime)),
            ("callid", Text(&self.callid)),
            ("current_appid", Text(&self.current_appid)),
            ("sequence", Int(self.sequence.into())),
            ("current_flowid", Text(&self.current_flowid)),
            ("input_type", Int(self.input_type.number())),
            ("input_args", Text(&self.input_args)),
            ("input_nlp_args", Text(&self.input_nlp_args)),
            ("input_start_time", Time(self.input_start_time)),
            ("input_duration", Int(self.input_duration)),
            ("input_play_time", Int(self.input_play_time)),
            ("matching_method", Int(self.matching_method.number())),
            ("matching_condition", Text(&self.matching_condition)),
            ("condition_id", Text(&self.condition_id)),
            ("condition_weight", Int(self.condition_weight)),
            ("matching_keyword", Text(&self.matching_keyword)),
            ("response_type", Int(self.response_type.number())),
            ("response_description", Text(&self.response_description)),
            ("response_id", Text(&self.response_id)),
            ("response_action", Text(&self.response_action)),
            ("response_args", Text(&self.response_args)),
            ("response_text", Text(&self.response_text)),
            ("repetition", Int(self.repetition.into())),
            ("potential", Text(&self.potential)),
            ("record", Text(&self.record)),
        ]
    }

    /// The row as a JSON object: all published columns, always, in their order (I3).
    #[must_use]
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        object(&self.fields())
    }
}

/// The row of `classify`: one per call, written last (E81).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classify {
    /// The call.
    pub callid: SmolStr,
    /// From start to end, s, rounded down.
    pub talk_time: i64,
    /// Finished sentences and digits that reached matching.
    pub respond_count: i64,
    /// Sum of the hit weights above zero.
    pub positive_respond_count: i64,
    /// Sum of the hit weights below zero, as a positive number.
    pub passive_respond_count: i64,
    /// Sum of the numeric intent marks above zero.
    pub intentional_count: i64,
    /// Sum of the numeric intent marks below zero, as a positive number.
    pub unintentional_count: i64,
    /// Answers from the knowledge base.
    pub trigger_kb: i64,
    /// Answers by global nodes.
    pub trigger_global_flow: i64,
    /// 1 if the robot hung up.
    pub proactively_hangup: i64,
    /// The call's label.
    pub label_result: SmolStr,
    /// What set it: a node, a prompt or a rule.
    pub label_hit_id: SmolStr,
    /// 1 node, 2 prompt, 3 rule, 0 none.
    pub label_hit_type: i64,
    /// A remark; our own column, left out where the table has none.
    pub comment: SmolStr,
    /// What the call took and used, as JSON, where its audio came to us; a column of our own too (I27).
    #[serde(default)]
    pub ledger: Option<SmolStr>,
}

impl Classify {
    /// The published columns in their published order.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, Field<'_>); 13] {
        use Field::{Int, Text};
        [
            ("callid", Text(&self.callid)),
            ("talk_time", Int(self.talk_time)),
            ("respond_count", Int(self.respond_count)),
            ("positive_respond_count", Int(self.positive_respond_count)),
            ("passive_respond_count", Int(self.passive_respond_count)),
            ("intentional_count", Int(self.intentional_count)),
            ("unintentional_count", Int(self.unintentional_count)),
            ("trigger_kb", Int(self.trigger_kb)),
            ("trigger_global_flow", Int(self.trigger_global_flow)),
            ("proactively_hangup", Int(self.proactively_hangup)),
            ("label_result", Text(&self.label_result)),
            ("label_hit_id", Text(&self.label_hit_id)),
            ("label_hit_type", Int(self.label_hit_type)),
        ]
    }

    /// The row as a JSON object, published columns only.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        object(&self.fields())
    }
}

fn object(fields: &[(&'static str, Field<'_>)]) -> serde_json::Map<String, serde_json::Value> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect()
}
