//! A client knows the store behind an address, and takes nothing from another for it.

use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::{Project, Served};

fn port_of(served: &Served) -> u16 {
    served.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

fn stop(served: Served) {
    served.running.signal(rustix::process::Signal::TERM);
    served.running.output();
}

#[test]
fn every_answer_says_which_store_it_comes_from() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let http = served.http();
    let store = http.post("agents", &json!({})).header("oarlock-store").expect("the header").to_owned();
    assert!(store.len() == 32 && store.bytes().all(|b| b.is_ascii_hexdigit()), "{store}");
    let nobody = http.with("Authorization", "");
    for answer in [
        http.get("/healthz"),
        http.get("/openapi.json"),
        http.get("/metrics"),
        http.get("/nowhere"),
        http.post("nonsense", &json!({})),
        http.post("task", &json!({"id": "none"})),
        http.with("Host", "elsewhere").get("/healthz"),
        nobody.post("agents", &json!({})),
    ] {
        assert_eq!(answer.header("oarlock-store"), Some(&*store), "{answer:?}");
    }
}

#[test]
fn the_gateway_of_another_project_at_the_same_address_is_refused_until_it_is_accepted() {
    let (project, other) = (Project::with(&["ada"]), Project::with(&["ada"]));
    let served = project.serve("");
    let port = port_of(&served);
    let url = served.url.clone();
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &url);
    through("add mine").ok();
    stop(served);
    // The same one again is welcome.
    let served = project.serve(&format!("--bind 127.0.0.1:{port}"));
    through("add 'mine too'").ok();
    let key = std::fs::read(&served.key_file).expect("a key");
    let key_file = served.key_file.clone();
    stop(served);
    // The other project's gateway, which this client even has a key for.
    let serve = other.serve(&format!("--bind 127.0.0.1:{port}"));
    std::fs::copy(&serve.key_file, &key_file).expect("a key");
    let error = through("add theirs").fails(7, "store_unavailable");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("rm ")), "{error}");
    through("events --wait 1s").fails(7, "store_unavailable");
    assert_eq!(other.ok("tasks")["tasks"], json!([]), "but nothing came of it");
    // Without its key, it is another store first of all.
    std::fs::write(&key_file, key).expect("a key");
    through("tasks").fails(7, "store_unavailable");
    std::fs::copy(&serve.key_file, &key_file).expect("a key");
    // On purpose, as the hint says.
    let accept = error["hint"].as_str().and_then(|hint| hint.split("rm ").nth(1)).expect("a command");
    assert!(project.shell(&format!("rm {accept}")).status.success());
    through("tasks").ok();
}

#[test]
fn a_restore_under_a_running_gateway_is_another_store_to_its_clients() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    through("add mine").ok();
    let file = project.beside("backup.db");
    project.ok(&format!("backup {}", file.display()));
    project.ok(&format!("restore {}", file.display()));
    through("tasks").fails(7, "store_unavailable");
    through("add more").fails(7, "store_unavailable");
}

#[test]
fn what_is_no_gateway_of_ours_is_not_taken_for_one() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let (url, port) = (served.url.clone(), port_of(&served));
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &url);
    through("tasks").ok();
    let store = served.http().post("tasks", &json!({})).header("oarlock-store").expect("the header").to_owned();
    stop(served);
    let ours = format!("Oarlock-Store: {store}\r\n");
    for (headers, body) in [
        // A login page, a server of JSON, one that says it is ours and answers something else.
        ("", "<html>please log in</html>"),
        ("", "{\"tasks\":[]}"),
        (ours.as_str(), "<html>please log in</html>"),
        (ours.as_str(), "{\"hello\":\"world\"}"),
        (ours.as_str(), "[]"),
        ("Oarlock-Store: x\r\n", "{\"tasks\":[]}"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let answering = thread::spawn(move || {
            // A client may knock before it asks.
            while let Ok((mut stream, _)) = listener.accept() {
                let mut bytes = [0; 4_096];
                if stream.read(&mut bytes).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(answer.as_bytes());
                    return;
                }
            }
        });
        through("tasks").fails(7, "store_unavailable");
        answering.join().expect("it answered");
    }
}
