//! Which targets could overlap: an index by [`Target::key`].
//!
//! Two patterns have a path in common only if the leading components that they name without wildcards agree as far as both go. So
//! whatever overlaps a target is filed under the target's own key, under one of the folders above it, or below it: a few exact
//! lookups and one range, in a map as well as in SQL. The overlap itself is judged by `targets_overlap`.
//!
//! Patterns `**/NAME` name nothing without wildcards at their beginning and would be compared with everything; in a map they are found
//! by the name instead: see [`Place`].

use std::collections::{BTreeMap, BTreeSet};

use crate::pattern::Place;
use crate::reservation::Target;
use crate::seeded;

/// Where to look for what could overlap a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// These keys.
    pub exact: Vec<String>,
    /// And those in this range.
    pub below: Below,
}

/// A range of keys, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Below {
    /// No key.
    Nothing,
    /// From the first key on, and before the second.
    Between(String, String),
    /// Every key but the empty one.
    All,
}

impl Keys {
    /// Where to look for what could overlap this target.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        let key = target.key();
        if matches!(target, Target::Resource(_)) {
            return Self { exact: vec![key], below: Below::Nothing };
        }
        if key.is_empty() {
            return Self { exact: vec![key], below: Below::All };
        }
        let mut exact = Vec::new();
        if !seeded::is(seeded::NEAR_MISSES_WILDCARDS) {
            exact.push(String::new());
        }
        if !seeded::is(seeded::NEAR_MISSES_ABOVE) {
            exact.extend(key.match_indices('/').map(|(at, _)| key[..at].to_owned()));
        }
        // `/` and `0` are neighbours.
        let below = Below::Between(format!("{key}/"), format!("{key}0"));
        exact.push(key);
        Self { exact, below }
    }
}

/// Things filed under their targets. Patterns `**/NAME` have a place of their own: all of them are near to everything by their keys.
#[derive(Clone, Debug)]
pub struct Near<T> {
    items: Vec<T>,
    /// All but those with a place of their own.
    by_key: BTreeMap<String, Vec<usize>>,
    /// [`Place::NamesLike`], by the characters that the names begin with.
    names_like: BTreeMap<String, Vec<usize>>,
    /// [`Place::Name`], by the name.
    names: BTreeMap<String, Vec<usize>>,
    /// [`Place::Path`], by the last name.
    paths_by_end: BTreeMap<String, Vec<usize>>,
    /// [`Place::Path`], by each of its names.
    paths_by_name: BTreeMap<String, Vec<usize>>,
    /// [`Place::Other`].
    others: Vec<usize>,
}

impl<T> Default for Near<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            by_key: BTreeMap::new(),
            names_like: BTreeMap::new(),
            names: BTreeMap::new(),
            paths_by_end: BTreeMap::new(),
            paths_by_name: BTreeMap::new(),
            others: Vec::new(),
        }
    }
}

impl<T> Near<T> {
    /// Files an item.
    pub fn insert(&mut self, target: &Target, item: T) {
        let at = self.items.len();
        self.items.push(item);
        match place(target) {
            Some(Place::NamesLike(head)) => return self.names_like.entry(head).or_default().push(at),
            Some(Place::Name(name)) => return self.names.entry(name).or_default().push(at),
            Some(Place::Path(names)) => {
                if let Some(last) = names.last() {
                    self.paths_by_end.entry(last.clone()).or_default().push(at);
                }
                let names: BTreeSet<String> = names.into_iter().collect();
                names.into_iter().for_each(|name| self.paths_by_name.entry(name).or_default().push(at));
            }
            Some(Place::Other) => self.others.push(at),
            None => {}
        }
        self.by_key.entry(target.key()).or_default().push(at);
    }

    /// The items whose targets could overlap this one, each once: all that do, and some that do not.
    pub fn near(&self, target: &Target) -> impl Iterator<Item = &T> {
        let found: Vec<&Vec<usize>> = match place(target) {
            None => self.by_keys(target).collect(),
            Some(Place::NamesLike(head)) => {
                let like = self.paths_by_end.range(head.clone()..).take_while(|(name, _)| name.starts_with(&head));
                like.map(|(_, at)| at).chain([&self.others]).chain(self.anywhere()).collect()
            }
            Some(Place::Name(name)) => self.paths_by_name.get(&name).into_iter().chain([&self.others]).chain(self.anywhere()).collect(),
            Some(Place::Path(names)) if !seeded::is(seeded::NEAR_MISSES_WILDCARDS) => {
                let last = names.last().map_or("", String::as_str);
                let heads = last.char_indices().map(|(at, _)| &last[..at]).chain([last]);
                let like = heads.filter_map(|head| self.names_like.get(head));
                let names: BTreeSet<&String> = names.iter().collect();
                self.by_keys(target).chain(like).chain(names.into_iter().filter_map(|name| self.names.get(name))).collect()
            }
            Some(Place::Path(_)) => self.by_keys(target).collect(),
            Some(Place::Other) => self.by_keys(target).chain(self.anywhere()).collect(),
        };
        found.into_iter().flatten().filter_map(|at| self.items.get(*at))
    }

