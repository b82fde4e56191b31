//! The patterns of a plan, each once, and which of them could match one path.
//! Plain paths meet by their text or that of a folder above, and "a file of this name anywhere" by its name, so that only true globs
//! are compared with everything; their number is limited, which keeps a hostile document from costing a square.

use std::collections::HashMap;

use oarlock_model::pattern::Pattern;

use crate::text::name_of;

/// Number of a pattern in its table.
pub(crate) type Id = u32;

/// Most patterns of a table; later ones are left out and their steps count as unknown.
const PATTERNS_MAX: usize = 8_000;
/// Most patterns that are neither plain paths nor `**/NAME`.
const GLOBS_MAX: usize = 200;
/// Most pairs of a `**/NAME` and a plain path that may be a folder: all of them meet.
const FOLDER_PAIRS_MAX: usize = 100_000;

/// Patterns by number.
#[derive(Debug, Default)]
pub(crate) struct Table {
    patterns: Vec<Pattern>,
    ids: HashMap<String, Id>,
    globs: Vec<Id>,
    by_name: HashMap<String, Vec<Id>>,
    /// Those that say `**/NAME`.
    anywhere: Vec<Id>,
    /// Plain paths and `**/NAME` whose last name may be that of a folder.
    folders: Vec<Id>,
    known: HashMap<String, Option<Pattern>>,
    /// Whether a pattern was left out.
    pub(crate) full: bool,
}

impl Table {
    /// Makes the bare name of a listed file mean that file, unless two listed files share the name.
    pub(crate) fn know(&mut self, listed: &Pattern) {
        if listed.as_str().contains('/') && !listed.as_str().ends_with('*') {
            let entry = self.known.entry(name_of(listed.as_str()).to_owned()).or_insert_with(|| Some(listed.clone()));
            if entry.as_ref() != Some(listed) {
                *entry = None;
            }
        }
    }

    /// The number of `pattern`; `None` when the table is full.
    pub(crate) fn intern(&mut self, pattern: &Pattern) -> Option<Id> {
        let text = pattern.as_str();
        let bare = if text.contains('/') { anywhere(text) } else { Some(text) };
        if let Some(listed) = bare.and_then(|n| self.known.get(n).cloned()).flatten() {
            return self.number(&listed);
        }
        self.number(pattern)
    }

    fn number(&mut self, pattern: &Pattern) -> Option<Id> {
        if let Some(id) = self.ids.get(pattern.as_str()) {
            return Some(*id);
        }
        let glob = !pattern.is_literal() && anywhere(pattern.as_str()).is_none();
        let is_anywhere = !glob && !pattern.is_literal();
        let is_folder = !glob && !pattern.names_file();
        let pairs = (self.anywhere.len() + usize::from(is_anywhere)) * (self.folders.len() + usize::from(is_folder));
        if self.patterns.len() >= PATTERNS_MAX || (glob && self.globs.len() >= GLOBS_MAX) || pairs > FOLDER_PAIRS_MAX {
            self.full = true;
            return None;
        }
        let id = Id::try_from(self.patterns.len()).expect("the table is small");
        self.ids.insert(pattern.as_str().to_owned(), id);
        if glob {
            self.globs.push(id);
        } else {
            self.by_name.entry(name_of(pattern.as_str()).to_owned()).or_default().push(id);
            self.anywhere.extend(is_anywhere.then_some(id));
            self.folders.extend(is_folder.then_some(id));
        }
        self.patterns.push(pattern.clone());
        Some(id)
    }

    /// The pattern with this number.
    pub(crate) fn pattern(&self, id: Id) -> &Pattern {
        &self.patterns[id as usize]
    }

    /// For each pattern the others that could match a path of it. A bare name is taken for "anywhere", because prose
    /// often leaves the folder out.
    pub(crate) fn overlaps(&self) -> Overlaps {
        self.meetings(true)
    }

    /// The same for patterns that mean what they say.
    pub(crate) fn exact_overlaps(&self) -> Overlaps {
        self.meetings(false)
    }

