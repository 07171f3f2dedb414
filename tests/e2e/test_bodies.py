"""Request bodies, good and bad."""

import gzip
import json

import pytest
from client import assert_refused, request

NEW = "/api/instance/new"
BAD = "Invalid request body"
MEBIBYTE = 1 << 20


def nested(depth: int, name: str = "x", opening: str = "[", closing: str = "]") -> bytes:
    """A body of that depth, the object itself counted."""
    return f'{{"name":"{name}","foo":{opening * (depth - 1)}{closing * (depth - 1)}}}'.encode()


BAD_BODIES = {
    "null": b"null", "array": b"[]", "array with an object": b'[{"name":"x"}]', "string": b'"x"',
    "number": b"1", "true": b"true",
    "cut off": b'{"name":', "cut off in a string": b'{"name":"x', "no brace": b'{"name":"x"',
    "two values": b'{"name":"x"} {}', "rest": b'{"name":"x"}x', "comment": b'{"name":"x"/*y*/}',
    "line comment": b'{"name":"x"}//y', "trailing comma": b'{"name":"x",}',
    "single quotes": b"{'name':'x'}", "bare key": b'{name:"x"}', "NaN": b'{"name":"x","a":NaN}',
    "Infinity": b'{"name":"x","a":Infinity}', "leading zero": b'{"name":"x","a":01}',
    "plus": b'{"name":"x","a":+1}', "control character": b'{"name":"x","a":"\x01"}',
    "bad escape": b'{"name":"x","a":"\\x41"}', "NUL behind": b'{"name":"x"}\0',
    "a key twice": b'{"name":"x","name":"x"}', "a key twice, differing": b'{"name":"x","name":"y"}',
    "a key twice, spelled otherwise": b'{"name":"x","n\\u0061me":"y"}',
    "a key twice within": b'{"name":"x","foo":{"a":1,"a":1}}',
    "a key twice in a list": b'{"name":"x","foo":[{"a":1,"a":2}]}',
    "33 deep": nested(33), "33 objects deep": nested(33, "x", '{"a":', "}").replace(b":}", b":1}"),
    "10,000 deep": nested(10_000), "100,000 deep": nested(100_000),
    "unbalanced": b"[" * 100_000,
    "1,001 members": json.dumps({"name": "x"} | {f"k{n}": n for n in range(1_000)}).encode(),
    "1,001 members within":
        json.dumps({"name": "x", "foo": {f"k{n}": n for n in range(1_001)}}).encode(),
    "10,001 elements": json.dumps({"name": "x", "foo": [0] * 10_001}).encode(),
    "byte order mark": b'\xef\xbb\xbf{"name":"x"}', "byte FF": b'{"name":"x\xff"}',
    "overlong": b'{"name":"x","a":"\xc0\xaf"}', "encoded surrogate": b'{"name":"\xed\xa0\x80"}',
    "beyond Unicode": b'{"name":"x","a":"\xf5\x80\x80\x80"}',
    "cut-off UTF-8": b'{"name":"x","a":"\xe2\x82"}',
    "lone high surrogate": b'{"name":"x\\ud800"}', "lone low surrogate": b'{"name":"x\\udc00"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "UTF-16 without mark": '{"name":"x"}'.encode("utf-16-le"),
    "urlencoded": b"name=x&webhookEnabled=true",
    "multipart": b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
    "XML": b"<name>x</name>",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_bodies(api, wire, body, writes_nothing):
    connection = wire().send(request("POST", NEW, api.token, body))
    assert_refused(connection.answer(), 400, BAD)
    connection.assert_kept()


def test_gzip_is_not_inflated(api, wire, writes_nothing):
    body = gzip.compress(b'{"name":"x","foo":"' + b" " * (1 << 20) + b'"}')
    connection = wire().send(request("POST", NEW, api.token, body, "Content-Encoding: gzip"))
    assert_refused(connection.answer(), 400, BAD)
    connection.assert_kept()


NAMELESS = {"no body": b"", "blanks": b" \r\n\t", "no fields": b"{}", "null": b'{"name":null}',
            "empty": b'{"name":""}', "spaces": b'{"name":"   "}'}


@pytest.mark.parametrize("body", NAMELESS.values(), ids=NAMELESS.keys())
def test_bodies_without_a_name(api, wire, body, writes_nothing):
    connection = wire().send(request("POST", NEW, api.token, body))
    assert_refused(connection.answer(), 400, "The 'name' field is required")
    connection.assert_kept()


def test_an_empty_body_of_announced_length(api, wire):
    connection = wire().send(request("POST", NEW, api.token, b"", "Content-Length: 0"))
    assert_refused(connection.answer(), 400, "The 'name' field is required")
    connection.assert_kept()


GOOD_BODIES = {
    "32 deep": lambda name: nested(32, name),
    "1,000 members": lambda name:
        json.dumps({"name": name} | {f"k{n}": n for n in range(999)}).encode(),
    "10,000 elements": lambda name: json.dumps({"name": name, "foo": [0] * 10_000}).encode(),
    "one key in two objects": lambda name: f'{{"name":"{name}","foo":{{"name":"x"}}}}'.encode(),
    "blanks around": lambda name: f' \r\n\t{{ "name" : "{name}" }}\r\n '.encode(),
    "escapes": lambda name:
        ('{"\\u006eame":"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"}').encode(),
    "surrogate pair": lambda name: f'{{"name":"{name}","foo":"\\ud83d\\ude00"}}'.encode(),
    "a mebibyte": lambda name: f'{{"name":"{name}"}}'.encode().ljust(MEBIBYTE),
}


@pytest.mark.parametrize("body", GOOD_BODIES.values(), ids=GOOD_BODIES.keys())
def test_good_bodies(api, fresh, wire, body):
    name = fresh()
    connection = wire().send(request("POST", NEW, api.token, body(name)))
    reply = connection.answer()
    assert reply.status == 201
    assert reply.json["instance"]["name"] == name
    connection.assert_kept()


@pytest.mark.parametrize("line", [
    None, "Content-Type:", "Content-Type: ;;;", "Content-Type: text/plain",
    "Content-Type: application/json; charset=latin1", "Content-Type: application/xml",
    "Content-Type: multipart/form-data; boundary=b",
    "Content-Type: application/x-www-form-urlencoded", "Content-Type: \x80",
])
def test_what_a_body_claims_to_be_does_not_matter(api, fresh, wire, line):
    body = json.dumps({"name": fresh()}).encode()
    connection = wire().send(request("POST", NEW, api.token, body, *[line] if line else []))
    assert connection.answer().status == 201
    connection.assert_kept()


# Too large ------------------------------------------------------------------------------------

TOO_LARGE = {
    "one byte more": lambda token: request("POST", NEW, token, b"{}".ljust(MEBIBYTE + 1)),
    "4 GiB announced": lambda token: request("POST", NEW, token, b"", f"Content-Length: {4 << 30}"),
    "in chunks": lambda token: request("POST", NEW, token, b"", "Transfer-Encoding: chunked") +
    (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 17,
    "one large chunk": lambda token: request("POST", NEW, token, b"", "Transfer-Encoding: chunked")
    + b"%x\r\n" % (MEBIBYTE + 1) + b" " * (MEBIBYTE + 1),
    "with a wrong token": lambda token: request("POST", NEW, "wrong", b"{}".ljust(MEBIBYTE + 1)),
    "for an unknown route": lambda token: request("POST", "/nowhere", token, b"",
                                                  f"Content-Length: {MEBIBYTE + 1}"),
}


@pytest.mark.parametrize("bytes_of", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_bodies_that_are_too_large_are_not_read(api, wire, bytes_of, writes_nothing):
    smuggled = request("POST", NEW, api.token, b'{"name":"smuggled"}')
    connection = wire().send(bytes_of(api.token) + smuggled)
    reply = connection.answer()
    assert_refused(reply, 413, "Request body too large")
    assert reply.headers["Connection"] == "close"
    assert not reply.limit_headers
    connection.assert_closed()
