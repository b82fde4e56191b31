//! The help of the whole program: verbs by group. Short help has a line for each everyday verb and names the others.

use oarlock_ops::registry::Group;
use std::fmt::Write as _;

use super::verbs::{self, Verb};

/// How much a help text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// One screen of at most 60 lines, for `-h`.
    Short,
    /// All verbs and flags, for `--help`.
    Long,
}

/// A help template for clap. It has no braces besides those of clap's own tags.
pub(crate) fn template(length: Length) -> String {
    let mut text = String::from("{about}\n\n{usage-heading} {usage}\n");
    for group in Group::ALL {
        let (shown, named): (Vec<Verb>, Vec<Verb>) = verbs::of(group).partition(|verb| verb.is_everyday || length == Length::Long);
        let gap = if length == Length::Long || group == Group::Project { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{}:", group.title());
        for verb in shown {
            let _ = writeln!(text, "  {:13} {}", verb.name, verb.about);
        }
        if !named.is_empty() {
            let names: Vec<&str> = named.iter().map(|verb| verb.name).collect();
            let _ = writeln!(text, "  also: {}", names.join(", "));
        }
    }
    text.push_str(match length {
        Length::Short => {
            "\nFlags of every verb: --as NAME, --json, -q, --store URL and others.\n\
             `oarlock help VERB` explains a verb, with an example. `oarlock --help` lists all verbs and flags.\n"
        }
        Length::Long => "\nOptions:\n{options}{after-help}",
    });
    text
}

/// The end of a verb's own help.
pub(crate) fn example(verb: &Verb) -> String {
    format!("Example:\n  {}", verb.example_line())
}
