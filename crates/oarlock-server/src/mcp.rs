//! The door for language models: the Model Context Protocol over standard input and output, and over HTTP at `/mcp`.
//! Every tool is one verb of the registry; [`session`] says as whom it is called.

mod backend;
mod bounds;
mod brief;
mod hint;
pub(crate) mod lines;
mod peer;
mod prompt;
mod resource;
mod session;
mod tool;

use oarlock_model::ErrorCode;
use oarlock_model::text::{escape_json, escaped_line};
use oarlock_model::{Rejection, planted};
use oarlock_ops::OpError;
use oarlock_ops::number;
use oarlock_ops::registry::{self, Entry};
use oarlock_ops::schema;
use oarlock_ops::teaching;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, Implementation,
    ListPromptsResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

use crate::gateway::Engine;
pub(crate) use backend::Backend;
pub(crate) use peer::{Peer, Watched};
pub(crate) use session::{Sessions, Standing};

/// The longest wait of one tool call: clients give up after a minute, some sooner.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// The server of one connection, or of all that come by HTTP.
#[derive(Clone)]
pub(crate) struct Server {
    backend: Backend,
    sessions: Arc<Sessions>,
    /// Its only client, where it has only one.
    peer: Option<Arc<Peer>>,
}

impl Server {
    /// A server that calls here, under these sessions.
    pub(crate) fn new(backend: Backend, sessions: Arc<Sessions>) -> Self {
        Self { backend, sessions, peer: None }
    }

    /// The same for one client, which may go away.
    pub(crate) fn for_peer(self, peer: Arc<Peer>) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Makes a call of a verb on behalf of whoever sent the request.
    async fn call(&self, entry: &'static Entry, request: Value, context: &RequestContext<RoleServer>) -> Result<Value, OpError> {
        let standing = Standing::of(context)?.about(entry.verb, &request);
        let bytes = request.to_string().len();
        standing.admit(entry, bytes)?;
        let caller = self.sessions.caller(&self.backend, &standing).await?;
        schema::check_fields(entry, &request)?;
        number::check_value("the call", &request)?;
        let call: Arc<dyn registry::Call> = Arc::from((entry.from_json)(request)?);
        call.check_remote()?;
        let waits = call.waiting().is_some();
        let called = tokio::select! {
            biased;
            called = self.backend.call(call, &caller, WAIT_MAX, standing.tab().map(|tab| (tab, bytes))) => called,
            // Whoever asked does not want it any more. What the writer is doing just then it takes back.
            () = context.ct.cancelled() => Err(OpError::Interrupted),
            () = self.leaves_a_gateway(), if waits => Err(Rejection::timed_out("the client has gone").into()),
        };
        if let (Some(peer), Ok(reply)) = (&self.peer, &called) {
            peer.note(&context.id, entry.verb, reply, &caller);
        }
        if called.as_ref().is_err_and(|error| error.code() == ErrorCode::StaleSession) {
            // The next call joins anew; what this session held is gone.
            self.sessions.forget(&caller);
        }
        let reply = called?;
        apart(move || Ok(escaped(reply.to_value()?))).await?
    }

    /// Waits until the only client of a call at a gateway has gone; a wait at the own store ends by itself then.
    async fn leaves_a_gateway(&self) {
        match (&self.peer, &self.backend) {
            (Some(peer), Backend::Gateway(_)) => peer.leaves().await,
            _ => std::future::pending().await,
        }
    }

    /// The same with a reply that has a bounded length; the reply is short unless `full`.
    async fn bounded(
        &self,
        entry: &'static Entry,
        mut request: Map<String, Value>,
        full: bool,
        context: &RequestContext<RoleServer>,
    ) -> Result<Value, OpError> {
        let short = move |reply: Value| if full { reply } else { brief::reply(entry.verb, reply) };
        bounds::request(entry.verb, &mut request);
        let reply = self.call(entry, Value::Object(request.clone()), context).await?;
        let read = move || {
            let reply = short(reply);
            bounds::fewer_items(entry.verb, &reply).map_or_else(|| Ok(bounds::reply(entry.verb, reply)), Err)
        };
        match apart(read).await? {
            Ok(reply) => Ok(reply),
            Err(fewer) => {
                // Only a page of that many items leads to the next ones.
                request.insert("limit".into(), fewer.into());
                let reply = self.call(entry, Value::Object(request), context).await?;
                apart(move || bounds::reply(entry.verb, short(reply))).await
            }
        }
    }

