//! Seeded faults: bugs that a good test suite must catch, at least one for each semantics. They exist only with the feature
//! `seeded-faults`, which no released program has. Without the feature, [`is`] is a constant false, and the compiler removes the
//! check. With it, the environment variable `OARLOCK_SEEDED_FAULT` names the one fault that is active.
//!
//! `cargo xtask seeded-faults` runs the tests against each of them.

use Breaks::{Files, Gateway, Hooks, Ralf, Runner, Semantics, Trust};

/// The area that a fault breaks: it selects the tests that must find the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// One of the numbered semantics.
    Semantics(u8),
    /// A check of the gateway.
    Gateway,
    /// Promises of hooks and of the set-up of coding agents.
    Hooks,
    /// Promises of `work` and `run`.
    Runner,
    /// That no task is taken both in the store and in the files beside it.
    Files,
    /// That nothing is believed which a repository, a clone or another user of the machine brings.
    Trust,
    /// Promises to agents that use RALF's files alone.
    Ralf,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// The broken area.
    pub breaks: Breaks,
    /// The wrong behaviour.
    pub what: &'static str,
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $id:ident = $breaks:expr, $name:literal;)*) => {
        $($(#[doc = $doc])* pub const $id: Fault = Fault { name: $name, breaks: $breaks, what: concat!($($doc),*) };)*

        /// Every seeded fault.
        pub const ALL: &[Fault] = &[$($id),*];
    };
}

faults! {
    /// a live lease does not keep others from claiming its task by id
    LIVE_LEASE_IGNORED = Semantics(1), "live-lease-ignored";
    /// what somebody outside of the store works on is free after the time of a lease
    OUTSIDE_HOLD_EXPIRES = Semantics(1), "outside-hold-expires";
    /// templates, runs and other names that are no agents count as such where their heartbeat is young
    GHOSTS_COUNT = Ralf, "ghosts-count";
    /// a script that sets the time of every heartbeat brings back who has left
    SWEEP_REVIVES = Ralf, "sweep-revives";
    /// what a claim in the files names as its holder joins the store as an agent
    HOLDERS_JOIN = Ralf, "holders-join";
    /// agents' states are written without the lock of their file itself, which the first modules take
    OWN_LOCK_SKIPPED = Ralf, "own-lock-skipped";
    /// agents' states are compared as a glance without the lock of their file saw them, and written over the present content
    STATES_GLANCED_AT = Ralf, "states-glanced-at";
    /// a write that broke off is left half done, and its copy with it
    BROKEN_WRITE_LEFT = Ralf, "broken-write-left";
    /// the copy that a write left is put in place whatever others have written since
    COPY_BELIEVED = Ralf, "copy-believed";
    /// a document below the floor for splitting is split anyway
    FLOOR_IGNORED = Ralf, "floor-ignored";
    /// numbers, and so tokens, begin again where they were after a restore
    NO_NEW_EPOCH = Semantics(2), "no-new-epoch";
    /// the numbers of every new store begin at the hour
    EPOCH_STARTS_AT_ZERO = Semantics(2), "epoch-starts-at-zero";
    /// what another store gave counts as given by this one
    TAGS_IGNORED = Semantics(7), "tags-ignored";
    /// a client takes any gateway at its address for the one it knows
    ANY_STORE = Gateway, "any-store";
    /// a token that is given is not compared with that of the last grant
    NO_TOKEN_CHECK = Semantics(3), "no-token-check";
    /// a lease whose time has ended is void for its holder too
    EXPIRY_VOIDS = Semantics(4), "expiry-voids";
    /// leases are judged by the wall clock
    WALL_CLOCK_JUDGES = Semantics(5), "wall-clock-judges";
    /// store time begins again with each boot
    TIME_STARTS_ANEW = Semantics(6), "time-starts-anew";
    /// a session that is over may act as long as its name lives on
    OLD_SESSION_ACTS = Semantics(7), "old-session-acts";
    /// a session that leaves ends although it holds more than one portion
    LEASES_LEFT_BEHIND = Semantics(12), "leases-left-behind";
    /// nobody looks whether the owner of a session lives
    DEATH_UNSEEN = Semantics(8), "death-unseen";
    /// any call of an agent renews its leases, so that who merely polls keeps work
    POLLING_RENEWS = Semantics(9), "polling-renews";
    /// a done task can be finished again with another result
    DONE_TWICE = Semantics(10), "done-twice";
    /// a task that fails or is lost is tried for ever
    RETRIED_FOR_EVER = Semantics(11), "retried-for-ever";
    /// the pause after a failure may be shorter than the configured one
    JITTER_SHORTENS = Semantics(11), "jitter-shortens";
    /// the dependants of a finished task stay blocked
    DEPENDANTS_FORGOTTEN = Semantics(12), "dependants-forgotten";
    /// a claim takes the task although its write set is reserved by another
    CLAIM_WITHOUT_ITS_FILES = Semantics(13), "claim-without-its-files";
    /// patterns overlap when one begins with the other
    OVERLAP_BY_PREFIX = Semantics(14), "overlap-by-prefix";
    /// a pattern without wildcards covers nothing below its path
    BELOW_UNCOVERED = Semantics(14), "below-uncovered";
    /// a document is taken for that of any task with its name
    ANY_DOCUMENT = Semantics(10), "any-document";
    /// the index of reservations does not find those of the folders above
    NEAR_MISSES_ABOVE = Semantics(14), "near-misses-above";
    /// the index of reservations does not find patterns that begin with a wildcard
    NEAR_MISSES_WILDCARDS = Semantics(14), "near-misses-wildcards";
    /// a claim takes what a search outside of the lock found without checking it again
    FOUND_IS_BELIEVED = Semantics(13), "found-is-believed";
    /// a search that found no cycle is believed whatever others have added since
    CYCLES_BELIEVED_ABSENT = Semantics(12), "cycles-believed-absent";
    /// a claim gives up after the part of the queue that it reads inside the lock
    SEARCH_ENDS_EARLY = Semantics(13), "search-ends-early";
    /// a claim that waits does not notice that what blocked it has ended
    BLOCKER_FORGOTTEN = Semantics(19), "blocker-forgotten";
    /// the version of an entry begins again after its deletion
    VERSIONS_START_ANEW = Semantics(15), "versions-start-anew";
    /// a claim that waits does not hear of messages
    DEAF_CLAIM = Semantics(19), "deaf-claim";
    /// a message that was shown is shown again to the next claim that waits
    SHOWN_FOR_EVER = Semantics(16), "shown-for-ever";
    /// one sender fills the page while messages of others wait
    ONE_SENDER_FILLS_THE_PAGE = Semantics(16), "one-sender-fills-the-page";
    /// reading the inbox acknowledges what it shows
    READING_ACKNOWLEDGES = Semantics(16), "reading-acknowledges";
    /// a reader that goes on from its cursor misses an event
    READER_SKIPS = Semantics(17), "reader-skips";
    /// replies are not kept for their keys
    KEYS_FORGOTTEN = Semantics(18), "keys-forgotten";
    /// a call that ends a task and takes the next takes another one when it is repeated
    CLAIMS_AGAIN = Semantics(18), "claims-again";
    /// nobody is woken after a commit
    NO_WAKE = Semantics(19), "no-wake";
    /// titles have no limit
    NO_TITLE_LIMIT = Semantics(20), "no-title-limit";
    /// what no verb would write is taken from a log that comes from elsewhere
    LOGS_UNBOUNDED = Semantics(20), "logs-unbounded";
    /// a task goes from any state into any other, by a log that comes from elsewhere
    ANY_TRANSITION = Semantics(12), "any-transition";
    /// a list that was cut short does not say so
    CUT_IN_SILENCE = Semantics(20), "cut-in-silence";
    /// transactions begin without the write lock
    DEFERRED_BEGIN = Semantics(17), "deferred-begin";
    /// a claim does not say that its lease may end before the others
    BOUND_NOT_LOWERED = Semantics(4), "bound-not-lowered";
    /// the counts of tasks are not kept by claims
    COUNTS_DRIFT = Semantics(12), "counts-drift";
    /// a heartbeat renews leases only, and reservations run out under a working agent
    BEAT_LEAVES_RESERVATIONS = Semantics(14), "beat-leaves-reservations";
    /// a reservation made for a task outlives its lease
    TIED_OUTLIVES_LEASE = Semantics(14), "tied-outlives-lease";
    /// a held task's new write set is not reserved
    UPDATE_RESERVES_NOTHING = Semantics(13), "update-reserves-nothing";
    /// the results of the parts are not shown to the one who joins them
    PARTS_RESULTS_DROPPED = Semantics(10), "parts-results-dropped";
    /// the next holder does not learn why the last attempt was rejected
    REASON_FORGOTTEN = Semantics(11), "reason-forgotten";
    /// the work of a holder who made parts of its task is not kept for the one who joins them
    WORK_BEFORE_PARTS_DROPPED = Semantics(10), "work-before-parts-dropped";
    /// a task that somebody holds gets parts from anybody
    PARTS_FROM_ANYBODY = Semantics(3), "parts-from-anybody";
    /// the holder of a task that gets a need does not hear of it
    NEEDS_WITHOUT_NOTICE = Semantics(12), "needs-without-notice";
    /// `wait` goes on for a task that can no longer be done
    WAITS_FOR_THE_DEAD = Semantics(19), "waits-for-the-dead";
    /// the parts of a task do not wait for what it needs
    PARTS_DO_NOT_INHERIT = Semantics(12), "parts-do-not-inherit";
    /// a part goes on once its own needs are done, although a task above it still waits
    NEEDS_ABOVE_FORGOTTEN = Semantics(12), "needs-above-forgotten";
    /// a part that its parent no longer waits for keeps the parent waiting
    DROPPED_PART_BLOCKS = Semantics(12), "dropped-part-blocks";
    /// the needs of an urgent task are as urgent as they were
    URGENCY_STAYS = Semantics(13), "urgency-stays";
    /// an urgent task waits for reservations like any other, behind each new small one
    URGENT_STARVES = Semantics(13), "urgent-starves";
    /// the gateway answers to any host
    ANY_HOST = Gateway, "any-host";
    /// the gateway answers to pages of any origin
    ANY_ORIGIN = Gateway, "any-origin";
    /// the gateway takes requests without the content type of JSON
    ANY_CONTENT = Gateway, "any-content";
    /// any key of the right form is the operator's
    ANY_KEY = Gateway, "any-key";
    /// keys are read once, so that a revoked one goes on
    REVOKED_KEY_LIVES = Gateway, "revoked-key-lives";
    /// a file with a key may be readable by all
    OPEN_KEY_FILE = Gateway, "open-key-file";
    /// a key speaks for every name
    KEY_OF_ALL_NAMES = Gateway, "key-of-all-names";
    /// agents may do the operator's work
    AGENT_IS_OPERATOR = Gateway, "agent-is-operator";
    /// an agent's key changes any task
    AGENT_CHANGES_OTHERS = Gateway, "agent-changes-others";
    /// a key may use every verb
    KEY_OF_ALL_VERBS = Gateway, "key-of-all-verbs";
    /// requests have no limit of size
    BODY_UNBOUNDED = Gateway, "body-unbounded";
    /// nobody is cut off for being slow
    SLOW_FOR_EVER = Gateway, "slow-for-ever";
    /// agents may ask as much as they like
    NO_QUOTA = Gateway, "no-quota";
    /// what a gateway reports goes to the terminal as it is
    TERMINAL_STEERED = Gateway, "terminal-steered";
    /// an answer to a model is as long as what others have written
    MCP_ANSWER_UNBOUNDED = Gateway, "mcp-answer-unbounded";
    /// texts of others reach a model as they are, with characters that nobody sees
    MCP_TEXT_RAW = Gateway, "mcp-text-raw";
    /// other machines are let in without encryption
    PLAIN_TO_ALL = Gateway, "plain-to-all";
    /// a client takes any JSON object for the reply of a verb
    ANY_ANSWER = Gateway, "any-answer";
    /// a client sends its key without a proof
    LISTENER_BELIEVED = Gateway, "listener-believed";
    /// the proof of a listener is good for every address
    PROOF_FOR_ANY_ADDRESS = Gateway, "proof-for-any-address";
    /// one key may take every place of the gateway
    PLACES_UNBOUNDED = Gateway, "places-unbounded";
    /// the gateway makes calls in the order in which they come
    FIRST_COME_FIRST_SERVED = Gateway, "first-come-first-served";
    /// a claim of many tasks counts as one lease
    LEASES_UNCOUNTED = Gateway, "leases-uncounted";
    /// helpers are counted apart from their agent
    HELPERS_COUNT_APART = Gateway, "helpers-count-apart";
    /// a helper's name that does not fit is cut, and may be another's
    HELPER_NAME_CUT = Gateway, "helper-name-cut";
    /// what a client got that has gone stays with it
    GONE_CLIENT_KEEPS = Gateway, "gone-client-keeps";
    /// a panic ends a hook without the rule for its failures
    PANIC_UNRULED = Hooks, "panic-unruled";
    /// a hook lets a file be written that another agent holds
    HELD_FILE_WRITTEN = Hooks, "held-file-written";
    /// hooks do not look into shell commands
    SHELL_UNREAD = Hooks, "shell-unread";
    /// hooks do not know what formatters write
    FORMATTERS_UNREAD = Hooks, "formatters-unread";
    /// hooks do not read the options that name an output
    OUTPUTS_UNREAD = Hooks, "outputs-unread";
    /// hooks do not know the names of the project's top and of the home
    NAMES_UNKNOWN = Hooks, "names-unknown";
    /// hooks refuse in a linked worktree that its own changes are thrown away
    WORKTREE_IS_OTHERS = Hooks, "worktree-is-others";
    /// file names with a tab or a line break are not checked
    ODD_NAMES_PASS = Hooks, "odd-names-pass";
    /// the failure of a hook stops the client
    FAILURE_BLOCKS = Hooks, "failure-blocks";
    /// a helper acts as its parent
    HELPER_IS_PARENT = Hooks, "helper-is-parent";
    /// a session that is resumed is another agent
    RESUMED_IS_ANOTHER = Hooks, "resumed-is-another";
    /// the end of a session releases nothing
    END_KEEPS_ALL = Hooks, "end-keeps-all";
    /// messages are not handed over
    MESSAGES_KEPT = Hooks, "messages-kept";
    /// taking a set-up back forgets what it had inserted
    SETUP_FORGETS = Hooks, "setup-forgets";
    /// a set-up that fails leaves what it had written
    HALF_A_SETUP = Hooks, "half-a-setup";
    /// a finished result is thrown away when the store cannot be written
    RESULT_THROWN_AWAY = Runner, "result-thrown-away";
    /// a kept result is handed in no matter who had the task since
    KEPT_OVERWRITES = Runner, "kept-overwrites";
    /// a worker whose directory is gone goes on claiming
    DIRECTORY_UNSEEN = Runner, "directory-unseen";
    /// a worker that sees only failures claims on at full speed
    FAILURES_AT_FULL_SPEED = Runner, "failures-at-full-speed";
    /// the store, its log and what lies beside them may be links, pipes and devices
    LINKS_FOLLOWED = Trust, "links-followed";
    /// a store may have tables, views, indexes and triggers that no migration made
    EXTRA_SCHEMA_ACCEPTED = Trust, "extra-schema-accepted";
    /// files of the store are as open to others as the umask leaves them
    MODES_OPEN = Trust, "modes-open";
    /// a store that came with a repository is opened like one's own
    UNKNOWN_STORE_OPENED = Trust, "unknown-store-opened";
    /// a list of access keys that lies beside the store is believed
    KEYS_BESIDE_STORE_BELIEVED = Trust, "keys-beside-store-believed";
    /// the store of another user is opened like one's own
    OTHERS_STORE_OPENED = Trust, "others-store-opened";
    /// a set-up of a project writes where links lead, outside of the repository too
    SETUP_LEAVES_REPOSITORY = Trust, "setup-leaves-repository";
    /// a project's file starts as many workers as it likes
    PROJECT_STARTS_WORKERS = Trust, "project-starts-workers";
    /// an unreadable project file leaves the write guard lenient
    UNREADABLE_IS_LENIENT = Trust, "unreadable-is-lenient";
    /// a task that the files have is granted, and its caller reported, before they show it
    GRANT_BEFORE_MARK = Files, "grant-before-mark";
    /// an intent that a killed call left is made good for a session that is over
    INTENT_BELIEVED = Files, "intent-believed";
    /// tasks are claimed without the lock of the files that have them too
    FILE_LOCK_SKIPPED = Files, "file-lock-skipped";
    /// a claim decides without a look at the own files of tasks
    TASK_FILES_UNREAD = Files, "task-files-unread";
    /// a task that has neither a status line nor an item in a queue is granted without a mark
    FILE_LEFT_UNMARKED = Files, "file-left-unmarked";
    /// what a damaged queue may hide is taken for what it does not have
    HIDDEN_ITEMS_GRANTED = Files, "hidden-items-granted";
    /// what an old script has marked as completed is done only once its folder has moved
    DONE_BY_FOLDER_ALONE = Files, "done-by-folder-alone";
    /// a submission lands although its task was given to somebody else since
    OLD_SUBMISSION_LANDS = Semantics(3), "old-submission-lands";
    /// a task that waits for landing is done once a person approves it
    APPROVED_WITHOUT_LANDING = Semantics(10), "approved-without-landing";
    /// a task is taken out of the landing queue while its branch is being moved
    LANDING_TAKEN_BACK = Semantics(10), "landing-taken-back";
    /// an agent with the role of a reviewer approves its own work
    OWN_WORK_REVIEWED = Semantics(10), "own-work-reviewed";
    /// a voter that votes again has two votes
    VOTED_TWICE = Semantics(21), "voted-twice";
    /// a proposal that is closed takes votes again
    CLOSED_TAKES_VOTES = Semantics(21), "closed-takes-votes";
    /// the first vote decides, whatever quorum was asked for
    FIRST_VOTE_DECIDES = Semantics(21), "first-vote-decides";
    /// a run waits for dead tasks outside of its tree
    OUTSIDE_DEAD_AWAITED = Runner, "outside-dead-awaited";
}

/// Whether this fault is seeded.
#[cfg(not(feature = "seeded-faults"))]
#[must_use]
pub const fn is(_fault: Fault) -> bool {
    false
}

/// Whether this fault is seeded.
#[cfg(feature = "seeded-faults")]
#[must_use]
pub fn is(fault: Fault) -> bool {
    static SEEDED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    SEEDED.get_or_init(|| std::env::var("OARLOCK_SEEDED_FAULT").ok()).as_deref() == Some(fault.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_semantics_has_a_seeded_fault_and_every_fault_its_name() {
        for semantics in 1..=21 {
            assert!(ALL.iter().any(|fault| fault.breaks == Semantics(semantics)), "semantics {semantics}");
        }
        for (n, fault) in ALL.iter().enumerate() {
            assert!(ALL[n + 1..].iter().all(|other| other.name != fault.name), "{}", fault.name);
        }
    }
}
