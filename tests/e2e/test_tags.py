"""Tags of chats, and who has them: /api/chat/tag, assignTag, contactsByLabel, contacts."""

import pytest
from client import together
from deliveries import SERVER_ENV as TO_LOOPBACK
from deliveries import message
from phones import ANA, BIA, GROUP, NOBODY, Phone, assert_needs_a_link
from pombo_server import until
from receivers import Receiver

SERVER_ENV = TO_LOOPBACK


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("tags"))


def tag(id, name, color=0):
    return {"id": id, "name": name, "color": color, "type": "CUSTOM", "deleted": False}


def tags(phone):
    told = phone.told("GET chat/tag")
    assert told == {"success": True, "message": "Tags retrieved successfully",
                    "tags": told["tags"], "total": len(told["tags"])}
    return told["tags"]


def test_tags_come_and_go(phone):
    assert tags(phone) == []
    for name, color, made in (("VIP", 2, tag("1", "VIP", 2)), ("Açaí 🍧", 11, tag("2", "Açaí 🍧")),
                              ("Late", "10", tag("3", "Late", 10)), ("x" * 100, -1, None)):
        told = phone.told("POST chat/tag", name=name, color=color)
        assert told == {"success": True, "message": "Tag created successfully",
                        "tag": made or tag("4", "x" * 100)}
    assert [each["name"] for each in tags(phone)] == ["VIP", "Açaí 🍧", "Late", "x" * 100]
    assert phone.told("DELETE chat/tag", tagId="3") == {
        "success": True, "message": "Tag deleted successfully", "tag_id": "3"}
    assert [each["id"] for each in tags(phone)] == ["1", "2", "4"]
    phone.refused(404, "Tag not found", "DELETE chat/tag", tagId="3")
    assert phone.told("POST chat/tag", name="Late")["tag"] == tag("5", "Late")


def test_of_creations_at_once_each_has_an_id_and_a_name_of_its_own(phone):
    made = together(8, lambda n: phone.ask("POST chat/tag", name=f"Tag {n}"))
    assert sorted(each.json["tag"]["id"] for each in made) == list("12345678")
    same = together(8, lambda _: phone.ask("POST chat/tag", name="Same"))
    assert sorted(each.status for each in same) == [200] + [409] * 7


def test_what_is_refused(phone):
    phone.told("POST chat/tag", name="VIP")
    phone.refused(409, "Tag already exists", "POST chat/tag", name="VIP")
    phone.refused(400, "name is required", "POST chat/tag")
    phone.refused(400, "name is required", "POST chat/tag", name=" ")
    phone.refused(400, "The 'name' field must be at most 100 characters", "POST chat/tag",
                  name="x" * 101)
    phone.refused(400, "Invalid request body: The 'color' field must be an integer",
                  "POST chat/tag", name="x", color="red")
    phone.refused(400, "tagId is required", "DELETE chat/tag")
    phone.refused(404, "Tag not found", "DELETE chat/tag", tagId="9")
    for method in ("POST", "DELETE"):
        route = f"{method} chat/assignTag"
        phone.refused(400, "Number is required", route, tagId="1")
        phone.refused(400, "tagId is required", route, number=ANA)
        phone.refused(400, "Invalid number: Ana", route, number="Ana", tagId="1")
        phone.refused(404, "Tag not found", route, number=ANA, tagId="9")
        phone.refused(400, "Number is not registered on WhatsApp", route, number=NOBODY, tagId="1")


def test_only_a_connected_instance_changes_tags(api, fresh):
    assert_needs_a_link(api, fresh("tags"), {
        "POST chat/tag": {"name": "x"}, "DELETE chat/tag": {"tagId": "1"},
        "POST chat/assignTag": {"number": ANA, "tagId": "1"},
        "DELETE chat/assignTag": {"number": ANA, "tagId": "1"},
        "GET chat/contactsByLabel": {"labelIds": "1", "refresh": "true"}})


# Chats that have them -------------------------------------------------------------------------


def by_label(phone, **query):
    told = phone.told("GET chat/contactsByLabel", **query)
    assert list(told) == ["success", "message", "chats", "total_chats", "total_rows", "refreshed",
                          "filter_label_ids"]
    assert (told["success"], told["message"]) == (True, "Chats retrieved successfully")
    assert told["total_chats"] == len(told["chats"])
    return told


def label(id, name, color=0):
    return {"id": id, "name": name, "color": color}


