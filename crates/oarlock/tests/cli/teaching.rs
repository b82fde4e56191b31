//! The loop that agents are taught: the same everywhere, and it works.

use expect_test::expect_file;
use oarlock_ops::teaching::{self, Speech};
use std::path::Path;

use crate::support::{Project, workspace};

/// `UPDATE_EXPECT=1` writes the block; the loop in the other files is pasted by hand.
#[test]
fn the_copies_in_the_repository_are_those_of_the_program() {
    expect_file!["../../../oarlock-integrations/assets/block.md"].assert_eq(&teaching::agents_block());
    let text = |file: &Path| std::fs::read_to_string(file).expect("a file of the repository");
    for file in ["docs/clients.md", "integrations/claude/skills/oarlock/SKILL.md"] {
        let file = workspace().join(file);
        assert!(text(&file).contains(&teaching::the_loop(Speech::Commands)), "{} teaches another loop", file.display());
    }
}

#[test]
fn the_program_says_it_in_prime_in_its_help_and_in_the_block() {
    let project = Project::with(&["ada"]);
    let the_loop = teaching::the_loop(Speech::Commands);
    let prime = project.ok("prime --as ada")["text"].as_str().expect("a text").to_owned();
    assert!(prime.ends_with(&the_loop) && prime.len() <= 3_000, "{prime}");
    // The help is broken into lines of a hundred characters.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&project.text("--help")).contains(&words(&the_loop)));
    assert!(teaching::agents_block().ends_with(&the_loop));
}

#[test]
fn its_commands_work_in_their_order() {
    let project = Project::with(&["ada", "bob"]);
    for title in ["one", "two", "three"] {
        project.ok(&format!("add {title} --writes src/{title}.rs"));
    }
    let the_loop = teaching::the_loop(Speech::Commands);
    let mut taught = 0;
    let mut run = |command: &str, with: &[(&str, &str)]| {
        assert!(the_loop.contains(&format!("`{command}`")), "{command} is taught: {the_loop}");
        taught += 1;
        let line = with.iter().fold(command.to_owned(), |line, (name, value)| line.replace(name, value));
        project.ok(&format!("{} --as ada", line.trim_start_matches("oarlock ")))
    };
    run("oarlock claim --reserve --wait 10m --or-message", &[]);
    assert_eq!(run("oarlock renew", &[])["leases"][0]["task"], "T-1");
    run("oarlock reserve 'GLOB' --task ID", &[("'GLOB'", "tests/**"), ("ID", "T-1")]);
    let next = run("oarlock done ID --result TEXT --claim --reserve", &[("ID", "T-1"), ("TEXT", "fine")]);
    assert_eq!(next["claimed"]["task"]["id"], "T-2");
    assert_eq!(project.ok("reservations")["reservations"].as_array().map(Vec::len), Some(1), "what was tied to T-1 ended with it");
    run("release ID", &[("ID", "T-2")]);
    run("oarlock claim --reserve --wait 10m --or-message", &[]);
    run("fail ID --reason TEXT", &[("ID", "T-2"), ("TEXT", "broken")]);
    project.ok("send ada --text hello --as bob");
    let id = run("oarlock inbox", &[])["messages"][0]["id"].as_str().expect("an id").to_owned();
    run("send NAME --text TEXT", &[("NAME", "bob"), ("TEXT", "hello")]);
    run("ack ID", &[("ID", id.as_str())]);
    run("oarlock claim --reserve --wait 10m --or-message", &[]);
    run("oarlock split ID", &[("ID", "T-3")]);
    let commands = the_loop.split('`').skip(1).step_by(2).filter(|command| !command.starts_with("git "));
    assert_eq!(commands.count() + 2, taught, "every command of it is played, the claim three times");
}
