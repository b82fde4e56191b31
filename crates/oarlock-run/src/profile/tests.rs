//! Streams as the clients print them, written after their documentation and sources, read line by line.

use super::*;
use oarlock_model::usage::Usage;
use oarlock_model::usage::Usd;

/// All that a stream says in the end.
#[derive(Debug, Default, PartialEq)]
struct Read {
    client: Option<Client>,
    used: Usage,
    progress: Vec<String>,
    questions: Vec<String>,
    limits: Vec<Option<i64>>,
    answer: Option<String>,
    error: Option<String>,
    ended: bool,
    rest: String,
}

fn read_in_pieces(text: &str, bytes: usize) -> Read {
    let mut stream = Stream::new(Profile::Auto);
    let mut facts: Vec<Fact> = text.as_bytes().chunks(bytes).flat_map(|piece| stream.push(piece)).collect();
    facts.extend(stream.finish());
    let mut read = Read { client: stream.client(), rest: stream.rest().to_owned(), ..Read::default() };
    for fact in facts {
        match fact {
            Fact::Progress(words) => read.progress.push(words),
            Fact::Used(usage) => read.used = usage,
            Fact::Question(words) => read.questions.push(words),
            Fact::RateLimit(until) => read.limits.push(until),
            Fact::Answer(words) => read.answer = Some(words),
            Fact::Error(words) => read.error = Some(words),
            Fact::Ended { .. } => read.ended = true,
        }
    }
    read
}

fn read(text: &str) -> Read {
    let whole = read_in_pieces(text, usize::MAX);
    assert_eq!(read_in_pieces(text, 7), whole, "pieces do not matter");
    whole
}

