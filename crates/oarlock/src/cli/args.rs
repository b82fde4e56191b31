//! The command line's shape: common flags, the registry's verbs, and the verbs that need this machine.

use clap::Command;
use oarlock_ops::OpError;
use oarlock_ops::teaching::{self, Speech};
use std::ffi::OsString;

use super::common::flags;
use super::help::{self, Length};
use super::verbs::{self, Verb};

/// The whole command. Only the verbs that stand in `argv` get their arguments: a one-shot command
/// spends its time on its own, and building fifty verbs would cost more than claiming a task.
pub(crate) fn command(argv: &[OsString]) -> Command {
    let is_given = |word: &str| argv.iter().skip(1).any(|arg| arg == word);
    let subcommand = |verb: Verb| {
        let command = Command::new(verb.name).about(verb.about);
        if is_given(verb.name) { (verb.arguments)(command).args(flags()).after_help(help::example(&verb)) } else { command }
    };
    let length = if is_given("-h") { Length::Short } else { Length::Long };
    // The texts of the whole program's help are made only where it may be asked for.
    let (template, the_loop) = match is_given("--help") || is_given("-h") || is_given("help") {
        true => (help::template(length), format!("The loop of an agent:\n{}", teaching::the_loop(Speech::Commands))),
        false => (String::new(), String::new()),
    };
    let command = Command::new("oarlock")
        .about("Let many coding agents work in one repository without getting in each other's way")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .args(flags())
        .after_help(the_loop)
        .subcommands(verbs::all().map(subcommand));
    if template.is_empty() { command } else { command.help_template(template) }
}

/// The text that `--help` prints, for a verb or for the program.
///
/// # Errors
/// `usage` for another word.
pub(crate) fn help_text(verb: Option<&str>) -> Result<String, OpError> {
    let line: Vec<OsString> = ["oarlock"].into_iter().chain(verb).chain(["--help"]).map(OsString::from).collect();
    match command(&line).try_get_matches_from(&line) {
        Err(help) if help.kind() == clap::error::ErrorKind::DisplayHelp => Ok(help.render().to_string()),
        _ => Err(no_verb(verb.unwrap_or_default())),
    }
}

/// The error for a word that is not a verb.
pub(crate) fn no_verb(word: &str) -> OpError {
    let message = format!("there is no command {}", oarlock_model::ident::shown(word));
    OpError::Usage { message, hint: "`oarlock help` lists them".into() }
}

/// A line with every verb, for a [`command`] with the arguments of all of them.
pub(crate) fn every_verb() -> Vec<OsString> {
    std::iter::once("oarlock").chain(verbs::all().map(|verb| verb.name)).map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_parses() {
        for verb in verbs::all() {
            let line = std::iter::once("oarlock").chain([verb.name]).chain(verb.example.iter().copied());
            let line: Vec<OsString> = line.map(Into::into).collect();
            let parsed = command(&line).try_get_matches_from(&line);
            assert!(parsed.is_ok(), "{}: {}", verb.example_line(), parsed.expect_err("it failed"));
        }
    }

    #[test]
    fn every_verb_is_well_formed() {
        let verbs: Vec<String> = command(&[]).get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        assert!(verbs.len() > 40, "{verbs:?}");
        for verb in verbs {
            let argv = ["oarlock".into(), verb.clone().into(), "--help".into()];
            let error = command(&argv).try_get_matches_from(&argv).expect_err("help ends the parse");
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{verb}");
        }
    }

    #[test]
    fn short_help_fits_a_screen_and_names_every_verb() {
        let help = |flag: &str| {
            let line: Vec<OsString> = ["oarlock", flag].map(Into::into).into();
            command(&line).try_get_matches_from(&line).expect_err("help ends the parse").render().to_string()
        };
        let (short, long) = (help("-h"), help("--help"));
        assert!(short.lines().count() <= 60 && short.lines().all(|line| line.chars().count() <= 100), "{short}");
        for verb in verbs::all() {
            let line = format!("  {:13} {}", verb.name, verb.about);
            assert!(long.lines().any(|shown| shown == line), "{} in\n{long}", verb.name);
            assert_eq!(short.lines().any(|shown| shown == line), verb.is_everyday, "{} in\n{short}", verb.name);
            assert!(short.split([' ', ',', '\n']).any(|word| word == verb.name), "{} in\n{short}", verb.name);
        }
        assert!(!short.contains("--idempotency-key") && long.contains("--idempotency-key"), "{short}");
    }
}
