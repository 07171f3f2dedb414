"""Good fields for each route that asks WhatsApp, as the simulator's phone would have them."""

from __future__ import annotations

from itertools import count
from typing import Callable

from phones import ANA, BIA, PNG
from pombo_server import until

STRANGERS = "FFFFFFFFFFFFFFFFFFFFFF"  # the code of an invitation that others have sent
CONTACT = {"fullName": "Bia Souza", "phone": "5511977770000"}
CARD = {"header": {"title": "One"}, "body": {"text": "The first"}}
SECTIONS = [{"title": "", "rows": [{"id": "a", "title": "Plan A"}]}]
OF_A_CHANNEL = {"identifier": STRANGERS}

GOOD = {
    "POST message/text": {"number": ANA, "message": "Hello"},
    "POST message/media": {"number": ANA, "mediaType": "image", "mediaBase64": PNG},
    "POST message/location": {"number": ANA, "latitude": 1, "longitude": 1, "name": "Office",
                              "address": "Av. 1"},
    "POST message/contact": {"number": ANA, "vcard": CONTACT},
    "POST message/reaction": {"number": ANA, "messageId": "3EB0FFEE", "reaction": "👍"},
    "POST message/poll": {"number": ANA, "question": "Lunch?", "options": ["Pizza", "Salad"]},
    "POST message/button": {"number": ANA, "contentText": "Choose",
                            "buttons": [{"id": "yes", "displayText": "Yes"}]},
    "POST message/list": {"number": ANA, "contentText": "Choose", "buttonText": "Open",
                          "sections": SECTIONS},
    "POST message/carousel": {"number": ANA, "message": "Look", "cards": [CARD, CARD]},
    "POST message/sticker": {"imageUrl": "data:image/webp;base64,AAAA", "number": ANA},
    "POST message/form": {"number": ANA, "message": "Register"},
    "POST message/event": {"number": ANA, "name": "Opening", "startAt": "2026-12-01T18:00:00Z"},
    "POST message/pix": {"number": ANA, "merchantName": "Shop", "pixKey": "123.456.789-09",
                         "pixKeyType": "CPF"},
    "POST message/status": {"type": "text", "message": "Open!", "backgroundColor": "#25D366"},
    "POST chat/archive": {"number": ANA},
    "POST chat/pin": {"number": ANA, "pin": False},
    "POST chat/mute": {"number": ANA, "duration": "8h"},
    "POST chat/block": {"number": ANA},
    "POST chat/presence": {"number": ANA, "state": "typing"},
    "POST chat/markChatRead": {"number": ANA},
    "DELETE chat/deleteChat": {"number": BIA},
    "POST group/create": {"name": "Team"},
    "GET group/list": {},
    "POST group/join": {"identifier": STRANGERS},
    "POST community/create": {"name": "Town"},
    "POST newsletter/create": {"name": "News"},
    "GET newsletter/list": {},
    "GET newsletter/info": OF_A_CHANNEL,
    "POST newsletter/join": OF_A_CHANNEL,
    "POST profile/account": {"profileName": "Shop"},
    "GET profile/getAccount": {},
    "GET profile/getPrivacy": {},
    "GET profile/privacy": {},
    "POST profile/privacy": {},
    "POST call/fake": {"number": ANA, "duration": 8},
    "POST call/audio": {"number": ANA, "mediaBase64": "SUQzIGFuZCBzbyBvbg=="},
}

OF_A_GROUP = {  # beside its identifier
    "GET group/info": {},
    "PUT group/update": {"name": "Team"},
    "POST group/participants": {"action": "add", "participants": [ANA]},
    "POST group/resetLink": {},
    "GET group/requests": {},
    "DELETE group/leave": {},
}

OF_A_TEXT = {  # beside its messageId
    "POST chat/edit": {"content": "Good evening"},
    "DELETE chat/delete": {},
    "POST chat/markRead": {"number": ANA},
    "POST chat/favorite": {},
    "POST chat/forward": {"number": ANA},
}
OF_A_TAG = {  # beside its tagId
    "DELETE chat/tag": {},
    "POST chat/assignTag": {"number": ANA},
    "DELETE chat/assignTag": {"number": ANA},
}
numbers = count(1)

# `ask(method, path, body)` of an instance's route, and its JSON.
Ask = Callable[[str, str, dict], dict]


def good_fields(route: str, ask: Ask) -> dict | None:
    """Of "POST message/text"; what must be there for it is made first."""
    def made(what: str, name: str) -> str:
        return ask("POST", f"{what}/create", {"name": name})[
            "channel" if what == "newsletter" else what]["jid"]

    def sent(kind: str) -> str:
        for _ in range(6):  # whoever calls beside this may delete the chat just then
            id = ask("POST", f"message/{kind}", GOOD[f"POST message/{kind}"])["data"]["messageId"]
            if until(lambda id=id: id in [each["messageId"] for each in ask(
                    "POST", "chat/history", {"number": ANA, "count": 500})["messages"]], 10):
                return id
        raise AssertionError(f"no {kind} is kept")

    def tag() -> dict:
        return ask("POST", "chat/tag", {"name": f"Tag {next(numbers)}"})["tag"]

    if route in OF_A_GROUP:
        return OF_A_GROUP[route] | {"identifier": made("group", "Team")}
    if route in OF_A_TEXT:
        return OF_A_TEXT[route] | {"messageId": sent("text")}
    if route == "GET chat/poll":
        return {"messageId": sent("poll")}
    if route == "POST chat/tag":
        return {"name": f"Tag {next(numbers)}"}
    if route in OF_A_TAG:
        return OF_A_TAG[route] | {"tagId": tag()["id"]}
    if route == "DELETE newsletter/leave":
        return {"identifier": made("newsletter", "News")}
    if " community/" in route and route != "POST community/create":
        group, fields = made("group", "Team"), {"communityJid": made("community", "Town")}
        if route == "GET community/listSubGroups":
            return fields
        if route == "POST community/unlink":
            ask("POST", "community/link", fields | {"groupJid": [group]})
        return fields | {"groupJid": [group]}
    return GOOD.get(route)
