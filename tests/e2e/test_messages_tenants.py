"""What one instance keeps is not there for any other that names it; see also test_tenants.py."""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Iterator
from urllib.parse import urlencode

import pytest
from client import Api, Reply, error
from deliveries import message
from good_calls import good_fields
from phones import ANA, GROUP, Phone
from pombo_server import REPOSITORY, Server, default_binary, until

sys.path.insert(0, str(REPOSITORY / "tests/mutants"))
from mutate_block import BLOCK_MUTANTS, mutate_blocks  # noqa: E402

SERVER_ENV = {"POMBO_STORAGE_SYNCHRONOUS": "normal"}

MARK = "of-the-owner"  # in all that the owner has
FILE = base64.b64encode(f"%PDF-1.7 {MARK}".encode()).decode()
TAG = {"type": "edit", "labelId": "7001", "name": f"Tag {MARK}", "color": 3, "deleted": False,
       "action": "edited"}

# A field that names something is called like this; each is in one of the two tables below.
NAMING = re.compile(r"(^id|I[dD]s?|[jJ]ids?|[kK]eys?|[nN]ames|identifier|replyTo|quoted)$")
# What a field names, and what it would be if nobody had it.
NAMED = {
    "messageId": ("message", "3EB0000000000000FFFF"),
    "replyTo": ("message", "3EB0000000000000FFFF"),
    "tagId": ("tag", "7999"),
    "labelIds": ("tag", "7999"),
    "labelNames": ("tag name", "Tag of-nobodys"),
    "identifier": ("group", "120363000000000001@g.us"),
    "communityJid": ("community", "120363000000000001@g.us"),
    "groupJid": ("group", "120363000000000001@g.us"),
}
OF_CHANNELS = ("channel", "120363000000000001@newsletter")  # their identifier
# Of a message that is kept, these know the rest by themselves.
ALONE_TOO = {"POST chat/markRead"}
# A form that WhatsApp knows, and a key of a bank: no instance has them.
NOT_OURS = {"flowId", "pixKey"}
# An answer tells the account's own instances, and no one else, that a message is there.
TOLD_TO_SIBLINGS = ("GET chat/status", "Message does not belong to this instance")

# What is made up anew for each answer.
VARYING = [(re.compile(pattern), word) for pattern, word in (
    (r"3EB0[0-9A-F]{16,18}", "<message>"), (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"120363\d{12}@", "<jid>@"), (r'"inviteCode":"\w+"', "<code>"),
    (r"chat.whatsapp.com/\w+", "<link>"))]


@dataclass(frozen=True)
class Place:
    """A field of a route that names something."""
    route: str  # "POST chat/edit"
    where: str  # "query" or "body"
    field: str
    is_list: bool

    def __str__(self) -> str:
        return f"{self.field} in the {self.where} of {self.route}"

    @property
    def named(self) -> tuple[str, str]:
        of_channels = " newsletter/" in self.route and self.field == "identifier"
        return OF_CHANNELS if of_channels else NAMED[self.field]


def places_in(document: dict) -> list[Place]:
    """All that routes of the block take to name something by."""
    places = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation.get("x-pombo-block") != "messages":
                continue
            route = f"{method.upper()} {path.removeprefix('/api/').removesuffix('/{instance}')}"
            content = operation.get("requestBody", {}).get("content", {})
            fields = {("query", each["name"]): each["schema"]
                      for each in operation["parameters"] if each["in"] == "query"}
            fields |= {("body", name): schema for name, schema in
                       content.get("application/json", {}).get("schema", {})
                       .get("properties", {}).items()}
            places += [Place(route, where, name, "array" in schema["type"])
                       for (where, name), schema in fields.items() if NAMING.search(name)]
    return places


