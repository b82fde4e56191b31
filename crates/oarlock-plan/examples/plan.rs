//! Prints the plan of a task file as JSON: `cargo run --example plan -- TASK.md [AGENTS]`.

use std::error::Error;
use std::io::Write as _;

use oarlock_plan::{Options, split, task_id_from_file_name};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: plan TASK.md [AGENTS]")?;
    let document = std::fs::read_to_string(&path)?;
    let mut options = Options::new(task_id_from_file_name(&path).unwrap_or_else(|| "task".to_owned()));
    if let Some(agents) = arguments.next() {
        options.agents = agents.parse()?;
    }
    let plan = split(&document, &options)?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&plan)?)?;
    Ok(())
}
