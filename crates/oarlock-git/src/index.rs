//! Which files of a folder git tracks, read from the index itself (gitformat-index(5)): starting git would cost a one-shot command more than
//! all the rest. The entries are sorted and names that begin with a dot come first, so little of the file is read.

use oarlock_host::file::WithoutTraps as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::program::ask_around;
use crate::repository::index_of;

/// The longest name that is read, in bytes.
const NAME_BYTES_MAX: u64 = 64 << 10;

/// Bytes of an entry before the hash: times, device, number, mode, owner, group, size.
const STAT_BYTES: usize = 40;

/// Bytes of SHA-1 and of SHA-256. The index does not say which it has; only one of them fits.
const HASHES: [usize; 2] = [20, 32];

/// The names in the index of the worktree `top` that are `prefix` or below it, which git calls by `/`. None when nobody can know.
///
/// # Errors
/// The index cannot be opened.
pub fn tracked(top: &Path, prefix: &str) -> io::Result<Option<Vec<String>>> {
    let Some(index) = index_of(top) else { return Ok(None) };
    if is_split(&index) {
        return Ok(by_git(top, prefix));
    }
    let open = || OpenOptions::new().read(true).without_waiting().open(&index);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let read = HASHES.iter().find_map(|hash| scan(BufReader::with_capacity(16 << 10, open().ok()?), *hash, prefix.as_bytes()).ok());
    Ok(read.or_else(|| by_git(top, prefix)))
}

/// Whether a part of the index is in another file (gitformat-index(5), "Split index").
fn is_split(index: &Path) -> bool {
    let dir = index.parent().and_then(|dir| std::fs::read_dir(dir).ok());
    dir.into_iter().flatten().flatten().any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"sharedindex."))
}

