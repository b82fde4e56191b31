//! List items as steps: which items are of the outermost level, and where each ends.

use std::collections::HashSet;

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX, last_line};
use crate::read::label;
use crate::read::sections::{Class, Section};
use crate::text::titles;
use crate::text::{clip, plain};

/// An item with more nested ones is kept whole.
const FILES_BELOW_MAX: usize = 50;

/// The list items of the outermost level: numbered ones and check boxes, or with `strict` off any.
pub(crate) fn top_items(document: &Document<'_>, spans: &[(usize, usize)], strict: bool) -> Vec<Draft> {
    let mut out = Vec::new();
    for (from, to) in spans {
        let mut block = *from;
        while block < *to && out.len() <= STEPS_MAX {
            // Each sub-heading begins a block with an indentation of its own.
            let end = (block + 1..*to).find(|i| matches!(document.lines[*i].kind, Kind::Heading(_))).unwrap_or(*to);
            block_items(document, block, end, strict, &mut out);
            block = end;
        }
    }
    out
}

fn block_items(document: &Document<'_>, from: usize, to: usize, strict: bool, out: &mut Vec<Draft>) {
    let is_item = |i: &usize| matches!(document.lines[*i].kind, Kind::Item(_));
    let Some(base) = (from..to).filter(is_item).map(|i| document.lines[i].indent).min() else {
        return;
    };
    let counts = |i: &usize| {
        let line = document.lines[*i];
        matches!(line.kind, Kind::Item(n) if !strict || n.is_some() || line.tick.is_some()) && line.indent <= base + 1
    };
    let tops: Vec<usize> = (from..to).filter(counts).take(STEPS_MAX + 1).collect();
    for (k, line) in tops.iter().enumerate() {
        let next = tops.get(k + 1).copied();
        let stop = item_stop(document, *line, next, to);
        out.push(draft_of_item(document, *line, stop));
    }
}

/// The line at which a list item ends.
fn item_stop(document: &Document<'_>, line: usize, next: Option<usize>, to: usize) -> usize {
    let limit = next.unwrap_or(to);
    let number = |i: usize| match document.lines[i].kind {
        Kind::Item(n) => n,
        _ => None,
    };
    // Text between "3." and "4." belongs to 3, even when it is not indented.
    let goes_on = next.is_some_and(|n| number(n).zip(number(line)).is_some_and(|(b, a)| b == a.saturating_add(1)));
    let base = document.lines[line].indent;
    (line + 1..limit)
        .find(|i| {
            let l = document.lines[*i];
            match l.kind {
                Kind::Heading(_) | Kind::Rule => true,
                Kind::Text | Kind::Item(_) => !goes_on && l.indent <= base && document.lines[i - 1].kind == Kind::Blank,
                _ => false,
            }
        })
        .unwrap_or(limit)
}

fn draft_of_item(document: &Document<'_>, line: usize, stop: usize) -> Draft {
    let text = clip(document.text(line));
    let bold = text.strip_prefix("**").and_then(|t| t.split_once("**")).map(|(bold, _)| bold);
    let label = bold.and_then(label::of_heading).or_else(|| label::of_heading(text)).filter(|l| !l.kind.is_empty());
    let (kind, id) = match (&label, document.lines[line].kind) {
        (Some(l), _) => (l.kind.clone(), l.id.clone()),
        (None, Kind::Item(Some(n))) => (String::new(), n.to_string()),
        _ => (String::new(), String::new()),
    };
    let title = label.filter(|l| l.rest.chars().any(char::is_alphanumeric)).map_or_else(|| plain(text), |l| plain(l.rest));
    let mut draft =
        Draft { line, last: last_line(document, line, stop), title, kind, id, tick: document.lines[line].tick, ..Draft::default() };
    draft.items = files_below(document, &draft);
    draft
}

/// Nested items that each begin with a file of their own: "2. Port the handlers:" and one line for each.
fn files_below(document: &Document<'_>, draft: &Draft) -> Vec<Draft> {
    let is_item = |i: &usize| matches!(document.lines[*i].kind, Kind::Item(_));
    let Some(base) = (draft.line + 1..=draft.last).filter(is_item).map(|i| document.lines[i].indent).min() else {
        return Vec::new();
    };
    let lines: Vec<usize> = (draft.line + 1..=draft.last).filter(is_item).filter(|i| document.lines[*i].indent <= base + 1).collect();
    let begins_with_file = |i: &usize| document.paths(*i, 1).first().is_some_and(|found| found.start <= 2);
    if lines.len() < 2 || lines.len() > FILES_BELOW_MAX || !lines.iter().all(begins_with_file) {
        return Vec::new();
    }
    let stops = lines.iter().skip(1).copied().chain([draft.last + 1]);
    let item = |(line, stop): (usize, usize)| Draft {
        line,
        last: last_line(document, line, stop),
        title: plain(clip(document.text(line))),
        phase: Some(draft.title.clone()),
        ..Draft::default()
    };
    lines.iter().copied().zip(stops).map(item).collect()
}

