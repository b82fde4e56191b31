//! Prompts that people pick in their client.

use oarlock_ops::log::{Prime, Status};
use oarlock_ops::task::Split;
use rmcp::model::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::server::{Server, escaped_text};

/// All prompts.
pub(super) fn all() -> Vec<Prompt> {
    let document = vec![PromptArgument::new("document").with_description("The text of the task, in Markdown").with_required(true)];
    vec![
        Prompt::new("status", Some("Sum up the state of the work"), None),
        Prompt::new("my_task", Some("Continue your task, or take the next one"), None),
        Prompt::new("plan_document", Some("Plan how several agents share a document"), Some(document)),
    ]
}

/// A prompt, filled in.
pub(super) async fn get(
    server: &Server,
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResult, ErrorData> {
    let text = match request.name.as_str() {
        "status" => {
            let status = server.show::<Status>(context).await?;
            format!("Summarise for a person the state of the work, what is stuck, and what to do about it. This is the status:\n\n{status}")
        }
        "my_task" => {
            let prime = server.ask(&Prime {}, context).await?;
            format!("Continue the task that you hold; if you hold none, claim a task and work on it.\n\n{}", escaped_text(&prime.text))
        }
        "plan_document" => {
            let document = request.arguments.as_ref().and_then(|arguments| arguments.get("document")).and_then(Value::as_str);
            let document = document.ok_or_else(|| ErrorData::invalid_params("plan_document needs the argument document", None))?;
            let split =
                Split { id: "document.md".into(), document: Some(document.to_owned()), prompt: true, dry_run: true, ..Split::default() };
            let reply = server.ask(&split, context).await?;
            escaped_text(&reply.prompt.unwrap_or_default())
        }
        other => return Err(ErrorData::invalid_params(format!("there is no prompt \"{}\"", oarlock_model::ident::shown(other)), None)),
    };
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
}
