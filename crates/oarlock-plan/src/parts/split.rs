//! The splitter: from a task document to a plan. It puts together what the other modules find, judges whether running
//! parts at once is worth it, and says why when it is not.

use std::collections::BTreeMap;

use crate::PlanError;
use crate::order::depend::Order;
pub(crate) use crate::order::depend::STATED_CONFIDENCE;
use crate::order::schedule;
use crate::parts::group::{self, Cut};
use crate::parts::grouping::Grouping;
use crate::parts::interpretation::{Interpretation, SUBTASKS_DEFAULT_MAX};
use crate::parts::lost;
use crate::parts::options::Options;
use crate::plan::{Advice, Plan, Step, Subtask};
use crate::read::document::{Document, Kind};
use crate::read::draft::{Draft, Origin, STEPS_MAX};
use crate::read::format::{self, Format};
use crate::read::prose;
use crate::read::sections::Section;
use crate::rule;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::text::is_placeholder;
use crate::text::titles::Role;

/// Work that takes no longer is not worth a second agent.
const SMALL_MINUTES_MAX: u64 = 15;
/// Running parts at once must be expected to save at least this share of the time, in percent: the mean of the time that is saved if all orders hold,
/// and of the time that is saved if only the certain ones do. Orders are kept where nothing shows that they are not needed, so that the true saving,
/// which should be about three tenths, is between the two.
const GAIN_PERCENT_MIN: u64 = 22;
/// And no less than this share, in percent, if all of them hold.
const GAIN_PERCENT_FLOOR: u64 = 5;
/// Orders that are as sure as this are certain.
const CERTAIN_CONFIDENCE: f64 = 0.75;
/// A plan that somebody else made must save more than this share of the time, in percent.
const GAIN_PERCENT_GIVEN: u64 = 20;
/// Numbers of agents that are tried for the advice.
const ADVICE_AGENTS_MAX: usize = 8;
/// A longer plan gets no advice: each number of agents costs a cut.
const ADVICE_STEPS_MAX: usize = 400;
/// Longest title of a part, in characters.
const TITLE_CHARS_MAX: usize = 120;
/// The plan of a document that was read.
pub(crate) fn of(document: &str, read: &Document<'_>, sections: &[Section], options: &Options) -> Result<Plan, PlanError> {
    check_text(document)?;
    let (format, outline) = format::read(read);
    let manner = outline.as_ref().map(|outline| outline.manner);
    let (drafts, origin) = match outline {
        Some(outline) if outline.drafts.len() > STEPS_MAX => return Err(PlanError::TooManySteps { limit: STEPS_MAX }),
        Some(outline) => (outline.drafts, Origin::Plan),
        None => prose::find(read, sections)?,
    };
    let mut drafts = drafts;
    drafts.iter_mut().for_each(|draft| draft.look_for_headings(read));
    let found = drafts.len();
    let drafts: Vec<Draft> = drafts.into_iter().filter(|d| !is_placeholder(&d.title)).collect();
    let blanks = found - drafts.len();
    let mut drafts = drafts;
    // What stands below todos of front matter explains them.
    let is_front_matter = drafts.first().is_some_and(|draft| read.lines[draft.line].kind == Kind::Meta);
    let mut lost = (origin == Origin::Plan && found > 0 && !is_front_matter).then(|| lost::find(read, sections, &drafts));
    if let Some(lost) = lost.as_mut().filter(|lost| rule::is_on(rule::REST) && drafts.len() + lost.items.len() <= STEPS_MAX) {
        lost::add(read, &std::mem::take(&mut lost.items), &mut drafts);
    }
    let (lost, lost_items) = lost.map_or((0, Vec::new()), |lost| (lost.count(), lost.warnings(read)));
    let (drafts, done) = without_done(read, drafts);
    let interpretation = Interpretation::best(read, sections, &drafts, manner, options);
    let Interpretation { infos, order, minutes, cut, stated } = &interpretation;
    let mut plan = Plan { task: options.task.clone(), format: format.name().to_owned(), planner: "rules".to_owned(), ..Plan::default() };
    plan.steps = infos.steps.iter().enumerate().map(|(s, info)| step(s, info, infos)).collect();
    plan.edges = order.edges.clone();
    plan.conflicts = order.conflicts.clone();
    plan.warnings = warnings(infos, order, origin, blanks);
    if done > 0 {
        let (steps, are) = if done == 1 { ("step", "is") } else { ("steps", "are") };
        plan.warnings.push(format!("{done} {steps} {are} ticked as done and left out"));
    }
    let reason = if blanks > 0 && blanks * 2 >= found {
        Some("the document is a template that is not filled in".to_owned())
    } else {
        no_work(infos, document)
    };
    let serial = minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    plan.warnings.extend(lost_items);
    let reason = reason.or_else(|| {
        let (items, are) = if lost == 1 { ("item", "is") } else { ("items", "are") };
        (lost > 0).then(|| format!("{lost} {items} of the work {are} in no step; see the warnings for their lines"))
    });
    let reason = reason.or_else(|| options.floor?.refuses(document, small_steps(read, infos), serial));
    let reason = reason.or_else(|| {
        let why = not_worth(cut, minutes, options.agents, *stated, infos, order)?;
        Some(if options.grouping == Grouping::Auto {
            why
        } else {
            format!("put together by {}, it gains too little: {why}", options.grouping)
        })
    });
    let reason = reason.or_else(|| if manner.is_none() || format == Format::Plain { without_evidence(infos, order) } else { None });
    plan.parallelizable = reason.is_none();
    if reason.is_some() {
        put_parts(&mut plan, &group::whole(infos.steps.len()), minutes, options);
    } else {
        put_parts(&mut plan, cut, minutes, options);
    }
    let by_files = order.causes.files > order.causes.shown;
    let cut = |agents: usize| Interpretation::cut(infos, order, minutes, &Options { agents, ..options.clone() });
    plan.advice = advice_of(cut, by_files, minutes, plan.parallelizable);
    plan.reason = reason;
    Ok(plan)
}

