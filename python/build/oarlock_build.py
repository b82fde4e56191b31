"""Builds the wheel as PEP 517 asks: maturin makes the modules, and the program that comes with them goes among the scripts.

``python oarlock_build.py PROGRAM`` puts that program there, for a wheel that maturin is then asked for directly.
``OARLOCK_PROFILE`` is the profile of cargo in which the program is built; maturin has ``MATURIN_PEP517_ARGS`` for its own.
``OARLOCK_BUILD_ARGS`` is passed on to cargo.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "target/python-data/scripts"
"""Below what ``pyproject.toml`` names as data: what is here is installed as commands."""


def put(program: Path) -> None:
    """Takes a program into the wheels that are built next, without what only debuggers read."""
    shutil.rmtree(SCRIPTS.parent, ignore_errors=True)
    SCRIPTS.mkdir(parents=True)
    copy = SCRIPTS / "oarlock"
    shutil.copy2(program, copy)
    if shutil.which("strip"):
        subprocess.run(["strip", str(copy)], check=True)


def _build_program() -> None:
    profile = os.environ.get("OARLOCK_PROFILE", "dist")
    build = ["cargo", "build", "--profile", profile, "--locked", "--package", "oarlock", "--bin", "oarlock"]
    build += os.environ.get("OARLOCK_BUILD_ARGS", "").split()
    subprocess.run(build, cwd=ROOT, check=True)
    told = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    put(Path(json.loads(told.stdout)["target_directory"]) / ("debug" if profile == "dev" else profile) / "oarlock")


def get_requires_for_build_wheel(config_settings: Any = None) -> Any:
    import maturin

    return maturin.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_sdist(config_settings: Any = None) -> Any:
    import maturin

    return maturin.get_requires_for_build_sdist(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> Any:
    import maturin

    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> Any:
    import maturin

    _build_program()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> Any:
    import maturin

    return maturin.build_sdist(sdist_directory, config_settings)


if __name__ == "__main__":
    put(Path(sys.argv[1]))
