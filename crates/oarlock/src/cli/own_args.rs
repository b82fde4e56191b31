//! Arguments of the verbs that are about the command line itself.

use clap::Args;
use std::path::PathBuf;

/// Print the help of oarlock or of one verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct HelpArgs {
    /// The verb; without it all verbs are listed
    #[arg(value_name = "VERB")]
    pub(crate) verb: Option<String>,
}

/// Print a completion script for a shell. It completes verbs, flags, task ids and agent names.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub(crate) shell: String,
}

/// Print a manual page, of oarlock or of one verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArgs {
    /// The verb; without it the page of the program
    #[arg(value_name = "VERB")]
    pub(crate) verb: Option<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub(crate) out: Option<PathBuf>,
}
