//! What is known about each step before any order is concluded: role, files, words, statements, minutes.
//! Here it is also decided whether the items of a phase become steps of their own.

use std::collections::HashMap;

use crate::claim::{self, Claimant};
use crate::document::{Document, Kind};
use crate::estimate;
use crate::files::{self, StepFiles};
use crate::overlap::{Id, Table};
use crate::refs::{self, Statements};
use crate::sections::{self, Listed, Section};
use crate::steps::{self, Draft};
use crate::text::clip;
use crate::words::{self, Role};

/// Different words of a step's text that are kept.
const TEXT_WORDS_MAX: usize = 400;
/// Words that name what a step makes that are kept.
const MADE_WORDS_MAX: usize = 24;

/// A step with all that is known about it.
#[derive(Debug)]
pub(crate) struct Fact {
    /// Where it stands.
    pub(crate) draft: Draft,
    /// What it does.
    pub(crate) role: Role,
    /// What it reads and writes.
    pub(crate) files: StepFiles,
    /// Numbers of the words that name what it makes.
    pub(crate) makes: Vec<u32>,
    /// Numbers of the words in the paths that it writes.
    pub(crate) makes_in: Vec<u32>,
    /// Whether its title speaks of something new, which an earlier step may have made.
    pub(crate) asks_new: bool,
    /// Numbers of the words that it uses, sorted.
    pub(crate) says: Vec<u32>,
    /// What it says about others.
    pub(crate) statements: Statements,
    /// Its place in the flow of data, when the whole plan is one.
    pub(crate) stage: Option<u8>,
    /// Group of steps that are said to run side by side.
    pub(crate) beside: Option<usize>,
    /// Minutes stated for it.
    pub(crate) minutes: Option<u64>,
    /// Minutes assumed from its phase.
    pub(crate) share: Option<u64>,
}

impl Fact {
    /// Whether all that it writes is known, so that independence can be shown.
    pub(crate) fn is_known(&self) -> bool {
        !self.files.writes.is_empty() && !self.files.partial
    }

    /// Whether it only looks at things that it names.
    pub(crate) fn looks_at_something(&self) -> bool {
        self.draft.looks && !self.files.mentions.is_empty()
    }
}

/// All facts of a document.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The steps, in document order.
    pub(crate) steps: Vec<Fact>,
    /// Their patterns.
    pub(crate) table: Table,
    /// The words that `makes` and `says` number.
    pub(crate) words: Vec<String>,
    /// Listed files that no step takes.
    pub(crate) unclaimed: Vec<String>,
}

/// Gathers the facts about the steps that `drafts` describe.
pub(crate) fn gather(document: &Document<'_>, sections: &[Section], drafts: Vec<Draft>, title: Option<&str>) -> Facts {
    let about: Vec<String> = title.map(words::naming_stems).unwrap_or_default();
    let (listed, _) = sections::listed_files(document, sections);
    let mut table = Table::default();
    listed.iter().for_each(|l| table.know(&l.pattern));
    let listed: Vec<(Id, &Listed)> = listed.iter().filter_map(|l| Some((table.intern(&l.pattern)?, l))).collect();
    let mut units = expand(document, drafts, &listed, &about, &mut table);
    if units.len() > 1 && units.iter().all(|u| u.draft.looks) {
        let after = units.last().map_or(0, |u| u.draft.last);
        units.extend(steps::deliverable(document, sections, after).map(Unit::of));
    }
    let (roles, mut files, mut unclaimed) = survey(document, &units, &listed, &about, &mut table);
    let mut roles = roles;
    // A guide that is listed but that no step writes is a step of its own, when it stands behind the plan.
    let last = units.last().map_or(0, |u| u.draft.last);
    if units.len() > 1 && !roles.contains(&Role::Document) {
        let guide = unclaimed.iter().position(|at| listed[*at].1.line > last && claim::is_document(&listed[*at].1.pattern));
        if let Some(k) = guide {
            let (id, file) = listed[unclaimed.remove(k)];
            let title = format!("Write {}", file.pattern.as_str());
            units.push(Unit::of(Draft { line: file.line, last: file.line, title, ..Draft::default() }));
            roles.push(Role::Document);
            files.push(StepFiles { writes: vec![id], ..StepFiles::default() });
        }
    }
    let unclaimed = unclaimed.iter().map(|at| listed[*at].1.pattern.as_str().to_owned()).collect();
    let mut lexicon = Lexicon::default();
    let staged = stages(&units);
    let known = Known { table: &table, about: &about };
    let mut steps: Vec<Fact> = units
        .into_iter()
        .zip(roles.into_iter().zip(files))
        .map(|(unit, (role, files))| fact(document, unit, role, files, &known, &mut lexicon))
        .collect();
    steps.iter_mut().zip(staged).for_each(|(step, stage)| step.stage = stage);
    let mut facts = Facts { steps, table, words: lexicon.words, unclaimed };
    drop_common_words(&mut facts);
    facts
}

