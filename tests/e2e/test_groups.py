"""/api/group/*: groups, against the simulator."""

import base64
import re

import pytest
from deliveries import SERVER_ENV as TO_LOOPBACK
from phones import ANA, BIA, GROUP, NOBODY, OWN, PNG, Phone, assert_needs_a_link
from pombo_server import until
from receivers import Receiver

SERVER_ENV = TO_LOOPBACK | {"POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT": "1"}  # one after the other
CODE = re.compile("[A-Za-z0-9]{22}")
JID = re.compile(r"120363\d{12}@g\.us")
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LINK = "https://chat.whatsapp.com/"
STRANGERS = "FFFFFFFFFFFFFFFFFFFFFF"  # the code of an invitation that others have sent
OPEN = {"membersCanEditInfo": True, "membersCanSendMessages": True, "membersCanAddOthers": True,
        "requireAdminApproval": False}
FOUNDER = {"jid": OWN, "isAdmin": True, "isSuperAdmin": True}
ROUTES = {  # with good fields
    "POST group/create": {"name": "Team"},
    "GET group/list": {},
    "GET group/info": {"identifier": GROUP},
    "PUT group/update": {"identifier": GROUP, "name": "Team"},
    "POST group/participants": {"identifier": GROUP, "action": "add", "participants": [ANA]},
    "POST group/join": {"identifier": STRANGERS},
    "POST group/resetLink": {"identifier": GROUP},
    "GET group/requests": {"identifier": GROUP},
    "DELETE group/leave": {"identifier": GROUP},
}
NAMED = [route for route, fields in ROUTES.items() if "identifier" in fields]


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("group"))


def member(jid, **more):
    return {"jid": jid, "isAdmin": False, "isSuperAdmin": False} | more


def created(phone, **fields):
    return phone.told("POST group/create", 201, **{"name": "Team"} | fields)["group"]


def info(phone, jid, **query):
    return phone.told("GET group/info", identifier=jid, **query)["group"]


# One group -------------------------------------------------------------------------------------


def test_a_group_as_it_is_made(phone):
    answer = phone.told("POST group/create", 201, name="Team",
                        participants=["5511988880000", BIA, ANA], description="About us",
                        groupSettings={"membersCanSendMessages": False})
    group = answer["group"]
    code = group["inviteCode"]
    assert JID.fullmatch(group["jid"]) and CODE.fullmatch(code)
    assert answer == {"success": True, "message": "Group created successfully", "group": {
        "name": "Team", "jid": group["jid"], "description": "About us", "inviteCode": code,
        "inviteLink": LINK + code, "createdBy": OWN, "participantCount": 3,
        "participants": [FOUNDER, member(ANA), member(BIA)],
        "groupSettings": OPEN | {"membersCanSendMessages": False}}}


def test_all_about_a_group(phone):
    group = created(phone, participants=[ANA])
    answer = phone.told("GET group/info", identifier=group["jid"])
    shown = answer.pop("group")
    assert answer == {"success": True, "message": "Group info retrieved successfully"}
    made = shown["createdAt"]
    assert TIME.fullmatch(made)
    assert shown == group | {
        "participants": [], "image": None, "createdAt": made,
        "metadata": {"nameSetBy": OWN, "nameSetAt": made, "descriptionSetBy": None,
                     "descriptionSetAt": None},
        "isEphemeral": False, "isIncognito": False, "isSuspended": False,
        "isDefaultSubGroup": False}
    members = info(phone, group["jid"], participants="true")["participants"]
    assert members == [FOUNDER | {"lid": None}, member(ANA, lid=None)]


@pytest.mark.parametrize("form", ["{jid}", "{code}", LINK + "{code}", LINK + "{code}?x=y",
                                  "chat.whatsapp.com/{code}", LINK + "invite/{code}"])
def test_how_a_group_is_named(phone, form):
    group = created(phone)
    named = form.format(jid=group["jid"], code=group["inviteCode"])
    assert info(phone, named)["jid"] == group["jid"]
    assert phone.told("PUT group/update", identifier=named, name="New")["group"]["name"] == "New"


