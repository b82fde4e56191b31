//! The shared parts of requests to the fixtures, and the server's own questions and notifications to its client.

use rmcp::model::{Implementation, ServerCapabilities, ServerConfig, ServerNotification, ServerRequest, Tool};
use rmcp::service::{PeerRequestOptions, RequestContext};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::rounds::States;
use crate::output::Outcome;

/// The result of a request.
pub(super) type Answer<T> = Result<T, ErrorData>;

/// How long the server waits for an answer of the client. It comes at once or, without a session, never.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Announced changes that a subscription may be behind.
const CHANGES_BEHIND_MAX: usize = 16;

/// The change.
#[derive(Clone, Copy)]
pub(super) enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
}

/// The shared parts of all requests.
pub(super) struct Shared {
    pub(super) config: ServerConfig,
    pub(super) tools: Vec<Tool>,
    /// Says to all subscriptions that something has changed.
    pub(super) changes: broadcast::Sender<Change>,
    /// The server's memory between the rounds of a call.
    pub(super) states: States,
}

impl Shared {
    /// With these tools.
    ///
    /// # Errors
    /// The library does not know a capability.
    pub(super) fn new(tools: Vec<Tool>) -> Outcome<Self> {
        let capabilities: ServerCapabilities = serde_json::from_value(json!({
            "completions": {},
            "logging": {},
            "prompts": {"listChanged": true},
            "resources": {"subscribe": true},
            "tools": {"listChanged": true},
        }))?;
        let implementation = Implementation::new("oarlock-conformance", env!("CARGO_PKG_VERSION"));
        let config = ServerConfig::new(capabilities).with_server_info(implementation);
        Ok(Self { config, tools, changes: broadcast::channel(CHANGES_BEHIND_MAX).0, states: States::default() })
    }
}

/// A notification to the client, on the stream of the request's answer.
pub(super) async fn notify(context: &RequestContext<RoleServer>, notification: Value) -> Answer<()> {
    let notification: ServerNotification = serde_json::from_value(notification).map_err(internal)?;
    context.peer.send_notification(notification).await.map_err(internal)
}

/// A request to the client, on the stream of the request's answer, and what the client says.
pub(super) async fn ask(context: &RequestContext<RoleServer>, request: Value) -> Answer<Value> {
    let request: ServerRequest = serde_json::from_value(request).map_err(internal)?;
    let asking =
        async { context.peer.send_request_with_option(request, PeerRequestOptions::with_timeout(PATIENCE)).await?.await_response().await };
    let answered = asking.await.map_err(|error| internal(format_args!("the client does not answer: {error}")))?;
    serde_json::to_value(answered).map_err(internal)
}

/// A mistake of the fixtures, or a client that is gone.
pub(super) fn internal(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}
