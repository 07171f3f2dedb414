"""What a phone had before it was linked: kept, and its messages told to clients where that is wanted."""

from datetime import datetime, timedelta, timezone

import pytest
from client import Api
from deliveries import SERVER_ENV, message
from phones import ANA, Phone
from pombo_server import Server, until
from receivers import Receiver


def old(text, days=1):
    at = datetime.now(timezone.utc) - timedelta(days)
    return message(text) | {"isHistory": True, "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ")}


@pytest.mark.parametrize("told", [False, True], ids=["kept", "told"])
def test_a_history_is_kept_whether_or_not_it_is_told(tmp_path, told):
    env = SERVER_ENV | {"POMBO_EVENTS_HISTORY": str(told).lower(),
                        "POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT": "1"}
    with Receiver() as crm, Server(data_dir=tmp_path, env=env) as server:
        phone = Phone(Api(server, server.account("shop")), "shop")
        phone.webhook(crm.url, events=["message.exchange", "label.update"])
        phone.happens({"type": "edit", "labelId": "7", "name": "Paid", "color": 3, "deleted": False,
                       "action": "edited", "isHistory": True}, "label.update")
        first = old("Long ago")
        phone.happens(first)
        phone.happens(first)
        phone.happens(old("Less long ago") | {"direction": "outgoing"})
        phone.happens(old("Longer ago than anything is kept", days=31))
        phone.happens(message("Now"))
        assert until(lambda: len(phone.told("POST chat/history", number=ANA)["messages"]) == 3)
        kept = phone.told("POST chat/history", number=ANA)["messages"]
        assert {(each["content"], each["status"]) for each in kept} == {
            ("Now", "received"), ("Less long ago", "sent"), ("Long ago", "received")}
        assert until(lambda: phone.told("GET instance/metrics")["metrics"]["totalMessages"] == 3)
        assert [each["name"] for each in phone.told("GET chat/tag")["tags"]] == ["Paid"]
        posted = [each.json["data"] for each in crm.wait(4 if told else 1)]
        assert [(each["message"]["content"], each.get("isHistory", False)) for each in posted] == (
            [("Long ago", True), ("Less long ago", True), ("Longer ago than anything is kept", True)]
            if told else []) + [("Now", False)]


def test_what_comes_after_its_history_is_told(tmp_path):
    with Receiver() as crm, Server(data_dir=tmp_path, env=SERVER_ENV) as server:
        phone = Phone(Api(server, server.account("shop")), "shop")
        phone.webhook(crm.url, events=["message.exchange"])
        first = old("Hello")
        phone.happens(first)
        assert until(lambda: len(phone.told("POST chat/history", number=ANA)["messages"]) == 1)
        del first["isHistory"]
        phone.happens(first)
        phone.happens(first)
        phone.happens(message("Now"))
        assert [each.json["data"]["message"]["content"] for each in crm.wait(2)] == ["Hello", "Now"]
        assert until(lambda: phone.told("GET instance/metrics")["metrics"]["totalMessages"] == 2)
