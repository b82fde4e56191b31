//! Who is there in a project of RALF's, for those who list agents and for those who give them work.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use oarlock_model::AgentName;
use oarlock_model::agent::Agent;
use oarlock_model::identity::StoreId;
use oarlock_model::rules::liveness::AgentState;
use oarlock_ops::presence;
use oarlock_ops::store::{StoreResult, View};
use oarlock_ralf::{PROGRAM, SyncState, may_work};
use oarlock_sqlite::Synchronous;

use super::{AgentSeen, EVER_MS, Ralf, RalfError, of_file, other};

/// Who had joined a store at some event of it, and who of them had left again. Only events change that.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// The store, and the number of its last event; none where nothing was read.
    at: Option<(StoreId, u64)>,
    live: BTreeSet<String>,
    ended: BTreeSet<String>,
}

impl Joined {
    /// As it is now. `agents` gives all that the store has, in the order of their names; it is asked only if something has happened since.
    pub(super) fn renew<'a>(&mut self, view: &dyn View, agents: impl FnOnce() -> StoreResult<Cow<'a, [Agent]>>) -> StoreResult<()> {
        let now = Some((view.identity().id(), view.last_seq()?));
        if self.at == now {
            return Ok(());
        }
        let agents = agents()?;
        self.at = now;
        // Most events are about something else.
        let names = |is_live: bool| agents.iter().filter(move |agent| agent.is_live() == is_live).map(|agent| agent.name.as_str());
        let is_as = |known: &BTreeSet<String>, is_live| known.iter().map(String::as_str).eq(names(is_live));
        if !(is_as(&self.live, true) && is_as(&self.ended, false)) {
            self.live = names(true).map(str::to_owned).collect();
            self.ended = names(false).map(str::to_owned).collect();
        }
        Ok(())
    }

    /// Whether an agent of this name had joined and not left again.
    pub(super) fn is_live(&self, name: &str) -> bool {
        self.live.contains(name)
    }

    /// Whether the store knows an agent of this name, also one that has left.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.live.contains(name) || self.ended.contains(name)
    }
}

impl Ralf {
    /// The agent of this name, also when it is there no more, with its known facts.
    ///
    /// # Errors
    /// As [`Ralf::agents`].
    pub fn agent(&mut self, name: &str, file: Option<&Path>) -> Result<Option<AgentSeen>, RalfError> {
        let is_active = self.agents(None, file)?.iter().any(|agent| agent.agent_id == name);
        let mut seen = self.agents(Some(EVER_MS), file)?.into_iter().find(|agent| agent.agent_id == name);
        if seen.is_none() && may_work(name) {
            // Who has left is in the files still.
            let files = self.files(Duration::ZERO);
            let agents = match other(file, || files.heartbeat_file()) {
                Some(file) => files.agents(file, None)?,
                None => files.all_agents(None, &SyncState::default())?,
            };
            seen = agents.into_iter().find(|agent| agent.name == name).map(of_file);
        }
        Ok(seen.map(|seen| AgentSeen { is_active, ..seen }))
    }

    /// Those of these names that may be given work: no templates and runs, and nobody who has left. A name that was never seen may be yet to come.
    pub(super) fn who_may_work(&mut self, names: &[String]) -> Result<Vec<String>, RalfError> {
        if let Some(opened) = self.opened()? {
            opened.look(|_| Ok(()))?;
        }
        self.those_who_may_work(names)
    }

    /// The same, by the last look at the store.
    pub(super) fn those_who_may_work(&self, names: &[String]) -> Result<Vec<String>, RalfError> {
        let nobody = Joined::default();
        let Joined { live, ended, .. } = self.store.as_ref().map_or(&nobody, |opened| &opened.joined);
        // Of whom the store knows that it is there, the files have nothing to say.
        let mut gone = BTreeSet::new();
        if !names.iter().all(|name| live.contains(name)) {
            let remembered = SyncState::read(&self.project.dir()).ok().flatten().unwrap_or_default();
            let agents = self.files(Duration::ZERO).all_agents(None, &remembered)?;
            let is_active = |name: &str| agents.iter().any(|known| known.state == "active" && known.name == name);
            gone.extend(agents.iter().filter(|agent| agent.state == "left").map(|agent| agent.name.clone()));
            gone.retain(|name| !live.contains(name));
            gone.extend(ended.iter().filter(|name| !is_active(name)).cloned());
        }
        Ok(names.iter().filter(|name| may_work(name) && !gone.contains(*name)).cloned().collect())
    }
}

/// Judges the agents of a project that was read: with the remembered heartbeats where it is attached, and by the store for those who use that. A project
/// that is not attached, or whose store cannot be read now, is judged by its files alone.
pub fn judge_agents(read: &mut oarlock_ralf::Project, root: &Path, now_ms: i64) {
    let mut ralf = Ralf::new(root, Synchronous::Full);
    if !matches!(ralf.is_attached(), Ok(true)) {
        return;
    }
    let attached = SyncState::read(&ralf.project.dir()).ok().flatten().unwrap_or_default();
    read.judge_agents(&attached, now_ms);
    let Some(opened) = &mut ralf.store else { return };
    let owners = opened.store.owners();
    let Ok(view) = opened.store.snapshot() else { return };
    let now = view.now();
    for agent in &mut read.agents {
        let known = AgentName::parse(&agent.name).ok().and_then(|name| view.agent(&name).ok().flatten());
        if let Some(known) = known.filter(|known| known.program.as_deref() != Some(PROGRAM)) {
            let state = match presence::state(&*owners, &known, now) {
                AgentState::Active if presence::death_proof(&*owners, &known, now).is_some() => AgentState::Lost,
                state => state,
            };
            agent.state = state.as_str();
        }
    }
}
