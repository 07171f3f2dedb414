"""Kinds of messages that are seldom, both ways, and what is said of an earlier message."""

import base64
import os

import pytest

from test_messages import FILE, NOTHING, received

CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:%s\nTEL;waid=%s:+%s\nEND:VCARD"
BIA, RUI = CARD % ("Bia", "5511977770000", "55 11 97777-0000"), CARD % ("Rui", "5511966660000", "55 11 96666-0000")
CONTACTS = [{"display_name": "Bia", "phone_number": "5511977770000", "vcard": BIA},
            {"display_name": "Rui", "phone_number": "5511966660000", "vcard": RUI}]
SECRET = {"messageContextInfo": {"messageSecret": base64.b64encode(os.urandom(32)).decode()}}


@pytest.mark.parametrize("message,kind,part", [
    ({"contactsArrayMessage": {"displayName": "2 contacts", "contacts": [
        {"displayName": "Bia", "vcard": BIA}, {"displayName": "Rui", "vcard": RUI}]}},
     "contact", {"content": "Bia, Rui", "contact": CONTACTS[0], "contacts": CONTACTS}),
    ({"liveLocationMessage": {"degreesLatitude": -23.5, "degreesLongitude": -46.5}}, "location",
     {"content": "", "location": {"latitude": -23.5, "longitude": -46.5, "name": "", "address": "", "live": True}}),
    ({"eventMessage": {"name": "Opening", "startTime": 1_700_000_000, "location": {"name": "Shop"}}}, "event",
     {"content": "Opening", "event": {
         "name": "Opening", "startAt": "2023-11-14T22:13:20Z", "endAt": None, "description": "",
         "location": {"name": "Shop", "latitude": None, "longitude": None}, "joinLink": None, "isCanceled": False}}),
    ({"groupInviteMessage": {"groupJid": "12036300000000@g.us", "groupName": "Team", "inviteCode": "AbC",
                             "inviteExpiration": 1_700_000_000, "caption": "Join us"}}, "group_invite",
     {"content": "Join us", "group_invite": {"groupJid": "12036300000000@g.us", "groupName": "Team", "code": "AbC",
                                             "expiresAt": "2023-11-14T22:13:20Z"}}),
    ({"locationMessage": {"degreesLatitude": "NaN"}}, "unsupported", {"rawType": "locationMessage"}),
])
def test_a_seldom_kind_comes_in_whole(world, message, kind, part):
    who = world.linked()
    _, event = received(world, who, message, kind)
    assert event["data"]["message"] == NOTHING | {"type": kind, "content": "", "source": "", "isEdit": False} | part


def test_a_round_video_is_fetched_whole(world):
    who = world.linked()
    world.by_bob("media", type="ptv", mimetype="video/mp4", data=base64.b64encode(FILE).decode(), seconds=3)
    event = world.store.wait_event(who, "message.exchange")
    message = event["data"]["message"]
    assert (message["type"], message["media"]["type"], message["media"]["duration"]) == ("video", "ptv", 3)
    found, files = world.gateway.call("connector.media", who, event["mediaKey"])
    with os.fdopen(files[found["file"]], "rb") as file:
        assert os.pread(file.fileno(), len(FILE) + 1, 0) == FILE


@pytest.mark.parametrize("message,part", [
    ({"buttonsMessage": {"contentText": "Choose one"}}, {"type": "buttons"}),
    ({"listMessage": {"description": "Choose one"}}, {"type": "list"}),
    ({"interactiveMessage": {"body": {"text": "Choose one"}}}, {"type": "interactive", "interactive": {}}),
])
def test_what_the_owner_of_the_phone_sends_with_buttons_is_told(world, message, part):
    who = world.linked()
    world.mock.do("typed", phone=world.me, to=world.bobs["jid"], message=message)
    data = world.store.wait_event(who, "message.exchange")["data"]
    assert data["direction"] == "outgoing" and data["recipient"]["jid"] == world.bobs["jid"]
    assert data["message"] == NOTHING | {"content": "Choose one", "source": "", "isEdit": False} | part


@pytest.mark.parametrize("by", ["pn", "lid"])
@pytest.mark.parametrize("kind,message", [
    ("MESSAGE_EDIT", {"conversation": "Good afternoon"}),
    ("EVENT_EDIT", {"eventMessage": {"name": "Good afternoon", "isCanceled": True}}),
])
def test_an_edit_that_is_sealed_is_told_as_any_other(world, by, kind, message):
    who = world.linked()
    original, _ = received(world, who, {"conversation": "Good morning"} | SECRET, "text")
    sent = world.by_bob("edit", id=original, type=kind, by=by, message=message)["id"]
    data = world.store.wait_event(who, "message.exchange", lambda d: d["id"] == sent)["data"]
    assert data["direction"] == "incoming" and data["sender"] == world.bobs | {"name": "Bob"}
    assert data["message"] == NOTHING | {
        "type": "message_edit", "content": "Good afternoon", "source": "", "isEdit": True,
        "edit": {"original_id": original, "text": "Good afternoon"}}
