//! The verbs on whole stores: export, import, backup, restore, doctor.

use clap::{ArgMatches, FromArgMatches};
use oarlock_ops::OpError;
use oarlock_ops::admin::{Administration, Backup, BackupReply, Doctor, Export, ExportReply, Import, Restore, file_exists};
use oarlock_ops::store::StoreError;
use oarlock_sqlite::SqliteAdministration;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Seek, Write};
use std::path::Path;

use super::args::Common;
use super::exec::{Absent, Where, options};
use super::output::Output;

pub(crate) fn run(verb: &str, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let target = Where::find(common, if matches!(verb, "restore" | "doctor") { Absent::Expected } else { Absent::Refused })?;
    let settings = target.settings()?;
    let options = options(common, &settings);
    if matches!(verb, "export" | "backup" | "import") {
        // A store that is not there is told as for every other verb.
        target.open(options.clone())?;
    }
    let mut steward = SqliteAdministration::new(target.place().clone(), options);
    match verb {
        "export" => export(&mut steward, &parsed::<Export>(matches)?, output),
        "import" => import(&mut steward, &parsed::<Import>(matches)?, target.place().dir(), output),
        "backup" => {
            let Backup { file } = parsed(matches)?;
            let bytes = steward.backup(&file)?;
            reply(verb, &BackupReply { file: file.display().to_string(), bytes }, output)
        }
        "restore" => {
            if let Some(project) = target.project() {
                project.check_single()?;
                project.make_dir()?;
            }
            let Restore { file } = parsed(matches)?;
            reply(verb, &steward.restore(&file)?, output)
        }
        "doctor" => {
            let Doctor { fix, new_epoch } = parsed(matches)?;
            let found = steward.doctor(fix, new_epoch)?;
            let code = reply(verb, &found, output)?;
            Ok(if found.ok { code } else { 65 })
        }
        other => Err(OpError::Usage { message: format!("there is no command {other}"), hint: "see oarlock --help".into() }),
    }
}

fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, OpError> {
    T::from_arg_matches(matches).map_err(super::usage_error)
}

fn reply<T: Serialize>(verb: &str, reply: &T, output: &Output) -> Result<u8, OpError> {
    Ok(output.reply(verb, &serde_json::to_value(reply)?))
}

fn export(steward: &mut SqliteAdministration, request: &Export, output: &Output) -> Result<u8, OpError> {
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
    let written = steward.export(&mut out).and_then(|events| {
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
    OpenOptions::new().write(true).create(true).truncate(true).open(partial).map_err(|error| cannot("write", partial, &error))
}

fn import(steward: &mut SqliteAdministration, request: &Import, dir: &Path, output: &Output) -> Result<u8, OpError> {
    let restored = if request.file.as_os_str() == "-" {
        // All of it first: nobody else could write while an import waits for its input.
        steward.import(&mut BufReader::new(staged(dir)?))?
    } else {
        let file = File::open(&request.file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => oarlock_model::Rejection::not_found("file", request.file.display()).into(),
            _ => cannot("read", &request.file, &error),
        })?;
        steward.import(&mut BufReader::new(file))?
    };
    reply("import", &restored, output)
}

/// Standard input as a file without a name.
fn staged(dir: &Path) -> Result<File, OpError> {
    let path = dir.join(format!("import-{}", std::process::id()));
    let stage = || {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
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
