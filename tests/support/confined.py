#!/usr/bin/python3
"""Runs a program as a unit of systemd's says, as far as that can be done without systemd:

    confined.py UNIT STATE PROGRAM [ARGUMENT ...]

By seccomp, as systemd does it: the system calls and address families that the unit names, no memory
that is writable and executable, no namespaces. For root also: no capability, a user who owns
nothing but the folder STATE, and every other file read-only.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import seccomp
from seccomp import ALLOW, EQ, ERRNO, MASKED_EQ, Arg

USER = 61100  # of those that systemd gives to services with a DynamicUser
NAMESPACES = 0x7e020080
WRITE, EXECUTE = 2, 4
OF_A_SERVICE = {"CapabilityBoundingSet": "", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
                "DynamicUser": "yes", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes"}


def settings(unit: Path) -> dict[str, list[str]]:
    """All values of each key, in the order of the file."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def calls_of(name: str) -> set[str]:
    """The system calls of one name or group."""
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                           capture_output=True, text=True).stdout.splitlines()[1:]
    words = {line.strip() for line in lines if not line.strip().startswith("#")} - {""}
    return set().union(*(calls_of(word) for word in words))


def allowed_calls(lines: list[str]) -> set[str]:
    allowed = calls_of("@default")
    for line in lines:
        named = set().union(*(calls_of(word) for word in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def filter_of(unit: dict[str, list[str]]) -> seccomp.SyscallFilter:
    rules = seccomp.SyscallFilter(ERRNO(errno.EPERM))
    by_argument = {
        "socket": [[Arg(0, EQ, getattr(socket, family))]
                   for family in unit["RestrictAddressFamilies"][0].split()],
        "mmap": [[Arg(2, MASKED_EQ, WRITE, 0)], [Arg(2, MASKED_EQ, EXECUTE, 0)]],
        "mprotect": [[Arg(2, MASKED_EQ, EXECUTE, 0)]],
        "pkey_mprotect": [[Arg(2, MASKED_EQ, EXECUTE, 0)]],
        "clone": [[Arg(0, MASKED_EQ, NAMESPACES, 0)]],
    }
    for call in allowed_calls(unit["SystemCallFilter"]) - {"clone3", "unshare", "setns"}:
        if seccomp.resolve_syscall(seccomp.Arch(), call) < 0:
            continue  # of another architecture
        for arguments in by_argument.get(call, [[]]):
            rules.add_rule(ALLOW, call, *arguments)
    rules.add_rule(ERRNO(errno.ENOSYS), "clone3")  # its flags are out of sight
    return rules


def give_up_root(state: Path) -> None:
    """All that is mounted becomes read-only but STATE; then there is no way back."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", state, state], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", "/"], check=True)
    os.execvp("setpriv", ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                          "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all",
                          "--no-new-privs", sys.executable, *sys.argv])


def main() -> None:
    unit, state = settings(Path(sys.argv[1])), Path(sys.argv[2])
    for key, value in OF_A_SERVICE.items():
        assert unit[key] == [value], f"{key} is not what this does"
    if os.geteuid() == 0:
        if "CONFINED" not in os.environ:
            os.environ["CONFINED"] = "1"
            os.chown(state, USER, USER)
            os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
        give_up_root(state)
    os.environ.pop("CONFINED", None)
    os.umask(int(unit["UMask"][0], 8))
    filter_of(unit).load()
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
