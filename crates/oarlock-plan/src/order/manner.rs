//! How the format of a document binds steps that no sentence orders: in the order of the list, beside marked neighbours, or not at all.

use crate::order::twins;
use crate::read::format::Manner;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::step_info::overlap::Overlaps;
use crate::text::name_of;
use crate::text::titles;
use crate::text::words;

/// Neighbours that are compared with each other; a longer run is cut.
const RUN_MAX: usize = 30;

/// How the steps of one document are bound.
#[derive(Debug)]
pub(crate) struct Bound {
    manner: Manner,
    /// For each step the number of its run: neighbours of one run may be at work at once.
    run: Vec<usize>,
    /// For each step its section, and the row of twin sections that this one is in.
    section: Vec<usize>,
    twin_sections: Vec<Option<usize>>,
}

impl Bound {
    /// By `manner`, from what the steps say and write.
    pub(crate) fn of(manner: Manner, infos: &StepInfos, overlaps: &Overlaps) -> Self {
        let mut run: Vec<usize> = Vec::with_capacity(infos.steps.len());
        let mut begins = 0;
        for at in 0..infos.steps.len() {
            let joins = at > 0 && goes_on(manner, infos, overlaps, begins..at, at);
            if !joins {
                begins = at;
            }
            run.push(begins);
        }
        let (section, twin_sections) = if manner == Manner::Sequence { twins::of(&infos.steps) } else { twins::none(infos.steps.len()) };
        Self { manner, run, section, twin_sections }
    }

    /// Whether the list is in the order of the work.
    pub(crate) fn is_listed(&self) -> bool {
        self.manner == Manner::Listed
    }

    /// Whether each step is a piece of work of its own.
    pub(crate) fn is_apart(&self) -> bool {
        self.manner == Manner::Apart
    }

    /// Whether markers of the format say which steps run in order.
    pub(crate) fn is_marked(&self) -> bool {
        self.manner == Manner::Marked
    }

    /// Whether the sections of two steps do the same to two things: "Update GraphManager", "Update PodManager".
    fn are_twins(&self, from: usize, to: usize) -> bool {
        self.twin_sections[from].is_some() && self.twin_sections[from] == self.twin_sections[to] && self.section[from] != self.section[to]
    }

    /// Whether `to` waits for `from`, which stands before it: nothing where the format leaves it to the content.
    pub(crate) fn orders(&self, infos: &StepInfos, from: usize, to: usize) -> Option<bool> {
        if matches!(self.manner, Manner::Content | Manner::Apart | Manner::Listed) {
            return None;
        }
        let (a, b) = (&infos.steps[from].draft.mark, &infos.steps[to].draft.mark);
        let stories = self.manner == Manner::Marked && a.story && b.story && a.group != b.group;
        Some(!stories && !self.are_twins(from, to) && self.run[from] != self.run[to])
    }
}

/// Whether a step goes on with the run of its neighbours before it.
fn goes_on(manner: Manner, infos: &StepInfos, overlaps: &Overlaps, mut run: std::ops::Range<usize>, at: usize) -> bool {
    let step = &infos.steps[at];
    let last = &infos.steps[run.end - 1];
    let (own, before) = (&step.draft.mark, &last.draft.mark);
    if own.group != before.group || own.part != before.part {
        return false;
    }
    if own.beside && before.beside {
        return true;
    }
    if manner != Manner::Sequence || own.group == 0 || run.len() >= RUN_MAX {
        return false;
    }
    run.all(|other| {
        let other = &infos.steps[other];
        only_check(other, step) || are_other_tests(kind_of_tests(other), kind_of_tests(step)) || are_alike(infos, overlaps, other, step)
    })
}

