//! The readers, one target each, and what must hold of what they read.

use oarlock_model::ErrorCode;
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;

use clap::Command;
use oarlock_model::duration::Duration;
use oarlock_model::pattern::{self, Pattern};
use oarlock_model::{AgentName, MessageId, SessionId, StateKey, TaskId};
use oarlock_ops::admin::Administration;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use oarlock_plan::{Conversation, Options, Plan, Turn, split, validate};
use oarlock_ralf::{Append, Project, append_items, set_block, set_item};
use oarlock_sqlite::{Options as StoreOptions, SqliteAdministration, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::{MemoryStore, say};

/// Something that reads.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its corpus.
    pub name: &'static str,
    /// Feeds it; a panic is a find.
    pub feed: fn(&[u8]),
}

/// Most questions of a conversation about a plan.
const QUESTIONS_MAX: usize = 5;

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "document", feed: document },
    Target { name: "plan", feed: plan },
    Target { name: "words", feed: words },
    Target { name: "request", feed: request },
    Target { name: "pattern", feed: patterns },
    Target { name: "value", feed: value },
    Target { name: "log", feed: log },
    Target { name: "config", feed: config },
    Target { name: "ralf", feed: ralf },
];

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// A task document: each step is in exactly one part, parts need only parts, and the lines are the document's.
fn document(input: &[u8]) {
    let text = text(input);
    let Ok(plan) = split(&text, &Options::new("T-1")) else { return };
    check_plan(&plan);
    let lines = text.lines().count();
    for step in &plan.steps {
        assert!(1 <= step.line && step.line <= step.end && step.end <= lines.max(1), "step {} is at {} to {}", step.n, step.line, step.end);
    }
    let again = split(&text, &Options::new("T-1"));
    assert!(again.is_ok_and(|again| again == plan), "the same document gives the same plan");
}

fn check_plan(plan: &Plan) {
    let steps: BTreeSet<usize> = plan.steps.iter().map(|step| step.n).collect();
    let placed: Vec<usize> = plan.subtasks.iter().flat_map(|part| part.steps.iter().copied()).collect();
    let distinct: BTreeSet<usize> = placed.iter().copied().collect();
    assert_eq!(placed.len(), distinct.len(), "a step is in two parts");
    assert!(plan.subtasks.is_empty() || distinct == steps, "steps {steps:?}, in parts {distinct:?}");
    let ids: BTreeSet<&str> = plan.subtasks.iter().map(|part| part.id.as_str()).collect();
    assert!(plan.subtasks.iter().all(|part| part.depends_on.iter().all(|need| ids.contains(need.as_str()) && *need != part.id)));
}

/// A plan that was made elsewhere, with a document before it or without.
fn plan(input: &[u8]) {
    let text = text(input);
    let (document, json) = match text.split_once("\n===\n") {
        Some((document, json)) => (Some(document), json),
        None => (None, &*text),
    };
    if let Ok(plan) = validate(json, document, &Options::new("T-1"), &["rust".to_owned()]) {
        let json = serde_json::to_string(&plan).expect("a plan can be written");
        let _: Plan = serde_json::from_str(&json).expect("and read again");
    }
    if let Some(document) = document {
        answered(document, json);
    }
}

/// Whatever a planner answers to every question, the conversation ends, and a plan that comes of it is one.
fn answered(document: &str, answer: &str) {
    let options = Options::new("T-1");
    let Ok(mut talk) = Conversation::begin(document, &options, &[]) else { return };
    for _ in 0..QUESTIONS_MAX {
        match talk.answer(answer, &mut |search| Some(search.done())) {
            Turn::Ask(_) => {}
            Turn::GiveUp(_) => return,
            Turn::Plan(plan) => {
                assert!(validate(&plan, Some(document), &options, &[]).is_ok_and(|plan| plan.planner == "given"), "{plan}");
                return;
            }
        }
    }
    unreachable!("more than {QUESTIONS_MAX} questions");
}

