"""What webhooks post, and what becomes of the answers."""

import re
import socket
import time
from datetime import datetime, timedelta, timezone

import pytest
from client import assert_refused
from deliveries import SERVER_ENV, Shop, message  # noqa: F401 (conftest.py reads the first)
from pombo_server import REPOSITORY
from receivers import Receiver, Verifiers

VERSION = re.search(r"project\(\s*pombo\s+VERSION\s+([\d.]+)",
                    (REPOSITORY / "CMakeLists.txt").read_text(), re.IGNORECASE)[1]
STATE = {"state": "keepalive_restored"}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture(scope="module")
def verifiers():
    with Verifiers() as started:
        yield started


@pytest.fixture
def crm():
    with Receiver() as started:
        yield started


@pytest.fixture
def shop(api, fresh):
    return Shop(api, fresh("shop"))


def seconds_from_now(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - time.time()


# The request ----------------------------------------------------------------------------------


def test_an_event_arrives_signed(api, server, fresh, crm, verifiers):
    shop = Shop(api, fresh("loja é 1."))
    secret = shop.webhook(crm.url, authorization="Bearer  k-123")["secret"]
    before = int(time.time())
    id = shop.happens(message("olá"))
    [posted] = crm.wait(1)
    assert posted.path == "/wa"
    timestamp = posted.headers.pop("webhook-timestamp")
    assert before <= int(timestamp) <= time.time()
    signature = posted.headers.pop("webhook-signature")
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", signature)
    name = "".join(f"%{byte:02X}" if chr(byte) not in "loja.-1234567890" else chr(byte)
                   for byte in shop.name.encode())
    assert posted.headers == {
        "host": f"127.0.0.1:{crm.port}", "accept": "*/*", "content-length": str(len(posted.raw)),
        "content-type": "application/json", "user-agent": f"Pombo/{VERSION}",
        "authorization": "Bearer  k-123", "webhook-id": id, "x-pombo-event": "message.exchange",
        "x-pombo-instance": name, "x-pombo-attempt": "1"}
    posted = posted.but(webhook_timestamp=timestamp, webhook_signature=signature)
    assert verifiers.accept(secret, posted)

    assert list(posted.json) == ["event", "data", "instanceData", "id", "timestamp"]
    assert posted.json["event"] == "message.exchange"
    assert posted.json["instanceData"] == {"baseUrl": server.url, "instance": shop.name,
                                           "token": shop.token}
    assert list(posted.json["instanceData"]) == ["baseUrl", "instance", "token"]
    assert posted.json["id"] == id and re.fullmatch(UUID, id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", posted.json["timestamp"])
    assert posted.json["data"]["message"]["content"] == "olá"
    assert "olá".encode() in posted.raw and b'": ' not in posted.raw and b"\n" not in posted.raw


def test_what_was_tampered_with_is_refused(shop, crm, verifiers):
    secret = shop.webhook(crm.url)["secret"]
    other = shop.webhook(crm.url, "other")["secret"]
    shop.webhook(None, "other")
    shop.happens()
    [posted] = crm.wait(1)
    assert verifiers.accept(secret, posted)
    signature = posted.headers["webhook-signature"]
    forged = signature[:-2] + ("A" if signature[-2] != "A" else "E") + "="
    for changed in (posted.but(posted.raw + b" "), posted.but(posted.raw.replace(b"hi", b"ho")),
                    posted.but(webhook_id=posted.id[:-1] + "x"),
                    posted.but(webhook_timestamp=str(int(posted.headers["webhook-timestamp"]) + 1)),
                    posted.but(webhook_timestamp=str(int(time.time()) - 301)),
                    posted.but(webhook_signature=forged)):
        assert not verifiers.accept(secret, changed)
    assert not verifiers.accept(other, posted)


def test_the_example_of_the_readme(shop, crm):
    readme = (REPOSITORY / "README.md").read_text()
    names: dict = {}
    exec(readme.partition("```python\n")[2].partition("```")[0], names)
    former = shop.webhook(crm.url)["secret"]
    secret = shop.webhook(crm.url, rotateSecret=True)["secret"]
    shop.happens()
    [posted] = crm.wait(1)
    for key in (secret, former):
        assert names["is_ours"](key, posted.headers, posted.raw)
        assert not names["is_ours"](key, posted.headers, posted.raw + b" ")
        old = posted.but(webhook_timestamp=str(int(time.time()) - 301))
        assert not names["is_ours"](key, old.headers, old.raw)


def test_by_events(shop, crm):
    shop.webhook(crm.url + "/?key=1", byEvents=True)
    shop.happens()
    shop.happens(STATE, "instance.state")
    assert {each.path for each in crm.wait(2)} == {"/wa/message.exchange?key=1",
                                                   "/wa/instance.state?key=1"}
    assert "authorization" not in crm.seen[0].headers


def test_a_rotated_key_signs_too(shop, crm, verifiers):
    former = shop.webhook(crm.url)["secret"]
    secret = shop.webhook(crm.url, rotateSecret=True)["secret"]
    shop.happens()
    [posted] = crm.wait(1)
    fresh, old = posted.headers["webhook-signature"].split(" ")
    for key in (secret, former):
        assert verifiers.accept(key, posted)
    assert verifiers.accept(secret, posted.but(webhook_signature=fresh))
    assert verifiers.accept(former, posted.but(webhook_signature=old))
    assert not verifiers.accept(former, posted.but(webhook_signature=fresh))


def test_filters_and_labels(shop, crm):
    """Each label gets what it asks for when it happens, under one id."""
    for label, events in {"all": [], "states": ["instance.state"],
                          "calls": ["call.update"]}.items():
        shop.webhook(f"{crm.url}/{label}", label, events=events)
    shop.webhook(None, "calls")
    first = shop.happens()
    second = shop.happens(STATE, "instance.state")
    came = {(each.path, each.id) for each in crm.wait(3)}
    assert came == {("/wa/all", first), ("/wa/all", second), ("/wa/states", second)}
    assert len({each.raw for each in crm.seen}) == 2, "the same bytes for every label"
    assert len(shop.attempted(3, "delivered")) == 3


def test_media_in_base64_or_not(shop, crm):
    data = message() | {"message": {
        "type": "image", "content": "", "media": {
            "type": "image", "mimetype": "image/png", "mimeType": "image/png",
            "base64": "aGVsbG8="}}}
    shop.webhook(crm.url + "/with", "with", mediaBase64=True)
    shop.webhook(crm.url + "/without", "without")
    shop.happens(data)
    media = {each.path: each.json["data"]["message"]["media"] for each in crm.wait(2)}
    assert media["/wa/with"]["base64"] == "aGVsbG8="
    assert media["/wa/without"]["base64"] is None


# The answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204])
def test_accepted(shop, crm, status):
    crm.answer = lambda _: (status,)
    url = shop.webhook(crm.url)["url"]
    id = shop.happens()
    [row] = shop.attempted(1, "delivered")
    assert re.fullmatch(SECONDS, row["createdAt"]) and re.fullmatch(SECONDS, row["lastAttemptAt"])
    assert row == {"id": row["id"], "eventId": id, "event": "message.exchange", "label": "default",
                   "url": url, "status": "delivered", "attempts": 1, "lastStatusCode": status,
                   "lastError": None, "reason": None, "createdAt": row["createdAt"],
                   "lastAttemptAt": row["lastAttemptAt"], "nextAttemptAt": None}


@pytest.mark.row("X3")
@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 500, 503])
def test_not_accepted(shop, crm, status):
    """Tried again in five seconds or so; where a redirect points to, nobody goes."""
    crm.answer = lambda _: (status, {"Location": "/elsewhere"})
    shop.webhook(crm.url)
    shop.happens()
    [row] = shop.attempted()
    assert (row["status"], row["attempts"], row["lastStatusCode"], row["lastError"],
            row["reason"]) == ("pending", 1, status, f"HTTP {status}", None)
    assert seconds_from_now(row["nextAttemptAt"]) <= 6
    assert [each.path for each in crm.seen] == ["/wa"]


