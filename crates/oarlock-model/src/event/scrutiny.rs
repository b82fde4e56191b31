//! [`Scrutiny`]: what every event of a log must keep to, no matter who wrote the log. `import`, `restore` and `doctor` read logs through
//! it: an event that no verb would have written is damage, and one that is out of bounds could break what reads it later.

use std::collections::{BTreeSet, HashMap};

use super::{Authors, Event, Fact, SpecChange};
use crate::ident::{ReservationId, TaskId};
use crate::limits;
use crate::proposal::check_options;
use crate::rules::merge;
use crate::seeded;
use crate::task::{Resting, TaskSpec};
use crate::time::{StoreTime, WallTime};

/// The greatest number of an event: JSON readers keep no greater one exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// The first and the last moment that can be written as a date, in milliseconds of Unix time: of the years 1 and 9999.
const WALL_MS_MIN: i64 = -62_135_596_800_000;
const WALL_MS_MAX: i64 = 253_402_300_799_999;

/// The last moment of store time that counts as possible, in milliseconds: ten thousand years after the store was made.
const STORE_MS_MAX: i64 = 10_000 * 366 * 24 * 3_600_000;

/// Entries of a list in a part that was made from a document: as many as its steps give together.
const PART_ITEMS_MAX: usize = 100_000;

/// Bytes that joined results of parts may have beyond the limit of one result: the sentence that says that there are more.
const JOINED_BYTES_MORE: usize = 256;

/// The events of a log so far, as far as they decide which events can follow.
#[derive(Clone, Debug, Default)]
pub struct Scrutiny {
    authors: Authors,
    last_seq: Option<u64>,
    /// How many tasks are above each task.
    depths: HashMap<TaskId, usize>,
    reservations: BTreeSet<ReservationId>,
    /// A task with a body that only the parent of parts may have: the next event must make one.
    oversize: Option<TaskId>,
}

type Checked = Result<(), String>;

impl Scrutiny {
    /// A log whose first event comes after this number.
    #[must_use]
    pub fn after(seq: u64) -> Self {
        Self { last_seq: Some(seq), ..Self::default() }
    }

    /// Reads the next event of a log.
    ///
    /// # Errors
    /// The fault of the event, in words: it leaves a gap, its session cannot have written it, or it is out of bounds.
    pub fn read(&mut self, event: &Event) -> Checked {
        self.follows(event)?;
        self.authors.read(event)?;
        if seeded::is(seeded::LOGS_UNBOUNDED) {
            return Ok(());
        }
        wall("the time of the event", event.at)?;
        within("the store time of the event", event.store_at.0, -STORE_MS_MAX, STORE_MS_MAX)?;
        self.keeps_limits(event)
    }

    fn follows(&mut self, event: &Event) -> Checked {
        let seq = event.seq;
        if seq == 0 || seq > SEQ_MAX {
            return Err(format!("the event's number {seq} is not between 1 and {SEQ_MAX}"));
        }
        match self.last_seq {
            Some(last) if seq <= last => return Err(format!("event {seq} does not come after the one before, {last}")),
            // A new epoch begins at any number above all others.
            Some(last) if seq != last + 1 && !matches!(event.fact, Fact::StoreRestored(_)) => {
                return Err(match seq - last {
                    2 => format!("event {} is missing", last + 1),
                    _ => format!("events {} to {} are missing", last + 1, seq - 1),
                });
            }
            _ => {}
        }
        self.last_seq = Some(seq);
        Ok(())
    }

