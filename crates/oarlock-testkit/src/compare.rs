//! The questions to two stores that are compared: everything the port can answer.

use oarlock_model::landing::BranchName;
use oarlock_model::message::Message;
use oarlock_model::rules::inbox::Senders;
use oarlock_model::rules::reserve::targets_overlap;
use oarlock_model::rules::urgency::Around;
use oarlock_model::state::State;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, SessionId, TaskId};
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{EntryPage, EventFilter, InboxList, InboxPart, Near, StoreResult, TaskFilter, View, unread_count};

/// Answers by question.
pub type Facts = Vec<(String, String)>;

/// Everything a view says, as text.
///
/// # Panics
/// When the store cannot be read.
pub fn facts(view: &dyn View, owners: &dyn Owners) -> Facts {
    let mut facts = Facts::new();
    ask(view, owners, &mut facts).expect("a store under comparison can be read");
    facts
}

/// The first question with different answers.
pub fn difference(a: &Facts, b: &Facts) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} answers against {}", a.len(), b.len()));
    }
    let (mine, theirs) = a.iter().zip(b).find(|(mine, theirs)| mine != theirs)?;
    Some(format!("{}:\n  {}\nagainst {}:\n  {}", mine.0, mine.1, theirs.0, theirs.1))
}

fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

fn ask(view: &dyn View, owners: &dyn Owners, facts: &mut Facts) -> StoreResult<()> {
    let state = view.state()?;
    let mut note = |question: String, answer: String| facts.push((question, answer));
    note("now".into(), format!("{:?}", view.now()));
    note("boot".into(), owners.boot_id().to_owned());
    // Noun by noun, so that a difference is short.
    note("last event".into(), format!("{} {}", state.last_seq, view.last_seq()?));
    for (id, task) in &state.tasks {
        note(format!("task {id}"), format!("{task:?}"));
    }
    for (name, agent) in &state.agents {
        note(format!("agent {name}"), format!("{agent:?}"));
        note(format!("owner of {name}"), format!("{:?}", owners.liveness(agent)));
        let held = (view.claims_of(&agent.session)?, view.first_held_by(&agent.session, 100)?, view.claim_count(&agent.session)?);
        note(format!("claims of {name}"), format!("{held:?}"));
        let reservations = view.reservations_of(&agent.session)?;
        note(format!("reservations of {name}"), format!("{reservations:?} {}", view.reservation_count_of(&agent.session)?));
        if let Some(process) = agent.owner.process() {
            note(format!("agents of the process of {name}"), format!("{:?}", view.agents_of_processes(&[process.to_owned()])?));
        }
        note(format!("family of {name}"), format!("{:?} {:?}", view.holdings_of(name)?, view.live_family(name)?));
        let any = Senders::Any;
        for list in [InboxList::All, InboxList::Open(any), InboxList::Unread(any), InboxList::Urgent(any)] {
            for (senders, limit) in [(Senders::Any, 2), (Senders::Only("ada"), 2), (Senders::Except("ada"), 100)] {
                let mut part = InboxPart { list: list.of(senders), beyond: None, limit };
                let page = view.inbox(name, &part)?;
                part.beyond = page.first().map(|message| message.seq);
                let next = numbers(&view.inbox(name, &part)?);
                let answer = format!("{:?} {next:?} of {}", numbers(&page), view.inbox_count(name, &part)?);
                note(format!("{:?} to {name}", part.list), answer);
            }
        }
        let whole = InboxPart { list: InboxList::Open(Senders::Any), beyond: None, limit: 100 };
        note(format!("inbox of {name}"), format!("{:?}", view.inbox(name, &whole)?));
        let ada = AgentName::parse("ada").expect("a name");
        note(format!("open from ada to {name}"), format!("{:?}", view.open_from(name, &ada, 9)?));
        note(format!("unread of {name}"), format!("{}", unread_count(view, name)?));
    }
    for (question, answer) in pages(view, &state)? {
        note(question.into(), answer);
    }
    note("grantees".into(), format!("{:?}", state.grantees));
    note("entries".into(), format!("{:?}", state.entries));
    note("reservations".into(), format!("{:?} {:?} {}", state.reservations, view.reservations()?, view.reservation_count()?));
    for (id, reservation) in &state.reservations {
        let mut near = view.reservations_near(&[&reservation.target])?;
        near.retain(|held| targets_overlap(&held.target, &reservation.target));
        note(format!("what overlaps {id}"), format!("{near:?} {:?}", view.reservation(id)?));
    }
    note("messages".into(), format!("{:?}", state.messages));
    for (id, proposal) in &state.proposals {
        note(format!("proposal {id}"), format!("{proposal:?} {:?}", view.proposal(id)?));
    }
    note("open proposals".into(), format!("{:?} {:?}", view.open_proposals(1)?, view.open_proposals(100)?));
    note("due proposals".into(), format!("{:?}", view.due_proposals(100)?));
    note("notices".into(), format!("{:?}", state.notices));
    note("owned agents".into(), format!("{:?} {}", view.owned_agents(1, 2)?, view.owned_agent_count()?));
    note("agents of other boots".into(), format!("{:?}", view.agents_of_other_boots(owners.boot_id(), 100)?));
    note("present agents".into(), format!("{:?}", view.present_agents(3)?));
    note("counts".into(), format!("{:?}", view.counts()?));
    let offers = view.ready_offers(None, 2)?;
    let rest = view.ready_offers(offers.last().map(|offer| offer.place), 100)?;
    note("offers".into(), format!("{offers:?} {rest:?}"));
    note("expired claims".into(), format!("{:?}", view.expired_offers(usize::MAX)?.map(|expired| expired.offers)));
    note("due tasks".into(), format!("{:?}", view.due_tasks(100)?));
    note("next due".into(), format!("{:?}", view.next_due_ms()?));
    note("dead letters".into(), format!("{:?}", view.dead_letters(100)?));
    note("stuck".into(), format!("{:?}", view.stuck_tasks(usize::MAX)?));
    let unknown = BranchName::parse("unknown").ok();
    for target in view.landing_targets()?.into_iter().chain(unknown) {
        let queued = format!("{:?} {:?}", view.queued_landings(&target, 1)?, view.queued_landings(&target, 100)?);
        note(format!("landing queue of {target}"), queued);
        note(format!("landed on {target}"), format!("{:?}", view.landing_counts(&target)?));
    }
    note("held outside".into(), format!("{:?}", ids(&view.outside_tasks(100)?)));
    note("oldest ready".into(), format!("{:?}", view.oldest_ready()?));
    note("expired reservations".into(), format!("{:?}", view.expired_reservations(100)?));
    note("starved claims".into(), format!("{:?}", view.starved_claims()?));
    note("next task".into(), format!("{} {}", view.next_task_seq()?, view.task_prefix()?));
    note(
        "all tasks".into(),
        format!("{:?}", ids(&view.tasks(&TaskFilter { limit: 1_000, bytes_max: usize::MAX, ..TaskFilter::default() })?)),
    );
    for (id, task) in &state.tasks {
        note(format!("around {id}"), around(view, task)?);
        note(format!("history of {id}"), format!("{:?}", history(view, id)?));
    }
    for message in state.messages.values().filter(|message| message.id == message.thread) {
        note(format!("thread {}", message.id), format!("{:?}", view.thread(&message.id, message.seq, 2)?));
    }
    let first = view.entries("", &EntryPage { limit: 1, ..EntryPage::WHOLE })?;
    let rest = view.entries("", &EntryPage { after: first.last().map(|entry| &entry.key), limit: 2, bytes_max: 1 })?;
    note("two pages of entries".into(), format!("{first:?} {rest:?}"));
    let log = view.events(&EventFilter { limit: 10_000, bytes_max: usize::MAX, ..EventFilter::default() })?;
    note("log".into(), format!("{:?}", log.last()));
    Ok(())
}

