"""The life of a link: every state of an instance and back, by the simulator."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from client import Api, Reply, assert_refused
from deliveries import SERVER_ENV as TO_LOOPBACK
from phones import simulators
from pombo_server import Server, until
from receivers import Receiver

NUMBER = "5511999990000"
JID = f"{NUMBER}@s.whatsapp.net"
NO_SESSION = "Instance has no saved session — call /connect first"
NOT_LINKED = "Instance is not linked"


# One delivery at a time: receivers see them in their order.
IN_ORDER = TO_LOOPBACK | {"POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT": "1"}


class Phone:
    """A simulated instance, and what happens to it."""

    def __init__(self, api: Api, name: str, **fields):
        self.api, self.name = api, name
        self.token = api.created(name, connector="simulator", **fields)["token"]

    def connect(self, **query: str) -> Reply:
        asked = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        return self.api.get(f"/api/instance/connect/{self.name}?{asked}")

    def ask(self, what: str, **body) -> Reply:
        return self.api.call("POST", f"/api/simulator/{what}/{self.name}", body)

    def does(self, what: str, **body) -> dict:
        reply = self.ask(what, **body)
        assert reply.status == 200, reply
        return reply.json

    def reconnect(self) -> Reply:
        return self.api.call("POST", f"/api/instance/reconnect/{self.name}")

    def logout(self) -> Reply:
        return self.api.call("DELETE", f"/api/instance/logout/{self.name}")

    @property
    def entry(self) -> dict:
        [listed] = self.api.listed(f"?instanceName={self.name}")
        assert listed["connection"]["state"] == listed["status"]
        return listed

    @property
    def status(self) -> str:
        return self.entry["status"]

    def link(self) -> None:
        assert self.connect().json["status"] == "qr"
        assert self.does("scan", number=NUMBER)["jid"] == JID
        assert self.status == "connected"


# Into each state, what it is after a restart, and the way back -----------------------------------


def closed(phone: Phone) -> None:
    phone.link()
    phone.does("disconnect")


def shown(phone: Phone) -> None:
    assert phone.connect().json["status"] == "qr"


def lost(phone: Phone) -> None:
    phone.link()
    phone.does("network", answers=False)
    phone.does("disconnect", reconnects=True)


def unlinked(phone: Phone) -> None:
    phone.link()
    phone.does("logout")


def logged_out(phone: Phone) -> None:
    phone.link()
    assert phone.logout().status == 200


def banned(phone: Phone) -> None:
    phone.link()
    phone.does("ban", seconds=3600)


def banned_for_good(phone: Phone) -> None:
    phone.link()
    phone.does("ban")


def scan_again(phone: Phone) -> None:
    phone.link()


def scan(phone: Phone) -> None:
    phone.does("scan", number=NUMBER)


def answer(phone: Phone) -> None:
    phone.does("network", answers=True)


def reconnect(phone: Phone) -> None:
    assert phone.reconnect().json == {
        "success": True, "message": "Reconnect initiated", "status": "connecting"}


def nothing(_: Phone) -> None:
    pass


# The way in, the state, the way back; the state after a restart, and the way back then.
LIVES = {
    "new": (nothing, "disconnected", scan_again, "disconnected", scan_again),
    "closed": (closed, "disconnected", reconnect, "connected", nothing),
    "shown": (shown, "connecting", scan, "disconnected", scan_again),
    "lost": (lost, "connecting", answer, "connected", nothing),
    "linked": (Phone.link, "connected", nothing, "connected", nothing),
    "unlinked": (unlinked, "loggedout", scan_again, "loggedout", scan_again),
    "out": (logged_out, "loggedout", scan_again, "loggedout", scan_again),
    "bad": (banned_for_good, "banned", scan_again, "banned", scan_again),
    "banned": (banned, "banned", None, "banned", None),
}


@pytest.mark.parametrize("end", [None, "stop", "kill"])
def test_every_state_and_back(tmp_path, end):
    with Server(data_dir=tmp_path) as server:
        api = Api(server, server.account("shop"))
        phones = {name: Phone(api, name) for name in LIVES}
        for name, (into, state, *_) in LIVES.items():
            into(phones[name])
            assert phones[name].status == state, name
        if end:
            getattr(server, end)()
            server.start()
        back = {}
        for name, (_, state, way, later, later_way) in LIVES.items():
            expected, back[name] = (later, later_way) if end else (state, way)
            assert until(lambda: phones[name].status == expected), (name, phones[name].status)
        for name, way in back.items():
            if not way:
                assert_refused(phones[name].connect(), 502,
                               "Failed to connect instance: the number is banned")
                assert phones[name].status == "banned"
                continue
            way(phones[name])
            assert until(lambda: phones[name].status == "connected"), name
            assert phones[name].entry["numberJid"] == JID


def test_a_ban_ends_by_itself_also_while_the_server_is_away(tmp_path):
    with Server(data_dir=tmp_path) as server:
        api = Api(server, server.account("shop"))
        here, away = Phone(api, "here"), Phone(api, "away")
        for phone in (here, away):
            phone.link()
        here.does("ban", seconds=3600)
        assert here.status == "banned"
        assert here.entry["connection"]["displayStatus"] == "Banned"
        here.does("ban", seconds=1)
        assert until(lambda: here.status == "disconnected")
        assert here.reconnect().status == 200
        assert until(lambda: here.status == "connected")
        away.does("ban", seconds=1)
        server.kill()
        server.start()
        # Whether the second was over by then or not: it ends.
        assert until(lambda: away.status != "banned")
        if away.status == "disconnected":
            away.reconnect()
        assert until(lambda: away.status == "connected")


# What receivers are told --------------------------------------------------------------------------


def body_of(name: str, token: str, base: str, posted, **data) -> bytes:
    """As it has to stand on the wire, but for what nobody can know before."""
    seen = posted.json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen["data"]["timestamp"])
    head = {"state": data.pop("state"), "timestamp": seen["data"]["timestamp"], "instance": name,
            "status": data.pop("status")}
    return json.dumps({"event": "instance.state", "data": head | data,
                       "instanceData": {"baseUrl": base, "instance": name, "token": token},
                       "id": seen["id"], "timestamp": seen["timestamp"]},
                      separators=(",", ":"), ensure_ascii=False).encode()


def test_receivers_are_told_of_all_of_it_byte_by_byte(tmp_path):
    with Receiver() as crm, Server(data_dir=tmp_path, env=IN_ORDER) as server:
        api = Api(server, server.account("shop"))
        phone = Phone(api, "shop", webhookEnabled=True, webhookURL=crm.url)
        pairing = phone.connect(number=NUMBER).json["pairingCode"]
        assert crm.wait(1)
        phone.does("scan")
        heard = crm.wait(3)
        lid = heard[1].json["data"]["lid"]
        here = {"jid": JID, "lid": lid}
        expected = [
            {"state": "qr_ready", "status": "connecting", "codes": [], "pairingCode": pairing},
            {"state": "pair_success", "status": "connecting"} | here
            | {"businessName": "", "platform": "simulator"},
            {"state": "connected", "status": "connected"} | here]

        def happens(act, *told: dict) -> None:
            act()
            expected.extend(told)
            crm.wait(len(expected))

        happens(lambda: phone.does("disconnect"),
                {"state": "disconnected", "status": "disconnected", "reason": "closed"})
        happens(phone.reconnect, {"state": "connected", "status": "connected"} | here)
        happens(lambda: phone.does("disconnect", reconnects=True),
                {"state": "disconnected", "status": "connecting", "reason": "closed",
                 "reconnecting": True},
                {"state": "connected", "status": "connected"} | here)
        phone.does("ban", seconds=3600, reason="too fast")
        expires = crm.wait(len(expected) + 1)[-1].json["data"]["expiresAt"]
        expected.append({"state": "temp_banned", "status": "banned", "code": 101,
                         "reason": "too fast", "expiresAt": expires})
        happens(phone.logout,
                {"state": "logged_out", "status": "loggedout", "reason": "requested"})
        assert phone.logout().status == 200  # has been told
        shown_code = phone.connect().json
        posted = crm.wait(len(expected) + 1)[-1].json["data"]
        assert posted["codes"][0] == shown_code["qrCode"]
        expected.append({"state": "qr_ready", "status": "connecting", "codes": posted["codes"],
                         "qrCodeBase64": shown_code["qrCodeBase64"]})
        phone.does("scan", number=NUMBER)
        lid = crm.wait(len(expected) + 2)[-1].json["data"]["lid"]
        here = {"jid": JID, "lid": lid}
        expected += [{"state": "pair_success", "status": "connecting"} | here
                     | {"businessName": "", "platform": "simulator"},
                     {"state": "connected", "status": "connected"} | here]
        happens(lambda: phone.does("ban", reason="spam"),
                {"state": "logged_out", "status": "banned", "reason": "406: spam",
                 "onConnect": True})
        heard = crm.wait(len(expected))
        base = f"http://127.0.0.1:{server.port}"
        for each, told in zip(heard, expected, strict=True):
            assert each.raw == body_of("shop", phone.token, base, each, **told)


def test_a_call_is_told_of(tmp_path):
    with Receiver() as crm, Server(data_dir=tmp_path, env=IN_ORDER) as server:
        phone = Phone(Api(server, server.account("shop")), "shop", webhookEnabled=True,
                      webhookURL=crm.url, webhookEvents=["call.update"])
        phone.link()
        call = phone.does("call", **{"from": "5511988880000", "name": "Ana"})
        phone.does("call", **{"from": "5511988880000"}, type="terminated", callId=call["callId"])
        offer, end = [each.json for each in crm.wait(2)]
        ana = {"jid": "5511988880000@s.whatsapp.net", "lid": None}
        assert offer["event"] == "call.update"
        assert offer["data"] == {
            "type": "offer", "status": "offer", "callId": call["callId"],
            "timestamp": offer["data"]["timestamp"], "from": ana | {"name": "Ana"}, "creator": ana,
            "isGroup": False, "groupJid": None, "isVideo": False, "media": "audio",
            "platform": "simulator", "version": None, "reason": None, "autoRejected": False}
        assert (end["data"]["type"], end["data"]["callId"], end["data"]["reason"]) == \
            ("terminated", call["callId"], "hangup")


# Waiting for a code -------------------------------------------------------------------------------


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh())


def test_the_newer_of_two_calls_that_wait_wins_at_once(phone):
    phone.does("network", answers=False)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(phone.connect)]
        assert until(lambda: phone.status == "connecting")
        # One after the other takes the place of the one before.
        for number in range(3):
            calls.append(threads.submit(phone.connect, number=f"551199999000{number}"))
            assert_refused(calls[-2].result(), 409, "Superseded by a newer connect call")
        phone.does("network", answers=True)
        shown_code = calls[-1].result()
    assert shown_code.json["status"] == "pairing"
    assert phone.does("scan")["jid"] == "5511999990002@s.whatsapp.net"


def test_a_code_that_comes_late_is_the_answer(phone):
    phone.does("network", answers=False)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(phone.connect)
        assert until(lambda: phone.status == "connecting")
        while not call.done():
            phone.does("network", answers=True)
        shown_code = call.result().json
    assert shown_code.keys() == {"success", "message", "qrCode", "qrCodeBase64", "status"}
    phone.does("scan", number=NUMBER)
    # And of a stored session, the link.
    phone.does("disconnect")
    phone.does("network", answers=False)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(phone.connect)
        assert until(lambda: phone.status == "connecting")
        while not call.done():
            phone.does("network", answers=True)
        assert call.result().json == {"success": True, "message": "Instance connected",
                                      "status": "connected"}


def test_a_logout_beside_a_call_that_waits_ends_it(phone):
    phone.does("network", answers=False)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(phone.connect)
        assert until(lambda: phone.status == "connecting")
        assert phone.logout().status == 200
        assert_refused(call.result(), 502, "Failed to connect instance: requested")
    assert phone.status == "loggedout"


def test_a_deletion_beside_a_call_that_waits_ends_it(phone):
    phone.does("network", answers=False)
    with ThreadPoolExecutor() as threads:
        call = threads.submit(phone.connect)
        assert until(lambda: phone.status == "connecting")
        assert phone.api.delete(phone.name).status == 200
        assert_refused(call.result(), 404, "Instance not found")


def test_nobody_waits_for_ever(tmp_path):
    env = TO_LOOPBACK | {"POMBO_LINK_CODE_SECONDS": "1", "POMBO_LINK_SCAN_SECONDS": "1"}
    with Receiver() as crm, Server(data_dir=tmp_path, env=env) as server:
        api = Api(server, server.account("shop"))
        silent = Phone(api, "silent")
        silent.does("network", answers=False)
        assert_refused(silent.connect(), 504, "Timed out waiting for a code from WhatsApp")
        assert until(lambda: silent.status == "disconnected")
        seen = Phone(api, "seen", webhookEnabled=True, webhookURL=crm.url)
        assert seen.connect().json["status"] == "qr"
        told = crm.wait(2)[-1].json["data"]
        assert (told["state"], told["reason"], told["status"]) == \
            ("disconnected", "pairing_timeout", "disconnected")
        assert seen.status == "disconnected"
        assert until(lambda: seen.ask("scan").status == 409)


def test_a_code_makes_room_for_the_next(tmp_path):
    env = IN_ORDER | {"POMBO_BLOCKS_SIMULATOR_SCAN_SECONDS": "1"}
    with Receiver() as crm, Server(data_dir=tmp_path, env=env) as server:
        phone = Phone(Api(server, server.account("shop")), "shop", webhookEnabled=True,
                      webhookURL=crm.url)
        shown_code = phone.connect().json["qrCode"]
        *codes, end = [each.json["data"] for each in crm.wait(8)]
        assert codes[0]["codes"][0] == shown_code
        for number, each in enumerate(codes):
            assert (each["state"], each["status"]) == ("qr_ready", "connecting")
            assert each["codes"] == codes[0]["codes"][number:]
        assert len({each["qrCodeBase64"] for each in codes}) == 7
        assert (end["state"], end["reason"]) == ("disconnected", "pairing_timeout")


def test_a_stop_answers_whoever_waits(tmp_path):
    with Server(data_dir=tmp_path) as server, ThreadPoolExecutor() as threads:
        phone = Phone(Api(server, server.account("shop")), "shop")
        phone.does("network", answers=False)
        call = threads.submit(phone.connect)
        assert until(lambda: phone.status == "connecting")
        server.stop()
        assert_refused(call.result(), 503, "Server is shutting down")
        assert call.result().headers["Retry-After"] == "5"
        server.start()
        assert until(lambda: phone.status == "disconnected")


# Who it is ----------------------------------------------------------------------------------------


def test_the_list_shows_who_it_is(phone):
    empty = {"name": None, "pictureUrl": None, "isBusiness": False, "businessName": ""}
    assert phone.entry["profile"] == empty
    assert phone.entry["connection"] == {
        "state": "disconnected", "numberJid": None, "presenceStatus": "unavailable",
        "displayStatus": "Disconnected"}
    phone.link()
    assert phone.entry["profile"] == empty | {"name": phone.name}
    assert phone.entry["connection"] == {
        "state": "connected", "numberJid": JID, "presenceStatus": "available",
        "displayStatus": "Online"}
    reply = phone.does("profile", name="Shop", pictureUrl="https://pps.whatsapp.net/a.jpg",
                       isBusiness=True, businessName="Shop Ltd", available=False)
    known = {"name": "Shop", "pictureUrl": "https://pps.whatsapp.net/a.jpg", "isBusiness": True,
             "businessName": "Shop Ltd"}
    assert reply == {"success": True, "message": "Profile changed",
                     "profile": known | {"available": False}}
    assert phone.entry["profile"] == known
    assert (phone.entry["connection"]["presenceStatus"],
            phone.entry["connection"]["displayStatus"]) == ("unavailable", "Connected")
    phone.does("profile", available=True)
    phone.does("disconnect")
    assert phone.entry["profile"] == known
    assert phone.entry["connection"]["presenceStatus"] == "unavailable"
    phone.logout()
    assert phone.entry["profile"] == empty


# What cannot happen -------------------------------------------------------------------------------


@pytest.mark.parametrize("what, body", [
    ("disconnect", {}), ("ban", {}), ("ban", {"seconds": 5}), ("logout", {}), ("call", {}),
    ("profile", {"name": "x"})])
def test_without_a_link_nothing_happens(phone, what, body):
    assert_refused(phone.ask(what, **body), 409, NOT_LINKED)
    assert phone.status == "disconnected"


@pytest.mark.parametrize("what, body, message", [
    ("network", {}, "The 'answers' field is required"),
    ("network", {"answers": "no"}, "The 'answers' field must be a boolean"),
    ("disconnect", {"reconnects": 1}, "The 'reconnects' field must be a boolean"),
    ("ban", {"seconds": 0}, "The 'seconds' field must be between 1 and 31536000"),
    ("ban", {"seconds": "soon"}, "The 'seconds' field must be an integer"),
    ("ban", {"reason": "x" * 201}, "The 'reason' field must be at most 200 characters"),
    ("profile", {"isBusiness": "x"}, "The 'isBusiness' field must be a boolean"),
    ("call", {"type": "ring"},
     "The 'type' field must be one of: offer, accepted, rejected, terminated"),
    ("call", {"from": "123"}, "Invalid number: 123")])
def test_what_is_refused(phone, what, body, message):
    phone.link()
    assert_refused(phone.ask(what, **body), 400, message)
    assert phone.status == "connected"


def test_another_connectors_instance_is_left_alone(api, fresh):
    name = fresh()
    api.created(name)
    for what, body in [("disconnect", {}), ("network", {"answers": True}), ("logout", {}),
                       ("ban", {}), ("profile", {}), ("call", {}),
                       ("contact", {"number": "5511988880000"})]:
        assert_refused(api.call("POST", f"/api/simulator/{what}/{name}", body), 400,
                       "Instance does not use the simulator connector")


# Its connector's process --------------------------------------------------------------------------


def metric(server: Server, name: str) -> float:
    page = Api(server).get("/metrics").raw.decode()
    found = re.search(rf"^pombo_simulator_{name} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0


def test_the_links_of_a_connector_end_with_its_process(tmp_path):
    config = tmp_path / "pombo.yaml"
    config.write_text("plugins: {path: [plugins]}\n"
                      "blocks: {webhook: , simulator: {isolation: process}}\n")
    with Receiver() as crm, Server(data_dir=tmp_path, config=config, env=IN_ORDER) as server:
        api = Api(server, server.account("shop"))
        phone = Phone(api, "phone", webhookEnabled=True, webhookURL=crm.url)
        phone.link()
        for life in range(5):
            assert until(lambda: metric(server, "restarts_total") == life)
            assert until(lambda: phone.status == "connected"), life
            [process] = simulators(server)
            os.kill(process, signal.SIGKILL)
            assert until(lambda: metric(server, "crashes_total") == life + 1)
        assert until(lambda: phone.status == "disconnected")
        assert metric(server, "quarantined") == 1
        assert_refused(phone.connect(), 502, "Failed to connect instance: The simulator block is "
                       "in quarantine: it was killed by signal 9")
        assert until(lambda: crm.wait(1)[-1].json["data"].get("reason") == "closed")