fn lived_in() -> MemoryStore {
    let mut store = MemoryStore::default();
    for line in [
        "ada: join --can rust",
        "bob: join",
        "-: add one --id A --writes src/**",
        "-: add two --id B --needs A",
        "ada: claim A",
        "ada: state-set k 1",
    ] {
        let _ = say(&mut store, line);
    }
    store
}

/// A command line, one word a line, which is then carried out: nothing that is said can make the log impossible.
fn words(input: &[u8]) {
    let text = text(input);
    let words: Vec<&str> = text.lines().collect();
    let Some(entry) = words.first().and_then(|verb| registry::find(verb)) else { return };
    let Ok(matches) = (entry.arguments)(Command::new(entry.verb)).try_get_matches_from(&words) else { return };
    if let Ok(call) = (entry.from_matches)(&matches) {
        carry_out(&*call);
    }
}

/// A request as the doors for programs get it: the verb, and JSON in the lines after it.
fn request(input: &[u8]) {
    let text = text(input);
    let Some((verb, json)) = text.split_once('\n') else { return };
    let (Some(entry), Ok(json)) = (registry::find(verb), serde_json::from_str(json)) else { return };
    if let Ok(call) = (entry.from_json)(json) {
        carry_out(&*call);
    }
}

fn carry_out(call: &dyn registry::Call) {
    // Waiting is no reading.
    if call.waiting().is_some() {
        return;
    }
    let mut store = lived_in();
    let caller = Caller { name: AgentName::parse("ada").ok(), ..Caller::default() };
    if let Err(error) = call.run(&mut store, &caller, &Settings::default()) {
        assert_ne!(error.code(), ErrorCode::Internal, "{error}");
        assert!(!error.to_string().is_empty());
    }
    store.replayed().expect("the log could have happened");
}

