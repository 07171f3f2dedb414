"""Whether servers do what their own /openapi.json says: `pytest --openapi`.

Every exchange of client.Api then goes through validating_proxy.mjs. An answer that is not as
described fails the test, and so does a request that is not, when the server has carried it out.
"""

from __future__ import annotations

import json
import subprocess
import threading
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from chatwoot import NPM
from pombo_server import REPOSITORY

PROXY = REPOSITORY / "tests/e2e/validating_proxy.mjs"


class Proxies:
    """One before each server, all in one process."""

    def __init__(self):
        self._process = subprocess.Popen(["node", PROXY, NPM], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        # By the process itself: its number is given out again in a run as long as ours.
        self._ports: WeakKeyDictionary[subprocess.Popen, int] = WeakKeyDictionary()
        self._asking = threading.Lock()

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def port_before(self, server) -> int:
        with self._asking:
            if server.process not in self._ports:
                self._process.stdin.write(f"{server.port}\n")
                self._process.stdin.flush()
                told = json.loads(self._process.stdout.readline())
                assert "port" in told, told
                self._ports[server.process] = told["port"]
            return self._ports[server.process]


def require_described(request: str, body: bytes | None, reply) -> None:
    """Of a client.Reply that a proxy has passed on; takes away what the proxy has added."""
    found = json.loads(unquote(reply.headers["sl-violations"] or "[]"))
    del reply.headers["sl-violations"]
    try:
        answer = reply.json
    except ValueError:
        answer = None
    # "uri" leaves out the international ones, which are taken as well: see addresses.json. What such
    # a field is part of is then not as described, either.
    foreign = [each["location"][:length] for each in found if each.get("code") == "format"
               for length in range(1, len(each["location"]) + 1)]
    wrong = [each for each in found
             if each["location"][0] != "request" or (200 <= reply.status < 300
                                                     and each["location"] not in foreign
                                                     and not is_told(each, answer))]
    assert not wrong, f"not as described: {wrong}\n{request} {body}\n{reply.status} {reply.raw}"


def is_told(violation: dict, answer) -> bool:
    """Whether the answer itself says that this was not taken.

    A creation goes through whatever its blocks are told: what is wrong with a block's fields stands
    in its object, and what was not looked at at all in the warnings, as do fields nobody knows.
    """
    if not isinstance(answer, dict):
        return False
    warned = " ".join(answer.get("warnings", []))
    instance = answer.get("instance")
    blocks = instance if isinstance(instance, dict) else {}
    failed = [name for name, shown in blocks.items()
              if isinstance(shown, dict) and shown.get("status") == "error"]
    place, field = violation["location"][1:2], violation["location"][2:3]
    if place != ["body"]:
        return violation.get("code") == 415 and "Unknown field" in warned
    if not field:  # of a block as a whole: something that has to be there is not
        return bool(failed)
    return f"'{field[0]}" in warned or any(
        field[0].startswith(name) or field[0] in blocks[name] for name in failed)
