"""Linking instances: by a connector that answers whatever it is asked for, and by the simulator."""

from __future__ import annotations

import base64
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
import zoo
from client import Api, Reply, assert_refused
from deliveries import SERVER_ENV as TO_LOOPBACK
from pombo_server import Server, until
from receivers import Receiver

NO_SESSION = "Instance has no saved session — call /connect first"
LOGGED_OUT = {"success": True, "message": "Instance logged out",
              "instance": {"status": "loggedout"}}
NUMBER = "5511999990000"


def connect(api: Api, name: str, **query: str) -> Reply:
    asked = "&".join(f"{key}={quote(value)}" for key, value in query.items())
    return api.get(f"/api/instance/connect/{name}?{asked}")


def reconnect(api: Api, name: str, body=None) -> Reply:
    return api.call("POST", f"/api/instance/reconnect/{name}", body)


def logout(api: Api, name: str) -> Reply:
    return api.call("DELETE", f"/api/instance/logout/{name}")


def entry(api: Api, name: str) -> dict:
    [listed] = api.listed(f"?instanceName={name}")
    assert listed["connection"]["state"] == listed["status"]
    assert listed["connection"]["numberJid"] == listed["numberJid"]
    return listed


def status(api: Api, name: str) -> str:
    return entry(api, name)["status"]


def read_back(url: str, folder) -> str:
    """What a reader of QR codes that is not ours makes of the picture."""
    start = "data:image/png;base64,"
    assert url.startswith(start)
    file = folder / "code.png"
    file.write_bytes(base64.b64decode(url.removeprefix(start), validate=True))
    assert file.read_bytes()[16:24] == (512).to_bytes(4, "big") * 2
    read = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file],
                          check=True, capture_output=True, text=True)
    return read.stdout.removesuffix("\n")


# A connector that answers what it is asked for --------------------------------------------------


@pytest.fixture(scope="module", params=zoo.ISOLATIONS)
def handset(request, tmp_path_factory, external_blocks):
    """Makes instances of it: handset("shop") is an Api and the name."""
    folder = tmp_path_factory.mktemp("handset")
    config = zoo.config(folder, [external_blocks], {"handset": {}, "proxy": {}}, request.param)
    with Server(data_dir=folder, config=config) as server:
        api = Api(server, server.account("shop"))

        def made(name: str, **fields) -> tuple[Api, str]:
            api.created(name, connector="handset", **fields)
            return api, name

        yield made


def test_the_picture_says_what_the_code_says(handset, fresh, tmp_path):
    api, name = handset(fresh())
    reply = connect(api, name)
    shown = reply.json
    assert reply.status == 200
    assert shown.keys() == {"success", "message", "qrCode", "qrCodeBase64", "status"}
    assert (shown["success"], shown["message"], shown["status"]) == (True, "QR code generated", "qr")
    assert shown["qrCode"] == "2@direct,0"
    assert read_back(shown["qrCodeBase64"], tmp_path) == shown["qrCode"]
    assert status(api, name) == "connecting"
    assert entry(api, name)["connection"]["displayStatus"] == "Connecting"


def test_the_connector_is_told_of_the_proxy_and_the_history(handset, fresh):
    api, name = handset(fresh(), proxyEnabled=True, proxyHost="10.0.0.9", proxyPort=1080,
                        proxyProtocol="socks5")
    assert connect(api, name, history="365").json["qrCode"] == "2@10.0.0.9,365"


@pytest.mark.parametrize("number", [NUMBER, "+55 (11) 99999-0000"])
def test_a_number_asks_for_a_pairing_code(handset, fresh, number):
    api, name = handset(fresh())
    number = number[:-3] + "001"
    assert connect(api, name, number=number).json == {
        "success": True, "message": "Pairing code generated", "pairingCode": "ABCD5511",
        "status": "pairing"}


def test_what_is_linked_at_once_has_no_code(handset, fresh):
    api, name = handset(fresh())
    own = api.as_(entry(api, name)["token"])
    assert connect(own, name, number="55119999999").json == {
        "success": True, "message": "Instance connected", "status": "connected"}


@pytest.mark.parametrize("wanted, status_, message", [
    ("400", 400, "Number is not registered on WhatsApp"),
    ("401", 502, "Failed to connect instance: WhatsApp knows no such client"),
    ("429", 429, "Rate limited by WhatsApp. Try again later."),
    ("501", 501, "Not supported by the handset connector"),
    ("502", 502, "Failed to connect instance: the proxy said 407"),
    ("504", 504, "Timed out waiting for a code from WhatsApp")])
