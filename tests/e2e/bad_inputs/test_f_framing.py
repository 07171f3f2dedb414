"""Rows F: HTTP framing over bare sockets."""

import json

import pytest
from client import request
from hostile_loop import memory
from rows import CLOSE, NEW, Row, ask, each, new
from rows_of_framing import CHUNKS, PLAIN, REFUSED, get, in_pieces, named, of_length, pieces, post

HEALTHY = {"status": "ok"}


@each(REFUSED)
def test_what_is_no_http(row, stage):
    assert not stage.show(row).limit_headers


# What is served -------------------------------------------------------------------------------

FRAMES = [Row("F3", what, sent, 201) for what, sent in {
    "chunked": CHUNKS, "capital C": in_pieces("Chunked"), "capitals": in_pieces("CHUNKED"),
    "blanks around": in_pieces(" \tchunked "),
    "extension": in_pieces(extension=b";a=b", end=b"0;c=\"d\"\r\n\r\n"),
    "blank before an extension": in_pieces(extension=b" ;a"),
    "trailers": in_pieces(end=b"0\r\nContent-Length: 5\r\nX: y\r\n\r\n"),
    "trailers that frame": in_pieces(end=b"0\r\nTransfer-Encoding: gzip\r\nHost: y\r\n\r\n"),
    "capital size": lambda stage: post("Transfer-Encoding: chunked", body=pieces(
        named(stage).ljust(0xAB), 0xAB).replace(b"ab\r", b"AB\r", 1) + b"000\r\n\r\n")(stage),
    "leading zeros": lambda stage: post(
        "Transfer-Encoding: chunked",
        body=pieces(named(stage), 100).replace(b"1", b"0001", 1) + b"0\r\n\r\n")(stage),
    "length with zeros": of_length("00032"), "length in blanks": of_length(" \t32 "),
}.items()]


@each(FRAMES)
def test_bodies_in_every_frame(row, stage):
    stage.show(row)


@pytest.mark.row("F3")
def test_a_body_that_comes_byte_by_byte(stage):
    data = CHUNKS(stage)
    with stage.wire() as connection, stage.wire() as other:
        for at in range(len(data)):
            connection.send(data[at:at + 1])
            # A round trip on another connection, so that the server meets the byte by itself.
            other.assert_kept()
        assert connection.answer().status == 201
        connection.assert_kept()


@pytest.mark.row("F10")
def test_three_requests_at_once_are_answered_in_order(api, fresh, wire):
    name = fresh()
    connection = wire().send(
        request("POST", NEW, api.token, json.dumps({"name": name}).encode()) +
        request("GET", f"/api/instance/list?instanceName={name}", api.token) +
        request("DELETE", f"/api/instance/delete/{name}", api.token))
    created, listed, deleted = connection.answer(), connection.answer(), connection.answer()
    assert created.json["message"] == "Instance created"
    assert listed.json["instances"][0]["id"] == created.json["instance"]["id"]
    assert deleted.json["message"] == "Instance deleted"
    connection.assert_kept()


@pytest.mark.row("F10")
def test_a_hundred_requests_at_once(api, fresh, wire):
    names = [fresh() for _ in range(100)]
    connection = wire().send(b"".join(
        request("POST", NEW, api.token, json.dumps({"name": name}).encode()) for name in names))
    assert [connection.answer().json["instance"]["name"] for _ in names] == names
    connection.assert_kept()


LAST = {"two lengths": REFUSED[0].sent, "half an escape": ask("GET", "/%4"),
        "4 GiB": new(b"", f"Content-Length: {4 << 30}")}


@pytest.mark.row("F10")
@pytest.mark.parametrize("refused", LAST.values(), ids=LAST.keys())
def test_what_is_refused_is_the_last_of_the_pipeline(stage, refused):
    with stage.wire() as wire:
        wire.send(PLAIN(stage) + new()(stage) + refused(stage) + new(b'{"name":"smuggled"}')(stage))
        assert [wire.answer().status for _ in range(2)] == [200, 201]
        assert wire.answer().headers["Connection"] == "close"
        wire.assert_closed()


@pytest.mark.row("F10")
@pytest.mark.parametrize("version, lines, kept, said", [
    ("1.1", [], True, None),
    ("1.1", ["Connection: keep-alive"], True, None),
    ("1.1", ["Connection: close"], False, "close"),
    ("1.1", ["Connection: Close"], False, "close"),
    ("1.1", ["Connection: foo, close"], False, "close"),
    ("1.1", ["Connection: foo", "Connection: close"], False, "close"),
    ("1.1", ["Connection: keep-alive, close"], False, "close"),
    ("1.0", [], False, "close"),
    ("1.0", ["Connection: keep-alive"], True, "keep-alive"),
    ("1.0", ["Connection: Keep-Alive"], True, "keep-alive"),
])
def test_who_decides_whether_a_connection_lives_on(wire, version, lines, kept, said):
    head = [f"GET /healthz HTTP/{version}", "Host: x", *lines, "", ""]
    connection = wire().send("\r\n".join(head).encode())
    reply = connection.answer()
    assert (reply.status, reply.json) == (200, HEALTHY)
    assert reply.headers["Connection"] == said
    if kept:
        connection.assert_kept()
    else:
        connection.assert_closed()


