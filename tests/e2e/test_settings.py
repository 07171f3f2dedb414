"""GET /api/instance/getSettings/:instance, POST /api/instance/settings/:instance."""

import pytest
from client import assert_refused, together
from shapes import DEFAULTS

FLAGS = [key for key, value in DEFAULTS["settings"].items() if isinstance(value, bool)]


@pytest.fixture
def shop(api, fresh):
    name = fresh()
    api.created(name)
    return name


def get(api, name):
    reply = api.get("/api/instance/getSettings/" + name)
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "settings"}
    assert (reply.json["success"], reply.json["message"]) == \
        (True, "Settings retrieved successfully")
    return reply.json["settings"]


def update(api, name, **settings):
    return api.call("POST", "/api/instance/settings/" + name, settings)


def updated(api, name, **settings):
    reply = update(api, name, **settings)
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "settings"}
    assert (reply.json["success"], reply.json["message"]) == (True, "Settings updated successfully")
    return reply.json["settings"]


def test_a_new_instance_has_the_defaults(api, shop):
    assert get(api, shop) == DEFAULTS["settings"]


def test_an_update_changes_what_it_names(api, shop, server):
    expected = dict(DEFAULTS["settings"])
    for change in ({"autoRejectCalls": True, "callRejectMessage": "No calls, please"},
                   {"disableHistorySync": False}, {"autoRejectCalls": False, "ignoreStatus": True},
                   {"callRejectMessage": "{{7*7}} %n%s ${HOME} é\n"}):
        expected |= change
        assert updated(api, shop, **change) == expected
        assert get(api, shop) == expected
    [listed] = api.listed("?instanceName=" + shop)
    assert listed["settings"] == expected
    server.kill()
    server.start()
    assert get(api, shop) == expected


def test_what_a_create_request_said_is_what_is_changed(api, fresh):
    name = fresh()
    api.created(name, autoReadMessages=True, callRejectMessage="x")
    assert updated(api, name, ignoreStatus=True) == DEFAULTS["settings"] | {
        "autoReadMessages": True, "callRejectMessage": "x", "ignoreStatus": True}


def test_null_leaves_a_setting_and_an_empty_message_clears_it(api, shop):
    updated(api, shop, callRejectMessage="x", ignoreStatus=True)
    kept = updated(api, shop, callRejectMessage=None, ignoreStatus="", autoReadMessages=True)
    assert kept == DEFAULTS["settings"] | {
        "callRejectMessage": "x", "ignoreStatus": True, "autoReadMessages": True}
    assert updated(api, shop, callRejectMessage="")["callRejectMessage"] == ""


@pytest.mark.parametrize("body", [None, b"", {}, {"foo": 1}, {"ignoreStatus": None},
                                  {"ignoreStatus": ""}, {"settings": {"ignoreStatus": True}}])
def test_at_least_one(api, shop, body):
    assert_refused(api.call("POST", "/api/instance/settings/" + shop, body), 400,
                   "At least one setting must be provided")
    assert get(api, shop) == DEFAULTS["settings"]


@pytest.mark.parametrize("settings, refusal", [
    *[({flag: "yes"}, f"The '{flag}' field must be a boolean") for flag in FLAGS],
    ({"ignoreStatus": 1}, "The 'ignoreStatus' field must be a boolean"),
    ({"callRejectMessage": ["x"]}, "The 'callRejectMessage' field must be a string"),
    ({"callRejectMessage": "é" * 1025},
     "The 'callRejectMessage' field must be at most 1024 characters"),
    ({"callRejectMessage": "é" * 1025, "ignoreStatus": 1},
     "The 'ignoreStatus' field must be a boolean"),
])
def test_what_is_refused_changes_nothing(api, shop, settings, refusal):
    assert_refused(update(api, shop, **{"autoReadMessages": True} | settings), 400, refusal)
    assert get(api, shop) == DEFAULTS["settings"]


def test_the_longest_message(api, shop):
    assert updated(api, shop, callRejectMessage="é" * 1024)["callRejectMessage"] == "é" * 1024


def test_updates_at_once_are_all_kept(api, shop):
    def change(number):
        flag = FLAGS[number % len(FLAGS)]
        return updated(api, shop, **{flag: not DEFAULTS["settings"][flag]})

    for _ in range(4):
        together(8, change)  # as many as an account may have of calls that ask somebody else
    assert get(api, shop) == DEFAULTS["settings"] | {
        flag: not DEFAULTS["settings"][flag] for flag in FLAGS}


def test_what_went_wrong_at_creation_is_put_right(api, fresh):
    name = fresh()
    assert api.created(name, ignoreStatus="yes")["settings"]["status"] == "error"
    assert get(api, name) == DEFAULTS["settings"]
    settings = updated(api, name, ignoreStatus=True)
    [listed] = api.listed("?instanceName=" + name)
    assert listed["settings"] == settings == DEFAULTS["settings"] | {"ignoreStatus": True}
