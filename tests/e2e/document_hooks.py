"""For schemathesis, inside of its run: names of instances that exist, and a note of every answer."""

from __future__ import annotations

import ast
import itertools
import json
import os
import threading
from collections import defaultdict

import requests
import schemathesis
from good_calls import good_fields

_parse, _parsing = ast.parse, threading.Lock()


def _parse_alone(*args, **more):
    """CPython 3.11 counts in one place, for all threads, how deep it is: two that parse at once fail."""
    with _parsing:
        return _parse(*args, **more)


ast.parse = _parse_alone

URL, TOKEN, INSTANCE, ADMIN, CHATWOOT = (
    os.environ["FUZZ_" + key] for key in ("URL", "TOKEN", "INSTANCE", "ADMIN", "CHATWOOT"))
GOOD_LINK = {"chatwootBaseUrl": CHATWOOT, "chatwootAccountId": 5,
             "chatwootApiToken": os.environ["FUZZ_CHATWOOT_TOKEN"]}

LINKING = {"GET /api/instance/connect/", "POST /api/instance/reconnect/",
           "DELETE /api/instance/logout/"}
HAPPENS_TO_A_LINK = ("disconnect", "logout", "ban", "profile", "call", "contact")
KEPT = json.loads(os.environ["FUZZ_KEPT"])  # what document_fuzz has kept of messages
OF_NOBODY = {"ids": ["1"]}  # passed over, which is no refusal
SOMEBODY = {"number": "5511988880000"}
HAPPENING = {"event": "instance.state", "data": {"state": "stream_replaced"}}

turns = itertools.count(1)
of_route = defaultdict(itertools.count)
notes = open(os.environ["FUZZ_NOTES"], "a", buffering=1)


def ask(method: str, path: str, body: dict, token: str = TOKEN) -> dict:
    reply = requests.request(method, URL + path, json=body, headers={"token": token}, timeout=60)
    reply.raise_for_status()
    return reply.json()


def to_link(route: str, turn: int) -> str:
    """Of an instance of the simulator's, with a code or a session if the route needs one."""
    name = f"to link {turn}"
    ask("POST", "/api/instance/new", {"name": name, "connector": "simulator"})
    is_linked = "/reconnect/" in route or route.split("/")[3] in HAPPENS_TO_A_LINK
    if "/scan/" in route or is_linked:
        ask("GET", f"/api/instance/connect/{name}", {})
    if is_linked:
        ask("POST", f"/api/simulator/scan/{name}", {})
    return name


def a_name(route: str, turn: int, nth: int) -> str:
    """Of an instance that is as the route needs it to succeed."""
    if route == "DELETE /api/instance/delete/{instance}":
        ask("POST", "/api/instance/new", {"name": f"for deletion {turn}"})
        return f"for deletion {turn}"
    if "/simulator/" in route or route.partition("{")[0] in LINKING:
        return to_link(route, turn)
    if route.startswith(("GET /api/chatwoot", "DELETE /api/chatwoot")):
        ask("POST", "/api/chatwoot/set/linked", GOOD_LINK)
        return "linked"
    if route == "GET /ws/{instance}":
        ask("POST", "/api/events/websocket/linked", {"enabled": True})
        return "linked"
    if route == "POST /api/events/test/{instance}":
        ask("POST", "/api/events/webhook/linked", KEPT["webhook"])
        return "linked"
    return ("shop", "linked")[nth % 2]


def an_account(turn: int) -> str:
    made = ask("POST", "/api/admin/accounts", {"name": f"account {turn}"}, ADMIN)
    return made["account"]["id"]


def make_good(case, route: str) -> bool:
    """Whether it is a call that the phone answers, and has been given what that needs."""
    method, path = route.removesuffix("/{instance}").replace("/api/", "").split()
    if path in KEPT["of"]:
        fields = {"messageId": KEPT["of"][path]}
    else:
        fields = good_fields(f"{method} {path}", lambda method, path, body: ask(
            method, f"/api/{path}/phone", body))
    if fields is None:
        return False
    case.path_parameters["instance"] = "phone"
    if method == "GET":
        case.query = fields
    else:
        case.body = fields
    return True


@schemathesis.hook
def before_call(context, case, kwargs):
    turn, route = next(turns), f"{case.method.upper()} {case.path}"
    nth = next(of_route[route])
    # What was made up stays in a quarter of the calls.
    if "instance" in (case.path_parameters or {}) and nth % 4:
        if nth % 4 == 3 or not make_good(case, route):
            case.path_parameters["instance"] = a_name(route, turn, nth)
    if route == "GET /media/{id}" and nth % 2:
        case.path_parameters["id"], case.query = KEPT["media"]
    if route == "POST /api/instance/new" and isinstance(case.body, dict) and turn % 4:
        case.body["name"] = f"made {turn}"
    if route == "GET /docs/{file}" and turn % 2:
        case.path_parameters["file"] = "docs.js"
    # Calls share what was put into one of them: who is to be nobody has to be said.
    if " /api/admin/" in route and "id" in (case.path_parameters or {}) and nth % 4:
        case.path_parameters["id"] = "nobody" if nth % 4 == 1 else an_account(turn)
    if route == "POST /api/admin/accounts" and isinstance(case.body, dict) and turn % 4:
        case.body["name"] = f"made {turn}"
    # Without a name in its path it is about the token's own instance.
    case.headers["token"] = ADMIN if " /api/admin/" in route else \
        INSTANCE if route == "POST /api/events/webhook" else TOKEN
    if route == "POST /api/chatwoot/set/{instance}" and isinstance(case.body, dict) and turn % 2:
        case.body |= GOOD_LINK
    if route == "POST /api/simulator/event/{instance}" and isinstance(case.body, dict) and turn % 2:
        case.body |= HAPPENING
    if route == "POST /api/simulator/contact/{instance}" and isinstance(case.body, dict) and turn % 2:
        case.body |= SOMEBODY
    if route == "POST /api/events/redeliver/{instance}" and turn % 2:
        case.body = OF_NOBODY


@schemathesis.hook
def after_call(context, case, response):
    notes.write(f"{case.method.upper()} {case.path} {response.status_code}\n")


@schemathesis.check
def documented(ctx, response, case):
    """By its number: what "default" stands for is nothing to be found here. A 500 never is."""
    if case.method.lower() == case.operation.method.lower():
        answers = case.operation.definition.raw["responses"]
        assert str(response.status_code) in answers, "this status is not documented"
    assert response.status_code != 500, response.text[:200]
