//! One key against all: what it may take of the gateway at once, and what others still get meanwhile.

use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Answer, Http, Project, Served};

/// A gateway with keys for ada and bob.
fn served(flags: &str) -> (Project, Served, Http, Http) {
    let project = Project::with(&["ada", "bob"]);
    let served = project.serve(flags);
    let http_of = |name: &str| {
        let key = project.ok(&format!("access create --name {name}"))["key"].as_str().expect("shown once").to_owned();
        Http::new(&served.url, &key)
    };
    let (ada, bob) = (http_of("ada"), http_of("bob"));
    (project, served, ada, bob)
}

#[track_caller]
fn limited(answer: &Answer) {
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (422, &json!("limit_reached")), "{answer:?}");
}

/// The status of an answer that goes on, or has not been read yet.
#[track_caller]
fn status_of(stream: &mut TcpStream) -> String {
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("an answer");
    String::from_utf8_lossy(&first[9..]).into_owned()
}

#[test]
fn one_agent_takes_not_every_stream_and_an_operator_has_64() {
    let (_project, served, ada, bob) = served("--streams 3");
    let follow = |http: &Http| http.open("GET", "/v1/events", b"");
    let mut adas: Vec<TcpStream> = (0..3).map(|_| follow(&ada)).collect();
    assert!(adas.iter_mut().all(|stream| status_of(stream) == "200"));
    limited(&ada.get("/v1/events"));
    assert_eq!(status_of(&mut follow(&bob)), "200");
    let mut own: Vec<TcpStream> = (0..64).map(|_| follow(&served.http())).collect();
    assert!(own.iter_mut().all(|stream| status_of(stream) == "200"));
    // What has ended is given back.
    drop(adas);
    while status_of(&mut follow(&ada)) != "200" {
        std::thread::yield_now();
    }
}

#[test]
fn one_agent_and_its_helpers_have_so_many_calls_that_wait() {
    let (_project, _served, ada, bob) = served("--waits 2");
    let helper = ada.post("access-create", &json!({"name": "ada.x"})).json()["key"].as_str().expect("shown once").to_owned();
    let helper = Http { authority: ada.authority.clone(), headers: ada.with("Authorization", &format!("Bearer {helper}")).headers };
    helper.post("join", &json!({}));
    let waits = br#"{"wait":"60s"}"#;
    let callers = [&ada, &helper];
    let mut waiting = callers.map(|caller| caller.open("POST", "/v1/inbox", waits));
    // Both wait once a third is refused; until then it waits only a moment, and whom it kept out asks again.
    while ada.post("inbox", &json!({"wait": "1s"})).status != 422 {
        for (stream, caller) in waiting.iter_mut().zip(callers) {
            if is_answered(stream) {
                *stream = caller.open("POST", "/v1/inbox", waits);
            }
        }
    }
    limited(&helper.post("inbox", &json!({"wait": "1s"})));
    assert_eq!(ada.post("inbox", &json!({})).status, 200, "a call that does not wait");
    // Another agent waits, and wakes the first two.
    assert_eq!(bob.post("send", &json!({"to": ["ada", "ada.x"], "text": "hi"})).status, 200);
    assert!(waiting.iter_mut().all(|stream| status_of(stream) == "200"));
    assert_eq!(bob.post("inbox", &json!({"wait": "1s"})).json()["error"]["code"], "timed_out", "it may wait");
}

/// Whether an answer has begun to come.
fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("an open socket");
    let is_answered = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).expect("an open socket");
    is_answered
}

#[test]
fn what_is_asked_too_much_is_refused_before_it_is_read() {
    let (_project, served, ada, bob) = served("--calls-per-second 1 --request-bytes 100000");
    let head = |http: &Http, bytes: usize| {
        let mut head = format!("POST /v1/add HTTP/1.1\r\nContent-Length: {bytes}\r\n");
        http.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        http.raw(format!("{head}\r\n").as_bytes())
    };
    // Larger than this agent may send at all: the answer comes although nothing of it does.
    assert_eq!(status_of(&mut head(&ada, 100_001)), "422");
    assert_eq!(served.http().post("add", &json!({"title": "x", "body": "y".repeat(200_000)})).status, 200, "an operator may");
    // One call a second, and four at once: the first was one.
    for _ in 0..3 {
        assert_eq!(ada.post("status", &json!({})).status, 200);
    }
    assert_eq!(status_of(&mut head(&ada, 1_000)), "422", "and its body never came");
    assert_eq!(bob.post("status", &json!({})).status, 200);
}

#[test]
fn slow_uploads_keep_out_nobody_else() {
    let (_project, _served, ada, bob) = served("");
    let mut head = String::from("POST /v1/add HTTP/1.1\r\nContent-Length: 2000000\r\n");
    ada.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    let slow: Vec<TcpStream> = (0..30).map(|_| ada.raw(format!("{head}\r\n{{").as_bytes())).collect();
    let large = json!({"title": "x", "body": "y".repeat(1 << 20)});
    assert_eq!(bob.post("add", &large).status, 200);
    drop(slow);
    assert_eq!(ada.post("add", &large).status, 200, "its own places are given back");
}

#[test]
fn one_agent_has_its_share_of_connections() {
    let (_project, served, ada, bob) = served("--connections 2");
    let keep = |http: &Http| {
        let mut head = String::from("GET /metrics HTTP/1.1\r\n");
        http.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let mut stream = http.raw(format!("{head}\r\n").as_bytes());
        assert_eq!(status_of(&mut stream), "200");
        stream
    };
    let kept = [keep(&ada), keep(&ada)];
    let refused = ada.get("/metrics");
    limited(&refused);
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!((bob.get("/metrics").status, served.http().get("/metrics").status), (200, 200));
    drop(kept);
    while ada.get("/metrics").status != 200 {
        std::thread::yield_now();
    }
}

#[test]
fn whoever_shows_no_key_makes_room() {
    let (_project, served, ada, _bob) = served("");
    let mut first = ada.raw(b"POST /v1/status HTTP/1.1\r\nHost: ");
    let strangers: Vec<TcpStream> = (0..1_000).filter_map(|_| TcpStream::connect(&ada.authority).ok()).collect();
    for http in [&ada, &served.http()] {
        assert_eq!(http.post("status", &json!({})).status, 200);
    }
    // The oldest had to go.
    let mut rest = Vec::new();
    assert!(first.read_to_end(&mut rest).is_err() || rest.is_empty(), "{rest:?}");
    let _ = first.write_all(b"x");
    drop(strangers);
}

#[test]
fn helpers_keys_share_the_quota_of_their_agent() {
    let (_project, _served, ada, bob) = served("--calls-per-second 2");
    let made = ada.post("access-create", &json!({"name": "ada.x"})).json();
    let helper = Http::new(&format!("http://{}", ada.authority), made["key"].as_str().expect("shown once"));
    let answers: Vec<u16> = (0..12).map(|n| if n % 2 == 0 { &ada } else { &helper }.post("status", &json!({})).status).collect();
    assert!(answers.contains(&422), "{answers:?}");
    assert_eq!(bob.post("status", &json!({})).status, 200);
}
