//! Source nodes: where a `return` goes (E55, E70, R14, R15, R26).

use serde::{Deserialize, Serialize};

use crate::script::{NodeId, ReturnTarget};

/// Source nodes kept at most; the next one is an ERROR row (R26).
pub const STACK_MAX: usize = 32;

/// The source nodes of one call, and the last node of the main flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stack {
    sources: Vec<NodeId>,
    top: NodeId,
}

/// The stack holds as many source nodes as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StackFull;

impl Stack {
    pub(super) fn new(entry: NodeId) -> Self {
        Self { sources: Vec::new(), top: entry }
    }

    pub(super) fn push(&mut self, source: NodeId) -> Result<(), StackFull> {
        if self.sources.len() >= STACK_MAX {
            return Err(StackFull);
        }
        self.sources.push(source);
        Ok(())
    }

    /// Where a return goes; the stack is cut as the target demands.
    pub(super) fn take(&mut self, target: &ReturnTarget) -> NodeId {
        match target {
            ReturnTarget::Top => {
                self.sources.clear();
                self.top
            }
            ReturnTarget::Node(node) => {
                if let Some(at) = self.sources.iter().rposition(|source| source == node) {
                    self.sources.truncate(at);
                }
                *node
            }
            ReturnTarget::Source | ReturnTarget::Computed => self.sources.pop().unwrap_or(self.top),
        }
    }

    /// The nearest `depth` source nodes, nearest first.
    pub(super) fn sources(&self, depth: u32) -> impl Iterator<Item = NodeId> + '_ {
        self.sources.iter().rev().take(depth as usize).copied()
    }

    /// Drops the nearest `levels` source nodes: an edge of the last of them was taken (R14).
    pub(super) fn cut(&mut self, levels: usize) {
        self.sources.truncate(self.sources.len().saturating_sub(levels));
    }

    /// Remembers the main flow's last node: one entered with an empty stack (R15).
    pub(super) fn entered(&mut self, node: NodeId) {
        if self.sources.is_empty() {
            self.top = node;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);
    const C: NodeId = NodeId(3);

    fn stack(sources: &[NodeId]) -> Stack {
        let mut stack = Stack::new(A);
        for source in sources {
            stack.push(*source).expect("room");
        }
        stack
    }

    /// E70, R15: source, top, a node on the stack and one that is not.
    #[test]
    fn returns_cut_the_stack() {
        let mut to_source = stack(&[A, B]);
        assert_eq!(to_source.take(&ReturnTarget::Source), B);
        assert_eq!(to_source, stack(&[A]));

        let mut to_top = stack(&[B, C]);
        assert_eq!(to_top.take(&ReturnTarget::Top), A);
        assert_eq!(to_top, stack(&[]));
        assert_eq!(to_top.take(&ReturnTarget::Source), A, "an empty stack returns to the top");

        let mut to_node = stack(&[A, B, C]);
        assert_eq!(to_node.take(&ReturnTarget::Node(B)), B);
        assert_eq!(to_node, stack(&[A]));
        assert_eq!(to_node.take(&ReturnTarget::Node(C)), C);
        assert_eq!(to_node, stack(&[A]), "a node that is not on the stack leaves it");
    }

    /// R15: the top is the last node entered with an empty stack.
    #[test]
    fn the_top_follows_the_main_flow() {
        let mut main = stack(&[]);
        main.entered(B);
        main.push(B).expect("room");
        main.entered(C);
        assert_eq!(main.take(&ReturnTarget::Top), B);
    }

    /// R26: the 33rd source node is refused.
    #[test]
    fn the_stack_has_an_end() {
        let mut full = stack(&[A; STACK_MAX]);
        assert_eq!(full.push(B), Err(StackFull));
        full.cut(2);
        assert_eq!(full.sources(50).count(), STACK_MAX - 2);
    }
}
