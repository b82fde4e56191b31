//! Whether two commits would conflict, and in which lines: for notices while both are still worked on.
//!
//! The verdict is that of the landing queue: the same merge, settings and attributes. The lines are found by the rule that git's merge follows:
//! two changes conflict where the lines that they replace overlap or touch.

use super::conflict::Stages;
use super::git::{MergeRepository, failed, output};
use crate::program::GitFailed;

/// Files whose places are looked for; of more, only the names are known.
const PLACED_FILES_MAX: usize = 20;
/// Bytes of a diff that are read; a file that changes more is only named.
const DIFF_BYTES_MAX: usize = 4 << 20;
/// Bytes of the changed lines that are kept of each side.
const TEXT_BYTES_MAX: usize = 1_000;

/// A file in which two commits conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Its path.
    pub path: String,
    /// The places; empty for a file that has no lines to compare: binary, deleted, renamed or a directory on one side.
    pub places: Vec<Place>,
}

/// One place in a file where both sides have changed lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The lines in the newest common ancestor.
    pub base: Span,
    /// The lines of the first commit that replace them.
    pub ours: Span,
    /// The lines of the second commit that replace them.
    pub theirs: Span,
    /// The lines that the first commit has added, at most 1,000 bytes of them.
    pub ours_text: String,
    /// The lines that the second commit has added, at most 1,000 bytes of them.
    pub theirs_text: String,
}

/// Lines of a file, counted from 1, both included. Where `last` is before `first` there are none: something was removed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

/// One change of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    base: Span,
    side: Span,
    text: String,
}

impl MergeRepository {
    /// The files in which two commits conflict; none when they merge cleanly. Files without a common ancestor conflict without places.
    ///
    /// # Errors
    /// Git fails, or the commits have no common ancestor.
    pub fn clashes(&self, ours: &str, theirs: &str) -> Result<Vec<Clash>, GitFailed> {
        let mut clashes: Vec<Clash> = Vec::new();
        for stages in self.conflicts(ours, theirs)? {
            let places = if clashes.len() < PLACED_FILES_MAX { self.places(&stages)? } else { Vec::new() };
            clashes.push(Clash { path: stages.path, places });
        }
        Ok(clashes)
    }

    /// The paths of [`MergeRepository::clashes`].
    ///
    /// # Errors
    /// As there.
    pub fn conflicting_files(&self, ours: &str, theirs: &str) -> Result<Vec<String>, GitFailed> {
        Ok(self.conflicts(ours, theirs)?.into_iter().map(|stages| stages.path).collect())
    }

    fn conflicts(&self, ours: &str, theirs: &str) -> Result<Vec<Stages>, GitFailed> {
        match self.merge_with_attributes(ours, theirs) {
            Ok((_, conflicts)) => Ok(conflicts),
            // Asked after it: most often they have one, and each start of git takes longer than the merge of a few files.
            Err(_) if self.merge_base(ours, theirs)?.is_none() => {
                let shallow = self.ask(&["rev-parse", "--is-shallow-repository"])?.trim() == "true";
                let why = if shallow { "; the repository is shallow: `git fetch --unshallow` gets the rest of its history" } else { "" };
                Err(GitFailed(format!("{} and {} have no commit in common{why}", short(ours), short(theirs))))
            }
            Err(failed) => Err(failed),
        }
    }

    fn places(&self, stages: &Stages) -> Result<Vec<Place>, GitFailed> {
        let [Some(base), Some(ours), Some(theirs)] = &stages.blobs else { return Ok(Vec::new()) };
        if [base, ours, theirs].iter().any(|(mode, _)| !mode.starts_with("100")) {
            return Ok(Vec::new());
        }
        let (ours, theirs) = (self.changes(&base.1, &ours.1)?, self.changes(&base.1, &theirs.1)?);
        Ok(both(&ours, &theirs))
    }

    /// The changes of one version of a file; none for one that is binary or too large.
    fn changes(&self, from: &str, to: &str) -> Result<Vec<Change>, GitFailed> {
        let words = ["diff", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-indent-heuristic", "--diff-algorithm=histogram"];
        let mut command = self.git(&[&words[..], &[from, to]].concat());
        let diff = output(&mut command)?;
        if !diff.status.success() {
            return Err(failed(&diff));
        }
        Ok(if diff.stdout.len() > DIFF_BYTES_MAX { Vec::new() } else { changes_of(&String::from_utf8_lossy(&diff.stdout)) })
    }
}

/// The changes in a diff without context.
fn changes_of(diff: &str) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for line in diff.split_inclusive('\n') {
        if let Some(ranges) = line.strip_prefix("@@ -").and_then(|rest| rest.split_once(" @@")).map(|(ranges, _)| ranges) {
            if let Some((base, side)) = ranges.split_once(" +").and_then(|(base, side)| Some((span(base)?, span(side)?))) {
                changes.push(Change { base, side, text: String::new() });
            }
        } else if let (Some(change), Some(added)) = (changes.last_mut(), line.strip_prefix('+')) {
            let room = TEXT_BYTES_MAX.saturating_sub(change.text.len()).min(added.len());
            let cut = (0..=room).rev().find(|at| added.is_char_boundary(*at)).unwrap_or(0);
            change.text.push_str(&added[..cut]);
        }
    }
    changes
}

