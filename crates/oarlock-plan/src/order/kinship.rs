//! What steps have in common by their titles and folders, worked out once for all pairs.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::order::bits::Bits;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::step_info::overlap::Overlaps;
use crate::text::titles::{self, Role};
use crate::text::words;
use crate::text::{folder_and_name, name_of};

/// In longer lists each step stands where it belongs.
const LATE_STEPS_MAX: usize = 200;
/// What more steps than these bring in is no name that tells.
const DEFINERS_MAX: usize = 4;

/// For each step a number that it shares with its twins. "Add the list in `a.py`" and "Add the list in `b.py`": the words that they share name
/// what both do, and not what one makes for the other.
pub(crate) fn twins(steps: &[StepInfo]) -> Vec<usize> {
    let mut numbers: HashMap<Vec<String>, usize> = HashMap::new();
    let number = |(at, step): (usize, &StepInfo)| {
        let title = step.draft.title.to_lowercase();
        let is_prose = |word: &&str| !word.contains(['/', '.', '`']);
        let words: Vec<String> = title.split_whitespace().filter(is_prose).map(str::to_owned).collect();
        let names_file = words.len() < title.split_whitespace().count();
        if words.len() > 1 && names_file { *numbers.entry(words).or_insert(at) } else { at }
    };
    steps.iter().enumerate().map(number).collect()
}

/// For each step the folders that its files make a module of: to these others add.
pub(crate) fn opened_folders(infos: &StepInfos) -> Vec<Vec<String>> {
    let roots = ["mod.rs", "__init__.py", "index.ts", "index.js"];
    let folder = |id: &u32| {
        let (folder, name) = folder_and_name(infos.table.pattern(*id).as_str());
        roots.contains(&name).then(|| folder.to_owned())
    };
    infos.steps.iter().map(|step| step.files.writes.iter().filter_map(folder).collect()).collect()
}

/// The first and the last step, where they are not of one kind with any other: a first step of its own kind lays the ground, a last one joins
/// what was made. Steps are of one kind when their titles begin alike or when they write files of one sort.
pub(crate) fn odd_ends(infos: &StepInfos, sequence: &[usize]) -> (Option<usize>, Option<usize>) {
    let is_odd = |at: &usize| sequence.len() > 2 && !sequence.iter().any(|other| other != at && alike(infos, *at, *other));
    (sequence.first().copied().filter(is_odd), sequence.last().copied().filter(is_odd))
}

fn alike(infos: &StepInfos, one: usize, two: usize) -> bool {
    let (a, b) = (&infos.steps[one], &infos.steps[two]);
    let first = |info: &StepInfo| words::each_token(&info.draft.title).next().map(Cow::into_owned);
    let begins_alike = first(a).is_some_and(|word| titles::is_make_verb(&word) && first(b).as_ref() == Some(&word));
    let sort = |info: &StepInfo| info.files.writes.iter().map(|id| sort_of(infos.table.pattern(*id).as_str())).collect::<Vec<_>>();
    // "`event/doc.go`" and "`view/doc.go`": one sort of file for each of several things.
    let name = |info: &StepInfo| info.files.writes.first().map(|id| name_of(infos.table.pattern(*id).as_str()).to_owned());
    let same_name = name(a).is_some() && name(a) == name(b);
    begins_alike || same_name || a.role == b.role && sort(a).iter().any(|sort| sort_is_shared(sort, infos, b))
}

fn sort_is_shared(sort: &(String, String), infos: &StepInfos, other: &StepInfo) -> bool {
    other.files.writes.iter().any(|id| sort_of(infos.table.pattern(*id).as_str()) == *sort)
}

/// The folder above a file's own, or above a folder that is meant whole, and the extension.
fn sort_of(pattern: &str) -> (String, String) {
    let (path, is_folder) = match pattern.strip_suffix("/**").or_else(|| pattern.strip_suffix("/*")) {
        Some(folder) => (folder, true),
        None => (pattern, false),
    };
    let (folder, name) = folder_and_name(path);
    let extension = if is_folder { "/" } else { name.rsplit_once('.').map_or("", |(_, extension)| extension) };
    (folder.to_owned(), extension.to_owned())
}

/// "Version audit" and "Folder audit": they look at different things and change nothing.
pub(crate) fn are_looks_of_one_kind(one: &StepInfo, two: &StepInfo) -> bool {
    let kind = |info: &StepInfo| words::tokens(&words::without_parentheses(&info.draft.title)).pop();
    let looks = |info: &StepInfo| info.role == Role::Inspect && info.files.writes.is_empty();
    looks(one) && looks(two) && kind(one) == kind(two) && one.draft.title != two.draft.title
}

/// Whether a format or the phases of the document put both into one group.
pub(crate) fn is_of_one_group(one: &StepInfo, two: &StepInfo) -> bool {
    one.draft.mark.group > 0 && one.draft.mark.group == two.draft.mark.group
}

