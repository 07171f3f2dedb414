"""The connector "simulator": POST /api/simulator/scan and event, and what they make of an instance."""

import json

import pytest
from client import LIMIT_HEADERS, Api, assert_refused
from pombo_server import REPOSITORY, Server, until
from power_cuts import preloaded
from shapes import INSTANCE_KEYS

EXAMPLES = json.loads((REPOSITORY / "tests/support/event_examples.json").read_text())
MESSAGE = EXAMPLES["events"][0]["data"]
EVENTS = EXAMPLES["events"] + [{"event": "message.exchange", "data": MESSAGE | {"message": each}}
                               for each in EXAMPLES["messages"]]
JID = "5511999990000@s.whatsapp.net"


@pytest.fixture
def shop(api, fresh):
    name = fresh("shop")
    assert set(api.created(name, connector="simulator")) == INSTANCE_KEYS | {"connector"}
    return name


def connect(api, name, query=""):
    return api.get(f"/api/instance/connect/{name}{query}")


def scan(api, name, **body):
    return api.call("POST", f"/api/simulator/scan/{name}", body)


def inject(api, name, event="message.exchange", data=None):
    return api.call("POST", f"/api/simulator/event/{name}", {"event": event, "data": data})


def status(api, name):
    [listed] = api.listed("?instanceName=" + name)
    assert listed["connection"]["state"] == listed["status"]
    assert listed["connection"]["numberJid"] == listed["numberJid"]
    return listed["status"], listed["numberJid"]


def linked(api, name, **body):
    assert connect(api, name).status == 200
    assert scan(api, name, **body).status == 200
    assert status(api, name)[0] == "connected"


# Linking --------------------------------------------------------------------------------------


def test_from_a_code_to_a_link(api, shop):
    assert status(api, shop) == ("disconnected", None)
    reply = connect(api, shop)
    assert (reply.status, reply.json["status"]) == (200, "qr")
    assert reply.json["qrCode"].startswith("2@")
    assert status(api, shop) == ("connecting", None)
    reply = scan(api, shop, number="5511999990000")
    assert (reply.status, reply.json) == \
        (200, {"success": True, "message": "Instance linked", "jid": JID})
    assert reply.limit_headers == LIMIT_HEADERS
    assert status(api, shop) == ("connected", JID)
    [listed] = api.listed("?instanceName=" + shop)
    assert listed["connection"]["displayStatus"] == "Online"
    assert listed["profile"] == {"name": shop, "pictureUrl": None, "isBusiness": False,
                                 "businessName": ""}
    assert_refused(connect(api, shop), 409, "Instance is already connected")
    assert_refused(scan(api, shop), 409, "No code is waiting to be scanned")


def test_a_pairing_code_is_for_the_number_that_asked(api, shop):
    reply = connect(api, shop, "?number=5511999990000")
    assert reply.json["status"] == "pairing" and len(reply.json["pairingCode"]) == 8
    assert scan(api, shop).json["jid"] == JID


def test_a_number_is_made_up(api, shop):
    connect(api, shop)
    jid = scan(api, shop).json["jid"]
    assert jid.endswith("@s.whatsapp.net") and jid.split("@")[0].isdigit()
    assert status(api, shop) == ("connected", jid)


def test_only_a_code_that_waits_can_be_scanned(api, shop):
    assert_refused(scan(api, shop), 409, "No code is waiting to be scanned")
    connect(api, shop)
    for number in ("1234567", "1" * 16, "no number"):
        assert_refused(scan(api, shop, number=number), 400, f"Invalid number: {number}")
    assert scan(api, shop, number="+55 (11) 99999-0000").json["jid"] == JID


