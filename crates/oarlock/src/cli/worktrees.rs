//! `conflicts` and `forget`: the doors of operations on agents' worktrees and branches.

use clap::Args;
use oarlock_client::IfMissing;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::agent::Agents;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::reply::Reply;
use oarlock_run::{Pair, Pairs};
use serde_json::json;

use super::common::Common;
use super::output::Output;
use crate::replies::{ConflictPair, Conflicts, Forgotten, ForgottenProject};

/// Worktrees that a refusal names.
const NAMED_MAX: usize = 5;

/// Merge every pair of branches without checking anything out, and show where they conflict. Uncommitted work of agents counts.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConflictsArgs {
    /// Branches or ids of tasks [default: the branches of all tasks that have not landed yet]
    #[arg(value_name = "BRANCH")]
    branches: Vec<String>,
    /// The branch that work lands on [default: the targets of unfinished runs with --merge, else the one that is checked out]
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
}

/// Remove agents' worktrees, the store and everything else of the project. Files that git tracks stay, and so do the branches of tasks.
#[derive(Clone, Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Also with work that is nowhere else: it is committed first, on the branch of its task or below refs/oarlock/kept
    #[arg(long)]
    force: bool,
}

pub(crate) fn conflicts(args: ConflictsArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let pairs = Pairs { branches: args.branches, onto: args.onto.into_iter().collect() };
    // Branches can be compared without a project, and without the store behind a gateway, whose repository is elsewhere.
    let target = common.target(IfMissing::Expected).ok().filter(|target| target.place().file().exists());
    let compared = match target {
        Some(target) => {
            let mut store = target.open(common.options(&target.settings()?))?;
            oarlock_run::conflicts(pairs, Some(&mut *store))?
        }
        None => oarlock_run::conflicts(pairs, None)?,
    };
    let pair = |Pair { a, b, files }: Pair| ConflictPair { a, b, conflict: !files.is_empty(), files };
    let pairs = compared.pairs.into_iter().map(pair).collect();
    Ok(output.reply("conflicts", &Reply::new(Conflicts { branches: compared.branches, pairs })))
}

pub(crate) fn forget(args: &ForgetArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let target = common.target(IfMissing::Expected)?;
    let project = target.project().ok_or_else(|| {
        Rejection::invalid(format!("{} is not the store of a project", target.url()), "remove a store that lies elsewhere yourself")
    })?;
    let held: Vec<_> = oarlock_run::worktrees_held(&project.dir())?.into_iter().filter(|found| !found.holds.is_empty()).collect();
    let in_use = held.iter().find(|found| found.holds.iter().any(|why| why.contains("in use")));
    if let Some(first) = in_use.or(held.first()).filter(|_| !args.force || in_use.is_some()) {
        let words =
            held.iter().take(NAMED_MAX).map(|found| format!("{}: {}", found.path.display(), found.holds.join(", "))).collect::<Vec<_>>();
        return Err(Rejection::Conflict {
            message: format!("the project is not removed, because of its worktrees: {}", words.join("; ")),
            hint: match in_use {
                Some(_) => "end the workers first".to_owned(),
                None => format!("merge the branch and clean {}, or run it with --force, which commits everything first", first.path.display()),
            },
            details: json!({"worktrees": held.iter().map(|found| json!({"agent": found.agent, "path": found.path.display().to_string(), "holds": found.holds})).collect::<Vec<_>>()}),
        }
        .into());
    }
    if !args.force {
        refuse_at_work(common, &target)?;
    }
    let queues = oarlock_run::hold_landing_queues(project.root())?;
    let worktrees = oarlock_run::forget_worktrees(&project.dir(), args.force)?;
    let kept = oarlock_client::forget(project)?;
    queues.remove();
    let root = project.root().display().to_string();
    Ok(output.reply("forget", &Reply::new(Forgotten { forgotten: ForgottenProject { root, worktrees, kept } })))
}

/// Refuses while programs work for agents of this store. One that cannot be opened has none that could go on.
fn refuse_at_work(common: &Common, target: &oarlock_client::StoreTarget) -> Result<(), OpError> {
    let settings = target.settings().unwrap_or_default();
    let Ok(mut store) = target.open(common.options(&settings)) else { return Ok(()) };
    let found = call::query(&mut *store, &Caller::default(), &settings, &Agents::default())?;
    let names: Vec<String> = found.agents.iter().filter(|agent| agent.pid.is_some()).map(|agent| agent.name.to_string()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Rejection::Conflict {
        message: format!("the project is not removed, because programs still work for {}", names.join(", ")),
        hint: "end them first, or run it with --force".into(),
        details: json!({"agents": names}),
    }
    .into())
}
