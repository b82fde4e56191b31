"""Which agents are running: those with a fresh heartbeat.

They are looked for in ``heartbeat.yaml`` of the project that ``RALF_PROJECT_DIR`` or ``RALF_PROJECT_ROOT`` names, or that is
around the current directory. In a project that is attached to an Oarlock store, agents that use the store are found as well.
A heartbeat from the future counts from the moment its file was written; a damaged file is read block by block.

``python -m agent_discovery`` shows who is there.
"""

from __future__ import annotations

from itertools import starmap
from typing import Any, Dict, List, Optional

from oarlock import _ralf
from oarlock._oarlock import Failure, RalfProject

__all__ = [
    "AGENT_TIMEOUT_SECONDS",
    "DEFAULT_HEARTBEAT_FILE",
    "AgentInfo",
    "can_coordinate",
    "count_active_agents",
    "discover_agents",
    "get_agent_info",
]

AGENT_TIMEOUT_SECONDS = 120
"""Seconds without a heartbeat after which an agent counts as gone."""

DEFAULT_HEARTBEAT_FILE: str
"""The project's own file of heartbeats, looked up when it is asked for; what is assigned to it is used instead."""


def __getattr__(name: str) -> Any:
    if name == "DEFAULT_HEARTBEAT_FILE":
        return _ralf.own_file(RalfProject.heartbeat_file, ".autonomous/communications/heartbeat.yaml")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class AgentInfo:
    """An agent that was seen."""

    agent_id: str
    """Its name, for example ``executor``."""
    last_seen: str
    """When, ISO 8601 in UTC; empty when it never was."""
    status: str
    """Free text, for example ``running``."""
    current_action: str
    """What it says it is doing."""
    loop_number: int
    """How often its loop has gone round."""
    run_number: int
    """The number of its run."""
    _is_gone: bool = False

    def __init__(
        self,
        agent_id: str,
        last_seen: str,
        status: str = "",
        current_action: str = "",
        loop_number: int = 0,
        run_number: int = 0,
    ) -> None:
        self.agent_id = agent_id
        self.last_seen = last_seen
        self.status = status
        self.current_action = current_action
        self.loop_number = loop_number
        self.run_number = run_number

    def is_active(self, timeout_seconds: Optional[float] = None) -> bool:
        """Whether it was seen less than so many seconds ago, and has not left since. Never raises."""
        timeout = AGENT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        try:
            age = RalfProject.age_seconds(self.last_seen)
            return not self._is_gone and age is not None and age < timeout
        except Exception:
            return False

    def to_dict(self) -> Dict[str, Any]:
        """All of it as a dictionary, with ``is_active``."""
        return {
            "agent_id": self.agent_id,
            "last_seen": self.last_seen,
            "status": self.status,
            "current_action": self.current_action,
            "loop_number": self.loop_number,
            "run_number": self.run_number,
            "is_active": self.is_active(),
        }

    def __repr__(self) -> str:
        return f"AgentInfo(id={self.agent_id}, status={self.status}, active={self.is_active()})"


def _project(heartbeat_file: Optional[_ralf.PathLike]) -> "tuple[Optional[RalfProject], Optional[_ralf.PathLike]]":
    """Where is looked, and in which file if it is not the project's own."""
    file = heartbeat_file if heartbeat_file is not None else globals().get("DEFAULT_HEARTBEAT_FILE")
    if file is None:
        return _ralf.project(), None
    if isinstance(file, (int, float)):
        raise TypeError(f"heartbeat_file is a path, not {file!r}; write timeout_seconds={file!r}")
    return _ralf.project_of(file), file


def discover_agents(heartbeat_file: Optional[_ralf.PathLike] = None, timeout_seconds: Optional[float] = None) -> List[AgentInfo]:
    """The agents that were seen within ``timeout_seconds`` (default ``AGENT_TIMEOUT_SECONDS``).

    ``heartbeat_file`` is another file than the project's own, which is then all that is looked at. Without a project or a
    file there are none. Raises ``OSError`` when the file cannot be read.
    """
    timeout = _ralf.seconds(AGENT_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds, "timeout_seconds")
    project, file = _project(heartbeat_file)
    if project is None:
        return []
    try:
        return list(starmap(AgentInfo, project.agents(int(min(max(timeout, 0.0), 1e12) * 1000), file)))
    except Failure as failure:
        raise OSError(_ralf.kind_and_message(failure)[1]) from None


def get_agent_info(agent_id: str, heartbeat_file: Optional[_ralf.PathLike] = None) -> Optional[AgentInfo]:
    """What is known of the agent of this name, also when it is there no more: ``is_active()`` says so. ``None`` when it never was.

    Raises ``OSError`` when the file cannot be read.
    """
    project, file = _project(heartbeat_file)
    if project is None:
        return None
    try:
        found = project.agent(agent_id, file)
    except Failure as failure:
        raise OSError(_ralf.kind_and_message(failure)[1]) from None
    if found is None:
        return None
    seen, is_there = found
    info = AgentInfo(*seen)
    # One that has left or died is gone, however fresh the time in its block is.
    info._is_gone = not is_there and info.is_active()
    return info


def count_active_agents(heartbeat_file: Optional[_ralf.PathLike] = None, timeout_seconds: Optional[float] = None) -> int:
    """How many agents are there."""
    return len(discover_agents(heartbeat_file, timeout_seconds))


def can_coordinate(
    min_agents: int = 2, heartbeat_file: Optional[_ralf.PathLike] = None, timeout_seconds: Optional[float] = None
) -> bool:
    """Whether there are enough agents to work together."""
    return count_active_agents(heartbeat_file, timeout_seconds) >= min_agents
