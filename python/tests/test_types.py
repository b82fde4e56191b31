"""The types of the verbs: they are Python, and name what the verbs take."""

import ast
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import oarlock
from oarlock import Oarlock, OarlockError

STUB = Path(oarlock.__file__).parent / "_verbs.pyi"


class TestTypes(unittest.TestCase):
    def test_every_verb_has_its_types_and_takes_what_they_name(self):
        tree = ast.parse(STUB.read_text(encoding="utf-8"))
        (verbs,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Verbs")
        methods = {node.name: node for node in verbs.body if isinstance(node, ast.FunctionDef)}
        self.assertEqual(set(methods), {verb.replace("-", "_") for verb in oarlock.verbs()})
        with tempfile.TemporaryDirectory() as folder:
            store = Oarlock(Path(folder) / "oarlock.db")
            for name, method in methods.items():
                for argument in method.args.kwonlyargs:
                    if argument.arg == "idempotency_key":
                        continue
                    # A value of no type: what is wrong may be the value, never the field.
                    try:
                        getattr(store, name)(**{argument.arg: {"no": ["value"]}})
                    except OarlockError as error:
                        self.assertNotIn("has no field", error.message, f"{name}({argument.arg})")

    def test_names_that_are_referred_to_are_there(self):
        tree = ast.parse(STUB.read_text(encoding="utf-8"))
        known = {"self", "str", "int", "float", "bool", "None", "True"}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                known.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, ast.Assign):
                known.update(target.id for target in node.targets)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        self.assertEqual(used - known, set())

    @unittest.skipIf(shutil.which("mypy") is None, "mypy is not there")
    def test_a_checker_takes_right_calls_and_refuses_wrong_ones(self):
        right = "from oarlock import Oarlock\nada = Oarlock()\nada.join(name='ada')\nprint(ada.claim(wait='30s')['task']['id'] + '')\n"
        for text, code in ((right, 0), (right + "ada.claim(wait=30)\n", 1), (right + "ada.fly()\n", 1)):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "call.py"
                file.write_text(text)
                checked = subprocess.run(["mypy", "--strict", "--python-executable", sys.executable, str(file)], capture_output=True, text=True)
                self.assertEqual(checked.returncode, code, checked.stdout)


if __name__ == "__main__":
    unittest.main()
