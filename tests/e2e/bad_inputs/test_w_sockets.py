"""Rows W: WebSockets over bare sockets."""

import itertools
import re
import struct

import pytest
from client import Api
from pombo_server import Server, until
from rows import KEEP, Row, each, raw
from websocket import (BINARY, CLOSE, DEFLATE, DEFLATED, FINAL, MASK, PING, PONG, TEXT, UPGRADE,
                       VERSION, Shop, deflate, frame, key)

UPGRADE_REQUIRED = "WebSocket upgrade required"
NOT_ENABLED = ("WebSocket is not enabled for this instance. Configure it first using POST "
               "/api/events/websocket/")

_numbers = itertools.count(1)


@pytest.fixture
def live(stage):
    """An instance of the stage's account that is listened to."""
    shop = Shop(stage.api, f"live-{next(_numbers)}")
    yield shop
    shop.end()


def get(*lines: str, target: str = "/ws/<instance>", token: str = "token: <token>"):
    head = [f"GET {target} HTTP/1.1", "Host: x", *([token] if token else []), *lines, "", ""]
    return raw("\r\n".join(head).encode())


WANTS = (*UPGRADE, VERSION, f"Sec-WebSocket-Key: {key()}")


def but(*others: str) -> tuple[str, ...]:
    """The headers of an upgrade, with these instead of, or without, those of the same name."""
    names = {each.partition(":")[0] for each in others}
    return tuple(line for line in WANTS if line.partition(":")[0] not in names) + tuple(
        each for each in others if ":" in each)


NO_UPGRADES = {
    "plain": (), "no key": but("Sec-WebSocket-Key"), "no version": but("Sec-WebSocket-Version"),
    "version 12": but("Sec-WebSocket-Version: 12"), "version 8": but("Sec-WebSocket-Version: 8"),
    "two versions": but("Sec-WebSocket-Version: 13, 8"), "empty key": but("Sec-WebSocket-Key:"),
    "short key": but("Sec-WebSocket-Key: AAAA"),
    "two keys": (*WANTS, f"Sec-WebSocket-Key: {key()}"),
    "key of 17 bytes": but("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="),
    "no Upgrade": but("Upgrade"), "h2c": but("Upgrade: h2c"), "no Connection": but("Connection"),
    "Connection: keep-alive": but("Connection: keep-alive"),
}


@pytest.mark.row("W1")
@pytest.mark.parametrize("lines", NO_UPGRADES.values(), ids=NO_UPGRADES.keys())
def test_what_is_no_upgrade(stage, live, lines):
    sent = get(*lines, target=live.path)
    reply = stage.show(Row("W1", "", sent, 426, UPGRADE_REQUIRED))
    assert (reply.headers["Upgrade"], reply.headers["Sec-WebSocket-Version"]) == ("websocket", "13")
    assert reply.headers["Connection"] == "Upgrade"


REFUSED = [
    Row("W2", "no token", get(*WANTS, token=""), 401,
        "Missing token in header, Authorization header, or query parameter"),
    Row("W2", "empty token", get(*WANTS, token="token: "), 401,
        "Missing token in header, Authorization header, or query parameter"),
    Row("W2", "wrong token", get(*WANTS, token="token: x"), 401, "Invalid token"),
    Row("W2", "foreign page", get(*WANTS, "Origin: https://evil.example"), 403,
        "Origin is not allowed"),
    Row("W2", "page without an origin", get(*WANTS, "Origin: null"), 403, "Origin is not allowed"),
    Row("W2", "nobody", get(*WANTS, target="/ws/nobody"), 404, "Instance not found"),
    Row("W2", "blank", get(*WANTS, target="/ws/%20"), 400, "Instance name is required"),
]


@each(REFUSED)
def test_who_may_not_listen(row, stage):
    stage.show(row)


@pytest.mark.row("W2")
def test_where_nobody_may_listen(stage):
    stage.show(Row("W2", "off", get(*WANTS), 400, NOT_ENABLED + stage.instance))


@pytest.mark.row("W2")
@pytest.mark.parametrize("events, unknown", [
    ("foo", "foo"), ("call.update,foo", "foo"), ("presence.update", "presence.update"),
    ("CALL.UPDATE", "CALL.UPDATE"), ("%C3%A9", "é"), ("call.update;", "call.update;")])
