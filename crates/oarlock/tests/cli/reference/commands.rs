//! Every verb with its flags and an example.

use clap::{Arg, ArgAction};
use oarlock::cli::verbs::{self, Verb};
use oarlock_ops::caller::Identity;
use oarlock_ops::registry::{self, Group};
use std::fmt::Write as _;

use super::markdown::{code, sentence, table};

pub(super) fn page() -> String {
    let mut text = String::from(
        "# Commands\n\nEvery verb of `oarlock` with its arguments and an example. `oarlock help VERB` prints the same. \
         The fields of requests and replies are in [JSON](json.md), exit codes in [errors](errors.md).\n\n",
    );
    for group in Group::ALL {
        let names: Vec<String> = verbs::of(group).map(|verb| format!("[{0}](#oarlock-{0})", verb.name)).collect();
        let _ = writeln!(text, "- {}: {}", group.title(), names.join(", "));
    }
    let _ =
        writeln!(text, "\n## Flags of every verb\n\nThey may come before or after the verb.\n\n{}", flags(verbs::common_flags().iter()));
    for group in Group::ALL {
        let _ = writeln!(text, "## {}\n", group.title());
        verbs::of(group).for_each(|verb| text.push_str(&section(&verb)));
    }
    text
}

fn section(verb: &Verb) -> String {
    let mut command = verb.command().bin_name(format!("oarlock {}", verb.name));
    let usage = command.render_usage().to_string().trim_start_matches("Usage: ").to_owned();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("### oarlock {}\n\n{}\n\n```text\n{usage}\n```\n\n", verb.name, sentence(&about));
    let shown: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_id() != "help").collect();
    if !shown.is_empty() {
        let _ = writeln!(text, "{}", flags(shown.into_iter()));
    }
    let _ = writeln!(text, "Example: `{}`\n", verb.example_line());
    if let Some(entry) = registry::find(verb.name) {
        let caller = match entry.identity {
            Identity::Needed => "needs to know the caller",
            Identity::Optional => "works with and without a caller's name",
            Identity::Made => "makes its caller known",
        };
        let changes = if entry.mutates { "may change the store" } else { "changes nothing" };
        let _ = writeln!(text, "It {changes} and {caller}. Fields: [{0}](json.md#{0}).\n", verb.name);
    }
    text
}

fn flags<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    table(
        ["argument", "meaning"],
        args.map(|arg| {
            let values = arg.get_value_names().map(|names| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "));
            let name = match (arg.get_short(), arg.get_long()) {
                (None, None) => values.unwrap_or_else(|| arg.get_id().to_string().to_uppercase()),
                (short, long) => {
                    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
                    let short = short.map(|short| format!("-{short}"));
                    let names: Vec<String> = short.into_iter().chain(long.map(|long| format!("--{long}"))).collect();
                    names.join(", ") + &values.filter(|_| takes).map(|values| format!(" {values}")).unwrap_or_default()
                }
            };
            let mut meaning = sentence(&arg.get_help().map(ToString::to_string).unwrap_or_default());
            let default: Vec<String> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
            let is_switch = matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count);
            if !default.is_empty() && !is_switch {
                let _ = write!(meaning, " Default: `{}`.", default.join(" "));
            }
            let choices = if is_switch { Vec::new() } else { arg.get_possible_values() };
            let choices: Vec<String> = choices
                .iter()
                .filter(|choice| !choice.is_hide_set())
                .map(|choice| match choice.get_help() {
                    Some(help) => format!("`{}` ({help})", choice.get_name()),
                    None => code(choice.get_name()),
                })
                .collect();
            if !choices.is_empty() {
                let _ = write!(meaning, " Values: {}.", choices.join(", "));
            }
            [code(name), meaning]
        }),
    )
}