def test_why_there_is_no_code(handset, fresh, wanted, status_, message):
    api, name = handset(fresh())
    reply = connect(api, name, number=NUMBER[:-3] + wanted)
    assert_refused(reply, status_, message)
    assert reply.headers["Retry-After"] == ("7" if wanted == "429" else None)
    assert status(api, name) == "disconnected"


def test_the_newer_of_two_calls_wins(handset, fresh):
    api, name = handset(fresh())
    with ThreadPoolExecutor() as threads:
        older = threads.submit(connect, api, name, number=NUMBER)
        assert until(lambda: status(api, name) == "connecting" and not older.done())
        newer = None
        # The older one may still be on its way into the connector.
        while not older.done():
            newer = connect(api, name)
        assert_refused(older.result(), 409, "Superseded by a newer connect call")
    assert newer.json["status"] == "qr"
    assert status(api, name) == "connecting"


def test_nobody_else_waits_for_a_connect(handset, fresh):
    api, name = handset(fresh())
    _, other = handset(fresh())
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(connect, api, name, number=NUMBER)
        assert until(lambda: status(api, name) == "connecting")
        assert connect(api, other).json["status"] == "qr"
        assert not waiting.done()
        while not waiting.done():
            connect(api, name)


def test_without_a_session_there_is_nothing_to_re_open(handset, fresh):
    api, name = handset(fresh())
    for body in (None, b"", b"{", {"x": 1}, b"[1]"):
        assert_refused(reconnect(api, name, body), 400, NO_SESSION)
    assert status(api, name) == "disconnected"


# The simulator ----------------------------------------------------------------------------------


@pytest.fixture
def simulated(api, fresh):
    """The name of an instance that it links."""
    name = fresh()
    api.created(name, connector="simulator")
    return name


def scan(api: Api, name: str, **body) -> Reply:
    return api.call("POST", f"/api/simulator/scan/{name}", body)


def happens(api: Api, name: str, state: str, **data) -> None:
    body = {"event": "instance.state", "data": {"state": state} | data}
    reply = api.call("POST", f"/api/simulator/event/{name}", body)
    assert reply.status == 202, reply


def linked(api: Api, name: str) -> None:
    assert connect(api, name).status == 200
    assert scan(api, name, number=NUMBER).status == 200
    assert status(api, name) == "connected"


def test_from_the_code_to_the_link(api, simulated, tmp_path):
    code = connect(api, simulated).json
    assert read_back(code["qrCodeBase64"], tmp_path) == code["qrCode"]
    assert status(api, simulated) == "connecting"
    assert entry(api, simulated)["numberJid"] is None
    assert scan(api, simulated).status == 200
    shown = entry(api, simulated)
    assert shown["status"] == "connected"
    assert re.fullmatch(r"\d{8,15}@s\.whatsapp\.net", shown["numberJid"])
    assert shown["connection"]["displayStatus"] in ("Online", "Connected")
    assert_refused(connect(api, simulated), 409, "Instance is already connected")


def test_a_pairing_code_links_its_number(api, simulated):
    shown = connect(api, simulated, number=NUMBER).json
    assert shown.keys() == {"success", "message", "pairingCode", "status"}
    assert re.fullmatch("[A-Z0-9]{8}", shown["pairingCode"])
    assert scan(api, simulated).status == 200
    assert entry(api, simulated)["numberJid"] == f"{NUMBER}@s.whatsapp.net"


def test_a_stored_session_needs_no_code(api, simulated):
    linked(api, simulated)
    happens(api, simulated, "disconnected", reason="closed")
    assert status(api, simulated) == "disconnected"
    assert connect(api, simulated).json == {"success": True, "message": "Instance connected",
                                            "status": "connected"}
    assert status(api, simulated) == "connected"


def test_a_reconnect_re_opens_the_link(api, simulated):
    linked(api, simulated)
    happens(api, simulated, "stream_replaced")
    reply = reconnect(api, simulated, {"instance": "another"})
    assert (reply.status, reply.json) == (200, {
        "success": True, "message": "Reconnect initiated", "status": "connecting"})
    assert until(lambda: status(api, simulated) == "connected")


