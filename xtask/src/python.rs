//! The environment of Python below the target directory, in which the package is built and tested: `python/environment` makes it,
//! `python/wheel` puts the package into it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::output::Outcome;
use crate::workspace::{self, finish};

/// A Python that has PyYAML; none where there is no Python 3.9 with venv.
///
/// # Errors
/// Missing tools cannot be installed.
pub(crate) fn with_yaml() -> Outcome<Option<PathBuf>> {
    let script = workspace::root().join("python/environment");
    let output = Command::new(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", script.display(), output.status).into());
    }
    let folder = String::from_utf8(output.stdout)?;
    Ok((!folder.trim().is_empty()).then(|| PathBuf::from(folder.trim()).join("bin/python")))
}

/// The same with the package of this tree in it.
///
/// # Errors
/// As [`with_yaml`], or the package cannot be built.
pub(crate) fn with_package() -> Outcome<Option<PathBuf>> {
    let python = with_yaml()?;
    if python.is_some() {
        finish(&mut Command::new(workspace::root().join("python/wheel")))?;
    }
    Ok(python)
}
