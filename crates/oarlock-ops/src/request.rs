//! Requests: the traits that every verb's struct implements.

use oarlock_model::Rejection;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::local::Local;
use crate::lock::Lock;
use crate::outside::Grants;
use crate::search::Findings;
use crate::settings::Settings;
use crate::store::Durability;
use crate::topic::Topics;

/// The request of one verb: serde for machines, clap for the command line, doc comments for both.
pub trait Request: Serialize + DeserializeOwned + JsonSchema + clap::Args + Send + Sync + 'static {
    /// The verb, as typed.
    const VERB: &'static str;
    /// One line of help.
    const ABOUT: &'static str;
    /// Arguments of a working example.
    const EXAMPLE: &'static [&'static str];
    /// Whether it needs to know who calls.
    const IDENTITY: Identity;
    /// Names that fields had before and that still work, so that callers do not break.
    const FORMER_FIELDS: &'static [&'static str] = &[];
    /// Fields that the caller's machine fills in from its state at that moment: an idempotency key means the same call without them.
    const OUTSIDE_KEY: &'static [&'static str] = &[];
    /// The flag by which one text of the request may come from a file of the caller; none for most verbs.
    const TEXT_FILE: Option<TextFile> = None;
    /// The reply.
    type Reply: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// The text that [`TEXT_FILE`](Self::TEXT_FILE) gives.
    fn file_text(&mut self) -> Option<&mut Option<String>> {
        None
    }

    /// Fills in what only the caller's machine knows. Doors far from the caller do not call it.
    ///
    /// # Errors
    /// The errors of reading files or paths.
    fn localise(&mut self, _local: &mut dyn Local) -> Result<(), OpError> {
        Ok(())
    }

    /// Names the commit that it submits for landing, which only the caller's repository knows. Every door on the caller's machine calls it.
    ///
    /// # Errors
    /// `not_found` for a branch that is not there.
    fn name_commit(&mut self, _local: &dyn Local) -> Result<(), OpError> {
        Ok(())
    }

    /// Checks that a request from another machine, or from another process, asks for nothing that only its own can give.
    ///
    /// # Errors
    /// `invalid_request`.
    fn check_remote(&self) -> Result<(), Rejection> {
        Ok(())
    }

    /// Checks everything that can be checked without the store.
    ///
    /// # Errors
    /// `invalid_request` or `limit_reached`.
    fn check(&self) -> Result<(), Rejection> {
        Ok(())
    }

    /// How long it is willing to wait, and for what; absent when it never waits.
    fn waiting(&self) -> Option<Waiting> {
        None
    }

    /// The same request for another page of its list; none for other requests.
    fn at_page(&self, _page: Page) -> Option<Self> {
        None
    }

    /// How many items it asks for, at most.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// Whether its list begins with the oldest item, where such lists else begin with the newest.
    fn begins_with_oldest(&self) -> bool {
        false
    }

    /// Whether it cannot be answered without a store.
    fn needs_store(&self) -> bool {
        true
    }

    /// There is no project around the caller: a question about a store can only mean another one.
    fn has_no_project(&mut self) {}

    /// The reply, when no store is needed for it.
    ///
    /// # Errors
    /// Refusals.
    fn without_store(&self, _settings: &Settings) -> Result<Option<Self::Reply>, OpError> {
        Ok(None)
    }

    /// Whether this request needs an identity after all, or not.
    fn identity(&self) -> Identity {
        Self::IDENTITY
    }
}

/// A flag of the command line that names a file with the text of a field. Requests do not have it: the file is read where the caller is.
#[derive(Clone, Copy, Debug)]
pub struct TextFile {
    /// The flag, without its dashes.
    pub flag: &'static str,
    /// Its name among the arguments, which ends in `_file`.
    pub id: &'static str,
    /// The field, which cannot be given at the same time.
    pub field: &'static str,
    /// One line of help.
    pub about: &'static str,
}

/// Where a list goes on.
#[derive(Clone, Debug)]
pub struct Page {
    /// The `next` of the page before.
    pub after: String,
    /// How many items, at most.
    pub limit: usize,
}

/// The two functions by which a request for a list says which page it wants.
macro_rules! is_list {
    ($($field:ident: $value:expr),*) => {
        fn at_page(&self, page: crate::request::Page) -> Option<Self> {
            let mut asked = self.clone();
            (asked.after, asked.limit) = (Some(page.after), Some(page.limit));
            $(asked.$field = $value;)*
            Some(asked)
        }

        fn limit(&self) -> Option<usize> {
            self.limit
        }
    };
}

pub(crate) use is_list;

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// For how long; absent for ever.
    pub for_ms: Option<i64>,
    /// Which notifiers wake it.
    pub topics: Topics,
}

/// A request that changes nothing.
pub trait Query: Request {
    /// Answers it.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn answer(&self, cx: &Reading<'_>) -> Result<Self::Reply, OpError>;
}

/// A request that may change something.
pub trait Mutation: Request {
    /// How lasting its effects must be.
    const DURABILITY: Durability = Durability::Full;

    /// The locks that it takes before it reads.
    fn locks(&self, caller: &Caller) -> Vec<Lock>;

    /// Decides: reads, asks the rules, emits events.
    ///
    /// # Errors
    /// Refusals and store errors; emitted events are then undone, except those kept on purpose.
    fn decide(&self, cx: &mut Deciding<'_>) -> Result<Self::Reply, OpError>;

    /// Which tasks it may grant, in its second step or else in its first or only one.
    fn grants(&self, _is_next: bool) -> Grants {
        Grants::Nothing
    }

    /// Whether it goes on in a second step once this one is committed. What it waits for is then the second.
    fn goes_on(&self) -> bool {
        false
    }

    /// The locks of the second step.
    fn locks_of_next(&self) -> Vec<Lock> {
        Vec::new()
    }

    /// Whether a reply is that of both steps.
    fn is_whole(&self, _reply: &Self::Reply) -> bool {
        true
    }

    /// Decides the second step, in a transaction of its own; the reply is that of both.
    ///
    /// # Errors
    /// As of `decide`; the first step stays.
    fn go_on(&self, _cx: &mut Deciding<'_>, _first: &Self::Reply) -> Result<Self::Reply, OpError> {
        Err(OpError::Internal(format!("{} has no second step", Self::VERB)))
    }

    /// The reply when the second step is refused: the first is done, and that is what counts.
    fn give_up(&self, first: Self::Reply, _refusal: &OpError) -> Self::Reply {
        first
    }

    /// Searches, without the write lock, for what `decide` asked for with `Deciding::search_first`. The next decision gets the findings
    /// and checks them again.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn search(&self, _cx: &Reading<'_>, _findings: &mut Findings) -> Result<(), OpError> {
        Err(OpError::Internal(format!("{} searches for nothing", Self::VERB)))
    }

    /// While waiting: whether it is worth to try again. Reads only, so that a crowd of waiters does
    /// not queue up to write. `findings` remember what the last search saw.
    ///
    /// # Errors
    /// Store errors.
    fn worth_trying(&self, _cx: &Reading<'_>, _findings: &mut Findings) -> Result<bool, OpError> {
        Ok(true)
    }
}
