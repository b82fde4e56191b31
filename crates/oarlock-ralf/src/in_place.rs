//! Writing a file in place, for the one file whose old writers lock the file itself: who put a new file in its place would take it from
//! under their lock, and their next update with it.
//!
//! A write that breaks off would leave half a text. So the text before and the new one are on the disk beside it first, as a copy under a
//! name of its own; anyone who comes next finds the copy, sees how far the write came, and finishes it. A file that shows neither text nor a
//! mixture of both was written by somebody else since, which counts.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::file::{self, WithoutTraps as _};
use oarlock_model::seeded;

/// How long a reader waits for who is writing; then it reads the present content.
const READ_PATIENCE: Duration = Duration::from_secs(1);
/// The pause between two looks at a lock.
const READ_PAUSE: Duration = Duration::from_millis(1);
/// The beginning of a copy.
const MARK: &str = "oarlock write";

/// Where the copy of a file is while it is written.
pub(crate) fn copy_of(file: &Path) -> PathBuf {
    file.with_file_name(format!(".{}.oarlock-copy", file.file_name().unwrap_or_default().to_string_lossy()))
}

/// Writes `after` over `before`, which the file, whose lock the caller holds, has now. When it fails the file is as it was, or the copy is
/// there, and the next call goes on with it.
///
/// # Errors
/// The operating system's.
pub(crate) fn write(path: &Path, file: &mut File, before: &[u8], after: &[u8]) -> io::Result<()> {
    let copy = copy_of(path);
    let made = make_copy(&copy, file, before, after);
    if made.is_err() {
        let _ = fs::remove_file(&copy);
        return made;
    }
    if let Err(error) = put(file, before, after) {
        // A full disk: there is room for the former content.
        if put(file, &[], before).is_ok() {
            let _ = fs::remove_file(&copy);
        }
        return Err(error);
    }
    fs::remove_file(&copy)
}

/// Finishes a write that broke off. The caller holds the file's lock.
///
/// # Errors
/// The operating system's.
pub(crate) fn settle(path: &Path, file: &mut File) -> io::Result<()> {
    let copy = copy_of(path);
    let Some((before, after)) = read_copy(&copy)?.filter(|_| !seeded::is(seeded::BROKEN_WRITE_LEFT)) else { return Ok(()) };
    let mut now = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut now)?;
    if broke_off(&now, &before, &after) || seeded::is(seeded::COPY_BELIEVED) {
        put(file, &now, &after)?;
    }
    fs::remove_file(&copy)
}

/// Keeps writers away while it lives, if none keeps its lock for too long. Nothing is made: who reads a project changes nothing in it.
#[derive(Debug)]
pub(crate) struct Shared {
    _file: Option<File>,
}

/// Waits for who is writing the file.
pub(crate) fn shared(path: &Path) -> Shared {
    let start = Instant::now();
    let mut options = OpenOptions::new();
    let Ok(file) = options.read(true).without_waiting().open(path) else { return Shared { _file: None } };
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Shared { _file: Some(file) },
            Err(TryLockError::WouldBlock) if start.elapsed() < READ_PATIENCE => thread::sleep(READ_PAUSE),
            Err(_) => return Shared { _file: None },
        }
    }
}

/// The content of the file when the interrupted write is finished, as `now` shows it; none when no write was interrupted.
pub(crate) fn pending(path: &Path, now: &str) -> Option<String> {
    let (before, after) = read_copy(&copy_of(path)).ok()??;
    broke_off(now.as_bytes(), &before, &after).then(|| String::from_utf8(after).ok()).flatten()
}

/// The copy, whole on the disk, for nobody who may not read the file itself.
fn make_copy(copy: &Path, file: &File, before: &[u8], after: &[u8]) -> io::Result<()> {
    let mut new = OpenOptions::new().create(true).truncate(true).write(true).made_with(0o600).without_traps().open(copy)?;
    new.set_permissions(file.metadata()?.permissions())?;
    let head = format!("{MARK} {} {}\n", before.len(), after.len());
    new.write_all(&[head.as_bytes(), before, after].concat())?;
    new.sync_all()?;
    file::sync_dir(copy.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// The text before and the new one; nothing when there is no copy, or none that was finished: then the write had not begun.
fn read_copy(copy: &Path) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let bytes = match fs::read(copy) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parse_copy(&bytes).or_else(|| Some((Vec::new(), Vec::new()))))
}

