//! Setting up and taking back: the files are as they were, to the byte.

use crate::support::Project;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Files as people have them: comments, CRLF, odd indentation, hooks and servers of their own, no newline at the end.
const FOUND: &[(&str, &str)] = &[
    (".mcp.json", "{\"mcpServers\":{\"other\":{\"command\":\"x\",\"args\":[\"y\"]}}}"),
    (
        ".claude/settings.json",
        "{\r\n    \"hooks\": {\r\n        \"PreToolUse\": [ { \"matcher\": \"Bash\", \"hooks\": [ { \"type\": \"command\", \"command\": \"./x.sh\" } ] } ]\r\n    },\r\n    \"model\": \"opus\"\r\n}\r\n",
    ),
    ("CLAUDE.md", "# Mine"),
    ("AGENTS.md", "# Rules\r\n\r\nBe kind.\r\n"),
    (
        ".codex/config.toml",
        "model = \"x\"  # odd\n\n\n[mcp_servers.other]\ncommand=\"y\"\n[sandbox_workspace_write]\nwritable_roots = [ # mine\n   \"/tmp\" ]",
    ),
    (".codex/hooks.json", "{\"hooks\": {\"Stop\": []}}\n"),
    (".gemini/settings.json", "// c\n{\n   \"theme\": \"x\", \"context\": {\"fileName\": \"MINE.md\"}}"),
    (".cursor/hooks.json", "{\n\t\"version\": 1,\n\t\"hooks\": {\"stop\": [{\"command\": \"a\"}]}\n}\n"),
    (".cursor/mcp.json", "{\n      // none yet\n}\n"),
    (".vscode/mcp.json", "{ \"inputs\": [], \"servers\": { /* none */ } }"),
    ("opencode.jsonc", "{\n  // mine\n  \"mcp\": {\n    \"x\": {\"type\": \"local\", \"command\": [\"x\"]}, // last\n  },\n}\n"),
    (".git/hooks/pre-commit", "#!/usr/bin/env bash\nset -e\nexec make check\n"),
];

fn found() -> Project {
    let project = Project::git();
    project.ok("init");
    for (name, text) in FOUND {
        project.write(name, text);
    }
    let hook = project.root().join(".git/hooks/pre-commit");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("permissions");
    fs::set_permissions(project.root().join(".mcp.json"), fs::Permissions::from_mode(0o600)).expect("permissions");
    project
}

