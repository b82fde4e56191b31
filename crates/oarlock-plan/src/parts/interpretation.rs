//! One reading of a document: what its steps are, how they are ordered, and how they fall into parts. A phase can be read as one
//! step or as its parts; the reading that lets more run at once counts, and of equals the coarser one.

use std::collections::HashSet;

use crate::order::bits::Bits;
use crate::order::depend::{self, Order};
use crate::order::schedule;
use crate::order::spoken;
use crate::order::stated_order::Outside;
use crate::parts::group::{self, Cut};
use crate::parts::grouping;
use crate::parts::options::Options;
use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, STEPS_MAX};
use crate::read::format::Manner;
use crate::read::name;
use crate::read::sections::{self, Section};
use crate::rule;
use crate::step_info::gather::{self, StepInfo, StepInfos};
use crate::step_info::independence;
use crate::step_info::references::Target;
use crate::step_info::tables;
use crate::text::clip;
use crate::text::titles::Role;
use crate::text::words;

/// Minutes of work that makes something, when nothing is stated.
pub const MINUTES_DEFAULT: u64 = 30;
/// Minutes of a step that looks, decides, checks or hands over, when nothing is stated.
const SIDE_MINUTES_DEFAULT: u64 = 15;
/// Statements such as "steps 2-4 are independent" that are taken.
const SIDE_BY_SIDE_MAX: usize = 50;

/// Most parts when nothing else is asked for.
pub(crate) const SUBTASKS_DEFAULT_MAX: usize = 99;

/// What a document says when its phases are read in one way.
pub(crate) struct Interpretation {
    /// The steps.
    pub(crate) infos: StepInfos,
    /// Their order.
    pub(crate) order: Order,
    /// Minutes of each.
    pub(crate) minutes: Vec<u64>,
    /// The parts.
    pub(crate) cut: Cut,
    /// Minutes that the document gives for all of it; more than any when it gives some for its steps only, nothing when it gives none.
    pub(crate) stated: Option<u64>,
}

impl Interpretation {
    /// The reading of `drafts` that lets most run at once; `manner` is how their format binds them, where it says what the steps are.
    pub(crate) fn best(document: &Document<'_>, sections: &[Section], drafts: &[Draft], manner: Option<Manner>, options: &Options) -> Self {
        let fine = Self::of(document, sections, drafts, &HashSet::new(), manner, options);
        let chained = fine.chained_phases();
        if chained.is_empty() || !rule::is_on(rule::CHAINS) {
            return fine;
        }
        let coarse = Self::of(document, sections, drafts, &chained, manner, options);
        let is_better = coarse.share(options.agents) <= fine.share(options.agents) && coarse.keeps(&fine);
        if is_better { coarse } else { fine }
    }

    /// Whether every order that a finer reading takes from what the steps say or write holds here too: a word in an item may show what the
    /// title of its phase does not.
    fn keeps(&self, fine: &Self) -> bool {
        let above = self.above();
        let at = |step: &StepInfo| self.infos.steps.iter().position(|own| (own.draft.line..=own.draft.last).contains(&step.draft.line));
        let place: Vec<Option<usize>> = fine.infos.steps.iter().map(at).collect();
        fine.order.by_content.iter().map(|(from, to)| (place[*from], place[*to])).all(|ends| match ends {
            (Some(one), Some(two)) => one == two || above[two].has(one),
            _ => true,
        })
    }

    /// For each step all that it waits for.
    fn above(&self) -> Vec<Bits> {
        let topological = schedule::topological(&self.order.needs).expect("an order has no cycle");
        schedule::ancestors(&self.order.needs, &topological)
    }

    fn of(
        document: &Document<'_>,
        sections: &[Section],
        drafts: &[Draft],
        whole: &HashSet<usize>,
        manner: Option<Manner>,
        options: &Options,
    ) -> Self {
        let title = name::title_of(document);
        let infos = gather::infos(document, sections, drafts.to_vec(), whole, title.as_deref(), manner.is_some());
        let done = done(document);
        let rows = tables::rows(document);
        let outside = Outside {
            done: &done,
            rows: &rows,
            side_by_side: &side_by_side(document, &infos),
            spoken: spoken::read(document, &infos.steps, &rows),
        };
        let in_prose = || if is_ordered(document, &infos.steps) { Manner::Chain } else { Manner::Content };
        let order = depend::order(&infos, outside, manner.unwrap_or_else(in_prose));
        let total = sections::total_minutes(document);
        let minutes = minutes(&infos.steps, total);
        let estimated = total.is_some() || infos.steps.iter().any(|s| s.minutes.is_some());
        let cut = Self::cut(&infos, &order, &minutes, options);
        Self { infos, order, minutes, cut, stated: estimated.then(|| total.unwrap_or(u64::MAX)) }
    }

    /// The parts of steps in this order, as they are asked for.
    pub(crate) fn cut(infos: &StepInfos, order: &Order, minutes: &[u64], options: &Options) -> Cut {
        let most = options.subtasks_max.unwrap_or(SUBTASKS_DEFAULT_MAX);
        match grouping::parts(infos, &order.needs, options.grouping) {
            Some(parts) => group::cut_as(parts, &order.needs, minutes, options.agents, most),
            None => group::cut(&order.needs, minutes, options.agents, most),
        }
    }

