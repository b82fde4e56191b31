//! The rights of an agent's access key over things of others, verb by verb, on every store. A verb without a row here fails the test:
//! anyone who adds one has to say what an agent's key may do with it, also in `docs/security.md`.

use oarlock_ops::registry;
use oarlock_testkit::harness::{Actor, Step};
use oarlock_testkit::{Lockstep, MemoryHarness};

use crate::sqlite_harness::SqliteHarness;

/// Eve has an agent's key. Bob holds `held` and `hers`, which she made; `free` was made by a person, `bobs` by bob; `gated` is in
/// review and `dead` is dead; `her-part` is a part of `her-own`. Each row has calls of hers and what comes of them.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    ("join", &[("join --take-over", "ok"), ("join eve.tests", "ok"), ("join bob --take-over", "denied"), ("join mallory", "denied")]),
    ("agents", &[("agents", "ok")]),
    ("agent", &[("agent bob", "ok")]),
    ("heartbeat", &[("heartbeat", "ok"), ("heartbeat --session {session:bob}", "invalid_request")]),
    ("leave", &[("leave --session {session:bob}", "invalid_request")]),
    (
        "add",
        &[
            ("add new --needs held", "ok"),
            ("add part --parent held", "lease_held"),
            ("add part --parent hers", "lease_held"),
            ("add part --parent free", "denied"),
            ("add part --parent bobs", "denied"),
            ("add part --parent her-own", "ok"),
            ("add part --parent her-part", "ok"),
        ],
    ),
    (
        "update",
        &[
            ("update held --priority 4", "denied"),
            ("update free --assign eve", "denied"),
            ("update bobs --needs her-own", "denied"),
            ("update hers --title mine", "ok"),
            ("update her-part --priority 0", "ok"),
        ],
    ),
    ("note", &[("note held look", "ok")]),
    ("tasks", &[("tasks", "ok")]),
    ("task", &[("task held", "ok")]),
    ("ready", &[("ready", "ok")]),
    ("attention", &[("attention", "ok")]),
    (
        "depend",
        &[
            ("depend held --on her-own", "denied"),
            ("depend free --on her-own", "denied"),
            ("depend bobs --on bobs-need --remove", "denied"),
            ("depend hers --on her-own", "ok"),
            ("depend her-own --on bobs", "ok"),
        ],
    ),
    (
        "split",
        &[
            ("split held", "lease_held"),
            ("split free", "denied"),
            ("split bobs", "denied"),
            ("split free --dry-run", "ok"),
            ("split her-document --dry-run", "ok"),
        ],
    ),
    ("claim", &[("claim held", "lease_held"), ("claim free", "ok")]),
    ("renew", &[("renew held", "lease_held"), ("renew held --token {token:held}", "lease_held")]),
    ("done", &[("done held", "lease_held"), ("done held --token {token:held}", "lease_held")]),
    ("fail", &[("fail held --reason x", "lease_held"), ("fail held --reason x --token {token:held}", "lease_held")]),
    ("release", &[("release held", "lease_held"), ("release held --token {token:held}", "lease_held")]),
    ("requeue", &[("requeue dead", "denied")]),
    (
        "cancel",
        &[
            ("cancel held", "denied"),
            ("cancel hers", "denied"),
            ("cancel free", "denied"),
            ("cancel bobs --drop", "invalid_request"),
            ("cancel bobs-part --drop", "denied"),
            ("cancel her-part --drop", "ok"),
            ("cancel her-own", "ok"),
        ],
    ),
    ("approve", &[("approve gated", "denied")]),
    ("reject", &[("reject gated --reason x", "denied")]),
    ("wait", &[("wait done", "ok")]),
    ("sync", &[("sync a=1", "ok")]),
    ("state", &[("state", "ok")]),
    ("state-set", &[("state-set agent/bob {}", "denied"), ("state-set shared/x 1", "ok")]),
    ("state-delete", &[("state-delete agent/bob", "denied"), ("state-delete shared/bobs", "ok")]),
    ("reserve", &[("reserve src/bob.rs", "reservation_overlap"), ("reserve src/eve.rs --task held", "lease_held")]),
    ("unreserve", &[("unreserve {reservation}", "denied")]),
    ("reservations", &[("reservations", "ok")]),
    ("check", &[("check docs/x.md", "ok"), ("check src/bob.rs", "reservation_overlap")]),
    ("send", &[("send bob --text hi", "ok")]),
    ("inbox", &[("inbox", "ok")]),
    ("ack", &[("ack {message}", "denied")]),
    ("thread", &[("thread {message}", "ok")]),
    ("propose", &[("propose ours? --options a,b", "ok")]),
    ("vote", &[("vote {proposal} a", "ok"), ("vote {proposal} a --session {session:bob}", "invalid_request")]),
    ("decision", &[("decision {proposal}", "ok")]),
    ("events", &[("events", "ok")]),
    ("status", &[("status", "ok")]),
    ("prime", &[("prime", "ok")]),
];

