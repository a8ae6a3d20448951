//! Mermaid's flowcharts, as wikis and code hosts show them.

use std::fmt::Write as _;

use super::model::{DrawnNode, Graph, Look};
use super::text::clean;
use super::traffic::times;

impl Graph {
    /// The script as a Mermaid flowchart. A line is no longer than a terminal is wide.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = format!("---\ntitle: \"{}\"\n---\nflowchart LR\n", escape(&self.title()));
        for (at, group) in self.groups.iter().enumerate() {
            push(&mut out, format_args!("  subgraph g{at}[\"{}\"]\n", escape(&group.title)));
            for node in &group.members {
                self.mermaid_node(*node, &mut out);
            }
            out.push_str("  end\n");
        }
        for (at, category) in self.categories.iter().enumerate() {
            let title = format!("knowledge {}", category.title);
            push(&mut out, format_args!("  subgraph k{at}[\"{}\"]\n", escape(&title)));
            for prompt in &category.prompts {
                let Some(drawn) = self.prompts.get(*prompt) else { continue };
                let lines = [drawn.title.clone(), drawn.words.clone(), self.prompt_count(*prompt)];
                push(&mut out, format_args!("    k{at}p{prompt}[\"{}\"]\n", label(&lines)));
            }
            out.push_str("  end\n");
        }
        let mut widths = String::new();
        for (at, edge) in self.edges.iter().enumerate() {
            let label = self.edge_label(at);
            push(&mut out, format_args!("  n{} -->", edge.from));
            if !label.is_empty() {
                push(&mut out, format_args!("|\"{}\"|", escape(&label)));
            }
            push(&mut out, format_args!(" n{}\n", edge.to));
            if let Some(traffic) = &self.traffic {
                let width = traffic.width(at);
                push(&mut widths, format_args!("  linkStyle {at} stroke-width:{width:.1}px\n"));
            }
        }
        for (at, category) in self.categories.iter().enumerate() {
            for prompt in &category.prompts {
                if let Some(to) = self.prompts.get(*prompt).and_then(|drawn| drawn.jump) {
                    push(&mut out, format_args!("  k{at}p{prompt} -.-> n{to}\n"));
                }
            }
        }
        out.push_str(&widths);
        out
    }

    fn mermaid_node(&self, at: usize, out: &mut String) {
        let Some(node) = self.nodes.get(at) else { return };
        let (open, close) = brackets(node.look);
        push(out, format_args!("    n{at}{open}\"{}\"{close}\n", label(&self.lines(node, at))));
    }

    /// What stands in a node where there is little room.
    pub(super) fn lines(&self, node: &DrawnNode, at: usize) -> [String; 4] {
        let told = self.traffic.as_ref().and_then(|traffic| traffic.nodes.get(at));
        let told = told.filter(|_| node.look != Look::Start).map(|node| node.told());
        [node.title.clone(), node.deed.clone(), node.entry.clone(), told.unwrap_or_default()]
    }

    /// Name, revision and number of calls.
    pub(super) fn title(&self) -> String {
        let calls = self.traffic.as_ref().map(|traffic| format!(", {} calls", traffic.calls));
        format!("{} {}{}", self.name, self.revision, calls.unwrap_or_default())
    }

    /// Words and count of an edge.
    pub(super) fn edge_label(&self, at: usize) -> String {
        let label = self.edges.get(at).map(|edge| edge.label.as_str()).unwrap_or_default();
        match self.traffic.as_ref().and_then(|traffic| traffic.edges.get(at)) {
            None => label.to_owned(),
            Some(count) if label.is_empty() => times(*count),
            Some(count) => format!("{label} | {}", times(*count)),
        }
    }

    /// How often a prompt answered; empty if nobody counted.
    pub(super) fn prompt_count(&self, at: usize) -> String {
        let count = self.traffic.as_ref().and_then(|traffic| traffic.prompts.get(at));
        count.map(|count| times(*count)).unwrap_or_default()
    }
}

fn brackets(look: Look) -> (&'static str, &'static str) {
    match look {
        Look::Start => ("((", "))"),
        Look::Asks => ("[", "]"),
        Look::Says => ("(", ")"),
        Look::HangsUp => ("([", "])"),
        Look::Returns => ("[\\", "\\]"),
        Look::Transfers => (">", "]"),
        Look::Decides => ("{", "}"),
        Look::Sets => ("[/", "/]"),
        Look::TakesKeys => ("[[", "]]"),
        Look::AsksWeb => ("{{", "}}"),
        Look::Other => ("[(", ")]"),
    }
}

/// The lines that are not empty.
fn label(lines: &[String]) -> String {
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines.map(|line| escape(line)).collect::<Vec<_>>().join("<br>")
}

/// A text inside a quoted label: whatever Mermaid, Markdown, HTML or the header would read as theirs
/// becomes a number that is shown as the sign.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        if c.is_ascii_punctuation()
            && !matches!(
                c,
                '.' | ','
                    | '-'
                    | ':'
                    | '('
                    | ')'
                    | '?'
                    | '|'
                    | '/'
                    | '{'
                    | '}'
                    | '['
                    | ']'
                    | '+'
                    | '%'
            )
        {
            push(&mut escaped, format_args!("#{};", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to memory can't fail");
}

#[cfg(test)]
mod tests {
    use super::escape;

    /// N10.
    #[test]
    fn no_word_leaves_its_label() {
        assert_eq!(escape("a\"]; x"), "a#34;]#59; x");
        assert_eq!(escape("<b>`#34;\\"), "#60;b#62;#96;#35;34#59;#92;");
        assert_eq!(escape("а|б\n有"), "а|б 有");
    }
}
