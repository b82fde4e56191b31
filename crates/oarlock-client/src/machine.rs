//! The caller's own machine: files, paths, processes.

use oarlock_host::file::canonical;
use oarlock_host::process::ProcessId;
use oarlock_model::agent::Host;
use oarlock_model::ident::shown;
use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::{Rejection, TaskId, limits, pattern};
use oarlock_ops::OpError;
use oarlock_ops::local::{Existing, Floor, Local, Search};
use oarlock_ops::shapes::TaskShape;
use oarlock_ops::store::StoreError;
use serde_json::json;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use crate::paths::{current_dir, resolved, with_links_resolved};
use crate::project::Project;
use crate::worktree::{self, worktree_of};
use oarlock_git::{Tip, slashed};

/// This process's machine and current directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Local for ThisMachine {
    fn read_text(&mut self, path: &str, bytes_max: usize) -> Result<String, OpError> {
        let mut bytes = Vec::new();
        let limit = bytes_max as u64 + 1;
        let read = match path {
            "-" => stdin().lock().take(limit).read_to_end(&mut bytes),
            path => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
        };
        read.map_err(|error| unreadable(path, &error))?;
        if bytes.len() > bytes_max {
            // A device or a pipe has no size: only the read bytes are known.
            let size = if path == "-" { None } else { std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| m.len() as usize) };
            let named = if path == "-" { "standard input".to_owned() } else { shown(path) };
            let source = if size.is_some() { named } else { format!("{named} (reading stopped there)") };
            let actual = size.unwrap_or(bytes.len());
            return Err(Rejection::limit(format!("bytes of {source}"), bytes_max, actual).into());
        }
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
            OpError::Damaged {
                message: format!("{}: line {line}: it is not UTF-8 text", shown(path)),
                hint: "convert the file to UTF-8".into(),
                details: json!({"file": path, "line": line}),
            }
        })
    }

    fn is_file(&self, path: &str) -> bool {
        std::fs::metadata(path).is_ok_and(|found| found.is_file())
    }

    fn document_path(&self, path: &str) -> Result<Option<String>, OpError> {
        if path == "-" {
            return Ok(None);
        }
        let here = current_dir()?;
        // Where nothing is around, the directory that it is seen from is none that others share.
        let inside = worktree::root(&here).and_then(|_| self.repository_path(path).ok()).filter(|path| path != ".");
        let absolute = || with_links_resolved(&resolved(&here, path)).to_str().map(str::to_owned);
        Ok(inside.or_else(absolute).filter(|path| path.chars().count() <= limits::PATH_CHARS_MAX))
    }

    fn floor(&self, named: &str) -> Option<Floor> {
        crate::ralf::floor(Path::new(named), &current_dir().ok()?)
    }

    fn repository_path(&self, path: &str) -> Result<String, OpError> {
        let here = current_dir()?;
        let wanted = with_links_resolved(&resolved(&here, path));
        in_repository(&here, &wanted, path)
    }

    fn look_for(&self, search: Search) -> Result<Option<Existing>, OpError> {
        worktree::look_for(search, &current_dir()?)
    }

    fn list_files(&self) -> Result<Vec<String>, OpError> {
        Ok(worktree::list_files(&current_dir()?))
    }

    fn submission(&self, task: &TaskId, branch: Option<&BranchName>) -> Result<Option<(Option<BranchName>, ObjectId)>, OpError> {
        let here = current_dir()?;
        let tip = match branch {
            Some(branch) => match oarlock_git::tip_of(&here, branch.as_str()) {
                Ok(tip) => Some(tip),
                Err(_) => return Err(Rejection::not_found("branch", branch).into()),
            },
            None => oarlock_git::tip_here(&here, &format!("oarlock/{task}")),
        };
        let Some(Tip { branch, commit }) = tip else { return Ok(None) };
        Ok(Some((branch.and_then(|branch| BranchName::parse(&branch).ok()), ObjectId::parse(&commit)?)))
    }

    fn process(&self, pid: u32) -> Result<String, OpError> {
        match ProcessId::of(pid) {
            Ok(Some(process)) => Ok(process.to_text()),
            Ok(None) => Err(Rejection::not_found("process", pid).into()),
            Err(error) => Err(StoreError::Unavailable {
                message: format!("process {pid} cannot be identified: {error}"),
                hint: "is /proc mounted?".into(),
            }
            .into()),
        }
    }

    fn host(&self) -> Host {
        Host { name: oarlock_host::clock::host_name(), boot_id: String::new(), pid: None }
    }
}

impl ThisMachine {
    /// The changes of a task that waits for a person, or of which a submission was refused, as people read them, where the repository around the
    /// current directory has them: its submitted commit, or its branch, since it left its target.
    #[must_use]
    pub fn changes_of(task: &TaskShape) -> Option<String> {
        let onto = task.onto.as_ref().map_or_else(|| "HEAD".to_owned(), |onto| format!("refs/heads/{onto}"));
        let submitted = task.landing.as_ref().map(|landing| landing.commit.to_string());
        let what = submitted.unwrap_or_else(|| format!("refs/heads/oarlock/{}", task.id));
        oarlock_git::changes_since(&current_dir().ok()?, &onto, &what)
    }

    /// The path in the repository of a name itself: links that lead to it are followed, and none of that name is.
    ///
    /// # Errors
    /// `invalid_request` for a path outside of the repository or cannot be written in one.
    pub fn repository_entry(path: &str) -> Result<String, OpError> {
        let here = current_dir()?;
        let wanted = resolved(&here, path);
        let wanted = match (wanted.parent(), wanted.file_name()) {
            (Some(dir), Some(name)) => with_links_resolved(dir).join(name),
            _ => wanted,
        };
        in_repository(&here, &wanted, path)
    }
}

/// The path in the repository of something whose links are resolved, seen from `here`; `path` is what a refusal calls it.
fn in_repository(here: &Path, wanted: &Path, path: &str) -> Result<String, OpError> {
    // A path means the same in every worktree: its own is looked for first, which may lie below the main one.
    let project = Project::around(here);
    let mut roots = vec![worktree_of(here)];
    roots.extend(project.as_ref().map(|project| project.root().to_owned()));
    let inside = |root: &PathBuf| Some(wanted.strip_prefix(canonical(root).as_ref().unwrap_or(root)).ok()?.to_owned());
    let of_its_own = || {
        let root = worktree_of(wanted.ancestors().find(|above| above.is_dir() && !above.is_symlink())?);
        // The top of another one is a folder of whatever it lies in: what removes it changes no path of the repository.
        let is_here = root == roots[0];
        inside(&root).filter(|path| project.is_some() && Project::around(&root) == project && (is_here || *path != Path::new("")))
    };
    let inside = of_its_own().or_else(|| roots.iter().find_map(inside)).ok_or_else(|| {
        Rejection::invalid(format!("{} is outside the repository {}", shown(path), roots[0].display()), "name a path inside the repository")
    })?;
    let text = slashed(&inside).ok_or_else(|| Rejection::invalid(format!("{} is not UTF-8", shown(path)), "rename it"))?;
    if text.is_empty() {
        return Ok(".".to_owned());
    }
    Ok(pattern::normalise_path(&text).map_err(Rejection::from)?)
}

fn unreadable(path: &str, error: &std::io::Error) -> OpError {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Rejection::not_found("file", path).into();
    }
    OpError::Damaged {
        message: format!("{} cannot be read: {error}", shown(path)),
        hint: "look at its permissions and whether it is a file".into(),
        details: json!({"file": path}),
    }
}
