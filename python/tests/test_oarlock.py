"""The package `oarlock`: the verbs of the store, from Python."""

import json
import multiprocessing
import os
import subprocess
import tempfile
import threading
import unittest
import unittest.mock
from pathlib import Path

import oarlock
from oarlock import Oarlock, OarlockError


def claim_until_empty(store, name, out):
    """What one process gets of a store."""
    agent = Oarlock(store)
    agent.join(name=name)
    while True:
        try:
            out.put(agent.claim()["task"]["id"])
        except OarlockError as error:
            out.put(error.code)
            return


class TestVerbs(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.store = Path(self.dir.name) / "oarlock.db"

    def tearDown(self):
        self.dir.cleanup()

    def test_a_task_is_claimed_and_done(self):
        ada = Oarlock(self.store)
        self.assertEqual(ada.join(name="ada", role="builder")["agent"]["pid"], os.getpid())
        task = ada.add(title="Mend it", writes=["src/**"])["task"]
        claim = ada.claim()
        self.assertEqual(claim["task"]["id"], task["id"])
        done = ada.done(id=task["id"], result="mended", token=claim["lease"]["token"])
        self.assertEqual(done["task"]["state"], "done")
        self.assertEqual([event["kind"] for event in ada.task(id=task["id"])["events"]], ["task_added", "task_claimed", "task_done"])

    def test_one_call_ends_a_task_and_takes_the_next(self):
        ada = Oarlock(self.store)
        ada.join(name="ada")
        for title in ("one", "two"):
            ada.add(title=title)
        task = ada.claim()["task"]["id"]
        done = ada.done(id=task, claim=True, reserve=True)
        self.assertEqual((done["task"]["state"], done["claimed"]["task"]["title"]), ("done", "two"))
        done = ada.done(id=done["claimed"]["task"]["id"], claim=True, wait="10s")
        self.assertTrue(done["nothing_ready"]["all_done"])

    def test_refusals_are_exceptions_with_their_codes(self):
        ada = Oarlock(self.store)
        with self.assertRaises(OarlockError) as raised:
            ada.claim()
        self.assertEqual(raised.exception.code, "identity_required")
        ada.join(name="ada")
        with self.assertRaises(OarlockError) as raised:
            ada.claim()
        self.assertEqual((raised.exception.code, raised.exception.retryable), ("nothing_ready", True))
        with self.assertRaises(OarlockError) as raised:
            ada.add(title="x", colour="red")
        self.assertEqual(raised.exception.code, "invalid_request")
        with self.assertRaises(OarlockError):
            ada.call("fly")
        with self.assertRaises(AttributeError):
            ada.fly
        with self.assertRaises(OarlockError) as raised:
            Oarlock(self.store / "below" / "a" / "file")
        self.assertEqual(raised.exception.code, "store_unavailable")

    def test_verbs_are_those_of_the_registry(self):
        self.assertIn("state_set", dir(Oarlock(self.store)))
        self.assertEqual(Oarlock(self.store).state_set.__doc__, oarlock.verbs()["state-set"])
        self.assertTrue({"claim", "done", "split", "sync", "reserve", "send"} <= set(oarlock.verbs()))

    def test_a_key_makes_a_call_happen_once(self):
        ada = Oarlock(self.store)
        first = ada.add(title="once", idempotency_key="k")
        self.assertEqual(ada.add(title="once", idempotency_key="k"), first)
        self.assertEqual(len(ada.tasks()["tasks"]), 1)

    def test_threads_share_a_handle(self):
        ada = Oarlock(self.store)
        threads = [threading.Thread(target=lambda: [ada.add(title="t") for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(ada.tasks()["tasks"]), 20)

    def test_no_two_processes_get_one_task(self):
        ada = Oarlock(self.store)
        ids = [ada.add(title=f"task {n}")["task"]["id"] for n in range(20)]
        spawn = multiprocessing.get_context("spawn")
        out = spawn.Queue()
        processes = [spawn.Process(target=claim_until_empty, args=(str(self.store), f"a{n}", out)) for n in range(4)]
        for process in processes:
            process.start()
        got = []
        while got.count("nothing_ready") < 4:
            got.append(out.get(timeout=60))
        for process in processes:
            process.join()
        claimed = [task for task in got if task != "nothing_ready"]
        # Whoever ended gave its claims back, so one may be claimed again, but none by two at once: each is in the list.
        self.assertEqual(set(claimed), set(ids))


class TestGateway(unittest.TestCase):
    def test_the_same_calls_are_made_at_a_gateway(self):
        command = os.environ.get("OARLOCK_BIN")
        if not command:
            self.skipTest("OARLOCK_BIN names no binary")
        with tempfile.TemporaryDirectory() as folder:
            store, key = Path(folder) / "oarlock.db", Path(folder) / "key"
            Oarlock(store).add(title="one")
            env = {**os.environ, "OARLOCK_KEY_FILE": str(key)}
            serve = [command, "--json", "--store", f"sqlite:{store}", "serve", "--bind", "127.0.0.1:0"]
            with subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, text=True) as served:
                try:
                    url = json.loads(served.stdout.readline())["url"]
                    with unittest.mock.patch.dict(os.environ, OARLOCK_KEY_FILE=str(key)):
                        ada = Oarlock(url)
                        self.assertEqual(ada.join(name="ada")["agent"]["pid"], os.getpid())
                        claim = ada.claim()
                        self.assertEqual(ada.done(id=claim["task"]["id"])["task"]["state"], "done")
                        with self.assertRaises(OarlockError) as raised:
                            ada.claim()
                        self.assertEqual(raised.exception.code, "nothing_ready")
                finally:
                    served.terminate()
            # It was done in the store itself.
            self.assertEqual([task["state"] for task in Oarlock(store).tasks(state=["done"])["tasks"]], ["done"])


if __name__ == "__main__":
    unittest.main()
