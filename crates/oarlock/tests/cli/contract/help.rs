//! `help`, and messages about flags that a verb does not have.

use crate::support::Project;

#[test]
fn help_prints_what_the_flag_prints() {
    let nowhere = Project::none();
    for (line, same) in [
        ("help", "--help"),
        ("help claim", "claim --help"),
        ("help ralf", "ralf --help"),
        ("help help", "help --help"),
        ("help init", "init --help"),
    ] {
        assert_eq!(nowhere.text(line), nowhere.text(same), "{line}");
    }
    assert!(nowhere.text("help").lines().any(|line| line.trim().starts_with("help ")), "it lists itself");
    assert!(nowhere.text("help claim").contains("Usage: oarlock claim"));
    assert!(nowhere.ok("help claim")["text"].as_str().is_some_and(|text| text.contains("--wait")));
    nowhere.fails("help nonsense", 2, "usage");
    nowhere.fails("help claim nonsense", 2, "usage");
}

#[test]
fn a_flag_of_another_verb_is_named_as_such() {
    let nowhere = Project::none();
    for (line, flag, verb) in [
        ("note T-1 --text hello", "--text", "send"),
        ("ack M-1 --wait=3s", "--wait", "inbox"),
        ("tasks --follow", "--follow", "events"),
        ("ready --fix", "--fix", "doctor"),
    ] {
        let error = nowhere.fails(line, 2, "usage");
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(hint.starts_with(&format!("{flag} is a flag of ")) && hint.contains(verb), "{line}: {hint}");
        assert!(!hint.contains("-- --") && hint.contains("usage here: oarlock "), "{line}: {hint}");
    }
    // Nobody has it: what clap advises stays.
    let error = nowhere.fails("note T-1 --nobody-has-this", 2, "usage");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("-- --nobody-has-this")), "{error}");
    // Of the former names only the new ones are flags.
    let error = nowhere.fails("note T-1 --stale-after 3s", 2, "usage");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("join") && hint.contains("work")), "{error}");
}
