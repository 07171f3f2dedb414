"""Routes that are promised. What paths may be is in bad_inputs/test_r_paths.py."""

import re

import pytest
from client import LIMIT_HEADERS, assert_refused

# Written down from the specification by hand: by folder, "METHOD word word ...".
LATER = {
    "/api/typebot": ["GET find", "POST create start", "PUT update", "DELETE delete"],
}
PROMISED = ["POST /mcp"] + [
    f"{method} {folder}/{word + '/' if word else ''}shop"
    for folder, lines in LATER.items()
    for method, *words in map(str.split, lines) for word in words or [""]]


@pytest.mark.parametrize("promise", PROMISED)
def test_routes_that_are_promised(api, promise):
    method, path = promise.split()
    reply = api.call(method, path, {"x": 1} if method == "POST" else None)
    assert_refused(reply, 501, "Not implemented")
    assert reply.limit_headers == LIMIT_HEADERS


def test_nothing_else_is_promised(api):
    """What answers is what is described, and what is described as to come is in the list."""
    paths = api.get("/openapi.json").json["paths"]
    later = {f"{method.upper()} {path}" for path, methods in paths.items()
             for method, operation in methods.items()
             if operation["responses"].get("501", {}).get("description") == "`Not implemented`"}

    def described(promise: str) -> str:
        [found] = [each for each in later if each.split()[0] == promise.split()[0] and re.fullmatch(
            re.sub(r"{\w+}", "[^/]+", each.split()[1]), promise.split()[1])]
        return found

    assert {described(promise) for promise in PROMISED} == later - {"GET /docs"}


@pytest.mark.parametrize("path", ["/api/typebot/find/x", "/api/instance/getS3/x"])
def test_promises_are_made_to_those_who_are_known(api, path):
    assert_refused(api.as_(None).get(path), 401, "Invalid token")
