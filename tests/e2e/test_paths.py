"""Paths, methods and routes."""

import re

import pytest
from client import LIMIT_HEADERS, assert_refused, request

SERVER_ENV = {"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

NAMED = {"a%20b": "a b", "%C3%A9": "é", "e%CC%81": "é", "a.b-c_d": "a.b-c_d", "%61": "a",
         "%e6%97%a5": "日", "日": "日", "new": "new", "list": "list"}


@pytest.mark.parametrize("segment, name", NAMED.items())
def test_names_in_a_path_are_decoded_once_and_composed(api, wire, segment, name):
    instance = api.created(name)
    raw = request("DELETE", f"/api/instance/delete/{segment}", api.token)
    assert wire().send(raw).answer().status == 200
    assert instance["id"] not in [each["id"] for each in api.listed()]


@pytest.mark.parametrize("name, segment", [("a b", "a+b"), ("a", "%2561"), ("a", "%00"),
                                           ("a", "%ff"), ("a", "a%2Fb"), ("a", "a%00"),
                                           ("a", "a%20"), ("a", "A"), ("a", "..%2fdelete%2fa"),
                                           ("a", "'%20OR%20'1'='1"), ("a", "%25"), ("a", "*")])
def test_what_names_nothing(new_account, name, segment):
    account = new_account()
    account.created(name)
    assert_refused(account.delete(segment), 404, "Instance not found")
    assert account.names() == [name]


@pytest.mark.parametrize("segment", ["%zz", "%4", "a%", "%%20", "%g0"])
def test_what_cannot_be_decoded(api, wire, segment):
    connection = wire().send(request("DELETE", f"/api/instance/delete/{segment}", api.token))
    reply = connection.answer()
    assert_refused(reply, 400, "Malformed request")
    assert not reply.limit_headers
    connection.assert_closed()


@pytest.mark.parametrize("segment", ["%20", "%20%20", "%09"])
def test_a_blank_name(api, segment):
    assert_refused(api.delete(segment), 400, "Instance name is required")


UNKNOWN = ["/", "/api", "/api/instance", "/api/instance/lists", "/api/instance/list/x",
           "/API/instance/list", "//api/instance/list", "/api//instance/list",
           "/api/instance//list", "/api/instance/list//", "/api/x/../instance/list",
           "/api/./instance/list", "/api/instance/list%2f", "/api%2Finstance/list",
           "/api/instance/delete", "/api/instance/delete/", "/" * 16_000, "/x" * 7_000,
           "/api/instance/delete/a/b", "/-/nowhere", "/api/instance/list;x=y"]


@pytest.mark.parametrize("target", UNKNOWN, ids=lambda target: target[:40])
def test_unknown_routes(api, wire, target):
    connection = wire().send(request("GET", target, api.token))
    reply = connection.answer()
    assert_refused(reply, 404, "Not found")
    assert reply.limit_headers == LIMIT_HEADERS
    connection.assert_kept()


@pytest.mark.parametrize("target", ["/api/instance/list?", "/api/instance/list/",
                                    "/api/instance/list/?instanceName=", "/healthz/",
                                    "/healthz?token=x&a"])
def test_other_spellings_of_a_route(api, target):
    assert api.get(target).status == 200


def test_a_slash_behind_a_name(api, fresh):
    name = fresh()
    api.created(name)
    assert api.delete(name + "/").status == 200


@pytest.mark.parametrize("method, path, allowed", [
    ("PUT", "/api/instance/new", "POST"), ("FOO", "/api/instance/new", "POST"),
    ("get", "/api/instance/new", "POST"), ("GET", "/api/instance/new", "POST"),
    ("HEAD", "/api/instance/new", "POST"), ("post", "/api/instance/new", "POST"),
    ("OPTIONS", "/api/instance/new", "POST"), ("TRACE", "/api/instance/new/", "POST"),
    ("POST", "/api/instance/list", "GET, HEAD"), ("get", "/api/instance/list", "GET, HEAD"),
    ("GET", "/api/instance/delete/x", "DELETE"), ("POST", "/api/instance/delete/x", "DELETE"),
    ("DELETE", "/healthz", "GET, HEAD"), ("PUT", "/api/events/webhook/x", "GET, HEAD, POST"),
    ("PATCH", "/api/chat/tag/x", "GET, HEAD, POST, DELETE"),
])
def test_other_methods_of_a_route(api, wire, method, path, allowed):
    connection = wire().send(request(method, path, api.token))
    reply = connection.answer(head_only=method == "HEAD")
    assert reply.status == 405
    if method != "HEAD":
        assert_refused(reply, 405, "Method not allowed")
    assert sorted(reply.headers["Allow"].split(", ")) == sorted(allowed.split(", "))
    assert reply.limit_headers == LIMIT_HEADERS
    connection.assert_kept()


@pytest.mark.parametrize("path", ["/api/instance/list", "/api/instance/list?instanceName=gone",
                                  "/healthz", "/health", "/nowhere", "/api/instance/getS3/x"])
def test_head_is_get_without_a_body(api, wire, path):
    got = wire().send(request("GET", path, api.token)).answer()
    connection = wire().send(request("HEAD", path, api.token))
    head = connection.answer(head_only=True)
    assert head.status == got.status
    varying = {"Date", "X-Request-Id", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    if path != "/health":  # whose uptime may have a digit more by now
        assert {k: v for k, v in head.headers.items() if k not in varying} == \
            {k: v for k, v in got.headers.items() if k not in varying}
    connection.assert_kept()


def test_a_second_delete(api, fresh):
    name = fresh()
    api.created(name)
    assert api.delete(name).status == 200
    assert_refused(api.delete(name), 404, "Instance not found")


# Routes of later releases ---------------------------------------------------------------------

# Written down from the specification by hand: by folder, "METHOD word word ...".
LATER = {
    "/api/instance": ["GET connect metrics", "POST reconnect", "DELETE logout"],
    "/api/events": ["GET deliveries", "POST redeliver test"],
    "/ws": ["GET"],
    "/api/message": ["POST text media sticker location contact reaction poll button list carousel "
                     "form pix event status"],
    "/api/chat": ["GET contacts contactsByLabel getMessage tag base64 status poll",
                  "POST tag assignTag archive pin mute block favorite presence markRead "
                  "markChatRead history forward edit",
                  "DELETE tag assignTag delete deleteChat"],
    "/api/group": ["GET list info requests", "POST create participants join resetLink",
                   "PUT update", "DELETE leave"],
    "/api/community": ["GET listSubGroups", "POST create link unlink"],
    "/api/newsletter": ["GET list info", "POST create join", "DELETE leave"],
    "/api/profile": ["GET getAccount getPrivacy privacy", "POST account privacy"],
    "/api/call": ["POST fake audio"],
    "/api/simulator": ["POST scan event"],
    "/api/typebot": ["GET find", "POST create start", "PUT update", "DELETE delete"],
}
PROMISED = ["POST /mcp"] + [
    f"{method} {folder}/{word + '/' if word else ''}shop"
    for folder, lines in LATER.items()
    for method, *words in map(str.split, lines) for word in words or [""]]


@pytest.mark.parametrize("promise", PROMISED)
def test_routes_that_are_promised(api, promise):
    method, path = promise.split()
    reply = api.call(method, path, {"x": 1} if method == "POST" else None)
    assert_refused(reply, 501, "Not implemented")
    assert reply.limit_headers == LIMIT_HEADERS


def test_nothing_else_is_promised(api):
    """What answers is what is described, and what is described as to come is in the list."""
    paths = api.get("/openapi.json").json["paths"]
    later = {f"{method.upper()} {path}" for path, methods in paths.items()
             for method, operation in methods.items() if "501" in operation["responses"]}

    def described(promise: str) -> str:
        [found] = [each for each in later if each.split()[0] == promise.split()[0] and re.fullmatch(
            re.sub(r"{\w+}", "[^/]+", each.split()[1]), promise.split()[1])]
        return found

    assert {described(promise) for promise in PROMISED} == later - {"GET /docs"}


@pytest.mark.parametrize("path", ["/api/instance/metrics/x", "/api/instance/getS3/x"])
def test_promises_are_made_to_those_who_are_known(api, path):
    assert_refused(api.as_(None).get(path), 401, "Invalid token")