def test_a_logout_ends_the_session_and_a_reconnect_keeps_it(api, shop):
    reconnect = f"/api/instance/reconnect/{shop}"
    no_session = "Instance has no saved session — call /connect first"
    assert_refused(api.call("POST", reconnect), 400, no_session)
    linked(api, shop)
    assert api.call("POST", reconnect).status == 200
    assert status(api, shop)[0] == "connected"
    assert api.call("DELETE", f"/api/instance/logout/{shop}").status == 200
    assert status(api, shop)[0] == "loggedout"
    assert_refused(api.call("POST", reconnect), 400, no_session)
    assert connect(api, shop).json["status"] == "qr"


def test_a_code_does_not_wait_for_ever(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_BLOCKS_SIMULATOR_SCAN_SECONDS": "1"}) as server:
        api = Api(server, server.account("shop"))
        api.created("shop", connector="simulator")
        assert connect(api, "shop").status == 200
        assert until(lambda: status(api, "shop") == ("disconnected", None))
        assert_refused(scan(api, "shop"), 409, "No code is waiting to be scanned")
        assert connect(api, "shop").json["status"] == "qr"


def test_a_clock_that_is_set_back_keeps_no_code_waiting(tmp_path):
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    server = Server(data_dir=tmp_path / "data", env={"POMBO_BLOCKS_SIMULATOR_SCAN_SECONDS": "1"})
    server.env |= {"LD_PRELOAD": str(preloaded(server, "clock_step")),
                   "POMBO_CLOCK_STEP": str(clock)}
    with server:
        api = Api(server, server.account("shop"))
        api.created("shop", connector="simulator")
        assert connect(api, "shop").status == 200
        with clock.open("r+b") as file:
            file.write((-86_400).to_bytes(8, "little", signed=True))
        assert until(lambda: status(api, "shop") == ("disconnected", None))


def test_a_code_does_not_outlive_the_server(tmp_path):
    with Server(data_dir=tmp_path) as server:
        api = Api(server, server.account("shop"))
        api.created("shop", connector="simulator")
        assert connect(api, "shop").status == 200
        server.kill()
        server.start()
        assert until(lambda: status(api, "shop") == ("disconnected", None))
        assert_refused(scan(api, "shop"), 409, "No code is waiting to be scanned")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_opens_what_was_linked(server, api, shop, end):
    linked(api, shop, number="5511999990000")
    getattr(server, end)()
    server.start()
    assert until(lambda: status(api, shop) == ("connected", JID))


def test_another_connectors_instances_are_left_alone(api, fresh):
    name = fresh()
    api.created(name)
    refusal = "Instance does not use the simulator connector"
    assert_refused(scan(api, name), 400, refusal)
    assert_refused(inject(api, name, data=MESSAGE), 400, refusal)


# Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EVENTS, ids=lambda each: each["event"] + "-" + str(
    each["data"].get("message", each["data"]).get("type", "")))
def test_every_example_of_the_specification_is_taken(api, shop, example):
    reply = inject(api, shop, **example)
    assert reply.status == 202
    assert reply.json == {"success": True, "message": "Event injected", "id": reply.json["id"]}


def test_a_repeated_message_has_the_id_of_the_first(api, shop):
    first = inject(api, shop, data=MESSAGE).json["id"]
    assert inject(api, shop, data=MESSAGE | {"timestamp": "2026-11-21T12:00:01Z"}).json["id"] == first
    assert inject(api, shop, data=MESSAGE | {"id": "another"}).json["id"] != first
    revoked = MESSAGE | {"message": EXAMPLES["messages"][-3]}
    assert revoked["message"]["type"] == "message_revoke"
    assert inject(api, shop, data=revoked).json["id"] != first