def chat(jid, *labels, name="", kind="private"):
    return {"jid": jid, "lid": None, "name": name, "type": kind, "labels": list(labels)}


def test_chats_are_found_by_their_tags(phone):
    for name in ("VIP", "Late", "New", "Promoção"):
        phone.told("POST chat/tag", name=name)
    assigned = {"success": True, "message": "Tag assigned successfully", "tag_id": "1"}
    for _ in range(2):
        assert phone.told("POST chat/assignTag", number="+55 11 98888-0000", tagId="1") == assigned
    phone.told("POST chat/assignTag", number=ANA, tagId=2)
    phone.told("POST chat/assignTag", number=GROUP, tagId="2")
    vip, late = label("1", "VIP"), label("2", "Late")
    ana, group = chat(ANA, vip, late), chat(GROUP, late, kind="group")
    told = by_label(phone, labelIds="2,9,2")
    assert told["chats"] == [group, ana]
    assert (told["total_rows"], told["refreshed"], told["filter_label_ids"]) == \
        (2, False, ["2", "9"])
    assert by_label(phone, labelNames="vip")["chats"] == [ana]
    told = by_label(phone, labelIds="1", labelNames="LATE,none")
    assert (told["filter_label_ids"], told["total_rows"], told["total_chats"]) == (["1", "2"], 3, 2)
    assert by_label(phone, labelNames="New")["chats"] == []
    for name in ("PROMOÇÃO", "promoc\u0327a\u0303o"):
        assert by_label(phone, labelNames=name)["filter_label_ids"] == ["4"]
    removed = {"success": True, "message": "Tag removed successfully", "tag_id": "1"}
    for _ in range(2):
        assert phone.told("DELETE chat/assignTag", number=ANA, tagId="1") == removed
    assert by_label(phone, labelIds="1")["chats"] == []
    phone.told("DELETE chat/tag", tagId="2")
    assert by_label(phone, labelIds="2")["chats"] == []


def test_a_tagged_chat_has_the_name_of_its_contact_by_either_address(phone):
    phone.told("POST chat/tag", name="VIP")
    phone.told("POST simulator/contact", number="5511988880000", lid="7@lid", fullName="Ana Lima")
    phone.told("POST simulator/contact", number="5511977770000", fullName="Bia")
    for jid in ("7@lid", BIA):
        phone.told("POST chat/assignTag", number=jid, tagId="1")
    vip = label("1", "VIP")
    ana = chat("7@lid", vip, name="Ana Lima") | {"lid": "7@lid"}
    assert until(lambda: by_label(phone, labelIds="1")["chats"] ==
                 [chat(BIA, vip, name="Bia"), ana])


def test_a_filter_has_to_be_said(phone):
    for none in ({}, {"labelIds": ""}, {"labelIds": ",,"}, {"labelNames": ","}, {"refresh": "true"}):
        phone.refused(400, "labelIds or labelNames is required", "GET chat/contactsByLabel", **none)
    phone.refused(400, "Invalid request body: The 'refresh' field must be a boolean",
                  "GET chat/contactsByLabel", labelIds="1", refresh="yes")


def test_what_the_phone_does_is_followed(phone):
    edit = {"type": "edit", "labelId": "7", "name": "Paid", "color": 3, "deleted": False,
            "action": "edited"}
    on = {"type": "chat", "labelId": "7", "chatJid": BIA, "action": "added", "labeled": True}
    phone.happens(edit, "label.update")
    phone.happens(on, "label.update")
    phone.happens({"type": "message", "labelId": "7", "chatJid": ANA, "messageId": "x",
                   "action": "added", "labeled": True}, "label.update")
    phone.happens(message(chat=BIA))
    paid = label("7", "Paid", 3)
    assert until(lambda: by_label(phone, labelNames="paid")["chats"] ==
                 [chat(BIA, paid, name="Ana")])
    assert phone.told("POST chat/tag", name="Next")["tag"]["id"] == "8"
    phone.happens(on | {"action": "removed", "labeled": False}, "label.update")
    assert until(lambda: by_label(phone, labelIds="7")["chats"] == [])
    phone.happens(edit | {"name": "Done"}, "label.update")
    assert until(lambda: tags(phone)[0]["name"] == "Done")
    phone.happens(edit | {"deleted": True, "action": "deleted"}, "label.update")
    assert until(lambda: [each["id"] for each in tags(phone)] == ["8"])


