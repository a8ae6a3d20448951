//! Rows as calls write them, made up.

use serde_json::{Map, Value, json};
use std::sync::Arc;

use telephonist::engine::{Classify, InputType, Method, ResponseType, Row, Wall};

/// 2024-01-01 08:00:00 in a zone eight hours east of UTC.
pub(crate) const MORNING: Wall = Wall { unix_ms: 1_704_067_200_000, offset_s: 8 * 3600 };

/// The sentence `event_no` of a call, every column filled.
pub(crate) fn sentence(callid: &str, event_no: u32) -> Row {
    Row {
        event_no,
        createtime: MORNING,
        callid: callid.into(),
        current_appid: format!("{callid}/{event_no}").into(),
        sequence: event_no,
        current_flowid: "F1".into(),
        input_type: InputType::Text,
        input_args: "F有的。".into(),
        input_nlp_args: "nlp".into(),
        input_start_time: MORNING.minus_ms(1_500),
        input_duration: 1_400,
        input_play_time: -300,
        matching_method: Method::Regex,
        matching_condition: "有|是".into(),
        condition_id: "c1".into(),
        condition_weight: -2,
        matching_keyword: "有".into(),
        response_type: ResponseType::Flow,
        response_description: "продолжение".into(),
        response_id: "F4".into(),
        response_action: "cti_play_and_detect_speech".into(),
        response_args: "'1' '2'".into(),
        response_text: "请稍等 O'Brien; DROP TABLE conversation; -- \\".into(),
        repetition: 1,
        potential: "+1".into(),
        record: "2024/a.wav".into(),
        heard_ms: Some(1_250),
        heard_text: Some("请稍".into()),
        why: Some("noise rules; any: F4".into()),
    }
}

/// The row that ends a call.
pub(crate) fn destroy(callid: &str, event_no: u32) -> Row {
    Row {
        input_type: InputType::Destroy,
        input_args: "recv_bye".into(),
        ..sentence(callid, event_no)
    }
}

/// A call's row of `classify`.
pub(crate) fn classify(callid: &str) -> Classify {
    Classify {
        callid: callid.into(),
        talk_time: 61,
        respond_count: 5,
        positive_respond_count: 4,
        passive_respond_count: 3,
        intentional_count: 2,
        unintentional_count: 1,
        trigger_kb: 6,
        trigger_global_flow: 7,
        proactively_hangup: 1,
        label_result: "A".into(),
        label_hit_id: "F4".into(),
        label_hit_type: 1,
        comment: "перезвонить".into(),
        ledger: Some("{\"asr_requests\":1}".into()),
    }
}

/// A call's `notify_fields`; one of them has the name of a column.
pub(crate) fn notify() -> Arc<Map<String, Value>> {
    let fields = json!({"destination_number": "4000", "callid": "forged"});
    Arc::new(fields.as_object().unwrap().clone())
}