def test_http_1_0_needs_no_host(wire):
    assert wire().send(b"GET /healthz HTTP/1.0\r\n\r\n").answer().status == 200


@pytest.mark.row("F5")
@pytest.mark.parametrize("host", ["x", "x:80", "x:", "example.com", "127.0.0.1:8080", "[::1]",
                                  "[::1]:8080", "a_b-c"])
def test_good_hosts(stage, host):
    stage.show(Row("F5", host, get(f"Host: {host}"), 200))


def test_a_target_with_a_host_in_it(stage):
    stage.show(Row("F5", "absolute", get("Host: y", target="http://x/healthz"), 200))


ODD = [Row("F12", line, new(None, line), 201) for line in [
    "Cookie: a", "Cookie: =;;=", "Accept: *", "Accept: image/png", "Date: yesterday",
    "Cache-Control: stale-while-revalidate=3", "Upgrade: h2c", "Accept-Encoding: gzip",
    "If-None-Match: *", "Range: bytes=0-1", "User-Agent:", "X: \xff\xfe", "Authorization: Digest x",
    "Expect: 200-ok", "TE: trailers", "Content-MD5: x", "Access-Control-Request-Method: ,",
    "Content-Length-X: 5", "Transfer_Encoding: chunked", "X-HTTP-Method-Override: DELETE",
    "X-Original-URL: /metrics", "Forwarded: for=127.0.0.1", "Via: 1.1 x", "Max-Forwards: 0",
]] + [
    Row("F12", "h2c in earnest",
        new(None, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__"), 201),
    Row("F12", "Connection names what frames", new(None, "Connection: content-length, host"), 201),
]


@each(ODD)
def test_odd_headers_are_nobodys_business(row, stage):
    reply = stage.show(row)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Upgrade" not in reply.headers


@pytest.mark.row("F7")
def test_a_head_of_exactly_16_kib_and_of_a_hundred_headers(stage):
    plain = get("Host: x", "A: ")(stage)
    stage.show(Row("F7", "16 KiB", get("Host: x", "A: " + "b" * (16_384 - len(plain))), 200))
    stage.show(Row("F7", "100 headers", get("Host: x", *["a:b"] * 99), 200))


# 100-continue ---------------------------------------------------------------------------------


@pytest.mark.row("F11")
def test_whoever_asks_is_told_to_go_on(stage):
    body = named(stage)
    with stage.wire() as connection:
        connection.send(post("Expect: 100-continue", f"Content-Length: {len(body)}")(stage))
        assert connection.answer().status == 100
        assert connection.send(body).answer().status == 201
        connection.assert_kept()


@pytest.mark.row("F11")
def test_whoever_does_not_wait_is_not_told(stage):
    stage.show(Row("F11", "with its body", new(None, "Expect: 100-continue"), 201))


ASKED_IN_VAIN = [
    Row("F11", "2 MiB", post("Expect: 100-continue", f"Content-Length: {2 << 20}"),
        413, "Request body too large", CLOSE),
    Row("F11", "two lengths",
        post("Expect: 100-continue", "Content-Length: 2", "Content-Length: 3"),
        400, "Malformed request", CLOSE),
    Row("F11", "no body at all", post("Expect: 100-continue", "Content-Length: 0"),
        400, "The 'name' field is required"),
]


@each(ASKED_IN_VAIN)
def test_whoever_asks_for_what_cannot_be_is_refused_at_once(row, stage):
    stage.show(row)


# Clients that misbehave -----------------------------------------------------------------------


@pytest.mark.row("F13")
def test_clients_that_never_read_harm_nobody(api, new_account, fresh, wire):
    large = new_account()
    for number in range(200):
        large.created(f"n{number}")
    page = large.list().raw
    assert len(page) > 100_000
    deaf = [wire(receive_buffer=4096) for _ in range(4)]
    for deaf_one in deaf:
        deaf_one.send(request("GET", "/api/instance/list", large.token) * 50)
    for _ in range(20):
        assert api.created(fresh())
    # They were only slow, after all.
    for deaf_one in deaf:
        assert [deaf_one.answer().raw for _ in range(50)] == [page] * 50


@pytest.mark.row("F13")
def test_answers_for_clients_that_left_are_told_to_nobody_else(stage):
    for _ in range(50):
        with stage.wire() as gone:
            gone.send(new()(stage)).reset()
        stayed = stage.name()
        with stage.wire() as wire:
            reply = wire.send(new({"name": stayed})(stage)).answer()
        assert reply.json["instance"]["name"] == stayed


def test_the_table_over_and_over(stage):
    stage.endure([*REFUSED, *ASKED_IN_VAIN])


def test_eight_clients_over_and_over(server, api):
    """As hostile_loop.py does, which has no end."""
    before, after = memory(server, api.token, 10_000)
    assert after < before * 1.05 + (1 << 20)
