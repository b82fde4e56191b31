//! The order of the steps: which must wait for which, and why.
//! The principle is that order is kept unless independence is shown: two steps may run at once when the document says
//! so, or when both show all that they write, their files never meet, and nothing about their roles or words joins them.

use std::collections::HashMap;

use crate::order::bits::Bits;
use crate::order::conflicts;
use crate::order::groups::Groups;
use crate::order::kinship;
use crate::order::manner::{self, Bound};
use crate::order::shared::{Packages, SharedNames};
use crate::order::stated_order::{Outside, StatedOrder};
use crate::order::why::{Causes, Why};
use crate::plan::{Conflict, Edge};
use crate::read::format::Manner;
use crate::rule;
use crate::step_info::files;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::step_info::overlap::Overlaps;
use crate::text::titles::{self, Role};
use crate::text::{folder_and_name, name_of};

/// Orders that are as sure as this are stated by the document or by the markers of its format.
pub(crate) const STATED_CONFIDENCE: f64 = 0.95;

/// How the reason of an order begins that the format gives by the place in its list alone.
pub(crate) const BY_FORMAT: &str = "the format runs it after step ";
/// Stated orders that are listed although they follow from others.
const IMPLIED_EDGES_MAX: usize = 2_000;

/// The order of the steps of a document.
#[derive(Debug)]
pub(crate) struct Order {
    /// For each step those that it directly waits for.
    pub(crate) needs: Vec<Vec<usize>>,
    /// The same with reasons, and all stated ones.
    pub(crate) edges: Vec<Edge>,
    /// Those orders that rest on what the steps say or write, and not on what kind of step they are.
    pub(crate) by_content: Vec<(usize, usize)>,
    /// Files that several steps write.
    pub(crate) conflicts: Vec<Conflict>,
    /// Why steps wait, by kind, for explaining a plan that stays in one piece.
    pub(crate) causes: Causes,
    /// Whether the document says of any two steps that they may run at once.
    pub(crate) states_independence: bool,
    /// Stated orders that contradict each other.
    pub(crate) warnings: Vec<String>,
}

/// Orders the steps of `step_info`, which the document's format binds by `manner`; `outside` is what it says of order beside its steps.
pub(crate) fn order(infos: &StepInfos, outside: Outside<'_>, manner: Manner) -> Order {
    let steps = &infos.steps;
    let mut stated_order = StatedOrder::read(steps, outside, manner);
    // What a step speaks of as there stands behind it in the document: it comes first nevertheless.
    if rule::is_on(rule::NAMED_AHEAD) && matches!(manner, Manner::Content | Manner::Listed) {
        stated_order.stated.extend(infos.named_ahead.iter().map(|(speaks, named)| (*named, *speaks)));
    }
    if manner == Manner::Content {
        stated_order.stated.extend(kinship::late_grounds(infos));
    }
    let sequence = stated_order.sequence(steps.len());
    let (opens, closes) = kinship::odd_ends(infos, &sequence);
    let overlaps = infos.table.overlaps();
    let meets = kinship::meetings(infos, &overlaps);
    let groups = match manner {
        Manner::Sequence | Manner::Chain => Groups::of(infos, &meets, |from, to| stated_order.says(from, to)),
        Manner::Marked | Manner::Apart | Manner::Listed | Manner::Content => Groups::default(),
    };
    let rules = Rules {
        infos,
        stated_order: &stated_order,
        meets,
        groups,
        shared_names: SharedNames::of(infos),
        packages: Packages::of(infos),
        kinds_of_tests: steps.iter().map(manner::kind_of_tests).collect(),
        bound: Bound::of(manner, infos, &overlaps),
        twins: kinship::twins(steps),
        opened: kinship::opened_folders(infos),
        used_names: kinship::used_names(steps),
        overlaps,
        describes_all: describes_all(steps, &sequence),
        opens,
        closes,
    };
    let mut ancestors: Vec<Bits> = Vec::with_capacity(steps.len());
    let mut needs = vec![Vec::new(); steps.len()];
    let mut implied_edges = 0;
    let mut out = Order {
        needs: Vec::new(),
        edges: Vec::new(),
        by_content: Vec::new(),
        conflicts: Vec::new(),
        causes: Causes::default(),
        states_independence: stated_order.states_independence(),
        warnings: Vec::new(),
    };
    for (k, to) in sequence.iter().enumerate() {
        let mut above = Bits::new(steps.len());
        for (earlier, from) in sequence[..k].iter().enumerate().rev() {
            let implied = above.has(*from);
            // What follows from other orders is not repeated, unless the document says it.
            if implied && (implied_edges == IMPLIED_EDGES_MAX || !stated_order.says(*from, *to)) {
                continue;
            }
            implied_edges += usize::from(implied);
            let Some(why) = rules.why(*from, *to) else {
                continue;
            };
            out.edges.push(rules.edge(*from, *to, why));
            if why.is_by_content() {
                out.by_content.push((*from, *to));
            }
            if !implied {
                needs[*to].push(*from);
                out.causes.count(why);
                above.insert(*from);
                above.add_all(&ancestors[earlier]);
            }
        }
        ancestors.push(above);
    }
    out.edges.sort_by_key(|e| (e.to, e.from));
    needs.iter_mut().for_each(|n: &mut Vec<usize>| n.sort_unstable());
    out.needs = needs;
    out.conflicts = conflicts::of(infos);
    drop(rules);
    out.warnings = std::mem::take(&mut stated_order.warnings);
    out
}