class Owner(Phone):
    """An instance with one of everything."""

    def __init__(self, api: Api, name: str):
        super().__init__(api, name)
        group = self.told("POST group/create", 201, name=f"Team {MARK}")["group"]["jid"]
        community = self.told("POST community/create", 201,
                              name=f"Town {MARK}")["community"]["jid"]
        self.told("POST community/link", communityJid=community, groupJid=[group])
        self.things = {
            "message": [self.received_file(), self.received_in_a_group(), self.sent_text(),
                        self.sent_poll()],
            "tag": [TAG["labelId"]], "tag name": [TAG["name"]], "group": [group],
            "community": [community],
            "channel": [self.told("POST newsletter/create", 201,
                                  name=f"News {MARK}")["channel"]["jid"]]}
        self.happens(TAG, "label.update")
        self.happens({"type": "chat", "labelId": TAG["labelId"], "chatJid": ANA, "action": "added",
                      "labeled": True}, "label.update")
        settle(self)

    def received(self, data: dict) -> str:
        self.happens(data)
        assert until(lambda: self.ask("GET chat/getMessage", messageId=data["id"]).status == 200)
        return data["id"]

    def received_file(self) -> str:
        media = {"type": "document", "mimetype": "application/pdf", "mimeType": "application/pdf",
                 "fileName": f"{MARK}.pdf", "size": None, "base64": FILE}
        return self.received(message() | {
            "id": "3EB0000000000000A001", "sender": {"jid": ANA, "name": f"Ana {MARK}"},
            "message": {"type": "document", "content": f"Read this {MARK}", "media": media}})

    def received_in_a_group(self) -> str:
        return self.received(message(f"Hello all {MARK}", GROUP) | {
            "id": "3EB0000000000000A002", "chat": {"jid": GROUP, "type": "group",
                                                   "name": f"Friends {MARK}"}})

    def sent(self, route: str, **fields) -> str:
        id = self.told(route, number=ANA, **fields)["data"]["messageId"]
        assert until(lambda: self.ask("GET chat/status", messageId=id).json.get("status") == "read")
        return id

    def sent_text(self) -> str:
        return self.sent("POST message/text", message=f"Good morning {MARK}")

    def sent_poll(self) -> str:
        id = self.sent("POST message/poll", question=f"Lunch {MARK}?", options=["Pizza", "Salad"])
        voter = {"jid": ANA, "lid": None, "name": f"Ana {MARK}"}
        self.received(message() | {
            "id": "3EB0000000000000A003", "sender": voter, "timestamp": "2026-11-21T12:00:00Z",
            "message": {"type": "poll_update", "content": "Pizza",
                        "poll": {"message_id": id, "title": f"Lunch {MARK}?", "voter": voter,
                                 "options": [{"name": "Pizza"}]}}})
        return id

    def shown(self) -> dict[str, bytes]:
        """All that it is told of what it has."""
        calls = [("POST chat/history", {"number": chat}) for chat in (ANA, GROUP)]
        calls += [(f"GET chat/{what}", {"messageId": id}) for id in self.things["message"]
                  for what in ("getMessage", "status", "base64", "poll")]
        calls += [("GET chat/tag", {}), ("GET chat/contactsByLabel", {"labelIds": TAG["labelId"]}),
                  ("GET chat/contacts", {}), ("GET group/list", {"includeMembers": "true"}),
                  ("GET community/listSubGroups", {"communityJid": self.things["community"][0]}),
                  ("GET newsletter/list", {})]
        return {f"{route} {fields}": self.ask(route, **fields).raw for route, fields in calls}


def settle(phone: Phone) -> None:
    """Returns when what has happened to it so far is kept: the last of it is."""
    last = message("the last so far", "5511966660000@s.whatsapp.net")
    phone.happens(last)
    assert until(lambda: phone.ask("GET chat/getMessage", messageId=last["id"]).status == 200)


@dataclass(frozen=True)
class Stranger:
    """Whoever has nothing to do with what the owner has."""
    what: str
    phone: Phone
    token: str
    is_sibling: bool = False

    def ask(self, route: str, where: str, fields: dict) -> Reply:
        method, path = route.split()
        path = f"/api/{path}/{self.phone.segment}"
        api = self.phone.api.as_(self.token)
        if where == "query":
            return api.call(method, f"{path}?{urlencode(fields)}")
        return api.call(method, path, fields)

    def good(self, route: str) -> dict:
        """Good fields, which name what is its own."""
        def ask(method: str, path: str, body: dict) -> dict:
            reply = self.ask(f"{method} {path}", "body", body)
            assert reply.status in (200, 201), reply
            return reply.json

        return good_fields(route, ask) or {}

    def names(self, place: Place, fields: dict, id: str) -> tuple[int, str]:
        """What it is answered when it names that, less what no two answers have alike."""
        value = [id] if place.is_list else id
        reply = self.ask(place.route, place.where, fields | {place.field: value})
        text = reply.raw.decode().replace(id, "<it>")
        for pattern, word in VARYING:
            text = pattern.sub(word, text)
        return reply.status, text


class World:
    def __init__(self, server: Server):
        self.server = server
        mine, theirs = (Api(server, server.account(name)) for name in ("mine", "theirs"))
        self.owner = Owner(mine, "owner")
        foreign, sibling = Phone(theirs, "owner"), Phone(mine, "sibling")
        self.strangers = [Stranger("another account", foreign, theirs.token),
                          Stranger("another account's instance", foreign, foreign.token),
                          Stranger("a sibling", sibling, sibling.token, is_sibling=True)]

    def places(self) -> list[Place]:
        places = places_in(self.owner.api.get("/openapi.json").json)
        assert len(places) >= 30
        unknown = {each.field for each in places} - set(NAMED) - NOT_OURS
        assert not unknown, f"what do these fields name? {unknown}"
        return [each for each in places if each.field in NAMED]


