//! Planned writes: refused when another agent holds the path, and only then.

use super::{Session, refusal};
use crate::support::Project;
use serde_json::{Value, json};

/// A project in which bob holds `src/**` with a task, and one file with a reason.
fn held() -> Project {
    let project = Project::with(&["bob"]);
    project.ok("add 'new parser' --id T-7 --writes 'src/**'");
    project.ok("claim T-7 --reserve --as bob");
    project.ok("reserve docs/api.md --reason 'rewriting it' --ttl 2h --as bob");
    project
}

const PATCH: &str = "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-x\n+y\n*** End Patch\n";

#[test]
fn every_way_to_write_a_held_file_is_refused() {
    let project = held();
    let root = project.root();
    let at = |path: &str| root.join(path).display().to_string();
    let cases: Vec<(&str, &str, Value)> = vec![
        ("claude", "Edit", json!({"file_path": at("src/a.rs"), "old_string": "x", "new_string": "y", "replace_all": false})),
        ("claude", "Write", json!({"file_path": at("src/new.rs"), "content": "x"})),
        ("claude", "NotebookEdit", json!({"notebook_path": at("src/n.ipynb"), "cell_id": "1", "new_source": "x"})),
        ("claude", "Bash", json!({"command": "sed -i s/a/b/ src/a.rs", "description": "d"})),
        ("claude", "Bash", json!({"command": "cat > src/a.rs <<'EOF'\nx\nEOF\n"})),
        ("claude", "Bash", json!({"command": "rm -rf src"})),
        ("claude", "Bash", json!({"command": "git reset --hard"})),
        ("claude", "Bash", json!({"command": "git stash"})),
        ("claude", "Bash", json!({"command": "rm src/*.rs"})),
        ("claude", "Bash", json!({"command": "for f in src/*.rs; do sed -i s/a/b/ \"$f\"; done"})),
        ("claude", "Bash", json!({"command": "cp x \"docs/api.$ext\""})),
        ("claude", "Bash", json!({"command": "echo x > \"docs/$name\""})),
        ("claude", "Bash", json!({"command": "find src -name '*.rs' -exec sed -i s/a/b/ {} +"})),
        ("claude", "Bash", json!({"command": "find . -name '*.rs' -exec sed -i s/a/b/ {} +"})),
        ("claude", "Bash", json!({"command": "git ls-files src | xargs sed -i s/a/b/"})),
        ("claude", "Bash", json!({"command": "cargo fmt"})),
        ("claude", "Bash", json!({"command": "npx prettier --write src"})),
        ("claude", "Bash", json!({"command": "gcc main.c -o src/prog"})),
        ("claude", "Bash", json!({"command": "./generate --out=src/gen.rs"})),
        ("claude", "Bash", json!({"command": "echo x > \"$CLAUDE_PROJECT_DIR/src/a.rs\""})),
        ("claude", "Bash", json!({"command": "cd docs; rm \"$(git rev-parse --show-toplevel)/src/a.rs\""})),
        ("claude", "Bash", json!({"command": "python3 - <<'EOF'\np = 'src/a.rs'\nopen(p, 'w').write('x')\nEOF"})),
        ("claude", "Bash", json!({"command": "setsid flock /tmp/lock sh -c 'rm src/a.rs'"})),
        ("claude", "Bash", json!({"command": "git apply <<'EOF'\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@\n-x\n+y\nEOF"})),
        ("claude", "mcp__filesystem__move_file", json!({"source": at("src/a.rs"), "destination": at("b.rs")})),
        ("claude", "mcp__serena__replace_symbol_body", json!({"relative_path": "src/a.rs", "name_path": "f", "body": "x"})),
        ("claude", "str_replace_based_edit_tool", json!({"command": "insert", "path": at("src/a.rs"), "insert_line": 1})),
        ("claude", "Write", json!({"file_path": at("src/a\tb.rs"), "content": "x"})),
        ("claude", "Bash", json!({"command": "echo x > $'src/a\\nb.rs'"})),
        ("claude", "Bash", json!({"command": "rm 'src/a\tb'*.rs"})),
        ("claude", "Bash", json!({"command": "echo x > \"$PWD/src/a.rs\""})),
        ("claude", "Bash", json!({"command": "cd docs && echo x > $(pwd)/api.md"})),
        ("codex", "Bash", json!({"command": "D=${PWD}/src; cd /tmp; rm \"$D/a.rs\""})),
        ("gemini", "write_file", json!({"file_path": "src/a\nb.rs", "content": "x"})),
        ("opencode", "edit", json!({"filePath": at("src/a\tb.rs"), "oldString": "a", "newString": "b"})),
        ("cursor", "Write", json!({"file_path": at("src/{a}\\b.rs")})),
        ("codex", "apply_patch", json!({"command": PATCH})),
        ("codex", "Bash", json!({"command": format!("apply_patch <<'EOF'\n{PATCH}EOF\n")})),
        ("codex", "Bash", json!({"command": "echo x | tee docs/api.md"})),
        ("gemini", "write_file", json!({"file_path": "src/a.rs", "content": "x"})),
        ("gemini", "replace", json!({"file_path": at("src/a.rs"), "instruction": "x", "old_string": "a", "new_string": "b"})),
        ("gemini", "run_shell_command", json!({"command": "mv README.md src/a.rs"})),
        ("opencode", "edit", json!({"filePath": at("src/a.rs"), "oldString": "a", "newString": "b"})),
        ("opencode", "apply_patch", json!({"patchText": PATCH})),
        ("vscode", "replace_string_in_file", json!({"filePath": at("src/a.rs")})),
        ("cursor", "Write", json!({"file_path": at("src/a.rs")})),
    ];
    for (client, tool, input) in cases {
        let session = Session::new(&project, client, "0199-session-1");
        let why = session.refused(tool, input.clone());
        assert!(why.as_ref().is_some_and(|why| why.contains("held by bob")), "{client} {tool} {input}: {why:?}");
    }
    assert!(!project.ok("agents")["agents"].to_string().contains("claude-"), "asking makes nobody join");
}

