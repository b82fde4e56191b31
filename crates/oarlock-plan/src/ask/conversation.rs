//! The whole conversation with the planner of a document: a question, faults that are reported back, the attack, and in the end a plan or why there
//! is none. It runs nothing: each answer is handed in, and what comes back says what to do next.

use oarlock_model::text::escaped_line;
use serde_json::{Map, Value, json};

use crate::PlanError;
use crate::ask::answer;
use crate::ask::attack::Attack;
use crate::ask::prompt::{prompt, put_quoted};
use crate::check::given::Reader;
use crate::check::own;
use crate::check::problem::{Problem, Problems};
use crate::check::repository::{Existing, Search, check_repository};
use crate::check::validate::validate;
use crate::parts::options::Options;
use crate::plan::{Plan, Step};
use crate::read::document::Document;
use crate::task_text::split;

/// How often a plan is asked for, in all.
const TRIES_MAX: usize = 3;
/// How often the attack is asked for: once, and once more when its answer cannot be read.
const ATTACKS_MAX: usize = 2;
/// Faults that are reported back at once.
const FAULTS_MAX: usize = 40;
/// Bytes of an answer that are repeated to the planner that gave it.
const REPEATED_BYTES_MAX: usize = 64 * 1_024;
/// Faults that the reason for giving up names.
const NAMED_MAX: usize = 3;

/// Of an answer to the attack that only lists needs.
const UNSAID: &str = "the agent did not say which pairs of steps are independent; those that it did not order may run at once";

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ask this, and hand in the answer.
    Ask(String),
    /// The plan, as JSON that [`crate::validate`] takes; its needs say who said them.
    Plan(String),
    /// There is no plan by this agent; one line that says why.
    GiveUp(String),
}

/// A conversation about the plan of one document.
#[derive(Debug)]
pub struct Conversation<'a> {
    document: &'a str,
    options: Options,
    /// The plan by rules: what it found must not be passed over without a word.
    rules: Plan,
    first: String,
    tries: usize,
    asked_for_rest: bool,
    believed: Option<Believed>,
    doubt: Option<&'static str>,
}

/// A plan that is sound by itself, and waits for the answer to the attack.
#[derive(Debug)]
struct Believed {
    answer: Map<String, Value>,
    plan: Plan,
    attacks: usize,
}

impl<'a> Conversation<'a> {
    /// Begins one. `files` are lines of [`crate::file_list`], or none. The first question is [`Conversation::question`].
    ///
    /// # Errors
    /// The document cannot be planned by anybody: it is too large, for example.
    pub fn begin(document: &'a str, options: &Options, files: &[String]) -> Result<Self, PlanError> {
        // What is worth splitting is judged from the answer; a floor would end it here.
        let rules = split(document, &Options { floor: None, ..options.clone() })?;
        let first = prompt(document, &rules.format, files);
        Ok(Self { document, options: options.clone(), rules, first, tries: 0, asked_for_rest: false, believed: None, doubt: None })
    }

    /// The first question.
    #[must_use]
    pub fn question(&self) -> &str {
        &self.first
    }

