//! Files that several steps write.

use crate::plan::Conflict;
use crate::step_info::gather::StepInfos;

/// Most conflicts that are listed.
const CONFLICTS_MAX: usize = 100;

/// Neighbouring writers of each file that more than one step writes.
pub(crate) fn of(infos: &StepInfos) -> Vec<Conflict> {
    let mut last: Vec<Option<usize>> = Vec::new();
    let mut out = Vec::new();
    for (s, step) in infos.steps.iter().enumerate() {
        for id in &step.files.writes {
            let at = *id as usize;
            if last.len() <= at {
                last.resize(at + 1, None);
            }
            if let Some(before) = last[at].replace(s).filter(|_| out.len() < CONFLICTS_MAX) {
                let path = infos.table.pattern(*id).as_str().to_owned();
                let message = format!("steps {} and {} both write {path}; they stay in order", before + 1, s + 1);
                out.push(Conflict { steps: [before + 1, s + 1], path, message });
            }
        }
    }
    out
}
