"""Rows F that are refused: heads and frames that are no HTTP. Thrown by more than one test."""

from __future__ import annotations

import json

from rows import CLOSE, MALFORMED, NEW, Maker, Row, Stage, raw

TOO_LARGE = (431, "Request headers too large", CLOSE)
OTHER_VERSION = (505, "HTTP version not supported", CLOSE)
HOST = "Host: x"


def get(*lines: str, target: str = "/healthz", version: str = "1.1") -> Maker:
    return raw("\r\n".join([f"GET {target} HTTP/{version}", *lines, "", ""]).encode("latin-1"))


def post(*lines: str, body: bytes = b"") -> Maker:
    """With a good token: what is taken by mistake has an effect."""
    head = [f"POST {NEW} HTTP/1.1", HOST, "token: <token>", *lines, "", ""]
    return raw("\r\n".join(head).encode("latin-1") + body)


def named(stage: Stage) -> bytes:
    return json.dumps({"name": stage.name()}).encode()


def pieces(body: bytes, size: int = 7, extension: bytes = b"") -> bytes:
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)


def chunked(body: bytes, coding: str = "chunked") -> Maker:
    return post(f"Transfer-Encoding: {coding}", body=body)


def of_length(text: str) -> Maker:
    """A creation whose length, which is 32, is spelled like this."""
    return lambda stage: post(f"Content-Length: {text}", body=named(stage).ljust(32))(stage)


def in_pieces(coding: str = "chunked", extension: bytes = b"", end: bytes = b"0\r\n\r\n") -> Maker:
    return lambda stage: chunked(pieces(named(stage), 7, extension) + end, coding)(stage)


BODY = b'{"name":"<name>"}'
ONE_CHUNK = b'11\r\n{"name":"smuggl"}\r\n0\r\n\r\n'
LENGTH, CHUNKS, PLAIN = of_length("32"), in_pieces(), get(HOST)


def malformed(id: str, twin: Maker, rows: dict[str, Maker]) -> list[Row]:
    return [Row(id, what, sent, *MALFORMED, twin=twin) for what, sent in rows.items()]


LENGTHS = malformed("F1", LENGTH, {
    "two": post("Content-Length: 2", "Content-Length: 32", body=b"{}"),
    "two, the longer first": post("Content-Length: 32", "Content-Length: 2", body=b"{}"),
    "one twice": post("Content-Length: 2", "Content-Length: 2", body=b"{}"),
    "two, apart": post("Content-Length: 2", "X: y", "content-length: 3", body=b"{}"),
    **{repr(text): of_length(text)
       for text in ("+32", "0x20", "", "32, 32", "32,17", "abc", "-1", "9" * 20, "3 2", "32.0",
                    "\xb2", "3_2", "32;", "\x0b32", "32\x0c", "9223372036854775808",
                    "18446744073709551648")},
})

CODINGS = malformed("F2", CHUNKS, {
    "length and chunked": post("Content-Length: 2", "Transfer-Encoding: chunked", body=ONE_CHUNK),
    "chunked and length": post("Transfer-Encoding: chunked", "Content-Length: 2", body=ONE_CHUNK),
    "chunked twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                          body=ONE_CHUNK),
    "chunked and identity": post("Transfer-Encoding: chunked", "Transfer-Encoding: identity",
                                 body=ONE_CHUNK),
    **{repr(text): chunked(ONE_CHUNK, text)
       for text in ("xchunked", "chunked, chunked", "gzip, chunked", "chunked, gzip", "gzip",
                    "identity", "", "chunked;q=1", "\x0bchunked", "chunked,", ",chunked",
                    '"chunked"', "chunked\x85")},
    "chunked in 1.0": raw(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + ONE_CHUNK),
})

CHUNK_SIZES = malformed("F4", CHUNKS, {
    **{f"size {text[:20]!r}": chunked(text + b"\r\n" + BODY + b"\r\n0\r\n\r\n")
       for text in (b"ZZ", b"ffffffffffffffff", b"-1", b"", b"0" * 1000 + b"2", b"0x11", b"11x",
                    b" 11", b"+11", b"10000000000000011", b"\t11", b"8000000000000000")},
    "no end": chunked(b'11\r\n{"name":"smuggl"}0\r\n\r\n'),
    "half an end": chunked(b'11\r\n{"name":"smuggl"}\r0\r\n\r\n'),
    "longer than it says": chunked(b'1\r\n{"name":"smuggl"}\r\n0\r\n\r\n'),
    "lines that end in LF": chunked(b"2\n{}\n0\n\n"),
    "an extension without end": chunked(b"2;" + b"a" * 100_000),
    "an LF in an extension": chunked(b"2;a\n{}\r\n0\r\n\r\n"),
    "a NUL in an extension": chunked(b"2;\0\r\n{}\r\n0\r\n\r\n"),
    "trailers without end": chunked(b"0\r\n" + b"a: b\r\n" * 10_000),
    "a folded trailer": chunked(b"0\r\n a: b\r\n\r\n"),
})

