//! Links in a repository that a set-up would write through.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::Project;

/// A repository, and a home with files of its user's own.
fn repository() -> (Project, Vec<(PathBuf, &'static str)>) {
    let project = Project::git();
    let own = [(".bashrc", "export A=1\n"), (".claude/settings.json", "{}"), ("notes.md", "# Mine\n"), (".gitconfig", "[user]\n")];
    let own = own.map(|(name, text)| {
        let file = project.home().join(name);
        fs::create_dir_all(file.parent().expect("below home")).expect("a directory");
        fs::write(&file, text).expect("a file");
        (file, text)
    });
    (project, own.to_vec())
}

#[test]
fn a_link_out_of_the_repository_is_named_and_no_file_is_changed() {
    for (client, link, target) in [
        ("claude", ".claude", "home/.claude"),
        ("claude", ".claude/settings.json", "home/.claude/settings.json"),
        ("claude", ".mcp.json", "home/.claude/settings.json"),
        ("claude", "AGENTS.md", "home/notes.md"),
        ("claude", "AGENTS.md", "home/.bashrc"),
        ("claude", "CLAUDE.md", "home/notes.md"),
        ("codex", ".codex", "home/.claude"),
        ("gemini", ".gemini/settings.json", "home/not-there.json"),
        ("cursor", ".cursor", "home/not-there"),
        ("vscode", ".vscode", "home/.claude"),
        ("vscode", ".github", "home/.claude"),
        ("opencode", ".opencode", "home/.claude"),
        ("codex", "AGENTS.md", "root/.git/hooks/pre-commit"),
    ] {
        let (project, own) = repository();
        let (at, leads_to) = (project.root().join(link), project.beside(target));
        fs::create_dir_all(at.parent().expect("below the root")).expect("a directory");
        symlink(&leads_to, &at).expect("linked");
        let before = project.shell("find \"$HOME\" . -path ./.git/objects -prune -o -print | sort");
        for flags in ["", "--dry-run", "--remove"] {
            let error = project.fails(&format!("setup {client} {flags}"), 9, "denied");
            let said = error["message"].as_str().expect("a text");
            assert!(said.contains(at.to_str().expect("UTF-8")) && said.contains(leads_to.to_str().expect("UTF-8")), "{said}");
        }
        let after = project.shell("find \"$HOME\" . -path ./.git/objects -prune -o -print | sort");
        assert_eq!(String::from_utf8_lossy(&before.stdout), String::from_utf8_lossy(&after.stdout), "{client}: {link}");
        for (file, text) in own {
            assert_eq!(fs::read_to_string(&file).expect("it is there"), text, "{}", file.display());
        }
    }
}

#[test]
fn hooks_of_git_that_are_links_out_are_refused_where_a_repository_could_have_brought_them() {
    let (project, own) = repository();
    project.git_in(&project.root(), "config core.hooksPath .githooks");
    fs::create_dir_all(project.root().join(".githooks")).expect("a directory");
    symlink(&own[0].0, project.root().join(".githooks/pre-commit")).expect("linked");
    project.fails("setup git", 9, "denied");
    assert_eq!(fs::read_to_string(&own[0].0).expect("it is there"), own[0].1);
    // Nothing in git's own directory comes with a clone.
    project.git_in(&project.root(), "config --unset core.hooksPath");
    project.ok("setup git");
    project.ok("setup git --remove");
}

#[test]
fn links_inside_of_the_repository_and_a_users_own_are_followed() {
    let (project, own) = repository();
    project.write("docs/AGENTS.md", "# Rules\n");
    symlink("docs/AGENTS.md", project.root().join("AGENTS.md")).expect("linked");
    symlink("AGENTS.md", project.root().join("CLAUDE.md")).expect("linked");
    fs::create_dir_all(project.root().join("config/claude")).expect("a directory");
    symlink("config/claude", project.root().join(".claude")).expect("linked");
    project.ok("setup claude codex");
    assert!(fs::read_to_string(project.root().join("docs/AGENTS.md")).expect("it is there").contains("oarlock"));
    assert!(project.root().join("config/claude/settings.json").exists());
    project.ok("setup claude codex --remove");
    assert_eq!(fs::read_to_string(project.root().join("docs/AGENTS.md")).expect("it is there"), "# Rules\n");
    // As programs for dotfiles have it.
    let dotfiles = project.beside("dotfiles");
    fs::create_dir_all(&dotfiles).expect("a directory");
    fs::rename(&own[1].0, dotfiles.join("settings.json")).expect("moved");
    symlink(dotfiles.join("settings.json"), &own[1].0).expect("linked");
    project.ok("setup claude --scope user");
    assert!(fs::read_to_string(dotfiles.join("settings.json")).expect("it is there").contains("oarlock"));
    project.ok("setup claude --scope user --remove");
    assert_eq!(fs::read_to_string(dotfiles.join("settings.json")).expect("it is there"), "{}");
}
