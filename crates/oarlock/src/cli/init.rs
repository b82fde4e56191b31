//! `init`: makes the project.

use clap::Args;
use oarlock_client::{Made, Options, StoreTarget, make};
use oarlock_model::Label;
use oarlock_ops::OpError;

/// Create the project of this repository, or of this directory outside of a repository. Running it again changes nothing.
#[derive(Clone, Debug, Args)]
pub(crate) struct Init {
    /// Prefix of generated task ids
    #[arg(long, value_name = "T")]
    prefix: Option<Label>,
    /// Use the store that came with the repository, and trust its tasks and messages
    #[arg(long)]
    accept: bool,
}

impl Init {
    pub(crate) fn run(&self, target: &StoreTarget, options: Options) -> Result<Made, OpError> {
        make(target, self.prefix.as_ref(), self.accept, options)
    }
}
