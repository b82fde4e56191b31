//! Task files of an epic (ccpm): front matter with `depends_on`, `parallel` and `conflicts_with`, which speak of other files. The steps are the
//! numbered list of the section on how to implement it; criteria and the boxes of other tasks are none. Source: automazeio/ccpm,
//! `skill/ccpm/references/structure.md`.

use crate::read::document::Document;
use crate::read::format::outline::{Manner, Outline};
use crate::read::prose;
use crate::text::clip;

/// The steps of a task file, where it has such a list.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let has = |key: &str| document.front_matter(key).is_some();
    if !has("depends_on") || !(has("parallel") || has("conflicts_with")) {
        return None;
    }
    let is_plan = |line: usize| {
        let title = clip(document.text(line)).to_lowercase();
        ["implementation", "approach", "steps", "plan"].iter().any(|word| title.contains(word))
    };
    let plans = document.headings.iter().filter(|heading| heading.level > 1 && is_plan(heading.line));
    let lists = plans.map(|heading| prose::between(document, heading.line + 1, heading.end));
    let drafts = lists.into_iter().find(|drafts| drafts.len() > 1 && drafts.iter().all(|draft| !draft.id.is_empty()))?;
    Some(Outline { drafts, manner: Manner::Content })
}
