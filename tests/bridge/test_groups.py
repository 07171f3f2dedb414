import json

import pytest

from gateway import Failure


@pytest.fixture
def group(world):
    """An instance, and a group of it and Bob."""
    who = world.linked()
    return who, world.gateway.perform(who, "group.create", name="Team", participants=[world.bobs["jid"]])


def test_a_group_is_made_and_seen(world, group):
    who, made = group
    assert made["name"] == "Team" and made["isAdmin"] and made["participantCount"] == 2
    assert made["groupSettings"] == {"membersCanEditInfo": True, "membersCanSendMessages": True,
                                     "membersCanAddOthers": False, "requireAdminApproval": False}
    found = world.gateway.perform(who, "group.info", group=made["jid"])
    assert found["jid"] == made["jid"] and found["participants"] == made["participants"]
    assert made["jid"] in [g["jid"] for g in world.gateway.perform(who, "group.list")["groups"]]


def test_a_group_is_changed(world, group):
    who, made = group
    changed = world.gateway.perform(who, "group.update", group=made["jid"], name="Crew",
                                    groupSettings={"membersCanEditInfo": False, "membersCanSendMessages": False})
    assert changed["name"] == "Crew"
    assert not changed["groupSettings"]["membersCanEditInfo"] and not changed["groupSettings"]["membersCanSendMessages"]


def test_what_becomes_of_each_member_is_told(world, group):
    who, made = group
    people = [world.bobs["jid"], "15559999999@s.whatsapp.net"]
    told = world.gateway.perform(who, "group.participants", group=made["jid"], action="promote", participants=people)
    assert told["participants"] == [{"jid": people[0], "error": None},
                                    {"jid": people[1], "error": "WhatsApp refused it: 404"}]


def test_the_link_of_a_group_is_made_anew(world, group):
    who, made = group
    assert world.gateway.perform(who, "group.resetLink", group=made["jid"])["inviteCode"].startswith("Code")


def test_a_group_that_is_not_there_is_not_found(world):
    who = world.linked()
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "group.info", group="120363999@g.us")
    assert failure.value.code == "notFound"


def test_a_message_to_a_group_is_read_by_its_members(world, group):
    who, made = group
    for text in ("hello team", "and again"):
        data = world.gateway.perform(who, "message.text", chat=made["jid"], source="api", message=text,
                                     linkPreview=False, mentions=[world.bobs["jid"]])
        assert data["chat"] == {"jid": made["jid"], "lid": None, "name": "Team", "type": "group"}
        assert data["recipient"] == {} and data["mentions"] == {"mentionedUsers": [world.bobs["jid"]]}
        mail = world.mock.do("inbox", phone=world.bob, id=data["id"])["messages"]
        assert mail[-1]["to"] == made["jid"] and mail[-1]["message"]["extendedTextMessage"]["text"] == text


@pytest.mark.parametrize("operation,arguments,part", [
    ("message.reaction", {"messageId": "3EB0", "reaction": "👍", "fromMe": False, "participant": "BOB"}, "reactionMessage"),
    ("chat.delete", {"messageId": "3EB0", "sender": "BOB", "fromMe": False, "deleteForEveryone": True}, "protocolMessage"),
])
def test_a_message_of_a_member_is_named_by_how_the_group_knows_its_members(world, group, operation, arguments, part):
    who, made = group
    given = {key: world.bobs["jid"] if value == "BOB" else value for key, value in arguments.items()}
    world.gateway.perform(who, operation, id="3EB0SENT", chat=made["jid"], source="api", **given)
    mail = world.mock.do("inbox", phone=world.bob, id="3EB0SENT")["messages"]
    key = mail[-1]["message"][part]["key"]
    assert key == {"remoteJid": made["jid"], "fromMe": False, "id": "3EB0", "participant": world.bobs["lid"]}


@pytest.mark.parametrize("author", ["mine", "bobs"])
def test_a_reply_names_an_author_by_how_the_group_knows_its_members(world, group, author):
    who, made = group
    quoted = getattr(world, author)
    sent = world.gateway.perform(
        who, "message.text", chat=made["jid"], source="api", message="yes", linkPreview=False,
        reply={"messageId": "3EB0", "senderJid": quoted["jid"], "text": "Open?", "fromMe": author == "mine"})
    assert sent["reply"] == {"message_id": "3EB0", "text": "Open?", "sender": quoted["jid"]}
    mail = world.mock.do("inbox", phone=world.bob, id=sent["id"])["messages"]
    assert mail[-1]["message"]["extendedTextMessage"]["contextInfo"]["participant"] == quoted["lid"]


def test_a_member_is_told_that_its_message_was_read_or_starred_by_how_the_group_knows_it(world, group):
    who, made = group
    message = {"chat": made["jid"], "messageId": "3EB0READ", "sender": world.bobs["jid"]}
    world.gateway.perform(who, "chat.markRead", **message)
    world.mock.do("heard", tag="receipt", attrs={"id": "3EB0READ", "to": made["jid"], "participant": world.bobs["lid"]})
    world.mock.do("share", phone=world.me, name="Shop")
    world.gateway.perform(who, "chat.favorite", fromMe=False, favorite=True, **message)
    change = world.mock.do("shared", phone=world.me)["changes"][-1]
    assert change["index"] == ["star", made["jid"], "3EB0READ", "0", world.bobs["lid"]]


