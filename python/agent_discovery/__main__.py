"""``python -m agent_discovery``: who is there, and whether they can work together."""

from __future__ import annotations

import argparse
import sys
from typing import List, Optional

from agent_discovery import AGENT_TIMEOUT_SECONDS, AgentInfo, discover_agents


def _line(agent: AgentInfo) -> str:
    said = ", ".join(text for text in (agent.status, agent.current_action) if text) or "says nothing"
    return f"  {agent.agent_id}: {said} (loop {agent.loop_number}, run {agent.run_number}), seen {agent.last_seen or 'never'}"


def _names(agents: List[AgentInfo]) -> str:
    return f" ({', '.join(agent.agent_id for agent in agents)})" if agents else ""


def main(arguments: Optional[List[str]] = None) -> int:
    """Prints the agents. Exit code 0, or 1 when the file cannot be read."""
    parser = argparse.ArgumentParser(prog="agent_discovery", description="Shows which agents are running.")
    parser.add_argument("heartbeat_file", nargs="?", help="another file than that of the project around the current directory")
    parser.add_argument("--timeout", type=float, default=AGENT_TIMEOUT_SECONDS, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--min-agents", type=int, default=2, metavar="N", help="so many can work together (default: %(default)s)")
    wanted = parser.parse_args(arguments)
    try:
        there = discover_agents(wanted.heartbeat_file, wanted.timeout)
        known = discover_agents(wanted.heartbeat_file, float("inf"))
    except OSError as error:
        print(f"agent_discovery: {error}", file=sys.stderr)
        return 1
    names = {agent.agent_id for agent in there}
    gone = [agent for agent in known if agent.agent_id not in names]
    print(f"Agent Discovery: Found {len(there)} active agent{'' if len(there) == 1 else 's'}{_names(there)}")
    for agent in there:
        print(_line(agent))
    if gone:
        print(f"Inactive: {len(gone)}{_names(gone)}")
        for agent in gone:
            print(_line(agent))
    can = "available" if len(there) >= wanted.min_agents else "NOT available"
    print(f"Coordination: {can} (need {wanted.min_agents}+, have {len(there)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
