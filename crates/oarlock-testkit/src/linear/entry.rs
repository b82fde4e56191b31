//! A state entry as one object: its value changes with its version, which rises by one.

use super::Object;

/// One key.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryObject;

/// A call on the key, with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryCall {
    /// Set; with an expected version, only then. The version it has now, or None for an unknown outcome.
    Set {
        /// The value.
        value: u64,
        /// The version that it must have had.
        expected: Option<u64>,
        /// The version that was reported.
        version: Option<u64>,
    },
    /// Refused, because its version was another than this.
    Conflict {
        /// The version that was expected.
        expected: u64,
    },
    /// Read: value and version, both 0 when there is none.
    Get {
        /// The value.
        value: u64,
        /// The version.
        version: u64,
    },
}

impl Object for EntryObject {
    type State = (u64, u64);
    type Call = EntryCall;

    fn begin(&self) -> (u64, u64) {
        (0, 0)
    }

    fn after(&self, &(value, version): &(u64, u64), call: &EntryCall) -> Option<(u64, u64)> {
        match call {
            EntryCall::Set { value, expected, version: told } => {
                let fits = expected.is_none_or(|expected| expected == version) && told.is_none_or(|told| told == version + 1);
                fits.then_some((*value, version + 1))
            }
            EntryCall::Conflict { expected } => (*expected != version).then_some((value, version)),
            EntryCall::Get { value: read, version: told } => (*read == value && *told == version).then_some((value, version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Timed, check};
    use super::*;

    fn told(calls: &[(EntryCall, u64, Option<u64>)]) -> bool {
        let calls: Vec<_> =
            calls.iter().map(|(call, asked, answered)| Timed { call: call.clone(), asked: *asked, answered: *answered }).collect();
        check(&EntryObject, &calls).is_ok()
    }

    #[test]
    fn histories_of_an_entry_are_judged() {
        use EntryCall::{Conflict, Get, Set};
        let set = |value, expected, version| Set { value, expected, version };
        assert!(told(&[(set(7, None, Some(1)), 1, Some(2)), (Get { value: 7, version: 1 }, 3, Some(4))]));
        assert!(!told(&[(set(7, None, Some(1)), 1, Some(2)), (set(8, None, Some(1)), 3, Some(4))]), "a version twice");
        let race = |loser| [(set(7, Some(0), Some(1)), 1, Some(9)), (loser, 2, Some(8))];
        assert!(told(&race(Conflict { expected: 0 })));
        assert!(!told(&race(set(8, Some(0), Some(1)))), "two winners");
        assert!(!told(&[(set(7, None, Some(1)), 1, Some(2)), (Get { value: 0, version: 0 }, 3, Some(4))]), "a lost update");
        assert!(told(&[(set(7, None, None), 1, None), (set(8, None, Some(2)), 3, Some(4))]), "the killed one was first");
        assert!(!told(&[(set(7, None, None), 1, None), (set(8, None, Some(3)), 3, Some(4))]), "a version of nobody");
    }
}
