//! Parts of the knowledge base that no call can come to.

use super::{Case, Finding};
use crate::script::problem::brief;

pub(super) fn find(case: &mut Case<'_>) {
    let source = case.source;
    let mut is_listed = vec![false; source.prompts.len()];
    for category in &source.categories {
        for prompt in &category.prompts {
            if let Some(listed) = is_listed.get_mut(prompt.0 as usize) {
                *listed = true;
            }
        }
    }
    for (prompt, _) in source.prompts.iter().zip(is_listed).filter(|(_, listed)| !listed) {
        case.say(Finding {
            rule: "orphan-prompt",
            offset: prompt.offset,
            message: format!("no category of kb lists the prompt {}: nobody hears it", prompt.id),
            example: String::new(),
            hint: "name it in the prompts of a category, or take it out".into(),
        });
    }
    let mut is_linked = vec![false; source.categories.len()];
    for (node, at) in case.script.nodes.iter().zip(0..) {
        for category in node.kb.iter().filter(|_| case.is_reached(at)) {
            if let Some(linked) = is_linked.get_mut(category.0 as usize) {
                *linked = true;
            }
        }
    }
    for (category, _) in source.categories.iter().zip(is_linked).filter(|(_, linked)| !linked) {
        let prompts = match category.prompts.len() {
            0 => "it lists no prompt either".to_owned(),
            1 => "nobody hears its prompt".to_owned(),
            count => format!("nobody hears its {count} prompts"),
        };
        case.say(Finding {
            rule: "orphan-category",
            offset: category.offset,
            message: format!(
                "no node that a call reaches links the category {}: {prompts}",
                category.id
            ),
            example: String::new(),
            hint: format!("name it in the kb of a node: \"kb\": [\"{}\"]", brief(category.id)),
        });
    }
}
