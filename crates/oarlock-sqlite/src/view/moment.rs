//! The store and the moment.

use oarlock_model::{Now, StoreIdentity};
use oarlock_ops::store::{MomentView, StoreResult};

use super::SqliteView;

impl MomentView for SqliteView<'_> {
    fn now(&self) -> Now {
        self.now
    }

    fn identity(&self) -> &StoreIdentity {
        self.identity
    }

    fn task_prefix(&self) -> StoreResult<String> {
        Ok(self.prefix.to_owned())
    }
}
