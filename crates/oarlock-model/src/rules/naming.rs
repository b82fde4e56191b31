//! Names that are made from outside text: the agent of a client's session, the helper of an agent, the id of a run.
//!
//! Clients choose these texts, and they have any length and any characters. A text that has to be cut or changed to fit gets a hash
//! of the whole text, so two texts that differ never become one name. Every door makes such names here.

use crate::ident::{AgentName, is_identifier};
use crate::limits;
use crate::rejection::Rejection;
use crate::seeded;

/// The longest text of a helper that is taken as it is, in characters.
const PLAIN_CHARS_MAX: usize = 16;

/// The characters at the end of a text that a name shows.
const TAIL_CHARS: usize = 8;

/// The characters of a hash: 50 bits.
const HASH_CHARS: usize = 10;

/// The longest id of a session whose end alone distinguishes it from others: clients use UUIDs and other random ids.
const SESSION_CHARS_MAX: usize = 40;

/// The alphabet of a hash.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The part of a name before the hash.
const MARK: char = '_';

/// The name of a helper: its parent's, a dot, and what distinguishes it from the parent's other helpers. The parent speaks for it
/// ([`crate::rules::authority::speaks_for`]).
///
/// # Errors
/// `invalid_request` when the parent's name leaves no room.
pub fn helper(parent: &AgentName, text: &str) -> Result<AgentName, Rejection> {
    if seeded::is(seeded::HELPER_NAME_CUT) {
        let (tail, parent) = (tail(text), parent.as_str());
        let room = limits::IDENTIFIER_CHARS_MAX - tail.len() - 1;
        return AgentName::parse(&format!("{}.{tail}", parent.get(..room.min(parent.len())).unwrap_or(parent)));
    }
    let room = limits::IDENTIFIER_CHARS_MAX.saturating_sub(parent.as_str().len() + 1);
    if room < HASH_CHARS {
        return Err(Rejection::invalid(
            format!("the name {parent} leaves no room for the names of helpers"),
            format!("use a name of at most {} characters", limits::IDENTIFIER_CHARS_MAX - 1 - HASH_CHARS),
        ));
    }
    // A dot begins the helper of a helper. A number would make the name look like the id of a session. And what looks as if it had a
    // hash gets one, or it could be chosen to equal a name that has.
    let is_plain = is_identifier(text) && text.len() <= PLAIN_CHARS_MAX.min(room) && !text.contains('.');
    if is_plain && !looks_numbered(text) && !looks_hashed(text) {
        return AgentName::parse(&format!("{parent}.{text}"));
    }
    let hashed = format!("{}{MARK}{}", tail(text), hash(text));
    let short = if hashed.len() <= room && !hashed.starts_with(MARK) { hashed } else { hash(text) };
    AgentName::parse(&format!("{parent}.{short}"))
}

/// The name of the agent of a client's session: the client's, and the end of the session's id. Ids that are long or have unusual
/// characters get a hash. Two sessions whose short ids have one end are distinguished by their runs ([`run`]): the second is refused.
///
/// # Errors
/// A client's name that is no identifier.
pub fn session(client: &str, id: &str) -> Result<AgentName, Rejection> {
    let is_usual = id.len() <= SESSION_CHARS_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let tail = tail(id);
    let short = match (is_usual, tail.is_empty()) {
        (true, false) => tail,
        (true, true) => return AgentName::parse(client),
        (false, true) => hash(id),
        (false, false) => format!("{tail}{MARK}{}", hash(id)),
    };
    AgentName::parse(&format!("{client}-{short}"))
}

/// The name of a run when its agent joins (`harness`): the text itself, or its beginning and a hash when it is longer than such an
/// id may be.
pub fn run(text: &str) -> String {
    if text.len() <= limits::RUN_ID_BYTES_MAX {
        return text.to_owned();
    }
    let room = limits::RUN_ID_BYTES_MAX - HASH_CHARS - 1;
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{MARK}{}", &text[..end], hash(text))
}

