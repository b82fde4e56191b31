"""The cycle of discover, split and sync at 100 agents: the design that the three modules had first, YAML files read and
written whole by PyYAML under flock, beside these modules on the same files, and on an attached store.

And a claim that is written through to the queue, beside a claim of a store without files and a bare rewrite of the queue.

All in one process, round by round in turns. Prints one JSON object a line: name, ratios of each round, milliseconds of both.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import yaml

import agent_discovery
import state_sync
import task_distribution
from oarlock import Oarlock, _ralf
from oarlock._oarlock import RalfProject

AGENTS = 100
COMMUNICATIONS = ".autonomous/communications"
ACTIVE = ".autonomous/tasks/active"

TASK = """# TASK-{n}: Implement user management

**Type:** implement
**Status:** pending
**Priority:** HIGH

## Objective

Users can be managed: made, found, changed and taken away, each with a role that says what it may do, and a history of what was
done. It is used by the page of the administrators and by the programs that other teams have built.

## Implementation Plan

### Component 1: Implement the reader of users (60 minutes)

- Create `src/users.py`
- Implement what it does with a line that is damaged
- Test it in `tests/test_users.py`

### Component 2: Implement the reader of roles (60 minutes)

- Create `src/roles.py`
- Implement what it does with a role that nobody has
- Test it in `tests/test_roles.py`

### Component 3: Implement the reader of mails (60 minutes)

- Create `src/mails.py`
- Implement what it does with a mail to nobody
- Test it in `tests/test_mails.py`

## Success Criteria

- [ ] All users can be listed within a second
- [ ] No mail is sent twice
- [ ] The page shows what the store has

## Notes

The names are those of the old system, so that what was exported from it can be read. What is not said here is as it was there.

- Roles are administrator, editor and reader; each may do what the next one may, and more
- A user who was taken away stays in the history, under the name that it had
- The history is kept for two years, and the oldest entries go first
- Mails are sent in the language of the user, else in English
- The page works without scripts too, with fewer comforts: no sorting, and one page of fifty users at a time
- Passwords are not part of this: the users come from the directory of the company, and are only known here by their names
- Nothing here is for more than ten thousand users, and nobody has asked for that yet

## Risk Level

