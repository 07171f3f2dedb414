"""Messages that are edited, deleted, read, made favorites and sent on, against the simulator."""

import itertools

import pytest
from client import assert_refused
from deliveries import SERVER_ENV as TO_LOOPBACK
from deliveries import message
from phones import ANA, BIA, GROUP, NOBODY, OWN, PNG, Phone, assert_needs_a_link
from pombo_server import until
from receivers import Receiver

SERVER_ENV = TO_LOOPBACK
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def phone(api, fresh):
    return Phone(api, fresh("chat"))


def sent(phone, text="Hello", number=ANA, **fields):
    """The id of a text of ours, which is kept."""
    data = phone.told("POST message/text", number=number, message=text, **fields)["data"]
    assert until(lambda: phone.ask("GET chat/getMessage", messageId=data["messageId"]).status == 200)
    return data["messageId"]


def received(phone, data=None):
    """The id of a text of Ana's, which is kept."""
    data = data or message(chat=ANA)
    phone.happens(data)
    assert until(lambda: phone.ask("GET chat/getMessage", messageId=data["id"]).status == 200)
    return data["id"]


def kept(phone, id):
    return phone.told("GET chat/getMessage", messageId=id)["data"]


def group_message():
    return message(chat=GROUP) | {"chat": {"jid": GROUP, "type": "group", "name": "Team"},
                                  "sender": {"jid": ANA, "name": "Ana"}}


# What can be read late ------------------------------------------------------------------------


def test_what_can_be_read_late_takes_the_place_of_what_could_not(api, fresh):
    phone = Phone(api, fresh("chat"))
    hidden = message(chat=ANA)
    hidden["message"] = {"type": "unavailable", "content": "", "rawType": "view_once"}
    id = received(phone, hidden)
    assert kept(phone, id)["messageType"] == "unavailable"

    def happens(sender=ANA, **content):
        phone.happens(hidden | {"sender": hidden["sender"] | {"jid": sender}, "message": content})

    happens(sender=BIA, type="unsupported", rawType="x", content="I am Ana")
    happens(type="text", content="At last")
    assert until(lambda: kept(phone, id)["messageType"] == "text")
    assert kept(phone, id)["content"] == "At last"
    shown = phone.told("GET instance/metrics")["metrics"]
    assert {word: n for word, n in shown["messagesByType"].items() if n} == {"text": 1}
    assert shown["messagesReceived"] == 1


# Editing --------------------------------------------------------------------------------------


def test_an_edit(api, fresh):
    phone = Phone(api, fresh("chat"))
    id = sent(phone)
    assert phone.told("POST chat/edit", messageId=id, content="Good evening") == {
        "success": True, "message": "Message edited successfully", "message_id": id,
        "chat_jid": ANA, "content": "Good evening"}
    assert (kept(phone, id)["content"], kept(phone, id)["isEdited"]) == ("Good evening", True)
    with Receiver() as crm:
        phone.webhook(crm.url, events=["message.exchange"])
        for content in ("Good night", "Once more"):
            phone.told("POST chat/edit", messageId=id, content=content)
        crm.wait(2)
    kept_last = received(phone)  # after what was told of the edits
    assert kept(phone, kept_last) and kept(phone, id)["content"] == "Once more"


def test_what_is_edited_and_revoked_is_told(api, fresh):
    phone = Phone(api, fresh("chat"))
    with Receiver() as crm:
        phone.webhook(crm.url, events=["message.exchange"])
        id = sent(phone)
        phone.told("POST chat/edit", messageId=id, content="Good evening")
        phone.told("DELETE chat/delete", messageId=id, deleteForEveryone=True)
        told = sorted((each.json["data"] for each in crm.wait(3)),
                      key=lambda data: data["message"]["type"])
    edit, revoke, _ = told
    assert edit["id"] != id
    assert edit["message"] == {
        "type": "message_edit", "content": "Good evening", "source": "api", "isEdit": True,
        "edit": {"original_id": id, "text": "Good evening"}, **dict.fromkeys((
            "media", "context", "location", "contact", "reaction", "interactive"))}
    assert revoke["id"] == id
    assert revoke["message"] == {
        "type": "message_revoke", "content": "", "source": "api", "isEdit": False,
        "revoke": {"original_id": id, "by": OWN, "byAdmin": False}, **dict.fromkeys((
            "media", "context", "edit", "location", "contact", "reaction", "interactive"))}
    for data in told:
        assert (data["direction"], data["chat"]["jid"], data["sender"]["jid"]) == \
            ("outgoing", ANA, OWN)