    fn meetings(&self, prose: bool) -> Overlaps {
        let mut of = vec![Vec::new(); self.patterns.len()];
        let mut add = |a: Id, b: Id| {
            of[a as usize].push(b);
            of[b as usize].push(a);
        };
        for group in self.by_name.values() {
            // Plain paths of one name meet only through a member that stands for "anywhere".
            let wide: Vec<Id> = group.iter().copied().filter(|i| self.is_wide(*i, prose)).collect();
            for (k, a) in wide.iter().enumerate() {
                for b in group.iter().filter(|b| !wide[..=k].contains(b)) {
                    add(*a, *b);
                }
            }
        }
        self.meetings_below(&mut add);
        let widened: Vec<Option<Pattern>> = self.patterns.iter().map(|p| if prose { widened(p) } else { None }).collect();
        for glob in &self.globs {
            for (other, wide) in widened.iter().enumerate() {
                let id = Id::try_from(other).expect("the table is small");
                // Of two globs the first has met the second already.
                if id <= *glob && self.globs.binary_search(&id).is_ok() {
                    continue;
                }
                let (one, two) = (self.pattern(*glob), wide.as_ref().unwrap_or(&self.patterns[other]));
                let meet = if prose { folders_meet(one.as_str(), two.as_str()) } else { None };
                if meet.unwrap_or_else(|| one.overlaps(two)) {
                    add(*glob, id);
                }
            }
        }
        for others in &mut of {
            others.sort_unstable();
            others.dedup();
        }
        Overlaps { of }
    }

    /// The meetings of plain paths and `**/NAME` in which one covers what is below the other.
    fn meetings_below(&self, add: &mut impl FnMut(Id, Id)) {
        for (text, id) in self.ids.iter().filter(|(_, id)| self.globs.binary_search(id).is_err()) {
            let is_rooted = self.pattern(*id).is_literal();
            for (at, _) in text.match_indices('/').filter(|_| is_rooted) {
                let folder = &text[..at];
                let anywhere = ["**/", name_of(folder)].concat();
                for above in [self.ids.get(folder), self.ids.get(&anywhere)].into_iter().flatten() {
                    add(*above, *id);
                }
            }
        }
        for (wide, folder) in self.anywhere.iter().flat_map(|wide| self.folders.iter().map(move |folder| (*wide, *folder))) {
            let is_known = self.folders.binary_search(&wide).is_ok() && self.anywhere.binary_search(&folder).is_ok() && wide >= folder;
            if wide != folder && !is_known {
                add(wide, folder);
            }
        }
    }

    fn is_wide(&self, id: Id, prose: bool) -> bool {
        let text = self.pattern(id).as_str();
        (prose && !text.contains('/')) || anywhere(text).is_some()
    }
}

/// A bare name as "anywhere".
fn widened(pattern: &Pattern) -> Option<Pattern> {
    let bare = pattern.is_literal() && !pattern.as_str().contains('/');
    bare.then(|| Pattern::parse(&format!("**/{}", pattern.as_str())).ok()).flatten()
}

/// Whether two folders as prose names them are one, or one is below the other: `skills/audit-log/**` and "`audit-log/`". That a folder or a
/// name without extension may also lie deep in some other folder is no reason to think so. Nothing for other patterns.
fn folders_meet(one: &str, two: &str) -> Option<bool> {
    let (a, b) = (Folder::of(one)?, Folder::of(two)?);
    if !(a.is_whole && (b.is_whole || b.is_anywhere) || b.is_whole && a.is_anywhere) {
        return None;
    }
    let is_prefix = |short: &Folder<'_>, long: &Folder<'_>| long.parts.starts_with(&short.parts);
    // A single common word names a folder only where it says so.
    let is_own = |folder: &Folder<'_>| folder.is_anywhere || folder.parts.len() > 1 || folder.parts[0].contains(['-', '_']);
    let is_inside = |short: &Folder<'_>, long: &Folder<'_>| {
        is_own(short) && long.parts.windows(short.parts.len()).any(|run| run == short.parts.as_slice())
    };
    Some(is_prefix(&a, &b) || is_prefix(&b, &a) || is_inside(&a, &b) || is_inside(&b, &a))
}

/// `a/b/**`, `**/b/**` or `**/b` by its parts.
struct Folder<'a> {
    parts: Vec<&'a str>,
    /// Whether it stands for all that is below it.
    is_whole: bool,
    is_anywhere: bool,
}

impl<'a> Folder<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix("**/").unwrap_or(text);
        let folder = inner.strip_suffix("/**").unwrap_or(inner);
        let (is_whole, is_anywhere) = (folder.len() < inner.len(), inner.len() < text.len());
        let parts: Vec<&str> = folder.split('/').collect();
        let is_plain = !folder.contains(['*', '?', '[']) && parts.iter().all(|part| !part.is_empty());
        // A name with an extension is a file, which may be in any folder.
        let is_file = !is_whole && parts.last().is_some_and(|name| name.contains('.'));
        (is_plain && !is_file && (is_whole || is_anywhere)).then_some(Self { parts, is_whole, is_anywhere })
    }
}