const WORLD: &[&str] = &[
    "-: join bob",
    "-: join eve",
    "-: add held --id held",
    "-: add free --id free --body text",
    "bob: add bobs-need --id bobs-need",
    "bob: add bobs --id bobs --needs bobs-need",
    "bob: add bobs-part --id bobs-part --parent bobs",
    "eve: add hers --id hers",
    "eve: add her-own --id her-own",
    "-: add her-part --id her-part --parent her-own",
    "eve: add her-document --id her-document",
    "-: add gated --id gated --gate human",
    "-: add dead --id dead --max-attempts 1",
    "-: add done --id done",
    "bob: claim held",
    "bob: claim hers",
    "bob: claim gated",
    "bob: done gated",
    "bob: claim done",
    "bob: done done",
    "bob: claim dead",
    "bob: fail dead --reason x",
    "bob: state-set shared/bobs 1",
    "bob: sync a=1",
    "bob: reserve src/bob.rs",
    "-: join cy",
    "cy: send bob --text private",
    "-: propose which? --options a,b",
];

fn step(harnesses: &mut Lockstep, actor: &str, line: &str) -> String {
    let words = line.split(' ').map(str::to_owned).collect();
    match harnesses.run(&Step::Call(Actor::parse(actor), words)) {
        Some(Ok(_)) => "ok".to_owned(),
        Some(Err(error)) => error.code().to_string(),
        None => panic!("{line} is no call"),
    }
}

#[test]
fn an_agents_key_changes_only_its_own_work_by_any_verb() {
    let mut wrong = Vec::new();
    for entry in registry::ENTRIES {
        let Some((_, rows)) = TABLE.iter().find(|(verb, _)| *verb == entry.verb) else {
            panic!("no row says what an agent's key may do with {}", entry.verb)
        };
        // Each verb finds the world as it was.
        let mut harnesses = Lockstep::new(vec![Box::new(MemoryHarness::default()), Box::new(SqliteHarness::new())]);
        for line in WORLD {
            let (actor, words) = line.split_once(": ").expect("an actor and its words");
            assert_eq!(step(&mut harnesses, actor, words), "ok", "{line}");
        }
        for (line, expected) in *rows {
            let found = step(&mut harnesses, "@eve", line);
            if found != *expected {
                wrong.push(format!("{line}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(TABLE.len(), registry::ENTRIES.len(), "a row is of a verb that is gone");
}

#[test]
fn the_documents_say_of_each_verb_what_an_agents_key_may_do() {
    let page = include_str!("../../../../docs/security.md");
    let (_, table) = page.split_once("| verb | with an agent's key |").expect("the table of verbs");
    let table = table.split("\n\n").next().unwrap_or_default();
    let cells: Vec<&str> = table.lines().filter_map(|line| line.split('|').nth(1)).collect();
    for entry in registry::ENTRIES {
        let verb = format!("`{}`", entry.verb);
        assert_eq!(cells.iter().filter(|cell| cell.split(", ").any(|word| word.trim() == verb)).count(), 1, "{verb} in docs/security.md");
    }
}
