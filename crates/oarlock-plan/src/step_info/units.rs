//! Units: the steps to be, before anything is known about how they hang together: phases whole or their items, what role
//! each has, and which files each takes.

use std::collections::{HashMap, HashSet};

use oarlock_model::pattern::Pattern;

use crate::read::document::Document;
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::sections::Listed;
use crate::rule;
use crate::step_info::claim::{self, Claimant};
use crate::step_info::estimate;
use crate::step_info::files::{self, StepFiles};
use crate::step_info::inherit;
use crate::step_info::overlap::{Id, Table};
use crate::step_info::references;
use crate::text::titles::{self, Role};
use crate::text::words;
use crate::text::{List, clip, name_of};

/// Extensions of files that an inspection may leave behind.
static FINDINGS: List = List::new("md, mdx, rst, adoc, txt, csv, tsv, json, jsonl, ndjson, yaml, yml, toml, xml, html, log, pdf, svg, png");

/// A step to be, with what its phase adds.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Where it stands.
    pub(crate) draft: Draft,
    /// Lines of the phase's own text, before its first item.
    pub(crate) header: Option<(usize, usize)>,
    /// Group of steps that are said to run side by side.
    pub(crate) beside: Option<usize>,
    /// Its share of the minutes stated for the phase.
    pub(crate) share: Option<u64>,
    /// Line of the phase that it was taken out of because its parts seemed to be apart.
    pub(crate) taken_from: Option<usize>,
}

impl Unit {
    /// A step that stands for itself.
    pub(crate) fn of(draft: Draft) -> Self {
        Self { draft, header: None, beside: None, share: None, taken_from: None }
    }
}

/// Finds out about units, and remembers what it read: the parts of phases are looked at before it is known whether they become units.
#[derive(Debug)]
pub(crate) struct Surveyor<'a> {
    document: &'a Document<'a>,
    listed: &'a [(Id, &'a Listed)],
    /// Words of the document's title.
    about: &'a [String],
    /// What drafts show by themselves, by their lines and whether they only look.
    read: HashMap<(usize, usize, bool), StepFiles>,
}