/// The name of `**/NAME` with a plain NAME.
fn anywhere(text: &str) -> Option<&str> {
    text.strip_prefix("**/").filter(|name| !name.contains(['/', '*', '?', '[']))
}

/// Which patterns meet.
#[derive(Debug)]
pub(crate) struct Overlaps {
    of: Vec<Vec<Id>>,
}

impl Overlaps {
    /// The patterns that meet `id`, without itself.
    pub(crate) fn of(&self, id: Id) -> &[Id] {
        &self.of[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(a: &str, b: &str) -> bool {
        let mut table = Table::default();
        let mut id = |text: &str| table.intern(&Pattern::parse(text).expect("valid")).expect("room");
        let (a, b) = (id(a), id(b));
        a == b || table.overlaps().of(a).contains(&b)
    }

    #[test]
    fn patterns_meet_when_one_path_could_match_both() {
        for (a, b, want) in [
            ("a.rs", "a.rs", true),
            ("a.rs", "src/a.rs", true),
            ("src/a.rs", "lib/a.rs", false),
            ("**/a.rs", "src/a.rs", true),
            ("**/a.rs", "**/b.rs", false),
            ("**/*.rs", "a.rs", true),
            ("docs/**", "guide.md", true),
            ("docs/**", "src/guide.md", false),
            ("**/*.md", "**/*.py", false),
            ("src/**", "src/x/**", true),
            ("src/api", "src/api/a.rs", true),
            ("src", "src/api/a.rs", true),
            ("src/ap", "src/api/a.rs", false),
            ("**/api", "src/api/a.rs", true),
            ("**/a.rs", "src/api", true),
            ("**/a.rs", "**/api", true),
            ("**/*.css", "src/a.rs", false),
            ("**/*.css", "src/api", true),
            ("skills/audit/**", "**/audit/**", true),
            ("skills/audit/**", "**/review/**", false),
            ("skills/audit/**", "**/review", false),
            ("skills/audit/**", "**/audit", true),
            ("skills/audit-log/**", "audit-log/**", true),
            ("skills/tests/**", "tests/**", false),
            ("skills/audit/**", "**/SKILL.md", true),
        ] {
            assert_eq!(meet(a, b), want, "{a} {b}");
            assert_eq!(meet(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn exact_meetings_are_those_of_the_patterns() {
        let mut texts = Vec::new();
        for first in ["a", "b.rs", "**", "*"] {
            texts.push(first.to_owned());
            for second in ["a", "b.rs", "c", "*.rs", "**"] {
                texts.push(format!("{first}/{second}"));
                texts.extend(["a", "d.rs"].map(|third| format!("{first}/{second}/{third}")));
            }
        }
        let mut table = Table::default();
        let ids: Vec<Id> = texts.iter().map(|text| table.intern(&Pattern::parse(text).expect("valid")).expect("room")).collect();
        let overlaps = table.exact_overlaps();
        for (a, b) in ids.iter().flat_map(|a| ids.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b) {
            let (x, y) = (table.pattern(a), table.pattern(b));
            assert_eq!(overlaps.of(a).contains(&b), x.overlaps(y), "{x} and {y}");
        }
    }

    #[test]
    fn a_bare_name_means_the_one_listed_file_of_that_name() {
        let parse = |text: &str| Pattern::parse(text).expect("valid");
        let mut table = Table::default();
        table.know(&parse("src/a.rs"));
        table.know(&parse("src/b.rs"));
        table.know(&parse("lib/b.rs"));
        let (a, b) = (table.intern(&parse("a.rs")).expect("room"), table.intern(&parse("b.rs")).expect("room"));
        assert_eq!((table.pattern(a).as_str(), table.pattern(b).as_str()), ("src/a.rs", "b.rs"));
    }

    #[test]
    fn a_full_table_says_so() {
        let mut table = Table::default();
        for i in 0..=GLOBS_MAX {
            table.intern(&Pattern::parse(&format!("d{i}/**")).expect("valid"));
        }
        assert!(table.full);
        assert!(table.intern(&Pattern::parse("plain.rs").expect("valid")).is_some());
    }
}
