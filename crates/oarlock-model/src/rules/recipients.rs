//! Whom a message to a group reaches when the group is larger than one message may reach (semantics 20).

use std::collections::{BTreeMap, BTreeSet};

use crate::ident::AgentName;
use crate::rules::authority::root_of;
use crate::time::StoreTime;

/// Chooses at most `room` of these agents, each with the moment it was last seen, and says how many are left out.
///
/// The helpers of one agent cannot crowd out others: first comes the latest seen of each family (an agent and its helpers count as one,
/// by the names that are known), then the second of each, and so on.
pub fn choose(there: BTreeMap<AgentName, StoreTime>, known: &BTreeSet<AgentName>, room: usize) -> (Vec<AgentName>, usize) {
    if there.len() <= room {
        return (there.into_keys().collect(), 0);
    }
    let mut latest_first: Vec<(AgentName, StoreTime)> = there.into_iter().collect();
    latest_first.sort_by(|(a, seen_a), (b, seen_b)| seen_b.cmp(seen_a).then_with(|| a.cmp(b)));
    let mut so_far: BTreeMap<AgentName, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, AgentName)> = Vec::with_capacity(latest_first.len());
    for (name, _) in latest_first {
        let turn = so_far.entry(root_of(&name, |name| known.contains(name))).or_default();
        turns.push((*turn, name));
        *turn += 1;
    }
    // Stable: within one turn the latest seen goes first.
    turns.sort_by_key(|(turn, _)| *turn);
    let left_out = turns.len().saturating_sub(room);
    (turns.into_iter().take(room).map(|(_, name)| name).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_of_one_agent_crowd_nobody_out() {
        let name = |text: &str| AgentName::parse(text).expect("a name");
        let mut there: BTreeMap<AgentName, StoreTime> = (0..50).map(|n| (name(&format!("ada.{n}")), StoreTime(1_000 + n))).collect();
        there.insert(name("bob"), StoreTime(1));
        there.insert(name("cleo"), StoreTime(2));
        let known = BTreeSet::from([name("ada"), name("bob")]);
        let (chosen, left_out) = choose(there.clone(), &known, 4);
        let chosen: Vec<&str> = chosen.iter().map(AgentName::as_str).collect();
        assert_eq!((chosen.as_slice(), left_out), (["ada.49", "cleo", "bob", "ada.48"].as_slice(), 48));
        let (all, none) = choose(there, &known, 52);
        assert_eq!((all.len(), none), (52, 0));
        let versions = ["gpt-4.1", "gpt-4.5", "gpt-4.1.x"].map(|text| (name(text), StoreTime(text.len() as i64)));
        let (chosen, _) = choose(versions.into(), &[name("gpt-4.1"), name("gpt-4.5")].into(), 2);
        assert_eq!(chosen, [name("gpt-4.1.x"), name("gpt-4.5")], "two agents whose names begin alike are two");
    }
}
