//! Forty-eight plans of many kinds, labelled by a reader before the splitter saw them: whether each can be split, which steps wait for which,
//! and which share a file. The test holds what was reached; `cargo nextest run -p oarlock-plan plans --no-capture` prints it by kinds of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use oarlock_plan::{Options, Plan, split};
use serde::Deserialize;

#[derive(Deserialize)]
struct Labels {
    tasks: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    file: String,
    parallelizable: bool,
    steps: Vec<LabelStep>,
    depends: Vec<(usize, usize)>,
    same_file: Vec<(usize, usize)>,
    #[serde(default)]
    kinds: Vec<String>,
}

#[derive(Deserialize)]
struct LabelStep {
    n: usize,
    lines: Vec<(usize, usize)>,
}

/// What became of one document.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    documents: usize,
    true_splits: usize,
    false_splits: usize,
    missed_splits: usize,
    sound_splits: usize,
    kept: usize,
    depends: usize,
    /// Percent of the time that sound splits save, over the documents that can be split.
    saved: usize,
}

impl Score {
    fn add(&mut self, other: Score) {
        self.documents += other.documents;
        self.true_splits += other.true_splits;
        self.false_splits += other.false_splits;
        self.missed_splits += other.missed_splits;
        self.sound_splits += other.sound_splits;
        self.kept += other.kept;
        self.depends += other.depends;
        self.saved += other.saved;
    }

    fn precision(&self) -> f64 {
        share(self.true_splits, self.true_splits + self.false_splits)
    }

    fn recall(&self) -> f64 {
        share(self.true_splits, self.true_splits + self.missed_splits)
    }

    fn f1(&self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// The labelled documents of the project, and of the folder that `OARLOCK_LABELLED` names, if it does.
#[cfg(feature = "leave-out")]
fn all_labelled() -> Vec<(Label, String)> {
    let mut all = labelled();
    if let Some(dir) = std::env::var_os("OARLOCK_LABELLED").map(std::path::PathBuf::from) {
        let read = |name: &str| fs::read_to_string(dir.join(name)).expect("a labelled document");
        let labels: Labels = serde_json::from_str(&read("labels.json")).expect("labels");
        all.extend(labels.tasks.into_iter().map(|label| (read(&label.file), label)).map(|(text, label)| (label, text)));
    }
    all
}

fn labelled() -> Vec<(Label, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plans");
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect("a fixture");
    let labels = ["labels-a.json", "labels-b.json"].map(|name| serde_json::from_str::<Labels>(&read(name)).expect("labels"));
    labels.into_iter().flat_map(|labels| labels.tasks).map(|label| (read(&label.file), label)).map(|(text, label)| (label, text)).collect()
}

/// The parts in which each labelled step is: a step of the plan covers those that begin in it, and lies in those that it is a piece of.
fn places(label: &Label, plan: &Plan) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut places: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (part, subtask) in plan.subtasks.iter().enumerate() {
        for step in subtask.steps.iter().map(|n| &plan.steps[n - 1]) {
            let meets = |(from, to): &(usize, usize)| (step.line..=step.end).contains(from) || (*from..=*to).contains(&step.line);
            for labelled in label.steps.iter().filter(|labelled| labelled.lines.iter().any(meets)) {
                places.entry(labelled.n).or_default().insert(part);
            }
        }
    }
    places
}

/// For each part all that it waits for.
fn before(plan: &Plan) -> Vec<BTreeSet<usize>> {
    let at = |id: &String| plan.subtasks.iter().position(|part| part.id == *id).expect("a part of the plan");
    let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); plan.subtasks.len()];
    // As many rounds as there are parts reach everything.
    for _ in 0..plan.subtasks.len() {
        for part in 0..plan.subtasks.len() {
            let needs: Vec<usize> = plan.subtasks[part].depends_on.iter().map(at).collect();
            let more: BTreeSet<usize> = needs.iter().flat_map(|need| before[*need].iter().copied().chain([*need])).collect();
            before[part].extend(more);
        }
    }
    before
}