@pytest.mark.parametrize("event, data, message", [
    (None, MESSAGE, "The 'event' field is required"),
    ("message", MESSAGE, "Unknown event: message"),
    ("presence.update", MESSAGE, "Unknown event: presence.update"),
    ("message.exchange", None, "The 'data' field is required"),
    ("message.exchange", [], "The 'data' field must be an object"),
    ("message.exchange", {}, "Invalid data: id is required"),
    ("message.exchange", MESSAGE | {"id": "a b"},
     "Invalid data: id must hold visible ASCII characters only"),
    ("message.exchange", MESSAGE | {"sender": {"jid": "\0"}},
     "Invalid data: sender.jid must hold visible ASCII characters only"),
    ("message.exchange", MESSAGE | {"sender": {"jid": "x" * 256}},
     "Invalid data: sender.jid must be at most 255 characters"),
    ("message.exchange", MESSAGE | {"message": {"type": "text"}},
     "Invalid data: message.content is required"),
    ("message.exchange", MESSAGE | {"message": {"type": "image", "content": ""}},
     "Invalid data: message.media must be an object"),
    ("message.exchange", MESSAGE | {"more": 10 ** 400},
     "Invalid data: An event's numbers must be finite"),
    ("message.status", {"status": "seen", "messageIds": ["x"]}, "Invalid data: chat is required"),
    ("call.update", EXAMPLES["events"][2]["data"] | {"isVideo": "yes"},
     "Invalid data: isVideo must be a boolean or null"),
    ("instance.state", {"state": "asleep"}, "Invalid data: state must be one of: qr_ready, "
     "qr_scanned_no_multidevice, pair_success, pair_error, connected, disconnected, logged_out, "
     "temp_banned, client_outdated, connect_failure, stream_error, stream_replaced, "
     "cat_refresh_error, keepalive_timeout, keepalive_restored, manual_reconnect"),
])
def test_what_is_refused(api, shop, event, data, message):
    assert_refused(inject(api, shop, event, data), 400, message)


@pytest.mark.parametrize("data, after", [
    ({"state": "disconnected", "reason": "closed"}, "disconnected"),
    ({"state": "logged_out", "reason": "401: logged out from another device"}, "loggedout"),
    ({"state": "logged_out", "reason": "406: banned"}, "banned"),
    ({"state": "temp_banned", "code": 101, "reason": "too many people", "expiresAt": None},
     "banned"),
    ({"state": "stream_error", "code": "503"}, "connecting"),
    ({"state": "keepalive_timeout", "errorCount": 1, "lastSuccess": None}, "connected"),
])
def test_a_state_that_is_injected_is_the_instances(api, shop, data, after):
    linked(api, shop)
    assert inject(api, shop, "instance.state", data).status == 202
    assert status(api, shop)[0] == after


# Callers --------------------------------------------------------------------------------------


def test_an_instances_own_token_is_enough_and_anothers_is_not(server, api, shop, fresh):
    other = api.created(fresh(), connector="simulator")
    [own] = api.listed("?instanceName=" + shop)
    assert inject(api.as_(own["token"]), shop, data=MESSAGE).status == 202
    for call in (lambda: inject(api.as_(other["token"]), shop, data=MESSAGE),
                 lambda: scan(api.as_(other["token"]), shop)):
        assert_refused(call(), 403, "Instance token does not match the requested instance")


def test_without_the_block_its_routes_and_its_connector_are_not_there(tmp_path, fresh):
    with Server(data_dir=tmp_path, env={"POMBO_BLOCKS_SIMULATOR_ENABLED": "false"}) as server:
        api = Api(server, server.account("shop"))
        assert_refused(api.create(fresh(), connector="simulator"), 400,
                       "Connector is not available: simulator")
        api.created("shop")
        assert_refused(scan(api, "shop"), 503, "plugin 'simulator' is not loaded on this server")


def test_without_the_block_each_of_its_routes_says_so(api, tmp_path):
    paths = [path for path in api.get("/openapi.json").json["paths"]
             if path.startswith("/api/simulator/")]
    assert "/api/simulator/contact/{instance}" in paths
    with Server(data_dir=tmp_path, env={"POMBO_BLOCKS_SIMULATOR_ENABLED": "false"}) as server:
        bare = Api(server, server.account("shop"))
        bare.created("shop")
        for path in paths:
            assert_refused(bare.call("POST", path.replace("{instance}", "shop"), {}), 503,
                           "plugin 'simulator' is not loaded on this server")
