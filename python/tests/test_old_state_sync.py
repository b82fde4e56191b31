"""Beside a state module of the first design, as real processes: no update that was acknowledged is lost, on either side."""

import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from state_sync import get_all_states, sync_agent_state

try:
    import yaml
except ImportError:
    yaml = None

OLD = Path(__file__).with_name("old_state_sync.py")
NEW = """
import sys
from state_sync import sync_agent_state
n = int(sys.argv[3])
while True:
    n += 1
    # Texts of very different length, so that the file shrinks and grows by pages.
    sync_agent_state(sys.argv[2], {f"k{n % 50}": n, "text": "x" * (n % 7 * 3000)}, sys.argv[1])
    print(n, flush=True)
"""
KILLS = 25


class Writer:
    """A process that updates the state of one agent and tells each number that it has written."""

    def __init__(self, arguments):
        self.process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE)
        self.told = 0

    def read(self, until):
        """Reads what it tells until it has told as much as that."""
        while self.told < until:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"the writer has ended with {self.process.wait()}")
            self.told = int(line)

    def end(self, how=signal.SIGKILL):
        """Ends it. Returns the last number that it told."""
        self.process.send_signal(how)
        rest = self.process.stdout.read().split(b"\n")
        # A number is whole when its line is.
        for line in rest[:-1]:
            self.told = int(line)
        self.process.stdout.close()
        self.process.wait()
        return self.told


@unittest.skipIf(yaml is None, "PyYAML is missing, which the old module needs")
class TestBesideTheOldModule(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.file = Path(self.dir.name) / "agent-state.yaml"

    def tearDown(self):
        self.dir.cleanup()

    def has(self, agent, told):
        """Every key has the last number that was acknowledged for it, or one of the update that was under way."""
        state = get_all_states(self.file)[agent]
        self.assertGreater(told, 0)
        for n in range(max(1, told - 49), told + 1):
            found = state[f"k{n % 50}"]
            self.assertTrue(found == n or found > told and found % 50 == n % 50, f"{agent}: k{n % 50} is {found} after {told}")

    def test_no_acknowledged_update_of_either_side_is_lost_though_both_are_killed_again_and_again(self):
        told = {"old": 0, "new": 0}
        for kill in range(KILLS):
            old = Writer([str(OLD), str(self.file), "old", str(told["old"]), str(told["old"] + 4 + kill % 3)])
            new = Writer(["-c", NEW, str(self.file), "new", str(told["new"])])
            old.told, new.told = told["old"], told["new"]
            try:
                # The old side dies with the lock in its hand, before it writes: what it leaves in the middle of writing is its own.
                old.read(told["old"] + 3)
                new.read(told["new"] + 3 + kill % 5)
                self.assertEqual(old.process.wait(timeout=60), -signal.SIGKILL)
            finally:
                told = {"old": old.end(), "new": new.end()}
            for agent in ("old", "new"):
                self.has(agent, told[agent])
        old = Writer([str(OLD), str(self.file), "old", str(told["old"])])
        old.told = told["old"]
        try:
            old.read(told["old"] + 5)
        finally:
            told["old"] = old.end(signal.SIGTERM)
        self.assertEqual(set(yaml.safe_load(self.file.read_text())["agents"]), {"old", "new"})
        for agent in ("old", "new"):
            self.has(agent, told[agent])

    def test_the_old_side_waits_for_ours_and_ours_for_the_old(self):
        sync_agent_state("new", {"n": 1}, self.file)
        held = open(self.file)
        fcntl.flock(held, fcntl.LOCK_EX)
        new = subprocess.Popen(
            [sys.executable, "-c", "import sys; from state_sync import sync_agent_state as s; print(s('new', {'n': 2}, sys.argv[1]))", str(self.file)],
            stdout=subprocess.PIPE,
        )
        try:
            # It cannot have written while the lock is held, however long it has been running.
            ready, _, _ = select.select([new.stdout], [], [], 0.5)
            self.assertEqual(ready, [])
            self.assertEqual(get_all_of(self.file)["new"]["n"], 1)
        finally:
            held.close()
        self.assertEqual(new.communicate(timeout=30)[0], b"True\n")
        self.assertEqual(get_all_states(self.file)["new"]["n"], 2)

    def test_the_file_stays_the_one_that_the_old_side_has_opened(self):
        sync_agent_state("new", {"n": 1}, self.file)
        before = os.stat(self.file).st_ino
        for n in range(5):
            sync_agent_state("new", {"n": n, "text": "x" * (5 - n) * 1000}, self.file)
        self.assertEqual(os.stat(self.file).st_ino, before)
        self.assertEqual(sorted(name for name in os.listdir(self.dir.name) if "copy" in name), [])


def get_all_of(file):
    """The states as the old side reads them, without waiting for anybody."""
    return yaml.safe_load(file.read_text())["agents"]


if __name__ == "__main__":
    unittest.main()
