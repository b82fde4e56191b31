//! Pictures of tasks.

use serde_json::json;
use std::fs;

use crate::support::Project;

fn project() -> Project {
    let project = Project::with(&["ada"]);
    project.ok("add old --id OLD");
    project.claim("OLD", "ada");
    project.ok("done OLD --as ada");
    project.ok("add api --id API --estimate 30m --needs OLD");
    project.ok("add page --id PAGE --estimate 10m");
    project.ok("add 'say \"hi\" <b>' --id TESTS --needs API,PAGE");
    project.ok("add whole --id W");
    project.ok("add part --id W-1 --parent W --needs PAGE");
    project.ok("add gone --id GONE");
    project.claim("GONE", "ada");
    project.ok("done GONE --as ada");
    project
}

#[test]
fn the_graph_has_what_is_unfinished_and_what_that_waits_for() {
    let project = project();
    let graph = project.ok("graph");
    assert_eq!((&graph["tasks"], &graph["critical_path"]), (&json!(6), &json!(["API", "TESTS"])));
    let text = graph["picture"].as_str().expect("a picture");
    assert!(text.contains("after API, PAGE") && text.contains("after W-1") && !text.contains("GONE"), "{text}");
    assert_eq!(project.text("graph"), text);
    // A task alone, with its parts.
    assert_eq!(project.ok("graph W")["tasks"], 2);
    assert!(project.ok("graph W --format mermaid")["picture"].as_str().expect("a picture").starts_with("flowchart LR\n"));
    assert!(project.ok("graph --format dot")["picture"].as_str().expect("a picture").starts_with("digraph"));
    project.fails("graph NONE", 3, "not_found");
}

#[test]
fn a_picture_goes_into_a_file() {
    let project = project();
    let drawn = project.ok("graph --format svg --out tasks.svg");
    assert_eq!((&drawn["tasks"], &drawn["file"], drawn.get("picture")), (&json!(6), &json!("tasks.svg"), None));
    let picture = fs::read_to_string(project.root().join("tasks.svg")).expect("the picture");
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n") && picture.contains("say &quot;hi&quot; &lt;b&gt;"), "{picture}");
    let refused = project.fails("graph --out nowhere/tasks.svg", 2, "invalid_request");
    assert!(refused["message"].as_str().expect("a message").contains("nowhere/tasks.svg cannot be written"), "{refused}");
}

#[test]
fn the_timeline_has_every_attempt() {
    let project = project();
    project.claim("API", "ada");
    project.ok("fail API --as ada --reason no");
    let drawn = project.ok("timeline");
    assert_eq!((&drawn["tasks"], &drawn["attempts"]), (&json!(3), &json!(3)));
    let text = drawn["picture"].as_str().expect("a picture");
    assert!(text.contains("✓ OLD") && text.contains("✗ API") && text.contains("ada"), "{text}");
    assert_eq!(project.ok("timeline API")["attempts"], 1);
    let file = project.ok("timeline --format svg --out time.svg");
    assert_eq!(file["file"], "time.svg");
    assert!(fs::read_to_string(project.root().join("time.svg")).expect("the picture").starts_with("<svg "));
    assert_eq!(Project::new().text("timeline"), "nothing was claimed\n");
}