/// Every file and folder below `dir`, with permissions, but for Oarlock's own.
fn tree(dir: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.file_name() == ".oarlock" {
                continue;
            }
            let (path, meta) = (entry.path(), entry.metadata().expect("an entry"));
            let bytes = meta.is_file().then(|| fs::read(&path).expect("a file"));
            found.insert(path.strip_prefix(dir).expect("below").display().to_string(), (meta.permissions().mode(), bytes));
            if meta.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Two trees are the same, or the names of what differs are reported.
fn same(now: &BTreeMap<String, (u32, Option<Vec<u8>>)>, before: &BTreeMap<String, (u32, Option<Vec<u8>>)>, why: &str) {
    let names: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let differs = |name: &&&String| now.get(**name) != before.get(**name);
    let text = |entry: Option<&(u32, Option<Vec<u8>>)>| {
        entry.map(|(mode, bytes)| (*mode, String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()))
    };
    let told: Vec<_> = names.iter().filter(differs).map(|name| (name, text(now.get(*name)), text(before.get(*name)))).collect();
    assert!(told.is_empty(), "{why}: {told:#?}");
}

fn actions(reply: &Value) -> Vec<&str> {
    reply["changes"].as_array().expect("changes").iter().map(|change| change["action"].as_str().expect("a word")).collect()
}

#[test]
fn all_clients_are_set_up_and_taken_back_to_the_byte() {
    let project = found();
    let before = (tree(&project.root()), tree(&project.home()));
    let made = project.ok("setup all");
    assert!(actions(&made).iter().all(|action| matches!(*action, "edit" | "create")), "{made}");
    let after = tree(&project.root());
    for (file, words) in [
        (".mcp.json", "\"oarlock\""),
        (".claude/settings.json", "oarlock hook claude PreToolUse"),
        ("CLAUDE.md", "@AGENTS.md"),
        ("AGENTS.md", "oarlock claim --reserve"),
        (".codex/config.toml", "[mcp_servers.oarlock]"),
        (".codex/hooks.json", "oarlock hook codex PreToolUse"),
        (".gemini/settings.json", "oarlock hook gemini BeforeTool"),
        (".cursor/hooks.json", "oarlock hook cursor preToolUse"),
        (".vscode/mcp.json", "oarlock"),
        (".github/hooks/oarlock.json", "oarlock hook vscode PreToolUse"),
        ("opencode.jsonc", "\"oarlock\""),
        (".opencode/plugin/oarlock.js", "tool.execute.before"),
        (".git/hooks/pre-commit", "oarlock hook git pre-commit"),
        (".git/hooks/pre-push", "oarlock hook git pre-push"),
    ] {
        let text = after.get(file).and_then(|(_, bytes)| bytes.clone()).unwrap_or_default();
        let text = String::from_utf8(text).expect("text");
        assert!(text.contains(words), "{file}: {text}");
        if let Some((_, was)) = FOUND.iter().find(|(name, was)| *name == file && was.contains("\r\n")) {
            assert!(!text.replace("\r\n", "").contains('\n'), "{file} keeps its line ends, {was:?}");
        }
    }
    let codex = fs::read_to_string(project.root().join(".codex/config.toml")).expect("a file");
    assert!(codex.contains("[ # mine\n   \"../.oarlock\",\n   \"/tmp\" ]"), "the store can be written from a sandbox: {codex}");
    let of_this_machine = |text: &str| text.contains(&project.root().display().to_string());
    assert!(!after.values().any(|(_, bytes)| bytes.as_ref().is_some_and(|bytes| of_this_machine(&String::from_utf8_lossy(bytes)))));
    let again = project.ok("setup all");
    assert!(actions(&again).iter().all(|action| *action == "unchanged"), "twice is once: {again}");
    same(&tree(&project.root()), &after, "twice is once");
    project.ok("setup all --remove");
    same(&tree(&project.root()), &before.0, "the repository");
    same(&tree(&project.home()), &before.1, "the home");
    project.ok("setup all --remove");
    same(&tree(&project.root()), &before.0, "nothing is left to take back");
}

#[test]
fn one_after_the_other_in_any_order() {
    let clients = ["claude", "codex", "gemini", "opencode", "cursor", "vscode", "git"];
    let project = found();
    let before = tree(&project.root());
    for client in clients {
        project.ok(&format!("setup {client}"));
    }
    for (at, client) in clients.iter().enumerate() {
        project.ok(&format!("setup {client} --remove"));
        let agents = fs::read_to_string(project.root().join("AGENTS.md")).expect("a file");
        let is_needed = at < 5;
        assert_eq!(agents.contains("oarlock"), is_needed, "the block stays for the others, after {client}");
    }
    same(&tree(&project.root()), &before, "the repository");
}

#[test]
fn an_empty_repository_is_empty_again() {
    let project = Project::git();
    let before = (tree(&project.root()), tree(&project.home()));
    let made = project.ok("setup all");
    assert!(made["notes"].to_string().contains("oarlock init"), "{made}");
    assert!(!project.root().join("CLAUDE.md").exists(), "only where there is one");
    project.ok("setup all --remove");
    same(&tree(&project.root()), &before.0, "the repository");
    same(&tree(&project.home()), &before.1, "the home");
}

#[test]
fn of_the_user_for_all_repositories() {
    let project = Project::git();
    fs::create_dir_all(project.home().join(".claude")).expect("a folder");
    fs::write(project.home().join(".claude.json"), "{\"projects\": {}, \"mcpServers\": {}}").expect("a file");
    let before = (tree(&project.root()), tree(&project.home()));
    project.ok("setup all --scope user");
    let after = tree(&project.home());
    for file in [".claude.json", ".claude/settings.json", ".codex/hooks.json", ".gemini/settings.json", "config/opencode/plugin/oarlock.js"]
    {
        assert!(after.contains_key(file), "{file}: {:?}", after.keys());
    }
    same(&tree(&project.root()), &before.0, "nothing of the repository");
    project.ok("setup all --scope user --remove");
    same(&tree(&project.root()), &before.0, "the repository");
    same(&tree(&project.home()), &before.1, "the home");
    project.fails("setup git --scope user", 2, "invalid_request");
}

#[test]
fn what_people_change_in_between_stays() {
    let project = found();
    project.ok("setup all");
    let edit = |name: &str, from: &str, to: &str| {
        let path = project.root().join(name);
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{name}: {text}");
        fs::write(&path, text.replacen(from, to, 1)).expect("a file");
    };
    edit(".mcp.json", "\"other\"", "\"another\"");
    edit("AGENTS.md", "Be kind.", "Be kind and brief.");
    edit(".codex/config.toml", "model = \"x\"", "model = \"y\"");
    // Ours itself, too.
    edit(".claude/settings.json", "\"timeout\": 30", "\"timeout\": 60");
    project.ok("setup all --remove");
    let text = |name: &str| fs::read_to_string(project.root().join(name)).expect("a file");
    assert_eq!(text(".mcp.json"), FOUND[0].1.replace("other", "another"));
    assert_eq!(text("AGENTS.md"), FOUND[3].1.replace("kind.", "kind and brief."));
    assert_eq!(text(".codex/config.toml"), FOUND[4].1.replace("\"x\"", "\"y\""));
    let claude = text(".claude/settings.json");
    assert!(!claude.contains("oarlock") && claude.contains("./x.sh") && claude.contains("opus"), "{claude}");
}

#[test]
fn what_people_write_beside_ours_is_left_whole() {
    let project = Project::git();
    project.write(".codex/config.toml", "[sandbox_workspace_write]\nwritable_roots = []\n");
    project.write(".cursor/mcp.json", "{\"mcpServers\": {\n}}\n");
    project.ok("init");
    project.ok("setup codex cursor claude");
    let edit = |name: &str, from: &str, to: &str| {
        let path = project.root().join(name);
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{name}: {text}");
        fs::write(&path, text.replacen(from, to, 1)).expect("a file");
    };
    edit(".codex/config.toml", ".oarlock\"]", ".oarlock\", \"/data\"]");
    edit(".cursor/mcp.json", "\n}}", ",\n\"x\": {}\n}}");
    edit(".claude/settings.json", "oarlock hook claude Stop\",", "oarlock hook claude Stop\",\"x\": 1,");
    edit(
        ".claude/settings.json",
        "\"Stop\": [\n      {\n        \"hooks\": [",
        "\"Stop\": [\n      {\n        \"hooks\": [{\"type\": \"command\", \"command\": \"notify-me\"},",
    );
    project.ok("setup codex cursor claude --remove");
    let text = |name: &str| fs::read_to_string(project.root().join(name)).unwrap_or_default();
    assert!(text(".codex/config.toml").contains("[\"/data\"]"), "{}", text(".codex/config.toml"));
    let cursor: Value = serde_json::from_str(&text(".cursor/mcp.json")).expect("JSON");
    assert!(cursor["mcpServers"]["x"].is_object() && !cursor.to_string().contains("oarlock"), "{cursor}");
    let claude: Value = serde_json::from_str(&text(".claude/settings.json")).expect("JSON");
    assert!(claude.to_string().contains("notify-me") && !claude.to_string().contains("oarlock"), "{claude}");
}

#[test]
fn links_and_read_only_files_are_respected() {
    let project = Project::git();
    let at = |name: &str| project.root().join(name);
    project.write("AGENTS.md", "# Rules\n");
    std::os::unix::fs::symlink("AGENTS.md", at("CLAUDE.md")).expect("a link");
    project.ok("setup claude codex");
    project.ok("setup claude --remove");
    assert!(fs::read_to_string(at("AGENTS.md")).expect("a file").contains("oarlock"), "Codex reads it still");
    project.ok("setup codex --remove");
    assert_eq!(fs::read_to_string(at("CLAUDE.md")).expect("a file"), "# Rules\n");
    assert!(at("CLAUDE.md").is_symlink());
    fs::remove_file(at("AGENTS.md")).expect("a file");
    std::os::unix::fs::symlink("nowhere.md", at("AGENTS.md")).expect("a link");
    project.fails("setup codex", 65, "data_damaged");
    fs::remove_file(at("AGENTS.md")).expect("a link");
    fs::remove_file(at("CLAUDE.md")).expect("a link");
    project.write(".mcp.json", "{}");
    fs::set_permissions(at(".mcp.json"), fs::Permissions::from_mode(0o444)).expect("permissions");
    let error = project.fails("setup claude", 7, "store_unavailable");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("read-only")), "{error}");
    assert!(!at(".claude").exists(), "nothing was changed");
}

