"""The project that the RALF modules speak of: that of the agents' own variables, or of the current directory."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Callable, Dict, Optional, Union

from ._oarlock import Failure, RalfProject

PathLike = Union[str, "os.PathLike[str]"]

_projects: Dict[str, RalfProject] = {}


def project(at: Optional[PathLike] = None) -> Optional[RalfProject]:
    """A handle of the project, one for each root and process: a child of a fork opens its own."""
    where = os.fspath(at) if at is not None else RalfProject.around(os.getcwd())
    if where is None:
        return None
    key = f"{os.getpid()}:{where}"
    known = _projects.get(key)
    if known is None:
        known = _projects[key] = RalfProject(where)
    return known


def project_of(file: PathLike) -> RalfProject:
    """The project that a file lies in, or its folder."""
    folder = os.path.dirname(os.path.abspath(file))
    found = project(RalfProject.find_root(folder) or folder)
    assert found is not None
    return found


def project_with(task_file: PathLike) -> RalfProject:
    """The project that a task belongs to: that of its file, else the one around, where its name is looked for."""
    path = os.path.abspath(task_file)
    root = RalfProject.find_root(os.path.dirname(path)) if os.path.isfile(path) else None
    return project(root) or project_of(task_file)


def own_file(of: Callable[[RalfProject], Path], otherwise: str) -> str:
    """A file of the project around, else where one of the older layout has it, from its root."""
    found = project()
    return otherwise if found is None else str(of(found))


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} cannot be put into JSON")


json_of = json.JSONEncoder(default=_plain, allow_nan=False).encode
"""A value as JSON text; what JSON does not have is a ``ValueError`` or a ``TypeError``."""


def seconds(value: float, what: str) -> float:
    """A number of seconds; anything else is a ``TypeError``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} is a number of seconds, not {value!r}")
    return float(value)


def kind_and_message(failure: Failure) -> "tuple[str, str]":
    """What failed: ``lock``, ``missing``, ``files``, or the code of the store's error; and in words."""
    kind, text = failure.args
    told = json.loads(text)
    if kind != "op":
        return kind, told["message"]
    error = told.get("error", told)
    hint = error.get("hint")
    message = f"{error['message']} ({hint})" if hint else error["message"]
    return error["code"], message
