"""/api/newsletter/*, against the simulator."""

import re

import pytest
from phones import ANA, PNG, Phone, assert_needs_a_link

JID = re.compile(r"120363\d{12}@newsletter")
LINK = "https://whatsapp.com/channel/"
STRANGERS = "FFFFFFFFFFFFFFFFFFFFFF"  # the code of a channel that others have made
NAMED = ["GET newsletter/info", "POST newsletter/join", "DELETE newsletter/leave"]


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("channel"))


def test_a_channel_as_it_is_made(phone):
    answer = phone.told("POST newsletter/create", 201, name="News", description="Ours", image=PNG)
    channel = answer.pop("channel")
    assert answer == {"success": True, "message": "Newsletter created successfully"}
    assert JID.fullmatch(channel["jid"]) and channel["inviteLink"].startswith(LINK)
    assert channel.pop("pictureUrl")
    assert channel == {"jid": channel["jid"], "state": "active", "name": "News",
                       "description": "Ours", "inviteLink": channel["inviteLink"],
                       "subscriberCount": 1}
    listed = phone.told("GET newsletter/list")
    assert (listed["message"], [each["name"] for each in listed["channels"]]) == \
        ("1 Newsletters found", ["News"])


@pytest.mark.parametrize("form", ["{}", LINK + "{}", "https://www.whatsapp.com/channel/{}?x=y"])
def test_a_channel_is_followed_and_left(phone, form):
    seen = phone.told("GET newsletter/info", identifier=form.format(STRANGERS))
    channel = seen["channel"]
    assert seen == {"success": True, "message": "Newsletter info retrieved", "channel": channel}
    assert channel["inviteLink"] == LINK + STRANGERS
    nothing = {"success": True, "message": "0 Newsletters found", "channels": []}
    assert phone.told("GET newsletter/list") == nothing
    assert phone.told("POST newsletter/join", identifier=form.format(STRANGERS)) == {
        "success": True, "message": "Newsletter joined successfully", "channel": channel}
    assert phone.told("GET newsletter/list")["channels"] == [channel]
    assert phone.told("DELETE newsletter/leave", identifier=channel["jid"]) == {
        "success": True, "message": "Newsletter left successfully", "jid": channel["jid"]}
    assert phone.told("GET newsletter/list") == nothing


@pytest.mark.parametrize("route", NAMED)
def test_which_channel_has_to_be_said(phone, route):
    phone.refused(400, "identifier is required", route)
    for unknown in ("GoneGoneGone", LINK + "GoneGoneGone", "120363000000000000@newsletter", ANA,
                    "?", "12036300000000@g.us"):
        phone.refused(404, "Newsletter not found", route, identifier=unknown)


@pytest.mark.parametrize("fields, message", [
    ({}, "name is required"),
    ({"name": "x" * 101}, "The 'name' field must be at most 100 characters"),
    ({"name": "x", "image": "?"},
     "The 'image' field must be a URL, a data URI of an image, or base64")])
def test_what_is_refused(phone, fields, message):
    phone.refused(400, message, "POST newsletter/create", **fields)


def test_only_a_connected_instance_has_channels(api, fresh):
    assert_needs_a_link(api, fresh("channel"), {
        "POST newsletter/create": {"name": "News"}, "GET newsletter/list": {},
        **{route: {"identifier": STRANGERS} for route in NAMED}})
