import base64
import hashlib
import os
import threading

import pytest

from gateway import Failure, Gone
from stickers import webp

NOTHING = {key: None for key in ("media", "context", "edit", "location", "contact", "reaction", "interactive")}


def received(world, who, message, kind, **more):
    after = len(world.store.events)
    sent = world.by_bob("message", message=message, **more)["id"]
    event = world.store.wait_event(who, "message.exchange", lambda d: d["message"]["type"] == kind, after)
    return sent, event


def send(world, who, kind, **arguments):
    operation = {"edit": "chat.edit", "revoke": "chat.delete"}.get(kind, f"message.{kind}")
    return world.gateway.perform(who, operation, chat=world.bobs["jid"], source="api", **arguments)


def read_by_bob(world, sent):
    mail = world.mock.do("inbox", phone=world.bob, id=sent["id"])["messages"]
    return next(m["message"] for m in mail if m["id"] == sent["id"])


def test_a_text_comes_in(world):
    who = world.linked()
    sent, event = received(world, who, {"conversation": "Good morning"}, "text")
    assert event["chat"] == world.bobs["jid"] and event["mediaKey"] == ""
    data = event["data"]
    assert data.pop("timestamp").endswith("Z")
    message = NOTHING | {"type": "text", "content": "Good morning", "source": "", "isEdit": False}
    assert data == {"id": sent, "direction": "incoming", "recipient": {}, "message": message,
                    "chat": world.bobs | {"name": "Bob", "type": "private"}, "sender": world.bobs | {"name": "Bob"}}


def test_a_text_goes_out_and_is_told_before_it_is_answered(world):
    who = world.linked()
    data = send(world, who, "text", message="Hello", linkPreview=False)
    assert world.store.of(who, "message.exchange")[0]["data"] == data
    assert data["direction"] == "outgoing" and data["recipient"] == world.bobs
    assert data["sender"] == world.mine | {"name": ""} and data["message"]["source"] == "api"
    assert data["message"]["content"] == "Hello" and data["chat"] == world.bobs | {"name": "", "type": "private"}
    assert read_by_bob(world, data)["extendedTextMessage"]["text"] == "Hello"


def test_an_id_that_the_caller_has_made_is_the_messages(world):
    who = world.linked()
    assert send(world, who, "text", message="Hello", linkPreview=False, id="3EB0FEED")["id"] == "3EB0FEED"
    assert read_by_bob(world, {"id": "3EB0FEED"})


def test_a_reply_and_what_it_quotes(world):
    who = world.linked()
    first = send(world, who, "text", message="Are you open?", linkPreview=False)
    context = {"stanzaId": first["id"], "participant": world.mine["jid"],
               "quotedMessage": {"conversation": "Are you open?"}}
    sent, event = received(world, who, {"extendedTextMessage": {"text": "Yes", "contextInfo": context}}, "text")
    assert event["data"]["reply"] == {"message_id": first["id"], "text": "Are you open?", "sender": world.mine["jid"]}
    answer = send(world, who, "text", message="Good", linkPreview=False,
                  reply={"messageId": sent, "senderJid": world.bobs["jid"], "text": "Yes", "fromMe": False})
    assert answer["reply"] == {"message_id": sent, "text": "Yes", "sender": world.bobs["jid"]}
    quoted = read_by_bob(world, answer)["extendedTextMessage"]["contextInfo"]
    assert quoted["stanzaId"] == sent and quoted["quotedMessage"]["conversation"] == "Yes"


def test_a_link_is_shown_by_what_the_gateway_has_fetched(world):
    who = world.linked()
    world.gateway.answers["http.send"] = {"status": 200, "headers": {}, "body":
                                          "<html><title>Old</title><meta property='og:title' content='New &amp; good'>"}
    data = send(world, who, "text", message="See https://example.com/page.", linkPreview=True)
    text = read_by_bob(world, data)["extendedTextMessage"]
    assert text["title"] == "New & good" and text["matchedText"] == "https://example.com/page"
    asked = dict(world.store.asked)["get"]
    assert asked["url"] == "https://example.com/page" and asked["through"] == who["id"]


