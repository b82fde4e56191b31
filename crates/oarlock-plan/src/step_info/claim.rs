//! Giving the files of a list ("Files to modify") to the steps that work on them.
//! A step that names the file takes it; else the one whose title fits the file's name best.

use std::collections::HashMap;

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};
use crate::read::sections::Listed;
use crate::rule;
use crate::step_info::files::{StepFiles, is_document, is_test, push_bounded};
use crate::step_info::overlap::{Id, Table};
use crate::text::titles::Role;
use crate::text::words::{each_token, naming_stems, stem};
use crate::text::{clip, folder_and_name};

/// A step as the matching of listed files sees it.
pub(crate) struct Claimant<'a> {
    /// Its title, whose words may name a file.
    pub(crate) title: &'a str,
    /// The titles of its items, which count less.
    pub(crate) items: &'a str,
    /// What it does.
    pub(crate) role: Role,
}

/// Gives each listed file that no step names to the step whose title fits its name best. Equals share it, which keeps
/// them in order. Words of the document's title tell nothing, because every step is about them.
pub(crate) fn claim_listed(listed: &[(Id, &Listed)], steps: &[Claimant<'_>], files: &mut [StepFiles], about: &[String]) -> Vec<usize> {
    let mut unclaimed = Vec::new();
    let stems: Vec<[Vec<String>; 2]> = steps.iter().map(|s| [stems_of(s.title), stems_of(s.items)]).collect();
    for (at, (id, file)) in listed.iter().enumerate() {
        if files.iter().any(|f| f.writes.contains(id)) {
            continue;
        }
        if !rule::is_on(rule::LISTED) {
            unclaimed.push(at);
            continue;
        }
        // A step that names a file of the list works on it, whatever its sentence looks like.
        let named: Vec<usize> = (0..steps.len()).filter(|s| works(steps[*s].role) && files[*s].mentions.contains(id)).collect();
        let takers = if named.is_empty() { best_fit(&Wanted::of(file, listed, about), steps, &stems) } else { named };
        if takers.is_empty() || takers.len() > 3 {
            unclaimed.push(at);
            continue;
        }
        let alone = takers.len() == 1;
        for taker in takers {
            // A list of files is meant to be complete: who alone fits one of them works on it, even if its items do not say so.
            files[taker].partial &= !alone;
            push_bounded(&mut files[taker].writes, *id);
            files[taker].mentions.retain(|m| m != id);
        }
    }
    unclaimed
}

/// Notes which steps speak of a file by its name without folder and extension, set as code: "update the prompt of `tide-loop`" speaks of
/// `scripts/tide_loop.py`, which some step writes. Only names of several words tell.
pub(crate) fn mention_named(document: &Document<'_>, steps: &[(usize, usize)], files: &mut [StepFiles], table: &Table) {
    let key = |name: &str| name.to_lowercase().replace('_', "-");
    let mut written: HashMap<String, Vec<Id>> = HashMap::new();
    for id in files.iter().flat_map(|files| &files.writes) {
        let name = parts(table.pattern(*id)).1;
        let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
        let ids = written.entry(key(stem)).or_default();
        if stem.contains(['-', '_']) && !ids.contains(id) {
            ids.push(*id);
        }
    }
    if written.is_empty() {
        return;
    }
    for ((line, last), own) in steps.iter().zip(files) {
        for text in
            (*line..=*last).filter(|at| matches!(document.lines[*at].kind, Kind::Text | Kind::Item(_))).map(|at| clip(document.text(at)))
        {
            for span in text.split('`').skip(1).step_by(2).filter(|span| span.len() < 64 && span.contains(['-', '_'])) {
                for id in written.get(&key(span)).into_iter().flatten() {
                    if !own.writes.contains(id) {
                        push_bounded(&mut own.mentions, *id);
                    }
                }
            }
        }
    }
}

fn works(role: Role) -> bool {
    matches!(role, Role::Foundation | Role::Build | Role::Integrate | Role::Document | Role::Finish)
}

fn stems_of(text: &str) -> Vec<String> {
    each_token(text).filter(|t| t.len() > 2).map(|t| stem(&t).to_owned()).collect()
}

/// What tells of a listed file which step it belongs to, in stems. Words of the document's title are of no use.
struct Wanted<'a> {
    pattern: &'a Pattern,
    /// Its name without extension as it stands, in lower case; empty when prose may say it by chance.
    name: String,
    /// Of its name; of the folders that tell it from others of its name.
    own: Vec<String>,
    /// Those of its name that stand in the title too.
    known: Vec<String>,
    /// Of its folders.
    around: Vec<String>,
    /// Of what the list says about it.
    told: Vec<String>,
}