/// How many agents are worth it for steps that are put together automatically. `by_files` tells that steps wait for one another because of their
/// files more than for other reasons.
pub(crate) fn advice(needs: &[Vec<usize>], by_files: bool, minutes: &[u64], is_split: bool, options: &Options) -> Option<Advice> {
    let most = options.subtasks_max.unwrap_or(SUBTASKS_DEFAULT_MAX);
    advice_of(|agents| group::cut(needs, minutes, agents, most), by_files, minutes, is_split)
}

/// The same of steps that `cut` puts together: each number of agents is tried, as long as the plan is small enough for that.
fn advice_of(cut: impl Fn(usize) -> Cut, by_files: bool, minutes: &[u64], is_split: bool) -> Option<Advice> {
    if minutes.is_empty() || minutes.len() > ADVICE_STEPS_MAX {
        return None;
    }
    let serial = minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    let span = |agents: usize| {
        if !is_split {
            return serial;
        }
        let cut = cut(agents);
        let topological = schedule::topological(&cut.needs).expect("a cut has no cycle");
        schedule::makespan(&cut.minutes(minutes), &cut.needs, &topological, agents)
    };
    let makespan_minutes: BTreeMap<usize, u64> = (1..=ADVICE_AGENTS_MAX).map(|agents| (agents, span(agents))).collect();
    let best = makespan_minutes.values().min().copied().unwrap_or(serial);
    let near = |span: &u64| span.saturating_mul(100) <= best.saturating_mul(105);
    let agents = makespan_minutes.iter().find(|(_, span)| near(span)).map_or(1, |(agents, _)| *agents);
    let reason = (is_split && agents < ADVICE_AGENTS_MAX).then(|| {
        let why = if by_files {
            "steps that write the same files wait for one another"
        } else {
            "the longest chain of steps that wait for one another takes that long"
        };
        format!("{agents} agents need {} minutes and {ADVICE_AGENTS_MAX} agents {best}: {why}", makespan_minutes[&agents])
    });
    Some(Advice { agents, makespan_minutes, reason })
}

