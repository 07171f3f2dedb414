import pytest

from gateway import Failure

DEFAULTS = {"autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False, "keepOnlineStatus": False,
            "autoReadMessages": False, "disableHistorySync": True, "ignoreStatus": False}


def apply(world, who, **settings):
    assert world.gateway.perform(who, "settings.apply", **(DEFAULTS | settings)) == {}


def calls(world, who, kind):
    return world.store.wait_event(who, "call.update", lambda d: d["type"] == kind)["data"]


@pytest.mark.parametrize("video", [False, True])
def test_a_call_is_told(world, video):
    who = world.linked()
    world.by_bob("message", message={"conversation": "I call you"})
    world.store.wait_event(who, "message.exchange")  # by which both forms of his address are known
    call = world.by_bob("call", video=video)["callId"]
    offer = calls(world, who, "offer")
    assert offer.pop("timestamp").endswith("Z")
    assert offer == {"type": "offer", "status": "offer", "callId": call, "from": world.bobs | {"name": "Bob"},
                     "creator": world.bobs, "isGroup": False, "groupJid": None, "isVideo": video,
                     "media": "video" if video else "audio", "platform": None, "version": None, "reason": None,
                     "autoRejected": False}


def test_a_call_is_rejected_with_the_message_of_the_instance_once(world):
    who = world.linked()
    apply(world, who, autoRejectCalls=True, callRejectMessage="Write to us")
    call = world.by_bob("call")["callId"]
    rejected = calls(world, who, "rejected")
    assert rejected["callId"] == call and rejected["autoRejected"] is True
    world.mock.do("heard", tag="call", child="reject", attrs={"to": world.bobs["jid"]})
    told = world.store.wait_event(who, "message.exchange")["data"]
    assert told["message"]["content"] == "Write to us" and told["message"]["source"] == ""
    mail = world.mock.do("inbox", phone=world.bob, id=told["id"])["messages"]
    assert [m["message"]["extendedTextMessage"]["text"] for m in mail] == ["Write to us"]


def test_a_call_is_left_alone_while_nobody_wants_it_rejected(world):
    who = world.linked()
    apply(world, who, callRejectMessage="Write to us")
    world.by_bob("call")
    calls(world, who, "offer")
    world.gateway.call("connector.disconnect", who)  # what was to be done is done by then
    assert [e["data"]["type"] for e in world.store.of(who, "call.update")] == ["offer"]
    assert not world.mock.inbox(world.bob)


def test_received_messages_are_marked_as_read_by_an_instance_that_wants_it(world):
    who = world.linked()
    apply(world, who, autoReadMessages=True)
    sent = world.by_bob("message", message={"conversation": "hi"})["id"]
    world.mock.do("heard", tag="receipt", attrs={"id": sent, "type": "read"})
    read = world.store.wait_event(who, "message.status", lambda d: d["status"] == "read_self")["data"]
    assert read["messageIds"] == [sent] and read["recipient"] == world.mine | {"name": ""}


def test_settings_are_kept_for_the_next_process(world):
    who = world.linked()
    apply(world, who, autoRejectCalls=True)
    world.restart()
    world.resume(who)
    world.by_bob("call")
    assert calls(world, who, "rejected")["autoRejected"] is True


GROUP = "120363000000000001@g.us"


def group_message(world, text, group=GROUP):
    return world.by_bob("message", group=group, message={"conversation": text})["id"]


def test_a_groups_message_comes_in(world):
    who = world.linked()
    sent = group_message(world, "hello")
    data = world.store.wait_event(who, "message.exchange")["data"]
    assert data["id"] == sent and data["sender"] == world.bobs | {"name": "Bob"} and data["recipient"] == {}
    assert data["chat"] == {"jid": GROUP, "lid": None, "name": "", "type": "group"}


@pytest.mark.parametrize("chat,setting", [(GROUP, "ignoreGroupMessages"), ("status@broadcast", "ignoreStatus")])
def test_what_an_instance_ignores_is_neither_told_nor_waits(world, chat, setting):
    who = world.linked()
    apply(world, who, **{setting: True})
    group_message(world, "unwanted", chat)
    world.mock.do("acknowledged", phone=world.me)
    sent = world.by_bob("message", message={"conversation": "wanted"})["id"]
    world.store.wait_event(who, "message.exchange", lambda d: d["id"] == sent)
    assert len(world.store.of(who, "message.exchange")) == 1


def test_a_story_comes_in(world):
    who = world.linked()
    group_message(world, "hello", "status@broadcast")
    data = world.store.wait_event(who, "message.exchange")["data"]
    assert data["chat"]["type"] == "status" and data["sender"]["jid"] == world.bobs["jid"]


def test_nonsense_is_refused(world):
    who = world.linked()
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "settings.apply", autoRejectCalls="yes")
    assert failure.value.code == "invalid"


def test_typing_is_shown_and_taken_back(world):
    who = world.linked()
    for state, child in (("typing", "composing"), ("paused", "paused")):
        world.gateway.perform(who, "chat.presence", chat=world.bobs["jid"], state=state, duration=0)
        world.mock.do("heard", tag="chatstate", child=child, attrs={"to": world.bobs["jid"]})
    world.gateway.perform(who, "chat.presence", chat=world.bobs["jid"], state="recording", duration=60)
