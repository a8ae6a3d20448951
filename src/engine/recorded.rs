//! Rows read back: what somebody wrote, perhaps without some columns, cut, or by another program.

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};
use smol_str::SmolStr;

use super::row::{InputType, Row};

/// A row of `conversation` as it is found (E90). A column that is missing is empty or 0; times are
/// seconds, `None` if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Recorded {
    /// The row's number within its call; only where the table has our column.
    #[serde(deserialize_with = "number_or_none")]
    pub event_no: Option<i64>,
    /// When the row was made, in seconds of the local calendar.
    #[serde(deserialize_with = "time")]
    pub createtime: Option<i64>,
    /// The call.
    #[serde(deserialize_with = "text")]
    pub callid: SmolStr,
    /// The action the input belongs to.
    #[serde(deserialize_with = "text")]
    pub current_appid: SmolStr,
    /// How many actions were started before this row (E17).
    #[serde(deserialize_with = "number")]
    pub sequence: i64,
    /// The node in force.
    #[serde(deserialize_with = "text")]
    pub current_flowid: SmolStr,
    /// What kind of input, by its published number.
    #[serde(deserialize_with = "number")]
    pub input_type: i64,
    /// The raw input.
    #[serde(deserialize_with = "text")]
    pub input_args: SmolStr,
    /// The answer of the NLP service.
    #[serde(deserialize_with = "text")]
    pub input_nlp_args: SmolStr,
    /// When the caller began, in seconds of the local calendar.
    #[serde(deserialize_with = "time")]
    pub input_start_time: Option<i64>,
    /// How long the caller spoke, ms.
    #[serde(deserialize_with = "number")]
    pub input_duration: i64,
    /// How long the audio had been playing, ms (E91).
    #[serde(deserialize_with = "number")]
    pub input_play_time: i64,
    /// How the answer was found, by its published number.
    #[serde(deserialize_with = "number")]
    pub matching_method: i64,
    /// The pattern that matched.
    #[serde(deserialize_with = "text")]
    pub matching_condition: SmolStr,
    /// The id of the condition.
    #[serde(deserialize_with = "text")]
    pub condition_id: SmolStr,
    /// Its weight.
    #[serde(deserialize_with = "number")]
    pub condition_weight: i64,
    /// The word that matched.
    #[serde(deserialize_with = "text")]
    pub matching_keyword: SmolStr,
    /// What kind of answer, by its published number.
    #[serde(deserialize_with = "number")]
    pub response_type: i64,
    /// The name of what answers.
    #[serde(deserialize_with = "text")]
    pub response_description: SmolStr,
    /// The node or prompt that answers.
    #[serde(deserialize_with = "text")]
    pub response_id: SmolStr,
    /// Its action.
    #[serde(deserialize_with = "text")]
    pub response_action: SmolStr,
    /// The action's argument.
    #[serde(deserialize_with = "text")]
    pub response_args: SmolStr,
    /// What the robot says.
    #[serde(deserialize_with = "text")]
    pub response_text: SmolStr,
    /// How often this answer was given.
    #[serde(deserialize_with = "number")]
    pub repetition: i64,
    /// The intent mark.
    #[serde(deserialize_with = "text")]
    pub potential: SmolStr,
}

impl Recorded {
    /// True if the input is of this kind.
    #[must_use]
    pub fn is(&self, kind: InputType) -> bool {
        self.input_type == kind.number()
    }
}

