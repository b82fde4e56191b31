//! Which files a step creates or changes, and which it only speaks of.
//! Reading a file for writing it would show two steps to be independent that are not; so the evidence for writing is
//! strict (a verb that governs the path, a label, a list of files to modify), while every mention counts as a reading.

use oarlock_model::pattern::Pattern;

use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::read::label;
use crate::read::paths::{self, Found};
use crate::rule;
use crate::step_info::overlap::{Id, Table};
use crate::text::titles;
use crate::text::verbs::{self, Deed, is_writing};
use crate::text::words::{each_token, tokens};
use crate::text::{List, clip, name_of};

/// Paths of one line that are looked at.
const LINE_PATHS_MAX: usize = 16;
/// Paths of one step that are kept.
const STEP_PATHS_MAX: usize = 64;

/// Marks in brackets behind a label, such as `[P]` and `[US1]`, are no longer than this.
const MARK_BYTES_MAX: usize = 12;
/// Lines with files in which a step says what it is about; further down it speaks of details.
const TOPIC_LINES_MAX: usize = 20;

static READ_PREPOSITIONS: List = List::new("from, using, with, via, per, like, against, by, than, see, of, through");
static FILLERS: List = List::new("the, a, an, new, existing, current, file, files, this, its, our, all, both, following");
/// Words that may follow a path which is itself the object.
static AFTER_PATH: List = List::new(
    "to, with, for, and, or, in, so, that, using, file, files, section, script, module, if, as, \
     by, at, on, when, under, which, first, accordingly, from, based, template, templates, line, \
     lines, containing, per",
);
/// Deeds that leave their object as it is and make another of it.
static COPIES: List = List::new("translate, convert, copy, port, transform, compile, render, duplicate");
/// Words behind which a thing has its place.
static PLACES: List = List::new("in, at, under, inside, within");
/// Words whose name is a path: "a new crate `relief/index`".
static HOLDERS: List = List::new("crate, package, module, directory, folder, library, service, project");
/// Fields that name what a step looks at.
static READ_FIELDS: List =
    List::new("mirror, pattern, patterns, imports, gotcha, follow, reference, references, validate, validation, example");
static FILE_LABELS: List = List::new(
    "file, files, location, path, paths, target, targets, deliverable, touches, artifact, \
     artifacts",
);

/// The files of one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepFiles {
    /// What it creates or changes.
    pub(crate) writes: Vec<Id>,
    /// What its prose speaks of besides.
    pub(crate) mentions: Vec<Id>,
    /// What only its code shows.
    pub(crate) in_code: Vec<Id>,
    /// Whether most of its work names no file, so that `writes` is not all of it.
    pub(crate) partial: bool,
    /// Whether `writes` rests on no verb, only on what the step is about: weaker evidence.
    pub(crate) by_topic: bool,
}

/// The files that `draft` shows by itself.
pub(crate) fn of_draft(document: &Document<'_>, draft: &Draft, table: &mut Table) -> StepFiles {
    let mut scan = Scan { files: StepFiles::default(), carry: false, work: 0, evident: 0, topic: Vec::new(), lines_with_files: 0 };
    let nested =
        (draft.line + 1..=draft.last).filter(|i| matches!(document.lines[*i].kind, Kind::Item(_))).map(|i| document.lines[i].indent).min();
    let mut fence_opened = false;
    for i in draft.line..=draft.last {
        let line = document.lines[i];
        match line.kind {
            Kind::Code => {
                let text = clip(document.text(i));
                scan.code(text, || document.paths(i, LINE_PATHS_MAX), fence_opened, table);
                fence_opened = text.starts_with("```") || text.starts_with("~~~");
            }
            _ if draft.says(document, i) => {
                let first = i == draft.line;
                let is_item = matches!(line.kind, Kind::Item(_)) && Some(line.indent) == nested;
                let text = clip(document.text(i));
                // "content: Write `a.rs`" in front matter.
                let field = text.split_once(": ").filter(|_| line.kind == Kind::Meta).map(|(name, value)| (name.len() + 2, value));
                let of_field = || field.map(|(length, value)| format!("{}{value}", " ".repeat(length)));
                let bare = if first { without_label(text).or_else(of_field) } else { of_field() };
                let text = bare.as_deref().unwrap_or(text);
                scan.prose(text, &document.paths(i, LINE_PATHS_MAX), first, is_item, draft.looks, table);
            }
            _ => {}
        }
    }
    scan.files.partial = scan.evident * 2 < scan.work;
    if scan.files.writes.is_empty() && rule::is_on(rule::TOPIC) {
        scan.files.writes = std::mem::take(&mut scan.topic);
        scan.files.by_topic = !scan.files.writes.is_empty();
    }
    let StepFiles { writes, mentions, in_code, .. } = &mut scan.files;
    mentions.retain(|m| !writes.contains(m));
    in_code.retain(|m| !writes.contains(m) && !mentions.contains(m));
    scan.files
}