#[test]
fn what_only_looks_like_it_is_not_refused() {
    let project = held();
    let session = Session::new(&project, "claude", "0199-session-1");
    for command in [
        "rm -rf */node_modules docs/*.orig; rm -f docs/guide.*",
        "cp x \"docs/guide.md.$(date +%s)\"; find docs -name '*.orig' -delete",
        "git checkout -b src; git stash list; git log -- src > log.txt",
        "cat src/a.rs | tee copy; grep -r x src > found; ls src/*",
        "tar xf a.tgz; cargo test 2>&1 | tail -5",
        "echo x > \"$PWD/lib/a\tb.rs\"; echo x > $'docs/\\tapi.md'",
        "cargo fmt --check; prettier --check src; gcc -o /tmp/a src/a.c; grep -o src/a.rs README.md",
        "find . -name node_modules -type d -prune -exec rm -rf {} +; bash tools/build.sh -c 'rm src/a.rs'",
        "git commit -m 'rm -rf src > src/a.rs'; python3 -c \"print(open('src/a.rs').read())\"",
    ] {
        assert_eq!(session.refused("Bash", json!({"command": command})), None, "{command}");
    }
}

#[test]
#[cfg(unix)]
fn of_a_link_that_is_removed_or_replaced_the_link_itself_is_meant() {
    let project = held();
    project.write("src/a.rs", "x");
    project.write("docs/api.md", "x");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, project.root().join(name)).expect("linked");
    link("src", "linked");
    link("docs/api.md", "api-link.md");
    link("../src/a.rs", "docs/a-link.rs");
    let session = Session::new(&project, "claude", "0199-session-1");
    for command in [
        "rm linked api-link.md",
        "rm -rf linked",
        "unlink api-link.md",
        "mv linked old",
        "git rm -f api-link.md",
        "sed -i s/a/b/ api-link.md",
        "mv new.md api-link.md",
        "ln -sfn lib linked",
        "cd docs && rm a-link.rs",
        "python3 -c \"import os; os.remove('linked')\"",
    ] {
        assert_eq!(session.refused("Bash", json!({"command": command})), None, "{command}");
    }
    for command in [
        "rm linked/a.rs",
        "rm -rf linked/",
        "mv linked/a.rs old",
        "mv new.rs linked",
        "sed -i s/a/b/ linked/a.rs",
        "sed -i --follow-symlinks s/a/b/ api-link.md",
        "echo x > api-link.md",
        "cp new.md api-link.md",
        "truncate -s 0 docs/a-link.rs",
        "ln -sf ../lib/b.rs linked",
    ] {
        let why = session.refused("Bash", json!({"command": command}));
        assert!(why.as_ref().is_some_and(|why| why.contains("held by bob")), "{command}: {why:?}");
    }
    // A path held under the link's own name is held.
    project.ok("reserve linked --as bob");
    let why = session.refused("Bash", json!({"command": "rm linked"}));
    assert!(why.as_ref().is_some_and(|why| why.contains("held by bob")), "{why:?}");
}