def test_a_logout_ends_the_session_and_may_be_repeated(api, simulated):
    for _ in range(2):  # of one that was never linked, and of one that was
        for _ in range(2):
            reply = logout(api, simulated)
            assert (reply.status, reply.json) == (200, LOGGED_OUT)
        assert status(api, simulated) == "loggedout"
        assert entry(api, simulated)["connection"]["displayStatus"] == "Logged out"
        assert_refused(reconnect(api, simulated), 400, NO_SESSION)
        assert status(api, simulated) == "loggedout"
        linked(api, simulated)
    assert logout(api, simulated).status == 200
    assert connect(api, simulated).json["status"] == "qr"


@pytest.mark.parametrize("after, state, data", [
    ("connecting", "disconnected", {"reason": "closed", "reconnecting": True}),
    ("connecting", "stream_error", {"code": "515"}),
    ("disconnected", "connect_failure", {"code": 503, "reason": "x"}),
    ("loggedout", "logged_out", {"reason": "401: logged out", "onConnect": False}),
    ("banned", "logged_out", {"reason": "406: banned", "onConnect": True}),
    ("banned", "temp_banned", {"code": 101, "reason": "x", "expiresAt": None}),
    ("connected", "keepalive_timeout", {"errorCount": 1, "lastSuccess": None})])
def test_the_list_follows_what_happens(api, simulated, after, state, data):
    linked(api, simulated)
    happens(api, simulated, state, **data)
    assert status(api, simulated) == after


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_links_again_what_has_a_session(tmp_path, end):
    with Server(data_dir=tmp_path) as server:
        api = Api(server, server.account("shop"))
        for name in ("linked", "lost", "half", "out", "never"):
            api.created(name, connector="simulator")
        for name in ("linked", "lost", "out"):
            linked(api, name)
        happens(api, "lost", "disconnected", reason="closed")
        assert connect(api, "half").json["status"] == "qr"
        assert logout(api, "out").status == 200
        getattr(server, end)()
        server.start()
        assert until(lambda: {name: status(api, name) for name in api.names()} == {
            "linked": "connected", "lost": "connected", "half": "disconnected",
            "out": "loggedout", "never": "disconnected"})


def test_a_stop_of_the_server_is_told_to_whoever_is_linked(tmp_path):
    with Receiver() as crm, Server(data_dir=tmp_path, env=TO_LOOPBACK) as server:
        api = Api(server, server.account("shop"))
        for name in ("linked", "out"):
            api.created(name, connector="simulator", webhookEnabled=True, webhookURL=crm.url)
            linked(api, name)
        assert logout(api, "out").status == 200
        crm.wait(7)
        server.stop()
        server.start()
        assert until(lambda: status(api, "linked") == "connected")
        heard = [each.json["data"] for each in crm.wait(9)]
        [told] = [each for each in heard if each["state"] == "disconnected"]
        assert (told["instance"], told["reason"], told["status"]) == \
            ("linked", "shutdown", "disconnected")


def test_a_reconnect_beside_a_code_leaves_it_waiting(api, simulated):
    assert connect(api, simulated).json["status"] == "qr"
    assert_refused(reconnect(api, simulated), 400, NO_SESSION)
    assert status(api, simulated) == "connecting"
    assert scan(api, simulated).status == 200


def test_without_a_connector_nothing_is_linked(api, fresh, rows):
    name = fresh()
    api.created(name)
    before = rows.query("SELECT * FROM instance ORDER BY id")
    for reply in (connect(api, name), reconnect(api, name)):
        assert_refused(reply, 503, "No connector is available")
    assert rows.query("SELECT * FROM instance ORDER BY id") == before


def test_without_its_connector_only_what_was_never_linked_is_logged_out(tmp_path):
    with Server(data_dir=tmp_path, env=TO_LOOPBACK) as server:
        api = Api(server, server.account("shop"))
        for name in ("linked", "out", "never", "half"):
            api.created(name, connector="simulator")
        for name in ("linked", "out"):
            linked(api, name)
        assert logout(api, "out").status == 200
        assert connect(api, "half").json["status"] == "qr"
        server.stop()
        server.env["POMBO_BLOCKS_SIMULATOR_ENABLED"] = "false"
        server.start()
        for name in ("out", "never", "half", "never"):
            reply = logout(api, name)
            assert (reply.status, reply.json) == (200, LOGGED_OUT), name
            assert status(api, name) == "loggedout"
        assert_refused(logout(api, "linked"), 503, "No connector is available")
        assert status(api, "linked") == "disconnected"