    /// Phases that were taken apart for nothing: each of their parts waits for another of them.
    fn chained_phases(&self) -> HashSet<usize> {
        let steps = &self.infos.steps;
        let phases: HashSet<usize> = steps.iter().filter_map(|step| step.taken_from).collect();
        if phases.is_empty() {
            return phases;
        }
        let above = self.above();
        let of_phase = |phase: usize| (0..steps.len()).filter(move |s| steps[*s].taken_from == Some(phase)).collect::<Vec<_>>();
        let is_chain = |members: &[usize]| {
            members.iter().enumerate().all(|(k, a)| members[k + 1..].iter().all(|b| above[*a].has(*b) || above[*b].has(*a)))
        };
        phases.into_iter().filter(|phase| is_chain(&of_phase(*phase))).collect()
    }

    /// The time that the work takes with so many agents, in parts of ten thousand of the time it takes alone.
    fn share(&self, agents: usize) -> u64 {
        let serial = self.minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b)).max(1);
        let order = schedule::topological(&self.cut.needs).expect("a cut has no cycle");
        let span = schedule::makespan(&self.cut.minutes(&self.minutes), &self.cut.needs, &order, agents);
        span.saturating_mul(10_000) / serial
    }
}

/// The numbers and codes of the boxes that are ticked.
fn done(document: &Document<'_>) -> HashSet<String> {
    let ticked = (0..document.lines.len()).filter(|line| document.lines[*line].tick == Some(true));
    let name = |line: usize| {
        let text = clip(document.text(line)).trim_start_matches(['*', '`', '#', ' ']);
        let word = text.split_whitespace().next().unwrap_or("");
        word.trim_end_matches([':', '.', ')', '*', '`']).to_lowercase()
    };
    ticked.map(name).filter(|name| name.len() <= 16 && name.contains(|c: char| c.is_ascii_digit())).take(STEPS_MAX).collect()
}

/// Whether the steps are the numbered items of a section that is called an order: "Implementation order", "Execution sequence".
fn is_ordered(document: &Document<'_>, steps: &[StepInfo]) -> bool {
    let Some((first, last)) = steps.first().zip(steps.last()) else { return false };
    let above = document.headings.partition_point(|heading| heading.line < first.draft.line).checked_sub(1);
    let Some(heading) = above.map(|at| &document.headings[at]).filter(|heading| last.draft.line < heading.end) else { return false };
    let says_order = words::each_token(clip(document.text(heading.line))).any(|word| ["order", "sequence"].contains(&&*word));
    let is_numbered = |step: &StepInfo| matches!(document.lines[step.draft.line].kind, Kind::Item(Some(_)));
    says_order && steps.iter().all(is_numbered)
}

/// Statements about groups of steps that stand outside the steps themselves, or in them.
fn side_by_side(document: &Document<'_>, infos: &StepInfos) -> Vec<Vec<Target>> {
    if infos.steps.is_empty() {
        return Vec::new();
    }
    let prose = |i: &usize| matches!(document.lines[*i].kind, Kind::Text | Kind::Item(_));
    // What a step says of its own pieces is not said of the steps.
    let mut inside = vec![false; document.lines.len()];
    infos.steps.iter().for_each(|step| inside[step.draft.line..=step.draft.last].fill(true));
    (0..document.lines.len())
        .filter(|i| document.lines[*i].marks.beside() && prose(i))
        .map(|i| (i, clip(document.text(i))))
        .filter(|(_, text)| {
            ["arallel", "ndependent", "oncurrent", "imultaneous", "any order", "separately"].iter().any(|w| text.contains(w))
        })
        .map(|(i, text)| (i, independence::side_by_side(text)))
        .filter(|(i, targets)| !(targets.is_empty() || inside[*i] && targets[0] == Target::All))
        .map(|(_, targets)| targets)
        .take(SIDE_BY_SIDE_MAX)
        .collect()
}

/// Minutes of each step: its own, its share of its phase, its share of the whole, or the default.
fn minutes(steps: &[StepInfo], total: Option<u64>) -> Vec<u64> {
    let own: Vec<Option<u64>> = steps.iter().map(|s| s.minutes.or(s.share)).collect();
    let known: u64 = own.iter().flatten().fold(0, |a, b| a.saturating_add(*b));
    let unknown = u64::try_from(own.iter().filter(|m| m.is_none()).count()).unwrap_or(1);
    let counted = u64::try_from(steps.len()).unwrap_or(1) - unknown;
    let rest = total.and_then(|t| t.checked_sub(known)).filter(|rest| *rest > 0 && unknown > 0).map(|rest| (rest / unknown).max(1));
    let usual = (counted > 0).then(|| (known / counted.max(1)).max(1));
    let assumed = |s: &StepInfo| match s.role {
        Role::Inspect if !s.draft.looks => SIDE_MINUTES_DEFAULT,
        Role::Design | Role::Verify | Role::Finish => SIDE_MINUTES_DEFAULT,
        _ => MINUTES_DEFAULT,
    };
    own.into_iter().zip(steps).map(|(m, s)| m.or(rest).or(usual).unwrap_or_else(|| assumed(s))).collect()
}