/// The steps that are still to be done, and how many are ticked; all of them when every one is.
fn without_done(document: &Document<'_>, mut drafts: Vec<Draft>) -> (Vec<Draft>, usize) {
    for draft in &mut drafts {
        if draft.is_done(document) {
            draft.tick = Some(true);
        }
    }
    let done = drafts.iter().filter(|draft| draft.tick == Some(true)).count();
    if done == 0 || done == drafts.len() {
        return (drafts, 0);
    }
    (drafts.into_iter().filter(|draft| draft.tick != Some(true)).collect(), done)
}

/// Refuses what no text has. The size is checked where the document is read.
fn check_text(document: &str) -> Result<(), PlanError> {
    let Some(at) = document.find('\0') else {
        return Ok(());
    };
    let before = &document.as_bytes()[..at];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    Err(PlanError::NulCharacter { line })
}

fn step(index: usize, info: &StepInfo, infos: &StepInfos) -> Step {
    Step {
        n: index + 1,
        title: info.draft.title.clone(),
        line: info.draft.line + 1,
        end: info.draft.last + 1,
        lines: vec![[info.draft.line + 1, info.draft.last + 1]],
        writes: info.files.writes.iter().map(|id| infos.table.pattern(*id).as_str().to_owned()).collect(),
        estimate_minutes: info.minutes,
        phase: info.draft.phase.clone(),
    }
}

/// The steps of a document, each counted as the items that it lists, if it lists any: a component of four items is four steps of work.
fn small_steps(read: &Document<'_>, infos: &StepInfos) -> usize {
    let count = |draft: &Draft| {
        let items = || (draft.line + 1..=draft.last).map(|i| read.lines[i]).filter(|line| matches!(line.kind, Kind::Item(_)));
        let outer = items().map(|line| line.indent).min();
        items().filter(|line| Some(line.indent) == outer).count().max(1)
    };
    infos.steps.iter().map(|info| count(&info.draft)).sum()
}

/// Why there is nothing to split, before any order is looked at.
fn no_work(infos: &StepInfos, document: &str) -> Option<String> {
    let steps = &infos.steps;
    if document.trim().is_empty() {
        return Some("the document is empty".to_owned());
    }
    if steps.is_empty() {
        return Some("no steps were found: write them as a numbered list, check boxes or headings such as \"Phase 1: …\"".to_owned());
    }
    if steps.len() == 1 {
        return Some("there is only one step".to_owned());
    }
    steps.iter().all(|s| s.draft.tick == Some(true)).then(|| "every step is ticked as done".to_owned())
}

/// Why a cut is not worth making, or nothing.
///
/// `stated` are the minutes that the document gives for all of it, more than any when it only gives some for its steps, and nothing
/// when it gives none.
fn not_worth(cut: &Cut, minutes: &[u64], agents: usize, stated: Option<u64>, infos: &StepInfos, order: &Order) -> Option<String> {
    let serial = minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    if agents == 1 {
        return Some("one agent works on one thing at a time".to_owned());
    }
    if is_chain(cut) {
        return Some(in_order(infos, order));
    }
    if !rule::is_on(rule::WORTH) {
        return None;
    }
    if let Some(all) = stated.map(|stated| stated.min(serial)).filter(|all| *all <= SMALL_MINUTES_MAX) {
        return Some(format!("all of it is about {all} minutes of work, less than handing it out would save"));
    }
    saves_too_little(cut, minutes, agents, order)
}