def test_a_link_that_the_gateway_does_not_fetch_is_sent_without_a_preview(world):
    who = world.linked()
    asked = []

    def refuse(request):
        asked.append(request["url"])
        raise Failure({"code": "invalid", "sentence": "URL is not allowed: link-local address"})

    world.gateway.on_http_send = refuse
    data = send(world, who, "text", message="See http://169.254.169.254/latest", linkPreview=True)
    assert asked == ["http://169.254.169.254/latest"]
    assert data["message"]["content"] == "See http://169.254.169.254/latest"
    text = read_by_bob(world, data)["extendedTextMessage"]
    assert text["text"] == "See http://169.254.169.254/latest"
    assert not {"title", "matchedText", "description", "previewType"} & set(text)


def test_receipts_come_in_as_what_they_are(world):
    who = world.linked()
    sent = [send(world, who, "text", message=text, linkPreview=False)["id"] for text in ("one", "two")]
    for kind, word in ((None, "delivered"), ("read", "read"), ("played", "played")):
        world.by_bob("receipt", ids=list(reversed(sent)),
                      **({"type": kind} if kind else {}))
        data = world.store.wait_event(who, "message.status", lambda d: d["status"] == word)["data"]
        assert data["messageIds"] == sent and data["recipient"] == world.bobs | {"name": ""}
        assert data["chat"] == world.bobs | {"type": "private"}


def test_a_damaged_message_is_asked_for_again(world):
    who = world.linked()
    sent, event = received(world, who, {"conversation": "whole"}, "text", garble=True)
    assert event["data"]["id"] == sent and event["data"]["message"]["content"] == "whole"


@pytest.mark.parametrize("restarts", [False, True])
def test_what_a_phone_could_not_read_is_sent_again(world, restarts):
    who = world.linked()
    send(world, who, "text", message="first", linkPreview=False)
    world.mock.do("forget", phone=world.bob)
    world.mock.do("mute", phone=world.bob)  # it asks only when it is told to
    sent = send(world, who, "text", message="again", linkPreview=False)
    if restarts:
        world.restart()
        world.resume(who)
    world.by_bob("retry", id=sent["id"])
    assert read_by_bob(world, sent)["extendedTextMessage"]["text"] == "again"
    told = world.store.wait_event(who, "message.status", lambda d: d["status"] == "retry")
    assert told["data"]["messageIds"] == [sent["id"]]


