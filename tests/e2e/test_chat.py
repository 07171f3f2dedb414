"""/api/chat/*: what is done to chats, against the simulator."""

import pytest
from client import assert_refused
from phones import ANA, GROUP, NOBODY, Phone, assert_needs_a_link


@pytest.fixture(scope="module")
def phone(api, fresh):
    return Phone(api, fresh("chat"))


GOOD = {  # by route: good fields, and what comes of them
    "POST chat/archive": [
        ({}, "Chat archived successfully", {"archived": True}),
        ({"archive": None}, "Chat archived successfully", {"archived": True}),
        ({"archive": False}, "Chat unarchived successfully", {"archived": False})],
    "POST chat/pin": [
        ({"pin": True}, "Chat pinned successfully", {"pinned": True}),
        ({"pin": True}, "Chat pinned successfully", {"pinned": True}),
        ({"pin": False}, "Chat unpinned successfully", {"pinned": False}),
        ({"pin": False}, "Chat unpinned successfully", {"pinned": False})],
    "POST chat/mute": [
        *[({"duration": said}, "Chat muted for 8 hours", {"muted": True, "duration": 28800})
          for said in ("8h", "8 hours", "8H")],
        *[({"duration": said}, "Chat muted for 1 week", {"muted": True, "duration": 604800})
          for said in ("1w", "7d", "1 week")],
        *[({"duration": said}, "Chat muted permanently", {"muted": True, "duration": 0})
          for said in ("always", "forever", "permanent", "", None)],
        ({"mute": False}, "Chat notifications unmuted successfully",
         {"muted": False, "duration": 0}),
        ({"mute": False, "duration": "8h"}, "Chat notifications unmuted successfully",
         {"muted": False, "duration": 0})],
    "POST chat/block": [
        ({}, "Contact blocked successfully", {"blocked": True}),
        ({"block": False}, "Contact unblocked successfully", {"blocked": False})],
    "POST chat/presence": [
        ({"state": "typing"}, "Presence updated successfully", {"state": "typing", "duration": 0}),
        ({"state": "Recording", "duration": "7"}, "Presence updated successfully",
         {"state": "recording", "duration": 7}),
        ({"state": "typing", "duration": 61}, "Presence updated successfully",
         {"state": "typing", "duration": 60}),
        ({"state": "PAUSE", "duration": 7}, "Presence updated successfully",
         {"state": "pause", "duration": 0}),
        ({"state": "paused"}, "Presence updated successfully", {"state": "paused", "duration": 0})],
    "POST chat/markChatRead": [
        ({}, "Chat marked as read successfully", {"read": True}),
        ({"read": False}, "Chat marked as unread successfully", {"read": False})],
    "DELETE chat/deleteChat": [
        ({}, "Chat deleted successfully", {}),
        ({"deleteMedia": True}, "Chat deleted successfully (including media)", {})],
}
BAD = {
    "POST chat/archive": [
        ({"archive": "yes"}, "Invalid request body: The 'archive' field must be a boolean")],
    "POST chat/pin": [({"pin": 1}, "Invalid request body: The 'pin' field must be a boolean")],
    "POST chat/mute": [({"duration": "2h"}, "Invalid duration: 2h"),
                       ({"duration": 8}, "Invalid duration: 8")],
    "POST chat/block": [
        ({"block": []}, "Invalid request body: The 'block' field must be a boolean")],
    "POST chat/presence": [
        ({}, "State is required. Use 'typing', 'recording', or 'pause'"),
        ({"state": ""}, "State is required. Use 'typing', 'recording', or 'pause'"),
        ({"state": "asleep"}, "Invalid state. Use 'typing', 'recording', or 'pause'"),
        ({"state": "typing", "duration": "long"},
         "Invalid request body: The 'duration' field must be an integer")],
    "POST chat/markChatRead": [
        ({"read": "no"}, "Invalid request body: The 'read' field must be a boolean")],
    "DELETE chat/deleteChat": [
        ({"deleteMedia": 1}, "Invalid request body: The 'deleteMedia' field must be a boolean")],
}


def rows(table):
    return [pytest.param(route, *row, id=f"{route} {row[0]}")
            for route, cases in table.items() for row in cases]


@pytest.mark.parametrize("route, fields, message, shown", rows(GOOD))
def test_what_is_answered(phone, route, fields, message, shown):
    assert phone.told(route, number="+55 (11) 98888-0000", **fields) == \
        {"success": True, "message": message, "chat_jid": ANA} | shown


@pytest.mark.parametrize("route", GOOD)
def test_a_group_is_a_chat_too(phone, route):
    fields, message, shown = GOOD[route][0]
    assert phone.told(route, number=GROUP, **fields) == \
        {"success": True, "message": message, "chat_jid": GROUP} | shown


@pytest.mark.parametrize("route, fields, message", rows(BAD))
def test_what_is_refused(phone, route, fields, message):
    phone.refused(400, message, route, number=ANA, **fields)


@pytest.mark.parametrize("route", GOOD)
def test_whose_chat_has_to_be_said(phone, route):
    fields = GOOD[route][0][0]
    phone.refused(400, "Number is required", route, **fields)
    phone.refused(400, "Number is required", route, number=" ", **fields)
    phone.refused(400, "Invalid number: Ana", route, number="Ana", **fields)
    phone.refused(400, "Invalid request body: The 'number' field must be a string", route,
                  number=[], **fields)
    phone.refused(400, "Number is not registered on WhatsApp", route, number=NOBODY, **fields)


@pytest.mark.parametrize("route", GOOD)
def test_malformed_json_says_why(phone, route):
    method, path = route.split()
    assert_refused(phone.api.call(method, f"/api/{path}/{phone.segment}", b"{"), 400,
                   "Invalid request body: incomplete JSON")


def test_only_a_connected_instance_has_chats(api, fresh):
    assert_needs_a_link(api, fresh("chat"), {
        route: {"number": ANA} | cases[0][0] for route, cases in GOOD.items()})


def test_three_chats_are_pinned_at_most(api, fresh):
    phone = Phone(api, fresh("chat"))
    numbers = [f"551198888000{digit}" for digit in range(4)]
    for number in numbers[:3]:
        phone.told("POST chat/pin", number=number)
    phone.refused(400, "Maximum of 3 pinned chats reached", "POST chat/pin", number=numbers[3])
    phone.told("POST chat/pin", number=numbers[0])  # which is pinned already
    phone.told("DELETE chat/deleteChat", number=numbers[0])
    phone.told("POST chat/pin", number=numbers[3])
    phone.told("POST chat/pin", number=numbers[1], pin=False)
    phone.told("POST chat/pin", number=numbers[0])
