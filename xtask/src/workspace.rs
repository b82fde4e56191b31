//! Where the workspace is and what cargo says about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::output::Outcome;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace")
}

/// The cargo that runs us, or the one in the path.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// The profile of released programs.
pub(crate) const DIST: &str = "dist";

/// The folder of this program, in which cargo puts all that it builds in this profile.
fn here() -> Outcome<PathBuf> {
    let exe = std::env::current_exe()?;
    Ok(exe.parent().ok_or("this program is in no folder")?.to_owned())
}

/// The profile in which this program was built.
///
/// # Errors
/// The system does not say where it is.
pub(crate) fn profile() -> Outcome<String> {
    let name = here()?.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(if name == "debug" { "dev".to_owned() } else { name })
}

/// Builds in a profile what the arguments name; nothing is done where nothing has changed.
///
/// # Errors
/// It cannot be built: the compiler has said why.
pub(crate) fn build(profile: &str, what: &[&str]) -> Outcome<()> {
    let status = cargo().args(["build", "--profile", profile]).args(what).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo build {}: {status}", what.join(" ")).into()) }
}

/// The program that users run, as this tree makes it, in the profile of this program.
///
/// # Errors
/// Those of [`build`].
pub(crate) fn program() -> Outcome<PathBuf> {
    // Together with this package, so that what both depend on is built once.
    build(&profile()?, &["--package", "oarlock", "--package", "xtask", "--bin", "oarlock"])?;
    Ok(here()?.join("oarlock"))
}

/// Builds this program in another profile, and runs it there with the same arguments.
///
/// # Errors
/// Those of [`build`], or it fails, and has said why.
pub(crate) fn run_in(profile: &str) -> Outcome<()> {
    build(profile, &["--package", "xtask"])?;
    let program = target_dir()?.join(profile).join("xtask");
    let status = Command::new(program).args(std::env::args_os().skip(1)).status()?;
    if status.success() { Ok(()) } else { Err(format!("in the profile {profile}: {status}").into()) }
}

/// `cargo metadata` of the workspace's own crates.
///
/// # Errors
/// Cargo cannot be run or does not understand a manifest.
pub(crate) fn metadata() -> Outcome<Value> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where cargo puts what it builds.
///
/// # Errors
/// Those of [`metadata`].
pub(crate) fn target_dir() -> Outcome<PathBuf> {
    let metadata = metadata()?;
    let dir = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(dir.into())
}

/// Runs a command to its end. What it prints is not what ours says, unless it fails.
///
/// # Errors
/// It cannot be run, or fails.
pub(crate) fn finish(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// The files below `dir` whose name ends with `.EXTENSION`, in the order of their paths. Built files and
/// hidden folders are passed over.
///
/// # Errors
/// A folder cannot be read.
pub(crate) fn files_below(dir: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|error| format!("cannot read {}: {error}", dir.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name();
            let is_hidden = name.to_string_lossy().starts_with('.');
            if kind.is_dir() && !is_hidden && name != "target" {
                waiting.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The folders of all crates, in the order of their names; this one is the last.
///
/// # Errors
/// The folder of the crates cannot be read.
pub(crate) fn crate_dirs() -> Outcome<Vec<PathBuf>> {
    let mut dirs = Vec::new();
    for entry in std::fs::read_dir(root().join("crates"))? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            dirs.push(path);
        }
    }
    dirs.sort();
    dirs.push(root().join("xtask"));
    Ok(dirs)
}
