"""Every command and every line of Python in the guide, run from its first line to its last in one project."""

import contextlib
import io
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from support import Project

GUIDE = Path(__file__).parents[2] / "docs/multi-agent-guide.md"

SECTIONS = [
    "Overview",
    "Architecture",
    "Usage",
    "Integration with RALF",
    "Configuration",
    "Troubleshooting",
    "Examples",
    "Best Practices",
    "Performance",
    "Future Enhancements",
    "References",
    "Changelog",
]


def blocks(text):
    """The fenced blocks: language, line of the first line, text."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield found[1], text[: found.start()].count("\n") + 2, found[2]


def calls(console):
    """The commands of a console, each with what it is to print."""
    for part in re.split(r"^\$ ", console, flags=re.M)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


class TestGuide(Project):
    def test_the_guide_has_the_sections_that_projects_know(self):
        text = GUIDE.read_text(encoding="utf-8")
        without_blocks = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        self.assertEqual(re.findall(r"^## (.*)$", without_blocks, re.M), SECTIONS)

    def test_commands_that_are_only_named_are_there_with_their_flags(self):
        text = re.sub(r"^```.*?^```$", "", GUIDE.read_text(encoding="utf-8"), flags=re.M | re.S)
        named = {tuple(command.split()) for command in re.findall(r"`oarlock ([^`]+)`", text)}
        self.assertGreater(len(named), 5)
        for verb, *words in named:
            told = self.oarlock(verb, "--help")
            for flag in words:
                if flag == "--":
                    break
                self.assertTrue(not flag.startswith("--") or flag in told, f"oarlock {verb} {flag}")

    def test_every_block_runs_and_says_what_the_guide_says(self):
        if not os.environ.get("OARLOCK_BIN"):
            self.skipTest("OARLOCK_BIN names no binary")
        # The commands of the environment that the package is installed in.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"}
        ran = {"python": 0, "console": 0, "text": 0}
        for language, line, text in blocks(GUIDE.read_text(encoding="utf-8")):
            ran[language] += 1
            with self.subTest(line=line):
                if language == "python":
                    with contextlib.redirect_stdout(io.StringIO()):
                        exec(compile(text, f"{GUIDE.name}:{line}", "exec"), {"__name__": "__main__"})
                for command, printed in calls(text) if language == "console" else ():
                    done = subprocess.run(command, shell=True, cwd=self.root, env=environment, capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
                    want = ".*".join(re.escape(piece) for piece in printed.split("…"))
                    self.assertIsNotNone(re.fullmatch(want, done.stdout, re.S), f"{command} printed:\n{done.stdout}\ninstead of:\n{printed}")
        self.assertTrue(ran["python"] > 15 and ran["console"] > 8, ran)


if __name__ == "__main__":
    unittest.main()
