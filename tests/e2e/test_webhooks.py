"""POST /api/events/webhook/:instance and the two ways to read what it did."""

import base64
import re
import threading
from http.client import HTTPException

import pytest
from client import Api, assert_refused, together
from pombo_server import Server
from shapes import DEFAULTS, EVENTS, URL

NO_URL = "The 'url' field must be a valid http or https URL"
LOOPBACK = "URL is not allowed: loopback address (operators: egress.allow)"
FOURTH = "Maximum of 3 enabled webhooks per instance"
ON = {"enabled": True, "url": URL}
KEYS = ["label", "enabled", "url", "authorization", "byEvents", "events", "mediaBase64", "secret"]
CLEARED = {"enabled": False, "url": None, "authorization": None, "byEvents": False, "events": [],
           "mediaBase64": False}


@pytest.fixture
def shop(api, fresh):
    name = fresh()
    api.created(name)
    return name


def post(api, name, **fields):
    return api.call("POST", "/api/events/webhook/" + name, fields)


def configured(api, name, **fields):
    reply = post(api, name, **fields)
    assert reply.status == 200, reply
    assert set(reply.json) == {"success", "message", "webhook"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "Webhook configured successfully")
    assert list(reply.json["webhook"]) == KEYS
    return reply.json["webhook"]


def read(api, name):
    reply = api.get("/api/events/getWebhook/" + name)
    assert reply.status == 200, reply
    assert set(reply.json) == {"success", "message", "webhooks"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "Webhooks retrieved successfully")
    assert api.get("/api/events/webhook/" + name).raw == reply.raw
    return reply.json["webhooks"]


def read_one(api, name, label):
    reply = api.get(f"/api/events/getWebhook/{name}?label={label}")
    assert reply.status == 200, reply
    assert set(reply.json) == {"success", "message", "webhook"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "Webhook retrieved successfully")
    assert api.get(f"/api/events/webhook/{name}?label={label}").raw == reply.raw
    return reply.json["webhook"]


def in_list(api, name):
    [listed] = api.listed("?instanceName=" + name)
    return listed["webhook"]


# What is kept ---------------------------------------------------------------------------------


def test_all_of_it(api, shop, server):
    given = ON | {"authorization": "Bearer k-123", "byEvents": True, "mediaBase64": True,
                  "events": ["message.exchange", "call.update"]}
    row = configured(api, shop, **given)
    assert row == {"label": "default"} | given | {"secret": row["secret"]}
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", row["secret"])
    assert len(base64.b64decode(row["secret"].removeprefix("whsec_"), validate=True)) == 32
    server.kill()
    server.start()
    assert read(api, shop) == [row]
    assert read_one(api, shop, "default") == row
    assert in_list(api, shop) == {"enabled": True, "url": URL, "events": given["events"]}


def test_as_little_as_there_can_be(api, shop):
    row = configured(api, shop, **ON)
    assert row == CLEARED | {"label": "default", "enabled": True, "url": URL,
                             "secret": row["secret"]}


def test_none_yet(api, shop):
    assert read(api, shop) == []
    assert_refused(api.get(f"/api/events/getWebhook/{shop}?label=default"), 404,
                   "Webhook not found")


def test_the_inline_webhook_is_the_one_labelled_default(api, fresh):
    name = fresh()
    shown = api.created(name, webhookEnabled=True, webhookURL=URL, webhookByEvents=True,
                        webhookAuthorization="Bearer x", webhookEvents=["call.update"])["webhook"]
    [row] = read(api, name)
    assert row == ON | {"label": "default", "authorization": "Bearer x", "byEvents": True,
                        "events": ["call.update"], "mediaBase64": False, "secret": row["secret"]}
    configured(api, name, label="crm", **ON | {"url": URL + "/crm"})
    assert in_list(api, name) == shown
    changed = configured(api, name, **ON | {"url": URL + "/2"})
    assert changed["secret"] == row["secret"]
    assert in_list(api, name) == {"enabled": True, "url": URL + "/2", "events": []}
    configured(api, name, enabled=False)
    assert in_list(api, name) == DEFAULTS["webhook"]


def test_it_is_replaced_and_not_merged(api, shop):
    first = configured(api, shop, label="crm", authorization="Bearer x", byEvents=True,
                       events=["call.update"], mediaBase64=True, **ON)
    second = configured(api, shop, label="crm", **ON | {"url": URL + "/2"})
    assert second == CLEARED | {"label": "crm", "enabled": True, "url": URL + "/2",
                                "secret": first["secret"]}
    assert read(api, shop) == [second]


