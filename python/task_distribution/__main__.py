"""``python -m task_distribution``: which tasks can be split, and why the others cannot."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import List, Optional

from oarlock import OarlockError, _ralf
from oarlock._oarlock import Failure
from task_distribution import analyze_task_structure


def _tasks(named: List[str]) -> List[Path]:
    if named:
        return [Path(name) for name in named]
    project = _ralf.project()
    try:
        return [] if project is None else project.open_tasks()
    except Failure as failure:
        raise OSError(_ralf.kind_and_message(failure)[1]) from None


def main(arguments: Optional[List[str]] = None) -> int:
    """Prints a line for each task. Exit code 0, or 1 when one cannot be read."""
    parser = argparse.ArgumentParser(prog="task_distribution", description="Shows which tasks can be split. Nothing is changed.")
    parser.add_argument("task", nargs="*", help="a task file, or its name (default: all that are open)")
    parser.add_argument("--max-subtasks", type=int, metavar="N", help="into at most so many parts")
    wanted = parser.parse_args(arguments)
    faults = suited = 0
    try:
        tasks = _tasks(wanted.task)
    except OSError as error:
        print(f"task_distribution: {error}", file=sys.stderr)
        return 1
    print(f"Active Tasks: {len(tasks)} task{'' if len(tasks) == 1 else 's'}")
    for task in tasks:
        try:
            found = analyze_task_structure(task, wanted.max_subtasks)
        except (OSError, ValueError, OarlockError) as error:
            faults += 1
            print(f"task_distribution: {error}", file=sys.stderr)
            continue
        suited += found["can_parallelize"]
        answer = f"yes, into {len(found['subtasks'])} parts" if found["can_parallelize"] else f"no, {found['reason']}"
        print(f"  {found['task']}: {answer}")
    print(f"Parallelizable: {suited}/{len(tasks)} tasks suitable for distribution")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
