//! `access`: keys for other agents and machines. They are kept with this user's own files, one list for each store. A caller that may open the store
//! makes them itself. A gateway makes them for an operator, and narrower ones for an agent that has helpers.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use oarlock_client::IfMissing;
use oarlock_client::gateway::{AccessReply, AccessRequest, CreatedKey, Key, NewKey, RevokedKeys, write_key};
use oarlock_model::duration::Duration;
use oarlock_model::rules::authority::Authority;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use oarlock_server::{about_former_keys, answer_here};
use std::path::PathBuf;

use super::common::Common;
use super::output::{Output, note};
use crate::replies::KeptKey;

/// Create, list and revoke access keys of the gateway.
#[derive(Clone, Debug, Args)]
pub(crate) struct AccessArgs {
    /// The action
    #[arg(value_enum)]
    action: Action,
    /// revoke: the id of a key, or the name that it speaks for
    #[arg(value_name = "ID|NAME")]
    id: Option<String>,
    /// create: the agent that it speaks for
    #[arg(long, value_name = "NAME")]
    name: Option<AgentName>,
    /// create: agent for its own work only, operator for everything
    #[arg(long, value_name = "ROLE", value_parser = role(), default_value = "agent")]
    role: Authority,
    /// create: only these verbs, comma separated
    #[arg(long, value_name = "VERBS", value_delimiter = ',')]
    verbs: Vec<String>,
    /// create: the key expires after D
    #[arg(long = "for", value_name = "D")]
    lifetime: Option<Duration>,
    /// create: write the key to this file, readable by its owner only, and do not print it
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Create a key; it is shown once, and only its hash is stored
    Create,
    /// List the keys
    List,
    /// Revoke keys, by id or by name, and the keys that were made by them
    Revoke,
}

fn role() -> impl TypedValueParser<Value = Authority> {
    let of = |word: String| Authority::ALL.into_iter().find(|role| role.as_str() == word);
    PossibleValuesParser::new(Authority::ALL.map(Authority::as_str)).try_map(move |word| of(word).ok_or("no such role"))
}

impl AccessArgs {
    pub(crate) fn run(self, common: &Common, output: &Output) -> Result<u8, OpError> {
        let out = self.out.clone();
        if let Some(out) = out.as_ref().filter(|out| out.exists()) {
            return Err(oarlock_ops::admin::file_exists(out));
        }
        let request = self.request()?;
        let reply = match common.gateway()? {
            Some(client) => client.access(&request)?,
            None => {
                let target = common.target(IfMissing::Refused)?;
                let settings = target.settings()?;
                let identity = target.open(common.options(&settings))?.identity().id();
                let file = target.place().file();
                if let Some(about) = about_former_keys(file).filter(|_| !output.json) {
                    note(&about);
                }
                answer_here(file, identity, request)?
            }
        };
        let reply = match (reply, out) {
            (AccessReply::Created(CreatedKey { access, key }), Some(out)) => {
                let secret = Key::parse(&key).ok_or_else(|| OpError::Internal("the new access key cannot be read".into()))?;
                write_key(&out, &secret)?;
                Reply::new(KeptKey { access, key_file: out.display().to_string() })
            }
            (reply, _) => Reply::new(reply),
        };
        Ok(output.reply("access", &reply))
    }

    fn request(self) -> Result<AccessRequest, OpError> {
        let usage = |message: &str, hint: &str| OpError::Usage { message: message.into(), hint: hint.into() };
        match (self.action, self.id, self.name) {
            (Action::Create, None, Some(name)) => {
                Ok(AccessRequest::Create(NewKey { name, role: self.role, verbs: self.verbs, lifetime: self.lifetime }))
            }
            (Action::Create, ..) => Err(usage("a new key needs a name", "oarlock access create --name NAME")),
            (Action::List, None, None) => Ok(AccessRequest::List),
            (Action::List, ..) => Err(usage("a list of keys needs nothing more", "oarlock access list")),
            (Action::Revoke, Some(id), None) if id.starts_with("oarlock_") => {
                let hint = "name it by its id or by the agent: `oarlock access list`";
                Err(Rejection::invalid("a key does not belong on a command line", hint).into())
            }
            (Action::Revoke, Some(id), None) => Ok(AccessRequest::Revoke(RevokedKeys { id })),
            (Action::Revoke, ..) => Err(usage("which key is to be revoked is not said", "oarlock access revoke ID|NAME")),
        }
    }
}
