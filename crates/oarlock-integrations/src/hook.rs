//! The calls of clients' hooks, and the answers to them.

mod answer;
#[cfg(test)]
mod calls;
mod input;
mod patch;
mod shell;
mod tools;
mod writes;
mod written;

pub use answer::{HookDecision, Reply};
pub use input::HookInput;
pub use writes::{calls_oarlock, writes};
pub use written::{By, Reach, Surroundings, Written};

/// The event, in one word for all clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEvent {
    /// A session begins, goes on, or has forgotten its conversation.
    SessionStart,
    /// The person has said something.
    Prompt,
    /// A tool is about to run.
    BeforeTool,
    /// A tool has run.
    AfterTool,
    /// The client is going to summarise the conversation and forget its start.
    Compact,
    /// The agent has come to an end of its turn.
    Stop,
    /// The session ends.
    SessionEnd,
    /// A helper of the agent starts.
    SubagentStart,
    /// A helper of the agent has ended.
    SubagentStop,
    /// Something is about to be committed.
    PreCommit,
    /// Something is about to be pushed.
    PrePush,
}

impl HookEvent {
    /// The moment of an event's name, in the spelling of any client or of Oarlock.
    pub fn parse(event: &str) -> Option<Self> {
        let plain: String = event.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
        Some(match plain.as_str() {
            "sessionstart" => Self::SessionStart,
            "userpromptsubmit" | "beforeagent" | "beforesubmitprompt" | "prompt" => Self::Prompt,
            "pretooluse" | "beforetool" | "beforeedit" | "beforeshellexecution" => Self::BeforeTool,
            "posttooluse" | "posttoolusefailure" | "aftertool" | "afterfileedit" | "aftershellexecution" => Self::AfterTool,
            "precompact" | "precompress" | "compact" => Self::Compact,
            "stop" | "afteragent" => Self::Stop,
            "sessionend" | "end" => Self::SessionEnd,
            "subagentstart" => Self::SubagentStart,
            "subagentstop" => Self::SubagentStop,
            "precommit" => Self::PreCommit,
            "prepush" => Self::PrePush,
            _ => return None,
        })
    }
}