impl<'a> Surveyor<'a> {
    /// Of the steps of `document`, whose title says `about` and whose lists of files name `listed`.
    pub(crate) fn new(document: &'a Document<'a>, listed: &'a [(Id, &'a Listed)], about: &'a [String]) -> Self {
        Self { document, listed, about, read: HashMap::new() }
    }

    /// Phases whole, or their items where these write different files or are said to be parallel; those of the lines `whole` stay whole
    /// unless the document says otherwise.
    pub(crate) fn expand(&mut self, drafts: Vec<Draft>, whole: &HashSet<usize>, table: &mut Table) -> Vec<Unit> {
        let document = self.document;
        let alone = drafts.len() == 1;
        let parts: Vec<Unit> = drafts
            .iter()
            .flat_map(|d| if d.items.len() < 2 { vec![Unit::of(d.clone())] } else { units_of_items(document, d, None) })
            .collect();
        if parts.len() > STEPS_MAX {
            return drafts.into_iter().map(Unit::of).collect();
        }
        // Where no list names files, nobody takes any by a role.
        let files: Vec<StepFiles> = match self.listed {
            [] => parts.iter().map(|part| self.files_of(&part.draft, table)).collect(),
            _ => self.survey(&parts, table).1,
        };
        let overlaps = table.overlaps();
        let mut out = Vec::new();
        let mut at = 0;
        for (group, draft) in drafts.into_iter().enumerate() {
            let count = if draft.items.len() < 2 { 1 } else { draft.items.len() };
            let own = &files[at..at + count];
            at += count;
            let parallel = references::of_draft(document, &Draft { last: draft.line, ..draft.clone() }).parallel;
            let apart = || {
                let known: Vec<&StepFiles> = own.iter().filter(|f| !f.writes.is_empty() && !f.partial).collect();
                let meet =
                    |a: &StepFiles, b: &StepFiles| a.writes.iter().any(|x| b.writes.iter().any(|y| x == y || overlaps.of(*x).contains(y)));
                known.iter().enumerate().any(|(k, a)| known[k + 1..].iter().any(|b| !meet(a, b)))
            };
            let is_told = alone || parallel;
            if count > 1 && (is_told || (rule::is_on(rule::PARTS) && !whole.contains(&draft.line) && may_expand(&draft, own) && apart())) {
                let units = units_of_items(document, &draft, parallel.then_some(group));
                out.extend(units.into_iter().map(|unit| Unit { taken_from: (!is_told).then_some(draft.line), ..unit }));
            } else {
                out.push(Unit::of(draft));
            }
        }
        out
    }

    /// Roles and files of the units, the listed files given to those that fit.
    pub(crate) fn survey(&mut self, units: &[Unit], table: &mut Table) -> (Vec<Role>, Vec<StepFiles>, Vec<usize>) {
        let mut files: Vec<StepFiles> = units.iter().map(|u| self.files_of(&u.draft, table)).collect();
        inherit::from_above(self.document, units, &mut files);
        let mut roles = Vec::with_capacity(units.len());
        let mut built = false;
        for (unit, files) in units.iter().zip(&files) {
            let role = role_of(&unit.draft, files, self.listed, table, built);
            built |= matches!(role, Role::Build | Role::Foundation | Role::Integrate);
            roles.push(role);
        }
        if self.listed.is_empty() {
            return (roles, files, Vec::new());
        }
        let titles: Vec<(String, String)> = units.iter().map(|u| claim_texts(&u.draft)).collect();
        let claimants: Vec<Claimant<'_>> =
            titles.iter().zip(&roles).map(|((title, items), role)| Claimant { title, items, role: *role }).collect();
        let unclaimed = claim::claim_listed(self.listed, &claimants, &mut files, self.about);
        (roles, files, unclaimed)
    }

    fn files_of(&mut self, draft: &Draft, table: &mut Table) -> StepFiles {
        let key = (draft.line, draft.last, draft.looks);
        let document = self.document;
        let read = || {
            let mut own = files::of_draft(document, draft, table);
            // A field of the format says all that is written, and so does the first line of a task whose boxes are its details.
            let mut first_line = || files::of_draft(document, &Draft { last: draft.line, items: Vec::new(), ..draft.clone() }, table);
            // What a step that begins with its file has below it is what happens to that file.
            let is_told = draft.mark.numbers_inside || titles::begins_with_path(&draft.title);
            if !draft.mark.writes.is_empty() || (is_told && own.partial && !first_line().writes.is_empty()) {
                own.partial = false;
                own.by_topic = false;
            }
            // A box "Read the old format in `import.ts`" of a list of work has its place in that file.
            if draft.mark.group > 0 && own.writes.is_empty() && own.mentions.len() == 1 && is_placed(document, draft) {
                own.writes.extend(own.mentions.iter().copied().filter(|id| makes_code(table, *id)));
                own.by_topic = true;
                own.mentions.retain(|id| !own.writes.contains(id));
            }
            if draft.mark.writes_are_all {
                let spoken_of = std::mem::take(&mut own.writes);
                spoken_of.into_iter().for_each(|id| files::push_bounded(&mut own.mentions, id));
            }
            // In another language no verb is known: the first line of a task tells what it works on.
            if draft.mark.group > 0 && is_foreign(&draft.title) {
                for id in document.paths(draft.line, FOREIGN_PATHS_MAX).iter().filter_map(|found| table.intern(&found.pattern)) {
                    files::push_bounded(&mut own.writes, id);
                    own.mentions.retain(|other| *other != id);
                }
            }
            if !draft.mark.writes.is_empty() {
                // "`db.rs`" in the prose is the file of the field, whose path is known there.
                let of_field = |id: &Id, table: &Table| {
                    let bare = table.pattern(*id).as_str().trim_start_matches("**/");
                    draft.mark.writes.iter().any(|own| own.as_str() == bare || own.as_str().ends_with(&format!("/{bare}")))
                };
                own.writes.retain(|id| !of_field(id, table));
                own.mentions.retain(|id| !of_field(id, table));
                own.in_code.retain(|id| !of_field(id, table));
            }
            for id in draft.mark.writes.iter().filter_map(|pattern| table.intern(pattern)) {
                files::push_bounded(&mut own.writes, id);
                own.mentions.retain(|other| *other != id);
                own.in_code.retain(|other| *other != id);
            }
            own
        };
        self.read.entry(key).or_insert_with(read).clone()
    }
}

