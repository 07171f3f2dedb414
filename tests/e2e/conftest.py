"""One server per module, in a folder of its own, on a port that was free.

A module that needs other settings says so: SERVER_ENV = {"POMBO_LOG_LEVEL": "debug"}.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
from pathlib import Path

import pytest
import zoo
from bucket_servers import Ceph, Swift
from client import Api, Wire
from described import Proxies
from pombo_server import (DEFAULT_ENV, REPOSITORY, Server, assert_nothing_told,
                          default_binary)
from postgres import Postgres

# What only a database in a file can show.
SQLITE_ONLY = {
    "test_the_environment_fills_and_overrides_the_file",  # its file names an SQLite file
    "test_the_files_are_nobody_elses",
}

_numbers = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--store", choices=["sqlite", "postgresql"], default="sqlite",
                     help="the database that the servers are run on")
    parser.addoption("--isolation", choices=["process", "inside"],
                     help="where all blocks run that a test does not place itself")
    parser.addoption("--openapi", action="store_true",
                     help="hold all that Api says and hears against the servers' /openapi.json")
    parser.addoption("--row", help="only the tests of this row of bad input: B3")
    parser.addoption("--rows", action="store_true", help="tell which tests show which row")


def pytest_configure(config):
    config.addinivalue_line("markers", "row(id, ...): shows these rows of bad_inputs/document.py")
    config.addinivalue_line("markers", "direct(why): is nothing for --openapi")
    config.postgres = None
    os.environ.pop("POMBO_TEST_DATABASE", None)
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # only deals the files out; each of those who run them has servers of its own
    if isolation := config.getoption("--isolation"):
        DEFAULT_ENV["POMBO_PLUGINS_ISOLATION"] = isolation
    if config.getoption("--openapi"):
        Api.proxies = Proxies()
    if config.getoption("store") == "postgresql":
        config.postgres = Postgres().__enter__()
        os.environ["POMBO_TEST_DATABASE"] = config.postgres.url


def pytest_unconfigure(config):
    if Api.proxies:
        Api.proxies.end()
    if config.postgres:
        config.postgres.__exit__()


def rows_of(item) -> set[str]:
    """The ids of the rows of bad input that a test shows."""
    return {row for mark in item.iter_markers("row") for row in mark.args}


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("row")
    kept = [item for item in items
            if not (config.postgres and item.originalname in SQLITE_ONLY)
            and (not wanted or wanted in rows_of(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
    if config.getoption("rows"):
        for item in items:
            for row in sorted(rows_of(item)):
                print(f"row\t{row}\t{item.nodeid}")


@pytest.fixture(autouse=True)
def directly(request, monkeypatch):
    if request.node.get_closest_marker("direct"):
        monkeypatch.setattr(Api, "proxies", None)


@pytest.fixture(scope="session")
def fresh():
    """fresh("shop") is a name that no other test has."""
    return lambda word="x": f"{word}-{next(_numbers)}"


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    env = {"POMBO_LOG_LEVEL": "debug"} | getattr(request.module, "SERVER_ENV", {})
    with Server(data_dir=tmp_path_factory.mktemp("server"), env=env) as started:
        yield started
    if any(rows_of(item) for item in request.session.items if item.module is request.module):
        assert_nothing_told(started)


@pytest.fixture(scope="module")
def new_account(server, fresh):
    """Makes an account and returns the requests in its name; limits as of Server.account()."""
    return lambda **limits: Api(server, server.account(fresh("account"), **limits))


@pytest.fixture(scope="module")
def api(new_account):
    """Requests of an account that the whole module shares, without limits to speak of."""
    return new_account()


@pytest.fixture
def wire(server):
    """Opens bare connections, which end with the test."""
    opened: list[Wire] = []

    def connect(**options) -> Wire:
        opened.append(Wire(server.port, **options))
        return opened[-1]

    yield connect
    for each in opened:
        each.socket.close()


@pytest.fixture
def rows(server):
    return server.rows


@pytest.fixture
def writes_nothing(rows):
    """For tests of requests that are refused: afterwards the tables are as they were."""
    before = rows.counts()
    yield
    assert rows.counts() == before


@pytest.fixture(scope="session")
def external_blocks() -> Path:
    """The folder with the blocks of tests/external, built as a third party would."""
    build = default_binary().parent
    output = build.parent / "external"
    output.mkdir(exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone {os.getpid()}")
    made = output / "made"
    with open(output / "lock", "w") as lock:  # whoever runs other files of this run wants them too
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != run:
            subprocess.run(["sh", REPOSITORY / "tests/external/check", build, output], check=True)
            made.write_text(run)
    return output / "blocks"


@pytest.fixture(scope="session")
def bad_blocks(external_blocks) -> Path:
    """The folder with the blocks of tests/bad_blocks."""
    return external_blocks.parent / "bad_blocks/blocks"


@pytest.fixture
def start_zoo(tmp_path, external_blocks, bad_blocks):
    """start_zoo({"thrower": {...}}, "process") is a server with these blocks and good ones."""
    servers: list[Server] = []

    def begin(blocks: dict[str, dict], isolation: str, **env: str) -> Server:
        config = zoo.config(tmp_path, [external_blocks, bad_blocks], blocks, isolation)
        servers.append(Server(data_dir=tmp_path, config=config, env=env).start())
        return servers[-1]

    yield begin
    for each in servers:
        each.kill()


@pytest.fixture(scope="session", params=[Ceph, Swift], ids=lambda kind: kind.name)
def bucket_server(request, tmp_path_factory):
    """A real S3 server; every test that asks for it runs against each."""
    with request.param(tmp_path_factory.mktemp(request.param.name)) as started:
        yield started
