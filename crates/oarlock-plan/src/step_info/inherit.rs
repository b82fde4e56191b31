//! What steps write that name no file themselves: the file in the heading or the box that they are below, the file of the type that they
//! change, and the one file that their group is called after. The first two are stated; the rest only show what a step is likely to touch.

use std::collections::HashMap;

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::read::entry;
use crate::step_info::files::{self, StepFiles, is_test};
use crate::step_info::overlap::{Id, Table};
use crate::step_info::units::Unit;
use crate::text::titles::Role;
use crate::text::verbs::{self, Deed};
use crate::text::words::{naming_stems, tokens};
use crate::text::{clip, name_of};

/// A heading with more files is about all of them.
const ABOVE_FILES_MAX: usize = 3;
/// Boxes above a step that may hold it.
const HOLDERS_MAX: usize = 3;
/// Lines above a step in which the box that holds it is looked for.
const ABOVE_LINES_MAX: usize = 200;
/// Files of one name that a test may be for.
const TESTED_MAX: usize = 8;
/// Shortest name of a type that is looked for.
const TYPE_CHARS_MIN: usize = 6;

/// Gives files to the `units` that name none.
pub(crate) fn fill(document: &Document<'_>, units: &[Unit], roles: &[Role], files: &mut [StepFiles], table: &mut Table) {
    let mut taken = vec![false; document.lines.len()];
    for unit in units {
        taken[unit.draft.line..=unit.draft.last].fill(true);
    }
    let types = types(files, table);
    for (at, unit) in units.iter().enumerate() {
        if let Some(id) = below_file(document, &unit.draft, &taken, table).filter(|_| files[at].writes.is_empty() || files[at].by_topic) {
            let spoken_of = std::mem::take(&mut files[at].writes);
            files[at].mentions.extend(spoken_of);
            take(&mut files[at], vec![id], false);
            continue;
        }
        if !files[at].writes.is_empty() || !works(roles[at]) {
            continue;
        }
        let stated = [of_types(&unit.draft, &types), above(document, &unit.draft, &taken, table)];
        let found = stated.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        let found: Vec<Id> = found.into_iter().filter(|id| suits(&unit.draft, table.pattern(*id))).collect();
        take(&mut files[at], found, false);
    }
    of_groups(document, units, roles, files, table);
    speak_of_tested(files, table);
}

/// Who writes `table.test.ts` or `test_table.py` speaks of `table.ts` and `table.py`.
fn speak_of_tested(files: &mut [StepFiles], table: &Table) {
    let stem = |id: &Id| {
        let name = name_of(table.pattern(*id).as_str()).to_ascii_lowercase();
        let name = name.split('.').next().unwrap_or_default().to_owned();
        let bare = ["test_", "test-"].into_iter().find_map(|mark| name.strip_prefix(mark)).unwrap_or(&name);
        ["_test", "-test", "_spec", "-spec"].into_iter().find_map(|mark| bare.strip_suffix(mark)).unwrap_or(bare).to_owned()
    };
    let is_plain = |id: &&Id| table.pattern(**id).is_literal();
    let mut tested: HashMap<String, Vec<Id>> = HashMap::new();
    for id in files.iter().flat_map(|files| &files.writes).filter(is_plain).filter(|id| !is_test(table.pattern(**id))) {
        tested.entry(stem(id)).or_default().push(*id);
    }
    for own in files {
        let tests = own.writes.iter().filter(is_plain).filter(|id| is_test(table.pattern(**id)));
        let found: Vec<Id> = tests.flat_map(|id| tested.get(&stem(id)).into_iter().flatten().copied()).take(TESTED_MAX).collect();
        for id in found.into_iter().filter(|id| !own.writes.contains(id)).collect::<Vec<_>>() {
            files::push_bounded(&mut own.mentions, id);
        }
    }
}

/// An item of a group that names code and no file works on the file of the nearest item above: "Write a failing test `testTides()`" below
/// "Create the test file `tests/tides.rs`". This is found before the roles, which rest on it.
pub(crate) fn from_above(document: &Document<'_>, units: &[Unit], files: &mut [StepFiles]) {
    for at in 1..units.len() {
        let (above, own) = (&units[at - 1].draft, &units[at].draft);
        let is_of_group = own.mark.group > 0 && own.mark.group == above.mark.group && own.mark.part == above.mark.part;
        let is_silent = files[at].writes.is_empty() && document.paths(own.line, 1).is_empty();
        if is_of_group && is_silent && calls_code(clip(document.text(own.line))) {
            let id = files[at - 1].writes.first().copied();
            files[at].writes.extend(id);
            files[at].by_topic = true;
            files[at].mentions.retain(|mention| Some(*mention) != id);
        }
    }
}

/// Whether a line sets a call as code: "`testTides()`".
fn calls_code(text: &str) -> bool {
    text.split('`').skip(1).step_by(2).any(|span| span.ends_with("()") || span.contains('(') && span.ends_with(')'))
}

fn works(role: Role) -> bool {
    matches!(role, Role::Foundation | Role::Build | Role::Integrate | Role::Document | Role::Finish)
}

fn take(files: &mut StepFiles, found: Vec<Id>, is_guess: bool) {
    if found.is_empty() {
        return;
    }
    files.by_topic = true;
    files.partial |= is_guess;
    for id in found {
        files::push_bounded(&mut files.writes, id);
        files.mentions.retain(|other| *other != id);
        files.in_code.retain(|other| *other != id);
    }
}

