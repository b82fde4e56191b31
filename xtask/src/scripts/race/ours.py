"""An agent of the store in Python: ours.py NAME ROOT SECONDS. Takes tasks until the file ROOT/stop is there, and writes down what it does."""

import os
import sys
import time

from oarlock import Oarlock, OarlockError

name, root, seconds = sys.argv[1:]
os.chdir(root)
ledger = os.open("ledger", os.O_WRONLY | os.O_APPEND)


def note(what, task):
    os.write(ledger, f"{what} python {name} {task}\n".encode())


def call(verb, **fields):
    """Repeats what is refused because the store or a file is busy."""
    while True:
        try:
            return getattr(store, verb)(**fields)
        except OarlockError as error:
            if error.code in ("nothing_ready", "timed_out"):
                return None
            if error.code != "store_busy":
                raise
            note("busy", verb)


store = Oarlock()
call("join", name=name)
n = 0
while not os.path.exists("stop"):
    claim = call("claim", wait="1s")
    if claim is None:
        continue
    n += 1
    task = claim["task"]["id"]
    note("start", task)
    time.sleep(float(seconds))
    if n % 6 == 4:
        note("release", task)
        call("release", id=task)
        continue
    try:
        call("done", id=task)
        note("done", task)
    except OarlockError as error:
        note("refused:" + error.code, task)
