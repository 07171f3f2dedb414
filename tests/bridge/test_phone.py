"""What the account's own phone tells, and what is told by secrets that came with a message."""

from gateway import instance
from test_messages import refusing


def test_what_is_typed_on_the_phone_goes_out_by_no_source(world):
    who = world.linked()
    sent = world.mock.do("typed", phone=world.me, to=world.bobs["jid"], message={"conversation": "from my phone"})["id"]
    data = world.store.wait_event(who, "message.exchange")["data"]
    assert data["id"] == sent and data["direction"] == "outgoing" and data["message"]["source"] == ""
    assert data["chat"]["jid"] == world.bobs["jid"] and data["recipient"]["jid"] == world.bobs["jid"]
    assert data["sender"]["jid"] == world.mine["jid"] and data["message"]["content"] == "from my phone"


def vote(world, who, poll, *options):
    sent = world.by_bob("vote", poll=poll, options=list(options))["id"]
    return world.store.wait_event(who, "message.exchange", lambda d: d["id"] == sent)["data"]["message"]


def test_votes_are_told_by_the_names_of_what_was_chosen(world):
    who = world.linked()
    poll = world.gateway.perform(who, "message.poll", chat=world.bobs["jid"], source="api", question="Lunch?",
                                 options=["Pizza", "Salad", "Soup"], maxAnswer=2)["id"]
    chosen = vote(world, who, poll, "Salad", "Pizza")
    assert chosen["type"] == "poll_update" and chosen["content"] == "Salad, Pizza"
    assert chosen["poll"]["message_id"] == poll and chosen["poll"]["title"] == "Lunch?"
    assert chosen["poll"]["options"] == [{"name": "Salad"}, {"name": "Pizza"}]
    assert chosen["poll"]["voter"]["jid"] == world.bobs["jid"]
    world.restart()
    world.resume(who)
    assert vote(world, who, poll)["poll"]["options"] == []


def history_of(world, *texts):
    return {"syncType": "RECENT", "conversations": [{"id": world.bobs["jid"], "messages": [
        {"message": {"key": {"remoteJid": world.bobs["jid"], "fromMe": at % 2 == 1, "id": f"OLD{at}"},
                     "messageTimestamp": 1_700_000_000 + at, "message": {"conversation": text}}}
        for at, text in enumerate(texts)]}]}


def linked_with_history(world, days):
    who = instance()
    world.gateway.connect(who, days=days)
    world.mock.do("scan", phone=world.me, qr=world.store.state(who, "qr_ready")["codes"][0])
    world.store.state(who, "connected")
    return who


def test_history_that_was_asked_for_is_told_as_such(world):
    who = linked_with_history(world, 30)
    notice = world.mock.do("history", phone=world.me, history=history_of(world, "one", "two"))["id"]
    world.store.wait_event(who, "message.exchange", lambda d: d["id"] == "OLD1")
    told = [e["data"] for e in world.store.of(who, "message.exchange")]
    assert [(d["message"]["content"], d["direction"], d["isHistory"]) for d in told] == [
        ("one", "incoming", True), ("two", "outgoing", True)]
    assert told[0]["timestamp"] == "2023-11-14T22:13:20Z" and told[0]["chat"]["jid"] == world.bobs["jid"]
    world.mock.do("heard", tag="receipt", attrs={"id": notice, "type": "hist_sync"})


def test_history_that_is_not_told_yet_outlives_the_process(world):
    who = linked_with_history(world, 30)
    refused = refusing(world)
    world.mock.do("history", phone=world.me, history=history_of(world, "one"))
    assert refused.wait(60)
    world.restart()
    world.resume(who)
    assert world.store.wait_event(who, "message.exchange")["data"]["id"] == "OLD0"


def test_history_that_was_asked_for_is_told_by_a_later_link_as_well(world):
    who = linked_with_history(world, 30)
    world.restart()
    world.resume(who)
    world.mock.do("history", phone=world.me, history=history_of(world, "one"))
    assert world.store.wait_event(who, "message.exchange")["data"]["id"] == "OLD0"


def test_a_part_of_it_that_cannot_be_read_holds_up_no_other(world):
    who = linked_with_history(world, 30)
    world.mock.do("history", phone=world.me, history=history_of(world, "one"), broken=True)
    world.mock.do("history", phone=world.me, history=history_of(world, "two"))
    assert world.store.wait_event(who, "message.exchange")["data"]["message"]["content"] == "two"


def test_history_that_nobody_has_asked_for_is_not_told(world):
    who = world.linked()
    world.mock.do("history", phone=world.me, history=history_of(world, "one"))
    sent = world.by_bob("message", message={"conversation": "new"})["id"]
    world.store.wait_event(who, "message.exchange", lambda d: d["id"] == sent)
    assert len(world.store.of(who, "message.exchange")) == 1
