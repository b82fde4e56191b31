//! `mcp`: the server that a coding agent starts for itself, over standard input and output.

use clap::Args;
use oarlock_client::IfMissing;
use oarlock_model::{ErrorCode, Rejection};
use oarlock_ops::OpError;
use oarlock_server::{At, Starter, serve_client};

use super::common::Common;

/// Serve the Model Context Protocol on standard input and output, for the client that starts it.
#[derive(Clone, Debug, Args)]
pub(crate) struct McpArgs {}

impl McpArgs {
    pub(crate) fn run(self, common: &Common) -> Result<u8, OpError> {
        serve_client(Starter { name: common.name.clone(), session: common.session.clone(), at: at(common)? })?;
        Ok(0)
    }
}

/// Where its calls are made.
fn at(common: &Common) -> Result<At, OpError> {
    if let Some(client) = common.gateway()? {
        return Ok(At::Gateway(client));
    }
    match common.target(IfMissing::Refused) {
        Ok(target) => {
            let settings = target.settings()?;
            Ok(At::Store { options: common.options(&settings), target, settings })
        }
        Err(error) if common.store.is_none() && error.code() == ErrorCode::NotFound => {
            let message = format!("{error}: make one with `oarlock init`, and restart this server");
            Ok(At::Nowhere(Rejection::Missing { message, hint: error.hint() }.into()))
        }
        Err(error) => Err(error),
    }
}
