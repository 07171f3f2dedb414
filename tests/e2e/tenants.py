"""The routes of a server, and all who may call them or may not: for tenant_matrix.py."""

from __future__ import annotations

import http.client
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator
from urllib.parse import quote, urlencode

from client import PATIENCE, Api, Reply
from pombo_server import Server
from shapes import URL

ADMIN = "the-admin-token-of-the-tenant-matrix"
SERVER_ENV = {"POMBO_LIMITS_ANONYMOUS_PER_MINUTE": "1000000", "POMBO_ADMIN_TOKEN": ADMIN,
              "POMBO_LIMITS_RESOURCE_PER_MINUTE": "1000000",
              "POMBO_LIMITS_ADMIN_PER_MINUTE": "1000000", "POMBO_LOG_ACCESS": "false",
              "POMBO_STORAGE_SYNCHRONOUS": "normal"}

# Whoever opens another route to everybody has to write it down here as well.
OPEN = {"GET /health", "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json",
        "GET /docs", "GET /docs/{file}", "GET /media/{id}",
        "GET /watch", "GET /watch/page.css", "GET /watch/page.js"}
# A GET that is more than a look.
LINKS = "GET /api/instance/connect/{instance}"
OF_ACCOUNTS = {"POST /api/instance/new", "DELETE /api/instance/delete/{instance}"}


