//! Running a parsed command line: where the store is, who calls, which verb.

use clap::{ArgMatches, FromArgMatches};
use oarlock_host::process::pipe::reader_has_gone;
use oarlock_model::ErrorCode;
use oarlock_model::Rejection;
use oarlock_model::duration::Duration;
use oarlock_model::rules::authority::Authority;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::caller::Identity;
use oarlock_ops::log::{Events, Status, StatusReply};
use oarlock_ops::registry::{self, Entry};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Request as _;
use oarlock_ops::settings::Settings;
use oarlock_sqlite::{Options, Place, SqliteStore};
use serde::Serialize;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Instant;

use super::args::{Common, HelpArgs};
use super::init::Init;
use super::local::{ThisMachine, ancestors};
use super::output::{Output, note};
use super::ralf::Ralf;
use super::selftest::Selftest;
use super::{runner, stewardship};
use crate::beside;
use crate::config::{self, Config};
use crate::door::Door;
use crate::interrupt::{self, Interruptible};
use crate::project::{Project, current_dir, resolved};
use crate::trust;
use crate::view;

/// What it means that there is no project yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The verb needs one.
    Refused,
    /// The verb can do without, or makes one around the current directory.
    Expected,
    /// The verb makes one: of the repository, else in the current directory, whatever is above it.
    Made,
}

/// Where the store of a call is.
#[derive(Clone, Debug)]
pub(crate) struct Where {
    place: Place,
    project: Option<Project>,
}

impl Where {
    /// The place that is named, or that of the project around the current directory.
    pub(crate) fn find(common: &Common, absent: Absent) -> Result<Self, OpError> {
        let here = current_dir()?;
        if let Some(url) = &common.store {
            let path = sqlite_path(url)?;
            let place = Place::of_file(resolved(&here, path));
            // The store of a project, named from outside, keeps the project's settings.
            let project = Project::of_store(place.file());
            return Ok(Self { place, project });
        }
        let project = match absent {
            // A store that was named is its user's word; one that is found above may be anybody's.
            Absent::Refused => Project::find(&here)?,
            Absent::Expected => Project::around(&here).unwrap_or_else(|| Project::at(&here)),
            Absent::Made => Project::of_repository(&here).unwrap_or_else(|| Project::at(&here)),
        };
        let target = Self::of(project);
        target.place.check_dir()?;
        trust::check_owner(&target.place)?;
        Ok(target)
    }

