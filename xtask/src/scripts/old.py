"""Writers in the manner of RALF's Python programs. old.py KIND NAME FOLDER STOP: writes until the file STOP is there, and prints how often."""

import fcntl
import os
import random
import sys
import tempfile
import time

import yaml

kind, name, folder, stop = sys.argv[1:]
os.chdir(folder)


def locked(lock, work):
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        work()


def replace(file, text):
    """Writes a file through a temporary one, as atomic_io does."""
    handle, temporary = tempfile.mkstemp(dir=".", prefix=file)
    with os.fdopen(handle, "w") as opened:
        opened.write(text)
    os.replace(temporary, file)


def chat(n):
    with open("chat-log.yaml") as file:
        data = yaml.safe_load(file)
    data["messages"].append({"from": name, "to": "all", "timestamp": "2026-02-01T12:00:00Z", "type": "note", "content": f"{name}-{n}"})
    replace("chat-log.yaml", yaml.dump(data, default_flow_style=False, sort_keys=False))


def beat(n):
    with open("heartbeat.yaml") as file:
        try:
            data = yaml.safe_load(file) or {}
        except yaml.YAMLError:
            data = {}
    data.setdefault("heartbeats", {})[name] = {"last_seen": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "status": f"n-{n}"}
    with open("heartbeat.yaml", "w") as file:
        yaml.dump(data, file, default_flow_style=False, sort_keys=True)


def state(n):
    with open("agent-state.yaml") as file:
        data = yaml.safe_load(file)
    data["agents"][name] = {"status": "working", "progress": n}
    with open("agent-state.yaml", "w") as file:
        yaml.dump(data, file, default_flow_style=False, sort_keys=False)


kinds = {
    "beat": lambda n: locked(".heartbeat.lock", lambda: beat(n)),
    "beat-unlocked": lambda n: beat(n),
    "state": lambda n: locked("agent-state.yaml.lock", lambda: state(n)),
    "chat": lambda n: locked("chat-log.yaml.lock", lambda: chat(n)),
}
count = 0
while not os.path.exists(stop):
    count += 1
    kinds[kind](count)
    time.sleep(random.uniform(0.005, 0.05))
print(count)
