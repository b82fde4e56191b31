//! Answers that a client accepts: the reply of the verb, from the store that it knows, and nothing else.

use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::mcp::Client;
use crate::support::{Call, Project};

/// A project whose clients know a gateway at a socket, at which somebody else answers now.
struct Scene {
    project: Project,
    socket: PathBuf,
    key_file: PathBuf,
    /// The store that the gateway served.
    store: String,
}

impl Scene {
    fn new() -> Self {
        let project = Project::with(&["ada"]);
        let socket = project.beside("gate.sock");
        let served = project.serve(&format!("--bind unix:{}", socket.display()));
        let key_file = served.key_file.clone();
        project.call("tasks").env("OARLOCK_STORE", &served.url).ok();
        served.running.signal(rustix::process::Signal::TERM);
        served.running.output();
        let known = key_file.parent().expect("a folder").read_dir().expect("readable").flatten();
        let known = known.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "store")).expect("it is known");
        let store = std::fs::read_to_string(known).expect("readable").trim().to_owned();
        Self { project, socket, key_file, store }
    }

    fn call(&self, line: &str) -> Call {
        let url = format!("unix:{}", self.socket.display());
        self.project.call(line).env("OARLOCK_STORE", url).env("OARLOCK_KEY_FILE", &self.key_file)
    }

    /// Has somebody answer every request so, as long as the scene lasts.
    fn answering(&self, answer: impl Fn(UnixStream) + Send + 'static) {
        let _ = std::fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).expect("the socket is free");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream);
            }
        });
    }

    /// The bytes of an answer, with the header that says which store it is from.
    fn answer(&self, status: &str, headers: &str, body: &str) -> Vec<u8> {
        let store = &self.store;
        format!("HTTP/1.1 {status}\r\nOarlock-Store: {store}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn answering_bytes(&self, bytes: Vec<u8>) {
        self.answering(move |mut stream| {
            if read_request(&mut stream) {
                let _ = stream.write_all(&bytes);
            }
        });
    }
}

/// Whether there was a request.
fn read_request(stream: &mut UnixStream) -> bool {
    stream.read(&mut [0; 65_536]).is_ok_and(|read| read > 0)
}

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn no_verb_takes_a_strange_answer_for_success() {
    let scene = Scene::new();
    for (headers, body) in [(JSON, "{}"), (JSON, "[]"), (JSON, "{\"ok\":true}"), ("Content-Type: text/html\r\n", "<html>log in</html>")] {
        scene.answering_bytes(scene.answer("200 OK", headers, body));
        for line in [
            "join bob",
            "tasks",
            "claim --as ada",
            "claim --as ada --wait 1s",
            "done T-1 --as ada",
            "done T-1 --as ada --claim --wait 1s",
            "check src/a.rs",
            "reserve src/a.rs --as ada",
            "inbox --as ada",
            "events",
            "status",
            "prime",
            "access list",
            "access create --name eve",
            "access revoke eve",
        ] {
            // Anyone who does not know whether it was done says so, by the same code.
            let error = scene.call(line).fails(7, "store_unavailable");
            assert!(error["message"].is_string(), "{line}: {error}");
        }
    }
}

