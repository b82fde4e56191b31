//! Which keys go when some are revoked: those, and those made by them.

use std::collections::{HashMap, HashSet};

use oarlock_client::gateway::Access;

use super::key::Kept;

/// The ids of the keys that are meant, and of all that were made by them, at any depth. Each key is looked at once.
pub(super) fn with_descendants(all: &[Kept], is_meant: impl Fn(&Access) -> bool) -> HashSet<String> {
    let mut made_by: HashMap<&str, Vec<&str>> = HashMap::new();
    for Kept { access, .. } in all {
        if let Some(parent) = &access.parent {
            made_by.entry(parent).or_default().push(&access.id);
        }
    }
    let mut open: Vec<&str> = all.iter().filter(|kept| is_meant(&kept.access)).map(|kept| kept.access.id.as_str()).collect();
    let mut gone = HashSet::new();
    while let Some(id) = open.pop() {
        if gone.insert(id.to_owned()) {
            open.extend(made_by.get(id).into_iter().flatten());
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use oarlock_model::AgentName;
    use oarlock_model::rules::authority::Authority;

    use super::*;
    use crate::gateway::access::KEYS_MAX;

    #[test]
    fn all_keys_that_there_can_be_are_revoked_at_once_with_what_they_made() {
        let kept = |n: usize, parent: Option<usize>| {
            let access = Access {
                id: format!("k{n}"),
                name: AgentName::parse("ada").expect("a name"),
                role: Authority::Agent,
                verbs: Vec::new(),
                parent: parent.map(|parent| format!("k{parent}")),
                created_at: String::new(),
                ends_at_ms: None,
            };
            Kept { access, hash: String::new(), root: None }
        };
        // Each was made by the one after it, which is behind it in the list; the last two by each other.
        let mut all: Vec<Kept> = (0..KEYS_MAX - 1).map(|n| kept(n, Some(n + 1))).collect();
        all.push(kept(KEYS_MAX - 1, Some(KEYS_MAX - 2)));
        assert_eq!(with_descendants(&all, |access| access.id == "k0"), HashSet::from(["k0".to_owned()]));
        assert_eq!(with_descendants(&all, |access| access.id == "k9999").len(), KEYS_MAX);
        assert_eq!(with_descendants(&all, |access| access.name.as_str() == "ada").len(), KEYS_MAX);
        assert!(with_descendants(&all, |_| false).is_empty());
    }
}
