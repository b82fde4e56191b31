//! `access`: keys for other agents and machines. They are made beside the store, by whoever may open it.

use clap::{Args, Subcommand};
use oarlock_model::duration::Duration;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use serde_json::json;
use std::path::PathBuf;

use super::args::Common;
use super::exec::{Absent, Where, options};
use super::output::Output;
use crate::gateway::{self, AccessList, Role, Wanted};

/// Makes, lists and revokes the keys by which others may use the gateway.
#[derive(Clone, Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Make a key; it is shown once, only its hash is kept
    Create {
        /// Whom it speaks for
        #[arg(long, value_name = "NAME")]
        name: AgentName,
        /// What its bearer may do: its own work, or everything
        #[arg(long, value_enum, default_value = "agent")]
        role: Role,
        /// Only these verbs, comma separated
        #[arg(long, value_name = "VERBS", value_delimiter = ',')]
        verbs: Vec<String>,
        /// It ends after so long
        #[arg(long = "for", value_name = "D")]
        lifetime: Option<Duration>,
        /// Write the key to this file, for its owner only, and do not show it
        #[arg(long, value_name = "F")]
        out: Option<PathBuf>,
    },
    /// List the keys
    List,
    /// Revoke keys, by id or by name, and those that were made by them
    Revoke {
        /// The id of a key, or the name it speaks for
        key: String,
    },
}

impl AccessArgs {
    pub(crate) fn run(self, common: &Common, output: &Output) -> Result<u8, OpError> {
        let target = Where::find(common, Absent::Refused)?;
        let settings = target.settings()?;
        drop(target.open(options(common, &settings))?);
        let list = AccessList::beside(target.place().file());
        match self.what {
            What::Create { name, role, verbs, lifetime, out } => {
                if let Some(out) = &out
                    && out.exists()
                {
                    return Err(oarlock_ops::admin::file_exists(out));
                }
                let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
                let (access, key) = list.create(&gateway::own(), Wanted { name, role, verbs, lifetime }, now_ms)?;
                let mut reply = json!({"access": access});
                match out {
                    Some(out) => {
                        gateway::write_key(&out, &key)?;
                        reply["key_file"] = json!(out.display().to_string());
                    }
                    None => reply["key"] = json!(key.reveal()),
                }
                Ok(output.reply("access", &reply))
            }
            What::List => Ok(output.reply("access", &json!({"access": list.list()?}))),
            What::Revoke { key } => {
                if key.starts_with("oarlock_") {
                    return Err(Rejection::invalid(
                        "a key does not belong on a command line",
                        "name it by its id or by the agent: `oarlock access list`",
                    )
                    .into());
                }
                Ok(output.reply("access", &json!({"revoked": list.revoke(&key)?})))
            }
        }
    }
}
