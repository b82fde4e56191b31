//! What the sentences about order mean that a document has outside of its steps, in a section of dependencies or below the heading of a group:
//! which steps their names stand for, and who waits for whom.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::order::names::Names;
use crate::order::sentence::Reader;
use crate::read::document::{Document, Kind};
use crate::read::label;
use crate::rule;
use crate::step_info::gather::StepInfo;
use crate::step_info::independence;
use crate::step_info::ordering::{self, Piece};
use crate::step_info::references;
use crate::step_info::tables::Row;
use crate::text::phrases::Phrases;
use crate::text::titles::Role;
use crate::text::{List, clip};

/// Pairs of steps and names that are compared; what is beyond them is left out with a warning.
const WORK_MAX: usize = 1_000_000;
/// Lines that are read as sentences about order.
const LINES_MAX: usize = 2_000;
/// Parts of words by which a line of a drawing says something of order.
const DRAWN: [&str; 4] = ["arallel", "imultaneous", "epends on", "locked by"];
/// Sentences that are not understood and named.
const UNCLEAR_MAX: usize = 8;

/// What the sentences of a document say.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// Pairs of which the second waits for the first.
    pub(crate) needs: BTreeSet<(usize, usize)>,
    /// Pairs that may run at once, the lower number first.
    pub(crate) beside: BTreeSet<(usize, usize)>,
    /// For each step the number of the group whose needs the document states in full.
    pub(crate) declared: Vec<Option<usize>>,
    /// Whether the sentences name every step by itself, so that they draw the whole order.
    is_whole: bool,
    /// Sentences that were not understood.
    pub(crate) warnings: Vec<String>,
    /// Names and pairs that were compared.
    spent: usize,
}

impl Spoken {
    /// Of a document without such sentences, which has `count` steps.
    pub(crate) fn silent(count: usize) -> Self {
        Self { declared: vec![None; count], ..Self::default() }
    }

    /// Whether all that `to` or its group waits for is stated, and `from` is not in that group.
    pub(crate) fn leaves_out(&self, from: usize, to: usize) -> bool {
        self.is_whole || (self.declared[to].is_some() && self.declared[to] != self.declared[from])
    }
}

