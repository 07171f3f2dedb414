"""Rows F behind a reverse proxy: what it takes for one request is one to us."""

import re

import pytest
from client import Api
from proxies import HaProxy, Nginx
from rows import NEW, Stage, new, raw
from rows_of_framing import CHUNKS, PLAIN, REFUSED, in_pieces, of_length

# What proxies and servers have read differently, and is taken by us.
TAKEN = {
    "plain": PLAIN, "length": of_length("32"), "chunked": CHUNKS,
    "capital C": in_pieces("Chunked"), "extension": in_pieces(extension=b";a=b"),
    "trailers that frame": in_pieces(end=b"0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n"),
    "length with zeros": of_length("00032"), "GET with a body": raw(
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
    "expect": new(None, "Expect: 100-continue"),
    "h2c": new(None, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
               "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "WebSocket": raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                     b"Sec-WebSocket-Version: 13\r\n\r\n"),
    "hop by hop": new(None, "Connection: content-length, token, host"),
    "HEAD with a length": raw(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "escapes": raw(b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"),
}


@pytest.fixture(scope="module", params=[Nginx, HaProxy], ids=lambda kind: kind.__name__)
def proxy(request, server, tmp_path_factory):
    # A short name, because that of a socket has 107 letters at most.
    with request.param(server.port, tmp_path_factory.mktemp("p")) as started:
        yield started


def seen(server) -> tuple[int, int]:
    """Good and bad heads that the server has read so far; the one that asks is among them."""
    metrics = Api(server).get("/metrics").raw.decode()
    return tuple(int(float(re.search(rf"^pombo_edge_{kind}_total (\S+)$", metrics, re.M)[1]))
                 for kind in ("requests", "malformed"))


@pytest.mark.row("F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F10", "F11", "F12")
def test_a_proxy_and_we_count_the_same_requests(stage: Stage, proxy):
    """What stands behind each is a request of its own, or none, to both of us."""
    server = stage.server
    for what, sent in [(f"{row.id} {row.what}", row.sent) for row in REFUSED] + [*TAKEN.items()]:
        name = stage.name()
        smuggled = new({"name": name}, "Connection: close")(stage).replace(
            NEW.encode(), NEW.encode() + b"?smuggled", 1)
        good, bad = seen(server)
        answer = proxy.exchange(sent(stage) + smuggled)
        forwarded = proxy.forwarded()
        more_good, more_bad = (now - then for now, then in zip(seen(server), (good, bad)))
        requests = more_good - 2  # less the fence and the look at the metrics
        assert requests <= len(forwarded) <= requests + more_bad, (what, forwarded, answer[:200])
        known = any(line.startswith(f"POST {NEW}?smuggled") for line in forwarded)
        made = stage.api.list("?instanceName=" + name).status == 200
        assert made == known, (what, forwarded, answer[:200])
