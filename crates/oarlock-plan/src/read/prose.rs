//! Finding the steps: which section holds the work, and where each step begins and ends.
//! A phase keeps its items as candidates; whether they become steps of their own is decided when their files are known.

use crate::PlanError;
use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, Origin, STEPS_MAX, last_line};
use crate::read::items::{self, top_items};
use crate::read::label::{self, Label};
use crate::read::sections::{self, Class, Section};
use crate::rule;
use crate::text::words;
use crate::text::{clip, is_placeholder, plain};

/// A phase with more items is kept whole.
const PHASE_ITEMS_MAX: usize = 100;

/// So many paragraphs with a title in bold type are a list of work.
const PARAGRAPHS_MIN: usize = 3;
/// So many files to change are a list of work, where nothing else is.
const FILES_MIN: usize = 3;
/// Any list of an explained section counts more than they do.
const PARAGRAPHS_SCORE: i32 = 20;

/// How the steps of a region are written; the clearer form wins between regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Bullets,
    Subheadings,
    List,
    Labelled,
}

struct Candidate {
    score: i32,
    shape: Shape,
    word: String,
    drafts: Vec<Draft>,
    /// Whether each of them begins in bold type.
    bold: bool,
    class: Class,
}

impl Candidate {
    /// Whether it is another piece of the same plan, further down.
    fn continues(&self, before: &Self) -> bool {
        // Sections in which every item has a title in bold type are of one hand.
        let is_alike = self.word == before.word || (self.bold && before.bold);
        let same = self.score == before.score && self.shape == before.shape && is_alike;
        same && before.drafts.last().zip(self.drafts.first()).is_some_and(|(a, b)| a.last < b.line)
    }
}

/// The steps of the lines from `from` up to `to`, of which it is known that they hold the plan.
pub(crate) fn between(document: &Document<'_>, from: usize, to: usize) -> Vec<Draft> {
    extract(document, &[(from, to)]).map_or_else(Vec::new, |(drafts, _)| drafts)
}

/// The steps of `document` where headings with labels say what they are; else none.
pub(crate) fn labelled_steps(document: &Document<'_>) -> Vec<Draft> {
    let best = best(document, &sections::sections(document)).filter(|best| best.shape == Shape::Labelled && best.class != Class::Criteria);
    best.map_or_else(Vec::new, |best| best.drafts)
}

fn best(document: &Document<'_>, sections: &[Section]) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    for region in regions(document, sections) {
        let Some(candidate) = candidate(document, &region) else {
            continue;
        };
        match &mut best {
            Some(b) if candidate.score > b.score => best = Some(candidate),
            // "Backend tasks" and "Frontend tasks" are one plan.
            Some(b) if candidate.continues(b) => b.drafts.extend(candidate.drafts),
            Some(_) => {}
            None => best = Some(candidate),
        }
    }
    best
}

/// The steps of `document`, in order; empty when it has none.
pub(crate) fn find(document: &Document<'_>, sections: &[Section]) -> Result<(Vec<Draft>, Origin), PlanError> {
    let best = best(document, sections);
    // Lists are plainer than paragraphs, unless they only stand in a corner of the document.
    let paragraphs = items::bold_paragraphs(document, &open_spans(document, sections));
    if paragraphs.len() >= PARAGRAPHS_MIN && best.as_ref().is_none_or(|best| best.score < PARAGRAPHS_SCORE) {
        return Ok((paragraphs, Origin::Plan));
    }
    let is_weak = best.as_ref().is_none_or(|best| best.class == Class::Criteria && !names_files(document, &best.drafts));
    let of_files = if is_weak { items::of_file_lists(document, sections) } else { Vec::new() };
    if of_files.len() >= FILES_MIN && rule::is_on(rule::FILE_STEPS) {
        return Ok((of_files, Origin::Files));
    }
    let Some(mut best) = best else {
        return Ok((Vec::new(), Origin::Plan));
    };
    if best.shape == Shape::List {
        items::go_on(document, sections, &mut best.drafts);
    }
    if best.drafts.len() > STEPS_MAX {
        return Err(PlanError::TooManySteps { limit: STEPS_MAX });
    }
    let origin = if best.class == Class::Criteria { Origin::Criteria } else { Origin::Plan };
    Ok((best.drafts, origin))
}

/// Whether more than one in four of the steps names a file.
fn names_files(document: &Document<'_>, drafts: &[Draft]) -> bool {
    let names = |draft: &&Draft| (draft.line..=draft.last).any(|i| !document.paths(i, 1).is_empty());
    drafts.iter().filter(names).count() * 4 > drafts.len()
}

