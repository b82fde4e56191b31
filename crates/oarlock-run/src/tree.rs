//! A task with everything that is a part of it, and whether work on it can still go on.

mod outside;

use std::collections::BTreeSet;

use oarlock_model::ident::shown;
use oarlock_model::landing::{Landing, LandingRefusal, LandingState};
use oarlock_model::rules::claim::is_able;
use oarlock_model::task::{Gate, TaskState};
use oarlock_model::{AgentName, TaskId, limits};
use oarlock_ops::owners::Owners;
use oarlock_ops::presence::is_there;
use oarlock_ops::store::{StoreResult, View};

/// Most tasks of one tree that are looked at.
const TASKS_MAX: usize = 10_000;
/// Files in conflict that an obstacle names.
const FILES_NAMED_MAX: usize = 3;

/// The task and its parts at any depth: each before its own parts, parts in the order of their creation.
pub(crate) fn tasks_of(view: &dyn View, root: &TaskId) -> StoreResult<Vec<TaskId>> {
    let mut found = Vec::new();
    let mut open = vec![(root.clone(), 0)];
    while let Some((id, depth)) = open.pop() {
        if depth <= limits::PARENT_DEPTH_MAX {
            open.extend(view.children(&id)?.into_iter().rev().map(|child| (child, depth + 1)));
        }
        found.push(id);
        if found.len() == TASKS_MAX {
            break;
        }
    }
    Ok(found)
}

/// Whether work on a tree can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TreeProgress {
    /// The root is done, dead or cancelled.
    Finished(TaskState),
    /// Something of it is held, can be claimed, or will be by time alone.
    Open,
    /// Nothing will happen unless somebody acts: why, in the order of the tasks.
    Stalled(Vec<Obstacle>),
}

/// The obstacles of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The task is dead or cancelled.
    DeadEnd(TaskId, TaskState),
    /// The task waits for approval.
    Review(TaskId),
    /// The task waits to land, and no queue of this run lands it.
    Landing(TaskId),
    /// The submissions of the task were refused, so often, until it had no attempts left; the last one with this reason and these files in conflict.
    Refused(TaskId, u32, LandingRefusal, Vec<String>),
    /// The task needs others that are not part of the tree, and on which nobody works.
    Outside(TaskId, Vec<TaskId>),
    /// The task needs one that is not part of the tree and can no longer be done: in which state that is, or that it is stuck behind such a one.
    OutsideDeadEnd(TaskId, TaskId, &'static str),
    /// The task is ready and needs a capability that no active agent has.
    Capability(TaskId, String),
}

impl Obstacle {
    /// The obstacle as a fragment of a sentence.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Obstacle::DeadEnd(id, state) => format!("{id} is {state}"),
            Obstacle::Review(id) => format!("{id} waits for approval"),
            Obstacle::Landing(id) => format!("{id} waits to land"),
            Obstacle::Refused(id, failures, reason, files) => {
                let times = if *failures == 1 { "once".to_owned() } else { format!("{failures} times") };
                let named = files.iter().take(FILES_NAMED_MAX).map(|file| shown(file)).collect::<Vec<_>>().join(", ");
                let more = files.len().saturating_sub(FILES_NAMED_MAX);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let within = if named.is_empty() { String::new() } else { format!(" in {named}{more}") };
                format!("{id} was refused {times} ({reason}{within})")
            }
            Obstacle::Outside(id, needs) => {
                format!("{id} needs {}, which is not part of it", needs.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", "))
            }
            Obstacle::OutsideDeadEnd(id, need, state) => format!("{id} needs {need}, which is not part of it and is {state}"),
            Obstacle::Capability(id, missing) => format!("{id} needs an agent that can {missing}"),
        }
    }

    /// The next step for a person.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Obstacle::DeadEnd(id, _) => format!("`oarlock task {id}` shows why; `oarlock requeue {id}` brings it back"),
            Obstacle::Review(id) => format!("`oarlock approve {id}` or `oarlock reject {id} --reason TEXT`"),
            Obstacle::Landing(_) => "`oarlock merge` lands it".into(),
            Obstacle::Refused(id, ..) => {
                format!(
                    "see `oarlock task {id}`; correct it on the branch oarlock/{id}, then `oarlock reject {id} --reason TEXT` gives it back"
                )
            }
            Obstacle::Outside(_, needs) => format!("finish {} first", needs.first().map_or("it", TaskId::as_str)),
            Obstacle::OutsideDeadEnd(_, need, _) => {
                format!("`oarlock task {need}` shows why; bring it back, or take the edge away with `oarlock depend --remove`")
            }
            Obstacle::Capability(_, missing) => format!("start the workers with --can {missing}"),
        }
    }
}

