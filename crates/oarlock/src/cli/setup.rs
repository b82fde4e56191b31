//! `setup`: makes the clients of coding agents work with Oarlock, and takes it back.

use clap::Args;
use oarlock_client::paths::current_dir;
use oarlock_client::{Project, worktree_of};
use oarlock_integrations::client::Client;
use oarlock_integrations::setup::Scope;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;

use super::output::Output;
use crate::replies::{SetUp, SetUpFile};
use oarlock_integrations::installing::{Change, Journal, Places, Plan, Remark, clients, facts, is_in_git, on_path};

/// Set up clients of coding agents: server, hooks, permissions, instructions. Running it again changes nothing.
#[derive(Clone, Debug, Args)]
pub(crate) struct SetupArgs {
    /// claude, codex, gemini, opencode, cursor, vscode, git, or all
    #[arg(value_name = "CLIENT", required = true)]
    clients: Vec<String>,
    /// project: for everybody in this repository; user: for you in all repositories
    #[arg(long, value_parser = ["project", "user"], default_value = "project")]
    scope: String,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Undo it: restore the files byte for byte
    #[arg(long)]
    remove: bool,
}

impl SetupArgs {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, OpError> {
        let here = current_dir()?;
        let scope = if self.scope == "user" { Scope::User } else { Scope::Project };
        let mut clients = clients(&self.clients)?;
        if self.clients.iter().any(|name| name == "all") && (scope == Scope::User || !is_in_git(&here)) {
            // Git has hooks of repositories only.
            clients.retain(|client| *client != Client::Git);
        }
        if scope == Scope::User && clients.contains(&Client::Git) {
            return Err(Rejection::invalid("git's hooks belong to a repository", "use --scope project").into());
        }
        let project = Project::around(&here).filter(|project| project.dir().is_dir());
        let places = Places { project: worktree_of(&here) };
        let facts = facts(&places, project.as_ref().map(Project::dir).as_deref(), scope);
        let is_by_name = facts.program == "oarlock";
        let _alone = places.alone();
        let mut plan = Plan::new(places, scope, facts, Journal::open());
        for client in &clients {
            if self.remove { plan.take_out(*client)? } else { plan.put(*client)? }
        }
        let planned: Vec<Change> = plan.changes().cloned().collect();
        if !self.dry_run {
            plan.apply()?;
        }
        let mut notes = Vec::new();
        if !self.remove {
            if project.is_none() && scope == Scope::Project {
                notes.push("there is no project here yet: `oarlock init` creates it, and until then hooks do nothing".to_owned());
            }
            if on_path("oarlock").is_none() && is_by_name {
                notes.push("`oarlock` is not on the PATH: clients will not find it".to_owned());
            }
            for taken in planned.iter().filter(|change| change.remark == Some(Remark::Taken)) {
                let file = taken.file.display();
                notes.push(format!(
                    "{file} has a server \"oarlock\" that is not this one, and is left as it is: rename it, and set up again"
                ));
            }
            for hook in planned.iter().filter(|change| change.is_not_executable()) {
                let file = hook.file.display();
                notes.push(format!("{file} is not executable, so git does not run it: `chmod +x` it, and all that is in it runs"));
            }
            notes.extend(clients.iter().filter_map(|client| advice(*client, scope)).map(str::to_owned));
        }
        for left in planned.iter().filter(|change| change.remark == Some(Remark::Stays)) {
            let file = left.file.display();
            notes.push(format!("{file} had this before it was set up here, and is as it was: `--remove` once more takes it out"));
        }
        let changed = |change: &&Change| change.before.is_some() || change.after.is_some();
        let changes = planned.iter().filter(changed).map(|change| SetUpFile {
            client: change.client.name(),
            file: change.file.display().to_string(),
            action: change.action(),
            diff: (self.dry_run && change.action() != "unchanged").then(|| change.diff()),
        });
        Ok(output.reply("setup", &Reply::new(SetUp { changes: changes.collect(), dry_run: self.dry_run, notes })))
    }
}

/// The steps that a client still requires from the person.
fn advice(client: Client, scope: Scope) -> Option<&'static str> {
    match (client, scope) {
        (Client::Claude, Scope::Project) => {
            Some("Claude Code asks once whether this folder is trusted; until then it leaves its permissions out")
        }
        (Client::Codex, Scope::Project) => {
            Some("Codex reads a project's files once the project is trusted, and its hooks once /hooks trusts them")
        }
        (Client::Codex, Scope::User) => Some("Codex runs hooks once /hooks trusts them"),
        (Client::Gemini, Scope::Project) => {
            Some("Gemini CLI reads a project's settings once the folder is trusted, from the directory it is started in")
        }
        _ => None,
    }
}
