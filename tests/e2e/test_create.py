"""POST /api/instance/new: what it answers, takes and refuses."""

import itertools
import re
import unicodedata
from urllib.parse import quote

import pytest
from client import assert_refused
from shapes import BLOCKS, DEFAULTS, EVENTS, GROUPS, HIDDEN, INSTANCE_KEYS, URL, failed

ADMIN_TOKEN = "an-admin-token-of-forty-visible-letters."
SERVER_ENV = {"POMBO_ADMIN_TOKEN": ADMIN_TOKEN,
              "POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000"}

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

BAD_NAME = ("The 'name' field may only contain letters, digits, spaces and - _ . "
            "(1 to 100 characters)")
BAD_TOKEN = "The 'token' field must be 8 to 128 visible ASCII characters"
TAKEN = "Instance or token already exists"


def ignored(block, switch):
    return f"Fields of block '{block}' were ignored because '{switch}' is not true"


# The answer -----------------------------------------------------------------------------------


def test_a_name_is_enough(api, fresh):
    name = fresh()
    reply = api.create(name)
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(reply.json) == {"success", "message", "instance"}
    assert (reply.json["success"], reply.json["message"]) == (True, "Instance created")

    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS
    assert instance["name"] == name
    assert (instance["status"], instance["numberJid"]) == ("disconnected", None)
    assert UUID7.fullmatch(instance["id"])
    assert UUID4.fullmatch(instance["token"])
    assert TIME.fullmatch(instance["createdAt"])
    assert instance["updatedAt"] == instance["createdAt"]
    assert {block: instance[block] for block in BLOCKS} == DEFAULTS


SUBSETS = [chosen for count in range(1, 7) for chosen in itertools.combinations(GROUPS, count)]


@pytest.mark.parametrize("chosen", SUBSETS, ids="+".join)
def test_each_group_of_fields_configures_its_block_and_no_other(api, fresh, chosen):
    fields = {key: value for group in chosen for key, value in GROUPS[group][0].items()}
    reply = api.create(fresh(), **fields)
    assert reply.status == 201
    assert set(reply.json) == {"success", "message", "instance"}
    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS
    for block in BLOCKS:
        expected = GROUPS[block][1] if block in chosen else DEFAULTS[block]
        assert instance[block] == expected
    for secret in HIDDEN:
        assert secret.encode() not in reply.raw


def test_what_the_answer_shows_is_what_the_list_shows(api, fresh):
    name = fresh()
    everything = {key: value for fields, _ in GROUPS.values() for key, value in fields.items()}
    instance = api.created(name, **everything)
    [listed] = api.listed("?instanceName=" + name)
    assert {key: listed[key] for key in INSTANCE_KEYS} == instance


def test_a_token_of_ones_own(api, fresh):
    token = "my-own/token~!" + fresh()
    instance = api.created(fresh(), token=token)
    assert instance["token"] == token
    [seen] = api.as_(token).listed()
    assert seen["id"] == instance["id"]


@pytest.mark.parametrize("token", ["", None])
def test_an_empty_token_is_none_at_all(api, fresh, token):
    assert UUID4.fullmatch(api.created(fresh(), token=token)["token"])


@pytest.mark.parametrize("length", [8, 128])
def test_tokens_of_every_length_allowed(api, fresh, length):
    token = fresh("t").ljust(length, "~")
    assert api.created(fresh(), token=token)["token"] == token


@pytest.mark.parametrize("connector", ["whatsapp", "", None])
def test_the_default_connector_is_not_shown(api, fresh, connector):
    assert set(api.created(fresh(), connector=connector)) == INSTANCE_KEYS


# Names ----------------------------------------------------------------------------------------

GOOD_NAMES = {
    "one letter": "a", "a hundred wide letters": "𠀀" * 100, "accents": "Ação 3",
    "Japanese": "日本語", "a Cyrillic look-alike": "Shоp", "new": "new", "list": "list",
    "null": "null", "admin": "admin", "inner signs": "a.b-c_d e", "edges": "-a_", "digits": "123",
    "Arabic digits": "١٢٣", "combining marks": "นี้",
}


@pytest.mark.parametrize("name", GOOD_NAMES.values(), ids=GOOD_NAMES.keys())
def test_good_names_are_reachable_by_path(api, name):
    assert api.created(name)["name"] == name
    assert api.listed("?instanceName=" + quote(name))[0]["name"] == name
    assert api.delete(quote(name, safe="")).status == 200