#[test]
fn somebodys_own_server_of_that_name_stays() {
    let project = Project::git();
    let own = "{\"mcpServers\":{\"oarlock\":{\"command\":\"mine\",\"args\":[\"mcp\"]}}}";
    project.write(".mcp.json", own);
    project.ok("setup claude");
    project.ok("setup claude --remove");
    assert_eq!(fs::read_to_string(project.root().join(".mcp.json")).expect("a file"), own);
}

#[test]
fn a_script_of_git_is_told_what_it_was_told_before() {
    let project = Project::git();
    project.ok("init");
    let hook = project.write(".git/hooks/pre-push", "#!/bin/sh\nset -e\ncat > ../seen\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("permissions");
    project.ok("setup git");
    let pushed = project.shell("git init -q --bare ../far && git push -q ../far HEAD:main");
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    assert!(fs::read_to_string(project.beside("seen")).expect("a file").contains("refs/heads/main"));
    assert!(project.shell("git push -q ../far HEAD:main").status.success());
    assert_eq!(fs::read_to_string(project.beside("seen")).expect("a file"), "", "nothing is pushed");
}

#[test]
fn a_hook_that_git_passes_over_is_told_and_left_as_it_is() {
    let project = Project::git();
    let hook = project.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    let mode = || fs::metadata(&hook).expect("a file").permissions().mode() & 0o777;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("permissions");
    let told = |reply: &Value| {
        let notes = reply["notes"].as_array().expect("notes").iter().filter_map(Value::as_str);
        notes.filter(|note| note.contains("not executable")).map(str::to_owned).collect::<Vec<_>>()
    };
    for line in ["setup git --dry-run", "setup git", "setup git"] {
        let notes = told(&project.ok(line));
        assert!(notes.len() == 1 && notes[0].contains("hooks/pre-commit"), "{line}: {notes:?}, and not of the hook that is new");
        assert_eq!(mode(), 0o644, "{line}");
    }
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("permissions");
    assert_eq!(told(&project.ok("setup git")), [""; 0]);
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("permissions");
    assert_eq!(told(&project.ok("setup git --remove")), [""; 0], "it is as it was");
    assert_eq!(fs::read_to_string(&hook).expect("a file"), "#!/bin/sh\nexit 0\n");
}

#[test]
fn another_machine_takes_back_what_it_sees() {
    let project = found();
    project.ok("setup all");
    let elsewhere = project.beside("elsewhere");
    project.call("setup all --remove").env("XDG_STATE_HOME", &elsewhere).ok();
    for (name, (_, bytes)) in tree(&project.root()) {
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        assert!(name.starts_with(".git/") && !name.contains("hooks/pre-") || !text.contains("oarlock"), "{name}: {text}");
    }
    for name in [".opencode/plugin/oarlock.js", ".github/hooks/oarlock.json", ".git/hooks/pre-push"] {
        assert!(!project.root().join(name).exists(), "{name}");
    }
    assert!(fs::read_to_string(project.root().join(".mcp.json")).expect("a file").contains("other"));
}

#[test]
fn a_dry_run_shows_all_and_changes_nothing() {
    let project = found();
    let before = (tree(&project.root()), tree(&project.home()));
    let told = project.ok("setup claude --dry-run");
    let diff = told["changes"].as_array().expect("changes").iter().find_map(|change| change["diff"].as_str()).expect("a diff");
    assert!(diff.contains("+++") && diff.contains("oarlock"), "{diff}");
    let text = project.text("setup claude --dry-run");
    assert!(text.contains("+@AGENTS.md"), "{text}");
    same(&tree(&project.root()), &before.0, "the repository");
    same(&tree(&project.home()), &before.1, "the home");
}

#[test]
fn a_file_that_cannot_be_edited_is_told_and_nothing_is_changed() {
    for (name, text, client, place) in [
        (".claude/settings.json", "{\n  \"hooks\": [\n}", "claude", "line 3"),
        (".mcp.json", "{\"mcpServers\": 3}", "claude", "line 1, column 16"),
        (".codex/config.toml", "a = 1\nmcp_servers = true\n", "codex", "line 2"),
        (".git/hooks/pre-commit", "#!/usr/bin/env python3\n", "git", "not a shell script"),
        (".opencode/plugin/oarlock.js", "// mine\n", "opencode", "something else"),
    ] {
        let project = found();
        project.write(name, text);
        let before = tree(&project.root());
        let error = project.fails(&format!("setup all {client}"), 65, "data_damaged");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(name) && message.contains(place), "{message}");
        same(&tree(&project.root()), &before, name);
    }
    let project = found();
    fs::write(project.root().join("AGENTS.md"), b"\xff\xfe").expect("a file");
    project.fails("setup codex", 65, "data_damaged");
    project.fails("setup nobody", 2, "invalid_request");
    project.fails("setup", 2, "usage");
}