/// Tests are written in files of tests, and nothing else is.
fn suits(draft: &Draft, pattern: &Pattern) -> bool {
    let speaks_of_tests = tokens(&draft.title).iter().any(|word| ["test", "tests", "testing", "spec", "specs"].contains(&word.as_str()));
    speaks_of_tests == is_test(pattern)
}

/// The file whose name alone is the heading above an item: what is listed there is to be done to it, in whatever words.
fn below_file(document: &Document<'_>, draft: &Draft, taken: &[bool], table: &mut Table) -> Option<Id> {
    let before = document.headings.partition_point(|heading| heading.line <= draft.line);
    let line = before.checked_sub(1).map(|at| document.headings[at].line).filter(|line| !taken[*line])?;
    let found = document.paths(line, 2);
    let [path] = found.as_slice() else { return None };
    let text = clip(document.text(line));
    let is_rest_empty = !text[..path.start].contains(char::is_alphabetic) && !text[path.end..].contains(char::is_alphanumeric);
    let is_item = matches!(document.lines[draft.line].kind, Kind::Item(_));
    if is_item && is_rest_empty && path.pattern.is_literal() { table.intern(&path.pattern) } else { None }
}

/// The files that the innermost heading above a step names, or else the box that holds it; none where the step stands in another one.
fn above(document: &Document<'_>, draft: &Draft, taken: &[bool], table: &mut Table) -> Vec<Id> {
    let own = document.lines[draft.line];
    if !matches!(own.kind, Kind::Item(_)) {
        return Vec::new();
    }
    let number = |line: usize| entry::number(clip(document.text(line))).map_or("", |(id, _)| id);
    let mut holders = 0;
    for line in (draft.line.saturating_sub(ABOVE_LINES_MAX)..draft.line).rev() {
        let is_whole = || document.lines[line].indent + 1 < own.indent || entry::is_part(number(draft.line), number(line));
        match document.lines[line].kind {
            Kind::Heading(_) if taken[line] => return Vec::new(),
            Kind::Heading(_) => {
                let found = document.paths(line, ABOVE_FILES_MAX + 1);
                let are_few = found.len() <= ABOVE_FILES_MAX && found.iter().all(|path| path.pattern.is_literal());
                return found.iter().filter(|_| are_few).filter_map(|path| table.intern(&path.pattern)).collect();
            }
            Kind::Item(_) if !taken[line] && is_whole() => {
                let files = files::of_draft(document, &Draft { line, last: line, ..Draft::default() }, table);
                holders += 1;
                if !files.writes.is_empty() && files.writes.len() <= ABOVE_FILES_MAX {
                    return files.writes;
                }
                if holders == HOLDERS_MAX {
                    return Vec::new();
                }
            }
            _ => {}
        }
    }
    Vec::new()
}

/// Files that steps write, by the name that a type in them has: `user_store.dart` by "userstore". Of two files of one name neither is meant.
fn types(files: &[StepFiles], table: &Table) -> HashMap<String, Option<Id>> {
    let mut out: HashMap<String, Option<Id>> = HashMap::new();
    let written = files.iter().filter(|files| !files.by_topic).flat_map(|files| files.writes.iter());
    for id in written.filter(|id| table.pattern(**id).is_literal()) {
        let name = name_of(table.pattern(*id).as_str());
        let bare: String = name.split('.').next().unwrap_or(name).chars().filter(char::is_ascii_alphanumeric).collect();
        if bare.len() >= TYPE_CHARS_MIN {
            out.entry(bare.to_ascii_lowercase()).and_modify(|known| *known = known.filter(|known| known == id)).or_insert(Some(*id));
        }
    }
    out
}

/// The file of the type that a title says is changed: "Add a page parameter to UserStore".
fn of_types(draft: &Draft, types: &HashMap<String, Option<Id>>) -> Vec<Id> {
    let mut out = Vec::new();
    let mut from = 0;
    for word in draft.title.split(|c: char| !c.is_ascii_alphanumeric()) {
        let at = draft.title[from..].find(word).map_or(from, |at| from + at);
        from = at + word.len();
        let humps = word.chars().filter(char::is_ascii_uppercase).count();
        if humps < 2 || word.len() < TYPE_CHARS_MIN || !word.starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let is_changed = matches!(verbs::governing(&draft.title[..at]), Some(Deed::Write { .. }));
        let known = types.get(&word.to_ascii_lowercase()).copied().flatten().filter(|_| is_changed);
        out.extend(known.filter(|id| !out.contains(id)));
    }
    out
}

/// In a group whose steps name one file between them, after which the group is called, the others work on that file too, as far as anything shows.
fn of_groups(document: &Document<'_>, units: &[Unit], roles: &[Role], files: &mut [StepFiles], table: &Table) {
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.draft.mark.group > 0) {
        groups.entry(unit.draft.mark.group).or_default().push(at);
    }
    for (group, members) in groups {
        let mut named: Vec<Id> = members.iter().flat_map(|at| files[*at].writes.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        let title = naming_stems(clip(document.text(group - 1)));
        let is_name = |id: &Id| {
            let name = name_of(table.pattern(*id).as_str());
            naming_stems(name.split('.').next().unwrap_or(name)).iter().any(|stem| title.contains(stem))
        };
        for at in members {
            let fits: Vec<Id> = named.iter().copied().filter(|id| suits(&units[at].draft, table.pattern(*id))).collect();
            if files[at].writes.is_empty() && works(roles[at]) && fits.len() == 1 && is_name(&fits[0]) {
                take(&mut files[at], fits, true);
            }
        }
    }
}