/// All lines but those of sections that are known to hold no work.
fn open_spans(document: &Document<'_>, sections: &[Section]) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut from = 0;
    for section in sections.iter().filter(|s| matches!(s.class, Class::Talk | Class::Criteria | Class::Writes | Class::Reads)) {
        if section.line >= from {
            spans.push((from, section.line));
            from = section.end;
        }
    }
    spans.push((from, document.lines.len()));
    spans.retain(|(a, b)| a < b);
    spans
}

/// A section in which steps may stand, without those of its sub-sections that are for something else.
struct Region<'a> {
    title: &'a str,
    class: Class,
    root: bool,
    /// Whether it is the list of steps of another one.
    is_nested: bool,
    spans: Vec<(usize, usize)>,
}

fn regions<'a>(document: &Document<'a>, sections: &[Section]) -> Vec<Region<'a>> {
    let mut out = vec![root_region(document, sections)];
    for (at, section) in sections.iter().enumerate() {
        let begins = match section.class {
            Class::Plan | Class::Details | Class::Criteria => section.own_class,
            Class::Other => section.level > 1 || at > 0,
            _ => false,
        };
        if !begins {
            continue;
        }
        let mut spans = Vec::new();
        let mut from = section.line + 1;
        let mut skip_to = 0;
        for inner in sections[at + 1..].iter().take_while(|s| s.line < section.end) {
            let foreign = inner.own_class && !matches!(inner.class, Class::Step) && inner.class != section.class;
            if inner.line >= skip_to && foreign {
                spans.push((from, inner.line));
                skip_to = inner.end;
                from = inner.end;
            }
        }
        spans.push((from, section.end));
        spans.retain(|(a, b)| a < b);
        let is_nested = names_steps(document, section) && is_only_list_of_steps(document, sections, at);
        out.push(Region { title: document.text(section.line), class: section.class, root: false, is_nested, spans });
    }
    out
}

/// What stands directly below the title: text in no section, and sections that are steps themselves.
fn root_region<'a>(document: &Document<'a>, sections: &[Section]) -> Region<'a> {
    let mut spans = Vec::new();
    let mut from = 0;
    let mut skip_to = 0;
    // Without a section that is called a plan, numbered headings of no other purpose are the plan.
    let has_plan = sections.iter().any(|s| s.own_class && matches!(s.class, Class::Plan | Class::Details));
    let is_numbered = |s: &Section| !has_plan && s.class == Class::Other && label::of_heading(document.text(s.line)).is_some();
    for (at, section) in sections.iter().enumerate() {
        let is_title = at == 0 && section.level == 1;
        if is_title {
            // The title names the task, even when it looks like a label.
            spans.push((from, section.line));
            from = section.line + 1;
            continue;
        }
        if section.line < skip_to {
            continue;
        }
        if section.class == Class::Step || is_numbered(section) {
            skip_to = section.end;
        } else {
            spans.push((from, section.line));
            skip_to = section.end;
            from = section.end;
        }
    }
    spans.push((from, document.lines.len()));
    spans.retain(|(a, b)| a < b);
    Region { title: "", class: Class::Other, root: true, is_nested: false, spans }
}

/// "Implementation steps": the section is a list of steps by its name.
pub(crate) fn names_steps(document: &Document<'_>, section: &Section) -> bool {
    let title = document.text(section.line).to_lowercase();
    let last = title.trim_end_matches(|c: char| !c.is_alphanumeric()).rsplit(' ').next().unwrap_or_default().to_owned();
    section.class == Class::Plan && section.own_class && ["steps", "tasks", "todos"].contains(&last.as_str())
}

/// Whether a section stands in one on how to work as its only list of steps: what the outer one lists before it is an overview.
fn is_only_list_of_steps(document: &Document<'_>, sections: &[Section], at: usize) -> bool {
    let inner = &sections[at];
    let outer = sections[..at].iter().rev().find(|outer| outer.level < inner.level && inner.line < outer.end);
    outer.is_some_and(|outer| {
        let siblings = sections.iter().filter(|other| outer.line < other.line && other.line < outer.end);
        outer.class == Class::Plan && outer.own_class && siblings.filter(|other| names_steps(document, other)).count() == 1
    })
}

