"""Rows R: paths, methods and parameters."""

import pytest
from client import LIMIT_HEADERS
from rows import MALFORMED, NEW, Row, ask, each
from shapes import URL

SERVER_ENV = {"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

SETTINGS = "/api/instance/getSettings/"
LIST = "/api/instance/list"
OF_THE_INSTANCE = ask("GET", SETTINGS + "<instance>")
GONE = (404, "Instance not found")
NO_NAME = (400, "Instance name is required")
NO_ROUTE = (404, "Not found")
NO_METHOD = (405, "Method not allowed")


@pytest.mark.row("R1")
@pytest.mark.parametrize("segment, name", {
    "a%20b": "a b", "%C3%A9": "é", "e%CC%81": "é", "a.b-c_d": "a.b-c_d", "%61": "a",
    "%e6%97%a5": "日", "日": "日", "new": "new", "list": "list", "%6e%65%77": "new"}.items())
def test_names_in_a_path_are_decoded_once_and_composed(stage, segment, name):
    instance = stage.api.created(name)
    read = ask("GET", SETTINGS + segment)
    stage.show(Row("R1", segment, read, 200, twin=read))
    assert stage.show(Row("R1", segment, ask("DELETE", "/api/instance/delete/" + segment), 200))
    assert instance["id"] not in [listed["id"] for listed in stage.api.listed()]


@pytest.mark.row("R1")
def test_a_plus_is_a_plus(stage):
    stage.api.created("c d")
    stage.show(Row("R1", "+", ask("GET", SETTINGS + "c+d"), *GONE,
                   twin=ask("GET", SETTINGS + "c%20d")))


NAMES = [Row("R2", segment[:30], ask("GET", SETTINGS + segment), *GONE, twin=OF_THE_INSTANCE)
         for segment in ["%2561", "%00", "%ff", "a%2Fb", "<instance>%00", "<instance>%20",
                         "%20<instance>", "..%2fgetSettings%2f<instance>", "%25", "*",
                         "'%20OR%20'1'='1", "%F0%9F%98%80", "%c0%ae", "<instance>;a=b",
                         "<instance>%3Fa", "%E2%80%AE<instance>", "x" * 8_000,
                         "\u0301" * 1_900 + "\u0323" * 1_900]]

ESCAPES = [Row("R3", segment, ask("GET", SETTINGS + segment), *MALFORMED, twin=OF_THE_INSTANCE)
           for segment in ["%zz", "%4", "a%", "%%20", "%g0", "%u0041", "%-1", "%"]]

BLANKS = [Row("R4", segment, ask("GET", SETTINGS + segment), *NO_NAME, twin=OF_THE_INSTANCE)
          for segment in ["%20", "%20%20", "%09", "%0d%0a"]]

UNKNOWN = [Row("R5", target[:40], ask("GET", target), *NO_ROUTE, twin=ask("GET", LIST))
           for target in [
    "/", "/api", "/api/instance", "/api/instance/lists", "/api/instance/list/x",
    "/API/instance/list", "//api/instance/list", "/api//instance/list", "/api/instance//list",
    "/api/instance/list//", "/api/x/../instance/list", "/api/./instance/list",
    "/api/instance/list%2f", "/api%2Finstance/list", "/api/instance/delete",
    "/api/instance/delete/", "/" * 16_000, "/x" * 7_000, "/x" * 4_000,
    "/api/instance" + "/x" * 3_900, "/" + "a" * 8_000, "/api/instance/delete/a/b",
    "/api/instance/delete//x", "/-/nowhere", "/api/instance/list;x=y", "/%2e%2e/etc/passwd",
    "/..", "/../../etc/passwd", "/\\..\\etc", "/api/instance/%6cist/x", "/healthz%00",
    "/.git/config", "/:instance", "/api/instance/delete/:instance/x", "/(.*)+" + "a" * 4_000,
]]

METHODS = [
    ("PUT", NEW, "POST"), ("FOO", NEW, "POST"), ("get", NEW, "POST"), ("GET", NEW, "POST"),
    ("post", NEW, "POST"), ("POSTS", NEW, "POST"), ("X" * 2_000, NEW, "POST"),
    ("TRACE", NEW + "/", "POST"), ("M-SEARCH", NEW, "POST"), ("PROPFIND", NEW, "POST"),
    ("POST", LIST, "GET, HEAD"), ("get", LIST, "GET, HEAD"),
    ("GET", "/api/instance/delete/x", "DELETE"), ("POST", "/api/instance/delete/x", "DELETE"),
    ("DELETE", "/healthz", "GET, HEAD"), ("PUT", "/api/events/webhook/x", "GET, HEAD, POST"),
    ("PATCH", "/api/chat/tag/x", "GET, HEAD, POST, DELETE"),
]
OTHER_METHODS = [Row("R6", f"{method[:20]} {path}", ask(method, path), *NO_METHOD)
                 for method, path, _ in METHODS]

FILTERS = [
    Row("R8", "one that is gone", ask("GET", LIST + "?instanceName=gone"), *GONE,
        twin=ask("GET", LIST + "?instanceName=%20<instance>,gone")),
    *(Row("R8", value, ask("GET", LIST + "?instanceName=" + value), *GONE,
          twin=ask("GET", LIST + "?instanceName="))
      for value in ["%00", "%ff", "*", "%25", "'%20OR%201=1", "<instance>+", "x" * 7_000,
                    "\u0301" * 3_000 + "\u0323" * 3_000]),
]

METRICS = "/api/instance/metrics/"
LISTS = [*(Row("R9", segment, ask("GET", METRICS + segment), *GONE,
               twin=ask("GET", METRICS + "<instance>"))
           for segment in ["<instance>,gone", "gone,<instance>", "gone", "<instance>,%00",
                           "<instance>;gone", ",".join(["gone"] * 1_000)]),
         *(Row("R9", segment, ask("GET", METRICS + segment), *NO_NAME,
               twin=ask("GET", METRICS + ",%20<instance>,,<instance>%20"))
           for segment in [",%20,", ",", "%20", ",,,%20"])]

LINK = "/api/instance/connect/<instance>?"
LINKS = [Row("R11", f"{name}={value[:20]}", ask("GET", f"{LINK}{name}={value}"), 400, said,
             twin=OF_THE_INSTANCE)
         for name, said, values in [
             ("number", "The 'number' parameter must contain 8 to 15 digits",
              ["12ab", "1234567", "1234567890123456", "+-()", "%20", "12345678x", "%D9%A1" * 9,
               "12345678%00", "%ff", "5" * 7_000, "-12345678.0", "+55%2F11999990000"]),
             ("history", "The 'history' parameter must be a number of days from 1 to 365",
              ["0", "366", "-1", "1.5", "1e2", "x", "%207", "7x", "0x7", "+7", "7%00", "true",
               "9" * 7_000]),
         ] for value in values]

SETTING = "/api/instance/settings/<instance>"
TURNED_ON = ask("POST", SETTING, b'{"ignoreStatus":true}')
NOTHING_SET = [Row("R13", what, ask("POST", SETTING, body), 400,
                   "At least one setting must be provided", twin=TURNED_ON)
               for what, body in {"no body": b"", "no fields": b"{}", "unknown": b'{"foo":1}',
                                  "null": b'{"ignoreStatus":null}', "blanks": b"  "}.items()]

GOOD = {
    "/api/events/webhook/": b'{"enabled":true,"url":"%s"}' % URL.encode(),
    "/api/events/websocket/": b'{"enabled":true}',
    "/api/instance/proxy/":
        b'{"enabled":true,"host":"10.0.0.9","port":1,"protocol":"http","password":"canary"}',
    "/api/instance/s3/": b'{"enabled":true,"bucket":"b","accessKey":"a","secretKey":"canary",'
                         b'"region":"r"}',
}
NOT_ENABLED = [Row("R14", f"{path.split('/')[-2]} {body.decode()}",
                   ask("POST", path + "<instance>", body), 400, "The 'enabled' field is required",
                   twin=ask("POST", path + "<instance>", good))
               for path, good in GOOD.items()
               for body in (b"", b"{}", b'{"enabled":null}', b'{"enabled":""}', b'{"foo":1}')]

WEBHOOK = "/api/events/webhook/<instance>"
HOOKS = [Row("R15", "a label of 65", ask("POST", WEBHOOK, b'{"enabled":false,"label":"%s"}' %
                                         ("é" * 65).encode()), 400,
             "The 'label' field must be at most 64 characters",
             twin=ask("POST", WEBHOOK, b'{"enabled":false,"label":"%s"}' % ("é" * 64).encode()))]

ROWS = [*NAMES, *ESCAPES, *BLANKS, *UNKNOWN, *OTHER_METHODS, *FILTERS, *LISTS, *LINKS,
        *NOTHING_SET, *NOT_ENABLED, *HOOKS]


@each(ROWS)
def test_paths_methods_and_parameters(row, stage):
    reply = stage.show(row)
    early = row.id in ("R3", "R4") or row.said == NO_NAME[1]
    assert reply.limit_headers == (set() if early else LIMIT_HEADERS)


@pytest.mark.row("R6")
@pytest.mark.parametrize("method, path, allowed", METHODS)
def test_what_else_is_allowed(stage, method, path, allowed):
    reply = stage.show(Row("R6", method, ask(method, path), *NO_METHOD))
    assert sorted(reply.headers["Allow"].split(", ")) == sorted(allowed.split(", "))


@pytest.mark.row("R7")
@pytest.mark.parametrize("path, status", [
    (LIST, 200), (LIST + "/", 200), (SETTINGS + "<instance>", 200),
    (LIST + "?instanceName=gone", 404), ("/nowhere", 404), (NEW, 405), ("/healthz", 200)])
def test_head_is_get_without_a_body(stage, path, status):
    got = stage.wire().send(ask("GET", path)(stage)).answer()
    assert got.status == status
    with stage.wire() as wire:
        head = wire.send(ask("HEAD", path)(stage)).answer(head_only=True)
        wire.assert_kept()
    varying = {"Date", "X-Request-Id", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    assert head.status == status
    assert {k: v for k, v in head.headers.items() if k not in varying} == \
        {k: v for k, v in got.headers.items() if k not in varying}


@pytest.mark.row("R7")
@pytest.mark.parametrize("raw, status", [
    (b"HEAD /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    (b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 17_000 + b"\r\n\r\n", 431),
    (b"HEAD /healthz HTTP/3.0\r\nHost: x\r\n\r\n", 505),
])
def test_a_head_that_is_refused_has_no_body_either(stage, raw, status):
    """Whoever asked would take it for the answer to the next request."""
    with stage.wire() as wire:
        reply = wire.send(raw).answer(head_only=True)
        assert (reply.status, reply.headers["Connection"]) == (status, "close")
        wire.assert_closed()


@pytest.mark.row("R7")
@pytest.mark.parametrize("path", [LIST + "/", "/healthz/", SETTINGS + "<instance>/",
                                  LIST + "/?instanceName=", LIST + "?"])
def test_a_slash_at_the_end(stage, path):
    stage.show(Row("R7", path, ask("GET", path), 200))


@pytest.mark.row("R8")
@pytest.mark.parametrize("value, found", [
    ("<instance>", 1), ("%20<instance>,%20gone", 1), ("gone,lost", 0), ("<instance>,<instance>", 1),
    (",".join(["gone"] * 1_000), 0), ("<instance>,%ff,%00", 1)])
def test_a_list_of_names(stage, value, found):
    row = Row("R8", value[:20], ask("GET", f"{LIST}?instanceName={value}"), 200)
    assert len(stage.show(row).json["instances"]) == found


@pytest.mark.row("R9")
def test_an_instances_token_and_a_list_with_another(stage):
    name = stage.name()
    token = stage.api.created(name)["token"]
    for others in ("<instance>", "gone", "%ff"):
        for segment in (f"{name},{others}", f"{others},{name}"):
            stage.show(Row("R9", segment, ask("GET", METRICS + segment, token=token), 403,
                           "Instance token does not match the requested instance",
                           twin=ask("GET", METRICS + f"{name},%20{name}", token=token)))


@pytest.mark.row("R12")
def test_a_second_delete(stage):
    name = stage.name()
    stage.api.created(name)
    delete = ask("DELETE", f"/api/instance/delete/{name}")
    stage.show(Row("R12", "first", delete, 200))
    stage.show(Row("R12", "second", delete, *GONE))


@pytest.mark.row("R15")
def test_a_fourth_webhook(stage):
    name = stage.name()
    stage.api.created(name)

    def enable(label: str):
        body = b'{"enabled":true,"url":"%s","authorization":"canary","label":"%s"}'
        return ask("POST", f"/api/events/webhook/{name}", body % (URL.encode(), label.encode()))

    for label in "abc":
        stage.show(Row("R15", label, enable(label), 200))
    stage.show(Row("R15", "d", enable("d"), 400, "Maximum of 3 enabled webhooks per instance",
                   twin=enable("c")))


def test_the_table_over_and_over(stage):
    stage.endure(ROWS)
