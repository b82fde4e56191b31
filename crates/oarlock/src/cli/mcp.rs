//! `mcp`: the server that a coding agent starts for itself, over standard input and output.

use clap::Args;
use oarlock_host::process::ProcessId;
use oarlock_model::ErrorCode;
use oarlock_model::agent::Owner;
use oarlock_model::{Rejection, limits};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use rmcp::ServiceExt;
use rmcp::transport::async_rw::AsyncRwTransport;
use std::sync::Arc;
use tokio::sync::watch;

use super::args::Common;
use super::exec::{Absent, Where, options};
use crate::gateway::{Client, Engine};
use crate::hooks::memory::Memory;
use crate::mcp::{Backend, Peer, Server, Sessions, Watched, lines};

/// Serves the Model Context Protocol on standard input and output, for the client that starts it.
#[derive(Clone, Debug, Args)]
pub(crate) struct McpArgs {}

impl McpArgs {
    pub(crate) fn run(self, common: &Common) -> Result<u8, OpError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| OpError::Internal(format!("no runtime: {error}")))?;
        let served = runtime.block_on(serve(common));
        // A reader of standard input cannot be interrupted: it is not waited for.
        runtime.shutdown_background();
        served
    }
}

async fn serve(common: &Common) -> Result<u8, OpError> {
    let (gone, stopping) = watch::channel(false);
    let me = ProcessId::current().map_err(unidentified)?;
    let process = me.to_text();
    let mut project = None;
    let (backend, owner) = match Client::named(common.store_text(), common.busy)? {
        Some(client) => (Backend::Gateway(Arc::new(client)), Owner::Process { process }),
        None => {
            let owner = Owner::Lock { process, grace_ms: limits::OWNER_GRACE_MS };
            match Where::find(common, Absent::Refused) {
                Ok(target) => {
                    project = target.project().cloned();
                    let settings = target.settings()?;
                    // Opened once before, so that a store that is not there is told as for every other command.
                    drop(target.open(options(common, &settings))?);
                    let engine = Engine::start(target.place(), &options(common, &settings), settings, stopping, Some(1))?;
                    (Backend::Engine(engine), owner)
                }
                Err(error) if common.store.is_none() && error.code() == ErrorCode::NotFound => {
                    let message = format!("{error}: make one with `oarlock init`, and start this server anew");
                    (Backend::Absent(Arc::new(Rejection::Missing { message, hint: error.hint() }.into())), owner)
                }
                Err(error) => return Err(error),
            }
        }
    };
    // The client that started this server: when it starts it anew, the session goes on.
    let named = common.name.as_ref().map_or_else(String::new, |name| format!(":{name}"));
    let parent = me.ancestors().into_iter().next();
    let harness = parent.as_ref().map(|parent| format!("mcp:{}{named}", parent.to_text()));
    let sessions = Sessions::of_client(common.name.clone(), common.session.clone(), owner, harness, Memory::of(project.as_ref()));
    let peer = Peer::new(backend.clone(), gone);
    if let Some(parent) = parent {
        peer.watch_parent(parent);
    }
    let server = Server::new(backend, Arc::new(sessions)).for_peer(Arc::clone(&peer));
    let (input, output) = rmcp::transport::stdio();
    let (input, faults) = lines::of(input);
    let transport = Watched::new(AsyncRwTransport::new(input, output), tokio::io::stdout(), Arc::clone(&peer), faults);
    let broken =
        |what: String| StoreError::Unavailable { message: format!("the client cannot be served: {what}"), hint: "look at its log".into() };
    match server.serve(transport).await {
        Ok(running) => {
            let ended = running.waiting().await;
            peer.end().await;
            ended.map(|_| 0).map_err(|error| broken(error.to_string()).into())
        }
        // A client that goes away without a word is no failure.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(0),
        Err(error) => Err(broken(error.to_string()).into()),
    }
}

fn unidentified(error: std::io::Error) -> OpError {
    StoreError::Unavailable { message: format!("this process cannot be identified: {error}"), hint: "is /proc mounted?".into() }.into()
}