fn candidate(document: &Document<'_>, region: &Region<'_>) -> Option<Candidate> {
    let looks = looks_at_things(region.title);
    let (mut drafts, shape) = extract(document, &region.spans)?;
    drafts.retain(|draft| !forbids(&draft.title));
    if drafts.is_empty() {
        return None;
    }
    for draft in &mut drafts {
        draft.looks = looks;
        draft.items.iter_mut().for_each(|item| item.looks = looks);
    }
    let base = match region.class {
        Class::Plan => 40,
        Class::Details => 30,
        _ if shape == Shape::Labelled && region.root => 40,
        _ if shape == Shape::Labelled => 32,
        Class::Criteria => 10,
        _ if shape == Shape::List => 20,
        _ => 5,
    };
    let form = match shape {
        Shape::Labelled => 6,
        Shape::List => 4,
        Shape::Subheadings => 2,
        Shape::Bullets => 1,
    };
    let single = if drafts.len() == 1 && drafts[0].items.len() < 2 { -26 } else { 0 };
    let word = region.title.split_whitespace().last().unwrap_or("").to_lowercase();
    let bold = drafts.iter().all(|draft| document.text(draft.line).starts_with("**"));
    // One alone is a remark, unless it is written as its neighbours are.
    let single = if bold && shape == Shape::Bullets { 0 } else { single };
    let nested = i32::from(region.is_nested);
    Some(Candidate { score: base + form + single + nested, shape, word, drafts, bold, class: region.class })
}

/// "Step 0: Do not change" says what is left alone.
fn forbids(title: &str) -> bool {
    let lower = title.to_lowercase();
    ["do not ", "don't ", "don’t ", "no changes", "out of scope", "what not to "].iter().any(|start| lower.starts_with(start))
}

/// "Folders to analyze", "Audit checklist".
fn looks_at_things(title: &str) -> bool {
    let lower = title.trim().to_lowercase();
    [
        "to analyze",
        "to analyse",
        "to review",
        "to audit",
        "to check",
        "to inspect",
        "to evaluate",
        "to research",
        "audit",
        "audits",
        "audit checklist",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

/// A heading, or a line in bold type, with a label.
struct Head<'a> {
    line: usize,
    rank: usize,
    label: Label<'a>,
    text: &'a str,
}

fn extract(document: &Document<'_>, spans: &[(usize, usize)]) -> Option<(Vec<Draft>, Shape)> {
    let mut heads: Vec<(Head<'_>, usize)> = Vec::new();
    let mut subheadings: Vec<(usize, u8, usize)> = Vec::new();
    for (from, to) in spans {
        for i in *from..*to {
            if let Some(head) = head(document, i) {
                heads.push((head, *to));
            }
            if let Kind::Heading(level) = document.lines[i].kind {
                subheadings.push((i, level, *to));
            }
        }
    }
    let items = top_items(document, spans, true);
    if let Some(rank) = heads.iter().map(|(h, _)| h.rank).min() {
        let tops = heads.iter().filter(|(h, _)| h.rank == rank);
        // One labelled heading behind a list is a remark on the list, not the plan.
        let list_first = items.len() >= 2 && heads.first().is_some_and(|(h, _)| items[0].line < h.line);
        if tops.count() >= 2 || !list_first {
            return Some((labelled(document, &heads, rank), Shape::Labelled));
        }
    }
    if !items.is_empty() {
        return Some((with_phases(document, items, &subheadings), Shape::List));
    }
    if subheadings.len() >= 2 {
        let level = subheadings.iter().map(|s| s.1).min()?;
        let drafts = subheadings.iter().filter(|s| s.1 == level).take(STEPS_MAX + 1);
        let drafts: Vec<Draft> = drafts.map(|(line, level, to)| below_heading(document, *line, *level, *to)).collect();
        return (!drafts.is_empty()).then_some((drafts, Shape::Subheadings));
    }
    let items = top_items(document, spans, false);
    (!items.is_empty()).then(|| (with_phases(document, items, &subheadings), Shape::Bullets))
}

fn head<'a>(document: &Document<'a>, i: usize) -> Option<Head<'a>> {
    let text = clip(document.text(i));
    match document.lines[i].kind {
        Kind::Heading(level) => {
            let label = label::of_heading(text)?;
            // A number alone marks a step only where the heading is otherwise no talk: "2. Risks" is none.
            let short = label.rest.split_whitespace().count() <= 2;
            let talk = label.kind.is_empty() && short && sections::class_of(label.rest) == Class::Talk;
            (!talk).then_some(Head { line: i, rank: usize::from(level), label, text })
        }
        Kind::Text if text.starts_with("**") && document.lines[i].indent < 4 => {
            let inner = &text[2..];
            let bold = inner.split_once("**").map_or(inner, |(bold, _)| bold);
            let label = label::of_heading(bold)?;
            let rank = 7 + label.id.matches('.').count();
            Some(Head { line: i, rank, label, text })
        }
        _ => None,
    }
}

fn labelled(document: &Document<'_>, heads: &[(Head<'_>, usize)], rank: usize) -> Vec<Draft> {
    let tops: Vec<usize> = (0..heads.len()).filter(|h| heads[*h].0.rank == rank).take(STEPS_MAX + 1).collect();
    let mut out = Vec::with_capacity(tops.len());
    for (k, at) in tops.iter().enumerate() {
        let (head, limit) = &heads[*at];
        let next = tops.get(k + 1).map_or(heads.len(), |n| *n);
        let stop = heads.get(next).map_or(*limit, |(h, _)| h.line.min(*limit));
        let stop = section_stop(document, head.line, stop, rank);
        let mut draft = draft_of_head(document, head, stop);
        let inner: Vec<&Head<'_>> = heads[at + 1..next].iter().map(|(h, _)| h).filter(|h| h.line < stop).collect();
        draft.items = inner_items(document, &inner, head.line + 1, stop);
        set_phase(&mut draft);
        out.push(draft);
    }
    out
}

