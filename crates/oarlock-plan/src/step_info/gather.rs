//! What is known about each step before any order is concluded: role, files, words, statements, minutes.
//! The steps themselves come from [`units`]; here their words are numbered, so that comparing them is cheap.

use std::collections::HashSet;

use crate::at_once::of_halves;
use crate::read::document::{Document, Kind};
use crate::read::draft::Draft;
use crate::read::marks::Marks;
use crate::read::prose;
use crate::read::sections::{self, Listed, Section};
use crate::read::tree;
use crate::rule;
use crate::step_info::claim;
use crate::step_info::estimate;
use crate::step_info::files::{self, StepFiles};
use crate::step_info::identifiers;
use crate::step_info::imports;
use crate::step_info::inherit;
use crate::step_info::lexicon::Lexicon;
use crate::step_info::overlap::{Id, Table};
use crate::step_info::references::{self, Statement, Statements, Target};
use crate::step_info::units::{self, Surveyor, Unit};
use crate::text::language;
use crate::text::titles::{self, Role};
use crate::text::words;
use crate::text::{clip, name_of};

/// Different words of a step's text that are kept.
const TEXT_WORDS_MAX: usize = 400;
/// Names are looked for in the texts of at most so many steps.
const NAMED_AHEAD_STEPS_MAX: usize = 100;
/// Lines of a step's prose in which more than words is looked for.
const PROSE_LINES_MAX: usize = 40;
/// Paths of a line that are left out of its words.
const HEARD_PATHS_MAX: usize = 16;
/// Files of a step that are compared with tests of them.
const WRITTEN_STEMS_MAX: usize = 16;
/// Words that name what a step makes that are kept.
const MADE_WORDS_MAX: usize = 24;

/// A step with all that is known about it.
#[derive(Debug)]
pub(crate) struct StepInfo {
    /// Where it stands.
    pub(crate) draft: Draft,
    /// What it does.
    pub(crate) role: Role,
    /// What it reads and writes.
    pub(crate) files: StepFiles,
    /// Numbers of the words that name what it makes.
    pub(crate) makes: Vec<u32>,
    /// Numbers of the names of code in its title, sorted: "BoatStore".
    pub(crate) things: Vec<u32>,
    /// Numbers of all names of code in its title, sorted.
    pub(crate) title_names: Vec<u32>,
    /// Number of the word that its title begins with.
    pub(crate) begins: Option<u32>,
    /// Numbers of all words of its prose but those of paths; of a step in a group only.
    pub(crate) heard: Vec<u32>,
    /// Numbers of the names of code that its text has; of a step in a group only.
    pub(crate) spans: Vec<u32>,
    /// Numbers of the names of code in its title and its text, sorted.
    pub(crate) names: Vec<u32>,
    /// Numbers of the stems of the files that it writes, and of the files that its tests are of.
    pub(crate) stems: Vec<u32>,
    pub(crate) tested: Vec<u32>,
    /// Numbers of the words in the paths that it writes.
    pub(crate) makes_in: Vec<u32>,
    /// Whether it speaks of packages that code depends on.
    pub(crate) speaks_of_packages: bool,
    /// Whether its title speaks of something new, which an earlier step may have made.
    pub(crate) asks_new: bool,
    /// Numbers of the words that it uses for something that is there already: "the tokens".
    pub(crate) definite: Vec<u32>,
    /// Whether it says that it begins when others are done, without saying which.
    pub(crate) awaits: bool,
    /// Numbers of the words that it uses, sorted.
    pub(crate) says: Vec<u32>,
    /// What it says about others.
    pub(crate) statements: Statements,
    /// Whether it shows the code that it makes, and not only a line of it.
    pub(crate) shows_code: bool,
    /// Numbers of the names by which code may use the modules that it writes.
    pub(crate) provides: Vec<u32>,
    /// Numbers of the modules that its code uses, sorted.
    pub(crate) imports: Vec<u32>,
    /// Numbers of the names that its code brings in, sorted; only where its format has a field of its files.
    pub(crate) defines: Vec<u32>,
    /// Numbers of the names that its code has, sorted; likewise.
    pub(crate) uses: Vec<u32>,
    /// Its place in the flow of data, when the whole plan is one.
    pub(crate) stage: Option<u8>,
    /// Group of steps that are said to run side by side.
    pub(crate) beside: Option<usize>,
    /// Minutes stated for it.
    pub(crate) minutes: Option<u64>,
    /// Minutes assumed from its phase.
    pub(crate) share: Option<u64>,
    /// Line of the phase that it was taken out of.
    pub(crate) taken_from: Option<usize>,
}