@pytest.mark.parametrize("message,kind,part", [
    ({"locationMessage": {"degreesLatitude": -23.5, "degreesLongitude": -46.5, "name": "Office", "address": "Av. 1"}},
     "location", {"content": "Office", "location": {"latitude": -23.5, "longitude": -46.5, "name": "Office",
                                                     "address": "Av. 1", "live": False}}),
    ({"contactMessage": {"displayName": "Bia", "vcard": "BEGIN:VCARD\nTEL;waid=5511977770000:+55 11\nEND:VCARD"}},
     "contact", {"content": "Bia", "contact": {"display_name": "Bia", "phone_number": "5511977770000", "vcard":
                                               "BEGIN:VCARD\nTEL;waid=5511977770000:+55 11\nEND:VCARD"}}),
    ({"reactionMessage": {"key": {"fromMe": False, "id": "3EB0"}, "text": "👍"}},
     "reaction", {"content": "👍", "reaction": {"text": "👍", "emoji": "👍", "message_id": "3EB0",
                                               "messageId": "3EB0", "fromMe": True, "participant": None}}),
    ({"pollCreationMessage": {"name": "Lunch?", "options": [{"optionName": "Pizza"}, {"optionName": "Salad"}],
                              "selectableOptionsCount": 1}},
     "poll", {"content": "Lunch?", "poll": {"title": "Lunch?", "options": [{"name": "Pizza"}, {"name": "Salad"}],
                                            "maxAnswer": 1}}),
    ({"protocolMessage": {"type": "REVOKE", "key": {"id": "3EB0", "fromMe": True}}}, "message_revoke",
     {"content": "", "revoke": {"original_id": "3EB0", "byAdmin": False}}),
    ({"protocolMessage": {"type": "MESSAGE_EDIT", "key": {"id": "3EB0", "fromMe": True},
                          "editedMessage": {"conversation": "new"}}}, "message_edit",
     {"content": "new", "isEdit": True, "edit": {"original_id": "3EB0", "text": "new"}}),
    ({"buttonsResponseMessage": {"selectedButtonId": "yes", "selectedDisplayText": "Yes",
                                 "contextInfo": {"stanzaId": "3EB0"}}}, "buttons_response",
     {"interactive": {"selectedButtonId": "yes", "title": "Yes", "message_id": "3EB0"}}),
    ({"listResponseMessage": {"title": "B", "description": "10", "singleSelectReply": {"selectedRowId": "b"},
                              "contextInfo": {"stanzaId": "3EB0"}}}, "list_response",
     {"content": "B", "interactive": {"selectedRowId": "b", "selectedReply": {"selectedRowID": "b"}, "title": "B",
                                      "description": "10", "message_id": "3EB0"}}),
    ({"orderMessage": {"orderId": "1"}}, "unsupported", {"content": "", "rawType": "orderMessage"}),
])
def test_each_kind_comes_in(world, message, kind, part):
    who = world.linked()
    _, event = received(world, who, message, kind)
    shown = event["data"]["message"]
    if kind == "message_revoke":
        assert shown["revoke"].pop("by") == world.bobs["jid"]
    assert {key: shown[key] for key in part} == part


@pytest.mark.parametrize("kind,arguments,name,part", [
    ("location", {"latitude": -23.5, "longitude": -46.5, "name": "Office", "address": "Av. 1"}, "locationMessage",
     {"degreesLatitude": -23.5, "name": "Office"}),
    ("contact", {"contacts": [{"fullName": "Bia", "phone": "5511", "vcard": "BEGIN:VCARD\nEND:VCARD"}]},
     "contactMessage", {"displayName": "Bia"}),
    ("reaction", {"messageId": "3EB0", "reaction": "👍", "fromMe": False, "participant": None}, "reactionMessage",
     {"text": "👍"}),
    ("poll", {"question": "Lunch?", "options": ["Pizza", "Salad"], "maxAnswer": 1}, "pollCreationMessage",
     {"name": "Lunch?"}),
    ("edit", {"messageId": "3EB0", "content": "new"}, "editedMessage", {}),
    ("revoke", {"messageId": "3EB0", "sender": "", "fromMe": True, "deleteForEveryone": True}, "protocolMessage",
     {"type": "REVOKE"}),
])
def test_each_kind_goes_out(world, kind, arguments, name, part):
    who = world.linked()
    data = send(world, who, kind, **arguments)
    told = world.store.of(who, "message.exchange")[0]["data"]
    assert told == data
    assert data["message"]["type"] == {"edit": "message_edit", "revoke": "message_revoke"}.get(kind, kind)
    last = world.mock.inbox(world.bob)[-1]["message"]
    found = last[next(n for n in last if n.lower().startswith(name.lower()))]
    assert {key: found[key] for key in part} == part


FILE = os.urandom(300_000)


