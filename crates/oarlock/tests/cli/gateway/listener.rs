//! Anyone who listens at a port of this machine proves that it knows the key, or does not get it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Project, Served};

/// A listener at a port of its own, what it was sent, and its URL.
fn listening(answer: impl Fn(&mut TcpStream, &[u8]) + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let hearing = Arc::clone(&heard);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 65_536];
            while let Ok(read) = stream.read(&mut bytes) {
                if read == 0 {
                    break;
                }
                hearing.lock().expect("alone").extend_from_slice(&bytes[..read]);
                answer(&mut stream, &bytes[..read]);
            }
        }
    });
    (heard, url)
}

fn served() -> (Project, Served, String) {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let key = std::fs::read_to_string(&served.key_file).expect("its key").trim().to_owned();
    (project, served, key)
}

/// The gateway's answer to these bytes.
fn asked(authority: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(authority).expect("it listens");
    stream.write_all(bytes).expect("sent");
    let mut answer = vec![0; 65_536];
    let read = stream.read(&mut answer).expect("an answer");
    answer.truncate(read);
    answer
}

#[test]
fn whoever_took_the_port_does_not_get_the_key() {
    let (project, served, key) = served();
    let json = "Content-Type: application/json\r\nOarlock-Store: 0123456789abcdef0123456789abcdef\r\n";
    let proof = format!("{{\"proof\":\"{}\"}}", "0".repeat(64));
    for body in ["{}", "{\"tasks\":[]}", "<html>log in</html>", &proof] {
        let answer = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\n\r\n{body}", body.len());
        let (heard, url) = listening(move |stream, _| drop(stream.write_all(answer.as_bytes())));
        for line in ["tasks", "claim --as ada", "access list"] {
            let error = project.call(line).env("OARLOCK_STORE", &url).env("OARLOCK_KEY_FILE", &served.key_file);
            let error = error.fails(7, "store_unavailable");
            assert!(error["message"].as_str().is_some_and(|message| message.contains("not sent")), "{error}");
        }
        let heard = String::from_utf8_lossy(&heard.lock().expect("alone")).into_owned();
        assert!(heard.contains("GET /prove") && !heard.contains(&key[20..]) && !heard.contains("Bearer"), "{heard}");
    }
}

#[test]
fn a_relay_to_the_gateway_proves_nothing() {
    let (project, served, key) = served();
    let real = served.url.strip_prefix("http://").expect("plain").to_owned();
    // One hands the question on as it is, one says that it is for the real address.
    for rewrites in [false, true] {
        let to = real.clone();
        let (heard, url) = listening(move |stream, bytes| {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            if rewrites {
                let host = text.lines().find(|line| line.to_ascii_lowercase().starts_with("host:")).expect("a host").to_owned();
                text = text.replace(&host, &format!("host: {to}"));
            }
            let _ = stream.write_all(&asked(&to, text.as_bytes()));
        });
        let reply = project.call("tasks").env("OARLOCK_STORE", &url).env("OARLOCK_KEY_FILE", &served.key_file).run();
        assert!(matches!(reply.code, 7 | 9), "{}{}", reply.stdout, reply.stderr);
        assert!(!String::from_utf8_lossy(&heard.lock().expect("alone")).contains(&key[20..]), "the key was sent");
    }
}

#[test]
fn by_the_documented_steps_a_raw_program_knows_the_gateway() {
    let (project, served, key) = served();
    let address = served.url.strip_prefix("http://").expect("plain");
    let id = key.strip_prefix("oarlock_").and_then(|rest| rest.split('_').next()).expect("the key's form");
    let number = "0123456789abcdef".repeat(4);
    let answer = served.http().with("Authorization", "").with("Oarlock-Challenge", &format!("{id}.{number}")).get("/prove");
    let asked = format!("oarlock 1: this listener knows the key\0{number}\0{address}");
    let code = blake3::keyed_hash(blake3::hash(key.as_bytes()).as_bytes(), asked.as_bytes());
    assert_eq!((answer.status, answer.json()["proof"].as_str()), (200, Some(code.to_hex().as_str())));
    drop(project);
}

#[test]
fn the_gateway_proves_it_by_every_key_and_every_name_of_its_address() {
    let (project, served, _) = served();
    let file = project.beside("ada.key");
    project.ok(&format!("access create --name ada --out {}", file.display()));
    let port = served.url.rsplit_once(':').expect("a port").1;
    for (url, key_file) in [
        (served.url.clone(), &served.key_file),
        (format!("http://localhost:{port}"), &served.key_file),
        (format!("http://LOCALHOST:{port}"), &file),
        (served.url.clone(), &file),
    ] {
        project.call("tasks").env("OARLOCK_STORE", &url).env("OARLOCK_KEY_FILE", key_file).ok();
    }
    // A key that is none of its own any more is refused, and not sent.
    project.ok("access revoke ada");
    project.call("tasks").env("OARLOCK_STORE", &served.url).env("OARLOCK_KEY_FILE", &file).fails(9, "denied");
    // Without a question it answers as before: other programs send the key at once.
    assert_eq!(served.http().post("status", &serde_json::json!({})).status, 200);
    let answer = served.http().with("Authorization", "").with("Oarlock-Challenge", "x").get("/prove");
    assert_eq!(answer.status, 400, "{answer:?}");
}
