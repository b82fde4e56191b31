//! Cutting ordered steps into parts: chains become one part, equal neighbours share the agents, and a limit on the
//! number of parts joins whole waves. Every joining keeps the order of the parts free of cycles.

use crate::order::bits::Bits;
use crate::order::schedule;

/// A cut: parts of step indices, each ascending, and for each part those that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The steps of each part.
    pub(crate) parts: Vec<Vec<usize>>,
    /// The parts that each part directly waits for.
    pub(crate) needs: Vec<Vec<usize>>,
}

impl Cut {
    /// Minutes of each part, from those of the steps.
    pub(crate) fn minutes(&self, of_steps: &[u64]) -> Vec<u64> {
        self.parts.iter().map(|p| p.iter().map(|s| of_steps[*s]).fold(0, u64::saturating_add)).collect()
    }
}

/// Cuts the steps, whose direct orders are `needs`, for `agents`, into at most `parts_max` parts.
pub(crate) fn cut(needs: &[Vec<usize>], minutes: &[u64], agents: usize, parts_max: usize) -> Cut {
    let chains = chains(needs);
    let parts = share_equals(&chains, needs, minutes, agents.max(1));
    let parts = if parts.len() > parts_max.max(1) { join_waves(&parts, needs, minutes, agents.max(1), parts_max.max(1)) } else { parts };
    finish(parts, needs)
}

/// The same with parts that were made otherwise, in the order of their first steps.
pub(crate) fn cut_as(parts: Vec<Vec<usize>>, needs: &[Vec<usize>], minutes: &[u64], agents: usize, parts_max: usize) -> Cut {
    let parts = if parts.len() > parts_max.max(1) { join_waves(&parts, needs, minutes, agents.max(1), parts_max.max(1)) } else { parts };
    finish(parts, needs)
}

/// Whether steps put together so, each in the part of a number, leave an order of the parts.
pub(crate) fn can_be_ordered(part_of: &[usize], needs: &[Vec<usize>]) -> bool {
    let mut waits = vec![Vec::new(); part_of.len()];
    for (step, before) in needs.iter().enumerate() {
        let part = part_of[step];
        waits[part].extend(before.iter().map(|need| part_of[*need]).filter(|need| *need != part));
    }
    schedule::topological(&waits).is_ok()
}

/// All steps in one part.
pub(crate) fn whole(count: usize) -> Cut {
    Cut { parts: vec![(0..count).collect()], needs: vec![Vec::new()] }
}

/// Joins each step to the one before it where neither has another neighbour on that side.
fn chains(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let followers = schedule::followers(needs);
    let order = schedule::topological(needs).expect("the order of steps has no cycle");
    let mut part_of = vec![usize::MAX; needs.len()];
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for step in order {
        let chained = match needs[step].as_slice() {
            [only] if followers[*only].len() == 1 => Some(part_of[*only]),
            _ => None,
        };
        part_of[step] = chained.unwrap_or(parts.len());
        match chained {
            Some(part) => parts[part].push(step),
            None => parts.push(vec![step]),
        }
    }
    parts
}

/// Parts with the same parts before and behind them are dealt out to the agents, longest first (Graham's LPT rule).
fn share_equals(parts: &[Vec<usize>], needs: &[Vec<usize>], minutes: &[u64], agents: usize) -> Vec<Vec<usize>> {
    let before = part_needs(parts, needs);
    let behind = schedule::followers(&before);
    let mut by_place: Vec<usize> = (0..parts.len()).collect();
    by_place.sort_by(|a, b| (&before[*a], &behind[*a], a).cmp(&(&before[*b], &behind[*b], b)));
    let mut out = Vec::with_capacity(parts.len());
    for group in by_place.chunk_by(|a, b| before[*a] == before[*b] && behind[*a] == behind[*b]) {
        if group.len() <= agents {
            out.extend(group.iter().map(|p| parts[*p].clone()));
        } else {
            out.extend(deal(group.iter().map(|p| parts[*p].clone()).collect(), minutes, agents));
        }
    }
    out
}

fn deal(mut parts: Vec<Vec<usize>>, minutes: &[u64], bins: usize) -> Vec<Vec<usize>> {
    let load = |part: &[usize]| part.iter().map(|s| minutes[*s]).fold(0_u64, u64::saturating_add);
    parts.sort_by_key(|p| (std::cmp::Reverse(load(p)), p[0]));
    let mut out: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new()); bins.min(parts.len())];
    for part in parts {
        let bin = out.iter_mut().min_by_key(|(sum, steps)| (*sum, steps.len())).expect("there is a bin");
        bin.0 = bin.0.saturating_add(load(&part));
        bin.1.extend(part);
    }
    out.into_iter().map(|(_, steps)| steps).collect()
}

