//! `cargo xtask trees`: real projects of RALF's agents, as they were at many moments of their histories. Each is attached, worked on by every
//! verb, moved to another branch and back, and detached; nothing of it may be damaged, and no work lost.

mod journey;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::output::{Outcome, say};
use crate::{python, workspace};
use tree::{Tools, Tree};

/// Take real projects of RALF's agents through attaching, work, moving and detaching.
///
/// Takes snapshots spread over the histories of these repositories; the network is not used. Each is attached and detached without
/// work, which must change nothing; attached again, worked on by every verb, moved to another branch and back, and detached. A
/// second sync must find nothing to do, and every YAML file that PyYAML could read must still be readable.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A repository of such a project: the folder of git itself. More than one may be named.
    #[arg(long = "repo", value_name = "GITDIR", required = true)]
    repos: Vec<PathBuf>,
    /// Snapshots in all.
    #[arg(long, value_name = "N", default_value_t = 32)]
    count: usize,
    /// This commit alone.
    #[arg(long, value_name = "COMMIT")]
    only: Option<String>,
    /// The snapshots stay in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Takes all snapshots through it and shows the table.
///
/// # Errors
/// A snapshot in which something went wrong.
pub(crate) fn run(options: &Arguments) -> Outcome<()> {
    let Some(python) = python::with_yaml()? else { return Err("there is no Python 3.9 with venv".into()) };
    let tools = Tools { program: workspace::program()?, python };
    let keep = options.keep.as_ref().map(std::path::absolute).transpose()?;
    let temporary = tempfile::tempdir()?;
    let folder = keep.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)?;
    let (mut bad, mut count) = (0, 0);
    say(journey::heading());
    for (n, repo) in options.repos.iter().enumerate() {
        let wanted = share(options.count, options.repos.len(), n);
        for (commit, other) in picks(repo, wanted, options.only.as_deref())? {
            count += 1;
            let begun = Instant::now();
            let tree = Tree::make(&tools, repo, &commit, &other, &folder.join(format!("{n}-{}", short(&commit))))?;
            let journey = journey::take(&tree);
            say(journey.row(&format!("{}@{}", name_of(repo), short(&commit)), begun.elapsed()));
            journey.faults.iter().for_each(|fault| say(format_args!("    {fault}")));
            bad += journey.faults.len();
            if keep.is_none() {
                std::fs::remove_dir_all(&tree.repository)?;
            }
        }
    }
    if count < options.count && options.only.is_none() {
        return Err(format!("only {count} of {} snapshots have a project", options.count).into());
    }
    if bad == 0 {
        say(format_args!("trees: {count} snapshots, nothing is wrong"));
        return Ok(());
    }
    Err(format!("{bad} faults in {count} snapshots").into())
}

/// How many snapshots the repository at place `n` gives: the first ones give what does not divide.
fn share(count: usize, repos: usize, n: usize) -> usize {
    count / repos + usize::from(n < count % repos)
}

/// Snapshots with a project, spread evenly over the history, each with another commit to move to and back.
fn picks(repo: &Path, wanted: usize, only: Option<&str>) -> Outcome<Vec<(String, String)>> {
    // Of the branch that is checked out: the others of these repositories repeat what it has, by the thousand.
    let listed = tree::git(repo, &["rev-list", "HEAD", "--date-order", "--reverse"])?;
    let commits: Vec<&str> = listed.lines().collect();
    let has_project = |commit: &str| tree::project_in(repo, commit).map(|found| found.is_some());
    if let Some(only) = only {
        let Some(place) = commits.iter().position(|commit| commit.starts_with(only)) else { return Ok(Vec::new()) };
        return Ok(vec![(commits[place].to_owned(), neighbour(&commits, place, &has_project)?)]);
    }
    let mut found = Vec::new();
    for place in spread(commits.len(), wanted) {
        // The next one that has a project, before the next place.
        let until = commits.len().min(place + commits.len().div_ceil(wanted.max(1)));
        for at in place..until {
            if has_project(commits[at])? {
                found.push((commits[at].to_owned(), neighbour(&commits, at, &has_project)?));
                break;
            }
        }
    }
    Ok(found)
}

/// A commit some way back, else onward, that has the project too.
fn neighbour(commits: &[&str], place: usize, has_project: &dyn Fn(&str) -> Outcome<bool>) -> Outcome<String> {
    const AWAY: usize = 25;
    for other in [place.checked_sub(AWAY), Some(place + AWAY), place.checked_sub(1), Some(place + 1)].into_iter().flatten() {
        if let Some(commit) = commits.get(other)
            && has_project(commit)?
        {
            return Ok((*commit).to_owned());
        }
    }
    Ok(commits[place].to_owned())
}

/// Places from 0 to `length`, evenly.
fn spread(length: usize, count: usize) -> Vec<usize> {
    (0..count).map(|n| n * length / count.max(1)).collect()
}

fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

/// A name for a bare repository: that of its folder, or of the one above where the folder has none of its own.
fn name_of(repo: &Path) -> String {
    let mut names = repo.ancestors().filter_map(|path| path.file_name()?.to_str());
    let name = names.find(|name| !["repo", ".git", "repo.git"].contains(name)).unwrap_or("repository");
    name.rsplit(['+', '/']).next().unwrap_or(name).trim_end_matches(".git").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_spread_over_the_history() {
        assert_eq!(spread(100, 4), [0, 25, 50, 75]);
        assert_eq!(spread(3, 5), [0, 0, 1, 1, 2]);
        assert_eq!(spread(0, 2), [0, 0]);
        assert_eq!((share(32, 3, 0), share(32, 3, 2)), (11, 10));
    }

    #[test]
    fn a_repository_has_a_name() {
        assert_eq!(name_of(Path::new("/m/Owner+project/repo")), "project");
        assert_eq!(name_of(Path::new("/m/project.git")), "project");
    }
}