/// Whether a describing step describes everything before it: at the end of the work, or when it names nothing in particular.
fn describes_all(steps: &[StepInfo], sequence: &[usize]) -> Vec<bool> {
    let closes = |s: &usize| matches!(steps[*s].role, Role::Document | Role::Verify | Role::Finish);
    let makes = |s: &usize| !matches!(steps[*s].role, Role::Inspect | Role::Design | Role::Verify | Role::Document);
    let end = sequence.iter().rposition(|s| !closes(s)).map_or(0, |at| at + 1);
    let mut out = vec![false; steps.len()];
    for (k, at) in sequence.iter().enumerate() {
        if steps[*at].role == Role::Document {
            let names = |from: &usize| kinship::shared_word(&steps[*from], &steps[*at]).is_some();
            out[*at] = k >= end || !sequence[..k].iter().any(|from| makes(from) && names(from));
        }
    }
    out
}

/// Whether both are parts of numbered phases, and the second's has the higher number. What runs side by side has other names: track, component.
fn is_later_phase(one: &StepInfo, two: &StepInfo) -> bool {
    // Phases that are kept whole are steps themselves, and are judged as such, unless they hold steps with labels of their own.
    let holds_steps = |info: &StepInfo| info.draft.mark.holds_headings || info.draft.items.iter().any(|item| !item.kind.is_empty());
    if one.draft.phase_label.is_none() && two.draft.phase_label.is_none() && !(holds_steps(one) && holds_steps(two)) {
        return false;
    }
    let ((kind, id), (other_kind, other_id)) = (phase_of(one), phase_of(two));
    // Stories of users are made to be worked on side by side, once what comes before all of them is there.
    if [one, two].iter().all(|info| info.draft.phase.as_deref().is_some_and(titles::is_story)) {
        return false;
    }
    let place = |info: &StepInfo| info.draft.mark.group.max(info.draft.line);
    kind == other_kind && id != other_id && titles::PHASES.contains(&kind.as_str()) && place(one) < place(two)
}

/// Whether a step only looks at things: it changes none, so that it can disturb no other look.
fn is_look(info: &StepInfo) -> bool {
    info.role == Role::Inspect && info.files.writes.is_empty()
}

/// A guide describes what was made, not how it was checked, and it is no part of what is joined; and guides to two things are two files.
fn are_apart_by_role(one: &StepInfo, two: &StepInfo) -> bool {
    let guide = |info: &StepInfo| info.role == Role::Document && info.is_known();
    let document =
        |info: &StepInfo| info.role == Role::Document && info.files.writes.is_empty() && titles::names_document(&info.draft.title);
    let shared = || one.makes.iter().any(|word| two.makes.contains(word));
    if document(one) && document(two) && !one.makes.is_empty() && !two.makes.is_empty() && !shared() {
        return true;
    }
    guide(two) && one.role == Role::Verify && !one.is_known() || guide(one) && two.role == Role::Integrate
}

/// The label of the phase that a step belongs to, or is.
fn phase_of(info: &StepInfo) -> (String, String) {
    info.draft.phase_label.clone().unwrap_or_else(|| (info.draft.kind.clone(), info.draft.id.clone()))
}

/// A word that `to` speaks of as something that is there ("the tokens") and that `from` uses too.
fn shared_definite(from: &StepInfo, to: &StepInfo) -> Option<u32> {
    to.definite.iter().copied().find(|word| from.says.binary_search(word).is_ok())
}

struct Rules<'a> {
    infos: &'a StepInfos,
    stated_order: &'a StatedOrder,
    meets: Vec<Bits>,
    groups: Groups,
    shared_names: SharedNames,
    packages: Packages,
    kinds_of_tests: Vec<Option<&'static str>>,
    bound: Bound,
    twins: Vec<usize>,
    opened: Vec<Vec<String>>,
    used_names: Vec<HashMap<usize, u32>>,
    overlaps: Overlaps,
    describes_all: Vec<bool>,
    /// A first step on which the others rest, and a last one that rests on them.
    opens: Option<usize>,
    closes: Option<usize>,
}