/// `12,3` or `12`, as a diff without context has it: with a count of 0, the place behind that line.
fn span(text: &str) -> Option<Span> {
    let (first, count) = text.split_once(',').unwrap_or((text, "1"));
    let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
    Some(if count == 0 {
        Span { first: first.saturating_add(1), last: first }
    } else {
        Span { first, last: first.saturating_add(count - 1) }
    })
}

/// Where changes of both sides overlap or touch. Changes that are bound together by others are one place.
fn both(ours: &[Change], theirs: &[Change]) -> Vec<Place> {
    let mut all: Vec<(&Change, bool)> =
        ours.iter().map(|change| (change, true)).chain(theirs.iter().map(|change| (change, false))).collect();
    all.sort_by_key(|(change, is_ours)| (change.base.first, change.base.last, !is_ours));
    let mut places = Vec::new();
    let mut rest = &all[..];
    while let [(first, _), after @ ..] = rest {
        let mut last = first.base.last;
        let bound = after.iter().take_while(|(next, _)| {
            let touches = next.base.first <= last.saturating_add(1);
            last = last.max(next.base.last);
            touches
        });
        let (group, after) = rest.split_at(1 + bound.count());
        rest = after;
        let of = |wanted: bool| group.iter().filter(move |(_, is_ours)| *is_ours == wanted).map(|(change, _)| *change);
        if let (Some((ours, ours_text)), Some((theirs, theirs_text))) = (hull(of(true)), hull(of(false))) {
            let base = group.iter().map(|(change, _)| change.base).reduce(joined);
            places.extend(base.map(|base| Place { base, ours, theirs, ours_text, theirs_text }));
        }
    }
    places
}

fn hull<'a>(changes: impl Iterator<Item = &'a Change>) -> Option<(Span, String)> {
    changes.map(|change| (change.side, change.text.clone())).reduce(|(a, text), (b, more)| (joined(a, b), text + &more))
}

fn joined(a: Span, b: Span) -> Span {
    Span { first: a.first.min(b.first), last: a.last.max(b.last) }
}

fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::testing::Sandbox;

    fn lines(text: &[&str]) -> String {
        text.iter().flat_map(|line| [line, "\n"]).collect()
    }

    #[test]
    fn lines_that_overlap_or_touch_are_found_on_both_sides() {
        let sandbox = Sandbox::new();
        let base = sandbox.commit("a", &lines(&["1", "2", "3", "4", "5", "6", "7", "8"]));
        let ours = sandbox.branch("ours", &base, &[("a", &lines(&["0", "1", "two", "3", "4", "5", "six", "7", "8"]))]);
        let theirs = sandbox.branch("theirs", &base, &[("a", &lines(&["1", "2", "drei", "4", "5", "6", "7", "8", "9"]))]);
        let clashes = sandbox.repository().clashes(&ours, &theirs).expect("git");
        assert_eq!(clashes.len(), 1, "{clashes:?}");
        let clash = &clashes[0];
        let place = Place {
            base: Span { first: 2, last: 3 },
            ours: Span { first: 3, last: 3 },
            theirs: Span { first: 3, last: 3 },
            ours_text: "two\n".into(),
            theirs_text: "drei\n".into(),
        };
        assert_eq!((clash.path.as_str(), &clash.places[..]), ("a", &[place][..]));
        // The other way round.
        let turned = sandbox.repository().clashes(&theirs, &ours).expect("git");
        assert_eq!(turned[0].places[0].ours_text, "drei\n");
    }

    #[test]
    fn two_insertions_at_one_place_and_a_removal_have_places() {
        let sandbox = Sandbox::new();
        let base = sandbox.commit("a", "1\n2\n3\n");
        let one = sandbox.branch("one", &base, &[("a", "1\nx\n2\n3\n")]);
        let two = sandbox.branch("two", &base, &[("a", "1\ny\nz\n2\n3\n")]);
        let gone = sandbox.branch("gone", &base, &[("a", "1\n3\n")]);
        let repository = sandbox.repository();
        let place = &repository.clashes(&one, &two).expect("git")[0].places[0];
        assert_eq!(
            (place.base, place.ours, place.theirs),
            (Span { first: 2, last: 1 }, Span { first: 2, last: 2 }, Span { first: 2, last: 3 })
        );
        let place = &repository.clashes(&one, &gone).expect("git")[0].places[0];
        assert_eq!((place.theirs, place.theirs_text.as_str()), (Span { first: 2, last: 1 }, ""));
        assert_eq!(repository.clashes(&one, &base).expect("git"), []);
    }

    #[test]
    fn files_without_lines_are_named_alone() {
        let sandbox = Sandbox::new();
        let base = sandbox.commit("a", "1\n2\n3\n4\n5\n");
        let changed = sandbox.branch("changed", &base, &[("a", "1\n2\nx\n4\n5\n"), ("new", "1\n"), ("bin", "\0\u{1}")]);
        let other = sandbox.branch("other", &base, &[("new", "2\n"), ("bin", "\0\u{2}")]);
        sandbox.git(&["checkout", "-q", "other"]);
        sandbox.git(&["rm", "-q", "a"]);
        sandbox.git(&["commit", "-q", "-m", "gone"]);
        let other = [other, sandbox.git(&["rev-parse", "HEAD"])];
        let clashes = sandbox.repository().clashes(&changed, &other[1]).expect("git");
        let mut names: Vec<(&str, usize)> = clashes.iter().map(|clash| (clash.path.as_str(), clash.places.len())).collect();
        names.sort_unstable();
        assert_eq!(names, [("a", 0), ("bin", 0), ("new", 0)]);
    }
}