fn score(label: &Label, text: &str) -> Score {
    let plan = split(text, &Options::new("T-1")).expect("a document");
    let (places, before) = (places(label, &plan), before(&plan));
    let none = BTreeSet::new();
    let of = |n: usize| places.get(&n).unwrap_or(&none);
    let kept = |one: usize, two: usize, either_way: bool| {
        let pairs = of(one).iter().flat_map(|a| of(two).iter().map(move |b| (*a, *b)));
        let mut pairs = pairs.peekable();
        pairs.peek().is_some() && pairs.all(|(a, b)| a == b || before[b].contains(&a) || either_way && before[a].contains(&b))
    };
    let kept_depends = label.depends.iter().filter(|(one, two)| kept(*one, *two, false)).count();
    let is_sound = kept_depends == label.depends.len() && label.same_file.iter().all(|(one, two)| kept(*one, *two, true));
    Score {
        documents: 1,
        true_splits: usize::from(plan.parallelizable && label.parallelizable),
        false_splits: usize::from(plan.parallelizable && !label.parallelizable),
        missed_splits: usize::from(!plan.parallelizable && label.parallelizable),
        sound_splits: usize::from(plan.parallelizable && is_sound),
        kept: kept_depends,
        depends: label.depends.len(),
        saved: if plan.parallelizable && label.parallelizable && is_sound {
            let gain = plan.serial_minutes.saturating_sub(plan.makespan_minutes) * 100 / plan.serial_minutes.max(1);
            usize::try_from(gain).expect("at most a hundred")
        } else {
            0
        },
    }
}

/// What each rule earns: the same documents without it.
#[cfg(feature = "leave-out")]
#[test]
fn leave_one_out() {
    use oarlock_plan::rule;
    let labelled = all_labelled();
    let total = || {
        let mut total = Score::default();
        labelled.iter().for_each(|(label, text)| total.add(score(label, text)));
        total
    };
    let line = |name: &str, score: &Score| {
        let splits = score.true_splits + score.false_splits;
        let saved = score.saved as f64 / (score.true_splits + score.missed_splits).max(1) as f64;
        format!(
            "{name:<14}{:>6.3}{:>10}{:>12.1}{:>12.1}",
            score.f1(),
            format!("{} of {splits}", score.sound_splits),
            100.0 * share(score.kept, score.depends),
            saved
        )
    };
    let whole = total();
    let mut table =
        format!("{:<14}{:>6}{:>10}{:>12}{:>12}\n{}\n", "without", "F1", "sound", "orders %", "saved %", line("nothing", &whole));
    for rule in rule::ALL {
        let _ = writeln!(table, "{}  {}", line(rule.name, &rule::without(*rule, total)), rule.what);
    }
    assert!(rule::ALL.iter().any(|rule| rule::without(*rule, total).f1() < whole.f1()), "rules matter");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), table.as_bytes());
}

#[test]
fn labelled_plans_are_split_soundly_and_not_too_shyly() {
    let (mut total, mut kinds) = (Score::default(), BTreeMap::<String, Score>::new());
    for (label, text) in labelled() {
        let score = score(&label, &text);
        total.add(score);
        label.kinds.iter().for_each(|kind| kinds.entry(kind.clone()).or_default().add(score));
    }
    let mut table = format!("{:<24}{:>6}{:>11}{:>8}{:>8}{:>14}\n", "kind", "plans", "precision", "recall", "F1", "orders kept");
    for (kind, score) in kinds.iter().map(|(kind, score)| (kind.as_str(), score)).chain([("all", &total)]) {
        let orders = format!("{} of {}", score.kept, score.depends);
        let _ = writeln!(
            table,
            "{kind:<24}{:>6}{:>11.2}{:>8.2}{:>8.2}{orders:>14}",
            score.documents,
            score.precision(),
            score.recall(),
            score.f1()
        );
    }
    let splits = total.true_splits + total.false_splits;
    let _ = writeln!(table, "split: {splits} of {}, {} of them soundly", total.documents, total.sound_splits);
    std::io::Write::write_all(&mut std::io::stderr(), table.as_bytes()).expect("writes");
    assert_eq!(total.documents, 48);
    assert!(total.f1() >= 0.85 && total.false_splits <= 1, "{table}");
    assert!(splits - total.sound_splits <= 2, "{table}");
}