/// Deals each wave out to the agents, then joins neighbouring waves, the least loss first, until the limit holds.
fn join_waves(parts: &[Vec<usize>], needs: &[Vec<usize>], minutes: &[u64], agents: usize, parts_max: usize) -> Vec<Vec<usize>> {
    let before = part_needs(parts, needs);
    let order = schedule::topological(&before).expect("joining keeps the order free of cycles");
    let wave = schedule::waves(&before, &order);
    let count = wave.iter().max().map_or(0, |w| w + 1);
    let mut waves: Vec<Vec<Vec<usize>>> = vec![Vec::new(); count];
    for (part, steps) in parts.iter().enumerate() {
        waves[wave[part]].push(steps.clone());
    }
    let mut waves: Vec<Vec<Vec<usize>>> = waves.into_iter().map(|w| deal(w, minutes, agents)).collect();
    let load = |part: &[usize]| part.iter().map(|s| minutes[*s]).fold(0_u64, u64::saturating_add);
    // What is lost when a wave runs in one part: all but its longest.
    let loss = |wave: &[Vec<usize>]| {
        let sum = wave.iter().map(|p| load(p)).fold(0_u64, u64::saturating_add);
        sum - wave.iter().map(|p| load(p)).max().unwrap_or(0)
    };
    let mut losses: Vec<u64> = waves.iter().map(|w| loss(w)).collect();
    let mut total: usize = waves.iter().map(Vec::len).sum();
    while total > parts_max && waves.len() > 1 {
        let at = (0..waves.len() - 1).min_by_key(|w| losses[*w].saturating_add(losses[w + 1])).expect("there are two waves");
        let joined: Vec<usize> = waves[at].iter().chain(&waves[at + 1]).flatten().copied().collect();
        total -= waves[at].len() + waves[at + 1].len() - 1;
        waves.remove(at + 1);
        losses.remove(at + 1);
        waves[at] = vec![joined];
        losses[at] = 0;
    }
    let mut out: Vec<Vec<usize>> = waves.into_iter().flatten().collect();
    if out.len() > parts_max {
        // One wave wider than the limit.
        out = deal(out, minutes, parts_max);
    }
    out
}

/// For each part the parts that it waits for, each once.
fn part_needs(parts: &[Vec<usize>], needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut part_of = vec![0; needs.len()];
    for (part, steps) in parts.iter().enumerate() {
        steps.iter().for_each(|s| part_of[*s] = part);
    }
    let mut out = Vec::with_capacity(parts.len());
    for (part, steps) in parts.iter().enumerate() {
        let mut waits: Vec<usize> = steps.iter().flat_map(|s| &needs[*s]).map(|n| part_of[*n]).filter(|n| *n != part).collect();
        waits.sort_unstable();
        waits.dedup();
        out.push(waits);
    }
    out
}

/// Numbers the parts by their first steps and drops orders that follow from others.
fn finish(mut parts: Vec<Vec<usize>>, needs: &[Vec<usize>]) -> Cut {
    parts.iter_mut().for_each(|p| p.sort_unstable());
    parts.sort_unstable();
    let all = part_needs(&parts, needs);
    let order = schedule::topological(&all).expect("joining keeps the order free of cycles");
    Cut { needs: reduced(&all, &order), parts }
}

/// The orders of `needs` that do not follow from others.
pub(crate) fn reduced(needs: &[Vec<usize>], order: &[usize]) -> Vec<Vec<usize>> {
    let mut place = vec![0; needs.len()];
    order.iter().enumerate().for_each(|(k, n)| place[*n] = k);
    let mut above: Vec<Bits> = vec![Bits::new(needs.len()); needs.len()];
    let mut out = vec![Vec::new(); needs.len()];
    for node in order {
        let mut waits = needs[*node].clone();
        waits.sort_by_key(|n| std::cmp::Reverse(place[*n]));
        let mut seen = Bits::new(needs.len());
        for need in waits {
            if !seen.has(need) {
                out[*node].push(need);
                seen.insert(need);
                seen.add_all(&above[need]);
            }
        }
        out[*node].sort_unstable();
        above[*node] = seen;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(needs: &[&[usize]], agents: usize, max: usize, want: &[&[usize]]) -> Cut {
        let needs: Vec<Vec<usize>> = needs.iter().map(|n| n.to_vec()).collect();
        let cut = cut(&needs, &vec![10; needs.len()], agents, max);
        assert_eq!(cut.parts, want);
        let mut all: Vec<usize> = cut.parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..needs.len()).collect::<Vec<_>>(), "each step is in one part");
        assert!(schedule::topological(&cut.needs).is_ok(), "the parts have no cycle");
        cut
    }

    #[test]
    fn a_chain_is_one_part() {
        check(&[&[], &[0], &[1]], 3, 99, &[&[0, 1, 2]]);
    }

    #[test]
    fn a_fork_becomes_its_branches() {
        let cut = check(&[&[], &[0], &[0], &[1, 2], &[3]], 3, 99, &[&[0], &[1], &[2], &[3, 4]]);
        assert_eq!(cut.needs, [vec![], vec![0], vec![0], vec![1, 2]]);
    }

    #[test]
    fn equal_parts_are_dealt_out_to_the_agents() {
        check(&[&[], &[], &[], &[], &[0, 1, 2, 3]], 2, 99, &[&[0, 2], &[1, 3], &[4]]);
    }

    #[test]
    fn a_limit_joins_waves() {
        let needs: &[&[usize]] = &[&[], &[0], &[0], &[1, 2], &[3], &[3], &[4, 5]];
        for max in 1..=7 {
            let needs: Vec<Vec<usize>> = needs.iter().map(|n| n.to_vec()).collect();
            let cut = cut(&needs, &[10; 7], 2, max);
            assert!(cut.parts.len() <= max, "{max}");
            assert!(schedule::topological(&cut.needs).is_ok());
        }
        check(&[&[], &[], &[], &[]], 4, 2, &[&[0, 2], &[1, 3]]);
    }
}
