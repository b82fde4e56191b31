//! task-master's JSON: an array `tasks` of objects with `id`, `title`, `status` and `dependencies`, one field a line, as the tool writes it.
//! Source: eyaltoledano/claude-task-master, `docs/task-structure.md`.

use serde_json::Value;

use crate::read::document::Document;
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::format::outline::{Manner, Outline};
use crate::text::plain;

/// The tasks of a file of task-master's.
pub(super) fn read(document: &Document<'_>) -> Option<Outline> {
    let first = (0..document.lines.len().min(FIRST_LINES_MAX)).find(|line| !document.raw(*line).trim().is_empty())?;
    if !document.raw(first).trim_start().starts_with('{') {
        return None;
    }
    let mut drafts = Vec::new();
    for (line, last) in objects(document) {
        let text = document.slice(line, last);
        let object = text.find('{').zip(text.rfind('}')).filter(|(open, close)| open < close).map(|(open, close)| &text[open..=close])?;
        let value: Value = serde_json::from_str(object).ok()?;
        let id = value.get("id").and_then(|id| id.as_u64().map(|n| n.to_string()).or_else(|| id.as_str().map(str::to_owned)))?;
        let title = plain(value.get("title").and_then(Value::as_str).unwrap_or(""));
        let status = value.get("status").and_then(Value::as_str).unwrap_or("");
        let tick = Some(["done", "completed", "cancelled"].contains(&status));
        let title = if title.is_empty() { format!("Task {id}") } else { title };
        let mut draft = Draft { line, last, title, kind: "task".to_owned(), id, tick, ..Draft::default() };
        draft.mark.numbers_inside = true;
        drafts.push(draft);
    }
    (drafts.len() >= 2).then_some(Outline { drafts, manner: Manner::Content })
}

/// Blank lines before the first brace.
const FIRST_LINES_MAX: usize = 20;

/// The first and the last line of each object in the array `tasks`.
fn objects(document: &Document<'_>) -> Vec<(usize, usize)> {
    let (mut depth, mut array, mut start) = (0_usize, None, None);
    let mut in_string = false;
    let mut out = Vec::new();
    for line in 0..document.lines.len() {
        let text = document.raw(line);
        let opens_list = array.is_none() && text.trim_start().starts_with("\"tasks\"");
        let mut escaped = false;
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                _ if in_string => {}
                '{' | '[' => {
                    if c == '{' && array == Some(depth) {
                        start = Some(line);
                    }
                    depth += 1;
                    if c == '[' && opens_list && array.is_none() {
                        array = Some(depth);
                    }
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    if array == Some(depth + 1) && c == ']' {
                        return out;
                    }
                    if array == Some(depth)
                        && let Some(first) = start.take().filter(|_| out.len() <= STEPS_MAX)
                    {
                        out.push((first, line));
                    }
                }
                _ => {}
            }
        }
        // No string of JSON goes on in the next line.
        in_string = false;
    }
    out
}