#[test]
fn ten_at_once_are_one() {
    let project = found();
    let before = tree(&project.root());
    let running: Vec<_> = (0..10).map(|_| project.start("setup all")).collect();
    for one in running {
        let output = one.output();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let after = tree(&project.root());
    project.ok("setup all");
    same(&tree(&project.root()), &after, "each of them wrote the same");
    project.ok("setup all --remove");
    same(&tree(&project.root()), &before, "the repository");
}

#[test]
fn what_people_write_into_ours_is_theirs() {
    for has_journal in [true, false] {
        let project = Project::git();
        project.write("AGENTS.md", "# Rules\n");
        project.ok("init");
        project.ok("setup codex git");
        let edit = |name: &str, from: &str, to: &str| {
            let path = project.root().join(name);
            let text = fs::read_to_string(&path).expect("a file");
            assert!(text.contains(from), "{name}: {text}");
            fs::write(&path, text.replacen(from, to, 1)).expect("a file");
        };
        edit(".codex/config.toml", ".oarlock\"]\n", ".oarlock\"]\nnetwork_access = true\n");
        edit(".git/hooks/pre-commit", "# oarlock:end", "my-lint || exit 1\n# oarlock:end");
        edit("AGENTS.md", "<!-- oarlock:end -->", "Ask Eve first.\n<!-- oarlock:end -->");
        if !has_journal {
            fs::remove_file(project.home().join(".local/state/oarlock/setup.json")).expect("a journal");
        }
        project.ok("setup codex git --remove");
        let text = |name: &str| fs::read_to_string(project.root().join(name)).unwrap_or_default();
        assert_eq!(text(".codex/config.toml").trim(), "[sandbox_workspace_write]\nnetwork_access = true");
        assert_eq!(text(".git/hooks/pre-commit"), "#!/bin/sh\nmy-lint || exit 1\n");
        assert_eq!(text("AGENTS.md"), "# Rules\n\nAsk Eve first.\n");
    }
}

#[test]
fn what_was_there_before_a_set_up_stays_until_it_is_meant() {
    let project = Project::git();
    project.ok("init");
    project.ok("setup all");
    // As in a clone of another machine: the files are there, and nothing is remembered.
    fs::remove_file(project.home().join(".local/state/oarlock/setup.json")).expect("a journal");
    let path = project.root().join(".codex/config.toml");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains("[\"../.oarlock\"]"), "{text}");
    fs::write(&path, text.replace("../.oarlock", "/elsewhere/.oarlock")).expect("a file");
    let before = tree(&project.root());
    project.ok("setup all");
    let notes = project.ok("setup all --remove")["notes"].to_string();
    same(&tree(&project.root()), &before, "as it was");
    assert!(notes.contains(".mcp.json had this before it was set up here"), "{notes}");
    project.ok("setup all --remove");
    let left: Vec<String> = tree(&project.root()).into_keys().filter(|file| !file.starts_with(".oarlock")).collect();
    let said: Vec<&String> =
        left.iter().filter(|file| fs::read_to_string(project.root().join(file)).is_ok_and(|text| text.contains("oarlock"))).collect();
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn what_is_no_file_is_refused_and_a_failure_leaves_nothing() {
    let project = Project::git();
    project.ok("init");
    let before = tree(&project.root());
    let pipe = crate::support::fifo(&project, "pipe");
    std::os::unix::fs::symlink(pipe, project.root().join(".mcp.json")).expect("a link");
    let error = project.fails("setup claude", 65, "data_damaged");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("is not a file")), "{error}");
    fs::remove_file(project.root().join(".mcp.json")).expect("ours");
    // A directory that cannot be made: the others were made before it.
    std::os::unix::fs::symlink("no/where", project.root().join(".vscode")).expect("a link");
    project.fails("setup all", 7, "store_unavailable");
    let dirs = ["claude", "codex", "cursor", "gemini", "opencode", "github"].map(|dir| project.root().join(format!(".{dir}")));
    assert!(dirs.iter().all(|dir| !dir.exists()), "{:?}", tree(&project.root()).keys());
    fs::remove_file(project.root().join(".vscode")).expect("ours");
    same(&tree(&project.root()), &before, "nothing is left");
}

