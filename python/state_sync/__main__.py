"""``python -m state_sync``: six tests of the states, in a file of their own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from state_sync import StateLockError, StateSyncError, clear_agent_state, get_agent_state, get_all_states, sync_agent_state

AGENT = "state_sync_test"
OTHER = "state_sync_test_other"
PASSED, FAILED = "\u2705", "\u274c"


def _tests(file: str) -> List[Tuple[str, Callable[[], bool]]]:
    def write() -> bool:
        return sync_agent_state(AGENT, {"status": "working", "progress": 50}, file)

    def read() -> bool:
        state = get_agent_state(AGENT, file)
        return state is not None and (state["status"], state["progress"]) == ("working", 50)

    def read_all() -> bool:
        sync_agent_state(OTHER, {"status": "completed"}, file)
        return {AGENT, OTHER} <= set(get_all_states(file))

    def metadata() -> bool:
        state = get_agent_state(AGENT, file)
        text = Path(file).read_text(encoding="utf-8")
        return state is not None and "last_update" in state and "last_updated:" in text and f"updated_by: {OTHER}" in text

    def active() -> bool:
        working = [name for name, state in get_all_states(file).items() if state.get("status") == "working"]
        return AGENT in working and OTHER not in working

    def clear() -> bool:
        return all(clear_agent_state(name, file) and get_agent_state(name, file) is None for name in (AGENT, OTHER))

    return [
        ("State write", write),
        ("State read", read),
        ("Read all states", read_all),
        ("Metadata", metadata),
        ("Active agents", active),
        ("State clear", clear),
    ]


def _run(file: str) -> int:
    passed = 0
    tests = _tests(file)
    for number, (name, test) in enumerate(tests, 1):
        why = ""
        try:
            is_passed = test()
        except (OSError, StateLockError, StateSyncError) as error:
            is_passed, why = False, f" {error}"
        passed += is_passed
        print(f"{number}. {name}: {PASSED if is_passed else FAILED}{why}")
    print(f"{'All ' if passed == len(tests) else ''}{passed} of {len(tests)} tests passed")
    return 0 if passed == len(tests) else 1


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the tests. Exit code 0, or 1 when one fails."""
    parser = argparse.ArgumentParser(prog="state_sync", description="Tries writing, reading and clearing states.")
    parser.add_argument("state_file", nargs="?", help="the file to try it in (default: one of its own, which goes again)")
    wanted = parser.parse_args(arguments)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    if wanted.state_file is not None:
        return _run(wanted.state_file)
    with tempfile.TemporaryDirectory() as folder:
        return _run(str(Path(folder) / "agent-state.yaml"))


if __name__ == "__main__":
    sys.exit(main())