# Bodies that are good, so that what may be done is done.
BODIES = {
    "POST /api/instance/settings/{instance}": {"ignoreStatus": True},
    "POST /api/instance/proxy/{instance}": {"enabled": True, "host": "93.184.216.35", "port": 1080,
                                            "protocol": "http"},
    "POST /api/instance/s3/{instance}": {"enabled": True, "bucket": "b", "accessKey": "a",
                                         "secretKey": "s", "endpoint": URL},
    "POST /api/events/webhook/{instance}": {"enabled": True, "url": URL},
    "POST /api/events/webhook": {"enabled": True, "url": URL},
    "POST /api/events/websocket/{instance}": {"enabled": True},
    "POST /api/events/redeliver/{instance}": {"ids": ["no such delivery"]},
    # Nobody is to be dialled: the webhook that is there has another label.
    "POST /api/events/test/{instance}": {"label": "no such label"},
    "POST /api/chatwoot/set/{instance}": {"chatwootBaseUrl": "http://127.0.0.1:9",
                                          "chatwootAccountId": 5, "chatwootApiToken": "x"},
    "POST /api/chat/history/{instance}": {"number": "5511988880000"},
    "POST /api/simulator/scan/{instance}": {"number": "5511999990000"},
    "POST /api/simulator/network/{instance}": {"answers": True},
    "POST /api/simulator/event/{instance}": {
        "event": "instance.state", "data": {"state": "connected",
                                            "jid": "5511999990000@s.whatsapp.net"}},
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str  # with {instance}
    access: str
    promised: bool  # to come, or of a block that is not there

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names_one(self) -> bool:
        return "{instance}" in self.path

    @property
    def changes(self) -> bool:
        return (self.method != "GET" or str(self) == LINKS) and not self.promised

    def to(self, name: str) -> str:
        path = self.path.replace("{instance}", quote(name, safe=""))
        while "{" in path:  # the kind of a message, and the like
            before, _, rest = path.partition("{")
            path = before + "text" + rest.partition("}")[2]
        return path

    @property
    def meant(self) -> str:
        """The kind of access that it is to have."""
        if str(self) in OPEN:
            return "open"
        if self.path.startswith("/api/admin/"):
            return "admin"
        return "account" if str(self) in OF_ACCOUNTS else "instance"


def routes_of(server: Server) -> list[Route]:
    paths = Api(server).get("/openapi.json").json["paths"]
    return [Route(method.upper(), path, operation["x-pombo-access"],
                  not any(status[0] in "12" for status in operation["responses"]))
            for path, operations in paths.items() for method, operation in operations.items()]


Pair = tuple[dict, dict]  # an instance of mine, and one of the same name that is theirs


@dataclass(frozen=True)
class Caller:
    what: str
    kind: str  # "instance", "account", "admin", or "nobody"
    token: str | None
    account: str = ""  # by its name: what is in there is within reach of a TokenAccount
    instance: str = ""  # the id of a TokenInstance's own
    names: frozenset[str] = frozenset()  # those that this caller may put into a path


class Tenants:
    """Two accounts with instances, some of them of the same name, and whoever may do nothing."""

    def __init__(self, server: Server):
        self.server = server
        self._numbers = itertools.count(1)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self._marks: dict[str, tuple[str, set[str]]] = {}  # by id: its account, what betrays it
        self.accounts = {name: Api(server, server.account(name)) for name in ("mine", "theirs")}
        self.sibling = self.instance("mine", "sibling")
        self.foreign = self.instance("theirs", "foreign")
        self.outcasts = self._outcasts()

    def instance(self, account: str, name: str) -> dict:
        mark = f"{URL}/mark-{next(self._numbers):09}"
        # Of what happens to it, nothing is to be posted to that address.
        made = self.accounts[account].created(name, connector="simulator", webhookEnabled=True,
                                              webhookURL=mark, webhookEvents=["label.update"],
                                              websocketEnabled=True)
        self._marks[made["id"]] = account, {made["id"], made["token"], mark}
        return made

    @contextmanager
    def pair(self) -> Iterator[Pair]:
        name = f"shop {next(self._numbers)}"
        pair = self.instance("mine", name), self.instance("theirs", name)
        yield pair
        for account, instance in zip(self.accounts.values(), pair):
            assert account.delete(quote(name)).status in (200, 404)
            del self._marks[instance["id"]]

    def _outcasts(self) -> list[Caller]:
        server = self.server
        gone = self.instance("mine", "gone")
        assert self.accounts["mine"].delete("gone").status == 200
        rotated = server.account("rotated")
        assert server.run("account", "rotate", "rotated", "--grace", "3600").returncode == 0
        server.store.execute("UPDATE account SET old_token_until = 1 WHERE name = 'rotated'")
        disabled = Api(server, server.account("disabled"))
        of_it = disabled.created("disabled")
        assert server.run("account", "set", "disabled", "--enabled", "false").returncode == 0
        tokens = {"the token of a deleted instance": gone["token"],
                  "a token from before a rotation": rotated,
                  "a disabled account": disabled.token,
                  "an instance of a disabled account": of_it["token"],
                  "an unknown token": "pmb_" + "x" * 43, "nobody": None}
        return [Caller(what, "nobody", token) for what, token in tokens.items()]

    def callers(self, shop: dict, twin: dict) -> list[Caller]:
        def instance(what: str, one: dict) -> Caller:
            return Caller(what, "instance", one["token"], "", one["id"], frozenset({one["name"]}))

        def account(what: str, name: str, *reach: dict) -> Caller:
            return Caller(what, "account", self.accounts[name].token, name, "",
                          frozenset(each["name"] for each in reach))

        return [instance("its own token", shop), instance("its sibling's token", self.sibling),
                instance("a foreign token", self.foreign),
                instance("the token of a foreign instance of that name", twin),
                account("its account", "mine", shop, self.sibling),
                account("another account", "theirs", twin, self.foreign),
                Caller("the admin token", "admin", ADMIN), *self.outcasts]

    def within_reach(self, caller: Caller) -> set[str]:
        """Ids; of an instance that is gone too, as long as its pair lasts."""
        return {id for id, (account, _) in self._marks.items() if account == caller.account} \
            | {caller.instance} - {""}

    def betrayed(self, caller: Caller, reply: Reply) -> bool:
        """Whether the answer shows something of an instance that is out of the caller's reach."""
        reach = self.within_reach(caller)
        return any(mark.encode() in reply.raw for id, (_, marks) in self._marks.items()
                   if id not in reach for mark in marks)

    def rows(self, caller: Caller | None = None) -> list[str]:
        """What is stored; less what speaks of instances that are within the caller's reach."""
        query = self.server.store.query
        accounts = query("SELECT id, name, token_hash, enabled, quota FROM account")
        instances = query("SELECT id, account_id, instance.* FROM instance")
        own = {id for id, name, *_ in accounts if caller and name == caller.account}
        reach = {id for id, account, *_ in instances if account in own}
        if caller:
            reach |= self.within_reach(caller)
        found = map(repr, accounts + instances + query("SELECT * FROM block_row"))
        return sorted(row for row in found if not any(id in row for id in reach))

    def call(self, route: Route, caller: Caller, name: str | None, query: dict | None = None,
             body: dict | None = None, method: str = "") -> Reply:
        target = route.to(name or "") + ("?" + urlencode(query) if query else "")
        headers = {} if caller.token is None else {"token": caller.token}
        self._connection.request(method or route.method, target,
                                 None if body is None else json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def body(self, route: Route) -> dict | None:
        if route.method == "GET":
            return None
        if str(route) == "POST /api/instance/new":
            return {"name": f"new {next(self._numbers)}"}
        return BODIES.get(str(route), {})
