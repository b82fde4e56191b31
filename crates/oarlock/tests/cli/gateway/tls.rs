//! TLS: who is believed, and the refusals.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::Project;

/// Writes a file that others may read, or not.
fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
}

/// A certificate for this machine, and its key, in PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_gateway_with_a_certificate_is_believed_by_who_knows_its_authority() {
    let project = Project::with(&["ada"]);
    let (certificate, key) = certificate();
    let (certificates, key_file) = (project.beside("chain.pem"), project.beside("key.pem"));
    std::fs::write(&certificates, &certificate).expect("written");
    write(&key_file, &key, 0o600);
    let served = project.serve(&format!("--tls-cert {} --tls-key {}", certificates.display(), key_file.display()));
    assert!(served.url.starts_with("https://127.0.0.1:"), "{}", served.url);
    let call = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    assert_eq!(call("agents").env("OARLOCK_CA_FILE", &certificates).ok()["agents"][0]["name"], "ada");
    // A wait goes through it, and ends when somebody writes to the file.
    let waits = call("claim --wait 60s --as ada").env("OARLOCK_CA_FILE", &certificates).start();
    project.ok("add first");
    assert_eq!(waits.reply().ok()["task"]["id"], "T-1");
    let error = call("agents --busy 1s").fails(7, "store_unavailable");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("OARLOCK_CA_FILE")), "{error}");
    // A caller without TLS gets no answer.
    let plain = served.url.replace("https", "http");
    project.call("agents --busy 1s").env("OARLOCK_STORE", plain).env("OARLOCK_KEY_FILE", &served.key_file).fails(7, "store_unavailable");
}

#[test]
fn files_that_are_no_certificates_are_told() {
    let project = Project::new();
    let (certificate, key) = certificate();
    let file = |name: &str, text: &str| {
        let path = project.beside(name);
        write(&path, text, 0o600);
        path.display().to_string()
    };
    let (good, good_key, bad) = (file("chain.pem", &certificate), file("key.pem", &key), file("bad.pem", "nonsense"));
    let (_, other_key) = self::certificate();
    let other_key = file("other.pem", &other_key);
    for (chain, key) in [(&bad, &good_key), (&good, &bad), (&good, &other_key), (&good, &"/nonexistent".to_owned())] {
        project.fails(&format!("serve --bind 127.0.0.1:0 --tls-cert {chain} --tls-key {key}"), 65, "data_damaged");
    }
    project.fails(&format!("serve --bind 127.0.0.1:0 --tls-cert {good}"), 2, "usage");
}

#[test]
fn a_private_key_that_others_may_read_is_refused() {
    let project = Project::new();
    let (certificate, key) = certificate();
    let (chain, key_file) = (project.beside("chain.pem"), project.beside("key.pem"));
    write(&chain, &certificate, 0o644);
    let flags = format!("--tls-cert {} --tls-key {}", chain.display(), key_file.display());
    for mode in [0o604, 0o644, 0o620, 0o602] {
        write(&key_file, &key, mode);
        let error = project.fails(&format!("serve --bind 127.0.0.1:0 {flags}"), 9, "denied");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("chmod 600")), "{mode:o}: {error}");
    }
    // What renews certificates keeps the key of the day behind a link.
    write(&key_file, &key, 0o600);
    let link = project.beside("live.pem");
    std::os::unix::fs::symlink("key.pem", &link).expect("linked");
    drop(project.serve(&format!("--tls-cert {} --tls-key {}", chain.display(), link.display())));
    std::fs::remove_file(&key_file).expect("a file");
    assert!(std::process::Command::new("mkfifo").arg(&key_file).status().expect("it runs").success());
    project.fails(&format!("serve --bind 127.0.0.1:0 {flags}"), 65, "data_damaged");
}
