//! Pages that clients show: how it stands, what an agent should know, what the agents tell of themselves.

use rmcp::model::{ReadResourceResult, Resource, ResourceContents};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, json};

use super::server::Server;

/// A page: its address, name, description, kind, and the verb behind it.
type Page = (&'static str, &'static str, &'static str, &'static str, &'static str);

const PAGES: [Page; 3] = [
    ("oarlock://status", "status", "Agents, tasks by state, what is stuck or lost", "application/json", "status"),
    ("oarlock://my-task", "my-task", "Who you are, what you hold, what waits, how to go on", "text/markdown", "prime"),
    ("oarlock://state", "state", "What the agents tell of themselves, and shared entries", "application/json", "state"),
];

/// All pages.
pub(super) fn all() -> Vec<Resource> {
    let page = |(uri, name, about, kind, _): Page| Resource::new(uri, name).with_description(about).with_mime_type(kind);
    PAGES.map(page).to_vec()
}

/// A page, as it is now.
pub(super) async fn read(server: &Server, uri: &str, context: &RequestContext<RoleServer>) -> Result<ReadResourceResult, ErrorData> {
    let Some((uri, _, _, kind, verb)) = PAGES.into_iter().find(|page| page.0 == uri) else {
        let message = format!("there is no resource \"{}\"", oarlock_model::ident::shown(uri));
        return Err(ErrorData::resource_not_found(message, Some(json!({"uri": oarlock_model::ident::shown(uri)}))));
    };
    let reply = server.show(verb, Map::new(), context).await?;
    let text = reply["text"].as_str().map_or_else(|| reply.to_string(), str::to_owned);
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
}
