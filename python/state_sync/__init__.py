"""How each agent is, for all to see: ``agents.<id>`` of ``agent-state.yaml``, edited in place under the project's locks.

In a project that is attached to an Oarlock store, states are entries of the store, and ``oarlock ralf sync`` carries
them over to the file and back.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional

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
]

LOCK_TIMEOUT = 30
"""Seconds for which a lock is waited for."""

DEFAULT_STATE_FILE = ".autonomous/communications/agent-state.yaml"
"""Where a project of the older layout keeps its states, from its root. Without ``state_file`` the project's own file is meant."""

State = Dict[str, Any]


class StateLockError(Exception):
    """Somebody else held the lock for longer than the timeout. Nothing was changed; try again later."""


class StateSyncError(Exception):
    """The state could not be read or written. Nothing was changed."""


def _project(state_file: Optional[_ralf.PathLike]) -> RalfProject:
    project = _ralf.project_of(state_file) if state_file is not None else _ralf.project()
    if project is None:
        raise StateSyncError("there is no project around the current directory; name a state_file, or set RALF_PROJECT_DIR")
    return project


def _raised(failure: Failure) -> Exception:
    kind, message = _ralf.kind_and_message(failure)
    return StateLockError(message) if kind in ("lock", "store_busy") else StateSyncError(message)


def _timeout(timeout: Optional[float]) -> float:
    return _ralf.seconds(LOCK_TIMEOUT if timeout is None else timeout, "timeout")


def sync_agent_state(
    agent_id: str, state: Mapping[str, Any], state_file: Optional[_ralf.PathLike] = None, timeout: Optional[float] = None
) -> bool:
    """Merges ``state`` into the agent's state, with ``last_update`` set to now unless it is given. Returns ``True``.

    ``state_file`` is another file, which is then all that is written. Locks are waited for ``timeout`` seconds
    (default ``LOCK_TIMEOUT``). Raises :class:`StateLockError` or :class:`StateSyncError`.
    """
    fields = {"last_update": datetime.now(timezone.utc).isoformat(), **state}
    try:
        _project(state_file).sync_state(agent_id, _ralf.json_of(fields), state_file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True


def get_all_states(state_file: Optional[_ralf.PathLike] = None) -> Dict[str, State]:
    """All agents' states, by name; none when there is no file. Raises :class:`StateSyncError` for a damaged one."""
    try:
        states: Dict[str, State] = json.loads(_project(state_file).states(state_file))
    except Failure as failure:
        raise _raised(failure) from None
    return states


def get_agent_state(agent_id: str, state_file: Optional[_ralf.PathLike] = None) -> Optional[State]:
    """An agent's state, if it has one."""
    return get_all_states(state_file).get(agent_id)


def clear_agent_state(agent_id: str, state_file: Optional[_ralf.PathLike] = None, timeout: Optional[float] = None) -> bool:
    """Takes an agent's state away; one that is not there is no error. Returns ``True``."""
    try:
        _project(state_file).clear_state(agent_id, state_file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True


def reset_all_states(state_file: Optional[_ralf.PathLike] = None, timeout: Optional[float] = None) -> bool:
    """Takes all states away. A file that cannot be understood is kept beside the new one. Returns ``True``."""
    try:
        _project(state_file).reset_states(state_file, _timeout(timeout))
    except Failure as failure:
        raise _raised(failure) from None
    return True