    /// What people should know of a plan that was answered, if anything.
    #[must_use]
    pub fn doubt(&self) -> Option<&'static str> {
        self.doubt
    }

    /// Takes the answer to the last question: all that was printed. `look` says what the repository has for the files of a plan; nothing where
    /// there is no repository.
    pub fn answer(&mut self, output: &str, look: &mut dyn FnMut(Search) -> Option<Existing>) -> Turn {
        if self.believed.is_some() {
            return match answer::object(output, "needs") {
                Ok(answer) => self.attacked(&answer),
                Err(fault) => self.attack_failed(&fault),
            };
        }
        match answer::object(output, "steps") {
            Ok(answer) => self.planned(answer, output, look),
            Err(fault) => self.again(vec![fault], output),
        }
    }

    /// There was no answer to the last question, for this reason, which a second try may not have.
    pub fn no_answer(&mut self, reason: &str) -> Turn {
        match self.believed {
            Some(_) => self.attack_failed(reason),
            None => self.again(vec![reason.to_owned()], ""),
        }
    }

    /// A plan was answered.
    fn planned(&mut self, answer: Map<String, Value>, output: &str, look: &mut dyn FnMut(Search) -> Option<Existing>) -> Turn {
        if !answer.contains_key("needs") {
            return self.again(vec!["\"needs\" is missing; it is [] where no step needs another".to_owned()], output);
        }
        let own = keep(&answer);
        let text = Value::Object(own.clone()).to_string();
        let judged = validate(&text, Some(self.document), &self.options, &[]).and_then(|mut plan| {
            if let Some(existing) = look(Search::for_plan(&text)) {
                check_repository(&mut plan, &existing)?;
            }
            Ok(plan)
        });
        let plan = match judged {
            Ok(plan) => plan,
            Err(problems) => return self.again(problems.iter().map(fault).collect(), output),
        };
        let (mut faults, rest) = self.passed_over(&own, &plan);
        let is_lost = !faults.is_empty();
        faults.extend(rest);
        if is_lost || (!faults.is_empty() && !self.asked_for_rest && self.tries + 1 < TRIES_MAX) {
            self.asked_for_rest = true;
            faults.push("put lines of open work into steps, and name the others in \"left_out\" with the reason".to_owned());
            return self.again(faults, output);
        }
        // What runs in one piece cannot be at work at once.
        match if plan.parallelizable { Attack::on(&plan, self.document) } else { None } {
            Some(attack) => {
                if let Some(why) = attack.too_large() {
                    return Turn::GiveUp(why);
                }
                self.believed = Some(Believed { answer: own, plan, attacks: 0 });
                Turn::Ask(attack.question)
            }
            None => Turn::Plan(with_orders(own, Vec::new())),
        }
    }

    /// The items of the work that a plan has passed over; and what else the rules took for steps, and steps that are done.
    fn passed_over(&self, own: &Map<String, Value>, plan: &Plan) -> (Vec<String>, Vec<String>) {
        let mut problems = Problems::default();
        let read = Reader { problems: &mut problems, options: &self.options, known: &[] }.own(&Value::Object(own.clone()));
        let lost = own::lost(self.document, &plan.steps, &read.left_out);
        let ranges: Vec<[usize; 2]> =
            plan.steps.iter().flat_map(|step| step.lines.iter().copied()).chain(read.left_out.iter().map(|left| left.lines)).collect();
        let is_met = |first: usize, last: usize| ranges.iter().any(|[from, to]| *from <= last && first <= *to);
        let read = Document::read(self.document).ok();
        let is_done = |step: &&Step| {
            read.as_ref().and_then(|read| read.lines.get(step.line.wrapping_sub(1))).is_some_and(|line| line.tick == Some(true))
        };
        let rest = self.rules.steps.iter().filter(|step| !is_met(step.line, step.end) && !is_done(step));
        let rest = rest.filter(|step| !lost.iter().any(|warning| warning.starts_with(&format!("line {}:", step.line))));
        let name = |line: usize, end: usize, title: &str| format!("lines {line} to {end} (\"{title}\") are in no step");
        let mut rest: Vec<String> = rest.map(|step| name(step.line, step.end, &step.title)).take(FAULTS_MAX).collect();
        rest.extend(plan.steps.iter().filter(is_done).map(|step| format!("step {} (line {}) is ticked as done", step.n, step.line)));
        (lost, rest)
    }

    /// The attack was answered.
    fn attacked(&mut self, answer: &Map<String, Value>) -> Turn {
        let Some(believed) = &self.believed else { return Turn::GiveUp("no plan was made".to_owned()) };
        let orders =
            Attack::on(&believed.plan, self.document).map_or_else(|| Ok(Vec::new()), |attack| attack.orders(answer, &self.options));
        match orders {
            Ok(orders) => {
                self.doubt = (!answer.contains_key("free")).then_some(UNSAID);
                Turn::Plan(with_orders(believed.answer.clone(), orders))
            }
            Err(problems) => {
                let faults: Vec<String> = problems.iter().map(fault).collect();
                self.attack_failed(&faults.join("; "))
            }
        }
    }

    fn attack_failed(&mut self, fault: &str) -> Turn {
        let Some(believed) = &mut self.believed else { return Turn::GiveUp("no plan was made".to_owned()) };
        believed.attacks += 1;
        let question = Attack::on(&believed.plan, self.document).map(|attack| attack.question).unwrap_or_default();
        if believed.attacks >= ATTACKS_MAX {
            return Turn::GiveUp(format!("its answer to the question about pairs of steps could not be used: {fault}"));
        }
        Turn::Ask(format!("{question}\nYour last answer could not be used: {fault}\nAnswer again with the whole JSON object.\n"))
    }

    /// Tells faults back, unless that was done often enough.
    fn again(&mut self, mut faults: Vec<String>, output: &str) -> Turn {
        self.tries += 1;
        if self.tries >= TRIES_MAX {
            let shown = faults.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
            let more = faults.len().saturating_sub(NAMED_MAX);
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            return Turn::GiveUp(format!("{TRIES_MAX} answers could not be used, the last one because: {shown}{more}"));
        }
        let more = faults.len().saturating_sub(FAULTS_MAX);
        faults.truncate(FAULTS_MAX);
        let mut text = format!("{}\nYour last answer cannot be used:\n", self.first);
        faults.iter().for_each(|fault| text.push_str(&format!("- {fault}\n")));
        if more > 0 {
            text.push_str(&format!("- and {more} more faults\n"));
        }
        if !output.trim().is_empty() {
            text.push_str("\nIt was:\n");
            put_quoted(&mut text, output, REPEATED_BYTES_MAX);
        }
        text.push_str("\nCorrect all of this, and answer again with the whole JSON object and nothing else.\n");
        Turn::Ask(text)
    }
}

