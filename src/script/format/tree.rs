//! The file as written with its comments, each given to what it stands at.

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, parse_to_ast};

use super::super::raw::FORMAT;
use super::kind::Kind;

/// The whole file: its value, and what stands below it.
pub(super) struct Tree<'a> {
    pub(super) root: Entry<'a>,
    pub(super) below: Vec<Line<'a>>,
}

/// A comment on a line of its own.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) blank_before: bool,
}

/// An entry of an object or a list, with its comments.
pub(super) struct Entry<'a> {
    pub(super) above: Vec<Line<'a>>,
    pub(super) blank_before: bool,
    /// Comments on its line, in front of it.
    pub(super) before: Vec<&'a str>,
    /// In its quotes.
    pub(super) name: Option<&'a str>,
    pub(super) between: Vec<&'a str>,
    pub(super) content: Content<'a>,
    /// Comments on its line behind it: before the comma, and behind that.
    pub(super) after: Vec<&'a str>,
    pub(super) trailing: Vec<&'a str>,
    rank: usize,
}

pub(super) enum Content<'a> {
    /// As written.
    Plain(&'a str),
    List(List<'a>),
}

/// An object or a list.
pub(super) struct List<'a> {
    pub(super) is_object: bool,
    pub(super) kind: Kind,
    /// Comments on the line of the opening bracket.
    pub(super) opening: Vec<&'a str>,
    pub(super) entries: Vec<Entry<'a>>,
    /// Comments below the last entry.
    pub(super) closing: Vec<Line<'a>>,
}

impl<'a> Tree<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let options =
            CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
        let parsed = parse_to_ast(text, &options, &FORMAT).ok()?;
        let value = parsed.value?;
        let tokens = parsed.tokens?;
        let is_mark = |token: &Token<'_>| {
            matches!(token, Token::CommentLine(_) | Token::CommentBlock(_) | Token::Comma)
        };
        let marks = tokens.into_iter().filter(|token| is_mark(&token.token)).collect();
        let source = Source { text, marks };
        let mut root = source.entry(None, &value, Kind::Root);
        let (start, end) = (value.range().start, value.range().end);
        let head = source.gap(0, start, Gap { before: Before::Nothing, has_next: true });
        root.take_head(head);
        let tail = source.gap(end, text.len(), Gap { before: Before::Entry, has_next: false });
        root.after = tail.after;
        root.trailing = tail.trailing;
        Some(Self { root, below: tail.lines })
    }
}

/// What stands before comments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Bracket,
    Entry,
}

/// Where comments stand between two things.
#[derive(Clone, Copy)]
struct Gap {
    before: Before,
    /// An entry follows, not the end.
    has_next: bool,
}

/// The comments between two things.
struct Between<'a> {
    after: Vec<&'a str>,
    trailing: Vec<&'a str>,
    lines: Vec<Line<'a>>,
    before: Vec<&'a str>,
    blank_before: bool,
}

struct Source<'a> {
    text: &'a str,
    /// Comments and commas, in order.
    marks: Vec<TokenAndRange<'a>>,
}

/// A comment with its place.
#[derive(Clone, Copy)]
struct Comment<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    /// It neither ends its line nor holds the end of one.
    is_inline: bool,
}

impl<'a> Source<'a> {
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The comments between two offsets, and how many of them stand before a comma.
    fn comments(&self, start: usize, end: usize) -> (Vec<Comment<'a>>, usize) {
        let first = self.marks.partition_point(|mark| mark.range.start < start);
        let mut comments = Vec::new();
        let mut before_comma = None;
        for mark in self.marks.iter().skip(first).take_while(|mark| mark.range.start < end) {
            if mark.token == Token::Comma {
                before_comma = before_comma.or(Some(comments.len()));
                continue;
            }
            let text = self.slice(mark.range.start, mark.range.end).trim_end();
            let is_inline = matches!(mark.token, Token::CommentBlock(_)) && !text.contains('\n');
            let (start, end) = (mark.range.start, mark.range.end);
            comments.push(Comment { text, start, end, is_inline });
        }
        let before_comma = before_comma.unwrap_or(comments.len());
        (comments, before_comma)
    }