/// The questions about many things at once; one of them is not there.
fn pages(view: &dyn View, state: &State) -> StoreResult<[(&'static str, String); 7]> {
    let nobody = (AgentName::parse("nobody").expect("a name"), TaskId::parse("NONE").expect("an id"));
    let names: Vec<&AgentName> = state.agents.keys().chain([&nobody.0]).collect();
    let sessions: Vec<&SessionId> = state.agents.values().map(|agent| &agent.session).collect();
    let tasks: Vec<&TaskId> = state.tasks.keys().chain([&nobody.1]).collect();
    let (mut agents, mut results, mut grants) = (view.agents_named(&names)?, view.results_of(&tasks)?, view.running_grants(&tasks)?);
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    results.sort();
    grants.sort_by(|a, b| a.0.cmp(&b.0));
    // Between tasks there is no order.
    let (mut claims, mut unmet) = (view.claims_of_all(&sessions)?, view.unmet_needs_of(&tasks)?);
    claims.sort_by(|a, b| a.0.cmp(&b.0));
    unmet.sort_by(|a, b| a.0.cmp(&b.0));
    Ok([
        ("agents by their names", format!("{agents:?}")),
        ("claims of all", format!("{claims:?}")),
        ("tasks by their ids", format!("{:?} {:?}", view.tasks_with(&tasks, usize::MAX)?, view.tasks_with(&tasks, 0)?.len())),
        ("results", format!("{results:?}")),
        ("grants", format!("{grants:?}")),
        ("unmet needs of all", format!("{unmet:?}")),
        ("closed parts", format!("{:?}", view.closed_parts(&tasks)?)),
    ])
}

fn around(view: &dyn View, task: &Task) -> StoreResult<String> {
    let id = &task.id;
    let waits = matches!(task.state, TaskState::Blocked | TaskState::Waiting);
    Ok(format!(
        "children {:?}, tree {:?}, open {} {:?}, dependants {:?}, unmet {:?}, waits for {:?}, stuck {}, dead ends {:?}, node {:?}, urgency {}, \
         rests {}, reservations {:?}, offer {:?}, grant {:?}",
        view.children(id)?,
        view.tree(id)?,
        view.open_children(id, 1)?.is_empty(),
        view.open_tree(id)?,
        view.dependants(id)?,
        view.unmet_needs(id)?,
        view.waits_for(id)?,
        waits && view.is_stuck(id)?,
        view.dead_ends(id, 100)?,
        view.node(id)?,
        urgency(view, task)?,
        rests(view, task)?,
        view.reservations_of_task(id)?,
        view.offer(id)?,
        view.running_grant(id)?,
    ))
}

/// The facts that decide the priority of a task and of its needs.
fn urgency(view: &dyn View, task: &Task) -> StoreResult<String> {
    let number = view.task_number(&task.id)?;
    let sorted = |task: Option<Around>| {
        task.map(|mut task| {
            task.parts.sort_unstable();
            task.needs.sort_unstable();
            task
        })
    };
    let (around, above) = (sorted(view.around(task.seq)?), sorted(view.above(task.seq)?));
    let mut dependants = view.dependants_of(&[task.seq, 0])?;
    dependants.sort_unstable();
    let mut parts = view.waiting_parts(task.seq)?;
    parts.sort_by_key(|part| part.number);
    Ok(format!("{number:?} {around:?} {above:?} {dependants:?} {:?} {parts:?}", view.waiters(&[task.seq, 0])?))
}

/// Where a task and those near it rest, also once one is done that it needs.
fn rests(view: &dyn View, task: &Task) -> StoreResult<String> {
    let done: Vec<TaskId> = task.needs.iter().take(1).cloned().collect();
    let near = [Near::Task(&task.id), Near::PartsOf(&task.id), Near::DependantsOf(&task.id)];
    let rests: Vec<_> =
        near.into_iter().map(|near| Ok((view.at_rest(near, &[])?, view.at_rest(near, &done)?))).collect::<StoreResult<_>>()?;
    Ok(format!("{rests:?} {:?}", view.at_rest(near[2], std::slice::from_ref(&task.id))?))
}

/// The newest events of a task and those before them, and its first ones.
fn history(view: &dyn View, id: &TaskId) -> StoreResult<[Vec<u64>; 3]> {
    let newest = EventFilter { subject: Some(id.to_string()), newest: true, limit: 2, bytes_max: usize::MAX, ..EventFilter::default() };
    let numbers = |filter: &EventFilter| Ok(view.events(filter)?.iter().map(|event| event.seq).collect::<Vec<_>>());
    let last = numbers(&newest)?;
    let before = numbers(&EventFilter { before_seq: last.first().copied(), ..newest.clone() })?;
    let first = numbers(&EventFilter { newest: false, before_seq: last.first().copied(), ..newest })?;
    Ok([last, before, first])
}

fn ids(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}
