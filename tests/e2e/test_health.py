"""Probes, metrics, the port, and how the server ends."""

import re
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest
from client import Api, Wire, assert_refused, error, request
from pombo_server import Server


def metric(server, name: str) -> float:
    text = Api(server).get("/metrics").raw.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# Probes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "wrong"])
def test_health(server, token):
    reply = Api(server, token).get("/health")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(reply.json) == {"status", "service", "uptime", "timestamp", "checks"}
    assert (reply.json["status"], reply.json["service"]) == ("ok", "Pombo")
    assert re.fullmatch(r"(?:(?:\d+h)?[1-5]?\d?m)?[1-5]?\ds", reply.json["uptime"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", reply.json["timestamp"])
    assert reply.json["checks"]["db"] == "ok"
    assert set(reply.json["checks"].values()) == {"ok"}


@pytest.mark.parametrize("path, body", [("/healthz", {"status": "ok"}),
                                        ("/readyz", {"status": "ready"})])
def test_small_probes(server, path, body):
    reply = Api(server).get(path)
    assert (reply.status, reply.json) == (200, body)


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz", "/nowhere"])
def test_headers_that_every_answer_has(server, path):
    first, second = (Api(server).get(path).headers for _ in range(2))
    assert first["Server"] == "Pombo"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", first["Date"])
    assert first["X-Request-Id"] and first["X-Request-Id"] != second["X-Request-Id"]


def test_metrics(server, api, fresh):
    reply = Api(server).get("/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

    created = 'pombo_http_requests_total{route="/api/instance/new",status="201"}'
    name, before = fresh("metrics"), metric(server, created)
    instance = api.created(name)
    assert metric(server, created) == before + 1
    text = Api(server).get("/metrics").raw.decode()
    for private in (name, instance["id"], instance["token"], api.token):
        assert private not in text


def test_failed_configurations_are_counted(server, api, fresh):
    counters = [f"pombo_{block}_configure_failed_total" for block in ("webhook", "settings", "s3")]
    before = [metric(server, each) for each in counters]
    api.created(fresh(), webhookEnabled=True, ignoreStatus=1, s3Enabled=True)
    assert [metric(server, each) for each in counters] == [count + 1 for count in before]


# Who may read the metrics ---------------------------------------------------------------------

METRICS_TOKEN = "the-metrics-token"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    env = {"POMBO_METRICS_ALLOW": "10.0.0.0/8, 127.0.0.9", "POMBO_METRICS_TOKEN": METRICS_TOKEN}
    with Server(data_dir=tmp_path_factory.mktemp("guarded"), env=env) as server:
        yield server


@pytest.mark.parametrize("headers, source, allowed", [
    ({}, "127.0.0.1", False),
    ({"Authorization": "Bearer wrong"}, "127.0.0.1", False),
    ({"Authorization": "Bearer "}, "127.0.0.1", False),
    ({"Authorization": METRICS_TOKEN}, "127.0.0.1", False),
    ({"X-Forwarded-For": "10.0.0.1"}, "127.0.0.1", False),
    ({"Authorization": f"Bearer {METRICS_TOKEN}"}, "127.0.0.1", True),
    ({"Authorization": f"bearer {METRICS_TOKEN}"}, "127.0.0.1", True),
    ({}, "127.0.0.9", True),
])
def test_who_may_read_the_metrics(guarded, headers, source, allowed):
    reply = Api(guarded, None, source).get("/metrics", headers=headers)
    if allowed:
        assert reply.status == 200
    else:
        assert_refused(reply, 401, "Invalid token")


def test_an_account_may_not_read_them(guarded):
    token = guarded.account("shop")
    assert_refused(Api(guarded, token).get("/metrics"), 401, "Invalid token")


def test_no_network_and_no_token_means_nobody(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_METRICS_ALLOW": ""}) as server:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
            assert_refused(Api(server).get("/metrics", headers=headers), 401, "Invalid token")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_listener_of_their_own(tmp_path):
    port = free_port()
    with Server(data_dir=tmp_path, env={"POMBO_METRICS_LISTEN": f"127.0.0.1:{port}",
                                        "POMBO_METRICS_ALLOW": ""}) as server:
        with Wire(port) as wire:
            reply = wire.send(request("GET", "/metrics")).answer()
            assert reply.status == 200
            assert b"pombo_storage_commits_total" in reply.raw
            for path in ("/", "/api/instance/list", "/health"):
                assert_refused(wire.send(request("GET", path)).answer(), 404, "Not found")
        assert_refused(Api(server).get("/metrics"), 401, "Invalid token")


# The port -------------------------------------------------------------------------------------


def local_addresses() -> list[str]:
    interfaces = Path("/proc/net/if_inet6")
    has_ipv6 = interfaces.exists() and re.search(r" lo$", interfaces.read_text(), re.MULTILINE)
    return ["127.0.0.1", "::1"] if has_ipv6 else ["127.0.0.1"]


def test_every_address_means_ipv4_too(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_LISTEN": "[::]:0"}) as server:
        assert f"listening on http://[::]:{server.port}" in server.logs()
        for address in local_addresses():
            with closing(socket.create_connection((address, server.port), 60)) as connection:
                connection.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        # IPv4 clients have IPv4 addresses, not mapped ones.
        assert Api(server).get("/metrics").status == 200
        assert server.stop() == 0
        remotes = re.findall(r'"path":"/nowhere".*"remote":"([^"]*)"', server.logs())
        assert remotes == local_addresses()


def test_a_port_that_is_taken(server, tmp_path):
    listen = f"127.0.0.1:{server.port}"
    second = Server(data_dir=tmp_path, env={"POMBO_HTTP_LISTEN": listen})
    done = second.run("serve")
    assert done.returncode == 1
    assert f"pombo: Cannot listen on '{listen}': Address already in use\n" in done.stderr
    assert "listening" not in done.stdout
    assert Api(server).get("/healthz").status == 200


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", "127.0.0.1:99999", "::1:80", ":80",
                                    "127.0.0.1:http", "203.0.113.7:0"])
def test_addresses_that_cannot_be_listened_on(tmp_path, listen):
    done = Server(data_dir=tmp_path, env={"POMBO_HTTP_LISTEN": listen}).run("serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"pombo: Cannot listen on '{listen}': ")


# The end --------------------------------------------------------------------------------------


def test_a_server_that_is_told_to_stop_finishes_what_it_has_begun(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Api(server, server.account("shop"))
        early = Wire(server.port)
        early.assert_kept()
        with server.store.busy() as let_go:  # no creation ends
            requests = metric(server, "pombo_edge_requests_total")
            begun = Wire(server.port).send(
                request("POST", "/api/instance/new", account.token, b'{"name":"x"}'))
            while metric(server, "pombo_edge_requests_total") < requests + 2:
                pass  # until the server has it
            stopped: list[int] = []
            stopping = threading.Thread(target=lambda: stopped.append(server.stop()))
            stopping.start()
            while (probe := Api(server).get("/readyz")).json == {"status": "ready"}:
                pass
            assert (probe.status, probe.json) == (503, {"status": "draining"})
            assert Api(server).get("/healthz").status == 200

            late = account.create("late")
            assert (late.status, late.json) == (503, error("Server is shutting down"))
            assert late.headers["Retry-After"] == "5"
            assert early.send(request("GET", "/api/instance/list", account.token)) \
                .answer().status == 503
            let_go()
        assert begun.answer().json["instance"]["name"] == "x"
        begun.assert_closed()
        early.assert_closed()
        stopping.join()
        assert stopped == [0]

        server.start()
        assert account.names() == ["x"]


def test_an_idle_server_stops_with_connections_open(tmp_path):
    with Server(data_dir=tmp_path) as server:
        idle = [Wire(server.port) for _ in range(5)]
        idle[0].assert_kept()
        half = Wire(server.port).send(b"GET /healthz HTTP/1.1\r\n")
        assert server.stop() == 0
        for each in idle:
            each.assert_closed()
        half.socket.close()


def test_a_stopped_server_starts_again_with_everything(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Api(server, server.account("shop"))
        account.created("a", websocketEnabled=True, callRejectMessage="Bye", webhookEnabled=True)
        before = account.listed()
        assert server.stop() == 0
        server.start()
        assert account.listed() == before
