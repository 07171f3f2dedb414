"""Rows B: bodies, and the JSON in them."""

import gzip
import json

import pytest
from client import assert_refused, request
from rows import CLOSE, NEW, Row, ask, each, new

SERVER_ENV = {"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

MEBIBYTE = 1 << 20
NO_NAME = (400, "The 'name' field is required")
BAD = (400, "Invalid request body")
TOO_LARGE = (413, "Request body too large", CLOSE)
CHUNKED = "Transfer-Encoding: chunked"


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    """A body of that depth, the object itself counted."""
    return f'{{"name":"<name>","foo":{opening * (depth - 1)}{closing * (depth - 1)}}}'.encode()


def objects(depth: int) -> bytes:
    return nested(depth, '{"a":', "}").replace(b":}", b":1}")


def members(count: int) -> dict:
    return {f"k{n}": n for n in range(count)}


# A kilobyte that inflates to a thousand.
BOMB = gzip.compress(b'{"name":"x","foo":"' + b" " * MEBIBYTE + b'"}')

EMPTY = [Row("B1", what, new(body), *NO_NAME) for what, body in {
    "no body": b"", "blanks": b" \r\n\t", "no fields": b"{}", "null": b'{"name":null}',
    "empty": b'{"name":""}', "spaces": b'{"name":"   "}',
}.items()] + [Row("B1", "a length of 0", new(b"", "Content-Length: 0"), *NO_NAME)]

NO_OBJECT = [Row("B2", what, new(body), *BAD) for what, body in {
    "null": b"null", "array": b"[]", "array with an object": b'[{"name":"x"}]', "string": b'"x"',
    "number": b"1", "true": b"true",
}.items()]

SYNTAX = [Row("B3", what, new(body), *BAD) for what, body in {
    "cut off": b'{"name":', "cut off in a string": b'{"name":"x', "no brace": b'{"name":"x"',
    "two values": b'{"name":"x"} {}', "rest": b'{"name":"x"}x', "comment": b'{"name":"x"/*y*/}',
    "line comment": b'{"name":"x"}//y', "trailing comma": b'{"name":"x",}',
    "single quotes": b"{'name':'x'}", "bare key": b'{name:"x"}', "NaN": b'{"name":"x","a":NaN}',
    "Infinity": b'{"name":"x","a":Infinity}', "leading zero": b'{"name":"x","a":01}',
    "plus": b'{"name":"x","a":+1}', "control character": b'{"name":"x","a":"\x01"}',
    "bad escape": b'{"name":"x","a":"\\x41"}', "NUL behind": b'{"name":"x"}\0',
    "NUL before": b'\0{"name":"x"}', "XML": b"<name>x</name>",
}.items()]

TWICE = [Row("B4", what, new(body), *BAD) for what, body in {
    "same": b'{"name":"x","name":"x"}', "differing": b'{"name":"x","name":"y"}',
    "spelled otherwise": b'{"name":"x","n\\u0061me":"y"}',
    "within": b'{"name":"x","foo":{"a":1,"a":1}}',
    "in a list": b'{"name":"x","foo":[{"a":1,"a":2}]}', "empty": b'{"name":"x","":1,"":2}',
    "the last of many": b'{"name":"x",' + b",".join(b'"k%d":1' % n for n in range(998)) +
                        b',"k0":1}',
}.items()]

DEEP = [Row("B5", "32 lists", new(nested(32)), 201), Row("B5", "32 objects", new(objects(32)), 201)]

TOO_DEEP = [Row("B6", what, new(body), *BAD, twin=new(nested(32))) for what, body in {
    "33": nested(33), "33 objects": objects(33), "33, one of them empty": nested(33, "[[],", "]")
    .replace(b",]", b"]"), "10,000": nested(10_000), "100,000": nested(100_000),
    "100,000 objects": objects(100_000), "unbalanced": b"[" * 100_000,
    "unbalanced objects": b'{"a":' * 100_000,
}.items()]

WIDE = [
    Row("B7", "1,001 members", new(members(1_000)), *BAD, twin=new(members(999))),
    Row("B7", "1,001 members within", new({"foo": members(1_001)}), *BAD,
        twin=new({"foo": members(1_000)})),
    Row("B7", "1,001 members in a list", new({"foo": [members(1_001)]}), *BAD,
        twin=new({"foo": [members(1_000)]})),
    Row("B7", "10,001 elements", new({"foo": [0] * 10_001}), *BAD,
        twin=new({"foo": [0] * 10_000})),
    Row("B7", "10,001 lists", new({"foo": [[]] * 10_001}), *BAD, twin=new({"foo": [[]] * 10_000})),
]

ENCODING = [Row("B8", what, new(body), *BAD) for what, body in {
    "byte order mark": b'\xef\xbb\xbf{"name":"x"}', "byte FF": b'{"name":"x\xff"}',
    "byte FF in a key": b'{"name":"x","\xff":1}', "overlong": b'{"name":"x","a":"\xc0\xaf"}',
    "overlong of three": b'{"name":"x","a":"\xe0\x80\xaf"}',
    "overlong of four": b'{"name":"x","a":"\xf0\x80\x80\xaf"}',
    "encoded surrogate": b'{"name":"\xed\xa0\x80"}',
    "beyond Unicode": b'{"name":"x","a":"\xf5\x80\x80\x80"}',
    "just beyond Unicode": b'{"name":"x","a":"\xf4\x90\x80\x80"}',
    "cut-off UTF-8": b'{"name":"x","a":"\xe2\x82"}',
    "lone continuation": b'{"name":"x","a":"\x80"}',
    "lone high surrogate": b'{"name":"x\\ud800"}', "lone low surrogate": b'{"name":"x\\udc00"}',
    "surrogates in the wrong order": b'{"name":"x","a":"\\udc00\\ud800"}',
    "high surrogate before a letter": b'{"name":"x","a":"\\ud800\\u0041"}',
    "lone surrogate in a key": b'{"name":"x","\\ud800":1}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"), "UTF-16LE": '{"name":"x"}'.encode("utf-16-le"),
    "UTF-16BE": '{"name":"x"}'.encode("utf-16-be"), "UTF-32": '{"name":"x"}'.encode("utf-32"),
    "UTF-7": b'+AHsAIg-name+ACI:AHgAIgB9-',
}.items()] + [
    Row("B8", "a surrogate pair is no such thing",
        new(b'{"name":"<name>","foo":"\\ud83d\\ude00"}'), 201),
]

CLAIMS = [Row("B9", line or "none", new(None, *[line] if line else []), 201) for line in [
    "", "Content-Type:", "Content-Type: ;;;", "Content-Type: text/plain",
    "Content-Type: application/json; charset=latin1", "Content-Type: application/xml",
    "Content-Type: multipart/form-data; boundary=b",
    "Content-Type: application/x-www-form-urlencoded", "Content-Type: \x80",
]]

FORMS = [
    Row("B10", "urlencoded", new(b"name=x&webhookEnabled=true",
                                 "Content-Type: application/x-www-form-urlencoded"), *BAD),
    Row("B10", "multipart",
        new(b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
            "Content-Type: multipart/form-data; boundary=b"), *BAD),
]

COMPRESSED = [Row("B11", coding, new(body, f"Content-Encoding: {coding}"), *BAD)
              for coding, body in {"gzip": BOMB, "deflate": BOMB[10:-8],
                                   "gzip, gzip": gzip.compress(BOMB)}.items()] + [
    Row("B11", "a claim alone is no harm", new(None, "Content-Encoding: gzip"), 201)]


def announced(size: int, *lines: str):
    return new(b"", f"Content-Length: {size}", *lines)


def of_size(size: int, token: str | None = None):
    """A creation with a body of that many bytes."""
    def made(stage):
        body = json.dumps({"name": stage.name()}).encode().ljust(size)
        return request("POST", NEW, token or stage.token, body)
    return made


def chunks(size: int, piece: int):
    def made(stage):
        body = json.dumps({"name": stage.name()}).encode().ljust(size)
        parts = [body[at:at + piece] for at in range(0, size, piece)]
        return new(b"", CHUNKED)(stage) + b"".join(
            b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return made


LARGE = [Row("B12", "at once", of_size(MEBIBYTE), 201),
         Row("B12", "in chunks", chunks(MEBIBYTE, 1 << 16), 201),
         Row("B12", "in one chunk", chunks(MEBIBYTE, MEBIBYTE), 201)]

WHOLE = of_size(MEBIBYTE)
HUGE = [
    Row("B13", "one byte more", of_size(MEBIBYTE + 1), *TOO_LARGE, twin=WHOLE),
    Row("B13", "4 GiB announced", announced(4 << 30), *TOO_LARGE, twin=WHOLE),
    Row("B13", "8 EiB announced", announced((1 << 63) - 1), *TOO_LARGE, twin=WHOLE),
    Row("B13", "in chunks", chunks(MEBIBYTE + 1, 1 << 16), *TOO_LARGE, twin=WHOLE),
    Row("B13", "in one chunk", chunks(MEBIBYTE + 1, MEBIBYTE + 1), *TOO_LARGE, twin=WHOLE),
    Row("B13", "a chunk of 4 GiB announced",
        lambda stage: new(b"", CHUNKED)(stage) + b"100000000\r\n", *TOO_LARGE, twin=WHOLE),
    Row("B13", "with a wrong token", of_size(MEBIBYTE + 1, "canary-wrong"), *TOO_LARGE, twin=WHOLE),
    Row("B13", "for an unknown route",
        ask("POST", "/nowhere", b"", f"Content-Length: {MEBIBYTE + 1}"), *TOO_LARGE, twin=WHOLE),
    Row("B13", "for a GET", ask("GET", "/api/instance/list", b"", f"Content-Length: {4 << 30}"),
        *TOO_LARGE, twin=ask("GET", "/api/instance/list")),
]

ROWS = [*EMPTY, *NO_OBJECT, *SYNTAX, *TWICE, *DEEP, *TOO_DEEP, *WIDE, *ENCODING, *CLAIMS, *FORMS,
        *COMPRESSED, *LARGE, *HUGE]


@each(ROWS)
def test_bodies(row, stage):
    reply = stage.show(row)
    if row.status == 413:
        assert not reply.limit_headers
    if row.id == "B5":
        assert reply.json["warnings"] == ["Unknown field 'foo' was ignored"]


UNKNOWN = ["foo", "id", "status", "createdAt", "numberJid", "quota", "isAdmin", "__proto__",
           "constructor"]


@pytest.mark.row("B18")
def test_fields_that_nobody_knows(stage):
    reply = stage.show(Row("B18", "unknown", new(dict.fromkeys(UNKNOWN, 7)), 201))
    assert reply.json["warnings"] == [f"Unknown field '{name}' was ignored" for name in UNKNOWN]
    instance = reply.json["instance"]
    assert (instance["status"], instance["numberJid"]) == ("disconnected", None)
    assert 7 not in instance.values()
    assert "warnings" not in stage.show(Row("B18", "none", new(), 201)).json


@pytest.mark.row("B18")
def test_what_is_said_of_a_thousand_of_them(stage):
    """No more than they were, and not in the log."""
    fields = {f"canary-{n:03}-" + "x" * 900: n for n in range(999)}
    reply = stage.show(Row("B18", "many", new(fields), 201))
    assert len(reply.json["warnings"]) == 999
    assert len(reply.raw) < MEBIBYTE


GOOD = {
    "one key in two objects": b'{"name":"<name>","foo":{"name":"x"}}',
    "blanks around": b' \r\n\t{ "name" : "<name>" }\r\n ',
    "an escaped key": b'{"\\u006eame":"<name>"}',
    "a number beyond all measure": b'{"name":"<name>","foo":[1e999,-1e999,1e-999]}',
    "a number without end": b'{"name":"<name>","foo":' + b"9" * 500_000 + b"}",
    "a key of half a megabyte": b'{"name":"<name>","' + b"k" * 500_000 + b'":1}',
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD.keys())
def test_odd_but_good(stage, body):
    stage.show(Row("B", "odd", new(body), 201))


@pytest.mark.row("B13")
def test_what_is_too_large_is_read_no_further(stage):
    """A client that sends on is not heard; the memory it wanted was never taken."""
    before = stage.server.rss()
    for _ in range(20):
        with stage.wire() as wire:
            wire.send(new(b"", "Content-Length: 1000000000")(stage))
            assert_refused(wire.answer(), 413, "Request body too large")
            try:
                for _ in range(128):
                    wire.send(b" " * (1 << 16))
            except OSError:
                pass  # it has hung up
    assert stage.server.rss() - before < 4 << 20


def test_the_table_over_and_over(stage):
    stage.endure(ROWS)
