//! Distribution: which agent each part is given to, so that the last part is finished early.
//!
//! Parts are taken by list scheduling (Graham, Bounds on multiprocessing timing anomalies, 1969): those with the longest way to the end first,
//! each to the able agent that would finish it first.

use std::collections::BTreeMap;

use crate::order::schedule;
use crate::parts::interpretation::MINUTES_DEFAULT;
use crate::plan::{Plan, Subtask};
use crate::text::words::{each_token, stem, tokens};

/// Speeds are kept within these bounds, in percent: a few tasks tell little.
const SPEED_PERCENT: std::ops::RangeInclusive<u64> = 25..=400;

/// An agent that may be given parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What it can do; its role counts as one.
    pub capabilities: Vec<String>,
    /// Minutes of the work that it has already.
    pub load_minutes: u64,
    /// Estimated minutes that it does in a hundred: 100 where nothing is known of its past.
    pub speed_percent: u64,
}

impl Candidate {
    fn can(&self, part: &Subtask) -> bool {
        part.capabilities.iter().all(|needed| self.capabilities.contains(needed))
    }

    fn minutes_for(&self, minutes: u64) -> u64 {
        minutes.saturating_mul(100) / self.speed_percent.clamp(*SPEED_PERCENT.start(), *SPEED_PERCENT.end())
    }

    /// How many of its capabilities a part speaks of, in its title or in the endings of its files.
    fn affinity(&self, part: &Subtask) -> usize {
        let texts = part.writes.iter().chain([&part.title]);
        let words: Vec<String> = texts.flat_map(|text| tokens(text)).map(|word| stem(&word).to_owned()).collect();
        self.capabilities
            .iter()
            .filter(|capability| each_token(capability).any(|word| words.iter().any(|said| said == stem(&word))))
            .count()
    }
}

/// Gives the parts to agents of whom only the names are known: each can do all, has nothing to do, and is as fast as the others.
pub fn assign_to(plan: &mut Plan, names: &[String]) {
    let mut capabilities: Vec<String> = plan.subtasks.iter().flat_map(|part| part.capabilities.clone()).collect();
    capabilities.dedup();
    let candidate =
        |name: &String| Candidate { name: name.clone(), capabilities: capabilities.clone(), load_minutes: 0, speed_percent: 100 };
    // More agents than parts cannot all be given one.
    let candidates: Vec<Candidate> = names.iter().take(plan.subtasks.len()).map(candidate).collect();
    give_out(plan, &candidates, true);
}

/// Gives each part that is nobody's yet to one of the candidates; a part that none of them is able to do stays open to all. What the plan
/// assigned already counts as load. The names of parts that nobody can do come back.
pub fn assign(plan: &mut Plan, candidates: &[Candidate]) -> Vec<String> {
    give_out(plan, candidates, false)
}

/// The same. `spread`: of those who would finish a part equally early, the one with the least work so far gets it, so that nobody who
/// was named is left without any; otherwise the first, who has often done the part before it.
fn give_out(plan: &mut Plan, candidates: &[Candidate], spread: bool) -> Vec<String> {
    let at: BTreeMap<String, usize> = plan.subtasks.iter().enumerate().map(|(n, part)| (part.id.clone(), n)).collect();
    let needs: Vec<Vec<usize>> =
        plan.subtasks.iter().map(|part| part.depends_on.iter().filter_map(|id| at.get(id).copied()).collect()).collect();
    let minutes: Vec<u64> = plan.subtasks.iter().map(|part| part.estimate_minutes.unwrap_or(MINUTES_DEFAULT)).collect();
    // A plan that is valid has no cycle; one that is not is given out in its own order.
    let order = schedule::topological(&needs).unwrap_or_else(|_| (0..needs.len()).collect());
    let ways = ways_to_the_end(&needs, &order, &minutes);
    let mut free_at: Vec<u64> = candidates.iter().map(|candidate| candidate.minutes_for(candidate.load_minutes)).collect();
    let mut given_minutes = vec![0_u64; candidates.len()];
    let mut done_at: Vec<Option<u64>> = vec![None; needs.len()];
    let mut nobody = Vec::new();
    while let Some(part) = next(&needs, &done_at, &ways) {
        let begins = needs[part].iter().filter_map(|need| done_at[*need]).max().unwrap_or(0);
        let given = plan.subtasks[part].assigned.clone();
        let able = candidates.iter().enumerate().filter(|(_, candidate)| match &given {
            Some(name) => candidate.name == *name,
            None => candidate.can(&plan.subtasks[part]),
        });
        let ends = |(n, candidate): &(usize, &Candidate)| begins.max(free_at[*n]).saturating_add(candidate.minutes_for(minutes[part]));
        let work = |n: usize| if spread { given_minutes[n] } else { 0 };
        let best = able.min_by_key(|pair| (ends(pair), usize::MAX - pair.1.affinity(&plan.subtasks[part]), work(pair.0), pair.0));
        match best {
            Some(pair) => {
                let (n, end) = (pair.0, ends(&pair));
                free_at[n] = end;
                given_minutes[n] = given_minutes[n].saturating_add(minutes[part]);
                done_at[part] = Some(end);
                plan.subtasks[part].assigned = Some(candidates[n].name.clone());
            }
            None => {
                done_at[part] = Some(begins.saturating_add(minutes[part]));
                if given.is_none() {
                    nobody.push(plan.subtasks[part].id.clone());
                }
            }
        }
    }
    nobody
}