impl StepInfo {
    /// Whether all that it writes is known, so that independence can be shown.
    pub(crate) fn is_known(&self) -> bool {
        !self.files.writes.is_empty() && !self.files.partial
    }

    /// Whether its format has a field that names its files.
    pub(crate) fn names_files(&self) -> bool {
        !self.draft.mark.writes.is_empty()
    }

    /// Whether it only looks at things that it names.
    pub(crate) fn looks_at_something(&self) -> bool {
        self.draft.looks && !self.files.mentions.is_empty()
    }
}

/// Fewer lines of code are an example of how to call something.
const CODE_LINES_MIN: usize = 8;

/// All facts of a document.
#[derive(Debug)]
pub(crate) struct StepInfos {
    /// The steps, in document order.
    pub(crate) steps: Vec<StepInfo>,
    /// Their patterns.
    pub(crate) table: Table,
    /// The words that `makes` and `says` number.
    pub(crate) words: Vec<String>,
    /// Pairs of which the first speaks of what the second, which stands behind it, is called: "the cleaned positions".
    pub(crate) named_ahead: Vec<(usize, usize)>,
    /// Listed files that no step takes.
    pub(crate) unclaimed: Vec<String>,
    /// Whether the steps are written in another language than English, so that their words tell nothing here.
    pub(crate) is_foreign: bool,
}

/// Gathers the facts about the steps that `drafts` describe; the phases of the lines `whole` are one step each. Where the format says what all
/// steps are, the list `is_complete`.
pub(crate) fn infos(
    document: &Document<'_>,
    sections: &[Section],
    drafts: Vec<Draft>,
    whole: &HashSet<usize>,
    title: Option<&str>,
    is_complete: bool,
) -> StepInfos {
    let about: Vec<String> = title.map(words::naming_stems).unwrap_or_default();
    let (mut listed, _) = sections::listed_files(document, sections);
    let drawn = if rule::is_on(rule::TREES) { tree::files(document, sections) } else { Vec::new() };
    listed.extend(drawn.into_iter().filter(|drawn| !listed.iter().any(|l| l.pattern == drawn.pattern)).collect::<Vec<_>>());
    let mut table = Table::default();
    listed.iter().for_each(|l| table.know(&l.pattern));
    let listed: Vec<(Id, &Listed)> = listed.iter().filter_map(|l| Some((table.intern(&l.pattern)?, l))).collect();
    let mut surveyor = Surveyor::new(document, &listed, &about);
    let mut units = surveyor.expand(drafts, whole, &mut table);
    let mut handed_over = None;
    if rule::is_on(rule::DELIVERABLE) && !is_complete && units.len() > 1 && units.iter().all(|u| u.draft.looks) {
        let after = units.last().map_or(0, |u| u.draft.last);
        handed_over = prose::deliverable(document, sections, after).map(Unit::of);
    }
    let is_handed_over = handed_over.is_some();
    units.extend(handed_over);
    let (mut roles, mut files, mut unclaimed) = surveyor.survey(&units, &mut table);
    inherit::fill(document, &units, &roles, &mut files, &mut table);
    // "Audit report" is no further look.
    if let Some(role) = roles.last_mut().filter(|_| is_handed_over) {
        *role = Role::Document;
    }
    // A guide that is listed but that no step writes is a step of its own, when it stands behind the plan.
    let last = units.last().map_or(0, |u| u.draft.last);
    if units.len() > 1 && !is_complete && !roles.contains(&Role::Document) {
        let guide =
            unclaimed.iter().position(|at| !listed[*at].1.drawn && listed[*at].1.line > last && files::is_document(&listed[*at].1.pattern));
        if let Some(k) = guide {
            let (id, file) = listed[unclaimed.remove(k)];
            let title = format!("Write {}", file.pattern.as_str());
            units.push(Unit::of(Draft { line: file.line, last: file.line, title, ..Draft::default() }));
            roles.push(Role::Document);
            files.push(StepFiles { writes: vec![id], ..StepFiles::default() });
        }
    }
    let places: Vec<(usize, usize)> = units.iter().map(|unit| (unit.draft.line, unit.draft.last)).collect();
    claim::mention_named(document, &places, &mut files, &table);
    let unclaimed = unclaimed.iter().filter(|at| !listed[**at].1.drawn).map(|at| listed[*at].1.pattern.as_str().to_owned()).collect();
    let mut lexicon = Lexicon::default();
    let staged = units::stages(&units);
    let known = Known { table: &table, about: &about };
    let said = of_halves(&units, document.is_large(), |unit| StepText::read(document, unit, &about));
    let mut steps: Vec<StepInfo> = units
        .into_iter()
        .zip(roles.into_iter().zip(files).zip(said))
        .map(|(unit, ((role, files), said))| info(document, unit, role, files, said, &known, &mut lexicon))
        .collect();
    steps.iter_mut().zip(staged).for_each(|(step, stage)| step.stage = stage);
    let named_ahead = named_ahead(document, &steps);
    let is_foreign = language::is_foreign(steps.iter().flat_map(|step| {
        let lines = step.draft.line..=step.draft.last;
        lines
            .filter(|line| matches!(document.lines[*line].kind, Kind::Text | Kind::Item(_) | Kind::Heading(_)))
            .map(|line| clip(document.text(line)))
    }));
    let mut infos = StepInfos { steps, table, words: lexicon.words, named_ahead, unclaimed, is_foreign };
    drop_common_words(&mut infos);
    infos
}

