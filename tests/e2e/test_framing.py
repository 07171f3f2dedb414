"""HTTP framing over bare sockets: what is served, what is refused, which connections live on."""

import json

import pytest
from client import assert_refused, request

NEW = "/api/instance/new"
HOST = b"Host: x\r\n"

MALFORMED = (400, "Malformed request")
TOO_LARGE = (431, "Request headers too large")
OTHER_VERSION = (505, "HTTP version not supported")


def post(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"POST {NEW} HTTP/1.1", "Host: x", *lines, "", ""]).encode() + body


def chunked(body: bytes, coding: str = "chunked") -> bytes:
    return post(f"Transfer-Encoding: {coding}", body=body)


def get(*lines: str, target: str = "/healthz") -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


BAD = {
    # Content-Length
    "two lengths": (post("Content-Length: 2", "Content-Length: 3", body=b"{}"), MALFORMED),
    "one length twice": (post("Content-Length: 2", "Content-Length: 2", body=b"{}"), MALFORMED),
    **{f"length {text!r}": (post(f"Content-Length: {text}", body=b"{}"), MALFORMED)
       for text in ("+2", "0x2", "", "2, 2", "2,3", "abc", "-1", "9" * 20, "2 2", "2.0", "\xb2")},
    # Transfer-Encoding
    "length and chunked": (post("Content-Length: 2", "Transfer-Encoding: chunked",
                                body=b"2\r\n{}\r\n0\r\n\r\n"), MALFORMED),
    "chunked and length": (post("Transfer-Encoding: chunked", "Content-Length: 2",
                                body=b"2\r\n{}\r\n0\r\n\r\n"), MALFORMED),
    "chunked twice": (post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), MALFORMED),
    **{f"coding {text!r}": (chunked(b"2\r\n{}\r\n0\r\n\r\n", text), MALFORMED)
       for text in ("xchunked", "chunked, chunked", "gzip, chunked", "gzip", "identity", "",
                    "chunked;q=1", "\x0bchunked")},
    "chunked in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                       MALFORMED),
    # chunks
    **{f"chunk size {text[:20]!r}": (chunked(text + b"\r\n{}\r\n0\r\n\r\n"), MALFORMED)
       for text in (b"ZZ", b"ffffffffffffffff", b"-1", b"", b"0" * 1000 + b"2", b"0x2", b"2x",
                    b" 2", b"+2", b"10000000000000002")},
    "chunk without its end": (chunked(b"2\r\n{}0\r\n\r\n"), MALFORMED),
    "chunk longer than it says": (chunked(b"1\r\n{}\r\n0\r\n\r\n"), MALFORMED),
    "chunk lines that end in LF": (chunked(b"2\n{}\n0\n\n"), MALFORMED),
    "endless extension": (chunked(b"2;" + b"a" * 100_000), MALFORMED),
    "endless trailers": (chunked(b"0\r\n" + b"a: b\r\n" * 10_000), MALFORMED),
    "NUL in an extension": (chunked(b"2;\0\r\n{}\r\n0\r\n\r\n"), MALFORMED),
    # Host
    "no host": (get(), MALFORMED),
    "two hosts": (get("Host: x", "Host: x"), MALFORMED),
    **{f"host {text!r}": (get(f"Host: {text}"), MALFORMED)
       for text in ("", "a@b", "a/b", "x:99999", "x:y", "x:-1", "a b", "[::1", "a,b:1:2", "x?y")},
    # lines
    "bare LF": (b"GET /healthz HTTP/1.1\nHost: x\n\n", MALFORMED),
    "bare LF behind a header": (b"GET /healthz HTTP/1.1\r\nHost: x\n\r\n", MALFORMED),
    "bare CR": (b"GET /healthz HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", MALFORMED),
    "folded header": (get("Host: x", "A: b", " c"), MALFORMED),
    "folded first header": (get(" Host: x"), MALFORMED),
    "space before the colon": (get("Host: x", "A : b"), MALFORMED),
    "space before the length's colon": (post("Content-Length : 2", body=b"{}"), MALFORMED),
    "no colon": (get("Host: x", "abc"), MALFORMED),
    "no name": (get("Host: x", ": b"), MALFORMED),
    "NUL in a value": (get("Host: x", "A: b\0c"), MALFORMED),
    "NUL in a name": (get("Host: x", "A\0: b"), MALFORMED),
    "DEL in a value": (get("Host: x", "A: b\x7f"), MALFORMED),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", MALFORMED),
    "TLS hello": (bytes.fromhex("16030100c8010000c40303") + b"\0" * 64, MALFORMED),
    "HTTP/0.9": (b"GET /healthz\r\n", MALFORMED),
    "empty line": (b"\r\n\r\n", MALFORMED),
    "no target": (b"GET  HTTP/1.1\r\nHost: x\r\n\r\n", MALFORMED),
    "NUL in the target": (get("Host: x", target="/\0"), MALFORMED),
    "target without a slash": (get("Host: x", target="healthz"), MALFORMED),
    "undecodable target": (get("Host: x", target="/%zz"), MALFORMED),
    "other absolute target": (get("Host: x", target="ftp://x/"), MALFORMED),
    # size
    "one header of 16 KiB": (get("Host: x", "A: " + "b" * 16_384), TOO_LARGE),
    "10,000 headers": (get("Host: x", *["a:b"] * 10_000), TOO_LARGE),
    "target of 64 kB": (get("Host: x", target="/" + "a" * 64_000), TOO_LARGE),
    "method of 64 kB": (b"A" * 64_000, TOO_LARGE),
    # version
    "HTTP/9.9": (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", OTHER_VERSION),
    "HTTP/2.0": (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", OTHER_VERSION),
    "HTTP/0.9 spelled out": (b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n", OTHER_VERSION),
    "HTTP/1.2": (b"GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n", OTHER_VERSION),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", OTHER_VERSION),
    "half a version": (b"GET / H\r\n\r\n", MALFORMED),
    "no minor version": (b"GET / HTTP/1\r\n\r\n", MALFORMED),
    "lower-case version": (b"GET / http/1.1\r\nHost: x\r\n\r\n", MALFORMED),
}


@pytest.mark.parametrize("data, refusal", BAD.values(), ids=BAD.keys())
def test_what_is_no_http_gets_one_answer_and_ends_the_connection(api, wire, data, refusal,
                                                                 writes_nothing):
    # Whoever reads this as a second request has been smuggled past.
    leftover = request("POST", NEW, api.token, b'{"name":"smuggled"}')
    connection = wire().send(data + leftover)
    reply = connection.answer()
    assert_refused(reply, *refusal)
    assert reply.headers["Connection"] == "close"
    assert not reply.limit_headers
    connection.assert_closed()


# What is served -------------------------------------------------------------------------------


def named(name: str) -> bytes:
    return json.dumps({"name": name}).encode()


def pieces(body: bytes, size: int = 7, extension: bytes = b"") -> bytes:
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)


FRAMES = {
    "chunked": lambda body: ("Transfer-Encoding: chunked", pieces(body) + b"0\r\n\r\n"),
    "capital C": lambda body: ("Transfer-Encoding: Chunked", pieces(body) + b"0\r\n\r\n"),
    "extension": lambda body: ("Transfer-Encoding: chunked",
                               pieces(body, 5, b";a=b") + b"0;c=\"d\"\r\n\r\n"),
    "trailers": lambda body: ("Transfer-Encoding: chunked",
                              pieces(body) + b"0\r\nContent-Length: 5\r\nX: y\r\n\r\n"),
    "capital size": lambda body: ("Transfer-Encoding: chunked",
                                  pieces(body.ljust(0xAB), 0xAB).replace(b"ab\r", b"AB\r", 1)
                                  + b"000\r\n\r\n"),
    "leading zeros": lambda body: ("Transfer-Encoding: chunked",
                                   b"000%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)),
    "length with zeros": lambda body: (f"Content-Length: 000{len(body)}", body),
    "length in blanks": lambda body: (f"Content-Length:  \t{len(body)} ", body),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_bodies_in_every_frame(api, fresh, wire, frame):
    name = fresh()
    line, body = frame(named(name))
    connection = wire().send(request("POST", NEW, api.token, b"", line) + body)
    reply = connection.answer()
    assert reply.status == 201
    assert reply.json["instance"]["name"] == name
    connection.assert_kept()


def test_a_body_that_comes_in_pieces(api, fresh, wire):
    name = fresh()
    data = request("POST", NEW, api.token, b"", "Transfer-Encoding: chunked") + \
        pieces(named(name), 5) + b"0\r\n\r\n"
    connection, other = wire(), wire()
    for at in range(len(data)):
        connection.send(data[at:at + 1])
        # A round trip on another connection, so that the server meets the byte by itself.
        other.assert_kept()
    assert connection.answer().json["instance"]["name"] == name
    connection.assert_kept()


def test_three_requests_at_once_are_answered_in_order(api, fresh, wire):
    name = fresh()
    connection = wire().send(
        request("POST", NEW, api.token, named(name)) +
        request("GET", f"/api/instance/list?instanceName={name}", api.token) +
        request("DELETE", f"/api/instance/delete/{name}", api.token))
    created, listed, deleted = connection.answer(), connection.answer(), connection.answer()
    assert created.json["message"] == "Instance created"
    assert listed.json["instances"][0]["id"] == created.json["instance"]["id"]
    assert deleted.json["message"] == "Instance deleted"
    connection.assert_kept()


def test_a_hundred_requests_at_once(api, fresh, wire):
    names = [fresh() for _ in range(100)]
    connection = wire().send(b"".join(request("POST", NEW, api.token, named(name))
                                      for name in names))
    assert [connection.answer().json["instance"]["name"] for _ in names] == names
    connection.assert_kept()


@pytest.mark.parametrize("version, lines, kept, said", [
    ("1.1", [], True, None),
    ("1.1", ["Connection: keep-alive"], True, None),
    ("1.1", ["Connection: close"], False, "close"),
    ("1.1", ["Connection: Close"], False, "close"),
    ("1.1", ["Connection: foo, close"], False, "close"),
    ("1.1", ["Connection: foo", "Connection: close"], False, "close"),
    ("1.0", [], False, "close"),
    ("1.0", ["Connection: keep-alive"], True, "keep-alive"),
    ("1.0", ["Connection: Keep-Alive"], True, "keep-alive"),
])
def test_who_decides_whether_a_connection_lives_on(wire, version, lines, kept, said):
    head = [f"GET /healthz HTTP/{version}", "Host: x", *lines, "", ""]
    connection = wire().send("\r\n".join(head).encode())
    reply = connection.answer()
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.headers["Connection"] == said
    if kept:
        connection.assert_kept()
    else:
        connection.assert_closed()


def test_http_1_0_needs_no_host(wire):
    assert wire().send(b"GET /healthz HTTP/1.0\r\n\r\n").answer().status == 200


@pytest.mark.parametrize("host", ["x", "x:80", "x:", "example.com", "127.0.0.1:8080", "[::1]",
                                  "[::1]:8080", "a_b-c"])
def test_good_hosts(wire, host):
    connection = wire().send(get(f"Host: {host}"))
    assert connection.answer().status == 200
    connection.assert_kept()


def test_a_target_with_a_host_in_it(wire):
    connection = wire().send(get("Host: y", target="http://x/healthz"))
    assert connection.answer().status == 200
    connection.assert_kept()


@pytest.mark.parametrize("line", [
    "Cookie: a", "Cookie: =;;=", "Accept: *", "Accept: image/png", "Date: yesterday",
    "Cache-Control: stale-while-revalidate=3", "Upgrade: h2c", "Accept-Encoding: gzip",
    "If-None-Match: *", "Range: bytes=0-1", "User-Agent:", "X: \xff\xfe", "Authorization: Digest x",
    "Expect: 200-ok", "TE: trailers", "Content-MD5: x", "Access-Control-Request-Method: ,",
])
def test_odd_headers_are_nobodys_business(api, fresh, wire, line):
    name = fresh()
    body = named(name)
    head = request("POST", NEW, api.token, b"", f"Content-Length: {len(body)}")
    connection = wire().send(head[:-2] + line.encode("latin-1") + b"\r\n\r\n" + body)
    reply = connection.answer()
    assert reply.status == 201
    assert reply.json["instance"]["name"] == name
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    connection.assert_kept()


def test_a_head_of_exactly_16_kib(wire):
    plain = get("Host: x", "A: ")
    connection = wire().send(get("Host: x", "A: " + "b" * (16_384 - len(plain))))
    assert connection.answer().status == 200
    connection.assert_kept()


# 100-continue ---------------------------------------------------------------------------------


def test_whoever_asks_is_told_to_go_on(api, fresh, wire):
    name = fresh()
    body = named(name)
    connection = wire().send(request("POST", NEW, api.token, b"", "Expect: 100-continue",
                                     f"Content-Length: {len(body)}"))
    assert connection.answer().status == 100
    connection.send(body)
    assert connection.answer().json["instance"]["name"] == name
    connection.assert_kept()


def test_whoever_does_not_wait_is_not_told(api, fresh, wire):
    name = fresh()
    connection = wire().send(request("POST", NEW, api.token, named(name), "Expect: 100-continue"))
    assert connection.answer().json["instance"]["name"] == name
    connection.assert_kept()


def test_whoever_asks_for_too_much_is_refused_at_once(api, wire):
    connection = wire().send(request("POST", NEW, api.token, b"", "Expect: 100-continue",
                                     f"Content-Length: {2 << 20}"))
    assert_refused(connection.answer(), 413, "Request body too large")
    connection.assert_closed()


# Clients that misbehave -----------------------------------------------------------------------


def test_clients_that_never_read_harm_nobody(api, new_account, fresh, wire):
    large = new_account()
    for number in range(200):
        large.created(f"n{number}")
    page = large.list().raw
    assert len(page) > 100_000
    deaf = [wire(receive_buffer=4096) for _ in range(4)]
    for each in deaf:
        each.send(request("GET", "/api/instance/list", large.token) * 50)
    for _ in range(20):
        assert api.created(fresh())
    # They were only slow, after all.
    for each in deaf:
        assert [each.answer().raw for _ in range(50)] == [page] * 50


def test_answers_for_clients_that_left_are_told_to_nobody_else(api, fresh, wire):
    names = [fresh() for _ in range(50)]
    for name in names:
        wire().send(request("POST", NEW, api.token, named(name))).reset()
        stayed = fresh()
        reply = wire().send(request("POST", NEW, api.token, named(stayed))).answer()
        assert reply.json["instance"]["name"] == stayed