#[test]
fn what_a_killed_set_up_left_half_written_is_swept_away() {
    let project = Project::git();
    project.ok("init");
    let before = tree(&project.root());
    project.write(".oarlock-setup-Ab12.tmp", "half");
    project.ok("setup claude");
    let of_journal = project.home().join(".local/state/oarlock/.oarlock-setup-Cd34.tmp");
    fs::write(&of_journal, "half").expect("a file");
    project.write(".oarlock-setup-mine.txt", "whole");
    project.ok("setup claude");
    assert!(!of_journal.exists());
    project.ok("setup claude --remove");
    assert!(project.root().join(".oarlock-setup-mine.txt").exists());
    fs::remove_file(project.root().join(".oarlock-setup-mine.txt")).expect("ours");
    same(&tree(&project.root()), &before, "swept");
}

#[test]
fn a_server_of_that_name_that_is_somebody_elses_is_told() {
    let project = Project::git();
    project.ok("init");
    let (json, toml) = ("{\"mcpServers\": {\"oarlock\": {\"command\": \"rowing\"}}}\n", "[mcp_servers.oarlock]\ncommand = \"rowing\"\n");
    project.write(".mcp.json", json);
    project.write(".codex/config.toml", toml);
    let notes = project.ok("setup claude codex")["notes"].to_string();
    assert!(notes.contains(".mcp.json has a server") && notes.contains(".codex/config.toml has a server"), "{notes}");
    project.ok("setup claude codex --remove");
    let text = |name: &str| fs::read_to_string(project.root().join(name)).unwrap_or_default();
    assert_eq!((text(".mcp.json").as_str(), text(".codex/config.toml").as_str()), (json, toml));
}