#[test]
fn a_refusal_names_holder_reason_time_and_what_to_do() {
    let project = held();
    let session = Session::new(&project, "claude", "s-1");
    let why = session.refused("Edit", json!({"file_path": "docs/api.md"})).expect("it is held");
    for part in
        ["docs/api.md is held by bob", "\"rewriting it\"", "another 1 h 59 min", "oarlock send bob", "oarlock reserve 'docs/api.md' --wait"]
    {
        assert!(why.contains(part), "{part} is not in: {why}");
    }
    let why = session.refused("Edit", json!({"file_path": "src/a.rs"})).expect("it is held");
    assert!(why.contains("for task T-7") && why.contains("src/**"), "{why}");
}

#[test]
fn what_is_free_passes_without_a_word() {
    let project = held();
    let session = Session::new(&project, "claude", "s-1");
    for (tool, input) in [
        ("Edit", json!({"file_path": "README.md"})),
        ("Read", json!({"file_path": "src/a.rs"})),
        ("Bash", json!({"command": "cargo test > /dev/null 2>&1"})),
        ("Bash", json!({"command": "cat src/a.rs; grep -r x src"})),
        ("Bash", json!({"command": "(cd src && ls); echo > a.rs; cd src | cat; echo > b.rs"})),
        ("Bash", json!({"command": "cp lib/x.rs .; rm -f *.log; git stash list"})),
        ("Write", json!({"file_path": "/tmp/outside-of-the-repository.txt"})),
        ("mcp__oarlock__claim", json!({})),
        ("SomethingNew", json!({"file_path": "src/a.rs"})),
    ] {
        assert_eq!(session.refused(tool, input.clone()), None, "{tool} {input}");
    }
    assert_eq!(session.hook("PreToolUse", json!({})), Value::Null, "an event without a tool");
}

