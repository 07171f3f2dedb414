"""Rows K: fields of blocks. The instance is there all the same, and so are its other blocks."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from chatwoot import Silent
from rows import Row, new
from shapes import BLOCKS, DEFAULTS, GROUPS, INSTANCE_KEYS, URL, failed

SERVER_ENV = {"POMBO_EGRESS_ALLOW": "127.0.0.2/32"}

BOOLEAN = "The '{}' field must be a boolean"
NOT_ALLOWED = "The '{}' field contains characters that are not allowed"
OPERATORS = " (operators: egress.allow)"
LONG = "The '{}' field must be at most {} characters"


def canaries(value):
    return value.replace("hidden", "canary") if isinstance(value, str) else value


GOOD = {block: {field: canaries(value) for field, value in fields.items()}
        for block, (fields, _) in GROUPS.items()}
# All of it would be dialled.
LOADED = [block for block in BLOCKS if block != "chatwoot"]


@dataclass(frozen=True)
class Broken:
    """The good fields of a block, with these changed; and the error in its object."""

    id: str
    block: str
    fields: dict
    error: str


def broken(id: str, block: str, error: str, *changes: dict) -> list[Broken]:
    """`{}` in the error is the field that is wrong, the last of each change."""
    return [Broken(id, block, change, error.format(list(change)[-1])) for change in changes]


def each_value(field: str, *values) -> list[dict]:
    return [{field: value} for value in values]


WEBHOOK = [
    *broken("K1", "webhook", BOOLEAN, *each_value("webhookEnabled", "true", 1, 0, [], {}, "yes")),
    *broken("K1", "websocket", BOOLEAN, *each_value("websocketEnabled", [], "true", 1)),
    *broken("K1", "proxy", BOOLEAN, {"proxyEnabled": "true"}),
    *broken("K1", "s3", BOOLEAN, {"s3Enabled": 1}),
    *broken("K1", "webhook", BOOLEAN, {"webhookByEvents": "yes"}, {"webhookMediaBase64": 0}),
    *broken("K1", "websocket", BOOLEAN, {"websocketMediaBase64": "false"}),
    *broken("K2", "webhook", "The '{}' field must be a valid http or https URL",
            *each_value("webhookURL", None, "", "   ", "ftp://93.184.216.34/", "x")),
    *broken("K2", "webhook", "The '{}' field must be a string",
            *each_value("webhookURL", ["x"], {}, True, 1.5)),
    *broken("K4", "webhook", "Unknown event: message", {"webhookEvents": ["message"]}),
    *broken("K4", "webhook", "Unknown event: ALL", {"webhookEvents": ["ALL"]}),
    *broken("K4", "webhook", "Unknown event: x", {"webhookEvents": ["message.exchange", "x"]}),
    *broken("K4", "webhook", "Unknown event: ", {"webhookEvents": [""]}),
    *broken("K4", "websocket", "Unknown event: message", {"websocketEvents": ["message"]}),
    *broken("K5", "webhook", "The '{}' field must be a list of strings",
            *each_value("webhookEvents", "message.exchange", ["message.exchange", 1], {}, 1, [None],
                        [["message.exchange"]])),
    *broken("K5", "websocket", "The '{}' field must be a list of strings",
            {"websocketEvents": {}}),
    *broken("K7", "webhook", NOT_ALLOWED,
            *each_value("webhookAuthorization", "canary\r\nX-Evil: 1", "canary\n", "canary\0",
                        "canary\x7f", "canary\x85")),
    *broken("K7", "webhook", LONG.format("{}", 4096),
            *each_value("webhookAuthorization", "canary".ljust(4097, "a"), "é" * 4097)),
    *broken("K7", "webhook", "The '{}' field must be a string",
            {"webhookAuthorization": {"canary": "canary"}}),
]

SETTINGS = [
    *broken("K9", "settings", BOOLEAN, *each_value("ignoreStatus", "yes", 1, []),
            {"disableHistorySync": 0}),
    *broken("K9", "settings", LONG.format("{}", 1024),
            *each_value("callRejectMessage", "a" * 1025, "é" * 1025)),
    *broken("K9", "settings", "The '{}' field must be a string", {"callRejectMessage": [1]}),
]

PROXY = [
    *broken("K11", "proxy", "The '{}' field must be between 1 and 65535",
            *each_value("proxyPort", "0", "65536", -1, 0, 65536, "-1", "9223372036854775807")),
    *broken("K11", "proxy", "The '{}' field must be an integer",
            *each_value("proxyPort", "http", "1.5", "80 ", "0x50", "1e3", "9" * 30)),
    *broken("K11", "proxy", "The '{}' field is required", {"proxyHost": None},
            {"proxyPort": None}, {"proxyProtocol": None}),
    *broken("K12", "proxy", "The '{}' field must be one of: http, https, socks5",
            *each_value("proxyProtocol", "socks4", "SOCKS5", "socks5h", "http ", "file")),
    *broken("K13", "proxy", NOT_ALLOWED,
            *each_value("proxyHost", "a b", "http://x", "x/y", "x\r\ny", "x\0", "x@y", "x:80",
                        "x?y", "x#y", "a_b c", "[::1")),
    *broken("K14", "proxy", LONG.format("{}", 255), {"proxyUsername": "é" * 256},
            *each_value("proxyPassword", "canary".ljust(256), "é" * 256)),
    *broken("K14", "proxy", NOT_ALLOWED, *each_value("proxyPassword", "canary\0", "canary\r\n")),
    *broken("K15 host", "proxy", "URL is not allowed: loopback address" + OPERATORS,
            *each_value("proxyHost", "127.0.0.1", "[::1]", "2130706433")),
    *broken("K15 host", "proxy", "URL is not allowed: internal host name" + OPERATORS,
            *each_value("proxyHost", "localhost", "a.localhost")),
    *broken("K15 host", "proxy", "URL is not allowed: link-local address",
            {"proxyHost": "169.254.169.254"}),
    *broken("K15 host", "proxy", "URL is not allowed: unspecified address",
            {"proxyHost": "0.0.0.0"}),
]

S3 = [
    *broken("K16", "s3", "The '{}' field is required", {"s3Bucket": ""}, {"s3AccessKey": ""},
            *each_value("s3SecretKey", "", None, "  "), {"s3Endpoint": None, "s3Region": None}),
    *broken("K17", "s3", NOT_ALLOWED,
            *each_value("s3Bucket", "../x", "a/b", "..", "a\0b", "a\r\nb"),
            *each_value("s3Region", "eu\r\nX-Evil: 1", "eu\0"),
            # Without an endpoint it is a part of AWS's host.
            *({"s3Endpoint": None, "s3Region": region}
              for region in ("eu-", "-eu", "t-.", "a.b", "EU-west-1", "eu_west")),
            *each_value("s3PathPrefix", "a/../b", "../b", "a/..", "a/./b"),
            *each_value("s3SecretKey", "canary\n"), {"s3AccessKey": "canary\r"}),
    *broken("K17", "s3", "The '{}' field must be a valid http or https URL",
            *each_value("s3Endpoint", "ftp://93.184.216.34", "//93.184.216.34/", "93.184.216.34",
                        "https://93.184.216.34/?x")),
    *broken("K17", "s3", "URL is not allowed: loopback address" + OPERATORS,
            {"s3Endpoint": "http://127.0.0.1:9000"}),
    *broken("K17", "s3", "URL is not allowed: link-local address",
            {"s3Endpoint": "http://169.254.169.254"}),
    *broken("K17", "s3", "URL is not allowed: credentials in URL",
            {"s3Endpoint": "https://canary:canary@93.184.216.34"}),
]

# Found out before anybody is dialled.
CHATWOOT = [
    *broken("K15 account", "chatwoot", "The '{}' field must be between 1 and 2147483647",
            *each_value("chatwootAccountId", 0, -1, 2147483648, "0", "2147483648", 2**64 - 1)),
    *broken("K15 account", "chatwoot", "The '{}' field must be an integer",
            *each_value("chatwootAccountId", "1 OR 1", 1.5, True, [], {}, "5.0", "0x5")),
    *broken("K15 account", "chatwoot", "The '{}' field is required",
            {"chatwootAccountId": None}, {"chatwootAccountId": ""}, {"chatwootApiToken": None}),
]

TABLE = [*WEBHOOK, *SETTINGS, *PROXY, *S3, *CHATWOOT]


def row_of(case: Broken) -> Row:
    others = {field: value for block in LOADED if block != case.block
              for field, value in GOOD[block].items()}
    return Row(case.id, case.block, new(others | GOOD[case.block] | case.fields), 201,
               twin=new(GOOD[case.block]))


@pytest.mark.parametrize("case", [
    pytest.param(case, id=f"{case.id}-{case.block}-{number}", marks=pytest.mark.row(case.id))
    for number, case in enumerate(TABLE)])
def test_a_block_that_fails_leaves_the_others_alone(stage, case):
    reply = stage.show(row_of(case))
    assert "warnings" not in reply.json
    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS
    for block in {*LOADED, case.block}:
        assert instance[block] == (failed(block, case.error) if block == case.block
                                   else GROUPS[block][1])
    [listed] = stage.api.listed("?instanceName=" + instance["name"])
    assert listed[case.block] == failed(case.block, case.error)


def shown(stage, id: str, **fields) -> dict:
    """The answer, in which nothing failed."""
    reply = stage.show(Row(id, "good", new(fields), 201))
    assert not [block for block in BLOCKS if reply.json["instance"][block].get("error")]
    return reply.json


@pytest.mark.row("K3")
def test_the_other_spelling_of_the_url(stage):
    other = "https://93.184.216.35/other"
    for given in ({"webhookUrl": URL}, {"webhookUrl": other, "webhookURL": URL},
                  {"webhookURL": None, "webhookUrl": URL}):
        answer = shown(stage, "K3", webhookEnabled=True, **given)
        assert answer["instance"]["webhook"]["url"] == URL
        assert "warnings" not in answer


@pytest.mark.row("K6")
def test_repetitions(stage):
    given = ["call.update", "message.exchange", "call.update", "message.exchange"]
    answer = shown(stage, "K6", webhookEnabled=True, webhookURL=URL, webhookEvents=given)
    assert answer["instance"]["webhook"]["events"] == given[:2]


@pytest.mark.row("K8")
@pytest.mark.parametrize("switch", [{}, {"webhookEnabled": False}, {"webhookEnabled": None}],
                         ids=str)
def test_fields_of_a_block_that_is_not_switched_on(stage, switch):
    answer = shown(stage, "K8", webhookURL=URL, webhookAuthorization="canary", **switch)
    assert answer["instance"]["webhook"] == DEFAULTS["webhook"]
    assert answer["warnings"] == [
        "Fields of block 'webhook' were ignored because 'webhookEnabled' is not true"]


@pytest.mark.row("K10")
@pytest.mark.parametrize("text", ["{{7*7}} %n%s ${HOME}", "é" * 1024, "line\r\nline", "<b>&amp;",
                                  "a\0b", "\u202e\ud7ff\U0010ffff", "'; DROP TABLE instance;--",
                                  "\\u0041\\n"],
                         ids=["templates", "longest", "lines", "markup", "NUL", "edges of Unicode",
                              "SQL", "backslashes"])
def test_a_text_is_kept_letter_for_letter(stage, text):
    answer = shown(stage, "K10", callRejectMessage=text)
    name = answer["instance"]["name"]
    assert answer["instance"]["settings"]["callRejectMessage"] == text
    kept = stage.api.get("/api/instance/getSettings/" + name).json
    assert kept["settings"]["callRejectMessage"] == text


@pytest.mark.row("K11")
@pytest.mark.parametrize("port", [1080, "1080", "01080", 1, 65535])
def test_a_port_is_a_string(stage, port):
    answer = shown(stage, "K11", **GOOD["proxy"] | {"proxyPort": port})
    assert answer["instance"]["proxy"]["port"] == str(int(port))


@pytest.mark.row("K14")
@pytest.mark.parametrize("password", ["canary p@:/%?#ü", "é" * 255])
def test_a_password_of_any_letters(stage, password):
    answer = shown(stage, "K14", **GOOD["proxy"] | {"proxyPassword": password})
    assert answer["instance"]["proxy"] == GROUPS["proxy"][1]


@pytest.mark.row("K15 host")
@pytest.mark.parametrize("host", ["10.0.0.9", "[fd00::1]", "proxy.example", "127.0.0.2"])
def test_a_proxy_of_ones_own(stage, host):
    answer = shown(stage, "K15 host", **GOOD["proxy"] | {"proxyHost": host})
    assert answer["instance"]["proxy"]["host"] == host


@pytest.mark.row("K15 account")
@pytest.mark.parametrize("account", [5, "5", 2147483647])
def test_an_account_that_could_be(stage, account):
    """Good enough to ask Chatwoot, which is not there."""
    with Silent(refusing=True) as gone:
        fields = GOOD["chatwoot"] | {"chatwootAccountId": account,
                                     "chatwootBaseUrl": gone.url.replace("127.0.0.1", "127.0.0.2")}
        reply = stage.show(Row("K15 account", "5", new(fields), 201))
    assert reply.json["instance"]["chatwoot"]["error"].startswith("Chatwoot is unreachable")


@pytest.mark.row("K18")
def test_six_blocks_broken_at_once(stage):
    first = {case.block: case for case in reversed(TABLE)}
    assert set(first) == set(BLOCKS)
    fields = {}
    for case in first.values():
        fields |= GOOD[case.block] | case.fields
    reply = stage.show(Row("K18", "six", new(fields), 201))
    assert {block: reply.json["instance"][block] for block in BLOCKS} == {
        case.block: failed(case.block, case.error) for case in first.values()}


def test_the_table_over_and_over(stage):
    """The instances go again each time, and the memory stays what it is."""
    rows = [Row(case.id, case.block, new(GOOD[case.block] | case.fields), 201) for case in TABLE]

    def run(rounds: int) -> int:
        for _ in range(rounds):
            stage.throw(rows, len(rows))
            for name in stage.api.names():
                assert stage.api.delete(name).status == 200
        return stage.server.rss()

    before = run(1)
    assert run(3) - before < before * 0.05 + (1 << 20)
