"""What phones share among each other."""

import threading

import pytest

from gateway import Failure


@pytest.fixture
def who(world):
    """An instance whose phone shares what it knows."""
    linked = world.linked()
    world.mock.do("share", phone=world.me, name="Shop")
    return linked


@pytest.mark.parametrize("operation,arguments,index,value", [
    ("archive", {"archive": True}, "archive", {"archived": True}),
    ("pin", {"pin": True}, "pin_v1", {"pinned": True}),
    ("mute", {"mute": True, "duration": 0}, "mute", {"muted": True}),
    ("markChatRead", {"read": True}, "markChatAsRead", {"read": True}),
    ("deleteChat", {"deleteMedia": False}, "deleteChat", {}),
])
def test_a_chat_is_changed_on_all_phones(world, who, operation, arguments, index, value):
    world.gateway.perform(who, f"chat.{operation}", chat=world.bobs["jid"], **arguments)
    changes = {c["index"][0]: c for c in world.mock.do("shared", phone=world.me)["changes"]}
    assert changes[index]["index"][1].split("@")[0] in (world.bob, f"9{world.bob}")
    told = next(part for name, part in changes[index]["value"].items() if name.endswith("Action"))
    assert {key: told[key] for key in value} == value


GROUP = "120363000000000001@g.us"


@pytest.mark.parametrize("chat,from_me,index", [
    ("bob", True, ["1", "0"]), ("bob", False, ["0", "0"]), (GROUP, False, ["0", "bob"]), (GROUP, True, ["1", "0"])])
def test_a_message_is_deleted_on_the_phones_of_the_instance_alone(world, who, chat, from_me, index):
    bob = world.bobs["jid"]
    world.gateway.perform(who, "chat.delete", chat=bob if chat == "bob" else chat, messageId="3EB0AA", sender=bob,
                          fromMe=from_me, timestamp="2026-11-21T10:00:00Z", deleteForEveryone=False, source="api")
    change = world.mock.do("shared", phone=world.me)["changes"][-1]
    assert change["index"] == ["deleteMessageForMe", bob if chat == "bob" else chat, "3EB0AA",
                               *(bob if part == "bob" else part for part in index)]
    told = change["value"]["deleteMessageForMeAction"]
    assert int(told["messageTimestamp"]) == 1_795_255_200 and not told.get("deleteMedia")
    assert not world.mock.inbox(world.bob) and not world.store.of(who, "message.exchange")


def test_no_more_chats_are_pinned_than_phones_show(world, who):
    for number in range(3):
        world.gateway.perform(who, "chat.pin", chat=f"1555000000{number}@s.whatsapp.net", pin=True)
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "chat.pin", chat=world.bobs["jid"], pin=True)
    assert (failure.value.code, failure.value.sentence) == ("invalid", "Maximum of 3 pinned chats reached")
    world.gateway.perform(who, "chat.pin", chat="15550000000@s.whatsapp.net", pin=False)
    world.gateway.perform(who, "chat.pin", chat=world.bobs["jid"], pin=True)


def test_the_name_is_that_of_the_phone_and_may_be_changed(world, who):
    assert world.gateway.call("connector.profile", who)["name"] == "Shop"
    world.gateway.perform(who, "profile.account", profileName="Store")
    changes = world.mock.do("shared", phone=world.me)["changes"]
    assert changes[-1]["value"]["pushNameSetting"] == {"name": "Store"}