#[test]
fn what_one_holds_oneself_passes_and_paths_are_seen_from_the_clients_directory() {
    let project = held();
    let session = Session::new(&project, "codex", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    project.ok(&format!("reserve lib/x.rs --as {}", session.agent()));
    assert_eq!(session.refused("apply_patch", json!({"command": "*** Begin Patch\n*** Delete File: lib/x.rs\n*** End Patch"})), None);
    project.write("src/deep/a.rs", "x");
    let told = json!({"cwd": project.root().join("src"), "tool_name": "Bash", "tool_input": {"command": "echo > deep/a.rs"}});
    assert!(refusal(&session.hook("PreToolUse", told)).is_some(), "deep/a.rs is src/deep/a.rs there");
    let other = Session::new(&project, "codex", "s-2");
    assert!(other.refused("Bash", json!({"command": "echo > lib/x.rs"})).is_some(), "another session of the same client is another agent");
}

#[test]
fn files_are_reserved_by_themselves_where_that_is_wanted() {
    let project = held();
    project.write(".oarlock/config.toml", "[hooks]\nreserve = true\n");
    let (one, two) = (Session::new(&project, "claude", "s-one"), Session::new(&project, "claude", "s-two"));
    assert_eq!(one.refused("Edit", json!({"file_path": "lib/[a].rs"})), None);
    assert_eq!(one.refused("Edit", json!({"file_path": "lib/[a].rs"})), None, "again");
    let why = two.refused("Edit", json!({"file_path": "lib/[a].rs"})).expect("it is reserved now");
    assert!(why.contains(&one.agent()) && why.contains("edited in Claude Code"), "{why}");
    assert_eq!(two.refused("Edit", json!({"file_path": "lib/a.rs"})), None, "the brackets are no pattern");
}

#[test]
fn a_failure_of_the_hook_never_blocks_and_is_logged() {
    let project = held();
    let session = Session::new(&project, "claude", "s-1");
    let edit = || json!({"tool_name": "Edit", "tool_input": {"file_path": "src/a.rs"}});
    project.write(".oarlock/config.toml", "lease_ttl = 3\n");
    let reply = session.raw("PreToolUse", edit());
    assert_eq!((reply.code, reply.stdout.as_str()), (0, ""), "{}", reply.stderr);
    assert!(reply.stderr.contains("config.toml: line 1"), "{}", reply.stderr);
    let logs = project.shell("cat \"$HOME\"/.local/state/oarlock/hooks/*/hook.log");
    let log = String::from_utf8_lossy(&logs.stdout).into_owned();
    assert!(log.contains("config.toml: line 1"), "{log}");
    // What cannot be read at all may have been strict.
    project.write(".oarlock/config.toml", "[hooks\nstrict = false");
    let reply = session.raw("PreToolUse", edit());
    assert!(reply.code == 0 && reply.stdout.contains("deny") && reply.stdout.contains("config.toml: line 1"), "{}", reply.stdout);
    assert_eq!(session.raw("PostToolUse", edit()).stdout, "", "only what is about to be written");
    project.write(".oarlock/config.toml", "");
    for input in ["", "{", "[]", "null", "{\"tool_name\": 3, \"tool_input\": [1]}", "\u{0}\u{1}"] {
        let reply = project.call("hook claude PreToolUse").plain().input(input).run();
        assert_eq!((reply.code, reply.stdout.as_str()), (0, ""), "{input:?}: {}", reply.stderr);
    }
    std::fs::write(project.store(), "this is no database".repeat(1_000)).expect("a file");
    let reply = session.raw("PreToolUse", edit());
    assert_eq!((reply.code, reply.stdout.as_str()), (0, ""), "{}", reply.stderr);
    project.write(".oarlock/config.toml", "[hooks]\nstrict = true\n");
    let reply = session.raw("PreToolUse", edit());
    assert!(reply.code == 0 && reply.stdout.contains("deny") && reply.stdout.contains("strict"), "{}", reply.stdout);
    assert_eq!(session.raw("PostToolUse", edit()).stdout, "", "only what is about to be written");
    assert!(project.call("hook claude PreToolUse").plain().input("{").run().stdout.contains("deny"), "nor what cannot be understood");
}

#[test]
fn no_setting_that_a_file_may_have_switches_the_guard_off() {
    let project = held();
    let session = Session::new(&project, "claude", "s-1");
    for key in ["lease_ttl", "reservation_ttl", "heartbeat_timeout", "lock_timeout", "busy", "retry_first"] {
        for (value, file) in [("1s", "src/a.rs"), ("30d", "src/a.rs"), ("30d", "src/b.rs")] {
            project.write(".oarlock/config.toml", format!("{key} = \"{value}\"\n"));
            assert!(session.refused("Edit", json!({"file_path": file})).is_some(), "{key} = {value}");
            assert!(project.call("heartbeat --as ada").run().code != 101, "{key} = {value}");
        }
    }
}

#[test]
fn a_mistake_on_the_command_line_never_looks_like_a_refusal() {
    let project = held();
    for line in [
        "hook",
        "hook claude",
        "hook nobody PreToolUse",
        "hook claude Nothing",
        "hook claude PreToolUse --bogus",
        "hook claude PreToolUse --ttl 3",
    ] {
        let reply = project.call(line).plain().input("{}").run();
        assert_eq!((reply.code, reply.stdout.as_str()), (1, ""), "{line}: {}", reply.stderr);
        assert!(!reply.stderr.is_empty(), "{line}");
    }
    for line in ["--as '!' hook claude PreToolUse", "hook claude PreToolUse --as '!'"] {
        let code = project.call(line).plain().input("{}").run().code;
        assert!(code == 1 || code == 0, "{line}: {code}");
    }
}

#[test]
fn what_a_repository_has_below_its_own_folder_is_not_written_to() {
    let project = held();
    let rc = project.home().join(".bashrc");
    std::fs::write(&rc, "mine\n").expect("a file");
    std::fs::create_dir(project.root().join(".oarlock/hooks")).expect("a folder");
    std::os::unix::fs::symlink(&rc, project.root().join(".oarlock/hooks/hook.log")).expect("a link");
    project.write(".oarlock/config.toml", "'x\"; touch evil; #' = 1\n");
    Session::new(&project, "claude", "s-1").raw("SessionStart", json!({"source": "startup"}));
    assert_eq!(std::fs::read_to_string(&rc).expect("a file"), "mine\n");
}

#[test]
fn elsewhere_the_hooks_of_a_user_are_silent() {
    let project = Project::none();
    let session = Session::new(&project, "claude", "s-1");
    for event in ["SessionStart", "PreToolUse", "PostToolUse", "Stop", "SessionEnd", "SubagentStart"] {
        assert_eq!(session.hook(event, json!({"tool_name": "Edit", "tool_input": {"file_path": "a"}})), Value::Null, "{event}");
    }
    assert!(!project.root().join(".oarlock").exists(), "and make nothing");
}

#[test]
fn git_refuses_to_commit_what_another_holds() {
    let project = Project::git();
    project.ok("init");
    project.ok("join bob");
    project.ok("setup git");
    project.ok("reserve 'src/**' --as bob");
    project.write("src/a.rs", "x");
    project.write("README.md", "x");
    let commit = |path: &str, more: &str| {
        let script = format!(
            "git add {path} && git -c user.name=t -c user.email=t@example.org commit -qm x {more}; code=$?; git reset -q; exit $code"
        );
        project.shell(&script)
    };
    assert!(commit("README.md", "").status.success());
    let refused = commit("src/a.rs", "");
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("src/a.rs is held by bob") && told.contains("--no-verify"), "{told}");
    assert!(
        project
            .shell("git add src/a.rs && OARLOCK_AGENT=bob git -c user.name=t -c user.email=t@example.org commit -qm bob")
            .status
            .success()
    );
    assert!(
        project
            .shell("OARLOCK_AGENT='bad name!' git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x")
            .status
            .success()
    );
    assert!(project.shell("git init -q --bare ../far && git remote add far ../far").status.success());
    let pushed = project.shell("git push -q far HEAD:main");
    assert!(pushed.status.success(), "it was committed by its holder: {}", String::from_utf8_lossy(&pushed.stderr));
    assert!(String::from_utf8_lossy(&pushed.stderr).contains("held by bob"), "who holds it is told");
    project.write("src/b.rs", "x");
    project.ok("unreserve --as bob");
    assert!(commit("src/b.rs", "").status.success(), "it is free now");
}

