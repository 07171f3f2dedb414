"""GET /api/instance/metrics/:instance: how many messages there were."""

import datetime
import itertools

import pytest
from deliveries import message
from phones import ANA, BIA, GROUP, PNG, Phone
from pombo_server import until

NOTHING = {
    "totalMessages": 0, "messagesReceived": 0, "messagesSent": 0, "messagesByType": {},
    "groupMessages": 0, "individualMessages": 0, "messagesWithMedia": 0, "mediaByType": {},
    "messagesByStatus": dict.fromkeys(
        ("pending", "sent", "delivered", "read", "played", "failed"), 0),
    "uniqueChats": 0, "uniqueGroups": 0, "uniqueContacts": 0, "messagesLast7Days": 0,
    "messagesLast30Days": 0, "firstMessageAt": None, "lastMessageAt": None}


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("metrics"))


def metrics(api, names):
    reply = api.get(f"/api/instance/metrics/{names}")
    assert reply.status == 200, reply
    assert reply.json == {"success": True, "message": "Metrics retrieved successfully",
                          "metrics": reply.json["metrics"]}
    shown = reply.json["metrics"]
    assert list(shown) == ["instance", *NOTHING]
    return shown


def days_ago(days):
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    return time.strftime("%Y-%m-%dT12:00:00Z")


def test_before_the_first_message(phone):
    assert metrics(phone.api, phone.name) == {"instance": phone.name} | NOTHING


def test_everything_is_counted_once(phone):
    first, last = days_ago(40), days_ago(0)
    phone.happens(message(chat=ANA) | {"timestamp": first})
    phone.happens(message(chat=ANA) | {"timestamp": days_ago(29)})
    phone.happens(message(chat=GROUP) | {"chat": {"jid": GROUP, "type": "group"},
                                         "timestamp": days_ago(6)})
    twice = message(chat=BIA) | {"timestamp": last}
    phone.happens(twice)
    phone.happens(twice)
    phone.told("POST message/media", number=BIA, mediaType="image", mediaBase64=PNG)
    phone.told("POST message/text", number="120363000000000000@newsletter", message="News")

    def shown():
        told = metrics(phone.api, phone.name)
        return told["totalMessages"] == 6 and told["messagesByStatus"]["read"] == 1 and told

    assert until(lambda: shown())
    told = shown()
    assert told.pop("lastMessageAt") >= last
    assert told == {
        "instance": phone.name, "totalMessages": 6, "messagesReceived": 4, "messagesSent": 2,
        "messagesByType": {"image": 1, "text": 5}, "groupMessages": 1, "individualMessages": 5,
        "messagesWithMedia": 1, "mediaByType": {"image": 1},
        "messagesByStatus": NOTHING["messagesByStatus"] | {"sent": 1, "read": 1},
        "uniqueChats": 4, "uniqueGroups": 1, "uniqueContacts": 2, "messagesLast7Days": 4,
        "messagesLast30Days": 5, "firstMessageAt": first}


def test_several_are_added_up(api, fresh):
    one, other = (Phone(api, fresh("metrics")) for _ in range(2))
    for phone, day in ((one, 3), (other, 20), (other, 1)):
        phone.happens(message(chat=ANA) | {"timestamp": days_ago(day)})
    empty = fresh("metrics")
    api.created(empty)
    both = f"{other.name},%20{one.name},{empty},{one.name}"
    assert until(lambda: metrics(api, both)["totalMessages"] == 3)
    assert metrics(api, both) == NOTHING | {
        "instance": both.replace("%20", " "), "totalMessages": 3, "messagesReceived": 3,
        "messagesByType": {"text": 3}, "individualMessages": 3, "uniqueChats": 2,
        "uniqueContacts": 2, "messagesLast7Days": 2, "messagesLast30Days": 3,
        "firstMessageAt": days_ago(20), "lastMessageAt": days_ago(1)}


def test_what_was_deleted_is_counted_still(phone):
    phone.happens(message(chat=ANA))
    assert until(lambda: metrics(phone.api, phone.name)["totalMessages"] == 1)
    phone.told("DELETE chat/deleteChat", number=ANA)
    assert metrics(phone.api, phone.name)["totalMessages"] == 1


def test_an_instances_own_token(phone, fresh):
    own = phone.api.as_(phone.token)
    assert metrics(own, f"{phone.name},{phone.name}")["totalMessages"] == 0
    other = fresh("metrics")
    phone.api.created(other)
    for names in itertools.permutations((phone.name, other)):
        reply = own.get("/api/instance/metrics/" + ",".join(names))
        assert (reply.status, reply.json["error"]["message"]) == \
            (403, "Instance token does not match the requested instance")


def test_a_name_of_letters_that_are_composed(api, fresh):
    name = fresh("é")
    api.created(name)
    assert metrics(api, name.replace("é", "e%CC%81"))["totalMessages"] == 0
    assert metrics(api, name.replace("é", "e%CC%81") + ",")["instance"] == name + ","
