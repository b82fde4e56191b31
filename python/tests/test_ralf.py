"""The three modules for projects of RALF agents, on files and on a store."""

import inspect
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime
from pathlib import Path

import agent_discovery
import state_sync
import task_distribution
from agent_discovery import AgentInfo, can_coordinate, count_active_agents, discover_agents, get_agent_info
from oarlock import OarlockError
from state_sync import (
    StateLockError,
    StateSyncError,
    clear_agent_state,
    get_agent_state,
    get_all_states,
    reset_all_states,
    sync_agent_state,
)
from support import PARALLEL, Project, ago
from task_distribution import SubTask, analyze_task_structure, can_parallelize, distribute_task

def add_up(folder, agent, count):
    os.chdir(folder)
    for n in range(1, count + 1):
        sync_agent_state(agent, {"n": n, f"k{n}": True})


class TestDiscovery(Project):
    def test_fresh_agents_are_found(self):
        agents = discover_agents()
        self.assertEqual([agent.agent_id for agent in agents], ["planner", "executor"])
        self.assertEqual((agents[0].status, agents[0].current_action), ("running", "planner-ing"))
        self.assertEqual((agents[1].loop_number, agents[1].run_number), (1, 11))
        self.assertTrue(agents[0].is_active())
        self.assertFalse(agents[1].is_active(timeout_seconds=5))
        self.assertEqual(count_active_agents(timeout_seconds=1000), 3)
        self.assertTrue(can_coordinate())
        self.assertFalse(can_coordinate(min_agents=3))
        info = get_agent_info("executor")
        assert info is not None
        self.assertEqual(info.agent_id, "executor")
        self.assertIsNone(get_agent_info("nobody"))

    def test_a_lying_clock_is_clamped(self):
        self.beat(planner=-7200)
        (planner,) = discover_agents()
        self.assertLess(planner.last_seen, ago(-10).replace("+00:00", "Z"))
        os.utime(self.communications / "heartbeat.yaml", (0, 0))
        self.assertEqual(discover_agents(), [], "the file has not changed for long")

    def test_nothing_is_no_error_and_damage_hides_nobody(self):
        (self.communications / "heartbeat.yaml").unlink()
        self.assertEqual(discover_agents(), [])
        self.beat(planner=1, executor=1)
        file = self.communications / "heartbeat.yaml"
        file.write_text(file.read_text() + '10 (Excellent)\n"\n')
        self.assertEqual(count_active_agents(), 2)
        other = self.root / "other.yaml"
        other.write_text(f"heartbeats:\n  scout: {{last_seen: '{ago(1)}', status: idle}}\n")
        self.assertEqual([agent.agent_id for agent in discover_agents(heartbeat_file=other)], ["scout"])

    def test_agents_of_the_store_are_found_too(self):
        self.attach()
        self.oarlock("join", "ada", "--stale-after", "60s")
        self.assertEqual({agent.agent_id for agent in discover_agents()}, {"planner", "executor", "ada"})
        self.beat(planner=1, executor=1, scout=1)
        self.assertEqual({agent.agent_id for agent in discover_agents()}, {"planner", "executor", "scout", "ada"})

    def test_no_project_has_no_agents(self):
        with tempfile.TemporaryDirectory() as elsewhere:
            os.chdir(elsewhere)
            self.assertEqual(discover_agents(), [])
            with self.assertRaises(StateSyncError):
                sync_agent_state("executor", {})
            os.environ["RALF_PROJECT_DIR"] = str(self.root)
            try:
                self.assertEqual(count_active_agents(), 2)
            finally:
                del os.environ["RALF_PROJECT_DIR"]
            os.chdir(self.root)


