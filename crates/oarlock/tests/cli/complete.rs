//! Completions of shells while a line is typed, and the pages of the manual.

use crate::support::Project;

/// The words that a shell is offered for the last one of this line.
fn offered(project: &Project, line: &str) -> Vec<String> {
    let script = format!("OARLOCK_COMPLETE=fish oarlock -- {line}");
    let output = project.shell(&script);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{line}: {}: {stderr}", output.status);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn ids_of_tasks_and_names_of_agents_are_offered() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add 'write the parser' --id P-1");
    project.ok("add 'write its tests' --id P-2");
    project.ok("add 'old' --id OLD-1");
    project.claim("OLD-1", "ada");
    project.ok("done OLD-1 --as ada");
    assert_eq!(offered(&project, "oarlock done P-"), ["P-1", "P-2"]);
    assert_eq!(offered(&project, "oarlock depend P-2 --on P-1"), ["P-1"]);
    assert_eq!(offered(&project, "oarlock send a"), ["ada"]);
    assert_eq!(offered(&project, "oarlock claim --as b"), ["bob"]);
    // Finished tasks are offered where nothing else can be meant.
    assert_eq!(offered(&project, "oarlock task O"), ["OLD-1"]);
    assert!(offered(&project, "oarlock rel").contains(&"release".to_owned()));
    assert!(offered(&project, "oarlock claim --res").contains(&"--reserve".to_owned()));
    assert_eq!(offered(&project, &format!("oarlock --store sqlite:{} done P-1", project.store().display())), ["P-1"]);
}

#[test]
fn where_no_store_can_be_asked_nothing_is_offered_and_nothing_made() {
    let nowhere = Project::none();
    assert_eq!(offered(&nowhere, "oarlock done T"), Vec::<String>::new());
    assert_eq!(offered(&nowhere, "oarlock --store sqlite:made.db done T"), Vec::<String>::new());
    assert_eq!(offered(&nowhere, "oarlock --store http://127.0.0.1:1 send a"), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(nowhere.root()).expect("a folder").count(), 0);
    let damaged = Project::new();
    std::fs::write(damaged.store(), "no store").expect("a file");
    assert_eq!(offered(&damaged, "oarlock done T"), Vec::<String>::new());
}

#[test]
fn the_script_for_bash_completes_in_bash() {
    let project = Project::new();
    project.ok("add 'write the parser' --id P-1");
    let script = "eval \"$(oarlock completions bash)\"
        COMP_WORDS=(oarlock done P) COMP_CWORD=2 COMP_TYPE=9
        $(complete -p oarlock | sed 's/.*-F \\([^ ]*\\).*/\\1/') oarlock P done
        echo \"${COMPREPLY[@]}\"";
    let output = project.shell(script);
    let said = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!((said.0.trim(), said.1.as_str()), ("P-1", ""));
}

#[test]
fn pages_of_the_manual_are_printed_or_written() {
    let nowhere = Project::none();
    assert!(nowhere.text("man claim").contains("oarlock\\-claim"));
    nowhere.fails("man fly", 2, "usage");
    nowhere.fails("completions tcsh", 2, "invalid_request");
    nowhere.text("man --out pages");
    assert!(nowhere.root().join("pages/oarlock-done.1").is_file());
}