/// A step's own line with blanks for its label and its marks, so that what is said begins where its words begin: "T012 [P] Check …" is an
/// order to check. Nothing where it has no label.
fn without_label(text: &str) -> Option<String> {
    let mut rest = text.trim_start_matches(['*', ' ', '~']);
    if let Some(label) = label::of_heading(rest) {
        rest = label.rest;
    }
    while let Some((mark, behind)) = rest.trim_start_matches(['*', ' ']).strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        if mark.len() > MARK_BYTES_MAX || behind.starts_with('(') {
            break;
        }
        rest = behind;
    }
    let length = text.len() - rest.len();
    (length > 0 && text.ends_with(rest)).then(|| format!("{}{rest}", " ".repeat(length)))
}

struct Scan {
    files: StepFiles,
    /// Whether a line such as "Files to create:" holds for the items below it.
    carry: bool,
    /// Items that make something, and those of them that name a file.
    work: usize,
    evident: usize,
    /// Files that are what the step is about, as far as its first line with files tells.
    topic: Vec<Id>,
    lines_with_files: usize,
}

impl Scan {
    fn prose(&mut self, text: &str, found: &[Found], first: bool, is_item: bool, looks: bool, table: &mut Table) {
        let (mut wrote, mut last_is_written) = (false, false);
        let has_topic = !self.topic.is_empty() || self.lines_with_files >= TOPIC_LINES_MAX;
        self.lines_with_files += usize::from(!found.is_empty());
        let looks = looks || found.first().is_some_and(|path| is_read_field(text) && (!first || begins_value(text, path.start)));
        let mut prose = if found.is_empty() { String::new() } else { text.to_owned() };
        for (k, path) in found.iter().enumerate() {
            let is_test = is_test(&path.pattern);
            let place = Place { text, prose: &prose[..path.start], start: path.start, end: path.end, first, carry: self.carry, is_test };
            // "`a.rs` and `b.rs`": what is done to the first is done to the second.
            let is_joined = k > 0 && last_is_written && are_joined(text.get(found[k - 1].end..path.start).unwrap_or_default());
            let writes = !looks && made_from(text, found, k).unwrap_or_else(|| is_joined || place.is_written());
            last_is_written = writes;
            let is_topic = !looks && !writes && !has_topic && place.is_topic(&found[..k]);
            // The words of a path are no words of the sentence that goes on behind it.
            prose.replace_range(path.start..path.end, &" ".repeat(path.end - path.start));
            wrote |= writes;
            let Some(id) = table.intern(&path.pattern) else {
                continue;
            };
            push_bounded(if writes { &mut self.files.writes } else { &mut self.files.mentions }, id);
            if is_topic {
                push_bounded(&mut self.topic, id);
            }
        }
        let bare = text.trim_matches(['*', ' ']);
        if found.is_empty() && bare.ends_with(':') {
            let labelled = each_token(bare).any(|w| FILE_LABELS.has(&w));
            self.carry = (labelled || verbs::says_write(bare)) && !verbs::says_read(bare);
        }
        // The step's own line may be served by a list of files; what it consists of must name its files itself.
        if is_item
            && !first
            && text.starts_with(char::is_alphabetic)
            && each_token(text).next().is_some_and(|w| titles::is_make_verb(&w) || w == "integrate")
        {
            self.work += 1;
            self.evident += usize::from(wrote);
        }
    }

    /// Code is read for mentions; a first line that is a comment with nothing but a path says which file is shown.
    fn code(&mut self, text: &str, found: impl FnOnce() -> Vec<Found>, first: bool, table: &mut Table) {
        let comment = ["#", "//", "--", "<!--", "/*", ";"].iter().find_map(|mark| text.strip_prefix(mark));
        let named = comment.map(|c| c.trim_end_matches("-->").trim_end_matches("*/").trim()).filter(|c| first && !c.contains(' '));
        let shown = named.map(|name| paths::patterns_of(name, false)).unwrap_or_default();
        if !shown.is_empty() {
            for id in shown.iter().filter_map(|pattern| table.intern(pattern)) {
                push_bounded(&mut self.files.writes, id);
            }
            return;
        }
        for path in found() {
            if let Some(id) = table.intern(&path.pattern).filter(|_| path.pattern.is_literal()) {
                push_bounded(&mut self.files.in_code, id);
            }
        }
    }
}

