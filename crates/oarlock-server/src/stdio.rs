//! The server that a coding agent starts for itself, over standard input and output.

use oarlock_client::gateway::Client;
use oarlock_client::hook_state::HookState;
use oarlock_client::{Options, StoreTarget};
use oarlock_host::process::ProcessId;
use oarlock_model::agent::Owner;
use oarlock_model::{AgentName, SessionId, limits};
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use rmcp::ServiceExt;
use rmcp::transport::async_rw::AsyncRwTransport;
use std::sync::Arc;
use tokio::sync::watch;

use crate::gateway::Engine;
use crate::mcp::{Backend, Peer, Server, Sessions, Watched, lines};

/// Where the calls of such a server are made.
#[derive(Debug)]
pub enum At {
    /// At a store that is opened here.
    Store {
        /// Where it is.
        target: StoreTarget,
        /// How it is opened.
        options: Options,
        /// The defaults of its calls.
        settings: Settings,
    },
    /// At a gateway.
    Gateway(Client),
    /// There is no project, and each call says so: a server that a user has for all repositories must not fail in those.
    Nowhere(OpError),
}

/// Who starts such a server, and for what.
#[derive(Debug)]
pub struct Starter {
    /// The name that the environment gives.
    pub name: Option<AgentName>,
    /// The session that it gives.
    pub session: Option<SessionId>,
    /// Where calls are made.
    pub at: At,
}

/// Serves the client that started this process until it goes away.
///
/// # Errors
/// The store cannot be opened, or the client cannot be served.
pub fn serve_client(starter: Starter) -> Result<(), OpError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| OpError::Internal(format!("no runtime: {error}")))?;
    let served = runtime.block_on(serving(starter));
    // A reader of standard input cannot be interrupted: it is not waited for.
    runtime.shutdown_background();
    served
}

async fn serving(starter: Starter) -> Result<(), OpError> {
    let (gone, stopping) = watch::channel(false);
    let me = ProcessId::current().map_err(unidentified)?;
    let process = me.to_text();
    let mut project = None;
    let (backend, owner) = match starter.at {
        At::Gateway(client) => (Backend::Gateway(Arc::new(client)), Owner::Process { process }),
        At::Store { target, options, settings } => {
            project = target.project().cloned();
            // Opened once before, so that a store that is not there is reported as for every other command.
            drop(target.open(options.clone())?);
            let engine = Engine::start(target.place(), &options, settings, stopping, Some(1))?;
            (Backend::Engine(engine), Owner::Lock { process, grace_ms: limits::OWNER_GRACE_MS })
        }
        At::Nowhere(why) => (Backend::NoProject(Arc::new(why)), Owner::Lock { process, grace_ms: limits::OWNER_GRACE_MS }),
    };
    // The client that started this server: when it starts it again, the session goes on.
    let named = starter.name.as_ref().map_or_else(String::new, |name| format!(":{name}"));
    let parent = me.ancestors().into_iter().next();
    let harness = parent.as_ref().map(|parent| format!("mcp:{}{named}", parent.to_text()));
    let sessions = Sessions::of_client(starter.name, starter.session, owner, harness, HookState::of(project.as_ref()));
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
            ended.map(drop).map_err(|error| broken(error.to_string()).into())
        }
        // A client that goes away without a word is no failure.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(broken(error.to_string()).into()),
    }
}

fn unidentified(error: std::io::Error) -> OpError {
    StoreError::unidentified_process(&error).into()
}
