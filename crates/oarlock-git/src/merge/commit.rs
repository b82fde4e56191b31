//! Merge commits of Oarlock.

use std::fmt::Write as _;

use super::git::{MergeRepository, text};
use crate::program::GitFailed;

/// The text of a landing commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The task.
    pub task: String,
    /// Its title, one line.
    pub title: String,
    /// The agent that did it.
    pub agent: Option<String>,
    /// The token of the grant that submitted it.
    pub token: Option<u64>,
}

impl Message {
    /// The whole message, with its trailers.
    #[must_use]
    pub fn text(&self) -> String {
        // The last paragraph is the trailers', and a title has one line.
        let title: String = self.title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut text = format!("Merge {}: {}\n\nOarlock-Task: {}\n", self.task, title.trim(), self.task);
        if let Some(agent) = &self.agent {
            let _ = writeln!(text, "Oarlock-Agent: {agent}");
        }
        if let Some(token) = self.token {
            let _ = writeln!(text, "Oarlock-Token: {token}");
        }
        text
    }
}

impl MergeRepository {
    /// Makes a merge commit of a tree. Two equal parents are one.
    ///
    /// # Errors
    /// Git fails.
    pub fn commit_merge(&self, tree: &str, target: &str, submitted: &str, message: &Message) -> Result<String, GitFailed> {
        let mut args = vec!["commit-tree", tree, "-p", target];
        if submitted != target {
            args.extend(["-p", submitted]);
        }
        let name = message.agent.as_deref().unwrap_or("oarlock");
        let email = format!("{name}@oarlock.invalid");
        let made_up =
            [("GIT_AUTHOR_NAME", name), ("GIT_AUTHOR_EMAIL", &*email), ("GIT_COMMITTER_NAME", name), ("GIT_COMMITTER_EMAIL", &*email)];
        let has_identity = *self.has_identity.get_or_init(|| self.knows_who_commits());
        let variables = if has_identity { &[][..] } else { &made_up[..] };
        args.extend(["-F", "-"]);
        self.feed(&args, &message.text(), variables)
    }

    /// Whether git knows who commits here, without making it up.
    fn knows_who_commits(&self) -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_configured = |key: &str| text(&mut self.git(&["config", "--get", key])).is_ok_and(|value| !value.trim().is_empty());
        let has = |variable: &str, key: &str| is_set(variable) || is_configured(key);
        ["AUTHOR", "COMMITTER"]
            .iter()
            .all(|role| has(&format!("GIT_{role}_NAME"), "user.name") && has(&format!("GIT_{role}_EMAIL"), "user.email"))
    }
}
