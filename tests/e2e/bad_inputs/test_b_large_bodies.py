"""Rows B15 to B17: bodies of a route that takes 64 MiB, and tells who may send them first."""

import json

import pytest
import zoo
from client import LIMIT_HEADERS, assert_refused
from pombo_server import Server, assert_nothing_told, until
from rows import CLOSE, Row, Stage, ask, each, new

MEBIBYTE = 1 << 20
DRAWER = "/api/drawer/<instance>"
TOO_LARGE = (413, "Request body too large", CLOSE)
NOBODY = (401, "Invalid token", CLOSE)
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def server(tmp_path_factory, external_blocks):
    folder = tmp_path_factory.mktemp("drawer")
    config = zoo.config(folder, [external_blocks], {"drawer": {}}, "inside")
    env = {"POMBO_LOG_LEVEL": "debug", "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}
    with Server(data_dir=folder, config=config, env=env) as started:
        yield started
    assert_nothing_told(started)


def media(size: int) -> bytes:
    """A body of that many bytes."""
    frame = json.dumps({"media": ""}).encode()
    return frame.replace(b'""', b'"%s"' % (b"A" * (size - len(frame))))


def put(size: int, *lines: str, token: str | None = None):
    return lambda stage: ask("POST", DRAWER, media(size), *lines, token=token)(stage)


def announced(size: int, *lines: str, token: str | None = None):
    return ask("POST", DRAWER, b"", f"Content-Length: {size}", *lines, token=token)


def chunks(count: int, token: str | None = None):
    """So many of a mebibyte each, and no end."""
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, b" " * MEBIBYTE)
    return lambda stage: ask("POST", DRAWER, b"", CHUNKED, token=token)(stage) + chunk * count


SMALL, LARGE = put(100), put(2 * MEBIBYTE)
REFUSED = [
    Row("B16", "2 MiB", put(2 * MEBIBYTE, token="canary-wrong"), *NOBODY, twin=LARGE),
    Row("B16", "2 MiB announced", announced(2 * MEBIBYTE, token="canary-wrong"), *NOBODY,
        twin=LARGE),
    Row("B16", "asking first", announced(2 * MEBIBYTE, "Expect: 100-continue", token="canary"),
        *NOBODY, twin=LARGE),
    Row("B16", "in chunks", chunks(2, token="canary-wrong"), *NOBODY, twin=LARGE),
    Row("B16", "no token", announced(64 * MEBIBYTE, token=""), *NOBODY, twin=LARGE),
    Row("B17", "64 MiB and a byte announced", announced(64 * MEBIBYTE + 1), *TOO_LARGE, twin=SMALL),
    Row("B17", "4 GiB announced", announced(4 << 30), *TOO_LARGE, twin=SMALL),
    Row("B17", "asking first", announced(64 * MEBIBYTE + 1, "Expect: 100-continue"), *TOO_LARGE,
        twin=SMALL),
    Row("B17", "a chunk too large",
        lambda stage: ask("POST", DRAWER, b"", CHUNKED)(stage) + b"4000001\r\n", *TOO_LARGE,
        twin=SMALL),
    Row("B17", "2 MiB where 1 is taken", new(b"", f"Content-Length: {2 * MEBIBYTE}"), *TOO_LARGE,
        twin=SMALL),
    Row("B17", "no JSON", ask("POST", DRAWER, b"[" * (2 * MEBIBYTE)), 400, "Invalid request body",
        twin=LARGE),
]


@each(REFUSED)
def test_who_may_not_send_it(row, stage):
    stage.show(row)


@pytest.mark.row("B15", "B17")
@pytest.mark.parametrize("size", [2 * MEBIBYTE, 64 * MEBIBYTE])
def test_what_may_be_sent(stage, size):
    reply = stage.show(Row("B15", str(size), put(size), 200, twin=SMALL))
    assert reply.json["letters"] == size - len(media(0))
    assert reply.limit_headers == LIMIT_HEADERS


@pytest.mark.row("B16")
def test_the_token_and_the_limit_come_before_the_body(stage: Stage, new_account):
    other = stage.api.created(stage.name())["token"]
    tired = Stage(new_account(general_limit=1))
    tired.api.list()
    for row, where in [
        (Row("B16", "another's", announced(2 * MEBIBYTE, token=other), 403,
             "Instance token does not match the requested instance", CLOSE, twin=LARGE), stage),
        (Row("B16", "gone", ask("POST", "/api/drawer/gone", b"", f"Content-Length: {2 << 20}"), 404,
             "Instance not found", CLOSE, twin=LARGE), stage),
        (Row("B16", "too often", announced(2 * MEBIBYTE), 429,
             "Rate limit exceeded. Try again later.", CLOSE, twin=new()), tired),
    ]:
        where.show(row)


@pytest.mark.row("B15")
def test_whoever_asks_for_a_large_one_is_told_to_go_on(stage):
    body = media(2 * MEBIBYTE)
    with stage.wire() as wire:
        wire.send(announced(len(body), "Expect: 100-continue")(stage))
        assert wire.answer().status == 100
        assert wire.send(body).answer().status == 200
        wire.assert_kept()


@pytest.mark.row("B17")
def test_a_body_that_outgrows_its_limit(stage):
    with stage.wire() as wire:
        try:
            wire.send(chunks(66)(stage))
        except OSError:
            pass  # it has hung up
        assert_refused(wire.answer(), 413, "Request body too large")


@pytest.mark.row("B15", "B17")
def test_the_memory_of_large_bodies_is_given_back(stage):
    def send(count: int) -> None:
        for _ in range(count):
            with stage.wire() as wire:
                assert wire.send(put(64 * MEBIBYTE)(stage)).answer().status == 200
            with stage.wire() as wire:
                wire.send(announced(64 * MEBIBYTE)(stage) + b" " * (32 * MEBIBYTE)).reset()
            with stage.wire() as wire:
                wire.assert_kept()

    send(1)
    before = stage.server.rss()
    send(3)
    # It is given back once a second, by a thread that others may keep from the processor.
    assert until(lambda: stage.server.rss() < before + 16 * MEBIBYTE)


def test_the_table_over_and_over(stage):
    stage.endure(REFUSED)
