"""The three modules as their callers know them: by position and by name, at their edges, and as commands."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import agent_discovery
import state_sync
from agent_discovery import AgentInfo, can_coordinate, count_active_agents, discover_agents, get_agent_info
from state_sync import StateLockError, StateSyncError, get_agent_state, get_all_states, sync_agent_state
from support import Project, ago
from task_distribution import SubTask, analyze_task_structure, can_parallelize, distribute_task


class TestAgents(Project):
    def test_files_and_timeouts_are_taken_by_position(self):
        heartbeats = str(self.communications / "heartbeat.yaml")
        self.assertEqual([agent.agent_id for agent in discover_agents(heartbeats, 20)], ["planner"])
        self.assertEqual(count_active_agents(heartbeats, 1000), 3)
        self.assertTrue(can_coordinate(1, heartbeats, 20))
        self.assertFalse(can_coordinate(2, heartbeats, 20))
        self.assertEqual(get_agent_info("executor", heartbeats).run_number, 11)
        with self.assertRaises(TypeError) as raised:
            discover_agents(300)
        self.assertIn("write timeout_seconds=300", str(raised.exception))

    def test_the_own_file_is_known_by_its_name_and_may_be_changed(self):
        self.assertEqual(agent_discovery.DEFAULT_HEARTBEAT_FILE, str(self.communications / "heartbeat.yaml"))
        self.assertEqual(state_sync.DEFAULT_STATE_FILE, str(self.communications / "agent-state.yaml"))
        with self.assertRaises(AttributeError):
            agent_discovery.OTHER_FILE
        other = self.root / "other.yaml"
        other.write_text(f"heartbeats:\n  scout: {{last_seen: '{ago(1)}', status: idle}}\n")
        agent_discovery.DEFAULT_HEARTBEAT_FILE = str(other)
        try:
            self.assertEqual([agent.agent_id for agent in discover_agents()], ["scout"])
        finally:
            del agent_discovery.DEFAULT_HEARTBEAT_FILE
        self.assertEqual(count_active_agents(), 2)

    def test_an_agent_is_made_as_the_first_modules_made_it(self):
        agent = AgentInfo("planner", ago(5), "running", "planning", 12, 60)
        by_name = AgentInfo(agent_id="planner", last_seen="x", status="running", current_action="planning", loop_number=12, run_number=60)
        self.assertEqual(len({agent, by_name}), 2)
        self.assertEqual(repr(agent), "AgentInfo(id=planner, status=running, active=True)")
        self.assertEqual(
            agent.to_dict(),
            {
                "agent_id": "planner",
                "last_seen": agent.last_seen,
                "status": "running",
                "current_action": "planning",
                "loop_number": 12,
                "run_number": 60,
                "is_active": True,
            },
        )
        self.assertFalse(agent.is_active(3))

    def test_no_time_makes_is_active_raise(self):
        for last_seen in ("", "soon", "{TIMESTAMP}", None, 7, b"x", "2026-13-45T99:00:00Z", "9" * 5000, "2026-02-01"):
            self.assertIs(AgentInfo("a", last_seen).is_active(), False, last_seen)
        self.assertIs(AgentInfo("a", ago(1)).is_active(timeout_seconds="soon"), False)
        # Every spelling of the files, one without a zone is UTC.
        for last_seen in (ago(5), ago(5).replace("+00:00", "Z"), ago(5).replace("+00:00", ""), ago(5).replace("T", " ")):
            self.assertIs(AgentInfo("a", last_seen).is_active(60), True, last_seen)

    def test_an_agent_that_is_gone_is_known_and_says_so(self):
        info = get_agent_info("analyst")
        self.assertEqual((info.agent_id, info.status, info.run_number, info.is_active()), ("analyst", "running", 12, False))
        self.assertIn("active=False", repr(info))
        self.assertIsNone(get_agent_info("nobody"))
        self.assertTrue(get_agent_info("planner").is_active())
        self.attach()
        self.assertFalse(get_agent_info("analyst").is_active())
        info = get_agent_info("executor")
        self.assertEqual((info.is_active(), info.loop_number, info.run_number), (True, 1, 11))

    def test_an_agent_that_has_left_is_gone_at_once(self):
        self.attach()
        self.oarlock("join", "ada")
        self.oarlock("ralf", "sync", ".")
        self.assertTrue(get_agent_info("ada").is_active())
        self.oarlock("leave", "--as", "ada")
        self.oarlock("ralf", "sync", ".")
        ada = get_agent_info("ada")
        self.assertFalse(ada.is_active())
        self.assertEqual(ada.status, "left")
        self.assertNotIn("ada", [agent.agent_id for agent in discover_agents()])


class TestSplitting(Project):
    def test_a_part_can_be_put_into_a_set(self):
        part = SubTask("TASK-1", "TASK-1-SUB1", "executor", "pending", "Do it")
        self.assertEqual(len({part, SubTask("TASK-1", "TASK-1-SUB1", "executor", "pending", "Do it")}), 1)

    def test_less_than_the_guide_asks_for_is_not_split_and_both_doors_say_why(self):
        self.assertFalse(can_parallelize("TASK-003.md"))
        self.assertEqual(distribute_task("TASK-003.md", ["a", "b"]), [])
        reason = analyze_task_structure("TASK-003.md")["reason"]
        self.assertRegex(reason, r"^it is too small to be handed out in parts: it has \d+ characters of at least 2001, 2 steps of at least 5$")
        # Without a store only a file can be split.
        told = json.loads(self.oarlock("split", ".autonomous/tasks/active/TASK-003.md", "--dry-run", "--json"))
        self.assertEqual((told["parallelizable"], told["reason"]), (False, reason))
        self.attach()
        self.assertFalse(can_parallelize("TASK-003.md"))
        self.assertEqual(distribute_task("TASK-003.md", ["a", "b"]), [])
        for operand in ("TASK-003", ".autonomous/tasks/active/TASK-003.md"):
            told = json.loads(self.oarlock("split", operand, "--dry-run", "--json"))
            self.assertEqual((told["parallelizable"], told["reason"]), (False, reason))
        # A document that is none of RALF's has no floor.
        (self.root / "plan.md").write_text((self.active / "TASK-003.md").read_text())
        self.assertTrue(json.loads(self.oarlock("split", "plan.md", "--dry-run", "--json"))["parallelizable"])

    def test_both_doors_give_one_answer_for_each_task(self):
        for task in ("TASK-001", "TASK-002", "TASK-003"):
            told = json.loads(self.oarlock("split", f".autonomous/tasks/active/{task}.md", "--dry-run", "--json"))
            structure = analyze_task_structure(f"{task}.md")
            self.assertEqual((told["parallelizable"], told.get("reason", "")), (structure["can_parallelize"], structure["reason"]), task)


class TestStates(Project):
    def test_a_number_in_the_place_of_the_file_is_the_timeout(self):
        self.assertTrue(sync_agent_state("executor", {"x": 1}, 5))
        with open(self.communications / ".agent-state.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.assertRaises(StateLockError):
                sync_agent_state("executor", {"x": 2}, 0.05)
        self.assertEqual(get_agent_state("executor")["x"], 1)

    def test_the_name_that_the_projects_own_tests_look_for_is_there(self):
        self.assertTrue(state_sync.sync_state("executor", {"x": 1}))
        self.assertEqual(get_agent_state("executor")["x"], 1)

    def test_a_folder_that_is_missing_is_made_and_one_that_cannot_be_is_named(self):
        file = self.root / "custom/path/state.yaml"
        self.assertTrue(sync_agent_state("executor", {"x": 1}, str(file)))
        self.assertEqual(get_all_states(file)["executor"]["x"], 1)
        with tempfile.TemporaryDirectory() as elsewhere:
            outside = Path(elsewhere) / "a/b/state"
            self.assertTrue(sync_agent_state("executor", {"x": 2}, outside))
            self.assertEqual(get_agent_state("executor", outside)["x"], 2)
            (Path(elsewhere) / "file").write_text("")
            with self.assertRaises(StateSyncError) as raised:
                sync_agent_state("executor", {"x": 2}, Path(elsewhere) / "file/state.yaml")
            self.assertIn(f"{elsewhere}/file", str(raised.exception))
            self.assertNotIn("out of the project", str(raised.exception))

    def test_without_one_project_the_reason_is_the_true_one(self):
        with tempfile.TemporaryDirectory() as elsewhere:
            os.chdir(elsewhere)
            for name in ("one", "two"):
                (Path(elsewhere) / name / ".autonomous/tasks/active").mkdir(parents=True)
                (Path(elsewhere) / name / ".autonomous/tasks/active/TASK-1.md").write_text("# TASK-1: One\n")
            for variable, words in ((None, ("several projects", "one", "two")), ("/nowhere", ("RALF_PROJECT_DIR names /nowhere",))):
                if variable is not None:
                    os.environ["RALF_PROJECT_DIR"] = variable
                try:
                    with self.assertRaises(StateSyncError) as raised:
                        get_all_states()
                    for word in words:
                        self.assertIn(word, str(raised.exception))
                    self.assertEqual(discover_agents(), [])
                finally:
                    os.environ.pop("RALF_PROJECT_DIR", None)
            os.chdir(self.root)

    def test_the_own_file_by_its_name_is_the_store_of_an_attached_project(self):
        self.attach()
        sync_agent_state("executor", {"x": 1}, self.communications / "agent-state.yaml")
        self.assertEqual(get_all_states()["executor"]["x"], 1)
        self.assertEqual(get_all_states(state_sync.DEFAULT_STATE_FILE)["executor"]["x"], 1)
        self.assertFalse((self.communications / "agent-state.yaml").exists())


class TestCommands(Project):
    def module(self, name, *args, status=0):
        done = subprocess.run([sys.executable, "-m", name, *args], capture_output=True, text=True, cwd=self.root)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stdout + done.stderr

    def test_who_is_there_is_shown(self):
        lines = self.module("agent_discovery").splitlines()
        self.assertEqual(lines[0], "Agent Discovery: Found 2 active agents (planner, executor)")
        self.assertTrue(lines[1].startswith("  planner: running, planner-ing (loop 0, run 10), seen 20"), lines[1])
        self.assertEqual(lines[3], "Inactive: 1 (analyst)")
        self.assertEqual(lines[-1], "Coordination: available (need 2+, have 2)")
        self.beat(executor=1)
        self.assertIn("Found 1 active agent (executor)\n", self.module("agent_discovery"))
        self.assertIn("Coordination: NOT available (need 2+, have 1)\n", self.module("agent_discovery"))
        self.assertIn("Found 0 active agents\n", self.module("agent_discovery", "nothing.yaml"))
        os.mkdir(self.root / "folder.yaml")
        self.assertIn("folder.yaml", self.module("agent_discovery", "folder.yaml", status=1))

    def test_which_tasks_can_be_split_is_shown(self):
        lines = self.module("task_distribution").splitlines()
        self.assertEqual(lines[0], "Active Tasks: 3 tasks")
        self.assertEqual(lines[1], "  TASK-001: yes, into 3 parts")
        self.assertTrue(lines[2].startswith("  TASK-002: no, "), lines[2])
        self.assertEqual(lines[-1], "Parallelizable: 1/3 tasks suitable for distribution")
        self.assertIn("Parallelizable: 1/1 tasks", self.module("task_distribution", "TASK-001.md"))
        self.assertIn("there is no task file TASK-404", self.module("task_distribution", "TASK-404", status=1))

    def test_the_states_are_tried_in_six_parts(self):
        told = self.module("state_sync")
        parts = ("State write", "State read", "Read all states", "Metadata", "Active agents", "State clear")
        self.assertEqual(told, "".join(f"{n}. {part}: \u2705\n" for n, part in enumerate(parts, 1)) + "All 6 of 6 tests passed\n")
        self.assertFalse((self.communications / "agent-state.yaml").exists(), "the project is left alone")
        self.module("state_sync", "own.yaml")
        self.assertEqual(get_all_states(self.root / "own.yaml"), {})
        (self.root / "own.yaml").write_text("agents: [\n")
        self.assertIn("1. State write: \u274c", self.module("state_sync", "own.yaml", status=1))


class TestCalls(Project):
    def test_threads_share_the_modules(self):
        threads = [threading.Thread(target=sync_agent_state, args=(f"a{n}", {"n": n})) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({name: state["n"] for name, state in get_all_states().items()}, {f"a{n}": n for n in range(8)})
