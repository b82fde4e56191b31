//! What steps have in common by their titles and folders, worked out once for all pairs.

use std::collections::HashMap;

use crate::facts::gather::{Fact, Facts};
use crate::text::folder_and_name;

/// For each step a number that it shares with its twins. "Add the list in `a.py`" and "Add the list in `b.py`": the words that they share name
/// what both do, and not what one makes for the other.
pub(crate) fn twins(steps: &[Fact]) -> Vec<usize> {
    let mut numbers: HashMap<Vec<String>, usize> = HashMap::new();
    let number = |(at, step): (usize, &Fact)| {
        let title = step.draft.title.to_lowercase();
        let is_prose = |word: &&str| !word.contains(['/', '.', '`']);
        let words: Vec<String> = title.split_whitespace().filter(is_prose).map(str::to_owned).collect();
        let names_file = words.len() < title.split_whitespace().count();
        if words.len() > 1 && names_file { *numbers.entry(words).or_insert(at) } else { at }
    };
    steps.iter().enumerate().map(number).collect()
}

/// For each step the folders that its files make a module of: to these others add.
pub(crate) fn opened_folders(facts: &Facts) -> Vec<Vec<String>> {
    let roots = ["mod.rs", "__init__.py", "index.ts", "index.js"];
    let folder = |id: &u32| {
        let (folder, name) = folder_and_name(facts.table.pattern(*id).as_str());
        roots.contains(&name).then(|| folder.to_owned())
    };
    facts.steps.iter().map(|step| step.files.writes.iter().filter_map(folder).collect()).collect()
}
