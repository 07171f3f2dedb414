"""What the tests use to talk to the server: requests with one answer each, and bare sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from dataclasses import dataclass
from typing import Any

from described import Proxies, require_described

PATIENCE = 60  # seconds until a test gives up on a server that does not answer

LIMIT_HEADERS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def limit_headers(self) -> set[str]:
        return {name for name in self.headers if name.lower().startswith("x-ratelimit")}


def error(message: str) -> dict:
    """The error envelope: these two keys and no more."""
    return {"success": False, "error": {"message": message}}


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.json) == (status, error(message))
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["X-Request-Id"]
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="pombo"'


class Api:
    """Requests to one server, each on a connection of its own."""

    proxies: Proxies | None = None  # with --openapi: every exchange goes through one of them

    def __init__(self, server, token: str | None = None, source: str = "127.0.0.1"):
        self.server, self.token, self.source = server, token, source

    def as_(self, token: str | None) -> Api:
        return Api(self.server, token, self.source)

    def call(self, method: str, path: str, body: Any = None,
             headers: dict[str, str] | None = None) -> Reply:
        """A body that is not bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        all_headers = {"token": self.token} if self.token is not None else {}
        all_headers |= headers or {}
        port = self.proxies.port_before(self.server) if self.proxies else self.server.port
        # Without an address of its own, so that a port may serve again beside another server's.
        source = None if self.source == "127.0.0.1" else (self.source, 0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE,
                                                source_address=source)
        try:
            connection.request(method, path, body, all_headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        if self.proxies:
            require_described(f"{method} {path}", body, reply)
        return reply

    def get(self, path: str, **more) -> Reply:
        return self.call("GET", path, **more)

    def create(self, name: str | None = None, **fields) -> Reply:
        if name is not None:
            fields = {"name": name} | fields
        return self.call("POST", "/api/instance/new", fields)

    def created(self, name: str, **fields) -> dict:
        """The instance, which there must be."""
        reply = self.create(name, **fields)
        assert reply.status == 201, reply
        instance = reply.json["instance"]
        self.server.tokens.add(instance["token"])
        return instance

    def list(self, query: str = "") -> Reply:
        return self.get("/api/instance/list" + query)

    def listed(self, query: str = "") -> list[dict]:
        reply = self.list(query)
        assert reply.status == 200, reply
        return reply.json["instances"]

    def names(self) -> list[str]:
        return [each["name"] for each in self.listed()]

    def delete(self, segment: str) -> Reply:
        """`segment` as it is to stand in the path, percent-encoded."""
        return self.call("DELETE", "/api/instance/delete/" + segment)


class Wire:
    """A bare connection: what is sent is sent, and answers are read one by one."""

    def __init__(self, port: int, source: str = "127.0.0.1", receive_buffer: int | None = None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self._unread = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Wire:
        self.socket.sendall(data)
        return self

    def answer(self, head_only: bool = False) -> Reply:
        """The next answer, with as much body as its head announces."""
        while b"\r\n\r\n" not in self._unread:
            assert self._more(), f"closed instead of answering, after {self._unread!r}"
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        status_line, _, fields = head.partition(b"\r\n")
        assert status_line.startswith(b"HTTP/1.1 "), status_line
        headers = http.client.HTTPMessage()
        for line in fields.decode("latin-1").split("\r\n") if fields else []:
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        status = int(status_line.split()[1])
        size = 0 if head_only or status == 100 else int(headers["Content-Length"])
        while len(self._unread) < size:
            assert self._more(), "closed in the middle of a body"
        raw, self._unread = self._unread[:size], self._unread[size:]
        return Reply(status, headers, raw)

    def assert_closed(self) -> None:
        """Closed by the server in good order, without a byte more."""
        assert not self._unread and not self._more(), self._unread

    def assert_kept(self) -> None:
        """The next request on this connection is served, and nothing stands before its answer."""
        assert not self._unread, self._unread
        reply = self.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer()
        assert (reply.status, reply.json) == (200, {"status": "ok"})
        assert "Connection" not in reply.headers

    def reset(self) -> None:
        """Gone without a good-bye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _more(self) -> bool:
        data = self.socket.recv(65536)
        self._unread += data
        return bool(data)


def request(method: str, target: str, token: str = "", body: bytes = b"",
            *lines: str) -> bytes:
    """The bytes of a request, with the headers that it needs and `lines` after them."""
    head = [f"{method} {target} HTTP/1.1", "Host: x", *lines]
    if token:
        head.append(f"token: {token}")
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def together(count: int, act, patience: float | None = PATIENCE) -> list:
    """act(0) ... act(count - 1), each on a thread, all let go at once; what they returned."""
    results: list = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = act(number)
        except BaseException as failure:  # told to the caller, not to a thread nobody looks at
            results[number] = failure

    threads = [threading.Thread(target=run, args=[n], daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