def test_what_cannot_be_edited(phone):
    phone.refused(400, "messageId is required", "POST chat/edit", content="x")
    phone.refused(400, "content is required", "POST chat/edit", messageId="x")
    phone.refused(400, "content is required", "POST chat/edit", messageId="x", content=" ")
    phone.refused(400, "Invalid request body: The 'content' field must be a string",
                  "POST chat/edit", messageId="x", content=[])
    phone.refused(404, "message not found", "POST chat/edit", messageId="3EB0NONE", content="x")
    own = "you can only edit your own text messages"
    phone.refused(400, own, "POST chat/edit", messageId=received(phone), content="x")
    place = phone.told("POST message/location", number=ANA, latitude=1, longitude=1, name="a",
                       address="b")["data"]["messageId"]
    phone.refused(400, own, "POST chat/edit", messageId=place, content="x")
    old = message(chat=ANA) | {"direction": "outgoing", "timestamp": "2026-01-01T00:00:00Z",
                               "sender": {"jid": OWN, "name": ""}}
    phone.refused(400, "message is too old to edit (15 minutes)", "POST chat/edit",
                  messageId=received(phone, old), content="x")


def test_a_text_can_be_edited_for_fifteen_minutes(phone, server):
    id = sent(phone)
    server.store.execute("UPDATE messages_kept SET at = '2026-11-01T00:00:00Z' "
                         f"WHERE id = '{id}'")
    phone.refused(400, "message is too old to edit (15 minutes)", "POST chat/edit", messageId=id,
                  content="x")


# Deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("everyone, said, kind", [
    (True, "Message deleted for everyone", "revoke"),
    (False, "Message deleted for me", "delete_for_me"),
    (None, "Message deleted for me", "delete_for_me")])
def test_a_deletion(phone, everyone, said, kind):
    id = sent(phone)
    assert phone.told("DELETE chat/delete", messageId=id, deleteForEveryone=everyone) == {
        "success": True, "message": said, "message_id": id, "chat_jid": ANA, "delete_type": kind}
    assert kept(phone, id)["isDeleted"]
    phone.refused(404, "message not found", "DELETE chat/delete", messageId=id)
    phone.refused(404, "message not found", "POST chat/edit", messageId=id, content="x")


def test_a_deletion_may_stand_in_the_query(phone):
    id = sent(phone)
    reply = phone.api.call("DELETE", f"/api/chat/delete/{phone.segment}?messageId={id}"
                                     "&deleteForEveryone=true")
    assert (reply.status, reply.json["delete_type"]) == (200, "revoke")


def test_what_cannot_be_deleted(phone):
    for none in ({}, {"messageId": ""}, {"messageId": " "}, {"messageId": None}):
        phone.refused(400, "MessageID is required", "DELETE chat/delete", **none)
    phone.refused(404, "message not found", "DELETE chat/delete", messageId="3EB0NONE")
    phone.refused(400, "Invalid request body: The 'deleteForEveryone' field must be a boolean",
                  "DELETE chat/delete", messageId="x", deleteForEveryone="x")
    phone.refused(400, "you can only revoke your own messages", "DELETE chat/delete",
                  messageId=received(phone), deleteForEveryone=True)


def test_admins_revoke_what_others_have_written(phone):
    team = phone.told("POST group/create", 201, name="Team", participants=[ANA])["group"]["jid"]
    own = group_message()
    own["chat"]["jid"] = team
    id = received(phone, own)
    told = phone.told("DELETE chat/delete", messageId=id, deleteForEveryone=True)
    assert (told["chat_jid"], told["delete_type"]) == (team, "revoke")


# Reading --------------------------------------------------------------------------------------


def status(phone, id):
    return phone.told("GET chat/status", messageId=id)["status"]


