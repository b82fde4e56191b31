//! Reading a given plan field by field, so that every wrong value is reported at its own place.

use oarlock_model::ident::{is_identifier, shown};
use oarlock_model::limits::{ESTIMATE_MINUTES_MAX, LIST_ITEMS_MAX, SUBTASKS_MAX, TITLE_CHARS_MAX};
use oarlock_model::pattern::Pattern;
use oarlock_model::text::visible_line;
use serde_json::{Map, Value};

use crate::check::problem::Problems;
use crate::parts::options::Options;
use crate::plan::{Edge, Plan, Step, Subtask};
use crate::read::draft::STEPS_MAX;

/// Most edges of a given plan.
const EDGES_MAX: usize = 20_000;

/// What a plan says that leaves the parts to be made.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Its steps.
    pub(crate) steps: Vec<Step>,
    /// Who is first, who waits, and why.
    pub(crate) needs: Vec<(usize, usize, String)>,
    /// What it leaves out on purpose.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Lines that a plan leaves out on purpose.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// First and last, from 1, both included.
    pub(crate) lines: [usize; 2],
    /// Why, one line.
    pub(crate) why: String,
}

/// Reads a plan and notes what is wrong with it.
pub(crate) struct Reader<'a> {
    pub(crate) problems: &'a mut Problems,
    pub(crate) options: &'a Options,
    pub(crate) known: &'a [String],
}

