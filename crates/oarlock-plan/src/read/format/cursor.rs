//! Cursor's plans: front matter `todos`, each with `id`, `content`, `status` and sometimes `dependencies`, and a body that explains them. Where
//! headings or a table of the body say what the steps are, they are the steps; else each todo is one. Seen only: no grammar is published.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::format::outline::{Manner, Outline};
use crate::read::format::{changes, other, superpowers};
use crate::read::prose;
use crate::rule;
use crate::text::{clip, plain};

/// Lines in which the field is looked for.
const FRONT_LINES_MAX: usize = 200;

/// Whether a document has a list of todos in its front matter, and on which line it begins.
pub(super) fn list_of_todos(document: &Document<'_>) -> Option<usize> {
    (0..document.lines.len().min(FRONT_LINES_MAX))
        .find(|line| document.lines[*line].kind == Kind::Meta && document.raw(*line).starts_with("todos:"))
}

/// The steps of a plan of Cursor's.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let todos = todos(document, list_of_todos(document)?);
    let body = superpowers::read(document)
        .or_else(|| changes::read(document))
        .or_else(|| other::of_no_format(document))
        .or_else(|| labelled(document));
    // A body with fewer steps than there are todos leaves some of them out. Where todos say what they wait for, only a body that has as many
    // steps may stand for them.
    let says_needs = todos.iter().any(|todo| !todo.mark.needs.is_empty());
    let is_enough = |steps: usize| match says_needs {
        true => steps == todos.len(),
        false if rule::is_on(rule::ALL_TODOS) => steps >= todos.len(),
        false => steps * 2 > todos.len(),
    };
    if let Some(mut body) = body.filter(|body| is_enough(body.drafts.len())) {
        if body.drafts.len() == todos.len() {
            for (draft, todo) in body.drafts.iter_mut().zip(&todos) {
                draft.tick = draft.tick.or(todo.tick.filter(|done| *done));
                if says_needs {
                    (draft.kind, draft.id) = (todo.kind.clone(), todo.id.clone());
                    draft.mark.needs.extend(todo.mark.needs.iter().cloned());
                }
            }
        }
        return Some(body);
    }
    (!todos.is_empty()).then_some(Outline { drafts: todos, manner: Manner::Content })
}

/// The steps that headings of the body number.
fn labelled(document: &Document<'_>) -> Option<Outline> {
    let drafts = prose::labelled_steps(document);
    (drafts.len() > 1).then_some(Outline { drafts, manner: Manner::Content })
}

/// The entries of the list that begins at a line.
fn todos(document: &Document<'_>, from: usize) -> Vec<Draft> {
    let is_inside = |line: &usize| document.lines[*line].kind == Kind::Meta && document.raw(*line).starts_with([' ', '-', '\t']);
    let lines: Vec<usize> =
        (from + 1..document.lines.len()).take_while(is_inside).filter(|line| document.raw(*line).trim() != "---").collect();
    let starts: Vec<usize> = lines.iter().copied().filter(|line| document.raw(*line).trim_start().starts_with("- ")).collect();
    // Deeper items are the values of fields.
    let Some(indent) = starts.iter().map(|line| document.lines[*line].indent).min() else { return Vec::new() };
    let starts: Vec<usize> = starts.into_iter().filter(|line| document.lines[*line].indent == indent).take(STEPS_MAX + 1).collect();
    let end = lines.last().map_or(from, |last| last + 1);
    let stops = starts.iter().skip(1).copied().chain([end]);
    starts.iter().copied().zip(stops).enumerate().map(|(at, (line, stop))| todo(document, line, stop - 1, at + 1)).collect()
}

fn todo(document: &Document<'_>, line: usize, last: usize, n: usize) -> Draft {
    let field = |name: &str| {
        (line..=last).find_map(|at| {
            let text = clip(document.raw(at)).trim_start().trim_start_matches("- ").trim_start();
            let value = text.strip_prefix(name)?.strip_prefix(':')?.trim();
            (!value.is_empty()).then(|| value.trim_matches(['"', '\'']))
        })
    };
    let needs = (line..=last)
        .skip_while(|at| !clip(document.raw(*at)).trim_start().trim_start_matches("- ").starts_with("dependencies:"))
        .enumerate()
        .take_while(|(k, at)| *k == 0 || document.raw(*at).trim_start().starts_with("- "))
        .flat_map(|(_, at)| {
            let text = clip(document.raw(at)).trim_start().trim_start_matches("- ");
            let text = text.strip_prefix("dependencies:").unwrap_or(text).trim().trim_matches(['[', ']']);
            text.split(',').map(|id| id.trim().trim_matches(['"', '\'']).to_lowercase()).filter(|id| !id.is_empty()).collect::<Vec<_>>()
        })
        .collect();
    let title = field("content").map(plain).filter(|title| !title.is_empty());
    let done = field("status").is_some_and(|status| ["completed", "cancelled", "done"].contains(&status));
    let mut out = Draft {
        line,
        last,
        title: title.unwrap_or_else(|| format!("Todo {n}")),
        kind: "id".to_owned(),
        id: field("id").map_or_else(|| n.to_string(), str::to_lowercase),
        tick: Some(done),
        ..Draft::default()
    };
    out.mark.needs = needs;
    out
}