def test_a_message_is_read(phone):
    id = received(phone)
    assert status(phone, id) == "received"
    assert phone.told("POST chat/markRead", messageId=id) == {
        "success": True, "message": "Message marked as read successfully", "message_id": id,
        "chat_jid": ANA}
    assert until(lambda: status(phone, id) == "read")


def test_a_message_that_nobody_keeps_is_read_too(phone):
    told = phone.told("POST chat/markRead", messageId="3EB0NONE", number="+55 11 98888-0000")
    assert told["chat_jid"] == ANA
    told = phone.told("POST chat/markRead", messageId="3EB0NONE", number=GROUP, sender=BIA)
    assert told["chat_jid"] == GROUP


def test_in_groups_it_has_an_author(phone):
    phone.refused(400, "sender is required for group messages", "POST chat/markRead",
                  messageId="3EB0NONE", number=GROUP)
    phone.refused(400, "Invalid number: Ana", "POST chat/markRead", messageId="3EB0NONE",
                  number=GROUP, sender="Ana")
    phone.refused(400, f"Invalid number: {GROUP}", "POST chat/markRead", messageId="3EB0NONE",
                  number=ANA, sender=GROUP)
    id = received(phone, group_message())
    phone.told("POST chat/markRead", messageId=id, number=GROUP)
    assert until(lambda: status(phone, id) == "read")


def test_what_cannot_be_read(phone):
    phone.refused(400, "messageId is required", "POST chat/markRead", number=ANA)
    phone.refused(400, "Number is required", "POST chat/markRead", messageId="3EB0NONE")
    phone.refused(400, "Invalid number: Ana", "POST chat/markRead", messageId="x", number="Ana")
    phone.refused(400, "Number is not registered on WhatsApp", "POST chat/markRead",
                  messageId="x", number=NOBODY)


# Favorites ------------------------------------------------------------------------------------


def test_favorites(phone):
    id = sent(phone)
    usual = {"success": True, "message": "Favorite updated successfully", "chat_jid": ANA}
    of_chat = {"type": "chat", "message_id": None}
    of_message = {"type": "message", "message_id": id}
    assert phone.told("POST chat/favorite", number="+55 11 98888-0000") == \
        usual | of_chat | {"favorite": True}
    assert phone.told("POST chat/favorite", number=ANA, favorite=False) == \
        usual | of_chat | {"favorite": False}
    assert phone.told("POST chat/favorite", messageId=id) == usual | of_message | {"favorite": True}
    assert phone.told("POST chat/favorite", messageId=id, number=BIA, favorite=False) == \
        usual | of_message | {"favorite": False}


def test_what_cannot_be_a_favorite(phone):
    phone.refused(400, "Either number or messageId is required", "POST chat/favorite")
    phone.refused(400, "Either number or messageId is required", "POST chat/favorite", number="",
                  messageId="")
    phone.refused(404, "Message not found", "POST chat/favorite", messageId="3EB0NONE")
    phone.refused(400, "Invalid number: Ana", "POST chat/favorite", number="Ana")
    phone.refused(400, "Invalid request body: The 'favorite' field must be a boolean",
                  "POST chat/favorite", number=ANA, favorite="yes")


# Forwarding -----------------------------------------------------------------------------------


def forwarded(phone, id, to=BIA):
    told = phone.told("POST chat/forward", messageId=id, number=to)
    data = told.pop("data")
    assert told == {"success": True, "message": "Message forwarded successfully", "status": "sent"}
    assert data.pop("timestamp") and data["messageId"] != id
    return data


def test_a_text_is_sent_on(phone):
    data = forwarded(phone, received(phone))
    id = data.pop("messageId")
    assert data == {"messageType": "text", "direction": "outgoing", "content": "hi",
                    "source": "api", "chat": {"jid": BIA, "lid": None, "type": "private"},
                    "sender": {"jid": OWN}}
    assert kept(phone, id)["content"] == "hi"
    assert forwarded(phone, sent(phone), GROUP)["chat"]["groupName"] == "Simulated group"


