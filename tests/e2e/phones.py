"""Linked simulated instances, and what their routes answer."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from client import LIMIT_HEADERS, Api, Reply, assert_refused
from deliveries import Shop
from pombo_server import Server

OWN = "5511999990000@s.whatsapp.net"
ANA = "5511988880000@s.whatsapp.net"
BIA = "5511977770000@s.whatsapp.net"
NOBODY = "5511988880404"  # a number that the simulator's WhatsApp does not know
GROUP = "12036300000000@g.us"
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
       "Jggg==")


class Phone(Shop):
    """A simulated instance that is linked, unless it says otherwise."""

    def __init__(self, api: Api, name: str, linked: bool = True, **fields):
        super().__init__(api, name, **fields)
        if linked:
            assert api.get(f"/api/instance/connect/{name}").status == 200
            scanned = api.call("POST", f"/api/simulator/scan/{name}", {"number": OWN.split("@")[0]})
            assert scanned.json["jid"] == OWN

    def ask(self, route: str, **fields) -> Reply:
        """ask("GET group/info", identifier=...): in the query of a GET, else in the body."""
        method, path = route.split()
        path = f"/api/{path}/{self.segment}"
        if method == "GET":
            return self.api.get(path + ("?" + urlencode(fields) if fields else ""))
        return self.api.call(method, path, fields)

    def told(self, route: str, status: int = 200, **fields) -> dict:
        """What a success says."""
        reply = self.ask(route, **fields)
        assert reply.status == status, reply
        assert reply.limit_headers == LIMIT_HEADERS
        return reply.json

    def refused(self, status: int, message: str, route: str, **fields) -> None:
        assert_refused(self.ask(route, **fields), status, message)


def counted(phone: Phone) -> dict[str, int]:
    """How many of what it has sent have come how far, less where none has."""
    shown = phone.told("GET instance/metrics")["metrics"]
    return {word: count for word, count in shown["messagesByStatus"].items() if count}


def simulators(server: Server) -> list[int]:
    """The simulator's processes, where it runs in some; other blocks may have some as well."""
    children = [int(child) for file in Path(f"/proc/{server.pid}/task").glob("*/children")
                for child in file.read_text().split()]
    return [child for child in children
            if b"/simulator.so" in Path(f"/proc/{child}/cmdline").read_bytes()]


def assert_needs_a_link(api: Api, name: str, routes: dict[str, dict]) -> None:
    """With good fields, each of these routes waits for a connected instance."""
    phone = Phone(api, name, linked=False)
    for route, fields in routes.items():
        phone.refused(503, "Instance is not connected to WhatsApp", route, **fields)