/// Why a document of no format is not split: where most of its steps name no files, and nothing in it says which of them are independent, that two of
/// them share no word shows nothing.
fn without_evidence(infos: &StepInfos, order: &Order) -> Option<String> {
    let makes = |info: &&StepInfo| matches!(info.role, Role::Foundation | Role::Build | Role::Integrate | Role::Document | Role::Finish);
    let work: Vec<&StepInfo> = infos.steps.iter().filter(makes).collect();
    let known = work.iter().filter(|info| info.is_known() || info.looks_at_something()).count();
    let is_stated = order.states_independence || order.edges.iter().any(|edge| edge.confidence >= STATED_CONFIDENCE);
    let is_work = work.len() * 2 > infos.steps.len();
    (rule::is_on(rule::EVIDENCE) && is_work && !is_stated && known * 2 < work.len()).then(|| {
        format!("only {known} of {} steps that make something name their files, and nothing says that they are independent", work.len())
    })
}

/// Whether each part waits for all before it.
fn is_chain(cut: &Cut) -> bool {
    let topological = schedule::topological(&cut.needs).expect("a cut has no cycle");
    schedule::waves(&cut.needs, &topological).iter().max().is_none_or(|last| last + 1 == cut.parts.len())
}

/// The same of a plan that somebody else made: by its order and its minutes alone. Rules see orders where there are none, so little that they
/// find free is much; the orders of such a plan are complete, and a step or two beside a long chain are not worth a second agent.
pub(crate) fn gains_too_little(cut: &Cut, minutes: &[u64], agents: usize) -> Option<String> {
    if is_chain(cut) {
        return Some("each step needs the one before it".to_owned());
    }
    let serial = minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    let topological = schedule::topological(&cut.needs).expect("a cut has no cycle");
    let saved = serial.saturating_sub(schedule::makespan(&cut.minutes(minutes), &cut.needs, &topological, agents));
    (saved.saturating_mul(100) <= serial.saturating_mul(GAIN_PERCENT_GIVEN)).then(|| saves_only(saved, serial))
}

/// How little time a cut saves, if it is too little. Where minutes are assumed, steps counted alike may show more.
fn saves_too_little(cut: &Cut, minutes: &[u64], agents: usize, order: &Order) -> Option<String> {
    let mut certain = vec![Vec::new(); minutes.len()];
    for edge in order.edges.iter().filter(|edge| edge.confidence >= CERTAIN_CONFIDENCE) {
        certain[edge.to - 1].push(edge.from - 1);
    }
    let of_parts = schedule::topological(&cut.needs).expect("a cut has no cycle");
    let of_steps = schedule::topological(&certain).expect("some of the orders of a plan have no cycle");
    let sum = |minutes: &[u64]| minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    let saved = |minutes: &[u64]| sum(minutes).saturating_sub(schedule::makespan(&cut.minutes(minutes), &cut.needs, &of_parts, agents));
    let at_most = |minutes: &[u64]| sum(minutes).saturating_sub(schedule::makespan(minutes, &certain, &of_steps, agents));
    let gains = |saved: u64, minutes: &[u64], percent: u64| saved.saturating_mul(100) >= sum(minutes).saturating_mul(percent);
    let is_expected = |minutes: &[u64]| gains(saved(minutes).saturating_add(at_most(minutes)) / 2, minutes, GAIN_PERCENT_MIN);
    let is_enough = gains(saved(minutes), minutes, GAIN_PERCENT_FLOOR) && (is_expected(minutes) || is_expected(&vec![1; minutes.len()]));
    (!is_enough).then(|| saves_only(saved(minutes), sum(minutes)))
}

fn saves_only(saved: u64, serial: u64) -> String {
    format!("running parts at once would save only {saved} of {serial} minutes: most steps wait for one another")
}

/// Why no two steps can run at once.
fn in_order(infos: &StepInfos, order: &Order) -> String {
    let causes = &order.causes;
    let unknown = unknown_writers(infos);
    if causes.unknown >= causes.files.max(causes.shown) && !unknown.is_empty() {
        return format!(
            "no two steps are shown to be independent: {} {} no files to write",
            steps_text(&unknown),
            if unknown.len() == 1 { "names" } else { "name" }
        );
    }
    if causes.files > causes.shown {
        let paths: Vec<&str> = order.conflicts.iter().map(|c| c.path.as_str()).take(1).collect();
        return match paths.first() {
            Some(path) => format!("the steps work on the same files, such as {path}"),
            None => "the steps work on each other's files".to_owned(),
        };
    }
    "each step needs the one before it".to_owned()
}

