//! Kiro: `- [ ] 1. Parent` with `1.1`, `1.2` below it, `_Requirements: …_` as references, `[ ]*` for optional tasks, and `(P)` in a dialect.
//! Each task builds on those before it. Sources: kiro.dev, docs of specs; gotalab/cc-sdd, `tasks-generation.md` and `tasks-parallel-analysis.md`.

use std::collections::HashMap;

use crate::read::document::Document;
use crate::read::draft::STEPS_MAX;
use crate::read::entry::{self, is_part};
use crate::read::format::fields::{is_box, leaves, number_of};
use crate::read::format::outline::{Manner, Outline};

/// The tasks of a Kiro document.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let begins = |line: usize| is_box(document, line) && number_of(document, line).is_some();
    let all = entry::entries(document, 0, document.lines.len(), STEPS_MAX + 1, begins);
    if all.len() < 2 || !is_kiro(document) {
        return None;
    }
    let id = |line: usize| number_of(document, line).map_or("", |(id, _)| id);
    let steps = leaves(document, &all, |whole, part| is_part(id(part.line), id(whole.line)));
    let mut parents: HashMap<&str, usize> = HashMap::new();
    let mut begun = all.iter().peekable();
    let mut drafts = Vec::with_capacity(steps.len());
    for step in steps {
        while let Some(entry) = begun.next_if(|entry| entry.line <= step.line) {
            parents.insert(id(entry.line), entry.line);
        }
        let (id, title) = number_of(document, step.line)?;
        let mut draft = entry::draft(document, step, "", id, title.trim_start_matches("(P)").trim_start());
        let parent = parents.get(id.split('.').next().unwrap_or(id)).copied();
        draft.mark.group = parent.unwrap_or(step.line) + 1;
        draft.mark.part = draft.mark.group;
        draft.mark.beside = title.starts_with("(P)") || title.ends_with("(P)");
        if let Some((_, title)) = parent.filter(|parent| *parent < step.line).and_then(|parent| number_of(document, parent)) {
            draft.phase = Some(crate::text::plain(title));
        }
        drafts.push(draft);
    }
    Some(Outline { drafts, manner: Manner::Sequence })
}

/// Whether a document has the marks of Kiro: references to requirements, optional or parallel tasks, checkpoints, or its title.
fn is_kiro(document: &Document<'_>) -> bool {
    let references = ["_requirements", "**validates:", "_boundary", "_depends", "_要件", "_需求", "_requisitos", "requirements:"];
    let title = document
        .headings
        .first()
        .is_some_and(|h| h.level == 1 && document.text(h.line).trim().to_lowercase().ends_with("implementation plan"));
    title
        || (0..document.lines.len()).any(|line| {
            let raw = document.raw(line);
            let optional = is_box(document, line) && raw.contains("[ ]*");
            let text = document.text(line);
            optional
                || (text.len() < 300
                    && (text.starts_with(['_', '*', '要', '需', 'R', 'r']))
                    && references.iter().any(|mark| text.to_lowercase().starts_with(mark)))
        })
}
