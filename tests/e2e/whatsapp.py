"""The real server with the block whatsapp, whose program believes in a WhatsApp on this machine."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import unittest
import tempfile
from pathlib import Path
from urllib.parse import quote

from client import Api
from pombo_server import REPOSITORY, Server, default_binary, until
from receivers import Receiver

from mock_whatsapp import Mock

PROGRAM = "pombo-whatsapp-bridge"
# Nobody is in two tests: all of them share one WhatsApp.
NUMBERS = itertools.count(15_551_000_001)


def built(kind: str) -> Path:
    """The program as it is shipped (live), or the one that dials a mock and nothing else (mock)."""
    done = subprocess.run(["sh", REPOSITORY / "scripts/bridge", kind], check=False)
    if done.returncode == 3:
        raise unittest.SkipTest("there is no Go that is new enough")
    done.check_returncode()
    return REPOSITORY / "build/bridge" / kind / PROGRAM


def text(value: str, size: int = 32) -> bytes:
    """As the metadata of a library has it."""
    return value.encode().ljust(size, b"\0")


def place_mock(folder: Path, program: Path | None) -> Path:
    """The block as plugins.path finds it: its library, of the version that a build for tests says, and
    its program beside it."""
    library = (default_binary().parent / "plugins/whatsapp.so").read_bytes()
    named = text("whatsapp")
    assert library.count(named) == 1
    at = library.index(named) + len(named)
    version = library[at:at + 32].rstrip(b"\0").decode()
    folder.mkdir(exist_ok=True)
    (folder / "whatsapp.so").write_bytes(
        library[:at] + text(version + "+mock") + library[at + 32:])
    if program:
        (folder / PROGRAM).symlink_to(program)
    return folder


class World:
    """A server's folder, which everybody may pass, and servers that are started in it."""

    def __init__(self, mock: Mock, crm: Receiver, plugins: Path):
        self.mock, self.crm, self.plugins = mock, crm, plugins
        self.folder = Path(tempfile.mkdtemp())
        self.folder.chmod(0o711)
        self.servers: list[Server] = []

    def server(self, node: dict | None = None, within: list[str] | None = None, **env: str) -> Server:
        """`node` is what the file says of the block, beside which WhatsApp there is."""
        config = self.folder / "pombo.yaml"
        node = node or {}
        process = {"openFiles": 4096} | node.get("process", {})
        if "POMBO_TEST_DATABASE" in os.environ:  # it has no file to lie beside
            process = {"folder": str(self.sessions)} | process
        whatsapp = {"mock": self.mock.option()} | node | {"process": process}
        config.write_text(json.dumps({
            "plugins": {"path": [str(self.plugins), "plugins"]}, "egress": {"allow": ["127.0.0.1"]},
            "blocks": {"webhook": {"maxInFlight": 1}, "messages": {}, "proxy": {}, "whatsapp": whatsapp}}))
        env = {"POMBO_BLOCKS_WHATSAPP_ENABLED": "true"} | env
        self.servers.append(Server(data_dir=self.folder, config=config, env=env, within=within))
        return self.servers[-1].start()

    @property
    def sessions(self) -> Path:
        return self.folder / "pombo.db.whatsapp"

    def end(self) -> None:
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder)


class Shop:
    """An instance, its phone, and Bob, who writes to it."""

    def __init__(self, world: World, api: Api, name: str):
        self.world, self.mock, self.api, self.name = world, world.mock, api, name
        self.number, self.bob = (str(next(NUMBERS)) for _ in range(2))
        self.mock.do("contact", phone=self.bob, name="Bob")
        self.path = f"/wa/{name}-{self.number}"
        crm = f"http://127.0.0.1:{world.crm.port}{self.path}"
        self.instance = api.created(name, webhookEnabled=True, webhookURL=crm)

    def through(self, proxy: dict) -> Shop:
        """From the next dial on."""
        reply = self.api.call("POST", f"/api/instance/proxy/{self.name}", {"enabled": True} | proxy)
        assert reply.status == 200, reply
        return self

    def events(self, kind: str) -> list[dict]:
        """The data of all events of that kind that the webhook has had."""
        told = [each.json for each in list(self.world.crm.seen) if each.path == self.path]
        return [each["data"] for each in told if each["event"] == kind]

    def wait(self, kind: str, fits=lambda data: True, after: int = 0) -> dict:
        """The first that fits, of those after so many."""
        def found():
            return [data for data in self.events(kind)[after:] if fits(data)]
        assert until(found), (kind, self.events(kind), self.world.servers[-1].logs()[-3000:])
        return found()[0]

    def wait_state(self, state: str, after: int = 0) -> dict:
        return self.wait("instance.state", lambda data: data["state"] == state, after)

    @property
    def states(self) -> list[str]:
        return [data["state"] for data in self.events("instance.state")]

    @property
    def status(self) -> str:
        [listed] = self.api.listed(f"?instanceName={self.name}")
        return listed["status"]

    def connect(self, **query: str) -> dict:
        asked = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        reply = self.api.get(f"/api/instance/connect/{self.name}?{asked}")
        assert reply.status == 200, (reply, self.world.servers[-1].logs()[-3000:])
        return reply.json

    def link(self) -> Shop:
        after = len(self.states)
        self.mock.do("scan", phone=self.number, qr=self.connect()["qrCode"])
        self.wait_state("connected", after)
        return self

    def send(self, kind: str = "text", **fields) -> dict:
        reply = self.api.call("POST", f"/api/message/{kind}/{self.name}",
                              {"number": self.bob} | fields)
        assert reply.status in (200, 201), reply
        return reply.json["data"]

    def read_by_bob(self, message: str) -> dict:
        """What Bob's phone has decrypted under this id, as soon as it has."""
        self.mock.do("inbox", phone=self.bob, id=message)
        return next(each["message"] for each in self.mock.inbox(self.bob) if each["id"] == message)

    def by_bob(self, operation: str, **body) -> None:
        self.mock.do(operation, **{"from": self.bob, "to": self.number}, **body)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def programs_of(server: Server) -> list[int]:
    """The processes of the block; of one that is being started, none."""
    children = [int(child) for file in Path(f"/proc/{server.pid}/task").glob("*/children")
                for child in file.read_text().split()]
    return [child for child in children
            if is_alive(child) and Path(f"/proc/{child}/exe").resolve().name == PROGRAM]


def kill_program(server: Server) -> None:
    """As the kernel does it that has no memory left; returns when there is another one."""
    assert until(lambda: programs_of(server))
    [pid] = programs_of(server)
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not is_alive(pid))
