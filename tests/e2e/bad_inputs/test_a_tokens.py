"""Rows A: who is let in."""

import re

import pytest
from client import assert_refused
from rows import NEW, KEEP, Row, ask, each, new

ADMIN_TOKEN = "canary-admin-token-of-forty-letters-....."
SERVER_ENV = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN, "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

NOBODY = (401, "Invalid token", KEEP)
LIST = "/api/instance/list"
BODY = b'{"name":"<name>"}'
CANARY = "canary-" + "x" * 40


def create(*lines: str, query: str = "", body: bytes = BODY):
    """A creation by whoever these lines and this query say."""
    return ask("POST", NEW + query, body, *lines, token="")


ABSENT = [Row("A1", what, create(*lines), *NOBODY) for what, lines in {
    "nothing": [], "empty": ["token:"], "blank": ["token:   "],
    "Basic": ["Authorization: Basic Y2FuYXJ5OmNhbmFyeQ=="],
    "bare scheme": ["Authorization: Bearer"],
    "scheme and a blank": ["Authorization: Bearer "], "unknown": [f"token: {CANARY}"],
    "like ours": ["token: pmb_" + "canary-".ljust(43, "x")],
    "unknown bearer": [f"Authorization: Bearer {CANARY}"],
    "10 kB": ["token: canary-" + "x" * 10_000], "not ASCII": ["token: canary-\xe9\xff"],
    "no scheme": ["Authorization: <token>"], "wrong scheme": ["Authorization: Token <token>"],
    "scheme and tab": ["Authorization: Bearer\t<token>"],
    "two": ["token: <token>", "token: <token>"], "a byte more": ["token: <token>x"],
    "in quotes": ['token: "<token>"'], "apikey": ["apikey: <token>"],
    "cookie": ["Cookie: token=<token>"], "other header": ["X-Token: <token>"],
    "proxy's header": ["Proxy-Authorization: Bearer <token>"], "SQL": ["token: ' OR 1=1 --"],
    "name of the instance": ["token: <instance>"],
}.items()]

BEFORE_THE_BODY = [Row("A2", what, create(f"token: {CANARY}", body=body), *NOBODY)
                   for what, body in {"cut off": b'{"name":', "no JSON": b"canary",
                                      "deep": b"[" * 100_000, "a bad name": b'{"name":"a/b"}'}
                   .items()]

PLACES = [Row("A3", what, create(*lines, query=query), *NOBODY) for what, lines, query in [
    ("wrong header, right bearer", [f"token: {CANARY}", "Authorization: Bearer <token>"], ""),
    ("wrong header, right query", [f"token: {CANARY}"], "?token=<token>"),
    ("wrong bearer, right query", [f"Authorization: Bearer {CANARY}"], "?token=<token>"),
    ("two in the query", [], f"?token={CANARY}&token=<token>"),
    ("empty in the query", [], "?token="), ("none in the query", [], "?token"),
    ("empty before the right one", [], "?token=&token=<token>"),
    ("capital", [], "?Token=<token>"), ("capitals", [], "?TOKEN=<token>"),
    ("another name", [], "?xtoken=<token>"), ("another place", [], "?token[]=<token>"),
    ("escaped name", [], "?%74oken=<token>"), ("apikey", [], "?apikey=<token>"),
    ("semicolon", [], "?a=b;token=<token>"), ("NUL behind", [], "?token=<token>%00"),
    ("blank behind", [], "?token=<token>%20"), ("undecodable", [], "?token=%zz<token>"),
    ("fragment", [], "?a#token=<token>"),
]]

LATER_PLACES = [Row("A4", what, create(*lines, query=query), 201) for what, lines, query in [
    ("empty header, right bearer", ["token:", "Authorization: Bearer <token>"], ""),
    ("capitals", ["TOKEN:<token> "], ""), ("bEaReR", ["Authorization: bEaReR <token>"], ""),
    ("blanks", ["Authorization: Bearer   <token>"], ""),
    ("right header, wrong others",
     ["token: <token>", f"Authorization: Bearer {CANARY}"], f"?token={CANARY}"),
    ("query", [], "?token=<token>"), ("query, second", [], "?a=b&token=<token>"),
    ("Basic and query", ["Authorization: Basic Y2FuYXJ5"], "?token=<token>"),
    ("blank header and query", ["token: "], "?token=<token>"),
]]