    fn keeps_limits(&mut self, event: &Event) -> Checked {
        if let Some(parent) = self.oversize.take() {
            let is_split = match &event.fact {
                Fact::TaskAdded(part) => part.spec.parent.as_ref() == Some(&parent),
                Fact::TaskSplit(split) => split.id == parent,
                _ => false,
            };
            if !is_split {
                return Err(format!("the body of {parent} is over the limit of {} bytes", limits::BODY_BYTES_MAX));
            }
        }
        match &event.fact {
            Fact::TaskAdded(added) => {
                list("needs", added.needs.len())?;
                if added.needs.contains(&added.id) {
                    return Err(format!("{} needs itself", added.id));
                }
                priority(added.effective_priority)?;
                resting(Some(added.resting))?;
                self.keeps_depth(&added.id, &added.spec)?;
                check_spec(&added.spec)?;
                // Anyone who splits a document without a file keeps it whole in the parent.
                let is_large = added.spec.body.len() > limits::BODY_BYTES_MAX;
                if is_large && added.spec.file.is_none() && added.spec.parent.is_none() {
                    self.oversize = Some(added.id.clone());
                }
                Ok(())
            }
            Fact::ReservationMade(made) => {
                ttl("the TTL", made.ttl_ms)?;
                text("the reason", made.reason.as_deref(), limits::BODY_BYTES_MAX)?;
                self.reservations.insert(made.id.clone());
                bounded("reservations", self.reservations.len(), limits::RESERVATIONS_MAX)
            }
            Fact::ReservationEnded(ended) => {
                self.reservations.remove(&ended.id);
                Ok(())
            }
            fact => check_fact(fact),
        }
    }

    fn keeps_depth(&mut self, id: &TaskId, spec: &TaskSpec) -> Checked {
        let above = spec.parent.as_ref().map_or(0, |parent| self.depths.get(parent).copied().unwrap_or(0) + 1);
        if above > 0 {
            self.depths.insert(id.clone(), above);
        }
        // A task with a parent is one level itself.
        bounded("levels of parents", above, limits::PARENT_DEPTH_MAX)
    }
}