/// "Translate `a.md` to `a.de.md`": the second is written and the first only read. Nothing where a line says no such thing of its path `k`.
fn made_from(text: &str, found: &[Found], k: usize) -> Option<bool> {
    let leads = |from: usize, to: usize| {
        let between = text.get(found[from].end..found[to].start).unwrap_or("").trim().trim_matches('`').trim();
        ["to", "into", "→", "->"].contains(&between)
    };
    let is_target = k > 0 && leads(k - 1, k);
    let is_source = k + 1 < found.len() && leads(k, k + 1);
    let first = if is_target { k - 1 } else { k };
    let copies = || each_token(last_clause(&text[..found[first].start])).any(|w| COPIES.has(&w));
    ((is_target || is_source) && copies()).then_some(is_target)
}

/// "**MIRROR**: `a.ts`": the files of such a field are looked at.
fn is_read_field(text: &str) -> bool {
    let Some((name, _)) = text.split_once(':') else { return false };
    let words = tokens(name);
    (1..=3).contains(&words.len()) && words.iter().any(|word| READ_FIELDS.has(word)) && !words.iter().any(|word| is_writing(word))
}

/// Whether the value of a line's field begins with the path at a place: "**Pattern**: `src/a.ts`". "Validation: add the checks to `src/a.ts`" says what a
/// step does.
fn begins_value(text: &str, path: usize) -> bool {
    let before = text.get(..path).unwrap_or_default();
    before.split_once(':').is_some_and(|(_, value)| !value.chars().any(char::is_alphanumeric))
}

/// Whether what stands between two paths makes them one list. Alternatives of one word stand in one place.
fn are_joined(between: &str) -> bool {
    let between = between.trim();
    between.is_empty() || ["and", ",", ", and", "&", "+", "plus", ", plus"].contains(&between)
}

/// Adds an id once, as long as there is room.
pub(crate) fn push_bounded(list: &mut Vec<Id>, id: Id) {
    if list.len() < STEP_PATHS_MAX && !list.contains(&id) {
        list.push(id);
    }
}

/// The clause that a text ends in. A full stop inside a file name ends none.
fn last_clause(text: &str) -> &str {
    let sentence = text.rsplit(';').next().unwrap_or(text);
    sentence.rsplit(". ").next().unwrap_or(sentence)
}

/// A path in its line.
struct Place<'a> {
    text: &'a str,
    /// What stands before it, other paths blanked.
    prose: &'a str,
    start: usize,
    end: usize,
    first: bool,
    carry: bool,
    is_test: bool,
}