ROWS = [*ABSENT, *BEFORE_THE_BODY, *PLACES, *LATER_PLACES]


@each(ROWS)
def test_tokens(row, stage):
    reply = stage.show(row)
    assert bool(reply.limit_headers) == (row.status == 201)


@pytest.mark.row("A4")
def test_a_token_that_is_escaped(stage):
    escaped = "".join(f"%{ord(letter):02x}" for letter in stage.token)
    stage.show(Row("A4", "escaped", create(query="?token=" + escaped), 201))


@pytest.mark.row("A4")
def test_a_token_in_a_query_is_not_told(stage):
    """However its name is spelled, and wherever in the query it stands."""
    server = stage.server
    for row in [*PLACES, *LATER_PLACES]:
        stage.show(row)
    server.stop()
    queries = set(re.findall(r'"query":"([^"]*)"', server.logs()))
    server.start()
    assert queries == {"token=***", "***", "***&token=***", "token=***&token=***"}


@pytest.fixture(scope="module")
def strangers(stage, new_account) -> dict[str, str]:
    """Tokens that are good, but not for this: of an instance, the admin and another account."""
    other = new_account()
    return {"instance": stage.api.created(stage.name())["token"], "admin": ADMIN_TOKEN,
            "other": other.token, "others": other.created("theirs")["token"]}


@pytest.mark.row("A5")
@pytest.mark.parametrize("who", ["instance", "admin", "others"])
def test_the_wrong_kind_of_token(stage, strangers, who):
    stage.show(Row("A5", who, new(token=strangers[who]), *NOBODY))
    deletion = ask("DELETE", "/api/instance/delete/<instance>", token=strangers[who])
    stage.show(Row("A5", who, deletion, *NOBODY))
    if who == "admin":
        stage.show(Row("A5", who, ask("GET", LIST, token=strangers[who]), *NOBODY))


@pytest.mark.row("A6")
@pytest.mark.parametrize("who", ["instance", "others"])
def test_the_name_of_another(stage, strangers, who):
    replies = []
    for segment in ("<instance>", "gone", "%00", "%ff", "theirs%20"):
        path = f"/api/instance/getSettings/{segment}"
        replies.append(stage.show(Row(
            "A6", segment, ask("GET", path, token=strangers[who]), 403,
            "Instance token does not match the requested instance")))
    assert len({reply.raw for reply in replies}) == 1


@pytest.mark.row("A7")
def test_the_name_of_another_account(stage, strangers):
    for method, path in [("GET", "/api/instance/getSettings/theirs"),
                         ("DELETE", "/api/instance/delete/theirs")]:
        stage.show(Row("A7", method, ask(method, path), 404, "Instance not found",
                       twin=ask("GET", "/api/instance/getSettings/theirs",
                                token=strangers["other"])))


@pytest.mark.row("A8")
def test_an_instance_acts_for_itself_only(stage):
    own = stage.api.created(stage.name())
    token, path = own["token"], f"/api/instance/settings/{own['name']}"
    for query, body in [("?instanceName=<instance>", b'{"ignoreStatus":true}'),
                        ("?instance=<instance>", b'{"ignoreStatus":true,"instance":"<instance>"}'),
                        ("?token=<token>", b'{"ignoreStatus":true,"instanceName":"<instance>"}')]:
        stage.show(Row("A8", query, ask("POST", path + query, body, token=token), 200))
    for query in ("", "?instanceName=<instance>", "?instanceName=gone"):
        reply = stage.show(Row("A8", query, ask("GET", LIST + query, token=token), 200))
        assert [each_["name"] for each_ in reply.json["instances"]] == [own["name"]]
    other = stage.api.get(f"/api/instance/getSettings/{stage.instance}")
    assert other.json["settings"]["ignoreStatus"] is False


@pytest.mark.row("A9")
def test_the_token_of_an_instance_that_is_gone(stage):
    gone = stage.api.created(stage.name())
    assert stage.api.delete(gone["name"]).status == 200
    stage.show(Row("A9", "gone", ask("GET", LIST, token=gone["token"]), *NOBODY))
    assert_refused(stage.api.as_(gone["token"]).get("/api/instance/getSettings/" + gone["name"]),
                   401, "Invalid token")


def test_the_table_over_and_over(stage):
    stage.endure(ROWS)
