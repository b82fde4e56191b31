//! Kills between any two steps: the next one brings the worktree into order, and no work is lost.

use super::super::place::{State, Working};
use super::*;

fn working(repo: &Repo, task: &str) -> State {
    let (branch, start) = (format!("oarlock/{task}"), repo.git("rev-parse main"));
    State::Working(Working { task: task.into(), branch, start, title: format!("Title of {task}") })
}

#[test]
fn a_worktree_that_was_not_made_to_its_end_is_made_again() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    for half in ["nothing", "directory", "registered", "locked"] {
        place.note(&State::Making).expect("noted");
        match half {
            "directory" => write(&repo.of("ada"), "a.txt", "half"),
            "registered" => {
                repo.git("worktree add --quiet --detach .oarlock/worktrees/ada");
                fs::remove_file(repo.of("ada").join("a.txt")).expect("there");
                write(&repo.top(), ".git/worktrees/ada/index.lock", "");
            }
            // Git was killed before there was a directory.
            "locked" => {
                repo.git("worktree add --quiet --detach .oarlock/worktrees/ada");
                fs::remove_dir_all(repo.of("ada")).expect("there");
                write(&repo.top(), ".git/worktrees/ada/locked", "initializing");
            }
            _ => {}
        }
        attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| assert!(dir.join("a.txt").exists(), "{half}"));
        assert_eq!(repo.subjects("oarlock/T-1"), [""; 0], "{half}");
        repo.git("worktree remove .oarlock/worktrees/ada");
    }
}

#[test]
fn a_switch_that_was_cut_off_is_made_to_its_end() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |_| {});
    repo.commit("new.txt", "new\n", "third");
    place.note(&State::Switching(repo.git("rev-parse main"))).expect("noted");
    // Half of the files are written already, and git's lock is left.
    write(&repo.of("ada"), "new.txt", "new\n");
    write(&repo.top(), ".git/worktrees/ada/index.lock", "");
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |_| {});
    assert_eq!((repo.subjects("oarlock/T-1"), repo.subjects("oarlock/T-2")), (Vec::new(), Vec::new()));
    assert_eq!(repo.git("for-each-ref refs/oarlock"), "");
}

#[test]
fn work_that_was_cut_off_is_committed_by_the_next_one() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    {
        let place = worktrees.take("ada").expect("free");
        worktrees.enter(&place, "T-1", "The first", &Ground::default()).expect("it begins");
        write(&repo.of("ada"), "half.txt", "half\n");
        write(&repo.top(), ".git/worktrees/ada/index.lock", "");
        write(&repo.top(), ".git/worktrees/ada/AUTO_MERGE.lock", "");
        // One that all worktrees share may be a living git's, until it is too old for that.
        write(&repo.top(), ".git/packed-refs.lock", "");
        let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
        let lock = fs::File::options().write(true).open(repo.top().join(".git/packed-refs.lock")).expect("there");
        lock.set_modified(hour_ago).expect("ours");
    }
    // Its own next task, in the same worktree.
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| assert!(!dir.join("half.txt").exists()));
    assert_eq!(repo.subjects("oarlock/T-1"), ["unfinished: The first"]);
    assert!(!repo.top().join(".git/worktrees/ada/AUTO_MERGE.lock").exists() && !repo.top().join(".git/packed-refs.lock").exists());
    // The same task by another agent, while the dead one's worktree is still at the branch.
    drop(worktrees.enter(&place, "T-1", "The first", &Ground::default()).expect("it begins"));
    write(&repo.of("ada"), "more.txt", "more\n");
    drop(place);
    let bob = worktrees.take("bob").expect("free");
    attempt(&worktrees, &bob, "T-1", &Ground::default(), End::Finished, |dir| {
        assert!(dir.join("half.txt").exists() && dir.join("more.txt").exists())
    });
    assert_eq!(repo.subjects("oarlock/T-1").len(), 2);
}

#[test]
fn a_kill_between_the_notes_and_the_references_loses_nothing() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-0", &Ground::default(), End::Finished, |_| {});
    // Noted, and neither the branch nor HEAD is set.
    place.note(&working(&repo, "T-1")).expect("noted");
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| write(dir, "two.txt", "x\n"));
    assert_eq!((repo.subjects("oarlock/T-1"), repo.subjects("oarlock/T-2").len()), (Vec::new(), 1));
    // Everything is committed, and the note is still there.
    attempt(&worktrees, &place, "T-3", &Ground::default(), End::Finished, |dir| write(dir, "three.txt", "x\n"));
    place.note(&working(&repo, "T-3")).expect("noted");
    attempt(&worktrees, &place, "T-4", &Ground::default(), End::Finished, |_| {});
    assert_eq!((repo.subjects("oarlock/T-3").len(), repo.subjects("oarlock/T-4")), (1, Vec::new()));
    assert_eq!(repo.git("for-each-ref refs/oarlock"), "");
}

#[test]
fn what_nobody_put_there_is_kept() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |_| {});
    write(&repo.of("ada"), "mine.txt", "mine\n");
    let (entered, _) = attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| assert!(!dir.join("mine.txt").exists()));
    let kept = repo.git("for-each-ref --format=%(refname) refs/oarlock/kept");
    assert!(entered.warnings.iter().any(|warning| warning.contains(&kept)) && !kept.is_empty(), "{:?}", entered.warnings);
    assert_eq!(repo.show(&format!("{kept}:mine.txt")), "mine");
    assert_eq!(repo.subjects("oarlock/T-2"), [""; 0]);
}

#[test]
fn a_living_agent_that_lost_its_task_cannot_move_the_branch() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let (ada, bob) = (worktrees.take("ada").expect("free"), worktrees.take("bob").expect("free"));
    worktrees.enter(&ada, "T-1", "The first", &Ground::default()).expect("it begins");
    commit(&repo.of("ada"), "early.txt", "x\n", "early");
    let (entered, _) = attempt(&worktrees, &bob, "T-1", &Ground::default(), End::Finished, |dir| {
        assert!(dir.join("early.txt").exists(), "what was committed in time");
        write(dir, "bob.txt", "x\n");
    });
    assert!(entered.warnings.iter().any(|warning| warning.contains("ada still works")), "{:?}", entered.warnings);
    let tip = repo.git("rev-parse oarlock/T-1");
    commit(&repo.of("ada"), "late.txt", "x\n", "late");
    worktrees.leave(&ada, End::Unfinished, false).expect("it ends");
    assert_eq!(repo.git("rev-parse oarlock/T-1"), tip);
    assert_eq!(repo.git("for-each-ref refs/oarlock/kept/T-1").lines().count(), 1, "and its work is kept");
}

#[test]
fn a_new_worker_of_that_name_lets_go_of_what_the_dead_one_worked_on() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let dead = worktrees.take("ada").expect("free");
    let entered = worktrees.enter(&dead, "T-1", "one", &Ground::default()).expect("it begins");
    write(&entered.top, "half.txt", "half\n");
    drop(dead);
    // It has no task yet, and goes on to live.
    let _living = worktrees.take("ada").expect("free");
    let bob = worktrees.take("bob").expect("free");
    let entered = worktrees.enter(&bob, "T-1", "one", &Ground::default()).expect("it is free");
    assert_eq!(entered.warnings, [""; 0]);
    assert!(entered.top.join("half.txt").exists(), "what the dead one did is there");
}