class TestDistribution(Project):
    def test_a_task_becomes_parts_with_files(self):
        self.assertTrue(can_parallelize("TASK-001.md"))
        self.assertFalse(can_parallelize(self.active / "TASK-002.md"))
        parts = distribute_task(task_file="TASK-001.md", available_agents=["executor", "planner", "analyst"], max_subtasks=3)
        self.assertEqual([part.sub_task_id for part in parts], ["TASK-001-SUB1", "TASK-001-SUB2", "TASK-001-SUB3"])
        self.assertEqual({part.assigned_agent for part in parts}, {"executor", "planner", "analyst"})
        self.assertEqual((parts[0].parent_task_id, parts[0].status, parts[0].writes), ("TASK-001", "pending", ["src/store.py"]))
        text = (self.active / "TASK-001-SUB1.md").read_text()
        self.assertIn(f"\n\n**Parent Task:** TASK-001\n**Assigned To:** {parts[0].assigned_agent}\n**Status:** pending\n**Priority:** HIGH\n", text)
        headings = [line for line in text.splitlines() if line.startswith("## ")]
        self.assertEqual(headings, ["## Objective", "## Steps", "## Success Criteria", "## Files to Modify"])
        self.assertIn("Users can be managed.", text)
        self.assertIn("- [ ] `src/store.py` keeps users\n- [ ] No warnings\n", text)
        self.assertTrue(text.endswith("## Files to Modify\n\n- `src/store.py`\n"), text)
        self.assertEqual((self.active / "TASK-001.md").read_text(), PARALLEL)

    def test_what_is_better_done_as_a_whole_stays_whole(self):
        self.assertEqual(distribute_task("TASK-002.md", ["a", "b"]), [])
        self.assertEqual(sorted(file.name for file in self.active.iterdir() if file.suffix == ".md"), ["TASK-001.md", "TASK-002.md", "TASK-003.md"])
        structure = analyze_task_structure("TASK-002.md")
        self.assertEqual((structure["can_parallelize"], len(structure["steps"])), (False, 5))
        self.assertNotIn("at least", structure["reason"])
        with self.assertRaises(FileNotFoundError):
            can_parallelize("TASK-404.md")
        with self.assertRaises(FileNotFoundError):
            distribute_task("../../communications/heartbeat", ["a"])

    def test_a_second_split_and_nobody_to_split_for_are_refused(self):
        distribute_task("TASK-001", ["a", "b"])
        with self.assertRaises(OarlockError) as raised:
            distribute_task("TASK-001", ["c"])
        self.assertEqual(raised.exception.code, "already_exists")
        for agents, most in (([], 3), (["a"], 0)):
            with self.assertRaises(ValueError):
                distribute_task("TASK-002.md", agents, most)
        self.assertEqual(analyze_task_structure("TASK-001.md")["reason"], "")

    def test_agents_that_were_discovered_can_be_given(self):
        parts = distribute_task("TASK-001.md", discover_agents(), max_subtasks=2)
        self.assertEqual(len(parts), 2)
        self.assertEqual({part.assigned_agent for part in parts}, {"planner", "executor"})

    def test_in_an_attached_project_the_parts_are_tasks(self):
        self.attach()
        parts = distribute_task("TASK-001.md", ["planner", "executor"], max_subtasks=2)
        shown = self.oarlock("tasks", "--parent", "TASK-001", "-q").split()
        self.assertEqual(shown, [part.sub_task_id for part in parts])
        self.oarlock("ralf", "sync", ".")
        self.assertTrue((self.active / f"{parts[0].sub_task_id}.md").is_file())
        with self.assertRaises(OarlockError) as raised:
            distribute_task("TASK-001.md", ["planner"])
        self.assertEqual(raised.exception.code, "already_exists")