/// A step to be, with what its phase adds.
#[derive(Debug)]
struct Unit {
    draft: Draft,
    /// Lines of the phase's own text, before its first item.
    header: Option<(usize, usize)>,
    beside: Option<usize>,
    share: Option<u64>,
}

impl Unit {
    fn of(draft: Draft) -> Self {
        Self { draft, header: None, beside: None, share: None }
    }
}

/// Phases whole, or their items where these write different files or are said to be parallel.
fn expand(document: &Document<'_>, drafts: Vec<Draft>, listed: &[(Id, &Listed)], about: &[String], table: &mut Table) -> Vec<Unit> {
    let alone = drafts.len() == 1;
    let parts: Vec<Unit> =
        drafts.iter().flat_map(|d| if d.items.len() < 2 { vec![Unit::of(d.clone())] } else { units_of_items(document, d, None) }).collect();
    if parts.len() > steps::STEPS_MAX {
        return drafts.into_iter().map(Unit::of).collect();
    }
    let (_, files, _) = survey(document, &parts, listed, about, table);
    let overlaps = table.overlaps();
    let mut out = Vec::new();
    let mut at = 0;
    for (group, draft) in drafts.into_iter().enumerate() {
        let count = if draft.items.len() < 2 { 1 } else { draft.items.len() };
        let own = &files[at..at + count];
        at += count;
        let parallel = refs::of_draft(document, &Draft { last: draft.line, ..draft.clone() }).parallel;
        let apart = || {
            let known: Vec<&StepFiles> = own.iter().filter(|f| !f.writes.is_empty() && !f.partial).collect();
            let meet =
                |a: &StepFiles, b: &StepFiles| a.writes.iter().any(|x| b.writes.iter().any(|y| x == y || overlaps.of(*x).contains(y)));
            known.iter().enumerate().any(|(k, a)| known[k + 1..].iter().any(|b| !meet(a, b)))
        };
        if count > 1 && (alone || parallel || (may_expand(&draft) && apart())) {
            out.extend(units_of_items(document, &draft, parallel.then_some(group)));
        } else {
            out.push(Unit::of(draft));
        }
    }
    out
}

/// Whether the items of a phase are work: those of an analysis or a test only say what it looks at.
fn may_expand(draft: &Draft) -> bool {
    if matches!(words::role_of(&draft.title), Role::Inspect | Role::Design | Role::Verify) {
        return false;
    }
    let works = |item: &&Draft| !item.id.is_empty() || words::makes_something(&item.title);
    draft.items.iter().filter(works).count() * 2 >= draft.items.len()
}

fn units_of_items(document: &Document<'_>, draft: &Draft, beside: Option<usize>) -> Vec<Unit> {
    let count = u64::try_from(draft.items.len()).unwrap_or(1);
    let share = stated_minutes(document, draft.line).map(|m| (m / count).max(1));
    let first = draft.items.first().map_or(draft.line, |i| i.line);
    draft
        .items
        .iter()
        .map(|item| Unit { draft: item.clone(), header: (draft.line < first).then(|| (draft.line, first - 1)), beside, share })
        .collect()
}

/// Roles and files of the units, the listed files given to those that fit.
fn survey(
    document: &Document<'_>,
    units: &[Unit],
    listed: &[(Id, &Listed)],
    about: &[String],
    table: &mut Table,
) -> (Vec<Role>, Vec<StepFiles>, Vec<usize>) {
    let mut files: Vec<StepFiles> = units.iter().map(|u| files::of_draft(document, &u.draft, table)).collect();
    let mut roles = Vec::with_capacity(units.len());
    let mut built = false;
    for (unit, files) in units.iter().zip(&files) {
        let role = role_of(&unit.draft, files, table, built);
        built |= matches!(role, Role::Build | Role::Foundation | Role::Integrate);
        roles.push(role);
    }
    let titles: Vec<(String, String)> = units.iter().map(|u| claim_texts(&u.draft)).collect();
    let claimants: Vec<Claimant<'_>> =
        titles.iter().zip(&roles).map(|((title, items), role)| Claimant { title, items, role: *role }).collect();
    let unclaimed = claim::claim_listed(listed, &claimants, &mut files, about);
    (roles, files, unclaimed)
}

/// The title, and for a phase the titles of its items.
fn claim_texts(draft: &Draft) -> (String, String) {
    let items: Vec<&str> = draft.items.iter().take(10).map(|i| i.title.as_str()).collect();
    (words::without_parentheses(&draft.title), items.join(" "))
}

fn role_of(draft: &Draft, files: &StepFiles, table: &Table, built: bool) -> Role {
    if draft.looks {
        return Role::Inspect;
    }
    let role = words::role_of(&draft.title);
    match role {
        // Looking again after something was built is checking it.
        Role::Inspect if built && files.writes.is_empty() => Role::Verify,
        Role::Build if files.writes.iter().any(|id| makes_base(table, *id)) => Role::Foundation,
        Role::Build if !files.writes.is_empty() && files.writes.iter().all(|id| claim::is_document(table.pattern(*id))) => Role::Document,
        role => role,
    }
}

