//! `cargo xtask cooperbench`: real features of real projects (the public data set CooperBench), each as an agent of its own. How often is the verdict
//! of `conflicts` that of the data set, what lands when several are submitted at once, and does a refused one land after its owner has answered?

mod dataset;
mod landing;
mod owner;
mod sandbox;
mod testing;
mod verdicts;

use std::path::PathBuf;

use crate::output::{Outcome, say, warn};
use crate::workspace;
use dataset::Dataset;

/// Measure conflicts and landings on features of the data set CooperBench.
///
/// DIR holds a checkout of github.com/cooperbench/CooperBench in `CooperBench`, and of each upstream repository in `OWNER+NAME` or `NAME` (bare
/// ones, too). They are fetched beforehand, with git, or with --fetch; nothing else uses the network. Parts b and c run the features' tests: `go` for
/// Go, Python with pytest for Python, both found in PATH or in DIR/venv/bin. A task whose repository or tools are missing is left out and named.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The directory of the data set and of the upstream repositories.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// These tasks alone, as `go_chi_task/task26` or by the beginning of such a name.
    #[arg(long, value_name = "TASKS", value_delimiter = ',')]
    tasks: Vec<String>,
    /// This part alone: a, conflicts of every pair; b, landings of 2, 3 and 4 at once; c, answers of owners.
    #[arg(long, value_name = "PART", value_parser = ["a", "b", "c"])]
    part: Option<String>,
    /// Combinations of features of each task and number of agents in part b, and pairs in part c.
    #[arg(long, value_name = "N", default_value_t = 6)]
    cases: usize,
    /// The seed of the combinations and of the moments of kills.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The test in parts b and c, run by sh -c in a tree with the tests of one feature; $FILES are the files that they change.
    #[arg(long, value_name = "CMD")]
    test: Option<String>,
    /// In part a, features are not committed: each is in the worktree of an agent.
    #[arg(long)]
    uncommitted: bool,
    /// Another program than that of this tree.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Clone what is missing below DIR first.
    #[arg(long)]
    fetch: bool,
}

/// The number of agents of part b.
const AGENTS: [usize; 3] = [2, 3, 4];
/// Its labels are wrong: the features do not apply to the base that it names.
const LEFT_OUT: &str = "react_hook_form_task/task85";

/// Measures and shows the tables.
///
/// # Errors
/// The data set is missing, git fails, or a number is not reached.
pub(crate) fn run(options: &Arguments) -> Outcome<()> {
    let program = match &options.program {
        Some(program) => std::path::absolute(program)?,
        None => workspace::program()?,
    };
    if options.fetch {
        dataset::fetch(&options.dir, dataset::URL, "CooperBench")?;
    }
    let dataset = Dataset::open(&options.dir)?;
    let mut tasks = Vec::new();
    for task in dataset.tasks(&options.tasks)? {
        if task.name == LEFT_OUT {
            continue;
        }
        if options.fetch && dataset.upstream(&task).is_none() {
            dataset::fetch(&options.dir, &format!("https://github.com/{}", task.repository), &task.repository.replace('/', "+"))?;
        }
        match dataset.upstream(&task) {
            Some(upstream) => tasks.push((task, upstream)),
            None => warn(format_args!("{}: left out, {}", task.name, dataset.missing(&task))),
        }
    }
    if tasks.is_empty() {
        return Err("no task is there whose repository is, too".into());
    }
    let wants = |part: &str| options.part.as_deref().is_none_or(|wanted| wanted == part);
    let mut faults = Vec::new();
    if wants("a") {
        faults.extend(verdicts::run(&program, &dataset, &tasks, options.uncommitted)?);
    }
    let tools = testing::Tools::find(&options.dir, options.test.clone());
    if wants("b") {
        faults.extend(landing::run(&program, &tools, &tasks, &AGENTS, options.cases, options.seed)?);
    }
    if wants("c") {
        faults.extend(owner::run(&program, &tools, &tasks, options.cases, options.seed)?);
    }
    if faults.is_empty() {
        say("cooperbench: everything is reached");
        return Ok(());
    }
    faults.iter().for_each(|fault| say(format_args!("fault: {fault}")));
    Err(format!("{} faults", faults.len()).into())
}