impl Rules<'_> {
    /// Why `to` waits for `from`, which stands before it; `None` when they are shown to be independent.
    fn why(&self, from: usize, to: usize) -> Option<Why> {
        let (a, b) = (&self.infos.steps[from], &self.infos.steps[to]);
        if self.stated_order.says(from, to) {
            return Some(Why::Stated);
        }
        if self.stated_order.guesses(from, to) {
            return Some(Why::Unclear);
        }
        if a.draft.mark.keeps_place || b.draft.mark.keeps_place {
            return Some(Why::Place);
        }
        // What tests a file of a step comes after that step, in whatever story.
        if b.tested.iter().any(|file| a.stems.contains(file)) {
            return Some(Why::Role("tests a file that step {} writes"));
        }
        // A task with a field of its files says there what it writes; where it only speaks of a later one's file, it does not wait for it.
        let is_explicit = a.names_files() && b.names_files();
        if rule::is_on(rule::FILES) && (self.meets[from].has(to) || self.meets[to].has(from) && !is_explicit) {
            // What two steps write they cannot write at once; what one only speaks of is the document's to judge.
            let clash = || a.files.writes.iter().any(|x| b.files.writes.iter().any(|y| x == y || self.overlaps.of(*x).contains(y)));
            return (!self.stated_order.lets_run_beside(from, to) || clash()).then_some(Why::File);
        }
        // Where a step names no file, what it names in code tells where it works.
        let names_place = a.files.writes.is_empty() || b.files.writes.is_empty();
        if names_place
            && (self.stated_order.lets_run_beside(from, to) || self.bound.orders(self.infos, from, to) == Some(false))
            && let Some(thing) = a.things.iter().copied().find(|thing| b.things.binary_search(thing).is_ok())
        {
            return Some(Why::Thing(thing));
        }
        if self.stated_order.lets_run_beside(from, to) {
            return None;
        }
        match self.bound.orders(self.infos, from, to) {
            Some(true) if self.groups.are_apart(from, to) => return None,
            Some(true) => return Some(Why::Format),
            Some(false) => return None,
            None => {}
        }
        if rule::is_on(rule::MANIFESTS) && self.packages.are_used(from, to) {
            return Some(Why::Manifest);
        }
        // Phases of a list of work are gates, whatever their steps do.
        if rule::is_on(rule::PHASES) && a.draft.mark.group > 0 && is_later_phase(a, b) {
            return Some(Why::Role("belongs to a later phase than step {}"));
        }
        let looks = rule::is_on(rule::LOOKS);
        if looks && a.looks_at_something() && b.looks_at_something() {
            let same = a.files.mentions.first() == b.files.mentions.first();
            return same.then_some(Why::Unknown);
        }
        if looks && kinship::are_looks_of_one_kind(a, b) || rule::is_on(rule::GUIDES) && are_apart_by_role(a, b) {
            return None;
        }
        if looks && is_look(a) && is_look(b) {
            return self.look_after_look(from, to);
        }
        if rule::is_on(rule::ROLES)
            && let Some(reason) = self.role(a, b, to)
        {
            return Some(Why::Role(reason));
        }
        if self.stated_order.all_free && !b.awaits {
            return None;
        }
        if self.bound.is_apart() || kinship::are_issues(a, b) {
            // Names of two words tell; single ones are what all of them are about.
            let named = kinship::shared_word(a, b).filter(|word| self.infos.words[*word as usize].contains(' '));
            let word = named.filter(|_| self.twins[from] != self.twins[to]).map(Why::Word);
            return word.or_else(|| b.awaits.then_some(Why::Role("begins when what is before it is done, step {} too")));
        }
        // Where the code of both is shown, names in it tell more than words.
        if is_explicit && let Some(name) = self.used_names[to].get(&from) {
            return Some(Why::Name(*name));
        }
        let same = |a: &StepInfo, b: &StepInfo| a.title_names.iter().copied().find(|name| b.title_names.binary_search(name).is_ok());
        if is_explicit && let Some(name) = same(a, b) {
            return Some(Why::Thing(name));
        }
        let tells_by_code = rule::is_on(rule::CODE) && is_explicit && a.shows_code && b.shows_code;
        if rule::is_on(rule::WORDS)
            && self.twins[from] != self.twins[to]
            && !tells_by_code
            && !(is_explicit && self.is_for_readers(a))
            && let Some(word) = kinship::shared_word(a, b)
        {
            return Some(Why::Word(word));
        }
        if self.bound.is_listed()
            && self.twins[from] != self.twins[to]
            && let Some(word) = kinship::shared_word(b, a)
        {
            return Some(Why::Spoken(word));
        }
        if rule::is_on(rule::PHASES) && is_later_phase(a, b) {
            return Some(Why::Role("belongs to a later phase than step {}"));
        }
        if rule::is_on(rule::AWAITS) && b.awaits {
            return Some(Why::Role("begins when what is before it is done, step {} too"));
        }
        if rule::is_on(rule::DEFINITE)
            && (a.files.by_topic || b.files.by_topic)
            && let Some(word) = shared_definite(a, b)
        {
            return Some(Why::Word(word));
        }
        if a.provides.iter().any(|module| b.imports.binary_search(module).is_ok()) {
            return Some(Why::Import);
        }
        if is_explicit && self.opens_folder(from, to) {
            return Some(Why::Role("adds to the module that step {} begins"));
        }
        let odd = rule::is_on(rule::ODD_ENDS) && !a.draft.mark.numbers_inside && a.draft.mark.group == 0;
        if odd && self.opens == Some(from) {
            return Some(Why::Role("may rest on step {}, which is of another kind than the rest"));
        }
        // To mend a file that the step names needs nothing of the others.
        let mends = || b.is_known() && !b.files.by_topic && titles::mends(&b.draft.title);
        if odd && self.closes == Some(to) && b.role != Role::Document && !mends() {
            return Some(Why::Role("is of another kind than step {}, and comes last"));
        }
        if manner::are_other_tests(self.kinds_of_tests[from], self.kinds_of_tests[to]) {
            return None;
        }
        if self.infos.is_foreign && rule::is_on(rule::FOREIGN) && !is_explicit {
            return Some(Why::Unknown);
        }
        if rule::is_on(rule::SHARED_NAMES)
            && !is_explicit
            && let Some(name) = self.shared_names.between(self.infos, from, to)
        {
            return Some(Why::Thing(name));
        }
        (rule::is_on(rule::UNKNOWN) && !(a.is_known() && b.is_known())).then_some(Why::Unknown)
    }

    /// Whether all that a step writes is read or looked at and no code stands on it: documents and pictures, and the tests of them.
    fn is_for_readers(&self, step: &StepInfo) -> bool {
        let is_read = |id: &u32| {
            let name = name_of(self.infos.table.pattern(*id).as_str()).to_lowercase();
            files::is_text_for_readers(&name)
        };
        let is_test = |id: &u32| files::is_test(self.infos.table.pattern(*id));
        step.files.writes.iter().any(is_read) && step.files.writes.iter().all(|id| is_read(id) || is_test(id))
    }

    /// Whether the first step makes the file by which a folder is a module, and the second adds a file to that folder.
    fn opens_folder(&self, from: usize, to: usize) -> bool {
        let opened = &self.opened[from];
        let is_in = |id: &u32| opened.iter().any(|folder| folder_and_name(self.infos.table.pattern(*id).as_str()).0 == folder);
        !opened.is_empty() && self.infos.steps[to].files.writes.iter().any(is_in)
    }

    /// Looks disturb each other in nothing. One that lists what there is comes before those that go through it, and one that
    /// speaks of what another found or named comes after it.
    fn look_after_look(&self, from: usize, to: usize) -> Option<Why> {
        let (a, b) = (&self.infos.steps[from], &self.infos.steps[to]);
        let names_place = |info: &StepInfo| !info.files.mentions.is_empty();
        if titles::lists_all(&a.draft.title) || (from == 0 && !names_place(b)) {
            return Some(Why::Role("goes through what step {} lists"));
        }
        let are_phases = !a.draft.kind.is_empty() && a.draft.kind == b.draft.kind;
        if are_phases || titles::weighs_findings(&b.draft.title) {
            return Some(Why::Role("rests on what step {} finds"));
        }
        shared_definite(a, b).map(Why::Word)
    }

    fn role(&self, a: &StepInfo, b: &StepInfo, to: usize) -> Option<&'static str> {
        let makes = !matches!(a.role, Role::Verify | Role::Document);
        // "Prevent quit on close" with a field of its files closes no work, and joins no more than its code shows.
        let is_explicit = a.names_files() && b.names_files();
        match (a.role, b.role) {
            (Role::Inspect, _) => return Some("rests on what step {} finds"),
            (Role::Design, _) => return Some("follows what step {} decides"),
            (Role::Foundation, Role::Foundation)
                if !is_ground(a) && (kinship::writes_types(self.infos, b) || !kinship::writes_types(self.infos, a)) => {}
            // What one phase lays down is laid down side by side.
            (Role::Foundation, Role::Design) if a.is_known() && b.is_known() && kinship::is_of_one_group(a, b) && !is_ground(a) => {}
            // Where the code of both is shown, the second stands on the first only if it names something of it.
            (Role::Foundation, _)
                if rule::is_on(rule::CODE)
                    && a.shows_code
                    && b.shows_code
                    && b.is_known()
                    && !is_ground(a)
                    && (is_explicit && !kinship::writes_types(self.infos, a) || kinship::shared_word(a, b).is_none()) => {}
            (Role::Foundation, _) => return Some("builds on the result of step {}"),
            // To delete or to tidy up is work like other work; to publish closes what is there.
            (Role::Finish, _) if !is_explicit && titles::closes_work(&a.draft.title) => {
                return Some("comes after step {}, which closes work");
            }
            // Tests of one thing, in a file of their own, check that thing.
            (_, Role::Verify) if is_explicit && titles::tests_one_thing(&b.draft.title) => {}
            (_, Role::Verify) if a.role != Role::Verify => {
                return Some("checks what step {} makes");
            }
            // What is written for readers is not joined into the program.
            (_, Role::Integrate)
                if (!is_explicit || titles::is_main_entry(&b.draft.title)) && !matches!(a.role, Role::Integrate | Role::Document) =>
            {
                return Some("joins what step {} makes");
            }
            (_, Role::Finish) if !is_explicit => return Some("finishes what step {} makes"),
            (_, Role::Document) if makes && self.describes_all[to] => {
                return Some("describes what step {} makes");
            }
            _ => {}
        }
        let flow = a.stage.zip(b.stage).is_some_and(|(x, y)| x < y);
        flow.then_some("works on what step {} yields")
    }

    fn edge(&self, from: usize, to: usize, why: Why) -> Edge {
        let n = from + 1;
        let (reason, confidence) = match why {
            Why::Stated => (format!("the document says that it needs step {n}"), STATED_CONFIDENCE),
            Why::Unclear => (format!("no step fits what it needs, so it waits for step {n}"), 0.5),
            Why::File => (self.file_reason(from, to), 0.9),
            // Markers say it; the order of a list by itself says less.
            Why::Import => (format!("its code uses a module that step {n} writes"), 0.8),
            Why::Format => (format!("{BY_FORMAT}{n}"), if self.bound.is_marked() { STATED_CONFIDENCE } else { 0.8 }),
            Why::Role(template) => (template.replace("{}", &n.to_string()), 0.7),
            Why::Thing(name) => {
                let name = self.infos.words[name as usize].trim_start_matches("name ");
                (format!("works on \"{name}\", as step {n} does"), 0.8)
            }
            Why::Name(name) => {
                let name = self.infos.words[name as usize].trim_start_matches("name ");
                (format!("its code uses \"{name}\", which step {n} brings in"), 0.8)
            }
            Why::Spoken(word) => (format!("makes what step {n} speaks of: \"{}\"", self.infos.words[word as usize]), 0.5),
            Why::Word(word) => (format!("speaks of \"{}\", which step {n} makes", self.infos.words[word as usize]), 0.6),
            Why::Unknown => (format!("nothing shows that it is independent of step {n}"), 0.4),
            Why::Place => (format!("comes after step {n}, and one of the two is outside of the list of steps"), 0.4),
            Why::Manifest => (format!("may use the packages that step {n} declares"), 0.7),
        };
        Edge { from: n, to: to + 1, reason, confidence }
    }

    fn file_reason(&self, from: usize, to: usize) -> String {
        let (a, b) = (&self.infos.steps[from].files, &self.infos.steps[to].files);
        let shared = a.writes.iter().find(|id| b.writes.contains(id));
        if let Some(id) = shared {
            return format!("writes {} as step {} does", self.infos.table.pattern(*id).as_str(), from + 1);
        }
        let read = a.writes.iter().find(|id| b.mentions.contains(id) || b.in_code.contains(id));
        match read {
            Some(id) => format!("uses {}, which step {} writes", self.infos.table.pattern(*id).as_str(), from + 1),
            None => format!("touches files that step {} touches", from + 1),
        }
    }
}

/// A layout or set-up on which even other foundations stand.
fn is_ground(step: &StepInfo) -> bool {
    // In a phase with others, one that only writes one file of code sets up that and no more.
    if step.draft.mark.group > 0 && step.files.writes.len() == 1 && !step.files.partial {
        return false;
    }
    titles::lays_ground(&step.draft.title)
}
