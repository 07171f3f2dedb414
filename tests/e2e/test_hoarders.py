"""Clients that take more than their share: of connections, descriptors, memory and threads."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from client import Api, Wire, assert_refused, request
from pombo_server import REPOSITORY, Server, default_binary, until
from test_health import metric

sys.path.append(str(REPOSITORY / "bench"))  # last: it has deliveries of its own
from hoarders import missed  # noqa: E402

pytestmark = pytest.mark.direct("a proxy has connections of its own")
PROBE = request("GET", "/healthz")
REFUSED = 'pombo_edge_connections_refused_total{reason="address"}'
FULL = 'pombo_edge_connections_refused_total{reason="full"}'
EVICTED = "pombo_edge_connections_evicted_total"


@pytest.fixture
def start(tmp_path):
    """start(HTTP_WORKERS="2") is a server with these settings."""
    servers: list[Server] = []

    def begin(binary: Path | None = None, **settings: str) -> Server:
        env = {f"POMBO_{name}": value for name, value in settings.items()}
        servers.append(Server(binary, tmp_path, env=env).start())
        return servers[-1]

    yield begin
    for each in servers:
        each.kill()


@pytest.fixture
def crowd():
    """crowd(server, source, data) opens a connection and sends; all end with the test."""
    opened: list[Wire] = []

    def join(server: Server, source: str, data: bytes) -> Wire:
        opened.append(Wire(server.port, source=source))
        return opened[-1].send(data)

    yield join
    for each in opened:
        each.socket.close()


def lines(server: Server, message: str) -> list[dict]:
    """What the log says that begins like that."""
    logged = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
    return [each for each in logged if each["message"].startswith(message)]


def turned_away(wire: Wire) -> bool:
    try:
        return not wire.send(PROBE).socket.recv(1)
    except (ConnectionResetError, BrokenPipeError):
        return True


def under_limit(folder: Path, soft: int, hard: int) -> Path:
    """The server, in a shell's limits of open files."""
    script = folder / "pombo"
    script.write_text(f"#!/bin/sh\nulimit -Sn {soft} && ulimit -Hn {hard} && "
                      f"exec {default_binary().resolve()} \"$@\"\n")
    script.chmod(0o755)
    return script


# Connections ------------------------------------------------------------------------------------


def test_one_address_has_so_many_connections(start, crowd):
    server = start(HTTP_CONNECTIONS_PER_ADDRESS="8")
    mine = [crowd(server, "127.0.0.5", PROBE) for _ in range(8)]
    assert [each.answer().status for each in mine] == [200] * 8
    for _ in range(5):
        assert turned_away(crowd(server, "127.0.0.5", b""))
    # The others do not notice, and those that are in are served as before.
    assert Api(server, source="127.0.0.6").get("/healthz").status == 200
    for each in mine:
        each.assert_kept()
    assert metric(server, REFUSED) == 5
    [told] = lines(server, "Too many connections from one address")
    assert (told["level"], told["address"], told["limit"]) == ("warn", "127.0.0.5", 8)
    mine[0].socket.close()
    # Once the server has seen it go.
    assert until(lambda: not turned_away(crowd(server, "127.0.0.5", b"")))


def test_a_trusted_proxy_is_many_clients(start, crowd):
    server = start(HTTP_CONNECTIONS_PER_ADDRESS="2", HTTP_TRUSTED_PROXIES="127.0.0.5")
    proxied = [crowd(server, "127.0.0.5", PROBE) for _ in range(10)]
    assert [each.answer().status for each in proxied] == [200] * 10
    for _ in range(2):
        assert crowd(server, "127.0.0.6", PROBE).answer().status == 200
    assert turned_away(crowd(server, "127.0.0.6", b""))
    assert metric(server, REFUSED) == 1


def test_when_all_are_taken_those_who_keep_us_waiting_go(start, crowd):
    server = start(HTTP_CONNECTIONS="16", HTTP_IO_THREADS="1")
    api = Api(server, server.account("shop"), "127.0.0.9")
    half = [crowd(server, f"127.0.0.{n}", b"GET / HTTP/1.1\r\nHo") for n in range(10, 18)]
    idle = [crowd(server, f"127.0.0.{n}", PROBE) for n in range(20, 28)]
    assert [each.answer().status for each in idle] == [200] * 8
    api.created("shop")  # on a connection that ends
    fresh = [crowd(server, f"127.0.0.{n}", PROBE) for n in range(30, 46)]
    assert [each.answer().status for each in fresh] == [200] * 16
    for each in half:
        assert turned_away(each)
    for each in idle:
        each.assert_closed()
    fresh[-1].assert_kept()
    assert metric(server, EVICTED) >= 16
    [told] = lines(server, "All connections are taken")
    assert (told["level"], told["limit"]) == ("warn", 16)


# Descriptors ------------------------------------------------------------------------------------


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(start, tmp_path):
    server = start(under_limit(tmp_path, 100, 4000), HTTP_CONNECTIONS="1000")
    assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (4000, 4000)
    [told] = lines(server, "Files that may be open")
    assert (told["level"], told["limit"], told["connections"]) == ("info", 4000, 1000)
    assert lines(server, "Too few files") == []


