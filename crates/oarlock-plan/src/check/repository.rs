//! A given plan against the repository it is for: do the files that it names exist, do two parts reach one file under two names, does
//! a path lead outside. What a pattern may match is judged in `validate`; here it is what it does match.

use std::collections::BTreeMap;

use oarlock_model::pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::problem::{APART, Problem};
use crate::order::bits::Bits;
use crate::order::schedule;
use crate::plan::Plan;
use crate::text::folder_and_name;

/// Most patterns of a plan that are looked for.
const PATTERNS_MAX: usize = 2_000;
/// Most files of one pattern that are kept; more tell nothing new.
const FILES_MAX: usize = 64;
/// So many letters may be wrong in a name that is taken for a slip.
const SLIP_LETTERS_MAX: usize = 2;
/// Names that a warning lists.
const SHOWN_MAX: usize = 12;

/// What a repository has for the patterns of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Existing {
    /// For each pattern of the plan the files that it matches, each by its real path from the root; at most 64.
    pub files: BTreeMap<String, Vec<String>>,
    /// Patterns that lead out of the repository through a symbolic link.
    pub outside: Vec<String>,
    /// For patterns that match nothing a file that may have been meant.
    pub similar: BTreeMap<String, String>,
    /// Whether the repository was too large to be looked through.
    pub is_cut: bool,
}

/// Looks through a repository for the patterns of a plan: give it every file, then ask for what was found.
#[derive(Debug)]
pub struct Search {
    patterns: Vec<Pattern>,
    found: Existing,
}

impl Search {
    /// For the patterns of the plan in `plan_json`. What is no plan has none: [`crate::validate`] says what is wrong with it.
    #[must_use]
    pub fn for_plan(plan_json: &str) -> Self {
        let value: Value = serde_json::from_str(plan_json).unwrap_or_default();
        let parts = ["subtasks", "steps"].iter().flat_map(|field| value[*field].as_array().into_iter().flatten());
        let texts = parts.flat_map(|part| part["writes"].as_array().into_iter().flatten()).filter_map(Value::as_str);
        let mut patterns: Vec<Pattern> = texts.take(PATTERNS_MAX).filter_map(|text| Pattern::parse(text).ok()).collect();
        patterns.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        patterns.dedup();
        let files = patterns.iter().map(|pattern| (pattern.as_str().to_owned(), Vec::new())).collect();
        Self { patterns, found: Existing { files, ..Existing::default() } }
    }

    /// The patterns that name one path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().filter(|pattern| pattern.is_literal()).map(Pattern::as_str)
    }

    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// A file of the repository, by its path from the root.
    pub fn see(&mut self, path: &str) {
        for pattern in &self.patterns {
            if pattern.matches(path) {
                note(&mut self.found.files, pattern.as_str(), path);
            } else if pattern.is_literal() && is_slip(pattern.as_str(), path) {
                self.found.similar.entry(pattern.as_str().to_owned()).or_insert_with(|| path.to_owned());
            }
        }
    }

    /// A path of the plan that is there, and where it really is.
    pub fn see_as(&mut self, path: &str, real: &str) {
        note(&mut self.found.files, path, real);
    }

    /// A path of the plan that leads outside.
    pub fn leads_outside(&mut self, path: &str) {
        self.found.outside.push(path.to_owned());
    }

    /// The repository has more files than are looked at.
    pub fn is_cut(&mut self) {
        self.found.is_cut = true;
    }

    /// What was found.
    #[must_use]
    pub fn done(mut self) -> Existing {
        let files = &self.found.files;
        self.found.similar.retain(|pattern, _| files.get(pattern).is_none_or(Vec::is_empty));
        self.found
    }
}

fn note(files: &mut BTreeMap<String, Vec<String>>, pattern: &str, path: &str) {
    let list = files.entry(pattern.to_owned()).or_default();
    if list.len() < FILES_MAX && !list.iter().any(|known| known == path) {
        list.push(path.to_owned());
    }
}

/// Whether `path` may be what `named` was meant to be: the same name in another folder, or a slip of the keyboard.
fn is_slip(named: &str, path: &str) -> bool {
    let (folder, name) = folder_and_name(named);
    let (other_folder, other) = folder_and_name(path);
    if name == other {
        return true;
    }
    folder == other_folder
        && name.len() > 4
        && name.len().abs_diff(other.len()) <= SLIP_LETTERS_MAX
        && strsim::osa_distance(name, other) <= SLIP_LETTERS_MAX
}

/// Checks `plan`, which [`crate::validate`] has accepted, against what the repository has. What is merely odd becomes a warning of the
/// plan: files that are not there yet, perhaps for a slip in their names.
///
/// # Errors
/// Paths that lead outside, and parts that can run at once though they reach one file.
pub fn check_repository(plan: &mut Plan, existing: &Existing) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (at, part) in plan.subtasks.iter().enumerate() {
        for (k, pattern) in part.writes.iter().enumerate().filter(|(_, pattern)| existing.outside.contains(pattern)) {
            problems.push(Problem {
                place: format!("subtasks[{at}].writes[{k}]"),
                message: format!("{pattern} leads out of the repository through a symbolic link"),
                hint: Some("name a path inside the repository".to_owned()),
            });
        }
    }
    problems.extend(shared_files(plan, existing));
    if !problems.is_empty() {
        return Err(problems);
    }
    let slips: Vec<String> = existing.similar.iter().map(|(named, path)| format!("{named} (there is {path})")).collect();
    if !slips.is_empty() {
        plan.warnings.push(format!("these are not there, and may be slips: {}", listed(&slips)));
    }
    let is_new = |pattern: &&String| existing.files.get(*pattern).is_some_and(Vec::is_empty) && !existing.similar.contains_key(*pattern);
    let mut new: Vec<String> = plan.subtasks.iter().flat_map(|part| &part.writes).filter(is_new).cloned().collect();
    new.sort_unstable();
    new.dedup();
    if !new.is_empty() && !existing.is_cut {
        plan.warnings.push(format!("these match nothing that is there, so the parts make them: {}", listed(&new)));
    }
    if existing.is_cut {
        plan.warnings.push("the repository has more files than are looked through".to_owned());
    }
    Ok(())
}

