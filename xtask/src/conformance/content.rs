//! The parts that do not depend on a client: contents of tools, resources, prompts and completions.

use rmcp::RoleServer;
use rmcp::model::{
    ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt, PromptArgument, PromptMessage,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};

use super::rounds::{self, Step};
use super::shared::{Answer, Shared};

/// One red pixel, as a PNG.
const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

/// Half a millisecond of silence, as a WAV.
const AUDIO: &str = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAACAgICA";

/// The completions of arguments of prompts.
pub(super) const COMPLETIONS: &[&str] = &["paris", "park", "party", "test", "testing"];

/// The prompt that needs an answer of the client before it is ready.
const ASKING_PROMPT: &str = "test_input_required_result_prompt";

/// The contents of a tool that always says the same.
pub(super) fn of_tool(name: &str) -> Option<Vec<ContentBlock>> {
    Some(match name {
        "test_simple_text" => vec![ContentBlock::text("This is a simple text response for testing.")],
        "test_image_content" => vec![ContentBlock::image(IMAGE, "image/png")],
        "test_audio_content" => vec![ContentBlock::audio(AUDIO, "audio/wav")],
        "test_embedded_resource" => {
            vec![embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
        }
        "test_multiple_content_types" => vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(IMAGE, "image/png"),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ],
        _ => return None,
    })
}

fn embedded(uri: &str, mime_type: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

/// All resources.
pub(super) fn resources() -> Vec<Resource> {
    let resource = |name: &str, description: &str, mime_type: &str| {
        Resource::new(format!("test://{name}"), name).with_description(description).with_mime_type(mime_type)
    };
    vec![
        resource("static-text", "A text that never changes", "text/plain"),
        resource("static-binary", "An image that never changes", "image/png"),
        resource("watched-resource", "A text to subscribe to", "text/plain"),
    ]
}

/// All templates of resources.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template = ResourceTemplate::new("test://template/{id}/data", "template");
    vec![template.with_description("Data of an id").with_mime_type("application/json")]
}

/// The contents of a resource.
///
/// # Errors
/// There is no such resource.
pub(super) fn read(uri: &str) -> Answer<ReadResourceResult> {
    let text = |text: &str, mime_type: &str| ResourceContents::text(text, uri).with_mime_type(mime_type);
    let contents = match uri {
        "test://static-text" => text("This is the content of the static text resource.", "text/plain"),
        "test://static-binary" => ResourceContents::blob(IMAGE, uri).with_mime_type("image/png"),
        "test://watched-resource" => text("This is the content of the watched resource.", "text/plain"),
        _ => match uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data")) {
            Some(id) if !id.is_empty() && !id.contains('/') => {
                let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                text(&data.to_string(), "application/json")
            }
            _ => return Err(ErrorData::resource_not_found("Resource not found", Some(json!({"uri": uri})))),
        },
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

/// All prompts.
pub(super) fn prompts() -> Vec<Prompt> {
    let prompt = |name: &str, description: &str, arguments: &[(&str, &str)]| {
        let argument = |(name, what): &(&str, &str)| PromptArgument::new(*name).with_description(*what).with_required(true);
        let arguments = arguments.iter().map(argument).collect::<Vec<_>>();
        Prompt::new(name, Some(description), (!arguments.is_empty()).then_some(arguments))
    };
    let two = [("arg1", "First test argument"), ("arg2", "Second test argument")];
    vec![
        prompt("test_simple_prompt", "A prompt without arguments", &[]),
        prompt("test_prompt_with_arguments", "A prompt with two arguments", &two),
        prompt("test_prompt_with_embedded_resource", "A prompt with a resource", &[("resourceUri", "URI of the resource to embed")]),
        prompt("test_prompt_with_image", "A prompt with an image", &[]),
        prompt(ASKING_PROMPT, "A prompt that asks for its context", &[]),
    ]
}

/// A prompt, or what has to be known before.
///
/// # Errors
/// There is no such prompt, or an argument is missing.
pub(super) fn prompt(shared: &Shared, request: &GetPromptRequestParams, context: &RequestContext<RoleServer>) -> Answer<GetPromptResponse> {
    let argument = |name: &str| -> Answer<&str> {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str);
        value.ok_or_else(|| ErrorData::invalid_params(format!("the argument {name} is missing"), None))
    };
    let contents = match request.name.as_str() {
        "test_simple_prompt" => vec![ContentBlock::text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![ContentBlock::text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => vec![
            embedded(argument("resourceUri")?, "text/plain", "Embedded resource content for testing."),
            ContentBlock::text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image" => {
            vec![ContentBlock::image(IMAGE, "image/png"), ContentBlock::text("Please analyze the image above.")]
        }
        name => {
            let retry = (request.request_state.as_deref(), request.input_responses.as_ref());
            match rounds::step(shared, name, retry, context)? {
                Some(Step::Ask(required)) if name == ASKING_PROMPT => return Ok(required.into()),
                Some(Step::Done(text)) if name == ASKING_PROMPT => vec![ContentBlock::text(text)],
                _ => return Err(ErrorData::invalid_params(format!("there is no prompt {name}"), None)),
            }
        }
    };
    let messages = contents.into_iter().map(|content| PromptMessage::new(Role::User, content)).collect();
    Ok(GetPromptResult::new(messages).into())
}