def test_disabled_it_keeps_its_label_and_its_secret(api, shop):
    first = configured(api, shop, label="crm", authorization="Bearer x", byEvents=True, **ON)
    off = configured(api, shop, label="crm", **ON | {"enabled": False}, authorization="Bearer y",
                     byEvents=True, mediaBase64=True, events=["call.update"])
    assert off == CLEARED | {"label": "crm", "secret": first["secret"]}
    assert read(api, shop) == [off]
    assert configured(api, shop, label="crm", **ON)["secret"] == first["secret"]


def test_a_label_may_begin_disabled(api, shop):
    row = configured(api, shop, label="crm", enabled=False)
    assert row == CLEARED | {"label": "crm", "secret": row["secret"]}
    assert read(api, shop) == [row]


def test_sorted_by_label(api, shop):
    labels = ["b", "default", "a", "é", "B"]
    rows = [configured(api, shop, label=label, enabled=False) for label in labels]
    assert read(api, shop) == sorted(rows, key=lambda row: row["label"])


@pytest.mark.parametrize("given, label", [
    ({}, "default"), ({"label": ""}, "default"), ({"label": None}, "default"),
    ({"label": "é" * 64}, "é" * 64), ({"label": "a/b?c&d='\"\\ 1."}, "a/b?c&d='\"\\ 1."),
    ({"label": " "}, " "), ({"label": 7}, "7"), ({"label": "secret"}, "secret"),
])
def test_labels(api, shop, given, label):
    row = configured(api, shop, **ON | given)
    assert row["label"] == label
    quoted = "".join(f"%{byte:02x}" for byte in label.encode())
    assert read_one(api, shop, quoted) == row


def test_no_label_and_an_empty_one_when_reading(api, shop):
    row = configured(api, shop, **ON)
    configured(api, shop, label="crm", **ON)
    for spelling in ("?label=", "?label", "?label=default", "?x=y&label="):
        reply = api.get(f"/api/events/getWebhook/{shop}{spelling}")
        assert reply.json["webhook"] == row
    assert len(read(api, shop)) == 2
    for unknown in ("Default", "crm%20", "%ff"):
        assert_refused(api.get(f"/api/events/getWebhook/{shop}?label={unknown}"), 404,
                       "Webhook not found")
    assert_refused(api.get(f"/api/events/getWebhook/{shop}?label={'a' * 65}"), 400,
                   "The 'label' field must be at most 64 characters")


def test_without_a_name_an_instances_own_token_says_which(api, fresh):
    name = fresh()
    own = api.as_(api.created(name)["token"])
    for path in ("/api/events/webhook", "/api/events/webhook/"):
        row = own.call("POST", path, ON | {"label": "crm"}).json["webhook"]
        assert read(own, name) == [row]
    assert_refused(api.call("POST", "/api/events/webhook", ON), 400, "Instance name is required")


def test_repetitions_and_nulls(api, shop):
    row = configured(api, shop, **ON, events=[*reversed(EVENTS), *EVENTS], authorization="",
                     byEvents=None, mediaBase64=None, rotateSecret=None)
    assert row["events"] == EVENTS[::-1]
    assert (row["authorization"], row["byEvents"], row["mediaBase64"]) == (None, False, False)


def test_an_instance_that_is_deleted_takes_them_along(api, fresh, rows):
    name = fresh()
    instance = api.created(name, webhookEnabled=True, webhookURL=URL)
    secret = configured(api, name, **ON)["secret"]
    configured(api, name, label="crm", **ON)
    kept = "SELECT count(*) FROM block_row WHERE instance_id = ?"
    assert rows.query(kept, instance["id"]) == [(1,)]
    assert api.delete(name).status == 200
    assert rows.query(kept, instance["id"]) == [(0,)]
    api.created(name)
    assert read(api, name) == []
    assert configured(api, name, **ON)["secret"] != secret


def test_what_went_wrong_at_creation_is_put_right(api, fresh):
    name = fresh()
    assert api.created(name, webhookEnabled=True)["webhook"]["status"] == "error"
    assert read(api, name) == []
    configured(api, name, **ON)
    assert in_list(api, name) == {"enabled": True, "url": URL, "events": []}


# What is refused ------------------------------------------------------------------------------