/// Files that parts reach which can run at once: one file under two names, which patterns cannot show.
fn shared_files(plan: &Plan, existing: &Existing) -> Vec<Problem> {
    let at_of = |id: &String| plan.subtasks.iter().position(|part| part.id == *id);
    let needs: Vec<Vec<usize>> = plan.subtasks.iter().map(|part| part.depends_on.iter().filter_map(at_of).collect()).collect();
    let Ok(order) = schedule::topological(&needs) else { return Vec::new() };
    let above: Vec<Bits> = schedule::ancestors(&needs, &order);
    let mut writers: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, part) in plan.subtasks.iter().enumerate() {
        for (k, pattern) in part.writes.iter().enumerate() {
            for file in existing.files.get(pattern).into_iter().flatten() {
                writers.entry(file).or_default().push((at, k));
            }
        }
    }
    let mut problems = Vec::new();
    for (file, of_file) in &writers {
        // Who writes a folder writes each file in it.
        let of_folders = file.match_indices('/').filter_map(|(at, _)| writers.get(&file[..at]));
        let writers: Vec<(usize, usize)> = of_file.iter().chain(of_folders.flatten()).copied().collect();
        let beside = |a: usize, b: usize| a != b && !above[a].has(b) && !above[b].has(a);
        let pair = writers.iter().enumerate().find_map(|(n, a)| writers[n + 1..].iter().find(|b| beside(a.0, b.0)).map(|b| (*a, *b)));
        if let Some(((first, j), (second, k))) = pair {
            let (one, two) = (&plan.subtasks[first], &plan.subtasks[second]);
            problems.push(Problem {
                place: format!("subtasks[{second}].writes[{k}]"),
                message: format!("{} and {} can run at once, but {} and {} are both {file}", one.id, two.id, one.writes[j], two.writes[k]),
                hint: Some(APART.to_owned()),
            });
        }
    }
    problems
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN_MAX);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::validate::validate;
    use crate::parts::options::Options;

    fn plan_json(first: &str, second: &str) -> String {
        format!(r#"{{"subtasks":[{{"title":"a","writes":["{first}"]}},{{"title":"b","writes":["{second}"]}}]}}"#)
    }

    fn judged(first: &str, second: &str, see: impl Fn(&mut Search)) -> Result<Vec<String>, Vec<Problem>> {
        let json = plan_json(first, second);
        let mut search = Search::for_plan(&json);
        see(&mut search);
        let mut plan = validate(&json, None, &Options::new("T"), &[]).expect("a plan");
        let before = plan.warnings.len();
        check_repository(&mut plan, &search.done())?;
        Ok(plan.warnings.split_off(before))
    }

    #[test]
    fn files_that_are_there_are_no_news() {
        let warnings = judged("src/a.rs", "lib/**", |s| ["src/a.rs", "lib/b.rs"].iter().for_each(|f| s.see(f)));
        assert_eq!(warnings, Ok(Vec::new()));
    }

    #[test]
    fn slips_and_new_files_are_named() {
        let warnings = judged("src/pasrer.rs", "src/new.rs", |s| s.see("src/parser.rs")).expect("fine");
        assert!(warnings[0].contains("src/pasrer.rs (there is src/parser.rs)"), "{warnings:?}");
        assert!(warnings[1].ends_with("make them: src/new.rs"), "{warnings:?}");
    }

    #[test]
    fn one_file_under_two_names_is_refused() {
        let problems = judged("src/a.rs", "link/a.rs", |s| {
            s.see("src/a.rs");
            s.see_as("link/a.rs", "src/a.rs");
        })
        .expect_err("one file");
        assert_eq!(problems[0].place, "subtasks[1].writes[0]");
        assert!(problems[0].message.contains("are both src/a.rs"), "{problems:?}");
    }

    #[test]
    fn a_folder_under_another_name_is_refused() {
        let problems = judged("src/a.rs", "link", |s| {
            s.see("src/a.rs");
            s.see_as("src/a.rs", "src/a.rs");
            s.see_as("link", "src");
        })
        .expect_err("one file");
        assert!(problems[0].message.contains("are both src/a.rs"), "{problems:?}");
    }

    #[test]
    fn what_leads_outside_is_refused() {
        let problems = judged("link/passwd", "b.rs", |s| s.leads_outside("link/passwd")).expect_err("outside");
        assert_eq!(problems[0].place, "subtasks[0].writes[0]");
    }

    #[test]
    fn what_is_no_plan_is_looked_for_nowhere() {
        for text in ["", "[]", "{", r#"{"subtasks":3}"#, r#"{"subtasks":[1,{"writes":[3]}]}"#] {
            assert!(Search::for_plan(text).is_empty(), "{text}");
        }
    }
}
