"""Clients that take too long, all of them at once: the server gives each 30 s."""

import json
import select

import pytest
from client import assert_refused, request

NEW = "/api/instance/new"


@pytest.mark.row("B14", "F9")
def test_slow_clients_are_answered_and_sent_away(api, fresh, wire):
    body = json.dumps({"name": fresh()}).encode()
    silent = {
        "half a head": wire().send(b"GET /healthz HTTP/1.1\r\nHo"),
        "no end of the head": wire().send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n"),
        "half a body": wire().send(request("POST", NEW, api.token, body)[:-5]),
        "half a chunk": wire().send(
            request("POST", NEW, api.token, b"", "Transfer-Encoding: chunked") + b"5\r\n{}"),
        "asked to go on": wire(),
    }
    silent["asked to go on"].send(request("POST", NEW, api.token, b"", "Expect: 100-continue",
                                          "Content-Length: 10"))
    assert silent["asked to go on"].answer().status == 100

    # These send a byte now and again, which buys them no more time.
    dripping = {
        "head": wire().send(b"GET /healthz HTTP/1.1\r\nX: "),
        "body": wire().send(request("POST", NEW, api.token, b"", "Content-Length: 100000")),
    }
    waiting = set(dripping.values())
    while waiting:
        answered = select.select([each.socket for each in waiting], [], [], 1)[0]
        waiting = {each for each in waiting if each.socket not in answered}
        for each in waiting:
            each.send(b" ")

    for each in [*silent.values(), *dripping.values()]:
        reply = each.answer()
        assert_refused(reply, 408, "Request timed out")
        assert reply.headers["Connection"] == "close"
        each.assert_closed()
    assert api.names() == []
