//! The possible state of files after a loss of power: everything that was synced, and of the rest any of its sectors, in any order.

use std::collections::BTreeMap;

use crate::watched::Step;

/// The unit that a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// Files and their contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Which of the changes that no sync has followed are on the disk.
#[derive(Debug)]
pub enum Kept<'a> {
    /// None.
    Nothing,
    /// All of them.
    Everything,
    /// Each sector of each write by chance, and now and then one that holds noise instead.
    Chance(&'a mut fastrand::Rng),
}

/// A disk as steps go by.
///
/// A write changes the bytes that it was asked to change and no others, even when the power goes ("powersafe overwrite"). Making
/// and deleting a file is taken to be done at once: anyone who makes a file syncs its directory, which is not seen here.
#[derive(Clone, Debug, Default)]
pub struct Power {
    synced: Files,
    pending: BTreeMap<String, Vec<Change>>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Power {
    /// A disk that holds these files.
    #[must_use]
    pub fn on(files: Files) -> Self {
        Self { synced: files, pending: BTreeMap::new() }
    }

    /// Goes one step.
    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Write { file, offset, bytes } => {
                let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
                self.change(file, Change::Write { offset, bytes: bytes.clone() });
            }
            Step::Truncate { file, size } => self.change(file, Change::Truncate { size: usize::try_from(*size).unwrap_or(usize::MAX) }),
            Step::Sync { file } => {
                let changes = self.pending.remove(file).unwrap_or_default();
                let content = self.synced.entry(file.clone()).or_default();
                changes.iter().for_each(|change| apply(content, change, &mut Kept::Everything));
            }
            Step::Delete { file } => {
                self.synced.remove(file);
                self.pending.remove(file);
            }
            Step::Note(_) => {}
        }
    }

    fn change(&mut self, file: &str, change: Change) {
        self.pending.entry(file.to_owned()).or_default().push(change);
    }

    /// Whether anything waits for a sync.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    /// The state of the files if the power goes now.
    #[must_use]
    pub fn lost(&self, mut kept: Kept<'_>) -> Files {
        let mut files = self.synced.clone();
        for (file, changes) in &self.pending {
            let content = files.entry(file.clone()).or_default();
            changes.iter().for_each(|change| apply(content, change, &mut kept));
        }
        files
    }
}

fn apply(content: &mut Vec<u8>, change: &Change, kept: &mut Kept<'_>) {
    match change {
        Change::Truncate { size } => {
            let is_kept = match kept {
                Kept::Nothing => false,
                Kept::Everything => true,
                Kept::Chance(rng) => rng.bool(),
            };
            if is_kept {
                content.resize(*size, 0);
            }
        }
        Change::Write { offset, bytes } => {
            let mut at = *offset;
            while at < offset + bytes.len() {
                let end = ((at / SECTOR + 1) * SECTOR).min(offset + bytes.len());
                apply_sector(content, at, &bytes[at - offset..end - offset], kept);
                at = end;
            }
        }
    }
}

fn apply_sector(content: &mut Vec<u8>, at: usize, bytes: &[u8], kept: &mut Kept<'_>) {
    /// Of this many sectors one holds noise.
    const NOISE_IN: u8 = 32;
    let (is_kept, noise) = match kept {
        Kept::Nothing => (false, None),
        Kept::Everything => (true, None),
        Kept::Chance(rng) => {
            let noise = (rng.u8(..NOISE_IN) == 0).then(|| rng.u8(..));
            (noise.is_some() || rng.bool(), noise)
        }
    };
    if !is_kept {
        return;
    }
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    let place = &mut content[at..at + bytes.len()];
    match noise {
        Some(noise) => place.iter_mut().enumerate().for_each(|(n, byte)| *byte = noise.wrapping_mul(n as u8 | 1)),
        None => place.copy_from_slice(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(offset: u64, bytes: &[u8]) -> Step {
        Step::Write { file: "f".into(), offset, bytes: bytes.to_vec() }
    }

    #[test]
    fn what_was_synced_stays() {
        let mut power = Power::default();
        power.step(&write(0, b"first"));
        assert_eq!(power.lost(Kept::Nothing)["f"], b"");
        assert_eq!(power.lost(Kept::Everything)["f"], b"first");
        power.step(&Step::Sync { file: "f".into() });
        power.step(&write(3, b"ends"));
        assert_eq!(power.lost(Kept::Nothing)["f"], b"first");
        assert_eq!(power.lost(Kept::Everything)["f"], b"firends");
        power.step(&Step::Truncate { file: "f".into(), size: 2 });
        assert_eq!(power.lost(Kept::Nothing)["f"], b"first");
        assert_eq!(power.lost(Kept::Everything)["f"], b"fi");
    }

    #[test]
    fn later_writes_may_be_there_without_earlier_ones() {
        let mut power = Power::default();
        power.step(&write(0, &[1; 4 * SECTOR]));
        power.step(&write(4 * SECTOR as u64, &[2; 4 * SECTOR]));
        let mut rng = fastrand::Rng::with_seed(1);
        let seen: Vec<Vec<u8>> = (0..200).map(|_| power.lost(Kept::Chance(&mut rng))["f"].clone()).collect();
        let is_reordered = |file: &Vec<u8>| file.len() > 4 * SECTOR && file[..4 * SECTOR].iter().all(|byte| *byte == 0);
        assert!(seen.iter().any(is_reordered), "only what came later");
        assert!(seen.iter().any(|file| file.len() == SECTOR), "only the first sector");
        assert!(seen.iter().any(|file| file.iter().any(|byte| *byte > 2)), "noise");
    }
}