def test_an_instance_that_wants_it_is_shown_online(world, who):
    settings = {"autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False, "keepOnlineStatus": True,
                "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False}
    world.gateway.perform(who, "profile.account", profileName=f"Shop {world.me}")
    world.gateway.perform(who, "settings.apply", **settings)
    assert world.gateway.call("connector.profile", who)["available"]
    world.mock.do("heard", tag="presence", attrs={"type": "available", "name": f"Shop {world.me}"})


@pytest.mark.parametrize("index,action,told", [
    (["label_edit", "3"], {"labelEditAction": {"name": "VIP", "color": 2, "deleted": False}},
     {"type": "edit", "labelId": "3", "name": "VIP", "color": 2, "deleted": False, "action": "edited"}),
    (["label_edit", "3"], {"labelEditAction": {"name": "VIP", "color": 2, "deleted": True}},
     {"type": "edit", "labelId": "3", "name": "VIP", "color": 2, "deleted": True, "action": "deleted"}),
    (["label_jid", "3", "BOB"], {"labelAssociationAction": {"labeled": True}},
     {"type": "chat", "labelId": "3", "chatJid": "BOB", "action": "added", "labeled": True}),
    (["label_message", "3", "BOB", "3EB0", "0", "0"], {"labelAssociationAction": {"labeled": False}},
     {"type": "message", "labelId": "3", "chatJid": "BOB", "messageId": "3EB0", "action": "removed", "labeled": False}),
])
def test_labels_are_told_as_the_phone_changes_them(world, who, index, action, told):
    bob = world.bobs["jid"]
    world.gateway.perform(who, "chat.pin", chat=bob, pin=True)  # all that was there before has been taken in by then
    world.mock.do("change", phone=world.me, name="regular", index=[bob if part == "BOB" else part for part in index],
                  action={"timestamp": 1_700_000_000_000} | action)
    data = world.store.wait_event(who, "label.update")["data"]
    assert data == {"timestamp": "2023-11-14T22:13:20Z"} | {k: bob if v == "BOB" else v for k, v in told.items()}


@pytest.mark.parametrize("index,action,told", [
    (["deleteMessageForMe", "BOB", "3EB0", "0", "0"], {"deleteMessageForMeAction": {"deleteMedia": False}},
     {"messageId": "3EB0"}),
    (["clearChat", "BOB", "1", "0"], {"clearChatAction": {}}, {"deletedUntil": "2023-11-14T22:13:20Z"}),
    (["deleteChat", "BOB", "1"], {"deleteChatAction": {}}, {"deletedUntil": "2023-11-14T22:13:20Z"}),
])
def test_what_the_phone_deletes_is_told(world, who, index, action, told):
    bob = world.bobs["jid"]
    world.gateway.perform(who, "chat.pin", chat=bob, pin=True)  # all that was there before has been taken in by then
    world.mock.do("change", phone=world.me, name="regular_high",
                  index=[bob if part == "BOB" else part for part in index],
                  action={"timestamp": 1_700_000_000_000} | action)
    assert world.store.wait_event(who, "chat.update")["data"] == {"chat": bob} | told


VIP = ["regular", ["label_edit", "3"], {"labelEditAction": {"name": "VIP", "color": 2, "deleted": False}}]
GONE = [["regular", ["label_edit", "4"], {"labelEditAction": {"name": "Old", "color": 1, "deleted": deleted}}]
        for deleted in (False, True)]


def labelled(chat, label="3", on=True):
    return ["regular", ["label_jid", label, chat], {"labelAssociationAction": {"labeled": on}}]


def test_labels_from_before_the_link_are_told_as_history_and_listed(world):
    who, bob = world.linked(), world.bobs["jid"]
    before = [VIP, *GONE, labelled(bob), labelled("15550000404@s.whatsapp.net"), labelled(GROUP, "4"),
              labelled("15550000404@s.whatsapp.net", on=False)]
    world.mock.do("share", phone=world.me, name="Shop", before=before)
    last = world.store.wait_event(who, "label.update", lambda d: d.get("labeled") is False)["data"]
    assert last["isHistory"] and last["action"] == "removed"
    told = [e["data"] for e in world.store.of(who, "label.update")]
    assert [(d["type"], d["labelId"], d["action"]) for d in told[:4]] == [
        ("edit", "3", "edited"), ("edit", "4", "edited"), ("edit", "4", "deleted"), ("chat", "3", "added")]
    assert all(d["isHistory"] for d in told) and told[3]["chatJid"] == bob
    listed = {"labels": [{"id": "3", "name": "VIP", "color": 2}], "chats": [{"id": "3", "chat": bob}]}
    assert world.gateway.perform(who, "label.list") == listed
    assert [e["data"] for e in world.store.of(who, "label.update")] == told  # and nothing again
    world.restart()
    world.resume(who)
    assert world.gateway.perform(who, "label.list") == listed


def test_a_label_that_is_changed_does_not_wait_for_contacts_that_cannot_be_told(world):
    who, refused = world.linked(), threading.Event()

    def refuse(events):
        if events[0]["type"] == "contact.update":
            refused.set()
            raise Failure({"code": "unavailable", "sentence": "later"})

    world.gateway.refuse = refuse
    contact = ["critical_unblock_low", ["contact", world.bobs["jid"]], {"contactAction": {"fullName": "Bob Li"}}]
    world.mock.do("share", phone=world.me, name="Shop", before=[contact])
    assert refused.wait(60)
    world.mock.do("change", phone=world.me, name="regular", index=VIP[1], action=VIP[2])
    world.store.wait_event(who, "label.update")
    assert not world.store.of(who, "contact.update")
    world.gateway.refuse = None
    world.store.wait_event(who, "contact.update")


def test_labels_are_made_put_on_chats_and_deleted(world, who):
    bob = world.bobs["jid"]
    label = {"id": "5", "name": "New", "color": 7}
    world.gateway.perform(who, "label.create", **label)
    world.gateway.perform(who, "label.chat", id="5", chat=bob, labeled=True)
    world.store.wait_event(who, "label.update", lambda d: d["type"] == "chat" and d["labeled"] and d["chatJid"] == bob)
    assert world.gateway.perform(who, "label.list") == {"labels": [label], "chats": [{"id": "5", "chat": bob}]}
    world.gateway.perform(who, "label.chat", id="5", chat=bob, labeled=False)
    assert world.gateway.perform(who, "label.list")["chats"] == []
    world.gateway.perform(who, "label.delete", **label)
    told = world.store.wait_event(who, "label.update", lambda d: d["action"] == "deleted")["data"]
    assert (told["labelId"], told["name"], "isHistory" in told) == ("5", "New", False)
    assert world.gateway.perform(who, "label.list") == {"labels": [], "chats": []}
    assert [c["index"][0] for c in world.mock.do("shared", phone=world.me)["changes"]] == [
        "label_edit", "label_jid", "label_jid", "label_edit"]


@pytest.mark.parametrize("chat,from_me,index", [
    ("bob", True, ["1", "0"]), ("bob", False, ["0", "0"]), (GROUP, False, ["0", "bob"]), (GROUP, True, ["1", "0"])])
def test_a_message_is_starred_and_no_more(world, who, chat, from_me, index):
    bob = world.bobs["jid"]
    for favorite in (True, False):
        world.gateway.perform(who, "chat.favorite", chat=bob if chat == "bob" else chat, messageId="3EB0AA", sender=bob,
                              fromMe=from_me, favorite=favorite)
        change = world.mock.do("shared", phone=world.me)["changes"][-1]
        assert change["index"] == ["star", bob if chat == "bob" else chat, "3EB0AA",
                                   *(bob if part == "bob" else part for part in index)]
        assert change["value"]["starAction"] == {"starred": favorite}


def test_a_chat_cannot_be_a_favorite(world, who):
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "chat.favorite", chat=world.bobs["jid"], favorite=True)
    assert (failure.value.code, failure.value.sentence) == ("unsupported", "Only messages can be made favorites")


def test_contacts_of_the_phone_are_told(world):
    who, bob = world.linked(), world.bobs["jid"]
    contact = ["critical_unblock_low", ["contact", bob], {"contactAction": {"fullName": "Bob Li", "firstName": "Bob"}}]
    world.mock.do("share", phone=world.me, name="Shop", before=[contact])
    told = world.store.wait_event(who, "contact.update", lambda d: d["jid"] == bob)
    assert told["chat"] == bob and told["data"] == {"jid": bob, "firstName": "Bob", "fullName": "Bob Li"}
    world.mock.do("change", phone=world.me, name="critical_unblock_low", index=["contact", bob],
                  action={"contactAction": {"fullName": "Robert", "firstName": "", "lidJid": world.bobs["lid"]}})
    told = world.store.wait_event(who, "contact.update", lambda d: d.get("fullName") == "Robert")["data"]
    assert told == world.bobs | {"firstName": "", "fullName": "Robert"}


def test_a_name_that_comes_with_a_message_is_a_contacts(world):
    who = world.linked()
    world.by_bob("message", message={"conversation": "hello"})
    told = world.store.wait_event(who, "contact.update")["data"]
    assert told == world.bobs | {"pushName": "Bob"}
