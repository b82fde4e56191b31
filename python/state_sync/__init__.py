"""How each agent is, for all to see: ``agents.<id>`` of ``agent-state.yaml``, edited in place under the project's locks.

The file itself is locked too, as older modules of this name do: beside one of these no update is lost. In a project that is
attached to an Oarlock store, states are entries of the store, and ``oarlock ralf sync`` carries them over to the file and back.

``python -m state_sync`` tries all of it in a file of its own.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional, Union

from oarlock import _ralf
from oarlock._oarlock import Failure, RalfProject

__all__ = [
    "DEFAULT_STATE_FILE",
    "LOCK_TIMEOUT",
    "StateLockError",
    "StateSyncError",
    "clear_agent_state",
    "get_agent_state",
    "get_all_states",
    "reset_all_states",
    "sync_agent_state",
    "sync_state",
]

LOCK_TIMEOUT = 30
"""Seconds for which a lock is waited for."""

DEFAULT_STATE_FILE: str
"""The project's own file of states, looked up when it is asked for; what is assigned to it is used instead."""

State = Dict[str, Any]


def __getattr__(name: str) -> Any:
    if name == "DEFAULT_STATE_FILE":
        return _ralf.own_file(RalfProject.state_file, ".autonomous/communications/agent-state.yaml")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class StateLockError(Exception):
    """Somebody else held the lock for longer than the timeout. Nothing was changed; try again later."""


class StateSyncError(Exception):
    """The state could not be read or written. Nothing was changed."""


def _project(state_file: Optional[_ralf.PathLike]) -> "tuple[RalfProject, Optional[_ralf.PathLike]]":
    """Where is looked, and in which file if it is not the project's own."""
    file = state_file if state_file is not None else globals().get("DEFAULT_STATE_FILE")
    if file is not None:
        return _ralf.project_of(file), file
    project = _ralf.project()
    if project is None:
        why = RalfProject.why_none(os.getcwd())
        raise StateSyncError(f"{why}; name a state_file, or set RALF_PROJECT_DIR to the project")
    return project, None


def _raised(failure: Failure) -> Exception:
    kind, message = _ralf.kind_and_message(failure)
    return StateLockError(message) if kind in ("lock", "store_busy") else StateSyncError(message)


def _timeout(timeout: Optional[float]) -> float:
    return _ralf.seconds(LOCK_TIMEOUT if timeout is None else timeout, "timeout")


def sync_agent_state(
    agent_id: str,
    state: Mapping[str, Any],
    state_file: Union[_ralf.PathLike, float, None] = None,
    timeout: Optional[float] = None,
) -> bool:
    """Merges ``state`` into the agent's state, with ``last_update`` set to now unless it is given. Returns ``True``.

    ``state_file`` is another file than the project's own, which is then all that is written; its folder is made when it is
    missing. A number in its place is the timeout. Locks are waited for ``timeout`` seconds (default ``LOCK_TIMEOUT``).
    Raises :class:`StateLockError` or :class:`StateSyncError`.
    """
    if isinstance(state_file, (int, float)):
        state_file, timeout = None, state_file if timeout is None else timeout
    fields = {"last_update": datetime.now(timezone.utc).isoformat(), **state}
    project, file = _project(state_file)
    try:
        project.sync_state(agent_id, _ralf.json_of(fields), file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True


sync_state = sync_agent_state
"""The same, under the name that the project's own integration tests look for."""


def get_all_states(state_file: Optional[_ralf.PathLike] = None) -> Dict[str, State]:
    """All agents' states, by name; none when there is no file. Raises :class:`StateSyncError` for a damaged one."""
    project, file = _project(state_file)
    try:
        states: Dict[str, State] = json.loads(project.states(file))
    except Failure as failure:
        raise _raised(failure) from None
    return states


def get_agent_state(agent_id: str, state_file: Optional[_ralf.PathLike] = None) -> Optional[State]:
    """An agent's state, if it has one."""
    return get_all_states(state_file).get(agent_id)


def clear_agent_state(agent_id: str, state_file: Optional[_ralf.PathLike] = None, timeout: Optional[float] = None) -> bool:
    """Takes an agent's state away; one that is not there is no error. Returns ``True``."""
    project, file = _project(state_file)
    try:
        project.clear_state(agent_id, file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True


def reset_all_states(state_file: Optional[_ralf.PathLike] = None, timeout: Optional[float] = None) -> bool:
    """Takes all states away. A file that cannot be understood is kept beside the new one. Returns ``True``."""
    project, file = _project(state_file)
    try:
        project.reset_states(file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True