/// The fault of one event, apart from the events around it.
fn check_fact(fact: &Fact) -> Checked {
    match fact {
        Fact::AgentJoined(joined) => {
            list("capabilities", joined.capabilities.len())?;
            ttl("the heartbeat timeout", joined.timeout_ms)?;
            text("the program", joined.program.as_deref(), limits::BODY_BYTES_MAX)?;
            text("the harness id", joined.harness.as_deref(), limits::BODY_BYTES_MAX)?;
            text("the owner", joined.owner.process(), limits::BODY_BYTES_MAX)?;
            text("the host", Some(&joined.host.name), limits::BODY_BYTES_MAX)?;
            text("the boot", Some(&joined.host.boot_id), limits::BODY_BYTES_MAX)
        }
        Fact::TaskUpdated(updated) => {
            priority(updated.effective_priority)?;
            resting(updated.resting)?;
            check_change(&updated.change)
        }
        Fact::TaskNoted(noted) => text("the note", Some(&noted.text), limits::BODY_BYTES_MAX),
        Fact::TaskClaimed(claimed) => grant(claimed.ttl_ms, claimed.attempt),
        Fact::TaskIntended(intended) => grant(intended.ttl_ms, intended.attempt),
        Fact::IntentDropped(dropped) => resting(dropped.resting),
        Fact::TaskProgressed(progressed) => {
            text("the note", progressed.note.as_deref(), limits::BODY_BYTES_MAX)?;
            progressed.progress.map_or(Ok(()), |p| bounded("percent of progress", p.into(), limits::PROGRESS_MAX.into()))
        }
        Fact::TaskReleased(released) => resting(Some(released.resting)),
        Fact::TaskTakenOutside(taken) => {
            text("the holder's name", taken.holder.as_deref(), limits::OUTSIDE_NAME_BYTES_MAX)?;
            wall("the time since when it is held", taken.since)?;
            wall("the last sign of life", taken.seen)
        }
        Fact::TaskLeftOutside(left) => {
            text("the holder's name", left.holder.as_deref(), limits::OUTSIDE_NAME_BYTES_MAX)?;
            wall("the last sign of life", left.seen)?;
            resting(Some(left.resting))
        }
        Fact::TaskFailed(failed) => {
            text("the reason", Some(&failed.reason), limits::BODY_BYTES_MAX)?;
            bounded("failures", failed.failures as usize, limits::ATTEMPTS_MAX as usize)?;
            resting(Some(Resting::Scheduled { retry_at: failed.retry_at }))
        }
        Fact::TaskDone(done) => outcome(done.result.as_deref(), &done.artifacts),
        Fact::TaskSubmitted(submitted) => outcome(submitted.result.as_deref(), &submitted.artifacts),
        Fact::TaskRejected(rejected) => {
            text("the reason", Some(&rejected.reason), limits::BODY_BYTES_MAX)?;
            resting(Some(rejected.resting))
        }
        Fact::LandingRefused(refused) => {
            bounded("files in conflict", refused.files.len(), limits::LANDING_FILES_MAX)?;
            refused.files.iter().try_for_each(|path| text("a file in conflict", Some(path), limits::LANDING_PATH_BYTES_MAX))?;
            bounded("failures", refused.failures as usize, limits::ATTEMPTS_MAX as usize)?;
            text("the brief", refused.brief.as_deref(), limits::BODY_BYTES_MAX)
        }
        Fact::TaskAsked(asked) => text("the question", Some(&asked.question), limits::BODY_BYTES_MAX),
        Fact::TaskUsed(used) => text("the client", used.client.as_deref(), limits::IDENTIFIER_CHARS_MAX),
        Fact::ConflictPredicted(predicted) => {
            bounded("files in conflict", predicted.files.len(), limits::LANDING_FILES_MAX)?;
            predicted.files.iter().try_for_each(|file| {
                bounded("places in conflict", file.hunks.len(), limits::CONFLICT_HUNKS_MAX)?;
                text("a file in conflict", Some(&file.path), limits::LANDING_PATH_BYTES_MAX)
            })
        }
        Fact::TaskRequeued(requeued) => resting(Some(requeued.resting)),
        Fact::DependencyAdded(added) => {
            list("needs", added.on.len())?;
            resting(added.resting)
        }
        Fact::DependencyRemoved(removed) => resting(removed.resting),
        Fact::LeaseLost(lost) => {
            bounded("lost leases", lost.losses as usize, limits::ATTEMPTS_MAX as usize)?;
            resting(lost.resting)
        }
        Fact::StateSet(set) => {
            bounded("levels of the value", merge::depth(&set.value), limits::JSON_DEPTH_MAX)?;
            bounded("bytes of the value", set.value.to_string().len(), limits::BODY_BYTES_MAX)?;
            version(set.version)
        }
        Fact::StateDeleted(deleted) => version(deleted.version),
        Fact::MessageSent(sent) => {
            list("recipients", sent.to.len())?;
            text("the subject", sent.subject.as_deref(), limits::BODY_BYTES_MAX)?;
            text("the message", Some(&sent.text), limits::BODY_BYTES_MAX)
        }
        Fact::ProposalOpened(opened) => {
            text("the question", Some(&opened.question), limits::BODY_BYTES_MAX)?;
            check_options(&opened.options).map_err(|error| error.to_string())?;
            bounded("electors", opened.electors.len(), limits::ELECTORS_MAX)?;
            opened.deadline_ms.map_or(Ok(()), |ms| ttl("the deadline", ms))
        }
        Fact::VoteCast(cast) => option(&cast.option),
        Fact::ProposalClosed(closed) => closed.decision.as_deref().map_or(Ok(()), option),
        Fact::External(told) => {
            let depth = told.data().values().map(merge::depth).max().unwrap_or(0);
            bounded("levels of the fields", depth, limits::JSON_DEPTH_MAX)
        }
        _ => Ok(()),
    }
}

fn check_spec(spec: &TaskSpec) -> Checked {
    title(&spec.title)?;
    bounded("bytes of the body", spec.body.len(), limits::DOCUMENT_BYTES_MAX)?;
    priority(spec.priority)?;
    let items_max = if spec.parent.is_some() { PART_ITEMS_MAX } else { limits::LIST_ITEMS_MAX };
    bounded("capabilities", spec.capabilities.len(), items_max)?;
    bounded("patterns of the write set", spec.writes.len(), items_max)?;
    bounded("resources", spec.resources.len(), items_max)?;
    attempts(spec.max_attempts)?;
    not_before(spec.not_before)?;
    text("the file", spec.file.as_deref(), limits::BODY_BYTES_MAX)
}

fn check_change(change: &SpecChange) -> Checked {
    change.title.as_deref().map_or(Ok(()), title)?;
    text("the body", change.body.as_deref(), limits::BODY_BYTES_MAX)?;
    priority(change.priority)?;
    list("capabilities", change.capabilities.as_ref().map_or(0, BTreeSet::len))?;
    list("patterns of the write set", change.writes.as_ref().map_or(0, Vec::len))?;
    list("resources", change.resources.as_ref().map_or(0, BTreeSet::len))?;
    change.max_attempts.map_or(Ok(()), attempts)?;
    not_before(change.not_before)
}

