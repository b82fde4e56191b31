use super::*;
use crate::edit::undo;

fn wants() -> Vec<TomlWant> {
    vec![
        TomlWant::Table("mcp_servers", "oarlock", "command = \"oarlock\"\nargs = [\"mcp\"]".into()),
        TomlWant::Element("sandbox_workspace_write", "writable_roots", "/home/a \"b\"/.oarlock".into()),
    ]
}

const FOUND: &[&str] = &[
    "",
    "# mine\nmodel = \"x\"",
    "model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = \"y\" # why\r\n",
    "[sandbox_workspace_write]\nnetwork_access = true\n",
    "[sandbox_workspace_write] # odd\n  writable_roots = [ \"/tmp\" ]\n[z]\na = 1\n",
    "[sandbox_workspace_write]",
    "sandbox_workspace_write.network_access = true\n[a]\n",
    "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
    "[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n",
];

#[test]
fn what_is_put_in_is_there_and_can_be_taken_out_again() {
    for found in FOUND {
        let edited = put(found, &wants()).map_err(|error| format!("{found:?}: {error}")).expect("it fits");
        let document = read(&edited.text).expect("TOML");
        let command = document["mcp_servers"]["oarlock"]["command"].as_str();
        assert_eq!(command, Some("oarlock"), "{}", edited.text);
        let roots = document["sandbox_workspace_write"]["writable_roots"].as_array().expect("an array");
        assert!(roots.iter().any(|root| root.as_str() == Some("/home/a \"b\"/.oarlock")), "{}", edited.text);
        assert_eq!(put(&edited.text, &wants()).expect("TOML").insertions, vec![], "twice is once");
        assert_eq!(undo(&edited.text, &edited.insertions).as_deref(), Some(*found));
        if found.contains("\r\n") {
            assert!(!edited.text.replace("\r\n", "").contains('\n'), "{:?}", edited.text);
        }
    }
}

#[test]
fn without_a_journal_it_is_known_by_what_it_looks_like() {
    for found in FOUND {
        let text = put(found, &wants()).expect("it fits").text;
        let left = take_out(&text, &wants()).expect("TOML").unwrap_or_default();
        assert!(!left.contains("oarlock"), "{left:?}");
        assert_eq!(left.contains("network_access"), found.contains("network_access"), "{left:?}");
    }
}

#[test]
fn nothing_empty_that_set_up_makes_is_left_without_a_journal() {
    for (found, left) in [
        ("[sandbox_workspace_write]\nnetwork_access = true\n", "[sandbox_workspace_write]\nnetwork_access = true\n"),
        ("sandbox_workspace_write.network_access = true\n[a]\n", "sandbox_workspace_write.network_access = true\n[a]\n"),
        ("model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = 1\r\n", "model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = 1\r\n"),
        (
            "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
            "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
        ),
        ("sandbox_workspace_write = { network_access = true }\n", "sandbox_workspace_write = { network_access = true }\n"),
        ("[sandbox_workspace_write]\n[z]\na = 1\n", "[z]\na = 1\n"),
        ("a = 1\n[sandbox_workspace_write]", "a = 1\n"),
        // Comments are somebody's, and what they stand beside.
        ("# mine\n[sandbox_workspace_write]\n", "# mine\n[sandbox_workspace_write]\n"),
        ("[sandbox_workspace_write] # odd\n[z]\n", "[sandbox_workspace_write] # odd\n[z]\n"),
        ("[sandbox_workspace_write]\n# keep\n[z]\n", "[sandbox_workspace_write]\n# keep\n[z]\n"),
        ("[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n", "[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n"),
    ] {
        let text = put(found, &wants()).expect("it fits").text;
        assert_ne!(text, found);
        assert_eq!(take_out(&text, &wants()).expect("TOML").unwrap_or_default(), left, "{found:?}");
    }
}

#[test]
fn what_set_up_has_not_made_stays() {
    for found in [
        "[sandbox_workspace_write]\nwritable_roots = []\n",
        "[sandbox_workspace_write]\n",
        "mcp_servers = { oarlock = { command = \"mine\", args = [\"mcp\"] } }\n",
        "mcp_servers = { oarlock = { command = \"oarlock\", args = [\"other\"] } }\n",
    ] {
        assert_eq!(take_out(found, &wants()), Ok(Some(found.to_owned())));
    }
    let ours = "\"/home/a \\\"b\\\"/.oarlock\"";
    for (found, left) in [
        // Its block has lost its marks.
        (format!("[sandbox_workspace_write]\nwritable_roots = [{ours}]\n"), None),
        (
            format!("[sandbox_workspace_write]\nwritable_roots = [{ours}] # why\n"),
            Some("[sandbox_workspace_write]\nwritable_roots = [] # why\n"),
        ),
        (
            format!("[sandbox_workspace_write]\nwritable_roots = [{ours}, \"/data\"]\n"),
            Some("[sandbox_workspace_write]\nwritable_roots = [\"/data\"]\n"),
        ),
    ] {
        assert_eq!(take_out(&found, &wants()).expect("TOML").as_deref(), left);
    }
}