HOSTS = malformed("F5", PLAIN, {
    "none": get(), "two": get(HOST, HOST), "two that differ": get(HOST, "host: y"),
    **{repr(text): get(f"Host: {text}")
       for text in ("", "a@b", "a/b", "x:99999", "x:y", "x:-1", "a b", "[::1", "a,b:1:2", "x?y",
                    "x#y", "x:80:80", "[::1]x", "[x]", "\xe9", "x\\y", "x:+80")},
})

LINES = malformed("F6", PLAIN, {
    "bare LF": raw(b"GET /healthz HTTP/1.1\nHost: x\n\n"),
    "bare LF behind a header": raw(b"GET /healthz HTTP/1.1\r\nHost: x\n\r\n"),
    "bare LF at the end": raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\n"),
    "bare CR": raw(b"GET /healthz HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"),
    "CR CR LF": raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\r\n\r\n"),
    "folded": get(HOST, "A: b", " c"), "folded with a tab": get(HOST, "A: b", "\tc"),
    "folded, the first": get(" Host: x"),
    "space before the colon": get(HOST, "A : b"),
    "space before the length's colon": post("Content-Length : 17", body=BODY),
    "space before the coding's colon": post("Transfer-Encoding : chunked", body=ONE_CHUNK),
    "no colon": get(HOST, "abc"), "no name": get(HOST, ": b"),
    "NUL in a value": get(HOST, "A: b\0c"), "NUL in a name": get(HOST, "A\0: b"),
    "DEL in a value": get(HOST, "A: b\x7f"), "a name that is not ASCII": get(HOST, "\xe9: b"),
    "CONNECT": raw(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"),
    "TLS hello": raw(bytes.fromhex("16030100c8010000c40303") + b"\0" * 64),
    "HTTP/0.9": raw(b"GET /healthz\r\n"), "empty lines": raw(b"\r\n\r\n"),
    "empty line first": raw(b"\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "no target": raw(b"GET  HTTP/1.1\r\nHost: x\r\n\r\n"),
    "two blanks": raw(b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a tab": raw(b"GET\t/healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "blank behind": raw(b"GET /healthz HTTP/1.1 \r\nHost: x\r\n\r\n"),
    "blank first": raw(b" GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "NUL in the target": get(HOST, target="/\0"),
    "target without a slash": get(HOST, target="healthz"), "target *": get(HOST, target="*"),
    "another absolute target": get(HOST, target="ftp://x/"),
    "an absolute target with a user": get(HOST, target="http://a@x/healthz"),
    "a method that is none": raw(b"GE(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
})

SIZES = [Row("F7", what, sent, *TOO_LARGE, twin=PLAIN) for what, sent in {
    "one header of 16 KiB": get(HOST, "A: " + "b" * 16_384),
    "10,000 headers": get(HOST, *["a:b"] * 10_000), "101 headers": get(HOST, *["a:b"] * 100),
    "a target of 64 kB": get(HOST, target="/" + "a" * 64_000),
    "a method of 64 kB": raw(b"A" * 64_000),
    "a name of 64 kB": get(HOST, "a" * 64_000 + ": b"),
}.items()]

VERSIONS = [Row("F8", what, sent, *OTHER_VERSION, twin=PLAIN) for what, sent in {
    "9.9": get(HOST, version="9.9"), "2.0": get(HOST, version="2.0"),
    "0.9": get(HOST, version="0.9"), "1.2": get(HOST, version="1.2"),
    "preface of HTTP/2": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}.items()] + malformed("F8", PLAIN, {
    "half a version": raw(b"GET / H\r\n\r\n"), "no minor one": get(HOST, version="1"),
    "lower case": raw(b"GET / http/1.1\r\nHost: x\r\n\r\n"),
    "two digits": get(HOST, version="1.10"), "a letter": get(HOST, version="1.x"),
})

REFUSED = [*LENGTHS, *CODINGS, *CHUNK_SIZES, *HOSTS, *LINES, *SIZES, *VERSIONS]
