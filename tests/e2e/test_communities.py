"""/api/community/*, against the simulator."""

import pytest
from phones import GROUP, PNG, Phone, assert_needs_a_link

UNKNOWN = "12036300000001@g.us"
ROUTES = {"POST community/create": {"name": "Town"},
          "POST community/link": {"communityJid": GROUP, "groupJid": [UNKNOWN]},
          "POST community/unlink": {"communityJid": GROUP, "groupJid": [UNKNOWN]},
          "GET community/listSubGroups": {"communityJid": GROUP}}


@pytest.fixture(scope="module")
def phone(api, fresh):
    return Phone(api, fresh("community"))


def group(phone, name="Team"):
    return phone.told("POST group/create", 201, name=name)["group"]["jid"]


def town(phone, **fields):
    return phone.told("POST community/create", 201, name="Town", **fields)


def test_a_community_as_it_is_made(phone):
    answer = town(phone, description="All of us", image=PNG,
                  membershipApprovalMode="request_required")
    jid = answer["community"]["jid"]
    assert answer == {"success": True, "message": "Community created successfully",
                      "community": {"jid": jid, "name": "Town", "isCommunity": True},
                      "linked": [], "failed": []}
    shown = phone.told("GET group/info", identifier=jid)["group"]
    assert (shown["description"], shown["groupSettings"]["requireAdminApproval"]) == \
        ("All of us", True)
    assert shown["image"]


def test_groups_are_linked_as_it_is_made(phone):
    one = group(phone)
    answer = town(phone, groupJid=[one, UNKNOWN])
    assert answer["linked"] == [one]
    assert answer["failed"] == [{"jid": UNKNOWN, "error": "Group not found"}]


def test_groups_are_linked_and_unlinked(phone):
    community = town(phone)["community"]["jid"]
    one, other = group(phone, "One"), group(phone, "Other")
    assert phone.told("POST community/link", communityJid=community,
                      groupJid=[one, UNKNOWN, other]) == {
        "success": True, "message": "Linked 2 of 3 groups to community", "linked": [one, other],
        "failed": [{"jid": UNKNOWN, "error": "Group not found"}]}
    answer = phone.told("GET community/listSubGroups", communityJid=community)
    [default] = [each for each in answer["subgroups"] if each["isDefaultSubGroup"]]
    assert default["name"] == "Town"
    assert (answer["message"], answer["communityJid"]) == ("3 subgroup(s) found", community)
    for row in ({"jid": one, "name": "One", "isDefaultSubGroup": False},
                {"jid": other, "name": "Other", "isDefaultSubGroup": False}):
        assert row in answer["subgroups"]
    assert phone.told("POST community/link", communityJid=community, groupJid=[one]) == {
        "success": False, "message": "Linked 0 of 1 groups to community", "linked": [],
        "failed": [{"jid": one, "error": "Already in a community"}]}
    assert phone.told("POST community/unlink", communityJid=community, groupJid=[one]) == {
        "success": True, "message": "Unlinked 1 of 1 groups from community", "linked": [one],
        "failed": []}
    assert phone.told("POST community/unlink", communityJid=community, groupJid=[one]) == {
        "success": False, "message": "Unlinked 0 of 1 groups from community", "linked": [],
        "failed": [{"jid": one, "error": "Not in this community"}]}


@pytest.mark.parametrize("route", [route for route in ROUTES if "communityJid" in ROUTES[route]])
def test_which_community_has_to_be_said(phone, route):
    def refused(status, message, **community):
        rest = {key: value for key, value in ROUTES[route].items() if key != "communityJid"}
        phone.refused(status, message, route, **rest | community)

    refused(400, "communityJid is required")
    for bad in ("Town", "AbCdEfGhIjKl"):
        refused(400, f"Invalid group identifier: {bad}", communityJid=bad)
    refused(404, "Group not found", communityJid=GROUP)
    refused(404, "Group not found", communityJid=group(phone))  # which is no community


@pytest.mark.parametrize("route", ["POST community/link", "POST community/unlink"])
@pytest.mark.parametrize("groups, message", [
    (None, "groupJid is required"), ([], "groupJid is required"),
    (["Team"], "Invalid group identifier: Team"),
    ("Team", "Invalid request body: The 'groupJid' field must be a list of strings"),
    ([f"1203{n}@g.us" for n in range(51)], "The 'groupJid' field must be between 1 and 50")])
def test_which_groups_have_to_be_said(phone, route, groups, message):
    phone.refused(400, message, route, communityJid=GROUP, groupJid=groups)


@pytest.mark.parametrize("fields, message", [
    ({"name": None}, "name is required"),
    ({"name": "x" * 101}, "The 'name' field must be at most 100 characters"),
    ({"membershipApprovalMode": "closed"},
     "The 'membershipApprovalMode' field must be one of: request_required, open"),
    ({"groupJid": ["Team"]}, "Invalid group identifier: Team"),
    ({"image": "?"}, "The 'image' field must be a URL, a data URI of an image, or base64")])
def test_what_is_refused(phone, fields, message):
    phone.refused(400, message, "POST community/create", **{"name": "Town"} | fields)


def test_only_admins_may(api, fresh):
    phone = Phone(api, fresh("community"))
    community = town(phone)["community"]["jid"]
    strangers = phone.told("POST group/join", identifier="FFFFFFFFFFFFFFFFFFFFFF")["groupJid"]
    answer = phone.told("POST community/link", communityJid=community, groupJid=[strangers])
    assert answer["failed"] == [
        {"jid": strangers, "error": "The instance is not an admin of this group"}]


def test_only_a_connected_instance_has_communities(api, fresh):
    assert_needs_a_link(api, fresh("community"), ROUTES)
