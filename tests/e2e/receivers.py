"""Who webhooks post to, and who checks what they post.

    with Receiver() as crm, Verifiers() as verifiers:
        ...  # webhooks to crm.url
        [delivery] = crm.wait(1)
        assert verifiers.accept(secret, delivery)
"""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import threading
from dataclasses import dataclass, replace
from typing import Callable

from chatwoot import NPM
from client import PATIENCE
from pombo_server import REPOSITORY

VERIFIERS = REPOSITORY / "tests/e2e/webhook_verifiers.mjs"


@dataclass
class Posted:
    path: str
    headers: dict[str, str]  # keys in lower case
    raw: bytes

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def but(self, raw: bytes | None = None, **headers: str) -> Posted:
        """The same, changed; an underscore in the name of a header is a hyphen."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, raw=self.raw if raw is None else raw, headers=self.headers | changed)


# The status, then headers and body where there are any.
Answer = Callable[[Posted], tuple]


class Receiver:
    """An endpoint on loopback that keeps what it gets. `answer` may be changed at any time."""

    def __init__(self, answer: Answer = lambda _: (204,), port: int = 0):
        self.answer = answer
        self.seen: list[Posted] = []
        self._came = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                posted = Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with outer._came:
                    outer.seen.append(posted)
                    outer._came.notify_all()
                said = outer.answer(posted)
                status, headers, content = said + ({}, b"")[len(said) - 1:]
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    if status != 204:
                        self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    pass  # whoever asked has given up

            do_GET = do_POST  # of a file

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/wa"

    def __enter__(self) -> Receiver:
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, count: int) -> list[Posted]:
        """All that came, as soon as there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.seen) >= count, PATIENCE), self.seen
            return list(self.seen)


class Verifiers:
    """What receivers check signatures with, taken from npm."""

    def __enter__(self) -> Verifiers:
        self._process = subprocess.Popen(["node", VERIFIERS, NPM], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def say(self, secret: str, posted: Posted) -> dict[str, str | None]:
        """By verifier: nothing, or why it refuses."""
        self._process.stdin.write(json.dumps(
            {"secret": secret, "headers": posted.headers,
             "body": base64.b64encode(posted.raw).decode()}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def accept(self, secret: str, posted: Posted) -> bool:
        """Whether all of them do; those that do not must agree."""
        said = self.say(secret, posted)
        assert set(said) == {"standardwebhooks", "svix"}
        assert len({each is None for each in said.values()}) == 1, said
        return set(said.values()) == {None}
