"""Splitting a task file into parts and giving them to agents.

What is not shown to be independent stays in one part or keeps its order: a wrong split costs more than none. The parts
get files of their own beside the task's (``TASK-001-SUB1.md``, or ``TASK-001-SUB1/task.md`` where tasks have folders);
in a project that is attached to an Oarlock store they are tasks of the store too, which no two agents can claim. A task of
less than 2,001 characters, 5 steps or 30 minutes is never split.

``python -m task_distribution`` shows which of the open tasks can be split, and why the others cannot.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Optional, Union

from agent_discovery import AgentInfo
from oarlock import OarlockError, _ralf
from oarlock._oarlock import Failure, RalfProject

__all__ = ["SubTask", "analyze_task_structure", "can_parallelize", "distribute_task"]

LOCK_TIMEOUT = 30
"""Seconds for which a lock of the files is waited for."""

MAX_SUBTASKS = 3
"""So many parts a task is split into at most, unless something else is asked for."""


@dataclass
class SubTask:
    """A part of a task. It can be put into a set: its id tells it apart."""

    parent_task_id: str
    sub_task_id: str
    assigned_agent: str
    """Who is to do it; empty when it is open to all."""
    status: str
    """``pending`` for a new one."""
    description: str
    depends_on: List[str] = field(default_factory=list)
    """The parts that come before it."""
    writes: List[str] = field(default_factory=list)
    """The files that it writes, as globs, as far as they are known."""
    estimate_minutes: Optional[int] = None

    def __hash__(self) -> int:
        return hash(self.sub_task_id)


def _project(task_file: _ralf.PathLike, max_subtasks: Optional[int]) -> RalfProject:
    if max_subtasks is not None and not 1 <= max_subtasks <= 1000:
        raise ValueError(f"max_subtasks is {max_subtasks}; it goes from 1 to 1000")
    return _ralf.project_with(task_file)


def _raised(failure: Failure) -> Exception:
    kind, message = _ralf.kind_and_message(failure)
    if kind == "missing":
        return FileNotFoundError(message)
    if kind in ("lock", "files"):
        return OSError(message)
    return OarlockError({"code": kind, "message": message})


def _plan(task_file: _ralf.PathLike, max_subtasks: Optional[int]) -> Dict[str, Any]:
    project = _project(task_file, max_subtasks)
    try:
        plan: Dict[str, Any] = json.loads(project.plan(task_file, [], max_subtasks))
    except Failure as failure:
        raise _raised(failure) from None
    return plan


def can_parallelize(task_file: _ralf.PathLike, max_subtasks: Optional[int] = None) -> bool:
    """Whether agents can work on parts of a task at once, at most ``max_subtasks`` of them, and gain by it.

    ``oarlock split TASK --dry-run`` gives the same answer, and :func:`analyze_task_structure` its reason.

    ``task_file`` is a path, or a name in the project's folders of active tasks. Raises ``FileNotFoundError`` when there
    is none.
    """
    return bool(_plan(task_file, max_subtasks)["parallelizable"])


def analyze_task_structure(task_file: _ralf.PathLike, max_subtasks: Optional[int] = None) -> Dict[str, Any]:
    """What the task is made of: ``can_parallelize`` and the ``reason`` where it is not, its ``steps`` with their lines, the
    ``subtasks`` that it would become, the ``waves`` in which they run, and the minutes with
    (``makespan_minutes``) and without (``serial_minutes``) a split."""
    plan = _plan(task_file, max_subtasks)
    return {"can_parallelize": bool(plan["parallelizable"]), "reason": "", **plan}


def distribute_task(
    task_file: _ralf.PathLike, available_agents: Iterable[Union[str, AgentInfo]], max_subtasks: int = MAX_SUBTASKS
) -> List[SubTask]:
    """Splits a task into at most ``max_subtasks`` parts, gives each to one of the agents, and makes their files.

    An empty list comes back, and nothing is made, when the task is better done as a whole
    (:func:`analyze_task_structure` says why). Raises ``ValueError`` without any agent, ``FileNotFoundError`` when there is no such
    task, and :class:`oarlock.OarlockError` (``already_exists``) when it was split before.
    """
    agents = [agent.agent_id if isinstance(agent, AgentInfo) else agent for agent in available_agents]
    if not agents:
        raise ValueError("there is no agent to give the parts to")
    project = _project(task_file, max_subtasks)
    try:
        task, parts = project.distribute(task_file, agents, max_subtasks, float(LOCK_TIMEOUT))
    except Failure as failure:
        raise _raised(failure) from None
    return [
        SubTask(task, part_id, assigned or "", "pending", title, depends_on, writes, minutes)
        for part_id, assigned, title, depends_on, writes, minutes in parts
    ]