class TestState(Project):
    def test_states_are_merged_and_the_rest_stays(self):
        file = self.communications / "agent-state.yaml"
        file.write_text("# ours\nagents:\n  planner:\n    status: planning  # still\n\nmetadata:\n  last_updated: 'x'\n  updated_by: system\n")
        self.assertTrue(sync_agent_state("executor", {"status": "working", "current_task": "TASK-001-SUB1", "progress": 50}))
        self.assertTrue(sync_agent_state("executor", {"status": "done", "at": datetime(2026, 2, 1)}, timeout=60))
        state = get_agent_state("executor")
        assert state is not None
        self.assertEqual((state["status"], state["progress"], state["at"]), ("done", 50, "2026-02-01T00:00:00"))
        self.assertIn("last_update", state)
        text = file.read_text()
        self.assertTrue(text.startswith("# ours\nagents:\n  planner:\n    status: planning  # still\n"), text)
        self.assertIn("updated_by: executor\n", text)
        self.assertEqual(set(get_all_states()), {"planner", "executor"})
        self.assertTrue(clear_agent_state("executor"))
        self.assertIsNone(get_agent_state("executor"))
        self.assertTrue(clear_agent_state("nobody"))

    def test_another_file_can_be_named(self):
        other = self.root / "states.yaml"
        self.assertEqual(get_all_states(other), {})
        sync_agent_state("a", {"x": [1, {"y": "z: 'q'"}]}, state_file=str(other))
        self.assertEqual(get_all_states(other)["a"]["x"], [1, {"y": "z: 'q'"}])
        self.assertEqual(get_all_states(), {})

    def test_a_damaged_file_is_never_written_over_unseen(self):
        file = self.communications / "agent-state.yaml"
        file.write_text("agents:\n  a: [\n")
        with self.assertRaises(StateSyncError) as raised:
            get_all_states()
        self.assertIn("agent-state.yaml, line", str(raised.exception))
        with self.assertRaises(StateSyncError):
            sync_agent_state("a", {"x": 1})
        self.assertEqual(file.read_text(), "agents:\n  a: [\n")
        self.assertTrue(reset_all_states())
        self.assertEqual(get_all_states(), {})
        (kept,) = self.communications.glob("agent-state.yaml.damaged-*")
        self.assertEqual(kept.read_text(), "agents:\n  a: [\n")

    def test_what_json_does_not_have_is_refused(self):
        for value in (float("nan"), object()):
            with self.assertRaises((ValueError, TypeError)):
                sync_agent_state("executor", {"x": value})
        with self.assertRaises(StateSyncError):
            sync_agent_state("executor", {"x": "\ud800"})
        with self.assertRaises(TypeError):
            discover_agents(timeout_seconds="soon")
        self.assertEqual(count_active_agents(timeout_seconds=float("inf")), 3)
        self.assertTrue(sync_agent_state("executor", {"x": 1}, timeout=float("inf")))
        (self.communications / "agent-state.yaml").write_bytes(b"agents: \xff")
        self.assertTrue(reset_all_states())
        self.assertEqual(get_all_states(), {})

    def test_a_lock_is_waited_for_only_so_long(self):
        import fcntl

        for name in (".agent-state.lock", "agent-state.yaml.lock"):
            with open(self.communications / name, "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with self.assertRaises(StateLockError):
                    sync_agent_state("executor", {"x": 1}, timeout=0.05)
        self.assertTrue(sync_agent_state("executor", {"x": 1}, timeout=0.05))

    def test_ctrl_c_ends_a_wait_at_once(self):
        import fcntl

        waits = [(".agent-state.lock", "import state_sync; state_sync.sync_agent_state('executor', {'x': 1}, timeout=3600)")]
        ada = "import oarlock; ada = oarlock.Oarlock(); ada.join(name='ada'); "
        waits += [(".queue.lock", ada + "ada.claim(id='TASK-001')"), (None, ada + "ada.inbox(wait='1h')")]
        for lock, call in waits:
            with self.subTest(lock=lock), open(self.communications / (lock or "unused"), "w") as held:
                if call.startswith(ada):
                    self.attach()
                fcntl.flock(held, fcntl.LOCK_EX)
                self.assertEqual(self.interrupted(f"{call}\nprint('it went on')", lock is not None), ("KeyboardInterrupt", ""))
        self.assertNotIn("in_progress", (self.active / "TASK-001.md").read_text())

    def interrupted(self, call, for_lock):
        """How a process ends, and what it prints, that gets SIGINT while it waits: its last line of errors."""
        # Whoever runs the tests in the background has told them, and what they start, to ignore SIGINT.
        heeds = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", call], text=True, preexec_fn=heeds, **pipes)
        try:
            tasks = Path(f"/proc/{process.pid}/task")
            # A thread of this name waits for a lock; whoever waits for others listens by inotify.
            waits_for_lock = lambda: any((task / "comm").read_text() == "lock\n" for task in tasks.iterdir())
            listens = lambda: any("inotify" in os.readlink(fd) for fd in (tasks.parent / "fd").iterdir())
            while process.poll() is None:
                try:
                    if (waits_for_lock if for_lock else listens)():
                        break
                except FileNotFoundError:
                    pass
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        return (err.strip().splitlines() or [""])[-1], out

    def test_eight_processes_lose_nothing(self):
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=add_up, args=(str(self.root), f"a{n}", 10)) for n in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            self.assertEqual(process.exitcode, 0)
        states = get_all_states()
        self.assertEqual({name: (state["n"], sum(key[0] == "k" for key in state)) for name, state in states.items()}, {f"a{n}": (10, 10) for n in range(8)})

    def test_in_an_attached_project_states_are_of_the_store(self):
        self.attach()
        sync_agent_state("newcomer", {"status": "working"})
        clear_agent_state("newcomer")
        sync_agent_state("executor", {"status": "working", "progress": 50})
        self.assertFalse((self.communications / "agent-state.yaml").exists())
        self.assertEqual(get_all_states()["executor"]["progress"], 50)
        self.assertIn("working", self.oarlock("state", "agent/executor", "--json"))
        self.oarlock("ralf", "sync", ".")
        self.assertIn("  executor:\n", (self.communications / "agent-state.yaml").read_text())
        clear_agent_state("executor")
        self.assertIsNone(get_agent_state("executor"))
        sync_agent_state("executor", {"x": 1})
        self.assertTrue(reset_all_states())
        self.assertEqual(get_all_states(), {})
        self.oarlock("ralf", "detach", ".")
        sync_agent_state("executor", {"status": "idle"})
        self.assertIn("idle", (self.communications / "agent-state.yaml").read_text())