fn makes_base(table: &Table, id: Id) -> bool {
    let name = table.pattern(id).as_str().rsplit('/').next().unwrap_or("");
    words::is_base_name(name.split('.').next().unwrap_or(name))
}

/// The data-flow stages of the steps, when all three stages occur.
fn stages(units: &[Unit]) -> Vec<Option<u8>> {
    let stages: Vec<Option<u8>> = units.iter().map(|u| words::flow_stage(&u.draft.title)).collect();
    if (1..=3).all(|s| stages.contains(&Some(s))) { stages } else { vec![None; units.len()] }
}

/// What holds for all steps.
struct Known<'a> {
    table: &'a Table,
    /// Words of the document's title.
    about: &'a [String],
}

#[derive(Debug, Default)]
struct Lexicon {
    numbers: HashMap<String, u32>,
    words: Vec<String>,
}

impl Lexicon {
    fn number(&mut self, word: String) -> u32 {
        if let Some(n) = self.numbers.get(&word) {
            return *n;
        }
        let n = u32::try_from(self.words.len()).expect("words are bounded by steps");
        self.words.push(word.clone());
        self.numbers.insert(word, n);
        n
    }
}

fn fact(document: &Document<'_>, unit: Unit, role: Role, files: StepFiles, known: &Known<'_>, lexicon: &mut Lexicon) -> Fact {
    let Unit { draft, header, beside, share } = unit;
    let title = words::without_parentheses(&draft.title);
    let paths: Vec<&str> = files.writes.iter().take(8).map(|id| known.table.pattern(*id).as_str()).collect();
    let names = paths.iter().flat_map(|p| words::naming_stems(p.rsplit('/').next().unwrap_or(p)));
    let makes: Vec<u32> = words::naming_stems(&title)
        .into_iter()
        .chain(names)
        .filter(|w| !known.about.contains(w))
        .chain(words::title_pairs(&title))
        .take(MADE_WORDS_MAX)
        .map(|w| lexicon.number(w))
        .collect();
    let makes_in = paths.iter().flat_map(|p| words::naming_stems(p)).take(MADE_WORDS_MAX).map(|w| lexicon.number(w)).collect();
    let says = said_words(document, &draft, lexicon);
    let asks_new = words::tokens(&title).iter().any(|w| w == "new");
    let mut statements = refs::of_draft(document, &draft);
    if let Some((line, last)) = header {
        let above = refs::of_draft(document, &Draft { line, last, ..Draft::default() });
        statements.list.extend(above.list);
        statements.declared |= above.declared;
    }
    let minutes = stated_minutes(document, draft.line);
    Fact { draft, role, files, makes, makes_in, says, asks_new, statements, stage: None, beside, minutes, share }
}

/// The words of a step's prose, and the pairs of words that its code joins into names.
fn said_words(document: &Document<'_>, draft: &Draft, lexicon: &mut Lexicon) -> Vec<u32> {
    let (mut prose, mut code) = (Vec::new(), Vec::new());
    for i in draft.line..=draft.last {
        let text = clip(document.text(i));
        match document.lines[i].kind {
            Kind::Text | Kind::Item(_) | Kind::Heading(_) if prose.len() < TEXT_WORDS_MAX => {
                prose.extend(words::naming_stems(text).into_iter().map(|w| lexicon.number(w)));
            }
            Kind::Code if code.len() < TEXT_WORDS_MAX => {
                let names = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| w.len() > 6);
                code.extend(names.flat_map(words::name_pairs).map(|w| lexicon.number(w)));
            }
            _ => {}
        }
    }
    prose.extend(code);
    prose.sort_unstable();
    prose.dedup();
    prose
}

/// Minutes in brackets on the step's first line, or in a field right below it.
fn stated_minutes(document: &Document<'_>, line: usize) -> Option<u64> {
    let text = clip(document.text(line));
    let in_brackets = text.split('(').skip(1).find_map(|part| {
        let inner = part.split(')').next().unwrap_or("").trim_start_matches(['~', ' ', '≈']);
        inner.starts_with(|c: char| c.is_ascii_digit() || c == 'e' || c == 'E').then(|| estimate::minutes_in(inner)).flatten()
    });
    in_brackets.or_else(|| {
        (line..document.lines.len().min(line + 4)).find_map(|i| {
            let text = clip(document.text(i)).to_lowercase();
            let (name, value) = text.split_once(':')?;
            let name = name.trim_matches(['*', ' ', '-']);
            let field = ["estimate", "estimated", "effort", "duration", "time", "estimated time", "estimated effort", "estimated minutes"];
            (i > line && field.contains(&name)).then(|| estimate::minutes_of_field(value.trim_matches(['*', ' ']))).flatten()
        })
    })
}

/// A word in more than half of the titles names no one of them.
fn drop_common_words(facts: &mut Facts) {
    let mut uses = vec![0_usize; facts.words.len()];
    for step in &facts.steps {
        step.makes.iter().for_each(|w| uses[*w as usize] += 1);
    }
    let count = facts.steps.len();
    if count < 3 {
        return;
    }
    for step in &mut facts.steps {
        step.makes.retain(|w| uses[*w as usize] * 2 <= count);
    }
}