    /// The same for a verb without arguments, for a page that a client shows.
    async fn show(&self, verb: &str, request: Map<String, Value>, context: &RequestContext<RoleServer>) -> Result<Value, ErrorData> {
        let entry = registry::find(verb).ok_or_else(|| ErrorData::internal_error(format!("no verb {verb}"), None))?;
        // A prompt has the document that its client gave.
        let called = if verb == "split" {
            self.call(entry, Value::Object(request), context).await
        } else {
            self.bounded(entry, request, true, context).await
        };
        called.map_err(|error| ErrorData::internal_error(escaped_line(&error.to_string()).into_owned(), Some(escaped(error.json()))))
    }
}

/// Works on a reply, which may be long, on a thread of its own: the thread that answers has others to answer meanwhile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| OpError::Internal(format!("a reading thread has ended: {error}")))
}

/// A reply or an error with others' texts written so that a model reads what a person would see: nothing hides in them.
fn escaped(mut value: Value) -> Value {
    if !planted::is(planted::MCP_TEXT_RAW) {
        escape_json(&mut value);
    }
    value
}

/// The server of a gateway, at `/mcp`.
pub(crate) type HttpService = StreamableHttpService<Server, LocalSessionManager>;

/// The longest request of a model, in bytes: a document, as JSON may write it.
const HTTP_BODY_BYTES_MAX: usize = 2 * oarlock_model::limits::DOCUMENT_BYTES_MAX;

/// The server of a gateway. The gateway itself has looked at host, origin and key before; the library looks at host and origin again.
pub(crate) fn http_service(engine: Arc<Engine>, hosts: &[String], port: Option<u16>) -> HttpService {
    let server = Server::new(Backend::Engine(engine), Arc::new(Sessions::of_gateway()));
    let own = ["localhost", "127.0.0.1", "[::1]"];
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let schemes = ["http", "https"];
    let origins = schemes.iter().flat_map(|scheme| {
        let named = hosts.iter().map(move |host| format!("{scheme}://{host}"));
        own.map(|host| format!("{scheme}://{host}{port}")).into_iter().chain(named)
    });
    let origins: Vec<String> = origins.collect();
    let hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].into_iter().map(str::to_owned).chain(hosts.iter().cloned()).collect();
    // Clients of 2025 get no session: one of them loses its server when it does, and the requests say all there is to say.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins)
        .enforce_origin_validation()
        .with_max_request_body_bytes(HTTP_BODY_BYTES_MAX);
    StreamableHttpService::new(move || Ok(server.clone()), Arc::new(LocalSessionManager::default()), config)
}

/// What the server is called everywhere.
fn implementation() -> Implementation {
    let mut implementation = Implementation::new("oarlock", env!("CARGO_PKG_VERSION"));
    implementation.title = Some("Oarlock".into());
    implementation
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities).with_server_info(implementation()).with_instructions(teaching::instructions())
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tool::all().to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tool::all().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let Some(entry) = tool::entry(&request.name) else {
            let message = format!("there is no tool \"{}\"", oarlock_model::ident::shown(&request.name));
            return Err(ErrorData::invalid_params(message, Some(json!({"tools": tool::names()}))));
        };
        let mut arguments = request.arguments.unwrap_or_default();
        let full = tool::take_full(&mut arguments);
        let arguments = tool::completed(entry.verb, arguments);
        let called = match full {
            Ok(full) => self.bounded(entry, arguments, full, &context).await,
            Err(refused) => Err(refused.into()),
        };
        Ok(match called {
            Ok(reply) => CallToolResult::structured(reply),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(
                bounds::reply(entry.verb, escaped(hint::error_for_model(&error))).to_string(),
            )]),
        }
        .into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resource::all()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resource::read(self, &request.uri, &context).await.map(Into::into)
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompt::all()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompt::get(self, &request, &context).await.map(Into::into)
    }
}
