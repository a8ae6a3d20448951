//! The NLP service (E50 step 3, I10), and what waits with its answer (E50).

use serde_json::json;
use telephonist::engine::{AskKind, Call, EndReason, Input, RequestId, Timer, WebAnswer};

use crate::conversation::{Conversation, load};
use crate::play::{CALLID, call_to, incoming};

const NLP: &str = r#"{ "version": 3,
    "global": { "nlpurl": "http://127.0.0.1:9/nlp" },
    "synonym": { "yes": ["好", "行"] },
    "flow": {
        "F1": { "nlpid": "n7", "kb": "k", "globalflow": "G", "mismatchplaybacks": ["什么"], "subflow": {
            "F2": { "id": "c2", "weight": 1, "condition": { "text": ["有", "{yes}", "any"] } },
            "F3": { "priority": -1, "condition": { "text": ["不?要", "нет"], "dtmf": ["1"] } },
            "F4": { "condition": { "complete": ["timeout"] } } } },
        "F2": { "playbacks": ["多少"] }, "F3": { "playbacks": ["再见"] }, "F4": {},
        "G": { "action": "return", "global": true, "condition": { "text": ["听不清"] } } },
    "kb": { "k": { "prompts": ["P1"] } },
    "prompt": { "P1": { "keyworks": ["公司", "who are you"], "playbacks": ["我们"], "repetition": 1 } } }"#;

fn asked() -> Conversation {
    let mut call = call_to(NLP);
    call.say("F嗯,可以吧。");
    call
}

/// I10: what is sent: keywords by rank, joined and then percent-encoded; the text with its letter.
#[test]
fn the_request_names_keywords_and_text_i10() {
    let call = asked();
    assert!(call.rows.is_empty(), "nothing is decided yet");
    let ask = call.asked();
    assert_eq!((ask.id, ask.kind), (RequestId(1), AskKind::Nlp));
    assert_eq!((ask.request.method.as_str(), ask.request.timeout_ms), ("POST", 1_500));
    assert_eq!(ask.request.url, "http://127.0.0.1:9/nlp");
    let flow = "%E4%B8%8D%3F%E8%A6%81%7C%D0%BD%D0%B5%D1%82%7C%E6%9C%89%7C%E5%A5%BD%7C%E8%A1%8C\
                %7C%E5%90%AC%E4%B8%8D%E6%B8%85";
    assert_eq!(
        ask.request.body,
        Some(json!({
            "flowid": "F1", "nlpid": "n7", "callid": CALLID, "flowkeywords": flow,
            "kbkeywords": "%E5%85%AC%E5%8F%B8%7Cwho%20are%20you", "input": "text",
            "text": "F%E5%97%AF%2C%E5%8F%AF%E4%BB%A5%E5%90%A7%E3%80%82",
        }))
    );
}

/// E50.3, I10: the keyword it names answers, wherever it stands, and how it is written down.
#[test]
fn the_keyword_it_names_answers_e50() {
    for (keyword, line) in [
        ("行", "1 F1 Text F嗯,可以吧。 | Full 行 | Flow F2 x1"),
        ("不?要", "1 F1 Text F嗯,可以吧。 | Regex 不?要 | Flow F3 x1"),
        ("听不清", "1 F1 Text F嗯,可以吧。 | Full 听不清 | GlobalFlow G x1"),
        ("who are you", "1 F1 Text F嗯,可以吧。 | Full who are you | Kb P1 x1"),
    ] {
        let mut call = asked();
        let answer = json!({ "keyword": keyword, "description": "d" }).to_string();
        call.answer(1, &answer);
        assert!(call.lines()[0] == line, "{:?}", call.lines());
        assert_eq!(call.rows[0].input_nlp_args, answer, "its answer is kept");
    }
}

