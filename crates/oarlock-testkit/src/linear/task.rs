//! A task as one object: held by at most one grant, finished by its holder, and given on only when its lease has ended or its holder
//! has died (semantics 1, 3, 4, 8, 10).

use super::Object;

/// One task.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskObject;

/// A call on the task, or something that may happen to it, with the answer.
///
/// The end of a lease and the death of a holder are calls without an answer: each may take effect from its moment on, or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskCall {
    /// Granted, with this token, or an unknown one.
    Claimed {
        /// Who asked, and when: no two grants have the same number.
        grant: u32,
        /// The token that was reported.
        token: Option<u64>,
    },
    /// Refused, because somebody holds it.
    Held,
    /// Refused, because it is finished.
    Over,
    /// Renewed by the holder of this grant; from now on the lease is that of this number.
    Renewed {
        /// The grant.
        grant: u32,
        /// The number of the renewal, which is no grant's.
        lease: u32,
    },
    /// Finished by the holder of this grant.
    Done {
        /// The grant.
        grant: u32,
    },
    /// Given back by the holder of this grant.
    Released {
        /// The grant.
        grant: u32,
    },
    /// Something that only a holder may do was refused to the holder of this grant.
    Refused {
        /// The grant.
        grant: u32,
    },
    /// The lease of this grant or renewal ends.
    Ends {
        /// The grant or renewal.
        lease: u32,
    },
    /// The holder of this grant dies.
    Dies {
        /// The grant.
        grant: u32,
    },
}

/// Where the task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskAt {
    /// Nobody has it.
    Open {
        /// The highest token that was reported.
        token: u64,
    },
    /// Somebody has it.
    Held {
        /// By this grant.
        grant: u32,
        /// With this lease: the grant's own number, or that of its last renewal.
        lease: u32,
        /// The highest token that was reported.
        token: u64,
        /// Whether the lease has ended: the holder may go on until another comes.
        has_ended: bool,
    },
    /// It is finished.
    Done,
}

impl Object for TaskObject {
    type State = TaskAt;
    type Call = TaskCall;

    fn begin(&self) -> TaskAt {
        TaskAt::Open { token: 0 }
    }

    fn after(&self, state: &TaskAt, call: &TaskCall) -> Option<TaskAt> {
        use TaskAt::{Done, Held, Open};
        let holds = |grant: &u32| matches!(state, Held { grant: holder, .. } if holder == grant);
        match (call, *state) {
            (TaskCall::Claimed { grant, token: told }, Open { token } | Held { token, has_ended: true, .. }) => {
                let token = told.map_or(Some(token), |told| (told > token).then_some(told))?;
                Some(Held { grant: *grant, lease: *grant, token, has_ended: false })
            }
            (TaskCall::Held, Held { has_ended: false, .. }) | (TaskCall::Over, Done) => Some(*state),
            (TaskCall::Renewed { grant, lease }, Held { token, .. }) if holds(grant) => {
                Some(Held { grant: *grant, lease: *lease, token, has_ended: false })
            }
            (TaskCall::Done { grant }, _) if holds(grant) => Some(Done),
            (TaskCall::Released { grant }, Held { token, .. }) if holds(grant) => Some(Open { token }),
            (TaskCall::Refused { grant }, _) if !holds(grant) => Some(*state),
            (TaskCall::Ends { lease }, Held { grant, lease: held, token, has_ended: false }) if *lease == held => {
                Some(Held { grant, lease: held, token, has_ended: true })
            }
            (TaskCall::Dies { grant }, Held { token, .. }) if holds(grant) => Some(Open { token }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Timed, check};
    use super::*;

    fn told(calls: &[(TaskCall, u64, u64)]) -> bool {
        let timed = |(call, asked, answered): &(TaskCall, u64, u64)| Timed {
            call: call.clone(),
            asked: *asked,
            answered: (*answered > 0).then_some(*answered),
        };
        check(&TaskObject, &calls.iter().map(timed).collect::<Vec<_>>()).is_ok()
    }

    #[test]
    fn histories_of_a_task_are_judged() {
        use TaskCall::{Dies, Done, Ends, Held, Over, Refused, Released, Renewed};
        let claimed = |grant, token| TaskCall::Claimed { grant, token: Some(token) };
        assert!(told(&[(claimed(1, 10), 1, 2), (Held, 3, 4), (Done { grant: 1 }, 5, 6), (Over, 7, 8)]));
        assert!(!told(&[(claimed(1, 10), 1, 9), (claimed(2, 11), 1, 9)]), "two holders");
        assert!(told(&[(claimed(1, 10), 1, 2), (Ends { lease: 1 }, 5, 0), (claimed(2, 11), 6, 7), (Refused { grant: 1 }, 8, 9)]));
        assert!(!told(&[(claimed(1, 10), 1, 2), (Ends { lease: 1 }, 5, 0), (claimed(2, 11), 3, 4)]), "before its lease ended");
        assert!(!told(&[(claimed(1, 10), 1, 2), (Ends { lease: 1 }, 3, 0), (claimed(2, 9), 4, 5)]), "a falling token");
        assert!(
            !told(&[(claimed(1, 10), 1, 2), (Ends { lease: 1 }, 3, 0), (claimed(2, 11), 4, 5), (Done { grant: 1 }, 6, 7)]),
            "a stale done"
        );
        assert!(told(&[(claimed(1, 10), 1, 2), (Ends { lease: 1 }, 3, 0), (Done { grant: 1 }, 6, 7)]), "ended, but nobody else came");
        let renewed = |until| {
            [
                (claimed(1, 10), 1, 2),
                (Renewed { grant: 1, lease: 5 }, 3, 4),
                (Ends { lease: 1 }, 5, 0),
                (Ends { lease: 5 }, until, 0),
                (claimed(2, 11), 8, 9),
            ]
        };
        assert!(told(&renewed(7)) && !told(&renewed(10)), "a renewed lease ends later");
        assert!(told(&[(claimed(1, 10), 1, 2), (Dies { grant: 1 }, 3, 0), (claimed(2, 11), 4, 5)]));
        assert!(!told(&[(claimed(1, 10), 1, 2), (Dies { grant: 1 }, 3, 0), (claimed(2, 11), 4, 5), (Released { grant: 1 }, 6, 7)]));
        let unknown = TaskCall::Claimed { grant: 1, token: None };
        assert!(
            told(&[(unknown.clone(), 1, 0), (Held, 3, 4), (Dies { grant: 1 }, 5, 0), (claimed(2, 11), 6, 7)]),
            "a kill in the middle of a claim"
        );
        assert!(!told(&[(Held, 3, 4)]), "held by nobody");
        assert!(!told(&[(Over, 3, 4), (claimed(2, 11), 6, 7)]), "work lost");
        assert!(!told(&[(claimed(1, 10), 1, 2), (Refused { grant: 1 }, 3, 4)]), "refused to its holder");
    }
}
