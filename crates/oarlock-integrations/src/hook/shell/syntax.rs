//! The syntax of a shell's text.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands, one after the other.
pub(super) type Script = Vec<List>;

/// Pipelines with `&&` and `||` between them.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) pipelines: Vec<Vec<Command>>,
    /// Whether it runs beside what follows, in a shell of its own.
    pub(super) is_background: bool,
}

/// A command with its redirections.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) node: Node,
    pub(super) redirects: Vec<Redirect>,
}

/// The kinds of commands.
#[derive(Debug)]
pub(super) enum Node {
    /// A program or a builtin, or assignments alone.
    Simple { assigns: Vec<Assign>, words: Vec<Spelled> },
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// Each condition with what follows it; the `else` has an empty one.
    If(Vec<(Script, Script)>),
    /// `while` and `until`.
    Loop(Script, Script),
    /// `for` and `select`; without words it goes through the arguments.
    For { name: String, words: Option<Vec<Spelled>>, body: Script },
    /// The arms of a `case`.
    Case(Spelled, Vec<Script>),
    /// A function, which runs when it is called.
    Function(String, Rc<Command>),
    /// `[[ … ]]`, and sums: only the commands inside their words run.
    Test(Vec<Spelled>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Test(Vec::new())
    }
}

/// `NAME=VALUE`, `NAME+=VALUE`, `NAME=(VALUES)`.
#[derive(Debug)]
pub(super) struct Assign {
    pub(super) name: String,
    pub(super) adds: bool,
    pub(super) values: Vec<Spelled>,
    pub(super) is_array: bool,
    /// The keys of an array that has some.
    pub(super) keys: Vec<String>,
}

/// Where a command's input comes from, or its output goes to.
#[derive(Debug)]
pub(super) enum Redirect {
    Output {
        to: Spelled,
        is_standard: bool,
    },
    Input(Spelled),
    /// The text that follows the line.
    Here(Rc<OnceCell<Spelled>>),
    HereWord(Spelled),
}

/// A word as it is spelled.
pub(super) type Spelled = Vec<Part>;

/// A part of a word.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Plain characters, with [`super::word::STAR`] and [`super::word::ONE`] for wildcards.
    Plain(String),
    /// Characters in quotes.
    Quoted(String),
    /// A variable.
    Variable(Rc<Variable>),
    /// `$(…)`
    Output(Rc<Script>, bool),
    /// `<(…)` and `>(…)`
    Process(Rc<Script>),
    /// A value that only the run decides.
    Unknown,
    /// `{`, `,` and `}` outside of quotes, which may make several words of one.
    Open,
    Comma,
    Close,
}

/// `$NAME`, `${NAME}` and the like.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    /// `[@]`, `[*]`, a number, or nothing.
    pub(super) index: Option<String>,
    pub(super) change: Change,
    pub(super) is_quoted: bool,
}

/// The result of an expansion of a value.
#[derive(Debug)]
pub(super) enum Change {
    None,
    /// `:-`, `-`, `:=`, `=`
    Default(Spelled),
    /// `:+`, `+`
    Instead(Spelled),
    /// `#`, `##`, with whether it takes as much as it can
    CutStart(Spelled, bool),
    /// `%`, `%%`
    CutEnd(Spelled, bool),
    /// `/`, `//`
    Replace(Spelled, Spelled, bool),
    /// `:`, with where it begins, and how long it is
    Slice(usize, Option<usize>),
    /// Syntax that is not read.
    Unknown,
}