/// Which steps speak of a later one by its name of two words or more, with an article.
fn named_ahead(document: &Document<'_>, steps: &[StepInfo]) -> Vec<(usize, usize)> {
    if steps.len() > NAMED_AHEAD_STEPS_MAX {
        return Vec::new();
    }
    let names: Vec<Option<String>> = steps.iter().map(|step| titles::noun_name(&step.draft.title)).collect();
    let mut out = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let lines = (step.draft.line..=step.draft.last).filter(|i| matches!(document.lines[*i].kind, Kind::Text | Kind::Item(_)));
        let text = lines.map(|i| clip(document.text(i)).to_lowercase()).collect::<Vec<_>>().join(" ");
        let later = names.iter().enumerate().skip(at + 1);
        let says = |name: &Option<String>| name.as_ref().is_some_and(|name| text.contains(&format!("the {name}")));
        out.extend(later.filter(|(_, name)| says(name)).map(|(other, _)| (at, other)));
    }
    out
}

/// What holds for all steps.
struct Known<'a> {
    table: &'a Table,
    /// Words of the document's title.
    about: &'a [String],
}

/// A line of a step's prose.
struct Line<'a> {
    text: &'a str,
    marks: Marks,
}

/// What the text of a step says by itself, whatever the others say.
struct StepText {
    /// Words that it uses for something that is there already.
    definite: Vec<String>,
    awaits: bool,
    statements: Statements,
    minutes: Option<u64>,
    shows_code: bool,
}

impl StepText {
    fn read(document: &Document<'_>, unit: &Unit, about: &[String]) -> Self {
        let Unit { draft, header, .. } = unit;
        let prose: Vec<Line<'_>> = (draft.line..=draft.last)
            .filter(|i| draft.says(document, *i))
            .map(|i| Line { text: clip(document.text(i)), marks: document.lines[i].marks })
            .take(PROSE_LINES_MAX)
            .collect();
        let definite = prose
            .iter()
            .filter(|line| line.marks.definite())
            .flat_map(|line| words::definite_stems(line.text))
            .filter(|w| !about.contains(w))
            .take(TEXT_WORDS_MAX)
            .collect();
        let mut statements = references::of_draft(document, draft);
        if !draft.mark.needs.is_empty() {
            let kind = if draft.kind.is_empty() { "id" } else { draft.kind.as_str() };
            statements.list.extend(draft.mark.needs.iter().map(|id| Statement::Needs(Target::Labelled(kind.to_owned(), id.clone()))));
            statements.declared = true;
        }
        let names_others = statements.list.iter().any(|said| matches!(said, Statement::Needs(_)));
        let mut waits = prose.iter().filter(|line| line.marks.awaits()).map(|line| line.text);
        let awaits = !names_others && titles::says_wait(&draft.title, &mut waits);
        if let Some((line, last)) = *header {
            let above = references::of_draft(document, &Draft { line, last, ..Draft::default() });
            statements.list.extend(above.list);
        }
        let minutes = estimate::of_draft(document, draft);
        // What is written in a fence as a whole shows no code by that.
        let shows_code = document.lines[draft.line].kind != Kind::Code
            && (draft.line..=draft.last).filter(|i| document.lines[*i].kind == Kind::Code).count() >= CODE_LINES_MIN;
        Self { definite, awaits, statements, minutes, shows_code }
    }
}

