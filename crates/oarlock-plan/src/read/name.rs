//! Names: the title of a document, and the identifier that a file name gives its task.

use oarlock_model::ident::is_identifier;
use oarlock_model::limits::{IDENTIFIER_CHARS_MAX, TITLE_CHARS_MAX};

use crate::read::document::Document;
use crate::text::{clip, is_placeholder, plain};

/// Longest identifier that is made from a file name: room for the longest suffix of a part, `-SUB1000`.
const ID_CHARS_MAX: usize = IDENTIFIER_CHARS_MAX - "-SUB1000".len();

/// The title of a task document: its first heading of level 1 without an identifier such as `TASK-7:` in front, else the
/// `title` of its front matter. `None` when there is neither, or only the blank of a template. At most 500 characters.
#[must_use]
pub fn title(document: &str) -> Option<String> {
    title_of(&Document::read(document).ok()?)
}

pub(crate) fn title_of(document: &Document<'_>) -> Option<String> {
    let heading = document.headings.iter().find(|h| h.level == 1).map(|h| without_id(clip(document.text(h.line))));
    let candidates = [heading, document.front_matter("title").map(without_id)];
    let title = candidates.into_iter().flatten().map(plain).find(|t| !t.is_empty() && !is_placeholder(t))?;
    Some(title.chars().take(TITLE_CHARS_MAX).collect())
}

/// "TASK-7: Do it" as "Do it".
fn without_id(heading: &str) -> &str {
    let Some((id, rest)) = heading.split_once(':') else {
        return heading;
    };
    let id = id.trim();
    let known = ["TASK", "SUBTASK", "Task", "Subtask"].contains(&id);
    let shaped = id.len() <= 100
        && !id.contains(char::is_whitespace)
        && id.contains('-')
        && id.starts_with(|c: char| c.is_ascii_uppercase())
        && id.split('-').next().is_some_and(|first| first.len() > 1 && first.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
    if known || shaped { rest.trim() } else { heading }
}

/// The identifier that a path gives its task: of `TASK-7/task.md` it is `TASK-7`, of `docs/foo bar.md` it is `foo-bar`.
/// It always has the form of an identifier and leaves room for the suffix of a part; a longer name is cut and gets a
/// number that tells it from others. `None` when the name has neither a letter nor a digit of ASCII.
#[must_use]
pub fn task_id_from_file_name(path: &str) -> Option<String> {
    let mut names = path.rsplit(['/', '\\']).filter(|n| !n.is_empty() && *n != "." && *n != "..");
    let file = names.next()?;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem });
    let generic = ["task", "readme", "index", "plan"].contains(&stem.to_ascii_lowercase().as_str());
    let folder = names.next().filter(|_| generic);
    folder.and_then(identifier).or_else(|| identifier(stem))
}

fn identifier(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' || c == '.' {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let text = out.trim_matches(['-', '.', '_']);
    let mut id = text.to_owned();
    if id.len() > ID_CHARS_MAX {
        let suffix = format!("-{:08x}", fnv1a(name));
        id.truncate(ID_CHARS_MAX - suffix.len());
        id = id.trim_end_matches(['-', '.', '_']).to_owned() + &suffix;
    }
    is_identifier(&id).then_some(id)
}

/// FNV-1a, 32 bits: a short mark that stays the same between versions of this program.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_their_identifier() {
        for (source, want) in [
            ("# TASK-7: Do **it**\n", Some("Do it")),
            ("# TASK-${TIMESTAMP}: Do it\n", Some("Do it")),
            ("# SUBTASK-4A: Do it: now\n", Some("Do it: now")),
            ("# TASK: Do it\n", Some("Do it")),
            ("# Note: keep this\n", Some("Note: keep this")),
            ("# Re-use: keep this\n", Some("Re-use: keep this")),
            ("---\ntitle: \"Front\"\n---\ntext\n", Some("Front")),
            ("---\ntitle: Front\n---\n# TASK-XXX: FILL_ME\n", Some("Front")),
            ("text\n", None),
            ("# \n", None),
        ] {
            assert_eq!(title(source).as_deref(), want, "{source}");
        }
        assert!(title(&format!("# {}", "word ".repeat(1_000))).expect("some").chars().count() <= TITLE_CHARS_MAX);
    }

    #[test]
    fn file_names_give_identifiers() {
        for (path, want) in [
            ("tasks/active/TASK-7/task.md", Some("TASK-7")),
            ("TASK-7/TASK.MD", Some("TASK-7")),
            ("TASK-7/subtasks/TASK-7A/task.md", Some("TASK-7A")),
            ("docs/foo bar.md", Some("foo-bar")),
            ("C:\\work\\x y.md", Some("x-y")),
            ("task.md", Some("task")),
            ("./-.hidden-.md", Some("hidden")),
            ("été à 3.md", Some("t-3")),
            ("a/b/..", Some("b")),
            ("日本.md", None),
            ("", None),
        ] {
            assert_eq!(task_id_from_file_name(path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let a = task_id_from_file_name(&format!("{}a.md", "x".repeat(300))).expect("letters");
        let b = task_id_from_file_name(&format!("{}b.md", "x".repeat(300))).expect("letters");
        assert!(a != b && is_identifier(&format!("{a}-SUB1000")) && a.len() == ID_CHARS_MAX);
    }
}