@pytest.mark.parametrize("kind,mime,more", [
    ("image", "image/jpeg", {"caption": "The shelf", "width": 8, "height": 6}),
    ("video", "video/mp4", {"seconds": 3}),
    ("audio", "audio/ogg; codecs=opus", {"ptt": True, "seconds": 5}),
    ("document", "application/pdf", {"fileName": "a.pdf"}),
    ("sticker", "image/webp", {}),
])
def test_media_come_in_and_are_fetched_whole(world, kind, mime, more):
    who = world.linked()
    world.by_bob("media", type=kind, mimetype=mime, data=base64.b64encode(FILE).decode(), **more)
    event = world.store.wait_event(who, "message.exchange", lambda d: d["message"]["type"] == kind)
    media = event["data"]["message"]["media"]
    assert media["type"] == ("ptt" if kind == "audio" else kind) and media["mimeType"] == mime
    assert media["size"] == len(FILE) and media["sha256"] == hashlib.sha256(FILE).hexdigest()
    found, files = world.gateway.call("connector.media", who, event["mediaKey"])
    assert found["size"] == len(FILE) and found["mimeType"] == mime
    with os.fdopen(files[found["file"]], "rb") as file:
        assert os.pread(file.fileno(), found["size"] + 1, 0) == FILE


def file_of(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(FILE)
    return path.open("rb")


@pytest.mark.parametrize("passed", ["base64", "descriptor"])
@pytest.mark.parametrize("kind,mime", [("image", "image/jpeg"), ("video", "video/mp4"), ("audio", "audio/ogg"),
                                       ("document", "application/pdf")])
def test_media_go_out_and_are_read_whole(world, kind, mime, passed, tmp_path):
    who = world.linked()
    arguments = {"mediaType": kind, "mimeType": mime, "mediaSize": len(FILE), "fileName": "a", "message": "x",
                 "isVoice": kind == "audio", "duration": None, "waveform": None, "mediaUrl": None}
    with file_of(tmp_path) as file:
        if passed == "base64":
            data = send(world, who, "media", mediaBase64=base64.b64encode(FILE).decode(), **arguments)
        else:
            data = send(world, who, "media", mediaFile=0, files=[file.fileno()], **arguments)
    assert data["message"]["media"]["sha256"] == hashlib.sha256(FILE).hexdigest()
    whole = {"size": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}
    assert world.mock.do("openmedia", phone=world.bob) == whole


@pytest.mark.parametrize("animated", [False, True])
def test_a_sticker_goes_out_and_is_read_whole(world, animated):
    who = world.linked()
    file = webp(512, 512, animated)
    data = send(world, who, "sticker", mediaType="image", mimeType="image/webp", mediaSize=len(file),
                mediaBase64=base64.b64encode(file).decode(), fileName="a.webp", message="",
                reply={"messageId": "3EB0", "senderJid": world.bobs["jid"], "text": "Yes", "fromMe": False})
    media = data["message"]["media"]
    assert data["message"]["type"] == media["type"] == "sticker" and media["isAnimated"] is animated
    assert (media["mimeType"], media["width"], media["height"]) == ("image/webp", 512, 512)
    whole = {"size": len(file), "sha256": hashlib.sha256(file).hexdigest()}
    assert world.mock.do("openmedia", phone=world.bob) == whole
    read = read_by_bob(world, data)["stickerMessage"]
    assert read["isAnimated"] is animated and read["contextInfo"]["stanzaId"] == "3EB0"


@pytest.mark.parametrize("file", [webp(512, 511, False), FILE, b""], ids=["too-low", "no-webp", "nothing"])
def test_what_is_no_sticker_is_unsupported(world, file):
    who = world.linked()
    with pytest.raises(Failure) as failure:
        send(world, who, "sticker", mediaType="image", mimeType="image/png",
             mediaBase64=base64.b64encode(file).decode())
    assert (failure.value.code, failure.value.sentence) == (
        "unsupported", "Only WebP of 512 x 512 pixels can be sent as a sticker")
    assert not world.store.of(who, "message.exchange")


@pytest.mark.parametrize("length", [0, None])
def test_a_file_whose_length_was_not_said_is_fetched(world, length):
    who = world.linked()
    world.by_bob("media", type="document", mimetype="text/plain", data=base64.b64encode(FILE).decode(),
                  fileLength=length)
    event = world.store.wait_event(who, "message.exchange")
    assert event["data"]["message"]["media"]["size"] is None
    found, files = world.gateway.call("connector.media", who, event["mediaKey"])
    assert found["size"] == len(FILE)
    with os.fdopen(files[found["file"]], "rb") as file:
        assert os.pread(file.fileno(), found["size"] + 1, 0) == FILE


def test_a_file_that_is_longer_than_was_said_is_refused(world):
    who = world.linked()
    world.by_bob("media", type="image", data=base64.b64encode(FILE).decode(),
                  fileLength=10)
    event = world.store.wait_event(who, "message.exchange")
    with pytest.raises(Failure) as failure:
        world.gateway.call("connector.media", who, event["mediaKey"])
    assert failure.value.code == "tooLarge"


def test_media_that_are_gone_are_an_error(world):
    who = world.linked()
    with pytest.raises(Failure) as failure:
        world.gateway.call("connector.media", who, "{}")
    assert failure.value.code == "notFound"


def test_an_operation_that_is_not_there_is_unsupported(world):
    who = world.linked()
    kinds = ("button", "list", "carousel", "form", "event", "pix")
    others = ("chat.forward", "chat.favorite", "call.fake", "call.audio", "nothing")
    for name in (*(f"message.{kind}" for kind in kinds), *others):
        with pytest.raises(Failure) as failure:
            world.gateway.perform(who, name, chat=world.bobs["jid"])
        assert failure.value.code == "unsupported"


def test_numbers_are_found_the_likeliest_first(world):
    who = world.linked()
    found = world.gateway.perform(who, "number.find", numbers=["15550009999", world.bob])
    assert found == {"jid": world.bobs["jid"]}
    found = world.gateway.perform(who, "number.findAll", people=[[world.bob], ["15550009999"]])
    assert found == {"jids": [world.bobs["jid"], None]}
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "number.find", numbers=["15550009999"])
    assert (failure.value.code, failure.value.sentence) == ("invalid", "Number is not registered on WhatsApp")


