"""Who may call what: every route with every token, and an instance named in every place.

What is expected is written down here, by kind of route; which routes there are the server tells.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Iterator

from client import Reply
from tenants import Caller, Pair, Route, Tenants, routes_of

REFUSALS = {
    401: b'{"success":false,"error":{"message":"Invalid token"}}',
    403: b'{"success":false,"error":{"message":"Instance token does not match the requested '
         b'instance"}}',
    404: b'{"success":false,"error":{"message":"Instance not found"}}',
}
# Chatwoot's three routes have words of their own.
OF_CHATWOOT = b'{"success":false,"error":{"message":"instance not found"}}'
# And a WebSocket has for whoever brings no token at all.
NO_TOKEN = (b'{"success":false,"error":{"message":'
            b'"Missing token in header, Authorization header, or query parameter"}}')
PLACES = ("query", "body")  # beside the path
VARYING = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}


def verdict(route: Route, caller: Caller, name: str | None) -> int | None:
    """The status of the refusal; nothing: it is carried out, as far as it can be."""
    if route.meant == "open":
        return None
    reach = {"instance": {"instance", "account"}, "account": {"account"}, "admin": {"admin"}}
    if caller.kind not in reach[route.meant]:
        return 401
    if route.promised or name is None or name in caller.names:
        return None
    return 403 if caller.kind == "instance" else 404


def problems(tenants: Tenants) -> Iterator[str]:
    """A sentence for each cell that is not as it should be."""
    usual: dict[tuple[int, int], Any] = {}
    for route in routes_of(tenants.server):
        if route.access != route.meant:
            yield f"{route} is declared for {route.access}, and meant for {route.meant}"
        with tenants.pair() as pair:
            before = tenants.rows()
            for caller in tenants.callers(*pair):
                for name in targets(route, tenants, pair[0]):
                    if status := verdict(route, caller, name):
                        for problem in refused(tenants, route, caller, name, status, usual,
                                               pair[0]):
                            yield f"{route} of {name!r} with {caller.what}: {problem}"
            if tenants.rows() != before:
                yield f"{route} has changed something that it refused"
            name = pair[0]["name"] if route.names_one else None
            for number, caller in enumerate(tenants.callers(*pair)):
                if not verdict(route, caller, name):
                    for place in PLACES if route.method != "GET" else PLACES[:1]:
                        yield from allowed(tenants, route, number, place, pair)
            if not route.changes and tenants.rows() != before:
                yield f"{route} has changed something"


def targets(route: Route, tenants: Tenants, shop: dict) -> list[str | None]:
    if not route.names_one:
        return [None]
    if route.promised:  # nobody looks for any of them
        return [shop["name"], tenants.foreign["name"]]
    return [shop["name"], tenants.sibling["name"], tenants.foreign["name"], "no such name",
            shop["id"], tenants.foreign["id"]]


def words(route: Route, status: int, caller: Caller | None = None) -> bytes:
    if status == 401 and route.path.startswith("/ws/") and caller and not caller.token:
        return NO_TOKEN
    chatwoot = status == 404 and route.path.startswith("/api/chatwoot/")
    return OF_CHATWOOT if chatwoot else REFUSALS[status]


def naming(name: str, id: str) -> dict:
    """Where else than in the path an instance might be named."""
    return {"instance": name, "instanceName": name, "id": id, "instanceId": id}


def refused(tenants: Tenants, route: Route, caller: Caller, name: str | None, status: int,
            usual: dict[tuple[int, int], Any], shop: dict) -> Iterator[str]:
    body = tenants.body(route)
    own = naming(next(iter(caller.names), shop["name"]), caller.instance or shop["id"])
    replies = [tenants.call(route, caller, name, body=body),
               tenants.call(route, caller, name, own, body)]
    if body is not None:
        replies.append(tenants.call(route, caller, name, body=body | own))
    for reply in replies:
        said = words(route, status, caller)
        if (reply.status, reply.raw) != (status, said):
            yield f"{reply.status} {reply.raw[:200]!r} instead of {status}"
        headers = {key.lower(): value for key, value in reply.headers.items()
                   if key.lower() not in VARYING}
        if usual.setdefault((status, len(said)), headers) != headers:
            yield f"{headers} instead of {usual[status, len(said)]}"
    if route.method == "GET":
        reply = tenants.call(route, caller, name, method="HEAD")
        if (reply.status, reply.raw) != (status, b""):
            yield f"HEAD: {reply.status} instead of {status}"


def allowed(tenants: Tenants, route: Route, number: int, place: str, pair: Pair) -> Iterator[str]:
    """What that one of the callers may do: to its own, whatever else it names."""
    where = f"{route} with {tenants.callers(*pair)[number].what}"
    replies = []
    for other in (None, naming(tenants.sibling["name"], tenants.sibling["id"]),
                  naming(tenants.foreign["name"], tenants.foreign["id"]),
                  naming("no such name", "00000000-0000-7000-8000-000000000000")):
        # What is changed is for one call.
        with tenants.pair() if route.changes else nullcontext(pair) as (shop, twin):
            caller = tenants.callers(shop, twin)[number]
            before = tenants.rows(caller) if route.changes else []
            body = tenants.body(route)
            query = other if place == "query" else None
            reply = tenants.call(route, caller, shop["name"] if route.names_one else None, query,
                                 body if place == "query" else body | (other or {}))
            if caller.kind != "admin" and tenants.betrayed(caller, reply):
                yield f"{where}, {other} in its {place}: shows what is not its own"
            if caller.kind != "admin" and route.changes and tenants.rows(caller) != before:
                yield f"{where}, {other} in its {place}: changes what is not its own"
            replies.append(reply)
    usual, known, foreign, unknown = replies
    if caller.account == "theirs":
        foreign = known
    if usual.raw in {words(route, status) for status in REFUSALS}:
        yield f"{where}: {usual.status} {usual.raw!r}"
    if caller.kind == "instance" and {each.status for each in replies} != {usual.status}:
        yield f"{where}: another name in its {place} makes a difference"
    if (foreign.status, shape(foreign)) != (unknown.status, shape(unknown)):
        yield f"{where}: a foreign name in its {place} is told from an unknown one"


def shape(reply: Reply) -> Any:
    """What may not depend on whose a name is: all of a refusal, and the keys of a success."""
    if reply.status >= 400:
        return reply.raw
    return set(reply.json) if reply.raw.startswith(b"{") else None