def test_all_groups(phone):
    assert phone.told("GET group/list") == \
        {"success": True, "message": "0 Groups found", "groups": []}
    first, second = created(phone), created(phone, name="Others", participants=[ANA])
    row = {"groupJid": first["jid"], "name": "Team", "memberCount": 1, "isAdmin": True}
    answer = phone.told("GET group/list")
    assert answer["message"] == "2 Groups found"
    assert sorted(answer["groups"], key=lambda each: each["memberCount"]) == [
        row, {"groupJid": second["jid"], "name": "Others", "memberCount": 2, "isAdmin": True}]
    assert row | {"participants": [FOUNDER]} in \
        phone.told("GET group/list", includeMembers="true")["groups"]


@pytest.mark.parametrize("fields, said, shown", [
    ({"name": "New"}, "name", {"name": "New"}),
    ({"description": "About"}, "description", {"description": "About"}),
    ({"description": ""}, "description", {"description": ""}),
    ({"groupSettings": {"membersCanEditInfo": False}}, "groupSettings",
     {"groupSettings": OPEN | {"membersCanEditInfo": False}}),
    ({"image": PNG}, "image", {}),
    ({"image": "data:image/png;base64," + PNG}, "image", {}),
    ({"removeImage": True}, "image", {}),
    ({"removeImage": True, "image": "not read"}, "image", {}),
    ({"groupSettings": {"requireAdminApproval": True}, "description": "x", "name": "y",
      "removeImage": True}, "name, description, image, groupSettings",
     {"name": "y", "description": "x", "groupSettings": OPEN | {"requireAdminApproval": True}}),
])
def test_what_is_changed(phone, fields, said, shown):
    group = created(phone, description="Old")
    assert phone.told("PUT group/update", identifier=group["jid"], **fields) == \
        {"success": True, "message": f"Group updated: {said}", "group": group | shown}


def test_a_picture_comes_from_an_address(phone):
    group = created(phone)
    with Receiver(lambda _: (200, {"content-type": "image/png"}, base64.b64decode(PNG))) as site:
        phone.told("PUT group/update", identifier=group["jid"], image=site.url)
        assert info(phone, group["jid"])["image"]
        phone.told("PUT group/update", identifier=group["jid"], image=site.url, removeImage=True)
        assert info(phone, group["jid"])["image"] is None
        assert len(site.seen) == 1


def test_what_a_new_group_lacks_is_a_warning(phone):
    with Receiver(lambda _: (404,)) as site:
        answer = phone.told("POST group/create", 201, name="Team", image=site.url)
        assert answer["warnings"] == \
            ["The group has no image yet: Failed to download media: HTTP 404"]
        group = answer["group"]
        phone.refused(400, "Failed to download media: HTTP 404", "PUT group/update",
                      identifier=group["jid"], image=site.url)


# Members ---------------------------------------------------------------------------------------


def act(phone, group, action, *numbers):
    return phone.told("POST group/participants", identifier=group["jid"], action=action,
                      participants=list(numbers))


def outcome(jid, error=None):
    return {"jid": jid, "success": not error, "error": error}


def test_what_is_done_to_members(phone):
    group = created(phone)
    for action, number, expected in (("add", "5511988880000", member(ANA)),
                                     ("promote", ANA, member(ANA, isAdmin=True)),
                                     ("demote", ANA, member(ANA)), ("remove", ANA, None)):
        assert act(phone, group, action, number) == {
            "success": True, "message": "Participants updated", "participants": [outcome(ANA)]}
        members = info(phone, group["jid"], participants="true")["participants"][1:]
        assert members == ([expected | {"lid": None}] if expected else [])


def test_some_work_and_some_do_not(phone):
    group = created(phone, participants=[ANA])
    answer = act(phone, group, "add", ANA, NOBODY, BIA)
    assert answer["success"] is True
    assert answer["participants"] == [
        outcome(ANA, "Already a member"), outcome(NOBODY, "Number is not registered on WhatsApp"),
        outcome(BIA)]
    assert act(phone, group, "add", NOBODY)["success"] is False
    for action in ("remove", "promote", "demote"):
        answer = act(phone, group, action, "5511966660000")
        assert answer["success"] is False
        assert answer["participants"] == [outcome("5511966660000@s.whatsapp.net", "Not a member")]


