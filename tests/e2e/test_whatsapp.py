"""Instances on WhatsApp: the real server, the block's program as it runs, and a WhatsApp that is not."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import shutil
import signal
import stat
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zoo
from client import Api, assert_refused
from pombo_server import Server, default_binary, until
from receivers import Receiver
from test_health import metric
from whatsapp import (PROGRAM, Shop, World, built, is_alive, kill_program, place_mock,
                      programs_of)

from mock_whatsapp import Mock, certificate_in
from stickers import webp

PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 200


@pytest.fixture(scope="module")
def crm():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def mock(tmp_path_factory):
    started = Mock(certificate_in(tmp_path_factory.mktemp("tls")))
    yield started
    started.close()


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    return place_mock(tmp_path_factory.mktemp("plugins"), built("mock"))


@pytest.fixture
def world(mock, crm, plugins):
    made = World(mock, crm, plugins)
    yield made
    made.end()


@pytest.fixture
def server(world):
    return world.server()


@pytest.fixture
def api(server):
    return Api(server, server.account("shop"))


@pytest.fixture
def shop(world, api, fresh):
    return Shop(world, api, fresh("shop"))


def lines_of(server: Server, message: str) -> list[dict]:
    return zoo.lines_of(server, message, block="whatsapp")


def test_from_a_code_to_a_message_each_way(shop, server):
    shop.link()
    assert shop.states == ["qr_ready", "pair_success", "manual_reconnect", "connected"]
    assert shop.status == "connected" and "whatsapp" not in shop.instance
    sent = shop.send(message="Hello from Pombo")
    assert shop.read_by_bob(sent["messageId"])["extendedTextMessage"]["text"] == "Hello from Pombo"
    shop.by_bob("message", message={"conversation": "Hello to you"})
    came = shop.wait("message.exchange", lambda data: data["direction"] == "incoming")
    assert came["message"]["content"] == "Hello to you"
    shop.by_bob("receipt", ids=[sent["messageId"]], type="read")
    read = f"/api/chat/status/{shop.name}?messageId={sent['messageId']}"
    assert until(lambda: '"read"' in shop.api.get(read).raw.decode())


def test_pictures_each_way(shop, server):
    shop.link()
    encoded = base64.b64encode(PICTURE).decode()
    shop.send("media", mediaType="image", mediaBase64=encoded, message="for you")
    whole = {"size": len(PICTURE), "sha256": hashlib.sha256(PICTURE).hexdigest()}
    assert shop.mock.do("openmedia", phone=shop.bob) == whole
    shop.by_bob("media", type="image", mimetype="image/jpeg", data=encoded, caption="for me")
    came = shop.wait("message.exchange", lambda data: data["direction"] == "incoming")
    link = urlsplit(came["message"]["media"]["url"])
    reply = Api(server).get(f"{link.path}?{link.query}")
    assert (reply.status, reply.raw) == (200, PICTURE)
    kept = f"/api/chat/getMessage/{shop.name}?messageId={came['id']}"
    assert until(lambda: shop.api.get(kept).status == 200)
    answer = shop.read_by_bob(shop.send(message="Nice", replyTo=came["id"])["messageId"])
    quoted = answer["extendedTextMessage"]["contextInfo"]["quotedMessage"]
    assert quoted == {"imageMessage": {"caption": "for me", "mimetype": "image/jpeg"}}


def test_a_sticker_goes_out(shop):
    shop.link()
    sticker = webp(512, 512)
    url = "data:image/webp;base64," + base64.b64encode(sticker).decode()
    sent = shop.send("sticker", imageUrl=url)
    assert sent["messageType"] == "sticker"
    read = shop.read_by_bob(sent["messageId"])["stickerMessage"]
    assert (read["mimetype"], read["width"], read["height"]) == ("image/webp", 512, 512)
    whole = {"size": len(sticker), "sha256": hashlib.sha256(sticker).hexdigest()}
    assert shop.mock.do("openmedia", phone=shop.bob) == whole
    unfit = shop.api.call("POST", f"/api/message/sticker/{shop.name}", {
        "number": shop.bob,
        "imageUrl": "data:image/webp;base64," + base64.b64encode(webp(512, 511)).decode()})
    assert_refused(unfit, 501, "Only WebP of 512 x 512 pixels can be sent as a sticker")


def test_the_largest_video_crosses_as_a_descriptor(shop, server):
    shop.link()
    video = b"\0\0\0\x18ftypisom" + bytes((64 << 20) - 12)
    with Receiver(lambda _: (200, {}, video)) as site:
        shop.send("media", mediaType="video", mediaUrl=site.url)
    whole = {"size": len(video), "sha256": hashlib.sha256(video).hexdigest()}
    assert shop.mock.do("openmedia", phone=shop.bob) == whole


def test_a_message_on_its_way_is_settled_under_its_id_after_a_kill(shop, server):
    """Whatever its client read of it, it is sent once, and told and kept as that."""
    shop.link()
    after = len(shop.states)
    shop.mock.do("seen")  # what it has heard so far
    asked = threading.Thread(target=lambda: shop.api.call(
        "POST", f"/api/message/text/{shop.name}", {"number": shop.bob, "message": "on its way"}))
    asked.start()
    shop.mock.do("heard", tag="message")
    kill_program(server)
    asked.join()
    shop.wait_state("connected", after)
    told = shop.wait("message.exchange", lambda data: data["direction"] == "outgoing")
    assert shop.read_by_bob(told["id"])
    listed = shop.api.call("POST", f"/api/chat/history/{shop.name}", {"number": shop.bob})
    assert [each["messageId"] for each in listed.json["messages"]] == [told["id"]]
    status = f"/api/chat/status/{shop.name}?messageId={told['id']}"
    assert until(lambda: shop.api.get(status).json["status"] in ("sent", "delivered", "read"))
    assert len({each["id"] for each in shop.mock.inbox(shop.bob)}) == 1


def test_what_was_told_to_have_failed_and_is_read_has_been_read(shop):
    shop.link()
    sent = shop.send(message="Hello")["messageId"]
    status = f"/api/chat/status/{shop.name}?messageId={sent}"
    for kind, word in (("server-error", "error"), ("", "delivered"), ("read", "read")):
        shop.by_bob("receipt", ids=[sent], type=kind)
        assert until(lambda: shop.api.get(status).json["status"] == word), word


def test_a_message_is_deleted_on_the_phones_of_the_instance_alone(shop):
    shop.link()
    shop.mock.do("share", phone=shop.number, name="Shop")
    sent = shop.send(message="Hello")["messageId"]
    gone = {"messageId": sent, "deleteForEveryone": False}
    reply = shop.api.call("DELETE", f"/api/chat/delete/{shop.name}", gone)
    assert reply.status == 200 and reply.json["delete_type"] == "delete_for_me", reply
    change = shop.mock.do("shared", phone=shop.number)["changes"][-1]
    assert change["index"][0] == "deleteMessageForMe" and change["index"][2:] == [sent, "1", "0"]


def test_what_is_deleted_on_the_phone_is_not_kept_here(shop):
    shop.link()
    shop.mock.do("share", phone=shop.number, name="Shop")
    bob = f"{shop.bob}@s.whatsapp.net"

    def kept():
        listed = shop.api.call("POST", f"/api/chat/history/{shop.name}", {"number": shop.bob})
        return {each["content"]: each["isDeleted"] for each in listed.json["messages"]}

    def deleted(action: str, *index: str, at: int) -> None:
        shop.mock.do("change", phone=shop.number, name="regular_high", index=[action, bob, *index],
                     action={"timestamp": at, action + "Action": {}})

    for said in ("one", "two"):
        shop.by_bob("message", message={"conversation": said})
        came = shop.wait("message.exchange", lambda data, said=said: data["message"]["content"] == said)
    assert until(lambda: kept() == {"one": False, "two": False})
    deleted("deleteMessageForMe", came["id"], "0", "0", at=1_700_000_000_000)
    assert until(lambda: kept() == {"one": False, "two": True})
    deleted("clearChat", "1", "0", at=1_700_000_000_000)  # long before
    deleted("deleteChat", "1", at=4_000_000_000_000)
    assert until(lambda: kept() == {})
    assert not [each for each in shop.world.crm.seen if each.json["event"] == "chat.update"]


def test_a_message_is_edited_and_taken_back(shop):
    shop.link()
    message = shop.send(message="first")["messageId"]
    edit = {"messageId": message, "content": "second"}
    assert shop.api.call("POST", f"/api/chat/edit/{shop.name}", edit).status == 200
    told = shop.wait("message.exchange", lambda data: data["message"]["type"] == "message_edit")
    assert told["message"]["edit"]["original_id"] == message
    assert "editedMessage" in shop.read_by_bob(told["id"])
    gone = {"messageId": message, "deleteForEveryone": True}
    assert shop.api.call("DELETE", f"/api/chat/delete/{shop.name}", gone).status == 200
    told = shop.wait("message.exchange", lambda data: data["message"]["type"] == "message_revoke")
    assert told["message"]["revoke"]["original_id"] == message
    kept = shop.api.get(f"/api/chat/getMessage/{shop.name}?messageId={message}").json["data"]
    assert (kept["content"], kept["isEdited"], kept["isDeleted"]) == ("second", True, True)


def test_settings_reach_whatsapp_and_nothing_is_done_twice(shop, server):
    settings = {"autoReadMessages": True, "autoRejectCalls": True, "callRejectMessage": "Write to us"}
    changed = shop.api.call("POST", f"/api/instance/settings/{shop.name}", settings)
    assert changed.status == 200, changed
    shop.link()
    shop.mock.do("seen")
    shop.by_bob("message", message={"conversation": "hi"})
    shop.by_bob("call")
    told = shop.wait("message.exchange", lambda data: data["direction"] == "outgoing")
    assert told["message"]["content"] == "Write to us" and shop.read_by_bob(told["id"])
    shop.mock.do("heard", tag="receipt", attrs={"type": "read"})
    shop.wait("call.update", lambda data: data["autoRejected"])
    assert server.stop() == 0  # whatever else was to be done is done
    seen = shop.mock.do("seen")["nodes"]
    assert [each["tag"] for each in seen if "reject" in each["children"]] == ["call"]
    assert len([each for each in seen if each["attrs"].get("type") == "read"]) == 1
    assert len([each for each in shop.mock.inbox(shop.bob)]) == 1


def test_a_number_is_linked_by_a_code_that_is_typed(shop):
    answer = shop.connect(number=shop.number)
    assert answer["status"] == "pairing"
    shop.mock.do("account", phone=shop.number)
    shop.mock.do("code", phone=shop.number, code=answer["pairingCode"].replace("-", ""))
    shop.wait_state("connected")
    assert shop.status == "connected"


def test_sessions_lie_beside_the_database_and_are_nobody_elses(world, shop):
    shop.link()
    [session] = world.sessions.iterdir()
    assert session.name == shop.instance["id"]
    for each in (world.sessions, session):
        about = each.stat()
        assert stat.S_IMODE(about.st_mode) == 0o700
        assert (about.st_uid == os.getuid()) == (os.getuid() != 0), "another user than root"


def test_it_is_locked_in(world, server):
    [line] = lines_of(server, "Block is opened")
    assert (line["isolation"], line["because"]) == ("process", "it is a program")
    assert {"limits", "seccomp"} <= set(line["confined"])
    [pid] = programs_of(server)
    status = dict(each.split(":\t", 1) for each in
                  open(f"/proc/{pid}/status").read().splitlines() if ":\t" in each)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert (status["Uid"].split()[0] == str(os.getuid())) == (os.getuid() != 0)


def test_a_logout_leaves_neither_a_session_nor_its_key(world, shop, server):
    shop.link()
    kept = "SELECT secrets FROM block_row WHERE block = 'whatsapp'"
    assert [bool(row[0]) for row in server.store.query(kept)] == [True]
    reply = shop.api.call("DELETE", f"/api/instance/logout/{shop.name}")
    assert (reply.status, reply.json["instance"]["status"]) == (200, "loggedout")
    assert not list(world.sessions.iterdir())
    assert not any(row[0] for row in server.store.query(kept))
    shop.link()


def test_a_deleted_instance_leaves_nothing(world, shop):
    shop.link()
    assert shop.api.delete(shop.name).status == 200
    assert not list(world.sessions.iterdir())


def test_a_program_that_is_killed_comes_back_and_links_what_was_linked(shop, server):
    shop.link()
    after = len(shop.states)
    kill_program(server)
    shop.wait_state("connected", after)
    assert "qr_ready" not in shop.states[after:] and shop.status == "connected"
    sent = shop.send(message="after the crash")
    assert shop.read_by_bob(sent["messageId"])
    assert metric(server, "pombo_whatsapp_crashes_total") == 1
    assert until(lambda: metric(server, "pombo_whatsapp_up") == 1)


def test_a_server_that_is_killed_takes_its_program_along_and_finds_the_session(world, shop, server):
    shop.link()
    [pid] = programs_of(server)
    server.kill()
    assert until(lambda: not is_alive(pid))
    after = len(shop.states)
    server.start()
    shop.wait_state("connected", after)
    assert "qr_ready" not in shop.states[after:]


def test_a_stop_waits_for_what_is_being_sent(shop, server):
    shop.link()
    answers = []
    shop.mock.do("seen")  # forgets what it has seen so far
    sending = threading.Thread(target=lambda: answers.append(shop.send(message="the last")))
    sending.start()
    shop.mock.do("heard", tag="message")
    [pid] = programs_of(server)
    assert server.stop() == 0
    sending.join()
    assert shop.read_by_bob(answers[0]["messageId"])
    assert not is_alive(pid)
    server.start()
    shop.wait("instance.state", lambda data: data.get("reason") == "shutdown")


def test_the_profile_of_an_instance_without_a_link_outlives_the_server(shop, server):
    picture = "https://pps.whatsapp.net/a"
    shop.mock.do("account", phone=shop.number, picture=picture)
    shop.link()

    def shown():
        return shop.api.listed(f"?instanceName={shop.name}")[0]["profile"]["pictureUrl"]

    assert until(lambda: shown() == picture)
    shop.mock.do("tempban", phone=shop.number, code=101, expire=3600)
    shop.wait_state("temp_banned")
    assert server.stop() == 0
    server.start()
    assert (shop.status, shown()) == ("banned", picture)


def test_one_that_dies_again_and_again_is_in_quarantine(shop, server):
    shop.link()
    for deaths in range(5):
        assert until(lambda: (metric(server, "pombo_whatsapp_restarts_total") or 0) == deaths)
        kill_program(server)
    assert until(lambda: metric(server, "pombo_whatsapp_quarantined") == 1)
    reason = "in quarantine after 5 crashes: was killed by signal 9"
    assert until(lambda: Api(server).get("/health").json["checks"].get("whatsapp") ==
                 f"fail: {reason}")
    assert until(lambda: shop.status == "disconnected")
    said = shop.api.get(f"/api/instance/connect/{shop.name}")
    assert_refused(said, 502, "Failed to connect instance: "
                   "The whatsapp block is in quarantine: it was killed by signal 9")


def sessions_in(pid: int) -> set[str]:
    """The instances whose databases it has open."""
    files = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()
             if os.path.lexists(each)]
    return {Path(file).parent.name for file in files if file.endswith("/session.db")}


def test_of_several_processes_one_takes_its_own_instances_along(world, fresh):
    server = world.server({"process": {"processes": 2}})
    api = Api(server, server.account("shop"))
    shops, halves = [], []
    while len(halves) < 2:  # until each has some
        assert len(shops) < 30
        shops.append(Shop(world, api, fresh("shop")).link())
        halves = [half for half in map(sessions_in, programs_of(server)) if half]
    assert len(programs_of(server)) == metric(server, "pombo_whatsapp_up") == 2
    seen = {shop.instance["id"]: len(shop.states) for shop in shops}
    victim = next(pid for pid in programs_of(server) if shops[0].instance["id"] in sessions_in(pid))
    lost = sessions_in(victim)
    os.kill(victim, signal.SIGKILL)
    for shop in shops:
        if shop.instance["id"] in lost:
            shop.wait_state("connected", seen[shop.instance["id"]])
    for shop in shops:
        if shop.instance["id"] not in lost:
            assert len(shop.states) == seen[shop.instance["id"]]
        assert shop.read_by_bob(shop.send(message="all is well")["messageId"])
    assert until(lambda: metric(server, "pombo_whatsapp_up") == 2)


def test_whoever_ends_the_program_again_and_again_gets_one_of_its_own(world, api, server, fresh):
    good, bad = (Shop(world, api, fresh("shop")).link() for _ in range(2))
    for deaths in range(1, 4):
        after = [len(shop.states) for shop in (good, bad)]
        bad.send(message="so that it is at work")
        bad.mock.do("raw", phone=bad.number, hex="")  # an empty frame: the library cannot parse it
        assert until(lambda: metric(server, "pombo_whatsapp_crashes_total") == deaths)
        bad.wait_state("connected", after[1])
        if deaths < 3:
            good.wait_state("connected", after[0])
    [line] = lines_of(server, "An instance has a process of its own")
    assert line["instance"] == bad.instance["id"]
    assert len(good.states) == after[0], "the third was not its own"
    alone = [sessions_in(pid) for pid in programs_of(server)]
    assert sorted(alone, key=str) == sorted(({each.instance["id"]} for each in (good, bad)), key=str)


@pytest.mark.parametrize("guilty", [{5}, {5, 17}], ids=["one", "two"])
def test_of_many_exactly_those_who_end_the_program_are_given_up(world, api, server, fresh, guilty):
    """Though twenty are linked at once, so that nobody can see whose frame it was."""
    shops = [Shop(world, api, fresh("shop")).link() for _ in range(24)]
    for number in guilty:
        world.mock.do("poison", phone=shops[number].number, hex="")
    kill_program(server)
    assert until(lambda: metric(server, "pombo_whatsapp_quarantined") == len(guilty), 180)
    for number, shop in enumerate(shops):
        assert until(lambda: shop.status == ("disconnected" if number in guilty else "connected"))
    for number, shop in enumerate(shops):
        if number not in guilty:
            assert shop.read_by_bob(shop.send(message="all is well")["messageId"])
            continue
        reply = shop.api.get(f"/api/instance/connect/{shop.name}")
        assert reply.status == 502 and b"The whatsapp block is in quarantine" in reply.raw, reply
    # The kill, five ends or six to halve them, and five more of each that is alone.
    assert metric(server, "pombo_whatsapp_crashes_total") <= 1 + 11 * len(guilty)
    assert len(programs_of(server)) == metric(server, "pombo_whatsapp_up") <= 1 + 6 * len(guilty)


def test_one_that_takes_too_much_memory_is_ended(world):
    server = world.server({"process": {"memoryMb": 16}})
    api, numbers = Api(server, server.account("shop")), itertools.count()

    def grows():
        """By a session: how much of it Go holds by itself is chance."""
        name = f"shop-{next(numbers)}"
        api.created(name)
        api.get(f"/api/instance/connect/{name}")
        return lines_of(server, "The process of the block ended")

    assert until(grows)
    line = lines_of(server, "The process of the block ended")[0]
    assert line["reason"] == "used more than 16 MiB of memory"


def test_where_it_was_not_built_the_server_runs_without_it(world, tmp_path):
    world.plugins = place_mock(tmp_path / "unbuilt", None)
    server = world.server()
    [line] = lines_of(server, "Block not loaded")
    assert line["reason"] == f"{world.plugins}/whatsapp.so: its program {PROGRAM} is not beside it"
    shop = Shop(world, Api(server, server.account("shop")), "shop")
    assert "whatsapp" not in shop.instance
    assert_refused(shop.api.get("/api/instance/connect/shop"), 503, "No connector is available")
    listed = server.run("plugin", "list").stdout
    assert re.search(rf"^whatsapp +- +refused +- +- +{line['reason']}$", listed, re.M), listed


def test_it_is_not_taken_into_the_server(world):
    server = world.server({"isolation": "inside"})
    [line] = lines_of(server, "Block not loaded")
    assert line["reason"].endswith(
        "whatsapp.so: is a program, so that blocks.whatsapp.isolation cannot be 'inside'")
    assert not programs_of(server)


def test_a_folder_that_is_open_to_others_is_refused(world):
    folder = world.folder / "elsewhere"
    folder.mkdir(mode=0o755)
    server = world.server({"process": {"folder": str(folder)}})
    [line] = lines_of(server, "Block not loaded")
    assert line["reason"].endswith(f"process.folder {folder} is open to others: "
                                   "chmod 700 it if it is for this alone")


def test_what_is_shipped_runs_and_cannot_be_told_whom_to_dial(world, tmp_path):
    world.plugins = tmp_path / "shipped"
    world.plugins.mkdir()
    shutil.copy(default_binary().parent / "plugins/whatsapp.so", world.plugins)
    (world.plugins / PROGRAM).symlink_to(built("live"))
    with pytest.raises(RuntimeError, match="unknown key 'blocks.whatsapp.mock'"):
        world.server()
    config = world.folder / "pombo.yaml"
    config.write_text('{"plugins": {"path": ["%s"]}, "blocks": {"whatsapp": {"required": true}}}' %
                      world.plugins)
    server = world.servers[-1].start()
    assert len(programs_of(server)) == 1
    checked = server.run("plugin", "check", str(world.plugins / "whatsapp.so"))
    assert checked.returncode == 0 and "mock" not in checked.stdout, checked
    assert server.stop() == 0