class TestNames(unittest.TestCase):
    def test_the_names_and_arguments_are_those_that_callers_know(self):
        def arguments(function):
            return list(inspect.signature(function).parameters)

        self.assertEqual(arguments(discover_agents), ["heartbeat_file", "timeout_seconds"])
        self.assertEqual(arguments(get_agent_info), ["agent_id", "heartbeat_file"])
        self.assertEqual(arguments(can_coordinate)[0], "min_agents")
        self.assertEqual(arguments(can_parallelize)[0], "task_file")
        self.assertEqual(arguments(AgentInfo), ["agent_id", "last_seen", "status", "current_action", "loop_number", "run_number"])
        self.assertEqual(arguments(distribute_task), ["task_file", "available_agents", "max_subtasks"])
        self.assertEqual(arguments(sync_agent_state), ["agent_id", "state", "state_file", "timeout"])
        self.assertEqual(arguments(AgentInfo.is_active), ["self", "timeout_seconds"])
        self.assertEqual(arguments(SubTask)[:5], ["parent_task_id", "sub_task_id", "assigned_agent", "status", "description"])
        self.assertEqual((agent_discovery.AGENT_TIMEOUT_SECONDS, state_sync.LOCK_TIMEOUT), (120, 30))
        for module in (agent_discovery, task_distribution, state_sync):
            assert module.__file__ is not None
            self.assertTrue((Path(module.__file__).parent / "py.typed").is_file())


if __name__ == "__main__":
    unittest.main()
