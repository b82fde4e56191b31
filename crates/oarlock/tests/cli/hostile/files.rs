//! Links, pipes, devices and modes in a project's directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use oarlock_testkit::modes::open_to_others;

use crate::support::{Project, fifo};

#[test]
fn whatever_the_umask_is_nothing_of_a_store_is_for_others() {
    for umask in ["000", "022", "077"] {
        let project = Project::none();
        let script = format!(
            "umask {umask}; set -e
             oarlock init; oarlock join ada; oarlock add t --id T; oarlock reserve 'src/**' --as ada; oarlock claim T --as ada
             (oarlock events --follow --limit 20 --wait 5s >/dev/null &) ; oarlock send ada --text hello --as ada
             oarlock backup \"$PWD/copy.db\"; oarlock backup .oarlock/inside.db; oarlock backup - > /dev/null
             oarlock export --out \"$PWD/log.jsonl\"; oarlock restore \"$PWD/copy.db\"; oarlock restore - < copy.db
             oarlock access create --name bob --out \"$PWD/key\"
             oarlock add again --id A; oarlock work --as wil --once -- sh -c 'echo out; echo err >&2'; oarlock doctor --fix"
        );
        let output = project.shell(&script);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(open_to_others(&project.root()), Vec::<PathBuf>::new(), "umask {umask}");
        let state = project.home().join(".local/state/oarlock");
        assert_eq!(open_to_others(&state), Vec::<PathBuf>::new(), "umask {umask}");
    }
}

#[test]
fn a_directory_that_is_a_link_is_refused_with_what_to_use_instead() {
    let (project, other) = (Project::none(), Project::with(&["eve"]));
    let link = project.root().join(".oarlock");
    for (target, is_there) in [(other.root().join(".oarlock"), true), (PathBuf::from("nowhere"), false), (PathBuf::from("/dev/zero"), true)]
    {
        symlink(&target, &link).expect("linked");
        for line in
            ["status", "init", "add t", "doctor", "restore /dev/null", "backup b.db", "serve --bind 127.0.0.1:0", "run a.md -- true"]
        {
            let reply = project.call(line).run();
            assert!([2, 3, 65].contains(&reply.code), "{line}: {}{}", reply.stdout, reply.stderr);
            let said = reply.stderr.clone() + &reply.stdout;
            let is_told = said.contains("is a link to") && said.contains(&*target.to_string_lossy()) || line.starts_with("run ");
            assert!(is_told || said.contains("is not a directory"), "{line} at {}: {said}", target.display());
        }
        assert_eq!(target.exists(), is_there);
        fs::remove_file(&link).expect("a link");
    }
    assert_eq!(other.ok("status")["agents"]["active"], 1, "nothing was written there");
    // On purpose, it is named.
    let disk = project.beside("disk");
    fs::create_dir_all(&disk).expect("a directory");
    let store = format!("sqlite:{}", disk.join("oarlock.db").display());
    for line in ["init", "add t", "status"] {
        project.call(line).env("OARLOCK_STORE", &store).ok();
    }
}

#[test]
fn an_ignore_file_that_is_a_link_makes_nothing_where_it_leads() {
    let project = Project::none();
    fs::create_dir_all(project.root().join(".oarlock")).expect("a directory");
    let target = project.beside("made-by-init");
    symlink(&target, project.root().join(".oarlock/.gitignore")).expect("linked");
    let error = project.fails("init", 65, "data_damaged");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(".gitignore")), "{error}");
    assert!(!target.exists() && !project.store().exists());
}

#[test]
fn a_configuration_that_is_a_device_or_a_pipe_is_refused_by_every_command_and_hook() {
    let project = Project::with(&["ada"]);
    let file = project.root().join(".oarlock/config.toml");
    for what in ["/dev/zero", "/dev/stdin", "pipe"] {
        if what == "pipe" {
            fs::rename(fifo(&project, "pipe"), &file).expect("moved");
        } else {
            symlink(what, &file).expect("linked");
        }
        for line in ["status", "claim --as ada", "init", "setup claude --dry-run", "run a.md -- true"] {
            let reply = project.call(line).run();
            assert!(line.starts_with("setup") || line.starts_with("run") || reply.code == 65, "{what}: {line}: {}", reply.stderr);
        }
        let told = serde_json::json!({"hook_event_name": "PreToolUse", "cwd": project.root(), "session_id": "s",
            "tool_name": "Edit", "tool_input": {"file_path": "src/a.rs"}});
        let hook = project.call("hook claude PreToolUse").plain().input(told.to_string()).run();
        assert!(hook.code == 0 && hook.stdout.contains("deny") && hook.stdout.contains("config.toml"), "{what}: {}", hook.stdout);
        fs::remove_file(&file).expect("ours");
    }
    // A regular file of any mode is fine.
    for mode in [0o644, 0o666, 0o755, 0o400] {
        project.write(".oarlock/config.toml", "agents = 2\n");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("ours");
        project.ok("status");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    }
}

#[test]
fn a_project_starts_at_most_eight_workers_and_more_only_when_asked() {
    let project = Project::new();
    project.write(".oarlock/config.toml", "agents = 256\n");
    let steps: String = (0..12).map(|n| format!("{}. Create `src/m{n}/mod.rs` with part {n}\n", n + 1)).collect();
    project.write("many.md", format!("# TASK-7: Many\n\n## Approach\n{steps}"));
    for (flags, id, most) in [("", "A", 8), ("--agents 10", "B", 10)] {
        project.call(&format!("run many.md --id {id} {flags} -- true")).ok();
        let joined = project.ok("events --kind agent_joined --limit 1000")["events"].as_array().map_or(0, Vec::len);
        assert!((1..=most).contains(&joined), "{flags}: {joined}");
        assert!(id != "B" || joined > 0);
    }
}

#[test]
fn the_key_of_an_operator_does_not_reach_what_a_worker_runs() {
    let project = Project::new();
    project.ok("add t --id T");
    let key = project.beside("key");
    let shown = ["work", "--once", "--", "sh", "-c", "echo \"[$OARLOCK_KEY_FILE]\"; env | grep -c OARLOCK_KEY_FILE || true"];
    project.call_args(&shown).env("OARLOCK_KEY_FILE", &key).ok();
    assert_eq!(project.task("T")["result"].as_str().map(str::trim), Some("[]\n0"));
    project.write("two.md", crate::support::THREE_PARTS);
    project.call_args(&["run", "two.md", "--id", "R", "--", "sh", "-c", "echo \"[$OARLOCK_KEY_FILE]\""]).env("OARLOCK_KEY_FILE", &key).ok();
    let results = project.ok("tasks --parent R")["tasks"].clone();
    let results: Vec<&str> = results.as_array().expect("a list").iter().filter_map(|task| task["result"].as_str()).collect();
    assert!(!results.is_empty() && results.iter().all(|result| result.trim() == "[]"), "{results:?}");
}

#[test]
fn a_store_of_an_older_umask_is_closed_by_the_next_call() {
    let project = Project::with(&["ada"]);
    let opened = Command::new("chmod").args(["-R", "go+rwX"]).arg(project.root().join(".oarlock")).status().expect("it runs");
    assert!(opened.success());
    project.ok("status");
    let dir = project.root().join(".oarlock");
    assert_eq!(fs::metadata(&dir).expect("it is there").permissions().mode() & 0o777, 0o700);
    for name in ["oarlock.db", "oarlock.db-wal", "oarlock.db-shm", "board"] {
        assert_eq!(fs::metadata(dir.join(name)).expect(name).permissions().mode() & 0o777, 0o600, "{name}");
    }
}
