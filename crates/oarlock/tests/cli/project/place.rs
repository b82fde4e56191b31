//! Where the store of a repository lies, whatever git was asked to do with its files: one place, from every worktree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Project;

/// The store is made in the first directory, lies at `place` and nowhere else, and is seen from all of them.
fn is_shared(project: &Project, dirs: &[&Path], place: &Path) {
    let store = place.join(".oarlock/oarlock.db");
    let made = project.call("init").dir(dirs[0]).ok()["project"].clone();
    let said = made["store"].as_str().and_then(|url| url.strip_prefix("sqlite:")).expect("a URL").to_owned();
    assert_eq!(PathBuf::from(said), fs::canonicalize(&store).expect("it was made"), "{made}");
    for (n, dir) in dirs.iter().enumerate() {
        let below = dir.join("deep/er");
        fs::create_dir_all(&below).expect("a new directory");
        assert_eq!(project.call("init").dir(dir).ok()["project"]["created"], false, "{}", dir.display());
        project.call("add t").dir(&below).ok();
        let tasks = project.call("tasks").dir(&below).ok()["tasks"].as_array().map(Vec::len);
        assert_eq!(tasks, Some(n + 1), "{}", dir.display());
        assert!(project.call("status").dir(dir).ok().get("other_stores").is_none());
        let own = dir.join(".oarlock");
        assert!(!own.exists() || own == place.join(".oarlock"), "{} has a second one", dir.display());
        if dir.join(".git").exists() {
            assert_eq!(project.git_in(dir, "status --porcelain"), "", "{}", dir.display());
        }
    }
}

/// A worktree of the repository in `of`.
fn worktree(project: &Project, of: &Path, name: &str) -> PathBuf {
    let dir = project.beside(name);
    project.git_in(of, &format!("worktree add --quiet {}", dir.display()));
    dir
}

#[test]
fn a_plain_repository_keeps_it_beside_its_directory() {
    let project = Project::git();
    let linked = worktree(&project, &project.root(), "linked");
    is_shared(&project, &[&linked, &project.root(), &project.root().join(".git/hooks")], &project.root());
}

#[test]
fn a_separate_git_directory_keeps_it_inside() {
    let project = Project::none();
    let apart = project.beside("apart");
    project.git_in(&project.root(), &format!("init --quiet --separate-git-dir {} .", apart.display()));
    project.git_in(&project.root(), "commit --quiet --allow-empty -m first");
    let linked = worktree(&project, &project.root(), "linked");
    is_shared(&project, &[&linked, &project.root(), &apart], &apart);
}

#[test]
fn a_separate_git_directory_of_that_name_keeps_it_beside() {
    let project = Project::none();
    let apart = project.beside("apart/.git");
    fs::create_dir_all(project.beside("apart")).expect("a new directory");
    project.git_in(&project.root(), &format!("init --quiet --separate-git-dir {} .", apart.display()));
    project.git_in(&project.root(), "commit --quiet --allow-empty -m first");
    let linked = worktree(&project, &project.root(), "linked");
    is_shared(&project, &[&project.root(), &linked], &project.beside("apart"));
}

#[test]
fn a_linked_git_directory_keeps_it_where_the_link_leads() {
    let project = Project::git();
    let real = project.beside("real.git");
    fs::rename(project.root().join(".git"), &real).expect("moved");
    std::os::unix::fs::symlink(&real, project.root().join(".git")).expect("linked");
    let linked = worktree(&project, &project.root(), "linked");
    is_shared(&project, &[&project.root(), &linked], &real);
}

#[test]
fn a_link_to_a_git_directory_of_another_worktree_is_the_same_repository() {
    let project = Project::git();
    let other = project.beside("other");
    fs::create_dir_all(&other).expect("a new directory");
    std::os::unix::fs::symlink(project.root().join(".git"), other.join(".git")).expect("linked");
    is_shared(&project, &[&other, &project.root()], &project.root());
}

