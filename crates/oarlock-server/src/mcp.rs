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
mod server;
mod session;
mod tool;

use oarlock_ops::teaching;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, Implementation,
    ListPromptsResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, Prompt, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;
use std::sync::Arc;

use crate::gateway::Engine;
pub(crate) use backend::Backend;
pub(crate) use peer::{Peer, Watched};
pub(crate) use server::Server;
use server::escaped;
pub(crate) use session::Sessions;

/// All tools, resources and prompts, as a client lists them.
pub(crate) fn offers() -> (&'static [Tool], Vec<Resource>, Vec<Prompt>) {
    (tool::all(), resource::all(), prompt::all())
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

/// The name of the server everywhere.
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