#[test]
fn an_answer_is_json_that_is_whole_and_said_to_be_json() {
    let scene = Scene::new();
    let fine = r#"{"tasks":[]}"#;
    scene.answering_bytes(scene.answer("200 OK", JSON, fine));
    scene.call("tasks").ok();
    let strange = [
        scene.answer("200 OK", "", fine),
        scene.answer("200 OK", "Content-Type: text/plain\r\n", fine),
        scene.answer("200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "\u{1f}\u{8b}\u{8}"),
        scene.answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
        scene.answer("401 Unauthorized", "Content-Type: text/html\r\n", "<html>log in</html>"),
        scene.answer("201 Created", JSON, fine),
        scene.answer("202 Accepted", JSON, r#"{"waiting":true,"waited_ms":1}"#),
        scene.answer("200 OK", JSON, &format!("[{}]", "0,".repeat(1 << 20))),
        scene.answer("200 OK", JSON, "null"),
        scene.answer("200 OK", JSON, "true"),
        scene.answer("500 Internal Server Error", JSON, "{}"),
        scene.answer("200 OK", JSON, &fine[..8]),
        fine.as_bytes().to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        // Another store's, or nobody's.
        format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 12\r\n\r\n{fine}").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nOarlock-Store: {}\r\n{JSON}Content-Length: 12\r\n\r\n{fine}", "0".repeat(31) + "1").into_bytes(),
        // It says that it has more than comes.
        format!("HTTP/1.1 200 OK\r\nOarlock-Store: {}\r\n{JSON}Content-Length: 100\r\n\r\n{fine}", scene.store).into_bytes(),
        Vec::new(),
    ];
    for bytes in strange {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        scene.answering_bytes(bytes);
        let reply = scene.call("tasks --lock-timeout 1s").run();
        assert_eq!(reply.code, 7, "{shown}\n{}{}", reply.stdout, reply.stderr);
    }
}

#[test]
fn a_large_answer_that_is_no_json_object_is_not_read() {
    let scene = Scene::new();
    let head = format!("HTTP/1.1 200 OK\r\nOarlock-Store: {}\r\n{JSON}Content-Length: 100000000\r\n\r\n", scene.store);
    let (told, heard) = std::sync::mpsc::channel();
    scene.answering(move |mut stream| {
        if read_request(&mut stream) {
            let _ = stream.write_all(head.as_bytes());
            let written = (0..1_000).take_while(|_| stream.write_all(&[b'x'; 100_000]).is_ok()).count();
            let _ = told.send(written);
        }
    });
    scene.call("tasks").fails(7, "store_unavailable");
    let written = heard.recv().expect("somebody asked");
    assert!(written < 1_000, "{written} of 1,000 pieces were read");
}

#[test]
fn a_gateway_that_does_not_answer_is_given_up_after_the_lock_timeout() {
    let scene = Scene::new();
    let slowly = scene.answer("200 OK", JSON, r#"{"tasks":[]}"#);
    // One takes the request and says nothing, one says a byte now and then.
    scene.answering(|mut stream| {
        thread::spawn(move || while read_request(&mut stream) {});
    });
    scene.call("tasks --lock-timeout 1s").fails(7, "store_unavailable");
    scene.call("claim --as ada --lock-timeout 1s").fails(7, "store_unavailable");
    scene.answering(move |mut stream| {
        let slowly = slowly.clone();
        thread::spawn(move || {
            // It would take minutes; the client decides how long it is heard.
            for byte in slowly {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::park_timeout(Duration::from_secs(1));
            }
        });
    });
    scene.call("tasks --lock-timeout 1s").fails(7, "store_unavailable");
}

#[test]
fn a_hook_takes_no_strange_answer_for_a_free_path() {
    let scene = Scene::new();
    let config = scene.project.beside("config");
    std::fs::create_dir_all(config.join("oarlock")).expect("made");
    std::fs::write(config.join("oarlock/config.toml"), "[hooks]\nstrict = true\n").expect("written");
    let edit = json!({"session_id": "s-1", "cwd": scene.project.root(), "hook_event_name": "PreToolUse", "tool_name": "Write",
                      "tool_input": {"file_path": "src/a.rs", "content": "x"}});
    for body in ["{}", "<html>log in</html>", r#"{"ok":true}"#] {
        scene.answering_bytes(scene.answer("200 OK", JSON, body));
        let reply =
            scene.call("hook claude PreToolUse --lock-timeout 1s").env("XDG_CONFIG_HOME", &config).plain().input(edit.to_string()).run();
        // Its own failure: with `strict` it refuses.
        assert!(reply.stdout.contains("deny"), "{body}: {} {}", reply.stdout, reply.stderr);
    }
}

#[test]
fn the_server_for_models_takes_no_strange_answer() {
    let scene = Scene::new();
    scene.answering_bytes(scene.answer("200 OK", JSON, "{}"));
    let (url, key_file) = (format!("unix:{}", scene.socket.display()), scene.key_file.display().to_string());
    let environment = [("OARLOCK_AGENT", "ada"), ("OARLOCK_STORE", &*url), ("OARLOCK_KEY_FILE", &*key_file)];
    let mut client = Client::start(&scene.project, &environment);
    for (tool, request) in [("tasks", json!({})), ("claim", json!({})), ("done", json!({"id": "T-1"}))] {
        assert_eq!(client.fails(tool, &request)["code"], "store_unavailable", "{tool}");
    }
}
