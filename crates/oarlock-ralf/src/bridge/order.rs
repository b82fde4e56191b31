//! In which order the actions of one look are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Action;
use crate::file_view::FileView;

/// Tasks after those that they need, and parts before the whole, which moves with them in it; everything else as it was planned.
pub(super) fn in_order(actions: Vec<Action>, tasks: &BTreeMap<&str, FileView<'_>>) -> Vec<Action> {
    let (mut adds, rest): (Vec<Action>, Vec<Action>) = actions.into_iter().partition(|action| matches!(action, Action::Add(..)));
    let ids: BTreeSet<String> =
        adds.iter().filter_map(|action| if let Action::Add(_, id) = action { Some(id.to_string()) } else { None }).collect();
    let mut placed = BTreeSet::new();
    let mut ordered = Vec::with_capacity(adds.len());
    while !adds.is_empty() {
        let before = adds.len();
        adds.retain(|action| {
            let Action::Add(task, id) = action else { return true };
            let waits = task.needs.iter().any(|need| *need != task.id && ids.contains(need) && !placed.contains(need));
            if !waits {
                placed.insert(id.to_string());
                ordered.push(action.clone());
            }
            waits
        });
        if adds.len() == before {
            // They need each other: such needs are left out.
            ordered.append(&mut adds);
        }
    }
    let (seen, mut others): (Vec<Action>, Vec<Action>) = rest.into_iter().partition(|action| matches!(action, Action::Seen { .. }));
    let depth = |action: &Action| match action {
        Action::Show(task, _) => {
            tasks.get(task.as_str()).and_then(|task| task.file).map_or(0, |file| file.source.file.matches('/').count())
        }
        _ => usize::MAX,
    };
    others.sort_by_key(|action| std::cmp::Reverse(depth(action)));
    seen.into_iter().chain(ordered).chain(others).collect()
}
