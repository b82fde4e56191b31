"""A project of RALF agents in a folder of its own, for the tests of the modules."""

import os
import subprocess
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

COMMUNICATIONS = ".autonomous/communications"

# Long enough to be split at all, and nothing in it is work.
NOTES = "\n## Context\n\n" + "The names are those of the old system, so that what was exported from it can be read by the new one.\n" * 20

PARALLEL = f"""# TASK-001: Implement user management

**Status:** pending
**Priority:** HIGH

## Objective

Users can be managed.

## Implementation Steps

1. Implement the user store in `src/store.py` (60 minutes)
   - one file for each user
   - a damaged file hides no other
2. Implement the mail sender in `src/mail.py` (60 minutes)
   - no mail is sent twice
   - ten mails a minute at most
3. Implement the page in `web/users.html` (60 minutes)
   - it works without scripts
   - fifty users at a time

## Success Criteria

- [ ] `src/store.py` keeps users
- [ ] No warnings
{NOTES}"""

SERIAL = f"""# TASK-002: Rename

## Steps

1. Rename the field in `src/a.py` (30 minutes)
2. Then update `src/a.py` accordingly
3. Then update the readers in `src/a.py`
4. Then update the writers in `src/a.py`
5. Then remove the old name from `src/a.py`
{NOTES}"""

SMALL = """# TASK-003: Two small things

## Steps

1. Create `src/one.py` (20 minutes)
2. Create `src/two.py` (20 minutes)
"""


def ago(seconds):
    """So many seconds ago, ISO 8601."""
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat()


class Project(unittest.TestCase):
    """The project, which is the current directory."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.root = Path(self.dir.name).resolve()
        self.communications = self.root / COMMUNICATIONS
        self.communications.mkdir(parents=True)
        self.active = self.root / ".autonomous/tasks/active"
        self.active.mkdir(parents=True)
        (self.active / "TASK-001.md").write_text(PARALLEL)
        (self.active / "TASK-002.md").write_text(SERIAL)
        (self.active / "TASK-003.md").write_text(SMALL)
        self.beat(planner=10, executor=30, analyst=500)
        self.before = os.getcwd()
        os.chdir(self.root)

    def tearDown(self):
        os.chdir(self.before)
        self.dir.cleanup()

    def beat(self, **agents):
        blocks = "".join(
            f"  {name}:\n    last_seen: '{ago(age)}'\n    status: running\n    current_action: {name}-ing\n"
            f"    loop_number: {n}\n    run_number: {n + 10}\n"
            for n, (name, age) in enumerate(agents.items())
        )
        (self.communications / "heartbeat.yaml").write_text(f"heartbeats:\n{blocks}metadata:\n  timeout_seconds: 120\n")

    def oarlock(self, *args, status=0):
        command = os.environ.get("OARLOCK_BIN")
        if not command:
            self.skipTest("OARLOCK_BIN names no binary")
        done = subprocess.run([command, *args], capture_output=True, text=True, cwd=self.root)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def attach(self):
        self.oarlock("ralf", "attach", ".")