    /// The store of a project.
    pub(crate) fn of(project: Project) -> Self {
        Self { place: Place::of_file(project.store_file()), project: Some(project) }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// The store's URL for people.
    pub(crate) fn url(&self) -> String {
        self.url_bytes().to_string_lossy().into_owned()
    }

    /// The store's URL for programs: a path need not be text.
    pub(crate) fn url_bytes(&self) -> OsString {
        let mut url = OsString::from("sqlite:");
        url.push(self.place.file());
        url
    }

    /// Stores of the same repository that lie elsewhere.
    pub(crate) fn other_stores(&self) -> Vec<String> {
        let others = self.project.iter().flat_map(Project::other_stores);
        others.map(|other| other.display().to_string()).collect()
    }

    /// The defaults for calls to this store.
    pub(crate) fn settings(&self) -> Result<Settings, OpError> {
        Ok(self.config()?.settings)
    }

    /// The same for a command that takes its number of agents from there: people are told that a project's file may not have so many.
    pub(crate) fn settings_with_agents(&self) -> Result<Settings, OpError> {
        let config = self.config()?;
        if let Some(about) = config.about_agents() {
            note(&about);
        }
        Ok(config.settings)
    }

    fn config(&self) -> Result<Config, OpError> {
        config::load_all(self.project.as_ref().map(|project| project.dir().join("config.toml")).as_deref())
    }

    /// Opens the store, which must be there.
    pub(crate) fn open(&self, options: Options) -> Result<SqliteStore, OpError> {
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
        Ok(beside::open(&self.place, options)?)
    }
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
    if ["http://", "https://", "unix:"].iter().any(|scheme| url.starts_with(scheme)) {
        let message = format!("this command needs the store itself, and {shown} is a gateway");
        return Err(Rejection::invalid(message, "run it on the machine of the store, with --store sqlite:PATH").into());
    }
    let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    let message = if known { format!("this build has no client for {shown}") } else { format!("\"{shown}\" is not a store") };
    Err(Rejection::invalid(message, "write sqlite:PATH, for example sqlite:/data/oarlock.db").into())
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

/// How the store is opened for this call.
pub(crate) fn options(common: &Common, settings: &Settings) -> Options {
    Options { busy: common.busy.unwrap_or(settings.busy).as_std(), ..Options::default() }
}

/// Runs the verb of a parsed command line.
pub(crate) fn execute(matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let Some((verb, matches)) = matches.subcommand() else {
        return Err(OpError::Usage { message: "no command was given".into(), hint: "see oarlock --help".into() });
    };
    match registry::find(verb) {
        Some(entry) => run_entry(entry, matches, common, output),
        None => run_local(verb, matches, common, output),
    }
}

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, OpError> {
    T::from_arg_matches(matches).map_err(super::usage_error)
}

fn run_local(verb: &str, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    match verb {
        "init" => {
            let target = Where::find(common, Absent::Made)?;
            let settings = target.settings()?;
            let reply = parsed::<Init>(matches)?.run(&target, options(common, &settings))?;
            Ok(output.reply(verb, &Reply::new(reply)))
        }
        "help" => {
            let text = parsed::<HelpArgs>(matches)?.text()?;
            Ok(output.reply(verb, &Reply::new(Help { text })))
        }
        "setup" => parsed::<super::setup::SetupArgs>(matches)?.run(output),
        "hook" => parsed::<super::hook::HookArgs>(matches)?.run(common),
        "work" => runner::work(parsed(matches)?, common, output),
        "run" => runner::run(parsed(matches)?, common, output),
        "ralf" => parsed::<Ralf>(matches)?.run(common, output),
        #[cfg(feature = "gateway")]
        "serve" => parsed::<super::serve::ServeArgs>(matches)?.run(common, output),
        #[cfg(feature = "gateway")]
        "mcp" => parsed::<super::mcp::McpArgs>(matches)?.run(common),
        #[cfg(feature = "gateway")]
        "access" => parsed::<super::access::AccessArgs>(matches)?.run(common, output),
        "selftest" => parsed::<Selftest>(matches)?.run(common, output),
        _ => stewardship::run(verb, matches, common, output),
    }
}

fn run_entry(entry: &Entry, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let started = Instant::now();
    let mut call = (entry.from_matches)(matches).map_err(super::usage_error)?;
    call.localise(&mut ThisMachine)?;
    let mut other_stores = Vec::new();
    let (mut door, at): (Door<'_>, String) = match gateway(common)? {
        Some((door, url)) => (door, url),
        None => {
            let anywhere = Where::find(common, Absent::Refused);
            let goes_by_agents = entry.verb == "split" && !output.json && matches.value_source("agents").is_none();
            let read = if goes_by_agents { Where::settings_with_agents } else { Where::settings };
            let settings = anywhere.as_ref().map_or_else(|_| config::load(None), read)?;
            if anywhere.as_ref().map_or(true, |target| !target.place().file().exists()) {
                call.has_no_project();
            }
            if let Some(reply) = call.without_store(&settings)? {
                return Ok(output.reply(entry.verb, &reply));
            }
            let target = anywhere?;
            if entry.verb == Status::VERB {
                other_stores = target.other_stores();
            }
            at_store(&target, common, settings)?
        }
    };
    if call.goes_on() && call.waiting().is_some() {
        // Whatever ends the wait, what is done is told.
        interrupt::catch()?;
    }
    let caller = caller(common, call.identity());
    let follows = entry.verb == Events::VERB && matches.get_flag("follow");
    let code = if follows {
        follow(&parsed(matches)?, &mut door, &caller, output)?
    } else {
        let mut reply = super::gather::call(&*call, &mut door, &caller, output)?;
        if let Some(status) = reply.get_mut::<StatusReply>() {
            status.other_stores = other_stores;
        }
        output.reply(entry.verb, &reply)
    };
    if common.verbose && !output.json {
        note(&format!("{} on {at} in {:.1} ms", entry.verb, started.elapsed().as_secs_f64() * 1e3));
    }
    Ok(code)
}

/// The store of this place, opened for calls.
pub(crate) fn at_store(target: &Where, common: &Common, settings: Settings) -> Result<(Door<'static>, String), OpError> {
    let mut store = Interruptible(target.open(options(common, &settings))?);
    Ok((Door::new(move |call, caller| call.run(&mut store, caller, &settings)), target.url()))
}

/// The gateway that is named as the store, if one is.
#[cfg(feature = "gateway")]
pub(crate) fn gateway(common: &Common) -> Result<Option<(Door<'static>, String)>, OpError> {
    let Some(client) = crate::gateway::Client::named(common.store_text(), common.busy)? else { return Ok(None) };
    let url = common.store_text().unwrap_or_default().to_owned();
    Ok(Some((Door::new(move |call, caller| client.call(call, caller)), url)))
}

/// A build without a client: whoever names one is told so.
#[cfg(not(feature = "gateway"))]
pub(crate) fn gateway(_common: &Common) -> Result<Option<(Door<'static>, String)>, OpError> {
    Ok(None)
}

/// Who calls. Only where nothing is said are the processes above looked at.
pub(crate) fn caller(common: &Common, identity: Identity) -> Caller {
    let unknown = common.name.is_none() && common.session.is_none() && identity != Identity::Made;
    Caller {
        name: common.name.clone(),
        session: common.session.clone(),
        ancestors: if unknown { ancestors() } else { Vec::new() },
        key: common.key.clone(),
        authority: Authority::Operator,
        root: None,
    }
}

/// The reply of `help`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Help {
    pub(crate) text: String,
}

/// The longest wait for further events in one piece, in milliseconds: between two, the reader may have gone.
const FOLLOW_SLICE_MS: i64 = 2_000;

/// Prints page after page, an event a line, until the reader goes away, `--limit` events are told, or nothing was logged for the time
/// that `--wait` names.
fn follow(asked: &Events, door: &mut Door<'_>, caller: &Caller, output: &Output) -> Result<u8, OpError> {
    let patience_ms = asked.wait.map(Duration::as_ms);
    let (mut told, mut silent_ms) = (0, 0);
    let mut cursor = asked.after.clone();
    loop {
        let left_ms = patience_ms.map_or(FOLLOW_SLICE_MS, |patience_ms| patience_ms - silent_ms);
        let slice_ms = left_ms.clamp(1_000, FOLLOW_SLICE_MS);
        let next = Events {
            after: cursor.clone(),
            wait: Some(Duration::from_ms(slice_ms)),
            limit: asked.limit.map(|limit| limit - told),
            ..asked.clone()
        };
        match door.ask(caller, next) {
            Ok(page) => {
                for event in &page.events {
                    let line = match output.json {
                        true => serde_json::to_string(event)?,
                        false => view::event_line(event, view::Paint::new(output.colour)),
                    };
                    if !output.line(&line) {
                        return Ok(0);
                    }
                    told += 1;
                }
                silent_ms = 0;
                cursor = Some(page.cursor);
            }
            Err(error) if error.code() == ErrorCode::TimedOut => {
                silent_ms += slice_ms;
                if patience_ms.is_some_and(|patience_ms| silent_ms >= patience_ms) {
                    let (what, facts) = ("nothing was logged".to_owned(), Value::Null);
                    return Err(Rejection::TimedOut { what, waited_ms: silent_ms, facts }.into());
                }
            }
            Err(error) => return Err(error),
        }
        if asked.limit.is_some_and(|limit| told >= limit) || reader_has_gone(std::io::stdout()) {
            return Ok(0);
        }
    }
}
