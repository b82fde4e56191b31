//! The verbs on whole stores: export, import, backup, restore, doctor.

use clap::ArgMatches;
use oarlock_client::{IfMissing, StoreTarget, administration, trust};
use oarlock_host::file::WithoutTraps as _;
use oarlock_model::seeded;
use oarlock_ops::OpError;
use oarlock_ops::admin::{Administration, Backup, BackupReply, Doctor, Export, ExportReply, Import, Restore, RestoreReply, file_exists};
use oarlock_ops::reply::Reply;
use oarlock_ops::store::StoreError;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};

use super::common::Common;
use super::output::Output;
use super::usage::parsed;

/// The words for what takes long, and is done in two places.
const COPYING: &str = "copying the store";
const RESTORING: &str = "restoring the store";
const IMPORTING: &str = "importing the log";

pub(crate) fn run(verb: &str, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let target = common.target(if matches!(verb, "restore" | "doctor") { IfMissing::Expected } else { IfMissing::Refused })?;
    let settings = target.settings()?;
    let options = common.options(&settings);
    if matches!(verb, "export" | "backup" | "import") {
        // A store that is not there is reported as for every other verb.
        target.open(options.clone())?;
    }
    // To replace a store that came with the repository is to get rid of it.
    if verb == "doctor" {
        trust::check(target.place())?;
    }
    let is_writing = matches!(verb, "restore" | "import" | "doctor");
    let before = if is_writing { target.place().identity().ok() } else { None };
    let mut steward = administration(target.place(), options);
    let done = administer(verb, matches, &target, &mut steward, output);
    if !is_writing {
        return done;
    }
    if let Some(now) = target.place().identity().ok().filter(|now| before != Some(*now)) {
        // A new identity is this user's doing. Where it cannot be remembered, the next call says what to do.
        let _ = trust::remember(target.place(), now);
        if let Some(before) = before {
            trust::carry_keys(before, now);
        }
    }
    done
}

fn administer(
    verb: &str,
    matches: &ArgMatches,
    target: &StoreTarget,
    steward: &mut impl Administration,
    output: &Output,
) -> Result<u8, OpError> {
    match verb {
        "export" => export(steward, &parsed::<Export>(matches)?, output),
        "import" => import(steward, &parsed::<Import>(matches)?, target.place().dir(), output),
        "backup" => {
            let Backup { file } = parsed(matches)?;
            if file.as_os_str() == "-" {
                return backup_to_output(steward, target.place().dir(), output);
            }
            let bytes = output.during(COPYING, || steward.backup(&file))?;
            reply(verb, &BackupReply { file: file.display().to_string(), bytes }, output)
        }
        "restore" => {
            if let Some(project) = target.project() {
                project.check_single()?;
                project.make_dir()?;
            }
            let Restore { file } = parsed(matches)?;
            if file.as_os_str() == "-" {
                return reply(verb, &restore_input(steward, target.place().dir(), output)?, output);
            }
            reply(verb, &output.during(RESTORING, || steward.restore(&file))?, output)
        }
        "doctor" => {
            let Doctor { fix, new_epoch } = parsed(matches)?;
            let found = output.during("replaying the log and comparing it with the store", || steward.doctor(fix, new_epoch))?;
            let code = reply(verb, &found, output)?;
            Ok(if found.ok { code } else { 65 })
        }
        other => Err(OpError::Usage { message: format!("there is no command {other}"), hint: "see oarlock --help".into() }),
    }
}

fn reply<T: Serialize + Clone + Send + 'static>(verb: &str, reply: &T, output: &Output) -> Result<u8, OpError> {
    Ok(output.reply(verb, &Reply::new(reply.clone())))
}

/// A file beside the store for the time of one call: it is gone when this is dropped.
struct Passing(PathBuf);