#[test]
fn what_people_had_themselves_is_theirs() {
    let project = Project::git();
    project.ok("init");
    let own = [
        (".claude/settings.json", "{\"permissions\": {\"allow\": [\"Bash(oarlock status:*)\", \"Bash(ls)\"]}}\n"),
        (".mcp.json", "{\"mcpServers\": {\"oarlock\": {\"command\": \"/opt/oarlock\", \"args\": [\"mcp\"]}}, \"x\": 1}\n"),
        (".git/hooks/pre-commit", "#!/bin/sh -e\n"),
        (".git/hooks/pre-push", "make check\n"),
    ];
    own.iter().for_each(|(file, text)| drop(project.write(file, text)));
    let before = tree(&project.root());
    project.ok("setup claude git");
    project.ok("setup claude git --remove");
    same(&tree(&project.root()), &before, "as it was");
    // Also a file with nothing in it but a comment, whose lines were ended otherwise in between.
    project.write(".mcp.json", "{\"mcpServers\": { // see the wiki\n}}\n");
    project.ok("setup claude git");
    for file in [".mcp.json", ".git/hooks/pre-commit"] {
        let path = project.root().join(file);
        let text = fs::read_to_string(&path).expect("a file");
        fs::write(&path, text.replace("oarlock_said=0", "oarlock_said=0 # mine").replace('\n', "\r\n")).expect("a file");
    }
    project.ok("setup claude git --remove");
    assert!(fs::read_to_string(project.root().join(".mcp.json")).is_ok_and(|text| text.contains("// see the wiki")));
    assert!(fs::read_to_string(project.root().join(".git/hooks/pre-commit")).is_ok_and(|text| text.starts_with("#!/bin/sh -e")));
}
