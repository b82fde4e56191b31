"""Oarlock: coordination for coding agents that work on one repository.

    from oarlock import Oarlock

    ada = Oarlock()                      # the project of the current directory
    ada.join(name="ada", role="builder")  # a session that stands for this process
    claim = ada.claim(wait="30s")
    ada.done(id=claim["task"]["id"], result="made")

Every verb of the command line that needs a store is a method; its arguments are the
flags with ``_`` for ``-``, and its operands by name (``id``, ``ids``, ``title``, ``to`` ...).
Requests and replies are the JSON of the command line's contract.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Union

from . import _ralf
from ._oarlock import Failure, Handle

__all__ = ["Oarlock", "OarlockError", "verbs"]

if TYPE_CHECKING:
    from ._verbs import Verbs as _Verbs
else:
    _Verbs = object

Reply = Dict[str, Any]


class OarlockError(Exception):
    """What Oarlock refuses or fails at.

    ``code`` is a word of the contract (``lease_held``, ``not_found`` ...), ``hint`` says what to do
    next, ``details`` has facts, and ``retryable`` whether the same call may succeed later.
    """

    def __init__(self, error: Dict[str, Any]) -> None:
        super().__init__(error.get("message", "unknown"))
        self.code: str = error.get("code", "internal")
        self.message: str = error.get("message", "unknown")
        self.hint: str = error.get("hint", "")
        self.retryable: bool = bool(error.get("retryable", False))
        self.details: Dict[str, Any] = error.get("details") or {}


def _error_of(failure: Failure) -> OarlockError:
    _, text = failure.args
    told = json.loads(text)
    return OarlockError(told.get("error", told))


class Oarlock(_Verbs):
    """A store and who calls it. Each verb is a method, with its types. Calls may come from any thread; they are made one after the other."""

    def __init__(self, store: Optional[Union[str, "os.PathLike[str]"]] = None) -> None:
        """Opens the store that ``OARLOCK_STORE`` names, else that of the project of the current directory; or ``store``:

        the path of a file, made when it is not there, or a URL: ``http(s)://HOST:PORT`` or ``unix:PATH`` of a gateway, ``sqlite:PATH`` of a
        store that is there.

        Raises :class:`OarlockError` (``not_found``) when there is no project.
        """
        try:
            self._handle = Handle.open(None if store is None else os.fspath(store))
        except Failure as failure:
            raise _error_of(failure) from None

    def call(self, verb: str, *, idempotency_key: Optional[str] = None, **request: Any) -> Reply:
        """Calls a verb. With ``idempotency_key`` it happens once, however often it is called.

        Fields that are ``None`` are left out; one that is a word of Python, such as ``from``, is written ``from_``.
        Raises :class:`OarlockError`.
        """
        fields = {name.rstrip("_"): value for name, value in request.items() if value is not None}
        try:
            reply: Reply = json.loads(self._handle.call(verb, _ralf.json_of(fields), idempotency_key))
        except Failure as failure:
            raise _error_of(failure) from None
        return reply

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Reply]:
            verb = name.replace("_", "-")
            if name.startswith("_") or verb not in verbs():
                raise AttributeError(f"{type(self).__name__!r} has no verb {verb!r}")

            def method(*, idempotency_key: Optional[str] = None, **request: Any) -> Reply:
                return self.call(verb, idempotency_key=idempotency_key, **request)

            method.__name__ = name
            method.__doc__ = verbs()[verb]
            return method

    def __dir__(self) -> List[str]:
        return sorted({*super().__dir__(), *(verb.replace("-", "_") for verb in verbs())})


def verbs() -> Dict[str, str]:
    """The verbs that can be called, each with a line of help."""
    return dict(Handle.verbs())