/// Paths of a line in another language that are taken.
const FOREIGN_PATHS_MAX: usize = 16;

/// Whether a title is written in a script of another language.
fn is_foreign(title: &str) -> bool {
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    title.chars().filter(|c| c.is_alphabetic() && !c.is_ascii() && *c > '\u{24f}').count() * 8 > letters
}

/// Whether the first line of a step is a sentence of reading or scanning that ends in the place of a file: "… in `import.ts`".
fn is_placed(document: &Document<'_>, draft: &Draft) -> bool {
    let text = clip(document.text(draft.line));
    let reads = words::each_token(&draft.title).next().is_some_and(|word| ["read", "scan", "search", "list", "get"].contains(&&*word));
    let found = document.paths(draft.line, 2);
    let [path] = found.as_slice() else { return false };
    let before = text[..path.start].trim_end_matches(['`', '*', ' ']).to_lowercase();
    reads && before.ends_with(" in") && !text[path.end..].contains(char::is_alphanumeric)
}

/// Whether the items of a phase are work: those of an analysis or a test only say what it looks at.
fn may_expand(draft: &Draft, own: &[StepFiles]) -> bool {
    if matches!(titles::role_of(&draft.title), Role::Inspect | Role::Design | Role::Verify) {
        return false;
    }
    // Below "Create the script" the items say what it does, unless each begins with a file of its own: "Port the handlers".
    let is_about = |files: &StepFiles| files.by_topic && !files.writes.is_empty();
    let by_topic = !titles::makes_something(&draft.title) || own.iter().all(|files| !files.writes.is_empty());
    let works =
        |(item, files): &(&Draft, &StepFiles)| !item.id.is_empty() || titles::makes_something(&item.title) || (by_topic && is_about(files));
    draft.items.iter().zip(own).filter(works).count() * 2 >= draft.items.len()
}

fn units_of_items(document: &Document<'_>, draft: &Draft, beside: Option<usize>) -> Vec<Unit> {
    let count = u64::try_from(draft.items.len()).unwrap_or(1);
    let share = estimate::stated(document, draft.line, draft.last).map(|m| (m / count).max(1));
    let first = draft.items.first().map_or(draft.line, |i| i.line);
    draft
        .items
        .iter()
        .map(|item| Unit {
            draft: item.clone(),
            header: (draft.line < first).then(|| (draft.line, first - 1)),
            beside,
            share,
            taken_from: None,
        })
        .collect()
}

/// The title, and for a phase the titles of its items.
fn claim_texts(draft: &Draft) -> (String, String) {
    let items: Vec<&str> = draft.items.iter().take(10).map(|i| i.title.as_str()).collect();
    (words::without_parentheses(&draft.title), items.join(" "))
}

