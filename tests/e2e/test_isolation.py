"""Blocks in processes of their own: what stays of the server when one dies."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
from client import Api
from pombo_server import Server, default_binary, until
from shapes import GROUPS

BLOCKS = default_binary().parent / "tests/blocks"
FIELDS = GROUPS["webhook"][0] | GROUPS["websocket"][0]


def config_of(folder: Path, *lines: str) -> Path:
    config = folder / "pombo.yaml"
    config.write_text(f'plugins:\n  path: [plugins, "{BLOCKS}"]\nblocks:\n  webhook:\n'
                      "  websocket:\n  trouble:\n" + "".join(f"    {line}\n" for line in lines))
    return config


@pytest.fixture
def server(tmp_path):
    with Server(data_dir=tmp_path, config=config_of(tmp_path, "process: {memoryMb: 256}")) as started:
        yield started


@pytest.fixture
def account(server):
    return Api(server, server.account("shop"))


def trouble(account, how: str, name: str | None = None) -> str | dict:
    """What the block answers to this; its error, if it has one."""
    trouble.made = getattr(trouble, "made", 0) + 1
    instance = account.created(name or f"x-{trouble.made}", troubleHow=how, **FIELDS)
    assert instance["webhook"] == GROUPS["webhook"][1]
    return instance["trouble"].get("error", instance["trouble"])


def lines_of(server: Server, message: str) -> list[dict]:
    lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def children_of(pid: int) -> list[int]:
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children")
            for child in file.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def metric(server: Server, name: str) -> float | None:
    found = re.search(rf"^{name} (\S+)$", Api(server).get("/metrics").raw.decode(), re.MULTILINE)
    return float(found[1]) if found else None


def test_where_blocks_run(server):
    said = {line["block"]: (line["isolation"], line["because"])
            for line in lines_of(server, "Block is opened")}
    assert said["trouble"] == ("process", "it did not come with this server") or \
        said["trouble"][1] == "plugins.isolation"
    listed = server.run("plugin", "list").stdout
    assert re.search(r"^trouble +1\.0\.0 +loads +process +limits,\S* +/", listed, re.M), listed
    assert len(children_of(server.pid)) >= 1


@pytest.mark.parametrize("how, error", [
    ("segv", "The trouble block was killed by signal 11"),
    ("abort", "The trouble block was killed by signal 6"),
    ("exit", "The trouble block exited with status 0"),
    ("throw", "Trouble is trouble"),
    ("bug", "internal error"),
    ("foreign", "internal error"),
    ("memory", "internal error"),
])
def test_a_block_that_fails_harms_nobody(server, account, how, error):
    if how in ("segv", "abort", "exit", "memory") and "inside" in server.env.get(
            "POMBO_PLUGINS_ISOLATION", ""):
        pytest.skip("that is what a process is for")
    assert trouble(account, how) == error
    assert trouble(account, "well") == {"how": "well"}
    died = how in ("segv", "abort", "exit")
    assert metric(server, "pombo_trouble_crashes_total") == (1 if died else None)
    assert until(lambda: metric(server, "pombo_trouble_up") == 1)


def test_a_loop_is_ended_within_the_budget(tmp_path):
    config = config_of(tmp_path, "isolation: process", "budgetSeconds: 1",
                       "process: {callSeconds: 1}")
    with Server(data_dir=tmp_path, config=config) as server:
        account = Api(server, server.account("shop"))
        began = time.monotonic()
        assert trouble(account, "loop") == "The trouble block did not answer in time"
        assert time.monotonic() - began < 10  # and not the 15 that others have
        assert until(lambda: metric(server, "pombo_trouble_crashes_total") == 1)
        assert trouble(account, "well") == {"how": "well"}


def test_quarantine_is_seen_everywhere(server, account):
    for deaths in range(5):
        assert until(lambda: (metric(server, "pombo_trouble_restarts_total") or 0) == deaths)
        assert trouble(account, "exit") == "The trouble block exited with status 0"
    assert until(lambda: metric(server, "pombo_trouble_quarantined") == 1)
    said = "The trouble block is in quarantine: it exited with status 0"
    assert trouble(account, "well") == said
    reason = "in quarantine after 5 crashes: exited with status 0"
    assert until(lambda: Api(server).get("/health").json["checks"].get("trouble") ==
                 f"fail: {reason}")
    listed = server.run("plugin", "list", "--server", server.url).stdout
    assert re.search(rf"^trouble +1\.0\.0 +fails +process +\S+ +{reason}$", listed, re.M), listed
    assert metric(server, "pombo_trouble_up") == 0


def test_neither_the_database_nor_the_key_can_be_read(server, account):
    kept = list(server.data_dir.glob("pombo.db*"))  # with PostgreSQL, the key alone
    assert server.data_dir / "pombo.db.key" in kept
    for file in [*kept, Path("/etc/passwd"), Path(f"/proc/{server.pid}/environ")]:
        file.stat()
        assert trouble(account, f"read:{file}") == "Permission denied", file


def test_its_environment_holds_no_secret(server):
    for child in children_of(server.pid):
        environ = Path(f"/proc/{child}/environ").read_bytes()
        assert b"POMBO" not in environ
        assert b"PATH=" in environ


def test_nothing_is_left_behind(server):
    children = children_of(server.pid)
    server.stop()
    assert children and not any(is_alive(child) for child in children)
    server.start()
    children = children_of(server.pid)
    server.kill()
    assert children and until(lambda: not any(is_alive(child) for child in children))


def test_a_library_of_ours_that_was_changed(tmp_path):
    release = tmp_path / "release"
    shutil.copytree(default_binary().parent / "plugins", release / "plugins",
                    ignore_dangling_symlinks=True)  # the bridge, where there is no Go
    for program in ("pombo", "pombo-block-host"):
        shutil.copy(default_binary().parent / program, release / program)
    with (release / "plugins/webhook.so").open("ab") as library:
        library.write(b"\0")
    env = {"POMBO_PLUGINS_ISOLATION": "auto"}
    with Server(release / "pombo", tmp_path / "data", env=env) as server:
        said = {line["block"]: line for line in lines_of(server, "Block is opened")}
        assert said["webhook"]["isolation"] == "process"
        assert said["webhook"]["level"] == "warn"
        assert said["webhook"]["because"] == "it is not the library that came with this server"
        assert said["websocket"]["isolation"] == "inside"
        account = Api(server, server.account("shop"))
        assert account.created("x", **FIELDS)["webhook"] == GROUPS["webhook"][1]


@pytest.mark.parametrize("env, isolation, because", [
    ({"POMBO_BLOCKS_TROUBLE_ISOLATION": "inside"}, "inside", "blocks.trouble.isolation"),
    ({"POMBO_PLUGINS_ISOLATION": "inside"}, "inside", "plugins.isolation"),
    ({"POMBO_PLUGINS_ISOLATION": "inside", "POMBO_BLOCKS_TROUBLE_ISOLATION": "process"},
     "process", "blocks.trouble.isolation"),
])
def test_the_operator_says_where(tmp_path, env, isolation, because):
    with Server(data_dir=tmp_path, config=config_of(tmp_path), env=env) as server:
        said = lines_of(server, "Block is opened")
        [ours] = [line for line in said if line["block"] == "trouble"]
        assert (ours["isolation"], ours["because"]) == (isolation, because)
        apart = [line for line in said if line["isolation"] == "process"]
        assert len(children_of(server.pid)) == len(apart)
        assert all("limits" in line["confined"] for line in apart)
        open_to_all = [line for line in apart if not {"user", "landlock"} & set(line["confined"])]
        assert len(lines_of(server, CAN_READ)) == len(open_to_all)


CAN_READ = "A block's process can read what the server can"
# A user like others, on a kernel without Landlock.
UNPROTECTED = """
import errno, os, sys
import seccomp
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(61100, 61100, 61100)
    os.setresuid(61100, 61100, 61100)
