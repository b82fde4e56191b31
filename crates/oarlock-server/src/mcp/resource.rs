//! Pages that clients show: how it is, what an agent should know, what the agents report themselves.

use oarlock_ops::log::{Prime, Status};
use oarlock_ops::state::GetState;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

use super::server::{Server, escaped_text};

/// A page: its address, name, description and kind.
type Page = (&'static str, &'static str, &'static str, &'static str);

const STATUS: Page = ("oarlock://status", "status", "Agents, tasks by state, stuck and lost work", "application/json");
const MY_TASK: Page = ("oarlock://my-task", "my-task", "Your name, tasks, messages and next steps", "text/markdown");
const STATE: Page = ("oarlock://state", "state", "State entries of the agents, and shared ones", "application/json");

/// All pages.
pub(super) fn all() -> Vec<Resource> {
    let page = |(uri, name, about, kind): Page| Resource::new(uri, name).with_description(about).with_mime_type(kind);
    [STATUS, MY_TASK, STATE].map(page).to_vec()
}

/// A page, as it is now.
pub(super) async fn read(server: &Server, uri: &str, context: &RequestContext<RoleServer>) -> Result<ReadResourceResult, ErrorData> {
    let (kind, text) = match uri {
        _ if uri == STATUS.0 => (STATUS.3, server.show::<Status>(context).await?.to_string()),
        _ if uri == MY_TASK.0 => (MY_TASK.3, escaped_text(&server.ask(&Prime {}, context).await?.text)),
        _ if uri == STATE.0 => (STATE.3, server.show::<GetState>(context).await?.to_string()),
        _ => {
            let message = format!("there is no resource \"{}\"", oarlock_model::ident::shown(uri));
            return Err(ErrorData::resource_not_found(message, Some(json!({"uri": oarlock_model::ident::shown(uri)}))));
        }
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
}
