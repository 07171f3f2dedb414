"""Rows N: names, tokens and connectors of a creation."""

import json
from urllib.parse import quote

import pytest
from client import assert_refused
from rows import Row, each, new

BAD_NAME = (400, "The 'name' field may only contain letters, digits, spaces and - _ . "
                 "(1 to 100 characters)")
BAD_TOKEN = (400, "The 'token' field must be 8 to 128 visible ASCII characters")
TAKEN = (409, "Instance or token already exists")

GOOD_NAMES = {
    "one letter": "a", "a hundred wide letters": "𠀀" * 100, "accents": "Ação 3",
    "Japanese": "日本語", "a Cyrillic look-alike": "Shоp", "new": "new", "list": "list",
    "null": "null", "admin": "admin", "delete": "delete", "inner signs": "a.b-c_d e",
    "edges": "-a_", "digits": "123", "Arabic digits": "١٢٣", "combining marks": "นี้",
    "constructor": "constructor", "__proto__": "__proto__",
}


@pytest.mark.row("N1")
@pytest.mark.parametrize("name", GOOD_NAMES.values(), ids=GOOD_NAMES.keys())
def test_good_names_are_reachable_by_path(stage, name):
    reply = stage.show(Row("N1", name, new({"name": name}), 201))
    assert reply.json["instance"]["name"] == name
    segment = quote(name, safe="")
    assert stage.api.listed("?instanceName=" + segment)[0]["name"] == name
    assert stage.api.get("/api/instance/getSettings/" + segment).status == 200
    assert stage.api.delete(segment).status == 200


def names(id: str, rows: dict[str, str], twin: str = "a b") -> list[Row]:
    # The twin's letters are free to be taken every time, but for a number.
    return [Row(id, what, new({"name": name}), *BAD_NAME, twin=new({"name": f"<name> {twin}"}))
            for what, name in rows.items()]


NAMES = [
    *names("N2", {"101 letters": "a" * 101, "101 wide letters": "𠀀" * 101,
                  "a million letters": "a" * 1_000_000,
                  "marks out of order": "a" + "\u0301" * 50_000 + "\u0323" * 50_000},
           "é" * 80),
    *names("N3", {
        "a path": "../../etc/passwd", "slash": "a/b", "backslash": "a\\b", "dot": ".", "dots": "..",
        "dot at the end": "a.", "dot at the start": ".a", "space at the start": " a",
        "space at the end": "a ", "encoded dots": "%2e%2e", "question mark": "a?b", "hash": "a#b",
        "SQL": "'; DROP TABLE instance;--", "SQL in quotes": '" OR "1"="1', "comma": "a,b",
        "no-break space": "a\u00a0b", "superscript digit": "a²", "Roman numeral": "aⅫ",
        "private use": "a\ue000", "unassigned": "a\u0378", "a noncharacter": "a\ufffe",
        "a fraction slash": "a\u2044b", "full-width dot": "．．", "template": "{{7*7}}",
        "format": "%s%n",
    }),
    *names("N4", {
        "CR": "a\rb", "LF": "a\nb", "tab": "a\tb", "ESC": "a\x1bb", "NUL": "a\0b", "DEL": "a\x7fb",
        "C1 control": "a\x85b", "right-to-left override": "a\u202eb",
        "zero-width joiner": "a\u200db", "zero-width space": "a\u200bb", "soft hyphen": "a\u00adb",
        "byte order mark": "\ufeffa", "line separator": "a\u2028b", "emoji": "a😀",
        "variation of an emoji": "❤\ufe0f", "a tag": "a\U000e0041",
    }),
]

STRINGS = [
    Row("N6", f"{field} {json.dumps(value)}", new({field: value}), 400,
        f"The '{field}' field must be a string")
    for field in ("name", "token", "connector")
    for value in (5, 0, -1, 1.5, 1e300, True, False, ["abcdefgh"], [], {"a": "b"}, {})
]

TOKENS = [Row("N10", what, new({"token": token}), *BAD_TOKEN, twin=new({"token": "canary-<name>"}))
          for what, token in {
    "seven": "canary7", "129": "canary-".ljust(129, "a"), "a space": "canary- with a space",
    "CR LF": "canary-\r\n", "not ASCII": "canary-é", "DEL": "canary-\x7f", "NUL": "canary-\0",
    "tab": "canary\t-", "a million": "canary-".ljust(1_000_000, "a"), "blanks alone": " " * 8,
}.items()]

CONNECTORS = [Row("N12", name[:20], new({"connector": name}), 400,
                  f"Connector is not available: {name}", twin=new({"connector": "whatsapp"}))
              for name in ("telegram", "webhook", "Whatsapp", " whatsapp", "../x",
                           "\r\nX-Evil: 1")]

ROWS = [*NAMES, *STRINGS, *TOKENS, *CONNECTORS]


@each(ROWS)
def test_names_tokens_and_connectors(row, stage):
    stage.show(row)


@pytest.mark.row("N9")
@pytest.mark.parametrize("token", ["", None])
def test_an_empty_token_is_none_at_all(stage, token):
    reply = stage.show(Row("N9", str(token), new({"token": token}), 201))
    assert reply.json["instance"]["token"][14] == "4"  # the version of a UUID


@pytest.mark.row("N5")
def test_two_spellings(stage):
    for name in ("Shop", "shop"):
        stage.show(Row("N5", name, new({"name": name}), 201))
    stage.show(Row("N5", "composed", new({"name": "caf\u00e9"}), 201))
    stage.show(Row("N5", "decomposed", new({"name": "cafe\u0301"}), *TAKEN))


@pytest.mark.row("N7")
def test_a_name_in_use(stage, new_account):
    stage.show(Row("N7", "here", new({"name": "<instance>"}), *TAKEN))
    assert new_account().created(stage.instance)["name"] == stage.instance


@pytest.mark.row("N11")
def test_a_token_in_use(stage, new_account):
    other = new_account()
    tokens = [stage.api.created(stage.name())["token"], other.created("x")["token"],
              stage.token, other.token]
    replies = [stage.show(Row("N11", "taken", new({"token": token}), *TAKEN)) for token in tokens]
    assert len({reply.raw for reply in replies}) == 1, "whose it is, is told"


def test_a_name_that_would_write_a_header(stage):
    reply = stage.show(Row("N12", "CR LF", new({"connector": "x\r\nSet-Cookie: a=b"}), 400,
                           "Connector is not available: x\r\nSet-Cookie: a=b"))
    assert "Set-Cookie" not in reply.headers
    assert_refused(reply, 400, "Connector is not available: x\r\nSet-Cookie: a=b")


def test_the_table_over_and_over(stage):
    stage.endure(ROWS)