impl Reader<'_> {
    pub(crate) fn plan(mut self, value: &Value) -> Plan {
        let Some(object) = value.as_object() else {
            self.problems.add("", format!("the plan is {}, not an object", kind(value)), None);
            return Plan::default();
        };
        let mut plan = Plan { task: self.options.task.clone(), planner: "given".to_owned(), ..Plan::default() };
        if let Some(task) = self.text(object, "task", "task")
            && task != self.options.task
        {
            plan.warnings.push(format!("the plan was made for \"{}\" and is used for {}", shown(&task), self.options.task));
        }
        plan.reason = self.text(object, "reason", "reason").map(|r| r.chars().take(TITLE_CHARS_MAX).collect());
        for (at, item) in self.list(object, "steps", "steps", STEPS_MAX).iter().enumerate() {
            plan.steps.extend(self.step(item, at));
        }
        if !object.contains_key("subtasks") {
            self.problems.add(
                "subtasks",
                "the plan has no sub-tasks",
                Some("give a list of objects with id, title, steps, depends_on and writes"),
            );
        }
        let parts = self.list(object, "subtasks", "subtasks", SUBTASKS_MAX);
        for (at, item) in parts.iter().enumerate() {
            plan.subtasks.extend(self.subtask(item, at));
        }
        if object.get("subtasks").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            self.problems.add("subtasks", "the list of sub-tasks is empty", None);
        }
        name_missing(&mut plan);
        for (at, item) in self.list(object, "edges", "edges", EDGES_MAX).iter().enumerate() {
            plan.edges.extend(self.edge(item, at));
        }
        plan
    }

    /// The steps of a plan that leaves the parts to be made, what it needs of their order, and what it leaves out.
    pub(crate) fn own(mut self, value: &Value) -> Own {
        let Some(object) = value.as_object() else {
            self.problems.add("", format!("the plan is {}, not an object", kind(value)), None);
            return Own::default();
        };
        let items = self.list(object, "steps", "steps", STEPS_MAX);
        let steps: Vec<Step> = items.iter().enumerate().filter_map(|(at, item)| self.step(item, at)).collect();
        let needs = self.needs(object, items.len());
        let left_out = self.left_out(object);
        Own { steps, needs, left_out }
    }

    /// `"needs": [[before, after, why], …]` of `count` steps.
    pub(crate) fn needs(&mut self, object: &Map<String, Value>, count: usize) -> Vec<(usize, usize, String)> {
        let mut needs = Vec::new();
        for (at, item) in self.list(object, "needs", "needs", EDGES_MAX).iter().enumerate() {
            let ends = item.as_array().map_or(&[][..], Vec::as_slice);
            let step = |value: Option<&Value>| whole(value).filter(|n| (1..=count).contains(n));
            match (step(ends.first()), step(ends.get(1))) {
                (Some(from), Some(to)) if from != to => needs.push((from, to, why(ends.get(2), "the plan says so"))),
                _ => self.problems.add(
                    format!("needs[{at}]"),
                    format!("it is not [before, after, why] with the numbers of two steps from 1 to {count}"),
                    None,
                ),
            }
        }
        needs
    }

    /// `"left_out": [[first, last, why], …]`: lines that look like work and are none.
    fn left_out(&mut self, object: &Map<String, Value>) -> Vec<LeftOut> {
        let mut out = Vec::new();
        for (at, item) in self.list(object, "left_out", "left_out", STEPS_MAX).iter().enumerate() {
            let ends = item.as_array().map_or(&[][..], Vec::as_slice);
            match (whole(ends.first()), whole(ends.get(1))) {
                (Some(first), Some(last)) if 1 <= first && first <= last => {
                    out.push(LeftOut { lines: [first, last], why: why(ends.get(2), "no reason is given") });
                }
                _ => self.problems.add(format!("left_out[{at}]"), "it is not [first line, last line, why], with lines from 1", None),
            }
        }
        out
    }

    fn step(&mut self, value: &Value, at: usize) -> Option<Step> {
        let place = format!("steps[{at}]");
        let object = self.object(value, &place)?;
        let n = self.number(object, "n", &place);
        if n.is_none() && !object.contains_key("n") {
            self.problems.add(format!("{place}.n"), "a step needs its number", None);
        }
        let lines = self.ranges(object, &place);
        let first = lines.first().copied();
        let line = self.number(object, "line", &place).or(first.map(|[line, _]| line)).unwrap_or(0);
        Some(Step {
            n: n?,
            title: self.title(object, &place).unwrap_or_default(),
            line,
            end: self.number(object, "end", &place).or(first.map(|[_, end]| end)).unwrap_or(line),
            lines,
            writes: self.patterns(object, &place),
            estimate_minutes: self.minutes(object, &place),
            phase: self.text(object, "phase", &format!("{place}.phase")),
        })
    }

    /// `"lines": [[first, last], …]`, from 1.
    fn ranges(&mut self, object: &Map<String, Value>, place: &str) -> Vec<[usize; 2]> {
        let list = self.list(object, "lines", &format!("{place}.lines"), STEPS_MAX);
        let mut out = Vec::with_capacity(list.len());
        for (k, range) in list.iter().enumerate() {
            let ends: Vec<usize> =
                range.as_array().into_iter().flatten().filter_map(Value::as_u64).filter_map(|n| usize::try_from(n).ok()).collect();
            match ends[..] {
                [first, last] if 1 <= first && first <= last => out.push([first, last]),
                _ => self.problems.add(format!("{place}.lines[{k}]"), "a range is its first and its last line, from 1", None),
            }
        }
        out
    }

    fn subtask(&mut self, value: &Value, at: usize) -> Option<Subtask> {
        let place = format!("subtasks[{at}]");
        let object = self.object(value, &place)?;
        let id = self.identifier(object, "id", &place).unwrap_or_default();
        let title = self.title(object, &place);
        if title.is_none() && object.get("title").is_none_or(Value::is_null) {
            self.problems.add(format!("{place}.title"), "a sub-task needs a title", None);
        }
        let steps = self.list(object, "steps", &format!("{place}.steps"), STEPS_MAX).iter().enumerate();
        let steps: Vec<Option<usize>> = steps.map(|(k, n)| self.step_number(n, &format!("{place}.steps[{k}]"))).collect();
        Some(Subtask {
            id,
            title: title.unwrap_or_default(),
            steps: steps.into_iter().flatten().collect(),
            depends_on: self.texts(object, "depends_on", &place),
            writes: self.patterns(object, &place),
            capabilities: self.capabilities(object, &place),
            estimate_minutes: self.minutes(object, &place),
            assigned: self.identifier(object, "assigned", &place),
        })
    }

    fn edge(&mut self, value: &Value, at: usize) -> Option<Edge> {
        let place = format!("edges[{at}]");
        let object = self.object(value, &place)?;
        let confidence = match object.get("confidence") {
            None | Some(Value::Null) => 1.0,
            Some(value) => value.as_f64().unwrap_or(f64::NAN),
        };
        if !(0.0..=1.0).contains(&confidence) {
            self.problems.add(format!("{place}.confidence"), "a confidence is a number from 0 to 1", None);
        }
        let from = self.number(object, "from", &place);
        let to = self.number(object, "to", &place);
        if from.is_some() && from == to {
            self.problems.add(place.clone(), "a step cannot need itself", None);
        }
        for field in ["from", "to"].iter().filter(|f| !object.contains_key(**f)) {
            self.problems.add(format!("{place}.{field}"), "an edge needs the numbers of two steps", None);
        }
        let reason = self.text(object, "reason", &format!("{place}.reason")).unwrap_or_default();
        Some(Edge { from: from?, to: to?, reason, confidence })
    }

    fn capabilities(&mut self, object: &Map<String, Value>, place: &str) -> Vec<String> {
        let wanted = self.texts(object, "capabilities", place);
        for (k, capability) in wanted.iter().enumerate() {
            let place = format!("{place}.capabilities[{k}]");
            if !is_identifier(capability) {
                self.bad_identifier(&place, capability);
            } else if !self.known.is_empty() && !self.known.contains(capability) {
                let known: Vec<&str> = self.known.iter().take(20).map(String::as_str).collect();
                let hint = format!("known are {}", known.join(", "));
                self.problems.add(place, format!("no agent has the capability \"{capability}\""), Some(&hint));
            }
        }
        wanted
    }

    fn patterns(&mut self, object: &Map<String, Value>, place: &str) -> Vec<String> {
        let texts = self.texts(object, "writes", place);
        for (k, text) in texts.iter().enumerate() {
            if ["~/", "$HOME/", "${HOME}/"].iter().any(|home| text.starts_with(home)) {
                self.problems.add(
                    format!("{place}.writes[{k}]"),
                    format!("{} is outside the repository", shown(text)),
                    Some("leave it out of \"writes\"; put steps that write it in order by a need"),
                );
            } else if let Err(error) = Pattern::parse(text) {
                self.problems.add(
                    format!("{place}.writes[{k}]"),
                    error.to_string(),
                    Some("patterns are rooted at the repository: src/parser/**, docs/*.md"),
                );
            }
        }
        texts
    }

    fn title(&mut self, object: &Map<String, Value>, place: &str) -> Option<String> {
        let place = format!("{place}.title");
        let title = self.text(object, "title", &place)?;
        if title.trim().is_empty() {
            self.problems.add(place, "the title is empty", None);
        } else if title.chars().count() > TITLE_CHARS_MAX {
            self.problems.add(place, format!("the title is longer than {TITLE_CHARS_MAX} characters"), None);
        } else if title.chars().any(char::is_control) {
            self.problems.add(place, "the title has a line break or another control character", None);
        }
        Some(title)
    }

    fn identifier(&mut self, object: &Map<String, Value>, field: &str, place: &str) -> Option<String> {
        let place = format!("{place}.{field}");
        let text = self.text(object, field, &place)?;
        if is_identifier(&text) {
            return Some(text);
        }
        self.bad_identifier(&place, &text);
        None
    }

    fn bad_identifier(&mut self, place: &str, text: &str) {
        let hint = "letters, digits, dot, dash and underscore, a letter or digit first, at most 64 characters";
        self.problems.add(place, format!("\"{}\" is no identifier", shown(text)), Some(hint));
    }

    fn minutes(&mut self, object: &Map<String, Value>, place: &str) -> Option<u64> {
        let value = object.get("estimate_minutes").filter(|v| !v.is_null())?;
        let minutes = value.as_u64().filter(|m| *m <= u64::from(ESTIMATE_MINUTES_MAX));
        if minutes.is_none() {
            let message = format!("an estimate is a whole number of minutes from 0 to {ESTIMATE_MINUTES_MAX}");
            self.problems.add(format!("{place}.estimate_minutes"), message, None);
        }
        minutes
    }

    fn number(&mut self, object: &Map<String, Value>, field: &str, place: &str) -> Option<usize> {
        let value = object.get(field).filter(|v| !v.is_null())?;
        self.step_number(value, &format!("{place}.{field}"))
    }

    fn step_number(&mut self, value: &Value, place: &str) -> Option<usize> {
        let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
        if number.is_none() {
            self.problems.add(place, format!("expected a whole number, found {}", kind(value)), None);
        }
        number
    }

    fn text(&mut self, object: &Map<String, Value>, field: &str, place: &str) -> Option<String> {
        let value = object.get(field).filter(|v| !v.is_null())?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.problems.add(place, format!("expected a text, found {}", kind(value)), None);
        }
        text
    }

    fn texts(&mut self, object: &Map<String, Value>, field: &str, place: &str) -> Vec<String> {
        let place = format!("{place}.{field}");
        let mut out = Vec::new();
        for (k, value) in self.list(object, field, &place, LIST_ITEMS_MAX).iter().enumerate() {
            match value.as_str() {
                Some(text) => out.push(text.to_owned()),
                None => {
                    self.problems.add(format!("{place}[{k}]"), format!("expected a text, found {}", kind(value)), None);
                    // The places of the others stay right.
                    out.push(String::new());
                }
            }
        }
        out
    }

    fn list<'v>(&mut self, object: &'v Map<String, Value>, field: &str, place: &str, limit: usize) -> &'v [Value] {
        let Some(value) = object.get(field).filter(|v| !v.is_null()) else {
            return &[];
        };
        let Some(list) = value.as_array() else {
            self.problems.add(place, format!("expected a list, found {}", kind(value)), None);
            return &[];
        };
        if list.len() > limit {
            self.problems.add(place, format!("the list has {} items; at most {limit} are allowed", list.len()), None);
            return &[];
        }
        list
    }

    fn object<'v>(&mut self, value: &'v Value, place: &str) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.problems.add(place, format!("expected an object, found {}", kind(value)), None);
        }
        object
    }
}

/// Gives each part without an identifier the next free `PARENT-SUBn`.
fn name_missing(plan: &mut Plan) {
    let taken: std::collections::HashSet<String> = plan.subtasks.iter().map(|s| s.id.clone()).collect();
    let mut next = 0;
    for (at, part) in plan.subtasks.iter_mut().enumerate() {
        if !part.id.is_empty() {
            continue;
        }
        // The n-th part is SUBn where that is free.
        next = next.max(at) + 1;
        while taken.contains(&format!("{}-SUB{next}", plan.task)) {
            next += 1;
        }
        part.id = format!("{}-SUB{next}", plan.task);
    }
}

/// A whole number that is not negative.
fn whole(value: Option<&Value>) -> Option<usize> {
    value.and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

/// A reason on one line.
fn why(value: Option<&Value>, otherwise: &str) -> String {
    let given = value.and_then(Value::as_str).map(|text| visible_line(text, TITLE_CHARS_MAX)).filter(|text| !text.trim().is_empty());
    given.unwrap_or_else(|| otherwise.to_owned())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
