//! Names of programs.

/// Programs that run a text as commands.
pub(super) const SHELLS: [&str; 15] =
    ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "tcsh", "csh", "mksh", "yash", "osh", "nu", "xonsh", "elvish"];

/// The name of a program without its directory, its version and its package.
pub(super) fn short_name(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name);
    match name.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => &name[..at],
        None => name,
    }
}
