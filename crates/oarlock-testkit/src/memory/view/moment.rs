//! The store and the moment.

use oarlock_model::{Now, StoreIdentity};
use oarlock_ops::store::{MomentView, StoreResult};

use crate::memory::Moment;

impl MomentView for Moment {
    fn now(&self) -> Now {
        self.now
    }

    fn identity(&self) -> &StoreIdentity {
        &self.world.identity
    }

    fn task_prefix(&self) -> StoreResult<String> {
        Ok(self.prefix.clone())
    }
}