def test_a_refresh_asks_the_phone(phone):
    phone.told("POST chat/tag", name="VIP", color=1)
    phone.told("POST chat/assignTag", number=ANA, tagId="1")
    phone.happens({"type": "edit", "labelId": "9", "name": "Gone", "color": 0, "deleted": False,
                   "action": "edited"}, "label.update")
    assert until(lambda: len(tags(phone)) == 2)
    told = by_label(phone, labelNames="vip,gone", refresh="true")
    assert (told["refreshed"], told["filter_label_ids"]) == (True, ["1"])
    assert told["chats"] == [chat(ANA, label("1", "VIP", 1))]
    assert tags(phone) == [tag("1", "VIP", 1)]


def test_what_is_done_to_tags_is_told(api, fresh):
    phone = Phone(api, fresh("tags"))
    with Receiver() as crm:
        phone.webhook(crm.url, events=["label.update"])
        phone.told("POST chat/tag", name="VIP", color=2)
        phone.told("POST chat/assignTag", number=ANA, tagId="1")
        phone.told("DELETE chat/assignTag", number=ANA, tagId="1")
        phone.told("DELETE chat/tag", tagId="1")
        told = [each.json["data"] for each in crm.wait(4)]
    for data in told:
        assert data.pop("timestamp").endswith("Z")
    edit = {"type": "edit", "labelId": "1", "name": "VIP", "color": 2, "deleted": False,
            "action": "edited"}
    on = {"type": "chat", "labelId": "1", "chatJid": ANA, "action": "added", "labeled": True}
    for each in (edit, on, on | {"action": "removed", "labeled": False},
                 edit | {"deleted": True, "action": "deleted"}):
        assert each in told


# Contacts -------------------------------------------------------------------------------------


def contact(jid, found=True, **names):
    return {"found": found, "jid": jid, "lid": None, "first_name": "", "full_name": "",
            "push_name": "", "business_name": ""} | names


def contacts(phone):
    told = phone.told("GET chat/contacts")
    assert told == {"success": True, "message": "Contacts retrieved successfully",
                    "contacts": told["contacts"], "total": len(told["contacts"])}
    return told["contacts"]


def found(phone, number):
    told = phone.told("GET chat/contacts", number=number)
    assert told == {"success": True, "message": "Contact retrieved successfully",
                    "contact": told["contact"]}
    return told["contact"]


def test_whoever_writes_is_known(phone):
    assert contacts(phone) == []
    phone.happens(message(chat=ANA) | {"sender": {"jid": ANA, "lid": "123@lid", "name": "ana"}})
    phone.happens(message(chat=GROUP) | {"chat": {"jid": GROUP, "type": "group"},
                                         "sender": {"jid": BIA, "name": "bia"}})
    ana, bia = contact(ANA, lid="123@lid", push_name="ana"), contact(BIA, push_name="bia")
    assert until(lambda: contacts(phone) == [bia, ana])
    phone.happens(message(chat=ANA) | {"sender": {"jid": ANA, "name": ""}})
    data = message(chat=BIA) | {"sender": {"jid": BIA, "name": "Bia S."}}
    phone.happens(data)
    assert until(lambda: found(phone, BIA)["push_name"] == "Bia S.")
    for number in ("+55 (11) 98888-0000", "551188880000", ANA, "123@lid"):
        assert found(phone, number) == ana


def test_what_the_phone_knows_is_known(phone):
    def knows(**fields):
        assert phone.told("POST simulator/contact", number="5511988880000", **fields) == {
            "success": True, "message": "Contact known", "jid": ANA}

    knows(firstName="Ana", fullName="Ana Lima", pushName="ana", businessName="", lid="123@lid")
    ana = contact(ANA, lid="123@lid", first_name="Ana", full_name="Ana Lima", push_name="ana")
    assert until(lambda: contacts(phone) == [ana])
    knows(businessName="Lima Ltd", fullName="")
    assert until(lambda: found(phone, ANA)["business_name"] == "Lima Ltd")
    assert found(phone, ANA) == ana | {"business_name": "Lima Ltd", "full_name": "Ana Lima"}


def test_whom_nobody_knows(phone):
    assert found(phone, "5511988880404") == contact("5511988880404@s.whatsapp.net", False)
    assert found(phone, "9@lid") == contact("9@lid", False)
    phone.refused(400, "Invalid number: Ana", "GET chat/contacts", number="Ana")


def test_they_are_told_without_a_link(api, fresh):
    phone = Phone(api, fresh("tags"), linked=False)
    assert contacts(phone) == tags(phone) == []
    assert by_label(phone, labelIds="1")["chats"] == []