@pytest.mark.row("X4")
def test_gone(shop, crm):
    crm.answer = lambda _: (410,)
    shop.webhook(crm.url)
    shop.happens()
    [row] = shop.attempted(1, "dead")
    assert (row["attempts"], row["lastStatusCode"], row["reason"], row["nextAttemptAt"]) == \
        (1, 410, "gone", None)
    assert shop.api.get(f"/api/events/getWebhook/{shop.segment}").json["webhooks"][0]["enabled"]


@pytest.mark.row("X5")
def test_patience_that_is_asked_for(shop, crm):
    date = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    day = 24 * 3600
    for value, least, most in (("600", 540, 600), ("999999999", day - 60, day),
                               (date, 3540, 3600), ("-1", -60, 6), ("soon", -60, 6),
                               ("Sun, 06 Nov 1994 08:49:37 GMT", -60, 6)):
        crm.answer = lambda _: (503, {"Retry-After": value})
        shop.webhook(crm.url, value[:20])
        shop.happens()
        [row] = shop.attempted(label=value[:20])
        assert least <= seconds_from_now(row["nextAttemptAt"]) <= most, value
        shop.webhook(None, value[:20])


def test_nobody_there(shop):
    with socket.socket() as taken:  # and not listening
        taken.bind(("127.0.0.1", 0))
        shop.webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        shop.happens()
        [row] = shop.attempted()
    assert (row["status"], row["attempts"], row["lastStatusCode"]) == ("pending", 1, None)
    assert row["lastError"] and row["nextAttemptAt"]