impl Place<'_> {
    /// Whether the line says that the file is created or changed.
    fn is_written(&self) -> bool {
        let before = &self.text[..self.start];
        let clause = last_clause(before);
        let words = tokens(clause);
        if before.trim_end_matches(['*', '`', ' ', '(']).ends_with(':') && !words.is_empty() {
            // "… — files: `a.rs`": the label alone says it.
            let label = clause.rsplit(['—', '–', ',', '(']).next().unwrap_or(clause);
            if tokens(label).iter().all(|w| FILE_LABELS.has(w) || FILLERS.has(w)) {
                return true;
            }
            return !verbs::says_read(clause) && (verbs::says_write(clause) || words.iter().any(|w| FILE_LABELS.has(w)));
        }
        let near = words.iter().rev().find(|w| !FILLERS.has(w));
        if near.is_some_and(|w| READ_PREPOSITIONS.has(w)) {
            return false;
        }
        if verbs::only_checks(last_clause(self.prose)) {
            return false;
        }
        match verbs::governing(last_clause(self.prose)) {
            // "Write the tests of the parser in src/parser.rs" may mean the parser's place.
            Some(Deed::Write { tests: true, .. }) if self.tests_another() => false,
            Some(Deed::Write { makes, .. }) => !(makes && self.is_modifier()),
            Some(Deed::Read) => false,
            None if self.followed_by_done() => true,
            // "New file `x.rs`".
            None if words.first().is_some_and(|w| w == "new") && near.is_none_or(|w| w == "new" || HOLDERS.has(w)) => true,
            None if !before.chars().any(char::is_alphanumeric) => self.leads(),
            None => false,
        }
    }

    /// Whether the file is what the line is about: it stands where a sentence begins, in brackets behind a name, or behind "in", a comma or a
    /// colon, and no order to look at something governs it.
    fn is_topic(&self, before_it: &[Found]) -> bool {
        let sentence = last_clause(&self.text[..self.start]);
        let prose = last_clause(self.prose);
        let trimmed = sentence.trim_end_matches(['*', '`', ' ']);
        // "Update all stores across the module (`a.go`, `b.go`)": the verb is far off, and what stands in brackets is what it is about.
        let is_listed =
            verbs::begins_with_write(prose) && prose.rfind('(').is_some_and(|at| !prose[at..].contains(')')) && !self.tests_another();
        if verbs::orders_or_writes(prose) && !is_listed {
            return false;
        }
        let behind_name = trimmed.is_empty() || trimmed.ends_with(['(', ',', ':', '.', '—', '–']);
        // "`a.h` and `a.c`": what the first is, the second is.
        let joined = before_it.last().is_some_and(|last| are_joined(self.text.get(last.end..self.start).unwrap_or_default()));
        let words = tokens(prose);
        let near = words.iter().rev().find(|w| !FILLERS.has(w));
        let located = near.is_some_and(|w| PLACES.has(w) || HOLDERS.has(w));
        joined || located || (behind_name && !near.is_some_and(|w| READ_PREPOSITIONS.has(w)))
    }

    /// "Write the tests of the parser (`src/parser.rs`)" names what is tested.
    fn tests_another(&self) -> bool {
        !self.is_test && matches!(verbs::governing(last_clause(self.prose)), Some(Deed::Write { tests: true, .. }))
    }

    fn next_words(&self) -> Vec<String> {
        let after = &self.text[self.end..];
        tokens(after.split(';').next().unwrap_or(after).split(". ").next().unwrap_or(after))
    }

    /// "x.yaml reference step": the path only describes what is made.
    fn is_modifier(&self) -> bool {
        let after = &self.text[self.end..];
        let glued = after.strip_prefix(' ').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        // "x.rs implementing …" goes on about the file itself.
        glued && self.next_words().first().is_some_and(|w| !AFTER_PATH.has(w) && !w.ends_with("ing"))
    }

    /// "`x.md` is created": a criterion.
    fn followed_by_done(&self) -> bool {
        self.next_words().iter().take(4).any(|w| w.ends_with("ed") && is_writing(w))
    }

    /// The path stands at the beginning of the line.
    fn leads(&self) -> bool {
        let next = self.next_words();
        if next.first().is_some_and(|w| verbs::is_reading(w)) {
            return false;
        }
        self.carry || (self.first && next.is_empty()) || next.iter().take(3).any(|w| is_writing(w))
    }
}

/// Whether a file, by its name in lower case, is text that people read. What programs read has such endings, too: `requirements.txt`,
/// `CMakeLists.txt`, and the instructions of agents.
pub(crate) fn is_text_for_readers(name: &str) -> bool {
    let is_of_programs =
        name.starts_with("requirements") || name.starts_with("constraints") || name == "cmakelists.txt" || name == "robots.txt";
    let is_of_agents = ["skill.md", "agents.md", "claude.md", "gemini.md"].contains(&name);
    [".md", ".mdx", ".rst", ".adoc", ".txt"].iter().any(|ending| name.ends_with(ending)) && !is_of_programs && !is_of_agents
}

/// Files in which a project declares the packages that its code uses.
const MANIFESTS: [&str; 16] = [
    "package.json",
    "pyproject.toml",
    "cargo.toml",
    "go.mod",
    "gemfile",
    "composer.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "cmakelists.txt",
    "package.swift",
    "pubspec.yaml",
    "mix.exs",
    "setup.py",
    "pipfile",
    "environment.yml",
];

/// Whether a file declares the packages that the code of a project uses.
pub(crate) fn is_manifest(pattern: &Pattern) -> bool {
    let name = name_of(pattern.as_str()).to_lowercase();
    MANIFESTS.contains(&name.as_str()) || name.starts_with("requirements") && name.ends_with(".txt") || name.ends_with(".csproj")
}

/// Whether a file describes things for people.
pub(crate) fn is_document(pattern: &Pattern) -> bool {
    let text = pattern.as_str().to_ascii_lowercase();
    let name = name_of(&text);
    is_text_for_readers(name)
        && (text.contains("docs/") || ["guide", "readme", "changelog", "contributing", "doc", "manual"].iter().any(|w| name.contains(w)))
}