/// The answer of git itself; none where there is no git or it fails.
fn by_git(top: &Path, prefix: &str) -> Option<Vec<String>> {
    let listed = ask_around(top, &["--literal-pathspecs", "ls-files", "-z", "--", prefix]).ok()?;
    Some(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn scan(mut index: BufReader<File>, hash_bytes: usize, prefix: &[u8]) -> io::Result<Vec<String>> {
    if !index.get_ref().metadata()?.is_file() {
        return Err(wrong("not a file"));
    }
    scan_entries(&mut index, hash_bytes, prefix)
}

fn scan_entries(index: &mut impl BufRead, hash_bytes: usize, prefix: &[u8]) -> io::Result<Vec<String>> {
    let mut header = [0; 12];
    index.read_exact(&mut header)?;
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, entries) = (number(4), number(8));
    if &header[..4] != b"DIRC" || !(2..=4).contains(&version) {
        return Err(wrong("not an index of a known version"));
    }
    // `/` is followed by `0`: nothing below the prefix comes after that.
    let end = [prefix, b"0"].concat();
    let (mut found, mut before) = (Vec::new(), Vec::new());
    for _ in 0..entries {
        let name = entry(index, version, hash_bytes, &before)?;
        if name < before {
            return Err(wrong("not sorted"));
        }
        if name >= end {
            break;
        }
        let is_below = name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        if is_below {
            found.push(String::from_utf8_lossy(&name).into_owned());
        }
        before = name;
    }
    Ok(found)
}

/// Reads one entry and returns its name.
fn entry(index: &mut impl BufRead, version: u32, hash_bytes: usize, before: &[u8]) -> io::Result<Vec<u8>> {
    let mut fixed = vec![0; STAT_BYTES + hash_bytes + 2];
    index.read_exact(&mut fixed)?;
    let mut bytes = fixed.len();
    let flags = u16::from_be_bytes([fixed[bytes - 2], fixed[bytes - 1]]);
    if version >= 3 && flags & 0x4000 != 0 {
        index.read_exact(&mut [0; 2])?;
        bytes += 2;
    }
    // Version 4: as many bytes of the name before are left out, and what follows is put behind the rest.
    let mut name =
        if version == 4 { before[..before.len().checked_sub(varint(index)?).ok_or_else(|| wrong("a name"))?].to_vec() } else { Vec::new() };
    let kept = name.len();
    let read = index.take(NAME_BYTES_MAX).read_until(0, &mut name)?;
    if name.pop() != Some(0) {
        return Err(wrong("a name without an end"));
    }
    let length = usize::from(flags & 0xfff);
    if name.is_empty() || (length < 0xfff && length != name.len()) {
        return Err(wrong("a name of another length"));
    }
    if version < 4 {
        // Entries are filled up to a multiple of eight bytes, with one zero at least.
        let padding = (8 - (bytes + read) % 8) % 8;
        index.read_exact(&mut vec![0; padding])?;
    }
    debug_assert!(kept <= name.len());
    Ok(name)
}

/// A number as in packs: seven bits a byte, each further one counting from the last plus one.
fn varint(index: &mut impl BufRead) -> io::Result<usize> {
    let mut byte = [0];
    index.read_exact(&mut byte)?;
    let mut value = usize::from(byte[0] & 0x7f);
    while byte[0] & 0x80 != 0 {
        index.read_exact(&mut byte)?;
        value =
            value.checked_add(1).and_then(|value| value.checked_mul(128)).ok_or_else(|| wrong("a number"))? + usize::from(byte[0] & 0x7f);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(dir: &Path, args: &[&str]) -> String {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let run =
            command.arg("-C").arg(dir).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args).output().expect("git");
        assert!(run.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    fn write(dir: &Path, name: &str) {
        let file = dir.join(name);
        std::fs::create_dir_all(file.parent().expect("below")).expect("a directory");
        std::fs::write(file, name).expect("a file");
    }

    fn tracked(top: &Path, prefix: &str) -> Option<Vec<String>> {
        super::tracked(top, prefix).expect("it can be opened")
    }

    #[test]
    fn the_index_says_what_git_says_in_every_version_and_with_every_hash() {
        let files =
            [".oarlock/oarlock.db", ".oarlock/config.toml", ".oarlock/a/b", ".oarlock-x", ".oarlock0", ".github/w.yml", "Oarlock", "z"];
        let own = [".oarlock/a/b", ".oarlock/config.toml", ".oarlock/oarlock.db"];
        for format in ["sha1", "sha256"] {
            for version in ["2", "3", "4"] {
                let temp = tempfile::tempdir().expect("temporary");
                let dir = temp.path();
                git(dir, &["init", "--quiet", "--object-format", format, "."]);
                assert_eq!(tracked(dir, ".oarlock"), Some(Vec::new()), "without an index");
                files.iter().for_each(|name| write(dir, name));
                git(dir, &["add", "--force", "."]);
                if version == "3" {
                    write(dir, "later");
                    git(dir, &["add", "--intent-to-add", "later"]);
                }
                git(dir, &["update-index", "--index-version", version]);
                let read = HASHES
                    .iter()
                    .find_map(|hash| scan(BufReader::new(File::open(dir.join(".git/index")).expect("an index")), *hash, b".oarlock").ok());
                assert_eq!(read.as_deref(), Some(own.map(str::to_owned).as_slice()), "{format}, version {version}");
                assert_eq!(tracked(dir, ".oarlock").as_deref(), Some(own.map(str::to_owned).as_slice()));
                assert_eq!(tracked(dir, ".oarlock/none"), Some(Vec::new()));
                git(dir, &["update-index", "--split-index"]);
                write(dir, "more");
                git(dir, &["add", "more"]);
                assert_eq!(tracked(dir, ".oarlock").map(|names| names.len()), Some(3), "split, {format}");
                git(dir, &["rm", "--quiet", "-r", "--cached", ".oarlock"]);
                assert_eq!(tracked(dir, ".oarlock"), Some(Vec::new()), "not any more");
            }
        }
    }

    #[test]
    fn links_and_repositories_in_its_place_are_names_too() {
        let temp = tempfile::tempdir().expect("temporary");
        let dir = temp.path();
        git(dir, &["init", "--quiet", "."]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("elsewhere", dir.join(".oarlock")).expect("linked");
        git(dir, &["add", "--force", "."]);
        assert_eq!(tracked(dir, ".oarlock"), Some(vec![".oarlock".to_owned()]));
        let inner = dir.join("sub/.oarlock");
        std::fs::create_dir_all(&inner).expect("a directory");
        git(&inner, &["init", "--quiet", "."]);
        git(&inner, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
        git(dir, &["add", "--force", "sub"]);
        assert_eq!(tracked(dir, "sub/.oarlock"), Some(vec!["sub/.oarlock".to_owned()]));
    }

    #[test]
    fn an_index_that_cannot_be_understood_is_never_taken_for_an_empty_one() {
        let temp = tempfile::tempdir().expect("temporary");
        let dir = temp.path();
        git(dir, &["init", "--quiet", "."]);
        (0..40).for_each(|n| write(dir, &format!(".a/{n}")));
        write(dir, ".oarlock/oarlock.db");
        git(dir, &["add", "--force", "."]);
        let whole = std::fs::read(dir.join(".git/index")).expect("an index");
        let scanned = |bytes: &[u8]| HASHES.iter().find_map(|hash| scan_entries(&mut &*bytes, *hash, b".oarlock").ok());
        assert_eq!(scanned(&whole).map(|names| names.len()), Some(1));
        for length in (0..whole.len() - 120).step_by(7) {
            assert_eq!(scanned(&whole[..length]), None, "cut off after {length}");
        }
        std::fs::write(dir.join(".git/index"), "nonsense").expect("written");
        assert_eq!(tracked(dir, ".oarlock"), None, "git cannot read it either");
    }
}