def test_a_retry_is_the_same_event_signed_anew(shop, crm, verifiers):
    crm.answer = lambda posted: (500 if posted.headers["x-pombo-attempt"] == "1" else 200,)
    secret = shop.webhook(crm.url)["secret"]
    id = shop.happens()
    first, second = crm.wait(2)
    assert (first.id, second.id) == (id, id) and first.raw == second.raw
    assert [each.headers["x-pombo-attempt"] for each in crm.seen] == ["1", "2"]
    assert int(first.headers["webhook-timestamp"]) < int(second.headers["webhook-timestamp"])
    assert verifiers.accept(secret, first) and verifiers.accept(secret, second)
    [row] = shop.attempted(1, "delivered")
    assert row["attempts"] == 2


def test_a_slow_label_delays_nobody_else(shop, crm):
    with Receiver() as slow:
        released = []
        slow.answer = lambda _: released.append(crm.wait(20)) or (204,)
        shop.webhook(slow.url, "slow")
        shop.webhook(crm.url, "fast")
        for _ in range(20):
            shop.happens()
        assert len(crm.wait(20)) == 20, "while the other one has not answered once"
        assert len(shop.attempted(20, "delivered", label="slow")) == 20


# Disabled, and once more ----------------------------------------------------------------------


def test_what_waits_for_a_label_dies_with_it(shop, crm):
    crm.answer = lambda _: (500,)
    shop.webhook(crm.url)
    ids = {shop.happens() for _ in range(3)}
    shop.attempted(3)
    shop.webhook(None)
    rows = shop.attempted(3, "dead")
    assert {row["eventId"] for row in rows} == ids
    assert [(row["reason"], row["url"], row["nextAttemptAt"]) for row in rows] == \
        [("webhook disabled", None, None)] * 3
    assert sorted(shop.redelivered(ids=[row["id"] for row in rows])) == \
        sorted(row["id"] for row in rows), "as long as it is not enabled"
    crm.answer = lambda _: (204,)
    shop.webhook(crm.url)
    assert shop.redelivered(ids=[row["id"] for row in rows]) == []
    assert {row["eventId"] for row in shop.attempted(3, "delivered")} == ids