fn info(
    document: &Document<'_>,
    unit: Unit,
    role: Role,
    files: StepFiles,
    said: StepText,
    known: &Known<'_>,
    lexicon: &mut Lexicon,
) -> StepInfo {
    let Unit { draft, beside, share, taken_from, .. } = unit;
    let StepText { definite, awaits, statements, minutes, shows_code } = said;
    let title = words::without_parentheses(&draft.title);
    let paths: Vec<&str> = files.writes.iter().take(8).map(|id| known.table.pattern(*id).as_str()).collect();
    let names = paths.iter().flat_map(|p| words::naming_stems(name_of(p)));
    // "Search" names no thing where it says what to do, and does where it is what is made.
    let thing = if role == Role::Inspect { Vec::new() } else { words::inspect_stems(&title) };
    let makes: Vec<u32> = words::naming_stems(titles::made_by(&title))
        .into_iter()
        .chain(thing)
        .chain(names)
        .filter(|w| !known.about.contains(w))
        .chain(words::title_pairs(&title))
        .take(MADE_WORDS_MAX)
        .map(|w| lexicon.number(w))
        .collect();
    let makes_in = paths.iter().flat_map(|p| words::naming_stems(p)).take(MADE_WORDS_MAX).map(|w| lexicon.number(w)).collect();
    let says = said_words(document, &draft, lexicon);
    let number = |name: String, lexicon: &mut Lexicon| lexicon.number(format!("module {name}"));
    let provides = paths.iter().filter_map(|path| imports::provided_by(path)).map(|name| number(name, lexicon)).collect();
    let mut imports: Vec<u32> = imports::of_code(document, &draft).into_iter().map(|name| number(name, lexicon)).collect();
    imports.sort_unstable();
    let definite = definite.into_iter().map(|w| lexicon.number(w)).collect();
    let code = if draft.mark.writes.is_empty() { identifiers::Names::default() } else { identifiers::of_draft(document, &draft) };
    let mut numbers = |names: Vec<String>| {
        let mut numbers: Vec<u32> = names.into_iter().map(|name| lexicon.number(format!("name {name}"))).collect();
        numbers.sort_unstable();
        numbers
    };
    let (defines, uses) = (numbers(code.defined), numbers(code.used));
    let mut things: Vec<u32> =
        identifiers::in_title(&draft.title).map(|name| lexicon.number(format!("name {}", name.to_lowercase()))).collect();
    let boundaries = identifiers::boundaries(document, &draft);
    things.extend(boundaries.into_iter().map(|name| lexicon.number(format!("name {name}"))));
    things.sort_unstable();
    let mut title_names: Vec<u32> =
        identifiers::names(&draft.title).map(|name| lexicon.number(format!("name {}", name.to_lowercase()))).collect();
    title_names.sort_unstable();
    let begins = words::each_token(&title).next().map(|word| lexicon.number(words::stem(&word).to_owned()));
    let (mut stems, mut tested) = (Vec::new(), Vec::new());
    for id in files.writes.iter().take(WRITTEN_STEMS_MAX) {
        let pattern = known.table.pattern(*id);
        let stem = identifiers::stem_of_file(name_of(pattern.as_str()));
        let list = if files::is_test(pattern) { &mut tested } else { &mut stems };
        list.extend((stem.len() > 2).then(|| lexicon.number(format!("file {stem}"))));
    }
    let is_grouped = draft.mark.group > 0;
    let heard = if is_grouped { heard_words(document, &draft, lexicon) } else { Vec::new() };
    let spans: Vec<u32> = identifiers::in_spans(document, &draft).into_iter().map(|name| lexicon.number(format!("name {name}"))).collect();
    let mut names: Vec<u32> = spans.iter().chain(&title_names).copied().collect();
    names.sort_unstable();
    names.dedup();
    let spans = if is_grouped { spans } else { Vec::new() };
    let asks_new = words::each_token(&title).any(|w| w == "new");
    let writes_manifest = files.writes.iter().any(|id| files::is_manifest(known.table.pattern(*id)));
    let speaks_of_packages = writes_manifest && speaks_of_packages(document, &draft);
    StepInfo {
        draft,
        role,
        files,
        makes,
        things,
        title_names,
        begins,
        heard,
        spans,
        names,
        stems,
        tested,
        makes_in,
        definite,
        awaits,
        says,
        asks_new,
        speaks_of_packages,
        statements,
        shows_code,
        provides,
        imports,
        defines,
        uses,
        stage: None,
        beside,
        minutes,
        share,
        taken_from,
    }
}