def test_a_mention_goes_out_as_the_group_knows_its_members_and_is_told_by_number(world, group):
    who, made = group
    text = f"see @{world.bob}, not @{world.bob}9"
    sent = world.gateway.perform(who, "message.text", chat=made["jid"], source="api", message=text, linkPreview=False,
                                 mentions=[world.bobs["jid"]])
    assert sent["message"]["content"] == text and sent["mentions"] == {"mentionedUsers": [world.bobs["jid"]]}
    mail = world.mock.do("inbox", phone=world.bob, id=sent["id"])["messages"]
    read = mail[-1]["message"]["extendedTextMessage"]
    assert read["contextInfo"]["mentionedJid"] == [world.bobs["lid"]]
    assert read["text"] == f"see @9{world.bob}, not @{world.bob}9"


def test_everybody_is_mentioned_without_a_word(world, group):
    who, made = group
    data = world.gateway.perform(who, "message.text", chat=made["jid"], source="api", message="all", linkPreview=False,
                                 mentionAll=True)
    assert set(data["mentions"]["mentionedUsers"]) == {world.mine["jid"], world.bobs["jid"]}


CHANGES = [
    ({"tag": "add", "attrs": {"reason": "invite"}, "content": [{"tag": "participant", "attrs": {"jid": "ME"}}]},
     {"type": "joined", "value": None, "isSelf": True, "reason": "invite"}),
    ({"tag": "remove", "content": [{"tag": "participant", "attrs": {"jid": "BOB", "phone_number": "NUMBER"}}]},
     {"type": "left", "value": None, "isSelf": False, "reason": None}),
    ({"tag": "promote", "content": [{"tag": "participant", "attrs": {"jid": "BOB", "phone_number": "NUMBER"}}]},
     {"type": "promoted", "value": None}),
    ({"tag": "subject", "attrs": {"subject": "Crew", "s_t": "1700000000"}},
     {"type": "name", "value": "Crew", "groupName": "Crew"}),
    ({"tag": "description", "attrs": {"id": "1"}, "content": [{"tag": "body", "content": "About us"}]},
     {"type": "topic", "value": "About us"}),
    ({"tag": "locked"}, {"type": "locked", "value": True}),
    ({"tag": "not_announcement", "attrs": {"v_id": "1"}}, {"type": "announce", "value": False}),
    ({"tag": "ephemeral", "attrs": {"expiration": "86400"}}, {"type": "ephemeral", "value": 86400}),
    ({"tag": "invite", "attrs": {"code": "AbC"}},
     {"type": "new_invite_link", "value": "https://chat.whatsapp.com/AbC"}),
    ({"tag": "delete", "attrs": {"reason": "spam"}}, {"type": "delete", "value": "spam"}),
]


@pytest.mark.parametrize("change,told", CHANGES, ids=[told["type"] for _, told in CHANGES])
def test_what_others_change_of_a_group_is_told(world, group, change, told):
    who, made = group
    text = json.dumps(change)
    for word, jid in (("ME", world.mine["lid"]), ("BOB", world.bobs["lid"]), ("NUMBER", world.bobs["jid"])):
        text = text.replace(f'"{word}"', f'"{jid}"')
    world.by_bob("changegroup", group=made["jid"], changes=[json.loads(text)])
    data = world.store.wait_event(who, "group.flow")["data"]
    assert {key: data[key] for key in told} == told
    assert data["groupJid"] == made["jid"] and data["actor"]["jid"] == world.bobs["jid"]
    if "content" in change and change["tag"] != "description":
        person = world.mine if "ME" in json.dumps(change) else world.bobs
        assert [p["jid"] for p in data["participants"]] == [person["jid"]]


def test_what_phones_share_cannot_be_changed_before_they_do(world):
    who = world.linked()
    for operation in ("archive", "pin", "mute", "markChatRead", "deleteChat"):
        with pytest.raises(Failure) as failure:
            world.gateway.perform(who, f"chat.{operation}", chat=world.bobs["jid"])
        assert (failure.value.code, failure.value.sentence) == ("internal", "the phone has not shared its keys yet")


def test_privacy_is_read(world):
    who = world.linked()
    assert world.gateway.perform(who, "profile.getPrivacy")["privacy"] == {"readReceipts": "all"}


def test_the_account_is_who_it_is(world):
    who = world.linked()
    shown = world.gateway.perform(who, "profile.getAccount")
    assert (shown["jid"], shown["lid"], shown["phoneNumber"]) == (world.mine["jid"], world.mine["lid"], world.me)


def test_a_change_that_nobody_knows_is_counted_and_not_told(world, group):
    who, made = group
    world.by_bob("changegroup", group=made["jid"], changes=[{"tag": "weather"}, {"tag": "locked"}])
    world.store.wait(lambda: world.store.counted.count("changes_unknown") == 1)
    assert "offline_completed" in world.store.counted
    world.store.wait_event(who, "group.flow", lambda d: d["type"] == "locked")
    assert [line[2]["change"] for line in world.store.logged if "unknown way" in line[1]] == ["weather"]
    assert "weather" not in str(world.store.events)