def test_once_more_with_what_is_configured_now(shop, crm, verifiers):
    shop.webhook(crm.url, authorization="Bearer a")
    id = shop.happens()
    [row] = shop.attempted(1, "delivered")
    secret = shop.webhook(crm.url + "/2", authorization="Bearer b", rotateSecret=True)["secret"]
    assert shop.redelivered(ids=["nobody's", row["id"], row["id"]]) == ["nobody's"]
    first, second = crm.wait(2)
    assert (second.path, second.headers["authorization"]) == ("/wa/2", "Bearer b")
    assert (second.id, second.raw) == (id, first.raw)
    assert second.headers["x-pombo-attempt"] == "1", "with attempts of its own"
    assert verifiers.accept(secret, second)
    [again] = shop.attempted(1, "delivered")
    assert (again["id"], again["url"]) == (row["id"], crm.url + "/2")


def test_all_that_is_dead_since_then(shop, crm):
    crm.answer = lambda _: (410,)
    shop.webhook(crm.url, "a")
    shop.webhook(crm.url, "b")
    for _ in range(3):
        shop.happens()
    rows = shop.attempted(6, "dead")
    crm.answer = lambda _: (204,)
    assert shop.redelivered(label="a", since="2999-01-01T00:00:00Z") == []
    assert len(shop.deliveries(status="dead")) == 6
    since = min(row["createdAt"] for row in rows)
    assert shop.redeliver(label="a", since=since).json["queued"] == 3
    shop.attempted(3, "delivered", label="a")
    assert len(shop.deliveries(label="b", status="dead")) == 3


def test_a_redelivery_that_names_nothing(shop):
    neither = "Either ids or label and since are required"
    for body, sentence in (
            ({}, neither), ({"ids": []}, neither), ({"label": "a"}, neither),
            ({"since": "2026-01-01T00:00:00Z"}, neither),
            ({"ids": ["1"], "label": "a", "since": "2026-01-01T00:00:00Z"}, neither),
            ({"label": "", "since": "2026-01-01T00:00:00Z"}, "The 'label' field must not be empty"),
            ({"ids": ["1"], "label": ""}, "The 'label' field must not be empty"),
            ({"ids": "1"}, "The 'ids' field must be a list of strings"),
            ({"ids": [str(n) for n in range(1001)]}, "The 'ids' field must be between 1 and 1000"),
            ({"label": "a", "since": "now"}, "The 'since' field must be an RFC 3339 timestamp"),
            ({"label": "a\n", "since": "2026-01-01T00:00:00Z"},
             "The 'label' field contains characters that are not allowed")):
        assert_refused(shop.redeliver(**body), 400, sentence)
    assert shop.redelivered(ids=[str(n) for n in range(1000)]) == [str(n) for n in range(1000)]


# The list -------------------------------------------------------------------------------------


def test_none_yet(shop):
    assert shop.page().json == {"success": True, "message": "0 Deliveries found", "deliveries": [],
                                "nextCursor": None}


def test_pages(shop, crm):
    shop.webhook(crm.url, "a")
    shop.webhook(crm.url, "b", events=["instance.state"])
    messages = [shop.happens() for _ in range(5)]
    shop.attempted(5, "delivered")  # only the order of one chat is certain
    state = shop.happens(STATE, "instance.state")
    shop.attempted(7, "delivered")
    assert [row["eventId"] for row in shop.deliveries(label="a")] == [state, *messages[::-1]], \
        "the newest first"
    seen, cursor = [], None
    while True:
        page = shop.page(limit=3, **({"cursor": cursor} if cursor else {})).json
        seen.append([row["id"] for row in page["deliveries"]])
        cursor = page["nextCursor"]
        if not cursor:
            break
    assert [len(page) for page in seen] == [3, 3, 1]
    assert sum(seen, []) == [row["id"] for row in shop.deliveries()]
    assert shop.page(limit=7).json["nextCursor"] is None
    assert len(shop.deliveries(label="b")) == 1 and shop.deliveries(label="c") == []
    assert len(shop.deliveries(status="delivered")) == 7
    assert shop.deliveries(status="dead") == shop.deliveries(status="pending") == []