#[test]
fn a_bare_repository_keeps_it_inside_and_one_called_dot_git_beside() {
    let project = Project::git();
    for (name, place) in [("bare.git", "bare.git"), ("hidden/.git", "hidden")] {
        let bare = project.beside(name);
        project.git_in(&project.root(), &format!("clone --quiet --bare . {}", bare.display()));
        let first = worktree(&project, &bare, &format!("of-{place}"));
        is_shared(&project, &[&bare, &first], &project.beside(place));
    }
}

#[test]
fn a_submodule_keeps_its_own_in_its_worktree_and_its_worktrees_share_it() {
    let project = Project::git();
    let library = Project::git();
    let allow = "-c protocol.file.allow=always";
    project.git_in(&project.root(), &format!("{allow} submodule --quiet add {} 'the sub'", library.root().display()));
    project.git_in(&project.root(), "commit --quiet -m sub");
    let sub = project.root().join("the sub");
    let linked = worktree(&project, &sub, "of-sub");
    is_shared(&project, &[&linked, &sub, &project.root().join(".git/modules/the sub")], &sub);
    // Git moves the setting when worktrees get settings of their own.
    project.git_in(&sub, "config extensions.worktreeConfig true");
    let text = project.git_in(&sub, "config core.worktree");
    project.git_in(&sub, "config --unset core.worktree");
    project.git_in(&sub, &format!("config --worktree core.worktree '{}'", text.trim()));
    assert_eq!(project.call("init").dir(&linked).ok()["project"]["created"], false);
    // The repository around it is another project.
    assert_eq!(project.ok("init")["project"]["created"], true);
    assert_eq!(project.ok("tasks")["tasks"], serde_json::json!([]));
}

#[test]
fn a_worktree_whose_path_is_not_utf_8_is_found() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::none();
    let odd = project.beside("x").with_file_name(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::create_dir_all(&odd).expect("a new directory");
    project.git_in(&odd, "init --quiet .");
    project.git_in(&odd, "commit --quiet --allow-empty -m first");
    let linked = worktree(&project, &odd, "linked");
    project.call("init").dir(&linked).ok();
    assert!(odd.join(".oarlock/oarlock.db").exists() && !linked.join(".oarlock").exists());
}

#[test]
fn a_store_at_another_place_of_the_repository_is_named_and_not_doubled() {
    let project = Project::none();
    let apart = project.beside("apart");
    project.git_in(&project.root(), &format!("init --quiet --separate-git-dir {} .", apart.display()));
    // As an older program made it.
    let old = project.store();
    project.ok(&format!("init --store sqlite:{}", old.display()));
    project.ok(&format!("add t --store sqlite:{}", old.display()));
    let old = fs::canonicalize(&old).expect("it was made");
    for (line, exit, code) in [("init", 4, "state_conflict"), ("status", 3, "not_found"), ("add t", 3, "not_found")] {
        let error = project.fails(line, exit, code);
        let text = format!("{error}");
        assert!(text.contains(old.to_str().expect("UTF-8")) && text.contains("mv "), "{line}: {error}");
    }
    assert!(!apart.join(".oarlock").exists(), "none was made beside it");
    // As the hint says.
    let hint = project.fails("init", 4, "state_conflict")["hint"].as_str().expect("a text").to_owned();
    let command = hint.split("move it: ").nth(1).and_then(|rest| rest.split("; or").next()).expect("a command");
    assert!(project.shell(command).status.success(), "{command}");
    assert_eq!(project.ok("init")["project"]["created"], false);
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
    // One that lies there besides is named.
    project.ok(&format!("init --store sqlite:{}", old.display()));
    for line in ["init", "status"] {
        assert!(project.text(line).contains(old.to_str().expect("UTF-8")), "{line}");
    }
    assert_eq!(project.ok("status")["other_stores"][0].as_str(), old.to_str());
}