kernel = seccomp.SyscallFilter(seccomp.ALLOW)
kernel.add_rule(seccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
kernel.load()
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_where_nothing_keeps_a_block_from_its_files_the_server_says_so():
    folder = Path(tempfile.mkdtemp())
    try:
        config = config_of(folder)
        if os.geteuid() == 0:
            for each in (folder, config):
                os.chown(each, 61100, 61100)
        with Server(data_dir=folder, config=config,
                    within=[sys.executable, "-c", UNPROTECTED]) as server:
            [opened] = [line for line in lines_of(server, "Block is opened") if line["block"] == "trouble"]
            assert opened["confined"] == ["limits", "seccomp"]
            said = {line["block"]: line["level"] for line in lines_of(server, CAN_READ)}
            assert said["trouble"] == "warn"
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("lines, reason", [
    (["isolation: apart"], "must be one of: auto, process, inside"),
    (["process: {memory: 1}"], "unknown key 'blocks.trouble.process.memory'"),
    (["process: {memoryMb: 1}"], "must be between 16 and 1048576"),
    (["process: 7"], "'blocks.trouble.process' must be a map"),
])
def test_a_mistake_in_the_configuration_is_named(tmp_path, lines, reason):
    done = Server(data_dir=tmp_path, config=config_of(tmp_path, *lines)).run("plugin", "list")
    assert done.returncode == 1
    assert reason in done.stderr