/// For each step the steps that touch what it writes.
pub(crate) fn meetings(infos: &StepInfos, overlaps: &Overlaps) -> Vec<Bits> {
    let count = infos.steps.len();
    let mut touch: Vec<Bits> = Vec::new();
    for (s, step) in infos.steps.iter().enumerate() {
        for id in step.files.writes.iter().chain(&step.files.mentions).chain(&step.files.in_code) {
            let id = *id as usize;
            if touch.len() <= id {
                touch.resize_with(id + 1, || Bits::new(count));
            }
            touch[id].insert(s);
        }
    }
    let mut out = Vec::with_capacity(count);
    for step in &infos.steps {
        let mut met = Bits::new(count);
        for id in &step.files.writes {
            for other in overlaps.of(*id).iter().chain([id]) {
                if let Some(bits) = touch.get(*other as usize) {
                    met.add_all(bits);
                }
            }
        }
        out.push(met);
    }
    out
}

/// For each step the steps whose code brings in a name that its own code has and does not bring in, with that name.
pub(crate) fn used_names(steps: &[StepInfo]) -> Vec<HashMap<usize, u32>> {
    let mut definers: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        step.defines.iter().for_each(|name| definers.entry(*name).or_default().push(at));
    }
    definers.retain(|_, definers| definers.len() <= DEFINERS_MAX);
    let of_step = |step: &StepInfo| {
        let foreign = step.uses.iter().filter(|name| step.defines.binary_search(name).is_err());
        let found = foreign.filter_map(|name| Some((definers.get(name)?, *name)));
        found.flat_map(|(definers, name)| definers.iter().map(move |at| (*at, name))).collect()
    };
    steps.iter().map(of_step).collect()
}

/// Whether two steps of one group are issues with keys of their own in a tracker, `BOAT-97`, and the files of both are known: each is a piece of
/// work of its own. A code alone may as well number the steps of a plan.
pub(crate) fn are_issues(one: &StepInfo, two: &StepInfo) -> bool {
    let has_key = |info: &StepInfo| {
        let key = info.draft.id.split_once('-').filter(|_| info.draft.kind == "id");
        key.is_some_and(|(project, number)| {
            let is_plain = ["task", "step", "phase", "item", "part", "subtask"].contains(&project);
            project.len() >= 2 && !is_plain && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    is_of_one_group(one, two) && has_key(one) && has_key(two) && one.is_known() && two.is_known()
}

/// A word for what `from` makes that `to` uses. A step that asks for "the new reports" means what was put below `reports/`.
pub(crate) fn shared_word(from: &StepInfo, to: &StepInfo) -> Option<u32> {
    let more = if to.asks_new { from.makes_in.as_slice() } else { &[] };
    // What both begin with is what they do: "Draw the window", "Draw the menu".
    let begins_both = |word: &u32| from.begins.is_some() && from.begins == to.begins && from.begins == Some(*word);
    from.makes.iter().chain(more).copied().find(|w| to.says.binary_search(w).is_ok() && !begins_both(w))
}

/// Whether a step writes a file of types by its name: `types.ts`, `model.rs`.
pub(crate) fn writes_types(infos: &StepInfos, step: &StepInfo) -> bool {
    let is_base = |id: &u32| {
        let name = name_of(infos.table.pattern(*id).as_str());
        let stem = name.split('.').next().unwrap_or(name).to_lowercase();
        ["type", "types", "typing", "typings", "interface", "interfaces", "model", "models", "schema", "schemas"].contains(&stem.as_str())
    };
    step.files.writes.iter().any(is_base)
}

/// Pairs of steps of which the first stands behind the second and comes before it nevertheless: types and models before the code that uses
/// them, and tests before what is published.
pub(crate) fn late_grounds(infos: &StepInfos) -> Vec<(usize, usize)> {
    let steps = &infos.steps;
    let mut out = Vec::new();
    if steps.len() > LATE_STEPS_MAX {
        return out;
    }
    let is_near = |one: &StepInfo, two: &StepInfo| one.draft.mark.group == two.draft.mark.group && one.draft.phase == two.draft.phase;
    for (at, step) in steps.iter().enumerate() {
        if step.role == Role::Foundation && step.is_known() && writes_types(infos, step) {
            let uses = |other: &&usize| {
                steps[**other].role == Role::Build && is_near(&steps[**other], step) && !steps[**other].files.writes.is_empty()
            };
            let earlier: Vec<usize> = (0..at).collect();
            out.extend(earlier.iter().filter(uses).map(|other| (at, *other)));
        }
        if titles::gives_away(&step.draft.title) {
            let checks = |other: &usize| steps[*other].role == Role::Verify && is_near(&steps[*other], step);
            out.extend((at + 1..steps.len()).filter(checks).map(|other| (other, at)));
        }
    }
    out
}
