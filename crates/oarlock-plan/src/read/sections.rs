//! What the sections of a document are for: work, files, criteria, or talk; and the fields and file lists beside the work.
//! A section is judged by its heading alone, so that the same text means the same in every document.

use std::sync::LazyLock;

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};
use crate::read::label;
use crate::text::durations;
use crate::text::phrases::{Groups, Phrases};
use crate::text::words;
use crate::text::{List, clip};

/// Most files that are taken from the file lists of a document.
const LISTED_MAX: usize = 500;

/// Lines below a listed file that tell of it.
const ABOUT_LINES_MAX: usize = 4;

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Says what to do, in steps: approach, plan, tasks.
    Plan,
    /// Says what is to be done in some other form: implementation details, deliverables, "X to fix".
    Details,
    /// Conditions for being done.
    Criteria,
    /// Files that the work creates or changes.
    Writes,
    /// Files that the work reads.
    Reads,
    /// What is handed over at the end.
    Deliverable,
    /// Is itself a step: "Phase 2: …".
    Step,
    /// Background, risks, rollback, notes: not work.
    Talk,
    /// Nothing is known.
    Other,
}

/// A section: a heading with its extent and its class.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Index of the heading's line.
    pub(crate) line: usize,
    /// 1 to 6.
    pub(crate) level: u8,
    /// Index of the first line behind it.
    pub(crate) end: usize,
    /// What it is for; sub-sections of unknown purpose share their parent's.
    pub(crate) class: Class,
    /// Whether the heading itself told the class.
    pub(crate) own_class: bool,
}

/// A file of a list such as "Files to modify".
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// What it stands for.
    pub(crate) pattern: Pattern,
    /// Index of its line.
    pub(crate) line: usize,
    /// What the list says of it, behind its path and in the lines below.
    pub(crate) about: String,
    /// Whether a drawn tree shows it, which may show more than the work touches.
    pub(crate) drawn: bool,
}

/// The lists of what headings say.
const CRITERIA: Groups = 1;
const FILE: Groups = 1 << 1;
const CHANGED: Groups = 1 << 2;
const LOOKED_AT: Groups = 1 << 3;
const DELIVERABLE: Groups = 1 << 4;
const TALK: Groups = 1 << 5;
const PLAN: Groups = 1 << 6;
const DETAILS: Groups = 1 << 7;

/// Words and phrases of headings, list by list.
static LISTS: [(Groups, List); 8] = [
    (
        CRITERIA,
        List::new(
            "success criteria, post-condition, postcondition, acceptance, exit criteria, completion criteria, definition of done, done \
     when, done means, done criteria, success indicators",
        ),
    ),
    (FILE, List::new("file")),
    // What "files …" says when they are written.
    (CHANGED, List::new("create, modif, chang, updat, add, edit, touch, affected, new, delet, to write, generat, remov")),
    // What it says when they are only read.
    (LOOKED_AT, List::new("read, review, related, check, reference, key, input")),
    (DELIVERABLE, List::new("deliverable")),
    (
        TALK,
        List::new(
            "context, background, objective, goal, overview, summary, motivation, note, rollback, risk, \
     impact, dependenc, reference, related, problem, current state, analysis results, finding, \
     example, expected, outcome, completion, metadata, decision, rationale, why, assumption, \
     constraint, out of scope, non-goal, glossary, history, timeline, schedule, estimate, effort, \
     dates, metric, question, alternative, template, specification, technical, architecture, data \
     source, usage, output format, testing, test plan, test strategy, test cases, validation, \
     verification, resources, links, appendix, learning, status, log, schema, directory \
     structure, file location, analysis criteria, warning, principle, evidence, root cause, \
     pattern, delegation, priority score, priority justification, blocker, indicators, results, \
     outside, later, ground rule, rules of, convention, not for this, description, introduction, purpose, benefit, what was, follow-up, lessons, research \
     conclusion, monitoring, troubleshooting, faq, contact, license",
        ),
    ),
    (
        PLAN,
        List::new(
            "approach, plan, steps, tasks, subtasks, sub-tasks, phases, todo, to do, to-do, checklist, \
     work items, workstreams, work breakdown, components, actions, action items, solution, \
     instructions, procedure, execution, work, milestones, stages, waves, order, sprints, ordine, ordre, orden, ordem, reihenfolge, schritte, umsetzung, \
     fasi, fases, phasen, etapes, etapas, pasos, passos, passi, tareas, tarefas, aufgaben",
        ),
    ),
    (DETAILS, List::new("implementation, next, requirements, changes, improvements, fixes, features, scope")),
];

/// Words of sections that order, check or retell the work and hold none of it.
const NO_WORK: [&str; 28] = [
    "development workflow",
    "git workflow",
    "estimation",
    "criteria",
    "checklist",
    "quality",
    "gate",
    "verif",
    "validat",
    "definition of done",
    "acceptance",
    "success",
    "milestone",
    "order",
    "overview",
    "summary",
    "strategy",
    "parallel",
    "dependenc",
    "self-review",
    "review",
    "requirement",
    "file list",
    "legend",
    "metric",
    "priorit",
    "created",
    "next ",
];

