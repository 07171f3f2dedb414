"""/api/profile/*, against the simulator."""

import base64

import pytest
from deliveries import SERVER_ENV as TO_LOOPBACK
from phones import ANA, NOBODY, OWN, PNG, Phone, assert_needs_a_link
from receivers import Receiver

SERVER_ENV = TO_LOOPBACK
USUAL = {"visibility": {"lastSeen": "all", "status": "all", "profile": "all", "online": "all"},
         "privacy": {"readReceipts": "all"}, "permissions": {"groupAdd": "all", "callAdd": "all"}}
WHO = ["all", "contacts", "contact_blacklist", "none"]
VALUES = {"visibility.lastSeen": WHO, "visibility.status": WHO, "visibility.profile": WHO,
          "permissions.groupAdd": WHO, "visibility.online": ["all", "match_last_seen"],
          "privacy.readReceipts": ["all", "none"], "permissions.callAdd": ["all", "known"]}
READ = {"success": True, "message": "Privacy settings retrieved successfully"}
WRITTEN = {"success": True, "message": "Privacy settings updated successfully"}


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("profile"))


def shown(phone, **query):
    answer = phone.told("GET profile/getAccount", **query)
    assert answer == {"success": True, "message": "Profile retrieved successfully",
                      "profile": answer["profile"]}
    return answer["profile"]


def test_a_profile_before_anything_is_said(phone):
    lid = shown(phone)["lid"]
    assert lid.endswith("@lid")
    assert shown(phone) == {"profilePicture": None, "profileName": phone.name,
                            "profileStatus": "", "phoneNumber": OWN.split("@")[0], "jid": OWN,
                            "lid": lid}


def test_a_profile_of_somebody_else(phone):
    nothing = dict.fromkeys(("profilePicture", "profileName", "profileStatus", "lid"))
    for number in ("5511988880000", ANA):
        assert shown(phone, number=number) == \
            nothing | {"phoneNumber": ANA.split("@")[0], "jid": ANA}
    phone.refused(400, "Invalid number: Ana", "GET profile/getAccount", number="Ana")
    phone.refused(400, "Number is not registered on WhatsApp", "GET profile/getAccount",
                  number=NOBODY)


@pytest.mark.parametrize("fields, updated", [
    ({"profileName": "Shop"}, ["profileName"]),
    ({"profileStatus": "Open"}, ["profileStatus"]),
    ({"profileStatus": ""}, ["profileStatus"]),
    ({"profilePicture": PNG}, ["profilePicture"]),
    ({"profilePicture": "data:image/png;base64," + PNG}, ["profilePicture"]),
    ({"profilePicture": ""}, ["profilePicture"]),
    ({"profileStatus": "x", "profileName": "y" * 25, "profilePicture": PNG},
     ["profilePicture", "profileName", "profileStatus"]),
])
def test_what_is_changed(phone, fields, updated):
    assert phone.told("POST profile/account", **fields) == {
        "success": True, "message": "Profile updated successfully", "updatedFields": updated}
    profile = shown(phone)
    for key in set(fields) - {"profilePicture"}:
        assert profile[key] == fields[key]
    if "profilePicture" in fields:
        assert (profile["profilePicture"] is None) == (fields["profilePicture"] == "")


def test_a_picture_comes_from_an_address(phone):
    with Receiver(lambda _: (200, {"content-type": "image/png"}, base64.b64decode(PNG))) as site:
        phone.told("POST profile/account", profilePicture=site.url)
        assert shown(phone)["profilePicture"]
        site.answer = lambda _: (404,)
        phone.refused(400, "Failed to download media: HTTP 404", "POST profile/account",
                      profilePicture=site.url)


IMAGE = "The 'profilePicture' field must be a URL, a data URI of an image, or base64"


@pytest.mark.parametrize("fields, message", [
    ({}, "At least one field must be provided"),
    ({"profileName": ""}, "At least one field must be provided"),
    ({"profileName": "x" * 26}, "The 'profileName' field must be at most 25 characters"),
    ({"profileStatus": "x" * 140}, "The 'profileStatus' field must be at most 139 characters"),
    ({"profilePicture": "?"}, IMAGE),
    ({"profilePicture": "http://10.0.0.1/x"},
     "URL is not allowed: private address (operators: egress.allow)"),
])
def test_what_is_refused(phone, fields, message):
    phone.refused(400, message, "POST profile/account", **fields)


# Privacy ---------------------------------------------------------------------------------------


def part(path, value):
    group, name = path.split(".")
    return {group: {name: value}}


@pytest.mark.parametrize("route", ["GET profile/getPrivacy", "GET profile/privacy"])
def test_privacy_is_read_by_two_names(phone, route):
    assert phone.told(route) == READ | USUAL


@pytest.mark.parametrize("path", VALUES)
def test_each_setting_takes_its_values_and_no_other(phone, path):
    for value in VALUES[path][::-1]:
        group, name = path.split(".")
        expected = USUAL | {group: USUAL[group] | {name: value}}
        assert phone.told("POST profile/privacy", **part(path, value)) == WRITTEN | expected
        assert phone.told("GET profile/getPrivacy") == READ | expected
    for bad, said in (("everybody", "everybody"), (5, "5"), ("", "")):
        phone.refused(400, f"Invalid value for {path}: {said}", "POST profile/privacy",
                      **part(path, bad))


def test_privacy_that_is_not_named_stays(phone):
    assert phone.told("POST profile/privacy") == WRITTEN | USUAL
    changed = {"visibility": {"online": "match_last_seen", "lastSeen": "none"},
               "permissions": {"callAdd": "known"}}
    expected = {"visibility": USUAL["visibility"] | changed["visibility"],
                "privacy": USUAL["privacy"],
                "permissions": USUAL["permissions"] | changed["permissions"]}
    assert phone.told("POST profile/privacy", **changed) == WRITTEN | expected
    phone.refused(400, "Invalid request body: The 'visibility' field must be an object",
                  "POST profile/privacy", visibility="all")
    assert phone.told("GET profile/getPrivacy") == READ | expected


def test_only_a_connected_instance_has_a_profile(api, fresh):
    assert_needs_a_link(api, fresh("profile"), {
        "POST profile/account": {"profileName": "x"}, "GET profile/getAccount": {},
        "GET profile/getPrivacy": {}, "GET profile/privacy": {}, "POST profile/privacy": {}})