REFUSED = [
    ({"enabled": True}, NO_URL),
    ({"enabled": True, "url": None}, NO_URL),
    ({"enabled": True, "url": ""}, NO_URL),
    ({"enabled": True, "url": "  "}, NO_URL),
    (ON | {"url": "ftp://93.184.216.34/"}, NO_URL),
    (ON | {"url": ["x"]}, "The 'url' field must be a string"),
    (ON | {"url": URL.ljust(2049, "a")}, "The 'url' field must be at most 2048 characters"),
    (ON | {"url": "http://127.0.0.1/"}, LOOPBACK),
    (ON | {"url": "https://user:pass@93.184.216.34/"}, "URL is not allowed: credentials in URL"),
    (ON | {"webhookURL": URL, "url": None}, NO_URL),
    (ON | {"label": "a" * 65}, "The 'label' field must be at most 64 characters"),
    (ON | {"label": "a\nb"}, "The 'label' field contains characters that are not allowed"),
    (ON | {"label": ["a"]}, "The 'label' field must be a string"),
    (ON | {"authorization": "a\r\nX: 1"},
     "The 'authorization' field contains characters that are not allowed"),
    (ON | {"authorization": "a" * 4097},
     "The 'authorization' field must be at most 4096 characters"),
    (ON | {"authorization": {}}, "The 'authorization' field must be a string"),
    (ON | {"byEvents": "yes"}, "The 'byEvents' field must be a boolean"),
    (ON | {"mediaBase64": 1}, "The 'mediaBase64' field must be a boolean"),
    (ON | {"rotateSecret": "true"}, "The 'rotateSecret' field must be a boolean"),
    (ON | {"events": "ALL"}, "The 'events' field must be a list of strings"),
    (ON | {"events": [1]}, "The 'events' field must be a list of strings"),
    (ON | {"events": ["message.exchange", "ALL"]}, "Unknown event: ALL"),
    ({"enabled": False, "events": ["x"]}, "Unknown event: x"),
    # Types, then the URL, then events, then whether it may be dialled.
    ({"enabled": True, "url": "x", "events": 1}, "The 'events' field must be a list of strings"),
    ({"enabled": True, "url": "x", "events": ["x"]}, NO_URL),
    ({"enabled": True, "events": ["x"]}, NO_URL),
    ({"enabled": True, "url": "http://127.0.0.1/", "events": ["x"]}, "Unknown event: x"),
]


@pytest.mark.parametrize("fields, refusal", REFUSED)
def test_what_is_refused_is_not_kept(api, shop, writes_nothing, fields, refusal):
    assert_refused(post(api, shop, **fields), 400, refusal)
    assert read(api, shop) == []


def test_a_url_that_is_refused_leaves_the_one_before(api, shop):
    row = configured(api, shop, **ON, authorization="Bearer x")
    assert_refused(post(api, shop, enabled=True, url="http://127.0.0.1/"), 400, LOOPBACK)
    assert read(api, shop) == [row]


def test_a_url_counts_only_while_it_is_enabled(api, shop):
    for url in ("no url", "http://127.0.0.1/", None):
        assert configured(api, shop, enabled=False, url=url)["url"] is None


# How many -------------------------------------------------------------------------------------


def test_the_fourth_that_is_enabled(api, fresh):
    name = fresh()
    api.created(name, webhookEnabled=True, webhookURL=URL)
    for label in ("b", "c"):
        configured(api, name, label=label, **ON)
    assert_refused(post(api, name, label="d", **ON), 400, FOURTH)
    # Whether it may be dialled is said before how many there are.
    assert_refused(post(api, name, label="d", enabled=True, url="http://[::1]/"), 400, LOOPBACK)
    configured(api, name, label="d", enabled=False)
    assert_refused(post(api, name, label="d", **ON), 400, FOURTH)
    configured(api, name, label="c", **ON, byEvents=True)
    configured(api, name, enabled=False)
    configured(api, name, label="d", **ON)
    assert_refused(post(api, name, **ON), 400, FOURTH)
    assert [row["label"] for row in read(api, name) if row["enabled"]] == ["b", "c", "d"]


def test_twenty_rows(api, shop):
    for number in range(20):
        configured(api, shop, label=f"{number:02}", enabled=False)
    assert_refused(post(api, shop, label="20", enabled=False), 400,
                   "Maximum of 20 webhooks per instance")
    configured(api, shop, label="07", **ON)
    assert len(read(api, shop)) == 20


def test_64_at_once_never_leave_more_than_three(api, shop):
    def enable(number):
        return post(api, shop, label=f"l{number}", **ON | {"url": f"{URL}/{number}"})

    replies = together(64, enable)
    kept = [reply.json["webhook"] for reply in replies if reply.status == 200]
    for reply in replies:
        if reply.status != 200:
            assert_refused(reply, 400, FOURTH)
    assert len(kept) == 3
    assert read(api, shop) == sorted(kept, key=lambda row: row["label"])


