"""The service of systemd's: what is installed, how exposed it is, and a server confined so."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from client import Api
from pombo_server import REPOSITORY, Server, default_binary
from shapes import GROUPS
from whatsapp import built
from zoo import lines_of

CONFINED = REPOSITORY / "tests/support/confined.py"
MOST_EXPOSURE = 1.5


@pytest.fixture(scope="module")
def prefix():
    """What `cmake --install` leaves, in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="pombo-service-") as folder:
        Path(folder).chmod(0o755)
        built("live")
        install(Path(folder) / "usr")
        yield Path(folder) / "usr"


def install(prefix: Path, **env: str) -> None:
    subprocess.run(["cmake", "--install", default_binary().parent, "--prefix", prefix], check=True,
                   env=os.environ | env, stdout=subprocess.DEVNULL)


def unit_of(prefix: Path) -> Path:
    return prefix / "lib/systemd/system/pombo.service"


def exposure(unit: Path) -> float:
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                          check=True, capture_output=True, text=True)
    return float(re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)[1])


def value(unit: Path, key: str) -> str:
    return re.search(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)[1]


def setting(config: Path, key: str) -> str:
    return re.search(rf"^ *{key}: (.*)$", config.read_text(), re.MULTILINE)[1]


def test_systemd_understands_it(prefix):
    done = subprocess.run(["systemd-analyze", "verify", unit_of(prefix)], capture_output=True,
                          text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_is_hardly_exposed(prefix):
    assert exposure(unit_of(prefix)) <= MOST_EXPOSURE


@pytest.mark.parametrize("key", ["CapabilityBoundingSet", "SystemCallFilter", "RestrictNamespaces"])
def test_a_wall_that_is_missing_is_seen(prefix, tmp_path, key):
    unit = tmp_path / "pombo.service"
    unit.write_text(re.sub(rf"(?m)^{key}=.*\n", "", unit_of(prefix).read_text()))
    assert exposure(unit) > exposure(unit_of(prefix))


def test_a_stop_has_time_to_drain(prefix):
    drain = int(setting(prefix / "etc/pombo/pombo.yaml", "drainSeconds"))
    assert int(value(unit_of(prefix), "TimeoutStopSec")) >= drain + 20


def test_the_service_and_the_command_line_have_one_database_and_one_key(prefix):
    config = prefix / "etc/pombo/pombo.yaml"
    folder = "/var/lib/" + value(unit_of(prefix), "StateDirectory")
    assert setting(config, "database") == f"sqlite:{folder}/pombo.db"
    handed_over = dict(re.findall(r"^LoadCredential=(.+):(.+)$", unit_of(prefix).read_text(),
                                  re.MULTILINE))
    assert setting(config, "keyFile") == f"{prefix}/etc/pombo/master.key"
    assert handed_over == {"master.key": f"{prefix}/etc/pombo/master.key",
                           "pombo.yaml": str(config)}
    assert value(unit_of(prefix), "Environment") == "POMBO_SECURITY_KEY_FILE=%d/master.key"
    assert value(unit_of(prefix), "ExecStart") == \
        f"{prefix}/bin/pombo serve --config %d/pombo.yaml"


def test_what_may_hold_secrets_is_its_owners_alone(prefix):
    assert (prefix / "etc/pombo/pombo.yaml").stat().st_mode & 0o777 == 0o600


def test_an_installation_for_the_whole_system(tmp_path):
    install(Path("/usr"), DESTDIR=str(tmp_path))
    assert value(unit_of(tmp_path / "usr"), "ExecStart") == \
        "/usr/bin/pombo serve --config %d/pombo.yaml"
    config = tmp_path / "etc/pombo/pombo.yaml"
    assert setting(config, "keyFile") == "/etc/pombo/master.key"
    config.write_text("the operator's own")
    install(Path("/usr"), DESTDIR=str(tmp_path))
    assert config.read_text() == "the operator's own"


def test_a_server_that_is_confined_as_the_unit_says(prefix, fresh):
    folder = prefix.parent
    state, launcher, key = folder / "state", folder / "launcher", folder / "master.key"
    launcher.write_text("#!/bin/sh\nexec %s %s %s %s %s \"$@\"\n" % (
        sys.executable, CONFINED, unit_of(prefix), state, prefix / "bin/pombo"))
    launcher.chmod(0o755)
    key.write_text("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n")
    config = Path(shutil.copy(prefix / "etc/pombo/pombo.yaml", folder / "pombo.yaml"))
    for each in (key, config):  # as systemd hands them over
        if os.geteuid() == 0:
            shutil.chown(each, 0, 61100)
        each.chmod(0o440 if os.geteuid() == 0 else 0o400)
    with Server(launcher, state, config,
                {"POMBO_SECURITY_KEY_FILE": str(key), "POMBO_PLUGINS_ISOLATION": "process",
                 "POMBO_EGRESS_ALLOW": "localhost",
                 "POMBO_BLOCKS_WHATSAPP_ENABLED": "true"}) as server:
        api = Api(server, server.account("shop"))
        instance = api.created(fresh(), **{name: value for fields, _ in GROUPS.values()
                                           for name, value in fields.items()})
        for block in GROUPS:
            assert instance[block] == GROUPS[block][1], block
        # Names are looked up, and others dialled.
        found = api.created(fresh(), chatwootEnabled=True, chatwootBaseUrl="http://localhost:9",
                            chatwootAccountId=5, chatwootApiToken="x")["chatwoot"]
        assert found["error"].startswith("Chatwoot is unreachable"), found
        assert api.get("/health").json["status"] == "ok"
        assert api.delete(instance["name"]).status == 200
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert re.search(r"^NoNewPrivs:\s1$", status, re.MULTILINE)
        assert re.search(r"^Seccomp:\s2$", status, re.MULTILINE)
        # Its blocks' processes can still lock themselves in.
        opened = lines_of(server, "Block is opened", isolation="process")
        built = (default_binary().parent / "plugins").glob("*.so")
        assert {line["block"] for line in opened} == {library.stem for library in built}
        assert all(line["confined"] == ["limits", "landlock", "seccomp"] for line in opened), opened
        assert server.stop() == 0
