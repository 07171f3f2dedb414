"""Instances on WhatsApp through proxies: through those that carry them, and those that do not."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading

import pytest
from client import Api, assert_refused
from names import NameServer
from pombo_server import Server, assert_nothing_told, until
from test_whatsapp import crm, mock, plugins, world  # noqa: F401
from whatsapp import Shop, World

from forward_proxies import AWAY, USER, free_port, microsocks, proxy, tinyproxy

SECRET = "canary-p@:/%?#ü"
REFUSED = "Failed to connect instance: the proxy refused the connection"
LOST = "Failed to connect instance: WhatsApp cannot be reached"
LATE = "Timed out waiting for a code from WhatsApp"
GIGABYTE = 1_000_000_000
MOST_TAKEN = 64 << 20  # ten of an answer to CONNECT, and what lies between two sockets


class Hostile:
    """Listens as a proxy does. It answers with `said` and so many bytes more, and then is silent."""

    def __init__(self, said: bytes = b"", more: int = 0):
        self.said, self.more, self.sent = said, more, 0
        self.asked = b""
        self.left = threading.Event()  # by who has asked
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_) -> None:
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, contextlib.suppress(OSError):
            self.asked = client.recv(65536)
            client.sendall(self.said)
            while self.sent < self.more:
                self.sent += client.send(b"x" * 65536)
            while client.recv(65536):
                pass
        self.left.set()


def answer(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


@pytest.fixture
def server(world) -> Server:
    return world.server(POMBO_LOG_LEVEL="debug")


@pytest.fixture
def shop(world, server, fresh) -> Shop:
    return Shop(world, Api(server, server.account("shop")), fresh("shop"))


@pytest.fixture(params=["http", "socks5"])
def carrier(request, tmp_path):
    with contextlib.ExitStack() as running:
        started = tinyproxy(tmp_path) if request.param == "http" else microsocks()
        yield proxy(request.param, running.enter_context(started))


def came_from(world: World) -> list[str]:
    """From where anybody has dialled WhatsApp since the last time."""
    return world.mock.do("peers")["addresses"]


def assert_not_linked(shop: Shop, through: dict, status: int, said: str) -> None:
    """Whoever asks for a code is told why there is none; nobody goes around the proxy, and nobody
    hears what it is asked with. Without it there is one."""
    came_from(shop.world)
    shop.through(through | {"username": USER, "password": SECRET})
    reply = shop.api.get(f"/api/instance/connect/{shop.name}")
    assert_refused(reply, status, said)
    assert came_from(shop.world) == []
    assert shop.status == "disconnected"
    posted = [each.raw for each in list(shop.world.crm.seen) if each.path == shop.path]
    sent = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    server = shop.world.servers[-1]
    assert_nothing_told(server)
    assert not any(word in told for word in ("canary", sent)
                   for told in [server.logs(), *(raw.decode() for raw in posted)])
    assert shop.api.call("POST", f"/api/instance/proxy/{shop.name}", {"enabled": False}).status == 200
    assert shop.connect()["status"] == "qr"


@pytest.mark.row("X10")
@pytest.mark.parametrize("protocol", ["http", "https", "socks5"])
def test_a_proxy_that_is_not_there(shop, protocol):
    assert_not_linked(shop, proxy(protocol, free_port()), 502, REFUSED)


@pytest.mark.row("X10")
def test_a_proxy_that_wants_another_password(shop, carrier):
    assert_not_linked(shop, carrier, 502, REFUSED)


@pytest.mark.row("X10")
@pytest.mark.parametrize("protocol, said, why", [
    ("http", answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\"",
                    "Content-Length: 0"), REFUSED),
    ("http", answer("502 Bad Gateway", "Content-Length: 0"), REFUSED),
    ("http", answer(f"403 {SECRET}", "Content-Length: 0"), REFUSED),
    ("http", b"220 mail.example ESMTP\r\n", LOST),
    ("socks5", b"\5\xff", REFUSED),
    ("socks5", b"HTTP/1.1 400 Bad Request\r\n\r\n", REFUSED),
], ids=["407", "502", "403", "no HTTP", "no method", "no SOCKS"])
def test_a_proxy_that_refuses(shop, protocol, said, why):
    with Hostile(said) as hostile:
        assert_not_linked(shop, proxy(protocol, hostile.port), 502, why)
        assert hostile.asked and hostile.left.wait(60)


@pytest.mark.row("X10")
@pytest.mark.parametrize("protocol, said", [
    ("http", b""), ("http", b"HTTP/1.1 200 OK\r\n"), ("http", answer("200 OK")), ("https", b""),
    ("socks5", b""),
], ids=["no answer", "half an answer", "a silent tunnel", "no TLS", "no greeting"])
def test_a_proxy_that_is_silent(world, fresh, protocol, said):
    server = world.server(POMBO_LOG_LEVEL="debug", POMBO_LINK_CODE_SECONDS="2")
    shop = Shop(world, Api(server, server.account("shop")), fresh("shop"))
    with Hostile(said) as hostile:
        assert_not_linked(shop, proxy(protocol, hostile.port), 504, LATE)
        assert hostile.asked


@pytest.mark.row("X10")
@pytest.mark.parametrize("protocol, said, why", [
    ("http", b"HTTP/1.1 200 OK\r\nX: ", LOST),
    ("http", answer("407 Proxy Authentication Required", f"Content-Length: {GIGABYTE}"), REFUSED),
    ("http", answer("200 OK"), LOST),
    ("socks5", b"\5\2", REFUSED),
], ids=["a head", "a body", "a tunnel", "SOCKS"])
def test_a_proxy_that_floods(shop, protocol, said, why):
    with Hostile(said, GIGABYTE) as hostile:
        assert_not_linked(shop, proxy(protocol, hostile.port), 502, why)
        assert hostile.left.wait(60) and hostile.sent < MOST_TAKEN


@pytest.mark.parametrize("protocol", ["http", "https", "socks5"])
def test_a_proxy_whose_name_leads_to_what_is_not_allowed(world, fresh, protocol):
    """Its name is allowed whatever it leads to, so nothing but the address that is dialled can be refused."""
    with NameServer() as names, socket.create_server((AWAY, 0)) as listener:
        names.views["turned.test"] = [[AWAY]]
        server = world.server(within=names.alone(world.folder), POMBO_LOG_LEVEL="debug",
                              POMBO_EGRESS_ALLOW="127.0.0.1, turned.test")
        shop = Shop(world, Api(server, server.account("shop")), fresh("shop"))
        turned = proxy(protocol, listener.getsockname()[1]) | {"host": "turned.test"}
        assert_not_linked(shop, turned, 502, REFUSED)
        assert names.asked["turned.test"] > 0
        with socket.create_connection(listener.getsockname()) as ours:  # and nobody came before
            assert listener.accept()[1] == ours.getsockname()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_after_a_restart_it_is_linked_through_its_proxy_again(world, shop, server, carrier, end):
    came_from(world)
    shop.through(carrier).link()
    assert came_from(world) == [AWAY]
    after = len(shop.states)
    getattr(server, end)()
    server.start()
    assert until(lambda: shop.status == "connected")
    assert "qr_ready" not in shop.states[after:]
    assert shop.read_by_bob(shop.send(message="through it")["messageId"])
    assert came_from(world) == [AWAY]


def test_after_a_restart_without_its_proxy_it_waits_for_another(world, shop, server, tmp_path):
    with tinyproxy(tmp_path) as port:
        shop.through(proxy("http", port)).link()
        server.kill()
    came_from(world)
    after = len(shop.states)
    server.start()
    shop.wait_state("disconnected", after)
    assert shop.status == "connecting" and came_from(world) == []
    with microsocks() as port:
        shop.through(proxy("socks5", port))
        assert shop.api.call("POST", f"/api/instance/reconnect/{shop.name}").status == 200
        assert until(lambda: shop.status == "connected")
        assert came_from(world) == [AWAY]