def test_a_file_is_sent_on(phone):
    first = phone.told("POST message/media", number=ANA, mediaType="image", mediaBase64=PNG,
                       message="The shelf", fileName="a.png")["data"]
    assert until(lambda: phone.ask("GET chat/base64", messageId=first["messageId"]).status == 200)
    data = forwarded(phone, first["messageId"])
    for key in ("messageType", "content", "mediaMimeType", "mediaSize", "fileName"):
        assert data[key] == first[key], key
    assert data["mediaUrl"] is None
    assert until(lambda: phone.ask("GET chat/base64", messageId=data["messageId"]).status == 200)
    assert phone.told("GET chat/base64", messageId=data["messageId"])["base64"] == PNG


def test_contacts_are_sent_on(phone):
    first = phone.told("POST message/contact", number=ANA,
                       vcard={"fullName": "Bia", "phone": "5511977770000"})["data"]
    assert forwarded(phone, first["messageId"])["vcard"] == first["vcard"]
    several = phone.told("POST message/contact", number=ANA, vcard=[
        {"fullName": "Bia", "phone": "5511977770000"},
        {"fullName": "Ana", "phone": "5511988880000"}])["data"]
    assert len(several["vcard"]) == 2
    assert forwarded(phone, several["messageId"])["vcard"] == several["vcard"]


def test_a_poll_is_sent_on(phone):
    first = phone.told("POST message/poll", number=ANA, question="Lunch?",
                       options=["Pizza", "Salad"], maxAnswer=2)["data"]
    assert forwarded(phone, first["messageId"])["poll"] == first["poll"] == {
        "question": "Lunch?", "options": ["Pizza", "Salad"], "maxAnswer": 2}


def test_a_file_that_is_gone_is_not_sent_on(phone, server):
    id = phone.told("POST message/media", number=ANA, mediaType="image",
                    mediaBase64=PNG)["data"]["messageId"]
    assert until(lambda: phone.ask("GET chat/base64", messageId=id).status == 200)
    server.store.execute(f"UPDATE messages_kept SET media_key = '' WHERE id = '{id}'")
    phone.refused(404, "Message not found or no media available", "POST chat/forward",
                  messageId=id, number=BIA)


def test_what_cannot_be_sent_on(phone):
    id = sent(phone)
    phone.refused(400, "Number is required", "POST chat/forward", messageId=id)
    phone.refused(400, "messageId is required", "POST chat/forward", number=BIA)
    phone.refused(400, "Invalid number: Bia", "POST chat/forward", messageId=id, number="Bia")
    phone.refused(400, "Number is not registered on WhatsApp", "POST chat/forward", messageId=id,
                  number=NOBODY)
    phone.refused(404, "Message not found", "POST chat/forward", messageId="3EB0NONE", number=BIA)
    reaction = phone.told("POST message/reaction", number=ANA, messageId=id,
                          reaction="👍")["data"]["messageId"]
    phone.refused(400, "This message cannot be forwarded", "POST chat/forward",
                  messageId=reaction, number=BIA)
    phone.told("DELETE chat/delete", messageId=id)
    phone.refused(400, "This message cannot be forwarded", "POST chat/forward", messageId=id,
                  number=BIA)


# All of them ----------------------------------------------------------------------------------

ROUTES = {"POST chat/edit": {"messageId": "x", "content": "x"},
          "DELETE chat/delete": {"messageId": "x"},
          "POST chat/markRead": {"messageId": "x", "number": ANA},
          "POST chat/favorite": {"number": ANA},
          "POST chat/forward": {"messageId": "x", "number": ANA}}


def test_only_a_connected_instance_changes_messages(api, fresh):
    assert_needs_a_link(api, fresh("chat"), ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_malformed_json_says_why(phone, route):
    method, path = route.split()
    assert_refused(phone.api.call(method, f"/api/{path}/{phone.segment}", b"{"), 400,
                   "Invalid request body: incomplete JSON")


def test_a_deleted_chat_has_no_history(api, fresh):
    phone = Phone(api, fresh("chat"))
    id = sent(phone)
    sent(phone, number=BIA)
    phone.told("DELETE chat/deleteChat", number=ANA)
    phone.refused(404, "Message not found", "GET chat/getMessage", messageId=id)
    assert phone.told("POST chat/history", number=ANA)["messages"] == []
    assert phone.told("POST chat/history", number=BIA)["count"] == 1
