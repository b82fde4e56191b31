//! Errors, configuration, and what the gateway and the MCP server offer.

use oarlock_client::config::{KEYS, KeyDefault};
use oarlock_model::ErrorCode;
use serde_json::Value;
use std::fmt::Write as _;

use super::json;
use super::markdown::{code, sentence, table};
use crate::support::workspace;

/// The caller's next step after an exit code.
const ADVICE: [(u8, &str); 13] = [
    (0, "Go on."),
    (1, "The attempt of `work --once` failed, or a hook could not answer. There is no error object."),
    (2, "Fix the call."),
    (3, "List what there is, and name one of those."),
    (4, "Another agent has it, or its state does not allow it. Read again and decide again."),
    (5, "Stop this work: the lease, the token or the session is no longer yours."),
    (6, "Ask for less, or less often."),
    (7, "Try again later. Nothing is wrong with the call."),
    (8, "There is nothing to do now, or a message to read first."),
    (9, "The caller is not allowed to do this."),
    (65, "A file or the store is damaged. `oarlock doctor` shows where."),
    (70, "A bug. Please report it."),
    (130, "A signal ended the call. Everything it held is given back."),
];

pub(super) fn errors() -> String {
    let source = std::fs::read_to_string(workspace().join("crates/oarlock-model/src/error_code.rs")).expect("a source");
    let about = |code: ErrorCode| {
        let (_, before) = source.split_once("pub enum ErrorCode").expect("the enum");
        let variant = format!("\n    {code:?},\n");
        let doc = before.split(&variant).next().unwrap_or_default().rsplit("/// ").next().unwrap_or_default();
        sentence(doc.trim())
    };
    let mut text = String::from(
        "# Errors and exit codes\n\nAn error is one object. With `--json` it is one line on standard error; over HTTP it is the body:\n\n\
         ```json\n{\"error\":{\"code\":\"lease_held\",\"message\":\"…\",\"hint\":\"…\",\"retryable\":false,\"details\":{}}}\n```\n\n\
         Programs decide by `code`. `message` and `hint` are for people and may change. `details` has the facts: the holder, the remaining \
         time, the versions. `retry_after_ms` is there only where time alone may help. `retryable` says whether the same call may succeed later.\n\n\
         ## Codes\n\n",
    );
    text.push_str(&table(
        ["code", "exit", "HTTP", "retryable", "meaning"],
        ErrorCode::ALL.map(|word| {
            let retryable = if word.is_retryable() { "yes" } else { "no" };
            [code(word), word.exit().to_string(), word.http().to_string(), retryable.to_owned(), about(word)]
        }),
    ));
    for exit in ErrorCode::ALL.map(ErrorCode::exit) {
        assert!(ADVICE.iter().any(|(known, _)| *known == exit), "exit {exit} has advice");
    }
    let _ = write!(
        text,
        "\n## Exit codes\n\n{}",
        table(["exit", "what to do"], ADVICE.map(|(exit, advice)| [exit.to_string(), advice.to_owned()]))
    );
    text
}

pub(super) fn configuration() -> String {
    let text = "# Configuration\n\nDefaults come from two files: the user's `~/.config/oarlock/config.toml` (`$XDG_CONFIG_HOME`), and the project's \
                `.oarlock/config.toml`, which takes precedence. [Variables](environment.md) and flags take precedence over both. A file is TOML, \
                regular and at most 64 KiB. A key that is not listed here is an error. A store, an access key or a command in a file is \
                refused with `denied`: a repository may come from anyone.\n\n";
    let rows = KEYS.iter().map(|key| {
        let default = match key.default {
            KeyDefault::Text(text) => format!("`\"{text}\"`"),
            KeyDefault::Number(number) => code(number),
            KeyDefault::False => code(false),
            KeyDefault::Empty => code("[]"),
        };
        [code(key.name), default, sentence(key.about)]
    });
    text.to_owned()
        + &table(["key", "default", "meaning"], rows)
        + "\nDurations are a number and `s`, `m`, `h` or `d`, from `1s` to `30d`. `TABLE.NAME` is `NAME` below `[TABLE]`.\n"
}

pub(super) fn http() -> String {
    let document = oarlock_server::reference::openapi();
    let mut text = String::from(
        "# HTTP\n\n`oarlock serve` offers every verb as `POST /v1/VERB`; [gateway.md](../gateway.md) explains keys, hosts and limits. The body is \
         the request as [JSON](json.md), with `Content-Type: application/json`. The access key is sent as `Authorization: Bearer KEY`. Every \
         answer has the header `Oarlock-Store` with the identity of the store. `GET /openapi.json` describes all paths for programs. The MCP \
         server is at `/mcp` ([MCP](mcp.md)).\n\n## Paths\n\n",
    );
    let mut rows = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let open = if operation["security"].as_array().is_some_and(Vec::is_empty) { "no" } else { "yes" };
            let about = sentence(operation["summary"].as_str().unwrap_or_default());
            rows.push([code(format!("{} {path}", method.to_uppercase())), open.to_owned(), about]);
        }
    }
    rows.push([code("GET /prove"), "no".to_owned(), "Prove that the gateway knows a key, before a client sends it.".to_owned()]);
    rows.push([code("POST /mcp"), "yes".to_owned(), "The Model Context Protocol, streamable HTTP.".to_owned()]);
    text.push_str(&table(["path", "key", "meaning"], rows));
    text.push_str("\n## Headers of a request\n\n");
    let parameters = document["paths"]["/v1/claim"]["post"]["parameters"].as_array().cloned().unwrap_or_default();
    text.push_str(&table(
        ["header", "meaning"],
        parameters.iter().map(|header| {
            [code(header["name"].as_str().unwrap_or_default()), sentence(header["description"].as_str().unwrap_or_default())]
        }),
    ));
    text.push_str("\nStatus codes are in [errors](errors.md). 202 answers a call that still waits: repeat it with `Oarlock-Waited`.\n");
    text
}

pub(super) fn mcp() -> String {
    let offers = oarlock_server::reference::mcp();
    let list = |name: &str| offers[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut page = String::from(
        "# MCP\n\n`oarlock mcp` is a server for the client that starts it; a gateway has the same server at `/mcp`. Each tool is one verb. A \
         tool's reply is the verb's reply, without texts that the model has sent itself; `full: true` asks for all of it. Verbs that are not \
         tools are reached through the command line. [mcp.md](../mcp.md) explains set-up and sessions.\n\n## Tools\n\n",
    );
    for tool in list("tools") {
        let name = text(&tool["name"]);
        let _ = writeln!(page, "### {name}\n\n{}\n\n{}", sentence(&text(&tool["description"])), json::fields(&tool["inputSchema"]));
    }
    page.push_str("## Resources\n\n");
    page.push_str(&table(
        ["resource", "type", "meaning"],
        list("resources").iter().map(|page| [code(text(&page["uri"])), text(&page["mimeType"]), sentence(&text(&page["description"]))]),
    ));
    page.push_str("\n## Prompts\n\n");
    page.push_str(&table(
        ["prompt", "meaning"],
        list("prompts").iter().map(|prompt| [code(text(&prompt["name"])), sentence(&text(&prompt["description"]))]),
    ));
    page
}