/// The items of lists such as "Files to modify", where each begins with a file.
pub(crate) fn of_file_lists(document: &Document<'_>, sections: &[Section]) -> Vec<Draft> {
    let lists = sections.iter().filter(|s| s.class == Class::Writes && s.own_class);
    let items: Vec<Draft> = lists.flat_map(|s| top_items(document, &[(s.line + 1, s.end)], false)).take(STEPS_MAX + 1).collect();
    // Lists below a list are in both; and what is only read is no step.
    let mut seen = HashSet::new();
    let is_read = |item: &Draft| ["(reference", "(read"].iter().any(|mark| document.text(item.line).to_lowercase().contains(mark));
    let items: Vec<Draft> = items.into_iter().filter(|item| seen.insert(item.line) && !is_read(item)).collect();
    let begins_with_file = |item: &Draft| document.paths(item.line, 1).first().is_some_and(|found| found.start <= 2);
    if items.iter().all(begins_with_file) { items } else { Vec::new() }
}

/// Adds the items further down that go on with the numbers of a list: "3." below a later heading, where the list ended with "2.".
pub(crate) fn go_on(document: &Document<'_>, sections: &[Section], drafts: &mut Vec<Draft>) {
    let number = |draft: &Draft| match document.lines[draft.line].kind {
        Kind::Item(number) => number,
        _ => None,
    };
    let rises = drafts.iter().zip(1..).all(|(draft, n)| number(draft) == Some(n));
    let (Some(last), true) = (drafts.last(), rises && drafts.len() > 1) else { return };
    let (from, indent) = (last.last + 1, document.lines[last.line].indent);
    for section in sections.iter().filter(|section| section.line >= from && section.class == Class::Other) {
        let end =
            sections.iter().map(|other| other.line).find(|line| *line > section.line).unwrap_or(document.lines.len()).min(section.end);
        let items = top_items(document, &[(section.line + 1, end)], true);
        let counts = |draft: &&Draft| document.lines[draft.line].indent == indent;
        for item in items.iter().filter(counts) {
            let next = u32::try_from(drafts.len() + 1).ok();
            if number(item).is_some() && number(item) == next && drafts.len() <= STEPS_MAX {
                drafts.push(item.clone());
            }
        }
    }
}

/// Lines in bold type that each say what to make, with code or text below: "**Update parser.rs:**".
pub(crate) fn bold_orders(document: &Document<'_>, from: usize, to: usize) -> Vec<Draft> {
    let begins = |i: &usize| {
        let text = clip(document.text(*i));
        let bold = text.strip_prefix("**").and_then(|text| text.split_once("**")).map(|(bold, _)| bold);
        document.lines[*i].kind == Kind::Text && bold.is_some_and(titles::makes_something)
    };
    let tops: Vec<usize> = (from..to).filter(begins).take(STEPS_MAX + 1).collect();
    let stops = tops.iter().skip(1).copied().chain([to]);
    tops.iter().zip(stops).map(|(line, stop)| draft_of_item(document, *line, stop)).collect()
}

/// Paragraphs that begin with a title in bold type, each up to the next one or to a heading. Fields such as "**Status:** open" are none.
pub(crate) fn bold_paragraphs(document: &Document<'_>, spans: &[(usize, usize)]) -> Vec<Draft> {
    let begins = |i: usize| {
        let after_gap = i == 0 || matches!(document.lines[i - 1].kind, Kind::Blank | Kind::Heading(_) | Kind::Rule);
        let bold = clip(document.text(i)).strip_prefix("**").and_then(|text| text.split_once("**")).map(|(bold, _)| bold.trim());
        let is_field = |bold: &str| bold.ends_with(':') && document.lines.get(i + 1).is_none_or(|next| next.kind != Kind::Text);
        document.lines[i].kind == Kind::Text
            && after_gap
            && bold.is_some_and(|bold| bold.chars().any(char::is_alphabetic) && !is_field(bold))
    };
    let mut out = Vec::new();
    for (from, to) in spans {
        let tops: Vec<usize> = (*from..*to).filter(|i| begins(*i)).take(STEPS_MAX + 1).collect();
        for (k, line) in tops.iter().enumerate() {
            let limit = tops.get(k + 1).copied().unwrap_or(*to);
            let stop = (line + 1..limit).find(|i| matches!(document.lines[*i].kind, Kind::Heading(_) | Kind::Rule)).unwrap_or(limit);
            out.push(draft_of_item(document, *line, stop));
        }
    }
    out
}