    fn by_keys(&self, target: &Target) -> impl Iterator<Item = &Vec<usize>> {
        let Keys { exact, below } = Keys::of(target);
        let below = match below {
            Below::Nothing => None,
            Below::Between(from, to) => Some(self.by_key.range(from..to)),
            Below::All => Some(self.by_key.range("\0".to_owned()..)),
        };
        let exact = exact.into_iter().filter_map(|key| self.by_key.get(&key));
        exact.chain(below.into_iter().flatten().map(|(_, items)| items))
    }

    /// All patterns `**/NAME`.
    fn anywhere(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.names_like.values().chain(self.names.values())
    }
}

fn place(target: &Target) -> Option<Place> {
    match target {
        Target::Paths(pattern) => Some(pattern.place()),
        Target::Resource(_) => None,
    }
}

impl<'t, T> FromIterator<(&'t Target, T)> for Near<T> {
    fn from_iter<I: IntoIterator<Item = (&'t Target, T)>>(items: I) -> Self {
        let mut near = Self::default();
        items.into_iter().for_each(|(target, item)| near.insert(target, item));
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Label;
    use crate::pattern::Pattern;
    use crate::rules::reserve::targets_overlap;
    use proptest::prelude::*;

    fn paths(text: &str) -> Target {
        Target::Paths(Pattern::parse(text).expect("a pattern"))
    }

    /// Patterns, asked paths and resources over few names, so that many overlap.
    fn targets() -> impl Strategy<Value = Target> {
        let name = prop::sample::select(vec![
            "src", "a", "b", "a.rs", "srcfoo", "[{]x", "*", "**", "a*", "?", "[ab]", "a0", "a-b", "a/b", "**/a*", "**/a.rs",
        ]);
        let text = prop::collection::vec(name, 1..5).prop_map(|names| names.join("/"));
        let patterns = text.clone().prop_filter_map("no pattern", |text| Pattern::parse(&text).ok()).prop_map(Target::Paths);
        let asked = text.prop_filter_map("no path", |text| Pattern::of_path(&text).ok()).prop_map(Target::Paths);
        let names = prop::sample::select(vec!["db", "src", "a"]);
        let resources = names.prop_map(|name| Target::Resource(Label::parse(name).expect("a label")));
        prop_oneof![6 => patterns, 2 => asked, 1 => resources]
    }

    proptest! {
        #[test]
        fn the_index_finds_all_that_a_comparison_with_each_finds(held in prop::collection::vec(targets(), 0..12), wanted in targets()) {
            let near: Near<usize> = held.iter().zip(0..).collect();
            let mut found: Vec<usize> = near.near(&wanted).copied().filter(|at| targets_overlap(&held[*at], &wanted)).collect();
            found.sort_unstable();
            let all: Vec<usize> = (0..held.len()).filter(|at| targets_overlap(&held[*at], &wanted)).collect();
            prop_assert_eq!(found, all);
        }
    }

    #[test]
    fn only_what_is_above_or_below_is_near() {
        let held = ["src/**", "src/a.rs", "srcfoo", "src0", "src/a.rs/x", "**/a.rs", "docs/**"].map(paths);
        let near: Near<String> = held.iter().map(|held| (held, held.to_string())).collect();
        let found = |text: &str| near.near(&paths(text)).cloned().collect::<Vec<_>>();
        assert_eq!(found("src/a.rs"), ["src/**", "src/a.rs", "src/a.rs/x", "**/a.rs"]);
        assert_eq!(found("src"), ["src/**", "src/a.rs", "src/a.rs/x", "**/a.rs"]);
        assert_eq!(found("**").len(), held.len());
        assert_eq!(found("src/b.rs"), ["src/**"]);
        assert_eq!(found("**/a*"), ["src/a.rs", "src/**", "srcfoo", "src0", "src/a.rs/x", "docs/**", "**/a.rs"]);
        assert_eq!(found("**/x*.rs"), ["src/**", "srcfoo", "src0", "src/a.rs/x", "docs/**", "**/a.rs"]);
        assert_eq!(Keys::of(&Target::Resource(Label::parse("db").expect("a label"))).exact, ["//db"]);
    }
}
