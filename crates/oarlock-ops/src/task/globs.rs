//! The write set of a task in requests: a list in JSON, and words with commas on a command line.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use oarlock_model::ident::shown;
use oarlock_model::pattern::{Pattern, listed};
use oarlock_model::pattern_wire::asked;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The write set that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WriteSet {
    /// Its write set: patterns of paths it will change, comma separated
    #[serde(default, rename = "writes", skip_serializing_if = "Option::is_none", deserialize_with = "asked::list_or_none")]
    pub patterns: Option<Vec<Pattern>>,
}

const WRITES: &str = "writes";

/// By hand: the usual delimiter would cut `src/{a,b}.rs` at its comma, so that nobody learns what to write instead.
impl Args for WriteSet {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new(WRITES)
                .long(WRITES)
                .value_name("GLOBS")
                .help("Its write set: patterns of paths it will change, comma separated")
                .action(ArgAction::Append)
                .value_parser(ValueParser::from(globs)),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for WriteSet {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let lists = matches.get_many::<Vec<Pattern>>(WRITES);
        Ok(Self { patterns: lists.map(|lists| lists.flatten().cloned().collect()) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Patterns in one word, with commas between. A comma in braces ends none.
fn globs(text: &str) -> Result<Vec<Pattern>, String> {
    let items = listed(text);
    let is_alone = items.len() == 1;
    let read = |item: &str| {
        Pattern::parse(item).map_err(|error| match is_alone {
            true => error.to_string(),
            false => format!("`{}`: {error}", shown(item)),
        })
    };
    items.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_with_braces_is_refused_whole() {
        let of = |text: &str| globs(text).map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of("src/a.rs,docs/"), Ok(vec!["src/a.rs".to_owned(), "docs/**".to_owned()]));
        assert_eq!(of("src/[{],[a,b]"), Ok(vec!["src/[{]".to_owned(), "[a,b]".to_owned()]));
        let refused = of("docs,src/{a,b}.rs").expect_err("braces");
        assert!(refused.starts_with("`src/{a,b}.rs`: ") && refused.ends_with("`src/a.rs`, `src/b.rs`"), "{refused}");
        assert!(of("a,").is_err() && of("").is_err());
    }
}