/// Words of sections whose boxes are no work of now.
const NOT_NOW: [&str; 17] = [
    "resolved",
    "done",
    "completed",
    "finished",
    "archive",
    "history",
    "log",
    "ideas",
    "someday",
    "icebox",
    "wishlist",
    "out of scope",
    "deferred",
    "postponed",
    "later",
    "future",
    "beyond",
];

/// Whether a section holds what was done or may be done some day, by its title in lower case.
pub(crate) fn is_not_now(title: &str) -> bool {
    let words = words::tokens(title);
    NOT_NOW.iter().any(|word| if word.contains(' ') { title.contains(word) } else { words.iter().any(|own| own == word) })
}

/// Whether a section orders, checks or retells the work and holds none of it, by its title in lower case.
pub(crate) fn holds_no_work(title: &str) -> bool {
    NO_WORK.iter().any(|word| title.contains(word))
}

/// All of them. They match where a word begins, so that "risk" finds "risks".
static HEADS: LazyLock<Phrases> = LazyLock::new(|| {
    let of_list = |(group, list): &'static (Groups, List)| list.iter().map(move |phrase| (format!(" {phrase}"), *group));
    Phrases::new(LISTS.iter().flat_map(of_list))
});

/// Talk as a section of its own, work as a part of a plan.
static WORK_BELOW_PLAN: List = List::new(
    "testing, tests, validation, verification, monitoring, schema, architecture, specification, \
     template",
);

/// The sections of `document`, in order, each with its class.
pub(crate) fn sections(document: &Document<'_>) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::with_capacity(document.headings.len());
    let mut open: Vec<usize> = Vec::new();
    let title_line = document.headings.first().filter(|h| h.level == 1).map(|h| h.line);
    for heading in &document.headings {
        while open.last().is_some_and(|s| out[*s].level >= heading.level) {
            open.pop();
        }
        let title = clip(document.text(heading.line));
        let own = class_of(title);
        let inherited = open.last().map_or(Class::Other, |s| out[*s].class);
        let is_title = Some(heading.line) == title_line;
        let class = match own {
            _ if is_title => Class::Other,
            // Below talk everything is talk, except for lists of files; and a step's sub-sections belong to the step.
            Class::Other | Class::Plan | Class::Details | Class::Step if inherited == Class::Talk => Class::Talk,
            Class::Other => inherited,
            _ if matches!(inherited, Class::Plan | Class::Details | Class::Step) && is_work(title, own) => inherited,
            own => own,
        };
        open.push(out.len());
        let own_class = own != Class::Other && class == own;
        out.push(Section { line: heading.line, level: heading.level, end: heading.end, class, own_class });
    }
    out
}

/// Whether a heading below a plan is one of its parts although it would be something else by itself: "Testing", "2. Files to move".
fn is_work(title: &str, own: Class) -> bool {
    let numbered = label::of_heading(title).is_some();
    let lower = title.to_lowercase();
    match own {
        Class::Writes | Class::Reads => numbered,
        Class::Talk if numbered => title.split_whitespace().count() > 3 || WORK_BELOW_PLAN.iter().any(|w| lower.contains(w)),
        Class::Talk => WORK_BELOW_PLAN.iter().any(|w| lower.contains(w)),
        _ => false,
    }
}

/// The class that a heading shows by itself.
pub(crate) fn class_of(title: &str) -> Class {
    if label::of_heading(title).is_some_and(|l| !l.kind.is_empty()) {
        return Class::Step;
    }
    let title = label::of_heading(title).map_or(title, |l| l.rest);
    let bare = words::without_parentheses(title);
    let title = if bare.trim().is_empty() { title } else { bare.as_str() };
    let lower: String = title.to_lowercase().chars().map(|c| if c.is_alphanumeric() || "-/ ".contains(c) { c } else { ' ' }).collect();
    let lower = format!(" {} ", lower.split_whitespace().collect::<Vec<_>>().join(" "));
    let said = HEADS.in_text(&lower);
    let has = |list: Groups| said & list != 0;
    if has(CRITERIA) {
        return Class::Criteria;
    }
    if has(FILE) {
        if has(CHANGED) {
            return Class::Writes;
        }
        if has(LOOKED_AT) {
            return Class::Reads;
        }
    }
    if has(DELIVERABLE) {
        return Class::Deliverable;
    }
    if has(TALK) {
        return Class::Talk;
    }
    // "Violations to fix", "Folders to analyze", "What to build".
    let ends_in_verb = lower.rsplit_once(" to ").is_some_and(|(_, verb)| verb.split_whitespace().count() == 1);
    if ends_in_verb {
        return Class::Details;
    }
    if has(PLAN) {
        return Class::Plan;
    }
    if has(DETAILS) { Class::Details } else { Class::Other }
}

