//! The directories of the user who runs this program (XDG Base Directory Specification; on Windows those of the profile).

use std::path::PathBuf;

/// A directory that a variable names, if it is set.
pub fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// The home directory, if it is known.
pub fn home() -> Option<PathBuf> {
    named("HOME").or_else(|| if cfg!(windows) { named("USERPROFILE") } else { None })
}

/// Where programs keep their settings: `XDG_CONFIG_HOME`, else `~/.config`, on Windows `%APPDATA%`.
pub fn config_base() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", "APPDATA", ".config")
}

/// Where Oarlock keeps what it needs to remember.
pub fn state_dir() -> Option<PathBuf> {
    base("XDG_STATE_HOME", "LOCALAPPDATA", ".local/state").map(|base| base.join("oarlock"))
}

fn base(variable: &str, on_windows: &str, in_home: &str) -> Option<PathBuf> {
    let of_profile = || if cfg!(windows) { named(on_windows) } else { None };
    named(variable).or_else(of_profile).or_else(|| Some(home()?.join(in_home)))
}
