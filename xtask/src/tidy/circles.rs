//! Circles of files that import each other. Two files that belong together may do so; in a larger circle none can be read, moved or
//! tested without all others.
//!
//! A file that hands on what another one has (`pub use`) does not import it: anyone who takes it from there imports the file that
//! defines it. A module whose file has another name (`#[path]`) is not followed.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::imports::{Imports, Names};
use super::source::Source;

/// Files that may import each other in a circle.
const CIRCLE_FILES_MAX: usize = 2;

/// Modules through which one name may be handed on.
const STEPS_MAX: usize = 16;

/// The circles in all crates that are too large.
pub(super) fn faults(sources: &[Source]) -> Vec<Fault> {
    too_large(sources).iter().map(|circle| fault(circle)).collect()
}

fn fault(circle: &[String]) -> Fault {
    let others = circle[1..].join(", ");
    let what = format!(
        "it imports itself through {others}: {} files in a circle; move what the lowest of them takes from above into a file below",
        circle.len()
    );
    Fault { file: circle[0].clone(), line: 0, what }
}

fn too_large(sources: &[Source]) -> Vec<Vec<String>> {
    let mut crates: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for source in sources {
        if let Some((_, inside)) = source.file.split_once("/src/") {
            crates.entry(&source.file[..source.file.len() - inside.len()]).or_default().push((inside, &source.text));
        }
    }
    let mut found = Vec::new();
    for (root, files) in crates {
        for circle in Tree::of(&files).circles().into_iter().filter(|circle| circle.len() > CIRCLE_FILES_MAX) {
            found.push(circle.into_iter().map(|file| format!("{root}{file}")).collect());
        }
    }
    found
}

/// The files of one crate by their modules.
struct Tree<'a> {
    modules: BTreeMap<Names, (&'a str, Imports)>,
}

impl<'a> Tree<'a> {
    /// Of files by their paths below `src`, with their texts. Files that no module of the program declares are for tests.
    fn of(files: &[(&'a str, &str)]) -> Self {
        let find = |names: &[String]| {
            let path = names.join("/");
            let paths = match names {
                [] => ["lib.rs".to_owned(), "main.rs".to_owned()],
                _ => [format!("{path}.rs"), format!("{path}/mod.rs")],
            };
            paths.iter().find_map(|path| files.iter().find(|(file, _)| file == path))
        };
        let mut modules = BTreeMap::new();
        let mut waiting: Vec<Names> = vec![Vec::new()];
        while let Some(names) = waiting.pop() {
            let Some((file, text)) = find(&names) else { continue };
            let imports = Imports::of(text);
            waiting.extend(imports.modules.iter().map(|name| names.iter().chain([name]).cloned().collect()));
            modules.insert(names, (*file, imports));
        }
        Self { modules }
    }

    /// The module that a path leads to, which is written in the module `from`; none for paths out of the crate.
    fn target(&self, from: &[String], path: &[String], steps: usize) -> Option<&Names> {
        let up = path.iter().take_while(|name| *name == "super").count();
        let (module, inside) = match path.first()?.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (from, &path[1..]),
            "super" => (&from[..from.len().checked_sub(up)?], &path[up..]),
            child => {
                self.modules.get(from)?.1.modules.get(child)?;
                (from, path)
            }
        };
        self.inside(module, inside, steps)
    }

    /// The module that defines the `path` of this one.
    fn inside(&self, module: &[String], path: &[String], steps: usize) -> Option<&Names> {
        let (known, (_, imports)) = self.modules.get_key_value(module)?;
        // Two modules may hand on each other's names.
        let Some((name, rest)) = path.split_first().filter(|_| steps < STEPS_MAX) else { return Some(known) };
        if imports.modules.contains(name) {
            return self.inside(&[module, std::slice::from_ref(name)].concat(), rest, steps + 1);
        }
        if let Some((_, target)) = imports.hands_on.iter().find(|(handed, _)| handed == name) {
            return self.target(module, &[target, rest].concat(), steps + 1).or(Some(known));
        }
        let globs = imports.hands_on.iter().filter(|(handed, _)| handed == "*" && !imports.defines.contains(name));
        let of_globs = globs.filter_map(|(_, target)| self.target(module, target, steps + 1));
        let defining = of_globs.into_iter().find(|found| self.modules[*found].1.defines.contains(name));
        Some(defining.unwrap_or(known))
    }

    /// The files that import each other, each circle in the order of their paths.
    fn circles(&self) -> Vec<Vec<&'a str>> {
        let targets = |names: &Names| -> BTreeSet<&Names> {
            let uses = self.modules[names].1.uses.iter();
            uses.filter_map(|path| self.target(names, path, 0)).filter(|target| *target != names).collect()
        };
        let arrows: BTreeMap<&Names, BTreeSet<&Names>> = self.modules.keys().map(|names| (names, targets(names))).collect();
        let reached = |from| {
            let (mut reached, mut waiting) = (BTreeSet::new(), vec![from]);
            while let Some(names) = waiting.pop() {
                waiting.extend(arrows[names].iter().copied().filter(|next| reached.insert(*next)));
            }
            reached
        };
        let reach: BTreeMap<&Names, BTreeSet<&Names>> = arrows.keys().map(|names| (*names, reached(*names))).collect();
        let circle = |names: &&Names| -> BTreeSet<&'a str> {
            let back = reach[names].iter().filter(|other| reach[*other].contains(names));
            back.map(|other| self.modules[*other].0).collect()
        };
        let circles: BTreeSet<BTreeSet<&str>> = reach.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
        circles.into_iter().map(|circle| circle.into_iter().collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn circles(files: &[(&'static str, &str)]) -> Vec<Vec<&'static str>> {
        Tree::of(files).circles()
    }

    #[test]
    fn no_large_circle_is_in_the_tree() {
        let sources = source::read_all().expect("the tree can be read");
        let shown: Vec<String> = faults(&sources).iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "\n{}", shown.join("\n"));
    }

    #[test]
    fn three_files_in_a_circle_are_a_fault() {
        let sample =
            |c| vec![("lib.rs", "mod a; mod b; mod c;"), ("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { super::c::g() }"), ("c.rs", c)];
        assert_eq!(circles(&sample("use crate::a::{self, A};")), [["a.rs", "b.rs", "c.rs"]]);
        assert!(circles(&sample("// use crate::a;")).is_empty());
        assert!(circles(&sample("#[cfg(test)] mod tests { use crate::a::A; }")).is_empty());
        let sources = sample("use crate::a;").into_iter().map(|(file, text)| Source::sample(&format!("crates/x/src/{file}"), text));
        assert_eq!(faults(&sources.collect::<Vec<_>>()).len(), 1);
    }

    #[test]
    fn two_files_may_import_each_other() {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")];
        assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
        assert!(faults(&files.map(|(file, text)| Source::sample(&format!("crates/x/src/{file}"), text))).is_empty());
    }

    #[test]
    fn what_is_handed_on_is_imported_from_where_it_is() {
        let top = "mod a; mod b; pub use a::A; pub use b::*;";
        let below = [("a.rs", "pub struct A; use crate::B;"), ("b.rs", "pub struct B;")];
        assert!(circles(&[("lib.rs", top), below[0], below[1]]).is_empty());
        let files = [("lib.rs", top), below[0], ("b.rs", "pub struct B; use crate::A;")];
        assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
        let parent = [("lib.rs", "mod a;"), ("a.rs", "mod b; use b::B; const C: u8 = 0;"), ("a/b.rs", "pub struct B; use super::C;")];
        assert_eq!(circles(&parent), [["a.rs", "a/b.rs"]]);
    }
}