/// The files of the lists "Files to modify", "Files to create" and the like.
pub(crate) fn listed_files(document: &Document<'_>, sections: &[Section]) -> (Vec<Listed>, Vec<Pattern>) {
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for (at, section) in sections.iter().enumerate().filter(|(_, s)| s.own_class) {
        let reading = match section.class {
            Class::Writes => false,
            Class::Reads => true,
            _ => continue,
        };
        let end = sections.get(at + 1).map_or(section.end, |s| s.line.min(section.end));
        let base = (section.line + 1..end).find(|i| matches!(document.lines[*i].kind, Kind::Item(_))).map(|i| document.lines[i].indent);
        for i in section.line + 1..end {
            let line = &document.lines[i];
            let nested = base.is_some_and(|b| line.indent > b + 1);
            if writes.len() + reads.len() >= LISTED_MAX || !matches!(line.kind, Kind::Item(_) | Kind::Text) {
                continue;
            }
            let text = clip(document.text(i));
            if nested {
                if let Some(Listed { about, .. }) = writes.last_mut().filter(|l: &&mut Listed| i <= l.line + ABOUT_LINES_MAX) {
                    about.push(' ');
                    about.push_str(text);
                }
                continue;
            }
            let lower = text.to_lowercase();
            let only_read = reading || lower.contains("(reference") || lower.contains("(read");
            // One word, which may be several paths: `src/{a,b}.rs`.
            for found in document.paths(i, 1) {
                if only_read {
                    reads.push(found.pattern);
                } else {
                    let about = text[found.end..].to_owned();
                    writes.push(Listed { pattern: found.pattern, line: i, about, drawn: false });
                }
            }
        }
    }
    (writes, reads)
}

/// The estimate of the whole task, in minutes, from a field such as `**Estimated Effort:** 2-3 hours`.
pub(crate) fn total_minutes(document: &Document<'_>) -> Option<u64> {
    let fields = document.lines.iter().enumerate().filter(|(_, l)| matches!(l.kind, Kind::Text | Kind::Item(_) | Kind::Meta));
    fields.take(5_000).find_map(|(i, _)| {
        let text = clip(document.text(i)).trim_start_matches('*').trim_start();
        let (name, value) = text.split_once(':')?;
        let name = name.to_lowercase().replace(['*', '_'], " ");
        let words: Vec<&str> = name.split_whitespace().collect();
        let first = *words.first()?;
        let estimate = words.len() <= 4
            && (first.starts_with("estimat") || first == "effort" || words.get(1).is_some_and(|w| w.starts_with("estimat")));
        if !estimate || words.contains(&"tokens") || words.contains(&"lines") {
            return None;
        }
        let value = value.trim_start_matches('*');
        if words.contains(&"minutes") { durations::minutes_of_field(value) } else { durations::minutes_in(value) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_show_what_they_are_for() {
        for (title, class) in [
            ("Approach", Class::Plan),
            ("Implementation Plan", Class::Plan),
            ("Subtasks (Plan → Build)", Class::Plan),
            ("✅ Success Criteria", Class::Criteria),
            ("Acceptance Criteria Checklist", Class::Criteria),
            ("Files to Create/Modify", Class::Writes),
            ("New Files", Class::Writes),
            ("Files to Read", Class::Reads),
            ("Rollback Plan", Class::Talk),
            ("Test Plan", Class::Talk),
            ("Implementation Notes", Class::Talk),
            ("Folders to Analyze", Class::Details),
            ("Implementation Details", Class::Details),
            ("Phase 2: Context", Class::Step),
            ("Deliverables", Class::Deliverable),
            ("Suggested implementation order", Class::Plan),
            ("Post-conditions", Class::Criteria),
            ("Bananas", Class::Other),
            ("", Class::Other),
        ] {
            assert_eq!(class_of(title), class, "{title}");
        }
    }

    #[test]
    fn fields_give_the_whole_estimate() {
        for (source, want) in [
            ("**Estimated Minutes:** 40\n", Some(40)),
            ("# T\n**Estimated Effort**: 2-3 hours\n", Some(150)),
            ("---\nestimated_minutes: 90\n---\n", Some(90)),
            ("**Original Estimate:** 180 minutes (~3 hours)\n", Some(180)),
            ("**Estimated Tokens:** 40 minutes\n", None),
            ("Prose about an hour: 60 minutes\n", None),
        ] {
            assert_eq!(total_minutes(&Document::read(source).expect("small")), want, "{source}");
        }
    }

    #[test]
    fn file_lists_name_what_is_written() {
        let source = "## Files to Modify\n- `a.rs` (new)\n  - uses `b.rs`\n- `c.rs` (REFERENCE)\n### Files to read\n- d.rs\n";
        let document = Document::read(source).expect("small");
        let (writes, reads) = listed_files(&document, &sections(&document));
        let texts: Vec<_> = writes.iter().map(|l| l.pattern.as_str()).collect();
        assert_eq!(texts, ["a.rs"]);
        assert_eq!(reads.len(), 2);
    }
}
