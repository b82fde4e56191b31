//! Integers that 64 bits cannot hold are kept or refused, never rounded.

use serde_json::json;

use crate::support::Project;

#[test]
fn integers_beyond_64_bits_are_refused_with_their_place() {
    let project = Project::with(&["ada"]);
    for line in [
        "sync x:=123456789012345678901234567890 --as ada",
        "sync --merge '{\"x\":[1,-9223372036854775809]}' --as ada",
        "state-set k 18446744073709551616 --as ada",
    ] {
        let error = project.fails(line, 2, "invalid_request");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("does not fit into 64 bits") && message.contains("line 1, column "), "{line}: {message}");
    }
    let error = project.call("state-set k - --as ada").input("{\"a\": 1,\n \"b\": 99999999999999999999}").fails(2, "invalid_request");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("line 2, column 7")), "{error}");
    assert_eq!(project.ok("state")["entries"], json!([]), "nothing was written");
}

#[test]
fn integers_of_64_bits_and_other_numbers_are_kept() {
    let project = Project::with(&["ada"]);
    for (text, value) in [
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1e30", json!(1e30)),
        ("0.1", json!(0.1)),
        ("'\"99999999999999999999\"'", json!("99999999999999999999")),
    ] {
        assert_eq!(project.ok(&format!("state-set k {text} --replace --as ada"))["state"]["value"], value, "{text}");
        assert_eq!(project.ok("state k")["entries"][0]["value"], value, "{text}");
    }
}

#[test]
fn numbers_of_flags_that_are_too_large_are_refused() {
    let project = Project::with(&["ada"]);
    project.ok("add t");
    project.claim("T-1", "ada");
    for line in [
        "renew T-1 --token 99999999999999999999 --as ada",
        "tasks --limit 18446744073709551616",
        "tasks --limit 18446744073709551615",
        "events --after 99999999999999999999",
        "state-set k 1 --if-version 18446744073709551616 --as ada",
        "join x --max-claims 4294967296",
        "claim --count 18446744073709551616 --as ada",
        "add t --estimate 99999999999999999999m",
    ] {
        project.fails(line, 2, "invalid_request");
    }
    project.fails("renew T-1 --token 18446744073709551615 --as ada", 5, "stale_token");
    project.fails("thread M-99999999999999999999", 3, "not_found");
    project.fails("ack M-99999999999999999999 --as ada", 3, "not_found");
    project.fails("unreserve R-99999999999999999999 --as ada", 3, "not_found");
}