/// Reads the sentences of `document` about the order of `steps`, those of its tables too.
pub(crate) fn read(document: &Document<'_>, steps: &[StepInfo], rows: &[Row]) -> Spoken {
    let mut spoken = Spoken::silent(steps.len());
    if steps.len() < 2 {
        return spoken;
    }
    let names = Names::new(document, steps);
    let mut owner = vec![usize::MAX; document.lines.len()];
    for (at, step) in steps.iter().enumerate() {
        owner[step.draft.line..=step.draft.last].fill(at);
    }
    let mut named_alone = vec![false; steps.len()];
    let (mut read, mut is_cut) = (0, false);
    // What a drawing in a fence names last, for a line that goes on with an arrow.
    let mut drawn: Vec<usize> = Vec::new();
    for line in 0..document.lines.len() {
        let kind = document.lines[line].kind;
        let text = clip(document.text(line));
        let in_step = owner[line] != usize::MAX;
        // What a row of a table means is told by its columns.
        let is_row = text.starts_with('|') && !in_step;
        let is_drawn = || kind == Kind::Code && !in_step && (has_arrow(text) || DRAWN.iter().any(|word| text.contains(word)));
        let is_text = (matches!(kind, Kind::Text | Kind::Item(_)) && !is_row) || is_drawn();
        let may_order = is_text && may_order(text);
        is_cut |= may_order && read >= LINES_MAX;
        if !may_order || read >= LINES_MAX {
            if kind != Kind::Code {
                drawn.clear();
            }
            continue;
        }
        if !in_step && kind != Kind::Code && says_group_at_once(text) {
            read += 1;
            let group = names.group_of_line(line);
            let members = if group.is_empty() { (0..steps.len()).collect() } else { group };
            at_once(&mut spoken, steps, &members);
            continue;
        }
        if !in_step && kind != Kind::Code && rule::is_on(rule::IN_ORDER) && says_in_order(text) {
            read += 1;
            let group = names.group_of_line(line);
            let members = if group.is_empty() { (0..steps.len()).collect() } else { group };
            members.windows(2).for_each(|pair| spoken.need(pair[0], pair[1]));
            continue;
        }
        let own = if in_step { vec![owner[line]] } else { Vec::new() };
        let joined = || text.split(" | ").skip(1).find(|part| is_field(part));
        let text = if is_field(text) { text.split(" | ").next().unwrap_or(text) } else { joined().unwrap_or(text) };
        let field = is_field(text);
        // Inside a step only fields, the first line and brackets speak of order; its prose is judged elsewhere.
        let pieces = match in_step {
            true if field || line == steps[owner[line]].draft.line => ordering::pieces(bracketed(text, field)),
            true => continue,
            false => ordering::pieces(text),
        };
        read += 1;
        if has_open_condition(&pieces) {
            continue;
        }
        let implied = if in_step {
            own
        } else if field {
            names.group_of_line(line)
        } else if text.trim_start().starts_with(['→', '-', '└']) && kind == Kind::Code {
            drawn.clone()
        } else {
            Vec::new()
        };
        let mut reader = Reader {
            names: &names,
            spoken: &mut spoken,
            subject: implied.clone(),
            implied,
            at: if in_step { Some(owner[line]) } else { None },
        };
        let sentence = reader.read(&pieces);
        // An empty list is a statement too.
        if field && text.trim_end().trim_end_matches(',').ends_with("[]") {
            reader.declare();
        }
        sentence.alone.iter().for_each(|at| named_alone[*at] = true);
        drawn = if kind == Kind::Code { sentence.last } else { Vec::new() };
        if sentence.unclear && spoken.warnings.len() < UNCLEAR_MAX {
            spoken.warnings.push(format!("line {}: this sentence about order is not understood, so its steps stay in order", line + 1));
            let named = sentence.named;
            for (k, from) in named.iter().enumerate() {
                named[k + 1..].iter().for_each(|to| spoken.need(*from.min(to), *from.max(to)));
            }
        }
    }
    for row in rows {
        let (subject, implied) = (Vec::new(), Vec::new());
        Reader { names: &names, spoken: &mut spoken, subject, implied, at: None }.read(&ordering::pieces(&row.sentence));
    }
    spoken.is_whole = steps.len() > 2 && named_alone.iter().all(|named| *named);
    if spoken.spent > WORK_MAX || is_cut {
        spoken.is_whole = false;
        spoken.warnings.push("the document says more about order than is compared; the rest is left out".to_owned());
    }
    let Spoken { needs, beside, .. } = &mut spoken;
    beside.retain(|(a, b)| !needs.contains(&(*a, *b)) && !needs.contains(&(*b, *a)));
    spoken
}

impl Spoken {
    /// `to` waits for `from`.
    pub(crate) fn need(&mut self, from: usize, to: usize) {
        if from != to {
            self.needs.insert((from, to));
        }
    }

    /// The two may run at once.
    pub(crate) fn beside(&mut self, a: usize, b: usize) {
        if a != b {
            self.beside.insert((a.min(b), a.max(b)));
        }
    }

    /// Whether so much more may be compared; what a hostile document asks for beyond that is not read.
    pub(crate) fn spend(&mut self, cost: usize) -> bool {
        self.spent = self.spent.saturating_add(cost);
        self.spent <= WORK_MAX
    }
}

/// "This phase implements the following in parallel": all that the innermost group of the line has, but for tests of it.
fn at_once(spoken: &mut Spoken, steps: &[StepInfo], members: &[usize]) {
    if !spoken.spend(members.len() * members.len()) {
        return;
    }
    let works = |at: &&usize| steps[**at].role != Role::Verify && !steps[**at].awaits;
    let members: Vec<usize> = members.iter().filter(works).copied().collect();
    for (k, one) in members.iter().enumerate() {
        members[k + 1..].iter().for_each(|two| spoken.beside(*one, *two));
    }
}