fn outcome(result: Option<&str>, artifacts: &[String]) -> Checked {
    text("the result", result, limits::BODY_BYTES_MAX + JOINED_BYTES_MORE)?;
    list("artifacts", artifacts.len())?;
    artifacts.iter().try_for_each(|path| text("an artifact", Some(path), limits::BODY_BYTES_MAX))
}

fn option(option: &str) -> Checked {
    bounded("characters of an option", option.chars().count(), limits::OPTION_CHARS_MAX)
}

fn title(title: &str) -> Checked {
    // Characters are counted only where there can be too many of them.
    if title.len() > limits::TITLE_CHARS_MAX {
        bounded("characters of the title", title.chars().count(), limits::TITLE_CHARS_MAX)?;
    }
    match title.chars().any(char::is_control) {
        true => Err("the title has control characters".into()),
        false => Ok(()),
    }
}

fn resting(place: Option<Resting>) -> Checked {
    let at = match place {
        Some(Resting::Ready { ready_at }) => Some(ready_at),
        Some(Resting::Scheduled { retry_at }) => retry_at,
        _ => None,
    };
    at.map_or(Ok(()), |StoreTime(at)| within("the time at which the task is due", at, -STORE_MS_MAX, STORE_MS_MAX))
}

fn not_before(at: Option<WallTime>) -> Checked {
    at.map_or(Ok(()), |at| wall("the time before which the task waits", at))
}

fn wall(what: &str, WallTime(at): WallTime) -> Checked {
    within(what, at, WALL_MS_MIN, WALL_MS_MAX)
}

fn priority(priority: Option<u8>) -> Checked {
    priority.map_or(Ok(()), |p| bounded("the priority", p.into(), limits::PRIORITY_MAX.into()))
}

fn attempts(max: u32) -> Checked {
    within("the number of attempts", i64::from(max), 1, i64::from(limits::ATTEMPTS_MAX))
}

fn version(version: u64) -> Checked {
    if version > SEQ_MAX { Err(format!("the version {version} is over {SEQ_MAX}")) } else { Ok(()) }
}

fn grant(ttl_ms: i64, attempt: u32) -> Checked {
    ttl("the TTL", ttl_ms)?;
    // Failures and losses are counted apart, each up to its limit.
    bounded("attempts", attempt as usize, 2 * limits::ATTEMPTS_MAX as usize + 1)
}

fn ttl(what: &str, ms: i64) -> Checked {
    within(&format!("{what} in milliseconds"), ms, limits::DURATION_MS_MIN, limits::DURATION_MS_MAX)
}

fn text(what: &str, text: Option<&str>, bytes_max: usize) -> Checked {
    bounded(&format!("bytes of {what}"), text.map_or(0, str::len), bytes_max)
}

fn list(what: &str, items: usize) -> Checked {
    bounded(what, items, limits::LIST_ITEMS_MAX)
}

fn bounded(what: &str, actual: usize, max: usize) -> Checked {
    if actual > max { Err(format!("{what}: {actual} is over the limit of {max}")) } else { Ok(()) }
}