def test_unknown_events(stage, live, events, unknown):
    sent = get(*WANTS, target=f"{live.path}?events={events}")
    stage.show(Row("W2", "", sent, 400, f"Unknown event: {unknown}"))


HUGE = 1 << 63
BROKEN = {
    "unmasked": (bytes([FINAL | TEXT, 1]) + b"x", 1002, ""),
    "RSV1": (frame(TEXT, b"x", first=0xc1), 1002, ""),
    "RSV2": (frame(TEXT, b"x", first=0xa1), 1002, ""),
    "RSV3": (frame(TEXT, b"x", first=0x91), 1002, ""),
    "RSV1 of a PING": (frame(PING, first=0xc9), 1002, ""),
    **{f"opcode {opcode}": (frame(opcode), 1002, "") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "PING in pieces": (frame(PING, first=PING), 1002, ""),
    "close in pieces": (frame(CLOSE, first=CLOSE), 1002, ""),
    "PING of 126 bytes": (frame(PING, bytes(126)), 1002, ""),
    "length 2^63": (bytes([FINAL | BINARY, 0xff]) + struct.pack("!Q", HUGE) + MASK, 1002, ""),
    "length 2^64 - 1": (bytes([FINAL | BINARY, 0xff]) + b"\xff" * 8 + MASK, 1002, ""),
    "length 1 in eight bytes": (bytes([FINAL | BINARY, 0xff]) + struct.pack("!Q", 1) + MASK + b"x",
                                1002, ""),
    "continuation of nothing": (frame(0, b"x"), 1002, ""),
    "text within a text": (frame(TEXT, b"a", first=TEXT) + frame(TEXT, b"b"), 1002, ""),
    "close of one byte": (frame(CLOSE, b"x"), 1002, ""),
    "close with 1005": (frame(CLOSE, b"\x03\xed"), 1002, ""),
    "0xFF": (frame(TEXT, b"a\xff"), 1007, ""),
    "overlong": (frame(TEXT, b"\xc0\xaf"), 1007, ""),
    "surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007, ""),
    "half a letter": (frame(TEXT, b"\xe2\x82"), 1007, ""),
    "wrong in its second piece": (frame(TEXT, b"a", first=TEXT) + frame(0, b"\x80"), 1007, ""),
    "reason of a close": (frame(CLOSE, b"\x03\xe8\xff"), 1007, ""),
}
LARGE = {
    "a byte too large": (frame(BINARY, bytes((64 << 10) + 1)), 1009, "frame too large"),
    "1 MiB": (frame(TEXT, bytes(1 << 20)), 1009, "frame too large"),
    "4 GiB announced": (bytes([FINAL | BINARY, 0xff]) + struct.pack("!Q", 1 << 32) + MASK, 1009,
                        "frame too large"),
    "2^63 - 1 announced": (bytes([FINAL | TEXT, 0xff]) + struct.pack("!Q", HUGE - 1) + MASK, 1009,
                           "frame too large"),
}


WHOLE, BEGUN = FINAL | DEFLATED | TEXT, DEFLATED | TEXT
SMALL = deflate(b"Hello" * 100)
BROKEN_DEFLATE = {
    "no DEFLATE": (frame(0, b"\x07\xff\xff", first=WHOLE), 1007, ""),
    "cut short": (frame(0, SMALL[:4], first=WHOLE), 1007, ""),
    "nothing at all": (frame(0, b"", first=WHOLE), 1007, ""),
    "what refers to the message before": (
        frame(0, SMALL, first=WHOLE) + frame(0, b"\xf2\0\x11\0\0", first=WHOLE), 1007, ""),
    "0xFF, deflated": (frame(0, deflate(b"a" * 500 + b"\xff"), first=WHOLE), 1007, ""),
    "half a letter, deflated": (frame(0, deflate(b"a" * 500 + b"\xe2\x82"), first=WHOLE), 1007, ""),
    "said again by a continuation": (
        frame(0, SMALL[:4], first=BEGUN) + frame(0, SMALL[4:], first=FINAL | DEFLATED), 1002, ""),
    "a deflated PING": (frame(PING, first=FINAL | DEFLATED | PING), 1002, ""),
    "a deflated close": (frame(CLOSE, first=FINAL | DEFLATED | CLOSE), 1002, ""),
    "RSV2 beside it": (frame(0, SMALL, first=WHOLE | 0x20), 1002, ""),
}
BOMBS = {"a byte too large": deflate(bytes((64 << 10) + 1)), "60 MiB": deflate(bytes(60 << 20)),
         "of letters": deflate(b"a" * (1 << 20))}


def is_closed(live: Shop, sent: bytes, code: int, reason: str, *lines: str) -> None:
    """So is this one, and no other."""
    other, hit = live.open(), live.open(lines=lines)
    hit.send(sent)
    assert hit.closing() == (code, reason)
    assert live.publish() == other.text()["id"]
    other.send(frame(CLOSE))
    assert other.closing() == (1000, "")


@pytest.mark.row("W3")
@pytest.mark.parametrize("sent, code, reason", BROKEN.values(), ids=BROKEN.keys())
def test_frames_that_are_none(live, sent, code, reason):
    is_closed(live, sent, code, reason)


@pytest.mark.row("W3")
@pytest.mark.parametrize("sent, code, reason", BROKEN_DEFLATE.values(), ids=BROKEN_DEFLATE.keys())
def test_deflated_messages_that_are_none(live, sent, code, reason):
    is_closed(live, sent, code, reason, DEFLATE)


@pytest.mark.row("W3")
def test_what_was_not_agreed_to_is_no_frame(live):
    is_closed(live, frame(0, SMALL, first=WHOLE), 1002, "")


@pytest.mark.row("W4")
@pytest.mark.parametrize("first", [WHOLE, FINAL | DEFLATED | BINARY])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bombs(live, bomb, first):
    assert len(bomb) <= 64 << 10
    is_closed(live, frame(0, bomb, first=first), 1009, "frame too large", DEFLATE)


@pytest.mark.row("W4")
def test_bombs_that_are_small_each(live):
    small = frame(0, deflate(bytes(64 << 10)), first=WHOLE)
    hit = live.open(lines=(DEFLATE,))
    hit.send(small * 5 + frame(PING, b"fine"))
    assert hit.frame() == (PONG, b"fine")
    is_closed(live, small * 100, 1009, "frame too large", DEFLATE)


@pytest.mark.row("W4")
def test_messages_that_never_end_hold_no_memory_to_speak_of(live, server):
    other, before = live.open(), server.rss()
    halves = [live.open(lines=(DEFLATE,)) for _ in range(80)]
    for half in halves:
        half.send(frame(0, SMALL[:4], first=BEGUN) + frame(PING, b"half"))
    assert all(half.frame() == (PONG, b"half") for half in halves)
    assert server.rss() - before < 16 << 20
    assert live.publish() == other.text()["id"]


@pytest.mark.row("W4")
@pytest.mark.parametrize("sent, code, reason", LARGE.values(), ids=LARGE.keys())
def test_frames_that_are_too_large(live, sent, code, reason):
    is_closed(live, sent, code, reason)


@pytest.mark.row("W4")
def test_a_frame_of_exactly_the_limit(live):
    hit = live.open()
    hit.send(frame(BINARY, bytes(64 << 10)) + frame(PING, b"fine"))
    assert hit.frame() == (PONG, b"fine")


@pytest.mark.row("W4")
def test_a_hundred_thousand_pings(live, server):
    """First by one who reads, then by one who does not: he is not read either."""
    other, reader, deaf = live.open(), live.open(), live.open(receive_buffer=4096)
    payload = b"p" * 100
    thousand = frame(PING, payload) * 1000
    before = server.rss()
    for _ in range(100):
        reader.send(thousand)
        assert all(reader.frame() == (PONG, payload) for _ in range(1000))
    deaf.socket.setblocking(False)
    taken = refusals = 0
    # What its system and ours take of the one stream; the round trips let the server read it all.
    while refusals < 20:
        try:
            taken += deaf.socket.send(thousand[taken % len(thousand):])
            refusals = 0
        except BlockingIOError:
            refusals += 1
            assert live.publish() == other.text()["id"]
        assert taken < 32 << 20, "it is read, though it does not read"
    assert server.rss() - before < 16 << 20, "PONGs wait in memory"
    assert live.publish() == other.text()["id"]


@pytest.mark.row("W4")
def test_pieces_without_end(live, server):
    other, hit = live.open(), live.open()
    before = server.rss()
    hit.send(frame(TEXT, b"x" * 65536, first=TEXT))
    for _ in range(500):
        hit.send(frame(0, b"x" * 65536, first=0))
    hit.send(frame(PING, b"still there"))
    assert hit.frame() == (PONG, b"still there")
    assert server.rss() - before < 16 << 20, "what nobody wants is kept"
    assert live.publish() == other.text()["id"]


def closed(server, code: str) -> int:
    text = Api(server).get("/metrics").raw.decode()
    found = re.search(rf'^pombo_sockets_closed_total{{code="{code}"}} (\d+)$', text, re.M)
    return int(found[1]) if found else 0


@pytest.mark.row("W5")
def test_a_client_that_never_reads(tmp_path):
    """It is closed as slow; the others have every event meanwhile, and the memory is bounded."""
    # One of its own: a slow client is told of once a minute.
    with Server(data_dir=tmp_path) as server:
        never_reads(Shop(Api(server, server.account("default")), "shop"), server)


def never_reads(live: Shop, server: Server) -> None:
    quick, never = live.open(), live.open(receive_buffer=4096)
    before, slow, ids = server.rss(), closed(server, "1013"), []
    content = "x" * 60_000
    message = {"type": "text", "content": content}

    def published() -> None:
        ids.append(live.publish("message.exchange", id=f"3EB0{len(ids):04}", message=message))
        heard = quick.text()
        assert heard["id"] == ids[-1]
        assert heard["data"]["message"]["content"] == content

    # What its system takes for it is some MiB, then comes the queue's limit.
    told = "WebSocket clients were too slow"
    assert until(lambda: (published(), told in server.logs())[1])
    assert 100 < len(ids) < 1024, "8 MiB and what the system takes"
    assert server.rss() - before < 64 << 20
    # It learns why, when it reads at last; of what it had not taken, one frame at most is whole.
    heard = 0
    while (got := never.frame()) and got[0] != CLOSE:
        heard += 1
    assert got == (CLOSE, struct.pack("!H", 1013) + b"slow consumer")
    assert heard < len(ids)
    never.socket.close()
    assert until(lambda: closed(server, "1013") == slow + 1)
    published()


@pytest.mark.row("W5")
def test_a_client_that_reads_nothing_to_the_end_is_cut_off(tmp_path):
    """Its place is free again, whether it reads or not."""
    with Server(data_dir=tmp_path) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        never = shop.open(receive_buffer=4096)
        message = {"type": "text", "content": "x" * 250_000}
        numbers = itertools.count()
        assert until(lambda: (shop.publish("message.exchange", id=f"3EB0{next(numbers):04}",
                                           message=message),
                              "WebSocket clients were too slow" in server.logs())[1])
        assert until(lambda: "pombo_sockets_open 0\n" in Api(server).get("/metrics").raw.decode())
        never.socket.close()


@pytest.mark.row("W5")
def test_a_client_that_never_answers_a_ping(tmp_path):
    env = {"POMBO_WEBSOCKET_PING_SECONDS": "1", "POMBO_WEBSOCKET_PONG_SECONDS": "2"}
    with Server(data_dir=tmp_path, env=env) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        dead = shop.open()
        with pytest.raises(ConnectionResetError):
            while dead.frame():
                # Whatever else it says is no answer.
                dead.send(frame(TEXT, b"I am here") + frame(PING))
        dead.socket.close()


def test_the_table_over_and_over(stage, live):
    """Handshakes that are refused, and clients that are closed: the memory stays what it is."""
    rows = REFUSED + [Row("W1", "", get(*lines, target=live.path), 426, UPGRADE_REQUIRED, KEEP)
                      for lines in NO_UPGRADES.values()]
    stage.endure([row for row in rows if row.status != 401])