/// What an answer says of steps, needs and what is left out, with the reasons marked as those of the agent; the rest of it is dropped.
fn keep(answer: &Map<String, Value>) -> Map<String, Value> {
    let fields = ["steps", "needs", "left_out"];
    let mut own: Map<String, Value> = fields.iter().filter_map(|field| Some(((*field).to_owned(), answer.get(*field)?.clone()))).collect();
    for need in own.get_mut("needs").and_then(Value::as_array_mut).into_iter().flatten() {
        // What has another form is named when it is read.
        if let Some(ends) = need.as_array_mut().filter(|ends| ends.len() >= 2) {
            let why = ends.get(2).and_then(Value::as_str).filter(|why| !why.trim().is_empty()).unwrap_or("it needs that");
            let why = Value::String(format!("the agent says: {why}"));
            ends.truncate(2);
            ends.push(why);
        }
    }
    own
}

/// The plan as JSON, with more orders.
fn with_orders(mut plan: Map<String, Value>, orders: Vec<(usize, usize, String)>) -> String {
    if let Some(needs) = plan.get_mut("needs").and_then(Value::as_array_mut) {
        needs.extend(orders.into_iter().map(|(from, to, why)| json!([from, to, why])));
    }
    Value::Object(plan).to_string()
}

/// A problem on one line.
fn fault(problem: &Problem) -> String {
    let place = if problem.place.is_empty() { String::new() } else { format!("{}: ", problem.place) };
    let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    escaped_line(&format!("{place}{}{hint}", problem.message)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# T\n\n## Plan\n\n- [ ] T001 Read it in `a.rs`\n- [ ] T002 Draw it in `b.rs`\n- [ ] T003 Send it in `c.rs`\n\n\
                            ## Dependencies\n\n- T003 depends on T001\n";

    fn step(n: usize, line: usize, file: &str) -> Value {
        json!({"n": n, "title": format!("step {n}"), "lines": [[line, line]], "writes": [file]})
    }

    fn answer(needs: &Value) -> String {
        json!({"steps": [step(1, 5, "a.rs"), step(2, 6, "b.rs"), step(3, 7, "c.rs")], "needs": needs}).to_string()
    }

    fn begin() -> Conversation<'static> {
        Conversation::begin(DOCUMENT, &Options::new("T"), &[]).expect("a document")
    }

    fn asked(turn: Turn) -> String {
        match turn {
            Turn::Ask(text) => text,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_good_answer_is_attacked_and_then_a_plan() {
        let mut talk = begin();
        assert!(talk.question().contains("5| - [ ] T001"));
        let attack = asked(talk.answer(&answer(&json!([])), &mut |_| None));
        // The document orders the third step after the first.
        assert!(attack.contains("- 1 beside 2\n- 2 beside 3\n") && attack.contains("1 before 3"), "{attack}");
        let Turn::Plan(plan) = talk.answer(r#"{"needs":[[1,2,"draws what is read"]],"free":[[2,3]]}"#, &mut |_| None) else {
            unreachable!("no plan")
        };
        assert_eq!(talk.doubt(), None);
        let plan = validate(&plan, Some(DOCUMENT), &Options::new("T"), &[]).expect("a plan");
        let edges: Vec<(usize, usize, &str)> = plan.edges.iter().map(|edge| (edge.from, edge.to, edge.reason.as_str())).collect();
        assert_eq!(edges[0], (1, 2, "asked again, the agent says: draws what is read"));
        assert_eq!((edges[1].0, edges[1].1, edges[1].2.starts_with("the document orders them")), (1, 3, true));
        assert!(plan.parallelizable && plan.advice.is_some_and(|advice| advice.agents == 2));
    }

    #[test]
    fn faults_are_told_back_and_three_tries_are_all() {
        let mut talk = begin();
        let second = asked(talk.answer("I would rather not.", &mut |_| None));
        assert!(
            second.starts_with(talk.question()) && second.contains("- there is no JSON object") && second.contains("I would rather not.")
        );
        let outside = json!({"steps": [step(1, 99, "../a.rs")], "needs": []}).to_string();
        let third = asked(talk.answer(&outside, &mut |_| None));
        assert!(third.contains("line 99 is not in the document, which has 11 lines") && third.contains("steps[0].writes[0]"), "{third}");
        let Turn::GiveUp(why) = talk.answer(&answer(&json!([[3, 1, "x"]])), &mut |_| None) else { unreachable!("it goes on") };
        assert!(
            why.starts_with("3 answers could not be used")
                && why.contains("step 3 before step 1 (the agent says: x)")
                && why.contains("step 1 before step 3 (the document orders them (line 5 before line 7)"),
            "{why}"
        );
    }

    #[test]
    fn what_is_passed_over_is_asked_for_and_may_be_left_out_with_a_reason() {
        let mut talk = begin();
        let two = json!({"steps": [step(1, 5, "a.rs"), step(2, 6, "b.rs")], "needs": []});
        let second = asked(talk.answer(&two.to_string(), &mut |_| None));
        assert!(second.contains("line 7: \"T003 Send it in c.rs\" is in no step") && second.contains("left_out"), "{second}");
        let mut left = two.clone();
        left["left_out"] = json!([[7, 7, "it was dropped"]]);
        let attack = asked(talk.answer(&left.to_string(), &mut |_| None));
        assert!(attack.contains("- 1 beside 2\n"), "{attack}");
        // A plan that says all of it again is an answer without anything to add.
        let Turn::Plan(plan) = talk.answer(&left.to_string(), &mut |_| None) else { unreachable!("no plan") };
        assert!(talk.doubt().is_some_and(|doubt| doubt.contains("did not say which pairs")));
        let plan = validate(&plan, Some(DOCUMENT), &Options::new("T"), &[]).expect("a plan");
        assert!(plan.parallelizable && plan.warnings.contains(&"line 7: left out by the plan: it was dropped".to_owned()), "{plan:?}");
    }

    #[test]
    fn an_attack_without_an_answer_is_asked_for_once_more() {
        let mut talk = begin();
        talk.answer(&answer(&json!([])), &mut |_| None);
        let again = asked(talk.answer("none of them", &mut |_| None));
        assert!(again.contains("could not be used: there is no JSON object"), "{again}");
        assert!(matches!(talk.no_answer("exit status 1"), Turn::GiveUp(why) if why.contains("exit status 1")));
    }

    #[test]
    fn a_document_whose_work_is_done_has_no_steps() {
        let done = DOCUMENT.replace("- [ ]", "- [x]");
        let mut talk = Conversation::begin(&done, &Options::new("T"), &[]).expect("a document");
        let Turn::Plan(plan) = talk.answer(r#"{"steps":[],"needs":[]}"#, &mut |_| None) else { unreachable!("no plan") };
        let plan = validate(&plan, Some(&done), &Options::new("T"), &[]).expect("a plan");
        assert_eq!((plan.parallelizable, plan.reason.as_deref()), (false, Some("the plan has no steps: there is no open work")));
        // Where work is open it is asked for.
        assert!(asked(begin().answer(r#"{"steps":[],"needs":[]}"#, &mut |_| None)).contains("line 5: "));
    }

    #[test]
    fn what_leads_outside_is_told_back() {
        let mut talk = begin();
        let mut look = |mut search: Search| {
            assert_eq!(search.paths().count(), 3);
            search.leads_outside("b.rs");
            Some(search.done())
        };
        let second = asked(talk.answer(&answer(&json!([])), &mut look));
        assert!(second.contains("b.rs leads out of the repository"), "{second}");
    }
}