/// Minutes from the beginning of each part to the end of the work that waits for it.
fn ways_to_the_end(needs: &[Vec<usize>], order: &[usize], minutes: &[u64]) -> Vec<u64> {
    let followers = schedule::followers(needs);
    let mut ways = minutes.to_vec();
    for part in order.iter().rev() {
        let longest = followers[*part].iter().map(|next| ways[*next]).max().unwrap_or(0);
        ways[*part] = minutes[*part].saturating_add(longest);
    }
    ways
}

/// Of the parts whose needs are placed, the one with the longest way to the end.
fn next(needs: &[Vec<usize>], done_at: &[Option<u64>], ways: &[u64]) -> Option<usize> {
    let waits = |part: &usize| done_at[*part].is_none();
    let open = (0..needs.len()).filter(waits);
    let ready = open.clone().filter(|part| needs[*part].iter().all(|need| done_at[*need].is_some()));
    ready.max_by_key(|part| (ways[*part], usize::MAX - part)).or_else(|| open.min())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &str, minutes: u64, needs: &[&str], capabilities: &[&str]) -> Subtask {
        Subtask {
            id: id.to_owned(),
            title: format!("part {id}"),
            estimate_minutes: Some(minutes),
            depends_on: needs.iter().map(ToString::to_string).collect(),
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            ..Subtask::default()
        }
    }

    fn agent(name: &str, capabilities: &[&str], load_minutes: u64, speed_percent: u64) -> Candidate {
        Candidate {
            name: name.to_owned(),
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            load_minutes,
            speed_percent,
        }
    }

    fn given(parts: Vec<Subtask>, agents: &[Candidate]) -> (Vec<String>, Vec<String>) {
        let mut plan = Plan { subtasks: parts, ..Plan::default() };
        let nobody = assign(&mut plan, agents);
        (plan.subtasks.into_iter().map(|part| part.assigned.unwrap_or_default()).collect(), nobody)
    }

    #[test]
    fn parts_go_to_whoever_finishes_them_first() {
        let three = || vec![part("a", 60, &[], &[]), part("b", 30, &[], &[]), part("c", 30, &[], &[])];
        assert_eq!(given(three(), &[agent("ada", &[], 0, 100), agent("bob", &[], 0, 100)]).0, ["ada", "bob", "bob"]);
        assert_eq!(given(three(), &[agent("ada", &[], 500, 100), agent("bob", &[], 0, 100)]).0, ["bob", "bob", "bob"], "one is busy");
        assert_eq!(given(three(), &[agent("ada", &[], 0, 50), agent("bob", &[], 0, 200)]).0, ["bob", "bob", "ada"], "one is fast");
        assert_eq!(given(three(), &[]), (vec![String::new(); 3], ["a", "b", "c"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn agents_that_are_named_all_get_a_part() {
        let names = ["ada", "bob", "cy"].map(str::to_owned);
        let who = |parts: Vec<Subtask>| {
            let mut plan = Plan { subtasks: parts, ..Plan::default() };
            assign_to(&mut plan, &names);
            plan.subtasks.into_iter().map(|part| part.assigned.unwrap_or_default()).collect::<Vec<_>>()
        };
        // A chain is finished equally early by any of them.
        assert_eq!(who(vec![part("a", 30, &[], &[]), part("b", 30, &["a"], &[]), part("c", 30, &["b"], &[])]), ["ada", "bob", "cy"]);
        assert_eq!(who(vec![part("a", 30, &[], &[]), part("b", 30, &["a"], &[])]), ["ada", "bob"]);
        assert_eq!(who(vec![part("a", 90, &[], &[]), part("b", 5, &[], &[]), part("c", 5, &["b"], &[])]), ["ada", "bob", "cy"]);
        assert_eq!(who((0..4).map(|n| part(&n.to_string(), 30, &[], &[])).collect()), ["ada", "bob", "cy", "ada"]);
    }

    #[test]
    fn only_the_able_are_asked_and_what_fits_better_goes_first() {
        let agents = [agent("ada", &["rust"], 0, 100), agent("bob", &["docs"], 0, 100)];
        let (who, nobody) = given(vec![part("a", 30, &[], &["rust"]), part("b", 30, &[], &["rust"]), part("c", 30, &[], &["go"])], &agents);
        assert_eq!((who, nobody), (vec!["ada".to_owned(), "ada".to_owned(), String::new()], vec!["c".to_owned()]));
        let titled = Subtask { title: "Write the docs".to_owned(), ..part("d", 30, &[], &[]) };
        assert_eq!(given(vec![titled], &agents).0, ["bob"]);
        let kept = Subtask { assigned: Some("bob".to_owned()), ..part("e", 30, &[], &[]) };
        assert_eq!(given(vec![kept, part("f", 30, &[], &[])], &agents).0, ["bob", "ada"]);
    }

    #[test]
    fn the_longest_way_to_the_end_is_begun_first() {
        let parts = vec![part("short", 30, &[], &[]), part("head", 30, &[], &[]), part("tail", 90, &["head"], &[])];
        // One agent is free later than the other: the head of the long way goes to the one that is free now.
        assert_eq!(given(parts, &[agent("ada", &[], 0, 100), agent("bob", &[], 10, 100)]).0, ["bob", "ada", "ada"]);
    }
}
