//! Keys are kept, narrowed and revoked as they should be.

use oarlock_model::duration::Duration;

use super::*;
use oarlock_model::ErrorCode;

/// The list in this file.
fn at(file: PathBuf) -> AccessList {
    AccessList { file: Box::new(move || Some(file.clone())), keys_of_agent_max: KEYS_OF_AGENT_DEFAULT, read: RwLock::new(None) }
}

#[test]
#[cfg(unix)]
fn a_list_that_others_may_change_or_that_is_a_link_lets_nobody_in() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().expect("temporary");
    let file = temp.path().join("access.json");
    let list = at(file.clone());
    let (_, key) = list.create(&operator(), wanted("ada", Authority::Agent), 0).expect("made");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    for mode in [0o644, 0o620, 0o602] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("ours");
        assert_eq!(code(at(file.clone()).principal(&key, 0)), ErrorCode::DataDamaged, "{mode:o}");
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("ours");
    assert!(at(file.clone()).principal(&key, 0).is_ok());
    let link = temp.path().join("link.json");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    assert_eq!(code(at(link).principal(&key, 0)), ErrorCode::DataDamaged);
}

fn operator() -> Principal {
    Principal { key_id: "local".into(), name: None, root: None, authority: Authority::Operator, verbs: Vec::new() }
}

fn wanted(name: &str, role: Authority) -> NewKey {
    NewKey { name: AgentName::parse(name).expect("a name"), role, verbs: Vec::new(), lifetime: None }
}

fn code<T: std::fmt::Debug>(result: Result<T, OpError>) -> ErrorCode {
    result.expect_err("refused").code()
}

#[test]
fn a_key_speaks_for_its_name_until_it_is_revoked() {
    let temp = tempfile::tempdir().expect("temporary");
    let list = at(temp.path().join("access.json"));
    let (_, key) = list.create(&operator(), wanted("ada", Authority::Agent), 0).expect("made");
    let other = at(temp.path().join("access.json"));
    let principal = other.principal(&key, 0).expect("known");
    assert_eq!((principal.name.as_ref().map(AgentName::as_str), principal.authority), (Some("ada"), Authority::Agent));
    let text = std::fs::read_to_string(temp.path().join("access.json")).expect("there");
    assert!(!text.contains(key.reveal()), "only its hash is kept");
    list.revoke(&operator(), "ada").expect("revoked");
    assert_eq!(code(other.principal(&key, 0)), ErrorCode::Denied);
    assert_eq!(code(list.revoke(&operator(), "ada")), ErrorCode::NotFound);
    assert_eq!(code(list.principal(&Key::random().expect("random"), 0)), ErrorCode::Denied);
}

#[test]
fn a_key_with_a_known_id_and_another_secret_opens_nothing() {
    let temp = tempfile::tempdir().expect("temporary");
    let list = at(temp.path().join("access.json"));
    let (access, key) = list.create(&operator(), wanted("ada", Authority::Agent), 0).expect("made");
    let last = if key.reveal().ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &key.reveal()[..key.reveal().len() - 1]);
    let forged = Key::parse(&forged).expect("its form is right");
    assert_eq!(forged.id(), access.id);
    assert_eq!(code(list.principal(&forged, 0)), ErrorCode::Denied);
}

#[test]
fn helpers_count_as_their_agent_and_others_with_dots_as_themselves() {
    let temp = tempfile::tempdir().expect("temporary");
    let list = at(temp.path().join("access.json"));
    let root = |name: &str, by: &Principal| {
        let (_, key) = list.create(by, wanted(name, Authority::Agent), 0).expect("made");
        let principal = list.principal(&key, 0).expect("known");
        (principal.root.as_ref().expect("an agent").to_string(), principal)
    };
    assert_eq!(root("gpt-4.1", &operator()).0, "gpt-4.1");
    assert_eq!(root("gpt-4.5", &operator()).0, "gpt-4.5");
    let (own, ada) = root("ada", &operator());
    let (helpers, helper) = root("ada.x", &ada);
    assert_eq!((own.as_str(), helpers.as_str(), root("ada.x.y", &helper).0.as_str()), ("ada", "ada", "ada"));
    assert_eq!(root("adam", &operator()).0, "adam");
    let (_, boss) = list.create(&operator(), wanted("boss", Authority::Operator), 0).expect("made");
    assert_eq!(list.principal(&boss, 0).expect("known").root, None);
}

#[test]
fn an_agent_makes_only_narrower_keys() {
    let temp = tempfile::tempdir().expect("temporary");
    let list = at(temp.path().join("access.json"));
    let narrow = NewKey { verbs: vec!["claim".into(), "done".into()], ..wanted("ada", Authority::Agent) };
    let (_, key) = list.create(&operator(), NewKey { lifetime: Some(Duration::from_ms(5_000)), ..narrow }, 0).expect("made");
    let ada = list.principal(&key, 0).expect("known");
    assert_eq!(code(list.create(&ada, wanted("ada.x", Authority::Operator), 0)), ErrorCode::Denied);
    for name in ["bob", "ada", "adam.x", "adax"] {
        assert_eq!(code(list.create(&ada, wanted(name, Authority::Agent), 0)), ErrorCode::Denied, "{name}");
    }
    let more = NewKey { verbs: vec!["send".into()], ..wanted("ada.x", Authority::Agent) };
    assert_eq!(code(list.create(&ada, more, 0)), ErrorCode::Denied);
    let (helper, helper_key) = list.create(&ada, wanted("ada.x", Authority::Agent), 0).expect("narrower");
    assert_eq!((helper.verbs, helper.ends_at_ms), (ada.verbs.clone(), Some(5_000)));
    assert!(list.principal(&helper_key, 4_999).is_ok());
    assert_eq!(code(list.principal(&helper_key, 5_000)), ErrorCode::Denied);
    assert_eq!(list.revoke(&operator(), "ada").expect("both").len(), 2, "a helper's key goes with the key it comes from");
    assert_eq!(code(list.principal(&helper_key, 0)), ErrorCode::Denied);
}
