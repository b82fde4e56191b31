//! `merge`: the door of the landing queue.

use clap::Args;
use oarlock_client::{IfMissing, StoreTarget};
use oarlock_model::Rejection;
use oarlock_model::duration::Duration;
use oarlock_model::landing::BranchName;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Identity;
use oarlock_ops::landing::LandingStatus;
use oarlock_ops::reply::Reply;
use oarlock_run::{Merge, Stores as _, TEST_TIMEOUT_DEFAULT};

use super::common::Common;
use super::output::Output;
use super::runner::{Narrator, handles};

/// Land submitted branches on a target branch: merge each, test the merged tree in a worktree of its own, and move the branch only to a tree that
/// passed. What conflicts or fails its test goes back to its task with a brief.
#[derive(Clone, Debug, Args)]
pub(crate) struct MergeArgs {
    /// The target branch [default: that of the only unfinished run]
    #[arg(long, value_name = "BRANCH")]
    onto: Option<BranchName>,
    /// The test of a merged tree, run by sh -c [default: nothing is tested]
    #[arg(long, value_name = "CMD")]
    test: Option<String>,
    /// How long one run of the test may take [default: 30m]
    #[arg(long, value_name = "D", requires = "test")]
    test_timeout: Option<Duration>,
    /// How many tests may run at once, to find what fails in a batch [default: 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(1..=64))]
    slots: Option<u8>,
    /// End when the queue is empty
    #[arg(long)]
    once: bool,
    /// Show the queue and change nothing
    #[arg(long, conflicts_with_all = ["test", "test_timeout", "slots", "once"])]
    status: bool,
}

pub(crate) fn merge(args: MergeArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (handles, settings) = handles(common, IfMissing::Refused, StoreTarget::settings)?;
    let caller = common.caller(Identity::Optional);
    if args.status {
        let status = call::query(&mut *handles.open()?, &caller, &settings, &LandingStatus { onto: args.onto })?;
        return Ok(output.reply("merge", &Reply::new(status)));
    }
    if args.test.as_deref().is_some_and(|test| test.trim().is_empty()) {
        return Err(Rejection::invalid("the test is empty", "give a command, or leave --test out to land without a test").into());
    }
    let merge = Merge {
        onto: args.onto,
        test: args.test,
        test_timeout: args.test_timeout.map_or(TEST_TIMEOUT_DEFAULT, Duration::as_std),
        slots: args.slots.map_or(1, usize::from),
        once: args.once,
        caller,
        directory: std::env::current_dir()
            .map_err(|error| Rejection::invalid(format!("the current directory is gone: {error}"), "go to one that is there"))?,
    };
    let mut narrator = Narrator::new(output, false);
    let ended = oarlock_run::merge(&handles, &settings, &merge, &mut narrator);
    narrator.clear();
    let ended = ended?;
    let code = output.reply("merge", &Reply::new(ended.report));
    // The reply is on standard output also when the queue was not worked to its end.
    Ok(ended.error.map_or(code, |error| output.fail(&error)))
}
