//! `access`: keys for other agents and machines. They are kept with the files of this user, for each store apart, and made by whoever may open it, or by the
//! gateway for an operator, or for an agent that wants narrower ones for its helpers.

use clap::Args;
use oarlock_client::Absent;
use oarlock_client::gateway::{Key, write_key};
use oarlock_model::duration::Duration;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use oarlock_server::{Deed, about_former_keys, answer_here};
use serde_json::{Value, json};
use std::path::PathBuf;

use super::common::Common;
use super::output::{Output, note};

/// Makes, lists and revokes the keys by which others may use the gateway.
#[derive(Clone, Debug, Args)]
pub(crate) struct AccessArgs {
    /// What to do
    #[arg(value_enum)]
    deed: Deed,
    /// revoke: the id of a key, or the name that it speaks for
    #[arg(value_name = "ID|NAME")]
    id: Option<String>,
    /// create: whom it speaks for
    #[arg(long, value_name = "NAME")]
    name: Option<AgentName>,
    /// create: what its bearer may do, its own work or, as an operator, everything
    #[arg(long, value_parser = ["agent", "operator"], default_value = "agent")]
    role: String,
    /// create: only these verbs, comma separated
    #[arg(long, value_name = "VERBS", value_delimiter = ',')]
    verbs: Vec<String>,
    /// create: it ends after so long
    #[arg(long = "for", value_name = "D")]
    lifetime: Option<Duration>,
    /// create: write the key to this file, for its owner only, and do not show it
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

impl AccessArgs {
    pub(crate) fn run(self, common: &Common, output: &Output) -> Result<u8, OpError> {
        let (deed, out) = (self.deed, self.out.clone());
        if let Some(out) = out.as_ref().filter(|out| out.exists()) {
            return Err(oarlock_ops::admin::file_exists(out));
        }
        let request = self.request()?;
        let mut reply = match common.gateway()? {
            Some(client) => client.post(deed.path(), request)?,
            None => {
                let target = common.target(Absent::Refused)?;
                let settings = target.settings()?;
                let identity = target.open(common.options(&settings))?.identity().id();
                let file = target.place().file();
                if let Some(about) = about_former_keys(file).filter(|_| !output.json) {
                    note(&about);
                }
                answer_here(file, identity, deed, request)?
            }
        };
        if let (Some(out), Some(key)) = (out, reply["key"].as_str().and_then(Key::parse)) {
            write_key(&out, &key)?;
            reply.as_object_mut().map(|reply| reply.remove("key"));
            reply["key_file"] = json!(out.display().to_string());
        }
        Ok(output.reply("access", &Reply::new(reply)))
    }

    fn request(self) -> Result<Value, OpError> {
        let usage = |message: &str, hint: &str| OpError::Usage { message: message.into(), hint: hint.into() };
        match (self.deed, self.id, self.name) {
            (Deed::Create, None, Some(name)) => {
                let mut request = json!({"name": name, "role": self.role, "verbs": self.verbs});
                if let Some(lifetime) = self.lifetime {
                    request["for"] = json!(lifetime);
                }
                Ok(request)
            }
            (Deed::Create, ..) => Err(usage("a new key needs a name", "oarlock access create --name NAME")),
            (Deed::List, None, None) => Ok(json!({})),
            (Deed::List, ..) => Err(usage("a list of keys needs nothing more", "oarlock access list")),
            (Deed::Revoke, Some(id), None) if id.starts_with("oarlock_") => {
                let hint = "name it by its id or by the agent: `oarlock access list`";
                Err(Rejection::invalid("a key does not belong on a command line", hint).into())
            }
            (Deed::Revoke, Some(id), None) => Ok(json!({ "id": id })),
            (Deed::Revoke, ..) => Err(usage("which key is to be revoked is not said", "oarlock access revoke ID|NAME")),
        }
    }
}