fn role_of(draft: &Draft, files: &StepFiles, listed: &[(Id, &Listed)], table: &Table, built: bool) -> Role {
    if draft.looks {
        return Role::Inspect;
    }
    let role = match titles::role_of(&draft.title) {
        Role::Inspect if names_a_thing(&draft.title, files, listed, table) => Role::Build,
        Role::Inspect if draft.mark.group > 0 && files.writes.iter().any(|id| makes_code(table, *id)) => Role::Build,
        role => role,
    };
    match role {
        // Looking again after something was built is checking it, and checking before anything is built is a look.
        Role::Inspect if built && files.writes.is_empty() => Role::Verify,
        Role::Verify if !built && files.writes.is_empty() && titles::begins_a_look(&draft.title) => Role::Inspect,
        // "TLS verification" that changes code is a thing that is built.
        Role::Verify if !titles::begins_a_check(&draft.title) && files.writes.iter().any(|id| makes_code(table, *id)) => Role::Build,
        // "Document the methods in `store.rs`" changes code.
        Role::Document if !draft.mark.writes.is_empty() && files.writes.iter().all(|id| makes_code(table, *id)) => Role::Build,
        Role::Build | Role::Foundation if !files.writes.is_empty() && files.writes.iter().all(|id| files::is_test(table.pattern(*id))) => {
            Role::Verify
        }
        Role::Build if files.writes.iter().any(|id| makes_base(table, *id)) => Role::Foundation,
        Role::Build if !files.writes.is_empty() && files.writes.iter().all(|id| files::is_document(table.pattern(*id))) => Role::Document,
        role => role,
    }
}

/// Whether a title such as "Search" names what is built and not a look at things: it makes a file of that name, in code.
/// A file of prose or data shows nothing, because an inspection writes its findings into one.
fn names_a_thing(title: &str, files: &StepFiles, listed: &[(Id, &Listed)], table: &Table) -> bool {
    let of_list: Vec<&Pattern> = listed.iter().map(|(_, l)| &l.pattern).collect();
    let own: Vec<&Pattern> = files.writes.iter().map(|id| table.pattern(*id)).collect();
    let mut code = if own.is_empty() { of_list } else { own };
    code.retain(|p| is_code(p));
    if titles::is_feature(title) {
        return !code.is_empty();
    }
    let looks = words::inspect_stems(title);
    code.iter().any(|p| words::each_token(p.as_str()).any(|w| looks.iter().any(|look| look == words::stem(&w))))
}

fn is_code(pattern: &Pattern) -> bool {
    let name = name_of(pattern.as_str());
    name.rsplit_once('.').is_some_and(|(_, extension)| !FINDINGS.has(&extension.to_ascii_lowercase()))
}

fn makes_code(table: &Table, id: Id) -> bool {
    let pattern = table.pattern(id);
    is_code(pattern) && pattern.is_literal() && !files::is_test(pattern)
}

fn makes_base(table: &Table, id: Id) -> bool {
    let name = name_of(table.pattern(id).as_str());
    titles::is_base_name(name.split('.').next().unwrap_or(name))
}

/// The data-flow stages of the steps, when all three stages occur.
pub(crate) fn stages(units: &[Unit]) -> Vec<Option<u8>> {
    let stages: Vec<Option<u8>> = units.iter().map(|u| titles::flow_stage(&u.draft.title)).collect();
    if (1..=3).all(|s| stages.contains(&Some(s))) { stages } else { vec![None; units.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(title: &str, writes: &[&str]) -> Role {
        let mut table = Table::default();
        let ids = writes.iter().map(|w| table.intern(&Pattern::parse(w).expect("a path")).expect("room")).collect();
        let files = StepFiles { writes: ids, ..StepFiles::default() };
        role_of(&Draft { title: title.to_owned(), ..Draft::default() }, &files, &[], &table, false)
    }

    #[test]
    fn a_component_named_search_is_built_and_not_looked_at() {
        for (title, writes, want) in [
            ("Search", &["src/index.rs"][..], Role::Build),
            ("Word search (45 min)", &["src/index.rs"], Role::Build),
            ("Audit log", &["src/audit/log.rs"], Role::Build),
            ("Search", &["found.md"], Role::Inspect),
            ("Search the logs", &["src/index.rs"], Role::Inspect),
            ("Audit", &["src/index.rs"], Role::Inspect),
            ("Search", &[], Role::Inspect),
        ] {
            assert_eq!(role(title, writes), want, "{title} {writes:?}");
        }
    }
}