fn usage(micros: Option<u64>, input_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Usage {
    Usage { cost_usd: micros.map(Usd::from_micros), input_tokens, cached_tokens, output_tokens }
}

const CLAUDE: &str = r#"{"type":"system","subtype":"init","cwd":"/repo","session_id":"s","tools":["Bash","Edit"],"model":"opus","permissionMode":"dontAsk"}
{"type":"assistant","message":{"id":"m1","role":"assistant","content":[{"type":"text","text":"I read the parser first.\nThen more."}],"usage":{"input_tokens":10,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":1}},"parent_tool_use_id":null,"session_id":"s"}
{"type":"assistant","message":{"id":"m1","role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Read","input":{"file_path":"src/parser.rs"}}],"usage":{"input_tokens":10,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":7}},"session_id":"s"}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"fn main() {}"}]},"session_id":"s"}
{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":1784283600,"rateLimitType":"five_hour"}}
{"type":"assistant","message":{"id":"m2","role":"assistant","content":[{"type":"tool_use","id":"t2","name":"AskUserQuestion","input":{"questions":[{"question":"Which table?","options":[]}]}}],"usage":{"input_tokens":1,"output_tokens":3}},"session_id":"s"}
{"type":"assistant","message":{"id":"m3","content":[{"type":"text","text":"of a helper"}],"usage":{}},"parent_tool_use_id":"t9","session_id":"s"}
{"type":"result","subtype":"success","is_error":false,"num_turns":3,"result":"The parser is written.","total_cost_usd":0.1234567,"usage":{"input_tokens":11,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":12},"modelUsage":{"opus":{"inputTokens":11,"outputTokens":12,"cacheReadInputTokens":1000,"cacheCreationInputTokens":100,"costUSD":0.1},"haiku":{"inputTokens":50,"outputTokens":5,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costUSD":0.02}},"permission_denials":[{"tool_name":"Bash","tool_use_id":"t3","tool_input":{"command":"rm -rf /"}}],"session_id":"s"}
"#;

#[test]
fn claude_says_tokens_cost_questions_and_its_answer() {
    let want = Read {
        client: Some(Client::Claude),
        used: usage(Some(123_457), 1_161, 1_000, 17),
        progress: ["I read the parser first.", "Read src/parser.rs", "AskUserQuestion"].map(str::to_owned).to_vec(),
        questions: vec!["Which table?".into(), "permission for Bash rm -rf /".into()],
        answer: Some("The parser is written.".into()),
        ended: true,
        ..Read::default()
    };
    assert_eq!(read(CLAUDE), want);
}

#[test]
fn claude_that_is_cut_off_has_said_what_it_used() {
    let read = read(&CLAUDE[..CLAUDE.find("{\"type\":\"result\"").expect("it ends")]);
    assert_eq!((read.used, read.ended), (usage(None, 1_111, 1_000, 10), false));
    assert_eq!(read.answer.as_deref(), Some("I read the parser first.\nThen more."), "its last words");
}

#[test]
fn claude_at_its_limits() {
    let init = "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n";
    let event = "{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"status\":\"rejected\",\"resetsAt\":1784283600}}\n";
    let result = "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"result\":\"Claude AI usage limit reached|1784283600\",\"total_cost_usd\":0}\n";
    let limited = read(&format!("{init}{event}{result}"));
    assert_eq!(limited.limits, [Some(1_784_283_600), Some(1_784_283_600)]);
    assert_eq!((limited.error.as_deref(), limited.answer), (Some("Claude AI usage limit reached|1784283600"), None));
    let turns = read(&format!("{init}{{\"type\":\"result\",\"subtype\":\"error_max_turns\",\"is_error\":false,\"total_cost_usd\":0.5}}\n"));
    assert_eq!((turns.error.as_deref(), turns.used.cost_usd), (Some("error max turns"), Some(Usd::from_micros(500_000))));
    // A result without text leaves the last words.
    let said = "{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hello.\"}]}}\n";
    let empty = "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"\",\"total_cost_usd\":0.02}\n";
    assert_eq!(read(&format!("{init}{said}{empty}")).answer.as_deref(), Some("Hello."));
}

#[test]
fn codex_says_tokens_and_no_cost() {
    let text = r#"{"type":"thread.started","thread_id":"0199"}
{"type":"turn.started"}
{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"**Looking**"}}
{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"bash -lc 'cargo test'","aggregated_output":"","exit_code":null,"status":"in_progress"}}
{"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"bash -lc 'cargo test'","aggregated_output":"ok","exit_code":0,"status":"completed"}}
{"type":"item.completed","item":{"id":"item_2","type":"file_change","changes":[{"path":"src/a.rs","kind":"add"},{"path":"b.rs","kind":"update"}],"status":"completed"}}
{"type":"item.completed","item":{"id":"item_3","type":"command_execution","command":"git push","aggregated_output":"","exit_code":null,"status":"declined"}}
{"type":"item.started","item":{"id":"item_4","type":"mcp_tool_call","server":"coord","tool":"claim_task","arguments":{},"status":"in_progress"}}
{"type":"error","message":"Reconnecting... 1/5"}
{"type":"item.completed","item":{"id":"item_5","type":"agent_message","text":"Done: all tests pass."}}
{"type":"turn.completed","usage":{"input_tokens":24763,"cached_input_tokens":24448,"output_tokens":122}}
"#;
    let want = Read {
        client: Some(Client::Codex),
        used: usage(None, 24_763, 24_448, 122),
        progress: ["$ bash -lc 'cargo test'", "changes src/a.rs, b.rs", "coord claim_task", "Reconnecting... 1/5", "Done: all tests pass."]
            .map(str::to_owned)
            .to_vec(),
        questions: vec!["permission for $ git push".into()],
        answer: Some("Done: all tests pass.".into()),
        ended: true,
        ..Read::default()
    };
    assert_eq!(read(text), want);
    let failed = read(
        "{\"type\":\"thread.started\",\"thread_id\":\"0\"}\n{\"type\":\"turn.failed\",\"error\":{\"message\":\"exceeded retry limit, last status: 429 Too Many Requests\"}}\n",
    );
    assert_eq!((failed.limits.len(), failed.ended), (1, true));
    assert_eq!(failed.error.as_deref(), Some("exceeded retry limit, last status: 429 Too Many Requests"));
}

#[test]
fn gemini_says_its_message_in_pieces() {
    let text = r#"{"type":"init","timestamp":"2026-01-01T00:00:00.000Z","session_id":"s","model":"gemini-pro"}
{"type":"message","timestamp":"","role":"user","content":"Do it"}
{"type":"message","timestamp":"","role":"assistant","content":"I write","delta":true}
{"type":"tool_use","timestamp":"","tool_name":"write_file","tool_id":"w","parameters":{"file_path":"a.txt","content":"x"}}
{"type":"tool_result","timestamp":"","tool_id":"w","status":"error","error":{"type":"POLICY_VIOLATION","message":"Tool execution denied by policy."}}
{"type":"error","timestamp":"","severity":"warning","message":"Loop detected"}
{"type":"message","timestamp":"","role":"assistant","content":"It is ","delta":true}
{"type":"message","timestamp":"","role":"assistant","content":"written.","delta":true}
{"type":"result","timestamp":"","status":"success","stats":{"total_tokens":1300,"input_tokens":1200,"output_tokens":100,"cached":800,"input":400,"duration_ms":5,"tool_calls":1}}
"#;
    let got = read(text);
    assert_eq!((got.client, got.used), (Some(Client::Gemini), usage(None, 1_200, 800, 100)));
    assert_eq!(got.answer.as_deref(), Some("It is written."));
    assert_eq!(got.questions, ["permission: Tool execution denied by policy."]);
    assert!(got.ended && got.error.is_none() && got.progress.contains(&"write_file a.txt".to_owned()), "{got:?}");
    let failed = read(
        "{\"type\":\"init\",\"session_id\":\"s\",\"model\":\"m\"}\n{\"type\":\"result\",\"status\":\"error\",\"error\":{\"type\":\"Error\",\"message\":\"RESOURCE_EXHAUSTED\"}}\n",
    );
    assert_eq!((failed.error.as_deref(), failed.limits.len()), (Some("RESOURCE_EXHAUSTED"), 1));
}

#[test]
fn opencode_adds_up_its_steps() {
    let text = r#"{"type":"step_start","timestamp":1,"sessionID":"ses_1","part":{"id":"p","type":"step-start"}}
{"type":"text","timestamp":2,"sessionID":"ses_1","part":{"type":"text","text":"First I look."}}
{"type":"tool_use","timestamp":3,"sessionID":"ses_1","part":{"type":"tool","tool":"bash","state":{"status":"completed","input":{"command":"ls"},"output":"a"}}}
{"type":"tool_use","timestamp":3,"sessionID":"ses_1","part":{"type":"tool","tool":"edit","state":{"status":"error","input":{"filePath":"x"},"error":"The user rejected permission to use this specific tool call."}}}
{"type":"step_finish","timestamp":4,"sessionID":"ses_1","part":{"type":"step-finish","reason":"tool-calls","cost":0.01,"tokens":{"total":160,"input":100,"output":50,"reasoning":10,"cache":{"read":1000,"write":5}}}}
{"type":"step_start","timestamp":5,"sessionID":"ses_1","part":{"type":"step-start"}}
{"type":"text","timestamp":6,"sessionID":"ses_1","part":{"type":"text","text":"All is done."}}
{"type":"step_finish","timestamp":7,"sessionID":"ses_1","part":{"type":"step-finish","reason":"stop","cost":0.02,"tokens":{"input":1,"output":1,"reasoning":0,"cache":{"read":0,"write":0}}}}
"#;
    let got = read(text);
    assert_eq!((got.client, got.used), (Some(Client::OpenCode), usage(Some(30_000), 1_106, 1_000, 61)));
    assert_eq!(got.answer.as_deref(), Some("All is done."));
    assert_eq!(got.progress, ["First I look.", "bash ls", "edit x", "All is done."]);
    assert_eq!(got.questions.len(), 1, "{got:?}");
    let failed = read(
        "{\"type\":\"step_start\",\"sessionID\":\"s\",\"part\":{}}\n{\"type\":\"error\",\"sessionID\":\"s\",\"error\":{\"name\":\"APIError\",\"data\":{\"message\":\"Slow down\",\"statusCode\":429}}}\n",
    );
    assert_eq!((failed.error.as_deref(), failed.limits.len()), (Some("Slow down"), 1));
}

#[test]
fn a_whole_answer_in_one_object_is_read_where_the_client_is_known() {
    let mut stream = Stream::new(Profile::Client(Client::Gemini));
    let text = "{\"response\":\"Done.\\n\",\"stats\":{\"models\":{\"pro\":{\"tokens\":{\"prompt\":10,\"candidates\":2,\"thoughts\":3,\"cached\":4}}}}}";
    assert!(stream.push(text.as_bytes()).is_empty());
    assert_eq!(stream.finish(), [Fact::Used(usage(None, 10, 4, 5)), Fact::Answer("Done.".into()), Fact::Ended { ok: true }]);
}

#[test]
fn a_program_that_is_no_client_is_left_alone() {
    let text = "{\"type\":\"result\",\"value\":1}\n{\"type\":\"error\",\"message\":\"rate limit\"}\nplain text\n{broken\n";
    let got = read(text);
    assert_eq!(got, Read { rest: "plain text\n{broken".into(), ..Read::default() });
    let mut stream = Stream::new(Profile::None);
    assert!(stream.push(CLAUDE.as_bytes()).is_empty() && stream.client().is_none());
}

#[test]
fn damaged_and_endless_lines_are_passed_over() {
    let hostile = [
        "{\"type\":\"assistant\",\"message\":{\"id\":7,\"content\":\"x\",\"usage\":{\"input_tokens\":-5,\"output_tokens\":1e99}}}",
        "{\"type\":\"assistant\",\"message\":{\"content\":[null,{\"type\":\"tool_use\"},{\"type\":[]}]}}",
        "{\"type\":\"result\",\"total_cost_usd\":-1,\"usage\":[],\"modelUsage\":{\"m\":3},\"permission_denials\":[1]}",
        "{\"type\":\"rate_limit_event\"}",
        "{\"type\":{}}",
        "{\"type\":\"system\"",
        "\u{1b}[31m{}",
        "[]",
        "{}",
    ];
    let init = "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n";
    let huge = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "y".repeat(LINE_BYTES_MAX + 5));
    let last = "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"fine\",\"total_cost_usd\":0.1}";
    let got = read_in_pieces(&format!("{init}{}\n{huge}{last}", hostile.join("\n")), 65_536);
    assert_eq!((got.answer.as_deref(), got.used.cost_usd), (Some("fine"), Some(Usd::from_micros(100_000))));
    assert!(!got.rest.contains('\u{1b}'), "{}", got.rest);
    for client in Client::ALL {
        let mut stream = Stream::new(Profile::Client(client));
        for line in hostile.iter().chain([&init, &last]) {
            stream.push(line.as_bytes());
            stream.push(b"\n");
        }
    }
}