fn unknown_writers(infos: &StepInfos) -> Vec<usize> {
    let silent = |f: &StepInfo| !f.is_known() && !f.looks_at_something();
    (0..infos.steps.len()).filter(|s| silent(&infos.steps[*s])).collect()
}

fn steps_text(steps: &[usize]) -> String {
    let shown: Vec<String> = steps.iter().take(12).map(|s| (s + 1).to_string()).collect();
    let more = if steps.len() > shown.len() { format!(" and {} more", steps.len() - shown.len()) } else { String::new() };
    format!("{} {}{more}", if steps.len() == 1 { "step" } else { "steps" }, shown.join(", "))
}

fn warnings(infos: &StepInfos, order: &Order, origin: Origin, blanks: usize) -> Vec<String> {
    let mut out = Vec::new();
    if origin == Origin::Criteria {
        out.push("the document has no plan; its acceptance criteria are taken for steps".to_owned());
    }
    if origin == Origin::Files {
        out.push("the document has no plan; its files to change are taken for steps".to_owned());
    }
    if blanks > 0 {
        out.push(format!("{blanks} steps are blanks of a template and are left out"));
    }
    let unknown = unknown_writers(infos);
    if !unknown.is_empty() {
        out.push(format!("the files that these write are not known: {}", steps_text(&unknown)));
    }
    if !infos.unclaimed.is_empty() && !infos.steps.is_empty() {
        let shown: Vec<&str> = infos.unclaimed.iter().map(String::as_str).take(8).collect();
        out.push(format!("listed files that no step names: {}", shown.join(", ")));
    }
    if infos.table.full {
        out.push("the document names more files than are compared; the steps that name the rest stay in order".to_owned());
    }
    out.extend(order.warnings.iter().cloned());
    out
}

/// Puts the parts, their waves and their times into the plan.
pub(crate) fn put_parts(plan: &mut Plan, cut: &Cut, minutes: &[u64], options: &Options) {
    plan.serial_minutes = minutes.iter().fold(0, |a, b| a.saturating_add(*b));
    if plan.steps.is_empty() {
        return;
    }
    let order = schedule::topological(&cut.needs).expect("a cut has no cycle");
    let part_minutes = cut.minutes(minutes);
    plan.makespan_minutes = schedule::makespan(&part_minutes, &cut.needs, &order, options.agents);
    let ids: Vec<String> = (1..=cut.parts.len()).map(|n| format!("{}-SUB{n}", options.task)).collect();
    for (part, steps) in cut.parts.iter().enumerate() {
        let mut writes: Vec<String> = steps.iter().flat_map(|s| plan.steps[*s].writes.iter().cloned()).collect();
        writes.sort_unstable();
        writes.dedup();
        plan.subtasks.push(Subtask {
            id: ids[part].clone(),
            title: title(&plan.steps, steps),
            steps: steps.iter().map(|s| s + 1).collect(),
            depends_on: cut.needs[part].iter().map(|p| ids[*p].clone()).collect(),
            writes,
            capabilities: Vec::new(),
            estimate_minutes: Some(part_minutes[part]),
            assigned: None,
        });
    }
    plan.waves = schedule::waves_of_ids(&ids, &cut.needs, &order);
}

/// The title of a part: those of its steps, as far as they fit.
fn title(all: &[Step], steps: &[usize]) -> String {
    let mut out = String::new();
    for (k, step) in steps.iter().enumerate() {
        let next = if all[*step].title.is_empty() { format!("Step {}", step + 1) } else { all[*step].title.clone() };
        if k > 0 && out.chars().count() + next.chars().count() > TITLE_CHARS_MAX {
            out.push_str(&format!(" and {} more", steps.len() - k));
            break;
        }
        if k > 0 {
            out.push_str("; ");
        }
        out.push_str(&next);
    }
    out
}
