"""What settings do when something happens, with the simulator as the connector."""

import pytest
from deliveries import SERVER_ENV as TO_LOOPBACK
from deliveries import message
from phones import ANA, GROUP, OWN, Phone
from pombo_server import until
from receivers import Receiver

SERVER_ENV = TO_LOOPBACK


@pytest.fixture
def crm():
    with Receiver() as started:
        yield started


def phone_with(api, fresh, crm, events, **settings):
    return Phone(api, fresh("set"), webhookEnabled=True, webhookURL=crm.url, webhookEvents=events,
                 **settings)


def call(phone, **fields):
    return phone.told("POST simulator/call", **{"from": "5511988880000", "name": "Ana"} | fields)[
        "callId"]


def told(crm, count):
    return [each.json["data"] for each in crm.wait(count)]


def test_calls_are_rejected(api, fresh, crm):
    phone = phone_with(api, fresh, crm, ["call.update", "message.exchange"], autoRejectCalls=True,
                       callRejectMessage="No calls, please")
    id = call(phone)
    assert call(phone, callId=id) == id  # it rings once more
    call(phone, callId=id, type="terminated")
    calls, texts = [], []
    for data in told(crm, 5):
        (calls if "callId" in data else texts).append(data)
    assert sorted(data["type"] for data in calls) == ["offer", "offer", "rejected", "terminated"]
    [rejected] = [data for data in calls if data["type"] == "rejected"]
    offer = next(data for data in calls if data["type"] == "offer")
    assert rejected == offer | {"type": "rejected", "status": "rejected", "autoRejected": True,
                                "timestamp": rejected["timestamp"]}
    [text] = texts
    assert (text["chat"]["jid"], text["message"]["content"], text["direction"]) == \
        (ANA, "No calls, please", "outgoing")


def test_calls_are_rejected_without_a_word(api, fresh, crm):
    phone = phone_with(api, fresh, crm, ["call.update", "message.exchange"], autoRejectCalls=True)
    call(phone)
    call(phone, isVideo=True)
    assert [data["autoRejected"] for data in told(crm, 4)].count(True) == 2
    phone.happens(message())  # comes after whatever was sent
    assert told(crm, 5)[-1]["direction"] == "incoming"


def test_calls_come_through_otherwise(api, fresh, crm):
    phone = phone_with(api, fresh, crm, ["call.update"], callRejectMessage="No calls, please")
    call(phone)
    call(phone, type="accepted")
    assert sorted(data["type"] for data in told(crm, 2)) == ["accepted", "offer"]
    assert not any(data["autoRejected"] for data in told(crm, 2))


def test_messages_are_read(api, fresh, crm):
    phone = phone_with(api, fresh, crm, ["message.status"], autoReadMessages=True)
    data, edit = message(chat=ANA), message(chat=ANA)
    edit["message"] = {"type": "message_edit", "content": "x", "isEdit": True,
                       "edit": {"original_id": data["id"], "text": "x"}}
    in_group = message(chat=GROUP) | {"chat": {"jid": GROUP, "type": "group"},
                                      "sender": {"jid": ANA, "name": "Ana"}}
    story = message(chat="status@broadcast") | {
        "chat": {"jid": "status@broadcast", "type": "status"}, "sender": {"jid": ANA, "name": ""}}
    for each in (story, data, edit, in_group):
        phone.happens(each)
    receipts = {receipt["messageIds"][0]: receipt for receipt in told(crm, 2)}
    assert set(receipts) == {data["id"], in_group["id"]}
    assert {receipt["status"] for receipt in receipts.values()} == {"read_self"}
    assert receipts[in_group["id"]]["messageSender"] == ANA
    assert receipts[data["id"]]["recipient"]["jid"] == OWN
    # Once it is kept, which its receipt may be told before.
    assert until(lambda: phone.ask("GET chat/status", messageId=data["id"]).json.get("status") == "read")


def test_messages_stay_unread_otherwise(api, fresh, crm):
    phone = phone_with(api, fresh, crm, ["message.status", "message.exchange"])
    unread, data = message(chat=ANA), message(chat=ANA)
    for each in (unread, data):
        phone.happens(each)
    assert until(lambda: phone.ask("GET chat/status", messageId=data["id"]).status == 200)
    phone.told("POST chat/markRead", messageId=data["id"])
    receipts = [each["messageIds"] for each in told(crm, 3) if "status" in each]
    assert receipts == [[data["id"]]]


def connection(phone):
    [listed] = phone.api.listed(f"?instanceName={phone.name}")
    return listed["connection"]["presenceStatus"], listed["connection"]["displayStatus"]


def test_an_instance_stays_online(api, fresh):
    phone = Phone(api, fresh("set"))
    phone.told("POST instance/settings", keepOnlineStatus=False)
    assert connection(phone) == ("unavailable", "Connected")
    phone.told("POST instance/settings", keepOnlineStatus=True)
    assert connection(phone) == ("available", "Online")
    phone.told("POST simulator/profile", available=False)
    phone.told("POST instance/reconnect")
    assert until(lambda: connection(phone) == ("available", "Online"))


def test_a_setting_is_taken_while_nobody_is_linked(api, fresh):
    phone = Phone(api, fresh("set"), linked=False)
    told = phone.told("POST instance/settings", keepOnlineStatus=True)
    assert told["settings"]["keepOnlineStatus"]


@pytest.mark.parametrize("setting, chat", [
    ("ignoreGroupMessages", {"jid": GROUP, "type": "group"}),
    ("ignoreStatus", {"jid": "status@broadcast", "type": "status"})])
def test_what_is_ignored_is_neither_told_nor_kept(api, fresh, crm, setting, chat):
    phone = phone_with(api, fresh, crm, ["message.exchange", "message.status"], **{setting: True})
    ignored, heard = message(chat=ANA) | {"chat": chat}, message(chat=ANA)
    phone.happens(ignored)
    phone.happens({"status": "read", "messageIds": ["x"], "chat": chat,
                   "recipient": {"jid": ANA, "name": ""}, "messageSender": OWN}, "message.status")
    if chat["type"] == "group":
        phone.told("POST message/text", number=GROUP, message="Hello")
    phone.happens(heard)
    assert [data["id"] for data in told(crm, 1)] == [heard["id"]]
    assert until(lambda: phone.ask("GET chat/getMessage", messageId=heard["id"]).status == 200)
    phone.refused(404, "Message not found", "GET chat/getMessage", messageId=ignored["id"])
    assert phone.told("POST chat/history", number=chat["jid"])["messages"] == []
    assert len(crm.seen) == 1