def test_who_asks_is_let_in_or_not(phone):
    group = created(phone)
    asked = {"success": True, "message": "0 join request(s) found", "requests": []}
    assert phone.told("GET group/requests", identifier=group["jid"]) == asked
    for action, members in (("reject", 1), ("approve", 2)):
        for on in (False, True):
            phone.told("PUT group/update", identifier=group["jid"],
                       groupSettings={"requireAdminApproval": on})
        answer = phone.told("GET group/requests", identifier=group["jid"])
        [one] = answer["requests"]
        assert answer["message"] == "1 join request(s) found"
        assert one.keys() == {"jid", "lid", "requestedAt"} and TIME.fullmatch(one["requestedAt"])
        assert act(phone, group, action, one["jid"])["participants"] == [outcome(one["jid"])]
        assert phone.told("GET group/requests", identifier=group["jid"]) == asked
        assert info(phone, group["jid"])["participantCount"] == members
    assert act(phone, group, "approve", ANA)["participants"] == \
        [outcome(ANA, "Has not asked to join")]


def test_an_invitation_is_made_anew(phone):
    group = created(phone)
    answer = phone.told("POST group/resetLink", identifier=group["jid"])
    code = answer["inviteCode"]
    assert answer == {"success": True, "message": "Invite link reset successfully",
                      "inviteCode": code, "inviteLink": LINK + code}
    assert code != group["inviteCode"]
    assert info(phone, group["jid"])["inviteCode"] == code


@pytest.mark.parametrize("form", ["{}", LINK + "{}"])
def test_an_invitation_is_followed_and_left(phone, form):
    seen = info(phone, STRANGERS)
    assert phone.told("GET group/list")["groups"] == []
    answer = phone.told("POST group/join", identifier=form.format(STRANGERS))
    assert answer == {"success": True, "message": "Joined group successfully",
                      "groupJid": seen["jid"]}
    assert phone.told("GET group/list")["groups"] == [
        {"groupJid": seen["jid"], "name": seen["name"], "memberCount": 2, "isAdmin": False}]
    shown = info(phone, seen["jid"])
    assert (shown["inviteCode"], shown["inviteLink"]) == (None, None)
    assert phone.told("DELETE group/leave", identifier=seen["jid"]) == {
        "success": True, "message": "Left group successfully", "groupJid": seen["jid"]}
    phone.refused(404, "Group not found", "GET group/info", identifier=seen["jid"])


def test_some_groups_let_nobody_in_at_once(phone):
    answer = phone.told("POST group/join", identifier="ApprovalNeeded")
    assert answer.pop("groupJid").endswith("@g.us")
    assert answer == {"success": True, "message": "Joined group successfully", "pending": True}
    assert phone.told("GET group/list")["groups"] == []


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", NAMED)
def test_no_such_group(phone, route):
    unknown = "GoneGoneGone" if route == "POST group/join" else GROUP
    phone.refused(404, "Group not found", route, **ROUTES[route] | {"identifier": unknown})
    phone.refused(404, "Group not found", route,
                  **ROUTES[route] | {"identifier": LINK + "GoneGoneGone"})


@pytest.mark.parametrize("route", NAMED)
def test_which_group_has_to_be_said(phone, route):
    fields = {key: value for key, value in ROUTES[route].items() if key != "identifier"}
    phone.refused(400, "identifier is required", route, **fields)
    for bad in ("Team", ANA, "https://example.com/" + STRANGERS, "x@g.us"):
        phone.refused(400, f"Invalid group identifier: {bad}", route, identifier=bad, **fields)
    if route == "POST group/join":
        phone.refused(400, f"Invalid group identifier: {GROUP}", route, identifier=GROUP)


@pytest.mark.parametrize("route, fields", [
    ("PUT group/update", {"groupSettings": {"membersCanEditInfo": False}}),
    ("POST group/participants", {"action": "remove", "participants": [ANA]}),
    ("POST group/participants", {"action": "promote", "participants": [ANA]}),
    ("POST group/resetLink", {}), ("GET group/requests", {})])
def test_only_admins_may(phone, route, fields):
    jid = phone.told("POST group/join", identifier=STRANGERS)["groupJid"]
    phone.refused(403, "Not allowed: the instance is not an admin of this group", route,
                  identifier=jid, **fields)


IMAGE = "The 'image' field must be a URL, a data URI of an image, or base64"