/// Whether a file holds tests.
pub(crate) fn is_test(pattern: &Pattern) -> bool {
    let text = pattern.as_str().to_ascii_lowercase();
    let name = name_of(&text);
    text.contains("tests/")
        || text.contains("test/")
        || name.starts_with("test_")
        || ["_test.", ".test.", ".spec.", "-test."].iter().any(|w| name.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(source: &str) -> (Vec<String>, Vec<String>, bool) {
        let document = Document::read(source).expect("small");
        let mut table = Table::default();
        let draft = Draft { last: document.lines.len() - 1, ..Draft::default() };
        let files = of_draft(&document, &draft, &mut table);
        let text = |ids: &[Id]| ids.iter().map(|i| table.pattern(*i).as_str().to_owned()).collect();
        (text(&files.writes), text(&files.mentions), files.partial)
    }

    #[test]
    fn only_what_a_line_says_to_change_is_written() {
        for (line, writes) in [
            ("1. Modify `src/a.rs` to accept b", vec!["src/a.rs"]),
            ("1. Read the prompt: `src/a.md`", vec![]),
            ("1. Create the report from `in.csv` in `out.md`", vec!["out.md"]),
            ("1. Add map.yaml reference step", vec![]),
            ("1. Add rules to `CLAUDE.md`", vec!["CLAUDE.md"]),
            ("1. Test with `x.py`", vec![]),
            ("1. `src/a.rs`: add the type", vec!["src/a.rs"]),
            ("- [ ] Library created in `lib/x.py`", vec!["lib/x.py"]),
            ("- [ ] `x.md` updated", vec!["x.md"]),
            ("- [ ] Update `a.py` using `b.py`", vec!["a.py"]),
            ("**Create `web/index.html`:**", vec!["web/index.html"]),
            ("Report saved to: `out/r.md`", vec!["out/r.md"]),
            ("1. Extend the parser; see `b.rs`", vec![]),
            ("1. Write the parser in `src/parser.rs`", vec!["src/parser.rs"]),
            ("1. Read the writer in `src/writer.rs`", vec![]),
            ("1. Write the integration tests in tests/all.rs", vec!["tests/all.rs"]),
            ("1. Add a test for a crash in `tests/crash.rs`", vec!["tests/crash.rs"]),
            ("1. Write tests for the parser in `src/parser.rs`", vec![]),
            ("1. Run the tests in tests/all.rs", vec![]),
            ("1. Update the code and run the tests in tests/all.rs", vec![]),
            ("1. Create `src/search.rs` and `tests/all.rs`", vec!["src/search.rs", "tests/all.rs"]),
            ("1. Add a tool to read `x.csv`", vec![]),
            ("1. Write a script that loads `a.csv`", vec![]),
            ("1. Add the list view in `src/list.rs`", vec!["src/list.rs"]),
            ("1. Create a report comparing `a.csv`", vec![]),
            ("1. Test the parser in tests/all.rs", vec![]),
            ("1. Translate `README.md` to `README.de.md`", vec!["README.de.md"]),
            ("1. Rename `a.rs` to `b.rs`", vec!["a.rs", "b.rs"]),
            ("- [ ] New file `lib/two.py`", vec!["lib/two.py"]),
            ("- [ ] New module `lib/two.py`", vec!["lib/two.py"]),
            ("1. Create `C` in `src/c.ts` implementing the interface from `contracts/c.md`:", vec!["src/c.ts"]),
            ("1. Set the type in `src/m.ts` to `image/jpeg`", vec!["src/m.ts"]),
            ("- [ ] T036 Verify that it compiles in `backend/`", vec![]),
            (
                "1. Update the constructors of all types across all of the store and whatever is near it (`a.go`, `b.go`)",
                vec!["a.go", "b.go"],
            ),
            ("- **MIRROR**: `src/list.rs`", vec![]),
            ("### 3. `src/config.rs`", vec!["src/config.rs"]),
            ("1. Update `src/{a,b}.rs` and `c.rs`", vec!["src/a.rs", "src/b.rs", "c.rs"]),
        ] {
            assert_eq!(uses(line).0, writes, "{line}");
        }
    }

    #[test]
    fn labels_hold_for_the_lines_below() {
        let (writes, mentions, _) = uses("1. Do it\n   **Files to change:**\n   - `a.rs`\n   **Read:**\n   - `b.rs`\n");
        assert_eq!((writes, mentions), (vec!["a.rs".to_owned()], vec!["b.rs".to_owned()]));
    }

    #[test]
    fn code_shows_its_file_in_the_first_line() {
        let (writes, ..) = uses("1. Build it\n```python\n# lib/errors.py\nopen('x.csv')\n```\n");
        assert_eq!(writes, ["lib/errors.py"]);
    }

    #[test]
    fn work_without_files_makes_the_evidence_partial() {
        let source = "### Phase 1\n1. Create `a.py`\n2. Refactor the service\n3. Remove the old one\n";
        assert!(uses(source).2);
        assert!(!uses("### Phase 1\n1. Create `a.py`\n2. Describe it\n").2);
    }
}