def test_changes_at_once_of_different_labels_are_all_kept(api, shop):
    rows = together(20, lambda number: configured(api, shop, label=f"{number:02}", enabled=False))
    assert read(api, shop) == rows


def test_changes_at_once_of_one_label_leave_one_of_them_whole(api, shop):
    secret = configured(api, shop, **ON)["secret"]
    rows = together(32, lambda number: configured(
        api, shop, enabled=True, url=f"{URL}/{number}", authorization=f"Bearer {number}"))
    [row] = read(api, shop)
    assert row in rows
    assert {each["secret"] for each in rows} == {secret}
    assert row["url"].rsplit("/", 1)[1] == row["authorization"].split()[1]


def test_what_is_configured_is_read_while_a_change_waits_for_the_disk(api, shop, server):
    configured(api, shop, enabled=True, url=URL)
    with server.store.busy() as let_go:
        change = threading.Thread(target=configured, args=(api, shop),
                                  kwargs={"enabled": True, "url": URL + "/2"})
        change.start()
        seen = [read_one(api, shop, "default")["url"] for _ in range(50)]
        let_go()
        change.join()
    assert seen == [URL] * 50
    assert read_one(api, shop, "default")["url"] == URL + "/2"


@pytest.mark.parametrize("answered", range(1, 7))
def test_a_server_that_is_killed_leaves_one_change_whole(api, shop, server, answered):
    """A credential must never meet the address that another change has brought."""
    done: list[int] = []
    enough = threading.Event()

    def change():
        try:
            for number in range(1_000):
                configured(api, shop, enabled=True, url=f"{URL}/{number}",
                           authorization=f"Bearer {number}")
                done.append(number)
                if len(done) == answered:
                    enough.set()
        except (OSError, HTTPException):
            pass

    client = threading.Thread(target=change)
    client.start()
    assert enough.wait(60)
    server.kill()
    client.join()
    server.start()
    [row] = read(api, shop)
    number = int(row["url"].rsplit("/", 1)[1])
    assert row["authorization"] == f"Bearer {number}"
    assert number in (done[-1], done[-1] + 1)


def test_the_operator_says_how_many(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_BLOCKS_WEBHOOK_MAX_ENABLED": "5"}) as server:
        account = Api(server, server.account("shop"))
        account.created("shop")
        for number in range(5):
            configured(account, "shop", label=str(number), **ON)
        assert_refused(post(account, "shop", label="5", **ON), 400,
                       "Maximum of 5 enabled webhooks per instance")


# Secrets --------------------------------------------------------------------------------------


def test_the_secret_changes_when_it_is_told_to(api, shop, server):
    first = configured(api, shop, **ON)["secret"]
    assert configured(api, shop, **ON, rotateSecret=False)["secret"] == first
    second = configured(api, shop, **ON, rotateSecret=True)["secret"]
    assert second != first
    assert configured(api, shop, **ON)["secret"] == second
    off = configured(api, shop, enabled=False, rotateSecret=True)["secret"]
    assert off not in (first, second)
    server.kill()
    server.start()
    assert read_one(api, shop, "default")["secret"] == off


def test_every_webhook_has_a_secret_of_its_own(api, fresh):
    secrets = set()
    for name in (fresh(), fresh()):
        api.created(name, webhookEnabled=True, webhookURL=URL)
        configured(api, name, label="crm", **ON)
        secrets |= {row["secret"] for row in read(api, name)}
    assert len(secrets) == 4


def test_secrets_that_no_key_opens(tmp_path):
    with Server(data_dir=tmp_path) as server:
        account = Api(server, server.account("shop"))
        account.created("shop", webhookEnabled=True, webhookURL=URL, webhookAuthorization="x")
        row = read_one(account, "shop", "default")
        server.stop()
        server.store.execute(
            "UPDATE block_row SET secrets = substr(secrets, 1, length(secrets) - 8) "
            "|| 'AAAAAAA=' WHERE block = 'webhook'")
        server.start()
        reply = account.get("/api/events/getWebhook/shop")
        assert reply.status == 200
        assert reply.json["webhooks"] == [row | {"authorization": None, "secret": None}]
        assert reply.json["warnings"] == ["The secrets of webhook 'default' cannot be opened"]
        assert in_list(account, "shop")["url"] == URL
