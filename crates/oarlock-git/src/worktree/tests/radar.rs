//! Snapshots of agents' worktrees, and their comparison.

use std::fs::{self, File};

use super::*;
use crate::merge::Span;

/// Two agents with a task each, both at work.
fn two(repo: &Repo) -> [Place; 2] {
    let worktrees = repo.worktrees();
    ["ada", "bob"].map(|agent| {
        let place = worktrees.take(agent).expect("free");
        worktrees.enter(&place, &format!("T-{agent}"), agent, &Ground::default()).expect("it begins");
        place
    })
}

fn look(radar: &mut Radar) -> Vec<Live> {
    radar.live(&["main"]).expect("git")
}

fn objects(repo: &Repo) -> String {
    repo.git("count-objects")
}

#[test]
fn uncommitted_and_untracked_files_conflict_as_they_grow_and_nothing_is_touched() {
    let repo = Repo::new();
    let _places = two(&repo);
    let scratch = repo.top().join(".git/radar");
    let mut radar = Radar::open(&repo.top(), &scratch).expect("a repository");
    assert_eq!(look(&mut radar), [], "both branches are in the target");
    write(&repo.of("ada"), "new.txt", "ada\n");
    write(&repo.of("bob"), "other.txt", "bob\n");
    let (before, index) = (objects(&repo), fs::read(repo.top().join(".git/worktrees/ada/index")).expect("an index"));
    let live = look(&mut radar);
    assert_eq!(live.iter().map(|branch| branch.name.as_str()).collect::<Vec<_>>(), ["oarlock/T-ada", "oarlock/T-bob"]);
    assert_eq!(radar.compare(&live[0].commit, &live[1].commit).expect("git"), []);
    write(&repo.of("bob"), "new.txt", "bob\n");
    let again = look(&mut radar);
    assert_eq!((&again[0], again[1] == live[1]), (&live[0], false), "the same files are the same commit");
    let clashes = radar.compare(&again[0].commit, &again[1].commit).expect("git");
    assert_eq!(clashes.iter().map(|clash| clash.path.as_str()).collect::<Vec<_>>(), ["new.txt"]);
    // It disappears again.
    fs::remove_file(repo.of("bob").join("new.txt")).expect("ours");
    let gone = look(&mut radar);
    assert_eq!(gone, live);
    assert_eq!(objects(&repo), before, "the repository has no new objects");
    assert_eq!(fs::read(repo.top().join(".git/worktrees/ada/index")).expect("an index"), index);
    assert_eq!(git(&repo.of("ada"), &["status", "--porcelain"]), "?? new.txt");
    drop(radar);
    assert!(!scratch.exists());
}

#[test]
fn a_change_in_the_moment_of_the_index_is_seen() {
    let repo = Repo::new();
    let _places = two(&repo);
    let mut radar = Radar::open(&repo.top(), &repo.top().join(".git/radar")).expect("a repository");
    // The same size and the same time as the index knows: only the content differs.
    let (file, index) = (repo.of("ada").join("a.txt"), repo.top().join(".git/worktrees/ada/index"));
    let text = fs::read_to_string(&file).expect("text");
    let known = fs::metadata(&file).and_then(|found| found.modified()).expect("a time");
    let set = |path: &std::path::Path| File::options().write(true).open(path).and_then(|file| file.set_modified(known)).expect("ours");
    set(&index);
    fs::write(&file, text.to_uppercase()).expect("ours");
    set(&file);
    let live = look(&mut radar);
    let tip = git(&repo.of("ada"), &["rev-parse", "HEAD"]);
    assert_ne!(live[0].commit, tip.trim());
}

#[test]
fn lines_of_committed_and_uncommitted_work_are_found() {
    let repo = Repo::new();
    repo.commit("long.txt", "1\n2\n3\n4\n5\n", "long");
    let _places = two(&repo);
    write(&repo.of("ada"), "long.txt", "1\n2\nada\n4\n5\n");
    git(&repo.of("ada"), &["commit", "--quiet", "-am", "ada"]);
    write(&repo.of("bob"), "long.txt", "0\n1\n2\nbob\n4\n5\n");
    let mut radar = Radar::open(&repo.top(), &repo.top().join(".git/radar")).expect("a repository");
    let live = look(&mut radar);
    let place = &radar.compare(&live[0].commit, &live[1].commit).expect("git")[0].places[0];
    assert_eq!((place.ours, place.theirs), (Span { first: 3, last: 3 }, Span { first: 4, last: 4 }));
    assert_eq!((place.ours_text.as_str(), place.theirs_text.as_str()), ("ada\n", "bob\n"));
}