/// "Run the linter" and "verify by hand": neither changes anything.
fn only_check(one: &StepInfo, two: &StepInfo) -> bool {
    let checks = |info: &StepInfo| {
        let first = words::each_token(&info.draft.title).next();
        let is_check = first.is_some_and(|word| ["run", "verify", "manual", "manually", "check", "confirm"].contains(&&*word));
        let mends =
            words::each_token(&info.draft.title).any(|word| ["fix", "update", "add", "write", "create", "document"].contains(&&*word));
        is_check && !mends && info.files.writes.is_empty()
    };
    checks(one) && checks(two)
}

/// "Unit tests" and "E2E testing with a browser": tests of two kinds use what was built, and nothing of each other.
pub(crate) fn are_other_tests(one: Option<&str>, two: Option<&str>) -> bool {
    one.is_some() && two.is_some() && one != two
}

/// The kind of the tests that a step is about, by its title.
pub(crate) fn kind_of_tests(info: &StepInfo) -> Option<&'static str> {
    const KINDS: [&str; 10] =
        ["unit", "integration", "e2e", "end-to-end", "performance", "load", "accessibility", "security", "visual", "contract"];
    let title = info.draft.title.to_lowercase();
    let is_test = words::each_token(&title).any(|word| word.starts_with("test"));
    KINDS.into_iter().find(|kind| is_test && title.contains(kind))
}

/// Whether two steps do the same to files of their own: their titles begin alike, and their files are named alike, are both documents, or
/// are there already.
fn are_alike(infos: &StepInfos, overlaps: &Overlaps, one: &StepInfo, two: &StepInfo) -> bool {
    let verb = |info: &StepInfo| words::each_token(&info.draft.title).next().map(std::borrow::Cow::into_owned);
    let path = |info: &StepInfo| info.files.writes.first().map(|id| infos.table.pattern(*id).as_str().to_owned());
    let (Some(a), Some(b)) = (path(one), path(two)) else { return false };
    let both_documents = is_text(&a) && is_text(&b);
    let same_verb = verb(one).is_some() && verb(one) == verb(two);
    if !one.is_known() || !two.is_known() || !(same_verb || both_documents) {
        return false;
    }
    let touches = |x: &StepInfo, y: &StepInfo| {
        let others = || y.files.mentions.iter().chain(&y.files.in_code);
        x.files.writes.iter().any(|id| others().any(|other| other == id || overlaps.of(*id).contains(other)))
    };
    if touches(one, two) || touches(two, one) {
        return false;
    }
    let changes = verb(one)
        .is_some_and(|verb| ["update", "modify", "migrate", "port", "convert", "translate", "fix", "rename"].contains(&verb.as_str()));
    // What others stand on is changed first.
    let is_base = |path: &str| titles::is_base_name(name_of(path).split('.').next().unwrap_or(path));
    a == b || both_documents || (changes && !is_base(&a) && !is_base(&b)) || share_name_part(&a, &b)
}

fn is_text(path: &str) -> bool {
    [".md", ".mdx", ".rst", ".adoc"].iter().any(|ending| path.ends_with(ending))
}

/// Whether the names of two files end in the same word, as `UserStore.ts` and `NoteStore.ts` do, or have the same kind before the extension.
fn share_name_part(one: &str, two: &str) -> bool {
    let parts = |path: &str| {
        let name = name_of(path);
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let mut words: Vec<String> = Vec::new();
        for c in stem.chars() {
            if !c.is_alphanumeric() {
                words.push(String::new());
            } else if c.is_uppercase() || words.is_empty() {
                words.push(c.to_lowercase().collect());
            } else if let Some(word) = words.last_mut() {
                word.push(c);
            }
        }
        words.retain(|word| word.len() > 2);
        (words, extension.to_owned())
    };
    let ((a, a_kind), (b, b_kind)) = (parts(one), parts(two));
    if a_kind != b_kind {
        return false;
    }
    let several = a.len() > 1 && b.len() > 1;
    (several && (a.last() == b.last() || a.first() == b.first())) || (a_kind.contains('.') && one != two)
}
