//! The other side of a list beside a store: old scripts that select a task under the lock, mark it, work and finish it, that may die in the
//! middle, and somebody without any lock, who takes tasks too, and now and then writes a false entry.

use std::collections::BTreeMap;

use fastrand::Rng;
use oarlock_model::TaskId;

use super::ledger::Ledger;
use super::{Fault, Judged};
use crate::paper::{Item, Sheet};

/// How many old scripts there are.
const SCRIPTS: usize = 3;

/// The current step of an old script.
#[derive(Clone, Debug, Default)]
enum At {
    #[default]
    Nothing,
    /// It works on a task that it has marked with this name.
    Task(TaskId, String),
}

/// All of them, and the oracle that sees what they do.
#[derive(Debug, Default)]
pub(super) struct Scene {
    scripts: [At; SCRIPTS],
    /// Who works without a lock.
    unlocked: At,
    /// The script that has the lock for longer than one step.
    locker: Option<usize>,
    runs: usize,
    pub(super) ledger: Ledger,
    pub(super) now_ms: i64,
    /// The states that must not be, once they were seen.
    pub(super) violation: Option<String>,
    pub(super) faults: BTreeMap<Fault, usize>,
    /// The events since it was last asked.
    pub(super) told: Vec<String>,
}

impl Scene {
    pub(super) fn note(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(super) fn judge(&mut self, judged: Judged) {
        if let Err(what) = judged {
            self.violation.get_or_insert(what);
        }
    }

    /// Whether somebody works under this name.
    pub(super) fn is_at_work(&self, name: &str) -> bool {
        self.scripts.iter().chain([&self.unlocked]).any(|at| matches!(at, At::Task(_, own) if own == name))
    }

    /// Somebody does one thing.
    pub(super) fn step(&mut self, rng: &mut Rng, sheet: &mut Sheet) {
        match rng.u32(..100) {
            0..70 => self.script_acts(rng, sheet),
            70..90 => self.unlocked_acts(rng, sheet),
            90..94 => self.scribble(rng, sheet),
            _ => self.die(rng, sheet),
        }
    }

    /// Everybody who works finishes, and anyone who has the lock gives it back.
    pub(super) fn calm_down(&mut self, sheet: &mut Sheet) {
        self.locker = None;
        sheet.is_locked = false;
        for n in 0..SCRIPTS {
            let at = std::mem::take(&mut self.scripts[n]);
            self.finish(at, sheet);
        }
        let at = std::mem::take(&mut self.unlocked);
        self.finish(at, sheet);
    }

    /// A script takes its next step: it selects and marks, or finishes, under the lock, which it may keep for a while first.
    fn script_acts(&mut self, rng: &mut Rng, sheet: &mut Sheet) {
        let n = self.locker.unwrap_or_else(|| rng.usize(..SCRIPTS));
        if sheet.is_held {
            return;
        }
        if self.locker.is_none() && rng.u32(..8) == 0 {
            self.note(Fault::LockKept);
            self.told.push(format!("script {n} takes the lock and keeps it"));
            self.locker = Some(n);
            sheet.is_locked = true;
            return;
        }
        self.locker = None;
        sheet.is_locked = false;
        match std::mem::take(&mut self.scripts[n]) {
            At::Nothing => self.scripts[n] = self.take(rng, sheet, "run"),
            at => self.finish(at, sheet),
        }
    }

    fn unlocked_acts(&mut self, rng: &mut Rng, sheet: &mut Sheet) {
        match std::mem::take(&mut self.unlocked) {
            At::Nothing => {
                if sheet.is_held {
                    self.note(Fault::Unlocked);
                }
                self.unlocked = self.take(rng, sheet, "edit");
            }
            at => self.finish(at, sheet),
        }
    }

    /// Takes a task that the list says is open.
    fn take(&mut self, rng: &mut Rng, sheet: &mut Sheet, kind: &str) -> At {
        let open: Vec<TaskId> = sheet.items.iter().filter(|(_, item)| **item == Item::Open).map(|(task, _)| task.clone()).collect();
        // Mostly the first one, as everybody does.
        let Some(task) = open.get(if rng.bool() { 0 } else { rng.usize(..open.len().max(1)) }).cloned() else { return At::Nothing };
        self.runs += 1;
        let name = format!("{kind}-{}", self.runs);
        self.note(Fault::Taken);
        self.told.push(format!("{name} takes {task} on the list{}", if sheet.is_held { ", while a call has the lock" } else { "" }));
        let judged = self.ledger.script_takes(&task, &name, self.now_ms);
        self.judge(judged);
        sheet.items.insert(task.clone(), Item::Taken(name.clone()));
        At::Task(task, name)
    }

    /// Finishes what it has, unless the list no longer says that it has it.
    fn finish(&mut self, at: At, sheet: &mut Sheet) {
        let At::Task(task, name) = at else { return };
        if sheet.items.get(&task).and_then(Item::holder) != Some(name.as_str()) {
            if !self.ledger.is_astray(&task) {
                self.violation.get_or_insert(format!("(1) {name} had {task}, and the list says {:?}", sheet.items.get(&task)));
            }
            return;
        }
        self.told.push(format!("{name} finishes {task} on the list"));
        sheet.items.insert(task.clone(), Item::Done { is_known: false });
        self.ledger.script_finishes(&task);
    }

    /// A script dies: its lock is free, and what it has marked stays so.
    fn die(&mut self, rng: &mut Rng, sheet: &mut Sheet) {
        let n = rng.usize(..SCRIPTS);
        if self.locker == Some(n) {
            self.locker = None;
            sheet.is_locked = false;
        }
        if let At::Task(task, name) = std::mem::take(&mut self.scripts[n]) {
            self.note(Fault::ScriptDied);
            self.told.push(format!("{name} dies over {task}"));
        }
    }

    /// Somebody writes a false entry.
    fn scribble(&mut self, rng: &mut Rng, sheet: &mut Sheet) {
        let Some(task) = rng.choice(sheet.items.keys()).cloned() else { return };
        self.runs += 1;
        let item = match rng.u32(..4) {
            0 => Some(Item::Open),
            1 => Some(Item::Taken(format!("nobody-{}", self.runs))),
            2 => Some(Item::Done { is_known: false }),
            _ => None,
        };
        self.note(Fault::Scribbled);
        self.told.push(format!("somebody writes of {task}: {item:?}"));
        self.ledger.goes_astray(&task);
        match item {
            Some(item) => drop(sheet.items.insert(task, item)),
            None => drop(sheet.items.remove(&task)),
        }
    }
}
