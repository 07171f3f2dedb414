"""POST /api/message/*, against the simulator."""

import re

import pytest
from client import LIMIT_HEADERS, assert_refused

JID = "5511999990000@s.whatsapp.net"
ANA = "5511988880000@s.whatsapp.net"
ID = re.compile("3EB0[0-9A-F]{16}")
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def shop(api):
    """A linked instance."""
    api.created("shop", connector="simulator")
    assert api.get("/api/instance/connect/shop").status == 200
    assert api.call("POST", "/api/simulator/scan/shop", {"number": "5511999990000"}).status == 200
    return "shop"


def send(api, kind, body, to=ANA, name="shop"):
    if isinstance(body, dict) and to:
        body = {"number": to} | body
    return api.call("POST", f"/api/message/{kind}/{name}", body)


def sent(api, kind, body, to=ANA, said="Message sent successfully"):
    """`data` of the answer, less what nobody can foretell."""
    reply = send(api, kind, body, to)
    assert reply.status == 200, reply
    assert reply.limit_headers == LIMIT_HEADERS
    data = reply.json["data"]
    assert reply.json == {"success": True, "message": said, "status": "sent", "data": data}
    assert ID.fullmatch(data.pop("messageId")) and TIME.fullmatch(data.pop("timestamp"))
    return data


def test_a_text_as_it_is_answered(api, shop):
    reply = send(api, "text", {"message": "Hello"})
    data = reply.json["data"]
    assert reply.raw.decode() == (
        '{"success":true,"message":"Message sent successfully","status":"sent","data":'
        f'{{"messageId":"{data["messageId"]}","messageType":"text","direction":"outgoing",'
        f'"content":"Hello","timestamp":"{data["timestamp"]}","source":"api",'
        f'"chat":{{"jid":"{ANA}","lid":null,"type":"private"}},"sender":{{"jid":"{JID}"}}}}}}')


REFUSED = {
    "text": [({}, "message is required"), ({"message": " "}, "message is required"),
             ({"message": 5}, "Invalid request body: The 'message' field must be a string")],
}


@pytest.mark.parametrize("kind, body, said", [
    pytest.param(kind, body, said, id=f"{kind}-{said}")
    for kind, rows in REFUSED.items() for body, said in rows])
def test_what_is_refused(api, shop, kind, body, said):
    assert_refused(send(api, kind, body), 400, said)


def test_whom_it_is_for(api, shop):
    text = {"message": "Hello"}
    for missing in ({}, {"number": ""}, {"number": None}, {"number": "  "}):
        assert_refused(send(api, "text", text | missing, to=None), 400, "Number is required")
    for bad in ("Ana", "1" * 10_000, "1234567", "1" * 16, "5511988880000@c.us", "@g.us",
                "x@lid", "a@b@c", "status@broadcast.", "55119888800\u00300x"):
        assert_refused(send(api, "text", text, to=bad), 400, f"Invalid number: {bad}")
    assert_refused(send(api, "text", text, to="5511988880404"), 400,
                   "Number is not registered on WhatsApp")
    for good, jid, word in (
            ("+55 (11) 98888-0000", ANA, "private"), (5511988880000, ANA, "private"),
            ("5511988880000:4@s.whatsapp.net", ANA, "private"),
            ("1234567@lid", "1234567@lid", "private"),
            ("120363000000000000@newsletter", "120363000000000000@newsletter", "newsletter")):
        assert sent(api, "text", text, to=good)["chat"] == {"jid": jid, "lid": None, "type": word}
    assert sent(api, "text", text, to="12036300000000@g.us")["chat"]["groupName"]


@pytest.mark.row("M2")
def test_a_second_spelling_of_the_number(api, shop):
    text = {"message": "Hello", "to": "5521977770000"}
    assert sent(api, "text", text, to=None)["chat"]["jid"] == "5521977770000@s.whatsapp.net"
    assert sent(api, "text", text)["chat"]["jid"] == ANA


def test_only_who_is_connected_sends(api, fresh):
    name = fresh("shop")
    api.created(name, connector="simulator")
    assert_refused(send(api, "text", {"message": "Hello"}, name=name), 503,
                   "Instance is not connected to WhatsApp")
    assert_refused(send(api, "text", {}, name=name), 400, "message is required")
    assert_refused(send(api, "telegram", {}, name=name), 404, "Not found")


def test_malformed_json_says_why(api, shop):
    for body, detail in ((b"{", "incomplete JSON"), (b"[]", "not an object"),
                         (b'{"a":1,"a":2}', "a key stands there twice")):
        assert_refused(send(api, "text", body), 400, f"Invalid request body: {detail}")
