#!/usr/bin/python3
"""What the hardening of a release leaves to see in a program or a library.

    tests/support/hardening.py FILE...     prints what each lacks
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

ENDBR64 = b"\xf3\x0f\x1e\xfa"  # where an indirect jump may arrive, on x86


def readelf(file: Path, *options: str) -> str:
    return subprocess.run(["readelf", "--wide", *options, file], check=True, capture_output=True,
                          text=True).stdout


def _layout(file: Path) -> list[str]:
    found = []
    segments = re.findall(r"^  ([A-Z_]+) +0x(\w+) .*? ([R ][W ][E ]) +0x\w+$",
                          readelf(file, "--segments"), re.MULTILINE)
    if "EXEC" in re.search(r"Type: +(.*)", readelf(file, "--file-header"))[1]:
        found.append("has a fixed address (no PIE)")
    if not any(kind == "GNU_RELRO" for kind, _, _ in segments):
        found.append("keeps its relocations writable (no RELRO)")
    if any("W" in flags and "E" in flags for _, _, flags in segments):
        found.append("has a segment that is writable and executable")
    if not any(kind == "GNU_STACK" for kind, _, _ in segments):
        found.append("leaves it to the kernel whether its stack is executable")
    if any(kind == "LOAD" and int(at, 16) == 0 and "E" in flags for kind, at, flags in segments):
        found.append("has data that is executable (no separate code)")
    return found


def _dynamic(file: Path) -> list[str]:
    dynamic = readelf(file, "--dynamic")
    found = []
    if not re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW", dynamic):
        found.append("binds lazily (no BIND_NOW)")
    if "(TEXTREL)" in dynamic:
        found.append("has relocations in its code")
    for kind, path in re.findall(r"\((RPATH|RUNPATH)\).*\[(.*)\]", dynamic):
        found.append(f"looks for libraries in {path} ({kind})")
    return found


def _imports(file: Path) -> list[str]:
    names = set(re.findall(r" UND (\w+)", readelf(file, "--dyn-syms")))
    found = []
    if "__stack_chk_fail" not in names:
        found.append("has no stack protector")
    if not any("glibcxx_assert_fail" in name for name in names):
        found.append("has no assertions of the standard library")
    if not any(re.fullmatch(r"__\w+_chk", name) for name in names):
        found.append("has no fortified function")
    return found


def _jumps(file: Path) -> list[str]:
    """Debian's start files are not marked, so the linker drops the note: the code is looked at."""
    if platform.machine() != "x86_64":
        return []
    code = re.search(r"\.text +PROGBITS +(\w+) (\w+) (\w+)", readelf(file, "--sections"))
    address, offset, size = (int(each, 16) for each in code.groups())
    content = file.read_bytes()
    for at, name in re.findall(r"(\w{16}) +\w+ FUNC +GLOBAL \w+ +\d+ (\S+)",
                               readelf(file, "--symbols")):
        start = int(at, 16) - address
        # _start is the C library's.
        if 0 <= start < size and name != "_start" and \
                not content.startswith(ENDBR64, offset + start):
            return [f"lets jumps arrive anywhere ({name})"]
    return []


def weaknesses(file: Path) -> list[str]:
    """A sentence for each; an empty list is good."""
    return _layout(file) + _dynamic(file) + _imports(file) + _jumps(file)


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(f"{each}: {'; '.join(weaknesses(Path(each))) or 'good'}")
