//! Every limit of Oarlock, in one place (semantics 20). A request beyond one is refused with
//! `limit_reached` and the limit, or with `invalid_request` where it is the form of one value.

/// Characters of an identifier that a user may choose.
pub const IDENTIFIER_CHARS_MAX: usize = 64;
/// Bytes of the prefix that made-up task ids have, such as `T` in `T-1`.
pub const TASK_PREFIX_BYTES_MAX: usize = 32;
/// Characters of a session id: a name, a dot, the number of an event, a dash, the store's tag.
pub const SESSION_CHARS_MAX: usize = 92;
/// Characters of a state key.
pub const STATE_KEY_CHARS_MAX: usize = 200;
/// Characters of a task's title.
pub const TITLE_CHARS_MAX: usize = 500;
/// Bytes of a body, a result, a message or a state value.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of a document that is split; its parent task may keep it whole.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// Characters of a short text: a reason, a note, a status, an action, a subject.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Bytes of the id that a client's run has when its agent joins; longer ones are cut and hashed.
pub const RUN_ID_BYTES_MAX: usize = 200;
/// Longest name of a holder outside of the store, in bytes.
pub const OUTSIDE_NAME_BYTES_MAX: usize = 200;
/// Silence after which a holder outside of the store has abandoned its task, unless the project sets another time, in milliseconds.
pub const ABANDONED_AFTER_MS_DEFAULT: i64 = 24 * 3_600_000;
/// How often the sign of life of a holder outside of the store is written at most, in milliseconds.
pub const OUTSIDE_SEEN_EVERY_MS: i64 = 60_000;
/// Characters of an idempotency key.
pub const KEY_CHARS_MAX: usize = 200;
/// Entries in any list of a request (dependencies, capabilities, patterns, recipients, artifacts).
pub const LIST_ITEMS_MAX: usize = 1_000;
/// Sub-tasks of one split.
pub const SUBTASKS_MAX: usize = 1_000;
/// Levels of parents above a task.
pub const PARENT_DEPTH_MAX: usize = 16;
/// Tasks visited while looking for a cycle; a larger graph is refused rather than searched for ever.
pub const GRAPH_VISITS_MAX: usize = 2_000_000;
/// Tasks that a call visits for it inside of the write lock at first. If there are more, it searches outside of the lock.
pub const GRAPH_READ_MAX: usize = 2_000;
/// Searches outside of the lock that one call makes, each of no use because others changed the graph meanwhile. The next one is made
/// inside of the lock, and visits up to [`GRAPH_VISITS_MAX`] tasks there.
pub const GRAPH_SEARCHES_MAX: usize = 8;
/// Items of one page of a list.
pub const PAGE_ITEMS_MAX: usize = 10_000;
/// Items of one page when no limit is asked for.
pub const PAGE_ITEMS_DEFAULT: usize = 1_000;
/// Bytes of text in one page of a list; a page ends early when it would hold more.
pub const PAGE_BYTES_MAX: usize = 2 << 20;
/// Bytes of an answer to a model, a claimed task's body apart; a longer answer is cut, and says where the whole is.
pub const MODEL_ANSWER_BYTES_MAX: usize = 20_000;
/// Messages that are counted one by one: of more, a reply says this number.
pub const MESSAGES_COUNTED_MAX: usize = 10_000;
/// Messages that one `ack --from` acknowledges; the caller goes on while some are left.
pub const ACK_STEP_MAX: usize = 1_000;
/// Events that one transaction of a call in portions emits: others write after it.
pub const PORTION_ROWS_MAX: usize = 200;
/// Messages that a claim which waits `--or-message` shows at once; the rest waits for the next one.
pub const WAITING_MESSAGES_MAX: usize = 20;
/// Claims of one `claim --count`.
pub const CLAIM_COUNT_MAX: usize = 1_000;
/// The longest pattern, in characters (Unicode scalar values), before and after normalisation.
pub const PATTERN_CHARS_MAX: usize = 1_024;
/// The most components (names between slashes) of a pattern after normalisation.
pub const PATTERN_COMPONENTS_MAX: usize = 64;
/// The longest path, in characters: the systems that Oarlock runs on know no longer one.
pub const PATH_CHARS_MAX: usize = 4_096;
/// Steps of comparing patterns in one call; see `Pattern::steps_against`. About fifty milliseconds of work.
pub const PATTERN_STEPS_MAX: u64 = 10_000_000;
/// The same for a search of the whole ready queue, which holds nobody up.
pub const SEARCH_STEPS_MAX: u64 = 500_000_000;
/// Ready tasks that a claim passes over inside the write lock. If none fits, it searches the rest outside of the lock.
pub const CLAIM_MISSES_MAX: usize = 64;
/// Patterns and resources that a claim checks inside the write lock for tasks that it passes over.
pub const CLAIM_TARGETS_MAX: usize = 2_000;
/// Candidates that a search outside of the write lock returns, besides as many as are wanted: others may take some meanwhile.
pub const CLAIM_SPARE: usize = 32;
/// Searches of one claim. Others took all candidates of each one before.
pub const CLAIM_SEARCHES_MAX: usize = 32;
/// Held tasks whose leases are read inside the write lock to find the expired ones.
pub const LEASES_READ_MAX: usize = 500;
/// Overlaps that a refusal lists; it counts the rest.
pub const OVERLAPS_MAX: usize = 100;
/// Claims in vain that one claim remembers: those of the first tasks of the queue that it passed over for their reservations.
pub const STARVED_NOTED_MAX: usize = 8;
/// Claims in vain that a store remembers. The least recently tried are forgotten.
pub const STARVED_MAX: usize = 64;
/// Patterns and resources of the claims in vain that a store remembers; the most recent claim is remembered whatever it wants.
pub const STARVED_TARGETS_MAX: usize = 4_000;
/// Agents among which one is looked for that could take a task which waits for reservations: the last seen.
pub const TAKERS_MAX: usize = 256;
/// Sessions with a process that one call checks for its death, and whose death wakes one waiter.
pub const OWNERS_CHECKED_MAX: usize = 64;
/// Events that a waiting claim reads to learn whether another search is worthwhile; after more than these it always is.
pub const WAIT_EVENTS_MAX: usize = 256;
/// Reservations and tasks that a waiting claim remembers because they kept tasks from it; with more, each change counts.
pub const WAIT_BLOCKERS_MAX: usize = 1_000;
/// A waiting claim that found nothing searches again after this long even when no event asked for it, in milliseconds.
pub const WAIT_SEARCH_AGAIN_MS: i64 = 60_000;
/// The same when there are too many leases to see at each event whether one has expired, in milliseconds.
pub const WAIT_LEASES_AGAIN_MS: i64 = 5_000;
/// The leases that one session holds, at most.
pub const LEASES_PER_SESSION_MAX: usize = 10_000;
/// Reservations alive in one store.
pub const RESERVATIONS_MAX: usize = 10_000;
/// Proposals that are open in one store.
pub const PROPOSALS_OPEN_MAX: usize = 100;
/// Options of a proposal.
pub const PROPOSAL_OPTIONS_MAX: usize = 100;
/// Characters of an option of a proposal.
pub const OPTION_CHARS_MAX: usize = 200;
/// Votes that a quorum may ask for.
pub const QUORUM_MAX: u32 = 1_000;
/// Agents that count for a proposal because they are present; of more, those that were seen last.
pub const ELECTORS_MAX: usize = 1_000;
/// One principal (an agent with a key of its own and its helpers) gets at most one part in this many of what the store holds.
pub const PRINCIPALS_SHARE: usize = 4;
/// Live sessions of one principal: an operator may allow fewer.
pub const SESSIONS_PER_PRINCIPAL_MAX: usize = 1_000;
/// Attempts a task may be given.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Attempts a task has when none are asked for.
pub const ATTEMPTS_DEFAULT: u32 = 3;
/// The least urgent priority; 0 is the most urgent.
pub const PRIORITY_MAX: u8 = 4;
/// The progress of a task that is done, in percent.
pub const PROGRESS_MAX: u8 = 100;
/// The priority of a task when none is asked for.
pub const PRIORITY_DEFAULT: u8 = 2;
/// Minutes of an estimate: thirty days.
pub const ESTIMATE_MINUTES_MAX: u32 = 30 * 24 * 60;
/// The shortest duration a user may give, in milliseconds.
pub const DURATION_MS_MIN: i64 = 1_000;
/// The longest duration a user may give, in milliseconds: thirty days.
pub const DURATION_MS_MAX: i64 = 30 * 24 * 3_600_000;
/// The lease of a claim when no TTL is asked for, in milliseconds.
pub const LEASE_TTL_MS_DEFAULT: i64 = 15 * 60_000;
/// The TTL of a reservation when none is asked for, in milliseconds.
pub const RESERVATION_TTL_MS_DEFAULT: i64 = 3_600_000;
/// The heartbeat timeout of an agent when none is asked for, in milliseconds.
pub const HEARTBEAT_TIMEOUT_MS_DEFAULT: i64 = 120_000;
/// An agent that holds work and showed no progress for this long is shown as stuck, in milliseconds.
pub const STUCK_AFTER_MS: i64 = 30 * 60_000;
/// The death of an owner that clients restart on purpose (an MCP server) counts after this long, in milliseconds.
pub const OWNER_GRACE_MS: i64 = 30_000;
/// One priority level is worth this much waiting, in milliseconds.
pub const RANK_MS_PER_PRIORITY: i64 = 3_600_000;
/// The first back-off after a failure when nothing is said, in milliseconds; it doubles with each further failure. A network or a service
/// that is away for some seconds must not use up the attempts of a task.
pub const RETRY_FIRST_MS_DEFAULT: i64 = 15_000;
/// The longest back-off before jitter, in milliseconds.
pub const RETRY_BACKOFF_MS_MAX: i64 = 15 * 60_000;
/// A claim that others' reservations blocked for this long stops new overlapping grants of the same priority, in milliseconds.
pub const STARVED_AFTER_MS: i64 = 10 * 60_000;
/// The waiting of a blocked claim that was not tried again for this long begins again, in milliseconds.
pub const STARVED_FORGET_MS: i64 = 2 * 60_000;
/// How long a reply is kept for its idempotency key, in milliseconds: seven days.
pub const IDEMPOTENCY_MS: i64 = 7 * 24 * 3_600_000;
/// Bytes of what `prime` prints.
pub const PRIME_BYTES_MAX: usize = 3_000;
/// How long a busy store is waited for when nothing is said, in milliseconds.
pub const BUSY_MS_DEFAULT: i64 = 30_000;
/// Agents that `run` may start.
pub const RUN_AGENTS_MAX: usize = 256;
/// Agents that a project's file of configuration makes `run` start; more is asked for by flag or by the user's own file.
pub const PROJECT_AGENTS_MAX: usize = 8;
/// Levels of arrays and objects inside a JSON value.
pub const JSON_DEPTH_MAX: usize = 64;
/// Bytes of the name of a branch.
pub const BRANCH_BYTES_MAX: usize = 244;
/// Files in conflict that a refused landing names; its brief says how many more there are.
pub const LANDING_FILES_MAX: usize = 100;
/// Bytes of the path of such a file.
pub const LANDING_PATH_BYTES_MAX: usize = 4_096;
/// Bytes of the brief that a refused landing gives to the next attempt.
pub const LANDING_BRIEF_BYTES_MAX: usize = 64 << 10;
/// Bytes of the notice about a conflict that is ahead.
pub const NOTICE_BYTES_MAX: usize = 600;
/// Places of one file that the record of a conflict names.
pub const CONFLICT_HUNKS_MAX: usize = 100;
/// Submissions that one reading of a landing queue returns; the rest comes with the next reading.
pub const LANDING_QUEUE_MAX: usize = 1_000;
