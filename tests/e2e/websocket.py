"""A WebSocket client that sends bytes: what tests try is often nothing that a library would."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib

from client import Api, Reply, Wire
from pombo_server import REPOSITORY

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FINAL, DEFLATED = 0x80, 0x40
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
VERSION = "Sec-WebSocket-Version: 13"
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
MASK = b"mask"

EXAMPLES = json.loads((REPOSITORY / "tests/support/event_examples.json").read_text())["events"]
CALL, MESSAGE = (next(each["data"] for each in EXAMPLES if each["event"] == event)
                 for event in ("call.update", "message.exchange"))


def key() -> str:
    return base64.b64encode(os.urandom(16)).decode()


def upgrade(path: str, *lines: str, with_key: str | None = None) -> bytes:
    """The bytes of a request for a WebSocket; `lines` are more headers."""
    head = [f"GET {path} HTTP/1.1", "Host: x", *UPGRADE, VERSION,
            f"Sec-WebSocket-Key: {with_key or key()}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def masked(payload: bytes) -> bytes:
    mask = (MASK * (len(payload) // 4 + 1))[:len(payload)]
    size = len(payload)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def length(size: int, mask_bit: int = 0x80) -> bytes:
    if size < 126:
        return bytes([mask_bit | size])
    if size < 1 << 16:
        return struct.pack("!BH", mask_bit | 126, size)
    return struct.pack("!BQ", mask_bit | 127, size)


def frame(opcode: int, payload: bytes = b"", first: int | None = None) -> bytes:
    """Masked, and in one piece unless its `first` byte says otherwise."""
    head = bytes([FINAL | opcode if first is None else first])
    return head + length(len(payload)) + MASK + masked(payload)


def deflate(payload: bytes, level: int = 9) -> bytes:
    """As a message of its own."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(END)


END = b"\0\0\xff\xff"


class Socket(Wire):
    """An open one, or what refused it: `refusal`."""

    def __init__(self, server, path: str, token: str = "", lines: tuple[str, ...] = (),
                 receive_buffer: int | None = None, source: str = "127.0.0.1",
                 early: bytes = b""):
        """`early` is sent along with the request."""
        super().__init__(server.port, source, receive_buffer)
        nonce = key()
        lines += (f"token: {token}",) if token else ()
        self.send(upgrade(path, *lines, with_key=nonce) + early)
        self.refusal: Reply | None = None
        while b"\r\n\r\n" not in self._unread:
            assert self._more(), f"closed instead of answering, after {self._unread!r}"
        if not self._unread.startswith(b"HTTP/1.1 101 "):
            self.refusal = self.answer()
            return
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        self.head = head.decode().split("\r\n")
        expected = base64.b64encode(hashlib.sha1(
            (nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert f"Sec-WebSocket-Accept: {expected}" in self.head
        assert {"Upgrade: websocket", "Connection: Upgrade"} <= set(self.head)
        assert not any(line.startswith("Content-Length") for line in self.head)
        self.extensions = next((line.partition(": ")[2] for line in self.head
                                if line.startswith("Sec-WebSocket-Extensions: ")), "")
        self.flags = 0  # of the last frame, beside FINAL

    def frame(self) -> tuple[int, bytes] | None:
        """The next one; nothing when the connection has ended instead."""
        if not self._have(2):
            return None
        opcode, size, at = self._unread[0] & 0x0f, self._unread[1], 2
        self.flags = self._unread[0] & 0xf0 ^ FINAL
        assert self.flags in ((0, DEFLATED) if self.extensions else (0,)), "frames are whole"
        assert size < 128, "a server masks nothing"
        if size >= 126:
            at = 4 if size == 126 else 10
            assert self._have(at)
            size = int.from_bytes(self._unread[2:at], "big")
        if not self._have(at + size):
            return None
        payload, self._unread = self._unread[at:at + size], self._unread[at + size:]
        if self.flags:
            payload = zlib.decompressobj(-15).decompress(payload + END)
        return opcode, payload

    def text(self):
        """What the next text holds; pings before it are answered."""
        while True:
            got = self.frame()
            assert got, "the connection has ended"
            opcode, payload = got
            if opcode == TEXT:
                return json.loads(payload)
            assert opcode == PING, got
            self.send(frame(PONG, payload))

    def closing(self) -> tuple[int, str]:
        """Code and reason of the server's close, behind whatever came before; then comes the end."""
        while True:
            got = self.frame()
            assert got, "ended without a close"
            opcode, payload = got
            if opcode == CLOSE:
                break
        assert len(payload) >= 2
        try:
            self.send(frame(CLOSE, payload[:2]))
        except OSError:
            pass  # whoever has said something wrong is not heard any more
        try:
            assert self.frame() is None and not self._unread
        except ConnectionResetError:
            pass
        self.socket.close()
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def _have(self, size: int) -> bool:
        while len(self._unread) < size:
            if not self._more():
                return False
        return True


class Shop:
    """An instance with a link that does not need a phone."""

    def __init__(self, api: Api, name: str, **fields):
        self.api, self.name = api, name
        fields = {"websocketEnabled": True, "connector": "simulator"} | fields
        self.token = api.created(name, **fields)["token"]
        self.path = "/ws/" + name
        self._opened: list[Socket] = []

    def open(self, query: str = "", token: str | None = None, **options) -> Socket:
        socket = Socket(self.api.server, self.path + query,
                        self.token if token is None else token, **options)
        self._opened.append(socket)
        return socket

    def publish(self, event: str = "call.update", **data) -> str:
        """An event, whose id this is."""
        data = {"call.update": CALL, "message.exchange": MESSAGE}[event] | data
        reply = self.api.call("POST", f"/api/simulator/event/{self.name}",
                              {"event": event, "data": data})
        assert reply.status == 202, reply
        return reply.json["id"]

    def configure(self, **fields) -> None:
        assert self.api.call("POST", "/api/events/websocket/" + self.name, fields).status == 200

    def end(self) -> None:
        for socket in self._opened:
            socket.socket.close()
