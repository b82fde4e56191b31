"""Which agents are running: those with a fresh heartbeat.

They are looked for in ``heartbeat.yaml`` of the project around the current directory (or the one that
``RALF_PROJECT_DIR`` or ``RALF_PROJECT_ROOT`` names). In a project that is attached to an Oarlock store, agents that use
the store are found as well. A heartbeat from the future counts from the moment its file was written; a damaged
file is read block by block.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import List, Optional

from oarlock import _ralf
from oarlock._oarlock import Failure

__all__ = ["AGENT_TIMEOUT_SECONDS", "AgentInfo", "can_coordinate", "count_active_agents", "discover_agents", "get_agent_info"]

AGENT_TIMEOUT_SECONDS = 120
"""Seconds without a heartbeat after which an agent counts as gone."""


@dataclass
class AgentInfo:
    """An agent that was seen."""

    agent_id: str
    """Its name, for example ``executor``."""
    last_seen: str
    """When, ISO 8601 in UTC; empty when it never was."""
    status: str = ""
    """Free text, for example ``running``."""
    current_action: str = ""
    """What it says it is doing."""

    def is_active(self, timeout_seconds: Optional[float] = None) -> bool:
        """Whether it was seen within so many seconds from now."""
        timeout = AGENT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        try:
            seen = datetime.fromisoformat(self.last_seen.replace("Z", "+00:00"))
        except ValueError:
            return False
        return (datetime.now(timezone.utc) - seen).total_seconds() <= timeout


def discover_agents(timeout_seconds: Optional[float] = None, heartbeat_file: Optional[_ralf.PathLike] = None) -> List[AgentInfo]:
    """The agents that were seen within ``timeout_seconds`` (default ``AGENT_TIMEOUT_SECONDS``).

    ``heartbeat_file`` is another file, which is then all that is looked at. Without a project or a file there are none.
    Raises ``OSError`` when the file cannot be read.
    """
    project = _ralf.project_of(heartbeat_file) if heartbeat_file is not None else _ralf.project()
    if project is None:
        return []
    timeout = _ralf.seconds(AGENT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds, "timeout_seconds")
    try:
        return [AgentInfo(*seen) for seen in project.agents(int(min(max(timeout, 0.0), 1e12) * 1000), heartbeat_file)]
    except Failure as failure:
        raise OSError(_ralf.kind_and_message(failure)[1]) from None


def get_agent_info(
    agent_id: str, timeout_seconds: Optional[float] = None, heartbeat_file: Optional[_ralf.PathLike] = None
) -> Optional[AgentInfo]:
    """The agent of this name, if it is there."""
    return next((agent for agent in discover_agents(timeout_seconds, heartbeat_file) if agent.agent_id == agent_id), None)


def count_active_agents(timeout_seconds: Optional[float] = None, heartbeat_file: Optional[_ralf.PathLike] = None) -> int:
    """How many agents are there."""
    return len(discover_agents(timeout_seconds, heartbeat_file))


def can_coordinate(
    min_agents: int = 2, timeout_seconds: Optional[float] = None, heartbeat_file: Optional[_ralf.PathLike] = None
) -> bool:
    """Whether there are enough agents to work together."""
    return count_active_agents(timeout_seconds, heartbeat_file) >= min_agents