impl<'a> Wanted<'a> {
    fn of(file: &'a Listed, listed: &[(Id, &Listed)], about: &[String]) -> Self {
        let (folder, name) = parts(&file.pattern);
        let name_stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
        let mut own = stems_of(name_stem);
        let namesakes = listed.iter().map(|(_, other)| &other.pattern).filter(|other| **other != file.pattern && parts(other).1 == name);
        let others: Vec<String> = namesakes.flat_map(|other| stems_of(parts(other).0)).collect();
        if !others.is_empty() {
            own = stems_of(folder).into_iter().filter(|stem| !others.contains(stem)).collect();
        }
        let (own, known): (Vec<String>, Vec<String>) = own.into_iter().partition(|s| !about.contains(s));
        let unknown = |stems: Vec<String>| stems.into_iter().filter(|s| !about.contains(s)).collect();
        let is_telling = name_stem.contains(['-', '_']) && name_stem.len() > 4;
        let name = if is_telling { name_stem.to_lowercase() } else { String::new() };
        Self { pattern: &file.pattern, name, own, known, around: unknown(stems_of(folder)), told: unknown(naming_stems(&file.about)) }
    }
}

/// Whether `text` has `word` as a word of its own.
fn says_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !word.is_empty() && text.to_lowercase().split(|c| !is_part(c)).any(|said| said == word)
}

/// The folder and the name of a path.
fn parts(pattern: &Pattern) -> (&str, &str) {
    let text = pattern.as_str();
    folder_and_name(text.trim_end_matches("/**"))
}

fn best_fit(file: &Wanted<'_>, steps: &[Claimant<'_>], stems: &[[Vec<String>; 2]]) -> Vec<usize> {
    let describes = is_document(file.pattern);
    let tests = is_test(file.pattern) && steps.iter().any(|s| s.role == Role::Verify);
    let mut best = (0, Vec::new());
    for (s, step) in steps.iter().enumerate() {
        let suits = match (describes, tests) {
            (true, _) => step.role == Role::Document,
            (_, true) => step.role == Role::Verify,
            _ => works(step.role),
        };
        if !suits {
            continue;
        }
        let [title, items] = &stems[s];
        let count = |words: &[String], among: &[String]| words.iter().filter(|w| among.contains(w)).count();
        let either = file.own.iter().filter(|w| title.contains(w) || items.contains(w)).count();
        let near = count(&file.around, title);
        let is_told = rule::is_on(rule::TOLD);
        let told = if is_told { count(&file.told, title) } else { 0 };
        let literal = is_told && (says_word(step.title, &file.name) || says_word(step.items, &file.name));
        let fits = describes || tests || (either > 0 && either * 2 >= file.own.len()) || either + near >= 2 || told >= 2 || literal;
        let score = 1
            + 64 * usize::from(literal)
            + count(&file.told, items)
            + 16 * count(&file.own, title)
            + 4 * count(&file.own, items)
            + 2 * count(&file.known, title)
            + near
            + 2 * told;
        if !fits || score < best.0 {
            continue;
        }
        if score > best.0 {
            best = (score, Vec::new());
        }
        best.1.push(s);
    }
    best.1
}
