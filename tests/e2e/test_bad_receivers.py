"""Receivers of webhooks that answer as no receiver should."""

import gzip
import socket
import threading
from contextlib import contextmanager

import pytest
from client import PATIENCE
from deliveries import SERVER_ENV as ENV
from deliveries import Shop

SERVER_ENV = ENV | {"POMBO_BLOCKS_WEBHOOK_TIMEOUT_SECONDS": "1"}
MEMORY = 64 << 20  # bytes that the server may take meanwhile; what is sent would be far more
PIECE = b"x" * (64 << 10)
OK = b"HTTP/1.1 200 OK\r\n"
LONG = OK + b"Content-Length: 1000000000000\r\n\r\n"


@contextmanager
def talking(begin: bytes, again: bytes = b"", slowly: bool = False, reset: bool = False):
    """The port of a receiver that says `begin`, and `again` for as long as somebody listens."""
    stopped = threading.Event()

    def talk(peer: socket.socket) -> None:
        with peer:
            try:
                peer.recv(65536)
                peer.sendall(begin)
                while again and not stopped.wait(0.1 if slowly else 0):
                    peer.sendall(again)
                if reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            except OSError:
                pass  # it has heard enough

    def accept() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            peer.settimeout(PATIENCE)
            threading.Thread(target=talk, args=[peer], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def came_to(api, server, fresh):
    """came_to(begin, ...) is the delivery to such a receiver after its first attempt."""

    def post(*talk, **how) -> dict:
        before = server.rss()
        with talking(*talk, **how) as port:
            shop = Shop(api, fresh())
            shop.webhook(f"http://127.0.0.1:{port}/")
            shop.happens()
            [row] = shop.attempted()
        assert server.rss() < before + MEMORY
        return row

    return post


@pytest.mark.row("X1")
@pytest.mark.parametrize("talk", [
    (LONG, PIECE), (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n"),
    (OK + b"Connection: close\r\n\r\n", PIECE),
    (OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(bytes(1 << 24)),)],
    ids=["announced", "chunked", "until the end", "compressed"])
def test_a_body_that_is_too_long_is_a_delivery(came_to, talk):
    assert (came_to(*talk)["status"], came_to(*talk)["lastStatusCode"]) == ("delivered", 200)


@pytest.mark.row("X2")
@pytest.mark.parametrize("begin, again", [
    (OK, b"X-Filler: " + PIECE + b"\r\n"), (OK + b"X-Filler: ", PIECE),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), (b"<html>hello</html>", b""),
    (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", b""), (b"\0" * 1000, PIECE)],
    ids=["lines without end", "a line without end", "100 Continue", "HTTP/0.9", "999", "NUL"])
def test_a_head_that_is_none_is_no_delivery(came_to, begin, again):
    row = came_to(begin, again)
    assert (row["status"], row["attempts"]) == ("pending", 1) and row["lastError"]


@pytest.mark.row("X2")
@pytest.mark.parametrize("begin", [OK, b""], ids=["a head", "a status line"])
def test_a_head_that_comes_slowly_is_no_delivery(came_to, begin):
    row = came_to(begin, b"X", slowly=True)
    assert row["status"] == "pending" and row["lastError"]


@pytest.mark.row("X1")
@pytest.mark.parametrize("how", [{"again": b"x", "slowly": True}, {"reset": True}, {}],
                         ids=["slow", "reset", "cut short"])
def test_a_body_that_does_not_come_is_a_delivery(came_to, how):
    """What was said of the event was said before."""
    row = came_to(LONG + b"begin", **how)
    assert (row["status"], row["lastStatusCode"]) == ("delivered", 200)
