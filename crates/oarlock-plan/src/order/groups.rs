//! Groups of a list of work: numbered sections, parents with their tasks, task groups. The items of one group are a chain, as their format says.
//! A later group waits for an earlier one where it uses what that one makes, where the two meet in a file or a folder, where the first lays
//! ground, or where the second is of a kind that needs all before it: tests, joining, documents, release. Else the groups stand apart.

use std::collections::{BTreeSet, HashMap};

use crate::order::bits::Bits;
use crate::rule;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::text::folder_and_name;
use crate::text::titles::{self, Role};
use crate::text::words;

/// A list with more groups is taken as it stands.
const GROUPS_MAX: usize = 200;

/// Which groups of a list stand apart.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// For each step its group.
    of: Vec<usize>,
    /// Pairs of groups that stand apart, the earlier one first.
    apart: BTreeSet<(usize, usize)>,
}

/// What is known of a group.
struct Group<'a> {
    steps: Vec<usize>,
    title: &'a str,
    /// Numbers of the stems of its title that may name a thing, and of the words that it uses.
    subjects: BTreeSet<u32>,
    says: BTreeSet<u32>,
    has_files: bool,
    /// Whether a step of it names all files that it writes.
    is_known: bool,
    /// How many names of code it has that no other group has.
    own_names: usize,
    /// Numbers of the names of code that it speaks of.
    spans: BTreeSet<u32>,
    /// The folders of its files, each with the kind of file.
    folders: BTreeSet<(&'a str, &'a str)>,
    /// The steps that touch a file that it writes.
    meets: Bits,
}

impl Groups {
    /// Of a list whose format runs it in order; `meets` has for each step those that touch what it writes.
    pub(crate) fn of(infos: &StepInfos, meets: &[Bits], is_stated: impl Fn(usize, usize) -> bool) -> Self {
        // A list without groups is in its own order.
        if infos.steps.iter().any(|step| step.draft.mark.group == 0) {
            return Self::default();
        }
        let (of, mut groups) = groups(infos, meets);
        count_own_names(&mut groups);
        if groups.len() < 2 || groups.len() > GROUPS_MAX {
            return Self::default();
        }
        let mut apart = BTreeSet::new();
        for (later, two) in groups.iter().enumerate() {
            // Where all is about documents, these wait for nothing else.
            let has_work = groups[..later].iter().any(|group| !writes_documents(&infos.steps, group));
            if needs_all(&infos.steps, two) && (has_work || !writes_documents(&infos.steps, two)) {
                continue;
            }
            for (earlier, one) in groups[..later].iter().enumerate() {
                let states = || one.steps.iter().any(|from| two.steps.iter().any(|to| is_stated(*from, *to)));
                if !lays_ground(&infos.steps, one, earlier == 0) && are_unrelated(one, two) && !states() {
                    apart.insert((earlier, later));
                }
            }
        }
        Self { of, apart }
    }

    /// Whether the groups of two steps stand apart; `from` stands before `to`.
    pub(crate) fn are_apart(&self, from: usize, to: usize) -> bool {
        !self.apart.is_empty() && self.apart.contains(&(self.of[from], self.of[to]))
    }
}