/// Whether a step that writes a manifest says that it is about packages: it adds some, or speaks of what the code depends on.
fn speaks_of_packages(document: &Document<'_>, draft: &Draft) -> bool {
    let adds = words::each_token(&draft.title).next().is_some_and(|word| ["add", "install", "upgrade", "bump"].contains(&&*word));
    let says = |line: usize| {
        let text = clip(document.text(line)).to_lowercase();
        ["dependenc", "install", "library", "libraries", "packages"].iter().any(|word| text.contains(word))
    };
    adds || (draft.line..=draft.last).take(PROSE_LINES_MAX).any(says)
}

/// All words of a step's prose that may name a thing, but those of paths.
fn heard_words(document: &Document<'_>, draft: &Draft, lexicon: &mut Lexicon) -> Vec<u32> {
    let mut out = Vec::new();
    for line in (draft.line..=draft.last).filter(|line| draft.says(document, *line)).take(PROSE_LINES_MAX) {
        let mut text = clip(document.text(line)).to_owned();
        for path in document.paths(line, HEARD_PATHS_MAX) {
            text.replace_range(path.start..path.end, &" ".repeat(path.end - path.start));
        }
        out.extend(words::subject_stems(&text).into_iter().map(|stem| lexicon.number(stem)));
    }
    out.sort_unstable();
    out.dedup();
    out.truncate(TEXT_WORDS_MAX);
    out
}

/// The words of a step's prose, and the pairs of words that its code joins into names.
fn said_words(document: &Document<'_>, draft: &Draft, lexicon: &mut Lexicon) -> Vec<u32> {
    let (mut prose, mut code) = (Vec::new(), Vec::new());
    // A step that begins in a fence is written there.
    let is_fenced = document.lines[draft.line].kind == Kind::Code;
    for i in draft.line..=draft.last {
        let text = clip(document.text(i));
        match document.lines[i].kind {
            _ if prose.len() < TEXT_WORDS_MAX && draft.says(document, i) => {
                lexicon.said(text, &mut prose);
            }
            Kind::Code if is_fenced && prose.len() < TEXT_WORDS_MAX => lexicon.said(text, &mut prose),
            Kind::Code if code.len() < TEXT_WORDS_MAX => {
                let names = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| w.len() > 6);
                code.extend(names.flat_map(words::name_pairs).map(|w| lexicon.number(w)));
            }
            _ => {}
        }
    }
    prose.extend(code);
    prose.sort_unstable();
    prose.dedup();
    prose
}

/// A word in more than half of the titles names no one of them.
fn drop_common_words(infos: &mut StepInfos) {
    let mut uses = vec![0_usize; infos.words.len()];
    for step in &infos.steps {
        step.makes.iter().for_each(|w| uses[*w as usize] += 1);
    }
    let count = infos.steps.len();
    if count < 3 {
        return;
    }
    let mut said = vec![0_usize; infos.words.len()];
    for step in &infos.steps {
        step.says.iter().for_each(|w| said[*w as usize] += 1);
    }
    for step in &mut infos.steps {
        step.makes.retain(|w| uses[*w as usize] * 2 <= count);
        step.definite.retain(|w| said[*w as usize] * 3 <= count * 2);
    }
}