#[test]
fn an_element_comes_and_goes_with_nothing_else_changed() {
    let ours = "\"/home/a \\\"b\\\"/.oarlock\"";
    let head = "[mcp_servers.oarlock]\ncommand = \"mine\"\n[sandbox_workspace_write]\n";
    for (found, with) in [
        ("writable_roots = [\n  \"/a\", # why\n  \"/b\",\n]", "writable_roots = [\n  OURS,\n  \"/a\", # why\n  \"/b\",\n]"),
        ("writable_roots = [ # these\r\n\t\"/a\" ]\r\nb = 1", "writable_roots = [ # these\r\n\tOURS,\r\n\t\"/a\" ]\r\nb = 1"),
        ("writable_roots = [ '/a' ,'/b' ] # c", "writable_roots = [ OURS, '/a' ,'/b' ] # c"),
    ] {
        // Inserted lines end as the first line does.
        let head = if found.contains('\r') { head.replace('\n', "\r\n") } else { head.to_owned() };
        let (found, with) = (format!("{head}{found}"), format!("{head}{with}").replace("OURS", ours));
        let edited = put(&found, &wants()).expect("it fits");
        assert_eq!(edited.text, with);
        assert_eq!(undo(&with, &edited.insertions), Some(found.clone()));
        assert_eq!(take_out(&with, &wants()), Ok(Some(found)));
    }
    for (with, left) in [
        ("[\n  \"/a\", # why\n  OURS, # ours\n  \"/b\"\n]", "[\n  \"/a\", # why\n # ours\n  \"/b\"\n]"),
        ("[\n  \"/a\", # why\n  OURS\n]", "[\n  \"/a\" # why\n]"),
        ("[\n  \"/a\",\n  # this\n  OURS,\n]", "[\n  \"/a\",\n  # this\n]"),
        ("[ \"/a\", OURS ]", "[ \"/a\" ]"),
    ] {
        let text = |array: &str| format!("# x\n[sandbox_workspace_write]\n# these\nwritable_roots = {array}\n");
        assert_eq!(take_out(&text(with).replace("OURS", ours), &wants()), Ok(Some(text(left))));
    }
    // A comment above the key is not Oarlock's, and keeps its table.
    let alone = format!("[sandbox_workspace_write]\n\n# these\nwritable_roots = [{ours}]\n[z]\n");
    assert_eq!(take_out(&alone, &wants()), Ok(Some("[sandbox_workspace_write]\n\n# these\n[z]\n".into())));
    // A header that was made only for the key.
    let found = "a = 1\n[sandbox_workspace_write.sub]\nb = 2\n";
    let made = put(found, &wants()[1..]).expect("it fits");
    assert!(made.text.contains("[sandbox_workspace_write]\nwritable_roots"), "{}", made.text);
    assert_eq!((undo(&made.text, &made.insertions), take_out(&made.text, &wants())), (Some(found.into()), Ok(Some(found.into()))));
}

#[test]
fn a_file_whose_lines_would_move_is_left_alone() {
    let found = "sandbox_workspace_write.a = 1\nmodel = 2\nsandbox_workspace_write.b = 3\n";
    let error = put(found, &wants()).expect_err("its keys are in two places");
    assert!(error.line == 2 && error.message.contains("put them together"), "{error}");
    // An insertion into a block of its own moves nothing.
    let edited = put(found, &wants()[..1]).expect("it fits");
    assert_eq!(take_out(&edited.text, &wants()), Ok(Some(found.into())));
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let error = put("a = 1\nmcp_servers = 3\n", &wants()).expect_err("a number");
    assert_eq!((error.line, error.message.as_str()), (2, "\"mcp_servers\" is not a table"));
    assert_eq!(put("a = \n", &wants()).expect_err("no TOML").line, 1);
}

#[test]
fn what_somebody_writes_into_a_block_is_theirs() {
    let made = put("a = 1\n", &wants()).expect("TOML").text;
    let theirs = [
        ("\n# oarlock:end", "\nnetwork_access = true\n# oarlock:end", "[sandbox_workspace_write]\nnetwork_access = true\n"),
        (".oarlock\"]", ".oarlock\", \"/mine\"]", "[sandbox_workspace_write]\nwritable_roots = [\"/mine\"]\n"),
        ("args = [\"mcp\"]", "args = [\"mcp\"]\nstartup_timeout_sec = 9", ""),
        ("args = [\"mcp\"]", "args = [\"mcp\"]\n[mcp_servers.oarlock.env]\nX = \"1\"\n  [theirs]\nb = 2", "  [theirs]\nb = 2\n"),
        ("/home/a \\\"b\\\"/", "/elsewhere/", ""),
    ];
    for (find, becomes, stays) in theirs {
        let changed = made.replacen(find, becomes, 1);
        assert_ne!(changed, made, "{find}");
        let left = take_out(&changed, &wants()).expect("TOML").unwrap_or_default();
        assert!(left.starts_with("a = 1\n") && left.trim_end() == format!("a = 1\n\n{stays}").trim_end(), "{find}: {left}");
    }
}

#[test]
fn a_key_below_a_header_that_is_gone_is_not_kept() {
    let all = "a = 1\n[t]\nb = 2\nc = [1]\n";
    assert!(has_all(all, "t = { b = 3 }") && has_all(all, "") && has_all(all, all));
    assert!(!has_all("a = 1\nb = 2\n", "[t]\nb = 2\n") && !has_all("t = 1", "[t]\nb = 2\n"));
}
