"""POST /api/events/websocket/:instance, GET /api/events/getWebsocket/:instance."""

import pytest
from client import assert_refused
from shapes import DEFAULTS, EVENTS

NEVER = "WebSocket not configured for this instance"
OFF = DEFAULTS["websocket"]


@pytest.fixture
def shop(api, fresh):
    name = fresh()
    api.created(name)
    return name


def post(api, name, **fields):
    return api.call("POST", "/api/events/websocket/" + name, fields)


def configured(api, name, **fields):
    reply = post(api, name, **fields)
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "websocket"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "WebSocket configured successfully")
    return reply.json["websocket"]


def get(api, name):
    return api.get("/api/events/getWebsocket/" + name)


def read(api, name):
    reply = get(api, name)
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "websocket"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "WebSocket configuration retrieved")
    return reply.json["websocket"]


@pytest.mark.parametrize("fields", [{}, {"websocketEnabled": False},
                                    {"websocketEvents": ["call.update"]},
                                    {"websocketEnabled": True, "websocketEvents": ["x"]}])
def test_never_configured(api, fresh, fields):
    name = fresh()
    api.created(name, **fields)
    assert_refused(get(api, name), 404, NEVER)


def test_all_of_it(api, shop, server):
    given = {"enabled": True, "events": ["message.exchange"], "mediaBase64": True}
    assert configured(api, shop, **given) == given
    server.kill()
    server.start()
    assert read(api, shop) == given
    [listed] = api.listed("?instanceName=" + shop)
    assert listed["websocket"] == given


def test_it_is_replaced_and_not_merged(api, shop):
    configured(api, shop, enabled=True, events=["call.update"], mediaBase64=True)
    plain = {"enabled": True, "events": [], "mediaBase64": False}
    assert configured(api, shop, enabled=True) == plain
    assert read(api, shop) == plain


def test_disabled_it_is_configured_all_the_same(api, shop):
    assert configured(api, shop, enabled=False, events=["call.update"], mediaBase64=True) == OFF
    assert read(api, shop) == OFF


def test_what_a_create_request_said(api, fresh):
    name = fresh()
    shown = api.created(name, websocketEnabled=True, websocketEvents=["call.update"])["websocket"]
    assert read(api, name) == shown == OFF | {"enabled": True, "events": ["call.update"]}


def test_repetitions_and_nulls(api, shop):
    assert configured(api, shop, enabled=True, events=[*reversed(EVENTS), *EVENTS],
                      mediaBase64=None)["events"] == EVENTS[::-1]
    assert configured(api, shop, enabled=True, events=None)["events"] == []


@pytest.mark.parametrize("fields, refusal", [
    ({"events": ["message"]}, "Unknown event: message"),
    ({"events": "call.update"}, "The 'events' field must be a list of strings"),
    ({"mediaBase64": "x"}, "The 'mediaBase64' field must be a boolean"),
    ({"events": ["message"], "mediaBase64": "x"}, "The 'mediaBase64' field must be a boolean"),
])
def test_what_is_refused_is_not_kept(api, shop, fields, refusal):
    for enabled in (True, False):
        assert_refused(post(api, shop, enabled=enabled, **fields), 400, refusal)
    assert_refused(get(api, shop), 404, NEVER)


def test_what_went_wrong_at_creation_is_put_right(api, fresh):
    name = fresh()
    failed = api.created(name, websocketEnabled=True, websocketEvents=["x"])["websocket"]
    assert failed["status"] == "error"
    configured(api, name, enabled=False)
    [listed] = api.listed("?instanceName=" + name)
    assert listed["websocket"] == OFF


def test_an_instance_that_is_deleted_takes_it_along(api, shop):
    configured(api, shop, enabled=True)
    assert api.delete(shop).status == 200
    api.created(shop)
    assert_refused(get(api, shop), 404, NEVER)
