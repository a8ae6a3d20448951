//! DOT, for Graphviz and whatever else reads it.

use std::fmt::Write as _;

use super::model::{Graph, Look};
use super::text::clean;

impl Graph {
    /// The script as a DOT digraph. `pos` pins nodes to the positions of the file; `neato` heeds it.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut out = format!("digraph {} {{\n", quoted(std::slice::from_ref(&self.name)));
        push(&mut out, format_args!("  label={}\n", quoted(&[self.title()])));
        out.push_str("  rankdir=LR\n  inputscale=72\n  node [shape=box fontname=\"sans-serif\" fontsize=11]\n");
        out.push_str("  edge [fontname=\"sans-serif\" fontsize=10]\n");
        for (at, group) in self.groups.iter().enumerate() {
            push(&mut out, format_args!("  subgraph cluster_{at} {{\n"));
            push(
                &mut out,
                format_args!("    label={}\n", quoted(std::slice::from_ref(&group.title))),
            );
            for node in &group.members {
                self.dot_node(*node, &mut out);
            }
            out.push_str("  }\n");
        }
        for (at, category) in self.categories.iter().enumerate() {
            push(&mut out, format_args!("  subgraph cluster_k{at} {{\n"));
            let title = format!("knowledge {}", category.title);
            push(&mut out, format_args!("    label={}\n", quoted(&[title])));
            for prompt in &category.prompts {
                let Some(drawn) = self.prompts.get(*prompt) else { continue };
                let lines = [drawn.title.clone(), drawn.words.clone(), self.prompt_count(*prompt)];
                let label = quoted(&lines);
                push(&mut out, format_args!("    k{at}p{prompt} [shape=note label={label}]\n"));
            }
            out.push_str("  }\n");
        }
        for (at, edge) in self.edges.iter().enumerate() {
            push(&mut out, format_args!("  n{} -> n{} [", edge.from, edge.to));
            push(&mut out, format_args!("label={}", quoted(&[self.edge_label(at)])));
            if let Some(traffic) = &self.traffic {
                push(&mut out, format_args!(" penwidth={:.1}", traffic.width(at)));
            }
            out.push_str("]\n");
        }
        for (at, category) in self.categories.iter().enumerate() {
            for prompt in &category.prompts {
                if let Some(to) = self.prompts.get(*prompt).and_then(|drawn| drawn.jump) {
                    push(&mut out, format_args!("  k{at}p{prompt} -> n{to} [style=dashed]\n"));
                }
            }
        }
        out.push_str("}\n");
        out
    }

    fn dot_node(&self, at: usize, out: &mut String) {
        let Some(node) = self.nodes.get(at) else { return };
        let label = quoted(&self.lines(node, at));
        push(out, format_args!("    n{at} [{} label={label}", style(node.look)));
        if node.is_global {
            out.push_str(" peripheries=2");
        }
        if let Some((x, y)) = node.position {
            // An editor's y grows downwards, Graphviz's upwards.
            push(out, format_args!(" pos=\"{x},{}!\"", -y));
        }
        out.push_str("]\n");
    }
}

fn style(look: Look) -> &'static str {
    match look {
        Look::Start => "shape=circle",
        Look::Asks => "shape=box",
        Look::Says => "shape=box style=rounded",
        Look::HangsUp => "shape=octagon",
        Look::Returns => "shape=larrow",
        Look::Transfers => "shape=rarrow",
        Look::Decides => "shape=diamond",
        Look::Sets => "shape=parallelogram",
        Look::TakesKeys => "shape=box3d",
        Look::AsksWeb => "shape=hexagon",
        Look::Other => "shape=component",
    }
}

/// The lines that are not empty, as one quoted label. Graphviz reads escapes and HTML's entities in
/// it.
fn quoted(lines: &[String]) -> String {
    let mut label = String::from("\"");
    for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            label.push_str("\\n");
        }
        for c in clean(line).chars() {
            match c {
                '"' => label.push_str("\\\""),
                '\\' => label.push_str("\\\\"),
                '&' => label.push_str("&amp;"),
                c => label.push(c),
            }
        }
    }
    label.push('"');
    label
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to memory can't fail");
}

#[cfg(test)]
mod tests {
    use super::quoted;

    /// N10.
    #[test]
    fn no_word_leaves_its_quotes() {
        let lines = ["a\"; b".to_owned(), String::new(), "\\N &lt;\n".to_owned()];
        assert_eq!(quoted(&lines), r#""a\"; b\n\\N &amp;lt; ""#);
    }
}
