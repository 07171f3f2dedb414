"""What phones share among each other."""

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