def refusing(world):
    """Lets the gateway refuse messages; set when it has."""
    refused = threading.Event()

    def refuse(events):
        if events[0]["type"] == "message.exchange":
            refused.set()
            raise Failure({"code": "unavailable", "sentence": "not now"})

    world.gateway.refuse = refuse
    return refused


def test_a_message_is_acknowledged_when_the_gateway_has_it_and_not_before(world):
    who = world.linked()
    refused = refusing(world)
    sent = world.by_bob("message", message={"conversation": "precious"})["id"]
    assert refused.wait(60)
    assert world.mock.do("pending", phone=world.me)["ids"] == [sent]
    world.gateway.refuse = None
    world.store.wait_event(who, "message.exchange", lambda d: d["id"] == sent)
    world.mock.do("acknowledged", phone=world.me)


def test_a_message_that_was_not_accepted_outlives_the_process(world):
    who = world.linked()
    refused = refusing(world)
    sent = world.by_bob("message", message={"conversation": "precious"})["id"]
    assert refused.wait(60)
    world.restart()
    world.resume(who)
    event = world.store.wait_event(who, "message.exchange")
    assert event["data"]["id"] == sent and event["data"]["message"]["content"] == "precious"


def test_what_was_sent_and_not_told_of_is_told_after_a_restart_under_the_same_id(world):
    who = world.linked()
    held = refusing(world)
    gateway = world.gateway
    number = gateway.begin("connector.perform", who, "message.text",
                           {"chat": world.bobs["jid"], "source": "api", "message": "once", "linkPreview": False,
                            "id": "3EB0ONCE"})
    assert held.wait(60)
    world.restart()
    with pytest.raises(Gone):
        gateway.end(number)
    world.resume(who)
    event = world.store.wait_event(who, "message.exchange")
    assert event["data"]["id"] == "3EB0ONCE" and event["data"]["message"]["source"] == "api"
    assert {m["id"] for m in world.mock.inbox(world.bob)} == {"3EB0ONCE"}
