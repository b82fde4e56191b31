//! When the parts of a plan run: waves, and the time that a number of agents needs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::order::bits::Bits;

/// The nodes in an order in which each comes after what it depends on, lower numbers first; or the nodes of one cycle.
pub(crate) fn topological(depends_on: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waits: Vec<usize> = depends_on.iter().map(Vec::len).collect();
    let followers = followers(depends_on);
    let mut ready: BinaryHeap<Reverse<usize>> = (0..waits.len()).filter(|n| waits[*n] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in &followers[node] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
    if order.len() == waits.len() { Ok(order) } else { Err(cycle(depends_on, &waits)) }
}

/// A cycle among the nodes that still wait: each of them waits for another one of them, so walking back must close.
fn cycle(depends_on: &[Vec<usize>], waits: &[usize]) -> Vec<usize> {
    let mut seen = vec![usize::MAX; waits.len()];
    let mut path = Vec::new();
    let mut at = waits.iter().position(|w| *w > 0).expect("a node waits when the order is incomplete");
    while seen[at] == usize::MAX {
        seen[at] = path.len();
        path.push(at);
        at = *depends_on[at].iter().find(|d| waits[**d] > 0).expect("a waiting node waits for a waiting node");
    }
    path.drain(..seen[at]);
    path.reverse();
    path
}

/// For each node those that depend on it.
pub(crate) fn followers(depends_on: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); depends_on.len()];
    for (node, needs) in depends_on.iter().enumerate() {
        for need in needs {
            out[*need].push(node);
        }
    }
    out
}

/// The wave of each node, from 0: one more than the latest wave that it depends on. `order` is topological.
pub(crate) fn waves(depends_on: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut wave = vec![0; depends_on.len()];
    for node in order {
        wave[*node] = depends_on[*node].iter().map(|d| wave[*d] + 1).max().unwrap_or(0);
    }
    wave
}

/// Minutes until all is done by `agents`, each free agent taking the ready part with the longest way to the end
/// (list scheduling by critical path; at most twice the optimum: R. L. Graham, SIAM J. Appl. Math. 17, 1969).
pub(crate) fn makespan(minutes: &[u64], depends_on: &[Vec<usize>], order: &[usize], agents: usize) -> u64 {
    let followers = followers(depends_on);
    let mut tail = vec![0_u64; minutes.len()];
    for node in order.iter().rev() {
        let longest = followers[*node].iter().map(|f| tail[*f]).max().unwrap_or(0);
        tail[*node] = minutes[*node].saturating_add(longest);
    }
    let mut waits: Vec<usize> = depends_on.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<(u64, Reverse<usize>)> =
        (0..minutes.len()).filter(|n| waits[*n] == 0).map(|n| (tail[n], Reverse(n))).collect();
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut now = 0_u64;
    loop {
        while running.len() < agents.max(1) {
            let Some((_, Reverse(node))) = ready.pop() else {
                break;
            };
            running.push(Reverse((now.saturating_add(minutes[node]), node)));
        }
        let Some(Reverse((end, node))) = running.pop() else {
            return now;
        };
        now = end;
        for next in &followers[node] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.push((tail[*next], Reverse(*next)));
            }
        }
    }
}

/// What each node rests on, directly or not; `order` is topological.
pub(crate) fn ancestors(needs: &[Vec<usize>], order: &[usize]) -> Vec<Bits> {
    let mut out = vec![Bits::new(needs.len()); needs.len()];
    for node in order {
        let mut above = Bits::new(needs.len());
        for need in &needs[*node] {
            above.insert(*need);
            above.add_all(&out[*need]);
        }
        out[*node] = above;
    }
    out
}

/// The identifiers of each wave.
pub(crate) fn waves_of_ids(ids: &[String], needs: &[Vec<usize>], order: &[usize]) -> Vec<Vec<String>> {
    let wave = waves(needs, order);
    let mut out = vec![Vec::new(); wave.iter().max().map_or(0, |w| w + 1)];
    for (part, w) in wave.iter().enumerate() {
        out[*w].push(ids[part].clone());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_follow_the_dependencies() {
        let deps = vec![vec![], vec![0], vec![0], vec![1, 2], vec![]];
        let order = topological(&deps).expect("acyclic");
        assert_eq!(order, [0, 1, 2, 3, 4]);
        assert_eq!(waves(&deps, &order), [0, 1, 1, 2, 0]);
    }

    #[test]
    fn a_cycle_is_named_in_its_order() {
        let deps = vec![vec![2], vec![0], vec![1], vec![0], vec![]];
        assert_eq!(topological(&deps), Err(vec![1, 2, 0]));
    }

    #[test]
    fn the_makespan_depends_on_the_agents() {
        let deps = vec![vec![], vec![], vec![], vec![0, 1, 2]];
        let order = topological(&deps).expect("acyclic");
        let minutes = [30, 20, 10, 5];
        let spans: Vec<u64> = [1, 2, 3].iter().map(|n| makespan(&minutes, &deps, &order, *n)).collect();
        assert_eq!(spans, [65, 35, 35]);
        assert_eq!(makespan(&[], &[], &[], 3), 0);
    }
}
