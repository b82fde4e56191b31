//! How many tasks are in each state.

use oarlock_model::task::TaskState;

/// How many tasks are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_state: [u64; TaskState::ALL.len()],
}

impl Counts {
    /// Tasks in `state`.
    pub fn of(&self, state: TaskState) -> u64 {
        self.by_state[state as usize]
    }

    /// Tasks in any state.
    pub fn total(&self) -> u64 {
        self.by_state.iter().sum()
    }

    /// Tasks behind which others stay blocked.
    pub fn dead_ends(&self) -> u64 {
        TaskState::ALL.into_iter().filter(|state| state.is_dead_end()).map(|state| self.of(state)).sum()
    }

    /// One task more in `to`, and one less where it came from, unless it is new.
    pub fn shift(&mut self, from: Option<TaskState>, to: TaskState) {
        if let Some(from) = from {
            self.by_state[from as usize] = self.by_state[from as usize].saturating_sub(1);
        }
        self.by_state[to as usize] += 1;
    }

    /// Sets the number of tasks in `state`.
    pub fn set(&mut self, state: TaskState, count: u64) {
        self.by_state[state as usize] = count;
    }
}