/// Whether work on the tree of `root` by the agents `pool` can go on, as one moment of the store shows it. Others may be working on what it needs from
/// outside: that is waited for while somebody can do it, and not when it is dead, or stuck behind a dead one.
pub(crate) fn progress(view: &dyn View, owners: &dyn Owners, root: &TaskId, pool: &[AgentName], lands: bool) -> StoreResult<TreeProgress> {
    let tasks = tasks_of(view, root)?;
    let members: BTreeSet<&TaskId> = tasks.iter().collect();
    let others = outside::Others::there(view, owners, pool)?;
    let mut obstacles = Vec::new();
    for id in &tasks {
        let Some(state) = view.task_state(id)? else { continue };
        if id == root && state.is_finished() {
            return Ok(TreeProgress::Finished(state));
        }
        match state {
            TaskState::Claimed | TaskState::Scheduled => return Ok(TreeProgress::Open),
            TaskState::Ready => match missing_capability(view, owners, id)? {
                Some(missing) => obstacles.push(Obstacle::Capability(id.clone(), missing)),
                None => return Ok(TreeProgress::Open),
            },
            TaskState::Review => match reviewed(view, id)? {
                Obstacle::Landing(_) if lands => return Ok(TreeProgress::Open),
                obstacle => obstacles.push(obstacle),
            },
            TaskState::Dead | TaskState::Cancelled => obstacles.push(Obstacle::DeadEnd(id.clone(), state)),
            TaskState::Blocked => {
                let outside = view.unmet_needs(id)?.into_iter().filter(|need| !members.contains(need));
                match outside::prospect(view, &others, outside)? {
                    outside::Prospect::UnderWay => return Ok(TreeProgress::Open),
                    outside::Prospect::Never(need, state) => obstacles.push(Obstacle::OutsideDeadEnd(id.clone(), need, state)),
                    outside::Prospect::Idle(needs) if !needs.is_empty() => obstacles.push(Obstacle::Outside(id.clone(), needs)),
                    outside::Prospect::Idle(_) => {}
                }
            }
            TaskState::Waiting | TaskState::Done => {}
        }
    }
    Ok(TreeProgress::Stalled(obstacles))
}

/// The event that a task in review waits for: its landing, or a person's word.
fn reviewed(view: &dyn View, id: &TaskId) -> StoreResult<Obstacle> {
    let Some(task) = view.task(id)? else { return Ok(Obstacle::Review(id.clone())) };
    let failures = task.failures;
    Ok(match task.landing {
        Some(landing) if landing.is_open() => Obstacle::Landing(id.clone()),
        Some(Landing { state: LandingState::Refused, reason: Some(reason), files, .. }) if task.spec.gate == Some(Gate::Merge) => {
            Obstacle::Refused(id.clone(), failures, reason, files)
        }
        _ => Obstacle::Review(id.clone()),
    })
}

