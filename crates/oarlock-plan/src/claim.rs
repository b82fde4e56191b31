//! Giving the files of a list ("Files to modify") to the steps that work on them.
//! A step that names the file takes it; else the one whose title fits the file's name best.

use oarlock_model::pattern::Pattern;

use crate::files::{StepFiles, push_bounded};
use crate::overlap::Id;
use crate::sections::Listed;
use crate::words::{Role, stem, tokens};

/// Whether a file describes things for people.
pub(crate) fn is_document(pattern: &Pattern) -> bool {
    let text = pattern.as_str().to_ascii_lowercase();
    let name = text.rsplit('/').next().unwrap_or("");
    let written = [".md", ".mdx", ".rst", ".adoc", ".txt"].iter().any(|e| name.ends_with(e));
    written
        && (text.contains("docs/") || ["guide", "readme", "changelog", "contributing", "doc", "manual"].iter().any(|w| name.contains(w)))
}

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
        // A step that names a file of the list works on it, whatever its sentence looks like.
        let named: Vec<usize> = (0..steps.len()).filter(|s| works(steps[*s].role) && files[*s].mentions.contains(id)).collect();
        let takers = if named.is_empty() { best_fit(file, steps, &stems, about) } else { named };
        if takers.is_empty() || takers.len() > 3 {
            unclaimed.push(at);
            continue;
        }
        for taker in takers {
            push_bounded(&mut files[taker].writes, *id);
            files[taker].mentions.retain(|m| m != id);
        }
    }
    unclaimed
}

fn works(role: Role) -> bool {
    matches!(role, Role::Foundation | Role::Build | Role::Integrate | Role::Document | Role::Finish)
}

fn stems_of(text: &str) -> Vec<String> {
    tokens(text).iter().filter(|t| t.len() > 2).map(|t| stem(t)).collect()
}

fn best_fit(file: &Listed, steps: &[Claimant<'_>], stems: &[[Vec<String>; 2]], about: &[String]) -> Vec<usize> {
    let text = file.pattern.as_str();
    let (folder, name) = text.trim_end_matches("/**").rsplit_once('/').unwrap_or(("", text));
    let name = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
    let (own, known): (Vec<String>, Vec<String>) = stems_of(name).into_iter().partition(|s| !about.contains(s));
    let around: Vec<String> = stems_of(folder).into_iter().filter(|s| !about.contains(s)).collect();
    let describes = is_document(&file.pattern);
    let tests = is_test(&file.pattern) && steps.iter().any(|s| s.role == Role::Verify);
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
        let either = own.iter().filter(|w| title.contains(w) || items.contains(w)).count();
        let near = count(&around, title);
        let fits = describes || tests || (either > 0 && either * 2 >= own.len()) || either + near >= 2;
        let score = 1 + 16 * count(&own, title) + 4 * count(&own, items) + 2 * count(&known, title) + near;
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

/// Whether a file holds tests.
pub(crate) fn is_test(pattern: &Pattern) -> bool {
    let text = pattern.as_str().to_ascii_lowercase();
    let name = text.rsplit('/').next().unwrap_or("");
    text.contains("tests/")
        || text.contains("test/")
        || name.starts_with("test_")
        || ["_test.", ".test.", ".spec.", "-test."].iter().any(|w| name.contains(w))
}
