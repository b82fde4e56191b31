//! Setting clients up and taking it back: [`setup`](crate::setup) says what has to stand in which file; here files are read, changed
//! all or none, and remembered, so that a removal restores the files byte for byte.

mod facts;
mod journal;
mod links;
mod places;

use crate::client::Client;
use crate::edit::undo;
use crate::setup::{Base, Content, Facts, Scope, Target, targets};
use oarlock_host::file::{canonical, set_mode};
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use facts::{facts, is_in_git, on_path};
pub use journal::Journal;
use journal::Record;
pub use places::Places;

/// The longest file that is edited, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file as it is and as it is going to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// For whom, the first one where several want it.
    pub client: Client,
    /// The file.
    pub file: PathBuf,
    /// Its text; none where there is no such file.
    pub before: Option<String>,
    /// Its text afterwards; none where it goes.
    pub after: Option<String>,
    is_program: bool,
    /// A note for the person.
    pub remark: Option<Remark>,
    record: Option<Record>,
}

/// Why a file is not as one would expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Something that is not Oarlock's is where Oarlock's should.
    Taken,
    /// A needed part stays after the removal, because it was there before.
    Stays,
}

impl Change {
    /// In one word.
    pub fn action(&self) -> &'static str {
        match (&self.before, &self.after) {
            (before, after) if before == after => "unchanged",
            (None, _) => "create",
            (_, None) => "delete",
            _ => "edit",
        }
    }

    /// Whether it is a script that was there and that nobody may run: git passes over such a hook. Its permissions are its owner's.
    pub fn is_not_executable(&self) -> bool {
        let has_no_runner = |meta: fs::Metadata| !oarlock_host::file::is_program(&meta);
        self.is_program && self.before.is_some() && self.after.is_some() && fs::metadata(&self.file).is_ok_and(has_no_runner)
    }

    /// The changed lines.
    pub fn diff(&self) -> String {
        let (before, after) = (self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default());
        let name = |text: &Option<String>| if text.is_some() { self.file.display().to_string() } else { "/dev/null".into() };
        let diff = similar::TextDiff::from_lines(before, after);
        diff.unified_diff().header(&name(&self.before), &name(&self.after)).to_string()
    }
}

/// The planned changes, none of them done yet.
#[derive(Debug)]
pub struct Plan {
    places: Places,
    scope: Scope,
    facts: Facts,
    journal: Journal,
    changes: BTreeMap<PathBuf, Change>,
}

impl Plan {
    /// Nothing yet, for clients in these places.
    pub fn new(places: Places, scope: Scope, facts: Facts, journal: Journal) -> Self {
        Self { places, scope, facts, journal, changes: BTreeMap::new() }
    }