/// The first capability of the task without which nobody who is there can claim it.
fn missing_capability(view: &dyn View, owners: &dyn Owners, id: &TaskId) -> StoreResult<Option<String>> {
    let Some(task) = view.task(id)? else { return Ok(None) };
    if task.spec.capabilities.is_empty() {
        return Ok(None);
    }
    let agents = view.agents()?;
    let can_all = agents.iter().any(|agent| is_able(&task.spec, agent) && is_there(owners, agent, view.now()));
    Ok(if can_all { None } else { task.spec.capabilities.first().map(ToString::to_string) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stores;
    use crate::testing::{TestStores, task_id};
    use oarlock_ops::task::{Add, Cancel};

    fn add(stores: &TestStores, id: &str, parent: Option<&str>, needs: &[&str], can: &[&str]) {
        let mut add = Add { title: id.to_owned(), id: Some(task_id(id)), parent: parent.map(task_id), ..Add::default() };
        add.needs = needs.iter().map(|id| task_id(id)).collect();
        add.fields.requires = Some(can.iter().map(|c| c.parse().expect("a label")).collect());
        stores.order(&add);
    }

    fn check(stores: &TestStores, want: TreeProgress) {
        let mut store = stores.open().expect("it opens");
        let owners = store.owners();
        let view = store.snapshot().expect("it reads");
        assert_eq!(progress(&*view, &*owners, &task_id("P"), &[], false).expect("it reads"), want);
    }

    #[test]
    fn a_tree_is_open_while_something_can_be_claimed() {
        let stores = TestStores::new();
        add(&stores, "P", None, &[], &[]);
        add(&stores, "A", Some("P"), &[], &[]);
        add(&stores, "B", Some("P"), &["A"], &[]);
        add(&stores, "A1", Some("A"), &[], &[]);
        check(&stores, TreeProgress::Open);
        let mut store = stores.open().expect("it opens");
        let ids = tasks_of(&*store.snapshot().expect("it reads"), &task_id("P")).expect("it reads");
        assert_eq!(ids, ["P", "A", "A1", "B"].map(task_id));
        stores.order(&Cancel { id: task_id("A1"), drop: false });
        check(&stores, TreeProgress::Stalled(vec![Obstacle::DeadEnd(task_id("A1"), TaskState::Cancelled)]));
        stores.order(&Cancel { id: task_id("P"), drop: false });
        check(&stores, TreeProgress::Finished(TaskState::Cancelled));
    }

    #[test]
    fn what_nobody_here_can_do_is_an_obstacle() {
        let stores = TestStores::new();
        add(&stores, "X", None, &[], &[]);
        add(&stores, "P", None, &[], &[]);
        add(&stores, "A", Some("P"), &["X"], &[]);
        add(&stores, "B", Some("P"), &[], &["sql"]);
        let outside = Obstacle::Outside(task_id("A"), vec![task_id("X")]);
        let capability = Obstacle::Capability(task_id("B"), "sql".into());
        check(&stores, TreeProgress::Stalled(vec![outside, capability]));
        stores.order(&oarlock_ops::agent::Join {
            name: Some("ada".parse().expect("a name")),
            can: vec!["sql".parse().expect("a label")],
            ..Default::default()
        });
        check(&stores, TreeProgress::Open);
    }

    #[test]
    fn a_refused_landing_names_its_files_and_is_mended_by_a_rejection_not_an_approval() {
        let id = task_id("A");
        let conflict = |failures, files: &[&str]| {
            Obstacle::Refused(id.clone(), failures, LandingRefusal::Conflict, files.iter().map(|file| (*file).to_owned()).collect())
        };
        assert_eq!(conflict(3, &["f.txt"]).in_words(), "A was refused 3 times (conflict in f.txt)");
        assert_eq!(conflict(1, &["a", "b", "c", "d", "e"]).in_words(), "A was refused once (conflict in a, b, c and 2 more)");
        assert_eq!(Obstacle::Refused(id.clone(), 2, LandingRefusal::Test, Vec::new()).in_words(), "A was refused 2 times (test)");
        let remedy = conflict(3, &["f.txt"]).remedy();
        assert!(remedy.contains("oarlock reject A --reason") && !remedy.contains("approve"), "{remedy}");
    }

    fn join(stores: &TestStores, name: &str) {
        stores.order(&oarlock_ops::agent::Join { name: Some(name.parse().expect("a name")), ..Default::default() });
    }

    #[test]
    fn what_is_needed_from_outside_is_waited_for_while_somebody_can_do_it() {
        let stores = TestStores::new();
        add(&stores, "X", None, &[], &[]);
        add(&stores, "Y", None, &["X"], &[]);
        add(&stores, "P", None, &[], &[]);
        add(&stores, "A", Some("P"), &["Y"], &[]);
        check(&stores, TreeProgress::Stalled(vec![Obstacle::Outside(task_id("A"), vec![task_id("Y")])]));
        join(&stores, "ada");
        check(&stores, TreeProgress::Open);
        let mut store = stores.open().expect("it opens");
        // One of the run's own workers takes nothing outside of its tree.
        let owners = store.owners();
        let view = store.snapshot().expect("it reads");
        let pool = ["ada".parse().expect("a name")];
        assert!(matches!(progress(&*view, &*owners, &task_id("P"), &pool, false), Ok(TreeProgress::Stalled(_))));
    }

    #[test]
    fn what_is_dead_or_stuck_outside_is_not_waited_for() {
        let stores = TestStores::new();
        join(&stores, "ada");
        add(&stores, "X", None, &[], &[]);
        add(&stores, "Y", None, &["X"], &[]);
        add(&stores, "P", None, &[], &[]);
        add(&stores, "A", Some("P"), &["Y"], &[]);
        add(&stores, "B", Some("P"), &["X"], &[]);
        add(&stores, "C", Some("P"), &["B"], &[]);
        stores.order(&Cancel { id: task_id("X"), drop: false });
        let stuck = "stuck behind a task that is dead or cancelled";
        let want = [("A", "Y", stuck), ("B", "X", "cancelled")];
        check(
            &stores,
            TreeProgress::Stalled(want.map(|(id, need, state)| Obstacle::OutsideDeadEnd(task_id(id), task_id(need), state)).to_vec()),
        );
    }
}