impl Passing {
    fn new(dir: &Path, what: &str) -> Self {
        Self(dir.join(format!("{what}-{}", std::process::id())))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A copy of one moment, as a stream: it is made beside the store first, since a store is not written from front to back.
fn backup_to_output(steward: &mut impl Administration, dir: &Path, output: &Output) -> Result<u8, OpError> {
    let (message, hint) = match (output.json, std::io::stdout().is_terminal()) {
        (true, _) => ("backup writes a store, not one JSON object, to standard output", "name a file, or leave --json out"),
        (false, true) => {
            ("a backup is not for a terminal", "send it to a file or another program, for example `oarlock backup - | gzip > F`")
        }
        (false, false) => {
            let copy = Passing::new(dir, "backup");
            output.during(COPYING, || steward.backup(&copy.0))?;
            let mut file = File::open(&copy.0).map_err(|error| cannot("read", &copy.0, &error))?;
            let mut out = std::io::stdout().lock();
            return match std::io::copy(&mut file, &mut out).and_then(|_| out.flush()) {
                Ok(()) => Ok(0),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
                Err(error) => Err(cannot("write", Path::new("standard output"), &error)),
            };
        }
    };
    Err(OpError::Usage { message: message.into(), hint: hint.into() })
}

/// Restores what standard input has.
fn restore_input(steward: &mut impl Administration, dir: &Path, output: &Output) -> Result<RestoreReply, OpError> {
    let copy = Passing::new(dir, "restore-input");
    let kept = new_private(&copy.0).and_then(|mut file| std::io::copy(&mut std::io::stdin().lock(), &mut file));
    kept.map_err(|error| cannot("keep the input in", &copy.0, &error))?;
    output.during(RESTORING, || steward.restore(&copy.0))
}

fn export(steward: &mut impl Administration, request: &Export, output: &Output) -> Result<u8, OpError> {
    let Some(file) = request.out.as_ref().filter(|file| file.as_os_str() != "-") else {
        if output.json {
            return Err(OpError::Usage {
                message: "export writes lines, not one JSON object, to standard output".into(),
                hint: "add --out F, or leave --json out".into(),
            });
        }
        return match steward.export(&mut BufWriter::new(std::io::stdout().lock())) {
            Err(OpError::Store(StoreError::Unavailable { message, .. })) if message.contains("Broken pipe") => Ok(0),
            other => other.map(|_| 0),
        };
    };
    let partial = file.with_extension("partial");
    let mut out = BufWriter::new(new_file(file, &partial)?);
    let written = output.during("writing the log", || steward.export(&mut out)).and_then(|events| {
        out.flush()
            .and_then(|()| out.get_ref().sync_all())
            .and_then(|()| fs::hard_link(&partial, file))
            .map_err(|error| cannot("write", file, &error))?;
        Ok(events)
    });
    let _ = fs::remove_file(&partial);
    reply("export", &ExportReply { events: written?, file: file.display().to_string() }, output)
}

/// The file to write into until it is complete, so that a half-written one never has the name.
fn new_file(file: &Path, partial: &Path) -> Result<File, OpError> {
    if file.exists() {
        return Err(file_exists(file));
    }
    new_private(partial).map_err(|error| cannot("write", partial, &error))
}

/// A new file for its owner alone, in the place of what a killed call may have left. What it holds is as secret as the store.
fn new_private(path: &Path) -> std::io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = if seeded::is(seeded::MODES_OPEN) { 0o666 } else { 0o600 };
    OpenOptions::new().read(true).write(true).create_new(true).without_traps().made_with(mode).open(path)
}

fn import(steward: &mut impl Administration, request: &Import, dir: &Path, output: &Output) -> Result<u8, OpError> {
    let restored = if request.file.as_os_str() == "-" {
        // All of it first: nobody else could write while an import waits for its input.
        let mut input = BufReader::new(staged(dir)?);
        output.during(IMPORTING, || steward.import(&mut input))?
    } else {
        let file = File::open(&request.file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => oarlock_model::Rejection::not_found("file", request.file.display()).into(),
            _ => cannot("read", &request.file, &error),
        })?;
        output.during(IMPORTING, || steward.import(&mut BufReader::new(file)))?
    };
    reply("import", &restored, output)
}

/// Standard input as a file without a name.
fn staged(dir: &Path) -> Result<File, OpError> {
    let path = dir.join(format!("import-{}", std::process::id()));
    let stage = || {
        let mut file = new_private(&path)?;
        fs::remove_file(&path)?;
        std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    stage().map_err(|error: std::io::Error| cannot("keep the input in", &path, &error))
}

fn cannot(doing: &str, file: &Path, error: &std::io::Error) -> OpError {
    StoreError::Unavailable {
        message: format!("failed to {doing} {}: {error}", file.display()),
        hint: "look at the permissions and the free space".into(),
    }
    .into()
}
