//! What two steps may share besides files: names of code that few others speak of, and the packages that one of them declares.

use crate::order::bits::Bits;
use crate::step_info::files;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::step_info::overlap::Id;
use crate::text::name_of;

/// The number of steps that a shared name joins; of a long list one in [`NAME_SHARE`] may have it, but no more than [`NAME_STEPS_MAX`].
const NAME_STEPS: usize = 2;
const NAME_SHARE: usize = 3;
const NAME_STEPS_MAX: usize = 20;

/// Which steps speak of a name of code that few others speak of.
#[derive(Debug)]
pub(crate) struct SharedNames {
    /// For each step those that it shares such a name with.
    with: Vec<Bits>,
    /// For each name whether it is rare.
    is_rare: Vec<bool>,
}

impl SharedNames {
    /// Of all steps.
    pub(crate) fn of(infos: &StepInfos) -> Self {
        let count = infos.steps.len();
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); infos.words.len()];
        for (at, step) in infos.steps.iter().enumerate() {
            step.names.iter().map(|name| *name as usize).for_each(|name| {
                if users[name].len() <= NAME_STEPS_MAX {
                    users[name].push(at);
                }
            });
        }
        let most = NAME_STEPS.max(count / NAME_SHARE).min(NAME_STEPS_MAX);
        let is_rare: Vec<bool> = users.iter().map(|users| users.len() <= most).collect();
        let mut with = vec![Bits::new(count); count];
        for users in users.iter().filter(|users| (2..=most).contains(&users.len())) {
            users.iter().for_each(|one| users.iter().for_each(|two| with[*one].insert(*two)));
        }
        Self { with, is_rare }
    }

    /// A name of code that both speak of and few others; the steps by their places.
    pub(crate) fn between(&self, infos: &StepInfos, one: usize, two: usize) -> Option<u32> {
        let (a, b) = (&infos.steps[one], &infos.steps[two]);
        let is_shared = |name: &u32| self.is_rare[*name as usize] && b.names.binary_search(name).is_ok();
        if self.with[one].has(two) { a.names.iter().copied().find(is_shared) } else { None }
    }
}

/// Which steps declare packages, and which may use some.
#[derive(Debug)]
pub(crate) struct Packages {
    declared: Vec<bool>,
    used: Vec<bool>,
}

impl Packages {
    /// Of all steps.
    pub(crate) fn of(infos: &StepInfos) -> Self {
        let declared: Vec<bool> = infos.steps.iter().map(|step| declares_packages(infos, step)).collect();
        let is_any = declared.contains(&true);
        Self { declared, used: infos.steps.iter().map(|step| is_any && may_use_packages(infos, step)).collect() }
    }

    /// Whether the second step may use packages that the first declares.
    pub(crate) fn are_used(&self, from: usize, to: usize) -> bool {
        self.declared[from] && self.used[to]
    }
}

/// Whether a step declares packages: half of what it writes are manifests, and it speaks of what code depends on.
fn declares_packages(infos: &StepInfos, step: &StepInfo) -> bool {
    let count = step.files.writes.iter().filter(|id| files::is_manifest(infos.table.pattern(**id))).count();
    count > 0 && count * 2 >= step.files.writes.len() && step.speaks_of_packages
}

/// Whether a step may use what was declared: it writes code, or nobody knows what it writes.
fn may_use_packages(infos: &StepInfos, step: &StepInfo) -> bool {
    let is_text = |id: &Id| files::is_text_for_readers(&name_of(infos.table.pattern(*id).as_str()).to_lowercase());
    !(step.is_known() && step.files.writes.iter().all(is_text))
}
