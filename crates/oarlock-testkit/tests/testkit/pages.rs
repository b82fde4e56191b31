//! Lists in pages, on every store: each item comes once, whatever the size of a page, and a page that was cut says so.

use oarlock_model::ErrorCode;
use oarlock_testkit::harness::{Actor, Step};
use oarlock_testkit::{Lockstep, MemoryHarness};
use serde_json::Value;

use crate::sqlite_harness::SqliteHarness;

/// A list: its verb with arguments, the field of its reply, whether its pages go back in time.
type List = (&'static str, &'static str, bool);

const LISTS: [List; 11] = [
    ("tasks", "tasks", false),
    ("ready", "tasks", false),
    ("task T-1", "events", true),
    ("events", "events", false),
    ("events --kind task_added", "events", false),
    ("inbox", "messages", true),
    ("inbox --all", "messages", true),
    ("thread {message}", "messages", false),
    ("state", "entries", false),
    ("reservations", "reservations", false),
    ("agents --all", "agents", false),
];

fn say(harnesses: &mut Lockstep, actor: &str, words: &[&str]) -> Value {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    match harnesses.run(&Step::Call(Actor::parse(actor), words.clone())) {
        Some(Ok(reply)) => reply,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn line(harnesses: &mut Lockstep, actor: &str, line: &str) -> Value {
    say(harnesses, actor, &line.split(' ').collect::<Vec<_>>())
}

fn items(reply: &Value, field: &str) -> Vec<Value> {
    reply[field].as_array().cloned().unwrap_or_else(|| panic!("no {field} in {reply}"))
}

fn ids(items: &[Value]) -> Vec<&str> {
    let id = |item: &'_ Value| ["id", "cursor", "key", "name"].iter().find(|name| item[**name].is_string()).copied();
    items.iter().map(|item| id(item).and_then(|name| item[name].as_str()).unwrap_or_default()).collect()
}

/// The whole list, page by page, and the lengths of its pages in the order in which they were asked for.
fn by_pages(harnesses: &mut Lockstep, (verb, field, goes_back): List, limit: Option<usize>) -> (Vec<Value>, Vec<usize>) {
    let (mut all, mut lengths, mut next) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let mut words = verb.to_owned();
        if let Some(limit) = limit {
            words.push_str(&format!(" --limit {limit}"));
        }
        if let Some(next) = &next {
            words.push_str(&format!(" --after {next}"));
        }
        let reply = line(harnesses, "bob", &words);
        let page = items(&reply, field);
        lengths.push(page.len());
        assert!(limit.is_none_or(|limit| page.len() <= limit), "{words}: {lengths:?}");
        assert!(lengths.len() < 100, "{words} has no end: {lengths:?}");
        if goes_back {
            all.splice(0..0, page);
        } else {
            all.extend(page);
        }
        next = reply["next"].as_str().map(str::to_owned);
        if verb.starts_with("events") {
            assert!(reply["cursor"].is_string() && (next.is_none() || reply["cursor"] == reply["next"]), "{reply}");
        }
        if next.is_none() {
            return (all, lengths);
        }
    }
}

fn harnesses() -> Lockstep {
    let mut harnesses = Lockstep::new(vec![Box::new(MemoryHarness::default()), Box::new(SqliteHarness::new())]);
    for name in ["bob", "ada", "cy", "dee", "eve"] {
        line(&mut harnesses, "-", &format!("join {name}"));
    }
    harnesses
}

#[test]
fn every_item_comes_once_whatever_the_size_of_a_page() {
    let mut harnesses = harnesses();
    for n in 0..9 {
        line(&mut harnesses, "-", &format!("add task{n} --priority {}", n % 3));
    }
    // Leases that have ended are offered between the ready tasks, each at its own place.
    for id in ["T-2", "T-5", "T-7"] {
        line(&mut harnesses, "ada", &format!("claim {id} --ttl 60s"));
    }
    harnesses.run(&Step::Tick(61_000));
    for n in 0..7 {
        line(&mut harnesses, "ada", &format!("note T-1 note{n}"));
        line(&mut harnesses, "ada", &format!("state-set key/{} {n}", ["b", "a", "c", "a/a", "e", "d", "f"][n]));
        line(&mut harnesses, "cy", &format!("reserve src/{n}.rs"));
    }
    let first = line(&mut harnesses, "ada", "send bob cy --text m0");
    let thread = first["messages"][0]["id"].as_str().expect("an id").to_owned();
    for n in 1..8 {
        line(&mut harnesses, "ada", &format!("send bob --text m{n} --thread {thread}"));
    }
    let acked = line(&mut harnesses, "bob", "inbox --limit 3")["messages"][1]["id"].clone();
    line(&mut harnesses, "bob", &format!("ack {}", acked.as_str().expect("an id")));
    line(&mut harnesses, "dee", "leave");
    for list in LISTS {
        let (whole, lengths) = by_pages(&mut harnesses, list, None);
        assert!(whole.len() >= 5 && lengths.len() == 1, "{list:?}: {lengths:?}");
        for limit in 1..=whole.len() + 1 {
            let (paged, lengths) = by_pages(&mut harnesses, list, Some(limit));
            assert_eq!(ids(&paged), ids(&whole), "{list:?} by {limit}");
            assert_eq!(lengths.len(), whole.len().div_ceil(limit), "{list:?} by {limit}: {lengths:?}");
        }
    }
    // The newest page says how many are before it.
    let reply = line(&mut harnesses, "bob", "inbox --limit 2");
    assert_eq!((&reply["older"], ids(&items(&reply, "messages")).len()), (&5.into(), 2), "{reply}");
    assert_eq!(reply["messages"][1]["text"], "m7");
    assert!(line(&mut harnesses, "bob", "inbox").get("older").is_none());
    // Who is active is counted over all pages.
    assert_eq!(line(&mut harnesses, "bob", "agents --limit 1")["active"], 4);
}

#[test]
fn a_page_that_its_texts_have_filled_says_so() {
    let mut harnesses = harnesses();
    let long = "x".repeat(900_000);
    for n in 0..3 {
        say(&mut harnesses, "-", &["add", &format!("t{n}"), "--body", &long]);
        say(&mut harnesses, "ada", &["state-set", &format!("k{n}"), &format!("\"{long}\"")]);
        say(&mut harnesses, "-", &["update", "T-1", "--body", &format!("{long}{n}")]);
    }
    let first = say(&mut harnesses, "ada", &["send", "bob", "--text", &long]);
    let thread = first["messages"][0]["id"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        say(&mut harnesses, "ada", &["send", "bob", "--text", &long, "--thread", &thread]);
    }
    for list in LISTS.into_iter().filter(|(_, field, _)| !matches!(*field, "reservations" | "agents")) {
        let (all, lengths) = by_pages(&mut harnesses, list, None);
        assert!(lengths.len() > 1 && lengths.iter().all(|length| *length >= 1), "{list:?}: {lengths:?}");
        let (singly, _) = by_pages(&mut harnesses, list, Some(1));
        assert_eq!(ids(&all), ids(&singly), "{list:?}");
    }
}

#[test]
fn the_results_of_parts_count_for_the_size_of_a_page() {
    let mut harnesses = harnesses();
    let long = "x".repeat(900_000);
    for n in 0..3 {
        line(&mut harnesses, "-", &format!("add parent --id P{n}"));
        line(&mut harnesses, "-", &format!("add part --id C{n} --parent P{n}"));
        line(&mut harnesses, "bob", &format!("claim C{n}"));
        say(&mut harnesses, "bob", &["done", &format!("C{n}"), "--result", &long]);
    }
    // Parents to integrate show what their parts came to; so do the parts.
    for (list, pages) in [(("ready", "tasks", false), 2), (("tasks", "tasks", false), 3)] {
        let (all, lengths) = by_pages(&mut harnesses, list, None);
        assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (pages, all.len()), "{list:?}: {lengths:?}");
    }
}

#[test]
fn a_cursor_of_another_form_and_a_wait_for_older_messages_are_refused() {
    let mut harnesses = harnesses();
    for words in [
        "ready --after x",
        "tasks --after 1.5",
        "thread M-1 --after -1",
        "state --after ../x",
        "agents --after a/b",
        "inbox --after 1 --wait 1s",
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let outcome = harnesses.run(&Step::Call(Actor::parse("bob"), words.clone()));
        let error = outcome.and_then(Result::err).unwrap_or_else(|| panic!("{words:?} is accepted"));
        assert!(matches!(error.code(), ErrorCode::InvalidRequest | ErrorCode::Usage), "{words:?}: {error}");
    }
}