    /// The changes, each file once.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.values()
    }

    /// Adds what a client needs.
    ///
    /// # Errors
    /// `data_damaged` for a file that cannot be read or edited, with its place in it.
    pub fn put(&mut self, client: Client) -> Result<(), OpError> {
        for target in targets(client, self.scope, &self.facts) {
            let file = self.file_of(client, &target)?;
            if self.is_other_name_of_shared(&target, &file)? {
                continue;
            }
            let before = self.text_now(&file)?;
            if target.only_if_there && before.is_none() {
                continue;
            }
            let (after, record) = self.put_text(&target, &file, before.as_deref())?;
            let is_in = after.as_ref().is_some_and(|text| target.content.is_in(text));
            self.note(client, &target, file, after, Some(record), (!is_in).then_some(Remark::Taken))?;
        }
        Ok(())
    }

    fn put_text(&self, target: &Target, file: &Path, now: Option<&str>) -> Result<(Option<String>, Record), OpError> {
        let text = now.unwrap_or_default();
        let put = |text: &str| target.content.put(text).map_err(|error| unfit(file, &error));
        let known = self.record(file);
        let mut record = known.cloned().unwrap_or_default();
        // What people wrote beside ours may need it: only a text that can be edited again is restored.
        let base = known.and_then(|known| undo(text, &known.insertions)).filter(|base| target.content.put(base).is_ok());
        if let Some(base) = base {
            // Ours of before, or as it would be today.
            let fresh = put(&base)?;
            record.insertions = fresh.insertions;
            return Ok((Some(fresh.text), record));
        }
        let edited = put(text)?;
        if edited.insertions.is_empty() {
            // All of it is there, put there by somebody else or changed since: it is left alone.
            record.was_there |= known.is_none();
            return Ok((now.map(str::to_owned), record));
        }
        if known.is_none() || !target.content.is_in(text) {
            record.created = now.is_none();
            record.dirs = missing_dirs(file);
            record.insertions.clear();
        }
        record.insertions.extend(edited.insertions);
        Ok((Some(edited.text), record))
    }

    /// Takes what a client needed away again.
    ///
    /// # Errors
    /// As [`Plan::put`].
    pub fn take_out(&mut self, client: Client) -> Result<(), OpError> {
        let mut is_set_up = false;
        for target in targets(client, self.scope, &self.facts).iter().filter(|target| !target.is_shared) {
            is_set_up |= self.journal.get(&self.file_of(client, target)?).is_some();
        }
        for target in targets(client, self.scope, &self.facts) {
            let file = self.file_of(client, &target)?;
            if self.is_other_name_of_shared(&target, &file)? {
                continue;
            }
            let Some(text) = self.text_now(&file)? else {
                self.note(client, &target, file, None, None, None)?;
                continue;
            };
            // Earlier content stays the first time; who takes a client out again means that, too.
            let record = self.record(&file).filter(|record| is_set_up || !record.was_there).cloned();
            if target.is_shared && self.is_needed_by_others(client)? {
                self.note(client, &target, file, Some(text), record, None)?;
                continue;
            }
            let after = Self::taken_out(&target.content, &file, &text, record.as_ref())?;
            let is_in = after.as_ref().is_some_and(|text| target.content.is_in(text));
            self.note(client, &target, file, after, None, (is_in && record.is_some()).then_some(Remark::Stays))?;
        }
        Ok(())
    }

    fn taken_out(content: &Content, file: &Path, text: &str, record: Option<&Record>) -> Result<Option<String>, OpError> {
        let undone = record
            .filter(|_| !seeded::is(seeded::SETUP_FORGETS))
            .and_then(|record| undo(text, &record.insertions).map(|left| (record, left)));
        let taken_out = |text: &str| content.take_out(text).map_err(|error| unfit(file, &error));
        if let Some((record, left)) = undone.filter(|(_, left)| content.put(left).is_ok())
            && content.keeps_all(&left, &taken_out(text)?.unwrap_or_default())
        {
            return Ok((!(record.created && left.trim().is_empty())).then_some(left));
        }
        if !content.is_in(text) {
            return Ok(Some(text.to_owned()));
        }
        // A file that was there stays, whatever is left of it.
        let was_there = record.is_some_and(|record| !record.created);
        Ok(taken_out(text)?.or_else(|| was_there.then(|| content.emptied(text))))
    }

    /// Whether another client of this scope is set up when all this is done.
    fn is_needed_by_others(&self, client: Client) -> Result<bool, OpError> {
        for other in Client::ALL.into_iter().filter(|other| *other != client && *other != Client::Git) {
            for target in targets(other, self.scope, &self.facts).iter().filter(|target| !target.is_shared && !target.only_if_there) {
                let file = self.file_of(other, target)?;
                if self.text_now(&file)?.is_some_and(|text| target.content.is_in(&text)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether a file is a link to the one that clients share, and has its block.
    fn is_other_name_of_shared(&self, target: &Target, file: &Path) -> Result<bool, OpError> {
        if target.is_shared || !target.only_if_there {
            return Ok(false);
        }
        let shared = targets(Client::Claude, self.scope, &self.facts).into_iter().find(|target| target.is_shared);
        Ok(shared.map(|shared| self.file_of(Client::Claude, &shared)).transpose()?.is_some_and(|shared| shared == file))
    }

    fn file_of(&self, client: Client, target: &Target) -> Result<PathBuf, OpError> {
        let dir = self.places.dir(client, target.base)?;
        let there = target.names.iter().map(|name| dir.join(name)).find(|file| file.exists() || self.changes.contains_key(file));
        let file = there.unwrap_or_else(|| dir.join(target.names[0]));
        if self.scope == Scope::Project {
            links::check(&self.root_of(target.base, &dir), &file)?;
        }
        // A link is edited where it leads to.
        Ok(canonical(&file).unwrap_or(file))
    }

    /// Below which a repository may have put links on the way to a file. Nothing in git's own directory came with it.
    fn root_of(&self, base: Base, dir: &Path) -> PathBuf {
        let project = &self.places.project;
        let is_in_worktree = dir.strip_prefix(project).is_ok_and(|inside| !inside.starts_with(oarlock_git::DOT_GIT));
        if base != Base::GitHooks || is_in_worktree { project.clone() } else { dir.to_owned() }
    }

    fn record(&self, file: &Path) -> Option<&Record> {
        match self.changes.get(file) {
            Some(change) => change.record.as_ref(),
            None => self.journal.get(file),
        }
    }

    /// The text as it is after the changes so far.
    fn text_now(&self, file: &Path) -> Result<Option<String>, OpError> {
        match self.changes.get(file) {
            Some(change) => Ok(change.after.clone()),
            None => read(file),
        }
    }

    fn note(
        &mut self,
        client: Client,
        target: &Target,
        file: PathBuf,
        after: Option<String>,
        record: Option<Record>,
        remark: Option<Remark>,
    ) -> Result<(), OpError> {
        let (first, before, earlier) = match self.changes.remove(&file) {
            Some(change) => (change.client, change.before, change.remark),
            None => (client, read(&file)?, None),
        };
        let (is_program, remark) = (target.content.is_program(), remark.or(earlier));
        self.changes.insert(file.clone(), Change { client: first, file, before, after, is_program, remark, record });
        Ok(())
    }

    /// Makes the changes: all, or none.
    ///
    /// # Errors
    /// `store_unavailable` for a file that cannot be written; those that were are as before, then.
    pub fn apply(mut self) -> Result<Vec<Change>, OpError> {
        let changes: Vec<Change> = std::mem::take(&mut self.changes).into_values().collect();
        for change in changes.iter().filter(|change| change.before != change.after) {
            if fs::metadata(&change.file).is_ok_and(|meta| meta.permissions().readonly()) {
                return Err(unwritten(&change.file, &std::io::Error::other("it is read-only")));
            }
        }
        sweep(changes.iter().map(|change| change.file.as_path()).chain(self.journal.file()));
        let new_dirs: Vec<PathBuf> =
            changes.iter().filter(|change| change.after.is_some()).flat_map(|change| missing_dirs(&change.file)).collect();
        for (at, change) in changes.iter().enumerate() {
            if let Err(error) = self.write(change) {
                for done in changes[..at].iter().rev().filter(|_| !seeded::is(seeded::HALF_A_SETUP)) {
                    // What could be written can be written back.
                    let _ = write_text(&done.file, done.before.as_deref(), done.is_program);
                }
                for dir in new_dirs.iter().rev() {
                    // Those that were made are empty again.
                    let _ = fs::remove_dir(dir);
                }
                return Err(unwritten(&change.file, &error));
            }
        }
        for change in &changes {
            match &change.record {
                Some(record) if !record.insertions.is_empty() || record.was_there => self.journal.set(&change.file, record.clone()),
                _ => self.journal.forget(&change.file),
            }
        }
        self.journal.save()?;
        Ok(changes)
    }

    fn write(&self, change: &Change) -> std::io::Result<()> {
        if change.before == change.after {
            return Ok(());
        }
        write_text(&change.file, change.after.as_deref(), change.is_program)?;
        if change.after.is_none() {
            for dir in self.journal.get(&change.file).map(|record| record.dirs.as_slice()).unwrap_or_default().iter().rev() {
                // One that has something else in it stays.
                let _ = fs::remove_dir(dir);
            }
        }
        Ok(())
    }
}

/// The beginning and the end of the names of files that are being written.
const UNFINISHED: (&str, &str) = (".oarlock-setup-", ".tmp");

/// Removes what a set-up that was killed left half-written. Of one user only one runs at a time.
fn sweep<'f>(beside: impl Iterator<Item = &'f Path>) {
    let dirs: BTreeSet<&Path> = beside.filter_map(Path::parent).collect();
    for entry in dirs.into_iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The directories that have to be made for a file, outermost first.
fn missing_dirs(file: &Path) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = file.ancestors().skip(1).take_while(|dir| !dir.exists()).map(Path::to_owned).collect();
    dirs.reverse();
    dirs
}

fn read(file: &Path) -> Result<Option<String>, OpError> {
    let unreadable = |message: String, hint: &str| OpError::Damaged {
        message: format!("{} {message}; nothing was changed", file.display()),
        hint: hint.into(),
        details: json!({"file": file.display().to_string()}),
    };
    match fs::metadata(file) {
        Err(_) if file.is_symlink() => return Err(unreadable("is a link that leads nowhere".into(), "repair the link, or remove it")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // A pipe would be waited for, for ever.
        Ok(meta) if !meta.is_file() => return Err(unreadable("is not a file".into(), "move the existing file away")),
        Ok(meta) if meta.len() > FILE_BYTES_MAX => {
            return Err(unreadable(format!("has {} bytes, at most {FILE_BYTES_MAX} are edited", meta.len()), "is it the right file?"));
        }
        _ => {}
    }
    let bytes = fs::read(file).map_err(|error| unreadable(format!("cannot be read: {error}"), "check its permissions"))?;
    String::from_utf8(bytes).map(Some).map_err(|_| unreadable("is not UTF-8 text".into(), "convert it to UTF-8"))
}

/// Writes a file so that a reader sees the old one or the new one, with the permissions it has.
fn write_text(file: &Path, text: Option<&str>, is_program: bool) -> std::io::Result<()> {
    let Some(text) = text else {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut temporary = tempfile::Builder::new().prefix(UNFINISHED.0).suffix(UNFINISHED.1).tempfile_in(dir)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    match fs::metadata(file) {
        Ok(meta) => temporary.as_file().set_permissions(meta.permissions())?,
        Err(_) => set_mode(temporary.as_file(), if is_program { 0o755 } else { 0o644 })?,
    }
    temporary.persist(file).map(|_| ()).map_err(|error| error.error)
}

fn unfit(file: &Path, error: &crate::edit::EditError) -> OpError {
    OpError::Damaged {
        message: format!("{}: {error}; nothing was changed", file.display()),
        hint: "repair the file, or move it away, and try again".into(),
        details: json!({"file": file.display().to_string(), "line": error.line, "column": error.column}),
    }
}

fn unwritten(file: &Path, error: &std::io::Error) -> OpError {
    StoreError::Unavailable {
        message: format!("{} cannot be written: {error}; nothing was changed", file.display()),
        hint: "look at the permissions of the file and its directory".into(),
    }
    .into()
}

/// The clients that are named; `all` is each of them.
///
/// # Errors
/// `invalid_request` for a name that is none.
pub fn clients(names: &[String]) -> Result<Vec<Client>, Rejection> {
    let mut clients = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => clients.extend(Client::ALL),
            name => {
                let shown = oarlock_model::ident::shown(name);
                clients.push(name.parse().map_err(|what: String| Rejection::invalid(format!("\"{shown}\": {what}"), "or \"all\""))?);
            }
        }
    }
    clients.sort();
    clients.dedup();
    Ok(clients)
}