#[test]
fn in_a_linked_worktree_its_own_changes_may_be_thrown_away() {
    let project = Project::git();
    project.ok("init");
    project.ok("join bob");
    project.ok("reserve 'src/**' --as bob");
    let linked = project.beside("linked");
    project.git_in(&project.root(), &format!("worktree add --quiet {}", linked.display()));
    let session = Session::new(&project, "claude", "s-1");
    for command in ["git stash", "git reset --hard", "git checkout -- src/a.rs", "git clean -fd", "git restore ."] {
        let told = |dir: &std::path::Path| json!({"cwd": dir, "tool_name": "Bash", "tool_input": {"command": command}});
        assert!(refusal(&session.hook("PreToolUse", told(&linked))).is_none(), "{command} in the linked one");
        assert!(refusal(&session.hook("PreToolUse", told(&project.root()))).is_some(), "{command} where all work");
    }
    let writes = json!({"cwd": linked, "tool_name": "Bash", "tool_input": {"command": "git checkout main -- src/a.rs; echo > src/a.rs"}});
    let told = session.hook("PreToolUse", writes.clone());
    assert!(refusal(&told).is_none(), "in a worktree of its own an edit is only reported: {told:?}");
    let text = format!("{told:?}");
    assert!(text.contains("held by bob as src/**") && text.contains("oarlock send bob"), "{text}");
    assert!(!format!("{:?}", session.hook("PreToolUse", writes.clone())).contains("bob"), "and once");
    project.write(".oarlock/config.toml", "[reservations]\nconflict = \"refuse\"\n");
    assert!(refusal(&session.hook("PreToolUse", writes)).is_some(), "it is configured");
    let here = json!({"cwd": project.root(), "tool_name": "Bash", "tool_input": {"command": "echo > src/a.rs"}});
    project.write(".oarlock/config.toml", "[reservations]\nconflict = \"warn\"\n");
    assert!(refusal(&session.hook("PreToolUse", here.clone())).is_none(), "it is configured");
    project.write(".oarlock/config.toml", "");
    assert!(refusal(&session.hook("PreToolUse", here)).is_some(), "where all work");
}

