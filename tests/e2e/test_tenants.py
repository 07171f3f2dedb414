"""No token reaches what is not its own; and a server that has forgotten a check is found out."""

import subprocess
import sys
from itertools import islice

import pytest
from pombo_server import REPOSITORY, Server, default_binary
from tenant_matrix import problems
from tenants import SERVER_ENV, Tenants

sys.path.insert(0, str(REPOSITORY / "tests/mutants"))
from mutate import MUTANTS  # noqa: E402

BUILD = default_binary().parent


def test_every_cell_of_the_matrix(server):
    assert list(islice(problems(Tenants(server)), 20)) == []


@pytest.fixture(scope="module")
def mutants():
    """The folder with the servers of tests/mutants."""
    subprocess.run(["cmake", "--build", BUILD, "--target", "mutants"], check=True,
                   stdout=subprocess.DEVNULL)
    return BUILD / "tests/mutants"


@pytest.mark.direct("a server that is not as described")
@pytest.mark.parametrize("name", MUTANTS)
def test_a_server_without_one_check_is_found_out(tmp_path, mutants, name):
    env = SERVER_ENV | {"POMBO_PLUGINS_PATH": str(BUILD / "plugins"),
                        "POMBO_PLUGINS_ISOLATION": "inside"}
    with Server(mutants / name, tmp_path, env=env) as server:
        assert MUTANTS[name][2] in next(problems(Tenants(server)), "nothing")