impl From<&Row> for Recorded {
    fn from(row: &Row) -> Self {
        let seconds = |wall: super::Wall| {
            Some(wall.unix_ms.div_euclid(1_000).saturating_add(wall.offset_s.into()))
        };
        Self {
            event_no: Some(row.event_no.into()),
            createtime: seconds(row.createtime),
            callid: row.callid.clone(),
            current_appid: row.current_appid.clone(),
            sequence: row.sequence.into(),
            current_flowid: row.current_flowid.clone(),
            input_type: row.input_type.number(),
            input_args: row.input_args.clone(),
            input_nlp_args: row.input_nlp_args.clone(),
            input_start_time: seconds(row.input_start_time),
            input_duration: row.input_duration,
            input_play_time: row.input_play_time,
            matching_method: row.matching_method.number(),
            matching_condition: row.matching_condition.clone(),
            condition_id: row.condition_id.clone(),
            condition_weight: row.condition_weight,
            matching_keyword: row.matching_keyword.clone(),
            response_type: row.response_type.number(),
            response_description: row.response_description.clone(),
            response_id: row.response_id.clone(),
            response_action: row.response_action.clone(),
            response_args: row.response_args.clone(),
            response_text: row.response_text.clone(),
            repetition: row.repetition.into(),
            potential: row.potential.clone(),
        }
    }
}

/// `YYYY-MM-DD HH:MM:SS`, also with a `T` or with parts of a second behind, as seconds of a calendar
/// without zones; `None` for anything else.
#[must_use]
pub fn calendar_seconds(text: &str) -> Option<i64> {
    let field = |from: usize, to: usize| -> Option<i64> { text.get(from..to)?.parse().ok() };
    let sign = |at: usize| text.as_bytes().get(at).copied();
    let is_date = sign(4) == Some(b'-') && sign(7) == Some(b'-');
    let is_time = matches!(sign(10), Some(b' ' | b'T')) && sign(13) == Some(b':');
    if !is_date || !is_time || sign(16) != Some(b':') {
        return None;
    }
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; its years begin in March here, so that
/// the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<SmolStr, D::Error> {
    Ok(match from.deserialize_any(Scalar)? {
        Found::Text(text) => text,
        Found::Number(number) => smol_str::format_smolstr!("{number}"),
        Found::Nothing => SmolStr::default(),
    })
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    number_or_none(from).map(Option::unwrap_or_default)
}

fn number_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Scalar)? {
        Found::Number(number) => Some(number),
        Found::Text(text) => text.trim().parse().ok(),
        Found::Nothing => None,
    })
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Scalar)? {
        Found::Text(text) => calendar_seconds(&text),
        Found::Number(_) | Found::Nothing => None,
    })
}

/// A value of a column: whoever wrote the row may have written a number as a text.
enum Found {
    Text(SmolStr),
    Number(i64),
    Nothing,
}

struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Found;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, a whole number or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Found, E> {
        Ok(Found::Text(text.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Found, E> {
        Ok(Found::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Found, E> {
        Ok(Found::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Wall;

    /// E92: what a row shows as its time is read as the same time.
    #[test]
    fn times_are_read_as_they_are_written_e92() {
        for unix_s in [0, 951_782_399, 951_782_400, 1_704_067_200, 4_107_542_399, -86_401] {
            let written = Wall { unix_ms: unix_s * 1_000, offset_s: 0 }.to_local();
            assert_eq!(calendar_seconds(&written), Some(unix_s), "{written}");
        }
        assert_eq!(calendar_seconds("2024-01-01T00:00:00.5"), Some(1_704_067_200));
        for bad in ["", "2024-01-01", "2024-13-01 00:00:00", "yesterday at noon!!"] {
            assert_eq!(calendar_seconds(bad), None, "{bad}");
        }
    }

    /// I3: a message of ours, one without columns, one with numbers as texts.
    #[test]
    fn messages_are_read_with_what_they_have_i3() {
        let line = r#"{"callid":"c","sequence":"3","input_type":0,"input_args":"F有",
            "condition_weight":null,"createtime":"2024-01-01 00:00:00","destination_number":"4"}"#;
        let row: Recorded = serde_json::from_str(line).unwrap();
        assert_eq!((row.callid.as_str(), row.sequence, row.event_no), ("c", 3, None));
        assert_eq!((row.condition_weight, row.createtime), (0, Some(1_704_067_200)));
        assert!(row.is(InputType::Text) && row.response_id.is_empty());
        assert!(serde_json::from_str::<Recorded>(r#"{"callid":["c"]}"#).is_err());
    }
}
