//! Where the store of a call is.

use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use oarlock_sqlite::{Options, StorePaths};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::config::{self, Config};
use crate::gateway::Address;
use crate::opening::{self, OpenStore};
use crate::paths::{current_dir, resolved};
use crate::project::Project;
use crate::trust;

/// The consequence of a missing project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// The verb needs one.
    Refused,
    /// The verb can do without, or makes one around the current directory.
    Expected,
    /// The verb makes one: of the repository, else in the current directory, whatever is above it.
    Made,
}

/// Where the store of a call is.
#[derive(Clone, Debug)]
pub struct StoreTarget {
    place: StorePaths,
    project: Option<Project>,
}

impl StoreTarget {
    /// The place that is named, or that of the project around the current directory.
    ///
    /// # Errors
    /// `not_found` without a project, `denied` for another user's, `invalid_request` for a name that is not a store.
    pub fn find(named: Option<&OsStr>, absent: IfMissing) -> Result<Self, OpError> {
        let here = current_dir()?;
        if let Some(url) = named {
            let path = sqlite_path(url)?;
            let place = StorePaths::of_file(resolved(&here, path));
            // The store of a project, named from outside, keeps the project's settings.
            let project = Project::of_store(place.file());
            return Ok(Self { place, project });
        }
        let project = match absent {
            // A store that was named is its user's word; one that is found above may be anybody's.
            IfMissing::Refused => Project::find(&here)?,
            IfMissing::Expected => Project::around_or_at(&here),
            IfMissing::Made => Project::of_repository(&here).unwrap_or_else(|| Project::at(&here)),
        };
        let target = Self::of(project);
        target.place.check_dir()?;
        trust::check_owner(&target.place)?;
        Ok(target)
    }

    /// The store of a project.
    pub fn of(project: Project) -> Self {
        Self { place: StorePaths::of_file(project.store_file()), project: Some(project) }
    }

    /// The file and its neighbours.
    pub fn place(&self) -> &StorePaths {
        &self.place
    }

    /// The project, where the store is that of one.
    pub fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// The store's URL for people.
    pub fn url(&self) -> String {
        self.url_bytes().to_string_lossy().into_owned()
    }

    /// The store's URL for programs: a path need not be text.
    pub fn url_bytes(&self) -> OsString {
        let mut url = OsString::from("sqlite:");
        url.push(self.place.file());
        url
    }

    /// Stores of the same repository that lie elsewhere.
    pub fn other_stores(&self) -> Vec<String> {
        let others = self.project.iter().flat_map(Project::other_stores);
        others.map(|other| other.display().to_string()).collect()
    }

    /// The defaults for calls to this store.
    ///
    /// # Errors
    /// As [`config::load_all`].
    pub fn settings(&self) -> Result<Settings, OpError> {
        Ok(self.config()?.settings)
    }

    /// All that is configured for this store.
    ///
    /// # Errors
    /// As [`config::load_all`].
    pub fn config(&self) -> Result<Config, OpError> {
        config::load_all(self.project.as_ref().map(|project| project.dir().join("config.toml")).as_deref())
    }

    /// Opens the store, which must be there.
    ///
    /// # Errors
    /// `not_found` when it is not, `denied` for one that is not this user's, those of the store.
    pub fn open(&self, options: Options) -> Result<OpenStore, OpError> {
        self.place.check_dir()?;
        if self.place.file().symlink_metadata().is_err() {
            let message = format!("there is no store at {}", self.place.file().display());
            return Err(Rejection::Missing {
                message,
                hint: "make one with `oarlock init`, or name another with --store sqlite:PATH".into(),
            }
            .into());
        }
        trust::check(&self.place)?;
        Ok(opening::open(&self.place, options)?)
    }
}

/// Names the store where nothing else does: a URL, as `--store` takes it.
const STORE_VARIABLE: &str = "OARLOCK_STORE";

/// The store that the environment names, if it names one.
pub fn named_by_environment() -> Option<OsString> {
    std::env::var_os(STORE_VARIABLE).filter(|value| !value.is_empty())
}

/// Whether a text is the URL of a store, and no path of a file.
pub(crate) fn is_store_url(text: &OsStr) -> bool {
    behind_scheme(text).is_some() || text.to_str().is_some_and(|url| Address::is_one(url) || is_postgres(url))
}

fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
}

fn sqlite_path(url: &OsStr) -> Result<&Path, OpError> {
    if let Some(path) = behind_scheme(url) {
        return match path {
            path if path.is_empty() => {
                Err(Rejection::invalid("--store names no file", "write sqlite:PATH, for example sqlite:/data/oarlock.db").into())
            }
            path => Ok(Path::new(path)),
        };
    }
    let url = &*url.to_string_lossy();
    let shown = oarlock_model::ident::shown(url);
    if Address::is_one(url) {
        let message = format!("this command needs the store itself, and {shown} is a gateway");
        return Err(Rejection::invalid(message, "run it on the machine of the store, with --store sqlite:PATH").into());
    }
    let message = if is_postgres(url) { format!("this build has no client for {shown}") } else { format!("\"{shown}\" is not a store") };
    Err(Rejection::invalid(message, "write sqlite:PATH, http(s)://HOST:PORT or unix:PATH, for example sqlite:/data/oarlock.db").into())
}

/// The path behind `sqlite:`, byte by byte.
#[cfg(unix)]
fn behind_scheme(url: &OsStr) -> Option<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    url.as_bytes().strip_prefix(b"sqlite:").map(OsStr::from_bytes)
}

/// The path behind `sqlite:`.
#[cfg(not(unix))]
fn behind_scheme(url: &OsStr) -> Option<&OsStr> {
    url.to_str()?.strip_prefix("sqlite:").map(OsStr::new)
}