fn within(what: &str, value: i64, min: i64, max: i64) -> Checked {
    if (min..=max).contains(&value) { Ok(()) } else { Err(format!("{what}, {value}, is not between {min} and {max}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{StateSet, StoreRestored, TaskAdded, TaskClaimed, TaskUpdated};
    use crate::ident::{StateKey, Token};

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).expect("valid")
    }

    fn event(seq: u64, fact: impl Into<Fact>) -> Event {
        Event { seq, at: WallTime(0), store_at: StoreTime(0), agent: None, session: None, fact: fact.into() }
    }

    fn added(text: &str, change: impl FnOnce(&mut TaskSpec)) -> TaskAdded {
        let mut spec = TaskSpec::new("one");
        change(&mut spec);
        TaskAdded { id: id(text), spec, needs: BTreeSet::new(), effective_priority: None, resting: Resting::Blocked }
    }

    #[test]
    fn numbers_follow_one_another_but_into_a_new_epoch() {
        let read = |seqs: &[u64]| {
            let mut scrutiny = Scrutiny::default();
            seqs.iter().try_for_each(|seq| scrutiny.read(&event(*seq, added(&format!("T-{seq}"), |_| {}))))
        };
        assert_eq!(read(&[7, 8, 9]), Ok(()));
        for bad in [&[0][..], &[1, 3], &[1, 1], &[2, 1], &[SEQ_MAX, SEQ_MAX + 1], &[u64::MAX]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        let mut scrutiny = Scrutiny::after(4);
        assert!(scrutiny.read(&event(9, StoreRestored { epoch: 0, identity: None })).is_ok());
        assert!(scrutiny.read(&event(11, added("A", |_| {}))).is_err());
    }

    #[test]
    fn what_no_verb_writes_is_refused() {
        let refused: Vec<Fact> = vec![
            added("A", |spec| spec.title = "x".repeat(limits::TITLE_CHARS_MAX + 1)).into(),
            added("A", |spec| spec.title = "a\u{1b}[2J".into()).into(),
            added("A", |spec| spec.priority = Some(5)).into(),
            added("A", |spec| spec.max_attempts = 0).into(),
            added("A", |spec| spec.not_before = Some(WallTime(i64::MAX))).into(),
            added("A", |spec| spec.body = "x".repeat(limits::DOCUMENT_BYTES_MAX + 1)).into(),
            TaskAdded { needs: BTreeSet::from([id("A")]), ..added("A", |_| {}) }.into(),
            TaskAdded { resting: Resting::Ready { ready_at: StoreTime(i64::MAX) }, ..added("A", |_| {}) }.into(),
            TaskUpdated {
                change: SpecChange { body: Some("x".repeat(limits::BODY_BYTES_MAX + 1)), ..SpecChange::default() },
                ..TaskUpdated::derived(id("A"), None, None)
            }
            .into(),
            TaskClaimed { id: id("A"), token: Token(1), ttl_ms: i64::MAX, attempt: 1, reserve: false, after: None }.into(),
            StateSet { key: StateKey::parse("a").expect("valid"), value: deep(limits::JSON_DEPTH_MAX + 1), version: 1 }.into(),
            StateSet { key: StateKey::parse("a").expect("valid"), value: deep(1), version: u64::MAX }.into(),
        ];
        for fact in refused {
            assert!(Scrutiny::default().read(&event(1, fact.clone())).is_err(), "{}", fact.kind());
        }
        let mut late = event(1, added("A", |_| {}));
        late.store_at = StoreTime(i64::MAX);
        assert!(Scrutiny::default().read(&late).is_err());
    }

    fn deep(levels: usize) -> serde_json::Value {
        (0..levels).fold(serde_json::Value::from(1), |inner, _| serde_json::Value::Array(vec![inner]))
    }

    #[test]
    fn only_the_document_of_parts_is_longer_than_a_body() {
        let large = |spec: &mut TaskSpec| spec.body = "x".repeat(limits::BODY_BYTES_MAX + 1);
        let part = |of: &str| added("P-SUB1", |spec| spec.parent = Some(id(of)));
        let read = |second: TaskAdded| {
            let mut scrutiny = Scrutiny::default();
            scrutiny.read(&event(1, added("P", large)))?;
            scrutiny.read(&event(2, second))
        };
        assert_eq!(read(part("P")), Ok(()));
        assert!(read(part("Q")).is_err());
        let with_file = added("P", |spec| {
            large(spec);
            spec.file = Some("docs/plan.md".into());
        });
        let mut scrutiny = Scrutiny::default();
        assert_eq!(scrutiny.read(&event(1, with_file)).and_then(|()| scrutiny.read(&event(2, added("B", |_| {})))), Ok(()));
    }

    #[test]
    fn parents_are_no_deeper_than_they_can_be_made() {
        let mut scrutiny = Scrutiny::default();
        let levels = limits::PARENT_DEPTH_MAX + 1;
        for level in 0..=levels {
            let parent = (level > 0).then(|| id(&format!("L-{}", level - 1)));
            let read = scrutiny.read(&event(level as u64 + 1, added(&format!("L-{level}"), |spec| spec.parent = parent)));
            assert_eq!(read.is_ok(), level < levels, "{level}");
        }
    }
}