/// The groups in their order, and for each step its own.
fn groups<'a>(infos: &'a StepInfos, meets: &[Bits]) -> (Vec<usize>, Vec<Group<'a>>) {
    let steps = &infos.steps;
    // A story has one section, and headings in it.
    let is_one_section = steps.windows(2).all(|pair| pair[0].draft.mark.group == pair[1].draft.mark.group);
    let key = |info: &StepInfo| (info.draft.mark.group, info.draft.phase.clone().filter(|_| is_one_section));
    let number = |(at, word): (usize, &'a String)| Some((word.as_str(), u32::try_from(at).ok()?));
    let numbers_of_words: HashMap<&str, u32> = infos.words.iter().enumerate().filter_map(number).collect();
    let mut numbers: HashMap<(usize, Option<String>), usize> = HashMap::new();
    let (mut of, mut out) = (Vec::with_capacity(steps.len()), Vec::<Group<'_>>::new());
    for (at, step) in steps.iter().enumerate() {
        let next = out.len();
        let number = *numbers.entry(key(step)).or_insert(next);
        if number == next {
            let title = step.draft.phase.as_deref().unwrap_or(&step.draft.title);
            out.push(Group {
                steps: Vec::new(),
                title,
                subjects: subjects(title).iter().filter_map(|stem| numbers_of_words.get(stem.as_str()).copied()).collect(),
                says: BTreeSet::new(),
                has_files: true,
                is_known: false,
                own_names: 0,
                spans: BTreeSet::new(),
                folders: BTreeSet::new(),
                meets: Bits::new(steps.len()),
            });
        }
        of.push(number);
        let group = &mut out[number];
        group.steps.push(at);
        group.says.extend(&step.heard);
        group.spans.extend(step.spans.iter().chain(&step.title_names));
        group.meets.add_all(&meets[at]);
        let files = step.files.writes.iter().chain(&step.files.mentions);
        let folder = |id: &u32| {
            let (folder, name) = folder_and_name(infos.table.pattern(*id).as_str().trim_end_matches("/**"));
            (folder, name.rsplit_once('.').map_or("", |(_, extension)| extension))
        };
        // Prose often leaves the folder out; where two bare names meet, files tell.
        let folders: Vec<(&str, &str)> = files.map(folder).collect();
        group.has_files &= !folders.is_empty();
        group.folders.extend(folders.into_iter().filter(|(folder, _)| !folder.is_empty()));
        group.is_known |= step.is_known();
    }
    (of, out)
}

/// The stems of a title that may name a thing, without its number, its verb and its paths.
fn subjects(title: &str) -> BTreeSet<String> {
    let words = title.split_whitespace().filter(|word| !word.contains(['/', '.']) || word.ends_with('.'));
    let words: Vec<&str> = words.filter(|word| word.contains(char::is_alphabetic)).collect();
    let object = if words.first().is_some_and(|word| titles::begins_with_deed(word)) { &words[1..] } else { &words[..] };
    let named = object.iter().filter(|word| !titles::is_form(word.trim_matches(|c: char| !c.is_alphanumeric())));
    named.flat_map(|word| words::subject_stems(word)).collect()
}

/// Whether neither of two groups meets the other in a file or a folder, nor speaks of what the other names. Without files nothing is known.
fn are_unrelated(one: &Group<'_>, two: &Group<'_>) -> bool {
    let meet = two.steps.iter().any(|to| one.meets.has(*to)) || one.steps.iter().any(|from| two.meets.has(*from));
    let is_layered = || {
        let is_user = |group: &Group<'_>| words::tokens(group.title).iter().any(|word| USERS.contains(&word.as_str()));
        let is_maker = |group: &Group<'_>| words::tokens(group.title).iter().any(|word| MAKERS.contains(&word.as_str()));
        is_maker(one) && is_user(two) && !is_user(one)
    };
    let have_names =
        rule::is_on(rule::OWN_NAMES) && one.own_names >= OWN_NAMES_MIN && two.own_names >= OWN_NAMES_MIN && !speak_alike(one, two);
    if rule::is_on(rule::LAYERS) && (one.subjects.is_empty() || two.subjects.is_empty() || is_layered() || folders_meet(one, two)) {
        return false;
    }
    if rule::is_on(rule::LAYERS) && !have_names && !(one.is_known && two.is_known) {
        return false;
    }
    (one.has_files && two.has_files || have_names)
        && !meet
        && one.folders.is_disjoint(&two.folders)
        && one.spans.is_disjoint(&two.spans)
        && one.subjects.is_disjoint(&two.subjects)
        && one.subjects.is_disjoint(&two.says)
}

/// Words of groups that make an interface, and of those that use one.
const MAKERS: [&str; 12] =
    ["api", "apis", "endpoint", "endpoints", "backend", "server", "route", "routes", "controller", "controllers", "service", "services"];
const USERS: [&str; 18] = [
    "page",
    "pages",
    "frontend",
    "ui",
    "ux",
    "view",
    "views",
    "screen",
    "screens",
    "component",
    "components",
    "client",
    "hook",
    "hooks",
    "form",
    "forms",
    "dashboard",
    "cli",
];

/// Whether a folder of the one holds a folder of the other, unless it is the root of all code.
fn folders_meet(one: &Group<'_>, two: &Group<'_>) -> bool {
    let is_below = |inner: &str, outer: &str| {
        outer.contains('/') && inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    one.folders.iter().any(|(a, _)| two.folders.iter().any(|(b, _)| is_below(a, b) || is_below(b, a)))
}

/// The number of names of code of its own by which a group shows its subject.
const OWN_NAMES_MIN: usize = 2;

/// Whether the words by which two groups are called meet in what the other says.
fn speak_alike(one: &Group<'_>, two: &Group<'_>) -> bool {
    !two.subjects.is_disjoint(&one.says)
}

/// Counts the names that each group has for itself.
fn count_own_names(groups: &mut [Group<'_>]) {
    let mut users: HashMap<u32, usize> = HashMap::new();
    groups.iter().flat_map(|group| &group.spans).for_each(|name| *users.entry(*name).or_default() += 1);
    for group in groups {
        group.own_names = group.spans.iter().filter(|name| users.get(name) == Some(&1)).count();
    }
}

/// Whether others stand on a group: a set-up, types, a schema, a look at what is there.
fn lays_ground(steps: &[StepInfo], group: &Group<'_>, is_first: bool) -> bool {
    let is_base = |role: Role| matches!(role, Role::Foundation | Role::Design | Role::Inspect);
    let words = words::tokens(group.title);
    let is_ground = |word: &String| GROUNDS.iter().any(|start| word.starts_with(start)) || word == "core";
    is_base(titles::role_of(group.title))
        || titles::lays_ground(group.title)
        || words.iter().any(is_ground)
        || group.steps.iter().all(|at| is_base(steps[*at].role))
        || is_first && group.steps.iter().any(|at| titles::begins_ground(&steps[*at].draft.title))
}

/// How words begin that make a group one that others stand on, besides those of set-ups.
const GROUNDS: [&str; 4] = ["infrastructure", "prerequisite", "dependenc", "preparation"];

/// Whether all steps of a group are about documents.
fn writes_documents(steps: &[StepInfo], group: &Group<'_>) -> bool {
    let title = group.title.to_lowercase();
    let is_about = ["readme", "guide", "changelog", "handbook"].iter().any(|word| title.contains(word));
    is_about || group.steps.iter().all(|at| steps[*at].role == Role::Document)
}

/// Whether a group is of a kind that needs all before it.
fn needs_all(steps: &[StepInfo], group: &Group<'_>) -> bool {
    let joins = |role: Role| matches!(role, Role::Verify | Role::Integrate | Role::Document | Role::Finish);
    let words = words::tokens(group.title);
    let is_last = |word: &String| LAST.iter().any(|start| word.starts_with(start)) || LAST_WORDS.contains(&word.as_str());
    joins(titles::role_of(group.title))
        || words.iter().any(is_last)
        || group.steps.iter().any(|at| steps[*at].awaits)
        || group.steps.iter().all(|at| joins(steps[*at].role))
}

/// How words begin by which a group needs all before it.
const LAST: [&str; 15] = [
    "test",
    "valid",
    "verif",
    "integrat",
    "document",
    "polish",
    "clean",
    "release",
    "deploy",
    "final",
    "checkpoint",
    "migrat",
    "rollout",
    "wiring",
    "review",
];
/// And whole words.
const LAST_WORDS: [&str; 5] = ["qa", "e2e", "wire", "end", "export"];