/// Whether a sentence says of the group that it stands in that its steps run at once.
fn says_group_at_once(text: &str) -> bool {
    let lower = text.to_lowercase();
    let group = ["phase", "epic", "milestone", "stage", "wave", "group", "section", "story"];
    let of_group = group.iter().any(|noun| lower.contains(&format!("this {noun}")) || lower.contains(&format!("this {noun}'s")));
    of_group && lower.contains("parallel") && independence::says_parallel(&lower) && !references::names_steps(&lower)
}

/// Whether steps may run at once only on a condition that names no step: "phases 1 and 3 in parallel once the types are there".
fn has_open_condition(pieces: &[Piece]) -> bool {
    pieces.split(|piece| *piece == Piece::Stop).any(|sentence| {
        let Some(last) = sentence.iter().rposition(|piece| *piece == Piece::Needs) else { return false };
        let names = |piece: &Piece| matches!(piece, Piece::Name(..) | Piece::Range(..) | Piece::All(_) | Piece::Nothing);
        sentence[..last].contains(&Piece::Beside) && !sentence[last..].iter().any(names)
    })
}

/// What forbids to run steps at once, or says that they run one by one.
static ONE_BY_ONE: List = List::new(
    "never be done in parallel, never be run in parallel, never in parallel, not be done in parallel, not be run in parallel, not in parallel, \
     cannot be parallelized, can't be parallelized, do not parallelize, don't parallelize, not parallelizable, no parallel execution, one after the other, \
     one after another, strictly sequential, strictly in order, strictly in sequence, in strict order, in strict sequence, in the exact order, \
     must be done sequentially, must be executed sequentially, must be completed sequentially, must be implemented sequentially, \
     must be done in order, must be executed in order, must be completed in order, must be implemented in order, are strictly ordered, \
     tasks are sequential, phases are sequential, steps are sequential, one at a time",
);

/// Whether a sentence says of all steps of the document or of its section that they run one by one.
fn says_in_order(text: &str) -> bool {
    let lower = text.to_lowercase();
    let of_steps = || {
        let verbs = ["execute", "implement", "complete", "proceed", "work", "done", "do", "these", "they", "follow", "build", "run"];
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| label::noun(word).is_some() || verbs.contains(&word))
    };
    ONE_BY_ONE.iter().any(|phrase| lower.contains(phrase)) && of_steps() && !references::names_steps(&lower)
}

fn has_arrow(text: &str) -> bool {
    text.contains('→') || text.contains("->") || text.contains("=>")
}

/// Words without which a line says nothing about order.
static ORDERS: LazyLock<Phrases> = LazyLock::new(|| {
    let words = [
        "depend",
        "require",
        "need",
        "after",
        "block",
        "wait",
        "build",
        "relies",
        "once ",
        "follow",
        "prerequisite",
        "before",
        "preced",
        "enables",
        "prior",
        "parallel",
        "concurren",
        "simultan",
        "independent",
        "alongside",
        "same time",
        "then ",
        "until",
        "sequen",
        "in order",
        "strict",
        "one at a time",
        "依赖",
        "依存",
        "取决于",
        "并行",
        "並行",
    ];
    Phrases::new(words.map(|word| (word, 1)))
});

/// Whether a line may say something about order.
fn may_order(text: &str) -> bool {
    has_arrow(text) || ORDERS.in_text(text) != 0
}

/// "**Dependencies:** …", "Depends on: …", "Blocked by …".
fn is_field(text: &str) -> bool {
    let lower = text.trim_start_matches(['*', '_', ' ', '-', '"']).to_lowercase();
    let name = lower.split(':').next().filter(|name| name.len() < lower.len()).map(|name| name.trim_end_matches(['*', '_', ' ', '"']));
    name.is_some_and(references::is_field_name) || lower.starts_with("depends on ") || lower.starts_with("blocked by ")
}

/// What a line of a step says of order: all of a field, else what stands in its last brackets, if these speak of order.
fn bracketed(text: &str, field: bool) -> &str {
    if field {
        return text;
    }
    let inside = |at: usize| {
        let close = text[at..].find([')', ']']).map_or(text.len(), |length| at + length);
        &text[at..close]
    };
    let opens = text.match_indices(['(', '[']).map(|(at, _)| inside(at));
    opens.filter(|inside| may_order(inside)).fold("", |_, last| last)
}