def problems_of_names(world: World) -> Iterator[str]:
    """A sentence for each answer that is another than that to what nobody has."""
    owner = world.owner
    before = owner.shown()
    for place in world.places():
        what, made_up = place.named
        for stranger in world.strangers:
            for fields in [stranger.good(place.route)] + [{}] * (place.route in ALONE_TOO):
                usual = stranger.names(place, fields, made_up)
                if usual[0] >= 500 or "Invalid request body" in usual[1]:
                    yield f"{place} by {stranger.what} is not looked up: {usual}"
                if stranger.is_sibling and place.route == TOLD_TO_SIBLINGS[0]:
                    usual = 404, json.dumps(error(TOLD_TO_SIBLINGS[1]), separators=(",", ":"))
                for id in owner.things[what]:
                    status, text = stranger.names(place, fields, id)
                    if (status, text) != usual:
                        yield (f"{place}, {id} by {stranger.what}: {status} {text} "
                               f"instead of {usual[0]} {usual[1]}")
                    if shows(text):
                        yield f"{place}, {id}: shows {stranger.what} what is the owner's: {text}"
        if owner.shown() != before:
            yield f"{place} has changed what its owner has"
            before = owner.shown()
    for stranger in world.strangers:
        settle(stranger.phone)
    if owner.shown() != before:
        yield "what was told later has changed what its owner has"
    for stranger in world.strangers:
        kept = stranger.ask("POST chat/history", "body", {"number": ANA, "count": 500}).raw
        if shows(kept.decode()):
            yield f"{stranger.what} keeps what is the owner's"


def shows(text: str) -> bool:
    return MARK in text or FILE in text


def twins() -> list[tuple[str, dict]]:
    """Messages of one chat with ids that more than one phone may have, less what they say."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [("3EB0000000000000B001", {"direction": "outgoing", "timestamp": now}),
            ("3EB0000000000000B002", {"direction": "incoming", "timestamp": now})]


def problems_of_twins(world: World) -> Iterator[str]:
    """Two who are in one group have messages of the same ids: each has its own of them."""
    owner = world.owner
    for id, fields in twins():
        owner.received(message(f"mine {MARK}") | fields | {"id": id})
    owner.things["message"] += [id for id, _ in twins()]
    (written, _), (read, _) = twins()
    for stranger in world.strangers[1:]:
        for id, fields in twins():
            stranger.phone.happens(message("theirs") | fields | {"id": id})
            assert until(lambda: stranger.phone.ask(
                "GET chat/getMessage", messageId=id).status == 200)
        before = owner.shown()
        for route, fields in (
                ("POST message/text", {"number": ANA, "message": "Yes", "replyTo": read}),
                ("POST message/reaction", {"number": ANA, "messageId": read, "reaction": "👍"}),
                ("POST chat/forward", {"number": ANA, "messageId": read}),
                ("POST chat/markRead", {"number": ANA, "messageId": read}),
                ("POST chat/favorite", {"messageId": written}),
                ("POST chat/edit", {"messageId": written, "content": "theirs, again"}),
                ("GET chat/getMessage", {"messageId": written}),
                ("GET chat/status", {"messageId": written}),
                ("POST chat/history", {"number": ANA, "count": 500}),
                ("DELETE chat/delete", {"messageId": written, "deleteForEveryone": True}),
                ("DELETE chat/deleteChat", {"number": ANA})):
            where = "query" if route.startswith("GET") else "body"
            reply = stranger.ask(route, where, fields)
            if reply.status != 200:
                yield f"{route} of its own by {stranger.what}: {reply.status} {reply.raw!r}"
            if shows(reply.raw.decode()):
                yield f"{route}: shows {stranger.what} what is the owner's: {reply.raw!r}"
            settle(stranger.phone)
            if owner.shown() != before:
                yield f"{route} of its own by {stranger.what} has changed what its owner has"
                before = owner.shown()


def problems(world: World) -> Iterator[str]:
    yield from problems_of_names(world)
    yield from problems_of_twins(world)


def test_nobody_else_names_what_an_instance_keeps(server):
    world = World(server)
    owned = world.owner.shown()
    assert sum(shows(each.decode()) for each in owned.values()) >= 10  # there is much to be shown
    assert list(islice(problems(world), 20)) == []


@pytest.mark.parametrize("name", BLOCK_MUTANTS)
def test_a_block_without_one_check_is_found_out(tmp_path, name):
    blocks = tmp_path / "blocks"
    mutate_blocks(name, default_binary().parent / "plugins", blocks)
    env = SERVER_ENV | {"POMBO_PLUGINS_PATH": str(blocks), "POMBO_PLUGINS_ISOLATION": "inside"}
    with Server(data_dir=tmp_path / "server", env=env) as server:
        assert BLOCK_MUTANTS[name][-1] in next(problems(World(server)), "nothing")