BAD_NAMES = {
    "101 letters": "a" * 101, "a million letters": "a" * 1_000_000,
    "a path": "../../etc/passwd", "slash": "a/b", "backslash": "a\\b", "dot": ".", "dots": "..",
    "dot at the end": "a.", "dot at the start": ".a", "space at the start": " a",
    "space at the end": "a ", "encoded dots": "%2e%2e", "question mark": "a?b", "hash": "a#b",
    "SQL": "'; DROP TABLE instance;--", "CR": "a\rb", "LF": "a\nb", "tab": "a\tb", "ESC": "a\x1bb",
    "NUL": "a\0b", "right-to-left override": "a\u202eb", "zero-width joiner": "a\u200db",
    "emoji": "a😀", "comma": "a,b", "no-break space": "a\u00a0b", "superscript digit": "a²",
    "Roman numeral": "aⅫ", "private use": "a\ue000", "unassigned": "a\u0378",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_bad_names(api, name, writes_nothing):
    assert_refused(api.create(name), 400, BAD_NAME)


@pytest.mark.parametrize("fields", [{}, {"name": None}, {"name": ""}, {"name": "   "}], ids=str)
def test_a_name_is_required(api, fields, writes_nothing):
    assert_refused(api.create(**fields), 400, "The 'name' field is required")


@pytest.mark.parametrize("field", ["name", "token", "connector"])
@pytest.mark.parametrize("value", [5, 1.5, True, ["abcdefgh"], {"a": "b"}], ids=str)
def test_names_tokens_and_connectors_are_strings(api, fresh, field, value, writes_nothing):
    reply = api.create(**({"name": fresh()} | {field: value}))
    assert_refused(reply, 400, f"The '{field}' field must be a string")


def test_case_tells_names_apart(api, fresh):
    name = fresh("case")
    api.created(name)
    api.created(name.upper())


@pytest.mark.parametrize("first, second", [("NFC", "NFD"), ("NFD", "NFC")])
def test_two_spellings_of_one_name_are_one_name(api, fresh, first, second):
    name = fresh("é")
    instance = api.created(unicodedata.normalize(first, name))
    assert instance["name"] == unicodedata.normalize("NFC", name)
    assert_refused(api.create(unicodedata.normalize(second, name)), 409, TAKEN)


def test_letters_are_counted_after_composition(api):
    name = "é" * 100
    assert api.created(unicodedata.normalize("NFD", name))["name"] == name


# What is refused ------------------------------------------------------------------------------

BAD_TOKENS = {"seven": "1234567", "129": "a" * 129, "a space": "with a space",
              "CR LF": "abcdefgh\r\n", "not ASCII": "abcdefghé", "DEL": "abcdefgh\x7f",
              "NUL": "abcdefgh\0"}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_bad_tokens(api, fresh, token, writes_nothing):
    assert_refused(api.create(fresh(), token=token), 400, BAD_TOKEN)


@pytest.mark.parametrize("connector", ["telegram", "simulator", "cloudapi", "webhook", "Whatsapp"])
def test_connectors_that_are_not_there(api, fresh, connector, writes_nothing):
    assert_refused(api.create(fresh(), connector=connector), 400,
                   f"Connector is not available: {connector}")


def test_a_body_that_is_no_json(api, writes_nothing):
    assert_refused(api.call("POST", "/api/instance/new", b'{"name":'), 400, "Invalid request body")


@pytest.mark.parametrize("who", ["nobody", "a stranger", "an instance", "the admin"])
def test_only_accounts_create(api, fresh, who):
    token = {"nobody": lambda: None, "a stranger": lambda: "pmb_" + "x" * 43,
             "an instance": lambda: api.created(fresh())["token"],
             "the admin": lambda: ADMIN_TOKEN}[who]()
    before = api.names()
    reply = api.as_(token).create(fresh())
    assert_refused(reply, 401, "Invalid token")
    assert not reply.limit_headers
    assert api.names() == before


def test_a_full_account(new_account, fresh, rows):
    full = new_account(quota=1)
    full.created(fresh())
    before = rows.counts()
    assert_refused(full.create(fresh()), 403, "Account instance quota exceeded")
    assert rows.counts() == before


def test_a_quota_of_nothing(new_account, fresh):
    assert_refused(new_account(quota=0).create(fresh()), 403, "Account instance quota exceeded")


def test_a_name_in_use(api, new_account, fresh, rows):
    name = fresh()
    api.created(name)
    before = rows.counts()
    assert_refused(api.create(name), 409, TAKEN)
    assert rows.counts() == before
    assert new_account().created(name)["name"] == name


@pytest.mark.parametrize("owner", ["the same account", "another account"])
def test_the_token_of_another_instance(api, new_account, fresh, owner):
    token = (api if owner == "the same account" else new_account()).created(fresh())["token"]
    assert_refused(api.create(fresh(), token=token), 409, TAKEN)


def test_the_token_of_an_account(api, new_account, fresh, server):
    assert_refused(api.create(fresh(), token=api.token), 409, TAKEN)
    assert_refused(api.create(fresh(), token=new_account().token), 409, TAKEN)
    # One that was replaced but is still good is somebody's too.
    name = fresh("rotated")
    old = server.account(name)
    server.run("account", "rotate", name, "--grace", "3600")
    assert_refused(api.create(fresh(), token=old), 409, TAKEN)


def test_fields_are_checked_before_the_quota_and_the_quota_before_the_name(new_account, fresh):
    account = new_account(quota=1)
    name = fresh()
    token = account.created(name)["token"]
    assert_refused(account.create("a/b"), 400, BAD_NAME)
    assert_refused(account.create(fresh(), token="short"), 400, BAD_TOKEN)
    assert_refused(account.create(fresh(), connector="telegram"), 400,
                   "Connector is not available: telegram")
    assert_refused(account.create(name), 403, "Account instance quota exceeded")
    assert_refused(account.create(fresh(), token=token), 403, "Account instance quota exceeded")


@pytest.mark.parametrize("table", ["instance", "block_row"])
def test_a_storage_that_fails_leaves_nothing_behind(api, fresh, server, rows, table):
    name, before = fresh(), rows.counts()
    with server.store.refusing("INSERT", table):
        reply = api.create(name, **GROUPS["webhook"][0])
    assert_refused(reply, 500, "Failed to create instance")
    assert rows.counts() == before
    assert api.created(name, **GROUPS["webhook"][0])["webhook"] == GROUPS["webhook"][1]


# Warnings -------------------------------------------------------------------------------------


def test_unknown_fields_are_ignored_and_named(api, fresh):
    unknown = ["foo", "id", "status", "createdAt", "numberJid", "quota", "isAdmin", "__proto__",
               "constructor", "webhookFoo", "websocketfoo"]
    plain = api.created(fresh())
    reply = api.create(fresh(), **dict.fromkeys(unknown, "connected"))
    assert reply.status == 201
    assert set(reply.json) == {"success", "message", "instance", "warnings"}
    assert sorted(reply.json["warnings"]) == sorted(
        f"Unknown field '{name}' was ignored" for name in unknown)
    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS
    same = INSTANCE_KEYS - {"id", "name", "token", "createdAt", "updatedAt"}
    assert {key: instance[key] for key in same} == {key: plain[key] for key in same}
    assert UUID7.fullmatch(instance["id"])


IGNORED = {
    "webhook": {"webhookURL": URL},
    "websocket": {"websocketMediaBase64": True},
    "proxy": {"proxyHost": "10.0.0.9"},
    "chatwoot": {"chatwootApiToken": "x"},
    "s3": {"s3Bucket": "b"},
}


@pytest.mark.parametrize("switch", [{}, False, None], ids=["absent", "false", "null"])
@pytest.mark.parametrize("block", IGNORED)
def test_fields_of_a_block_that_is_not_switched_on(api, fresh, rows, block, switch):
    fields = dict(IGNORED[block])
    if switch != {}:
        fields[block + "Enabled"] = switch
    reply = api.create(fresh(), **fields)
    assert reply.status == 201
    assert reply.json["warnings"] == [ignored(block, block + "Enabled")]
    assert reply.json["instance"][block] == DEFAULTS[block]
    assert rows.query("SELECT count(*) FROM block_row WHERE instance_id = ?",
                      reply.json["instance"]["id"]) == [(0,)]


@pytest.mark.parametrize("block", IGNORED)
def test_a_switch_that_is_off_is_no_reason_to_warn(api, fresh, block):
    reply = api.create(fresh(), **{block + "Enabled": False})
    assert reply.status == 201
    assert "warnings" not in reply.json


# Blocks that fail -----------------------------------------------------------------------------

ON = {"webhookEnabled": True, "webhookURL": URL}
BAD_URL = "The 'webhookURL' field must be a valid http or https URL"

PROXY, S3 = GROUPS["proxy"][0], GROUPS["s3"][0]
BAD_CHARACTERS = "The '{}' field contains characters that are not allowed"
OPERATORS = " (operators: egress.allow)"

PROXY_FAILURES = [
    ({"proxyEnabled": "true"}, "The 'proxyEnabled' field must be a boolean"),
    *(({field: None}, f"The '{field}' field is required")
      for field in ("proxyHost", "proxyPort", "proxyProtocol")),
    *(({"proxyPort": port}, "The 'proxyPort' field must be between 1 and 65535")
      for port in ("0", "65536", -1)),
    ({"proxyPort": "http"}, "The 'proxyPort' field must be an integer"),
    *(({"proxyProtocol": protocol},
       "The 'proxyProtocol' field must be one of: http, https, socks5")
      for protocol in ("socks4", "SOCKS5")),
    *(({"proxyHost": host}, BAD_CHARACTERS.format("proxyHost"))
      for host in ("a b", "http://x", "x/y", "x\r\ny")),
    *(({field: "é" * 256}, f"The '{field}' field must be at most 255 characters")
      for field in ("proxyUsername", "proxyPassword")),
    ({"proxyPassword": "a\0b"}, BAD_CHARACTERS.format("proxyPassword")),
    ({"proxyHost": "127.0.0.1"}, "URL is not allowed: loopback address" + OPERATORS),
    ({"proxyHost": "localhost"}, "URL is not allowed: internal host name" + OPERATORS),
    ({"proxyHost": "169.254.169.254"}, "URL is not allowed: link-local address"),
    ({"proxyHost": "0.0.0.0"}, "URL is not allowed: unspecified address"),
]

S3_FAILURES = [
    ({"s3Enabled": 1}, "The 's3Enabled' field must be a boolean"),
    *(({field: ""}, f"The '{field}' field is required")
      for field in ("s3Bucket", "s3AccessKey", "s3SecretKey")),
    ({"s3Region": None, "s3Endpoint": None}, "The 's3Region' field is required"),
    *(({"s3Bucket": bucket}, BAD_CHARACTERS.format("s3Bucket")) for bucket in ("../x", "a/b")),
    ({"s3Region": "eu\r\nX-Evil: 1"}, BAD_CHARACTERS.format("s3Region")),
    ({"s3SecretKey": "a\nb"}, BAD_CHARACTERS.format("s3SecretKey")),
    *(({"s3PathPrefix": prefix}, BAD_CHARACTERS.format("s3PathPrefix"))
      for prefix in ("a/../b", "a/./b")),
    *(({"s3Endpoint": endpoint}, "The 's3Endpoint' field must be a valid http or https URL")
      for endpoint in ("ftp://93.184.216.34", "//93.184.216.34/", "93.184.216.34",
                       "https://93.184.216.34/?x")),
    ({"s3Endpoint": "http://127.0.0.1:9000"}, "URL is not allowed: loopback address" + OPERATORS),
    ({"s3Endpoint": "http://169.254.169.254"}, "URL is not allowed: link-local address"),
    ({"s3Endpoint": "https://u:p@93.184.216.34"}, "URL is not allowed: credentials in URL"),
]

FAILURES = [
    ("webhook", {"webhookEnabled": "true", "webhookURL": URL},
     "The 'webhookEnabled' field must be a boolean"),
    ("webhook", {"webhookEnabled": 1, "webhookURL": URL},
     "The 'webhookEnabled' field must be a boolean"),
    ("websocket", {"websocketEnabled": []}, "The 'websocketEnabled' field must be a boolean"),
    ("webhook", {"webhookEnabled": True}, BAD_URL),
    ("webhook", {"webhookEnabled": True, "webhookURL": None}, BAD_URL),
    ("webhook", {"webhookEnabled": True, "webhookURL": ""}, BAD_URL),
    ("webhook", {"webhookEnabled": True, "webhookURL": "   "}, BAD_URL),
    ("webhook", ON | {"webhookURL": ["x"]}, "The 'webhookURL' field must be a string"),
    ("webhook", ON | {"webhookEvents": ["message"]}, "Unknown event: message"),
    ("webhook", ON | {"webhookEvents": ["ALL"]}, "Unknown event: ALL"),
    ("webhook", ON | {"webhookEvents": ["message.exchange", "x"]}, "Unknown event: x"),
    ("webhook", ON | {"webhookEvents": "message.exchange"},
     "The 'webhookEvents' field must be a list of strings"),
    ("webhook", ON | {"webhookEvents": ["message.exchange", 1]},
     "The 'webhookEvents' field must be a list of strings"),
    ("webhook", ON | {"webhookAuthorization": "a\r\nX-Evil: 1"},
     "The 'webhookAuthorization' field contains characters that are not allowed"),
    ("webhook", ON | {"webhookAuthorization": "a" * 4097},
     "The 'webhookAuthorization' field must be at most 4096 characters"),
    ("webhook", ON | {"webhookAuthorization": {"a": "b"}},
     "The 'webhookAuthorization' field must be a string"),
    ("webhook", ON | {"webhookByEvents": "yes"}, "The 'webhookByEvents' field must be a boolean"),
    ("webhook", ON | {"webhookMediaBase64": 0}, "The 'webhookMediaBase64' field must be a boolean"),
    ("websocket", {"websocketEnabled": True, "websocketEvents": ["message"]},
     "Unknown event: message"),
    ("websocket", {"websocketEnabled": True, "websocketEvents": {}},
     "The 'websocketEvents' field must be a list of strings"),
    ("websocket", {"websocketEnabled": True, "websocketMediaBase64": "false"},
     "The 'websocketMediaBase64' field must be a boolean"),
    ("settings", {"ignoreStatus": "yes"}, "The 'ignoreStatus' field must be a boolean"),
    ("settings", {"autoRejectCalls": True, "callRejectMessage": "a" * 1025},
     "The 'callRejectMessage' field must be at most 1024 characters"),
    ("settings", {"callRejectMessage": [1]}, "The 'callRejectMessage' field must be a string"),
    ("settings", {"disableHistorySync": 0}, "The 'disableHistorySync' field must be a boolean"),
    *(("proxy", PROXY | fields, message) for fields, message in PROXY_FAILURES),
    *(("s3", S3 | fields, message) for fields, message in S3_FAILURES),
]
LOADED = ("proxy", "webhook", "websocket", "settings", "s3")


@pytest.mark.parametrize("block, fields, message", FAILURES,
                         ids=[f"{block}-{n}" for n, (block, *_) in enumerate(FAILURES)])
def test_a_block_that_fails_leaves_the_others_alone(api, fresh, block, fields, message):
    others = {key: value for group in LOADED if group != block
              for key, value in GROUPS[group][0].items()}
    name = fresh()
    reply = api.create(name, **others, **fields)
    assert reply.status == 201
    assert "warnings" not in reply.json
    instance = reply.json["instance"]
    assert set(instance) == INSTANCE_KEYS
    for each in LOADED:
        assert instance[each] == (failed(each, message) if each == block else GROUPS[each][1])
    [listed] = api.listed("?instanceName=" + name)
    assert listed[block] == failed(block, message)


def test_every_block_may_fail_at_once(api, fresh):
    instance = api.created(fresh(), webhookEnabled=True, websocketEnabled=1, ignoreStatus=1,
                           proxyEnabled=True, s3Enabled=True, chatwootEnabled=True)
    assert [instance[block]["status"] for block in BLOCKS] == ["error"] * 6


# Values ---------------------------------------------------------------------------------------


def test_the_other_spelling_of_the_url(api, fresh):
    other = "https://93.184.216.35/other"
    assert api.created(fresh(), webhookEnabled=True, webhookUrl=URL)["webhook"]["url"] == URL
    both = api.create(fresh(), webhookEnabled=True, webhookURL=URL, webhookUrl=other)
    assert both.json["instance"]["webhook"]["url"] == URL
    assert "warnings" not in both.json


@pytest.mark.parametrize("block", ["webhook", "websocket"])
@pytest.mark.parametrize("given, kept", [
    (["call.update", "message.exchange", "call.update"], ["call.update", "message.exchange"]),
    (EVENTS, EVENTS), ([], []), (None, []),
], ids=["repeated", "all", "empty", "null"])
def test_events(api, fresh, block, given, kept):
    fields = {block + "Enabled": True, block + "Events": given}
    if block == "webhook":
        fields["webhookURL"] = URL
    assert api.created(fresh(), **fields)[block]["events"] == kept


@pytest.mark.parametrize("text", ["{{7*7}} %n%s ${HOME}", "é" * 1024, "line\nline", "<b>&amp;"],
                         ids=["templates", "longest", "two lines", "markup"])
def test_a_text_is_kept_letter_for_letter(api, fresh, text):
    assert api.created(fresh(), callRejectMessage=text)["settings"]["callRejectMessage"] == text


@pytest.mark.parametrize("field", DEFAULTS["settings"])
def test_one_setting_changes_one_setting(api, fresh, field):
    default = DEFAULTS["settings"][field]
    value = "Bye" if default == "" else not default
    assert api.created(fresh(), **{field: value})["settings"] == \
        DEFAULTS["settings"] | {field: value}


@pytest.mark.parametrize("field", DEFAULTS["settings"])
def test_a_setting_that_is_null_is_the_default(api, fresh, field):
    assert api.created(fresh(), **{field: None})["settings"] == DEFAULTS["settings"]


def test_an_authorization_of_the_longest_kind(api, fresh):
    webhook = api.created(fresh(), **ON, webhookAuthorization="é" * 4096)["webhook"]
    assert webhook == {"enabled": True, "url": URL, "events": []}