#[test]
fn a_folder_is_all_that_is_below_it() {
    let project = held();
    project.ok("check src --as bob");
    project.ok("check src/ --as bob");
    project.fails("check src/", 4, "reservation_overlap");
    project.fails("check ./", 4, "reservation_overlap");
    project.ok("check lib/");
    let reply = project.fails("check docs/", 4, "reservation_overlap");
    assert_eq!(reply["details"]["overlaps"][0]["reason"], "rewriting it");
}

#[test]
fn an_input_with_a_byte_order_mark_is_read() {
    let project = held();
    let input = json!({"session_id": "s-1", "cwd": project.root(), "hook_event_name": "PreToolUse", "tool_name": "Edit",
        "tool_input": {"file_path": "src/a.rs"}});
    let reply = project.call("hook claude PreToolUse").plain().input(format!("\u{FEFF}{input}")).run();
    assert_eq!((reply.code, reply.stderr.as_str()), (0, ""), "{}", reply.stdout);
    let answer: Value = serde_json::from_str(&reply.stdout).expect("JSON");
    assert!(refusal(&answer).is_some_and(|why| why.contains("held by bob")), "{answer}");
}

#[test]
fn odd_names_are_reserved_for_whoever_writes_them() {
    let project = Project::with(&["bob"]);
    project.write(".oarlock/config.toml", "[hooks]\nreserve = true\n");
    let session = Session::new(&project, "claude", "0199-session-1");
    assert_eq!(session.refused("Write", json!({"file_path": "src/a\tb.rs", "content": "x"})), None);
    project.fails("check 'src/a\tb.rs' --as bob", 4, "reservation_overlap");
    project.ok("check 'src/ab.rs' --as bob");
}
