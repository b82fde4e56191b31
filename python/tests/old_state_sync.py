"""The state module that projects had first, as their records describe it: it opens the file, locks the file itself, reads all of it,
changes it, and writes it anew in place. For the tests of what stands beside it.

``old_state_sync.py FILE AGENT [FROM [DIES_AT]]`` updates until it is asked to end, and prints each number once its update is
written. At the number DIES_AT it is killed with the lock in its hand, before it writes.
"""

import fcntl
import os
import signal
import sys
import time
from datetime import datetime, timezone

import yaml

MAX_RETRIES = 5
RETRY_DELAY = 0.1


class StateLockError(Exception):
    """The lock could not be had."""


def acquire_lock(file, timeout):
    start = time.monotonic()
    while time.monotonic() - start < timeout:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.001)
    return False


def sync_agent_state(agent_id, state, state_file, timeout=30, dies=False):
    for attempt in range(MAX_RETRIES):
        with open(state_file, "a+") as file:
            if not acquire_lock(file, timeout):
                time.sleep(RETRY_DELAY * 2**attempt)
                continue
            try:
                file.seek(0)
                data = yaml.safe_load(file) or {}
                now = datetime.now(timezone.utc).isoformat()
                agents = data.setdefault("agents", {})
                agents[agent_id] = {**agents.get(agent_id, {}), **state, "last_update": now}
                data["metadata"] = {"last_updated": now, "updated_by": agent_id}
                if dies:
                    os.kill(os.getpid(), signal.SIGKILL)
                file.seek(0)
                file.truncate()
                yaml.dump(data, file, default_flow_style=False)
                file.flush()
                return True
            finally:
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
    raise StateLockError(f"Failed to acquire lock after {MAX_RETRIES} attempts")


def main(file, agent, n=0, dies_at=0):
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    while not asked:
        n += 1
        sync_agent_state(agent, {f"k{n % 50}": n}, file, dies=n == dies_at)
        print(n, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