/// Two patterns and a path: overlap is symmetric, and patterns that match one path overlap, unless it leads through a file.
fn patterns(input: &[u8]) {
    let text = text(input);
    let mut lines = text.lines();
    let (one, two, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let _ = pattern::normalise_path(path);
    let Ok(one) = Pattern::parse(one) else { return };
    assert!(Pattern::parse(one.as_str()).is_ok_and(|again| again == one), "{} is read as itself", one.as_str());
    assert!(one.overlaps(&one), "{} overlaps itself", one.as_str());
    let Ok(two) = Pattern::parse(two) else { return };
    assert_eq!(one.overlaps(&two), two.overlaps(&one), "{} and {}", one.as_str(), two.as_str());
    if let Ok(path) = pattern::normalise_path(path)
        && one.matches(&path)
        && two.matches(&path)
        && !path.rsplit_once('/').is_some_and(|(above, _)| above.split('/').any(pattern::is_file_name))
    {
        assert!(one.overlaps(&two), "{} and {} both match {path}", one.as_str(), two.as_str());
    }
}

/// Single values: an accepted value is written so that it can be read again.
fn value(input: &[u8]) {
    let text = text(input);
    let text = text.trim_end_matches('\n');
    if let Ok(duration) = text.parse::<Duration>() {
        assert!(duration.to_string().parse::<Duration>().is_ok_and(|again| again == duration), "{text}: {duration}");
    }
    macro_rules! same {
        ($($kind:ty),*) => {$(
            if let Ok(value) = <$kind>::parse(text) {
                assert_eq!(value.as_str(), text);
            }
        )*};
    }
    same!(TaskId, AgentName, SessionId, StateKey, MessageId);
    let shown = oarlock_model::ident::shown(text);
    assert!(!shown.contains(['\n', '\u{1b}', '\u{202e}']), "{shown:?}");
    let line = oarlock_model::text::escaped_line(text);
    assert!(!line.chars().any(|c| c.is_control() || oarlock_model::text::is_bidi_or_invisible(c)), "{line:?}");
    assert_eq!(oarlock_model::text::escaped_line(&line), line, "escaping twice is escaping once");
}

/// An exported log: all of it or nothing, and the imported store is sound.
fn log(input: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let place = StorePaths::of_file(dir.path().join("oarlock.db"));
    let options = StoreOptions { synchronous: Synchronous::Off, ..StoreOptions::default() };
    drop(SqliteStore::create(&place, "T", options.clone()).expect("an empty directory"));
    let mut admin = SqliteAdministration::new(place, options);
    match admin.import(&mut Cursor::new(input)) {
        Ok(_) => {
            let report = admin.doctor(false, false).expect("it can be looked at");
            assert!(report.ok, "{:?}", report.checks);
        }
        Err(error) => assert_ne!(error.code(), ErrorCode::Internal, "{error}"),
    }
}

/// A configuration file: refusals say where.
fn config(input: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("config.toml");
    fs::write(&file, input).expect("writes");
    if let Err(error) = oarlock_client::config::load(Some(&file)) {
        assert_ne!(error.code(), ErrorCode::Internal, "{error}");
        assert!(error.to_string().contains("config.toml"), "{error}");
    }
}

/// Files of RALF's, each read as what its name says: nothing is a panic, and an edit of a valid file leaves it valid, with one thing more.
fn ralf(input: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let names = ["heartbeat.yaml", "events.yaml", "queue.yaml", "chat-log.yaml", "agent-state.yaml", "TASK-1.md"];
    for name in names {
        fs::write(dir.path().join(name), input).expect("writes");
        let project = Project::read(&dir.path().join(name), 1_770_000_000_000).expect("it is there");
        // The parser counts the line ends of old and of other systems too.
        let ends = String::from_utf8_lossy(input).matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
        assert!(project.faults.iter().all(|fault| fault.line <= ends + 2), "{:?}", project.faults);
    }
    let text = text(input);
    let fields = [("status", "it's: \"so\" # now".into()), ("n", 3.into())];
    let read = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).expect("writes");
        Project::read(&dir.path().join(name), 1_770_000_000_000).expect("it is there")
    };
    if let Ok(edited) = set_block(&text, "agents", "ada", &fields) {
        let (before, after) = (read("agent-state.yaml", &text), read("agent-state.yaml", &edited));
        if before.faults.is_empty() {
            assert!(after.faults.is_empty(), "{:?}\n{edited}", after.faults);
            let others = |project: &Project| {
                project.states.iter().filter(|state| state.agent != "ada").map(|s| s.fields.clone()).collect::<Vec<_>>()
            };
            assert_eq!(others(&before), others(&after));
            let own = after.states.iter().find(|state| state.agent == "ada").expect("it was set");
            assert_eq!((&own.fields["status"], &own.fields["n"]), (&fields[0].1, &fields[1].1));
            assert_eq!(set_block(&edited, "agents", "ada", &fields).as_ref(), Ok(&edited), "the same again changes nothing");
        }
    }
    if let Ok(edited) = append_items(&text, "events", &[fields.to_vec()]) {
        let after = match edited {
            Append::AtEnd(more) => format!("{text}{more}"),
            Append::Whole(text) => text,
        };
        let (before, after) = (read("events.yaml", &text), read("events.yaml", &after));
        assert_eq!(before.events.len() + 1, after.events.len());
        assert!(!before.faults.is_empty() || after.faults.is_empty(), "{:?}", after.faults);
    }
    let queue = read("queue.yaml", &text);
    for item in queue.queue.iter().take(3) {
        if let Ok(edited) = set_item(&text, &item.id, &fields) {
            let after = read("queue.yaml", &edited);
            assert!(!queue.faults.is_empty() || after.faults.is_empty(), "{:?}", after.faults);
            let ids = |project: &Project| project.queue.iter().map(|item| item.id.clone()).collect::<Vec<_>>();
            assert!(!queue.faults.is_empty() || ids(&queue) == ids(&after), "{edited}");
        }
    }
}
