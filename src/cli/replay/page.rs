//! The page of a replay: one file for a browser, with nothing from elsewhere.

use std::fmt::Write as _;

use super::{in_a_word, percent, tables};
use crate::engine::InputType;
use crate::replay::{Answer, Summary, Sureness, Turn, UNKNOWN, Verdict};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--old:#c2410c;--new:#15803d}\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}p{margin:.3rem 0}\
.bar{display:flex;height:.8rem;border-radius:.4rem;overflow:hidden;margin:1rem 0 .4rem}\
.bar i{background:#16a34a}.bar b{background:#ea580c}.bar u{background:#9ca3af}\
.tables{display:flex;flex-wrap:wrap;gap:0 3rem}.tables td{padding:.1rem .8rem .1rem 0}\
.tables td:first-child{text-align:right;font-variant-numeric:tabular-nums}\
details{border:1px solid var(--line);border-radius:.5rem;margin:.6rem 0;padding:.5rem .9rem}\
summary{cursor:pointer}code{font-size:.9em}.why{opacity:.75}\
.turns{width:100%;border-collapse:collapse;margin:.6rem 0;table-layout:fixed}\
.turns th,.turns td{border-top:1px solid var(--line);padding:.35rem .5rem;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}.turns th:first-child{width:3.5rem}\
.turns th{font-weight:600}.said{background:var(--soft)}.id{font-weight:600}\
.differs .old .id{color:var(--old)}.differs .new .id{color:var(--new)}\
.assumed,.unknown .new{opacity:.6}small{opacity:.75;display:block}";

/// The page: totals, tables, and calls with both answers to each input.
pub(super) fn page(
    name: &str,
    summary: &Summary,
    worst: &[Verdict],
    left_out: &[String],
) -> String {
    let mut page = String::new();
    let title = escaped(name);
    let Summary { calls, same, changed, unknown, .. } = summary;
    put(
        &mut page,
        format_args!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Replay of {title}</title><style>{STYLE}</style>\n\
         <h1>Replay of {title}</h1>\
         <p>{calls} recorded calls, held again with this version of the script.</p>\
         <div class=\"bar\"><i style=\"flex:{same}\"></i><b style=\"flex:{changed}\"></b>\
         <u style=\"flex:{unknown}\"></u></div>\
         <p>{same} the same · <strong>{changed} changed ({:.1}%)</strong> · {unknown} the same as far \
         as is known</p>\n<div class=\"tables\">",
            percent(*changed, *calls)
        ),
    );
    let titles =
        ["Calls with a change of", "First answer that changes", "Labels", "Ends", "Not known, as"];
    for (title, rows) in titles.iter().zip(tables(summary)) {
        if rows.is_empty() {
            continue;
        }
        put(&mut page, format_args!("<div><h2>{title}</h2><table>"));
        for (calls, what) in rows.iter().take(super::TABLE_LINES_MAX) {
            put(&mut page, format_args!("<tr><td>{calls}<td>{}", escaped(what)));
        }
        page.push_str("</table></div>\n");
    }
    page.push_str("</div>\n");
    for line in left_out {
        put(&mut page, format_args!("<p class=\"why\">{}</p>\n", escaped(line)));
    }
    if !worst.is_empty() {
        put(&mut page, format_args!("<h2>The worst {} calls first</h2>\n", worst.len()));
    }
    for (at, verdict) in worst.iter().enumerate() {
        call(&mut page, verdict, at == 0);
    }
    page
}

fn call(page: &mut String, verdict: &Verdict, is_open: bool) {
    let open = if is_open { " open" } else { "" };
    put(
        page,
        format_args!(
            "<details{open}><summary><code>{}</code> {}</summary>",
            escaped(&verdict.callid),
            escaped(&in_a_word(verdict))
        ),
    );
    page.push_str("<table class=\"turns\"><tr><th><th>as recorded<th>with this version\n");
    for (at, turn) in verdict.turns.iter().enumerate() {
        let ends = verdict.unknown.as_ref().filter(|unknown| unknown.row == at);
        if let Some(unknown) = ends {
            note(page, &format!("From here on nothing is known: {}.", unknown.why));
        }
        row(page, turn);
        if verdict.diverged == Some(at) {
            note(page, "The robot says something else: what follows was no answer to it.");
        }
    }
    if let Some(unknown) = verdict.unknown.as_ref().filter(|at| at.row >= verdict.turns.len()) {
        note(page, &format!("Nothing is known of the rest: {}.", unknown.why));
    }
    page.push_str("</table></details>\n");
}

fn note(page: &mut String, text: &str) {
    put(page, format_args!("<tr><td><td colspan=\"2\" class=\"why\">{}\n", escaped(text)));
}

fn row(page: &mut String, turn: &Turn) {
    let heard = match InputType::of_number(turn.input_type) {
        Some(InputType::Create) => "the call begins".to_owned(),
        Some(InputType::Text) => format!("“{}”", turn.input),
        Some(InputType::Dtmf) => format!("keys {}", turn.input),
        Some(InputType::Destroy) => format!("the call ends: {}", turn.input),
        _ => turn.input.to_string(),
    };
    let class = match turn.sureness {
        Sureness::Unknown => "unknown",
        Sureness::OtherWords => "assumed",
        Sureness::Sure if turn.kinds.is_change() => "differs",
        Sureness::Sure => "",
    };
    put(
        page,
        format_args!(
            "<tr class=\"said\"><td>{} s<td colspan=\"2\">{} <small>at {}</small>\n",
            turn.at_s,
            escaped(&heard),
            escaped(&turn.node)
        ),
    );
    put(page, format_args!("<tr class=\"{class}\"><td><td class=\"old\">"));
    answer(page, Some(&turn.old));
    page.push_str("<td class=\"new\">");
    answer(page, turn.new.as_ref());
    page.push('\n');
}

fn answer(page: &mut String, answer: Option<&Answer>) {
    let Some(answer) = answer else { return page.push('?') };
    put(page, format_args!("<span class=\"id\">{}</span> ", escaped(&answer.brief())));
    page.push_str(&escaped(&answer.text));
    if !answer.mark.is_empty() {
        put(page, format_args!("<small>mark {}</small>", escaped(&answer.mark)));
    }
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to memory can't fail");
}

/// What callers and scripts say is data: it never becomes a part of the page (N10).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            UNKNOWN => escaped.push('…'),
            _ => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N10.
    #[test]
    fn what_is_said_is_no_part_of_the_page_n10() {
        assert_eq!(escaped("<script>\"&'"), "&lt;script&gt;&quot;&amp;'");
        let page = page("<b>", &Summary::default(), &[], &["<i>".into()]);
        assert!(page.contains("Replay of &lt;b&gt;") && page.contains("&lt;i&gt;"));
        assert!(!page.contains("http"), "nothing from elsewhere");
    }
}
