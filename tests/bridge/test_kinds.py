"""Kinds of messages that are seldom, both ways, and what is said of an earlier message."""

import base64
import hashlib
import os

import pytest

from test_messages import FILE, NOTHING, file_of, read_by_bob, received, send

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


def test_several_contacts_go_out_in_one_message(world):
    who = world.linked()
    data = send(world, who, "contact", contacts=[
        {"fullName": "Bia", "phone": "5511977770000", "vcard": BIA},
        {"fullName": "Rui", "phone": "5511966660000", "vcard": RUI}])
    assert data["message"] == NOTHING | {"type": "contact", "content": "Bia, Rui", "source": "api", "isEdit": False,
                                         "contact": CONTACTS[0], "contacts": CONTACTS}
    assert [c["vcard"] for c in read_by_bob(world, data)["contactsArrayMessage"]["contacts"]] == [BIA, RUI]


@pytest.fixture
def seen(world):
    """An instance whose stories Bob sees: he is in the phone's book."""
    who = world.linked()
    contact = {"contactAction": {"fullName": "Bob Li", "firstName": "Bob"}}
    world.mock.do("share", phone=world.me, name="Shop",
                  before=[["critical_unblock_low", ["contact", world.bobs["jid"]], contact]])
    world.store.wait_event(who, "contact.update", lambda d: d.get("fullName") == "Bob Li")
    return who


STORIES = {"jid": "status@broadcast", "lid": None, "name": "", "type": "status"}


def tell(world, who, files=(), **arguments):
    data = world.gateway.perform(who, "message.status", chat="status@broadcast", source="api", files=files, **arguments)
    told = next(e for e in world.store.of(who, "message.exchange") if e["data"]["id"] == data["id"])
    assert told["data"] == data and told["chat"] == "status@broadcast"
    assert (data["direction"], data["chat"], data["recipient"]) == ("outgoing", STORIES, {})
    return data


@pytest.mark.parametrize("given,seen_as", [
    ({"backgroundColor": "#1E6E4F", "font": "serif"}, {"backgroundArgb": 0xFF1E6E4F, "font": "FB_SCRIPT"}),
    ({"backgroundColor": "#000000", "font": "system"}, {"backgroundArgb": 0xFF000000, "font": "SYSTEM"}),
    ({"backgroundColor": None, "font": "sans-serif"}, {"font": "SYSTEM_TEXT"}),
    ({"backgroundColor": None, "font": None}, {}),
])
def test_a_story_of_text_is_seen_as_it_was_made(world, seen, given, seen_as):
    data = tell(world, seen, type="text", message="Open until ten", **given)
    assert data["message"] == NOTHING | {"type": "text", "content": "Open until ten", "source": "api", "isEdit": False}
    text = read_by_bob(world, data)["extendedTextMessage"]
    assert text == {"text": "Open until ten"} | seen_as


@pytest.mark.parametrize("kind,mime,part", [
    ("image", "image/jpeg", {"type": "image", "caption": "The shelf"}),
    ("video", "video/mp4", {"type": "video", "caption": "The shelf", "duration": 3}),
    ("audio", "audio/ogg; codecs=opus", {"type": "ptt", "duration": 3, "isVoiceNote": True}),
])
def test_a_story_with_a_file_is_seen_whole(world, seen, kind, mime, part, tmp_path):
    with file_of(tmp_path) as file:
        data = tell(world, seen, type=kind, mediaType=kind, mediaFile=0, files=[file.fileno()], mimeType=mime,
                    mediaSize=len(FILE), fileName="a", message="The shelf", isVoice=kind == "audio", duration=3,
                    waveform=None, mediaUrl=None)
    media = data["message"]["media"]
    assert data["message"]["type"] == kind and {key: media[key] for key in part} == part
    read_by_bob(world, data)
    whole = {"size": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}
    assert world.mock.do("openmedia", phone=world.bob) == whole


def quoted_by_bob(world, sent):
    return read_by_bob(world, sent)["extendedTextMessage"]["contextInfo"]


@pytest.mark.parametrize("said,text,name,part", [
    ({"type": "image", "media": {"type": "image", "mimetype": "image/jpeg", "fileName": ""}}, "The shelf",
     "imageMessage", {"caption": "The shelf", "mimetype": "image/jpeg"}),
    ({"type": "audio", "media": {"type": "ptt", "mimetype": "audio/ogg", "fileName": ""}}, "",
     "audioMessage", {"ptt": True, "mimetype": "audio/ogg"}),
    ({"type": "contact", "contact": CONTACTS[0], "contacts": CONTACTS}, "Bia, Rui",
     "contactsArrayMessage", {"displayName": "2 contacts"}),
    ({"type": "poll", "poll": {"title": "Lunch?", "options": [{"name": "Pizza"}], "maxAnswer": 1}}, "Lunch?",
     "pollCreationMessage", {"name": "Lunch?", "options": [{"optionName": "Pizza"}], "selectableOptionsCount": 1}),
])
def test_a_reply_quotes_what_is_of_another_kind_as_that(world, said, text, name, part):
    who = world.linked()
    reply = {"messageId": "3EB0FEED", "chat": world.bobs["jid"], "senderJid": world.bobs["jid"], "text": text,
             "fromMe": False, "message": said | {"content": text}}
    answer = send(world, who, "text", message="Good", linkPreview=False, reply=reply)
    assert answer["reply"] == {"message_id": "3EB0FEED", "text": text, "sender": world.bobs["jid"]}
    assert answer["message"]["context"]["quotedType"] == said["type"]
    context = quoted_by_bob(world, answer)
    assert list(context["quotedMessage"]) == [name] and "remoteJid" not in context
    assert {key: context["quotedMessage"][name][key] for key in part} == part


def test_a_groups_message_is_answered_in_private_as_that_groups(world):
    who = world.linked()
    group = world.gateway.perform(who, "group.create", name="Team", participants=[world.bobs["jid"]])["jid"]
    reply = {"messageId": "3EB0FEED", "chat": group, "senderJid": world.bobs["jid"], "text": "Open?", "fromMe": False,
             "message": {"type": "text", "content": "Open?"}}
    answer = send(world, who, "text", message="Yes", linkPreview=False, reply=reply)
    assert answer["chat"]["jid"] == world.bobs["jid"]
    assert answer["reply"] == {"message_id": "3EB0FEED", "text": "Open?", "sender": world.bobs["jid"]}
    # The group knows him by his hidden address.
    assert quoted_by_bob(world, answer) == {"stanzaId": "3EB0FEED", "participant": world.bobs["lid"],
                                            "remoteJid": group, "quotedMessage": {"conversation": "Open?"}}
