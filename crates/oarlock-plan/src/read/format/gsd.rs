//! GSD: `<task type="auto">` with `<name>`, `<files>` and `<action>`. The tasks of one plan name their
//! files, and wait for what they use; parallelism is meant to be between plans.
//! Source: glittercowboy/get-shit-done, `get-shit-done/templates/phase-prompt.md`.

use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::format::fields::files;
use crate::read::format::outline::{Manner, Outline};
use crate::text::{clip, plain};

/// The tasks of a plan.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let mut drafts = Vec::new();
    let mut line = 0;
    while line < document.lines.len() && drafts.len() <= STEPS_MAX {
        // A plan that is driven by tests has one feature instead of tasks.
        let end = [("<task", "</task>"), ("<feature", "</feature>")].into_iter().find(|(tag, _)| is_tag(document.text(line), tag));
        let Some((_, end)) = end.filter(|_| document.lines[line].kind != Kind::Code) else {
            line += 1;
            continue;
        };
        let last = (line..document.lines.len()).find(|at| document.text(*at).contains(end)).unwrap_or(document.lines.len() - 1);
        drafts.push(draft(document, line, last, drafts.len() + 1));
        line = last + 1;
    }
    (!drafts.is_empty() && drafts.iter().any(|draft| !draft.mark.writes.is_empty())).then_some(Outline { drafts, manner: Manner::Content })
}

fn is_tag(text: &str, tag: &str) -> bool {
    text.strip_prefix(tag).is_some_and(|rest| rest.starts_with(['>', ' ']))
}

fn draft(document: &Document<'_>, line: usize, last: usize, n: usize) -> Draft {
    let field = |tag: &str| (line..=last).find(|at| document.text(*at).contains(tag));
    // A check by a person has no name, but says what it looks at or decides.
    let of_tag = |tag: &str| {
        let (_, rest) = field(tag).and_then(|at| clip(document.text(at)).split_once(tag))?;
        Some(rest.split("</").next().unwrap_or(rest)).filter(|text| !text.trim().is_empty())
    };
    let name = ["<name>", "<what-built>", "<decision>"].into_iter().find_map(of_tag);
    let name =
        name.map(|name| crate::read::label::of_heading(name).filter(|label| !label.rest.is_empty()).map_or(name, |label| label.rest));
    let title = name.map(plain).filter(|name| !name.is_empty()).unwrap_or_else(|| format!("Task {n}"));
    let mut out = Draft { line, last, title, kind: "task".to_owned(), id: n.to_string(), ..Draft::default() };
    if let Some(first) = field("<files>") {
        let end = (first..=last).find(|at| document.text(*at).contains("</files>")).unwrap_or(first);
        out.mark.writes = files(document, first, end);
    }
    out.mark.numbers_inside = true;
    out
}
