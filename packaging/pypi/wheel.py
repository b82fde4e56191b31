"""Packs a program into a wheel: wheel.py PROGRAM WHEEL VERSION. `pip install` puts it among the scripts of its environment."""

import base64
import hashlib
import sys
import zipfile

program, wheel, version = sys.argv[1:]
tags = wheel.rsplit("-", 1)[1].removesuffix(".whl").split(".")
info = f"oarlock_cli-{version}.dist-info"
metadata = f"""Metadata-Version: 2.1
Name: oarlock-cli
Version: {version}
Summary: Coordination for coding agents that work on one repository: the program
License: MIT OR Apache-2.0
Requires-Python: >=3.9
"""
about = "Wheel-Version: 1.0\nGenerator: oarlock\nRoot-Is-Purelib: false\n" + "".join(f"Tag: py3-none-{tag}\n" for tag in tags)
with open(program, "rb") as file:
    entries = [
        (f"oarlock_cli-{version}.data/scripts/oarlock", file.read(), 0o755),
        (f"{info}/METADATA", metadata.encode(), 0o644),
        (f"{info}/WHEEL", about.encode(), 0o644),
    ]
record = ""
with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data, mode in entries:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    record += f"{info}/RECORD,,\n"
    archive.writestr(f"{info}/RECORD", record)
