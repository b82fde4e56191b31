//! `cargo xtask trees`: real projects of RALF's agents, as they were at many moments of their histories. Each is attached, worked on by every
//! verb, moved to another branch and back, and detached; nothing of it may be damaged, and no work lost.

mod journey;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::output::{Outcome, say};
use tree::{Tools, Tree};

const USAGE: &str = "usage: cargo xtask trees --repo GITDIR [--repo GITDIR…] [--count N] [--only COMMIT] [--keep DIR]
  takes N snapshots (default 32) spread over the histories of these repositories of RALF's projects; the network is not used. Each is
  attached and detached without work, which must change nothing; attached again, worked on by every verb, moved to another branch and
  back, and detached. A second sync must find nothing to do, and every YAML file that PyYAML could read must still be readable.
  --only: one commit; --keep: the snapshots stay in this folder";

/// What the arguments ask for.
struct Options {
    repos: Vec<PathBuf>,
    count: usize,
    only: Option<String>,
    keep: Option<PathBuf>,
}

/// Takes all snapshots through it and shows the table.
///
/// # Errors
/// An argument that is none, or a snapshot in which something went wrong.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    if arguments.iter().any(|argument| argument == "--help") {
        say(USAGE);
        return Ok(());
    }
    let options = parse(arguments)?;
    let Some(python) = super::scripts::python()? else { return Err("there is no Python with PyYAML; python/test makes one".into()) };
    let program = std::env::current_exe()?.with_file_name("oarlock");
    if !program.is_file() {
        return Err("the program is not built: cargo build".into());
    }
    let tools = Tools { program, python };
    let temporary = tempfile::tempdir()?;
    let folder = options.keep.as_deref().unwrap_or(temporary.path());
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
            if options.keep.is_none() {
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

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options { repos: Vec::new(), count: 32, only: None, keep: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--repo" => options.repos.push(value.into()),
            "--count" => options.count = value.parse()?,
            "--only" => options.only = Some(value.clone()),
            "--keep" => options.keep = Some(std::path::absolute(value)?),
            _ => return Err(USAGE.into()),
        }
    }
    if options.repos.is_empty() { Err(USAGE.into()) } else { Ok(options) }
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
