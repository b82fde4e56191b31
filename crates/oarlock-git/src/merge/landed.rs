//! Reading landing commits: those of a branch's own line that carry our trailers.

use super::git::MergeRepository;
use crate::program::GitFailed;

/// A landing commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedCommit {
    /// Its hash.
    pub commit: String,
    /// Its parents: the target before, and the submitted commit.
    pub parents: Vec<String>,
    /// The task, as the trailer has it.
    pub task: String,
    /// The agent.
    pub agent: String,
    /// The token.
    pub token: String,
}

/// One commit a line: hash, parents and three trailers, apart by a character that none of them has.
const FORMAT: &str = "--format=%H%x1f%P%x1f%(trailers:key=Oarlock-Task,valueonly,separator=%x2C)%x1f%(trailers:key=Oarlock-Agent,valueonly,separator=%x2C)%x1f%(trailers:key=Oarlock-Token,valueonly,separator=%x2C)";

impl MergeRepository {
    /// The newest landing commits on the first-parent line of a tip, at most `limit` commits back. With `base`, only those behind it; with a path,
    /// only those that changed it.
    ///
    /// # Errors
    /// Git fails.
    pub fn landed(&self, tip: &str, base: Option<&str>, path: Option<&str>, limit: usize) -> Result<Vec<LandedCommit>, GitFailed> {
        let count = format!("--max-count={limit}");
        let behind = base.map(|base| format!("^{base}"));
        let mut args = vec!["log", "--first-parent", &count, FORMAT, tip];
        args.extend(behind.as_deref());
        args.push("--");
        let literal = path.map(|path| format!(":(literal){path}"));
        args.extend(literal.as_deref());
        let listed = self.ask(&args)?;
        Ok(listed.lines().filter_map(read).collect())
    }
}

fn read(line: &str) -> Option<LandedCommit> {
    let fields: Vec<&str> = line.split('\u{1f}').collect();
    let [commit, parents, task, agent, token] = fields[..] else { return None };
    (!task.is_empty()).then(|| LandedCommit {
        commit: commit.to_owned(),
        parents: parents.split(' ').filter(|parent| !parent.is_empty()).map(str::to_owned).collect(),
        task: task.to_owned(),
        agent: agent.to_owned(),
        token: token.to_owned(),
    })
}