/// E50.3: the weight and id of the condition it names count as if it had been said.
#[test]
fn the_condition_it_names_counts_e50() {
    let mut call = asked();
    call.answer(1, r#"{"keyword":"有"}"#);
    assert_eq!((call.row().condition_id.as_str(), call.row().condition_weight), ("c2", 1));
    let mut call = asked();
    call.answer(1, r#"{"keyword":"不?要"}"#);
    assert_eq!(call.row().matching_condition, "不?要");
}

/// E50.3: an error, a time-out, nonsense or an unknown keyword: the local steps go on.
#[test]
fn without_an_answer_the_own_keywords_decide_e50() {
    let local = "1 F1 Text F有的 | Full 有 | Flow F2 x1";
    let said = || {
        let mut call = call_to(NLP);
        call.say("F有的");
        call
    };
    assert_eq!(said().fail(1, "refused").line(), local);
    assert_eq!(said().answer(1, "not json").line(), local);
    assert_eq!(said().answer(1, r#"{"keyword":7}"#).line(), local);
    assert_eq!(said().answer(1, r#"{"keyword":"nobody has it"}"#).line(), local);
    assert_eq!(said().answer(1, r#"{"keyword":null,"description":""}"#).line(), local);
    let broken = WebAnswer { status: 500, body: r#"{"keyword":"不?要"}"#.into() };
    assert_eq!(said().outcome(1, Ok(broken)).line(), local);
    let mut call = said();
    assert_eq!(call.timer(), Some(Timer::Answer));
    assert!(call.advance(1_499).rows.is_empty());
    assert_eq!(call.advance(1).line(), local, "a second and a half is all it gets");
}

/// E51: a keyword whose target is used up is no answer.
#[test]
fn a_used_up_prompt_is_no_answer_e51() {
    let mut call = asked();
    call.answer(1, r#"{"keyword":"公司"}"#);
    call.say("F嗯").answer(2, r#"{"keyword":"公司"}"#);
    assert_eq!(call.line(), "2 F1 Text F嗯 | Any | Flow F2 x1");
}

/// I10: only a node with `nlpid` asks, and never about a recogniser's error.
#[test]
fn nodes_without_a_name_ask_nobody_i10() {
    let mut call = call_to(&NLP.replace("\"nlpid\": \"n7\",", ""));
    assert_eq!(call.say("F有的").row().response_id, "F2");
    let mut call = call_to(NLP);
    assert_eq!(call.say("Enetwork").line(), "1 F1 Text Enetwork | Mismatch | Mismatch F1 x1");
}

/// I10: partials are sent too; while one is under way the newest waits.
#[test]
fn of_partials_the_newest_waits_i10() {
    let mut call = call_to(NLP);
    assert_eq!(call.say("S嗯").asked().id, RequestId(1));
    assert!(call.say("S嗯可").commands.is_empty());
    assert!(call.say("S嗯可以").commands.is_empty());
    let text = |call: &Conversation| call.asked().request.body.as_ref().unwrap()["text"].clone();
    call.answer(1, r#"{"keyword":""}"#);
    assert!(call.rows.is_empty(), "a partial that matches nothing leaves no row");
    assert_eq!(text(&call), "S%E5%97%AF%E5%8F%AF%E4%BB%A5");
    call.say("F嗯可以").answer(2, r#"{"keyword":"有"}"#);
    assert_eq!(
        call.lines(),
        ["1 F1 Text S嗯可以 | Full 有 | Flow F2 x1", "2 F2 Text F嗯可以 | Mismatch | None",],
        "the sentence is spent (E42)"
    );
}

/// E50: what happens meanwhile waits in order; an answer that nobody waits for changes nothing.
#[test]
fn the_rest_waits_in_order_e50() {
    let mut call = asked();
    assert!(call.say("F不要").rows.is_empty());
    assert!(call.complete("TIMEOUT()").rows.is_empty());
    call.answer(7, r#"{"keyword":"有"}"#);
    assert!(call.rows.is_empty() && call.commands.is_empty());
    call.answer(1, r#"{"keyword":"有"}"#);
    assert_eq!(call.lines()[0], "1 F1 Text F嗯,可以吧。 | Full 有 | Flow F2 x1");
    assert_eq!(call.lines()[1], "2 F2 Text F不要 | Mismatch | None", "it was said to F2");
}

/// E50: at most 32 inputs wait; one more, and the answer is given up.
#[test]
fn thirty_two_inputs_wait_e50() {
    let mut call = asked();
    for _ in 0..32 {
        assert!(call.say("Fда").rows.is_empty());
    }
    call.say("Fда");
    assert_eq!(call.lines()[0], "1 F1 Text F嗯,可以吧。 | Any | Flow F2 x1");
    assert_eq!(call.rows.len(), 34, "nothing is lost");
}

/// E50: a key ends the wait; what was said is written down and not answered.
#[test]
fn a_key_ends_the_wait_e50() {
    let mut call = asked();
    call.press("1");
    assert_eq!(
        call.lines(),
        ["1 F1 Text F嗯,可以吧。 | Mismatch | None", "1 F1 Dtmf 1 | Full 1 | Flow F3 x1"]
    );
    call.answer(1, r#"{"keyword":"有"}"#);
    assert!(call.rows.is_empty() && call.commands.is_empty(), "the answer comes too late");
}

/// E50, E76: a hang-up ends the wait; what was said is matched by the script alone.
#[test]
fn a_hang_up_ends_the_wait_e50() {
    let mut call = call_to(NLP);
    call.say("Fнет").complete("HANGUP()");
    assert_eq!(
        call.lines(),
        ["1 F1 Text Fнет | Full нет | Flow F3 x1", "1 F3 Complete HANGUP() | Mismatch | None"]
    );
    assert!(
        call.commands
            .iter()
            .all(|command| !matches!(command, telephonist::engine::Command::Start(_)))
    );
    let mut call = asked();
    call.say("Fда").end(EndReason::RecvBye);
    assert_eq!(
        call.lines(),
        [
            "1 F1 Text F嗯,可以吧。 | Any | Flow F2 x1",
            "1 F2 Text Fда | Mismatch | None",
            "1 F2 Destroy recv_bye | Mismatch | None",
        ]
    );
}

/// E75, E50.3: a sentence inside a COMPLETE is sent too, once, and its answer decides the COMPLETE.
#[test]
fn sentences_inside_a_complete_are_sent_e75() {
    let mut call = call_to(NLP);
    call.complete("DONE(F:嗯1F:哦)");
    assert!(call.rows.is_empty());
    assert_eq!(call.asked().request.body.as_ref().unwrap()["text"], "F%E5%97%AF1");
    call.answer(1, r#"{"keyword":"nobody"}"#);
    assert_eq!(call.asked().request.body.as_ref().unwrap()["text"], "F%E5%93%A6");
    call.answer(2, r#"{"keyword":"нет"}"#);
    assert_eq!(call.line(), "1 F1 Complete DONE(F:嗯1F:哦) | Full нет | Flow F3 x1");
    assert_eq!(call.row().input_nlp_args, r#"{"keyword":"нет"}"#);
}

/// E75: the edges that name the word come before the sentences, and nobody is asked.
#[test]
fn a_named_word_asks_nobody_e75() {
    let mut call = call_to(NLP);
    assert_eq!(call.complete("TIMEOUT(F:嗯)").row().response_id, "F4");
}

/// E75: after `HANGUP(…)` nobody is asked: there is nobody left to wait for.
#[test]
fn last_words_ask_nobody_e76() {
    let mut call = call_to(NLP);
    call.complete("HANGUP(F有的)");
    assert_eq!(call.line(), "1 F1 Complete HANGUP(F有的) | Full 有 | Flow F2 x1");
}

/// Odd answers at odd times change nothing.
#[test]
fn answers_nobody_asked_for_change_nothing() {
    let mut call = call_to(NLP);
    call.answer(0, "{}").answer(1, "{}").fail(99, "x");
    assert!(call.rows.is_empty() && call.commands.is_empty());
    call.handle(Input::Ended(EndReason::Hangup));
    call.handle(Input::Answer { id: RequestId(1), outcome: Err("late".into()) });
    assert!(call.rows.is_empty() && call.commands.is_empty());
}

/// A robot can say which answers would change something: those of a sentence and of a web request.
#[test]
fn a_robot_knows_what_it_waits_for() {
    let waits = |call: &Conversation, id| call.robot.awaits(RequestId(id));
    let mut call = asked();
    assert!(waits(&call, 1) && !waits(&call, 2) && !waits(&call, 0));
    call.answer(1, "{}");
    assert!(!waits(&call, 1));
    let mut call = call_to(
        r#"{ "flow": { "F1": { "action": "http", "http": { "url": "http://h/" },
        "playbacks": ["请稍等"], "subflow": { "F1": { "condition": {} } } } } }"#,
    );
    assert!(waits(&call, 1) && !waits(&call, 2));
    call.answer(1, "{}");
    assert!(!waits(&call, 1), "it has come, and the audio goes on");
}

/// E76, E50: switched off, nothing is matched after the hang-up, not even what was said before it.
#[test]
fn a_question_is_dropped_at_the_hang_up_if_events_after_it_are_off_e76() {
    let off = Call { event_after_hangup: false, ..incoming() };
    let mut call = Conversation::of(off, &load("test", NLP));
    call.say("Fнет").end(EndReason::RecvBye);
    assert_eq!(call.lines()[0], "1 F1 Text Fнет | Mismatch | None");
}

/// I10: only what is said of the same sentence takes the place of a partial that waits.
#[test]
fn a_partial_waits_with_what_follows_i10() {
    let script = NLP.replace(", \"any\"", "").replace("\"mismatchplaybacks\": [\"什么\"],", "");
    let mut call = call_to(&script);
    call.say("F嗯").say("S可以").complete("DONE()");
    call.answer(1, "{}");
    assert_eq!(call.line(), "1 F1 Text F嗯 | Mismatch | None x1");
    call.answer(2, r#"{"keyword":"有"}"#);
    assert_eq!(call.lines(), ["1 F1 Text S可以 | Full 有 | Flow F2 x1"]);
}
