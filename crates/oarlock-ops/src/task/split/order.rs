//! In which order the parts of a plan are made.

use oarlock_plan::Subtask;
use std::collections::{BTreeMap, BTreeSet};

/// The parts in an order in which each is after what it depends on, otherwise as in the document.
pub(super) fn by_dependency(subtasks: &[Subtask]) -> Vec<&Subtask> {
    let place_of: BTreeMap<&str, usize> = subtasks.iter().enumerate().map(|(n, s)| (s.id.as_str(), n)).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); subtasks.len()];
    let mut open: Vec<usize> = vec![0; subtasks.len()];
    for (n, subtask) in subtasks.iter().enumerate() {
        for need in subtask.depends_on.iter().filter_map(|need| place_of.get(need.as_str())) {
            dependants[*need].push(n);
            open[n] += 1;
        }
    }
    let mut free: BTreeSet<usize> = (0..subtasks.len()).filter(|n| open[*n] == 0).collect();
    let mut ordered = Vec::with_capacity(subtasks.len());
    let mut is_placed = vec![false; subtasks.len()];
    while let Some(n) = free.pop_first() {
        ordered.push(&subtasks[n]);
        is_placed[n] = true;
        for dependant in &dependants[n] {
            open[*dependant] -= 1;
            if open[*dependant] == 0 {
                free.insert(*dependant);
            }
        }
    }
    // A validated plan has no cycle; whatever is left keeps its place and is refused by its needs.
    ordered.extend(subtasks.iter().zip(is_placed).filter(|(_, placed)| !placed).map(|(subtask, _)| subtask));
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &str, needs: &[&str]) -> Subtask {
        let depends_on = needs.iter().map(|need| (*need).to_owned()).collect();
        Subtask { id: id.into(), depends_on, ..Subtask::default() }
    }

    #[test]
    fn each_part_comes_after_what_it_depends_on_and_a_circle_keeps_its_place() {
        let ids = |parts: &[Subtask]| by_dependency(parts).iter().map(|part| part.id.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(&[part("a", &["c"]), part("b", &[]), part("c", &["b"]), part("d", &[])]), "b c a d");
        assert_eq!(ids(&[part("a", &["b"]), part("b", &["a"]), part("c", &[])]), "c a b");
        // A chain that is the wrong way round.
        let chain: Vec<Subtask> = (0..1_000).map(|n| part(&n.to_string(), &[&(n + 1).to_string()])).collect();
        assert_eq!(by_dependency(&chain).first().map(|part| part.id.as_str()), Some("999"));
    }
}
