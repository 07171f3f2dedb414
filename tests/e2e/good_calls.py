"""Good fields for each route that asks WhatsApp, as the simulator's phone would have them."""

from __future__ import annotations

from typing import Callable

from phones import ANA, PNG

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
    "POST message/pix": {"number": ANA, "merchantName": "Shop", "pixKey": "123.456.789-09",
                         "pixKeyType": "CPF"},
    "POST message/status": {"type": "text", "message": "Open!", "backgroundColor": "#25D366"},
    "POST chat/archive": {"number": ANA},
    "POST chat/pin": {"number": ANA, "pin": False},
    "POST chat/mute": {"number": ANA, "duration": "8h"},
    "POST chat/block": {"number": ANA},
    "POST chat/presence": {"number": ANA, "state": "typing"},
    "POST chat/markChatRead": {"number": ANA},
    "DELETE chat/deleteChat": {"number": ANA},
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

# `ask(method, path, body)` of an instance's route, and its JSON.
Ask = Callable[[str, str, dict], dict]


def good_fields(route: str, ask: Ask) -> dict | None:
    """Of "POST message/text"; what must be there for it is made first."""
    def made(what: str, name: str) -> str:
        return ask("POST", f"{what}/create", {"name": name})[
            "channel" if what == "newsletter" else what]["jid"]

    if route in OF_A_GROUP:
        return OF_A_GROUP[route] | {"identifier": made("group", "Team")}
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
