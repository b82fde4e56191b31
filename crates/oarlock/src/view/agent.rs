//! Agents as text.

use oarlock_ops::agent::{AgentsReply, HeartbeatReply, JoinReply, LeaveReply, ShowAgentReply};
use oarlock_ops::shapes::AgentShape;

use super::{Cell, Page, View, duration, joined, known, list_goes_on, news_lines, safe, shown, texts};

fn agent_table(page: &mut Page, agents: &[AgentShape]) {
    if agents.is_empty() {
        page.line("no agents");
        return;
    }
    let row = |agent: &AgentShape| {
        vec![
            Cell::bold(shown(&agent.name)),
            Cell::state(agent.state.as_str()),
            Cell::new(agent.activity.as_str()),
            Cell::new(known(agent.role.as_ref())),
            Cell::new(joined(&agent.capabilities)),
            Cell::new(joined(&agent.claims)),
            Cell::new(duration(agent.age_ms)),
            Cell::new(known(agent.action.as_ref())),
        ]
    };
    page.table(&["AGENT", "STATE", "ACTIVITY", "ROLE", "CAN", "HOLDS", "SEEN", "ACTION"], agents.iter().map(row));
}

fn describe(page: &mut Page, agent: &AgentShape) {
    let role = agent.role.as_ref().map(|role| format!(" ({})", shown(role))).unwrap_or_default();
    let state = page.paint.state(agent.state.as_str());
    page.line(format_args!("{}{role} is {state}, {}", page.paint.bold(&shown(&agent.name)), agent.activity.as_str()));
    page.line(format_args!("  session {}, seen {} ago", shown(&agent.session), duration(agent.age_ms)));
    for (name, word) in [("status", &agent.status), ("action", &agent.action), ("program", &agent.program)] {
        if let Some(word) = word {
            page.line(format_args!("  {name}: {}", safe(word)));
        }
    }
    if !agent.host.is_empty() {
        page.line(format_args!("  host: {}", safe(&agent.host)));
    }
    page.ids("  can", &texts(&agent.capabilities));
    page.ids("  holds", &agent.claims);
}

impl View for JoinReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        describe(page, &self.agent);
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.agent.name])
    }
}

impl View for AgentsReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        agent_table(page, &self.agents);
    }

    fn ids(&self) -> Vec<String> {
        texts(self.agents.iter().map(|agent| &agent.name))
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
    }
}

impl View for ShowAgentReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        describe(page, &self.agent);
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.agent.name])
    }
}

impl View for HeartbeatReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if page.full {
            describe(page, &self.agent);
        }
        let how = if self.unread > 0 { " (oarlock inbox)" } else { "" };
        page.line(format_args!("  leases renewed: {}, unread messages: {}{how}", self.renewed, self.unread));
        news_lines(page, &self.lost, &self.cancelled, &self.blocked, &self.reservations_ended);
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.agent.name])
    }
}

impl View for LeaveReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        match self.released.is_empty() {
            true => page.line("released: none"),
            false => page.ids("given back", &self.released),
        }
    }
}