@pytest.mark.parametrize("route, fields, message", [
    ("POST group/create", {"name": ""}, "name is required"),
    ("POST group/create", {"name": "x" * 101}, "The 'name' field must be at most 100 characters"),
    ("POST group/create", {"participants": ["Ana"]}, "Invalid number: Ana"),
    ("POST group/create", {"participants": [NOBODY]}, "Number is not registered on WhatsApp"),
    ("POST group/create", {"communityJid": STRANGERS}, f"Invalid group identifier: {STRANGERS}"),
    ("POST group/create", {"image": "?"}, IMAGE),
    ("POST group/create", {"image": "data:text/plain;base64," + PNG}, IMAGE),
    ("POST group/create", {"image": "http://10.0.0.1/x"},
     "URL is not allowed: private address (operators: egress.allow)"),
    ("POST group/create", {"groupSettings": {"membersCanEditInfo": 1}},
     "Invalid request body: The 'groupSettings.membersCanEditInfo' field must be a boolean"),
    ("PUT group/update", {"name": None}, "At least one field must be provided"),
    ("PUT group/update", {"name": None, "groupSettings": {}, "removeImage": False},
     "At least one field must be provided"),
    ("PUT group/update", {"image": "?"}, IMAGE),
    ("PUT group/update", {"image": "http://10.0.0.1/x"},
     "URL is not allowed: private address (operators: egress.allow)"),
    ("POST group/participants", {"action": None}, "action is required"),
    ("POST group/participants", {"action": "greet"},
     "The 'action' field must be one of: add, remove, promote, demote, approve, reject"),
    ("POST group/participants", {"participants": None}, "participants is required"),
    ("POST group/participants", {"participants": []}, "participants is required"),
    ("POST group/participants", {"participants": ["Ana"]}, "Invalid number: Ana"),
])
def test_what_is_refused(phone, route, fields, message):
    phone.refused(400, message, route, **ROUTES[route] | fields)


def test_only_a_connected_instance_has_groups(api, fresh):
    assert_needs_a_link(api, fresh("group"), ROUTES)


# Events ----------------------------------------------------------------------------------------


def test_each_change_is_told_in_its_order(phone):
    with Receiver() as crm:
        phone.webhook(crm.url, events=["group.flow"])
        group = created(phone, participants=[ANA])
        phone.told("PUT group/update", identifier=group["jid"], name="New", description="x",
                   image=PNG, groupSettings={key: not on for key, on in OPEN.items()})
        act(phone, group, "promote", ANA, BIA)
        act(phone, group, "remove", ANA)
        code = phone.told("POST group/resetLink", identifier=group["jid"])["inviteCode"]
        phone.told("DELETE group/leave", identifier=group["jid"])
        told = [each.json["data"] for each in crm.wait(11)]
    own, ana = ({"jid": jid, "lid": each["lid"], "name": each["name"]}
                for jid, each in ((OWN, told[0]["actor"]), (ANA, {"lid": None, "name": ""})))
    for each in told:
        assert (each["groupJid"], each["actor"], each["reason"]) == (group["jid"], own, None)
    assert told[0]["value"] == group
    picture = told[6]["value"].pop("pictureId")
    assert picture.startswith("17")
    assert [(each["type"], each["value"], each["participants"], each["isSelf"])
            for each in told[1:]] == [
        ("name", "New", [], False), ("topic", "x", [], False), ("locked", True, [], False),
        ("announce", True, [], False), ("membership_approval_mode", True, [], False),
        ("picture", {"removed": False}, [], False), ("promoted", None, [ana], False),
        ("left", None, [ana], False), ("new_invite_link", LINK + code, [], False),
        ("left", None, [own], True)]


def test_who_joins_by_an_invitation_is_told_so(phone):
    with Receiver() as crm:
        phone.webhook(crm.url, events=["group.flow"])
        jid = phone.told("POST group/join", identifier=STRANGERS)["groupJid"]
        [event] = crm.wait(1)
    told = event.json["data"]
    assert (told["type"], told["groupJid"], told["reason"], told["isSelf"]) == \
        ("joined", jid, "invite", True)
    assert told["value"]["inviteLink"] is None


def test_groups_are_there_after_a_restart(server, phone):
    group = created(phone)
    server.stop()
    server.start()
    assert until(lambda: phone.ask("GET group/list").status == 200)
    assert info(phone, group["jid"])["name"] == "Team"