fn parse_copy(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let mut sizes = std::str::from_utf8(&bytes[..end]).ok()?.strip_prefix(MARK)?.split_whitespace().map(str::parse::<usize>);
    let (before, after) = (sizes.next()?.ok()?, sizes.next()?.ok()?);
    let texts = &bytes[end + 1..];
    (texts.len() == before.checked_add(after)?).then(|| (texts[..before].to_vec(), texts[before..].to_vec()))
}

/// One write of the differing part, over the whole former length: until the end is cut off, lines without anything stand in the
/// place of the removed text, which no reader of YAML minds.
fn put(file: &mut File, before: &[u8], after: &[u8]) -> io::Result<()> {
    let padded = padded(before, after);
    let same = common(before, &padded);
    file.seek(SeekFrom::Start(same as u64))?;
    file.write_all(&padded[same..])?;
    // Of no text before it is not known whether there is more.
    if padded.len() > after.len() || before.is_empty() {
        file.set_len(after.len() as u64)?;
    }
    file.sync_data()
}

fn padded(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut padded = after.to_vec();
    padded.resize(after.len().max(before.len()), b'\n');
    padded
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// Whether a file that holds `now` was left in the middle of being written.
fn broke_off(now: &[u8], before: &[u8], after: &[u8]) -> bool {
    if now == before || now == after {
        return false;
    }
    let padded = padded(before, after);
    let written = common(now, &padded);
    now[written..] == *before.get(written..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &[u8] = b"agents:\n  ada:\n    n: 100\n    text: long\nmetadata:\n  updated_by: ada\n";
    const SHORT: &[u8] = b"agents:\n  bob:\n    n: 1\nmetadata:\n  updated_by: bob\n";

    /// Every state in which a write can leave the file.
    fn states(before: &[u8], after: &[u8]) -> Vec<Vec<u8>> {
        let padded = padded(before, after);
        let mut states: Vec<Vec<u8>> = (0..=padded.len()).map(|k| [&padded[..k], before.get(k..).unwrap_or_default()].concat()).collect();
        states.push(after.to_vec());
        states
    }

    #[test]
    fn wherever_a_write_breaks_off_the_next_call_has_the_old_text_or_the_new_one() {
        for (before, after) in [(LONG, SHORT), (SHORT, LONG), (b"".as_slice(), LONG), (LONG, b"".as_slice())] {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("agent-state.yaml");
            for now in states(before, after) {
                fs::write(&path, &now).expect("a file");
                let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("a file");
                make_copy(&copy_of(&path), &file, before, after).expect("a copy");
                let want = if now == before { before } else { after };
                let text = String::from_utf8(now.clone()).expect("a text");
                let seen = pending(&path, &text).unwrap_or(text);
                assert_eq!(seen.as_bytes(), want, "a reader sees what the next writer makes of it");
                settle(&path, &mut file).expect("settles");
                assert_eq!(fs::read(&path).expect("a file"), want);
                assert!(!copy_of(&path).exists());
            }
        }
    }

    #[test]
    fn what_others_wrote_since_counts_and_a_copy_that_was_not_finished_says_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("agent-state.yaml");
        let theirs = b"agents:\n  eve:\n    n: 7\n";
        fs::write(&path, theirs).expect("a file");
        let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("a file");
        make_copy(&copy_of(&path), &file, LONG, SHORT).expect("a copy");
        settle(&path, &mut file).expect("settles");
        assert_eq!(fs::read(&path).expect("a file"), theirs);
        fs::write(&path, LONG).expect("a file");
        make_copy(&copy_of(&path), &file, LONG, SHORT).expect("a copy");
        let whole = fs::read(copy_of(&path)).expect("a copy");
        for len in 0..whole.len() {
            fs::write(copy_of(&path), &whole[..len]).expect("a copy");
            settle(&path, &mut file).expect("settles");
            assert_eq!(fs::read(&path).expect("a file"), LONG, "{len}");
            assert!(!copy_of(&path).exists());
        }
    }

    #[test]
    fn a_text_takes_the_place_of_a_longer_and_of_a_shorter_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("agent-state.yaml");
        fs::write(&path, LONG).expect("a file");
        let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("a file");
        for (before, after) in [(LONG, SHORT), (SHORT, LONG), (LONG, b"".as_slice()), (b"".as_slice(), SHORT)] {
            write(&path, &mut file, before, after).expect("writes");
            assert_eq!(fs::read(&path).expect("a file"), after);
        }
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1, "no copy stays");
    }
}