/// The last letters and digits of a text, in lower case.
fn tail(text: &str) -> String {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    plain[plain.len().saturating_sub(TAIL_CHARS)..].to_ascii_lowercase()
}

/// `17` or `17-k3f9z2`, as the end of a session's id.
fn looks_numbered(text: &str) -> bool {
    let number = text.split('-').next().unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

fn looks_hashed(text: &str) -> bool {
    let hash = text.rsplit_once(MARK).map_or(text, |(_, hash)| hash);
    hash.len() == HASH_CHARS && hash.bytes().all(|b| ALPHABET.contains(&b))
}

fn hash(text: &str) -> String {
    let hash = blake3::hash(text.as_bytes());
    let bits = hash.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes);
    (0..HASH_CHARS).map(|n| char::from(ALPHABET[(bits >> (5 * n) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::rules::authority::speaks_for;

    fn name(text: &str) -> AgentName {
        AgentName::parse(text).expect("a name")
    }

    fn helper_of(parent: &str, text: &str) -> String {
        helper(&name(parent), text).expect("it fits").to_string()
    }

    #[test]
    fn a_short_text_is_taken_as_it_is() {
        assert_eq!(helper_of("ada", "tests"), "ada.tests");
        assert_eq!(helper_of("ada", "a1b2"), "ada.a1b2");
        let session = |id: &str| session("claude", id).expect("a name").to_string();
        assert_eq!(session("3f2a91bc-0000-4000-8000-1234567890AB"), "claude-567890ab");
        assert_eq!((session("x"), session("s-1"), session("")), ("claude-x".into(), "claude-s1".into(), "claude".into()));
    }

    #[test]
    fn texts_that_differ_never_become_one_helper() {
        let long = "x".repeat(60);
        let (one, two) = (format!("{long}1"), format!("{long}2"));
        let texts = [
            &*one,
            &*two,
            &long,
            "a.b",
            "a b",
            "a/b",
            "ab",
            "A/B",
            "…",
            "",
            "//",
            "17",
            "17-k",
            "0199-weird thread/id",
            "0199-weird thread-id",
        ];
        for parent in ["ada", &"p".repeat(53), &"p".repeat(45)] {
            let mut names: Vec<String> = texts.iter().map(|text| helper_of(parent, text)).collect();
            // The result does not parse to the same value.
            let again: Vec<String> =
                names.iter().map(|made| helper_of(parent, made.strip_prefix(&format!("{parent}.")).expect("its own"))).collect();
            for (made, again) in names.iter().zip(&again) {
                assert!(made == again || !names.contains(again), "{again}");
                assert!(speaks_for(&name(parent), &name(made)), "{made}");
            }
            names.sort();
            names.dedup();
            assert_eq!(names.len(), texts.len(), "{names:?}");
        }
    }

    #[test]
    fn a_parent_without_room_is_refused_and_not_cut() {
        let (parent, other) = ("p".repeat(54), "p".repeat(60));
        for parent in [parent, other, "p".repeat(64)] {
            assert_eq!(helper(&name(&parent), "t").expect_err("no room").code(), ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn a_helper_looks_like_no_session() {
        for text in ["5", "5-x", "17-k3f9z2"] {
            let made = helper_of("ada", text);
            assert_eq!(crate::SessionId::parse(&made).expect("a form").agent(), None, "{made}");
        }
    }

    #[test]
    fn long_ids_of_sessions_and_runs_keep_apart() {
        let long = "s".repeat(300);
        let (one, two) = (format!("{long}1xxxxxxxx"), format!("{long}2xxxxxxxx"));
        assert_ne!(session("codex", &one).expect("a name"), session("codex", &two).expect("a name"));
        assert_ne!(session("codex", "a:xxxxxxxx").expect("a name"), session("codex", "b:xxxxxxxx").expect("a name"));
        assert_ne!(run(&one), run(&two));
        assert!(run(&"é".repeat(300)).len() <= limits::RUN_ID_BYTES_MAX);
        assert_eq!(run("claude:s-1"), "claude:s-1");
    }
}