/// A heading of the step's own level or above ends the step even when it is no step itself.
fn section_stop(document: &Document<'_>, line: usize, stop: usize, rank: usize) -> usize {
    (line + 1..stop).find(|i| matches!(document.lines[*i].kind, Kind::Heading(level) if usize::from(level) <= rank.min(6))).unwrap_or(stop)
}

fn draft_of_head(document: &Document<'_>, head: &Head<'_>, stop: usize) -> Draft {
    let mut title = plain(head.label.rest);
    if !title.chars().any(char::is_alphanumeric) || title.starts_with('(') {
        title = plain(head.text);
    }
    Draft {
        line: head.line,
        last: last_line(document, head.line, stop),
        title,
        kind: head.label.kind.clone(),
        id: head.label.id.clone(),
        ..Draft::default()
    }
}

/// What a phase consists of: labelled parts, else list items.
fn inner_items(document: &Document<'_>, heads: &[&Head<'_>], from: usize, stop: usize) -> Vec<Draft> {
    if heads.len() > PHASE_ITEMS_MAX {
        return Vec::new();
    }
    let Some(rank) = heads.iter().map(|h| h.rank).min() else {
        let items = top_items(document, &[(from, stop)], true);
        let items = if items.is_empty() { top_items(document, &[(from, stop)], false) } else { items };
        let items = if items.is_empty() {
            if rule::is_on(rule::BOLD) { items::bold_orders(document, from, stop) } else { Vec::new() }
        } else {
            items
        };
        return if items.len() > PHASE_ITEMS_MAX { Vec::new() } else { items };
    };
    let tops: Vec<&&Head<'_>> = heads.iter().filter(|h| h.rank == rank).collect();
    let ends = tops.iter().skip(1).map(|h| h.line).chain([stop]);
    tops.iter().zip(ends).map(|(h, end)| draft_of_head(document, h, end)).collect()
}

fn set_phase(draft: &mut Draft) {
    let label = (draft.kind.clone(), draft.id.clone());
    let phase = if draft.kind.is_empty() || draft.kind == "id" {
        draft.title.clone()
    } else {
        format!("{} {}: {}", capital(&draft.kind), draft.id, draft.title)
    };
    for item in &mut draft.items {
        item.phase = Some(phase.clone());
        item.phase_label = Some(label.clone());
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn below_heading(document: &Document<'_>, line: usize, level: u8, to: usize) -> Draft {
    let stop = section_stop(document, line, to, usize::from(level));
    let items = inner_items(document, &[], line + 1, stop);
    let mut draft =
        Draft { line, last: last_line(document, line, stop), title: plain(clip(document.text(line))), items, ..Draft::default() };
    set_phase(&mut draft);
    draft
}

fn with_phases(document: &Document<'_>, mut items: Vec<Draft>, subheadings: &[(usize, u8, usize)]) -> Vec<Draft> {
    for item in &mut items {
        let above = subheadings.partition_point(|s| s.0 < item.line);
        if let Some((line, _, _)) = above.checked_sub(1).and_then(|i| subheadings.get(i)) {
            item.phase = Some(plain(clip(document.text(*line))));
        }
    }
    items
}

/// The step that hands over what a list of things to look at leads to: the document's "Deliverable" section.
pub(crate) fn deliverable(document: &Document<'_>, sections: &[Section], after: usize) -> Option<Draft> {
    let at = sections.iter().position(|s| s.class == Class::Deliverable && s.own_class && s.line > after)?;
    let section = &sections[at];
    let line = (section.line + 1..section.end).find(|i| !matches!(document.lines[*i].kind, Kind::Blank | Kind::Rule | Kind::Meta))?;
    let title = plain(clip(document.text(line)));
    let last = last_line(document, line, section.end);
    // A template of it that stands just above is part of it.
    let above = at.checked_sub(1).map(|k| &sections[k]).filter(|s| s.line > after && s.end == section.line);
    let is_form = |s: &&Section| {
        let words = words::tokens(document.text(s.line));
        words.iter().any(|w| ["template", "format", "structure", "outline"].contains(&w.as_str()))
    };
    let line = above.filter(is_form).map_or(line, |s| s.line);
    (!is_placeholder(&title)).then(|| Draft { line, last, title, ..Draft::default() })
}
