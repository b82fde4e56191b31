//! Links on the way to a file that a set-up of a project writes. Repositories bring links: one that leads out of the repository would let its
//! maker choose which of the user's own files is changed. Links inside of it are common (AGENTS.md and CLAUDE.md), and are followed.

use oarlock_client::paths::resolved;
use oarlock_host::file::canonical;
use oarlock_model::{Rejection, seeded};
use std::path::{Path, PathBuf};

/// Refuses a file that a link below `root` leads out of it, or into git's own directory, whose files git runs.
///
/// # Errors
/// `denied` that names the link and where it leads.
pub(super) fn check(root: &Path, file: &Path) -> Result<(), Rejection> {
    let Some((link, target)) = leading_out(root, file).filter(|_| !seeded::is(seeded::SETUP_LEAVES_REPOSITORY)) else { return Ok(()) };
    Err(Rejection::Denied {
        message: format!("{} is a link to {}, which is not in this repository; nothing was changed", link.display(), target.display()),
        hint: "replace the link by a file or directory of its own; your own settings are set up with --scope user",
    })
}

/// The first link on the way from `root` to `file` that leads out, and where it leads.
fn leading_out(root: &Path, file: &Path) -> Option<(PathBuf, PathBuf)> {
    let rest = file.strip_prefix(root).ok()?;
    let root = canonical(root).ok()?;
    let git = root.join(oarlock_git::DOT_GIT);
    let mut at = root.clone();
    for name in rest.components() {
        let next = at.join(name);
        at = match std::fs::read_link(&next) {
            Ok(target) => {
                let real = canonical(&next).unwrap_or_else(|_| as_far_as_there(&resolved(&at, &target)));
                // A path that is neither file nor directory is refused by anyone who reads it.
                let is_special = real.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
                if !is_special && (!real.starts_with(&root) || real.starts_with(&git)) {
                    return Some((next, target));
                }
                real
            }
            Err(_) => next,
        };
    }
    None
}

/// A path of which not all is there, with the links in the existing part resolved.
fn as_far_as_there(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|above| Some((canonical(above).ok()?, path.strip_prefix(above).ok()?)));
    known.map_or_else(|| path.to_owned(), |(real, rest)| real.join(rest))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_links_that_stay_inside_are_followed() {
        let temp = tempfile::tempdir().expect("temporary");
        let root = temp.path().join("repo");
        for dir in ["repo/.git/hooks", "repo/docs", "home/.claude", "repo-2"] {
            std::fs::create_dir_all(temp.path().join(dir)).expect("a directory");
        }
        std::fs::write(root.join("AGENTS.md"), "").expect("a file");
        for (target, link) in [
            ("AGENTS.md", "CLAUDE.md"),
            ("docs", ".codex"),
            ("../home/.claude", ".claude"),
            ("../home/new", "gone"),
            ("docs/new", "stays"),
            (".git/hooks/pre-commit", "hook"),
            ("../repo-2", "prefix"),
            ("docs/../../repo/docs", "round"),
            (".claude", "twice"),
            ("loop", "loop"),
        ] {
            symlink(target, root.join(link)).expect("linked");
        }
        for fine in ["AGENTS.md", "CLAUDE.md", ".codex/config.toml", "new/a.json", "stays", "round/a", "loop"] {
            assert!(check(&root, &root.join(fine)).is_ok(), "{fine}");
        }
        for out in [".claude/settings.json", "gone", "gone/a", "hook", "prefix", "twice/settings.json"] {
            let said = check(&root, &root.join(out)).expect_err(out).to_string();
            assert!(said.contains("is a link to"), "{said}");
        }
    }
}