def test_a_low_limit_is_told_and_connections_leave_something_of_it(start, tmp_path, crowd):
    server = start(under_limit(tmp_path, 100, 200))
    [told] = lines(server, "Too few files may be open for http.connections")
    assert (told["level"], told["limit"], told["connections"]) == ("warn", 200, 100)
    assert told["needed"] == 16384 + 2048 + 5120 + 4 * (64 + 32)
    for n in range(250):
        crowd(server, f"127.0.1.{1 + n}", b"GET / HTTP/1.1\r\nHo")
    Api(server, server.account("shop")).created("shop", webhookEnabled=False)
    # Of those that come while a thread has no time to look, the last find no place to wait.
    assert metric(server, EVICTED) + metric(server, FULL) >= 150
    assert metric(server, "pombo_edge_accept_failures_total") == 0


def test_without_descriptors_it_waits_and_goes_on(start, crowd):
    server = start()
    api = Api(server, server.account("shop"))
    api.created("shop")
    used = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd")) + 1
    began = time.monotonic()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + 4, 20_000))
    waiting = [crowd(server, "127.0.0.5", PROBE) for _ in range(12)]
    served = [each for each in waiting[:4] if each.answer().status == 200]
    for each in served:
        each.socket.close()
    for each in waiting[4:]:
        assert each.answer().status == 200
        each.socket.close()
    took = time.monotonic() - began
    failures = metric(server, "pombo_edge_accept_failures_total")
    # It asks again ten times a second at most, however long the machine made all of this.
    assert 1 <= failures <= took * 10 + 1


# Memory -----------------------------------------------------------------------------------------


def test_bodies_have_so_much_memory_and_small_ones_always_some(start, crowd):
    server = start(HTTP_BODY_MEMORY_MB="16")
    api = Api(server, server.account("shop"))
    mebibyte = json.dumps({"name": "x"}).encode().ljust(1 << 20)
    head = request("POST", "/api/instance/new", "", b"", f"Content-Length: {1 << 20}",
                   "Expect: 100-continue")
    def upload(source: str) -> Wire:
        wire = crowd(server, source, head)
        assert wire.answer().status == 100
        return wire.send(mebibyte[:-1])

    hoarding = [upload(f"127.0.0.{n}") for n in range(10, 18)]
    # Once all of it was read.
    assert until(lambda: metric(server, "pombo_edge_body_memory_bytes") >= 8 << 20)
    refused = upload("127.0.0.5").answer()
    assert_refused(refused, 503, "Server is busy")
    assert (refused.headers["Retry-After"], refused.headers["Connection"]) == ("1", "close")
    chunked = crowd(server, "127.0.0.5", request(
        "POST", "/api/instance/new", "", b"", "Transfer-Encoding: chunked"))
    assert_refused(chunked.send(b"40000\r\n" + mebibyte[:0x40000]).answer(), 503, "Server is busy")
    api.created("small")
    assert metric(server, "pombo_edge_bodies_refused_total") == 2

    # However they end, what they had is there again.
    hoarding[0].reset()
    hoarding[1].send(b" ").answer()
    assert until(lambda: metric(server, "pombo_edge_body_memory_bytes") <= 6 << 20)
    assert_refused(upload("127.0.0.5").send(b" ").answer(), 401, "Invalid token")


# Threads ----------------------------------------------------------------------------------------


def test_slow_calls_that_find_no_thread_are_told_so_and_nobody_else_waits(start):
    server = start(HTTP_SLOW_WORKERS="2", EGRESS_ALLOW="127.0.0.0/8")
    accounts = [Api(server, server.account(f"shop-{n}")) for n in range(3)]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = {"chatwootBaseUrl": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "chatwootAccountId": 1, "chatwootApiToken": "secret"}
        replies = []

        def slow(api: Api) -> None:
            replies.append(api.call("POST", "/api/chatwoot/set/x", link))

        for api in accounts:
            api.created("x")
        threads = [threading.Thread(target=slow, args=[api]) for api in accounts[:2]]
        for each in threads:
            each.start()
        asked = [silent.accept()[0] for _ in threads]  # both have a thread of the two

        third = accounts[2].call("POST", "/api/chatwoot/set/x", link)
        assert_refused(third, 503, "Server is busy")
        assert third.headers["Retry-After"] == "1"
        stranger = accounts[2].as_("wrong").call("POST", "/api/chatwoot/set/x", link)
        assert_refused(stranger, 401, "Invalid token")
        assert accounts[2].names() == ["x"]
        accounts[2].created("y")

        for each in asked:
            each.close()
        for each in threads:
            each.join()
        assert [reply.status for reply in replies] == [502, 502]

        threading.Thread(target=lambda: silent.accept()[0].close(), daemon=True).start()
        # An answer is out a moment before its thread is free.
        assert until(lambda: accounts[2].call("POST", "/api/chatwoot/set/x", link).status == 502)


def test_the_benchmark_fails_where_a_part_with_caps_misses_an_aim():
    good = {"capped": True, "ratio": 2, "afterOverBefore": 1.05}
    assert missed({"a": good, "b": {"capped": False, "ratio": 9, "afterOverBefore": 9}}) == []
    assert missed({"a": good | {"ratio": 2.5}, "b": good | {"afterOverBefore": 1.06}}) == [
        "a: ratio is 2.500, and was to be at most 2",
        "b: afterOverBefore is 1.060, and was to be at most 1.05"]