@pytest.mark.row("R10")
@pytest.mark.parametrize("query, sentence", [
    ({"limit": "0"}, "The 'limit' field must be between 1 and 200"),
    ({"limit": "201"}, "The 'limit' field must be between 1 and 200"),
    ({"limit": "abc"}, "The 'limit' field must be an integer"),
    ({"cursor": "forged"}, "Invalid cursor"),
    ({"cursor": "9" * 40}, "Invalid cursor"),
    ({"status": "foo"}, "The 'status' field must be one of: pending, delivered, dead"),
    ({"label": "x" * 65}, "The 'label' field must be at most 64 characters")])
def test_a_page_that_there_is_not(shop, query, sentence):
    assert_refused(shop.page(**query), 400, sentence)


def test_what_is_anothers_is_not_there(api, shop, crm, fresh):
    """A delivery is named by its id, which is no secret: it counts for nothing elsewhere."""
    other = Shop(api, fresh("other"))
    shop.webhook(crm.url)
    other.webhook(crm.url)
    shop.happens()
    [row] = shop.attempted(1, "delivered")
    assert other.deliveries() == []
    assert other.redelivered(ids=[row["id"]]) == [row["id"]]
    assert len(crm.seen) == 1
    for path in ("deliveries", "redeliver", "test"):
        reply = api.as_(other.token).call("GET" if path == "deliveries" else "POST",
                                          f"/api/events/{path}/{shop.segment}")
        assert_refused(reply, 403, "Instance token does not match the requested instance")


# A test event ---------------------------------------------------------------------------------


def test_a_test_event(shop, crm, verifiers):
    crm.answer = lambda _: (201, {}, b"a\xff" + b"b" * 5000)
    secret = shop.webhook(crm.url, byEvents=True, events=["call.update"])["secret"]
    reply = shop.test()
    assert reply.status == 200
    took = reply.json["delivery"]["durationMs"]
    assert took >= 0
    assert reply.json == {"success": True, "message": "Test event delivered", "delivery": {
        "accepted": True, "url": crm.url + "/instance.state", "statusCode": 201,
        "durationMs": took, "body": "a\ufffd" + "b" * 4094, "error": None}}
    [posted] = crm.seen
    assert verifiers.accept(secret, posted)
    assert list(posted.json) == ["event", "data", "instanceData", "id", "timestamp"]
    assert posted.json["event"] == "instance.state" and posted.json["data"]["test"] is True
    assert shop.deliveries() == [], "outside of the queue"


def test_a_test_event_that_is_not_accepted(shop, crm):
    crm.answer = lambda _: (302, {"Location": "/elsewhere"}, b"no")
    shop.webhook(crm.url)
    reply = shop.test()
    assert (reply.status, reply.json["message"]) == (200, "Test event was not accepted")
    assert reply.json["delivery"] == {
        "accepted": False, "url": crm.url, "statusCode": 302,
        "durationMs": reply.json["delivery"]["durationMs"], "body": "no", "error": None}
    assert len(crm.seen) == 1


def test_a_test_event_to_nobody(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        shop.webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/", "crm")
        told = shop.test(label="crm").json["delivery"]
    assert (told["accepted"], told["statusCode"], told["body"]) == (False, None, "")
    assert told["error"]
    assert_refused(shop.test(), 404, "Webhook not found")
    shop.webhook(None, "crm")
    assert_refused(shop.test(label="crm"), 400, "Webhook is disabled")
