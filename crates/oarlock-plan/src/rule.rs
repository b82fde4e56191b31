//! The rules that a split rests on, by name, so that each can be left out and its worth be measured. That is possible only with the
//! feature `leave-out`, which no program that users run has; without it every rule is on, and the compiler takes the question out.
//!
//! `cargo test -p oarlock-plan --features leave-out --test plans leave_one_out -- --nocapture` prints what each earns.

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub what: &'static str,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $id:ident = $name:literal;)*) => {
        $($(#[doc = $doc])* pub const $id: Rule = Rule { name: $name, what: concat!($($doc),*) };)*

        /// Every rule.
        pub const ALL: &[Rule] = &[$($id),*];
    };
}

rules! {
    /// what the document says of order and independence
    STATED = "stated";
    /// tables with a column of dependencies
    TABLES = "tables";
    /// a step that speaks of a later one by its name comes after it
    NAMED_AHEAD = "named-ahead";
    /// steps that touch what another writes keep their order
    FILES = "files";
    /// files of lists go to the steps that they fit
    LISTED = "listed";
    /// what a list says of a file, and its folders, tell whose it is
    TOLD = "told";
    /// drawn trees name files
    TREES = "trees";
    /// a file that a step is about is written by it
    TOPIC = "topic";
    /// what a step does tells what it waits for: look, decide, lay ground, build, join, check, describe, finish
    ROLES = "roles";
    /// a step waits for what makes the thing that it speaks of
    WORDS = "words";
    /// "the tokens" are there: who speaks so waits for who spoke of them before
    DEFINITE = "definite";
    /// numbered phases are gates
    PHASES = "phases";
    /// "when all of it is done" waits for all
    AWAITS = "awaits";
    /// a first or last step of its own kind keeps its place
    ODD_ENDS = "odd-ends";
    /// what is not shown to be independent keeps its order
    UNKNOWN = "unknown";
    /// looks do not disturb each other
    LOOKS = "looks";
    /// guides wait for no tests and are not joined
    GUIDES = "guides";
    /// where code is shown, it tells what it stands on
    CODE = "code";
    /// a phase becomes its parts where these are apart
    PARTS = "parts";
    /// and stays whole where they form a chain
    CHAINS = "chains";
    /// orders in bold type are parts of a phase
    BOLD = "bold";
    /// files to change are steps where there is no plan
    FILE_STEPS = "file-steps";
    /// what is handed over follows a list of looks
    DELIVERABLE = "deliverable";
    /// too little work, or too little gain, is not split
    WORTH = "worth";
    /// items of the work that stand outside of the list are steps that keep their place
    REST = "rest";
    /// "never in parallel" and "one after the other" keep the steps in order
    IN_ORDER = "in-order";
    /// what declares packages comes before the code that may use them
    MANIFESTS = "manifests";
    /// names of code that two steps without fields of files both speak of keep them in order
    SHARED_NAMES = "shared-names";
    /// groups without a name of their own, and a user of an interface and who makes it, are not apart
    LAYERS = "layers";
    /// groups with names of code of their own, of which neither speaks of the other's, stand apart without files
    OWN_NAMES = "own-names";
    /// where the words of a document are not known, only its markers and fields show that steps are independent
    FOREIGN = "foreign";
    /// "each task is independent" holds for all of them
    EACH_FREE = "each-free";
    /// names that a task says to produce, or is called after, are brought in by it
    PRODUCES = "produces";
    /// where less than half of the work names files and nothing states independence, prose is not split
    EVIDENCE = "evidence";
    /// the todos of a plan are the steps where its body has fewer
    ALL_TODOS = "all-todos";
    /// labels in other languages, and numbers in words
    LABELS = "labels";
    /// bullets of phases are steps where the phases have nothing else
    BULLETS = "bullets";
    /// headings with signs of their state are steps
    SIGNS = "signs";
}

#[cfg(feature = "leave-out")]
thread_local! {
    static LEFT_OUT: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// What `work` gives without `rule`.
#[cfg(feature = "leave-out")]
pub fn without<T>(rule: Rule, work: impl FnOnce() -> T) -> T {
    LEFT_OUT.set(Some(rule));
    let out = work();
    LEFT_OUT.set(None);
    out
}

/// Whether `rule` is followed.
#[cfg(feature = "leave-out")]
pub(crate) fn is_on(rule: Rule) -> bool {
    LEFT_OUT.get() != Some(rule)
}

/// Whether `rule` is followed: always.
#[cfg(not(feature = "leave-out"))]
pub(crate) const fn is_on(_rule: Rule) -> bool {
    true
}