MEDIUM. The old page stays where it is for a month, under its own address, so that administrators can go back to it. The table is new
and nothing else reads it, so that it can be dropped and made again from the directory within a minute. What could go wrong is mostly
the mail: a sender that sends too much is worse than one that sends nothing, which is why it has a limit of its own, ten mails a
minute, and stops for good when the mail server refuses the same mail three times in a row.
"""


# The first design, as its description has it.


def old_discover(file, timeout=120):
    """Active agents of a file of heartbeats."""
    with open(file) as opened:
        data = yaml.safe_load(opened)
    now = datetime.now(timezone.utc)
    found = []
    for name, beat in data.get("heartbeats", {}).items():
        seen = datetime.fromisoformat(str(beat["last_seen"]).replace("Z", "+00:00"))
        if (now - seen).total_seconds() < timeout:
            found.append(name)
    return found


def old_distribute(file, agents, most=3):
    """Parts of a task by its components, each with a file."""
    text = Path(file).read_text()
    lower = text.lower()
    parallel = sum(lower.count(word) for word in ("implement", "create", "build", "component"))
    sequential = sum(lower.count(word) for word in ("then", "after", "depends on"))
    if not (parallel > sequential and len(text) > 2000):
        return []
    parts = re.split(r"^### ", text, flags=re.M)[1 : most + 1]
    task = Path(file).stem
    made = []
    for n, part in enumerate(parts, 1):
        title, _, body = part.partition("\n")
        agent = agents[(n - 1) % len(agents)]
        (Path(file).parent / f"{task}-SUB{n}.md").write_text(
            f"# {task}-SUB{n}: {title}\n\n**Status:** pending\n**Parent Task:** {task}\n**Assigned Agent:** {agent}\n\n{body}"
        )
        made.append((f"{task}-SUB{n}", agent))
    return made


def old_sync(file, agent, state):
    """An agent's state in the shared file, under flock."""
    with open(f"{file}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(file) as opened:
            data = yaml.safe_load(opened)
        data["agents"][agent] = {**state, "last_update": datetime.now(timezone.utc).isoformat()}
        data["metadata"] = {"last_updated": datetime.now(timezone.utc).isoformat(), "updated_by": agent}
        with open(file, "w") as opened:
            yaml.dump(data, opened, default_flow_style=False, sort_keys=False)


def project(root, tasks):
    """A project with a hundred agents, their states, and so many tasks."""
    communications = root / COMMUNICATIONS
    communications.mkdir(parents=True)
    (root / ACTIVE).mkdir(parents=True)
    now = datetime.now(timezone.utc).isoformat()
    names = [f"agent-{n:03}" for n in range(AGENTS)]
    # The fields that the loops write, and those of the first design's states.
    beat = {"last_seen": now, "status": "running", "current_action": "executing_TASK-1738375002", "loop_number": 65, "run_number": 65}
    beats = {name: dict(beat) for name in names}
    with open(communications / "heartbeat.yaml", "w") as file:
        yaml.dump({"heartbeats": beats, "metadata": {"timeout_seconds": 120}}, file, sort_keys=False)
    state = {"status": "working", "current_task": "TASK-1", "sub_tasks": ["TASK-1-SUB1", "TASK-1-SUB2"], "progress": 50, "last_update": now}
    states = {name: {**state, "sub_tasks": list(state["sub_tasks"])} for name in names}
    with open(communications / "agent-state.yaml", "w") as file:
        yaml.dump({"agents": states, "metadata": {"last_updated": now, "updated_by": "system"}}, file, sort_keys=False)
    for n in range(tasks):
        (root / ACTIVE / f"TASK-{n}.md").write_text(TASK.format(n=n))


def beat(root):
    """The heartbeats stay fresh, in every project alike: outside the measured time."""
    file = root / COMMUNICATIONS / "heartbeat.yaml"
    now = datetime.now(timezone.utc).isoformat()
    file.write_text(re.sub(r"last_seen: .*", f"last_seen: '{now}'", file.read_text()))


def state_of(n):
    """What an agent says of itself."""
    return {"status": "working", "current_task": f"TASK-{n}", "sub_tasks": [f"TASK-{n}-SUB1", f"TASK-{n}-SUB2"], "progress": n % 100}


class Old:
    """The first design on its files."""

    def __init__(self, root):
        self.root = root

    def cycle(self, n):
        agents = old_discover(self.root / COMMUNICATIONS / "heartbeat.yaml")
        assert len(agents) == AGENTS, len(agents)
        assert len(old_distribute(self.root / ACTIVE / f"TASK-{n}.md", agents)) == 3
        self.sync(n)

    def sync(self, n):
        old_sync(self.root / COMMUNICATIONS / "agent-state.yaml", f"agent-{n % AGENTS:03}", state_of(n))


class New:
    """The modules, on files or on a store."""

    def __init__(self, root):
        self.root = root

    def cycle(self, n):
        os.chdir(self.root)
        agents = agent_discovery.discover_agents()
        assert len(agents) == AGENTS, len(agents)
        assert len(task_distribution.distribute_task(self.root / ACTIVE / f"TASK-{n}.md", agents)) == 3
        self.sync(n)

    def sync(self, n):
        os.chdir(self.root)
        state_sync.sync_agent_state(f"agent-{n % AGENTS:03}", state_of(n))


def queue_of(count):
    """A queue file, and the ids of its items."""
    names = [f"TASK-{n:04}" for n in range(count)]
    items = [f"  - task_id: {name}\n    priority: high\n    status: pending\n    notes: 'Task {name}'\n" for name in names]
    return "queue:\n" + "".join(items), names


class Written:
    """Claims in an attached project: each is written through to the queue before its reply."""

    def __init__(self, root, oarlock, count):
        communications = root / COMMUNICATIONS
        communications.mkdir(parents=True)
        (root / ACTIVE).mkdir(parents=True)
        self.queue = communications / "queue.yaml"
        text, self.names = queue_of(count)
        self.queue.write_text(text)
        subprocess.run([oarlock, "ralf", "attach", "."], cwd=root, check=True, capture_output=True)
        os.chdir(root)
        self.store = Oarlock()
        self.store.join(name="ada")

    def claim(self, n):
        self.store.claim(id=self.names[n])


class Bare:
    """Claims in a store without files, and the same line of a file changed by hand."""

    def __init__(self, root, count):
        root.mkdir()
        text, self.names = queue_of(count)
        self.queue = root / "queue.yaml"
        self.queue.write_text(text)
        self.store = Oarlock(store=root / "store.db")
        self.store.join(name="ada")
        for name in self.names:
            self.store.add(title=name, id=name)

    def claim(self, n):
        self.store.claim(id=self.names[n])
        self.rewrite(self.names[n])

    def rewrite(self, name):
        text = self.queue.read_text()
        old = f"  - task_id: {name}\n    priority: high\n    status: pending\n"
        assert old in text
        now = datetime.now(timezone.utc).isoformat()
        new = f"{old[: old.rindex('pending')]}in_progress\n    claimed_by: ada\n    claimed_at: '{now}'\n"
        temporary = self.queue.with_suffix(".tmp")
        with open(temporary, "w") as file:
            file.write(text.replace(old, new, 1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.queue)


def claims(folder, oarlock, rounds):
    """Milliseconds of claims, round by round in turns: written through, and bare with a bare rewrite."""
    each = 20
    count = rounds * each + 1
    written, bare = Written(folder / "written", oarlock, count), Bare(folder / "bare", count)
    times = {written: [], bare: []}
    for round_ in range(rounds + 1):
        for side in (written, bare):
            # The first round warms up.
            if round_ == 0:
                side.claim(count - 1)
                continue
            samples = [timed(side.claim, 1, (round_ - 1) * each + n) for n in range(each)]
            times[side].append(sorted(samples)[each // 2])
    said = written.queue.read_text().count("status: in_progress")
    return times[written], times[bare], said == count


def timed(call, count, first):
    """Milliseconds of one call, of so many."""
    start = time.perf_counter()
    for n in range(first, first + count):
        call(n)
    return (time.perf_counter() - start) * 1e3 / count


def disk(folder, count=50):
    """Milliseconds of one write with a sync."""
    with open(folder / "sync-probe", "wb") as file:
        start = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - start) * 1e3 / count


def main():
    oarlock, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7
    cycles, syncs = 60, 60
    with tempfile.TemporaryDirectory(dir=os.environ.get("OARLOCK_BENCH_DIR")) as temporary:
        roots = {name: Path(temporary).resolve() / name for name in ("old", "files", "normal", "full")}
        for root in roots.values():
            project(root, rounds * cycles + 10)
        for name in ("normal", "full"):
            subprocess.run([oarlock, "ralf", "attach", "."], cwd=roots[name], check=True, capture_output=True)
            _ralf._projects[f"{os.getpid()}:{roots[name]}"] = RalfProject(roots[name], name == "normal")
        sides = {name: (Old if name == "old" else New)(root) for name, root in roots.items()}
        times = {(name, what): [] for name in sides for what in ("cycle", "sync")}
        disks = []
        for round_ in range(rounds + 1):
            for root in roots.values():
                beat(root)
            for name, side in sides.items():
                # The first round warms up.
                if round_ == 0:
                    timed(side.cycle, 1, rounds * cycles)
                    continue
                # A new file of heartbeats is taken in once.
                if name != "old":
                    os.chdir(side.root)
                    agent_discovery.discover_agents()
                times[name, "cycle"].append(timed(side.cycle, cycles, (round_ - 1) * cycles))
                times[name, "sync"].append(timed(side.sync, syncs, round_ * syncs))
            if round_:
                disks.append(disk(Path(temporary)))
        os.chdir("/")
        for what in ("cycle", "sync"):
            for name in ("files", "normal", "full"):
                old, new = times["old", what], times[name, what]
                print(json.dumps({"name": f"{what} {name}", "ratios": [a / b for a, b in zip(old, new)], "old_ms": old, "new_ms": new}))
            print(json.dumps({"name": f"{what} disk", "ratios": [a / b for a, b in zip(times["full", what], disks)], "old_ms": times["full", what], "new_ms": disks}))
        written, bare, is_written = claims(Path(temporary).resolve(), oarlock, rounds)
        if not is_written:
            sys.exit("claims were not written through to the queue")
        print(json.dumps({"name": "claim written", "ratios": [a / b for a, b in zip(written, bare)], "old_ms": bare, "new_ms": written}))
        os.chdir("/")


if __name__ == "__main__":
    main()
