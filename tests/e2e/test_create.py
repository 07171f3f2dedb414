"""POST /api/instance/new: what it answers, takes and refuses. More of this is in bad_inputs."""

import itertools
import re
import unicodedata

import pytest
from client import assert_refused
from shapes import BLOCKS, DEFAULTS, EVENTS, GROUPS, HIDDEN, INSTANCE_KEYS, URL

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


@pytest.mark.parametrize("length", [8, 128])
def test_tokens_of_every_length_allowed(api, fresh, length):
    token = fresh("t").ljust(length, "~")
    assert api.created(fresh(), token=token)["token"] == token


@pytest.mark.parametrize("connector", ["whatsapp", "", None])
def test_the_default_connector_is_not_shown(api, fresh, connector):
    assert set(api.created(fresh(), connector=connector)) == INSTANCE_KEYS


# Names ----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("connector", ["telegram", "cloudapi", "webhook", "Whatsapp"])
def test_connectors_that_are_not_there(api, fresh, connector, writes_nothing):
    assert_refused(api.create(fresh(), connector=connector), 400,
                   f"Connector is not available: {connector}")


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


def test_the_token_of_an_account(api, new_account, fresh, server):
    assert_refused(api.create(fresh(), token=api.token), 409, TAKEN)
    assert_refused(api.create(fresh(), token=new_account().token), 409, TAKEN)
    # One that was replaced but is still good is somebody's too.
    name = fresh("rotated")
    old = server.account(name)
    server.run("account", "rotate", name, "--grace", "3600")
    assert_refused(api.create(fresh(), token=old), 409, TAKEN)


@pytest.mark.row("Q4")
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


# Values ---------------------------------------------------------------------------------------

ON = {"webhookEnabled": True, "webhookURL": URL}


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
