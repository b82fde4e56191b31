//! The operations of this crate's doors, as data: the source of the reference in `docs/reference`.

use serde_json::{Value, json};

use crate::{gateway, mcp};

/// The OpenAPI document of the gateway, as `GET /openapi.json` sends it.
#[must_use]
pub fn openapi() -> Value {
    gateway::openapi()
}

/// The tools, resources and prompts of the MCP server, as a client lists them: an object with these three lists.
#[must_use]
pub fn mcp() -> Value {
    let (tools, resources, prompts) = mcp::offers();
    json!({"tools": tools, "resources": resources, "prompts": prompts})
}