    /// Gives each comment between two things to one of them.
    fn gap(&self, start: usize, end: usize, gap: Gap) -> Between<'a> {
        let (comments, before_comma) = self.comments(start, end);
        let mut found = Between {
            after: Vec::new(),
            trailing: Vec::new(),
            lines: Vec::new(),
            before: Vec::new(),
            blank_before: false,
        };
        let is_same_line = |from: usize, to: usize| !self.slice(from, to).contains('\n');
        let mut at = start;
        let mut rest = comments.as_slice();
        if gap.before != Before::Nothing {
            let count = if gap.before == Before::Entry { before_comma } else { 0 };
            let behind = rest.iter().take(count);
            let behind = behind.take_while(|one| one.is_inline && is_same_line(start, one.start));
            let (behind, others) = rest.split_at(behind.count());
            found.after = behind.iter().map(|one| one.text).collect();
            rest = others;
            at = behind.last().map_or(at, |one| one.end);
            let is_one_line = gap.has_next && is_same_line(start, end);
            if !is_one_line {
                let trailing = rest.iter().take_while(|one| is_same_line(start, one.start));
                let (trailing, others) = rest.split_at(trailing.count());
                found.trailing = trailing.iter().map(|one| one.text).collect();
                rest = others;
                at = trailing.last().map_or(at, |one| one.end);
            }
        }
        if gap.has_next {
            let mut from = end;
            let before = rest.iter().rev().take_while(|one| {
                let is_near = one.is_inline && is_same_line(one.end, from);
                from = one.start;
                is_near
            });
            let (lines, before) = rest.split_at(rest.len() - before.count());
            found.before = before.iter().map(|one| one.text).collect();
            rest = lines;
            let next = before.first().map_or(end, |one| one.start);
            let last = rest.last().map_or(at, |one| one.end);
            found.blank_before = self.has_blank(last, next);
        }
        for one in rest {
            found.lines.push(Line { text: one.text, blank_before: self.has_blank(at, one.start) });
            at = one.end;
        }
        found
    }

    /// True if a line between these two things is empty.
    fn has_blank(&self, start: usize, end: usize) -> bool {
        let between = self.slice(start, end).rsplit(',').next().unwrap_or_default();
        between.matches('\n').count() > 1
    }

    fn entry(&self, name: Option<(usize, usize)>, value: &Value<'a>, kind: Kind) -> Entry<'a> {
        let range = value.range();
        let mut entry = Entry {
            above: Vec::new(),
            blank_before: false,
            before: Vec::new(),
            name: name.map(|(start, end)| self.slice(start, end)),
            between: Vec::new(),
            content: match value {
                Value::Object(object) => Content::List(self.object(object, kind)),
                Value::Array(array) => Content::List(self.array(array, kind)),
                Value::StringLit(_)
                | Value::NumberLit(_)
                | Value::BooleanLit(_)
                | Value::NullKeyword(_) => Content::Plain(self.slice(range.start, range.end)),
            },
            after: Vec::new(),
            trailing: Vec::new(),
            rank: 0,
        };
        if let Some((_, end)) = name {
            let (comments, _) = self.comments(end, range.start);
            if comments.iter().all(|one| one.is_inline) {
                entry.between = comments.iter().map(|one| one.text).collect();
            } else {
                // What ends a line can't stand before the value: it moves above the name.
                let lines = comments.iter().map(|one| Line { text: one.text, blank_before: false });
                entry.above = lines.collect();
            }
        }
        entry
    }

    fn object(&self, object: &Object<'a>, kind: Kind) -> List<'a> {
        let entries = object.properties.iter().map(|property| {
            let name = property.name.range();
            let key = property.name.as_str();
            let mut entry =
                self.entry(Some((name.start, name.end)), &property.value, kind.of_value(key));
            entry.rank = kind.rank(key);
            (name.start, property.value.range().end, entry)
        });
        let mut list = self.list(object.range(), true, kind, entries);
        list.entries.sort_by_key(|entry| entry.rank);
        list.settle();
        list
    }

    fn array(&self, array: &Array<'a>, kind: Kind) -> List<'a> {
        let entries = array.elements.iter().map(|element| {
            let range = element.range();
            (range.start, range.end, self.entry(None, element, kind.of_value("")))
        });
        let mut list = self.list(array.range(), false, kind, entries);
        list.settle();
        list
    }

    /// Gives the comments between the entries to them.
    fn list(
        &self,
        range: jsonc_parser::common::Range,
        is_object: bool,
        kind: Kind,
        entries: impl Iterator<Item = (usize, usize, Entry<'a>)>,
    ) -> List<'a> {
        let mut list =
            List { is_object, kind, opening: Vec::new(), entries: Vec::new(), closing: Vec::new() };
        let mut at = range.start + 1;
        let mut before = Before::Bracket;
        for (start, end, mut entry) in entries {
            let mut gap = self.gap(at, start, Gap { before, has_next: true });
            list.take_behind(&mut gap);
            entry.take_head(gap);
            list.entries.push(entry);
            (at, before) = (end, Before::Entry);
        }
        let mut gap = self.gap(at, range.end - 1, Gap { before, has_next: false });
        list.take_behind(&mut gap);
        list.closing = gap.lines;
        list
    }
}

impl<'a> List<'a> {
    /// Takes what stands on the line of the last entry, or of the opening bracket.
    fn take_behind(&mut self, gap: &mut Between<'a>) {
        let (after, trailing) = (std::mem::take(&mut gap.after), std::mem::take(&mut gap.trailing));
        match self.entries.last_mut() {
            Some(last) => {
                last.after = after;
                last.trailing = trailing;
            }
            None => self.opening = after.into_iter().chain(trailing).collect(),
        }
    }

    /// The last entry has no comma: what stood behind that stands behind the entry.
    fn settle(&mut self) {
        let Some(last) = self.entries.last_mut() else { return };
        let is_inline = |text: &&str| text.starts_with("/*") && !text.contains('\n');
        let inline = last.trailing.iter().take_while(|text| is_inline(text)).count();
        last.after.extend(last.trailing.drain(..inline));
    }
}

impl<'a> Entry<'a> {
    /// Takes the comments in front of it.
    fn take_head(&mut self, gap: Between<'a>) {
        let own = std::mem::take(&mut self.above);
        self.above = gap.lines;
        self.blank_before = gap.blank_before;
        if own.is_empty() {
            self.before = gap.before;
        } else {
            // Its own comments move above it, and so those in front of it do, in their order.
            let before = gap
                .before
                .into_iter()
                .zip(std::iter::once(gap.blank_before).chain(std::iter::repeat(false)));
            let before = before.map(|(text, blank_before)| Line { text, blank_before });
            self.above.extend(before);
            self.above.extend(own);
            self.blank_before = false;
        }
    }
}
